#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# run --rootfs: a directory of the host instead of an image.
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	mkdir "/run/mybox-test/${BATS_TEST_FILENAME##*/}/clean"
	tar -C "/run/mybox-test/${BATS_TEST_FILENAME##*/}/clean" -xpf "$images/rootfs.tar"
}
setup() {
	name=${BATS_TEST_FILENAME##*/}
	root=/run/mybox-test/$name/root run=/run/mybox-test/$name/run
	dir=$BATS_TEST_TMPDIR/dir
	cp -a "/run/mybox-test/$name/clean" "$dir"
	# Nothing of it is needed.
	mybox rmi -f deb >/dev/null
}
teardown() {
	teardown_store
	mybox load -q -i "$images/deb.tar" >/dev/null
}

state_of() { (cd "$1" && find . -printf '%p %y %m %U:%G %s %T@ %l\n' | sort && find . -type f -exec sha256sum {} + | sort); }
is_status() { [ "$(mybox inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }

@test "rootfs: what is changed is changed in the directory" {
	run -0 mybox run --rm --rootfs "$dir" sh -c 'cat /etc/release; echo new >/etc/new; rm /etc/group; hostname'
	[ "${lines[0]}" = "mybox test image" ]
	[ "$(cat "$dir/etc/new")" = new ]
	[ ! -e "$dir/etc/group" ]
	# Options may stand between, as podman has it, and the path may be relative.
	cd "$BATS_TEST_TMPDIR"
	run -0 mybox run --rootfs --name c1 -e A=b dir sh -c 'echo $A; cat /etc/new'
	[ "$output" = $'b\nnew' ]
	[ "$(mybox inspect -f '{{.Rootfs}} {{.Config.Image}} <{{.Image}}>' c1)" = "$dir dir <>" ]
	[[ $(mybox ps -a --format '{{.Image}}') == dir ]]
	run -0 mybox diff c1
	[ -z "$output" ]
	run -0 mybox start -a c1
	[ "$output" = $'b\nnew' ]
	mybox export c1 | tar -xO etc/new | grep -qx new
	# An image of all that is in it.
	mkdir "$dir/empty"
	mybox commit -c 'ENV FROM=directory' c1 made
	run -0 mybox image inspect -f '{{len .RootFS.Layers}} {{json .Config.Cmd}}' made
	[[ $output == '1 ["sh",'* ]]
	run -0 mybox run --rm made sh -c 'echo $A $FROM; cat /etc/new; ls -d /empty /etc/group 2>&1; true'
	[ "$output" = $'b directory\nnew\nls: /etc/group: No such file or directory\n/empty' ]
	mybox rmi made
	mybox system df >/dev/null
	mybox ps -as >/dev/null
	mybox rm c1
	[ -e "$dir/etc/new" ]
}

@test "rootfs: with :O it stays as it is, and the changes are the container's" {
	local before
	before=$(state_of "$dir")
	mybox run -d --name c1 --rootfs -v vol:/home/user "$dir:O" sh -c 'echo new >/etc/new; rm /etc/group; echo more >>/etc/passwd; rm -r /srv; : >/ready; exec sleep 1000'
	wait_until 5 mybox exec c1 test -e /ready
	run -0 mybox diff c1
	[ "$output" = $'C /etc\nD /etc/group\nA /etc/new\nC /etc/passwd\nA /ready\nD /srv' ]
	mybox restart -t 0 c1
	[ "$(mybox exec c1 cat /etc/new)" = new ]
	mybox export c1 >"$BATS_TEST_TMPDIR/running.tar"
	tar -xOf "$BATS_TEST_TMPDIR/running.tar" etc/new | grep -qx new
	# What it sees, without the places of its mounts that the directory has not.
	mybox commit c1 made
	mybox stop -t 0 c1
	mybox export c1 | cmp - "$BATS_TEST_TMPDIR/running.tar"
	mybox commit c1 again
	[ "$(mybox image inspect -f '{{json .RootFS.Layers}}' made)" = "$(mybox image inspect -f '{{json .RootFS.Layers}}' again)" ]
	run -0 mybox run --rm made sh -c 'cat /etc/new; tail -n 1 /etc/passwd; ls -d /srv /etc/group /home/user 2>&1 | wc -l; stat -c %u /home/user'
	[ "$output" = $'new\nmore\n3\n1000' ]
	mybox save -o "$BATS_TEST_TMPDIR/saved.tar" made
	python3 "$top/tests/support/members.py" --top "$BATS_TEST_TMPDIR/saved.tar" >"$BATS_TEST_TMPDIR/list"
	run ! grep -E ' (\.wh.*|.*/\.wh.*|etc/hosts|etc/resolv.conf)$' "$BATS_TEST_TMPDIR/list"
	mybox rmi made again
	[ "$(mybox run --rm --rootfs "$dir:O" cat /etc/release)" = "mybox test image" ]
	mybox rm c1
	[ "$(state_of "$dir")" = "$before" ]
}

@test "rootfs: in a user namespace its files are the container's" {
	local before
	chown 1000:50 "$dir/etc/release"
	before=$(state_of "$dir")
	run -0 mybox run --rm --userns=auto --rootfs "$dir:O" sh -c 'stat -c %u:%g / /etc/release; echo x >/etc/passwd; cat /etc/passwd'
	[ "$output" = $'0:0\n1000:50\nx' ]
	[ "$(state_of "$dir")" = "$before" ]
	mybox create --name c1 --userns=auto --rootfs "$dir:O" true
	mybox commit c1 made
	mybox rm c1
	[ "$(mybox run --rm made stat -c %u:%g / /etc/release)" = $'0:0\n1000:50' ]
	mybox rmi made
	run -0 mybox run --rm --userns=auto --rootfs "$dir" sh -c 'stat -c %u:%g / /etc/release; echo x >/new; chown 1000 /new'
	[ "$output" = $'0:0\n1000:50' ]
	[ "$(stat -c %u:%g "$dir/new")" = 1000:0 ]
}

@test "rootfs: what is wrong is told" {
	run -125 mybox run --rootfs /nosuch true
	[[ $output == *"--rootfs: cannot find '/nosuch': No such file or directory"* ]]
	run -125 mybox run --rootfs "$dir/etc/passwd" true
	[[ $output == *"--rootfs: '$dir/etc/passwd': Not a directory"* ]]
	run -125 mybox run --rootfs "$dir"
	[[ $output == *"No command specified"* ]]
	[ -z "$(mybox ps -aq)" ]
	mybox create --name c1 --rootfs "$dir" true
	mv "$dir" "$dir-away"
	run -1 mybox start c1
	[[ $output == *"cannot open the root file system '$dir'"* ]]
	ln -s / "$dir"
	run -1 mybox start c1
	rm "$dir"
	mv "$dir-away" "$dir"
	mybox start -a c1
}
