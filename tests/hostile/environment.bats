#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a caller leaves lying around: variables, descriptors, masks, limits, signals.
load helpers

setup_file() { setup_hostile; }
teardown() {
	canary_lives
	teardown_store
}

# in_world PYTHON... -- VERB...: mybox after these lines of Python have changed the world.
in_world() {
	local code=$1
	shift
	status=0
	output=$(timeout 20 python3 -c "
import ctypes, os, resource, signal, sys
$code
os.execv(os.environ['MYBOX'], [os.environ['MYBOX'], '--root', os.environ['root'], '--runroot', os.environ['run']] + sys.argv[1:])
" "$@" 2>&1) || status=$?
}

@test "programs and libraries that the environment offers" {
	mkdir -p "$root/../evil"
	for n in nft ip mount umount modprobe gzip zstd tar sh newuidmap iptables; do
		printf '#!/bin/sh\ntouch %s/evil-ran\n' "$canary" >"$root/../evil/$n"
		chmod 755 "$root/../evil/$n"
	done
	PATH=$root/../evil LD_LIBRARY_PATH=$root/../evil HOME=$root/../evil TMPDIR=$root/../evil \
		IFS=x BASH_ENV=$root/../evil/sh ENV=$root/../evil/sh LC_ALL=xx_YY GCONV_PATH=$root/../evil \
		"$MYBOX" --root "$root" --runroot "$run" load -q -i "$images/docker.tar.gz"
	PATH=$root/../evil LD_AUDIT= MALLOC_PERTURB_=99 RES_OPTIONS=x LOCALDOMAIN=x TZ=/etc/shadow \
		"$MYBOX" --root "$root" --runroot "$run" run -d --name world -p 18080:80 deb sleep 1000
	civil exec world env
	[[ "$output" != *evil* ]]
	for p in /proc/[0-9]*; do
		[ "$(cat "$p/comm" 2>/dev/null)" = mybox-monitor ] || continue
		if tr '\0' '\n' <"$p/environ" 2>/dev/null | grep -q evil; then false; fi
	done
	[ ! -e "$canary/evil-ran" ]
}

@test "an empty environment, an empty argument list" {
	env -i "$MYBOX" --root "$root" --runroot "$run" run --rm deb true
	status=0
	python3 -c "
import ctypes, os
libc = ctypes.CDLL(None)
libc.execve(os.environ['MYBOX'].encode(), (ctypes.c_char_p * 1)(None), (ctypes.c_char_p * 1)(None))" ||
		status=$?
	[ "$status" -lt 128 ]
}

@test "closed standard descriptors" {
	for closed in '0<&-' '1>&-' '2>&-' '0<&- 1>&-' '0<&- 1>&- 2>&-' '1>&- 2>&-'; do
		for verb in "ps -a" "run --rm deb true" "run --rm deb echo to-nowhere" "network ls" \
			"run -d deb true" "volume create vol" "load -i $images/layers7.tar"; do
			status=0
			# shellcheck disable=SC2086
			eval timeout 20 '"$MYBOX" --root "$root" --runroot "$run"' $verb $closed >/dev/null 2>&1 ||
				status=$?
			[ "$status" -le 125 ] || {
				echo "$verb $closed: $status"
				return 1
			}
		done
	done
	civil ps -a
	ids=$(mybox ps -aq)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || mybox rm -f $ids
	# Nothing was written where a descriptor was taken for another.
	if grep -rl to-nowhere "$root" "$run" --include=*.json; then false; fi
	mybox system check --full
	for f in 0 1 2; do
		status=0
		eval timeout 20 '"$MYBOX" --root "$root" --runroot "$run"' run --rm deb \
			sh -c "'exit 7'" "$f>&-" || status=$?
		[ "$status" = 7 ]
	done
}

@test "any file mode creation mask" {
	for mask in 000 777 077; do
		in_world "os.umask(0o$mask)" run -d --name "mask$mask" -v "vol$mask:/v" deb sleep 1000
		[ "$status" = 0 ]
		in_world "os.umask(0o$mask)" network create "net$mask"
		[ "$status" = 0 ]
		civil exec "mask$mask" sh -c 'umask; stat -c %a / /v /etc/hosts'
		[ "${lines[0]}" = 0022 ]
		[ "${lines[1]} ${lines[2]} ${lines[3]}" = "755 755 644" ]
		mybox restart -t 0 "mask$mask"
	done
	# Nothing of the state may be written by others, nor read unless a container shows it.
	run find "$root" "$run" -not -type l -perm /022 -not -path '*/upper/*' -not -path '*/diff/*' \
		-not -path '*/layers/*' -not -path '*/_data/*'
	[ -z "$output" ] || {
		echo "$output"
		return 1
	}
	[ "$(stat -c %a "$root" "$run" "$root/containers" "$root/volumes" "$run/c" | sort -u)" = 700 ]
}

@test "signals that are ignored or blocked" {
	for s in SIGCHLD SIGPIPE SIGTERM SIGHUP SIGUSR1; do
		in_world "signal.signal(signal.$s, signal.SIG_IGN)" run --rm deb sh -c 'exit 3'
		[ "$status" = 3 ] || {
			echo "$s ignored: $status $output"
			return 1
		}
	done
	in_world "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))" run --rm deb sh -c 'exit 4'
	[ "$status" = 4 ]
	in_world "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); signal.signal(signal.SIGCHLD, signal.SIG_IGN)" \
		run -d --name quiet deb sleep 1000
	[ "$status" = 0 ]
	run mybox exec quiet grep -E 'SigBlk|SigIgn' /proc/1/status
	for l in "${lines[@]}"; do [[ "$l" == *0000000000000000 ]] || [[ "$l" == *0000000000010000 ]]; done
	mybox stop -t 0 quiet
	in_world "signal.signal(signal.SIGCHLD, signal.SIG_IGN)" start quiet
	[ "$status" = 0 ]
	in_world "signal.signal(signal.SIGCHLD, signal.SIG_IGN)" exec quiet sh -c 'exit 5'
	[ "$status" = 5 ]
	in_world "signal.signal(signal.SIGCHLD, signal.SIG_IGN)" load -q -i "$images/layers7.tar"
	[ "$status" = 0 ]
}

@test "small limits fail in a civil way" {
	for limit in "FSIZE, (0, 0)" "FSIZE, (100, 100)" "NOFILE, (3, 3)" "NOFILE, (8, 8)" \
		"NOFILE, (14, 14)" "NOFILE, (24, 24)" "STACK, (65536, 65536)" "NPROC, (1, 1)" "CORE, (0, 0)" \
		"MEMLOCK, (0, 0)"; do
		for verb in "run --rm deb true" "run -d deb sleep 1000" "network create limited" \
			"volume create limited" "load -q -i $images/layers7.tar" "ps -a" "create deb true"; do
			# shellcheck disable=SC2086
			in_world "resource.setrlimit(resource.RLIMIT_$limit)" $verb
			[ "$status" -lt 128 ] && [ "$status" != 124 ] || {
				# The dynamic loader of a build with sanitizers needs some of it itself.
				[[ $output == *"error while loading"* || $output == *Sanitizer* || $status = 127 ]] || {
					echo "$limit: $verb: $status $output"
					return 1
				}
			}
		done
		ids=$(mybox ps -aq)
		# shellcheck disable=SC2086
		[ -z "$ids" ] || mybox rm -f $ids >/dev/null
		mybox network rm limited >/dev/null 2>&1 || true
		mybox volume rm limited >/dev/null 2>&1 || true
		mybox rmi layers7 >/dev/null 2>&1 || true
		mybox system check --repair || [ $? = 1 ]
		mybox system check
		mybox image exists deb
	done
}

# What cannot be read for want of a descriptor is not taken for something that is not there.
@test "a load that runs out of descriptors leaves the layers of others" {
	for ((n = 10; n < 48; n++)); do
		in_world "resource.setrlimit(resource.RLIMIT_NOFILE, ($n, $n))" load -q -i "$images/layers7.tar"
		[ "$status" -lt 128 ]
		mybox rmi layers7 >/dev/null 2>&1 || true
		mybox run --rm deb true || {
			echo "$n descriptors: $output"
			return 1
		}
	done
	mybox system check --repair || [ $? = 1 ]
	mybox image exists deb
}

# What a terminal shows must not be able to command it.
on_terminal() {
	output=$(script -qec "$(printf '%q ' "$MYBOX" --root "$root" --runroot "$run" "$@")" /dev/null </dev/null || true)
	[[ "$output" != *$'\e]'* && "$output" != *$'\e[31'* && "$output" != *$'\a'* &&
		"$output" != *$'\x9b'* && "$output" != *$'\xe2\x80\xae'* ]] || {
		echo "$*: $output" | od -c | head -20
		return 1
	}
}

@test "escape sequences of others on a terminal" {
	command -v script >/dev/null || skip "needs script"
	evil=$'\e]0;title\a\e[31mred\xe2\x80\xaertl\x9b31m'
	civil create --name escapes -l "label=$evil" -e "V=$evil" -h host deb echo "$evil"
	on_terminal ps -a
	on_terminal ps -a --no-trunc --format '{{.Command}} {{.Labels}} {{.Names}}'
	on_terminal inspect -f '{{.Config.Cmd}} {{.Config.Labels}} {{.Config.Env}}' escapes
	on_terminal inspect escapes
	on_terminal run "$evil"
	on_terminal run --name "$evil" deb
	on_terminal rm "$evil"
	on_terminal network create "$evil"
	on_terminal volume create "$evil"
	on_terminal "$evil"
	on_terminal "--$evil"
	on_terminal run --rm deb "$evil"
	on_terminal exec escapes "$evil"
	on_terminal load -i "/$evil"
	on_terminal tag deb "$evil"
	on_terminal run --rm -u "$evil" deb true
	on_terminal run --rm -w "$evil" deb true
	on_terminal run --rm -v "/x$evil:$evil" deb true
	on_terminal logs "$evil"
	mybox run -d --name busy deb sh -c "exec sleep 1000 '$evil'"
	on_terminal top busy
}
