#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks: names, isolation, connect and disconnect, modes, files in /etc, IPv6, published ports.
load helpers

ip_of() { mybox inspect -f "{{.NetworkSettings.Networks.${2:-net1}.IPAddress}}" "$1"; }
sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
# A server that answers each connection with its name.
server() { mybox run -d --name "$1" "${@:2}" deb sh -c 'mkdir -p /www; echo "$0" >/www/index.html; exec httpd -f -p 80 -h /www' "$1" >/dev/null; }
fetches() { [ "$(mybox exec "$1" timeout 3 wget -q -O- "http://$2/")" = "$3" ]; }
reaches() { mybox exec "$1" ping -c 1 -W 1 "$2" >/dev/null 2>&1; }
# nobody answers, quickly
blocked() { ! mybox exec "$1" nc -w 1 "$2" 80 </dev/null >/dev/null 2>&1; }

@test "names: own, aliases, short id, hostname; both ways; case does not matter" {
	mybox network create net1
	server web --network net1 --network-alias www --network-alias site -h webhost
	sleeper c2 --network net1
	local name
	for name in web www site webhost WEB "$(mybox inspect -f '{{slice .Id 0 12}}' web)"; do
		wait_until 3 fetches c2 "$name" web
	done
	reaches web c2
	[ "$(mybox exec c2 nslookup web 2>/dev/null | grep -c "$(ip_of web)")" -ge 1 ]
	run mybox exec c2 nslookup nosuchname
	[ "$status" != 0 ]
	# The other way round.
	run mybox exec c2 nslookup "$(ip_of web)"
	[[ $output == *web.net1* ]] || [[ $output == *"name = web"* ]]
}

@test "a list of networks, with an alias on each" {
	mybox network create net1
	mybox network create net2
	mybox run -d --name c1 --net net1,net2 --network-alias svc deb sleep 1000
	[ "$(mybox inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}' c1)" = "net1 net2 " ]
	sleeper c2 --network net2
	wait_until 3 reaches c2 svc
	run mybox create --net net1,host deb true
	[ "$status" = 1 ]
	[[ $output == *"conflicting options"* ]]
	run mybox create --net net1, deb true
	[ "$status" = 1 ]
}

@test "--disable-dns: by address alone, and the host's servers" {
	mybox network create --disable-dns net1
	mybox network create net2
	[ "$(mybox network inspect -f '{{.DNSEnabled}}' net1)" = false ]
	run ! grep -q DNSEnabled <<<"$(mybox network inspect net2)"
	server web --network name=net1,alias=www
	mybox run -d --name c2 --network net1 --dns 192.0.2.53 deb sleep 1000
	[ "$(mybox exec c2 grep nameserver /etc/resolv.conf)" = "nameserver 192.0.2.53" ]
	wait_until 3 fetches c2 "$(ip_of web)" web
	local name
	for name in web www; do
		run mybox exec c2 timeout 3 nslookup "$name" 127.0.0.11
		[ "$status" != 0 ]
		[[ $output != *"$(ip_of web)"* ]]
	done
	[ "$(mybox inspect -f '{{json .NetworkSettings.Networks.net1.Aliases}} {{json .NetworkSettings.Networks.net1.DNSNames}}' web)" = '["www"] null' ]
	# A network with names brings the resolver, which knows of that one alone.
	sleeper c3 --network net2
	mybox network connect net2 c2
	[ "$(mybox exec c2 grep nameserver /etc/resolv.conf)" = "nameserver 127.0.0.11" ]
	wait_until 3 reaches c2 c3
	run ! mybox exec c2 nslookup web
	reaches c3 c2
	mybox network disconnect net2 c2
	[ "$(mybox exec c2 grep nameserver /etc/resolv.conf)" = "nameserver 192.0.2.53" ]
	# What somebody wrote there stays.
	mybox exec c2 sh -c 'echo nameserver 192.0.2.54 >/etc/resolv.conf'
	mybox network connect net2 c2
	[ "$(mybox exec c2 cat /etc/resolv.conf)" = "nameserver 192.0.2.54" ]
	mybox rename web web2
	mybox network reload
	run ! mybox exec c2 timeout 3 nslookup web2 127.0.0.11
	run mybox network check c2 web2:80
	[[ $output == *"network 'net1' has no names"* ]]
	mybox system check
	run mybox network endpoint add net1 db 192.0.2.7
	[ "$status" = 1 ]
	[[ $output == *"it has no names"* ]]
	run mybox network create -d overlay -o store=http://127.0.0.1:1 --disable-dns net3
	[ "$status" = 1 ]
	[[ $output == *"names cannot be off"* ]]
}

@test "names go with their container" {
	mybox network create net1
	sleeper c1 --network net1
	sleeper c2 --network net1
	reaches c1 c2
	mybox rm -f c2
	run ! mybox exec c1 nslookup c2
	sleeper c2 --network net1
	wait_until 3 reaches c1 c2
	mybox stop -t 0 c2
	run ! mybox exec c1 nslookup c2
}

@test "one alias of several leads to all of them" {
	mybox network create net1
	sleeper a1 --network net1 --network-alias pool
	sleeper a2 --network net1 --network-alias pool
	sleeper c1 --network net1
	run mybox exec c1 nslookup pool
	[[ $output == *"$(ip_of a1)"* ]]
	[[ $output == *"$(ip_of a2)"* ]]
}

@test "networks are apart from each other" {
	mybox network create net1
	mybox network create net2
	server s1 --network net1
	sleeper c1 --network net1
	sleeper c2 --network net2
	wait_until 3 fetches c1 s1 s1
	run ! mybox exec c2 nslookup s1
	blocked c2 "$(ip_of s1)"
	run ! reaches c2 "$(ip_of s1)"
}

@test "connect and disconnect while it runs" {
	mybox network create net1
	mybox network create net2
	server s1 --network net1
	sleeper c2 --network net2
	run ! reaches c2 s1
	mybox network connect --alias friend net1 c2
	wait_until 3 fetches c2 s1 s1
	reaches s1 friend
	[ "$(mybox exec c2 sh -c 'ls /sys/class/net | grep -c eth')" = 2 ]
	[ "$(mybox inspect -f '{{len .NetworkSettings.Networks}}' c2)" = 2 ]
	run mybox network connect net1 c2
	[ "$status" = 1 ]
	[[ $output == *"already"* ]]
	mybox network disconnect net1 c2
	run ! reaches c2 s1
	[ "$(mybox exec c2 sh -c 'ls /sys/class/net | grep -c eth')" = 1 ]
	run mybox network disconnect net1 c2
	[ "$status" = 1 ]
	[[ $output == *"is not connected"* ]]
	run mybox network connect nosuch c2
	[ "$status" = 1 ]
	run mybox network connect net1 nosuch
	[ "$status" = 1 ]
}

@test "connect before a start, and several networks from the beginning" {
	mybox network create net1
	mybox network create --subnet 10.99.7.0/24 net2
	mybox create --name c1 --network net1 deb sleep 100
	mybox network connect --ip 10.99.7.77 net2 c1
	mybox start c1
	[ "$(ip_of c1 net2)" = 10.99.7.77 ]
	[ -n "$(ip_of c1 net1)" ]
	sleeper c2 --network net1 --network name=net2,alias=other,ip=10.99.7.78
	[ "$(ip_of c2 net2)" = 10.99.7.78 ]
	wait_until 3 reaches c1 other
	mybox restart -t 0 c1
	[ "$(ip_of c1 net2)" = 10.99.7.77 ]
}

@test "a network in use stays; the last one out may go" {
	mybox network create net1
	sleeper c1 --network net1
	run mybox network rm net1
	[ "$status" = 1 ]
	[[ $output == *"has active endpoints"* ]]
	mybox rm -f c1
	mybox network rm net1
	run mybox run --rm --network net1 deb true
	[ "$status" = 125 ]
	[[ $output == *"network net1 not found"* ]]
}

@test "--internal: neighbours, but not the world" {
	mybox network create --internal net1
	server s1 --network net1
	sleeper c1 --network net1
	wait_until 3 fetches c1 s1 s1
	run ! mybox exec c1 ip route get 8.8.8.8
}

@test "none has only loopback; host has the host's; container:X shares" {
	[ "$(mybox run --rm --network none deb sh -c 'echo $(ls /sys/class/net)')" = lo ]
	[ "$(mybox run --rm --network host deb readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]
	[ "$(mybox run --rm --network host deb hostname)" = "$(hostname)" ]
	mybox network create net1
	server s1 --network net1
	[ "$(mybox run --rm --network container:s1 deb readlink /proc/self/ns/net)" = "$(mybox exec s1 readlink /proc/self/ns/net)" ]
	sharing() { [ "$(mybox run --rm --network container:s1 deb wget -q -O- http://127.0.0.1/)" = s1 ]; }
	wait_until 3 sharing
	[ "$(mybox run --rm --network container:s1 deb hostname)" = "$(mybox exec s1 hostname)" ]
	run mybox run --rm --network container:nosuch deb true
	[ "$status" = 125 ]
	run mybox run --rm --network container:s1 -p 80:80 deb true
	[ "$status" = 125 ]
	[[ $output == *"conflicting options"* ]]
	run mybox run --rm --network host --network net1 deb true
	[ "$status" = 125 ]
}

@test "what contradicts a network mode is refused" {
	sleeper s1 --network none
	refused() {
		local text=$1
		shift
		run -125 mybox run --rm "$@" deb true
		[ "$output" = "mybox: $text" ]
		[ -z "$(mybox ps -aq -f status=created)" ]
	}
	local mode='and the network mode' of='and the container type network mode'
	refused "conflicting options: hostname $mode" --network container:s1 -h x --dns 192.0.2.1
	refused "conflicting options: dns $mode" --network container:s1 --dns 192.0.2.1 --add-host a:192.0.2.1
	refused "conflicting options: custom host-to-IP mapping $mode" --network container:s1 --add-host a:192.0.2.1 --mac-address 02:00:00:00:00:01
	refused "conflicting options: mac-address $mode" --network container:s1 --mac-address 02:00:00:00:00:01 -p 80:80
	refused "conflicting options: port publishing $of" --network container:s1 -p 80:80
	refused "conflicting options: port publishing $of" --network container:s1 -P
	refused "conflicting options: port exposing $of" --network container:s1 --expose 80
	refused "conflicting options: mac-address $mode" --network host --mac-address 02:00:00:00:00:01
	refused "conflicting options: hostname and the UTS mode" --uts host -h x
	local net
	for net in host none; do
		refused "network-scoped alias is supported only for containers in user defined networks" --network $net --network-alias x
	done
	# What only looks like it.
	run -0 mybox run --rm --network host -h x deb hostname
	[ "$output" = x ]
	run -0 mybox run --rm --network container:s1 --uts host deb true
	mybox create --name by --network-alias x deb true
}

@test "/etc/hosts, /etc/resolv.conf and /etc/hostname" {
	mybox network create net1
	sleeper c1 --network net1 -h box --add-host other:1.2.3.4 --add-host gw:host-gateway --dns-search example.org --dns-option ndots:3
	run mybox exec c1 cat /etc/hosts
	[[ $output == *$'127.0.0.1\tlocalhost'* ]]
	[[ $output == *$'1.2.3.4\tother'* ]]
	[[ $output == *"$(ip_of c1)"$'\tbox'* ]]
	[[ $output == *"$(mybox network inspect -f '{{(index .IPAM.Config 0).Gateway}}' net1)"$'\tgw'* ]]
	run mybox exec c1 cat /etc/resolv.conf
	[[ $output == *"nameserver 127.0.0.11"* ]]
	[[ $output == *"search example.org"* ]]
	[[ $output == *"ndots:3"* ]]
	[ "$(mybox exec c1 cat /etc/hostname)" = box ]
	# It may be written by the container, and is not the image's.
	mybox exec c1 sh -c 'echo 9.9.9.9 nine >>/etc/hosts'
	mybox exec c1 grep -q nine /etc/hosts
	run mybox run --rm --add-host bad deb true
	[ "$status" = 125 ]
	run mybox run --rm --dns notanip deb true
	[ "$status" = 125 ]
}

@test "addresses: asked for, in use, outside, default gateway" {
	mybox network create --subnet 10.99.8.0/24 --gateway 10.99.8.254 --ip-range 10.99.8.128/26 net1
	sleeper c1 --network net1 --ip 10.99.8.9 --mac-address 02:11:22:33:44:55
	[ "$(ip_of c1)" = 10.99.8.9 ]
	[ "$(mybox exec c1 cat /sys/class/net/eth0/address)" = 02:11:22:33:44:55 ]
	[[ $(mybox exec c1 ip route) == *"default via 10.99.8.254"* ]]
	reaches c1 10.99.8.254
	run mybox run -d --name c2 --network net1 --ip 10.99.8.9 deb true
	[ "$status" = 125 ]
	[[ $output == *"10.99.8.9"* ]]
	mybox rm -f c2
	run mybox run --rm --network net1 --ip 10.99.9.9 deb true
	[ "$status" = 125 ]
	sleeper c3 --network net1
	[[ $(ip_of c3) =~ ^10\.99\.8\.1(2[89]|[3-8][0-9]|9[01])$ ]]
}

@test "subnets: overlapping, malformed, many" {
	mybox network create --subnet 10.99.9.0/24 net1
	run mybox network create --subnet 10.99.9.128/25 net2
	[ "$status" = 1 ]
	[[ $output == *"overlap"* ]]
	[[ $output != *hint* ]]
	local bad
	for bad in 10.99.9.0 10.99.9.0/33 999.1.1.0/24 10.99.300.0/24 x/24 '' ; do
		run mybox network create --subnet="$bad" net2
		[ "$status" = 1 ]
	done
	run mybox network create --subnet 10.99.10.0/24 --gateway 10.99.11.1 net2
	[ "$status" = 1 ]
	run mybox network create --driver nosuch net2
	[ "$status" = 1 ]
	run mybox network create host
	[ "$status" = 1 ]
	local i
	for i in 1 2 3 4 5 6 7 8; do mybox network create "m$i"; done
	[ "$(mybox network inspect -f '{{(index .IPAM.Config 0).Subnet}}' m1 m2 m3 m4 m5 m6 m7 m8 | sort -u | wc -l)" = 8 ]
}

@test "--ipv6: addresses, names and reach by both families" {
	mybox network create --ipv6 net6
	server s1 --network net6
	sleeper c1 --network net6
	local six
	six=$(mybox inspect -f '{{.NetworkSettings.Networks.net6.GlobalIPv6Address}}' s1)
	[[ $six == *:* ]]
	reaches6() { mybox exec c1 ping6 -c 1 -W 1 "$1" >/dev/null 2>&1; }
	wait_until 3 reaches6 "$six"
	wait_until 3 reaches6 s1
	mybox exec c1 nslookup s1 | grep -q "$six"
	sleeper c2
	[ "$(mybox exec c2 cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6)" = 1 ]
	mybox network create --subnet fd00:99::/64 --subnet 10.99.12.0/24 fixed6
	sleeper c3 --network fixed6 --ip6 fd00:99::77
	[ "$(mybox inspect -f '{{.NetworkSettings.Networks.fixed6.GlobalIPv6Address}}' c3)" = fd00:99::77 ]
	# Neither taken for another, nor said to be in use.
	for six in fd00:99::1:2 fd00:99::1:0:0:5; do
		run mybox run --rm --network fixed6 --ip6 $six deb true
		[ "$status" = 125 ]
		[[ $output == *"address $six of network fixed6: only the first 65536 of subnet fd00:99::/64 are given"* ]]
	done
}

@test "names on the default network too" {
	sleeper c1
	sleeper c2
	wait_until 3 reaches c1 c2
}

@test "the resolver: over TCP too, and what it does not know it says at once" {
	mybox network create --internal net1
	sleeper c1 --network net1
	sleeper c2 --network net1
	run mybox exec c1 timeout 4 nslookup no.such.example.org
	[ "$status" != 0 ]
	[ "$status" != 143 ]
	run mybox exec c1 timeout 4 nslookup c2.
	[ "$status" = 0 ]
	[[ $output == *"$(ip_of c2)"* ]]
}

@test "a container cannot take another's address" {
	mybox network create net1
	sleeper c1 --network net1
	sleeper c2 --network net1
	run mybox exec c1 ip addr add 10.250.0.1/24 dev eth0
	[ "$status" != 0 ] # no NET_ADMIN
}

@test "network inspect tells who is on it" {
	mybox network create net1
	sleeper c1 --network net1
	local id
	id=$(mybox inspect -f '{{.Id}}' c1)
	[ "$(mybox network inspect -f '{{range $k, $v := .Containers}}{{$k}} {{$v.Name}} {{$v.IPv4Address}}{{end}}' net1)" = "$id c1 $(ip_of c1)/$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPPrefixLen}}' c1)" ]
	mybox rm -f c1
	[ "$(mybox network inspect -f '{{len .Containers}}' net1)" = 0 ]
}

@test "hosts follows networks that are joined and left, and keeps what is not ours" {
	mybox network create --subnet 10.91.0.0/24 net1
	mybox run -d --name c1 -h one deb sleep 1000
	mybox exec c1 sh -c 'echo 9.9.9.9 nine >>/etc/hosts'
	mybox network connect --ip 10.91.0.77 net1 c1
	mybox exec c1 grep -qx "10.91.0.77	one" /etc/hosts
	mybox network disconnect net1 c1
	run mybox exec c1 cat /etc/hosts
	[[ $output != *10.91.0.77* ]]
	[[ $output == *"9.9.9.9 nine"* ]]
	[[ $output == *"	one"* ]]
}

@test "who shares a container's network shares its files" {
	mybox run -d --name c1 deb sleep 1000
	mybox run -d --name c2 --network container:c1 deb sleep 1000
	mybox exec c1 sh -c 'echo 9.9.9.9 nine >>/etc/hosts'
	mybox exec c2 grep -q nine /etc/hosts
	[ "$(mybox exec c2 cat /etc/hostname)" = "$(mybox exec c1 cat /etc/hostname)" ]
}
