#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two plugins in one host: one tries every trick of the escape suite in turn, the other's events stay quick. And budgets of
the config."""
import glob
import os
import re
import sqlite3
import time
import unittest

import harness

TRICKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lua", "escape", "*.lua")
CALM_MS = 20     # between two events for the calm plugin
TRICK_EVERY = 15  # of those

# Both keep their figures to themselves until the end: log lines have a cap, and some tricks use it up.
CALM = """
local tusk = require "moontusk"
tusk.subscribe("public")
local late, reports = {}, 0
tusk.on("update", { text = [[^calm]] }, function(status)
  local sent = tonumber(tusk.text.visible(status.content):match("sent ([%d.]+)"))
  tusk.store.n = (tusk.store.n or 0) + 1
  late[#late + 1] = (tusk.now() - sent) * 1000
end)
tusk.on("update", { text = [[^report]] }, function()
  table.sort(late)
  local n = #late
  reports = reports + 1
  print(string.format("calm %d: %d events, p50 %.1f p99 %.1f worst %.1f", reports, n, late[n // 2 + 1], late[n * 99 // 100 + 1], late[n]))
  late = {}
end)
"""

WILD = """
local tusk = require "moontusk"
tusk.subscribe("public")
local tricks = {
%s
}
local begun = 0
tusk.on("update", function(status)
  local number = tonumber(tusk.text.visible(status.content):match("trick (%%d+)"))
  if number then
    begun = begun + 1
    tricks[number]()
  end
end)
tusk.on("update", { text = [[^report wild]] }, function()
  tusk.store.begun = begun
end)
"""


def tricks():
    """The code of each trick."""
    found = []
    for path in sorted(glob.glob(TRICKS)):
        with open(path, encoding="utf-8") as file:
            found += re.split(r"(?m)^--- .*\n", file.read())[1:]
    return found


def share():
    """How much longer than its CPU time something takes that never sleeps: 1 on a quiet machine."""
    wall, cpu = time.monotonic(), time.thread_time()
    while time.thread_time() - cpu < 0.2:
        pass
    return max(1.0, (time.monotonic() - wall) / 0.2)


class Budget(harness.Case):
    def host(self, config):
        server = self.practice("--quiet", "--events", os.devnull)
        server.rest("/practice/limit", "POST", {"most": 100000000})
        path = self.write("moontusk.lua", config.replace("SERVER", server.url))
        host = self.start("run", "--config", path, "--state", self.folder + "/state", token=server.token)
        harness.wait_until(lambda: any("public" in name for name in server.rest("/practice/state")[1]["listeners"]),
                           what="the host's subscription")
        return server, host

    def stored(self, key):
        database = sqlite3.connect(f"file:{self.folder}/state/moontusk.db?mode=ro", uri=True, timeout=10)
        try:
            return "".join(row[0] for row in database.execute("SELECT json FROM state WHERE key = ?", (key,)))
        finally:
            database.close()

    def test_one_plugin_cannot_hold_up_another(self):
        codes = tricks()
        self.assertGreater(len(codes), 60)
        self.write("calm.lua", CALM)
        self.write("wild.lua", WILD % "\n".join(f"function()\n{code}\nend," for code in codes))
        server, host = self.host("""return {
            accounts = { bot = { server = "SERVER", token = env "MOONTUSK_TOKEN" } },
            plugins = { { "./calm.lua", account = "bot" }, { "./wild.lua", account = "bot", cpu = "100ms", memory = "32MB",
                          failures = false } },
        }""")

        def calm(count):
            for _ in range(count):
                server.rest("/practice/post", "POST", {"text": f"calm sent {time.time():.4f}"})
                time.sleep(CALM_MS / 1000)

        def report(number, text):
            server.rest("/practice/post", "POST", {"text": text})
            line = host.wait_line(rf"calm {number}: (\d+) events, p50 ([\d.]+) p99 ([\d.]+) worst ([\d.]+)", "err", seconds=60)
            return [float(value) for value in line.groups()]

        busy = [share()]
        calm(100)
        count, _, before, _ = report(1, "report")
        self.assertEqual(count, 100)
        for number in range(1, len(codes) + 1):
            server.rest("/practice/post", "POST", {"text": f"trick {number}"})
            calm(TRICK_EVERY)
            if number % 20 == 0:
                busy.append(share())
        count, p50, p99, worst = report(2, "report wild")
        harness.wait_until(lambda: self.stored("begun") == str(len(codes)), what="word of every trick")
        print(f"{len(codes)} tricks; latency of the other plugin: p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {worst:.1f} ms; "
              f"p99 without tricks {before:.1f} ms; "
              f"the machine gave 1/{max(busy):.1f} of a core at worst")
        self.assertEqual(count, TRICK_EVERY * len(codes))
        if max(busy) > 3:
            self.skipTest("the machine is too busy to measure times")
        # The figure itself is for a machine of our own (MOONTUSK_P99_MS=150): elsewhere only a hold-up of several budgets fails.
        bound = float(os.environ.get("MOONTUSK_P99_MS", "800"))
        self.assertLess(p99, bound * harness.SLOW * max(busy) + before)
        self.assertEqual(host.stop(), 0)

    def test_the_config_sets_the_budget(self):
        self.write("slow.lua", """
            local tusk = require "moontusk"
            tusk.subscribe("public")
            tusk.on("update", { text = "loop" }, function() while true do end end)
            tusk.on("update", { text = "grow" }, function() local t = {} while true do t[#t + 1] = {} end end)
            """)
        server, host = self.host("""return {
            accounts = { bot = { server = "SERVER", token = env "MOONTUSK_TOKEN" } },
            plugins = { { "./slow.lua", account = "bot", cpu = "30ms", memory = "2MB" } },
        }""")
        server.rest("/practice/post", "POST", {"text": "loop"})
        host.wait_line(r"slow\.lua:4: used more than 30 ms of CPU time", "err")
        server.rest("/practice/post", "POST", {"text": "grow"})
        host.wait_line(r"slow\.lua:5: (out of memory: \d+ KiB in use, the limit is 2048 KiB|used more than 30 ms)", "err")
        self.assertEqual(host.stop(), 0)

    def test_a_wrong_budget_is_named(self):
        self.write("x.lua", "")
        for key, value, expected in (("cpu", "fast", r"plugins\[1\]\.cpu: expected the CPU time of one call, 10ms to 10s"),
                                     ("memory", "64", r"plugins\[1\]\.memory: expected a size of 1MB to 1GB"),
                                     ("memroy", "64MB", r'unknown key "memroy".*"memory"')):
            path = self.write("moontusk.lua", f'return {{ plugins = {{ {{ "./x.lua", {key} = "{value}" }} }} }}')
            code, _, err = self.run_to_end("check", "--config", path)
            self.assertEqual(code, 1)
            self.assertRegex(err, expected)

    def test_a_config_that_never_ends_is_ended(self):
        path = self.write("moontusk.lua", "local x = 1\nwhile true do x = x + 1 end")
        code, _, err = self.run_to_end("check", "--config", path)
        self.assertEqual(code, 1)
        self.assertRegex(err, r"moontusk\.lua:2: used more than 1000 ms of CPU time")


if __name__ == "__main__":
    unittest.main()
