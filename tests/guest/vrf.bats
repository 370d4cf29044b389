#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A network on a bridge that the host has in a VRF (-o mode=unmanaged -o vrf=NAME): Debian's kernel
# has VRFs.
# bats file_tags=kernel
load ../integration/helpers

setup_file() {
	modprobe -a bridge veth vrf
	setup_store "${BATS_TEST_FILENAME##*/}"
	ip link add red type vrf table 10
	ip link set red up
	ip link add br-red type bridge
	ip link set br-red master red up
	ip addr add 10.94.1.1/24 dev br-red
	unshare --net sleep 10000 >/dev/null 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/outside"
	outside_ready() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
	wait_until 10 outside_ready $!
	ip link add up0 type veth peer name out0 netns $!
	ip link set up0 master red up
	ip addr add 198.51.100.1/24 dev up0
	out ip link set lo up
	out ip link set out0 up
	out ip addr add 198.51.100.2/24 dev out0
	out ip route add 10.94.1.0/24 via 198.51.100.1
	echo 1 >/proc/sys/net/ipv4/ip_forward
}
teardown_file() {
	kill "$(cat "$BATS_FILE_TMPDIR/outside")"
	ip link del up0 || true
	ip link del br-red
	ip link del red
}
out() { nsenter --net="/proc/$(cat "$BATS_FILE_TMPDIR/outside")/ns/net" "$@"; }
create() { mybox network create -o mode=unmanaged -o vrf=red --interface-name br-red --subnet 10.94.1.0/24 --gateway 10.94.1.1 net1; }

@test "vrf: containers are in the VRF that the host's bridge is in" {
	create
	[ "$(mybox network inspect -f '{{index .Options "vrf"}}' net1)" = red ]
	mybox run -d --name web --network net1 deb sleep 1000 >/dev/null
	mybox run --rm --network net1 deb ping -c 1 -W 5 web
	mybox exec web ping -c 1 -W 5 198.51.100.2
	# The host's own table knows no way there.
	run ! ip route get 198.51.100.2
	[ "$(ip -o link show master br-red | wc -l)" = 1 ]
	mybox network reload
	mybox system check
	mybox rm -f web >/dev/null
	mybox network rm net1
	[ "$(ip -o link show master red type bridge | wc -l)" = 1 ]
}

@test "vrf: nobody starts while the bridge is in none, or in another" {
	create
	ip link set br-red nomaster
	run mybox run --rm --network net1 deb true
	echo "$output"
	[ "$status" = 125 ]
	[[ $output == *"bridge 'br-red' of network net1 is not in VRF 'red': ip link set br-red master red"* ]]
	run mybox network create -o mode=unmanaged -o vrf=red --interface-name br-red net2
	[ "$status" = 1 ]
	[[ $output == *"is not in VRF 'red'"* ]]
	ip link set br-red master red
	mybox run --rm --network net1 deb true
	mybox network rm net1
	[ -z "$(mybox network ls -q -f type=custom)" ]
}
