#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tree.py DIRECTORY: one line for each file of a root file system, so that two can be compared.

Type, mode, owner, time, size or device, content or target, the names of the same file, extended
attributes.  What engines put into a container of their own accord is left out, and so are the
times of the directories where they put it.
"""
import hashlib, os, stat, sys

ENGINES = {"/.dockerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab",
           "/run/.containerenv", "/run/secrets"}
TOUCHED = {"/", "/dev", "/etc", "/proc", "/run", "/sys"}


def content(path, st):
    if stat.S_ISLNK(st.st_mode):
        return "-> " + os.readlink(path)
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as f:
            return "%d %s" % (st.st_size, hashlib.sha256(f.read()).hexdigest())
    if stat.S_ISDIR(st.st_mode):
        return "-"
    return "%d:%d" % (os.major(st.st_rdev), os.minor(st.st_rdev))


def main(top):
    device = os.stat(top + "/").st_dev
    lines, inodes = [], {}

    def visit(name):
        path = top + name
        st = os.lstat(path)
        is_dir = stat.S_ISDIR(st.st_mode)
        if name in ENGINES:
            return
        # What is mounted in a container is not the image's.
        if st.st_dev != device and is_dir and name not in TOUCHED:
            return
        xattrs = ["%s=%s" % (x, os.getxattr(path, x, follow_symlinks=False).hex())
                  for x in sorted(os.listxattr(path, follow_symlinks=False))
                  if x.split(".")[0] in ("user", "security") and x != "security.selinux"]
        when = "-" if name in TOUCHED else int(st.st_mtime)
        mode = "-" if name in TOUCHED else "%o" % st.st_mode
        first = inodes.setdefault(st.st_ino, name) if not is_dir and st.st_nlink > 1 else name
        lines.append(" ".join(map(str, (name.replace(" ", "\\40"), mode, st.st_uid, st.st_gid, when, content(path, st),
                                        "= " + first if first != name else "", *xattrs))))
        if is_dir and name not in ("/dev", "/proc", "/sys"):
            for entry in sorted(os.listdir(path)):
                visit(name.rstrip("/") + "/" + entry)

    visit("/")
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
