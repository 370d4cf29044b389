# SPDX-License-Identifier: GPL-2.0-or-later
"""load, pull and push of an image of 400 MB in seven layers, made of files that are here.

Every run has a store of its own, nothing is removed before all is measured, and what is to be
written to disk is there before the next one begins (README.md says why).  MYBOX_BENCH_IMAGE_MB
makes the image smaller, to try whether all of it works.
"""
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time

import rows

LAYERS, ROUNDS, PORT = 7, 3, 5555
NAME = "127.0.0.1:%d/bench/big:1" % PORT
SOURCES = ("/usr/lib", "/usr/bin", "/usr/share")


def some_files():
    for top in SOURCES:
        for base, dirs, names in os.walk(top):
            dirs.sort()
            for name in sorted(names):
                path = os.path.join(base, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    yield path, os.path.getsize(path)


def make_layers(directory, total):
    """Seven archives of as many bytes each."""
    files, paths = some_files(), []
    for i in range(LAYERS):
        paths.append(os.path.join(directory, "layer%d.tar" % i))
        with tarfile.open(paths[-1], "w") as tar:
            while tar.offset < total // LAYERS:
                path, _ = next(files)
                tar.add(path, "layer%d%s" % (i, path), recursive=False)
    return paths


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while part := f.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def make_archive(directory):
    """A docker archive, and the tars of its layers."""
    layers = make_layers(directory, int(os.environ.get("MYBOX_BENCH_IMAGE_MB", "400")) * 10 ** 6)
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(p) for p in layers]},
    }).encode()
    archive = os.path.join(directory, "big.tar")
    with tarfile.open(archive, "w") as tar:
        for path in layers:
            tar.add(path, os.path.basename(path))
        for name, text in (("config.json", config), ("manifest.json", json.dumps([{
                "Config": "config.json", "RepoTags": [NAME],
                "Layers": [os.path.basename(p) for p in layers]}]).encode())):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return archive, layers


def answers():
    try:
        socket.create_connection(("127.0.0.1", PORT), 1).close()
    except OSError:
        return False
    return True


