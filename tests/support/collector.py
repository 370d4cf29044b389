#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""collector.py KIND ADDRESS FILE: what comes to a socket, written to FILE until we are killed.
KIND is unixgram, unix, udp or tcp; udp and tcp take a port of 127.0.0.1."""
import os
import socket
import sys

kind, address, path = sys.argv[1:]
inet = kind in ("udp", "tcp")
stream = kind in ("unix", "tcp")
server = socket.socket(
    socket.AF_INET if inet else socket.AF_UNIX,
    socket.SOCK_STREAM if stream else socket.SOCK_DGRAM,
)
if inet:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
elif os.path.exists(address):
    os.unlink(address)
server.bind(("127.0.0.1", int(address)) if inet else address)
if stream:
    server.listen(5)
with open(path, "ab", buffering=0) as out:
    while True:
        if not stream:
            out.write(server.recv(1 << 20))
            continue
        peer = server.accept()[0]
        while data := peer.recv(1 << 16):
            out.write(data)
