#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Two that do something with one container at the same moment.
load helpers

state() { mybox ps -a --filter "name=^$1\$" --format '{{.State}}'; }
is() { [ "$(state "$1")" = "$2" ]; }
monitor_of() { sed 's/.*"monitor":\([0-9]*\).*/\1/' "$run/c/$(mybox inspect -f '{{.Id}}' "$1")/state.json"; }

@test "what is removed while it is listed is not listed as dead" {
	(for _ in 1 2 3 4 5 6 7 8; do "${box[@]}" run --rm deb true; done) &
	while kill -0 $! 2>/dev/null; do
		mybox ps -a --format '{{.State}}'
	done >"$run/states" 2>&1
	wait $!
	run -1 grep -E 'dead|cannot' "$run/states"
}

@test "more containers than one process may have files" {
	for _ in $(seq 30); do mybox create deb true; done
	[ "$(
		ulimit -n 32
		mybox ps -aqs | wc -l
	)" = 30 ]
}

@test "rename and rm at once: one is first, no name stays" {
	for _ in 1 2 3 4 5 6; do
		mybox create --name early deb true
		"${box[@]}" rename early late 2>/dev/null &
		mybox rm early || true
		wait
		mybox rm -f late
		[ -z "$(ls "$root/names")" ]
	done
	[ -z "$(find "$run/locks" -name 'c-*')" ]
}

@test "stop and kill end a container that is about to start again" {
	for how in "stop -t 1" "kill" "stop -t 0" "kill" "stop -t 1" "stop -t 1"; do
		mybox run -d --name loop --restart always deb true
		sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
		# A kill may come when it has just ended, as with any process.
		# shellcheck disable=SC2086
		mybox $how loop || is loop exited || mybox $how loop
		sleep 0.5
		is loop exited
		mybox rm loop
	done
}

@test "run stays with a container that restarts, until the last end" {
	run -7 mybox run --name again --restart on-failure:2 deb sh -c 'echo run; exit 7'
	is again exited
	[ "$(mybox inspect -f '{{.RestartCount}}' again)" = 2 ]
	[ "$(mybox logs again | wc -l)" = 3 ]
}

@test "a reader that sleeps keeps nobody from stopping" {
	mybox run --name flood deb sh -c 'yes' | sleep 30 &
	reader=$!
	wait_until 5 is flood running
	sleep 0.5
	run -0 timeout 60 "${box[@]}" stop -t 0 flood
	is flood exited
	kill $reader
}

@test "what ended while its client sleeps has ended, and starts again" {
	"${box[@]}" run --name slept deb sleep 8 &
	client=$!
	wait_until 5 is slept running
	kill -STOP $client
	wait_until 5 is slept exited
	mybox start slept
	is slept running
	run -0 timeout 60 "${box[@]}" stop -t 0 slept
	kill -CONT $client
	wait $client
	is slept exited
}

@test "restart keeps a container that is to be removed at its end" {
	"${box[@]}" run --rm --name mayfly deb sleep 100 &
	wait_until 5 is mayfly running
	mybox restart -t 0 mayfly
	is mayfly running
	wait
	is mayfly running
	mybox stop -t 0 mayfly
	[ -z "$(mybox ps -aq)" ]
}

@test "wait goes on with the next monitor when one is killed" {
	mybox run -d --name lost deb sh -c 'sleep 6; exit 3'
	"${box[@]}" wait lost >"$run/code" &
	waiter=$!
	sleep 0.3
	kill -9 "$(monitor_of lost)"
	wait_until 5 bash -c "[ -e /proc/\$(sed 's/.*\"monitor\":\([0-9]*\).*/\1/' '$run'/c/*/state.json) ]"
	wait $waiter
	# Only its parent gets the code, before Linux 6.15.
	grep -qxE '3|255' "$run/code"
}

