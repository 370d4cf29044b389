#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Policies: who may reach whom on a network, from it and into it; live, counted, kept.
# bats file_tags=cgroup:any
load helpers

# Another machine, and something that answers TCP and UDP with what it was sent.
setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	cat >"$BATS_FILE_TMPDIR/serve" <<-'PY'
		import os, select, socket, sys
		socks = []
		for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
		    for port in map(int, sys.argv[1:]):
		        s = socket.socket(socket.AF_INET6, kind)
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		        s.bind(("::", port))
		        if kind == socket.SOCK_STREAM:
		            s.listen(50)
		        socks.append(s)
		listeners = list(socks)
		while True:
		    for s in select.select(socks, [], [])[0]:
		        if s in listeners and s.type == socket.SOCK_STREAM:
		            socks.append(s.accept()[0])
		            continue
		        try:
		            data, who = s.recvfrom(1000)
		            s.sendto(data, who) if who else s.send(data)
		        except OSError:
		            data = b""
		        if not data:
		            socks.remove(s)
		            s.close()
	PY
	cat >"$BATS_FILE_TMPDIR/ask" <<-'PY'
		import os, socket, sys
		proto, host, port = sys.argv[1:]
		s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
		                  socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM)
		s.settimeout(float(os.environ.get("PATIENCE", "1")))
		s.connect(socket.getaddrinfo(host, int(port))[0][4])
		s.send(b"hello")
		assert s.recv(100) == b"hello"
	PY
	# Keeps one connection: each line of its input is sent, "yes" or "no" tells of the answer.
	cat >"$BATS_FILE_TMPDIR/keep" <<-'PY'
		import socket, sys
		s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
		s.settimeout(1)
		for line in sys.stdin:
		    try:
		        s.send(line.encode())
		        print("yes" if s.recv(100) else "no", flush=True)
		    except OSError:
		        print("no", flush=True)
	PY
	outside_begin
	outside_serve python3 "$BATS_FILE_TMPDIR/serve" 80 81
}
teardown_file() { outside_end; }

# nf_call NUMBER: whether bridged frames pass the firewall too, on kernels that have the switch.
nf_call() {
	local s
	for s in /proc/sys/net/bridge/bridge-nf-call-ip{,6}tables; do
		[ ! -e "$s" ] || echo "$1" >"$s"
	done
}
teardown() {
	nf_call 1
	[ ! -e "$BATS_TEST_TMPDIR/pids" ] || xargs -r kill <"$BATS_TEST_TMPDIR/pids" 2>/dev/null || true
	teardown_store
	# Nothing of any policy is left.
	local set t
	for t in $(nft list tables | sed -n 's/^table inet \(mybox.*\)/\1/p'); do
		for set in governed member4 member6 range4 range6 host_class decide rules; do
			run ! grep -q elements <(nft list set inet "$t" "$set" 2>/dev/null; nft list map inet "$t" "$set" 2>/dev/null)
		done
	done
}

