#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The house rules that a program can hold: one test a rule, each offence as file:line: text."""
import re
import unittest

import tree

C = (".c", ".h", ".cc")
CODE = C + (".lua", ".py", ".sh")
LINES_MAX = 700
FUNCTION_LINES_MAX = 80
NESTING_MAX = 4
BANNED = ("strcpy", "strcat", "sprintf", "vsprintf", "strncpy", "strncat", "strtok", "atoi", "atol", "atof",
          "sscanf", "gets", "localtime", "gmtime")

# A library can be replaced in a day when one place knows it.
BEHIND = {
    r"uv(/.*)?\.h": r"src/net/loop\w*\.c",
    r"curl/.*": r"src/net/(http|dial|curl_loop)\w*\.[ch]",
    r"libwebsockets\.h": r"src/net/(ws|server|lws)\w*\.[ch]",
    r"pcre2(posix)?\.h": r"src/match/pattern\w*\.[ch]",
    r"hs(/.*)?\.h": r"src/match/scan_vectorscan\.c",
    r"sqlite3\.h": r"src/store/.*",
    r"lua(lib|xlib|conf)?\.h": r"src/script/.*",
    r"lauxlib\.h": r"src/script/.*",
    r"simdjson(/.*)?\.h": r"src/json/.*",
    r"(uthash|utlist|utarray|utstring)\.h": r"src/.*\.c",
}

# Process-wide state that a library forces on us; docs/architecture.md says why. path: name
STATE_ALLOWED = {
}

HOSTS_ALLOWED = re.compile(
    r"""(?:[\w.-]+\.)?(?:example(?:\.(?:com|org|net))?|invalid|test|localhost)
      | 127\.\d+\.\d+\.\d+ | \[::1\] | 0\.0\.0\.0
      | (?:docs\.)?joinmastodon\.org | github\.com | (?:www\.)?rfc-editor\.org | html\.spec\.whatwg\.org
      | www\.w3\.org | spdx\.org | ntfy\.sh | discord\.com | hooks\.slack\.com | (?:www\.)?lua\.org
      | www\.pcre\.org | keepachangelog\.com | semver\.org""", re.X)


