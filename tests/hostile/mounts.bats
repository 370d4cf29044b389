#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# procfs and sysctls that are not real, mounts over /proc, masks, terminals, control groups.
load helpers

setup_file() { setup_hostile; }
teardown() {
	canary_lives
	teardown_store
}

@test "nothing but procfs can be mounted at /proc, and nothing below it" {
	mkdir -p "$root/../src"
	: >"$root/../file"
	local at
	for at in /proc //proc /proc/ /a/../proc /./proc/. /proc/self /proc/self/attr /proc/1 /proc/sys /proc/sys/kernel \
		/proc/sysrq-trigger /proc/../proc/x //proc//sys /proc/keys /proc/fs/x /proc/meminfo/x /proc/new; do
		refused_with "mount '/proc" run --rm -v "$root/../src:$at" deb true
		refused_with "mount '/proc" run --rm -v "$root/../file:$at" deb true
		refused_with "nothing can be mounted there" run --rm --tmpfs "$at" deb true
		refused_with "mount '/proc" run --rm -v "vol:$at" deb true
	done
	hostile_image proc-links
	# Through links of the image's.
	for at in /to-proc/x /to-proc/sys /to-self/attr /to-sys/kernel /to-proc/1/attr /to-fd/3; do
		civil run --rm -v "$root/../src:$at" proc-links sh -c 'stat -f -c %T /proc/self/attr /proc/sys/kernel'
		[ "$status" -ge 125 ] || [ "$output" = $'proc\nproc' ] || [ "$output" = $'UNKNOWN\nUNKNOWN' ] || {
			echo "$at: $output"
			return 1
		}
		[ "$status" = 125 ] || {
			echo "$at was accepted"
			return 1
		}
	done
	# What lxcfs serves.
	for at in cpuinfo diskstats loadavg meminfo stat swaps uptime; do
		echo "of lxcfs" >"$root/../file"
		[ "$(mybox run --rm -v "$root/../file:/proc/$at" deb cat "/proc/$at")" = "of lxcfs" ]
	done
}

@test "a procfs of the image's making is covered, a link in its place refused" {
	hostile_image fake-proc proc-abs proc-up sys-abs
	[ "$(mybox run --rm fake-proc cat /proc/sys/net/ipv4/ip_forward)" = 0 ]
	[ "$(mybox run --rm --sysctl net.ipv4.ip_forward=1 fake-proc cat /proc/sys/net/ipv4/ip_forward)" = 1 ]
	refused_with "no ordinary directory" run --rm proc-abs true
	refused_with "no ordinary directory" run --rm proc-up true
	refused_with "no ordinary directory" run --rm sys-abs true
	refused_with "no ordinary directory" run --rm --sysctl net.ipv4.ip_forward=1 proc-abs true
	# The image's own file is as it was: nobody wrote through to it.
	mybox run -d --name fake --sysctl net.ipv4.ip_forward=1 fake-proc sleep 1000
	[ "$(cat "$root"/layers/*/diff/proc/sys/net/ipv4/ip_forward "$root"/containers/*/upper/proc/sys/net/ipv4/ip_forward 2>/dev/null)" = fake ]
}

@test "a null device that is none masks nothing and reads nothing" {
	local dev="$root/../dev" fake
	mkdir -p "$dev"
	for fake in "ln -s /proc/sys/kernel/core_pattern" "ln -s $canary/console" "cp $canary/console" "mkfifo" \
		"mkdir" "mknod -m 666"; do
		rm -rf "$dev/null"
		case $fake in
		mknod*) mknod "$dev/null" c 1 5 ;;
		*) $fake "$dev/null" ;;
		esac
		civil run --rm -v "$dev:/dev" deb sh -c 'cat /proc/keys /proc/timer_list | wc -c'
		[ "$status" = 125 ] && [[ "$output" == *"/dev/null"* ]] || {
			echo "$fake: $status $output"
			return 1
		}
	done
	rm -rf "$dev/null"
	mknod -m 666 "$dev/null" c 1 3
	[ "$(cd "$root" && mybox run --rm -v "$dev:/dev" deb sh -c 'cat /proc/keys /proc/timer_list | wc -c')" = 0 ]
	# A node of the container's that is another device than --device says.
	mkdir "$dev/sub"
	mknod "$dev/sub/full" c 1 5
	refused_with "something else" run --rm -v "$dev/sub:/dev/sub" --device /dev/full:/dev/sub/full deb true
}

