# SPDX-License-Identifier: GPL-2.0-or-later
# Engines that drive mybox-oci.  Each has all of its state below one directory on a tmpfs, and runs
# in the network and mounts that tests/support/isolated made.

command -v bats_require_minimum_version >/dev/null && bats_require_minimum_version 1.5.0
top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
: "${MYBOX:=$top/build/dev/cmd/mybox}"
: "${MYBOX_OCI:=$MYBOX-oci}"
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=0
images=/run/mybox-test/images
image=docker.io/test/deb:latest

ensure_images() {
	[ -e "$images/done" ] || {
		python3 "$top/tests/support/images.py" "$images" && touch "$images/done"
	}
	[ -e "$images/pause.tar" ] || python3 "$top/tests/engines/pause.py" "$images/pause.tar"
}

# What contrib/engines has for it, with our mybox-oci.
contrib() { sed "s|/usr/local/bin/mybox-oci|$MYBOX_OCI|" "$top/contrib/engines/$1"; }

# Directories that an engine insists on, covered for this mount namespace alone.
cover() {
	local d
	for d; do
		mkdir -p "$d"
		mount -t tmpfs none "$d"
	done
}

# podman with mybox-oci as its runtime, and mybox beside it, both with their state in $dir.
mybox() { "$MYBOX" --root "$dir/mroot" --runroot "$dir/mrun" "$@"; }
podman() {
	CONTAINERS_CONF=$dir/containers.conf command podman --root "$dir/root" --runroot "$dir/run" \
		--tmpdir "$dir/tmp" --cgroup-manager cgroupfs --events-backend file \
		--storage-driver vfs --runtime "$MYBOX_OCI" --log-level warn "$@"
}

# wait_until SECONDS COMMAND...: poll, never sleep for a fixed time.
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || {
			echo "not in time: $*"
			return 1
		}
		sleep 0.1
	done
}

# Nothing of the engine's containers may remain with the runtime.
no_states() { # no_states ROOT
	local left
	# The cache of seccomp programs stays.
	left=$(find "$1" -mindepth 1 -maxdepth 1 ! -name .seccomp 2>/dev/null || true)
	[ -z "$left" ] || {
		echo "left: $left"
		return 1
	}
}
