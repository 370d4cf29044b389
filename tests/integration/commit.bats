#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An image of what a container made of its image.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store commit.bats
	run=/run/mybox-test/commit.bats/run root=/run/mybox-test/commit.bats/root
	mybox tag deb kept
}
teardown() {
	remove_images_but kept
	teardown_store
	[ -z "$(ls "$root/ingest")" ]
}

is_status() { [ "$(mybox inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }
members() {
	mybox save -o "$BATS_TEST_TMPDIR/saved.tar" "$1"
	python3 "$top/tests/support/members.py" --top "$BATS_TEST_TMPDIR/saved.tar"
}
layers() { mybox image inspect -f '{{len .RootFS.Layers}}' "$1"; }

@test "commit: what changed is one layer on those below, volumes are not in it" {
	mybox run -d --name c1 -v vol:/vol -v "$BATS_TEST_TMPDIR:/new/place/bind" -v /old deb sh -c '
		echo added >/etc/added; echo more >>/etc/passwd; rm /etc/group; rm -r /home; mkdir /home; echo n >/home/new
		mkdir -p /tree/deep; echo one >/tree/one; ln /tree/one /tree/two; ln -s /nowhere /tree/link; mkfifo /tree/pipe
		chmod 4751 /tree/deep; chown 1000:50 /tree/one; touch -d @1600000000 /tree/one
		echo odd >"/tree/a
line"; dd if=/dev/zero of=/tree/sparse bs=1 count=1 seek=1000000 2>/dev/null
		mknod /tree/null c 1 3; echo volume >/vol/file; echo bind >/new/place/bind/file; : >/ready; exec sleep 1000'
	wait_until 5 mybox exec c1 test -e /ready
	run -0 mybox commit c1 made
	[[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
	[ "sha256:$(mybox images -q --no-trunc made | cut -d: -f2)" = "$output" ]
	is_status c1 running
	[ "$(layers made)" = $(($(layers deb) + 1)) ]
	members made >"$BATS_TEST_TMPDIR/list"
	cat "$BATS_TEST_TMPDIR/list"
	local line
	for line in '^d 0755 0:0 0 .* \.$' '^f 0644 0:0 6 .* etc/added sha' '^f .* etc/\.wh\.group$' '^f .* home/\.wh\.\.wh\.\.opq$' \
		'^f .* home/new' '^f 0644 1000:50 4 1600000000 tree/one' '^h .* tree/two -> tree/one$' '^l .* tree/link -> /nowhere$' \
		'^p .* tree/pipe$' '^d 4751 .* tree/deep$' 'tree/a\\nline sha' '^f .* 1000001 .* tree/sparse' '^c .* tree/null 1,3$'; do
		grep -q -- "$line" "$BATS_TEST_TMPDIR/list" || { echo "no $line"; false; }
	done
	run ! grep -E ' (vol|old|new|new/.*|vol/file|dev|proc|sys|etc/hosts|etc/resolv.conf)( |$)' "$BATS_TEST_TMPDIR/list"
	# Zeros take no room.
	[ "$(($(stat -c %b "$root"/layers/*/diff/tree/sparse) * 512))" -lt 100000 ]
	# Another container of it finds all of this.
	run -0 mybox run --rm made sh -c 'cat /etc/added /home/new "/tree/a
line"; tail -n 1 /etc/passwd; ls /etc/group /home/user 2>&1 | wc -l; stat -c %h /tree/two; ls -d /vol /new 2>&1 | wc -l'
	[ "$output" = $'added\nn\nodd\nmore\n2\n2\n2' ]
	# The same again is the same layer.
	local first
	first=$(mybox image inspect -f '{{json .RootFS.Layers}}' made)
	mybox container commit --no-pause c1 again
	[ "$(mybox image inspect -f '{{json .RootFS.Layers}}' again)" = "$first" ]
	mybox kill c1
	wait_until 5 is_status c1 exited
	mybox commit c1 again
	[ "$(mybox image inspect -f '{{json .RootFS.Layers}}' again)" = "$first" ]
}

@test "commit: the container's settings, changes, author, message, history" {
	mybox create --name c1 -e A=1 -l of=container --expose 80 -v /data -w /srv -u 1000 --stop-signal SIGINT --entrypoint /bin/echo deb one two
	run -0 mybox commit -q -a 'Me <me@example.com>' -m 'why not' -f docker --iidfile "$BATS_TEST_TMPDIR/id" c1 set:1
	[ "$(cat "$BATS_TEST_TMPDIR/id")" = "$output" ]
	run -0 mybox image inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{json .Config.Env}} {{json .Config.Labels}} {{json .Config.ExposedPorts}} {{json .Config.Volumes}} {{.Config.WorkingDir}} {{.Config.User}} {{.Config.StopSignal}} {{.Author}} {{.Comment}}' set:1
	[ "$output" = '["/bin/echo"] ["one","two"] ["A=1","PATH=/usr/local/bin:/bin:/usr/bin","FROM_IMAGE=yes"] {"of":"container"} {"80/tcp":{}} {"/data":{}} /srv 1000 SIGINT Me <me@example.com> why not' ]
	# Nothing was changed: no layer, a step of the history all the same.
	[ "$(layers set:1)" = "$(layers deb)" ]
	run -0 mybox history --no-trunc --format '{{.CreatedBy}}|{{.Comment}}|{{.Size}}' set:1
	[ "${lines[0]}" = 'one two|why not|0B' ]
	[ "${#lines[@]}" = $(($(mybox history -q deb | wc -l) + 1)) ]
	[ "$(mybox run --rm set:1)" = "one two" ]
	mybox commit -c 'CMD ["three"]' -c 'ENV B=2 A=3' --change 'LABEL x=y' -c 'USER root' -c 'WORKDIR sub' -c 'VOLUME /v' \
		-c 'EXPOSE 53/udp' -c 'HEALTHCHECK --interval=5s --retries=2 CMD wget -q localhost' -c 'STOPSIGNAL 9' -c 'ONBUILD RUN x' c1 set:2
	run -0 mybox image inspect -f '{{json .Config.Cmd}} {{json .Config.Env}} {{json .Config.Labels}} {{.Config.User}} {{.Config.WorkingDir}} {{json .Config.Volumes}} {{json .Config.ExposedPorts}} {{json .Config.Healthcheck}} {{.Config.StopSignal}} {{json .Config.OnBuild}}' set:2
	[ "$output" = '["three"] ["A=3","PATH=/usr/local/bin:/bin:/usr/bin","FROM_IMAGE=yes","B=2"] {"of":"container","x":"y"} root /srv/sub {"/data":{},"/v":{}} {"53/udp":{},"80/tcp":{}} {"Test":["CMD-SHELL","wget -q localhost"],"Interval":5000000000,"Retries":2} 9 ["RUN x"]' ]
	# A child keeps the health check, and not what was for whoever builds on it.
	mybox create --name c2 set:2
	mybox commit c2 set:3
	[ "$(mybox image inspect -f '{{.Config.Healthcheck.Retries}} {{json .Config.OnBuild}}' set:3)" = '2 null' ]
}

@test "commit --squash: one layer of all that it sees, and one step of history" {
	mybox load -q -i "$images/layers7.tar" >/dev/null
	mybox run -d --name c1 --label a=b -v vol:/vol -v "$BATS_TEST_TMPDIR:/new/bind" layers7 sh -c '
		echo added >/etc/added; rm /etc/group; rm /data/b; mkfifo /pipe; : >/ready; exec sleep 1000'
	wait_until 5 mybox exec c1 test -e /ready
	run -0 mybox commit --squash -m flat c1 made
	[ "$(layers made)" = 1 ]
	[ "$(mybox history -q made | wc -l)" = 1 ]
	[ "$(mybox image inspect -f '{{.Config.Labels.a}} {{.Comment}} {{json .Config.Cmd}}' made | cut -c1-12)" = 'b flat ["sh"' ]
	members made >"$BATS_TEST_TMPDIR/list"
	cat "$BATS_TEST_TMPDIR/list"
	local line
	for line in '^f 0755 .* bin/busybox sha' '^f .* etc/added sha' '^f .* data/hard sha' '^f .* opaque/new sha' '^f .* type/inside sha' \
		'^d 0755 1000:1000 .* home/user$' '^d 1777 .* tmp$' '^p .* pipe$' '^d .* proc$'; do
		grep -q -- "$line" "$BATS_TEST_TMPDIR/list" || { echo "no $line"; false; }
	done
	# Nothing of what the layers below hid, no deletions, and not what was made for mounts.
	run ! grep -E ' (etc/group|data/a|data/b|gone.*|opaque/old|.*\.wh\..*|vol|new.*|etc/hosts|etc/resolv.conf)( |$)' "$BATS_TEST_TMPDIR/list"
	# Stopped it is the same layer.
	mybox stop -t 0 c1
	mybox commit -s -m again c1 again
	[ "$(mybox image inspect -f '{{json .RootFS.Layers}}' again)" = "$(mybox image inspect -f '{{json .RootFS.Layers}}' made)" ]
	# Nothing of what lay below is needed.
	mybox rm -f c1
	mybox rmi layers7
	mybox save -o "$BATS_TEST_TMPDIR/saved.tar" made
	run -0 mybox run --rm made sh -c 'cat /etc/added /type/inside; ls /etc/group /data/b 2>&1 | wc -l'
	[ "$output" = $'added\nnow a directory2' ]
}

@test "commit: a name moves, one without stays without; what is wrong is told" {
	mybox create --name c1 deb true
	local first second
	first=$(mybox commit c1 moves)
	second=$(mybox commit -m other c1 moves)
	[ "$first" != "$second" ]
	[ "$(mybox images -q --no-trunc moves)" = "$second" ]
	first=$(mybox commit -m nameless c1)
	[ "$(mybox images --no-trunc --format '{{.Repository}}' -f "dangling=true" | grep -c '<none>')" -ge 1 ]
	mybox image exists "$first"
	run -1 mybox commit nosuch x
	[[ $output == *"No such container: nosuch"* ]]
	run -1 mybox commit c1 BAD:name
	[[ $output == mybox:* ]]
	[ "$(wc -l <<<"$output")" -le 2 ]
	run -1 mybox commit -c 'RUN x' c1
	[[ $output == *"RUN is not a valid change command"* ]]
	run -1 mybox commit -c 'HEALTHCHECK --interval=1ns CMD x' c1
	[[ $output == *"change 'HEALTHCHECK --interval=1ns CMD x': Interval \"interval\" cannot be less than 1ms"* ]]
	run -125 mybox commit -f other c1
	run -1 mybox commit --iidfile /nosuch/file c1
	[[ $output == *"cannot write the image's id to '/nosuch/file'"* ]]
}

@test "commit: names that mean deletions are refused, and nothing is left" {
	mybox run --name c1 deb touch /etc/.wh.passwd
	run -1 mybox commit c1 bad
	[[ $output == *"cannot commit 'c1': '/etc/.wh.passwd': a name that means a deletion in a layer"* ]]
	run -1 mybox image exists bad
}

@test "commit: ids and file capabilities of a user namespace are those inside" {
	mybox run -d --name c1 --userns=auto -v vol:/mnt/vol deb sh -c 'echo x >/file; chown 1000:50 /file; echo y >>/etc/passwd; mkdir /own; : >/ready; exec sleep 1000'
	wait_until 60 mybox exec c1 test -e /ready
	local upper
	upper=$root/containers/$(mybox inspect -f '{{.Id}}' c1)/upper
	python3 - "$upper/own" "$(stat -c %u "$upper")" <<-'END'
		import os, struct, sys
		# Revision 3: net_raw, of the namespace's root.
		os.setxattr(sys.argv[1], "security.capability", struct.pack("<6I", 0x03000001, 1 << 13, 0, 0, 0, int(sys.argv[2])))
	END
	mybox commit c1 mapped
	members mapped | tee "$BATS_TEST_TMPDIR/list"
	grep -q '^f 0644 1000:50 2 .* file sha' "$BATS_TEST_TMPDIR/list"
	grep -q '^f 0644 0:0 .* etc/passwd' "$BATS_TEST_TMPDIR/list"
	grep -q '^d 0755 0:0 .* \.$' "$BATS_TEST_TMPDIR/list"
	grep -q "^d 0755 0:0 .* own security.capability=0100000200200000000000000000000000000000$" "$BATS_TEST_TMPDIR/list"
	run ! grep -q mnt "$BATS_TEST_TMPDIR/list"
	[ "$(mybox run --rm mapped stat -c %u:%g / /file /etc/passwd)" = $'0:0\n1000:50\n0:0' ]
	[ "$(mybox run --rm --userns=auto mapped stat -c %u:%g /file)" = 1000:50 ]
	mybox stop -t 0 c1
	mybox commit c1 mapped2
	[ "$(mybox image inspect -f '{{json .RootFS.Layers}}' mapped2)" = "$(mybox image inspect -f '{{json .RootFS.Layers}}' mapped)" ]
}

# One whose files take a while to read.
slow() { mybox run -d --name "$1" deb sh -c 'dd if=/dev/zero of=/big bs=1 count=1 seek=1000000000000 2>/dev/null; : >/ready; exec sleep 1000' && wait_until 10 mybox exec "$1" test -e /ready; }

@test "commit: it is paused meanwhile, and goes on after SIGINT and after SIGKILL" {
	slow c1
	"${box[@]}" commit c1 never & pid=$!
	wait_until 10 is_status c1 paused
	kill -INT $pid
	wait $pid && false
	is_status c1 running
	"${box[@]}" commit c1 never & pid=$!
	wait_until 10 is_status c1 paused
	kill -KILL $pid
	wait $pid && false
	# The next command that has to do with it.
	is_status c1 running || mybox exec c1 true
	is_status c1 running
	"${box[@]}" commit c1 never & pid=$!
	wait_until 10 is_status c1 paused
	kill -KILL $pid
	wait $pid && false
	run -1 mybox system check --repair
	[[ $output == *"container c1: is paused for a command that lives no more (repaired)"* ]]
	is_status c1 running
	# The user's own pause is none of it.
	mybox pause c1
	"${box[@]}" commit c1 never & pid=$!
	wait_until 10 ingests
	kill -KILL $pid
	wait $pid && false
	mybox system check --repair >/dev/null || true
	is_status c1 paused
	mybox unpause c1
	"${box[@]}" commit --no-pause c1 never & pid=$!
	wait_until 10 ingests
	is_status c1 running
	kill -INT $pid
	wait $pid && false
	run -1 mybox image exists never
	mybox system check --repair >/dev/null || true
}
ingests() { [ -n "$(ls "$root/ingest")" ]; }

@test "commit: who exchanges a directory for a link meanwhile leads nowhere" {
	mkdir -p /run/mybox-test/canary/d
	echo the-host-s >/run/mybox-test/canary/d/secret
	mybox run -d --name c1 deb sh -c 'mkdir -p /t/real/d; echo own >/t/real/d/secret; ln -s /run/mybox-test/canary /t/link
		: >/ready; cd /t; while :; do mv real x; mv link real; mv real link; mv x real; done'
	wait_until 10 mybox exec c1 test -e /ready
	for _ in 1 2 3 4 5 6 7 8; do
		mybox commit --no-pause c1 raced
		run ! grep -q the-host-s -r "$root"/layers/*/diff
	done
	rm -r /run/mybox-test/canary
}

@test "commit: many at once, and who clears away beside them" {
	mybox run --name c1 deb sh -c 'echo x >/x; rm /etc/group'
	mybox run -d --name c2 deb sh -c 'echo y >/y; exec sleep 1000'
	wait_until 5 mybox exec c2 test -e /y
	local i pids=()
	for i in 1 2 3 4; do
		"${box[@]}" commit c1 "one:$i" >/dev/null & pids+=($!)
		"${box[@]}" commit c2 "two:$i" >/dev/null & pids+=($!)
		"${box[@]}" image prune -f >/dev/null & pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	is_status c2 running
	for i in 1 2 3 4; do
		[ "$(mybox run --rm "one:$i" sh -c 'cat /x; ls /etc/group /y 2>&1 | grep -c "No such"')" = $'x\n2' ]
		[ "$(mybox run --rm "two:$i" cat /y)" = y ]
	done
	[ "$(mybox image inspect -f '{{json .RootFS.Layers}}' one:1 one:2 one:3 one:4 | sort -u | wc -l)" = 1 ]
}

@test "commit: a full disk, wherever it fills up, leaves the image whole or absent" {
	local small=/run/mybox-test/commit-small free made=0
	mkdir -p $small
	mount -t tmpfs -o size=24m,mode=700 none $small
	root=$small/root run=$small/run
	mybox load -q -i "$images/deb.tar"
	mybox run -d --name c1 deb sh -c 'dd if=/dev/urandom of=/file bs=1M count=4 2>/dev/null; sha256sum /file >/sum; : >/ready; exec sleep 1000'
	wait_until 10 mybox exec c1 test -e /ready
	for free in 0 4 8 16 1024 3000 4096 4120 4132 4140 4148 4156 4164 4200 4300 6000; do
		rm -f $small/filler
		fallocate -l $((($(stat -f -c %a $small) * 4 - free) * 1024)) $small/filler
		run mybox commit c1 full
		is_status c1 running
		rm -f $small/filler
		[ -z "$(ls "$root/ingest")" ]
		mybox image prune -f >/dev/null
		if [ "$status" = 0 ]; then
			made=$((made + 1))
			[ "$(mybox run --rm full sha256sum -c /sum)" = "/file: OK" ]
			mybox rmi full
		else
			[[ $output == *"No space left on device"* ]]
			run -1 mybox image exists full
		fi
		mybox system check --repair >/dev/null || true
		mybox system check
	done
	[ $made -ge 1 ]
	[ $made -le 14 ]
	mybox rm -f c1
	umount -l $small
	root=/run/mybox-test/commit.bats/root run=/run/mybox-test/commit.bats/run
}