ip_of() { mybox inspect -f "{{.NetworkSettings.Networks.${2:-net1}.IPAddress}}" "$1"; }
in_net() { nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' "$1")/ns/net" "${@:2}"; }
sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
server() { # server NAME OPTIONS: answers on ports 80 and 81, TCP and UDP
	sleeper "$@"
	serve "$1"
}
serve() {
	# Not by in_net: what is killed must be the server, not a shell above it.
	nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' "$1")/ns/net" python3 "$BATS_FILE_TMPDIR/serve" 80 81 >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	wait_until 20 in_net "$1" python3 "$BATS_FILE_TMPDIR/ask" tcp 127.0.0.1 80 2>/dev/null
}
asks() { # asks CONTAINER ADDRESS PORT [PROTO]
	in_net "$1" python3 "$BATS_FILE_TMPDIR/ask" "${4:-tcp}" "$2" "$3" 2>/dev/null
}
outside_asks() { outside python3 "$BATS_FILE_TMPDIR/ask" "${3:-tcp}" "$1" "$2" 2>/dev/null; }
host_asks() { python3 "$BATS_FILE_TMPDIR/ask" "${3:-tcp}" "$1" "$2" 2>/dev/null; }
packets() { mybox network policy ls --format '{{.ID}} {{.Packets}}' "${2:-net1}" | sed -n "s/^$1 //p"; }
# silent COMMAND...: does not get through, in the time that an answer takes here.
silent() { PATIENCE=0.3 run ! "$@"; }
# refused COMMAND...: the same, and RULE counts that.
refused() { # refused RULE-ID COMMAND...
	local before
	before=$(packets "$1")
	silent "${@:2}"
	[ "$(packets "$1")" -gt "$before" ]
}

pairs() {
	mybox network create net1
	server db --network net1
	sleeper web --network net1
	sleeper other --network net1
	local db
	db=$(ip_of db)
	asks web "$db" 80
	# Live: they have talked in the bridge and know each other's link address.
	mybox network policy default net1 deny
	[ "$(mybox network policy default net1)" = deny ]
	refused default asks web "$db" 80
	refused default asks web "$db" 80 udp
	[ "$(mybox network policy add --from web --to db --port 80/tcp net1)" = 1 ]
	wait_until 5 asks web "$db" 80
	refused default asks web "$db" 80 udp
	refused default asks web "$db" 81
	refused default asks other "$db" 80
	refused default asks db "$(ip_of web)" 80
	[ "$(mybox network policy add net1 other:db:81/udp)" = 2 ]
	wait_until 5 asks other "$db" 81 udp
	refused default asks other "$db" 81
	[ "$(packets 1)" -ge 6 ]
	[ "$(packets 2)" -ge 2 ]
	mybox network policy rm net1 1
	refused default asks web "$db" 80
	asks other "$db" 81 udp
	mybox network policy default net1 allow
	wait_until 5 asks web "$db" 80
	mybox network policy rm net1 2
	# As if there had never been one: back in the bridge.
	wait_until 5 asks web "$db" 80
	[ "$(ip -o link show master "$(mybox network inspect -f 'mb-{{slice .Id 0 12}}' net1)" | wc -l)" = 3 ]
}

@test "pairs within a network, TCP and UDP, changed live" { pairs; }
@test "the same where bridged frames do not pass the firewall" {
	nf_call 0
	pairs
}

@test "the first rule that matches decides; --before" {
	mybox network create net1
	server db --network net1
	sleeper web --network net1
	local db
	db=$(ip_of db)
	mybox network policy add --from web --to db --action deny --port tcp net1
	refused 1 asks web "$db" 80
	asks web "$db" 80 udp
	mybox network policy add --from web --port 80-81 net1
	refused 1 asks web "$db" 81
	mybox network policy add --from web --to any --port 81 --before 1 net1
	wait_until 5 asks web "$db" 81
	refused 1 asks web "$db" 80
	[ "$(mybox network policy ls -q net1 | xargs)" = "3 1 2" ]
	run mybox network policy test net1 web db:81
	[ "$status" = 0 ]
	[ "$output" = "allow: rule 3, from web to any 81/tcp" ]
	run mybox network policy test net1 web db:80
	[ "$status" = 1 ]
	[ "$output" = "deny: rule 1, from web to db tcp" ]
}

@test "labels, for those that are there and those that come" {
	mybox network create net1
	mybox network policy default net1 deny
	mybox network policy add --from label=tier=app --to label=store --port 80 net1
	server db1 --network net1 --label store=1
	sleeper app1 --network net1 --label tier=app
	sleeper none --network net1 --label tier=application
	wait_until 5 asks app1 "$(ip_of db1)" 80
	refused default asks none "$(ip_of db1)" 80
	refused default asks app1 "$(ip_of none)" 80
	server db2 --network net1 --label store=2
	sleeper app2 --network net1 --label tier=app
	wait_until 5 asks app1 "$(ip_of db2)" 80
	wait_until 5 asks app2 "$(ip_of db1)" 80
	run mybox network policy test net1 label=tier=app db2:80
	[ "$status" = 0 ]
	# A label's value ends where the port begins, as in a rule.
	mybox network policy add net1 app1:label=tier=db:5432
	run mybox network policy test net1 app1 label=tier=db:5432
	[ "$status" = 0 ]
	[[ $output == "allow: rule 2, from app1 to label=tier=db 5432/tcp" ]]
	run mybox network policy test net1 app1 label=tier=db:5433
	[ "$status" = 1 ]
}

@test "an address without brackets has colons of its own, but no port" {
	mybox network create --ipv6 net1
	sleeper web --network net1
	mybox network policy add --action deny --to 2001:db8::80 --port 80 net1
	run mybox network policy test net1 web 2001:db8::80
	[ "$status" = 0 ]
	run mybox network policy test net1 web '[2001:db8::80]:80'
	[ "$status" = 1 ]
	[ "$output" = "deny: rule 1, from any to 2001:db8::80 80/tcp" ]
}

@test "a restart with another address, a rename, an alias, disconnect and connect" {
	mybox network create net1
	mybox network policy default net1 deny
	mybox network policy add net1 web:db:80
	server db --network net1
	sleeper web --network net1
	wait_until 5 asks web "$(ip_of db)" 80
	local before
	before=$(ip_of web)
	mybox stop -t 0 web
	sleeper thief --network net1 --ip "$before"
	refused default asks thief "$(ip_of db)" 80
	mybox start web
	[ "$(ip_of web)" != "$before" ]
	wait_until 5 asks web "$(ip_of db)" 80
	mybox rename web www
	refused default asks www "$(ip_of db)" 80
	mybox rename www web
	wait_until 5 asks web "$(ip_of db)" 80
	mybox network disconnect net1 web
	mybox network connect net1 web
	wait_until 5 asks web "$(ip_of db)" 80
	mybox network disconnect net1 thief
	mybox network connect --alias web net1 thief
	wait_until 5 asks thief "$(ip_of db)" 80
	[ "$(packets 1)" -gt 10 ]
}

@test "out of the network by address, and to the host" {
	mybox network create net1
	sleeper web --network net1
	sleeper other --network net1
	mybox network policy default net1 deny
	refused default asks web 198.51.100.2 80
	mybox network policy add --from web --to 198.51.100.0/24 --port 80 net1
	wait_until 5 asks web 198.51.100.2 80
	refused default asks web 198.51.100.2 81
	refused default asks other 198.51.100.2 80
	mybox network policy add --action deny --to 198.51.100.2 --before 1 net1
	refused 2 asks web 198.51.100.2 80
	mybox network policy rm net1 2
	mybox network policy add --from label=x --to outside net1
	refused default asks other 198.51.100.2 80
	# The host is a side of its own, by whatever address of it.
	python3 "$BATS_FILE_TMPDIR/serve" 7780 >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	wait_until 20 host_asks 127.0.0.1 7780
	refused default asks web 198.51.100.1 7780
	mybox network policy add --from web --to host --port 7780 net1
	wait_until 5 asks web 198.51.100.1 7780
	wait_until 5 asks web "$(mybox network inspect -f '{{(index .IPAM.Config 0).Gateway}}' net1)" 7780
	refused default asks other 198.51.100.1 7780
	# What the host opens passes.
	serve other
	host_asks "$(ip_of other)" 80
	run mybox network policy test net1 host other:80
	[ "$status" = 0 ]
}

published() {
	mybox network create net1
	server web --network net1 -p 8080:80 -p 8080:80/udp
	sleeper other --network net1
	wait_until 5 outside_asks 198.51.100.1 8080
	mybox network policy default net1 deny
	refused default outside_asks 198.51.100.1 8080
	refused default outside_asks 198.51.100.1 8080 udp
	refused default asks other 198.51.100.1 8080
	host_asks 127.0.0.1 8080
	host_asks 198.51.100.1 8080
	# By the port in the container, and the client's own address.
	mybox network policy add --from 198.51.100.2 --to web --port 80 net1
	wait_until 5 outside_asks 198.51.100.1 8080
	refused default outside_asks 198.51.100.1 8080 udp
	mybox network policy add --from outside --to web --port udp net1
	wait_until 5 outside_asks 198.51.100.1 8080 udp
	mybox network policy add --from other --to web --port 80 net1
	wait_until 5 asks other 198.51.100.1 8080
	mybox network policy add --from web --to web net1
	wait_until 5 asks web 198.51.100.1 8080
}
@test "published ports under a deny policy" { published; }
@test "published ports where bridged frames do not pass the firewall" {
	nf_call 0
	published
}

@test "a connection that is open is cut and goes on, as rules say" {
	mybox network create net1
	server db --network net1
	sleeper web --network net1
	local ns db
	ns=/proc/$(mybox inspect -f '{{.State.Pid}}' web)/ns/net db=$(ip_of db)
	coproc KEEP { exec nsenter --net="$ns" python3 "$BATS_FILE_TMPDIR/keep" "$db" 80 2>/dev/null 3>&-; }
	local answer
	told() { echo x >&"${KEEP[1]}" && read -r -t 20 answer <&"${KEEP[0]}" && [ "$answer" = "$1" ]; }
	told yes
	mybox network policy add --from web --to db --action deny net1
	told no
	mybox network policy rm net1 1
	wait_until 20 told yes
	kill "$KEEP_PID"
}

@test "IPv6 as IPv4" {
	mybox network create --ipv6 net6
	server db --network net6
	sleeper web --network net6
	local six
	six=$(mybox inspect -f '{{.NetworkSettings.Networks.net6.GlobalIPv6Address}}' db)
	wait_until 10 asks web "$six" 80
	mybox network policy default net6 deny
	silent asks web "$six" 80
	[ "$(packets default net6)" -gt 0 ]
	mybox network policy add --from web --to "$six" --port 80 net6
	wait_until 10 asks web "$six" 80
	silent asks web "$(ip_of db net6)" 80
	sleeper late --network net6
	mybox network policy add net6 late:db
	wait_until 10 asks late "$six" 81 udp
	# The interface of the life before, and the way to it, may be there still.
	for _ in 1 2 3 4; do
		mybox restart -t 0 late
		wait_until 10 asks late "$six" 81
		wait_until 10 asks late "$(ip_of db net6)" 81
	done
	mybox network policy rm net6 1 2
	mybox network policy default net6 allow
	wait_until 10 asks late "$six" 81
}

@test "nobody gets past a rule to the host by a link's own address" {
	mybox network create --ipv6 net6
	sleeper web --network net6
	mybox network policy add --action deny net6 web:host:80
	python3 "$BATS_FILE_TMPDIR/serve" 80 81 >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	wait_until 20 host_asks 127.0.0.1 80
	local gateway link own
	gateway=$(mybox inspect -f '{{.NetworkSettings.Networks.net6.IPv6Gateway}}' web)
	own="mb$(mybox inspect -f '{{slice .Id 0 10}}' web)"
	link_of() { ip -o -6 addr show dev "$own" scope link | grep -v tentative | sed 's/.*inet6 \([^/]*\).*/\1/'; }
	has_link() { [ -n "$(link_of)" ]; }
	wait_until 20 has_link
	link=$(link_of)
	wait_until 10 asks web "$gateway" 81
	silent asks web "$gateway" 80
	# The host is there by it: it is asked who has it, and says so.
	silent asks web "$link%eth0" 80
	[ -n "$(in_net web ip -6 neigh show "$link" dev eth0 | grep lladdr)" ]
	silent asks web "$link%eth0" 80 udp
	# nft(8) shows the rule.
	nft list chain inet "$(nft list tables | sed -n 's/^table inet \(mybox.*\)/\1/p' | head -1)" to_host
}

@test "nobody speaks with another's address" {
	mybox network create net1
	server db --network net1
	sleeper web --network net1
	sleeper other --network net1
	mybox network policy default net1 deny
	mybox network policy add net1 web:db
	local web db
	web=$(ip_of web) db=$(ip_of db)
	mybox stop -t 0 web
	in_net other ip addr add "$web/32" dev eth0
	in_net other ip route add "$db/32" dev eth0 src "$web"
	silent asks other "$db" 80 udp
	silent asks other "$db" 80
	[ "$(packets 1)" = 0 ]
}

@test "--internal and icc off hold as well" {
	mybox network create --internal net1
	mybox network create -o com.docker.network.bridge.enable_icc=false net2
	server db --network net1
	sleeper web --network net1
	server db2 --network net2
	sleeper web2 --network net2
	mybox network policy default net1 deny
	mybox network policy add net1 web:db:80
	mybox network policy add net1 web:outside
	mybox network policy add net2 web2:db2
	wait_until 5 asks web "$(ip_of db)" 80
	refused default asks web "$(ip_of db)" 81
	silent asks web 198.51.100.2 80
	silent asks web2 "$(ip_of db2 net2)" 80
	wait_until 5 asks web2 198.51.100.2 80
	run mybox network policy test net2 web2 db2
	[ "$status" = 1 ]
	[[ $output == *"icc is off"* ]]
	run mybox network policy test net1 web outside:80
	[ "$status" = 1 ]
	[[ $output == *internal* ]]
}

@test "a flush of the firewall, a killed change, a bridge that is gone: put right" {
	no_keeper
	mybox network create net1
	server db --network net1
	sleeper web --network net1
	mybox network policy default net1 deny
	mybox network policy add net1 web:db:80
	nft flush ruleset
	run mybox system check
	[ "$status" != 0 ]
	mybox system check --repair || true
	mybox system check
	wait_until 5 asks web "$(ip_of db)" 80
	refused default asks web "$(ip_of db)" 81
	# A reload leaves everybody out of the bridge, and makes the way to them anew.
	ip link set "mb$(mybox inspect -f '{{slice .Id 0 10}}' db)" down
	nft flush ruleset
	mybox network reload
	mybox system check
	wait_until 5 asks web "$(ip_of db)" 80
	refused default asks web "$(ip_of db)" 81
	# That its ports are not in the bridge is no fault here, and nothing to mend by hand.
	run mybox network check web "$(ip_of db):80"
	[ "$status" = 0 ]
	[[ $output == *"the host answers for all of network 'net1'"* ]]
	# Killed before it did what it had written down.
	local i
	for i in 1 2 3 4 5 6; do
		"${box[@]}" network policy default net1 "$([ $((i % 2)) = 0 ] && echo deny || echo allow)" & pid=$!
		sleep "0.0$i"
		kill -9 $pid 2>/dev/null || true
		wait $pid || true
	done
	"${box[@]}" network policy default net1 deny & pid=$!
	wait $pid
	mybox system check --repair || true
	mybox system check
	refused default asks web "$(ip_of db)" 81
	asks web "$(ip_of db)" 80
	# By hand into the bridge, past the policy.
	ip link set "mb$(mybox inspect -f '{{slice .Id 0 10}}' web)" master "$(mybox network inspect -f 'mb-{{slice .Id 0 12}}' net1)"
	run mybox system check
	[ "$status" != 0 ]
	[[ $output == *"which has a policy"* ]]
	mybox system check --repair || true
	mybox system check
	wait_until 40 asks web "$(ip_of db)" 80
}

@test "policies are kept without containers, shown by ls, and go with their network" {
	mybox network create net1
	mybox network policy add --from any --to 10.0.0.0/8 --action deny net1
	mybox network policy add net1 web:[fd00::/8]:53/udp
	run mybox network policy ls net1
	[ "${#lines[@]}" = 4 ]
	[[ ${lines[0]} =~ ^RULE\ ID.*FROM.*TO.*PORT.*ACTION.*PACKETS.*BYTES ]]
	[ "$(mybox network policy ls --format '{{.ID}} {{.From}} {{.To}} {{.Port}} {{.Action}}' net1)" = "1 any 10.0.0.0/8 any deny
2 web fd00::/8 53/udp allow
default any any any allow" ]
	[ "$(mybox network policy ls --format json net1 | head -1 | python3 -c 'import json,sys; print(json.load(sys.stdin)["Bytes"])')" = 0 ]
	mybox network policy rm net1 1
	[ "$(mybox network policy add net1 a1:b1)" = 3 ]
	[ "$(mybox network policy list -q net1 | xargs)" = "2 3" ]
}

@test "bad rules are refused in one line" {
	mybox network create net1
	mybox network policy add net1 a1:b1
	local args
	for args in "net1" "--port 0 net1" "--port 99999 net1" "--port 80/xyz net1" "--port 90-80 net1" \
		"--port 1-65535 net1" "--port 80/icmp net1" "--from 10.0.0.0/33 net1" "--from label= net1" \
		"--from label==x net1" "--from name= net1" "--from a/b net1" "--from host net1" "net1 x" \
		"net1 a:b:c:d" "net1 [::1:b" "net1 :" "--before 9 net1 a:b" "--before x net1 a:b" \
		"--from a net1 a:b" "--action maybe net1 a:b" "--from web host" "--from web none"; do
		# shellcheck disable=SC2086
		run --separate-stderr mybox network policy add $args
		[ "$status" != 0 ]
		[ -z "$output" ]
		# shellcheck disable=SC2154
		[ "${#stderr_lines[@]}" -ge 1 ]
		[[ ${stderr_lines[0]} == *mybox* ]] || [[ ${stderr_lines[0]} == *invalid* ]]
	done
	run mybox network policy add nosuch a:b
	[ "$status" = 1 ]
	run mybox network policy rm net1 2
	[ "$status" = 1 ]
	[[ $output == *"has no rule 2"* ]]
	run mybox network policy rm net1 x
	[ "$status" = 1 ]
	run mybox network policy default net1 maybe
	[ "$status" = 1 ]
	run mybox network policy test net1 a any
	[ "$status" = 1 ]
	[[ $output == *"nobody in particular"* ]]
	run mybox network policy nosuch
	[ "$status" = 1 ]
	[ "$(mybox network policy ls -q net1)" = 1 ]
}

@test "what rules counted is kept: over reload, a lost table, a change" {
	no_keeper
	mybox network create net1
	server db --network net1
	sleeper web --network net1
	mybox network policy default net1 deny
	mybox network policy add net1 web:db:80
	asks web "$(ip_of db)" 80
	refused default asks web "$(ip_of db)" 81
	local allowed denied
	allowed=$(packets 1) denied=$(packets default)
	[ "$allowed" -ge 4 ]
	mybox network reload
	[ "$(packets 1)" -ge "$allowed" ]
	[ "$(packets default)" -ge "$denied" ]
	# Lost: what was last seen is where it goes on.
	allowed=$(packets 1) denied=$(packets default)
	nft flush ruleset
	mybox network reload
	[ "$(packets 1)" -ge "$allowed" ]
	[ "$(packets default)" -ge "$denied" ]
	wait_until 5 asks web "$(ip_of db)" 80
	[ "$(packets 1)" -gt "$allowed" ]
	# A rule that is new has counted nothing, and a default that is another one.
	[ "$(mybox network policy add net1 db:web:80)" = 2 ]
	[ "$(packets 2)" = 0 ]
	allowed=$(packets 1)
	mybox network policy default net1 allow
	[ "$(packets default)" = 0 ]
	[ "$(packets 1)" -ge "$allowed" ]
	# They go with the policy.
	mybox network policy rm net1 1 2
	mybox network policy default net1 deny
	[ "$(packets default)" = 0 ]
}

# ---- names of the world --------------------------------------------------------------------------

# A name server in the outside: NAME -> addresses, as names.txt has them now; counts nothing, keeps
# nothing.  "bad" names get what no server should say.
dns_server() {
	cat >"$BATS_TEST_TMPDIR/dns" <<-'PY'
		import socket, struct, sys, threading
		def wire(name):
		    return b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0"
		def answer(q):
		    at, labels = 12, []
		    while q[at]:
		        labels.append(q[at + 1:at + 1 + q[at]].decode())
		        at += 1 + q[at]
		    name, kind = ".".join(labels).lower(), struct.unpack(">H", q[at + 1:at + 3])[0]
		    records = []
		    with open(sys.argv[1]) as f:
		        table = dict((l.split()[0], l.split()[1:]) for l in f if l.strip())
		    if name not in table:
		        return q[:2] + struct.pack(">HHHHH", 0x8183, 1, 0, 0, 0) + q[12:at + 5]
		    owner = b"\xc0\x0c"
		    for a in table[name]:
		        if a.startswith("="):
		            alias = wire(a[1:])
		            records.append(owner + struct.pack(">HHIH", 5, 1, 9999, len(alias)) + alias)
		            owner = alias
		            continue
		        six = ":" in a
		        if kind == (28 if six else 1):
		            data = socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, a)
		            records.append(owner + struct.pack(">HHIH", kind, 1, 9999, len(data)) + data)
		    return q[:2] + struct.pack(">HHHHH", 0x8180, 1, len(records), 0, 0) + q[12:at + 5] + b"".join(records)
		def tcp(s):
		    while True:
		        c = s.accept()[0]
		        n = struct.unpack(">H", c.recv(2))[0]
		        a = answer(c.recv(n))
		        # In pieces: a reader must be ready for that.
		        c.sendall(struct.pack(">H", len(a)) + a[:20])
		        c.sendall(a[20:])
		        c.close()
		u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		t = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
		t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		for s in u, t:
		    s.bind(("198.51.100.2", 53))
		t.listen(10)
		threading.Thread(target=tcp, args=(t,), daemon=True).start()
		while True:
		    q, who = u.recvfrom(2000)
		    u.sendto(answer(q), who)
	PY
	names=$BATS_TEST_TMPDIR/names.txt
	cat >"$names"
	nsenter --net="/proc/$(cat "$BATS_FILE_TMPDIR/outside")/ns/net" python3 "$BATS_TEST_TMPDIR/dns" "$names" >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	local i
	for i in 2 3 4 5 6; do outside ip addr add "198.51.100.1$i/24" dev out0 2>/dev/null || true; done
	serves_names() { [ "$(host_resolves ready.example)" = 198.51.100.99 ]; }
	echo "ready.example 198.51.100.99" >>"$names"
	wait_until 10 serves_names
}
host_resolves() { timeout 5 busybox nslookup -type=a "$1" 198.51.100.2 2>/dev/null | sed -n '/^Name:/,$ s/^Address[^:]*: *//p'; }
resolves() { mybox exec "$1" nslookup "$2" 127.0.0.11 >/dev/null 2>&1; }
learnt() { nft list map inet "$(table_of)" learnt4 | grep -o "198\.51\.100\.[0-9]*" | sort -u | xargs; }
# 198.51.100.12 has been open for a while; nft shows how long it still is.
less_than_whole() { nft list set inet "$(table_of)" open4 | grep -o '198\.51\.100\.12 [^,}]*' | grep -q 'expires 4m5[0-7]s'; }
table_of() { # of this store: the one with a governed network
	local t
	for t in $(nft list tables | sed -n 's/^table inet \(mybox.*\)/\1/p'); do
		if nft list set inet "$t" governed | grep -q elements; then echo "$t"; fi
	done
}

@test "egress by name: what our resolver gave is open, nothing else" {
	dns_server <<-'TXT'
		good.example 198.51.100.12
		alias.example =cdn.example 198.51.100.13 198.51.100.2
		a.wild.example 198.51.100.14
		other.example 198.51.100.15
	TXT
	mybox network create net1
	sleeper web --network net1 --dns 198.51.100.2
	mybox network policy default net1 deny
	[ "$(mybox network policy add net1 web:dns=Good.example:80)" = 1 ]
	mybox network policy add --from web --to dns=alias.example net1
	mybox network policy add --to 'dns=*.wild.example' --port 80 net1
	# Not asked for yet: closed.
	silent asks web 198.51.100.12 80
	resolves web good.example
	asks web 198.51.100.12 80
	silent asks web 198.51.100.12 81
	[ "$(packets 1)" -ge 4 ]
	resolves web ALIAS.example
	asks web 198.51.100.13 81
	asks web 198.51.100.2 81 udp
	resolves web a.wild.example
	asks web 198.51.100.14 80
	# Of no rule: resolved, closed.
	resolves web other.example
	silent asks web 198.51.100.15 80
	[ "$(learnt)" = "198.51.100.12 198.51.100.13 198.51.100.14 198.51.100.2" ]
	mybox network check web good.example:80 | grep -q "rule 1 of network 'net1' allows it"
	mybox network check web 198.51.100.12:80 | grep -q "allows it by a name that led there"
	run mybox network check web other.example:80
	[ "$status" = 1 ]
	[[ $output == *"mend:  mybox network policy add --from web --to dns=other.example --port 80/tcp net1" ]]
	# Only who may; the address is known to the network.
	sleeper db --network net1 --dns 198.51.100.2
	silent asks db 198.51.100.12 80
	asks db 198.51.100.14 80
	# The rule goes, what it opened is closed at once.
	mybox network policy rm net1 1
	silent asks web 198.51.100.12 80
	asks web 198.51.100.13 80
	[ "$(learnt)" = "198.51.100.13 198.51.100.14 198.51.100.2" ]
	# Nobody is told to remember longer than the firewall does.
	[ "$(in_net web python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
s.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0\5alias\7example\0\0\1\0\1", ("127.0.0.11", 53))
a = s.recv(1000)
at = a.index(b"\xc0\x0c\0\5\0\1")
print(int.from_bytes(a[at + 6:at + 10], "big"))')" = 60 ]
	mybox system check
}

@test "egress by name: what failed while the table was away is not believed of later answers" {
	local table
	dns_server <<-'TXT'
		one.example 198.51.100.12
		two.example 198.51.100.12
	TXT
	mybox network create net1
	sleeper web --network net1 --dns 198.51.100.2
	mybox network policy default net1 deny
	mybox network policy add --to dns=one.example --port 80 net1
	mybox network policy add --to dns=two.example --port 81 net1
	table=$(table_of)
	# Who would put it back waits.
	exec 9>>"$run/locks/firewall"
	flock 9
	nft delete table inet "$table"
	resolves web one.example
	run ! nft list table inet "$table"
	exec 9>&-
	mybox network reload
	resolves web one.example
	resolves web two.example
	asks web 198.51.100.12 80
	asks web 198.51.100.12 81
}

@test "egress by name: several names of one address, first rules first, TCP" {
	dns_server <<-'TXT'
		one.example 198.51.100.12
		two.example 198.51.100.12 198.51.100.13
		three.example 198.51.100.12
	TXT
	mybox network create net1
	sleeper web --network net1 --dns 198.51.100.2
	mybox network policy default net1 deny
	mybox network policy add --action deny --to 198.51.100.13 net1
	mybox network policy add --to dns=one.example --port 80 net1
	mybox network policy add --to dns=two.example --port 81 net1
	resolves web one.example
	asks web 198.51.100.12 80
	silent asks web 198.51.100.12 81
	# By TCP, whose answer comes in pieces.
	in_net web python3 -c '
import socket, struct
s = socket.create_connection(("127.0.0.11", 53), 10)
q = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\3two\7example\0\0\1\0\1"
s.sendall(struct.pack(">H", len(q)) + q)
n = struct.unpack(">H", s.recv(2))[0]
a = b""
while len(a) < n:
    a += s.recv(n - len(a))'
	asks web 198.51.100.12 81
	asks web 198.51.100.12 80
	silent asks web 198.51.100.13 81
	# What comes behind both closes neither.
	mybox network policy add --action deny --to outside net1
	asks web 198.51.100.12 80
	asks web 198.51.100.12 81
	silent asks web 198.51.100.12 82
	# A connection keeps its address open: after it was used there is the whole time again.
	resolves web three.example
	mkfifo "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' web)/ns/net" python3 "$BATS_FILE_TMPDIR/keep" 198.51.100.12 80 <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- &
	exec 7>"$BATS_TEST_TMPDIR/in" 8<"$BATS_TEST_TMPDIR/out"
	wait_until 5 less_than_whole
	whole_again() { echo hello >&7 && read -r -t 20 answer <&8 && [ "$answer" = yes ] && ! less_than_whole; }
	wait_until 5 whole_again
	exec 7>&- 8<&-
	mybox network policy test net1 web dns=one.example:80
	run mybox network policy test net1 web dns=three.example:80
	[ "$status" = 1 ]
	# Kept by a change of the policy, put back by reload as rules are, gone with the policy.
	mybox network policy add --to host net1
	asks web 198.51.100.12 80
	mybox network reload
	asks web 198.51.100.12 80
	[ -e "$run/net/$(mybox network inspect -f '{{.Id}}' net1)/learn/one.example" ]
	mybox network policy default net1 allow
	mybox network policy rm net1 1 2 3 4 5
	[ ! -e "$run/net/$(mybox network inspect -f '{{.Id}}' net1)/learn" ]
	mybox system check
}

@test "egress by name: IPv6" {
	dns_server <<-'TXT'
		six.example 2001:db8:7::12 198.51.100.12
	TXT
	outside ip addr add 2001:db8:7::12/64 dev out0 nodad
	ip addr add 2001:db8:7::1/64 dev host0 nodad
	outside ip route replace default via 2001:db8:7::1
	mybox network create --ipv6 net1
	sleeper web --network net1 --dns 198.51.100.2
	mybox network policy default net1 deny
	mybox network policy add --to dns=six.example --port 80 net1
	silent asks web 2001:db8:7::12 80
	resolves web six.example
	wait_until 5 asks web 2001:db8:7::12 80
	asks web 198.51.100.12 80
	silent asks web 2001:db8:7::12 81
	mybox system check
}
