# SPDX-License-Identifier: MIT
"""moontusk doctor: what it finds on servers that are well and on those that are not."""
import json
import os
import subprocess
import time
import unittest

from harness import Case


class Doctor(Case):
    def doctor(self, practice, *args, token=None, url=None, **kwargs):
        """(exit code, document) of one examination."""
        code, out, err = self.run_to_end(
            "doctor", "--server", url or practice.url, "--json", "--clock-rate", 3, *args,
            token=token or (practice.token if practice else None), **kwargs)
        self.assertEqual(err, "")
        document = json.loads(out)
        self.assertEqual(document["ok"], code == 0)
        self.assertEqual(document["errors"], len(self.of(document, level="error")))
        for row in document["findings"]:
            if row["level"] in ("warning", "error"):
                self.assertTrue(row["advice"], row)
        for secret in filter(None, [token, practice and practice.token]):
            self.assertNotIn(secret, out)
        return code, document

    def of(self, document, check=None, level=None):
        return [row for row in document["findings"]
                if (check is None or row["check"] == check) and (level is None or row["level"] == level)]

    def text(self, document, check, level):
        rows = self.of(document, check, level)
        self.assertTrue(rows, f"no {level} of {check} in {json.dumps(document, indent=1)}")
        return " ".join(f"{row['text']} -> {row['advice']}" for row in rows)

    def plugin(self, *streams, name="listener"):
        lines = "\n".join(f"tusk.subscribe({', '.join(json.dumps(part) for part in stream)})" for stream in streams)
        return self.write(f"{name}.lua", f'local tusk = require "moontusk"\n{lines}\ntusk.on("update", function() end)\n')

    def wordings(self, practice, *args, token=None):
        return self.run_to_end("doctor", "--server", practice.url, *args, token=token or practice.token)


class Healthy(Doctor):
    def test_a_healthy_server_has_no_errors_and_every_wanted_stream_is_live(self):
        practice = self.practice("--quiet")
        plugin = self.plugin(["public"], ["hashtag", "caturday"], ["user"], ["list", "1"])
        code, document = self.doctor(practice, plugin)
        self.assertEqual(code, 0, document)
        self.assertEqual(self.of(document, level="error") + self.of(document, level="warning"), [])
        live = self.text(document, "stream", "ok")
        for stream in ("public", "hashtag caturday", "user", "list 1"):
            self.assertIn(f"{stream} is live over WebSocket", live)
        for check in ("name", "server", "clock", "software", "streaming", "health", "token", "rate limit", "scopes", "feeds",
                      "presence", "home"):
            self.assertTrue(self.of(document, check, "ok"), check)
        # Words for people say the same; nothing was posted or changed.
        code, out, _ = self.wordings(practice, plugin)
        self.assertEqual(code, 0)
        self.assertIn("0 errors, 0 warnings", out)
        self.assertNotIn(practice.token, out)
        _, log = practice.rest("/practice/log")
        self.assertEqual({row["method"] for row in log["requests"]}, {"GET"})

    def test_tokens_that_are_missing_wrong_or_too_small_are_told_apart(self):
        practice = self.practice("--quiet")
        plugin = self.plugin(["public"], ["list", "2"])
        tokens = {label: practice.wait_line(rf"^token \({label}\): (\S+)$").group(1)
                  for label in ("read:statuses only", "read:notifications only", "app without user")}
        code, document = self.doctor(practice, plugin, token="not-a-token-at-all")
        self.assertEqual(code, 1)
        self.assertIn("401", self.text(document, "token", "error"))
        self.assertEqual(self.of(document, "stream"), [])  # one message, no attempts
        code, document = self.doctor(practice, plugin, token=tokens["read:notifications only"])
        self.assertEqual(code, 1)
        self.assertIn("needs read:statuses", self.text(document, "scopes", "error"))
        self.assertIn("make a token with the scope", self.text(document, "stream", "error"))
        code, document = self.doctor(practice, plugin, token=tokens["read:statuses only"])
        self.assertIn("profile", self.text(document, "token", "warning"))
        self.assertIn("public is live", self.text(document, "stream", "ok"))
        self.assertIn("another account", self.text(document, "stream", "error"))  # list 2 is alice's
        code, document = self.doctor(practice, plugin, token=tokens["app without user"])
        self.assertIn("token of an app", self.text(document, "token", "error"))
        code, out, _ = self.run_to_end("doctor", plugin, "--server", practice.url)
        self.assertEqual(code, 1)
        self.assertRegex(out, r"warning +token +there is no token")
        self.assertRegex(out, r"error +stream +public ")
        practice.rest("/practice/revoke", "POST", {})
        code, document = self.doctor(practice, plugin)
        self.assertEqual(code, 1)
        self.assertIn("revoked", self.text(document, "token", "error"))


