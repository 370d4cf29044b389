#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Overlay networks whose hosts know each other by a list.
load helpers

lab() { # lab N [OPTION...]: the network on host N, which gives the addresses 10.77.0.N0 to .N7
	on "$1" network create -d overlay --subnet 10.77.0.0/24 --ip-range "10.77.0.$(($1 * 16))/29" \
		-o "peers=$wire.1,$wire.2,$wire.3" "${@:2}" lab >/dev/null
}

@test "peers: containers of three hosts are neighbours, with packets that fit" {
	local i id
	for i in 1 2 3; do
		lab $i
		sleeper $i k$i --network lab --ip 10.77.0.$((i * 16 + 2))
	done
	wait_until 5 reaches 1 k1 10.77.0.34
	wait_until 5 reaches 1 k1 10.77.0.50
	wait_until 5 reaches 3 k3 10.77.0.34
	# 1500 of the wire less 50 of the tunnel; and the longest one arrives.
	[ "$(on 1 exec k1 cat /sys/class/net/eth0/mtu)" = 1450 ]
	on 1 exec k1 ping -c 1 -W 2 -s 1422 10.77.0.34 >/dev/null
	# The host that it is made on chooses nothing: one name is one number.
	[ "$(on 1 network inspect -f '{{.Overlay.VNI}} {{.Overlay.VTEP}}' lab)" = \
		"$(on 2 network inspect -f '{{.Overlay.VNI}}' lab) $wire.1" ]
	# What a peer's network sends does not come to the host's others.
	sleeper 1 other
	run reaches 1 other 10.77.0.34
	[ "$status" != 0 ]
	# The world is reached as by any bridge.
	reaches 1 k1 $wire.254
	# What is taken away is told, and put back.
	id=$(tunnel 1 lab)
	in_ns h1 ip link del "$id"
	run on 1 system check
	[[ $output == *"tunnel '$id' of network 'lab' is missing"* ]]
	run on 1 system check --repair
	on 1 system check
	wait_until 5 reaches 1 k1 10.77.0.34
	in_ns h1 bridge fdb del 00:00:00:00:00:00 dev "$id" dst $wire.2
	run on 1 system check
	[[ $output == *"tunnel of network 'lab' does not lead to peer $wire.2"* ]]
	on 1 network reload >/dev/null
	on 1 system check
	# It comes again with the first container after it went.
	on 1 rm -f k1 >/dev/null
	on 1 network rm lab
	run in_ns h1 ip link show "$id"
	[ "$status" != 0 ]
}

@test "peers: a container's gateway is its own host, whoever else answers for it" {
	local i asked="02:6d:0a:4d:00:01"
	for i in 1 2; do
		lab $i
		sleeper $i k$i --network lab --cap-add NET_ADMIN --ip 10.77.0.$((i * 16 + 2))
	done
	wait_until 5 reaches 1 k1 10.77.0.34
	pinged() { in_ns h$1 awk '$1 == "Icmp:" { if (n++) print $10 + 0 }' /proc/net/snmp; }
	local here elsewhere
	here=$(pinged 1)
	elsewhere=$(pinged 2)
	# It is asked for aloud, and both hosts answer, with the one address that all gateways have.
	on 1 exec k1 ip neigh flush dev eth0
	for i in 1 2 3; do reaches 1 k1 10.77.0.1; done
	on 1 exec k1 ip neigh show 10.77.0.1 | grep -q "lladdr $asked "
	wait_until 5 learnt
	[ "$(pinged 1)" = $((here + 3)) ]
	[ "$(pinged 2)" = "$elsewhere" ]
	# What came from there has not moved it in the bridge.
	in_ns h1 bridge fdb show | grep "^$asked" | grep -q "master.* permanent"
	[ -z "$(in_ns h1 bridge fdb show dev "$(tunnel 1 lab)" | grep "^$asked.* master")" ]
	reaches 1 k1 $wire.254
	cut_off h2
	on 1 exec k1 ip neigh flush dev eth0
	reaches 1 k1 10.77.0.1
	mend h2
}
# The tunnel has heard the other host's answer.
learnt() { in_ns h1 bridge fdb show dev "$(tunnel 1 lab)" | grep -q "^02:6d:0a:4d:00:01 dst $wire.2"; }

