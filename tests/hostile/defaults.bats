#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What `mybox run IMAGE` and `mybox exec` give a program: each list literally.
load helpers

setup_file() { setup_hostile; }
teardown() {
	canary_lives
	teardown_store
}

# same WANT HAVE: with the difference when they are not.
same() {
	[ "$1" = "$2" ] || {
		diff <(echo "$1") <(echo "$2")
		return 1
	}
}

# both COMMAND...: what it says in a new container and in one that runs, which must be the same;
# in $output.
both() {
	local joined
	mybox run -d --name both "${with_attack[@]}" deb sleep 1000 >/dev/null
	output=$(mybox run --rm "${with_attack[@]}" deb "$@" 2>/dev/null || true)
	joined=$(mybox exec both "$@" 2>/dev/null || true)
	mybox rm -f both >/dev/null
	same "$output" "$joined"
}

status_field() { grep -E "^($1):" <<<"$output" | tr -s '\t' ' '; }

@test "capabilities, no_new_privs, seccomp, umask, signals" {
	both grep -E '^(Cap|Umask|NoNewPrivs|Seccomp|Sig[^Q]|TracerPid)' /proc/self/status
	same "CapInh: 0000000000000000
CapPrm: 00000000a80425fb
CapEff: 00000000a80425fb
CapBnd: 00000000a80425fb
CapAmb: 0000000000000000" "$(status_field 'Cap...')"
	same "Umask: 0022" "$(status_field Umask)"
	same "NoNewPrivs: 0" "$(status_field NoNewPrivs)"
	same "Seccomp: 2
Seccomp_filters: 1" "$(status_field 'Seccomp|Seccomp_filters')"
	same "SigPnd: 0000000000000000
SigBlk: 0000000000000000
SigIgn: 0000000000000000
SigCgt: 0000000000000000" "$(status_field 'Sig(Pnd|Blk|Ign|Cgt)')"
	same "TracerPid: 0" "$(status_field TracerPid)"
}

@test "no descriptor but 0, 1 and 2" {
	both /attack fds
	same $'0\n1\n2' "$output"
	both sh -c 'readlink /proc/self/fd/0'
	same /dev/null "$output"
}

@test "the environment is the image's" {
	both sh -c 'env | grep -v -e ^HOSTNAME= -e ^SHLVL= -e ^PWD= | sort'
	same "FROM_IMAGE=yes
HOME=/root
PATH=/usr/local/bin:/bin:/usr/bin" "$output"
	TERM=evil LANG=evil http_proxy=evil SUDO_USER=evil MYBOX_X=evil LC_CTYPE=evil both sh -c 'env | grep -v ^HOSTNAME='
	[[ "$output" != *evil* ]]
	output=$(TERM=evil mybox run --rm -t deb sh -c 'env | grep TERM' | tr -d '\r')
	same TERM=xterm "$output"
}

@test "who it is: user, groups, directory, session" {
	both sh -c 'id; pwd; ps -o pid,pgid,sid 2>/dev/null | head -0; cat /proc/self/loginuid 2>/dev/null | head -0'
	same "uid=0(root) gid=0(root) groups=0(root),60(extra)
/" "$output"
	# A group of the host's that denies, and one of the image's that it must be in.
	mybox run -d --name groups deb sleep 1000
	mybox exec groups sh -c 'echo x >/denied && chown 0:50 /denied && chmod 0704 /denied'
	for how in "exec -u user groups" "exec -u 1000 groups" "exec -u 4000:50 groups"; do
		# shellcheck disable=SC2086
		civil $how cat /denied
		[ "$status" != 0 ]
		[[ "$output" == *"ermission denied"* ]]
	done
	civil exec -u 4000:4000 groups cat /denied
	[ "$status" = 0 ]
	output=$(setpriv --groups 50,777,4711 "$MYBOX" --root "$root" --runroot "$run" \
		exec -u 4000:5000 groups id -G)
	same 5000 "$output"
	output=$(setpriv --groups 50,777,4711 "$MYBOX" --root "$root" --runroot "$run" \
		run --rm -u 4000:5000 deb id -G)
	same 5000 "$output"
}