class Style(unittest.TestCase):
    def none(self, offences, rule):
        if offences:
            self.fail(rule + "\n  " + "\n  ".join(offences))

    def test_every_file_starts_with_its_licence_and_its_purpose(self):
        bad = []
        for path in tree.files(*CODE):
            lines = tree.read(path).splitlines() + ["", "", ""]
            if lines[0].startswith("#!"):
                lines = lines[1:]
            if "SPDX-License-Identifier: MIT" not in lines[0]:
                bad.append(f"{path}:1: {lines[0]!r}")
            elif not re.match(r'(/\*|//|--|#|""")\s*\S.{8,}', lines[1]):
                bad.append(f"{path}:2: {lines[1]!r}")
        self.none(bad, "line 1 is the SPDX comment, line 2 one sentence of purpose")

    def test_build_files_and_scripts_carry_the_licence(self):
        paths = [p for p in tree.files("meson.build") + ["quickstart", ".ci/run"] if tree.exists(p)]
        bad = [p for p in paths if "SPDX-License-Identifier: MIT" not in tree.read(p)[:200]]
        self.none(bad, "the SPDX comment is missing")

    def test_no_file_is_too_long(self):
        bad = []
        for path in tree.files(*CODE):
            count = tree.read(path).count("\n")
            if count > LINES_MAX:
                bad.append(f"{path}: {count} lines")
        self.none(bad, f"at most {LINES_MAX} lines: split it by noun")

    def test_lines_end_clean(self):
        bad = []
        for path in tree.files(*CODE, "meson.build"):
            for number, line in enumerate(tree.read(path).split("\n"), 1):
                if line.rstrip() != line:
                    bad.append(f"{path}:{number}: {line!r}"[:120])
        self.none(bad, "no space, tab or carriage return at the end of a line")

    def test_banned_functions_are_not_called(self):
        call = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
        bad = []
        for path in tree.files(*C):
            for number, line in enumerate(tree.bare_c(tree.read(path)).split("\n"), 1):
                for name in call.findall(line):
                    bad.append(f"{path}:{number}: {name}")
        self.none(bad, "use snprintf, buf, str, strtol, gmtime_r, localtime_r")

    def test_library_headers_stay_behind_their_files(self):
        include = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
        bad = []
        for path in tree.files(*C, under="src"):
            text = tree.read(path)
            for found in include.finditer(text):
                for header, home in BEHIND.items():
                    if re.fullmatch(header, found.group(1)) and not re.fullmatch(home, path):
                        bad.append(f"{path}:{tree.line_of(text, found.start())}: {found.group(1)}")
        self.none(bad, "a library's header belongs behind one file: " + ", ".join(sorted(set(BEHIND.values()))))

    def test_includes_are_flat_and_the_own_header_comes_first(self):
        bad = []
        for path in tree.files(*C, under="src"):
            text = tree.read(path)
            includes = re.findall(r'^\s*#\s*include\s*([<"][^>"]+[>"])', text, re.M)
            bad += [f"{path}: {name}" for name in includes if "../" in name]
            own = re.sub(r"\.cc?$", ".h", path)
            if own != path and tree.exists(own) and includes[:1] != [f'"{own.rsplit("/", 1)[1]}"']:
                bad.append(f"{path}: first include is {includes[:1]}, not its own header")
            if path.endswith(".h") and "#pragma once" not in text:
                bad.append(f"{path}: no #pragma once")
        self.none(bad, "includes name no folder; a .c file includes its own header first")

    def test_src_has_no_mutable_state_outside_functions(self):
        bad = []
        for path in tree.files(*C, under="src"):
            text = tree.without_directives(tree.bare_c(tree.read(path)))
            for line, statement in tree.top_level(text):
                name = mutable_variable(statement)
                if name and name not in STATE_ALLOWED.get(path, ()):
                    bad.append(f"{path}:{line}: {statement[:90]}")
            for found in re.finditer(r"^[ \t]+static\b([^;({]*[;=\[])", text, re.M):
                if not is_const(found.group(1)):
                    bad.append(f"{path}:{tree.line_of(text, found.start())}: {found.group(0).strip()}")
        self.none(bad, "two hosts must be able to live in one process: put it into a struct")

    def test_caps_stand_in_limits_h(self):
        bad = []
        for path in tree.files(".c", ".h", under="src"):
            if path == "src/base/limits.h":
                continue
            for number, line in enumerate(tree.bare_c(tree.read(path)).split("\n"), 1):
                if re.search(r"^\s*#\s*define\s+\w*_(MAX|LIMIT)\b|\b[A-Z]\w*_(MAX|LIMIT)\s*=(?!=)", line):
                    bad.append(f"{path}:{number}: {line.strip()}")
        self.none(bad, "every cap stands in src/base/limits.h")

    def test_functions_are_short_and_flat(self):
        bad = []
        for path in tree.files(*C):
            text = tree.without_directives(tree.bare_c(tree.read(path)))
            for line, lines, depth in tree.bodies(text):
                if lines > FUNCTION_LINES_MAX:
                    bad.append(f"{path}:{line}: {lines} lines")
                if depth > NESTING_MAX:
                    bad.append(f"{path}:{line}: blocks nested {depth} deep")
        self.none(bad, f"at most {FUNCTION_LINES_MAX} lines and {NESTING_MAX} levels a function")

    def test_every_source_and_unit_test_is_built(self):
        bad = []
        for path in tree.files(".c", ".cc", under="src") + tree.files(".c", under="tests/unit"):
            if path == "src/main.c":
                continue  # without it there is no program
            folder, leaf = path.rsplit("/", 1)
            name = leaf if path.startswith("src/") else leaf.rsplit(".", 1)[0].replace("test_", "", 1)
            build, up = "", folder
            while True:
                here = (up + "/" if up else "") + "meson.build"
                build += tree.read(here) if tree.exists(here) else ""
                if not up:
                    break
                up = up.rpartition("/")[0]
            if not re.search(r"['/]" + re.escape(name) + "'", build) and f"'{leaf}'" not in build:
                bad.append(path)
        self.none(bad, "not named in its folder's meson.build, so it is never compiled")

    def test_every_header_function_is_described(self):
        bad = []
        for path in tree.files(".h", under="src"):
            for number, name in undescribed(tree.read(path)):
                bad.append(f"{path}:{number}: {name}")
        self.none(bad, "its paragraph has no comment: what comes back, units, who owns what, when callbacks run")

    def test_architecture_names_every_file_once(self):
        if not tree.exists("docs/architecture.md"):
            self.skipTest("docs/architecture.md is not written yet")
        doc = tree.read("docs/architecture.md")
        named = re.findall(r"^\s*(?:[-*]|\|)\s+`([\w./{},-]+)`", doc, re.M)
        stems = set()
        for path in tree.files(*C, ".lua", under="src") + tree.files(".lua", ".py", under="lua"):
            # x.c and x.h are one entry, named by whichever the table shows.
            stems.add(re.sub(r"\.(c|h|cc)$", "", path))
        listed = [re.sub(r"\.(c|h|cc)$", "", n) for n in named]
        bad = [f"missing: {s}" for s in sorted(stems) if s not in listed]
        bad += [f"listed but gone: {n}" for n in sorted(set(listed)) if n not in stems and n.startswith(("src/", "lua/"))]
        bad += [f"listed twice: {n}" for n in sorted(set(listed)) if listed.count(n) > 1]
        self.none(bad, "docs/architecture.md has one line for each file of src/ and lua/")

    def test_links_in_documents_lead_somewhere(self):
        bad = []
        for path in tree.files(".md"):
            for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", tree.read(path)):
                folder = path.rpartition("/")[0]
                if not tree.exists((folder + "/" if folder else "") + target):
                    bad.append(f"{path}: {target}")
        self.none(bad, "the linked file does not exist")

    def test_nothing_names_this_machine(self):
        # Written in pieces, so that this file passes its own rule.
        places = re.compile("|".join(("/wo" + r"rk/(?!\*)", "/tmp" + "/wt", "/ro" + "ot/", "/ho" + "me/")))
        bad = []
        for path in tree.files():
            for number, line in enumerate(tree.read(path).split("\n"), 1):
                if places.search(line):
                    bad.append(f"{path}:{number}: {line.strip()[:100]}")
        self.none(bad, "a path of somebody's machine")

    def test_only_known_hosts_are_named(self):
        bad = []
        for path in tree.files():
            if path.startswith("tests/") or path == "LICENSE":
                continue
            for number, line in enumerate(tree.read(path).split("\n"), 1):
                for host in re.findall(r"\b(?:https?|wss?)://((?:\[[\d:]+\]|[\w.-]+))", line):
                    if re.search(r"\w\.\w", host) and not HOSTS_ALLOWED.fullmatch(host.lower()):
                        bad.append(f"{path}:{number}: {host}")
        self.none(bad, "use a reserved name such as mastodon.example")

    def test_no_secret_stands_in_what_people_copy(self):
        secret = re.compile(
            r"""(?:token|secret|password)["']?\s*[=:]\s*["'][\w-]{16,}["'] | Bearer\s+[\w-]{20,}
              | (?<![\w/+-])(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[A-Za-z0-9_-]{40,}(?![\w/+-])""", re.X | re.I)
        bad = []
        for path in tree.files(".lua", ".md", ".scd"):
            if path.startswith(("examples/", "plugins/", "docs/")) or "/" not in path:
                for number, line in enumerate(tree.read(path).split("\n"), 1):
                    if secret.search(line):
                        bad.append(f"{path}:{number}: {line.strip()[:80]}")
        self.none(bad, "a token in an example gets copied: use env")

    def test_every_shipped_plugin_has_its_test_and_readme(self):
        names = sorted({p.split("/")[1] for p in tree.files(under="plugins") if p.count("/") >= 2})
        wanted = [f"plugins/{n}/{leaf}" for n in names for leaf in (n + ".lua", n + "_test.lua", "README.md")]
        self.none([p for p in wanted if not tree.exists(p)], "missing")


