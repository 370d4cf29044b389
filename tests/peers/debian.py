#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""debian.py TAR PACKAGE...: a root file system of the machine's own Debian packages and of what
they depend on, with dpkg's database of them, so that Dockerfiles have a base without a network."""
import io, os, re, subprocess, sys, tarfile

BASE = """base-files base-passwd coreutils dash debianutils diffutils dpkg findutils grep gzip
hostname libc-bin login mawk passwd sed tar""".split()
UNWANTED = re.compile(
    r"-lto-dump-|/gofmt$|/bin/.*-(ld.gold|dwp|gprofng?)(-|$)|/gprofng/|[.]syso$|^/usr/share/(doc|man|info|locale|lintian|bash-completion|i18n|perl|icons|pixmaps)/"
    r"|/lto1$|/lib[alt-z]*san[._]|/libgccjit|/node_modules/(npm|corepack)/|^/usr/include/node/"
    r"|^/usr/(lib|share)/go-[0-9.]*/(test|api|misc)/|/testdata/|_test\.go$"
    r"|^/usr/share/go-[0-9.]*/src/cmd/|^/usr/lib/go-[0-9.]*/pkg/linux_[a-z0-9]*/cmd/"
    r"|/pkg/tool/[^/]*/(cgo|cover|doc|fix|objdump|pprof|test2json|trace|vet|api|dist|nm|addr2line)$"
    r"|/gconv/[^/]*\.so$|/idle|/lib2to3/|\.pyc$|/ensurepip/")


def packages():
    known, provided = {}, {}
    for block in open("/var/lib/dpkg/status", encoding="utf-8").read().split("\n\n"):
        f = dict(re.findall(r"^([A-Z][A-Za-z-]*): *(.*(?:\n[ \t].*)*)", block, re.M))
        if f.get("Status", "").endswith(" installed") and f.get("Architecture") in ("all", ARCH):
            known[f["Package"]] = (f, block)
            for p in re.findall(r"([a-z0-9][a-z0-9+.-]+)(?: \([^)]*\))?", f.get("Provides", "")):
                provided.setdefault(p, f["Package"])
    return known, provided


def closure(names, known, provided):
    todo, found = list(names), []
    while todo:
        name = todo.pop()
        name = name if name in known else provided.get(name)
        if name is None or name in found:
            continue
        found.append(name)
        fields = known[name][0]
        for each in (fields.get("Pre-Depends", "") + "," + fields.get("Depends", "")).split(","):
            for choice in each.split("|"):
                other = re.sub(r"[\s(:].*", "", choice.strip())
                if other in known or other in provided:
                    todo.append(other)
                    break
    return sorted(found)


def real(path):
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def plain(member):
    member.uname = member.gname = ""
    member.mtime = min(int(member.mtime), 1700000000)
    return member


def main(out, names):
    known, provided = packages()
    names = closure(BASE + names, known, provided)
    paths = {"/bin", "/sbin", "/lib", "/lib64"}
    info = "/var/lib/dpkg/info/"
    for name in names:
        for line in subprocess.check_output(["dpkg-query", "-L", name], text=True).splitlines():
            if line.startswith("/") and line != "/." and os.path.lexists(line):
                paths.add(real(line))
        for entry in (name, name + ":" + ARCH):
            paths.update(p for p in (info + entry + ".list", info + entry + ".md5sums")
                         if os.path.exists(p))
    # Users as Debian has them, whatever this machine has.
    given = {"/etc/passwd": open("/usr/share/base-passwd/passwd.master", "rb").read(),
             "/etc/group": open("/usr/share/base-passwd/group.master", "rb").read(),
             "/etc/shadow": b"", "/etc/gshadow": b"", "/var/lib/dpkg/available": b"",
             "/var/lib/dpkg/status": "".join(known[n][1] + "\n\n" for n in names).encode()}
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as t:
        for path in sorted(paths - set(given)):
            if not UNWANTED.search(path + ("/" if os.path.isdir(path) else "")):
                t.add(path, path.lstrip("/"), recursive=False, filter=plain)
        for path in ("usr/local/bin", "usr/local/lib", "usr/local/sbin"):
            add(t, path, None, 0o755)
        for path, data in given.items():
            add(t, path.lstrip("/"), data, 0o640 if path.endswith("shadow") else 0o644)


def add(t, name, data, mode):
    member = tarfile.TarInfo(name)
    member.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
    member.size, member.mode, member.mtime = len(data or b""), mode, 1700000000
    t.addfile(member, io.BytesIO(data or b""))


if __name__ == "__main__":
    ARCH = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    main(sys.argv[1], sys.argv[2:])
