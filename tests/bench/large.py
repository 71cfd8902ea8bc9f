#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A gigabyte of JSONL through `replay` with 1,000 words, with --jobs 1 and 2: memory, time, and that both find the same posts.

Usage: python3 tests/bench/large.py [MEGABYTES]      (default 1000; BUILD=build; TMPDIR says where there is room)
Memory is the most that the process had resident, libraries included. Exit code 1 when a run needed 100 MB or more, or when the runs did
not find the same. What was written is removed at the end, also after Ctrl-C.
"""
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import common

MEMORY_MAX_MB = 100
SAMPLE = 2000
WORDS = 1000
# Some of the made-up statuses have these; none has the others.
PRESENT = ("bloomscrolling", "güzeldi", "고양이", "красиво")
PLUGIN = """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", { words = "words.txt" }, function(status, event)
  print("found " .. status.id .. " " .. event.match.pattern .. " " .. event.match.source.start)
end)
"""


def generate(folder, megabytes):
    """A file of made-up statuses, each with an id of its own; (path, number of statuses)."""
    sample = os.path.getsize(common.statuses(folder, SAMPLE))
    count = int(megabytes * 1e6 * SAMPLE / sample) + 1
    free = shutil.disk_usage(folder).free
    if free < megabytes * 1.1e6:
        sys.exit(f"{folder} has {free / 1e6:.0f} MB left, the file needs {megabytes} MB: set TMPDIR")
    return common.statuses(folder, count), count


def replay(path, plugin, jobs):
    """One run: seconds, peak of resident memory in MB, number of matches, and a digest of what they were, in order."""
    start = time.monotonic()
    found, digest = 0, hashlib.sha256()
    with subprocess.Popen([common.MOONTUSK, "replay", "--jobs", str(jobs), path, "--", plugin],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        last = b""
        for line in process.stderr:
            hit = re.search(rb"found \d+ .*", line)
            if hit:
                found += 1
                digest.update(hit.group() + b"\n")
            last = last if hit else line
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"replay --jobs {jobs} ended with {process.returncode}: {last.decode(errors='replace')}")
    return time.monotonic() - start, usage.ru_maxrss * 1024 / 1e6, found, digest.hexdigest()


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        path, count = generate(folder, megabytes)
        words = common.absent_words(WORDS - len(PRESENT)) + list(PRESENT)
        common.write(folder, "words.txt", "\n".join(words) + "\n")
        plugin = common.write(folder, "plugin.lua", PLUGIN)
        size = os.path.getsize(path) / 1e6
        print(f"{count} statuses, {size:.0f} MB, {WORDS} words")
        results = []
        for jobs in (1, 2):
            seconds, memory, found, digest = replay(path, plugin, jobs)
            results.append((memory, found, digest))
            common.row(f"--jobs {jobs}", f"{memory:.1f} MB",
                       f"{found} matches, sha256 {digest[:16]}, {seconds:.1f} s, {size / seconds:.0f} MB/s")
    same = results[0][1:] == results[1][1:] and results[0][1] > 0
    small = max(result[0] for result in results) < MEMORY_MAX_MB
    common.row("the same matches in the same order", "yes" if same else "NO")
    common.row(f"less than {MEMORY_MAX_MB} MB", "yes" if small else "NO")
    sys.exit(0 if same and small else 1)


if __name__ == "__main__":
    main()
