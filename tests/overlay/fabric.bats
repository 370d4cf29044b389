#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Overlay networks of which FRR says who is where (control=external): BGP with EVPN, by zebra and
# bgpd on every host, with contrib/frr/frr.conf.
load helpers

setup_file() {
	[ -x /usr/lib/frr/bgpd ] || skip "no FRR"
	hosts_begin 3
	# FRR's daemons become a user of their own.
	chmod 711 "${dir%/*}"
	local i
	for i in 1 2 3; do frr_begin $i; done
	for i in 1 2 3; do wait_until 10 has_peers $i 2; done
}
teardown_file() {
	[ -x /usr/lib/frr/bgpd ] || return 0
	local f
	for f in "$dir"/frr*/*.started; do kill -KILL "$(cat "$f")"; done
	chmod 700 "${dir%/*}"
	hosts_end
}

frr_begin() { # frr_begin N
	local f=$dir/frr$1
	install -d -o frr -g frr "$f"
	# It is the first host's: for another, the two change places.
	sed "s/192\.0\.2\.$1\>/$wire.0/; s/192\.0\.2\.1\>/$wire.$1/; s/$wire\.0\>/$wire.1/
		s/192\.0\.2\./$wire./; s/timers connect .*/timers connect 1/
		s/router-id .*/router-id $wire.$1/" "$top/contrib/frr/frr.conf" >"$f/bgpd.conf"
	: >"$f/zebra.conf"
	frr_start $1 zebra
	wait_until 20 test -S "$f/zserv.api"
	frr_start $1 bgpd -p 179 -n
}
frr_start() { # frr_start N PROGRAM OPTION...: with nothing of the machine's own
	local f=$dir/frr$1
	nsenter --net="/proc/$(cat "$dir/ns.h$1")/ns/net" "/usr/lib/frr/$2" -u frr -g frr -f "$f/$2.conf" \
		-z "$f/zserv.api" --vty_socket "$f" -P 0 -i "$f/$2.pid" --log "file:$f/$2.log" \
		"${@:3}" >"$f/$2.out" 2>&1 3>&- &
	echo $! >"$f/$2.started"
}
frr_kill() { # frr_kill N PROGRAM
	kill -KILL "$(cat "$dir/frr$1/$2.started")"
}
vty() { in_ns "h$1" vtysh --vty_socket "$dir/frr$1" -c "$2"; }
has_peers() {
	[ "$(vty "$1" "show bgp l2vpn evpn summary json" | grep -c '"state":"Established"')" = "$2" ]
}

fabric() { # fabric N [OPTION...]: the network on host N
	on $1 network create -d overlay --subnet 10.77.0.0/24 --ip-range "10.77.0.$(($1 * 16))/28" \
		-o control=external -o vni=4242 "${@:2}" fab >/dev/null
}
# knows N ADDRESS HOST: host N sends there what is for that address, and need not ask.
knows() {
	local mac
	mac=$(in_ns h$1 ip neigh show "$2" | sed -n 's/.*lladdr \([^ ]*\) extern_learn.*/\1/p')
	[ -n "$mac" ] && in_ns h$1 bridge fdb show dev "$(tunnel $1 fab)" |
		grep -q "^$mac dst $wire.$3 self extern_learn"
}
is_forgotten() { # is_forgotten N ADDRESS HOST
	! in_ns h$1 ip neigh show "$2" | grep -q extern_learn &&
		! in_ns h$1 bridge fdb show dev "$(tunnel $1 fab)" | grep -q "dst $wire.$3 self extern_learn"
}

@test "EVPN: containers of three hosts are known before they speak, and until they go" {
	local i port
	for i in 1 2 3; do
		fabric $i
		sleeper $i k$i --network fab --ip 10.77.0.$((i * 16 + 2))
	done
	for i in 1 2; do wait_until 8 knows $i 10.77.0.50 3; done
	wait_until 8 knows 1 10.77.0.34 2
	wait_until 8 knows 3 10.77.0.18 1
	# What mybox put into the bridge's tables, reload puts back.
	port=$(in_ns h2 ip -o link show type veth | sed -n 's/.*: \(mb[^@]*\)@.*/\1/p')
	in_ns h2 ip link set "$port" nomaster
	wait_until 8 is_forgotten 1 10.77.0.34 2
	on 2 network reload >/dev/null
	wait_until 8 knows 1 10.77.0.34 2
	wait_until 5 reaches 1 k1 10.77.0.34
	wait_until 5 reaches 1 k1 10.77.0.50
	wait_until 5 reaches 3 k3 10.77.0.34
	on 1 exec k1 ping -c 1 -W 2 -s 1422 10.77.0.34 >/dev/null
	# The world, and the gateway that every host has.
	reaches 1 k1 10.77.0.1
	reaches 1 k1 $wire.254
	on 1 system check
	# It goes, and comes again on another host with the same address.
	on 2 rm -f k2 >/dev/null
	wait_until 8 is_forgotten 1 10.77.0.34 2
	sleeper 3 moved --network fab --ip 10.77.0.34
	wait_until 8 knows 1 10.77.0.34 3
	wait_until 8 knows 2 10.77.0.34 3
	wait_until 5 reaches 1 k1 10.77.0.34
	sleeper 2 again --network fab --ip 10.77.0.35
	wait_until 5 reaches 2 again 10.77.0.34
	# Killed, it is gone as well.
	on 3 kill moved >/dev/null
	gone() { ! in_ns h1 ip neigh show 10.77.0.34 | grep -q extern_learn; }
	wait_until 8 gone
}

@test "EVPN: IPv6, a daemon that dies, other networks" {
	local i
	for i in 1 2; do
		fabric $i --subnet fd77::/64
		sleeper $i k$i --network fab --ip 10.77.0.$((i * 16 + 2)) --ip6 fd77::${i}2
	done
	wait_until 8 knows 1 fd77::22 2
	wait_until 5 reaches 1 k1 fd77::22
	# Without bgpd the others forget; with it again they know.
	frr_kill 2 bgpd
	wait_until 8 is_forgotten 1 10.77.0.34 2
	frr_start 2 bgpd -p 179 -n
	wait_until 10 knows 1 10.77.0.34 2
	wait_until 5 reaches 1 k1 10.77.0.34
	# What others' networks have is not this one's.
	on 2 network create -d overlay --subnet 10.78.0.0/24 -o control=external -o vni=4343 other >/dev/null
	sleeper 2 apart --network other --ip 10.78.0.9
	wait_until 8 sh -c "nsenter --net=/proc/$(cat "$dir/ns.h1")/ns/net vtysh --vty_socket '$dir/frr1' -c 'show bgp l2vpn evpn' | grep -q 10.78.0.9"
	run in_ns h1 ip neigh show 10.78.0.9
	[ -z "$output" ]
}
