#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a container may not: capabilities, system calls, devices, masked paths; and who it is.
load helpers

caps() { mybox run --rm "$@" deb grep '^Cap' /proc/self/status | tr -s '\t\n' ' '; }

# try NAME NUMBER [ARGS]: the errno that a system call ends with, by a 64-bit static program.
build_try() {
	command -v gcc >/dev/null || skip "needs gcc"
	cat >"$BATS_FILE_TMPDIR/try.c" <<-'C'
		#include <errno.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int main(int n, char **v)
		{
			long a[6] = {0}, r;
			for (int i = 2; i < n && i < 8; i++)
				a[i - 2] = strtol(v[i], NULL, 0);
			r = syscall(strtol(v[1], NULL, 0), a[0], a[1], a[2], a[3], a[4], a[5]);
			puts(r < 0 ? strerrorname_np(errno) : "OK");
		}
	C
	[ -x "$BATS_FILE_TMPDIR/try" ] || gcc -static -D_GNU_SOURCE -o "$BATS_FILE_TMPDIR/try" "$BATS_FILE_TMPDIR/try.c"
}
try() { mybox run --rm -v "$BATS_FILE_TMPDIR/try:/try:ro" "${opts[@]}" deb /try "$@"; }

@test "capabilities: docker's fourteen, none inheritable or ambient" {
	[ "$(caps)" = "CapInh: 0000000000000000 CapPrm: 00000000a80425fb CapEff: 00000000a80425fb CapBnd: 00000000a80425fb CapAmb: 0000000000000000 " ]
	[ "$(caps -u 1000)" = "CapInh: 0000000000000000 CapPrm: 0000000000000000 CapEff: 0000000000000000 CapBnd: 00000000a80425fb CapAmb: 0000000000000000 " ]
}

@test "--cap-add, --cap-drop, with and without CAP_, ALL" {
	[[ $(caps --cap-drop ALL) == *"CapEff: 0000000000000000 CapBnd: 0000000000000000"* ]]
	[[ $(caps --cap-drop all --cap-add NET_ADMIN) == *"CapEff: 0000000000001000"* ]]
	[[ $(caps --cap-drop ALL --cap-add CAP_net_admin --cap-add chown) == *"CapEff: 0000000000001001"* ]]
	[[ $(caps --cap-drop NET_RAW) == *"CapEff: 00000000a80405fb"* ]]
	local all
	all=$(grep CapBnd /proc/self/status | cut -f2)
	[[ $(caps --cap-add ALL) == *"CapEff: $all"* ]]
	[[ $(caps --cap-add ALL --cap-drop SYS_ADMIN) != *"CapEff: $all"* ]]
	[[ $(caps --privileged) == *"CapEff: $all"* ]]
	run mybox run --rm --cap-add NOSUCH deb true
	[ "$status" = 125 ]
	[[ $output == *"invalid capability"* ]]
}

@test "no_new_privs: off by default, on when asked" {
	[ "$(mybox run --rm deb grep NoNewPrivs /proc/self/status | cut -f2)" = 0 ]
	local opt
	for opt in no-new-privileges no-new-privileges=true no-new-privileges:true; do
		[ "$(mybox run --rm --security-opt $opt deb grep NoNewPrivs /proc/self/status | cut -f2)" = 1 ]
	done
	run mybox run --rm --security-opt nosuch=1 deb true
	[ "$status" = 125 ]
}

@test "users: names, numbers, groups; all of docker's forms" {
	ids() { mybox run --rm "$@" deb sh -c 'echo $(id -u):$(id -g) $(id -G) $HOME'; }
	[ "$(ids)" = "0:0 0 60 /root" ]
	[ "$(ids -u user)" = "1000:1000 1000 50 60 /home/user" ]
	[ "$(ids -u 1000)" = "1000:1000 1000 50 60 /home/user" ]
	[ "$(ids -u user:staff)" = "1000:50 50 /home/user" ]
	[ "$(ids -u user:60)" = "1000:60 60 /home/user" ]
	[ "$(ids -u 1000:4000)" = "1000:4000 4000 /home/user" ]
	[ "$(ids -u 4000)" = "4000:0 0 /" ]
	[ "$(ids -u 4000:5000)" = "4000:5000 5000 /" ]
	[ "$(ids -u :50)" = "0:50 50 /root" ]
	# A number is a user's even where a user has such a name.
	[ "$(ids -u 777)" = "777:0 0 /" ]
	[ "$(ids -u user --group-add 70 --group-add extra --group-add staff)" = "1000:1000 1000 50 60 70 /home/user" ]
	local bad
	for bad in nosuch user:nosuch -1 4294967296 99999999999 1000:-1 1:2:3; do
		run mybox run --rm -u "$bad" deb true
		[ "$status" != 0 ]
		[ -n "$output" ]
	done
	run mybox run --rm --group-add nosuch deb true
	[ "$status" != 0 ]
}

