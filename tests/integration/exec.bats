#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# exec: the caller's own streams, exit codes, users, and an end with the caller.
load helpers

start() { mybox run -d --name "${1:-c1}" "${@:2}" deb sleep 1000 >/dev/null; }

@test "streams are the caller's own, byte for byte" {
	start
	head -c 1000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	mybox exec -i c1 sh -c 'cat; echo err >&2' <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = err ]
	run mybox exec c1 cat <<<"not passed on"
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "two joined by a pipe hand over the pipe itself" {
	start c1
	start c2
	[ "$(mybox exec c1 head -c 3000000 /dev/zero | mybox exec -i c2 wc -c)" = 3000000 ]
	{ stat -L -c %i /proc/self/fd/9 9>&1 1>"$BATS_TEST_TMPDIR/inode" && mybox exec c1 readlink /proc/self/fd/1; } | cat >"$BATS_TEST_TMPDIR/seen"
	[ "$(cat "$BATS_TEST_TMPDIR/seen")" = "pipe:[$(cat "$BATS_TEST_TMPDIR/inode")]" ]
}

@test "the control groups it sees are the container's" {
	start
	run -1 mybox exec c1 grep -v ':/$' /proc/self/cgroup
	[ -z "$output" ]
	[ "$(mybox exec c1 cat /proc/self/cgroup)" = "$(mybox run --rm deb cat /proc/self/cgroup)" ]
	# Also where the process is another user's, and in a namespace of users.
	run -1 mybox exec -u 33 c1 grep -v ':/$' /proc/self/cgroup
	mybox run -d --name c3 --userns auto deb sleep 1000
	run -1 mybox exec c3 grep -v ':/$' /proc/self/cgroup
}

@test "exit codes: the command's, 126, 127, 128+n" {
	start
	run -0 mybox exec c1 true
	run -3 mybox exec c1 sh -c 'exit 3'
	run -255 mybox exec c1 sh -c 'exit 255'
	run -137 mybox exec c1 sh -c 'kill -9 $$'
	run -143 mybox exec c1 sh -c 'kill $$'
	run -127 mybox exec c1 nosuch
	run -127 mybox exec c1 /no/such
	[ "${#lines[@]}" = 1 ]
	run -126 mybox exec c1 /etc/passwd
	run -126 mybox exec c1 /etc
}

@test "containers that do not run or do not exist end with 1" {
	mybox create --name c1 deb true
	run -1 mybox exec c1 true
	[[ $output == *"is not running"* ]]
	run -1 mybox exec nosuch true
	[[ $output == *"No such container: nosuch"* ]]
	run -1 mybox exec c1
	[[ $output == *'"mybox exec" requires at least 2 arguments.'* ]]
	mybox start c1
	mybox wait c1
	run -1 mybox exec c1 true
	[[ $output == *"is not running"* ]]
}

@test "a paused container is told" {
	start
	mybox pause c1
	run -1 mybox exec c1 true
	[[ $output == *"is paused, unpause the container before exec"* ]]
	mybox unpause c1
	run -0 mybox exec c1 true
}

