# SPDX-License-Identifier: GPL-2.0-or-later
"""What the rows run on: the floor programs, a store with an image, and the peers."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import peers

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("MYBOX_RELEASE", TOP / "build/release"))
RUNROOT = "/run/mybox-test/bench"
IMAGE = peers.IMAGE
FLOORS = {"limit": ["limit.c", "netlink.c"], "netop": ["netop.c", "netlink.c"],
          "nothing": ["nothing.c"], "peak": ["peak.c"], "pp": ["pp.c"], "names": ["names.c"],
          "lines": ["lines.c"]}
CRUN = os.path.join(BUILD.parent, "newest-crun")
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}


def describe():
    cpu = [l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")]
    return {"kernel": os.uname().release, "cpus": os.cpu_count(), "cpu": cpu[0] if cpu else "?",
            "cgroups": "v2" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "v1",
            "load": os.getloadavg(), "when": int(time.time())}


def build_floors(directory):
    """Static: musl where it is, for glibc's start alone costs as much as many a row."""
    flags = ["-static", "-O2"]
    compiler = "gcc"
    if shutil.which("musl-gcc"):
        compiler = "musl-gcc"
        arch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True)
        for path in ("/usr/include", "/usr/include/" + arch.stdout.strip()):
            flags += ["-idirafter", path]
    for name, sources in FLOORS.items():
        out = os.path.join(directory, name)
        subprocess.run([compiler, *flags, "-o", out] + [str(HERE / s) for s in sources],
                       check=True)


class Sample:
    """Processes that are timed by themselves: no shell between."""

    def __init__(self, errors):
        nul = os.open("/dev/null", os.O_RDWR)
        self.actions = [(os.POSIX_SPAWN_DUP2, nul, 0), (os.POSIX_SPAWN_DUP2, nul, 1),
                        (os.POSIX_SPAWN_DUP2, errors, 2)]

    def spawn(self, argv):
        return os.posix_spawn(argv[0], argv, os.environ, file_actions=self.actions)

    def __call__(self, argv):
        """(milliseconds, whether it succeeded), of a command or of a list of them, in order"""
        commands, ok = [argv] if isinstance(argv[0], str) else argv, True
        begin = time.perf_counter_ns()
        for command in commands:
            _, status = os.waitpid(self.spawn(command), 0)
            ok = ok and status == 0
        return (time.perf_counter_ns() - begin) / 1e6, ok

    def many(self, make_argv, total, at_once):
        """Starts per second."""
        begin, running, started, ok = time.perf_counter_ns(), 0, 0, True
        while started < total or running:
            if started < total and running < at_once:
                self.spawn(make_argv(started))
                started, running = started + 1, running + 1
                continue
            _, status = os.wait()
            running, ok = running - 1, ok and status == 0
        return total / ((time.perf_counter_ns() - begin) / 1e9), ok


class Machine:
    def __init__(self, store, peers, against=None):
        self.directory = tempfile.mkdtemp(prefix="mybox-bench.",
                                          dir="/run/mybox-test" if store == "tmpfs" else
                                          os.environ.get("MYBOX_BENCH_DISK", "/var/tmp"))
        self.store = os.path.join(self.directory, "store")
        self.work = os.path.join(self.directory, "floor")
        self.errors = os.open(os.path.join(self.directory, "errors"),
                              os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.sample = Sample(self.errors)
        self.binary = str(BUILD / "cmd/mybox")
        self.want_peers = peers
        self.against = against
        self.peers = None

    def __enter__(self):
        if not os.access(self.binary, os.X_OK):
            sys.exit("no release build at '%s': tests/run release makes one" % self.binary)
        build_floors(self.directory)
        os.mkdir(self.work)
        subprocess.run([sys.executable, str(HERE.parent / "support/images.py"),
                        os.path.join(self.directory, "images")], check=True)
        self.do("load", "-qi", self.image("deb.tar"))
        layers = os.path.join(self.store, "layers")
        self.rootfs = os.path.join(layers, sorted(os.listdir(layers))[0], "diff")
        self.door = os.path.join(self.directory, "mybox-oci")
        os.symlink(self.binary, self.door)
        if self.want_peers:
            self.peers = peers.Peers(self.directory, self.image("rootfs.tar"), self.rootfs,
                                     self.errors, self.door, CRUN)
            self.peers.find()
        self.prepare_oci()
        return self

    def __exit__(self, *_):
        if self.peers:
            self.peers.close()
        for name in subprocess.run(self.mybox("ps", "-aq"), capture_output=True,
                                   text=True).stdout.split():
            self.do("rm", "-f", name, check=False)
        if os.path.getsize(os.path.join(self.directory, "errors")):
            with open(os.path.join(self.directory, "errors")) as f:
                print("stderr, last lines:\n" + "".join(f.readlines()[-5:]), file=sys.stderr)
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.rmtree(RUNROOT, ignore_errors=True)

    def image(self, name):
        return os.path.join(self.directory, "images", name)

    def mybox(self, *args):
        return [self.binary, "--root", self.store, "--runroot", RUNROOT, *args]

    def do(self, *args, check=True):
        subprocess.run(self.mybox(*args), check=check, stderr=self.errors, **QUIET)

    def output(self, *args):
        return subprocess.run(self.mybox(*args), check=True, capture_output=True,
                              text=True).stdout.strip()

    def floor(self, name, *args):
        return [os.path.join(self.directory, name), *args]

    def limit(self, *flags, groups=0, command=("/bin/true",)):
        """The floor of a start; @groups: how many control groups of version 1 mybox joins."""
        if groups:
            flags += ("-g", "20") if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else \
                ("-G", str(groups))
        return self.floor("limit", "-i", "1", "-r", self.rootfs, "-w", self.work, *flags,
                          *command)

    # --- OCI runtimes: one bundle for all, but for the control group's name

    def prepare_oci(self):
        """What comes before a verb: {name: words}; and a bundle for each, of a program that
        ends at once and of one that stays."""
        self.oci = {"mybox": [self.door, "--root", os.path.join(RUNROOT, "oci")]}
        if self.against:
            other = os.path.join(self.directory, "other", os.path.basename(self.door))
            os.mkdir(os.path.dirname(other))
            os.symlink(os.path.abspath(self.against), other)
            self.oci["other"] = [other, "--root", os.path.join(RUNROOT, "oci-other")]
        if self.peers:
            self.oci.update(self.peers.runtime)
        for tool in self.oci:
            for kind, args in (("true", ["/bin/true"]), ("sleep", ["/bin/sleep", "1000"])):
                peers.make_bundle(self.bundle(tool, kind), self.door, self.rootfs, args)

    def bundle(self, tool, kind):
        return os.path.join(self.directory, "bundle-%s-%s" % (tool, kind))

    # --- one command for all that understand docker's words

    def argv(self, tool, *args):
        if tool in ("mybox", "other"):
            return [self.against if tool == "other" else self.binary, *self.mybox(*args)[1:]]
        return self.peers.argv(tool, *args)

    def tell(self, tool, *args):
        subprocess.run(self.argv(tool, *args), check=False, stderr=self.errors, **QUIET)

    def engines(self):
        return [name for name in peers.ENGINES if self.peers and name in self.peers.prefix]
