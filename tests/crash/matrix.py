#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""matrix.py VERB [INDEX...]: kill `mybox VERB` at sampled system calls; nothing may remain.

Runs in tests/support/isolated (a network and mounts of its own).  At each kill point: the state
still loads, a next normal command works, one `system check --repair` at most makes
`system check` clean, and no process, cgroup, mount, link, firewall element, address, name or
directory is left over.  Kill points take turns in who dies: the process that makes the call, the
command, or everything the command started.

What is killed, and what only makes and takes away, is MYBOX_PLAIN, which has no sanitizers: they
say nothing of a process that is killed, and their start is most of what a short command costs.
Whoever comes first upon what was left is MYBOX at every fourth point.

  MYBOX          the program        MYBOX_KILLAT   tests/crash/killat.c, built
  MYBOX_PLAIN    the same without sanitizers (default: MYBOX)
  MYBOX_CRASH_POINTS=64             MYBOX_CRASH_ALL=1: every call
  MYBOX_CRASH_PHASE=0..1            where in its interval each sample lies (default 0.5)
"""
import ctypes, json, os, re, shutil, signal, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MYBOX = os.environ.get("MYBOX", TOP + "/build/dev/cmd/mybox")
PLAIN = os.environ.get("MYBOX_PLAIN", MYBOX)
KILLAT = os.environ.get("MYBOX_KILLAT", os.path.dirname(os.path.dirname(MYBOX)) + "/tests/killat")
IMAGES = "/run/mybox-test/images"
PORT = 5090
SERVER = "127.0.0.1:%d" % PORT
STORE = "http://127.0.0.1:2379"
SHARED = ["-d", "overlay", "--internal", "--subnet", "10.97.0.0/24", "-o", "store=" + STORE,
          "-o", "ttl=3", "-o", "vtep=127.0.0.1"]
PR_SET_CHILD_SUBREAPER = 36
MODES = ("one", "main", "all")


class Leak(Exception):
    pass


class Store:
    """A store, what it is like when nothing runs, and the commands on it."""

    def __init__(self, verb):
        self.base = "/run/mybox-test/crash-" + verb.replace(" ", "-")
        shutil.rmtree(self.base, ignore_errors=True)
        os.makedirs(self.base, 0o700)
        self.root, self.run = self.base + "/root", self.base + "/run"
        self.parent = "mybox-crash-%d" % os.getpid()
        self.report = self.base + "/report"
        self.program = PLAIN

    def argv(self, *args):
        if args[0] == "cni":
            return [self.program + "-cni"]
        return [self.program, "--root", self.root, "--runroot", self.run, *args]

    def around(self, *args):
        """What a call of the plugin of CNI has in its environment and on its standard input."""
        if args[0] != "cni":
            return {"stdin": subprocess.DEVNULL}
        with open(self.base + "/cni.conf", "w") as f:
            f.write('{"cniVersion": "1.0.0", "name": "conf", "type": "mybox-cni", "network": "net",'
                    '"root": "%s", "runroot": "%s", "runtimeConfig": {"portMappings":'
                    '[{"hostPort": 18080, "containerPort": 80}]}}' % (self.root, self.run))
        return {"stdin": open(self.base + "/cni.conf"),
                "env": dict(os.environ, CNI_COMMAND=args[1], CNI_CONTAINERID="victim",
                            CNI_IFNAME="eth0", CNI_NETNS=self.base + "/netns")}

    def call(self, *args, codes=(0,), timeout=20):
        # A file takes the output: whoever inherits a pipe would be waited for.
        with tempfile.TemporaryFile() as out:
            try:
                p = subprocess.run(self.argv(*args), stdout=out, stderr=subprocess.STDOUT,
                                   timeout=timeout, **self.around(*args))
            except subprocess.TimeoutExpired:
                raise Leak("'%s' hangs" % " ".join(args))
            out.seek(0)
            text = out.read().decode(errors="replace")
        if codes and p.returncode not in codes:
            raise Leak("'%s' ended with %d: %s" % (" ".join(args), p.returncode, text.strip()))
        self.code = p.returncode
        return text

    def killed(self, k, mode, args):
        """Run it under killat; return the report as a dictionary."""
        with open(self.base + "/output", "wb") as out:
            argv = [KILLAT, "-o", self.report, "-t", "60"]
            if k:
                argv += ["-k", str(k), "-m", mode]
            subprocess.run(argv + self.argv(*args), stdout=out, stderr=subprocess.STDOUT,
                           **self.around(*args))
        with open(self.report) as f:
            got = dict(w.split("=", 1) for w in f.read().split())
        if got["hang"] == "1":
            raise Leak("the command hangs")
        return got


# --- what is there --------------------------------------------------------------------------------
def listing(path, depth=1):
    out = []
    for base, dirs, files in os.walk(path):
        below = os.path.relpath(base, path)
        level = 0 if below == "." else below.count("/") + 1
        out += [os.path.normpath(os.path.join(below, n)) for n in dirs + files]
        if level + 1 >= depth:
            dirs[:] = []
    return sorted(out)


def with_reaper(work):
    """Processes that lose their parent come to this one, which reaps them as init would."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    worker = os.fork()
    if worker == 0:
        try:
            os._exit(work())
        except Leak as leak:
            print(leak, flush=True)
        os._exit(1)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == worker:
            return os.waitstatus_to_exitcode(status)