@test "passwd that is no file, or endless, is not read" {
	mkdir "$BATS_TEST_TMPDIR/rootfs"
	tar -C "$BATS_TEST_TMPDIR/rootfs" -xf "$images/rootfs.tar"
	rm "$BATS_TEST_TMPDIR/rootfs/etc/passwd" "$BATS_TEST_TMPDIR/rootfs/etc/group"
	mkfifo "$BATS_TEST_TMPDIR/rootfs/etc/passwd"
	truncate -s 1G "$BATS_TEST_TMPDIR/rootfs/etc/group"
	tar -C "$BATS_TEST_TMPDIR/rootfs" -S -cf "$BATS_TEST_TMPDIR/odd.tar" .
	mybox import "$BATS_TEST_TMPDIR/odd.tar" odd
	run timeout 20 "${box[@]}" run --rm -u someone odd true
	[ "$status" != 0 ]
	[ "$status" != 124 ]
	mybox rmi odd
}

@test "system calls: denied, unknown, allowed" {
	build_try
	local opts=()
	[ "$(try 165 0 0 0 0)" = EPERM ]         # mount
	[ "$(try 272 0x10000000)" = EPERM ]      # unshare(NEWUSER)
	[ "$(try 169 0 0 0)" = EPERM ]           # reboot
	[ "$(try 250 0)" = EPERM ]               # keyctl
	[ "$(try 248 0)" = EPERM ]               # add_key
	[ "$(try 425 1 0)" = EPERM ]             # io_uring_setup
	[ "$(try 323 0)" = EPERM ]               # userfaultfd
	[ "$(try 321 0)" = EPERM ]               # bpf
	[ "$(try 41 38 5 0)" != OK ]             # socket(AF_ALG)
	[ "$(try 41 40 1 0)" != OK ]             # socket(AF_VSOCK)
	[ "$(try 41 2 1 0)" = OK ]               # socket(AF_INET)
	[ "$(try 56 0x10000011 0)" = EPERM ]     # clone(NEWUSER)
	[ "$(try 435 0 0)" = ENOSYS ]            # clone3
	[ "$(try 135 0x40000)" = EPERM ]         # personality(ADDR_NO_RANDOMIZE)
	[ "$(try 135 0xffffffff)" = OK ]         # personality(query)
	[ "$(try 39)" = OK ]                     # getpid
	[ "$(try 9999)" = ENOSYS ]
	[ "$(try 0x40000027)" = ENOSYS ] || [ "$(try 0x40000027)" = EPERM ] # x32
	opts=(--security-opt seccomp=unconfined)
	[ "$(try 250 0)" != EPERM ] # keyctl
	[ "$(try 41 38 5 0)" != EPERM ]
	opts=(--privileged)
	[ "$(try 135 0x40000)" = OK ]
	opts=(--cap-add SYS_ADMIN)
	[ "$(try 272 0x04000000)" = OK ] # unshare(NEWUTS)
}

@test "a profile of the user's is followed" {
	build_try
	local opts=(--security-opt "seccomp=$BATS_TEST_TMPDIR/profile.json")
	cat >"$BATS_TEST_TMPDIR/profile.json" <<-'J'
		{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["sysinfo"],"action":"SCMP_ACT_ERRNO","errnoRet":42}]}
	J
	[ "$(try 99 0)" = ENOMSG ]
	echo '{"defaultAction":"nonsense"}' >"$BATS_TEST_TMPDIR/profile.json"
	run try 99 0
	[ "$status" = 125 ]
	opts=(--security-opt "seccomp=/nonexistent")
	run try 99 0
	[ "$status" = 125 ]
}

