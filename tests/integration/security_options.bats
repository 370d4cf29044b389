#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The options that widen or narrow what a container may, one by one: what they do, what inspect says
# of them, and how they are refused.
load helpers

# refused PATTERN OPTION...: create says one line, docker's code, and leaves nothing.
refused() {
	local pattern=$1 before
	shift
	before=$(mybox ps -aq | wc -l)
	run --separate-stderr mybox run --rm "$@" deb true
	[ "$status" = 125 ] || { echo "status $status: $*: $output$stderr"; return 1; }
	# shellcheck disable=SC2053
	[[ $stderr == $pattern ]] || { echo "said: $stderr"; return 1; }
	[ "$(grep -c . <<<"$stderr")" -le 3 ] || { echo "said much: $stderr"; return 1; }
	[ -z "$output" ]
	[ "$(mybox ps -aq | wc -l)" = "$before" ]
}

host() { mybox inspect -f "{{json .HostConfig.$2}}" "$1"; }
status() { mybox run --rm "${@:2}" deb grep "^$1:" /proc/self/status | cut -f2; }

@test "capabilities: names in docker's form, adding wins over dropping" {
	mybox create --name c1 --cap-add net_admin --cap-add CAP_CHOWN --cap-add NET_ADMIN --cap-drop mknod deb true
	[ "$(host c1 CapAdd)" = '["CAP_CHOWN","CAP_NET_ADMIN"]' ]
	[ "$(host c1 CapDrop)" = '["CAP_MKNOD"]' ]
	mybox create --name c2 --cap-add all --cap-add CHOWN deb true
	[ "$(host c2 CapAdd)" = '["ALL"]' ]
	[ "$(host c2 CapDrop)" = null ]
	[ "$(status CapEff --cap-add NET_ADMIN --cap-drop NET_ADMIN)" = 00000000a80435fb ]
	[ "$(status CapEff --cap-drop ALL --cap-add ALL)" = "$(grep CapBnd /proc/self/status | cut -f2)" ]
	refused '*invalid capability: "CAP_NOSUCH"*' --cap-add CAP_NOSUCH
	refused '*invalid capability: "99"*' --cap-drop 99
	refused '*invalid capability: ""*' --cap-add ''
}

@test "no-new-privileges: true, false, and the last word counts" {
	[ "$(status NoNewPrivs --security-opt no-new-privileges:false)" = 0 ]
	[ "$(status NoNewPrivs --security-opt no-new-privileges --security-opt no-new-privileges=false)" = 0 ]
	[ "$(status NoNewPrivs --security-opt no-new-privileges=false --security-opt no-new-privileges:true)" = 1 ]
	refused '*invalid --security-opt: "no-new-privileges=maybe"*' --security-opt no-new-privileges=maybe
	mybox create --name c1 --security-opt no-new-privileges --security-opt seccomp=unconfined deb true
	[ "$(host c1 SecurityOpt)" = '["no-new-privileges","seccomp=unconfined"]' ]
}

@test "seccomp: built in, none, or a file that is read once" {
	local profile=$BATS_TEST_TMPDIR/profile.json
	[ "$(status Seccomp)" = 2 ]
	[ "$(status Seccomp --security-opt seccomp=unconfined)" = 0 ]
	[ "$(status Seccomp --privileged --security-opt seccomp=builtin)" = 2 ]
	[ "$(status Seccomp --security-opt seccomp=unconfined --security-opt seccomp=builtin)" = 2 ]
	echo '{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [ { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38 } ] }' >"$profile"
	mybox create --name c1 --security-opt "seccomp=$profile" deb mkdir /new
	[[ $(host c1 SecurityOpt) == *'seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"'* ]]
	# What was checked at create is what holds, whatever becomes of the file.
	echo nonsense >"$profile"
	run mybox start -a c1
	[ "$status" != 0 ]
	rm "$profile"
	run mybox start -a c1
	[ "$status" != 0 ]
	mybox run --rm deb mkdir /new
}

@test "seccomp: bad files are refused before anything is made" {
	local profile=$BATS_TEST_TMPDIR/profile.json
	refused "*opening seccomp profile ($profile) failed*" --security-opt "seccomp=$profile"
	refused "*opening seccomp profile (/) failed*" --security-opt seccomp=/
	refused '*invalid --security-opt: "seccomp="*' --security-opt seccomp=
	local text
	for text in '' '[]' '{' '{}' 'null' '{"defaultAction":"NO"}' \
		'{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_VAX"]}' \
		'{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_NO"}]}' \
		'{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_NO","includes":{"caps":["CAP_SYS_ADMIN"]}}]}' \
		'{"defaultAction":"SCMP_ACT_ALLOW","syscalls":7}' \
		'{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","args":[{"index":9,"op":"SCMP_CMP_EQ"}]}]}'; do
		echo "$text" >"$profile"
		refused "*seccomp profile ($profile)*" --security-opt "seccomp=$profile"
	done
	head -c 2000000 /dev/zero | tr '\0' ' ' >"$profile"
	refused "*seccomp profile ($profile)*" --security-opt "seccomp=$profile"
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	refused "*seccomp profile*" --security-opt "seccomp=$BATS_TEST_TMPDIR/fifo"
}

