# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of networks that hosts share: three hosts, which are network namespaces on one wire, and
an etcd in a fourth.  Endpoints that nobody runs are put into the store as their hosts would.

MYBOX_BENCH_HOSTS=100 MYBOX_BENCH_ENDPOINTS=1000: how many hosts the last row has, with how many
endpoints each."""
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import urllib.request

from networks import ROUND_TRIP, THROUGHPUT, process
from rows import Row, result
from swarm import Swarm

HOSTS = int(os.environ.get("MYBOX_BENCH_HOSTS", "100"))
ENDPOINTS = int(os.environ.get("MYBOX_BENCH_ENDPOINTS", "1000"))
WIRE, PORT, PATIENCE = "203.0.113", 5201, 600
NETWORK = "/mybox/v1/net/shared"


def run(*argv, **more):
    return subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, **more)


def until(condition, seconds=PATIENCE):
    """How many milliseconds it took."""
    begin = time.perf_counter()
    while not condition():
        if time.perf_counter() - begin > seconds:
            raise TimeoutError("it does not come to be")
        time.sleep(0.001)
    return (time.perf_counter() - begin) * 1e3


class Hosts:
    def __init__(self, m, stack):
        self.m, self.stack, self.ns = m, stack, {}
        self.base = os.path.join("/run/mybox-test", "sharing")
        shutil.rmtree(self.base, ignore_errors=True)
        os.makedirs(self.base, 0o700)
        stack.callback(shutil.rmtree, self.base, ignore_errors=True)
        self.let_frames_pass()
        run("ip", "link", "add", "wire", "type", "bridge")
        stack.callback(run, "ip", "link", "del", "wire")
        run("ip", "addr", "add", WIRE + ".254/24", "dev", "wire")
        run("ip", "link", "set", "wire", "up")
        for i in (1, 2, 3, 201):
            self.namespace(i)
        self.store = "http://%s.201:2379" % WIRE
        process(stack, self.inside(201, "sh", "-c", 'exec "$@" 2>/dev/null', "sh", "etcd",
                                   "--data-dir", self.base + "/etcd", "--listen-client-urls",
                                   self.store, "--advertise-client-urls", self.store,
                                   "--quota-backend-bytes", str(4 << 30)))
        until(self.answers, 30)
        for i in (1, 2, 3):
            self.on(i, "load", "-qi", m.image("deb.tar"))
            stack.callback(self.clean, i)
        self.on(1, "network", "create", "-d", "overlay", "--internal", "--subnet", "10.64.0.0/12",
                "-o", "store=" + self.store, "-o", "vtep=up0", "shared")
        for i in (2, 3):
            self.on(i, "network", "join", "-o", "store=" + self.store, "-o", "vtep=up0", "shared")
        self.id = self.on(1, "network", "inspect", "-f", "{{.Id}}", "shared")

    def let_frames_pass(self):
        """The wire is no part of a host: docker's firewall, in the same namespace, has no say."""
        path = pathlib.Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
        with contextlib.suppress(OSError):
            self.stack.callback(path.write_text, path.read_text())
            path.write_text("0")

    def namespace(self, i):
        pid = process(self.stack, ["unshare", "--net", "sleep", "100000"]).pid
        until(lambda: os.readlink("/proc/%d/ns/net" % pid) != os.readlink("/proc/self/ns/net"), 10)
        self.ns[i] = pid
        run("ip", "link", "add", "w%d" % i, "type", "veth", "peer", "name", "up0", "netns",
            str(pid))
        run("ip", "link", "set", "w%d" % i, "master", "wire", "up")
        run(*self.inside(i, "sh", "-c", "ip link set lo up; ip addr add %s.%d/24 dev up0; "
                         "ip link set up0 up" % (WIRE, i)))

    def inside(self, i, *argv):
        return ["nsenter", "--net=/proc/%d/ns/net" % self.ns[i], *argv]

    def argv(self, i, *args):
        return self.inside(i, self.m.binary, "--root", "%s/h%d/root" % (self.base, i), "--runroot",
                           "%s/h%d/run" % (self.base, i), *args)

    def on(self, i, *args):
        return run(*self.argv(i, *args), stdout=subprocess.PIPE, stderr=self.m.errors,
                   text=True).stdout.strip()

    def clean(self, i):
        ids = self.on(i, "ps", "-aq").split()
        if ids:
            self.on(i, "rm", "-f", *ids)
        self.on(i, "network", "leave", "shared")

    def known(self, i, what):
        """What host @i knows of others: r/<container>, n/<name>."""
        return "%s/h%d/run/net/%s/%s" % (self.base, i, self.id, what)

    # --- the store

    def answers(self):
        try:
            return bool(self.ask("kv/range", {"key": "eA=="}))
        except OSError:
            return False

    def ask(self, path, body):
        request = urllib.request.Request(self.store + "/v3/" + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def requests(self):
        with urllib.request.urlopen(self.store + "/metrics", timeout=60) as answer:
            return sum(float(n) for n in re.findall(
                r'^grpc_server_started_total\{[^}]*etcdserverpb[^}]*\} (\S+)',
                answer.read().decode(), re.M))

    def pretend(self, host, n):
        """A host with @n endpoints.  Return: its lease."""
        lease = self.ask("lease/grant", {"TTL": "86400"})["ID"]
        puts = []
        for i in range(n):
            at = 4096 + host * 4096 + i
            ip = "10.%d.%d.%d" % (64 + (at >> 16), at >> 8 & 255, at & 255)
            mac = "02:6d:" + ":".join("%02x" % int(b) for b in ip.split("."))
            name = "f%d-%d" % (host, i)
            id = "%032x%032x" % (host + 1, i + 1)
            puts += [("ip/" + ip, id), ("ep/" + id, json.dumps(
                {"schema": 1, "name": name, "host": "fake%d" % host, "mac": mac, "ip": ip,
                 "vtep": "198.51.100.%d" % (host + 1), "names": [name]}))]
        puts.append(("host/198.51.100.%d" % (host + 1), json.dumps(
            {"schema": 1, "name": "fake%d" % host, "id": "%016x" % (host + 1)})))
        b64 = lambda text: base64.b64encode(text.encode()).decode()
        for first in range(0, len(puts), 100):
            self.ask("kv/txn", {"success": [
                {"requestPut": {"key": b64(NETWORK + "/" + k), "value": b64(v), "lease": lease}}
                for k, v in puts[first:first + 100]]})
        return lease

    def claim(self, ip, id, lease):
        """What mybox asks: that nobody has the address, and that the network is there."""
        b64 = lambda text: base64.b64encode(text.encode()).decode()
        key = b64(NETWORK + "/ip/" + ip)
        done = self.ask("kv/txn", {
            "compare": [{"key": b64(NETWORK), "target": "CREATE", "result": "GREATER",
                         "create_revision": "0"},
                        {"key": key, "target": "CREATE", "result": "EQUAL",
                         "create_revision": "0"}],
            "success": [{"requestPut": {"key": key, "value": b64(id), "lease": lease}}]})
        assert done.get("succeeded")

    def others(self, i):
        try:
            return len(os.listdir(self.known(i, "r")))
        except FileNotFoundError:
            return 0


class Sharing(Row):
    def __init__(self, name, what, work):
        super().__init__(name, what, None, uses_disk=False)
        self.work = work

    def measure(self, m, rounds, gap):
        if not shutil.which("etcd"):
            return []
        with contextlib.ExitStack() as stack:
            found = self.work(Hosts(m, stack), rounds)
        return [dict(result("%s%s" % (self.name, what), tool, values, 0, unit=unit), goals=[])
                for (what, tool, unit), values in found.items()]


def answers(h, i, client, name):
    """The resolver that a container asks knows the name."""
    return subprocess.run(h.argv(i, "exec", client, "nslookup", name, "127.0.0.11"),
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def churn(count):
    """A container comes on one host and goes, with @count endpoints of others in the store.
    -answer: until a container of the other host is told its address, by DNS (and the exec of one
    nslookup, at least); -claim: the transaction that takes an address, as a command asks it."""
    def work(h, rounds):
        found = {(what, "mybox", unit): [] for what, unit in (
            ("-start", "ms"), ("-resolve", "ms"), ("-answer", "ms"), ("-gone", "ms"),
            ("-claim", "ms"), ("-requests", "requests"))}
        take = lambda what, unit, value: found[(what, "mybox", unit)].append(value)
        h.pretend(0, count)
        h.on(1, "run", "-d", "--name", "asker", "--network", "shared", "deb", "sleep", "100000")
        until(lambda: h.others(1) >= count)
        lease = h.ask("lease/grant", {"TTL": "86400"})["ID"]
        for i in range(rounds):
            name, before = "bench%d" % i, h.requests()
            begin = time.perf_counter()
            h.on(2, "run", "-d", "--name", name, "--network", "shared", "deb", "sleep", "100000")
            take("-start", "ms", (time.perf_counter() - begin) * 1e3)
            take("-requests", "requests", h.requests() - before)
            until(lambda: os.path.isdir(h.known(1, "n/" + name)))
            take("-resolve", "ms", (time.perf_counter() - begin) * 1e3)
            until(lambda: answers(h, 1, "asker", name))
            take("-answer", "ms", (time.perf_counter() - begin) * 1e3)
            begin = time.perf_counter()
            h.on(2, "rm", "-f", name)
            until(lambda: not os.path.isdir(h.known(1, "n/" + name)))
            take("-gone", "ms", (time.perf_counter() - begin) * 1e3)
            begin = time.perf_counter()
            h.claim("10.79.%d.%d" % (i >> 8, i & 255), "%064x" % (i + 1), lease)
            take("-claim", "ms", (time.perf_counter() - begin) * 1e3)
        return found
    return work


def membership(count):
    """join and leave of a host that has nothing there, with @count endpoints of others."""
    def work(h, rounds):
        found = {("-join", "mybox", "ms"): [], ("-leave", "mybox", "ms"): []}
        if count:
            h.pretend(0, count)
        for _ in range(rounds):
            for verb, args in (("leave", ()),
                               ("join", ("-o", "store=" + h.store, "-o", "vtep=up0"))):
                begin = time.perf_counter()
                h.on(3, "network", verb, *args, "shared")
                found[("-" + verb, "mybox", "ms")].append((time.perf_counter() - begin) * 1e3)
        return found
    return work


def plain_vxlan(h):
    """What the kernel gives: two tunnels by hand.  Return: the addresses at their ends."""
    for i, other in ((1, 2), (2, 1)):
        run(*h.inside(i, "sh", "-c", "ip link add plain mtu 1450 type vxlan id 42 local %s.%d remote "
                      "%s.%d dstport 4790 && ip addr add 192.0.2.%d/24 dev plain && "
                      "ip link set plain up" % (WIRE, i, WIRE, other, i)))
    return "192.0.2.2"


def speed(h, rounds):
    """pp between two hosts: by plain VXLAN, by ours, by docker's, and by ours with a policy."""
    pp, found = h.m.floor("pp")[0], {}
    address = plain_vxlan(h)
    process(h.stack, h.inside(2, pp, "srv", "tcp", str(PORT)))
    share = ("-v", os.path.dirname(pp) + ":/b", "--network", "shared", "deb")
    h.on(2, "run", "-d", "--name", "server", *share, "/b/pp", "srv", "tcp", str(PORT))
    h.on(1, "run", "-d", "--name", "client", *share, "sleep", "100000")
    until(lambda: os.path.isdir(h.known(1, "n/server")))
    ip = h.on(2, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
              "server")
    inside = ("exec", "client", "/b/pp", "cli", "tcp", ip, str(PORT))
    ways = {"floor": h.inside(1, pp, "cli", "tcp", address, str(PORT)),
            "mybox": h.argv(1, *inside)}
    if "docker" in h.m.engines():
        swarm = Swarm(h.stack, h.base, WIRE, h.m.image("rootfs.tar"), h.m.errors)
        ways["docker"] = swarm.pair(os.path.dirname(pp), "/b/pp", PORT)
    ways["governed"] = h.argv(1, *inside)
    for tool, argv in ways.items():
        if tool == "governed":
            h.on(1, "network", "policy", "add", "shared", "client:server:%d" % PORT)
            h.on(1, "network", "policy", "default", "shared", "deny")
        for how, what, unit, pattern in (("rr", "-rtt", "us", ROUND_TRIP),
                                         ("tp", "-tp", "Gbit/s", THROUGHPUT)):
            for _ in range(rounds):
                said = run(*argv, how, "0.5", stdout=subprocess.PIPE, text=True).stdout
                found.setdefault((what, tool, unit), []).append(
                    float(re.search(pattern, said).group(1)))
    return found


def leader_of(h, i):
    """The process that leads on a host."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                words = f.read().split(b"\0")
            with open("/proc/%s/task/%s/children" % (pid, pid)) as f:
                below = f.read().split()
            if b"__lead" in words and ("%s/h%d/root" % (h.base, i)).encode() in words and below:
                return below[0]
    return None


def rss_kb(pid):
    with open("/proc/%s/status" % pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def received(h, i):
    with open("/proc/%d/net/dev" % h.ns[i]) as f:
        return int(re.search(r"up0:\s*(\d+)", f.read()).group(1))


def crowd(h, rounds):
    """Many hosts that nobody runs: what one that does run takes of the machine."""
    found, leases = {}, []
    take = lambda what, unit, value: found.setdefault((what, "mybox", unit), []).append(value)
    h.on(1, "run", "-d", "--name", "bench", "--network", "shared", "deb", "sleep", "100000")
    until(lambda: leader_of(h, 1))
    take("-empty-memory", "KiB", rss_kb(leader_of(h, 1)))
    before, begin = received(h, 1), time.perf_counter()
    leases = [h.pretend(i, ENDPOINTS) for i in range(HOSTS)]
    until(lambda: h.others(1) >= HOSTS * ENDPOINTS)
    take("-told", "ms", (time.perf_counter() - begin) * 1e3)
    take("-watch-bytes", "B/endpoint", (received(h, 1) - before) / (HOSTS * ENDPOINTS))
    take("-memory", "KiB", rss_kb(leader_of(h, 1)))
    # One that comes reads all of it at once.
    begin = time.perf_counter()
    h.on(2, "run", "-d", "--name", "late", "--network", "shared", "deb", "sleep", "100000")
    take("-first-start", "ms", (time.perf_counter() - begin) * 1e3)
    for lease in leases[:min(rounds, 3)]:
        goal, begin = h.others(1) - ENDPOINTS, time.perf_counter()
        h.ask("lease/revoke", {"ID": lease})
        until(lambda: h.others(1) <= goal)
        take("-host-lost", "ms", (time.perf_counter() - begin) * 1e3)
    return found


ROWS = [
    *(Sharing("overlay-%d" % n, "a container on a shared network with %d endpoints, known on another "
              "host, and gone" % n, churn(n)) for n in (10, 100, 1000)),
    *(Sharing("overlay-host" + ("-%d" % n if n else ""), "network join and leave of a host with %d "
              "endpoints in the store" % n, membership(n)) for n in (0, 10, 100, 1000)),
    Sharing("overlay-speed", "two containers on two hosts, beside plain VXLAN", speed),
    Sharing("overlay-crowd", "%d hosts with %d endpoints each, told to one" % (HOSTS, ENDPOINTS),
            crowd),
]
