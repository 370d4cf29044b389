#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# State that is damaged, too new, of a process that is gone, or of one that changes meanwhile.

load helpers

start() {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]')
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	pid=$(pid_of $n)
}

# damage FILE CODE: change a document's bytes `t` by Python.
damage() {
	python3 - "$state/$n/$1" "$2" <<-'P'
		import sys
		t = open(sys.argv[1], "rb").read()
		exec(sys.argv[2])
		open(sys.argv[1], "wb").write(t)
	P
}

# document FILE CODE: change its object `d`, and sum it anew.
document() {
	python3 - "$state/$n/$1" "$2" <<-'P'
		import json, sys
		def crc32c(data):
		    crc = 0xffffffff
		    for byte in data:
		        crc ^= byte
		        for _ in range(8):
		            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
		    return crc ^ 0xffffffff
		d = json.load(open(sys.argv[1]))
		schema = d.pop("schema"); d.pop("sum")
		exec(sys.argv[2])
		rest = "," + json.dumps(d, separators=(",", ":"))[1:]
		open(sys.argv[1], "w").write('{"schema":%d,"sum":"%08x"%s' % (schema, crc32c(rest.encode()), rest))
	P
}

# Every verb says what is wrong; delete --force still cleans all.
refused() { # refused WORDS
	local verb
	for verb in state start pause resume ps exec kill delete "events --stats" "update --pids-limit 9" \
		"checkpoint --image-path $dir/images"; do
		if [ "$verb" = exec ]; then run -255 oci exec $n true; else run -1 oci $verb $n; fi
		[[ $output == *"$1"* ]] || { echo "$verb: $output"; return 1; }
		[ "$(printf '%s\n' "$output" | wc -l)" = 1 ]
	done
	oci list >/dev/null
}

# Process 1 is no more, or waits to be reaped.
has_ended() { [ -z "$(tr -d '\0' <"/proc/$pid/cmdline" 2>/dev/null)" ]; }

@test "a corrupt state document" {
	start
	cp "$state/$n/state.json" "$dir/good"
	damage state.json 't = t[:len(t)//2]'
	refused corrupt
	damage state.json 't = b""'
	refused state.json
	cp "$dir/good" "$state/$n/state.json"
	damage state.json 't = t.replace(b"rootfs", b"rootfz", 1)'
	refused corrupt
	rm "$state/$n/state.json"
	refused state.json
	ln -s /etc/passwd "$state/$n/state.json"
	refused state.json
	rm "$state/$n/state.json"
	cp "$dir/good" "$state/$n/state.json"
	is_status $n running
	oci delete --force $n
	is_gone $n
}

@test "a corrupt process document, and delete --force" {
	start
	damage process.json 't = b"{}"'
	refused process.json
	# The control group is known: all in it ends.
	oci delete --force $n
	has_ended
	is_gone $n
}

# What the state directory has beside FILE.
others() { find "$state/$n" -type f ! -name "$1" -exec sha256sum {} + | sort; }

@test "a document of a newer version is told, and nothing changed" {
	start
	local file other
	for file in state.json process.json; do
		other=$(others $file)
		document $file 'schema = 99; d["more"] = {"a": [1]}'
		cp "$state/$n/$file" "$dir/newer"
		refused "'$file': written by a newer mybox (schema 99"
		run -1 oci create --bundle "$b" $n
		[[ $output == *"already exists"* ]]
		cmp "$state/$n/$file" "$dir/newer"
		[ "$(others $file)" = "$other" ]
		document $file 'schema = 1'
		is_status $n running
		[ "$(pid_of $n)" = "$pid" ]
	done
	oci delete --force $n
	is_gone $n
}

@test "delete --force of what cannot be read leaves nothing" {
	local code file
	for code in 't = b""' 't = t[:-9]' 't = t.replace(b"{\"schema\":1", b"{\"schema\":2")' 't = b"\0" * 5000'; do
		for file in state.json process.json; do
			start
			damage $file "$code"
			oci delete --force $n
			has_ended || { echo "$file, $code: process 1 lives"; return 1; }
			is_gone $n
			rm -rf "$b"
		done
	done
	# Neither of them; and only the bundle's copy knows the control group.
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' "l['cgroupsPath'] = '/mybox/$n-here/x'")
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	pid=$(pid_of $n)
	[ -n "$(cgroups "$n-here")" ]
	rm "$state/$n/state.json" "$state/$n/process.json"
	oci delete --force $n
	has_ended
	is_gone $n
	[ -z "$(find /sys/fs/cgroup -path "*/mybox/$n-here/x" -type d)" ]
	find /sys/fs/cgroup -depth -path "*/mybox/$n-here" -type d -exec rmdir {} +
}