@test "many adopt one container at once, and one does it" {
	mybox run -d --name orphan deb sleep 100
	kill -9 "$(monitor_of orphan)"
	for _ in 1 2 3 4; do "${box[@]}" exec orphan true & done
	wait
	[ -e "/proc/$(monitor_of orphan)" ]
	mybox stop -t 0 orphan
	is orphan exited
}

@test "exec does not wait for a restart that waits for the end" {
	mkdir "$run/shared"
	mybox run -d --name slow -v "$run/shared:/s" deb sh -c \
		'trap "touch /s/told" TERM; until [ -e /s/go ]; do sleep 0.05; done'
	"${box[@]}" restart -t 3000 slow &
	wait_until 30 test -e "$run/shared/told"
	run timeout 60 "${box[@]}" exec slow echo meanwhile
	touch "$run/shared/go"
	wait
	[ "$output" = meanwhile ]
}

@test "exec goes on with the next monitor when one is killed" {
	mybox run -d --name lost deb sleep 1000
	for _ in 1 2 3 4 5 6; do
		kill -9 "$(monitor_of lost)"
		[ "$(mybox exec lost echo yes)" = yes ]
	done
}

@test "INT and TERM in the middle of a start leave nothing of --rm" {
	mybox run --rm deb true
	local sig verb client code started=yes
	started_one() { compgen -G "$run/c/*/config.json"; }
	for verb in "run --rm" "run --rm -d"; do
		for sig in INT TERM HUP; do
			exec 8>"$run/locks/networks"
			flock 8
			# As from a terminal: a shell's background has SIGINT ignored, and all
			# below nohup SIGHUP.
			# shellcheck disable=SC2086
			env --default-signal=INT,HUP "${box[@]}" $verb deb sleep 1000 8>&- &
			client=$!
			wait_until 30 started_one || started=no
			kill -$sig $client
			exec 8>&-
			code=0
			wait $client || code=$?
			[ $code = $((128 + $(kill -l $sig))) ]
			[ $started = yes ]
			[ -z "$(find "$root/containers" "$run/c" -mindepth 1)" ]
			mybox system check
		done
	done
}

@test "exec into a container that ends tells so" {
	mybox run -d --name ending deb sh -c 'trap "sleep 0.3; exit" TERM; while :; do sleep 0.05; done'
	"${box[@]}" stop ending &
	while "${box[@]}" exec ending true 2>"$run/told"; do :; done
	wait
	# 137: it was there when the container ended.
	[ ! -s "$run/told" ] || grep -q 'is not running$' "$run/told"
}

# bats test_tags=cgroup
@test "groups of detached execs do not pile up" {
	mybox run -d --name piled deb sleep 100
	for _ in 1 2 3 4 5 6; do mybox exec -d piled true; done
	# Each one cleans after those that have ended before it.
	few() {
		mybox exec -d piled true
		[ "$(find /sys/fs/cgroup -type d -path "*mybox/$(mybox inspect -f '{{.Id}}' piled)/exec-*" | wc -l)" -le 2 ]
	}
	wait_until 5 few
}

is_making() { [ -n "$(find "$root/containers" -name '.tmp-*')" ]; }

@test "an image that goes while a container of it is made" {
	mybox load -q -i "$images/layers7.tar"
	id=$(mybox inspect -f '{{.Id}}' layers7)
	exec 8>"$run/locks/image-names"
	flock 8
	"${box[@]}" create --pull never --name making layers7 true >"$run/made" 2>&1 8>&- &
	client=$!
	wait_until 30 is_making || making=no
	# As rmi does below this lock.
	rm "$root/refs/docker.io+library+layers7:latest" "$root/images/${id#sha256:}".{record,json}
	exec 8>&-
	code=0
	wait $client || code=$?
	[ "${making:-yes}" = yes ]
	[ $code = 1 ]
	[ "$(cat "$run/made")" = 'mybox: No such image: layers7:latest' ]
	[ -z "$(find "$root/containers" -mindepth 1)" ]
	[ -z "$(mybox ps -aq)" ]
	# The name is free.
	mybox create --name making deb true
	mybox rm making
	mybox builder prune -f
	mybox system check
}

