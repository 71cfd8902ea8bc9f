#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Handlers that wait: outcomes of actions, sleep, a kill in between, several events at a time."""
import json
import os
import re
import sqlite3
import unittest

import harness

TWO_REPLIES = """
local tusk = require "moontusk"
tusk.subscribe("user:notification")
tusk.hear([[^order (\\d+)]], function(status, number)
  local first = assert(status:reply("one " .. number):await())
  tusk.store.count = (tusk.store.count or 0) + 1
  tusk.log.info("first %s", first.id)
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


if __name__ == "__main__":
    unittest.main()
