#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What network create and connect may be told beyond a name, and how it is seen outside.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	outside_begin
}
teardown_file() { outside_end; }
# Interfaces that are the host's own in a test, too, when it stopped halfway.
teardown() {
	local name
	teardown_store
	for name in lan0 br-own; do ip link del "$name" 2>/dev/null || true; done
	outside ip addr del 203.0.113.9/32 dev lo 2>/dev/null || true
}
D=com.docker.network

sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
ip_of() { mybox inspect -f "{{.NetworkSettings.Networks.${2:-net1}.IPAddress}}" "$1"; }
ip6_of() { mybox inspect -f "{{.NetworkSettings.Networks.${2:-net1}.GlobalIPv6Address}}" "$1"; }
inside() { nsenter -t "$(mybox inspect -f '{{.State.Pid}}' "$1")" -n "${@:2}"; }
# Outside, a server that tells who asked.
teller() { # teller PORT
	mkdir -p "$BATS_TEST_TMPDIR/www/cgi-bin"
	printf '#!/bin/sh\necho; echo $REMOTE_ADDR\n' >"$BATS_TEST_TMPDIR/www/cgi-bin/who"
	chmod 755 "$BATS_TEST_TMPDIR/www/cgi-bin/who"
	outside_serve busybox httpd -f -p "$1" -h "$BATS_TEST_TMPDIR/www"
}
seen() { [ "$(mybox exec "$1" timeout 3 wget -q -O- "http://$2/cgi-bin/who" | tr -d '[]' | sed 's/::ffff://')" = "$3" ]; }
refused() { # refused WORDS COMMAND...: in one line
	run mybox "${@:2}"
	[ "$status" = 1 ]
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"$1"* ]]
}

@test "without a word the MTU is the uplink's, where that is less" {
	sleeper c1
	[ "$(mybox exec c1 cat /sys/class/net/eth0/mtu)" = 1500 ]
	ip link set host0 mtu 1400
	ip route add default via 198.51.100.2
	mybox network create net1
	mybox network create -o "$D.driver.mtu=1300" net2
	ip route del default via 198.51.100.2
	ip link set host0 mtu 1500
	sleeper c2 --network net1
	sleeper c3 --network net2
	[ "$(mybox exec c2 cat /sys/class/net/eth0/mtu)" = 1400 ]
	[ "$(mybox exec c3 cat /sys/class/net/eth0/mtu)" = 1300 ]
}

@test "with whose address containers are seen outside" {
	local net
	teller 8191
	outside ip route add 10.93.0.0/16 via 198.51.100.1
	mybox network create --ipv6 net1
	mybox network create --subnet 10.93.2.0/24 --subnet fd00:93:2::/64 -o "$D.bridge.enable_ip_masquerade=false" net2
	mybox network create --ipv6 -o "$D.host_ipv4=198.51.100.7" -o "$D.host_ipv6=fd00:51::7" net3
	for net in net1 net2 net3; do sleeper "of-$net" --network "$net"; done
	wait_until 10 seen of-net1 198.51.100.2:8191 198.51.100.1
	seen of-net1 '[fd00:51::2]:8191' fd00:51::1
	ip addr add 198.51.100.7/24 dev host0
	ip addr add fd00:51::7/64 dev host0 nodad preferred_lft 0
	seen of-net2 198.51.100.2:8191 "$(ip_of of-net2 net2)"
	seen of-net2 '[fd00:51::2]:8191' "$(ip6_of of-net2 net2)"
	seen of-net3 198.51.100.2:8191 198.51.100.7
	seen of-net3 '[fd00:51::2]:8191' fd00:51::7
	# Another nft(8) shows it as well.
	nft list ruleset >/dev/null
	mybox network reload
	seen of-net3 198.51.100.2:8191 198.51.100.7
	mybox system check
	ip addr del 198.51.100.7/24 dev host0
	ip addr del fd00:51::7/64 dev host0
	outside ip route del 10.93.0.0/16
	refused "invalid value '::1' of option '$D.host_ipv4'" network create -o "$D.host_ipv4=::1" net4
}

