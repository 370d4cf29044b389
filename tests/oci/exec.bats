#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# exec, terminals, and descriptors that are passed on.

load helpers

start() { # start [CODE...]: a container that sleeps
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' "$@")
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
}

@test "exec: code, streams, user, groups, directory, environment" {
	start
	run -5 oci exec $n sh -c 'exit 5'
	run -143 oci exec $n sh -c 'kill -TERM $$'
	run -0 oci exec $n cat <<<"in"
	[ "$output" = in ]
	run -0 oci exec -u 12:34 -g 56 $n id
	[[ $output == "uid=12 gid=34"* && $output == *56* ]]
	run -0 oci exec --cwd /tmp -e X=y $n sh -c 'echo $PWD $X $HOME'
	[ "$output" = "/tmp y /root" ]
	run -0 oci exec --cap CAP_SYS_ADMIN $n grep CapBnd /proc/self/status
	[ "$output" != "$(oci exec $n grep CapBnd /proc/self/status)" ]
	run -0 oci exec --no-new-privs $n grep NoNewPrivs /proc/self/status
	[[ $output == *1 ]]
	oci delete -f $n
}

@test "exec: what fails" {
	start
	run -255 oci exec $n nope
	[[ $output == *"exec failed: "*"executable file not found"* ]]
	run -255 oci exec $n
	run -255 oci exec -u nobody $n true
	run -255 oci exec --cwd /nope $n true
	run -255 oci exec --cwd relative $n true
	run -255 oci exec --process "$dir/none" $n
	run -255 oci exec nope true
	[[ $output == *"does not exist"* ]]
	oci delete -f $n
}

@test "exec: --process, --detach, --pid-file" {
	start
	cat >"$dir/p.json" <<-'J'
		{"user": {"uid": 7, "gid": 8}, "args": ["sh", "-c", "id; exit 3"], "cwd": "/tmp", "env": ["PATH=/bin"]}
	J
	run -3 oci exec --process "$dir/p.json" $n
	[[ $output == "uid=7 gid=8"* ]]
	oci exec -d --pid-file "$dir/pid" $n sleep 2000 </dev/null >/dev/null 2>&1
	[ "$(tr '\0' ' ' <"/proc/$(cat "$dir/pid")/cmdline")" = "sleep 2000 " ]
	# It is in the container: goes with it.
	oci delete -f $n
	wait_until test ! -e "/proc/$(cat "$dir/pid")/cmdline"
}

@test "a created container can be entered too" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]')
	oci create --bundle "$b" $n </dev/null >/dev/null 2>&1
	run -0 oci exec $n id
	is_status $n created
	oci delete $n
}

@test "terminal: over the console socket, with its size" {
	b=$(bundle b 'p.update(terminal=True, args=["sh", "-c", "tty; stty size"], consoleSize={"height": 33, "width": 99})')
	python3 "$top/tests/oci/console.py" "$dir/console" "$dir/ready" >"$dir/out" 3>&- &
	local job=$!
	wait_until test -e "$dir/ready"
	oci create --bundle "$b" --console-socket "$dir/console" $n </dev/null >/dev/null 2>&1
	oci start $n
	wait $job
	grep -qx 'size 99x33' "$dir/out"
	grep -qx '/dev/pts/0' "$dir/out"
	grep -qx '33 99' "$dir/out"
	wait_until is_status $n stopped
	oci delete $n
}

@test "terminal: exec over the console socket" {
	start
	python3 "$top/tests/oci/console.py" "$dir/console" "$dir/ready" >"$dir/out" 3>&- &
	local job=$!
	wait_until test -e "$dir/ready"
	oci exec -d -t --console-socket "$dir/console" $n sh -c 'tty; echo done' </dev/null >/dev/null 2>&1
	wait $job
	grep -qx 'done' "$dir/out"
	oci delete -f $n
}

@test "terminal: what cannot be is refused, and leaves nothing" {
	b=$(bundle b 'p["terminal"] = True')
	run -1 oci create --bundle "$b" $n
	[[ $output == *"console socket"* ]]
	run -1 oci run -d --bundle "$b" $n
	run -1 oci create --bundle "$b" --console-socket "$dir/none" $n
	[[ $output == *"console socket"* ]]
	config "$b" 'p["terminal"] = False'
	run -1 oci create --bundle "$b" --console-socket "$dir/none" $n
	is_gone $n
	start
	run -255 oci exec -d -t $n true
	oci delete -f $n
}

