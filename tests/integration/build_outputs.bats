#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a build gives besides an image, and where its files come from.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store build_outputs.bats
	mybox tag deb kept
}
setup() {
	root=/run/mybox-test/build_outputs.bats/root run=/run/mybox-test/build_outputs.bats/run
	ctx=$BATS_TEST_TMPDIR/ctx out=$BATS_TEST_TMPDIR/out
	mkdir -p "$ctx"
}
teardown() {
	remove_images_but kept
	teardown_store
	[ -z "$(ls "$root/ingest")" ]
}

dockerfile() { cat >"$ctx/Dockerfile"; }
build() { mybox build -t made "$@" "$ctx"; }
key() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2]))' "$@"; }

@test "build -o: the tree of a stage in a directory or a tar" {
	dockerfile <<-'EOF'
		FROM deb AS make
		RUN mkdir -p /o/d && echo a >/o/a && echo b >/o/d/b && chmod 700 /o/d && ln -s a /o/l && chown -R 1000:1000 /o && ln /o/a /o/h
		FROM scratch
		COPY --from=make /o /
	EOF
	mkdir "$out"
	echo mine >"$out/mine"
	ln -s /nowhere "$out/a"
	run -0 --separate-stderr build -o "$out"
	[ "$output" = '' ]
	[[ "$stderr" == *'exporting to client directory'* ]]
	[ "$(cat "$out/a" "$out/d/b" "$out/mine" "$out/l")" = $'a\nb\nmine\na' ]
	[ ! -L "$out/a" ]
	[ "$(stat -c '%a %u:%g' "$out/d" "$out/a")" = $'700 0:0\n644 0:0' ]
	[ -z "$(mybox images -q made)" ]
	# The same as a tar, to stdout and to a file, with the owners that they have in the image.
	build -q -o - >"$BATS_TEST_TMPDIR/1.tar"
	build -q -o type=tar,dest="$BATS_TEST_TMPDIR/2.tar"
	cmp "$BATS_TEST_TMPDIR/1.tar" "$BATS_TEST_TMPDIR/2.tar"
	run -0 tar -tvf "$BATS_TEST_TMPDIR/1.tar" --numeric-owner
	[[ "$output" == *'drwx------ 1000/1000 '*' d/'* ]]
	[[ "$output" == *'l -> a'* ]]
	# A new directory and its parents; several at once.
	build -o type=local,dest="$out/x/y" -o type=cacheonly --load
	[ -e "$out/x/y/d/b" ]
	[ -n "$(mybox images -q made)" ]
	# Neither "." nor ".." nor a link is taken for another place than it is.
	mkdir "$BATS_TEST_TMPDIR/work"
	ln -s "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/work/link"
	(cd "$BATS_TEST_TMPDIR/work" && build -q -o ../up/o -o ./o -o link/z --cache-to type=local,dest=../up/c)
	[ -e "$BATS_TEST_TMPDIR/up/o/a" ]
	[ -e "$BATS_TEST_TMPDIR/up/c/mybox-cache.tar" ]
	[ -e "$BATS_TEST_TMPDIR/work/o/a" ]
	[ -e "$out/z/a" ]
	# A failure leaves none of them.
	printf 'FROM deb\nRUN false\n' | dockerfile
	run -1 build -o "$out/new" -o type=tar,dest="$BATS_TEST_TMPDIR/3.tar"
	[ ! -e "$out/new" ]
	[ -z "$(ls "$BATS_TEST_TMPDIR" | grep '^3.tar')" ]
}

@test "build -o: a link where something is to be written leads nowhere" {
	mkdir "$out" "$BATS_TEST_TMPDIR/canary"
	ln -s "$BATS_TEST_TMPDIR/canary" "$out/d"
	printf 'FROM scratch\nCOPY . /d/\n' | dockerfile
	run -1 build -o "$out"
	[[ "$output" == *'cannot copy to non-directory'* ]]
	[ -z "$(ls "$BATS_TEST_TMPDIR/canary")" ]
}

