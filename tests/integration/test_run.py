#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""moontusk run, replay and demo against the practice instance: what plugins do arrives there, once."""
import contextlib
import json
import os
import re
import signal
import sqlite3
import unittest

import harness

QUIET = ["--quiet", "--events", os.devnull]


def readme_bot():
    """The bot that README.md shows, as it stands there."""
    with open(os.path.join(harness.SOURCE, "README.md"), encoding="utf-8") as file:
        blocks = re.findall(r"```lua\n(.*?)```", file.read(), re.S)
    return next(block for block in blocks if "caturday" in block)


class Bots(harness.Case):
    def host(self, practice, plugin, *args, **kwargs):
        run = self.start("run", plugin, "--server", practice.url, "--state", self.folder + "/state", *args,
                         token=practice.token, **kwargs)
        run.wait_line("is live", "err")
        return run

    def own_statuses(self, practice):
        me = practice.rest("/api/v1/accounts/verify_credentials")[1]["id"]
        return practice.rest(f"/api/v1/accounts/{me}/statuses?limit=40")[1]

    def test_the_readme_bot_boosts_and_rest_shows_it(self):
        practice = self.practice("--quiet", "--clock-rate", 10)
        run = self.host(practice, self.write("caturday.lua", readme_bot()))
        run.wait_line("boost done", "err", 60)
        # Made-up people delete posts, too: one that is still there must show it.
        def shown():
            for status in self.own_statuses(practice):
                code, inner = practice.rest("/api/v1/statuses/" + status["reblog"]["id"]) if status["reblog"] else (404, None)
                if code == 200:
                    return inner
            return None
        inner = harness.wait_until(shown, 30, "a boost that REST shows")
        self.assertTrue(inner["reblogged"])
        self.assertTrue(inner["media_attachments"])
        self.assertTrue(all(media["description"] for media in inner["media_attachments"]))
        self.assertEqual(run.stop(signal.SIGINT), 0)

    def test_actions_reach_the_server_and_rest_reads_them_back(self):
        practice = self.practice(*QUIET)
        plugin = self.write("doer.lua", """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.subscribe("user:notification")
tusk.on("update", { text = "do it all" }, function(status)
  status:boost()
  status:favourite()
  status:bookmark()
  status:reply("seen, " .. status.account.username)
  tusk.post { text = "I saw one", visibility = "unlisted" }
end)
tusk.hear([[^!add (\\d+) (\\d+)]], function(status, a, b)
  status:reply { text = tostring(math.tointeger(a) + math.tointeger(b)) }
end)
""")
        run = self.host(practice, plugin)
        target = practice.rest("/practice/post", "POST", {"text": "please do it all", "from": "alice"})[1]
        mention = practice.rest("/practice/mention", "POST", {"text": "!add 2 40", "from": "alice",
                                                              "visibility": "direct"})[1]
        for _ in range(6):
            run.wait_line("(boost|favourite|bookmark|reply|post) done", "err")
        harness.wait_until(lambda: len(self.own_statuses(practice)) == 4, what="four statuses of the bot")
        status = practice.rest("/api/v1/statuses/" + target["id"])[1]
        self.assertTrue(status["reblogged"] and status["favourited"] and status["bookmarked"])
        own = self.own_statuses(practice)
        replies = {status["in_reply_to_id"]: status for status in own if status["in_reply_to_id"]}
        self.assertIn("seen, alice", replies[target["id"]]["content"])
        self.assertIn("alice", replies[target["id"]]["content"])
        answer = replies[mention["id"]]
        self.assertIn("42", answer["content"])
        self.assertEqual(answer["visibility"], "direct")
        self.assertEqual([m["username"] for m in answer["mentions"]], ["alice"])
        self.assertEqual(run.stop(), 0)

    def test_one_post_on_two_streams_and_in_an_edit_is_acted_on_once(self):
        practice = self.practice(*QUIET)
        plugin = self.write("twice.lua", """
local tusk = require "moontusk"
tusk.subscribe("hashtag", "Hiring")
tusk.subscribe("hashtag", "FediHiring")
tusk.subscribe("public")
tusk.on("status", { tags = { "hiring", "fedihiring" } }, function(status, event)
  tusk.log.info("handled " .. event.kind)
  status:boost()
end)
""")
        run = self.host(practice, plugin)
        harness.wait_until(lambda: sum("is live" in line for line in run.lines["err"]) == 3)
        post = practice.rest("/practice/post", "POST", {"text": "a job #Hiring #FediHiring"})[1]
        run.wait_line("boost done", "err")
        practice.rest("/practice/edit", "POST", {"id": post["id"], "text": "a better job #Hiring #FediHiring"})
        run.wait_line("handled status.update", "err")
        last = practice.rest("/practice/post", "POST", {"text": "last one #hiring"})[1]
        harness.wait_until(lambda: practice.rest("/api/v1/statuses/" + last["id"])[1]["reblogged"])
        self.assertEqual(sum("handled update" in line for line in run.lines["err"]), 2, run.text())
        self.assertEqual(sum("handled status.update" in line for line in run.lines["err"]), 1, run.text())
        self.assertEqual(sum(1 for status in self.own_statuses(practice) if status["reblog"]), 2)
        requests = practice.rest("/practice/log")[1]["requests"]
        self.assertEqual(sum(r["path"].endswith(post["id"] + "/reblog") for r in requests), 1)
        self.assertEqual(run.stop(), 0)

    def test_never_acts_on_own_posts(self):
        practice = self.practice(*QUIET)
        plugin = self.write("loop.lua", """
local tusk = require "moontusk"
tusk.subscribe("user")
tusk.subscribe("public")
tusk.on("update", function(status)
  tusk.log.info("handled " .. status.id)
  status:reply("again")
  status:boost()
end)
""")
        run = self.host(practice, plugin)
        harness.wait_until(lambda: sum("is live" in line for line in run.lines["err"]) == 2)
        mine = practice.rest("/api/v1/statuses", "POST", {"status": "my own words", "visibility": "public"})[1]
        run.wait_line("handled " + mine["id"], "err")
        other = practice.rest("/practice/post", "POST", {"text": "from somebody else"})[1]
        run.wait_line("reply done", "err")
        run.wait_line("boost done", "err")
        own = self.own_statuses(practice)
        self.assertEqual({status["in_reply_to_id"] for status in own} - {None}, {other["id"]})
        self.assertEqual([s["reblog"]["id"] for s in own if s["reblog"]], [other["id"]])
        self.assertEqual(run.stop(), 0)

    def test_a_delivery_left_open_by_a_crash_does_not_act_on_an_own_post_either(self):
        practice = self.practice(*QUIET)
        plugin = self.write("loop.lua", """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", function(status)
  status:reply("again")
  tusk.log.info("handled " .. status.id)
end, { name = "loop" })
""")
        self.assertEqual(self.host(practice, plugin).stop(), 0)
        mine = practice.rest("/api/v1/statuses", "POST", {"status": "my own words", "visibility": "public"})[1]
        other = practice.rest("/practice/post", "POST", {"text": "from somebody else"})[1]
        base = sqlite3.connect(self.folder + "/state/moontusk.db")
        for status in (mine, practice.rest("/api/v1/statuses/" + other["id"])[1]):
            line = {"event": "update", "stream": ["public"], "account": "default", "payload": json.dumps(status)}
            base.execute("INSERT INTO deliveries (instance, key, line, matched, created_ms) VALUES ('loop', '=loop', ?, '{}', 1)",
                         (json.dumps(line),))
        base.commit()
        base.close()
        run = self.host(practice, plugin)
        run.wait_line("handled " + mine["id"], "err")
        run.wait_line("reply done", "err")
        self.assertEqual({s["in_reply_to_id"] for s in self.own_statuses(practice)} - {None}, {other["id"]})
        self.assertEqual(run.stop(), 0)

    def test_an_id_of_another_server_is_not_acted_on(self):
        home, away = self.practice(*QUIET), self.practice(*QUIET)
        plugin = self.write("both.lua", """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.subscribe("public", { account = "away" })
tusk.on("update", function(status)
  status:favourite()
  tusk.log.info("handled " .. status.id)
end)
""")
        config = self.write("moontusk.lua", f"""
return {{
  accounts = {{
    home = {{ server = "{home.url}", token = "{home.token}" }},
    away = {{ server = "{away.url}", token = "{away.token}" }},
  }},
  plugins = {{ {{ "{plugin}", account = "home" }} }},
}}
""")
        run = self.start("run", "--config", config, "--state", self.folder + "/state")
        harness.wait_until(lambda: sum("is live" in line for line in run.lines["err"]) == 2, what=run.text())
        there = away.rest("/practice/post", "POST", {"text": "over there"})[1]
        run.wait_line("handled " + there["id"], "err")
        run.wait_line("on another server", "err")
        here = home.rest("/practice/post", "POST", {"text": "over here"})[1]
        run.wait_line("favourite done", "err")
        requests = home.rest("/practice/log")[1]["requests"]
        self.assertEqual([r["path"] for r in requests if r["path"].endswith("/favourite")],
                         [f"/api/v1/statuses/{here['id']}/favourite"])
        self.assertEqual(run.stop(), 0)

    def test_a_plugin_that_raises_on_every_event_does_not_stop_another(self):
        practice = self.practice("--quiet", "--rate", 50)
        bad = self.write("bad.lua", """
local tusk = require "moontusk"
tusk.subscribe("public")
local function inner(status) return status.account.nothing.at.all end
tusk.on("update", function(status) inner(status) end)
""")
        good = self.write("good.lua", """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", function(status, event) event:archive("all") end)
""")
        config = self.write("moontusk.lua", f"""
return {{
  accounts = {{ bot = {{ server = "{practice.url}", token = "{practice.token}" }} }},
  plugins = {{ {{ "{bad}", failures = false }}, "{good}" }},
}}
""")
        run = self.start("run", "--config", config, "--state", self.folder + "/state")
        harness.wait_until(lambda: sum("bad.lua:4" in line for line in run.lines["err"]) >= 50, 30)
        self.assertEqual(run.stop(signal.SIGINT), 0)
        summary = run.wait_line(r"(\d+) events, (\d+) matches, (\d+) archived.* (\d+) handler errors", "err")
        events, matches, archived, errors = map(int, summary.groups())
        self.assertEqual(archived, errors)
        self.assertEqual(matches, archived + errors)
        with open(self.folder + "/state/archive/good/all.jsonl", encoding="utf-8") as file:
            ids = [json.loads(line)["payload"]["id"] for line in file]
        self.assertEqual(len(ids), archived)
        self.assertEqual(len(set(ids)), len(ids))
        self.assertGreaterEqual(events, archived)
        self.assertRegex(run.text(), r"bad\.lua:5")  # the traceback names the caller too

    def test_private_posts_are_not_archived_unless_allowed(self):
        practice = self.practice(*QUIET)
        self.write("keep.lua", """
local tusk = require "moontusk"
tusk.plugin { name = "keep", permissions = { "archive:private" } }
tusk.subscribe("user:notification")
tusk.on("notification", { type = "mention" }, function(n, event)
  n.status:archive("mentions")
  tusk.log.info("handled " .. n.status.visibility)
end)
""")
        for allow, kept in (("", ["public"]), ('allow = { "archive:private" },', ["direct", "public"])):
            state = self.folder + "/state" + str(len(kept))
            config = self.write("moontusk.lua", 'return { accounts = { bot = { server = "%s", token = env "BOT" } },\n'
                                'plugins = { { "./keep.lua", %s name = "keep" } } }\n' % (practice.url, allow))
            run = self.start("run", "--config", config, "--state", state, env={"BOT": practice.token})
            run.wait_line("is live", "err")
            practice.rest("/practice/direct", "POST", {"text": "a secret"})
            practice.rest("/practice/mention", "POST", {"text": "in public"})
            run.wait_line("handled public", "err")
            self.assertEqual(run.stop(), 0)
            with open(state + "/archive/keep/mentions.jsonl", encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            self.assertEqual([line["payload"]["visibility"] for line in lines], kept)

    def test_dry_run_sends_nothing_and_prints_what_it_would_send(self):
        practice = self.practice(*QUIET)
        plugin = self.write("reply.lua", """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", function(status) status:reply("hello") end)
""")
        run = self.host(practice, plugin, "--dry-run")
        practice.rest("/practice/post", "POST", {"text": "anybody?"})
        line = run.wait_line("^would reply").string
        self.assertIn("/api/v1/statuses", line)
        self.assertIn("hello", line)
        self.assertEqual(run.stop(), 0)
        posts = [r for r in practice.rest("/practice/log")[1]["requests"] if r["method"] == "POST"]
        self.assertEqual([r["path"] for r in posts if r["path"].startswith("/api")], [])
        self.assertEqual(self.own_statuses(practice), [])
        self.assertTrue(os.path.exists(self.folder + "/state/dry-run/moontusk.db"))
        self.assertFalse(os.path.exists(self.folder + "/state/moontusk.db"))

    def test_store_and_schedules_survive_a_restart(self):
        practice = self.practice(*QUIET)
        plugin = self.write("count.lua", """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", function()
  tusk.store.n = (tusk.store.n or 0) + 1
  tusk.store.list = tusk.store.list or {}
  table.insert(tusk.store.list, tusk.store.n)
  tusk.log.info(("n is %d of %d"):format(tusk.store.n, #tusk.store.list))
end)
tusk.every("1s", { name = "tick" }, function()
  tusk.store.ticks = (tusk.store.ticks or 0) + 1
  tusk.log.info("tick " .. tusk.store.ticks)
end)
""")
        for expected in ("n is 1 of 1", "n is 2 of 2"):
            run = self.host(practice, plugin)
            practice.rest("/practice/post", "POST", {"text": "count me"})
            run.wait_line(expected, "err")
            run.wait_line(r"tick \d", "err")
            self.assertEqual(run.stop(), 0)
        ticks = [int(m.group(1)) for m in (re.search(r"tick (\d+)", line) for line in run.lines["err"]) if m]
        self.assertGreater(ticks[0], 1)

    def test_rows_past_their_retention_go(self):
        practice = self.practice(*QUIET)
        plugin = self.write("keep.lua", 'local tusk = require "moontusk"\ntusk.subscribe("public")\n'
                            'tusk.on("update", function() tusk.log.info("handled") end)\n')
        counts = []
        for old in (False, True):
            run = self.host(practice, plugin)
            practice.rest("/practice/post", "POST", {"text": "keep me"})
            run.wait_line("handled", "err")
            self.assertEqual(run.stop(), 0)
            with contextlib.closing(sqlite3.connect(self.folder + "/state/moontusk.db")) as database, database:
                counts.append([database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("seen", "journal")])
                if not old:
                    database.execute("UPDATE seen SET at_ms = at_ms - 31 * 86400000")
                    database.execute("UPDATE journal SET at_ms = at_ms - 31 * 86400000")
        self.assertEqual(counts[0][0], 1)
        self.assertEqual(counts[1], counts[0])  # the old rows went, those of the second run came

    def test_one_host_a_state_folder(self):
        practice = self.practice(*QUIET)
        plugin = self.write("idle.lua", 'local tusk = require "moontusk"\ntusk.subscribe("public")\n')
        self.host(practice, plugin)
        code, _, errors = self.run_to_end("run", plugin, "--server", practice.url, "--state", self.folder + "/state",
                                          token=practice.token)
        self.assertEqual(code, 1)
        self.assertIn("another moontusk runs", errors)

    def test_no_token_in_database_log_or_archive(self):
        hook = self.webhook()
        practice = self.practice("--quiet", "--clock-rate", 10)
        secret = hook.url + "/hooks/very-secret-path-4711"
        self.write("fw.lua", """
local tusk = require "moontusk"
local options = tusk.options { target = { "", secret = true, help = "where to" } }
tusk.subscribe("public")
tusk.on("update", function(status, event)
  event:archive("all")
  status:forward(options.target)
  tusk.log.info("sent to " .. options.target)
  status:reply("posted " .. options.target)
  error("failed at " .. options.target)
end)
tusk.on("update", function(status) status:forward(options.target) end)
""")
        config = self.write("moontusk.lua", 'return { accounts = { bot = { server = "%s", token = env "BOT" } },\n'
                            'plugins = { { "./fw.lua", options = { target = env "HOOK" } } } }\n' % practice.url)
        run = self.start("run", "--config", config, "--state", self.folder + "/state", "--verbose",
                         env={"BOT": practice.token, "HOOK": secret})
        harness.wait_until(lambda: len(hook.requests) >= 3, 30, "three forwards")
        run.wait_line("fw is off|\"fw\" is off|report:", "err")
        self.assertEqual(run.stop(), 0)
        self.assertTrue(os.listdir(self.folder + "/state/reports"))
        self.assertEqual(hook.requests[0][0], "/hooks/very-secret-path-4711")
        for word in (practice.token, "very-secret-path-4711"):
            self.assertNotIn(word, run.text())
            for base, _, files in os.walk(self.folder + "/state"):
                for name in files:
                    with open(os.path.join(base, name), "rb") as file:
                        self.assertNotIn(word.encode(), file.read(), name)


class Replay(harness.Case):
    PLUGIN = """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", { text = [[\\bcat]] }, function(status) status:boost() end)
tusk.every("1h", { name = "hourly" }, function() tusk.log.info("an hour has passed") end)
"""

    def lines(self):
        def status(number, text):
            return {"id": str(1000 + number), "content": f"<p>{text}</p>", "visibility": "public",
                    "account": {"id": "7", "acct": "a@b.example", "username": "a", "display_name": "A", "note": ""}}
        return "\n".join([
            json.dumps({"kind": "update", "stream": ["public"], "account": "x", "origin": "live",
                        "received_at": "2026-01-01T00:00:00.000Z", "payload": status(1, "a cat")}),
            "this is no JSON",
            json.dumps(status(2, "a dog")),
            json.dumps(status(3, "two cats")),
            json.dumps({"kind": "update", "stream": ["public"], "account": "x", "origin": "live",
                        "received_at": "2026-01-01T02:30:00.000Z", "payload": status(4, "cats again")}),
            json.dumps({"kind": "delete", "stream": ["public"], "account": "x", "origin": "live",
                        "received_at": "2026-01-01T02:31:00.000Z", "payload": "1001"}),
        ]) + "\n"

    def test_files_and_stdin_are_handled_in_order_dry_and_broken_lines_are_named(self):
        plugin = self.write("cats.lua", self.PLUGIN)
        recorded = self.write("events.jsonl", self.lines())
        for args, stdin in (([recorded], b""), (["-"], self.lines().encode())):
            code, out, errors = self.run_to_end("replay", *args, "--", plugin, stdin=stdin)
            self.assertEqual(code, 0, errors)
            self.assertEqual(re.findall(r"would boost .*?statuses/(\d+)/reblog", out), ["1001", "1003", "1004"])
            self.assertRegex(errors, r"(events\.jsonl|stdin):2: ")
            self.assertRegex(errors, r"6 lines: 5 events, 0 other, 1 broken")
            self.assertEqual(errors.count("an hour has passed"), 2)

    def test_a_replay_with_state_ends_when_the_database_has_grown(self):
        plugin = self.write("big.lua", 'local tusk = require "moontusk"\ntusk.subscribe("public")\n'
                            'tusk.on("update", function(status) tusk.store.last = status.id .. ("x"):rep(20000) end)\n')
        status = json.loads(self.lines().splitlines()[2])
        recorded = self.write("many.jsonl", "".join(json.dumps(dict(status, id=str(n))) + "\n" for n in range(10000, 11500)))
        code, _, errors = self.run_to_end("replay", recorded, "--state", self.folder + "/kept", "--", plugin, seconds=120)
        self.assertEqual(code, 0, errors)
        self.assertIn("1500 events", errors)

    def test_what_tail_prints_replay_takes(self):
        practice = self.practice("--quiet", "--clock-rate", 20)
        code, out, errors = self.run_to_end("tail", "public", "user", "direct", "--json", "--count", 60, "--server",
                                            practice.url, token=practice.token)
        self.assertEqual(code, 0, errors)
        plugin = self.write("all.lua", 'local tusk = require "moontusk"\ntusk.subscribe("public")\n'
                            'tusk.on("*", function(_, event) assert(event.origin == "replay") end)\n')
        code, _, errors = self.run_to_end("replay", "-", "--", plugin, stdin=out.encode())
        self.assertEqual(code, 0, errors)
        self.assertIn("60 lines: 60 events, 0 other, 0 broken", errors)
        self.assertIn(" 0 handler errors", errors)

    def test_two_handlers_of_one_event_post_both(self):
        plugin = self.write("two.lua", """local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", { text = "a" }, function() tusk.post("one") end)
tusk.on("update", { text = "b" }, function() tusk.post("two") tusk.post("three") end)
""")
        line = '{"id":"1","visibility":"public","content":"<p>a b</p>","account":{"id":"2","acct":"x"}}\n'
        code, out, errors = self.run_to_end("replay", "-", "--", plugin, stdin=(line + line).encode())
        self.assertEqual(code, 0, errors)
        self.assertEqual(re.findall(r'"status":"(\w+)"', out), ["one", "two", "three"])

    def test_check_says_what_a_plugin_hears_and_may_do(self):
        plugin = self.write("cats.lua", self.PLUGIN)
        code, out, errors = self.run_to_end("check", plugin)
        self.assertEqual(code, 0, errors)
        self.assertIn("hears: public", out)
        self.assertRegex(out, "may: .*boost")
        self.assertRegex(out, "may not: .*follow and unfollow accounts")
        self.assertIn("may call: no other server", out)

    def test_check_says_in_plain_words_what_each_instance_may_do(self):
        self.write("busy.lua", """local tusk = require "moontusk"
tusk.plugin { permissions = { "report", "follow", "http:hooks.example:8443" } }
tusk.options { to = "" }
tusk.every("15m", function() end)
tusk.daily({ "09:00", "21:30" }, { name = "digest", tz = "UTC", on = { "mon", "fri" } }, function() end)
""")
        config = self.write("moontusk.lua", """return {
  accounts = { bot = { server = "https://mastodon.example" } },
  plugins = { { "./busy.lua", account = "bot", options = { to = "ntfy:https://ntfy.example/x" },
    allow = { "report", "http:hooks.example:8443", "folow", "block", "archive:private" } } },
}""")
        code, out, errors = self.run_to_end("check", "--config", config)
        self.assertEqual(code, 0, errors)
        for words in ("runs every 15m", 'runs daily at 09:00, 21:30 (UTC) on Mon, Fri ("digest")',
                      "may call: hooks.example:8443", "may call: ntfy.example (the address stands in its options)",
                      "report posts and accounts, archive private and direct posts", "ms of CPU time a call",
                      'declares "follow", which is not granted', 'did you mean "follow"?',
                      'names "block", which the plugin does not declare'):
            self.assertIn(words, out)
        self.assertRegex(out, "may not: follow and unfollow accounts, mute .*act as a moderator")


class Demo(harness.Case):
    def test_it_shows_work_of_every_kind_and_ends_with_a_summary(self):
        demo = self.start("demo", "--seconds", 120, "--clock-rate", 8, env={"TMPDIR": self.folder})
        self.assertEqual(demo.wait(60), 0, demo.text())
        out = "\n".join(demo.lines["out"])
        for label in ("in ", "match ", "archive ", "boost ", "reply ", "alert "):
            self.assertRegex(out, "(?m)^" + label, label)
        self.assertNotIn("\x1b", out)
        summary = re.search(r"Archived (\d+), boosted (\d+), replied (\d+), alerted (\d+)", out)
        self.assertTrue(all(int(n) > 0 for n in summary.groups()), summary.group(0))
        folder = re.search(r"The archive lies in (\S+),", out).group(1)
        self.assertTrue(any(name.endswith(".jsonl") for _, _, names in os.walk(folder) for name in names))
        # Made-up people delete posts, too: a boost may come too late for one.
        said = [line for line in demo.lines["err"] if '404 "Record not found"' not in line]
        self.assertNotRegex("\n".join(said), "error|warn")

    def test_ctrl_c_is_clean(self):
        demo = self.start("demo", env={"TMPDIR": self.folder})
        demo.wait_line("^in ")
        self.assertEqual(demo.stop(signal.SIGINT), 0)
        self.assertIn("events came in", demo.lines["out"][-3] + demo.lines["out"][-2] + demo.lines["out"][-4])


if __name__ == "__main__":
    unittest.main()
