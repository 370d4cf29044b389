#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""compare RUNC MYBOX: what the same bundle printed under runc and under mybox-oci.

Both are sections "== NAME", compared line by line but for the mounts, whose meant differences are
listed here with their reasons.  Anything else is told, and fails.
"""
import sys

# Mount points that mybox-oci leaves out: version 1 hierarchies that say nothing about limits.
LEFT_OUT = {"/sys/fs/cgroup/" + name for name in (
    "devices", "freezer", "systemd", "net_cls", "net_prio", "net_cls,net_prio", "perf_event",
    "hugetlb", "rdma", "misc", "elogind", "unified")}
# Mount points whose file system is made with other options: {path: reason}.
OTHER_OPTIONS = {
    "/sys": "the super block stays writable, the mount is not: nobody else's sysfs turns read-only",
    "/sys/fs/cgroup": "the tmpfs around the hierarchies is read-only, and has a size",
}
# A mask on a directory is one shared, empty tmpfs that holds no inodes and runs nothing.
MASK_FLAGS = {"nosuid", "nodev", "noexec"}


def sections(path):
    out, name = {}, None
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines():
            if line.startswith("== "):
                name = line[3:]
                out[name] = []
            elif name:
                out[name].append(line)
    return out


def mounts(lines):
    out = {}
    for line in lines:
        left, right = line.split(" - ")
        _, _, _, root, point, flags, *optional = left.split(" ")
        fstype, source, options = right.split(" ")
        out[point] = {"root": root, "flags": set(flags.split(",")), "propagation": optional,
                      "type": fstype, "source": source, "options": set(options.split(","))}
    return out


def compare_mounts(runc, mybox):
    for point in sorted(set(runc) | set(mybox)):
        if point not in mybox:
            if point not in LEFT_OUT:
                yield f"{point}: not there"
            continue
        if point not in runc:
            yield f"{point}: only there"
            continue
        a, b = runc[point], mybox[point]
        is_mask = b["type"] == "tmpfs" and "nr_inodes=2" in b["options"]
        if is_mask:
            if not a["flags"] <= b["flags"] or b["flags"] - a["flags"] - MASK_FLAGS:
                yield f"{point}: {a['flags']} is {b['flags']}"
            continue
        for what in ("root", "flags", "propagation", "type", "source", "options"):
            if a[what] == b[what] or point in OTHER_OPTIONS and what in (
                    "flags", "options", "source"):
                continue
            yield f"{point}: {what} {a[what]} is {b[what]}"
        if point in OTHER_OPTIONS and "ro" not in b["flags"]:
            yield f"{point}: can be written"


def main():
    runc, mybox = sections(sys.argv[1]), sections(sys.argv[2])
    findings = []
    if set(runc) != set(mybox) or "mounts" not in runc:
        findings.append(f"sections {sorted(runc)} and {sorted(mybox)}")
    for name in set(runc) & set(mybox):
        if name == "mounts":
            findings += compare_mounts(mounts(runc[name]), mounts(mybox[name]))
        elif runc[name] != mybox[name]:
            findings += [f"{name}: runc:  {line}" for line in runc[name] if line not in mybox[name]]
            findings += [f"{name}: mybox: {line}" for line in mybox[name] if line not in runc[name]]
            findings.append(f"{name} differs")
    print("\n".join(findings))
    sys.exit(bool(findings))


main()
