#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""type.py DUMP KEYS... -- SHELL...: type at an interactive shell.

The shell's start-up file gives it the prompt "ready> " and binds Control-X to a function that
appends the line being edited to the file DUMP.  Each of KEYS is typed into an empty line, with a
tab behind it, and dumped.
"""
import os, pty, select, signal, sys, time

PATIENCE = 60


def main(dump, keys, shell):
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        os.execvp(shell[0], shell)
    seen = b""

    def until(condition, what):
        nonlocal seen
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                sys.exit("waited for %s, saw: %r" % (what, seen))
            if select.select([terminal], [], [], 0.05)[0]:
                try:
                    seen += os.read(terminal, 65536)
                except OSError:
                    sys.exit("the shell ended: %r" % seen)

    def dumped():
        try:
            with open(dump, "rb") as f:
                return f.read().count(b"\n")
        except FileNotFoundError:
            return 0

    until(lambda: b"ready> " in seen, "the prompt")
    for n, text in enumerate(keys):
        # Control-E, Control-U: an empty line, in each of the shells.
        os.write(terminal, b"\x05\x15" + text.encode() + b"\t\x18")
        until(lambda: dumped() > n, "'%s'" % text)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    at = sys.argv.index("--")
    main(sys.argv[1], sys.argv[2:at], sys.argv[at + 1:])
