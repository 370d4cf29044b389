#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ps, logs, inspect, top, stats: layouts, filters, templates.
load helpers

logs_are() { [ "$(mybox logs "$1")" = "$2" ]; }

@test "ps: the table, and who is in it" {
	run mybox ps
	[ "$output" = "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES" ]
	local id
	id=$(mybox run -d --name c1 -p 127.0.0.1:8080:80 --expose 90 deb sh -c 'exec sleep 100')
	mybox run --name c2 deb true
	mybox create --name c3 deb
	run mybox ps --format '{{.ID}}|{{.Image}}|{{.Command}}|{{.Ports}}|{{.Names}}|{{.State}}|{{.LocalVolumes}}|{{.Networks}}'
	[ "$output" = "${id:0:12}|deb|\"sh -c 'exec sleep 1…\"|90/tcp, 127.0.0.1:8080->80/tcp|c1|running|0|bridge" ]
	run mybox ps --no-trunc --format '{{.ID}} {{.Command}}'
	[ "$output" = "$id \"sh -c 'exec sleep 100'\"" ]
	[ "$(mybox ps -q)" = "${id:0:12}" ]
	[ "$(mybox ps -a --format '{{.Names}}' | tr '\n' ' ')" = "c3 c2 c1 " ]
	[ "$(mybox ps -l --format '{{.Names}}')" = c3 ]
	[ "$(mybox ps -n 2 --format '{{.Names}}' | tr '\n' ' ')" = "c3 c2 " ]
	[[ $(mybox ps --format '{{.Status}}') =~ ^Up\ (Less\ than\ a\ second|[0-9]+\ seconds?)$ ]]
	[[ $(mybox ps -a -f name=c2 --format '{{.Status}}') =~ ^Exited\ \(0\)\ .*\ ago$ ]]
	[ "$(mybox ps -a -f name=c3 --format '{{.Status}}')" = Created ]
	run mybox ps -s --format '{{.Size}}' -f name=c1
	[[ $output =~ ^[0-9.]+k?B\ \(virtual\ [0-9.]+MB\)$ ]]
	run mybox ps --format 'table {{.Names}}\t{{.Image}}'
	[ "${lines[0]}" = "NAMES     IMAGE" ]
	[ "${lines[1]}" = "c1        deb" ]
	run mybox ps --format json
	[ "$(echo "$output" | python3 -c 'import json,sys; print(json.loads(sys.stdin.read())["Names"])')" = c1 ]
}

@test "ps: filters" {
	mybox network create net1
	mybox run -d --name web1 -l role=web -l tier=1 --network net1 -v vol1:/data deb sleep 100
	mybox run -d --name web2 -l role=web deb sleep 100
	mybox run --name done3 deb sh -c 'exit 3' || true
	mybox create --name made deb
	names() { mybox ps -a --format '{{.Names}}' "$@" | sort | tr '\n' ' '; }
	[ "$(names -f label=role)" = "web1 web2 " ]
	[ "$(names -f label=role=web -f label=tier=1)" = "web1 " ]
	[ "$(names -f name=web)" = "web1 web2 " ]
	[ "$(names -f name='^web1$')" = "web1 " ]
	[ "$(names -f name=web1 -f name=made)" = "made web1 " ]
	[ "$(names -f status=exited)" = "done3 " ]
	[ "$(names -f status=created -f status=exited)" = "done3 made " ]
	[ "$(names -f exited=3)" = "done3 " ]
	[ "$(names -f exited=0)" = "" ]
	[ "$(names -f ancestor=deb)" = "done3 made web1 web2 " ]
	[ "$(names -f ancestor=nosuch)" = "" ]
	# What was built on it counts, and not the other way round.
	[ "$(mybox build -q -t onit - <<<$'FROM deb\nRUN echo >/new' | wc -l)" = 1 ]
	mybox create --name built onit true
	[ "$(names -f ancestor=onit)" = "built " ]
	[ "$(names -f ancestor=deb -f name=built)" = "built " ]
	# Without a layer of its own, too; and what is beside it, or below, is not above.
	for step in 'LABEL a=b' 'LABEL a=c'; do
		mybox build -q -t "${step: -1}:1" - <<<"FROM onit
$step" >/dev/null
		mybox create --name "of-${step: -1}" "${step: -1}:1" true
	done
	[ "$(names -f ancestor=onit)" = "built of-b of-c " ]
	[ "$(names -f ancestor=b:1)" = "of-b " ]
	mybox rm built of-b of-c
	mybox rmi b:1 c:1 onit
	[ "$(names -f network=net1)" = "web1 " ]
	[ "$(names -f volume=vol1)" = "web1 " ]
	[ "$(names -f volume=/data)" = "web1 " ]
	[ "$(names -f before=web2)" = "web1 " ]
	[ "$(names -f since=done3)" = "made " ]
	[ "$(names -f id="$(mybox inspect -f '{{.Id}}' web2)")" = "web2 " ]
	run mybox ps -f nosuch=1
	[ "$status" = 1 ]
	[[ $output == *"invalid filter 'nosuch'"* ]]
	run mybox ps -f status=nosuch
	[ "$status" = 1 ]
	[ "$(mybox ps --format '{{.Label "role"}}' -f name=web2)" = web ]
	[ "$(mybox ps --format '{{.Labels}}' -f name=web1)" = "role=web,tier=1" ]
}

