#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""B3: every event to a Lua handler that reads 4 fields, against lua-cjson decoding the same bytes, and against parsing alone.

Usage: python3 tests/bench/handlers.py [STATUSES]      (default 50000; BUILD=build; LUA=lua5.4)
Every figure is CPU time without the start of the program, the least of three runs taken in turn; ratios are of this one run. lua-cjson is the
Debian package of that name; without it only the ratio to parsing is printed.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import common

ROUNDS = 3
LUA = os.environ.get("LUA", "lua5.4")
FIELDS = "status.id .. status.account.acct .. status.content .. status.visibility"
HANDLER = f"""
local tusk = require "moontusk"
tusk.subscribe("public")
local total = 0
tusk.on("update", function(status)
  total = total + #({FIELDS})
end)
"""
IDLE = """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", { language = "xx" }, print)
"""
CJSON = """
local decode = require("cjson").decode
local total = 0
for line in io.lines(arg[1]) do
  local status = decode(line)
  %s
  total = total + #(""" + FIELDS + """)
end
"""
# A frame carries its payload as a string.
CJSON_FRAMES = CJSON % "status = decode(status.payload)"
CJSON_STATUSES = CJSON % ""


def frames_of(statuses, path):
    """The same statuses as frames of a WebSocket, one a line."""
    with open(statuses, encoding="utf-8") as lines, open(path, "w", encoding="utf-8") as out:
        for line in lines:
            frame = {"stream": ["public"], "event": "update", "payload": line.rstrip("\n")}
            out.write(json.dumps(frame, ensure_ascii=False, separators=(",", ":")) + "\n")
    return path


def has_cjson():
    """True when the Lua that is asked for has lua-cjson."""
    return shutil.which(LUA) and subprocess.run([LUA, "-e", "require 'cjson'"], check=False,
                                                stderr=subprocess.DEVNULL).returncode == 0


def jobs_of(folder, files):
    """Each command by name, with an empty file in the place of its input for its start."""
    handler, idle = common.write(folder, "handler.lua", HANDLER), common.write(folder, "idle.lua", IDLE)
    empty = common.write(folder, "empty.jsonl", "")

    def replay(plugin):
        return lambda path: [common.MOONTUSK, "replay", "--quiet", path, "--", plugin]

    jobs = {"parse": (lambda path: [os.path.join(common.TOOLS, "parse_only"), path], files["statuses"])}
    for kind, script in (("statuses", CJSON_STATUSES), ("frames", CJSON_FRAMES)):
        jobs["handler", kind] = (replay(handler), files[kind])
        jobs["idle", kind] = (replay(idle), files[kind])
        if has_cjson():
            job = common.write(folder, f"cjson-{kind}.lua", script)
            jobs["cjson", kind] = (lambda path, job=job: [LUA, job, path], files[kind])
    return {name: (make(path), make(empty)) for name, (make, path) in jobs.items()}


def measure(jobs):
    """CPU seconds of each without its start. One after the other in rounds, so that a busy machine hits all alike."""
    times = {}
    for _ in range(ROUNDS):
        for name, (command, nothing) in jobs.items():
            spent = common.cpu_of(command, runs=1)[0] - common.cpu_of(nothing, runs=1)[0]
            times[name] = min(spent, times.get(name, spent))
    return times


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50000
    with tempfile.TemporaryDirectory() as folder:
        files = {"statuses": common.statuses(folder, count)}
        files["frames"] = frames_of(files["statuses"], os.path.join(folder, "frames.jsonl"))
        times = measure(jobs_of(folder, files))
        print(f"{count} statuses, {os.path.getsize(files['statuses']) / count:.0f} bytes each")
        parse = times["parse"]
        common.row("JSON library, parse only", f"{count / parse:,.0f}/s")
        for kind in ("statuses", "frames"):
            cjson = times.get(("cjson", kind))
            if cjson:
                common.row(f"lua-cjson, {kind}", f"{count / cjson:,.0f}/s", f"{cjson / count * 1e6:.1f} us an event")
            else:
                common.row(f"lua-cjson, {kind}", "-", f"not installed for {LUA}")
            for job, name in (("idle", f"{kind} that no handler wants"), ("handler", f"B3: {kind} to a handler")):
                cpu = times[job, kind]
                ratio = f"{cjson / cpu:.2f} x lua-cjson, " if cjson else ""
                common.row(name, f"{count / cpu:,.0f}/s",
                           f"{cpu / count * 1e6:.1f} us an event; {ratio}{parse / cpu:.2f} x parse only")


if __name__ == "__main__":
    main()
