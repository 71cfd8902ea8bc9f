# SPDX-License-Identifier: MIT
"""Raw HTTP and WebSocket over a socket, for tests that look at bytes: answers, chunks, frames."""
import base64
import json
import os
import select
import socket
import struct
import time

from harness import SLOW


class Wire:
    """One TCP connection to a practice instance; reads keep what came too early."""

    def __init__(self, practice):
        host, port = practice.url.split("//")[1].split(":")
        self.buffer, self.ended, self.socket = b"", False, None
        self.socket = socket.create_connection((host, int(port)), timeout=10 * SLOW)

    def close(self):
        if self.socket:
            self.socket.close()

    __del__ = close

    def send(self, data):
        self.socket.sendall(data)

    def fill(self, seconds):
        """Reads once; False when nothing came in that time or the connection ended."""
        if self.ended or not select.select([self.socket], [], [], max(0, seconds))[0]:
            return False
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        self.ended = not data
        self.buffer += data
        return bool(data)

    def need(self, condition, seconds, what):
        until = time.monotonic() + seconds * SLOW
        while True:
            value = condition()
            if value is not None:
                return value
            if not self.fill(until - time.monotonic()):
                raise AssertionError(f"{what} did not come; have {self.buffer[:300]!r}, ended={self.ended}")

    def take(self, count):
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def until(self, mark, seconds=10):
        at = self.need(lambda: (self.buffer.find(mark) + 1) or None, seconds, repr(mark)) - 1
        return self.take(at + len(mark))

    def exactly(self, count, seconds=10):
        self.need(lambda: True if len(self.buffer) >= count else None, seconds, f"{count} bytes")
        return self.take(count)

    def at_end(self, seconds=10):
        """Waits for the end of the connection."""
        until = time.monotonic() + seconds * SLOW
        while not self.ended and time.monotonic() < until:
            self.fill(until - time.monotonic())
        return self.ended

    # HTTP

    def request(self, method, path, headers=(), version="1.1"):
        lines = [f"{method} {path} HTTP/{version}", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in dict(headers).items()]
        self.send("\r\n".join(lines + ["", ""]).encode())

    def head(self, seconds=10):
        """(status, headers by lower-case name) of an answer."""
        lines = self.until(b"\r\n\r\n", seconds).decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            if line:
                name, value = line.split(": ", 1)
                headers[name.lower()] = value
        return int(lines[0].split(" ")[1]), headers

    def chunk(self, seconds=10):
        size = int(self.until(b"\r\n", seconds), 16)
        data = self.exactly(size + 2, seconds)
        assert data.endswith(b"\r\n"), data
        return data[:-2]

    def answer(self, seconds=10):
        """(status, headers, body) of a whole answer."""
        status, headers = self.head(seconds)
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                chunk = self.chunk(seconds)
                if not chunk:
                    return status, headers, body
                body += chunk
        return status, headers, self.exactly(int(headers.get("content-length", 0)), seconds)


def http(practice, method, path, headers=(), version="1.1"):
    """One request over a connection of its own."""
    wire = Wire(practice)
    try:
        wire.request(method, path, {"Connection": "close", **dict(headers)}, version)
        return wire.answer()
    finally:
        wire.close()


class EventStream(Wire):
    """An event stream; .event() gives (name, data)."""

    def __init__(self, practice, path, token=None, version="1.1"):
        super().__init__(practice)
        self.request("GET", "/api/v1/streaming/" + path, {"Authorization": f"Bearer {token or practice.token}"}, version)
        self.status, self.headers = self.head()
        self.first = self.chunk() if self.status == 200 else None

    def event(self, seconds=10):
        while True:
            head = self.chunk(seconds)
            if head.startswith(b":"):
                continue
            assert head.startswith(b"event: ") and head.endswith(b"\n") and head.count(b"\n") == 1, head
            data = self.chunk(seconds)
            assert data.startswith(b"data: ") and data.endswith(b"\n\n"), data[:60]
            return head[7:-1].decode(), data[6:-2].decode("utf-8")


TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket(Wire):
    """A WebSocket client; .frame() gives (opcode, payload)."""

    def __init__(self, practice, path="/api/v1/streaming", headers=None, token=None):
        super().__init__(practice)
        self.key = base64.b64encode(os.urandom(16)).decode()
        more = {"Authorization": f"Bearer {token or practice.token}"} if headers is None else headers
        self.request("GET", path, {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": self.key,
                                   "Sec-WebSocket-Version": "13", **more})
        self.status, self.headers = self.head()

    def put(self, opcode, payload=b""):
        mask = os.urandom(4)
        size = len(payload)
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | (size if size < 126 else 126))
        if size >= 126:
            head += struct.pack("!H", size)
        self.send(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)))

    def say(self, value):
        self.put(TEXT, value.encode() if isinstance(value, str) else json.dumps(value).encode())

    def frame(self, seconds=10):
        first, second = self.exactly(2, seconds)
        assert first & 0x70 == 0 and not second & 0x80
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(self.exactly(2 if size == 126 else 8, seconds), "big")
        return first & 0x0F, self.exactly(size, seconds)

    def message(self, seconds=10):
        """The next text frame, decoded; answers pings on the way."""
        while True:
            opcode, payload = self.frame(seconds)
            if opcode == PING:
                self.put(PONG, payload)
            else:
                assert opcode == TEXT, (opcode, payload[:80])
                return json.loads(payload)
