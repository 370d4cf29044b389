#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Images whose file systems lead the runtime elsewhere.
load helpers

setup_file() { setup_hostile; }
teardown() {
	canary_lives
	teardown_store
}

# Whatever comes of it: inside there is the real thing, or a refusal.
runs_or_refuses() {
	local image=$1
	shift
	hostile_image "$image"
	civil run --rm "$@" "$image" sh -c 'cat /proc/self/status | grep -q ^Pid && test -c /dev/null && echo fine'
	[ "${output%$'\r'}" = fine ] || [ "$status" -ge 125 ] || {
		echo "$image: $status $output"
		return 1
	}
	canary_lives || {
		echo "$image changed the canary"
		return 1
	}
}

@test "the places of mounts are links to the outside" {
	for where in dev proc sys etc run tmp; do
		runs_or_refuses "$where-abs"
		runs_or_refuses "$where-up"
	done
	runs_or_refuses loop
	runs_or_refuses files
}

@test "the same with a terminal, read-only, with volumes" {
	for where in dev proc etc; do
		runs_or_refuses "$where-abs" -t
		runs_or_refuses "$where-up" --read-only
		runs_or_refuses "$where-up" -v "$where-vol:/$where/below" -v /run/mybox-test/images:/dev/im
	done
}

@test "the files of the network are links" {
	runs_or_refuses etc-files
	run mybox run --rm etc-files cat /etc/hosts
	[[ "$output" == *localhost* ]]
	run mybox run --rm --hostname somewhere etc-files cat /etc/hostname
	[ "$output" = somewhere ]
}

@test "parts of /dev are links" {
	runs_or_refuses dev-parts
	runs_or_refuses dev-parts -t
	run mybox run --rm dev-parts sh -c 'cat /proc/keys /proc/timer_list | wc -c; echo x >/dev/null'
	[ "${lines[0]}" = 0 ]
	mybox run -d --name parts dev-parts sleep 1000
	civil exec -t parts tty
	[[ "$output" == /dev/pts/* ]]
}

@test "masked paths stay masked below a /dev of the attacker's" {
	mkdir -p "$root/../dev"
	ln -sfn /proc/sys/kernel/core_pattern "$root/../dev/null"
	civil run --rm -v "$root/../dev:/dev" deb sh -c 'cat /proc/keys | wc -c'
	[ "$status" = 125 ] || [ "$output" = 0 ]
	# shellcheck disable=SC2016
	run mybox run --rm deb sh -c 'exec 2>/dev/null; for f in kcore keys timer_list; do cat /proc/$f; done
		ls -A /proc/scsi /proc/acpi /sys/firmware | grep -v :
		(echo h >/proc/sysrq-trigger) && echo "sysrq can be written"; echo end'
	[ "$(echo "$output" | grep -v "^$")" = end ]
}

@test "working directories through descriptors" {
	for i in $(seq 0 20); do
		hostile_image "workdir-$i"
		# The descriptors of bash's own that are open here belong to this test as well.
		civil run --rm "workdir-$i" pwd
		[ "$status" != 0 ] || [[ "$output" != *run/mybox* ]]
		civil run --rm "workdir-$i" sh -c 'ls -d ./../../../../../../../run/mybox-test 2>/dev/null; cat ../../../../../../../run/mybox-test/canary/console 2>/dev/null'
		[[ "$output" != *canary* ]]
		mybox rmi "workdir-$i" >/dev/null
	done
	for i in 3 5 7 9; do
		civil run --rm -w "/proc/self/fd/$i/../../.." deb sh -c 'ls -d run/mybox-test'
		[ "$status" != 0 ]
	done
	mybox run -d --name wd deb sleep 1000
	for i in $(seq 0 20); do
		civil exec -w "/proc/self/fd/$i" wd sh -c 'ls -d ../../../../../../run/mybox-test'
		[ "$status" != 0 ]
	done
}

@test "working directories through links" {
	runs_or_refuses workdir-link
	runs_or_refuses workdir-out
}

@test "volumes of the image lead elsewhere" {
	hostile_image volume
	civil run --rm volume sh -c 'touch /data/x /data/below/x; echo fine'
	for i in $(seq 0 9); do
		civil load -q -i "$hostile/volume-$i.tar"
		[ "$status" = 0 ] || continue
		civil run --rm "volume-$i" sh -c 'grep -q ^Pid /proc/self/status && test -d /proc/self/attr && echo fine'
		[ "$output" = fine ] || [ "$status" = 125 ]
		# /proc is procfs, whatever the image says.
		[ "$status" = 125 ] || {
			run mybox run --rm "volume-$i" sh -c 'stat -f -c %T /proc; grep -c " /proc[ /].*proc " /proc/self/mountinfo'
			[ "${lines[0]}" = proc ] || [ "${lines[0]}" = UNKNOWN ] || [[ "${lines[0]}" == 0x9fa0* ]]
		}
	done
}

@test "mount targets that are exchanged for links meanwhile" {
	mybox volume create shared
	mkdir -p "$root/volumes/shared/_data/a" "$root/../src"
	python3 "$BATS_TEST_DIRNAME/exchange.py" "$root/volumes/shared/_data" "$canary/dir" &
	racer=$!
	set +e
	end=$((SECONDS + 5)) runs=0
	while [ $SECONDS -lt $end ]; do
		timeout 20 "$MYBOX" --root "$root" --runroot "$run" run --rm -v shared:/v \
			-v "$root/../src:/v/a/bind/deep" --tmpfs /v/a/tmp -v /v/a/anonymous \
			-w /v/a/work/dir deb true >"$root/../last" 2>&1
		code=$?
		[ $code = 0 ] || [ $code = 125 ] || [ $code = 126 ] || [ $code = 127 ] || {
			echo "ended with $code: $(cat "$root/../last")"
			break
		}
		runs=$((runs + 1))
	done
	kill $racer
	wait $racer
	set -e
	echo "$runs runs"
	[ $SECONDS -ge $end ]
	[ $runs -gt 10 ]
}
