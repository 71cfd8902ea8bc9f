#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A plugin changes under a host: between two runs, and while it runs."""
import contextlib
import json
import os
import signal
import sqlite3
import time
import unittest

import harness

QUIET = ("--quiet", "--events", os.devnull)
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


class Running(harness.Case):
    """While the host runs."""

    def setUp(self):
        super().setUp()
        self.server = self.practice(*QUIET)
        self.posted = 0

    def host(self, source, *args):
        self.write("p.lua", source)
        run = self.start("run", self.folder + "/p.lua", "--server", self.server.url, "--state", self.folder + "/state", *args,
                         token=self.server.token)
        run.wait_line("is live", "err")
        return run

    def replace(self, name, text):
        """As editors write: another file takes the place of the old one."""
        self.write(name + ".new", text)
        os.rename(self.folder + "/" + name + ".new", self.folder + "/" + name)

    def post(self, run, expected, text="hello"):
        """A post, and what the plugin said about it."""
        self.posted += 1
        self.server.rest("/practice/post", "POST", {"text": f"{text} number{self.posted}."})
        return run.wait_line(f"{expected}.*number{self.posted}[.]", "err")

    SAYS = HEAD + 'tusk.on("update", function(status) tusk.log.info("%s " .. status.content) end)\n'

    def test_an_edit_takes_effect_and_a_broken_one_leaves_the_old_one_at_work(self):
        run = self.host(self.SAYS % "one")
        self.post(run, "one")
        self.write("p.lua", self.SAYS % "two")
        run.wait_line("p: reloaded: 1 handler on 1 stream", "err")
        self.post(run, "two")
        self.write("p.lua", "x = = 1")
        run.wait_line(r"p.lua:1: unexpected symbol near '='", "err")
        self.post(run, "two")
        self.replace("p.lua", self.SAYS % "three")
        run.wait_line("p: reloaded", "err")
        harness.wait_until(lambda: sum("p: reloaded" in text for text in run.lines["err"]) == 2)
        self.post(run, "three")
        self.assertEqual(run.stop(), 0)
        with contextlib.closing(sqlite3.connect(self.folder + "/state/moontusk.db")) as database:
            counts = dict(database.execute("SELECT what, count(*) FROM journal WHERE instance = 'p' GROUP BY what").fetchall())
        self.assertEqual((counts["handled"], counts["reloaded"], counts["reload_failed"]), (4, 2, 1))

    def test_a_file_that_arrives_slowly_is_taken_when_it_is_whole(self):
        run = self.host(self.SAYS % "one")
        text = self.SAYS % "two" + "-- the end\n" * 20
        with open(self.folder + "/p.lua", "w", encoding="utf-8") as file:
            for start in range(0, len(text), 20):
                file.write(text[start:start + 20])
                file.flush()
                time.sleep(0.1)
        run.wait_line("p: reloaded", "err")
        self.post(run, "two")
        self.assertNotIn("cannot be loaded", run.text())
        self.assertEqual(run.stop(), 0)

    def test_a_touched_file_is_not_reloaded_and_a_module_of_the_plugin_is(self):
        self.write("words.lua", 'return "one"')
        run = self.host(HEAD + 'local word = require "words"\n'
                        'tusk.on("update", function(status) tusk.log.info(word .. status.content) end)\n')
        self.post(run, "one")
        self.write("other.lua", "this is none of its files")
        os.utime(self.folder + "/p.lua")
        self.write("words.lua", 'return "two"')
        run.wait_line("p: reloaded", "err")
        self.post(run, "two")
        time.sleep(1)
        self.assertEqual(run.text().count("p: reloaded"), 1)

    def test_state_is_handed_over_with_the_version_that_wrote_it(self):
        source = HEAD + """
tusk.plugin { version = "%s" }
local seen = {}
tusk.on_save(function() return seen end)
tusk.on_restore(function(value, version)
  assert(%s, "this is not to be")
  seen = value
  tusk.log.info("took " .. #value .. " from " .. version)
end)
tusk.on("update", function(status)
  seen[#seen + 1] = status.id
  tusk.store.all = (tusk.store.all or 0) + 1
  tusk.log.info(("%s: %%d of %%d %%s"):format(#seen, tusk.store.all, status.content))
end)
"""
        run = self.host(source % ("1.0", "true", "one"))
        self.post(run, "one: 1 of 1")
        self.post(run, "one: 2 of 2")
        self.write("p.lua", source % ("1.1", "true", "two"))
        run.wait_line("took 2 from 1.0", "err")
        run.wait_line("p: reloaded, version 1.1 after 1.0", "err")
        self.post(run, "two: 3 of 3")
        self.write("p.lua", source % ("1.2", "false", "three"))
        run.wait_line("cannot be loaded anew, the old one goes on", "err")
        run.wait_line("this is not to be", "err")
        self.post(run, "two: 4 of 4")

    def test_a_task_that_waits_ends_in_the_old_one_and_the_new_one_sees_what_it_stored(self):
        source = HEAD + """
tusk.on("update", function(status)
  if status.content:find("wait") then
    tusk.sleep("4s")
    tusk.store.waited = status.id
  end
  tusk.log.info(("%s: %%s waited, %%s"):format(tusk.store.waited and "one" or "none", status.content))
end, { name = "it" })
"""
        run = self.host(source % "old")
        self.server.rest("/practice/post", "POST", {"text": "wait for it"})
        time.sleep(0.5)
        self.write("p.lua", source % "new")
        run.wait_line("p: reloaded", "err")
        run.wait_line("1 task of the old one still waits", "err")
        run.wait_line("old: one waited, <p>wait for it", "err")
        self.post(run, "new: one waited")
        self.assertEqual(run.stop(), 0)
        self.assertEqual(run.text().count("wait for it"), 1)

    def test_a_task_that_does_not_end_is_given_up_and_its_event_goes_to_the_new_one(self):
        source = HEAD + """
tusk.on("update", function(status)
  status:favourite()
  tusk.sleep("%s")
  tusk.store.done = (tusk.store.done or 0) + 1
  tusk.log.info(("%s ended %%d %%s"):format(tusk.store.done, status.content))
end, { name = "it" })
"""
        run = self.host(source % ("2h", "old"), "--clock-rate", "10")
        self.server.rest("/practice/post", "POST", {"text": "wait for it"})
        run.wait_line("favourite done", "err")
        self.write("p.lua", source % ("1s", "new"))
        run.wait_line("1 task of the old one still waits, for 30 seconds at most", "err")
        run.wait_line("1 task of the old plugin did not end in 30 seconds and is given up", "err")
        run.wait_line("new ended 1 <p>wait for it", "err")
        self.assertEqual(run.stop(), 0)
        self.assertEqual(run.text().count("favourite done"), 1)

    def test_streams_come_and_go_with_the_plugin(self):
        run = self.host(self.SAYS % "one")
        self.write("p.lua", (self.SAYS % "two").replace('"public"', '"hashtag", "caturday"'))
        run.wait_line("hashtag caturday is live", "err")
        listeners = lambda: self.server.rest("/practice/state")[1]["listeners"]
        harness.wait_until(lambda: not any(name.endswith("public") for name in listeners()), what=str(listeners()))
        self.server.rest("/practice/post", "POST", {"text": "not for us"})
        self.post(run, "two", "#caturday")
        self.assertNotIn("not for us", run.text())

    def test_sighup_loads_what_has_changed_and_what_failed(self):
        self.write("q.lua", "x = = 1")
        run = self.host(self.SAYS % "one", self.folder + "/q.lua")
        run.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: run.text().count("q.lua:1: unexpected symbol") == 2)
        self.write("q.lua", self.SAYS % "q")
        self.write("p.lua", self.SAYS % "two")
        run.process.send_signal(signal.SIGHUP)
        run.wait_line("q: started", "err")
        run.wait_line("p: reloaded", "err")
        self.post(run, "two")
        run.process.send_signal(signal.SIGHUP)
        run.wait_line("nothing has changed", "err")
        time.sleep(1)
        self.assertEqual(run.text().count("p: reloaded"), 1)


