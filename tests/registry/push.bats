#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Images to a registry, and that they are there what they were here.
load helpers

plain=127.0.0.1:5040
server=127.0.0.1:5042

serve_file() {
	start_registry 5040
	start_registry 5041
	start_server 5042
}

teardown() {
	mybox images -q | sort -u | xargs -r "${box[@]}" rmi -f >/dev/null
	teardown_store
}

raw() { skopeo inspect --raw --tls-verify=false "docker://$1"; }
layers() { raw "$1" | python3 -c 'import json, sys; print(*(l["digest"] for l in json.load(sys.stdin)["layers"]))'; }

# The tar of the first layer of $1 has the digest that the configuration says.
is_itself() {
	python3 - "$work/copy" <<-'EOT'
		import gzip, hashlib, json, os, sys
		directory = sys.argv[1]
		blob = lambda d: open(os.path.join(directory, d.split(":")[1]), "rb").read()
		manifest = json.load(open(os.path.join(directory, "manifest.json")))
		config = json.loads(blob(manifest["config"]["digest"]))
		for layer, diff in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
		    plain = gzip.decompress(blob(layer["digest"]))
		    assert "sha256:" + hashlib.sha256(plain).hexdigest() == diff, diff
	EOT
}

@test "push: a loaded image arrives byte for byte, and comes back the same" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	mybox tag deb $plain/a/deb:1
	id=$(mybox inspect -f '{{.Id}}' deb)
	run -0 --separate-stderr mybox push $plain/a/deb:1
	[ "${lines[0]}" = "The push refers to repository [$plain/a/deb]" ]
	[[ ${lines[1]} =~ ^1:\ digest:\ sha256:[0-9a-f]{64}\ size:\ [0-9]+$ ]]
	[ "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://$plain/a/deb:1)" = "$(cut -d' ' -f3 <<<"${lines[1]}")" ]
	[[ $stderr =~ [0-9a-f]{12}:\ Pushed ]]
	rm -rf "$work/copy"
	copy --src-tls-verify=false "docker://$plain/a/deb:1" "dir:$work/copy"
	is_itself
	mybox rmi -f deb $plain/a/deb:1 >/dev/null
	mybox pull -q $plain/a/deb:1
	[ "$(mybox inspect -f '{{.Id}}' $plain/a/deb:1)" = "$id" ]
	run -0 mybox events --since 0 --until 0s -f event=push -f event=pull --format '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}}'
	[ "$output" = "image push $plain/a/deb:1 $plain/a/deb"$'\n'"image pull $plain/a/deb:1 $plain/a/deb" ]
	run -0 mybox run --rm $plain/a/deb:1 echo hello
	[ "$output" = hello ]
}

@test "push: a second time nothing is sent, elsewhere the same bytes" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	mybox tag deb $plain/b/deb:1
	mybox tag deb 127.0.0.1:5041/b/deb:1
	mybox push -q $plain/b/deb:1
	run -0 --separate-stderr mybox push $plain/b/deb:1
	[[ $stderr =~ "Layer already exists" ]]
	mybox push -q 127.0.0.1:5041/b/deb:1
	[ "$(raw $plain/b/deb:1)" = "$(raw 127.0.0.1:5041/b/deb:1)" ]
}

@test "push: what was pulled goes back as it came, and is mounted next door" {
	copy --dest-tls-verify=false "docker-archive:$images/deb.tar" "docker://$plain/c/deb:1"
	mybox pull -q $plain/c/deb:1
	mybox tag $plain/c/deb:1 $plain/d/deb:1
	run -0 --separate-stderr mybox push $plain/d/deb:1
	[[ $stderr =~ "Layer already exists" ]]
	[ "$(layers $plain/c/deb:1)" = "$(layers $plain/d/deb:1)" ]
	grep -q 'POST /v2/d/deb/blobs/uploads/?mount=sha256' "$work/5040.log"
	[ "$(mybox inspect -f '{{.RepoDigests}}' $plain/d/deb:1 | tr ' ' '\n' | grep -c sha256)" = 2 ]
}

