#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a container changed of its image.
# bats file_tags=cgroup:any
load helpers

@test "diff: nothing, before and after a start that changes nothing" {
	mybox create --name c1 deb true
	run -0 mybox diff c1
	[ -z "$output" ]
	mybox start -a c1
	run -0 mybox diff c1
	[ -z "$output" ]
	run -1 mybox diff nosuch
	[[ $output == *"No such container: nosuch"* ]]
}

@test "diff: added, changed and deleted, by path, while it runs and after" {
	mybox run -d --name c1 -v vol:/vol deb sh -c '
		echo x >/etc/added; echo x >>/etc/passwd; rm /etc/group; rm -r /home; mkdir /home; echo y >/home/new
		mkdir -p /new/deep; ln -s /etc /new/link; echo z >"/etc-x"; echo v >/vol/f
		echo gone >/tmp/gone; rm /tmp/gone; : >/ready; exec sleep 1000'
	wait_until 5 mybox exec c1 test -e /ready
	run -0 mybox diff c1
	local line
	for line in "A /etc-x" "C /etc" "A /etc/added" "C /etc/passwd" "D /etc/group" "A /new" "A /new/deep" \
		"A /new/link" "C /home" "A /home/new" "D /home/user" "A /ready"; do
		grep -qFx -- "$line" <<<"$output" || { echo "no '$line' in:"; echo "$output"; false; }
	done
	run ! grep -E '/vol/f|/tmp/gone|/new/link/' <<<"$output"
	run -0 mybox diff c1
	[ "$(cut -c3- <<<"$output" | LC_ALL=C sort)" = "$(cut -c3- <<<"$output")" ]
	local before=$output
	mybox kill c1
	wait_until 5 is_status c1 exited
	run -0 mybox container diff c1
	[ "$output" = "$before" ]
}
is_status() { [ "$(mybox inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }

@test "diff: a tree that is deeper than paths are long" {
	mybox run --name c1 deb sh -c 'i=0; while [ $i -lt 2500 ]; do mkdir dd; cd -P dd 2>/dev/null || break; i=$((i+1)); done; echo $i >/depth'
	run -0 mybox diff c1
	[ "${#lines[@]}" -gt 1000 ]
	run -0 mybox ps -as --format '{{.Size}}'
	[[ $output == *B* ]]
}
