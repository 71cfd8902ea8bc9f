#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No room to write, and a broken database: the host says so, acts on nothing, loses nothing, and goes on when it can."""
import json
import os
import resource
import sqlite3
import time
import unittest

import harness

PLUGIN = """
local tusk = require "moontusk"
tusk.subscribe("user:notification")
local calls = 0
tusk.hear([[^order (\\d+)]], function(status, number)
  calls = calls + 1
  tusk.store.count = (tusk.store.count or 0) + 1
  tusk.store.ballast = ("x"):rep(20000) .. calls
  tusk.store.windowed = tusk.count("orders", { within = "24h" })
  status:reply("done " .. number)
  status:archive("orders")
end)
"""


class Full(harness.Case):
    def begin(self, plugin=PLUGIN):
        self.practice_instance = self.practice("--quiet", "--events", os.devnull)
        self.practice_instance.rest("/practice/limit", "POST", {"most": 1000000})
        self.state = self.folder + "/state"
        self.hook = self.webhook()
        host = self.host(plugin)
        self.wait_listener()
        return host

    def host(self, plugin=PLUGIN):
        self.write("orders.lua", plugin)
        config = self.write("moontusk.lua", f"""return {{
  accounts = {{ bot = {{ server = "{self.practice_instance.url}", token = env "MOONTUSK_TOKEN" }} }},
  alert = "{self.hook.url}/hook",
  plugins = {{ "./orders.lua" }},
}}""")
        host = self.start("run", "--config", config, "--state", self.state, "--clock-rate", "20", token=self.practice_instance.token)
        host.wait_line("is live", "err")
        return host

    def wait_listener(self):
        harness.wait_until(
            lambda: any("notification" in name for name in self.practice_instance.rest("/practice/state")[1]["listeners"]),
            what="the host's subscription")

    def told(self):
        return [json.loads(body)["title"] for _, _, body in self.hook.requests]

    def order(self, count):
        self.practice_instance.rest("/practice/mention", "POST", {"text": "order {n}", "count": count, "from": "alice"})

    def query(self, sql):
        database = sqlite3.connect(f"file:{self.state}/moontusk.db?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def replies(self):
        me = self.practice_instance.rest("/api/v1/accounts/verify_credentials")[1]["id"]
        page = self.practice_instance.rest(f"/api/v1/accounts/{me}/statuses?limit=40")[1]
        return sum(1 for status in page if status["in_reply_to_id"])

    def limit(self, host, most):
        hard = resource.prlimit(host.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(host.pid, resource.RLIMIT_FSIZE, (most, hard))

    def test_a_full_disk_pauses_the_host_until_there_is_room(self):
        host = self.begin()
        self.order(3)
        harness.wait_until(lambda: self.replies() == 3, what="three replies")
        wal = os.path.getsize(self.state + "/moontusk.db-wal")
        self.limit(host, wal)  # the log may not grow any more: as on a full disk
        self.order(5)
        host.wait_line("there is no room to write in .*: nothing is taken in and nothing is sent", "err")
        self.order(4)
        harness.wait_until(self.told, what="an alert, although nothing can be written")
        time.sleep(1.0 * harness.SLOW)
        self.assertEqual(self.replies(), 3)
        self.assertEqual(self.query("SELECT count(*) FROM seen WHERE kind = 'notification'")[0][0], 3)
        self.limit(host, resource.RLIM_INFINITY)
        host.wait_line("there is room again", "err")
        harness.wait_until(lambda: self.replies() == 12, what="all replies")
        self.assertEqual(self.query("SELECT json FROM state WHERE key IN ('count', 'windowed')"), [("12",), ("12",)])
        self.assertEqual(host.stop(), 0)
        with open(self.state + "/archive/orders/orders.jsonl", encoding="utf-8") as archive:
            self.assertEqual(len(archive.readlines()), 12)
        self.assertEqual(self.query("SELECT count(*) FROM intents WHERE instance = 'orders'"), [(12,)])
        self.assertEqual(self.told(), ["moontusk: there is no room to write", "moontusk: there is room again"])

    def test_a_full_disk_for_the_archive_pauses_the_host_too(self):
        host = self.begin()
        self.order(30)
        harness.wait_until(lambda: self.query("SELECT count(*) FROM intents WHERE state = 1 AND instance = 'orders'") == [(30,)], what="30 replies")
        archive = self.state + "/archive/orders/orders.jsonl"
        size = os.path.getsize(archive)
        # The log of the database was emptied by a restart; the archive is longer than it.
        self.assertEqual(host.stop(), 0)
        host = self.host()
        self.wait_listener()
        self.assertEqual(os.path.getsize(archive), size)
        self.limit(host, size)
        self.order(2)
        host.wait_line("there is no room to write", "err")
        self.assertEqual(os.path.getsize(archive), size)
        self.limit(host, resource.RLIM_INFINITY)
        harness.wait_until(lambda: self.query("SELECT count(*) FROM intents WHERE state = 1 AND instance = 'orders'") == [(32,)], what="32 replies")
        self.assertEqual(host.stop(), 0)
        with open(archive, encoding="utf-8") as lines:
            self.assertEqual(len(lines.readlines()), 32)

    def test_functions_and_schedules_of_a_turn_that_is_taken_back_run_again_and_once(self):
        plugin = """
local tusk = require "moontusk"
tusk.subscribe("user:notification")
tusk.hear([[^order (\\d+)]], function(status, number)
  tusk.log.info("after " .. number)
  tusk.after("20s", function()
    tusk.store.fired = (tusk.store.fired or 0) + 1
    tusk.log.info("fired " .. number)
  end)
end)
tusk.every("1m", { name = "slow", missed = "skip" }, function(due)
  tusk.log.info("begins " .. due)
  tusk.sleep("20s")
  tusk.store.ended = (tusk.store.ended or 0) + 1
  tusk.log.info("ended " .. due)
end)
"""
        host = self.begin(plugin)
        state = self.state + "/moontusk.db-wal"

        def count(words):
            return host.text().count(words)

        def full():
            self.limit(host, os.path.getsize(state))

        def room():
            harness.wait_until(lambda: count("no room to write in") > count("room again: going on"),
                               what=host.text())
            self.limit(host, resource.RLIM_INFINITY)
            harness.wait_until(lambda: count("no room to write in") == count("room again: going on"), what=host.text())

        def stored(key):
            return int((self.query(f"SELECT json FROM state WHERE key = '{key}'") or [("0",)])[0][0])

        def dues(word):
            return [line.split()[-1] for line in host.lines["err"] if f"{word} " in line]

        host.wait_line("begins", "err")
        full()  # it ends in a turn that is taken back
        room()
        first = dues("begins")[0]
        harness.wait_until(lambda: dues("ended").count(first) >= 2 or (dues("ended").count(first) == 1 and stored("ended")), what=host.text())
        full()
        self.order(1)  # it starts a function in a turn that is taken back
        room()
        harness.wait_until(lambda: stored("fired") == 1, what=host.text())
        self.order(1)
        harness.wait_until(lambda: len(dues("after")) == 3, what=host.text())
        full()  # the function runs in a turn that is taken back
        room()
        harness.wait_until(lambda: stored("fired") == 2, what=host.text())
        harness.wait_until(lambda: len(set(dues("begins"))) >= 3, what=host.text())
        harness.wait_until(lambda: stored("ended") >= len(set(dues("begins"))) - 1, what=host.text())
        self.assertEqual(host.stop(), 0)
        self.assertEqual(stored("fired"), 2)
        self.assertLessEqual(stored("ended"), len(set(dues("begins"))))

    def test_a_host_that_rests_can_be_stopped(self):
        host = self.begin()
        self.limit(host, 1)
        self.order(1)
        host.wait_line("there is no room to write", "err")
        self.limit(host, resource.RLIM_INFINITY)
        host.stop()
        host = self.host()
        self.assertEqual(host.stop(), 0)

    def test_a_broken_database_is_said_at_the_start_and_left_alone(self):
        host = self.begin()
        self.order(3)
        harness.wait_until(lambda: self.replies() == 3, what="three replies")
        self.assertEqual(host.stop(), 0)
        path = self.state + "/moontusk.db"
        with open(path, "r+b") as database:
            database.seek(4096)
            database.write(b"\xff" * 4096 * 3)
        with open(path, "rb") as database:
            before = database.read()
        status, _, err = self.run_to_end("run", self.folder + "/orders.lua", "--server", self.practice_instance.url, "--state", self.state,
                                         token=self.practice_instance.token)
        self.assertEqual(status, 1)
        self.assertRegex(err, "damaged|malformed")
        self.assertIn("put a copy of it back, or move the file away", err)
        with open(path, "rb") as database:
            self.assertEqual(database.read(), before)

    def test_a_database_that_breaks_while_it_runs_stops_the_host(self):
        host = self.begin()
        self.order(1)
        harness.wait_until(lambda: self.replies() == 1, what="a reply")
        database = sqlite3.connect(self.state + "/moontusk.db", timeout=10)
        database.execute("DROP TABLE seen")
        database.close()
        self.order(1)
        host.wait_line("put a copy of it back", "err")
        self.assertEqual(host.wait(), 1)
        self.assertEqual(self.replies(), 1)
        self.assertEqual(self.told(), ["moontusk stops: its database cannot be written"])


if __name__ == "__main__":
    unittest.main()
