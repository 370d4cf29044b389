#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# watch: driven by keys on a terminal of the suite's own, which fails at every sequence of bytes
# that ncurses would not send (tests/support/screen.py).
# bats file_tags=cgroup:any
load helpers

seen() {
	{
		echo 'import os, signal, subprocess, sys, termios, time; from screen import Terminal'
		echo 'box = [os.environ["MYBOX"], "--root", os.environ["root"], "--runroot", os.environ["run"]]'
		echo 'def mybox(*words): return subprocess.run(box + list(words), check=True, capture_output=True, text=True).stdout'
		cat
	} >"$BATS_TEST_TMPDIR/seen.py"
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$top/tests/support timeout 240 python3 "$BATS_TEST_TMPDIR/seen.py"
}

@test "watch: the table, the cursor, panes, sorting, the filter, help, sizes, the end" {
	mybox network create net1
	mybox run -d --name worker deb sh -c 'while :; do :; done'
	mybox run -d --name web --network net1 --health-cmd 'echo all is well' --health-interval 1s deb sh -c 'echo from web; echo to stderr >&2; exec sleep 1000'
	mybox run -d --name talker --network net1 deb nc -ll -p 80 -e cat
	mybox run --name over --log-driver json-file deb sh -c 'echo its last word; exit 3' || [ $? = 3 ]
	seen <<-'PY'
		t = Terminal(box + ["watch"], rows=40, columns=140)
		before = t.mode()
		t.wait("mybox: 3 of 4 run, by name")
		t.wait(lambda s: [l.split(" ")[0] for l in s.lines()[2:6]] == ["over", "talker", "web", "worker"])
		for column in ("NAME", "STATE", "HEALTH", "CPU %", "MEMORY", "PIDS"):
		    assert column in t.screen.lines()[1], t.screen.text()
		assert "exited" in t.screen.find("over") and "running" in t.screen.find("talker")
		t.wait(lambda s: "healthy" in s.find("web"))
		# The cursor stands on the first; what it wrote is below, and moves with it.
		t.wait("its last word")
		t.wait("Exited (3)")
		t.send("j"); t.wait(lambda s: "its last word" not in s.text())
		t.send("\x1bOB"); t.wait("from web"); t.wait("to stderr"); t.wait("all is well")
		t.send("k"); t.wait(lambda s: "from web" not in s.text())
		t.send("\x1bOA"); t.wait("its last word")
		t.send("G"); t.wait(lambda s: "its last word" not in s.text())
		t.send("g"); t.wait("its last word")
		# The busiest first, whoever has the cursor.
		t.send("s"); t.wait("by cpu")
		t.wait(lambda s: s.lines()[2].startswith("worker"))
		t.send("l"); t.wait(lambda s: "logs of over" in s.text() and "its last word" in s.text() and "NAME" not in s.text()); t.send("l")
		t.send("s"); t.wait("by memory"); t.send("s"); t.wait("by network")
		t.send("s"); t.wait("by state"); t.wait(lambda s: s.lines()[5].startswith("over"))
		t.send("s"); t.wait("by name")
		# The filter, as it is typed.
		t.send("/wo"); t.wait("/wo_"); t.wait(lambda s: s.lines()[2].startswith("worker") and not s.lines()[3].strip())
		t.send("\x7f"); t.wait(lambda s: "worker" in s.text() and s.find("web"))
		t.send("\r"); t.wait("filtered")
		t.send("\x1b"); t.wait(lambda s: "filtered" not in s.text() and s.find("over"))
		t.send("a"); t.wait(lambda s: "only running" in s.text() and not s.find("over "))
		t.send("a"); t.wait("over")
		# Panes alone, one after the other.
		t.send("/web\r"); t.wait("from web")
		t.send("l"); t.wait(lambda s: "logs of web" in s.text() and "from web" in s.text() and "NAME" not in s.text())
		t.send("\t"); t.wait("stats of web"); t.wait("psi cpu"); t.send("\t"); t.wait("flows of web")
		t.send("\t"); t.wait("health of web"); t.wait("passed"); t.wait("all is well")
		t.send("\t"); t.wait("events of web"); t.wait("container start")
		t.send("\x1b"); t.wait("NAME")
		t.send("e"); t.wait("events of web"); t.send("e"); t.wait("NAME")
		t.send("h"); t.wait("health of web"); t.send("l"); t.wait("logs of web"); t.send("\x1b"); t.wait("NAME")
		# Who talks to whom.
		t.send("f"); t.wait("flows of web"); t.wait("nobody")
		nc = subprocess.Popen(box + ["exec", "-i", "web", "nc", "talker", "80"], stdin=subprocess.PIPE)
		t.wait(lambda s: (s.find("web:") or "").find("talker:80") > 0)
		nc.terminate(); nc.wait()
		t.send("f"); t.wait("NAME")
		t.send("\x1b\x1b"); t.wait("over")
		# Help, and away with it.
		t.send("?"); t.wait("ctrl-c"); t.send("x"); t.wait("NAME")
		# What happens is seen.
		mybox("run", "-d", "--name", "another", "deb", "sleep", "1000")
		t.wait("4 of 5 run"); t.wait("another")
		mybox("rm", "-f", "another")
		t.wait("3 of 4 run")
		# Sizes, down to next to nothing.
		for rows, columns in ((24, 80), (10, 40), (3, 10), (1, 1), (2, 200), (60, 30), (10, 40)):
		    t.resize(rows, columns)
		    if rows > 2 and columns >= 10:
		        t.wait(lambda s: "NAME" in s.text() and "web" in s.text())
		    else:
		        t.pump(0.5)
		t.wait(lambda s: s.lines()[0].startswith(" mybox: 3 of 4") and s.find("worker"))
		assert "from web" not in t.screen.text()
		t.send("/web\rl"); t.wait("logs of web"); t.wait("from web")
		t.send("q")
		assert t.end() == 0
		assert 1049 not in t.screen.private and 25 in t.screen.private, t.screen.private
		assert t.mode() == before
	PY
}

