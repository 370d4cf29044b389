#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Published ports: from outside, from the host, from neighbours; who is seen; conflicts.
load helpers

setup_file() {
	# Tables of stores that other files left: there is one here, that of this store.
	nft flush ruleset
	setup_store "${BATS_TEST_FILENAME##*/}"
	outside_begin
}
teardown_file() { outside_end; }

web() { # web NAME OPTIONS: an http server whose page is its name, and whose CGI tells the client
	mybox run -d --name "$1" "${@:2}" deb sh -c 'mkdir -p /www/cgi-bin; echo "$0" >/www/index.html
		printf "#!/bin/sh\necho; echo \$REMOTE_ADDR\n" >/www/cgi-bin/who; chmod 755 /www/cgi-bin/who
		exec httpd -f -p 80 -h /www' "$1" >/dev/null
}
get() { timeout 3 busybox wget -q -O- "http://$1" 2>/dev/null; }
is() { [ "$(get "$1")" = "$2" ]; }
outside_is() { [ "$(outside timeout 3 busybox wget -q -O- "http://$1" 2>/dev/null)" = "$2" ]; }
inside_is() { [ "$(mybox exec "$1" timeout 3 wget -q -O- "http://$2" 2>/dev/null)" = "$3" ]; }

@test "reached from outside, the host's addresses, loopback, neighbours and itself" {
	mybox network create net1
	mybox network create net2
	web s1 --network net1 -p 8080:80
	mybox run -d --name same --network net1 deb sleep 1000
	mybox run -d --name other --network net2 deb sleep 1000
	wait_until 20 is 127.0.0.1:8080 s1
	is 198.51.100.1:8080 s1
	outside_is 198.51.100.1:8080 s1
	inside_is same 198.51.100.1:8080 s1
	inside_is other 198.51.100.1:8080 s1
	inside_is s1 198.51.100.1:8080 s1
	inside_is same s1 s1
}

@test "the server sees the client's real address" {
	web s1 -p 8080:80
	wait_until 20 is 127.0.0.1:8080 s1
	[ "$(outside timeout 3 busybox wget -q -O- http://198.51.100.1:8080/cgi-bin/who)" = 198.51.100.2 ] ||
		[ "$(outside timeout 3 busybox wget -q -O- http://198.51.100.1:8080/cgi-bin/who)" = "::ffff:198.51.100.2" ] ||
		[ "$(outside timeout 3 busybox wget -q -O- http://198.51.100.1:8080/cgi-bin/who)" = "[::ffff:198.51.100.2]" ]
}

@test "gone with the container, back with it" {
	web s1 -p 8080:80
	wait_until 20 is 127.0.0.1:8080 s1
	mybox stop -t 0 s1
	run ! is 127.0.0.1:8080 s1
	mybox start s1
	wait_until 20 is 127.0.0.1:8080 s1
	mybox restart -t 0 s1
	wait_until 20 is 127.0.0.1:8080 s1
	mybox rm -f s1
	web s2 -p 8080:80
	wait_until 20 is 127.0.0.1:8080 s2
}

# Its monitor and its process are gone at once: who comes next has all of the end to do.
orphan() {
	local state=$run/c/$(mybox inspect -f '{{.Id}}' "$1")/state.json pid
	local pids=("$(sed -E 's/.*"monitor":([0-9]+),.*/\1/' "$state")" "$(sed -E 's/.*"pid":([0-9]+),.*/\1/' "$state")")
	kill -9 "${pids[@]}"
	for pid in "${pids[@]}"; do wait_until 10 ended "$pid"; done
}
ended() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }
# killed_at_record NAME VERB...: the command dies as it is about to remove the record of
# NAME, which has no name in a network.
killed_at_record() {
	local id
	id=$(mybox inspect -f '{{.Id}}' "$1")
	run -137 strace -f -qq -o /dev/null -P "$id" -e trace=unlinkat -e inject=unlinkat:error=EIO:signal=KILL:when=1 "${box[@]}" "${@:2}"
	[ -e "$run/net/e/$id" ]
}
# s1, which has an address and a port, is taken down halfway: its record stays.
left_halfway() {
	mybox network create --disable-dns --subnet 10.99.47.0/24 net1
	web s1 --network net1 --ip 10.99.47.9 -p 8080:80
	orphan s1
	killed_at_record s1 start s1
}

@test "an address is given away when nobody speaks for it any more" {
	requires strace
	left_halfway
	run -125 mybox run -d --name s2 --network net1 --ip 10.99.47.9 -p 8080:80 deb sleep 1000
	[[ $output == *"address 10.99.47.9 of network net1 is already in use"* ]]
	mybox rm -f s1
	mybox rm -f s2
	web s2 --network net1 --ip 10.99.47.9 -p 8080:80
	wait_until 20 is 127.0.0.1:8080 s2
}

@test "what cannot be detached owns its address until it can" {
	local id
	mybox network create --subnet 10.99.47.0/24 net1
	for verb in "stop -t 0" "rm -f"; do
		web s1 --network net1 --ip 10.99.47.9 -p 8080:80
		id=$(mybox inspect -f '{{.Id}}' s1)
		# Nobody gets that lock.
		mv "$run/locks/firewall" "$BATS_TEST_TMPDIR/firewall"
		mkdir "$run/locks/firewall"
		# shellcheck disable=SC2086 # words are split on purpose
		mybox $verb s1 || true
		mybox system check --repair || true
		rmdir "$run/locks/firewall"
		mv "$BATS_TEST_TMPDIR/firewall" "$run/locks/firewall"
		[ -e "$run/c/$id" ]
		run -125 mybox run -d --name s2 --network net1 --ip 10.99.47.9 deb sleep 1000
		[[ $output == *"address 10.99.47.9 of network net1 is already in use"* ]]
		mybox system check --repair || [ $? = 1 ]
		mybox start s2
		mybox rm -f s1 s2
		[ ! -e "$run/net/e/$id" ]
	done
}

# Numbers as a whole: what marks a network of another file's store has any digits.
elements() { nft -s list ruleset | grep -E '\<10\.99\.47\.9\>|\<8080\>|elements' | sort; }

@test "a record that was left takes nothing from who has the address now" {
	local id verb
	mybox network create --subnet 10.99.47.0/24 -o com.docker.network.bridge.trusted_host_interfaces=host0 net1
	for verb in "rm s1" "system check --repair"; do
		web s1 --network net1 --ip 10.99.47.9 -p 8080:80 -p 8081:80,from=192.0.2.0/24
		id=$(mybox inspect -f '{{.Id}}' s1)
		cp -p "$run/net/e/$id" "$BATS_TEST_TMPDIR/record"
		mybox stop -t 0 s1
		[ "$verb" = "rm s1" ] || mybox rm s1
		web s2 --network net1 --ip 10.99.47.9 -p 8080:80 -p 8081:80,from=192.0.2.0/24
		wait_until 20 is 127.0.0.1:8080 s2
		elements >"$BATS_TEST_TMPDIR/before"
		cp -p "$BATS_TEST_TMPDIR/record" "$run/net/e/$id"
		# shellcheck disable=SC2086 # words are split on purpose
		mybox $verb || [ $? = 1 ]
		[ ! -e "$run/net/e/$id" ]
		diff "$BATS_TEST_TMPDIR/before" <(elements)
		outside_is 198.51.100.1:8080 s2
		run ! outside_is 198.51.100.1:8081 s2
		inside_is s2 198.51.100.1:8080 s2
		mybox rm -f s2
	done
}

@test "a table that is made anew has nothing of who is leaving" {
	requires strace
	left_halfway
	run ! grep -qw 8080 <(elements)
	nft delete table "$(nft list tables | sed -n 's/^table //p' | grep -m1 mybox)"
	# Whoever starts next makes it.
	mybox run -d --name s2 --network net1 deb sleep 1000
	nft list ruleset | grep -q mybox
	run ! grep -qwF 10.99.47.9 <(elements)
	mybox rm -f s1 s2
}

@test "joined in vain: ports and default route are where they were, and nowhere else" {
	local route id
	mybox network create net1
	mybox network create --subnet 10.99.47.0/24 net2
	id=$(mybox network inspect -f '{{.Id}}' net2)
	web s1 --network net1 -p 8080:80 -p 8081:80,from=192.0.2.0/24
	wait_until 20 is 127.0.0.1:8080 s1
	route=$(mybox exec s1 ip route)
	# Its names are the last thing that it gets, and have no room there.
	mkdir -p -m 700 "$run/net/$id"
	touch "$run/net/$id/p"
	run -1 mybox network connect --gw-priority 10 --ip 10.99.47.9 net2 s1
	[[ $output == *"cannot publish the names of 's1' on network 'net2'"* ]]
	rm "$run/net/$id/p"
	[ "$(mybox exec s1 ip route)" = "$route" ]
	run ! grep -q -F '10.99.47.9 ' <(elements)
	is 127.0.0.1:8080 s1
	mybox system check
	mybox network connect --gw-priority 10 --ip 10.99.47.9 net2 s1
	grep -q -F '10.99.47.9 ' <(elements)
	wait_until 20 is 127.0.0.1:8080 s1
}

@test "joined in vain, as nothing can be written: the address is anybody's" {
	requires strace
	local id
	mybox network create net1
	mybox network create --subnet 10.99.47.0/24 net2
	web s1 --network net1 -p 8080:80
	id=$(mybox inspect -f '{{.Id}}' s1)
	run strace -f -qq -o /dev/null -P "$id" -e trace=renameat,renameat2,linkat -e inject=renameat,renameat2,linkat:error=EIO "${box[@]}" network connect --ip 10.99.47.9 net2 s1
	[ "$status" != 0 ]
	[[ $output == *"Input/output error"* ]]
	wait_until 20 is 127.0.0.1:8080 s1
	mybox run -d --name s2 --network net2 --ip 10.99.47.9 deb sleep 1000
	mybox network connect net2 s1
	mybox system check
}

@test "left half: the address stays taken, the ports stay, until it is left again" {
	requires strace
	local id how
	mybox network create net1
	mybox network create --subnet 10.99.47.0/24 net2
	for how in EIO EIO:signal=KILL; do
		web s1 --network net1 -p 8080:80
		mybox network connect --ip 10.99.47.9 net2 s1
		# One that left before has what it left then, too, until it is written.
		mybox network disconnect net2 s1
		mybox network connect --ip 10.99.47.9 net2 s1
		wait_until 20 is 127.0.0.1:8080 s1
		id=$(mybox inspect -f '{{.Id}}' s1)
		run strace -f -qq -o /dev/null -P "$id" -e trace=renameat,renameat2,linkat -e "inject=renameat,renameat2,linkat:error=$how" "${box[@]}" network disconnect net2 s1
		[ "$status" != 0 ]
		[ "$how" != EIO ] || is 127.0.0.1:8080 s1
		run -125 mybox run -d --name s2 --network net2 --ip 10.99.47.9 deb sleep 1000
		[[ $output == *"address 10.99.47.9 of network net2 is already in use"* ]]
		mybox network disconnect net2 s1
		wait_until 20 is 127.0.0.1:8080 s1
		mybox start s2
		mybox rm -f s1 s2
	done
	# What was being written when it was killed.
	mybox system check --repair || [ $? = 1 ]
}

@test "bound to one address, it is not on the others" {
	web s1 -p 127.0.0.1:8080:80
	wait_until 20 is 127.0.0.1:8080 s1
	run ! is 198.51.100.1:8080 s1
	run ! outside_is 198.51.100.1:8080 s1
	web s2 -p 198.51.100.1:8080:80
	wait_until 5 is 198.51.100.1:8080 s2
	outside_is 198.51.100.1:8080 s2
	is 127.0.0.1:8080 s1
	# A neighbour on the cable does not reach what is on loopback by routing to it.
	outside ip route add 127.0.0.1/32 via 198.51.100.1 dev out0 table 5 2>/dev/null || true
	run ! outside_is 127.0.0.1:8080 s1
}

@test "port tells what is so, in docker's forms" {
	web s1 -p 127.0.0.1:8081:80 -p 9000-9001:90-91 -p 5353:53/udp --expose 70
	run mybox port s1
	[ "$status" = 0 ]
	[[ $output == *"80/tcp -> 127.0.0.1:8081"* ]]
	[[ $output == *"90/tcp -> 0.0.0.0:9000"* ]]
	[[ $output == *"91/tcp -> 0.0.0.0:9001"* ]]
	[[ $output == *"53/udp -> 0.0.0.0:5353"* ]]
	[ "$(mybox port s1 80)" = 127.0.0.1:8081 ]
	[ "$(mybox port s1 80/tcp)" = 127.0.0.1:8081 ]
	[[ $(mybox port s1 53/udp) == 0.0.0.0:5353* ]]
	run mybox port s1 70
	[ "$status" = 1 ]
	[[ $output == *"no public port '70/tcp' published for s1"* ]]
	run mybox port s1 nonsense
	[ "$status" = 1 ]
	run mybox port nosuch
	[ "$status" = 1 ]
}

@test "random ports, ranges, and -P for what is exposed" {
	web s1 -p 80
	local port
	port=$(mybox port s1 80 | head -1 | sed 's/.*://')
	[ "$port" -ge 1024 ]
	wait_until 5 is "127.0.0.1:$port" s1
	web s2 -p 127.0.0.1::80
	[[ $(mybox port s2 80) == 127.0.0.1:* ]]
	web s3 -P --expose 80 --expose 81
	[ "$(mybox port s3 | grep -c '0.0.0.0')" = 2 ]
	port=$(mybox port s3 80 | head -1 | sed 's/.*://')
	wait_until 5 is "127.0.0.1:$port" s3
	web s4 -p 8100-8110:80
	port=$(mybox port s4 80 | head -1 | sed 's/.*://')
	[ "$port" -ge 8100 ]
	[ "$port" -le 8110 ]
}

@test "conflicts are told, and leave nothing" {
	web s1 -p 8080:80
	run mybox run -d --name s2 -p 8080:80 deb true
	[ "$status" = 125 ]
	[[ $output == *"8080"*"already"* ]]
	# docker keeps what could not be started
	[ "$(mybox inspect -f '{{.State.Status}}' s2)" = created ]
	mybox rm s2
	run mybox run --rm -p 127.0.0.1:8080:80 deb true
	[ "$status" = 125 ]
	run mybox run --rm -p 8080:80/udp deb true
	[ "$status" = 0 ]
	# A process of the host has it.
	busybox httpd -f -p 8099 3>&- &
	local pid=$!
	listening() { ss -ltn | grep -q :8099; }
	wait_until 5 listening
	run mybox run --rm -p 8099:80 deb true
	kill $pid
	[ "$status" = 125 ]
	[[ $output == *8099* ]]
	# And the other way round: the host's processes find it taken.
	run python3 -c 'import socket; socket.socket().bind(("0.0.0.0", 8080))'
	[[ $output == *"Address already in use"* ]]
	is 127.0.0.1:8080 s1
}

@test "from=: who may connect, by the real address" {
	no_keeper
	mybox network create --ipv6 --subnet 10.99.41.0/24 net1
	outside ip addr add 198.51.100.3/24 dev out0
	web s1 --network net1 -p 8080:80,from=198.51.100.2,from=10.99.41.64/26
	web s2 --network net1 -p 8081:80,from=fd00:51::/64
	web s3 --network net1 -p target=80,published=8082,from=0.0.0.0/0,from=::/0
	web s4 --network net1 -p 8083:80
	wait_until 5 outside_is 198.51.100.1:8080 s1
	wait_until 5 outside_is '[fd00:51::1]:8081' s2
	wait_until 5 outside_is 198.51.100.1:8082 s3
	outside_is '[fd00:51::1]:8082' s3
	wait_until 5 outside_is 198.51.100.1:8083 s4
	# Another machine, the other family.
	from_three() {
		[ "$(outside python3 -c '
import http.client, sys
c = http.client.HTTPConnection("198.51.100.1", int(sys.argv[1]), timeout=2, source_address=("198.51.100.3", 0))
c.request("GET", "/")
print(c.getresponse().read().decode(), end="")' "$1" 2>/dev/null)" = "$2" ]
	}
	from_three 8082 s3
	run ! from_three 8080 s1
	run ! outside_is '[fd00:51::1]:8080' s1
	run ! outside_is 198.51.100.1:8081 s2
	# The machine itself, neighbours by their addresses, and past the published port.
	is 127.0.0.1:8080 s1
	is 198.51.100.1:8081 s2
	mybox run -d --name in --network net1 --ip 10.99.41.70 deb sleep 1000
	mybox run -d --name out --network net1 --ip 10.99.41.7 deb sleep 1000
	inside_is in 198.51.100.1:8080 s1
	run ! inside_is out 198.51.100.1:8080 s1
	inside_is out s1 s1
	run mybox network check out 198.51.100.1:8080
	[ "$status" = 1 ]
	[[ $output == *"port 8080 of the host is published for 198.51.100.2, 10.99.41.64/26, not 10.99.41.7"* ]]
	mybox network check in 198.51.100.1:8080
	mybox system check
	# Put back after a flush; let go of and given anew while it runs; gone with the container.
	nft flush ruleset
	mybox network reload
	outside_is 198.51.100.1:8080 s1
	run ! from_three 8080 s1
	mybox update --publish-rm 8080:80 s1
	mybox update --publish-add 8080:80,from=198.51.100.3 s1
	from_three 8080 s1
	run ! outside_is 198.51.100.1:8080 s1
	mybox restart -t 0 s1
	wait_until 5 from_three 8080 s1
	run ! outside_is 198.51.100.1:8080 s1
	mybox system check
	mybox rm -f s1 s2 s3 s4
	outside ip addr del 198.51.100.3/24 dev out0
	local t
	for t in $(nft list tables | sed -n 's/^table inet \(mybox.*\)/\1/p'); do
		run ! grep -q elements <(nft list set inet "$t" guarded4; nft list set inet "$t" admitted4; nft list set inet "$t" guarded6; nft list set inet "$t" admitted6)
	done
}

# bats test_tags=kernel
@test "SCTP, with answers" {
	python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)' 2>/dev/null || skip "this kernel has no SCTP sockets"
	mybox run -d --name s1 -p 7000:7001/sctp deb sleep 1000
	[ "$(mybox port s1 7001/sctp | head -1)" = 0.0.0.0:7000 ]
	run mybox run --rm -p 7000:7002/sctp deb true
	[ "$status" = 125 ]
	[[ $output == *"0.0.0.0:7000/sctp failed: port is already allocated"* ]]
	nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' s1)/ns/net" python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
s.bind(("0.0.0.0", 7001))
s.listen(5)
while True:
    c = s.accept()[0]
    c.send(c.recv(100))' >/dev/null 2>&1 3>&- &
	local server=$!
	echoed() {
		[ "$(outside python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
s.settimeout(2)
s.connect(("198.51.100.1", 7000))
s.send(b"hello")
print(s.recv(100).decode())' 2>/dev/null)" = hello ]
	}
	wait_until 5 echoed
	kill $server
}

@test "published where there is nothing to publish on: a warning, and no port" {
	run -0 --separate-stderr mybox create --network host -p 8080:80 -p 8081:81 deb true
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	[ "$stderr" = "WARNING: Published ports are discarded when using host network mode" ]
	run -0 --separate-stderr mybox run --rm --network host -p 8080:80 deb true
	[ "$stderr" = "WARNING: Published ports are discarded when using host network mode" ]
	run -1 --separate-stderr mybox create --network host -p 8080:80 --security-opt nosuch=x deb true
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr != *WARNING* ]]
	run -0 --separate-stderr mybox run --rm --network host --expose 80 -P deb true
	[ -z "$stderr" ]
	run -0 --separate-stderr mybox run --rm --name lonely --network none -p 8080:80 deb true
	[ "$stderr" = "mybox: warning: no port is published: no network of 'lonely' reaches the world" ]
	run -0 --separate-stderr mybox create --name bridged -p 8080:80 deb true
	[ -z "$stderr" ]
	run -1 --separate-stderr mybox create --network container:bridged -p 8081:80 deb true
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr == *"conflicting options: port publishing and the container type network mode"* ]]
}

