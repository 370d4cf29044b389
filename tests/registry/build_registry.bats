#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds that talk to registries and servers.
load helpers

plain=127.0.0.1:5140

serve_file() { start_registry 5140; }

teardown() {
	mybox images -q | sort -u | xargs -r "${box[@]}" rmi -f >/dev/null
	mybox builder prune -af >/dev/null
	teardown_store
}
dockerfile() {
	ctx=$BATS_TEST_TMPDIR/ctx
	mkdir -p "$ctx"
	cat >"$ctx/Dockerfile"
}
raw() { skopeo inspect --raw --tls-verify=false "docker://$1"; }

@test "build --push: names, manifest and annotations arrive, and are told of" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	dockerfile <<<$'FROM deb\nRUN echo made >/made'
	run -0 --separate-stderr mybox build -t $plain/a/made:1 -t $plain/a/made:2 --push --annotation k=v --metadata-file "$BATS_TEST_TMPDIR/m" "$ctx"
	[[ "$stderr" == *'pushing to registry'*"pushing manifest for $plain/a/made:1@sha256:"* ]]
	[[ "$(raw $plain/a/made:2)" == *'"annotations":{"k":"v"}'* ]]
	[ "sha256:$(raw $plain/a/made:1 | sha256sum | cut -d' ' -f1)" = "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["containerimage.digest"])' "$BATS_TEST_TMPDIR/m")" ]
	[ "$(mybox run --rm $plain/a/made:1 cat /made)" = made ]
	mybox build -q -o type=registry,name=$plain/b:1 "$ctx" >/dev/null
	raw $plain/b:1 >/dev/null
	run -1 mybox build -t 127.0.0.1:1/x --push "$ctx"
	[[ "$output" == *'ERROR'*'mybox: failed to build: '* ]]
}

@test "build --cache-to and --cache-from by a registry" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	dockerfile <<<$'FROM deb\nRUN cat /proc/sys/kernel/random/uuid >/id\nRUN echo second >>/id'
	mybox build -q -t made --cache-to type=registry,ref=$plain/cache:1 "$ctx"
	local was
	was=$(mybox run --rm made cat /id)
	# It has no name here, and what has that name is what it was.
	[ -z "$(mybox images -q $plain/cache)" ]
	mybox tag deb $plain/cache:1
	local id
	id=$(mybox images -q --no-trunc deb)
	mybox build -q -t made --cache-to type=registry,ref=$plain/cache:1 "$ctx"
	[ "$(mybox images -q --no-trunc $plain/cache:1)" = "$id" ]
	mybox rmi -f made >/dev/null
	mybox builder prune -af >/dev/null
	run -0 mybox build -t made --cache-from $plain/cache:1 "$ctx"
	[ "$(grep -c CACHED <<<"$output")" = 2 ]
	[ "$(mybox run --rm made cat /id)" = "$was" ]
	[ "$(mybox images -q --no-trunc $plain/cache:1)" = "$id" ]
	[ -z "$(mybox images -q -f dangling=true)" ]
	# An image that says itself what it is made of does as well.
	mybox build -q -t $plain/inline:1 --push --cache-from $plain/cache:1 --cache-to type=inline "$ctx"
	mybox rmi -f made $plain/inline:1 $plain/cache:1 >/dev/null
	mybox builder prune -af >/dev/null
	run -0 mybox build -t made --cache-from type=registry,ref=$plain/inline:1 "$ctx"
	[ "$(grep -c CACHED <<<"$output")" = 2 ]
	[ "$(mybox run --rm made cat /id)" = "$was" ]
	run -0 mybox build -t made --cache-from $plain/nosuch:1 "$ctx"
	[[ "$output" == *"WARNING: no cache from '$plain/nosuch:1': "* ]]
}
