#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A registry that behaves as the first part of a repository's name says: server PORT DIRECTORY.

Every request is a line of JSON in DIRECTORY/log; DIRECTORY/ready appears when it listens.  Without
a behaviour ("good/...") it is an honest one with an image of three layers; the tag "index" is an
index, "arm" one of variants, "variant-0" to "variant-4" are images that share two of the layers,
"alone" and "stacked" two that have one in different places; and uploads work.  With
the argument --other=PORT some answers redirect there; --tls=CERT,KEY speaks TLS; --search=1 has
/v1/search, too; --as=BEHAVIOUR is one for all names.
"""
import base64
import gzip
import hashlib
import io
import json
import os
import re
import ssl
import sys
import tarfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../hostile"))
import archives  # noqa: E402

OCI = "application/vnd.oci.image."
MANIFEST, INDEX = OCI + "manifest.v1+json", OCI + "index.v1+json"
CONFIG, LAYER = OCI + "config.v1+json", OCI + "layer.v1.tar+gzip"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make_layer(name, size):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        info = tarfile.TarInfo(name)
        # Bytes that do not compress: the blob is as long as the file.
        data = b"".join(hashlib.sha256(b"%s%d" % (name.encode(), i)).digest()
                        for i in range(size // 32))
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return raw.getvalue()


def text_of(document):
    return json.dumps(document, sort_keys=True).encode()


class Image:
    """Blobs and manifests by digest, and the manifest of each tag."""

    def __init__(self):
        self.blobs, self.manifests, self.tags, self.big = {}, {}, {}, None
        layers, diffs = [], []
        for name, size in (("one", 4096), ("two", 3 << 20), ("three", 65536)):
            plain = make_layer(name, size)
            diffs.append(digest_of(plain))
            layers.append(self.add(gzip.compress(plain, 1, mtime=0), LAYER))
        self.big = layers[1]["digest"]
        self.layers = layers
        self.manifest = self.make(diffs, layers, "amd64")
        other = self.make(diffs, layers, "arm64")
        self.put("latest", text_of(self.manifest), MANIFEST)
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
            {**self.entry(text_of(m)), "platform": {"os": "linux", "architecture": a}}
            for a, m in (("arm64", other), ("amd64", self.manifest))]}
        self.put("index", text_of(index), INDEX)
        arms = [(v, self.make(diffs, layers, "arm", variant=v)) for v in ("v7", "v8", "v6")]
        self.put("arm", text_of({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
            {**self.entry(text_of(m)),
             "platform": {"os": "linux", "architecture": "arm", "variant": v}}
            for v, m in arms]}), INDEX)
        self.bomb = self.add(archives.zstd_bomb(10 << 30), OCI + "layer.v1.tar+zstd")
        for i in range(5):
            plain = make_layer(f"own-{i}", 8192)
            own = self.add(gzip.compress(plain, 1, mtime=0), LAYER)
            self.put(f"variant-{i}", text_of(self.make(
                diffs[:2] + [digest_of(plain)], layers[:2] + [own], "amd64")), MANIFEST)
        # The same blob above nothing, and as the fourth above the big one.
        plain = make_layer("shared", 8192)
        shared, diff = self.add(gzip.compress(plain, 1, mtime=0), LAYER), digest_of(plain)
        order = (1, 0, 2)
        self.put("alone", text_of(self.make([diff], [shared], "amd64")), MANIFEST)
        self.put("stacked", text_of(self.make(
            [diffs[i] for i in order] + [diff], [layers[i] for i in order] + [shared], "amd64")),
            MANIFEST)
        for m in [other, self.manifest] + [m for _, m in arms]:
            self.manifests[digest_of(text_of(m))] = (text_of(m), MANIFEST)

    def add(self, data, media_type):
        digest = digest_of(data)
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def make(self, diffs, layers, architecture, **more):
        config = self.add(text_of({
            "architecture": architecture, "os": "linux", "config": {"Cmd": ["/one"]},
            "rootfs": {"type": "layers", "diff_ids": diffs}, **more}), CONFIG)
        return {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}

    @staticmethod
    def entry(text):
        return {"mediaType": MANIFEST, "digest": digest_of(text), "size": len(text)}

    def put(self, tag, text, media_type):
        self.manifests[digest_of(text)] = (text, media_type)
        self.tags[tag] = (text, media_type)


IMAGE = Image()
LOCK = threading.Lock()
COUNTS = {}
UNMOUNTED = ("no-mount", "token-foreign", "token-unmounted")  # where nothing is there already
UPLOADS = {}  # what has come of uploads in parts, by their path
OPTIONS = {"other": "0", "tls": "", "search": "", "as": ""}
CATALOG = ["base/deb", "evil/\x1b[31mred", "team/deb-tools", "team/web", "z/deb"]
SEARCHED = [
    {"name": "one/deb", "description": "few\nstars\x1b]0;title\x07", "star_count": 3,
     "is_official": False, "is_automated": True},
    {"name": "deb", "description": "The \u2603 one of all that has a description of many words",
     "star_count": 1200, "is_official": True},
    {"description": "no name"},
    {"name": "two/deb", "star_count": 3},
]


def count(key):
    with LOCK:
        COUNTS[key] = COUNTS.get(key, 0) + 1
        return COUNTS[key]


def changed(**members):
    return text_of({**IMAGE.manifest, **members})


def with_layer(**members):
    return changed(layers=[{**IMAGE.layers[0], **members}] + IMAGE.layers[1:])


# What a behaviour answers in place of the manifest: text, media type, further headers, status.
MANIFESTS = {
    "html": lambda: (b"<html>Log in, please</html>", "text/html"),
    "empty": lambda: (b"", MANIFEST),
    "garbage": lambda: (b"\x00\xff" * 100, MANIFEST),
    "truncated": lambda: (text_of(IMAGE.manifest)[:100], MANIFEST),
    "array": lambda: (b"[]", MANIFEST),
    "deep": lambda: (b'{"a":' * 5000 + b"1" + b"}" * 5000, MANIFEST),
    "huge": lambda: (b" " * (5 << 20), MANIFEST),
    "schema1": lambda: (text_of({"schemaVersion": 1, "fsLayers": []}),
                        "application/vnd.docker.distribution.manifest.v1+json"),
    "schema3": lambda: (changed(schemaVersion=3), MANIFEST),
    "both": lambda: (changed(manifests=[]), MANIFEST),
    "claims-index": lambda: (text_of(IMAGE.manifest), INDEX),
    "claims-inside": lambda: (changed(mediaType=INDEX), MANIFEST),
    "no-layers": lambda: (text_of({"schemaVersion": 2, "config": IMAGE.manifest["config"]}),
                          MANIFEST),
    "few-layers": lambda: (changed(layers=IMAGE.layers[:1]), MANIFEST),
    "many-layers": lambda: (changed(layers=IMAGE.layers * 100), MANIFEST),
    "swapped": lambda: (changed(layers=IMAGE.layers[::-1]), MANIFEST),
    "foreign": lambda: (with_layer(
        mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        urls=["http://127.0.0.1:1/x"]), MANIFEST),
    "bomb": lambda: (changed(layers=IMAGE.layers[:2] + [IMAGE.bomb]), MANIFEST),
    "urls": lambda: (with_layer(urls=["http://127.0.0.1:1/x"]), MANIFEST),
    "artifact": lambda: (with_layer(mediaType="application/x-helm"), MANIFEST),
    "digest-path": lambda: (with_layer(digest="sha256:../../../../etc/passwd"), MANIFEST),
    "digest-upper": lambda: (with_layer(digest=IMAGE.layers[0]["digest"].upper()), MANIFEST),
    "digest-short": lambda: (with_layer(digest="sha256:abc"), MANIFEST),
    "digest-sha512": lambda: (with_layer(digest="sha512:" + "0" * 128), MANIFEST),
    "size-negative": lambda: (with_layer(size=-1), MANIFEST),
    "size-less": lambda: (with_layer(size=10), MANIFEST),
    "size-more": lambda: (with_layer(size=1 << 20), MANIFEST),
    "size-huge": lambda: (with_layer(size=(1 << 63) - 1), MANIFEST),
    "size-text": lambda: (with_layer(size="10"), MANIFEST),
    "config-huge": lambda: (changed(config={**IMAGE.manifest["config"], "size": 1 << 40}),
                            MANIFEST),
    "header-lies": lambda: (text_of(IMAGE.manifest), MANIFEST,
                            {"Docker-Content-Digest": "sha256:" + "0" * 64}),
    "platforms": lambda: (text_of({"schemaVersion": 2, "manifests": [
        {**IMAGE.entry(b"x"), "platform": {"os": "linux", "architecture": "vax"}}]}), INDEX),
    "index-empty": lambda: (text_of({"schemaVersion": 2, "manifests": []}), INDEX),
    "index-gone": lambda: (text_of({"schemaVersion": 2, "manifests": [
        {**IMAGE.entry(b"gone"), "platform": {"os": "linux", "architecture": "amd64"}}]}), INDEX),
    "gone": lambda: (text_of({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "no such"}]}),
                     "application/json", {}, 404),
    "denied": lambda: (text_of({"errors": [{"message": "not for \x1b[31myou"}]}),
                       "application/json", {}, 403),
    "teapot": lambda: (b"", "text/plain", {}, 418),
    "busy": lambda: (b"", "text/plain", {"Retry-After": "0"}, 503),
    "limited": lambda: (b"", "text/plain", {"Retry-After": "0"}, 429),
    "login": lambda: (b"", "text/plain", {}, 401),
    "login-odd": lambda: (b"", "text/plain", {"WWW-Authenticate": "Negotiate"}, 401),
    "login-broken": lambda: (b"", "text/plain", {"WWW-Authenticate": 'Bearer realm="'}, 401),
    "login-file": lambda: (b"", "text/plain",
                           {"WWW-Authenticate": 'Bearer realm="file:///etc/passwd"'}, 401),
    "loop": lambda: (b"", "text/plain", {"Location": "/v2/loop/manifests/latest"}, 307),
    "nowhere": lambda: (b"", "text/plain", {}, 307),
    "to-file": lambda: (b"", "text/plain", {"Location": "file:///etc/passwd"}, 302),
    "long-header": lambda: (b"", MANIFEST, {"X-Long": "x" * 200000}),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self):
        with LOCK, open(os.path.join(OPTIONS["directory"], "log"), "a", encoding="utf-8") as f:
            f.write(json.dumps({"method": self.command, "path": self.path,
                                "authorization": self.headers.get("Authorization"),
                                "range": self.headers.get("Range")}) + "\n")

    def answer(self, body=b"", media_type="application/json", headers=None, status=200):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", media_type)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self):
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(length)

    def reset(self):
        """End the connection as a crash does."""
        self.wfile.flush()
        self.close_connection = True
        self.connection.close()

    def do_GET(self):
        self.note()
        if self.path.startswith("/token"):
            return self.token()
        if self.path == "/v2/" or self.path == "/v2":
            return self.answer(b"{}")
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        if url.path == "/v1/search" and OPTIONS["search"]:
            return self.search(query)
        if url.path == "/v2/_catalog":
            return self.page("repositories", CATALOG, query)
        if url.path.endswith("/tags/list"):
            return self.list_tags(url.path.split("/")[2], query)
        if "/blobs/uploads/" in url.path:
            return self.upload_status(url.path)
        match = re.fullmatch(r"/v2/([^/]+)(/.*)?/(manifests|blobs)/([^/?]+)(\?.*)?", self.path)
        if not match:
            return self.answer(status=404)
        behaviour, rest, kind, reference = match.group(1, 2, 3, 4)
        if behaviour.startswith("token") and not self.has_token(behaviour, rest or "", kind=kind):
            return None
        if behaviour == "basic-never":
            return self.answer(status=401, headers={"WWW-Authenticate": 'Basic realm="here"'})
        if behaviour == "basic" and self.headers.get("Authorization") != self.basic("me", "secret"):
            return self.answer(status=401, headers={"WWW-Authenticate": 'Basic realm="here"'})
        return getattr(self, kind)(OPTIONS["as"] or behaviour, reference)

    do_HEAD = do_GET

    @staticmethod
    def basic(user, password):
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def origin(self, port=None):
        scheme = "https" if OPTIONS["tls"] else "http"
        return f"{scheme}://127.0.0.1:{port or self.server.server_port}"

    def has_token(self, behaviour, rest, rights="pull", kind=""):
        repository = behaviour + rest
        wanted = f"Bearer {repository}:{rights}"
        given = self.headers.get("Authorization") or ""
        # Of some the token that was just given is no good, anywhere or for blobs.
        never = behaviour == "token-never" or (behaviour == "token-no-blobs" and kind == "blobs")
        if given.startswith(wanted) and not never:
            return True
        headers = {"WWW-Authenticate": f'Bearer realm="{self.origin()}/token",service="here",'
                                       f'scope="repository:{repository}:{rights}"'}
        self.answer(status=401, headers=headers)
        return False

    def deny(self):
        """The token is good, but not for this."""
        return self.answer(status=401, headers={
            "WWW-Authenticate": f'Bearer realm="{self.origin()}/token",service="here"'})

    def token(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        scopes = query.get("scope", [""])
        given = self.headers.get("Authorization")
        # Who has no rights at a neighbour's gets no token at all.
        if any("token-foreign/" in s for s in scopes) and not all("token-foreign/" in s for s in scopes):
            return self.answer(text_of({"details": "not at the neighbour's"}), status=403)
        if "token-private" in scopes[0] and given != self.basic("me", "secret"):
            return self.answer(text_of({"details": "incorrect username or password"}), status=401)
        if "token-html" in scopes[0]:
            return self.answer(b"<html>", "text/html")
        if "token-huge" in scopes[0]:
            return self.answer(b" " * (1 << 20))
        if "token-injects" in scopes[0]:
            return self.answer(text_of({"token": "a\r\nX-Evil: 1"}))
        best = max(scopes, key=len)
        return self.answer(text_of({"token": best.removeprefix("repository:")}))

    def search(self, query):
        words = query["q"][0]
        found = [entry for entry in SEARCHED if words in entry.get("name", words)]
        return self.answer(text_of({"query": words, "results": found[:int(query["n"][0])]}))

    def page(self, member, everything, query, size=2):
        """Two entries at a time, as registries with many do it."""
        last = query.get("last", [""])[0]
        rest = everything[everything.index(last) + 1 if last else 0:]
        headers = {}
        if len(rest) > size:
            after = urllib.parse.quote(rest[size - 1])
            headers["Link"] = f'<{self.path.split("?")[0]}?last={after}&n={size}>; rel="next"'
        return self.answer(text_of({member: rest[:size]}), headers=headers)

    def list_tags(self, behaviour, query):
        links = {"tags-elsewhere": f'<{self.origin(OPTIONS["other"])}/x>; rel="next"',
                 "tags-loop": f'<{self.path}>; rel="next"'}
        if behaviour in links:
            return self.answer(text_of({"tags": ["latest"]}), headers={"Link": links[behaviour]})
        if behaviour == "tags-html":
            return self.answer(b"<html>", "text/html")
        if behaviour == "tags-none":
            return self.answer(text_of({"name": "x", "tags": None}))
        return self.page("tags", ["../up", "index", "latest", "a\x1b[31mb", "latest"], query)

    def upload_status(self, path):
        return self.answer(status=204, headers={
            "Location": path, "Range": f"0-{len(UPLOADS.get(path, b'')) - 1}"})

    def manifests(self, behaviour, reference):
        if behaviour == "flaky" and count("flaky") < 3:
            return self.answer(status=503)
        if behaviour == "later" and time.time() < OPTIONS.setdefault("later", time.time() + 3):
            return self.answer(status=429, headers={"Retry-After": "4"})
        if behaviour == "later-date" and time.time() < OPTIONS.setdefault("date", time.time() + 3):
            return self.answer(status=429, headers={
                "Retry-After": self.date_time_string(time.time() + 5)})
        if behaviour == "silent":
            time.sleep(60)
            return self.reset()
        if behaviour == "hangs-up":
            return self.reset()
        if behaviour == "elsewhere":
            place = self.origin(OPTIONS["other"])
            return self.answer(status=307, headers={
                "Location": place + self.path.replace("elsewhere", "good")})
        if behaviour in MANIFESTS and (reference == "latest" or not reference.startswith("sha")):
            return self.answer(*MANIFESTS[behaviour]())
        found = IMAGE.tags.get(reference) or IMAGE.manifests.get(reference)
        if not found:
            return self.answer(status=404)
        return self.answer(found[0], found[1], {"Docker-Content-Digest": digest_of(found[0])})

    def blobs(self, behaviour, digest):
        data = IMAGE.blobs.get(digest)
        if data is None or (behaviour in UNMOUNTED and self.command == "HEAD"):
            return self.answer(status=404)
        if behaviour == "no-config" and digest == IMAGE.manifest["config"]["digest"]:
            return self.answer(status=404)
        if digest == IMAGE.big and hasattr(self, "big_" + behaviour.replace("-", "_")):
            return getattr(self, "big_" + behaviour.replace("-", "_"))(data)
        return self.serve(data)

    def first_wanted(self):
        match = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")
        return int(match.group(1)) if match else 0

    def serve(self, data, claim=None):
        first = self.first_wanted()
        if first:
            return self.answer(data[first:], "application/octet-stream", {
                "Content-Range": claim or f"bytes {first}-{len(data) - 1}/{len(data)}"}, 206)
        return self.answer(data, "application/octet-stream")

    # --- what happens to the big layer ---

    def part(self, data, n):
        """@n bytes of an answer that promised all."""
        first = self.first_wanted()
        headers = {"Content-Length": str(len(data) - first)}
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        self.answer(data[first:first + n], "application/octet-stream", headers,
                    206 if first else 200)
        self.reset()

    def big_breaks(self, data):
        self.part(data, 1 << 20)

    def big_breaks_always(self, data):
        self.part(data, 1000)

    def big_no_range(self, data):
        """Breaks once; then begins at the beginning whatever was asked for."""
        if count("no-range") == 1:
            return self.part(data, 100000)
        return self.answer(data, "application/octet-stream")

    def big_wrong_range(self, data):
        if not self.first_wanted():
            return self.part(data, 100000)
        return self.serve(data, f"bytes 0-{len(data) - 1}/{len(data)}")

    def big_wrong_total(self, data):
        if not self.first_wanted():
            return self.part(data, 100000)
        first = self.first_wanted()
        return self.serve(data, f"bytes {first}-{len(data) - 1}/{len(data) + 5}")

    def big_range_refused(self, data):
        if self.first_wanted():
            return self.answer(status=416)
        return self.part(data, 100000) if count("refused") == 1 else self.serve(data)

    def big_flipped(self, data):
        return self.serve(data[:5000] + b"\x00" + data[5001:])

    def big_flipped_once(self, data):
        """What came first was wrong, and the rest of it right."""
        if count("flipped-once") == 1:
            return self.part(b"\x00" + data[1:], 100000)
        return self.serve(data)

    def big_short(self, data):
        self.answer(data[:-1000], "application/octet-stream")

    def big_long(self, data):
        self.answer(data + b"x", "application/octet-stream")

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def begin_chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def big_chunked(self, data):
        self.begin_chunked()
        for i in range(0, len(data), 100000):
            self.chunk(data[i:i + 100000])
        self.wfile.write(b"0\r\n\r\n")

    def big_endless(self, data):
        self.begin_chunked()
        try:
            while True:
                self.chunk(data)
        except OSError:
            self.close_connection = True

    def big_chunk_garbage(self, data):
        self.begin_chunked()
        self.wfile.write(b"zzzz\r\n" + data)
        self.reset()

    def big_stalls(self, data):
        self.part_then_sleep(data)

    def part_then_sleep(self, data):
        self.answer(data[:50000], "application/octet-stream", {"Content-Length": str(len(data))})
        time.sleep(60)

    def big_gate(self, data):
        """Half of it, and the rest when the test makes the file 'open'."""
        first = self.first_wanted()
        if not first:
            self.answer(data[:len(data) // 2], "application/octet-stream",
                        {"Content-Length": str(len(data))})
            self.wfile.flush()
            while not os.path.exists(os.path.join(OPTIONS["directory"], "open")):
                time.sleep(0.02)
            self.wfile.write(data[len(data) // 2:])
        else:
            self.serve(data)

    def big_blob_gone(self, _):
        self.answer(status=404)

    def big_blob_html(self, _):
        self.answer(b"<html>Log in</html>", "text/html")

    def big_blob_denied(self, _):
        self.answer(status=403)

    def big_elsewhere(self, _):
        path = re.sub("^/v2/[^/]+", "/v2/good", self.path)
        self.answer(status=307, headers={"Location": self.origin(OPTIONS["other"]) + path})

    big_basic = big_elsewhere

    # --- uploads ---

    def do_POST(self):
        self.note()
        body = self.read_body()
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/token":
            form = urllib.parse.parse_qs(body.decode())
            if form.get("refresh_token") == ["identity"]:
                return self.answer(text_of({
                    "access_token": max(form["scope"][0].split(), key=len)
                    .removeprefix("repository:")}))
            return self.answer(status=401)
        match = re.fullmatch(r"/v2/([^/]+)(/.*)?/blobs/uploads/", url.path)
        if not match:
            return self.answer(status=404)
        behaviour = match.group(1)
        if behaviour.startswith("token") and not self.has_token(
                behaviour, match.group(2) or "", "pull,push"):
            return None
        if behaviour == "token-unmounted" and url.query:
            return self.deny()
        if behaviour == "no-upload":
            return self.answer(text_of({"errors": [{"message": "read only"}]}), status=405)
        if behaviour == "no-location":
            return self.answer(status=202)
        query = urllib.parse.parse_qs(url.query)
        if query.get("mount", [""])[0] in IMAGE.blobs and behaviour not in UNMOUNTED:
            return self.answer(status=201)
        headers = {"Location": f"{url.path}{count('upload')}?state=a%20b"}
        if behaviour == "parts-wanted":
            headers["OCI-Chunk-Min-Length"] = "1024"
        return self.answer(status=202, headers=headers)

    def do_PATCH(self):
        self.note()
        url = urllib.parse.urlsplit(self.path)
        behaviour = url.path.split("/")[2]
        if behaviour == "part-breaks" and count("part-breaks") == 1:
            UPLOADS[url.path] = self.rfile.read(100000)
            return self.reset()
        body, have = self.read_body(), UPLOADS.get(url.path, b"")
        if behaviour == "small-parts" and len(body) > 1 << 20:
            return self.answer(status=413)
        if self.headers.get("Content-Range") != f"{len(have)}-{len(have) + len(body) - 1}":
            return self.answer(status=416)
        UPLOADS[url.path] = have + body
        return self.answer(status=202, headers={"Location": self.path,
                                                "Range": f"0-{len(have) + len(body) - 1}"})

    def do_PUT(self):
        self.note()
        body = self.read_body()
        url = urllib.parse.urlsplit(self.path)
        behaviour = url.path.split("/")[2]
        if "/manifests/" in url.path:
            IMAGE.put(url.path.rsplit("/", 1)[1], body, self.headers.get("Content-Type"))
            return self.answer(status=201)
        if behaviour in ("small-parts", "part-breaks") and body:
            return self.answer(status=413)
        if behaviour == "upload-flaky" and count("upload-flaky") == 1:
            return self.answer(status=503)
        if behaviour == "upload-breaks" and count("upload-breaks") == 1:
            return self.reset()
        wanted = urllib.parse.parse_qs(url.query).get("digest", [""])[0]
        body = UPLOADS.pop(url.path, b"") + body
        if digest_of(body) != wanted:
            return self.answer(text_of({"errors": [{"message": "digest invalid"}]}), status=400)
        IMAGE.blobs[wanted] = body
        return self.answer(status=201)

    def do_DELETE(self):
        self.note()
        self.answer(status=204)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


def main():
    port, directory = int(sys.argv[1]), sys.argv[2]
    OPTIONS["directory"] = directory
    for argument in sys.argv[3:]:
        name, _, value = argument.removeprefix("--").partition("=")
        OPTIONS[name] = value
    server = Server(("127.0.0.1", port), Handler)
    if OPTIONS["tls"]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*OPTIONS["tls"].split(","))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(os.path.join(directory, "ready"), "w", encoding="utf-8"):
        pass
    server.serve_forever()


main()
