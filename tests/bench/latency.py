#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""B5: from a frame that comes in to the request that goes out: matched, handled, committed. p50 and p99, with fsync and without.

Usage: python3 tests/bench/latency.py [EVENTS]      (default 1000; BUILD=build)
A small server plays one post at a time and waits for the favourite that a plugin answers it with; the time is between the last byte of the
frame that it wrote and the first of the request that it reads. It is one thread of Python: what it takes by itself is measured, too,
with a client that does nothing but answer, and printed. With fsync the state lies in TMPDIR (a disk), without in /dev/shm.
"""
import base64
import hashlib
import json
import os
import re
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import common

WARM_UP = 50
GIVE_UP_S = 60
PAUSE_S = 0.003  # between events: the host has come to rest
PLUGIN = """
local tusk = require "moontusk"
tusk.plugin { name = "like" }
tusk.subscribe("public")
tusk.on("update", { words = { "umbrella" } }, function(status) status:favourite() end)
"""
ME = {"id": "1", "username": "me", "acct": "me", "url": "http://127.0.0.1/@me", "locked": False, "bot": True}
REST = {"/api/v1/accounts/verify_credentials": ME, "/api/v1/timelines/public": []}


def status(number):
    """A post of the usual size that has the word."""
    return {
        "id": str(116000000000000000 + number), "created_at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "in_reply_to_id": None, "in_reply_to_account_id": None, "sensitive": False, "spoiler_text": "", "visibility": "public",
        "language": "en", "uri": f"https://peer.example/s/{number}", "url": f"https://peer.example/s/{number}", "edited_at": None,
        "content": f"<p>The {number}th umbrella of this morning. {'More of the same words. ' * 60}</p>", "reblog": None,
        "account": {"id": "109", "username": "p", "acct": "p@peer.example", "display_name": "P", "locked": False, "bot": False,
                    "created_at": "2022-11-06T00:00:00.000Z", "note": "", "url": "https://peer.example/@p", "followers_count": 12,
                    "following_count": 34, "statuses_count": number, "fields": [], "emojis": []},
        "media_attachments": [], "mentions": [], "tags": [], "emojis": [], "card": None, "poll": None,
    }


class Connection:
    """One connection to the server: what came in, and whether it is a stream."""

    def __init__(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket, self.buffer, self.stream, self.asked = sock, b"", None, False

    def answer(self, body, code="200 OK"):
        text = json.dumps(body).encode()
        self.socket.sendall(f"HTTP/1.1 {code}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)

    def send_event(self, payload):
        """One update as a frame or as two chunks, in one write."""
        if self.stream == "ws":
            data = json.dumps({"stream": ["public"], "event": "update", "payload": payload}).encode()
            self.socket.sendall(struct.pack("!BBH", 0x81, 126, len(data)) + data)
        else:
            parts = (b"event: update\n", b"data: " + payload.encode() + b"\n\n")
            self.socket.sendall(b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts))


class Server:
    """Answers what a host asks, and plays events to its stream one by one."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.stream, self.answered = None, 0

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def turn(self, seconds):
        """Waits for something to read once; the time at which it came."""
        ready = self.selector.select(seconds)
        now = time.perf_counter()
        for key, _ in ready:
            if key.data is None:
                connection = Connection(self.listener.accept()[0])
                self.selector.register(connection.socket, selectors.EVENT_READ, connection)
                continue
            data = key.fileobj.recv(1 << 16)
            if not data:
                self.selector.unregister(key.fileobj)
                key.fileobj.close()
                continue
            if not key.data.stream:
                self.read(key.data, data)
            elif key.data.stream == "ws" and not key.data.asked:
                # What comes first is a subscribe to no stream of any server; a real one says so (protocol.md 2.3).
                key.data.asked = True
                refusal = b'{"error":"Unknown stream type","status":400}'
                key.fileobj.sendall(struct.pack("!BB", 0x81, len(refusal)) + refusal)
        return now

    def read(self, connection, data):
        connection.buffer += data
        while b"\r\n\r\n" in connection.buffer and not connection.stream:
            head, rest = connection.buffer.split(b"\r\n\r\n", 1)
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            length = int(length.group(1)) if length else 0
            if len(rest) < length:
                return
            connection.buffer = rest[length:]
            self.serve(connection, head.decode("latin-1"))

    def serve(self, connection, head):
        method, target, _ = head.split("\r\n", 1)[0].split(" ")
        path = target.split("?")[0]
        if path.endswith("/favourite") and method == "POST":
            self.answered += 1
            connection.answer({"id": path.split("/")[-2], "favourited": True})
        elif path.startswith("/api/v1/streaming"):
            self.start_stream(connection, head)
        elif path in ("/api/v1/instance", "/api/v2/instance"):
            connection.answer({"version": "4.5.0", "urls": {"streaming_api": self.url.replace("http", "ws")},
                               "configuration": {"urls": {"streaming": self.url.replace("http", "ws")}}})
        elif path in REST:
            connection.answer(REST[path])
        else:
            connection.answer({"error": "not found"}, "404 Not Found")

    def start_stream(self, connection, head):
        key = re.search(r"(?i)\r\nsec-websocket-key: *(\S+)", head)
        if "/health" in head.split("\r\n", 1)[0]:
            connection.answer("OK")
            return
        if key:
            digest = hashlib.sha1(key.group(1).encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
            protocol = re.search(r"(?i)\r\nsec-websocket-protocol: *(\S+)", head)
            connection.socket.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                      b"Sec-WebSocket-Accept: " + base64.b64encode(digest) +
                                      (b"\r\nSec-WebSocket-Protocol: " + protocol.group(1).encode() if protocol else b"") + b"\r\n\r\n")
            connection.stream = "ws"
        else:
            connection.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                                      b"4\r\n:)\n\n\r\n")
            connection.stream = "sse"
        self.stream = connection

    def measure(self, count):
        """Seconds of each event, one after the other."""
        times = []
        for number in range(count + WARM_UP):
            payload = json.dumps(status(number))
            wanted = self.answered + 1
            self.stream.send_event(payload)
            start = now = time.perf_counter()
            while self.answered < wanted:
                now = self.turn(GIVE_UP_S)
                if now - start > GIVE_UP_S:
                    sys.exit("no request came")
            times.append(now - start)
            until = time.perf_counter() + PAUSE_S
            while time.perf_counter() < until:
                self.turn(max(0, until - time.perf_counter()))
        return times[WARM_UP:]


