# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of networks: ports, names, many endpoints, what goes from one container to another."""
import contextlib
import re
import shutil
import subprocess
import time

import rows
from rows import Goal, Row, at_most, remove, result, times, with_other, words

NET, PORT = "benchnet", 5301


def inspect(m, tool, template, name):
    done = subprocess.run(m.argv(tool, "inspect", "-f", template, name), check=True,
                          stderr=m.errors, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def namespace(pid):
    return ["nsenter", "--net=/proc/%s/ns/net" % pid]


def own_namespace(m, tool, name):
    return namespace(inspect(m, tool, "{{.State.Pid}}", name))


def address(m, tool, name):
    return inspect(m, tool, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)


# --- published ports: a start with one more, beside a start without any

FULL = 2000  # ports of one container; a bridge takes 1023 of them


def publish_many(count):
    def setup(m, tool):
        for i in range(0, count, FULL):
            first, last = 20000 + i, 20000 + min(i + FULL, count) - 1
            m.tell(tool, "run", "-d", "--name", "many%d" % i, "-p",
                   "%d-%d:%d-%d" % (first, last, first, last), "deb", "sleep", "1000")
    return setup


def unpublish_many(count):
    return lambda m, tool: remove(m, tool, *("many%d" % i for i in range(0, count, FULL)))


def ports_tools(port, alone=False):
    def tools(m):
        start = ("run", "-d", "--name", "bench")
        found = words(m, *start, "-p", port, "deb", "sleep", "1000",
                      first={"no port": m.mybox(*start, "deb", "sleep", "1000")})
        return {t: argv for t, argv in found.items() if not alone or t not in m.engines()}
    return tools


class Ports(Row):
    """The one that has no ports is mybox's, and goes as mybox's does."""

    def once(self, m, tool, argv, gap):
        taken = super().once(m, tool, argv, gap)
        if tool == "no port":
            remove(m, "mybox")
        return taken


def published(count):
    """docker has a process for each of many ports, podman a rule: they have the few alone."""
    alone = count > 10

    def of(step):
        return lambda m, tool: None if alone and tool != "mybox" else step(m, tool)
    return Ports("publish-%d" % count, "run -d -p, beside %d published ports" % count,
                 ports_tools("9000:80", alone), [times(1.2, "no port")], after=remove,
                 setup=of(publish_many(count)), teardown=of(unpublish_many(count)))


# --- many endpoints of one network

class Endpoints(Row):
    """Forty for each round are made, one of them asks for all, and they are removed."""
    FOR_EACH_ROUND, MOST = 40, 1000

    def measure(self, m, rounds, gap):
        total, out = min(rounds * self.FOR_EACH_ROUND, self.MOST), []
        for tool in ["mybox"] + m.engines():
            out += self.of(m, tool, total)
        return out

    def of(self, m, tool, total):
        m.tell(tool, "network", "create", "--subnet", "10.199.0.0/16", NET)
        names = ["e%d" % i for i in range(total)]
        made = [m.sample(m.argv(tool, "run", "-d", "--name", name, "--network", NET, "deb", "sleep",
                                "1000")) for name in names]
        asked = self.resolve(m, tool, names)
        gone = [m.sample(rows.removal(m, tool, name)) for name in reversed(names)]
        m.tell(tool, "network", "rm", NET)
        tenth = max(total // 10, 1)
        found = [self.row("first", tool, made[:tenth]),
                 self.row("last", tool, made[-tenth:]),
                 self.row("resolve", tool, asked), self.row("remove", tool, gone)]
        if tool == "mybox":
            found[1]["goals"] = [at_most(1.5 * found[0]["median"])._asdict()]
            found[2]["goals"] = [at_most(1)._asdict()]
        return found

    def row(self, what, tool, taken):
        return dict(result("%s-%s" % (self.name, what), tool, [ms for ms, _ in taken],
                           sum(not ok for _, ok in taken)), goals=[])

    def resolve(self, m, tool, names):
        """Each name once for a moment: milliseconds for one of them."""
        where, taken = own_namespace(m, tool, names[0]), []
        for name in names[:: max(len(names) // 20, 1)]:
            done = subprocess.run(where + m.floor("names", "127.0.0.11", name, "0.05"),
                                  stdout=subprocess.PIPE, stderr=m.errors, text=True)
            ok = done.returncode == 0 and float(done.stdout) > 0
            taken.append((1000 / float(done.stdout) if ok else 0, ok))
        return taken


# --- what goes over the wire

class Figures(Row):
    """Programs that print what they measured.  @ends(machine, tool, stack) gives the command;
    what it needs goes when the stack is left."""
    SECONDS = "0.5"

    def __init__(self, name, what, unit, pattern, ends, goals):
        super().__init__(name, what, None, goals, uses_disk=False)
        self.unit, self.pattern, self.ends = unit, re.compile(pattern), ends

    def who(self, m):
        return with_other(m, dict.fromkeys(["floor", "mybox"] + m.engines(), []))

    @staticmethod
    def printed(m, argv):
        """What a program said that ended well, and soon."""
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stderr=m.errors, timeout=30,
                                  stdout=subprocess.PIPE, text=True)
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout if done.returncode == 0 else ""

    def measure(self, m, rounds, gap):
        with contextlib.ExitStack() as stack:
            tools = {tool: self.ends(m, tool, stack) for tool in self.who(m)}
            values, failures = {t: [] for t in tools}, dict.fromkeys(tools, 0)
            for _ in range(rounds):
                for tool, argv in tools.items():
                    time.sleep(gap / 1e3)
                    found = self.pattern.search(self.printed(m, argv))
                    if found:
                        values[tool].append(float(found.group(1)))
                    else:
                        failures[tool] += 1
        return [dict(result(self.name, tool, values[tool] or [0], failures[tool], unit=self.unit),
                     goals=[g._asdict() for g in self.goals] if tool == "mybox" else [])
                for tool in tools]


def process(stack, argv):
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    stack.callback(child.wait)
    stack.callback(child.kill)
    return child


def let_pass(bridge, stack):
    """docker's rules drop what they do not know, on bridges too where the kernel asks them."""
    if not shutil.which("iptables"):
        return
    rule = lambda change: ["iptables", "-w", change, "FORWARD", "-i", bridge, "-j", "ACCEPT"]
    subprocess.run(rule("-I"), check=True)
    stack.callback(subprocess.run, rule("-D"))


def bare_pair(stack):
    """Two namespaces at a bridge, as the kernel has them: the floor.  Return: their processes."""
    ip = lambda *a, ns=(): subprocess.run([*ns, "ip", *a], check=True)
    ip("link", "add", "benchbr", "type", "bridge")
    stack.callback(ip, "link", "del", "benchbr")
    ip("link", "set", "benchbr", "up")
    let_pass("benchbr", stack)
    pids = []
    for i in (1, 2):
        pid = process(stack, ["unshare", "-n", "sleep", "1000"]).pid
        while not own_net(pid):
            time.sleep(0.01)
        ip("link", "add", "bench%d" % i, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        stack.callback(ip, "link", "del", "bench%d" % i)
        ip("link", "set", "bench%d" % i, "master", "benchbr", "up")
        ip("addr", "add", "192.0.2.%d/24" % i, "dev", "eth0", ns=namespace(pid))
        ip("link", "set", "eth0", "up", ns=namespace(pid))
        pids.append(pid)
    return pids


def own_net(pid):
    read = lambda p: rows.os.readlink("/proc/%s/ns/net" % p)
    return read(pid) != read("self")


def container_pair(m, tool, stack, *options):
    m.tell(tool, "network", "create", NET)
    stack.callback(m.tell, tool, "network", "rm", NET)
    if tool not in m.engines():
        let_pass("mb+", stack)
    for name in ("benchA", "benchB"):
        m.tell(tool, "run", "-d", "--name", name, "--network", NET,
               *(options if name == "benchB" else ()), "deb", "sleep", "1000")
        stack.callback(remove, m, tool, name)


def serve(m, stack, where):
    process(stack, where + m.floor("pp", "srv", "tcp", str(PORT)))


def neighbours(kind):
    def ends(m, tool, stack):
        if tool == "floor":
            a, b = bare_pair(stack)
            serve(m, stack, namespace(b))
            return namespace(a) + m.floor("pp", "cli", "tcp", "192.0.2.2", str(PORT), kind,
                                          Figures.SECONDS)
        container_pair(m, tool, stack)
        serve(m, stack, own_namespace(m, tool, "benchB"))
        return own_namespace(m, tool, "benchA") + m.floor(
            "pp", "cli", "tcp", address(m, tool, "benchB"), str(PORT), kind, Figures.SECONDS)
    return ends


class Jumbo(Figures):
    """Neighbours of an internal network, beside those of one as it is made without a word."""

    def who(self, m):
        return ["mtu 1500", "mybox"]


def inside(m, tool, stack):
    kind, names = {"mybox": (("--internal",), "AB"), "mtu 1500": ((), "CD")}[tool]
    net, (a, b) = NET + names, ("bench" + n for n in names)
    m.tell("mybox", "network", "create", *kind, net)
    stack.callback(m.tell, "mybox", "network", "rm", net)
    let_pass("mb+", stack)
    for name in (a, b):
        m.tell("mybox", "run", "-d", "--name", name, "--network", net, "deb", "sleep", "1000")
        stack.callback(remove, m, "mybox", name)
    serve(m, stack, own_namespace(m, "mybox", b))
    return own_namespace(m, "mybox", a) + m.floor(
        "pp", "cli", "tcp", address(m, "mybox", b), str(PORT), "tp", Figures.SECONDS)


def by_port(kind):
    """From the host: the floor is its own loopback."""
    def ends(m, tool, stack):
        port = PORT + 1 + (["floor", "mybox", "other"] + m.engines()).index(tool)
        if tool == "floor":
            process(stack, m.floor("pp", "srv", "tcp", str(port)))
        else:
            container_pair(m, tool, stack, "-p", "%d:%d" % (port, PORT))
            serve(m, stack, own_namespace(m, tool, "benchB"))
        return m.floor("pp", "cli", "tcp", "127.0.0.1", str(port), kind, Figures.SECONDS)
    return ends


def resolver(m, tool, stack):
    if tool == "floor":
        return m.floor("names", "echo", Figures.SECONDS)
    container_pair(m, tool, stack)
    return own_namespace(m, tool, "benchA") + m.floor("names", "127.0.0.11", "benchB",
                                                      Figures.SECONDS)


ROUND_TRIP, THROUGHPUT = r"median ([0-9.]+) us", r"([0-9.]+) Gbit/s"


def network_rm_tools(m):
    return words(m, "network", "rm", NET,
                 first={"floor": lambda: m.floor("netop", "del", "nop")})


class Removal(Row):
    def once(self, m, tool, argv, gap):
        if tool == "floor":
            subprocess.run(m.floor("netop", "add", "nop"), check=True)
        return super().once(m, tool, argv, gap)


ROWS = [
    published(10), published(1000), published(10000),
    Ports("ports-32", "run -d with 32 ports", ports_tools("9000-9031:9000-9031"),
          [times(1.3, "no port")], after=remove),
    Endpoints("many", "many endpoints of one network: create, resolve, remove (ms each)", None,
              uses_disk=False),
    Figures("names", "questions that the resolver answers (per second)", "/s", r"^([0-9]+)$",
            resolver, [Goal("at least times", 0.3, "floor")]),
    Figures("neighbours-trip", "container to container, round trip (us)", "us", ROUND_TRIP,
            neighbours("rr"), [times(1.1)]),
    Figures("neighbours-flow", "container to container, throughput (Gbit/s)", "Gbit/s", THROUGHPUT,
            neighbours("tp"), [Goal("at least times", 0.9, "floor")]),
    Jumbo("neighbours-jumbo", "the same on an internal network, long packets (Gbit/s)", "Gbit/s",
          THROUGHPUT, inside, [Goal("at least times", 1.6, "mtu 1500")]),
    Figures("port-trip", "published port by 127.0.0.1, round trip (us)", "us", ROUND_TRIP,
            by_port("rr"), [times(1.6), times(1.05, "podman")]),  # both are the kernel's DNAT
    Figures("port-flow", "published port by 127.0.0.1, throughput (Gbit/s)", "Gbit/s", THROUGHPUT,
            by_port("tp"), [Goal("at least times", 0.5, "floor")]),
    Removal("network-rm", "network rm", network_rm_tools, [times(3)], uses_disk=False,
            before=lambda m, tool: m.tell(tool, "network", "create", NET)),
]
