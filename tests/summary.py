#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up what the test programs of one `meson test` run counted, and prints `N passed, N failed` as the last line."""
import json
import re
import sys

FINE = ("OK", "EXPECTEDFAIL")


def last_number(pattern, text):
    """The number in the last line that matches, or None."""
    found = re.findall(pattern, text, re.MULTILINE)
    return int(found[-1]) if found else None


def count_cmocka(text):
    if "[==========] Running" not in text:
        return None
    # Per case, not the closing lines: a program that crashed never printed those.
    passed = len(re.findall(r"^\[       OK \]", text, re.MULTILINE))
    failed = len(re.findall(r"^\[  FAILED  \] (?!\d+ test\(s\))\S+$", text, re.MULTILINE))
    listed = last_number(r"^\[  FAILED  \] (\d+) test\(s\), listed below", text)
    return passed, failed if listed is None else listed


def count_unittest(text):
    ran = last_number(r"^Ran (\d+) tests? in ", text)
    if ran is None:
        return None
    failed = sum(int(n) for n in re.findall(r"\b(?:failures|errors)=(\d+)", text))
    skipped = last_number(r"\bskipped=(\d+)", text) or 0
    return max(ran - failed - skipped, 0), failed


def count_tap(text):
    if not re.search(r"^1\.\.\d+", text, re.MULTILINE):
        return None
    cases = re.findall(r"^(ok|not ok)\b(.*)$", text, re.MULTILINE)
    cases = [word for word, rest in cases if not re.search(r"#\s*(?:skip|todo)\b", rest, re.I)]
    return cases.count("ok"), cases.count("not ok")


def count_plain(text):
    """Any other program may end with a line of the form that this one prints."""
    found = re.findall(r"^(\d+) passed, (\d+) failed$", text, re.MULTILINE)
    return (int(found[-1][0]), int(found[-1][1])) if found else None


def count(test):
    """(passed, failed) of one program of the suite."""
    if test["result"] == "SKIP":
        return 0, 0
    text = test.get("stdout", "") + "\n" + test.get("stderr", "")
    for counter in (count_plain, count_tap, count_cmocka, count_unittest):
        counted = counter(text)
        if counted is not None:
            passed, failed = counted
            break
    else:
        passed, failed = (1, 0) if test["result"] in FINE else (0, 1)
    # A crash, a timeout or a leak found at exit is a failure, whatever had been counted until then.
    if test["result"] not in FINE and failed == 0:
        failed = 1
    return passed, failed


def main(argv):
    if len(argv) != 3:
        print("usage: summary.py STATUS testlog.json", file=sys.stderr)
        return 2
    status = int(argv[1])
    passed = failed = 0
    programs = []
    try:
        with open(argv[2], encoding="utf-8") as log:
            programs = [json.loads(line) for line in log if line.strip()]
    except OSError as error:
        print(f"summary: no test ran: {error}", file=sys.stderr)
        status = status or 1
    bad = []
    for test in programs:
        good, wrong = count(test)
        passed += good
        failed += wrong
        if wrong:
            bad.append(f"{test['name']}: {test['result']}, {wrong} failed")
    skipped = [test["name"] for test in programs if test["result"] == "SKIP"]
    if skipped:
        print("skipped:", ", ".join(skipped))
    for line in bad:
        print("failed:", line)
    if failed == 0 and status != 0:
        failed = 1
    if passed + failed == 0:
        print("summary: nothing was counted", file=sys.stderr)
        failed = 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
