#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks whose addresses are a DHCP server's, which is outside: 198.51.100.2.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	outside_begin
}
teardown_file() { outside_end; }
setup() {
	own_store
	dhcp=$BATS_TEST_TMPDIR/dhcp
	mkdir "$dhcp"
}
teardown() {
	[ ! -e "$dhcp/pid" ] || kill "$(cat "$dhcp/pid")" || true
	teardown_store
	ip link del br-own 2>/dev/null || true
}

how() { # how KEY=VALUE...
	echo "net=198.51.100 lease=3600 router=198.51.100.2 $*" >"$dhcp/how.new"
	mv "$dhcp/how.new" "$dhcp/how"
}
serve() { # serve KEY=VALUE...
	how "$@"
	nsenter --net="/proc/$(cat "$BATS_FILE_TMPDIR/outside")/ns/net" python3 "$top/tests/support/dhcpd.py" out0 198.51.100.2 "$dhcp" >"$dhcp/err" 2>&1 3>&- &
	echo $! >"$dhcp/pid"
	wait_until 10 heard READY
}
heard() { grep -q -e "$1" "$dhcp/log" 2>/dev/null; }
count() { grep -c -e "$1" "$dhcp/log"; }
heard_often() { [ "$(count "$1")" -ge "$2" ]; }
sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
of() { mybox inspect -f "{{.NetworkSettings.Networks.${3:-net1}.$2}}" "$1"; }
inside() { nsenter -t "$(mybox inspect -f '{{.State.Pid}}' "$1")" -n "${@:2}"; }
addresses() { inside "$1" ip -4 -o addr show dev "${2:-eth0}" | awk '{ print $4 }' | xargs; }
has_address() { [ "$(addresses "$1")" = "$2" ] && [ "$(of "$1" IPAddress)" = "${2%/*}" ]; }
reaches() { mybox exec "$1" ping -c 1 -W 2 "$2" >/dev/null; }
is_reached() { outside busybox ping -c 1 -W 2 "$1" >/dev/null; }
resolves() { mybox exec "$1" ping -c 1 -W 1 "$2" 2>/dev/null | grep -q "^PING $2 ($3)"; }
macvlan() { mybox network create -d macvlan -o parent=host0 --ipam-driver dhcp net1 >/dev/null; }
records() { ls "$run/net/e"; }
refused() { # refused WORDS COMMAND...: in one line
	run mybox "${@:2}"
	[ "$status" = 1 ]
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"$1"* ]]
}
not_started() { # not_started WORDS OPTION...
	run mybox run --rm --name web --network net1 "${@:2}" deb true
	[ "$status" = 125 ]
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"$1"* ]]
	[ -z "$(mybox ps -aq)" ]
	[ -z "$(records)" ]
}

@test "macvlan: what a container has is what the server says, and it is given back" {
	serve mode=normal dns=198.51.100.2 domain=lan.example mtu=1400
	macvlan
	[ "$(mybox network inspect -f '{{.IPAM.Driver}} {{len .IPAM.Config}}' net1)" = "dhcp 0" ]
	sleeper web --hostname webhost --network net1
	heard "DISCOVER id=ff.* wants=- name=webhost to=255.255.255.255"
	heard "REQUEST id=ff.* has=0.0.0.0 wants=198.51.100.50 name=webhost"
	has_address web 198.51.100.50/24
	[ "$(of web IPPrefixLen) $(of web Gateway)" = "24 198.51.100.2" ]
	[ "$(mybox network inspect -f '{{range .Containers}}{{.IPv4Address}}{{end}}' net1)" = 198.51.100.50/24 ]
	[[ $(inside web ip -4 route show default) == "default via 198.51.100.2 dev eth0 "* ]]
	[[ $(inside web ip -4 addr show dev eth0) =~ valid_lft\ 3[56][0-9][0-9]sec ]]
	[ "$(mybox exec web cat /sys/class/net/eth0/mtu)" = 1400 ]
	[ "$(mybox exec web grep -c '^198.51.100.50[[:space:]]webhost' /etc/hosts)" = 1 ]
	[[ $(mybox exec web cat /etc/resolv.conf) == *"nameserver 127.0.0.11"* ]]
	[[ $(mybox exec web cat /etc/resolv.conf) == *"search lan.example"* ]]
	reaches web 198.51.100.2
	is_reached 198.51.100.50
	# Names of the world are the server's servers' to answer.
	outside_serve python3 -c 'import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("198.51.100.2", 53)); s.recvfrom(512); open(sys.argv[1], "w")' "$dhcp/asked"
	asked() { mybox exec web timeout 1 nslookup world.example >/dev/null 2>&1; [ -e "$dhcp/asked" ]; }
	wait_until 10 asked
	# Neighbours have each another address, and names.
	sleeper c2 --network net1
	has_address c2 198.51.100.51/24
	wait_until 10 resolves c2 web 198.51.100.50
	reaches c2 web
	mybox network check c2 web
	mybox network reload
	mybox system check
	mybox rm -f c2 >/dev/null
	wait_until 10 heard "RELEASE id=ff.* has=198.51.100.51 .*to=198.51.100.2\$"
	mybox system check
}

