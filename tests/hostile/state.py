#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""state.py: documents of the store are cut, flipped, swapped, replaced by links, pipes and
directories.  Whatever is read afterwards: no crash, no hang, an error that names the document,
other containers go on, `rm -f` removes the victim.  Prints TAP; MYBOX, root and run in the
environment; an image "deb" in the store."""
import json, os, random, shutil, stat, subprocess, sys, time

MYBOX, ROOT, RUN = os.environ["MYBOX"], os.environ["root"], os.environ["run"]
rng = random.Random(int(os.environ.get("MYBOX_SEED", "1")))
count = bad = 0


def call(*args, timeout=15):
    start = time.time()
    try:
        p = subprocess.run([MYBOX, "--root", ROOT, "--runroot", RUN, *args], timeout=timeout,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        return None, "'%s' hangs" % " ".join(args)
    text = p.stdout.decode(errors="replace")
    if os.environ.get("MYBOX_TIMES"):
        print("# %.2f s: %s" % (time.time() - start, " ".join(args)))
    for word in ("Sanitizer", "runtime error", "ssertion"):
        if word in text:
            return None, "'%s': %s" % (" ".join(args), text)
    if p.returncode < 0:
        return None, "'%s' died of signal %d: %s" % (" ".join(args), -p.returncode, text)
    if time.time() - start > 8:
        return None, "'%s' took %.1f s" % (" ".join(args), time.time() - start)
    return p.returncode, text


def report(name, problems):
    global count, bad
    count += 1
    bad += bool(problems)
    print("%s %d %s" % ("not ok" if problems else "ok", count, name))
    for p in problems[:8]:
        print("# " + p.strip().replace("\n", "\n#   "))
    sys.stdout.flush()


def must(*args):
    p = subprocess.run([MYBOX, "--root", ROOT, "--runroot", RUN, *args], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, text=True)
    if p.returncode != 0:
        print("Bail out! '%s': %d" % (" ".join(args), p.returncode))
        sys.exit(1)
    return p.stdout.strip()


# --- ways to spoil a file -------------------------------------------------------------------------
def put(path, data):
    remove(path)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(fd, data)
    os.close(fd)


def remove(path):
    try:
        st = os.lstat(path)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(st.st_mode):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def spoil_cut(n):
    def f(path, data):
        put(path, data[:int(len(data) * n)])
    return f


def spoil_flip(path, data):
    d = bytearray(data)
    if d:
        d[rng.randrange(len(d))] ^= 1 << rng.randrange(8)
    put(path, bytes(d))


def spoil_link(target):
    def f(path, data):
        remove(path)
        os.symlink(target, path)
    return f


def spoil_fifo(path, data):
    remove(path)
    os.mkfifo(path)


def spoil_directory(path, data):
    remove(path)
    os.mkdir(path)


def crc32c(data, table=[]):
    if not table:
        for n in range(256):
            for _ in range(8):
                n = n >> 1 ^ 0x82F63B78 if n & 1 else n >> 1
            table.append(n)
    crc = 0xFFFFFFFF
    for b in data:
        crc = table[(crc ^ b) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def document(body):
    """A body with the right sum: only its content is wrong."""
    return b'{"schema":1,"sum":"%08x"' % crc32c(body) + body


def spoil_content(body):
    return lambda path, data: put(path, document(body))


KINDS = {
    "cut to nothing": spoil_cut(0), "cut to a byte": lambda p, d: put(p, d[:1]),
    "cut in the header": lambda p, d: put(p, d[:20]), "cut in half": spoil_cut(0.5),
    "cut by a byte": lambda p, d: put(p, d[:-1]), "zeros": lambda p, d: put(p, b"\0" * len(d)),
    "doubled": lambda p, d: put(p, d + d), "a newer schema": lambda p, d: put(
        p, d.replace(b'"schema":1', b'"schema":9', 1)),
    "no sum": lambda p, d: put(p, b"{}"), "large": lambda p, d: put(p, b"{" + b" " * (5 << 20)),
    "deep": spoil_content(b',"a":' + b"[" * 100000 + b"]" * 100000 + b"}"),
    "empty with a right sum": spoil_content(b"}"),
    "wrong types with a right sum": spoil_content(
        b',"id":7,"name":[],"pid":"x","exit_code":{},"config":3,"host":[],"mounts":{},"layers":1}'),
    "numbers with a right sum": spoil_content(
        b',"pid":1,"pid_start":18446744073709551616,"exit_code":1e400,"monitor":-5}'),
    "names with a right sum": spoil_content(
        b',"id":"../../../etc","name":"../x","cgroup":"/../..","image_id":"sha256:../..","bridge":"lo"}'),
    "a link to nothing": spoil_link("/nonexistent"), "a link to a file": spoil_link("/etc/passwd"),
    "a link to zeros": spoil_link("/dev/zero"), "a pipe": spoil_fifo,
    "a directory": spoil_directory, "gone": lambda p, d: remove(p),
}


# --- whose --------------------------------------------------------------------------------------
def victim(running):
    remove_all("victim")
    if running:
        must("run", "-d", "--name", "victim", "--network", "net", "deb", "sleep", "1000")
    else:
        must("run", "--name", "victim", "--network", "net", "deb", "true")
    return must("inspect", "-f", "{{.Id}}", "victim")


def remove_all(name):
    call("rm", "-f", name)


READERS = (["ps", "-a"], ["inspect", "victim"], ["logs", "victim"], ["top", "victim"],
           ["network", "inspect", "net"])
SHARED_READERS = READERS + (["images"], ["network", "ls"], ["volume", "ls"], ["info"])
WRITERS = (["exec", "victim", "true"], ["pause", "victim"], ["unpause", "victim"],
           ["stop", "-t", "0", "victim"], ["start", "victim"], ["rename", "victim", "victim2"],
           ["rename", "victim2", "victim"], ["restart", "-t", "0", "victim"])


def others_go_on(problems):
    for args in (["exec", "other", "true"], ["run", "--rm", "--network", "net", "deb", "true"]):
        code, text = call(*args)
        if code != 0:
            problems.append("%s: %s %s" % (args, code, text))


def container_document(where, running, kind, spoil):
    problems = []
    cid = victim(running)
    path = where(cid)
    if not os.path.exists(path):
        return
    with open(path, "rb") as f:
        data = f.read()
    spoil(path, data)
    for args in READERS + WRITERS:
        code, text = call(*args)
        if code is None:
            problems.append(text)
        if args[0] == "ps" and code != 0:
            problems.append("%s: %s %s" % (args, code, text))
    others_go_on(problems)
    code, text = call("rm", "-f", cid)
    if code != 0:
        problems.append("rm -f: %s %s" % (code, text))
    if cid[:12] in call("ps", "-aq")[1]:
        problems.append("rm -f did not remove it")
    code, text = call("system", "check", "--repair")
    if code not in (0, 1):
        problems.append("system check --repair: %s %s" % (code, text))
    code, text = call("system", "check")
    if code != 0:
        problems.append("system check: %s %s" % (code, text))
    report("%s of a %s container: %s" % (path.split("/")[-1][:20].replace(cid[:20], "network record"), "running" if running else
                                         "stopped", kind), problems)


def shared_document(name, path, kind, spoil):
    """One that containers share: nothing crashes, and put back it is as it was."""
    problems = []
    with open(path, "rb") as f:
        data = f.read()
    victim(True)
    spoil(path, data)
    for args in SHARED_READERS + (["exec", "other", "true"], ["exec", "victim", "true"],
                           ["run", "--rm", "--network", "net", "deb", "true"],
                           ["run", "--rm", "--network", "none", "deb", "true"],
                           ["network", "create", "another"], ["network", "rm", "another"],
                           ["stop", "-t", "0", "victim"], ["start", "victim"],
                           ["rm", "-f", "victim"]):
        code, text = call(*args)
        if code is None:
            problems.append(text)
        # Without a version nobody knows what the store is; other documents are not everybody's.
        if args[0] == "exec" and code != 0 and name != "VERSION":
            problems.append("%s: %s %s" % (args, code, text))
    remove(path)
    put(path, data)
    call("rm", "-f", "victim")
    call("network", "rm", "another")
    call("system", "check", "--repair")
    code, text = call("system", "check")
    if code != 0:
        problems.append("system check, all put right: %s %s" % (code, text))
    others_go_on(problems)
    report("%s: %s" % (name, kind), problems)


def main():
    must("network", "create", "net")
    must("run", "-d", "--name", "other", "--network", "net", "deb", "sleep", "1000")
    flips = int(os.environ.get("MYBOX_FLIPS", "3"))
    kinds = list(KINDS.items()) + [("a bit flipped (%d)" % i, spoil_flip) for i in range(flips)]
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    docs = [(lambda c: ROOT + "/containers/%s/container.json" % c, True),
            (lambda c: ROOT + "/containers/%s/container.json" % c, False),
            (lambda c: ROOT + "/containers/%s/exit.json" % c, False),
            (lambda c: ROOT + "/containers/%s/exit.json" % c, True),
            (lambda c: RUN + "/c/%s/state.json" % c, True),
            (lambda c: RUN + "/net/e/%s" % c, True)]
    # Without MYBOX_STATE_ALL each document takes every third way, and each way some document.
    every = 1 if only or os.environ.get("MYBOX_STATE_ALL") else 3
    for turn, (where, running) in enumerate(docs):
        for kind, spoil in kinds[turn % every::every]:
            if only in where("x") + " " + kind:
                container_document(where, running, kind, spoil)
    nets = {json.load(open(ROOT + "/networks/" + f)).get("name"): ROOT + "/networks/" + f
            for f in os.listdir(ROOT + "/networks") if f.endswith(".json")}
    image = [ROOT + "/images/" + f for f in os.listdir(ROOT + "/images")][0]
    net_id = must("network", "inspect", "-f", "{{.Id}}", "net")
    shared = (("network", nets["net"]), ("image", image), ("VERSION", ROOT + "/VERSION"),
              ("ipam", RUN + "/net/%s/ipam" % net_id))
    for turn, (name, path) in enumerate(shared):
        for kind, spoil in kinds[turn % every::every]:
            if only not in name + " " + kind:
                continue
            shared_document(name, path, kind, spoil)
    print("1..%d" % count)
    return 1 if bad else 0


sys.exit(main())
