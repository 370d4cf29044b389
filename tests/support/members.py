#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""members.py [--top] FILE: what an independent reader finds in a tar, a line for each member in
its order: TYPE MODE UID:GID SIZE MTIME NAME [-> LINK] [XATTR=HEX...] [sha256:HEX].  Names are as
Python writes them.  --top: FILE is what `save` wrote, and the tar is the image's last layer."""
import hashlib, io, json, sys, tarfile

TYPES = {tarfile.REGTYPE: "f", tarfile.DIRTYPE: "d", tarfile.SYMTYPE: "l", tarfile.LNKTYPE: "h",
         tarfile.CHRTYPE: "c", tarfile.BLKTYPE: "b", tarfile.FIFOTYPE: "p"}


def top_of(path):
    with tarfile.open(path) as outer:
        manifest = json.load(outer.extractfile("manifest.json"))
        return io.BytesIO(outer.extractfile(manifest[0]["Layers"][-1]).read())


def line(tar, m):
    mtime = m.pax_headers.get("mtime", "%d" % m.mtime)
    out = [TYPES[m.type], "%04o" % m.mode, "%d:%d" % (m.uid, m.gid), str(m.size), mtime,
           repr(m.name.encode("utf-8", "surrogateescape"))[2:-1]]
    if m.linkname:
        out += ["->", repr(m.linkname)[1:-1]]
    if m.ischr() or m.isblk():
        out.append("%d,%d" % (m.devmajor, m.devminor))
    for key in sorted(m.pax_headers):
        if key.startswith("SCHILY.xattr."):
            value = m.pax_headers[key].encode("utf-8", "surrogateescape")
            out.append("%s=%s" % (key[13:], value.hex()))
    if m.isreg() and m.size:
        out.append("sha256:" + hashlib.sha256(tar.extractfile(m).read()).hexdigest())
    return " ".join(out)


def main():
    path = sys.argv[-1]
    source = top_of(path) if sys.argv[1] == "--top" else \
        sys.stdin.buffer if path == "-" else open(path, "rb")
    with tarfile.open(fileobj=source, mode="r|" if path == "-" else "r:") as tar:
        for m in tar:
            print(line(tar, m))


main()
