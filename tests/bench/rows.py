# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows: what is run, against which floor, and what is wanted (milliseconds but where said)."""
import collections
import itertools
import json
import os
import statistics
import subprocess
import time

SLOW_MS, SLOW_ROUNDS = 100, 8  # who takes longer is asked less often
Goal = collections.namedtuple("Goal", "kind value basis", defaults=(None,))
FEW, ALL = 4, 8  # control groups of version 1: what mybox joins for limits, and a runtime
numbers = itertools.count(1)


def times(value, basis="floor"):
    return Goal("times", value, basis)


def faster(value, than):
    """Told beside the figures; whether it is so depends on the peer too, and fails nobody."""
    return Goal("faster", value, than)


def at_most(value):
    return Goal("at most", value)


def result(row, tool, values, failures, goal=None, unit="ms"):
    values = sorted(values)
    return {"row": row, "tool": tool, "unit": unit, "n": len(values), "failures": failures,
            "median": statistics.median(values), "min": values[0], "max": values[-1],
            "goal": goal._asdict() if goal else None}


def with_other(m, tools):
    """The same again by another build of mybox: before and after a change in one run."""
    if m.against and "other" not in tools:
        tools["other"] = [m.against] + tools["mybox"][1:]
    return tools


class Row:
    """Tools in turn.  @tools(machine) gives {name: argv, or a function that makes it};
    @before and @after (machine, tool) are called round every run of what understands docker's
    words, @setup and @teardown round them all."""
    uses_disk = True

    def __init__(self, name, what, tools, goals=(), before=None, after=None, setup=None,
                 teardown=None, uses_disk=True):
        self.name, self.what, self.tools, self.goals = name, what, tools, list(goals)
        self.before, self.after, self.uses_disk = before, after, uses_disk
        self.setup, self.teardown = setup, teardown

    def measure(self, m, rounds, gap):
        for tool in ["mybox"] + m.engines():
            if self.setup:
                self.setup(m, tool)
        tools = with_other(m, self.tools(m))
        spent = {tool: [] for tool in tools}
        failures = dict.fromkeys(tools, 0)
        for n in range(rounds + 1):
            for tool, argv in tools.items():
                if len(spent[tool]) >= SLOW_ROUNDS and min(spent[tool]) > SLOW_MS:
                    continue
                ms, ok = self.once(m, tool, argv, gap)
                if n:  # the first warms up
                    spent[tool].append(ms)
                    failures[tool] += not ok
        for tool in ["mybox"] + m.engines():
            if self.teardown:
                self.teardown(m, tool)
        goals = {"mybox": self.goals}
        return [dict(result(self.name, tool, spent[tool], failures[tool]),
                     goals=[g._asdict() for g in goals.get(tool, [])]) for tool in tools]

    def once(self, m, tool, argv, gap):
        has_words = tool in ["mybox", "other"] + m.engines()
        if has_words and self.before:
            self.before(m, tool)
        time.sleep(gap / 1e3)
        taken = m.sample(argv() if callable(argv) else argv)
        if has_words and self.after:
            self.after(m, tool)
        if taken[0] > SLOW_MS:
            settle()
        return taken


def settle():
    """What a daemon does after it has answered must not fall on who comes next."""
    os.sync()
    time.sleep(0.5)


def words(m, *args, first=None):
    """The same words for mybox and the engines; @first are tools that come before them."""
    tools = dict(first or {})
    for tool in ["mybox"] + m.engines():
        tools[tool] = m.argv(tool, *args)
    return tools


def start_tools(network, floor_flags):
    def tools(m):
        first = {"floor": m.limit("-s", *floor_flags, groups=FEW)}
        if network == "bridge":
            first["bare floor"] = m.limit(*floor_flags)
        found = words(m, "run", "--rm", "--network", network, "deb", "true", first=first)
        for name in ("crun", "runc") if network == "none" and m.peers else ():
            if name in m.peers.prefix:
                found[name] = lambda name=name: m.peers.argv(name, "b%d" % next(numbers))
        if network == "none" and m.peers and "bwrap" in m.peers.prefix:
            found["bwrap"] = m.peers.argv("bwrap", "/bin/true")
        return found
    return tools


def difference_tools(m):
    """Pairs: with a network, and without."""
    pairs = {"floor": [m.limit("-s", *flags, groups=FEW) for flags in (["-v"], [])]}
    start = lambda tool, network: m.argv(tool, "run", "--rm", "--network", network, "deb", "true")
    for tool in ["mybox"] + m.engines():
        pairs[tool] = [start(tool, network) for network in ("bridge", "none")]
    return pairs


