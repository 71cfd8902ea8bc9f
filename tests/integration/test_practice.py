# SPDX-License-Identifier: MIT
"""The practice instance behaves as the recordings of the real server show, on both transports."""
import base64
import hashlib
import json
import re
import signal
import time
import unittest
import urllib.parse

from harness import Case, run, wait_until
from wire import BINARY, CLOSE, PING, TEXT, EventStream, WebSocket, Wire, http

STREAMS = {
    "user": "user", "user:notification": "user/notification", "public": "public", "public:media": "public?only_media=true",
    "public:local": "public/local", "public:local:media": "public/local?only_media=1", "public:remote": "public/remote",
    "public:remote:media": "public/remote?only_media=t", "hashtag": "hashtag?tag=caturday",
    "hashtag:local": "hashtag/local?tag=caturday", "list": "list?list=1", "direct": "direct",
}
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"


def tokens(practice):
    """The printed tokens by label; '' is the first."""
    practice.wait_line(r"^token \(app without user\): ")
    found = re.findall(r"^token(?: \(([^)]*)\))?: (\S+)$", "\n".join(practice.lines["out"]), re.M)
    return dict(found)


def bearer(token):
    return {"Authorization": "Bearer " + token}


def form(**fields):
    return urllib.parse.urlencode(fields, doseq=True).encode(), {"Content-Type": "application/x-www-form-urlencoded"}


class Output(Case):
    def test_prints_address_and_token_first_and_ends_clean(self):
        practice = self.practice("--quiet")
        self.assertRegex(practice.lines["out"][0], r"^server: http://127\.0\.0\.1:\d+$")
        self.assertRegex(practice.lines["out"][1], r"^token: P[\w-]{41,43}$")
        self.assertEqual(practice.stop(signal.SIGINT), 0)
        again = self.practice("--quiet")
        self.assertEqual(again.stop(signal.SIGTERM), 0)

    def test_the_seed_makes_tokens_and_people_alike(self):
        first, second = self.practice("--seed", 7), self.practice("--seed", 7)
        other = self.practice("--seed", 8)
        self.assertEqual(first.token, second.token)
        self.assertNotEqual(first.token, other.token)
        people = [[p["acct"] for p in practice.rest("/practice/people")[1]] for practice in (first, second)]
        self.assertEqual(people[0], people[1])
        self.assertGreaterEqual(len(people[0]), 40)

    def test_a_taken_port_and_wrong_flags_are_errors(self):
        practice = self.practice()
        port = practice.url.rsplit(":", 1)[1]
        code, _, err = run("practice", "--port", port)
        self.assertEqual(code, 1)
        self.assertIn(port, err)
        for flags in (["--port", "70000"], ["--nonsense"], ["--tls-cert", "x.pem"], ["word"]):
            code, _, err = run("practice", *flags)
            self.assertEqual(code, 2, err)

    def test_a_bad_file_is_named_with_its_line(self):
        events = self.write("events.jsonl", '{"kind":"update","stream":["public"],"payload":{"id":"1"}}\n{broken\n')
        code, _, err = run("practice", "--port", 0, "--events", events)
        self.assertEqual(code, 1)
        self.assertIn(events + ":2:", err)
        stream = self.write("stream.jsonl", '{"kind":"update","stream":["nonsense"],"payload":{"id":"1"}}\n')
        code, _, err = run("practice", "--port", 0, "--events", stream)
        self.assertEqual((code, "unknown stream nonsense" in err), (1, True), err)
        for text, words in (("at('2s', drop\n", "scenario.lua:"), ("\nat('soon', drop)\n", "scenario.lua:2:")):
            script = self.write("scenario.lua", text)
            code, _, err = run("practice", "--port", 0, "--scenario", script)
            self.assertEqual(code, 1)
            self.assertIn(words, err)
        code, _, err = run("practice", "--port", 0, "--events", self.folder + "/missing")
        self.assertEqual((code, "missing" in err), (1, True))


