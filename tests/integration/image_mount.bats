#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Images that the host looks into, and their layers.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	mybox load -q -i "$images/layers7.tar"
}
teardown() {
	mybox image unmount -a >/dev/null
	teardown_store
	[ -z "$(ls "$run/mnt" 2>/dev/null)" ]
}

@test "image mount: read-only, once, listed, gone with unmount" {
	run -0 mybox image mount
	[ -z "$output" ]
	run -0 mybox image mount layers7
	local at=$output
	[ "$at" = "$run/mnt/$(mybox images -q --no-trunc layers7 | cut -d: -f2)" ]
	[ "$(ls "$at/opaque")" = new ]
	[ "$(mybox run --rm layers7 cat /data/b)" = "$(cat "$at/data/b")" ]
	run -1 touch "$at/file"
	[[ $output == *"Read-only"* ]]
	[[ $(findmnt -no OPTIONS "$at") == *ro,*nosuid*nodev* ]]
	# Again: the same, and one mount.
	[ "$(mybox image mount layers7)" = "$at" ]
	[ "$(grep -c " $at " /proc/self/mountinfo)" = 1 ]
	# One layer is no overlay, and read-only too.
	run -0 mybox image mount deb layers7
	[ "${lines[0]}" = "deb:latest $run/mnt/$(mybox images -q --no-trunc deb | cut -d: -f2)" ]
	[ "${lines[1]}" = "layers7:latest $at" ]
	run -1 touch "$(mybox image mount deb)/file"
	[ "$(cat "$(mybox image mount deb)/etc/release")" = "mybox test image" ]
	[ "$(mybox image mount | wc -l)" = 2 ]
	[ "$(mybox image mount -a | wc -l)" = 2 ]
	run -0 mybox image unmount layers7
	[ "$output" = "${at##*/}" ]
	[ ! -e "$at" ]
	[ "$(mybox image mount)" = "deb:latest $(mybox image mount deb)" ]
	run -1 mybox image unmount layers7
	[[ $output == "mybox: image 'layers7' is not mounted" ]]
	run -0 mybox image umount --all
	[ -z "$(mybox image mount)" ]
	run -1 mybox image mount nosuch
	[[ $output == *"No such image: nosuch"* ]]
	run -1 mybox image unmount
	[[ $output == *"give an image, or --all"* ]]
}

@test "image mount: what is mounted is not removed, what is used is not unmounted" {
	mybox tag layers7 second
	local at
	at=$(mybox image mount layers7)
	# One name of two goes.
	run -0 mybox rmi second
	run -1 mybox rmi layers7
	[[ $output == *"image is mounted: unmount it first"* ]]
	run -1 mybox rmi -f "${at##*/}"
	[[ $output == *"cannot be forced"*"image is mounted: unmount it first"* ]]
	mybox image prune -a -f >/dev/null || true
	[ -e "$at/data/b" ]
	mybox image exists layers7
	exec 7<"$at"
	run -1 mybox image unmount layers7
	[[ $output == *"Device or resource busy"* ]]
	run -0 mybox image unmount -f layers7
	exec 7<&-
	mybox rmi layers7
	mybox load -q -i "$images/layers7.tar"
	mybox load -q -i "$images/deb.tar"
}

@test "image mount: what a dead command left is found and put away" {
	local at
	at=$(mybox image mount deb)
	umount "$at"
	run -2 mybox system check
	[[ $output == *"mount of image sha256:${at##*/}: was not put away"* ]]
	run -1 mybox system check --repair
	[[ $output == *"(repaired)"* ]]
	[ ! -e "$at" ]
	# A good one is no finding.
	mybox image mount deb
	mybox system check --repair
	[ -e "$at/etc/release" ]
	# One whose image went in another way is.
	mybox image mount layers7 >"$BATS_TEST_TMPDIR/at"
	at=$(cat "$BATS_TEST_TMPDIR/at")
	mv "$root/images/${at##*/}.record" "$BATS_TEST_TMPDIR/record"
	run -1 mybox system check --repair
	[ ! -e "$at" ]
	mybox load -q -i "$images/layers7.tar"
}

@test "image tree: layers, sizes, and whose they are" {
	mybox create --name c1 layers7 true
	local id
	id=$(mybox commit -c 'CMD ["x"]' c1 child)
	run -0 mybox image tree child
	echo "$output"
	[ "${lines[0]}" = "Image ID: $(cut -c8-19 <<<"$id")" ]
	[ "${lines[1]}" = "Tags:     [child:latest]" ]
	[[ ${lines[2]} == "Size:     "*B ]]
	[ "${lines[3]}" = "Image Layers" ]
	[ "${#lines[@]}" = 11 ]
	[[ ${lines[4]} == "├──  ID: "*" Size: "*"B Top Layer of: [deb:latest]" ]]
	[[ ${lines[5]} == "├──  ID: "*" Size:      7B" ]]
	[[ ${lines[10]} == "└──  ID: "*" Top Layer of: ["* ]]
	[[ ${lines[10]} == *"[child:latest]"* ]]
	[[ ${lines[10]} == *"[layers7:latest]"* ]]
	[ "$(grep -c 'Top Layer' <<<"$output")" = 2 ]
	run -1 mybox image tree nosuch
	[[ $output == *"No such image: nosuch"* ]]
	mybox rm c1
	mybox rmi child
}
