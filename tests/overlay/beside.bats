#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A shared network is taken away while a container of the same host comes.  The store is held still
# in between, so that both are at the same place each time.
load helpers

setup_file() {
	hosts_begin 2
	etcd_begin 1
}
teardown_file() {
	etcd_end
	hosts_end
}
hold() { kill -STOP "$(cat "$dir/e1.pid")"; }
let_go() { kill -CONT "$(cat "$dir/e1.pid")"; }
# How many processes of host 1 wait for the store.
asks() { [ "$(in_ns h1 ss -Htn state established dport = :2379 | wc -l)" -ge "$1" ]; }
begin() { # begin NAME VERB...: on host 1, with its output and status in files
	local box
	read -ra box <<<"$(there 1)"
	(
		status=0
		"${box[@]}" "${@:2}" >"$dir/$1.out" 2>&1 3>&- || status=$?
		echo $status >"$dir/$1.status"
	) 3>&- &
}
# Who comes waits for the store as well, or for the one who takes away.
comes() { asks 2 || grep -q -- "-> FLOCK .* \($(pgrep -f "$dir/h1/root .*--name $1" | paste -sd'|' | sed 's/|/\\|/g')\) " /proc/locks; }
ended() { [ -s "$dir/$1.status" ]; }
# Here, and in the store: both or neither.
agrees() {
	local here there
	here=$(on 1 network ls -q -f name=shared | wc -l)
	there=$(ctl get --keys-only /mybox/v1/net/shared | grep -c . || true)
	[ "$here" = "$there" ]
}
teardown() {
	let_go
	[ -z "${holder:-}" ] || kill "$holder"
	rm -f "$dir"/*.status "$dir"/*.out
	hosts_clean
}

@test "beside: what is taken away first is gone for who starts" {
	on 1 network create -d overlay --internal --subnet 10.97.0.0/24 -o "store=$store" -o ttl=3 shared >/dev/null
	hold
	begin taker network rm shared
	wait_until 5 asks 1
	begin comer run -d --name late --network shared deb sleep 1000
	wait_until 5 comes late
	let_go
	wait_until 20 ended taker
	wait_until 20 ended comer
	cat "$dir/taker.out" "$dir/comer.out"
	[ "$(cat "$dir/taker.status")" = 0 ]
	[ "$(cat "$dir/comer.status")" = 125 ]
	[ "$(wc -l <"$dir/comer.out")" = 1 ]
	grep -q 'network shared not found' "$dir/comer.out"
	[ "$(on 1 inspect -f "{{.State.Status}}" late)" = created ]
	[ -z "$(etcd_keys)" ]
	[ -z "$(ls -A "$dir/h1/run/net/ov")" ]
	on 1 system check
}

@test "beside: who starts first keeps what he is on" {
	local verb
	on 1 network create -d overlay --internal --subnet 10.97.0.0/24 -o "store=$store" -o ttl=3 shared >/dev/null
	for verb in rm leave; do
		hold
		begin comer run -d --name first --network shared deb sleep 1000
		wait_until 5 asks 1
		begin taker network $verb shared
		let_go
		wait_until 20 ended taker
		wait_until 20 ended comer
		cat "$dir/taker.out" "$dir/comer.out"
		[ "$(cat "$dir/comer.status")" = 0 ]
		[ "$(cat "$dir/taker.status")" = 1 ]
		grep -q 'network shared has active endpoints' "$dir/taker.out"
		agrees
		[ "$(etcd_keys | grep -c /ep/)" = 1 ]
		[ "$(etcd_keys | grep -c /ip/)" = 1 ]
		on 1 system check
		on 1 rm -f first >/dev/null
		rm -f "$dir"/*.status
	done
	on 1 network rm shared >/dev/null
	[ -z "$(etcd_keys)" ]
}

@test "beside: the last one ends, and who comes keeps what he has claimed" {
	local id use
	id=$(on 1 network create -d overlay --internal --subnet 10.97.0.0/24 -o "store=$store" -o ttl=60 shared)
	use=$dir/h1/run/net/ov/$id.use
	on 1 run -d --name last --network shared deb sleep 1000 >/dev/null
	# As one who comes does until his record is written.
	flock -s --no-fork "$use" sleep 1000 >/dev/null 2>&1 3>&- &
	holder=$!
	locked() { ! flock -n -x "$use" true; }
	wait_until 5 locked
	on 1 rm -f last >/dev/null
	[ "$(etcd_keys | grep -c /ep/)" = 0 ]
	[ "$(etcd_keys | grep -c /ip/)" = 0 ]
	[ "$(etcd_keys | grep -c /host/)" = 1 ]
	kill $holder
	holder=
	on 1 run --rm --network shared deb true
	[ "$(etcd_keys | grep -c /host/)" = 0 ]
	on 1 network rm shared >/dev/null
	[ -z "$(etcd_keys)" ]
	on 1 system check
}

@test "beside: many of both at once, and never half of it" {
	local i
	for i in 1 2 3 4 5 6; do
		on 1 network create -d overlay --internal --subnet 10.97.0.0/24 -o "store=$store" -o ttl=3 shared >/dev/null
		begin comer run -d --name one --network shared deb sleep 1000
		begin taker network rm shared
		begin second run -d --name two --network shared deb sleep 1000
		wait_until 20 ended taker
		wait_until 20 ended comer
		wait_until 20 ended second
		cat "$dir"/*.out
		agrees
		on 1 system check
		on 1 rm -f one two >/dev/null 2>&1 || true
		on 1 network rm shared >/dev/null 2>&1 || true
		[ -z "$(etcd_keys)" ]
		rm -f "$dir"/*.status
	done
}
