#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bad_input MYBOX-OCI DIRECTORY GROUP: config.json in all ways in which it can be wrong.

The document below has every member of the specification.  Each group changes one thing of it at a
time (a type, a number, a text, a member that is missing or there twice), or the document as a
whole, and has `create` or `run` take it.  It is either refused (code 1, one line that names the
member) or starts and ends with 0, as the specification wants it; "either" where that depends on
the machine.  Whatever comes of it, nothing may be left.  DIRECTORY has a bundle with busybox.
"""
import concurrent.futures
import ctypes
import glob
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

REFUSED, RUNS, EITHER = "refused", "runs", "either"


class Text:
    def __init__(self, value):
        self.value = value


class Flag(Text):
    pass


class Number(Text):
    def __init__(self, value, least, most):
        super().__init__(value)
        self.least, self.most = least, most


class Map(dict):
    """An object whose names are not of the specification."""


class Raw(str):
    """JSON text as it is."""


def i32(v):
    return Number(v, -2 ** 31, 2 ** 31 - 1)


def i64(v):
    return Number(v, -2 ** 63, 2 ** 63 - 1)


def u16(v):
    return Number(v, 0, 2 ** 16 - 1)


def u32(v):
    return Number(v, 0, 2 ** 32 - 1)


def u64(v):
    return Number(v, 0, 2 ** 64 - 1)


def maps():
    return [{"containerID!": u32(0), "hostID!": u32(100000), "size!": u32(65536)}]


def hooks():
    return [{"path!": Text("/bin/true"), "args": [Text("true")], "env": [Text("A=b")], "timeout": i32(30)}]


def rates():
    return [{"major": i64(7), "minor": i64(0), "rate": u64(1000000)}]


def namespaces():
    return [{"type!": Text(t)} for t in ("mount", "pid", "network", "ipc", "uts", "cgroup")]


# "name!" must be there; "~name" is put in for its own cases only; "?name" as well, and whether it can
# be had depends on the machine.
DOCUMENT = {
    "ociVersion!": Text("1.2.0"),
    "process!": {
        "terminal": Flag(False),
        "consoleSize": {"height": u32(24), "width": u32(80)},
        "user": {"uid": u32(0), "gid": u32(0), "umask": u32(0o22), "additionalGids": [u32(5)],
                 "username": Text("nobody")},
        "args!": [Text("/bin/true")],
        "env": [Text("PATH=/bin")],
        "cwd!": Text("/"),
        "capabilities": {k: [Text("CAP_CHOWN")] for k in ("bounding", "effective", "inheritable",
                                                          "permitted", "ambient")},
        "rlimits": [{"type!": Text("RLIMIT_NOFILE"), "hard!": u64(512), "soft!": u64(256)}],
        "noNewPrivileges": Flag(True),
        "?apparmorProfile": Text("unconfined"),
        "oomScoreAdj": i32(200),
        "?scheduler": {"policy!": Text("SCHED_OTHER"), "nice": i32(1), "priority": i32(0), "flags": [Text("SCHED_FLAG_RESET_ON_FORK")],
                       "runtime": u64(0), "deadline": u64(0), "period": u64(0)},
        "?selinuxLabel": Text("system_u:system_r:container_t:s0"),
        "~ioPriority": {"class!": Text("IOPRIO_CLASS_BE"), "priority": i32(4)},
        "~execCPUAffinity": {"initial": Text("0"), "final": Text("0")},
    },
    "root!": {"path!": Text("rootfs"), "readonly": Flag(True)},
    "hostname": Text("host"),
    "domainname": Text("domain"),
    "mounts": [
        {"destination!": Text("/proc"), "type": Text("proc"), "source": Text("proc"), "options": [Text("nosuid")]},
        {"destination!": Text("/tmp"), "type": Text("tmpfs"), "source": Text("tmpfs"), "options": [Text("size=64k")],
         "?uidMappings": maps(), "?gidMappings": maps()},
        {"destination!": Text("/dev"), "type": Text("tmpfs"), "source": Text("tmpfs"), "options": [Text("mode=755")]}],
    "~hooks": {k: hooks() for k in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart",
                                    "poststop")},
    "annotations": Map({"org.example.key": Text("value")}),
    "linux": {
        "namespaces": namespaces(),
        "?uidMappings": maps(), "?gidMappings": maps(),
        "~devices": [{"path!": Text("/dev/x"), "type!": Text("c"), "major": i64(1), "minor": i64(3),
                      "fileMode": u32(0o666), "uid": u32(0), "gid": u32(0)}],
        "cgroupsPath": Text("/mybox/@ID@"),
        "?resources": {
            "~devices": [{"allow!": Flag(False), "type": Text("c"), "major": i64(1), "minor": i64(3),
                          "access": Text("rwm")}],
            "~memory": {"limit": i64(1 << 26), "reservation": i64(1 << 26), "swap": i64(1 << 27), "kernel": i64(0),
                        "kernelTCP": i64(0), "swappiness": u64(10), "disableOOMKiller": Flag(False),
                        "useHierarchy": Flag(True), "checkBeforeUpdate": Flag(True)},
            "~cpu": {"shares": u64(512), "quota": i64(50000), "burst": u64(0), "period": u64(100000),
                     "realtimeRuntime": i64(0), "realtimePeriod": u64(0), "cpus": Text("0"), "mems": Text("0"),
                     "idle": i64(0)},
            "~pids": {"limit": i64(100)},
            "~blockIO": {"weight": u16(100), "leafWeight": u16(100),
                         "weightDevice": [{"major": i64(7), "minor": i64(0), "weight": u16(100), "leafWeight": u16(100)}],
                         "throttleReadBpsDevice": rates(), "throttleWriteBpsDevice": rates(),
                         "throttleReadIOPSDevice": rates(), "throttleWriteIOPSDevice": rates()},
            "~hugepageLimits": [{"pageSize!": Text("2MB"), "limit!": u64(2 << 20)}],
            "~network": {"classID": u32(1), "priorities": [{"name!": Text("lo"), "priority": u32(1)}]},
            "~rdma": Map({"mlx5_1": {"hcaHandles": u32(1), "hcaObjects": u32(1)}}),
            "~unified": Map({"pids.max": Text("100")}),
        },
        "sysctl": Map({"net.ipv4.ip_forward": Text("1")}),
        "~seccomp": {"defaultAction!": Text("SCMP_ACT_ALLOW"), "?defaultErrnoRet": u32(1),
                     "architectures": [Text("SCMP_ARCH_X86_64")], "flags": [Text("SECCOMP_FILTER_FLAG_LOG")],
                     "syscalls": [{"names!": [Text("kexec_load")], "action!": Text("SCMP_ACT_ERRNO"), "errnoRet": u32(1),
                                   "args": [{"index!": u32(0), "value!": u64(1), "valueTwo": u64(0),
                                             "op!": Text("SCMP_CMP_EQ")}]}]},
        "rootfsPropagation": Text("private"),
        "maskedPaths": [Text("/proc/kcore")],
        "readonlyPaths": [Text("/proc/sys")],
        "?mountLabel": Text("system_u:object_r:container_file_t:s0"),
        "?personality": {"domain!": Text("LINUX"), "flags": []},
        "?timeOffsets": Map({"monotonic": {"secs": i64(1), "nanosecs": u32(0)}}),
        "?memoryPolicy": {"mode!": Text("MPOL_DEFAULT"), "nodes": Text(""), "flags": [Text("MPOL_F_STATIC_NODES")]},
        "?netDevices": Map({"nope0": {"name": Text("eth9")}}),
    },
}


def bare(key):
    return key.strip("~?!") if isinstance(key, str) else key


def children(node):
    if isinstance(node, dict):
        return node.items()
    return enumerate(node) if isinstance(node, list) else []


def value(node, keep, rest=None):
    """What @node stands for, with those optional members that are on the way @keep."""
    if isinstance(node, dict):
        out = {}
        for key, child in node.items():
            here = rest is not None and rest[:1] == (bare(key),)
            if key[0] not in "~?" or isinstance(node, Map) or here:
                out[bare(key)] = value(child, keep, rest[1:] if here else None)
        return out
    if isinstance(node, list):
        return [value(child, keep, rest[1:] if rest and rest[0] == i else None) for i, child in enumerate(node)]
    return node.value


def with_optional(path):
    return value(DOCUMENT, path, path)


def places(node=DOCUMENT, path=(), machine=False):
    """(path, node, is it required, does it depend on the machine), for each member and element."""
    for key, child in children(node):
        named = isinstance(key, str) and not isinstance(node, Map)
        depends = machine or (named and key[0] == "?")
        here = path + (bare(key),)
        yield here, child, named and key[-1] == "!", depends
        yield from places(child, here, depends)


def at(document, path):
    for key in path:
        document = document[key]
    return document


def changed(path, new):
    """The document with @new at @path, or without it where that is None."""
    document = with_optional(path)
    parent = at(document, path[:-1])
    if new is None:
        del parent[path[-1]]
    else:
        parent[path[-1]] = new
    return document


def text(node, twice=None, path=()):
    """As JSON; the member at the path @twice is there twice."""
    if isinstance(node, Raw):
        return str(node)
    if isinstance(node, dict):
        parts = []
        for key, child in node.items():
            part = json.dumps(key) + ":" + text(child, twice, path + (key,))
            parts += [part] * (2 if path + (key,) == twice else 1)
        return "{" + ",".join(parts) + "}"
    if isinstance(node, list):
        return "[" + ",".join(text(c, twice, path + (i,)) for i, c in enumerate(node)) + "]"
    return json.dumps(node)


def name_of(path):
    """The last name in @path that is the specification's: what a message must have."""
    return [p for p in path if isinstance(p, str)][-1]


