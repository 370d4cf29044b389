#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Images: every kind of archive, many layers, whiteouts, names, what is kept and what goes.
# bats file_tags=cgroup:any
load helpers

forget() { # every image but deb
	local names
	names=$(mybox images --format '{{.Repository}}:{{.Tag}}' | grep -v '^deb:latest$') || return 0
	# shellcheck disable=SC2086
	mybox rmi $names >/dev/null
}
teardown() {
	forget
	teardown_store
}

@test "docker archives: plain, gzip, zstd, xz, from a file and from stdin" {
	local f
	xz -k -c -1 "$images/docker.tar" >"$BATS_TEST_TMPDIR/docker.tar.xz"
	for f in "$images/docker.tar" "$images/docker.tar.gz" "$images/docker.tar.zst" "$BATS_TEST_TMPDIR/docker.tar.xz"; do
		run --separate-stderr mybox load -i "$f"
		[ "$status" = 0 ]
		[ "$output" = "Loaded image: test/deb:latest" ]
		[ "$(mybox run --rm test/deb cat /etc/release)" = "mybox test image" ]
		mybox rmi test/deb
		[ "$(mybox load <"$f")" = "Loaded image: test/deb:latest" ]
		mybox rmi test/deb:latest
	done
}

@test "OCI: an archive and a layout" {
	run --separate-stderr mybox load -i "$images/oci.tar"
	[ "$output" = "Loaded image: test/oci:1" ]
	[ "$(mybox run --rm test/oci:1 echo runs)" = runs ]
	mybox rmi test/oci:1
	run --separate-stderr mybox load -i "$images/oci"
	[ "$output" = "Loaded image: test/oci:1" ]
	[ "$(mybox run --rm test/oci:1 echo runs)" = runs ]
}

