#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whatever is wrong ends in one clear message and exit 1, or a host that goes on."""
import os
import signal
import subprocess
import time
import unittest

import harness

NOWHERE = "http://127.0.0.1:1"
GOOD = 'local tusk = require "moontusk"\ntusk.subscribe("public")\ntusk.on("update", function(status) end)\n'


class CommandLine(harness.Case):
    def test_unknown_verbs_flags_and_values_are_usage_errors_with_a_suggestion(self):
        for args, said in [
            (["tial"], 'Did you mean "tail"'),
            (["tail", "public", "--jsno"], "Did you mean --json"),
            (["tail", "public", "--count", "many"], "--count takes a whole number"),
            (["tail", "public", "--count"], "--count needs a value"),
            (["tail", "public", "-count", "3"], "unknown flag -count. Did you mean --count?"),
            (["tail"], "something is missing"),
            (["tail", "public", "--token", "x"], "MOONTUSK_TOKEN"),
            (["tail", "public", "--count", "0"], "--count takes a whole number from 1 on"),
            (["tail", "public", "--seconds", "1e99"], "--seconds takes a number from 0 to"),
            (["run", "x.lua", "--server", NOWHERE, "--config", "c.lua"], "--server and --config do not go together"),
            (["tail", "public", "--server", NOWHERE, "--account", "a"], "--server and --account do not go together"),
            (["demo", "word"], "unexpected word"),
            (["practice", "--prot", "1"], "Did you mean --port"),
        ]:
            with self.subTest(args=args):
                code, out, errors = self.run_to_end(*args)
                self.assertEqual(code, 2, errors)
                self.assertIn(said, errors)
                self.assertEqual(out, "")

    def test_help_and_version_are_printed_for_every_verb(self):
        code, out, _ = self.run_to_end("--help")
        self.assertEqual(code, 0)
        for verb in ("run", "tail", "replay", "check", "practice", "demo"):
            self.assertIn(verb, out)
            code, about, _ = self.run_to_end(verb, "--help")
            self.assertEqual(code, 0)
            self.assertIn("Examples:", about)
        code, out, _ = self.run_to_end("--version")
        self.assertRegex(out, r"^moontusk \d+\.\d+\.\d+\n$")

    def test_streams_are_checked_before_anything_connects(self):
        for args, said in [
            (["pubilc"], 'public'),
            (["hashtag"], "--tag"),
            (["list"], "--list"),
            (["public", "--tag", "x"], "--tag goes with hashtag"),
            (["public", "--list", "1"], "--list goes with list"),
            (["public", "--words", "none.txt"], "there is no file none.txt"),
            (["public", "--words", "/"], "folder"),
            (["public", "--ca-file", "/nowhere/ca.pem"], "/nowhere/ca.pem cannot be read"),
        ]:
            with self.subTest(args=args):
                code, _, errors = self.run_to_end("tail", *args, "--server", NOWHERE)
                self.assertEqual(code, 1)
                self.assertIn(said, errors)
                self.assertEqual(len(errors.strip().splitlines()), 1, errors)

    def test_no_server_named_says_how_to_name_one(self):
        for args in (["tail", "public"], ["run", self.write("good.lua", GOOD)]):
            code, _, errors = self.run_to_end(*args, cwd=self.folder)
            self.assertEqual(code, 1)
            self.assertIn("--server", errors)


class Outputs(harness.Case):
    def test_closed_standard_files_neither_crash_it_nor_get_messages_into_the_database(self):
        practice = self.practice("--quiet")
        plugin = self.write("good.lua", GOOD)
        state = self.folder + "/state"
        command = '"$@" <&- >&- 2>&-'
        for args in (["run", plugin, "--seconds", "1", "--state", state], ["tail", "public", "--seconds", "1"]):
            done = subprocess.run(["sh", "-c", command, "sh", harness.MOONTUSK, *args, "--server", practice.url],
                                  env=harness.clean_env(MOONTUSK_TOKEN=practice.token, HOME=self.folder), timeout=20 * harness.SLOW)
            self.assertEqual(done.returncode, 0, args)
        with open(state + "/moontusk.db", "rb") as file:
            self.assertEqual(file.read(15), b"SQLite format 3")

    def test_a_dry_run_that_cannot_print_says_so_and_ends(self):
        practice = self.practice("--quiet", "--clock-rate", 10)
        plugin = self.write("b.lua", 'local tusk = require "moontusk"\ntusk.subscribe("public")\n'
                            'tusk.on("update", function(status) status:favourite() end)\n')
        command = '"$@" 2>&1 >/dev/full'
        done = subprocess.run(["sh", "-c", command, "sh", harness.MOONTUSK, "run", plugin, "--dry-run", "--server", practice.url],
                              stdout=subprocess.PIPE,
                              env=harness.clean_env(MOONTUSK_TOKEN=practice.token, HOME=self.folder), timeout=20 * harness.SLOW)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"cannot write", done.stdout)


