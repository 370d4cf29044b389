#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The verbs of mybox-oci: a container from its making to its removal.

load helpers

@test "create, state, start, kill, delete" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' 'c["annotations"] = {"a": "b"}')
	oci create --bundle "$b" --pid-file "$dir/pid" $n >"$dir/out" 2>&1 </dev/null
	[ ! -s "$dir/out" ]
	[ "$(cat "$dir/pid")" = "$(pid_of $n)" ]
	oci state $n >"$dir/state.json"
	python3 - "$dir/state.json" "$b" $n <<-'P'
		import json, sys
		s = json.load(open(sys.argv[1]))
		assert s["status"] == "created" and s["id"] == sys.argv[3], s
		assert s["bundle"] == sys.argv[2] and s["rootfs"] == sys.argv[2] + "/rootfs", s
		assert s["annotations"] == {"a": "b"} and s["pid"] > 1, s
		assert s["ociVersion"].startswith("1.") and "created" in s and "owner" in s, s
	P
	[[ $(readlink "/proc/$(pid_of $n)/exe") != *mybox* ]] ||
		[[ $(readlink "/proc/$(pid_of $n)/exe") == /memfd:mybox-init* ]]
	oci start $n
	is_status $n running
	[ "$(tr '\0' ' ' <"/proc/$(pid_of $n)/cmdline")" = "sleep 1000 " ]
	run ! oci start $n
	[[ $output == *"already running"* ]]
	run ! oci delete $n
	[[ $output == *"not stopped: running"* ]]
	oci kill $n KILL
	wait_until is_status $n stopped
	run ! oci kill $n KILL
	[[ $output == *"container not running"* ]]
	run ! oci start $n
	[[ $output == *"stopped"* ]]
	run ! oci exec $n true
	oci delete $n
	is_gone $n
	run -1 oci state $n
	[[ $output == *"does not exist"* ]]
	oci delete --force $n
	run -1 oci delete $n
}

@test "run: output, exit codes, and nothing left" {
	b=$(bundle b 'p["args"] = ["sh", "-c", "cat; echo err >&2; exit 7"]')
	run -7 --separate-stderr oci run --bundle "$b" $n <<<"hello"
	[ "$output" = hello ]
	[ "$stderr" = err ]
	is_gone $n
	config "$b" 'p["args"] = ["sh", "-c", "kill -9 $$; sleep 9"]' 'l["namespaces"] = [x for x in l["namespaces"] if x["type"] != "pid"]'
	cd "$b"
	run -137 oci run $n
	is_gone $n
}

@test "run: --detach, --keep, --pid-file" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]')
	oci run -d --bundle "$b" --pid-file "$dir/pid" $n </dev/null >/dev/null 2>&1
	is_status $n running
	[ "$(cat "$dir/pid")" = "$(pid_of $n)" ]
	oci delete --force $n
	is_gone $n
	config "$b" 'p["args"] = ["true"]'
	oci run --keep --bundle "$b" $n
	is_status $n stopped
	oci delete $n
	is_gone $n
}

@test "run passes signals on" {
	b=$(bundle b 'p["args"] = ["sh", "-c", "trap \"exit 9\" TERM; touch /tmp/up; while :; do sleep 0.1; done"]' 'c["root"]["readonly"] = False')
	"$OCI" --root "$state" run --bundle "$b" $n 3>&- &
	local job=$!
	wait_until test -e "$b/rootfs/tmp/up"
	# Until then a signal ends the start.
	wait_until is_status $n running
	kill -TERM $job
	local code=0
	wait $job || code=$?
	[ $code = 9 ]
	is_gone $n
}

@test "what cannot be executed: message, code, no trace" {
	b=$(bundle b 'p["args"] = ["nope"]')
	run -1 oci run --bundle "$b" $n
	[[ $output == *"executable file not found in \$PATH"* ]]
	is_gone $n
	config "$b" 'p["args"] = ["/etc/passwd"]'
	run -1 oci run --bundle "$b" $n
	[[ $output == *"permission denied"* ]]
	run -1 oci create --bundle "$b" $n
	is_gone $n
	config "$b" 'p["args"] = ["/bin/none"]'
	run -1 oci create --bundle "$b" $n
	[[ $output == *"no such file or directory"* ]]
	is_gone $n
	printf '#!/bin/none\n' >"$b/rootfs/bin/script"
	chmod +x "$b/rootfs/bin/script"
	config "$b" 'p["args"] = ["/bin/script"]'
	oci create --bundle "$b" $n >/dev/null 2>&1 </dev/null
	run -1 oci start $n
	[[ $output == *"/bin/script"* ]]
	wait_until is_status $n stopped
	oci delete $n
	is_gone $n
}