class Streams(Case):
    """What the recordings 01 to 57 show."""

    def setUp(self):
        super().setUp()
        self.server = self.practice("--quiet")
        self.tokens = tokens(self.server)

    def refused(self, path, status, words, headers=None, method="GET"):
        got, answer, body = http(self.server, method, path, bearer(self.server.token) if headers is None else headers)
        self.assertEqual((got, json.loads(body)), (status, {"error": words}), path)
        self.assertEqual(answer["content-type"], "application/json")
        self.assertEqual(answer["x-powered-by"], "Express")
        self.assertRegex(answer["x-request-id"], UUID)
        self.assertEqual(answer["access-control-allow-origin"], "*")
        self.assertEqual(answer["connection"], "close")
        self.assertNotIn("www-authenticate", answer)

    def test_errors_have_the_words_and_the_order_of_the_real_server(self):
        base = "/api/v1/streaming/"
        scopes = "Access token does not have the required scopes"
        self.refused(base + "user", 401, "Missing access token", {})
        self.refused(base + "user", 401, "Invalid access token", bearer("nope"))
        self.refused(base + "user", 401, "Invalid access token", {"Authorization": "bearer " + self.server.token})
        self.refused(base + "user", 401, "Invalid access token", {"Authorization": "Basic YWxpY2U6cHc="})
        self.refused(base + "user", 401, "Invalid access token", bearer(self.tokens["app without user"]))
        self.refused(base + "user?access_token=" + self.server.token, 401, "Invalid access token", bearer("nope"))
        self.refused(base + "user", 401, scopes, bearer(self.tokens["write only"]))
        self.refused(base + "user", 401, scopes, bearer(self.tokens["read:notifications only"]))
        self.refused(base + "user/notification", 401, scopes, bearer(self.tokens["read:statuses only"]))
        self.refused(base + "hashtag", 401, scopes, bearer(self.tokens["write only"]))
        self.refused(base + "hashtag", 400, "Missing tag name parameter")
        self.refused(base + "list", 400, "Missing list name parameter")
        for name in ("2", "abc", "99"):
            self.refused(base + "list?list=" + name, 401, "Not authorized to stream this list")
        for path in (base + "nonsense", base[:-1] + "?stream=user", base + "user/", "/", "/foo"):
            self.refused(path, 400, "Unknown channel requested", {})
        self.refused(base + "hashtag?tag=a&tag=b", 500, "An unexpected error occurred")

    def test_a_stream_begins_with_a_smile(self):
        stream = EventStream(self.server, "direct")
        self.assertEqual((stream.status, stream.first), (200, b":)\n"))
        self.assertEqual(stream.headers["content-type"], "text/event-stream")
        self.assertEqual(stream.headers["cache-control"], "private, no-store")
        self.assertEqual(stream.headers["connection"], "keep-alive")
        self.assertEqual(stream.headers["keep-alive"], "timeout=5")
        self.assertIn("date", stream.headers)
        self.assertNotIn("content-length", stream.headers)

    def test_tokens_come_by_header_query_and_without_scheme(self):
        token = self.server.token
        for path, headers in (("direct?access_token=" + token, {}), ("direct", {"Authorization": token}),
                              ("direct", {"Sec-WebSocket-Protocol": token})):
            wire = Wire(self.server)
            wire.request("GET", "/api/v1/streaming/" + path, headers)
            self.assertEqual(wire.head()[0], 200, (path, headers))
            wire.close()

    def test_http_1_0_gets_chunks_and_close(self):
        stream = EventStream(self.server, "direct", version="1.0")
        self.assertEqual((stream.headers["connection"], stream.first), ("close", b":)\n"))

    def test_an_error_keeps_the_connection(self):
        wire = Wire(self.server)
        wire.request("GET", "/api/v1/streaming/hashtag", bearer(self.server.token))
        status, headers, _ = wire.answer()
        self.assertEqual((status, headers["keep-alive"]), (400, "timeout=5"))
        wire.request("GET", "/api/v1/streaming/user", bearer(self.server.token))
        self.assertEqual(wire.head()[0], 200)

    def test_other_methods(self):
        status, headers, body = http(self.server, "OPTIONS", "/api/v1/streaming/user",
                                     {"Access-Control-Request-Headers": "authorization"})
        self.assertEqual((status, body, headers["content-length"]), (204, b"", "0"))
        self.assertEqual(headers["access-control-allow-methods"], "GET,HEAD,PUT,PATCH,POST,DELETE")
        self.assertEqual(headers["access-control-allow-headers"], "authorization")
        status, headers, body = http(self.server, "POST", "/api/v1/streaming/user",
                                     {**bearer(self.server.token), "Content-Length": "0"})
        self.assertEqual((status, headers["content-type"]), (404, "text/html; charset=utf-8"))
        self.assertEqual(len(body), 161)
        self.assertIn(b"<pre>Cannot POST /api/v1/streaming/user</pre>", body)
        wire = Wire(self.server)
        wire.request("HEAD", "/api/v1/streaming/user", bearer(self.server.token))
        self.assertFalse(wire.fill(0.5), "HEAD is never answered")
        status, headers, body = http(self.server, "GET", "/api/v1/streaming/health")
        self.assertEqual((status, headers["content-type"], body), (200, "text/plain", b"OK"))

    def test_every_stream_has_an_event_within_three_seconds_as_chunks(self):
        streams = {name: EventStream(self.server, path) for name, path in STREAMS.items()}
        for name, stream in streams.items():
            event, data = stream.event(3)
            payload = None if event in ("delete", "announcement.delete") else json.loads(data)
            if event in ("update", "status.update") and name.startswith(("public", "hashtag")):
                self.assertNotIn("favourited", payload)
                self.assertEqual(payload["filtered"], [])
                self.assertEqual(payload["visibility"], "public")
                if name.endswith("media"):
                    self.assertTrue(payload["media_attachments"])
                if "local" in name or "remote" in name:
                    self.assertEqual("@" in payload["account"]["acct"], "remote" in name)
            elif event == "update":
                self.assertIs(payload["favourited"], False)
            if name == "direct":
                self.assertEqual((event, list(payload)), ("conversation", ["id", "unread", "accounts", "last_status"]))

    def test_every_stream_goes_on(self):
        streams = {name: EventStream(self.server, path) for name, path in STREAMS.items()}
        for _ in range(3):
            for name, stream in streams.items():
                stream.event(3)

    def test_a_token_without_notifications_hears_none_on_user(self):
        stream = EventStream(self.server, "user", self.tokens["read:statuses only"])
        for _ in range(12):
            self.assertNotEqual(stream.event()[0], "notification")