def is_const(declaration):
    head = re.split(r"[=\[]", declaration, maxsplit=1)[0]
    if "*" in head:
        return re.search(r"\*\s*const\b[^*]*$", head) is not None
    return re.search(r"\bconst\b|\bconstexpr\b", head) is not None


def mutable_variable(statement):
    """The name of the variable that a top-level statement defines when it can change, else None."""
    if re.match(r"(typedef|using|namespace|template|_Static_assert|static_assert)\b", statement):
        return None
    head = statement.split("=", 1)[0]
    pointer = re.search(r"\(\s*\*\s*(const\s+)?(\w+)\s*(\[[^]]*\])?\s*\)\s*\(", head)
    if pointer and not re.search(r"\w\s*\(", head[:pointer.start()]):
        return None if pointer.group(1) else pointer.group(2)
    head = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", head)
    if "(" in head:
        return None  # a function
    head = re.sub(r"\{\}", " ", head).strip()
    if re.fullmatch(r"(?:static\s+|extern\s+)?(?:struct|union|enum|class)(?:\s+\w+)?", head) or not head:
        return None  # a type
    name = re.search(r"(\w+)\s*(?:\[[^]]*\]\s*)*$", head)
    if not name or len(head.split()) < 2:
        return None
    return None if is_const(head) else name.group(1)


def undescribed(text):
    """(line, name) of prototypes whose paragraph (between blank lines) holds no comment."""
    found = []
    bare = tree.without_directives(tree.bare_c(text))
    lines = text.split("\n")
    for line, statement in tree.top_level(bare):
        head = statement.split("{", 1)[0]
        name = re.search(r"(\w+)\s*\(", head)
        if not name or head.startswith("typedef") or name.group(1).endswith(("_destroy", "_finish")):
            continue
        first = last = line - 1
        while first > 0 and lines[first - 1].strip():
            first -= 1
        while last + 1 < len(lines) and lines[last + 1].strip():
            last += 1
        if not any("/*" in near or near.lstrip().startswith("*") for near in lines[first:last + 1]):
            found.append((line, name.group(1)))
    return found


if __name__ == "__main__":
    unittest.main()
