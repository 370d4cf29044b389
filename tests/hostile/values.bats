#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Values around 64 KiB and longer, on their way through every message that mybox sends itself:
# each arrives whole or is refused, and steers nothing else.
load helpers

setup_file() { setup_hostile; }
teardown() {
	canary_lives
	teardown_store
}

long() { head -c "$1" /dev/zero | tr '\0' "${2:-x}"; }

@test "values of 65535, 65536 and 65537 bytes" {
	local n v caps
	caps=$(mybox run --rm deb grep Cap /proc/self/status)
	for n in 4095 4096 65535 65536 65537 131071; do
		v=$(long $n)
		if [ $((n + 3)) -le 131071 ]; then
			civil run --rm -e "V=$v" deb sh -c 'echo ${#V}; grep Cap /proc/self/status'
			[ "$output" = "$n
$caps" ]
		fi
		civil run --rm deb sh -c 'echo ${#1}; grep Cap /proc/self/status' sh "$v"
		[ "$output" = "$n
$caps" ] || [[ "$output" == *"too long"* ]]
		for how in "--label l" "--annotation a" "-e E"; do
			# shellcheck disable=SC2086
			civil create --name long $how="${v:0:131000}" deb true
			civil start -a long
			[ "$status" = 0 ]
			civil rm -f long
		done
		# No such name, path, user or option is that long.
		for how in "--name" "-h" "-w" "-u" "--tmpfs" "--network" "--cgroup-parent" "--sysctl net.ipv4.x" "--device" \
			"--security-opt seccomp" "--cap-add" "--group-add" "--ip" "-p" "--entrypoint" "--pid" "--ipc"; do
			case $how in
			*\ *) set -- ${how%% *} "${how#* }=$v" ;;
			*) set -- "$how" "/$v" ;;
			esac
			civil run --rm "$@" deb true
			[ "$status" -ge 125 ] || [ "$1 $n" = "--tmpfs 4095" ] || {
				echo "$how with $n bytes: $status ${output:0:200}"
				return 1
			}
			[ "${#output}" -le $((n + 2000)) ]
		done
		civil run --rm -v "/nonexistent/${v:0:130000}:/m" deb true
		[ "$status" = 125 ]
		civil run --rm -v "/run:/${v:0:130000}" deb true
		[ "$status" = 125 ]
	done
}

@test "many values" {
	local many=() i
	for i in $(seq 2000); do many+=(-e "V$i=$i" --label "l$i=$i"); done
	civil run --rm "${many[@]}" deb sh -c 'env | grep -c ^V; grep CapEff /proc/self/status'
	[ "${lines[0]}" = 2000 ]
	[[ "${lines[1]}" == *00000000a80425fb ]]
	many=()
	for i in $(seq 200); do many+=(-v "/run/mybox-test/images:/m/$i:ro"); done
	civil run --rm "${many[@]}" deb sh -c 'grep -c " /m/" /proc/self/mountinfo; grep CapEff /proc/self/status'
	[ "${lines[0]}" = 200 ]
	[[ "${lines[1]}" == *00000000a80425fb ]]
}

@test "values with bytes that separate" {
	local v
	for v in $'a\nb' $'a\tb' 'a,b' 'a:b' 'a=b' 'a;b' 'a"b' "a'b" 'a\b' 'a b' $'a\x01b' '$(id)' '`id`' '{{.Id}}' \
		'%s%n%s' '","privileged":true,"x":"'; do
		civil run --rm -e "V=$v" --label "l=$v" --annotation "a=$v" deb sh -c 'printf "%s|" "$V"; grep CapEff /proc/self/status'
		[ "$status" = 125 ] || [[ "$output" == "$v|"*00000000a80425fb ]] || {
			printf '%q: %q\n' "$v" "$output"
			return 1
		}
		civil run --rm deb sh -c 'printf "%s|" "$1"' sh "$v"
		[ "$output" = "$v|" ]
	done
}