class Timers(Case):
    def test_heartbeats_come_every_fifteen_seconds(self):
        empty = self.write("none.jsonl", "")
        server = self.practice("--quiet", "--clock-rate", 60, "--events", empty)
        stream = EventStream(server, "direct")
        started = time.monotonic()
        for _ in range(4):
            self.assertEqual(stream.chunk(5), b":thump\n\n")
        self.assertGreater(time.monotonic() - started, 0.8)

    def test_pings_come_and_who_does_not_answer_is_cut(self):
        empty = self.write("none.jsonl", "")
        server = self.practice("--quiet", "--clock-rate", 60, "--events", empty)
        silent, good = WebSocket(server), WebSocket(server)
        for _ in range(3):
            self.assertEqual(good.frame(5), (PING, b""))
            good.put(10)
        self.assertEqual(silent.frame(5), (PING, b""))
        self.assertTrue(silent.at_end(5))
        self.assertEqual(silent.buffer, b"", "no close frame")
        self.assertEqual(good.frame(5), (PING, b""))


class Sockets(Case):
    """What the recordings 70 to 92 show."""

    def setUp(self):
        super().setUp()
        # Nothing flows but what the tests send.
        self.server = self.practice("--quiet", "--events", self.write("none.jsonl", ""))
        self.tokens = tokens(self.server)

    def act(self, name, **fields):
        status, body = self.server.rest("/practice/" + name, "POST", fields)
        self.assertEqual(status, 200, body)
        return body

    def listening(self, *channels):
        wait_until(lambda: all(c in self.server.rest("/practice/state")[1]["listeners"] for c in channels), what=str(channels))

    def error_of(self, ws, message):
        ws.say(message)
        return ws.message()

    def test_the_handshake(self):
        ws = WebSocket(self.server, "/some/other/path?stream=user")
        self.assertEqual(ws.status, 101)
        accept = hashlib.sha1((ws.key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        self.assertEqual(ws.headers["sec-websocket-accept"], base64.b64encode(accept).decode())
        self.assertRegex(ws.headers["x-request-id"], UUID)
        self.assertNotIn("sec-websocket-protocol", ws.headers)
        offered = WebSocket(self.server, headers={"Sec-WebSocket-Protocol": self.server.token})
        self.assertEqual((offered.status, offered.headers["sec-websocket-protocol"]), (101, self.server.token))
        other = WebSocket(self.server, headers={**bearer(self.server.token), "Sec-WebSocket-Protocol": "chat, more"})
        self.assertEqual(other.headers["sec-websocket-protocol"], "chat")
        deflate = WebSocket(self.server, headers={**bearer(self.server.token), "Sec-WebSocket-Extensions": "permessage-deflate"})
        self.assertNotIn("sec-websocket-extensions", deflate.headers)

    def test_refused_handshakes_say_why_in_a_header(self):
        for headers, words in ((bearer("nope"), "Invalid access token"), ({}, "Missing access token")):
            ws = WebSocket(self.server, headers=headers)
            self.assertEqual((ws.status, ws.headers["x-error-message"]), (401, words))
            self.assertEqual((ws.headers["content-type"], ws.headers["content-length"]), ("text/plain", "0"))
            self.assertEqual(ws.headers["connection"], "close")
            self.assertTrue(ws.at_end())
        bad = WebSocket(self.server, headers={**bearer(self.server.token), "Sec-WebSocket-Version": "12"})
        self.assertEqual(bad.status, 400)

    def test_subscribe_errors(self):
        ws = WebSocket(self.server)
        sub = {"type": "subscribe"}
        unknown = {"error": "Unknown stream type", "status": 400}
        foreign = {"error": "Not authorized to stream this list", "status": 401}
        self.assertEqual(self.error_of(ws, {**sub, "stream": "nonsense"}), unknown)
        self.assertEqual(self.error_of(ws, sub), unknown)
        self.assertEqual(self.error_of(ws, {**sub, "stream": "hashtag"}), {"error": "Missing tag name parameter", "status": 400})
        self.assertEqual(self.error_of(ws, {**sub, "stream": "list"}), {"error": "Missing list name parameter", "status": 400})
        self.assertEqual(self.error_of(ws, {**sub, "stream": "list", "list": "2"}), foreign)
        self.assertEqual(self.error_of(ws, {**sub, "stream": "list", "list": "abc"}), foreign)
        self.assertEqual(self.error_of(ws, {**sub, "stream": "hashtag", "tag": 5}),
                         {"error": "An unexpected error occurred", "status": 500})
        self.assertEqual(self.error_of(ws, {"type": "unsubscribe", "stream": "nonsense"}),
                         {"error": "Error unsubscribing from channel"})
        for silent in ({"type": "unsubscribe", "stream": "user"}, {"type": "ping"}, {}, "not json", "null", "[]", '"x"', ""):
            ws.say(silent)
        self.assertEqual(self.error_of(ws, sub), unknown, "the silent ones were silent")
        weak = WebSocket(self.server, token=self.tokens["write only"])
        self.assertEqual(self.error_of(weak, {**sub, "stream": "user"}),
                         {"error": "Access token does not have the required scopes", "status": 401})

    def test_one_copy_a_subscription_and_the_first_spelling(self):
        ws = WebSocket(self.server, "/api/v1/streaming?stream=public")
        for message in ({"stream": "hashtag", "tag": "#CaFé"}, {"stream": "hashtag", "tag": "cafe"},
                        {"stream": ["user:notification", "x"]}, {"stream": "user"}, {"stream": "user"},
                        {"stream": "list", "list": 1}):
            ws.say({"type": "subscribe", **message})
        self.listening("timeline:public", "timeline:hashtag:cafe", "timeline:list:1")
        self.act("post", text="grand opening #café", **{"from": "alice"})
        got = [ws.message() for _ in range(4)]
        self.assertEqual(sorted(json.dumps(m["stream"], ensure_ascii=False) for m in got),
                         ['["hashtag", "#CaFé"]', '["list", 1]', '["public"]', '["user"]'])
        for message in got:
            self.assertEqual(list(message), ["stream", "event", "payload"])
            self.assertIsInstance(message["payload"], str)
            self.assertEqual(json.loads(message["payload"])["account"]["acct"], "alice")
        ws.say({"type": "unsubscribe", "stream": "hashtag", "tag": "cafe"})
        self.act("follow", **{"from": "kit"})
        self.assertEqual(sorted(ws.message()["stream"][0] for _ in range(2)), ["user", "user:notification"])
        self.act("post", text="again #café", **{"from": "alice"})
        self.assertEqual(sorted(ws.message()["stream"][0] for _ in range(3)), ["list", "public", "user"])

    def test_binary_closes_with_1003(self):
        ws = WebSocket(self.server)
        ws.put(BINARY, b"\x01\x02\x03")
        opcode, payload = ws.frame()
        self.assertEqual(opcode, CLOSE)
        self.assertEqual(payload, b"\x03\xebThe mastodon streaming server does not support binary messages")

    def test_delete_payload_is_a_bare_id(self):
        ws = WebSocket(self.server, "/?stream=public:local")
        self.listening("timeline:public:local")
        st = self.act("post", text="soon gone")
        self.act("edit", id=st["id"], text="soon gone, edited")
        self.act("delete", id=st["id"])
        got = [ws.message() for _ in range(3)]
        self.assertEqual([m["event"] for m in got], ["update", "status.update", "delete"])
        self.assertEqual(got[2], {"stream": ["public:local"], "event": "delete", "payload": st["id"]})

    def test_revoking_ends_streams_clean_and_then_refuses(self):
        ws, sse = WebSocket(self.server, "/?stream=user"), EventStream(self.server, "user")
        revoked = self.tokens["read:statuses only"]
        other = EventStream(self.server, "public", revoked)
        self.act("revoke")
        self.assertEqual(ws.frame(), (CLOSE, b""))
        self.assertEqual(sse.chunk(), b"")
        self.assertFalse(sse.ended, "TCP stays open")
        self.assertEqual(WebSocket(self.server).status, 401)
        self.assertEqual(http(self.server, "GET", "/api/v1/streaming/user", bearer(self.server.token))[0], 401)
        status, body = self.server.rest("/api/v1/accounts/verify_credentials")
        self.assertEqual((status, body["error"]), (401, "The access token was revoked"))
        self.act("post", text="still there")
        self.assertEqual(other.event()[0], "update")
        self.act("restore")
        self.assertEqual(WebSocket(self.server).status, 101)

    def test_faults(self):
        sse, ws = EventStream(self.server, "public"), WebSocket(self.server, "/?stream=public")
        self.listening("timeline:public")
        self.act("garbage", stream="public")
        self.assertEqual(ws.frame(), (TEXT, b"{this is no JSON"))
        self.assertEqual(sse.event()[1], "{this is no JSON")
        self.act("drop")
        self.assertTrue(sse.at_end() and ws.at_end())
        self.assertEqual((sse.buffer, ws.buffer), (b"", b""), "neither last chunk nor close frame")
        self.act("fail", path="/api/v1/timelines", status=502, body="<html>Bad gateway</html>")
        status, body, headers = self.server.request("/api/v1/timelines/home")
        self.assertEqual((status, body, headers["Content-Type"]), (502, "<html>Bad gateway</html>", "text/html"))
        self.assertEqual(self.server.rest("/api/v1/timelines/home")[0], 200)
        self.act("limit", **{"for": "1h"})
        status, body, headers = self.server.request("/api/v1/timelines/home")
        self.assertEqual((status, body, headers["X-RateLimit-Remaining"]), (429, {"error": "Too many requests"}, "0"))
        self.assertRegex(headers["X-RateLimit-Reset"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertNotIn("Retry-After", headers)
        self.act("clear")
        self.act("refuse", status=401)
        self.assertEqual(self.server.rest("/api/v1/timelines/home")[0], 401)
        self.assertEqual(WebSocket(self.server).status, 401)
        self.act("clear")
        self.assertEqual(self.server.rest("/api/v1/timelines/home")[0], 200)


class Rest(Case):
    def setUp(self):
        super().setUp()
        self.server = self.practice("--quiet", "--events", self.write("none.jsonl", ""))
        self.tokens = tokens(self.server)

    def post(self, text, **fields):
        status, body = self.server.rest("/api/v1/statuses", "POST", {"status": text, **fields})
        self.assertEqual(status, 200, body)
        return body

    def test_errors(self):
        for path, method, token, status, words in (
            ("/api/v1/accounts/verify_credentials", "GET", "nope", 401, "The access token is invalid"),
            ("/api/v1/timelines/home", "GET", self.tokens["write only"], 403, "This action is outside the authorized scopes"),
            ("/api/v1/timelines/home", "GET", self.tokens["app without user"], 422, "This method requires an authenticated user"),
            ("/api/v1/statuses/1", "GET", None, 404, "Record not found"),
            ("/api/v1/statuses/1/reblog", "POST", None, 404, "Record not found"),
            ("/api/v1/nonsense", "GET", None, 404, "Not found"),
        ):
            self.assertEqual(self.server.rest(path, method, token=token), (status, {"error": words}), path)
        for fields, status, words in (
            ({"status": ""}, 422, "Validation failed: Text can't be blank"),
            ({"status": "x" * 501}, 422, "Validation failed: Text character limit of 500 exceeded"),
            ({"status": "x", "in_reply_to_id": "1"}, 404, "The post you are trying to reply to does not appear to exist."),
        ):
            self.assertEqual(self.server.rest("/api/v1/statuses", "POST", fields), (status, {"error": words}))
        long_link = "x" * 470 + " https://example.org/" + "y" * 300
        self.assertEqual(self.server.rest("/api/v1/statuses", "POST", {"status": long_link})[0], 200)

    def test_posts_by_form_json_and_multipart(self):
        body, headers = form(**{"status": "Grüße #Wehr @alice https://example.org/a", "visibility": "unlisted", "spoiler_text": "cw"})
        status, st = self.server.rest("/api/v1/statuses", "POST", body, headers)
        self.assertEqual((status, st["visibility"], st["spoiler_text"], st["sensitive"]), (200, "unlisted", "cw", True))
        self.assertEqual([t["name"] for t in st["tags"]], ["wehr"])
        self.assertEqual([m["acct"] for m in st["mentions"]], ["alice"])
        self.assertIn('class="mention hashtag" rel="tag">#<span>Wehr</span></a>', st["content"])
        part = ('--b\r\nContent-Disposition: form-data; name="file"; filename="cat.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
                'JPEG\r\n--b\r\nContent-Disposition: form-data; name="description"\r\n\r\nA cat\r\n--b--\r\n').encode()
        status, media = self.server.rest("/api/v2/media", "POST", part, {"Content-Type": "multipart/form-data; boundary=b"})
        self.assertEqual((status, media["type"], media["description"]), (200, "image", "A cat"))
        st = self.post("with a cat", media_ids=[media["id"]])
        self.assertEqual(st["media_attachments"][0]["id"], media["id"])
        st = self.post("poll", poll={"options": ["a", "b"], "expires_in": 600})
        self.assertEqual([o["title"] for o in st["poll"]["options"]], ["a", "b"])

    def test_the_same_key_gives_the_same_post(self):
        headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
        first = self.server.rest("/api/v1/statuses", "POST", {"status": "once"}, headers)[1]
        again = self.server.rest("/api/v1/statuses", "POST", {"status": "other text"}, headers)[1]
        self.assertEqual((first["id"], again["content"]), (again["id"], first["content"]))
        me = self.server.rest("/api/v1/accounts/verify_credentials")[1]
        mine = self.server.rest(f"/api/v1/accounts/{me['id']}/statuses")[1]
        self.assertEqual([st["id"] for st in mine], [first["id"]])

    def test_unexpected_mentions_are_refused(self):
        alice = self.server.rest("/api/v1/accounts/lookup?acct=alice")[1]
        status, body = self.server.rest("/api/v1/statuses", "POST",
                                        {"status": "@alice @kit hi", "allowed_mentions": [alice["id"]]})
        self.assertEqual((status, [a["acct"] for a in body["unexpected_accounts"]]), (422, ["kit"]))

    def test_boosts_likes_and_bookmarks_are_read_back(self):
        st = self.server.rest("/practice/post", "POST", {"text": "boost me"})[1]
        boost = self.server.rest(f"/api/v1/statuses/{st['id']}/reblog", "POST")[1]
        self.assertEqual((boost["reblog"]["id"], boost["reblog"]["reblogged"]), (st["id"], True))
        self.assertEqual(self.server.rest(f"/api/v1/statuses/{st['id']}/reblog", "POST")[1]["id"], boost["id"])
        for verb in ("favourite", "bookmark"):
            self.assertEqual(self.server.rest(f"/api/v1/statuses/{st['id']}/{verb}", "POST")[0], 200)
        got = self.server.rest(f"/api/v1/statuses/{st['id']}")[1]
        self.assertEqual((got["reblogged"], got["favourited"], got["bookmarked"]), (True, True, True))
        self.assertEqual((got["reblogs_count"], got["favourites_count"]), (1, 1))
        me = self.server.rest("/api/v1/accounts/verify_credentials")[1]
        self.assertEqual([s["id"] for s in self.server.rest(f"/api/v1/accounts/{me['id']}/statuses")[1]], [boost["id"]])
        self.assertIn(boost["id"], [s["id"] for s in self.server.rest("/api/v1/timelines/home")[1]])
        self.server.rest(f"/api/v1/statuses/{st['id']}/unreblog", "POST")
        got = self.server.rest(f"/api/v1/statuses/{st['id']}")[1]
        self.assertEqual((got["reblogged"], got["reblogs_count"]), (False, 0))

    def test_what_a_bot_does_comes_on_its_streams(self):
        user, public = EventStream(self.server, "user"), EventStream(self.server, "public")
        st = self.post("from the bot")
        for stream in (user, public):
            event, data = stream.event()
            self.assertEqual((event, json.loads(data)["id"]), ("update", st["id"]))
        other = self.server.rest("/practice/post", "POST", {"text": "theirs", "from": "kit"})[1]
        self.assertEqual(json.loads(public.event()[1])["id"], other["id"])
        boost = self.server.rest(f"/api/v1/statuses/{other['id']}/reblog", "POST")[1]
        self.assertEqual(json.loads(user.event()[1])["id"], boost["id"])
        self.server.rest(f"/api/v1/statuses/{other['id']}/unreblog", "POST")
        self.assertEqual(user.event(), ("delete", boost["id"]))
        self.server.rest(f"/api/v1/statuses/{st['id']}", "DELETE")
        self.assertEqual((user.event(), public.event()), (("delete", st["id"]), ("delete", st["id"])))

    def test_replies_threads_edits_and_deletion(self):
        first = self.server.rest("/practice/mention", "POST", {"text": "ping", "from": "marek@smithy.example"})[1]
        reply = self.post("@marek@smithy.example pong", in_reply_to_id=first["id"])
        self.assertEqual((reply["in_reply_to_id"], reply["in_reply_to_account_id"]), (first["id"], first["account"]["id"]))
        context = self.server.rest(f"/api/v1/statuses/{first['id']}/context")[1]
        self.assertEqual([s["id"] for s in context["descendants"]], [reply["id"]])
        context = self.server.rest(f"/api/v1/statuses/{reply['id']}/context")[1]
        self.assertEqual([s["id"] for s in context["ancestors"]], [first["id"]])
        edited = self.server.rest(f"/api/v1/statuses/{reply['id']}", "PUT", {"status": "pong!"})[1]
        self.assertEqual((edited["id"], edited["content"]), (reply["id"], "<p>pong!</p>"))
        self.assertIsNotNone(edited["edited_at"])
        self.assertEqual(len(self.server.rest(f"/api/v1/statuses/{reply['id']}/history")[1]), 2)
        self.assertEqual(self.server.rest(f"/api/v1/statuses/{reply['id']}/source")[1]["text"], "pong!")
        status, gone = self.server.rest(f"/api/v1/statuses/{reply['id']}", "DELETE")
        self.assertEqual((status, gone["text"], "content" in gone), (200, "pong!", False))
        self.assertEqual(self.server.rest(f"/api/v1/statuses/{reply['id']}", "DELETE")[0], 404)
        self.assertEqual(self.server.rest(f"/api/v1/statuses/{first['id']}", "DELETE")[0], 404, "not ours")
        notes = self.server.rest("/api/v1/notifications?types[]=mention")[1]
        self.assertEqual([n["status"]["id"] for n in notes], [first["id"]])
        self.assertEqual(self.server.rest("/api/v1/notifications?types[]=follow")[1], [])

    def test_pages_lead_through_link_headers(self):
        ids = [self.server.rest("/practice/post", "POST", {"text": f"post {i}", "from": "bruno"})[1]["id"] for i in range(25)]
        self.assertEqual(ids, sorted(ids, key=int))
        seen, path = [], "/api/v1/timelines/public?limit=10&local=true"
        while path:
            status, page, headers = self.server.request(path)
            seen += [st["id"] for st in page]
            links = dict((rel, url) for url, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', headers.get("Link", "")))
            if page:
                self.assertEqual(links["next"], f"{self.server.url}/api/v1/timelines/public?limit=10&local=true&max_id={page[-1]['id']}")
                self.assertEqual(links["prev"], f"{self.server.url}/api/v1/timelines/public?limit=10&local=true&min_id={page[0]['id']}")
            else:
                self.assertNotIn("Link", headers)
            path = links["next"][len(self.server.url):] if page else None
        self.assertEqual(seen, ids[::-1])
        page = self.server.rest(f"/api/v1/timelines/public?limit=3&min_id={ids[4]}")[1]
        self.assertEqual([st["id"] for st in page], ids[7:4:-1], "min_id: right above, newest first")
        page = self.server.rest(f"/api/v1/timelines/public?limit=3&since_id={ids[4]}")[1]
        self.assertEqual([st["id"] for st in page], ids[:-4:-1], "since_id: the newest page")
        page = self.server.rest(f"/api/v1/timelines/public?max_id={ids[2]}&min_id={ids[0]}")[1]
        self.assertEqual([st["id"] for st in page], [ids[1]])
        many = self.server.rest("/api/v1/statuses?" + "&".join("id[]=" + i for i in ids[:3] + ["1"]))[1]
        self.assertEqual([st["id"] for st in many], ids[:3])

    def test_rate_limits_are_told_and_kept(self):
        _, _, headers = self.server.request("/api/v1/timelines/home")
        left = int(headers["X-RateLimit-Remaining"])
        _, _, headers = self.server.request("/api/v2/instance")
        self.assertEqual(int(headers["X-RateLimit-Remaining"]), left - 1)
        self.assertRegex(headers["X-RateLimit-Reset"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.server.rest("/practice/limit", "POST", {"most": int(headers["X-RateLimit-Limit"]) - left + 3})
        codes = [self.server.rest("/api/v1/timelines/home")[0] for _ in range(4)]
        self.assertEqual(codes[-1], 429)

    def test_discovery_lists_and_follows(self):
        v2 = self.server.rest("/api/v2/instance")[1]
        self.assertEqual(v2["configuration"]["urls"]["streaming"], self.server.url.replace("http", "ws"))
        v1 = self.server.rest("/api/v1/instance")[1]
        self.assertEqual(v1["urls"]["streaming_api"], v2["configuration"]["urls"]["streaming"])
        self.assertEqual([entry["id"] for entry in self.server.rest("/api/v1/lists")[1]], ["1"])
        kit = self.server.rest("/api/v1/accounts/lookup?acct=kit")[1]
        self.assertTrue(self.server.rest(f"/api/v1/accounts/{kit['id']}/follow", "POST")[1]["following"])
        wanda = self.server.rest("/api/v1/accounts/lookup?acct=wanda@smithy.example")[1]
        self.assertTrue(self.server.rest(f"/api/v1/accounts/{wanda['id']}/follow", "POST")[1]["requested"])
        self.assertEqual(len(self.server.rest(f"/api/v1/accounts/relationships?id[]={kit['id']}&id[]={wanda['id']}")[1]), 2)
        st = self.server.rest("/practice/post", "POST", {"text": "x", "from": "kit"})[1]
        self.assertEqual(self.server.rest("/api/v1/timelines/home")[1][0]["id"], st["id"])

    def test_mutes_and_blocks_are_read_back(self):
        rest = self.server.rest
        me = rest("/api/v1/accounts/verify_credentials")[1]["id"]
        ann = rest("/api/v1/accounts/lookup?acct=kit")[1]["id"]

        def ties():
            return rest(f"/api/v1/accounts/relationships?id[]={ann}")[1][0]

        rest(f"/api/v1/accounts/{ann}/follow", "POST", {"notify": True, "reblogs": False, "languages": ["de"]})
        self.assertEqual([ties()[key] for key in ("notifying", "showing_reblogs", "languages")],
                         [True, False, ["de"]])
        rest(f"/api/v1/accounts/{ann}/mute", "POST", {"notifications": False, "duration": 1})
        self.assertEqual((ties()["muting"], ties()["muting_notifications"]), (True, False))
        wait_until(lambda: not ties()["muting"], what="the end of the mute")
        self.assertTrue(rest(f"/api/v1/accounts/{ann}/mute", "POST", {})[1]["muting_notifications"])
        self.assertFalse(rest(f"/api/v1/accounts/{ann}/unmute", "POST", {})[1]["muting"])
        blocked = rest(f"/api/v1/accounts/{ann}/block", "POST", {})[1]
        self.assertEqual((blocked["blocking"], blocked["following"], blocked["requested"]), (True, False, False))
        self.assertEqual(rest(f"/api/v1/accounts/{ann}/follow", "POST", {})[0], 403)
        self.assertFalse(rest(f"/api/v1/accounts/{ann}/unblock", "POST", {})[1]["blocking"])
        for verb in ("follow", "mute", "block"):
            self.assertEqual(rest(f"/api/v1/accounts/{me}/{verb}", "POST", {})[0], 403)
            self.assertEqual(rest(f"/api/v1/accounts/1/{verb}", "POST", {})[0], 404)

    def test_every_report_is_kept(self):
        rest = self.server.rest
        me = rest("/api/v1/accounts/verify_credentials")[1]["id"]
        ann = rest("/api/v1/accounts/lookup?acct=kit")[1]["id"]
        mine = rest("/api/v1/statuses", "POST", {"status": "mine"})[1]["id"]
        for wrong, status in (({"account_id": "1"}, 404), ({"account_id": ann, "status_ids": [mine]}, 404),
                              ({"account_id": ann, "category": "boring"}, 422), ({"account_id": ann, "comment": "x" * 1001}, 422),
                              ({"account_id": ann, "category": "spam", "rule_ids": ["1"]}, 422)):
            self.assertEqual(rest("/api/v1/reports", "POST", wrong)[0], status, wrong)
        for _ in range(2):  # it is not idempotent
            self.assertEqual(rest("/api/v1/reports", "POST", {"account_id": ann, "rule_ids": ["1"], "forward": True})[0], 200)
        kept = rest("/practice/reports")[1]
        self.assertEqual([(r["category"], r["rule_ids"], r["forwarded"]) for r in kept], [("violation", ["1"], True)] * 2)
        self.assertNotEqual(kept[0]["id"], kept[1]["id"])

    def test_the_control_endpoint_wants_a_token_and_a_local_name(self):
        self.assertEqual(self.server.rest("/practice/drop", "POST", {}, token="nope")[0], 403)
        self.assertEqual(self.server.rest("/practice/drop", "POST", {}, {"Origin": "https://evil.example"})[0], 403)
        self.assertEqual(self.server.rest("/practice/drop", "POST", {}, {"Host": "evil.example"})[0], 403)
        self.assertEqual(self.server.rest("/practice/nothing", "POST", {})[0], 404)
        self.assertEqual(self.server.rest("/practice/fail", "POST", {"path": "x"})[0], 400)
        self.server.rest("/api/v1/timelines/home")
        log = self.server.rest("/practice/log")[1]
        self.assertEqual((log["requests"][-1]["path"], log["requests"][-1]["status"]), ("/api/v1/timelines/home", 200))


def status_line(number, **fields):
    account = {"id": "77", "username": "ext", "acct": "ext@away.example", "url": "https://away.example/@ext"}
    return {"id": str(1000 + number), "created_at": "2026-11-20T12:00:00.000Z", "content": f"<p>post {number} “ü”  </p>",
            "visibility": "public", "account": account, "media_attachments": [], "tags": [{"name": "boats"}], "mentions": [],
            **fields}


class Events(Case):
    def play(self, lines, *flags):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        return self.practice("--quiet", "--events", self.write("events.jsonl", text), *flags)

    def test_lines_go_where_they_belong_in_order_from_the_first_listener_on(self):
        lines = [status_line(i) for i in range(50)]
        lines += [{"kind": "delete", "stream": ["public"], "payload": "1000"},
                  {"kind": "update", "stream": ["hashtag", "Boats"], "payload": status_line(60)},
                  {"kind": "notification", "stream": ["user:notification"], "payload": {"id": "5", "type": "follow"}}]
        server = self.play(lines, "--rate", 0)
        time.sleep(0.3)  # nothing is lost before anybody listens
        sse = EventStream(server, "public")
        got = [sse.event() for _ in range(51)]
        self.assertEqual([json.loads(data)["id"] for _, data in got[:50]], [str(1000 + i) for i in range(50)])
        self.assertEqual(got[50], ("delete", "1000"))
        self.assertEqual(got[0][1], json.dumps(lines[0], ensure_ascii=False), "bytes as they stand in the file")
        ws = WebSocket(server, "/?stream=hashtag&tag=boats")
        got = [ws.message() for _ in range(51)]
        self.assertEqual(got[50]["stream"], ["hashtag", "boats"])
        self.assertEqual(json.loads(got[50]["payload"]), status_line(60))
        self.assertEqual(json.loads(got[0]["payload"]), lines[0])
        note = EventStream(server, "user/notification")
        self.assertEqual(note.event(), ("notification", '{"id": "5", "type": "follow"}'))
        status, st = server.rest("/api/v1/statuses/1007")
        self.assertEqual((status, st["account"]["acct"], st["favourited"]), (200, "ext@away.example", False))
        self.assertEqual(server.rest("/api/v1/statuses/1000")[0], 404, "it was deleted")
        self.assertEqual(server.rest("/api/v1/statuses/1007/reblog", "POST")[1]["reblog"]["id"], "1007")
        reply = server.rest("/api/v1/statuses", "POST", {"status": "@ext@away.example hi", "in_reply_to_id": "1008"})[1]
        self.assertEqual((reply["in_reply_to_id"], reply["mentions"][0]["id"]), ("1008", "77"))

    def test_the_rate_is_kept(self):
        server = self.play([status_line(i) for i in range(40)], "--rate", 40)
        sse = EventStream(server, "public")
        started = time.monotonic()
        for _ in range(40):
            sse.event()
        self.assertGreater(time.monotonic() - started, 0.7)

    def test_a_scenario_runs(self):
        script = self.write("scenario.lua", """
            at("500ms", function() mention("ping", "kit") end)
            at("700ms", post, { text = "later", from = "emi" })
            at("900ms", drop)
            at("1s", function() fail("/api/v1/timelines", 500) limit(429, "2s") end)
        """)
        server = self.practice("--quiet", "--events", self.write("none.jsonl", ""), "--scenario", script)
        user = EventStream(server, "user")
        kinds = [user.event(5)[0] for _ in range(2)]
        self.assertEqual(kinds, ["notification", "update"])
        self.assertTrue(user.at_end(5))
        wait_until(lambda: server.rest("/api/v1/timelines/home")[0] == 429, what="429")
        wait_until(lambda: server.rest("/api/v1/timelines/home")[0] == 200, what="the end of the limit")


if __name__ == "__main__":
    unittest.main(verbosity=2)
