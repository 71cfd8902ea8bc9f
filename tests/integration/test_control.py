#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The control socket: who may ask, what is answered, and that nobody who asks holds the host up."""
import contextlib
import json
import os
import re
import socket
import sqlite3
import stat
import time
import unittest

import harness

QUIET = ("--quiet", "--events", os.devnull)
PLUGIN = """
local tusk = require "moontusk"
tusk.plugin { version = "1.2" }
tusk.subscribe("public")
tusk.on("update", { text = "match" }, function(status)
  if status.content:find("fail") then error("as it was told") end
  tusk.log.info("handled " .. status.content)
end)
tusk.every("1h", { name = "hourly" }, function() end)
"""
INSTANCE_KEYS = {
    "name", "state", "error", "file", "account", "version", "dry_run", "loaded_at", "reloads", "handlers", "events", "matches",
    "handled", "errors", "waiting", "more_waiting", "lags", "tasks", "retired", "lag_ms", "cpu_ms", "cpu_limit_ms", "memory_bytes",
    "memory_peak_bytes", "memory_limit_bytes", "schedules", "off_at", "report", "missed", "dead_letters", "patterns",
}


class Control(harness.Case):
    def setUp(self):
        super().setUp()
        self.server = self.practice(*QUIET)
        self.write("cats.lua", PLUGIN)
        self.state = self.folder + "/state"

    def host(self, *args, **kwargs):
        run = self.start("run", self.folder + "/cats.lua", *args, "--server", self.server.url, "--state", self.state,
                         token=self.server.token, **kwargs)
        run.wait_line("is live", "err")
        return run

    def ask(self, text, path=None):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20 * harness.SLOW)
            client.connect(path or self.state + "/control.sock")
            client.sendall(text.encode() + b"\n")
            return json.loads(client.makefile().readline())

    def verb(self, *args):
        return self.run_to_end(*args, "--state", self.state)

    def status(self):
        code, out, errors = self.verb("status", "--json")
        self.assertEqual(code, 0, errors)
        return json.loads(out)

    def test_status_tells_what_the_host_does(self):
        run = self.host()
        for text in ("match one", "match fail", "no", "match two"):
            self.server.rest("/practice/post", "POST", {"text": text})
        run.wait_line("handled .*match two", "err")
        status = self.status()
        self.assertEqual(status["running"], True)
        self.assertEqual(status["pid"], run.pid)
        self.assertEqual(status["state_folder"], self.state)
        self.assertEqual([status["events"][key] for key in ("received", "matched", "handled", "errors")], [4, 3, 3, 1])
        account, = status["accounts"]
        self.assertEqual((account["name"], account["acct"], account["state"]), ("default", "bot", "ready"))
        stream, = account["streams"]
        self.assertEqual((stream["stream"], stream["parameter"], stream["state"]), ("public", None, "live"))
        instance, = status["instances"]
        self.assertEqual(set(instance), INSTANCE_KEYS)
        self.assertEqual([instance[key] for key in ("name", "state", "error", "version", "events", "matches", "errors", "waiting")],
                         ["cats", "running", None, "1.2", 4, 3, 1, 0])
        self.assertGreater(instance["memory_bytes"], 10000)
        self.assertEqual(instance["schedules"][0]["name"], "hourly")
        self.assertRegex(instance["schedules"][0]["due_at"], r"^20\d\d-")
        code, out, _ = self.verb("status")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"(?m)^account default \(@bot on http://127.0.0.1:\d+\): ready$")
        self.assertRegex(out, r"(?m)^  public: live \(ws\) for \d+ \w+, last byte \d+ \w+ ago, last event \d+ \w+ ago$")
        self.assertRegex(out, r"(?m)^cats +running +4 +3 +1 ")
        self.assertEqual(run.stop(), 0)

    def test_status_names_patterns_that_were_switched_off(self):
        self.write("cats.lua", """local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", { text = "(a+a+)+$" }, print)
tusk.on("update", function(status) tusk.log.info("saw " .. status.content:sub(-6)) end)
""")
        run = self.host()
        for _ in range(25):
            self.server.rest("/practice/post", "POST", {"text": "a" * 400 + "!"})
        harness.wait_until(lambda: sum("saw" in line for line in run.lines["err"]) >= 25, 60)
        pattern, = self.status()["instances"][0]["patterns"]
        self.assertEqual([pattern[key] for key in ("line", "key", "view", "pattern", "off")], [3, "text", "text", "(a+a+)+$", True])
        self.assertGreater(pattern["gave_up"], 2)
        self.assertRegex(self.verb("status")[1], r'(?m)^    .*cats\.lua:3: text "\(a\+a\+\)\+\$" gave up \d+ times, and is switched off$')
        self.assertEqual(run.stop(), 0)

    def test_a_reload_that_cannot_be_written_down_says_so(self):
        run = self.host()
        # What is fetched after the connect is written down: nothing else may write first.
        harness.wait_until(lambda: all(s["state"] == "live" and s["fetching"] == 0 for s in self.status()["accounts"][0]["streams"]))
        with contextlib.closing(sqlite3.connect(self.state + "/moontusk.db", timeout=20, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            code, _, errors = self.verb("reload", "cats")
            self.assertEqual(code, 1)
            self.assertIn("cats: not reloaded, the old one goes on: the database cannot be written now; ask again when it can", errors)
            harness.wait_until(lambda: "there is no room to write" in (self.status()["trouble"] or ""), what=run.text())
            self.assertIn("It rests: there is no room to write", self.verb("status")[1])
            database.execute("ROLLBACK")
        self.assertEqual(run.stop(), 0)

    def test_the_man_page_names_every_key(self):
        self.host()
        with open(os.path.join(harness.SOURCE, "docs/moontusk.1.scd"), encoding="utf-8") as file:
            page = file.read().replace("\\", "")
        status = self.status()
        keys = set(status) | set(status["events"]) | set(status["outbox"]) | set(status["accounts"][0]) | set(status["instances"][0])
        keys |= set(status["accounts"][0]["streams"][0]) | set(status["instances"][0]["schedules"][0])
        self.assertEqual([key for key in sorted(keys) if not re.search(rf"\b{key}\b", page)], [])

    def test_a_broken_edit_shows_in_status_and_reload_says_why(self):
        self.host()
        self.write("cats.lua", "x = = 1")
        code, out, errors = self.verb("reload", "cats")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("the old one goes on", errors)
        self.assertIn("cats.lua:1: unexpected symbol", errors)
        instance, = self.status()["instances"]
        self.assertEqual(instance["state"], "running")
        self.assertIn("unexpected symbol", instance["error"])
        self.write("cats.lua", PLUGIN.replace('"1.2"', '"1.3"'))
        code, out, errors = self.verb("reload", "cats")
        self.assertEqual(code, 0, errors)
        self.assertRegex(out, r"^cats: reloaded, version 1.3 after 1.2: 1 handler on 1 stream, 1 schedule$")
        instance, = self.status()["instances"]
        self.assertEqual((instance["error"], instance["reloads"], instance["version"]), (None, 1, "1.3"))
        self.assertEqual(self.verb("reload")[:2], (0, "nothing has changed\n"))
        code, _, errors = self.verb("reload", "cat")
        self.assertEqual(code, 1)
        self.assertIn('there is no instance "cat"; did you mean "cats"?', errors)

    def test_rearm_starts_what_is_off(self):
        self.write("dogs.lua", "x = = 1")
        self.host(self.folder + "/dogs.lua")
        self.assertEqual([i["state"] for i in self.status()["instances"]], ["running", "failed"])
        self.assertEqual(self.verb("rearm", "dogs")[0], 1)
        self.write("dogs.lua", PLUGIN)
        code, out, errors = self.verb("rearm", "dogs")
        self.assertEqual(code, 0, errors)
        self.assertIn("dogs: started", out)
        self.assertEqual([i["state"] for i in self.status()["instances"]], ["running", "running"])
        self.assertEqual(self.verb("rearm", "cats"), (1, "", "cats is not switched off\n"))

    def test_without_a_host_the_database_tells_and_the_exit_code_is_1(self):
        code, out, errors = self.verb("status")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("Start one: moontusk run", errors)
        self.assertEqual(self.host().stop(), 0)
        code, out, errors = self.verb("status")
        self.assertEqual(code, 1, errors)
        self.assertRegex(out, r"No host runs with the state folder .*moontusk run")
        self.assertRegex(out, r"last started 20\d\d-.*, ended 20\d\d-")
        self.assertIn("cats: 0 events wait", out)
        code, out, _ = self.verb("status", "--json")
        status = json.loads(out)
        self.assertEqual((code, status["running"], status["outbox"]["open"]), (1, False, 0))
        for verb in (("reload",), ("rearm", "cats")):
            code, _, errors = self.verb(*verb)
            self.assertEqual(code, 1)
            self.assertIn("no host runs with the state folder " + self.state, errors)
        self.assertFalse(os.path.exists(self.state + "/control.sock"))

    def test_only_the_owner_may_ask_and_a_dead_host_leaves_nothing_in_the_way(self):
        old = os.umask(0)
        self.addCleanup(os.umask, old)
        run = self.host()
        path = self.state + "/control.sock"
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
        run.kill()
        self.assertTrue(os.path.exists(path))
        code, out, _ = self.verb("status")
        self.assertEqual(code, 1)
        self.assertIn("No host runs", out)
        self.host()
        self.assertEqual(self.status()["running"], True)

    def test_a_path_that_no_socket_can_have_is_said_and_the_host_runs(self):
        self.state = self.folder + "/" + "long" * 30
        run = self.host()
        self.assertIn("shorter path: --state DIR", run.text())
        self.assertEqual(run.stop(), 0)

    def test_what_is_no_request_is_refused_with_words(self):
        self.host()
        for text, expected in (
            ("hello", "one line with a JSON object"), ("[]", "JSON object"), ("{}", 'say "v": 1'), ("", "JSON object"),
            ('{"v":2,"verb":"status"}', 'say "v": 1'), ('{"v":1,"verb":"statsu"}', 'did you mean "status"?'),
            ('{"v":1}', "there is no verb"), ('{"v":1,"verb":"reload","instance":5}', '"instance" is a text'),
            ('{"v":1,"verb":"rearm"}', "which instance?"), ("x" * 100000, "too long"), ("\x00\xff" * 10, "JSON object"),
        ):
            answer = self.ask(text)
            self.assertEqual((answer["v"], answer["ok"]), (1, False))
            self.assertIn(expected, answer["error"])
        self.assertTrue(self.ask('{"v":1,"verb":"status"}')["ok"])

    def test_several_lines_of_one_client_are_answered_in_order(self):
        self.host()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20 * harness.SLOW)
            client.connect(self.state + "/control.sock")
            client.sendall(b'{"v":1,"verb":"status"}\nnonsense\n{"v":1,"verb":"reload","instance":"cats"}\n{"v":1,"verb":"sta')
            lines = client.makefile()
            answers = [json.loads(lines.readline()) for _ in range(3)]
            client.sendall(b'tus"}\n')
            answers.append(json.loads(lines.readline()))
        self.assertEqual([answer["ok"] for answer in answers], [True, False, True, True])

    def test_many_and_silent_clients_hold_nobody_up(self):
        run = self.host()
        clients = []
        for _ in range(50):
            client = socket.socket(socket.AF_UNIX)
            self.addCleanup(client.close)
            client.settimeout(20 * harness.SLOW)
            client.connect(self.state + "/control.sock")
            clients.append(client)
        for client in clients[:25]:  # the others never say a word
            client.sendall(b'{"v":1,"verb":"status"}\n')
        self.server.rest("/practice/post", "POST", {"text": "match me"})
        run.wait_line("handled .*match me", "err")
        for client in clients[:25]:
            self.assertTrue(json.loads(client.makefile().readline())["ok"])
        self.assertEqual(self.status()["running"], True)
        more = []
        for _ in range(60):
            client = socket.socket(socket.AF_UNIX)
            self.addCleanup(client.close)
            client.settimeout(20 * harness.SLOW)
            client.connect(self.state + "/control.sock")
            more.append(client)
        self.assertIn("too many", more[-1].makefile().readline())
        self.server.rest("/practice/post", "POST", {"text": "match again"})
        run.wait_line("handled .*match again", "err")
        self.assertEqual(run.stop(), 0)

    def test_silent_clients_are_cut_after_a_while(self):
        self.host("--clock-rate", "100")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20 * harness.SLOW)
            client.connect(self.state + "/control.sock")
            client.sendall(b'{"v":1,')
            self.assertEqual(client.recv(100), b"")

    def test_watch_gives_a_line_each_time_when_it_is_not_on_a_terminal(self):
        self.host()
        watch = self.start("status", "--watch", "--state", self.state)
        harness.wait_until(lambda: len(watch.lines["out"]) >= 2)
        for line in watch.lines["out"]:
            self.assertRegex(line, r"^20\S+ received \d+ matched \d+ handled \d+ errors \d+ open \d+ .* instances 1 not_running 0$")

    def test_a_dry_run_is_asked_when_no_other_host_runs(self):
        self.host("--dry-run")
        self.assertEqual(self.status()["dry_run"], True)


if __name__ == "__main__":
    unittest.main()
