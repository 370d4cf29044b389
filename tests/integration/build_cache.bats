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
	forget && build -q && [ "$(ids)" != "$was" ]
	forget && run -0 build --cache-from type=local,src="$cache/max"
	[ "$(grep -c CACHED <<<"$output")" = 4 ]
	[ "$(ids)" = "$was" ]
	[ "$(mybox images -q | sort -u | wc -l)" = 2 ]
	# Of the target alone: what the other stage did is done again.
	forget && build -q && was=$(ids) && build -q --cache-to type=local,dest="$cache/min"
	forget && run -0 build --cache-from type=local,src="$cache/min" && [ "$(grep -c CACHED <<<"$output")" = 2 ] && [ "$(ids | head -1)" = "$(head -1 <<<"$was")" ]
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

@test "build --cache-to inline: the image itself has its steps" {
	build -q --cache-to type=inline >/dev/null
	local was
	was=$(ids)
	[[ "$(mybox history --no-trunc --format '{{.Comment}}' made)" == *'mybox build '[0-9a-f]* ]]
	mybox save -o "$BATS_TEST_TMPDIR/made.tar" made
	forget
	mybox load -q -i "$BATS_TEST_TMPDIR/made.tar"
	# The same bytes with the argument that docker has for it.
	run -0 mybox image inspect -f '{{.Id}}' made
	[[ "$output" == sha256:* ]]
	forget && build -q --build-arg BUILDKIT_INLINE_CACHE=1 && [[ "$(mybox history --no-trunc --format '{{.Comment}}' made)" == *'mybox build '[0-9a-f]* ]] && [ "$(ids)" != "$was" ]
}

@test "build: caches of other kinds are refused by name" {
	local bad
	for bad in 'from type=gha|not supported' 'to type=s3,bucket=x|not supported' 'from type=local|src is required' 'to type=registry|ref is required' \
		'to type=registry,ref=x,mode=max|for type=local alone' 'to type=local,dest=x,compression=zstd|not supported' 'from type=inline|in an image' 'from ref=x|type required'; do
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