class Broken(Doctor):
    def test_what_stands_in_the_way_is_named(self):
        code, document = self.doctor(None, url="http://127.0.0.1:1", token="a-token-of-nobody")
        self.assertEqual(code, 1)
        self.assertIn("no connection", self.text(document, "server", "error"))
        self.assertIn("stream", self.text(document, "the rest", "skipped"))
        practice = self.practice("--quiet")
        plugin = self.plugin(["public"])

        def fault(name, **values):
            self.assertEqual(practice.rest(f"/practice/{name}", "POST", values)[0], 200)

        fault("skew", by="-10m")
        _, document = self.doctor(practice, plugin)
        self.assertRegex(self.text(document, "clock", "error"), r"(9m5\ds|10m\S*) ahead of")
        fault("clear")
        fault("fail", path="/api/v1/streaming/health", status=503, body="<html>no</html>")
        _, document = self.doctor(practice, plugin)
        self.assertIn("503", self.text(document, "health", "error"))
        fault("clear")
        fault("streaming_url", url="ws://127.0.0.1:1")
        code, document = self.doctor(practice, plugin)
        self.assertEqual(code, 1)
        self.assertIn("no connection to 127.0.0.1", self.text(document, "health", "error"))
        self.assertEqual(self.of(document, "stream"), [])
        fault("streaming_url", url="")
        fault("limit", **{"for": "1m"})
        _, document = self.doctor(practice, plugin)
        self.assertIn("429", self.text(document, "server", "error"))
        fault("clear")
        for _ in range(2):  # a new window may begin in between, once
            for _ in range(120):
                _, _, headers = practice.request("/api/v1/accounts/verify_credentials")
            used = int(headers["X-RateLimit-Limit"]) - int(headers["X-RateLimit-Remaining"])
            fault("limit", most=used + 20)
            _, document = self.doctor(practice, plugin)
            fault("limit", most=30000)
            if self.of(document, "rate limit", "warning"):
                break
        self.assertIn("requests are left", self.text(document, "rate limit", "warning"))
        fault("refuse_upgrades", status=404)
        code, document = self.doctor(practice, plugin)
        self.assertEqual(code, 0)
        self.assertIn("refuses WebSockets", self.text(document, "transport", "warning"))
        self.assertIn("live over server-sent events", self.text(document, "stream", "ok"))

    def test_a_certificate_of_an_unknown_authority_is_explained_and_a_known_one_dated(self):
        cert, key = self.make_certificate()
        practice = self.practice("--quiet", "--tls-cert", cert, "--tls-key", key)
        plugin = self.plugin(["public"])
        code, document = self.doctor(practice, plugin)
        self.assertEqual(code, 1)
        self.assertIn("--ca-file", self.text(document, "server", "error"))
        code, document = self.doctor(practice, plugin, "--ca-file", cert)
        self.assertEqual(code, 0, document)
        self.assertIn("the TLS certificate", json.dumps(self.of(document, "certificate")))

    def make_certificate(self):
        cert, key = os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "90", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        return cert, key


class Others(Doctor):
    def test_servers_of_other_software_are_told_apart(self):
        gotosocial = self.practice("--quiet", "--profile", "gotosocial")
        code, document = self.doctor(gotosocial, self.plugin(["user"], ["hashtag", "caturday"]))
        self.assertEqual(code, 1)
        self.assertIn("GoToSocial", self.text(document, "software", "ok"))
        self.assertIn("hashtag", self.text(document, "software", "error"))
        self.assertIn("user is live", self.text(document, "stream", "ok"))
        silent = self.practice("--quiet", "--profile", "none")
        code, document = self.doctor(silent, self.plugin(["user"]))
        self.assertEqual(code, 0, document)
        self.assertIn("no streaming", self.text(document, "streaming", "warning"))


