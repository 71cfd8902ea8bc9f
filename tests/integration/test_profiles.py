# SPDX-License-Identifier: MIT
"""The practice instance as other servers: talk over raw sockets, compared with what is known of each of them."""
import json
import os
import unittest

from harness import Case, Practice, wait_until
from wire import CLOSE, PING, PONG, TEXT, EventStream, WebSocket, Wire, http

AGENT = {"User-Agent": "moontusk-tests"}
ULID = r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


class Profile(Case):
    """One practice instance for a class, on which nothing flows but what the tests send."""

    profile = None

    @classmethod
    def setUpClass(cls):
        if cls.profile is None:
            raise unittest.SkipTest("the base of the others")
        cls.server = Practice("--quiet", "--profile", cls.profile, "--events", os.devnull)
        cls.addClassCleanup(cls.server.kill)
        cls.server.wait_line(r"^token \(app without user\)")
        cls.tokens = {"": cls.server.token}
        for line in cls.server.lines["out"]:
            if line.startswith("token ("):
                label, _, token = line[7:].partition("): ")
                cls.tokens[label] = token

    def tearDown(self):
        wait_until(lambda: not self.server.rest("/practice/state")[1]["listeners"], what="the sockets of this test are gone")
        super().tearDown()

    def other(self, *args):
        """One more instance of the profile, for what changes it."""
        return self.practice("--quiet", "--profile", self.profile, "--events", os.devnull, *args)

    def act(self, name, server=None, **fields):
        status, body = (server or self.server).rest("/practice/" + name, "POST", fields)
        self.assertEqual(status, 200, body)
        return body

    def post(self, text="hello", **fields):
        return self.act("post", text=text, **fields)

    def listening(self, *channels, server=None):
        server = server or self.server
        wait_until(lambda: all(c in server.rest("/practice/state")[1]["listeners"] for c in channels), what=str(channels))

    def socket(self, path="/api/v1/streaming", token=None, server=None, **headers):
        """With the token in both places, as moontusk shows it."""
        token = token or (server or self.server).token
        return WebSocket(server or self.server, path, {**AGENT, **bearer(token), "Sec-WebSocket-Protocol": token, **headers})

    def texts(self, ws, count, seconds=10):
        """So many text frames as they stand."""
        out = []
        while len(out) < count:
            opcode, payload = ws.frame(seconds)
            if opcode == TEXT:
                out.append(payload.decode())
            elif opcode == PING:
                ws.put(PONG, payload)
        return out

    def quiet(self, ws):
        """Nothing is on the way: the pong to our ping is the next thing that comes."""
        ws.put(PING, b"still there")
        self.assertEqual(ws.frame(), (PONG, b"still there"))

    def refused(self, headers, path="/api/v1/streaming"):
        ws = WebSocket(self.server, path, {**AGENT, **headers})
        return ws.status, ws.headers, ws.exactly(int(ws.headers.get("content-length", 0)))

    def closed(self, ws):
        """The code of the close frame that comes next; 1006 for an end without one."""
        while True:
            try:
                opcode, payload = ws.frame()
            except AssertionError:
                if ws.ended:
                    return 1006
                raise
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big") if payload else 1005


