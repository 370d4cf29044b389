#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=cgroup:any
# What comes and goes leaves nothing in those who stay: a monitor after many attachments, somebody
# who follows the events after many of them.  MYBOX_FLAT=whole takes 10,000 and 100,000: the part
# "flat" of tests/run.
load helpers

# "descriptors kilobytes" of a process that are its own: size_of PID [DESCRIPTORS, when it is done].
size_of() {
	local n least=1000000 i
	# What was just let go of is closed a moment later, or a while later on a busy machine.
	for i in {1..400}; do
		n=$(ls "/proc/$1/fd" | wc -l)
		[ "$n" -ge "$least" ] || least=$n
		[ "$i" -lt 20 ] || [ "$least" -gt "${2:-$least}" ] || break
		sleep 0.05
	done
	echo "$least $(awk '/^Private/ { n += $2 } END { print n + 0 }' "/proc/$1/smaps_rollup")"
}
monitor_of() { awk '/^PPid/ { print $2 }' "/proc/$(mybox inspect -f '{{.State.Pid}}' "$1")/status"; }
# flat BEFORE AFTER KILOBYTES [N]: no more descriptors, or up to N, and not that much more memory.
flat() {
	# shellcheck disable=SC2086
	set -- $1 $2 "$3" "${4:-0}"
	echo "descriptors $1, then $3; private memory $2 kB, then $4 kB"
	[ "$3" -ge "$1" ] && [ "$3" -le $(($1 + $6)) ] && [ "$4" -le $(($2 + $5)) ]
}

@test "attach, resize, detach: the monitor is as it was" {
	local rounds=400 pid before after
	[ "${MYBOX_FLAT:-}" != whole ] || rounds=10000
	mybox run -dit --name k1 --network none deb cat
	pid=$(monitor_of k1)
	[ -n "$pid" ]
	cat >"$BATS_TEST_TMPDIR/attach.py" <<-'PY'
		import fcntl, os, pty, select, struct, sys, termios
		def size(fd, rows, columns):
		    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
		for i in range(int(sys.argv[1])):
		    pid, fd = pty.fork()
		    if pid == 0:
		        os.execv(sys.argv[2], sys.argv[2:])
		    word, seen = b"w%d" % i, b""
		    size(fd, 20 + i % 30, 70 + i % 50)
		    os.write(fd, word + b"\n")
		    while seen.count(word) < 2:  # what is typed, and what cat made of it
		        assert select.select([fd], [], [], 60)[0], seen
		        seen += os.read(fd, 4096)
		    size(fd, 21 + i % 30, 71 + i % 50)
		    os.write(fd, b"\x10\x11")
		    try:
		        while os.read(fd, 4096):
		            pass
		    except OSError:
		        pass
		    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
		    os.close(fd)
	PY
	attach() { timeout 3000 python3 "$BATS_TEST_TMPDIR/attach.py" "$1" "${box[@]}" attach k1; }
	attach 20
	before=$(size_of "$pid")
	attach "$rounds"
	after=$(size_of "$pid" "${before% *}")
	flat "$before" "$after" 8 | tee -a "${MYBOX_FLAT_LOG:-/dev/null}"
	flat "$before" "$after" 8
}

@test "events: who follows them, and the monitors, are as they were" {
	local calls=40 files=0 room=256 names before after n follower pid p seen since
	# A log that was rotated away is held until the next is, however many there were.
	[ "${MYBOX_FLAT:-}" != whole ] || { calls=400 files=1; }
	mybox run -d --name k1 --network none deb sleep 100000
	pid=$(monitor_of k1)
	[ -n "$pid" ]
	# 250 in one call: each is told for itself.
	names=$(for p in {1..250}; do echo k1; done)
	seen=$BATS_TEST_TMPDIR/seen since=$(date +%s.%N)
	ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=0:thread_local_quarantine_size_kb=0 \
		"${box[@]}" events --since "$since" -f event=kill --format '{{.Action}}' >"$seen" 2>&1 3>&- &
	follower=$!
	send() {
		local i
		for ((i = 0; i < $1; i++)); do
			# shellcheck disable=SC2086
			mybox kill -s CONT $names >/dev/null
		done
	}
	has_seen() { [ "$(grep -c kill "$seen")" -ge "$1" ]; }
	send 4
	wait_until 20 has_seen 1000
	before="$(size_of $follower);$(size_of "$pid")"
	send $calls
	wait_until 60 has_seen $((1000 + calls * 250))
	n=${before#*;}
	after="$(size_of $follower "${before%% *}");$(size_of "$pid" "${n% *}")"
	kill $follower
	[ "$(grep -c kill "$seen")" = $((1000 + calls * 250)) ]
	flat "${before#*;}" "${after#*;}" 8 | tee -a "${MYBOX_FLAT_LOG:-/dev/null}"
	flat "${before#*;}" "${after#*;}" 8
	# What a sanitizer keeps of what was given back grows for long; without one there is nothing.
	! grep -q __asan_init "$MYBOX" || room=24576
	flat "${before%;*}" "${after%;*}" $room $files | tee -a "${MYBOX_FLAT_LOG:-/dev/null}"
	flat "${before%;*}" "${after%;*}" $room $files
}