@test "logs: both streams, in order, after the end too" {
	mybox run --name c1 deb sh -c 'echo one; echo two >&2; printf three' >/dev/null 2>&1
	mybox logs c1 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = "one
three" ]
	[ "$(tail -c 5 "$BATS_TEST_TMPDIR/out")" = three ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = two ]
	mybox create --name c2 deb
	run mybox logs c2
	[ "$status" = 0 ]
	[ -z "$output" ]
	run mybox logs nosuch
	[ "$status" = 1 ]
	[[ $output == *"No such container: nosuch"* ]]
}

@test "logs: --tail, -t, --since, --until" {
	mybox run --name c1 deb sh -c 'for i in 1 2 3 4 5; do echo $i; done; sleep 1.2; echo late' >/dev/null
	[ "$(mybox logs --tail 2 c1 | tr '\n' ' ')" = "5 late " ]
	[ "$(mybox logs -n 1 c1)" = late ]
	[ "$(mybox logs --tail 0 c1)" = "" ]
	[ "$(mybox logs --tail all c1 | wc -l)" = 6 ]
	[ "$(mybox logs --tail 100 c1 | wc -l)" = 6 ]
	run mybox logs -t -n 1 c1
	[[ $output =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z\ late$ ]]
	local when
	when=$(mybox logs -t --tail 1 c1 | cut -d' ' -f1)
	[ "$(mybox logs --since "$when" c1)" = late ]
	[ "$(mybox logs --until "$when" c1 | wc -l)" -ge 5 ]
	[ "$(mybox logs --since 10m c1 | wc -l)" = 6 ]
	[ "$(mybox logs --until 10m c1)" = "" ]
	[ "$(mybox logs --since 1000000000 c1 | wc -l)" = 6 ]
	run mybox logs --since nonsense c1
	[ "$status" = 1 ]
}

@test "logs -f follows to the end" {
	mybox run -d --name c1 deb sh -c 'echo first; while [ ! -e /go ]; do sleep 0.05; done; echo last'
	"${box[@]}" logs -f c1 >"$BATS_TEST_TMPDIR/out" &
	local client=$!
	wait_until 5 grep -qx first "$BATS_TEST_TMPDIR/out"
	let_end c1
	wait $client
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = "first
last" ]
}

@test "logs: long lines and odd bytes come back as they were" {
	mybox run --name c1 deb sh -c 'head -c 100000 /dev/zero | tr "\0" x; echo; printf "a\000b\001\377\n"; printf no-newline' >"$BATS_TEST_TMPDIR/seen"
	mybox logs c1 >"$BATS_TEST_TMPDIR/log"
	cmp "$BATS_TEST_TMPDIR/seen" "$BATS_TEST_TMPDIR/log"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/log")" = 100017 ]
}

@test "logs: a flood is kept within its bounds" {
	mybox run --name c1 deb sh -c 'yes 0123456789012345678901234567890123456789012345678901234567890 | head -c 50000000; echo; echo END' >"$BATS_TEST_TMPDIR/seen"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/seen")" = END ]
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/seen")" -ge 50000000 ]
	[ "$(mybox logs --tail 1 c1)" = END ]
	local id size
	id=$(mybox inspect -f '{{.Id}}' c1)
	size=$(cat "$root/containers/$id"/log* | wc -c)
	[ "$size" -le 34000000 ]
	[ "$size" -ge 15000000 ]
}

@test "logs of one that writes faster than anybody reads come to an end" {
	mybox run -d --name c1 deb yes 0123456789
	some() { [ -n "$(mybox logs --tail 1 c1)" ]; }
	wait_until 5 some
	local i
	for i in 1 2 3 4 5; do [ "$(mybox logs --tail 2 c1 | wc -l)" = 2 ]; done
	timeout 30 "${box[@]}" logs c1 >/dev/null
	mybox kill c1
}