class Hidden(Doctor):
    def test_what_the_owner_of_the_token_hides_is_measured_and_named(self):
        practice = self.practice("--quiet", "--seed", 7)
        plugin = self.plugin(["public"])
        _, document = self.doctor(practice, plugin)
        self.assertIn("all languages", self.text(document, "languages", "ok"))
        self.assertIn("nobody", self.text(document, "hidden", "ok"))
        people = practice.rest("/practice/people")[1]
        bruno = next(person["id"] for person in people if person["acct"] == "bruno")
        practice.rest("/practice/post", "POST", {"from": "bruno", "text": "Guten Tag", "language": "de"})
        self.assertEqual(practice.rest(f"/api/v1/accounts/{bruno}/mute", "POST", {})[0], 200)
        self.assertEqual(practice.rest("/api/v1/domain_blocks", "POST", {"domain": "quai.example"})[0], 200)
        code, document = self.doctor(practice, plugin)
        self.assertEqual(code, 0)  # a warning: somebody chose that
        words = self.text(document, "hidden", "warning")
        self.assertIn("1 muted account, 1 blocked domain (quai.example)", words)
        self.assertRegex(words, r"[1-9]\d* of \d+ just now, of .*bruno")
        practice.rest("/practice/languages", "POST", {"languages": "de"})
        _, document = self.doctor(practice, plugin)
        self.assertRegex(self.text(document, "languages", "warning"), r"\d+ of \d+ public posts do not come, since they are in .*en")
        code, document = self.doctor(practice, self.plugin(["user"], name="homebody"))
        self.assertIn("no public", self.text(document, "hidden", "skipped"))


class Coverage(Doctor):
    def test_the_share_of_a_lossy_stream_is_measured_and_what_is_missing_named(self):
        practice = self.practice("--quiet", "--rate", 20)
        practice.rest("/practice/lose", "POST", {"stream": "public", "every": 4})
        code, document = self.doctor(practice, self.plugin(["public"], ["public:local"], ["user"]), "--coverage", "9s")
        rows = {(row["stream"], row["what"]): row for row in document["coverage"]}
        self.assertEqual(set(rows), {("public", "posts"), ("public:local", "posts"), ("user", "posts"), ("user", "notifications")})
        lossy, whole = rows["public", "posts"], rows["public:local", "posts"]
        self.assertGreater(lossy["listed"], 20)
        self.assertAlmostEqual(lossy["share"], 0.75, delta=0.1)
        self.assertEqual(len(lossy["missing"]), lossy["listed"] - lossy["both"])
        self.assertTrue(all(row["id"] and row["url"] for row in lossy["missing"]))
        self.assertGreater(whole["listed"], 5)
        self.assertEqual((whole["share"], whole["missing"]), (1.0, []))
        self.assertEqual(code, 0)
        self.assertIn("public: 7", self.text(document, "coverage", "warning"))
        self.assertIn("public:local: 100.0 %", self.text(document, "coverage", "ok"))

    def test_a_feed_that_is_switched_off_shows_as_deletes_only(self):
        practice = self.practice("--quiet", "--rate", 2)
        practice.rest("/practice/feed", "POST", {"feed": "live_remote", "access": "disabled"})
        doctor = self.start("doctor", self.plugin(["public:remote"]), "--server", practice.url, "--json", "--coverage", "6s",
                            "--clock-rate", 3, token=practice.token)
        channel = "timeline:public:remote"
        while doctor.process.poll() is None:
            if channel in practice.rest("/practice/state")[1]["listeners"]:
                practice.rest("/practice/send", "POST", {"stream": "public:remote", "event": "delete", "payload": "1"})
            time.sleep(0.1)
        self.assertEqual(doctor.wait(), 1)
        document = json.loads("\n".join(doctor.lines["out"]))
        self.assertIn("only deletes come, no posts", self.text(document, "feeds", "error"))
        words = self.text(document, "coverage", "error")
        self.assertRegex(words, r"0 updates in 6s, [1-9]\d* deletes only")
        self.assertIn("timelines_access.live_feeds.remote = disabled", words)

    def test_times_are_checked(self):
        for text in ("soon", "10", "0s"):
            code, _, err = self.run_to_end("doctor", "--server", "http://127.0.0.1:1", "--coverage", text)
            self.assertEqual(code, 2)
            self.assertIn(text, err)


