# SPDX-License-Identifier: GPL-2.0-or-later
"""A program on a terminal of its own, and what a reader sees there.

    t = Terminal(["mybox", "watch"], rows=24, columns=80)
    t.wait(lambda s: "web" in s.text())
    t.send("q")
    assert t.end() == 0

The terminal knows what xterm's description in terminfo can ask for, and nothing else: any other
escape sequence is a failure, since a container's bytes must not move a terminal.
"""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

SEQUENCE = re.compile(r"\x1b(?:\[([?>]?)([0-9;]*)([@-~])|[()]([0AB])|([78=>M]))")
UNFINISHED = re.compile(r"\x1b(?:\[[?>]?[0-9;]*|[()]?)?\Z")
PRIVATE = {1, 3, 4, 7, 12, 25, 1034, 1049}  # that may be set and reset
# Slower than a calm machine by as much as the suite allows for.
PATIENCE = 60


class Strange(AssertionError):
    pass


class Screen:
    def __init__(self, rows, columns):
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.pending, self.looks, self.private = "", set(), set()
        self.resize(rows, columns)

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.top, self.bottom, self.last, self.saved = 0, rows - 1, " ", (0, 0)

    def lines(self):
        return ["".join(line).rstrip() for line in self.cells]

    def text(self):
        return "\n".join(self.lines())

    def find(self, what):
        """The first line that has @what, or None."""
        return next((line for line in self.lines() if what in line), None)

    def feed(self, data):
        text = self.pending + self.decoder.decode(data)
        self.pending, at = "", 0
        while at < len(text):
            if text[at] == "\x1b":
                match = SEQUENCE.match(text, at)
                if not match:
                    if UNFINISHED.match(text, at):
                        self.pending = text[at:]
                        return
                    raise Strange(repr(text[at:at + 40]))
                self.sequence(match)
                at = match.end()
            else:
                self.character(text[at])
                at += 1

    def character(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self.down()
        elif c == "\b":
            self.column = max(self.column - 1, 0)
        elif c == "\t":
            self.column = min(self.column // 8 * 8 + 8, self.columns - 1)
        elif c in "\x0e\x0f\x07":
            pass
        elif c < " " or "\x7f" <= c < "\xa0":
            raise Strange(repr(c))
        else:
            if self.column >= self.columns:
                self.column = 0
                self.down()
            self.cells[self.row][self.column] = self.last = c
            self.column += 1

    def down(self):
        if self.row == self.bottom:
            self.scroll(self.top, 1)
        else:
            self.row = min(self.row + 1, self.rows - 1)

    def scroll(self, top, n):
        for _ in range(abs(n)):
            self.cells.insert(self.bottom + 1 if n > 0 else top, [" "] * self.columns)
            del self.cells[top if n > 0 else self.bottom + 1]

    def clear(self, row, begin, end):
        self.cells[row][begin:end] = [" "] * (min(end, self.columns) - begin)

    def sequence(self, match):
        private, numbers, final, charset, single = match.groups()
        if single == "7":
            self.saved = (self.row, self.column)
        elif single == "8":
            self.row, self.column = self.saved
        elif single == "M":
            if self.row == self.top:
                self.scroll(self.top, -1)
            else:
                self.row -= 1
        if charset or single:
            return
        p = [int(n or 0) for n in numbers.split(";")] if numbers else []
        if private:
            if final not in "hl" or private != "?" or not set(p) <= PRIVATE:
                raise Strange(repr(match.group()))
            (self.private.update if final == "h" else self.private.difference_update)(p)
        else:
            self.control(final, p, max(p[0], 1) if p else 1, match.group())

    def control(self, final, p, n, whole):
        column = min(self.column, self.columns - 1)
        if final in "Hf":
            self.row = min(n, self.rows) - 1
            self.column = min(max(p[1], 1) if len(p) > 1 else 1, self.columns) - 1
        elif final == "A":
            self.row = max(self.row - n, 0)
        elif final in "Be":
            self.row = min(self.row + n, self.rows - 1)
        elif final in "Ca":
            self.column = min(column + n, self.columns - 1)
        elif final == "D":
            self.column = max(column - n, 0)
        elif final in "G`":
            self.column = min(n, self.columns) - 1
        elif final == "d":
            self.row = min(n, self.rows) - 1
        elif final == "J":
            kind = p[0] if p else 0
            for row in range(self.rows):
                if kind == 2 or (kind == 0 and row > self.row) or (kind == 1 and row < self.row):
                    self.clear(row, 0, self.columns)
            if kind < 2:
                self.control("K", p, n, whole)
        elif final == "K":
            kind = p[0] if p else 0
            self.clear(self.row, 0 if kind else column, self.columns if kind != 1 else column + 1)
        elif final == "X":
            self.clear(self.row, column, column + n)
        elif final == "P":
            line = self.cells[self.row]
            del line[column:column + n]
            line += [" "] * (self.columns - len(line))
        elif final == "@":
            line = self.cells[self.row]
            line[column:column] = [" "] * n
            del line[self.columns:]
        elif final == "L":
            self.scroll(self.row, -n)
        elif final == "M":
            self.scroll(self.row, n)
        elif final == "S":
            self.scroll(self.top, n)
        elif final == "T":
            self.scroll(self.top, -n)
        elif final == "b":
            for _ in range(n):
                self.character(self.last)
        elif final == "r":
            self.top, self.bottom = n - 1, (p[1] if len(p) > 1 else self.rows) - 1
            self.row = self.column = 0
        elif final == "m":
            self.looks.update(p or [0])
        elif final not in "lht":
            raise Strange(repr(whole))


class Terminal:
    def __init__(self, argv, rows=24, columns=80, **env):
        self.screen, self.raw = Screen(rows, columns), b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self.tell_size(0)
            variables = dict(os.environ, TERM="xterm", LANG="C.UTF-8")
            variables.update(env)
            for name in [n for n, v in variables.items() if v == "-"]:
                del variables[name]
            os.execvpe(argv[0], argv, variables)

    def tell_size(self, fd):
        size = struct.pack("HHHH", self.screen.rows, self.screen.columns, 0, 0)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, size)

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        self.tell_size(self.fd)

    def pump(self, timeout=0.1):
        """Return: whether there may be more."""
        if not select.select([self.fd], [], [], timeout)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += data
        self.screen.feed(data)
        return bool(data)

    def wait(self, wanted, seconds=PATIENCE):
        """Until @wanted(screen), or a text that is to be seen."""
        end = time.time() + seconds
        while not (wanted in self.screen.text() if isinstance(wanted, str)
                   else wanted(self.screen)):
            assert self.pump() and time.time() < end, "never came; the screen:\n" + \
                self.screen.text()

    def send(self, keys):
        os.write(self.fd, keys.encode())

    def mode(self):
        return termios.tcgetattr(self.fd)

    def kill(self, sig=signal.SIGTERM):
        os.kill(self.pid, sig)

    def end(self, seconds=PATIENCE):
        """Its exit code; negative for a signal."""
        end = time.time() + seconds
        while self.pump():
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                while self.pump(0) and select.select([self.fd], [], [], 0.05)[0]:
                    pass
                return os.waitstatus_to_exitcode(status)
            assert time.time() < end, "it does not end; the screen:\n" + self.screen.text()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
