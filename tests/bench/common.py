# SPDX-License-Identifier: MIT
"""What the benchmarks share: made-up statuses and words, running a command for its CPU time, printing rows."""
import os
import random
import resource
import subprocess
import sys
import time

BUILD = os.environ.get("BUILD", "build")
MOONTUSK = os.path.abspath(os.environ.get("MOONTUSK", os.path.join(BUILD, "moontusk")))
TOOLS = os.path.abspath(os.path.join(BUILD, "tests", "bench"))
SYLLABLES = ("ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu ra re ri ro ru sa se si so su "
             "ta te ti to tu za ze zi zo zu").split()


def statuses(folder, count, seed=1):
    """A file of made-up statuses, one a line."""
    path = os.path.join(folder, f"statuses-{count}-{seed}.jsonl")
    if not os.path.exists(path):
        with open(path, "wb") as out:
            subprocess.run([os.path.join(TOOLS, "make_statuses"), str(count), str(seed)], stdout=out, check=True)
    return path


def absent_words(count, seed=5):
    """Words that no made-up status has."""
    pick = random.Random(seed)
    words = []
    known = set()
    while len(words) < count:
        word = "".join(pick.choice(SYLLABLES) for _ in range(pick.randint(3, 5))) + "x"
        if word not in known:
            known.add(word)
            words.append(word)
    return words


def write(folder, name, text):
    """A text file; returns its path."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def cpu_of(command, runs=3, **options):
    """The least CPU time in seconds (user and system, all threads) of some runs of a command, and its output."""
    best = None
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        done = subprocess.run(command, check=False, **options)
        wall = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in (0, 1):
            sys.exit(f"{command[0]} ended with {done.returncode}:\n{(done.stderr or b'')[-2000:].decode(errors='replace')}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if best is None or cpu < best[0]:
            best = (cpu, wall, done)
    return best


def row(name, value, note=""):
    """One line of the table."""
    print(f"{name:<58} {value:>14}  {note}", flush=True)
