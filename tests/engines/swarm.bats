#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Swarm over two hosts, each with a dockerd of its own whose runtime is mybox-oci: what ran on a host
# that dies is started on the other.
load helpers

wire=203.0.113
dir=/run/mybox-test/swarm
groups=mybox-swarm

setup_file() {
	ensure_images
	mkdir -p "$dir"
	ip link add wire type bridge
	ip link set wire up
	local i
	for i in 1 2; do
		host_begin $i
		dockerd_start $i
	done
	for i in 1 2; do wait_until 240 docker_on $i info; done
	for i in 1 2; do docker_on $i load -q -i "$images/docker.tar" >/dev/null; done
}
teardown_file() {
	local i
	for i in 1 2; do host_kill $i; done
	ip link del wire
	wait_until 40 no_groups
}
# What dockerd would have removed.
no_groups() {
	find /sys/fs/cgroup -depth -type d -path "*/$groups-[12]*" -exec rmdir {} + 2>/dev/null
	[ -z "$(find /sys/fs/cgroup -type d -path "*/$groups-[12]*" 2>/dev/null)" ]
}

# host_begin N: namespaces of all kinds, so that the host dies whole when its first process does.
host_begin() {
	local f=$dir/h$1
	mkdir -p "$f"
	unshare --net --mount --pid --uts --ipc --fork --kill-child --mount-proc --propagation private \
		sh -c '
		hostname "$1"
		mount --rbind /run/mybox-test /mnt
		mount -t tmpfs none /run
		mkdir -p /run/lock /run/mybox-test /run/docker /run/containerd
		mount --move /mnt /run/mybox-test
		mount -t tmpfs none /etc/docker
		exec env --ignore-signal=CHLD sleep 10000
	' host h$1 >"$f/log" 2>&1 3>&- &
	echo $! >"$f/outer"
	wait_until 40 host_pid $1
	ip link add name "w$1" type veth peer name up0 netns "$(cat "$f/pid")"
	ip link set "w$1" master wire up
	at $1 ip link set lo up
	at $1 ip addr add $wire.$1/24 dev up0
	at $1 ip link set up0 up
	at $1 ip route add default via $wire.254
}
host_pid() {
	pgrep -P "$(cat "$dir/h$1/outer")" >"$dir/h$1/pid" &&
		[ "$(cat "/proc/$(cat "$dir/h$1/pid")/comm")" = sleep ]
}
at() { nsenter -t "$(cat "$dir/h$1/pid")" --mount --pid --uts --ipc --net "${@:2}"; }
host_kill() {
	[ -e "$dir/h$1/pid" ] || return 0
	kill -KILL "$(cat "$dir/h$1/pid")"
	rm "$dir/h$1/pid"
}

dockerd_start() {
	local f=$dir/h$1
	contrib docker-daemon.json >"$f/daemon.json"
	at $1 dockerd -H "unix://$f/sock" --data-root "$f/root" --exec-root "$f/run" \
		--pidfile "$f/dockerd.pid" --storage-driver vfs --exec-opt native.cgroupdriver=cgroupfs \
		--cgroup-parent "$groups-$1" --default-ulimit nofile=1024:1024 \
		--config-file "$f/daemon.json" >"$f/dockerd.log" 2>&1 3>&- &
}
docker_on() { DOCKER_CONFIG=$dir/config at "$1" docker -H "unix://$dir/h$1/sock" "${@:2}"; }
# replicas N: how many run on host N.
replicas() { docker_on "$1" ps -q -f label=com.docker.swarm.service.name=many | wc -l; }
spread() { [ "$(replicas 1)" = "$1" ] && [ "$(replicas 2)" = "$2" ]; }
all_on() { [ "$(replicas "$1")" = "$2" ]; }

@test "Swarm: what ran on a host that dies is started on the other" {
	docker_on 1 swarm init --advertise-addr $wire.1 >/dev/null
	docker_on 2 swarm join --advertise-addr $wire.2 \
		--token "$(docker_on 1 swarm join-token -q worker)" $wire.1:2377
	docker_on 1 node ls
	docker_on 1 service create -d --name many --replicas 4 --restart-delay 100ms test/deb sleep 1000
	wait_until 240 spread 2 2
	[ "$(docker_on 2 inspect -f '{{.HostConfig.Runtime}}' "$(docker_on 2 ps -q | head -1)")" = mybox ]
	host_kill 2
	wait_until 480 all_on 1 4
	docker_on 1 exec "$(docker_on 1 ps -q | head -1)" true
	docker_on 1 service rm many
	wait_until 240 all_on 1 0
}
