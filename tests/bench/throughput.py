#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Events per second from the practice instance through `tail --json` and into a Lua handler, on both transports.

Usage: tests/bench/throughput.py [EVENTS [BYTES]]   (defaults: 20000 events of 3000 bytes; MOONTUSK=build/moontusk)
Prints rates, CPU time of the reader, and the ratio to a bare reader that only counts bytes in the same run.
"""
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

MOONTUSK = os.environ.get("MOONTUSK", "build/moontusk")
TEXTS = [
    "The canal was quiet this morning, two herons and a kingfisher near the lock.",
    "Heute früh am Kanal: zwei Reiher und ein Eisvogel an der Schleuse.",
    "今朝の運河は静かでした。水門の近くにサギが二羽とカワセミが一羽。",
    "Утром у шлюза сидели две цапли и зимородок.",
    "كان النهر هادئا هذا الصباح وعند البوابة مالكان الحزين.",
]
PLUGIN = """
local tusk = require "moontusk"
tusk.subscribe("public")
local n = 0
tusk.on("update", function(status)
  n = n + 1
  local _ = status.id .. status.account.acct .. status.content .. status.visibility
  if n == 1 then tusk.log.info("first event") end
  if n == %d then tusk.log.info("last event") end
end)
"""


def status(number, size):
    """A status of about `size` bytes, varied and multilingual."""
    person = number % 997
    entity = {
        "id": str(116000000000000000 + number), "created_at": "2026-11-20T12:00:02.000Z", "in_reply_to_id": None,
        "in_reply_to_account_id": None, "sensitive": False, "spoiler_text": "", "visibility": "public", "language": "en",
        "uri": f"https://peer.example/users/p{person}/statuses/{number}", "url": f"https://peer.example/@p{person}/{number}",
        "replies_count": 0, "reblogs_count": 0, "favourites_count": 0, "edited_at": None,
        "content": f"<p>{TEXTS[number % len(TEXTS)]} #{number}</p>", "reblog": None,
        "account": {
            "id": str(109000000000000000 + person), "username": f"p{person}", "acct": f"p{person}@peer.example",
            "display_name": f"Person {person} 🌻", "locked": False, "bot": False, "created_at": "2022-11-06T00:00:00.000Z",
            "note": "<p>walks, birds, boats</p>", "url": f"https://peer.example/@p{person}",
            "avatar": "https://peer.example/avatar.png", "header": "https://peer.example/header.png", "followers_count": 12,
            "following_count": 34, "statuses_count": number, "fields": [], "emojis": [],
        },
        "media_attachments": [], "mentions": [], "tags": [{"name": "birds", "url": "https://peer.example/tags/birds"}],
        "emojis": [], "card": None, "poll": None, "filtered": [],
    }
    missing = size - len(json.dumps(entity, ensure_ascii=False, separators=(",", ":")).encode()) - 7
    words = " ".join(TEXTS[(number + i) % len(TEXTS)] for i in range(60))
    entity["content"] += "<p>" + words.encode()[:max(missing, 0)].decode("utf-8", "ignore") + "</p>"
    return entity


class Sender:
    """A practice instance that plays the file, flat out, to its first listener."""

    def __init__(self, events):
        self.process = subprocess.Popen(
            [MOONTUSK, "practice", "--port", "0", "--rate", "0", "--events", events, "--quiet"],
            stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[1]
        self.token = self.process.stdout.readline().split()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def bare_rate(events, count):
    """Counts data lines of an SSE stream in the raw bytes: what the sender can do at most."""
    with Sender(events) as sender:
        host = urllib.parse.urlsplit(sender.url)
        with socket.create_connection((host.hostname, host.port)) as sock:
            sock.sendall(f"GET /api/v1/streaming/public HTTP/1.1\r\nHost: {host.netloc}\r\n"
                         f"Authorization: Bearer {sender.token}\r\n\r\n".encode())
            start, seen, tail = None, 0, b""
            while seen < count:
                piece = sock.recv(1 << 20)
                if not piece:
                    raise SystemExit("the practice instance hung up")
                start = start or time.monotonic()
                seen += (tail + piece).count(b"\ndata: ")
                tail = piece[-6:]
            return count / (time.monotonic() - start)


def measure(args, token, first, last):
    """(seconds between the lines `first` and `last` on stderr, or its end without `last`; CPU seconds)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(args, env=dict(os.environ, MOONTUSK_TOKEN=token), stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    start = end = None
    for line in process.stderr:
        if start is None and first in line:
            start = time.monotonic()
        if last and last in line:
            end = time.monotonic()
            break
    if last:
        process.terminate()
    process.stderr.read()
    process.stderr.close()
    process.wait()
    end = end or time.monotonic()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if start is None:
        raise SystemExit(f"{args} was never live")
    return end - start, cpu


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    with tempfile.TemporaryDirectory() as folder:
        events, plugin = folder + "/events.jsonl", folder + "/count.lua"
        with open(events, "w", encoding="utf-8") as file:
            for number in range(count):
                file.write(json.dumps(status(number, size), ensure_ascii=False, separators=(",", ":")) + "\n")
        with open(plugin, "w", encoding="utf-8") as file:
            file.write(PLUGIN % count)
        print(f"{count} events of {os.path.getsize(events) / count:.0f} bytes")
        bare = bare_rate(events, count)
        print(f"bare reader (SSE, counts lines only): {bare:.0f} events/s")
        for transport in ("ws", "sse"):
            for name in ("tail --json", "Lua handler"):
                with Sender(events) as sender:
                    common = ["--server", sender.url, "--transport", transport]
                    if name == "Lua handler":
                        args = [MOONTUSK, "run", plugin, *common, "--state", folder + "/state-" + transport]
                        seconds, cpu = measure(args, sender.token, "first event", "last event")
                    else:
                        args = [MOONTUSK, "tail", "public", *common, "--json", "--count", str(count)]
                        seconds, cpu = measure(args, sender.token, "is live", None)
                rate = count / seconds
                print(f"{transport:3} {name:12} {rate:8.0f} events/s  {rate / bare:5.2f} x bare  "
                      f"{cpu / count * 1e6:6.1f} us CPU an event")


if __name__ == "__main__":
    main()
