#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""10,000 numbered posts on both transports while the server misbehaves by chance: each is handled once, or covered by a gap."""
import collections
import datetime
import json
import os
import re
import sqlite3
import time
import unittest

import harness

POSTS = int(os.environ.get("MOONTUSK_SOAK_POSTS") or (2000 if harness.SHORT else 10000))
RATE = int(os.environ.get("MOONTUSK_SOAK_RATE") or 120 / harness.SLOW)
SEED = int(os.environ.get("MOONTUSK_SOAK_SEED") or 1)
FAULTS = os.environ.get("MOONTUSK_SOAK_FAULTS")

# What must have happened by the end, whatever chance brings, as GET /practice/happened counts it: each fault comes about every
# seven minutes of the practice instance's time. More kinds than these are counted and printed: they need a request, a stream or
# a deletion at the right moment. A token that is pulled is not among the faults, because it is final: test_faults.py has it.
KINDS = {
    "close 1000", "close 1001", "close 1006", "close 1011", "close 1012", "close 1013", "close none", "drop", "truncate", "stall",
    "bytewise", "drip", "down", "twice", "shuffle", "overtake", "swallow", "deaf", "garbage", "broken_utf8", "huge",
    "429 with reset", "answer 401", "answer 403", "answer 200",
}
PLUGIN = """
local tusk = require "moontusk"
tusk.subscribe("%s")
tusk.on("update", function(status, event)
  local number = status.content:match("^<p>soak (%%d+)</p>$")
  if number then
    event:archive("posts")
    tusk.store.count = (tusk.store.count or 0) + 1
    if %s and tonumber(number) %% 10 == 0 then
      status:reply("seen " .. number)
    end
  end
end)
"""
# Bursts, so that pages are full and events stand close; some posts are deleted soon, and perhaps before they come.
SCRIPT = """
local n, total, bursts, doomed, over = 0, %d, 0, {}, false
every("%dms", function()
  if n < total then
    bursts = bursts + 1
    for i = 1, 1 + bursts %% 7 do
      if n < total then
        n = n + 1
        post("soak " .. n, "bruno")
      end
    end
    if bursts %% 9 == 0 then
      local id = post("soon gone " .. bursts, "bruno"):match('^{"id":"([^"]*)"')
      at("2s", function() delete(id) end)
    end
  elseif not over then
    over = true
    at("60s", function() clear() post("all is said") end)
  end
end)
at("%dms", chaos, { seed = %d, every = "10s", length = "12s", faults = "%s" })
"""
TICK_MS = 2000  # four posts each, about
# Losses that show at once or with the next connection, and can be made good: a 403 in a long outage would make a gap of all of it.
LOUD = ("drop close_none close_1000 close_1001 close_1006 close_1011 close_1012 close_1013 truncate stall bytewise drip down twice "
        "shuffle overtake refuse refuse_upgrades limit fail fail_after unauthorized portal redirect misread_min_id "
        "home_depth regenerate garbage broken_utf8 huge buffer hush")
NAMES = ("ws", "sse", "ws-home", "sse-home")
NUMBER = re.compile(rb'"content":"<p>soak (\d+)</p>"')
LIVE = re.compile(rb'"origin":"live"')


