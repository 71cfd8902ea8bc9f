#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""B4: live on loopback into a handler that reads 4 fields: moontusk, masto.js and Mastodon.py behind the same sender.

Usage: python3 tests/bench/live.py [EVENTS]      (default 60000; BUILD=build; ONLY=moontusk leaves the others out)
Rates are by the wall clock, CPU time is of the reading process with all its threads, both from its first event to its last.
masto.js is fetched by npm into a temporary folder; what cannot be had is left out.
"""
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

import common

SECONDS_MAX = 180
RATE, RATE_SECONDS = 20000, 5
PLUGIN = """
local tusk = require "moontusk"
tusk.subscribe("public")
local n = 0
tusk.on("update", function(status)
  n = n + 1
  local _ = status.id .. status.account.acct .. status.content .. status.visibility
  if n == 1 then tusk.log.info("first") end
  if n == %d then tusk.log.info("last") end
end)
"""
MASTO_JS = """
import { createStreamingAPIClient } from "masto";
const client = createStreamingAPIClient({ streamingApiUrl: process.argv[2].replace("http", "ws"), accessToken: "t" });
const wanted = Number(process.argv[3]);
let n = 0;
for await (const event of client.public.subscribe()) {
  if (event.event !== "update") continue;
  const status = event.payload;
  const _ = status.id + status.account.acct + status.content + status.visibility;
  if (++n === 1) console.log("first");
  if (n === wanted) console.log("last");
}
"""
MASTODON_PY = """
import sys
import mastodon
class Listener(mastodon.StreamListener):
    n = 0
    def on_update(self, status):
        self.n += 1
        _ = status["id"], status["account"]["acct"], status["content"], status["visibility"]
        if self.n == 1:
            print("first", flush=True)
        if self.n == int(sys.argv[2]):
            print("last", flush=True)
api = mastodon.Mastodon(access_token="t", api_base_url=sys.argv[1], version_check_mode="none")
api.stream_public(Listener())
"""


def cpu_ns(pid):
    """CPU time of a process with all its threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        except FileNotFoundError:
            pass  # a thread that has just ended
    return total


def end(process):
    """Stops one of ours."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def wait_word(process, word, until):
    """Reads lines until one has the word."""
    while True:
        ready, _, _ = select.select([process.stdout], [], [], max(0, until - time.monotonic()))
        line = process.stdout.readline() if ready else b""
        if word in line:
            return
        if not line:
            sys.exit(f"no \"{word.decode()}\" from {process.args}")


def measure(transport, count, command, rate=0):
    """(wall seconds, CPU seconds) of a reader from its first event to its last; `command` is a function of the sender's URL."""
    until = time.monotonic() + SECONDS_MAX
    sender = subprocess.Popen([os.path.join(common.TOOLS, "sender"), transport, str(count), str(rate)], stdout=subprocess.PIPE)
    try:
        url = sender.stdout.readline().decode().strip()
        env = dict(os.environ, MOONTUSK_TOKEN="t")
        reader = subprocess.Popen(command(url), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0, env=env)
        try:
            wait_word(reader, b"first", until)
            start, before = time.monotonic(), cpu_ns(reader.pid)
            wait_word(reader, b"last", until)
            return time.monotonic() - start, (cpu_ns(reader.pid) - before) / 1e9
        finally:
            end(reader)
    finally:
        end(sender)


def show(name, transport, count, took, note=""):
    """One row; returns CPU microseconds an event."""
    wall, cpu = took
    micros = cpu / count * 1e6
    common.row(f"{name}, {transport}", f"{count / wall:,.0f}/s", f"{micros:.1f} us CPU an event  {note}")
    return micros


def masto_js(folder):
    """The script in a folder with the package, or None."""
    if not shutil.which("npm") or not shutil.which("node"):
        return None
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, "masto", "ws"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS_MAX, check=False)
    return common.write(folder, "reader.mjs", MASTO_JS) if done.returncode == 0 else None


def mastodon_py():
    """The Python that has it, or None."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import mastodon"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return python
    return None


def others(folder, count):
    """{name: (wall, CPU) an event in microseconds} of the libraries that people use."""
    found = {}
    script, python = masto_js(folder), mastodon_py()
    if script:
        few = max(count // 3, 1)
        took = measure("ws", few, lambda url: ["node", script, url, str(few)])
        show("masto.js", "ws", few, took)
        found["masto.js"] = [value / few for value in took]
    else:
        common.row("masto.js", "-", "not installed")
    if python:
        few = max(count // 20, 1)
        script = common.write(folder, "reader.py", MASTODON_PY)
        took = measure("sse", few, lambda url: [python, script, url, str(few)])
        show("Mastodon.py", "sse", few, took)
        found["Mastodon.py"] = [value / few for value in took]
    else:
        common.row("Mastodon.py", "-", "not installed")
    return found


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60000
    moontusk, bare = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        def run(transport, number):
            plugin = common.write(folder, f"reader{number}.lua", PLUGIN % number)
            state = tempfile.mkdtemp(dir=folder)
            return lambda url: [common.MOONTUSK, "run", plugin, "--server", url, "--transport", transport, "--state", state]

        for transport in ("sse", "ws"):
            took = measure(transport, count, lambda url, kind=transport: [
                os.path.join(common.TOOLS, "count"), kind, url.rsplit(":", 1)[1], str(count)])
            bare[transport] = show("bare reader that counts", transport, count, took)
            took = measure(transport, count, run(transport, count))
            note = f"{took[1] / count * 1e6 - bare[transport]:.1f} us on top of the bare reader"
            show("moontusk, into a Lua handler", transport, count, took, note)
            moontusk[transport] = [value / count for value in took]
        number = RATE * RATE_SECONDS
        for transport in ("sse", "ws"):
            wall, cpu = measure(transport, number, run(transport, number), RATE)
            common.row(f"moontusk, {transport}, sent at {RATE:,}/s", f"{cpu / wall * 100:.0f} % of a core",
                       f"{cpu / number * 1e6:.1f} us CPU an event; {number / wall:,.0f}/s handled")
        if os.environ.get("ONLY") == "moontusk":
            return
        for name, times in others(folder, count).items():
            for transport in ("sse", "ws"):
                common.row(f"moontusk, {transport}, against {name}", f"{times[0] / moontusk[transport][0]:.1f} x",
                           f"{times[1] / moontusk[transport][1]:.1f} x by CPU time")


if __name__ == "__main__":
    main()