class Folder(harness.Case):
    """Plugins that are dropped into a folder."""

    SAYS = HEAD + 'tusk.on("update", function(status) tusk.log.info("%s " .. status.content) end)\n'

    def setUp(self):
        super().setUp()
        self.server = self.practice(*QUIET)
        os.mkdir(self.folder + "/plugins.d")

    def config(self, folder='"plugins.d"', plugins=""):
        return self.write("moontusk.lua", 'return { accounts = { bot = { server = "%s", token = env "BOT" } },\n'
                          'plugins = { %s }, plugin_folder = %s }\n' % (self.server.url, plugins, folder))

    def host(self, *args):
        return self.start("run", "--state", self.folder + "/state", *args, env={"BOT": self.server.token})

    def post(self, text):
        self.server.rest("/practice/post", "POST", {"text": text})

    def instances(self):
        code, out, errors = self.run_to_end("status", "--json", "--state", self.folder + "/state")
        self.assertEqual(code, 0, errors)
        return {instance["name"]: instance["state"] for instance in json.loads(out)["instances"]}

    def test_a_plugin_dropped_in_starts_and_one_taken_out_stops(self):
        run = self.host("--config", self.config())
        run.wait_line("state in", "err")
        harness.wait_until(lambda: os.path.exists(self.folder + "/state/control.sock"))
        self.assertEqual(self.instances(), {})
        self.write("plugins.d/cats.lua", self.SAYS % "cats")
        run.wait_line("cats: started: 1 handler on 1 stream", "err")
        run.wait_line("public is live", "err")
        self.write("plugins.d/dogs/dogs.lua", self.SAYS % "dogs")
        self.write("plugins.d/dogs/dogs_test.lua", "this is no plugin")
        run.wait_line("dogs: started", "err")
        self.post("for both")
        run.wait_line("cats <p>for both", "err")
        run.wait_line("dogs <p>for both", "err")
        self.write("plugins.d/cats.lua", self.SAYS % "tigers")
        run.wait_line("cats: reloaded", "err")
        os.remove(self.folder + "/plugins.d/cats.lua")
        run.wait_line("cats: stopped", "err")
        self.post("for one")
        run.wait_line("dogs <p>for one", "err")
        self.assertEqual(self.instances(), {"dogs": "running"})
        self.write("plugins.d/cats.lua", self.SAYS % "lions")
        harness.wait_until(lambda: run.text().count("cats: started") == 2)
        self.post("for both again")
        run.wait_line("lions <p>for both again", "err")
        self.assertNotRegex(run.text(), "for one.*cats|(tigers|lions) <p>for one|error")
        self.assertEqual(run.stop(), 0)

    def test_a_broken_one_is_listed_and_starts_when_it_is_mended(self):
        self.write("plugins.d/cats.lua", "x = = 1")
        run = self.host("--config", self.config())
        run.wait_line("cats.lua:1: unexpected symbol", "err")
        harness.wait_until(lambda: os.path.exists(self.folder + "/state/control.sock"))
        self.assertEqual(self.instances(), {"cats": "failed"})
        self.write("plugins.d/cats.lua", self.SAYS % "cats")
        run.wait_line("cats: started", "err")

    def test_what_is_dropped_in_may_only_what_the_config_grants(self):
        source = HEAD + """
tusk.plugin { permissions = { "follow" } }
local options = tusk.options { word = { "none" } }
tusk.on("update", function(status) tusk.log.info(options.word .. " " .. tostring(pcall(status.account.follow, status.account))) end)
"""
        self.write("plugins.d/cats.lua", source)
        self.write("plugins.d/dogs.lua", source)
        run = self.host("--config", self.config('{ "plugins.d", dry_run = true, allow = { dogs = { "follow" } }, '
                                                'options = { dogs = { word = "granted" } } }'))
        run.wait_line("is live", "err")
        self.post("follow me")
        run.wait_line("none false", "err")
        run.wait_line("granted true", "err")

    def test_a_folder_and_a_file_that_others_may_write_are_not_used(self):
        path = self.write("plugins.d/cats.lua", self.SAYS % "cats")
        dogs = self.write("plugins.d/dogs.lua", self.SAYS % "dogs")
        os.chmod(dogs, 0o666)
        os.chmod(self.folder + "/plugins.d", 0o777)
        run = self.host("--config", self.config())
        run.wait_line("plugins.d is not used: everybody may write there", "err")
        run.wait_line("state in", "err")
        os.chmod(self.folder + "/plugins.d", 0o755)
        harness.wait_until(lambda: os.path.exists(self.folder + "/state/control.sock"))
        code, _, errors = self.run_to_end("reload", "--state", self.folder + "/state")
        self.assertEqual(code, 1)
        self.assertIn("dogs.lua is not used: everybody may write there", errors)
        self.assertEqual(self.instances(), {"cats": "running"})
        os.chmod(dogs, 0o644)
        code, out, errors = self.run_to_end("reload", "--state", self.folder + "/state")
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(self.instances(), {"cats": "running", "dogs": "running"})
        self.assertTrue(os.path.exists(path))
        self.assertEqual(run.stop(), 0)

    def test_a_name_that_the_config_uses_is_not_taken(self):
        self.write("own/cats.lua", self.SAYS % "own")
        self.write("plugins.d/cats.lua", self.SAYS % "other")
        run = self.host("--config", self.config(plugins='{ "own/cats.lua" }'))
        run.wait_line('plugins.d/cats.lua is not started: an instance is named "cats" already', "err")
        run.wait_line("is live", "err")
        self.post("whose")
        run.wait_line("own <p>whose", "err")
        self.assertNotIn("other <p>", run.text())

    def test_the_command_line_may_name_the_folder_and_mistakes_are_said(self):
        self.write("plugins.d/cats.lua", self.SAYS % "cats")
        run = self.start("run", "--plugin-folder", "plugins.d", "--server", self.server.url, "--state", self.folder + "/state",
                         token=self.server.token, cwd=self.folder)
        run.wait_line("is live", "err")
        self.assertEqual(self.instances(), {"cats": "running"})
        self.assertEqual(run.stop(), 0)
        for folder, expected in (
            ("5", 'plugin_folder: expected a folder such as "plugins.d"'), ('{ "x", acount = "bot" }', 'Did you mean "account"?'),
            ('{ "x", account = "tob" }', 'there is no account "tob"'), ('{ "x", allow = { "follow" } }', "plugin_folder.allow: expected"),
        ):
            code, _, errors = self.run_to_end("run", "--config", self.config(folder), "--state", self.folder + "/state",
                                              env={"BOT": self.server.token})
            self.assertEqual(code, 1)
            self.assertIn(expected, errors)


