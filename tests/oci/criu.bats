#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# checkpoint and restore: what criu is told, and the whole way with the real one where it works.
# MYBOX_CRIU: the real one, when it is not in PATH.

load helpers

# A container whose streams and mounts come from here, a bind and a file among them.
start() { # start [CODE...]
	mkdir -p "$dir/data"
	echo from-host >"$dir/data/file"
	b=$(bundle b 'p["args"] = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >/tmp/n; sleep 0.1; done"]' \
		"c['mounts'] += [{'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs'}, {'destination': '/data/', 'type': 'bind', 'source': '$dir/data', 'options': ['bind', 'ro']}, {'destination': '/etc/one', 'type': 'bind', 'source': '$dir/data/file', 'options': ['bind']}]" "$@")
	oci run -d --bundle "$b" $n </dev/null > >(cat >"$dir/out") 2>/dev/null 3>&-
}

# One that only notes how it is called, and in restore makes a process.
fake() {
	cat >"$dir/criu" <<-'F'
		#!/bin/bash
		for a; do case $a in
			--images-dir=*) images=${a#*=} ;;
			--pidfile=*) pid=${a#*=} ;;
		esac; done
		printf '%s\n' "$@" >"$images/args"
		ls -l /proc/self/fd >"$images/fds"
		cat /proc/self/cgroup >"$images/cgroup"
		readlink /proc/self/ns/mnt >"$images/mnt"
		env >"$images/env"
		[ ! -e "$images/fail" ] || { echo "(00.1) Error (x.c:1): told so" >"$images/$1.log"; exit 3; }
		[ -z "$pid" ] || { sleep 1000 </dev/null >/dev/null 2>&1 64>&- 65>&- 66>&- 67>&- 68>&- & echo $! >"$pid"; }
	F
	chmod +x "$dir/criu"
}

has() { # has ARG...: each is one argument
	local a
	for a; do
		grep -qxF -- "$a" "$dir/i/args" || {
			echo "not told: $a"
			cat "$dir/i/args"
			return 1
		}
	done
}

@test "without criu both are refused by name, and nothing changes" {
	start
	run -1 oci --criu no-such-criu checkpoint --image-path "$dir/i" $n
	[ "$output" = "mybox-oci: checkpoint: this needs 'no-such-criu', which is not installed" ]
	is_status $n running
	echo '["", "", ""]' >"$dir/i/descriptors.json"
	run -1 oci --criu no-such-criu restore --bundle "$b" --image-path "$dir/i" ${n}x
	[ "$output" = "mybox-oci: restore: this needs 'no-such-criu', which is not installed" ]
	is_gone ${n}x
	run -1 oci --criu "$dir/none" checkpoint --image-path "$dir/i" $n
	[[ $output == *"criu '$dir/none': No such file or directory" ]]
	oci delete -f $n
}

