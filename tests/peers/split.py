#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""split.py TAR N DIRECTORY: the members of one archive in N, DIRECTORY/1.tar and so on, and a
Dockerfile that puts them together in as many layers.

The first has every directory and what has more than one name; the others have files and links, as
many each, with the directories that these are in: a directory's time is that of its last file.
"""
import os
import sys
import tarfile


def with_directories(part, members):
    above = set()
    for m in part:
        name = m.name
        while name not in above and name not in ("", "."):
            above.add(name)
            name = os.path.dirname(name)
    chosen = {m.name for m in part}
    return [m for m in members if m.name in chosen or (m.isdir() and m.name in above)]


def main(path, n, out):
    with tarfile.open(path) as whole:
        members = whole.getmembers()
        shared = {m.linkname for m in members if m.islnk()}
        first = [m for m in members if m.isdir() or m.islnk() or m.name in shared]
        rest = [m for m in members if m not in set(first)]
        parts = [first] + [rest[i * len(rest) // (n - 1):(i + 1) * len(rest) // (n - 1)]
                           for i in range(n - 1)]
        for i, part in enumerate(parts, 1):
            with tarfile.open(f"{out}/{i}.tar", "w", format=tarfile.PAX_FORMAT) as tar:
                for m in with_directories(part, members):
                    tar.addfile(m, whole.extractfile(m) if m.isreg() else None)
    with open(f"{out}/Dockerfile", "w") as f:
        f.write("FROM scratch\n")
        f.writelines(f"ADD {i}.tar /\n" for i in range(1, n + 1))
        f.write('CMD ["sh"]\n')


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
