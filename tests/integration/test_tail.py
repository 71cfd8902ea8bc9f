#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""moontusk tail over real sockets: every stream on both transports, formats, ends."""
import json
import os
import signal
import subprocess
import unittest

import harness

STREAMS = [
    ("public", [], ["public"]),
    ("public:local", [], ["public:local"]),
    ("public:remote", [], ["public:remote"]),
    ("public:media", [], ["public:media"]),
    ("public:local:media", [], ["public:local:media"]),
    ("public:remote:media", [], ["public:remote:media"]),
    ("hashtag", ["--tag", "caturday"], ["hashtag", "caturday"]),
    ("hashtag:local", ["--tag", "caturday"], ["hashtag:local", "caturday"]),
    ("list", ["--list", "1"], ["list", "1"]),
    ("user", [], ["user"]),
    ("user:notification", [], ["user:notification"]),
    ("direct", [], ["direct"]),
]
KINDS = {
    "update": dict, "status.update": dict, "notification": dict, "conversation": dict, "announcement": dict,
    "announcement.reaction": dict, "delete": str, "announcement.delete": str,
}


class EveryStream(harness.Case):
    def check_transport(self, transport):
        practice = self.practice("--clock-rate", 20, "--quiet")
        tails = [
            (stream, self.start("tail", name, *flags, "--server", practice.url, "--transport", transport, "--json",
                                "--count", 20, token=practice.token))
            for name, flags, stream in STREAMS
        ]
        for stream, tail in tails:
            with self.subTest(stream=stream):
                self.assertEqual(tail.wait(60), 0, tail.text())
                self.assertEqual(len(tail.lines["out"]), 20)
                for line in tail.lines["out"]:
                    event = json.loads(line)
                    self.assertEqual(event["stream"], stream)
                    self.assertEqual(event["origin"], "live")
                    self.assertEqual(list(event)[-1], "payload")
                    self.assertIsInstance(event["payload"], KINDS[event["kind"]], line)
                self.assertRegex(tail.text(), rf"is live \({transport}\)")

    def test_twenty_lines_of_each_over_websocket(self):
        self.check_transport("ws")

    def test_twenty_lines_of_each_over_sse(self):
        self.check_transport("sse")

    def test_several_streams_over_one_connection(self):
        practice = self.practice("--clock-rate", 20)
        tail = self.start("tail", "public", "user", "hashtag", "--tag", "caturday", "--server", practice.url, "--json",
                          "--count", 60, token=practice.token)
        self.assertEqual(tail.wait(60), 0, tail.text())
        self.assertEqual({tuple(json.loads(line)["stream"]) for line in tail.lines["out"]},
                         {("public",), ("user",), ("hashtag", "caturday")})
        upgrades = [line for line in practice.lines["err"] if line.endswith(" 101")]
        self.assertEqual(len(upgrades), 1, practice.text())


