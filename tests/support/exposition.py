# SPDX-License-Identifier: GPL-2.0-or-later
"""exposition.py <FILE: is it Prometheus' text exposition format 0.0.4, to the letter?

Prints the samples, one a line: NAME{LABELS} VALUE, labels sorted.  Stricter than the parsers are:
each family has HELP and TYPE once, before its samples, which stand together; counters end in
_total and are never negative; names carry base units; no series comes twice.
"""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(r"(%s)(?:\{((?:%s,?)*)\})? (\S+)" % (NAME, LABEL))
NOT_BASE = re.compile(r"_(milli|micro|nano|kilo|mega|usec|msec|ms|kb|mb|percent|minutes|hours)")


def check(text):
    helps, types, closed, series, current = {}, {}, set(), set(), None
    assert not text or text.endswith("\n"), "the last line has no end"
    for number, line in enumerate(text.split("\n")[:-1], 1):
        where = "line %d: %s" % (number, line)
        head = re.fullmatch(r"# (HELP|TYPE) (%s) (.+)" % NAME, line)
        if head:
            kind, name, rest = head.groups()
            known = helps if kind == "HELP" else types
            assert name not in known, "again: " + where
            assert name not in closed, "apart: " + where
            if name != current:
                closed.add(current)
            known[name], current = rest, name
            if kind == "TYPE":
                assert rest in ("counter", "gauge"), where
                assert (rest == "counter") == name.endswith("_total"), where
                assert not NOT_BASE.search(name), where
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, where
        name, labels, value = sample.group(1), sample.group(2) or "", sample.group(5)
        assert name == current and name in helps and name in types, "no head: " + where
        pairs = re.findall(LABEL, labels)
        assert ",".join('%s="%s"' % p for p in pairs) == labels, where
        assert len({k for k, _ in pairs}) == len(pairs), where
        assert float(value) >= 0, where
        one = name + "{" + ",".join('%s="%s"' % p for p in sorted(pairs)) + "}"
        assert one not in series, "twice: " + where
        series.add(one)
        yield one + " " + value


if __name__ == "__main__":
    sys.stdout.writelines(line + "\n" for line in list(check(sys.stdin.buffer.read().decode())))
