#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What services of systemd are made of.  Generated ones run in tests/guest/units.bats.
# bats file_tags=cgroup:any
load helpers

# Who listens for systemd, into $BATS_TEST_TMPDIR/told.
listen() {
	NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify
	: >"$BATS_TEST_TMPDIR/told"
	python3 "$top/tests/support/collector.py" unixgram "$NOTIFY_SOCKET" "$BATS_TEST_TMPDIR/told" 3>&- &
	listener=$!
	wait_until 10 grep -q "$NOTIFY_SOCKET" /proc/net/unix
	export NOTIFY_SOCKET
}
told() { grep -qx -- "$1" "$BATS_TEST_TMPDIR/told"; }
# say CONTAINER MESSAGE: as its process would.
say() {
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
s.send(sys.argv[2].encode())' "/proc/$(mybox inspect -f '{{.State.Pid}}' "$1")/root/run/notify/notify.sock" "$2"
}
monitor_of() { grep -o '"monitor":[0-9]*' "$run/c/$(mybox inspect -f '{{.Id}}' "$1")/state.json" | cut -d: -f2; }

@test "sdnotify: each says it in its own way" {
	listen
	mybox run -d --name k1 --sdnotify conmon deb sleep 1000
	wait_until 10 told READY=1
	told "MAINPID=$(monitor_of k1)"
	[ "$(mybox exec k1 sh -c 'echo $NOTIFY_SOCKET; ls /run/notify 2>/dev/null')" = '' ]
	: >"$BATS_TEST_TMPDIR/told"
	# The container says so itself; and what is not its business goes no further.
	mybox run -d --name k2 -u 1000 deb sh -c 'echo $NOTIFY_SOCKET; sleep 1000'
	wait_until 10 told "MAINPID=$(monitor_of k2)"
	run ! told READY=1
	wait_until 10 eval '[ "$(mybox logs k2)" = /run/notify/notify.sock ]'
	[ "$(mybox exec k2 stat -c '%a %n' /run/notify/notify.sock)" = '666 /run/notify/notify.sock' ]
	run -1 mybox exec -u 0 k2 sh -c 'rm /run/notify/notify.sock || exit 1'
	say k2 $'STATUS=warm\nMAINPID=1\nFDSTORE=1'
	say k2 MAINPID=1
	say k2 $'READY=1\n'
	wait_until 10 told READY=1
	[ "$(cat "$BATS_TEST_TMPDIR/told")" = "MAINPID=$(monitor_of k2)"$'\nSTATUS=warm\nREADY=1' ]
	: >"$BATS_TEST_TMPDIR/told"
	# Not before it is healthy.
	mkdir "$BATS_TEST_TMPDIR/share"
	mybox run -d --name k3 --sdnotify healthy --health-cmd 'test -e /share/well' --health-interval 100ms \
		-v "$BATS_TEST_TMPDIR/share:/share" deb sleep 1000 3>&- &
	wait_until 10 grep -q MAINPID "$BATS_TEST_TMPDIR/told"
	run ! told READY=1
	touch "$BATS_TEST_TMPDIR/share/well"
	wait $!
	wait_until 10 told READY=1
	run -125 mybox run -d --name k4 --sdnotify healthy deb sleep 1000
	[[ $output == *'has no health check'* ]]
	run ! mybox container exists k4
	# start has it, too; in the foreground the command is the service.
	mybox stop -t 0 k2
	: >"$BATS_TEST_TMPDIR/told"
	mybox start --sdnotify conmon k2
	wait_until 10 told READY=1
	: >"$BATS_TEST_TMPDIR/told"
	mybox run -d --sdnotify ignore deb true
	mybox run --rm --sdnotify conmon deb true
	wait_until 10 told READY=1
	[ "$(cat "$BATS_TEST_TMPDIR/told")" = READY=1 ]
	NOTIFY_SOCKET=$BATS_TEST_TMPDIR/nobody run -125 mybox run --rm deb true
	[[ $output == *"cannot connect to NOTIFY_SOCKET"* ]]
	kill "$listener"
}