class Output(harness.Case):
    def test_readable_lines_name_stream_author_and_text_and_carry_no_control_characters(self):
        practice = self.practice("--events", os.devnull, "--quiet")
        tail = self.start("tail", "public", "--server", practice.url, token=practice.token)
        tail.wait_line("is live", "err")
        practice.rest("/practice/post", "POST", {"text": "esc \x1b[31mred\x07 and \u202eturned", "from": "alice"})
        line = tail.wait_line("esc").string
        self.assertRegex(line, r"^\d\d:\d\d:\d\d update public @alice: esc \[31mred and turned")
        self.assertEqual(tail.stop(signal.SIGINT), 0)

    def test_match_and_words_print_only_what_fits(self):
        practice = self.practice("--events", os.devnull, "--quiet")
        common = ["--server", practice.url, "--json", "--count", 1]
        by_match = self.start("tail", "public", "--match", r"\bneedle\d+", *common, token=practice.token)
        words = self.write("words.txt", "# what we look for\nhaystack\n")
        by_words = self.start("tail", "public", "--words", words, *common, token=practice.token)
        for tail in (by_match, by_words):
            tail.wait_line("is live", "err")
        for text in ("nothing", "a Needle77 in it", "one more Haystack here"):
            practice.rest("/practice/post", "POST", {"text": text})
        self.assertEqual(by_match.wait(), 0)
        self.assertEqual(by_words.wait(), 0)
        self.assertIn("Needle77", by_match.lines["out"][0])
        self.assertIn("Haystack", by_words.lines["out"][0])

    def test_a_closed_pipe_ends_it_quietly(self):
        practice = self.practice("--clock-rate", 20, "--quiet")
        tail = subprocess.Popen([harness.MOONTUSK, "tail", "public", "--server", practice.url, "--json"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=harness.clean_env(MOONTUSK_TOKEN=practice.token, HOME=self.folder))
        self.assertTrue(tail.stdout.readline())
        tail.stdout.close()
        errors = tail.stderr.read().decode()
        tail.stderr.close()
        self.assertEqual(tail.wait(20 * harness.SLOW), 0, errors)
        self.assertNotRegex(errors, "error|[Bb]roken")

    def test_seconds_ends_it_with_0_when_it_was_live(self):
        practice = self.practice("--events", os.devnull, "--quiet")
        code, _, errors = self.run_to_end("tail", "public", "--server", practice.url, "--seconds",
                                          2 * harness.SLOW, token=practice.token)
        self.assertEqual(code, 0, errors)

    def test_the_token_is_nowhere_in_the_output(self):
        practice = self.practice("--clock-rate", 20)
        code, out, errors = self.run_to_end("tail", "public", "user", "--server", practice.url, "--verbose", "--count", 20,
                                            token=practice.token)
        self.assertEqual(code, 0, errors)
        self.assertNotIn(practice.token, out + errors)
        self.assertNotIn(practice.token, "\n".join(practice.lines["err"]))

    def test_tls_with_the_right_authority_works_on_both_transports(self):
        cert, key = make_certificate(self.folder)
        practice = self.practice("--tls-cert", cert, "--tls-key", key, "--clock-rate", 20)
        for transport in ("ws", "sse"):
            code, out, errors = self.run_to_end("tail", "public", "--server", practice.url, "--ca-file", cert, "--transport",
                                                transport, "--count", 3, token=practice.token)
            self.assertEqual(code, 0, errors)
            self.assertEqual(len(out.splitlines()), 3)
        code, _, errors = self.run_to_end("tail", "public", "--server", practice.url, "--count", 1, token=practice.token)
        self.assertEqual(code, 1)
        self.assertRegex(errors, "(?i)certificate")


def make_certificate(folder):
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                   check=True, capture_output=True)
    return cert, key


class Reconnect(harness.Case):
    def test_it_comes_back_after_a_cut_on_both_transports(self):
        practice = self.practice("--clock-rate", 10)
        tails = [self.start("tail", "public", "--server", practice.url, "--transport", transport, "--json", "--clock-rate", 10,
                            token=practice.token) for transport in ("ws", "sse")]
        for tail in tails:
            tail.wait_line("is live", "err")
            tail.wait_line("payload")
        self.assertEqual(practice.rest("/practice/drop", "POST", {})[0], 200)
        for tail in tails:
            tail.wait_line("next attempt in", "err")
        for tail in tails:
            harness.wait_until(lambda t=tail: sum("is live" in line for line in t.lines["err"]) >= 2, 30, "a second live")
            self.assertEqual(tail.stop(signal.SIGINT), 0)

    def test_a_revoked_token_stops_it_with_one_message(self):
        practice = self.practice("--clock-rate", 10)
        for transport in ("ws", "sse"):
            tail = self.start("tail", "public", "--server", practice.url, "--transport", transport, "--clock-rate", 10,
                              token=practice.token)
            tail.wait_line("is live", "err")
            practice.rest("/practice/revoke", "POST", {})
            self.assertEqual(tail.wait(30), 0, tail.text())  # it was live
            errors = [line for line in tail.lines["err"] if "error" in line]
            self.assertEqual(len(errors), 1, tail.text())
            self.assertRegex(errors[0], "(?i)token")
            practice.rest("/practice/restore", "POST", {})

    def test_auto_falls_back_to_sse_where_there_is_no_websocket(self):
        practice = self.practice("--clock-rate", 10, "--quiet")
        practice.rest("/practice/refuse_upgrades", "POST", {"status": 404})
        code, out, errors = self.run_to_end("tail", "public", "--server", practice.url, "--count", 2, "--clock-rate", 10,
                                            token=practice.token)
        self.assertEqual(code, 0, errors)
        self.assertIn("is live (sse)", errors)
        self.assertEqual(len(out.splitlines()), 2)


if __name__ == "__main__":
    unittest.main()
