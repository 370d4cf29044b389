#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Waiting for conditions, back-off, who is started first, and what starts after a reboot.
load helpers

is() { [ "$(mybox inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }
restarted() { [ "$(mybox inspect -f '{{.RestartCount}}' "$1")" -ge "$2" ]; }
# All processes end at once, and what RUN holds is of another boot.
reboot() {
	local pids pid
	pids=$(sed -E 's/.*"monitor":([0-9]+),.*/\1/' "$run"/c/*/state.json)
	pids+=" $(sed -E 's/.*"pid":([0-9]+),.*/\1/' "$run"/c/*/state.json)"
	# shellcheck disable=SC2086 # words are split on purpose; one in a back-off has no process
	kill -9 $pids 2>/dev/null || true
	for pid in $pids; do wait_until 5 gone "$pid"; done
	echo 00000000-0000-0000-0000-000000000000 >"$run/boot_id"
}
# It has begun to wait: it sleeps in poll() with the log of events in its hands.
follows() { ls -l "/proc/$1/fd" 2>/dev/null | grep -q inotify; }
gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }

@test "wait --condition" {
	run -0 mybox create --name c1 deb sleep 1000
	[ "$(mybox wait --condition created c1)" = -1 ]
	# Its end is docker's 0, with a time as without.
	[ "$(mybox wait c1)" = 0 ]
	[ "$(mybox wait --timeout 10s c1)" = 0 ]
	(sleep 0.3; "${box[@]}" start c1) 3>&- >/dev/null &
	[ "$(mybox wait --condition running c1)" = -1 ]
	(sleep 0.3; "${box[@]}" pause c1) 3>&- >/dev/null &
	[ "$(mybox wait --condition paused,exited --timeout 10s c1)" = -1 ]
	mybox unpause c1
	run -1 mybox wait --timeout 200ms c1
	[[ $output == *"container 'c1' took too long"* ]]
	run -1 mybox wait --condition healthy c1
	[[ $output == *"container 'c1' has no health check"* ]]
	run -1 mybox wait --condition tired c1
	[[ $output == *"invalid condition 'tired'"* ]]
	(sleep 0.3; "${box[@]}" kill c1) 3>&- >/dev/null &
	[ "$(mybox wait --condition stopped --condition removing c1)" = 137 ]
	(sleep 0.3; "${box[@]}" rm c1) 3>&- >/dev/null &
	[ "$(mybox wait --condition removing c1)" = -1 ]
	run -1 mybox wait c1
	run -0 mybox wait --ignore c1
	[ "$output" = -1 ]
	# An end is seen, though it is started again at once or removed.
	mybox run -d --name c2 --restart always deb sh -c 'sleep 0.5; exit 4'
	[ "$(mybox wait --condition exited --timeout 10s c2)" = 4 ]
	mybox run -d --rm --name c3 deb sh -c 'while [ ! -e /go ]; do sleep 0.05; done; exit 5'
	"${box[@]}" wait --condition exited --timeout 10s c3 3>&- >"$BATS_TEST_TMPDIR/code" &
	local waiter=$!
	wait_until 5 follows "$waiter"
	let_end c3
	wait "$waiter"
	[ "$(cat "$BATS_TEST_TMPDIR/code")" = 5 ]
	mybox rm -f c2
}

@test "until it is healthy: wait, run --wait" {
	local flags=(--health-cmd 'test -e /well' --health-interval 100ms --health-retries 2)
	mybox run -d --name c1 "${flags[@]}" deb sh -c 'sleep 0.3; touch /well; sleep 1000'
	[ "$(mybox wait --condition healthy --timeout 20s c1)" = -1 ]
	run -0 mybox run -d --wait "${flags[@]}" --health-start-period 20s --health-start-interval 100ms deb sh -c 'sleep 0.3; touch /well; sleep 1000'
	[ "$(mybox ps -q -f health=healthy | wc -l)" = 2 ]
	run -1 mybox run -d --wait --name c3 "${flags[@]}" deb sleep 1000
	[[ $output == *"container 'c3' is unhealthy"* ]]
	run -7 mybox run -d --wait --name c4 "${flags[@]}" deb sh -c 'sleep 0.1; exit 7'
	[[ $output == *"container 'c4' has ended"* ]]
	# Nobody who has ended will be healthy, whenever that was.
	run -1 timeout 60 "${box[@]}" wait --condition healthy c4
	[[ $output == *"container 'c4' has ended"* ]]
	run -7 timeout 60 "${box[@]}" run -d --wait --name c6 --health-cmd true deb sh -c 'exit 7'
	[[ $output == *"container 'c6' has ended"* ]]
	# Who waits for a container that runs can be told not to.
	"${box[@]}" run -d --wait --name c7 --health-cmd true --health-interval 1h deb sleep 1000 3>&- >/dev/null 2>&1 &
	local waiter=$!
	wait_until 5 follows "$waiter"
	kill "$waiter"
	wait_until 5 gone "$waiter"
	is c7 running
	run -1 mybox run -d --wait --wait-timeout 200ms --name c5 --health-cmd true --health-interval 1h deb sleep 1000
	[[ $output == *"container 'c5' took too long"* ]]
	run -0 mybox run -d --wait deb sleep 1000
	run -125 mybox run --wait deb true
	[[ $output == *'add -d'* ]]
}

@test "waits between restarts are what was asked" {
	mybox run -d --name c1 --restart always --restart-delay 1ms,2ms deb false
	mybox run -d --name c2 --restart always --restart-delay 1h deb false
	# Without it these would take minutes, and the other would have come back twice.
	wait_until 10 restarted c1 12
	is c2 restarting
	[ "$(mybox inspect -f '{{.RestartCount}}' c2)" -le 1 ]
	[ "$(mybox inspect -f '{{.HostConfig.RestartDelay}}' c2)" = 1h ]
	local bad
	for bad in x 1s,2s,0.5 1s,10ms 1s,2s,2,1m,1 0; do
		run -125 mybox run --restart always --restart-delay $bad deb true
		[[ $output == *'invalid --restart-delay'* ]]
	done
	mybox rm -f c1 c2
}

@test "who is required is started first" {
	mybox create --name db deb sleep 1000
	mybox create --name app --requires db deb sleep 1000
	mybox create --name web --requires app --requires db,app deb sleep 1000
	mybox start web
	is db running
	is app running
	[ "$(mybox events --since 0 --until 0s -f event=start --format '{{.Actor.Attributes.name}}' | tail -3 | tr '\n' ' ')" = 'db app web ' ]
	mybox stop -t 0 db
	mybox restart -t 0 web
	is db running
	run -125 mybox run --requires nobody deb true
	[[ $output == *'--requires: No such container: nobody'* ]]
	mybox rm -f web db
	mybox stop -t 0 app
	run -1 mybox start app
	[[ $output == *'requires another'* ]]
	is app exited
}

@test "system boot starts what is to run, in order, once" {
	mybox create --name never --restart always deb sleep 1000
	mybox run -d --name base deb sleep 1000
	mybox run -d --name top --restart unless-stopped --requires base deb sleep 1000
	mybox run -d --name always --restart always deb sleep 1000
	mybox run -d --name failing --restart on-failure deb sleep 1000
	mybox run -d --name waiting --restart always --restart-delay 1h deb false
	mybox run -d --name stopped --restart unless-stopped deb sleep 1000
	mybox run -d --name stopped2 --restart always deb sleep 1000
	mybox run -d --name plain deb sleep 1000
	mybox run --name done --restart on-failure deb true
	wait_until 5 is waiting restarting
	mybox stop -t 0 stopped stopped2
	reboot
	[ -z "$(mybox ps -q)" ]
	run -0 mybox system boot
	[ "$(sort <<<"$output" | tr '\n' ' ')" = 'always failing stopped2 top waiting ' ]
	for c in base top always failing stopped2; do is $c running; done
	for c in stopped plain done; do is $c exited; done
	is never created
	run -0 mybox system boot
	[ -z "$output" ]
}

@test "a list that cannot be made is no empty one" {
	local other=$BATS_TEST_TMPDIR/run
	"${box[@]}" --runroot "$other" ps
	rm -rf "${other:?}/c"
	touch "$other/c"
	run "${box[@]}" --runroot "$other" ps -a
	[ "$status" != 0 ]
	[[ $output == "mybox: cannot list the containers: "* ]]
}
