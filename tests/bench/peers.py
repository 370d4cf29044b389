# SPDX-License-Identifier: GPL-2.0-or-later
"""The other tools: docker with a daemon of its own, podman with runc, crun, runc, bubblewrap.

Everything of theirs lives in the benchmark's directories and namespaces: a /run of its own, their
data under the bench's directory, their control groups below MYBOX-BENCH, no service of the
machine's is asked.
"""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import time

IMAGE = "deb"
GROUP = "mybox-bench"
ENGINES = ("docker", "podman")
PLAIN = ("crun", "runc", "bwrap")
PODMAN_CONF = """[engine]
cgroup_manager="cgroupfs"
events_logger="file"
[network]
network_backend="netavark"
network_config_dir="%s/networks"
[containers]
default_ulimits=["nofile=%d:%d", "nproc=%d:%d"]
"""


def own_run():
    """A /run of our own (the namespace is the bench's) that keeps what is mounted for the tests."""
    fresh = "/run/mybox-test/.run"
    os.makedirs(fresh, exist_ok=True)
    for argv in (["mount", "-t", "tmpfs", "none", fresh],
                 ["mkdir", fresh + "/mybox-test"],
                 ["mount", "--bind", "/run/mybox-test", fresh + "/mybox-test"],
                 ["mount", "--rbind", fresh, "/run"]):
        subprocess.run(argv, check=True)


def make_bundle(bundle, maker, rootfs, args):
    """As @maker, a runtime, proposes it, but for the program and the control group."""
    os.mkdir(bundle)
    subprocess.run([maker, "spec"], check=True, cwd=bundle)
    path = os.path.join(bundle, "config.json")
    spec = json.loads(pathlib.Path(path).read_text())
    spec["root"] = {"path": rootfs, "readonly": True}
    spec["process"].update(terminal=False, args=args, rlimits=[])
    spec["linux"]["cgroupsPath"] = "/%s/%s" % (GROUP, os.path.basename(bundle))
    pathlib.Path(path).write_text(json.dumps(spec))


def hard(limit):
    value = resource.getrlimit(limit)[1]
    return 1048576 if value == resource.RLIM_INFINITY else value


