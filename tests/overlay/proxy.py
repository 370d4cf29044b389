# SPDX-License-Identifier: GPL-2.0-or-later
"""proxy.py --list answers|watches: what it can say; or proxy.py TARGET FILE: a store at port 2379 that passes on what TARGET, a real one, answers, and
lies as FILE says at the moment (LIES); "honest" is none.  A watch ends when FILE changes.  What was
said of which path is added to FILE.told."""
import base64
import http.client
import json
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

TARGET, FILE = sys.argv[1].split("://")[-1], sys.argv[2]


def mode():
    with open(FILE) as f:
        return f.read().strip()


def b64(text):
    return base64.b64encode(text.encode()).decode()


def foreign(answer):
    answer.setdefault("kvs", []).append({"key": b64("/other/thing"), "value": b64("x")})
    return answer


def again(answer):
    return dict(answer, more=True)


def backwards(answer):
    return dict(answer, kvs=answer.get("kvs", [])[::-1])


# What becomes of an answer: by path, or "" for all of them.
LIES = {
    "nothing in it": {"": lambda a: {}},
    "nothing of what is there": {"range": lambda a: {}},
    "a list that is none": {"range": lambda a: dict(a, kvs={"key": "x"})},
    "keys of others": {"range": foreign},
    "the same for ever": {"range": again},
    "keys in disorder": {"range": backwards},
    "no base64": {"range": lambda a: dict(a, kvs=[{"key": "?", "value": "?"}])},
    "keys of numbers": {"range": lambda a: dict(a, kvs=[{"key": 7}])},
    "a revision of words": {"": lambda a: dict(a, header={"revision": "seven"})},
    "leases without a number": {"grant": lambda a: {"TTL": "3"}, "keepalive": lambda a: {}},
    "conditions of words": {"txn": lambda a: dict(a, succeeded="maybe", responses="none")},
}
# What is said in the place of a watch's lines, the first of which is that it was made.
WATCHES = {
    "garbage in the watch": lambda line: b"\x00\xff garbage {\n",
    "nothing of a watch": lambda line: None,
    "a watch without an end": lambda line: b"[" * 65536,
    "a watch that goes back": lambda line: b'{"result":{"header":{"revision":"1"},"created":true}}\n',
    "a watch of nothing": lambda line: b'{"result":7}\n',
    "a watch of no keys": lambda line: b'{"result":{"header":{"revision":"99999999"},"events":[{"kv":{}}]}}\n',
    "an error in the watch": lambda line: b'{"error":{"message":"no"}}\n',
}
LOST = "an answer that is lost"  # of what was done
HELD = "a watch that is held back"  # all but its first line
LATE = "a watch that comes late"  # asked for only when FILE says something else
SLOW = "an answer that comes late"  # the first one about a policy, and then
HOLDS = threading.Lock()


def asks_policy(body):
    return base64.b64decode(json.loads(body).get("key", "")).endswith(b"/policy")


def tell(what):
    with open(FILE + ".told", "a") as f:
        f.write(what + "\n")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/watch") and mode() == LATE:
            tell("%s: watch" % LATE)
            while mode() == LATE:
                time.sleep(0.05)
        server = http.client.HTTPConnection(TARGET, timeout=60)
        server.request("POST", self.path, body, {"Content-Type": "application/json"})
        answer = server.getresponse()
        what = self.path.rsplit("/", 1)[1]
        if what == "watch":
            return self.watch(server, answer)
        lie = mode()
        data, how = answer.read(), LIES.get(lie, {})
        if lie == SLOW and asks_policy(body) and not HOLDS.locked():
            with HOLDS:
                tell("%s: %s" % (lie, what))
                while mode() == SLOW:
                    time.sleep(0.05)
        if lie == LOST and what == "txn":
            self.close_connection = True
            return
        if answer.status == 200 and (what in how or "" in how):
            tell("%s: %s" % (lie, what))
            data = json.dumps(how.get(what, how.get(""))(json.loads(data))).encode()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def watch(self, server, answer):
        begun, first = mode(), True
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        threading.Thread(target=self.end_when_changed, args=(begun, server), daemon=True).start()
        while line := answer.readline():
            said = line if begun not in WATCHES else WATCHES[begun](line)
            if begun == HELD and not first:
                said = None
            first = False
            if b'"compact_revision"' in line:
                tell("compacted: watch")
            while said:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(said), said))
                self.wfile.flush()
                if not said.startswith(b"[["):
                    break
        self.close_connection = True

    def end_when_changed(self, begun, server):
        while mode() == begun:
            time.sleep(0.1)
        for sock in (server.sock, self.connection):
            try:
                sock.shutdown(2)
            except (OSError, AttributeError):
                pass

    def handle(self):
        try:
            super().handle()
        except (OSError, http.client.HTTPException):
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


if TARGET == "--list":
    print("\n".join(LIES if FILE == "answers" else WATCHES))
else:
    Server(("0.0.0.0", 2379), Handler).serve_forever()