@test "push: what an OCI archive had is not made anew where it is already" {
	copy "docker-archive:$images/deb.tar" "oci-archive:$work/deb.oci:deb:1"
	copy --dest-tls-verify=false "oci-archive:$work/deb.oci" "docker://$plain/k/deb:1"
	mybox load -q -i "$work/deb.oci"
	for to in k l; do mybox tag deb:1 $plain/$to/deb:2; done
	run -0 --separate-stderr mybox push $plain/k/deb:2
	[[ $stderr =~ "Layer already exists" ]]
	[ "$(layers $plain/k/deb:1)" = "$(layers $plain/k/deb:2)" ]
	# Where it is not, it is pressed here.
	run -0 --separate-stderr mybox push $plain/l/deb:2
	[[ $stderr =~ "Pushed" ]]
	[ "$(layers $plain/k/deb:1)" != "$(layers $plain/l/deb:2)" ]
}

@test "push: an imported image, and every kind of member in its archive" {
	python3 - "$work/odd.tar" <<-'EOT'
		import io, sys, tarfile
		with tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT) as tar:
		    def add(name, data=None, **kind):
		        info = tarfile.TarInfo(name)
		        for key, value in kind.items():
		            setattr(info, key, value)
		        info.size = len(data or b"")
		        tar.addfile(info, io.BytesIO(data or b""))
		    add("./bin", type=tarfile.DIRTYPE, mode=0o755)
		    add("./bin/a", b"a" * 513, mode=0o4755, mtime=1.5)
		    add("bin/b", type=tarfile.LNKTYPE, linkname="./bin/a")
		    add("link", type=tarfile.SYMTYPE, linkname="bin")
		    add("/absolute", b"x")
		    add("link/through", b"through a link" * 1000)
		    add("long/" + "n" * 200 + "/" + "m" * 120, b"long", uid=1 << 22)
		    add("fifo", type=tarfile.FIFOTYPE)
		    add("empty", b"")
		    add("block", b"b" * 512)
		    add("xattr", b"y", pax_headers={"SCHILY.xattr.user.k": "v", "comment": "path=evil"})
	EOT
	tar -C "$work" --format=gnu -S -cf "$work/sparse.tar" --files-from <(
		cd "$work" || exit
		truncate -s 1M sparse
		printf x | dd of=sparse bs=1 seek=500000 conv=notrunc status=none
		mkdir -p "$(printf 'l%.0s' {1..120})"
		echo long >"$(printf 'l%.0s' {1..120})/file"
		echo sparse
		printf 'l%.0s' {1..120}
	)
	for kind in odd sparse; do
		mybox import -q "$work/$kind.tar" $plain/e/$kind:1 2>/dev/null >/dev/null
		mybox push -q $plain/e/$kind:1
		rm -rf "$work/copy"
		copy --src-tls-verify=false "docker://$plain/e/$kind:1" "dir:$work/copy"
		is_itself
	done
}

@test "push: many layers, with a login by token" {
	mybox pull -q $server/good/a
	mybox login -u me -p secret $server 2>/dev/null
	mybox tag $server/good/a $server/token-private/b:1
	mybox tag $server/good/a $server/upload-flaky/b:1
	mybox tag $server/good/a $server/upload-breaks/b:1
	mybox push -q $server/token-private/b:1
	run -0 requests 5042 'GET /token.*scope=repository%3Atoken-private%2Fb%3Apull%2Cpush'
	[ "$output" -ge 1 ]
	mybox rmi -f $server/good/a $server/token-private/b:1 $server/upload-flaky/b:1 $server/upload-breaks/b:1 >/dev/null
	mybox pull -q $server/token-private/b:1
}