class Peers:
    def __init__(self, directory, archive, rootfs, errors, maker, crun):
        """@maker: a runtime that makes bundles; @crun: a directory with one that is newer than what
        is installed, or nothing."""
        self.directory, self.archive, self.rootfs = directory, archive, rootfs
        self.errors, self.prefix, self.versions, self.daemon = errors, {}, {}, None
        self.maker, self.runtime = maker, {}  # what comes before an OCI runtime's verb
        newest = os.path.join(crun, "usr/bin/crun")
        self.path = {"crun": newest} if os.access(newest, os.X_OK) else {}

    def find(self):
        own_run()
        for name in ENGINES + PLAIN:
            path = self.which("dockerd" if name == "docker" else name)
            why = "not installed" if not path else getattr(self, "prepare_" + name)()
            if why:
                print("%s: skipped (%s)" % (name, why))
                self.prefix.pop(name, None)
            else:
                done = subprocess.run([path, "--version"], capture_output=True, text=True)
                self.versions[name] = done.stdout.split("\n")[0]
        return self.prefix

    def which(self, name):
        return self.path.get(name) or shutil.which(name)

    def argv(self, name, *args):
        return self.prefix[name] + list(args)

    def ask(self, argv, seconds=60):
        """Why it failed, or None."""
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds,
                                  stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return "does not answer"
        return (done.stderr.strip().split("\n") or ["fails"])[-1][-150:] if done.returncode \
            else None

    def try_engine(self, name):
        return self.ask(self.argv(name, "import", self.archive, IMAGE)) or \
            self.ask(self.argv(name, "run", "--rm", IMAGE, "/bin/true"))

    def start_docker(self, root, name):
        """A daemon over @root with a socket of its own: (the process, what comes before a verb)."""
        client = "/usr/bin/docker" if os.path.exists("/usr/bin/docker") else shutil.which("docker")
        socket = "unix:///run/%s.sock" % name
        with open(os.path.join(self.directory, name + ".log"), "w") as log:
            daemon = subprocess.Popen(
                ["dockerd", "--data-root", root, "--exec-root", "/run/" + name, "--pidfile",
                 "/run/%s.pid" % name, "-H", socket, "--storage-driver", "overlay2",
                 "--cgroup-parent", "/" + GROUP],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        prefix = [client, "-H", socket]
        for _ in range(150):
            if not self.ask(prefix + ["info"]) or daemon.poll() is not None:
                break
            time.sleep(0.1)
        return daemon, prefix

    def prepare_docker(self):
        if not os.path.exists("/usr/bin/docker") and not shutil.which("docker"):
            return "no client"
        self.daemon, self.prefix["docker"] = self.start_docker(
            os.path.join(self.directory, "docker"), "bench-docker")
        return self.ask(self.argv("docker", "info")) or self.try_engine("docker")

    @staticmethod
    def podman(root, run):
        """What comes before a verb, over a store at @root."""
        return [shutil.which("podman"), "--root", root, "--runroot", run, "--tmpdir", run + "-tmp",
                *(["--runtime", "runc"] if shutil.which("runc") else [])]

    def prepare_podman(self):
        own = os.path.join(self.directory, "podman")
        os.mkdir(own)
        limits = hard(resource.RLIMIT_NOFILE), min(hard(resource.RLIMIT_NPROC), 32768)
        conf = os.path.join(own, "conf")
        pathlib.Path(conf).write_text(PODMAN_CONF % (own, limits[0], limits[0], limits[1],
                                                     limits[1]))
        os.environ["CONTAINERS_CONF"] = conf
        self.prefix["podman"] = self.podman(own + "/root", "/run/bench-podman")
        return self.try_engine("podman")

    # --- those that run a directory

    def prepare_bundle(self, name):
        bundle = os.path.join(self.directory, "bundle-" + name)
        make_bundle(bundle, self.maker, self.rootfs, ["/bin/true"])
        # crun knows no hybrid of both versions: there it runs without control groups.
        for flags in ([], ["--cgroup-manager=disabled"] if name == "crun" else []):
            self.runtime[name] = [self.which(name), "--root", "/run/bench-" + name, *flags]
            self.prefix[name] = self.runtime[name] + ["run", "--bundle", bundle]
            why = self.ask(self.argv(name, "bench"))
            if not why:
                if flags:
                    print("%s: without control groups" % name)
                return None
        del self.runtime[name]
        return why

    def prepare_crun(self):
        return self.prepare_bundle("crun")

    def prepare_runc(self):
        return self.prepare_bundle("runc")

    def prepare_bwrap(self):
        self.prefix["bwrap"] = [shutil.which("bwrap"), "--unshare-all", "--bind", self.rootfs, "/",
                                "--proc", "/proc", "--dev", "/dev"]
        return self.ask(self.argv("bwrap", "/bin/true"))

    def close(self):
        for name in ENGINES:
            if name in self.prefix:
                left = subprocess.run(self.argv(name, "ps", "-aq"), capture_output=True, text=True)
                if left.stdout.split():
                    self.ask(self.argv(name, "rm", "-f", *left.stdout.split()))
        if self.daemon:
            self.daemon.terminate()
            try:
                self.daemon.wait(30)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
        with open("/proc/self/mounts") as mounts:
            inside = [line.split()[1] for line in mounts if " %s/" % self.directory in line]
        for path in reversed(inside):
            subprocess.run(["umount", "-l", path], check=False)
        for top, names, _ in os.walk("/sys/fs/cgroup"):
            if GROUP in names:
                subprocess.run(["find", os.path.join(top, GROUP), "-depth", "-type", "d", "-exec",
                                "rmdir", "{}", ";"], check=False, stderr=self.errors)
            names[:] = names if top == "/sys/fs/cgroup" else []
