#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A whole Debian of 400 MB, which mmdebstrap made, as an image of 1, 7 and 120 layers.  What is in
# it is compared with what tar unpacks, file by file, and dpkg looks at its own in the container.
load helpers

setup_file() {
	[ -e "${DEBIAN:-}" ] || skip "\$DEBIAN is no archive of tests/support/debian"
	setup_store "${BATS_TEST_FILENAME##*/}"
	export dir=/run/mybox-test/debian
	mkdir -p "$dir/root"
	mount -t tmpfs none "$dir/root"
	tar -C "$dir/root" --numeric-owner --xattrs --xattrs-include='*' -xpf "$DEBIAN"
	tree "$dir/root" >"$dir/tree"
	umount "$dir/root"
}

# whole IMAGE: every file is as tar unpacks it, for the host and for who lives there.
whole() {
	same tree "$(cat "$dir/tree")" "$(mybox_tree "$1")"
	run -0 mybox run --rm --network none "$1" dpkg --verify
	[ -z "$output" ]
	run -0 mybox run --rm --network none "$1" sh -c 'echo "int main(void) { return 7; }" | gcc -x c -o /tmp/x - && /tmp/x; echo $?; python3 -c "print(6 * 7)"'
	[ "$output" = $'7\n42' ]
}

# layered N: the same, built of N archives.
layered() {
	rm -rf "$dir/context"
	mkdir "$dir/context"
	python3 "$top/tests/peers/split.py" "$DEBIAN" "$1" "$dir/context"
	mybox build -q -t "layers:$1" "$dir/context" >/dev/null
	rm -r "$dir/context"
	[ "$(mybox inspect -f '{{len .RootFS.Layers}}' "layers:$1")" = "$1" ]
}

@test "one layer" {
	mybox import "$DEBIAN" debian:1 >/dev/null
	whole debian:1
	mybox rmi debian:1 >/dev/null
}

@test "seven layers, and umoci unpacks what is saved of them" {
	layered 7
	whole layers:7
	mkdir "$dir/layout"
	mybox save layers:7 | tar -C "$dir/layout" -x
	umoci unpack --image "$dir/layout:7" "$dir/bundle"
	same umoci "$(cat "$dir/tree")" "$(tree "$dir/bundle/rootfs")"
	rm -r "$dir/bundle"
	mybox rmi layers:7 >/dev/null
	tar -C "$dir/layout" -c . | mybox load >/dev/null
	rm -r "$dir/layout"
	same loaded "$(cat "$dir/tree")" "$(mybox_tree layers:7)"
	mybox rmi layers:7 >/dev/null
}

@test "a hundred and twenty layers" {
	layered 120
	whole layers:120
}
