#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""changes MYBOX-OCI DIRECTORY HOW SECONDS: containers of a bundle that somebody changes meanwhile.

DIRECTORY has two bundles, "a" and "b", with busybox.  A process changes DIRECTORY/bundle in the way
HOW, as fast as it can; containers are made of it as long.  Each is of one config.json, as it was at
one moment, in one root; or it is refused with one line and code 1.  Nothing may be left of either.
"""
import ctypes
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import bad_input  # noqa: E402

AT_FDCWD, EXCHANGE = -100, 2
LEAST = 8  # containers, however slow the machine is
# What a container says: its configuration three times over, and where it is.
SAYS = "read host </proc/sys/kernel/hostname; read root </marker; echo $X $host $(id -u) $1 $root"
KINDS = {"a": 101, "b": 102}


def document(bundle, kind):
    """config.json of @bundle, all of whose members tell @kind."""
    with open(os.path.join(bundle, "config.json"), encoding="utf-8") as f:
        c = json.load(f)
    c["hostname"] = kind
    c["annotations"] = {"kind": kind}
    c["process"].update(terminal=False, env=["PATH=/bin", "X=" + kind], args=["sh", "-c", SAYS, "sh", kind])
    c["process"]["user"] = {"uid": KINDS[kind], "gid": 0}
    c["mounts"].append({"destination": "/made", "type": "tmpfs", "source": "tmpfs"})
    if kind == "b":  # then the root is mounted where the bundle has it
        c["hooks"] = {k: [{"path": "/bin/true"}] for k in ("createRuntime", "createContainer")}
    return json.dumps(c).encode()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def exchange(a, b):
    ctypes.CDLL(None).renameat2(AT_FDCWD, a.encode(), AT_FDCWD, b.encode(), EXCHANGE)


class Changes:
    """Each method makes one round of changes, and leaves all as it was."""

    def __init__(self, directory):
        self.top = directory
        self.bundle = os.path.join(directory, "bundle")
        self.config = os.path.join(self.bundle, "config.json")
        self.root = os.path.join(self.bundle, "rootfs")
        self.other = os.path.join(directory, "b")
        self.documents = [document(os.path.join(directory, k), k) for k in KINDS]
        for kind, text in zip(KINDS, self.documents):
            write(os.path.join(directory, kind, "config.json"), text)
            write(os.path.join(directory, kind, "rootfs/marker"), kind.encode() + b"\n")
        shutil.copytree(os.path.join(directory, "a"), self.bundle, symlinks=True)
        shutil.copytree(self.root, os.path.join(directory, "store"), symlinks=True)
        write(os.path.join(directory, "file"), b"no directory\n")
        self.links = [os.path.join(directory, "link%d" % i) for i in range(4)]
        for link, target in zip(self.links, (self.other + "/rootfs", "../b/rootfs", "../nowhere", "../file")):
            os.symlink(target, link)
        os.symlink(self.other, os.path.join(directory, "link"))

    def rewrite(self):
        """config.json is written over, and replaced."""
        for text in self.documents:
            write(self.config, text)
        for text in self.documents:
            write(self.config + "~", text)
            os.rename(self.config + "~", self.config)

    def vanish(self):
        """config.json, the root and the bundle go away, and come back."""
        for path in (self.config, self.root, self.bundle):
            os.rename(path, path + "~")
            os.rename(path + "~", path)

    def delete(self):
        """The root is deleted and made again."""
        while os.path.exists(self.root):  # a container makes directories in it meanwhile
            shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(os.path.join(self.top, "store"), self.root, symlinks=True, copy_function=os.link,
                        dirs_exist_ok=True)

    def link(self):
        """The root is a link in turns: out of the bundle, to nothing, to a file."""
        for link in self.links:
            exchange(self.root, link)
            exchange(self.root, link)

    def swap(self):
        """The bundle is a link to another in turns."""
        exchange(self.bundle, os.path.join(self.top, "link"))
        exchange(self.bundle, os.path.join(self.top, "link"))

    # "CONFIG ROOT" that a container may be of, in each of them.
    RIGHT = {"rewrite": {"a a", "b a"}, "vanish": {"a a"}, "delete": {"a a", "b a"},
             "link": {"a a", "b a", "a b", "b b"}, "swap": {"a a", "b b"}}


def racer(changes, how):
    pid = os.fork()
    if pid == 0:
        try:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
            while True:
                getattr(changes, how)()
                if how == "delete":  # so that some are made between two rounds
                    time.sleep(random.random() * 0.4)
        except OSError as e:
            print(e)
        finally:
            sys.stdout.flush()
            os._exit(1)
    return pid


class Judge(bad_input.Runner):
    def __init__(self, oci, changes, how):
        super().__init__(oci, changes.top)
        self.changes, self.how = changes, how
        self.made, self.refused = {}, {}

    def is_refused(self, code, said):
        if code == 0:
            return False
        # A root that is being deleted has a program, and then not what that wants.
        if self.how == "delete" and "mybox-oci" not in said:
            return True
        problem = self.problem(code, said, bad_input.EITHER, "")
        if problem:
            raise AssertionError(problem)
        why = said.split(": ", 1)[1].strip().replace(self.directory, "")
        self.refused[why] = self.refused.get(why, 0) + 1
        return True

    def judge_words(self, said):
        """Return: the kind of the configuration."""
        lines = said.splitlines()
        # Who deletes a directory takes along what is mounted on it, wherever that is.
        lost = [line for line in lines if self.how == "delete" and "can't open /" in line]
        words = " ".join(line for line in lines if line not in lost).split()
        kind = words[0] if words else None
        host = [] if any("hostname" in line for line in lost) else [kind]
        right = host + [str(KINDS.get(kind)), kind]
        if kind not in KINDS or words[1:1 + len(right)] != right:
            raise AssertionError("of no configuration: %r" % said)
        if lost:
            self.made[kind + " and less"] = self.made.get(kind + " and less", 0) + 1
            return kind
        if "%s %s" % (kind, words[4]) not in self.changes.RIGHT[self.how]:
            raise AssertionError("in another's root: %r" % said)
        self.made[said] = self.made.get(said, 0) + 1
        return kind

    def run(self, name):
        code, said = self.call("run", name, ["--bundle", self.changes.bundle])
        if not self.is_refused(code, said):
            self.judge_words(said)

    def step(self, name):
        """The same in steps: later ones go by what create has read."""
        out = os.path.join(self.directory, "said")
        with open(out, "wb") as f:
            done = subprocess.run([self.oci, "--root", self.state, "create", "--bundle", self.changes.bundle, name],
                                  stdin=subprocess.DEVNULL, stdout=f, stderr=f, timeout=120)
        if self.is_refused(done.returncode, open(out, encoding="utf-8").read()):
            return
        state = json.loads(self.call("state", name)[1])
        code, said = self.call("start", name)
        deadline = time.monotonic() + 60
        while code == 0 and json.loads(self.call("state", name)[1])["status"] != "stopped":
            if time.monotonic() > deadline:
                raise AssertionError("does not end")
        deleted = self.call("delete", name)
        if deleted != (0, ""):
            raise AssertionError("delete: %s" % (deleted,))
        if self.is_refused(code, said):
            return
        said = open(out, encoding="utf-8").read()
        if self.how == "delete" and len(said.split()) < 5:
            return
        kind = self.judge_words(said)
        if state["annotations"] != {"kind": kind}:
            raise AssertionError("the state tells %s of a container of '%s'" % (state["annotations"], kind))

    def one(self, n):
        name = "ch%d-%d" % (os.getpid(), n)
        problem = None
        if self.how in ("delete", "link"):
            write(self.changes.config, self.changes.documents[n % 2])
        try:
            (self.step if n % 3 == 0 else self.run)(name)
        except AssertionError as e:
            problem = "%s %d: %s" % (self.how, n, e)
        left = self.traces(name)
        if left:
            self.call("delete", name, ["--force"])
            problem = problem or "%s %d: left %s" % (self.how, n, left)
        return problem


def main(oci, directory, how, seconds):
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    changes = Changes(directory)
    judge, bad, n = Judge(oci, changes, how), [], 0
    mounts = set(open("/proc/self/mountinfo"))
    pid = racer(changes, how)
    end = time.monotonic() + float(seconds)
    while len(bad) < 10 and (n < LEAST or time.monotonic() < end):
        n += 1
        problem = judge.one(n)
        bad += [problem] if problem else []
    if os.waitpid(pid, os.WNOHANG) != (0, 0):
        bad.append("the racer has ended")
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    bad += ["left process %s" % line for line in bad_input.orphans()]
    bad += ["other mount %s" % line for line in set(open("/proc/self/mountinfo")) ^ mounts]
    print("%s: %d containers: %s; refused: %s" % (how, n, judge.made, judge.refused))
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
