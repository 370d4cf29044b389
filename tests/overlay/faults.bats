#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks that hosts share, when hosts, leaders and the store fail.  Leases are of three seconds.
load helpers

setup_file() {
	hosts_begin 3
	etcd_begin 3
}
teardown_file() {
	etcd_end
	hosts_end
}
# Internal: the resolver asks nobody else for a name that is not there.
shared() {
	local i
	on 1 network create -d overlay --internal --subnet 10.97.0.0/24 -o "store=$store" -o ttl=3 -o host=h1 shared >/dev/null
	for i in 2 3; do on $i network join -o "store=$store" -o host=h$i shared >/dev/null; done
}
ip_of() { on "$1" inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$2"; }
knows() { on "$1" network inspect -f '{{range .RemoteContainers}}{{.Name}} {{end}}' shared | grep -qw "$2"; }
knows_not() { ! knows "$@"; }
runs() { [ "$(on "$1" inspect -f '{{.State.Running}}' "$2")" = true ]; }
store_is() { [[ "$(on "$1" network inspect -f '{{.Overlay.Store}}' shared)" == "$2"* ]]; }

@test "faults: a host is gone, its containers are forgotten; it comes back, and they with it" {
	shared
	sleeper 1 k1 --network shared
	sleeper 3 k3 --network shared
	wait_until 5 reaches 1 k1 k3
	wait_until 5 leads 3 k3
	cut_off h3
	local since=$EPOCHREALTIME
	# Within the lease, and not for less: a moment's silence is none.
	knows 1 k3
	wait_until 5 knows_not 1 k3
	heal "a host vanishes" "$since"
	run on 1 exec k1 nslookup k3 127.0.0.11
	[ "$status" != 0 ]
	[ -z "$(in_ns h1 bridge fdb show dev "$(tunnel 1 shared)" | grep "dst $wire.3")" ]
	[ -z "$(in_ns h1 ip neigh show dev "$(tunnel 1 shared)" | grep PERMANENT)" ]
	# There everything stays as it was.
	runs 3 k3
	knows 3 k1
	wait_until 3 store_is 3 silent
	mend h3
	since=$EPOCHREALTIME
	wait_until 5 reaches 1 k1 k3
	heal "a host that was cut off is back" "$since"
	wait_until 5 store_is 3 "http://"
	for i in 1 2 3; do on $i system check; done
}

@test "faults: an address that was another's meanwhile: the one that was cut off loses it, loudly" {
	shared
	sleeper 1 k1 --network shared
	sleeper 3 k3 --network shared --ip 10.97.0.33
	sleeper 3 k4 --network shared
	wait_until 5 knows 1 k3
	cut_off h3
	wait_until 5 knows_not 1 k3
	sleeper 1 k2 --network shared --ip 10.97.0.33
	mend h3
	local since=$EPOCHREALTIME
	wait_until 5 reaches 3 k4 k2
	heal "an address is claimed twice" "$since"
	run on 3 exec k3 cat /sys/class/net/eth0/mtu
	[ "$status" != 0 ]
	runs 3 k3
	[ -n "$(on 3 events --since 1m --until 0s -f event=lost)" ]
	# The other one is nobody's loss.
	reaches 1 k1 k4
	reaches 1 k1 k2
	[ "$(ip_of 1 k2)" = 10.97.0.33 ]
}

@test "faults: an address that went to another host while this one was cut off" {
	shared
	sleeper 1 k1 --network shared
	sleeper 2 k2 --network shared --ip 10.97.0.33
	sleeper 3 k3 --network shared
	wait_until 5 reaches 1 k1 k2
	cut_off h1
	wait_until 10 store_is 1 silent
	on 2 rm -f k2 >/dev/null
	sleeper 3 k4 --network shared --ip 10.97.0.33
	knows 1 k2
	mend h1
	wait_until 10 knows 1 k4
	knows_not 1 k2
	wait_until 5 reaches 1 k1 10.97.0.33
	on 1 system check
	# The entry that answers for it: that it is missing is found, and mended.
	in_ns h1 ip neigh del 10.97.0.33 dev "$(tunnel 1 shared)"
	run on 1 system check
	[ "$status" != 0 ]
	[[ $output == *"does not lead to container k4 on host h3"* ]]
}

@test "faults: what is ours in the store and goes from there is put again; what is no text is passed over" {
	shared
	sleeper 1 k1 --network shared
	sleeper 2 k2 --network shared
	wait_until 5 reaches 1 k1 k2
	wait_until 5 leads 1 k1
	local key=/mybox/v1/net/shared id
	id=$(on 1 inspect -f '{{.Id}}' k1)
	is_put() { [ -n "$(ctl get --keys-only "$1" | grep .)" ]; }
	# None of these ends with a lease.
	printf 'a\0b' | ctl put "$key/ep/$(printf %064d 7)" >/dev/null
	printf 'a\0b' | ctl put "$key/host/203.0.113.77" >/dev/null
	ctl del "$key/ep/$id" >/dev/null
	wait_until 5 is_put "$key/ep/$id"
	ctl del "$key/ip/$(ip_of 1 k1)" >/dev/null
	wait_until 5 is_put "$key/ip/$(ip_of 1 k1)"
	ctl del "$key/host/$wire.1" >/dev/null
	wait_until 5 is_put "$key/host/$wire.1"
	wait_until 5 reaches 2 k2 k1
	# Who begins to lead reads all of it, too.
	kill -KILL "$(leader_of 1 k1)"
	sleeper 2 k3 --network shared
	wait_until 5 knows 1 k3
	wait_until 5 reaches 1 k1 k3
	wait_until 5 store_is 1 "http://"
	run on 1 run --rm --network shared deb true
	[ "$status" = 0 ]
	[ -z "$output" ]
	ctl del "$key/host/203.0.113.77" >/dev/null
}

@test "faults: members that swallow what they are sent: what ends does not wait for them, and what is told meanwhile is told later" {
	shared
	sleeper 1 k1 --network shared
	sleeper 1 k2 --network shared
	sleeper 2 k3 --network shared
	wait_until 5 reaches 2 k3 k1
	local i
	for i in 1 2 3; do cut_off e$i; done
	wait_until 15 store_is 1 silent
	run on 1 --log-level debug rm -f k2
	echo "$output"
	[ "$status" = 0 ]
	[[ $output != *"/v3/"* ]]
	on 1 rename k1 k9 2>/dev/null
	for i in 1 2 3; do mend e$i; done
	wait_until 20 etcd_is_well
	wait_until 10 knows 2 k9
	wait_until 10 knows_not 2 k2
	wait_until 5 reaches 2 k3 k9
}

@test "faults: whoever leads is killed, another one goes on" {
	shared
	local first leader since
	sleeper 1 k1 --network shared
	wait_until 5 leads 1 k1
	sleeper 1 k2 --network shared
	sleeper 2 k3 --network shared
	wait_until 5 reaches 1 k1 k3
	# The process itself, which its monitor begins again.
	leader=$(leader_of 1 k1)
	since=$EPOCHREALTIME
	kill -KILL $leader
	begun_again() { local now; now=$(leader_of 1 k1) && [ -n "$now" ] && [ "$now" != "$leader" ]; }
	wait_until 5 begun_again
	heal "the process that leads is killed" "$since"
	on 2 rename k3 k4
	wait_until 5 knows 1 k4
	# Its monitor: the next one in the line leads from then on.
	since=$EPOCHREALTIME
	kill -KILL "$(monitor_of 1 k1)"
	wait_until 5 leads 1 k2
	heal "the monitor that leads is killed" "$since"
	runs 1 k2
	on 2 rename k4 k5
	wait_until 5 knows 1 k5
	# Both are known elsewhere for longer than a lease.
	sleep 4
	knows 2 k1
	knows 2 k2
	wait_until 5 reaches 2 k5 k2
}

# Which member leads the others, and that eN does; hosts ask the first one that answers, e1.
member_leads() {
	local l
	l=$(ctl endpoint status | awk -F', ' '$5 == "true" { print $1 }')
	l=${l%:*}
	echo "${l##*0}"
}
is_led_by() { [ "$(member_leads)" = "$1" ]; }
let_lead() {
	is_led_by "$1" || ctl move-leader "$(ctl endpoint status | awk -F', ' -v a="0$1:" 'index($1, a) { print $2 }')" >/dev/null
	wait_until 10 is_led_by "$1"
}
# one_is_lost WHAT: e1 is killed while hosts ask it; what changes from then on is told.
one_is_lost() {
	local i since
	for i in 1 2 3; do sleeper $i k$i --network shared; done
	wait_until 5 reaches 1 k1 k3
	wait_until 5 knows 1 k2
	for i in 1 2 3; do wait_until 10 store_is $i "http://$wire.201"; done
	since=$EPOCHREALTIME
	etcd_stop 1
	on 2 rename k2 k8
	wait_until 10 knows 1 k8
	wait_until 10 knows 3 k8
	heal "$1" "$since"
	for i in 1 2 3; do wait_until 10 asks_another $i; done
	sleeper 2 k4 --network shared
	wait_until 5 knows 1 k4
	wait_until 5 reaches 1 k1 k4
	# No lease has ended on the way.
	knows 1 k3
	knows 3 k1
}
asks_another() { store_is "$1" "http://$wire.202" || store_is "$1" "http://$wire.203"; }
one_is_back() {
	etcd_start 1
	wait_until 20 answers 1
	for i in 1 2 3; do on $i system check; done
}
answers() { store="http://$wire.20$1:2379" etcd_is_well; }

@test "faults: the store loses a member that does not lead it" {
	shared
	let_lead 2
	one_is_lost "a member of the store is lost"
	is_led_by 2
	one_is_back
}

@test "faults: the store loses its leader" {
	shared
	let_lead 1
	one_is_lost "the leader of the store is lost"
	[ "$(member_leads)" != 1 ]
	one_is_back
}

@test "faults: the store loses its quorum, all of it, and comes back" {
	shared
	local i ip since
	for i in 1 2 3; do sleeper $i k$i --network shared; done
	sleeper 2 k4 --network shared
	on 1 run -d --name again --network shared --restart always deb sh -c 'sleep 1000 & trap "exit 1" HUP; wait' >/dev/null
	wait_until 5 reaches 1 k1 k3
	wait_until 5 reaches 1 k1 k4
	wait_until 5 knows 3 k1
	# No quorum: nobody can join, and is told why in one line; all that was is.
	etcd_stop 1
	etcd_stop 2
	wait_until 10 store_is 1 silent
	run on 1 network check k1 k3
	[[ $output == *"the store of network 'shared' does not answer"* ]]
	run on 2 run --rm --network shared deb true
	[ "$status" = 125 ]
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"network shared: store 'http://"* ]]
	# It is there again, and what was changed meanwhile is told.
	on 3 rename k3 k7 2>/dev/null
	since=$EPOCHREALTIME
	etcd_start 1
	wait_until 20 knows 1 k7
	wait_until 10 store_is 1 "http://"
	heal "the quorum of the store is lost, and back" "$since"
	wait_until 10 store_is 3 "http://"
	wait_until 10 knows 3 k4
	# All of it, for longer than a lease.
	etcd_stop 1
	etcd_stop 3
	wait_until 10 store_is 1 silent
	sleep 3.5
	for i in 1 2; do runs $i k$i; done
	runs 3 k7
	reaches 1 k1 k7
	reaches 3 k7 k4
	# One that dies is started again in its place, with its address.
	ip=$(ip_of 1 again)
	on 1 kill -s HUP again >/dev/null
	restarted() { [ "$(on 1 inspect -f '{{.RestartCount}} {{.State.Running}}' again)" = "1 true" ]; }
	wait_until 20 restarted
	[ "$(ip_of 1 again)" = "$ip" ]
	# A container that ends meanwhile is forgotten when the store is back.
	on 2 rm -f k4 >/dev/null
	since=$EPOCHREALTIME
	for i in 1 2 3; do etcd_start $i; done
	wait_until 20 etcd_is_well
	wait_until 10 store_is 1 "http://"
	wait_until 10 knows_not 1 k4
	wait_until 10 knows 3 again
	heal "all of the store is lost, and back" "$since"
	for i in 1 2 3; do on $i system check; done
}

