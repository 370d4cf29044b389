#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Terminals: run -it, exec -it, attach, detach keys, sizes, and what attach does without them.
load helpers

# tty SCRIPT: python with spawn(ARGS...), expect(TEXT), send(TEXT), size(ROWS, COLUMNS), end() -> code.
tty() {
	cat >"$BATS_TEST_TMPDIR/terminal_script.py" <<-'PY'
		import fcntl, os, pty, select, signal, struct, sys, termios, time
		box = [os.environ["MYBOX"], "--root", os.environ["root"], "--runroot", os.environ["run"]]
		fd = pid = None
		seen = b""
		def size(rows, columns):
		    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
		def spawn(*args, rows=24, columns=80):
		    global fd, pid, seen
		    seen = b""
		    pid, fd = pty.fork()
		    if pid == 0:
		        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
		        os.execv(box[0], box + list(args))
		def read(timeout):
		    global seen
		    if not select.select([fd], [], [], timeout)[0]:
		        return True
		    try:
		        data = os.read(fd, 65536)
		    except OSError:
		        data = b""
		    seen += data
		    return bool(data)
		def expect(text, seconds=10):
		    global seen
		    end = time.time() + seconds
		    text = text.encode()
		    while text not in seen:
		        assert time.time() < end, (text, seen)
		        if not read(0.2) and text not in seen:
		            raise AssertionError((text, seen))
		    seen = seen[seen.index(text) + len(text):]
		def send(text):
		    os.write(fd, text.encode())
		def end(seconds=10):
		    stop = time.time() + seconds
		    while time.time() < stop:
		        if not read(0.1):
		            break
		        done, status = os.waitpid(pid, os.WNOHANG)
		        if done:
		            return os.waitstatus_to_exitcode(status)
		    done, status = os.waitpid(pid, 0)
		    return os.waitstatus_to_exitcode(status)
		def raw():
		    return not termios.tcgetattr(fd)[3] & termios.ICANON
	PY
	cat >>"$BATS_TEST_TMPDIR/terminal_script.py"
	timeout 60 python3 "$BATS_TEST_TMPDIR/terminal_script.py"
}

@test "run -it: a terminal of its own, the size, TERM, echo, exit code" {
	tty <<-'PY'
		spawn("run", "--rm", "-it", "deb", "sh", rows=33, columns=101)
		expect("# ")
		send("tty; stty size; echo T=$TERM; test -t 0 && test -t 1 && test -t 2 && echo all\n")
		expect("/dev/pts/0"); expect("33 101"); expect("T=xterm"); expect("\nall")
		send("exit 42\n")
		assert end() == 42
	PY
}

@test "the size follows the terminal" {
	tty <<-'PY'
		spawn("run", "--rm", "-it", "deb", "sh")
		expect("# ")
		for rows, columns in ((50, 132), (10, 20), (24, 80)):
		    size(rows, columns)
		    for i in range(50):
		        send("stty size\n")
		        try:
		            expect("%d %d" % (rows, columns), 0.3)
		            break
		        except AssertionError:
		            pass
		    else:
		        raise AssertionError(seen)
		send("exit\n")
		assert end() == 0
	PY
}

@test "ctrl-c interrupts the program, ctrl-d ends the input" {
	tty <<-'PY'
		spawn("run", "--rm", "-it", "deb", "sh", "-c", "trap 'echo caught' INT; cat; echo first; cat; echo second; exit 3")
		time.sleep(0.5)
		send("typed\n")
		expect("typed\r\ntyped")
		send("\x03")
		expect("first")
		send("more\n")
		expect("more\r\nmore")
		send("\x04")
		expect("second")
		assert end() == 3
	PY
}

@test "ctrl-p ctrl-q leaves it running; attach comes back; other keys can be chosen" {
	tty <<-'PY'
		spawn("run", "-it", "--name", "c1", "deb", "sh")
		expect("# ")
		send("\x10\x11")
		assert end() == 0, seen
		spawn("attach", "c1")
		send("echo ba''ck\n")
		expect("back")
		send("\x10x\x10\x10\x11")
		assert end() == 0
		spawn("attach", "--detach-keys", "ctrl-a,d", "c1")
		send("echo ag''ain\n")
		expect("again")
		send("\x01d")
		assert end() == 0
		spawn("attach", "c1")
		send("exit 7\n")
		assert end() == 7
	PY
	[ "$(mybox inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1)" = "exited 7" ]
}

