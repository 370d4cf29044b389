# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of watching and sharing: logs, figures, health, and the ways to communicate."""
import os
import shutil
import subprocess
import time

from networks import NET, ROUND_TRIP, THROUGHPUT, Figures, let_pass, process
from rows import (Goal, MonitorMemory, Row, at_most, monitor_of, plain, remove, result, times,
                  with_other, words)

LINE = 128
FLOOD_MB = int(os.environ.get("MYBOX_BENCH_LOG_MB", "1024"))
PIPE_MB = 512


def programs(m):
    """A directory that containers get as /b."""
    path = os.path.join(m.directory, "bin")
    if not os.path.isdir(path):
        os.mkdir(path)
        for name in ("lines", "pp"):
            shutil.copy(m.floor(name)[0], path)
    return path


def keeps_all(m, tool):
    """mybox's logs are bounded unless told otherwise, docker's and podman's are not."""
    return () if tool in m.engines() else ("--log-opt", "max-size=4g")


# --- logs

LOG_BYTES = 100 * 10 ** 6 // LINE * LINE


def write_log(m, tool):
    m.tell(tool, "run", "--name", "bench", *keeps_all(m, tool), "-v", programs(m) + ":/b", "deb",
           "/b/lines", str(LOG_BYTES))


def logs_tools(m):
    path = os.path.join(m.directory, "lines.log")
    with open(path, "w") as f:
        subprocess.run([os.path.join(programs(m), "lines"), str(LOG_BYTES)], stdout=f, check=True)
    return words(m, "logs", "bench", first={"floor": ["/bin/cat", path]})


def logs_since(m):
    """From the last line's time on."""
    def argv(tool):
        last = subprocess.run(m.argv(tool, "logs", "-t", "--tail", "1", "bench"), check=True,
                              capture_output=True, text=True).stdout.split()[0]
        return m.argv(tool, "logs", "--since", last, "bench")
    tools = {"floor": logs_tools(m)["floor"], "version": m.mybox("version")}
    return dict(tools, **{tool: argv(tool) for tool in ["mybox"] + m.engines()})


class Flood(Row):
    """Until all is written; then what who keeps the log took of the processors, and what it has."""
    ROUNDS = 3

    def measure(self, m, rounds, gap):
        total = FLOOD_MB << 20
        tools = ["floor", "mybox"] + ["other"] * bool(m.against) + m.engines()
        ms, cpu, lost = ({t: [] for t in tools} for _ in range(3))
        for _ in range(min(rounds, self.ROUNDS)):
            for tool in tools:
                os.sync()
                if tool == "floor":
                    ms[tool].append(self.floor(m, total))
                    continue
                taken = self.once_more(m, tool, total)
                for values, value in zip((ms, cpu, lost), taken):
                    values[tool].append(value)
                remove(m, tool)
        goals = {"": [times(1.3)], "-lost": [at_most(0)]}
        return [dict(result(self.name + what, tool, values[tool], 0, unit=unit),
                     goals=[g._asdict() for g in goals.get(what, ()) if tool == "mybox"])
                for what, values, unit in (("", ms, "ms"), ("-cpu", cpu, "ms"),
                                           ("-lost", lost, "lines"))
                for tool in tools if values[tool]]

    @staticmethod
    def floor(m, total):
        path = os.path.join(m.directory, "flood")
        begin = time.perf_counter()
        subprocess.run("%s/lines %d | cat >%s" % (programs(m), total, path), shell=True, check=True)
        taken = (time.perf_counter() - begin) * 1e3
        os.unlink(path)
        return taken

    @staticmethod
    def once_more(m, tool, total):
        done = os.path.join(programs(m), "done")
        begin = time.perf_counter()
        m.tell(tool, "run", "-d", "--name", "bench", *keeps_all(m, tool), "-v",
               programs(m) + ":/b", "deb", "sh", "-c",
               "/b/lines %d; touch /b/done; exec sleep 1000" % total)
        while not os.path.exists(done):
            time.sleep(0.005)
        taken = (time.perf_counter() - begin) * 1e3
        os.unlink(done)
        cpu = sum(cpu_ms(pid) for pid in keepers(m, tool))
        return taken, cpu, total // LINE - whole_lines(m.argv(tool, "logs", "bench"))


