#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Mistakes of users and of disks: one clear line, docker's code, nothing left behind.
# bats file_tags=cgroup:any
load helpers

refused() { # refused CODE PATTERN COMMAND...: it ends with CODE and says PATTERN, on stderr alone
	local code=$1 pattern=$2
	shift 2
	run --separate-stderr mybox "$@"
	[ "$status" = "$code" ] || { echo "status $status: $*: $stderr"; return 1; }
	# shellcheck disable=SC2053
	[[ $stderr == $pattern ]] || { echo "said: $stderr"; return 1; }
	[ -z "$output" ] || { echo "on stdout: $output"; return 1; }
}

@test "containers that are not there" {
	local verb
	for verb in start stop restart kill pause unpause wait logs top port attach rm; do
		refused 1 "*No such container: nosuch*" $verb nosuch
	done
	refused 1 "*No such container: nosuch*" exec nosuch true
	refused 1 "*No such container: nosuch*" rename nosuch other
	refused 1 "*No such container: nosuch*" stats --no-stream nosuch
	refused 1 "*No such container: nosuch*" network connect bridge nosuch
	refused 125 "*No such container: nosuch*" run --rm --volumes-from nosuch deb true
	for verb in ../x 'a b' '*' "$(head -c 300 /dev/zero | tr '\0' x)" -- ; do
		run mybox start "$verb"
		[ "$status" != 0 ]
	done
}

@test "wrong numbers of operands" {
	local verb
	for verb in start stop restart kill pause unpause wait logs top port attach rm exec rename rmi tag import run create inspect; do
		run mybox $verb
		[ "$status" = 1 ] || [ "$status" = 125 ]
		[[ $output == *"requires"*"argument"* ]]
		[[ $output == *"mybox $verb"* ]]
	done
}

@test "unknown flags and bad values of known ones" {
	local verb
	for verb in start stop restart kill ps logs exec attach rm inspect stats images load; do
		run mybox $verb --nosuch x
		[ "$status" = 125 ]
		[[ ${lines[0]} == "unknown flag: --nosuch" ]]
	done
	refused 125 "*invalid argument*" stop -t x c
	refused 125 "*invalid argument*" run --stop-timeout x deb
	refused 125 "*" run --network '' deb true
	refused 125 "*" run --network nosuch deb true
	refused 125 "*" run --ip 1.2.3 --network bridge deb true
	refused 125 "*" run --mac-address nonsense deb true
	refused 125 "*" run --stop-signal NOSUCH deb true
	refused 125 "*" run --pull sometimes deb true
	refused 125 "*" run -e =x deb true
	refused 125 "*" run --userns nosuch deb true
	refused 125 "*" run --shm-size x deb true
	refused 125 "*" run -h "$(head -c 100 /dev/zero | tr '\0' x)" deb true
	refused 125 "*" run --expose x deb true
	refused 125 "*" run --label-file /nonexistent deb true
	[ -z "$(mybox ps -aq)" ]
	[ "$(mybox network ls -q -f type=custom)" = "" ]
}

@test "a document of a container is damaged: told, the others work, rm -f mends" {
	mybox create --name good deb true
	mybox create --name bad deb true
	local id
	id=$(mybox inspect -f '{{.Id}}' bad)
	printf 'x' | dd of="$root/containers/$id/container.json" bs=1 seek=40 conv=notrunc status=none
	run mybox ps -a --format '{{.Names}} {{.State}}'
	[ "$status" = 0 ]
	[[ $output == *"good created"* ]]
	[[ $output == *"bad dead"* ]]
	refused 1 "*corrupt*" start bad
	run mybox system check
	[ "$status" != 0 ]
	mybox start good
	# What is there is counted all the same.
	run -0 --separate-stderr mybox system df --format '{{.Type}}|{{.TotalCount}}|{{.Active}}'
	[ "${lines[0]}" = "Images|1|1" ]
	[[ ${lines[1]} == "Containers|2|"* ]]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr == "mybox: warning: "*"'bad' is corrupt"* ]]
	run -0 mybox system df -v
	[[ $output == *" bad"* ]]
	mybox rm -f "${id:0:12}"
	[ "$(mybox ps -aq | wc -l)" = 1 ]
}

@test "a document is empty, huge, a link, a directory, not there" {
	local id how
	for how in empty huge link directory fifo none; do
		id=$(mybox create --name "is-$how" deb true)
		local doc="$root/containers/$id/container.json"
		rm "$doc"
		case $how in
		empty) : >"$doc" ;;
		huge) truncate -s 1G "$doc" ;;
		link) ln -s /etc/passwd "$doc" ;;
		directory) mkdir "$doc" ;;
		fifo) mkfifo "$doc" ;;
		esac
		run timeout 60 "${box[@]}" ps -a
		[ "$status" = 0 ]
		run timeout 60 "${box[@]}" start "$id"
		[ "$status" = 1 ]
		timeout 60 "${box[@]}" rm -f "$id"
		[ ! -e "$root/containers/$id" ]
	done
}

