#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile and odd archives, what must come of each, and a runner.

  archives.py make DIR            write every archive and expected.tsv
  archives.py run DIR MYBOX...    load or import each into a store of its own and compare
  archives.py run -k WORD ...     only those whose name has WORD

Every file system that is imported is compared with what Python's reader of tar makes of it, too
(independent.py).  MYBOX is a command line that takes --root, --runroot and the verbs load and import.  A canary
directory outside of every store must come out untouched.  Needs root.
"""
import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import stat
import subprocess
import sys
import zlib

sys.dont_write_bytecode = True
import independent  # noqa: E402

CASES = []


def case(name, data, verb="import", ok=True, error="", tree=None, absent=(), by_memory=False,
         options=()):
    """@tree: path -> (type, value, {attributes}); in a load, the tree of the topmost layer.
    @options: further ones of the verb.
    @by_memory: the limit of memory refuses it, which there is not under a sanitizer."""
    assert name not in [c["name"] for c in CASES], name
    CASES.append(dict(name=name, data=data, verb=verb, ok=ok, error=error, tree=tree or {},
                      absent=absent, by_memory=by_memory, options=list(options)))


# --- tar by hand: libraries would not write what is wrong here ----------------------------------
def octal(value, size):
    if value < 0 or value >= 8 ** (size - 1):
        return b"\x80" + (value & (2 ** (8 * (size - 1)) - 1)).to_bytes(size - 1, "big") \
            if value >= 0 else b"\xff" * (size - 8) + (value & (2 ** 64 - 1)).to_bytes(8, "big")
    return b"%0*o\0" % (size - 1, value)


def header(name, size=0, kind=b"0", link=b"", mode=0o644, uid=0, gid=0, mtime=1000000000,
           major=0, minor=0, magic=b"ustar\x0000", prefix=b"", checksum=None):
    head = (name[:100].ljust(100, b"\0") + octal(mode, 8) + octal(uid, 8) + octal(gid, 8)
            + octal(size, 12) + octal(mtime, 12) + b" " * 8 + kind + link[:100].ljust(100, b"\0")
            + magic + b"root".ljust(32, b"\0") * 2 + octal(major, 8) + octal(minor, 8)
            + prefix.ljust(155, b"\0"))
    head = head.ljust(512, b"\0")
    total = sum(head) if checksum is None else checksum
    return head[:148] + b"%06o\0 " % total + head[156:]


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def record(key, value):
    body = key + b"=" + value + b"\n"
    n = len(body) + 3
    while len(b"%d " % n) + len(body) != n:
        n = len(b"%d " % n) + len(body)
    return b"%d " % n + body


def pax(records, kind=b"x"):
    body = b"".join(record(k, v) for k, v in records.items())
    return header(b"PaxHeaders/x", len(body), kind) + padded(body)


def entry(name, data=b"", kind=b"0", extra=None, **more):
    if isinstance(name, str):
        name = name.encode()
    records = dict(extra or {})
    if len(name) > 100:
        records.setdefault(b"path", name)
    link = more.get("link", b"")
    if len(link) > 100:
        records.setdefault(b"linkpath", link)
    front = pax(records) if records else b""
    return front + header(name, len(data), kind, **more) + padded(data)


def file(name, data=b"data", **more):
    return entry(name, data, **more)


def directory(name, **more):
    more.setdefault("mode", 0o755)
    return entry(name, kind=b"5", **more)


def symlink(name, target, **more):
    return entry(name, kind=b"2", link=target.encode() if isinstance(target, str) else target,
                 **more)


def hardlink(name, target, **more):
    return entry(name, kind=b"1", link=target.encode() if isinstance(target, str) else target,
                 **more)


def node(name, kind, major=1, minor=3, **more):
    return entry(name, kind=kind, major=major, minor=minor, **more)


END = b"\0" * 1024


def tar(*entries):
    return b"".join(entries) + END


TYPES = {
    "file": (lambda n, **m: file(n, **m), ("f", b"data")),
    "directory": (lambda n, **m: directory(n, **m), ("d", None)),
    "symlink": (lambda n, **m: symlink(n, "target", **m), ("l", "target")),
    "hardlink": (lambda n, **m: hardlink(n, "base", **m), ("f", b"base")),
    "fifo": (lambda n, **m: entry(n, kind=b"6", **m), ("p", None)),
    "char": (lambda n, **m: node(n, b"3", **m), ("c", (1, 3))),
    "block": (lambda n, **m: node(n, b"4", 7, 0, **m), ("b", (7, 0))),
}
BASE = file("base", b"base")


def add_types(canary):
    """Every type at every odd place."""
    up = "../" * 12 + canary[1:]
    for kind, (make, want) in TYPES.items():
        case(f"{kind}-absolute", tar(BASE, make("/abs/x")), tree={"abs/x": want})
        case(f"{kind}-dotdot-out", tar(BASE, make("../x")), ok=False, error="out of the root")
        case(f"{kind}-dotdot-deep", tar(BASE, make("a/b/../../../x")), ok=False,
             error="out of the root")
        case(f"{kind}-dotdot-inside", tar(BASE, directory("a"), make("a/../x")),
             tree={"x": want})
        case(f"{kind}-dot-slash", tar(BASE, make("././d/.//x")), tree={"d/x": want})
        case(f"{kind}-through-absolute-link", tar(BASE, symlink("l", canary), make("l/x")),
             ok=False, error="in the way")
        case(f"{kind}-through-relative-link", tar(BASE, symlink("l", up), make("l/x")),
             ok=False, error="in the way")
        case(f"{kind}-link-stays-in-root",
             tar(BASE, directory(canary), symlink("l", canary), make("l/x")),
             tree={canary[1:] + "/x": want, "l": ("l", canary)})
        case(f"{kind}-over-link", tar(BASE, symlink("x", canary + "/f"), make("x")),
             tree={"x": want})
        case(f"{kind}-over-directory", tar(BASE, directory("x"), file("x/y"), make("x")),
             tree={"x": want}, absent=() if kind == "directory" else ("x/y",))
        case(f"{kind}-twice", tar(BASE, make("x"), make("x")), tree={"x": want})
        case(f"{kind}-long-name", tar(BASE, make("/".join(["n" * 200] * 5))),
             tree={"/".join(["n" * 200] * 5): want})
        case(f"{kind}-not-utf8", tar(BASE, make(b"\xff\xfe\x80")), tree={b"\xff\xfe\x80": want})


def add_names():
    case("name-of-the-root", tar(directory("./", mode=0o711), file("x")),
         tree={"": ("d", None, {"mode": 0o711}), "x": ("f", b"data")})
    case("name-root-as-file", tar(file("./")), ok=False, error="")
    case("name-root-as-link", tar(symlink(".", "/etc")), ok=False, error="root must be")
    case("name-empty", tar(file(b"")), ok=False, error="without a name")
    case("name-nul", tar(file(b"a\0b")), tree={"a": ("f", b"data")})
    case("name-part-256", tar(entry("x", extra={b"path": b"n" * 256})), ok=False,
         error="longer than 255")
    case("name-part-255", tar(entry("x", extra={b"path": b"n" * 255})),
         tree={"n" * 255: ("f", b"")})
    case("name-total-5000", tar(entry("x", extra={b"path": b"/".join([b"n" * 99] * 50)})),
         ok=False, error="longer than 4096")
    # Longer than any path that the kernel takes, which counts the NUL.
    whole = "/".join(["n" * 99] * 40 + ["m" * 96])
    odd = b"/".join([b"\xff\x80" * 49] * 40 + [b"\xfe" * 134])
    assert len(whole) == 4096 and len(odd) == 4094
    case("name-total-4096", tar(entry("x", b"far", extra={b"path": whole.encode(),
         b"mtime": b"1234567890.123456789", b"uid": b"4294967294"})),
         tree={whole: ("f", b"far", {"mtime": 1234567890123456789, "uid": 4294967294})})
    case("name-total-4097", tar(entry("x", extra={b"path": whole.encode() + b"m"})), ok=False,
         error="longer than 4096")
    case("name-total-4094-not-utf8", tar(entry(odd[:100], extra={b"path": odd})),
         tree={odd: ("f", b"")})
    case("hardlink-long-target", tar(file("/".join(["d" * 200] * 5)), hardlink("/".join(
         ["e" * 200] * 5), "/".join(["d" * 200] * 5))),
         tree={"/".join(["e" * 200] * 5): ("f", b"data", {"nlink": 2})})
    case("name-deep-1000", tar(entry("x", extra={b"path": b"/".join([b"d"] * 1000)})),
         tree={"/".join(["d"] * 1000): ("f", b"")})
    case("name-newline-escape", tar(file(b"a\n\x1b[31mb")), tree={b"a\n\x1b[31mb": ("f", b"data")})
    case("name-decomposed-utf8", tar(entry("x", extra={b"path": "e\u0301".encode()})),
         tree={"e\u0301": ("f", b"")})
    case("name-gnu-long", tar(header(b"././@LongLink", 301, b"L") + padded(b"g" * 150 + b"/"
         + b"h" * 149 + b"\0") + header(b"g" * 100, 0)), tree={"g" * 150 + "/" + "h" * 149: ("f", b"")})
    case("parent-is-file", tar(file("a"), file("a/b")), ok=False, error="in the way")
    case("parent-link-loop", tar(symlink("a", "b"), symlink("b", "a"), file("a/x")), ok=False,
         error="a/x")
    case("parent-proc-link", tar(symlink("p", "/proc/self/root"), file("p/x")), ok=False,
         error="in the way")


def add_links(canary):
    up = "../" * 12 + canary[1:]
    case("hardlink-target-out", tar(hardlink("x", up + "/f")), ok=False, error="out of the root")
    case("hardlink-target-absolute", tar(hardlink("x", canary + "/f")), ok=False, error="cannot")
    case("hardlink-target-rerooted", tar(directory("d"), file("d/f"), hardlink("x", "/d/f")),
         tree={"x": ("f", b"data", {"nlink": 2})})
    case("hardlink-target-missing", tar(hardlink("x", "nothing")), ok=False,
         error="cannot find the hard link's target")
    case("hardlink-to-directory", tar(directory("d"), hardlink("x", "d")), ok=False,
         error="to a directory")
    case("hardlink-to-root", tar(hardlink("x", "/")), ok=False, error="to the root")
    case("hardlink-to-itself", tar(file("x"), hardlink("x", "x")), tree={"x": ("f", b"data")})
    case("hardlink-to-symlink", tar(symlink("s", canary + "/f"), hardlink("x", "s")),
         tree={"x": ("l", canary + "/f"), "s": ("l", canary + "/f")})
    case("hardlink-then-write", tar(symlink("s", canary + "/f"), hardlink("x", "s"),
         file("x", b"new")), tree={"x": ("f", b"new"), "s": ("l", canary + "/f")})
    case("hardlink-through-link", tar(symlink("s", canary), hardlink("x", "s/f")), ok=False,
         error="cannot open the directory")
    case("hardlink-replaces-file", tar(file("a", b"a"), file("b", b"b"), hardlink("a", "b")),
         tree={"a": ("f", b"b", {"nlink": 2})})
    case("symlink-empty", tar(symlink("x", "")), ok=False, error="")
    case("symlink-up", tar(symlink("x", up)), tree={"x": ("l", up)})
    case("symlink-4095", tar(symlink("x", "t" * 4095)), ok=None)
    case("symlink-4096", tar(symlink("x", "t" * 4096)), ok=False, error="")
    case("symlink-owner-not-followed", tar(symlink("x", canary + "/f", uid=5, gid=6)),
         tree={"x": ("l", canary + "/f", {"uid": 5, "gid": 6})})
    case("symlink-swapped-under-directory", tar(directory("d"), file("d/a"),
         symlink("d", canary), directory("d", mode=0o777), file("d/b")),
         tree={"d": ("d", None, {"mode": 0o777}), "d/b": ("f", b"data")}, absent=("d/a",))
    case("late-times-do-not-follow", tar(directory("d", mtime=5), symlink("d", canary)),
         tree={"d": ("l", canary)})


def add_meta():
    case("mode-setuid", tar(file("x", mode=0o6755, uid=7)),
         tree={"x": ("f", b"data", {"mode": 0o6755, "uid": 7})})
    case("mode-sticky-directory", tar(directory("x", mode=0o1777)),
         tree={"x": ("d", None, {"mode": 0o1777})})
    case("mode-setgid-fifo", tar(entry("x", kind=b"6", mode=0o2644, gid=9)),
         tree={"x": ("p", None, {"mode": 0o2644, "gid": 9})})
    case("owner-32-bit", tar(file("x", uid=2 ** 32 - 2, gid=2 ** 31)),
         tree={"x": ("f", b"data", {"uid": 2 ** 32 - 2, "gid": 2 ** 31})})
    case("owner-4294967295", tar(file("x", uid=2 ** 32 - 1)), ok=False, error="out of range")
    case("owner-2-to-32", tar(file("x", uid=2 ** 32)), ok=False, error="out of range")
    case("owner-negative", tar(file("x", uid=-1)), ok=False, error="")
    case("owner-pax", tar(entry("x", extra={b"uid": b"4000000000"})),
         tree={"x": ("f", b"", {"uid": 4000000000})})
    case("time-nanoseconds", tar(entry("x", extra={b"mtime": b"1234567890.123456789"})),
         tree={"x": ("f", b"", {"mtime": 1234567890123456789})})
    case("time-negative", tar(entry("x", extra={b"mtime": b"-5.5"})), ok=None)
    case("time-directory-late", tar(directory("d", mtime=77), file("d/x")),
         tree={"d": ("d", None, {"mtime": 77 * 10 ** 9})})
    kept = {b"SCHILY.xattr.user.kept": b"1", b"SCHILY.xattr.security.capability":
            b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"}
    case("xattr-kept", tar(entry("x", extra=kept)), tree={"x": ("f", b"", {"xattrs": {
        "user.kept", "security.capability"}})})
    evil = {b"SCHILY.xattr." + n: b"y" for n in (
        b"trusted.overlay.opaque", b"trusted.overlay.redirect", b"trusted.overlay.metacopy",
        b"user.overlay.opaque", b"security.selinux", b"security.ima", b"system.nfs4_acl")}
    case("xattr-stripped", tar(entry("x", extra=evil), directory("d", extra=evil)),
         tree={"x": ("f", b"", {"xattrs": set()}), "d": ("d", None, {"xattrs": set()})})
    case("xattr-too-many", tar(entry("x", extra={b"SCHILY.xattr.user.%d" % i: b"v"
         for i in range(300)})), ok=False, error="too many")
    case("device-0-0", tar(node("x", b"3", 0, 0)), ok=False, error="0:0")
    case("device-number-range", tar(node("x", b"4", 5000, 0)), ok=False, error="out of range")
    case("type-unknown", tar(entry("x", b"data", kind=b"Q")), ok=None)
    case("type-contiguous", tar(entry("x", b"data", kind=b"7")), tree={"x": ("f", b"data")})


def sparse(name, size, pieces):
    """PAX sparse format 1.0."""
    table = b"%d\n" % len(pieces) + b"".join(b"%d\n%d\n" % (o, len(d)) for o, d in pieces)
    body = padded(table) + b"".join(d for _, d in pieces)
    return pax({b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0",
                b"GNU.sparse.name": name.encode(), b"GNU.sparse.realsize": b"%d" % size}) \
        + header(b"GNUSparseFile.0/" + name.encode(), len(body)) + padded(body)


def xz_with_dictionary(data, size):
    """A stream that claims to need a dictionary of 2 to the @size."""
    text = lzma.compress(data, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])
    block = text[12:16] + bytes([2 * (size - 12)]) + text[17:20]  # after the stream's header
    return text[:12] + block + zlib.crc32(block).to_bytes(4, "little") + text[24:]


def zstd(data):
    return subprocess.run(["zstd", "-qc"], input=data, check=True, capture_output=True).stdout


def skipped(data):
    return b"\x50\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data


def add_content():
    good = tar(file("x", b"0123456789" * 1000))
    case("sparse", tar(sparse("s", 1 << 20, [(4096, b"A" * 512), (1 << 19, b"B" * 512)])),
         tree={"s": ("s", (1 << 20, 64))})
    case("sparse-terabyte", tar(sparse("s", 1 << 40, [(0, b"A" * 512)])),
         tree={"s": ("s", (1 << 40, 64))})
    case("sparse-outside", tar(sparse("s", 512, [(1 << 20, b"A" * 512)])), ok=False, error="")
    case("truncated-header", good[:300], ok=False, error="")
    case("truncated-content", good[:4096], ok=False, error="")
    case("no-end-mark", good[:-1024], ok=None)
    case("garbage-after-end", good + b"garbage" * 1000, tree={"x": ("f", b"0123456789" * 1000)})
    case("bad-checksum", tar(header(b"x", checksum=1)), ok=False, error="")
    case("size-negative", tar(header(b"x", size=-1)), ok=False, error="")
    case("size-huge", tar(header(b"x", size=2 ** 62)), ok=False, error="")
    case("not-a-tar", b"#!/bin/sh\nexit 0\n" * 100, ok=False, error="nrecognized")
    case("empty-file", b"", ok=False, error="empty")
    case("empty-tar", END, ok=True)
    case("pax-length-lies", tar(header(b"P", 20, b"x") + padded(b"99999 path=abc\nxxxx"),
         file("x")), ok=None)
    case("pax-huge", tar(pax({b"comment": b"c" * (3 << 20)}), file("x")), ok=None)
    case("pax-global-path", tar(pax({b"path": b"../../evil"}, b"g"), file("x")), ok=None)
    case("gzip", gzip.compress(good), tree={"x": ("f", b"0123456789" * 1000)})
    case("gzip-truncated", gzip.compress(good)[:-20], ok=False, error="")
    case("gzip-corrupt", gzip.compress(good)[:30] + b"\xff" * 40 + gzip.compress(good)[70:],
         ok=False, error="")
    case("gzip-bomb", gzip.compress(tar(header(b"x", 1 << 26) + b"\0" * (1 << 26))),
         tree={"x": ("s", (1 << 26, 1 << 20))})
    case("xz", xz_with_dictionary(good, 24), tree={"x": ("f", b"0123456789" * 1000)})
    case("xz-dictionary", xz_with_dictionary(good, 31), ok=False, error="decompress",
         by_memory=True)
    long = tar(file("x", b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(160000))))
    want = {"x": ("f", b"0123456789" * 1000)}
    case("gzip-members", gzip.compress(good[:5000]) + gzip.compress(b"")
         + gzip.compress(good[5000:]), tree=want)
    case("gzip-small-then-large-member", gzip.compress(long[:1000]) + gzip.compress(long[1000:]),
         tree={"x": ("f", long[512:512 + 32 * 160000])})
    case("gzip-garbage-after", gzip.compress(good) + b"\0" * 700, tree=want)
    case("gzip-second-member-broken", gzip.compress(good[:5000])
         + gzip.compress(good[5000:])[:-12] + b"\xff" * 12, ok=None)
    case("bzip2", bz2.compress(good), tree=want)
    case("zstd", zstd(good), tree=want)
    # What is seekable ("zstd:chunked") has frames, and its table in one that is to be skipped.
    case("zstd-frames", zstd(good[:5000]) + zstd(good[5000:]) + skipped(b"table" * 100), tree=want)
    case("zstd-skipped-first", skipped(b"padding") + zstd(good), tree=want)
    case("zstd-truncated", zstd(good)[:-30], ok=False, error="")
    case("gzip-of-nothing", gzip.compress(b""), ok=False, error="empty")
    case("compress-program", b"\x1f\x9d\x90" + b"x" * 600, ok=False, error="nrecognized")
    case("lzip-program", b"LZIP\x01" + b"x" * 600, ok=False, error="nrecognized")
    case("zip-archive", b"PK\x03\x04" + b"\0" * 600, ok=False, error="nrecognized")
    case("cpio-archive", b"070701" + b"0" * 600, ok=False, error="nrecognized")


# --- whole images ---------------------------------------------------------------------------------
def sha(data):
    return hashlib.sha256(data).hexdigest()


def configuration(layers, **more):
    doc = {"architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
           "config": {"Cmd": ["sh"]},
           "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha(x) for x in layers]}}
    doc.update(more)
    return json.dumps(doc).encode()


def members(items):
    return tar(*[file(n, d) if not isinstance(d, tuple) else symlink(n, d[0])
                 for n, d in items])


def docker(layers, config=None, tags=("t:1",), names=None, config_name=None, extra=(),
           manifest=None):
    config = configuration(layers) if config is None else config
    names = names or [f"{i}/layer.tar" for i in range(len(layers))]
    config_name = config_name or sha(config) + ".json"
    doc = manifest or [{"Config": config_name, "RepoTags": list(tags), "Layers": names}]
    items = list(zip(names, layers)) + [(config_name, config)] + list(extra)
    return members(items + [("manifest.json", json.dumps(doc).encode())])


def oci(layers, blobs=None, name="t:1", layout=b'{"imageLayoutVersion":"1.0.0"}', change=None):
    store = {}

    def put(data, kind):
        store["blobs/sha256/" + sha(data)] = data
        return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + sha(data),
                "size": len(data)}
    doc = {"schemaVersion": 2, "config": put(configuration(layers), "config.v1+json"),
           "layers": [put(gzip.compress(x, mtime=0), "layer.v1.tar+gzip") for x in layers]}
    if change:
        change(doc, store)
    top = put(json.dumps(doc).encode(), "manifest.v1+json")
    top["annotations"] = {"org.opencontainers.image.ref.name": name}
    store["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [top]}).encode()
    if layout is not None:
        store["oci-layout"] = layout
    store.update(blobs or {})
    return members(store.items())


LOWER = tar(directory("d"), file("d/a"), directory("d/s"), file("d/s/b"), file("e"),
            directory("t", mode=0o1777, uid=3))


def add_whiteouts(canary):
    def two(name, upper, **more):
        case("whiteout-" + name, docker([LOWER, upper]), verb="load", **more)
    gone = ("c", (0, 0))
    two("file", tar(directory("d"), file("d/.wh.a", b"")), tree={"d/a": gone})
    two("directory", tar(file(".wh.d", b"")), tree={"d": gone})
    two("of-dot", tar(file(".wh..", b"")), ok=False, error="whiteout of nothing")
    two("of-dotdot", tar(file(".wh...", b"")), ok=False, error="whiteout of nothing")
    two("of-empty", tar(file(".wh.", b"")), ok=False, error="whiteout of nothing")
    two("of-whiteout", tar(file(".wh..wh.x", b"")), absent=("x", ".wh.x"))
    two("aufs", tar(directory(".wh..wh.plnk"), file(".wh..wh.plnk/1.2", b"x")),
        absent=(".wh..wh.plnk",))
    two("inside", tar(file(".wh.d/x", b"")), ok=False, error="inside of a whiteout")
    two("opaque", tar(directory("d"), file("d/.wh..wh..opq", b""), file("d/n")),
        tree={"d": ("d", None, {"opaque": True}), "d/n": ("f", b"data")})
    two("opaque-after-sibling", tar(directory("d"), file("d/n"), file("d/.wh..wh..opq", b"")),
        tree={"d": ("d", None, {"opaque": True}), "d/n": ("f", b"data")})
    two("opaque-root", tar(file(".wh..wh..opq", b"")), tree={"": ("d", None, {"opaque": True})})
    two("then-file", tar(file(".wh.e", b""), file("e", b"new")), tree={"e": ("f", b"new")})
    two("after-file", tar(file("e", b"new"), file(".wh.e", b"")), tree={"e": ("f", b"new")})
    two("then-directory", tar(file(".wh.d", b""), directory("d"), file("d/n")),
        tree={"d": ("d", None, {"opaque": True}), "d/n": ("f", b"data")})
    two("after-directory", tar(directory("d"), file("d/n"), file(".wh.d", b"")),
        tree={"d": ("d", None, {"opaque": True}), "d/n": ("f", b"data")})
    two("then-inside", tar(file(".wh.d", b""), file("d/n")),
        tree={"d": ("d", None, {"opaque": True}), "d/n": ("f", b"data")})
    two("through-link", tar(symlink("l", canary), file("l/.wh.f", b"")), ok=False,
        error="in the way")
    two("opaque-through-link", tar(symlink("l", canary), file("l/.wh..wh..opq", b"")), ok=False,
        error="in the way")
    two("dotdot", tar(file("../.wh.x", b"")), ok=False, error="out of the root")
    two("hardlink-to", tar(file(".wh.e", b""), hardlink("x", "e")), ok=False,
        error="to a whiteout")
    two("implied-parent", tar(file("t/.wh.x", b"")),
        tree={"t": ("d", None, {"mode": 0o1777, "uid": 3})})
    case("whiteout-in-bottom", docker([tar(file("a"), file(".wh.b", b""),
         file(".wh..wh..opq", b""))]), verb="load", tree={"a": ("f", b"data"),
         "": ("d", None, {"opaque": False})}, absent=("b", ".wh.b"))


def add_images():
    a, b = tar(file("a", b"a")), tar(file("b", b"b"))
    want = {"a": ("f", b"a")}

    def load(name, data, **more):
        case("image-" + name, data, verb="load", **more)
    load("docker", docker([a]), tree=want)
    load("oci", oci([a]), tree=want)
    for kind, squeeze in (("gzip", gzip.compress), ("bzip2", bz2.compress),
                          ("xz", lzma.compress), ("zstd", zstd)):
        load(kind + "-outside", squeeze(docker([a])), tree=want)
    load("bzip2-layer", docker([bz2.compress(a)], config=configuration([a])), tree=want)
    load("bzip2-truncated", bz2.compress(docker([a]))[:-20], ok=False, error="")
    load("layer-link", members([("1/layer.tar", a), ("2/layer.tar", ("../1/layer.tar",)),
         ("c.json", configuration([a])), ("manifest.json", json.dumps([{"Config": "c.json",
          "RepoTags": ["t:1"], "Layers": ["2/layer.tar"]}]).encode())]), tree=want)
    load("layer-link-loop", members([("1/layer.tar", ("../1/layer.tar",)),
         ("c.json", configuration([a])), ("manifest.json", json.dumps([{"Config": "c.json",
          "RepoTags": ["t:1"], "Layers": ["1/layer.tar"]}]).encode())]), ok=False, error="links")
    load("layer-link-out", members([("1/layer.tar", ("../../../../etc/passwd",)),
         ("c.json", configuration([a])), ("manifest.json", json.dumps([{"Config": "c.json",
          "RepoTags": ["t:1"], "Layers": ["1/layer.tar"]}]).encode())]), ok=False,
         error="out of the root")
    load("layer-name-out", docker([a], names=["../../etc/passwd"]), ok=False, error="out of the root")
    load("layer-missing", docker([a], manifest=[{"Config": sha(configuration([a])) + ".json",
         "RepoTags": ["t:1"], "Layers": ["nope"]}]), ok=False, error="not in the archive")
    load("diff-id-wrong", docker([a], config=configuration([b])), ok=False,
         error="the content is not")
    load("second-layer-wrong", docker([a, b], config=configuration([a, a])), ok=False,
         error="the content is not")
    # Layers are made at once: the small one waits for the large one below it, and who fails has
    # the others clear away.
    large = tar(file("big", b"\1" * (40 << 20)), directory("t", mode=0o1777, uid=3))
    load("small-above-large", docker([large, tar(file("t/x"))]),
         tree={"t": ("d", None, {"mode": 0o1777, "uid": 3}), "t/x": ("f", b"data")})
    load("wrong-above-large", docker([large, b], config=configuration([large, a])), ok=False,
         error="the content is not")
    load("config-name-wrong", docker([a], config_name="0" * 64 + ".json"), ok=False,
         error="configuration")
    load("blob-name-wrong", docker([a], names=["blobs/sha256/" + "1" * 64]), ok=False,
         error="the blob is not")
    load("layer-count", docker([a, b], config=configuration([a])), ok=False, error="layers")
    load("too-many-layers", docker([a], config=configuration([a] * 129),
         manifest=[{"Config": sha(configuration([a] * 129)) + ".json", "RepoTags": ["t:1"],
                    "Layers": ["0/layer.tar"] * 129}]), ok=False, error="128")
    load("member-twice", docker([a], extra=[("0/layer.tar", b)]), ok=False, error="twice")
    load("manifest-twice", docker([a], extra=[("manifest.json", b"[]")]), ok=False,
         error="twice")
    load("no-manifest", members([("x", b"y")]), ok=False, error="neither")
    load("manifest-empty", members([("manifest.json", b"[]")]), ok=False, error="no image")
    load("manifest-not-json", members([("manifest.json", b"{")]), ok=False, error="manifest.json")
    load("manifest-wrong-type", members([("manifest.json", b'{"Config":1}')]), ok=False,
         error="manifest.json")
    load("manifest-deep", members([("manifest.json", b"[" * 5000)]), ok=False,
         error="manifest.json")
    load("manifest-link", members([("manifest.json", ("/etc/passwd",))]), ok=False, error="")
    load("manifest-5-mib", members([("manifest.json", b" " * (5 << 20))]), ok=False,
         error="longer than")
    load("tag-invalid", docker([a], tags=["UPPER:1"]), ok=False, error="reference format")
    load("tag-path", docker([a], tags=["../../x:1"]), ok=False, error="reference format")
    load("tag-digest", docker([a], tags=["x@sha256:" + "0" * 64]), ok=False, error="digest")
    load("repositories-ignored", docker([a], extra=[("repositories",
         b'{"evil":{"latest":"x"}}')]), tree=want)
    load("config-not-json", docker([a], config=b"nope"), ok=False, error="configuration")
    load("config-deep", docker([a], config=configuration([a])[:-1] + b',"x":' + b"[" * 5000
         + b"]" * 5000 + b"}"), ok=False, error="nested deeper")
    load("config-windows", docker([a], config=configuration([a], os="windows")), ok=False,
         error="windows")
    load("config-volume-relative", docker([a], config=configuration([a], config={"Volumes":
         {"../../etc": {}}})), ok=False, error="olume")
    load("config-volume-root", docker([a], config=configuration([a], config={"Volumes":
         {"/": {}}})), ok=False, error="olume")
    load("config-port", docker([a], config=configuration([a], config={"ExposedPorts":
         {"99999/tcp": {}}})), ok=False, error="port")
    load("config-signal", docker([a], config=configuration([a], config={"StopSignal":
         "SIGNOPE"})), ok=False, error="signal")
    load("config-env-many", docker([a], config=configuration([a], config={"Env":
         ["A%d=b" % i for i in range(5000)]})), ok=False, error="Env")
    load("config-diff-id-path", docker([a], config=configuration([a], rootfs={"type": "layers",
         "diff_ids": ["sha256:../../../../etc/passwd"]})), ok=False, error="")
    load("oci-no-layout", oci([a], layout=None), ok=False, error="oci-layout")
    load("oci-layout-version", oci([a], layout=b'{"imageLayoutVersion":"9"}'), ok=False,
         error="version")

    def wrong_size(doc, store):
        doc["layers"][0]["size"] += 1

    def wrong_layer(doc, store):
        store["blobs/sha256/" + doc["layers"][0]["digest"][7:]] = gzip.compress(b)[:10].ljust(
            doc["layers"][0]["size"], b"\0")

    def digest_path(doc, store):
        doc["layers"][0]["digest"] = "sha256:../../../etc/passwd"

    def wrong_config(doc, store):
        doc["config"]["digest"] = "sha256:" + "2" * 64
        store["blobs/sha256/" + "2" * 64] = configuration([a])

    def odd_type(doc, store):
        doc["layers"][0]["mediaType"] = "application/x-sh"

    for change in (wrong_size, wrong_layer, digest_path, wrong_config, odd_type):
        load("oci-" + change.__name__.replace("_", "-"), oci([a], change=change), ok=False,
             error="")
    load("oci-bare-tag", oci([a], name="latest"), tree=want)
    load("outer-sparse", tar(sparse("manifest.json", 1 << 20, [(0, b"x" * 512)])), ok=False,
         error="sparse")
    load("outer-truncated", docker([a])[:2000], ok=False, error="")
    load("outer-name-out", tar(file("../manifest.json", b"[]")), ok=False, error="out of the root")


# --- bombs: what repeats is compressed once, or written by hand ------------------------------------
MIB, GIB = 1 << 20, 1 << 30


def zeros_front(size):
    """The beginning of a tar with one file of zeros."""
    return header(b"x", size)


def gzip_bomb(size):
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    front = stream.compress(zeros_front(size)) + stream.flush(zlib.Z_FULL_FLUSH)
    # All that a full flush ends can be repeated.
    piece = stream.compress(b"\0" * (16 * MIB)) + stream.flush(zlib.Z_FULL_FLUSH)
    return (b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + front + piece * (size // (16 * MIB))
            + b"\x03\0" + b"\0" * 8)


def zstd_bomb(size):
    """One frame: a raw block, then blocks of 128 KiB that are one byte, repeated (RFC 8878)."""
    def block(kind, n, content, last=0):
        return (last | kind << 1 | n << 3).to_bytes(3, "little") + content
    front = zeros_front(size)
    return (b"\x28\xb5\x2f\xfd\0\x38" + block(0, len(front), front)
            + block(1, 128 << 10, b"\0") * (size // (128 << 10))
            + block(1, 1024, b"\0", last=1))


def xz_bomb(size):
    return lzma.compress(zeros_front(size)) + lzma.compress(b"\0" * (64 * MIB)) * (
        size // (64 * MIB))


def zeros_digest(size):
    sum = hashlib.sha256(zeros_front(size))
    for _ in range(size // MIB):
        sum.update(b"\0" * MIB)
    sum.update(END)
    return sum.hexdigest()


def described(digest):
    return configuration([], rootfs={"type": "layers", "diff_ids": ["sha256:" + digest]})


def add_bombs():
    much = "more than 1 GiB and 200 times its size"
    wrong = described("0" * 64)
    for kind, bomb in (("gzip", gzip_bomb), ("zstd", zstd_bomb), ("xz", xz_bomb)):
        case(f"bomb-{kind}", bomb(10 * GIB), ok=False, error=much)
    case("bomb-layer", docker([gzip_bomb(10 * GIB)], config=wrong), verb="load", ok=False,
         error=much)
    case("bomb-archive", zstd_bomb(10 * GIB), verb="load", ok=False, error=much)
    # Small on the outside, and the layer in it is one.
    case("bomb-nested", gzip.compress(docker([zstd_bomb(10 * GIB)], config=wrong)), verb="load",
         ok=False, error=much)
    case("bomb-in-itself", gzip.compress(gzip_bomb(10 * GIB)), ok=False, error="")
    # What its owner allows is none.
    case("bomb-allowed", docker([zstd_bomb(1300 * MIB)], config=described(zeros_digest(
         1300 * MIB))), verb="load", options=["--max-layer-size", "1400m"],
         tree={"x": ("s", (1300 * MIB, 1024))})


def add_limits():
    good = tar(file("x", b"0123456789" * 1000))
    want, met = {"x": ("f", b"0123456789" * 1000)}, "more than --max-layer-size, 4096 bytes"
    exact, less = ["--max-layer-size", str(len(good))], ["--max-layer-size=4k"]
    below = ["--max-layer-size", str(len(good) - 1)]
    case("limit-kept", good, options=exact, tree=want)
    case("limit-kept-gzip", gzip.compress(good), options=exact, tree=want)
    case("limit-met", good, options=less, ok=False, error=met)
    case("limit-met-by-one", good, options=below, ok=False, error="--max-layer-size")
    for kind, data in (("gzip", gzip.compress(good)), ("zstd", zstd(good)),
                       ("bzip2", bz2.compress(good))):
        case("limit-met-" + kind, data, options=less, ok=False, error=met)
    case("limit-load-kept", docker([good]), verb="load", options=exact, tree=want)
    case("limit-load-met", docker([tar(file("a", b"a")), good]), verb="load", options=less,
         ok=False, error=met)
    case("limit-oci-met", oci([good]), verb="load", options=less, ok=False, error=met)
    # It is a layer's, not the archive's.
    case("limit-of-layers", gzip.compress(docker([good])), verb="load", options=exact, tree=want)


# --- running --------------------------------------------------------------------------------------
def fingerprint(top):
    """Everything about the canary that an extraction could change."""
    out = []
    for where, dirs, files in os.walk(top):
        for name in sorted(dirs + files) + ["."]:
            path = os.path.join(where, name)
            st = os.lstat(path)
            data = open(path, "rb").read() if stat.S_ISREG(st.st_mode) else b""
            out.append((path, st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns, st.st_nlink,
                        st.st_ino, data, tuple(os.listxattr(path, follow_symlinks=False))))
    return sorted(out)


KINDS = {"f": stat.S_ISREG, "s": stat.S_ISREG, "d": stat.S_ISDIR, "l": stat.S_ISLNK,
         "p": stat.S_ISFIFO, "c": stat.S_ISCHR, "b": stat.S_ISBLK}


def check_value(path, st, kind, value):
    if kind == "f" and open(path, "rb").read() != value:
        return "other content"
    if kind == "s" and (st.st_size != value[0] or st.st_blocks * 512 > value[1] * 1024 + (1 << 27)):
        return f"size {st.st_size}, blocks {st.st_blocks}"
    if kind == "l" and os.readlink(path) != value.encode():
        return "other target"
    if kind in "cb" and (os.major(st.st_rdev), os.minor(st.st_rdev)) != value:
        return "other device"
    return None


def check_attributes(path, st, more):
    xattrs = set(os.listxattr(path, follow_symlinks=False)) - {"security.selinux"}
    has = {"mode": stat.S_IMODE(st.st_mode), "uid": st.st_uid, "gid": st.st_gid,
           "nlink": st.st_nlink, "mtime": st.st_mtime_ns, "xattrs": xattrs,
           "opaque": "trusted.overlay.opaque" in xattrs}
    for key, value in more.items():
        if has[key] != value:
            return f"{key} is {has[key]}, not {value}"
    return None


def topmost(root):
    """The chain id of the image's last layer."""
    images = os.path.join(root, b"images")
    name = [n for n in os.listdir(images) if n.endswith(b".json")][0]
    with open(os.path.join(images, name), "rb") as f:
        diff_ids = json.load(f)["rootfs"]["diff_ids"]
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = "sha256:" + sha((chain + " " + diff_id).encode())
    return chain[7:].encode()


