#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Health checks: what is asked, what comes of it, what is done about it.
load helpers

health() { mybox inspect -f '{{.State.Health.Status}}' "$1"; }
is_health() { [ "$(health "$1")" = "$2" ]; }
results() { mybox inspect -f '{{len .State.Health.Log}}' "$1"; }
has_results() { [ "$(results "$1")" -ge "$2" ]; }
is() { [ "$(mybox inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }
restarted() { [ "$(mybox inspect -f '{{.RestartCount}}' "$1")" -ge "$2" ]; }
monitor_of() { awk '/^PPid/ { print $2 }' "/proc/$(mybox inspect -f '{{.State.Pid}}' "$1")/status"; }

@test "starting, healthy, unhealthy and well again" {
	mybox run -d --name c1 --health-cmd 'echo looked; test -e /well' --health-interval 100ms --health-retries 2 --health-start-period 1h --health-start-interval 100ms deb sleep 1000
	[ "$(mybox ps --format '{{.Status}} {{.HealthStatus}}' | sed 's/.* (/(/')" = '(health: starting) starting' ]
	# A failure says nothing while it starts.
	wait_until 5 has_results c1 2
	is_health c1 starting
	[ "$(mybox inspect -f '{{.State.Health.FailingStreak}}' c1)" = 0 ]
	mybox exec c1 touch /well
	wait_until 5 is_health c1 healthy
	[[ $(mybox ps --format '{{.Status}}') == *'(healthy)' ]]
	[ "$(mybox ps -q -f health=healthy | wc -l)$(mybox ps -q -f health=unhealthy)" = 1 ]
	mybox exec c1 rm /well
	wait_until 5 is_health c1 unhealthy
	[[ $(mybox ps --format '{{.Status}}') == *'(unhealthy)' ]]
	mybox exec c1 touch /well
	wait_until 5 is_health c1 healthy
	run -0 mybox events --since 0 --until 0s -f container=c1 -f event=health_status --format '{{.Action}}'
	[ "$output" = $'health_status: healthy\nhealth_status: unhealthy\nhealth_status: healthy' ]
	wait_until 5 has_results c1 5
	[ "$(results c1)" = 5 ]
	[ "$(mybox inspect -f '{{(index .State.Health.Log 4).Output}}' c1)" = looked ]
	[ "$(mybox inspect -f '{{json .Config.Healthcheck}}' c1)" = '{"Test":["CMD-SHELL","echo looked; test -e /well"],"Interval":100000000,"StartPeriod":3600000000000,"StartInterval":100000000,"Retries":2}' ]
	# Whoever is paused is not asked.
	mybox pause c1
	sleep 0.3
	local before
	before=$(mybox inspect -f '{{json .State.Health}}' c1)
	sleep 0.5
	[ "$(mybox inspect -f '{{json .State.Health}}' c1)" = "$before" ]
	mybox unpause c1
	# The last of it stays to be seen.
	mybox stop -t 0 c1
	is_health c1 healthy
	mybox start c1
	is_health c1 starting
	# Of a run that was never probed there is nothing.
	mybox kill c1
	mybox run -d --name c2 --health-cmd true --health-interval 1h deb sleep 1000
	mybox healthcheck run c2
	mybox stop -t 0 c2
	is_health c2 healthy
	mybox start c2
	mybox stop -t 0 c2
	is_health c2 starting
}

@test "what is asked: the image's, the user's, none" {
	printf 'FROM deb\nHEALTHCHECK --interval=100ms --retries=1 CMD ["test", "-e", "/well"]\n' >"$BATS_TEST_TMPDIR/Dockerfile"
	mybox build -q -t checked "$BATS_TEST_TMPDIR"
	mybox run -d --name c1 checked sleep 1000
	wait_until 5 is_health c1 unhealthy
	mybox run -d --name c2 --health-cmd true checked sleep 1000
	wait_until 5 is_health c2 healthy
	mybox run -d --name c3 --no-healthcheck checked sleep 1000
	mybox run -d --name c4 deb sleep 1000
	for c in c3 c4; do
		[ "$(mybox inspect -f '{{json .State.Health}}' $c)" = null ]
		[[ $(mybox ps --format '{{.Status}}' -f name=$c) != *'('* ]]
	done
	[ "$(mybox ps -q -f health=none | wc -l)" = 2 ]
	[ "$(mybox inspect -f '{{json .Config.Healthcheck.Test}}' c3)" = '["NONE"]' ]
	mybox run -d --name c5 --healthcheck-command '["CMD", "test", "-d", "/a b"]' --healthcheck-retries 7 checked sleep 1000
	[ "$(mybox inspect -f '{{json .Config.Healthcheck}}' c5)" = '{"Test":["CMD","test","-d","/a b"],"Interval":100000000,"Retries":7}' ]
	run -1 mybox ps -f health=well
	[[ $output == *'Unrecognised filter value for health: well'* ]]
	run -125 mybox run --rm --no-healthcheck --health-cmd true deb true
	[[ $output == *'--no-healthcheck conflicts with --health-* options'* ]]
	run -125 mybox run --rm --health-cmd true --health-interval 1us deb true
	[[ $output == *'Interval in Healthcheck cannot be less than 1ms'* ]]
	run -125 mybox run --rm --health-cmd true --health-retries -1 deb true
	[[ $output == *'--health-retries cannot be negative'* ]]
	run -125 mybox run --rm --health-on-failure panic deb true
	run -125 mybox run --rm --health-startup-cmd true deb true
	[[ $output == *'a startup check needs a health check'* ]]
	for action in kill stop restart; do
		run -125 mybox run --rm --health-on-failure $action deb true
		[[ $output == *"--health-on-failure '$action' needs a health check"* ]]
	done
	mybox run --rm --health-on-failure none deb true
	run -1 mybox create --restart on-unhealthy:3 --no-healthcheck checked true
	[[ $output == *"restart policy 'on-unhealthy' needs a health check"* ]]
	run -1 mybox update --restart on-unhealthy c4
	[[ $output == *"restart policy 'on-unhealthy' needs a health check"* ]]
	mybox update --restart on-unhealthy c5
	# Who never ran has no health.
	mybox create --name c6 checked true
	[ "$(mybox inspect -f '{{json .State.Health}}' c6)" = null ]
	[ "$(mybox ps -aq --no-trunc -f health=none -f name=c6)" = "$(mybox inspect -f '{{.Id}}' c6)" ]
	mybox rm -f c1 c2 c3 c4 c5 c6
	remove_images_but deb
}

@test "by hand: healthcheck run" {
	# It is the user that the container is, and may no more than he.
	mybox run -d --name c0 -u 65534 --health-cmd 'id -u; grep -E "^Cap(Inh|Prm|Eff|Amb)" /proc/self/status' --health-interval 1h deb sleep 1000
	mybox healthcheck run c0
	[ "$(mybox inspect -f '{{(index .State.Health.Log 0).Output}}' c0 | tr -d '\t')" = $'65534\nCapInh:0000000000000000\nCapPrm:0000000000000000\nCapEff:0000000000000000\nCapAmb:0000000000000000' ]
	mybox run -d --name c1 --health-cmd 'echo -n x; test -e /well' --health-interval 1h --health-retries 1 deb sleep 1000
	run -1 mybox healthcheck run c1
	[ "$output" = unhealthy ]
	is_health c1 unhealthy
	mybox exec c1 touch /well
	run -0 mybox healthcheck run c1
	[ -z "$output" ]
	is_health c1 healthy
	mybox run -d --name c2 deb sleep 1000
	run -125 mybox healthcheck run c2
	[[ $output == *'has no defined healthcheck'* ]]
	run -125 mybox healthcheck run nobody
	mybox stop -t 0 c1
	run -125 mybox healthcheck run c1
	[[ $output == *'not running'* ]]
	# A command that is not there is no engine's failure.
	mybox run -d --name c3 --health-cmd '["CMD", "/nothing"]' --health-interval 1h --health-retries 1 deb sleep 1000
	run -1 mybox healthcheck run c3
	[[ $(mybox inspect -f '{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{end}}' c3) == '-1 '*nothing* ]]
}

@test "a container that ends while it is asked is not unhealthy" {
	local flags=(--health-interval 1h --health-retries 1 --health-timeout 1h)
	mybox run -d --name over "${flags[@]}" --health-cmd 'touch /go; sleep 1000' deb sh -c 'while [ ! -e /go ]; do sleep 0.05; done'
	run -125 mybox healthcheck run over
	is_health over starting
	mybox run -d --name killed "${flags[@]}" --health-cmd 'touch /go; sleep 1000' deb sleep 1000
	"${box[@]}" healthcheck run killed 3>&- >/dev/null 2>&1 &
	local asker=$!
	asked() { mybox exec killed test -e /go; }
	wait_until 5 asked
	mybox kill killed
	wait "$asker" || true
	is_health killed starting
	[ -z "$(mybox events --since 0 --until 0s -f event=health_status -f container=over -f container=killed)" ]
	# One whose probe alone is killed is.
	mybox run -d --name probed "${flags[@]}" --health-cmd 'kill -9 $$' deb sleep 1000
	run -1 mybox healthcheck run probed
	is_health probed unhealthy
}

@test "a check that hangs, floods and forks" {
	mybox run -d --name c1 --health-cmd 'sleep 999 & setsid sleep 998 & cat /dev/zero' --health-timeout 300ms --health-interval 50ms --health-retries 1 deb sleep 1000
	wait_until 10 is_health c1 unhealthy
	[ "$(mybox inspect -f '{{(index .State.Health.Log 0).ExitCode}} {{(index .State.Health.Log 0).Output}}' c1)" = '-1 Health check exceeded timeout (300ms)' ]
	wait_until 10 has_results c1 3
	# What one left has gone with it: not more than one's processes at once.
	[ "$(mybox exec c1 sh -c 'n=0; for p in /proc/[0-9]*/cmdline; do grep -q "^sleep.99" $p && n=$((n + 1)); done 2>/dev/null; echo $n')" -le 2 ]
	mybox rm -f c1
	# What it leaves when it ends in time goes too; its output is kept so far and no further.
	mybox run -d --name c2 --health-cmd 'setsid sleep 997 >/dev/null 2>&1 & head -c 200000 /dev/zero | tr "\0" x' --health-interval 1h deb sleep 1000
	run -0 mybox healthcheck run c2
	[ "$(mybox inspect -f '{{len (index .State.Health.Log 0).Output}}' c2)" = 4099 ]
	left() { mybox exec c2 sh -c 'grep -l "^sleep.997" /proc/[0-9]*/cmdline' 2>/dev/null; }
	[ -z "$(left)" ]
	# It keeps its pipe open and does not hold us up.
	mybox run -d --name c3 --health-cmd 'setsid sleep 996 & exit 0' --health-interval 1h --health-timeout 1h deb sleep 1000
	run -0 timeout 120 "${box[@]}" healthcheck run c3
	local pid
	pid=$(monitor_of c2)
	[ "$(awk '/^Private/ { n += $2 } END { print n + 0 }' "/proc/$pid/smaps_rollup")" -le 100 ]
}

# For a bomb there has to be a limit.
has_pids() { [ -d /sys/fs/cgroup/pids ] || grep -qw pids /sys/fs/cgroup/cgroup.controllers 2>/dev/null; }

@test "a check that forks without end has the container's limits, and takes all with it" {
	has_pids || skip "needs a pids controller"
	# Who reaps is process 1.
	mybox run -d --init --name c4 --pids-limit 64 --health-cmd 'while :; do sleep 999 & done' --health-timeout 3s --health-interval 1h --health-retries 1 deb sleep 1000
	run -1 timeout 60 "${box[@]}" healthcheck run c4
	calm() { [ "$(mybox exec c4 sh -c 'ls -d /proc/[0-9]* | wc -l' 2>/dev/null || echo 99)" -le 8 ]; }
	wait_until 5 calm
}

@test "unhealthy: killed, stopped, started again" {
	local flags=(--health-cmd 'test ! -e /sick' --health-interval 100ms --health-retries 1)
	mybox run -d --name c1 "${flags[@]}" --health-on-failure kill deb sleep 1000
	mybox run -d --name c2 "${flags[@]}" --health-on-failure stop --restart always deb sh -c 'trap "exit 3" TERM; sleep 1000 & wait'
	mybox run -d --name c3 "${flags[@]}" --health-on-failure restart deb sh -c 'rm -f /sick; trap "exit 0" TERM; sleep 1000 & wait'
	mybox run -d --name c4 "${flags[@]}" --restart on-unhealthy:1 --stop-timeout 1 deb sleep 1000
	mybox run -d --name c5 "${flags[@]}" deb sleep 1000
	for c in c1 c2 c3 c4 c5; do wait_until 5 is_health $c healthy; done
	for c in c1 c2 c3 c4 c5; do mybox exec $c touch /sick || [ $? = 137 ]; done
	wait_until 10 is c1 exited
	[ "$(mybox inspect -f '{{.State.ExitCode}}' c1)" = 137 ]
	wait_until 10 is c2 exited
	[ "$(mybox inspect -f '{{.State.ExitCode}} {{.RestartCount}}' c2)" = '3 0' ]
	wait_until 10 restarted c3 1
	wait_until 10 is_health c3 healthy
	wait_until 10 restarted c4 1
	# Once was enough: now it stays as it is.
	wait_until 10 is_health c4 unhealthy
	sleep 0.5
	[ "$(mybox inspect -f '{{.State.Status}} {{.RestartCount}}' c4)" = 'running 1' ]
	wait_until 10 is_health c5 unhealthy
	is c5 running
	run -0 mybox events --since 0 --until 0s -f container="$(mybox inspect -f '{{.Id}}' c4)" -f event=start -f event=die --format '{{.Action}}'
	[ "$output" = $'start\ndie\nstart' ]
}

@test "a startup check: the other waits for it, and its failures restart" {
	mybox run -d --name c1 --health-cmd false --health-interval 50ms --health-retries 1 --health-startup-cmd 'test -e /up' --health-startup-interval 100ms --health-startup-success 2 deb sleep 1000
	wait_until 5 has_results c1 2
	is_health c1 starting
	mybox exec c1 touch /up
	wait_until 5 is_health c1 unhealthy
	mybox run -d --name c2 --stop-timeout 0 --health-cmd true --health-startup-cmd false --health-startup-interval 50ms --health-startup-retries 2 deb sleep 1000
	wait_until 10 restarted c2 1
}

@test "names: who is unhealthy is not answered while somebody is healthy" {
	local flags=(--network net1 --network-alias web --health-cmd 'test ! -e /sick' --health-interval 1h --health-retries 1)
	mybox network create net1
	mybox run -d --name w1 "${flags[@]}" deb sleep 1000
	mybox run -d --name w2 "${flags[@]}" deb sleep 1000
	mybox run -d --name asker --network net1 deb sleep 1000
	answers() { mybox exec asker nslookup web 2>/dev/null | sed '1,/^Name/d' | grep -oE '[0-9]+(\.[0-9]+){3}' | sort -u | tr '\n' ' '; }
	ip() { mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' "$1"; }
	[ "$(answers | wc -w)" = 2 ]
	mybox exec w1 touch /sick
	run -1 mybox healthcheck run w1
	[ "$(answers)" = "$(ip w2) " ]
	mybox exec w2 touch /sick
	run -1 mybox healthcheck run w2
	[ "$(answers | wc -w)" = 2 ]
	mybox exec w1 rm /sick
	mybox healthcheck run w1
	[ "$(answers)" = "$(ip w1) " ]
}

@test "a monitor whose store was removed probes no more" {
	mybox run -d --name c1 --network none --health-cmd true --health-interval 20ms deb sleep 1000
	wait_until 5 is_health c1 healthy
	local id monitor first
	first=$(mybox inspect -f '{{.State.Pid}}' c1)
	id=$(mybox inspect -f '{{.Id}}' c1)
	monitor=$(monitor_of c1)
	mv "$run/c/$id/state.json" "$BATS_TEST_TMPDIR/"
	probes() { pgrep -P "$monitor" | grep -qvx "$first"; }
	none() { ! probes; }
	wait_until 5 none
	sleep 0.1
	local seen=0 i
	for i in {1..30}; do probes && seen=$i; sleep 0.02; done
	[ "$seen" = 0 ]
	mv "$BATS_TEST_TMPDIR/state.json" "$run/c/$id/"
}

@test "another monitor goes on with it" {
	mybox run -d --name c1 --health-cmd 'test -e /well' --health-interval 100ms --health-retries 1 deb sleep 1000
	wait_until 5 is_health c1 unhealthy
	kill -9 "$(monitor_of c1)"
	mybox exec c1 touch /well
	wait_until 5 is_health c1 healthy
}

gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }

@test "the monitor is killed between the failure and what is to be done: the next does it" {
	mkdir "$BATS_TEST_TMPDIR/s"
	# Only the first check fails, and it takes its time: another would find all well.
	mybox run -d --name hm -v "$BATS_TEST_TMPDIR/s:/s" --health-interval 50ms --health-retries 1 --health-on-failure restart --health-cmd 'mkdir /s/asked || exit 0; until [ -e /s/go ]; do sleep 0.05; done; false' deb sh -c 'trap "exit 0" TERM; sleep 1000 & wait'
	wait_until 10 test -e "$BATS_TEST_TMPDIR/s/asked"
	local monitor
	monitor=$(monitor_of hm)
	kill -STOP "$monitor"
	touch "$BATS_TEST_TMPDIR/s/go"
	wait_until 10 is_health hm unhealthy
	kill -9 "$monitor"
	wait_until 10 gone "$monitor"
	[ "$(mybox inspect -f '{{.RestartCount}}' hm)" = 0 ]
	mybox top hm || true
	wait_until 10 restarted hm 1
	wait_until 10 is_health hm healthy
	[ "$(mybox inspect -f '{{.RestartCount}}' hm)" = 1 ]
}

@test "the monitor is killed while it waits for the stop: the next starts it again" {
	# A check that is under way when the monitor dies is the next command: there is none for 2 s.
	mkdir "$BATS_TEST_TMPDIR/s"
	mybox run -d --name hm --stop-timeout 3600 -v "$BATS_TEST_TMPDIR/s:/s" --health-interval 2s --health-retries 1 --health-on-failure restart --health-cmd '! mkdir /s/asked' deb sh -c 'trap "touch /s/told" TERM; until [ -e /s/end ]; do sleep 0.05; done; rm /s/end'
	wait_until 10 test -e "$BATS_TEST_TMPDIR/s/told"
	# That it is well again by then takes nothing back.
	wait_until 10 is_health hm healthy
	local monitor
	monitor=$(monitor_of hm)
	kill -9 "$monitor"
	wait_until 10 gone "$monitor"
	rm "$BATS_TEST_TMPDIR/s/told"
	mybox exec hm true
	wait_until 10 test -e "$BATS_TEST_TMPDIR/s/told"
	touch "$BATS_TEST_TMPDIR/s/end"
	wait_until 10 restarted hm 1
	wait_until 10 is hm running
}

@test "the monitor is killed, and the container ends before another comes: system check starts it again" {
	mkdir "$BATS_TEST_TMPDIR/s"
	mybox run -d --name hm --stop-timeout 3600 -v "$BATS_TEST_TMPDIR/s:/s" --health-interval 2s --health-retries 1 --health-on-failure restart --health-cmd '! mkdir /s/asked' deb sh -c 'trap "touch /s/told" TERM; until [ -e /s/end ]; do sleep 0.05; done; rm /s/end'
	wait_until 10 test -e "$BATS_TEST_TMPDIR/s/told"
	local monitor first
	monitor=$(monitor_of hm)
	first=$(mybox inspect -f '{{.State.Pid}}' hm)
	kill -9 "$monitor"
	wait_until 10 gone "$monitor"
	touch "$BATS_TEST_TMPDIR/s/end"
	wait_until 10 gone "$first"
	is hm exited
	run mybox system check
	[[ $output == *'container hm: was to be started again, and its monitor was killed'* ]]
	is hm exited
	run mybox system check --repair
	[[ $output == *'container hm: was to be started again'* ]]
	is hm running
	run -0 mybox system check
}

@test "another monitor of one that is well, or is to be left alone, stops nobody" {
	mybox run -d --name hw --health-on-failure kill --health-cmd true --health-interval 50ms deb sleep 1000
	mybox run -d --name hn --health-cmd false --health-retries 1 --health-interval 50ms deb sleep 1000
	wait_until 10 is_health hw healthy
	wait_until 10 is_health hn unhealthy
	local well none
	well=$(monitor_of hw)
	none=$(monitor_of hn)
	kill -9 "$well" "$none"
	wait_until 10 gone "$well"
	wait_until 10 gone "$none"
	mybox exec hw true
	mybox exec hn true
	wait_until 10 has_results hn 5
	wait_until 10 has_results hw 5
	is hw running
	is hn running
}
