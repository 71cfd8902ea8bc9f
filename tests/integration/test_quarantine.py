#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plugins that fail: switched off with a report and an alert, on_error, dead letters, and what brings them back."""
import contextlib
import glob
import json
import os
import shlex
import sqlite3
import stat
import subprocess
import unittest

import harness

QUIET = ("--quiet", "--events", os.devnull)
HEAD = 'local tusk = require "moontusk"\ntusk.subscribe("public")\n'
RAISES = HEAD + """tusk.on("update", function(status)
  if status.content:find("bad") then error("cannot stand " .. status.id) end
  tusk.log.info("did " .. status.content)
end)
"""
LOOPS = HEAD + 'tusk.on("update", function(status) while true do end end)\n'
GOOD = HEAD + 'tusk.on("update", function(status) tusk.log.info("good " .. status.content) end)\n'


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.server = self.practice(*QUIET)
        self.hook = harness.Webhook()
        self.addCleanup(self.hook.close)

    def config(self, plugins, alert=None):
        target = f"  alert = {json.dumps(alert or self.hook.url + '/hook')},\n" if alert != "" else ""
        return self.write("moontusk.lua", f"""return {{
  accounts = {{ bot = {{ server = "{self.server.url}", token = "{self.server.token}" }} }},
{target}  plugins = {{ {plugins} }},
}}""")

    def host(self, *args, live=True):
        run = self.start("run", "--config", self.folder + "/moontusk.lua", "--state", self.folder + "/state", *args)
        if live:
            run.wait_line("is live", "err")
        return run

    def post(self, text, count=1):
        for _ in range(count):
            self.server.rest("/practice/post", "POST", {"text": text})

    def ask(self, sql, *args):
        with contextlib.closing(sqlite3.connect(self.folder + "/state/moontusk.db")) as database, database:
            return database.execute(sql, args).fetchall()

    def letters(self, name):
        return [json.loads(detail) for detail, in
                self.ask("SELECT detail FROM journal WHERE what = 'dead_letter' AND instance = ? ORDER BY row", name)]

    def reports(self, name, kind="txt"):
        return sorted(glob.glob(f"{self.folder}/state/reports/{name}-*.{kind}"))

    def command(self, line):
        """Runs a line of a report as it stands there, with our own moontusk."""
        words = shlex.split(line)
        self.assertEqual(words[0], "moontusk")
        return subprocess.run([harness.MOONTUSK, *words[1:]], capture_output=True, text=True, timeout=60 * harness.SLOW,
                              env=harness.clean_env(), check=False)