@test "AppArmor, SELinux: unconfined and disabled are taken, the rest is refused by name" {
	mybox run --rm --security-opt apparmor=unconfined --security-opt label=disable --security-opt label:disable deb true
	refused '*SELinux labels are not supported*' --security-opt label=type:container_t
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] ||
		refused "*apparmor profile 'nosuch': AppArmor is not enabled on this host*" --security-opt apparmor=nosuch
	refused '*invalid --security-opt: "nosuch"*' --security-opt nosuch
	refused '*invalid --security-opt: "systempaths=masked"*' --security-opt systempaths=masked
	refused '*invalid --security-opt: ""*' --security-opt ''
}

@test "mask and unmask: paths more, paths less" {
	mounted() { mybox run --rm "$@" deb cat /proc/mounts | cut -d' ' -f2; }
	[[ $(mounted) == */proc/irq* ]]
	[[ $(mounted --security-opt unmask=/proc/irq) != */proc/irq* ]]
	[[ $(mounted --security-opt unmask=/proc/irq) == */proc/sys* ]]
	[[ $(mounted --security-opt 'unmask=/proc/*') != */proc/sys* ]]
	[[ $(mounted --security-opt unmask=ALL) != */proc/* ]]
	[[ $(mounted --security-opt mask=/proc/version:/proc/cpuinfo) == */proc/*/proc/cpuinfo* ]]
	[ -z "$(mybox run --rm --security-opt mask=/proc/cpuinfo:/etc deb cat /proc/cpuinfo)" ]
	[ -z "$(mybox run --rm --security-opt mask=/opt deb ls /opt 2>/dev/null)" ]
	refused '*invalid --security-opt*' --security-opt mask=relative
	refused '*invalid --security-opt*' --security-opt mask=/proc/../etc
	refused '*invalid --security-opt*' --security-opt unmask=
}

@test "proc-opts: what /proc shows" {
	[[ $(mybox run --rm --security-opt proc-opts=hidepid=2 deb grep ' /proc proc ' /proc/mounts) == *hidepid=* ]]
	[[ $(mybox run --rm --security-opt proc-opts=hidepid=1,gid=5 deb grep ' /proc proc ' /proc/mounts) == *gid=5* ]]
	refused '*invalid --security-opt*' --security-opt proc-opts=exec
	refused '*invalid --security-opt*' --security-opt proc-opts=hidepid=9
	refused '*invalid --security-opt*' --security-opt proc-opts=hidepid=2,suid
}

@test "--device: directories, targets, permissions, refusals" {
	mkdir "$BATS_TEST_TMPDIR/nodes" "$BATS_TEST_TMPDIR/nodes/below"
	mknod "$BATS_TEST_TMPDIR/nodes/zero2" c 1 5
	mknod "$BATS_TEST_TMPDIR/nodes/below/full2" c 1 7
	touch "$BATS_TEST_TMPDIR/nodes/file"
	[ "$(mybox run --rm --device "$BATS_TEST_TMPDIR/nodes:/dev/nodes" deb sh -c 'head -c 3 /dev/nodes/zero2 | wc -c; test -c /dev/nodes/below/full2 && ! test -e /dev/nodes/file && echo all')" = "3
all" ]
	mybox create --name c1 --device /dev/null:/dev/mine:r --device /dev/zero:rw deb true
	[ "$(host c1 Devices)" = '[{"PathOnHost":"/dev/null","PathInContainer":"/dev/mine","CgroupPermissions":"r"},{"PathOnHost":"/dev/zero","PathInContainer":"/dev/zero","CgroupPermissions":"rw"}]' ]
	refused '*invalid device mode: rwx*' --device /dev/null:/dev/mine:rwx
	refused '*invalid device specification*' --device /dev/null:/dev/mine:r:w
	refused '*not an absolute path*' --device null
	refused '*not an absolute path*' --device /dev/null:mine
	refused '*not a device node*' --device "$BATS_TEST_TMPDIR/nodes/file"
	refused '*vendor.com/class=all*' --device vendor.com/class=all
	refused '*' --device ''
}

@test "--device-cgroup-rule: kinds, stars, refusals" {
	mybox create --name c1 --device-cgroup-rule 'c 42:* rwm' --device-cgroup-rule 'b *:7 r' deb true
	[ "$(host c1 DeviceCgroupRules)" = '["c 42:* rwm","b *:7 r"]' ]
	mybox start c1
	local bad
	for bad in 'c 1:3' 'x 1:3 rwm' 'c 1 rwm' 'c 1:3 rwx' 'c -1:3 rwm' 'c 1:99999999999 rwm' 'c 1:3 rwm more' ''; do
		refused '*' --device-cgroup-rule "$bad"
	done
}

@test "--sysctl: the list, namespace by namespace" {
	local key
	for key in kernel.msgmax kernel.msgmnb kernel.msgmni kernel.shmall kernel.shmmax kernel.shmmni kernel.shm_rid; do
		[ "$key" != kernel.shm_rid ] || { refused "*sysctl '$key' is not whitelisted*" --sysctl $key=1; continue; }
		[ "$(mybox run --rm --sysctl $key=1000 deb cat /proc/sys/${key//./\/})" = 1000 ]
	done
	[ "$(mybox run --rm --sysctl kernel.shm_rmid_forced=1 deb cat /proc/sys/kernel/shm_rmid_forced)" = 1 ]
	[ "$(mybox run --rm --sysctl fs.mqueue.msg_max=9 deb cat /proc/sys/fs/mqueue/msg_max)" = 9 ]
	[ "$(mybox run --rm --sysctl kernel.domainname=here deb cat /proc/sys/kernel/domainname)" = here ]
	[ "$(mybox run --rm --sysctl 'kernel.sem=32000 1024000000 500 32000' deb cat /proc/sys/kernel/sem | tr -s '\t ' ' ')" = "32000 1024000000 500 32000" ]
	refused "*sysctl 'kernel.domainname' not allowed in host uts namespace*" --uts host --sysctl kernel.domainname=x
	refused "*sysctl 'kernel.msgmax' not allowed in host ipc namespace*" --ipc host --sysctl kernel.msgmax=1
	refused "*sysctl 'net.core.somaxconn' not allowed in host network namespace*" --network host --sysctl net.core.somaxconn=1
	refused "*not whitelisted*" --sysctl kernel.semaphore=1
	refused "*not whitelisted*" --sysctl net/ipv4/ip_forward=1
	refused "*" --sysctl net.ipv4.nosuch=1
	refused "*" --sysctl net.ipv4.ip_forward=nonsense
	refused "*not allowed*" --sysctl "net.ipv4.ip_forward=1
2"
}

@test "--hardened: fewer capabilities, no new privileges, new calls absent, more masks" {
	# Without MKNOD, NET_RAW and AUDIT_WRITE.
	[ "$(status CapBnd --hardened)" = 00000000800405fb ]
	[ "$(status CapBnd --hardened --cap-add NET_RAW)" = 00000000800425fb ]
	[ "$(status NoNewPrivs --hardened)" = 1 ]
	[ "$(status Seccomp --hardened)" = 2 ]
	mybox run -d --name c1 --hardened deb sleep 1000
	[ "$(host c1 Hardened)" = true ]
	[ "$(mybox exec c1 grep '^CapBnd:' /proc/self/status | cut -f2)" = 00000000800405fb ]
	[ "$(mybox exec c1 grep '^NoNewPrivs:' /proc/self/status | cut -f2)" = 1 ]
	[ -z "$(mybox exec c1 cat /proc/modules)" ]
	[ -z "$(mybox exec c1 ls /sys/module)" ]
	run mybox exec c1 mknod /n c 1 3
	[ "$status" != 0 ]
	refused '*conflicting options: cannot specify both --privileged and --hardened*' --privileged --hardened
}

@test "--hardened: a program that probes finds what an older kernel has" {
	command -v gcc >/dev/null || skip "needs gcc"
	cat >"$BATS_TEST_TMPDIR/try.c" <<-'C'
		#include <errno.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/ioctl.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int main(void)
		{
			for (int nr = 451; nr < 472; nr++)
				if (syscall(nr, -1, -1, -1, -1, -1, -1) != -1 || errno != ENOSYS)
					printf("%d: %s\n", nr, strerror(errno));
			if (ioctl(0, TIOCSTI, "x") != -1 || errno != EPERM)
				printf("TIOCSTI: %s\n", strerror(errno));
			return 0;
		}
	C
	gcc -static -o "$BATS_TEST_TMPDIR/try" "$BATS_TEST_TMPDIR/try.c"
	[ -z "$(mybox run --rm --hardened -v "$BATS_TEST_TMPDIR/try:/try:ro" deb /try)" ]
	[ -n "$(mybox run --rm -v "$BATS_TEST_TMPDIR/try:/try:ro" deb /try)" ]
}
