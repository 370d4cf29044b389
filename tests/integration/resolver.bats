#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The resolver and those above it: servers of the host that change, search domains, servers that are
# silent, spin or answer with garbage, and addresses of the dead.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	# ADDRESS A LOG: a name server that gives A for every name below example, but for those whose
	# first label says what it does with them.  Each question is a line of LOG.
	cat >"$BATS_FILE_TMPDIR/server" <<-'PY'
		import os, socket, struct, sys, threading
		address, a, log = sys.argv[1:]
		log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
		def header(q, flags, answers):
		    return q[:2] + struct.pack(">HHHHH", flags, 1, answers, 0, 0)
		def question(q):
		    at, labels = 12, []
		    while q[at]:
		        labels.append(q[at + 1:at + 1 + q[at]].decode())
		        at += 1 + q[at]
		    return ".".join(labels).lower(), struct.unpack(">H", q[at + 1:at + 3])[0], q[12:at + 5]
		def record(kind, data):
		    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
		def answer(q, how):
		    name, kind, asked = question(q)
		    os.write(log, f"{how} {kind} {name}\n".encode())
		    what = name.split(".")[0]
		    if what == "silent":
		        return None
		    if what == "noise": # not even a header
		        return os.urandom(200)
		    if what == "stranger": # the answer to another question
		        return bytes([q[0] ^ 255]) + header(q, 0x8180, 1)[1:] + asked + record(1, b"\x06\6\6\6")
		    if what == "knot": # a name that is where it says it is
		        return header(q, 0x8180, 1) + asked + struct.pack(">H", 0xc000 + 12 + len(asked)) * 40
		    if what == "many": # more records than there are
		        return header(q, 0x8180, 65535) + asked + record(1, b"\x06\6\6\6")
		    if what == "wide": # a record that is longer than the answer
		        return header(q, 0x8180, 1) + asked + b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 60000) + b"\1"
		    if what == "self": # an alias of itself
		        return header(q, 0x8180, 1) + asked + record(5, b"\xc0\x0c")
		    if what == "cut": # always too long, by TCP too
		        return header(q, 0x8380, 0) + asked
		    if not name.endswith(".example"):
		        return header(q, 0x8183, 0) + asked
		    if kind != 1:
		        return header(q, 0x8180, 0) + asked
		    return header(q, 0x8180, 1) + asked + record(1, socket.inet_aton(a))
		def tcp(s):
		    while True:
		        c = s.accept()[0]
		        try:
		            n = struct.unpack(">H", c.recv(2))[0]
		            r = answer(c.recv(n), "tcp")
		            if r:
		                c.sendall(struct.pack(">H", len(r)) + r)
		        except (OSError, struct.error):
		            pass
		        c.close()
		u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		t = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
		t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		for s in u, t:
		    s.bind((address, 53))
		t.listen(10)
		threading.Thread(target=tcp, args=(t,), daemon=True).start()
		while True:
		    q, who = u.recvfrom(2000)
		    r = answer(q, "udp")
		    if r:
		        u.sendto(r, who)
	PY
	# NAME TYPE [tcp]: what 127.0.0.11 answers: code, number of records, whether it is cut, and
	# what stands at the end of it.
	cat >"$BATS_FILE_TMPDIR/ask" <<-'PY'
		import socket, struct, sys
		name, kind = sys.argv[1], int(sys.argv[2])
		q = b"\x12\x34\1\0\0\1\0\0\0\0\0\0"
		q += b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0" + struct.pack(">HH", kind, 1)
		tcp = sys.argv[3:] == ["tcp"]
		s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
		s.settimeout(60)
		s.connect(("127.0.0.11", 53))
		s.send((struct.pack(">H", len(q)) if tcp else b"") + q)
		r = s.recv(5000)
		while tcp and r and (len(r) < 2 or len(r) < 2 + struct.unpack(">H", r[:2])[0]):
		    more = s.recv(5000)
		    if not more:
		        break
		    r += more
		r = r[2:] if tcp else r
		if r:
		    assert r[:2] == q[:2], "the number of another question"
		    print(r[3] & 15, r[7], "cut" if r[2] & 2 else "whole", socket.inet_ntoa(r[-4:]) if r[7] else "-")
		else:
		    print("closed")
	PY
	outside_begin
	local i
	for i in 3 4; do outside ip addr add "198.51.100.$i/24" dev out0; done
	outside_serve python3 "$BATS_FILE_TMPDIR/server" 198.51.100.2 192.0.2.2 "$BATS_FILE_TMPDIR/log2"
	outside_serve python3 "$BATS_FILE_TMPDIR/server" 198.51.100.3 192.0.2.3 "$BATS_FILE_TMPDIR/log3"
	for i in 2 3; do wait_until 10 listens "198.51.100.$i" outside; done
}
teardown_file() { outside_end; }
teardown() {
	[ ! -e "$BATS_TEST_TMPDIR/pid" ] || kill "$(cat "$BATS_TEST_TMPDIR/pid")" 2>/dev/null || true
	teardown_store
}
listens() { "${@:2}" ss -Hlnt "src $1:53" | grep -q .; } # listens ADDRESS COMMAND...: in a namespace

sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
ip_of() { mybox inspect -f "{{.NetworkSettings.Networks.${2:-net1}.IPAddress}}" "$1"; }
in_net() { nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' "$1")/ns/net" "${@:2}"; }
ask() { in_net "$1" python3 "$BATS_FILE_TMPDIR/ask" "${@:2}"; }
asked() { cat "$BATS_FILE_TMPDIR"/log"$1" 2>/dev/null | grep -c " $2\$"; } # asked SERVER NAME: how often

@test "servers of the host that change are asked from then on" {
	# The host's file is ours here, for this test and what it starts.
	printf 'nameserver 198.51.100.2\n' >"$BATS_TEST_TMPDIR/resolv.conf"
	cat >"$BATS_TEST_TMPDIR/script" <<-'EOT'
		set -e
		mount --bind "$1/resolv.conf" /etc/resolv.conf
		"$MYBOX" --root "$root" --runroot "$run" network create net1
		"$MYBOX" --root "$root" --runroot "$run" run -d --name web --network net1 deb sleep 1000
	EOT
	unshare --mount bash "$BATS_TEST_TMPDIR/script" "$BATS_TEST_TMPDIR"
	[ "$(ask web one.example 1)" = "0 1 whole 192.0.2.2" ]
	printf '# another network\nnameserver 198.51.100.3\n' >"$BATS_TEST_TMPDIR/resolv.conf"
	[ "$(ask web one.example 1)" = "0 1 whole 192.0.2.3" ]
	[ "$(ask web one.example 1 tcp)" = "0 1 whole 192.0.2.3" ]
	# None at all, and one again.
	: >"$BATS_TEST_TMPDIR/resolv.conf"
	[ "$(ask web one.example 1)" = "2 0 whole -" ]
	[ "$(ask web web 1)" = "0 1 whole $(ip_of web)" ]
	printf 'search example.org\nnameserver 198.51.100.2' >"$BATS_TEST_TMPDIR/resolv.conf"
	[ "$(ask web one.example 1)" = "0 1 whole 192.0.2.2" ]
	# What was given by --dns stays.
	sleeper own --network net1 --dns 198.51.100.3
	[ "$(ask own one.example 1)" = "0 1 whole 192.0.2.3" ]
}

@test "who is on no network any more asks nobody above" {
	mybox network create net1
	mybox network create --internal shut
	sleeper web --network net1 --dns 198.51.100.2
	sleeper box --network shut --dns 198.51.100.2
	[ "$(ask web before.example 1)" = "0 1 whole 192.0.2.2" ]
	[ "$(ask box secret.example 1)" = "3 0 whole -" ]
	mybox network disconnect net1 web
	mybox network disconnect shut box
	# No word that there is no such name: there may be one as soon as it is connected.
	[ "$(ask web secret.example 1)" = "2 0 whole -" ]
	[ "$(ask web secret.example 1 tcp)" = "2 0 whole -" ]
	[ "$(ask box secret.example 1)" = "2 0 whole -" ]
	[ "$(ask web localhost 1)" = "0 1 whole 127.0.0.1" ]
	[ "$(asked 2 secret.example)" = 0 ]
	mybox network connect net1 web
	[ "$(ask web after.example 1)" = "0 1 whole 192.0.2.2" ]
}

@test "a search domain resolves, here and above" {
	mybox network create net1
	sleeper web --network net1
	sleeper c1 --network net1 --dns 198.51.100.2 --dns-search net1 --dns-search corp.example
	mybox exec c1 ping -c 1 -W 3 web.net1
	mybox exec c1 ping -c 1 -W 3 web
	# What nobody here is called is asked with the domain.
	run mybox exec c1 ping -c 1 -W 1 wiki
	[[ $output == *"(192.0.2.2)"* ]]
	[ "$(asked 2 wiki.net1)" -ge 1 ]
}

@test "a name without an address of the family is no failure" {
	mybox network create net1
	sleeper web --network net1 --dns 198.51.100.2
	[ "$(ask web web 1)" = "0 1 whole $(ip_of web)" ]
	[ "$(ask web web 28)" = "0 0 whole -" ]
	[ "$(ask web web 28 tcp)" = "0 0 whole -" ]
	# Nor of another type; and no server outside was told of it.
	[ "$(ask web web 16)" = "0 0 whole -" ]
	[ "$(asked 2 web)" = 0 ]
}

@test "a silent server: the next one is asked, and own names wait for nobody" {
	mybox network create net1
	sleeper c1 --network net1 --dns 198.51.100.2 --dns 198.51.100.3
	sleeper c2 --network net1 --dns 198.51.100.4 --dns 198.51.100.3
	ask c1 silent.example 1 >"$BATS_TEST_TMPDIR/silent" 3>&- &
	questions() { [ "$(asked 2 silent.example)" = 1 ]; }
	wait_until 10 questions
	[ "$(ask c1 c2 1)" = "0 1 whole $(ip_of c2)" ]
	[ "$(ask c1 other.example 1)" = "0 1 whole 192.0.2.2" ]
	wait $!
	[ "$(cat "$BATS_TEST_TMPDIR/silent")" = "2 0 whole -" ]
	[ "$(asked 2 silent.example)" = 1 ]
	[ "$(asked 3 silent.example)" = 1 ]
	# Nobody has that port.
	[ "$(ask c2 one.example 1)" = "0 1 whole 192.0.2.3" ]
	[ "$(ask c2 one.example 1 tcp)" = "0 1 whole 192.0.2.3" ]
}

# Whatever a server says, its asker gets one answer to his question or none, and the next question
# gets its own.  bears_garbage CONTAINER PEER LOG
bears_garbage() {
	local name
	for name in noise stranger; do
		[ "$(ask "$1" "$name.example" 1)" = "2 0 whole -" ]
		[ "$(asked "$3" "$name.example")" = 1 ]
	done
	for name in knot many wide self; do
		ask "$1" "$name.example" 1
		[ "$(asked "$3" "$name.example")" = 1 ]
		ask "$1" "$name.example" 1 tcp
		[ "$(asked "$3" "$name.example")" = 2 ]
	done
	# Too long for UDP: the asker is told, who asks by TCP, where it is so again.  Nobody goes round.
	[ "$(ask "$1" cut.example 1)" = "0 0 cut -" ]
	[ "$(ask "$1" cut.example 1 tcp)" = "0 0 cut -" ]
	[ "$(asked "$3" cut.example)" = 2 ]
	[ "$(ask "$1" "$2" 1)" = "0 1 whole $(ip_of "$2")" ]
	[ "$(ask "$1" fine.example 1)" != "2 0 whole -" ]
}

@test "a server that answers with garbage, or spins" {
	mybox network create net1
	sleeper c1 --network net1 --dns 198.51.100.2
	sleeper c2 --network net1
	bears_garbage c1 c2 2
}

@test "the same where answers are read for a policy" {
	mybox network create net1
	mybox network policy add --to 'dns=*.example' --port 80 net1
	sleeper c1 --network net1 --dns 198.51.100.3
	sleeper c2 --network net1
	bears_garbage c1 c2 3
}

@test "a container as the server, that answers with garbage" {
	mybox network create net1
	sleeper ns --network net1
	nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' ns)/ns/net" python3 \
		"$BATS_FILE_TMPDIR/server" "$(ip_of ns)" 192.0.2.4 "$BATS_FILE_TMPDIR/log4" >/dev/null 2>&1 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/pid"
	wait_until 10 listens "$(ip_of ns)" in_net ns
	sleeper c1 --network net1 --dns "$(ip_of ns)"
	bears_garbage c1 ns 4
}

@test "an address of the dead is nobody's" {
	local ip
	mybox network create net1
	sleeper c1 --network net1 --dns 198.51.100.2
	sleeper web --network net1 --network-alias site
	ip=$(ip_of web)
	reverse() { awk -F. '{ print $4 "." $3 "." $2 "." $1 ".in-addr.arpa" }' <<<"$ip"; }
	[[ "$(ask c1 "$(reverse)" 12)" == "0 1 whole "* ]]
	# Killed: once it is seen to have ended, neither name nor address is anybody's.
	kill -9 "$(mybox inspect -f '{{.State.Pid}}' web)"
	[ "$(mybox wait web)" = 137 ]
	[ "$(ask c1 "$(reverse)" 12)" = "3 0 whole -" ]
	[ "$(asked 2 "$(reverse)")" = 1 ]
	[ "$(ask c1 site 1)" = "3 0 whole -" ]
	# Killed with its monitor: nobody tidies up after it until a command of its own comes.
	mybox start web
	ip=$(ip_of web)
	[[ "$(ask c1 "$(reverse)" 12)" == "0 1 whole "* ]]
	kill -9 "$(pgrep -o -f "^mybox-monitor [0-9]+ $(mybox inspect -f '{{.Id}}' web)")" "$(mybox inspect -f '{{.State.Pid}}' web)"
	# The host's process 1 has to bury them first.
	forgotten() { [ "$(ask c1 web 1)" = "3 0 whole -" ]; }
	wait_until 10 forgotten
	[ "$(ask c1 "$(reverse)" 12)" = "3 0 whole -" ]
	# Another has the address now: it is known by the new name alone.
	mybox rm -f web
	sleeper new --network net1 --ip "$ip"
	[ "$(ask c1 new 1)" = "0 1 whole $ip" ]
	[[ "$(ask c1 "$(reverse)" 12)" == "0 1 whole "* ]]
	mybox exec c1 nslookup "$ip" 127.0.0.11 | grep -q new.net1
	run ! grep -q web <(mybox exec c1 nslookup "$ip" 127.0.0.11)
}