@test "what criu is told" {
	fake
	start "[x.update(path='/proc/self/ns/net') for x in l['namespaces'] if x['type'] == 'network']"
	pid=$(pid_of $n)
	pipe=$(readlink "/proc/$pid/fd/1")
	net=$(stat -Lc %i /proc/self/ns/net)
	oci --criu "$dir/criu" checkpoint --image-path "$dir/i" --leave-running --tcp-established \
		--ext-unix-sk --shell-job --file-locks --link-remap --auto-dedup --lazy-pages \
		--tcp-skip-in-flight --empty-ns network --parent-path ../p --page-server 1.2.3.4:99 $n
	is_status $n running
	[ "$(head -1 "$dir/i/args")" = dump ]
	has "--tree=$pid" --log-file=dump.log --manage-cgroups=ignore --leave-running --tcp-established \
		--ext-unix-sk --shell-job --file-locks --link-remap --auto-dedup --lazy-pages --skip-in-flight \
		--empty-ns=net --prev-images-dir=../p --track-mem --page-server --address=1.2.3.4 --port=99 \
		--external=mnt[/data]:/data --external=mnt[/etc/one]:/etc/one "--external=net[$net]:extRootNetNS"
	run -0 grep -c '^--external=file\[' "$dir/i/args"
	[ "$output" = 1 ]
	python3 -c 'import json, sys
a = json.load(open(sys.argv[1]))
assert a[0].startswith("file[") and a[1] == sys.argv[2], a' "$dir/i/descriptors.json" "$pipe"
	[ "$(grep -v '^\(PWD\|SHLVL\|_\)=' "$dir/i/env" | cut -d= -f1)" = PATH ]
	oci --criu "$dir/criu" checkpoint --image-path "$dir/i" --pre-dump --manage-cgroups-mode full $n
	is_status $n running
	[ "$(head -1 "$dir/i/args")" = pre-dump ]
	has --track-mem --manage-cgroups=full
	touch "$dir/i/fail"
	run -1 oci --criu "$dir/criu" checkpoint --image-path "$dir/i" $n
	[[ $output == *"criu dump failed with exit status 3: Error (x.c:1): told so (see '$dir/i/dump.log')" ]]
	is_status $n running
	run -1 oci --criu "$dir/criu" restore --bundle "$b" --image-path "$dir/i" ${n}x
	[[ $output == *"criu restore failed with exit status 3"* ]]
	is_gone ${n}x
	rm "$dir/i/fail"
	# Without --leave-running it has gone to disk.
	oci --criu "$dir/criu" checkpoint --image-path "$dir/i" --work-path "$dir/w" $n
	has "--work-dir=$dir/w"
	is_gone $n
	rmdir "$b/rootfs/data"
	oci --criu "$dir/criu" restore --bundle "$b" --image-path "$dir/i" --pid-file "$dir/pid" -d $n \
		</dev/null > >(cat >"$dir/out") 2>"$dir/err" 3>&- || { cat "$dir/err"; false; }
	[ "$(head -1 "$dir/i/args")" = restore ]
	has "--root=$b/rootfs" --restore-detached --restore-sibling "--external=mnt[/data]:$dir/data" \
		"--external=mnt[/etc/one]:$dir/data/file" "--inherit-fd=fd[67]:$pipe" "--inherit-fd=fd[64]:extRootNetNS"
	[ -d "$b/rootfs/data" ]
	grep -q '67 -> pipe:' "$dir/i/fds"
	grep -q '64 -> net:' "$dir/i/fds"
	[ "$(cat "$dir/i/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
	grep -q '^0::/$' "$dir/i/cgroup"
	is_status $n running
	[ "$(cat "$dir/pid")" = "$(pid_of $n)" ]
	grep -q "^0::.*/$n\$" "/proc/$(pid_of $n)/cgroup"
	oci delete -f $n
}

@test "what criu cannot keep is refused by name" {
	fake
	run -1 oci checkpoint --image-path "$dir/i" $n
	[[ $output == *"does not exist" ]]
	start
	oci pause $n
	run -1 oci --criu "$dir/criu" checkpoint --image-path "$dir/i" $n
	[[ $output == *"container not running: paused" ]]
	oci resume $n
	run -1 oci checkpoint --page-server nowhere --image-path "$dir/i" $n
	[[ $output == *"'--page-server nowhere' is no ADDRESS:PORT" ]]
	run -1 oci checkpoint --empty-ns ipc --image-path "$dir/i" $n
	[[ $output == *"only 'network' can be left" ]]
	run -1 oci checkpoint --status-fd 77 --image-path "$dir/i" $n
	[[ $output == *"'--status-fd 77': Bad file descriptor" ]]
	run -1 oci --criu "$dir/criu" restore --bundle "$b" --image-path "$dir/none" ${n}x
	[[ $output == *"images '$dir/none': No such file or directory" ]]
	is_gone ${n}x
	mkdir "$dir/j"
	echo '{}' >"$dir/j/descriptors.json"
	run -1 oci --criu "$dir/criu" restore --bundle "$b" --image-path "$dir/j" ${n}x
	[[ $output == *"is no list of three descriptors" ]]
	config "$b" 'hook("createRuntime", "/bin/true")'
	run -1 oci --criu "$dir/criu" restore --bundle "$b" --image-path "$dir/j" ${n}x
	[[ $output == *"hooks of a container's making cannot be run at restore" ]]
	is_gone ${n}x
	oci delete -f $n
}

@test "the whole way, with the real criu" {
	real=${MYBOX_CRIU:-$(command -v criu || true)}
	[ -n "$real" ] || skip "needs criu"
	"$real" check >/dev/null 2>&1 || skip "this criu does not work with this kernel"
	start 'p["env"].append("KEPT=yes")' 'c["hostname"] = "kept"'
	wait_until oci exec $n sh -c '[ -s /tmp/n ]'
	parent=()
	if "$real" check --feature mem_dirty_track >/dev/null 2>&1; then
		oci --criu "$real" checkpoint --pre-dump --image-path "$dir/p" $n
		parent=(--parent-path ../p)
	fi
	oci --criu "$real" checkpoint "${parent[@]}" --leave-running --image-path "$dir/l" $n
	is_status $n running
	last=$(oci exec $n cat /tmp/n)
	oci --criu "$real" checkpoint --image-path "$dir/i" $n
	is_gone $n
	oci --criu "$real" restore --bundle "$b" --image-path "$dir/i" -d ${n}y </dev/null > >(cat >"$dir/out") 2>/dev/null 3>&-
	is_status ${n}y running
	[ "$(oci exec ${n}y cat /tmp/n)" -ge "$last" ]
	first=$(oci exec ${n}y cat /tmp/n)
	goes_on() { [ "$(oci exec ${n}y cat /tmp/n)" -gt "$first" ]; }
	wait_until goes_on
	run -0 oci exec ${n}y cat /data/file /etc/one /proc/sys/kernel/hostname
	[ "$output" = $'from-host\nfrom-host\nkept' ]
	run -1 oci exec ${n}y touch /data/x
	run -1 oci exec ${n}y touch /x
	run -1 oci exec ${n}y grep -v ':/$' /proc/1/cgroup
	# Its standard error was the same file as its input, which was for reading.
	run -0 grep flags: "/proc/$(pid_of ${n}y)/fdinfo/2"
	echo "flags of stderr: $output"
	[[ $output == *[12] ]]
	oci pause ${n}y
	is_status ${n}y paused
	oci resume ${n}y
	# In the foreground, with its exit code.
	oci kill ${n}y KILL
	wait_until is_status ${n}y stopped
	oci delete ${n}y
	oci --criu "$real" restore --bundle "$b" --image-path "$dir/i" ${n}z </dev/null >/dev/null 2>&1 3>&- &
	client=$!
	wait_until is_status ${n}z running
	oci kill ${n}z KILL
	code=0
	wait $client || code=$?
	[ $code = 137 ]
	is_gone ${n}z
}
