#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""images.py DIRECTORY: the archives that the tests load, made from the machine's busybox.

  rootfs.tar            a root file system for `import`
  docker.tar            docker-archive, one layer, tag test/deb:latest (deb.tar: tag deb)
  docker.tar.gz .zst    the same, compressed
  oci.tar, oci/         OCI archive and layout with gzip layers, tag test/oci:1
  layers7.tar           seven layers: whiteouts, opaque directories, replaced types
  layers120.tar         120 layers
"""
import gzip, hashlib, io, json, os, subprocess, sys, tarfile

BUSYBOX = "/bin/busybox"
APPLETS = """sh ash true false echo cat ls sleep wget httpd id ps hostname ip ping ping6 mount umount
env seq dd yes head tail nc touch test kill grep sed awk sort uniq wc cut tr mkdir rmdir rm mv cp ln
chmod chown stat readlink find date uname tty stty nslookup killall printf which xargs tee
mkfifo mknod su pwd df du free od hexdump md5sum sha256sum sync time timeout nohup setsid
whoami groups expr basename dirname usleep pidof vi mountpoint unshare""".split()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def info(name, kind=tarfile.REGTYPE, mode=0o644, **kw):
    t = tarfile.TarInfo(name)
    t.type, t.mode, t.mtime = kind, mode, 1700000000
    for k, v in kw.items():
        setattr(t, k, v)
    return t


class Layer:
    def __init__(self):
        self.buffer = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=tarfile.PAX_FORMAT)

    def dir(self, name, mode=0o755, **kw):
        self.tar.addfile(info(name, tarfile.DIRTYPE, mode, **kw))

    def file(self, name, data=b"", mode=0o644, **kw):
        self.tar.addfile(info(name, mode=mode, size=len(data), **kw), io.BytesIO(data))

    def link(self, name, target):
        self.tar.addfile(info(name, tarfile.SYMTYPE, 0o777, linkname=target))

    def hard(self, name, target):
        self.tar.addfile(info(name, tarfile.LNKTYPE, linkname=target))

    def bytes(self):
        self.tar.close()
        return self.buffer.getvalue()


def base():
    l = Layer()
    for d in "bin dev etc home proc root run sys tmp usr usr/bin var var/log srv".split():
        l.dir(d, 0o1777 if d == "tmp" else 0o755)
    with open(BUSYBOX, "rb") as f:
        l.file("bin/busybox", f.read(), 0o755)
    for a in APPLETS:
        l.link("bin/" + a, "busybox")
    l.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n"
           b"777:x:555:555::/:/bin/sh\n")
    l.file("etc/group", b"root:x:0:\nuser:x:1000:\nstaff:x:50:user\nextra:x:60:user,root\n")
    l.dir("home/user", 0o755, uid=1000, gid=1000)
    l.file("etc/release", b"mybox test image\n")
    return l.bytes()


def config(layers, **kw):
    c = {"architecture": "amd64", "os": "linux", "created": "2026-01-02T03:04:05Z",
         "config": {"Env": ["PATH=/usr/local/bin:/bin:/usr/bin", "FROM_IMAGE=yes"], "Cmd": ["sh"],
                    **kw},
         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha(l) for l in layers]},
         "history": [{"created": "2026-01-02T03:04:05Z", "created_by": "layer %d" % i}
                     for i in range(len(layers))]}
    return json.dumps(c, separators=(",", ":")).encode()


def docker_archive(path, layers, tags, **kw):
    conf = config(layers, **kw)
    names = [sha(l) + "/layer.tar" for l in layers]
    with tarfile.open(path, "w") as t:
        for n, l in zip(names, layers):
            if n not in t.getnames():
                t.addfile(info(n, size=len(l)), io.BytesIO(l))
        t.addfile(info(sha(conf) + ".json", size=len(conf)), io.BytesIO(conf))
        m = json.dumps([{"Config": sha(conf) + ".json", "RepoTags": tags, "Layers": names}]).encode()
        t.addfile(info("manifest.json", size=len(m)), io.BytesIO(m))
    return sha(conf)


def oci_layout(path, layers, ref):
    blobs = os.path.join(path, "blobs/sha256")
    os.makedirs(blobs, exist_ok=True)

    def blob(data, media):
        with open(os.path.join(blobs, sha(data)), "wb") as f:
            f.write(data)
        return {"mediaType": media, "digest": "sha256:" + sha(data), "size": len(data)}

    conf = blob(config(layers), "application/vnd.oci.image.config.v1+json")
    ls = [blob(gzip.compress(l, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
          for l in layers]
    man = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                      "config": conf, "layers": ls}).encode()
    desc = blob(man, "application/vnd.oci.image.manifest.v1+json")
    desc["annotations"] = {"org.opencontainers.image.ref.name": ref.split(":")[-1],
                           "io.containerd.image.name": "docker.io/" + ref}
    with open(os.path.join(path, "index.json"), "w") as f:
        json.dump({"schemaVersion": 2, "manifests": [desc]}, f)
    with open(os.path.join(path, "oci-layout"), "w") as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')


def seven():
    l1 = Layer()
    l1.dir("data"), l1.file("data/a", b"1"), l1.file("data/b", b"1"), l1.dir("gone")
    l1.file("gone/x", b"x"), l1.dir("opaque"), l1.file("opaque/old", b"old"), l1.file("type", b"f")
    l2 = Layer()
    l2.file("data/.wh.a")
    l3 = Layer()
    l3.file(".wh.gone")
    l4 = Layer()
    l4.dir("opaque"), l4.file("opaque/.wh..wh..opq"), l4.file("opaque/new", b"new")
    l5 = Layer()
    l5.dir("type"), l5.file("type/inside", b"now a directory")
    l6 = Layer()
    l6.dir("data"), l6.file("data/b", b"6"), l6.hard("data/hard", "data/b")
    return [base()] + [l.bytes() for l in (l1, l2, l3, l4, l5, l6)]


def many(n):
    out = [base()]
    for i in range(1, n):
        l = Layer()
        l.dir("layers"), l.file("layers/%d" % i, b"%d\n" % i)
        out.append(l.bytes())
    return out


def main(directory):
    os.makedirs(directory, exist_ok=True)
    p = lambda name: os.path.join(directory, name)
    b = base()
    with open(p("rootfs.tar"), "wb") as f:
        f.write(b)
    docker_archive(p("docker.tar"), [b], ["test/deb:latest"])
    docker_archive(p("deb.tar"), [b], ["deb:latest"])
    docker_archive(p("settings.tar"), [b], ["settings:latest"], User="user", WorkingDir="/srv/app",
                   Entrypoint=["/bin/echo", "entry"], Cmd=["cmd"], StopSignal="SIGUSR1",
                   ExposedPorts={"80/tcp": {}, "53/udp": {}}, Volumes={"/vol": {}},
                   Labels={"org.test": "label"})
    with open(p("docker.tar"), "rb") as f:
        data = f.read()
    with open(p("docker.tar.gz"), "wb") as f:
        f.write(gzip.compress(data, 1, mtime=0))
    subprocess.run(["zstd", "-q", "-f", p("docker.tar"), "-o", p("docker.tar.zst")], check=True)
    oci_layout(p("oci"), [b], "test/oci:1")
    with tarfile.open(p("oci.tar"), "w") as t:
        for n in ("oci-layout", "index.json", "blobs"):
            t.add(os.path.join(p("oci"), n), n)
    docker_archive(p("layers7.tar"), seven(), ["layers7:latest"])
    docker_archive(p("layers120.tar"), many(120), ["layers120:latest"])


if __name__ == "__main__":
    main(sys.argv[1])
