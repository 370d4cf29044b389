#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Steps that travel from one store to another, and those that are done again on purpose.
load helpers

setup_file() {
	setup_store build_cache.bats
	mybox tag deb kept
}
setup() {
	root=/run/mybox-test/build_cache.bats/root run=/run/mybox-test/build_cache.bats/run
	ctx=$BATS_TEST_TMPDIR/ctx cache=$BATS_TEST_TMPDIR/cache
	mkdir -p "$ctx"
	cat >"$ctx/Dockerfile" <<-'EOF'
		FROM deb AS make
		RUN cat /proc/sys/kernel/random/uuid >/made; ln /made /hard
		FROM deb
		COPY Dockerfile /
		RUN cat /proc/sys/kernel/random/uuid >/own
		COPY --from=make /made /made
	EOF
}
teardown() {
	remove_images_but kept
	mybox builder prune -af >/dev/null
	teardown_store
	[ -z "$(ls "$root/ingest")" ]
}
build() { mybox build -t made "$@" "$ctx"; }
ids() { mybox run --rm made cat /own /made; }
forget() {
	mybox rmi -f made >/dev/null
	mybox builder prune -af >/dev/null
}

@test "build --cache-to and --cache-from: a directory, of the target or of all" {
	build -q --cache-to type=local,dest="$cache/max",mode=max --cache-to type=local,dest="$cache/again"
	local was
	was=$(ids)
	# Nothing but the image is left here, and nothing has a name that was not asked for.
	[ "$(mybox images -q | sort -u | wc -l)" = 2 ]
	forget
	build -q
	[ "$(ids)" != "$was" ]
	forget
	run -0 build --cache-from type=local,src="$cache/max"
	[ "$(grep -c CACHED <<<"$output")" = 4 ]
	[ "$(ids)" = "$was" ]
	[ "$(mybox images -q | sort -u | wc -l)" = 2 ]
	# Of the target alone: what the other stage did is done again.
	forget
	build -q
	was=$(ids)
	build -q --cache-to type=local,dest="$cache/min"
	forget
	run -0 build --cache-from type=local,src="$cache/min"
	[ "$(grep -c CACHED <<<"$output")" = 2 ]
	[ "$(ids | head -1)" = "$(head -1 <<<"$was")" ]
	# What is not there, or no cache, is a warning.
	run -0 build --cache-from type=local,src="$cache/nosuch"
	[[ "$output" == *"WARNING: no cache from '$cache/nosuch': "* ]]
	mkdir "$cache/bad"
	echo rubbish >"$cache/bad/mybox-cache.tar"
	run -0 build --cache-from type=local,src="$cache/bad"
	[[ "$output" == *"WARNING: no cache from"* ]]
	# A build that fails gives nothing.
	sed -i 's/^COPY --from.*/RUN false/' "$ctx/Dockerfile"
	run -1 build --cache-to type=local,dest="$cache/failed"
	[ ! -e "$cache/failed" ]
}

@test "build --cache-from: its steps are for builds that name it, and what was made here stays" {
	build -q --cache-to type=local,dest="$cache"
	local was own
	was=$(ids)
	forget
	build -q
	own=$(ids)
	[ "$own" != "$was" ]
	# The same steps with other content: nothing changes here, for this build or the next.
	run -0 build --cache-from type=local,src="$cache"
	[ "$(grep -c CACHED <<<"$output")" = 4 ]
	[ "$(ids)" = "$own" ]
	build -q
	[ "$(ids)" = "$own" ]
	# Where there are none yet, they are used, as long as somebody asks for them.
	forget
	cp -r "$cache" "$cache.other"
	build -q --cache-from type=local,src="$cache"
	[ "$(ids | head -1)" = "$(head -1 <<<"$was")" ]
	cd "$cache"
	build -q --cache-from type=local,src=.
	[ "$(ids | head -1)" = "$(head -1 <<<"$was")" ]
	build -q
	[ "$(ids | head -1)" != "$(head -1 <<<"$was")" ]
	[ "$(ids | tail -1)" != "$(tail -1 <<<"$was")" ]
}

# begin [OPTIONS]: a build beside us, $builder, that says what it does in "out".
begin() {
	"$MYBOX" --root "$root" --runroot "$run" build -t made "$@" "$ctx" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- 9>&- &
	builder=$!
}
dangling() { [ -n "$(mybox images -q -f dangling=true)" ]; }

@test "build --cache-from: another build is done with the cache's images before us" {
	local was builder
	build -q --cache-to type=local,dest="$cache",mode=max
	was=$(ids)
	forget
	# It has brought them in, and waits before it takes their steps.
	exec 9>"$run/locks/steps"
	flock -x 9
	begin --cache-from type=local,src="$cache"
	wait_until 20 dangling
	mybox images -q --no-trunc -f dangling=true | xargs "$MYBOX" --root "$root" --runroot "$run" rmi >/dev/null
	exec 9>&-
	wait "$builder"
	run -1 grep 'no cache from' "$BATS_TEST_TMPDIR/out"
	[ "$(grep -c CACHED "$BATS_TEST_TMPDIR/out")" = 4 ]
	[ "$(ids)" = "$was" ]
	run ! dangling
}