@test "descriptors: none but those preserved" {
	b=$(bundle b 'p["args"] = ["ls", "/proc/self/fd"]')
	run -0 oci run --bundle "$b" $n 5</dev/null 7</dev/null
	# ls has one open on the directory itself.
	[ "$(echo $output)" = "0 1 2 3" ]
	config "$b" 'p["args"] = ["sh", "-c", "cat <&3; cat <&4; ls /proc/self/fd | wc -l"]'
	echo three >"$dir/3"
	echo four >"$dir/4"
	run -0 oci run --preserve-fds 2 --bundle "$b" $n 3<"$dir/3" 4<"$dir/4" 5</dev/null
	[ "${lines[0]}" = three ]
	[ "${lines[1]}" = four ]
	[ "${lines[2]}" = 6 ]
	run -1 oci run --preserve-fds 3 --bundle "$b" $n 3<"$dir/3" 4<"$dir/4" 5<&-
	[[ $output == *"descriptor 5"* ]]
	is_gone $n
}

@test "descriptors: socket activation" {
	b=$(bundle b 'p["args"] = ["sh", "-c", "cat <&3; echo $LISTEN_FDS $LISTEN_PID"]')
	echo three >"$dir/3"
	run -0 env OCI="$OCI" sh -c 'exec 3<"$1/3"; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$OCI" --root "$2" run --bundle "$3" "$4"' sh "$dir" "$state" "$b" $n
	[ "${lines[0]}" = three ]
	[ "${lines[1]}" = "1 1" ]
}

profile='p["noNewPrivileges"] = False; l["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["capset"], "action": "SCMP_ACT_ERRNO", "errnoRet": 42}]}'
trace='[s.append("CAP_SYS_PTRACE") for s in p["capabilities"].values()]'
join() { # join PID: the code that makes a bundle live in that process's pid namespace
	echo 'l["namespaces"] = [dict(n, path="/proc/'"$1"'/ns/pid") if n["type"] == "pid" else n for n in l["namespaces"]]'
}
is_filtered_first() {
	run -255 oci exec "$@"
	[[ $output == *capabilities*"No message"* ]]
}

# What exec does with capabilities goes before the filter, but where somebody may trace it.
@test "exec: filtered before who may trace can see it" {
	start "$profile"
	run -0 oci exec $n true
	b=$(bundle mate "$(join "$(pid_of $n)")" "$profile" 'p["args"] = ["sleep", "1000"]')
	oci run -d --bundle "$b" ${n}mate </dev/null >/dev/null 2>&1
	is_filtered_first ${n}mate true
	is_filtered_first $n true
	oci delete -f ${n}mate
	run -0 oci exec $n true
	b=$(bundle own "$trace" "$profile" 'p["args"] = ["sleep", "1000"]')
	oci run -d --bundle "$b" ${n}own </dev/null >/dev/null 2>&1
	is_filtered_first ${n}own true
	# Whatever the process itself may: those that are there are what matters.
	config "$b" "$trace" 'c = dict(p, args=["true"], capabilities={})'
	is_filtered_first --process "$b/config.json" ${n}own
	oci delete -f ${n}own
	oci delete -f $n
}

@test "exec: not under a listener's filter where somebody may trace" {
	local notify='{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "'$dir'/agent",
		"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}'
	# It keeps the listeners, and answers nothing.
	timeout 300 python3 - "$dir/agent" <<-'P' 3>&- &
		import socket, sys
		s, kept = socket.socket(socket.AF_UNIX), []
		s.bind(sys.argv[1])
		s.listen()
		while True:
		    c = s.accept()[0]
		    kept += [socket.recv_fds(c, 1 << 16, 8), c]
	P
	local agent=$!
	wait_until test -S "$dir/agent"
	start "l[\"seccomp\"] = $notify"
	run -0 oci exec $n true
	oci delete -f $n
	# A hook comes before there is anybody.
	b=$(bundle own "$trace" "l[\"seccomp\"] = $notify" 'hook("startContainer", "/bin/true")' \
		'p["args"] = ["sleep", "1000"]')
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	run -255 oci exec $n true
	[[ $output == *"cannot exec where others may trace under a seccomp profile with a listener"* ]]
	oci delete -f $n
	kill $agent
}