@test "overlay: without icc nobody is reached on other hosts either" {
	local i
	for i in 1 2; do
		lab $i -o com.docker.network.bridge.enable_icc=false
		sleeper $i k$i --network lab --ip 10.77.0.$((i * 16 + 2))
	done
	sleeper 1 beside --network lab --ip 10.77.0.19
	wait_until 5 reaches 1 k1 $wire.2
	run reaches 1 k1 10.77.0.19
	[ "$status" != 0 ]
	run reaches 1 k1 10.77.0.34
	[ "$status" != 0 ]
	in_ns h1 bridge -d link show dev "$(tunnel 1 lab)" | grep -q 'isolated on'
}

@test "overlay: what cannot be is refused by name, and leaves nothing" {
	refused() { # refused WORDS OPTION...
		run on 1 network create -d overlay "${@:2}" lab
		[ "$status" = 1 ]
		[[ $output == *"$1"* ]]
	}
	refused "wants to know the other hosts"
	refused "invalid value 'a,b' of option 'peers'" -o peers=a,b
	refused "invalid value '0' of option 'vni'" -o peers=$wire.2 -o vni=0
	refused "this host has no address '192.0.2.9'" -o peers=$wire.2 -o vtep=192.0.2.9
	refused "interface 'up7' not found" -o peers=$wire.2 -o vtep=up7
	refused "mtu 1500 does not fit" -o peers=$wire.2 -o mtu=1500
	refused "exclude each other" -o peers=$wire.2 -o control=external
	refused "'colour' is not supported by the overlay driver" -o colour=red
	refused "option 'encrypted' wants a store" -o peers=$wire.2 -o encrypted
	refused "option 'encrypted' wants a store" -o control=external -o encrypted=true
	refused "invalid value 'much' of option 'encrypted'" -o peers=$wire.2 -o encrypted=much
	refused "invalid value '0' of option 'wg-port'" -o peers=$wire.2 -o wg-port=0
	refused "option 'wg-port' is given, but network lab is not encrypted" -o peers=$wire.2 -o wg-port=7
	refused "option 'port' is of no use to an encrypted network" -o store=http://$wire.201:2379 -o encrypted -o port=7
	# Without WireGuard in the kernel that is the reason; tests/guest has one with it.
	if ! in_ns h1 ip link add wg7 type wireguard 2>/dev/null; then
		refused "option 'encrypted': this kernel has no WireGuard" -o store=http://$wire.201:2379 -o encrypted
	fi
	in_ns h1 ip link del wg7 2>/dev/null || true
	on 1 network create -d overlay -o peers=$wire.2 -o vni=77 one >/dev/null
	refused "VXLAN 77 is in use on this host" -o peers=$wire.2 -o vni=77
	[ "$(on 1 network ls -q -f type=custom | wc -l)" = 1 ]
	run on 1 network policy default one deny
	[[ $output == *"network one takes no policy: its hosts have no store to keep it in"* ]]
}

@test "overlay: another program fills the tables" {
	local i
	for i in 1 2; do
		on $i network create -d overlay --subnet 10.77.0.0/24 --ip-range 10.77.0.$((i * 16))/29 \
			-o control=external -o vtep=up0 -o vni=4242 ext >/dev/null
		sleeper $i k$i --network ext --ip 10.77.0.$((i * 16 + 2))
		in_ns h$i bridge -d link show dev "$(tunnel $i ext)" | grep -q 'learning off .*neigh_suppress on .*isolated off'
	done
	in_ns h1 ip -d link show dev "$(tunnel 1 ext)" | grep -q 'vxlan id 4242 local 203.0.113.1 .*nolearning'
	# Nothing is in the tables; what is put there holds, through a reload too.
	[ -z "$(in_ns h1 bridge fdb show dev "$(tunnel 1 ext)" | grep dst)" ]
	run reaches 1 k1 10.77.0.34
	[ "$status" != 0 ]
	in_ns h1 bridge fdb append 00:00:00:00:00:00 dev "$(tunnel 1 ext)" dst $wire.2
	in_ns h2 bridge fdb append 00:00:00:00:00:00 dev "$(tunnel 2 ext)" dst $wire.1
	on 1 network reload >/dev/null
	wait_until 5 reaches 1 k1 10.77.0.34
	reaches 1 k1 10.77.0.34
	on 1 system check
	# The walk to it ends at the tunnel, and what answers is no fault.
	listens() { on 2 exec k2 grep -q ':0050 [0-9A-F:]* 0A ' /proc/net/tcp /proc/net/tcp6; }
	on 2 exec -d k2 httpd -p 80
	wait_until 5 listens
	run on 1 network check k1 10.77.0.34:80
	[[ $output == *"10.77.0.34 is beyond the tunnel, 02:"* ]]
	[[ $output == *"connected to 10.77.0.34, port 80"* ]]
	[ "$status" = 0 ]
}
