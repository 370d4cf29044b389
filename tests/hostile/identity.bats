#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Who a process is: forms of --user, and files of users that are bombs.
load helpers

setup_file() { setup_hostile; }
teardown() {
	canary_lives
	teardown_store
}

refused() { # refused USER...: by run and by exec alike
	local u
	for u in "$@"; do
		civil run --rm -u "$u" deb id -u
		[ "$status" = 125 ] || [ "$status" = 126 ] || {
			echo "run -u '$u': $status $output"
			return 1
		}
		civil exec -u "$u" who id -u
		[ "$status" = 1 ] || [ "$status" = 126 ] || {
			echo "exec -u '$u': $status $output"
			return 1
		}
	done
}

@test "numbers that are none, or too large" {
	mybox run -d --name who deb sleep 1000
	refused 4294967295 4294967296 -1 0x0 1e3 ' 0' '+0' 99999999999999999999 18446744073709551616 \
		0:4294967295 0:4294967296 0:-1 0:0x0 1:2:3 'root ' 'roo' ':nogroup' $'0\n' 0:root:x
}

@test "numbers and names mean what they say" {
	mybox run -d --name who deb sleep 1000
	while read -r user uid gid; do
		for how in "run --rm -u $user deb" "exec -u $user who"; do
			# shellcheck disable=SC2086
			civil $how sh -c 'echo $(id -u) $(id -g)'
			[ "$output" = "$uid $gid" ] || {
				echo "$how: $output"
				return 1
			}
		done
	done <<-'END'
	0 0 0
	00 0 0
	root 0 0
	user 1000 1000
	1000 1000 1000
	777 777 0
	4294967294 4294967294 0
	0:4294967294 0 4294967294
	user:staff 1000 50
	user:50 1000 50
	5:user 5 1000
	END
	# The groups of /etc/group, and the primary one among them.
	civil exec -u user who id -G
	[ "$output" = "1000 50 60" ]
	civil exec -u 5:7 who id -G
	[ "$output" = 7 ]
	# Really among them: who changes its group later does not lose what the primary one denies.
	for how in "run --rm -u user deb" "exec -u user who"; do
		# shellcheck disable=SC2086
		civil $how grep ^Groups /proc/self/status
		[ "$(echo $output)" = "Groups: 50 60 1000" ]
	done
}

@test "a passwd whose entries mislead" {
	hostile_image passwd
	mybox run -d --name who passwd sleep 1000
	for u in over neg hex max short bin; do
		civil exec -u $u who id -u
		[ "$status" != 0 ] || {
			echo "$u is $output"
			return 1
		}
		civil run --rm -u $u passwd id -u
		[ "$status" != 0 ]
	done
	for u in blank space plus; do
		civil exec -u $u who id -u
		[ "$status" != 0 ] || [ "$output" != 0 ] || {
			echo "$u is root"
			return 1
		}
	done
	for how in "run --rm -u 0 passwd" "exec -u 0 who"; do
		# shellcheck disable=SC2086
		civil $how id -u
		[ "$output" = 0 ]
	done
	civil exec -u fine who sh -c 'id -u 2>/dev/null'
	[ "$output" = 1234 ] || {
		echo "fine: $output"
		return 1
	}
}

# bomb NAME SHELL-CODE: /etc/passwd and /etc/group become it; whoever reads them ends soon.
bomb() {
	mybox run -d --name bombed -u user deb sleep 1000
	mybox exec -u 0 bombed sh -c "for f in passwd group; do rm -rf /etc/\$f; f=/etc/\$f; $2; done"
	local how start=$EPOCHREALTIME peak
	for how in "exec -u user" "exec -u 0" "exec -u 1000:staff" "exec -u nobody:nogroup"; do
		# shellcheck disable=SC2086
		civil $how bombed true
		[ "$status" -le 126 ]
	done
	peak=$(env time -f %M "$MYBOX" --root "$root" --runroot "$run" exec -u user bombed true 2>&1 |
		tail -1)
	[[ $MYBOX == *dev* ]] || [ "$peak" -lt 50000 ] || {
		echo "$1: $peak KiB"
		return 1
	}
	mybox stop -t 0 bombed >/dev/null
	civil start bombed
	[ "$status" -le 1 ]
	[ "$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a < 8 }')" = 1 ]
	mybox rm -f bombed >/dev/null
}