@test "limits are set, none is the caller's" {
	local usual want
	both sh -c "sed -E 's/ +/ /g' /proc/self/limits | cut -d' ' -f2- | grep -vE '^pending|^Soft'"
	usual=$output
	# The hard ones as far as this machine can give them: without CAP_SYS_RESOURCE nobody raises them.
	want=$(
		if grep -q 'CapEff:.*[13579bdf]......$' /proc/self/status; then
			ulimit -c unlimited -d unlimited -f unlimited -t unlimited -u unlimited -v unlimited -s unlimited
			ulimit -Hn 524288
		fi
		ulimit -Sn 1024 -Ss 8192 -Sc 0 2>/dev/null
		ulimit -Sd "$(ulimit -Hd)" -Sf "$(ulimit -Hf)" -St "$(ulimit -Ht)" -Su "$(ulimit -Hu)" -Sv "$(ulimit -Hv)"
		ulimit -l 8192 2>/dev/null
		ulimit -q 819200
		sed -E 's/ +/ /g' /proc/self/limits | cut -d' ' -f2- | grep -vE '^pending|^Soft'
	)
	same "$want" "$usual"
	# Whatever the caller's soft limits are.
	(
		ulimit -Ss 1024 -Sc unlimited -Sn 333 -Sl 16
		both sh -c "sed -E 's/ +/ /g' /proc/self/limits | cut -d' ' -f2- | grep -vE '^pending|^Soft'"
		same "$usual" "$output"
	)
	mybox run -d --name limited --ulimit nofile=100:200 --ulimit core=5 deb sleep 1000
	same "100 200" "$(mybox exec limited sh -c 'echo $(ulimit -Sn) $(ulimit -Hn)')"
}

@test "oom score, personality, timer slack, processors, scheduling" {
	both sh -c 'cat /proc/self/oom_score_adj /proc/self/timerslack_ns; cat /proc/self/personality 2>/dev/null || echo 00000000
		grep Cpus_allowed_list /proc/self/status'
	same "0
50000
00000000
Cpus_allowed_list:	$(cut -f2 <<<"$(grep Cpus_allowed_list /proc/1/status)")" "$output"
	output=$(echo 300 >"/proc/$BASHPID/oom_score_adj" 2>/dev/null
		mybox run -d --name scored --oom-score-adj 400 deb sleep 1000 >/dev/null
		mybox exec scored cat /proc/self/oom_score_adj)
	same 400 "$output"
}

# Where there is something at the path on this machine.
present() {
	local p
	for p; do [ ! -e "$p" ] || echo "$p"; done
}

@test "masked and read-only paths" {
	local masked readonly p
	masked=$(present /proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys \
		/proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats \
		/sys/devices/system/cpu/cpu*/thermal_throttle /sys/devices/virtual/powercap \
		/sys/firmware /sys/fs/selinux)
	readonly=$(present /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger)
	both sh -c 'cut -d" " -f5 /proc/self/mountinfo | grep -E "^/(proc|sys)/" | grep -v ^/sys/fs/cgroup | sort'
	same "$(printf '%s\n' $masked $readonly | sort)" "$output"
	for p in $masked; do
		both sh -c "if [ -d $p ]; then ls -A $p; else cat $p; fi | wc -c; { echo x >$p/x; } 2>/dev/null && echo written"
		same 0 "$(head -1 <<<"$output")"
		[[ "$output" != *written* ]]
	done
	for p in $readonly; do
		both sh -c "grep ' $p ' /proc/self/mountinfo | cut -d' ' -f6"
		[[ "$output" == ro,* ]]
	done
	both sh -c '(echo x >/proc/sys/kernel/hostname) 2>&1; (echo x >/proc/sys/kernel/core_pattern) 2>&1; (echo h >/proc/sysrq-trigger) 2>&1'
	[[ "$output" != *written* ]]
	same 0 "$(grep -vc -e 'Read-only file system' -e 'nonexistent directory' -e 'ermission denied' <<<"$output")"
}

