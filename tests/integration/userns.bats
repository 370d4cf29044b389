#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# User namespaces: --userns=auto, --uidmap, --gidmap; layers, volumes and files seen through them.
load helpers

# refused PATTERN OPTION...: one line, docker's code, nothing left.
refused() {
	local pattern=$1 before
	shift
	before=$(mybox ps -aq | wc -l)
	run --separate-stderr mybox run --rm "$@" deb true
	[ "$status" = 125 ] || { echo "status $status: $*: $output$stderr"; return 1; }
	# shellcheck disable=SC2053
	[[ $stderr == $pattern ]] || { echo "said: $stderr"; return 1; }
	[ "$(grep -c . <<<"$stderr")" -le 3 ] || { echo "said much: $stderr"; return 1; }
	[ -z "$output" ]
	[ "$(mybox ps -aq | wc -l)" = "$before" ]
}

map() { mybox exec "$1" cat /proc/self/uid_map | tr -s ' ' | sed 's/^ //'; }
first() { map "$1" | cut -d' ' -f2; }
pid_of() { mybox inspect -f '{{.State.Pid}}' "$1"; }

@test "auto: its root is nobody outside, and owns what is in the image" {
	mybox run -d --name c1 --userns=auto deb sleep 1000
	local base
	base=$(first c1)
	[ "$base" -gt 65536 ]
	[ "$(map c1)" = "0 $base 65536" ]
	[ "$(mybox exec c1 cat /proc/self/gid_map | tr -s ' ')" = " 0 $base 65536" ]
	[ "$(stat -c %u "/proc/$(pid_of c1)")" = "$base" ]
	[ "$(mybox exec c1 readlink /proc/self/ns/user)" != "$(readlink /proc/self/ns/user)" ]
	[ "$(mybox exec c1 stat -c %u:%g / /root /etc/passwd /tmp | sort -u)" = 0:0 ]
	[ "$(mybox exec c1 stat -c %u:%g /home/user)" = 1000:1000 ]
	[ "$(mybox inspect -f '{{.HostConfig.UsernsMode}}' c1)" = auto ]
	[ "$(mybox inspect -f '{{json .HostConfig.UidMap}}' c1)" = "[\"0:$base:65536\"]" ]
	# The image on disk is as it was.
	[ "$(find "$root"/layers/*/diff ! -uid 0 ! -uid 1000 | wc -l)" = 0 ]
	[ "$(mybox run --rm deb stat -c %u:%g /home/user)" = 1000:1000 ]
}

@test "what is written has the outer ids, and is there after a restart" {
	mybox run -d --name c1 --userns=auto deb sh -c 'echo mine >/file; chown 1000:50 /file; mkdir /etc/new; exec sleep 1000'
	wait_until 60 mybox exec c1 test -d /etc/new
	local base upper
	base=$(first c1)
	upper=$root/containers/$(mybox inspect -f '{{.Id}}' c1)/upper
	[ "$(stat -c %u:%g "$upper")" = "$base:$base" ]
	[ "$(stat -c %u:%g "$upper/file")" = "$((base + 1000)):$((base + 50))" ]
	# A file of a lower layer, copied up.
	mybox exec c1 sh -c 'echo more >>/etc/passwd'
	[ "$(stat -c %u:%g "$upper/etc/passwd")" = "$base:$base" ]
	mybox restart -t 0 c1
	[ "$(first c1)" = "$base" ]
	[ "$(mybox exec c1 stat -c %u:%g /file)" = 1000:50 ]
	[ "$(mybox exec c1 stat -c %u:%g /etc/passwd)" = 0:0 ]
	[ "$(mybox exec c1 cat /file)" = mine ]
}

@test "auto: each container has a range of its own, and a removed one's is given again" {
	local i bases=()
	for i in 1 2 3 4; do mybox create --name "c$i" --userns=auto:size=2000 deb sleep 1000; done
	mybox create --name c5 --userns=auto deb sleep 1000
	for i in 1 2 3 4 5; do bases+=("$(mybox inspect -f '{{json .HostConfig.UidMap}}' "c$i")"); done
	[ "$(printf '%s\n' "${bases[@]}" | sort -u | wc -l)" = 5 ]
	python3 - "${bases[@]}" <<-'P'
		import json, sys
		ranges = sorted((int(m[0].split(":")[1]), int(m[0].split(":")[2])) for m in map(json.loads, sys.argv[1:]))
		for (a, n), (b, _) in zip(ranges, ranges[1:]):
		    assert a + n <= b, ranges
	P
	mybox rm c2
	mybox create --name c6 --userns=auto:size=2000 deb sleep 1000
	[ "$(mybox inspect -f '{{json .HostConfig.UidMap}}' c6)" = "${bases[1]}" ]
}

