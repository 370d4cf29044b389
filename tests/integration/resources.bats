#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Limits: as the control groups hold them, and as the processes meet them.
# bats file_tags=cgroup
load helpers

# limit CONTROLLER V1-FILE V2-FILE NAME: what the control group of container NAME has.
limit() {
	local pid path v1=$2 v2=$3
	pid=$(mybox inspect -f '{{.State.Pid}}' "$4")
	if [ -d "/sys/fs/cgroup/$1" ]; then
		path=$(grep -E "^[0-9]+:([^:]*,)?$1(,[^:]*)?:" "/proc/$pid/cgroup" | cut -d: -f3)
		cat "/sys/fs/cgroup/$1$path/$v1"
	else
		path=$(grep '^0::' "/proc/$pid/cgroup" | cut -d: -f3)
		cat "/sys/fs/cgroup$path/$v2"
	fi
}
sleeper() { mybox run -d --name "$@" deb sleep 1000 >/dev/null; }
v2() { [ ! -d /sys/fs/cgroup/memory ]; }

@test "memory: the limit, swap, reservation" {
	requires memory
	sleeper c1 -m 64m --memory-reservation 32m
	[ "$(limit memory memory.limit_in_bytes memory.max c1)" = 67108864 ]
	[ "$(limit memory memory.soft_limit_in_bytes memory.low c1)" = 33554432 ]
	run mybox run --rm -m 4k deb true
	[ "$status" = 125 ]
	[[ $output == *"inimum memory limit"* ]]
	run mybox run --rm -m 64m --memory-swap 32m deb true
	[ "$status" = 125 ]
	run mybox run --rm --memory-swap 64m deb true
	[ "$status" = 125 ]
	run mybox run --rm -m 64m --memory-reservation 128m deb true
	[ "$status" = 125 ]
}

@test "what wants more memory is killed, and told to be" {
	requires memory
	run -137 mybox run --name c1 -m 32m deb sh -c 'exec dd if=/dev/zero of=/dev/null bs=100M count=1'
	oom() { [ "$(mybox inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' c1)" = "true 137" ]; }
	wait_until 5 oom
	mybox run --name c2 -m 64m deb true
	[ "$(mybox inspect -f '{{.State.OOMKilled}}' c2)" = false ]
	# docker: a child's death counts as well.
	mybox run --name c3 -m 32m deb sh -c 'dd if=/dev/zero of=/dev/null bs=100M count=1; exit 3' || [ $? = 3 ]
	[ "$(mybox inspect -f '{{.State.ExitCode}}' c3)" = 3 ]
}

@test "processors: --cpus, shares, period and quota, sets" {
	requires controllers
	sleeper c1 --cpus 0.5
	if v2; then
		[ "$(limit cpu - cpu.max c1)" = "50000 100000" ]
	else
		[ "$(limit cpu cpu.cfs_quota_us - c1)" = 50000 ]
		[ "$(limit cpu cpu.cfs_period_us - c1)" = 100000 ]
		sleeper c2 --cpu-period 50000 --cpu-quota 20000 -c 512
		[ "$(limit cpu cpu.cfs_quota_us - c2)" = 20000 ]
		[ "$(limit cpu cpu.cfs_period_us - c2)" = 50000 ]
		[ "$(limit cpu cpu.shares - c2)" = 512 ]
	fi
	sleeper c3 --cpuset-cpus 0
	[ "$(limit cpuset cpuset.cpus cpuset.cpus c3)" = 0 ]
	[ "$(mybox exec c3 grep Cpus_allowed_list /proc/self/status | cut -f2)" = 0 ]
	run mybox run --rm --cpus 1 --cpu-quota 1000 deb true
	[ "$status" = 125 ]
	[[ $output == *"onflicting options"* ]]
	local bad
	for bad in x 1000000 -1 1e99 ''; do
		run mybox run --rm --cpus="$bad" deb true
		[ "$status" = 125 ]
	done
	for bad in 9999 1-9999999999 x 0- -; do
		run mybox run --rm --cpuset-cpus="$bad" deb true
		[ "$status" = 125 ]
	done
}

@test "processes: 2048 unless told, a bomb stops there" {
	requires controllers
	sleeper c1
	[ "$(limit pids pids.max pids.max c1)" = 2048 ]
	sleeper c2 --pids-limit -1
	[ "$(limit pids pids.max pids.max c2)" = max ]
	sleeper c3 --pids-limit 10
	run mybox exec c3 sh -c 'for i in $(seq 30); do sleep 100 >/dev/null 2>&1 & done'
	[[ $output == *"can't fork"* ]]
	[ "$(mybox top c3 | grep -c sleep)" -le 10 ]
}

