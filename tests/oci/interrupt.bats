#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Signals to mybox-oci itself before the program runs: all is undone, or the program gets them.

load helpers

# A shell ignores SIGINT in what it starts in the background; the job's number is in $job.
begin() { # begin [--ignore-signal=S] VERB...
	local how=--default-signal=INT,TERM,HUP
	case $1 in --*) how=$1 && shift ;; esac
	env "$how" "$OCI" --root "$state" "$@" </dev/null >"$dir/out" 2>"$dir/err" 3>&- &
	job=$!
}

ended_with() { # ended_with CODE
	local code=0
	wait "$job" || code=$?
	[ $code = "$1" ] || { echo "code $code, not $1"; cat "$dir/err"; return 1; }
}

# hanging KIND: a bundle whose hook of that kind never ends, and says where it is.
hanging() {
	rm -rf "$dir/b" "$dir/in" "$dir/gone"
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' \
		"hook('poststop', '/bin/sh', '-c', 'echo gone >>$dir/gone')")
	if [ "$1" = startContainer ]; then
		config "$b" "hook('$1', '/bin/sh', '-c', 'echo in >/tmp/in; exec sleep 1000')" \
			'c["root"]["readonly"] = False'
		ln -s "$b/rootfs/tmp/in" "$dir/in"
	else
		config "$b" "hook('$1', '/bin/sh', '-c', 'echo in >$dir/in; exec sleep 1000')"
	fi
}

no_process_left() { ! grep -qs "$n" /proc/[0-9]*/cgroup; }

@test "while a hook hangs: run, run -d and create end by it, and leave nothing" {
	local kind verb
	for kind in prestart createRuntime createContainer startContainer; do
		for verb in run "run -d" create; do
			[ "$kind $verb" = "startContainer create" ] && continue
			hanging $kind
			begin $verb --bundle "$b" $n
			wait_until test -s "$dir/in"
			kill -TERM $job
			ended_with 143
			is_gone $n
			[ "$(cat "$dir/gone")" = gone ]
			wait_until no_process_left
			[ ! -s "$dir/out" ]
		done
	done
}

@test "each of the signals that end a program" {
	local sig
	for sig in INT:130 TERM:143 HUP:129; do
		hanging createRuntime
		begin run --bundle "$b" $n
		wait_until test -s "$dir/in"
		kill -${sig%:*} $job
		ended_with ${sig#*:}
		is_gone $n
	done
	# The number is free again.
	rm -rf "$b"
	b=$(bundle b 'p["args"] = ["true"]')
	run -0 oci run --bundle "$b" $n
}

@test "a signal that the caller ignores changes nothing" {
	b=$(bundle b 'p["args"] = ["true"]' \
		"hook('createRuntime', '/bin/sh', '-c', 'echo in >$dir/in; until [ -e $dir/on ]; do sleep 0.02; done', env=['PATH=/bin:/usr/bin'])")
	begin --ignore-signal=HUP run --bundle "$b" $n
	wait_until test -s "$dir/in"
	kill -HUP $job
	sleep 0.1
	touch "$dir/on"
	ended_with 0
	is_gone $n
}

@test "at any moment of a run: undone, or handled by the program" {
	local i handled=0 undone=0 code
	b=$(bundle b 'p["args"] = ["sh", "-c", "trap \"exit 7\" TERM; while :; do sleep 0.02; done"]' \
		"hook('createRuntime', '/bin/true')")
	for ((i = 0; i < 60; i++)); do
		begin run --bundle "$b" $n
		sleep "0.0$(printf %02d $((i % 30)))"
		# Process 1 does not hear what it has no handler for yet: again, until it ends.
		while kill -TERM $job 2>/dev/null; do sleep 0.02; done
		code=0
		wait $job || code=$?
		case $code in
		7) handled=$((handled + 1)) ;;
		143) undone=$((undone + 1)) ;;
		*) echo "code $code"; cat "$dir/err"; return 1 ;;
		esac
		is_gone $n
		no_process_left
	done
	echo "$handled handled, $undone undone"
	[ $((handled + undone)) = 60 ]
}
