#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""config BUNDLE CODE...: change BUNDLE/config.json by lines of Python, with the document in `c`.

`p` is its process, `l` its linux; hook(NAME, PATH, ARGS...) appends a hook and returns it.
"""
import json
import sys

path = sys.argv[1] + "/config.json"
with open(path, encoding="utf-8") as f:
    c = json.load(f)
p, l = c.get("process"), c.get("linux")


def hook(name, hook_path, *args, **more):
    h = {"path": hook_path, "args": [hook_path.split("/")[-1], *args], **more}
    c.setdefault("hooks", {}).setdefault(name, []).append(h)
    return h


for code in sys.argv[2:]:
    exec(code)
with open(path, "w", encoding="utf-8") as f:
    json.dump(c, f)
