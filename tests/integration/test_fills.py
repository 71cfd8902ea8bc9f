#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What came while nobody listened comes once and in order; what cannot come is a gap that everybody is told of."""
import datetime
import json
import os
import time
import unittest

import harness

RATE = 60
FAST = 150  # where minutes have to pass
FASTEST = 450  # where an hour has to pass
OUTAGE_S = 12 * 60
ARCHIVER = """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.subscribe("user:notification")
tusk.on("update", function(status, event) event:archive("posts") end)
tusk.on("status.update", function(status, event) event:archive("edits") end)
tusk.on("notification", function(notification, event) event:archive("mentions") end)
tusk.on("gap", function(gap) tusk.log.info("told of a gap: %s %s %s", gap.stream, gap.what, gap.reason) end)
"""
WATCHER = """
local tusk = require "moontusk"
tusk.plugin { permissions = { "archive:private" } }
tusk.subscribe("user")
tusk.subscribe("direct")
for _, kind in ipairs { "notification", "conversation", "announcement" } do
  tusk.on(kind, function(subject, event) event:archive(kind) end)
end
"""
HOME = """
local tusk = require "moontusk"
tusk.subscribe("user")
tusk.on("update", function(status, event) event:archive("posts") end)
"""
BOOSTER = """
local tusk = require "moontusk"
tusk.subscribe("hashtag", "Hiring")
tusk.subscribe("hashtag", "FediHiring")
tusk.on("update", function(status) status:boost() end)
"""