# A profile without capset(2): what exec does with capabilities goes before the filter.
@test "exec under a profile of the user's: filtered before a neighbour may trace it" {
	cat >"$BATS_TEST_TMPDIR/profile.json" <<-'J'
		{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["capset"],"action":"SCMP_ACT_ERRNO","errnoRet":42}]}
	J
	mybox run -d --name target --security-opt "seccomp=$BATS_TEST_TMPDIR/profile.json" deb sleep 1000
	mybox run -d --name mate --pid container:target deb sleep 1000
	run -0 mybox exec target true
	mybox run -d --name tracer --cap-add SYS_PTRACE --pid container:target deb sleep 1000
	run -1 mybox exec target true
	[ "${#lines[@]}" = 1 ]
	[[ $output == *capabilities*"No message"* ]]
	# Where it is the other's: there it was made before.
	run -0 mybox exec tracer true
	mybox rm -f tracer
	run -0 mybox exec target true
	mybox run -d --name own --cap-add SYS_PTRACE --security-opt "seccomp=$BATS_TEST_TMPDIR/profile.json" deb sleep 1000
	run -1 mybox exec own true
	[[ $output == *capabilities*"No message"* ]]
}

@test "masked and read-only paths" {
	local path
	for path in /proc/kcore /proc/keys /proc/timer_list; do
		[ -e "$path" ] || continue
		[ -z "$(mybox run --rm deb sh -c "cat $path 2>/dev/null | head -c 10")" ]
	done
	for path in /proc/acpi /proc/scsi /sys/firmware; do
		[ -e "$path" ] || continue
		[ -z "$(mybox run --rm deb ls "$path")" ]
	done
	for path in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/default_smp_affinity /sys/kernel/profiling; do
		[ -e "$path" ] || continue
		run mybox run --rm deb sh -c "echo x >$path"
		[ "$status" != 0 ]
	done
	[ -n "$(mybox run --rm --security-opt systempaths=unconfined deb sh -c 'grep " /proc" /proc/mounts')" ]
	[ "$(mybox run --rm --security-opt systempaths=unconfined deb sh -c 'grep -c " /proc/" /proc/mounts')" = 0 ]
	[ "$(mybox run --rm deb sh -c 'grep -c " /proc/" /proc/mounts')" -ge 5 ]
}

# bats test_tags=cgroup
@test "cgroupfs is read-only, and ours is its root" {
	run mybox run --rm deb sh -c 'mkdir /sys/fs/cgroup/x || touch /sys/fs/cgroup/*/x'
	[ "$status" != 0 ]
	run mybox run --rm deb cat /proc/self/cgroup
	[[ $output != *mybox* ]]
}

# bats test_tags=cgroup
@test "devices: docker's set, nothing of the host's" {
	local core=
	[ ! -e /proc/kcore ] || core="core "
	[ "$(mybox run --rm deb sh -c 'cd /dev; echo $(ls | sort)')" = "${core}fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero" ]
	[ "$(mybox run --rm deb sh -c 'echo x >/dev/null; head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c' | tr '\n' ' ')" = "3 3 " ]
	# A node of one's own making leads nowhere.
	run mybox run --rm deb sh -c 'mknod /fuse c 10 229 && exec 3<>/fuse'
	[ "$status" != 0 ]
	[[ $output == *"Operation not permitted"* ]]
	run mybox run --rm deb sh -c 'mknod /n c 1 3 && echo x >/n && echo fine'
	[ "$output" = fine ]
}

# bats test_tags=cgroup
@test "--device and --device-cgroup-rule" {
	[ -e /dev/loop-control ] || [ -e /dev/fuse ] || skip "no device to hand over"
	local dev=/dev/fuse
	[ -e $dev ] || dev=/dev/loop-control
	mybox run --rm --device $dev deb sh -c "test -c $dev && exec 3<>$dev"
	mybox run --rm --device $dev:/dev/mine deb test -c /dev/mine
	run mybox run --rm --device $dev:/dev/mine:r deb sh -c 'exec 3<>/dev/mine'
	[ "$status" != 0 ]
	mybox run --rm --device-cgroup-rule 'c 10:* rwm' deb sh -c "mknod /mine c 10 $((0x$(stat -c %T $dev))) && exec 3<>/mine"
	run mybox run --rm --device /dev/nosuch deb true
	[ "$status" = 125 ]
	[[ $output == *"/dev/nosuch"* ]]
	run mybox run --rm --device-cgroup-rule nonsense deb true
	[ "$status" = 125 ]
}

@test "--privileged: all devices, no mask, mounts" {
	mybox run --rm --privileged deb sh -c 'mkdir /m && mount -t tmpfs none /m && test -e /dev/kmsg'
	[ "$(mybox run --rm --privileged deb sh -c 'grep -c " /proc/" /proc/mounts')" = 0 ]
	[ "$(mybox run --rm --privileged deb grep Seccomp: /proc/self/status | cut -f2)" = 0 ]
}

