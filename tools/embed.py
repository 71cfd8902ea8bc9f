#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes Lua files as C arrays with their module names: embed.py OUT FOLDER FILE..."""
import os
import sys


def module_name(path):
    name = path[: -len(".lua")].replace("/", ".")
    return name[: -len(".init")] if name.endswith(".init") else name


def main():
    out_path, folder, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    entries = []
    with open(out_path, "w", encoding="ascii") as out:
        out.write("/* Written by tools/embed.py: do not edit. */\n")
        out.write('#include "lua_source.h"\n')
        for number, path in enumerate(files):
            with open(path, "rb") as source:
                text = source.read()
            name = os.path.relpath(path, folder).replace(os.sep, "/")
            out.write(f"\nstatic const char text_{number}[] = {{")
            for at in range(0, len(text), 24):
                out.write("\n" + ",".join(str(b if b < 128 else b - 256) for b in text[at : at + 24]) + ",")
            out.write("0};\n")
            entries.append(f'\t{{"{module_name(name)}", "{name}", text_{number}, {len(text)}}},\n')
        out.write("\nconst struct lua_source lua_sources[] = {\n" + "".join(entries) + "};\n")
        out.write(f"const size_t lua_source_count = {len(entries)};\n")


main()
