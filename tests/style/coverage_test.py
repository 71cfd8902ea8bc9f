#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/protocol-coverage.md names tests that exist, for every stream, endpoint, kind of event and row of protocol.md 10."""
import re
import unittest

import tree

PAGE = "docs/protocol-coverage.md"
# Rows of protocol.md 10 that concern streams.
ROWS = [*range(1, 36), 49, 50]


def rows(page):
    """(first cell, tests) of each line of a table: tests as (path, name)."""
    found = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| ") and cells[0] not in ("#", "server", "endpoint", "stream", "event"):
            found.append((cells[0], [tuple(test.split(":", 1)) for test in re.findall(r"`(tests/[^`]+)`", cells[-1])]))
    return found


def has_test(path, name):
    """Is there a test of that name in the file, and is it run?"""
    if not tree.exists(path):
        return False
    text = tree.read(path)
    name = re.escape(name)
    if path.endswith(".py"):
        return re.search(rf"^    def {name}\(self\b", text, re.M) is not None
    if path.endswith(".lua"):
        return re.search(rf'^case\("{name}"', text, re.M) is not None
    defined = re.search(rf"^{name}\(void \*\*state\)", text, re.M)
    return defined is not None and len(re.findall(rf"\b{name}\b", text)) >= 2


def first_texts(path, start, end="};"):
    """The first text of each entry of a table in a C file."""
    table = tree.read(path).split(start, 1)[1].split(end, 1)[0]
    return re.findall(r'^\s*(?:\[\w+\] = )?\{?"([^"]+)"', table, re.M)


class Coverage(unittest.TestCase):
    def setUp(self):
        self.rows = rows(tree.read(PAGE))

    def test_every_line_names_tests_that_exist(self):
        bad = []
        for what, tests in self.rows:
            if not tests:
                bad.append(f"{what}: no test")
            bad += [f"{what}: {':'.join(test)}" for test in tests if len(test) != 2 or not has_test(*test)]
        self.assertEqual(bad, [], "\n" + "\n".join(bad))

    def test_every_row_about_streams_is_there_once(self):
        found = [int(what) for what, _ in self.rows if what.isdigit()]
        self.assertEqual([row for row in ROWS if found.count(row) != 1], [])

    def test_every_stream_endpoint_and_kind_is_there(self):
        named = {text for what, _ in self.rows for text in re.findall(r"`([^`]+)`", what)}
        streams = first_texts("src/mastodon/stream_name.c", "static const char *const names[] = {")
        paths = re.findall(r'"(/api/v1/streaming/[^"]+)"', tree.read("src/mastodon/stream_name.c"))
        kinds = [kind for kind in first_texts("src/event/event.c", "[EVENT_UPDATE]") if kind] + ["update"]
        endpoints = {"GET " + path for path in paths} | {"GET /api/v1/streaming", "GET /api/v1/streaming/health"}
        self.assertGreater(len(streams), 11)
        self.assertGreater(len(kinds), 10)
        self.assertEqual((set(streams) | set(kinds) | endpoints) - named, set())

    def test_the_reader_tells_tests_from_other_functions(self):
        self.assertTrue(has_test("tests/style/coverage_test.py", "test_every_line_names_tests_that_exist"))
        self.assertFalse(has_test("tests/style/coverage_test.py", "has_test"))
        self.assertFalse(has_test("tests/unit/net/test_sse.c", "check"))
        self.assertFalse(has_test("tests/unit/net/test_gone.c", "check"))
        self.assertEqual(rows("| # | x |\n|---|---|\n| 1 | `tests/a.c:b`<br>`tests/c.lua:d: e` |"),
                         [("1", [("tests/a.c", "b"), ("tests/c.lua", "d: e")])])


if __name__ == "__main__":
    unittest.main()
