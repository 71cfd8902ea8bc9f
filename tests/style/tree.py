# SPDX-License-Identifier: MIT
"""The project's files, and C text with its comments and strings taken out: what the style rules read."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Bytes recorded from elsewhere, or made by a fuzzer: not ours to style.
SKIPPED = ("tests/fixtures", "tests/fuzz/corpus", "subprojects")


def files(*endings, under=""):
    """Paths relative to the root, sorted, that end in one of `endings` (all when there are none)."""
    found = []
    for folder, names, leaves in os.walk(os.path.join(ROOT, under)):
        here = os.path.relpath(folder, ROOT)
        here = "" if here == "." else here + "/"
        names[:] = sorted(
            n for n in names
            if (here + n) not in SKIPPED and n not in (".git", "__pycache__")
            and not (here == "" and n.startswith("build")))
        for leaf in leaves:
            if leaf == ".git":
                continue  # in a worktree it is a file
            if not endings or leaf.endswith(endings):
                found.append(here + leaf)
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def exists(path):
    return os.path.exists(os.path.join(ROOT, path))


TOKEN = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | R"\((?:.*?)\)" | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.S | re.X)


def bare_c(text, keep_strings=False):
    """C text without comments (and strings), line numbers kept."""
    def blank(match):
        piece = match.group(0)
        if piece.startswith("/"):
            return " " + "\n" * piece.count("\n")
        if keep_strings:
            return piece
        return piece[0] + piece[-1] + "\n" * piece.count("\n")
    return TOKEN.sub(blank, text)


def without_directives(text):
    """Bare C without preprocessor lines, continued ones too; line numbers kept."""
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.M | re.S)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def top_level(text):
    """(line, statement) for each statement outside braces of bare C; bodies are left out as {}."""
    statements = []
    current, start, depth = "", None, 0
    for offset, char in enumerate(text):
        if depth > 0:
            depth += {"{": 1, "}": -1}.get(char, 0)
            if depth == 0:
                current += "}"
                head = current[:current.rfind("{")]
                is_body = "(" in head and "=" not in head and not head.lstrip().startswith("typedef")
                if is_body or head.lstrip().startswith('extern ""'):
                    statements.append((start, current))
                    current, start = "", None
            continue
        if start is None and not char.isspace():
            start = line_of(text, offset)
        if char == "{":
            depth = 1
            current += char
        elif char == ";":
            statements.append((start, current))
            current, start = "", None
        else:
            current += char
    return [(line, " ".join(statement.split())) for line, statement in statements if line]


def bodies(text):
    """(line, lines, deepest nesting) of each function body in bare C without directives."""
    found = []
    depth = deepest = start = 0
    head = ""
    for offset, char in enumerate(text):
        if depth == 0:
            if char == "{":
                depth, deepest, start = 1, 1, offset
                counts = "(" in head and "=" not in head and not head.lstrip().startswith("typedef")
            elif char == ";":
                head = ""
            else:
                head += char
            continue
        if char in "{}":
            depth += 1 if char == "{" else -1
            deepest = max(deepest, depth)
            if depth == 0:
                if counts:
                    lines = text.count("\n", start, offset)
                    found.append((line_of(text, start), lines, deepest - 1))
                head = ""
    return found
