#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The six kinds of hooks: when, where, with what, and what becomes of those that fail.

load helpers

# note NAME: a hook that appends its name, its state and its namespaces to $dir/said.
make_note() {
	cat >"$dir/note" <<-S
		#!/bin/sh
		state=\$(cat)
		echo "\$0 \$1 \$state mnt=\$(readlink /proc/self/ns/mnt) net=\$(readlink /proc/self/ns/net) X=\$X \$PWD" >>$dir/said
	S
	chmod +x "$dir/note"
}
said() { awk '{print $2}' "$dir/said" | tr '\n' ' '; }
line() { grep " $1 " "$dir/said"; }

@test "all six, in their order, with the state on stdin" {
	make_note
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' 'c["root"]["readonly"] = False' 'c["annotations"] = {"k": "v"}' \
		"[hook(k, '$dir/note', k, env=['X=y', 'PATH=/bin:/usr/bin']) for k in ('poststop', 'poststart', 'createContainer', 'createRuntime', 'prestart')]" \
		"hook('startContainer', '/bin/sh', '-c', 'cat > /tmp/start.json; id -u > /tmp/who')" 'p["user"]["uid"] = 5' 'p["args"]=["sleep", "1000"]')
	chmod 1777 "$b/rootfs/tmp"
	oci create --bundle "$b" $n </dev/null >/dev/null 2>&1
	[ "$(said)" = "prestart createRuntime createContainer " ]
	[ ! -e "$b/rootfs/tmp/start.json" ]
	local pid
	pid=$(pid_of $n)
	oci start $n
	[ "$(said)" = "prestart createRuntime createContainer poststart " ]
	[ "$(cat "$b/rootfs/tmp/who")" = 5 ]
	python3 - "$b/rootfs/tmp/start.json" "$dir/said" "$b" $n "$pid" <<-'P'
		import json, re, sys
		def check(s, status, pid):
		    assert s["status"] == status and s["id"] == sys.argv[4] and s["bundle"] == sys.argv[3], s
		    assert s["annotations"] == {"k": "v"} and s["ociVersion"] and s.get("pid") == pid, s
		check(json.load(open(sys.argv[1])), "created", 1)
		for l in open(sys.argv[2]):
		    name, state = l.split(" ", 2)[1], re.search(r"\{.*\}", l).group(0)
		    want = {"prestart": "creating", "createRuntime": "creating", "createContainer": "creating", "poststart": "running"}
		    check(json.loads(state), want[name], 1 if name == "createContainer" else int(sys.argv[5]))
		    assert " X=y " in l, l
	P
	# Namespaces: the runtime's, but for createContainer's.
	local ours
	ours=$(readlink /proc/self/ns/net)
	[[ $(line prestart) == *"net=$ours"* && $(line createRuntime) == *"net=$ours"* ]]
	[[ $(line poststart) == *"net=$ours"* && $(line createContainer) != *"net=$ours"* ]]
	oci kill $n KILL
	wait_until is_status $n stopped
	oci delete $n
	[ "$(said)" = "prestart createRuntime createContainer poststart poststop " ]
	[[ $(line poststop) == *'"status":"stopped"'* && $(line poststop) != *'"pid"'* ]]
	is_gone $n
}

@test "createRuntime sees the mounts where the bundle has the root" {
	b=$(bundle b 'p["args"] = ["cat", "/etc/new"]')
	cat >"$dir/add" <<-S
		#!/bin/sh
		pid=\$(sed 's/.*"pid": *\([0-9]*\).*/\1/')
		nsenter -t \$pid -m sh -c 'echo hooked >/run/mybox-test/x.\$\$ && touch $b/rootfs/etc/new && mount --bind /run/mybox-test/x.\$\$ $b/rootfs/etc/new && rm /run/mybox-test/x.\$\$'
	S
	chmod +x "$dir/add"
	config "$b" "hook('createRuntime', '$dir/add', env=['PATH=/usr/sbin:/usr/bin:/sbin:/bin'])"
	run -0 oci run --bundle "$b" $n
	[ "$output" = hooked ]
	[ ! -s "$b/rootfs/etc/new" ]
}

@test "a hook of create that fails: no container, and poststop" {
	make_note
	local kind
	for kind in prestart createRuntime createContainer; do
		rm -rf "$dir/b" "$dir/said"
		b=$(bundle b "hook('$kind', '/bin/sh', '-c', 'echo why >&2; exit 3')" "hook('poststop', '$dir/note', 'poststop')")
		run -1 oci create --bundle "$b" $n
		[[ $output == *"$kind hook 0: '/bin/sh' failed with exit status 3: why" ]]
		[ "$(said)" = "poststop " ]
		is_gone $n
		run -1 oci run --bundle "$b" $n
		is_gone $n
	done
}

