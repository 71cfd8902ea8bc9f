# SPDX-License-Identifier: MIT
"""The program against every make of server that the practice instance can be: five bots on five streams, and a boost."""
import os
import unittest

from harness import Case, wait_until

BOT = """
local tusk = require "moontusk"
tusk.subscribe("%s"%s)
local function note(kind)
  return function(subject)
    tusk.log.info(kind .. " " .. (type(subject) == "table" and subject.id or subject) .. ".")
  end
end
tusk.on("update", note "update")
tusk.on("status.update", note "edit")
tusk.on("delete", note "delete")
tusk.on("notification", note "notification")
tusk.on("conversation", note "conversation")
"""
BOOST = """
tusk.on("update", { tags = { "boostme" } }, function(status)
  status:boost()
end)
"""


class Server(Case):
    """One profile; `silent` are streams that it takes and never serves."""

    profile = None
    silent = ()
    edits = True
    misses = False  # the host is away for a while
    names = ("user", "public", "hashtag", "list", "direct")

    def setUp(self):
        super().setUp()
        if self.profile is None:
            raise unittest.SkipTest("the base of the others")
        self.server = self.practice("--quiet", "--profile", self.profile, "--events", os.devnull, "--clock-rate", 10)
        self.list = self.rest("/api/v1/lists")["id"]
        self.me = self.rest("/api/v1/accounts/verify_credentials", first=False)["id"]
        parameters = {"hashtag": ', "caturday"', "list": f', "{self.list}"'}
        bots = [self.write(name + ".lua", BOT % (name, parameters.get(name, "")) + (BOOST if name == "public" else ""))
                for name in self.names]
        self.command = ["run", *bots, "--server", self.server.url, "--state", os.path.join(self.folder, "state"),
                        "--clock-rate", 10]
        self.run_host()

    def rest(self, path, first=True):
        body = self.server.rest(path)[1]
        return body[0] if first else body

    def act(self, name, **fields):
        status, body = self.server.rest("/practice/" + name, "POST", fields)
        self.assertEqual(status, 200, body)
        return body

    def heard(self, name, kind, subject):
        self.host.wait_line(rf" {name}: {kind} {subject}\.$", "err", 30)

    def connected(self):
        channels = {"user": "timeline:" + self.me, "public": "timeline:public", "hashtag": "timeline:hashtag:caturday",
                    "list": "timeline:list:" + self.list, "direct": "timeline:direct:" + self.me}
        wanted = [channels[name] for name in self.names if name not in self.silent]
        wait_until(lambda: all(c in self.server.rest("/practice/state")[1]["listeners"] for c in wanted), 30,
                   f"{wanted} of {self.profile}")
        for name in self.names:
            self.host.wait_line(rf"default: {name}( \S+)? is live \((ws|sse)\)", "err", 30)

    def run_host(self):
        self.host = self.start(*self.command, token=self.server.token)

    def miss(self):
        """What came while the host was away is fetched: all of it, once, whatever ids look like and pages repeat."""
        self.assertEqual(self.host.stop(), 0)
        missed = [self.act("post", text=f"missed {n} #caturday", **{"from": "alice"})["id"] for n in range(5)]
        self.run_host()
        self.connected()
        for st in missed:
            for name in ("public", "user"):
                self.heard(name, "update", st)
        last = self.act("post", text="and now", **{"from": "alice"})["id"]
        self.heard("public", "update", last)
        said = [line for line in self.host.lines["err"] if " public: update " in line]
        self.assertEqual(sorted(line.split()[-1].rstrip(".") for line in said), sorted([*missed, last]))

    def test_five_bots_hear_five_streams_and_one_boosts(self):
        self.connected()
        st = self.act("post", text="look #caturday", **{"from": "alice"})
        for name in ("user", "public", "hashtag", "list"):
            if name not in self.silent:
                self.heard(name, "update", st["id"])
        if self.edits:
            self.act("edit", id=st["id"], text="look again #caturday")
            self.heard("public", "edit", st["id"])
        self.act("delete", id=st["id"])
        for name in ("public", "user"):
            self.heard(name, "delete", st["id"])
        self.act("mention", text="ping", **{"from": "kit"})
        self.heard("user", "notification", r"\w+")
        self.act("direct", text="psst", **{"from": "kit"})
        self.heard("direct", "conversation", r"\w+")
        wanted = self.act("post", text="please #boostme", **{"from": "alice"})
        wait_until(lambda: self.rest("/api/v1/statuses/" + wanted["id"], False).get("reblogged"), what="the boost")
        self.assertEqual(self.rest("/api/v1/statuses/" + wanted["id"], False)["reblogs_count"], 1)
        self.assertEqual([line for line in self.host.lines["err"] if "could not be read" in line], [])
        if self.misses:
            self.miss()
        self.assertEqual(self.host.stop(), 0)


class GoToSocial(Server):
    profile = "gotosocial"
    silent = ("hashtag",)
    misses = True


class Pleroma(Server):
    profile = "pleroma"
    misses = True


class PleromaOld(Server):
    profile = "pleroma-old"
    edits = False


class Akkoma(Server):
    profile = "akkoma"


class Iceshrimp(Server):
    profile = "iceshrimp"
    misses = True


class Glitch(Server):
    profile = "glitch"


class Fedibird(Server):
    profile = "fedibird"
    edits = False


if __name__ == "__main__":
    unittest.main()