@test "malformed ones are told" {
	local bad
	for bad in x 80:x 0:80 70000:80 80:70000 80:80/xyz 1.2.3:80:80 80:80:80:80 8000-8005:80-82 ::: ''; do
		run mybox run --rm -p "$bad" deb true
		[ "$status" = 125 ]
	done
	run mybox run --rm -p 192.0.2.99:8080:80 deb true
	[ "$status" = 125 ]
	[ -z "$(mybox ps -aq)" ]
}

@test "UDP, with answers" {
	cat >"$BATS_TEST_TMPDIR/ask" <<-'PY'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(1)
		s.connect((sys.argv[1], 8053))
		s.send(b"hello\n")
		print(s.recv(100).decode(), end="")
	PY
	cat >"$BATS_TEST_TMPDIR/answer" <<-'PY'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("0.0.0.0", 53))
		while True:
		    data, who = s.recvfrom(100)
		    s.sendto(b"got " + data, who)
	PY
	answer() { # The container's network, the host's python.
		mybox run -d --name "$1" -p 8053:53/udp deb sleep 1000
		nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' "$1")/ns/net" python3 "$BATS_TEST_TMPDIR/answer" 3>&- &
	}
	answer u1
	asks() { [ "$(python3 "$BATS_TEST_TMPDIR/ask" "$1" 2>/dev/null)" = "got hello" ]; }
	asks_outside() { [ "$(outside python3 "$BATS_TEST_TMPDIR/ask" 198.51.100.1 2>/dev/null)" = "got hello" ]; }
	wait_until 6 asks_outside
	asks 127.0.0.1
	asks 198.51.100.1
	# A container that takes the port over is answered at once, whatever conntrack remembers.
	kill $!
	mybox rm -f u1
	run ! asks_outside
	answer u2
	wait_until 6 asks_outside
	kill $!
}