class Registry:
    """Debian's docker-registry over @directory."""

    def __init__(self, directory):
        os.makedirs(directory)
        config = directory + ".yml"
        with open(config, "w") as f:
            f.write("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
                    "storage: {filesystem: {rootdirectory: %s}}\n"
                    "http: {addr: '127.0.0.1:%d'}\n" % (directory, PORT))
        self.process = subprocess.Popen(["docker-registry", "serve", config],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        end = time.time() + 20
        while not answers():
            if time.time() > end or self.process.poll() is not None:
                raise SystemExit("the registry does not start")
            time.sleep(0.05)

    def close(self):
        self.process.terminate()
        self.process.wait()


class Store:
    """Somewhere empty for one run of one tool."""

    def __init__(self, m, tool, directory):
        self.m, self.tool, self.daemon = m, tool, None
        self.root, self.run = directory, os.path.join("/run/mybox-test", os.path.basename(directory))
        os.makedirs(self.root)
        if tool == "docker":
            self.daemon, self.prefix = m.peers.start_docker(self.root, os.path.basename(directory))

    def argv(self, *words):
        if self.tool in ("mybox", "other"):
            program = self.m.against if self.tool == "other" else self.m.binary
            return [program, "--root", self.root + "/root", "--runroot", self.run, *words]
        if self.tool == "docker":
            return [*self.prefix, *words]
        return self.m.peers.podman(self.root + "/root", self.run) + list(words)

    def skopeo(self):
        return "containers-storage:[overlay@%s/root+%s]%s" % (self.root, self.run, NAME)

    def verb(self, verb, archive):
        """The command of a verb."""
        if self.tool == "skopeo":
            ends = {"load": ("docker-archive:" + archive, self.skopeo()),
                    "pull": ("docker://" + NAME, self.skopeo()),
                    "push": (self.skopeo(), "docker://" + NAME)}[verb]
            return [shutil.which("skopeo"), "--insecure-policy", "copy", "-q",
                    "--src-tls-verify=false", "--dest-tls-verify=false", *ends]
        insecure = ["--tls-verify=false"] if self.tool == "podman" and verb != "load" else []
        return self.argv(verb, "-q", *insecure, *(["-i", archive] if verb == "load" else [NAME]))

    def close(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
        # What they leave mounted could not be removed in the end.
        if self.tool in ("podman", "skopeo"):
            subprocess.run(["umount", "-l", self.root + "/root/overlay"], check=False,
                           stderr=self.m.errors)


def descendants(pid):
    """@pid and all below it."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name) as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    found, ahead = [], [pid]
    while ahead:
        found.append(ahead.pop())
        ahead += children.get(found[-1], [])
    return found


def most_memory(argv, errors):
    """KiB that all processes of a command held together at most, what they share counted once."""
    most = 0
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=errors)
    while process.poll() is None:
        now = 0
        for pid in descendants(process.pid):
            try:
                with open("/proc/%d/smaps_rollup" % pid) as f:
                    now += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
            except OSError:
                continue
        most = max(most, now)
        time.sleep(0.005)
    return most, process.returncode == 0


class Images(rows.Row):
    """@verb by everybody; the floor is tar, which unpacks the layers one after the other."""

    def __init__(self, verb, what, goals):
        super().__init__(verb, what, None, goals)

    def who(self, m):
        found = ["mybox"] + (["other"] if m.against else []) + m.engines()
        return found + (["skopeo"] if shutil.which("skopeo") else [])

    def measure(self, m, rounds, gap):
        directory = os.path.join(m.directory, "images-" + self.name)
        os.makedirs(directory)
        archive, layers = make_archive(directory)
        registry = None
        if self.name == "pull":
            registry = Registry(os.path.join(directory, "registry"))
            subprocess.run([shutil.which("skopeo"), "--insecure-policy", "copy", "-q",
                            "--dest-tls-verify=false", "docker-archive:" + archive,
                            "docker://" + NAME], check=True, stderr=m.errors)
        tools = self.who(m)
        spent = {tool: [] for tool in (["floor"] if self.name != "push" else []) + tools}
        failures = dict.fromkeys(spent, 0)
        for n in range(min(rounds, ROUNDS)):
            for tool in spent:
                place = os.path.join(directory, "%s-%s-%d" % (self.name, tool, n))
                ms, ok = self.floor(m, place, layers) if tool == "floor" else \
                    self.run(m, tool, place, archive)
                spent[tool].append(ms)
                failures[tool] += not ok
        # Once more, for it costs time to look.
        most, ok = self.run(m, "mybox", os.path.join(directory, "memory"), archive, most_memory)
        memory = rows.result(self.name + "-memory", "mybox", [most], not ok, unit="KiB")
        if registry:
            registry.close()
        goals = [g._asdict() for g in self.goals]
        return [dict(rows.result(self.name, tool, spent[tool], failures[tool]),
                     goals=goals if tool == "mybox" else []) for tool in spent] + \
            [dict(memory, goals=[rows.at_most(100 * 1024)._asdict()])]

    @staticmethod
    def floor(m, place, layers):
        os.makedirs(place)
        rows.settle()
        return m.sample([[shutil.which("tar"), "-xf", path, "-C", place] for path in layers])

    def run(self, m, tool, place, archive, how=None):
        store, registry = Store(m, tool, place), None
        if self.name == "push":
            registry = Registry(place + "-registry")
            subprocess.run(store.verb("load", archive), check=False, stderr=m.errors,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        rows.settle()
        command = store.verb(self.name, archive)
        taken = how(command, m.errors) if how else m.sample(command)
        store.close()
        if registry:
            registry.close()
        return taken


class Thousand(rows.Row):
    """A command in a store with a thousand images, beside the ordinary one with its one image.
    The engines would need minutes to get there."""

    def measure(self, m, rounds, gap):
        self.store = os.path.join(m.directory, self.name)
        os.makedirs(self.store, 0o700)
        archive = self.store + ".tar"
        make_thousand(m.image("rootfs.tar"), archive)
        m.do(*self.where(), "load", "-qi", archive)
        engines, m.peers = m.peers, None
        results = super().measure(m, rounds, gap)
        m.peers = engines
        return results

    def where(self):
        """Options, which come after those of the ordinary store and win."""
        return ["--root", self.store + "/root", "--runroot",
                "/run/mybox-test/" + os.path.basename(self.store)]


def make_thousand(rootfs, path):
    """A docker archive: images that have a layer in common."""
    with tarfile.open(path, "w") as tar:
        tar.add(rootfs, "layer.tar")
        entries = []
        for i in range(1000):
            text = json.dumps({
                "architecture": "amd64", "os": "linux", "created": "2026-01-02T03:04:05Z",
                "config": {"Env": ["PATH=/bin"], "Labels": {"number": str(i)}},
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(rootfs)]},
            }).encode()
            info = tarfile.TarInfo("%d.json" % i)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
            entries.append({"Config": info.name, "RepoTags": ["example/many-%d:1" % i],
                            "Layers": ["layer.tar"]})
        info = tarfile.TarInfo("manifest.json")
        text = json.dumps(entries).encode()
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))


def thousand(name, what, goals, few, many):
    """@few and @many: the words in either store."""
    row = Thousand(name, what, None, goals)
    row.tools = lambda m: {"few": m.mybox(*few), "mybox": m.mybox(*row.where(), *many)}
    return row


RUN = ["run", "--rm", "--network", "none"]
ROWS = [
    thousand("images-1000", "images with 1,000 of them", [rows.at_most(30)],
             ["images"], ["images"]),
    thousand("run-1000-images", "run --rm with 1,000 images in the store", [rows.times(1.1, "few")],
             [*RUN, "deb", "true"], [*RUN, "example/many-500:1", "true"]),
    Images("load", "load of 400 MB in seven layers",
           [rows.times(1.2), rows.times(0.4, "docker"), rows.times(0.4, "podman")]),
    Images("pull", "pull of it, gzip, from a registry on loopback", [rows.times(0.4, "docker")]),
    Images("push", "push of it to an empty registry", [rows.times(0.5, "podman")]),
]