@test "build -o: no power of the image's comes to the host's files" {
	dockerfile <<-'EOF'
		FROM deb AS make
		RUN mkdir /o && cp /bin/true /o/set && chmod 6755 /o/set && mkdir /o/d && chmod 3777 /o/d && mknod /o/null c 1 3 && echo a >/o/a
		FROM scratch
		COPY --from=make /o /
	EOF
	build -o "$out"
	[ "$(stat -c %a "$out/set" "$out/d" "$out/a")" = $'755\n1777\n644' ]
	[ ! -e "$out/null" ]
	build -q -o type=tar,dest="$BATS_TEST_TMPDIR/power.tar"
	run -0 tar -tvf "$BATS_TEST_TMPDIR/power.tar"
	[[ "$output" == *'-rwsr-sr-x '*' set'* ]]
}

@test "build -o: archives, with docker's list and without, names and annotations" {
	printf 'FROM deb\nCMD ["echo", "from an archive"]\n' | dockerfile
	build -q -t made:two --annotation a=b --annotation manifest:c=d --metadata-file "$out.json" -o type=oci,dest="$out.oci" -o type=docker,dest="$out.docker"
	[ -z "$(mybox images -q made)" ]
	[ -z "$(mybox images -q -f dangling=true)" ]
	run -0 tar -tf "$out.oci"
	[[ "$output" == *index.json* ]]
	[[ "$output" != *manifest.json* ]]
	run -0 tar -tf "$out.docker"
	[[ "$output" == *manifest.json* ]]
	local digest
	digest=$(key "$out.json" containerimage.digest)
	run -0 tar -xOf "$out.oci" "blobs/sha256/${digest#*:}"
	[[ "$output" == *'"annotations":{"a":"b","c":"d"}'* ]]
	[ "$(key "$out.json" image.name)" = docker.io/library/made:latest,docker.io/library/made:two ]
	[[ "$(key "$out.json" containerimage.descriptor)" == *"$digest"* ]]
	run -0 mybox load -i "$out.oci"
	[[ "$output" == *made:latest*made:two* ]]
	[ "sha256:$(mybox images -q --no-trunc made:two | sed 's/^sha256://')" = "$(key "$out.json" containerimage.config.digest)" ]
	[ "$(mybox run --rm made)" = 'from an archive' ]
	# An image that was here stays.
	build -q -o type=docker,dest="$out.docker"
	[ -n "$(mybox images -q made)" ]
	# To the store, by name in the output alone.
	mybox build -q -o type=image,name=other:1 "$ctx"
	[ "$(mybox run --rm other:1)" = 'from an archive' ]
}

@test "build: outputs that are none are refused by name" {
	printf 'FROM deb\n' | dockerfile
	local bad
	for bad in 'type=nosuch,dest=x|unknown output type' 'dest=x|type is required' 'type=local|dest is required' \
		'type=image,dest=x|dest cannot be used' 'type=tar,push=true,dest=x|push cannot be used' 'type=oci,tar=false,dest=x|not supported' 'type=image,a|invalid value a'; do
		run -1 build -o "${bad%|*}"
		[[ "$output" == "mybox: --output ${bad%|*}: "*"${bad#*|}"* ]] || { echo "$bad: $output"; false; }
	done
	run -1 build --annotation index:a=b
	[[ "$output" == *'has a manifest alone'* ]]
	run -1 build --annotation a
	[[ "$output" == *'expected key=value'* ]]
	run -1 build --provenance=mode=max
	[[ "$output" == *'attestations are not supported'* ]]
	run -1 build --sbom
	[[ "$output" == *'attestations are not supported'* ]]
	run -1 build --attest type=sbom,disabled=true --attest type=provenance,mode=max
	[ "$output" = 'mybox: --attest=type=provenance,mode=max: attestations are not supported' ]
	run -1 mybox build --push "$ctx"
	[[ "$output" == *'tag is needed when pushing'* ]]
	build -q --provenance=false --sbom=false --attest type=sbom,disabled=true
	build -q --provenance=mode=min,disabled=true --sbom=disabled=true
	[[ "$(mybox buildx version)" =~ ^mybox/buildx\ v[0-9]+\.[0-9]+\.[0-9]+\  ]]
}

