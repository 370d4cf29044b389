#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# stats for people on a terminal, and for Prometheus.  (docker's form: reports.bats.)
load helpers

# seen: python with Terminal and box, the command with its store (tests/support/screen.py).
seen() {
	{
		echo 'import os, sys, time; from screen import Terminal'
		echo 'box = [os.environ["MYBOX"], "--root", os.environ["root"], "--runroot", os.environ["run"]]'
		cat
	} >"$BATS_TEST_TMPDIR/seen.py"
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$top/tests/support timeout 120 python3 "$BATS_TEST_TMPDIR/seen.py"
}

none() { ! grep -q "$@"; }

@test "stats on a terminal: bars, the past, colours, what fits" {
	mybox run -d --name worker deb sh -c 'while :; do :; done'
	mybox run -d --name idle deb sleep 1000
	seen <<-'PY'
		t = Terminal(box + ["stats"], rows=10, columns=180)
		t.wait(lambda s: "worker" in s.text() and "idle" in s.text())
		head = t.screen.lines()[0]
		for column in ("NAME", "CPU %", "MEMORY", "NET I/O /S", "BLOCK I/O /S", "PIDS", "PSI C/M/IO"):
		    assert column in head, head
		# One is busy, as a number, a bar and what was; the other is not.
		t.wait(lambda s: float(s.find("worker").split()[1]) > 5 and "█" in s.find("worker"))
		assert float(t.screen.find("idle").split()[1]) < 5, t.screen.text()
		t.wait(lambda s: sum(s.find("worker").count(c) for c in "▁▂▃▄▅▆▇█") > 12)
		assert 32 in t.screen.looks, t.screen.looks
		# One that begins shows, and one that ends goes.
		import subprocess
		subprocess.run(box + ["run", "-d", "--name", "third", "deb", "sleep", "1000"], check=True, stdout=subprocess.DEVNULL)
		t.wait("third")
		subprocess.run(box + ["rm", "-f", "third"], check=True, stdout=subprocess.DEVNULL)
		t.wait(lambda s: "third" not in s.text() and "worker" in s.text())
		# Narrower, line for line, and lower than the table.
		for rows, columns in ((10, 80), (10, 40), (3, 20), (2, 5)):
		    t.resize(rows, columns)
		    t.wait(lambda s: s.lines()[0].startswith("NAME"))
		    t.pump(1.2)
		    assert all(len(line) < columns for line in t.screen.lines()), t.screen.text()
		    if rows == 10:
		        assert "CPU %" in t.screen.lines()[0] and t.screen.find("worker"), t.screen.text()
		    if rows == 3:
		        assert t.screen.lines()[1] == "... and 2 more", t.screen.text()
		t.send("\x03")
		assert t.end() == -2
		# Without colours, and where there is nothing but ASCII.
		t = Terminal(box + ["stats", "--color", "worker"], columns=150, NO_COLOR="1", LANG="C", LC_ALL="-", LC_CTYPE="-")
		t.wait(lambda s: s.find("worker") and "#" in s.find("worker"))
		assert not t.screen.looks and not t.screen.find("idle"), t.screen.text()
		assert t.screen.text().isascii()
		t.send("\x03"); t.end()
		t = Terminal(box + ["stats", "worker"], TERM="dumb")
		t.wait("worker")
		assert not t.screen.looks
		t.send("\x03"); t.end()
		t = Terminal(box + ["stats", "--color", "worker"], TERM="dumb")
		t.wait("worker")
		assert t.screen.looks
		t.send("\x03"); t.end()
		# What was asked for in docker's words has docker's form here, too.
		t = Terminal(box + ["stats", "--no-stream"], columns=150)
		assert t.end() == 0
		assert t.screen.lines()[0].split()[:2] == ["CONTAINER", "ID"], t.screen.text()
	PY
}

