#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares our time zones with Python's zoneinfo: hundreds of instants and local times in zones of every kind."""
import datetime
import random
import subprocess
import sys
import unittest
import zoneinfo

ZONES = """Europe/Berlin Europe/London Europe/Dublin Europe/Lisbon Europe/Moscow Europe/Istanbul Europe/Volgograd
America/New_York America/St_Johns America/Sao_Paulo America/Caracas America/Nuuk America/Santiago America/Phoenix
America/Argentina/Buenos_Aires America/Indiana/Knox America/Havana Africa/Casablanca Africa/Cairo Africa/Monrovia
Africa/Windhoek Asia/Kathmandu Asia/Kolkata Asia/Tokyo Asia/Tehran Asia/Gaza Asia/Pyongyang Asia/Riyadh
Australia/Lord_Howe Australia/Adelaide Pacific/Apia Pacific/Chatham Pacific/Kiritimati Pacific/Kwajalein
Antarctica/Troll Antarctica/Casey Etc/GMT+12 Etc/GMT-14 Etc/UTC EST5EDT CET""".split()
EPOCH = datetime.datetime(1970, 1, 1)
UTC_EPOCH = EPOCH.replace(tzinfo=datetime.timezone.utc)
SECOND = datetime.timedelta(seconds=1)
FIRST, LAST = -4_000_000_000, 7_000_000_000  # 1843 to 2191


def local_time(zone, seconds):
    return (UTC_EPOCH + seconds * SECOND).astimezone(zone)


def offset(zone, seconds):
    return local_time(zone, seconds).utcoffset() // SECOND


def transitions(zone):
    """Where the offset changes, found by halving steps of ten days."""
    found = []
    step = 10 * 86400
    for start in range(-2_500_000_000, 4_500_000_000, step):
        low, high = start, start + step
        if offset(zone, low) == offset(zone, high):
            continue
        before = offset(zone, low)
        while high - low > 1:
            middle = (low + high) // 2
            if offset(zone, middle) == before:
                low = middle
            else:
                high = middle
        found.append(high)
    return found


def describe(zone, seconds):
    at = local_time(zone, seconds)
    day = at.timetuple().tm_yday
    return (f"{at:%Y-%m-%d %H:%M:%S} {at.isoweekday() % 7} {day} {at.utcoffset() // SECOND} "
            f"{int(bool(at.dst()))} {at.tzname()}")


def instants(zone, local):
    wall = EPOCH + local * SECOND
    early, late = ((wall.replace(tzinfo=zone, fold=fold) - UTC_EPOCH) // SECOND for fold in (0, 1))
    if early == late:
        return f"once {early} {early}"
    if early < late:
        return f"twice {early} {late}"
    low, high = late, early  # the gap ends between: Python takes the offset before it for fold 0
    before = offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return f"gap {high} {high}"


class ZoneTest(unittest.TestCase):
    def test_same_answers_as_zoneinfo(self):
        missing = [name for name in ZONES if name not in zoneinfo.available_timezones()]
        self.assertEqual(missing, [], "the package tzdata is needed")
        picked = random.Random(20261121)
        questions, wanted = [], []
        for name in ZONES:
            zone = zoneinfo.ZoneInfo(name)
            seconds = [picked.randrange(FIRST, LAST) for _ in range(150)]
            walls = [picked.randrange(FIRST, LAST) for _ in range(100)]
            for at in transitions(zone):
                seconds += [at - 1, at, at + 1]
                for side in (offset(zone, at - 1), offset(zone, at)):
                    walls += [at + side - 1, at + side, at + side + 1, at + side + 900]
            for at in seconds:
                questions.append(f"{name} at {at}")
                wanted.append(describe(zone, at))
            for at in walls:
                questions.append(f"{name} is {at}")
                wanted.append(instants(zone, at))
        self.assertGreater(len(questions), 10000)
        done = subprocess.run([PROBE], input="\n".join(questions) + "\n", text=True, capture_output=True, timeout=60,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        wrong = [f"{question}: expected {one}, found {other}"
                 for question, one, other in zip(questions, wanted, done.stdout.splitlines()) if one != other]
        self.assertEqual(wrong[:10], [], f"{len(wrong)} of {len(questions)}")


if __name__ == "__main__":
    PROBE = sys.argv.pop()
    unittest.main()
