#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks without IPv4, and networks that give no addresses at all.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	outside_begin
}
teardown_file() { outside_end; }
D=com.docker.network

sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
server() { mybox run -d --name "$1" "${@:2}" deb sh -c 'mkdir -p /www; echo "$0" >/www/index.html; exec httpd -f -p 80 -h /www' "$1" >/dev/null; }
of() { mybox inspect -f "{{.NetworkSettings.Networks.net1.$2}}" "$1"; }
inside() { nsenter -t "$(mybox inspect -f '{{.State.Pid}}' "$1")" -n "${@:2}"; }
bridge_of() { echo "mb-$(mybox network inspect -f '{{slice .Id 0 12}}' "$1")"; }
fetches() { [ "$(mybox exec "$1" timeout 3 wget -q -O- "http://$2/")" = "$3" ]; }
published() { [ "$("${@:3}" timeout 3 busybox wget -q -O- "http://$1/" 2>/dev/null)" = "$2" ]; }
answered() { mybox exec "$1" timeout 5 nslookup -type="$3" "$2" 2>/dev/null; }
refused() { # refused WORDS COMMAND...: in one line
	run mybox "${@:2}"
	[ "$status" = 1 ]
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"$1"* ]]
}

@test "--ipv4=false: containers have IPv6 alone, find each other by name and reach the world" {
	mybox network create --ipv4=false --ipv6 net1
	[ "$(mybox network inspect -f '{{.EnableIPv4}} {{.EnableIPv6}} {{len .IPAM.Config}}' net1)" = "false true 1" ]
	[[ $(mybox network ls -f name=net1 --format "{{.IPv4}} {{.IPv6}}") = "false true" ]]
	server web --network net1 --network-alias www
	sleeper c2 --network net1
	[ "$(of web IPAddress) $(of web IPPrefixLen) $(of web Gateway)" = " 0 " ]
	[ "$(of web GlobalIPv6PrefixLen)" = 64 ]
	[ -z "$(inside web ip -4 -o addr show dev eth0)" ]
	[ -z "$(inside web ip -4 route show)" ]
	[ -z "$(ip -4 -o addr show dev "$(bridge_of net1)")" ]
	[ "$(mybox exec web cat /sys/class/net/eth0/address)" = "$(of web MacAddress)" ]
	# One line of its own, and the resolver.
	[ "$(mybox exec web grep -c "$(mybox exec web hostname)" /etc/hosts)" = 1 ]
	mybox exec web grep -q "^$(of web GlobalIPv6Address)[[:space:]]$(mybox exec web hostname)" /etc/hosts
	[ "$(mybox exec c2 grep nameserver /etc/resolv.conf)" = "nameserver 127.0.0.11" ]
	wait_until 10 fetches c2 web web
	fetches c2 www web
	[[ $(answered c2 web AAAA) == *"$(of web GlobalIPv6Address)"* ]]
	run ! grep -q 'Address: [0-9.]*$' <<<"$(answered c2 web A | sed '1,/^$/d')"
	[[ $(mybox exec c2 nslookup "$(of web GlobalIPv6Address)" 2>&1) == *web.net1* ]]
	# As the host, outside.
	outside_serve busybox nc -ll -p 8291 -e cat
	mybox exec c2 ping -c 1 -W 3 fd00:51::2 >/dev/null
	wait_until 10 eval "[ \"\$(echo hello | mybox exec -i c2 timeout 3 nc fd00:51::2 8291)\" = hello ]"
	mybox network check c2 web:80
	mybox network check c2 '[fd00:51::2]:8291'
	mybox system check
}

@test "--ipv4=false: ports are those of the host's IPv6 addresses" {
	mybox network create --ipv4=false --ipv6 net1
	server web --network net1 -p 8292:80
	[ "$(mybox port web)" = "80/tcp -> [::]:8292" ]
	wait_until 20 published '[fd00:51::1]:8292' web outside
	published '[::1]:8292' web
	run ! published 198.51.100.1:8292 web outside
	run mybox run --rm --network net1 -p 127.0.0.1:8293:80 deb true
	[ "$status" = 125 ]
	[[ $output == *"cannot publish a port on 127.0.0.1: network net1 has no IPv4"* ]]
	run mybox run --rm --network net1 --ip 10.93.1.1 deb true
	[ "$status" = 125 ]
	[[ $output == *"network net1 has no IPv4"* ]]
	# Nothing of it stays, though nobody is told of the end.
	kill -9 "$(awk '/^PPid/ { print $2 }' "/proc/$(mybox inspect -f '{{.State.Pid}}' web)/status")" "$(mybox inspect -f '{{.State.Pid}}' web)"
	wait_until 10 eval '[ "$(mybox inspect -f {{.State.Running}} web)" = false ]'
	mybox rm -f web
	run ! published '[fd00:51::1]:8292' web outside
	mybox network rm net1
	mybox system check
}

@test "--ipv4=false: policies, and what a restart keeps" {
	mybox network create --ipv4=false --ipv6 net1
	mybox network create net2
	server web --network net1
	sleeper c2 --network net1
	wait_until 10 fetches c2 web web
	mybox network policy default net1 deny
	run ! fetches c2 web web
	run mybox network check c2 web:80
	[ "$status" = 1 ]
	[[ $output == *"FAULT  policy"* ]]
	mybox network policy add net1 c2:web:80
	wait_until 5 fetches c2 web web
	run ! fetches web c2 none
	mybox system check
	mybox restart -t 0 c2
	wait_until 10 fetches c2 web web
	mybox network reload
	fetches c2 web web
	mybox network policy rm net1 1
	mybox network policy default net1 allow
	fetches c2 web web
	# Beside a network with IPv4, which is the way out.
	mybox network connect net2 c2
	[[ $(inside c2 ip -4 route show default) == "default via 10."*" dev eth1"* ]]
	fetches c2 web web
	mybox network disconnect net2 c2
	[[ $(inside c2 ip -6 route show default) == *"dev eth0"* ]]
	refused "network net1 has active endpoints" network rm net1
	mybox system check
}

@test "--ipam-driver none: neighbours on a wire, whose addresses are theirs" {
	local driver
	mybox network create --ipam-driver none net1
	mybox network create net2
	[ "$(mybox network inspect -f '{{.IPAM.Driver}} {{len .IPAM.Config}} {{.DNSEnabled}}' net1)" = "null 0 false" ]
	sleeper c1 --network net1
	mybox run -d --name c2 --network name=net1,gw-priority=5 --network net2 -p 8294:80 deb sleep 1000
	[ "$(of c1 IPAddress)$(of c1 GlobalIPv6Address)$(of c1 Gateway)" = "" ]
	[ "$(mybox exec c1 cat /sys/class/net/eth0/operstate)" = up ]
	[ "$(mybox exec c1 cat /sys/class/net/eth0/address)" = "$(of c1 MacAddress)" ]
	[ -z "$(inside c1 ip -o addr show dev eth0)" ]
	[ -z "$(inside c1 ip route show)" ]
	[ -z "$(ip -o addr show dev "$(bridge_of net1)")" ]
	# The other network carries all that wants an address.
	[[ $(inside c2 ip route show default) == *"dev eth1"* ]]
	[ "$(mybox port c2 | head -n 1)" = "80/tcp -> 0.0.0.0:8294" ]
	inside c1 ip addr add 192.0.2.1/24 dev eth0
	inside c2 ip addr add 192.0.2.2/24 dev eth0
	mybox exec c1 ping -c 1 -W 3 192.0.2.2 >/dev/null
	[ "$(mybox network inspect -f '{{range .Containers}}{{.Name}}{{.IPv4Address}} {{end}}' net1 | xargs -n 1 | sort | xargs)" = "c1 c2" ]
	run mybox network check c1 c2
	[ "$status" = 1 ]
	[[ $output == *"network 'net1', which c1 and c2 share, gives no addresses"* ]]
	refused "it gives no addresses" network policy default net1 deny
	refused "network net1 has active endpoints" network rm net1
	sleeper c3
	refused "network net1 gives no addresses" network connect --ip 192.0.2.3 net1 c3
	mybox network connect net1 c3
	[ "$(mybox exec c3 cat /sys/class/net/eth1/operstate)" = up ]
	mybox network disconnect net1 c3
	mybox system check
	mybox rm -f c1 c2
	mybox network rm net1
	for driver in default host-local null; do
		mybox network create --ipam-driver "$driver" "of-$driver"
	done
	[ "$(mybox network inspect -f '{{.IPAM.Driver}}' of-default of-host-local of-null | xargs)" = "default default null" ]
}

@test "--ipam-driver none with --ipv6: its IPv6 is as the link says" {
	mybox network create --ipam-driver none --ipv6 net1
	sleeper c1 --network net1
	sleeper c2 --network net1
	[[ $(inside c1 ip -6 -o addr show dev eth0) == *" fe80::"* ]]
	[ "$(inside c1 cat /proc/sys/net/ipv6/conf/eth0/accept_ra)" = 1 ]
	link_local() { inside "$1" ip -6 -o addr show dev eth0 scope link -tentative | sed -n 's/.*inet6 \([^/]*\).*/\1/p'; }
	wait_until 10 eval '[ -n "$(link_local c2)" ]'
	wait_until 10 eval 'mybox exec c1 ping -c 1 -W 1 "$(link_local c2)%eth0" >/dev/null'
}

@test "--ipam-driver none upon an interface of the host" {
	ip link add up0 type veth peer name wire0
	ip link set up0 up
	ip link set wire0 up
	ip addr add 192.0.2.9/24 dev wire0
	mybox network create -d macvlan -o parent=up0 --ipam-driver none net1
	sleeper c1 --network net1
	[ -z "$(inside c1 ip -o addr show dev eth0)" ]
	inside c1 ip addr add 192.0.2.1/24 dev eth0
	mybox exec c1 ping -c 1 -W 3 192.0.2.9 >/dev/null
	mybox restart -t 0 c1
	[ -z "$(inside c1 ip -o addr show dev eth0)" ]
	mybox system check
	mybox rm -f c1
	mybox network rm net1
	mybox network create -d macvlan -o parent=up0 --ipv4=false --subnet fd00:92::/64 net1
	sleeper c1 --network net1
	ip addr add fd00:92::99/64 dev wire0 nodad
	mybox exec c1 ping -c 1 -W 3 fd00:92::99 >/dev/null
	mybox rm -f c1
	mybox network rm net1
	ip link del up0
}

bridges() { ip -o link show type bridge | cut -d: -f2 | sort; }
@test "what a network without addresses of a family cannot have" {
	local before
	before=$(bridges)
	refused "IPv4 or IPv6 must be enabled" network create --ipv4=false net1
	refused "subnet '10.93.1.0/24' is of IPv4, which is off" network create --ipv4=false --ipv6 --subnet 10.93.1.0/24 net1
	refused "no matching subnet for gateway '10.93.1.1'" network create --ipv4=false --ipv6 --gateway 10.93.1.1 net1
	refused "network net1 has no IPv4 for option '$D.bridge.host_binding_ipv4'" network create --ipv4=false --ipv6 -o "$D.bridge.host_binding_ipv4=127.0.0.1" net1
	refused "an overlay network has IPv4 addresses" network create -d overlay --ipv4=false --ipv6 -o peers=192.0.2.1 net1
	refused "subnet '10.93.1.0/24': the network gives no addresses" network create --ipam-driver none --subnet 10.93.1.0/24 net1
	refused "no address driver 'nosuch'" network create --ipam-driver nosuch net1
	[ "$(mybox network ls --format '{{.Name}}' | sort | xargs)" = "bridge host none" ]
	[ "$(bridges)" = "$before" ]
}
