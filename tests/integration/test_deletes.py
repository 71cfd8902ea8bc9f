#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What counts as a deletion, and posts that come behind their own deletion."""
import json
import os
import sqlite3
import unittest

import harness

PLUGIN = """
local tusk = require "moontusk"
tusk.subscribe("STREAM")
tusk.on("delete", function(id) tusk.log.info("deleted %s", id) end)
tusk.on("status", function(status, event) tusk.log.info("%s %s", event.kind, status.id) end)
tusk.on("update", { text = "enough" }, function() tusk.log.info("enough") end)
"""


class Deletes(harness.Case):
    def host(self, stream):
        self.server = self.practice("--quiet", "--events", os.devnull, "--clock-rate", 10)
        self.plugin = self.write("p.lua", PLUGIN.replace("STREAM", stream))
        return self.again(stream)

    def again(self, stream, rate=10):
        host = self.start("run", self.plugin, "--server", self.server.url, "--state", self.folder + "/state", "--clock-rate", rate,
                          token=self.server.token)
        host.wait_line(rf"{stream} is live", "err")
        return host

    def post(self, text, person="alice"):
        status, body = self.server.rest("/practice/post", "POST", {"text": text, "from": person})
        self.assertEqual(status, 200, body)
        return body

    def send(self, stream, event, payload):
        status, body = self.server.rest("/practice/send", "POST", {"stream": stream, "event": event, "payload": payload})
        self.assertEqual(status, 200, body)

    def rows(self, query):
        database = sqlite3.connect(f"file:{self.folder}/state/moontusk.db?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def own(self, text):
        """A post of the bot: those are on `user`."""
        status, body = self.server.rest("/api/v1/statuses", "POST", {"status": text})
        self.assertEqual(status, 200, body)
        return body["id"]

    def test_on_user_only_what_the_server_has_no_more_counts(self):
        host = self.host("user")
        there, gone = self.own("stays"), self.own("goes")
        host.wait_line(f"update {gone}", "err")
        # As after a block or a mute: they leave the feed, nothing was deleted (protocol.md 3.2).
        self.send("user", "delete", there)
        self.assertEqual(self.server.rest(f"/api/v1/statuses/{gone}", "DELETE")[0], 200)
        host.wait_line(f"deleted {gone}", "err")
        harness.wait_until(lambda: self.rows(f"SELECT 1 FROM journal WHERE what = 'left_the_feed' AND event_key = 'delete:{there}'"))
        self.assertNotIn(f"deleted {there}", host.text())
        harness.wait_until(lambda: self.rows("SELECT count(*) FROM unproven") == [(0,)])

    def test_a_delete_that_waits_for_its_proof_survives_a_kill(self):
        host = self.host("user")
        gone = self.own("goes")
        host.wait_line(f"update {gone}", "err")
        self.server.rest("/practice/fail", "POST", {"path": "/api/v1/statuses/", "status": 503, "times": 1000, "method": "GET"})
        self.assertEqual(self.server.rest(f"/api/v1/statuses/{gone}", "DELETE")[0], 200)
        harness.wait_until(lambda: self.rows("SELECT count(*) FROM unproven") == [(1,)])
        host.kill()
        self.assertNotIn(f"deleted {gone}", host.text())
        self.server.rest("/practice/clear", "POST", {})
        host = self.again("user")
        host.wait_line(f"deleted {gone}", "err")
        harness.wait_until(lambda: self.rows("SELECT count(*) FROM unproven") == [(0,)])

    def test_a_post_behind_its_own_deletion_is_not_handled(self):
        host = self.host("public")
        late = "111111111111111111"
        self.send("public", "delete", late)
        host.wait_line(f"deleted {late}", "err")
        self.send("public", "update", f'{{"id":"{late}","visibility":"public","content":"<p>late</p>","account":{{"id":"7","acct":"x"}}}}')
        self.send("public", "status.update",
                  f'{{"id":"{late}","edited_at":"2026-01-01T00:00:00.000Z","visibility":"public","content":"<p>late</p>",'
                  '"account":{"id":"7","acct":"x"}}')
        self.post("enough")
        host.wait_line("enough", "err")
        self.assertNotIn(f"update {late}", host.text())
        harness.wait_until(lambda: self.rows(f"SELECT what FROM journal WHERE event_key = 'update:{late}'") == [("deleted_before",)])

    def test_an_edit_of_a_post_that_never_came_is_handled_and_the_post_behind_it_as_well(self):
        host = self.host("public")
        post = '{"id":"112233445566778899","edited_at":%s,"visibility":"public","content":"<p>x</p>","account":{"id":"7","acct":"x"}}'
        self.send("public", "status.update", post % '"2026-01-01T00:00:00.000Z"')
        host.wait_line("status.update 112233445566778899", "err")
        self.send("public", "status.update", post % '"2026-01-01T00:00:00.000Z"')
        self.send("public", "update", post % "null")
        self.post("enough")
        host.wait_line("enough", "err")
        self.assertEqual(host.text().count("112233445566778899"), 2)


    def reconciled(self):
        status, out, _ = self.run_to_end("status", "--json", "--state", self.folder + "/state")
        return (json.loads(out)["reconcile"] or {}) if status == 0 else {}

    def sleeps(self, host, hours):
        """Stops the host and makes what it remembers older."""
        host.stop()
        database = sqlite3.connect(f"{self.folder}/state/moontusk.db", timeout=10)
        with database:
            database.execute("UPDATE seen SET at_ms = at_ms - ?", (hours * 3600 * 1000,))
        database.close()

    def test_deletes_that_nobody_told_are_found_and_trouble_is_no_deletion(self):
        host = self.host("public")
        posts = [self.post(f"post {n}")["id"] for n in range(25)]
        host.wait_line(f"update {posts[-1]}", "err")
        self.sleeps(host, 30)
        gone = posts[3], posts[22]
        for post in gone:  # while nobody listens: no fill tells of it
            self.assertEqual(self.server.rest("/practice/delete", "POST", {"id": post})[0], 200)
        self.server.rest("/practice/fail", "POST", {"path": "/api/v1/statuses", "status": 503, "times": 3, "method": "GET"})
        host = self.again("public", 60)
        host.wait_line(f"deleted {gone[0]}", "err")
        harness.wait_until(lambda: self.rows("SELECT count(*) FROM tombstones") == [(1,)])
        # A kill loses nothing: it goes on where it was, and nothing is told twice.
        host.kill()
        self.assertIn(" 20 1", self.rows("SELECT value FROM facts WHERE name = 'reconcile'")[0][0])
        self.server.rest("/practice/clear", "POST", {})
        told = host.text()
        host = self.again("public", 60)
        host.wait_line(f"deleted {gone[1]}", "err")
        harness.wait_until(lambda: self.reconciled().get("asked") == 25)
        self.assertEqual(self.reconciled()["gone"], 2)
        self.assertEqual([(told + host.text()).count(f"deleted {post}") for post in posts], [int(post in gone) for post in posts])
        self.assertEqual(self.rows("SELECT count(*) FROM journal WHERE what = 'delete_missed'"), [(2,)])


if __name__ == "__main__":
    unittest.main()
