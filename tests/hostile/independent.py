# SPDX-License-Identifier: GPL-2.0-or-later
"""A second opinion: Python's own reader of tar unpacks an archive, and two trees are compared.

It shares no code with mybox's. What it does not do is done here, by its rules: extended attributes
(PAX records of SCHILY and LIBARCHIVE), times to the nanosecond.
"""
import base64
import encodings.idna  # noqa: F401 (nothing can be imported once the root is another one)
import hashlib
import lzma  # noqa: F401
import os
import stat
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
import zlib  # noqa: F401

sys.setrecursionlimit(20000)  # directories a thousand deep

# Accepted by mybox, and otherwise than Python unpacks it.  A row that is the same after all fails.
DIFFERS = {
    "name-total-4096": "Python gives the kernel the whole name, which is too long",
}


def set_attributes(member, name):
    for key, value in member.pax_headers.items():
        raw = value.encode("utf-8", "surrogateescape")
        if key.startswith("SCHILY.xattr."):
            key = key[13:]
        elif key.startswith("LIBARCHIVE.xattr."):
            key, raw = urllib.parse.unquote(key[17:]), base64.b64decode(raw + b"==")
        else:
            continue
        # The rest is not an image's to give.
        is_user = key.startswith("user.") and not key.startswith("user.overlay.")
        if is_user or key == "security.capability":
            os.setxattr(name, key, raw, follow_symlinks=False)
    whole, _, part = member.pax_headers.get("mtime", str(int(member.mtime))).partition(".")
    nsec = int(whole) * 10 ** 9 + int((part + "0" * 9)[:9])
    os.utime(name, ns=(nsec, nsec), follow_symlinks=False)


def remove(name):
    if os.path.isdir(name) and not os.path.islink(name):
        for below in os.listdir(name):
            remove(name + "/" + below)
        os.rmdir(name)
    elif os.path.lexists(name):
        os.remove(name)


def extract(archive):
    with tarfile.open(fileobj=archive, mode="r:*", errorlevel=2) as tar:
        # Python 3.12 filters what 3.11 takes as it is, and so does this.
        tar.extraction_filter = lambda member, path: member
        late = []
        for member in tar:
            name = os.path.normpath("/" + member.name)
            if member.isdir() and os.path.isdir(name) and not os.path.islink(name):
                os.chown(name, member.uid, member.gid)
                os.chmod(name, member.mode & 0o7777)
            else:
                target = os.path.normpath("/" + member.linkname)
                if member.islnk() and target == name:
                    continue
                remove(name)
                if member.islnk():
                    os.makedirs(os.path.dirname(name), exist_ok=True)
                    os.link(target, name, follow_symlinks=False)
                    continue
                tar.extract(member, "/", numeric_owner=True)
            if member.isdir():
                late.append((member, name))
            else:
                set_attributes(member, name)
        for member, name in reversed(late):
            if os.path.isdir(name) and not os.path.islink(name):
                set_attributes(member, name)


def opened(path):
    with open(path, "rb") as f:
        is_zstd = f.read(4) in (b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18")
    if not is_zstd:
        return open(path, "rb")
    out = tempfile.TemporaryFile()
    subprocess.run(["zstd", "-dcq", path], stdout=out, check=True)
    out.seek(0)
    return out


def unpack(path, top):
    """Into @top, as its own root. Return: what Python had to say against it, or None."""
    archive = opened(path)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        try:
            os.umask(0)
            os.chroot(top)
            os.chdir("/")
            extract(archive)
        except BaseException as problem:  # whatever it is, it is the answer
            said = f"{type(problem).__name__}: {problem}"
        os.write(writer, said.encode(errors="replace")[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as out:
        said = out.read().decode()
    os.waitpid(child, 0)
    return said or None


def content(name, dir_fd, size):
    """Of what is data only: holes can be huge."""
    digest = hashlib.sha256(b"%d" % size)
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=dir_fd)
    at = 0
    while at < size:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        end = os.lseek(fd, at, os.SEEK_HOLE)
        while at < end:
            part = os.pread(fd, min(1 << 20, end - at), at)
            if part.strip(b"\0"):
                digest.update(b"%d " % at + part)
            at += len(part)
    os.close(fd)
    return digest.hexdigest()


def describe(name, dir_fd, st):
    there = "/proc/self/fd/%d/" % dir_fd + os.fsdecode(name)
    out = ["%o" % st.st_mode, st.st_uid, st.st_gid]
    if stat.S_ISLNK(st.st_mode):
        out.append(os.readlink(name, dir_fd=dir_fd))
    if stat.S_ISREG(st.st_mode):
        out += [st.st_size, st.st_nlink, content(name, dir_fd, st.st_size)]
    if stat.S_ISBLK(st.st_mode) or stat.S_ISCHR(st.st_mode):
        out.append(st.st_rdev)
    out.append(st.st_mtime_ns)
    out += ["%s=%s" % (x, os.getxattr(there, x, follow_symlinks=False).hex())
            for x in sorted(os.listxattr(there, follow_symlinks=False)) if x != "security.selinux"]
    return out


def tree(top, said):
    """Name -> what it is. Directories that no member names have no time of their own: @said has
    those that have."""
    found = {}

    def walk(fd, above):
        for name in sorted(os.listdir(b"/proc/self/fd/%d" % fd)):
            st = os.lstat(name, dir_fd=fd)
            whole = above + name
            found[whole] = describe(name, fd, st)
            if stat.S_ISDIR(st.st_mode):
                if whole not in said:
                    found[whole] = ["directory"]
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                walk(below, whole + b"/")
                os.close(below)

    fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    walk(fd, b"")
    os.close(fd)
    return found


def named(path):
    """The directories that are members of their own."""
    with opened(path) as archive, tarfile.open(fileobj=archive, errorlevel=2) as tar:
        return {os.fsencode(os.path.normpath(m.name).lstrip("/")) for m in tar if m.isdir()}


def difference(path, ours, scratch):
    """Between @ours and what Python makes of the archive in the empty @scratch, or None."""
    said = unpack(path, scratch)
    if said:
        return "Python said: " + said
    members = named(path)
    a, b = tree(ours, members), tree(scratch, members)
    for name in sorted(set(a) | set(b)):
        if a.get(name) != b.get(name):
            return f"{name[-60:]!r} is {a.get(name)}, Python's {b.get(name)}"
    return None