compact() { ctl compact "$(ctl get x -w fields | awk '/Revision/ { print $3 }')" >/dev/null; }
@test "faults: the store has compacted its history when a host is back" {
	shared
	local i since
	for i in 1 2 3; do sleeper $i k$i --network shared; done
	wait_until 5 reaches 1 k1 k3
	wait_until 5 knows 1 k2
	cut_off h1
	wait_until 10 store_is 1 silent
	on 2 rename k2 k4
	on 3 rm -f k3 >/dev/null
	sleeper 3 k5 --network shared
	compact
	# Nothing of it has come to it yet.
	knows 1 k2
	mend h1
	since=$EPOCHREALTIME
	wait_until 10 knows 1 k4
	wait_until 10 knows 1 k5
	wait_until 10 knows_not 1 k3
	wait_until 10 reaches 1 k1 k5
	heal "the store has compacted its history meanwhile" "$since"
	# One that watches is told what comes, whatever is forgotten.
	compact
	on 2 rename k4 k6
	wait_until 5 knows 1 k6
	for i in 1 2 3; do wait_until 5 store_is $i "http://"; done
	for i in 1 2 3; do on $i system check; done
}

# elsewhen N SECONDS: what is begun on host N from now on has clocks of its own.  The machine is a day
# older there, for who leads, too; and for commands it is that much later, or earlier, where the
# executable is not static.
elsewhen() {
	local preload=""
	if has_own_libraries; then
		cc -shared -fPIC -o "$dir/clock.so" "$BATS_TEST_DIRNAME/clock.c"
		preload="env MYBOX_TEST_CLOCK=$2 LD_PRELOAD=$dir/clock.so ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS"
	fi
	echo "unshare -T --monotonic 86400 --boottime 86400 $preload" >"$dir/clock.h$1"
}
has_own_libraries() { command -v cc >/dev/null && ldd "$MYBOX" >/dev/null 2>&1; }
# hours_later N: how many hours host N is ahead, by when it says that it has joined.
hours_later() {
	local created
	created=$(on "$1" network inspect -f '{{.Created}}' shared)
	echo $((($(date -d "$created" +%s) - $(date +%s) + 5400) / 3600 - 1))
}
is_older() { [ "$(readlink "/proc/$(leader_of "$1" "$2")/ns/time")" != "$(readlink /proc/self/ns/time)" ]; }
teardown() {
	rm -f "$dir"/clock.h*
	hosts_clean
}

