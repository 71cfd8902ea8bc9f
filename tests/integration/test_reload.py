#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A plugin changes under a host: between two runs, and while it runs."""
import contextlib
import json
import sqlite3
import unittest

import harness

QUIET = ("--quiet", "--rate", "0.01")
HEAD = 'local tusk = require "moontusk"\ntusk.subscribe("public")\n'


def line(number, text):
    """An event as it waits in the database."""
    return json.dumps({"kind": "update", "stream": ["public"], "account": "default", "origin": "live",
                       "received_at": "2026-01-01T00:00:00.000Z",
                       "payload": {"id": str(number), "content": f"<p>{text}</p>", "visibility": "public",
                                   "account": {"id": "7", "acct": "a@b.example", "username": "a", "display_name": "A"}}})


class Changed(harness.Case):
    """Between two runs."""

    def setUp(self):
        super().setUp()
        self.server = self.practice(*QUIET)

    def run_until(self, pattern, count=1):
        run = self.start("run", self.folder + "/p.lua", "--server", self.server.url, "--state", self.folder + "/state",
                         token=self.server.token)
        harness.wait_until(lambda: sum(pattern in line for line in run.lines["err"]) >= count, 20, f"{pattern}: {run.text()}")
        self.assertEqual(run.stop(), 0)
        return run

    def ask(self, sql, *args):
        with contextlib.closing(sqlite3.connect(self.folder + "/state/moontusk.db")) as database, database:
            return database.execute(sql, args).fetchall()

    def wait_in_database(self, key, *lines):
        for text in lines:
            self.ask("INSERT INTO deliveries (instance, key, line, matched, created_ms) VALUES ('p', ?, ?, '{}', 1)", key, text)

    def test_what_cannot_be_read_back_becomes_a_dead_letter(self):
        self.write("p.lua", HEAD + 'tusk.on("update", function(status) tusk.log.info("did " .. status.id) end)\n')
        self.run_until("is live")
        self.wait_in_database("on update", '{"kind": "upd', line(101, "good"))
        run = self.run_until("did 101")
        self.assertIn("cannot be read back", run.text())
        self.assertEqual(self.ask("SELECT count(*) FROM deliveries"), [(0,)])
        letters = self.ask("SELECT detail FROM journal WHERE what = 'dead_letter' AND instance = 'p'")
        self.assertEqual([json.loads(detail)["line"] for detail, in letters], ['{"kind": "upd'])

    def test_work_of_a_handler_that_was_changed_goes_to_its_heir_when_that_matches(self):
        plugin = HEAD + 'tusk.on("update", { text = "%s" }, function(status) tusk.log.info("%s " .. status.id) end)\n'
        self.write("p.lua", plugin % ("cat|dog", "old") + 'tusk.on("delete", function() end)\n')
        self.run_until("is live")
        keys = self.ask("SELECT value FROM facts WHERE name = 'handlers:p'")[0][0].split("\n")
        self.assertEqual(len(keys), 2)
        self.wait_in_database(keys[0], line(1, "a cat"), line(2, "a dog"), line(3, "a cat and a dog"))
        self.write("p.lua", plugin % ("cat", "new") + 'tusk.on("delete", function() end)\n')
        run = self.run_until("new 3")
        self.assertEqual([text.split("new ")[1] for text in run.lines["err"] if "new " in text], ["1", "3"])
        self.assertIn("update:2 is gone", run.text())
        self.assertEqual(self.ask("SELECT count(*) FROM deliveries"), [(0,)])
        self.assertEqual(self.ask("SELECT event_key FROM journal WHERE what = 'dropped'"), [("update:2",)])

    def test_a_named_handler_keeps_its_work_whatever_it_matches_now(self):
        plugin = HEAD + 'tusk.on("update", { text = "%s" }, function(status) tusk.log.info("did " .. status.id) end, { name = "it" })\n'
        self.write("p.lua", plugin % "cat")
        self.run_until("is live")
        self.wait_in_database("=it", line(1, "a cat"))
        self.write("p.lua", plugin % "dog")
        self.run_until("did 1")

    def test_handlers_that_were_split_share_what_waits_and_run_once_each(self):
        self.write("p.lua", HEAD + 'tusk.on("update", function(status) end)\n')
        self.run_until("is live")
        self.wait_in_database("on update", line(1, "a cat"), line(2, "a dog"), line(3, "a cat and a dog"))
        part = 'tusk.on("update", { text = "%s" }, function(status) tusk.log.info("did %s " .. status.id) end)\n'
        self.write("p.lua", HEAD + part % ("cat", "cat") + part % ("dog", "dog"))
        run = self.run_until("did ", 4)
        self.assertEqual(sorted(text.split("did ")[1] for text in run.lines["err"] if "did " in text),
                         ["cat 1", "cat 3", "dog 2", "dog 3"])


if __name__ == "__main__":
    unittest.main()