@test "mounts and their flags" {
	both sh -c 'sed -E "s/^[^ ]+ [^ ]+ [^ ]+ [^ ]+ ([^ ]+) ([^ ]+) ([^-]*)- ([^ ]+) .*/\1 \2 \3\4/" /proc/self/mountinfo |
		grep -vE "^/(proc|sys)/|^/attack" | sort'
	same "/ rw,relatime overlay
/dev rw,nosuid tmpfs
/dev/mqueue rw,nosuid,nodev,noexec,relatime mqueue
/dev/pts rw,nosuid,noexec,relatime devpts
/dev/shm rw,nosuid,nodev,noexec,relatime tmpfs
/etc/hostname rw,relatime tmpfs
/etc/hosts rw,relatime tmpfs
/etc/resolv.conf rw,relatime tmpfs
/proc rw,nosuid,nodev,noexec,relatime proc
/sys ro,nosuid,nodev,noexec,relatime sysfs" "$output"
	both sh -c 'grep -E " /dev(/pts|/shm)? " /proc/self/mountinfo | sed "s/.* - //" | sort'
	same "devpts devpts rw,gid=5,mode=620,ptmxmode=666
tmpfs shm rw,size=65536k
tmpfs tmpfs rw,size=65536k,mode=755" "${output//,inode64/}"
	both sh -c 'stat -c "%a %n" /dev/shm /dev/mqueue /dev /proc'
	same "1777 /dev/shm
1777 /dev/mqueue
755 /dev
555 /proc" "$output"
	# Nothing spreads to or from the host's mounts.
	both sh -c 'grep -cE "shared:|master:" /proc/self/mountinfo'
	same 0 "$output"
}

@test "control groups are read-only and private" {
	both sh -c 'grep -E " /sys/fs/cgroup[ /]" /proc/self/mountinfo | cut -d" " -f6 | sort -u; cut -d: -f3 /proc/self/cgroup | sort -u | head -1'
	same "ro,nosuid,nodev,noexec,relatime
/" "$output"
	both sh -c 'for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do
		{ mkdir $d/x || echo >$d/x || echo 1 >$d/release_agent || echo 1 >$d/cgroup.procs || echo 0 >$d/notify_on_release; } 2>/dev/null && echo "$d written"; done; echo end'
	same end "$output"
	# Nor one's own mount of them, with a user namespace for the asking.
	both sh -c 'mkdir -p /c; for t in cgroup cgroup2; do
		mount -t $t -o memory none /c 2>/dev/null && echo mounted
		unshare -U -r -m -C sh -c "mount -t $t none /c && echo mounted" 2>/dev/null; done; echo end'
	same end "$output"
}

@test "devices: nodes and links" {
	local core=
	[ ! -e /proc/kcore ] || core="core -> /proc/kcore
"
	both sh -c 'cd /dev; for f in $(ls | sort); do if [ -L $f ]; then echo "$f -> $(readlink $f)"; elif [ -c $f ]; then stat -c "%n %a %u %t:%T" $f; else echo "$f/"; fi; done'
	same "${core}fd -> /proc/self/fd
full 666 0 1:7
mqueue/
null 666 0 1:3
ptmx -> pts/ptmx
pts/
random 666 0 1:8
shm/
stderr -> /proc/self/fd/2
stdin -> /proc/self/fd/0
stdout -> /proc/self/fd/1
tty 666 0 5:0
urandom 666 0 1:9
zero 666 0 1:5" "$output"
}

@test "devices: what the control group lets through" {
	requires devices
	both sh -c 'while read -r want type major minor name; do
		have=$(/attack device $type $major $minor)
		[ "$have" = "$want" ] || echo "$name: $have, not $want"
	done <<-END
	m-- c 1 1 mem
	m-- c 1 2 kmem
	mrw c 1 3 null
	m-- c 1 4 port
	mrw c 1 5 zero
	mrw c 1 7 full
	mrw c 1 8 random
	mrw c 1 9 urandom
	m-- c 1 11 kmsg
	m-- c 4 0 tty0
	m-- c 4 64 ttyS0
	mrw c 5 0 tty
	mrw c 5 1 console
	mrw c 5 2 ptmx
	mrw c 136 0 pts
	m-- c 10 200 tun
	m-- c 10 229 fuse
	m-- c 10 232 kvm
	m-- c 10 237 loop-control
	m-- b 7 0 loop0
	m-- b 8 0 sda
	m-- b 254 0 vda
	END
	echo end'
	same end "$output"
}

@test "namespaces of its own" {
	local n
	mybox run -d --name spaces deb sleep 1000
	for n in mnt pid net uts ipc cgroup; do
		output=$(mybox exec spaces readlink "/proc/self/ns/$n")
		[ "$output" != "$(readlink "/proc/self/ns/$n")" ]
		# An exec's group is below the container's, and the root of what it sees.
		[ $n = cgroup ] || same "$output" "$(mybox exec spaces readlink "/proc/1/ns/$n")"
		[ "$output" != "$(mybox run --rm deb readlink "/proc/self/ns/$n")" ]
	done
}

@test "a session keyring of its own" {
	command -v gcc >/dev/null
	cat >"$BATS_TEST_TMPDIR/key.c" <<-'C'
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int main(int n, char **v)
		{
			char text[200] = "";
			long r;
			if (n > 1) { /* in a session of its own: leave a key, and run mybox */
				if (syscall(SYS_keyctl, 1, "callers-session") < 0 || syscall(SYS_add_key, "user", "callers-key", "secret", 6, -3) < 0)
					return puts("no keyrings"), 77;
				execv(v[1], v + 1);
			}
			syscall(SYS_keyctl, 6, -3, text, sizeof(text));
			r = syscall(SYS_keyctl, 10, -3, "user", "callers-key", 0);
			printf("%s %s\n", strrchr(text, ';') ? strrchr(text, ';') + 1 : "-", r < 0 ? "not found" : "FOUND");
		}
	C
	gcc -static -D_GNU_SOURCE -w -o "$attack.key" "$BATS_TEST_TMPDIR/key.c"
	local free=(--security-opt seccomp=unconfined) id
	run "$attack.key" "$MYBOX" --root "$root" --runroot "$run" run --rm "${free[@]}" -v "$attack.key:/key" deb /key
	[ "$status" != 77 ] || skip "no keyrings in this kernel"
	[[ "$output" == "_ses."*" not found" ]]
	id=$("$attack.key" "$MYBOX" --root "$root" --runroot "$run" run -d "${free[@]}" -v "$attack.key:/key" deb sleep 1000)
	run "$attack.key" "$MYBOX" --root "$root" --runroot "$run" exec "$id" /key
	same "_ses.$id not found" "$output"
}

@test "sockets and calls that reach deep into the kernel" {
	mybox run -d --name calls "${with_attack[@]}" deb sleep 1000
	local want args
	while read -r want args; do
		for how in "run --rm -v $attack:/attack:ro deb" "exec calls"; do
			# shellcheck disable=SC2086
			output=$(mybox $how /attack call $args)
			[ "$output" = "$want" ] || {
				echo "$how: call $args: $output, not $want"
				return 1
			}
		done
	done <<-'END'
		EPERM 41 38 5 0
		EPERM 41 40 1 0
		OK 41 2 1 0
		EPERM 425 1 0
		EPERM 250 0
		EPERM 248 0
		EPERM 321 0
		EPERM 323 0
		EPERM 165 0 0 0 0
		EPERM 272 0x10000000
		EPERM 56 0x10000011 0
		ENOSYS 435 0 0
		EPERM 135 0x40000
		ENOSYS 9999
	END
	# i386: the call itself is filtered like the 64-bit one; socketcall(2) hides its arguments in
	# memory and is allowed, as with docker.
	[ "$("$attack" call i386 20)" = OK ] || skip "this kernel runs no 32-bit programs"
	[ "$(mybox exec calls /attack call i386 359 38 5 0)" = EPERM ]
	[ "$(mybox exec calls /attack call i386 359 40 1 0)" = EPERM ]
	[ "$(mybox exec calls /attack call i386 21 0 0 0)" = EPERM ]
	[ "$(mybox exec calls /attack call i386 310 0x10000000)" = EPERM ]
}

@test "sysctls: what may be set is a list" {
	local name
	for name in net.ipv4.ip_forward=1 net.ipv4.conf.all.forwarding=1 net/ipv4/ip_forward=1 kernel.msgmax=1000 \
		kernel.msgmnb=1000 kernel.msgmni=100 "kernel.sem=100 32000 100 128" kernel.shmall=10000 kernel.shmmax=10000 \
		kernel.shmmni=100 kernel.shm_rmid_forced=1 fs.mqueue.msg_max=20 kernel.domainname=inside; do
		civil run --rm --sysctl "$name" deb true
		[ "$status" = 0 ] || [[ "$name" == net/* ]] || {
			echo "$name: $output"
			return 1
		}
	done
	for name in kernel.panic=1 kernel.core_pattern=x vm.swappiness=1 fs.file-max=1 kernel.msgevil=1 kernel.semevil=1 \
		kernel.shmevil=1 kernel.hostname=x user.max_user_namespaces=1 net=1 net.=1 nosuch=1 =1 "net.ipv4.//.//.kernel.panic=1" \
		net/../kernel/panic=1 net.../kernel.panic=1 "net.ipv4/../../kernel/panic=1" net..ipv4.ip_forward=1 \
		"net.ipv4.ip_forward=1
kernel.panic=1" /proc/sys/kernel/panic=1 kernel/panic=1 ../kernel/panic=1; do
		civil run --rm --sysctl "$name" deb true
		[ "$status" = 125 ] || {
			echo "$name was accepted"
			return 1
		}
	done
	refused_with sysctl run --rm --network host --sysctl net.ipv4.ip_forward=1 deb true
	refused_with sysctl run --rm --ipc host --sysctl kernel.msgmax=1000 deb true
	refused_with sysctl run --rm --ipc host --sysctl fs.mqueue.msg_max=20 deb true
	refused_with sysctl run --rm --uts host --sysctl kernel.domainname=x deb true
	both cat /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_unprivileged_port_start
	same "0	2147483647
0" "$output"
}

@test "security modules" {
	[ -d /sys/kernel/security/apparmor ] || [ -d /sys/fs/selinux/booleans ] ||
		skip "neither AppArmor nor SELinux on this machine"
	both cat /proc/self/attr/current
	[[ "$output" != unconfined* ]]
}
