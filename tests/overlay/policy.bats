#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Policies of networks that hosts share: rules hold for containers of other hosts, on every host.
load helpers

setup_file() {
	hosts_begin 3
	etcd_begin 1
}
teardown_file() {
	etcd_end
	hosts_end
}
shared() { # shared N [OPTION...]: on the first N hosts
	local i
	on 1 network create -d overlay --subnet 10.97.0.0/24 "${@:2}" -o "store=$store" -o ttl=3 -o host=h1 shared >/dev/null
	for ((i = 2; i <= $1; i++)); do on $i network join -o "store=$store" -o host=h$i shared >/dev/null; done
}
ip_of() { on "$1" inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$2"; }
ip6_of() { on "$1" inspect -f '{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}' "$2"; }
knows() { on "$1" network inspect -f '{{range .RemoteContainers}}{{.Name}} {{end}}' shared | grep -qw "$2"; }
serve() { # serve N CONTAINER PORT
	on "$1" exec -d "$2" sh -c "mkdir -p /www; exec httpd -f -p $3 -h /www"
	serves() { on "$1" exec "$2" grep -q ":$(printf %04X "$3") " /proc/net/tcp /proc/net/tcp6; }
	wait_until 5 serves "$@"
}
# opens N CONTAINER ADDRESS PORT: a connection is made.
opens() { on "$1" exec "$2" nc -w 1 "$3" "$4" </dev/null >/dev/null 2>&1; }
opens_not() { ! opens "$@"; }
rules() { on "$1" network policy ls --format '{{.ID}} {{.From}} {{.To}} {{.Port}} {{.Action}}' shared; }
counted() { on "$1" network policy ls --format '{{.ID}} {{.Packets}}' shared | awk -v id="$2" '$1 == id { exit $2 == 0 }'; }
has_rules() { [ "$(rules "$1" | wc -l)" = "$2" ]; }
store_is() { [[ "$(on "$1" network inspect -f '{{.Overlay.Store}}' shared)" == "$2"* ]]; }

@test "policy: by name, label and address, for containers of other hosts, live on all of them" {
	shared 3 --internal
	sleeper 1 web --network shared --label tier=front
	sleeper 2 db --network shared --label tier=back
	sleeper 3 other --network shared
	serve 2 db 80
	serve 1 web 80
	local db web id
	db=$(ip_of 2 db)
	web=$(ip_of 1 web)
	wait_until 5 knows 1 db
	wait_until 5 knows 3 db
	wait_until 5 knows 2 web
	wait_until 5 knows 2 other
	wait_until 5 opens 1 web "$db" 80
	opens 3 other "$db" 80
	# Said on one host, it holds on all.
	on 3 network policy default shared deny
	wait_until 5 opens_not 1 web "$db" 80
	wait_until 5 opens_not 3 other "$db" 80
	[ "$(on 1 network policy default shared)" = deny ]
	[ "$(on 2 network policy default shared)" = deny ]
	# By name.
	id=$(on 1 network policy add shared web:db:80)
	wait_until 5 opens 1 web "$db" 80
	opens_not 3 other "$db" 80
	opens_not 2 db "$web" 80
	wait_until 5 has_rules 3 2
	[ "$(rules 3)" = "$id web db 80/tcp allow
default any any any deny" ]
	# By the tunnel's own address, which goes with the last container of its host.
	in_ns h1 bridge fdb show dev "$(tunnel 1 shared)" | grep -q '^02:6e:cb:00:71:03 dst 203.0.113.3'
	# Both hosts have judged it, and counted.
	counted 1 "$id"
	counted 2 "$id"
	run counted 3 "$id"
	[ "$status" = 1 ]
	# Who decides is said on a host that has neither.
	run on 3 network policy test shared web db:80
	[ "$status" = 0 ]
	[[ $output == *"rule $id"* ]]
	run on 3 network policy test shared other db:80
	[ "$status" = 1 ]
	run on 3 network check other db:80
	[ "$status" = 1 ]
	[[ $output == *"no rule of network 'shared' allows it, and its default is deny"* ]]
	[[ $output == *"network policy add --from other --to db --port 80/tcp shared"* ]]
	run on 1 network check web db:80
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"rule $id of network 'shared' allows it"* ]]
	# By label: what no rule spoke of is told when one does.
	on 2 network policy rm shared "$id"
	wait_until 5 opens_not 1 web "$db" 80
	[[ "$(ctl get --prefix --print-value-only /mybox/v1/net/shared/ep/)" != *front* ]]
	on 3 network policy add shared label=tier=front:label=tier:80 >/dev/null
	wait_until 5 opens 1 web "$db" 80
	opens_not 3 other "$db" 80
	[[ "$(ctl get --prefix --print-value-only /mybox/v1/net/shared/ep/)" == *front* ]]
	# By a name that a container gets and loses.
	on 2 network policy add shared third:db:80 >/dev/null
	opens_not 3 other "$db" 80
	on 3 rename other third
	wait_until 5 opens 3 third "$db" 80
	on 3 rename third other
	wait_until 5 opens_not 3 other "$db" 80
	# By an alias, which is not told either until it is asked for.
	sleeper 3 more --network shared --network-alias Api
	on 1 network policy add shared Api:db:80 >/dev/null
	wait_until 5 opens 3 more "$db" 80
	# By address; and where nothing is said any more all is as it was.
	on 1 network policy add --from "$(ip_of 3 other)" --to "$db" shared >/dev/null
	wait_until 5 opens 3 other "$db" 80
	on 3 rm -f other more >/dev/null
	has_way() { in_ns h1 bridge fdb show dev "$(tunnel 1 shared)" | grep -q 'dst 203.0.113.3'; }
	has_no_way() { ! has_way; }
	wait_until 5 has_no_way
	sleeper 3 other --network shared
	wait_until 5 has_way
	for id in $(on 1 network policy ls -q shared); do on 2 network policy rm shared "$id"; done
	wait_until 5 opens_not 1 web "$db" 80
	for i in 1 2 3; do on $i system check; done
	on 2 network policy default shared allow
	wait_until 5 opens 1 web "$db" 80
	wait_until 5 opens 3 other "$db" 80
	wait_until 5 opens 2 db "$web" 80
	for i in 1 2 3; do on $i system check; done
}