@test "sdnotify: in the foreground the output goes on, and signals are heard" {
	local code=0
	listen
	mkdir "$BATS_TEST_TMPDIR/share"
	# It gets well only when its output is taken.
	"${box[@]}" run --rm --name k1 --sdnotify healthy --health-cmd 'test -e /share/well' --health-interval 100ms \
		-v "$BATS_TEST_TMPDIR/share:/share" deb sh -c 'trap "exit 7" TERM; head -c 2097152 /dev/zero; touch /share/well; while :; do sleep 0.1; done' \
		>"$BATS_TEST_TMPDIR/shown" 3>&- &
	wait_until 20 told READY=1
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/shown")" = 2097152 ]
	kill "$!"
	wait "$!" || code=$?
	[ "$code" = 7 ]
	: >"$BATS_TEST_TMPDIR/told"
	# One that never gets well.
	mybox create --name k2 --health-cmd false --health-interval 100ms --health-retries 1000 deb \
		sh -c 'trap "exit 8" TERM; echo begun; while :; do sleep 0.1; done'
	"${box[@]}" start -a --sdnotify healthy k2 >"$BATS_TEST_TMPDIR/shown" 3>&- &
	wait_until 10 grep -q begun "$BATS_TEST_TMPDIR/shown"
	kill "$!"
	wait "$!" || code=$?
	[ "$code" = 8 ]
	[ ! -s "$BATS_TEST_TMPDIR/told" ]
	mybox start -a --sdnotify conmon k2 >/dev/null 3>&- &
	wait_until 10 told READY=1
	mybox kill k2
	wait "$!" || true
	kill "$listener"
}

@test "sdnotify: what systemd has no room for is kept" {
	# More than a queue of the kernel holds, and no more than two do.
	local n=$((3 * $(cat /proc/sys/net/unix/max_dgram_qlen) / 2))
	listen
	mybox run -d --name k1 deb sleep 1000
	wait_until 10 told "MAINPID=$(monitor_of k1)"
	kill -STOP "$listener"
	python3 - "/proc/$(mybox inspect -f '{{.State.Pid}}' k1)/root/run/notify/notify.sock" "$n" "$BATS_TEST_TMPDIR/half" 3>&- <<-'E' &
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.connect(sys.argv[1])
		for i in range(int(sys.argv[2])): s.send(b"STATUS=%d" % i)
		open(sys.argv[3], "w").close()
		for i in range(int(sys.argv[2])): s.send(b"STATUS=%d" % i)
		s.send(b"READY=1")
	E
	wait_until 10 [ -e "$BATS_TEST_TMPDIR/half" ]
	kill -CONT "$listener"
	wait_until 60 told READY=1
	[ "$(grep -c STATUS= "$BATS_TEST_TMPDIR/told")" = $((2 * n)) ]
	wait "$!"
	kill "$listener"
}

@test "a monitor ends with the container's exit code" {
	listen
	# The test's own child, by a subreaper that reaps it.
	run -0 python3 - "$MYBOX" --root "$root" --runroot "$run" run -d --sdnotify conmon deb sh -c 'sleep 0.3; exit 37' <<-'E'
		import ctypes, os, subprocess, sys
		ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
		subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
		print(os.waitstatus_to_exitcode(os.wait()[1]))
	E
	[ "$output" = 37 ]
	kill "$listener"
}

@test "generate systemd: what it says, and that systemd takes it" {
	mybox create --name k1 -e 'A=a b' --restart always --rm=false deb sh -c 'echo "$A" 50%; sleep 1000'
	local id unit=$BATS_TEST_TMPDIR/container-k1.service
	id=$(mybox inspect -f '{{.Id}}' k1)
	mybox generate systemd k1 >"$BATS_TEST_TMPDIR/unit"
	head -1 "$BATS_TEST_TMPDIR/unit" | grep -qx "# container-$id.service"
	grep -qx "ExecStart=$MYBOX --root $root --runroot $run start --sdnotify=conmon $id" "$BATS_TEST_TMPDIR/unit"
	grep -qx "ExecStop=$MYBOX --root $root --runroot $run stop --timeout=10 $id" "$BATS_TEST_TMPDIR/unit"
	(cd "$BATS_TEST_TMPDIR" && [ "$(mybox generate systemd --new --name -f -t 5 --restart-policy always --restart-sec 3 \
		--after a.service --requires sysinit.target -e X=1 -e 'Y=p q' k1)" = "$unit" ])
	grep -qxF "ExecStart=$MYBOX --root $root --runroot $run run --sdnotify=conmon -d --rm --name=k1 -e "'"A=a b" deb sh -c "echo \"$$A\" 50%%; sleep 1000"' "$unit"
	grep -qx "ExecStopPost=-$MYBOX --root $root --runroot $run rm -f k1" "$unit"
	local line
	for line in Restart=always RestartSec=3 TimeoutStopSec=65 Type=notify After=a.service Requires=sysinit.target After=sysinit.target \
		'Environment= X=1 "Y=p q"'; do
		grep -qxF "$line" "$unit" || { echo "no $line" && false; }
	done
	if command -v systemd-analyze >/dev/null; then
		run systemd-analyze verify --man=no "$unit"
		[[ $output != *container-k1* ]] || { echo "$output" && false; }
	fi
	run -125 mybox generate systemd nobody
	[[ $output == *'No such container: nobody'* ]]
	run -1 mybox generate systemd --template k1
	# Options of every shape, and what a service says in its own way.
	mybox create -it --name=k2 -w/tmp -eA=1 -e B=2 --net none --restart=no --init --label a=b deb cat
	mybox generate systemd --new -n k2 | grep -qx "ExecStart=.* run --sdnotify=conmon -d --rm --name=k2 -i -t -w/tmp -eA=1 -e B=2 --net none --init --label a=b deb cat"
}

