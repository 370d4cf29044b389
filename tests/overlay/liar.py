# SPDX-License-Identifier: GPL-2.0-or-later
"""liar.py HOW: a store at port 2379 that does not answer as one does."""
import socket
import sys
import threading
import time

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def answer(conn, how):
    conn.recv(65536)
    if how == "nothing":
        time.sleep(60)
    elif how == "half":
        conn.sendall(HEAD + b"Content-Length: 500\r\n\r\n" + b'{"header":{"revision":"7"},"succ')
    elif how == "nonsense":
        conn.sendall(HEAD + b"Content-Length: 9\r\n\r\n" + b"<html/>\r\n")
    elif how == "endless":
        conn.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            conn.sendall(chunk(b"[" * 65536))
    elif how == "slowly":
        conn.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            conn.sendall(chunk(b" "))
            time.sleep(0.2)


def serve(conn, how):
    try:
        answer(conn, how)
    except OSError:
        pass
    conn.close()


def main():
    server = socket.create_server(("0.0.0.0", 2379))
    while True:
        conn, _ = server.accept()
        threading.Thread(target=serve, args=(conn, sys.argv[1]), daemon=True).start()


main()
