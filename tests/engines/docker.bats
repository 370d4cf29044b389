#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# dockerd with contrib/engines/docker-daemon.json, and Swarm

load helpers

setup_file() {
	ensure_images
	dir=/run/mybox-test/docker
	export dir DOCKER_HOST=unix://$dir/sock DOCKER_CONFIG=$dir/config
	mkdir -p "$dir"
	cover /run/docker /run/containerd /etc/docker
	contrib docker-daemon.json >"$dir/daemon.json"
	dockerd -H "$DOCKER_HOST" --data-root "$dir/root" --exec-root "$dir/run" \
		--pidfile "$dir/pid" --storage-driver vfs --exec-opt native.cgroupdriver=cgroupfs \
		--default-ulimit nofile=1024:1024 \
		--config-file "$dir/daemon.json" >"$dir/log" 2>&1 3>&- &
	wait_until 60 docker info
	docker load -q -i "$images/docker.tar"
}

teardown_file() {
	kill "$(cat "$dir/pid")"
	wait_until 60 no_daemon
}

no_daemon() { ! docker info; }
healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = "$2" ]; }

@test "docker run: output, exit code, a command that is missing" {
	run -0 docker run --rm --network none test/deb echo hello
	[ "$output" = hello ]
	run -7 docker run --rm --network none test/deb sh -c 'exit 7'
	run -127 docker run --rm --network none test/deb no-such-command
	run -126 docker run --rm --network none test/deb /etc
	run -0 docker run --rm -i --network none test/deb cat <<<"through"
	[ "$output" = through ]
}

@test "docker: a container's life" {
	docker run -d --name life test/deb sleep 1000
	[ "$(docker inspect -f '{{.HostConfig.Runtime}}' life)" = mybox ]
	run -0 docker exec life id -u
	[ "$output" = 0 ]
	run -3 docker exec life sh -c 'exit 3'
	run -0 docker exec -i life cat <<<"in"
	[ "$output" = in ]
	run -0 docker exec -u 1:1 -e A=b -w /tmp life sh -c 'id -u; pwd; echo $A'
	[ "$output" = $'1\n/tmp\nb' ]
	docker pause life
	[ "$(docker inspect -f '{{.State.Status}}' life)" = paused ]
	docker unpause life
	run -0 docker top life
	[[ "$output" == *"sleep 1000"* ]]
	run -0 docker stats --no-stream --format '{{.Name}} {{.PIDs}}' life
	[ "$output" = "life 1" ]
	docker stop -t 0 life
	docker start life
	docker restart -t 0 life
	run -0 docker exec life true
	docker kill -s KILL life
	run -0 docker wait life
	[ "$output" = 137 ]
	docker rm life
}

@test "docker: logs, a published port" {
	docker run -d --name web -p 18080:80 test/deb \
		sh -c 'echo served >/tmp/index.html; echo started; exec httpd -f -p 80 -h /tmp'
	wait_until 20 sh -c 'docker logs web | grep -q started'
	wait_until 20 sh -c 'wget -qO- http://127.0.0.1:18080/ | grep -q served'
	docker rm -f web
}

@test "docker: limits, and new ones" {
	[ -d /sys/fs/cgroup/memory ] || skip "needs a memory controller"
	docker run -d --name limits --memory 64m --pids-limit 50 test/deb sleep 1000
	id=$(docker inspect -f '{{.Id}}' limits)
	[ "$(cat "/sys/fs/cgroup/memory/docker/$id/memory.limit_in_bytes")" = 67108864 ]
	[ "$(cat "/sys/fs/cgroup/pids/docker/$id/pids.max")" = 50 ]
	docker update --memory 128m --memory-swap 256m --cpus 0.5 limits
	[ "$(cat "/sys/fs/cgroup/memory/docker/$id/memory.limit_in_bytes")" = 134217728 ]
	[ "$(cat "/sys/fs/cgroup/cpu/docker/$id/cpu.cfs_quota_us")" = 50000 ]
	docker rm -f limits
}

@test "docker: a health check" {
	docker run -d --name health --health-cmd 'test -e /tmp/well' --health-interval 1s \
		--health-retries 1 test/deb sleep 1000
	wait_until 20 healthy health unhealthy
	docker exec health touch /tmp/well
	wait_until 20 healthy health healthy
	docker rm -f health
}

@test "docker: what wants more memory than it may have is killed, and told to be" {
	[ -d /sys/fs/cgroup/memory ] || skip "needs a memory controller"
	run -137 docker run --name oom --network none --memory 16m --memory-swap 16m test/deb \
		sh -c 'a=x; while :; do a=$a$a; done'
	[ "$(docker inspect -f '{{.State.OOMKilled}}' oom)" = true ]
	docker rm oom
}

@test "Swarm: a service with replicas, one killed and brought back" {
	docker swarm init --advertise-addr 127.0.0.1
	docker service create --name many --replicas 2 -d --restart-delay 100ms test/deb sleep 1000
	two() { [ "$(docker ps -q -f label=com.docker.swarm.service.name=many | wc -l)" = 2 ]; }
	wait_until 60 two
	victim=$(docker ps -q -f label=com.docker.swarm.service.name=many | head -1)
	docker kill "$victim"
	back() { two && ! docker ps -q | grep -q "$victim"; }
	wait_until 60 back
	docker service rm many
	none() { [ -z "$(docker ps -aq)" ]; }
	wait_until 60 none
	docker swarm leave -f
}

@test "docker left nothing with the runtime" {
	[ -z "$(docker ps -aq)" ]
	[ -d "$dir/run/runtime-runc/moby" ]
	no_states "$dir/run/runtime-runc/moby"
}