class Difference(Row):
    """Two commands of each tool, in turn: by how much the first takes longer."""

    def measure(self, m, rounds, gap):
        pairs = self.tools(m)
        spent = {tool: ([], []) for tool in pairs}
        failures = dict.fromkeys(pairs, 0)
        for n in range(rounds + 1):
            for tool, pair in pairs.items():
                if len(spent[tool][0]) >= SLOW_ROUNDS and min(spent[tool][0]) > SLOW_MS:
                    continue
                taken = [self.once(m, tool, argv, gap) for argv in pair]
                if n:
                    for values, (ms, _) in zip(spent[tool], taken):
                        values.append(ms)
                    failures[tool] += not all(ok for _, ok in taken)
        return [self.less(tool, spent[tool], failures[tool]) for tool in pairs]

    def less(self, tool, spent, failures):
        first, second = (result(self.name, tool, values, failures) for values in spent)
        for key in ("median", "min", "max"):
            first[key] -= second[key]
        return dict(first, goals=[g._asdict() for g in self.goals] if tool == "mybox" else [])


def detached_tools(m):
    return words(m, "run", "-d", "--name", "bench", "deb", "sleep", "1000",
                 first={"floor": m.limit("-s", "-v", groups=FEW)})


def removal(m, tool, *names):
    """podman waits ten seconds for whom it may kill."""
    return m.argv(tool, "rm", "-f", *(["-t", "0"] if tool == "podman" else []), *names)