class Off(Case):
    def test_a_plugin_that_fails_too_often_is_off_with_report_and_alert_and_the_other_goes_on(self):
        self.write("bad.lua", RAISES)
        self.write("good.lua", GOOD)
        self.config('{ "./bad.lua", failures = { 3, of = 10 } }, "./good.lua"')
        run = self.host()
        self.post("bad", 2)
        self.post("fine", 1)
        run.wait_line("did .*fine", "err")
        self.assertEqual(self.hook.requests, [])
        self.post("bad", 1)
        run.wait_line('plugin "bad" is off', "err")
        self.post("later", 1)
        run.wait_line("good .*later", "err")
        self.assertNotIn("did <p>later", run.text())
        harness.wait_until(lambda: self.hook.requests, what=run.text())
        told = json.loads(self.hook.requests[0][2])
        self.assertIn("bad is off", told["title"])
        self.assertIn("cannot stand", told["text"])
        self.assertIn("moontusk rearm bad", told["text"])
        self.assertEqual(len(self.letters("bad")), 3)
        [report], [line] = self.reports("bad"), self.reports("bad", "jsonl")
        for path in (report, line):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(report, encoding="utf-8") as file:
            text = file.read()
        for part in ("3 failures within 10 events", "bad.lua:4: cannot stand", "in the handler of line 3", "memory", "CPU",
                     "on update", "Failures that led here"):
            self.assertIn(part, text)
        self.assertEqual(text.count("cannot stand"), 4)
        [replay] = [part.strip() for part in text.splitlines() if part.startswith("    moontusk replay")]
        again = self.command(replay)
        self.assertIn("bad.lua:4: cannot stand", again.stderr)
        self.assertIn("1 events", again.stderr)
        self.assertEqual(run.stop(), 0)
        self.assertEqual(self.ask("SELECT instance, missed > 0 FROM quarantines"), [("bad", 1)])
        # It stays off over a restart, tells nobody again, and is on again when its file has changed.
        run = self.host()
        run.wait_line('plugin "bad" is off', "err")
        # It still counts what it misses.
        [(before,)] = self.ask("SELECT missed FROM quarantines")
        self.post("unheard", 2)
        harness.wait_until(lambda: self.ask("SELECT missed FROM quarantines")[0][0] >= before + 2, what=run.text())
        self.assertEqual(run.stop(), 0)
        self.write("bad.lua", RAISES.replace("bad", "worse"))
        run = self.host()
        run.wait_line("bad: on again", "err")
        harness.wait_until(lambda: sum("is live" in text for text in run.lines["err"]) >= 1)
        self.post("bad")
        run.wait_line("did .*bad", "err")
        self.assertEqual(run.stop(), 0)
        self.assertEqual(len(self.hook.requests), 1)
        self.assertEqual(self.ask("SELECT count(*) FROM quarantines"), [(0,)])

    def test_calls_that_are_ended_count_twice_and_an_edit_arms_a_running_host(self):
        self.write("loop.lua", LOOPS)
        self.write("good.lua", GOOD)
        self.config('"./loop.lua", "./good.lua"')
        run = self.host()
        self.post("one", 4)
        run.wait_line('plugin "loop" is off', "err")
        harness.wait_until(lambda: sum("good <p>one" in text for text in run.lines["err"]) == 4)
        self.assertEqual(len(self.letters("loop")), 3)
        self.assertIn("CPU", self.letters("loop")[0]["limit"])
        with open(self.reports("loop")[0], encoding="utf-8") as file:
            self.assertIn("more CPU time than one call may use", file.read())
        self.write("loop.lua", GOOD.replace("good", "mended"))
        run.wait_line("loop: on again", "err")
        # What came before it was off waited: the fourth.
        run.wait_line("mended .*one", "err")
        self.post("two")
        run.wait_line("mended .*two", "err")
        self.assertEqual(run.stop(), 0)
        self.assertEqual(len(self.hook.requests), 1)

    def test_a_module_of_it_switches_it_on_again_in_a_later_run_and_between_two(self):
        self.write("parts/parts.lua", HEAD + """local stop = require "stop"
tusk.on("update", function(status) stop("at " .. status.content) end)
""")
        self.write("parts/stop.lua", "return error\n")
        self.config('{ "./parts", on_error = "stop" }', "")
        run = self.host()
        self.post("bad")
        run.wait_line('plugin "parts" is off', "err")
        self.assertEqual(run.stop(), 0)
        run = self.host()
        run.wait_line('plugin "parts" is off', "err")
        self.write("parts/stop.lua", "-- not yet\nreturn error\n")
        run.wait_line("parts: on again", "err")
        run.wait_line("at <p>bad", "err")  # what waited; off again
        self.assertEqual(run.stop(), 0)
        self.write("parts/stop.lua", 'return require("moontusk").log.info\n')
        run = self.host()
        run.wait_line("parts: on again", "err")
        run.wait_line("parts: at <p>bad", "err")
        self.assertEqual(run.stop(), 0)

    def test_a_plugin_that_does_not_load_has_a_report_and_one_alert_and_comes_when_it_is_mended(self):
        self.write("broken.lua", "x = = 1")
        self.write("good.lua", GOOD)
        self.config('"./broken.lua", "./good.lua"')
        for _ in range(2):
            run = self.host()
            run.wait_line("broken.lua:1: unexpected symbol", "err")
            harness.wait_until(lambda: self.hook.requests, what=run.text())
            self.assertEqual(run.stop(), 0)
        self.assertEqual(len(self.hook.requests), 1)
        with open(self.reports("broken")[0], encoding="utf-8") as file:
            self.assertIn("unexpected symbol", file.read())
        run = self.host()
        self.write("broken.lua", GOOD.replace("good", "mended"))
        run.wait_line("broken: started", "err")
        self.post("two")
        run.wait_line("mended .*two", "err")
        self.assertEqual(run.stop(), 0)

    def test_a_flood_of_failing_plugins_becomes_three_alerts_and_a_summary(self):
        for number in range(6):
            self.write(f"p{number}.lua", RAISES)
        self.config(", ".join(f'{{ "./p{number}.lua", on_error = "stop" }}' for number in range(6)))
        run = self.host("--clock-rate", "60")
        self.post("bad")
        harness.wait_until(lambda: len(self.hook.requests) >= 4, what=run.text())
        titles = [json.loads(body)["title"] for _, _, body in self.hook.requests]
        self.assertEqual(titles[3], "moontusk: 3 more alerts")
        self.assertEqual(json.loads(self.hook.requests[3][2])["text"].count("is off"), 3)
        self.assertEqual(run.stop(), 0)
        self.assertEqual(len(self.hook.requests), 4)

    def test_an_alert_by_direct_post_goes_to_that_person_and_names_nobody_else(self):
        self.write("bad.lua", HEAD + 'tusk.on("update", function() error("see @stranger@else.example") end)\n')
        self.config('{ "./bad.lua", on_error = "stop" }', "dm:@admin@far.example")
        run = self.host()
        self.post("bad")
        harness.wait_until(lambda: any(r["path"] == "/api/v1/statuses" and r["method"] == "POST"
                                       for r in self.server.rest("/practice/log")[1]["requests"]), what=run.text())
        [sent] = [json.loads(r["body"]) for r in self.server.rest("/practice/log")[1]["requests"]
                  if r["path"] == "/api/v1/statuses" and r["method"] == "POST"]
        self.assertEqual(sent["visibility"], "direct")
        self.assertTrue(sent["status"].startswith("@admin@far.example moontusk: bad is off"), sent)
        self.assertEqual(sent["status"].replace("@\u200b", "").count("@"), 2)
        self.assertEqual(run.stop(), 0)

    def test_a_dry_run_prints_the_alert(self):
        self.write("bad.lua", RAISES)
        self.config('{ "./bad.lua", on_error = "stop" }', "ntfy:" + self.hook.url + "/topic")
        run = self.host("--dry-run")
        self.post("bad")
        run.wait_line(r"would forward \[\(alert\)\] alert: moontusk: bad is off")
        self.assertEqual(run.stop(), 0)
        self.assertEqual(self.hook.requests, [])

    def test_rearm_switches_on_whether_a_host_runs_or_not_and_status_tells(self):
        self.write("bad.lua", RAISES)
        self.config('{ "./bad.lua", on_error = "stop" }')
        run = self.host()
        state = ("--state", self.folder + "/state")
        self.post("bad")
        run.wait_line('plugin "bad" is off', "err")
        self.post("missed", 3)
        def instance():
            return json.loads(harness.run("status", "--json", *state)[1])["instances"][0]
        harness.wait_until(lambda: instance()["missed"] >= 3)
        told = instance()
        self.assertEqual(told["state"], "off")
        self.assertIn("moontusk rearm bad", told["error"])
        self.assertTrue(os.path.exists(told["report"]))
        self.assertIn("events missed while it is off", harness.run("status", *state)[1])
        code, _, errors = harness.run("reload", "bad", *state)
        self.assertEqual(code, 1)
        self.assertIn("switched off at", errors)
        # Nothing has changed: the event that waits switches it off again.
        code, out, errors = harness.run("rearm", "bad", *state)
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("bad: started", out)
        harness.wait_until(lambda: sum('plugin "bad" is off' in text for text in run.lines["err"]) == 2)
        self.assertEqual(run.stop(), 0)
        self.assertIn("bad: 1 events wait; switched off at", harness.run("status", *state)[1])
        code, out, errors = harness.run("rearm", "bad", *state)
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("bad is armed", out)
        code, out, errors = harness.run("rearm", "bad", *state)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("bad is not switched off", errors)