@test "block devices: weights and throttles" {
	requires cgroup1
	[ -d /sys/fs/cgroup/blkio ] || skip "needs the blkio controller"
	local disk
	disk=$(lsblk -dnpo NAME 2>/dev/null | grep -v loop | head -1)
	[ -n "$disk" ] || skip "needs a disk"
	sleeper c1 --device-read-bps "$disk:1mb" --device-write-iops "$disk:100"
	[[ $(limit blkio blkio.throttle.read_bps_device - c1) == *" 1048576" ]]
	[[ $(limit blkio blkio.throttle.write_iops_device - c1) == *" 100" ]]
	run mybox run --rm --device-read-bps nonsense deb true
	[ "$status" = 125 ]
	run mybox run --rm --blkio-weight 5 deb true
	[ "$status" = 125 ]
}

@test "--cgroup-parent" {
	sleeper c1 --cgroup-parent mybox-test-parent
	grep -q /mybox-test-parent/ "/proc/$(mybox inspect -f '{{.State.Pid}}' c1)/cgroup"
	mybox exec c1 true
	mybox rm -f c1
	run mybox run --rm --cgroup-parent ../../x deb true
	[ "$status" = 125 ]
	rmdir /sys/fs/cgroup/*/mybox-test-parent /sys/fs/cgroup/mybox-test-parent 2>/dev/null || true
}

@test "what the machine cannot do is said, not passed over" {
	requires cgroup1
	mybox run --rm -m 64m --memory-swappiness 10 deb true
	sleeper c0 -m 64m --memory-swappiness 0
	[ "$(cat "$(find /sys/fs/cgroup/memory -type d -name "$(mybox inspect -f '{{.Id}}' c0)")/memory.swappiness")" = 0 ]
	[ "${MYBOX_CGROUPS:-host}" = host ]
}

@test "limits without their controllers are told" {
	[ ! -d /sys/fs/cgroup/memory ] || skip "the controllers are there"
	! grep -qw memory /sys/fs/cgroup/cgroup.controllers || skip "the controllers are there"
	run mybox run --rm -m 64m deb true
	[ -n "$output" ]
	[ "$status" = 125 ] || [[ $output == *WARNING* ]]
}

@test "the groups go with their container" {
	sleeper c1 -l x
	local id
	id=$(mybox inspect -f '{{.Id}}' c1)
	[ -n "$(find /sys/fs/cgroup -type d -name "*$id*" 2>/dev/null | head -1)" ]
	mybox exec -d c1 sleep 1000
	mybox rm -f c1
	[ -z "$(find /sys/fs/cgroup -type d -name "*$id*" 2>/dev/null)" ]
}

@test "a fork bomb that ignores signals ends with rm -f" {
	mybox run -d --name c1 --pids-limit 100 deb sh -c 'trap "" TERM INT HUP; i=0; while [ $i -lt 30 ]; do i=$((i+1)); (trap "" TERM INT HUP; while :; do sleep 0.1; done) & done; wait' || skip "the kernel has no limit of processes"
	many() { [ "$(mybox top c1 2>/dev/null | wc -l)" -gt 20 ]; }
	wait_until 10 many
	mybox rm -f c1
}

@test "the default shm, sizes in docker's units, refusals" {
	mybox create --name c1 -m 1g deb
	[ "$(mybox inspect -f '{{.HostConfig.Memory}}' c1)" = 1073741824 ]
	# What is not said is twice that, or as much as a number can be.
	[ "$(mybox inspect -f '{{.HostConfig.MemorySwap}}' "$(mybox create -m 5000000000000000000 deb true)")" = 9223372036854775807 ]
	local bad
	for bad in 1x -5 9999999999999999999999 1.2.3 ''; do
		run mybox create -m="$bad" deb
		[ "$status" != 0 ]
	done
	for bad in x 99999999999999999999; do
		run mybox create --pids-limit "$bad" deb
		[ "$status" != 0 ]
	done
	run mybox create --oom-score-adj 1001 deb
	[ "$status" != 0 ]
	run mybox create --memory-swappiness 101 deb
	[ "$status" != 0 ]
	run mybox create --gpus all deb
	[ "$status" != 0 ]
	[[ $output == *"--gpus"* ]]
}
