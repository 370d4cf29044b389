#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# network check: faults are made, one at a time; each is named, and what is offered mends it.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	outside_begin
	outside_serve busybox nc -ll -p 443 -e cat
}
teardown_file() { outside_end; }
teardown() {
	nft delete table inet other 2>/dev/null || true
	nft delete table ip filter 2>/dev/null || true
	sysctl -q -w net.ipv4.ip_forward=1
	[ ! -e "$BATS_TEST_TMPDIR/server" ] || kill "$(cat "$BATS_TEST_TMPDIR/server")" 2>/dev/null || true
	teardown_store
}
host_listens() { ss -Hlnt "sport = :$1" | grep -q .; }
sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
server() { # server NAME WHERE OPTIONS: an echo server on [ADDRESS:]PORT
	mybox run -d --name "$1" "${@:3}" deb sh -c 'mkdir -p /www; exec httpd -f -h /www -p "$0"' "$2" >/dev/null
	wait_until 10 listening "$1" "${2##*:}"
}
# The resolver listens, too.
listening() { mybox exec "$1" grep -qE ":$(printf %04X "$2") 0+:0000 0A " /proc/net/tcp /proc/net/tcp6; }
two() { # two containers on one network, the second with a server
	mybox network create "$@" net1 >/dev/null
	sleeper app --network net1
	server web 80 --network net1
}
ip_of() { mybox inspect -f "{{.NetworkSettings.Networks.${2:-net1}.IPAddress}}" "$1"; }
pid_of() { mybox inspect -f '{{.State.Pid}}' "$1"; }
inside() { nsenter -t "$(pid_of "$1")" -n "${@:2}"; }
bridge_of() { echo "mb-$(mybox network inspect -f '{{slice .Id 0 12}}' "$1")"; }
port_of() { echo "mb$(mybox inspect -f '{{slice .Id 0 10}}' "$1")"; }
# Of this store: others have theirs beside it.
table() { mybox network check app web:80 | sed -n "s/.*table 'inet \(mybox[^']*\)' is complete.*/\1/p"; }