class Alerts(Case):
    def told(self):
        return [json.loads(body) for _, _, body in self.hook.requests]

    def test_the_last_account_that_is_refused_is_told_before_the_host_ends(self):
        self.write("good.lua", GOOD)
        self.config('"./good.lua"')
        run = self.host()
        self.server.rest("/practice/revoke", "POST", {})
        self.assertEqual(run.wait(30), 1, run.text())
        self.assertIn("no account is left to connect with", run.text())
        self.assertEqual([told["title"] for told in self.told()], [f'moontusk: {self.server.url[7:]} does not accept the token of "bot"'], run.text())

    def test_without_anybody_who_listens_the_host_ends_all_the_same_and_tells_at_the_next_start(self):
        self.write("good.lua", GOOD)
        hook = harness.Webhook([503] * 100)
        self.addCleanup(hook.close)
        self.config('"./good.lua"', hook.url + "/hook")
        run = self.host("--clock-rate", "20")
        self.server.rest("/practice/revoke", "POST", {})
        self.assertEqual(run.wait(30), 1, run.text())
        self.assertGreaterEqual(len(hook.requests), 1)
        self.assertEqual(self.ask("SELECT count(*) FROM intents WHERE state = 0 AND instance = '(alert)'"), [(1,)])

    def test_an_action_of_which_nobody_knows_whether_it_happened_is_told(self):
        self.server.rest("/practice/fail", "POST", {"path": "/api/v1/reports", "status": 502, "body": "<html>"})
        self.write("reports.lua", 'local tusk = require "moontusk"\ntusk.plugin { permissions = { "report" } }\ntusk.subscribe("public")\n'
                   'tusk.on("update", function(status) status:report { comment = "spam" } end)\n')
        self.config('{ "./reports.lua", allow = { "report" } }')
        run = self.host()
        self.post("spam", 3)
        harness.wait_until(lambda: self.hook.requests, what=run.text())
        self.assertEqual(run.stop(), 0)
        self.assertEqual([told["title"] for told in self.told()], ["moontusk: reports: it is not known whether a report happened"])
        self.assertIn("It is not sent again: look at the account.", self.told()[0]["text"])