@test "without SYS_ADMIN there is no mount" {
	run mybox run --rm deb sh -c 'mkdir /m; mount -t tmpfs none /m'
	[ "$status" != 0 ]
}

@test "--sysctl: what belongs to the container alone" {
	[ "$(mybox run --rm --sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=1000 deb cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax | tr '\n' ' ')" = "1 1000 " ]
	local bad
	for bad in kernel.panic=1 vm.swappiness=1 net..x=1 net.ipv4.ip_forward nosuch=1; do
		run mybox run --rm --sysctl "$bad" deb true
		[ "$status" = 125 ]
	done
	run mybox run --rm --network host --sysctl net.ipv4.ip_forward=1 deb true
	[ "$status" = 125 ]
	[ "$(mybox run --rm deb cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" = 0 ]
	[ "$(mybox run --rm deb cat /proc/sys/net/ipv4/ping_group_range | tr '\t' ' ')" = "0 2147483647" ]
}

@test "namespaces: own by default, the host's or another's when asked" {
	ns() { mybox run --rm "${@:2}" deb readlink "/proc/self/ns/$1"; }
	local n
	for n in mnt pid net uts ipc cgroup; do [ "$(ns $n)" != "$(readlink "/proc/self/ns/$n")" ]; done
	[ "$(ns user)" = "$(readlink /proc/self/ns/user)" ]
	[ "$(ns pid --pid host)" = "$(readlink /proc/self/ns/pid)" ]
	[ "$(ns ipc --ipc host)" = "$(readlink /proc/self/ns/ipc)" ]
	[ "$(ns uts --uts host)" = "$(readlink /proc/self/ns/uts)" ]
	[ "$(ns cgroup --cgroupns host)" = "$(readlink /proc/self/ns/cgroup)" ]
	mybox run -d --name c1 --ipc shareable deb sleep 100
	[ "$(ns pid --pid container:c1)" = "$(mybox exec c1 readlink /proc/self/ns/pid)" ]
	[ "$(ns ipc --ipc container:c1)" = "$(mybox exec c1 readlink /proc/self/ns/ipc)" ]
	# Of one that shares with others, too, but of none that keeps its own.
	mybox run -d --name third --ipc container:c1 deb sleep 100
	[ "$(ns ipc --ipc container:third)" = "$(mybox exec c1 readlink /proc/self/ns/ipc)" ]
	local mode
	for mode in '' '--ipc private' '--ipc none'; do
		# shellcheck disable=SC2086
		mybox run -d --name own $mode deb sleep 100
		run -125 mybox run --rm --ipc container:own deb true
		[[ $output == *"can't join IPC of container "*": non-shareable IPC (hint: use IpcMode:shareable for the donor container)" ]]
		mybox rm -f own
	done
	run mybox run --rm --pid nonsense deb true
	[ "$status" = 125 ]
	run mybox run --rm --pid container:nosuch deb true
	[ "$status" = 125 ]
}

@test "rlimits are its own, not the caller's" {
	[ "$(ulimit -Sn 333; mybox run --rm deb sh -c 'ulimit -n')" != 333 ]
	[ "$(mybox run --rm --ulimit nofile=100:200 deb sh -c 'ulimit -Sn; ulimit -Hn' | tr '\n' ' ')" = "100 200 " ]
	[ "$(mybox run --rm --ulimit core=0 deb sh -c 'ulimit -c')" = 0 ]
	local bad
	for bad in nosuch=1 nofile nofile=x nofile=200:100 nofile=1:2:3 =1; do
		run mybox run --rm --ulimit "$bad" deb true
		[ "$status" = 125 ]
	done
}