@test "bombs in place of passwd and group" {
	command -v time >/dev/null || skip "needs time"
	bomb sparse 'dd if=/dev/null of=$f bs=1M seek=1024'
	bomb fifo 'mkfifo $f'
	bomb zero 'ln -s /dev/zero $f'
	bomb full 'ln -s /proc/kmsg $f'
	bomb loop 'ln -s $f $f'
	bomb directory 'mkdir $f'
	bomb device 'mknod $f c 1 5'
	bomb line 'head -c 3000000 /dev/zero | tr "\0" x >$f'
	bomb many 'yes user:x:1:1:: | head -n 200000 >$f'
	bomb colons 'yes ::::::::: | head -n 100000 >$f'
	bomb outside "ln -s $canary/dir/file \$f"
}

@test "users of the host are nobody in a container" {
	local up=../../../../../../../..
	mybox run -d --name who deb sleep 1000
	for link in "$canary/passwd" "$up$canary/passwd"; do
		mybox exec -u 0 who ln -sf "$link" /etc/passwd
		civil exec -u evil who id -u
		[ "$status" != 0 ]
		[[ "$output" == *"evil"* ]]
	done
}

# Those that the namespace does not map show up as 65534; a file may deny them, or let them in.
@test "groups of the host in a user namespace" {
	local how
	mybox run -d --name who --userns=auto deb sleep 1000
	for how in "run --rm --userns=auto deb" "run --rm --userns=auto -u 4000:5000 deb" "exec who" "exec -u user who"; do
		# shellcheck disable=SC2086
		output=$(setpriv --groups 50,777,4711 "$MYBOX" --root "$root" --runroot "$run" $how sh -c 'id -G; grep ^Groups /proc/self/status')
		[[ "$output" != *65534* && "$output" != *4711* && "$output" != *777* ]] || {
			echo "$how: $output"
			return 1
		}
	done
	output=$(setpriv --groups 50,777,4711 "$MYBOX" --root "$root" --runroot "$run" exec -u user who id -G)
	[ "$output" = "1000 50 60" ]
}

@test "image settings that are bombs" {
	for i in env-bomb env-long env-odd args-bomb args-none args-empty labels workdir-long user-long \
		user-odd signal ports many-volumes deep twice types; do
		civil load -q -i "$hostile/$i.tar"
		[ "${#lines[@]}" -le 3 ]
		[ "$status" = 0 ] || continue
		civil run --rm "$i" true
		[ "$status" -le 127 ] && [ "${#output}" -lt 4000 ] || {
			echo "$i: $status ${output:0:300}"
			return 1
		}
		civil create --name made "$i" true
		civil inspect made
		civil ps -a --format '{{.Labels}} {{.Command}}'
		civil rm -f -v made
		civil rmi -f "$i"
		canary_lives
	done
	# A label of the image's is no setting of ours.
	hostile_image labels
	run mybox run --rm labels sh -c 'grep CapEff /proc/self/status'
	[ "$output" = "$(mybox run --rm deb sh -c 'grep CapEff /proc/self/status')" ]
}

@test "sets of capabilities that nobody asked for are empty" {
	mybox run -d --name caps deb sleep 1000
	for how in "run --rm deb" "run --rm -u user deb" "run --rm --privileged deb" "exec caps" \
		"exec --privileged caps" "exec -u user caps" "run --rm --cap-add SYS_ADMIN deb"; do
		# shellcheck disable=SC2086
		run mybox $how sh -c 'grep -E "CapInh|CapAmb" /proc/self/status | grep -v 0000000000000000'
		[[ -z "${output/WARNING: cap*RESOURCE/}" ]] || {
			echo "$how: $output"
			return 1
		}
	done
}
