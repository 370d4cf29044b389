#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The same bundle under runc and under mybox-oci: what a program finds, and how failures end.

load helpers

runc() { command runc --root "$dir/runc" "$@"; }

look='
echo "== status"; grep -vE "^(Name|State|Pid|PPid|Tgid|Ngid|NS|Vm|Rss|Hugetlb|Threads|voluntary|nonvol|SigQ|Mems_allowed:|untag)" /proc/self/status
echo "== mounts"; cat /proc/self/mountinfo
echo "== limits"; cat /proc/self/limits
echo "== cgroup"; cat /proc/self/cgroup
echo "== environment"; env | sort
echo "== devices"; for f in $(find /dev | sort); do stat -c "%n %A %u %g %t %T %N" $f; done
echo "== identity"; id; umask; pwd; hostname; ls /proc/self/fd | wc -l; readlink /proc/1/exe
'

both() { # both BUNDLE: run it under each, and compare
	for k in find sort hostname readlink stat; do ln -sf busybox "$1/rootfs/bin/$k"; done
	printf '%s' "$look" >"$1/rootfs/look"
	runc run --bundle "$1" $n </dev/null >"$dir/by-runc" 2>"$dir/err" || { cat "$dir/err"; return 1; }
	oci run --bundle "$1" $n </dev/null >"$dir/by-mybox"
	grep -q '== identity' "$dir/by-mybox"
	python3 "$top/tests/oci/compare.py" "$dir/by-runc" "$dir/by-mybox"
}

setup_file() {
	command -v runc >/dev/null || skip "needs runc"
}

@test "what a program finds: a plain bundle" {
	b=$(bundle b 'c["ociVersion"] = "1.0.2"' 'p["args"] = ["sh", "/look"]' 'p["noNewPrivileges"] = False')
	both "$b"
}

@test "what a program finds: a user with groups, capabilities, limits, devices, mounts" {
	b=$(bundle b 'c["ociVersion"] = "1.0.2"' 'p["args"] = ["sh", "/look"]' \
		'p["user"] = {"uid": 7, "gid": 8, "additionalGids": [9], "umask": 0o77}' \
		'p["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 50, "hard": 60}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]' \
		'p["oomScoreAdj"] = 77; p["cwd"] = "/tmp"' \
		'[p["capabilities"].__setitem__(k, ["CAP_KILL", "CAP_CHOWN"]) for k in ("bounding", "permitted", "effective", "inheritable", "ambient")]' \
		'l["devices"] = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 3, "gid": 4}]' \
		'c["mounts"].append({"destination": "/mnt/t", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=1m", "mode=700"]})' \
		"c['mounts'].append({'destination': '/mnt/b', 'type': 'bind', 'source': '$dir/shared', 'options': ['rbind', 'ro', 'rprivate']})" \
		"c['mounts'].append({'destination': '/mnt/f', 'type': 'bind', 'source': '$dir/file', 'options': ['bind', 'nosuid', 'nodev']})")
	mkdir "$dir/shared" "$b/rootfs/mnt"
	: >"$dir/file"
	chmod 755 "$dir"
	both "$b"
}

@test "what a program finds: a seccomp profile, no_new_privs, a writable root" {
	b=$(bundle b 'c["ociVersion"] = "1.0.2"' 'p["args"] = ["sh", "/look"]' 'c["root"]["readonly"] = False' \
		'l["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [{"names": ["mkdir", "swapon"], "action": "SCMP_ACT_ERRNO"}]}')
	both "$b"
}

# fails WORDS CODE ARGS...: both fail with that code, and with these words in their error.
fails() {
	local words=$1 code=$2 who
	shift 2
	for who in runc oci; do
		run "-$code" "$who" "$@"
		[[ $output == *"$words"* ]] || { echo "$who $*: $output"; return 1; }
	done
}

@test "how failures end" {
	b=$(bundle b 'c["ociVersion"] = "1.0.2"' 'p["args"] = ["nope"]')
	fails 'executable file not found in $PATH' 1 run --bundle "$b" $n
	config "$b" 'p["args"] = ["/etc/passwd"]'
	fails 'permission denied' 1 run --bundle "$b" $n
	config "$b" 'p["args"] = ["/no/file"]'
	fails 'no such file or directory' 1 run --bundle "$b" $n
	config "$b" 'p["args"] = ["sh", "-c", "exit 42"]'
	fails '' 42 run --bundle "$b" $n
	fails 'does not exist' 1 state $n
	fails 'does not exist' 1 kill $n
	fails 'does not exist' 1 delete $n
	fails '' 0 delete --force $n
	fails 'does not exist' 1 start $n
	fails 'does not exist' 1 pause $n
	fails '' 1 create --bundle "$dir/none" $n
	fails '' 1 create --bundle "$b" 'a/b'
	config "$b" 'p["args"] = ["sleep", "1000"]'
	runc run -d --bundle "$b" $n </dev/null >/dev/null 2>&1 3>&-
	oci run -d --bundle "$b" $n </dev/null >/dev/null 2>&1 3>&-
	fails 'ID already exists' 1 create --bundle "$b" $n
	fails 'that is not stopped: running' 1 delete $n
	fails 'cannot start an already running container' 1 start $n
	fails 'exec failed' 255 exec $n nope
	fails '' 9 exec $n sh -c 'exit 9'
	fails '' 137 exec $n sh -c 'kill -9 $$'
	fails '' 0 kill $n KILL
	wait_until is_status $n stopped
	fails 'container not running' 1 kill $n KILL
	fails '' 0 delete $n
}
