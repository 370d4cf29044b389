#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# create, start, stop, restart, kill, pause, rename, wait, rm: the states and what is echoed.
load helpers

state() { mybox inspect -f '{{.State.Status}}' "$1"; }
is() { [ "$(state "$1")" = "$2" ]; }
runs() { [ "$(mybox inspect -f '{{.State.Running}}' "$1")" = true ]; }

@test "create prints the id, start echoes what was typed" {
	run mybox create --name c1 deb sh -c 'echo hello; exit 4'
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	local id=$output
	is c1 created
	run mybox start "${id:0:9}"
	[ "$output" = "${id:0:9}" ]
	run mybox wait c1
	[ "$status" = 0 ]
	[ "$output" = 4 ]
	is c1 exited
	run mybox logs c1
	[ "$output" = hello ]
}

@test "start -a shows the output and ends with the code; -i hands over stdin" {
	mybox create --name c1 deb sh -c 'echo out; echo err >&2; exit 5'
	mybox start -a c1 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || [ $? = 5 ]
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = out ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = err ]
	run -5 mybox start -a c1
	mybox create -i --name c2 deb cat
	[ "$(echo typed | mybox start -ai c2)" = typed ]
	run mybox start -a c1 c2
	[ "$status" = 1 ]
	[[ $output == *"you cannot start and attach multiple containers at once"* ]]
}

@test "start of what runs, of what is not there, and of several" {
	mybox run -d --name c1 deb sleep 100
	run mybox start c1
	[ "$status" = 0 ]
	[ "$output" = c1 ]
	mybox create --name c2 deb sleep 100
	run mybox start c1 nosuch c2
	[ "$status" = 1 ]
	[[ $output == *"No such container: nosuch"* ]]
	[[ $output == *c2* ]]
	is c2 running
}

@test "a start that fails leaves it startable" {
	mybox create --name c1 -v "$BATS_TEST_TMPDIR/dir:/d" deb /d/program
	run mybox start c1
	[ "$status" = 1 ]
	[[ $output == *"/d/program"* ]]
	[ "$(mybox inspect -f '{{.State.ExitCode}}' c1)" = 127 ]
	printf '#!/bin/sh\necho started\n' >"$BATS_TEST_TMPDIR/dir/program"
	chmod 755 "$BATS_TEST_TMPDIR/dir/program"
	run mybox start -a c1
	[ "$output" = started ]
}

@test "stop: the signal first, then SIGKILL" {
	mybox run -d --name polite deb sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'
	mybox run -d --name rude deb sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
	ready() { [ "$(mybox logs polite)$(mybox logs rude)" = readyready ]; }
	wait_until 5 ready
	run mybox stop polite
	[ "$status" = 0 ]
	[ "$output" = polite ]
	[ "$(mybox inspect -f '{{.State.ExitCode}}' polite)" = 3 ]
	run mybox stop -t 1 rude
	[ "$(mybox inspect -f '{{.State.Status}} {{.State.ExitCode}}' rude)" = "exited 137" ]
	run mybox stop rude
	[ "$status" = 0 ]
	[ "$output" = rude ]
	run mybox stop nosuch rude
	[ "$status" = 1 ]
	[[ $output == *"No such container: nosuch"* ]]
	[[ $output == *rude* ]]
}

@test "stop: -s, --stop-signal, --stop-timeout, the image's STOPSIGNAL, -t 0" {
	local loop='trap "exit 10" USR1; trap "exit 11" USR2; trap "" TERM; echo ready; while :; do sleep 0.05; done'
	mybox load -q -i "$images/settings.tar"
	mybox run -d --name c1 --stop-signal USR2 deb sh -c "$loop"
	mybox run -d --name c2 deb sh -c "$loop"
	mybox run -d --name c3 --entrypoint sh settings -c "$loop"
	mybox run -d --name c4 --stop-timeout 1 deb sh -c "$loop"
	mybox run -d --name c5 deb sh -c "$loop"
	ready() { local i; for i in 1 2 3 4 5; do [ "$(mybox logs c$i)" = ready ] || return 1; done; }
	wait_until 5 ready
	mybox stop c1
	mybox stop -s SIGUSR1 c2
	mybox stop c3
	mybox stop c4
	mybox stop -t 0 c5
	[ "$(mybox inspect -f '{{.State.ExitCode}}' c1 c2 c3 c4 c5 | tr '\n' ' ')" = "11 10 10 137 137 " ]
	mybox rm -v c3
	mybox rmi settings
}

