# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lints share: finding the sources, and reading C without its comments and strings."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(text):
    """Spaces for everything but line ends, so that offsets and lines stay."""
    return re.sub(r"[^\n]", " ", text)


def code_of(text):
    """@text with comments and the insides of strings blanked."""
    def one(match):
        token = match.group()
        if token[0] == "/":
            return blank(token)
        return token[0] + blank(token[1:-1]) + token[-1]
    return TOKEN.sub(one, text)


def without_comments(text):
    return TOKEN.sub(lambda m: blank(m.group()) if m.group()[0] == "/" else m.group(), text)


def sources(*folders, suffixes=(".c", ".h")):
    """(path, name relative to the root, text) of each source below @folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path, str(path.relative_to(ROOT)), path.read_text(errors="replace")


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def excused(text, line, lint):
    """Whether '/* lint: NAME: reason */' stands on @line or the one above it."""
    lines = text.split("\n")
    near = "\n".join(lines[max(0, line - 2):line])
    return re.search(r"lint: %s: \S" % re.escape(lint), near) is not None


def report(findings):
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)
