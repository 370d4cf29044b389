#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A disk that fills at sampled points of load and pull: every image is whole or absent, what is
# told is why, and with room again all goes well.
load ../registry/helpers

samples=16
server=127.0.0.1:5095

serve_file() { start_server 5095; }

setup() {
	name=${BATS_TEST_FILENAME##*/}
	root=/run/mybox-test/$name/disk run=/run/mybox-test/$name/run-disk
	box=("$MYBOX" --root "$root" --runroot "$run")
	export HOME=$work/home MYBOX_REGISTRIES=/nonexistent
	export root run
	mkdir -p "$root" "$HOME"
}

teardown() {
	umount "$root" 2>/dev/null || :
	rm -rf "$run"
}

disk() { mount -t tmpfs -o "mode=700,size=${1}k" none "$root"; }

# Every image that is there can be put together again, to the digests that it is known by.
whole() {
	local image
	for image in $(mybox images -q | sort -u); do
		mybox save -o "$BATS_TEST_TMPDIR/saved" "$image"
	done
}

# fill COMMAND...: at each of the sizes between an empty store and the one that is enough.
fill() {
	disk 100000
	mybox images -q
	least=$(df -k --output=used "$root" | tail -1)
	mybox "$@"
	most=$(df -k --output=used "$root" | tail -1)
	umount "$root"
	rm -rf "$run"
	refused=0
	for sample in $(seq 0 $((samples - 1))); do
		size=$((least + 4 + (most - least - 4) * sample / samples))
		disk $size
		run --separate-stderr "${box[@]}" "$@"
		[ "$status" != 0 ] || continue
		refused=$((refused + 1))
		[ "$status" = 1 ]
		[[ ${stderr_lines[0]} =~ ^mybox:\ .*"No space left on device" ]]
		mount -o remount,size=100000k "$root"
		whole
		mybox system check --repair || [ $? = 1 ]
		mybox system check
		mybox "$@"
		whole
		[ "$(mybox images -q | wc -l)" = 1 ]
		umount "$root"
		rm -rf "$run"
	done
	# The last one may just have been enough.
	[ $refused -ge $((samples - 1)) ]
}

@test "load: a disk that fills" { fill load -q -i "$images/layers7.tar"; }

@test "pull: a disk that fills" { fill pull -q $server/good/x; }
