#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Schedules and time zones as an operator sees them: a clock that runs fast, a replay over a change of summer time, the config."""
import datetime
import json
import time
import unittest

import harness


class Time(harness.Case):
    def test_clock_rate_rules_schedules_also_after_a_restart(self):
        practice = self.practice("--quiet")
        plugin = self.write("tick.lua", """local tusk = require "moontusk"
            tusk.every("10m", { name = "tick" }, function(due, info)
              tusk.log.info("tick %d", tusk.now() - due)
            end)""")
        # The second start is earlier by its own clock than the end of the first: a clock that was set back.
        for _ in range(2):
            begun = time.monotonic()
            host = self.start("run", plugin, "--server", practice.url, "--state", self.folder + "/state", "--clock-rate", 600,
                              token=practice.token)
            harness.wait_until(lambda host=host: host.text().count(": tick ") >= 3, what="three ticks")
            took = time.monotonic() - begun
            ticks = host.text().count(": tick ")
            host.stop()
            self.assertGreater(took, 1.5, host.text())
            self.assertLessEqual(ticks, took + 1.5, host.text())

    def events(self, first, last):
        """A post at every half hour between the two UTC times, as a file."""
        lines = []
        at = datetime.datetime.fromisoformat(first)
        while at <= datetime.datetime.fromisoformat(last):
            lines.append(json.dumps({
                "kind": "update", "stream": ["public"], "received_at": at.isoformat() + "Z",
                "payload": {"id": str(int(at.timestamp())), "content": "<p>x</p>", "account": {"id": "1", "acct": "a"}}}))
            at += datetime.timedelta(minutes=30)
        return self.write(f"{first}.jsonl", "\n".join(lines) + "\n")

    def posts(self, events, plugin):
        code, out, err = self.run_to_end("replay", "--state", self.folder + "/" + plugin, events, "--",
                                         self.folder + "/" + plugin + ".lua")
        self.assertEqual(code, 0, out + err)
        return [line.split("at ", 1)[1].split(",")[0].strip("\"' ") for line in out.splitlines() if "at 20" in line]

    def replay_with_outage(self, missed, first, down, up, last):
        self.write(missed + ".lua", f"""local tusk = require "moontusk"
            tusk.daily("09:00", {{ tz = "Europe/Berlin", missed = "{missed}" }}, function(due, info)
              tusk.post {{ text = "at " .. tusk.time.format(tusk.now(), "Europe/Berlin"):sub(1, 16) .. "," }}
            end)""")
        return self.posts(self.events(first, down), missed) + self.posts(self.events(up, last), missed)

    def test_one_post_a_local_day_over_the_start_of_summer_time_and_an_outage(self):
        days = ("2026-03-27T12:00", "2026-03-29T05:30", "2026-03-29T08:30", "2026-03-31T12:00")
        self.assertEqual(self.replay_with_outage("skip", *days),
                         ["2026-03-28T09:00", "2026-03-30T09:00", "2026-03-31T09:00"])
        self.assertEqual(self.replay_with_outage("run", *days),
                         ["2026-03-28T09:00", "2026-03-29T10:30", "2026-03-30T09:00", "2026-03-31T09:00"])

    def test_one_post_a_local_day_over_the_end_of_summer_time_and_an_outage(self):
        days = ("2026-10-23T12:00", "2026-10-25T06:30", "2026-10-25T09:30", "2026-10-26T12:00")
        self.assertEqual(self.replay_with_outage("skip", *days), ["2026-10-24T09:00", "2026-10-26T09:00"])
        self.assertEqual(self.replay_with_outage("run", *days),
                         ["2026-10-24T09:00", "2026-10-25T10:30", "2026-10-26T09:00"])

    def test_the_zone_of_the_config_is_checked_and_used(self):
        self.write("zone.lua", """local tusk = require "moontusk"
            tusk.daily("09:00", function() end)
            tusk.log.info("noon is %s", os.date("%H:%M", 12 * 3600))""")
        config = 'return { tz = "%s", accounts = { a = { server = "https://x.example" } }, plugins = { "./zone.lua" } }'
        code, out, err = self.run_to_end("check", "--config", self.write("bad.lua", config % "Europe/Berln"))
        self.assertEqual(code, 1)
        self.assertIn('bad.lua: tz: there is no time zone "Europe/Berln"; did you mean "Europe/Berlin"?', out + err)
        code, out, err = self.run_to_end("check", "--config", self.write("good.lua", config % "Asia/Tokyo"))
        self.assertEqual(code, 0, out + err)
        self.assertIn("noon is 21:00", out + err)
        code, out, err = self.run_to_end("check", self.folder + "/zone.lua", env={"TZ": "America/New_York"})
        self.assertIn("noon is 07:00", out + err)


if __name__ == "__main__":
    unittest.main()