@test "build --cache-from: another build takes the same steps from a copy before we use them" {
	local was builder
	build -q --cache-to type=local,dest="$cache",mode=max
	was=$(ids)
	forget
	cp -r "$cache" "$cache.copy"
	mkdir "$cache.slow"
	mkfifo "$cache.slow/mybox-cache.tar"
	begin --cache-from type=local,src="$cache" --cache-from type=local,src="$cache.slow"
	# When the second has a reader the first has been taken.
	exec 9>"$cache.slow/mybox-cache.tar"
	mybox build -q -t other --cache-from type=local,src="$cache.copy" "$ctx" >/dev/null
	exec 9>&-
	wait "$builder"
	[ "$(grep -c CACHED "$BATS_TEST_TMPDIR/out")" = 4 ]
	[ "$(ids)" = "$was" ]
	[ "$(mybox run --rm other cat /own /made)" = "$was" ]
	# Who names neither uses neither.
	mybox rmi -f made other >/dev/null
	build -q
	[ "$(ids | head -1)" != "$(head -1 <<<"$was")" ]
}

waits_for_a_lock() { grep -q -- "-> FLOCK .* $1 " /proc/locks; }

@test "build: what is made here is written after whoever looks at a step now" {
	local builder
	printf 'FROM deb\nRUN true >/made\n' >"$ctx/Dockerfile"
	exec 9>"$run/locks/steps"
	flock -x 9
	begin
	wait_until 20 waits_for_a_lock "$builder"
	exec 9>&-
	wait "$builder"
}

# held NAME: a build, $builder, that cannot write its cache until somebody reads NAME's.
held() {
	mkdir "$cache.$1"
	mkfifo "$cache.$1/mybox-cache.tar"
	begin -o type=cacheonly --cache-to type=local,dest="$cache.$1",mode=max
	wait_until 20 grep -q 'exporting cache' "$BATS_TEST_TMPDIR/out"
}

@test "build --cache-to: another build is done with the same images before us" {
	local first builder
	build -q
	# One that makes the images, and one that finds them.
	held one
	wait_until 20 dangling
	first=$builder
	held two
	cat "$cache.one/mybox-cache.tar" >"$cache.one/got"
	wait "$first"
	dangling
	cat "$cache.two/mybox-cache.tar" >"$cache.two/got"
	wait "$builder"
	cmp "$cache.one/got" "$cache.two/got"
	run ! dangling
	[ -z "$(ls "$run/locks" | grep given)" ]
	# The image itself stays, when it is one.
	mybox rmi -f made >/dev/null
	mybox build -q --iidfile "$BATS_TEST_TMPDIR/id" --cache-to type=inline --cache-to type=local,dest="$cache" "$ctx"
	mybox image inspect "$(cat "$BATS_TEST_TMPDIR/id")" >/dev/null
	mybox build -q --cache-to type=inline --cache-to type=local,dest="$cache" "$ctx"
	mybox image inspect "$(cat "$BATS_TEST_TMPDIR/id")" >/dev/null
	[ -z "$(ls "$run/locks" | grep given)" ]
}

@test "build --cache-from: what another build is giving away stays until it is done" {
	local first builder
	build -q --cache-to type=local,dest="$cache",mode=max
	# The one who imports was first to have them here.
	exec 9>"$run/locks/steps"
	flock -x 9
	begin -o type=cacheonly --cache-from type=local,src="$cache"
	wait_until 20 dangling
	first=$builder
	held one
	exec 9>&-
	wait "$first"
	dangling
	cat "$cache.one/mybox-cache.tar" >"$cache.one/got"
	wait "$builder"
	run ! dangling
}

@test "build --cache-to: an image that somebody makes or names meanwhile is his" {
	local builder id
	# By a build of his own.
	held one
	wait_until 20 dangling
	id=$(mybox images -q --no-trunc -f dangling=true | sed -n 1p)
	build -q
	mybox tag "$id" his
	mybox untag his
	cat "$cache.one/mybox-cache.tar" >/dev/null
	wait "$builder"
	[ "$(mybox images -q --no-trunc -f dangling=true)" = "$id" ]
	mybox rmi "$id" >/dev/null
	# What a build left that was killed is no sign for the next one, either.
	held two
	wait_until 20 dangling
	kill -KILL "$builder"
	wait "$builder" || true
	dangling
	id=$(mybox build -q --cache-to type=inline "$ctx")
	build -q --cache-to type=local,dest="$cache",mode=max
	mybox image inspect "$id" >/dev/null
	mybox rmi -f "$id" >/dev/null
	run ! dangling
}