@test "a control group whose name has dots in it" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]' "l['cgroupsPath'] = '/mybox/..$n/x..'")
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1
	is_status $n running
	oci delete --force $n
	[ -z "$(find /sys/fs/cgroup -path "*/mybox/..$n/*" -type d)" ]
	find /sys/fs/cgroup -depth -path "*/mybox/..$n" -type d -exec rmdir {} +
}

@test "a document that says nonsense" {
	start
	cp "$state/$n/state.json" "$dir/good"
	document state.json 'd["cgroup"] = "/../../x"'
	refused "state.json"
	cp "$dir/good" "$state/$n/state.json"
	cp "$state/$n/process.json" "$dir/good"
	document process.json 'd["pid"] = 1'
	refused "process.json"
	cp "$dir/good" "$state/$n/process.json"
	oci delete --force $n
	is_gone $n
}

@test "the process is gone, and its number another's" {
	start
	sleep 1000 3>&- &
	local other=$!
	oci kill $n KILL
	wait_until is_status $n stopped
	# As if the kernel had given the number to another process.
	document process.json "d['pid'] = $other"
	is_status $n stopped
	local verb
	for verb in kill "kill --all" start pause resume ps; do
		run oci $verb $n
		[ "$status" = $([ "$verb" = ps -o "$verb" = "kill --all" ] && echo 0 || echo 1) ] ||
			{ echo "$verb: $status $output"; return 1; }
		[ "$verb" != kill ] || [[ $output == *"not running"* ]]
		[ "$verb" != ps ] || [[ $output != *$other* ]]
	done
	run -255 oci exec $n true
	[[ $output == *"stopped container"* ]]
	oci delete $n
	is_gone $n
	kill -0 $other
	kill $other
}

@test "config.json changes, or goes, after create" {
	b=$(bundle b 'p["args"] = ["sleep", "1000"]')
	oci create --bundle "$b" $n </dev/null >/dev/null 2>&1
	config "$b" 'p["args"] = ["true"]' 'p["user"]["uid"] = 77'
	oci start $n
	[ "$(tr '\0' ' ' <"/proc/$(pid_of $n)/cmdline")" = "sleep 1000 " ]
	run -0 oci exec $n id -u
	[ "$output" = 0 ]
	rm "$b/config.json"
	run -0 oci exec $n true
	oci kill $n KILL
	wait_until is_status $n stopped
	rm -rf "$b"
	oci delete $n
	is_gone $n
}

@test "the copy of config.json is damaged" {
	start
	echo ' ' >>"$state/$n/config.json"
	run -255 oci exec $n true
	[[ $output == *"corrupt"* ]]
	is_status $n running
	oci delete --force $n
	is_gone $n
}

@test "a config.json that cannot be: one line, code 1, no trace" {
	b=$(bundle b)
	cp "$b/config.json" "$dir/good"
	local code
	for code in 't = "{"' 't = ""' 't = "[" * 10000' 't = "null"' 't = t[:100]' \
		't = t.replace("\"cwd\"", "\"cmd\"")' 't = t.replace("\"args\"", "\"argv\"")' \
		't = t.replace("\"ociVersion\": \"1", "\"ociVersion\": \"9")' \
		't = t.replace("{", "{\"root\": 5, ", 1)' 't = t + " " * (17 << 20)' \
		't = t.replace("rootfs", "nope")' 't = t.replace("\"uid\": 0", "\"uid\": 4294967295")' \
		't = t.replace("\"pid\"", "\"bid\"")'; do
		python3 -c 'import sys
t = open(sys.argv[1]).read()
exec(sys.argv[3])
open(sys.argv[2], "w").write(t)' "$dir/good" "$b/config.json" "$code"
		! cmp -s "$dir/good" "$b/config.json"
		run -1 oci create --bundle "$b" $n
		[ "$(printf '%s\n' "$output" | wc -l)" = 1 ] || { echo "$code: $output"; return 1; }
		is_gone $n
	done
	rm "$b/config.json"
	run -1 oci create --bundle "$b" $n
	mkfifo "$b/config.json"
	run -1 oci create --bundle "$b" $n
	run -1 oci create --bundle "$dir/nope" $n
	is_gone $n
}

@test "a state directory that others can change is refused" {
	mkdir -m 777 "$state"
	b=$(bundle b)
	run -1 oci create --bundle "$b" $n
	[[ $output == *"others than root"* ]]
	rmdir "$state"
}
