#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What podman's run and create have besides docker's.
load helpers

@test "--entrypoint: a JSON list is several words, what only looks like one is one" {
	[ "$(mybox run --rm --entrypoint '["/bin/echo","a  b", "c"]' deb d e)" = "a  b c d e" ]
	[ "$(mybox run --rm --entrypoint ' [ "echo" ] ' deb one)" = one ]
	# The image's command goes with its entrypoint, a list that is empty resets it.
	[ "$(mybox run --rm --entrypoint '[]' deb echo reset)" = reset ]
	local word
	for word in '["a"' "['a']" '["a",1]' '[a]' '{"a":"b"}' 'null' '"echo"' '["a\u0000b"]'; do
		run mybox create --name c1 --entrypoint "$word" deb x
		[ "$status" = 0 ]
		[ "$(mybox inspect -f '{{len .Config.Entrypoint}}' c1)" = 1 ]
		[ "$(mybox inspect -f '{{index .Config.Entrypoint 0}}' c1)" = "$word" ]
		mybox rm c1
	done
}

@test "--replace: the new one takes the name, and the old one goes when nothing can fail any more" {
	local first second
	run mybox create --replace deb true
	[ "$status" = 1 ]
	[[ $output == *"cannot replace container without --name being set"* ]]
	first=$(mybox run -d --replace --name web deb sleep 1000)
	# What is wrong with the new one leaves the old one alone.
	run mybox run -d --replace --name web --memory 1m deb sleep 1000
	[ "$status" = 125 ]
	run mybox run -d --replace --name web nosuchimage-xyz.invalid/a --pull never
	[ "$status" = 125 ]
	run mybox run -d --replace --name web --pull never nosuch:image sleep 1
	[ "$status" = 125 ]
	[ "$(mybox inspect -f '{{.Id}} {{.State.Running}}' web)" = "$first true" ]
	[ "$(mybox ps -aq | wc -l)" = 1 ]
	second=$(mybox run -d --replace --name web -p 127.0.0.1:18099:80 deb sleep 1000)
	[ "$second" != "$first" ]
	[ "$(mybox inspect -f '{{.Id}} {{.Name}} {{.State.Running}}' web)" = "$second /web true" ]
	run mybox inspect "$first"
	[ "$status" = 1 ]
	# The port of the old one is free by then; names answer on the network.
	first=$(mybox run -d --replace --name web -p 127.0.0.1:18099:80 deb sleep 1000)
	[ "$(mybox port web)" = "80/tcp -> 127.0.0.1:18099" ]
	[ "$(mybox run --rm --replace --name web deb echo done)" = done ]
	[ -z "$(mybox ps -aq)" ]
	# A beginning of another's id is no name of it.
	second=$(mybox create --name other deb true)
	mybox create --replace --name "${second:0:12}" deb true
	[ "$(mybox inspect -f '{{.Name}}' "$second")" = /other ]
}

@test "--env-host: what neither the image nor the user says" {
	export MINE=host BOTH=host
	run -0 env PATH=/host/path HOME=/host/home "$MYBOX" --root "$root" --runroot "$run" run --rm --env-host -e BOTH=user deb env
	[[ $output == *MINE=host* ]]
	[[ $output == *BOTH=user* ]]
	[[ $output != *BOTH=host* ]]
	[[ $output != *PATH=/host/path* ]]
	run -0 mybox run --rm deb env
	[[ $output != *MINE=* ]]
}

