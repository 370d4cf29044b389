#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# --systemd-cgroup, on a host that systemd runs: scopes, their limits, their end.
# bats file_tags=cgroup
bats_require_minimum_version 1.5.0
C=/sys/fs/cgroup

setup_file() {
	bundle=$BATS_FILE_TMPDIR/bundle
	mkdir -p "$bundle/rootfs"/{bin,dev,proc,sys,tmp}
	cp /bin/busybox "$bundle/rootfs/bin/"
	for a in sh sleep cat true dd; do ln -s busybox "$bundle/rootfs/bin/$a"; done
	oci spec -b "$bundle"
	change '.process.terminal = false | .process.args = ["sleep", "1000"]'
}

setup() {
	bundle=$BATS_TEST_TMPDIR/bundle
	cp -a "$BATS_FILE_TMPDIR/bundle" "$bundle"
}

teardown() {
	local id
	for id in $(oci list -q); do oci delete -f "$id"; done
	run systemctl list-units --all --plain --no-legend --type=scope 'mybox-*' 'p-*'
	[ -z "$output" ]
	[ -z "$(find $C -name 'mybox-*' -o -name 'p-*.scope')" ]
	[ -z "$(pgrep -x mybox-oci)" ]
}

oci() { mybox-oci --root /run/mybox-test/oci "$@"; }
change() { # change FILTER: of the bundle's config.json
	jq "$1" "$bundle/config.json" >"$bundle/new"
	mv "$bundle/new" "$bundle/config.json"
}
create() { oci --systemd-cgroup create -b "$bundle" "$@" </dev/null >"$BATS_TEST_TMPDIR/log" 2>&1; }
start() { create "$1" && oci start "$1"; }
pid() { oci state "$1" | jq .pid; }
# shows UNIT NAME=VALUE...: it has all of these properties.  One call: a client of systemd is slow
# to start where the processor is emulated.
shows() {
	local unit=$1 names
	shift
	names=$(IFS=,; echo "${*%%=*}")
	diff <(printf '%s\n' "$@" | sort) <(systemctl show -p "$names" "$unit" | sort)
}
within() { # within SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}
has_lines() { [ "$(wc -l <"$2")" -ge "$1" ]; }
is_gone() { shows "$1" LoadState=not-found; }
is_stopped() { [ "$(oci state "$1" | jq -r .status)" = stopped ]; }

@test "the group is a scope, and only the container is in it" {
	start c1
	[ "$(cat "/proc/$(pid c1)/cgroup")" = 0::/system.slice/mybox-c1.scope ]
	shows mybox-c1.scope ControlGroup=/system.slice/mybox-c1.scope Slice=system.slice \
		Delegate=yes ActiveState=active
	[ "$(cat $C/system.slice/mybox-c1.scope/cgroup.procs)" = "$(pid c1)" ]
	oci delete -f c1
	is_gone mybox-c1.scope
	[ ! -e $C/system.slice/mybox-c1.scope ]
}

@test "slice, prefix and name are the caller's" {
	change '.linux.cgroupsPath = "a-b.slice:p:x"'
	start c1
	[ "$(cat "/proc/$(pid c1)/cgroup")" = 0::/a.slice/a-b.slice/p-x.scope ]
	shows p-x.scope Slice=a-b.slice
	oci exec -d c1 sleep 1000
	[ "$(wc -l <$C/a.slice/a-b.slice/p-x.scope/cgroup.procs)" = 2 ]
	oci delete -f c1
	is_gone p-x.scope
}

# It is its process 1's to say where others are to be: a divided group takes no process.
@test "exec into a container that divides its group" {
	local group=$C/system.slice/mybox-c1.scope
	start c1
	mkdir "$group/init" "$group/more"
	pid c1 >"$group/init/cgroup.procs"
	echo +pids >"$group/cgroup.subtree_control"
	oci exec -d c1 sleep 1000
	[ "$(wc -l <"$group/init/cgroup.procs")" = 2 ]
	run -3 oci exec c1 sh -c 'exit 3'
	oci exec --cgroup more c1 true
	oci delete -f c1
	is_gone mybox-c1.scope
}

@test "figures come line after line, with what lacked memory, and end with the container" {
	change '.linux.resources.memory.limit = 16777216'
	start c1
	oci events --interval 50ms c1 >"$BATS_TEST_TMPDIR/events" 3>&- &
	within 60 has_lines 4 "$BATS_TEST_TMPDIR/events"
	run ! grep '"type":"oom"' "$BATS_TEST_TMPDIR/events"
	run -137 oci exec c1 dd if=/dev/zero of=/dev/null bs=64M count=1
	within 60 grep '"type":"oom"' "$BATS_TEST_TMPDIR/events"
	oci delete -f c1
	wait $!
}

@test "a path that is no slice, prefix and name is refused" {
	change '.linux.cgroupsPath = "/a/b"'
	run ! create c1
	grep -q "SLICE:PREFIX:NAME" "$BATS_TEST_TMPDIR/log"
	[ -z "$(oci list -q)" ]
}

limits='.linux.resources = {devices: [{allow: false, access: "rwm"}],
	memory: {limit: 67108864, swap: 67108864, reservation: 33554432},
	cpu: {shares: 512, quota: 25001, period: 50000, cpus: "0"}, pids: {limit: 30},
	unified: {"memory.high": "50331648"}}'