def remove(m, tool, *names):
    subprocess.run(removal(m, tool, *(names or ["bench"])), check=False, stderr=m.errors,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def remove_tools(m):
    return {tool: removal(m, tool, "bench") for tool in ["mybox"] + m.engines()}


def start_one(m, tool):
    m.tell(tool, "run", "-d", "--name", "bench", "deb", "sleep", "1000")


def exec_tools(m):
    pid = m.output("inspect", "-f", "{{.State.Pid}}", "bench")
    return words(m, "exec", "bench", "true",
                 first={"floor": m.floor("limit", "-s", "-j", pid, "/bin/true")})


def create_100(m, tool):
    for i in range(100):
        m.tell(tool, "create", "--name", "ps%d" % i, "deb", "true")


def remove_100(m, tool):
    remove(m, tool, *("ps%d" % i for i in range(100)))


def start_20(m, tool):
    for i in range(20):
        m.tell(tool, "run", "-d", "--name", "st%d" % i, "--network", "none", "deb", "sleep", "1000")


def remove_20(m, tool):
    remove(m, tool, *("st%d" % i for i in range(20)))


def network_tools(m):
    return words(m, "network", "create", "benchnet",
                 first={"floor": lambda: m.floor("netop", "add", "nop%d" % next(numbers))})


# --- OCI runtimes

def oci_words(m, tool, verb, *words, kind="true"):
    """One command of a runtime; create and run have a bundle."""
    bundle = ["--bundle", m.bundle(tool, kind)] if verb in ("create", "run") else []
    return [*m.oci[tool], verb, *bundle, *words]


def oci_run(m, tool):
    return [oci_words(m, tool, "run", "b%d" % next(numbers))]


def oci_life(m, tool):
    name = "b%d" % next(numbers)
    return [oci_words(m, tool, "create", name, kind="sleep"), oci_words(m, tool, "start", name),
            oci_words(m, tool, "delete", "--force", name)]


def oci_exec(m, tool):
    return [oci_words(m, tool, "exec", "bench", "/bin/true")]


def oci_tools(commands, floor):
    def tools(m):
        found = {"floor": floor(m)}
        found.update((tool, lambda tool=tool: commands(m, tool)) for tool in m.oci)
        return found
    return tools


def oci_start(m, _):
    for tool in m.oci:
        for words in (oci_words(m, tool, "create", "bench", kind="sleep"),
                      oci_words(m, tool, "start", "bench")):
            subprocess.run(words, check=True, stderr=m.errors, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)


def oci_end(m, _):
    for tool in m.oci:
        subprocess.run(oci_words(m, tool, "delete", "--force", "bench"), check=False,
                       stderr=m.errors, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def oci_join(m):
    done = subprocess.run(oci_words(m, "mybox", "state", "bench"), check=True, capture_output=True)
    return m.floor("limit", "-j", str(json.loads(done.stdout)["pid"]), "/bin/true")


class Oci(Row):
    """The runtimes: @commands(machine, tool) are what is timed, one after the other."""

    def __init__(self, name, what, commands, floor, goals, **more):
        super().__init__(name, what, oci_tools(commands, floor), goals, uses_disk=False, **more)
        self.commands = commands

    def measure(self, m, rounds, gap):
        if self.setup:
            self.setup(m, "mybox")
        setup, teardown, self.setup, self.teardown = self.setup, self.teardown, None, None
        results = super().measure(m, rounds, gap) + self.memory(m)
        self.setup, self.teardown = setup, teardown
        if self.teardown:
            self.teardown(m, "mybox")
        return results

    def memory(self, m):
        """The most that any process of it held at once."""
        out = []
        for tool in m.oci:
            values = []
            for _ in range(5):
                words = [w for command in self.commands(m, tool) for w in command + ["--"]]
                done = subprocess.run(m.floor("peak", *words[:-1]), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=m.errors)
                values += [int(done.stdout)] if done.returncode == 0 else []
            r = result(self.name + "-memory", tool, values or [0], 5 - len(values), unit="KiB")
            r["goals"] = [times(1, "crun")._asdict()] if tool == "mybox" else []
            out.append(r)
        return out


class Many(Row):
    """50 starts, eight at a time: starts per second, more is better."""
    TOTAL, AT_ONCE, ROUNDS = 50, 8, 5

    def measure(self, m, rounds, gap):
        tools = with_other(m, self.tools(m))
        rates = {tool: [] for tool in tools}
        failures = dict.fromkeys(tools, 0)
        for n in range(min(rounds, self.ROUNDS) + 1):
            for tool, argv in tools.items():
                if len(rates[tool]) >= 2 and max(rates[tool]) < 10:
                    continue
                time.sleep(max(gap, 500) / 1e3)
                rate, ok = m.sample.many(lambda _, argv=argv: argv, self.TOTAL, self.AT_ONCE)
                if n:
                    rates[tool].append(rate)
                    failures[tool] += not ok
        out = []
        for tool in tools:
            r = result(self.name, tool, rates[tool], failures[tool], unit="/s")
            r["goals"] = [g._asdict() for g in self.goals] if tool == "mybox" else []
            out.append(r)
        return out


class MonitorMemory(Row):
    """Private memory of monitors, in KiB."""

    def measure(self, m, rounds, gap):
        start_20(m, "mybox")
        values = []
        for i in range(20):
            values.append(self.private(monitor_of(m, "st%d" % i)))
        remove_20(m, "mybox")
        r = result(self.name, "mybox", values, 0, unit="KiB")
        r["goals"] = [g._asdict() for g in self.goals]
        return [r]

    @staticmethod
    def private(pid):
        fields = {}
        for line in open("/proc/%s/smaps_rollup" % pid):
            if line.endswith("kB\n"):
                key, value = line[:-3].split(":")
                fields[key] = int(value)
        return fields["Private_Clean"] + fields["Private_Dirty"]


def monitor_of(m, name):
    """The monitor is the parent of process 1."""
    pid = m.output("inspect", "-f", "{{.State.Pid}}", name)
    with open("/proc/%s/stat" % pid) as f:
        return f.read().rsplit(")", 1)[1].split()[1]


def plain(*args):
    return lambda m: words(m, *args, first={"version": m.mybox("version")})


ROWS = [
    Row("version", "the cost of merely starting",
        lambda m: words(m, "version", first={"floor": m.floor("nothing")}), [times(2)],
        uses_disk=False),
    Row("run-bridge", "run --rm IMAGE true, on the default bridge", start_tools("bridge", ["-v"]),
        [times(1.2), times(2, "bare floor"), faster(45, "docker")]),
    Difference("run-network", "what the network costs of it: run-bridge less run-none",
               difference_tools, [times(1.2)]),
    Row("run-none", "the same, without network", start_tools("none", []), [times(1.2)]),
    Row("run-host", "the same, on the host's network", start_tools("host", ["-H"]), [times(1.2)]),
    Row("run-detached", "run -d until the id is printed and the command runs", detached_tools,
        [times(2), faster(25, "podman")], after=remove),
    Row("exec", "exec C true", exec_tools, [times(1.6), faster(50, "docker")], setup=start_one,
        teardown=remove, uses_disk=False),
    Row("ps-100", "ps -a with 100 containers", plain("ps", "-a"), [times(3, "version")],
        setup=create_100, teardown=remove_100),
    Row("stats-20", "stats --no-stream of 20", plain("stats", "--no-stream"), [at_most(15)],
        setup=start_20, teardown=remove_20, uses_disk=False),
    Row("stop", "stop -t0", plain("stop", "-t0", "bench"), [at_most(5)], before=start_one,
        after=remove),
    Row("rm", "rm -f of a running container", remove_tools, [at_most(5)], before=start_one),
    Row("network-create", "network create", network_tools, [times(3)],
        after=lambda m, tool: m.tell(tool, "network", "rm", "benchnet")),
    Row("volume-create", "volume create", plain("volume", "create", "benchvol"), [at_most(3)],
        after=lambda m, tool: m.tell(tool, "volume", "rm", "benchvol")),
    Many("starts-50", "50 starts, eight at a time, bridge (per second)",
         lambda m: words(m, "run", "--rm", "deb", "true",
                         first={"floor": m.limit("-s", "-v", groups=FEW)}),
         [Goal("at least times", 0.6, "floor"), faster(25, "docker")]),
    Oci("oci-run", "mybox-oci run of a bundle", oci_run, lambda m: m.limit("-p", groups=ALL),
        [times(1.2), times(0.6, "crun")]),
    Oci("oci-life", "mybox-oci create, start and delete", oci_life,
        lambda m: m.limit("-p", groups=ALL), [times(1, "crun")]),
    Oci("oci-exec", "mybox-oci exec", oci_exec, oci_join, [times(1.6), times(1, "crun")],
        setup=oci_start, teardown=oci_end),
    MonitorMemory("monitor-memory", "private memory of a monitor (KiB)", None, [at_most(100)],
                  uses_disk=False),
]
