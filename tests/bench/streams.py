#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""B8: a thousand WebSocket streams in one process: how long until all are live, that they stay, memory for each.

Usage: python3 tests/bench/streams.py [STREAMS [SECONDS]]      (default 1000 and 30; BUILD=build)
Three hosts, one after the other, each against a practice instance of its own: one account with all streams on one connection; the same on a
server that wants one connection a stream; one account, and so one connection, for each stream. Nothing may wait or reconnect meanwhile, and the
memory at the end is held against that at the beginning.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

import common


class Program:
    """A running moontusk whose output is counted."""

    def __init__(self, *args, **more):
        env = {**os.environ, **more, "NO_COLOR": "1"}
        self.process = subprocess.Popen([common.MOONTUSK, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
        self.live = 0
        self.lines = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            text = line.decode("utf-8", "replace")
            self.live += " is live" in text
            self.lines.append(text)

    def wait(self, condition, what):
        until = time.monotonic() + 120
        while not condition():
            if time.monotonic() > until or self.process.poll() is not None:
                self.stop()
                sys.exit(f"never {what} ({self.live} live):\n{''.join(self.lines[-30:])}")
            time.sleep(0.01)

    def found(self, pattern):
        return next((match for match in (re.search(pattern, line) for line in self.lines) if match), None)

    def memory(self):
        """RssAnon in KiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"RssAnon:\s+(\d+)", file.read()).group(1))

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def plugins(folder, streams):
    """Plugins that subscribe to all of them; a plugin may have 256."""
    names = []
    for start in range(0, len(streams), 200):
        lines = ['local tusk = require "moontusk"'] + [f"tusk.subscribe({stream})" for stream in streams[start:start + 200]]
        lines.append('tusk.on("delete", function() end)')
        name = f"part{start}.lua"
        common.write(folder, name, "\n".join(lines) + "\n")
        names.append(f'{{ "./{name}", account = "bot0" }}')
    return ", ".join(names)


def status(state):
    done = subprocess.run([common.MOONTUSK, "status", "--json", "--state", state], capture_output=True, check=True)
    return json.loads(done.stdout)


def measure(folder, practice_flags, account_count, streams, seconds):
    """(Seconds until all are live, KiB then, KiB at the end, connections of the host.)"""
    practice = Program("practice", "--port", "0", "--quiet", "--events", os.devnull, *practice_flags)
    practice.wait(lambda: practice.found(r"token: (\S+)"), "ready")
    server, token = practice.found(r"server: (\S+)").group(1), practice.found(r"token: (\S+)").group(1)
    accounts = ", ".join(f'bot{n} = {{ server = "{server}", token = env "BOT", transport = "ws" }}' for n in range(account_count))
    config = common.write(folder, "moontusk.lua",
                          f"return {{ accounts = {{ {accounts} }}, plugins = {{ {plugins(folder, streams)} }} }}")
    with tempfile.TemporaryDirectory() as state:
        start = time.monotonic()
        host = Program("run", "--config", config, "--state", state, BOT=token)
        host.wait(lambda: host.live >= len(streams), "all live")
        took = time.monotonic() - start
        time.sleep(2)
        begin = host.memory()
        time.sleep(seconds)
        end = host.memory()
        sockets = sum(os.readlink(f"/proc/{host.process.pid}/fd/{fd}").startswith("socket")
                      for fd in os.listdir(f"/proc/{host.process.pid}/fd"))
        states = [stream["state"] for account in status(state)["accounts"] for stream in account["streams"]]
        trouble = [line for line in host.lines if " waiting" in line or "next attempt" in line]
        host.stop()
    practice.stop()
    if trouble or set(states) - {"live", "filling"} or len(states) != len(streams):
        sys.exit(f"not steady: {len(states)} streams, {sorted(set(states))}\n{''.join(trouble[:10])}")
    return took, begin, end, sockets


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30
    tags = [f'"hashtag", "tag{n}"' for n in range(count)]
    owns = [f'"direct", {{ account = "bot{n}" }}' for n in range(count)]
    rows = [
        ("one account, one connection", [], 1, tags),
        ("one account, one connection a stream", ["--profile", "gotosocial"], 1, tags),
        ("one account and connection a stream", [], count, owns),
    ]
    knows = subprocess.run([common.MOONTUSK, "practice", "--help"], capture_output=True, check=True).stdout
    for name, flags, accounts, streams in rows:
        if flags and flags[0].encode() not in knows:
            continue
        with tempfile.TemporaryDirectory() as folder:
            one = measure(folder, flags, 1, streams[:1], 1)
            took, begin, end, sockets = measure(folder, flags, accounts, streams, seconds)
        print(f"{name}: {count} streams live after {took:.1f} s (target: 10), {sockets} sockets, "
              f"{(begin - one[1]) / max(1, count - 1):.1f} KiB each, {begin / 1024:.1f} MiB in all, "
              f"{(end - begin) / 1024:+.1f} MiB after {seconds:.0f} s without one that waited", flush=True)


main()