# bats test_tags=cgroup
@test "stats --format prometheus: the grammar, names, units and labels" {
	local out=$BATS_TEST_TMPDIR/out id
	mybox network create net1
	mybox run -d --name web --network net1 --health-cmd true deb sleep 1000
	mybox run -d --name hostly --network host deb sleep 1000
	mybox create --name later deb
	id=$(mybox inspect -f '{{.Id}}' web)
	healthy() { [ "$(mybox inspect -f '{{.State.Health.Status}}' web)" = healthy ]; }
	wait_until 10 healthy
	mybox stats --format prometheus >"$out.raw"
	python3 "$top/tests/support/exposition.py" <"$out.raw" >"$out"
	grep -qx "mybox_container_info{id=\"$id\",image=\"deb\",name=\"web\"} 1" "$out"
	grep -qx "mybox_container_running{id=\"$id\",name=\"web\"} 1" "$out"
	grep -qx "mybox_container_health{id=\"$id\",name=\"web\",status=\"healthy\"} 1" "$out"
	grep -qx "mybox_container_health{id=\"$id\",name=\"web\",status=\"unhealthy\"} 0" "$out"
	grep -qx "mybox_container_restarts_total{id=\"$id\",name=\"web\"} 0" "$out"
	grep -qE "^mybox_container_cpu_usage_seconds_total\{id=\"$id\",name=\"web\"\} [0-9]+\.[0-9]{6}$" "$out"
	grep -qE "^mybox_container_tasks\{id=\"$id\",name=\"web\"\} [1-9]" "$out"
	grep -qE "^mybox_container_network_receive_bytes_total\{id=\"$id\",interface=\"eth0\",name=\"web\",network=\"net1\"\} [0-9]+$" "$out"
	local now started
	now=$(date +%s)
	started=$(awk '/^mybox_container_start_time_seconds.*name="web"/ { print $2 }' "$out")
	[ $((now - started)) -lt 600 ]
	[ "$started" -le "$now" ]
	# The host's interfaces are nobody's, no health without a check, no line without a limit.
	none '^mybox_container_network.*name="hostly"' "$out"
	none '^mybox_container_health.*name="hostly"' "$out"
	none '^mybox_container_memory_limit_bytes.*name="hostly"' "$out"
	none 'name="later"' "$out"
	mybox stats -a --format prometheus | python3 "$top/tests/support/exposition.py" >"$out"
	grep -q '^mybox_container_running{.*name="later"} 0$' "$out"
	none '^mybox_container_cpu.*name="later"' "$out"
	mybox stats --format prometheus web | python3 "$top/tests/support/exposition.py" >"$out"
	none hostly "$out"
	if [ -e /proc/pressure/cpu ]; then
		grep -qE '^mybox_container_pressure_waiting_seconds_total\{.*resource="io"\} [0-9]+\.[0-9]{6}$' "$out"
	fi
	mybox rm -f web hostly later
	[ -z "$(mybox stats --format prometheus)" ]
	run mybox stats --format prometheus nosuch
	[ "$status" = 1 ]
}

# bats test_tags=cgroup
@test "stats --format prometheus: limits, and an interface that a container has named" {
	requires controllers
	local out=$BATS_TEST_TMPDIR/out
	mybox run -d --name web -m 64m --pids-limit 50 deb sleep 1000
	nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' web)/ns/net" sh -c 'ip link set eth0 down && ip link set eth0 name a\"b\\c'
	mybox stats --format prometheus | python3 "$top/tests/support/exposition.py" >"$out"
	grep -qE '^mybox_container_memory_limit_bytes\{.*name="web"\} 67108864$' "$out"
	grep -qE '^mybox_container_tasks_limit\{.*name="web"\} 50$' "$out"
	grep -qF 'interface="a\"b\\c",name="web",network=""' "$out"
}

@test "contrib/prometheus: a connection's one answer, and a file that appears whole" {
	cat >"$BATS_TEST_TMPDIR/box" <<-SH
		#!/bin/sh
		exec "$MYBOX" --root "$root" --runroot "$run" "\$@"
	SH
	chmod +x "$BATS_TEST_TMPDIR/box"
	mybox run -d --name web deb sleep 1000
	export MYBOX_METRICS=$top/contrib/prometheus/mybox-metrics PROMETHEUS_BOX=$BATS_TEST_TMPDIR/box
	seen <<-'PY'
		import http.client, socket, subprocess, exposition
		def ask(method, path):
		    ours, theirs = socket.socketpair()
		    env = dict(os.environ, MYBOX=os.environ["PROMETHEUS_BOX"])
		    p = subprocess.Popen([os.environ["MYBOX_METRICS"]], stdin=theirs, stdout=theirs, env=env)
		    theirs.close()
		    c = http.client.HTTPConnection("localhost")
		    c.sock = ours
		    c.request(method, path, headers={"Accept": "text/plain;version=0.0.4"})
		    r = c.getresponse()
		    body = r.read().decode()
		    assert p.wait(30) == 0
		    return r.status, r.getheader("Content-Type"), body
		status, kind, body = ask("GET", "/metrics")
		assert status == 200 and kind.startswith("text/plain; version=0.0.4"), (status, kind)
		assert any("mybox_container_running" in s and s.endswith(" 1") for s in exposition.check(body)), body
		assert ask("HEAD", "/metrics")[::2] == (200, "")
		assert ask("GET", "/")[0] == 404
		assert ask("POST", "/metrics")[0] == 405
		# A failure is told, and is no page without containers.
		os.environ["PROMETHEUS_BOX"] = "false"
		assert ask("GET", "/metrics")[0] == 500
	PY
	local line
	line=$(sed -n "s/^ExecStart=.*-c '\(.*\)'\$/\1/p" "$top/contrib/prometheus/mybox-textfile.service")
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$BATS_TEST_TMPDIR/box" "$BATS_TEST_TMPDIR/bin/mybox"
	# A link in its place is not written through.
	echo kept >"$BATS_TEST_TMPDIR/kept"
	ln -s "$BATS_TEST_TMPDIR/kept" "$BATS_TEST_TMPDIR/mybox.prom.new"
	DIR=$BATS_TEST_TMPDIR PATH=$BATS_TEST_TMPDIR/bin:$PATH sh -c "$line"
	grep -q '^mybox_container_running.* 1$' "$BATS_TEST_TMPDIR/mybox.prom"
	[ ! -e "$BATS_TEST_TMPDIR/mybox.prom.new" ]
	[ "$(cat "$BATS_TEST_TMPDIR/kept")" = kept ]
}
