#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Restart policies, and what becomes of containers whose monitor dies.
load helpers

count() { mybox inspect -f '{{.RestartCount}}' "$1"; }
state() { mybox inspect -f '{{.State.Status}}' "$1"; }
at_least() { [ "$(count "$1")" -ge "$2" ]; }
is() { [ "$(state "$1")" = "$2" ]; }
monitor_of() { awk '/^PPid/ { print $2 }' "/proc/$(mybox inspect -f '{{.State.Pid}}' "$1")/status"; }
gone() { ! kill -0 "$1" 2>/dev/null; }

@test "no: it stays down" {
	mybox run -d --name c1 deb sh -c 'exit 1'
	wait_until 5 is c1 exited
	[ "$(count c1)" = 0 ]
}

@test "always: again and again, with the same address and file system, until it is stopped" {
	mybox network create net1
	mybox run -d --name c1 --restart always --network net1 deb sh -c 'echo x >>/runs; sleep 0.1; exit 0'
	wait_until 10 at_least c1 3
	mybox stop -t 0 c1
	is c1 exited
	local n
	n=$(count c1)
	sleep 0.5
	is c1 exited
	[ "$(count c1)" = "$n" ]
	[ "$(mybox start c1)" = c1 ]
	mybox rm -f c1
}

@test "always: a container stopped by the user starts when told to" {
	mybox run -d --name c1 --restart always deb sleep 100
	mybox kill c1
	wait_until 5 is c1 exited
	mybox start c1
	is c1 running
}

@test "on-failure: only failures, up to the number" {
	mybox run -d --name good --restart on-failure deb sh -c 'exit 0'
	mybox run -d --name bad --restart on-failure:2 deb sh -c 'exit 5'
	wait_until 5 is good exited
	[ "$(count good)" = 0 ]
	ended() { is bad exited && [ "$(count bad)" = 2 ]; }
	wait_until 10 ended
	[ "$(mybox inspect -f '{{.State.ExitCode}}' bad)" = 5 ]
	[ "$(mybox wait bad)" = 5 ]
}

@test "on-failure: who ran out of memory is started again, and every end is told as one" {
	requires memory
	mybox run -d --name k1 --restart on-failure:2 -m 16m --memory-swap 16m --network none deb sh -c 'echo run; exec dd if=/dev/zero of=/dev/null bs=64M count=1'
	ended() { is k1 exited && [ "$(count k1)" = 2 ]; }
	wait_until 30 ended
	[ "$(mybox logs k1 2>/dev/null | grep -c run)" = 3 ]
	[ "$(mybox inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' k1)" = 'true 137' ]
	[ "$(mybox container history --format '{{.Reason}}' k1 | sort | uniq -c | xargs)" = '3 out of memory (SIGKILL)' ]
	[ "$(mybox events --since 0 --until 0s -f container=k1 -f event=oom -f event=die -f event=start --format '{{.Action}}' | xargs)" = 'start oom die start oom die start oom die' ]
}

@test "kill: the signal that stops it ends its policy, another does not" {
	# Without its trap process 1 does not hear them.
	ready() { [ "$(mybox logs "$1" | wc -l)" = "$2" ]; }
	mybox run -d --name t1 --restart always deb sh -c 'trap "exit 3" TERM HUP; echo; while :; do sleep 0.05; done'
	wait_until 20 ready t1 1
	mybox kill -s HUP t1
	wait_until 20 ready t1 2
	[ "$(mybox inspect -f '{{.RestartCount}} {{.State.Status}}' t1)" = "1 running" ]
	mybox kill -s TERM t1
	[ "$(mybox wait t1)" = 3 ]
	is t1 exited
	[ "$(mybox inspect -f '{{.RestartCount}}' t1)" = 1 ]
	mybox run -d --name t2 --restart always --stop-signal USR1 deb sh -c 'trap "exit 4" USR1; echo; while :; do sleep 0.05; done'
	wait_until 20 ready t2 1
	mybox kill -s USR1 t2
	[ "$(mybox wait t2)" = 4 ]
	is t2 exited
}

@test "unless-stopped restarts too" {
	mybox run -d --name c1 --restart unless-stopped deb sh -c 'sleep 0.05; exit 0'
	wait_until 10 at_least c1 2
	mybox stop -t 0 c1
	is c1 exited
}

