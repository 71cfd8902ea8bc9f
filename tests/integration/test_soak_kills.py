#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The soak of test_soak.py with twenty times kill -9: actions, archive and store agree that each post was handled once."""
import collections
import os
import random
import time
import unittest

from test_soak import FAULTS, LOUD, POSTS, Soak

import harness

# What the outbox knows in the end, and how many replies that may mean. After some attempts without an answer it gives up: which may
# be said, but nothing may happen twice.
DONE, FAILED, UNKNOWN = 1, 2, 3
RIGHT = {DONE: (1,), FAILED: (0,), UNKNOWN: (0, 1)}
KILLS = int(os.environ.get("MOONTUSK_SOAK_KILLS") or 20)


class Kills(Soak):
    acts = True
    # Nothing that waits for the look of every hour: a host that is killed every other minute does not come to it.
    faults = FAULTS or LOUD

    def test_twenty_kills_lose_nothing_and_do_nothing_twice(self):
        rng = random.Random(self.seed)
        self.begin()
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.1, 2.2) * harness.SLOW * POSTS / 10000)
            self.hosts[-1].kill()
            self.start_host()
        self.wait(self.is_said, 240, "the last post")
        posts, result = self.judge()
        self.agree(posts, result)

    def is_settled(self):
        return super().is_settled() and self.query("SELECT count(*) FROM intents WHERE state = 0")[0][0] == 0

    def agree(self, posts, result):
        """The actions at the server, the archive and the store tell the same."""
        numbers = {posts[n][0]: n for n in posts}
        for name, token in (("ws", self.server.token), ("sse", self.alice)):
            answered = collections.Counter(numbers.get(post, post) for post in self.answers(token))
            rows = self.query(f"SELECT target, state FROM intents WHERE instance = '{name}' AND action = 'reply'")
            states = {numbers[post]: state for post, state in rows}
            wanted = {n for n in posts if n % 10 == 0 and result[name][0][n]}
            print(f"{name}: {sum(answered.values())} replies to {len(wanted)} posts, "
                  f"{sum(state != DONE for state in states.values())} given up")
            self.assertEqual((set(states), len(rows)), (wanted, len(wanted)), f"seed {self.seed}: one reply asked for by each")
            wrong = {n: (answered[n], states.get(n)) for n in set(answered) | wanted if answered[n] not in RIGHT.get(states.get(n), ())}
            self.assertEqual(wrong, {}, f"seed {self.seed}: number: (replies, what the outbox knows of it)")
            self.assertLess(sum(state != DONE for state in states.values()), len(wanted) // 10 + 10)

    def answers(self, token):
        """Ids of the posts that an account has replied to, each as often."""
        me = self.get("/api/v1/accounts/verify_credentials", token)["id"]
        path, out = f"/api/v1/accounts/{me}/statuses?limit=40", []
        while True:
            page = self.get(path, token)
            if not page:
                return out
            out += [status["in_reply_to_id"] for status in page if status["in_reply_to_id"]]
            path = f"/api/v1/accounts/{me}/statuses?limit=40&max_id=" + page[-1]["id"]


if __name__ == "__main__":
    unittest.main()