@test "faults: clocks differ, by an hour and by a day" {
	elsewhen 2 3600
	elsewhen 3 -3600
	shared
	local i since
	for i in 1 2 3; do sleeper $i k$i --network shared; done
	for i in 1 2 3; do wait_until 5 leads $i k$i; done
	wait_until 5 reaches 1 k1 k3
	wait_until 5 reaches 2 k2 k1
	wait_until 5 reaches 3 k3 k2
	for i in 1 2 3; do wait_until 5 store_is $i "http://"; done
	if has_own_libraries; then
		[ "$(hours_later 1)" = 0 ]
		[ "$(hours_later 2)" = 1 ]
		[ "$(hours_later 3)" = -1 ]
	fi
	is_older 2 k2
	is_older 3 k3
	# For longer than a lease.
	sleep 4
	knows 1 k2
	knows 1 k3
	knows 2 k3
	# What changes is told both ways, and who is gone is forgotten when his lease is over.
	since=$EPOCHREALTIME
	on 2 rename k2 k4
	on 3 rename k3 k5
	wait_until 5 knows 1 k4
	wait_until 5 knows 1 k5
	wait_until 5 knows 3 k4
	on 1 network policy add shared k4:k5 >/dev/null
	has_rule() { [ "$(on "$1" network policy ls -q shared | wc -l)" = 1 ]; }
	wait_until 5 has_rule 3
	on 3 network policy rm shared "$(on 3 network policy ls -q shared)"
	has_no_rule() { ! has_rule "$1"; }
	wait_until 5 has_no_rule 2
	heal "clocks differ: a change is told everywhere" "$since"
	cut_off h3
	since=$EPOCHREALTIME
	knows 2 k5
	wait_until 5 knows_not 2 k5
	wait_until 5 knows_not 1 k5
	heal "clocks differ: a host vanishes" "$since"
	mend h3
	wait_until 10 reaches 2 k4 k5
	for i in 1 2 3; do on $i system check; done
}