@test "logs over a restart hold both runs" {
	mybox run --name c1 deb echo run
	mybox start -a c1
	logs_are c1 "run
run"
}

@test "inspect: docker's keys, with what is so" {
	mybox run -d --name c1 -h box -e A=1 -w /srv -u 1000 -l k=v --restart on-failure:3 -m 64m --cpus 1.5 \
		--cap-add NET_ADMIN -p 127.0.0.1:8081:80/tcp -v vol:/vol -v /tmp:/tmp2:ro --stop-signal USR1 deb sleep 100 || skip "the kernel has no memory limits"
	mybox inspect c1 >"$BATS_TEST_TMPDIR/json"
	python3 - "$BATS_TEST_TMPDIR/json" <<-'PY'
		import json, sys
		text = open(sys.argv[1]).read()
		(c,) = json.loads(text)
		assert text.startswith('[\n    {\n        "Id"'), text[:40]
		for key in "Id Created Path Args State Image ResolvConfPath HostnamePath HostsPath LogPath Name " \
		           "RestartCount Driver Platform Mounts Config HostConfig NetworkSettings".split():
		    assert key in c, key
		for key in "Status Running Paused Restarting OOMKilled Dead Pid ExitCode Error StartedAt FinishedAt".split():
		    assert key in c["State"], key
		assert c["Path"] == "sleep" and c["Args"] == ["100"] and c["Name"] == "/c1"
		assert c["State"]["Running"] is True and c["State"]["Pid"] > 1
		g = c["Config"]
		assert g["Hostname"] == "box" and "A=1" in g["Env"] and g["User"] == "1000" and g["WorkingDir"] == "/srv"
		assert g["Labels"]["k"] == "v" and g["StopSignal"] in ("USR1", "SIGUSR1") and g["Image"] == "deb" and g["Cmd"] == ["sleep", "100"]
		assert "80/tcp" in g["ExposedPorts"] and g["Tty"] is False
		h = c["HostConfig"]
		assert h["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
		assert h["Memory"] == 64 << 20 and h["NanoCpus"] == 1500000000, (h["Memory"], h["NanoCpus"])
		assert h["CapAdd"] in (["NET_ADMIN"], ["CAP_NET_ADMIN"]) and h["Privileged"] is False
		assert h["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8081"}]}
		assert h["NetworkMode"] in ("bridge", "default") and "vol:/vol" in h["Binds"]
		n = c["NetworkSettings"]
		assert n["Ports"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8081"}]}, n["Ports"]
		e = n["Networks"]["bridge"]
		assert e["IPAddress"] == n["IPAddress"] and e["Gateway"] and e["IPPrefixLen"] in range(8, 31) and e["MacAddress"].count(":") == 5
		m = {x["Destination"]: x for x in c["Mounts"]}
		assert m["/vol"]["Type"] == "volume" and m["/vol"]["Name"] == "vol" and m["/vol"]["RW"] is True and m["/vol"]["Driver"] == "local"
		assert m["/tmp2"]["Type"] == "bind" and m["/tmp2"]["Source"] == "/tmp" and m["/tmp2"]["RW"] is False
	PY
}

@test "inspect: several kinds, missing ones, templates" {
	mybox create --name c1 deb
	run mybox inspect nosuch
	[ "$status" = 1 ]
	[ "${lines[0]}" = "[]" ]
	[ "${lines[1]}" = "Error: No such object: nosuch" ]
	run mybox inspect -f '{{.Id}}' c1 nosuch
	[ "$status" = 1 ]
	[[ ${lines[0]} =~ ^[0-9a-f]{64}$ ]]
	[ "$(mybox inspect -f '{{.Id}}' deb | cut -c1-7)" = sha256: ]
	[ "$(mybox inspect -f '{{.Name}}' bridge)" = bridge ]
	mybox volume create v1
	[ "$(mybox inspect -f '{{.Name}}' v1)" = v1 ]
	run mybox inspect --type image c1
	[ "$status" = 1 ]
	[[ $output == *"No such image: c1"* ]]
	run mybox inspect --type nosuch c1
	[ "$status" != 0 ]
	run mybox inspect -f '{{.Nope' c1
	[ "$status" = 64 ]
	[ "$(mybox inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}' c1)" = bridge ]
	[ "$(mybox inspect -f '{{json .State.Running}} {{len .Mounts}} {{if .State.Paused}}p{{else}}n{{end}} {{upper .Config.Image}}' c1)" = 'false 0 n DEB' ]
	[[ $(mybox inspect -s -f '{{.SizeRw}} {{.SizeRootFs}}' c1) =~ ^[0-9]+\ [0-9]+$ ]]
}

