# SPDX-License-Identifier: MIT
"""A host hits every fault of the practice instance, over WebSocket and event streams at once, and goes on."""
import json
import re
import ssl
import subprocess
import time
import unittest
import urllib.request

from harness import SLOW, Case, wait_until

PLUGIN = """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", function(status, event) event:archive("posts") end)
"""
NAMES = ("ws", "sse")


class Host(Case):
    """A practice instance on which nothing happens by itself, and a host with an account for each transport."""
    # A minute of health, after which the pace begins anew, is a sixth of a second.
    RATE = 400 / SLOW
    HEALTH = 75 / RATE

    authority = "nil"

    def options(self):
        """More flags for the practice instance."""
        return []

    def setUp(self):
        super().setUp()
        more = self.options()
        self.server = self.practice("--quiet", "--clock-rate", self.RATE, "--events", self.write("none.jsonl", ""), *more)
        self.server.wait_line(r"^token \(app without user\): ")
        self.alice = next(m.group(1) for m in (re.match(r"token \(alice\): (\S+)", line) for line in self.server.lines["out"]) if m)
        self.write("keep.lua", PLUGIN)
        config = self.write("moontusk.lua", """return {
  accounts = { ws = { server = "%s", token = env "ONE", transport = "ws", ca_file = %s },
               sse = { server = "%s", token = env "TWO", transport = "sse", ca_file = %s } },
  plugins = { { "./keep.lua", name = "ws", account = "ws" }, { "./keep.lua", name = "sse", account = "sse" } },
}""" % (self.server.url, self.authority, self.server.url, self.authority))
        self.sent = []
        self.host = self.start("run", "--config", config, "--state", self.folder + "/state", "--clock-rate", self.RATE,
                               env={"ONE": self.server.token, "TWO": self.alice})
        self.goes_on("the start")

    def act(self, name, **fields):
        fields = {key.rstrip("_"): value for key, value in fields.items()}
        code, body = self.server.rest("/practice/" + name, "POST", fields, token=self.alice)
        self.assertEqual(code, 200, body)
        return body

    def post(self, text="a post"):
        self.sent.append(self.act("post", text=f"{text} {len(self.sent)}")["id"])
        return self.sent[-1]

    def lines(self, name, kind):
        """Payloads of that kind in the archive of an instance."""
        try:
            with open(f"{self.folder}/state/archive/{name}/posts.jsonl", encoding="utf-8") as file:
                lines = [json.loads(line) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [line["payload"] for line in lines if line["kind"] == kind]

    def handled(self, name):
        """Ids that the instance has handled, in order, each as often as it did."""
        return [status["id"] for status in self.lines(name, "update")]

    def goes_on(self, what, names=NAMES):
        """Posts until each transport has brought a post that was made after now."""
        fresh = set()

        def arrived():
            try:
                fresh.add(self.post())
            except (OSError, AssertionError):
                pass  # the server is away
            time.sleep(0.03)
            return all(fresh & set(self.handled(name)) for name in names)
        wait_until(arrived, what="posts after " + what)
        for name in names:
            ids = self.handled(name)
            self.assertEqual(len(ids), len(set(ids)), f"{name}: handled twice after {what}")

    def hit(self, name, **fields):
        with self.subTest(name, **fields):
            self.act(name, **fields)
            self.goes_on(f"{name} {fields}")
            time.sleep(self.HEALTH)

    def warnings(self, name):
        return [line for line in self.host.lines["err"] if f"stream: {name}:" in line and "next attempt" in line]


class Connections(Host):
    def test_every_end_of_a_connection_is_followed_by_a_new_one(self):
        self.hit("drop")
        self.hit("drop", reset=True)
        self.hit("close", code="none")
        for code in (1000, 1001, 1006, 1009, 1011, 1012, 1013):
            self.hit("close", code=code, reason="see you")

    def test_a_half_open_connection_is_given_up(self):
        self.hit("stall")

    def test_what_the_server_calls_our_fault_is_not_repeated(self):
        self.act("close", code=1008, reason="too many", stream="public")
        self.host.wait_line(r"ws: .*1008", "err")
        self.goes_on("a close that blames us", ["sse"])
        log = "/practice/log?since=%d" % self.server.rest("/practice/log", token=self.alice)[1]["total"]
        time.sleep(400 / self.RATE)
        asked = self.server.rest(log, token=self.alice)[1]["requests"]
        self.assertEqual([row["path"] for row in asked if row["status"] == 101], [], "no hot loop")

    def test_cut_in_the_middle_of_a_chunk_and_a_frame(self):
        for reset in (False, True):
            self.hit("truncate", bytes=200, reset=reset)

    def revoke(self, name, token, other):
        """What follows when a token is pulled: one attempt that is refused, one message, and the other account goes on."""
        log = "/practice/log?since=%d" % self.server.rest("/practice/log", token=self.alice)[1]["total"]
        self.act("revoke", token=token)
        self.host.wait_line(rf"error: .*{name}: .*token", "err")
        self.goes_on("a revocation", [other])
        asked = self.server.rest(log, token=self.alice)[1]
        refused = [row["path"] for row in asked["requests"] if row["status"] == 401]
        self.assertEqual([path.startswith("/api/v1/streaming") for path in refused], [True], "one attempt")
        time.sleep(400 / self.RATE)
        later = self.server.rest(f"/practice/log?since={asked['total']}", token=self.alice)[1]["requests"]
        self.assertEqual([row["path"] for row in later if row["status"] in (101, 401)], [], "nobody knocks again")
        said = [line for line in self.host.lines["err"] if "error: " in line]
        self.assertEqual(len(said), 1, self.host.text())
        code, out, _ = self.run_to_end("status", "--json", "--state", self.folder + "/state")
        self.assertEqual(code, 0)
        states = {account["name"]: {s["state"] for s in account["streams"]} for account in json.loads(out)["accounts"]}
        self.assertEqual(states, {name: {"disabled"}, other: {"live"}})
        self.goes_on("the silence of the other", [other])

    def test_a_revoked_token_is_said_once_and_the_other_account_goes_on(self):
        self.revoke("ws", self.server.token, "sse")

    def test_a_revoked_token_of_an_event_stream_is_said_once_and_the_other_account_goes_on(self):
        self.revoke("sse", self.alice, "ws")


class Away(Host):
    RATE = 60 / SLOW

    def test_a_server_that_is_away_for_a_minute_is_asked_at_most_ten_times(self):
        self.act("down", for_="60s")
        self.goes_on("a minute without a server")
        for name in NAMES:
            self.assertTrue(1 <= len(self.warnings(name)) <= 10, self.host.text())


class Bytes(Host):
    RATE = 10 / SLOW  # nobody may be cut for being slow
    HEALTH = 0.2

    def test_bytes_that_come_singly_or_slowly_change_nothing(self):
        for name, fields in (("bytewise", {}), ("drip", {"bytes": 300, "every": "200ms"})):
            with self.subTest(name):
                self.act(name, **fields)
                ids = [self.post("zażółć 🐘") for _ in range(3)]
                wait_until(lambda ids=ids: all(set(ids) <= set(self.handled(n)) for n in NAMES), what="posts by " + name)
                self.act("clear")
        self.assertEqual([self.warnings(name) for name in NAMES], [[], []])

    def test_what_cannot_be_read_is_survived_and_what_is_huge_is_read(self):
        self.hit("garbage")
        self.hit("broken_utf8")
        big = self.act("huge", bytes=1 << 20)["id"]
        wait_until(lambda: all(big in self.handled(name) for name in NAMES), what="a post of 1 MiB")
        self.goes_on("a post of 1 MiB")


class Tls(Host):
    RATE = 60 / SLOW
    HEALTH = 0.2

    def options(self):
        cert, key = self.folder + "/cert.pem", self.folder + "/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        # For the requests of this test itself.
        handler = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=cert))
        urllib.request.install_opener(urllib.request.build_opener(handler))
        self.addCleanup(urllib.request.install_opener, None)
        self.authority = '"%s"' % cert
        return ["--tls-cert", cert, "--tls-key", key]

    def test_faults_below_http_are_the_same_through_tls(self):
        self.hit("bytewise", for_="5s")
        self.hit("truncate", bytes=50)
        self.hit("drop", reset=True)
        self.hit("stall")