@test "watch: what containers say does not move the terminal" {
	mybox run -d --name hostile deb sh -c 'printf "\033[2J\033]0;owned\007\033[31mred\033[0m \033P1\033\\\\ \r\n\302\233 \342\200\256x\000y\377 a\tb\n\001rz\n"; exec sleep 1000'
	mybox run -d --name unwell --health-cmd 'printf "\033[2J\033]0;owned\007 said\n"; exit 1' --health-interval 1s deb sleep 1000
	seen <<-'PY'
		t = Terminal(box + ["watch"], rows=30, columns=120)
		t.wait(r"\x1b[2J\x1b]0;owned\x07red \x1bP1\x1b" + "\\")
		t.wait("\\xe2")
		line = t.screen.find("\\xe2")
		assert r"\xc2\x9b \xe2\x80\xaex\x00y\xff a" in line, line
		t.wait(r"\x01rz")
		t.send("G"); t.send("h"); t.wait("health of unwell")
		t.wait(r"\x1b[2J\x1b]0;owned\x07 said")
		t.send("q")
		assert t.end() == 0
		assert b"owned\x07" not in t.raw and b"\x1b]" not in t.raw
	PY
}

@test "watch: a flood, a killed helper, a signal, no terminal, a strange one" {
	mybox run -d --name slow deb sh -c 'i=0; while :; do i=$((i+1)); echo "slow line $i"; sleep 0.05; done'
	mybox run -d --name flood deb sh -c 'i=0; while :; do i=$((i+1)); echo "line $i of a flood"; done'
	run mybox watch </dev/null
	[ "$status" = 1 ]
	[[ $output == *"not a terminal"* ]]
	seen <<-'PY'
		def children(pid): return open("/proc/%d/task/%d/children" % (pid, pid)).read().split()
		t = Terminal(box + ["watch"], rows=24, columns=80)
		before = t.mode()
		t.wait("of a flood")
		# Keys are heard, and one who reads further up stays there.
		t.send("l"); t.wait("logs of flood")
		t.send("\x1b"); t.wait("NAME")
		t.send("Gl"); t.wait("logs of slow"); t.wait("slow line 3")
		t.send("k"); t.wait(lambda s: s.lines()[-2].startswith("slow line"))
		for _ in range(20):
		    before_it = t.screen.lines()
		    for _ in range(15): t.pump(0.1); time.sleep(0.1)
		    if t.screen.lines() == before_it: break
		else: raise AssertionError("it moves: " + t.screen.text())
		t.send("\x1b"); t.wait("NAME")
		t.send("g"); t.wait("of a flood")
		# The helper has nothing that it could do harm with.
		helper = children(t.pid)[0]
		status = open("/proc/%s/status" % helper).read()
		assert "Uid:\t65534\t65534\t65534\t65534" in status and "NoNewPrivs:\t1" in status, status
		assert len(os.listdir("/proc/%s/fd" % helper)) == 4
		# Nobody else of that id may take the terminal from it.
		assert os.stat("/proc/%s/fd" % helper).st_uid == 0
		os.kill(int(helper), signal.SIGKILL)
		assert t.end() == 1
		assert "has ended" in t.screen.text() and 1049 not in t.screen.private
		assert t.mode() == before
		# At any moment: while it draws, too.
		for sig in (signal.SIGTERM, signal.SIGHUP) * 20:
		    t = Terminal(box + ["watch"])
		    t.wait("of a flood")
		    t.kill(sig)
		    assert t.end() == -sig
		    assert t.mode() == before and 1049 not in t.screen.private
		    os.close(t.fd)
		# Killed, it leaves nobody behind, and the terminal as it was.
		t = Terminal(box + ["watch"])
		t.wait("of a flood")
		helper = children(t.pid)[0]
		t.kill(signal.SIGKILL)
		assert t.end() == -9
		for _ in range(100):
		    t.pump(0.05)
		    if not os.path.exists("/proc/%s/exe" % helper): break
		else: raise AssertionError("the helper stays")
		# A terminal that does not read keeps nobody.
		t = Terminal(box + ["watch"])
		t.wait("of a flood")
		for i in range(100): t.resize(20 + i % 10, 100); time.sleep(0.03)
		t.kill(signal.SIGTERM)
		for _ in range(600):
		    done, status = os.waitpid(t.pid, os.WNOHANG)
		    if done: break
		    time.sleep(0.1)
		else: raise AssertionError("it does not end")
		assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
		t = Terminal(box + ["watch"], TERM="no-such-terminal")
		assert t.end() == 1
		assert "cannot be drawn on" in t.screen.text(), t.screen.text()
		# ASCII, without colours.
		t = Terminal(box + ["watch"], rows=30, columns=120, LANG="C", LC_ALL="-", LC_CTYPE="-", NO_COLOR="1")
		t.wait("of a flood"); t.wait(lambda s: "#" in s.lines()[2])
		assert t.screen.text().isascii(), t.screen.text()
		assert not t.screen.looks & set(range(31, 38)), t.screen.looks
		t.send("\x03")
		assert t.end() == 0
	PY
}

@test "watch costs the other verbs nothing" {
	mybox create --name one deb
	strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=openat,memfd_create,execve "${box[@]}" ps -a >/dev/null
	! grep -q 'ncurses\|terminfo\|mybox-screen' "$BATS_TEST_TMPDIR/trace" || false
	! ldd "$MYBOX" | grep -q 'ncurses\|tinfo' || false
}
