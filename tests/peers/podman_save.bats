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
	own_store
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

@test "podman load: what mybox saved, every file, alone and beside another" {
	podman save -q --format docker-archive -o "$dir/again.tar" built:1
	mybox load -i "$dir/again.tar"
	mybox tag localhost/built:1 localhost/ours:1
	mybox load -q -i "$images/deb.tar"
	mybox save -o "$dir/ours.tar" localhost/ours:1 deb
	podman load -q -i "$dir/ours.tar"
	same about "$(podman image inspect -f "$about" built:1)" "$(podman image inspect -f "$about" localhost/ours:1)"
	same files "$(cat "$dir/tree")" "$(tree "$(podman image mount localhost/ours:1)" | grep -v '^/vol ')"
	podman image unmount localhost/ours:1
	same layers "$(mybox image inspect -f '{{json .RootFS.Layers}}' deb)" "$(podman image inspect -f '{{json .RootFS.Layers}}' localhost/deb)"
	podman rmi -f localhost/ours:1 localhost/deb
}
