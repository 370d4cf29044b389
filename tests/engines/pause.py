#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pause.py OUT: docker.tar's image again, as test/pause:latest, whose command does not end."""
import hashlib, io, json, sys, tarfile

with tarfile.open(sys.argv[1].replace("pause.tar", "docker.tar")) as old:
    manifest = json.load(old.extractfile("manifest.json"))[0]
    config = json.load(old.extractfile(manifest["Config"]))
    config["config"]["Cmd"] = ["sleep", "100000"]
    text = json.dumps(config).encode()
    name = hashlib.sha256(text).hexdigest() + ".json"
    members = [(layer, old.extractfile(layer).read()) for layer in manifest["Layers"]]
manifest.update(Config=name, RepoTags=["test/pause:latest"])
with tarfile.open(sys.argv[1], "w") as new:
    for member, data in members + [(name, text), ("manifest.json", json.dumps([manifest]).encode())]:
        entry = tarfile.TarInfo(member)
        entry.size = len(data)
        new.addfile(entry, io.BytesIO(data))
