#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# podman with contrib/engines/podman.conf, and with --runtime

load helpers

setup_file() {
	ensure_images
	dir=/run/mybox-test/podman
	export dir
	mkdir -p "$dir"
	contrib podman.conf >"$dir/containers.conf"
	# Debian's podman asks for more open files than a machine may allow.
	printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n' \
		>>"$dir/containers.conf"
	podman load -q -i "$images/docker.tar"
}

teardown_file() {
	podman rm -a -f -t 0
	umount -R "$dir/root" 2>/dev/null || true
}

podman() {
	CONTAINERS_CONF=$dir/containers.conf command podman --root "$dir/root" --runroot "$dir/run" \
		--tmpdir "$dir/tmp" --cgroup-manager cgroupfs --events-backend file \
		--storage-driver vfs --log-level warn "$@"
}

status_is() { [ "$(podman inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }

@test "podman run: output, exit code, a command that is missing" {
	run -0 podman run --rm --network none test/deb echo hello
	[ "$output" = hello ]
	run -0 podman --runtime "$MYBOX_OCI" run --rm --network none test/deb echo path
	[ "$output" = path ]
	[ "$(podman info --format '{{.Host.OCIRuntime.Name}}')" = mybox-oci ]
	run -7 podman run --rm --network none test/deb sh -c 'exit 7'
	run -127 podman run --rm --network none test/deb no-such-command
	run -126 podman run --rm --network none test/deb /etc
	run -126 podman run --rm --network none --sysctl kernel.shmmax=1k test/deb true
	[[ $output == *"sysctl 'kernel.shmmax'"* ]]
}

@test "podman run: standard input, a terminal" {
	run -0 podman run --rm -i --network none test/deb cat <<<"through"
	[ "$output" = through ]
	run -0 podman run --rm -t --network none test/deb tty
	[[ "$output" == /dev/* ]]
}

@test "podman: a container's life" {
	podman run -d --name life --network none test/deb sleep 1000
	run -0 podman exec life id -u
	[ "$output" = 0 ]
	run -3 podman exec life sh -c 'exit 3'
	run -0 podman exec -i life cat <<<"in"
	[ "$output" = in ]
	run -0 podman exec -u 1:1 -e A=b -w /tmp life sh -c 'id -u; pwd; echo $A'
	[ "$output" = $'1\n/tmp\nb' ]
	podman pause life
	status_is life paused
	podman unpause life
	run -0 podman top life
	[[ "$output" == *"sleep 1000"* ]]
	run -0 podman stats --no-stream --format '{{.Name}} {{.PIDs}}' life
	[ "$output" = "life 1" ]
	podman stop -t 0 life
	status_is life exited
	podman start life
	run -0 podman exec life true
	podman kill -s KILL life
	run -0 podman wait life
	[ "$output" = 137 ]
	podman rm life
}

@test "podman: limits, and new ones" {
	[ -d /sys/fs/cgroup/memory ] || skip "needs a memory controller"
	podman run -d --name limits --network none --memory 64m --pids-limit 50 test/deb sleep 1000
	group=$(podman inspect -f '{{.State.CgroupPath}}' limits)
	[ "$(cat "/sys/fs/cgroup/memory$group/memory.limit_in_bytes")" = 67108864 ]
	[ "$(cat "/sys/fs/cgroup/pids$group/pids.max")" = 50 ]
	podman update --memory 128m limits
	[ "$(cat "/sys/fs/cgroup/memory$group/memory.limit_in_bytes")" = 134217728 ]
	podman rm -f -t 0 limits
}

@test "podman: what it isolates" {
	run -0 podman run --rm --network none --read-only test/deb sh -c 'touch /x 2>&1; cat /proc/1/comm'
	[[ "$output" == *"Read-only file system"* ]]
	run -0 podman run --rm --network none --cap-drop ALL test/deb grep CapEff /proc/self/status
	[[ "$output" == *0000000000000000 ]]
	run -0 podman run --rm --network none test/deb grep Seccomp: /proc/self/status
	[[ "$output" == *2 ]]
	run -0 podman run --rm --network none -v "$dir:/data:ro" --tmpfs /scratch test/deb \
		sh -c 'touch /scratch/a && ls /data && touch /data/x 2>&1 || true'
	[[ "$output" == *containers.conf* && "$output" == *"Read-only"* ]]
	run -0 podman run --rm --network none --hostname boxed test/deb hostname
	[ "$output" = boxed ]
}

@test "podman: a health check" {
	podman run -d --name health --network none --health-cmd 'test -e /tmp/well' \
		--health-interval disable test/deb sleep 1000
	run -1 podman healthcheck run health
	podman exec health touch /tmp/well
	run -0 podman healthcheck run health
	podman rm -f -t 0 health
}

@test "podman: pods share namespaces" {
	podman load -q -i "$images/pause.tar"
	podman pod create --name pod --network none --infra-image test/pause --infra-command 'sleep 100000'
	podman run -d --pod pod --name inside test/deb sleep 1000
	infra=$(podman pod inspect -f '{{.InfraContainerID}}' pod)
	a=$(readlink "/proc/$(podman inspect -f '{{.State.Pid}}' inside)/ns/net")
	b=$(readlink "/proc/$(podman inspect -f '{{.State.Pid}}' "$infra")/ns/net")
	[ "$a" = "$b" ]
	podman pod rm -f -t 0 pod
}
