#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Root file systems, namespaces and control groups as bundles ask for them.

load helpers

@test "root: read-only or not, relative and absolute, without pivot_root" {
	b=$(bundle b 'p["args"] = ["touch", "/new"]')
	run -1 oci run --bundle "$b" $n
	[ ! -e "$b/rootfs/new" ]
	config "$b" 'c["root"]["readonly"] = False'
	oci run --bundle "$b" $n
	[ -e "$b/rootfs/new" ]
	config "$b" "c['root']['path'] = '$b/rootfs'" 'p["args"] = ["ls", "/new"]'
	run -0 oci run --bundle "$b" $n
	run -0 oci run --no-pivot --bundle "$b" $n
	[ "$output" = /new ]
	config "$b" 'c["root"]["path"] = "../b/rootfs"'
	cd /
	run -0 oci run --bundle "${b#/}" $n
	# Nothing of the host is in sight.
	config "$b" 'p["args"] = ["cat", "/proc/self/mountinfo"]'
	oci run --bundle "$b" $n >"$dir/mounts"
	run ! grep -q " $dir" "$dir/mounts"
	[ "$(awk '$5 == "/"' "$dir/mounts" | wc -l)" = 1 ]
}

@test "cgroupsPath: absent, relative, absolute, impossible" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]')
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	grep -q "/mybox/$n$" "/proc/$(pid_of $n)/cgroup"
	oci delete -f $n
	config "$b" "l['cgroupsPath'] = 'mybox/rel-$n'"
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	grep -q "/mybox/rel-$n$" "/proc/$(pid_of $n)/cgroup"
	oci delete -f $n
	config "$b" "l['cgroupsPath'] = '/mybox/abs/$n'"
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	grep -q "/mybox/abs/$n$" "/proc/$(pid_of $n)/cgroup"
	oci delete -f $n
	is_gone $n
	is_gone "*$n"
	local bad
	for bad in ../x /a/../b / /..; do
		config "$b" "l['cgroupsPath'] = '$bad'"
		run -1 oci create --bundle "$b" $n
	done
	find /sys/fs/cgroup -depth -path '*/mybox/abs' -type d -exec rmdir {} + 2>/dev/null || true
}

@test "namespaces by path: network and process" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]')
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	local pid
	pid=$(pid_of $n)
	b2=$(bundle b2 'p["args"] = ["sh", "-c", "cat /proc/net/dev | wc -l; ps | grep -c \"sleep 100[0]\""]' \
		"[x.update(path='/proc/$pid/ns/' + {'network': 'net'}.get(x['type'], x['type'])) for x in l['namespaces'] if x['type'] in ('network', 'pid', 'ipc')]")
	run -0 oci run --bundle "$b2" ${n}x
	[ "${lines[1]}" = 1 ]
	config "$b2" 'p["args"] = ["sleep", "2000"]'
	oci run -d --bundle "$b2" ${n}x </dev/null >/dev/null 2>&1
	local k
	for k in net pid ipc; do
		[ "$(readlink "/proc/$(pid_of ${n}x)/ns/$k")" = "$(readlink "/proc/$pid/ns/$k")" ]
	done
	[ "$(readlink "/proc/$(pid_of ${n}x)/ns/uts")" != "$(readlink "/proc/$pid/ns/uts")" ]
	oci exec ${n}x true
	oci delete -f ${n}x
	oci delete -f $n
	config "$b2" "[x.update(path='/nope') for x in l['namespaces'] if x['type'] == 'network']"
	run -1 oci create --bundle "$b2" ${n}x
	is_gone ${n}x
}

@test "a mount namespace by path, but not the host's" {
	unshare --mount sleep 1000 3>&- &
	there=$!
	wait_until sh -c "[ \$(readlink /proc/$there/ns/mnt) != $(readlink /proc/self/ns/mnt) ]"
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' \
		"[x for x in l['namespaces'] if x['type'] == 'mount'][0]['path'] = '/proc/$there/ns/mnt'")
	touch "$b/rootfs/here"
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	[ "$(readlink "/proc/$(pid_of $n)/ns/mnt")" = "$(readlink "/proc/$there/ns/mnt")" ]
	oci exec $n ls -d /here /proc/1
	run -1 oci exec $n ls -d /usr
	oci delete -f $n
	kill "$there"
	config "$b" "[x for x in l['namespaces'] if x['type'] == 'mount'][0]['path'] = '/proc/$$/ns/mnt'"
	run -1 oci run --bundle "$b" $n
	[[ $output == *"the mount namespace to join is the host's" ]]
	is_gone $n
}

@test "a user namespace by path that forbids groups" {
	setpriv --groups 4,5 unshare --user --map-root-user sleep 1000 3>&- &
	there=$!
	wait_until grep -q deny "/proc/$there/setgroups"
	wait_until grep -q '0' "/proc/$there/uid_map"
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' \
		"l['namespaces'].append({'type': 'user', 'path': '/proc/$there/ns/user'})" \
		"[m['options'].remove('gid=5') for m in c['mounts'] if m['type'] == 'devpts']")
	setpriv --groups 4,5 "$OCI" --root "$state" run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	run -0 setpriv --groups 4,5 "$OCI" --root "$state" exec $n grep Groups: /proc/self/status /proc/1/status
	[ "$output" = $'/proc/self/status:Groups:\t \n/proc/1/status:Groups:\t ' ]
	run -255 oci exec -g 0 $n true
	[[ $output == *"cannot set supplementary groups"* ]]
	oci delete -f $n
	kill "$there"
}

@test "process: user, groups, umask, directory, rlimits, capabilities" {
	b=$(bundle b 'p["user"] = {"uid": 12, "gid": 34, "additionalGids": [56, 78], "umask": 0o27}' 'p["cwd"] = "/made/here"' \
		'p["args"] = ["sh", "-c", "id; umask; pwd; ulimit -n; grep -E Cap /proc/self/status | head -5; echo $HOME"]' \
		'c["root"]["readonly"] = False' 'p["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 100}]')
	echo 'me:x:12:34::/home/me:/bin/sh' >>"$b/rootfs/etc/passwd"
	run -0 oci run --bundle "$b" $n
	[[ ${lines[0]} == "uid=12"*"gid=34"*56*78* ]]
	[ "${lines[1]}" = 0027 ]
	[ "${lines[2]}" = /made/here ]
	[ "${lines[3]}" = 99 ]
	[[ ${lines[4]} == CapInh*0000000000000000 && ${lines[6]} == CapEff*0000000000000000 ]]
	[ "${lines[9]}" = /home/me ]
}

@test "a control group that others live in is neither taken nor emptied" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' "l['cgroupsPath'] = '/mybox/one-$n'")
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	local verb dirs
	mapfile -t dirs < <(cgroups "one-$n")
	for verb in create run; do
		run -1 oci $verb --bundle "$b" ${n}x
		[[ $output == *"/mybox/one-$n' is not empty" ]]
		is_gone ${n}x
	done
	# Nor by a name that is taken.
	run -1 oci create --bundle "$b" $n
	[[ $output == *"already exists"* ]]
	is_status $n running
	[ "$(oci ps --format json $n)" = "[$(pid_of $n)]" ]
	oci delete -f $n
	# One that is left, and empty, may be used.
	mkdir "${dirs[@]}"
	oci run -d --bundle "$b" ${n}x </dev/null >/dev/null 2>&1
	oci delete -f ${n}x
	[ -z "$(cgroups "one-$n")" ]
}