class OnError(Case):
    def run_one(self, policy, *args, live=True):
        self.write("p.lua", RAISES)
        self.config(f'{{ "./p.lua", on_error = "{policy}", failures = false }}', "")
        return self.host(*args, live=live)

    def test_skip_goes_on_and_keeps_no_letter(self):
        run = self.run_one("skip")
        self.post("bad")
        self.post("next")
        run.wait_line("did .*next", "err")
        self.assertEqual(run.stop(), 0)
        self.assertEqual(self.letters("p"), [])
        self.assertEqual(self.ask("SELECT count(*) FROM journal WHERE what = 'skipped'"), [(1,)])

    def test_dead_letter_goes_on_and_keeps_the_event_with_its_handler(self):
        run = self.run_one("dead_letter")
        self.post("bad")
        self.post("next")
        run.wait_line("did .*next", "err")
        self.assertEqual(run.stop(), 0)
        [letter] = self.letters("p")
        self.assertIn("cannot stand", letter["error"])
        self.assertEqual(letter["handler"], "on update")
        self.assertIn("bad", letter["event"]["payload"]["content"])

    def test_retry_holds_the_order_over_kill_9_and_gives_up_in_the_end(self):
        run = self.run_one("retry", "--clock-rate", "20")
        self.post("bad")
        self.post("next")
        run.wait_line(r"tried again in 10s \(try 2 of 5", "err")
        harness.wait_until(lambda: self.ask("SELECT tries FROM deliveries ORDER BY row") == [(2,), (0,)], what=run.text())
        run.kill()
        run = self.host("--clock-rate", "300")
        run.wait_line(r"tried again in 10m \(try 4 of 5", "err")
        self.assertNotIn("did <p>next", run.text())
        run.wait_line("did .*next", "err")
        self.assertEqual(run.stop(), 0)
        [letter] = self.letters("p")
        self.assertEqual(letter["tries"], 5)
        self.assertEqual(self.ask("SELECT count(*) FROM deliveries"), [(0,)])

    def test_retry_succeeds_when_the_cause_is_gone(self):
        self.write("p.lua", HEAD + """local tries = 0
tusk.on("update", function(status)
  tries = tries + 1
  status:favourite()
  if tries < 3 then error("not yet") end
  tusk.log.info("did it at " .. tries)
end)
""")
        self.config('{ "./p.lua", on_error = "retry" }', "")
        run = self.host("--clock-rate", "20")
        self.post("hello")
        run.wait_line("did it at 3", "err")
        run.wait_line("favourite done", "err")
        self.assertEqual(run.stop(), 0)
        self.assertEqual(self.letters("p"), [])
        log = self.server.rest("/practice/log")[1]["requests"]
        self.assertEqual(sum(r["path"].endswith("/favourite") for r in log), 1)

    def test_stop_switches_off_at_the_first_failure_and_passes_nothing_over(self):
        run = self.run_one("stop")
        self.post("bad")
        run.wait_line('plugin "p" is off', "err")
        self.assertEqual(run.stop(), 0)
        self.assertEqual(self.letters("p"), [])
        self.assertEqual(self.ask("SELECT count(*) FROM deliveries"), [(1,)])
        self.write("p.lua", RAISES.replace('"bad"', '"worse"'))
        run = self.host()
        run.wait_line("did .*bad", "err")
        self.assertEqual(run.stop(), 0)

    def test_dead_letters_are_run_again_by_a_mended_plugin_from_the_database_of_the_host(self):
        run = self.run_one("dead_letter")
        self.post("bad", 2)
        self.post("next")
        run.wait_line("did .*next", "err")
        self.write("q.lua", RAISES.replace('"bad"', '"worse"'))
        again = self.command(f"moontusk replay --dead-letters --instance p --state {self.folder}/state -- {self.folder}/q.lua")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stderr.count("did <p>bad"), 2)
        other = self.command(f"moontusk replay --dead-letters --instance x --state {self.folder}/state -- {self.folder}/q.lua")
        self.assertIn("0 events", other.stderr)
        wrong = self.command(f"moontusk replay --dead-letters -- {self.folder}/q.lua")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("--state DIR", wrong.stderr)
        self.assertEqual(run.stop(), 0)

    def test_config_errors_name_the_key(self):
        self.write("p.lua", RAISES)
        for entry, alert, part in (('{ "./p.lua", on_error = "ignore" }', "", 'plugins[1].on_error: expected "skip"'),
                                   ('{ "./p.lua", failures = { 9, of = 3 } }', "", "plugins[1].failures: found something else, expected"),
                                   ('"./p.lua"', "nfty:https://n.example/hushhush", "alert: expected")):
            self.config(entry, alert)
            check = self.command(f"moontusk check --config {self.folder}/moontusk.lua")
            self.assertEqual(check.returncode, 1)
            self.assertIn(part, check.stderr)
            self.assertNotIn("hushhush", check.stderr)
        self.config('"./p.lua"', "ntfy:https://n.example/hushhush")
        check = self.command(f"moontusk check --config {self.folder}/moontusk.lua")
        self.assertIn("alerts go to ntfy at n.example\n", check.stdout)
        self.assertEqual(check.returncode, 0)


