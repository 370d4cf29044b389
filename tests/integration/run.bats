#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# run: streams, exit codes, what the process finds around it.
load helpers

@test "stdout and stderr stay apart, byte for byte" {
	head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/bytes"
	mybox run --rm -i deb sh -c 'cat; echo err >&2' <"$BATS_TEST_TMPDIR/bytes" \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	cmp "$BATS_TEST_TMPDIR/bytes" "$BATS_TEST_TMPDIR/out"
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = err ]
}

@test "without -i there is no stdin" {
	run mybox run --rm deb cat <<<"never seen"
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "the exit code is the command's" {
	local code
	for code in 0 1 42 125 126 127 128 200 255; do
		run -$code mybox run --rm deb sh -c "exit $code"
	done
}

@test "death by signal n ends with 128+n" {
	local n
	for n in 1 6 9 11 15; do
		run mybox run --rm --init deb sh -c "kill -$n \$\$"
		[ "$status" = $((128 + n)) ]
	done
}

@test "a command that is not there ends with 127" {
	run -127 mybox run --rm deb /no/such/program
	[ "$status" = 127 ]
	[[ $output == mybox:*"/no/such/program"* ]]
	[ "${#lines[@]}" = 1 ]
	run -127 mybox run --rm deb nosuchprogram
	[ "$status" = 127 ]
	run -127 mybox run --rm deb ''
	[ "$status" = 127 ]
	[ -z "$(mybox ps -aq)" ]
}

@test "an interpreter that is not there ends with 127" {
	printf '#!/no/such/interpreter\n' >"$BATS_TEST_TMPDIR/script"
	chmod 755 "$BATS_TEST_TMPDIR/script"
	run -127 mybox run --rm -v "$BATS_TEST_TMPDIR/script:/script" deb /script
	[ "$status" = 127 ]
}

@test "a command that cannot be executed ends with 126" {
	run mybox run --rm deb /etc/passwd
	[ "$status" = 126 ]
	[[ $output == *"permission denied"* ]]
	run mybox run --rm deb /etc
	[ "$status" = 126 ]
	printf 'neither script nor program' >"$BATS_TEST_TMPDIR/odd"
	chmod 755 "$BATS_TEST_TMPDIR/odd"
	run mybox run --rm -v "$BATS_TEST_TMPDIR/odd:/odd" deb /odd
	[ "$status" = 126 ]
	run mybox run --rm deb /etc/passwd/x
	[ "$status" = 126 ] || [ "$status" = 127 ]
	[ -z "$(mybox ps -aq)" ]
}

@test "a failed start without --rm is kept as created, with its error" {
	run -127 mybox run --name failed deb /no/such
	[ "$status" = 127 ]
	run mybox inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Running}}' failed
	[ "$output" = "created 127 false" ]
	run mybox inspect -f '{{.State.Error}}' failed
	[[ $output == *"/no/such"* ]]
	run -127 mybox run -d --name failed2 deb /no/such
	[ "$status" = 127 ]
}

@test "an image that is not there ends with 125" {
	run mybox run --rm nosuch:1 true
	[ "$status" = 125 ]
	[[ $output == *"Unable to find image 'nosuch:1' locally"* ]]
	run mybox run --rm Upper true
	[ "$status" = 125 ]
	[[ $output == *"invalid reference format"* ]]
	run mybox run --rm
	[ "$status" != 0 ]
	[[ $output == *'"mybox run" requires at least 1 argument.'* ]]
}

@test "-d prints the id alone and leaves the container running" {
	run mybox run -d --name one deb sleep 100
	[ "$status" = 0 ]
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	[ "$(mybox inspect -f '{{.Id}} {{.State.Running}}' one)" = "$output true" ]
}

@test "names: given, made up, in use, invalid" {
	mybox run -d --name given deb sleep 100
	run mybox run -d --name given deb true
	[ "$status" = 125 ]
	[[ $output == *'The container name "/given" is already in use by container'* ]]
	local bad
	for bad in .a -a a a/b 'a b' 'ü' ''; do
		run mybox create --name="$bad" deb true
		[ -n "$bad" ] || continue
		[ "$status" = 1 ]
		[[ $output == *"Invalid container name"* ]]
	done
	mybox run -d deb true
	run mybox ps -a --format '{{.Names}}' --last 1
	[[ $output =~ ^[a-z]+_[a-z]+[0-9]?$ ]]
}

