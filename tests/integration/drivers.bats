#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks upon an interface of the host (macvlan, ipvlan), and namespaces of others.
# bats file_tags=cgroup:any
load helpers

# A host "out" (192.0.2.2) on a wire to this one's interface "up0" (192.0.2.1).
setup() {
	own_store
	ip link add up0 type veth peer name out0
	unshare -n sleep 1000 3>&- &
	out=$!
	wait_until 10 in_its_own
	ip link set out0 netns $out
	ip addr add 192.0.2.1/24 dev up0
	ip link set up0 up
	outside ip link set lo up
	outside ip addr add 192.0.2.2/24 dev out0
	outside ip link set out0 up
}
teardown() {
	teardown_store
	kill "$out"
	wait "$out" || true
	ip link del up0 2>/dev/null || true
}
in_its_own() { [ "$(readlink /proc/$out/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
outside() { nsenter -n -t "$out" "$@"; }

lan() { mybox network create -d macvlan -o parent=up0 --subnet 192.0.2.0/24 --gateway 192.0.2.2 "$@"; }
sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
server() { mybox run -d --name "$1" "${@:2}" deb sh -c 'mkdir -p /www; echo "$0" >/www/index.html; exec httpd -f -p 80 -h /www' "$1" >/dev/null; }
ip_of() { mybox inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }
reaches() { mybox exec "$1" ping -c 1 -W 1 "$2" >/dev/null 2>&1; }
out_reaches() { outside busybox ping -c 1 -W 1 "$1" >/dev/null 2>&1; }

@test "macvlan: neighbours of the hosts on the wire, by name among themselves" {
	lan lan
	[ "$(mybox network inspect -f '{{.Driver}} {{.Options.parent}}' lan)" = "macvlan up0" ]
	server web --network lan --ip 192.0.2.77
	sleeper c2 --network lan
	[ "$(ip_of web)" = 192.0.2.77 ]
	wait_until 10 reaches c2 web
	named() { [ "$(mybox exec c2 wget -q -O- http://web/ 2>/dev/null)" = web ]; }
	wait_until 5 named
	reaches c2 192.0.2.2
	# Nobody stands between: the outside sees the container's own address.
	[ "$(outside busybox wget -q -O- http://192.0.2.77/)" = web ]
	[ "$(mybox exec c2 ip route | grep -c 'default via 192.0.2.2')" = 1 ]
	# The host does not reach it, as the kernel has it.
	run busybox ping -c 1 -W 1 192.0.2.77
	[ "$status" != 0 ]
	# No address of the host's own is given away.
	[ "$(ip_of c2)" != 192.0.2.1 ]
	run mybox run --rm --network lan --ip 192.0.2.1 deb true
	[ "$status" = 125 ]
	mybox system check
}

@test "macvlan: the host reaches containers where it has an address in the network" {
	lan --ip-range 192.0.2.128/25 -o host_address=192.0.2.250 lan
	server web --network lan
	local ip
	ip=$(ip_of web)
	[[ $ip == 192.0.2.1?? ]]
	answers() { [ "$(busybox wget -q -O- "http://$ip/" 2>/dev/null)" = web ]; }
	wait_until 5 answers
	reaches web 192.0.2.250
	out_reaches 192.0.2.250
	# Its interface is made again when it is lost, with the ways.
	ip link del "mb-$(mybox network inspect -f '{{slice .Id 0 12}}' lan)"
	run mybox system check
	[[ $output == *"macvlan 'mb-"*"of network 'lan' is missing"* ]]
	run mybox system check --repair
	mybox system check
	wait_until 5 answers
	mybox rm -f web
	[ -z "$(ip route show "$ip")" ]
	mybox network rm lan
	[ -z "$(ip -o link show type macvlan)" ]
}

@test "macvlan: joined and left while the container runs, beside a bridge" {
	lan lan
	mybox network create net1
	sleeper c1 --network net1
	mybox network connect --ip 192.0.2.9 lan c1
	wait_until 10 out_reaches 192.0.2.9
	[ "$(mybox exec c1 ls /sys/class/net | tr '\n' ' ')" = "eth0 eth1 lo " ]
	mybox restart -t 0 c1
	wait_until 10 out_reaches 192.0.2.9
	mybox network disconnect lan c1
	[ "$(mybox exec c1 ls /sys/class/net | tr '\n' ' ')" = "eth0 lo " ]
	run ! out_reaches 192.0.2.9
}

@test "macvlan: modes, and what is wrong" {
	lan -o macvlan_mode=private apart
	sleeper c1 --network apart
	sleeper c2 --network apart
	wait_until 10 reaches c1 192.0.2.2
	run ! reaches c1 "$(ip_of c2)"
	mybox rm -f c1 c2
	mybox network rm apart
	refused() {
		run mybox network create -d macvlan "${@:2}" bad
		[ "$status" = 1 ]
		[[ $output == $1 ]]
		[ "${#lines[@]}" = 1 ]
	}
	refused "*wants an interface of the host: -o parent=NAME*"
	refused "*interface 'nosuch0' not found*" -o parent=nosuch0
	refused "*invalid value 'a/b' of option 'parent'*" -o parent=a/b
	refused "*invalid value 'up' of option 'macvlan_mode'*" -o parent=up0 -o macvlan_mode=up
	refused "*option 'com.docker.network.bridge.name' is not supported by the macvlan driver*" \
		-o parent=up0 -o com.docker.network.bridge.name=br7
	refused "*host address 10.1.1.1 is not in subnet 192.0.2.0/24*" -o parent=up0 \
		--subnet 192.0.2.0/24 -o host_address=10.1.1.1
	[ -z "$(mybox network ls -q -f type=custom)" ]
	lan lan
	run mybox run --rm --network lan -p 8080:80 deb true
	[ "$status" = 125 ]
	[[ $output == *"ports of network lan (macvlan) cannot be published"* ]]
	[ -z "$(ip -o link show type macvlan)" ]
}

# bats test_tags=kernel
@test "macvlan: upon a VLAN that is made for it, or refused where the kernel has none" {
	run mybox network create -d macvlan -o parent=up0.50 --subnet 192.0.2.0/24 --gateway 192.0.2.2 v50
	if [[ $output == *"this kernel has no VLANs (8021q)"* ]]; then
		[ "$status" = 1 ]
		[ -z "$(mybox network ls -q -f type=custom)" ]
		return
	fi
	[ "$status" = 0 ]
	outside ip link add link out0 name out0.50 type vlan id 50
	outside ip addr add 192.0.2.3/24 dev out0.50
	outside ip addr del 192.0.2.2/24 dev out0
	outside ip link set out0.50 up
	sleeper c1 --network v50
	wait_until 10 reaches c1 192.0.2.3
	# With the last network upon it it goes; gone by another hand it comes again.
	mybox network create -d macvlan -o parent=up0.50 --subnet 192.0.3.0/24 other
	mybox rm -f c1
	mybox network rm v50
	ip link show up0.50
	ip link del up0.50
	sleeper c2 --network other
	ip link show up0.50
	mybox system check
	mybox rm -f c2
	mybox network rm other
	run ! ip link show up0.50
	# One that somebody else made stays; what is no number of a VLAN is no interface.
	ip link add link up0 name up0.60 type vlan id 60
	mybox network create -d macvlan -o parent=up0.60 --subnet 192.0.3.0/24 other
	mybox network rm other
	ip link show up0.60
	local bad
	for bad in up0.0 up0.4095 up0.x nosuch0.5; do
		run mybox network create -d macvlan -o "parent=$bad" bad
		[[ $output == *"interface '$bad' not found"* ]]
	done
	# A name that is taken: nothing is left.
	mybox network create n1
	run mybox network create -d macvlan -o parent=up0.70 n1
	[ "$status" = 1 ]
	run ! ip link show up0.70
}

# bats test_tags=kernel
@test "ipvlan: in layers 2 and 3, or refused where the kernel has none" {
	run mybox network create -d ipvlan -o parent=up0 --subnet 192.0.2.0/24 --gateway 192.0.2.2 lan
	if [[ $output == *"this kernel has no ipvlan"* ]]; then
		[ "$status" = 1 ]
		[ -z "$(mybox network ls -q -f type=custom)" ]
		return
	fi
	[ "$status" = 0 ]
	sleeper c1 --network lan
	wait_until 10 reaches c1 192.0.2.2
	[ "$(mybox exec c1 cat /sys/class/net/eth0/address)" = "$(cat /sys/class/net/up0/address)" ]
	mybox rm -f c1
	mybox network rm lan
	mybox network create -d ipvlan -o parent=up0 -o ipvlan_mode=l3 --subnet 198.51.100.0/24 far
	outside ip route add 198.51.100.0/24 via 192.0.2.1
	sleeper c1 --network far
	[ "$(mybox exec c1 ip route | grep -c '^default dev eth0')" = 1 ]
	wait_until 10 reaches c1 192.0.2.2
}

@test "ns: a network namespace of somebody else's" {
	sleeper c1 --network "ns:/proc/$out/ns/net"
	[ "$(mybox exec c1 ls /sys/class/net | tr '\n' ' ')" = "lo out0 " ]
	[ "$(mybox inspect -f '{{.HostConfig.NetworkMode}}' c1)" = "ns:/proc/$out/ns/net" ]
	reaches c1 192.0.2.1
	mybox restart -t 0 c1
	reaches c1 192.0.2.1
	mybox rm -f c1
	outside ip link show out0
	run mybox run --rm --network "ns:/proc/$out/ns/uts" deb true
	[ "$status" = 125 ]
	[ "${#lines[@]}" = 1 ]
	run mybox run --rm --network ns:/nosuch deb true
	[ "$status" = 125 ]
	[[ $output == *nosuch* ]]
	run mybox run --rm --network ns:relative deb true
	[ "$status" = 125 ]
	[[ $output == *"not an absolute path"* ]]
	run mybox run --rm -p 80:80 --network "ns:/proc/$out/ns/net" deb true
	[ "$status" = 125 ]
	[[ $output == *"port publishing"* ]]
	mybox network create net1
	sleeper c1 --network "ns:/proc/$out/ns/net"
	run mybox network connect net1 c1
	[ "$status" = 1 ]
	[[ $output == *"cannot join or leave networks"* ]]
}