class Scenarios(Case):
    """As moderators and bot authors ask for them."""

    def test_a_burst_of_one_domain_is_told_once_then_quiet_then_a_summary(self):
        example = os.path.abspath(os.path.join(harness.SOURCE, "examples", "domain_burst.lua"))
        discord = self.webhook()
        self.config(f'{{ "{example}", options = {{ to = {{ "{self.hook.url}/m", "discord:{discord.url}/d" }}, '
                    'within = "60m", quiet = 20 } }', "")
        run = self.host("--clock-rate", "300")  # an hour of the rule takes 12 s

        def send(number, domain="bad.example"):
            acct = f"user{number}@{domain}"
            self.server.rest("/practice/send", "POST", {"stream": "public:remote", "payload": json.dumps({
                "id": str(1000 + number), "created_at": "2026-11-20T00:00:00.000Z", "content": "<p>Best airdrop</p>", "spoiler_text": "",
                "visibility": "public", "url": f"https://{domain}/{number}", "uri": f"https://{domain}/{number}", "mentions": [],
                "tags": [], "media_attachments": [], "account": {"id": str(number), "acct": acct, "username": f"user{number}", "note": "",
                                                                 "display_name": ""}})})

        for number in range(4):
            send(number)
        for number in range(10, 14):
            send(number, "good.example")
        harness.wait_until(lambda: self.ask("SELECT count(*) FROM journal WHERE what = 'handled'") == [(8,)], what=run.text())
        self.assertEqual(self.hook.requests + discord.requests, [])
        send(4)
        harness.wait_until(lambda: self.hook.requests and discord.requests, what=run.text())
        for number in range(5, 8):
            send(number)
        told = json.loads(self.hook.requests[0][2])
        self.assertEqual(told["title"], "5 accounts of bad.example")
        for number in range(5):
            self.assertIn(f"https://bad.example/{number} by @user{number}@bad.example", told["text"])
        self.assertIn("**5 accounts of bad.example**", json.loads(discord.requests[0][2])["content"])
        harness.wait_until(lambda: len(self.hook.requests) > 1 and len(discord.requests) > 1, what=run.text())
        summary = json.loads(self.hook.requests[1][2])
        self.assertEqual(summary["title"], "bad.example went on")
        self.assertIn("3 more posts in 20 minutes", summary["text"])
        self.assertEqual(run.stop(), 0)
        self.assertEqual((len(self.hook.requests), len(discord.requests)), (2, 2))
        self.assertNotIn(self.hook.url, "".join(map(str, self.ask("SELECT url FROM intents"))))

    def test_a_follow_only_command_bot_answers_while_another_plugin_hangs_and_the_admin_hears_once(self):
        self.write("weather.lua", """local tusk = require "moontusk"
tusk.plugin { permissions = { "api:read" } }
tusk.subscribe("user")
tusk.hear([[^weather (\\w+)]], function(status, place)
  local found = tusk.api.get("/api/v1/accounts/relationships", { id = { status.account.id } })
  if found and found[1].followed_by then status:reply("It is mild in " .. place .. ".") end
end)
""")
        self.write("hangs.lua", LOOPS.replace('"public"', '"user"').replace('"update"', '"notification"'))
        self.config('"./hangs.lua", { "./weather.lua", allow = { "api:read" } }', "dm:@admin@far.example")
        run = self.host()
        self.server.rest("/practice/follow", "POST", {"from": "alice"})
        for _ in range(4):
            self.server.rest("/practice/mention", "POST", {"from": "alice", "text": "weather Berlin"})
        self.server.rest("/practice/mention", "POST", {"from": "bert", "text": "weather Paris"})
        run.wait_line('plugin "hangs" is off', "err")
        sent = lambda: [json.loads(r["body"]) for r in self.server.rest("/practice/log")[1]["requests"]
                        if r["path"] == "/api/v1/statuses" and r["method"] == "POST"]
        harness.wait_until(lambda: len(sent()) >= 5, what=run.text())
        self.assertEqual(run.stop(), 0)
        texts = [status["status"] for status in sent()]
        self.assertEqual(sum("It is mild in Berlin" in text for text in texts), 4)
        self.assertEqual(sum("Paris" in text for text in texts), 0)
        self.assertEqual(sum(text.startswith("@admin@far.example") for text in texts), 1)


if __name__ == "__main__":
    unittest.main()