# bats test_tags=cgroup
@test "top: the processes as the host sees them" {
	mybox run -d --name c1 deb sh -c 'sleep 100 & exec sleep 200'
	# Both by now, and not the shell whose words hold theirs.
	two() { [ "$(mybox top c1 | grep -cE ':[0-9]+ +sleep [12]00$')" = 2 ]; }
	wait_until 5 two
	run mybox top c1
	[[ ${lines[0]} =~ ^UID\ +PID\ +PPID\ +C\ +STIME\ +TTY\ +TIME\ +CMD$ ]]
	[ "$(mybox top c1 | awk '/sleep 200/ { print $2 }')" = "$(mybox inspect -f '{{.State.Pid}}' c1)" ]
	# docker's columns: twenty wide, but the last one.
	[ "$(mybox top c1 | head -1)" = "UID                 PID                 PPID                C                   STIME               TTY                 TIME                CMD" ]
	# The host's ps with the words that are given, cut down to the container.
	command -v ps >/dev/null || skip "needs ps"
	local pid
	pid=$(mybox inspect -f '{{.State.Pid}}' c1)
	[ "$(mybox top c1 -o pid,args | grep -c 'sleep [12]00$')" = 2 ]
	[ "$(mybox top c1 -o pid,args | wc -l)" = 3 ]
	[ "$(mybox top c1 '-o pid,args' | sed -n 's/^\([0-9]*\) *sleep 200$/\1/p')" = "$pid" ]
	[[ $(mybox top c1 aux | head -1) =~ ^USER\ +PID\ +%CPU\ +%MEM\  ]]
	[ "$(mybox top c1 aux | wc -l)" = 3 ]
	[ "$(mybox top c1 -eo pid,comm --sort -pid | sed -n '2p' | awk '{ print $1 }')" -gt "$pid" ]
	run mybox top c1 -o comm
	[ "$status" = 1 ]
	[[ $output == *"Couldn't find PID field in ps output"* ]]
	run mybox top c1 --no-such-option
	[ "$status" = 1 ]
	[[ $output == "mybox: ps: error: "* ]]
	run mybox top c1 -o 'comm=PID'
	[ "$status" = 1 ]
	[[ $output == *'specifying "comm=PID" is not allowed'* ]]
	mybox stop -t 0 c1
	run mybox top c1
	[ "$status" = 1 ]
	[[ $output == *"is not running"* ]]
}

@test "ps --sort: by each of podman's words, ascending" {
	mybox tag deb another
	mybox create --name bb another sleep 1
	mybox run --name cc deb sh -c 'head -c 100000 /dev/zero >/file'
	mybox create --name aa deb cat
	sorted() { mybox ps -a --format '{{.Names}}' "$@" | tr '\n' ' '; }
	[ "$(sorted)" = "aa cc bb " ]
	[ "$(sorted --sort created)" = "bb cc aa " ]
	[ "$(sorted --sort runningfor)" = "bb cc aa " ]
	[ "$(sorted --sort names)" = "aa bb cc " ]
	[ "$(sorted --sort command)" = "aa cc bb " ]
	# Of what is alike the oldest comes first.
	[ "$(sorted --sort image)" = "bb cc aa " ]
	[ "$(sorted --sort size)" = "bb aa cc " ]
	[ "$(sorted --sort status)" = "bb aa cc " ]
	[ "$(mybox ps -aq --no-trunc --sort id)" = "$(mybox ps -aq --no-trunc | LC_ALL=C sort)" ]
	[ "$(mybox ps -a --sort size -q | wc -l)" = 3 ]
	# The last created ones, in that order.
	[ "$(sorted -n 2 --sort names)" = "aa cc " ]
	run mybox ps --sort nosuch
	[ "$status" = 125 ]
	[[ $output == *created*command*id*image*names*runningfor*size*status* ]]
	mybox rm -a
	mybox rmi another
}

