# SPDX-License-Identifier: GPL-2.0-or-later
# Bundles, and a state directory of its own for each test.

command -v bats_require_minimum_version >/dev/null && bats_require_minimum_version 1.5.0
top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
: "${MYBOX:=$top/build/dev/cmd/mybox}"
OCI=${MYBOX%/*}/mybox-oci
# Another code than that of an error.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=0:exitcode=99 UBSAN_OPTIONS=exitcode=99

oci() { "$OCI" --root "$state" "$@"; }

# wait_until COMMAND...: it will be true soon; a busy machine may take its time.
wait_until() {
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	echo "never true: $*"
	return 1
}

status_of() { oci state "$1" | python3 -c 'import json,sys; print(json.load(sys.stdin)["status"])'; }
pid_of() { oci state "$1" | python3 -c 'import json,sys; print(json.load(sys.stdin)["pid"])'; }
is_status() { [ "$(status_of "$1")" = "$2" ]; }
config() { python3 "$top/tests/oci/config.py" "$@"; }

# bundle NAME [CODE...]: a bundle with busybox in it, that runs without a terminal.
bundle() {
	local b=$dir/$1 applet
	shift
	mkdir -p "$b"/rootfs/{bin,proc,dev,sys,etc,tmp,root}
	cp "$(command -v busybox)" "$b/rootfs/bin/busybox"
	for applet in sh cat ls id sleep true env stat touch mount grep head kill wc tty stty dd ps umount; do
		ln -sf busybox "$b/rootfs/bin/$applet"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$b/rootfs/etc/passwd"
	"$OCI" spec --bundle "$b"
	config "$b" 'p["terminal"] = False' "$@"
	echo "$b"
}

# Limits need controllers, which a cgroup2 tree beside version 1 has not.
needs_controllers() {
	[ -d /sys/fs/cgroup/memory ] || grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null ||
		skip "needs cgroup controllers"
}

# Every control group of mybox's in any hierarchy.
cgroups() { find /sys/fs/cgroup -path '*/mybox/*' -type d -name "${1:-*}" 2>/dev/null; }
# Nothing of ID is left.
is_gone() {
	[ ! -e "$state/$1" ] && [ -z "$(cgroups "$1")" ]
}

setup() {
	dir=$(mktemp -d /run/mybox-test/oci.XXXXXX)
	state=$dir/state
	n=t$RANDOM$RANDOM
}

teardown() {
	local id failed=0
	for id in $(ls "$state" 2>/dev/null); do
		echo "left: $id"
		oci delete --force "$id" || failed=1
	done
	[ -z "$(cgroups "$n*")" ] || { echo "left: $(cgroups "$n*")"; failed=1; }
	rm -rf "$dir"
	return $failed
}
