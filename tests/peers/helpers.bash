# SPDX-License-Identifier: GPL-2.0-or-later
# Images that docker and podman built, for mybox to load.  Both have their state on a tmpfs, in the
# network and mounts that tests/support/isolated made.

# shellcheck source=tests/integration/helpers.bash
source "${BASH_SOURCE[0]%/*}/../integration/helpers.bash"
bats_require_minimum_version 1.5.0

# What an image is apart from its files.
about='{{json .Config.Env}} {{json .Config.Cmd}} {{json .Config.Entrypoint}} {{.Config.User}} {{.Config.WorkingDir}} {{json .Config.Labels}} {{json .Config.ExposedPorts}} {{json .Config.Volumes}} {{.Architecture}} {{.Os}} {{json .RootFS.Layers}}'

tree() { python3 "$top/tests/peers/tree.py" "$1"; }

# docker_begin DIRECTORY [OPTION...]: a daemon that has its state there, which $dir then is; without
# options it knows no network.
docker_begin() {
	dir=$1
	shift
	[ $# -gt 0 ] || set -- --bridge none --iptables=false --ip6tables=false
	export dir DOCKER_HOST=unix://$dir/sock DOCKER_CONFIG=$dir/config
	mkdir -p "$dir"
	local d
	for d in /run/docker /run/containerd /etc/docker; do
		mkdir -p "$d"
		mount -t tmpfs none "$d"
	done
	dockerd -H "$DOCKER_HOST" --data-root "$dir/root" --exec-root "$dir/run" \
		--pidfile "$dir/pid" --exec-opt native.cgroupdriver=cgroupfs "$@" >"$dir/log" 2>&1 3>&- &
	wait_until 60 docker info >/dev/null 2>&1 || {
		cat "$dir/log"
		return 1
	}
}

# A build that has all that layers can say: files and directories that go and come back, links
# in one layer and across two, owners, modes, devices, capabilities, odd names.
build_context() { # build_context DIRECTORY
	mkdir -p "$1"
	cp "$images/rootfs.tar" "$1"
	python3 - "$1/more.tar" <<-'PY'
		import io, sys, tarfile
		with tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT) as t:
		    def add(name, data=b"", **kw):
		        i = tarfile.TarInfo(name)
		        i.mtime, i.size = 1600000000, len(data)
		        for k, v in kw.items():
		            setattr(i, k, v)
		        t.addfile(i, io.BytesIO(data))
		    add("more", type=tarfile.DIRTYPE, mode=0o2750, gid=50)
		    add("more/file", b"file", mode=0o4755, uid=1000)
		    add("more/hard", type=tarfile.LNKTYPE, linkname="more/file")
		    add("more/null", type=tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3)
		    add("more/pipe", type=tarfile.FIFOTYPE, mode=0o600)
		    add("more/able", b"able", mode=0o755, pax_headers={"SCHILY.xattr.security.capability":
		        "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"})
		    add("more/" + "long" * 40 + "/" + "name" * 30, b"x")
		    add("more/\u00fc \\ n\u00e4me", b"odd")
		    add("more/dangling", type=tarfile.SYMTYPE, linkname="/no/where")
	PY
	cat >"$1/Dockerfile" <<-'D'
		FROM scratch
		ADD rootfs.tar /
		ADD more.tar /
		ENV A=b SPACE="a b"
		LABEL org.test.label="one two"
		EXPOSE 80 53/udp
		VOLUME /vol
		WORKDIR /srv/app
		RUN mkdir /d /d/sub && echo 1 >/d/a && echo 2 >/d/b && ln /d/b /d/hard && echo x >/d/sub/x
		RUN rm /d/a && rm -rf /srv/app/* /home/user && mkdir /home/user && echo new >/home/user/new
		RUN rm -rf /d/sub && echo "a file now" >/d/sub && ln /d/b /d/late && rm /more/dangling && mkdir /more/dangling
		RUN chown 1000:50 /d/b && chmod 604 /d/hard && mkfifo /d/pipe
		RUN rm -rf /d/pipe /more/hard && echo again >/d/a
		USER user
		ENTRYPOINT ["/bin/echo", "entry"]
		CMD ["cmd"]
	D
}

# The files of an image as mybox has them.
mybox_tree() { # mybox_tree IMAGE
	local pid
	mybox run -d --name tree --network none --entrypoint sleep "$1" 1000 >/dev/null
	pid=$(mybox inspect -f '{{.State.Pid}}' tree)
	tree "/proc/$pid/root"
	mybox rm -f tree >/dev/null
}

same() { # same WHAT EXPECTED ACTUAL
	[ -n "$2" ] || return 1
	[ "$2" = "$3" ] || {
		echo "$1 differs:"
		diff <(echo "$2") <(echo "$3")
	}
}

# A store of its own for one archive, emptied again.
forget() {
	local all
	all=$(mybox images -q --no-trunc | sort -u)
	# shellcheck disable=SC2086
	[ -z "$all" ] || mybox rmi -f $all >/dev/null
}