@test "limits are the files' and systemd's, and stay" {
	local g=$C/system.slice/mybox-c1.scope disk
	disk=$(cat /sys/block/vda/dev)
	change "$limits | .linux.resources.blockIO.throttleReadBpsDevice =
		[{major: ${disk%:*}, minor: ${disk#*:}, rate: 1048576}]"
	start c1
	for round in 1 2; do
		[ "$(cat $g/memory.max)" = 67108864 ]
		[ "$(cat $g/memory.swap.max)" = 0 ]
		[ "$(cat $g/memory.low)" = 33554432 ]
		[ "$(cat $g/memory.high)" = 50331648 ]
		shows mybox-c1.scope MemoryMax=67108864 TasksMax=30 CPUQuotaPerSecUSec=510ms \
			CPUWeight="$(cat $g/cpu.weight)"
		[ "$(cat $g/cpuset.cpus)" = 0 ]
		[ "$(cat $g/pids.max)" = 30 ]
		[ $round = 2 ] || systemctl daemon-reload
	done
}

@test "update tells systemd too" {
	local g=$C/system.slice/mybox-c1.scope
	change "$limits"
	start c1
	oci update --memory 134217728 --memory-swap 134217728 --pids-limit -1 c1
	systemctl daemon-reload
	[ "$(cat $g/memory.max)" = 134217728 ]
	[ "$(cat $g/pids.max)" = max ]
	shows mybox-c1.scope MemoryMax=134217728 TasksMax=infinity
	echo '{"cpu": {"shares": 1024}}' | oci update -r - c1
	[ "$(cat $g/cpu.weight)" = 100 ]
}

@test "what ends by itself takes its scope along" {
	change '.process.args = ["true"]'
	start c1
	within 60 is_stopped c1
	within 60 is_gone mybox-c1.scope
	oci delete c1
	[ -z "$(oci list -q)" ]
}

@test "the same id again, at once" {
	for _ in 1 2 3; do
		start c1
		oci delete -f c1
	done
}

@test "a start that fails leaves no scope" {
	change '.linux.resources = {unified: {"memory.none": "1"}}'
	run ! create c1
	grep -q memory.none "$BATS_TEST_TMPDIR/log"
	is_gone mybox-c1.scope
	[ -z "$(oci list -q)" ]
}

@test "through the system bus, where systemd's own socket is closed" {
	touch "$BATS_TEST_TMPDIR/closed"
	# shellcheck disable=SC2016
	unshare -m sh -ec '
		mount --bind "$1/closed" /run/systemd/private
		mybox-oci --root /run/mybox-test/oci --systemd-cgroup create -b "$2" c1 \
			</dev/null >"$1/log" 2>&1
		mybox-oci --root /run/mybox-test/oci update --memory 67108864 c1
	' sh "$BATS_TEST_TMPDIR" "$bundle"
	shows mybox-c1.scope MemoryMax=67108864
	oci delete -f c1
	is_gone mybox-c1.scope
}

@test "without systemd it is refused by name" {
	# shellcheck disable=SC2016
	run ! unshare -m sh -c '
		mount -t tmpfs none /run/systemd
		mybox-oci --root /run/mybox-test/oci --systemd-cgroup create -b "$1" c1
	' sh "$bundle"
	[[ $output == *"systemd does not run this host"* ]]
	[ -z "$(oci list -q)" ]
}

@test "pause, figures, kill of all" {
	change '.process.args = ["sh", "-c", "sleep 1000 & sleep 1000"] | '"$limits"
	start c1
	oci pause c1
	[ "$(oci state c1 | jq -r .status)" = paused ]
	[ "$(cat $C/system.slice/mybox-c1.scope/cgroup.freeze)" = 1 ]
	oci resume c1
	oci events --stats c1 | jq -e '.data.memory.usage.limit == 67108864 and .data.pids.limit == 30
		and .data.cpu.usage.total > 0 and .data.memory.raw.anon > 0 and .data.cpu.psi.some.total >= 0'
	oci kill --all c1 KILL
	within 60 is_stopped c1
	oci delete c1
}

# A child's: a container that dies of it takes the scope along, and maybe before anybody has read.
@test "out of memory is an event" {
	change '.process.args = ["sh", "-c", "until [ -e /tmp/go ]; do sleep 0.1; done; dd if=/dev/zero of=/dev/null bs=100M; sleep 1000"]
		| .root.readonly = false
		| .linux.resources = {memory: {limit: 20971520, swap: 20971520}}'
	start c1
	oci events c1 >"$BATS_TEST_TMPDIR/events" &
	within 60 grep -q stats "$BATS_TEST_TMPDIR/events"
	touch "$bundle/rootfs/tmp/go"
	within 60 grep -q '"type":"oom"' "$BATS_TEST_TMPDIR/events"
	oci kill c1 KILL
	wait $! # it ends with the container
}
