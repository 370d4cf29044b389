#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a RUN of a build may use.
# bats file_tags=cgroup
load build_helpers

@test "build: memory, swap and processors of RUN" {
	requires controllers
	dockerfile <<-'EOF'
		FROM kept
		RUN cd /sys/fs/cgroup; for d in . cpu cpuset memory; do for f in cpu.cfs_quota_us cpu.cfs_period_us cpu.shares cpu.max \
			cpu.weight memory.limit_in_bytes memory.memsw.limit_in_bytes memory.max memory.swap.max; do \
			[ ! -e $d/$f ] || echo "$f $(cat $d/$f)"; done; done >/limits; \
			grep -E '(Cpus|Mems)_allowed_list' /proc/self/status >>/limits
	EOF
	build -m 64m --memory-swap 96m --cpu-period 50000 --cpu-quota 20000 -c 512 --cpuset-cpus 0 --cpuset-mems 0
	run -0 in_made 'cat /limits'
	[[ $output == *$'Cpus_allowed_list:\t0'* ]]
	[[ $output == *$'Mems_allowed_list:\t0'* ]]
	if [ -d /sys/fs/cgroup/memory ]; then
		[[ $output == *"cpu.cfs_quota_us 20000"* ]]
		[[ $output == *"cpu.cfs_period_us 50000"* ]]
		[[ $output == *"cpu.shares 512"* ]]
		[[ $output == *"memory.limit_in_bytes 67108864"* ]]
		[ ! -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ] || [[ $output == *"memory.memsw.limit_in_bytes 100663296"* ]]
	else
		[[ $output == *"cpu.max 20000 50000"* ]]
		[[ $output == *"memory.max 67108864"* ]]
	fi
}

@test "build: limits that make no sense are told as run tells them" {
	dockerfile <<<$'FROM kept\nRUN true'
	local flags
	for flags in '--memory-swap 64m' '-m 64m --memory-swap 32m' '--cpuset-cpus 9999' '--cpuset-mems x' '--cpu-quota 1'; do
		# shellcheck disable=SC2086
		run build $flags
		[ "$status" = 1 ]
	done
	run build --cpu-shares x
	[ "$status" = 125 ]
}
