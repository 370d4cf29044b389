# SPDX-License-Identifier: GPL-2.0-or-later
"""build: from nothing, again, of twenty stages, and of a context of 50,000 files of which one has
changed; beside docker's old builder, its BuildKit, and buildah (and podman, which builds by it)."""
import os
import shutil

import rows

STEPS = """FROM deb AS build
WORKDIR /src
COPY src/ .
RUN cat * >/all
RUN mkdir -p /out/bin && cp /all /out/bin/tool && chmod 755 /out/bin/tool
FROM deb
ENV MODE=release
COPY --from=build /out/ /usr/local/
RUN sha256sum /usr/local/bin/tool >/sum
USER 1000
CMD ["sh"]
"""
STAGES = 20
FILES, EACH = 50000, 500  # all of them, and those of a directory
LINES = 10  # of RUN, by whose difference one is known
turns = rows.itertools.count(1)


def stages():
    """Independent ones, each of them read by the last."""
    text = ["FROM deb AS s%d\nRUN echo %d >/n%d\n" % (i, i, i) for i in range(STAGES - 1)]
    text += ["FROM deb\n"] + ["COPY --from=s%d /n%d /\n" % (i, i) for i in range(STAGES - 1)]
    return "".join(text)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def context(m, name):
    """A directory with its Dockerfile, made once."""
    top = os.path.join(m.directory, name)
    if os.path.isdir(top):
        return top
    if name == "build-50000":
        write(top + "/Dockerfile", "FROM deb\nCOPY . /files/\n")
        for i in range(FILES):
            write("%s/d%d/f%d" % (top, i // EACH, i), "file %d\n" % i)
    elif name.startswith("build-run-"):
        lines = int(name.rpartition("-")[2])
        write(top + "/Dockerfile", "FROM deb\n" + "RUN [\"true\"]\n" * lines)
    elif name == "build-20-stages":
        write(top + "/Dockerfile", stages())
    else:
        write(top + "/Dockerfile", STEPS)
        for i in range(20):
            write("%s/src/f%d" % (top, i), "source %d\n" % i * 100)
    return top


def builders(m, *words):
    """Each that is here, with the words that all of them know."""
    found = {"mybox": m.argv("mybox", "build", *words)}
    # As podman here: crun wants control groups of one version.
    runtime = ["--runtime", shutil.which("runc")] if shutil.which("runc") else []
    for engine in m.engines():
        if engine == "docker":
            docker = m.argv("docker", "build", *words)
            found["docker"] = ["/usr/bin/env", "DOCKER_BUILDKIT=0", *docker]
            found["buildkit"] = ["/usr/bin/env", "DOCKER_BUILDKIT=1", *docker]
        else:
            found[engine] = m.argv(engine, "build", *words)
        if engine == "podman" and shutil.which("buildah"):
            # They share a store, and so the image.
            podman = m.argv("podman")
            at = podman.index("--root")
            found["buildah"] = [shutil.which("buildah"), *podman[at:at + 4], "build",
                                *runtime, *words]
    return found


class Build(rows.Row):
    """@flags are for all; a context that @changes has another file before every build."""

    def __init__(self, name, what, where, flags=(), changes=False, goals=()):
        super().__init__(name, what, self.commands, goals)
        self.where, self.flags, self.changes = where, flags, changes

    def commands(self, m):
        return builders(m, "-q", "-t", "bench", *self.flags, context(m, self.where))

    def once(self, m, tool, argv, gap):
        if self.changes:
            write(context(m, self.where) + "/d0/f0", "turn %d\n" % next(turns))
        return super().once(m, tool, argv, gap)


class Line(rows.Row):
    """What one more RUN costs, and `run` of the same command."""
    uses_disk = True

    def __init__(self, name, what):
        super().__init__(name, what, None, [rows.times(1.5, "run")])

    def measure(self, m, rounds, gap):
        few, many = (m.argv("mybox", "build", "-q", "-t", "bench", "--no-cache", "--network", "none",
                            context(m, "build-run-%d" % n)) for n in (1, 1 + LINES))
        run = m.argv("mybox", "run", "--rm", "--network", "none", "deb", "true")
        spent, failures = {"mybox": [], "run": []}, {"mybox": 0, "run": 0}
        for n in range(rounds + 1):
            one, all_of_them, alone = (self.once(m, "mybox", argv, gap) for argv in (few, many, run))
            if n:  # the first warms up
                spent["mybox"].append(max(0, all_of_them[0] - one[0]) / LINES)
                spent["run"].append(alone[0])
                failures["mybox"] += not (one[1] and all_of_them[1])
                failures["run"] += not alone[1]
        return [dict(rows.result(self.name, tool, spent[tool], failures[tool]),
                     goals=[g._asdict() for g in self.goals] if tool == "mybox" else [])
                for tool in spent]


def beats(*tools):
    return [rows.times(1, tool) for tool in tools]


ROWS = [
    Build("build-cold", "build of eleven lines, nothing kept", "build", ["--no-cache"],
          goals=[rows.at_most(1000), *beats("docker", "buildkit")]),
    Build("build-cached", "the same, all of it kept", "build",
          goals=[rows.at_most(30), *beats("docker", "buildkit")]),
    Line("build-run", "one more RUN true in a build, beside run --rm --network none"),
    Build("build-20-stages", "nineteen stages and one of them all, nothing kept",
          "build-20-stages", ["--no-cache"], goals=beats("docker", "buildkit")),
    Build("build-50000", "COPY of 50,000 files, one of them new", "build-50000", changes=True,
          goals=beats("docker", "buildkit")),
]