# lie WHAT: a cache that says so.
lie() {
	python3 - "$cache/mybox-cache.tar" "$BATS_TEST_TMPDIR/$1" "$1" <<-'EOF'
		import hashlib, json, os, subprocess, sys
		tar, top, what = sys.argv[1:]
		os.mkdir(top)
		subprocess.run(["tar", "-xf", tar, "-C", top], check=True)
		blob = lambda digest: f"{top}/blobs/sha256/{digest[7:]}"
		def put(entry, value):
		    data = json.dumps(value).encode()
		    entry["digest"], entry["size"] = "sha256:" + hashlib.sha256(data).hexdigest(), len(data)
		    open(blob(entry["digest"]), "wb").write(data)
		index = json.load(open(f"{top}/index.json"))
		for entry in index["manifests"]:
		    manifest = json.load(open(blob(entry["digest"])))
		    config = json.load(open(blob(manifest["config"]["digest"])))
		    if what == "times":
		        for h in config["history"]: h["created"] = "2099-01-01T00:00:00Z"
		    else: # they stand on something else
		        for v in manifest["layers"], config["rootfs"]["diff_ids"]: v[0], v[1] = v[1], v[0]
		    put(manifest["config"], config)
		    put(entry, manifest)
		json.dump(index, open(f"{top}/index.json", "w"))
		for old in (f"{top}/manifest.json", f"{top}/repositories"):
		    if os.path.exists(old): os.remove(old)
		subprocess.run(["tar", "-cf", tar, "-C", top, "."], check=True)
	EOF
}

@test "build --cache-from: a history that lies" {
	local was
	build -q --cache-to type=local,dest="$cache"
	was=$(ids)
	lie times
	forget
	run -0 build --cache-from type=local,src="$cache"
	[[ "$output" != *'WARNING: no cache'* ]]
	[ "$(ids | head -1)" = "$(head -1 <<<"$was")" ]
	[ "$(mybox image inspect -f '{{.Created}}' made | cut -c1-4)" -lt 2099 ]
	[[ "$(mybox history --format '{{.CreatedAt}}' made)" != *2099* ]]
	lie layers
	forget
	run -0 build --cache-from type=local,src="$cache"
	[[ "$output" != *'WARNING: no cache'* ]]
	[[ "$output" != *CACHED* ]]
	[ "$(ids | head -1)" != "$(head -1 <<<"$was")" ]
}

@test "build --cache-to inline: the image itself has its steps" {
	build -q --cache-to type=inline >/dev/null
	local was
	was=$(ids)
	[[ "$(mybox history --no-trunc --format '{{.Comment}}' made)" == *'mybox build '[0-9a-f]* ]]
	mkdir "$cache"
	mybox save -o "$cache/mybox-cache.tar" made
	forget
	run -0 build --cache-from type=local,src="$cache"
	[ "$(grep -c CACHED <<<"$output")" = 2 ]
	[ "$(ids | head -1)" = "$(head -1 <<<"$was")" ]
	# The same with the argument that docker has for it.
	forget
	build -q --build-arg BUILDKIT_INLINE_CACHE=1
	[[ "$(mybox history --no-trunc --format '{{.Comment}}' made)" == *'mybox build '[0-9a-f]* ]]
	[ "$(ids)" != "$was" ]
	# Without a name it is the very image that is given away, and stays; as often as it is done.
	mybox rmi -f made >/dev/null
	for _ in 1 2; do
		mybox build -q --iidfile "$cache/id" --cache-to type=inline --cache-to type=local,dest="$cache/again" "$ctx"
		mybox image inspect "$(cat "$cache/id")" >/dev/null
	done
}

@test "build: caches of other kinds are refused by name" {
	local bad
	for bad in 'from type=gha|not supported' 'to type=s3,bucket=x|not supported' 'from type=local|src is required' 'to type=registry|ref is required' \
		'to type=inline,mode=max|of its own stage alone' 'to type=local,dest=x,compression=zstd|not supported' 'from type=inline|in an image' 'from ref=x|type required'; do
		run -1 build --cache-${bad%% *} "$(cut -d' ' -f2 <<<"${bad%|*}")"
		[[ "$output" == "mybox: --cache-"*"${bad#*|}"* ]] || { echo "$bad: $output"; false; }
	done
}

@test "build --no-cache-filter: the steps of one stage are done again" {
	build -q
	local own made
	own=$(ids | head -1) made=$(ids | tail -1)
	build -q --no-cache-filter make
	[ "$(ids | head -1)" = "$own" ]
	[ "$(ids | tail -1)" != "$made" ]
	run -0 build --no-cache-filter nosuch
	[ "$(grep -c CACHED <<<"$output")" = 4 ]
}
