#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at ten random instants of 2,000 replies: every trigger that was seen is answered once."""
import os
import random
import re
import sqlite3
import time
import unittest

import harness

TRIGGERS = 2000
KILLS = 10
PLUGIN = """
local tusk = require "moontusk"
tusk.subscribe("user:notification")
tusk.hear([[^order (\\d+)]], function(status, number)
  status:reply("done " .. number)
  tusk.store.count = (tusk.store.count or 0) + 1
end)
"""


class Kill(harness.Case):
    def test_every_trigger_that_was_seen_is_answered_once(self):
        seed = int(time.time())
        print("seed", seed)
        rng = random.Random(seed)
        practice = self.practice("--quiet", "--events", os.devnull)
        practice.rest("/practice/limit", "POST", {"most": 1000000})
        plugin = self.write("orders.lua", PLUGIN)
        state = self.folder + "/state"
        args = ["run", plugin, "--server", practice.url, "--state", state, "--quiet"]
        sent = 0
        for _ in range(KILLS):
            host = self.start(*args, token=practice.token)
            self.wait_for_listener(practice)
            share = TRIGGERS // KILLS
            practice.rest("/practice/mention", "POST", {"text": "order {n}", "count": share, "from": "alice"})
            sent += share
            time.sleep(rng.uniform(0.0, 0.5) * harness.SLOW)
            host.kill()
        host = self.start(*args[:-1], token=practice.token)
        host.wait_line("is live", "err")
        harness.wait_until(lambda: self.open_intents(state) == 0, 120, "an empty outbox")
        self.assertEqual(host.stop(), 0)
        seen = self.seen(state)
        answers = self.answers(practice)
        self.assertGreater(len(seen), TRIGGERS // 20)
        self.assertEqual(sent, TRIGGERS)
        once = sum(answers.get(trigger, 0) == 1 for trigger in seen)
        print(f"{sent} triggers, {len(seen)} seen, {once} answered once, {sum(answers.values())} answers in all")
        self.assertEqual(once, len(seen))
        self.assertEqual(sum(answers.values()), len(seen))
        self.assertEqual(self.stored_count(state), len(seen))

    def wait_for_listener(self, practice):
        harness.wait_until(lambda: any("notification" in name for name in practice.rest("/practice/state")[1]["listeners"]),
                           what="the host's subscription")

    def query(self, state, sql):
        database = sqlite3.connect(f"file:{state}/moontusk.db?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def open_intents(self, state):
        return self.query(state, "SELECT count(*) FROM intents WHERE state = 0")[0][0]

    def seen(self, state):
        """Status ids of the triggers: the target of each intent, one per notification that was seen."""
        notifications = self.query(state, "SELECT count(*) FROM seen WHERE kind = 'notification'")[0][0]
        targets = [row[0] for row in self.query(state, "SELECT target FROM intents WHERE action = 'reply'")]
        self.assertEqual(len(targets), notifications)
        return targets

    def stored_count(self, state):
        return int(self.query(state, "SELECT json FROM state WHERE key = 'count'")[0][0])

    def answers(self, practice):
        me = practice.rest("/api/v1/accounts/verify_credentials")[1]["id"]
        path, counts = f"/api/v1/accounts/{me}/statuses?limit=40", {}
        while path:
            _, page, headers = practice.request(path)
            for status in page:
                if status["in_reply_to_id"]:
                    counts[status["in_reply_to_id"]] = counts.get(status["in_reply_to_id"], 0) + 1
            link = re.search(r'<[^>]*?(/api/[^>]+)>; rel="next"', headers.get("Link") or "")
            path = link.group(1) if link and page else None
        return counts


if __name__ == "__main__":
    unittest.main()