class Config(harness.Case):
    """The config file changes under a running host."""

    SAYS = HEAD + """
local options = tusk.options { word = { "none" } }
local count = 0
tusk.on("update", function(status)
  count = count + 1
  tusk.log.info(("%s %d %s"):format(options.word, count, status.content))
end)
"""
    CATS = '{ "./cats.lua", account = "bot", options = { word = "cats" } }'

    def setUp(self):
        super().setUp()
        self.server = self.practice(*QUIET)
        for name in ("cats", "dogs"):
            self.write(name + ".lua", self.SAYS)

    def config(self, plugins, accounts="", more=""):
        return self.write("moontusk.lua", 'return {\n accounts = { bot = { server = "%s", token = env "BOT" }, %s },\n plugins = { %s }, %s\n}\n'
                          % (self.server.url, accounts, plugins, more))

    def host(self):
        run = self.start("run", "--config", self.folder + "/moontusk.lua", "--state", self.folder + "/state",
                         env={"BOT": self.server.token})
        run.wait_line("is live", "err")
        return run

    def reload(self):
        return self.run_to_end("reload", "--state", self.folder + "/state")

    def status(self):
        return json.loads(self.run_to_end("status", "--json", "--state", self.folder + "/state")[1])

    def post(self, text):
        self.server.rest("/practice/post", "POST", {"text": text})

    def test_plugins_come_go_and_get_other_options(self):
        self.config(self.CATS)
        run = self.host()
        self.post("first")
        run.wait_line("cats 1 <p>first", "err")
        wolves = '{ "./dogs.lua", name = "wolves", options = { word = "wolves" }, %s }'
        self.config(self.CATS.replace('"cats"', '"lions"') + "," + wolves % "")
        run.wait_line("cats: reloaded", "err")
        run.wait_line("wolves: started", "err")
        self.post("second")
        run.wait_line("lions 1 <p>second", "err")
        run.wait_line("wolves 1 <p>second", "err")
        self.config(wolves % "dry_run = true")
        run.wait_line("cats: stopped", "err")
        run.wait_line("wolves: its entry in the config has changed", "err")
        self.post("third")
        run.wait_line("wolves 2 <p>third", "err")
        instance, = self.status()["instances"]
        self.assertEqual((instance["name"], instance["dry_run"], instance["reloads"]), ("wolves", True, 0))
        self.assertEqual(self.reload()[:2], (0, "nothing has changed\n"))
        self.assertNotIn("lions 2", run.text())
        self.assertEqual(run.stop(), 0)

    def test_archives_rotate_as_the_config_says_from_the_next_line_on(self):
        self.write("keep.lua", 'local tusk = require "moontusk"\ntusk.subscribe("public")\n'
                   'tusk.on("update", function(_, event) event:archive("all") end)\n')
        archive = self.folder + "/state/archive/keep"

        def held():
            names = sorted(os.listdir(archive)) if os.path.isdir(archive) else []
            return [(name, os.path.getsize(f"{archive}/{name}")) for name in names if name.endswith(".jsonl")]
        self.config('{ "./keep.lua", account = "bot" }')
        run = self.host()
        self.post("one")
        harness.wait_until(lambda: [name for name, _ in held()] == ["all.jsonl"], what="a line")
        before = held()
        self.config('{ "./keep.lua", account = "bot" }', more='archive = { rotate = "day" }')
        run.wait_line("archive: files rotate as the config says now", "err")
        self.post("two")
        harness.wait_until(lambda: len(held()) == 2, what="a file of the day")
        self.assertEqual(held()[0], before[0])
        self.assertRegex(held()[1][0], r"^all_\d{4}-\d\d-\d\d\.jsonl$")
        self.config('{ "./keep.lua", account = "bot" }', more='archive = { rotate = "hour" }')
        run.wait_line(r'moontusk.lua: archive.rotate: expected "day" or a size of 1MB to 1000GB such as "100MB", found "hour"', "err")
        self.assertEqual(run.stop(), 0)
        code, _, errors = self.run_to_end("run", "--config", self.folder + "/moontusk.lua", "--rotate", "10MB", "--rotate", "week",
                                          env={"BOT": self.server.token})
        self.assertEqual((code, "archive.rotate" in errors), (1, True))
        self.config('{ "./keep.lua", account = "bot" }')
        code, _, errors = self.run_to_end("run", "--config", self.folder + "/moontusk.lua", "--rotate", "10MB", "--rotate", "week",
                                          env={"BOT": self.server.token})
        self.assertEqual((code, '--rotate: expected "day" or a size' in errors), (1, True))

    def test_a_mistake_changes_nothing_and_is_said_with_file_and_line(self):
        self.config(self.CATS)
        run = self.host()
        for plugins, accounts, more, expected in (
            (self.CATS + " { }", "", "", r"moontusk.lua:3: .*expected near"),
            ('{ "./dogs.lua", acount = "bot" }', "", "", "plugins.1.: unknown key .acount"),
            ('{ "./dogs.lua", account = "tob" }', "", "", "there is no account .tob"),
            ('"./dogs.lua"', "", "accounts2 = 5", "unknown key .accounts2"),
            (self.CATS, 'other = { server = "http://mastodon.example" }', "", 'account "other": '),
        ):
            self.config(plugins, accounts, more)
            code, out, errors = self.reload()
            self.assertEqual((code, out), (1, ""))
            self.assertRegex(errors, expected)
            self.assertIn("nothing of the config is applied", errors)
        self.assertEqual([i["name"] for i in self.status()["instances"]], ["cats"])
        self.post("still")
        run.wait_line("cats 1 <p>still", "err")
        self.assertIn("the config is not taken, the one before stays", run.text())

    def test_a_plugin_that_fails_with_its_new_options_goes_on_with_the_old_ones(self):
        self.config(self.CATS)
        run = self.host()
        self.config(self.CATS.replace("word", "wrod") + ', "./nowhere.lua"')
        code, _, errors = self.reload()
        self.assertEqual(code, 1)
        self.assertRegex(errors, "the old one goes on.*wrod")
        self.assertIn("nowhere: not started", errors)
        self.post("still")
        run.wait_line("cats 1 <p>still", "err")
        self.assertEqual({i["name"]: i["state"] for i in self.status()["instances"]}, {"cats": "running", "nowhere": "failed"})

    def test_accounts_come_and_go_and_are_connected_anew(self):
        self.config(self.CATS)
        run = self.host()
        other = 'other = { server = "%s", token = env "BOT", transport = "sse" }' % self.server.url
        self.config(self.CATS + ', { "./dogs.lua", account = "other", options = { word = "dogs" } }', other)
        run.wait_line('account "other": added', "err")
        run.wait_line(r"other: public is live \(sse\)", "err")
        self.post("for both")
        run.wait_line("cats 1 <p>for both", "err")
        run.wait_line("dogs 1 <p>for both", "err")
        self.config(self.CATS + ', { "./dogs.lua", account = "other", options = { word = "dogs" } }', other.replace("sse", "ws"))
        run.wait_line('account "other": changed, connecting anew', "err")
        run.wait_line(r"other: public is live \(ws\)", "err")
        self.config(self.CATS)
        run.wait_line('account "other": removed', "err")
        self.assertEqual([account["name"] for account in self.status()["accounts"]], ["bot"])
        self.config(self.CATS, more='tz = "Europe/Berlin"')
        run.wait_line("cats: reloaded", "err")
        self.post("at last")
        run.wait_line("cats 1 <p>at last", "err")
        self.assertEqual(run.stop(), 0)

    def test_what_takes_a_restart_is_said(self):
        self.config(self.CATS)
        run = self.host()
        with open(self.folder + "/moontusk.lua", encoding="utf-8") as file:
            text = file.read()
        self.write("moontusk.lua", text.replace("127.0.0.1", "localhost"))
        code, out, errors = self.reload()
        self.assertEqual(code, 0, errors)
        self.assertIn('account "bot": another server takes a restart', out)
        self.assertEqual(run.stop(), 0)