# ---- groups: each gives (what it is, text, verdict, word of the message) -------------------------
def group_types():
    samples = {"text": "x", "number": 7, "fraction": Raw("1.5"), "flag": True, "list": [], "object": {},
               "list of a list": [[]], "number in a text": "7"}
    right = {Text: ("text", "number in a text"), Flag: ("flag",), Number: ("number",), Map: ("object",),
             dict: ("object",), list: ("list",)}
    for path, node, _, _ in places():
        for name, sample in samples.items():
            if name in right[type(node)]:
                continue
            if name in ("list of a list", "number in a text", "fraction") and type(node) is not (
                    list if name[0] == "l" else Number):
                continue
            yield "%s at %s" % (name, path), text(changed(path, sample)), REFUSED, name_of(path)


# Without these the container is another one, or what it asks for is not possible.
WITHOUT = {
    ("linux",): EITHER, ("linux", "namespaces"): EITHER, ("mounts",): EITHER,
    ("process", "capabilities", "bounding"): EITHER,
    ("mounts", 0, "type"): REFUSED, ("mounts", 1, "type"): REFUSED, ("mounts", 2, "type"): REFUSED,
}


def group_missing():
    for path, node, required, machine in places():
        if isinstance(path[-1], int):
            continue
        verdict = REFUSED if required else EITHER if machine else WITHOUT.get(path, RUNS)
        word = path[-1] if required else "mount" if verdict == REFUSED else ""
        yield "no %s" % (path,), text(changed(path, None)), verdict, word
        yield "null at %s" % (path,), text(changed(path, Raw("null"))), verdict, word
    for path, node, _, _ in places():
        if isinstance(path[-1], int):
            yield "null at %s" % (path,), text(changed(path, Raw("null"))), EITHER, ""


