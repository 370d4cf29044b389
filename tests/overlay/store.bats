#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Overlay networks whose hosts tell each other by etcd: what works, and what is refused.
load helpers

setup_file() {
	hosts_begin 3
	etcd_begin 3
}
teardown_file() {
	etcd_end
	hosts_end
}

ip_of() { on "$1" inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$2"; }
resolves() { # resolves N CONTAINER NAME IP
	[ "$(on "$1" exec "$2" nslookup "$3" 127.0.0.11 2>/dev/null | awk '/^Address/ { a = $NF } END { print a }')" = "$4" ]
}
knows_not() { ! on "$1" exec "$2" nslookup "$3" 127.0.0.11 >/dev/null 2>&1; }

@test "store: one network on three hosts, made once and joined" {
	local id i ip
	# Internal: the resolver asks nobody else for a name that is not there.
	id=$(on 1 network create -d overlay --internal --subnet 10.97.0.0/16 -o "store=$store" -o ttl=5 -o host=one shared)
	[ "$(on 2 network join -o "store=$store" -o host=two shared)" = "$id" ]
	[ "$(on 3 network join -o "store=$store" -o host=three shared)" = "$id" ]
	[ "$(on 2 network inspect -f '{{(index .IPAM.Config 0).Subnet}} {{.Overlay.VTEP}}' shared)" = "10.97.0.0/16 $wire.2" ]
	for i in 1 2 3; do sleeper $i k$i --network shared; done
	# Each address once.
	[ "$(for i in 1 2 3; do ip_of $i k$i; done | sort -u | wc -l)" = 3 ]
	# By name, in every direction.
	wait_until 5 reaches 1 k1 k2
	wait_until 5 reaches 2 k2 k3
	wait_until 5 reaches 3 k3 k1
	wait_until 5 reaches 2 k2 k1
	# Nobody is asked for whom nobody knows: no flood, no learning.
	in_ns h1 ip -d link show dev "$(tunnel 1 shared)" | grep -q 'nolearning.* proxy'
	in_ns h1 bridge -d link show dev "$(tunnel 1 shared)" | grep -q 'learning off'
	[ -z "$(in_ns h1 bridge fdb show dev "$(tunnel 1 shared)" | grep 00:00:00:00:00:00)" ]
	# The longest packet that fits arrives whole.
	[ "$(on 1 exec k1 cat /sys/class/net/eth0/mtu)" = 1450 ]
	on 1 exec k1 ping -c 1 -W 2 -s 1422 "$(ip_of 2 k2)" >/dev/null
	# Who holds which endpoint.
	[ "$(on 1 network inspect -f '{{range .Peers}}{{.Name}} {{end}}' shared)" = "one two three " ]
	[ "$(on 1 network inspect -f '{{range .RemoteContainers}}{{.Name}}={{.Host}} {{end}}' shared | tr ' ' '\n' | sort | xargs)" = "k2=two k3=three" ]
	[[ $(on 1 info) == *"shared: online by http://$wire.20"*"Hosts: one two three"* ]]
	# The members that are asked, and the lease that all of this host hangs on.
	on 1 info | grep -qx "   Members: ${store//,/ }"
	on 1 info | grep -qx "   Lease: $(printf %x "$(ctl get -w fields "/mybox/v1/net/shared/host/$wire.1" | awk '/"Lease"/ { print $3 }')")"
	[ "$(on 1 info -f '{{range .SharedNetworks}}{{.Network}} {{len .Members}} {{len .Hosts}} {{.Host}}{{end}}')" = "shared 3 3 one" ]
	# The way is walked as far as this host sees it, by name and by address.
	on 2 exec -d k2 sh -c 'mkdir /www; httpd -p 80 -h /www'
	listens() { on 2 exec k2 grep -q ':0050 [0-9A-F:]* 0A ' /proc/net/tcp /proc/net/tcp6; }
	wait_until 5 listens
	run on 1 network check k1 k2:80
	[[ $output == *"k2 is on host two, by the tunnel to $wire.2"* ]]
	[[ $output == *"connected to $(ip_of 2 k2), port 80"* ]]
	[ "$status" = 0 ]
	run on 1 network check k1 "$(ip_of 2 k2):81"
	[[ $output == *"refuses port 81"* ]]
	# Who talks to whom, with the host.
	on 2 exec -d k2 sh -c 'sleep 1000 | nc -l -p 7000'
	listens() { on 2 exec k2 grep -q ':1B58 ' /proc/net/tcp /proc/net/tcp6; }
	wait_until 5 listens
	on 1 exec -d k1 sh -c 'sleep 1000 | nc k2 7000'
	flows() { on 1 network flows 2>/dev/null | grep -q 'k2@two:7000'; }
	wait_until 5 flows
	on 1 network graph | grep -q 'k2@two'
	# A tunnel without a way, and a lost one.
	in_ns h1 ip route add unreachable $wire.2/32
	run on 1 network check k1 k2:80
	[ "$status" = 1 ]
	[[ $output == *"this host has no route to host two ($wire.2)"* ]]
	in_ns h1 ip route del unreachable $wire.2/32
	in_ns h1 ip link set "$(tunnel 1 shared)" down
	run on 1 network check k1 k2:80
	[[ $output == *"tunnel '$(tunnel 1 shared)' of network 'shared' is down"* ]]
	on 1 network reload
	run on 1 network check k1 k2:80
	[ "$status" = 0 ]
	# An alias and another name are told, and a new name follows.
	on 3 rm -f k3 >/dev/null
	wait_until 5 knows_not 1 k1 k3
	sleeper 3 k4 --network shared --network-alias api
	ip=$(ip_of 3 k4)
	wait_until 5 resolves 1 k1 api "$ip"
	on 3 rename k4 k5
	wait_until 5 resolves 1 k1 k5 "$ip"
	wait_until 5 knows_not 1 k1 k4
	# It leaves the network, and joins it again, while it runs.
	on 3 network disconnect shared k5
	wait_until 5 knows_not 1 k1 k5
	on 3 network connect shared k5
	wait_until 5 reaches 1 k1 k5
	for i in 1 2 3; do on $i system check; done
	# A host that is restarted in its place keeps what it is called and has.
	ip=$(ip_of 2 k2)
	on 2 restart -t 0 k2 >/dev/null
	[ "$(ip_of 2 k2)" = "$ip" ]
	wait_until 5 reaches 1 k1 k2
	# What somebody takes away is told, and comes back.
	in_ns h1 bridge fdb del "$(on 2 inspect -f '{{range .NetworkSettings.Networks}}{{.MacAddress}}{{end}}' k2)" dev "$(tunnel 1 shared)" dst $wire.2 self
	run on 1 system check
	[[ $output == *"does not lead to container k2 on host two"* ]]
	run on 1 system check --repair
	on 1 system check
	reaches 1 k1 k2
	# Removed while others are there it is not; left it can be.
	run on 3 network rm shared
	[ "$status" = 1 ]
	[[ $output == *"network shared has active endpoints"* ]]
	on 3 rm -f k5 >/dev/null
	run on 3 network rm shared
	[[ $output == *"network shared has active endpoints on host "* ]]
	on 3 network leave shared >/dev/null
	on 1 rm -f k1 >/dev/null
	on 2 rm -f k2 >/dev/null
	on 2 network leave shared >/dev/null
	[ "$(on 1 network rm shared)" = shared ]
	[ -z "$(etcd_keys)" ]
}

@test "store: what cannot be is refused in one line, and leaves nothing" {
	refused() { # refused N WORDS VERB...
		run on "$1" "${@:3}"
		[ "$status" != 0 ]
		[[ $output == *"$2"* ]]
		[ "$(printf '%s\n' "${lines[@]}" | grep -vc '^hint: ')" = 1 ]
	}
	refused 1 "network shared is not in the store" network join -o "store=$store" shared
	refused 1 "say where network shared is" network join shared
	refused 1 "invalid value 'ftp://x' of option 'store'" network create -d overlay -o store=ftp://x shared
	refused 1 "given together" network create -d overlay -o "store=$store" -o user=me shared
	refused 1 "cannot open the certificate '/nowhere'" network create -d overlay -o "store=$store" -o cert=/nowhere -o key=/nowhere shared
	# Nobody there, in as many places as are named.
	refused 1 "store 'http://$wire.99:1'" network create -d overlay -o vtep=up0 -o "store=http://$wire.254:1,http://$wire.99:1" shared
	on 1 network create -d overlay --subnet 10.98.0.0/29 -o "store=$store" shared >/dev/null
	refused 2 "network shared is in the store already: use 'network join'" network create -d overlay --subnet 10.98.0.0/29 -o "store=$store" shared
	refused 2 "is another network's in the store" network create -d overlay -o "store=$store" -o "vni=$(on 1 network inspect -f '{{.Overlay.VNI}}' shared)" other
	# One whose wire is too thin, and one with that subnet already.
	in_ns h2 ip link set up0 mtu 1400
	refused 2 "packets of network shared are 1450 bytes long" network join -o "store=$store" shared
	in_ns h2 ip link set up0 mtu 1500
	on 2 network create --subnet 10.98.0.0/24 mine >/dev/null
	refused 2 "overlaps" network join -o "store=$store" shared
	on 2 network rm mine >/dev/null
	on 2 network join -o "store=$store" shared >/dev/null
	refused 2 "already exists" network join -o "store=$store" shared
	# One address has one owner, on whichever host; and when none is left, that is said.
	sleeper 1 k1 --network shared --ip 10.98.0.3
	refused 2 "address 10.98.0.3 of network shared is in use on another host" run --rm --network shared --ip 10.98.0.3 deb true
	sleeper 2 k2 --network shared
	sleeper 1 k3 --network shared
	sleeper 2 k4 --network shared
	sleeper 1 k5 --network shared
	refused 2 "network shared has no free address" run --rm --network shared deb true
	on 1 rm -f k1 >/dev/null
	sleeper 2 k6 --network shared
	[ "$(ip_of 2 k6)" = 10.98.0.3 ]
	# A mark that a killed command left is found, and taken away.
	local mark
	mark="$(on 1 network inspect -f '{{.Id}}' shared).$(printf %064d 5)"
	ln -s - "$dir/h1/run/net/ov/$mark"
	run on 1 system check
	[ "$status" != 0 ]
	[[ $output == *"container '000000000000' is not on shared network"* ]]
	on 1 system check --repair || true
	[ ! -L "$dir/h1/run/net/ov/$mark" ]
	# A record that has another network's id is none to join, and the other one stays.
	on 3 network create --subnet 10.99.0.0/24 mine >/dev/null
	ctl put /mybox/v1/net/forged "$(ctl get --print-value-only /mybox/v1/net/shared |
		sed "s/\"id\": *\"[0-9a-f]*\"/\"id\":\"$(on 3 network inspect -f '{{.Id}}' mine)\"/")" >/dev/null
	refused 3 "the id of another network of this host" network join -o "store=$store" forged
	[ "$(on 3 network inspect -f '{{.Name}}' mine)" = mine ]
	on 3 network rm mine >/dev/null
	[ -z "$(on 3 network ls -q -f name=forged)" ]
	# One that is encrypted is not joined by a host that cannot.
	if ! in_ns h3 ip link add wg7 type wireguard 2>/dev/null; then
		ctl put /mybox/v1/net/forged "$(ctl get --print-value-only /mybox/v1/net/shared |
			sed 's/"mtu": *1450/"mtu":1300,"encrypted":true/; s/"schema": *1/"schema":2/')" >/dev/null
		refused 3 "option 'encrypted': this kernel has no WireGuard" network join -o "store=$store" forged
	fi
	ctl del /mybox/v1/net/forged >/dev/null
	refused 1 "is of this host alone" network leave bridge
	refused 1 "has active endpoints" network leave shared
	[ "$(on 2 network prune -f 2>&1)" = "" ]
}