class Fills(harness.Case):
    def server(self, *args, rate=RATE):
        practice = self.practice("--quiet", "--events", os.devnull, "--clock-rate", rate, *args)
        practice.rest("/practice/limit", "POST", {"most": 1000000})
        return practice

    def host(self, practice, source, *args, streams=2, state="state", rate=RATE):
        plugin = self.write("fills.lua", source)
        host = self.start("run", plugin, "--server", practice.url, "--state", f"{self.folder}/{state}", "--clock-rate", rate, *args,
                          token=practice.token)
        if streams:
            harness.wait_until(lambda: sum(" is live" in line for line in host.lines["err"]) >= streams, what=host.text())
            self.settled(state)
        return host

    def status(self, state="state"):
        code, out, _ = self.run_to_end("status", "--json", "--state", f"{self.folder}/{state}")
        return json.loads(out) if code == 0 else None

    def streams(self, state="state"):
        found = self.status(state)
        return found["accounts"][0]["streams"] if found else []

    def settled(self, state="state"):
        """No fill is under way."""
        harness.wait_until(lambda: all(s["state"] == "live" and s["fetching"] == 0 for s in self.streams(state) or [{"state": ""}]),
                           what="the end of the fills")

    def post(self, practice, text):
        return practice.rest("/practice/post", "POST", {"text": text})[1]["id"]

    def lines(self, name, state="state"):
        path = f"{self.folder}/{state}/archive/fills/{name}.jsonl"
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            whole = file.read().rpartition("\n")[0]  # the last line may still be written
        return [json.loads(line) for line in whole.split("\n") if line]

    def ids(self, name="posts", origin=None):
        return [line["payload"]["id"] for line in self.lines(name)
                if line["kind"] != "gap" and origin in (None, line["origin"])]

    def gaps(self, *args):
        code, out, err = self.run_to_end("gaps", "--json", "--state", self.folder + "/state", *args)
        self.assertEqual(code, 0, err)
        return [json.loads(line)["payload"] for line in out.split("\n") if line]

    @staticmethod
    def seconds(text):
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()

    def moment(self, status, practice):
        """When the server says that it was posted."""
        return self.seconds(practice.rest("/api/v1/statuses/" + status)[1]["created_at"])

    def cut(self, practice):
        """The streams end, and none are taken until clear."""
        practice.rest("/practice/fail", "POST", {"path": "/api/v1/streaming", "status": 503, "times": 100000})
        practice.rest("/practice/refuse_upgrades", "POST", {"status": 503})
        practice.rest("/practice/drop", "POST", {})

    def miss(self, practice, count):
        """So many posts that the open streams do not bring."""
        practice.rest("/practice/deafen", "POST", {"for": "10h"})
        return [self.post(practice, f"missed {n}") for n in range(count)]

    def test_an_outage_is_filled_once_in_order_and_over_a_restart(self):
        practice = self.server()
        old = [self.post(practice, f"old {n}") for n in range(3)]
        host = self.host(practice, ARCHIVER)
        live = [self.post(practice, "before")]
        harness.wait_until(lambda: self.ids() == live, what=host.text())
        self.cut(practice)
        missed = [self.post(practice, f"missed {n}") for n in range(60)]
        practice.rest("/practice/edit", "POST", {"id": missed[7], "text": "missed and edited"})
        practice.rest("/practice/edit", "POST", {"id": live[0], "text": "seen and edited"})
        practice.rest("/practice/mention", "POST", {"text": "missed mention"})
        practice.rest("/practice/clear", "POST", {})
        expected = set(live + missed)
        late = []
        while not set(missed) <= set(self.ids()):  # the seam: posts arrive while the fill runs
            late.append(self.post(practice, f"seam {len(late)}"))
            self.assertLess(len(late), 2000, host.text())
        expected |= set(late)
        mentions = [line["origin"] for line in harness.wait_until(lambda: self.lines("mentions"))]
        harness.wait_until(lambda: expected <= set(self.ids()), what=host.text())
        self.settled()
        self.assertEqual(mentions[0], "fill")
        self.assertEqual(host.stop(), 0)
        away = [self.post(practice, f"away {n}") for n in range(45)]
        host = self.host(practice, ARCHIVER)
        harness.wait_until(lambda: set(away) <= set(self.ids()), what=host.text())
        self.assertEqual(host.stop(), 0)
        got = [i for i in self.ids() if len(i) > 5]
        mention = set(got) - expected - set(away)
        self.assertEqual(len(got), len(set(got)), "twice")
        self.assertEqual(len(mention), 1)  # the mention is a public post, too
        self.assertFalse(set(old) & set(got), "the first run brings nothing of before")
        filled = [i for i in self.ids(origin="fill") if i in missed]
        self.assertEqual(filled, missed)
        # Who had seen the post hears of the edit, who had not gets it as a post: design section 5.
        self.assertEqual(self.ids("edits"), live)
        gaps = self.gaps()
        self.assertEqual({gap["what"] for gap in gaps}, {"edits", "deletes"})
        for gap in gaps:
            self.assertEqual(gap["quiet"], self.seconds(gap["to"]) - self.seconds(gap["from"]) <= 120)
        self.assertNotIn("told of a gap: public posts", host.text())
        self.assertIn("gap", [line["kind"] for line in self.lines("posts")])

    def test_twelve_minutes_away_cost_few_pages_and_no_post(self):
        practice = self.server(rate=FAST)
        host = self.host(practice, ARCHIVER, rate=FAST)
        before = self.post(practice, "before")
        harness.wait_until(lambda: self.ids() == [before], what=host.text())
        self.cut(practice)
        missed, began = [], time.monotonic()
        for n in range(60):  # spread over the outage
            missed.append(self.post(practice, f"missed {n}"))
            time.sleep(max(0, began + (n + 1) * OUTAGE_S / 60 / FAST - time.monotonic()))
        asked = practice.rest("/practice/log")[1]["requests"][-1]["number"]
        practice.rest("/practice/clear", "POST", {})
        arriving = []
        while not set(missed) <= set(self.ids()):
            arriving.append(self.post(practice, f"arriving {len(arriving)}"))
            time.sleep(0.2)
            self.assertLess(len(arriving), 100, host.text())
        harness.wait_until(lambda: set(arriving) <= set(self.ids()), what=host.text())
        # The second pass, a minute later at most, brings nothing twice.
        last = self.moment(self.post(practice, "last"), practice)
        harness.wait_until(lambda: self.moment(self.post(practice, "more"), practice) - last > 90, what="a minute and a half")
        self.assertEqual(host.stop(), 0)
        got = self.ids()
        self.assertEqual(len(got), len(set(got)), "twice")
        self.assertEqual([i for i in self.ids(origin="fill") if i in missed], missed)  # all, tagged, by id
        gap = next(gap for gap in self.gaps() if gap["what"] == "edits" and gap["from_id"] is None)
        self.assertFalse(gap["quiet"])
        self.assertGreaterEqual(self.seconds(gap["to"]) - self.seconds(gap["from"]), OUTAGE_S - 5)
        log = practice.rest(f"/practice/log?since={asked}")[1]["requests"]
        pages = [row for row in log if row["path"] == "/api/v1/timelines/public"]
        # 60 posts are two pages; what arrives meanwhile, the end, the second pass and the first look at the stream add some.
        self.assertLessEqual(len(pages), 6 + len(arriving), [row["query"] for row in pages])

    def test_notifications_conversations_and_announcements_are_filled_once(self):
        practice = self.server()
        host = self.host(practice, WATCHER)
        practice.rest("/practice/direct", "POST", {"text": "before"})
        practice.rest("/practice/announce", "POST", {"text": "before"})
        kinds = ("notification", "conversation", "announcement")
        harness.wait_until(lambda: all(len(self.lines(kind)) == 1 for kind in kinds), what=host.text())
        self.assertEqual({self.lines(kind)[0]["origin"] for kind in kinds}, {"live"})
        self.cut(practice)
        practice.rest("/practice/mention", "POST", {"text": "missed", "count": 3, "visibility": "unlisted"})
        practice.rest("/practice/direct", "POST", {"text": "missed", "from": "kit"})
        for n in range(2):
            practice.rest("/practice/announce", "POST", {"text": f"missed {n}"})
        practice.rest("/practice/clear", "POST", {})
        missed = {"notification": 4, "conversation": 1, "announcement": 2}  # a direct message is a mention, too
        for kind, count in missed.items():
            harness.wait_until(lambda k=kind, c=count: len(self.lines(k)) > c, what=kind + host.text())
        self.settled()
        self.assertEqual(host.stop(), 0)
        practice.rest("/practice/direct", "POST", {"text": "away", "from": "farida"})
        practice.rest("/practice/announce", "POST", {"text": "away"})
        host = self.host(practice, WATCHER)
        for kind, count in missed.items():
            harness.wait_until(lambda k=kind, c=count: len(self.lines(k)) > c + 1, what=kind + host.text())
        self.settled()
        self.assertEqual(host.stop(), 0)
        for kind, count in missed.items():
            lines = [line for line in self.lines(kind) if line["kind"] != "gap"]
            self.assertEqual([line["origin"] for line in lines], ["live"] + ["fill"] * (count + 1), kind)
            ids = [line["payload"]["id"] for line in lines]
            self.assertEqual(len(ids), len(set(ids)), kind)
        ids = [int(line["payload"]["id"]) for line in self.lines("notification") if line["kind"] != "gap"]
        self.assertEqual(ids, sorted(ids))

    def test_what_the_server_found_late_comes_with_the_sweep(self):
        practice = self.server(rate=FASTEST)
        host = self.host(practice, ARCHIVER, rate=FASTEST)
        first = self.post(practice, "first")
        harness.wait_until(lambda: self.ids() == [first], what=host.text())
        time.sleep(300 / FASTEST)
        second = self.post(practice, "second")
        harness.wait_until(lambda: second in self.ids(), what=host.text())
        between = (self.moment(second, practice) - self.moment(first, practice)) / 2
        found = practice.rest("/practice/found_late", "POST", {"text": "of before", "age": f"{int(between)}s"})[1]["id"]
        self.assertLess(int(first), int(found))
        self.assertLess(int(found), int(second))
        self.assertNotIn(found, self.ids())  # no stream brings it, and it is below the cursor
        harness.wait_until(lambda: found in self.ids(origin="fill"), 60, "the hourly sweep: " + host.text())
        third = self.post(practice, "third")
        harness.wait_until(lambda: third in self.ids(), what=host.text())
        self.settled()
        self.assertEqual(host.stop(), 0)
        self.assertEqual(sorted(self.ids()), sorted([first, second, found, third]))

    def test_what_cannot_be_fetched_is_a_gap(self):
        practice = self.server()
        host = self.host(practice, ARCHIVER)
        known = self.post(practice, "before")
        harness.wait_until(lambda: self.ids() == [known], what=host.text())
        practice.rest("/practice/fail", "POST", {"path": "/api/v1/timelines/public", "status": 403, "times": 1000})
        practice.rest("/practice/drop", "POST", {})
        host.wait_line(r"told of a gap: public posts .*403.*read:statuses", "err")
        gaps = [gap for gap in self.gaps() if gap["what"] == "posts"]
        self.assertEqual(len(gaps), 1)
        self.assertEqual((gaps[0]["from_id"], gaps[0]["to_id"], gaps[0]["quiet"]), (known, None, False))
        self.assertLess(gaps[0]["from"], gaps[0]["to"])
        self.assertEqual(self.status()["gaps"]["alarms"], len([g for g in self.gaps() if not g["quiet"]]))
        self.assertEqual(self.ids(), [known])  # nothing is invented
        self.assertIn("posts", [line["payload"].get("what") for line in self.lines("posts") if line["kind"] == "gap"])
        readable = self.run_to_end("gaps", "--since", "1h", "--state", self.folder + "/state")[1]
        self.assertIn(f"public: posts above {known}: REST answered 403", readable)
        self.assertEqual(host.stop(), 0)
        self.assertEqual([gap["what"] for gap in self.gaps()].count("posts"), 1)  # from the database
        self.assertEqual(self.run_to_end("gaps", "--since", "soon", "--state", self.folder + "/state")[0], 2)

    def test_the_first_run_acts_on_a_backlog_only_when_told_to(self):
        practice = self.server()
        tagged = [self.post(practice, f"#Hiring #FediHiring {n}") for n in range(40)]

        def boosted():
            return [r["path"].split("/")[4] for r in practice.rest("/practice/log")[1]["requests"] if r["path"].endswith("/reblog")]

        host = self.host(practice, BOOSTER)
        new = self.post(practice, "#Hiring #FediHiring both")
        harness.wait_until(lambda: boosted() == [new], what=host.text())  # one boost, of two streams
        self.assertEqual(host.stop(), 0)
        host = self.host(practice, BOOSTER, "--process-backlog", 5, state="other")
        harness.wait_until(lambda: len(boosted()) >= 6, what=host.text())
        self.settled("other")
        self.assertEqual(host.stop(), 0)
        self.assertEqual(boosted(), [new] + tagged[-4:] + [new])

    def test_a_stream_that_lags_behind_rest_is_made_anew(self):
        practice = self.server(rate=FAST)
        host = self.host(practice, ARCHIVER, rate=FAST)
        known = self.post(practice, "before")
        harness.wait_until(lambda: known in self.ids(), what=host.text())
        lost = []

        def noticed():
            practice.rest("/practice/deafen", "POST", {"for": "10h"})  # what is open now gets pings and no events
            lost.append(self.post(practice, "lost"))
            time.sleep(0.5)
            return "newer posts than the stream has brought" in host.text()

        harness.wait_until(noticed, 60, "a look at REST")
        harness.wait_until(lambda: set(lost) <= set(self.ids()), what=host.text())
        self.assertEqual(host.stop(), 0)

    def test_a_feed_that_is_switched_off_is_named(self):
        practice = self.server(rate=FAST)
        people = practice.rest("/practice/people")[1]
        stranger = next(p["acct"] for p in people if "@" in p["acct"])
        host = self.host(practice, ARCHIVER.replace('"public"', '"public:remote"'), rate=FAST)
        known = practice.rest("/practice/post", "POST", {"text": "from afar", "from": stranger})[1]["id"]
        harness.wait_until(lambda: known in self.ids(), what=host.text())
        practice.rest("/practice/feed", "POST", {"feed": "live_remote", "access": "disabled"})
        host.wait_line(r"timelines_access.live_feeds.remote = disabled", "err", 60)
        notes = [s["note"] for s in self.streams() if s["stream"] == "public:remote"]
        self.assertIn("live_feeds.remote", notes[0])
        self.assertIn("live_feeds.remote", self.run_to_end("status", "--state", self.folder + "/state")[1])
        self.assertEqual(host.stop(), 0)  # it stayed up

    def test_home_that_keeps_too_little_is_a_gap(self):
        practice = self.server()
        host = self.host(practice, HOME, streams=1)
        known = self.post(practice, "before")
        harness.wait_until(lambda: self.ids() == [known], what=host.text())
        missed = self.miss(practice, 30)
        practice.rest("/practice/home_depth", "POST", {"count": 10})
        practice.rest("/practice/drop", "POST", {})
        host.wait_line(r"user: posts from .* above .* may be missing: the server keeps no older ones", "err")
        harness.wait_until(lambda: self.ids() == [known] + missed[-10:], what=host.text())
        gap = [gap for gap in self.gaps() if gap["what"] == "posts"]
        self.assertEqual([(g["from_id"], g["to_id"]) for g in gap], [(known, missed[-10])])
        self.assertEqual(host.stop(), 0)

    def test_min_id_that_is_taken_for_since_id_loses_nothing(self):
        practice = self.server()
        self.post(practice, "old")
        host = self.host(practice, HOME, streams=1)
        known = self.post(practice, "before")
        harness.wait_until(lambda: self.ids() == [known], what=host.text())
        missed = self.miss(practice, 100)
        practice.rest("/practice/misread_min_id", "POST", {"on": True})
        practice.rest("/practice/drop", "POST", {})
        harness.wait_until(lambda: self.ids() == [known] + missed, what=host.text())
        self.settled()
        self.assertEqual(host.stop(), 0)
        self.assertEqual({gap["what"] for gap in self.gaps()}, {"edits", "deletes"})

    def test_a_server_without_streaming_is_polled(self):
        practice = self.server("--profile", "none")
        old = self.post(practice, "old")
        host = self.host(practice, ARCHIVER, streams=0)
        harness.wait_until(lambda: [s["state"] for s in self.streams()] == ["live", "live"], what=host.text())
        self.settled()
        new = [self.post(practice, f"new {n}") for n in range(50)]
        harness.wait_until(lambda: set(new) <= set(self.ids()), what=host.text())
        self.assertEqual({s["transport"] for s in self.streams()}, {"poll"})
        self.assertEqual(host.stop(), 0)
        away = self.post(practice, "away")
        host = self.host(practice, ARCHIVER, streams=0)
        harness.wait_until(lambda: away in self.ids(), what=host.text())
        self.assertEqual(host.stop(), 0)
        got = self.ids()
        self.assertEqual(len(got), len(set(got)))
        self.assertNotIn(old, got)


if __name__ == "__main__":
    unittest.main()