def group_optional():
    yield "as it is", text(with_optional(())), RUNS, ""
    for path, node, _, machine in places():
        if with_optional(path) != with_optional(path[:-1]):
            yield "with %s" % (path,), text(with_optional(path)), EITHER if machine else RUNS, ""


def group_range():
    for path, node, _, machine in places():
        if not isinstance(node, Number):
            continue
        for n in (node.least - 1, node.most + 1, 2 ** 64, -2 ** 63 - 1, 10 ** 400):
            yield "%.40s at %s" % (n, path), text(changed(path, n)), REFUSED, name_of(path) + "|malformed"
        for n in ("1e400", "1.0", "1e3", "-0.0"):
            yield "%s at %s" % (n, path), text(changed(path, Raw(n))), REFUSED, name_of(path) + "|malformed"
        yield "the least at %s" % (path,), text(changed(path, node.least)), EITHER, ""
        yield "the most at %s" % (path,), text(changed(path, node.most)), EITHER, ""


def group_text():
    for path, node, _, machine in places():
        if type(node) is not Text:
            continue
        for what, sample, verdict in (
                ("a zero byte", Raw('"a\\u0000b"'), REFUSED), ("half a surrogate", Raw('"\\ud800"'), REFUSED),
                ("nothing", "", EITHER), ("control bytes", "a\nb\r\x1b[31m\x7f\u202e", EITHER),
                ("64 KiB", "x" * 65537, EITHER), ("directives", "%s%n%99999d", EITHER),
                ("a way up", "/../../../../../x", EITHER)):
            if path == ("linux", "cgroupsPath") and what in ("nothing", "control bytes"):
                continue  # another container's name, or one that cannot be looked for
            yield "%s at %s" % (what, path), text(changed(path, sample)), verdict, ""
        yield "bytes at %s" % (path,), text(changed(path, "@BYTES@")), REFUSED, ""


