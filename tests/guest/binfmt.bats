#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs of another machine, by the kernel's binfmt_misc and Debian's qemu-user-static.
# bats file_tags=cgroup
load ../integration/helpers

handlers=/proc/sys/fs/binfmt_misc
debians=/usr/lib/binfmt.d/qemu-aarch64.conf

teardown() {
	[ ! -e $handlers/qemu-aarch64 ] || echo -1 >$handlers/qemu-aarch64
	mybox rm -f $(mybox ps -aq) >/dev/null 2>&1 || true
	mybox rmi -f made >/dev/null 2>&1 || true
	mybox builder prune -af >/dev/null
}

# The handler that the package has for systemd-binfmt, with other flags: register FLAGS.
register() {
	mountpoint -q $handlers || mount -t binfmt_misc none $handlers
	sed "s/:[A-Z]*\$/:$1/" $debians >$handlers/register
}

# A program for arm64 that says the machine's name, also in /ran; whatever its arguments, it is
# the shell.
context() {
	ctx=$BATS_TEST_TMPDIR/ctx
	mkdir -p "$ctx"
	python3 -c 'import struct, sys
code = [0xd11003ff, 0x910003e0, 0xd2801408, 0xd4000001,                 # uname
        0x92800c60, 0, 0xd2804822, 0xd2803483, 0xd2800708, 0xd4000001,  # openat
        0x910413e1, 0xd28000e2, 0xd2800808, 0xd4000001,                 # write there
        0xd2800020, 0xd4000001,                                         # write to stdout
        0xd2800000, 0xd2800ba8, 0xd4000001]                             # exit
code[5] = 0x10000001 | (len(code) - 5) << 5                             # where the path is
code = struct.pack("<%dI" % len(code), *code) + b"/ran\0"
at, n = 0x400000, 120 + len(code)
sys.stdout.buffer.write(b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, at + 120, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    + struct.pack("<IIQQQQQQ", 1, 5, 0, at, at, n, n, 65536) + code)' >"$ctx/sh"
	printf 'FROM scratch\nCOPY --chmod=755 sh /bin/sh\nRUN whatever\n' >"$ctx/Dockerfile"
}

@test "a handler of flag F: build and run for another machine" {
	context
	register OPF
	mkdir "$BATS_TEST_TMPDIR/out"
	run -0 mybox build --progress plain --platform linux/arm64 -t made -o type=image -o "$BATS_TEST_TMPDIR/out" "$ctx"
	[[ "$output" == *aarch64* ]]
	[ "$(tr -d '\0' <"$BATS_TEST_TMPDIR/out/ran")" = aarch64 ]
	[ "$(mybox image inspect -f '{{.Os}}/{{.Architecture}}' made)" = linux/arm64 ]
	run -0 mybox run --rm --platform linux/arm64 made /bin/sh
	[ "$output" = aarch64 ]
	# What is not said is what the image is.
	mybox run -d --name foreign made /bin/sh
	[ "$(mybox wait foreign)" = 0 ]
	[ "$(mybox logs foreign)" = aarch64 ]
	run -125 mybox run --rm --pull never --platform linux/amd64 made /bin/sh
	[ "${#lines[@]}" = 1 ]
}

@test "without a handler, or with one that is looked for in the container: said in one line" {
	context
	run -1 mybox build --platform linux/arm64 -t made "$ctx"
	[[ "${lines[-1]}" == *'no binfmt handler for arm64 (qemu-user-static has one): '*'exec format error' ]]
	sed -i /RUN/d "$ctx/Dockerfile"
	mybox build -q --platform linux/arm64 -t made "$ctx"
	run -126 mybox run --rm made /bin/sh
	[ "$output" = 'mybox: no binfmt handler for arm64 (qemu-user-static has one): exec /bin/sh: exec format error' ]
	register OP
	run -127 mybox run --rm made /bin/sh
	[ "${#lines[@]}" = 1 ]
	[[ "$output" == 'mybox: no program, or a binfmt handler for arm64 without flag F: '*'/bin/sh'* ]]
	run -1 mybox build --platform linux/arm64 - <<<$'FROM made\nRUN whatever'
	[[ "${lines[-1]}" == *'no program, or a binfmt handler for arm64 without flag F: '* ]]
	[ -z "$(mybox ps -aq)" ]
}