good() { # good A TARGET: nothing is wrong
	run mybox network check "$@"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output != *FAULT* ]]
}
fault() { # fault STEP TEXT A TARGET: the last step is the fault, and says TEXT
	run mybox network check "${@:3}"
	echo "$output"
	[ "$status" = 1 ]
	local last=${lines[${#lines[@]} - 2]}
	[[ $last == "FAULT  $1 "* ]]
	[[ $last == *"$2"* ]]
	[ "$(grep -c FAULT <<<"$output")" = 1 ]
	mend=${lines[${#lines[@]} - 1]}
	[[ $mend == "mend:  "* ]]
	mend=${mend#mend:  }
}
mends() { # the command that was offered, done, leaves nothing wrong
	eval "$mend" >/dev/null
	good "$@"
}

@test "all is well: by name, id, address, alias, without a port, over UDP's listener" {
	two
	good app web:80
	[[ ${lines[0]} == "ok     container   app runs" ]]
	[[ $output == *"ok     name        web is 10."* ]]
	[[ $output == *"connect     app connected to 10."* ]]
	good app "$(mybox inspect -f '{{slice .Id 0 12}}' web):80"
	good app "$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' web):80"
	good app web.net1:80
	good app web
	[[ $output == *"web listens on 80/tcp"* ]]
	run mybox network check --format '{{.OK}} {{(index .Steps 0).Step}}' app web:80
	[ "$output" = "true container" ]
	fault listener "nothing in web listens on port 53/udp" app web:53/udp
}

@test "what is asked wrongly" {
	two
	run mybox network check nosuch web
	[ "$status" = 1 ]
	[[ $output == *"No such container: nosuch"* ]]
	run mybox network check a 'web:0'
	[ "$status" = 1 ]
	[[ $output == *"'web:0' is no target"* ]]
	run mybox network check app app
	[ "$status" = 1 ]
	[[ $output == *"one network namespace"* ]]
	run mybox network check web "$(ip_of web):80"
	[ "$status" = 1 ]
	[[ $output == *"'web' and 'web' have one network namespace"* ]]
	[[ $output != *FAULT* ]]
	# Who shares it has the same address.
	sleeper side --network container:web
	run mybox network check side "$(ip_of web):80"
	[ "$status" = 1 ]
	[[ $output == *"'side' and 'web' have one network namespace"* ]]
}

@test "containers that do not run, are paused, or have no network" {
	two
	sleeper lonely --network none
	fault container "lonely is on no network" app lonely
	mybox pause web
	fault container "web is paused" app web:80
	mends app web:80
	mybox stop -t 0 web
	fault container "web does not run (exited)" app web:80
	[ "$mend" = "mybox start web" ]
	mybox stop -t 0 app
	fault container "app does not run (exited)" app web:80
}

@test "names: none, no common network, missing, changed resolv.conf, no resolver" {
	two
	fault name "is 'nosuch'" app nosuch:80
	mybox network create net2
	server far 80 --network net2
	fault name "no network in common (far is on 'net2')" app far:80
	[ "$mend" = "mybox network connect net2 app" ]
	fault address "networks are kept apart" app "$(mybox inspect -f '{{.NetworkSettings.Networks.net2.IPAddress}}' far):80"
	mends app far:80
	fault address "is app itself, not the host" app 127.0.0.1:80
	rm -rf "$run"/net/*/n/web
	fault name "the name 'web' is missing on network 'net1'" app web:80
	mends app web:80
	local monitor
	mybox exec app sh -c 'echo nameserver 192.0.2.1 >/etc/resolv.conf'
	fault name "/etc/resolv.conf of app was changed" app web:80
	mends app web:80
	monitor=$(awk '/^PPid/ { print $2 }' "/proc/$(pid_of app)/status")
	kill -9 "$monitor"
	wait_until 10 sh -c "! kill -0 $monitor 2>/dev/null || grep -q '^State:.Z' /proc/$monitor/status"
	fault name "the resolver of app does not answer: its monitor is gone" app web:80
	mybox system check --repair || true
	good app web:80
}

@test "isolation: icc=false, and an internal network from outside" {
	two -o com.docker.network.bridge.enable_icc=false
	fault isolation "keeps its containers from each other (icc=false)" app web:80
	mends app web:80
	mybox network create --internal net2
	sleeper shut --network net2
	fault isolation "'net2' is internal" shut 198.51.100.2:443
	mends shut 198.51.100.2:443
}

gateway_of() { mybox network inspect -f '{{(index .IPAM.Config 0).Gateway}}' "$1"; }

@test "an address of the host is reached by the network that has it, internal or not" {
	mybox network create net1
	mybox network create net2
	mybox network create --internal net3
	sleeper both --network net1 --network net2
	sleeper shut --network net3
	server pub 80 --network net1 -p 8080:80
	# Learnt by asking: what the container knows of net2's gateway is held against net2's bridge.
	mybox exec both ping -c 1 -W 5 "$(gateway_of net2)"
	good both "$(gateway_of net2):8080"
	[[ $output == *"network 'net2' reaches outside"* ]]
	[[ $output == *"$(gateway_of net2) is on the link 'eth1'"* ]]
	# The host has a server of its own.
	python3 -m http.server 8081 >/dev/null 2>&1 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/server"
	wait_until 20 host_listens 8081
	good shut "$(gateway_of net3):8081"
	[[ $output == *"network 'net3' reaches the host"* ]]
	good both "$(gateway_of net2):8081"
	kill "$(cat "$BATS_TEST_TMPDIR/server")"
	# Of what others publish it is kept.
	fault isolation "'net3' is internal: it reaches nothing that is published" shut "$(gateway_of net3):8080"
	mends shut pub:80
}

@test "inside: interface down, address gone, routes gone, blackhole, wrong neighbour" {
	two
	inside app ip link set eth0 down
	fault interface "'eth0' of app is down" app web:80
	mends app web:80
	inside web ip addr flush dev eth0
	fault address "'eth0' of web does not have its address" app web:80
	eval "$mend"
	inside app ip route flush 10.0.0.0/8
	local address
	address=$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' web)
	inside app ip route del default 2>/dev/null || true
	inside app ip route flush table main
	fault route "app has no route to $address" app web:80
	mends app web:80
	inside app ip route add blackhole 198.51.100.0/24
	fault route "app has a route of type 'blackhole'" app 198.51.100.2:443
	eval "$mend"
	fault route "app has no route to 198.51.100.2" app 198.51.100.2:443
	inside app ip route add "$(mybox network inspect -f '{{(index .IPAM.Config 0).Subnet}}' net1)" dev eth0
	mends app 198.51.100.2:443
	inside app ip neigh replace "$address" lladdr 02:00:00:00:00:99 dev eth0 nud permanent
	fault neighbour "takes 02:00:00:00:00:99 for the owner of $address" app web:80
	mends app web:80
}

@test "on the host: port out of its bridge, bridge down, bridge gone" {
	two
	ip link set "$(port_of web)" nomaster
	fault bridge "the host's end of web's 'eth0', is not in bridge" app web:80
	mends app web:80
	ip link set "$(port_of app)" down
	fault bridge "the host's end of app's 'eth0', is down" app web:80
	mends app web:80
	ip link set "$(bridge_of net1)" down
	fault bridge "bridge '$(bridge_of net1)' of network 'net1' is down" app web:80
	mends app web:80
	ip link del "$(bridge_of net1)"
	fault bridge "bridge '$(bridge_of net1)' of network 'net1' is missing" app web:80
	mends app web:80
}

@test "our rules: flushed, without rules, without an element; reload by name" {
	no_keeper
	two
	server pub 80 --network net1 -p 8080:80
	good app 198.51.100.1:8080
	[[ $output == *"port 8080 of the host leads to port 80 of pub"* ]]
	local t
	t=$(table)
	nft flush ruleset
	fault firewall "nftables table 'inet $t' is missing" app web:80
	[ "$mend" = "mybox network reload" ]
	mends app web:80
	good app 198.51.100.1:8080
	nft flush table inet "$t"
	fault firewall "has lost its rules" app web:80
	mybox network reload net1
	good app web:80
	nft flush set inet "$t" nets
	fault firewall "set 'nets'" app web:80
	mybox network reload -a
	nft flush map inet "$t" dnat4any
	fault published "port 8080 of the host is not led to pub" app 198.51.100.1:8080
	mends app 198.51.100.1:8080
	run mybox network reload nosuch
	[ "$status" = 1 ]
	[[ $output == *"No such network or container: nosuch" ]]
	# A container stands for its networks.
	nft flush map inet "$t" dnat4any
	fault published "port 8080 of the host is not led to pub" app 198.51.100.1:8080
	mybox network reload pub
	good app 198.51.100.1:8080
	mybox create --name idle --network net1 deb true
	run -1 mybox network reload idle
	[[ $output == *"container idle is not running" ]]
	run mybox network reload -a net1
	[ "$status" = 1 ]
	[[ $output == *"exclude each other"* ]]
}

@test "policies: the rule that denies, the default, the host, outside by address and name, published" {
	two
	mybox network policy add --action deny --from app --to web --port 80 net1
	fault policy "rule 1 of network 'net1' denies it: from app to web 80/tcp" app web:80
	[ "$mend" = "mybox network policy add --before 1 --from app --to web --port 80/tcp net1" ]
	mybox network policy add --before 1 --from app --to web --port 80/tcp net1
	good app web:80
	[[ $output == *"rule 2 of network 'net1' allows it"* ]]
	mybox network policy rm net1 1 2
	mybox network policy default net1 deny
	fault policy "no rule of network 'net1' allows it, and its default is deny" app web:80
	mybox network policy add --from app --to web --port 80/tcp net1
	good app web:80
	# Of what is not asked for nothing is said.
	run mybox network check app web
	[[ $output != *policy* ]]
	fault policy "its default is deny" app 198.51.100.2:443
	[ "$mend" = "mybox network policy add --from app --to 198.51.100.2 --port 443/tcp net1" ]
	mybox network policy add --from app --to 198.51.100.2 --port 443/tcp net1
	good app 198.51.100.2:443
	fault policy "its default is deny" app 198.51.100.1:2222
	[ "$mend" = "mybox network policy add --from app --to host --port 2222/tcp net1" ]
	# A name that the network has for the outside leads to the address's rule.
	mybox network endpoint add net1 far 198.51.100.2
	good app far:443
	fault policy "its default is deny" app far.net1:444
	[ "$mend" = "mybox network policy add --from app --to 198.51.100.2 --port 444/tcp net1" ]
	# Published on another network: its policy has a say, too.
	mybox network create net2
	server shop 80 --network net2 -p 198.51.100.1:8080:80
	mybox network policy add --from app --to outside --port 80 net1
	good app 198.51.100.1:8080
	mybox network policy default net2 deny
	fault policy "no rule of network 'net2' allows it" app 198.51.100.1:8080
	mybox network policy add --from outside --to shop --port 80 net2
	good app 198.51.100.1:8080
}

@test "the host: forwarding off, nobody at a port, rules of others" {
	two
	sysctl -q -w net.ipv4.ip_forward=0
	fault forwarding "net.ipv4.ip_forward is 0" app 198.51.100.2:443
	mends app 198.51.100.2:443
	fault listener "no container publishes port 9999/tcp" app 198.51.100.1:9999
	nft add table inet other
	nft add chain inet other forward '{ type filter hook forward priority 0; policy drop; }'
	fault foreign "chain 'forward' of table 'inet other'" app 198.51.100.2:443
	mends app 198.51.100.2:443
	nft delete table inet other
	# As docker and ufw lay theirs out.
	nft add table ip filter
	nft add chain ip filter FORWARD '{ type filter hook forward priority 0; policy drop; }'
	nft add chain ip filter DOCKER-USER
	fault foreign "chain 'FORWARD' of table 'ip filter'" app 198.51.100.2:443
	[[ $mend == "iptables -I DOCKER-USER -i $(bridge_of net1) -j ACCEPT && "* ]]
	nft delete chain ip filter DOCKER-USER
	nft add chain ip filter ufw-user-forward
	fault foreign "chain 'FORWARD' of table 'ip filter'" app 198.51.100.2:443
	[ "$mend" = "ufw route allow in on $(bridge_of net1) && ufw route allow out on $(bridge_of net1)" ]
	nft delete table ip filter
	# As firewalld does: the chain accepts, its last rule does not.
	nft add table inet firewalld
	nft add chain inet firewalld filter_FORWARD '{ type filter hook forward priority 10; policy accept; }'
	nft add rule inet firewalld filter_FORWARD ct state established,related accept
	nft add rule inet firewalld filter_FORWARD reject with icmpx type admin-prohibited
	fault foreign "chain 'filter_FORWARD' of table 'inet firewalld' drops what it does not know (its last rule rejects)" app 198.51.100.2:443
	[ "$mend" = "firewall-cmd --permanent --zone=trusted --add-interface=$(bridge_of net1) && firewall-cmd --reload" ]
	nft insert rule inet firewalld filter_FORWARD iifname "$(bridge_of net1)" accept
	good app 198.51.100.2:443
	nft delete table inet firewalld
	# A rule that drops, in a chain that does not: only trying finds it.
	nft add table inet other
	nft add chain inet other forward '{ type filter hook forward priority 0; }'
	nft add rule inet other forward tcp dport 443 drop
	fault connect "no answer, though all that can be read is right" app 198.51.100.2:443
}

@test "neighbours under a policy: the host forwards between them" {
	two
	mybox network policy default net1 deny
	mybox network policy add net1 app:web:80
	local subnet
	subnet=$(mybox network inspect -f '{{(index .IPAM.Config 0).Subnet}}' net1)
	good app web:80
	[[ $output == *"net.ipv4.ip_forward is on"* ]]
	sysctl -q -w net.ipv4.ip_forward=0
	fault forwarding "net.ipv4.ip_forward is 0" app web:80
	mends app web:80
	nft add table inet other
	nft add chain inet other forward '{ type filter hook forward priority 0; policy drop; }'
	fault foreign "chain 'forward' of table 'inet other'" app web:80
	# Their ports are in no bridge: what names one opens nothing.
	[[ $mend == "nft insert rule inet other forward ip saddr $subnet accept && "* ]]
	mends app web:80
	nft delete table inet other
	nft add table ip filter
	nft add chain ip filter FORWARD '{ type filter hook forward priority 0; policy drop; }'
	nft add chain ip filter DOCKER-USER
	fault foreign "chain 'FORWARD' of table 'ip filter'" app web:80
	[ "$mend" = "iptables -I DOCKER-USER -s $subnet -j ACCEPT && iptables -I DOCKER-USER -d $subnet -j ACCEPT" ]
	nft delete chain ip filter DOCKER-USER
	nft add chain ip filter ufw-user-forward
	fault foreign "chain 'FORWARD' of table 'ip filter'" app web:80
	[ "$mend" = "ufw route allow from $subnet && ufw route allow to $subnet" ]
	nft delete table ip filter
	# Without a policy they are bridged, past all of that.
	mybox network policy rm net1 1
	mybox network policy default net1 allow
	sysctl -q -w net.ipv4.ip_forward=0
	good app web:80
	[[ $output != *" forwarding "* ]]
}

@test "outside: the host has no way there, or one that refuses; the far end refuses" {
	two
	fault uplink "this host has no route to 203.0.113.9" app 203.0.113.9:80
	ip route add default via 198.51.100.2
	run mybox network check app 203.0.113.9:80
	[[ $output == *"203.0.113.9 goes by 'host0' to 198.51.100.2"* ]]
	ip route del default
	ip route add prohibit 203.0.113.0/24
	fault uplink "this host has a route of type 'prohibit' for 203.0.113.9" app 203.0.113.9:80
	[ "$mend" = "ip -4 route flush type prohibit" ]
	ip route del prohibit 203.0.113.0/24
	good app https://198.51.100.2
	fault connect "198.51.100.2 answers, and refuses port 444" app 198.51.100.2:444
}

@test "the server: not there, on 127.0.0.1 only, behind its own firewall; way back; mtu" {
	two
	fault listener "nothing in web listens on port 81/tcp" app web:81
	[ "$mend" = "mybox logs web" ]
	server shy 127.0.0.1:80 --network net1
	fault listener "listens on 127.0.0.1 only, not on 10." app shy:80
	[ "$mend" = "have it listen on 0.0.0.0:80" ]
	inside web nft add table ip own
	inside web nft add chain ip own in '{ type filter hook input priority 0; policy drop; }'
	fault inside "chain 'in' of table 'ip own' inside web drops what comes in" app web:80
	mends app web:80
	inside web ip route add prohibit "$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' app)"
	fault "way back" "web has a route of type 'prohibit'" app web:80
	mends app web:80
	inside web ip link set eth0 mtu 1300
	fault mtu "'eth0' of app sends packets of 1500 bytes, but the way takes 1300" app web:80
	mends app web:80
}

@test "a network upon an interface of the host: no bridge, the rest as everywhere" {
	mybox network create -d macvlan -o parent=host0 --subnet 198.51.100.0/24 --ip-range 198.51.100.128/25 mac1 || skip "needs macvlan"
	sleeper app --network mac1
	server web 80 --network mac1
	good app web:80
	[[ $output != *"  bridge "* ]]
	fault listener "nothing in web listens on port 81/tcp" app web:81
	inside app ip link set eth0 down
	fault interface "'eth0' of app is down" app web:80
	mends app web:80
}
