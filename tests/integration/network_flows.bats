#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# network flows: who talks to whom, by name, whichever way the packets take.
# bats file_tags=cgroup:any
load helpers

teardown() {
	[ ! -e "$BATS_TEST_TMPDIR/follower" ] || kill "$(cat "$BATS_TEST_TMPDIR/follower")" 2>/dev/null || true
	[ ! -e /proc/sys/net/netfilter/nf_conntrack_acct ] || echo 0 >/proc/sys/net/netfilter/nf_conntrack_acct
	bridge_calls 1
	teardown_store
}
# Whether bridged frames pass connection tracking too: kernels have it either way.
bridge_calls() {
	local f=/proc/sys/net/bridge/bridge-nf-call-iptables
	[ ! -e $f ] || echo "$1" >$f
}
echoes() { mybox run -d --name "$1" "${@:2}" deb nc -ll -p 7 -e cat >/dev/null; }
sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
# A connection that says TEXT and stays.
speak() { # speak CONTAINER HOST PORT TEXT
	mybox exec -d "$1" sh -c "(echo $4; sleep 1000) | nc $2 $3"
}
flows() { mybox network flows --format "$1" "${@:2}"; }
has() { [[ "$(flows "${@:2}")" == *"$1"* ]]; }
ends='{{.Proto}} {{.FromName}} -> {{.ToName}}:{{.ToPort}} {{.State}} {{.BytesOut}}/{{.BytesIn}} {{.Source}}'

listens() { mybox exec "$1" sh -c "grep -q ':0007 .* 0A ' /proc/net/tcp /proc/net/tcp6"; }

@test "neighbours on a bridge, seen by their sockets alone" {
	bridge_calls 0
	mybox network create net1
	echoes web --network net1
	sleeper app --network net1
	wait_until 10 listens web
	speak app web 7 hello
	# Both ends know what arrived there: "hello\n" each way.
	wait_until 10 has "tcp app -> web:7 established 6/6 sockets" "$ends"
	[ "$(flows "$ends" | grep -c 'tcp app -> web')" = 1 ]
	run mybox network flows
	[ "$status" = 0 ]
	[[ ${lines[0]} == PROTO*FROM*TO*VIA*NETWORK*STATE*"OUT / IN"* ]]
	[[ $output == *"app:"*"web:7"*net1*established*"6B / 6B"* ]]
}