@test "push: where nothing may be taken from next door, it is sent" {
	mybox pull -q $server/good/a
	for behaviour in token-foreign token-unmounted; do
		mybox tag $server/good/a $server/$behaviour/b:1
		run -0 --separate-stderr mybox push $server/$behaviour/b:1
		[[ $stderr =~ Pushed ]]
		run -0 requests 5042 "POST /v2/$behaviour/b/blobs/uploads/\\?mount="
		[ "$output" -ge 1 ]
		run -0 requests 5042 "PUT /v2/$behaviour/b/blobs/uploads/"
		[ "$output" = 4 ]
	done
	# Of three lanes each has asked for the neighbour's rights once at most.
	run -0 requests 5042 'GET /token.*scope=repository%3Atoken-foreign.*scope=repository%3Agood'
	[ "$output" -le 3 ]
	mybox rmi -f $server/good/a $server/token-foreign/b:1 $server/token-unmounted/b:1 >/dev/null
	mybox pull -q $server/token-foreign/b:1
}

@test "push: a registry that fails once, or for good" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	for behaviour in upload-flaky upload-breaks; do
		mybox tag deb $server/$behaviour/c:1
		mybox push -q $server/$behaviour/c:1
	done
	mybox tag deb $server/no-upload/c:1
	run -1 --separate-stderr mybox push -q $server/no-upload/d:1
	[ "$stderr" = "An image does not exist locally with the tag: $server/no-upload/d:1" ]
	mybox import -q "$images/rootfs.tar" $server/no-upload/c:2 >/dev/null 2>&1
	run -1 --separate-stderr mybox push -q $server/no-upload/c:2
	[[ $stderr =~ ^"mybox: cannot push '$server/no-upload/c:2': ".*"read only (status 405)"$ ]]
	mybox import -q "$images/rootfs.tar" $server/no-location/c:2 >/dev/null 2>&1
	run -1 --separate-stderr mybox push -q $server/no-location/c:2
	[[ $stderr =~ "does not say where to send" ]]
}

