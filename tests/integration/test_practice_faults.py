# SPDX-License-Identifier: MIT
"""The faults of the practice instance as they look on the wire, on both transports and through TLS."""
import json
import os
import re
import time
import unittest

from harness import SOURCE, Case, wait_until
from wire import CLOSE, PING, TEXT, EventStream, WebSocket, Wire, http


class Faults(Case):
    RATE = 20

    def setUp(self):
        super().setUp()
        # Nothing flows but what the tests send.
        self.server = self.practice("--quiet", "--clock-rate", self.RATE, "--events", self.write("none.jsonl", ""))

    def act(self, name, expected=200, **fields):
        fields = {key.rstrip("_"): value for key, value in fields.items()}
        got, body = self.server.rest("/practice/" + name, "POST", fields)
        self.assertEqual(got, expected, body)
        return body

    def listening(self, *channels):
        wait_until(lambda: all(c in self.server.rest("/practice/state")[1]["listeners"] for c in channels), what=str(channels))

    def both(self, stream="public"):
        """An event stream and a WebSocket on the same stream."""
        sse, ws = EventStream(self.server, stream.replace(":", "/")), WebSocket(self.server, "/?stream=" + stream)
        self.listening("timeline:" + stream)
        return sse, ws

    def heard(self, count):
        """Waits until so many connections listen to anything."""
        def enough():
            code, _, text = http(self.server, "GET", "/metrics")
            return code == 200 and sum(int(line.rsplit(" ", 1)[1]) for line in text.decode().splitlines()[:2]) >= count
        wait_until(enough, what="listeners")

    def post(self, text, **fields):
        return self.act("post", text=text, **fields)["id"]

    def rest_of(self, wire):
        wire.at_end()
        return wire.buffer


class Ends(Faults):
    def test_each_close_code_arrives_as_it_is(self):
        for code in (1000, 1001, 1003, 1007, 1008, 1011, 1012, 1013):
            sse, ws = self.both()
            self.assertEqual(self.act("close", code=code, reason="see you"), {"closed": 2})
            self.assertEqual(ws.frame(), (CLOSE, code.to_bytes(2, "big") + b"see you"))
            if code == 1000:
                self.assertEqual(sse.chunk(), b"", "a clean end")
            else:
                self.assertEqual(self.rest_of(sse), b"", f"{code} is the end of the process for an event stream")

    def test_none_is_a_close_frame_without_code_and_a_clean_end(self):
        for fields in ({}, {"code": "none"}, {"code": 1005}):
            sse, ws = self.both()
            self.act("close", **fields)
            self.assertEqual((ws.frame(), sse.chunk()), ((CLOSE, b""), b""))

    def test_1006_is_no_close_frame_at_all(self):
        sse, ws = self.both()
        self.act("close", code=1006)
        self.assertEqual((self.rest_of(ws), self.rest_of(sse)), (b"", b""))
        self.assertIn("no close code", self.act("close", 400, code=7)["error"])

    def test_one_stream_can_be_closed_alone(self):
        sse, other = EventStream(self.server, "public"), EventStream(self.server, "public/local")
        self.listening("timeline:public", "timeline:public:local")
        self.assertEqual(self.act("close", code=1012, stream="public"), {"closed": 1})
        self.assertEqual(self.rest_of(sse), b"")
        self.post("hello")
        self.assertEqual(other.event()[0], "update")

    def test_down_refuses_connects_until_its_time(self):
        sse, ws = self.both()
        self.act("down", for_="60s")
        self.assertEqual((self.rest_of(ws), self.rest_of(sse)), (b"", b""))
        with self.assertRaises(ConnectionRefusedError):
            Wire(self.server)

        def back():
            try:
                return EventStream(self.server, "public").status == 200
            except OSError:
                return False
        wait_until(back, what="the server is back at its port")