def children():
    """All orphans: what is below the reaper and not below us."""
    reaper = os.getppid()
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                stat = f.read()
        except OSError:
            continue
        name, rest = stat[stat.index("(") + 1:].rsplit(")", 1)
        parents[int(pid)] = (int(rest.split()[1]), name, rest.split()[0])
    mine = set()
    for pid in parents:
        at = pid
        while at in parents and at not in (os.getpid(), reaper):
            at = parents[at][0]
        if at == reaper and pid != reaper:
            mine.add("process %d %s (%s)" % (pid, parents[pid][1], parents[pid][2]))
    return sorted(mine)


def cgroups(store, ids):
    found = []
    for base in ["/sys/fs/cgroup"] + ["/sys/fs/cgroup/" + n for n in os.listdir("/sys/fs/cgroup")]:
        for parent in ("mybox", store.parent):
            if not os.path.isdir(base + "/" + parent):
                continue
            for n in os.listdir(base + "/" + parent):
                path = "%s/%s/%s" % (base, parent, n)
                if os.path.isdir(path) and (parent == store.parent or n in ids):
                    found.append(path)
    return found


def owners(store):
    """Addresses that somebody holds: slots of eight bytes, 0 free, all ones the network's own."""
    held = []
    for base, _, files in os.walk(store.run + "/net"):
        for f in files:
            if not f.startswith("ipam"):
                continue
            with open(base + "/" + f, "rb") as fd:
                data = fd.read()
            for at in range(32, len(data) - 7, 8):
                word = data[at:at + 8]
                if word != b"\0" * 8 and word != b"\xff" * 8:
                    held.append("%s slot %d %s" % (os.path.basename(base), at // 8, word.hex()))
    return held


def everything(store, ids):
    with open("/proc/self/mountinfo") as f:
        mounts = f.read().splitlines()
    links = subprocess.run(["ip", "-o", "link"], stdout=subprocess.PIPE, text=True).stdout
    rules = subprocess.run(["nft", "list", "ruleset"], stdout=subprocess.PIPE, text=True).stdout
    out = {
        "processes": children(),
        "cgroups": cgroups(store, ids),
        "mounts": mounts,
        "links": sorted(re.findall(r"^\d+: (mb[^:@]*)", links, re.M)),
        "firewall": rules.split("\n"),
        "addresses": owners(store),
        "containers": listing(store.root + "/containers"),
        "names": listing(store.root + "/names"),
        "volumes": listing(store.root + "/volumes"),
        "secrets": listing(store.root + "/secrets"),
        "networks": listing(store.root + "/networks"),
        "images": listing(store.root + "/images"),
        "refs": listing(store.root + "/refs"),
        "blobs": listing(store.root + "/blobs", 2),
        "layers": listing(store.root + "/layers"),
        "downloads": listing(store.root + "/downloads"),
        "ingest": listing(store.root + "/ingest"),
        "steps": listing(store.root + "/steps"),
        "caches": listing(store.root + "/caches"),
        "root": listing(store.root),
        "run": listing(store.run),
        "runs": listing(store.run + "/c"),
        "guests": listing(store.run + "/guests"),
        "locks": [n for n in listing(store.run + "/locks") if n.startswith("c-")],
        "records": [n for n in listing(store.run + "/net", 4) if re.search("[0-9a-f]{64}$", n)],
    }
    return out


def rest(store):
    """What is there when nothing runs."""
    end = time.time() + 5
    while True:
        seen = everything(store, ids_of(store))
        busy = [n for n in seen["links"] if re.match("mb[0-9a-f]", n)] + seen["processes"]
        if not busy:
            return seen
        if time.time() > end:
            raise Leak("it does not come to rest: %s" % busy)
        time.sleep(0.05)


def differences(before, after):
    out = []
    for what, was in before.items():
        now = after[what]
        out += ["%s: left over: %s" % (what, x) for x in now if x not in was]
        out += ["%s: lost: %s" % (what, x) for x in was if x not in now]
    return out


def ids_of(store):
    ids = set()
    for where in (store.root + "/containers", store.run + "/c"):
        for n in listing(where):
            found = re.search("[0-9a-f]{64}", n)
            if found:
                ids.add(found.group())
    return ids


# --- the verbs ------------------------------------------------------------------------------------
class Verb:
    """prepare: before the command.  args: the command.  settle: what a user would do after it, so
    that the store should be as it was at the beginning."""

    prepare = staticmethod(lambda s: None)

    def __init__(self, args, prepare=None, settle=None, own=False, server=False, etcd=False):
        self.args, self.own, self.server, self.etcd = args, own, server, etcd
        if prepare:
            self.prepare = prepare
        self.settle = settle or remove_all


def remove_all(s):
    ids = s.call("ps", "-aq").split()
    if ids:
        s.call("rm", "-f", "-v", *ids)


def expect_gone(s):
    """--rm: without a word of the user's the container has to vanish."""
    end = time.time() + 3
    while s.call("ps", "-aq").split():
        if time.time() > end:
            raise Leak("a container of 'run --rm' stays: " + s.call("ps", "-a"))
        time.sleep(0.02)


def one_container(s, *more):
    s.call("run", "-d", "--name", "victim", "--network", "net", "-p", "18080:80", "-v", "/anon",
           *more, "deb", "sleep", "1000")


def checked_container(s):
    s.call("run", "-d", "--name", "victim", "--health-cmd", "sleep 999 & true",
           "--health-interval", "1h", "deb", "sleep", "1000")


def remove_networks(s):
    for n in s.call("network", "ls", "-q", "--filter", "name=victim").split():
        s.call("network", "rm", n)


def remove_endpoints(s):
    for n in s.call("network", "endpoint", "ls", "-q", "net").split():
        s.call("network", "endpoint", "rm", "net", n)


def remove_secrets(s):
    """The old one or the new one, whole, whoever was killed."""
    path = s.root + "/secrets/victim/data"
    if os.path.exists(path):
        with open(path) as f:
            if f.read() not in ("old", "new" * 1000):
                raise Leak("half a secret")
    for n in s.call("secret", "ls", "-q").split():
        s.call("secret", "rm", n)


def some_secret(s):
    for name, text in (("new", "new" * 1000), ("old", "old")):
        with open(IMAGES + "/" + name + ".secret", "w") as f:
            f.write(text)
    s.call("secret", "create", "victim", IMAGES + "/old.secret")


def remove_volumes(s):
    for n in s.call("volume", "ls", "-q").split():
        s.call("volume", "rm", n)


def remove_loaded(s):
    if "layers7" in s.call("images"):
        s.call("rmi", "layers7")
    s.call("load", "-q", "-i", IMAGES + "/layers7.tar")
    out = s.call("run", "--rm", "layers7", "cat", "/opaque/new", "/data/b")
    if out != "new6":
        raise Leak("the image loaded after the crash is not whole: %r" % out)
    s.call("rmi", "layers7")


def changed_container(s):
    one_container(s)
    s.call("exec", "victim", "sh", "-c", "echo new >/etc/new; rm /etc/group; mkdir /d; echo x >/d/f")


def remove_committed(s):
    """The container goes on, and an image that is there is whole."""
    state = s.call("inspect", "-f", "{{.State.Status}}", "victim").strip()
    if state != "running":
        raise Leak("the container is " + state)
    s.call("exec", "victim", "true")
    remove_all(s)
    # It may have come to be without coming to its name.
    for image in set(s.call("images", "-q").split()) - set(s.call("images", "-q", "deb").split()):
        out = s.call("run", "--rm", image, "sh", "-c",
                     "cat /etc/new /d/f; [ -e /etc/group ] || echo gone")
        if out.split() != ["new", "x", "gone"]:
            raise Leak("the committed image is not whole: %r" % out)
        s.call("rmi", image)


def expect_whole(s):
    """Every image that is there has its layers, byte for byte: saving verifies the digests."""
    for image in sorted(set(s.call("images", "-q").split())):
        s.call("save", "-o", s.base + "/saved.tar", image)
        os.unlink(s.base + "/saved.tar")


def dangling(s):
    s.call("load", "-q", "-i", IMAGES + "/layers7.tar")
    s.call("tag", "deb", "layers7")


def remove_dangling(s):
    expect_whole(s)
    s.call("image", "prune", "-f")
    s.call("rmi", "layers7")
    remove_loaded(s)


def remove_pulled(s):
    expect_whole(s)
    s.call("pull", "-q", SERVER + "/good/x")
    expect_whole(s)
    s.call("rmi", SERVER + "/good/x")


def remove_pushed(s):
    expect_whole(s)
    s.call("push", "-q", SERVER + "/no-mount/x")
    s.call("rmi", SERVER + "/no-mount/x")


def pull_as_pushed(s):
    s.call("pull", "-q", SERVER + "/good/x")
    s.call("tag", SERVER + "/good/x", SERVER + "/no-mount/x")
    s.call("rmi", SERVER + "/good/x")


def make_context(s):
    os.makedirs(s.base + "/context/d", exist_ok=True)
    for name, text in (("Dockerfile", "FROM deb AS a\nRUN echo made >/made; rm /etc/group\n"
                                      "FROM deb AS b\nRUN echo beside >/beside\n"
                                      "FROM deb\nCOPY d /d\nCOPY --from=a /made /made\n"
                                      "COPY --from=b /beside /beside\n"
                                      "RUN --mount=type=cache,target=/c cat /made /d/file >/both\n"),
                       ("d/file", "copied\n")):
        with open(s.base + "/context/" + name, "w") as f:
            f.write(text)


def remove_built(s):
    """Whatever was kept of it, the next build gives a whole image."""
    s.call("build", "-q", "-t", "built", s.base + "/context", timeout=60)
    out = s.call("run", "--rm", "built", "cat", "/both")
    if out.split() != ["made", "copied"]:
        raise Leak("what was built after the crash is not whole: %r" % out)
    for image in set(s.call("images", "-q", "--no-trunc").split()):
        if s.call("image", "inspect", "-f", "{{.Comment}}{{.RepoTags}}", image) != "[deb:latest]\n":
            s.call("rmi", "-f", image)
    s.call("builder", "prune", "-af")


def expect_unclaimed(s):
    """What was here only to be saved went with the repair."""
    left = [n for n in listing(s.run + "/locks") if n.startswith("given-")]
    if left:
        raise Leak("locks of a build that is gone: %s" % left)
    left = s.call("images", "-q", "-f", "dangling=true").split()
    if left:
        raise Leak("images of a build that is gone: %s" % left)
    s.call("builder", "prune", "-af")


def make_namespace(s):
    with open(s.base + "/netns", "w"):
        pass
    subprocess.run(["unshare", "--net=" + s.base + "/netns", "true"], check=True)


def remove_guest(s):
    """What every engine does after an ADD that it heard nothing of."""
    s.call("cni", "DEL")
    s.call("cni", "ADD")
    s.call("cni", "DEL")
    subprocess.run(["umount", s.base + "/netns"], check=True)


def etcd(*args):
    return subprocess.run(["etcdctl", "--endpoints", STORE, *args], stdout=subprocess.PIPE,
                          text=True, check=True, env=dict(os.environ, ETCDCTL_API="3")).stdout


def forget_shared(s):
    """What a user does, who may find that the store has it and the host not, or the other way
    round; what hangs on a lease goes by itself."""
    remove_all(s)
    if not s.call("network", "ls", "-q", "--filter", "name=victim").split():
        s.call("network", "join", "-o", "store=" + STORE, "-o", "vtep=127.0.0.1", "victim",
               codes=(0, 1))
    end = time.time() + 10
    while s.call("network", "ls", "-q", "--filter", "name=victim").split():
        s.call("network", "rm", "victim", codes=(0, 1))
        if time.time() > end:
            raise Leak("the network cannot be removed: " + s.call("network", "rm", "victim",
                                                                  codes=(0, 1)))
    while etcd("get", "--prefix", "--keys-only", "/mybox").strip():
        if time.time() > end:
            raise Leak("left in the store: " + etcd("get", "--prefix", "--keys-only", "/mybox"))
        time.sleep(0.1)


def share(s):
    s.call("network", "create", *SHARED, "victim")


def share_elsewhere(s):
    """The network is in the store, and not here."""
    share(s)
    s.call("network", "leave", "victim")


def share_and_run(s):
    share(s)
    s.call("run", "-d", "--name", "victim", "--network", "victim", "--mac-address",
           "02:42:00:00:00:07", "deb", "sleep", "1000")


BRIDGE = "com.docker.network.bridge."


def make_bridge(s):
    """One of the host's own, which stays: the second time it is there."""
    subprocess.run(["ip", "link", "add", "br-own", "type", "bridge"], stderr=subprocess.DEVNULL)


RUN_D = ["run", "-d", "--name", "victim", "--network", "net", "-p", "18080:80", "-v", "/anon",
         "deb", "sleep", "1000"]
VERBS = {
    "run -d": Verb(RUN_D),
    "run --rm": Verb(["run", "--rm", "--network", "net", "-v", "/anon", "deb", "true"],
                     settle=expect_gone),
    "run -d --health-cmd": Verb(["run", "-d", "--name", "victim", "--network", "net",
                                 "--health-cmd", "sleep 0.01", "--health-interval", "20ms", "deb",
                                 "sleep", "1000"]),
    "healthcheck run": Verb(["healthcheck", "run", "victim"], prepare=checked_container),
    "run -d --cgroup-parent": Verb(None, own=True),
    "create": Verb(["create", "--name", "victim", "--network", "net", "-v", "named:/data",
                    "-v", "/anon", "deb", "true"],
                   settle=lambda s: (remove_all(s), remove_volumes(s))),
    "start": Verb(["start", "victim"],
                  prepare=lambda s: s.call("create", "--name", "victim", "--network", "net",
                                           "-p", "18080:80", "deb", "sleep", "1000")),
    "stop": Verb(["stop", "-t", "0", "victim"], prepare=one_container),
    "rm -f": Verb(["rm", "-f", "-v", "victim"], prepare=one_container),
    "commit": Verb(["commit", "victim", "committed"], prepare=changed_container,
                   settle=remove_committed),
    "build": Verb(["build", "-q", "-t", "built", "/run/mybox-test/crash-build/context"],
                  prepare=make_context, settle=remove_built),
    "build -o": Verb(["build", "-q", "-o", "type=oci,dest=/run/mybox-test/crash-build--o/out.tar",
                      "/run/mybox-test/crash-build--o/context"],
                     prepare=make_context, settle=expect_unclaimed),
    "exec": Verb(["exec", "victim", "true"], prepare=one_container),
    "network create": Verb(["network", "create", "victim"], settle=remove_networks),
    "network create -o": Verb(["network", "create", "-o", "isolate=false",
                               "-o", BRIDGE + "gateway_mode_ipv4=nat-unprotected",
                               "-o", BRIDGE + "trusted_host_interfaces=lo", "victim"],
                              settle=remove_networks),
    "network create unmanaged": Verb(["network", "create", "-o", "mode=unmanaged",
                                      "--interface-name", "br-own", "victim"],
                                     prepare=make_bridge, settle=remove_networks),
    "network rm": Verb(["network", "rm", "victim"], settle=remove_networks,
                       prepare=lambda s: (s.call("network", "create", "victim"),
                                          s.call("run", "--rm", "--network", "victim", "deb",
                                                 "true"))),
    "network endpoint add": Verb(["network", "endpoint", "add", "net", "victim", "192.0.2.1"],
                                 settle=remove_endpoints),
    "network disconnect": Verb(["network", "disconnect", "net", "victim"],
                               prepare=lambda s: s.call("run", "-d", "--name", "victim",
                                                        "--network", "bridge", "--network", "net",
                                                        "-p", "18080:80", "deb", "sleep", "1000")),
    "network endpoint rm": Verb(["network", "endpoint", "rm", "net", "victim"],
                                prepare=lambda s: s.call("network", "endpoint", "add", "net",
                                                         "victim", "192.0.2.1"),
                                settle=remove_endpoints),
    "cni ADD": Verb(["cni", "ADD"], prepare=make_namespace, settle=remove_guest),
    "cni DEL": Verb(["cni", "DEL"], settle=remove_guest,
                    prepare=lambda s: (make_namespace(s), s.call("cni", "ADD"))),
    "volume create": Verb(["volume", "create", "victim"], settle=remove_volumes),
    "volume rm": Verb(["volume", "rm", "victim"], settle=remove_volumes,
                      prepare=lambda s: s.call("volume", "create", "victim")),
    "secret create": Verb(["secret", "create", "--replace", "victim", IMAGES + "/new.secret"],
                          settle=remove_secrets, prepare=some_secret),
    "secret rm": Verb(["secret", "rm", "victim"], settle=remove_secrets, prepare=some_secret),
    "load": Verb(["load", "-q", "-i", IMAGES + "/layers7.tar"], settle=remove_loaded),
    "rmi": Verb(["rmi", "layers7"], settle=remove_loaded,
                prepare=lambda s: s.call("load", "-q", "-i", IMAGES + "/layers7.tar")),
    "image prune": Verb(["image", "prune", "-f"], prepare=dangling, settle=remove_dangling),
    "pull": Verb(["pull", "-q", SERVER + "/good/x"], settle=remove_pulled, server=True),
    # To a repository that has nothing, whatever was sent there before.
    "push": Verb(["push", "-q", SERVER + "/no-mount/x"], prepare=pull_as_pushed,
                 settle=remove_pushed, server=True),
    "image mount": Verb(["image", "mount", "deb"], settle=lambda s: s.call("image", "unmount", "-a")),
    "image unmount": Verb(["image", "unmount", "deb"],
                          prepare=lambda s: s.call("image", "mount", "deb"),
                          settle=lambda s: s.call("image", "unmount", "-a")),
    "overlay create": Verb(["network", "create", *SHARED, "victim"], settle=forget_shared,
                           etcd=True),
    "overlay join": Verb(["network", "join", "-o", "store=" + STORE, "-o", "vtep=127.0.0.1",
                          "victim"], prepare=share_elsewhere, settle=forget_shared, etcd=True),
    "overlay leave": Verb(["network", "leave", "victim"], prepare=share, settle=forget_shared,
                          etcd=True),
    "overlay rm": Verb(["network", "rm", "victim"], prepare=share, settle=forget_shared,
                       etcd=True),
    "overlay run": Verb(["run", "-d", "--name", "victim", "--network", "victim", "--mac-address",
                         "02:42:00:00:00:07", "deb", "sleep", "1000"], prepare=share,
                        settle=forget_shared, etcd=True),
    "overlay rm -f": Verb(["rm", "-f", "victim"], prepare=share_and_run, settle=forget_shared,
                          etcd=True),
    "overlay policy add": Verb(["network", "policy", "add", "--action", "deny", "victim",
                                "a:b:80"], prepare=share_and_run, settle=forget_shared, etcd=True),
    "tag": Verb(["tag", "deb", "victim:1"],
                settle=lambda s: "victim" in s.call("images") and s.call("rmi", "victim:1")),
}


# --- one kill point -------------------------------------------------------------------------------
def wait_same(store, before, ids, seconds=3):
    """The kernel takes namespaces down in its own time."""
    end = time.time() + seconds
    while True:
        bad = differences(before, everything(store, ids))
        if not bad or time.time() > end:
            return bad
        time.sleep(0.05)


def look(store):
    """A user goes on; then what is left is repaired.  Return: what was said of it, and how."""
    store.call("ps", "-a")
    store.call("run", "--rm", "--network", "net", "deb", "true")
    store.call("images")
    store.call("network", "ls")
    repaired = store.call("system", "check", "--repair", codes=(0, 1))
    return repaired, store.code


def point(store, verb, before, k, mode, looker=MYBOX):
    verb.prepare(store)
    ids = ids_of(store)
    args = list(verb.args)
    got = store.killed(k, mode, args)
    ids |= ids_of(store)
    store.program = looker
    try:
        repaired, first = look(store)
    finally:
        store.program = PLAIN
    ids |= ids_of(store)
    # What was killed may still be dying while the repair looks: it waits for that.
    found = store.call("system", "check", codes=(0, 2))
    if store.code:
        raise Leak("one repair was not enough:\n  " + found.strip())
    verb.settle(store)
    store.call("system", "check")
    bad = wait_same(store, before, ids)
    if bad:
        raise Leak("after the repair%s\n  %s" % (": " + repaired.strip() if first else " of nothing",
                                                "\n  ".join(bad)))
    return got, first


def start_server(store):
    """A registry: a child of ours, so no orphan."""
    directory = store.base + "-server"
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    server = subprocess.Popen([sys.executable, TOP + "/tests/registry/server.py", str(PORT),
                               directory], stdin=subprocess.DEVNULL)
    server.directory = directory
    end = time.time() + 20
    while not os.path.exists(directory + "/ready"):
        if time.time() > end or server.poll() is not None:
            raise Leak("the registry does not start")
        time.sleep(0.05)
    return server


def start_etcd(store):
    """A store of the test's own: a child of ours, so no orphan."""
    directory = store.base + "-etcd"
    shutil.rmtree(directory, ignore_errors=True)
    with open(os.devnull, "w") as null:
        server = subprocess.Popen(["etcd", "--data-dir", directory, "--listen-client-urls", STORE,
                                   "--advertise-client-urls", STORE, "--listen-peer-urls",
                                   "http://127.0.0.1:2380"], stdin=subprocess.DEVNULL, stdout=null,
                                  stderr=null)
    server.directory = directory
    end = time.time() + 30
    while True:
        try:
            etcd("get", "x")
            return server
        except subprocess.CalledProcessError:
            if time.time() > end or server.poll() is not None:
                raise Leak("etcd does not start")
            time.sleep(0.1)


def setup(name):
    subprocess.run(["flock", "/run/mybox-test/images.lock", "sh", "-c",
                    "[ -e %s/done ] || { python3 %s/tests/support/images.py %s && touch %s/done; }"
                    % (IMAGES, TOP, IMAGES, IMAGES)], check=True)
    store = Store(name)
    store.call("load", "-q", "-i", IMAGES + "/deb.tar", timeout=60)
    store.call("network", "create", "net")
    # Everything that is made once and stays is there before the first look.
    store.call("run", "--rm", "--network", "net", "-p", "18080:80", "-v", "/anon", "deb", "true")
    for program in (MYBOX, PLAIN):
        # Each has its own monitor.
        store.program = program
        store.call("run", "--rm", "deb", "true")
    store.call("load", "-q", "-i", IMAGES + "/layers7.tar")
    store.call("rmi", "layers7")
    store.call("builder", "prune", "-af")
    store.call("image", "mount", "deb")
    store.call("image", "unmount", "deb")
    make_namespace(store)
    store.call("cni", "ADD")
    remove_guest(store)
    store.call("volume", "create", "xx")
    store.call("volume", "rm", "xx")
    some_secret(store)
    remove_secrets(store)
    if VERBS[name].etcd:
        share_and_run(store)
        forget_shared(store)
    if VERBS[name].server:
        pull_as_pushed(store)
        store.call("push", "-q", SERVER + "/no-mount/x")
        store.call("rmi", SERVER + "/no-mount/x")
    return store


def clear_network():
    """A store that is gone keeps its table and bridges, and all that look at them pay for that."""
    if "MYBOX_CGROUPS" not in os.environ:
        return  # by hand, outside tests/support/isolated: this would be the machine's own
    subprocess.run("nft flush ruleset; for l in $(ip -o link | grep -o ' mb[^:@]*'); do "
                   "ip link del $l 2>/dev/null; done", shell=True)


def start_over(store, name):
    """After a failure: a new store, with nothing of the old one alive."""
    for p in children():
        try:
            os.kill(int(p.split()[1]), signal.SIGKILL)
        except OSError:
            pass
    time.sleep(0.3)
    for path in cgroups(store, ids_of(store)):
        subprocess.run(["find", path, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"])
    clear_network()
    return setup(name)


def main(name, chosen):
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"
    os.environ["MYBOX_REGISTRIES"] = "/nonexistent"
    verb = VERBS[name]
    server = start_server(Store(name)) if verb.server else \
        start_etcd(Store(name)) if verb.etcd else None
    try:
        return kill_all(name, verb, chosen)
    finally:
        if server:
            server.kill()
            server.wait()
            shutil.rmtree(server.directory, ignore_errors=True)


def kill_all(name, verb, chosen):
    store = setup(name)
    if verb.own:
        verb.args = RUN_D[:2] + ["--cgroup-parent", store.parent] + RUN_D[2:]
    before = rest(store)
    got, _ = point(store, verb, before, 0, "one")
    total = int(got["calls"])
    if got["status"] != "0":
        raise Leak("it does not even work undisturbed: %s" % open(store.base + "/output").read())
    # What the loader and the sanitizers call before main() changes nothing: not a sample of it.
    first = 0 if os.environ.get("MYBOX_CRASH_ALL") else \
        int(store.killed(0, "one", ["version"])["calls"]) * 9 // 10
    n = total if os.environ.get("MYBOX_CRASH_ALL") else \
        min(total - first, int(os.environ.get("MYBOX_CRASH_POINTS", "64")))
    phase = float(os.environ.get("MYBOX_CRASH_PHASE", "0.5"))
    points = [first + int((i + phase) * (total - first) / n) + 1 for i in range(n)]
    if chosen:
        points = [int(c) for c in chosen]
    bad = repairs = 0
    started = time.time()
    for i, k in enumerate(points):
        mode = os.environ.get("MYBOX_CRASH_MODE", MODES[i % 3])
        try:
            got, repaired = point(store, verb, before, k, mode, PLAIN if i % 4 else MYBOX)
            repairs += repaired
        except Leak as leak:
            bad += 1
            report = open(store.report).read().strip()
            print("%s: killed at call %d of %d (%s): %s\n  %s\n  output: %s" % (
                name, k, total, mode, leak, report,
                open(store.base + "/output", errors="replace").read().strip()), flush=True)
            if os.environ.get("MYBOX_CRASH_STOP"):
                break
            store = start_over(store, name)
            if verb.own:
                verb.args = RUN_D[:2] + ["--cgroup-parent", store.parent] + RUN_D[2:]
            before = rest(store)
    print("%s: %d system calls, killed at %d, %d needed a repair, %d bad, %.1f s" % (
        name, total, len(points), repairs, bad, time.time() - started), flush=True)
    if not os.environ.get("MYBOX_CRASH_STOP"):
        shutil.rmtree(store.base, ignore_errors=True)
        clear_network()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(with_reaper(lambda: main(sys.argv[1], sys.argv[2:])))