@test "store: a network goes with all that was made for it, and not while a host is on it" {
	on 1 network create -d overlay --subnet 10.98.0.0/24 -o "store=$store" shared >/dev/null
	# One that has come with our tunnel address in the moment before.
	ctl put "/mybox/v1/net/shared/host/$wire.1" '{"schema":1,"name":"x","id":"0123456789abcdef"}' >/dev/null
	run on 1 network rm shared
	[ "$status" = 1 ]
	[[ $output == *"network shared has active endpoints"* ]]
	[ -n "$(ctl get --keys-only /mybox/v1/net/shared | grep .)" ]
	ctl del "/mybox/v1/net/shared/host/$wire.1" >/dev/null
	on 1 network rm shared >/dev/null
	[ -z "$(etcd_keys)" ]
}

@test "store: a MAC address that is asked for has one owner, and goes with it" {
	local mac=02:42:00:00:00:07 key=/mybox/v1/net/shared
	refused() { # refused N WORDS VERB...
		run on "$1" "${@:3}"
		[ "$status" = 125 ]
		[ "$(printf '%s\n' "${lines[@]}" | grep -vc '^hint: ')" = 1 ]
		[[ $output == *"$2"* ]]
	}
	on 1 network create -d overlay --internal --subnet 10.98.0.0/24 -o "store=$store" -o ttl=3 shared >/dev/null
	on 2 network join -o "store=$store" shared >/dev/null
	sleeper 1 one --network shared --mac-address $mac
	sleeper 2 two --network shared
	[ "$(ctl get --print-value-only $key/mac/$mac)" = "$(on 1 inspect -f '{{.Id}}' one)" ]
	wait_until 5 reaches 2 two one
	refused 2 "MAC address $mac of network shared is in use by another container" run --rm --network shared --mac-address 02:42:00:00:00:07 deb true
	refused 1 "MAC address $mac of network shared is in use by another container" run --rm --network shared --mac-address 02-42-00-00-00-07 deb true
	refused 2 "MAC address 02:6d:0a:62:00:01 is of those that network shared gives by itself" run --rm --network shared --mac-address 02:6d:0a:62:00:01 deb true
	refused 2 "MAC address 02:6e:cb:00:71:01 is of those that network shared gives by itself" run --rm --network shared --mac-address 02:6e:cb:00:71:01 deb true
	# Nothing of those is left.
	[ "$(etcd_keys | grep -c /ip/)" = 2 ]
	[ "$(etcd_keys | grep -c /mac/)" = 1 ]
	reaches 2 two one
	# It keeps it over a restart; it is put again; it goes with the container.
	on 1 restart -t 0 one >/dev/null
	[ "$(ctl get --print-value-only $key/mac/$mac)" = "$(on 1 inspect -f '{{.Id}}' one)" ]
	ctl del $key/mac/$mac >/dev/null
	is_put() { [ "$(ctl get --print-value-only $key/mac/$mac)" = "$(on 1 inspect -f '{{.Id}}' one)" ]; }
	wait_until 10 is_put
	wait_until 5 reaches 2 two one
	# Who says that it has another's is not believed.
	ctl put "$key/ip/10.98.0.77" "$(printf %064d 7)" >/dev/null
	ctl put "$key/ep/$(printf %064d 7)" '{"schema":1,"name":"liar","host":"x","vtep":"203.0.113.3","ip":"10.98.0.77","mac":"02:42:00:00:00:07"}' >/dev/null
	ctl put "$key/ip/10.98.0.78" "$(printf %064d 8)" >/dev/null
	ctl put "$key/ep/$(printf %064d 8)" '{"schema":1,"name":"good","host":"x","vtep":"203.0.113.3","ip":"10.98.0.78","mac":"02:42:00:00:00:08"}' >/dev/null
	knows() { on "$1" network inspect -f '{{range .RemoteContainers}}{{.Name}} {{end}}' shared | grep -qw "$2"; }
	wait_until 5 knows 2 good
	run knows 2 liar
	[ "$status" = 1 ]
	reaches 2 two one
	ctl del "$key/ep/$(printf %064d 7)" >/dev/null
	ctl del "$key/ep/$(printf %064d 8)" >/dev/null
	on 1 rm -f one >/dev/null
	[ -z "$(etcd_keys | grep /mac/)" ]
	sleeper 2 three --network shared --mac-address $mac
	[ "$(ctl get --print-value-only $key/mac/$mac)" = "$(on 2 inspect -f '{{.Id}}' three)" ]
}
