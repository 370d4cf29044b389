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

@test "build --push: what was built is sent, whatever the name means by then" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	dockerfile <<<$'FROM deb\nRUN echo mine >/made'
	# Who is asked for a login on the way to the registry gives the name to another image.
	cat >/usr/local/bin/docker-credential-mybox-tags <<-EOT
		#!/bin/sh
		${box[@]@Q} tag deb $plain/race:1
		exit 1
	EOT
	chmod 755 /usr/local/bin/docker-credential-mybox-tags
	mkdir -p "$HOME/.docker"
	echo '{"credHelpers": {"'$plain'": "mybox-tags"}}' >"$HOME/.docker/config.json"
	chmod 600 "$HOME/.docker/config.json"
	run mybox build -q -t $plain/race:1 --push --metadata-file "$BATS_TEST_TMPDIR/m" "$ctx"
	rm /usr/local/bin/docker-credential-mybox-tags "$HOME/.docker/config.json"
	[ "$status" = 0 ]
	[ "$(mybox images -q $plain/race:1)" = "$(mybox images -q deb)" ]
	run -0 raw $plain/race:1
	local config
	config=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["config"]["digest"])' "$output")
	[ "$config" = "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["containerimage.config.digest"])' "$BATS_TEST_TMPDIR/m")" ]
	# The other image does not get the digest of this one.
	run -0 mybox images --digests --format "{{.Digest}}" $plain/race:1
	[[ $output != *sha256* ]]
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

@test "build --cache-to by a registry with mode=max: the steps of all stages" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	dockerfile <<-'EOF'
		FROM deb AS make
		RUN cat /proc/sys/kernel/random/uuid >/made
		FROM deb AS more
		COPY --from=make /made /made
		RUN cat /proc/sys/kernel/random/uuid >>/made
		FROM deb
		RUN cat /proc/sys/kernel/random/uuid >/own
		COPY --from=more /made /made
	EOF
	ids() { mybox run --rm made cat /own /made; }
	forget() {
		mybox rmi -f made >/dev/null
		mybox builder prune -af >/dev/null
	}
	mybox build -q -t made --cache-to type=registry,ref=$plain/max:1,mode=max --cache-to type=registry,ref=$plain/min:1 "$ctx"
	local was
	was=$(ids)
	# One list, whose members have no names; nothing stays here.
	[ "$(raw $plain/max:1 | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["manifests"]))')" = 3 ]
	[ "$(skopeo list-tags --tls-verify=false docker://$plain/max | tr -d ' \n' | grep -o 'Tags.*')" = 'Tags":["1"]}' ]
	[ -z "$(mybox images -q -f dangling=true)" ]
	[ "$(mybox images -q | sort -u | wc -l)" = 2 ]
	forget
	run -0 mybox build -t made --cache-from type=registry,ref=$plain/max:1 "$ctx"
	[ "$(grep -c CACHED <<<"$output")" = 5 ]
	[ "$(ids)" = "$was" ]
	[ -z "$(mybox images -q -f dangling=true)" ]
	# Of the target alone: the others are made again.
	forget
	run -0 mybox build -t made --cache-from type=registry,ref=$plain/min:1 "$ctx"
	[ "$(ids | head -1)" = "$(head -1 <<<"$was")" ]
	[ "$(ids | tail -1)" != "$(tail -1 <<<"$was")" ]
	# With one stage it is an image.
	forget
	dockerfile <<<$'FROM deb\nRUN cat /proc/sys/kernel/random/uuid >/own; ln /own /made'
	mybox build -q -t made --cache-to type=registry,ref=$plain/one:1,mode=max "$ctx"
	was=$(ids)
	[[ "$(raw $plain/one:1)" == *'"layers"'* ]]
	forget
	mybox build -q -t made --cache-from $plain/one:1 "$ctx"
	[ "$(ids)" = "$was" ]
	# What cannot be sent is a failure, as ever.
	run -1 mybox build --cache-to type=registry,ref=127.0.0.1:1/x,mode=max "$ctx"
	[[ "$output" == *'mybox: failed to build: '* ]]
}

@test "build --cache-to with mode=max: stages without steps are no part of it" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	dockerfile <<-'EOF'
		FROM deb AS make
		RUN cat /proc/sys/kernel/random/uuid >/made
		FROM deb AS empty
		ENV SET=1
		FROM empty
		RUN cat /proc/sys/kernel/random/uuid >/own
		COPY --from=make /made /made
	EOF
	members() { raw "$1" | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["manifests"]))'; }
	mybox build -q -t made --cache-to type=registry,ref=$plain/gap:1,mode=max "$ctx"
	local was
	was=$(mybox run --rm made cat /own /made)
	[ "$(members $plain/gap:1)" = 2 ]
	[[ "$(raw $plain/gap:1)" == *'"annotations":{"io.mybox.build-cache":"steps"}'* ]]
	# One that is gone takes nothing from the others; too many are refused, and a list that does not
	# say so is an image for several platforms.
	python3 - "$plain" <<-'EOF'
		import json, sys, urllib.request
		base = "http://%s/v2/gap/manifests/" % sys.argv[1]
		kind = "application/vnd.oci.image.index.v1+json"
		def put(tag, index):
		    body = json.dumps(index).encode()
		    urllib.request.urlopen(urllib.request.Request(base + tag, body, {"Content-Type": kind}, method="PUT"))
		index = json.load(urllib.request.urlopen(urllib.request.Request(base + "1", headers={"Accept": kind})))
		members = index["manifests"]
		put("many", dict(index, manifests=members * 33))
		put("some", dict(index, manifests=members[:1] * 2 + members))
		put("plain", {k: v for k, v in index.items() if k != "annotations"})
	EOF
	again() {
		mybox rmi -f made >/dev/null
		mybox builder prune -af >/dev/null
		run -0 mybox build -t made --cache-from "type=registry,ref=$plain/gap:$1" "$ctx"
	}
	again 1
	[ "$(grep -c CACHED <<<"$output")" = 3 ]
	[ "$(mybox run --rm made cat /own /made)" = "$was" ]
	again some
	[ "$(grep -c CACHED <<<"$output")" = 3 ]
	again many
	[[ "$output" == *"WARNING: no cache from '$plain/gap:many': it has more than 64 stages"* ]]
	again plain
	[ "$(grep -c CACHED <<<"$output")" = 1 ]
	# A target that has no step gives none.
	dockerfile <<<$'FROM deb\nENV SET=1'
	mybox build -q -t made --cache-to type=registry,ref=$plain/none:1 "$ctx"
	run ! raw $plain/none:1
	run -0 mybox build -t made --cache-from type=registry,ref=$plain/none:1 "$ctx"
	[[ "$output" == *"WARNING: no cache from '$plain/none:1': "* ]]
}
