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
	mybox build -q -o type=registry,name=$plain/b:1 "$ctx" >/dev/null && raw $plain/b:1 >/dev/null
	run -1 mybox build -t 127.0.0.1:1/x --push "$ctx"
	[[ "$output" == *'ERROR'*'mybox: failed to build: '* ]]
}
