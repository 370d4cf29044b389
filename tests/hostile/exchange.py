#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""exchange.py DIRECTORY TARGET: DIRECTORY/a is a directory and a link to TARGET in turns, as fast
as can be, until killed."""
import ctypes, os, sys

EXCHANGE = 2
AT_FDCWD = -100
directory, target = sys.argv[1].encode(), sys.argv[2].encode()
libc = ctypes.CDLL(None)
links = [target, b"../" * 16 + target.lstrip(b"/"), b"/proc/self/fd/3", b"/proc/1/root" + target]
for i, link in enumerate(links):
    path = directory + b"/link%d" % i
    if not os.path.islink(path):
        os.symlink(link, path)
while True:
    for i in range(len(links)):
        for _ in range(2):
            libc.renameat2(AT_FDCWD, directory + b"/a", AT_FDCWD, directory + b"/link%d" % i,
                           EXCHANGE)
