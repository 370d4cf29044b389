#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The whole root of a container as a tar.
# bats file_tags=cgroup:any
load helpers

is_status() { [ "$(mybox inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }
members() { python3 "$BATS_TEST_DIRNAME/../support/members.py" "$1"; }

@test "export: what the image has and what the container made of it, running or not" {
	mybox run -d --name c1 -v vol:/vol deb sh -c 'echo x >/etc/added; rm /etc/group; rm -r /home; mkdir /home; echo n >/home/new
		echo 1 >/one; ln /one /two; chown 3000000000:50 /one; mkfifo /pipe; mknod /null c 1 3; echo l >"/a
line"; touch -d @1600000000 /one; echo v >/vol/f; : >/ready; exec sleep 1000'
	wait_until 5 mybox exec c1 test -e /ready
	mybox export c1 >"$BATS_TEST_TMPDIR/1.tar"
	members "$BATS_TEST_TMPDIR/1.tar" >"$BATS_TEST_TMPDIR/list"
	cat "$BATS_TEST_TMPDIR/list"
	local line
	for line in '^d 0755 0:0 0 .* bin$' '^f 0755 .* bin/busybox sha' '^l .* bin/sh -> busybox$' '^d 1777 .* tmp$' '^f .* 2 .* etc/added sha' '^d .* home$' \
		'^f .* home/new sha' '^f 0644 3000000000:50 2 1600000000 one sha' '^h .* two -> one$' '^p .* pipe$' '^c .* null 1,3$' '^f .* a\\nline sha' \
		'^d .* proc$' '^d .* sys$' '^d .* dev$' '^d .* vol$' '^f .* 0 .* etc/hosts$'; do
		grep -q -- "$line" "$BATS_TEST_TMPDIR/list" || { echo "no $line"; false; }
	done
	run ! grep -E ' (\.|etc/group|home/user|.*\.wh\..*|proc/.*|dev/.*|vol/.*)( |$)' "$BATS_TEST_TMPDIR/list"
	# In the order of their names, each directory before what is in it; and the same again.
	python3 -c '
import sys, tarfile
names = [m.name.split("/") for m in tarfile.open(sys.argv[1])]
assert names == sorted(names) and len(names) > 50' "$BATS_TEST_TMPDIR/1.tar"
	mybox export -o "$BATS_TEST_TMPDIR/2.tar" c1
	cmp "$BATS_TEST_TMPDIR/1.tar" "$BATS_TEST_TMPDIR/2.tar"
	mybox pause c1
	mybox container export c1 | cmp - "$BATS_TEST_TMPDIR/1.tar"
	mybox kill c1
	wait_until 5 is_status c1 exited
	mybox export c1 | cmp - "$BATS_TEST_TMPDIR/1.tar"
	mybox export c1 | mybox import - flat
	run -0 mybox run --rm flat sh -c 'cat /etc/added /home/new; stat -c %u:%h /two'
	[ "$output" = $'x\nn\n3000000000:2' ]
	mybox rmi flat
}

@test "export: one that never ran is the image" {
	mybox create --name c1 deb true
	run -0 bash -c '"$0" --root "$1" --runroot "$2" export c1 | tar -xO etc/release' "$MYBOX" "$root" "$run"
	[ "$output" = "mybox test image" ]
	[ ! -e "$run/c/$(mybox inspect -f '{{.Id}}' c1)" ]
}

@test "export: ids of a user namespace are those inside" {
	mybox run -d --name c1 --userns=auto deb sh -c 'echo x >/file; chown 1000:50 /file; : >/ready; exec sleep 1000'
	wait_until 60 mybox exec c1 test -e /ready
	mybox export -o "$BATS_TEST_TMPDIR/1.tar" c1
	run -0 members "$BATS_TEST_TMPDIR/1.tar"
	[[ $output == *"f 0644 1000:50 2 "*" file sha"* ]]
	[[ $output == *"d 0755 1000:1000 0 "*" home/user"* ]]
	[ "$(awk '{ print $3 }' <<<"$output" | sort -u | tr '\n' ' ')" = "0:0 1000:1000 1000:50 " ]
	mybox stop -t 0 c1
	mybox export c1 | cmp - "$BATS_TEST_TMPDIR/1.tar"
}

@test "export: as many layers as there can be" {
	mybox load -q -i "$images/layers120.tar"
	local name
	name=$(mybox images --format '{{.Repository}}' | grep 120)
	mybox create --name c1 "$name" true
	mybox export c1 | tar -t | grep -q .
	mybox rm c1
	mybox rmi "$name"
}

@test "export: whoever is slow to read holds up nobody" {
	mybox run -d --name c1 deb sleep 1000
	mkfifo "$BATS_TEST_TMPDIR/slow"
	"${box[@]}" export c1 >"$BATS_TEST_TMPDIR/slow" 2>"$BATS_TEST_TMPDIR/said" 3>&- & pid=$!
	exec 7<"$BATS_TEST_TMPDIR/slow"
	head -c 1024 <&7 >/dev/null
	mybox stop -t 0 c1
	mybox start c1
	mybox rm -f c1
	# It is told that this was not all.
	cat <&7 >/dev/null
	exec 7<&-
	wait $pid && false
	grep -q "cannot export 'c1': it was removed meanwhile" "$BATS_TEST_TMPDIR/said"
}

@test "export: what is wrong is told, and an old file stays" {
	mybox create --name c1 deb true
	run -1 mybox export nosuch
	[[ $output == *"No such container: nosuch"* ]]
	run -1 mybox export -o /nosuch/file c1
	[[ $output == *"cannot create '/nosuch/file.tmp-"* ]]
	run -1 script -qec "$MYBOX --root $root --runroot $run export c1" /dev/null
	[[ $output == *"cowardly refusing to save to a terminal. Use the -o flag or redirect"* ]]
	echo old >"$BATS_TEST_TMPDIR/file"
	mount -t tmpfs -o size=64k none "$BATS_TEST_TMPDIR"
	echo old >"$BATS_TEST_TMPDIR/file"
	run -1 mybox export -o "$BATS_TEST_TMPDIR/file" c1
	[[ $output == *"No space left on device"* ]]
	[ "$(cat "$BATS_TEST_TMPDIR/file")" = old ]
	[ "$(ls "$BATS_TEST_TMPDIR")" = file ]
	umount "$BATS_TEST_TMPDIR"
}
