#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Encrypted overlay networks: Debian's kernel has WireGuard.
# bats file_tags=kernel
load ../overlay/helpers

setup_file() {
	modprobe -a bridge vxlan wireguard
	hosts_begin 3
	local i
	for i in 1 2 3; do in_ns h$i ip addr add fd00:99::$i/64 dev up0 nodad; done
	etcd_begin 1
}
teardown_file() {
	etcd_end
	hosts_end
}

wire_of() { echo "mw-$(on "$1" network inspect -f '{{slice .Id 0 12}}' "$2")"; }
received() { in_ns "$1" ip -j -s link show dev "$2" | jq '.[0].stats64.rx.packets'; }

# heard WHOM: k1 speaks to it in a pattern.  Whether one who listens on h1's wire can read that, and
# whether there is anything of WireGuard.
heard() {
	local box
	read -ra box <<<"$(there 1)"
	python3 -c '
import socket, subprocess, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
s.bind(("w-h1", 0))
s.settimeout(1)
subprocess.run(sys.argv[1:], check=False, stdout=subprocess.DEVNULL)
clear = wire = 0
try:
    while True:
        p = s.recv(65536)
        clear += b"\xab\xab\xab\xab\xab\xab\xab\xab" in p
        udp = p[34:38] if p[12:14] == b"\x08\x00" else p[54:58]
        wire += udp[2:4] in (b"\xca\x6c", b"\xca\x6d")
except socket.timeout:
    print("clear" if clear else "secret", "wire" if wire else "none")
' "${box[@]}" exec k1 ping -c 3 -W 2 -p ab "$1"
}

# foist VNI ADDRESS: a stranger on the wire, who knows the number, sends h1 a frame in clear.
foist() {
	in_ns h3 python3 -c '
import socket, struct, sys
arp = bytes.fromhex("ffffffffffff026d0a610005080600010800060400010000026d0a610005") + bytes([10, 97, 0, 5]) + bytes(6) + bytes([10, 97, 0, 2])
family, _, _, _, to = socket.getaddrinfo(sys.argv[2], 4789, type=socket.SOCK_DGRAM)[0]
s = socket.socket(family, socket.SOCK_DGRAM)
s.sendto(struct.pack(">II", 0x08000000, int(sys.argv[1]) << 8) + arp, to)
' "$1" "$2"
}
link_address() { in_ns "$1" ip -6 -o addr show dev "$2" | awk '$4 ~ /^fe80/ { sub("/.*", "", $4); print $4 }'; }
# connects ADDRESS: h2 to a service of h1 itself.
connects() {
	in_ns h2 python3 -c '
import socket, sys
family, _, _, _, to = socket.getaddrinfo(sys.argv[1], 7777, type=socket.SOCK_STREAM)[0]
s = socket.socket(family)
s.settimeout(3)
s.connect(to)' "$1" 2>/dev/null
}
peers_are() { [ "$(in_ns h1 wg show "$1" peers | wc -l)" = "$2" ]; }

@test "encrypted: containers of two hosts talk, and nobody between can read or speak" {
	local id before
	# What it is without.
	on 1 network create -d overlay --internal --subnet 10.98.0.0/24 -o "store=$store" -o vni=98 -o vtep=fd00:99::1 open >/dev/null
	on 2 network join -o "store=$store" -o vtep=fd00:99::2 open >/dev/null
	sleeper 1 k1 --network open
	sleeper 2 k2 --network open
	wait_until 20 reaches 1 k1 k2
	[ "$(heard k2)" = "clear none" ]
	before=$(received h1 "$(tunnel 1 open)")
	foist 98 fd00:99::1
	comes() { [ "$(received h1 "$(tunnel 1 open)")" -gt "$before" ]; }
	wait_until 5 comes
	on 1 rm -f k1 >/dev/null
	on 2 rm -f k2 >/dev/null
	on 2 network leave open >/dev/null
	on 1 network rm open >/dev/null

	id=$(on 1 network create -d overlay --internal --subnet 10.97.0.0/24 -o "store=$store" -o encrypted -o vni=97 -o host=one -o ttl=5 safe)
	[ "$(on 2 network join -o "store=$store" -o host=two safe)" = "$id" ]
	sleeper 1 k1 --network safe
	sleeper 2 k2 --network safe
	wait_until 20 reaches 1 k1 k2
	wait_until 20 reaches 2 k2 k1
	[ "$(heard k2)" = "secret wire" ]
	# The longest packet goes through whole; WireGuard takes 80 bytes more of it.
	[ "$(on 1 exec k1 cat /sys/class/net/eth0/mtu)" = 1370 ]
	on 1 exec k1 ping -c 1 -W 2 -s 1342 k2 >/dev/null
	# The tunnel's own socket takes nothing that did not come by WireGuard.
	before=$(received h1 "$(tunnel 1 safe)")
	foist 97 fd00:99::1
	foist 97 "$(link_address h1 up0)%up0"
	foist 97 $wire.1
	reaches 1 k1 k2
	[ "$(received h1 "$(tunnel 1 safe)")" -le $((before + 2)) ]
	in_ns h1 ip -d link show dev "$(tunnel 1 safe)" | grep -q "local fe80::.* dev $(wire_of 1 safe)"
	# Nor is there a way to the host itself by it, past what guards its other interfaces.
	in_ns h1 python3 -c '
import socket
s = socket.create_server(("::", 7777), family=socket.AF_INET6)
while True:
    s.accept()' 3>&- &
	wait_until 10 connects fd00:99::1
	run ! connects "$(link_address h1 "$(wire_of 1 safe)")%$(wire_of 2 safe)"
	kill %%
	[ "$(in_ns h1 cat "/proc/sys/net/ipv6/conf/$(wire_of 1 safe)/accept_ra")" = 0 ]
	# What is shown has no private key in it, and what is kept is root's.
	on 1 network inspect safe | grep -q '"Encrypted": true'
	[ "$(on 1 network inspect -f '{{.Overlay.Underlay}} {{.Overlay.WireGuardPort}}' safe)" = "$wire.1 51820" ]
	run ! grep -q "$(grep -o '"wire_key":"[0-9a-f]*' "$dir/h1/root/networks/"*.json | cut -d'"' -f4)" <<<"$(on 1 network inspect safe)$(etcd_keys)$(ctl get --prefix /mybox)"
	[ "$(stat -c %a "$dir/h1/root/networks/$id.json")" = 600 ]
	run on 1 network check k1 k2
	[ "$status" = 0 ]
	[[ $output == *"host two is at $wire.2, UDP port 51820, and has answered"* ]]
	# A host that cannot be had by UDP is named.
	in_ns h2 nft -f - <<<'table inet wall { chain in { type filter hook input priority 0; udp dport 51820 drop; }; }'
	on 1 network reload
	in_ns h1 ip link del "$(wire_of 1 safe)"
	run on 1 system check
	[ "$status" != 0 ]
	on 1 system check --repair >/dev/null || true
	on 1 system check
	run reaches 1 k1 k2
	never() { on 1 network check k1 k2 | grep -q "host two has never answered at $wire.2, UDP port 51820"; }
	wait_until 20 never
	in_ns h2 nft delete table inet wall
	wait_until 20 reaches 1 k1 k2
}

