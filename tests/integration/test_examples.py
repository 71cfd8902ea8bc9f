#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every command that --help, README, the manual and the docs show is run, against a practice instance."""
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import unittest

import harness

VERBS = ("run", "tail", "replay", "check", "doctor", "practice", "demo")
CONFIG = """return {
  accounts = { bot = { server = "%s", token = env "BOT_TOKEN" } },
  plugins = { { "./caturday.lua", account = "bot" } },
}
"""


def shown_commands():
    """(where, command) of every command line that is shown anywhere, pipes included."""
    found = []
    for verb in VERBS:
        text = harness.run(verb, "--help")[1]
        for line in text.split("Examples:\n")[1].splitlines():
            if line.strip():
                found.append((verb + " --help", line.strip()))
    files = ["README.md", "CONTRIBUTING.md", *glob.glob("docs/*.md", root_dir=harness.SOURCE),
             *glob.glob("docs/*.scd", root_dir=harness.SOURCE), *glob.glob("plugins/*/README.md", root_dir=harness.SOURCE)]
    for name in files:
        with open(os.path.join(harness.SOURCE, name), encoding="utf-8") as file:
            text = file.read()
        for block in re.findall(r"```(?:sh)?\n(.*?)```", text, re.S):
            for line in block.replace("\\\n", " ").splitlines():
                if re.match(r"\s*(MOONTUSK_TOKEN=\S+ +)?(build/)?moontusk ", line):
                    found.append((name, line.strip()))
    return found


def runnable(command, url):
    """The command with the practice instance in place of a server, and an end where it has none."""
    command = re.sub(r"\s+#.*$", "", command).rstrip("& ")
    command = re.sub(r"^MOONTUSK_TOKEN=\S+ +", "", command)
    command = command.replace("https://mastodon.example", url).replace("http://127.0.0.1:4000", url)
    command = re.sub(r"--port \d+", "--port 0", command)
    parts = []
    for part in command.split(" | "):
        part = re.sub(r"^(build/)?moontusk", shlex.quote(harness.MOONTUSK), part.strip())
        verb = part.split()[1]
        flags = part.split(" -- ")[0]
        if verb in ("run", "practice", "demo", "tail") and "--seconds" not in part and "--count" not in part:
            part += " --seconds 1.5"
        if verb == "run" and "--state" not in part:
            part += " --state state"
        if verb == "tail" and "--seconds" in flags:
            part = re.sub(r"--seconds \S+", "--seconds 1.5", part)
        if verb == "doctor":
            part = re.sub(r"--coverage \S+", "--coverage 1s", part)
        if verb == "demo":
            part = re.sub(r"--seconds \S+", "--seconds 1.5", part)
        parts.append(part)
    return "set -o pipefail; " + " | ".join(parts)


class Examples(harness.Case):
    def prepare(self, url):
        source = harness.SOURCE
        shutil.copy(os.path.join(source, "examples/caturday.lua"), self.folder)
        shutil.copytree(os.path.join(source, "examples"), os.path.join(self.folder, "examples"))
        shutil.copytree(os.path.join(source, "plugins"), os.path.join(self.folder, "plugins"))
        shutil.copy(os.path.join(source, "examples/caturday.lua"), os.path.join(self.folder, "my.lua"))
        self.write("words.txt", "osprey\nkestrel\n")
        self.write("plugins/keyword_archive/words.txt", "osprey\nkestrel\n")
        self.write("moontusk.lua", CONFIG % url)
        self.write("scenario.lua", "")
        status = {"id": "1", "content": "<p>a cat</p>", "visibility": "public",
                  "account": {"id": "2", "acct": "a@b.example", "username": "a"}}
        self.write("events.jsonl", json.dumps(status) + "\n")
        with open(os.path.join(source, "docs/match.md"), encoding="utf-8") as file:
            casino, expect = re.findall(r"```lua\n(.*?)```", file.read().split("## Back-testing", 1)[1], re.S)
        self.write("casino.lua", casino)
        self.write("expect.lua", expect)
        status["content"] = "<p>A casino!</p>"
        status["account"]["created_at"] = status["created_at"] = "2026-11-20T12:00:00.000Z"
        self.write("archive/posts.jsonl", json.dumps(status) + "\n")

    def test_each_of_them_works(self):
        practice = self.practice("--quiet", "--rate", 20)
        self.prepare(practice.url)
        # Verbs that look at the state of a host find one that has run.
        code, _, err = harness.run("run", self.folder + "/caturday.lua", "--server", practice.url, "--seconds", "1",
                                   token=practice.token, home=self.folder, cwd=self.folder)[:3]
        self.assertEqual(code, 0, err)
        commands = shown_commands()
        self.assertGreater(len(commands), 15)
        for where, command in commands:
            with self.subTest(where=where, command=command):
                done = subprocess.run(
                    ["bash", "-c", runnable(command, practice.url)], cwd=self.folder, capture_output=True, timeout=60 * harness.SLOW,
                    stdin=subprocess.DEVNULL,
                    env=harness.clean_env(MOONTUSK_TOKEN=practice.token, BOT_TOKEN=practice.token, HOME=self.folder,
                                          MOONTUSK_PLUGINS=self.folder + "/plugins", TMPDIR=self.folder))
                self.assertEqual(done.returncode, 0, runnable(command, practice.url) + "\n" + done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