@test "--http-proxy: the caller's proxies, and no more" {
	export http_proxy=http://proxy.test:1 NO_PROXY=here MINE=host
	run -0 mybox run --rm --http-proxy -e NO_PROXY=mine deb env
	[[ $output == *http_proxy=http://proxy.test:1* ]]
	[[ $output == *NO_PROXY=mine* ]]
	[[ $output != *MINE* ]]
	run -0 mybox run --rm --http-proxy=false deb env
	[[ $output != *http_proxy* ]]
}

@test "--unsetenv, --unsetenv-all: the image's variables, not the user's" {
	run -0 mybox run --rm --unsetenv FROM_IMAGE --unsetenv HOSTNAME deb env
	[[ $output != *FROM_IMAGE* ]]
	[[ $output != *HOSTNAME* ]]
	run -0 mybox run --rm --unsetenv FROM_IMAGE -e FROM_IMAGE=mine deb sh -c 'echo $FROM_IMAGE'
	[ "$output" = mine ]
	run -0 mybox run --rm --unsetenv-all -e A=1 deb env
	[[ $output != *FROM_IMAGE* ]]
	[[ $output == *A=1* ]]
	[[ $output == *PATH=/usr/local/sbin:* ]]
	run -125 mybox run --rm --unsetenv A=1 deb true
	[[ $output == *"--unsetenv: 'A=1' is no name of a variable" ]]
}

@test "--no-hosts: the file is the image's" {
	run mybox run --rm -h box --no-hosts deb cat /etc/hosts
	[[ $output != *box* ]]
	mybox create --name plain --no-hosts deb true
	[ "$(mybox inspect -f '{{.HostConfig.NoHosts}}' plain)" = true ]
	run -125 mybox run --rm --no-hosts --add-host there:192.0.2.1 deb true
	[[ $output == *"--no-hosts and --add-host cannot be set together" ]]
}

@test "--tz: the host's zone, by its name or as the host has it" {
	[ -e /usr/share/zoneinfo/Asia/Tokyo ] || skip "needs tzdata"
	mybox run --rm --tz Asia/Tokyo deb cat /etc/localtime | cmp - /usr/share/zoneinfo/Asia/Tokyo
	mybox run --rm --read-only --tz local deb cat /etc/localtime | cmp - /etc/localtime
	run mybox run --rm --tz Asia/Tokyo deb sh -c 'echo x >/etc/localtime'
	[ "$status" != 0 ]
	mybox create --name c1 --tz Asia/Tokyo deb true
	[ "$(mybox inspect -f '{{.Config.Timezone}}' c1)" = Asia/Tokyo ]
	local bad
	for bad in Nowhere/Land Asia /etc/passwd ../../../etc/passwd ''; do
		run mybox create --tz "$bad" deb true
		[ "$status" = 1 ]
		[[ $output == *"--tz: this host knows no time zone '$bad'"* ]]
	done
}

@test "--umask: of its processes, those of exec too" {
	[ "$(mybox run --rm deb sh -c umask)" = 0022 ]
	mybox run -d --name c1 --umask 0077 deb sh -c 'umask >/is; exec sleep 1000'
	wait_until 5 mybox exec c1 test -s /is
	[ "$(mybox exec c1 cat /is)" = 0077 ]
	[ "$(mybox exec c1 sh -c umask)" = 0077 ]
	[ "$(mybox inspect -f '{{.Config.Umask}}' c1)" = 0077 ]
	local bad
	for bad in 1000 8 -1 x ''; do
		run mybox create --umask "$bad" deb true
		[ "$status" = 1 ]
		[[ $output == *"--umask: '$bad' is no octal number up to 0777"* ]]
	done
}

@test "--pidfile: the number of process 1, whole, at each start" {
	cd "$BATS_TEST_TMPDIR"
	mybox run -d --name c1 --pidfile pid deb sleep 1000
	[ "$(cat pid)" = "$(mybox inspect -f '{{.State.Pid}}' c1)" ]
	[ "$(stat -c %a pid)" = 644 ]
	mybox restart -t 0 c1
	[ "$(cat pid)" = "$(mybox inspect -f '{{.State.Pid}}' c1)" ]
	# A link in its place is replaced, not followed.
	echo kept >other
	ln -sf other pid
	mybox restart -t 0 c1
	[ ! -L pid ]
	[ "$(cat other)" = kept ]
	run mybox create --pidfile nosuch/pid deb true
	[ "$status" = 1 ]
	[[ $output == *"--pidfile: directory '$PWD/nosuch': No such file or directory"* ]]
	run mybox create --pidfile /tmp/ deb true
	[ "$status" = 1 ]
	[[ $output == *"'/tmp/' is no name of a file"* ]]
	# Where it cannot be written any more nothing is started.
	mkdir gone
	mybox create --name c2 --pidfile gone/pid deb sleep 1000
	rmdir gone
	run mybox start c2
	[ "$status" = 1 ]
	[[ $output == *"--pidfile: cannot open '$PWD/gone'"* ]]
	[ "$(mybox inspect -f '{{.State.Running}}' c2)" = false ]
}

@test "what is refused says so by its name" {
	run mybox run --rm --init-path /sbin/init deb true
	[ "$status" = 125 ]
	[[ $output == *"--init-path"* ]]
	[[ $output == *"--init runs mybox's own"* ]]
	run mybox run --rm --pod x deb true
	[ "$status" = 125 ]
	[[ $output == *"--pod"* ]]
}