@test "host_binding_ipv4: where -p binds that names no address" {
	mybox network create -o "$D.bridge.host_binding_ipv4=127.0.0.1" net1
	mybox run -d --name c1 --network net1 -p 8192:80 -p 198.51.100.1:8193:80 deb sh -c 'mkdir /www; echo yes >/www/index.html; exec httpd -f -p 80 -h /www'
	[ "$(mybox port c1 | sort | xargs)" = "80/tcp -> 127.0.0.1:8192 80/tcp -> 198.51.100.1:8193" ]
	is() { [ "$("${@:2}" timeout 3 busybox wget -q -O- "http://$1" 2>/dev/null)" = yes ]; }
	wait_until 20 is 127.0.0.1:8192
	is 198.51.100.1:8193 outside
	run ! is 198.51.100.1:8192 outside
	refused "host_binding_ipv4" network create -o "$D.bridge.host_binding_ipv4=::1" net2
}

@test "how interfaces are called: a prefix, or a name for each" {
	mybox network create -o "$D.container_iface_prefix=lan" net1
	mybox network create --interface-name br-mine net2
	[ "$(mybox network inspect -f "{{index .Options \"$D.bridge.name\"}}" net2)" = br-mine ]
	[ -n "$(ip link show br-mine type bridge)" ]
	sleeper c1 --network net1 --network "name=net2,driver-opt=$D.endpoint.ifname=second"
	[ "$(mybox exec c1 ls /sys/class/net | xargs)" = "lan0 lo second" ]
	mybox network connect --driver-opt "$D.endpoint.ifname=third" bridge c1
	[ "$(mybox exec c1 ls /sys/class/net | xargs)" = "lan0 lo second third" ]
	mybox restart -t 0 c1
	[ "$(mybox exec c1 ls /sys/class/net | xargs)" = "lan0 lo second third" ]
	sleeper c2
	refused "invalid interface name 'a/b'" network connect --driver-opt "$D.endpoint.ifname=a/b" net1 c2
	refused "driver option '$D.endpoint.other' is not supported" network connect --driver-opt "$D.endpoint.other=x" net1 c2
	[ "$(mybox exec c2 ls /sys/class/net | xargs)" = "eth0 lo" ]
	refused "interface 'nosuch0' not found" network create -d macvlan --interface-name nosuch0 net3
}

@test "sysctls of an endpoint's interface" {
	local value bad
	mybox network create net1
	mybox run -d --name tuned --network "name=net1,\"driver-opt=$D.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.neigh.IFNAME.ucast_solicit=7\"" deb sleep 1000
	value=$(mybox exec tuned cat /proc/sys/net/ipv4/conf/eth0/log_martians /proc/sys/net/ipv4/neigh/eth0/ucast_solicit | xargs)
	[ "$value" = "1 7" ]
	mybox network connect --driver-opt "$D.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1" bridge tuned
	[ "$(mybox exec tuned cat /proc/sys/net/ipv4/conf/eth1/log_martians)" = 1 ]
	mybox restart -t 0 tuned
	value=$(mybox exec tuned cat /proc/sys/net/ipv4/conf/eth0/log_martians /proc/sys/net/ipv4/conf/eth1/log_martians | xargs)
	[ "$value" = "1 1" ]
	mybox network create net2
	for bad in x net.ipv4.conf.IFNAME.log_martians net.ipv4.conf.eth0.log_martians=1 kernel.a.b.IFNAME.c=1 net.ipv4.conf/../x.IFNAME.y=1 net...IFNAME.=1; do
		refused "invalid sysctl '$bad' of an endpoint" network connect --driver-opt "$D.endpoint.sysctls=$bad" net2 tuned
	done
	refused "cannot set 'net.ipv4.conf.eth2.nosuch' to '1'" network connect --driver-opt "$D.endpoint.sysctls=net.ipv4.conf.IFNAME.nosuch=1" net2 tuned
	[ "$(mybox exec tuned ls /sys/class/net | xargs)" = "eth0 eth1 lo" ]
}

@test "whose the default route is: gw-priority, no_default_route, metric" {
	mybox network create --subnet 10.93.1.0/24 net1
	mybox network create --subnet 10.93.2.0/24 net2
	mybox network create --subnet 10.93.3.0/24 -o no_default_route=true net3
	mybox network create --subnet 10.93.4.0/24 --subnet fd00:93:4::/64 -o metric=77 net4
	sleeper c1 --network net1 --network name=net2,gw-priority=5
	default() { inside "$1" ip route show default | xargs; }
	[[ $(default c1) == "default via 10.93.2.1 dev eth1"* ]]
	mybox network disconnect net2 c1
	[[ $(default c1) == "default via 10.93.1.1 dev eth0"* ]]
	mybox network connect --gw-priority 1 net2 c1
	[[ $(default c1) == "default via 10.93.2.1 dev eth1"* ]]
	# Without one it is nobody's, whatever its priority is; the ports are led there all the same.
	sleeper c2 --network name=net3,gw-priority=9 --network net1
	[[ $(default c2) == "default via 10.93.1.1 dev eth1"* ]]
	mybox run -d --name c3 --network net3 -p 8194:80 deb sh -c 'mkdir /www; echo yes >/www/index.html; exec httpd -f -p 80 -h /www'
	[ -z "$(default c3)" ]
	is() { [ "$(timeout 3 busybox wget -q -O- http://127.0.0.1:8194/)" = yes ]; }
	wait_until 20 is
	sleeper c4 --network net4
	[[ $(default c4) == "default via 10.93.4.1 dev eth0"*"metric 77"* ]]
	[[ $(inside c4 ip -6 route show default) == *"metric 77"* ]]
	mybox network connect --gw-priority 1 net1 c4
	[[ $(default c4) == "default via 10.93.1.1 dev eth1"* ]]
	[[ $(default c4) != *"10.93.4.1"* ]]
}

@test "--dns: whom containers of the network ask" {
	# A server outside that knows one name.
	outside_serve python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("198.51.100.2", 53))
while True:
    q, who = s.recvfrom(512)
    end = q.index(0, 12) + 5
    known = q[end - 4:end] == bytes([0, 1, 0, 1])
    a = bytes([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 203, 0, 113, 77])
    s.sendto(q[:2] + bytes([0x81, 0x80, 0, 1, 0, known, 0, 0, 0, 0]) + q[12:end] + (a if known else b""), who)
'
	answers() { [[ $(mybox exec "$1" timeout 5 nslookup -type=a some.example 2>/dev/null) == *203.0.113.77* ]]; }
	mybox network create --dns 198.51.100.2 net1
	mybox network create --dns 198.51.100.2 --disable-dns net2
	[ "$(mybox network inspect -f '{{json .NetworkDNSServers}}' net1)" = '["198.51.100.2"]' ]
	sleeper c1 --network net1
	sleeper c2 --network net2
	sleeper c3 --network net1 --dns 192.0.2.53
	wait_until 10 answers c1
	answers c2
	[ "$(mybox exec c1 grep nameserver /etc/resolv.conf)" = "nameserver 127.0.0.11" ]
	[ "$(mybox exec c2 grep nameserver /etc/resolv.conf)" = "nameserver 198.51.100.2" ]
	run ! answers c3
	mybox exec c1 nslookup c3
	refused "invalid name server 'x'" network create --dns x net3
	refused "no name servers of its own" network create -d overlay -o store=http://127.0.0.1:1 --dns 192.0.2.1 net3
}

@test "--route: more routes for containers" {
	local bad
	mybox network create --subnet 10.93.7.0/24 --subnet fd00:93:7::/64 --route 192.0.2.0/24,10.93.7.9 --route 203.0.113.0/24,10.93.7.9,50 --route 2001:db8::/32,fd00:93:7::9 net1
	mybox network create --subnet 10.93.8.0/24 --internal --route 192.0.2.0/24,10.93.8.9 --route 198.18.0.0/15,10.93.8.9 net2
	[ "$(mybox network inspect -f '{{json .Routes}}' net2)" = '["192.0.2.0/24,10.93.8.9","198.18.0.0/15,10.93.8.9"]' ]
	sleeper c1 --network net1
	routes() { inside c1 ip route show | grep via | grep -v default | sed 's/proto static //' | xargs -n 20; }
	[ "$(routes | xargs)" = "192.0.2.0/24 via 10.93.7.9 dev eth0 203.0.113.0/24 via 10.93.7.9 dev eth0 metric 50" ]
	[[ $(inside c1 ip -6 route show 2001:db8::/32) == *"via fd00:93:7::9 dev eth0"* ]]
	mybox network connect net2 c1
	[[ $(routes) == *"198.18.0.0/15 via 10.93.8.9 dev eth1"* ]]
	[[ $(routes) == *"192.0.2.0/24 via 10.93.7.9 dev eth0"* ]]
	mybox restart -t 0 c1
	[[ $(routes) == *"198.18.0.0/15 via 10.93.8.9 dev eth1"* ]]
	mybox network disconnect net1 c1
	[[ $(routes) != *"203.0.113.0"* ]]
	for bad in 192.0.2.0/24,10.93.7.9 192.0.2.0/24 0.0.0.0/0,10.93.9.9 192.0.2.0/24,10.93.9.9,x 2001:db8::/32,fd00::9; do
		refused "invalid route '$bad'" network create --subnet 10.93.9.0/24 --route "$bad" net3
	done
	refused "no routes where hosts share" network create -d overlay -o store=http://127.0.0.1:1 --route 192.0.2.0/24,10.93.7.9 net3
}

@test "isolated: an internal network in which the host has no address" {
	local mode="$D.bridge.gateway_mode" bridge
	refused "value 'isolated' of option '${mode}_ipv4' is for internal networks alone" network create -o "${mode}_ipv4=isolated" net1
	refused "value 'isolated' of option '${mode}_ipv6' is for internal networks alone" network create --ipv6 -o "${mode}_ipv6=isolated" net1
	mybox network create --internal --ipv6 -o "${mode}_ipv4=isolated" -o "${mode}_ipv6=isolated" -o "$D.bridge.name=br-alone" net1
	mybox network create --internal --ipv6 -o "${mode}_ipv6=isolated" -o "$D.bridge.name=br-half" net2
	[ "$(mybox network inspect -f "{{index .Options \"${mode}_ipv6\"}}" net1)" = isolated ]
	sleeper one --network net1
	mybox run -d --name two --network net1 deb sh -c 'mkdir /www; echo yes >/www/index.html; exec httpd -f -p 80 -h /www'
	sleeper half --network net2
	addresses() { ip addr show dev "$1" | grep -cw "$2"; }
	for bridge in 1 2; do
		[ "$(addresses br-alone inet)" = 0 ]
		[ "$(addresses br-alone inet6)" = 0 ]
		[ "$(addresses br-half inet)" = 1 ]
		[ "$(addresses br-half inet6)" = 0 ]
		mybox network reload
	done
	is() { [ "$(mybox exec one timeout 3 wget -q -O- "http://$1/")" = yes ]; }
	wait_until 20 is two
	is "$(ip_of two)"
	is "[$(ip6_of two)]"
	# Neither does the host reach them.
	run ! timeout 3 busybox wget -q -O- "http://$(ip_of two)/"
	refused "the host has no address in it" network policy default net1 deny
	mybox network check one two:80
	mybox system check
	mybox rm -f one two
	mybox network rm net1
	run ! ip link show br-alone
}

@test "isolate=false: networks that both say so reach each other" {
	local net
	for net in 1 2; do mybox network create --subnet "10.93.3$net.0/24" --subnet "fd00:93:3$net::/64" -o isolate=false "net$net"; done
	mybox network create --subnet 10.93.33.0/24 net3
	mybox network create --subnet 10.93.34.0/24 -o isolate=false --internal net4
	mybox network create --subnet 10.93.35.0/24 -o isolate=false -o "$D.bridge.enable_icc=false" net5
	[ "$(mybox network inspect -f '{{.Options.isolate}}' net1)" = false ]
	for net in 1 2 3 4 5; do
		mybox run -d --name "of-net$net" --network "net$net" deb sh -c 'mkdir -p /www/cgi-bin
			printf "#!/bin/sh\necho; echo \$REMOTE_ADDR\n" >/www/cgi-bin/who; chmod 755 /www/cgi-bin/who; exec httpd -f -p 80 -h /www'
	done
	sleeper other5 --network net5
	wait_until 20 seen of-net1 "$(ip_of of-net2 net2)" "$(ip_of of-net1 net1)"
	wait_until 20 seen of-net2 "[$(ip6_of of-net1 net1)]" "$(ip6_of of-net2 net2)"
	wait_until 20 seen of-net5 "$(ip_of of-net1 net1)" "$(ip_of of-net5 net5)"
	mybox network check of-net1 "$(ip_of of-net2 net2):80"
	# Not what does not say so, nor what is internal, nor, by way of the host, neighbours who are kept apart.
	run ! seen of-net1 "$(ip_of of-net3 net3)" "$(ip_of of-net1 net1)"
	run ! seen of-net3 "$(ip_of of-net1 net1)" "$(ip_of of-net3 net3)"
	run ! seen of-net1 "$(ip_of of-net4 net4)" "$(ip_of of-net1 net1)"
	run ! seen of-net4 "$(ip_of of-net1 net1)" "$(ip_of of-net4 net4)"
	inside other5 ip route add "$(ip_of of-net5 net5)" via 10.93.35.1
	inside of-net5 ip route add "$(ip_of other5 net5)" via 10.93.35.1
	run ! seen other5 "$(ip_of of-net5 net5)" "$(ip_of other5 net5)"
	run mybox network check of-net1 "$(ip_of of-net3 net3):80"
	[[ $output == *"networks are kept apart"* ]]
	# Nor from outside.
	run ! outside timeout 3 busybox wget -q -O- "http://$(ip_of of-net1 net1)/cgi-bin/who"
	mybox network reload
	seen of-net1 "$(ip_of of-net2 net2)" "$(ip_of of-net1 net1)"
	nft list ruleset >/dev/null
	mybox system check
	mybox rm -f of-net2
	mybox network rm net2
	mybox system check
}

# A router outside, on a bridge of ours: lan_router BRIDGE ADDRESS/BITS
lan_router() {
	ip link add name lan0 address f2:93:00:00:00:01 type veth peer name rt0
	ip link set lan0 master "$1" up
	ip link set rt0 netns "$(cat "$BATS_FILE_TMPDIR/outside")"
	outside ip addr add "$2" dev rt0
	outside ip link set rt0 up
	outside ip addr add 203.0.113.9/32 dev lo
}

@test "inhibit_ipv4: the gateway is another's, the host has no address" {
	mybox network create --subnet 10.93.20.0/24 --gateway 10.93.20.1 -o "$D.bridge.inhibit_ipv4=true" -o "$D.bridge.name=br-lan" net1
	[ "$(mybox network inspect -f "{{index .Options \"$D.bridge.inhibit_ipv4\"}} {{(index .IPAM.Config 0).Gateway}}" net1)" = "true 10.93.20.1" ]
	lan_router br-lan 10.93.20.1/24
	teller 8198
	sleeper one --network net1 --add-host up:host-gateway
	wait_until 10 seen one 203.0.113.9:8198 "$(ip_of one)"
	[ -z "$(ip -4 addr show dev br-lan)" ]
	[[ $(inside one ip route show default) == "default via 10.93.20.1 dev eth0"* ]]
	[[ $(mybox exec one grep -w up /etc/hosts) != 10.93.20.1* ]]
	# Who is on that wire reaches the container.
	outside busybox ping -c 1 -W 5 "$(ip_of one)"
	mybox network check one 203.0.113.9:8198
	mybox network reload
	[ -z "$(ip -4 addr show dev br-lan)" ]
	seen one 203.0.113.9:8198 "$(ip_of one)"
	mybox system check
	run mybox run --name two --network net1 -p 8199:80 deb true
	[ "$status" = 125 ]
	[[ $output == *"ports of network net1 cannot be published: the host has no address in it"* ]]
	refused "the host has no address in it" network policy default net1 deny
}

@test "inhibit_ipv4 on a bridge of the host's own" {
	ip link add br-own type bridge
	ip addr add 10.93.21.2/24 dev br-own
	ip addr add fd00:93:21::2/64 dev br-own nodad
	ip link set br-own up
	refused "overlaps '10.93.21.0/24'" network create --subnet 10.93.21.0/24 -o "$D.bridge.name=br-own" net1
	mybox network create --subnet 10.93.21.0/29 --gateway 10.93.21.1 -o "$D.bridge.inhibit_ipv4=true" -o "$D.bridge.name=br-own" net1
	refused "bridge 'br-own' is that of network net1" network create -o "$D.bridge.inhibit_ipv4=true" -o "$D.bridge.name=br-own" net2
	refused "overlaps '10.93.21.0/" network create --subnet 10.93.21.0/29 net2
	sleeper one --network net1
	sleeper two --network net1
	[ "$( (ip_of one; ip_of two) | sort | xargs)" = "10.93.21.3 10.93.21.4" ]
	mybox exec one ping -c 1 -W 5 10.93.21.2
	mybox rm -f one two
	mybox network rm net1
	[ "$(ip addr show dev br-own | grep -c 'inet 10.93.21.2/24\|inet6 fd00:93:21::2/64')" = 2 ]
	[ "$(ip -j link show dev br-own | jq -r '.[0].group')" = default ]
}

@test "mode=unmanaged: on a bridge of the host's own, to which nothing is done" {
	local before second=("$MYBOX" --root "$root.2" --runroot "$run.2")
	ip link add br-own type bridge
	ip addr add 10.93.22.2/24 dev br-own
	ip link set br-own mtu 1400
	ip addr add fd00:93:22::2/64 dev br-own nodad
	ip link set br-own up
	lan_router br-own 10.93.22.1/24
	teller 8200
	sleeper other
	state() {
		ip -d -o link show br-own | sed 's/[a-z_]*timer *[0-9.]*//g' | grep -o 'mtu.*'
		ip -o addr show br-own | sed 's/ tentative//'
		nft list ruleset | sed 's/counter packets [0-9]* bytes [0-9]*//'
		cat /proc/sys/net/ipv4/conf/br-own/{route_localnet,forwarding} /proc/sys/net/ipv6/conf/br-own/{disable_ipv6,accept_ra}
	}
	before=$(state)
	mybox network create -o mode=unmanaged --interface-name br-own --subnet 10.93.22.0/24 --gateway 10.93.22.1 net1
	mybox network create -o mode=unmanaged --interface-name br-own --subnet 10.93.23.0/24 net2
	[ "$(mybox network inspect -f '{{.Options.mode}} {{len .IPAM.Config}} {{(index .IPAM.Config 0).Gateway}}' net1)" = "unmanaged 1 10.93.22.1" ]
	[ "$(mybox network inspect -f '{{json (index .IPAM.Config 0)}}' net2)" = '{"Subnet":"10.93.23.0/24"}' ]
	sleeper one --network net1
	sleeper two --network net1
	sleeper three --network net2 --network bridge
	[ "$( (ip_of one; ip_of two) | sort | xargs)" = "10.93.22.3 10.93.22.4" ]
	wait_until 10 seen one 203.0.113.9:8200 "$(ip_of one)"
	mybox exec one ping -c 1 -W 5 two
	mybox exec one ping -c 1 -W 5 10.93.22.2
	outside busybox ping -c 1 -W 5 "$(ip_of two)"
	[ "$(mybox exec one cat /sys/class/net/eth0/mtu)" = 1400 ]
	# No gateway: the default route is another network's.
	[[ $(inside three ip route show default) == "default via "*" dev eth1"* ]]
	diff <(echo "$before") <(state)
	[ "$(ip -o link show master br-own | grep -vc 'group default')" = 0 ]
	mybox network check one 203.0.113.9:8200
	mybox network check one two
	mybox network reload
	mybox system check
	diff <(echo "$before") <(state)
	# Another store's containers there are its own to look after.
	"${second[@]}" load -q -i "$images/deb.tar" >/dev/null
	"${second[@]}" network create -o mode=unmanaged --interface-name br-own --subnet 10.93.24.0/24 net1
	"${second[@]}" run -d --name guest --network net1 deb sleep 1000
	mybox system check --repair
	[ "$("${second[@]}" exec guest ls /sys/class/net | xargs)" = "eth0 lo" ]
	"${second[@]}" system check
	"${second[@]}" rm -f guest
	"${second[@]}" network rm net1
	rm -rf "$root.2" "$run.2"
	run mybox run --name four --network net1 -p 8201:80 deb true
	[ "$status" = 125 ]
	[[ $output == *"ports of network net1 cannot be published"* ]]
	refused "the host has no address in it" network policy default net1 deny
	# Taken away by the host, it is not made; the others are none the worse.
	ip link del br-own
	mybox network reload
	mybox exec other true
	refused "bridge 'br-own' of network net1 not found" network connect net1 other
	ip link add br-own type bridge
	ip link set br-own up
	mybox network reload
	mybox exec one ping -c 1 -W 5 two
	mybox rm -f one two three
	mybox network rm net1 net2
	[ -n "$(ip link show br-own)" ]
}

@test "auxiliary addresses are given to nobody; then there is none left" {
	mybox network create --subnet 10.93.5.0/29 --aux-address one=10.93.5.2 --aux-address two=10.93.5.4 net1
	sleeper c1 --network net1
	sleeper c2 --network net1
	sleeper c3 --network net1
	[ "$( (ip_of c1; ip_of c2; ip_of c3) | sort | xargs)" = "10.93.5.3 10.93.5.5 10.93.5.6" ]
	run mybox run -d --name c4 --network net1 deb true
	[ "$status" = 125 ]
	[[ $output == *"network net1 has no free address in 10.93.5.0/29"* ]]
	mybox rm -f c4
	run mybox run --rm --network net1 --ip 10.93.5.4 deb true
	[ "$status" = 125 ]
	[[ $output == *10.93.5.4* ]]
	sleeper c5
	refused "no free address" network connect net1 c5
	mybox rm -f c2
	mybox network connect net1 c5
	[ -n "$(ip_of c5)" ]
}

@test "all subnets in use" {
	ip route add 10.0.0.0/8 dev host0
	ip route add 172.16.0.0/12 dev host0
	ip route add 192.168.0.0/16 dev host0
	run mybox network create net1
	ip route del 10.0.0.0/8 dev host0
	ip route del 172.16.0.0/12 dev host0
	ip route del 192.168.0.0/16 dev host0
	[ "$status" = 1 ]
	[[ $output == *"give --subnet" ]]
	mybox network create net1
}

@test "connect with addresses that are asked for; disconnect -f; inspect -v" {
	mybox network create --subnet 10.93.6.0/24 --subnet fd00:93:6::/64 net1
	sleeper c1
	mybox network connect --ip 10.93.6.66 --ip6 fd00:93:6::66 --mac-address 02:93:00:00:00:66 net1 c1
	[ "$(mybox inspect -f '{{with .NetworkSettings.Networks.net1}}{{.IPAddress}} {{.GlobalIPv6Address}} {{.MacAddress}}{{end}}' c1)" = "10.93.6.66 fd00:93:6::66 02:93:00:00:00:66" ]
	[ "$(mybox exec c1 cat /sys/class/net/eth1/address)" = 02:93:00:00:00:66 ]
	[[ $(inside c1 ip -6 addr show dev eth1) == *fd00:93:6::66/64* ]]
	[ "$(mybox network inspect -v -f '{{range .Containers}}{{.IPv6Address}}{{end}}' net1)" = fd00:93:6::66/64 ]
	sleeper c2
	refused "address fd00:93:6::66 of network net1 is already in use" network connect --ip6 fd00:93:6::66 net1 c2
	refused "invalid MAC address" network connect --mac-address 02:93 net1 c2
	mybox network disconnect -f net1 c1
	[ ! -e "/proc/$(mybox inspect -f '{{.State.Pid}}' c1)/root/sys/class/net/eth1" ]
	refused "is not connected to network net1" network disconnect net1 c1
	mybox network disconnect -f net1 c1
	refused "No such container: nosuch" network disconnect -f net1 nosuch
}

@test "--link: what one container, and no other, calls another" {
	local bad
	server() { mybox run -d --name "$1" "${@:2}" deb sh -c 'mkdir -p /www; echo "$0" >/www/index.html; exec httpd -f -p 80 -h /www' "$1" >/dev/null; }
	fetches() { [ "$(mybox exec "$1" timeout 3 wget -q -O- "http://$2/")" = "$3" ]; }
	mybox network create net1
	mybox network create net2
	server web --network net1
	server other --network net1
	sleeper c1 --network net1 --link web:Store --link "$(mybox inspect -f '{{slice .Id 0 12}}' web):shop"
	sleeper c2 --network net1
	[ "$(mybox inspect -f '{{json .NetworkSettings.Networks.net1.Links}}' c1)" = "[\"web:Store\",\"$(mybox inspect -f '{{slice .Id 0 12}}' web):shop\"]" ]
	[ "$(mybox inspect -f '{{json .NetworkSettings.Networks.net1.Links}}' c2)" = null ]
	wait_until 10 fetches c1 store web
	fetches c1 STORE web
	fetches c1 shop web
	fetches c1 store.net1 web
	fetches c1 web web
	run ! mybox exec c2 nslookup store
	mybox network check c1 store:80
	# The name is looked up when it is asked for: whoever has it then is meant.
	mybox rename web old
	run ! mybox exec c1 nslookup store
	mybox rename other web
	wait_until 10 fetches c1 store other
	# As an own name it comes before another container's.
	sleeper store --network net1
	fetches c1 store other
	mybox restart -t 0 c1
	wait_until 10 fetches c1 store other
	mybox network disconnect net1 c1
	mybox network connect --link web:db --link nosuch:gone net1 c1
	wait_until 10 fetches c1 db other
	run ! mybox exec c1 nslookup gone
	run ! fetches c1 store other
	mybox network connect net1 c1 2>/dev/null || true
	mybox network connect --link c1:me net2 c2
	wait_until 10 mybox exec c2 ping -c 1 -W 1 web
	run ! mybox exec c2 nslookup me
	mybox network connect net2 c1
	wait_until 10 mybox exec c2 ping -c 1 -W 1 me
	kill -9 "$(awk '/^PPid/ { print $2 }' "/proc/$(mybox inspect -f '{{.State.Pid}}' c1)/status")" "$(mybox inspect -f '{{.State.Pid}}' c1)"
	wait_until 10 eval '[ "$(mybox inspect -f {{.State.Running}} c1)" = false ]'
	mybox start c1
	wait_until 10 fetches c1 db other
	mybox system check
	mybox rm -f c1 c2
	mybox system check
	run mybox create --name c1 --link web:db --network host deb true
	[ "$status" = 1 ]
	[[ $output == *"links want a network, not 'host'"* ]]
	for bad in :db web: a/b:c 'web:d b' web:a:b; do
		run mybox create --name c1 --network net1 --link "$bad" deb true
		[ "$status" = 1 ]
		[[ $output == *"invalid link '$bad'"* ]]
	done
}

@test "options and names that are refused, by name" {
	local option name
	mybox network create -o isolate=true net1
	mybox network create -o isolate=strict -o mode=managed -o "$D.bridge.inhibit_ipv4=false" net2
	refused "mode=unmanaged wants a bridge of the host" network create -o mode=unmanaged net3
	refused "--internal and mode=unmanaged exclude each other" network create --internal -o mode=unmanaged --interface-name host0 net3
	refused "options 'mode=unmanaged' and 'vlan' exclude each other" network create -o mode=unmanaged -o vlan=5 --interface-name host0 net3
	refused "bridge 'br-nosuch' of network net3 not found" network create -o mode=unmanaged --interface-name br-nosuch net3
	ip link add br-plain type bridge
	refused "VRF 'red' of network net3 not found" network create -o mode=unmanaged -o vrf=red --interface-name br-plain net3
	refused "interface 'host0' is no VRF" network create -o mode=unmanaged -o vrf=host0 --interface-name br-plain net3
	ip link del br-plain
	refused "interface 'host0' is no bridge of the host's own" network create -o mode=unmanaged --interface-name host0 net3
	mybox network create --interface-name br-mine net4
	refused "bridge 'br-mine' is that of network net4" network create -o mode=unmanaged --interface-name br-mine net3
	refused "bridge 'br-mine' is that of network net4" network create --interface-name br-mine net3
	mybox network rm net4
	for option in isolate=maybe "$D.bridge.trusted_host_interfaces=a/b" "$D.bridge.trusted_host_interfaces=eth0::eth1" "$D.bridge.inhibit_ipv4=x" metric=-1 vlan=0 vlan=4095 vlan=x metric=x no_default_route=2x mode=x; do
		refused "invalid value '${option#*=}' of option '${option%=*}'" network create -o "$option" net3
	done
	refused "option 'vrf' is for a bridge of the host's own, which is in the VRF: -o mode=unmanaged --interface-name NAME" network create -o vrf=red net3
	refused "invalid value 'a/b' of option 'vrf'" network create -o vrf=a/b net3
	refused "option 'nosuch' is not supported by the bridge driver" network create -o nosuch=1 net3
	for name in '' .net -net 'a b' a/b ../a 'a
b' "$(printf 'ü')" host none bridge default; do
		run mybox network create -- "$name"
		[ "$status" = 1 ]
	done
	sleeper c1
	refused "option '--link-local-ip' is not offered" network connect --link-local-ip 169.254.7.7 net1 c1
	[ "$(mybox network ls --format '{{.Name}}' | sort | xargs)" = "bridge host net1 net2 none" ]
}
