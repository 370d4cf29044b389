#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The log of events: what is in it, who may ask for what, and that it streams.
load helpers

# Names that no id begins with, which the filter would find as well: k is no hexadecimal digit.
past() { mybox events --since 0 --until 0s "$@"; }
short='{{.Type}} {{.Action}}{{with .Actor.Attributes.exitCode}} {{.}}{{end}}{{with .Actor.Attributes.signal}} {{.}}{{end}}'
# What happened since the last call.
mark() { date +%s.%N >"$BATS_TEST_TMPDIR/mark"; }
news() { mybox events --since "$(cat "$BATS_TEST_TMPDIR/mark")" --until 0s --format "$short" "$@"; }

@test "the life of a container, with whoever is there to see it" {
	mark
	mybox run --rm --name k1 -l a.b=c deb true
	[ "$(news -f type=container)" = $'container create\ncontainer attach\ncontainer start\ncontainer die 0\ncontainer destroy' ]
	[ "$(news -f type=network)" = $'network connect\nnetwork disconnect' ]
	# Nobody waits for this one but its monitor.
	mark
	mybox run -d --name k2 -l a.b=c -v vol1:/data deb sh -c 'exit 3'
	mybox wait k2
	died() { news -f type=container | grep -qx 'container die 3'; }
	wait_until 5 died
	[ "$(news -f event=start -f event=create -f event=mount)" = $'volume create\ncontainer create\nvolume mount\ncontainer start' ]
	run -0 past -f container=k2 -f event=die
	[[ $output =~ ^20[0-9-]+T[0-9:]+\.[0-9]{9}(Z|[+-][0-9:]+)\ container\ die\ [0-9a-f]{64}\ \(a.b=c,\ exitCode=3,\ image=deb,\ name=k2\)$ ]]
	run -0 past -f container=k2 -f event=die --format json
	[[ $output =~ ^\{\"status\":\"die\",\"id\":\"[0-9a-f]{64}\",\"from\":\"deb\",\"Type\":\"container\",\"Action\":\"die\",\"Actor\":\{\"ID\":\"[0-9a-f]{64}\",\"Attributes\":\{\"a.b\":\"c\",\"exitCode\":\"3\",\"image\":\"deb\",\"name\":\"k2\"\}\},\"scope\":\"local\",\"time\":[0-9]{10},\"timeNano\":[0-9]{19}\}$ ]]
	mark
	mybox rm -v k2
	mybox volume rm vol1
	[ "$(news)" = $'container destroy\nvolume destroy' ]
}

@test "what commands do to containers" {
	mybox run -d --name k1 deb sleep 1000
	mark
	mybox pause k1
	mybox unpause k1
	mybox rename k1 k2
	run -7 mybox exec k2 sh -c 'exit 7'
	mybox top k2
	mybox update --restart no k2
	mybox export k2 >/dev/null
	mybox commit -p=false -m note k2 made
	mybox restart -t 0 k2
	mybox stop -t 0 k2
	[ "$(news -f type=container | tr '\n' ';')" = 'container pause;container unpause;container rename;container exec_create: sh -c exit 7;container exec_start: sh -c exit 7;container exec_die 7;container top;container update;container export;container commit;container kill 9;container die 137;container stop;container start;container restart;container kill 9;container die 137;container stop;' ]
	run -0 past -f event=rename --format '{{.Actor.Attributes.oldName}} {{.Actor.Attributes.name}}'
	[ "$output" = '/k1 k2' ]
	# Its monitor has heard of the new name.
	[ "$(news -f event=die -f container=k2 | wc -l)" = 2 ]
	run -0 past -f event=exec_start -f event=exec_die --format '{{.Actor.Attributes.execID}}'
	[ "${lines[0]}" = "${lines[1]}" ]
	[ "${#lines[0]}" = 64 ]
	mybox rmi made
}

@test "a detached exec: its end is told, and nobody waits for it" {
	mybox run -d --name k1 deb sleep 1000
	local monitor
	monitor=$(awk '/^PPid/ { print $2 }' "/proc/$(mybox inspect -f '{{.State.Pid}}' k1)/status")
	alone() { [ "$(pgrep -c -P "$monitor")" = 1 ]; }
	ends() { [ "$(news -f event=exec_die | wc -l)" = "$1" ]; }
	mark
	mybox exec -d k1 sh -c 'exit 5'
	wait_until 10 ends 1
	[ "$(news -f type=container | tr '\n' ';')" = 'container exec_create: sh -c exit 5;container exec_start: sh -c exit 5;container exec_die 5;' ]
	[ "$(news -f event=exec_create -f event=exec_start -f event=exec_die --format '{{.Actor.Attributes.execID}}' | sort -u | wc -l)" = 1 ]
	wait_until 10 alone
	# One that is killed, and one that ends with the container.
	mark
	mybox exec -d k1 sleep 777
	mybox exec -d k1 sh -c 'kill -9 $$'
	wait_until 10 ends 1
	mybox kill k1
	wait_until 10 ends 2
	[ "$(news -f event=exec_die -f event=die | tr '\n' ';')" = 'container exec_die 137;container exec_die 137;container die 137;' ]
	# Nor does it go on where process 1 of the container is not that of its pid namespace.
	mybox run -d --name k2 --pid host deb sleep 1000
	mybox exec -d k2 sleep 778
	mark
	mybox kill k2
	wait_until 10 ends 1
	[ "$(news -f event=exec_die -f event=die | tr '\n' ';')" = 'container exec_die 137;container die 137;' ]
	# One that could not begin has no end.
	mybox start k1
	mark
	run -127 mybox exec -d k1 /no/such
	[ -z "$(news -f event=exec_create -f event=exec_start -f event=exec_die)" ]
}

@test "images, networks and volumes" {
	mark
	mybox tag deb other:1
	mybox untag other:1
	mybox save -o "$BATS_TEST_TMPDIR/a.tar" deb
	mybox load -q -i "$BATS_TEST_TMPDIR/a.tar"
	mybox network create net1
	mybox run -d --name k1 --network none deb sleep 1000
	mybox network create net2
	mybox network rm net2
	mybox rm -f k1
	mybox run -d --name k1 --network net1 deb sleep 1000
	mybox network disconnect net1 k1
	mybox network connect net1 k1
	mybox rm -f k1
	mybox network rm net1
	mybox create --name k2 --network none deb
	[ "$(news -f type=image | tr '\n' ';')" = 'image tag;image untag;image save;image load;' ]
	[ "$(news -f type=network | tr '\n' ';')" = 'network create;network create;network destroy;network connect;network disconnect;network connect;network disconnect;network destroy;' ]
	# An image that is made under a name gets it, too.
	run -0 past -f event=tag --format '{{.Actor.ID}} {{.Actor.Attributes.name}}'
	[[ ${lines[0]} =~ ^sha256:[0-9a-f]{64}\ made:latest$ ]]
	output=${lines[-1]}
	[[ $output =~ ^sha256:[0-9a-f]{64}\ other:1$ ]]
	mark
	mybox export k2 | mybox import - brought
	mybox rmi brought
	[ "$(news -f type=image | tr '\n' ';')" = 'image tag;image import;image untag;image delete;' ]
	mark
	mybox run -d --name k3 --network none -v vol2:/data deb sleep 1000
	mybox kill k3
	gone() { [ "$(news -f type=volume | tr '\n' ';')" = 'volume create;volume mount;volume unmount;' ]; }
	wait_until 10 gone
}

@test "filters, times and templates" {
	mark
	mybox run -d --name k1 -l tier=front deb true
	mybox run -d --name k2 -l tier=back deb true
	mybox wait k1 k2
	# A label with the name of what we tell ourselves hides nothing.
	mybox run -d --name k9 -l exitCode=x -l execID=y -l image=z -l name=w deb sleep 1000
	mybox exec k9 true
	mybox kill k9
	[ "$(timeout 20 "${box[@]}" wait --condition exited k9)" = 137 ]
	run -0 past -f container=k9 -f event=die -f event=exec_die --format '{{.Action}} {{with .Actor.Attributes}}{{.exitCode}} {{.image}} {{.name}}{{end}}'
	[ "$output" = $'exec_die 0 deb k9\ndie 137 deb k9' ]
	run -0 past -f container=k9 -f event=exec_start --format '{{.Actor.Attributes.execID}}'
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	[[ $(mybox container history k9) == *killed* ]]
	mybox rm k9
	run -0 past -f event=start -f label=tier=front --format '{{.Actor.Attributes.name}}'
	[ "$output" = k1 ]
	[ "$(news -f event=start -f container=k1 -f container=k2 | wc -l)" = 2 ]
	[ "$(news -f container=k2 -f image=deb -f event=create)" = 'container create' ]
	[ -z "$(past -f image=none)" ]
	[ -z "$(past -f scope=swarm)" ]
	[ -z "$(mybox events --since 0 --until 1)" ]
	run -1 mybox events -f nothing=x --until 0s
	[[ $output == *"invalid filter 'nothing'"* ]]
	run -1 mybox events --since yesterday --until 0s
	[[ $output == *'failed to parse value as time or duration: "yesterday"'* ]]
	run -64 mybox events --until 0s --format '{{'
	[[ $output == *'Error parsing format'* ]]
	[ "$(TZ=UTC-2 mybox system events --since 0 --until 0s -f container=k1 | head -1 | cut -c30-35)" = +02:00 ]
}

@test "it streams from one command to another, and ends at its time" {
	local out=$BATS_TEST_TMPDIR/out
	mark
	"${box[@]}" events --since "$(cat "$BATS_TEST_TMPDIR/mark")" --until "$(date -d '+2 minutes' +%s)" -f event=start --format '{{json .}}' >"$out" 3>&- &
	local pid=$!
	watching() { readlink /proc/$pid/fd/* | grep -q inotify; }
	wait_until 5 watching
	mybox run -d --name k1 -l devcontainer.id=7 deb true
	seen() { grep -q '"devcontainer.id":"7"' "$out"; }
	wait_until 2 seen
	kill $pid
	run -0 timeout 20 "${box[@]}" events --until "$(date -d '+1 second' +%s)"
	# A reader that leaves ends it, though nothing happens any more.
	timeout 20 "${box[@]}" events --since 0 | head -1
	[ "${PIPESTATUS[0]}" != 124 ]
}

@test "lines that were never ended, and foreign ones, are passed over" {
	local log=$root/events/log n
	mybox run --rm --network none deb true
	n=$(past | wc -l)
	printf '{"timeNano":   1700000000000000000,"Type":"conta' >>"$log"
	mybox network create net1
	printf 'nonsense\n\n{"timeNano":1}\n' >>"$log"
	head -c 3000 /dev/zero >>"$log"
	mybox network rm net1
	[ "$(past | wc -l)" = $((n + 2)) ]
	# Who cannot write it does not fail for that.
	rm -rf "$root/events"
	touch "$root/events"
	mybox run --rm --network none deb true
	run -1 mybox events --since 0 --until 0s
	rm "$root/events"
	mybox run --rm --network none deb true
	[ "$(past -f event=die | wc -l)" = 1 ]
}

@test "container history" {
	mybox run -d --name life deb sleep 1000
	mybox kill -s KILL life
	mybox wait life
	mybox start life
	mybox stop -t 0 life
	mybox start life
	run -0 mybox container history --format '{{.ExitCode}} {{.Reason}}' life
	[ "$output" = $'-- running\n137 stopped (SIGKILL)\n137 killed (SIGKILL)' ]
	run -0 mybox container history life
	[[ ${lines[0]} =~ ^STARTED\ +RAN\ FOR\ +EXIT\ CODE\ +REASON\ +SENDER\ +OOM\ VICTIM$ ]]
	[[ ${lines[1]} =~ ^(Less\ than\ a|[0-9]+)\ seconds?\ ago.*\ running\ *$ ]]
	mybox restart -t 0 life
	sh -c 'kill -9 $1' sh "$(mybox inspect -f '{{.State.Pid}}' life)"
	mybox wait life
	mybox start life
	mybox rm -f life
	# Whose signal it was: verb, user and process; and docker's attributes are docker's.
	run -0 mybox container history --format '{{.Sender}}' life
	[[ ${lines[0]} =~ ^rm,\ uid\ 0,\ pid\ [0-9]+$ ]]
	[ "${lines[1]}" = 'another process, or its own' ]
	[[ ${lines[2]} =~ ^restart,\ uid\ 0,\ pid\ [0-9]+$ ]]
	[[ ${lines[3]} =~ ^stop,\ uid\ 0,\ pid\ [0-9]+$ ]]
	[[ ${lines[4]} =~ ^kill,\ uid\ 0,\ pid\ [0-9]+$ ]]
	[[ $(mybox container history --format json life | head -n 1) == *'"Sender":"rm, uid 0, pid '* ]]
	run -0 past -f event=kill -f container=life --format '{{json .Actor.Attributes}}'
	[ "${lines[0]}" = '{"image":"deb","name":"life","signal":"9"}' ]
	# What was told of it is there after it.
	[ "$(mybox container history --format '{{.Reason}}' life | head -1)" = 'killed (SIGKILL)' ]
	mybox run --rm --network none --name brief deb sh -c 'exit 9' || true
	[ "$(mybox container history --format '{{.ExitCode}} {{.Reason}}' brief)" = '9 exited' ]
	[ "$(mybox history --format '{{.ExitCode}} {{.Reason}}' brief)" = '9 exited' ]
	run -1 mybox image history brief
	[ "$output" = 'Error: No such image: brief' ]
	run -1 mybox history nobody
	[ "$output" = 'Error: No such image: nobody' ]
	run -1 mybox container history nobody
	[[ $output == *'No such container: nobody'* ]]
	if [ -d /sys/fs/cgroup/memory ] || grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
		mybox run --name eater -m 8m --memory-swap 8m --network none deb sh -c 'dd if=/dev/zero of=/dev/null bs=64M' || true
		[ "$(mybox container history --format '{{.Reason}} {{.OOMKilled}}' eater)" = 'out of memory (SIGKILL) true' ]
		[ "$(past -f container=eater -f event=oom -f event=die --format '{{.Action}}')" = $'oom\ndie' ]
		# Whoever was taken is not docker's to know.
		[[ $(past -f container=eater -f event=oom --format '{{json .Actor.Attributes}}') == '{"image":"deb","name":"eater"'* ]]
		# However late the monitor comes to know of the program.
		strace -o /dev/null -e trace=sendmsg -e inject=sendmsg:delay_enter=100000 "${box[@]}" run --name late -m 8m --memory-swap 8m --network none deb sh -c 'dd if=/dev/zero of=/dev/null bs=64M' || true
		[ "$(mybox container history --format '{{.Reason}} {{.OOMKilled}}' late)" = 'out of memory (SIGKILL) true' ]
	fi
}
