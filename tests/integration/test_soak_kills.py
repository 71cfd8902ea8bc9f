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
        self.wait(lambda: self.query("SELECT count(*) FROM intents WHERE state = 0")[0][0] == 0, 60, "an empty outbox")
        self.agree(posts, result)
        self.assertEqual(self.hosts[-1].stop(), 0)

    def agree(self, posts, result):
        """The actions at the server, the archive and the store tell the same."""
        for name, token in (("ws", self.server.token), ("sse", self.alice)):
            answered = collections.Counter(self.answers(token))
            numbers = {posts[n][0]: n for n in posts}
            expected = collections.Counter({post: 1 for post, n in numbers.items() if n % 10 == 0 and result[name][0][n]})
            wrong = {numbers[post]: (answered[post], expected[post]) for post in expected | answered if answered[post] != expected[post]}
            print(f"{name}: {sum(answered.values())} replies to {len(expected)} posts")
            self.assertEqual(wrong, {}, f"seed {self.seed}: number: (replies, expected)")

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