class GoToSocial(Profile):
    profile = "gotosocial"

    def rest(self, path, method="GET", data=None, **more):
        return self.server.rest(path, method, data, **more)

    def test_who_does_not_say_who_it_is_is_refused(self):
        status, headers, body = http(self.server, "GET", "/api/v2/instance")
        self.assertEqual((status, headers["content-type"]), (418, "application/json; charset=utf-8"))
        self.assertIn("error", json.loads(body))
        ws = WebSocket(self.server, headers=bearer(self.server.token))
        self.assertEqual(ws.status, 418)
        self.assertEqual(http(self.server, "GET", "/api/v2/instance", AGENT)[0], 200)

    def test_documents_always_say_wss_and_there_are_no_event_streams(self):
        self.assertTrue(self.rest("/api/v1/instance")[1]["urls"]["streaming_api"].startswith("wss://127.0.0.1:"))
        new = self.rest("/api/v2/instance")[1]
        self.assertTrue(new["configuration"]["urls"]["streaming"].startswith("wss://"))
        self.assertNotIn("api_versions", new)
        self.assertNotIn("timelines_access", new["configuration"])
        status, headers, body = http(self.server, "GET", "/api/v1/streaming", {**AGENT, **bearer(self.server.token)})
        self.assertEqual((status, headers["content-type"]), (400, "text/plain; charset=utf-8"), body)
        for path in ("user", "public", "health"):
            status = http(self.server, "GET", "/api/v1/streaming/" + path, {**AGENT, **bearer(self.server.token)})[0]
            self.assertEqual(status, 404)
        self.assertEqual(self.refused(bearer(self.server.token), "/api/v1/streaming/user")[0], 404)

    def test_token_places_and_scopes_of_the_handshake(self):
        token, weak = self.server.token, self.tokens["read:statuses only"]
        by_query = WebSocket(self.server, "/api/v1/streaming?access_token=" + token, AGENT)
        self.assertEqual(by_query.status, 101)
        echoed = WebSocket(self.server, headers={**AGENT, "Sec-WebSocket-Protocol": token})
        self.assertEqual((echoed.status, echoed.headers["sec-websocket-protocol"]), (101, token))
        self.assertEqual(WebSocket(self.server, headers={**AGENT, **bearer(weak)}).status, 101, "a header is not checked")
        self.assertEqual(self.refused({"Sec-WebSocket-Protocol": weak})[0], 403)
        for headers in ({}, bearer("nope"), {"Authorization": "bearer " + token}):
            status, _, body = self.refused(headers)
            self.assertEqual((status, json.loads(body)["error"]), (401, "Unauthorized: token not supplied"))
        self.assertEqual(self.rest("/api/v1/accounts/verify_credentials?access_token=" + token,
                                   headers={"Authorization": "none"})[0], 401)

    def test_frames(self):
        ws = self.socket()
        for stream in ("user", "public"):
            ws.say({"type": "subscribe", "stream": stream})
        list_id = self.rest("/api/v1/lists")[1][0]["id"]
        self.assertRegex(list_id, ULID)
        ws.say({"type": "subscribe", "stream": "list", "list": list_id})
        self.listening("timeline:public", "timeline:list:" + list_id)
        st = self.post("<3 & more")
        frames = self.texts(ws, 3)
        for text in frames:
            self.assertTrue(text.endswith("}\n"))
            self.assertNotIn("<", text)
            self.assertIn("\\\\u003cp\\\\u003e", text)
        messages = [json.loads(text) for text in frames]
        self.assertEqual(sorted(m["stream"] for m in messages), [["list:" + list_id], ["public"], ["user"]])
        payload = json.loads(messages[0]["payload"])
        self.assertEqual((payload["id"], payload["content"]), (st["id"], "<p>&lt;3 &amp; more</p>"))
        self.assertRegex(st["id"], ULID)
        self.assertRegex(payload["account"]["id"], ULID)
        self.assertRegex(payload["created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.act("delete", id=st["id"])
        self.assertEqual(json.loads(self.texts(ws, 1)[0])["payload"], st["id"])
        self.act("send", stream="user", event="filters_changed")
        self.assertEqual(json.loads(self.texts(ws, 1)[0]), {"stream": ["user"], "event": "filters_changed", "payload": ""})
        self.quiet(ws)

    def test_every_connection_but_lists_hears_of_every_deletion_once(self):
        hears, deaf = self.socket("/api/v1/streaming?stream=direct"), self.socket()
        list_id = self.rest("/api/v1/lists")[1][0]["id"]
        deaf.say({"type": "subscribe", "stream": "list", "list": list_id})
        self.listening("timeline:list:" + list_id, "every deletion")
        st = self.post("between us", visibility="private", **{"from": "jonas"})
        self.act("delete", id=st["id"])
        self.assertEqual(json.loads(self.texts(hears, 1)[0]), {"stream": ["direct"], "event": "delete", "payload": st["id"]})
        self.quiet(hears)
        self.quiet(deaf)

    def test_what_cannot_be_subscribed_is_silent(self):
        tag = self.socket("/api/v1/streaming?stream=hashtag&tag=caturday")
        remote = self.socket("/api/v1/streaming?stream=public:remote")
        told = self.socket("/api/v1/streaming?stream=user:notification")
        asks = self.socket()
        for message in ({"stream": "user:notification"}, {"stream": "hashtag", "tag": "caturday"}, {"stream": "nonsense"}):
            asks.say({"type": "subscribe", **message})
        self.assertEqual([ws.status for ws in (tag, remote, told)], [101] * 3)
        self.act("mention", text="ping #caturday", **{"from": "alice"})
        frame = json.loads(self.texts(told, 1)[0])
        self.assertEqual((frame["stream"], frame["event"]), (["user:notification"], "notification"))
        self.assertRegex(json.loads(frame["payload"])["id"], ULID)
        for ws in (tag, remote, asks):
            self.quiet(ws)

    def test_what_it_does_not_understand_ends_the_connection_after_pings(self):
        for text in ("no json", "[]", "", '{"type":"subscribe","stream":["user"]}'):
            ws = self.socket()
            ws.say(text)
            self.assertEqual(ws.frame(), (PING, b"ping!"), text)
            self.assertEqual(self.closed(ws), 1006, text)
        ws = self.socket()
        ws.say({"type": "something", "stream": "user"})
        self.quiet(ws)

    def test_pings_come_half_a_minute_after_the_last_frame_and_need_no_pong(self):
        server = self.other("--clock-rate", 150)
        ws = self.socket("/api/v1/streaming?stream=public", server=server)
        for _ in range(3):
            self.assertEqual(ws.frame(), (PING, b"ping!"))

    def test_a_pulled_token_keeps_its_streams_and_gets_401(self):
        server = self.other()
        ws = self.socket("/api/v1/streaming?stream=user", server=server)
        self.listening("every deletion", server=server)
        self.act("revoke", server)
        self.quiet(ws)
        self.assertEqual(server.rest("/api/v1/accounts/verify_credentials")[0], 401)

    def test_rest(self):
        key = {"Idempotency-Key": "same"}
        first, second = (self.rest("/api/v1/statuses", "POST", {"status": "twice"}, headers=key)[1] for _ in range(2))
        self.assertNotEqual(first["id"], second["id"])
        boosts = {self.rest(f"/api/v1/statuses/{first['id']}/reblog", "POST")[1]["id"] for _ in range(2)}
        self.assertEqual(len(boosts), 2)
        for _ in range(2):
            self.assertEqual(self.rest(f"/api/v1/statuses/{first['id']}/favourite", "POST")[1]["favourites_count"], 1)
        self.assertEqual(self.rest("/api/v1/statuses", "POST", {"status": " "})[0], 400)
        foreign = self.post("not yours")
        self.assertEqual(self.rest("/api/v1/statuses/" + foreign["id"], "DELETE")[0], 403)
        self.assertEqual(self.rest("/api/v1/timelines/home?limit=many")[0], 400)
        self.assertEqual(self.rest("/api/v1/statuses", "POST", {"status": "x"}, token=self.tokens["read:statuses only"])[0], 403)
        self.assertEqual(self.rest("/api/v1/accounts/verify_credentials", token="nope"),
                         (401, {"error": "Unauthorized: token not supplied"}))
        self.assertEqual(self.rest("/api/v2/notifications")[0], 404)

    def test_handshakes_count_and_no_refusal_says_when_to_come_back(self):
        server = self.other()
        self.act("limit", server, most=2)
        answers = [self.socket(server=server) for _ in range(3)]
        self.assertEqual([ws.status for ws in answers], [101, 101, 429])
        self.assertIn("x-ratelimit-reset", answers[2].headers)
        self.assertNotIn("retry-after", answers[2].headers)
        self.assertEqual(server.rest("/api/v2/instance")[0], 429, "by address, whatever the token")

    def test_paging_traps(self):
        server = self.other()
        ids = [self.act("post", server, text=f"post {n}")["id"] for n in range(2)]
        page = [st["id"] for st in server.rest("/api/v1/timelines/home?limit=40")[1]]
        self.assertEqual(sorted(page), sorted(ids * 2), "a short page repeats itself")
        self.assertEqual(page[:2], page[2:])
        self.act("mention", server, count=45, text="hello")
        self.assertEqual(len(server.rest("/api/v1/notifications?limit=80")[1]), 40)
        status, body, headers = server.request("/api/v1/notifications?limit=5&exclude_types[]=follow&types[]=favourite")
        self.assertEqual((status, body, headers["Link"]), (200, [], None), "though more exist")
        note = server.rest("/api/v1/notifications?limit=1")[1][0]["id"]
        self.assertEqual(server.rest(f"/api/v1/notifications/{note}/dismiss", "POST")[0], 404)


class Pleroma(Profile):
    profile = "pleroma"
    label_of_list = ["list", "1"]
    label_of_tag = ["hashtag", "caturday"]

    def answer(self, ws, **message):
        ws.say(message)
        frame = json.loads(self.texts(ws, 1)[0])
        self.assertEqual(frame["event"], "pleroma:respond")
        self.assertNotIn("stream", frame)
        return json.loads(frame["payload"])

    def test_handshake(self):
        token = self.server.token
        self.assertEqual(self.refused(bearer("nope"), "/api/v1/streaming?stream=user")[::2], (401, b""), "header not read")
        self.assertEqual(self.refused(bearer(token), "/api/v1/streaming?stream=user")[0], 401)
        for headers in ({}, bearer(token)):
            self.assertEqual(WebSocket(self.server, "/api/v1/streaming?stream=public", {**AGENT, **headers}).status, 101)
        ws = self.socket("/api/v1/streaming?stream=user")
        self.assertEqual((ws.status, ws.headers["sec-websocket-protocol"]), (101, token))
        self.assertEqual(WebSocket(self.server, "/api/v1/streaming?stream=user&access_token=" + token, AGENT).status, 101)
        for bad in ("nonsense", "hashtag", "list&list=77", "public:remote"):
            status, headers, body = self.refused({"Sec-WebSocket-Protocol": token}, "/api/v1/streaming?stream=" + bad)
            self.assertEqual((status, body), (404, b""), bad)
        self.assertEqual(http(self.server, "GET", "/api/v1/streaming/user", bearer(token))[0], 404)

    def test_each_subscribe_is_answered(self):
        ws, nobody = self.socket(), WebSocket(self.server, headers=AGENT)
        answer = {"type": "subscribe", "result": "success"}
        self.assertEqual(self.answer(ws, type="subscribe", stream="hashtag", tag="caturday"), answer)
        self.assertEqual(self.answer(ws, type="subscribe", stream="hashtag", tag="caturday")["result"], "ignored")
        self.assertEqual(self.answer(ws, type="subscribe", stream="hashtag"), {"type": "subscribe", "result": "error", "error": "bad_topic"})
        self.assertEqual(self.answer(ws, type="unsubscribe", stream="hashtag", tag="caturday")["result"], "success")
        self.assertEqual(self.answer(nobody, type="subscribe", stream="user")["error"], "unauthorized")
        self.assertEqual(self.answer(nobody, type="pleroma:authenticate", token=self.server.token)["result"], "success")
        self.assertEqual(self.answer(nobody, type="subscribe", stream="user"), answer)
        for text in ("", "no json", "[]", "ping"):
            ws.say(text)
        self.quiet(ws)

    def test_frames(self):
        ws = self.socket("/api/v1/streaming?stream=list&list=1")
        ws.say({"type": "subscribe", "stream": "hashtag", "tag": "caturday"})
        ws.say({"type": "subscribe", "stream": "user"})
        self.listening("timeline:hashtag:caturday", "timeline:list:1")
        st = self.post("look #caturday", media=1)
        frames = [json.loads(text) for text in self.texts(ws, 5)][2:]
        self.assertEqual(sorted(f["stream"] for f in frames), [self.label_of_tag, self.label_of_list, ["user"]])
        self.assertEqual({f["event"] for f in frames}, {"update"})
        payload = json.loads(frames[0]["payload"])
        self.assertRegex(payload["id"], r"^[0-9A-Za-z]{18}$")
        self.assertEqual(payload["id"], st["id"])
        self.assertIn("pleroma", payload)
        self.assertNotIn("meta", payload["media_attachments"][0])
        self.assertGreater(self.post("younger")["id"], st["id"])
        self.act("delete", id=st["id"])
        deleted = [f for f in (json.loads(t) for t in self.texts(ws, 5)) if f["event"] == "delete"]
        self.assertEqual({f["payload"] for f in deleted}, {st["id"]})
        self.assertTrue(all("stream" in f for f in deleted))

    def test_the_direct_stream_carries_posts_and_conversations(self):
        ws = self.socket("/api/v1/streaming?stream=direct")
        self.listening("timeline:direct:" + self.server.rest("/api/v1/accounts/verify_credentials")[1]["id"])
        self.act("direct", text="psst", **{"from": "kit"})
        self.assertEqual([json.loads(text)["event"] for text in self.texts(ws, 2)], ["update", "conversation"])

    def test_who_answers_no_ping_is_let_go_after_a_minute(self):
        server = self.other("--clock-rate", 150)
        silent, good = (self.socket("/api/v1/streaming?stream=user", server=server) for _ in range(2))
        for _ in range(4):
            self.assertEqual(good.frame(), (PING, b""))
            good.put(PONG)
        self.assertEqual(silent.frame(), (PING, b""))
        self.assertEqual(self.closed(silent), 1000)

    def test_a_pulled_token_ends_its_streams_with_a_close(self):
        server = self.other()
        ws = self.socket("/api/v1/streaming?stream=user", server=server)
        self.act("revoke", server)
        self.assertEqual(self.closed(ws), 1000)
        self.assertEqual(self.socket(server=server).status, 401)

    def test_documents(self):
        old = self.server.rest("/api/v1/instance")[1]
        self.assertRegex(old["version"], r"^2\.7\.2 \(compatible; (Pleroma|Akkoma) ")
        self.assertTrue(old["urls"]["streaming_api"].startswith("ws://"))
        self.assertIn("pleroma", old)


class Akkoma(Profile):
    profile = "akkoma"

    def test_frames_name_topics_and_deletes_no_stream(self):
        me = self.server.rest("/api/v1/accounts/verify_credentials")[1]["id"]
        ws = self.socket("/api/v1/streaming?stream=hashtag&tag=caturday")
        for stream in ("user", "public", "direct"):
            ws.say({"type": "subscribe", "stream": stream})
        self.listening("timeline:public", "timeline:" + me, "timeline:direct:" + me)
        st = self.post("look #caturday")
        frames = [json.loads(text) for text in self.texts(ws, 3)]
        self.assertEqual(sorted(f["stream"] for f in frames), [["hashtag:caturday"], ["public"], ["user:" + me]])
        self.act("mention", text="hi", visibility="unlisted")
        frames = {f["event"]: f["stream"] for f in (json.loads(text) for text in self.texts(ws, 2))}
        self.assertEqual(frames, {"update": ["user:" + me], "notification": ["user"]})
        self.act("direct", text="psst")
        frames = sorted((f["event"], f["stream"]) for f in (json.loads(text) for text in self.texts(ws, 4)))
        self.assertEqual(frames, [("conversation", ["direct:" + me]), ("notification", ["user"]), ("update", ["direct:" + me]),
                                  ("update", ["user:" + me])])
        self.act("delete", id=st["id"])
        for text in self.texts(ws, 3):
            self.assertEqual(json.loads(text), {"event": "delete", "payload": st["id"]})
        self.act("follow", **{"from": "kit"})
        events = [json.loads(text)["event"] for text in self.texts(ws, 2)]
        self.assertIn("pleroma:follow_relationships_update", events)

    def test_a_subscribe_knows_no_parameters_and_is_not_answered(self):
        ws = self.socket()
        for message in ({"stream": "hashtag", "tag": "caturday"}, {"stream": "list", "list": "1"}, {"stream": "nonsense"}):
            ws.say({"type": "subscribe", **message})
        ws.say({"type": "subscribe", "stream": "public"})
        self.listening("timeline:public")
        ws.say({"type": "unsubscribe", "stream": "public"})
        self.post("look #caturday")
        self.assertEqual(json.loads(self.texts(ws, 1)[0])["stream"], ["public"], "there is no unsubscribe")
        self.quiet(ws)
        ws.say("ping")
        self.assertEqual(self.texts(ws, 1), ["pong"])
        self.assertEqual(self.server.rest("/api/v2/instance")[0], 404)


class PleromaOld(Profile):
    profile = "pleroma-old"

    def test_one_stream_a_connection_named_in_the_address(self):
        proof = {"Sec-WebSocket-Protocol": self.server.token}
        self.assertEqual(self.refused(proof)[0], 400)
        self.assertEqual(self.refused(proof, "/api/v1/streaming?stream=nonsense")[0], 404)
        self.assertEqual(self.refused({}, "/api/v1/streaming?stream=user")[0], 403)
        ws = self.socket("/api/v1/streaming?stream=public")
        ws.say({"type": "subscribe", "stream": "user"})
        self.listening("timeline:public")
        st = self.post("hello")
        frame = json.loads(self.texts(ws, 1)[0])
        self.assertEqual((sorted(frame), frame["event"], json.loads(frame["payload"])["id"]), (["event", "payload"], "update", st["id"]))
        self.quiet(ws)

    def test_empty_texts_keep_it_alive(self):
        ws = self.socket("/api/v1/streaming?stream=public", server=self.other("--clock-rate", 150))
        for _ in range(3):
            self.assertEqual(ws.frame(), (TEXT, b""))


class Iceshrimp(Profile):
    profile = "iceshrimp"

    def test_handshake(self):
        token = self.server.token
        for headers in ({}, bearer(token)):
            status, _, body = self.refused(headers)
            self.assertEqual((status, json.loads(body)["statusCode"]), (400, 400), "Authorization is not read")
        ws = self.socket()
        self.assertEqual((ws.status, ws.headers.get("sec-websocket-protocol")), (101, None), "not echoed")
        self.assertEqual(self.refused({"Sec-WebSocket-Protocol": "nope"})[0], 401)
        self.assertEqual(http(self.server, "GET", "/api/v1/streaming", bearer(token))[0], 400)
        self.assertEqual(http(self.server, "GET", "/api/v1/streaming/user", bearer(token))[0], 404)

    def test_what_it_closes_for(self):
        mine = self.server.rest("/api/v1/lists")[1][0]["id"]
        long = {"type": "subscribe", "stream": "hashtag", "tag": "x" * 256}
        for say, code in (("no json", 1007), ({"type": "hello"}, 1007), (long, 1007), ({"type": "subscribe", "stream": "list"}, 1007)):
            ws = self.socket()
            ws.say(say)
            self.assertEqual(self.closed(ws), code, say)
        ws = self.socket(token=self.tokens["write only"])
        ws.say({"type": "subscribe", "stream": "user"})
        self.assertEqual(self.closed(ws), 1008)
        ws = self.socket()
        ws.put(2, b"bytes")
        self.assertEqual(self.closed(ws), 1003)
        ws = self.socket()
        ws.say({"type": "subscribe", "stream": "nonsense"})
        ws.say({"type": "subscribe", "stream": "list", "list": mine})
        self.quiet(ws)
        ws.say("ping")
        self.assertEqual(self.texts(ws, 1), ["pong"])

    def test_frames_and_the_strange_delete_of_lists(self):
        mine = self.server.rest("/api/v1/lists")[1][0]["id"]
        ws = self.socket(f"/api/v1/streaming?stream=list&list={mine}")
        ws.say({"type": "subscribe", "stream": "hashtag:local", "tag": "caturday"})
        self.listening("timeline:list:" + mine, "timeline:hashtag:caturday:local")
        st = self.post("look #caturday")
        frames = [json.loads(text) for text in self.texts(ws, 2)]
        self.assertEqual(sorted(f["stream"] for f in frames), [["hashtag:local", "caturday"], ["list", mine]])
        self.assertRegex(st["id"], r"^[0-9a-z]{16}$")
        self.act("delete", id=st["id"])
        frames = {f["stream"][0]: (f["event"], f["payload"]) for f in (json.loads(text) for text in self.texts(ws, 2))}
        self.assertEqual(frames, {"list": ("status.update", st["id"]), "hashtag:local": ("delete", st["id"])})

    def test_it_keeps_alive_by_pongs(self):
        ws = self.socket("/api/v1/streaming?stream=public", server=self.other("--clock-rate", 200))
        for _ in range(2):
            self.assertEqual(ws.frame(), (PONG, b""))


class Glitch(Profile):
    profile = "glitch"

    def test_local_only_posts_come_where_they_are_asked_for(self):
        plain, asked = EventStream(self.server, "public"), EventStream(self.server, "public?allow_local_only=1")
        ws = WebSocket(self.server, "/api/v1/streaming?stream=public:allow_local_only")
        self.listening("timeline:public", "timeline:public:allow_local_only")
        st = self.post("among us 👁")
        self.assertIs(st["local_only"], True)
        other = self.post("for all")
        self.assertIs(other["local_only"], False)
        self.assertEqual([json.loads(asked.event()[1])["id"] for _ in range(2)], [st["id"], other["id"]])
        self.assertEqual(json.loads(plain.event()[1])["id"], other["id"])
        frame = ws.message()
        self.assertEqual((frame["stream"], json.loads(frame["payload"])["id"]), (["public:allow_local_only"], st["id"]))

    def test_the_direct_stream_carries_posts_and_deletes(self):
        stream = EventStream(self.server, "direct")
        st = self.act("direct", text="psst")
        self.assertEqual([stream.event()[0] for _ in range(2)], ["update", "conversation"])
        self.act("delete", id=st["id"])
        self.assertEqual(stream.event(), ("delete", st["id"]))
        self.assertRegex(self.server.rest("/api/v2/instance")[1]["version"], r"\+glitch$")


class Fedibird(Profile):
    profile = "fedibird"

    def test_public_streams_are_open_and_words_are_old(self):
        status, headers, body = http(self.server, "GET", "/api/v1/streaming/user")
        self.assertEqual((status, json.loads(body)), (401, {"error": "Error: Missing access token"}))
        wire = Wire(self.server)
        wire.request("GET", "/api/v1/streaming/public")
        self.assertEqual(wire.head()[0], 200)
        ws = WebSocket(self.server, headers={})
        ws.say({"type": "subscribe", "stream": "user"})
        self.assertEqual(ws.message(), {"error": "Error: Missing access token"})
        ws.say({"type": "subscribe", "stream": "public:domain", "domain": "smithy.example"})
        self.listening("timeline:public:domain:smithy.example")
        self.post("from afar", **{"from": "marek@smithy.example"})
        self.assertEqual(ws.message()["stream"], ["public:domain", "smithy.example"])
        bad = WebSocket(self.server, token="nope")
        self.assertEqual((bad.status, bad.headers.get("x-error-message")), (401, None))

    def test_no_edits_the_boosted_id_and_heartbeats_without_a_blank_line(self):
        server = self.other("--clock-rate", 150)
        stream = EventStream(server, "user")
        st = self.act("post", server, text="hello", **{"from": "alice"})
        self.assertEqual(json.loads(stream.event()[1])["id"], st["id"])
        self.act("edit", server, id=st["id"], text="hello again")
        self.assertEqual(server.rest("/api/v1/statuses/" + st["id"], "PUT", {"status": "x"})[0], 404)
        self.assertEqual(server.rest("/api/v2/instance")[0], 404)
        server.rest(f"/api/v1/statuses/{st['id']}/reblog", "POST")
        self.assertEqual(stream.event()[0], "update", "the edit is not told")
        server.rest(f"/api/v1/statuses/{st['id']}/unreblog", "POST")
        self.assertEqual(stream.event(), ("delete", st["id"]))
        self.assertEqual(stream.chunk(), b":thump\n")

    def test_reactions(self):
        server = self.practice("--quiet", "--profile", self.profile, "--clock-rate", 20)
        stream = EventStream(server, "user")
        while True:
            event, data = stream.event()
            if event == "emoji_reaction":
                break
        self.assertEqual(sorted(json.loads(data)), ["account", "account_ids", "count", "name", "status_id", "url"])


class NoStreams(Profile):
    profile = "none"

    def test_no_streams_no_keys_and_errors_without_words(self):
        token = self.server.token
        document = self.server.rest("/api/v1/instance")[1]
        self.assertEqual(document["urls"], {})
        for path in ("/api/v2/instance", "/api/v1/streaming", "/api/v1/streaming/user", "/api/v1/streaming/health"):
            status, headers, body = http(self.server, "GET", path, bearer(token))
            self.assertEqual((status, headers["content-type"]), (404, "text/html; charset=utf-8"), path)
        self.assertEqual(self.refused(bearer(token))[0], 404)
        self.assertEqual(self.server.rest("/api/v1/accounts/verify_credentials", token="nope"), (422, ""))
        key = {"Idempotency-Key": "same"}
        ids = [self.server.rest("/api/v1/statuses", "POST", {"status": "twice"}, key)[1]["id"] for _ in range(2)]
        self.assertNotEqual(*ids)
        self.assertRegex(ids[0], r"^\d{10}[0-9a-f]{32}$")
        self.assertEqual(self.server.rest("/api/v1/statuses/" + ids[0], "DELETE")[0], 404)
        page = self.server.request("/api/v1/timelines/home?limit=1")
        self.assertEqual((len(page[1]), 'rel="next"' in page[2]["Link"]), (1, True))


class Names(Case):
    def test_an_unknown_profile_is_an_error_that_names_them_all(self):
        code, _, err = self.run_to_end("practice", "--port", 0, "--profile", "friendica")
        self.assertEqual(code, 1)
        self.assertIn('no profile "friendica"', err)
        self.assertIn("gotosocial", err)


if __name__ == "__main__":
    unittest.main()