@test "exec -it: its own terminal, code and size" {
	mybox run -d --name c1 deb sleep 1000
	tty <<-'PY'
		spawn("exec", "-it", "c1", "sh", rows=40, columns=90)
		expect("# ")
		send("stty size; tty; echo T=$TERM\n")
		expect("40 90"); expect("/dev/pts/"); expect("T=xterm")
		send("exit 9\n")
		assert end() == 9
		spawn("exec", "-it", "c1", "sh")
		expect("# ")
		send("\x10\x11")
		end()
	PY
	[ "$(mybox inspect -f '{{.State.Running}}' c1)" = true ]
}

@test "detach, exec_detach and resize are told" {
	mybox run -dit --name k1 --network none deb sh
	tty <<-'PY'
		spawn("attach", "k1", rows=31, columns=81)
		send("echo st''ty\n")
		expect("stty")
		size(32, 82)
		send("until stty size | grep '32 82'; do sleep 0.1; done; echo do''ne\n")
		expect("done")
		send("\x10\x11")
		assert end() == 0
		spawn("exec", "-it", "k1", "sh")
		expect("# ")
		send("\x10\x11")
		assert end() == 0
		spawn("exec", "-it", "k1", "sh", "-c", "echo up; read x; exit 4")
		expect("up")
		send("\n")
		assert end() == 4
	PY
	run -0 mybox events --since 0 --until 0s -f container=k1 -f event=attach -f event=detach -f event=exec_detach -f event=exec_die --format '{{.Action}}{{with .Actor.Attributes.exitCode}} {{.}}{{end}}'
	[ "$output" = $'attach\ndetach\nexec_detach\nexec_die 4' ]
	run -0 mybox events --since 0 --until 0s -f container=k1 -f event=exec_start -f event=exec_detach --format '{{.Actor.Attributes.execID}}'
	[ "${lines[0]}" = "${lines[1]}" ]
	[[ ${lines[0]} =~ ^[0-9a-f]{64}$ ]]
	run -0 mybox events --since 0 --until 0s -f container=k1 -f event=resize --format '{{.Actor.Attributes.height}} {{.Actor.Attributes.width}}'
	[ "${lines[0]}" = '31 81' ]
	[ "${lines[1]}" = '32 82' ]
}