@test "restart: runs again with the same id, address and file system" {
	mybox run -d --name c1 deb sh -c 'echo run >>/count; exec sleep 100'
	local before
	before=$(mybox inspect -f '{{.Id}} {{.NetworkSettings.IPAddress}}' c1)
	run mybox restart -t 0 c1
	[ "$status" = 0 ]
	[ "$output" = c1 ]
	[ "$(mybox inspect -f '{{.Id}} {{.NetworkSettings.IPAddress}}' c1)" = "$before" ]
	twice() { [ "$(mybox exec c1 wc -l /count)" = "2 /count" ]; }
	wait_until 5 twice
	mybox stop -t 0 c1
	before=$(mybox inspect -f '{{.State.FinishedAt}}' c1)
	mybox start c1
	[ "$(mybox inspect -f '{{.State.FinishedAt}}' c1)" = "$before" ]
	[[ $before != 0001-* ]]
	mybox stop -t 0 c1
	run mybox restart c1
	[ "$status" = 0 ]
	runs c1
	run mybox restart nosuch
	[ "$status" = 1 ]
}

@test "a start that fails: what the state says of it" {
	mybox create --name who -u nosuch deb true
	run -1 mybox start who
	[ "$(mybox inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.FinishedAt}}' who)" = "created 128 0001-01-01T00:00:00Z" ]
	mybox create --name what deb /nosuch
	run -1 mybox start what
	[ "$(mybox inspect -f '{{.State.Status}} {{.State.ExitCode}}' what)" = "created 127" ]
	mybox create --name may deb /etc/passwd
	run -1 mybox start may
	[ "$(mybox inspect -f '{{.State.ExitCode}}' may)" = 126 ]
	run -125 mybox run --name whose -u nosuch deb true
	[ "$(mybox inspect -f '{{.State.ExitCode}}' whose)" = 128 ]
}

@test "kill: any signal by name or number, only what runs" {
	mybox run -d --name c1 deb sh -c 'trap "echo usr1" USR1; trap "exit 9" 10; echo ready; while :; do sleep 0.05; done'
	ready() { mybox logs c1 | grep -qx ready; }
	wait_until 5 ready
	run mybox kill c1
	[ "$status" = 0 ]
	[ "$output" = c1 ]
	# It has ended when the command returns, with all that it had, paused or not.
	[ "$(mybox inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1)" = 'exited 137' ]
	mybox run -d --name many deb sh -c 'i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i + 1)); done; echo ready; wait'
	ready() { mybox logs many | grep -qx ready; }
	wait_until 10 ready
	local pid
	pid=$(mybox inspect -f '{{.State.Pid}}' many)
	mybox kill many
	run kill -0 "$pid"
	[ "$status" = 1 ]
	mybox start c1
	mybox pause c1
	mybox kill c1
	[ "$(mybox inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1)" = 'exited 137' ]
	run mybox kill c1
	[ "$status" = 1 ]
	[[ $output == *"is not running"* ]]
	mybox run -d --name c2 deb sleep 100
	mybox run -d --name c3 --init deb sleep 100
	local sig
	for sig in NOSUCH 0 65 -1 ''; do
		run mybox kill --signal="$sig" c2
		[ "$status" = 1 ]
		[[ $output == *"nvalid signal"* ]]
	done
	for sig in term SIGTERM 15; do
		mybox start c3
		mybox kill -s "$sig" c3
		[ "$(mybox wait c3)" = 143 ]
	done
}

