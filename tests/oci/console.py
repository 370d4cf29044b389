#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""console SOCKET READY: take one terminal's master, print what comes from it, until it hangs up."""
import array
import os
import socket
import sys

s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.bind(sys.argv[1])
s.listen(1)
open(sys.argv[2], "w").close()
c, _ = s.accept()
data, control, _, _ = c.recvmsg(4096, socket.CMSG_SPACE(4))
fds = array.array("i")
for level, kind, value in control:
    if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
        fds.frombytes(value[:4])
print("name", data.decode(), flush=True)
print("size %dx%d" % tuple(os.get_terminal_size(fds[0])), flush=True)
while True:
    try:
        text = os.read(fds[0], 4096)
    except OSError:
        break
    if not text:
        break
    sys.stdout.write(text.decode().replace("\r", ""))
    sys.stdout.flush()