class State(Doctor):
    def setUp(self):
        super().setUp()
        self.instance = self.practice("--quiet")
        self.listener = self.plugin(["public"])
        self.state = os.path.join(self.folder, "state")

    def look(self, state=None):
        return self.doctor(self.instance, self.listener, "--state", state or self.state)

    def test_the_state_folder_and_its_database_are_looked_at_and_left_alone(self):
        _, document = self.look()
        self.assertIn("is made when a host runs", self.text(document, "state", "ok"))
        self.assertFalse(os.path.exists(self.state))
        host = self.start("run", self.listener, "--server", self.instance.url, "--state", self.state, token=self.instance.token)
        host.wait_line("is live", "err")
        _, document = self.look()  # beside a running host
        self.assertIn("no damage found", self.text(document, "database", "ok"))
        self.assertTrue(self.of(document, "permissions", "ok"))
        self.assertTrue(self.of(document, "disk"))
        host.stop()
        before = {name: os.path.getmtime(os.path.join(self.state, name)) for name in os.listdir(self.state)}
        _, document = self.look()
        self.assertIn("no damage found", self.text(document, "database", "ok"))
        self.assertEqual(before, {name: os.path.getmtime(os.path.join(self.state, name)) for name in os.listdir(self.state)})
        os.chmod(self.state, 0o755)
        _, document = self.look()
        self.assertIn(f"chmod go= {self.state}", self.text(document, "permissions", "warning"))
        database = os.path.join(self.state, "moontusk.db")
        with open(database, "r+b") as file:
            file.seek(100)
            file.write(b"\xff" * 20000)
        code, document = self.look()
        self.assertEqual(code, 1)
        self.assertIn("damaged", self.text(document, "database", "error"))

    def test_a_place_that_cannot_be_used_is_an_error(self):
        file = self.write("not-a-folder", "hello")
        for place in (file, os.path.join(file, "below")):
            code, document = self.look(place)
            self.assertEqual(code, 1)
            self.assertIn("not a folder", self.text(document, "state", "error"))
        os.mkdir(self.state, 0o500)
        if not os.access(self.state, os.W_OK):  # root may write everywhere
            code, document = self.look()
            self.assertEqual(code, 1)
            self.assertIn("ermission", self.text(document, "state", "error"))

    def test_files_with_secrets_that_others_may_read_are_named(self):
        secret = self.write("token.txt", self.instance.token + "\n")
        config = self.write("moontusk.lua", f"""return {{
          accounts = {{ bot = {{ server = "{self.instance.url}", token = file "token.txt" }} }},
          plugins = {{ "./listener.lua" }} }}""")
        os.chmod(config, 0o644)
        os.chmod(secret, 0o640)

        def permissions():
            _, out, _ = self.run_to_end("doctor", "--config", config, "--json")
            return self.of(json.loads(out), "permissions")

        rows = permissions()
        self.assertEqual([row["level"] for row in rows], ["warning"], rows)
        self.assertIn("token.txt", rows[0]["text"])
        os.chmod(secret, 0o600)
        self.assertEqual([row["level"] for row in permissions()], ["ok"])
        self.write("moontusk.lua", f"""return {{
          accounts = {{ bot = {{ server = "{self.instance.url}", token = "{self.instance.token}" }} }},
          plugins = {{ "./listener.lua" }} }}""")
        rows = permissions()
        self.assertIn("moontusk.lua", rows[0]["text"])
        self.assertEqual(rows[0]["level"], "warning")


class Config(Doctor):
    def test_every_account_is_looked_at_and_a_broken_plugin_is_an_error(self):
        practice = self.practice("--quiet")
        alice = practice.wait_line(r"^token \(alice\): (\S+)$").group(1)
        self.plugin(["user"])
        self.write("broken.lua", "this is no Lua")
        config = self.write("moontusk.lua", f"""return {{
          accounts = {{ bot = {{ server = "{practice.url}", token = env "BOT" }},
                        me = {{ server = "{practice.url}", token = env "ME" }} }},
          plugins = {{ {{ "./listener.lua", account = "me" }}, {{ "./broken.lua", account = "bot" }} }},
        }}""")
        code, out, _ = self.run_to_end(
            "doctor", "--config", config, "--json", env={"BOT": practice.token, "ME": alice})
        document = json.loads(out)
        self.assertEqual(code, 1)
        self.assertIn("broken.lua", self.text(document, "plugins", "error"))
        self.assertEqual({row["account"] for row in document["findings"]}, {None, "bot", "me"})
        self.assertIn("no e-mails", self.text(document, "presence", "warning"))  # alice is a person

    def test_wrong_flags_are_usage_errors(self):
        code, _, err = self.run_to_end("doctor", "--nonsense")
        self.assertEqual(code, 2)
        self.assertIn("--nonsense", err)


if __name__ == "__main__":
    unittest.main()