@test "macvlan: a restart has the same address, MAC address and client id" {
	local mac id
	serve mode=normal
	macvlan
	sleeper web --network net1
	mac=$(of web MacAddress)
	id=$(grep -o 'id=[0-9a-f]*' "$dhcp/log" | head -n 1)
	mybox restart -t 0 web >/dev/null
	has_address web 198.51.100.50/24
	[ "$(of web MacAddress)" = "$mac" ]
	heard "RELEASE $id has=198.51.100.50"
	heard "DISCOVER $id has=0.0.0.0 wants=198.51.100.50"
	mybox stop -t 0 web >/dev/null
	mybox start web >/dev/null
	has_address web 198.51.100.50/24
	[ "$(of web MacAddress)" = "$mac" ]
	[ "$(grep -c "DISCOVER $id" "$dhcp/log")" -ge 3 ]
	reaches web 198.51.100.2
}

# bats test_tags=kernel
@test "ipvlan: containers with one MAC address are told apart" {
	serve mode=normal
	run mybox network create -d ipvlan -o parent=host0 --ipam-driver dhcp net1
	if [[ $output == *"this kernel has no ipvlan"* ]]; then
		[ "$status" = 1 ]
		return
	fi
	[ "$status" = 0 ]
	sleeper web --network net1
	sleeper c2 --network net1
	has_address web 198.51.100.50/24
	has_address c2 198.51.100.51/24
	reaches web 198.51.100.2
	is_reached 198.51.100.51
	reaches c2 198.51.100.50
	mybox rm -f web >/dev/null
	wait_until 10 heard "RELEASE id=ff.* has=198.51.100.50"
}

@test "a bridge of the host's own; a container that runs joins and leaves" {
	serve mode=normal
	ip link add br-own type bridge
	ip link set br-own up
	ip link set host0 master br-own
	mybox network create -o mode=unmanaged --interface-name br-own --ipam-driver dhcp net1
	sleeper web --network net1
	has_address web 198.51.100.50/24
	[[ $(inside web ip -4 route show default) == "default via 198.51.100.2 dev eth0 "* ]]
	reaches web 198.51.100.2
	sleeper c2
	mybox network connect --alias other net1 c2
	[ "$(addresses c2 eth1)" = 198.51.100.51/24 ]
	[ "$(of c2 IPAddress)" = 198.51.100.51 ]
	# It was there first.
	[[ $(inside c2 ip -4 route show default) == *" dev eth0 "* ]]
	wait_until 10 resolves web other 198.51.100.51
	reaches web other
	mybox network disconnect net1 c2
	wait_until 10 heard "RELEASE id=ff.* has=198.51.100.51 .*to=198.51.100.2\$"
	run ! resolves web other 198.51.100.51
	# Nobody answers: it stays as it was.
	how mode=silent
	refused "network net1: no DHCP server answered on 'br-own'" network connect net1 c2
	[ "$(mybox exec c2 ls /sys/class/net | xargs)" = "eth0 lo" ]
	mybox system check
	ip link set host0 nomaster
}

@test "a server without a router: another network leads out" {
	serve mode=normal routes=180a4d00c6336402
	macvlan
	mybox network create net2
	sleeper web --network net1 --network net2
	has_address web 198.51.100.50/24
	[[ $(inside web ip -4 route show default) == *" dev eth1 "* ]]
	[[ $(inside web ip -4 route show 10.77.0.0/24) == "10.77.0.0/24 via 198.51.100.2 dev eth0 "* ]]
}

@test "nobody answers, or nothing of use: one line, and nothing is left" {
	serve mode=silent
	macvlan
	not_started "network net1: no DHCP server answered on 'host0'"
	[ "$(count DISCOVER)" -ge 3 ]
	how mode=garbage
	not_started "network net1: no DHCP server on 'host0' gave an address that can be used"
	how mode=liar
	not_started "network net1: no DHCP server on 'host0' gave an address that can be used"
	how mode=refuser
	not_started "network net1: no DHCP server on 'host0' gave an address that can be used"
	[ "$(count REQUEST)" -lt 40 ]
	mybox system check
}

@test "a start that fails gives the address back" {
	serve mode=normal
	macvlan
	# Who sees that there is no such command before he has asked for one has nothing to give back.
	for _ in $(seq 1 20); do
		run -127 mybox run --rm --network net1 deb no-such-command
		! heard DISCOVER || break
	done
	wait_until 10 heard "RELEASE id=ff.* has=198.51.100.50"
}