@test "seven layers: whiteouts, opaque directories, replaced types, hard links" {
	mybox load -q -i "$images/layers7.tar"
	run mybox run --rm layers7 sh -c 'cat /data/b; echo; ls /data; ls -d /gone 2>&1; ls /opaque; cat /type/inside; echo; stat -c %h /data/b; cat /data/hard'
	[ "$output" = "6
b
hard
ls: /gone: No such file or directory
new
now a directory
2
6" ]
}

@test "a hundred and twenty layers" {
	mybox load -q -i "$images/layers120.tar"
	[ "$(mybox run --rm layers120 sh -c 'ls /layers | wc -l; cat /layers/1 /layers/60 /layers/119' | tr '\n' ' ')" = "119 1 60 119 " ]
	[ "$(mybox image inspect -f '{{len .RootFS.Layers}}' layers120)" = 120 ]
}

@test "what a container changes is its own" {
	mybox run --name c1 deb sh -c 'echo mine >/etc/release; rm /etc/group; mkdir /home/new'
	[ "$(mybox run --rm deb cat /etc/release)" = "mybox test image" ]
	[ "$(mybox run --rm deb ls -d /etc/group)" = /etc/group ]
	mybox start -a c1 || true
	mybox create --name c2 deb sh -c 'cat /etc/release; echo x >>/etc/release'
	[ "$(mybox start -a c2)" = "mybox test image" ]
	[ "$(mybox start -a c2)" = "mybox test image
x" ]
}

@test "tags: one image, many names" {
	mybox tag deb one:1
	mybox tag deb two/sub:latest
	[ "$(mybox images -q --no-trunc | sort -u | wc -l)" = 1 ]
	[ "$(mybox run --rm two/sub echo hi)" = hi ]
	local id
	id=$(mybox image inspect -f '{{.Id}}' deb)
	[ "$(mybox run --rm "$id" echo by-id)" = by-id ]
	[ "$(mybox run --rm "${id:7:12}" echo by-id)" = by-id ]
	run mybox rmi one:1 two/sub
	[ "$output" = "Untagged: one:1
Untagged: two/sub:latest" ]
	mybox image exists deb
	run mybox tag nosuch x:1
	[ "$status" = 1 ]
	[[ $output == *"No such image: nosuch"* ]]
	run mybox tag deb 'Bad:Tag'
	[ "$status" = 1 ]
	run mybox tag deb 'x:bad tag'
	[ "$status" = 1 ]
	for ref in docker.io/library/deb deb:latest library/deb docker.io/deb:latest index.docker.io/library/deb; do
		[ "$(mybox image inspect -f '{{.Id}}' "$ref")" = "$id" ]
	done
}

@test "rmi: what is in use stays, what is forced loses its names" {
	mybox load -q -i "$images/layers7.tar"
	mybox run -d --name c1 layers7 sleep 100
	run mybox rmi layers7
	[ "$status" = 1 ]
	[[ $output == *"conflict"* ]]
	run mybox rmi -f layers7
	[ "$(mybox exec c1 cat /data/b)" = 6 ]
	mybox rm -f c1
	mybox images -q --no-trunc | sort -u | while read -r id; do
		[ "$id" = "$(mybox image inspect -f '{{.Id}}' deb)" ] || mybox rmi "$id"
	done
	[ "$(mybox images -q | wc -l)" = 1 ]
}

@test "rmi deletes layers that nothing else uses, and only them" {
	local before
	before=$(ls "$root/layers" | wc -l)
	mybox load -q -i "$images/layers7.tar"
	[ "$(ls "$root/layers" | wc -l)" = $((before + 6)) ] # the base is shared
	run mybox rmi layers7
	[ "${lines[0]}" = "Untagged: layers7:latest" ]
	[[ ${lines[1]} =~ ^Deleted:\ sha256:[0-9a-f]{64}$ ]]
	[ "$(ls "$root/layers" | wc -l)" = "$before" ]
	[ "$(mybox run --rm deb echo still)" = still ]
}

@test "import: a root file system, with changes, from stdin" {
	run mybox import -c 'CMD ["echo","imported"]' -c 'ENV A=b' -c 'USER 1000' -c 'WORKDIR /srv' "$images/rootfs.tar" made
	[[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
	[ "$(mybox run --rm made)" = imported ]
	[ "$(mybox run --rm made sh -c 'echo $A $(id -u) $PWD')" = "b 1000 /srv" ]
	run mybox import - made:2 <"$images/rootfs.tar"
	[ "$status" = 0 ]
	gzip -c -1 "$images/rootfs.tar" >"$BATS_TEST_TMPDIR/rootfs.tgz"
	mybox import "$BATS_TEST_TMPDIR/rootfs.tgz" made:3
	[ "$(mybox run --rm made:3 sh -c 'echo gz')" = gz ]
	run mybox import -c 'NOSUCH x' "$images/rootfs.tar" made:4
	[ "$status" = 1 ]
	run mybox import /nonexistent made:5
	[ "$status" = 1 ]
	[ "$(mybox images -q made | sort -u | wc -l)" -le 3 ]
}

@test "load of what is damaged says so and leaves nothing" {
	local before size
	before=$(ls "$root/layers" "$root/images" "$root/blobs/sha256" 2>/dev/null | md5sum)
	size=$(stat -c %s "$images/docker.tar")
	head -c $((size / 2)) "$images/docker.tar" >"$BATS_TEST_TMPDIR/half.tar"
	head -c 100000 "$images/docker.tar.gz" >"$BATS_TEST_TMPDIR/half.tar.gz"
	head -c 100000 "$images/docker.tar.zst" >"$BATS_TEST_TMPDIR/half.tar.zst"
	head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/noise"
	: >"$BATS_TEST_TMPDIR/empty"
	python3 - "$images/docker.tar" "$BATS_TEST_TMPDIR/flipped.tar" <<-'PY'
		import sys
		data = bytearray(open(sys.argv[1], "rb").read())
		data[len(data) // 2] ^= 1
		open(sys.argv[2], "wb").write(data)
	PY
	local f
	for f in half.tar half.tar.gz half.tar.zst noise empty; do
		run mybox load -i "$BATS_TEST_TMPDIR/$f"
		[ "$status" = 1 ]
		[ -n "$output" ]
		[ "$(ls "$root/layers" "$root/images" "$root/blobs/sha256" 2>/dev/null | md5sum)" = "$before" ]
	done
	[ "$(mybox images -q | wc -l)" = 1 ]
	# A layer that is there already is not read again: one bit needs a store without it.
	mkdir -m 700 "$BATS_TEST_TMPDIR/store"
	run "$MYBOX" --root "$BATS_TEST_TMPDIR/store/root" --runroot "$BATS_TEST_TMPDIR/store/run" load -i "$BATS_TEST_TMPDIR/flipped.tar"
	[ "$status" = 1 ]
	[[ $output == *"the content is not"* ]]
	[ -z "$(ls -A "$BATS_TEST_TMPDIR/store/root/images" "$BATS_TEST_TMPDIR/store/root/layers" | grep -v ':$' || true)" ]
}

@test "many loads of one image at once" {
	local i pids=()
	for i in 1 2 3 4; do
		"${box[@]}" load -q -i "$images/layers7.tar" >"$BATS_TEST_TMPDIR/out$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	[ "$(mybox run --rm layers7 cat /data/b)" = 6 ]
	[ "$(mybox images -q layers7 | wc -l)" = 1 ]
}

@test "an image of another machine is told" {
	mybox image inspect -f '{{.Architecture}}' deb
	run mybox run --rm --platform linux/s390x deb true
	[ "$status" = 125 ]
	[[ $output == *"was found but its platform (linux/amd64) does not match the specified platform (linux/s390x): cannot pull 'deb:latest': "* ]]
	run mybox run --rm --platform linux/s390x --pull never deb true
	[ "$status" = 125 ]
	[ "$output" = "mybox: image with reference deb was found but its platform (linux/amd64) does not match the specified platform (linux/s390x)" ]
	id=$(mybox image inspect -f '{{.Id}}' deb)
	run mybox run --rm --platform linux/s390x "$id" true
	[ "$status" = 125 ]
	[ "$output" = "mybox: image with reference $id was found but its platform (linux/amd64) does not match the specified platform (linux/s390x)" ]
	mybox run --rm --platform linux/amd64 deb true
	run mybox run --rm --pull never nosuch true
	[ "$status" = 125 ]
}

@test "docker save and skopeo agree with what we read" {
	# What docker 25 and later write: an OCI layout with a manifest.json beside it.
	mkdir "$BATS_TEST_TMPDIR/both"
	cp -r "$images/oci/." "$BATS_TEST_TMPDIR/both"
	python3 - "$BATS_TEST_TMPDIR/both" <<-'PY'
		import json, sys
		d = sys.argv[1]
		i = json.load(open(d + "/index.json"))
		m = i["manifests"][0]["digest"].split(":")[1]
		man = json.load(open(d + "/blobs/sha256/" + m))
		path = lambda x: "blobs/sha256/" + x["digest"].split(":")[1]
		json.dump([{"Config": path(man["config"]), "RepoTags": ["both:1"], "Layers": [path(l) for l in man["layers"]]}],
		          open(d + "/manifest.json", "w"))
	PY
	tar -C "$BATS_TEST_TMPDIR/both" -cf "$BATS_TEST_TMPDIR/both.tar" .
	run --separate-stderr mybox load -i "$BATS_TEST_TMPDIR/both.tar"
	[ "$status" = 0 ]
	[[ $output == "Loaded image: "* ]]
	[ "$(mybox run --rm "${output#Loaded image: }" echo runs)" = runs ]
}

@test "image inspect: templates may ask for what an image can have, and has not" {
	[ "$(mybox image inspect -f '{{json .Config.ExposedPorts}} {{json .Config.Healthcheck}} {{json .Config.Shell}} {{.Config.StopSignal}}.' deb)" = "null null null ." ]
	mybox create --name asked deb
	[ "$(mybox inspect -f '{{json .Config.ExposedPorts}}' asked)" = null ]
	mybox rm asked
}

@test "a store where mounts are shared, as on a host that systemd runs" {
	# shellcheck disable=SC2016
	unshare -m --propagation private bash -euc '
		box=("$MYBOX" --root "$1/root" --runroot "$1/run")
		mkdir "$1"
		mount -t tmpfs -o mode=700 none "$1"
		mount --make-rshared /
		before=$(cat /proc/self/mountinfo)
		"${box[@]}" load -q -i "$2/deb.tar"
		[ "$(cat /proc/self/mountinfo)" = "$before" ]
		[ "$("${box[@]}" run --name c1 -v "$1:/d" --tmpfs /t deb echo runs)" = runs ]
		"${box[@]}" start c1
		"${box[@]}" rm -f c1
		[ "$(cat /proc/self/mountinfo)" = "$before" ]
		"${box[@]}" system check
	' bash "$BATS_TEST_TMPDIR/shared" "$images"
}
