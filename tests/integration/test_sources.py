#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What no stream brings: bookmarks and favourites are read by polling, each with a cursor of its own."""
import json
import os
import sqlite3
import unittest

import harness

RATE = 150  # a poll every 0.4 s
ARCHIVER = """
local tusk = require "moontusk"
tusk.subscribe("user")
tusk.subscribe("bookmarks")
tusk.subscribe("favourites")
tusk.subscribe("hashtag", "caturday")
tusk.on("update", function(status, event) event:archive("posts") end)
tusk.on("bookmark", function(status, event) event:archive("bookmarks") end)
tusk.on("favourite", { tags = { "caturday" } }, function(status, event) event:archive("favourites") end)
tusk.on("disconnected", function(state) tusk.log.info("lost: %s %s %s", state.stream, state.state, state.reason) end)
"""
STREAMS = 4
HIRING = """
local tusk = require "moontusk"
tusk.subscribe("hashtag", "Hiring")
tusk.subscribe("hashtag", "#FediHiring")
tusk.subscribe("hashtag:local", "hiring")
tusk.subscribe("hashtag", "elsewhere")
tusk.subscribe("user")
tusk.subscribe("list", "%s")
tusk.on("update", function(status, event)
  local names = {}
  for i, stream in ipairs(event.streams) do names[i] = table.concat(stream, " ") end
  tusk.log.info("%%s on %%s.", status.id, table.concat(names, ", "))
  event:archive("posts")
  if event.streams[1][1]:find("hashtag", 1, true) then status:boost() end
  if status.spoiler_text == "slow" then tusk.sleep("60s") end
end)
"""