def keepers(m, tool):
    """Who has the container's output: the parent of its process 1; docker's daemon too."""
    done = subprocess.run(m.argv(tool, "inspect", "-f", "{{.State.Pid}}", "bench"), check=True,
                          capture_output=True, text=True)
    with open("/proc/%s/stat" % done.stdout.strip()) as f:
        pids = [f.read().rsplit(")", 1)[1].split()[1]]
    return pids + ([str(m.peers.daemon.pid)] if tool == "docker" else [])


def cpu_ms(pid):
    """Its own and that of its children that have ended."""
    with open("/proc/%s/stat" % pid) as f:
        ticks = f.read().rsplit(")", 1)[1].split()[11:15]
    return sum(map(int, ticks)) * 1000 / os.sysconf("SC_CLK_TCK")


def whole_lines(argv):
    n = 0
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as p:
        for part in iter(lambda: p.stdout.read(1 << 20), b""):
            n += part.count(b".\n")
    return n


# --- many containers

def many(count, *how):
    def setup(m, tool):
        for i in range(count):
            m.tell(tool, *how, "--name", "mc%d" % i, "--network", "none", "deb", "sleep", "1000")
    return setup


def none_of(count):
    def teardown(m, tool):
        for i in range(0, count, 100):
            remove(m, tool, *("mc%d" % k for k in range(i, min(i + 100, count))))
    return teardown


# --- health

class Health(Row):
    """Processor time of one probe: the monitor's and of what it starts for it; for docker the
    daemon's.  podman leaves probes to systemd's timers."""
    SECONDS, INTERVAL = 6, "100ms"

    def measure(self, m, rounds, gap):
        out = []
        for tool in ["mybox"] + [t for t in m.engines() if t == "docker"]:
            m.tell(tool, "run", "-d", "--name", "bench", "--health-cmd", "echo x >>/tmp/n",
                   "--health-interval", self.INTERVAL, "deb", "sleep", "1000")
            begin = self.now(m, tool)
            time.sleep(self.SECONDS)
            end = self.now(m, tool)
            remove(m, tool)
            n = end[0] - begin[0]
            values = [(end[1] - begin[1]) / n] if n else []
            out.append(dict(result(self.name, tool, values or [0], not n, unit="ms"),
                            goals=[g._asdict() for g in self.goals] if tool == "mybox" else []))
        return out

    @staticmethod
    def now(m, tool):
        done = subprocess.run(m.argv(tool, "exec", "bench", "sh", "-c", "wc -l </tmp/n || echo 0"),
                              capture_output=True, text=True)
        return int(done.stdout.strip() or 0), sum(cpu_ms(pid) for pid in keepers(m, tool))


class BusyMonitors(MonitorMemory):
    """With all that a monitor can have to do."""

    def measure(self, m, rounds, gap):
        m.do("network", "create", NET)
        followers = []
        for i in range(20):
            m.do("run", "-d", "--name", "mc%d" % i, "--network", NET, "-p", "%d:80" % (21000 + i),
                 "--restart", "always", "--health-cmd", "true", "--health-interval", "1s", "deb",
                 "sh", "-c", "while :; do echo a line; nslookup mc0 >/dev/null; usleep 200000; done")
            followers.append(subprocess.Popen(m.mybox("attach", "--no-stdin", "mc%d" % i),
                                              stdout=subprocess.DEVNULL))
        time.sleep(5)
        values = [self.private(monitor_of(m, "mc%d" % i)) for i in range(20)]
        remove(m, "mybox", *("mc%d" % i for i in range(20)))
        for f in followers:
            f.wait()
        m.do("network", "rm", NET)
        return [dict(result(self.name, "mybox", values, 0, unit="KiB"),
                     goals=[g._asdict() for g in self.goals])]


# --- the ways to communicate, side by side

def pair(m, tool, stack):
    m.tell(tool, "network", "create", NET)
    stack.callback(m.tell, tool, "network", "rm", NET)
    if tool not in m.engines():
        let_pass("mb+", stack)
    m.tell(tool, "volume", "create", "benchvol")
    stack.callback(m.tell, tool, "volume", "rm", "benchvol")
    for name, ipc in (("benchA", "shareable"), ("benchB", "container:benchA")):
        m.tell(tool, "run", "-d", "--name", name, "--network", NET, "--ipc", ipc, "-v",
               "benchvol:/v", "-v", programs(m) + ":/b:ro", "deb", "sleep", "1000")
        stack.callback(remove, m, tool, name)


WHERE = {"unix": ("/v/socket",), "shm": ("/dev/shm/bench",), "tcp": ("benchA", "5301")}


