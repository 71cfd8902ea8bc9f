# SPDX-License-Identifier: MIT
"""The program against every make of server that the practice instance can be: five bots on five streams, and a boost."""
import json
import os
import re
import sqlite3
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
    rate = 10
    names = ("user", "public", "hashtag", "list", "direct")

    def setUp(self):
        super().setUp()
        if self.profile is None:
            raise unittest.SkipTest("the base of the others")
        self.server = self.practice("--quiet", "--profile", self.profile, "--events", os.devnull, "--clock-rate", self.rate)
        self.list = self.rest("/api/v1/lists")["id"]
        self.me = self.rest("/api/v1/accounts/verify_credentials", first=False)["id"]
        parameters = {"hashtag": ', "caturday"', "list": f', "{self.list}"'}
        bots = [self.write(name + ".lua", BOT % (name, parameters.get(name, "")) + (BOOST if name == "public" else ""))
                for name in self.names]
        self.command = ["run", *bots, "--server", self.server.url, "--state", os.path.join(self.folder, "state"),
                        "--clock-rate", self.rate]
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
            for name in ("public", "user", "hashtag"):
                self.heard(name, "update", st)
        last = self.act("post", text="and now", **{"from": "alice"})["id"]
        self.heard("public", "update", last)
        said = [line for line in self.host.lines["err"] if " public: update " in line]
        self.assertEqual([line.split()[-1].rstrip(".") for line in said if last not in line], missed, "in the order of the ids")
        self.assertEqual(len(said), len(missed) + 1)
        self.assertEqual(self.host.stop(), 0)
        self.assertEqual(self.cursor("public"), last)  # the newest by this server's ids

    def cursor(self, stream):
        database = sqlite3.connect(f"file:{self.folder}/state/moontusk.db?mode=ro", uri=True)
        found = database.execute("SELECT cursor FROM cursors WHERE stream = ? AND kind = 'update'", (stream,)).fetchone()
        database.close()
        return found[0]

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
        else:
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
    misses = True


class Iceshrimp(Server):
    profile = "iceshrimp"
    misses = True


class SilentHashtag(Case):
    """GoToSocial takes `hashtag` and publishes nothing on it (protocol.md 9.1): REST shows that, and is polled from then on."""

    def test_it_is_polled_once_rest_has_shown_that_it_brings_nothing(self):
        rate = 300
        server = self.practice("--quiet", "--profile", "gotosocial", "--events", os.devnull, "--clock-rate", rate)
        bot = self.write("tag.lua", BOT % ("hashtag", ', "caturday"'))
        state = os.path.join(self.folder, "state")
        host = self.start("run", bot, "--server", server.url, "--state", state, "--clock-rate", rate, token=server.token)
        host.wait_line("hashtag caturday is live", "err", 30)
        posts = []

        def polled():
            posts.append(server.rest("/practice/post", "POST", {"text": "look #caturday", "from": "alice"})[1]["id"])
            other = server.rest("/practice/post", "POST", {"text": "no", "from": "alice"})[1]["id"]
            server.rest("/practice/delete", "POST", {"id": other})  # each connection hears of it
            code, out, _ = self.run_to_end("status", "--json", "--state", state)
            return code == 0 and json.loads(out)["accounts"][0]["streams"][0]["transport"] == "poll"

        wait_until(polled, 60, "polling")
        host.wait_line(rf" tag: update {posts[-1]}\.$", "err", 30)
        self.assertEqual(host.stop(), 0)
        said = [line.split()[-1].rstrip(".") for line in host.lines["err"] if " tag: update " in line]
        # What was there when it first looked is no news; from the next post on, each came once, in order.
        self.assertEqual(said, posts[posts.index(said[0]):])
        self.assertLess(posts.index(said[0]), 5)


class WithoutStreams(Server):
    """It is polled: the same plugins get the same, but edits, deletions and conversations."""

    profile = "none"
    names = ("user", "public", "hashtag", "list")
    rate = 100  # a poll of each source every 0.6 s

    def connected(self):
        for name in self.names:
            self.host.wait_line(rf"default: {name}( \S+)? is live \(poll\)", "err", 30)

    def settled(self):
        """What was there before has been looked at: from here on posts are new."""
        command = ["status", "--json", "--state", os.path.join(self.folder, "state")]

        def quiet():
            code, out, _ = self.run_to_end(*command)
            streams = json.loads(out)["accounts"][0]["streams"] if code == 0 else []
            return len(streams) == len(self.names) and all(s["fetching"] == 0 and s["state"] == "live" for s in streams)

        wait_until(quiet, 30, self.host.text())

    def said(self):
        """NAME: KIND ID. of both runs."""
        return [re.sub(r".* (\w+: \w+ \w+\.)$", r"\1", line) for host in self.hosts for line in host.lines["err"]
                if re.search(r": (update|edit|delete|notification|conversation) \w+\.$", line)]

    def test_five_bots_hear_five_streams_and_one_boosts(self):
        self.hosts = [self.host]
        self.connected()
        self.settled()
        st = self.act("post", text="look #caturday", **{"from": "alice"})
        for name in self.names:
            self.heard(name, "update", st["id"])
        wanted = self.act("post", text="please #boostme", **{"from": "alice"})
        self.act("mention", text="ping", **{"from": "kit"})
        self.heard("user", "notification", r"\w+")
        wait_until(lambda: self.rest("/api/v1/statuses/" + wanted["id"], False).get("reblogged"), what="the boost")
        # More than one page, and a mention, while nobody asks; then it goes on where it was.
        self.assertEqual(self.host.stop(), 0)
        missed = [self.act("post", text=f"missed {n}", **{"from": "alice"})["id"] for n in range(45)]
        self.act("mention", text="where are you", **{"from": "kit"})
        self.run_host()
        self.hosts.append(self.host)
        self.heard("user", "notification", r"\w+")
        for name in ("public", "user", "list"):
            self.heard(name, "update", missed[-1])
        last = self.act("post", text="and now", **{"from": "alice"})["id"]
        for name in ("public", "user", "list"):
            self.heard(name, "update", last)
        self.assertEqual(self.host.stop(), 0)
        said = self.said()
        self.assertEqual(len(said), len(set(said)), "twice")
        on_list = [line for line in said if line.startswith("list: ")]
        self.assertEqual(sorted(on_list), sorted(f"list: update {status}." for status in [st["id"], wanted["id"], *missed, last]))
        self.assertEqual(on_list[2:-1], sorted(on_list[2:-1]), "a fill is in the order of its ids")
        self.assertEqual(len([line for line in said if "user: notification" in line]), 2)
        self.assertEqual(self.rest("/api/v1/statuses/" + wanted["id"], False)["reblogs_count"], 1)
        self.assertEqual([line for host in self.hosts for line in host.lines["err"] if "could not be read" in line], [])


class Glitch(Server):
    profile = "glitch"


class Fedibird(Server):
    profile = "fedibird"
    edits = False


if __name__ == "__main__":
    unittest.main()
