#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the table of simple case folding as a C header: casefold.py OUT.

All characters that are one another's upper, lower, title or folded case, directly or by way of others, fold to the
small letter of the lowest of them. That is at least as coarse as any simple case folding of the same or an older
Unicode version.
"""
import sys
import unicodedata

PAGE = 256
TWO_BYTES = range(0x80, 0x800)


def small(c):
    """The small letter of c, unless it is longer in UTF-8: folded texts must not grow."""
    lower = chr(c).lower()
    return ord(lower) if len(lower) == 1 and len(lower.encode()) == len(chr(c).encode()) else c


def classes():
    parent = {}

    def root(c):
        while parent.get(c, c) != c:
            c = parent[c]
        return c

    for c in range(0x110000):
        if 0xD800 <= c < 0xE000:
            continue
        text = chr(c)
        for other in (text.lower(), text.upper(), text.title(), text.casefold()):
            if len(other) == 1 and other != text:
                a, b = sorted((root(c), root(ord(other))))
                parent[b] = a
    members = set(parent) | {root(c) for c in parent}
    return {c: to for c in members if (to := small(root(c))) != c}


def main():
    fold = classes()
    # ASCII is folded by the code.
    fold = {c: to for c, to in fold.items() if c >= 0x80}
    pages = sorted({c // PAGE for c in fold if c >= 0x800})
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("/* Written by tools/casefold.py: do not edit. */\n")
        major = ".".join(unicodedata.unidata_version.split(".")[:2])
        out.write(f'#define CASEFOLD_UNICODE_MAJOR {major.split(".", maxsplit=1)[0]}\n')
        out.write("static const uint16_t two_bytes[] = {\n")
        out.write("".join(f"{fold.get(c, c):#x}," + ("\n" if c % 16 == 15 else "") for c in TWO_BYTES))
        out.write("};\n/* By code point / 256: 0, or one more than the row in `rows`. */\nstatic const uint8_t pages[] = {\n")
        out.write("".join(f"{pages.index(p) + 1 if p in pages else 0}," for p in range(pages[-1] + 1)))
        out.write("\n};\nstatic const uint32_t rows[][256] = {\n")
        for page in pages:
            row = range(page * PAGE, (page + 1) * PAGE)
            out.write("{" + ",".join(f"{fold.get(c, c):#x}" for c in row) + "},\n")
        out.write("};\n")


main()
