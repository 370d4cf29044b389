#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# pipe: commands in several containers, joined by pipes of the kernel.
load helpers

two() {
	mybox run -d --name c1 deb sleep 1000
	mybox run -d --name c2 deb sleep 1000
}

@test "pipe: from the caller's stdin, through containers, to its stdout" {
	two
	mybox run -d --name c3 --network none deb sleep 1000
	[ "$(printf 'b\na\n' | mybox pipe c1 cat -- c2 sort -- c3 tr a-z A-Z)" = $'A\nB' ]
	# Each where it says, with all of its words.
	mybox pipe c1 hostname -- c2 sh -c 'cat; hostname' -- c3 sh -c 'cat; hostname' >"$BATS_TEST_TMPDIR/out"
	[ "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/out")" = "$(for c in c1 c2 c3; do mybox exec $c hostname; done | tr '\n' ' ')" ]
	# Much of it, whole.
	[ "$(mybox pipe c1 head -c 20000000 /dev/zero -- c2 cat -- c3 wc -c)" = 20000000 ]
	# The pipe is the kernel's own: nobody of ours is between.
	[[ $(mybox pipe c1 readlink /proc/self/fd/1 -- c2 sh -c 'readlink /proc/self/fd/0; cat' | sort -u) =~ ^pipe:\[[0-9]+\]$ ]]
	[ "$(mybox pipe -u user c1 id -un -- c2 cat)" = user ]
}

@test "pipe: an exit code for each" {
	two
	run -3 --separate-stderr mybox pipe --codes c1 sh -c 'exit 2' -- c2 sh -c 'cat; exit 3'
	[ "$stderr" = "2 3" ]
	run -0 --separate-stderr mybox pipe --codes c1 sh -c 'exit 2' -- c2 cat
	[ "$stderr" = "2 0" ]
	run -2 mybox pipe --pipefail c1 sh -c 'exit 2' -- c2 cat
	# A reader that leaves early.
	run -0 --separate-stderr mybox pipe --codes c1 yes -- c2 head -n 1
	[ "$output $stderr" = "y 141 0" ]
	# One that cannot be run: the others end by themselves.
	run -0 --separate-stderr mybox pipe --codes c1 nosuch -- c2 cat
	[[ $stderr == *'"nosuch": executable file not found'*"127 0" ]]
	run -127 mybox pipe c1 yes -- c2 nosuch
	run -126 mybox pipe c1 true -- c2 /etc
}

@test "pipe: signals reach all; killed, all are" {
	two
	env --default-signal=INT "$MYBOX" --root "$root" --runroot "$run" pipe --codes c1 sleep 1001 -- c2 sleep 1002 2>"$BATS_TEST_TMPDIR/err" &
	local pid=$!
	both() { mybox top c1 | grep -q 'sleep 1001' && mybox top c2 | grep -q 'sleep 1002'; }
	none() { ! mybox top c1 | grep -q 'sleep 1001' && ! mybox top c2 | grep -q 'sleep 1002'; }
	wait_until 5 both
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" = 130 ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = "130 130" ]
	"$MYBOX" --root "$root" --runroot "$run" pipe c1 sleep 1001 -- c2 sleep 1002 &
	pid=$!
	wait_until 5 both
	kill -KILL "$pid"
	wait_until 5 none
}

@test "pipe: what is refused starts nothing" {
	two
	mybox create --name c3 deb true
	run -1 mybox pipe c1 touch /made -- c3 cat
	[[ $output == *"is not running"* ]]
	run -1 mybox pipe c1 touch /made -- nosuch cat
	[[ $output == *"No such container: nosuch"* ]]
	run -1 mybox pipe c1 touch /made -- c2
	[[ $output == *"missing at the end"* ]]
	run -1 mybox pipe c1 -- c2 cat
	[[ $output == *"missing before '--'"* ]]
	run -1 mybox pipe c1 touch /made
	[[ $output == *"exec is for"* ]]
	run -1 mybox exec c1 test -e /made
}