@test "auto: many at once do not get the same" {
	local i pids=()
	for i in 1 2 3 4 5 6 7 8; do
		"${box[@]}" create --name "c$i" --userns=auto:size=1024 deb true >/dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	[ "$(for i in 1 2 3 4 5 6 7 8; do mybox inspect -f '{{json .HostConfig.UidMap}}' "c$i"; done | sort -u | wc -l)" = 8 ]
}

@test "auto: ranges of /etc/subuid, and their end" {
	# In mounts of our own: the machine's files stay as they are.
	in_subids() { # in_subids LINES COMMAND...
		printf '%b' "$1" >"$BATS_TEST_TMPDIR/sub"
		# shellcheck disable=SC2016
		unshare --mount --propagation private sh -ec '
			[ -e /etc/subuid ] && mount --bind "$1" /etc/subuid
			[ -e /etc/subgid ] && mount --bind "$1" /etc/subgid
			shift
			exec "$@"' sh "$BATS_TEST_TMPDIR/sub" "${box[@]}" "${@:2}"
	}
	[ -e /etc/subuid ] && [ -e /etc/subgid ] || skip "needs /etc/subuid and /etc/subgid"
	local lines='other:1:7\nmybox:300000:3000\nmybox:nonsense\nmybox:5:0\ncontainers:400000:1000\n'
	in_subids "$lines" create --name c1 --userns=auto:size=2000 deb true
	in_subids "$lines" create --name c2 --userns=auto:size=1000 deb true
	in_subids "$lines" create --name c3 --userns=auto:size=1000 deb true
	[ "$(mybox inspect -f '{{json .HostConfig.UidMap}}' c1 c2 c3 | tr '\n' ' ')" = '["0:300000:2000"] ["0:302000:1000"] ["0:400000:1000"] ' ]
	run in_subids "$lines" run --name c4 --userns=auto:size=1000 deb true
	[ "$status" = 125 ]
	[[ $output == *"--userns=auto: no 1000 ids are left in /etc/subuid"* ]]
	[ "$(mybox ps -aq | wc -l)" = 3 ]
}