def group_twice():
    for path, node, _, _ in places():
        if isinstance(path[-1], str):
            yield "twice %s" % (path,), text(with_optional(path), path), REFUSED, path[-1]


# "Runtimes MUST NOT generate an error if they encounter an unknown property."
def group_unknown():
    for path, node, _, machine in [((), DOCUMENT, False, False)] + list(places()):
        if type(node) is not dict:
            continue
        document = with_optional(path)
        at(document, path)["org.example.unknown"] = {"a": [1, {"b": None}]}
        yield "unknown in %s" % (path,), text(document), EITHER if machine else RUNS, ""
    for word in ("windows", "solaris", "zos"):
        document = with_optional(())
        document[word] = {"a": 1}
        yield word, text(document), RUNS, ""


def group_whole():
    good = text(with_optional(()))
    for what in ("", " ", "{", "[]", "null", "true", "7", '"x"', "{}", "{} {}", good[:-1], good + "x", good + good,
                 good.replace(":", "=", 1), good.replace(",", ",,", 1), good.replace('"', "'"), good[:-1] + ",}",
                 "\ufeff" + good, "// a comment\n" + good, good.replace("{", "[", 1), "NaN", "\0" + good, good + "\0"):
        yield "document %.30r" % what, what, REFUSED, ""
    for i in range(0, len(good), max(1, len(good) // 60)):
        yield "cut at %d" % i, good[:i], REFUSED, ""
    for n in ("01", "+1", "0x1", "NaN", "Infinity", "-", "1.", ".5", "1e", "--1", "1_0", "tru", "nul", "True"):
        yield "%s" % n, text(changed(("process", "user", "uid"), Raw(n))), REFUSED, "malformed"


def group_large():
    good = text(with_optional(()))
    size = 10 << 20
    yield "10 MB of white space", good[:-1] + " " * size + "}", RUNS, ""
    yield "17 MB of white space", good[:-1] + " " * (17 << 20) + "}", REFUSED, "larger"
    yield "10 MB of what is unknown", good[:-1] + ',"unknown":"%s"}' % ("x" * size), RUNS, ""
    yield "a name of 10 MB", good[:-1] + ',"%s":1}' % ("x" * size), RUNS, ""
    yield "5,000,000 numbers", good[:-1] + ',"unknown":[%s0]}' % ("0," * 5000000), REFUSED, "more than"
    yield "10 MB of digits", text(changed(("process", "user", "uid"), Raw("1" * size))), REFUSED, "malformed"
    yield "10 MB of a fraction", text(changed(("process", "user", "uid"), Raw("0." + "1" * size))), REFUSED, "uid"
    yield "10 MB and not closed", '{"ociVersion":"' + "x" * size, REFUSED, "malformed"
    yield "10 MB of quotes", '{"ociVersion":"' + "\\\"" * (size // 2) + '"}', REFUSED, ""
    seen = set()
    for path, node, _, machine in places():
        if name_of(path) in seen:
            continue
        seen.add(name_of(path))
        if type(node) is Text or (isinstance(node, list) and node and type(node[0]) is Text):
            path = path if type(node) is Text else path + (0,)
            yield "10 MB at %s" % (path,), text(changed(path, "x" * size)), EITHER, ""
        if isinstance(node, list) and node and type(node[0]) is Text:
            path = path[:-1]
            n = 2000 if path[-1].endswith("Paths") else 60000  # each is a mount
            yield "%d at %s" % (n, path), text(changed(path, [node[0].value] * n)), EITHER, ""
    for n, v, verdict in ((9000, "v" * 100, RUNS), (20000, "v" * 100, REFUSED), (150, "\x01" * 6000, RUNS)):
        yield "%d annotations" % n, text(changed(("annotations",), {"k%d" % i: v for i in range(n)})), verdict, "annotations"
    yield "9,000 calls", text(changed(("linux", "seccomp", "syscalls", 0, "names"), ["kexec_load"] * 9000)), REFUSED, "seccomp"
    yield "100,000 annotations", text(changed(("annotations",), {"k%d" % i: "v" for i in range(100000)})), REFUSED, "more than"
    yield "3,000 namespaces", text(changed(("linux", "namespaces"), [{"type": "mount"}] * 3000)), REFUSED, "twice"
    yield "20,000 mounts nowhere", text(changed(("mounts",), [{"destination": "/x", "type": "nope"}] * 20000)), REFUSED, ""


def group_nested():
    good = text(with_optional(()))
    for n in (65, 1000, 10000, 1000000):
        for opens, closes in (("[", "]"), ('{"a":', "}")):
            inner = opens * n + "1" + closes * n
            yield "%d of %s" % (n, opens), inner, REFUSED, ""
            yield "%d of %s, unknown" % (n, opens), good[:-1] + ',"u":%s}' % inner, REFUSED, "nested"
            yield "%d of %s, open" % (n, opens), good[:-1] + ',"u":' + opens * n, REFUSED, "nested"
            for path in (("process", "args"), ("linux", "seccomp"), ("annotations", "org.example.key"), ("mounts", 0)):
                yield "%d of %s at %s" % (n, opens, path), text(changed(path, Raw(inner))), REFUSED, "nested"


# What a type cannot say.
def group_meaning():
    def spaces(*more):
        return value(namespaces(), ()) + list(more)

    rlimit = {"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2}
    device = {"path": "/dev/x", "type": "c", "major": 1, "minor": 3}
    table = [
        (("ociVersion",), ["", "x", "0.9.0", "2.0.0", "1", "11.0.0", "1." + "0" * 100], "ociVersion"),
        (("process", "args"), [[]], "args"),
        (("process", "args", 0), ["/bin/nope", "nope", "/etc", "/etc/passwd", "", "bin/../../nope"], ""),
        (("process", "cwd"), ["", "relative", "./x", "../x"], "cwd"),
        (("process", "user", "uid"), [2 ** 32 - 1], "uid"),
        (("process", "user", "gid"), [2 ** 32 - 1], "gid"),
        (("process", "user", "umask"), [0o1000, 2 ** 32 - 1], "umask"),
        (("process", "user", "additionalGids", 0), [2 ** 32 - 1], "additionalGids"),
        (("process", "user", "additionalGids"), [list(range(65537))], ""),
        (("process", "oomScoreAdj"), [-1001, 1001], "oomScoreAdj"),
        (("process", "rlimits"), [[rlimit, rlimit], [{**rlimit, "soft": 3}], [{**rlimit, "type": "RLIMIT_NOPE"}],
                                  [{**rlimit, "type": "NOFILE"}], [{**rlimit, "type": ""}]], "rlimits"),
        (("process", "scheduler"), [{"policy": "SCHED_NOPE"}, {"policy": ""}, {"policy": "SCHED_OTHER", "flags": ["X"]},
                                    {"policy": "SCHED_FIFO", "priority": 1000}], ""),
        (("process", "ioPriority"), [{"class": "X"}, {"class": "IOPRIO_CLASS_BE", "priority": 8},
                                     {"class": "IOPRIO_CLASS_BE", "priority": -1}], ""),
        (("process", "execCPUAffinity"), [{"initial": "x"}, {"final": "3-1"}, {"initial": "-1"}, {"final": "99999999"}], ""),
        (("process", "terminal"), [True], ""),
        (("root", "path"), ["", "nope", "/nope", "config.json", "rootfs/bin/busybox"], ""),
        (("hostname",), ["x" * 65], "host name"),
        (("domainname",), ["x" * 65], "domain name"),
        (("mounts", 1), [{"destination": ""}, {"destination": "/tmp", "type": "nopefs"},
                         {"destination": "/tmp", "type": "bind", "source": "/nope", "options": ["bind"]},
                         {"destination": "/tmp", "type": "tmpfs", "options": ["nope=1"]},
                         {"destination": "/tmp", "type": "tmpfs", "options": ["size=x"]},
                         {"destination": "/proc/sys", "type": "tmpfs"}, {"destination": "/proc", "type": "tmpfs"},
                         {"destination": "/tmp", "type": "tmpfs", "options": ["remount", "bind"]},
                         {"destination": "/tmp", "type": "bind", "source": "/", "uidMappings": value(maps(), ())}], ""),
        (("linux", "namespaces"), [spaces({"type": "nope"}), spaces({"type": "mount"}), spaces({"type": ""}),
                                   spaces({"type": "time", "path": "relative"}), spaces({"type": "time", "path": "/nope"}),
                                   spaces({"type": "user", "path": "/proc/self/ns/net"}),
                                   [{"type": "mount", "path": "/proc/self/ns/mnt"}]], ""),
        (("linux", "uidMappings", 0, "size"), [0, 2 ** 32 - 1], "size"),
        (("linux", "devices", 0), [{**device, "path": "relative"}, {**device, "type": "x"}, {**device, "major": -1},
                                   {**device, "minor": 2 ** 40}, {**device, "path": "/"}, {**device, "path": "/dev/.."}], ""),
        (("linux", "cgroupsPath"), ["..", "/..", "/mybox/../x", "mybox/@ID@/../../..", "/", "//", "/." ], "cgroupsPath"),
        (("linux", "sysctl"), [{"kernel.panic": "1"}, {"net.ipv4/../../kernel/panic": "1"}, {"": "1"}, {"net.nope": "1"},
                               {"net.ipv4.ip_forward": "x"}, {"vm.swappiness": "1"}], "sysctl"),
        (("linux", "seccomp"), [{"defaultAction": "SCMP_ACT_NOPE"}, {"defaultAction": ""},
                                {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["NOPE"]},
                                {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["NOPE"]},
                                {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [], "action": "SCMP_ACT_ERRNO"}]},
                                {"defaultAction": "SCMP_ACT_NOTIFY"},
                                {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/nope/nope",
                                 "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}], "seccomp"),
        (("linux", "rootfsPropagation"), ["nope", "PRIVATE"], "rootfsPropagation"),
        (("linux", "maskedPaths", 0), ["relative", ""], "maskedPaths"),
        (("linux", "readonlyPaths", 0), ["relative", ""], "readonlyPaths"),
        (("linux", "personality"), [{"domain": "X"}, {"domain": ""}, {"domain": "LINUX", "flags": ["X"]}], "personality"),
        (("linux", "timeOffsets"), [{"nope": {"secs": 1}}, {"monotonic": {"nanosecs": 10 ** 9}}], "timeOffsets"),
        (("linux", "memoryPolicy"), [{"mode": "X"}, {"mode": "MPOL_BIND", "nodes": "x"}, {"mode": "MPOL_BIND", "flags": ["X"]}],
         "memoryPolicy"),
        (("linux", "netDevices"), [{"": {}}, {"a/b": {}}, {"x" * 16: {}}, {"nope0": {"name": "a b"}}], ""),
        (("linux", "resources"), [{"devices": [{"allow": True, "type": "x"}]}, {"devices": [{"allow": True, "access": "x"}]},
                                  {"devices": [{"allow": True, "major": -2}]}, {"cpu": {"cpus": "x"}}, {"cpu": {"mems": "3-1"}},
                                  {"memory": {"swappiness": 101}}, {"unified": {"../x": "1"}}, {"unified": {"x": "1"}},
                                  {"unified": {"cgroup.procs/../x": "1"}}], "resources"),
    ]
    for path, values, word in table:
        for v in values:
            yield "%.60r at %s" % (v, path), text(changed(path, v)), REFUSED, word
    for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"):
        for hook in ({"path": "relative"}, {"path": ""}, {"path": "/bin/true", "timeout": 0},
                     {"path": "/bin/true", "timeout": -1}):
            yield "%r of %s" % (hook, kind), text(changed(("hooks", kind, 0), hook)), REFUSED, kind
    for word in ("vm", "linux.intelRdt"):
        path = tuple(word.split("."))
        document = with_optional(())
        at(document, path[:-1])[path[-1]] = {"closID": "x"}
        yield word, text(document), REFUSED, path[-1]
    # To be warned of, not refused.
    for path, v in ((("process", "capabilities", "bounding"), ["CAP_NOPE", "chown", ""]),
                    (("mounts", 0, "options"), ["nosuid", "noexec", "nodev"]), (("process", "env"), ["NOVALUE", "=", "A=1", "A=2"]),
                    (("annotations",), {"org.opencontainers.image.stopSignal": "SIGNOPE", "run.oci.delegate": "../x"}),
                    (("linux", "maskedPaths"), ["/nope", "/nope/nope", "/bin/busybox/nope"])):
        yield "%r at %s" % (v, path), text(changed(path, v)), RUNS, ""


# ---- running -------------------------------------------------------------------------------------
class Runner:
    def __init__(self, oci, directory):
        self.oci, self.directory, self.state = oci, directory, os.path.join(directory, "state")
        self.here = threading.local()
        self.lock, self.n = threading.Lock(), 0
        self.roots = [d for d in glob.glob("/sys/fs/cgroup/*/") + ["/sys/fs/cgroup/"]
                      if os.path.exists(os.path.join(d, "cgroup.procs"))]

    def bundle(self):
        """One for each thread."""
        if not hasattr(self.here, "bundle"):
            self.here.bundle = os.path.join(self.directory, "b%d" % threading.get_ident())
            shutil.copytree(os.path.join(self.directory, "bundle"), self.here.bundle, symlinks=True)
        return self.here.bundle

    def traces(self, name):
        out = [d for d in (os.path.join(self.state, name),) if os.path.lexists(d)]
        return out + [d for r in self.roots for d in (os.path.join(r, "mybox", name),) if os.path.exists(d)]

    def call(self, verb, name, more=()):
        """Its code and what it said: to a file, which a container that lives may hold."""
        with tempfile.TemporaryFile() as f:
            done = subprocess.run([self.oci, "--root", self.state, verb, *more, name], stdin=subprocess.DEVNULL,
                                  stdout=f, stderr=f, timeout=120)
            f.seek(0)
            return done.returncode, f.read(4096).decode(errors="replace")

    def judge(self, case):
        what, document, verdict, word = case
        with self.lock:
            self.n += 1
            n = self.n
        name = "bad%d-%d" % (os.getpid(), n)
        bundle = self.bundle()
        with open(os.path.join(bundle, "config.json"), "wb") as f:
            f.write(document.replace("@ID@", name).encode().replace(b"@BYTES@", b"\xff\xc0\x80"))
        verb = "create" if verdict == REFUSED and n % 2 else "run"
        code, said = self.call(verb, name, ["--bundle", bundle])
        left = self.traces(name)
        if left:
            self.call("delete", name, ["--force"])
        problem = self.problem(code, said, verdict, word) or ("left %s" % left if left else None)
        return "%s: %s: %s" % (verb, what, problem) if problem else None

    @staticmethod
    def problem(code, said, verdict, word):
        if code == 0 and not said:
            return "was accepted" if verdict == REFUSED else None
        shown = "ended with %d: %.500s" % (code, said)
        if code != 1 or verdict == RUNS:
            return shown
        if not said.startswith("mybox-oci: ") or said.count("\n") != 1 or len(said) > 1200 or "Sanitizer" in said:
            return shown
        if not said[:-1].isprintable() or (verdict == REFUSED and
                                                not any(w in said for w in word.split("|"))):
            return "'%s' is not named, or not printable: %s" % (word, shown)
        return None


def orphans():
    """Processes that were ours to end and live: they became this one's children."""
    out = []
    for task in glob.glob("/proc/self/task/*/children"):
        for pid in open(task).read().split():
            try:
                with open("/proc/%s/stat" % pid) as f:
                    line = f.read()
            except OSError:
                continue
            if line.rsplit(")", 1)[1].split()[0] != "Z":
                out.append(line[:60])
    return out


def main(oci, directory, group):
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    runner = Runner(oci, directory)
    cases, bad, n = globals()["group_" + group](), [], 0
    mounts = set(open("/proc/self/mountinfo"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        # Not all at once: some documents are large.
        while some := list(itertools.islice(cases, 32)):
            n += len(some)
            bad += [problem for problem in pool.map(runner.judge, some) if problem]
    bad += ["left process %s" % line for line in orphans()]
    bad += ["other mount %s" % line for line in set(open("/proc/self/mountinfo")) ^ mounts]
    left = [n for n in os.listdir(runner.state) if n != ".seccomp"] if os.path.isdir(runner.state) else []
    bad += ["left %s" % n for n in left]
    print("%d cases, %d bad" % (n, len(bad)))
    print("\n".join(bad[:40]))
    return 1 if bad or not n else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