def reach(top, name):
    """A path to @name that is short enough for the kernel; the descriptor stays open."""
    if len(name) < 3000:
        return os.path.join(top, name) if name else top
    fd = os.open(top, os.O_PATH)
    *above, leaf = name.split(b"/")
    for part in above:
        try:
            fd, old = os.open(part, os.O_PATH | os.O_NOFOLLOW, dir_fd=fd), fd
        except FileNotFoundError:
            return os.path.join(top, b"nothing there")
        os.close(old)
    return b"/proc/self/fd/%d/" % fd + leaf


def check_tree(root, c):
    top = os.path.join(root, b"layers", topmost(root), b"diff")
    if not os.path.isdir(top):
        return "no layer was made"
    for name, want in c["tree"].items():
        raw = name if isinstance(name, bytes) else name.encode()
        path = reach(top, raw)
        if not os.path.lexists(path):
            return f"{name!r} is missing"
        st = os.lstat(path)
        kind, value = want[0], want[1]
        if not KINDS[kind](st.st_mode):
            return f"{name!r} is no {kind}"
        problem = check_value(path, st, kind, value)
        if not problem and len(want) > 2:
            problem = check_attributes(path, st, want[2])
        if problem:
            return f"{name!r}: {problem}"
    for name in c["absent"]:
        if os.path.lexists(os.path.join(top, name.encode())):
            return f"{name!r} is there"
    return None


