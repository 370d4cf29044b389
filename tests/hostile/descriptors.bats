#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing of the host's is open in a container, and nobody in one gets at the executable.
load helpers

setup_file() { setup_hostile; }
teardown() {
	canary_lives
	teardown_store
}

@test "the caller's descriptors do not reach a container" {
	run bash -c 'canary='"$canary"'; for fd in $(seq 3 50); do eval "exec $fd<$canary/console"; done
		exec "$MYBOX" --root "$root" --runroot "$run" run --rm deb sh -c "ls /proc/\$\$/fd; ls -l /proc/1/fd"'
	[ "$status" = 0 ]
	[[ "$output" != *canary* && "$output" != *run/mybox* ]]
	mybox run -d --name fds deb sleep 1000
	run bash -c 'canary='"$canary"'; for fd in $(seq 3 50); do eval "exec $fd<$canary/console"; done
		exec "$MYBOX" --root "$root" --runroot "$run" exec fds sh -c "ls -l /proc/\$\$/fd; ls -l /proc/1/fd"'
	[ "$status" = 0 ]
	[[ "$output" != *canary* && "$output" != *run/mybox* ]]
	[ "$(echo "$output" | grep -c -- '->')" = 6 ]
}

@test "a detached container holds none of them either" {
	bash -c 'canary='"$canary"'; for fd in $(seq 3 50); do eval "exec $fd<$canary/tty"; done
		exec "$MYBOX" --root "$root" --runroot "$run" run -d --name held deb sleep 1000'
	pid=$(mybox inspect -f '{{.State.Pid}}' held)
	[ -z "$(find "/proc/$pid/fd" -lname "$canary/*")" ]
	[ "$(find "/proc/$pid/fd" -mindepth 1 | wc -l)" = 3 ]
	for p in /proc/[0-9]*; do
		[ "$(cat "$p/comm" 2>/dev/null)" = mybox-monitor ] || continue
		[ -z "$(find "$p/fd" -lname "$canary/*" 2>/dev/null)" ]
	done
}

# By way of /proc/self/fd a descriptor is as good as what it leads to.
@test "files and terminals of the caller's are not handed over" {
	local file="$root/../file" how
	mybox run -d --name files deb sleep 1000
	for how in "run --rm -i deb" "exec -i files" "exec -i --privileged files" "run --rm -i --privileged deb"; do
		echo of the caller >"$file"
		: >"$file.out"
		: >"$file.err"
		# shellcheck disable=SC2086
		mybox $how sh -c 'cat; for fd in 0 1 2; do readlink /proc/self/fd/$fd; echo written 2>/dev/null >>/proc/self/fd/0
			stat -L -c %F /proc/self/fd/$fd; done; echo end >&2' <"$file" >"$file.out" 2>"$file.err"
		[ "$(cat "$file")" = "of the caller" ]
		[ "$(head -1 "$file.out")" = "of the caller" ]
		[ "$(grep -c fifo "$file.out")" = 3 ]
		if grep -q mybox-test "$file.out"; then false; fi
		grep -q end "$file.err"
		output=$(printf 'x%.0s' $(seq 100000) | mybox $how cat | wc -c)
		[ "$output" = 100000 ]
		# More than any pipe holds, both ways at a time.
		head -c 3000000 /dev/zero >"$file"
		# shellcheck disable=SC2086
		mybox $how cat <"$file" >"$file.out"
		[ "$(stat -c %s "$file.out")" = 3000000 ]
	done
	command -v script >/dev/null || skip "needs script"
	for how in "run --rm deb" "exec files" "exec -i files" "run --rm -i deb"; do
		output=$(timeout 60 script -qec "'$MYBOX' --root '$root' --runroot '$run' $how sh -c 'for f in 0 1 2; do readlink /proc/self/fd/\$f; done; true'" \
			/dev/null </dev/null)
		[[ "$output" == *pipe:* && "$output" != */dev/pts/* ]] || {
			echo "$how: $output"
			return 1
		}
	done
}

@test "an entrypoint that is the executable itself" {
	hostile_image self-exe
	civil run --rm self-exe
	[ "$status" != 0 ]
	civil run --rm --entrypoint /link self-exe version
	[ "$status" != 0 ]
	civil run --rm --entrypoint /proc/self/exe self-exe version
	[ "$status" != 0 ] || [[ "$output" != *ersion* ]]
	mybox run -d --name self --entrypoint sleep self-exe 1000
	civil exec self /entry
	civil exec self /link version
	civil exec --privileged self /proc/self/exe version
}

# Everybody that shows up in the container is written to and looked into, as fast as can be.
shell_attack='
trap "" TERM
while :; do
	for p in /proc/[0-9]*; do
		[ "$p" = "/proc/$$" ] && continue
		for way in "$p/exe" "$p/root/proc/self/exe" "$p/fd/3" "$p/fd/4" "$p/fd/5" "$p/cwd/x"; do
			{ echo written >>"$way"; } 2>/dev/null && case $(readlink "$way") in
				*/busybox | /dev/pts/* | pipe:* | /dev/null | "") ;;
				*) echo "$way $(readlink "$way")" >>/written ;;
			esac
		done
		ls -l "$p/fd" 2>/dev/null | grep -E "mybox-test|containers|monitor.sock" >>/seen
	done
done'

attacked() { # attacked NAME EXEC-OPTIONS...
	local name=$1 i
	shift
	cd "$canary/dir" # what is written by way of cwd changes the canary
	for i in $(seq 50); do mybox exec "$@" "$name" true; done
	civil exec "$name" cat /written
	echo "$output"
	[ "$status" != 0 ]
	run mybox exec "$name" cat /seen
	[ -z "$output" ]
}

@test "writers at everybody's executable during 50 execs" {
	mybox run -d --name attacker deb sh -c "$shell_attack"
	attacked attacker
}

@test "the same with all privileges" {
	mybox run -d --name attacker --privileged --cap-add ALL --security-opt seccomp=unconfined deb \
		sh -c "$shell_attack"
	attacked attacker --privileged
}

@test "starts beside an attacker in the same pid namespace" {
	# The directory of who starts is the host's until it has a root of its own, and who is privileged
	# has the host already: by that way it would only leave files on the machine.
	local attack=${shell_attack/ \"\$p\/cwd\/x\"/}
	[ "$attack" != "$shell_attack" ]
	mybox run -d --name attacker --privileged deb sh -c "$attack"
	cd "$root/.."
	for i in $(seq 10); do mybox run --rm --pid container:attacker deb true; done
	canary_lives
}
