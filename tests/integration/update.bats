#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# update: limits, restart policy and ports, of containers that run and of others.
load helpers

# limit CONTROLLER V1-FILE V2-FILE NAME: what the control group of container NAME has.
limit() {
	local pid path
	pid=$(mybox inspect -f '{{.State.Pid}}' "$4")
	if [ -d "/sys/fs/cgroup/$1" ]; then
		path=$(grep -E "^[0-9]+:([^:]*,)?$1(,[^:]*)?:" "/proc/$pid/cgroup" | cut -d: -f3)
		cat "/sys/fs/cgroup/$1$path/$2"
	else
		path=$(grep '^0::' "/proc/$pid/cgroup" | cut -d: -f3)
		cat "/sys/fs/cgroup$path/$3"
	fi
}
sleeper() { mybox run -d --name "$1" "${@:2}" deb sleep 1000 >/dev/null; }
server() { mybox run -d --name "$1" "${@:2}" deb sh -c 'mkdir -p /www; echo "$0" >/www/index.html; exec httpd -f -p 80 -h /www' "$1" >/dev/null; }
fetches() { [ "$(busybox wget -q -O- "http://127.0.0.1:$1/" 2>/dev/null)" = "$2" ]; }
ports() { mybox port "$1" | sort | tr '\n' ' '; }

# bats test_tags=cgroup
@test "limits of one that runs, kept by a restart" {
	requires controllers
	sleeper c1 -m 64m
	sleeper c2
	run mybox update -m 96m --memory-swap 128m --cpus 0.5 --pids-limit 77 c1 c2
	[ "$status" = 0 ]
	[ "$output" = "c1
c2" ]
	for round in 1 2; do
		[ "$(limit memory memory.limit_in_bytes memory.max c1)" = 100663296 ]
		[ "$(limit pids pids.max pids.max c2)" = 77 ]
		[[ $(limit cpu cpu.cfs_quota_us cpu.max c2) == 50000* ]]
		mybox restart -t 0 c1 c2
	done
	[ "$(mybox inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}' c1)" = "100663296 500000000 77" ]
	mybox update --pids-limit -1 c2
	[ "$(limit pids pids.max pids.max c2)" = max ]
}

@test "what cannot be leaves all as it was" {
	requires controllers
	sleeper c1 -m 64m --cpus 0.5
	refused() {
		run mybox update "${@:2}" c1
		[ "$status" = 1 ]
		[[ $output == *$1* ]]
		[ "${#lines[@]}" = 1 ]
		[ "$(limit memory memory.limit_in_bytes memory.max c1)" = 67108864 ]
		[ "$(mybox inspect -f '{{.HostConfig.Memory}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpusetCpus}}' c1)" = "67108864 0 " ]
	}
	refused "inimum memory limit" -m 4k
	refused "inimum memoryswap" --memory-swap 32m
	refused "Nano CPUs" --cpu-quota 20000
	refused "cpuset" --cpuset-cpus 0-x
	refused "cannot update container c1" -m 70m --cpuset-cpus 4000
	refused "one or more flags"
	run mybox update -m 64m nosuch
	[ "$status" = 1 ]
	run mybox update --kernel-memory 1m c1
	[ "$status" = 125 ] || [ "$status" = 1 ]
	[[ $output == *"'--kernel-memory' is not offered"* ]]
}

@test "the restart policy, at once" {
	mybox run -d --name c1 deb sh -c 'while [ ! -e /go ]; do sleep 0.1; done; rm /go; exit 3' >/dev/null
	mybox update --restart on-failure:5 c1
	[ "$(mybox inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' c1)" = "on-failure 5" ]
	let_end c1
	again() { [ "$(mybox inspect -f '{{.RestartCount}} {{.State.Running}}' c1)" = "1 true" ]; }
	wait_until 10 again
	mybox update --restart no c1
	let_end c1
	over() { [ "$(mybox inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1)" = "exited 3" ]; }
	wait_until 10 over
	sleeper c2 --rm
	run mybox update --restart always c2
	[ "$status" = 1 ]
	[[ $output == *"--restart and --rm"* ]]
	run mybox update --restart sometimes c1
	[ "$status" = 1 ]
	[[ $output == *"invalid restart policy 'sometimes'"* ]]
}

@test "ports come and go while the server runs" {
	server web -p 8080:80
	wait_until 10 fetches 8080 web
	mybox update --publish-add 8081:80 --publish-add 127.0.0.1:5300:53/udp web
	fetches 8081 web
	fetches 8080 web
	[ "$(ports web)" = "53/udp -> 127.0.0.1:5300 80/tcp -> 0.0.0.0:8080 80/tcp -> 0.0.0.0:8081 " ]
	# They are taken, by the monitor and not by a command that is gone.
	run mybox run --rm -p 8081:80 deb true
	[ "$status" = 125 ]
	[[ $output == *"port is already allocated"* ]]
	mybox update --publish-rm 8080:80 web
	run ! fetches 8080 web
	fetches 8081 web
	mybox run --rm -p 8080:80 deb true
	mybox system check
	mybox restart -t 0 web
	wait_until 10 fetches 8081 web
	[ "$(ports web)" = "53/udp -> 127.0.0.1:5300 80/tcp -> 0.0.0.0:8081 " ]
	# By the container's port alone: all of them.
	mybox update --publish-add 8090-8092:80 web
	mybox update --publish-rm 80 --publish-rm 53/udp web
	[ "$(ports web)" = "" ]
	run ! fetches 8081 web
	mybox run --rm -p 8081:80 -p 8090-8092:8090-8092 -p 5300:53/udp deb true
	mybox system check
	# And the first one again.
	mybox update --publish-add 8080:80 web
	wait_until 10 fetches 8080 web
	# From the container itself, by the host's address.
	[ "$(mybox exec web wget -q -O- "http://$(mybox network inspect -f '{{(index .IPAM.Config 0).Gateway}}' bridge):8080/")" = web ]
}

@test "a connection outlives what happens to other ports" {
	mybox run -d --name echo -p 7000:7 deb nc -ll -p 7 -e cat >/dev/null
	listens() { mybox exec echo grep -qi ':0007 .* 0A ' /proc/net/tcp /proc/net/tcp6; }
	wait_until 10 listens
	exec 5<>/dev/tcp/127.0.0.1/7000
	echo one >&5
	read -r -t 10 line <&5
	[ "$line" = one ]
	mybox update --publish-add 7001:7 echo
	mybox update --publish-rm 7001:7 echo
	echo two >&5
	read -r -t 10 line <&5
	[ "$line" = two ]
	exec 5>&-
}

@test "ports: what is wrong, and one that does not run" {
	server web -p 8080:80
	sleeper c2 -p 9090:90
	refused() {
		run mybox update "${@:3}" "$2"
		[ "$status" = 1 ]
		[[ ${lines[0]} == *$1* ]]
	}
	refused "port is already allocated" web --publish-add 9090:80
	refused "is not published" web --publish-rm 8080:81
	refused "is not published" web --publish-rm 8080:80/udp
	refused "invalid" web --publish-add x:80
	[ "$(ports web)" = "80/tcp -> 0.0.0.0:8080 " ]
	sleeper c3 --network none
	refused "publishes no ports" c3 --publish-add 8099:80
	mybox stop -t 0 web
	mybox update --publish-add 8082:80 --publish-rm 8080:80 web
	mybox start web
	wait_until 10 fetches 8082 web
	[ "$(ports web)" = "80/tcp -> 0.0.0.0:8082 " ]
	mybox system check
}

@test "ports that came while it ran are held again when the monitor is lost" {
	server web
	mybox update --publish-add 8083:80 web
	kill -9 "$(awk '/^PPid/ { print $2 }' "/proc/$(mybox inspect -f '{{.State.Pid}}' web)/status")"
	mybox exec web true
	held() { ! mybox run --rm -p 8083:80 deb true 2>/dev/null; }
	wait_until 10 held
	wait_until 10 fetches 8083 web
}