class Server(harness.Case):
    def test_no_server_there(self):
        code, _, errors = self.run_to_end("tail", "public", "--server", NOWHERE, token="x" * 20)
        self.assertEqual(code, 1)
        self.assertIn(NOWHERE, errors)
        self.assertEqual(len(errors.strip().splitlines()), 1, errors)

    def test_a_host_waits_for_a_server_that_is_not_there_and_does_not_spin(self):
        run = self.start("run", self.write("good.lua", GOOD), "--server", NOWHERE, "--state", self.folder + "/state",
                         token="x" * 20)
        run.wait_line("Trying again", "err")
        time.sleep(1.5)
        self.assertIsNone(run.process.poll())
        self.assertLess(len(run.lines["err"]), 8, run.text())
        self.assertEqual(run.stop(signal.SIGINT), 0)

    def test_a_wrong_token_ends_with_one_message(self):
        practice = self.practice("--quiet")
        plugin = self.write("good.lua", GOOD)
        for args in (["tail", "public"], ["run", plugin, "--state", self.folder + "/state"]):
            code, _, errors = self.run_to_end(*args, "--server", practice.url, token="wrong-token-0123456789")
            self.assertEqual(code, 1, errors)
            self.assertRegex(errors, "(?i)token")
            self.assertNotIn("wrong-token-0123456789", errors)

    def test_a_run_without_a_token_ends_when_the_server_wants_one(self):
        practice = self.practice("--quiet")
        code, _, errors = self.run_to_end("run", self.write("good.lua", GOOD), "--server", practice.url, "--state",
                                          self.folder + "/state")
        self.assertEqual(code, 1, errors)
        self.assertIn("no account is left to connect with", errors)

    def test_a_token_that_is_revoked_ends_the_run_and_is_said_once(self):
        practice = self.practice("--quiet")
        for transport in ("ws", "sse"):
            run = self.start("run", self.write("good.lua", GOOD), "--server", practice.url, "--state", self.folder + "/state",
                             "--transport", transport, token=practice.token)
            run.wait_line("is live", "err")
            practice.rest("/practice/revoke", "POST", {})
            self.assertEqual(run.wait(30), 1, run.text())
            self.assertEqual(sum(" 401 " in line for line in run.lines["err"]), 1, run.text())
            practice.rest("/practice/restore", "POST", {})

    def test_a_token_with_a_line_break_is_refused_before_anything_connects(self):
        code, _, errors = self.run_to_end("tail", "public", "--server", NOWHERE, token="abcdefgh\nijklmnop")
        self.assertEqual(code, 1)
        self.assertIn("put in just the token", errors)
        self.assertNotIn("ijklmnop", errors)

    def test_a_token_without_the_scope_is_told_with_the_servers_words(self):
        practice = self.practice("--quiet")
        token = practice.wait_line(r"^token \(write only\): (\S+)").group(1)
        for transport in ("ws", "sse"):
            code, _, errors = self.run_to_end("tail", "public", "--server", practice.url, "--transport", transport, token=token)
            self.assertEqual(code, 1, errors)
            self.assertIn("Access token does not have the required scopes", errors)

    def test_a_foreign_list_is_refused_and_the_other_stream_goes_on(self):
        practice = self.practice("--quiet", "--clock-rate", 10)
        for transport in ("ws", "sse"):
            tail = self.start("tail", "list", "public", "--list", "2", "--server", practice.url, "--transport", transport,
                              token=practice.token)
            tail.wait_line("Not authorized to stream this list", "err")
            tail.wait_line(" public ")
            self.assertEqual(tail.stop(), 0)

    def test_html_in_place_of_json_is_said_and_survived(self):
        practice = self.practice("--quiet", "--clock-rate", 10)
        practice.rest("/practice/fail", "POST", {"path": "/api/v", "times": 4, "status": 200,
                                                 "body": "<html><title>Welcome</title></html>",
                                                 "content_type": "text/html"})
        tail = self.start("tail", "public", "--server", practice.url, "--transport", "ws", token=practice.token)
        tail.wait_line(" public ", "out")
        self.assertRegex(tail.text(), "(?i)html")
        self.assertEqual(tail.stop(), 0)

    def test_a_flood_of_broken_frames_is_one_line_in_the_log(self):
        practice = self.practice("--quiet", "--events", os.devnull)
        tail = self.start("tail", "public", "--server", practice.url, token=practice.token)
        tail.wait_line("is live", "err")
        for _ in range(50):
            practice.rest("/practice/garbage", "POST", {"stream": "public"})
        practice.rest("/practice/post", "POST", {"text": "after the flood"})
        tail.wait_line("after the flood")
        self.assertEqual(tail.stop(), 0)
        self.assertEqual(sum("could not be read" in line for line in tail.lines["err"]), 1, tail.text())

    def test_frames_that_are_no_json_are_counted_and_skipped(self):
        practice = self.practice("--quiet", "--events", os.devnull)
        for transport in ("ws", "sse"):
            tail = self.start("tail", "public", "--server", practice.url, "--transport", transport, token=practice.token)
            tail.wait_line("is live", "err")
            practice.rest("/practice/garbage", "POST", {"stream": "public"})
            practice.rest("/practice/post", "POST", {"text": "after the garbage"})
            tail.wait_line("after the garbage")
            tail.wait_line("warn.*JSON", "err")
            self.assertEqual(tail.stop(), 0)


