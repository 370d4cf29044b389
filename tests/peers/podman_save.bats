#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What `podman save` writes, in each of its formats, and what mybox makes of it.
load helpers

podman() { command podman --root "$dir/root" --runroot "$dir/run" --storage-driver vfs --cgroup-manager cgroupfs "$@"; }

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	export dir=/run/mybox-test/podman-save
	mkdir -p "$dir"
	build_context "$dir/context"
	podman build -q --network host --isolation chroot --layers -t built:1 "$dir/context"
	podman tag built:1 localhost:5000/team/built:second
	podman load -q -i "$images/layers7.tar"
	# In a container a volume lies over /vol.
	tree "$(podman image mount built:1)" | grep -v '^/vol ' >"$dir/tree"
	podman image unmount built:1
}

setup() {
	name=${BATS_TEST_FILENAME##*/}
	root=/run/mybox-test/$name/root run=/run/mybox-test/$name/run
	export root run
	forget
}

is_built() { # is_built IMAGE
	same about "$(podman image inspect -f "$about" built:1)" "$(mybox image inspect -f "$about" "$1")"
	same files "$(cat "$dir/tree")" "$(mybox_tree "$1")"
	[ "$(mybox run --rm "$1")" = "entry cmd" ]
}

@test "podman save: docker-archive" {
	podman save -q --format docker-archive -o "$dir/d.tar" built:1
	mybox load -i "$dir/d.tar"
	is_built localhost/built:1
}

@test "podman save: oci-archive" {
	podman save -q --format oci-archive -o "$dir/o.tar" localhost:5000/team/built:second
	mybox load -i "$dir/o.tar"
	is_built "$(mybox images -q --no-trunc)"
}

@test "podman save: oci-dir" {
	podman save -q --format oci-dir -o "$dir/oci" built:1
	tar -C "$dir/oci" -c . | mybox load
	is_built "$(mybox images -q --no-trunc)"
}

@test "podman save: several images in one archive" {
	podman save -q -m --format docker-archive -o "$dir/m.tar" built:1 layers7
	mybox load -i "$dir/m.tar"
	is_built localhost/built:1
	[ "$(mybox run --rm localhost/layers7 ls /opaque)" = new ]
}