class Bytes(Faults):
    def test_a_stalled_connection_says_nothing_and_does_not_end(self):
        sse, ws = self.both()
        self.assertEqual(self.act("stall"), {"stalled": 2})
        first = self.post("held")
        self.act("drop")
        for wire in (sse, ws):
            self.assertFalse(wire.fill(0.3))
            self.assertFalse(wire.ended)
        other = EventStream(self.server, "public")
        self.act("clear")
        self.assertEqual(json.loads(sse.event()[1])["id"], first)
        self.assertEqual(json.loads(ws.message()["payload"])["id"], first)
        self.post("after")
        self.assertEqual(other.event()[0], "update")
        self.assertTrue(sse.at_end() and ws.at_end())

    def test_a_stall_may_end_and_nothing_is_lost(self):
        sse, _ = self.both()
        self.act("stall", stream="public", for_="10s")
        ids = [self.post(f"post {i}") for i in range(3)]
        self.assertEqual([json.loads(sse.event()[1])["id"] for _ in range(3)], ids)

    def test_bytes_come_one_by_one(self):
        sse, ws = self.both()
        self.act("bytewise")
        st = self.post("zażółć 🐘")
        self.assertEqual(json.loads(sse.event()[1])["id"], st)
        self.assertEqual(json.loads(ws.message()["payload"])["id"], st)

    def test_a_drip_takes_its_time(self):
        sse = EventStream(self.server, "public")
        self.listening("timeline:public")
        self.act("drip", bytes=20, every="200ms", stream="public")
        self.post("x")
        started = time.monotonic()
        name, data = sse.event()
        self.assertGreater(time.monotonic() - started, len(data) / 20 * 0.2 / self.RATE / 2)
        self.assertEqual(name, "update")

    def test_truncated_in_the_middle_of_a_chunk_and_a_frame(self):
        sse, ws = self.both()
        self.assertEqual(self.act("truncate", bytes=200), {"truncated": 2})
        self.post("x" * 300)
        self.assertEqual((len(self.rest_of(sse)), len(self.rest_of(ws))), (200, 200))
        self.assertFalse(sse.buffer.endswith(b"0\r\n\r\n"))

    def test_new_connections_are_spoilt_when_asked_for(self):
        self.act("truncate", bytes=30, new=True)
        wire = Wire(self.server)
        wire.request("GET", "/api/v2/instance", {"Connection": "close"})
        self.assertEqual(len(self.rest_of(wire)), 30)


class Events(Faults):
    def test_twice_in_another_order_and_after_the_deletion(self):
        sse, ws = self.both()
        self.act("twice", count=1)
        ids = [self.post("doubled")]
        for wire in (lambda: sse.event()[1], lambda: ws.message()["payload"]):
            self.assertEqual([json.loads(wire())["id"] for _ in range(2)], ids * 2)
        self.act("shuffle", count=4)
        ids = [self.post(f"post {i}") for i in range(4)]
        got = [json.loads(sse.event()[1])["id"] for _ in range(4)]
        self.assertEqual((sorted(got), got != ids), (ids, True))
        self.assertEqual([json.loads(ws.message()["payload"])["id"] for _ in range(4)], got)
        self.act("overtake", count=1)
        late = self.post("soon gone")
        self.act("delete", id=late)
        self.assertEqual(sse.event(), ("delete", late))
        self.assertEqual(json.loads(sse.event()[1])["id"], late)
        self.assertEqual([ws.message()["event"] for _ in range(2)], ["delete", "update"])

    def test_broken_utf8_and_a_mebibyte(self):
        sse, ws = self.both()
        self.act("broken_utf8", stream="public")
        chunk = sse.chunk() + sse.chunk()
        self.assertIn(b"caf\xe9", chunk)
        opcode, payload = ws.frame()
        self.assertEqual((opcode, b"caf\xe9" in payload), (TEXT, True))
        st = self.act("huge", bytes=1 << 20)["id"]
        name, data = sse.event()
        self.assertEqual((name, json.loads(data)["id"], len(data) > 1 << 20), ("update", st, True))
        self.assertEqual(json.loads(ws.message()["payload"])["id"], st)

    def test_heartbeats_without_events_and_events_without_heartbeats(self):
        sse, ws = self.both()
        self.act("deafen")
        self.post("unheard")
        self.assertEqual(sse.chunk(), b":thump\n\n")
        self.assertEqual(ws.frame(), (PING, b""))
        ws.put(10)
        fresh = EventStream(self.server, "public")
        self.act("hush", for_="1h")
        self.assertEqual(self.act("drop", stream="user"), {"cut": 0})
        heard = self.post("heard")
        self.assertEqual(json.loads(fresh.event()[1])["id"], heard)
        self.assertFalse(fresh.fill(2), "no heartbeat in forty seconds")

    def test_home_is_silent_while_nobody_is_thought_to_listen(self):
        self.server.rest("/api/v1/accounts/lookup?acct=alice")
        sse = EventStream(self.server, "user")
        self.heard(1)
        self.assertGreaterEqual(self.act("absent")["channels"], 1)
        self.server.rest("/api/v1/statuses", "POST", {"status": "unheard"})
        again = EventStream(self.server, "user")
        st = self.server.rest("/api/v1/statuses", "POST", {"status": "heard"})[1]["id"]
        for wire in (sse, again):
            self.assertEqual(json.loads(wire.event()[1])["id"], st)

    def test_a_proxy_that_buffers_gives_headers_and_nothing_else(self):
        self.act("buffer", for_="1h")
        wire = Wire(self.server)
        wire.request("GET", "/api/v1/streaming/public", {"Authorization": "Bearer " + self.server.token})
        self.assertEqual(wire.head()[0], 200)
        self.post("unheard")
        self.assertFalse(wire.fill(1))


