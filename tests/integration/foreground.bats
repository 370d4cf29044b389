#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The client in the foreground: its terminal, its pipes, its end.
load helpers

state() { mybox ps -a --filter "name=^$1\$" --format '{{.State}}'; }
is() { [ "$(state "$1")" = "$2" ]; }

# on_terminal SECONDS HOW COMMAND...: run it on a terminal of its own; after a while, or once it
# has shown READY, type what HOW says ("hup": take the terminal away); show its output and "code N".
on_terminal() {
	python3 - "$@" <<-'P'
		import os, pty, select, signal, sys, time
		limit, how, argv = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
		pid, fd = pty.fork()
		if pid == 0:
		    os.execv(argv[0], argv)
		end, seen, did = time.time() + limit, b"", False
		while time.time() < end:
		    if fd >= 0 and select.select([fd], [], [], 0.05)[0]:
		        try:
		            got = os.read(fd, 65536)
		        except OSError:
		            got = b""
		        if not got:
		            os.close(fd); fd = -1
		        seen += got
		    if b"READY" in seen and not did:
		        did = True
		        time.sleep(0.2)
		        if how == "hup":
		            os.close(fd); fd = -1
		        else:
		            os.write(fd, how.encode().decode("unicode_escape").encode())
		    done, status = os.waitpid(pid, os.WNOHANG)
		    if done:
		        break
		    if fd < 0:
		        time.sleep(0.02)
		else:
		    os.kill(pid, signal.SIGKILL)
		    os.waitpid(pid, 0)
		    sys.exit("it did not end")
		sys.stdout.write(seen.decode(errors="replace"))
		print("code", os.waitstatus_to_exitcode(status))
	P
}

@test "output that cannot be written is told" {
	run -125 bash -c '"$0" --root "$root" --runroot "$run" run --rm deb echo hello >/dev/full' "$MYBOX"
	[[ $output == *"cannot write output: No space left on device"* ]]
	wait_until 5 bash -c "[ -z \"\$('$MYBOX' --root '$root' --runroot '$run' ps -aq)\" ]"
}

@test "a pipe that does not block gets every byte" {
	python3 - "${box[@]}" run --rm deb head -c 3000000 /dev/zero <<-'P'
		import os, subprocess, sys, time
		r, w = os.pipe()
		os.set_blocking(w, False)
		p = subprocess.Popen(sys.argv[1:], stdout=w)
		os.close(w)
		n = 0
		while True:
		    got = len(os.read(r, 50000))
		    if not got:
		        break
		    n += got
		    time.sleep(0.001)
		assert p.wait() == 0
		assert n == 3000000, n
	P
}

@test "input nobody reads ends nothing" {
	run -4 bash -c 'yes | "$0" --root "$root" --runroot "$run" run --rm -i deb sh -c "exit 4"' "$MYBOX"
}

@test "a terminal that goes away takes its client along" {
	run -0 on_terminal 64 hup "${box[@]}" run -it --name kept deb sh -c 'trap "" HUP; echo READY; sleep 100'
	[[ $output == *"code 129"* ]]
	is kept running
	run -0 on_terminal 64 hup "${box[@]}" exec -it kept sh -c 'trap "" HUP; echo READY; sleep 77'
	[[ $output == *"code 129"* ]]
	wait_until 5 bash -c "! '$MYBOX' --root '$root' --runroot '$run' top kept | grep -q 'sleep 77'"
}

@test "keys that detach leave it running; bad ones are told before anything starts" {
	run -0 on_terminal 64 '\x10\x11' "${box[@]}" run -it --name left deb sh -c 'echo READY; sleep 100'
	[[ $output == *"code 0"* ]]
	is left running
	run -0 on_terminal 64 'xy' "${box[@]}" run -it --name other --detach-keys x,y deb sh -c 'echo READY; sleep 100'
	[[ $output == *"code 0"* ]]
	is other running
	run -125 mybox run --name none --detach-keys nonsense deb true
	[ -z "$(state none)" ]
}

@test "--sig-proxy=false: signals end the client alone" {
	"${box[@]}" run --name alone --sig-proxy=false deb sleep 100 &
	client=$!
	wait_until 5 is alone running
	sleep 0.2
	kill -TERM $client
	code=0
	wait $client || code=$?
	[ $code = 143 ]
	is alone running
}

@test "a client that is killed leaves it running, and --rm goes on" {
	"${box[@]}" run --rm --name brief deb sleep 8 &
	client=$!
	wait_until 5 is brief running
	sleep 0.2
	kill -9 $client
	wait $client || true
	is brief running
	wait_until 10 bash -c "[ -z \"\$('$MYBOX' --root '$root' --runroot '$run' ps -aq)\" ]"
}

@test "closed streams and late output" {
	run -4 mybox run --rm deb sh -c 'echo a; exec >&- 2>&-; sleep 0.2; exit 4'
	[ "$output" = a ]
	# What was left behind ends with process 1, but not what it had said.
	run -0 mybox run --rm deb sh -c '(echo early; sleep 5; echo never) & sleep 0.2; echo now'
	[ "$output" = $'early\nnow' ]
}

@test "what restarts is told as that" {
	mybox run -d --name loop --restart always deb false
	wait_until 5 bash -c "[ \"\$('$MYBOX' --root '$root' --runroot '$run' inspect -f '{{.RestartCount}}' loop)\" -ge 6 ]"
	wait_until 5 is loop restarting
	run -1 mybox attach loop
	[[ $output == *"You cannot attach to a restarting container, wait until it is running" ]]
	wait_until 5 is loop restarting
	run -1 mybox exec loop true
	[[ $output == *"is restarting, wait until the container is running" ]]
	wait_until 5 is loop restarting
	mybox rm -f loop
}
