#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# umoci, which unpacks and packs the layers of an OCI layout by itself.
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	export dir=/run/mybox-test/umoci
	mkdir -p "$dir"
	build_context "$dir/context"
	mybox build -q -t built:1 "$dir/context"
}

# The files of a bundle; what umoci and mybox put over volumes is left out.
files() { tree "$1" | grep -av '^/vol '; }

@test "umoci unpack: what mybox saved, every file" {
	mkdir "$dir/layout"
	mybox save built:1 | tar -C "$dir/layout" -x
	umoci unpack --image "$dir/layout:1" "$dir/bundle"
	same files "$(mybox_tree built:1 | grep -av '^/vol ')" "$(files "$dir/bundle/rootfs")"
}

@test "umoci repack: a layer of umoci's, every file" {
	local rootfs=$dir/bundle/rootfs
	echo new >"$rootfs/etc/new"
	rm -r "$rootfs/home" "$rootfs/d/a"
	ln "$rootfs/more/file" "$rootfs/d/again"
	chown 4000000000:7 "$rootfs/d/b"
	touch -d @1600000001.123456789 "$rootfs/more/able"
	mkfifo "$rootfs/d/fifo"
	printf x >"$rootfs/more/$(printf 'odd \377 name')"
	umoci repack --image "$dir/layout:2" "$dir/bundle"
	umoci unpack --image "$dir/layout:2" "$dir/again"
	umoci rm --image "$dir/layout:1"
	rm "$dir/layout/manifest.json"
	mybox rmi built:1 >/dev/null
	tar -C "$dir/layout" -c . | mybox load
	same files "$(files "$dir/again/rootfs")" "$(mybox_tree "$(mybox images -q | head -1)" | grep -av '^/vol ')"
}