class Answers(Faults):
    def test_500_after_the_work_was_done(self):
        self.act("fail", path="/api/v1/statuses", method="POST", commit=True)
        self.assertEqual(self.server.rest("/api/v1/statuses", "POST", {"status": "done"})[0], 500)
        me = self.server.rest("/api/v1/accounts/verify_credentials")[1]["id"]
        self.assertEqual(self.server.rest(f"/api/v1/accounts/{me}/statuses")[1][0]["content"], "<p>done</p>")
        self.act("fail", path="/api/v1/statuses", method="POST", commit=True, cut=True)
        with self.assertRaises(OSError):
            self.server.rest("/api/v1/statuses", "POST", {"status": "done, too"})
        self.assertEqual(self.server.rest(f"/api/v1/accounts/{me}/statuses")[1][0]["content"], "<p>done, too</p>")

    def test_a_gateway_speaks_html(self):
        self.act("refuse", status=502)
        for path in ("/api/v1/timelines/home", "/api/v1/streaming/public"):
            status, headers, body = http(self.server, "GET", path)
            self.assertEqual((status, headers["content-type"], body[:6]), (502, "text/html", b"<html>"))
        self.assertEqual(WebSocket(self.server).status, 502)

    def test_redirects_on_requests_and_handshakes(self):
        self.act("redirect", path="/api/v1/streaming", to="https://streams.example")
        ws = WebSocket(self.server, "/api/v1/streaming?stream=user")
        self.assertEqual((ws.status, ws.headers["location"]), (301, "https://streams.example/api/v1/streaming?stream=user"))
        self.act("clear")
        self.act("redirect", path="/api/v1/streaming/user", to="slash", status=308, times=1)
        status, headers, _ = http(self.server, "GET", "/api/v1/streaming/user")
        self.assertEqual((status, headers["location"]), (308, "/api/v1/streaming/user/"))
        self.assertEqual(http(self.server, "GET", "/api/v1/streaming/user")[0], 401)

    def test_a_feed_that_is_switched_off(self):
        sse_before = EventStream(self.server, "public")
        self.listening("timeline:public")
        self.act("feed", feed="live_local", access="disabled")
        feeds = self.server.rest("/api/v2/instance")[1]["configuration"]["timelines_access"]["live_feeds"]
        self.assertEqual(feeds, {"local": "disabled", "remote": "public"})
        sse, ws = self.both("public:local")
        st = self.post("hidden")
        self.assertEqual(sse_before.event()[0], "update", "it is looked at once, at the subscription")
        self.assertEqual(self.server.rest("/api/v1/timelines/public?local=true"), (200, []))
        self.act("delete", id=st)
        self.assertEqual(sse.event(), ("delete", st))
        self.assertEqual(ws.message()["event"], "delete")
        self.act("feed", feed="live_local", access="authenticated")
        status, _, body = http(self.server, "GET", "/api/v1/timelines/public?local=true")
        self.assertEqual((status, json.loads(body)["error"]), (422, "This method requires an authenticated user"))

    def test_home_that_is_made_anew_and_home_that_ends(self):
        ids = [self.server.rest("/api/v1/statuses", "POST", {"status": f"post {i}"})[1]["id"] for i in range(5)]
        self.act("regenerate", for_="1h")
        status, body, headers = self.server.request("/api/v1/timelines/home")
        self.assertEqual((status, body), (206, []))
        self.assertRegex(headers["Mastodon-Async-Refresh"], r'^id="[^"]+", retry=5$')
        self.act("clear")
        self.act("home_depth", count=3)
        page = self.server.rest(f"/api/v1/timelines/home?min_id={ids[0]}")[1]
        self.assertEqual([st["id"] for st in page], ids[:1:-1])
        self.act("misread_min_id")
        page = self.server.rest(f"/api/v1/timelines/home?limit=2&min_id={ids[1]}")[1]
        self.assertEqual([st["id"] for st in page], ids[:2:-1])

    def test_a_moved_streaming_host_and_a_limit_with_a_past_reset(self):
        self.act("streaming_url", url="wss://streams.example")
        self.assertEqual(self.server.rest("/api/v2/instance")[1]["configuration"]["urls"]["streaming"], "wss://streams.example")
        self.act("limit", for_="1h", reset="-1h")
        status, _, headers = self.server.request("/api/v1/timelines/home")
        self.assertEqual(status, 429)