@test "rmi beside create: the container starts, or was never made" {
	for _ in 1 2 3 4 5 6 7 8; do
		mybox load -q -i "$images/layers7.tar"
		"${box[@]}" create --pull never --name beside layers7 true >"$run/made" 2>&1 &
		client=$!
		"${box[@]}" rmi layers7 >"$run/gone" 2>&1 || true
		if wait $client; then
			mybox start -a beside
			mybox rm beside
		else
			grep -qx 'mybox: No such image: layers7:latest' "$run/made"
		fi
		mybox rmi -f layers7 >/dev/null 2>&1 || true
	done
	[ -z "$(mybox ps -aq)" ]
	# Layers stay for later where a container was in the making.
	mybox builder prune -f
	mybox system check
}

# held_start CALL NAME ARG...: a container that counts as running, whose process 1 gets to CALL and no
# further for a while.  It has the host's root until then.
held_start() {
	local call=$1 name=$2
	shift 2
	strace -f -qq -o /dev/null -e trace="$call" -e inject="$call:delay_enter=4000000" "${box[@]}" run -d --name "$name" --network none "$@" deb sleep 1000 >"$run/held" 2>&1 3>&- &
	held=$!
	wait_until 30 is "$name" running
}
let_go() {
	mybox rm -f "$@"
	wait "$held"
}

@test "cp beside a start writes and reads the container's files, never the host's" {
	requires strace
	local canary=$BATS_TEST_TMPDIR/canary
	mkdir "$canary"
	echo secret >"$canary/host"
	held_start pivot_root slow
	run -1 mybox cp "$canary/host" "slow:$canary/written"
	[ ! -e "$canary/written" ]
	let_go slow
	held_start pivot_root slow
	run -1 mybox cp "slow:$canary/host" "$canary/read"
	[ ! -e "$canary/read" ]
	let_go slow
	held_start pivot_root slow
	mybox cp "$canary/host" slow:/root/written
	[ "$(mybox exec slow cat /root/written)" = secret ]
	let_go slow
}

@test "export beside a start has the container's files, never the host's" {
	requires strace
	held_start mount slow
	mybox export -o "$run/slow.tar" slow
	run -1 grep -aq mybox-test "$run/slow.tar"
	tar -tf "$run/slow.tar" etc/hostname
	let_go slow
}

@test "--ipc container: beside its start shares its memory, never the host's" {
	requires strace
	local ours theirs
	held_start mount slow --ipc shareable
	theirs=$(mybox run --rm --ipc container:slow deb stat -c %d /dev/shm)
	ours=$(mybox exec slow stat -c %d /dev/shm)
	[ "$theirs" = "$ours" ]
	let_go slow
}

@test "cp into one that starts and ends all the time" {
	mybox run -d --name loop --restart always deb true
	for _ in 1 2 3 4 5 6 7 8; do mybox cp "$BATS_TEST_FILENAME" loop:/root/again; done
	mybox stop -t 0 loop
	mybox cp loop:/root/again "$run/again"
	cmp "$BATS_TEST_FILENAME" "$run/again"
}

@test "cp, export and --network container: go on when a monitor is killed" {
	mybox run -d --name lost --network none deb sleep 1000
	kill -9 "$(monitor_of lost)"
	mybox cp "$BATS_TEST_FILENAME" lost:/root/file
	kill -9 "$(monitor_of lost)"
	mybox export lost | tar -tf - root/file
	kill -9 "$(monitor_of lost)"
	mybox run --rm --network container:lost deb true
	kill -9 "$(monitor_of lost)"
	mybox cp lost:/root/file "$run/file"
	cmp "$BATS_TEST_FILENAME" "$run/file"
}
