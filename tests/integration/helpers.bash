# SPDX-License-Identifier: GPL-2.0-or-later
# What every bats file shares: a store of its own, images, and the check that nothing remains.
# Run through tests/run, which gives the tests a network and mounts of their own.

command -v bats_require_minimum_version >/dev/null && bats_require_minimum_version 1.5.0
top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
: "${MYBOX:=$top/build/dev/cmd/mybox}"
export MYBOX
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=0

# One set of archives for all files of one run.
images=/run/mybox-test/images
ensure_images() {
	[ -e "$images/done" ] && return
	(
		flock 9
		[ -e "$images/done" ] || {
			python3 "$top/tests/support/images.py" "$images" && touch "$images/done"
		}
	) 9>/run/mybox-test/images.lock
}

# The store below test: quick to make since the image is loaded once and copied.
mybox() { "$MYBOX" --root "$root" --runroot "$run" "$@"; }

setup_store() {
	ensure_images
	root=/run/mybox-test/$1/root run=/run/mybox-test/$1/run
	rm -rf "/run/mybox-test/$1"
	mkdir -p "/run/mybox-test/$1"
	chmod 700 "/run/mybox-test/$1"
	export root run
	mybox load -q -i "$images/deb.tar" >/dev/null
}

teardown_store() {
	local ids
	ids=$(mybox ps -aq)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || mybox rm -f -v $ids >/dev/null
	# A test that stopped halfway must not make the next ones fail.
	ids=$(mybox network ls -q -f type=custom)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || mybox network rm $ids >/dev/null
	ids=$(mybox volume ls -q)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || mybox volume rm $ids >/dev/null
	# Interfaces of namespaces that the kernel still takes down are gone a moment later; it does
	# one after the other, and those of other tests may be before ours.
	local i out
	for ((i = 0; i < 60; i++)); do
		out=$(mybox system check 2>&1) && return 0
		sleep 0.2
	done
	echo "not clean after the test:"
	echo "$out"
	return 1
}

# let_end NAME: the file that container NAME waits for and ends at, which may be so soon that it
# takes the touch with it.
let_end() { mybox exec "$1" touch /go || [ $? = 137 ]; }

# What a test made, by any name or by none.
remove_images_but() {
	local id keep
	keep=$(mybox images -q "$1")
	for id in $(mybox images --format '{{.ID}}' | sort -u); do
		[ "$id" = "$keep" ] || mybox rmi -f "$id" >/dev/null
	done
}

setup_file() { setup_store "${BATS_TEST_FILENAME##*/}"; }
# The store of this file's tests.
own_store() {
	name=${BATS_TEST_FILENAME##*/}
	root=/run/mybox-test/$name/root run=/run/mybox-test/$name/run
	export root run
	# For what needs the command itself and not a function: "${box[@]}" VERB & pid=$!
	box=("$MYBOX" --root "$root" --runroot "$run")
}
setup() { own_store; }
teardown() { teardown_store; }

# requires CONDITION: skip with a reason.
requires() {
	case $1 in
	cgroup1) [ "${MYBOX_CGROUPS:-host}" = host ] && [ -d /sys/fs/cgroup/memory ] || skip "needs version 1 controllers" ;;
	memory) [ -d /sys/fs/cgroup/memory ] || grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null || skip "needs a memory controller" ;;
	devices) [ -d /sys/fs/cgroup/devices ] || [ "${MYBOX_CGROUPS:-host}" = cgroup2 ] || [ -e /sys/fs/cgroup/cgroup.controllers ] || skip "needs a devices controller" ;;
	controllers) [ -d /sys/fs/cgroup/memory ] || grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null || skip "needs cgroup controllers" ;;
	*) command -v "$1" >/dev/null || skip "needs $1" ;;
	esac
}

# Another machine, a network namespace on a cable to this one: 198.51.100.2, or fd00:51::2; we are
# .1 and ::1 there.  For setup_file and teardown_file.
outside_begin() {
	unshare --net sleep 10000 >/dev/null 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/outside"
	wait_until 10 outside_ready $!
	ip link add name host0 type veth peer name out0
	ip link set out0 netns $!
	ip addr add 198.51.100.1/24 dev host0
	ip addr add fd00:51::1/64 dev host0 nodad
	ip link set host0 up
	outside ip addr add 198.51.100.2/24 dev out0
	outside ip addr add fd00:51::2/64 dev out0 nodad
	outside ip link set out0 up
	outside ip link set lo up
	outside ip route add default via 198.51.100.1
	outside ip route add default via fd00:51::1
}
outside_ready() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
outside() { nsenter --net="/proc/$(cat "$BATS_FILE_TMPDIR/outside")/ns/net" "$@"; }
# A server there, which outside_end ends: by nsenter itself, whose process it becomes.
outside_serve() {
	nsenter --net="/proc/$(cat "$BATS_FILE_TMPDIR/outside")/ns/net" "$@" >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/servers"
}
outside_end() {
	[ ! -e "$BATS_FILE_TMPDIR/servers" ] || xargs -r kill <"$BATS_FILE_TMPDIR/servers"
	kill "$(cat "$BATS_FILE_TMPDIR/outside")"
	ip link del host0 2>/dev/null || true
}

# A table that is lost is put back within a moment by the first monitor in a line: none gets into
# it, so that what is done about the loss by other means can be seen.
no_keeper() {
	mkdir -p -m 700 "$run/net"
	exec {no_keeper_fd}>>"$run/net/keepers"
	flock "$no_keeper_fd"
}

# wait_until SECONDS COMMAND...: poll, never sleep for a fixed time.  Seconds of a calm machine: one
# that does ten other things has eight times as long.
wait_until() {
	local end=$((SECONDS + $1 * 8))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