@test "restarting is a state that can be waited for, logged, stopped and removed" {
	mybox run -d --name c1 --restart always deb sh -c 'echo run; exit 7'
	wait_until 10 at_least c1 3
	seen() { is c1 restarting; }
	wait_until 10 seen
	[[ $(mybox ps -a --format '{{.Status}}') == "Restarting (7) "*" ago" ]] || is c1 running
	[ "$(mybox logs c1 | sort -u)" = run ]
	[ "$(mybox logs c1 | wc -l)" -ge 3 ]
	mybox rm -f c1
	run ! mybox container exists c1
}

@test "the policy survives what is no policy" {
	local bad
	for bad in nosuch always:3 on-failure:-1 on-failure:x 'on-failure:1:2'; do
		run mybox run -d --restart "$bad" deb true
		[ "$status" = 125 ]
	done
}

@test "a program that is gone at a restart ends it with the reason" {
	mybox run -d --name c1 --restart on-failure:3 -v "$images:/i:ro" deb sh -c 'rm /bin/sh; exit 1'
	ended() { [ "$(state c1)" = exited ] || [ "$(state c1)" = created ]; }
	wait_until 10 ended
	[ -n "$(mybox inspect -f '{{.State.Error}}' c1)" ] || [ "$(mybox inspect -f '{{.State.ExitCode}}' c1)" != 0 ]
}

@test "the monitor is killed: the container lives, and the next command adopts it" {
	mybox run -d --name c1 deb sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done'
	logged() { [ "$(mybox logs c1 | wc -l)" -ge 3 ]; }
	wait_until 5 logged
	local monitor pid
	monitor=$(monitor_of c1)
	pid=$(mybox inspect -f '{{.State.Pid}}' c1)
	kill -9 "$monitor"
	wait_until 5 gone "$monitor"
	kill -0 "$pid"
	is c1 running
	[ "$(mybox inspect -f '{{.State.Pid}}' c1)" = "$pid" ]
	mybox exec c1 true
	# Its output goes on, and into the log.
	local lines
	lines=$(mybox logs c1 | wc -l)
	more() { [ "$(mybox logs c1 | wc -l)" -gt $((lines + 5)) ]; }
	wait_until 5 more
	mybox stop -t 1 c1
	is c1 exited
	mybox start c1
	is c1 running
}

@test "the monitor is killed: names, ports and stdin go on" {
	mybox network create net1
	mybox run -d --name web --network net1 -p 127.0.0.1:8087:80 deb sh -c 'mkdir /www; echo page >/www/index.html; exec httpd -f -p 80 -h /www'
	mybox run -d --name c2 --network net1 deb sleep 100
	fetched() { [ "$(busybox wget -q -O- http://127.0.0.1:8087/)" = page ]; }
	wait_until 5 fetched
	kill -9 "$(monitor_of web)" "$(monitor_of c2)"
	mybox ps >/dev/null
	resolved() { [ "$(mybox exec c2 wget -q -O- http://web/)" = page ]; }
	wait_until 5 resolved
	fetched
}

@test "the monitor is killed, then the container ends: it is not called running" {
	mybox run -d --name c1 deb sleep 1000
	local pid
	pid=$(mybox inspect -f '{{.State.Pid}}' c1)
	kill -9 "$(monitor_of c1)"
	kill -9 "$pid"
	wait_until 5 gone "$pid"
	wait_until 5 is c1 exited
	[ "$(mybox inspect -f '{{.State.ExitCode}}' c1)" != 0 ]
	mybox start c1
	is c1 running
	mybox rm -f c1
}