@test "policy: IPv6, and a network that reaches the world" {
	shared 2 --ipv6 --subnet fd00:97::/64
	sleeper 1 web --network shared
	sleeper 2 db --network shared
	serve 2 db 80
	local db db6
	db=$(ip_of 2 db)
	db6=$(ip6_of 2 db)
	wait_until 5 opens 1 web "$db6" 80
	on 1 network policy default shared deny
	wait_until 5 opens_not 1 web "$db6" 80
	opens_not 1 web "$db" 80
	on 2 network policy add shared web:db:80 >/dev/null
	wait_until 5 opens 1 web "$db6" 80
	wait_until 5 opens 1 web "$db" 80
	# Who comes while there is a policy is under it from the first moment.
	sleeper 1 late --network shared
	opens_not 1 late "$db6" 80
	opens_not 1 late "$db" 80
	sleeper 2 two --network shared
	serve 2 two 80
	wait_until 5 knows 1 two
	opens_not 1 web "$(ip_of 2 two)" 80
	# A long packet goes through both hosts whole.
	on 1 network policy add shared web:db:icmp >/dev/null
	wait_until 5 on 1 exec web ping -c 1 -W 1 -s 1422 "$db"
	for i in 1 2; do on $i system check; done
}

@test "policy: a host that comes, one that nobody leads on, and a store that is away" {
	shared 2 --internal
	sleeper 1 web --network shared
	serve 1 web 80
	on 1 network policy default shared deny
	on 1 network policy add shared friend:web:80 >/dev/null
	# Nobody leads there; it is asked for.
	has_rules 2 2
	sleeper 2 stranger --network shared
	[ "$(on 2 network policy default shared)" = deny ]
	# One that joins has it at once.
	on 3 network join -o "store=$store" -o host=h3 shared >/dev/null
	has_rules 3 2
	sleeper 3 friend --network shared
	local web
	web=$(ip_of 1 web)
	wait_until 5 knows 3 web
	wait_until 5 opens 3 friend "$web" 80
	opens_not 2 stranger "$web" 80
	# The store is away: what was said holds, and nothing is said anew.
	etcd_stop 1
	wait_until 15 store_is 1 silent
	opens 3 friend "$web" 80
	opens_not 2 stranger "$web" 80
	run on 1 network policy default shared allow
	[ "$status" = 1 ]
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"network shared: store 'http://"* ]]
	[ "$(on 1 network policy default shared)" = deny ]
	# Through a reload of the firewall, too.
	in_ns h1 nft flush ruleset
	on 1 network reload
	opens_not 2 stranger "$web" 80
	opens 3 friend "$web" 80
	etcd_start 1
	wait_until 20 etcd_is_well
	wait_until 15 store_is 1 "http://"
	on 2 network policy add shared stranger:web:80 >/dev/null
	wait_until 5 opens 2 stranger "$web" 80
	for i in 1 2 3; do on $i system check; done
}

