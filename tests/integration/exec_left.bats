#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=kernel
# exec -it, left by its detach keys: the command goes on, and somebody tells of its end.
load helpers

# leave CONTAINER SCRIPT: run it on a terminal of its own and leave it once it has said READY.
leave() {
	timeout 120 python3 - "${box[@]}" exec -it "$1" sh -c "$2" <<-'P'
		import os, pty, sys
		pid, fd = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[1], sys.argv[1:])
		seen, sent = b"", False
		while True:
		    try:
		        got = os.read(fd, 65536)
		    except OSError:
		        break
		    if not got:
		        break
		    seen = (seen + got)[-65536:]
		    if b"READY" in seen and not sent:
		        os.write(fd, b"\x10\x11")
		        sent = True
		os.write(1, seen[:4096].replace(b"\r", b""))
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	P
}
told() { mybox events --since 0 --until 0s -f container="$1" -f event=exec_detach -f event=exec_die -f event=die --format '{{.Action}}{{with .Actor.Attributes.exitCode}} {{.}}{{end}}' | xargs; }
tells() { [[ $(told "$1") =~ $2 ]]; }
monitor_of() { awk '/^PPid/ { print $2 }' "/proc/$(mybox inspect -f '{{.State.Pid}}' "$1")/status"; }
fds_of() { find "/proc/$1/fd" -type l | wc -l; }

# From Linux 6.15 on an exit code is told to who is no parent; before, if it asks early enough.
knows_codes() { [ "$(printf '%s\n6.15\n' "$(uname -r)" | sort -V | head -1)" = 6.15 ]; }

@test "it goes on with a terminal that is read, and its end is told" {
	local code='( 7)?' before
	! knows_codes || code=' 7'
	mybox run -d --name still1 --network none deb sleep 1000
	before=$(fds_of "$(monitor_of still1)")
	# More than any terminal holds, when nobody is there any more.
	run -0 leave still1 'echo READY; until [ -e /left ]; do sleep 0.05; done; seq 100000; tty >/tty; exit 7'
	[ "$output" = READY ]
	[ "$(told still1)" = exec_detach ]
	mybox exec still1 touch /left
	wait_until 10 tells still1 "^exec_detach exec_die 0 exec_die$code\$"
	[[ $(mybox exec still1 cat /tty) == /dev/pts/* ]]
	[ "$(mybox events --since 0 --until 0s -f container=still1 -f event=exec_detach -f event=exec_die --format '{{.Actor.Attributes.execID}}' | sort | uniq -c | awk '$1 == 2' | wc -l)" = 1 ]
	# Nothing of it is left in the monitor.
	as_before() { [ "$(fds_of "$(monitor_of still1)")" = "$before" ]; }
	wait_until 10 as_before
}

@test "who writes without end ends with the container" {
	local code='( 137)?'
	! knows_codes || code=' 137'
	mybox run -d --name flood1 --network none deb sleep 1000
	run -0 leave flood1 'echo READY; until [ -e /left ]; do sleep 0.05; done; exec yes'
	mybox exec flood1 touch /left
	writes() { mybox top flood1 | grep -q yes; }
	wait_until 10 writes
	mybox kill flood1
	wait_until 10 tells flood1 "^exec_detach exec_die 0 exec_die$code die 137\$"
}

@test "more are left than it keeps: it says so" {
	local i
	mybox run -d --name many1 --network none deb sleep 1000
	for i in {1..64}; do
		leave many1 'echo READY; exec sleep 1000' >/dev/null
	done
	run -0 leave many1 'echo READY; exec sleep 2000'
	[[ $output == *"mybox: container 'many1': the command loses its terminal: "* ]]
	[ "$(mybox top many1 | grep -c 'sleep 1000$')" = 65 ]
	hung() { ! mybox top many1 | grep -q 'sleep 2000'; }
	wait_until 10 hung
}
