#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds for other machines: which image each stage stands on, and what runs.
load helpers

plain=127.0.0.1:5141

dockerfile() {
	ctx=$BATS_TEST_TMPDIR/ctx
	mkdir -p "$ctx"
	cat >"$ctx/Dockerfile"
}

# $plain/multi:1 is a list of an image for amd64 and one for arm64, whose shell is for arm64 too;
# $plain/multi:arm64 is the latter alone.
serve_file() {
	local ctx=$work/ctx a
	start_registry 5141
	mybox load -q -i "$images/deb.tar" >/dev/null
	mkdir -p "$ctx"
	# Its shell ends with 0 at once.
	python3 -c 'import struct, sys
code = struct.pack("<3I", 0xd2800ba8, 0xd2800000, 0xd4000001)
at, n = 0x400000, 120 + len(code)
sys.stdout.buffer.write(b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, at + 120, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    + struct.pack("<IIQQQQQQ", 1, 5, 0, at, at, n, n, 65536) + code)' >"$ctx/sh"
	mybox build -q -t $plain/multi:amd64 --push - <<<$'FROM deb\nRUN echo amd64 >/arch' >/dev/null
	echo arm64 >"$ctx/arch"
	printf 'FROM scratch\nCOPY --chmod=755 sh /bin/sh\nCOPY arch /arch\n' >"$ctx/Dockerfile"
	mybox build -q --platform linux/arm64/v8 -t $plain/multi:arm64 --push "$ctx" >/dev/null
	mybox manifest create $plain/multi:1 $plain/multi:amd64 $plain/multi:arm64 >/dev/null
	mybox manifest push $plain/multi:1 >/dev/null
	for a in amd64 arm64; do mybox rmi $plain/multi:$a >/dev/null; done
}

setup() { [ "$(uname -m)" = x86_64 ] || skip "needs an amd64 machine"; }
teardown() {
	remove_images_but
	mybox builder prune -af >/dev/null
	teardown_store
}

@test "build: each stage stands on the image of its own platform, and no name moves" {
	dockerfile <<-EOF
		FROM --platform=\$BUILDPLATFORM $plain/multi:1 AS tool
		ARG TARGETPLATFORM BUILDPLATFORM TARGETARCH TARGETVARIANT
		RUN echo "\$BUILDPLATFORM makes \$TARGETPLATFORM (\$TARGETARCH,\$TARGETVARIANT) on \$(cat /arch)" >/said
		FROM --platform=linux/\${TARGETARCH} $plain/multi:1 AS other
		FROM $plain/multi:1
		COPY --from=tool /said /
		COPY --from=other /arch /other
		COPY --from=$plain/multi:1 /arch /copied
	EOF
	mkdir "$BATS_TEST_TMPDIR/out"
	mybox build -q --platform linux/aarch64 -t made "$ctx"
	mybox build -q --platform linux/arm64 -o "$BATS_TEST_TMPDIR/out" "$ctx"
	[ "$(<"$BATS_TEST_TMPDIR/out/said")" = 'linux/amd64 makes linux/arm64 (arm64,) on amd64' ]
	[ "$(<"$BATS_TEST_TMPDIR/out/arch")" = arm64 ]
	[ "$(<"$BATS_TEST_TMPDIR/out/other")" = arm64 ]
	[ "$(<"$BATS_TEST_TMPDIR/out/copied")" = arm64 ]
	[ "$(mybox inspect -f '{{.Os}}/{{.Architecture}}' made)" = linux/arm64 ]
	# What "run" finds by the name is for this machine.
	[ "$(mybox run --rm $plain/multi:1 cat /arch)" = amd64 ]
	# Nothing said: this machine's.
	mybox build -q -t made - <<<"FROM $plain/multi:1" >/dev/null
	[ "$(mybox inspect -f '{{.Architecture}}' made)" = amd64 ]
	# FROM alone says it too, for nothing at all.
	mybox build -q -t made - <<<$'FROM --platform=linux/arm/v6 scratch\nLABEL a=b' >/dev/null
	[ "$(mybox inspect -f '{{.Architecture}}{{.Variant}}' made)" = armv6 ]
}

