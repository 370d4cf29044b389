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

# foist WORD WHERE... ADDRESS: whoever is there sends the host at ADDRESS a frame of the network lab,
# or another one to that port.
foist() {
	"${@:2:$#-2}" python3 -c '
import socket, struct, sys
frame = bytes.fromhex("ffffffffffff026d0a4d000588b5") + sys.argv[2].encode() + bytes(46)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(struct.pack(">II", 0x08000000, int(sys.argv[1]) << 8) + frame, (sys.argv[3], 4789))
' "$vni" "$1" "${*: -1}"
}
# hear N FILE [TUNNEL]: what comes by the tunnel of host N, until a stranger has been heard.  Of all
# protocols: what is of one alone is heard behind a bridge, which has taken it by then.
hear() {
	in_ns "h$1" timeout 300 python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((sys.argv[1], 0))
word = "listens"
while word != "stranger":
    print(word, flush=True)
    frame, where = b"", ()
    while frame[12:14] != b"\x88\xb5" or where[2] == socket.PACKET_OUTGOING:
        frame, where = s.recvfrom(2000)
    word = frame[14:].split(b"\0")[0].decode()
' "${3:-$(tunnel "$1" lab)}" >"$2" 3>&- &
	listeners+=($!)
	wait_until 10 grep -qs listens "$2"
}

@test "peers: a container does not speak for a host, nor with the host's address to another one" {
	local vni own c to listeners=()
	lab 1
	lab 2
	sleeper 1 k1 --network lab
	sleeper 2 k2 --network lab
	vni=$(on 1 network inspect -f '{{.Overlay.VNI}}' lab)
	on 1 network create --subnet 10.99.0.0/24 plain >/dev/null
	on 1 network create --internal --subnet 10.98.0.0/24 inside >/dev/null
	sleeper 1 bad --network plain
	sleeper 1 worse --network inside
	wait_until 5 reaches 1 bad $wire.2
	hear 1 "$BATS_TEST_TMPDIR/h1"
	hear 2 "$BATS_TEST_TMPDIR/h2"
	for c in bad worse; do
		own=(nsenter -t "$(on 1 inspect -f '{{.State.Pid}}' $c)" -n)
		# The internal one has no way but to its own gateway.
		for to in $wire.1 10.99.0.1 10.98.0.1 $wire.2; do
			foist $c "${own[@]}" $to 2>/dev/null || [ $c = worse ]
		done
	done
	# A number that is none of ours is somebody else's tunnel.
	in_ns h2 ip link add theirs type vxlan id 4242 dstport 4789 dev up0
	in_ns h2 ip link set theirs up
	hear 2 "$BATS_TEST_TMPDIR/theirs" theirs
	vni=4242
	own=(nsenter -t "$(on 1 inspect -f '{{.State.Pid}}' bad)" -n)
	theirs() { foist stranger "${own[@]}" $wire.2; ! kill -0 "${listeners[2]}" 2>/dev/null; }
	wait_until 10 theirs
	in_ns h2 ip link del theirs
	# One on the wire is heard: the network below is to keep those away.  He comes behind the others.
	vni=$(on 1 network inspect -f '{{.Overlay.VNI}}' lab)
	foist stranger in_ns h3 $wire.1
	foist stranger in_ns h3 $wire.2
	for c in "${listeners[@]}"; do wait "$c"; done
	[ "$(cat "$BATS_TEST_TMPDIR/h1")" = listens ]
	[ "$(cat "$BATS_TEST_TMPDIR/h2")" = listens ]
}