# What runs, and its monitor, as they are written down: no command that might adopt looks them up.
now_monitor() { sed 's/.*"monitor":\([0-9]*\).*/\1/' "$run"/c/*/state.json; }
now_pid() { sed 's/.*"pid":\([0-9]*\).*/\1/' "$run"/c/*/state.json; }
adopted_by_other() { [ "$(now_monitor)" != "$1" ] && kill -0 "$(now_monitor)"; }
started_again() { [ "$(now_pid)" != "$1" ] && kill -0 "$(now_pid)"; }

@test "every command that looks adopts by itself, and the policy holds" {
	mybox run -d --name life --restart always --network none deb sleep 1000
	local verb monitor pid
	for verb in 'ps -q' 'inspect life' 'container inspect -f {{.Id}} life' 'stats --no-stream' \
		'stats --no-stream --format prometheus' 'system boot' 'exec life true'; do
		monitor=$(now_monitor)
		pid=$(now_pid)
		kill -9 "$monitor"
		wait_until 30 gone "$monitor"
		run -0 mybox $verb
		adopted_by_other "$monitor"
		kill -9 "$pid"
		wait_until 30 started_again "$pid"
	done
}

@test "who only looks does not wait for another command to adopt, nor fails" {
	mybox run -d --name life --network none deb sleep 1000
	local monitor id
	monitor=$(now_monitor)
	id=$(mybox inspect -f '{{.Id}}' life)
	kill -9 "$monitor"
	wait_until 30 gone "$monitor"
	run -0 flock "$run/locks/c-$id" timeout 60 "${box[@]}" ps -q --no-trunc
	[ "$output" = "$id" ]
	run -0 flock "$run/locks/c-$id" timeout 60 "${box[@]}" inspect -f '{{.State.Status}}' life
	[ "$output" = running ]
	[ "$(now_monitor)" = "$monitor" ]
	run -0 mybox ps -q --no-trunc
	[ "$output" = "$id" ]
	adopted_by_other "$monitor"
}

@test "the monitor is killed, then the container ends: its history says so" {
	mybox run -d --name life --network none deb sleep 1000
	local pid
	pid=$(now_pid)
	kill -9 "$(now_monitor)" "$pid"
	wait_until 30 gone "$pid"
	[ "$(mybox inspect -f '{{.State.Status}} {{.State.ExitCode}}' life)" = 'exited 255' ]
	run -0 mybox container history --format '{{.ExitCode}}|{{.Reason}}|{{.RanFor}}' life
	[ "$output" = '255|its end was not seen|--' ]
	mybox start life
	[ "$(mybox container history --format '{{.Reason}}' life | xargs)" = 'running its end was not seen' ]
	mybox rm -f life
	[ "$(mybox container history --format '{{.Reason}}' life | head -1)" = 'killed (SIGKILL)' ]
}

@test "an adopted container restarts by its policy" {
	mybox run -d --name c1 --restart always deb sleep 1000
	local pid
	pid=$(mybox inspect -f '{{.State.Pid}}' c1)
	kill -9 "$(monitor_of c1)"
	mybox exec c1 true
	adopted() { [ "$(mybox inspect -f '{{.State.Running}}' c1)" = true ]; }
	adopted
	kill -9 "$pid"
	again() { [ "$(mybox inspect -f '{{.State.Running}}' c1)" = true ] && [ "$(mybox inspect -f '{{.State.Pid}}' c1)" != "$pid" ]; }
	poke() { mybox ps -a >/dev/null; again; }
	wait_until 10 poke
}

@test "removal of a container whose monitor is gone" {
	mybox run -d --name c1 deb sleep 1000
	kill -9 "$(monitor_of c1)"
	mybox rm -f c1
	mybox run -d --rm --name c2 deb sleep 1000
	kill -9 "$(monitor_of c2)"
	mybox stop -t 0 c2
	run ! mybox container exists c2
}

@test "the monitor of a foreground client is killed: it stays, and nothing is lost" {
	mkdir "$BATS_TEST_TMPDIR/s"
	"${box[@]}" run --name c1 -v "$BATS_TEST_TMPDIR/s:/s" deb sh -c \
		'echo one; echo err >&2; until [ -e /s/go ]; do sleep 0.05; done; echo two; exit 3' \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" &
	local client=$! monitor code=0
	wait_until 30 grep -q err "$BATS_TEST_TMPDIR/err"
	monitor=$(now_monitor)
	kill -9 "$monitor"
	wait_until 30 adopted_by_other "$monitor"
	touch "$BATS_TEST_TMPDIR/s/go"
	wait $client || code=$?
	# Only its parent gets the code, before Linux 6.15.
	[[ $code == 3 || $code == 255 ]]
	[ "$(xargs <"$BATS_TEST_TMPDIR/out")" = "one two" ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = err ]
	[ "$(mybox logs c1 2>/dev/null | xargs)" = "one two" ]
	is c1 exited
	[ "$(mybox inspect -f '{{.State.ExitCode}}' c1)" = $code ]
}

@test "the monitor of a foreground client is killed when all is over: the rest is read, the code told" {
	mkdir "$BATS_TEST_TMPDIR/s"
	"${box[@]}" run --name c1 -v "$BATS_TEST_TMPDIR/s:/s" deb sh -c \
		'echo one; until [ -e /s/go ]; do sleep 0.05; done; echo rest; exit 4' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" &
	local client=$! monitor pid code=0
	wait_until 30 grep -q one "$BATS_TEST_TMPDIR/out"
	monitor=$(now_monitor)
	pid=$(mybox inspect -f '{{.State.Pid}}' c1)
	kill -STOP "$monitor"
	touch "$BATS_TEST_TMPDIR/s/go"
	wait_until 30 grep -q '^State:.Z' "/proc/$pid/status"
	kill -9 "$monitor"
	wait $client || code=$?
	[ "$(xargs <"$BATS_TEST_TMPDIR/out")" = "one rest" ]
	[ $code = 4 ] || { [ $code = 255 ] && grep -q 'exit code .* is unknown' "$BATS_TEST_TMPDIR/err"; }
	is c1 exited
	[ "$(mybox inspect -f '{{.State.ExitCode}}' c1)" = $code ]
}

@test "rm -f, kill and stop do not wait for ever for a monitor that is stopped" {
	local monitor pids=() monitors=() name rc=0
	monitor_of() { sed 's/.*"monitor":\([0-9]*\).*/\1/' "$run/c/$(mybox inspect -f '{{.Id}}' "$1")/state.json"; }
	for name in k1 k2 k3; do
		mybox run -d --init --name $name deb sleep 1000
		monitors+=("$(monitor_of $name)")
	done
	kill -STOP "${monitors[@]}"
	timeout -k 1 100 "${box[@]}" rm -f k1 3>&- &
	pids+=($!)
	timeout -k 1 100 "${box[@]}" kill k2 3>&- &
	pids+=($!)
	timeout -k 1 100 "${box[@]}" stop -t 0 k3 3>&- &
	pids+=($!)
	for name in "${pids[@]}"; do
		wait "$name" || rc=$?
	done
	# They end by themselves when they may.
	kill -CONT "${monitors[@]}"
	for monitor in "${monitors[@]}"; do
		ended() { ! kill -0 "$monitor" 2>&-; }
		wait_until 30 ended
	done
	[ $rc = 0 ]
	run -1 mybox inspect k1
	[ "$(mybox ps -q)" = '' ]
}

@test "the monitor of a foreground client is killed: input goes on, and ends" {
	mkfifo "$BATS_TEST_TMPDIR/in"
	"${box[@]}" run --rm -i --name c1 deb cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" &
	local client=$! monitor code=0
	exec 7>"$BATS_TEST_TMPDIR/in"
	echo one >&7
	wait_until 30 grep -q one "$BATS_TEST_TMPDIR/out"
	monitor=$(now_monitor)
	kill -9 "$monitor"
	wait_until 30 adopted_by_other "$monitor"
	echo two >&7
	wait_until 30 grep -q two "$BATS_TEST_TMPDIR/out"
	exec 7>&-
	wait $client || code=$?
	[[ $code == 0 || $code == 255 ]]
	[ "$(xargs <"$BATS_TEST_TMPDIR/out")" = "one two" ]
	[ -z "$(mybox ps -aq)" ]
}

@test "an adopted container counts its restarts on" {
	mkdir "$BATS_TEST_TMPDIR/s"
	mybox run -d --name c1 --restart on-failure:3 -v "$BATS_TEST_TMPDIR/s:/s" deb sh -c \
		'echo x >>/s/runs; [ $(wc -l </s/runs) -lt 3 ] || until [ -e /s/go ]; do sleep 0.05; done; exit 1'
	third() { [ "$(wc -l <"$BATS_TEST_TMPDIR/s/runs")" = 3 ] && is c1 running; }
	wait_until 30 third
	[ "$(count c1)" = 2 ]
	kill -9 "$(now_monitor)"
	mybox exec c1 true
	[ "$(count c1)" = 2 ]
	touch "$BATS_TEST_TMPDIR/s/go"
	wait_until 30 is c1 exited
	[ "$(count c1)" = 3 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/s/runs")" = 4 ]
}

@test "a stopped monitor does not stop the others' work" {
	mybox run -d --name c1 deb sleep 1000
	mybox run -d --name c2 deb sleep 1000
	local monitor
	monitor=$(monitor_of c1)
	kill -STOP "$monitor"
	run timeout 10 "${box[@]}" ps -q
	kill -CONT "$monitor"
	[ "$status" = 0 ]
	[ "${#lines[@]}" = 2 ]
}

@test "the foreground client is killed: the container goes on" {
	"${box[@]}" run --name c1 deb sh -c 'while :; do echo x; sleep 0.05; done' >/dev/null &
	local client=$!
	wait_until 5 mybox exec c1 true
	kill -9 $client
	wait $client || true
	mybox exec c1 true
	is c1 running
	mybox stop -t 0 c1
}

@test "the foreground client of --rm is killed: it goes when it ends" {
	"${box[@]}" run --rm --name c1 deb sh -c 'while [ ! -e /go ]; do sleep 0.05; done' >/dev/null &
	local client=$!
	wait_until 5 mybox exec c1 true
	kill -9 $client
	wait $client || true
	let_end c1
	away() { ! mybox container exists c1; }
	wait_until 5 away
}