class Sources(harness.Case):
    def setUp(self):
        super().setUp()
        self.server = self.practice("--quiet", "--events", os.devnull, "--clock-rate", RATE)
        self.server.rest("/practice/limit", "POST", {"most": 1000000})
        people = self.server.rest("/practice/people")[1]
        ids = "&".join("id[]=" + p["id"] for p in people)
        followed = {r["id"] for r in self.server.rest("/api/v1/accounts/relationships?" + ids)[1] if r["following"]}
        self.stranger = next(p["acct"] for p in people if "@" in p["acct"] and p["id"] not in followed)
        self.state = self.folder + "/state"

    def act(self, name, **fields):
        status, body = self.server.rest("/practice/" + name, "POST", fields)
        self.assertEqual(status, 200, body)
        return body

    def post(self, text, who="alice"):
        return self.act("post", text=text, **{"from": who})["id"]

    def mark(self, status, verb="bookmark"):
        self.assertEqual(self.server.rest(f"/api/v1/statuses/{status}/{verb}", "POST")[0], 200)
        return status

    def run_host(self, *args, source=ARCHIVER):
        self.host = self.start("run", self.write("sources.lua", source), "--server", self.server.url, "--state", self.state,
                               "--clock-rate", RATE, *args, token=self.server.token)

    def streams(self):
        code, out, _ = self.run_to_end("status", "--json", "--state", self.state)
        return {s["stream"]: s for s in json.loads(out)["accounts"][0]["streams"]} if code == 0 else {}

    def settled(self):
        def quiet():
            streams = self.streams()
            return len(streams) == STREAMS and all(s["state"] == "live" and s["fetching"] == 0 for s in streams.values())

        harness.wait_until(quiet, what=self.host.text())

    def lines(self, name):
        path = f"{self.state}/archive/sources/{name}.jsonl"
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return [line for line in map(json.loads, file.read().split("\n")[:-1]) if line["kind"] != "gap"]

    def ids(self, name):
        return [line["payload"]["id"] for line in self.lines(name)]

    def cursors(self):
        database = sqlite3.connect(f"file:{self.state}/moontusk.db?mode=ro", uri=True)
        rows = database.execute("SELECT stream, kind, cursor FROM cursors").fetchall()
        database.close()
        return {(stream, kind): cursor for stream, kind, cursor in rows}

    def test_home_bookmarks_and_a_tag_each_have_a_cursor(self):
        before = [self.post(f"of before {n}") for n in range(3)]
        self.mark(before[0])
        self.mark(before[1], "favourite")
        self.run_host()
        self.settled()
        self.assertEqual({name: s["transport"] for name, s in self.streams().items()},
                         {"user": "ws", "hashtag": "ws", "bookmarks": "poll", "favourites": "poll"})
        self.assertRegex(self.run_to_end("status", "--state", self.state)[1], r"bookmarks: live \(poll\) .*nobody streams it")
        home = self.post("at home")
        cat = self.post("look #caturday", self.stranger)
        harness.wait_until(lambda: {home, cat} <= set(self.ids("posts")), what=self.host.text())
        # The streams end and take nothing; REST goes on. What is bookmarked now is newer than all that home has missed.
        self.act("fail", path="/api/v1/streaming", status=503, times=100000)
        self.act("refuse_upgrades", status=503)
        self.act("drop")
        self.host.wait_line("lost: user ", "err")
        missed = [self.post(f"missed at home {n}") for n in range(3)]
        newer = self.mark(self.post("newer than all of home #caturday", self.stranger))
        self.mark(newer, "favourite")
        self.mark(self.post("of no interest", self.stranger), "favourite")
        harness.wait_until(lambda: self.ids("bookmarks") == [newer] == self.ids("favourites"), what=self.host.text())
        self.assertEqual(self.host.stop(), 0)
        self.assertEqual(self.cursors()["user", "update"], home)  # the bookmark of a newer post has not moved it
        self.assertEqual(self.cursors()["hashtag", "update"], cat)
        self.assertEqual(self.cursors()["bookmarks", "bookmark"], "3")  # the mark's number, of whatever post
        self.act("clear")
        self.run_host()
        harness.wait_until(lambda: set(missed) <= set(self.ids("posts")), what=self.host.text())
        harness.wait_until(lambda: newer in self.ids("posts"), what=self.host.text())  # by its tag, too: that is another event
        self.settled()
        self.host.kill()
        # Away; more than one page, of posts that get older; one is taken back and marked again.
        old = [self.post(f"old {n}", self.stranger) for n in range(45)]
        away = [self.mark(status) for status in reversed(old)]
        self.mark(newer, "unbookmark")
        self.mark(newer)
        self.run_host()
        harness.wait_until(lambda: self.ids("bookmarks") == [newer, *away], what=self.host.text())
        self.settled()
        self.assertEqual({line["origin"] for line in self.lines("bookmarks")[1:]}, {"fill"})
        live = self.mark(before[2])
        harness.wait_until(lambda: self.ids("bookmarks") == [newer, *away, live], what=self.host.text())
        line = self.lines("bookmarks")[-1]
        self.assertEqual((line["kind"], line["stream"], line["origin"]), ("bookmark", ["bookmarks"], "live"))
        self.assertEqual(self.host.stop(), 0)
        self.assertEqual(len(self.ids("posts")), len(set(self.ids("posts"))))
        self.assertNotIn(before[0], self.ids("posts") + self.ids("bookmarks"))
        log = self.server.rest("/practice/log")[1]["requests"]
        polls = [row["query"] for row in log if row["path"] == "/api/v1/bookmarks"]
        self.assertTrue(all("limit=" in query for query in polls))

    def test_one_boost_and_both_tags_in_the_archive(self):
        lists = self.server.rest("/api/v1/lists")[1]
        for transport in ("ws", "sse"):
            self.state = f"{self.folder}/{transport}"
            self.run_host("--transport", transport, source=HIRING % lists[0]["id"])
            harness.wait_until(lambda: sum(" is live" in line for line in self.host.lines["err"]) == 6, what=self.host.text())
            afar = self.post("from afar #FediHiring #hiring #other", self.stranger)
            here = self.post("from here #hiring", "alice")
            self.host.wait_line(f"{afar} on hashtag (hiring|Hiring|FediHiring), .*", "err")
            self.host.wait_line(f"{here} on user", "err")
            harness.wait_until(lambda: len(self.lines("posts")) >= 3, what=self.host.text())
            rows = {line["payload"]["id"]: line for line in self.lines("posts") if line["stream"][0].startswith("hashtag")}
            self.assertEqual(sorted(rows[afar]["streams"]), [["hashtag", "FediHiring"], ["hashtag", "Hiring"]])
            self.assertEqual(rows[afar]["streams"][0], rows[afar]["stream"])
            self.assertEqual(sorted(rows[here]["streams"]), [["hashtag", "Hiring"], ["hashtag:local", "hiring"]])
            # Where only a copy can tell: one that comes before the handler begins counts.
            self.act("post", text="wait", spoiler="slow", **{"from": "alice"})
            self.host.wait_line(r"on user", "err")
            later = self.post("on the list, too", "alice")
            self.host.wait_line(f"{later} on (user, list {lists[0]['id']}|list {lists[0]['id']}, user)\\.", "err")
            boosts = [row["path"].split("/")[4] for row in self.server.rest("/practice/log")[1]["requests"]
                      if row["path"].endswith("/reblog")]
            self.assertEqual(sorted(boosts), sorted(set(boosts)))  # also of the second host: the server has it already
            self.assertTrue({afar, here} <= set(boosts))
            self.assertEqual(self.host.stop(), 0)

    def test_a_backlog_is_of_each_source_the_oldest_first(self):
        posts = [self.post(f"of before {n}", self.stranger) for n in range(9)]
        for status in reversed(posts):
            self.mark(status)
        self.run_host("--process-backlog", 3)
        harness.wait_until(lambda: self.ids("bookmarks") == [posts[2], posts[1], posts[0]], what=self.host.text())
        self.settled()
        self.assertEqual(self.host.stop(), 0)
        self.assertEqual(self.ids("bookmarks"), [posts[2], posts[1], posts[0]])

    def test_a_token_without_the_scope_is_told_and_asked_again(self):
        refusal = {"path": "/api/v1/bookmarks", "status": 403, "times": 0,
                   "body": '{"error":"This action is outside the authorized scopes"}'}
        self.act("fail", **refusal)
        self.run_host()
        self.host.wait_line(r"bookmarks \(bookmarks\): cannot be read: .*403.*read:bookmarks", "err")
        waiting = harness.wait_until(lambda: self.streams().get("bookmarks", {}).get("state") == "waiting" and self.streams(),
                                     what=self.host.text())["bookmarks"]
        self.assertIn("read:bookmarks", waiting["reason"] + str(waiting["note"]))
        self.assertEqual(self.streams()["favourites"]["state"], "live")
        self.act("clear")
        self.settled()
        self.host.wait_line(r"bookmarks \(bookmarks\): REST gives entries again", "err")
        first = self.mark(self.post("one", self.stranger))
        harness.wait_until(lambda: self.ids("bookmarks") == [first], what=self.host.text())
        self.assertEqual(len([line for line in self.host.lines["err"] if "cannot be read" in line]), 1)
        # Refused later, and for good: a gap says since when.
        self.act("fail", **refusal)
        self.host.wait_line("lost: bookmarks waiting", "err")
        self.assertEqual(self.host.stop(), 0)
        self.run_host()
        self.host.wait_line(r"bookmarks: bookmarks from .* may be missing: .*403.*polling", "err")
        self.assertEqual(self.host.stop(), 0)

    def test_a_revoked_token_ends_polling_too(self):
        self.run_host(source=ARCHIVER.replace('tusk.subscribe("user")\n', "").replace('tusk.subscribe("hashtag", "caturday")\n', ""))
        self.host.wait_line(r"bookmarks is live \(poll\)", "err")
        token = self.server.token
        self.act("revoke", token=token)
        self.host.wait_line("nothing of this account is retried", "err")
        self.assertEqual(self.host.wait(), 1)  # there was no other account

    def test_doctor_looks_whether_they_can_be_read(self):
        plugin = self.write("sources.lua", ARCHIVER)
        command = ["doctor", plugin, "--server", self.server.url, "--state", self.state]
        code, out, err = self.run_to_end(*command, token=self.server.token)
        self.assertEqual(code, 0, out + err)
        self.assertIn("bookmarks can be read: nobody streams it", out)
        self.assertIn("favourites can be read", out)
        self.act("fail", path="/api/v1/bookmarks", status=403, times=0, body='{"error":"This action is outside the authorized scopes"}')
        code, out, err = self.run_to_end(*command, token=self.server.token)
        self.assertEqual(code, 1, out + err)
        self.assertRegex(out, r"bookmarks is refused: 403 .*scopes")
        self.assertIn("favourites can be read", out)

    def test_tail_says_where_they_are_heard(self):
        code, _, err = self.run_to_end("tail", "bookmarks", "--server", self.server.url, token=self.server.token)
        self.assertEqual(code, 1)
        self.assertIn('tusk.subscribe("bookmarks")', err)


if __name__ == "__main__":
    unittest.main()
