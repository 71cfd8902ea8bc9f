#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at 200 random instants of 100,000 events: what is remembered equals that of an undisturbed run."""
import datetime
import os
import random
import sqlite3
import subprocess
import time
import unittest

import harness

EVENTS = 20000 if harness.SHORT else 100000
KILLS = 40 if harness.SHORT else 200
# Lines that a life is given again: more than one transaction and what stands in the pipe. Every tenth life gets all.
OVERLAP = 3000
PLUGIN = """
local tusk = require "moontusk"
tusk.on("status", { text = "casino" }, function(status, event)
  local store = tusk.store
  local n = tusk.count("all", { within = "10m" })
  local by_many = tusk.count("sum", { within = "1h", by = #status.content })
  local who = tusk.distinct("who", status.account.acct, { within = "10m" })
  local domain = status.account.acct:match("@(.+)$")
  local of_domain = tusk.distinct("of:" .. domain, status.account.acct, { within = "10m" })
  local alert = tusk.once("alert:" .. domain, { within = "1h" })
  store.total = (store.total or 0) + 1
  store.sum = ((store.sum or 0) * 31 + n * 1000 + by_many + who * 7 + of_domain) % 1000000007
  local domains = store.domains or {}
  domains[domain] = (domains[domain] or 0) + 1
  store.domains = domains
  event:archive("posts")
  if alert then
    event:archive("alerts")
    status:boost()
    store["first:" .. status.id] = tusk.once("post:" .. status.id)
  end
  if status.id % 97 == 0 then error("now and then a handler fails") end
end)
tusk.on("update", { text = "casino" }, function(status)
  tusk.store.second = tusk.count("all", { within = "10m" })
end)
tusk.on("delete", function(id) tusk.store.deleted = id end)
tusk.every("30m", { name = "half" }, function(due)
  tusk.store.ticks = (tusk.store.ticks or 0) + 1
  tusk.store.last_tick = due
  tusk.count("ticks", { within = "5h" })
end)
"""


def line(rng, number, at_ms):
    at = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    head = f'"stream":["public"],"origin":"live","received_at":"{at}","payload":'
    if rng.random() < 0.02:
        return f'{{"kind":"delete",{head}"{100000 + rng.randrange(number + 1)}"}}\n'
    who = rng.randrange(60)
    text = "x" * rng.randrange(40) if rng.random() < 0.9 else f"casino {number}"
    kind, edited = ("status.update", f'"edited_at":"{at}",') if rng.random() < 0.05 else ("update", "")
    return (f'{{"kind":"{kind}",{head}{{"id":"{100000 + number}",{edited}"visibility":"public","content":"<p>{text}</p>",'
            f'"account":{{"id":"{who}","acct":"a{who}@d{who % 7}.example"}}}}}}\n')


def events(rng):
    at_ms, lines = 1763640000000, []
    for number in range(EVENTS):
        at_ms += rng.randrange(0, 2000)
        lines.append(line(rng, number, max(at_ms - rng.choice([0, 0, 0, rng.randrange(900000)]), 0)).encode())
    return lines


class Storm(harness.Case):
    def test_kills_change_nothing(self):
        seed = int(time.time())
        print("seed", seed)
        rng = random.Random(seed)
        lines = events(rng)
        self.plugin = self.write("storm.lua", PLUGIN)
        whole = self.write("events.jsonl", "")
        with open(whole, "wb") as out:
            out.writelines(lines)
        started = time.monotonic()
        self.replay("calm", whole)
        print(f"undisturbed: {time.monotonic() - started:.1f} s")
        started, fed = time.monotonic(), 0
        for number, until in enumerate(sorted(rng.sample(range(1, EVENTS), KILLS))):
            fed = self.live(rng, lines[0 if number % 10 == 9 else max(0, fed - OVERLAP):until]) and until
        self.replay("storm", whole)
        print(f"{KILLS} lives: {time.monotonic() - started:.1f} s")
        calm, storm = self.remembered("calm"), self.remembered("storm")
        self.assertEqual(sorted(calm), sorted(storm))
        for name in calm:
            self.assertEqual(calm[name], storm[name], name)
        self.assertGreater(len(calm["seen"]), EVENTS // 20)
        self.assertGreater(len(calm["windows"]), 20)
        self.assertGreater(len(calm["intents"]), 20)

    def command(self, state, source):
        return [harness.MOONTUSK, "replay", source, "--state", os.path.join(self.folder, state), "--quiet", "--", self.plugin]

    def replay(self, state, source):
        done = subprocess.run(self.command(state, source), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                              timeout=300 * harness.SLOW, env=harness.clean_env())
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-2000:])

    def live(self, rng, lines):
        """One life: fed by a pipe, killed at some instant after the last line went in."""
        life = subprocess.Popen(self.command("storm", "-"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, env=harness.clean_env())
        try:
            life.stdin.write(b"".join(lines))
            life.stdin.flush()
            time.sleep(rng.choice([0, 0, 0.001, 0.005, 0.02]) * rng.random() * harness.SLOW)
            self.assertIsNone(life.poll(), "it ended by itself")
        finally:
            life.kill()
            life.stdin.close()
            life.wait()
        return True

    def remembered(self, state):
        folder = os.path.join(self.folder, state)
        database = sqlite3.connect(f"file:{folder}/moontusk.db?mode=ro", uri=True)
        tables = {
            "state": "SELECT instance, key, json FROM state",
            # What is over may be there still, or not any more.
            "windows": "SELECT instance, kind, key, value, at_ms, amount, event FROM windows"
                       " WHERE until_ms >= (SELECT max(at_ms) FROM windows)",
            "seen": "SELECT instance, scope, kind, id, version FROM seen",
            "deliveries": "SELECT * FROM deliveries",
            "schedules": "SELECT * FROM schedules",
            "intents": "SELECT key, action, target, url, event_key, state FROM intents",
            "tombstones": "SELECT scope, id, at_ms FROM tombstones",
            "archives": "SELECT file, length FROM archives",
            "journal": "SELECT at_ms, instance, what, event_key FROM journal",
        }
        found = {name: sorted(map(repr, database.execute(sql))) for name, sql in tables.items()}
        database.close()
        for where, _, files in os.walk(os.path.join(folder, "archive")):
            for name in files:
                with open(os.path.join(where, name), "rb") as archive:
                    found[name] = archive.read()
        return found


if __name__ == "__main__":
    unittest.main()