@test "hostname is the short id, or what is asked for" {
	local id
	id=$(mybox run -d deb sh -c 'hostname; cat /etc/hostname; echo $HOSTNAME; exec sleep 100')
	wait_until 5 sh -c "[ \$('$MYBOX' --root $root --runroot $run logs $id | wc -l) = 3 ]"
	run mybox logs "$id"
	[ "${lines[0]}" = "${id:0:12}" ]
	[ "${lines[1]}" = "${id:0:12}" ]
	[ "${lines[2]}" = "${id:0:12}" ]
	run mybox run --rm -h box.example.org deb sh -c 'hostname; cat /etc/hostname; echo $HOSTNAME'
	[ "$output" = "box.example.org
box.example.org
box.example.org" ]
	run mybox run --rm --domainname example.org -h box deb cat /proc/sys/kernel/domainname
	[ "$output" = example.org ]
}

@test "the environment is the image's and the user's, and no more" {
	export LEAK=leaked TAKEN=taken
	run mybox run --rm -e A=1 -e B= -e TAKEN -e UNSET_HERE -e FROM_IMAGE=no -h box deb env
	[ "$status" = 0 ]
	[[ $output != *leaked* ]]
	[[ $output != *UNSET_HERE* ]]
	local all
	all=$(printf '%s\n' "${lines[@]}" | sort)
	[ "$all" = "A=1
B=
FROM_IMAGE=no
HOME=/root
HOSTNAME=box
PATH=/usr/local/bin:/bin:/usr/bin
TAKEN=taken" ]
}

@test "-e NAME: what the caller has not, the container has not either" {
	unset FROM_IMAGE HOSTNAME
	run -0 mybox run --rm -e FROM_IMAGE deb env
	[[ $output != *FROM_IMAGE* ]]
	run -0 mybox run --rm -e A=1 -e A -e HOSTNAME deb env
	[[ $output != *$'\n'A=* ]]
	[[ $output != A=* ]]
	[[ $output != *HOSTNAME* ]]
	run -0 mybox run --rm -e A -e A=2 deb sh -c 'echo $A'
	[ "$output" = 2 ]
	mybox run -d --name box -e FROM_IMAGE deb sleep 1000
	[[ $(mybox inspect -f '{{json .Config.Env}}' box) == *'"FROM_IMAGE"'* ]]
	run -0 mybox exec box env
	[[ $output != *FROM_IMAGE* ]]
	# A line of a file only asks.
	echo FROM_IMAGE >"$BATS_TEST_TMPDIR/env"
	run -0 mybox run --rm --env-file "$BATS_TEST_TMPDIR/env" deb sh -c 'echo $FROM_IMAGE'
	[ "$output" = yes ]
}

@test "labels without a name, and a name that is none" {
	local bad
	for bad in =x '' ' =x'; do
		run -125 mybox run --rm --label "$bad" deb true
		[[ $output == *"invalid label '$bad': empty name" ]]
	done
	echo =x >"$BATS_TEST_TMPDIR/labels"
	run -125 mybox run --rm --label-file "$BATS_TEST_TMPDIR/labels" deb true
	[[ $output == *"invalid label '=x': empty name" ]]
	[ -z "$(mybox ps -aq)" ]
	mybox create --name '' deb true
	[ -n "$(mybox ps -a --format '{{.Names}}')" ]
	run -125 mybox run --name / deb true
}

@test "--volume-driver: the one that there is" {
	run -0 mybox run --rm --volume-driver local -v vol:/v deb true
	run -125 mybox run --rm --volume-driver nosuch -v other:/v deb true
	[[ $output == *'error looking up volume plugin nosuch: plugin "nosuch" not found' ]]
	[ "$(mybox volume ls -q)" = vol ]
}

@test "--read-only: the files that are ours, too" {
	local file
	for file in hosts resolv.conf hostname; do
		run mybox run --rm --read-only deb sh -c "echo x >>/etc/$file"
		[ "$status" = 1 ]
		[[ $output == *"Read-only file system"* ]]
		mybox run --rm deb sh -c "echo x >>/etc/$file"
	done
}

@test "--env-file: comments, inherited names, values kept as they are" {
	printf '# comment\n\nX=a b "c"\nTAKEN\nEMPTY=\n  LEFT=1\n' >"$BATS_TEST_TMPDIR/env"
	export TAKEN=taken
	run mybox run --rm --env-file "$BATS_TEST_TMPDIR/env" -e X2=1 deb env
	[[ $output == *$'X=a b "c"\n'* ]]
	[[ $output == *TAKEN=taken* ]]
	[[ $output == *EMPTY=* ]]
	[[ $output == *X2=1* ]]
	printf 'BAD NAME=1\n' >"$BATS_TEST_TMPDIR/env"
	run mybox run --rm --env-file "$BATS_TEST_TMPDIR/env" deb env
	[ "$status" = 125 ]
	run mybox run --rm --env-file /nonexistent deb env
	[ "$status" = 125 ]
	[[ $output == *"/nonexistent"* ]]
}

@test "-w makes the directory, refuses what is relative" {
	run mybox run --rm -w /a/new/place deb pwd
	[ "$output" = /a/new/place ]
	run mybox run --rm -w relative deb pwd
	[ "$status" = 125 ]
	[[ $output == *"the working directory 'relative' is invalid, it needs to be an absolute path"* ]]
	run mybox run --rm -w /etc/passwd deb pwd
	[ "$status" != 0 ]
	[[ $output == *"/etc/passwd"* ]]
}

@test "the image's settings are followed, and each can be overridden" {
	mybox load -q -i "$images/settings.tar"
	run mybox run --rm settings
	[ "$output" = "entry cmd" ]
	run mybox run --rm settings other words
	[ "$output" = "entry other words" ]
	run mybox run --rm --entrypoint pwd settings
	[ "$output" = /srv/app ]
	run mybox run --rm --entrypoint '' settings id -un
	[ "$output" = user ]
	run mybox run --rm --entrypoint /bin/id -u 0 settings -u
	[ "$output" = 0 ]
	run mybox run --rm --entrypoint '' settings
	[ "$status" = 125 ]
	[[ $output == *"no command specified"* ]] || [[ $output == *"No command specified"* ]]
	run mybox create --name set settings
	run mybox inspect -f '{{.Config.StopSignal}} {{index .Config.Labels "org.test"}} {{json .Config.Entrypoint}} {{json .Config.Cmd}}' set
	[ "$output" = 'SIGUSR1 label ["/bin/echo","entry"] ["cmd"]' ]
	mybox rm -v set
	mybox rmi settings
}

@test "signals reach the process" {
	"${box[@]}" run --name sig deb sh -c 'trap "echo got; exit 7" USR1; echo ready; while :; do sleep 0.1; done' \
		>"$BATS_TEST_TMPDIR/out" &
	local client=$!
	wait_until 5 grep -q ready "$BATS_TEST_TMPDIR/out"
	kill -USR1 $client
	local code=0
	wait $client || code=$?
	[ $code = 7 ]
	grep -q got "$BATS_TEST_TMPDIR/out"
}

@test "--cidfile holds the id, and is never written over" {
	run mybox run -d --cidfile "$BATS_TEST_TMPDIR/cid" deb sleep 100
	[ "$(cat "$BATS_TEST_TMPDIR/cid")" = "$output" ]
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/cid")" = 64 ]
	run mybox run -d --cidfile "$BATS_TEST_TMPDIR/cid" deb true
	[ "$status" = 125 ]
	[[ $output == *"container ID file found, make sure the other container isn't running or delete $BATS_TEST_TMPDIR/cid"* ]]
	[ "$(mybox ps -aq | wc -l)" = 1 ]
	run mybox run -d --cidfile "$BATS_TEST_TMPDIR/cid2" --name bad/name deb true
	[ "$status" = 125 ]
	[ ! -e "$BATS_TEST_TMPDIR/cid2" ]
}

@test "--rm leaves nothing, also of anonymous volumes; named ones stay" {
	mybox run --rm -v /anon -v kept:/kept deb sh -c 'echo 1 >/kept/file; echo 1 >/anon/file'
	[ -z "$(mybox ps -aq)" ]
	[ "$(mybox volume ls -q)" = kept ]
	mybox run -d --rm --name bg -v /anon deb sh -c 'exit 3'
	wait_until 5 sh -c "! '$MYBOX' --root $root --runroot $run container exists bg"
	wait_until 5 sh -c "[ \"\$('$MYBOX' --root $root --runroot $run volume ls -q)\" = kept ]"
	run mybox run --rm --restart always deb true
	[ "$status" = 125 ]
	[[ $output == *"conflicting options: cannot specify both --restart and --rm"* ]]
}

@test "-a chooses streams" {
	mybox run --rm -a stderr deb sh -c 'echo out; echo err >&2' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[ ! -s "$BATS_TEST_TMPDIR/out" ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = err ]
	run mybox run --rm -a bad deb true
	[ "$status" = 125 ]
	run mybox run --rm -d -a stdout deb true
	[ "$status" = 125 ]
	[[ $output == *"onflicting options"* ]]
}

@test "--init: process 1 forwards signals and reaps" {
	run mybox run --rm --init deb sh -c 'echo $$; exit 9'
	[ "$status" = 9 ]
	[ "$output" != 1 ]
	mybox run -d --init --name reaper deb sh -c 'for i in 1 2 3 4 5; do (sleep 0.01 & ) ; done; exec sleep 100'
	zombies() { mybox exec reaper ps -o stat,args | grep -c '^Z' | grep -qx 0; }
	wait_until 5 zombies
	run mybox stop -t 5 reaper
	[ "$(mybox inspect -f '{{.State.ExitCode}}' reaper)" = 143 ]
	[ "$(mybox inspect -f '{{.HostConfig.Init}}' reaper)" = true ]
}

@test "labels: flags, files, the image's" {
	printf '# c\nfrom.file=1\nempty\n' >"$BATS_TEST_TMPDIR/labels"
	mybox create --name lab -l a=1 -l b --label c=x=y --label-file "$BATS_TEST_TMPDIR/labels" --annotation k=v deb
	run mybox inspect -f '{{json .Config.Labels}}' lab
	[ "$output" = '{"a":"1","b":"","c":"x=y","empty":"","from.file":"1"}' ]
}

@test "a hundred kilobytes of arguments arrive" {
	local long
	long=$(head -c 100000 /dev/zero | tr '\0' x)
	run mybox run --rm deb sh -c 'echo ${#1}' sh "$long"
	[ "$output" = 100000 ]
}

@test "arguments and variables of every byte arrive" {
	run mybox run --rm -e "ODD=$(printf 'a\nb\t"\\\xc3\xa9')" deb sh -c 'printf %s "$ODD" | md5sum; printf %s "$1" | md5sum' sh "$(printf '\x01\xc3\xbf\n\\x "')"
	[ "${lines[0]}" = "$(printf 'a\nb\t"\\\xc3\xa9' | md5sum)" ]
	[ "${lines[1]}" = "$(printf '\x01\xc3\xbf\n\\x "' | md5sum)" ]
}

# bats test_tags=cgroup
@test "in a control group that was once killed" {
	local tree=/sys/fs/cgroup group
	[ ! -d $tree/unified ] || tree=$tree/unified
	[ -e $tree/mybox/cgroup.kill ] || mybox run --rm deb true
	group=$tree/mybox-test-killed
	mkdir -p $group
	[ -e $group/cgroup.kill ] || skip "needs cgroup.kill"
	echo 1 >$group/cgroup.kill
	mybox run -d --name c1 deb sleep 1000
	in_group() {
		(
			echo $BASHPID >$group/cgroup.procs
			mybox "$@"
		)
	}
	[ "$(in_group run --rm deb echo alive)" = alive ]
	[ "$(in_group exec c1 echo in)" = in ]
	in_group exec -d c1 touch /there
	wait_until 30 mybox exec c1 test -e /there
	in_group run -d --name c2 deb sleep 1000
	[ "$(in_group exec c2 cat /proc/1/cmdline | tr '\0' ' ')" = "sleep 1000 " ]
	in_group restart -t 0 c2
	mybox rm -f c2
	away() { rmdir $group; }
	wait_until 30 away
}