def show(name, times, note=""):
    """p50 and p99 of one way."""
    times = sorted(times)
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    common.row(name, f"{p50 * 1e3:.2f} ms p50", f"{p99 * 1e3:.2f} ms p99, {times[-1] * 1e3:.2f} ms the longest{note}")


def echo(url, stop):
    """A client that answers each event with a request and does nothing else: what the measuring itself takes."""
    host, port = url.split("//")[1].split(":")
    with socket.create_connection((host, int(port))) as stream, socket.create_connection((host, int(port))) as rest:
        rest.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.settimeout(0.5)
        stream.sendall(b"GET /api/v1/streaming/public HTTP/1.1\r\nHost: x\r\n\r\n")
        seen = b""
        while not stop.is_set():
            try:
                seen += stream.recv(1 << 16)
            except TimeoutError:
                continue
            while b"data: " in seen and b"\n\n\r\n" in seen.split(b"data: ", 1)[1]:
                seen = seen.split(b"data: ", 1)[1].split(b"\n\n\r\n", 1)[1]
                rest.sendall(b"POST /api/v1/statuses/1/favourite HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
                rest.recv(1 << 16)


def run_echo(count):
    server, stop = Server(), threading.Event()
    client = threading.Thread(target=echo, args=(server.url, stop))
    client.start()
    while not server.stream:
        server.turn(1)
    times = server.measure(count)
    stop.set()
    client.join()
    server.close()
    return times


def run_host(count, transport, folder):
    """A host with its state in `folder`, and the times it takes."""
    server = Server()
    plugin = common.write(folder, "like.lua", PLUGIN)
    log_path = os.path.join(folder, "log")
    with open(log_path, "wb") as log:
        host = subprocess.Popen([common.MOONTUSK, "run", plugin, "--server", server.url, "--transport", transport, "--state",
                                 os.path.join(folder, "state")], env=dict(os.environ, MOONTUSK_TOKEN="t"), stdout=log, stderr=log)
    try:
        until = time.monotonic() + GIVE_UP_S
        quiet = 0
        while not server.stream or quiet < 20:  # what follows a connection is over
            before = time.perf_counter()
            quiet = quiet + 1 if server.turn(0.05) - before > 0.045 else 0
            if host.poll() is not None or time.monotonic() > until:
                with open(log_path, encoding="utf-8", errors="replace") as text:
                    sys.exit("the host does not come up:\n" + text.read()[-2000:])
        return server.measure(count)
    finally:
        host.terminate()
        host.wait()
        server.close()


def sync_times(folder, count):
    """What the disk itself takes: a page appended and synced, as a commit does."""
    times = []
    with open(os.path.join(folder, "page"), "wb", buffering=0) as file:
        for _ in range(count):
            start = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
            time.sleep(PAUSE_S)
    return times


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"{count} events one by one: frame in, matched, handled, committed, request out")
    show("a client that only answers (threads of Python)", run_echo(count))
    places = [("with fsync", None)]
    if os.path.isdir("/dev/shm"):
        places.append(("without fsync", "/dev/shm"))
    for place, where in places:
        with tempfile.TemporaryDirectory(dir=where) as folder:
            show(f"a page written and synced, {place}", sync_times(folder, count))
        for transport in ("ws", "sse"):
            folder = tempfile.mkdtemp(dir=where)
            try:
                show(f"B5: {place}, {transport}", run_host(count, transport, folder))
            finally:
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
