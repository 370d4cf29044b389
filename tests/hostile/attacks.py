#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""attacks.py DIRECTORY CANARY: archives of images that attack whoever starts them.  CANARY is a
directory of the host that must stay as it is; links in the images lead to it."""
import json, os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import images as good  # noqa: E402
import io, tarfile  # noqa: E402


def main(directory, canary):
    os.makedirs(directory, exist_ok=True)
    base = good.base()

    def image(name, fill=None, **config):
        layers = [base]
        if fill:
            layer = good.Layer()
            fill(layer)
            layers.append(layer.bytes())
        good.docker_archive(os.path.join(directory, name + ".tar"), layers, [name + ":latest"],
                            **config)

    up = "../" * 12 + canary.lstrip("/")
    # Where the runtime makes and mounts things, a link to the outside.
    for where in ("dev", "proc", "sys", "etc", "run", "tmp"):
        image(where + "-abs", lambda l: l.link(where, canary))
        image(where + "-up", lambda l: l.link(where, up))
    image("etc-files", lambda l: (l.link("etc/hosts", canary + "/hosts"),
                                  l.link("etc/resolv.conf", up + "/resolv.conf"),
                                  l.link("etc/hostname", canary + "/hostname")))
    image("dev-parts", lambda l: (l.link("dev/console", canary + "/console"),
                                  l.link("dev/pts", canary), l.link("dev/ptmx", up + "/ptmx"),
                                  l.link("dev/shm", up), l.link("dev/mqueue", canary),
                                  l.link("dev/null", "/proc/sys/kernel/core_pattern"),
                                  l.link("dev/tty", canary + "/tty"),
                                  l.link("dev/fd", canary)))
    image("loop", lambda l: (l.link("dev", "sys"), l.link("sys", "dev"), l.link("proc", "proc")))
    image("files", lambda l: (l.file("dev", b"file"), l.file("proc", b"file"),
                              l.file("sys", b"file")))
    # A procfs of the image's own making, and links to the real one.
    image("fake-proc", lambda l: (l.dir("proc/sys/net/ipv4"), l.dir("proc/self/attr"),
                                  l.file("proc/sys/net/ipv4/ip_forward", b"fake\n"),
                                  l.file("proc/sys/kernel/core_pattern", b"fake\n")))
    image("proc-links", lambda l: (l.link("to-proc", "/proc"), l.link("to-self", "proc/self"),
                                   l.link("to-sys", "../../proc/sys"), l.link("to-fd", "/proc/self/fd")))
    # What the host might be made to execute or load on its way in and out.
    def traps(l):
        script = ("#!/bin/sh\nexec >/ran 2>&1\nid\n(echo ran; id) >%s/console\n" % canary).encode()
        for d in ("usr/bin", "bin", "sbin", "usr/sbin", "usr/local/bin", "usr/local/sbin"):
            l.dir(d)
            for n in ("xz unpigz pigz gzip zstd bzip2 lz4 ps nsenter nft iptables modprobe tar newuidmap "
                      "newgidmap mybox runc ldconfig").split():
                if (d, n) != ("bin", "ps"):
                    l.file(d + "/" + n, script, 0o755)
        l.dir("lib"), l.dir("lib64"), l.dir("usr/lib"), l.dir("lib/x86_64-linux-gnu")
        for d in ("lib", "lib64", "usr/lib", "lib/x86_64-linux-gnu"):
            for n in ("libnss_files.so.2", "libnss_compat.so.2", "libc.so.6", "libseccomp.so.2"):
                l.file(d + "/" + n, b"\x7fELF not one", 0o755)
        l.file("etc/ld.so.preload", b"/lib/evil.so\n")
        l.file("etc/nsswitch.conf", b"passwd: evil\n"), l.file("lib/libnss_evil.so.2", b"\x7fELF")
        l.dir("etc/mybox"), l.file("etc/mybox/config.json", b'{"privileged":true}')
    image("traps", traps)
    # The interpreter of an entrypoint is whoever executes it.
    image("self-exe", lambda l: (l.file("entry", b"#!/proc/self/exe\n", 0o755),
                                 l.link("link", "/proc/self/exe")), Entrypoint=["/entry"])
    image("volume", lambda l: l.link("data", canary), Volumes={"/data/below": {}, "/data": {}})
    image("volume-up", lambda l: (l.link("data", up), l.dir("d"), l.link("d/etc", "../../../../../../etc")),
          Volumes={"/data": {}, "/d/etc": {}, "/d/etc/../../data/dir": {}})
    for i, where in enumerate(("/proc", "/proc/../proc/x", "//proc/sys", "/", "/proc/self/attr",
                               "../../x", "/a/../../../proc", "/dev", "/sys/fs/cgroup", "")):
        image("volume-%d" % i, Volumes={where: {}})
    image("workdir-link", lambda l: l.link("wd", "/proc/self/fd/7"), WorkingDir="/wd/../..")
    image("workdir-out", lambda l: l.link("wd", canary), WorkingDir="/wd/made/by/workdir")
    for i in range(0, 21):
        image("workdir-%d" % i, WorkingDir="/proc/self/fd/%d" % i)
    # Numbers, names and sizes.
    image("env-bomb", Env=["V%d=%s" % (i, "x" * 1000) for i in range(3000)])
    image("env-long", Env=["V=" + "x" * (1 << 20)])
    image("env-odd", Env=["", "=", "=x", "NOVALUE", "A=1", "A=2", "PATH", "B=\x01\x1b[31m"])
    image("args-bomb", Entrypoint=["true"] + ["x"] * 60000)
    image("args-none", Entrypoint=[], Cmd=[])
    image("args-empty", Entrypoint=[""], Cmd=[""])
    image("labels", Labels={"io.mybox.privileged": "true", "a" * 5000: "b" * 5000, "": "x"})
    image("workdir-long", WorkingDir="/" + "/".join(["x" * 255] * 20))
    image("user-long", User="u" * 100000)
    image("user-odd", User="0:\x00")
    image("signal", StopSignal="SIGNONE")
    image("ports", ExposedPorts={"99999999999/tcp": {}, "80/sctpp": {}, "-1": {}, "": {}})
    image("many-volumes", Volumes={"/v/%d" % i: {} for i in range(400)})
    deep = "[" * 5000 + "]" * 5000
    raw(directory, "deep", base, '{"architecture":"amd64","os":"linux","config":{"Cmd":["true"],'
        '"X":%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' % (deep, good.sha(base)))
    raw(directory, "twice", base, '{"architecture":"amd64","os":"linux","config":{"Cmd":["true"],'
        '"User":"0","User":"1000"},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}'
        % good.sha(base))
    raw(directory, "types", base, '{"architecture":7,"os":["linux"],"config":{"Cmd":"true",'
        '"Env":{"A":1},"User":0},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}'
        % good.sha(base))
    # Whose names and numbers mislead.
    image("passwd", lambda l: l.file("etc/passwd", (
        "root:x:0:0:root:/root:/bin/sh\n0:x:1000:1000::/:\nover:x:4294967296:0::/:\n"
        "neg:x:-1:0::/:\nhex:x:0x0:0::/:\nblank:x::0::/:\nspace:x: 0:0::/:\nplus:x:+0:0::/:\n"
        "max:x:4294967295:0::/:\nshort:x\nfine:x:1234:1235::/:\n:x:77:77::/:\n").encode() +
        b"long:" + b"x" * 200000 + b":1:1::/:\nafter:x:4321:4321::/:\nbin\xff:x:5:5::/:\n"))


def raw(directory, name, layer, config):
    config = config.encode()
    manifest = json.dumps([{"Config": good.sha(config) + ".json", "RepoTags": [name + ":latest"],
                            "Layers": [good.sha(layer) + "/layer.tar"]}]).encode()
    with tarfile.open(os.path.join(directory, name + ".tar"), "w") as t:
        for member, data in ((good.sha(layer) + "/layer.tar", layer),
                             (good.sha(config) + ".json", config), ("manifest.json", manifest)):
            t.addfile(good.info(member, size=len(data)), io.BytesIO(data))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