class Events(Host):
    def test_events_twice_and_in_another_order_are_handled_once(self):
        self.hit("twice", count=5)
        self.act("shuffle", count=6)
        ids = [self.post() for _ in range(6)]
        wait_until(lambda: all(set(ids) <= set(self.handled(name)) for name in NAMES), what="posts in another order")
        self.goes_on("another order")

    def test_a_server_that_sends_no_pings_is_left_and_found_again(self):
        self.act("hush", for_="10m")
        time.sleep(120 / self.RATE)
        self.goes_on("silence")


class Whole(Host):
    """Holds what was handled against what REST has."""

    def on_rest(self):
        """Ids of all public posts, newest first."""
        ids, path = [], "/api/v1/timelines/public?limit=40"
        while True:
            page = self.server.rest(path, token=self.alice)[1]
            if not page:
                return ids
            ids += [status["id"] for status in page]
            path = "/api/v1/timelines/public?limit=40&max_id=" + ids[-1]

    def setUp(self):
        super().setUp()
        # What came before an instance was live for the first time is none of its business.
        self.before = {name: set(self.on_rest()) - set(self.handled(name)) for name in NAMES}

    def whole(self, what):
        """Waits until all that stands on the server has been handled; nothing of it twice."""
        wait_until(lambda: all(set(self.on_rest()) - self.before[name] <= set(self.handled(name)) for name in NAMES),
                   what="every post after " + what)
        for name in NAMES:
            ids = self.handled(name)
            self.assertEqual(len(ids), len(set(ids)), f"{name}: handled twice after {what}")