@test "the same with connection tracking, once" {
	[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || skip "needs bridge netfilter"
	bridge_calls 1
	mybox network create net1
	echoes web --network net1
	sleeper app --network net1
	wait_until 10 listens web
	speak app web 7 hello
	wait_until 10 has "tcp app -> web:7 established 6/6 conntrack" "$ends"
	[ "$(flows "$ends" | grep -c 'tcp app -> web')" = 1 ]
}

@test "a published port: who came, by which address, to whom; and filters" {
	mybox network create net1
	mybox network create net2
	echoes web --network net1 -p 127.0.0.1:8007:7
	echoes other --network net2 -p 127.0.0.1:8008:7
	wait_until 10 listens web
	wait_until 10 listens other
	exec 7<>/dev/tcp/127.0.0.1/8007
	echo hello >&7
	exec 8<>/dev/tcp/127.0.0.1/8008
	wait_until 10 has "host -> web:7 by 127.0.0.1:8007 established" \
		'{{.FromName}} -> {{.ToName}}:{{.ToPort}} by {{.Via}} {{.State}}'
	# The server's socket, which takes the bridge for its client, is no flow of its own.  (What
	# containers of other tests left in connection tracking has no published address.)
	published() { flows '{{if .Via}}{{.ToName}}{{end}}' "$@" | grep . | sort | tr '\n' ' '; }
	[ "$(published)" = "other web " ]
	[ "$(flows '{{.FromName}} {{.ToName}}' | grep -c '^host web')" = 1 ]
	[ "$(published --network net1)" = "web " ]
	[ "$(published other)" = "other " ]
	[ "$(published web other)" = "other web " ]
	flows json web | python3 -c 'import json, sys; assert "127.0.0.1:8007" in [json.loads(l)["Via"] for l in sys.stdin]'
	exec 7>&- 8>&-
	# What is over is shown on request.
	over() { [ -z "$(published)" ] && [[ "$(published -a)" == *web* ]]; }
	wait_until 10 over || { mybox network flows -a; false; }
}

@test "UDP is counted when that was asked for" {
	mybox network create net1
	sleeper app --network net1
	mybox network flows --enable-acct
	[ "$(cat /proc/sys/net/netfilter/nf_conntrack_acct)" = 1 ]
	# Asking the gateway, where nobody answers.
	mybox exec app timeout 3 nslookup nosuch "$(mybox network inspect -f '{{(index .IPAM.Config 0).Gateway}}' net1)" || true
	[[ "$(flows '{{.Proto}} {{.FromName}} {{.ToName}}:{{.ToPort}} {{.State}} {{.PacketsOut}} {{.BytesOut}}')" =~ "udp app host:53 unreplied "[1-9][0-9]*" "[1-9][0-9]+ ]]
}

@test "following: what is there, what begins, what ends" {
	mybox network create net1
	echoes web --network net1 -p 127.0.0.1:8007:7
	sleeper app --network net1
	wait_until 10 listens web
	exec 7<>/dev/tcp/127.0.0.1/8007
	local out=$BATS_TEST_TMPDIR/out
	"${box[@]}" network flows -f web >"$out" 2>&1 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/follower"
	wait_until 10 grep -Eq '^is  tcp  host:[0-9]+ -> web:7 \(via 127.0.0.1:8007\) established ' "$out"
	# A neighbour, and one that is gone at once with its container.
	speak app web 7 hello
	wait_until 10 grep -Eq '^new tcp  app:[0-9]+ -> web:7 ' "$out"
	mybox run --rm --name brief --network net1 deb sh -c 'echo x | timeout 2 nc web 7' >/dev/null || true
	exec 7>&-
	wait_until 10 grep -Eq '^end tcp  host:[0-9]+ -> web:7 ' "$out"
	mybox rm -f app
	wait_until 10 grep -Eq '^end tcp  app:[0-9]+ -> web:7 ' "$out"
	run grep -c '^new tcp  app:' "$out"
	[ "$output" = 1 ]
	wait_until 10 grep -Eq '^new tcp  brief:[0-9]+ -> web:7 ' "$out"
	wait_until 10 grep -Eq '^end tcp  brief:[0-9]+ -> web:7 ' "$out"
}

@test "the dead lend their name to nobody, nor take another's" {
	[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || skip "needs bridge netfilter"
	bridge_calls 1
	mybox network create --subnet 10.99.42.0/24 net1
	echoes web --network net1
	sleeper app --network net1 --ip 10.99.42.77
	wait_until 10 listens web
	speak app web 7 hello
	wait_until 10 has "tcp app -> web:7 established" "$ends"
	# Killed with its monitor, and no command has looked since: it is only an address.
	local id monitor
	id=$(mybox inspect -f '{{.Id}}' app)
	monitor=$(sed 's/.*"monitor":\([0-9]*\).*/\1/' "$run/c/$id/state.json")
	local pid
	pid=$(mybox inspect -f '{{.State.Pid}}' app)
	# The end of the connection would be seen: the container is cut off first.
	ip link set "mb${id:0:10}" down
	kill -9 "$monitor" "$pid"
	dead() { ! kill -0 "$pid" 2>/dev/null; }
	wait_until 10 dead
	has "10.99.42.77 '' -> web:7 established" "{{.FromAddress}} '{{.FromName}}' -> {{.ToName}}:{{.ToPort}} {{.State}}"
	[ -e "$run/net/e/$id" ]
	run ! grep app <(mybox network flows)
	# Its heir has an address without a past.
	mybox rm -f app
	[[ $(flows '{{.Source}} {{.FromAddress}}' -a) == *"conntrack 10.99.42.77"* ]]
	sleeper heir --network net1 --ip 10.99.42.77
	# (The socket of the server waits still, for somebody who will never answer.)
	run ! grep "conntrack .*10.99.42.77" <(flows '{{.Source}} {{.FromAddress}}' -a)
}

@test "what is not there" {
	run mybox network flows nosuch
	[ "$status" = 1 ]
	[[ $output == *"No such container: nosuch"* ]]
	run mybox network flows --network nosuch
	[ "$status" = 1 ]
	[[ $output == *"No such network: nosuch"* ]]
	run mybox network flows --format '{{'
	[ "$status" != 0 ]
	run mybox network flows
	[ "$status" = 0 ]
	[ "${#lines[@]}" = 1 ]
}
