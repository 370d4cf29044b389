#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A disk that fills at sampled points of load, pull, push and build, and one that is full when
# images are removed: every image is whole or absent, what is told is why, and with room again all
# goes well.  (commit: tests/integration/commit.bats.)
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

@test "build: a disk that fills" {
	local ctx=$BATS_TEST_TMPDIR/ctx sample size least most refused=0
	mkdir "$ctx"
	head -c 400000 /dev/urandom >"$ctx/random"
	printf 'FROM layers7\nCOPY random /copied\nFROM layers7\nCOPY --from=0 /copied /a\nADD random /b\nWORKDIR /made/here\n' >"$ctx/Dockerfile"
	disk 100000
	mybox load -q -i "$images/layers7.tar" >/dev/null
	mybox tag "$(mybox images -q | head -1)" layers7
	least=$(used)
	mybox build -q -t made "$ctx"
	most=$(used)
	mybox rmi -f made >/dev/null
	mybox builder prune -af >/dev/null
	for sample in $(seq 0 $((samples - 1))); do
		size=$((least + 4 + (most - least - 4) * sample / samples))
		resize $size
		run --separate-stderr "${box[@]}" build -q -t made "$ctx"
		resize 100000
		if [ "$status" != 0 ]; then
			refused=$((refused + 1))
			[ "$status" = 1 ]
			[[ $stderr == *mybox:\ *"No space left on device"* ]]
			[ -z "$(mybox images -q made)" ]
		fi
		whole
		mybox system check --repair >/dev/null || [ $? = 1 ]
		mybox system check
		mybox build -q -t made "$ctx"
		whole
		mybox rmi -f made >/dev/null
		mybox builder prune -af >/dev/null
		[ -z "$(ls "$root/ingest")" ]
	done
	[ $refused -ge $((samples / 2)) ]
}

used() { df -k --output=used "$root" | tail -1; }
resize() { mount -o "remount,size=${1}k" "$root"; }

@test "push: a disk that fills" {
	local sample refused=0 least
	disk 100000
	mybox load -q -i "$images/layers7.tar"
	least=$(used)
	for sample in $(seq 0 $((samples - 1))); do
		mybox tag layers7 "$server/no-mount/x:$sample"
		resize $((least + 16 + sample * 64))
		run --separate-stderr "${box[@]}" push -q --compression-level 1 "$server/no-mount/x:$sample"
		resize 100000
		whole
		if [ "$status" != 0 ]; then
			refused=$((refused + 1))
			[ "$status" = 1 ]
			[[ ${stderr_lines[0]} =~ ^mybox:\ .*"No space left on device" ]]
			run ! skopeo inspect --raw --tls-verify=false "docker://$server/no-mount/x:$sample"
		fi
		mybox push -q "$server/no-mount/x:$sample"
		mybox rmi "$server/no-mount/x:$sample"
	done
	echo "$refused refused"
	[ $refused -ge $((samples / 2)) ]
}

# To the last block.
fill_up() {
	dd if=/dev/zero of="$root/full" bs=4k 2>/dev/null || :
	run ! dd if=/dev/zero of="$root/more" bs=4k count=1 2>/dev/null
	rm -f "$root/more"
}

# scarce SAMPLE: of even ones so many blocks are left, of odd ones so many inodes.
scarce() {
	local left=$(($1 / 2))
	if [ $(($1 % 2)) = 0 ]; then
		fill_up
		truncate -s -$((left * 4096)) "$root/full"
	else
		mount -o "remount,nr_inodes=$(($(df --output=iused "$root" | tail -1) + left))" "$root"
	fi
}

plenty() {
	rm -f "$root/full"
	mount -o remount,nr_inodes=100000 "$root"
}

# removes WORD... : at each sample, with two images there, "deb" and "layers7", which is to go and
# alone may; what is asked for first is done in any case.
removes() {
	local sample
	disk 100000
	mybox load -q -i "$images/deb.tar"
	for sample in $(seq 0 $((samples - 1))); do
		mybox load -q -i "$images/layers7.tar"
		[ "$1" = rmi ] || mybox tag deb layers7
		scarce "$sample"
		mybox "$@"
		mybox system check
		plenty
		whole
		[ "$(mybox images -q | sort -u | wc -l)" = 1 ]
		run -0 --separate-stderr mybox inspect -f '{{.RepoTags}}' deb
		[ "$1" != rmi ] || [ "$output" = '[deb:latest]' ]
		[ "$(ls "$root/layers" | wc -l)" = 1 ]
		[ -z "$(ls "$root/ingest")" ]
	done
}

@test "rmi: a disk that is full, or nearly so" { removes rmi layers7; }

@test "image prune: a disk that is full, or nearly so" { removes image prune -f; }
