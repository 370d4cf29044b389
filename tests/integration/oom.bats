#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=cgroup
# Whom the kernel killed for want of memory: told as it happens, and in the history.
load helpers

eat='dd if=/dev/zero of=/dev/null bs=64M'
small() { echo -m 16m --memory-swap 16m --network none; }
ooms() { mybox events --since 0 --until 0s -f event=oom -f container="$1" --format "$2"; }
victims() { mybox container history --format '{{.Victim}}' "$1"; }

# The kernel says little of it when there are many at once, on all of the host: tried again.
# taken NAME PATTERN: the last run of it ended so.
taken() {
	mybox start -a "$1" >/dev/null 2>&1 || true
	[[ $(victims "$1" | head -1) =~ $2 ]]
}

@test "process 1 is taken: its name, and its number in the container" {
	requires memory
	# shellcheck disable=SC2046
	mybox create --name eater $(small) deb sh -c "exec $eat"
	wait_until 60 taken eater '^dd \(pid 1\)$'
	[ "$(mybox container history --format '{{.Reason}} {{.OOMKilled}}' eater | head -1)" = 'out of memory (SIGKILL) true' ]
	[ "$(ooms eater '{{.Actor.Attributes.victim}} {{.Actor.Attributes.victimPid}}' | tail -1)" = 'dd 1' ]
	[[ $(mybox container history eater | head -1) == *'OOM VICTIM' ]]
}

@test "a child is taken: told at once, and the container lives on" {
	requires memory
	# shellcheck disable=SC2046
	mybox run -d --name mother $(small) deb sh -c "until [ -e /enough ]; do $eat; sleep 1; done; exit 3"
	# Its parent there may reap it before anybody can ask for its number.
	known() { [[ $(victims mother) == *dd* ]]; }
	wait_until 60 known
	[ "$(mybox inspect -f '{{.State.Running}}' mother)" = true ]
	[ "$(mybox container history --format '{{.Reason}} {{.OOMKilled}}' mother)" = 'running true' ]
	ooms mother '{{.Actor.Attributes.victim}}' | grep -qx dd
	mybox exec mother touch /enough || [ $? = 137 ]
	[ "$(mybox wait mother)" = 3 ]
	# It was not the end of it.
	[ "$(mybox container history --format '{{.Reason}} {{.OOMKilled}}' mother)" = 'exited true' ]
	[ "$(mybox inspect -f '{{.State.OOMKilled}}' mother)" = true ]
}

@test "a process may call itself as it likes" {
	requires memory
	# shellcheck disable=SC2016,SC2046
	mybox create --name liar $(small) deb sh -c 'printf "a\n\033[m,pid=1,)" >/proc/self/comm; a=aaaaaaaa; while :; do a=$a$a; done'
	wait_until 60 taken liar '^a\\x0a\\x1b\[m,pid=1,\)$'
	[ "$(ooms liar '{{.Actor.Attributes.victim}}' | tail -1)" = 'a\x0a\x1b[m,pid=1,)' ]
	mybox events --since 0 --until 0s -f event=oom -f container=liar >"$BATS_TEST_TMPDIR/told"
	run -1 grep -q $'\033' "$BATS_TEST_TMPDIR/told"
}

@test "without the kernel's log there is no name, and all else is told" {
	requires memory
	mount --bind /dev/null /dev/kmsg
	# shellcheck disable=SC2046
	run -137 mybox run --name mute $(small) deb sh -c "exec $eat"
	umount /dev/kmsg
	[ "$(mybox container history --format '{{.Reason}} {{.OOMKilled}}{{.Victim}}' mute)" = 'out of memory (SIGKILL) true' ]
	run -0 ooms mute "{{.Action}}{{with .Actor.Attributes.victim}} {{.}}{{end}}"
	[ "$output" = oom ]
}