@test "policy: what the store says of it is looked at before it is done" {
	shared 2 --internal
	sleeper 1 web --network shared
	sleeper 2 db --network shared
	serve 2 db 80
	local db key=/mybox/v1/net/shared/policy good text
	db=$(ip_of 2 db)
	on 1 network policy default shared deny
	wait_until 5 opens_not 1 web "$db" 80
	good=$(ctl get --print-value-only $key)
	# Each is known to have been read when the good one behind it is.
	for text in 'no json' '{"schema":2,"policy":{}}' '{"schema":1}' '{"schema":1,"policy":[]}' \
		'{"schema":1,"policy":{"rules":7}}' \
		'{"schema":1,"policy":{"last_id":1,"rules":[{"id":2,"from":"any","to":"any"}]}}' \
		'{"schema":1,"policy":{"last_id":1,"rules":[{"id":1,"from":"any","to":"any"},{"id":1,"from":"any","to":"any"}]}}' \
		'{"schema":1,"policy":{"last_id":1,"rules":[{"id":1,"from":"a b","to":"any"}]}}'; do
		ctl put $key "$text" >/dev/null
		run on 1 network policy default shared allow
		echo "$text: $output"
		[ "$status" = 1 ]
		[ "$(printf '%s\n' "${lines[@]}" | grep -vc '^hint: ')" = 1 ]
		[[ $output == *"network shared: a record in the store"* ]]
	done
	ctl put /mybox/v1/net/shared/policy "$(printf '%070000d' 1)" >/dev/null
	run on 1 network policy default shared allow
	[[ $output == *"network shared: a record in the store has a broken policy"* ]]
	opens_not 1 web "$db" 80
	[ "$(on 2 network policy default shared)" = deny ]
	# Nobody starts under what cannot be read, led or not; and is it told.
	is_told() { on 1 system info | grep -q "has a broken policy"; }
	wait_until 5 is_told
	run on 1 run --rm --network shared deb true
	[ "$status" = 125 ]
	[[ $output == *"network shared: a record in the store has a broken policy"* ]]
	# Nobody starts under what cannot be read where nobody has read what was before.
	run on 3 network join -o "store=$store" -o host=h3 shared
	[[ $output == *"a record in the store has a broken policy"* ]]
	# What is taken away comes back.
	ctl del $key >/dev/null
	is_back() { [ "$(ctl get --print-value-only $key)" = "$good" ]; }
	wait_until 5 is_back
	opens_not 1 web "$db" 80
	# Two that say something at once have both said it.
	local i box jobs=()
	for i in 1 2; do
		read -ra box <<<"$(there $i)"
		"${box[@]}" network policy add shared "web:db:8$i" 3>&- &
		jobs+=($!)
	done
	wait "${jobs[@]}"
	wait_until 5 has_rules 1 3
	wait_until 5 has_rules 2 3
	# And it can be read again.
	on 1 run --rm --network shared deb true
}

@test "policy: what was cut short is done to its end by who leads" {
	shared 2 --internal
	sleeper 1 web --network shared
	sleeper 2 db --network shared
	serve 2 db 80
	local db id out
	db=$(ip_of 2 db)
	wait_until 5 knows 1 db
	wait_until 5 opens 1 web "$db" 80
	id=$(on 2 network inspect -f '{{.Id}}' shared)
	on 1 network policy default shared deny
	wait_until 5 opens_not 1 web "$db" 80
	out="mb$(on 2 inspect -f '{{slice .Id 0 10}}' db)"
	is_out() { ! in_ns h2 ip -o link show "$out" | grep -q master; }
	wait_until 5 is_out
	# As one leaves it who is killed before all of them are out of the bridge.
	in_ns h2 ip link set "$out" master "mb-${id:0:12}"
	ln -s - "$dir/h2/run/net/$id/unfinished"
	wait_until 40 is_out
	is_done() { [ ! -L "$dir/h2/run/net/$id/unfinished" ]; }
	wait_until 5 is_done
	on 2 system check
	opens_not 1 web "$db" 80
}

@test "policy: IPv6 of a network that reaches nothing else; a bridge that was lost" {
	shared 2 --internal --ipv6 --subnet fd00:97::/64
	sleeper 1 web --network shared
	sleeper 2 db --network shared
	serve 2 db 80
	local db db6 bridge
	db=$(ip_of 2 db)
	db6=$(ip6_of 2 db)
	wait_until 5 opens 1 web "$db6" 80
	on 1 network policy default shared deny
	wait_until 5 opens_not 1 web "$db6" 80
	on 1 network policy add shared web:db:80 >/dev/null
	wait_until 5 opens 1 web "$db" 80
	wait_until 5 opens 1 web "$db6" 80
	bridge="mb-$(on 2 network inspect -f '{{slice .Id 0 12}}' shared)"
	in_ns h2 ip link del "$bridge"
	on 2 network reload
	in_ns h2 sysctl -n "net.ipv4.conf.$bridge.forwarding" | grep -qx 1
	wait_until 20 opens 1 web "$db" 80
	wait_until 5 opens 1 web "$db6" 80
}

