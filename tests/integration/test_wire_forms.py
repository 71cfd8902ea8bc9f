#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Streams whose every byte the test writes: forms that real servers send and that the practice instance has no reason to."""
import base64
import hashlib
import http.server
import json
import struct
import threading
import unittest

import harness

STATUS = {"id": "7", "created_at": "2026-11-21T10:00:00.000Z", "visibility": "public", "content": "<p>x</p>", "url": None,
          "account": {"id": "5", "acct": "ann", "username": "ann", "created_at": "2020-01-01T00:00:00.000Z"}}


def status(**more):
    return json.dumps({**STATUS, **more}, ensure_ascii=False)


def frame(text, opcode=1, final=True):
    """One frame of a server (RFC 6455, 5.2): not masked."""
    data = text if isinstance(text, bytes) else text.encode()
    size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack(">H", len(data))
    return bytes([(0x80 if final else 0) | opcode]) + size + data


def event(name, payload, **more):
    return frame(json.dumps({"stream": ["public"], "event": name, "payload": payload, **more}))


class Server:
    """A bare server: `sse` are the bytes of an event stream, `ws` those that follow a subscribe, `pong` those behind a pong."""

    def __init__(self, sse=b"", ws=b"", pong=b"", version="4.5.0", stop_first=False):
        self.headers, self.frames, self.subscribed = [], [], 0
        server = self
        done = self.done = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, value):
                body = json.dumps(value).encode()
                self.send_response(200 if value is not None else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                path = self.path.split("?")[0]
                if path == "/api/v2/instance":
                    self.answer({"domain": "wire.example", "version": version, "configuration": {"urls": {
                        "streaming": server.url.replace("http", "ws")}}})
                elif path == "/api/v1/accounts/verify_credentials":
                    self.answer({"id": "1", "acct": "bot", "username": "bot"})
                elif path.startswith("/api/v1/timelines/"):
                    self.answer([])
                elif path.startswith("/api/v1/streaming"):
                    server.headers.append(dict(self.headers))
                    if self.headers.get("Upgrade"):
                        self.websocket()
                    else:
                        self.events()
                else:
                    self.answer(None)

            def events(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(b":)\n" + sse)
                self.wfile.flush()
                done.wait(30)

            def read_frame(self):
                head = self.rfile.read(2)
                if len(head) < 2:
                    return None, b""
                size = head[1] & 0x7F
                if size == 126:
                    size = struct.unpack(">H", self.rfile.read(2))[0]
                mask = self.rfile.read(4)
                data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.rfile.read(size)))
                return head[0] & 15, data

            def websocket(self):
                key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
                self.send_response(101)
                self.send_header("Upgrade", "websocket")
                self.send_header("Connection", "Upgrade")
                self.send_header("Sec-WebSocket-Accept", accept)
                self.end_headers()
                while not done.is_set():
                    opcode, data = self.read_frame()
                    if opcode is None or opcode == 8:
                        return
                    server.frames.append((opcode, data))
                    if opcode == 1 and b"moontusk:which" in data:  # protocol.md 2.3
                        self.wfile.write(frame('{"error":"Unknown stream type","status":400}'))
                    if opcode == 10:
                        self.wfile.write(pong)
                    if opcode == 1 and b'"subscribe"' in data and b'"public"' in data:
                        server.subscribed += 1
                        if stop_first and server.subscribed == 1:
                            self.wfile.write(frame(json.dumps({"error": "Error on publish stream", "status": 500})) +
                                             frame(struct.pack(">H", 1011), 8))
                            return
                        self.wfile.write(ws)
                        self.wfile.flush()

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # the program ended

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.done.set()
        self.server.shutdown()
        self.server.server_close()


