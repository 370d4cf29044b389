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
	for verb in state start pause ps "exec x" "kill" "delete"; do
		set -- "$1" $verb
		if [ "$2" = exec ]; then run -255 oci exec $n true; else run -1 oci "$2" $n; fi
		[[ $output == *"$1"* ]] || { echo "$2: $output"; return 1; }
		[ "$(printf '%s\n' "$output" | wc -l)" = 1 ]
	done
	oci list >/dev/null
}

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
	[ ! -e "/proc/$pid/cmdline" ] || [ -z "$(tr -d '\0' <"/proc/$pid/cmdline")" ]
	is_gone $n
}

@test "a document of a newer version" {
	start
	document state.json 'schema = 99'
	refused newer
	document state.json 'schema = 1'
	is_status $n running
	oci delete --force $n
	is_gone $n
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
	run -1 oci kill $n KILL
	[[ $output == *"not running"* ]]
	oci delete --force $n
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