@test "encrypted: a second network, over IPv6; who leaves is a peer no more" {
	local i wire1 leader
	on 1 network create -d overlay --internal -o "store=$store" -o encrypted -o host=one one >/dev/null
	on 1 network create -d overlay --internal -o "store=$store" -o encrypted -o vtep=fd00:99::1 -o host=one -o ttl=5 six >/dev/null
	on 2 network join -o "store=$store" -o vtep=fd00:99::2 -o host=two six >/dev/null
	on 3 network join -o "store=$store" -o vtep=fd00:99::3 -o host=three six >/dev/null
	[ "$(on 1 network inspect -f '{{.Overlay.WireGuardPort}}' one) $(on 1 network inspect -f '{{.Overlay.WireGuardPort}}' six)" = "51820 51821" ]
	for i in 1 2 3; do sleeper $i k$i --network six; done
	[ "$(on 1 exec k1 cat /sys/class/net/eth0/mtu)" = 1350 ]
	wait_until 20 reaches 1 k1 k2
	wait_until 20 reaches 3 k3 k2
	wait_until 20 reaches 1 k1 k3
	[ "$(heard k3)" = "secret wire" ]
	# A policy has packets led by the other host.
	on 1 network policy default six deny >/dev/null
	wait_until 20 is_lost_to 1 k1 k2
	on 1 network policy add six k1:k2 >/dev/null
	wait_until 20 reaches 1 k1 k2
	is_lost_to 3 k3 k2
	on 1 network policy default six allow >/dev/null
	wait_until 20 reaches 3 k3 k2
	# A peer that somebody takes away comes back.
	wire1=$(wire_of 1 six)
	wait_until 20 peers_are "$wire1" 2
	in_ns h1 wg set "$wire1" peer "$(in_ns h1 wg show "$wire1" peers | head -1)" remove
	on 1 network reload
	peers_are "$wire1" 2
	# Whoever leads is killed, and the store goes: what is known stays.
	wait_until 20 leads 1 k1
	leader=$(leader_of 1 k1)
	kill -KILL "$leader"
	etcd_stop 1
	in_ns h1 ip link del "$wire1"
	on 1 network reload
	wait_until 20 reaches 1 k1 k3
	etcd_start 1
	wait_until 40 etcd_is_well
	on 3 rm -f k3 >/dev/null
	left() { on 3 network leave six >/dev/null; }
	wait_until 20 left
	[ -z "$(in_ns h3 ip -o link show type wireguard)" ]
	alone() { [ "$(on 1 network inspect -f '{{range .Peers}}{{println .Name}}{{end}}' six | sort | xargs)" = "one two" ]; }
	wait_until 20 alone
	wait_until 20 peers_are "$wire1" 1
	wait_until 20 reaches 1 k1 k2
	# Left and joined again it is another, with another key.
	on 2 network disconnect six k2
	left() { on 2 network leave six >/dev/null; }
	wait_until 20 left
	on 2 network join -o "store=$store" -o vtep=fd00:99::2 -o host=two six >/dev/null
	on 2 network connect six k2
	wait_until 20 reaches 1 k1 k2
	wait_until 20 reaches 2 k2 k1
	wait_until 20 peers_are "$wire1" 1
	knows() { on 1 network check k1 "$1"; }
	run knows k2
	[ "$status" = 0 ]
	# An option that is not the record's, and a port that is somebody else's.
	on 1 network create -d overlay --internal -o "store=$store" -o vni=99 plain >/dev/null
	run on 3 network join -o "store=$store" -o encrypted plain
	[ "$status" = 1 ]
	[[ $output == *"network plain is not encrypted"* ]]
	run on 1 network create -d overlay -o "store=$store" -o encrypted -o wg-port=51821 third
	[ "$status" = 1 ]
	[[ $output == *"UDP port 51821 is in use on this host"* ]]
	[ "$(in_ns h1 ip -o link show type wireguard | wc -l)" = 2 ]
}
