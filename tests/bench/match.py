#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""B1, B2, B6: statuses that match nothing, with 1,000 and 10,000 words, and with 1 to 1,000 rules; and what others take.

Usage: python3 tests/bench/match.py [STATUSES]      (default 100000; BUILD=build)
Every figure is CPU time, the least of three runs; each ratio is taken in this one run. What is not installed (jq, node) is left out.
"""
import json
import os
import re
import shutil
import sys
import tempfile

import common

REPLAY = """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", { words = "%s" }, function() tusk.log.info("a match") end)
"""
PYTHON = r"""
import json, re, sys
word = re.compile(r"\b(?:" + "|".join(map(re.escape, open(sys.argv[2]).read().split())) + r")\b", re.I)
tag = re.compile(r"<[^>]*>")
hits = 0
for line in open(sys.argv[1], encoding="utf-8"):
    status = json.loads(line)
    text = tag.sub(" ", status["content"]) + " " + status["spoiler_text"]
    hits += bool(word.search(text))
print(hits)
"""
NODE = r"""
const fs = require("fs"), readline = require("readline");
const words = fs.readFileSync(process.argv[3], "utf8").split("\n").filter(Boolean);
const word = new RegExp("\\b(?:" + words.join("|") + ")\\b", "iu");
let hits = 0;
readline.createInterface({ input: fs.createReadStream(process.argv[2]) })
  .on("line", line => {
    const status = JSON.parse(line);
    if (word.test(status.content.replace(/<[^>]*>/g, " ") + " " + status.spoiler_text)) hits++;
  })
  .on("close", () => console.log(hits));
"""


def matches(done):
    """How many events a replay says that it matched."""
    found = re.search(rb"(\d+) match", done.stderr)
    return int(found.group(1)) if found else -1


def replay(path, plugin, folder):
    """CPU seconds of a replay, with the set already in the cache."""
    command = [common.MOONTUSK, "replay", path, "--state", os.path.join(folder, "state"), "--", plugin]
    common.cpu_of(command, runs=1)
    cpu, _, done = common.cpu_of([common.MOONTUSK, "replay", path, "--", plugin])
    if matches(done) != 0:
        sys.exit(f"expected no match: {done.stderr[-500:]}")
    return cpu


def startup(plugin, folder):
    """CPU seconds of a replay of nothing: loading, compiling."""
    return common.cpu_of([common.MOONTUSK, "replay", common.write(folder, "empty.jsonl", ""), "--", plugin])[0]


def rules(folder, count):
    """A plugin with many rules, each with a pattern of its own."""
    lines = ["local tusk = require \"moontusk\"", "tusk.subscribe(\"public\")"]
    for word in common.absent_words(count, seed=9):
        lines.append(f"tusk.on(\"update\", {{ text = [[\\b{word}\\w*\\d+]] }}, print)")
    return common.write(folder, f"rules{count}.lua", "\n".join(lines) + "\n")


def others(path, folder, count, base):
    """The same job with the tools that people use today."""
    words = os.path.join(folder, "words1000.txt")
    jobs = {
        "Python (json + re)": [sys.executable, common.write(folder, "job.py", PYTHON), path, words],
        "jq + grep -f": ["sh", "-c", f"jq -r '[.content, .spoiler_text] | join(\" \")' {path} | grep -ciwFf {words}"],
        "Node (JSON.parse + RegExp)": ["node", common.write(folder, "job.js", NODE), path, words],
        "one PCRE2 alternation, text extracted": [os.path.join(common.TOOLS, "alternation"), path, words],
    }
    for name, command in jobs.items():
        if not shutil.which(command[0]) or (name.startswith("jq") and not shutil.which("jq")):
            common.row(name, "-", "not installed")
            continue
        cpu = common.cpu_of(command, runs=1)[0]
        common.row(name, f"{count / cpu:,.0f}/s", f"moontusk is {cpu / base:.1f} x as fast")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    with tempfile.TemporaryDirectory() as folder:
        path = common.statuses(folder, count)
        size = os.path.getsize(path)
        parse = common.cpu_of([os.path.join(common.TOOLS, "parse_only"), path])[0]
        print(f"{count} statuses, {size / count:.0f} bytes each")
        common.row("JSON library, parse only", f"{count / parse:,.0f}/s", f"{size / parse / 1e6:.0f} MB/s")
        base = None
        for name, number in (("B1", 1000), ("B2", 10000)):
            common.write(folder, f"words{number}.txt", "\n".join(common.absent_words(number)) + "\n")
            plugin = common.write(folder, f"words{number}.lua", REPLAY % f"words{number}.txt")
            start = startup(plugin, folder)
            cpu = replay(path, plugin, folder) - start
            base = base or cpu
            common.row(f"{name}: {number} words, nothing matches", f"{count / cpu:,.0f}/s",
                       f"{parse / cpu:.2f} x parse only; start {start:.2f} s")
        times = {}
        for number in (1, 10, 100, 1000):
            plugin = rules(folder, number)
            times[number] = (replay(path, plugin, folder) - startup(plugin, folder)) / count * 1e6
            common.row(f"B6: {number} rules", f"{times[number]:.2f} us", f"{times[number] / times[1]:.2f} x one rule")
        others(path, folder, count, base)


if __name__ == "__main__":
    main()