class Fills(Whole):
    def test_every_post_of_an_outage_is_handled_once_and_what_rest_cannot_tell_is_a_gap(self):
        for name, fields in (("down", {"for_": "60s"}), ("close", {"code": 1012}), ("stall", {}), ("truncate", {}),
                             ("swallow", {"count": 3}), ("drop", {})):
            with self.subTest(name):
                self.act("scenario", script='for i = 1, 25 do at(i .. "s", post, "numbered " .. i) end')
                self.act(name, **fields)
                self.goes_on(name)
                if name != "swallow":  # what was swallowed comes with the next outage
                    self.whole(name)
                time.sleep(self.HEALTH)
        for name in NAMES:
            kinds = {gap["what"] for gap in self.lines(name, "gap")}
            self.assertNotIn("posts", kinds)
            self.assertIn("edits", kinds, "a minute of edits that nobody can bring back")


class Deaf(Whole):
    RATE = 1000 / SLOW  # REST is looked at every quarter to half an hour

    def test_a_stream_that_hears_nothing_is_found_out_by_rest(self):
        self.act("deafen")
        for _ in range(3):
            self.post("unheard")
        self.whole("lost pub/sub")


class Answers(Host):
    def test_a_server_in_trouble_is_asked_again(self):
        for status in (500, 502, 503, 504, 429):
            with self.subTest(status):
                self.act("refuse", status=status, for_="10s")
                self.act("drop")
                self.goes_on(f"a refusal with {status}")
                time.sleep(self.HEALTH)

    def test_a_page_in_place_of_a_stream_is_not_taken_for_one(self):
        self.act("fail", path="/api/v1/streaming", status=200, body="<html>hotel wifi</html>", for_="20s")
        self.act("drop")
        self.goes_on("a captive portal")

    def test_a_redirect_to_the_same_path_with_a_slash(self):
        self.act("redirect", path="/api/v1/streaming", to="slash", status=301, for_="20s")
        self.act("drop")
        self.goes_on("a redirect")

    def test_headers_without_a_body_are_given_up(self):
        self.act("buffer", for_="30s")
        self.act("drop")
        self.goes_on("a proxy that holds everything back")


if __name__ == "__main__":
    unittest.main()