@test "--uidmap and --gidmap" {
	mybox run -d --name c1 --uidmap 0:200000:1000 --uidmap 1000:@500000:1 --gidmap 0:300000:2000 deb sleep 1000
	[ "$(map c1)" = "0 200000 1000
1000 500000 1" ]
	[ "$(mybox exec c1 cat /proc/self/gid_map | tr -s ' ')" = " 0 300000 2000" ]
	[ "$(mybox exec -u user c1 id -u)" = 1000 ]
	[ "$(mybox exec c1 stat -c %u:%g /home/user)" = 1000:1000 ]
	run mybox exec -u 1001 c1 true
	[ "$status" != 0 ]
	[[ $output == *"user 1001 is not mapped"* ]]
	# One stands for both.
	[ "$(mybox run --rm --gidmap 0:200000:1000 deb cat /proc/self/uid_map | tr -s ' ')" = " 0 200000 1000" ]
}

@test "what cannot be is refused" {
	local bad
	for bad in 0 0: 0:1:2:3 x:1:2 0:x:2 0:1:x 0:1:0 -1:1:1 0:4294967295:1 0:1:4294967295 +0:1:1 ''; do
		refused '*invalid argument*uidmap*' --uidmap "$bad"
	done
	refused '*ranges overlap*' --uidmap 0:1000:10 --uidmap 5:5000:10
	refused '*ranges overlap*' --uidmap 0:1000:10 --uidmap 20:1005:10
	refused "*the container's id 0 is not mapped*" --uidmap 1:1000:10
	refused "*the container's id 0 is not mapped*" --uidmap 0:1000:10 --gidmap 1:1000:10
	refused '*conflicting options*' --userns=auto --uidmap 0:1000:10
	refused '*conflicting options*' --userns=host --gidmap 0:1000:10
	refused '*invalid USER mode: nosuch*' --userns=nosuch
	refused '*invalid USER mode: private*' --userns=private
	refused '*--userns=keep-id is not supported*' --userns=keep-id
	refused '*--userns=container:c1 is not supported*' --userns=container:c1
	refused "*option 'uidmapping=0:1:1' is not supported*" --userns=auto:uidmapping=0:1:1
	refused "*invalid size '0'*" --userns=auto:size=0
	refused "*invalid size 'x'*" --userns=auto:size=x
	refused "*invalid size '99999999'*" --userns=auto:size=99999999
	refused '*privileged mode is incompatible with user namespaces*' --userns=auto --privileged
	refused "*cannot share the host's network namespace*" --userns=auto --network host
	refused "*cannot share the host's PID namespace*" --userns=auto --pid host
	refused "*cannot share the host's IPC namespace*" --userns=auto --ipc host
	refused "*user 70000 is not mapped*" --userns=auto -u 70000
	refused "*group 70000 is not mapped*" --userns=auto --group-add 70000
	refused "*'idmap' needs a user namespace*" -v "$BATS_TEST_TMPDIR:/d:idmap"
	mybox run -d --name c1 deb sleep 1000
	refused "*cannot share another container's network namespace*" --userns=auto --network container:c1
	refused "*cannot share another container's PID namespace*" --userns=auto --pid container:c1
}

@test "volumes hold the container's ids, whoever uses them" {
	# A fresh one is filled from the image.
	mybox run --rm --userns=auto -v vol:/home deb sh -c 'touch /home/new && chown 7:8 /home/new'
	[ "$(stat -c %u:%g "$root/volumes/vol/_data" "$root/volumes/vol/_data/user" "$root/volumes/vol/_data/new" | tr '\n' ' ')" = "0:0 1000:1000 7:8 " ]
	[ "$(mybox run --rm -v vol:/home deb stat -c %u:%g /home/user /home/new | tr '\n' ' ')" = "1000:1000 7:8 " ]
	[ "$(mybox run --rm --uidmap 0:200000:2000 -v vol:/home deb stat -c %u:%g /home/user /home/new | tr '\n' ' ')" = "1000:1000 7:8 " ]
	# Anonymous ones too.
	[ "$(mybox run --rm --userns=auto -v /home deb stat -c %u:%g /home /home/user | tr '\n' ' ')" = "0:0 1000:1000 " ]
}

@test "binds have the host's ids, or with idmap the container's" {
	local dir=$BATS_TEST_TMPDIR/dir
	mkdir -m 777 "$dir"
	touch "$dir/old"
	[ "$(mybox run --rm --userns=auto -v "$dir:/d" deb stat -c %u:%g /d/old)" = 65534:65534 ]
	[ "$(mybox run --rm --userns=auto -v "$dir:/d:idmap" deb sh -c 'stat -c %u:%g /d/old; touch /d/new; chown 5:6 /d/new')" = 0:0 ]
	[ "$(stat -c %u:%g "$dir/new")" = 5:6 ]
	[ "$(mybox run --rm --userns=auto --mount "type=bind,src=$dir,dst=/d,idmap,readonly" deb sh -c 'stat -c %u:%g /d/new; touch /d/x 2>/dev/null || echo no' | tr '\n' ' ')" = "5:6 no " ]
	mybox run --rm --userns=auto -v "$dir:/d" deb touch /d/its
	[ "$(stat -c %u "$dir/its")" -gt 65536 ]
}

@test "root inside is nobody: not of the host's files, not of its kernel" {
	echo secret >"$BATS_TEST_TMPDIR/secret"
	chmod 600 "$BATS_TEST_TMPDIR/secret"
	run mybox run --rm --userns=auto -v "$BATS_TEST_TMPDIR/secret:/secret" deb cat /secret
	[ "$status" != 0 ]
	[[ $output != *secret$'\n'* ]]
	run mybox run --rm --userns=auto --cap-add ALL --security-opt seccomp=unconfined --security-opt systempaths=unconfined deb sh -c 'echo 1 >/proc/sys/vm/drop_caches'
	[ "$status" != 0 ]
	run mybox run --rm --userns=auto --cap-add ALL deb mknod /n c 1 3
	[ "$status" != 0 ]
}

@test "streams, terminals, names, users and limits work as without" {
	[ "$(mybox run --rm --userns=auto deb sh -c 'echo out >/dev/stdout; echo err >/dev/stderr' 2>&1 | sort | tr '\n' ' ')" = "err out " ]
	[ "$(mybox run --rm --userns=auto -u user deb sh -c 'echo out >/dev/stdout; id -u; id -g; echo $HOME' | tr '\n' ' ')" = "out 1000 1000 /home/user " ]
	[ "$(echo in | mybox run --rm -i --userns=auto deb cat /dev/stdin)" = in ]
	[[ $(mybox run --rm -t --userns=auto deb sh -c 'tty; stat -c %u:%g /dev/pts/0' | tr -d '\r' | tr '\n' ' ') == "/dev/pts/0 0:5 " ]]
	[[ $(mybox run --rm --userns=auto --add-host db:10.1.2.3 deb sh -c 'stat -c %u:%g:%a /etc/hosts; cat /etc/hosts') == 0:0:644*10.1.2.3*db* ]]
	mybox run --rm --userns=auto deb sh -c 'echo 10.1.1.1 more >>/etc/hosts && grep -q more /etc/hosts'
	[ "$(mybox run --rm --userns=auto --oom-score-adj 300 deb cat /proc/self/oom_score_adj)" = 300 ]
	[ "$(mybox run --rm --userns=auto -h there --domainname dom deb sh -c 'hostname; cat /proc/sys/kernel/domainname' | tr '\n' ' ')" = "there dom " ]
	[ "$(mybox run --rm --userns=auto --sysctl net.ipv4.ip_forward=1 deb cat /proc/sys/net/ipv4/ip_forward)" = 1 ]
	[ "$(mybox run --rm --userns=auto deb cat /proc/sys/net/ipv4/ping_group_range | tr '\t' ' ')" = "0 65535" ]
	mybox run --rm --userns=auto --tmpfs /t --read-only deb sh -c 'touch /t/x && ! touch /x 2>/dev/null'
	mybox run --rm --userns=auto --hardened --init deb true
	mybox run --rm --userns=auto --device /dev/full --device /dev/zero:/dev/mine deb sh -c 'test -c /dev/full && head -c 3 /dev/mine | wc -c'
}

@test "exec: as root, as a user, with a terminal, privileged" {
	mybox run -d --name c1 --userns=auto deb sleep 1000
	[ "$(mybox exec c1 sh -c 'echo out >/dev/stdout; id -u')" = "out
0" ]
	[ "$(mybox exec -u user c1 sh -c 'echo out >/dev/stdout; id -u')" = "out
1000" ]
	[[ $(mybox exec -t c1 tty) == /dev/pts/* ]]
	[ "$(mybox exec c1 readlink /proc/self/ns/user)" = "$(mybox exec c1 readlink /proc/1/ns/user)" ]
	[ "$(mybox exec --privileged c1 grep CapEff /proc/self/status | cut -f2)" = "$(mybox run --rm --userns=auto --cap-add ALL deb grep CapEff /proc/self/status | cut -f2)" ]
	run mybox exec --privileged c1 sh -c 'cat /proc/1/root/etc/shadow; echo 1 >/proc/sys/vm/drop_caches'
	[ "$status" != 0 ]
	[ "$(mybox exec c1 touch /x && mybox exec c1 stat -c %u:%g /x)" = 0:0 ]
}

@test "networks: published, resolved, reached" {
	mybox network create net1
	mybox run -d --name web --network net1 --userns=auto -p 127.0.0.1:18099:80 deb sh -c 'while :; do echo hello | nc -l -p 80; done'
	wait_until 60 sh -c 'nc -w 2 127.0.0.1 18099 </dev/null 2>/dev/null | grep -q hello || busybox nc -w 2 127.0.0.1 18099 </dev/null | grep -q hello'
	mybox run --rm --network net1 --userns=auto deb nslookup web
	mybox rm -f web
	mybox network rm net1
}
