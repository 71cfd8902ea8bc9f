#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""moontusk replay over recordings: packed, cut by time, on threads, judged by --expect; and the archive that a list of words makes."""
import json
import os
import pty
import random
import re
import resource
import shutil
import socket
import subprocess
import unittest

import harness

DAY = "2026-11-%02dT%02d:%02d:00.000Z"


def status(number, text, acct="a@b.example"):
    return {"id": str(1000000 + number), "content": f"<p>{text}</p>", "visibility": "public",
            "account": {"id": "7", "acct": acct, "username": "a", "display_name": "A", "note": ""}}


def line(number, text, kind="update", at="2026-11-20T12:00:00.000Z", **more):
    return json.dumps({"kind": kind, "stream": ["public"], "account": None, "origin": "live", "received_at": at,
                       "payload": dict(status(number, text), **more)}) + "\n"


class Replay(harness.Case):
    CATS = 'local tusk = require "moontusk"\ntusk.on("update", { text = "cat" }, function(s, e) e:archive("cats") end)\n'

    def report(self, *args, code=0):
        got, out, err = self.run_to_end("replay", "--json", *args)
        self.assertEqual(got, code, err)
        return json.loads(out), err

    def test_packed_files_and_folders_give_what_plain_ones_do(self):
        if not shutil.which("zstd"):
            self.skipTest("zstd is not installed")
        plugin = self.write("cats.lua", self.CATS)
        for day in (1, 2, 3):
            self.write(f"archive/2026-11-0{day}.jsonl", "".join(line(day * 100 + n, "a cat") for n in range(day)))
        subprocess.run(["zstd", "-q", "--rm", self.folder + "/archive/2026-11-02.jsonl"], check=True)
        report, _ = self.report(self.folder + "/archive", "--", plugin)
        self.assertEqual(report["events"], 6)
        self.assertEqual([s["id"] for s in report["rules"][0]["samples"]],
                         ["1000100", "1000200", "1000201", "1000300", "1000301", "1000302"])
        packed = self.folder + "/archive/2026-11-02.jsonl.zst"
        with open(packed, "rb") as file:
            data = file.read()
        done = subprocess.run([harness.MOONTUSK, "replay", "--json", "-", "--", plugin], input=data + data, check=True,
                              capture_output=True, env=harness.clean_env())
        self.assertEqual(json.loads(done.stdout)["lines"], 4)
        with open(packed, "wb") as file:
            file.write(data[:-4])
        _, err = self.report(packed, "--", plugin, code=1)
        self.assertRegex(err, r"2026-11-02\.jsonl\.zst: byte \d+ of the zstd data: ")

    def test_since_and_until_cut_by_the_time_of_the_event(self):
        plugin = self.write("cats.lua", self.CATS)
        lines = [line(day, "a cat", at=DAY % (day, 12, 0)) for day in range(1, 11)]
        lines += [json.dumps(dict(status(50, "a cat"), created_at="2026-11-05T00:00:00.000Z")) + "\n"]
        path = self.write("events.jsonl", "".join(lines))
        report, _ = self.report(path, "--since", "2026-11-04", "--until", "2026-11-06T12:00:00Z", "--", plugin)
        self.assertEqual([s["id"] for s in report["rules"][0]["samples"]], ["1000004", "1000005", "1000050"])
        self.assertEqual(report["outside"], 8)
        report, _ = self.report(path, "--until", "36500d", "--", plugin)
        self.assertEqual(report["events"], 0)
        code, _, err = self.run_to_end("replay", path, "--since", "yesterday", "--", plugin)
        self.assertEqual((code, "is no time" in err), (1, True))

    def test_threads_change_nothing(self):
        self.write("words.txt", "\n".join(f"word{n}" for n in range(500)) + "\n")
        plugin = self.write("many.lua", """local tusk = require "moontusk"
tusk.on("status", { words = "words.txt" }, function(status, event)
  tusk.store.n = (tusk.store.n or 0) + 1
  event:archive("words")
  if tusk.store.n % 7 == 0 then status:boost() end
end)
tusk.on("status", { text = [[^(a+)+$]] }, function(status) status:favourite() end)
tusk.on("status", { text = "w\\\\w+9", account = { age = ">1d" } }, function(status) status:bookmark() end)
tusk.on("delete", function(id) tusk.store.gone = id end)
tusk.every("6h", function(due) tusk.store.due = due end)
""")
        rng = random.Random(4)
        lines = []
        for n in range(6000):
            text = "b" * rng.randrange(500) + f" word{rng.randrange(3000)} &amp; more"
            text = "a" * 40 + "!" if n % 400 == 17 else text
            at = DAY % (1 + n // 300, n // 13 % 24, n % 60)
            lines.append(line(n if n % 50 else 5, text, rng.choice(["update", "update", "status.update"]), at,
                              edited_at=at))
            if n % 90 == 0:
                lines.append(json.dumps({"kind": "delete", "stream": ["public"], "received_at": at, "payload": str(1000000 + n)}) + "\n")
            if n % 700 == 0:
                lines.append("no JSON\r\n")
        path = self.write("events.jsonl", "".join(lines))
        seen = []
        for jobs in (1, 2, 5):
            state = f"{self.folder}/state{jobs}"
            code, out, err = self.run_to_end("replay", path, "--jobs", jobs, "--state", state, "--", plugin)
            self.assertEqual(code, 0, err)
            with open(state + "/archive/many/words.jsonl", "rb") as file:
                archive = file.read()
            out = re.sub(r"(?m)^(many:.*%) +\d+$", r"\1", out)
            seen.append((out, re.sub(r"state\d", "", err), archive))
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0], seen[2])
        self.assertIn("gave up", seen[0][1])
        self.assertIn("events.jsonl:3: ", seen[0][1])
        self.assertGreater(seen[0][0].count("would boost"), 20)

    def test_a_rule_is_tried_on_last_month_before_it_is_switched_on(self):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        self.addCleanup(listener.close)
        server = f"http://127.0.0.1:{listener.getsockname()[1]}"
        plugin = self.write("rules/new.lua", """local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", { text = "casino" }, function(status) status:reply("no") end)
""")
        self.write("archive/a.jsonl", "".join(
            line(n, "casino night" if n < 14 else "a walk", account={"id": str(n), "acct": f"p{n}@{'spam' if n % 3 else 'ham'}.example"})
            for n in range(200)) + line(900, "casino", at="2020-01-01T00:00:00.000Z"))
        expect = self.write("expect.lua", 'return {\n  ["new:3"] = { at_most = 3 },\n}\n')
        args = ["replay", plugin, "--since", "36500d", "--until", "2999-01-01", self.folder + "/archive/", "--server", server]
        code, out, err = self.run_to_end(*args, "--expect", expect)
        self.assertEqual(code, 1, err)
        self.assertIn("new:3: expected at most 3 matches, found 15", err)
        code, out, err = self.run_to_end(*args[:3], "2026-01-01", *args[4:], "--expect", expect)
        self.assertEqual(code, 1, err)
        self.assertIn("new:3: expected at most 3 matches, found 14", err)
        self.assertRegex(out, r"(?m)^new:3 +14 +200 +7\.000 % +\d+$")
        self.assertIn("domains: spam.example 9, ham.example 5", out)
        self.assertEqual(len(re.findall(r"(?m)^    10000\d\d  p\d+@\w+\.example  casino night$", out)), 10)
        with self.assertRaises(BlockingIOError, msg="the server was called"):
            listener.accept()
        good = self.write("good.json", '{"new:3": {"exactly": 15}, "total": {"at_least": 1, "at_most": 15}}')
        self.assertEqual(self.run_to_end(*args, "--expect", good)[0], 0)
        for text, wanted in (('return {\n ["new:33"] = { exactly = 1 } }', r'wrong\.lua:2: there is no rule "new:33"; did you mean "new:3"'),
                             ('return { total = {\n at_mots = 1 } }', r'wrong\.lua:2: unknown key "at_mots"; did you mean "at_most"'),
                             ("return { total = { at_most = -1 } }", r"wrong\.lua:1: expected a whole number")):
            code, _, err = self.run_to_end(*args, "--expect", self.write("wrong.lua", text))
            self.assertEqual(code, 1)
            self.assertRegex(err, wanted)

    def test_a_terminal_shows_rate_and_time_left_and_a_pipe_does_not(self):
        plugin = self.write("slow.lua", 'local tusk = require "moontusk"\ntusk.on("update", { text = "cat" }, function(status)\n'
                            '  for _ = 1, 10000 do end\n  if status.id:find("500$") then tusk.log.info("passed %s", status.id) end\nend)\n')
        path = self.write("events.jsonl", "".join(line(n, "a cat " + "and so on " * 40) for n in range(6000)))
        args = [harness.MOONTUSK, "replay", path, "--", plugin]
        code, shown = self.on_terminal(args)
        self.assertEqual(code, 0, shown)
        bars = re.findall(r"\r\x1b\[K\[(#* *)\] +(\d+) %  (\d+) events/s  (\d+\.\d) MB/s  (\d+:\d\d:\d\d) left", shown)
        self.assertGreater(len(bars), 0, shown)
        done = [int(bar[1]) for bar in bars]
        self.assertEqual(done, sorted(done))
        for bar, percent, _, _, _ in bars:
            self.assertEqual(len(bar), 24)
            self.assertAlmostEqual(bar.count("#") / 24, int(percent) / 100, delta=0.06)
        # Lines of the log stand by themselves, and at the end the bar is gone.
        lines = [text for text in re.split(r"\r\x1b\[K|\r\n", shown) if "passed" in text]
        self.assertEqual(len(lines), 6)
        for text in lines:
            self.assertRegex(text, r"^moontusk: info: slow: passed \d+$")
        self.assertNotIn("left", shown.rsplit("\r\x1b[K", 1)[1])
        # Without a terminal, or when nobody wants it, there is none; from standard input it has no end to tell.
        args[-1] = self.write("cats.lua", self.CATS)
        code, _, err = self.run_to_end(*args[1:])
        self.assertEqual((code, "\x1b" in err, "events/s" in err, "\r" in err), (0, False, False, False))
        code, shown = self.on_terminal(args[:2] + ["--quiet"] + args[2:])
        self.assertEqual((code, "left" in shown, "\x1b[K" in shown), (0, False, False))
        with open(path, "rb") as file:
            code, shown = self.on_terminal(args[:2] + ["-"] + args[3:], stdin=file)
        self.assertEqual(code, 0, shown)
        if "\x1b[K" in shown:
            self.assertRegex(shown, r"\r\x1b\[K\d+ events  \d+/s  \d+\.\d MB/s")
        self.assertNotIn("left", shown)

    def on_terminal(self, args, stdin=subprocess.DEVNULL):
        """Exit code of a run whose standard error is a terminal, and what that shows."""
        main, side = pty.openpty()
        env = harness.clean_env(HOME=self.folder, TERM="xterm")
        shown = b""
        with subprocess.Popen(args, stdin=stdin, stdout=subprocess.DEVNULL, stderr=side, env=env) as process:
            os.close(side)
            while True:
                try:
                    piece = os.read(main, 4096)
                except OSError:  # the other end is closed
                    piece = b""
                if not piece:
                    break
                shown += piece
        os.close(main)
        return process.returncode, shown.decode()

    def test_a_list_of_words_makes_the_archive_that_an_oracle_makes(self):
        path, oracle = self.hour_of_posts()
        config = self.write("moontusk.lua", 'return { plugins = { "./keep.lua" }, archive = { rotate = { "day", "1MB" } } }\n')
        args = ["replay", path, "--quiet", "--config", config, "--state"]
        state = self.folder + "/state"
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        code, _, err = self.run_to_end(*args, state, "--", "keep")
        self.assertEqual(code, 0, err)
        if harness.SLOW == 1 and before < 100 * 1024:
            self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 100 * 1024)
        names, kept = self.archive(state)
        posts = [json.loads(text) for text in kept.splitlines()]
        versions = [(post["payload"]["id"], post["payload"].get("edited_at")) for post in posts]
        self.assertEqual(len(versions), len(set(versions)), "a version was kept twice")
        self.assertEqual(set(versions), oracle)
        self.assertGreater(len(oracle), 500)
        # Each day has files of its own, of which all but the last are nearly as large as they may be.
        for day in ("2026-11-20", "2026-11-21"):
            of_day = [name for name in names if day in name]
            self.assertEqual(of_day, [f"posts_{day}.jsonl"] + [f"posts_{day}_{n:04}.jsonl" for n in range(2, len(of_day) + 1)])
            self.assertGreater(len(of_day), 1)
            for name in of_day:
                with open(f"{state}/archive/keep/{name}", "rb") as file:
                    text = file.read()
                self.assertLess(len(text), 1500000)
                self.assertEqual({json.loads(line)["received_at"][:10] for line in text.splitlines()}, {day})
        self.assertEqual(len(names), len(set(names)))
        # The same when it is killed again and again, and from the archive itself.
        torn = self.folder + "/torn"
        kills = 0
        for size in (300000, 1400000, 2600000):
            replay = self.start(*args, torn, "--", "keep")
            harness.wait_until(lambda limit=size, run=replay: run.process.poll() is not None or self.archived(torn) > limit,
                               what=f"{size} bytes in the archive")
            kills += replay.process.poll() is None
            replay.kill()
        self.assertGreater(kills, 0)
        self.assertEqual(self.run_to_end(*args, torn, "--", "keep")[0], 0)
        self.assertEqual(self.archive(torn)[1], kept)
        report, _ = self.report(f"{torn}/archive/keep", "--config", config, "--", "keep")
        self.assertEqual((report["events"], report["rules"][0]["matches"]), (len(oracle), len(oracle)))

    def hour_of_posts(self):
        """keep.lua with 300 words; 20,000 posts around midnight with edits, some of all heard twice. (path, versions to be kept)."""
        rng = random.Random(13)
        words = [f"kw{chr(97 + n % 26)}{chr(97 + n // 26)}x" for n in range(300)]
        listed = set(words)
        self.write("words.txt", "\n".join(words) + "\n")
        self.write("keep.lua", 'local tusk = require "moontusk"\ntusk.subscribe("public")\n'
                   'tusk.on("status", { words = "words.txt" }, function(_, event) event:archive("posts") end)\n')
        oracle, lines = set(), []
        for n in range(20000):
            text = [rng.choice(("the", "old", "kwaa", "harbour", "walk")) for _ in range(8)]
            if rng.random() < 0.05:
                text[3] = rng.choice(words) + rng.choice(("", "", "ish", "."))
            at = f"2026-11-{20 + n // 10000}T{23 if n < 10000 else 0:02}:{30 + n // 800 if n < 10000 else n // 800 - 12:02}:00.000Z"
            version = at
            found = any(word.rstrip(".") in listed for word in text)
            text.append("and a long way home " * 150 if found else "home")
            lines.append(line(n, " ".join(text), at=at))
            if found:
                oracle.add((str(1000000 + n), None))
            if n % 40 == 0:  # an edit, heard twice
                lines += [line(n, " ".join(text) + " edited", "status.update", at, edited_at=version)] * 2
                if found:
                    oracle.add((str(1000000 + n), version))
        return self.write("events.jsonl", "".join(lines + lines[:100])), oracle

    @staticmethod
    def archive(state):
        """The names of the archive's files in order, and all of their bytes, of which each file ends a line."""
        folder = state + "/archive/keep"
        names, content = sorted(os.listdir(folder)), b""
        for name in names:
            with open(f"{folder}/{name}", "rb") as file:
                content += file.read()
            assert content.endswith(b"\n"), name
        return names, content

    @staticmethod
    def archived(state):
        try:
            return sum(entry.stat().st_size for entry in os.scandir(state + "/archive/keep"))
        except FileNotFoundError:
            return 0


if __name__ == "__main__":
    unittest.main()