@test "push: a layer that was changed behind our back is not sent" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	mybox tag deb $plain/f/deb:1
	file=$(find "$root"/layers/*/diff -type f -size +1k | head -1)
	printf x | dd of="$file" bs=1 conv=notrunc status=none
	run -1 --separate-stderr mybox push -q $plain/f/deb:1
	[[ $stderr =~ "its files are no longer those of 'sha256:" ]]
	run ! raw $plain/f/deb:1
}

# types NAME: the media types of its layers.
types() { raw "$1" | python3 -c 'import json, sys; print(*sorted({l["mediaType"] for l in json.load(sys.stdin)["layers"]}))'; }

@test "push --compression-format: zstd and levels, to the same bytes on any number of cores" {
	dd if=/dev/urandom of="$work/noise" bs=100k count=20 status=none
	tar -C "$work" -cf "$work/big.tar" noise
	mybox import -q "$work/big.tar" $plain/g/big:1 2>/dev/null >/dev/null
	mybox tag $plain/g/big:1 $plain/h/big:1
	mybox push -q --compression-format zstd $plain/g/big:1
	[ "$(types $plain/g/big:1)" = application/vnd.oci.image.layer.v1.tar+zstd ]
	raw $plain/g/big:1 | grep -q '"mediaType":"application/vnd.oci.image.manifest.v1+json"'
	zstd_layer=$(layers $plain/g/big:1)
	# What is there as it was not asked for does not count; what may be either does.
	mybox push -q --compression-format gzip $plain/g/big:1
	[ "$(types $plain/g/big:1)" = application/vnd.docker.image.rootfs.diff.tar.gzip ]
	gzip_layer=$(layers $plain/g/big:1)
	mybox push -q $plain/h/big:1
	[ "$(layers $plain/h/big:1)" = "$gzip_layer" ]
	rm -rf "$work/copy"
	copy --src-tls-verify=false docker://$plain/g/big:1 "dir:$work/copy"
	is_itself
	# Another registry, with one core in place of all: nothing but the bytes decides.
	for kind in gzip zstd; do
		mybox tag $plain/g/big:1 127.0.0.1:5041/$kind/big:1
		taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')" \
			"${box[@]}" push -q --compression-format $kind 127.0.0.1:5041/$kind/big:1
	done
	[ "$(layers 127.0.0.1:5041/gzip/big:1)" = "$gzip_layer" ]
	[ "$(layers 127.0.0.1:5041/zstd/big:1)" = "$zstd_layer" ]
	# Others unpack the blocks, too, to the same tar: load looks at its digest.
	id=$(mybox inspect -f '{{.Id}}' $plain/g/big:1)
	mybox rmi -f "$id" >/dev/null
	rm -rf "$work/out.tar" "$work/copy"
	copy --src-tls-verify=false docker://127.0.0.1:5041/gzip/big:1 "docker-archive:$work/out.tar:big:1"
	mybox load -q -i "$work/out.tar"
	[ "$(mybox inspect -f '{{.Id}}' big:1)" = "$id" ]
	diff=$(mybox inspect -f '{{index .RootFS.Layers 0}}' big:1)
	mybox rmi big:1 >/dev/null
	copy --src-tls-verify=false docker://127.0.0.1:5041/zstd/big:1 "dir:$work/copy"
	[ "sha256:$(zstd -dcq <"$work/copy/${zstd_layer#*:}" | sha256sum | cut -d' ' -f1)" = "$diff" ]
	mybox pull -q 127.0.0.1:5041/gzip/big:1
	mybox push -q --compression-level 1 127.0.0.1:5041/gzip/big:1
	mybox rmi -f "$id" >/dev/null
	mybox pull -q 127.0.0.1:5041/zstd/big:1
	[ "$(mybox inspect -f '{{.Id}}' 127.0.0.1:5041/zstd/big:1)" = "$id" ]
	run -1 --separate-stderr mybox push --compression-level 10 127.0.0.1:5041/zstd/big:1
	[[ $stderr = "mybox: cannot push '127.0.0.1:5041/zstd/big:1': invalid compression level 10: gzip has 1 to 9" ]]
	run -125 --separate-stderr mybox push --compression-format lzma 127.0.0.1:5041/zstd/big:1
}

@test "push -a: every tag that the repository has here, and no other" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	for name in i/deb:1 i/deb:two i/deb-other:1; do mybox tag deb $plain/$name; done
	run -0 --separate-stderr mybox push -a $plain/i/deb
	[ "${lines[0]}" = "The push refers to repository [$plain/i/deb]" ]
	[[ ${lines[1]} =~ ^1:\ digest:\ sha256: ]]
	[[ ${lines[2]} =~ ^two:\ digest:\ sha256: ]]
	[ ${#lines[@]} = 3 ]
	[ "$(raw $plain/i/deb:1)" = "$(raw $plain/i/deb:two)" ]
	run ! raw $plain/i/deb-other:1
	run -1 --separate-stderr mybox push -a $plain/i/deb:1
	[ "$stderr" = "mybox: tag can't be used with --all-tags/-a" ]
	run -1 --separate-stderr mybox push -q -a $plain/i/nothing
	[ "$stderr" = "An image does not exist locally with the tag: $plain/i/nothing" ]
}

@test "push: where blobs are too large in one piece, in parts" {
	for behaviour in small-parts part-breaks; do
		dd if=/dev/urandom of="$work/noise" bs=100k count=30 status=none
		tar -C "$work" -cf "$work/big.tar" noise
		mybox import -q "$work/big.tar" $server/$behaviour/x:1 2>/dev/null >/dev/null
		mybox push -q $server/$behaviour/x:1
	done
	run -0 requests 5042 "PATCH /v2/small-parts/x/blobs/uploads/"
	[ "$output" -ge 4 ]
	run -0 requests 5042 "GET /v2/part-breaks/x/blobs/uploads/"
	[ "$output" = 1 ]
	rm -rf "$work/copy"
	copy --src-tls-verify=false "docker://$server/part-breaks/x:1" "dir:$work/copy"
	is_itself
}
