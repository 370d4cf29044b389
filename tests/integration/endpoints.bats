#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# network endpoint add, ls, rm: names inside a network for what is outside it.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	outside_begin
	outside_serve busybox nc -ll -p 443 -e echo outside
}
teardown_file() { outside_end; }
sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
# answers CONTAINER NAME: the addresses that its resolver gives, sorted, in one line.
answers() { mybox exec "$1" nslookup "$2" 127.0.0.11 2>/dev/null | sed -n '/^Name:/,$ s/^Address[^:]*: *\([^ ]*\).*/\1/p' | sort | xargs; }
is_answered() { [ "$(answers "$1" "$2")" = "$3" ]; }
refused() { # refused TEXT COMMAND...
	run mybox "${@:2}"
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"$1"* ]]
	[ "${#lines[@]}" = 1 ]
}

@test "a name for a host outside: both ways, at once, and the service is reached" {
	mybox network create net1
	sleeper c1 --network net1
	[ "$(mybox network endpoint add net1 Far 198.51.100.2)" = Far ]
	is_answered c1 far 198.51.100.2
	is_answered c1 FAR.net1 198.51.100.2
	[[ $(mybox exec c1 nslookup 198.51.100.2) == *far.net1* ]]
	said() { [ "$(mybox exec c1 timeout 5 nc far 443 </dev/null)" = outside ]; }
	wait_until 5 said
	# Only on its network.
	mybox network create net2
	sleeper c2 --network net2
	run mybox exec c2 nslookup far
	[ "$status" != 0 ]
	# Gone at once.
	[ "$(mybox network endpoint rm net1 far)" = far ]
	run mybox exec c1 nslookup far
	[ "$status" != 0 ]
	[ ! -e "$run/net/$(mybox network inspect -f '{{.Id}}' net1)/n/far" ]
}

@test "several addresses of both families" {
	mybox network create --ipv6 net1
	sleeper c1 --network net1
	mybox network endpoint add net1 many 192.0.2.1 192.0.2.2 2001:db8:0::1
	is_answered c1 many "192.0.2.1 192.0.2.2 2001:db8::1"
	local a
	for a in 192.0.2.1 192.0.2.2 2001:db8::1; do
		[[ $(mybox exec c1 nslookup "$a") == *many.net1* ]]
	done
	# A second name of one address answers for it when the first goes.
	mybox network endpoint add net1 other 192.0.2.2
	mybox network endpoint rm net1 other
	[[ $(mybox exec c1 nslookup 192.0.2.2) == *many.net1* ]]
}

@test "it is shown" {
	mybox network create net1
	[ "$(mybox network inspect -f '{{json .ExternalEndpoints}}' net1)" = '[]' ]
	mybox network endpoint add net1 db 192.0.2.1 192.0.2.2
	mybox network endpoint add net1 api.example.org 192.0.2.3
	[ "$(mybox network inspect -f '{{json .ExternalEndpoints}}' net1)" = '[{"Name":"db","Addresses":["192.0.2.1","192.0.2.2"]},{"Name":"api.example.org","Addresses":["192.0.2.3"]}]' ]
	run mybox network endpoint ls net1
	[[ ${lines[0]} =~ ^NAME\ +ADDRESSES$ ]]
	[[ ${lines[1]} =~ ^db\ +192.0.2.1,\ 192.0.2.2$ ]]
	[[ ${lines[2]} =~ ^api.example.org\ +192.0.2.3$ ]]
	[ "$(mybox network endpoint list -q net1 | xargs)" = "db api.example.org" ]
	[ "$(mybox network endpoint ls --format '{{.Name}}={{.Addresses}}' net1 | head -1)" = "db=192.0.2.1, 192.0.2.2" ]
	run mybox network endpoint ls nosuch
	[ "$status" = 1 ]
	[[ $output == *"No such network: nosuch"* ]]
}

@test "a name is somebody's alone" {
	mybox network create net1
	sleeper web --network net1 --network-alias www -h box
	local name
	for name in web www box WWW "$(mybox inspect -f '{{slice .Id 0 12}}' web)"; do
		refused "is that of container web on network net1" network endpoint add net1 "$name" 192.0.2.1
	done
	is_answered web web "$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' web)"
	mybox network endpoint add net1 db 192.0.2.1
	refused "network net1 has an endpoint 'db' already" network endpoint add net1 db 192.0.2.2
	# And the other way round: by its name, an alias, in a rename, in connect.
	run mybox run -d --name db --network net1 deb sleep 100
	[ "$status" = 125 ]
	[[ $output == *"name 'db' is that of an endpoint outside network net1"* ]]
	mybox rm db
	run mybox run -d --name c1 --network net1 --network-alias DB deb sleep 100
	[ "$status" = 125 ]
	mybox rm c1
	refused "name 'db' is that of an endpoint outside network net1" rename web db
	is_answered web web "$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' web)"
	[ "$(mybox ps --format '{{.Names}}')" = web ]
	mybox network create net2
	sleeper c2 --network net2
	refused "is that of an endpoint outside network net1" network connect --alias db net1 c2
	[ "$(mybox inspect -f '{{len .NetworkSettings.Networks}}' c2)" = 1 ]
	is_answered web db 192.0.2.1
	# The name of one that was killed is free.
	mybox rm -f web
	mybox network endpoint add net1 web 192.0.2.9
}

