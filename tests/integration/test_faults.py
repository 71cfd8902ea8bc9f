# SPDX-License-Identifier: MIT
"""A host hits every fault of the practice instance, over WebSocket and event streams at once, and goes on."""
import json
import re
import time
import unittest

from harness import Case, wait_until

PLUGIN = """
local tusk = require "moontusk"
tusk.subscribe("public")
tusk.on("update", function(status, event) event:archive("posts") end)
"""


class Host(Case):
    """A practice instance on which nothing happens by itself, and a host with an account for each transport."""
    RATE = 60

    def setUp(self):
        super().setUp()
        self.server = self.practice("--quiet", "--clock-rate", self.RATE, "--events", self.write("none.jsonl", ""))
        self.server.wait_line(r"^token \(app without user\): ")
        alice = next(m.group(1) for m in (re.match(r"token \(alice\): (\S+)", line) for line in self.server.lines["out"]) if m)
        self.write("keep.lua", PLUGIN)
        config = self.write("moontusk.lua", """return {
  accounts = { ws = { server = "%s", token = env "ONE", transport = "ws" },
               sse = { server = "%s", token = env "TWO", transport = "sse" } },
  plugins = { { "./keep.lua", name = "ws", account = "ws" }, { "./keep.lua", name = "sse", account = "sse" } },
}""" % (self.server.url, self.server.url))
        self.sent = 0
        self.host = self.start("run", "--config", config, "--state", self.folder + "/state", "--clock-rate", self.RATE,
                               env={"ONE": self.server.token, "TWO": alice})
        self.live()

    def act(self, name, **fields):
        code, body = self.server.rest("/practice/" + name, "POST", {key.rstrip("_"): v for key, v in fields.items()})
        self.assertEqual(code, 200, body)
        return body

    def listeners(self):
        code, body = self.server.rest("/practice/state")
        return body["listeners"].get("timeline:public", 0) if code == 200 else 0

    def live(self):
        wait_until(lambda: self.listeners() >= 2, what="both transports listen")

    def archived(self, instance):
        try:
            with open(f"{self.folder}/state/archive/{instance}/posts.jsonl", encoding="utf-8") as file:
                return [json.loads(line)["payload"]["id"] for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def post(self):
        self.sent += 1
        return self.act("post", text=f"post {self.sent}")["id"]

    def goes_on(self, what):
        """Posts until both transports have brought one that was made after now."""
        fresh = []

        def arrived():
            try:
                fresh.append(self.post())
            except (OSError, AssertionError):
                pass
            time.sleep(0.05)
            return all(set(self.archived(name)) & set(fresh) for name in ("ws", "sse"))
        wait_until(arrived, what="posts after " + what)

    def test_x(self):
        for name, fields in [("drop", {}), ("drop", {"reset": True}), ("close", {}), ("close", {"code": 1000}),
            ("close", {"code": 1001}), ("close", {"code": 1006}), ("close", {"code": 1011}), ("close", {"code": 1012}),
            ("close", {"code": 1013}), ("close", {"code": 1003}), ("close", {"code": 1008}), ("truncate", {}), ("truncate", {"reset":True}), ("stall", {}), ("bytewise", {"for": "10s"}),
            ("drip", {"bytes": 400, "every": "100ms", "for": "10s"}), ("down", {"for": "60s"}), ("twice", {"count": 5}),
            ("shuffle", {}), ("overtake", {}), ("refuse", {"status": 500, "for": "5s"}), ("garbage", {}),
            ("broken_utf8", {}), ("huge", {}), ("hush", {"for": "10m"}), ("limit", {"for":"10s"}) ]:
            t = time.monotonic()
            self.act(name, **fields)
            if name == "refuse": self.act("drop")
            try:
                self.goes_on(name)
            except AssertionError as e:
                print("FAILED", name, fields, e)
                print(self.host.text()[-3000:])
                break
            print(name, fields, round(time.monotonic() - t, 2), flush=True)
        for i in ("ws", "sse"):
            a = self.archived(i)
            print(i, len(a), len(set(a)), self.sent)
        print("\n".join(self.host.lines["err"]))


if __name__ == "__main__":
    unittest.main()
