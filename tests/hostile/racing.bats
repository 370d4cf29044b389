#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Races that a container runs against whoever starts or joins one: two processes of it, one for
# each processor, MYBOX_RACE_SECONDS (20) for each row.  What is asserted is what must hold however
# a race ends: the canary is as it was, mybox ends with an exit code of its own.
load helpers

seconds=${MYBOX_RACE_SECONDS:-20}
up=../../../../../../../../../../../../../../..
where=("$canary/dir" "$up$canary/dir" /proc/self/fd/3 "/proc/1/root$canary/dir")
what=("$canary/dir/made" "$canary/hosts" "$up$canary/dir/made" /proc/self/fd/3 "/proc/1/root$canary/hosts")

setup_file() { setup_hostile; }
setup() {
	own_store
	mkdir -p "$root/../src"
	echo source >"$root/../src/file"
}
teardown() {
	canary_lives
	teardown_store
	canary_lives
}

# swapper PATH LINK...: a container whose volume "shared" has PATH, which changes places with links
swapper() {
	mybox volume create shared >/dev/null
	attacker racer -v shared:/v -- swap "$@"
}

# try COMMAND...: it may work or be refused; it may not end in another way.
try() {
	local status=0 output
	output=$(timeout 60 "$MYBOX" --root "$root" --runroot "$run" "$@" 2>&1 </dev/null) || status=$?
	case $status in
	0 | 1 | 125 | 126 | 127) ;;
	*)
		echo "'$*' ended with $status: $output"
		return 1
		;;
	esac
	case $output in
	*Sanitizer* | *"runtime error"* | *ssertion* | *"canary "*)
		echo "'$*' said: $output"
		return 1
		;;
	esac
}

# for_a_while FUNCTION: again and again, with a number that counts up; once at least.
for_a_while() {
	local end=$((SECONDS + seconds)) n=0
	while
		n=$((n + 1))
		"$1" $n || return 1
		[ $SECONDS -lt $end ]
	do :; done
	echo "$n times"
	canary_lives
}

# An attacker is no better than its processors: it must still be at it, on two if there are so many.
still_racing() {
	local p space cpus want
	[ "$(mybox inspect -f '{{.State.Running}}' racer)" = true ]
	space=$(readlink "/proc/$(mybox inspect -f '{{.State.Pid}}' racer)/ns/pid")
	cpus=$(for p in /proc/[0-9]*; do
		[ "$(readlink "$p/ns/pid")" != "$space" ] || [ "$(cat "$p/comm")" != attack ] ||
			sed -n 's/^Cpus_allowed_list:[^0-9]*//p' "$p/status"
	done 2>/dev/null | sort -u)
	want=$(($(nproc) < 2 ? 1 : 2))
	[ "$(grep -cx '[0-9]*' <<<"$cpus")" -ge $want ] || {
		echo "the attacker is on the processors '$cpus' only"
		return 1
	}
}

# The canary itself: it sees all that may come, and what goes of the tests' own.
@test "mounts that others take away are not the canary's, and all that come are" {
	local others=$BATS_TEST_TMPDIR/others own=$root/../own
	mkdir "$others" "$own"
	mount -t tmpfs none "$others"
	mount -t tmpfs none "$own"
	mounts=$(host_mounts)
	# Who removes the directory elsewhere takes the mount on it from here, too.
	unshare -m --propagation private sh -c 'umount "$1" && rmdir "$1"' sh "$others"
	run -1 grep -F "$others" /proc/self/mountinfo
	canary_lives
	mkdir "$others"
	mount -t tmpfs -o ro none "$others"
	run -1 canary_lives
	[[ $output == *"new 'others $others ro"*"lost ''"* ]]
	umount "$others"
	canary_lives
	mount -o remount,bind,ro "$own"
	run -1 canary_lives
	[[ $output == *"new '"*"/own ro,"*"lost '"*"/own rw,"* ]]
	mount -o remount,bind,rw "$own"
	canary_lives
	umount "$own"
	run -1 canary_lives
	[[ $output == *"new '', lost '"*"/own rw,"* ]]
	mounts=$(host_mounts)
}

@test "race: directories, tmpfs and volumes mounted below what changes places" {
	swapper /v/a/ "${where[@]}"
	go() {
		local way=("-v $root/../src:/v/a/bind" "--tmpfs /v/a/tmp" "-v /v/a/anonymous" "-v other:/v/a")
		# shellcheck disable=SC2086
		try run --rm -v shared:/v ${way[$(($1 % 4))]} deb true
	}
	for_a_while go
	still_racing
}

@test "race: a file mounted over what changes places, /etc/hosts too" {
	swapper /v/hosts "${what[@]}"
	go() {
		case $(($1 % 3)) in
		0) try run --rm -v shared:/v -v "$root/../src/file:/v/hosts" deb true ;;
		1) try run --rm -v shared:/etc -v "$root/../src/file:/etc/hosts" deb true ;;
		2) try run --rm -v shared:/etc --network none deb true ;;
		esac
	}
	for_a_while go
	still_racing
}

@test "race: directories that are made on the way" {
	swapper /v/a/ "${where[@]}"
	go() {
		try run --rm -v shared:/v -v "$root/../src:/v/a/$1/b/c/d/e" deb true &&
			try run --rm -v shared:/dev/sub --device "/dev/null:/dev/sub/a/$1/null" deb true
	}
	for_a_while go
	still_racing
}