@test "the state of a running container is damaged" {
	mybox run -d --name c1 deb sleep 1000
	local id pid
	id=$(mybox inspect -f '{{.Id}}' c1)
	pid=$(mybox inspect -f '{{.State.Pid}}' c1)
	: >"$run/c/$id/state.json"
	run timeout 60 "${box[@]}" ps -a
	[ "$status" = 0 ]
	run timeout 60 "${box[@]}" rm -f c1
	run timeout 60 "${box[@]}" system check --repair
	kill -9 "$pid" 2>/dev/null || true
	mybox system check --repair || true
	run ! mybox container exists c1
}

@test "an image's documents are damaged" {
	mybox load -q -i "$images/layers7.tar"
	local id kind
	id=$(mybox image inspect -f '{{.Id}}' layers7)
	mybox create --name user layers7 true
	for kind in record json; do
		cp "$root/images/${id#sha256:}.$kind" "$BATS_TEST_TMPDIR/keep"
		printf 'x' | dd of="$root/images/${id#sha256:}.$kind" bs=1 seek=100 conv=notrunc status=none
		run mybox system check --full
		[ "$status" != 0 ]
		if [ $kind = record ]; then
			run mybox run --rm layers7 true
			[ "$status" = 125 ]
			[ "${#lines[@]}" = 1 ]
			# It is not counted, nor is it in use.
			run -0 --separate-stderr mybox system df --format '{{.TotalCount}}|{{.Active}}'
			[ "${lines[0]}" = "1|0" ]
			[ "$stderr" = "mybox: warning: 1 images cannot be read" ]
		else
			run mybox image inspect layers7
			[ "$status" = 1 ]
		fi
		[ "$(mybox run --rm deb echo fine)" = fine ]
		cp "$BATS_TEST_TMPDIR/keep" "$root/images/${id#sha256:}.$kind"
	done
	mybox run --rm layers7 true
	mybox rm user
	mybox rmi layers7
}

@test "a network's document is damaged" {
	mybox network create net1
	local id file
	id=$(mybox network inspect -f '{{.Id}}' net1)
	file=$root/networks/$id.json
	cp "$file" "$BATS_TEST_TMPDIR/keep"
	: >"$file"
	run mybox run --rm --network net1 deb true
	[ "$status" = 125 ]
	[ "$(mybox run --rm deb echo fine)" = fine ]
	run mybox network ls
	[ "$status" = 0 ] || [ -n "$output" ]
	cp "$BATS_TEST_TMPDIR/keep" "$file"
	mybox run --rm --network net1 deb true
	mybox network rm net1
}

@test "a store of a newer version is left alone" {
	mkdir -m 700 "$BATS_TEST_TMPDIR/store"
	local other=("$MYBOX" --root "$BATS_TEST_TMPDIR/store/root" --runroot "$BATS_TEST_TMPDIR/store/run")
	"${other[@]}" ps
	echo 999999 >"$BATS_TEST_TMPDIR/store/root/VERSION"
	run "${other[@]}" ps
	[ "$status" != 0 ]
	[[ $output == *999999* ]]
	[ "$(cat "$BATS_TEST_TMPDIR/store/root/VERSION")" = 999999 ]
}

@test "a store that others may write to is refused" {
	mkdir -m 777 "$BATS_TEST_TMPDIR/open"
	chmod 777 "$BATS_TEST_TMPDIR/open"
	mkdir -m 777 "$BATS_TEST_TMPDIR/open/root"
	chmod 777 "$BATS_TEST_TMPDIR/open/root"
	run "$MYBOX" --root "$BATS_TEST_TMPDIR/open/root" --runroot "$BATS_TEST_TMPDIR/open/run" ps
	[ "$status" != 0 ]
	mkdir "$BATS_TEST_TMPDIR/theirs"
	chown 1000 "$BATS_TEST_TMPDIR/theirs"
	chmod 700 "$BATS_TEST_TMPDIR/theirs"
	run "$MYBOX" --root "$BATS_TEST_TMPDIR/theirs" --runroot "$BATS_TEST_TMPDIR/theirs-run" ps
	[ "$status" != 0 ]
}