class Plugins(harness.Case):
    def refused(self, source, *said, config=None):
        plugin = self.write("bad.lua", source)
        for args in (["check", plugin], ["run", plugin, "--server", NOWHERE, "--state", self.folder + "/state"]):
            code, _, errors = self.run_to_end(*args)
            self.assertEqual(code, 1, errors)
            for text in said:
                self.assertIn(text, errors)
            self.assertNotIn("stack traceback:\n\t[C]: in ?", errors)

    def test_a_syntax_error_names_file_and_line(self):
        self.refused('local tusk = require "moontusk"\ntusk.on(\n', "bad.lua:")

    def test_a_missing_file_is_named(self):
        code, _, errors = self.run_to_end("check", self.folder + "/none.lua")
        self.assertEqual(code, 1)
        self.assertIn("none.lua", errors)

    def test_a_shipped_plugin_that_is_mistyped_gets_a_suggestion(self):
        code, _, errors = self.run_to_end("check", "keyword_archiv", env={"MOONTUSK_PLUGINS": harness.SOURCE + "/plugins"})
        self.assertEqual(code, 1)
        self.assertIn("keyword_archive", errors)

    def test_the_same_plugin_twice_is_refused_for_both_would_share_a_state(self):
        plugin = self.write("good.lua", GOOD)
        code, _, errors = self.run_to_end("check", plugin, plugin)
        self.assertEqual(code, 1)
        self.assertIn('both be named "good"', errors)

    def test_a_name_that_is_none_names_the_file_and_the_way_out(self):
        plugin = self.write("my bot.lua", GOOD)
        code, _, errors = self.run_to_end("check", plugin)
        self.assertEqual(code, 1)
        for text in ('"my bot"', plugin, "name = "):
            self.assertIn(text, errors)

    def test_a_plugin_that_does_nothing_is_told_so(self):
        code, out, _ = self.run_to_end("check", self.write("empty.lua", ""))
        self.assertEqual(code, 0)
        self.assertIn("warning: it does nothing", out)

    def test_an_account_that_the_config_does_not_have_is_found_by_check(self):
        self.write("bot.lua", GOOD + 'tusk.subscribe("user", { account = "nobody" })\n')
        config = self.write("moontusk.lua", 'return { accounts = { bot = { server = "%s" } }, plugins = { "./bot.lua" } }\n'
                            % NOWHERE)
        for args in (["check", "--config", config], ["run", "--config", config, "--state", self.folder + "/s"]):
            code, _, errors = self.run_to_end(*args)
            self.assertEqual(code, 1, errors)
            self.assertIn('bot.lua:4: subscribes on the account "nobody"', errors)

    def test_a_line_of_the_log_is_whole_although_it_holds_a_nul(self):
        code, _, errors = self.run_to_end("check", self.write("nul.lua", GOOD + 'tusk.log.warn("before\\0after")\n'))
        self.assertEqual(code, 0)
        self.assertIn("before after", errors)

    def test_an_unknown_match_key_gets_a_suggestion(self):
        self.refused(GOOD + 'tusk.on("update", { txet = "cat" }, function() end)\n', "bad.lua:4", "txet", "text")

    def test_an_unknown_event_name_gets_a_suggestion(self):
        self.refused(GOOD + 'tusk.on("udpate", function() end)\n', "bad.lua:4", "udpate", "update")

    def test_a_bad_pattern_names_line_pattern_and_offset(self):
        self.refused(GOOD + 'tusk.on("update", { text = "a(b" }, function() end)\n', "bad.lua:4", "a(b", "3")

    def test_an_unknown_stream_in_a_plugin_gets_a_suggestion(self):
        self.refused(GOOD + 'tusk.subscribe("pubic")\n', "bad.lua:4", "public")

    def test_an_unknown_option_gets_a_suggestion(self):
        self.write("bot.lua", GOOD + 'local o = tusk.options { per_hour = { 20, help = "at most" } }\n')
        config = self.write("moontusk.lua", 'return { accounts = { bot = { server = "%s" } },\n'
                            ' plugins = { { "./bot.lua", options = { per_huor = 3 } } } }\n' % NOWHERE)
        for args in (["check", "--config", config], ["run", "--config", config, "--state", self.folder + "/s"]):
            code, _, errors = self.run_to_end(*args)
            self.assertEqual(code, 1, errors)
            self.assertIn("per_huor", errors)
            self.assertIn("per_hour", errors)

    def test_config_errors_name_file_and_key(self):
        for text, said in [
            ("return {\n  accounts = = 3\n}\n", "moontusk.lua:2"),
            ('return { acounts = {} }\n', 'accounts'),
            ('return { accounts = { a = { sever = "https://x.example" } } }\n', "server"),
            ('return { accounts = { a = { server = "https://x.example" } }, plugins = { { "./g.lua", account = "b" } } }\n',
             '"b"'),
            ('return { accounts = { a = { server = "ftp://x.example" } }, plugins = { "./g.lua" } }\n', "ftp://x.example"),
            ('return 3\n', "expected return {"),
            ('return { accounts = { a = { server = "https://x.example", token = env "NOT_SET_AT_ALL" } } }\n', "NOT_SET_AT_ALL"),
            ('return { plugins = { "./bot.lua" }, keep = { seen = "100d" } }', "keep.actions is shorter than keep.seen"),
            ('return { plugins = { "./bot.lua" }, keep = { tombstones = "2d" } }', "keep.tombstones is shorter than keep.seen"),
            ('return { plugins = { "./bot.lua" }, keep = { journal = "5x" } }', 'keep.journal: expected a time of at least 1d'),
            ('return { plugins = { "./bot.lua" }, keep = { jornal = "5d" } }', 'journal'),
        ]:
            with self.subTest(text=text):
                self.write("g.lua", GOOD)
                config = self.write("moontusk.lua", text)
                code, _, errors = self.run_to_end("run", "--config", config, "--state", self.folder + "/s")
                self.assertEqual(code, 1, errors)
                self.assertIn(said, errors)
                self.assertIn("moontusk.lua", errors)


class Webhook(harness.Case):
    def test_a_webhook_that_answers_500_is_logged_with_its_words_and_tried_again(self):
        hook = self.webhook([500, 500])
        practice = self.practice("--quiet", "--events", os.devnull, "--clock-rate", 20)
        plugin = self.write("fw.lua", 'local tusk = require "moontusk"\n'
                            'tusk.plugin { name = "fw", permissions = { "%s" } }\n'
                            'tusk.subscribe("public")\n'
                            'tusk.on("update", function(status) status:forward("%s/hook") end)\n'
                            % (hook.url.replace("http://", "http:"), hook.url))
        run = self.start("run", plugin, "--server", practice.url, "--state", self.folder + "/state", "--clock-rate", 20,
                         token=practice.token)
        run.wait_line("is live", "err")
        practice.rest("/practice/post", "POST", {"text": "please forward"})
        run.wait_line("500.*the hook is tired", "err")
        harness.wait_until(lambda: len(hook.requests) >= 3, 30, "the third attempt")
        keys = {headers.get("Idempotency-Key") for _, headers, _ in hook.requests}
        self.assertEqual(len(keys), 1)
        run.wait_line("forward done", "err")
        self.assertEqual(run.stop(), 0)


if __name__ == "__main__":
    unittest.main()