class Once(harness.Case):
    SECONDS = 15 if harness.SHORT else 60
    RATE = 1000
    PLUGIN = """
local tusk = require "moontusk"
local generation = %d
local count = 0
tusk.subscribe("public")
tusk.on_save(function() return count end)
tusk.on_restore(function(value) count = value end)
tusk.on("update", function(_, event)
  count = count + 1
  tusk.store.count = (tusk.store.count or 0) + 1
  event:archive("all")
  if count %% 1000 == 0 then tusk.log.info(("generation %%d: %%d of %%d"):format(generation, count, tusk.store.count)) end
end%s)
"""

    def test_every_event_exactly_once_with_a_reload_every_second(self):
        server = self.practice("--quiet", "--rate", self.RATE)
        plugin = self.write("p.lua", self.PLUGIN % (0, ""))
        state = self.folder + "/state"
        run = self.start("run", plugin, "--server", server.url, "--state", state, token=server.token)
        run.wait_line("is live", "err")
        witness = self.start("tail", "public", "--json", "--server", server.url, token=server.token)
        witness.wait_line("^{")
        end, reloads = time.monotonic() + self.SECONDS, 0
        while time.monotonic() < end:
            next_one = time.monotonic() + 1
            reloads += 1
            # Every third one changes the handler's key: what waits must find its heir.
            self.write("p.lua", self.PLUGIN % (reloads, ', { name = "other" }' if reloads % 3 == 0 else ""))
            code, out, errors = self.run_to_end("reload", "p", "--state", state)
            self.assertEqual(code, 0, errors)
            time.sleep(max(0.0, next_one - time.monotonic()))
        witness.stop()
        time.sleep(1)
        self.assertEqual(run.stop(), 0)
        seen = [json.loads(line) for line in witness.lines["out"]]
        seen = [line["payload"]["id"] for line in seen if line["kind"] == "update"]
        with open(state + "/archive/p/all.jsonl", encoding="utf-8") as file:
            archived = [json.loads(line)["payload"]["id"] for line in file]
        with contextlib.closing(sqlite3.connect(state + "/moontusk.db")) as database:
            stored = int(database.execute("SELECT json FROM state WHERE instance = 'p' AND key = 'count'").fetchone()[0])
            journal = database.execute("SELECT count(*) FROM journal WHERE what = 'reloaded'").fetchone()[0]
            waiting = database.execute("SELECT count(*) FROM deliveries").fetchone()[0]
        print(f"{len(seen)} events seen by a witness in {self.SECONDS} s, {len(archived)} archived, {len(set(archived))} of them different, "
              f"{stored} counted in tusk.store, {waiting} wait, {journal} reloads")
        self.assertEqual(len(archived), len(set(archived)))
        self.assertEqual(set(seen) - set(archived), set())
        self.assertEqual(stored, len(archived))
        self.assertEqual(waiting, 0)
        self.assertGreaterEqual(journal, min(reloads, self.SECONDS // 2))
        self.assertGreater(len(seen), self.RATE * self.SECONDS / 4 / harness.SLOW)
        self.assertNotRegex(run.text(), "error:|is gone")


if __name__ == "__main__":
    unittest.main()