def way(kind, what):
    """Both programs are in containers, under their filters; the floor's are on the host."""
    def ends(m, tool, stack):
        seconds = (what, Figures.SECONDS)
        if tool == "floor":
            here = {"unix": (os.path.join(m.directory, "socket"),), "shm": WHERE["shm"],
                    "tcp": ("127.0.0.1", "5301")}[kind]
            # In a session of its own, as any two services are: see README, "A wake-up".
            process(stack, ["setsid", *m.floor("pp", "srv", kind, here[-1])])
            return m.floor("pp", "cli", kind, *here, *seconds)
        pair(m, tool, stack)
        m.tell(tool, "exec", "-d", "benchA", "/b/pp", "srv", kind, WHERE[kind][-1])
        return m.argv(tool, "exec", "benchB", "/b/pp", "cli", kind, *WHERE[kind], *seconds)
    return ends


# The filter and the depth of control groups: README, "A wake-up".
TRIPS = {"unix": [times(1.1)], "shm": [times(1.2)], "tcp": []}


def ways():
    for kind, name in (("unix", "AF_UNIX over a volume"), ("shm", "shared memory"),
                       ("tcp", "TCP by name")):
        yield Figures("way-%s-trip" % kind, name + ", round trip (us)", "us", ROUND_TRIP,
                      way(kind, "rr"), TRIPS[kind])
        yield Figures("way-%s-flow" % kind, name + ", throughput (Gbit/s)", "Gbit/s", THROUGHPUT,
                      way(kind, "tp"),
                      [] if kind == "tcp" else [Goal("at least times", 0.9, "floor")])


def pipe_tools(m):
    busybox = os.path.join(m.rootfs, "bin/busybox")
    produce, consume = "head -c %d /dev/zero" % (PIPE_MB << 20), "cat"
    shell = lambda a, b: ["/bin/sh", "-c", "%s %s | %s %s >/dev/null" % (a, produce, b, consume)]
    tools = {"floor": shell(busybox, busybox)}
    for tool in ["mybox"] + m.engines():
        tools[tool] = shell(" ".join(m.argv(tool, "exec", "benchA")),
                            " ".join(m.argv(tool, "exec", "-i", "benchB")))
    tools["mybox pipe"] = m.mybox("pipe", "benchA", *produce.split(), "--", "benchB", consume)
    return tools


def start_pair(m, tool):
    for name in ("benchA", "benchB"):
        m.tell(tool, "run", "-d", "--name", name, "--network", "none", "deb", "sleep", "1000")


ROWS = [
    Row("logs-100mb", "logs of 100 MB to /dev/null", logs_tools, [times(10)], setup=write_log,
        teardown=remove),
    Row("logs-tail", "logs --tail 10 of it", plain("logs", "--tail", "10", "bench"),
        [times(3, "version")], setup=write_log, teardown=remove),
    Row("logs-since", "logs of its last moment", logs_since, [times(3, "version")], setup=write_log,
        teardown=remove),
    Flood("stdout-1g", "1 GiB written to stdout in lines of 128 bytes", None),
    Row("ps-1000", "ps -a with 1,000 containers", plain("ps", "-a"), [at_most(30)],
        setup=many(1000, "create"), teardown=none_of(1000)),
    Row("stats-200", "stats --no-stream of 200", plain("stats", "--no-stream"), [at_most(60)],
        setup=many(200, "run", "-d"), teardown=none_of(200), uses_disk=False),
    Row("prometheus-200", "stats --format prometheus of 200",
        lambda m: with_other(m, {"mybox": m.mybox("stats", "--format", "prometheus")}),
        [at_most(60)], setup=lambda m, t: many(200, "run", "-d")(m, t) if t == "mybox" else None,
        teardown=lambda m, t: none_of(200)(m, t) if t == "mybox" else None, uses_disk=False),
    Row("exec-pipe", "exec A produce | exec B consume, %d MiB" % PIPE_MB, pipe_tools,
        [times(1 / 0.95)], setup=start_pair,
        teardown=lambda m, tool: remove(m, tool, "benchA", "benchB"), uses_disk=False),
    Health("health-cpu", "processor time of one health check (ms)", None, [at_most(15)],
           uses_disk=False),
    BusyMonitors("monitor-busy", "private memory of a monitor with everything on (KiB)", None,
                 [at_most(100)], uses_disk=False),
    *ways(),
]