# bats test_tags=cgroup
@test "pause: nothing of it runs, and the states say so" {
	mybox run -d --name c1 deb sh -c 'i=0; while :; do i=$((i+1)); echo $i >/n; done'
	counting() { [ -n "$(mybox exec c1 cat /n 2>/dev/null)" ]; }
	wait_until 5 counting
	run mybox pause c1
	[ "$output" = c1 ]
	[ "$(mybox inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' c1)" = "paused true true" ]
	[[ $(mybox ps --format '{{.Status}}') == *"(Paused)" ]]
	local pid was
	pid=$(mybox inspect -f '{{.State.Pid}}' c1)
	was=$(cut -d' ' -f14,15 "/proc/$pid/stat")
	sleep 0.3
	[ "$(cut -d' ' -f14,15 "/proc/$pid/stat")" = "$was" ]
	run mybox pause c1
	[ "$status" = 1 ]
	[[ $output == *"already paused"* ]]
	mybox unpause c1
	moved() { [ "$(cut -d' ' -f14,15 "/proc/$pid/stat")" != "$was" ]; }
	wait_until 5 moved
	run mybox unpause c1
	[ "$status" = 1 ]
	[[ $output == *"is not paused"* ]]
	mybox pause c1
	mybox stop -t 1 c1
	is c1 exited
	mybox start c1
	mybox pause c1
	run mybox kill c1
	[ "$status" = 0 ]
	[ "$(mybox wait c1)" = 137 ]
	mybox start c1
	mybox pause c1
	mybox rm -f c1
	run mybox pause nosuch
	[ "$status" = 1 ]
}

@test "rename: the new name is the name everywhere" {
	mybox network create net1
	mybox run -d --name old --network net1 deb sleep 100
	mybox run -d --name peer --network net1 deb sleep 100
	mybox rename old new
	[ "$(mybox inspect -f '{{.Name}}' new)" = /new ]
	run mybox inspect old
	[ "$status" = 1 ]
	resolves() { mybox exec peer nslookup "$1" 2>&1 | grep -q "$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' new)"; }
	wait_until 3 resolves new
	run ! resolves old
	run mybox rename new peer
	[ "$status" = 1 ]
	[[ $output == *"already in use"* ]]
	run mybox rename nosuch x1
	[ "$status" = 1 ]
	run mybox rename new 'bad/name'
	[ "$status" = 1 ]
	mybox rename new old
	mybox rm -f old
	run mybox container exists old
	[ "$status" = 1 ]
}

@test "a name is taken from who is gone, not from who is making or removing its container" {
	local id=deadbeef
	id=$id$id$id$id$id$id$id$id
	mkdir -p "$run/locks" "$root/names"
	ln -s $id "$root/names/web1"
	exec 8>"$run/locks/c-$id"
	flock 8
	run -1 mybox create --name web1 deb true 8>&-
	[[ $output == *'Conflict. The container name "/web1" is already in use by container "'$id* ]]
	[ "$(readlink "$root/names/web1")" = $id ]
	exec 8>&-
	run -0 mybox create --name web1 deb true
	[ "$(mybox inspect -f '{{.Id}}' web1)" = "$output" ]
	[ ! -e "$run/locks/c-$id" ]
}