class Scripts(Faults):
    def test_the_script_in_the_documentation_runs(self):
        with open(os.path.join(SOURCE, "docs", "practice.md"), encoding="utf-8") as file:
            part = file.read().split("## `--scenario", 1)[1].split("## ", 1)[0]
        script = "\n".join(re.findall(r"^    (.*)$", part, re.M))
        server = self.practice("--quiet", "--clock-rate", 60, "--scenario", self.write("documented.lua", script))
        wanted = {"mention", "post", "close", "refuse", "limit", "fail", "down"}

        def all_done():
            try:
                done = {row["action"] for row in server.rest("/practice/faults")[1]["actions"]}
            except OSError:
                return False  # it is down for a second
            return wanted <= done
        wait_until(all_done, what="every action of the script")
        self.assertEqual([line for line in server.lines["err"] if "scenario" in line], [])

    def test_scripts_and_times_come_over_http_too(self):
        sse = EventStream(self.server, "public")
        self.listening("timeline:public")
        self.assertEqual(self.act("post", at="4s", text="late"), {"in_ms": 4000})
        self.act("scenario", script='at "1s" post("first")\nat("8s", close, 1012)')
        texts = [json.loads(sse.event()[1])["content"] for _ in range(2)]
        self.assertEqual(texts, ["<p>first</p>", "<p>late</p>"])
        self.assertTrue(sse.at_end())
        done = [(row["action"], row["parameters"]) for row in self.server.rest("/practice/faults")[1]["actions"]]
        self.assertEqual(done, [("post", {"text": "first"}), ("post", {"text": "late"}), ("close", {"code": "1012"})])
        self.assertIn("scenario:1:", self.act("scenario", 400, script='at("soon", drop)')["error"])

    def test_chaos_goes_on_until_it_is_cleared(self):
        self.act("chaos", seed=5, every="200ms", faults="drop,twice,close_1012")
        wait_until(lambda: len(self.server.rest("/practice/faults")[1]["actions"]) > 10, what="ten faults")
        self.act("clear")
        count = len(self.server.rest("/practice/faults")[1]["actions"])
        time.sleep(0.2)
        self.assertEqual(len(self.server.rest("/practice/faults")[1]["actions"]), count)
        self.assertIn("no fault of chaos", self.act("chaos", 400, faults="nonsense")["error"])


if __name__ == "__main__":
    unittest.main()
