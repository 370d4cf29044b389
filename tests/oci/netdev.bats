#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# linux.netDevices: interfaces of the host that the container gets.

load helpers

# pair NAME: two interfaces NAME and NAME-p of this network, the first with addresses.
pair() {
	ip link add "$1" mtu 1400 address 02:00:00:00:00:07 type veth peer name "$1-p"
	ip link set "$1" alias kept up
	ip link set "$1-p" up
	ip addr add 10.9.8.7/24 brd + dev "$1"
	ip addr add 10.7.7.1 peer 10.7.7.2 dev "$1"
	ip addr add fd09::7/64 dev "$1" nodad
}
v() { echo "v$((RANDOM % 9000 + 1000))"; }
in_net() { nsenter -t "$1" -n "${@:2}"; }

@test "an interface moves with its addresses, under a name of the container" {
	d=$(v)
	pair "$d"
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' "l['netDevices'] = {'$d': {'name': 'eth7'}}")
	oci create --bundle "$b" $n </dev/null >/dev/null 2>&1
	pid=$(pid_of $n)
	[ ! -e "/sys/class/net/$d" ]
	run -0 in_net "$pid" ip -d addr show eth7
	[[ $output == *"mtu 1400"*02:00:00:00:00:07*"alias kept"* ]]
	[[ $output == *"inet 10.9.8.7/24 brd 10.9.8.255 scope global eth7"* ]]
	[[ $output == *"inet 10.7.7.1 peer 10.7.7.2/32 scope global eth7"* ]]
	[[ $output == *"inet6 fd09::7/64 scope global nodad"* ]]
	[[ $output == *",UP"* ]]
	ip addr add 10.9.8.1/24 dev "$d-p"
	in_net "$pid" ping -c 1 -w 20 10.9.8.1 || in_net "$pid" busybox ping -c 1 -w 20 10.9.8.1
	oci delete -f $n
}

@test "the same name, a number of the kernel's choice, a namespace by path" {
	d=$(v) e=$(v)x
	pair "$d"
	ip link add "$e" type veth peer name "$e-p"
	unshare --net sleep 1000 3>&- &
	there=$!
	wait_until sh -c "[ \$(readlink /proc/$there/ns/net) != $(readlink /proc/self/ns/net) ]"
	in_net "$there" ip link add net0 type veth peer name net0-p
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' "l['netDevices'] = {'$d': {}, '$e': {'name': 'net%d'}}" \
		"[x for x in l['namespaces'] if x['type'] == 'network'][0]['path'] = '/proc/$there/ns/net'")
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	in_net "$there" ip link show "$d"
	in_net "$there" ip link show net1
	oci delete -f $n
	# It was not the container's: nothing of it changes.
	in_net "$there" ip addr show "$d" | grep 10.9.8.7/24
	kill "$there"
}

@test "what cannot be is told by name, and all is as it was" {
	d=$(v)
	pair "$d"
	ip addr show "$d" | grep -E 'scope global|state' >"$dir/before"
	b=$(bundle b "l['netDevices'] = {'$d': {}, 'no-such': {}}")
	run -1 oci run --bundle "$b" $n
	[[ $output == *"'linux.netDevices.no-such': there is no such interface" ]]
	b=$(bundle taken "l['netDevices'] = {'$d': {'name': 'lo'}}")
	run -1 oci run --bundle "$b" $n
	[[ $output == *"'linux.netDevices.$d': the container has an interface 'lo' already" ]]
	b=$(bundle shared "l['netDevices'] = {'$d': {}}" \
		"l['namespaces'] = [x for x in l['namespaces'] if x['type'] != 'network']")
	run -1 oci run --bundle "$b" $n
	[[ $output == *"'linux.netDevices' needs a network namespace" ]]
	b=$(bundle own "l['netDevices'] = {'$d': {}}" \
		"[x for x in l['namespaces'] if x['type'] == 'network'][0]['path'] = '/proc/$$/ns/net'")
	run -1 oci run --bundle "$b" $n
	[[ $output == *"'linux.netDevices': the container shares the network" ]]
	# Moved already, when the rest fails.
	b=$(bundle missing 'p["args"] = ["nope"]' "l['netDevices'] = {'$d': {'name': 'eth0'}}")
	run -1 oci run --bundle "$b" $n
	is_gone $n
	ip addr show "$d" | grep -E 'scope global|state' >"$dir/after"
	cat "$dir/before" "$dir/after"
	cmp "$dir/before" "$dir/after"
	ip link del "$d"
}
