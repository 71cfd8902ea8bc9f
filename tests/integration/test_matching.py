#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The match engine in a host: patterns that give up, lists that change under a running host, compiled sets on disk, check."""
import json
import os
import sqlite3
import unittest

import harness

BOMBED = "a" * 40 + "b"


class Matching(harness.Case):
    def events(self, texts):
        lines = [json.dumps({"kind": "update", "stream": ["public"], "received_at": "2026-03-01T12:00:00Z",
                             "payload": {"id": str(number), "content": f"<p>{text}</p>", "account": {"id": "1", "acct": "a"}}})
                 for number, text in enumerate(texts, 1)]
        return self.write("events.jsonl", "\n".join(lines) + "\n")

    def test_a_pattern_that_gives_up_is_said_journaled_and_switched_off(self):
        self.write("bomb.lua", """local tusk = require "moontusk"
            tusk.on("update", { none = { { text = [[(a+)+$]] } } }, function(status)
              tusk.log.info("none held for %s", status.id)
            end)
            tusk.on("update", { text = { [[(a+)+$]], "whale" } }, function(status)
              tusk.log.info("found %s", status.id)
            end)
            tusk.on("update", { text = "a" }, function(status) tusk.log.info("plain %s", status.id) end)""")
        texts = [BOMBED] * 20 + [BOMBED + " whale", "a quiet text"]
        code, out, err = self.run_to_end("replay", "--state", self.folder + "/state", self.events(texts), "--",
                                         self.folder + "/bomb.lua")
        self.assertEqual(code, 0, out + err)
        said = out + err
        # Not even when it is not run any more does a pattern that gave up count as one that did not match.
        self.assertEqual([line.rsplit(" ", 1)[1] for line in said.splitlines() if "none held for" in line], [])
        self.assertEqual([line.rsplit(" ", 1)[1] for line in said.splitlines() if ": found " in line], ["21"])
        self.assertEqual(said.count(": plain "), 22)
        self.assertEqual(said.count("gave up on update"), 10, said)
        errors = [line for line in said.splitlines() if "is off until the plugin is loaded again" in line]
        self.assertEqual(len(errors), 2, said)
        for line, number in zip(errors, ("2", "5")):
            self.assertIn(f"bomb.lua:{number}", line)
        with sqlite3.connect(self.folder + "/state/moontusk.db") as database:
            rows = database.execute("SELECT event_key, detail FROM journal WHERE what = 'pattern_limit'").fetchall()
        database.close()
        self.assertEqual(len(rows), 10)
        details = [json.loads(detail) for _, detail in rows]
        self.assertEqual(rows[0][0], "update:1")
        self.assertEqual({(d["line"], d["rule"], d["view"], d["pattern"]) for d in details},
                         {(2, "text", "text", "(a+)+$"), (5, "text", "text", "(a+)+$")})
        self.assertEqual([d["times"] for d in details if d["off"]], [5, 5])

    def test_a_reload_switches_a_pattern_on_again(self):
        practice = self.practice("--quiet")
        plugin = self.write("bomb.lua", """local tusk = require "moontusk"
            tusk.subscribe("public")
            tusk.on("update", { text = [[^end (a+)+$]] }, function(status) tusk.log.info("found %s", status.content) end)""")
        state = self.folder + "/state"
        host = self.start("run", plugin, "--server", practice.url, "--state", state, token=practice.token)
        harness.wait_until(lambda: any("public" in name for name in practice.rest("/practice/state")[1]["listeners"]),
                           what="a listener")

        def off():
            return sum("is off until the plugin is loaded again" in line for line in host.lines["err"])

        def post_until_off(times):
            for number in range(5):
                practice.rest("/practice/post", "POST", {"text": f"{number}\nend {BOMBED}"})
            harness.wait_until(lambda: off() == times, what=f"off {times} times")
        post_until_off(1)
        # It stays off for what it would match, until the plugin is loaded again, changed or not.
        practice.rest("/practice/post", "POST", {"text": "end aaa"})
        for times in (2, 3):
            code, out, err = self.run_to_end("reload", "bomb", "--state", state)
            self.assertEqual(code, 0, out + err)
            practice.rest("/practice/post", "POST", {"text": "end aa"})
            harness.wait_until(lambda count=times - 1: host.text().count("found <p>end aa</p>") == count, what="a match")
            post_until_off(times)
        self.assertNotIn("end aaa</p>", host.text())
        host.stop()

    def words_plugin(self, words):
        self.write("list.txt", "\n".join(words) + "\n")
        return self.write("words.lua", """local tusk = require "moontusk"
            tusk.subscribe("public")
            tusk.on("update", { words = "list.txt" }, function(status, event)
              tusk.log.info("heard the word %s", event.match.pattern)
            end)""")

    def test_a_list_is_read_again_and_its_set_is_found_on_disk_at_the_next_start(self):
        practice = self.practice("--quiet")
        many = [f"gibberish{number}" for number in range(300)]
        plugin = self.words_plugin(many + ["narwhal"])
        state = self.folder + "/state"
        post = lambda text: practice.rest("/practice/post", "POST", {"text": text})
        host = self.start("run", plugin, "--server", practice.url, "--state", state, "--verbose", token=practice.token)
        host.wait_line("looking for 301 literals at once", stream="err")
        harness.wait_until(lambda: any("public" in name for name in practice.rest("/practice/state")[1]["listeners"]),
                           what="a listener")
        post("look, a Narwhal!")
        host.wait_line("heard the word narwhal", stream="err")
        self.write("list.txt", "\n".join(many + ["dugong", "manatee"]) + "\n")
        harness.wait_until(lambda: (post("is it a dugong or a narwhal?"), "heard the word dugong" in host.text())[1],
                           what="the new word")
        host.wait_line("looking for 302 literals at once", stream="err")
        post("three MANATEES, one manatee")
        host.wait_line("heard the word manatee", stream="err")
        self.assertNotIn("from the cache", host.text())
        with_vectorscan = "at once with plain" not in host.text()
        host.stop()
        if not with_vectorscan:
            self.assertFalse(os.path.exists(state + "/cache"))
            return
        self.assertEqual(os.stat(state + "/cache").st_mode & 0o777, 0o700)
        files = os.listdir(state + "/cache")
        self.assertEqual(len(files), 2)
        for name in files:
            self.assertEqual(os.stat(f"{state}/cache/{name}").st_mode & 0o777, 0o600)
            with open(f"{state}/cache/{name}", "r+b") as file:
                file.truncate(100)
        # A broken file costs a compilation; the next start has a good one again.
        for cached in (False, True):
            host = self.start("run", plugin, "--server", practice.url, "--state", state, "--verbose", token=practice.token)
            host.wait_line("looking for 302 literals at once", stream="err")
            self.assertEqual("from the cache" in host.text(), cached, host.text())
            host.stop()

    def test_tail_says_that_its_pattern_gives_up(self):
        practice = self.practice("--quiet")
        tail = self.start("tail", "public", "--match", "(a+)+$", "--server", practice.url, token=practice.token)
        harness.wait_until(lambda: any("public" in name for name in practice.rest("/practice/state")[1]["listeners"]),
                           what="a listener")
        for number in range(8):
            practice.rest("/practice/post", "POST", {"text": f"{number} {BOMBED}"})
        practice.rest("/practice/post", "POST", {"text": "the last word is aaa"})
        tail.wait_line("gave up 5 times within 1000 events", stream="err")
        self.assertEqual(tail.text().count("gave up on a post"), 1)
        tail.stop()

    def test_check_tells_how_patterns_are_looked_for_and_what_is_odd(self):
        plugin = self.write("odd.lua", """local tusk = require "moontusk"
            tusk.subscribe("public")
            tusk.on("update", { text = { [[free\\s+money]], [[(a+)+$]], "x*", [[\\w+@\\w+]] }, words = { "casino", "c++" } },
              function() end)
            tusk.on("update", { account = { bot = true } }, function() end)""")
        code, out, err = self.run_to_end("check", plugin)
        self.assertEqual(code, 0, out + err)
        lines = out.splitlines()
        for start, warnings in ((r'line 3, text "free\s+money": literals + PCRE2 ("money"), ', []),
                                ('line 3, text "(a+)+$": PCRE2 alone, ', ["it gives up on a run of forty equal characters"]),
                                ('line 3, text "x*": PCRE2 alone, ', ["it matches the empty text", "it is found in 2"]),
                                (r'line 3, text "\w+@\w+": PCRE2 alone, ', []),
                                ("line 3, words (2): literal set, ", [])):
            at = [number for number, line in enumerate(lines) if start in line]
            self.assertEqual(len(at), 1, out)
            self.assertRegex(lines[at[0]], r", \d+ ns a post$")
            for number, warning in enumerate(warnings, at[0] + 1):
                self.assertIn("warning: " + warning, lines[number])
            self.assertNotIn("warning", (lines + [""])[at[0] + len(warnings) + 1])
        self.assertNotIn("line 5", out)


if __name__ == "__main__":
    unittest.main()