@test "errors: one line, on stderr and in the log" {
	run -1 --separate-stderr oci --log "$dir/log" --log-format json state nope
	[ -z "$output" ]
	[ "$(printf '%s\n' "$stderr" | wc -l)" = 1 ]
	python3 - "$dir/log" <<-'P'
		import json, sys
		lines = open(sys.argv[1]).read().splitlines()
		assert len(lines) == 1, lines
		e = json.loads(lines[0])
		assert e["level"] == "error" and "does not exist" in e["msg"] and e["time"][4] == "-", e
	P
	run -1 --separate-stderr oci --log "$dir/text" state nope
	grep -qE '^time="[^"]*" level=error msg="container .nope. does not exist"$' "$dir/text"
	run -1 oci nosuchverb
	run -1 oci --nosuchoption state x
	run -1 oci create
	run -1 oci --rootless true list
	[[ $output == *rootless* ]]
	run -0 oci --version
	[[ ${lines[0]} == "mybox-oci version "* ]]
	[[ ${lines[1]} == "spec: 1."* ]]
	run -0 "$MYBOX" oci --version
	[[ ${lines[0]} == "mybox-oci version "* ]]
}

@test "ids: valid ones, taken ones, used again" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]')
	local bad
	for bad in '' . .. a/b .hidden 'a b' $'a\nb' "$(printf 'x%.0s' {1..300})"; do
		run -1 oci create --bundle "$b" "$bad"
	done
	[ -z "$(ls "$state" | grep -v seccomp)" ]
	oci create --bundle "$b" $n.+_-x >/dev/null 2>&1 </dev/null
	run -1 oci create --bundle "$b" $n.+_-x
	[[ $output == *"already exists"* ]]
	is_status $n.+_-x created
	oci delete $n.+_-x
	oci create --bundle "$b" $n.+_-x >/dev/null 2>&1 </dev/null
	oci delete -f $n.+_-x
	is_gone $n.+_-x
}

@test "kill --all: every process gets the signal" {
	b=$(bundle b 'c["root"]["readonly"] = False' \
		'p["args"] = ["sh", "-c", """serve() {
			trap "touch /tmp/$1-got" USR1
			touch /tmp/$1
			while :; do sleep 0.1; done
		}
		serve child &
		serve first"""]')
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	wait_until test -e "$b/rootfs/tmp/child"
	wait_until test -e "$b/rootfs/tmp/first"
	oci kill --all $n USR1
	wait_until test -e "$b/rootfs/tmp/child-got"
	wait_until test -e "$b/rootfs/tmp/first-got"
	is_status $n running
	oci delete -f $n
}

@test "pause and resume" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]')
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	oci pause $n
	is_status $n paused
	run -255 oci exec $n true
	[[ $output == *"paused"* ]]
	run -1 oci pause $n
	oci resume $n
	is_status $n running
	run -1 oci resume $n
	oci exec $n true
	oci pause $n
	oci delete --force $n
	is_gone $n
}

@test "list, ps, features, spec" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]')
	run -0 oci list
	[[ $output == "ID "* ]]
	[ "$(oci list --format json)" = null ]
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	[ "$(oci list -q)" = $n ]
	oci list --format json | python3 -c "import json,sys; l=json.load(sys.stdin); assert l[0]['id']=='$n' and l[0]['status']=='running', l"
	[ "$(oci ps --format json $n)" = "[$(pid_of $n)]" ]
	run -0 oci ps $n
	[[ ${lines[0]} == UID*PID*CMD ]]
	[[ ${lines[1]} == *"$(pid_of $n)"*"sleep 1000" ]]
	oci delete -f $n
	run -1 oci ps $n
	oci features | python3 -c "import json,sys; f=json.load(sys.stdin); assert 'createRuntime' in f['hooks'] and 'pid' in f['linux']['namespaces'], f"
	run -1 oci spec --bundle "$b"
	[[ $output == *"exists"* ]]
}

has_lines() { [ "$(wc -l <"$2")" -ge "$1" ]; }

@test "update and events" {
	needs_controllers
	b=$(bundle b 'p["args"] = ["sleep", "1000"]')
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	oci update --pids-limit 77 --memory 64m $n
	oci events --stats $n >"$dir/stats"
	python3 - "$dir/stats" $n <<-'P'
		import json, sys
		e = json.load(open(sys.argv[1]))
		assert e["type"] == "stats" and e["id"] == sys.argv[2], e
		d = e["data"]
		assert d["pids"]["current"] == 1 and d["pids"]["limit"] == 77, d["pids"]
		assert d["memory"]["usage"]["limit"] == 64 << 20, d["memory"]
		assert d["cpu"]["usage"]["total"] > 0, d["cpu"]
	P
	echo '{"pids": {"limit": 55}}' | oci update --resources - $n
	oci events --stats $n | grep -q '"limit":55'
	# Until the container ends; one that ended already is an error.
	oci events --interval 20ms $n >"$dir/events" 2>&1 3>&- &
	local job=$!
	wait_until has_lines 3 "$dir/events"
	oci kill $n KILL
	wait $job
	wait_until is_status $n stopped
	run -1 oci events --stats $n
	[[ $output == *"not running"* ]]
	run -1 oci update --pids-limit 5 $n
	oci delete $n
}