@test "build: platforms that make no sense, are several, or cannot be had" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	dockerfile <<<'FROM deb'
	run -1 mybox build --platform linux/amd64,linux/arm64 "$ctx"
	[ "${#lines[@]}" = 1 ]
	[[ "$output" == "mybox: platforms 'linux/amd64,linux/arm64': an image here is of one platform"* ]]
	run -1 mybox build --platform windows/amd64 "$ctx"
	[ "$output" = "mybox: invalid platform 'windows/amd64': only linux" ]
	run -1 mybox build --platform linux/ "$ctx"
	[[ "$output" == "mybox: invalid platform 'linux/': "* ]]
	run -1 mybox build - <<<$'ARG NONE\nFROM --platform=$NONE deb'
	[[ "$output" == *'empty platform value from expression $NONE'* ]]
	run -1 mybox build - <<<'FROM --platform=a/b/c/d deb'
	[[ "$output" == *'failed to parse platform a/b/c/d: invalid platform'* ]]
	# An image that is here alone.
	mybox tag deb 127.0.0.1:1/deb
	run -1 mybox build --platform linux/arm64 - <<<'FROM 127.0.0.1:1/deb'
	[[ "$output" == *"image '127.0.0.1:1/deb' is here for linux/amd64, and not for the specified platform (linux/arm64): "* ]]
	run -1 mybox build --platform linux/mips - <<<"FROM $plain/multi:1"
	[[ "$output" == *'no matching manifest for linux/mips'* ]]
}

runs_arm64() { grep -qs '^flags:.*F' /proc/sys/fs/binfmt_misc/qemu-aarch64; }

@test "build: RUN of another machine, without a handler, says so" {
	if runs_arm64; then skip "this machine runs them"; fi
	dockerfile <<<"FROM $plain/multi:1"$'\nRUN echo never'
	run -1 mybox build --platform linux/arm64 -t made "$ctx"
	[[ "$output" == *'no binfmt handler for arm64 (qemu-user-static has one)'* ]]
	[ -z "$(mybox images -q made)" ]
	run -126 mybox run --rm --platform linux/arm64 $plain/multi:1 /bin/sh
	[ "${lines[-1]}" = 'mybox: no binfmt handler for arm64 (qemu-user-static has one): exec /bin/sh: exec format error' ]
	[ -z "$(mybox ps -aq)" ]
}

@test "build: RUN of another machine by a handler of flag F" {
	runs_arm64 || skip "binfmt_misc has no qemu-aarch64 with flag F here"
	mybox build -q --platform linux/arm64 -t made - <<<"FROM $plain/multi:1"$'\nRUN ends'
}

@test "build --check: InvalidBaseImagePlatform" {
	mybox pull -q --platform linux/arm64 $plain/multi:1
	dockerfile <<<"FROM $plain/multi:1"
	run -1 mybox build --check "$ctx"
	[[ "$output" == *'WARNING: InvalidBaseImagePlatform - https://docs.docker.com/go/dockerfile/rule/invalid-base-image-platform/'* ]]
	[[ "$output" == *"Base image $plain/multi:1 was pulled with platform \"linux/arm64\", expected \"linux/amd64\" for current build"* ]]
	[[ "$output" == *'1 | >>> FROM'* ]]
	run -0 mybox build --check --platform linux/arm64 "$ctx"
	run -0 mybox build --check - <<<"# check=skip=InvalidBaseImagePlatform"$'\n'"FROM $plain/multi:1"
	# Of a build too, from whichever process makes the stage; what is no list is taken as it is.
	dockerfile <<<"FROM $plain/multi:1 AS one"$'\n'"FROM $plain/multi:arm64 AS two"$'\nFROM scratch\nCOPY --from=one /arch /one\nCOPY --from=two /arch /two'
	run -0 mybox build -t made "$ctx"
	[[ "$output" == *"InvalidBaseImagePlatform: Base image $plain/multi:1 was pulled"*"(line 1)"* ]]
	[[ "$output" == *"InvalidBaseImagePlatform: Base image $plain/multi:arm64 was pulled"*"(line 2)"* ]]
}
