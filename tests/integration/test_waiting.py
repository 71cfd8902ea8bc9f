#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Handlers that wait: outcomes of actions, sleep, a kill in between, several events at a time."""
import json
import os
import random
import re
import sqlite3
import time
import unittest

import harness

TWO_REPLIES = """
local tusk = require "moontusk"
tusk.subscribe("user:notification")
tusk.hear([[^order (\\d+)]], function(status, number)
  local first = assert(status:reply("one " .. number):await())
  tusk.store.count = (tusk.store.count or 0) + 1
  tusk.log.info("first %s", first.id)
  assert(first.url:find(first.id, 1, true), first.url)
  tusk.sleep(PAUSE)
  local second = assert(tusk.post { text = "@alice two " .. number, in_reply_to_id = first.id }:await())
  tusk.log.info("second %s of %s", second.id, first.id)
end)
"""


class Waiting(harness.Case):
    def setUp(self):
        super().setUp()
        self.server = self.practice("--quiet", "--events", os.devnull)
        self.server.rest("/practice/limit", "POST", {"most": 1000000})
        self.state = self.folder + "/state"

    def host(self, plugin, *args):
        host = self.start("run", plugin, "--server", self.server.url, "--state", self.state, *args, token=self.server.token)
        harness.wait_until(lambda: any("notification" in name for name in self.server.rest("/practice/state")[1]["listeners"]),
                           what="the host's subscription")
        return host

    def mention(self, text, count=1):
        self.server.rest("/practice/mention", "POST", {"text": text, "count": count, "from": "alice"})

    def posts(self):
        """The bot's own posts, oldest first: (id, in_reply_to_id, text)."""
        me = self.server.rest("/api/v1/accounts/verify_credentials")[1]["id"]
        page = self.server.rest(f"/api/v1/accounts/{me}/statuses?limit=40")[1]
        return [(s["id"], s["in_reply_to_id"], re.sub("<[^>]+>", "", s["content"])) for s in reversed(page)]

    def query(self, sql):
        database = sqlite3.connect(f"file:{self.state}/moontusk.db?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def test_a_reply_is_answered_with_the_id_of_the_post(self):
        host = self.host(self.write("two.lua", TWO_REPLIES.replace("PAUSE", '"200ms"')))
        self.mention("order 7")
        found = host.wait_line(r"second (\d+) of (\d+)", "err")
        posts = self.posts()
        self.assertEqual([post[2] for post in posts], ["@alice one 7", "@alice two 7"])
        self.assertEqual((posts[1][0], posts[0][0]), found.groups())
        self.assertEqual(posts[1][1], posts[0][0])
        harness.wait_until(lambda: self.query("SELECT count(*) FROM deliveries")[0][0] == 0, what="an empty inbox")
        self.assertEqual(json.loads(self.query("SELECT json FROM state WHERE key = 'count'")[0][0]), 1)

    def test_a_kill_while_it_sleeps_repeats_nothing(self):
        plugin = self.write("two.lua", TWO_REPLIES.replace("PAUSE", '"1500ms"'))
        host = self.host(plugin)
        self.mention("order 1")
        first = host.wait_line(r"first (\d+)", "err").group(1)
        host.kill()
        self.assertEqual(len(self.posts()), 1)
        self.assertEqual(self.query("SELECT count(*) FROM state")[0][0], 0)  # applied at the end only
        host = self.host(plugin)
        self.assertEqual(host.wait_line(r"first (\d+)", "err").group(1), first)  # the recorded outcome
        host.wait_line("second", "err")
        harness.wait_until(lambda: self.query("SELECT count(*) FROM deliveries")[0][0] == 0, what="an empty inbox")
        self.assertEqual(len(self.posts()), 2)
        self.assertEqual(json.loads(self.query("SELECT json FROM state WHERE key = 'count'")[0][0]), 1)
        self.assertEqual(host.stop(), 0)

    def test_problems_are_values(self):
        host = self.host(self.write("bot.lua", """
local tusk = require "moontusk"
tusk.subscribe("user:notification")
tusk.hear("^too long", function(status)
  local result, problem = status:reply(string.rep("x", 6000)):await()
  print(result, problem.kind, problem.status, #problem.message > 0)
end)
tusk.hear("^slow", function(status)
  local handle = status:boost()
  local result, problem = handle:await { timeout = "300ms" }
  print(result, problem.kind)
  print("then", handle:await().status)
end)
"""))
        self.mention("too long, please")
        host.wait_line(r"bot: nil\\trefused\\t422\\ttrue", "err")
        self.server.rest("/practice/fail", "POST", {"path": "/api/v1/statuses", "method": "POST", "status": 503, "times": 1})
        self.mention("slow one")
        host.wait_line(r"bot: nil\\ttimeout", "err")
        host.wait_line(r"bot: then\\t200", "err", 30)
        self.assertEqual(host.stop(), 0)

    def test_events_are_worked_on_side_by_side_when_the_config_says_so(self):
        self.write("slow.lua", """
local tusk = require "moontusk"
tusk.subscribe("user:notification")
tusk.hear([[^order (\\d+)]], function(status, number)
  tusk.log.info("in %s", number)
  tusk.sleep(number == "1" and "1500ms" or "100ms")
  tusk.log.info("out %s", number)
end)
""")
        config = self.write("moontusk.lua", """
return {
  accounts = { bot = { server = "SERVER", token = env "MOONTUSK_TOKEN" } },
  plugins = { { "./slow.lua", account = "bot", concurrency = 3 } },
}""".replace("SERVER", self.server.url))
        host = self.start("run", "--config", config, "--state", self.state, token=self.server.token)
        host.wait_line("is live", "err")
        for number in (1, 2, 3, 4):
            self.mention(f"order {number}")
        host.wait_line("out 1", "err")
        said = [" ".join(found) for found in re.findall(r"slow: (in|out) (\d)", host.text())]
        self.assertEqual(said[0], "in 1")
        self.assertEqual(said[-1], "out 1")
        self.assertEqual([word for word in said if word.startswith("in")], ["in 1", "in 2", "in 3", "in 4"])
        self.assertLess(said.index("in 2"), said.index("out 1"))

    def test_a_plugin_that_lags_holds_up_its_own_streams_and_misses_nothing(self):
        self.write("slow.lua", """
local tusk = require "moontusk"
tusk.subscribe("user:notification")
tusk.hear([[^order (\\d+)]], function(status, number)
  tusk.sleep("10ms")
  tusk.store.list = (tusk.store.list or "") .. number .. " "
  if number == "300" then tusk.log.info("the last one") end
end)
""")
        config = self.write("moontusk.lua", """
return {
  accounts = { bot = { server = "SERVER", token = env "MOONTUSK_TOKEN" } },
  plugins = { { "./slow.lua", account = "bot", max_waiting = 40 } },
}""".replace("SERVER", self.server.url))
        host = self.start("run", "--config", config, "--state", self.state, token=self.server.token)
        host.wait_line("is live", "err")
        self.mention("order {n}", 300)
        host.wait_line("slow: [0-9]+ events wait for it, as many as may", "err")
        host.wait_line("slow: has caught up: its streams are read again", "err", 60)
        host.wait_line("the last one", "err", 60)
        self.assertEqual(host.stop(), 0)
        listed = json.loads(self.query("SELECT json FROM state WHERE key = 'list'")[0][0])
        self.assertEqual(listed.split(), [str(number) for number in range(1, 301)])

    def test_random_kills_between_waits_repeat_nothing(self):
        seed = int(time.time())
        print("seed", seed)
        rng = random.Random(seed)
        plugin = self.write("two.lua", TWO_REPLIES.replace("PAUSE", '"20ms"'))
        sent = 0
        for _ in range(6):
            host = self.host(plugin, "--quiet")
            self.mention("order {n}", 30)
            sent += 30
            time.sleep(rng.uniform(0.0, 0.5) * harness.SLOW)
            host.kill()
        host = self.host(plugin)
        host.wait_line("is live", "err")
        harness.wait_until(lambda: self.query("SELECT count(*) FROM deliveries")[0][0] == 0
                           and self.query("SELECT count(*) FROM intents WHERE state = 0")[0][0] == 0, 60, "the end of the work")
        self.assertEqual(host.stop(), 0)
        seen = self.query("SELECT count(*) FROM seen WHERE kind = 'notification'")[0][0]
        self.assertGreater(seen, 30)
        self.assertEqual(json.loads(self.query("SELECT json FROM state WHERE key = 'count'")[0][0]), seen)
        made = self.query("SELECT count(*), count(DISTINCT outcome) FROM intents WHERE state = 1")[0]
        self.assertEqual(made, (2 * seen, 2 * seen))
        me = self.server.rest("/api/v1/accounts/verify_credentials")[1]
        self.assertEqual(me["statuses_count"], 2 * seen)
        print(f"{sent} orders, {seen} seen, {made[0]} posts")


if __name__ == "__main__":
    unittest.main()
