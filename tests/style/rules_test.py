#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of the tests: the rules' readers of C, and the sum that `quickstart test` prints."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import style_test
import tree


def states(text):
    bare = tree.without_directives(tree.bare_c(text))
    names = [style_test.mutable_variable(statement) for _, statement in tree.top_level(bare)]
    return [name for name in names if name]


class Readers(unittest.TestCase):
    def test_comments_and_strings_are_taken_out_and_lines_kept(self):
        bare = tree.bare_c('int a; /* strcpy(\n) */ char *s = "strcpy(\\"";\n// gets(\nint b;')
        self.assertNotIn("strcpy", bare)
        self.assertNotIn("gets", bare)
        self.assertEqual(bare.count("\n"), 3)

    def test_finds_mutable_state(self):
        self.assertEqual(states("static int count;"), ["count"])
        self.assertEqual(states("int count = 0;\nint f(void) { return 1; }"), ["count"])
        self.assertEqual(states("static const char *names[] = {\"a\"};"), ["names"])
        self.assertEqual(states("static struct host *the_host;"), ["the_host"])
        self.assertEqual(states("static void (*on_log)(int level);"), ["on_log"])
        self.assertEqual(states("extern int count;"), ["count"])

    def test_lets_constants_types_and_functions_pass(self):
        for text in ("static const int count = 1;", "static const char *const names[] = {\"a\", \"b\"};",
                     "struct x { int a; struct y *b; };", "enum kind { A, B };", "typedef int fn(void *data);",
                     "struct x;", "static int f(int a) { static const int b = 1; return a + b; }",
                     "static const struct entry table[] = { { \"a\", 1 }, { \"b\", 2 } };",
                     "#define X static int y;\nint f(void);", "_Static_assert(sizeof(int) == 4, \"x\");",
                     "bool f(struct plugin *p, void (*done)(int x));", "struct x f(void);"):
            self.assertEqual(states(text), [], text)

    def test_asks_for_a_comment_in_the_paragraph_of_a_prototype(self):
        self.assertEqual(style_test.undescribed("int a(void);\n"), [(1, "a")])
        self.assertEqual(style_test.undescribed("/* What. */\nint a(void);\nint b(void);\n"), [])
        self.assertEqual(style_test.undescribed("/* What. */\nint a(void);\n\nint b(void);\n"), [(4, "b")])
        self.assertEqual(style_test.undescribed("void a_destroy(struct a *a);\n"), [])


class Summary(unittest.TestCase):
    def last_line(self, *tests, status=0):
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as log:
            for result, output in tests:
                log.write(json.dumps({"name": "t", "result": result, "stdout": output}) + "\n")
        program = os.path.join(tree.ROOT, "tests", "summary.py")
        try:
            done = subprocess.run([sys.executable, program, str(status), log.name],
                                  capture_output=True, text=True, check=False)
        finally:
            os.unlink(log.name)
        self.assertEqual(done.returncode, 0 if done.stdout.endswith(" 0 failed\n") else 1)
        return done.stdout.splitlines()[-1]

    def test_counts_the_cases_of_every_kind_of_program(self):
        cmocka = "[==========] Running 2 test(s).\n[       OK ] a\n[       OK ] b\n[  PASSED  ] 2 test(s).\n"
        self.assertEqual(self.last_line(("OK", cmocka), ("OK", "Ran 3 tests in 0.1s\n\nOK (skipped=1)\n"),
                                        ("OK", "1..2\nok 1 - a\nok 2 - b # SKIP no\n"),
                                        ("OK", "7 passed, 0 failed\n"), ("OK", "whatever\n")),
                         "13 passed, 0 failed")

    def test_counts_failures(self):
        cmocka = ("[==========] Running 2 test(s).\n[       OK ] a\n[  FAILED  ] b\n[  PASSED  ] 1 test(s).\n"
                  "[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] b\n\n 1 FAILED TEST(S)\n")
        self.assertEqual(self.last_line(("FAIL", cmocka), status=1), "1 passed, 1 failed")
        self.assertEqual(self.last_line(("FAIL", "Ran 3 tests in 0s\nFAILED (failures=1, errors=1)\n")),
                         "1 passed, 2 failed")
        self.assertEqual(self.last_line(("FAIL", "1..2\nok 1\nnot ok 2\n")), "1 passed, 1 failed")

    def test_a_crash_after_good_cases_is_a_failure(self):
        self.assertEqual(self.last_line(("FAIL", "[==========] Running 2 test(s).\n[       OK ] a\n")),
                         "1 passed, 1 failed")
        self.assertEqual(self.last_line(("TIMEOUT", "")), "0 passed, 1 failed")

    def test_no_tests_at_all_is_a_failure(self):
        self.assertEqual(self.last_line(), "0 passed, 1 failed")
        self.assertEqual(self.last_line(("OK", ""), status=2), "1 passed, 1 failed")


if __name__ == "__main__":
    unittest.main()
