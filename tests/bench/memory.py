#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""B7: how much memory a host takes, one more plugin, and one more idle WebSocket: RssAnon, without the libraries' code.

Usage: python3 tests/bench/memory.py [PLUGINS [SOCKETS]]      (default 50 and 100; BUILD=build)
Each host runs against a practice instance until its streams are live and its memory has not changed for a second.
"""
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

import common

PLUGIN = """
local tusk = require "moontusk"
local options = tusk.options { tag = { "caturday" } }
tusk.subscribe("public")
tusk.on("update", { text = [[\\bcat(s|urday)?\\b]], account = { bot = false } }, function(status)
  status:boost()
end)
"""


class Program:
    """A running moontusk whose output is kept."""

    def __init__(self, *args, **more):
        env = {**os.environ, **more, "NO_COLOR": "1"}
        self.process = subprocess.Popen([common.MOONTUSK, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
        self.text = ""
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.text += line.decode("utf-8", "replace")

    def wait(self, pattern, count=1):
        until = time.monotonic() + 120
        while len(re.findall(pattern, self.text)) < count:
            if time.monotonic() > until or self.process.poll() is not None:
                self.stop()
                sys.exit(f"no {pattern}:\n{self.text[-3000:]}")
            time.sleep(0.05)
        return re.search(pattern, self.text)

    def memory(self):
        """RssAnon in KiB, once it stays the same."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 1:
            with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
                now = int(re.search(r"RssAnon:\s+(\d+)", file.read()).group(1))
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.1)
        return last

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def measure(folder, server, token, plugins, sockets):
    """RssAnon of a host with so many plugins on one account, and one WebSocket for each of so many accounts."""
    names = [f"bot{n}" for n in range(sockets)]
    accounts = "".join(f'{name} = {{ server = "{server}", token = env "BOT", transport = "ws" }},' for name in names)
    list_of_plugins = "".join(f'{{ "./bot.lua", name = "bot_{n}", account = "bot0" }},' for n in range(plugins))
    more = "".join(f'tusk.subscribe("direct", {{ account = "{name}" }})\n' for name in names[1:])
    common.write(folder, "bot.lua", PLUGIN)
    common.write(folder, "more.lua", PLUGIN + more)
    first = f'{{ "./more.lua", account = "bot0" }},'
    config = common.write(folder, "moontusk.lua", f"return {{ accounts = {{ {accounts} }}, plugins = {{ {first}{list_of_plugins} }} }}")
    with tempfile.TemporaryDirectory() as state:
        host = Program("run", "--config", config, "--state", state, BOT=token)
        host.wait("is live", sockets)
        kib = host.memory()
        host.stop()
    return kib


def main():
    plugins = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    sockets = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with tempfile.TemporaryDirectory() as folder:
        practice = Program("practice", "--port", "0", "--quiet", "--events", os.devnull)
        server, token = practice.wait(r"server: (\S+)").group(1), practice.wait(r"token: (\S+)").group(1)
        one = measure(folder, server, token, 0, 1)
        with_plugins = measure(folder, server, token, plugins, 1)
        with_sockets = measure(folder, server, token, 0, 1 + sockets)
        practice.stop()
    print(f"host with 1 stream and 1 plugin: {one / 1024:.1f} MiB (target: at most 8)")
    print(f"one more plugin, of {plugins}: {(with_plugins - one) / plugins:.0f} KiB (target: at most 200)")
    print(f"one more account with an idle WebSocket, of {sockets}: {(with_sockets - one) / sockets:.0f} KiB (target: at most 60)")


main()
