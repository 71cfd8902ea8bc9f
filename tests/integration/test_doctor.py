# SPDX-License-Identifier: MIT
"""moontusk doctor: what it finds on servers that are well and on those that are not."""
import json
import os
import subprocess
import unittest

from harness import Case


class Doctor(Case):
    def doctor(self, practice, *args, token=None, url=None, **kwargs):
        """(exit code, document) of one examination."""
        code, out, err = self.run_to_end(
            "doctor", "--server", url or practice.url, "--json", *args,
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
        fault("limit", **{"for": "1m"})
        _, document = self.doctor(practice, plugin)
        self.assertIn("429", self.text(document, "server", "error"))
        fault("clear")
        fault("limit", most=40)
        for _ in range(25):
            practice.rest("/api/v1/accounts/verify_credentials")
        _, document = self.doctor(practice, plugin)
        self.assertIn("of 40 requests are left", self.text(document, "rate limit", "warning"))
        fault("limit", most=30000)
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