@test "UDP of one client follows a port that is added, moved and taken away" {
	# The same port at his end each time: for the kernel it is one and the same connection.
	cat >"$BATS_TEST_TMPDIR/ask" <<-'PY'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(1)
		s.bind(("198.51.100.2", 40053))
		s.connect(("198.51.100.1", 8054))
		s.send(b"hello")
		print(s.recv(100).decode(), end="")
	PY
	cat >"$BATS_TEST_TMPDIR/answer" <<-'PY'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("0.0.0.0", 53))
		while True:
		    data, who = s.recvfrom(100)
		    s.sendto(sys.argv[1].encode(), who)
	PY
	local name pids=()
	for name in u1 u2; do
		mybox run -d --name $name deb sleep 1000
		nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' $name)/ns/net" python3 "$BATS_TEST_TMPDIR/answer" $name 3>&- &
		pids+=($!)
		wait_until 10 bound $name
	done
	says() { [ "$(outside python3 "$BATS_TEST_TMPDIR/ask" 2>/dev/null)" = "$1" ]; }
	says ""
	mybox update --publish-add 8054:53/udp u1
	says u1
	mybox update --publish-rm 8054:53/udp u1
	says ""
	mybox update --publish-add 8054:53/udp u2
	says u2
	mybox update --publish-rm 53/udp u2
	mybox update --publish-add 8054:53/udp u1
	says u1
	kill "${pids[@]}"
}
bound() { mybox exec "$1" grep -q ':0035 ' /proc/net/udp; }