@test "faults: what nobody of us has written is not believed" {
	shared
	local id key ip gw
	sleeper 1 k1 --network shared
	sleeper 2 k2 --network shared
	wait_until 5 reaches 1 k1 k2
	key=/mybox/v1/net/shared
	id() { printf "%064d" "$1"; }
	ip=$(ip_of 1 k1)
	ep() { # ep N TEXT: an endpoint; the claim of its address is made if there is none
		ctl put "$key/ep/$(id "$1")" "$2" >/dev/null
	}
	claim() { ctl put "$key/ip/$2" "$(id "$1")" >/dev/null; }
	claim 1 10.97.0.101
	claim 2 10.97.0.102
	claim 3 10.97.0.1
	claim 5 10.97.0.105
	claim 7 10.97.0.107
	# No record, another version's, the gateway's address, another's address, wrong types, a name
	# that leads out of a directory, and one that is as it ought to be.
	ep 1 'no json'
	ep 2 '{"schema":2,"name":"l2","host":"x","vtep":"203.0.113.9","ip":"10.97.0.102","mac":"02:6d:0a:61:00:66"}'
	ep 3 '{"schema":1,"name":"l3","host":"x","vtep":"203.0.113.9","ip":"10.97.0.1","mac":"02:6d:0a:61:00:01"}'
	ep 4 "{\"schema\":1,\"name\":\"l4\",\"host\":\"x\",\"vtep\":\"203.0.113.9\",\"ip\":\"$ip\",\"mac\":\"02:42:0a:61:00:09\"}"
	ep 5 '{"schema":1,"name":[],"host":7,"vtep":{},"ip":null,"mac":true}'
	ep 7 '{"schema":1,"name":"l7","host":"x","vtep":"203.0.113.9","ip":"10.97.0.107","mac":"02:6d:0a:61:00:6b","names":["../../c","l7"]}'
	ctl put "$key/ep/../../x" '{}' >/dev/null
	ctl put "$key/ip/" "$(id 1)" >/dev/null
	ctl put "$key/host/nowhere" '[]' >/dev/null
	claim 8 10.97.0.108
	ep 8 '{"schema":1,"name":"good","host":"x","vtep":"203.0.113.9","ip":"10.97.0.108","mac":"02:6d:0a:61:00:6c","names":["good"]}'
	wait_until 5 knows 1 good
	[ "$(on 1 network inspect -f '{{range .RemoteContainers}}{{.Name}} {{end}}' shared | tr ' ' '\n' | sort | xargs)" = "good k2" ]
	# A claim that is another's is none of its own: it goes with it.
	claim 9 10.97.0.108
	wait_until 5 knows_not 1 good
	# Ours are where they were.
	reaches 1 k1 k2
	reaches 2 k2 k1
	on 1 system check
	# A network's record of a version that is to come.
	ctl put "$key" '{"schema":9,"id":"x"}' >/dev/null
	run on 3 network join -o "store=$store" other
	[[ $output == *"network other is not in the store"* ]]
	on 3 network leave shared >/dev/null
	run on 3 network join -o "store=$store" shared
	[ "$status" = 1 ]
	[[ $output == *"network shared: a record in the store is of a newer version of mybox"* ]]
	echo "$output"
	[ "$(printf '%s\n' "${lines[@]}" | grep -vc '^hint: ')" = 1 ]
	ctl del --prefix /mybox >/dev/null
	run on 2 run --rm --network shared deb true
	[ "$status" = 125 ]
	[[ $output == *"network shared is not in the store any more: remove it here"* ]]
	runs 1 k1
	runs 2 k2
}

listens() { ss -ltn | grep -q ":2379 "; }
@test "faults: stores that say nothing, half of it, or nonsense" {
	local what
	for what in nothing half nonsense endless slowly; do
		python3 "$BATS_TEST_DIRNAME/liar.py" $what 3>&- &
		echo $! >"$dir/liar.pid"
		wait_until 5 listens
		SECONDS=0
		run on 1 network create -d overlay -o "store=http://$wire.254:2379" shared
		kill "$(cat "$dir/liar.pid")"
		wait || true
		echo "# $what: ${lines[0]}"
		[ "$status" = 1 ]
		[ "$(printf '%s\n' "${lines[@]}" | grep -vc '^hint: ')" = 1 ]
		[[ $output == *"network shared: store 'http://$wire.254:2379': "* ]]
		# Nothing half made.
		[ -z "$(on 1 network ls -q -f type=custom)" ]
		run in_ns h1 ip link show type vxlan
		[ -z "$output" ]
	done
}
