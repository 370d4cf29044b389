#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks whose bridge is in a VLAN: where the kernel's bridges know them.
# bats file_tags=kernel
load helpers

setup_file() { setup_store "${BATS_TEST_FILENAME##*/}"; }

sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
bridge_of() { echo "mb-$(mybox network inspect -f '{{slice .Id 0 12}}' "$1")"; }
ip_of() { mybox inspect -f "{{.NetworkSettings.Networks.$2.IPAddress}}" "$1"; }
port_of() { echo "mb$(mybox inspect -f '{{slice .Id 0 10}}' "$1")"; }
has_vlans() {
	local r=0
	modprobe -a bridge 8021q 2>/dev/null || true
	ip link add vlanprobe type bridge vlan_filtering 1 2>/dev/null || r=1
	ip link del vlanprobe 2>/dev/null || true
	return $r
}
reaches() { mybox exec "$1" ping -c 1 -W 1 "$2" >/dev/null 2>&1; }

bridges() { ip -o link show type bridge | cut -d: -f2 | sort; }
@test "a kernel without VLANs in bridges is told by name, and nothing is left" {
	! has_vlans || skip "this kernel's bridges have VLANs"
	local before
	mybox network ls >/dev/null
	before=$(bridges)
	run mybox network create -o vlan=7 net1
	[ "$status" = 1 ]
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"network net1: this kernel's bridges have no VLANs (option 'vlan')"* ]]
	[ "$(mybox network ls --format '{{.Name}}' | sort | xargs)" = "bridge host none" ]
	[ "$(bridges)" = "$before" ]
	mybox network create net1
}

@test "vlan=: containers are in it untagged, and a trunk carries it with its tag" {
	has_vlans || skip "this kernel's bridges have no VLANs"
	local br wire
	mybox network create --subnet 10.94.1.0/24 -o vlan=7 net1
	br=$(bridge_of net1)
	sleeper c1 --network net1
	sleeper c2 --network net1
	[ "$(ip -d -j link show "$br" | jq '.[0].linkinfo.info_data | .vlan_filtering, .vlan_default_pvid' | xargs)" = "1 7" ]
	[ "$(bridge -j vlan show dev "$(port_of c1)" | jq -c '.[0].vlans')" = '[{"vlan":7,"flags":["PVID","Egress Untagged"]}]' ]
	[ "$(bridge -j vlan show dev "$br" | jq -c '.[0].vlans')" = '[{"vlan":7,"flags":["PVID","Egress Untagged"]}]' ]
	# Neighbours, and the host.
	wait_until 10 reaches c1 c2
	reaches c1 10.94.1.1
	# A trunk: VLAN 7 has a tag there, and what comes without one is of no VLAN.
	wire=vlanwire
	ip link add vlantrunk type veth peer name "$wire"
	ip link set vlantrunk master "$br"
	ip link set vlantrunk up
	bridge vlan add dev vlantrunk vid 7
	ip netns add vlanother
	ip link set "$wire" netns vlanother
	ip -n vlanother link set "$wire" up
	ip -n vlanother link add link "$wire" name tagged type vlan id 7
	ip -n vlanother link add link "$wire" name wrong type vlan id 8
	ip -n vlanother link set tagged up
	ip -n vlanother link set wrong up
	ip -n vlanother addr add 10.94.1.99/24 dev tagged
	wait_until 10 reaches c1 10.94.1.99
	ip -n vlanother addr del 10.94.1.99/24 dev tagged
	ip -n vlanother addr add 10.94.1.99/24 dev wrong
	mybox exec c1 ip neigh flush dev eth0 2>/dev/null || true
	run ! reaches c2 10.94.1.99
	ip -n vlanother addr del 10.94.1.99/24 dev wrong
	ip -n vlanother addr add 10.94.1.98/24 dev "$wire"
	run ! reaches c2 10.94.1.98
	ip netns del vlanother
	# Out of the bridge for a policy and into it again; a bridge that is gone is made so again.
	mybox network policy default net1 deny
	run ! reaches c1 c2
	mybox network policy default net1 allow
	wait_until 10 reaches c1 c2
	[ "$(bridge -j vlan show dev "$(port_of c1)" | jq -c '.[0].vlans')" = '[{"vlan":7,"flags":["PVID","Egress Untagged"]}]' ]
	ip link del "$br"
	mybox network reload
	wait_until 10 reaches c1 c2
	[ "$(ip -d -j link show "$br" | jq '.[0].linkinfo.info_data.vlan_default_pvid')" = 7 ]
	mybox system check
}

@test "vlan=: a bridge of somebody else keeps its VLANs" {
	has_vlans || skip "this kernel's bridges have no VLANs"
	ip link add br-theirs type bridge
	run mybox network create -o vlan=7 -o com.docker.network.bridge.name=br-theirs net1
	ip link del br-theirs
	[ "$status" = 1 ]
	[[ $output == *"bridge 'br-theirs' exists, and its VLANs are not ours to set (option 'vlan')"* ]]
	[ "$(mybox network ls --format '{{.Name}}' | sort | xargs)" = "bridge host none" ]
}