class Forms(harness.Case):
    def serve(self, **kwargs):
        server = Server(**kwargs)
        self.addCleanup(server.close)
        return server

    def tail(self, server, count, transport, *more):
        """The lines of so many events, and what was said."""
        code, out, err = self.run_to_end("tail", "public", "--json", "--server", server.url, "--transport", transport,
                                         "--count", count, "--seconds", 20, *more, token="t0ken-of-the-test")
        lines = [json.loads(line) for line in out.split("\n") if line]
        self.assertEqual((code, len(lines)), (0, count), err)
        return lines, err

    def test_an_event_stream_as_every_server_and_proxy_writes_it(self):
        text = "a\u2028b\u2029c\u0085d\u000be\u000cf"
        odd = json.dumps({**STATUS, "id": "8", "content": text}, ensure_ascii=False)
        odd = odd.replace("\\u000b", "\u000b").replace("\\f", "\u000c")
        server = self.serve(sse=b"".join([
            b":thump\n\n",                                                   # 4.6: a blank line behind the heartbeat
            b":thump\n:thump\n:thump\nevent: delete\ndata: 1\n\n",           # up to 4.5: none
            b"event:delete\ndata:2\n\n",                                     # no space
            b"event: delete\r\ndata: 3\r\n\r\n",                             # CRLF
            b"\n\n\n",
            b"event: update\ndata: " + odd.replace("\u000b", "\\u000b").replace("\u000c", "\\f").encode() + b"\n\n",
            b"event: foo.bar\ndata: {\"a\":\ndata: 1}\n\n",                  # two data lines, an unknown event
            b":thump\n\nevent: delete\ndata: 4\n\n",
        ]))
        lines, _ = self.tail(server, 6, "sse")
        self.assertEqual([line["kind"] for line in lines], ["delete", "delete", "delete", "update", "foo.bar", "delete"])
        self.assertEqual([line["payload"] for line in lines if line["kind"] == "delete"], ["1", "2", "3", "4"])
        self.assertEqual(lines[3]["payload"]["content"], text)
        self.assertEqual(lines[4]["payload"], {"a": 1})
        # A proxy that compresses an event stream holds it back: nobody asks for that.
        self.assertEqual(server.headers[0].get("Accept-Encoding", "identity"), "identity")

    def test_payloads_of_every_form(self):
        server = self.serve(ws=b"".join([
            frame('{"stream":["public"],"event":"filters_changed"}'),
            event("filters_changed", "undefined"),
            event("filters_changed", ""),
            event("update", "undefined"),                                    # broken: counted, not passed on
            event("delete", 115600000000001007),
            event("delete", "-99"),
            event("update", json.loads(status(id=7))),                       # an object in place of a text
            event("status.update", status(id="8").replace('"8"', "18446744073709551616")),
            event("made.up", "some text"),
            event("notification", '{"id":"3","type":"severed_dreams","account":{"id":"5"}}'),
        ]))
        lines, _ = self.tail(server, 9, "ws")
        self.assertEqual([line["kind"] for line in lines], ["filters_changed"] * 3 + [
            "delete", "delete", "update", "status.update", "made.up", "notification"])
        self.assertEqual([line.get("payload") for line in lines[:3]], [None] * 3)
        self.assertEqual([line["payload"] for line in lines[3:5]], ["115600000000001007", "-99"])
        self.assertEqual(lines[6]["payload"]["id"], 18446744073709551616)
        self.assertEqual(lines[7]["payload"], "some text")
        self.assertEqual(lines[8]["payload"]["type"], "severed_dreams")

    def test_stream_fields_of_every_form(self):
        forms = ["public", ["public"], ["public", "more"], [7], None, []]
        frames = [frame(json.dumps({"stream": form, "event": "delete", "payload": str(i)})) for i, form in enumerate(forms)]
        frames.append(frame('{"event":"delete","payload":"6"}'))
        lines, _ = self.tail(self.serve(ws=b"".join(frames)), 7, "ws")
        self.assertEqual([(line["payload"], line["stream"][0]) for line in lines], [(str(i), "public") for i in range(7)])

    def test_frames_that_are_no_events_and_frames_in_pieces(self):
        ping = bytes(range(125))
        whole = json.dumps({"stream": ["public"], "event": "update", "payload": status(content="<p>Grüße</p>")}, ensure_ascii=False)
        data = whole.encode()
        cut = data.index("ü".encode()) + 1  # in the middle of a character
        server = self.serve(ws=b"".join([
            frame(""), frame("pong"), frame("[]"), frame('{"type":"channel","body":{"id":"1"}}'), frame("not json"),
            frame('{"event":"pleroma:respond","payload":"{\\"type\\":\\"subscribe\\",\\"result\\":\\"success\\"}"}'),
            frame(data[:cut], 1, False), frame(ping, 9), frame(data[cut:cut + 3], 0, False), frame(b"", 10),
            frame(data[cut + 3:], 0, True),
        ]), pong=event("delete", "1"))
        lines, _ = self.tail(server, 2, "ws")
        self.assertEqual([line["kind"] for line in lines], ["update", "delete"])
        self.assertEqual(lines[0]["payload"]["content"], "<p>Grüße</p>")
        self.assertIn((10, ping), server.frames)

    def test_a_subscribe_that_is_never_acknowledged_is_made_again_after_an_error(self):
        server = self.serve(ws=event("delete", "1"), stop_first=True)
        _, err = self.tail(server, 1, "ws")
        self.assertGreaterEqual(server.subscribed, 2)
        self.assertIn("public is live", err)

    def test_content_nulls_times_and_versions_of_other_software(self):
        html = ("<h2>Title</h2><ul><li>one</li><li>two</li></ul><ruby>kan<rt>ji</rt></ruby><pre><code>a &lt; b</code></pre>"
                "<script>casino</script><p>caf&eacute;<span class=\"invisible\">x</span></p><b>open")
        bare = {"id": "0", "content": None, "account": {"id": "5", "acct": "ann"}}
        posts = [status(id="1", content=html), json.dumps(bare), json.dumps({"id": "2"})]
        posts += [status(id=f"t{i}", created_at=time) for i, time in enumerate(
            ["2026-11-21T10:00:00Z", "2026-11-21T10:00:00+00:00", "2026-11-21T10:00:00.123456Z", "2026-11-21", None])]
        server = self.serve(ws=b"".join(event("update", post) for post in posts) + event("delete", "9"),
                            version="3.0.0 (compatible; Sharkey 2025.4.4)")
        plugin = self.write("forms.lua", """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", { text = [[casino]] }, function(status) print("wrong " .. status.id) end)
tusk.on("update", { text = [[^two$]] }, function(status)
  print("text " .. tusk.text.visible(status.content):gsub("\\n+", "|"))
end)
tusk.on("update", function(status)
  print("post " .. status.id .. " " .. tostring(status.url) .. " " .. tostring(status.edited_at) .. " " .. tostring(status.poll))
end)
tusk.on("update", { account = { age = ">7d" } }, function(status) print("old " .. status.id) end)
tusk.on("delete", function(id) print("end " .. id) end)
""")
        host = self.start("run", plugin, "--server", server.url, "--state", self.folder + "/state", token="t0ken-of-the-test")
        host.wait_line("end 9", "err")
        self.assertEqual(host.stop(), 0)
        said = host.text()
        self.assertNotIn("wrong", said)
        self.assertIn("café", said)
        self.assertIn("a < b", said)
        for post in ("0", "2", "t0", "t1", "t2", "t3", "t4"):
            self.assertIn(f"post {post} nil nil nil", said)
        self.assertIn("old t4", said)
        self.assertNotRegex(said, "old [02]\\b")
        self.assertIn("0 handler errors", host.text())


class Limits(harness.Case):
    def test_a_limit_with_a_reset_in_the_past_is_waited_for_and_not_hammered(self):
        practice = self.practice("--quiet", "--rate", 5, "--clock-rate", 20)
        practice.rest("/practice/limit", "POST", {"status": 429, "for": "20s", "reset": "-5s"})
        plugin = self.write("fav.lua", """
local tusk = require "moontusk"
tusk.subscribe("public")
local asked = false
tusk.on("update", function(status) if not asked then asked = true; status:favourite() end end)
""")
        host = self.start("run", plugin, "--server", practice.url, "--state", self.folder + "/state", "--clock-rate", 20,
                          token=practice.token)
        host.wait_line("favourite done", "err", 40)
        requests = practice.rest("/practice/log")[1]["requests"]
        tries = [request for request in requests if request["path"].endswith("/favourite")]
        self.assertLess(len(requests), 100)  # 20 seconds with a reset that has passed: one attempt a second and cause at most
        self.assertEqual(tries[-1]["status"], 200)


if __name__ == "__main__":
    unittest.main()