@test "a hook that is missing, or no program" {
	b=$(bundle b "hook('createRuntime', '/nope/nope')")
	run -1 oci create --bundle "$b" $n
	[[ $output == *"/nope/nope"*"o such file"* ]]
	is_gone $n
	: >"$dir/empty"
	rm -rf "$b"
	b=$(bundle b "hook('createContainer', '$dir/empty')")
	run -1 oci create --bundle "$b" $n
	[[ $output == *"ermission denied"* ]]
	is_gone $n
}

@test "a hook that hangs is killed with what it started" {
	b=$(bundle b "hook('createRuntime', '/bin/sh', '-c', 'sleep 1000 & echo \$! >$dir/child; sleep 1000', timeout=1)")
	run -1 oci create --bundle "$b" $n
	[[ $output == *"createRuntime hook 0"*"killed"* ]]
	wait_until test ! -e "/proc/$(cat "$dir/child")/cmdline"
	is_gone $n
	rm -rf "$b"
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' "hook('startContainer', '/bin/sleep', '1000', timeout=1)")
	oci create --bundle "$b" $n </dev/null >/dev/null 2>&1
	run -1 oci start $n
	[[ $output == *"startContainer hook 0"* ]]
	wait_until is_status $n stopped
	oci delete $n
	is_gone $n
}

@test "startContainer: failure ends the container; poststart, poststop: a warning" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' "hook('startContainer', '/bin/false')")
	ln -sf busybox "$b/rootfs/bin/false"
	oci create --bundle "$b" $n </dev/null >/dev/null 2>&1
	run -1 oci start $n
	wait_until is_status $n stopped
	oci delete $n
	run -1 oci run --bundle "$b" $n
	is_gone $n
	rm -rf "$b"
	make_note
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' "hook('poststart', '/bin/false'); hook('poststart', '$dir/note', 'second')" "hook('poststop', '/nope')")
	oci --log "$dir/log" run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	is_status $n running
	grep -q 'level=warning.*poststart hook' "$dir/log"
	[ "$(said)" = "second " ]
	oci --log "$dir/log" delete -f $n
	grep -q 'level=warning.*poststop hook' "$dir/log"
	is_gone $n
}

@test "create killed in a hook: delete --force cleans, poststop too" {
	make_note
	b=$(bundle b "hook('createRuntime', '/bin/sh', '-c', 'touch $dir/in; exec sleep 1000')" "hook('poststop', '$dir/note', 'poststop')")
	"$OCI" --root "$state" create --bundle "$b" $n </dev/null >/dev/null 2>&1 3>&- &
	local job=$!
	wait_until test -e "$dir/in"
	kill -9 $job
	wait $job || true
	run -1 oci create --bundle "$b" $n
	[[ $output == *"already exists"* ]]
	oci delete --force $n
	is_gone $n
	[ "$(said)" = "poststop " ]
}

@test "delete --force of a container that hangs in its making" {
	b=$(bundle b "hook('createContainer', '/bin/sh', '-c', 'touch $dir/in; exec sleep 1000')")
	"$OCI" --root "$state" create --bundle "$b" $n </dev/null >/dev/null 2>&1 3>&- &
	local job=$! code=0
	wait_until test -e "$dir/in"
	is_status $n creating
	oci delete --force $n
	wait $job || code=$?
	[ $code = 1 ]
	is_gone $n
}

@test "in its making nobody enters it, where the host's files are still in sight" {
	local way job
	for way in create "run -d"; do
		b=$(bundle b 'p["args"] = ["sleep", "1000"]' "hook('createContainer', '/bin/sh', '-c', 'touch $dir/in; until [ -e $dir/go ]; do sleep 0.05; done')")
		# shellcheck disable=SC2086
		"$OCI" --root "$state" $way --bundle "$b" $n </dev/null >/dev/null 2>&1 3>&- &
		job=$!
		wait_until test -e "$dir/in"
		is_status $n creating
		[ "$(pid_of $n)" != 0 ]
		run -255 oci exec $n touch "$dir/written"
		[[ $output == *"being created"* ]]
		run -1 oci pause $n
		[ ! -e "$dir/written" ]
		touch "$dir/go"
		wait $job
		[ "$(oci exec $n cat /etc/passwd)" = "$(cat "$b/rootfs/etc/passwd")" ]
		oci delete --force $n
		rm -r "$dir/go" "$dir/in" "$b"
	done
}