@test "the monitor renews: of its server, then of any; and another monitor goes on" {
	local pid
	serve mode=normal lease=16
	macvlan
	sleeper web --network net1
	wait_until 30 heard "REQUEST id=ff.* has=198.51.100.50 wants=- .*to=198.51.100.2\$"
	has_address web 198.51.100.50/24
	[[ $(inside web ip -4 addr show dev eth0) =~ valid_lft\ [0-9]+sec ]]
	how mode=deaf lease=16
	wait_until 60 heard "REQUEST id=ff.* has=198.51.100.50 wants=- .*to=255.255.255.255\$"
	how mode=normal lease=16
	wait_until 60 has_address web 198.51.100.50/24
	# The next command that meets it gives it another.
	pid=$(sed -E 's/.*"monitor":([0-9]+),.*/\1/' "$run"/c/*/state.json)
	kill -9 "$pid"
	: >"$dhcp/log"
	mybox exec web true
	[ "$(sed -E 's/.*"monitor":([0-9]+),.*/\1/' "$run"/c/*/state.json)" != "$pid" ]
	wait_until 60 heard_often "REQUEST id=ff.* has=198.51.100.50 wants=- .*to=198.51.100.2\$" 2
	has_address web 198.51.100.50/24
	reaches web 198.51.100.2
	mybox rm -f web >/dev/null
	wait_until 10 heard "RELEASE id=ff.* has=198.51.100.50"
}

@test "an address that is taken back is off, and another is there, while the container runs" {
	serve mode=normal lease=16
	macvlan
	sleeper web --network net1
	sleeper c2 --network net1
	outside ip addr add 198.51.101.2/24 dev out0
	how net=198.51.101 router=198.51.101.2 mode=normal lease=16
	wait_until 60 has_address web 198.51.101.50/24
	wait_until 60 has_address c2 198.51.101.51/24
	[[ $(inside web ip -4 route show default) == "default via 198.51.101.2 dev eth0 "* ]]
	[ "$(mybox exec web grep -c '^198.51.10' /etc/hosts)" = 1 ]
	mybox exec web grep -q '^198.51.101.50' /etc/hosts
	wait_until 10 resolves c2 web 198.51.101.50
	reaches web 198.51.101.2
	reaches c2 web
	# Nobody is there any more: it is nobody's address when its time is over.
	how mode=silent
	wait_until 60 has_address web ""
	[ -z "$(inside web ip -4 route show)" ]
	mybox system check
	how net=198.51.101 router=198.51.101.2 mode=normal lease=3600
	wait_until 90 has_address web 198.51.101.50/24
	reaches web 198.51.101.2
	outside ip addr del 198.51.101.2/24 dev out0
}

@test "without a monitor, the kernel takes the address away at its end" {
	serve mode=normal lease=16
	macvlan
	sleeper web --network net1
	local ns=/proc/$(mybox inspect -f '{{.State.Pid}}' web)/ns/net
	kill -9 "$(sed -E 's/.*"monitor":([0-9]+),.*/\1/' "$run"/c/*/state.json)"
	is_bare() { [ -z "$(nsenter --net="$ns" ip -4 -o addr show dev eth0)" ]; }
	wait_until 60 is_bare
	# Whoever comes then has it asked for anew.
	mybox exec web true
	wait_until 60 has_address web 198.51.100.50/24
	reaches web 198.51.100.2
}

@test "what a network of a DHCP server cannot have" {
	local o
	refused "--ipam-driver dhcp wants the driver macvlan or ipvlan, or a bridge of the host's own" network create --ipam-driver dhcp net1
	refused "on a network of driver overlay there is no DHCP server" network create -d overlay -o peers=192.0.2.1 --ipam-driver dhcp net1
	refused "--ipam-driver dhcp wants ipvlan_mode=l2" network create -d ipvlan -o parent=host0 -o ipvlan_mode=l3 --ipam-driver dhcp net1
	for o in "--subnet 10.93.1.0/24" "--gateway 10.93.1.1" "--ip-range 10.93.1.0/25" "--route 10.94.0.0/16,10.93.1.1"; do
		# shellcheck disable=SC2086
		refused "${o% *} '${o#* }' and --ipam-driver dhcp exclude each other" network create -d macvlan -o parent=host0 --ipam-driver dhcp $o net1
	done
	refused "--aux-address 'one' and --ipam-driver dhcp exclude each other" network create -d macvlan -o parent=host0 --ipam-driver dhcp --aux-address one=10.93.1.9 net1
	refused "--ipv4=false and --ipam-driver dhcp exclude each other" network create -d macvlan -o parent=host0 --ipv4=false --ipv6 --ipam-driver dhcp net1
	refused "network net1 has no addresses for option 'host_address'" network create -d macvlan -o parent=host0 -o host_address=10.93.1.9 --ipam-driver dhcp net1
	[ "$(mybox network ls --format '{{.Name}}' | sort | xargs)" = "bridge host none" ]
	macvlan
	not_started "address 198.51.100.9: those of network net1 are its DHCP server's" --ip 198.51.100.9
	not_started "ports of network net1 (macvlan) cannot be published" -p 8080:80
	refused "network net1" network policy default net1 deny
	sleeper c2
	refused "address 198.51.100.9: those of network net1 are its DHCP server's" network connect --ip 198.51.100.9 net1 c2
}