@test "a disk that is full: told, nothing half made, removal works" {
	local small=$BATS_TEST_TMPDIR/small
	mkdir -m 700 "$small"
	mount -t tmpfs -o size=12m,mode=700 none "$small"
	local other=("$MYBOX" --root "$small/root" --runroot "$BATS_TEST_TMPDIR/run")
	"${other[@]}" load -q -i "$images/deb.tar"
	"${other[@]}" create --name c1 deb sh -c 'cat /dev/zero >/fill; echo "ended $?"'
	"${other[@]}" start -a c1 >"$BATS_TEST_TMPDIR/out" 2>&1 || true
	grep -q "No space left" "$BATS_TEST_TMPDIR/out"
	local code
	run "${other[@]}" create --name c2 deb true
	[ "$status" != 0 ] || "${other[@]}" rm c2
	run "${other[@]}" load -i "$images/layers7.tar"
	[ "$status" != 0 ]
	[[ $output == *"o space left"* ]]
	run "${other[@]}" ps -a
	[ "$status" = 0 ]
	run "${other[@]}" logs c1
	[ "$status" = 0 ]
	"${other[@]}" rm -f c1
	run "${other[@]}" system check --repair
	"${other[@]}" system check
	[ "$("${other[@]}" run --rm deb echo again)" = again ]
	"${other[@]}" network ls >/dev/null
	wait_until 5 umount "$small"
}

@test "a container that ends when the disk is full: its exit code is known, now and later" {
	local small=$BATS_TEST_TMPDIR/small flag=$BATS_TEST_TMPDIR/flag plain named
	mkdir -m 700 "$small" "$flag"
	mount -t tmpfs -o size=12m,mode=700 none "$small"
	local other=("$MYBOX" --root "$small/root" --runroot "$BATS_TEST_TMPDIR/run")
	"${other[@]}" load -q -i "$images/deb.tar"
	"${other[@]}" run -d --name c1 -v "$flag:/f" deb sh -c 'until [ -e /f/go ]; do sleep 0.05; done; exit 7'
	"${other[@]}" run -d --name c2 -v "$flag:/f" deb sh -c 'until [ -e /f/go ]; do sleep 0.05; done; exit 8'
	dd if=/dev/zero of="$small/fill" bs=64k 2>/dev/null || true
	touch "$flag/go"
	[ "$("${other[@]}" wait c1 c2 | xargs)" = "7 8" ]
	ended() { [ "$("${other[@]}" ps -q | wc -l)" = 0 ]; }
	wait_until 30 ended
	[ "$("${other[@]}" inspect -f '{{.State.Status}} {{.State.ExitCode}}{{.State.Error}}' c1)" = "exited 7" ]
	"${other[@]}" rm c1
	run "${other[@]}" start c2
	rm "$small/fill"
	"${other[@]}" system check --repair || [ $? = 1 ]
	"${other[@]}" system check
	"${other[@]}" start -a c2 || [ $? = 8 ]
	"${other[@]}" rm -f c2
	wait_until 5 umount "$small"
}