@test "what is refused" {
	mybox network create --subnet 10.99.40.0/24 --aux-address printer=10.99.40.9 net1
	local name address
	for name in '' . a..b .a a. ../x 'a b' localhost "$(printf 'x%.0s' {1..64})"; do
		refused "invalid endpoint name '$name'" network endpoint add net1 "$name" 192.0.2.1
	done
	for address in '' x 1.2.3 192.0.2.0/24 192.0.2.1:80 fe80::1%eth0; do
		refused "invalid address '$address'" network endpoint add net1 far "$address"
	done
	for address in 0.0.0.0 127.0.0.1 224.0.0.1 255.255.255.255 ::1 :: ff02::1 fe80::1; do
		refused "no service is at address '$address'" network endpoint add net1 far "$address"
	done
	refused "has no IPv6" network endpoint add net1 far 2001:db8::1
	refused "address '10.99.40.7' is one of network net1's containers" network endpoint add net1 far 10.99.40.7
	refused "is given twice" network endpoint add net1 far 192.0.2.1 192.0.2.1
	refused "network host takes no endpoints" network endpoint add host far 192.0.2.1
	refused "No such network: nosuch" network endpoint add nosuch far 192.0.2.1
	refused "network net1 has no endpoint 'far'" network endpoint rm net1 far
	refused "32 addresses at most" network endpoint add net1 far 192.0.2.{1..33}
	[ -z "$(mybox network endpoint ls -q net1)" ]
	# This machine, and what shares the subnet by arrangement.
	mybox network endpoint add net1 machine 10.99.40.1
	mybox network endpoint add net1 printer 10.99.40.9
	run mybox network endpoint rm net1 nosuch machine
	[ "$status" = 1 ]
	[ "$(mybox network endpoint ls -q net1)" = printer ]
}

@test "kept: over a reboot, reload and what others destroy" {
	mybox network create net1
	mybox network endpoint add net1 far 192.0.2.1 192.0.2.2
	local id
	id=$(mybox network inspect -f '{{.Id}}' net1)
	# As after a boot: RUN is empty, and is filled when the network is first used.
	rm -rf "$run/net/$id"
	mybox network endpoint add net1 late 192.0.2.3
	sleeper c1 --network net1
	is_answered c1 far "192.0.2.1 192.0.2.2"
	is_answered c1 late 192.0.2.3
	rm "$run/net/$id/n/far/-1"
	run mybox system check
	[ "$status" = 2 ]
	[[ $output == *"the names of network 'net1' do not have its endpoint 'far'"* ]]
	mybox network reload
	is_answered c1 far "192.0.2.1 192.0.2.2"
	rm "$run/net/$id/n/far/-0"
	mybox system check --repair || true
	mybox system check
	is_answered c1 far "192.0.2.1 192.0.2.2"
	# What nobody stands for goes.
	mkdir "$run/net/$id/n/ghost"
	ln -s 192.0.2.66,,- "$run/net/$id/n/ghost/-0"
	run mybox system check
	[ "$status" = 2 ]
	[[ $output == *"name 'ghost' of network 'net1' leads to an endpoint that is gone"* ]]
	mybox system check --repair || true
	mybox system check
	run mybox exec c1 nslookup ghost
	[ "$status" != 0 ]
	# With the network it goes.
	mybox rm -f c1
	mybox network rm net1
	[ ! -e "$run/net/$id" ]
}

@test "network check walks there" {
	mybox network create net1
	sleeper c1 --network net1
	mybox network endpoint add net1 far 198.51.100.2
	listens() { mybox network check c1 far:443; }
	wait_until 5 listens
	run mybox network check c1 far:443
	[ "$status" = 0 ]
	[[ $output == *"far is 198.51.100.2"* ]]
	run mybox network check c1 far:444
	[ "$status" = 1 ]
}

@test "other drivers have them too" {
	mybox network create -d macvlan --subnet 198.51.100.0/24 --ip-range 198.51.100.64/26 -o parent=host0 lan || skip "no macvlan here"
	sleeper c1 --network lan
	mybox network endpoint add lan far 198.51.100.2
	is_answered c1 far 198.51.100.2
	refused "is one of network lan's containers" network endpoint add lan near 198.51.100.70
	mybox network reload
	is_answered c1 far 198.51.100.2
}