@test "race: the working directory" {
	swapper /v/a/ "${where[@]}"
	go() { try run --rm -v shared:/v -w "/v/a/work/$1" deb sh -c 'cat ./* ../file ../../file; true'; }
	for_a_while go
	still_racing
}

@test "race: a part of a volume" {
	mybox volume create shared
	mkdir -p "$root/volumes/shared/_data/a/below"
	swapper /v/a/ "${where[@]}"
	go() {
		try run --rm --mount type=volume,source=shared,target=/m,volume-subpath=a deb cat /m/file &&
			try run --rm --mount type=volume,source=shared,target=/m,volume-subpath=a/below deb true
	}
	for_a_while go
	still_racing
}

@test "race: a volume whose owner changes" {
	swapper /v/a/ "${where[@]}"
	go() {
		local n
		for n in 1 2 3 4 5; do
			try run --rm -u "$((1000 + n))" -v shared:/v:U deb true || return 1
			# Through a host's path, of which a part changes places with links.
			try run --rm -u "$((1000 + n))" -v "$root/volumes/shared/_data/a:/v:U" deb true || return 1
			try run --rm -u "$((1000 + n))" --mount "type=bind,src=$root/volumes/shared/_data,dst=/v,chown" deb true || return 1
		done
	}
	for_a_while go
	still_racing
}

@test "race: exec into directories and users that change places" {
	mybox volume create shared >/dev/null
	attacker racer -v shared:/v -- swap /v/a/ "${where[@]}"
	mybox exec racer cp -a /etc/passwd /etc/group /v
	mybox exec -d racer sh -c "
		while :; do mkfifo /etc/f; mv -f /etc/f /etc/group; cp /v/group /etc/h; mv -f /etc/h /etc/group; done &
		exec /attack swap /etc/passwd /dev/zero /proc/kmsg /v/a $up$canary/hosts"
	go() {
		case $(($1 % 3)) in
		0) try exec -w /v/a racer sh -c 'cat file ../../canary/console; true' ;;
		1) try exec -u user racer true ;;
		2) try exec -t -w /v/a/.. -u :staff racer true ;;
		esac
	}
	for_a_while go
	still_racing
}

@test "race: cp into and out of what changes places" {
	swapper /v/a/ "${where[@]}"
	mybox create --name still -v shared:/v deb true >/dev/null
	mkdir -p "$root/../out"
	mkfifo -m 666 "$root/../pipe"
	mybox exec -d racer /attack plant /v/pipe "$canary/hosts"
	go() {
		try cp "$root/../pipe" racer:/v/ || return 1
		case $(($1 % 4)) in
		0) try cp "$root/../src" "racer:/v/a/$1" && try cp "$root/../src/file" still:/v/a ;;
		1) try cp "$root/../src/." racer:/v/a ;;
		2) try cp -L racer:/v/a/file - && try cp racer:/v/a - ;;
		3) try cp still:/v "$root/../out" && try cp still:/v/a - ;;
		esac
		! grep -rqs "^canary " "$root/../out" 2>/dev/null
	}
	for_a_while go
	still_racing
}

# Everything that exec shows, to one who only looks and to one who may trace.
@test "race: snoopers and writers during exec" {
	attacker racer -- snoop /found
	attacker tracer --cap-add SYS_PTRACE -- snoop /found
	go() {
		MYBOX_OF=of-the-caller try exec racer true &&
			MYBOX_OF=of-the-caller try exec tracer true
	}
	for_a_while go
	saw_nothing racer
	saw_nothing tracer
	still_racing
}

# Its filter is the user's; who may trace came after it.
@test "race: a debugger that joined, during exec under a user's profile" {
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["reboot"],"action":"SCMP_ACT_ERRNO"}]}' \
		>"$root/../profile"
	mybox run -d --name racer --security-opt "seccomp=$root/../profile" deb sleep 100000
	attacker debugger --cap-add SYS_PTRACE --pid container:racer -- snoop /found
	go() { MYBOX_OF=of-the-caller try exec racer true; }
	for_a_while go
	saw_nothing debugger
	still_racing
}

@test "race: the same with all privileges and without a filter" {
	attacker racer --privileged --cap-add ALL -- snoop /found
	go() { MYBOX_OF=of-the-caller try exec --privileged racer true; }
	for_a_while go
	saw_nothing racer
	still_racing
}

# Before it is set up, process 1 has the host's root and all capabilities.
@test "race: containers that start in the attacker's pid namespace" {
	attacker racer -- snoop /found loose
	go() { MYBOX_OF=of-the-caller try run --rm --pid container:racer deb true; }
	for_a_while go
	saw_nothing racer
	still_racing
}

@test "nobody starts in a pid namespace where somebody may trace" {
	mybox run -d --name tracer --cap-add SYS_PTRACE deb sleep 1000
	refused_with "may trace" run --rm --pid container:tracer deb true
	mybox run -d --name quiet deb sleep 1000
	mybox run -d --name debugger --cap-add ALL --cap-drop MKNOD --pid container:quiet deb sleep 1000
	refused_with "debugger may trace" run --rm --pid container:quiet deb true
	refused_with "debugger may trace" run --rm --pid container:debugger deb true
	civil stop -t 0 debugger
	civil run --rm --pid container:quiet deb true
	[ "$status" = 0 ]
	civil start debugger
	[ "$status" = 0 ]
}