@test "a log whose disk is full: what it lacks is counted, and told" {
	local small=$BATS_TEST_TMPDIR/small flag=$BATS_TEST_TMPDIR/flag plain named
	mkdir -m 700 "$small" "$flag"
	mount -t tmpfs -o size=12m,mode=700 none "$small"
	local other=("$MYBOX" --root "$small/root" --runroot "$BATS_TEST_TMPDIR/run")
	"${other[@]}" load -q -i "$images/deb.tar"
	"${other[@]}" run -d --name k1 -v "$flag:/f" deb sh -c 'echo before; until [ -e /f/go ]; do sleep 0.05; done; head -c 65535 /dev/zero | tr "\0" x; echo; until [ -e /f/room ]; do sleep 0.05; done; echo after; until [ -e /f/end ]; do sleep 0.05; done'
	lost() { "${other[@]}" inspect -f '{{.State.LogDropped}} {{.State.LogUnsent}}' k1 2>/dev/null; }
	is_lost() { [ "$(lost)" = "$1" ]; }
	has_after() { "${other[@]}" logs k1 2>/dev/null | grep -qx after; }
	# docker has no such keys: they come when there is something to say.
	run -1 "${other[@]}" inspect -f '{{.State.LogDropped}}' k1
	[ "$("${other[@]}" stats --no-stream --format prometheus | grep -c '^mybox_container_log_.*} 0$')" = 2 ]
	dd if=/dev/zero of="$small/fill" bs=4k 2>/dev/null || true
	touch "$flag/go"
	# All four pieces of the line, and its end.
	wait_until 20 is_lost '65536 0'
	# Whoever takes over counts on.
	kill -9 "$(awk '/^PPid/ { print $2 }' "/proc/$("${other[@]}" inspect -f '{{.State.Pid}}' k1)/status")"
	rm "$small/fill"
	"${other[@]}" exec k1 touch /f/room
	wait_until 20 has_after
	[ "$(lost)" = '65536 0' ]
	"${other[@]}" stats --no-stream --format prometheus | grep -x 'mybox_container_log_dropped_bytes_total{id=".*",name="k1"} 65536'
	run -0 --separate-stderr "${other[@]}" logs k1
	[ "$output" = $'before\nafter' ]
	# shellcheck disable=SC2154 # run sets it
	[ "$stderr" = "mybox: container 'k1': 65536 bytes of its output were dropped: the disk of its log was full or failing" ]
	# Who follows it is told at its end, by either way of reading.
	"${other[@]}" logs -f k1 >"$BATS_TEST_TMPDIR/plain" 2>"$BATS_TEST_TMPDIR/plain.err" 3>&- &
	plain=$!
	"${other[@]}" logs -f --names k1 >"$BATS_TEST_TMPDIR/named" 2>"$BATS_TEST_TMPDIR/named.err" 3>&- &
	named=$!
	follow() { grep -q after "$BATS_TEST_TMPDIR/plain" && grep -q after "$BATS_TEST_TMPDIR/named"; }
	wait_until 20 follow
	touch "$flag/end"
	wait "$plain"
	wait "$named"
	[ "$(cat "$BATS_TEST_TMPDIR/plain.err")" = "mybox: container 'k1': 65536 bytes of its output were dropped: the disk of its log was full or failing" ]
	[ "$(cat "$BATS_TEST_TMPDIR/named.err")" = "mybox: container 'k1': 65536 bytes of its output were dropped: the disk of its log was full or failing" ]
	"${other[@]}" wait k1
	[ "$(lost)" = '65536 0' ]
	run -0 --separate-stderr "${other[@]}" logs -f k1
	[[ $stderr == *"65536 bytes of its output were dropped"* ]]
	run -0 --separate-stderr "${other[@]}" logs --names k1
	[ "$output" = $'k1 before\nk1 after' ]
	[[ $stderr == *"65536 bytes of its output were dropped"* ]]
	"${other[@]}" rm k1
	wait_until 5 umount "$small"
}

@test "an end that cannot be written in its place is kept where it can" {
	mkdir "$run/flag"
	mybox run -d --name c1 -v "$run/flag:/f" deb sh -c 'until [ -e /f/go ]; do sleep 0.05; done; exit 7'
	local dir
	dir=$root/containers/$(mybox inspect -f '{{.Id}}' c1)
	# No file can take the place of a directory.
	rm "$dir/exit.json"
	mkdir "$dir/exit.json" "$dir/.exit.json.new"
	touch "$run/flag/go"
	told() {
		run mybox system check
		[[ $output == *"has ended and was not put away"* ]]
	}
	wait_until 30 told
	[ "$(mybox inspect -f '{{.State.Status}} {{.State.ExitCode}}{{.State.Error}}' c1)" = "exited 7" ]
	run -2 mybox system check --repair
	rmdir "$dir/exit.json" "$dir/.exit.json.new"
	run -1 mybox system check --repair
	mybox system check
	[ "$(mybox inspect -f '{{.State.ExitCode}}' c1)" = 7 ]
	[ "$(mybox start -a c1; echo $?)" = 7 ]
}

@test "closed standard descriptors do no harm" {
	"${box[@]}" run --rm deb true <&- >&- 2>&-
	"${box[@]}" ps <&-
	run bash -c "'$MYBOX' --root $root --runroot $run ps >/dev/full"
	[ "$status" != 0 ]
	mybox run -d --name c1 deb sh -c 'while :; do echo x; done'
	"${box[@]}" logs -f c1 | head -1
	mybox kill c1
}

@test "odd environments: no PATH, no HOME, a relative store, another directory" {
	env -i "$MYBOX" --root "$root" --runroot "$run" run --rm deb true
	(cd / && env -i "$MYBOX" --root "$root" --runroot "$run" ps)
	run bash -c "cd '$BATS_TEST_TMPDIR' && mkdir gone && cd gone && rmdir ../gone && '$MYBOX' --root $root --runroot $run run --rm deb echo ran"
	[[ $output == *ran* ]]
}

@test "terminal escapes in names and errors are not passed on" {
	run mybox inspect "$(printf 'a\033[31mb')"
	[ "$status" = 1 ]
	[[ $output != *$'\033'* ]]
	run -127 mybox run --rm deb "$(printf '/x\033]0;title\007')"
	[[ $output != *$'\033'* ]]
}
