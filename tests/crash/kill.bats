#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every verb that changes something, killed at sampled system calls (matrix.py says how).
# MYBOX_CRASH_ALL=1: at every one.

matrix() {
	run python3 "$BATS_TEST_DIRNAME/matrix.py" "$@"
	echo "$output"
	[ "$status" = 0 ]
	echo "# ${lines[-1]}" >&3
}

@test "run -d, killed" { matrix "run -d"; }
@test "run --rm, killed" { matrix "run --rm"; }
@test "rm -f, killed" { matrix "rm -f"; }
@test "network create, killed" { matrix "network create"; }
@test "load, killed" { matrix load; }
@test "commit, killed" { matrix commit; }
@test "pull, killed" { matrix pull; }
@test "push, killed" { matrix push; }
@test "rmi, killed" { matrix rmi; }
@test "image prune, killed" { matrix "image prune"; }

# The others at fewer points, so that all of it stays within minutes.
few() {
	MYBOX_CRASH_POINTS=${MYBOX_CRASH_POINTS:-12} matrix "$@"
}

@test "build, killed" { few build; }
@test "build -o, killed" { few "build -o"; }
@test "create, killed" { few create; }
@test "start, killed" { few start; }
@test "stop, killed" { few stop; }
@test "exec, killed" { few exec; }
@test "network create with options, killed" { few "network create -o"; }
@test "network create on a bridge of the host, killed" { few "network create unmanaged"; }
@test "network rm, killed" { few "network rm"; }
@test "network disconnect, killed" { few "network disconnect"; }
@test "network endpoint add, killed" { few "network endpoint add"; }
@test "network endpoint rm, killed" { few "network endpoint rm"; }
@test "mybox-cni ADD, killed" { few "cni ADD"; }
@test "mybox-cni DEL, killed" { few "cni DEL"; }
@test "volume create, killed" { few "volume create"; }
@test "volume rm, killed" { few "volume rm"; }
@test "secret create, killed" { few "secret create"; }
@test "secret rm, killed" { few "secret rm"; }
@test "tag, killed" { few tag; }
@test "image mount, killed" { few "image mount"; }
@test "image unmount, killed" { few "image unmount"; }
@test "run -d with a health check, killed" { few "run -d --health-cmd"; }
@test "healthcheck run, killed" { few "healthcheck run"; }
@test "run -d below another cgroup, killed" { few "run -d --cgroup-parent"; }
# On networks that hosts share, with an etcd of the test's own.
@test "network create -d overlay, killed" { few "overlay create"; }
@test "network join, killed" { few "overlay join"; }
@test "network leave, killed" { few "overlay leave"; }
@test "network rm of a shared one, killed" { few "overlay rm"; }
@test "run -d on a shared network, killed" { few "overlay run"; }
@test "rm -f on a shared network, killed" { few "overlay rm -f"; }
@test "network policy add on a shared network, killed" { few "overlay policy add"; }