@test "wait: every waiter gets the code, one line each" {
	mybox run -d --name c1 deb sh -c 'while [ ! -e /go ]; do sleep 0.05; done; exit 21'
	mybox run -d --name c2 deb sh -c 'exit 22'
	local i
	for i in 1 2 3; do "${box[@]}" wait c1 c2 >"$BATS_TEST_TMPDIR/w$i" & done
	let_end c1
	wait
	for i in 1 2 3; do [ "$(cat "$BATS_TEST_TMPDIR/w$i")" = "21
22" ]; done
	mybox create --name c3 deb true
	run mybox wait nosuch c2
	[ "$status" = 1 ]
	[[ $output == *"No such container: nosuch"* ]]
	[[ $output == *22* ]]
}

@test "wait returns for a container removed on its end" {
	mybox run -d --rm --name c1 deb sh -c 'while [ ! -e /go ]; do sleep 0.05; done; exit 23'
	local before
	before=$(ls -l /proc/$$/fd | grep -c socket) || true
	"${box[@]}" wait c1 >"$BATS_TEST_TMPDIR/code" &
	local waiter=$!
	# It has found the container: it is connected with its monitor.
	asks() { [ "$(ls -l "/proc/$waiter/fd" 2>/dev/null | grep -c socket)" -gt "$before" ]; }
	wait_until 5 asks
	let_end c1
	wait $waiter
	[ "$(cat "$BATS_TEST_TMPDIR/code")" = 23 ]
}

@test "rm: only what has ended, or -f" {
	mybox run -d --name c1 deb sleep 100
	run mybox rm c1
	[ "$status" = 1 ]
	[[ $output == *"cannot remove"* ]] || [[ $output == *"You cannot remove a running container"* ]]
	run mybox rm -f c1
	[ "$status" = 0 ]
	[ "$output" = c1 ]
	mybox run --name c2 deb true
	run mybox rm c2
	[ "$output" = c2 ]
	run mybox rm c2
	[ "$status" = 1 ]
	[[ $output == *"No such container: c2"* ]]
	run mybox rm -f c2
	[ "$status" = 0 ]
	mybox create --name c3 deb true
	run mybox rm nosuch c3
	[ "$status" = 1 ]
	run ! mybox container exists c3
}

@test "rm -v takes anonymous volumes, and only them" {
	mybox run --name c1 -v /anon -v named:/n deb true
	[ "$(mybox volume ls -q | wc -l)" = 2 ]
	mybox rm c1
	[ "$(mybox volume ls -q | wc -l)" = 2 ]
	mybox run --name c1 -v /anon -v named:/n deb true
	mybox rm -v c1
	[ "$(mybox volume ls -q | wc -l)" = 2 ]
	mybox volume ls -q | grep -qx named
}

@test "ids: full, short, any unique prefix, with a slash; ambiguous ones are told" {
	local id i first
	id=$(mybox create --name c1 deb true)
	for ref in "$id" "${id:0:12}" "${id:0:4}" c1 /c1; do
		[ "$(mybox inspect -f '{{.Name}}' "$ref")" = /c1 ]
	done
	for i in $(seq 17); do mybox create deb true; done >"$BATS_TEST_TMPDIR/ids"
	first=$(cut -c1 "$BATS_TEST_TMPDIR/ids" | sort | uniq -d | head -1)
	run mybox inspect --type container "$first"
	[ "$status" = 1 ]
	run mybox start "$first"
	[ "$status" = 1 ]
	[[ $output == *"Multiple IDs found with provided prefix: $first"* ]]
	# A name goes before a prefix.
	mybox create --name "${id:0:5}" deb true
	[ "$(mybox inspect -f '{{.Name}}' "${id:0:5}")" = "/${id:0:5}" ]
}

@test "the management forms do the same" {
	run mybox container create --name c1 deb sleep 100
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	mybox container start c1
	[ "$(mybox container ls -q --no-trunc)" = "$output" ]
	[ "$(mybox container list -q --no-trunc)" = "$output" ]
	[ "$(mybox container ps -q --no-trunc)" = "$output" ]
	[ "$(mybox container exec c1 echo hi)" = hi ]
	mybox container pause c1
	mybox container unpause c1
	mybox container rename c1 c2
	[ "$(mybox container inspect -f '{{.Name}}' c2)" = /c2 ]
	mybox container top c2
	mybox container stats --no-stream c2
	mybox container port c2
	mybox container logs c2
	mybox container restart -t 0 c2
	mybox container kill c2
	[ "$(mybox container wait c2)" = 137 ]
	mybox container stop c2
	mybox container rm c2
	[ "$(mybox container run --rm deb echo ran)" = ran ]
	mybox container run -d --name c3 deb true
	mybox container remove -f c3
}

@test "a list asks the kernel four things about each container that was never started, six if it was" {
	requires strace
	calls() {
		strace -qq -o "$BATS_TEST_TMPDIR/calls" -e trace=%file,read,close,fstat "${box[@]}" ps -a >/dev/null
		wc -l <"$BATS_TEST_TMPDIR/calls"
	}
	local none created ended i
	mybox run --network none --name other deb true
	none=$(calls)
	for i in 1 2 3 4 5; do mybox create --network none deb true >/dev/null; done
	created=$(calls)
	for i in 1 2 3 4 5; do mybox run --network none deb true; done
	ended=$(calls)
	[ $((created - none)) = 20 ]
	[ $((ended - created)) = 30 ]
}

@test "containers named without their names: --all, --latest, --filter, --cidfile, --ignore" {
	local first last
	first=$(mybox create --name first -l kind=a --cidfile "$BATS_TEST_TMPDIR/id" deb sleep 1000)
	mybox run -d --name between -l kind=b deb sleep 1000
	last=$(mybox create --name last -l kind=a deb sleep 1000)
	states() { mybox ps -a --format '{{.Names}}={{.State}}' | sort | tr '\n' ' '; }
	# start: not what runs already.
	[ "$(mybox start --latest)" = "$last" ]
	[ "$(mybox start --filter label=kind=a)" = "$first" ]
	[ "$(mybox stop -t 0 -l)" = "$last" ]
	[ "$(mybox start --all)" = "$last" ]
	[ "$(mybox start --all)" = "" ]
	# pause and unpause: each what it can be done to.
	[ "$(mybox pause -f label=kind=a | sort)" = "$(printf '%s\n' "$first" "$last" | sort)" ]
	[ "$(mybox pause --cidfile "$BATS_TEST_TMPDIR/id" 2>&1)" != "$first" ]
	[ "$(mybox pause -a)" = "$(mybox inspect -f '{{.Id}}' between)" ]
	[ "$(mybox unpause --cidfile "$BATS_TEST_TMPDIR/id")" = "$first" ]
	[ "$(mybox unpause -a | wc -l)" = 2 ]
	[ "$(states)" = "between=running first=running last=running " ]
	[ "$(mybox kill --cidfile "$BATS_TEST_TMPDIR/id")" = "$first" ]
	is_down() { [ "$(mybox inspect -f '{{.State.Running}}' first)" = false ]; }
	wait_until 10 is_down
	[ "$(mybox kill -s CONT -a | wc -l)" = 2 ]
	[ "$(mybox kill -s CONT -l)" = "$last" ]
	[ "$(mybox stop -t 0 -f label=kind=a)" = "$last" ]
	[ "$(mybox restart -t 0 --filter name=between)" = "$(mybox inspect -f '{{.Id}}' between)" ]
	# Those that are not there: passed over when asked for.
	run mybox stop nosuch
	[ "$status" = 1 ]
	[ "$(mybox stop -t 0 -i nosuch between)" = between ]
	[ "$(mybox rm --ignore nosuch --cidfile "$BATS_TEST_TMPDIR/nosuch")" = "" ]
	[ "$(mybox rm --cidfile "$BATS_TEST_TMPDIR/id")" = "$first" ]
	run mybox rm --cidfile "$BATS_TEST_TMPDIR/id"
	[ "$status" = 1 ]
	[ "$(mybox rm --filter label=kind=b)" != "" ]
	[ "$(mybox rm -f --latest)" = "$last" ]
	mybox create deb true
	mybox create deb true
	[ "$(mybox rm -a | wc -l)" = 2 ]
	[ "$(mybox rm -a)" = "" ]
}

@test "containers named without their names: what contradicts itself" {
	mybox create --name c1 deb true
	: >"$BATS_TEST_TMPDIR/empty"
	local words
	for words in 'stop -a c1' 'rm --latest c1' 'rm --filter name=c1 c1' 'kill -a --cidfile x' 'start --latest --all' \
		'pause -l -f name=c1' 'rm --all=false' 'stop --filter nosuch=x' "rm --cidfile $BATS_TEST_TMPDIR/empty" \
		"rm --cidfile $BATS_TEST_TMPDIR/nosuch" 'rm --cidfile /dev/zero'; do
		# shellcheck disable=SC2086
		run mybox $words
		[ "$status" = 1 ]
		[ "${#lines[@]}" = 1 ]
	done
	run mybox stop
	[ "$status" = 1 ]
	[ "${lines[0]}" = '"mybox stop" requires at least 1 argument.' ]
	run mybox rm -l c1
	[ "$status" = 1 ]
	[[ $output == *"there are no links"* ]]
	mybox rm c1
	run mybox start --latest
	[ "$status" = 1 ]
	[[ $output == *"--latest: there is no container"* ]]
}