# bats test_tags=cgroup
@test "stats: how often, and what was printed stays" {
	mybox run -d --name c1 deb sleep 1000
	local bad
	for bad in 0 -1 3601; do
		run mybox stats --interval "$bad" --no-stream
		[ "$status" = 1 ]
		[[ $output == *"--interval: from 1 to 3600 seconds"* ]]
	done
	# The second look comes at once, the next one after the interval; a terminal is not cleared.
	timeout 60 script -qefc "'$MYBOX' --root '$root' --runroot '$run' stats --no-reset -i 1 --format '{{.Name}}.'" /dev/null >"$BATS_TEST_TMPDIR/out" </dev/null 3>&- &
	local pid=$!
	thrice() { [ "$(grep -c 'c1\.' "$BATS_TEST_TMPDIR/out")" -ge 3 ]; }
	wait_until 30 thrice
	kill $pid
	wait $pid || true
	run ! grep -q $'\033' "$BATS_TEST_TMPDIR/out"
	requires strace
	strace -f -qq -e trace=clock_nanosleep -o "$BATS_TEST_TMPDIR/calls" timeout 60 "$MYBOX" --root "$root" --runroot "$run" stats --interval 7 --format '{{.Name}}' >/dev/null 3>&- &
	pid=$!
	waits() { grep -qE 'tv_sec=6, tv_nsec=9' "$BATS_TEST_TMPDIR/calls"; }
	wait_until 30 waits
	kill "$(cut -d' ' -f1 "$BATS_TEST_TMPDIR/calls" | head -1)"
	wait $pid || true
}

# bats test_tags=cgroup
@test "stats: one reading, of what runs or is asked for" {
	mybox run -d --name c1 deb sleep 100
	mybox create --name c2 deb
	run mybox stats --no-stream
	[ "$status" = 0 ]
	[[ ${lines[0]} =~ ^CONTAINER\ ID\ +NAME\ +CPU\ %\ +MEM\ USAGE\ /\ LIMIT\ +MEM\ %\ +NET\ I/O\ +BLOCK\ I/O\ +PIDS$ ]]
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[1]} == *" c1 "* ]]
	run mybox stats --no-stream -a --format '{{.Name}}'
	[ "$(printf '%s\n' "${lines[@]}" | sort | tr '\n' ' ')" = "c1 c2 " ]
	run mybox stats --no-stream --format '{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.NetIO}} {{.PIDs}}' c1
	[[ $output =~ ^c1\ ([0-9.]+%|--)\  ]]
	run mybox stats --no-stream nosuch
	[ "$status" = 1 ]
	[[ $output == *"No such container: nosuch"* ]]
}

# bats test_tags=cgroup
@test "stats --networks: what went through each interface" {
	mybox network create net1
	mybox network create --internal net2
	mybox run -d --name c1 --network net1 --network net2 deb sleep 100
	mybox run -d --name c2 --network net1 deb sleep 100
	mybox run -d --name c3 --network host deb sleep 100
	pings() { mybox exec c2 ping -c 3 -i 0.2 -s 1000 -W 1 c1; }
	wait_until 5 pings
	run mybox stats --no-stream --networks
	[[ ${lines[0]} =~ ^CONTAINER\ ID\ +NAME\ +NETWORK\ +INTERFACE\ +NET\ I/O\ +PACKETS\ +ERRORS\ +DROPPED$ ]]
	[ "${#lines[@]}" = 4 ]
	run mybox stats --no-stream --networks --format '{{.Network}} {{.Interface}} {{.RxBytes}} {{.RxPackets}} {{.TxBytes}} {{.RxErrors}}' c1
	[ "${#lines[@]}" = 2 ]
	local network interface rx packets tx errors
	read -r network interface rx packets tx errors <<<"${lines[0]}"
	[ "$network $interface $errors" = "net1 eth0 0" ]
	[ "$rx" -ge 3000 ]
	[ "$tx" -ge 3000 ]
	[ "$packets" -ge 3 ]
	[[ ${lines[1]} == "net2 eth1 "* ]]
	read -r network interface rx packets tx errors <<<"${lines[1]}"
	[ "$rx" -lt 3000 ]
	[[ $(mybox stats --no-stream --networks --format json c1 | head -1) == *'"Network":"net1"'* ]]
	# The host's interfaces are nobody's.
	[ -z "$(mybox stats --no-stream --networks --format '{{.Interface}}' c3)" ]
}

# bats test_tags=cgroup
@test "stats count what is used" {
	requires controllers
	mybox run -d --name c1 -m 64m deb sh -c 'head -c 20000000 /dev/zero >/dev/shm/x; exec sleep 100'
	grown() { [[ $(mybox stats --no-stream --format '{{.MemUsage}}' c1) =~ ^(19|2[0-9])\.[0-9]+MiB\ /\ 64MiB$ ]]; }
	wait_until 5 grown
	[ "$(mybox stats --no-stream --format '{{.PIDs}}' c1)" = 1 ]
}