@test "umask, signals, score and directory do not leak in" {
	(
		umask 077
		trap '' PIPE INT TERM
		cd /tmp
		[ "$("${box[@]}" run --rm deb sh -c 'umask; pwd')" = "0022
/" ]
		[ "$("${box[@]}" run --rm deb grep SigIgn /proc/self/status | cut -f2)" = 0000000000000000 ]
	)
	[ "$(mybox run --rm deb cat /proc/self/oom_score_adj)" = 0 ]
	[ "$(mybox run --rm --oom-score-adj 500 deb cat /proc/self/oom_score_adj)" = 500 ]
	[ "$(mybox run --rm deb sh -c 'cat /proc/self/personality 2>/dev/null || echo 00000000')" = 00000000 ]
}

@test "WORKDIR through leaked descriptors leads nowhere" {
	local n
	for n in 3 4 5 6 7 8 9 10; do
		run mybox run --rm -w "/proc/self/fd/$n" deb ls
		[ "$status" != 0 ]
		run mybox run --rm -w "/proc/self/fd/$n/../../.." deb ls /work
		[[ $output != *main* ]]
	done
}

@test "the program cannot be overwritten by what it runs" {
	local before
	before=$(sha256sum "$MYBOX")
	mkdir "$BATS_TEST_TMPDIR/rootfs"
	tar -C "$BATS_TEST_TMPDIR/rootfs" -xf "$images/rootfs.tar"
	printf '#!/proc/self/exe\n' >"$BATS_TEST_TMPDIR/rootfs/bad"
	chmod 755 "$BATS_TEST_TMPDIR/rootfs/bad"
	tar -C "$BATS_TEST_TMPDIR/rootfs" -cf "$BATS_TEST_TMPDIR/bad.tar" .
	mybox import "$BATS_TEST_TMPDIR/bad.tar" bad
	run mybox run --rm bad /bad
	[ "$status" != 0 ]
	mybox run -d --name c1 --cap-add SYS_PTRACE bad sh -c 'while :; do for p in /proc/[0-9]*; do (echo x >$p/exe) 2>/dev/null && echo WROTE; done; done'
	local i
	for i in 1 2 3 4 5 6; do mybox exec c1 true || true; done
	[ -z "$(mybox logs c1 2>/dev/null)" ]
	[ "$(sha256sum "$MYBOX")" = "$before" ]
	mybox rm -f c1
	mybox rmi bad
}

@test "images with a hostile /dev, /proc or /etc do no harm" {
	local before i=0 where
	before=$(ls -la --time-style=full-iso /dev /etc | md5sum)
	for where in dev proc sys etc tmp; do
		mkdir "$BATS_TEST_TMPDIR/rootfs$i"
		tar -C "$BATS_TEST_TMPDIR/rootfs$i" -xf "$images/rootfs.tar"
		rm -rf "$BATS_TEST_TMPDIR/rootfs$i/$where"
		mkdir -p "$BATS_TEST_TMPDIR/canary$i"
		ln -s "../../../../../../../..$BATS_TEST_TMPDIR/canary$i" "$BATS_TEST_TMPDIR/rootfs$i/$where"
		tar -C "$BATS_TEST_TMPDIR/rootfs$i" -cf "$BATS_TEST_TMPDIR/image.tar" .
		mybox import "$BATS_TEST_TMPDIR/image.tar" hostile:$i
		run mybox run --rm hostile:$i true
		[ -z "$(ls -A "$BATS_TEST_TMPDIR/canary$i")" ]
		mybox rmi hostile:$i
		i=$((i + 1))
	done
	[ "$(ls -la --time-style=full-iso /dev /etc | md5sum)" = "$before" ]
}

@test "no abstract socket is open, and nothing of the state is for others" {
	mybox run -d --name c1 --network host deb sleep 100
	run mybox exec c1 grep -i mybox /proc/net/unix
	[[ $output != *@* ]]
	[ "$(stat -c %a "$root")" = 700 ]
	[ "$(stat -c %a "$run")" = 700 ]
	[ -z "$(find "$root" "$run" -path "$root/layers/*/diff" -prune -o -path "*/upper" -prune -o -path '*/_data' -prune -o -perm /022 -type f -print)" ]
}

@test "as a common user one line says that root is needed" {
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$MYBOX" ps
	[ "$status" != 0 ]
	[ "${#lines[@]}" = 1 ]
	[[ $output == *root* ]]
}

@test "started in a chroot: the container's own root is all there is, for exec too" {
	local chroot=$BATS_TEST_TMPDIR/root
	mkdir "$chroot"
	in_chroot() {
		# shellcheck disable=SC2016
		unshare --mount --propagation private \
			sh -ec 'mount --rbind / "$1"; exec chroot "$@"' sh "$chroot" "${box[@]}" "$@"
	}
	[ "$(in_chroot run --rm deb cat /etc/release)" = "mybox test image" ]
	in_chroot run -d --name inside deb sleep 1000
	[ "$(in_chroot exec inside cat /etc/release)" = "mybox test image" ]
	[ "$(mybox exec inside cat /etc/release)" = "mybox test image" ]
	[ "$(mybox exec inside cat /proc/mounts)" = "$(mybox exec inside cat /proc/1/mounts)" ]
	[[ $(mybox exec inside cat /proc/mounts) != *"$chroot"* ]]
	mybox rm -f inside
}