@test "by IPv6 too" {
	mybox network create --ipv6 net6
	web s1 --network net6 -p 8080:80
	wait_until 20 is 127.0.0.1:8080 s1
	outside_is '[fd00:51::1]:8080' s1
	is '[fd00:51::1]:8080' s1
	[[ $(mybox port s1) == *"80/tcp -> [::]:8080"* ]]
	run mybox ps --format '{{.Ports}}'
	[ "$output" = "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp" ]
	[ "$(outside timeout 3 busybox wget -q -O- 'http://[fd00:51::1]:8080/cgi-bin/who' | tr -d '[]')" = fd00:51::2 ]
}

@test "routed: the container's own address, a family at a time" {
	local ip4 ip6
	mybox network create --subnet 10.92.1.0/24 --subnet fd00:92:1::/64 -o com.docker.network.bridge.gateway_mode_ipv6=routed net6
	mybox network create --subnet 10.92.2.0/24 -o com.docker.network.bridge.gateway_mode_ipv4=routed net4
	web s1 --network net6 -p 8080:80
	ip4=$(mybox inspect -f '{{.NetworkSettings.Networks.net6.IPAddress}}' s1)
	ip6=$(mybox inspect -f '{{.NetworkSettings.Networks.net6.GlobalIPv6Address}}' s1)
	# IPv4 by NAT, IPv6 by its own address and the port inside; the host's port is of IPv4 alone.
	wait_until 20 outside_is 198.51.100.1:8080 s1
	wait_until 5 outside_is "[$ip6]:80" s1
	run ! outside_is "$ip4:80" s1
	run ! outside_is '[fd00:51::1]:8080' s1
	[ "$(mybox port s1)" = "80/tcp -> 0.0.0.0:8080" ]
	[ "$(mybox inspect -f '{{json .NetworkSettings.Ports}}' s1)" = '{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":""}]}' ]
	[ "$(outside timeout 3 busybox wget -q -O- "http://[$ip6]/cgi-bin/who" | tr -d '[]')" = fd00:51::2 ]
	# What is not published is not reached.
	mybox exec -d s1 httpd -f -p 81 -h /www
	listens() { mybox exec s1 wget -q -O- http://127.0.0.1:81/ >/dev/null; }
	wait_until 10 listens
	run ! outside_is "[$ip6]:81" s1
	# As they are seen outside.
	mkdir -p "$BATS_TEST_TMPDIR/www/cgi-bin"
	printf '#!/bin/sh\necho; echo $REMOTE_ADDR\n' >"$BATS_TEST_TMPDIR/www/cgi-bin/who"
	chmod 755 "$BATS_TEST_TMPDIR/www/cgi-bin/who"
	outside_serve busybox httpd -f -p 8096 -h "$BATS_TEST_TMPDIR/www"
	seen() { [ "$(mybox exec "$1" timeout 3 wget -q -O- "http://$2:8096/cgi-bin/who" | tr -d '[]' | sed 's/::ffff://')" = "$3" ]; }
	wait_until 10 seen s1 198.51.100.2 198.51.100.1
	seen s1 '[fd00:51::2]' "$ip6"
	web s2 --network net4 -p 8082:80
	ip4=$(mybox inspect -f '{{.NetworkSettings.Networks.net4.IPAddress}}' s2)
	wait_until 20 outside_is "$ip4:80" s2
	inside_is s1 "$ip4:80" s2
	seen s2 198.51.100.2 "$ip4"
	run ! outside_is 198.51.100.1:8082 s2
	[ -z "$(mybox port s2)" ]
	[ "$(mybox inspect -f '{{json .NetworkSettings.Ports}}' s2)" = '{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":""}]}' ]
	[ "$(mybox ps -f name=s2 --format '{{.Ports}}')" = 80/tcp ]
	# Through what others do to the table, and gone with the container.
	nft delete table inet "$(nft list tables | sed -n 's/^table inet \(mybox.*\)/\1/p')"
	wait_until 5 outside_is "$ip4:80" s2
	# Without a table all can be reached.
	has_opened() { nft list set inet "$(nft list tables | sed -n 's/^table inet \(mybox.*\)/\1/p')" opened4 | grep -q elements; }
	wait_until 5 has_opened
	mybox system check
	run mybox update --publish-add 8083:81 s2
	[ "$status" = 1 ]
	[[ $output == *"network net4 is routed"* ]]
	mybox rm -f s2
	run ! has_opened
	run mybox run -d --name s3 --network net4 -p 8084:80,from=192.0.2.0/24 deb sleep 10
	[ "$status" = 125 ]
	local bad
	for bad in ipv4=isolated ipv6=isolated ipv4=none; do
		run mybox network create -o "com.docker.network.bridge.gateway_mode_$bad" net5
		[ "$status" = 1 ]
		[ "${#lines[@]}" = 1 ]
		[[ $output == *"value '${bad#*=}' of option 'com.docker.network.bridge.gateway_mode_${bad%=*}'"* ]]
	done
}

@test "nat-unprotected: whatever listens is reached, a family at a time" {
	local ip4 ip6 other mode=com.docker.network.bridge.gateway_mode
	mybox network create --subnet 10.92.3.0/24 --subnet fd00:92:3::/64 -o "${mode}_ipv4=nat-unprotected" net1
	mybox network create --subnet 10.92.4.0/24 --subnet fd00:92:4::/64 -o "${mode}_ipv6=nat-unprotected" net2
	[ "$(mybox network inspect -f "{{index .Options \"${mode}_ipv4\"}}" net1)" = nat-unprotected ]
	web s1 --network net1 -p 8080:80
	web s2 --network net2
	web s3
	ip4=$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' s1)
	ip6=$(mybox inspect -f '{{.NetworkSettings.Networks.net2.GlobalIPv6Address}}' s2)
	other=$(mybox inspect -f '{{.NetworkSettings.Networks.net1.GlobalIPv6Address}}' s1)
	# Ports of the host are led as with nat; its own address is reached at any port.
	wait_until 20 outside_is 198.51.100.1:8080 s1
	outside_is "$ip4:80" s1
	mybox exec -d s1 httpd -f -p 81 -h /www
	wait_until 10 outside_is "$ip4:81" s1
	wait_until 20 outside_is "[$ip6]:80" s2
	# The other families are as ever.
	run ! outside_is "[$other]:80" s1
	run ! outside_is "$(mybox inspect -f '{{.NetworkSettings.Networks.net2.IPAddress}}' s2):80" s2
	# Other networks of this host are not outside.
	run ! inside_is s3 "$ip4:80" s1
	# They leave with the host's address, as with nat.
	mkdir -p "$BATS_TEST_TMPDIR/www/cgi-bin"
	printf '#!/bin/sh\necho; echo $REMOTE_ADDR\n' >"$BATS_TEST_TMPDIR/www/cgi-bin/who"
	chmod 755 "$BATS_TEST_TMPDIR/www/cgi-bin/who"
	outside_serve busybox httpd -f -p 8097 -h "$BATS_TEST_TMPDIR/www"
	seen() { [ "$(mybox exec "$1" timeout 3 wget -q -O- "http://$2:8097/cgi-bin/who" | tr -d '[]' | sed 's/::ffff://')" = "$3" ]; }
	wait_until 10 seen s1 198.51.100.2 198.51.100.1
	# A policy decides before, and a table that is lost comes back so.
	mybox network policy default net1 deny
	run ! outside_is "$ip4:81" s1
	mybox network policy default net1 allow
	wait_until 5 outside_is "$ip4:81" s1
	has_exposed() { nft list set inet "$(nft list tables | sed -n 's/^table inet \(mybox.*\)/\1/p')" exposed4 | grep -q elements; }
	nft flush ruleset
	wait_until 10 has_exposed
	outside_is "$ip4:81" s1
	mybox system check
	mybox rm -f s1
	mybox network rm net1
	run ! has_exposed
	mybox system check
}

@test "trusted_host_interfaces: what is published, at the container's own address" {
	local ip4 ip6 net trusted=com.docker.network.bridge.trusted_host_interfaces
	mybox network create --ipv6 -o "$trusted=nosuch0:host0" net1
	mybox network create --ipv6 -o "$trusted=nosuch0:lo" net2
	[ "$(mybox network inspect -f "{{index .Options \"$trusted\"}}" net1)" = nosuch0:host0 ]
	web s1 --network net1 -p 127.0.0.1:8080:80 -p 8083:83,from=192.0.2.0/24 -p 127.0.0.1:8085:83
	web s2 --network net2 -p 8081:80
	ip4=$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' s1)
	ip6=$(mybox inspect -f '{{.NetworkSettings.Networks.net1.GlobalIPv6Address}}' s1)
	wait_until 20 outside_is "$ip4:80" s1
	for net in 81 83; do mybox exec -d s1 httpd -f -p "$net" -h /www; done
	listens() { mybox exec s1 wget -q -O- "http://127.0.0.1:$1/" >/dev/null; }
	wait_until 10 listens 81
	wait_until 10 listens 83
	# Not what is not published, or for others alone (whatever else leads there), or by the other
	# family; nor where another is trusted.
	run ! outside_is "$ip4:81" s1
	run ! outside_is "$ip4:83" s1
	run ! outside_is "[$ip6]:80" s1
	wait_until 20 outside_is 198.51.100.1:8081 s2
	run ! outside_is "$(mybox inspect -f '{{.NetworkSettings.Networks.net2.IPAddress}}' s2):80" s2
	run ! inside_is s2 "$ip4:80" s1
	# Published while it runs; twice, and once no more.
	mybox update --publish-add 8084:80 s1
	wait_until 5 outside_is "[$ip6]:80" s1
	mybox update --publish-rm 127.0.0.1:8080:80 s1
	outside_is "$ip4:80" s1
	has_led() { nft list set inet "$(nft list tables | sed -n 's/^table inet \(mybox.*\)/\1/p')" "$1" | grep -qF "$2 . tcp . 80"; }
	nft list ruleset >/dev/null
	nft flush ruleset
	wait_until 10 has_led led4 "$ip4"
	outside_is "$ip4:80" s1
	mybox system check
	mybox update --publish-rm 8084:80 s1
	run ! outside_is "$ip4:80" s1
	mybox update --publish-add 8084:80 s1
	has_led led4 "$ip4"
	has_led led6 "$ip6"
	mybox kill s1
	mybox rm -f s1
	run ! has_led led4 "$ip4"
	run ! has_led led6 "$ip6"
	mybox network rm net1
	mybox system check
}

@test "by [::1], whatever the container has" {
	[ -e /proc/sys/net/ipv6 ] || skip "needs IPv6"
	relays() { pgrep -x -P "$(monitor_pid "$1")" mybox-relay | wc -l; }
	monitor_pid() { pgrep -o -f "^mybox-monitor [0-9]+ $(mybox inspect -f '{{.Id}}' "$1")"; }
	mybox network create --ipv6 net6
	web s1 -p 8080:80
	web s2 -p '[::1]:8081:80' -p 127.0.0.1:8082:80
	web s3 --network net6 -p 8083:80
	wait_until 20 is 127.0.0.1:8080 s1
	# Nobody came by it yet: there is no process for it.
	[ "$(relays s1)" = 0 ]
	is '[::1]:8080' s1
	[ "$(relays s1)" = 1 ]
	wait_until 5 is '[::1]:8081' s2
	run ! is 127.0.0.1:8081 s2
	run ! is '[::1]:8082' s2
	wait_until 5 is '[::1]:8083' s3
	outside_is '[fd00:51::1]:8083' s3
	[ "$(mybox port s2 80 | sort | tr '\n' ' ')" = "127.0.0.1:8082 [::1]:8081 " ]
	[ "$(mybox port s1)" = "80/tcp -> 0.0.0.0:8080" ]
	mybox system check
	# More than a pipe holds, both ways at once, and the end of each direction is told.
	mybox run -d --name cat1 -p 8084:84 deb sleep 1000
	nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' cat1)/ns/net" python3 -c '
import socket, threading
def echo(c):
    for data in iter(lambda: c.recv(1 << 16), b""):
        c.sendall(data)
    c.close()
s = socket.create_server(("0.0.0.0", 84))
while True:
    threading.Thread(target=echo, args=(s.accept()[0],)).start()' 3>&- &
	local server=$!
	echoed() {
		python3 - 2>/dev/null <<-'PY'
			import os, socket, threading
			data = os.urandom(1 << 20) * 4
			s = socket.create_connection(("::1", 8084))
			def send():
			    s.sendall(data)
			    s.shutdown(socket.SHUT_WR)
			threading.Thread(target=send).start()
			got = b"".join(iter(lambda: s.recv(1 << 16), b""))
			assert got == data, len(got)
		PY
	}
	wait_until 5 echoed
	kill $server
	# Taken by us, so that nobody else gets it; given back while it runs, and with the container.
	run mybox run --rm -p '[::1]:8080:80' deb true
	[ "$status" = 125 ]
	[[ $output == *"bind for [::1]:8080/tcp failed: port is already allocated"* ]]
	mybox update --publish-rm 8080:80 s1
	run ! is '[::1]:8080' s1
	mybox update --publish-add 8080:80 s1
	is '[::1]:8080' s1
	# Its monitor is killed, and the relay with it: the next has both again.
	kill -9 "$(monitor_pid s1)"
	mybox ps >/dev/null
	mybox logs s1 >/dev/null
	wait_until 5 is '[::1]:8080' s1
	# Where the ports lead to now.
	mybox network create net2
	mybox network connect --gw-priority 5 net2 s1
	is '[::1]:8080' s1
	mybox network disconnect bridge s1
	is '[::1]:8080' s1
	mybox restart -t 0 s1
	wait_until 5 is '[::1]:8080' s1
	mybox rm -f s1 cat1
	# This machine itself always may.
	web s1 -p '8080:80,from=198.51.100.2'
	wait_until 5 is '[::1]:8080' s1
	run mybox run --rm -p '[::1]:7000:7001/sctp' deb true
	[ "$status" = 125 ]
	[[ $output == *"cannot publish a port of SCTP on [::1]"* ]]
	mybox rm -f s1 s2 s3
	none() { ! pgrep -x mybox-relay --ns $$ --nslist net; }
	wait_until 5 none
}

@test "UDP by [::1], to whichever address the server has" {
	[ -e /proc/sys/net/ipv6 ] || skip "needs IPv6"
	cat >"$BATS_TEST_TMPDIR/answer" <<-'PY'
		import socket, sys
		s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
		s.bind((sys.argv[1], 53))
		while True:
		    data, who = s.recvfrom(100)
		    s.sendto(b"got " + data, who)
	PY
	asks() {
		[ "$(python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(1)
s.connect(("::1", int(sys.argv[1])))
s.send(b"hello")
print(s.recv(100).decode())' "$1" 2>/dev/null)" = "got hello" ]
	}
	mybox network create --ipv6 net6
	mybox run -d --name u1 --network net6 -p 8053:53/udp deb sleep 1000
	mybox run -d --name u2 -p '[::1]:8054:53/udp' deb sleep 1000
	local server=()
	serve() { nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' "$1")/ns/net" python3 "$BATS_TEST_TMPDIR/answer" "$2" 3>&- & server+=($!); }
	serve u1 0.0.0.0
	serve u2 0.0.0.0
	wait_until 6 asks 8053
	wait_until 6 asks 8054
	kill "${server[0]}"
	serve u1 ::
	wait_until 6 asks 8053
	kill "${server[@]}" 2>/dev/null || true
}

@test "an internal network publishes nothing to outside" {
	mybox network create --internal net1
	run mybox run -d --name s1 --network net1 -p 8080:80 deb httpd -f -p 80
	run ! outside_is 198.51.100.1:8080 s1
}

@test "a table that is lost comes back by itself, whoever has gone meanwhile" {
	local pid first id false_name
	line() { od -An -v -w16 -t d8 "$run/net/keepers" | awk '{ printf " %s", $1 } END { print " " }'; }
	stand() { [ "$(line)" = " $* " ]; }
	not() { ! "$@"; }
	monitor() { pgrep -o -f "^mybox-monitor [0-9]+ $(mybox inspect -f '{{.Id}}' "$1")"; }
	web s1 -p 8081:80
	wait_until 5 stand "$(monitor s1)"
	web s2 -p 8082:80
	wait_until 5 stand "$(monitor s1)" "$(monitor s2)"
	web s3 -p 8083:80
	wait_until 5 stand "$(monitor s1)" "$(monitor s2)" "$(monitor s3)"
	wait_until 20 is 127.0.0.1:8083 s3
	nft flush ruleset
	wait_until 20 is 127.0.0.1:8083 s3
	mybox system check
	# One in the middle goes: who was behind it moves up.  The first goes: the next keeps.
	mybox rm -f s2
	wait_until 5 stand "$(monitor s1)" "$(monitor s3)" 0
	kill -9 "$(monitor s1)"
	wait_until 5 stand "$(monitor s3)" 0 0
	nft flush ruleset
	wait_until 20 is 127.0.0.1:8083 s3
	# Lost while it is being put back, and again.
	for _ in 1 2 3 4 5; do
		nft flush ruleset
	done
	wait_until 20 is 127.0.0.1:8083 s3
	# The next one cleans the line, of a stranger that calls itself a monitor as well, and of one
	# that was there in time but is something else.
	cp "$(command -v sleep)" "$BATS_TEST_TMPDIR/mybox-monitor"
	"$BATS_TEST_TMPDIR/mybox-monitor" 1000 3>&- &
	false_name=$!
	sleep 1000 3>&- &
	named() { [ "$(cat /proc/$false_name/comm) $(cat /proc/$!/comm)" = "mybox-monitor sleep" ]; }
	wait_until 5 named
	python3 -c '
import struct, sys
start = int(open(f"/proc/{sys.argv[2]}/stat").read().split()[21])
open(sys.argv[3], "ab").write(struct.pack("qqqq", int(sys.argv[1]), 1, int(sys.argv[2]), start))
' $false_name $! "$run/net/keepers"
	mybox run -d --name s4 deb sleep 1000
	wait_until 5 stand "$(monitor s3)" "$(monitor s4)"
	kill $false_name $!
	# What has no network of ours has nothing to keep.
	mybox run -d --name s5 --network none deb sleep 1000
	# The first goes while the line is not there: the next lets go of it, and moves up later.
	pid=$(monitor s4)
	waits() { find "/proc/$pid/fd" -lname '*pidfd*' 2>/dev/null | grep -q .; }
	waits
	first=$(monitor s3)
	mv "$run/net" "$run/net.away"
	kill -9 "$first"
	wait_until 5 not waits
	[ ! -e "$run/net" ]
	mv "$run/net.away" "$run/net"
	wait_until 5 stand "$pid" 0
	mybox rm -f s3
	nft flush ruleset
	back() { mybox network check s4 198.51.100.2 | grep -q "firewall .*complete"; }
	wait_until 5 back
	stand "$pid" 0
	# What is known of it has been removed: it is left alone, until it is there again.
	id=$(mybox inspect -f '{{.Id}}' s4)
	heard() { awk '$2 == 12 && $4 == "00000040" { n += $5 } END { exit n > 0 }' /proc/net/netlink && ! pgrep -x -P "$pid" mybox; }
	wait_until 5 heard
	mv "$run/c/$id/state.json" "$run/state.away"
	nft flush ruleset
	wait_until 5 heard
	[ -z "$(nft list ruleset)" ]
	mv "$run/state.away" "$run/c/$id/state.json"
	# A store that was moved away is not made anew.
	mv "$run" "$run.away"
	mybox __mend "$id"
	[ ! -e "$run" ]
	mv "$run.away" "$run"
	mv "$root" "$root.away"
	mybox __mend "$id"
	[ ! -e "$root" ]
	mv "$root.away" "$root"
	[ -z "$(nft list ruleset)" ]
	nft add table inet other
	wait_until 5 back
	nft delete table inet other
	mybox system check --repair || true
}

@test "flushing the firewall is seen and mended" {
	no_keeper
	web s1 -p 8080:80
	wait_until 20 is 127.0.0.1:8080 s1
	nft flush ruleset
	run mybox system check
	[ "$status" != 0 ]
	mybox system check --repair || true
	wait_until 20 is 127.0.0.1:8080 s1
	outside_is 198.51.100.1:8080 s1
}

@test "whoever finds no table makes it with all that others rely on" {
	no_keeper
	web s1 -p 8080:80
	wait_until 20 is 127.0.0.1:8080 s1
	nft flush ruleset
	mybox network create net1
	is 127.0.0.1:8080 s1
	mybox system check
	nft flush ruleset
	mybox run --rm --network net1 deb true
	is 127.0.0.1:8080 s1
	nft flush ruleset
	mybox network policy default net1 deny
	is 127.0.0.1:8080 s1
}

@test "a table without the sets of today is made anew" {
	local table ip4
	web s1 -p 8080:80
	wait_until 20 outside_is 198.51.100.1:8080 s1
	no_keeper
	table=$(nft list tables | sed -n 's/^table inet \(mybox.*\)/\1/p')
	nft flush table inet "$table"
	nft delete set inet "$table" masq4
	nft delete set inet "$table" opened4
	mybox network create -o com.docker.network.bridge.gateway_mode_ipv4=routed net1
	web s2 --network net1 -p 80
	ip4=$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' s2)
	wait_until 20 outside_is "$ip4:80" s2
	outside_is 198.51.100.1:8080 s1
	mybox system check
}

@test "long packets between neighbours, the uplink's to the world" {
	local mss
	outside_serve busybox nc -ll -p 8095 -e wc -c
	mybox network create --ipv6 -o mtu=auto net1
	[ "$(mybox network inspect -f '{{.Options.mtu}}' net1)" = auto ]
	mybox run -d --name c1 --network net1 deb sleep 1000
	inside() { nsenter -t "$(mybox inspect -f '{{.State.Pid}}' c1)" -n "$@"; }
	mybox run -d --name c2 --network net1 deb nc -ll -p 80 -e wc -c
	[ "$(mybox exec c1 cat /sys/class/net/eth0/mtu)" = 65535 ]
	[[ $(inside ip route show default) == *" mtu 1500"* ]]
	[[ $(inside ip -6 route show default) == *" mtu 1500"* ]]
	# What was agreed upon is how long the segments of a connection may be.
	segment() { # segment ADDRESS PORT: of a connection from c1 to there
		inside python3 - "$@" <<-'EOT'
			import socket, sys
			s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
			s.sendall(bytes(300000))
			s.shutdown(socket.SHUT_WR)
			assert s.makefile().read().strip() == "300000"
			print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
		EOT
	}
	sends() { mss=$(segment "$@" 2>/dev/null); }
	wait_until 5 sends "$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' c2)" 80
	[ "$mss" -gt 30000 ]
	wait_until 5 sends 198.51.100.2 8095
	[ "$mss" -le 1460 ]
	mybox network check c1 c2:80
	# A network that leads nowhere has nobody to think of; a number is a number.
	mybox network create --internal net2
	mybox network create --internal -o mtu=1400 net3
	mybox network connect net2 c1
	mybox network connect net3 c1
	[ "$(mybox exec c1 cat /sys/class/net/eth1/mtu)" = 65535 ]
	[ "$(mybox exec c1 cat /sys/class/net/eth2/mtu)" = 1400 ]
	run mybox network create -d macvlan -o mtu=auto -o parent=lo net4
	[ "$status" = 1 ]
	[[ $output == *"mtu"* ]]
}

@test "containers reach the world, from the host's address" {
	mybox run -d --name c1 deb sleep 1000
	mkdir -p "$BATS_TEST_TMPDIR/www/cgi-bin"
	printf '#!/bin/sh\necho; echo $REMOTE_ADDR\n' >"$BATS_TEST_TMPDIR/www/cgi-bin/who"
	chmod 755 "$BATS_TEST_TMPDIR/www/cgi-bin/who"
	outside_serve busybox httpd -f -p 8091 -h "$BATS_TEST_TMPDIR/www"
	seen() { [ "$(mybox exec c1 timeout 3 wget -q -O- http://198.51.100.2:8091/cgi-bin/who | tr -d '[]' | sed 's/::ffff://')" = 198.51.100.1 ]; }
	wait_until 5 seen
}