@test "build --progress rawjson: documents that say what plain text says" {
	printf 'FROM deb\nRUN echo out; echo err >&2\n' | dockerfile
	run -0 --separate-stderr build --progress rawjson
	run -0 python3 - <<-EOF
		import base64, json
		names, done, text = {}, set(), b""
		for line in """$stderr""".splitlines():
		    d = json.loads(line)
		    for v in d.get("vertexes", []):
		        names[v["digest"]] = v["name"]
		        if "completed" in v: done.add(v["name"])
		    for l in d.get("logs", []):
		        assert names[l["vertex"]].endswith("RUN echo out; echo err >&2")
		        text += base64.b64decode(l["data"])
		assert sorted(text.split()) == [b"err", b"out"], text
		assert set(names.values()) == done and len(done) == 3, (names, done)
	EOF
}

# A build that is stopped where it saves, as nobody reads: saves; $builder is it, and $id the image.
saves() {
	"$MYBOX" --root "$root" --runroot "$run" build -q -o type=oci,dest=- "$ctx" >"$BATS_TEST_TMPDIR/full" 2>&1 &
	builder=$!
	wait_until 30 is_saved
	id=$(mybox images -q --no-trunc -f dangling=true)
}
is_saved() { [ -n "$(mybox images -q -f dangling=true)" ]; }
locks() { (cd "$run/locks" && compgen -G 'given-*'); }
killed() {
	saves
	kill -9 $builder
	wait $builder || true
	[ "$(locks)" = "given-${id#sha256:}" ]
}
is_clean() {
	run ! locks
	[ -z "$(mybox images -q -f dangling=true)" ]
	mybox system check
}

@test "build: what a killed one had only to save goes with the next of the kind, or a check" {
	local id builder reader
	printf 'FROM deb\nRUN echo x >/x\n' | dockerfile
	mkfifo "$BATS_TEST_TMPDIR/full"
	exec 7<>"$BATS_TEST_TMPDIR/full"
	killed
	run -2 mybox system check
	[ "$output" = "image $id: was for a build that is gone" ]
	mybox build -q -o type=oci,dest="$BATS_TEST_TMPDIR/other.tar" - <<<$'FROM deb\nLABEL a=b'
	is_clean
	killed
	run -1 mybox system check --repair
	[ "$output" = "image $id: was for a build that is gone (repaired)" ]
	is_clean
	# A boot takes the lock along, and nothing else.
	killed
	rm "$run/locks/given-${id#sha256:}"
	run -2 mybox system check
	[ "$output" = "image $id: was for a build that is gone" ]
	run ! locks
	run -1 mybox system check --repair
	is_clean
	# What a container was made of stays as long as that.
	killed
	mybox create --name user "$id" true
	run -1 mybox system check --repair
	[ "$(mybox images -q --no-trunc -f dangling=true)" = "$id" ]
	mybox system check
	mybox start user
	mybox rm -f user
	run -1 mybox system check --repair
	is_clean
	# Of one that is at work nothing goes.
	saves
	mybox system check --repair
	mybox build -q -o type=oci,dest="$BATS_TEST_TMPDIR/other.tar" - <<<$'FROM deb\nLABEL a=b'
	[ "$(mybox images -q --no-trunc -f dangling=true)" = "$id" ]
	cat <&7 >/dev/null &
	reader=$!
	wait $builder
	kill $reader
	exec 7<&-
	is_clean
}
