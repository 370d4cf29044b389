# SPDX-License-Identifier: GPL-2.0-or-later
"""docker's overlay network beside ours: two dockerd, each a host of its own on the same wire, of one
swarm.  Everything of theirs ends with the first process of its host."""
import os
import shutil
import subprocess
import time

FIRST = 4  # hosts before are mybox's
GROUP = "mybox-bench-swarm"
HOST = """mount --rbind "$1" /mnt && mount -t tmpfs none /run && mkdir -p "$1" &&
mount --move /mnt "$1" && mkdir -p /run/lock /run/docker /run/containerd &&
mount -t tmpfs none /etc/docker && exec env --ignore-signal=CHLD sleep 100000"""


def call(*argv, **more):
    return subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, **more).stdout.strip()


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("docker does not come to be ready")
        time.sleep(0.1)


class Swarm:
    def __init__(self, stack, base, wire, archive, errors):
        self.stack, self.base, self.wire, self.errors = stack, base, wire, errors
        self.pid, self.sockets = {}, {}
        for i in (FIRST, FIRST + 1):
            self.host(i)
        for i in (FIRST, FIRST + 1):
            until(lambda: self.answers(i), 120)
            self.on(i, "import", archive, "deb")
        self.on(FIRST, "swarm", "init", "--advertise-addr", self.address(FIRST))
        token = self.on(FIRST, "swarm", "join-token", "-q", "worker")
        self.on(FIRST + 1, "swarm", "join", "--advertise-addr", self.address(FIRST + 1), "--token",
                token, self.address(FIRST) + ":2377")
        self.on(FIRST, "network", "create", "-d", "overlay", "--attachable", "shared")

    def address(self, i):
        return "%s.%d" % (self.wire, i)

    def host(self, i):
        top = "%s/swarm%d" % (self.base, i)
        os.makedirs(top)
        outer = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child",
             "--mount-proc", "--propagation", "private", "sh", "-c", HOST, "host",
             os.path.dirname(self.base)],
            stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        self.stack.callback(self.end, outer, i)
        children = "/proc/%d/task/%d/children" % (outer.pid, outer.pid)
        until(lambda: self.first(children, i), 20)
        call("ip", "link", "add", "w%d" % i, "type", "veth", "peer", "name", "up0", "netns",
             str(self.pid[i]))
        call("ip", "link", "set", "w%d" % i, "master", "wire", "up")
        call(*self.at(i, "sh", "-c", "hostname h%d; ip link set lo up; ip addr add %s/24 dev up0; "
                      "ip link set up0 up; ip route add default via %s.254"
                      % (i, self.address(i), self.wire)))
        self.sockets[i] = "unix://%s/sock" % top
        with open(top + "/log", "w") as log:
            subprocess.Popen(self.at(
                i, "dockerd", "-H", self.sockets[i], "--data-root", top + "/root", "--exec-root",
                top + "/run", "--pidfile", top + "/pid", "--storage-driver", "vfs",
                "--cgroup-parent", "/%s-%d" % (GROUP, i)), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)

    def first(self, children, i):
        """The first process of a host, when it has become what it is to be."""
        with open(children) as f:
            pids = f.read().split()
        if not pids:
            return False
        self.pid[i] = int(pids[0])
        with open("/proc/%s/comm" % pids[0]) as f:
            return f.read() == "sleep\n"

    def end(self, outer, i):
        outer.kill()
        outer.wait()
        # What the daemons would have removed, when their processes have gone.
        for _ in range(50):
            left = [d for d, _, _ in os.walk("/sys/fs/cgroup", topdown=False)
                    if "/%s-%d" % (GROUP, i) in d]
            for d in left:
                try:
                    os.rmdir(d)
                except OSError:
                    time.sleep(0.02)
            if not left:
                break

    def at(self, i, *argv):
        return ["nsenter", "-t", str(self.pid[i]), "--mount", "--pid", "--uts", "--ipc", "--net",
                *argv]

    def argv(self, i, *args):
        return self.at(i, shutil.which("docker", path="/usr/bin:/usr/local/bin"), "-H",
                       self.sockets[i], *args)

    def answers(self, i):
        return subprocess.run(self.argv(i, "info"), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode == 0

    def on(self, i, *args):
        return call(*self.argv(i, *args), stderr=self.errors)

    def pair(self, folder, program, port):
        """A server on the second host.  Return: how a client on the first one is begun."""
        share = ("--network", "shared", "-v", folder + ":/b", "deb")
        self.on(FIRST + 1, "run", "-d", "--name", "server", *share, program, "srv", "tcp", str(port))
        self.on(FIRST, "run", "-d", "--name", "client", *share, "sleep", "100000")
        ip = self.on(FIRST + 1, "inspect", "-f",
                     "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "server")
        return self.argv(FIRST, "exec", "client", program, "cli", "tcp", ip, str(port))
