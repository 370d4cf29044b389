# SPDX-License-Identifier: GPL-2.0-or-later
"""The newest crun that Debian has, unpacked and never installed.

It comes with its libraries and their loader, which the executable is made to name: what the
machine has may be too old for it.  Fetched once; remove the directory to ask again.
"""
import os
import pathlib
import shutil
import subprocess

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian"
SUITE = "sid"


def mirror():
    """The one that the machine is set up with."""
    directory = pathlib.Path("/etc/apt")
    for path in (*directory.glob("sources.list"), *directory.glob("sources.list.d/*.sources"),
                 *directory.glob("sources.list.d/*.list")):
        for word in path.read_text().split():
            if word.startswith("http") and word.rstrip("/").endswith("/debian"):
                return word
    return MIRROR


def fetch(scratch):
    """Its packages, as for an empty machine."""
    for name in ("lists/partial", "cache/archives/partial"):
        (scratch / name).mkdir(parents=True)
    source = scratch / "debian.sources"
    source.write_text("Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n" %
                      (mirror(), SUITE, KEYRING))
    (scratch / "status").touch()
    settings = {"Dir::Etc::sourcelist": source, "Dir::Etc::sourceparts": "/dev/null",
                "Dir::State::lists": scratch / "lists", "Dir::State::status": scratch / "status",
                "Dir::Cache": scratch / "cache", "APT::Sandbox::User": "root",
                "Acquire::Languages": "none", "Acquire::Retries": "0",
                "Acquire::http::Timeout": "20", "Debug::NoLocking": "1"}
    apt = ["apt-get", "-qq"] + [w for k, v in settings.items() for w in ("-o", "%s=%s" % (k, v))]
    for words in (["update"], ["-y", "-d", "--no-install-recommends", "install", "crun"]):
        subprocess.run(apt + words, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=600)
    return (scratch / "cache/archives").glob("*.deb")


def unpack(packages, to):
    for package in packages:
        subprocess.run(["dpkg-deb", "-x", package, to], check=True)
    crun = to / "usr/bin/crun"
    # Debian's own place for a loader is a name that every architecture has its own of.
    loader = subprocess.run(["patchelf", "--print-interpreter", crun], check=True,
                            capture_output=True, text=True).stdout.strip()
    found = sorted(to.glob("**/" + os.path.basename(loader)))
    libraries = sorted({str(path.parent) for path in to.glob("usr/lib/*/*.so.*")})
    subprocess.run(["patchelf", "--set-interpreter", found[0], "--force-rpath", "--set-rpath",
                    ":".join(libraries), crun], check=True)
    return crun


def crun(directory):
    """Where it is, below @directory; None when it cannot be had."""
    directory = pathlib.Path(directory)
    path = directory / "usr/bin/crun"
    if not path.exists() and shutil.which("apt-get") and shutil.which("patchelf"):
        scratch = directory.with_name(directory.name + ".scratch")
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(directory, ignore_errors=True)
        try:
            directory.mkdir(parents=True)
            unpack(fetch(scratch), directory)
        except (OSError, subprocess.SubprocessError, IndexError) as why:
            print("the newest crun cannot be had: %s" % why)
            shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(scratch, ignore_errors=True)
    return str(path) if path.exists() else None