@test "environment, directory and user" {
	start c1 -e A=container -w /srv
	run mybox exec -e A=exec -e B=2 c1 sh -c 'echo $A $B $FROM_IMAGE $HOME; pwd'
	[ "$output" = "exec 2 yes /root
/srv" ]
	unset FROM_IMAGE
	run -0 mybox exec -e A -e FROM_IMAGE c1 sh -c 'echo "${A-none} ${FROM_IMAGE-none}"'
	[ "$output" = "none none" ]
	mybox exec -d -e FROM_IMAGE c1 sh -c 'echo "${FROM_IMAGE-none}" >/tmp/t; mv /tmp/t /tmp/aside'
	wait_until 10 mybox exec c1 test -e /tmp/aside
	[ "$(mybox exec c1 cat /tmp/aside)" = none ]
	printf 'C=file\n' >"$BATS_TEST_TMPDIR/env"
	run mybox exec --env-file "$BATS_TEST_TMPDIR/env" c1 sh -c 'echo $A $C'
	[ "$output" = "container file" ]
	run mybox exec -w /tmp c1 pwd
	[ "$output" = /tmp ]
	run mybox exec -u user c1 sh -c 'id -u; id -g; echo $HOME'
	[ "$output" = "1000
1000
/home/user" ]
	run mybox exec -u 123:456 c1 sh -c 'id -u; id -g'
	[ "$output" = "123
456" ]
	run mybox exec -u nosuch c1 true
	[ "$status" != 0 ]
	[[ $output == *nosuch* ]]
	run -127 mybox exec -w /no/such/dir c1 true
	[[ $output == *"/no/such/dir"* ]]
}

@test "it is in the container's namespaces and control group" {
	start
	local ns
	# That of control groups is its own, with the same in it: see above.
	[ "$(mybox exec c1 readlink /proc/self/ns/cgroup)" != "$(readlink /proc/self/ns/cgroup)" ]
	for ns in mnt net uts ipc pid; do
		[ "$(mybox exec c1 readlink "/proc/self/ns/$ns")" = "$(mybox exec c1 readlink "/proc/1/ns/$ns")" ]
		[ "$(mybox exec c1 readlink "/proc/self/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	done
	run mybox exec c1 hostname
	[ "$output" = "$(mybox inspect -f '{{.Config.Hostname}}' c1)" ]
}

@test "only 0, 1 and 2 are open, whatever the caller had open" {
	start
	run bash -c "exec 7</dev/null 8</dev/null 19</dev/null; '$MYBOX' --root $root --runroot $run exec c1 ls /proc/self/fd"
	[ "$(echo $output)" = "0 1 2 3" ] # 3 is the directory that ls lists
	run bash -c "exec 7</dev/null 8</dev/null 19</dev/null; '$MYBOX' --root $root --runroot $run run --rm deb ls /proc/self/fd"
	[ "$(echo $output)" = "0 1 2 3" ]
	run mybox exec c1 sh -c 'ls -l /proc/1/fd | grep -c -- "->"'
	[ "$output" = 3 ]
}

@test "it has the capabilities and the filter of the container" {
	start c1 --cap-drop NET_RAW
	run mybox exec c1 grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status
	[ "$output" = "$(mybox exec c1 grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/1/status)" ]
	[[ $output == *$'Seccomp:\t2'* ]]
	run mybox exec --privileged c1 grep CapEff /proc/self/status
	[ "$output" = "$(grep CapBnd /proc/self/status | sed s/Bnd/Eff/)" ]
}

@test "killing the client kills the tree" {
	start
	"${box[@]}" exec c1 sh -c 'sleep 777 & sleep 777 & (setsid sleep 777 &) ; sleep 777' &
	local client=$!
	started() { [ "$(mybox top c1 | grep -c 'sleep 777')" -ge 4 ]; }
	wait_until 10 started
	kill -9 $client
	ended() { ! mybox top c1 | grep -q 'sleep 777'; }
	wait_until 10 ended
	wait $client || true
	[ "$(mybox inspect -f '{{.State.Running}}' c1)" = true ]
}

@test "signals to the client reach the process, and its code comes back" {
	start
	"${box[@]}" exec c1 sh -c 'trap "exit 33" INT; echo ready; while :; do sleep 0.05; done' >"$BATS_TEST_TMPDIR/out" &
	local client=$! code=0
	wait_until 5 grep -q ready "$BATS_TEST_TMPDIR/out"
	kill -INT $client
	wait $client || code=$?
	[ $code = 33 ]
}

@test "-d leaves it running alone" {
	start
	run mybox exec -d c1 sh -c 'sleep 0.1; echo done >/tmp/done; sleep 1000'
	[ "$status" = 0 ]
	[ -z "$output" ]
	wait_until 5 mybox exec c1 test -e /tmp/done
	run mybox top c1
	[[ $output == *"sleep 1000"*"sleep 1000"* ]]
	run -127 mybox exec -d c1 /no/such
	[[ $output == *'/no/such'* ]]
	mybox exec c1 chmod 1777 /tmp
	mybox exec -d -e "ONE=a  b" -e TWO= -w /tmp -u 65534:65534 c1 sh -c '{ pwd; id -u; id -g; echo "$ONE,$TWO,$1,$2"; } >t; mv t out' sh "" $'x\n\xff'
	wait_until 5 mybox exec c1 test -e /tmp/out
	[ "$(mybox exec c1 cat /tmp/out)" = $'/tmp\n65534\n65534\na  b,,,x\n\xff' ]
}

@test "it ends with the container" {
	start
	mybox exec c1 sleep 555 &
	local client=$! code=0
	running() { mybox top c1 | grep -q 'sleep 555'; }
	wait_until 5 running
	mybox kill c1
	wait $client || code=$?
	[ $code = 137 ]
}

@test "many at once" {
	start
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		mybox exec c1 echo "$i" >"$BATS_TEST_TMPDIR/$i" &
	done
	wait
	[ "$(cat "$BATS_TEST_TMPDIR"/{1,2,3,4,5,6,7,8,9,10} | sort -n | tr '\n' ' ')" = "1 2 3 4 5 6 7 8 9 10 " ]
}

@test "a process that stays behind holds the output open, as anywhere" {
	start
	run mybox exec c1 sh -c 'sleep 0.3 & echo first'
	[ "$status" = 0 ]
	[ "$output" = first ]
}

@test "exec --latest: in the container that was created last" {
	run -1 mybox exec -l true
	[ "$output" = 'mybox: --latest: there is no container' ]
	mybox run -d --name old1 --network none -e WHO=old1 deb sleep 1000
	mybox run -d --name new1 --network none -e WHO=new1 deb sleep 1000
	[ "$(mybox exec -l sh -c 'echo $WHO $0' -l)" = 'new1 -l' ]
	[ "$(mybox exec --latest -e WHO=me sh -c 'echo $WHO')" = me ]
	# The first word is the command's, also when a container has that name.
	run -127 mybox exec -l new1 true
	run -1 mybox exec -l
	[ "$output" = 'mybox: --latest: no command is named' ]
}
