#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# containerd: ctr, and with contrib/engines/containerd.toml the CRI plugin for Kubernetes

load helpers

setup_file() {
	ensure_images
	dir=/run/mybox-test/containerd
	export dir
	mkdir -p "$dir"
	cover /run/containerd
	cat >"$dir/config.toml" <<-EOF
		version = 2
		root = "$dir/root"
		state = "$dir/state"
		[grpc]
		  address = "$dir/sock"
		[plugins."io.containerd.internal.v1.opt"]
		  path = "$dir/opt"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "docker.io/test/pause:latest"
		  disable_apparmor = true
		  restrict_oom_score_adj = true
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    default_runtime_name = "mybox"
		    snapshotter = "native"
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "$dir/cni"
		    conf_dir = "$dir/net.d"
	EOF
	# Pods that are not of the host's network are on one of mybox's.
	mkdir -p "$dir/cni" "$dir/net.d"
	ln -s "${MYBOX%/*}/mybox-cni" /usr/lib/cni/loopback "$dir/cni/"
	contrib mybox.conflist | sed "s|\"network\": \"[^\"]*\"|\"network\": \"pods\", \"root\": \"$dir/mroot\", \"runroot\": \"$dir/mrun\"|" \
		>"$dir/net.d/mybox.conflist"
	mybox load -q -i "$images/deb.tar"
	mybox network create --subnet 10.94.0.0/24 pods
	contrib containerd.toml | sed -e '/^version/d' -e 's/SystemdCgroup = true/SystemdCgroup = false/' \
		>>"$dir/config.toml"
	containerd -c "$dir/config.toml" >"$dir/log" 2>&1 3>&- &
	echo $! >"$dir/pid"
	wait_until 60 ctr version
	ctr images import "$images/docker.tar"
	ctr -n k8s.io images import "$images/docker.tar"
	ctr -n k8s.io images import "$images/pause.tar"
}

teardown_file() {
	# What a failed test left would keep this file from its end.
	pkill -KILL -f "containerd-shim.*$dir/sock" || true
	kill "$(cat "$dir/pid")"
	gone() { ! ctr version; }
	wait_until 60 gone
}

mybox() { "$MYBOX" --root "$dir/mroot" --runroot "$dir/mrun" "$@"; }
ctr() { command ctr -a "$dir/sock" "$@"; }
start() { ctr run --runc-binary "$MYBOX_OCI" --snapshotter native "$@"; }
task_is() { ctr tasks ls | grep -qE "^$1 .*$2"; }

@test "ctr run: output and exit code" {
	run -0 start --rm "$image" one echo hello
	[ "$output" = hello ]
	run -7 start --rm "$image" seven sh -c 'exit 7'
}

@test "ctr: a task's life" {
	start -d "$image" life sleep 1000
	task_is life RUNNING
	# ctr may forget to read what a process said that has ended: this one waits until it was read.
	ctr tasks exec --exec-id first life sh -c \
		'echo inside; until [ -e /tmp/read ]; do sleep 0.1; done' >"$dir/said" 3>&- &
	first=$!
	wait_until 20 grep -qx inside "$dir/said"
	ctr tasks exec --exec-id reader life touch /tmp/read
	wait "$first"
	run -3 ctr tasks exec --exec-id second life sh -c 'exit 3'
	ctr tasks pause life
	task_is life PAUSED
	ctr tasks resume life
	task_is life RUNNING
	run -0 ctr tasks ps life
	run -0 ctr tasks metrics life
	[[ "$output" == *pids.current* ]]
	ctr tasks kill -s 9 life
	wait_until 20 task_is life STOPPED
	ctr tasks rm life || true # its exit code is the task's
	ctr containers rm life
}

@test "ctr: what it asks for is so" {
	run -0 start --rm --read-only "$image" reading sh -c 'touch /x 2>&1 || true'
	[[ "$output" == *"Read-only file system"* ]]
	run -0 start --rm --cwd /tmp --env A=b "$image" where sh -c 'pwd; echo $A'
	[ "$output" = $'/tmp\nb' ]
	run -0 start --rm --privileged "$image" mighty grep CapEff /proc/self/status
	[[ "$output" != *0000000000000000 ]]
}

@test "CRI: a pod with a container, exec, stats, update, and the end" {
	run /usr/bin/python3 "$top/tests/engines/cri.py" "$dir/sock" "$dir/logs"
	echo "$output"
	[ "${lines[-1]}" = "cri: ok" ]
}

@test "CRI: a pod on a network of mybox's" {
	run /usr/bin/python3 "$top/tests/engines/cri.py" "$dir/sock" "$dir/logs2" 10.94.0.
	echo "$output"
	[ "${lines[-1]}" = "cri: ok" ]
	[ -z "$(ls "$dir/mrun/guests")" ]
	mybox system check
}

@test "containerd left nothing with the runtime" {
	[ -d /run/containerd/runc/default ]
	[ -d /run/containerd/runc/k8s.io ]
	no_states /run/containerd/runc/default
	no_states /run/containerd/runc/k8s.io
}