def second_opinion(root, c, path, top):
    """What another unpacker makes of an archive of one file system."""
    if c["verb"] != "import":
        return None
    scratch = os.path.join(top, "scratch")
    subprocess.run(["rm", "-rf", scratch], check=True)
    os.mkdir(scratch)
    ours = os.path.join(root, b"layers", topmost(root), b"diff")
    other = independent.difference(path, ours, scratch)
    if c["name"] in independent.DIFFERS:
        return None if other else "differs no longer from Python"
    return other


def leftovers(root):
    out = []
    for name in ("ingest", "layers", "images", "refs"):
        path = os.path.join(root, name)
        out += [name + "/" + x for x in (os.listdir(path) if os.path.isdir(path) else [])
                if not x.startswith("empty")]
    return out


def is_sanitized(program):
    with open(program, "rb") as f:
        return b"__asan_init" in f.read()


def run_case(c, top, program):
    root = os.path.join(top, "root")
    run = os.path.join(top, "run")
    path = os.path.join(top, "archives", c["name"] + ".tar")
    for d in (root, run):
        subprocess.run(["rm", "-rf", d], check=True)  # too deep for shutil
        os.mkdir(d, 0o700)
    words = ["load", "-i", path] if c["verb"] == "load" else ["import", path, "case:1"]
    words[1:1] = c["options"]
    try:
        done = subprocess.run(program + ["--root", root, "--runroot", run] + words,
                              capture_output=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "timed out"
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode < 0 or "Sanitizer" in said or done.returncode > 125:
        return f"crashed ({done.returncode}): {said[-600:]}"
    if c["ok"] is None or (c["by_memory"] and is_sanitized(program[0])):
        return None
    if c["ok"]:
        if done.returncode:
            return f"failed: {said}"
        return check_tree(os.fsencode(root), c) or second_opinion(os.fsencode(root), c, path, top)
    if done.returncode == 0:
        return "was accepted"
    told = [x for x in said.split("\n") if x.startswith("mybox: ")]
    if len(told) != 1 or c["error"] not in told[0]:
        return f"said: {said}"
    if c["verb"] == "load" and len(os.listdir(os.path.join(root, "refs"))
                                   if os.path.isdir(os.path.join(root, "refs")) else []):
        return "left a name"
    left = [x for x in leftovers(root) if not x.startswith("layers/") or c["verb"] == "import"]
    return f"left {left}" if left else None


def build(canary):
    add_types(canary)
    add_names()
    add_links(canary)
    add_meta()
    add_content()
    add_whiteouts(canary)
    add_images()
    add_bombs()
    add_limits()


def make(top):
    os.makedirs(os.path.join(top, "archives"), exist_ok=True)
    canary = os.path.join(top, "canary")
    build(canary)
    with open(os.path.join(top, "expected.tsv"), "w") as table:
        for c in CASES:
            with open(os.path.join(top, "archives", c["name"] + ".tar"), "wb") as out:
                out.write(c["data"])
            outcome = {True: "ok", False: "refused", None: "either"}[c["ok"]]
            table.write(f"{c['name']}\t{c['verb']}\t{outcome}\t{c['error']}\n")
    return canary


def run(top, program, word):
    canary = make(top)
    os.makedirs(os.path.join(canary, "sub"), exist_ok=True)
    for name in ("f", "sub/g"):
        with open(os.path.join(canary, name), "w") as out:
            out.write("canary")
    before = fingerprint(canary)
    bad = 0
    chosen = [c for c in CASES if word in c["name"]]
    print(f"1..{len(chosen)}")
    for number, c in enumerate(chosen, 1):
        problem = run_case(c, top, program)
        if fingerprint(canary) != before:
            problem = "TOUCHED THE CANARY"
            before = fingerprint(canary)
        bad += problem is not None
        print(f"{'not ok' if problem else 'ok'} {number} {c['name']}"
              + (f"\n# {problem}" if problem else ""), flush=True)
    return 1 if bad else 0


def main(args):
    if len(args) == 2 and args[0] == "make":
        make(os.path.abspath(args[1]))
        return 0
    word = ""
    if len(args) > 2 and args[1] == "-k":
        word = args[2]
        del args[1:3]
    if len(args) >= 3 and args[0] == "run":
        return run(os.path.abspath(args[1]), args[2:], word)
    sys.stderr.write(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