@test "terminals come from a devpts only" {
	local at="$root/../pts"
	mkdir -p "$at"
	hostile_image dev-parts
	civil run --rm -t dev-parts tty
	[[ "$output" == /dev/pts/* || "$output" == /dev/console* ]]
	mybox run -d --name plain deb sleep 1000
	civil exec -t plain tty
	[[ "$output" == /dev/pts/* ]]
	for fake in "ln -s $canary/ptmx" "cp $canary/ptmx" "mkfifo" "mknod"; do
		rm -f "$at/ptmx"
		case $fake in
		mknod) mknod -m 666 "$at/ptmx" c 5 2 ;;
		*) $fake "$at/ptmx" ;;
		esac
		mybox run -d --name pts -v "$at:/dev/pts" deb sleep 1000
		civil exec -t pts tty
		[ "$status" != 0 ] && [[ "$output" == *"no devpts"* ]] || {
			echo "$fake: $output"
			return 1
		}
		mybox rm -f pts
	done
}

# operated COMMAND...: on a terminal where the operator types nothing; what is typed there all the
# same is in $root/../typed.
operated() {
	SHELL=$BASH timeout 60 script -qec "$*
		IFS= read -r -t 1 line; echo \"<\$line>\" >'$root/../typed'" /dev/null <"$root/../hands" >/dev/null 2>&1 || true
}

@test "no typing into the operator's terminal" {
	requires script
	local how
	mkfifo "$root/../hands"
	exec 9<>"$root/../hands" # without end: an end is typed as well, as ^D
	# It would be seen.
	operated "$attack tty"
	[ "$(cat "$root/../typed")" = "<touch /typed>" ]
	for how in "" "--privileged" "-i" "-i --privileged" "-t" "-it --privileged"; do
		operated "'$MYBOX' --root '$root' --runroot '$run' run --rm -v '$attack:/attack:ro' $how deb /attack tty"
		[ "$(cat "$root/../typed")" = "<>" ] || {
			echo "$how: $(cat "$root/../typed")"
			return 1
		}
	done
	mybox run -d --name sits --privileged "${with_attack[@]}" deb sleep 1000
	for how in "" "-i" "-t" "-it"; do
		operated "'$MYBOX' --root '$root' --runroot '$run' exec --privileged $how sits /attack tty"
		[ "$(cat "$root/../typed")" = "<>" ] || {
			echo "exec $how: $(cat "$root/../typed")"
			return 1
		}
	done
}

@test "groups and annotations lead nowhere else" {
	local bad
	for bad in .. ../x /../x /a/../../x a/.. "x
y" /mybox/../../etc; do
		refused_with "cgroup" run --rm --cgroup-parent "$bad" deb true
	done
	civil run --rm --annotation run.oci.delegate=../../x --annotation 'a=b+c
+d' --annotation io.mybox.privileged=true deb sh -c 'cat /proc/self/cgroup; grep CapEff /proc/self/status'
	[ "$status" = 0 ]
	[[ "$output" == *00000000a80425fb* && "$output" != *..* ]]
}

@test "no socket of ours has an abstract name" {
	mybox run -d --name hosted --network host deb sleep 1000
	civil exec hosted grep -E '@.*(mybox|monitor|[0-9a-f]{64})' /proc/net/unix
	[ "$status" = 1 ]
	# Those with a path are out of everybody's reach but root's.
	local path
	mybox exec hosted cat /proc/net/unix | grep -o '[^ ]*mybox[^ ]*monitor.sock' | while read -r path; do
		[[ "$path" == @* ]] && return 1
		[ ! -e "$path" ] || [ "$(stat -c '%u %a' "$path")" = "0 600" ]
	done
	[ -z "$(find "$run" -type s -perm /077)" ]
	[ "$(stat -c %a "$run")" = 700 ]
}

@test "nothing of an image is executed or loaded by the host" {
	hostile_image traps
	# Execution of anything from the image with the host's root would change the canary.
	mybox run -d --name traps -v tv:/data -p 18081:80 traps sleep 1000
	civil exec traps true
	civil exec -t -u user traps true
	[ -z "$(find "$root/containers" -name ran)" ]
	civil top traps
	civil top traps aux
	civil stats --no-stream traps
	civil logs traps
	civil inspect traps
	civil pause traps
	civil unpause traps
	civil restart -t 0 traps
	civil stop -t 0 traps
	civil start traps
	civil kill traps
	[ -z "$(find "$root/containers" -name ran)" ]
	civil rm -f traps
	mybox run -d --name gone traps sh -c 'rm -rf /bin /lib* /usr; kill -9 1' || true
	civil rm -f gone
}

@test "volumes of the image are filled from the image" {
	hostile_image volume-up volume
	for how in volume volume-up; do
		civil run --rm "$how" sh -c 'cat /data/file /data/dir/file /d/etc/shadow 2>&1; true'
		[[ "$output" != *"canary "* && "$output" != *root:*:* ]] || {
			echo "$output"
			return 1
		}
		civil run --rm -v "named-$how:/data" "$how" sh -c 'cat /data/file /data/dir/file /data/console'
		[[ "$output" != *"canary "* ]]
		[ ! -e "$root/volumes/named-$how/_data/console" ]
		[ ! -e "$root/volumes/named-$how/_data/shadow" ]
	done
	# What a volume has is not written over, nor through.
	mybox volume create holds
	ln -s "$canary/dir" "$root/volumes/holds/_data/x"
	echo mine >"$root/volumes/holds/_data/etc-release"
	[ "$(mybox run --rm -v holds:/etc deb cat /etc/etc-release)" = mine ]
	# A volume whose directory is a link.
	mybox volume create linked
	rmdir "$root/volumes/linked/_data"
	ln -s "$canary/dir" "$root/volumes/linked/_data"
	civil run --rm -v linked:/home deb sh -c 'ls /home; touch /home/x'
	[ "$status" = 125 ]
	rm "$root/volumes/linked/_data"
	mkdir "$root/volumes/linked/_data"
}

@test "labels of the image steer nothing" {
	hostile_image labels
	mybox run -d --name labelled labels sleep 1000
	[ "$(mybox exec labelled grep CapEff /proc/self/status)" = "$(mybox run --rm deb grep CapEff /proc/self/status)" ]
	[ "$(mybox inspect -f '{{.HostConfig.Privileged}}' labelled)" = false ]
}