@test "the operator's terminal is as it was, whatever the end" {
	tty <<-'PY'
		import subprocess
		for how in ("exit", "detach", "term"):
		    master, slave = pty.openpty()
		    before = termios.tcgetattr(slave)
		    p = subprocess.Popen(box + ["run", "-it", "--name", "t-" + how, "deb", "sh"], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
		    fd = master
		    seen = b""
		    expect("# ")
		    assert termios.tcgetattr(slave)[3] & termios.ICANON == 0
		    if how == "exit":
		        send("exit\n")
		    elif how == "detach":
		        send("\x10\x11")
		    else:
		        subprocess.run(box + ["kill", "t-term"], check=True, stdout=subprocess.DEVNULL)
		    stop = time.time() + 10
		    while p.poll() is None:
		        assert time.time() < stop
		        read(0.1)
		    assert termios.tcgetattr(slave) == before, how
		    os.close(master); os.close(slave)
	PY
}

@test "what a container writes into its terminal's input stays there" {
	build=$BATS_TEST_TMPDIR
	command -v gcc >/dev/null || skip "needs gcc"
	cat >"$build/sti.c" <<-'C'
		#include <sys/ioctl.h>
		#include <stdio.h>
		int main(void)
		{
			const char *s = "echo injected\n";
			int r = 0;
			while (*s) r |= ioctl(0, TIOCSTI, s++);
			printf("sti %d\n", r);
			return 0;
		}
	C
	gcc -static -o "$build/sti" "$build/sti.c"
	export build
	tty <<-'PY'
		spawn("run", "--rm", "-it", "-v", os.environ["build"] + ":/b:ro", "deb", "/b/sti")
		expect("sti ")
		assert end() == 0
		# Nothing waits to be read by the operator's shell.
		master, slave = pty.openpty()
		import subprocess
		subprocess.run(box + ["run", "--rm", "-i", "-v", os.environ["build"] + ":/b:ro", "deb", "/b/sti"], stdin=slave, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		attributes = termios.tcgetattr(slave)
		attributes[3] &= ~termios.ICANON
		termios.tcsetattr(slave, termios.TCSANOW, attributes)
		assert not select.select([slave], [], [], 0.2)[0]
	PY
}

@test "-t without a terminal is told with -i, and works without" {
	run mybox run --rm -it deb true </dev/null
	[ "$status" = 1 ]
	[[ $output == *"the input device is not a TTY"* ]]
	run mybox run --rm -t deb sh -c 'test -t 1 && echo tty; echo err >&2'
	[ "$status" = 0 ]
	[ "$output" = $'tty\r\nerr\r' ]
	mybox run -d -t --name c1 deb sleep 1000
	run mybox exec -it c1 true </dev/null
	[ "$status" = 1 ]
	[[ $output == *"the input device is not a TTY"* ]]
	run mybox exec -t c1 sh -c 'test -t 1 && echo tty'
	[ "$output" = $'tty\r' ]
}

@test "-dt: detached with a terminal; logs have what it wrote" {
	mybox run -d -t --name c1 deb sh -c 'echo line; sleep 1000'
	logged() { [ "$(mybox logs c1)" = $'line\r' ]; }
	wait_until 5 logged
	mybox stop -t 0 c1
}

@test "attach without a terminal: output, input, code" {
	mybox run -d -i --name c1 deb sh -c 'while read x; do echo "got $x"; [ "$x" != end ] || exit 6; done'
	printf 'one\nend\n' | mybox attach c1 >"$BATS_TEST_TMPDIR/out" || [ $? = 6 ]
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = "got one
got end" ]
	run mybox attach c1
	[ "$status" = 1 ]
	[[ $output == *"cannot attach to a stopped container"* ]]
	run mybox attach nosuch
	[ "$status" = 1 ]
}

@test "attach --no-stdin, several at once" {
	mybox run -d --name c1 deb sh -c 'while [ ! -e /go ]; do sleep 0.05; done; echo said; exit 4'
	local pids=() i code
	for i in 1 2 3; do
		"${box[@]}" attach --no-stdin c1 >"$BATS_TEST_TMPDIR/a$i" &
		pids+=($!)
	done
	attached() { [ "$(mybox events --since 0 --until 0s -f event=attach -f container="$(mybox inspect -f '{{.Id}}' c1)" | wc -l)" = 3 ]; }
	wait_until 10 attached
	let_end c1
	for i in "${pids[@]}"; do
		code=0
		wait "$i" || code=$?
		[ $code = 4 ]
	done
	for i in 1 2 3; do [ "$(cat "$BATS_TEST_TMPDIR/a$i")" = said ]; done
}

@test "--sig-proxy=false: a signal ends the client, not the container" {
	mybox run -d --name c1 deb sleep 1000
	"${box[@]}" attach --sig-proxy=false c1 >/dev/null </dev/null &
	local client=$!
	sleep 0.3
	kill -TERM $client
	wait $client || true
	[ "$(mybox inspect -f '{{.State.Running}}' c1)" = true ]
}

@test "a client that stops reading does not stop the container's others" {
	mybox run -d --name c1 deb sh -c 'i=0; while :; do i=$((i+1)); echo "$i 0123456789012345678901234567890123456789"; done'
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	"${box[@]}" attach --no-stdin c1 >"$BATS_TEST_TMPDIR/fifo" &
	local client=$!
	exec 9<"$BATS_TEST_TMPDIR/fifo"
	sleep 0.3
	local n
	n=$(mybox logs --tail 1 c1 | cut -d' ' -f1)
	further() { [ "$(mybox logs --tail 1 c1 | cut -d' ' -f1)" -gt $((n + 20000)) ]; }
	wait_until 10 further
	exec 9<&-
	mybox kill c1
	wait $client || true
}

@test "run -it: the monitor is killed, and the terminal goes on" {
	tty <<-'PY'
		import glob, json
		spawn("run", "-it", "--name", "c1", "deb", "sh")
		expect("# ")
		send("echo be''fore\r")
		expect("before")
		def monitor():
		    return json.load(open(glob.glob(os.environ["run"] + "/c/*/state.json")[0]))["monitor"]
		first = monitor()
		os.kill(first, signal.SIGKILL)
		for _ in range(300):
		    if monitor() != first:
		        break
		    time.sleep(0.1)
		send("echo af''ter\r")
		expect("after", 30)
		send("exit 6\r")
		# Only its parent gets the code, before Linux 6.15.
		assert end(30) in (6, 255)
	PY
	[ "$(mybox inspect -f '{{.State.Running}}' c1)" = false ]
}