@test "the generator: files become services, and what is wrong is named" {
	local dir=$BATS_TEST_TMPDIR/units out=$BATS_TEST_TMPDIR/out
	mkdir "$dir" "$dir-later" "$out"
	printf '[Volume]\n' >"$dir/data.volume"
	printf '[Network]\nSubnet=10.77.0.0/24\n' >"$dir/lan.network"
	printf '[Container]\nImage=deb\nVolume=data.volume:/data\nNetwork=lan.network\nExec=sleep 1000\n[Install]\nWantedBy=multi-user.target\n' >"$dir/web.container"
	printf '[Container]\nImage=other\n' >"$dir-later/web.container"
	printf '[Container]\nImage=deb\nShape=round\n' >"$dir/bad.container"
	: >"$dir/readme"
	run -1 env MYBOX_UNIT_DIRS="$dir:$dir-later" "$MYBOX" __generator "$out"
	[ "$output" = "mybox-generator: bad.container: unsupported key 'Shape' in group 'Container'" ]
	[ "$(cd "$out" && find . | sort)" = $'.\n./data-volume.service\n./lan-network.service\n./multi-user.target.wants\n./multi-user.target.wants/web.service\n./web.service' ]
	[ "$(readlink "$out/multi-user.target.wants/web.service")" = ../web.service ]
	grep -q "ExecStart=$MYBOX run .*--volume=systemd-data:/data --network=systemd-lan deb sleep 1000$" "$out/web.service"
	if command -v systemd-analyze >/dev/null; then
		run systemd-analyze verify --man=no "$out"/*.service
		[[ $output != *web.service* ]] || { echo "$output" && false; }
	fi
}

@test "the generator: names that files give themselves, and two of one name" {
	local dir=$BATS_TEST_TMPDIR/units out=$BATS_TEST_TMPDIR/out
	mkdir "$dir" "$dir-later" "$out"
	printf '[Container]\nImage=deb\nVolume=data.volume:/data\nServiceName=front\nReloadSignal=HUP\n' >"$dir/web.container"
	printf '[Volume]\nVolumeName=store\nServiceName=keeper\n' >"$dir-later/data.volume"
	MYBOX_UNIT_DIRS="$dir:$dir-later" run -0 "$MYBOX" __generator "$out"
	[ "$(cd "$out" && find . | sort)" = $'.\n./front.service\n./keeper.service' ]
	grep -q " --volume=store:/data deb$" "$out/front.service"
	grep -qx 'Requires=keeper.service' "$out/front.service"
	if command -v systemd-analyze >/dev/null; then
		run systemd-analyze verify --man=no "$out"/*.service
		[[ $output != *front.service* ]] || { echo "$output" && false; }
	fi
	printf '[Container]\nImage=deb\nServiceName=keeper\n' >"$dir-later/other.container"
	MYBOX_UNIT_DIRS="$dir-later" run -1 "$MYBOX" __generator "$out"
	# The first by name has it, however the directory is laid out.
	[ "$output" = "mybox-generator: other.container: another file makes 'keeper.service'" ]
	printf '[Container]\nImage=deb\nServiceName=keeper\n' >"$dir-later/a.container"
	MYBOX_UNIT_DIRS="$dir-later" run -1 "$MYBOX" __generator "$out"
	grep -q " --name=systemd-a deb$" "$out/keeper.service"
}

@test "contrib/docker: mybox's words, and podman-compose's" {
	MYBOX=$MYBOX run -0 "$top/contrib/docker" --root "$root" --runroot "$run" ps -q
	mkdir "$BATS_TEST_TMPDIR/bin"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho "$@"\n' >"$BATS_TEST_TMPDIR/bin/podman-compose"
	chmod +x "$BATS_TEST_TMPDIR/bin/podman-compose"
	[ "$(PATH=$BATS_TEST_TMPDIR/bin:$PATH MYBOX=/x/mybox "$top/contrib/docker" compose -f a.yaml up -d)" = '--podman-path /x/mybox -f a.yaml up -d' ]
	PATH=/nonexistent run -1 /bin/sh "$top/contrib/docker" compose up
	[[ $output == *"needs podman-compose"* ]]
}