@test "policy: an address that moves to another host is reached there at once" {
	shared 3 --internal
	sleeper 1 web --network shared
	sleeper 2 db --network shared --ip 10.97.0.50
	on 1 network policy default shared deny
	on 1 network policy add shared web:10.97.0.50:icmp >/dev/null
	on 1 network policy add shared web:db:icmp >/dev/null
	wait_until 5 reaches 1 web 10.97.0.50
	known() { in_ns h1 ip neigh show 10.97.0.50 dev "mb-$(on 1 network inspect -f '{{slice .Id 0 12}}' shared)"; }
	[[ "$(known)" == *"lladdr 02:6e:cb:00:71:02"* ]]
	on 2 rm -f db >/dev/null
	sleeper 3 db --network shared --ip 10.97.0.50
	moved() { in_ns h1 bridge fdb show dev "$(tunnel 1 shared)" | grep -q 'dst 203.0.113.3'; }
	wait_until 5 moved
	knows_old() { [[ "$(known)" == *"lladdr 02:6e:cb:00:71:02"* ]]; }
	knows_old_not() { ! knows_old; }
	wait_until 1 knows_old_not
	wait_until 2 reaches 1 web 10.97.0.50
	for i in 1 2 3; do on $i system check; done
}

@test "policy: what comes from outside and goes there is judged by the container's own host" {
	shared 2
	on 1 run -d --name web -p 8080:80 --network shared deb sleep 1000 >/dev/null
	sleeper 2 db --network shared
	serve 1 web 80
	wait_until 5 knows 2 web
	local web i
	web=$(ip_of 1 web)
	out() { on "$1" exec "$2" ping -c 1 -W 1 "$3" >/dev/null 2>&1; }
	out_not() { ! out "$@"; }
	published() { timeout 2 bash -c "exec 3<>/dev/tcp/$wire.1/8080" 2>/dev/null; }
	published
	out 2 db $wire.254
	on 2 network policy default shared deny
	not_published() { ! published; }
	wait_until 5 not_published
	out_not 2 db $wire.254
	out_not 2 db 10.97.0.1
	on 2 network policy add shared outside:web:80 >/dev/null
	on 2 network policy add shared db:outside:icmp >/dev/null
	on 2 network policy add shared db:host:icmp >/dev/null
	wait_until 5 published
	out 2 db $wire.254
	out 2 db 10.97.0.1
	out_not 1 web $wire.254
	opens_not 2 db "$web" 80
	for i in 1 2; do on $i system check; done
}

@test "policy: a store that was made anew from a copy is believed, though its time begins again" {
	shared 2 --internal
	local id i
	sleeper 1 web --network shared
	wait_until 5 store_is 1 "http://"
	id=$(on 1 network policy add shared any:any:81)
	wait_until 5 has_rules 2 2
	ctl snapshot save "$dir/copy" >/dev/null 2>&1
	# Of which the copy knows nothing; and it is far behind.
	for i in {1..60}; do ctl put any thing >/dev/null; done
	on 1 network policy add shared any:any:82 >/dev/null
	on 2 network policy add shared any:any:83 >/dev/null
	wait_until 5 has_rules 1 4
	etcd_stop 1
	rm -rf "$dir/e1"
	ETCDCTL_API=3 etcdctl snapshot restore "$dir/copy" --name e1 --data-dir "$dir/e1" --initial-cluster "$(cat "$dir/cluster")" \
		--initial-cluster-token t --initial-advertise-peer-urls "http://$wire.201:2380" >/dev/null 2>&1
	etcd_start 1
	wait_until 20 etcd_is_well
	has_rule_alone() { [ "$(on "$1" network policy ls -q shared)" = "$id" ]; }
	wait_until 10 has_rule_alone 1
	has_rule_alone 2
	# What is changed from then on holds, at revisions that were there before.
	on 1 network policy add shared any:any:84 >/dev/null
	has_rules 2 3
	on 2 network policy add shared any:any:85 >/dev/null
	wait_until 5 has_rules 1 4
	on 1 network policy ls shared | grep -q 85
	for i in 1 2; do on $i system check; done
}