def id_key(text):
    return len(text), text


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Soak(harness.Case):
    acts = False  # replies to every tenth post
    faults = FAULTS

    def setUp(self):
        super().setUp()
        self.clock = ["--clock-rate", RATE, "--clock-from", int(time.time())]
        # What it posts, and what goes wrong, are decided by this alone; at which instant they meet is not.
        self.seed = SEED
        print(f"\n{self.id()}: MOONTUSK_SOAK_SEED={self.seed}, {POSTS} posts, {RATE} times as fast")
        self.server = self.practice("--quiet", "--seed", self.seed, "--events", os.devnull, *self.clock)
        self.server.wait_line(r"^token \(app without user\): ")
        self.alice = next(m.group(1) for m in (re.match(r"token \(alice\): (\S+)", line) for line in self.server.lines["out"]) if m)
        bruno = self.get("/api/v1/accounts/lookup?acct=bruno")["id"]
        for token in (self.server.token, self.alice):
            self.server.rest(f"/api/v1/accounts/{bruno}/follow", "POST", {}, token=token)
        self.act("limit", most=10000000)
        self.act("home_depth", count=100000)
        act = "true" if self.acts else "false"
        self.write("public.lua", PLUGIN % ("public", act))
        self.write("home.lua", PLUGIN % ("user", "false"))
        self.config = self.write("moontusk.lua", """return {
  accounts = { ws = { server = "%(url)s", token = env "ONE", transport = "ws" },
               sse = { server = "%(url)s", token = env "TWO", transport = "sse" } },
  plugins = { { "./public.lua", name = "ws", account = "ws" }, { "./public.lua", name = "sse", account = "sse" },
              { "./home.lua", name = "ws-home", account = "ws" }, { "./home.lua", name = "sse-home", account = "sse" } },
}""" % {"url": self.server.url})
        self.state = self.folder + "/state"
        self.hosts = []
        self.start_host()
        self.wait(lambda: self.is_live(), 60, "four streams are live")

    def act(self, name, **fields):
        code, body = self.server.rest("/practice/" + name, "POST", fields, token=self.alice)
        self.assertEqual(code, 200, body)
        return body

    def start_host(self):
        self.hosts.append(self.start("run", "--config", self.config, "--state", self.state, *self.clock,
                                     env={"ONE": self.server.token, "TWO": self.alice}))

    def is_live(self):
        code, out, _ = self.run_to_end("status", "--json", "--state", self.state)
        streams = [s for a in json.loads(out)["accounts"] for s in a["streams"]] if code == 0 else []
        return len(streams) == 4 and all(s["state"] == "live" and s["fetching"] == 0 for s in streams)

    def wait(self, condition, seconds, what):
        try:
            return harness.wait_until(condition, seconds, what)
        except AssertionError as error:
            raise AssertionError(f"seed {self.seed}: {error}\n" + self.hosts[-1].text()[-6000:]) from None

    def begin(self):
        """Losses that only the look of every hour brings back come in the first quarter, so that not all of the hour is to be
        waited for."""
        self.begun = time.monotonic()
        quarter = POSTS // 4 * TICK_MS // 4
        self.act("chaos", seed=self.seed, every="10s", length="12s", faults=self.faults or "all")
        self.act("scenario", script=SCRIPT % (POSTS, TICK_MS, quarter, self.seed, LOUD))

    def is_said(self):
        """The last post has been made, and all faults have been cleared with it."""
        time.sleep(0.2)
        try:
            page = self.server.rest("/api/v1/timelines/public?limit=1")[1]
        except OSError:
            return False
        return isinstance(page, list) and page and "all is said" in page[0]["content"]

    # ---- what there is ----

    def get(self, path, token=None):
        """What the practice instance answers; asked again when it does not: with a clock so fast its patience is short."""
        def read():
            try:
                code, body = self.server.rest(path, token=token)
            except OSError:
                return None
            return (body,) if code == 200 else None
        return harness.wait_until(read, 60, path)[0]

    def on_rest(self):
        """number -> (id, time) of all numbered posts."""
        posts, path = {}, "/api/v1/timelines/public?limit=40"
        while True:
            page = self.get(path, self.alice)
            if not page:
                return posts
            for status in page:
                found = re.match(r"<p>soak (\d+)</p>", status["content"])
                if found:
                    posts[int(found.group(1))] = (status["id"], when(status["created_at"]))
            path = "/api/v1/timelines/public?limit=40&max_id=" + page[-1]["id"]

    def archived(self, name):
        """How often each number stands in the archive of an instance, and its gap lines."""
        counts, gaps = collections.Counter(), []
        try:
            with open(f"{self.state}/archive/{name}/posts.jsonl", "rb") as file:
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    found = NUMBER.search(line)
                    if line.startswith(b'{"kind":"gap"'):
                        gaps.append(json.loads(line)["payload"])
                    elif found:
                        counts[int(found.group(1))] += 1
        except FileNotFoundError:
            pass
        return counts, gaps

    def query(self, sql):
        database = sqlite3.connect(f"file:{self.state}/moontusk.db?mode=ro", uri=True, timeout=20)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def stored(self):
        return {name: int(value) for name, value in self.query("SELECT instance, json FROM state WHERE key = 'count'")}

    # ---- the verdict ----

    @staticmethod
    def covers(gap, post):
        """By ids where it names them, which are exclusive; by time where it does not."""
        number, at = post
        if gap["from_id"] and id_key(number) <= id_key(gap["from_id"]):
            return False
        if gap["to_id"]:
            return id_key(number) < id_key(gap["to_id"])
        # Both clocks are one; but a post takes its way, and here a second is some milliseconds.
        slack = datetime.timedelta(seconds=5)
        return at <= when(gap["to"]) + slack and (gap["from_id"] or not gap["from"] or at >= when(gap["from"]) - slack)

    def verdict(self, posts):
        """instance -> (counts, missing, uncovered, gaps of posts)"""
        out = {}
        for name in NAMES:
            counts, gaps = self.archived(name)
            gaps = [gap for gap in gaps if gap["what"] in ("posts", "update")]
            missing = [n for n in posts if not counts[n]]
            uncovered = [n for n in missing if not any(self.covers(gap, posts[n]) for gap in gaps)]
            out[name] = (counts, missing, uncovered, gaps)
        return out

    def around(self, posts, numbers):
        """The faults in the two minutes around some posts."""
        lines = []
        actions = self.get("/practice/faults")["actions"]
        for number in numbers:
            at = posts[number][1]
            lines.append(f"  around soak {number} (id {posts[number][0]}, {at:%H:%M:%S}):")
            for row in actions:
                seconds = (when(row["time"]) - at).total_seconds()
                if -120 <= seconds <= 60 and row["action"] not in ("post", "delete"):
                    lines.append(f"    {seconds:+.0f} s {row['action']} {row['parameters']}")
        return "\n".join(lines)

    def is_settled(self):
        """Nothing that was begun is still under way."""
        return self.query("SELECT count(*) FROM deliveries")[0][0] == 0

    def judge(self):
        print(f"all posted after {time.monotonic() - self.begun:.0f} s")
        posts = self.on_rest()
        self.assertEqual(sorted(posts), list(range(1, POSTS + 1)), "the practice instance has all posts itself")
        # What was lost while all looked well comes with the look of every hour.
        until = time.monotonic() + (4 * 3600 / RATE + 60) * harness.SLOW
        while True:
            result = self.verdict(posts)
            whole = not any(uncovered for _, _, uncovered, _ in result.values())
            if whole and self.is_settled() or time.monotonic() > until:
                break
            time.sleep(1)
        # What stands in a gap may still come with a look back: all is compared as it stands at one moment.
        self.assertEqual(self.hosts[-1].stop(), 0)
        result = self.verdict(posts)
        print(f"judged after {time.monotonic() - self.begun:.0f} s")
        happened = self.get("/practice/happened")["happened"]
        print("happened:", ", ".join(f"{kind} {count}" for kind, count in sorted(happened.items())))
        wrong, numbers = [], {posts[n][0]: n for n in posts}
        for name, (counts, missing, uncovered, gaps) in result.items():
            print(f"{name}: {len(posts) - len(missing)} handled once, {len(missing)} covered by {len(gaps)} gaps")
            twice = [n for n in sorted(counts) if counts[n] > 1]
            wrong += [f"{name}: handled more than once: {twice}"] if twice else []
            wrong += [f"{name}: {len(uncovered)} neither handled nor covered: {self.runs(uncovered)}"] if uncovered else []
            odd = [gap for gap in gaps if not self.is_sound(gap, numbers, counts)]
            wrong += [f"{name}: strange bounds: {odd}"] if odd else []
            if twice or uncovered:
                wrong.append(self.around(posts, (twice + uncovered)[:1] + (twice + uncovered)[-1:]))
        if wrong and os.environ.get("MOONTUSK_SOAK_KEEP"):
            self.keep()
        self.assertEqual(wrong, [], f"\nMOONTUSK_SOAK_SEED={self.seed}\n" + "\n".join(wrong))
        self.assertEqual(self.stored(), {name: sum(result[name][0].values()) for name in NAMES}, f"seed {self.seed}")
        if not self.faults and POSTS >= 10000:
            self.assertEqual(sorted(KINDS - set(happened)), [], f"seed {self.seed}: these faults never came")
        return posts, result

    @staticmethod
    def runs(numbers):
        """1-3, 7"""
        out = []
        for number in sorted(numbers):
            if out and out[-1][1] == number - 1:
                out[-1][1] = number
            else:
                out.append([number, number])
        return ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in out)

    @staticmethod
    def is_sound(gap, numbers, counts):
        """In order, and what it begins and ends with was handled: nothing more than the hole itself is in it."""
        ends = [numbers[gap[key]] for key in ("from_id", "to_id") if gap[key] in numbers]
        ids = not (gap["from_id"] and gap["to_id"]) or id_key(gap["from_id"]) < id_key(gap["to_id"])
        return ids and all(counts[number] for number in ends) and (not gap["from"] or gap["from"] <= gap["to"])

    def keep(self):
        """For a look by hand: the state folder and the logs."""
        folder = os.environ["MOONTUSK_SOAK_KEEP"]
        os.makedirs(folder, exist_ok=True)
        os.system(f"cp -r '{self.state}' '{folder}/state-{self.seed}'")
        with open(f"{folder}/log-{self.seed}", "w", encoding="utf-8") as file:
            file.write("\n-- next life --\n".join(host.text() for host in self.hosts))
        with open(f"{folder}/faults-{self.seed}", "w", encoding="utf-8") as file:
            for row in self.get("/practice/faults")["actions"]:
                if row["action"] not in ("post", "delete"):
                    file.write(f"{row['time']} {row['action']} {row['parameters']}\n")


class Chaos(Soak):
    def test_every_post_is_handled_once_or_covered_by_a_gap(self):
        self.begin()
        self.wait(self.is_said, 240, "the last post")
        self.judge()


if __name__ == "__main__":
    unittest.main()
