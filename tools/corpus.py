#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a text file, one post a line, as an array of struct str in C: corpus.py OUT NAME FILE."""
import sys


def main():
    out_path, name, path = sys.argv[1:]
    with open(path, encoding="utf-8") as source:
        lines = [line.rstrip("\n") for line in source]
    with open(out_path, "w", encoding="utf-8") as out:
        out.write("/* Written by tools/corpus.py: do not edit. */\n")
        out.write(f"static const struct str {name}[] = {{\n")
        for line in lines:
            text = line.replace("\\", "\\\\").replace('"', '\\"')
            out.write(f'\t{{"{text}", {len(line.encode())}}},\n')
        out.write("};\n")


main()
