#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Keys of the caller: in an agent of the build's own; and repositories that come over ssh.
# bats file_tags=cgroup:any
load build_helpers

setup_file() {
	build_begin
	export far=/run/mybox-test/build_ssh.bats/far
	mkdir -p "$far" /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$far/host"
	ssh-keygen -q -t ed25519 -N '' -f "$far/key"
	cp "$far/key.pub" "$far/authorized"
	printf '%s\n' 'Port 22' 'Port 2223' 'ListenAddress 127.0.0.1' "HostKey $far/host" 'UsePAM no' 'PasswordAuthentication no' 'KbdInteractiveAuthentication no' \
		"AuthorizedKeysFile $far/authorized" 'PermitRootLogin prohibit-password' \
		'StrictModes no' 'PidFile none' >"$far/sshd_config"
	/usr/sbin/sshd -D -E "$far/log" -f "$far/sshd_config" 3>&- 4>&- &
	echo $! >"$far/pid"
	wait_until 20 listening 2223
	repository "$far/module"
	repository "$far/r"
	git -C "$far/r" -c protocol.file.allow=always submodule --quiet add ../module m
	git -C "$far/r" config -f .gitmodules submodule.m.url ../module
	commit "$far/r" module
}
teardown_file() { kill "$(cat "$far/pid")"; }
listening() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
commit() { git -C "$1" -c user.name=n -c user.email=e@e commit -qam "$2"; }
repository() {
	git init -q -b main "$1"
	printf 'FROM deb\nCOPY . /c\n' >"$1/Dockerfile"
	git -C "$1" add -A
	commit "$1" one
}
# knows [PORT]: the caller does.
knows() {
	export HOME=$BATS_TEST_TMPDIR/home
	mkdir -p "$HOME/.ssh"
	echo "[127.0.0.1]:$1 $(cut -d' ' -f1,2 "$far/host.pub")" >"$HOME/.ssh/known_hosts"
}
ended() { ! grep -qs '^State:.[^Z]' "/proc/$1/status"; }
# begin [OPTIONS]: a build whose RUN has an agent, until "go"; $builder, $agent, $sock.
begin() {
	dockerfile <<-'EOT'
		FROM deb
		RUN --mount=type=cache,target=/c,id=ssh --mount=type=ssh,id=k touch /c/begun; i=0; until [ -e /c/go ] || [ $i = 300 ]; do sleep 0.1; i=$((i+1)); done; rm -f /c/*
	EOT
	"$MYBOX" --root "$root" --runroot "$run" build -t made "$@" "$ctx" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	builder=$!
	wait_until 20 sh -c "ls $root/caches/*/begun"
	agent=$(pgrep -x -P $builder ssh-agent)
	sock=/proc/$(mybox inspect -f '{{.State.Pid}}' "$(mybox ps -q)")/root/run/buildkit/ssh_agent.0
}
go() { touch "$(dirname "$(ls "$root"/caches/*/begun)")/go"; }
# as_nobody COMMAND...
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"; }
# ids_are_own PID: all of its uids and gids are drawn.
ids_are_own() { [ "$(awk '/^[UG]id:/ {for (i = 2; i <= 5; i++) n += $i >= 2013265920 && $i < 2080374784} END {print n}' "/proc/$1/status")" = 8 ]; }
key() { ssh-keygen -q -N '' -C '' -f "$BATS_TEST_TMPDIR/$1" "${@:2}"; }

@test "build --ssh id=KEY,KEY: an agent has them for RUN, and nobody else has" {
	local builder agent sock kind kept
	cd "$BATS_TEST_TMPDIR"
	key one -t ed25519
	key two -t rsa -b 2048 -m PEM
	key three -t ecdsa -m PKCS8
	begin --ssh k=one,two,three
	[ "$(SSH_AUTH_SOCK=$sock ssh-add -l | wc -l)" = 3 ]
	# It signs, and nothing else.
	key other -t ed25519
	SSH_AUTH_SOCK=$sock run ! ssh-add -D
	SSH_AUTH_SOCK=$sock run ! ssh-add -d one
	SSH_AUTH_SOCK=$sock run ! ssh-add other
	[ "$(SSH_AUTH_SOCK=$sock ssh-add -l | wc -l)" = 3 ]
	for kind in one two three; do
		echo signed >file
		SSH_AUTH_SOCK=$sock ssh-keygen -q -Y sign -f $kind.pub -n test file
		ssh-keygen -q -Y check-novalidate -n test -s file.sig <file
		rm file.sig
	done
	# It runs as somebody whom nobody else is, who cannot look into it, and leaves no core, not in
	# a pipe either.
	ids_are_own "$agent"
	[ "$(stat -c %u "/proc/$agent/mem")" = 0 ]
	[ "$(awk '/^Max core/ {print $5, $6}' "/proc/$agent/limits")" = '1 1' ]
	go
	wait "$builder"
	wait_until 20 ended "$agent"
	# The key is nowhere.
	kept=$(sed -n 3p one)
	run -1 grep -rqF "$kept" "$root" "$BATS_TEST_TMPDIR/out"
	run -0 in_made 'ls /run/buildkit 2>/dev/null | wc -l'
	[ "$output" = 0 ]
	# A step is the same with another key, or none.
	run -0 build --ssh k=two
	[[ "$output" == *CACHED* ]]
	run -0 build
	[[ "$output" == *CACHED* ]]
}

@test "build --ssh id=KEY: the agent ends with the build that is killed" {
	local builder agent sock
	key one -t ed25519
	begin --no-cache --ssh k="$BATS_TEST_TMPDIR/one"
	kill -KILL "$builder"
	wait_until 20 ended "$agent"
	mybox builder prune -af >/dev/null
	mybox system prune -f >/dev/null
}

@test "build --ssh id=KEY: what is no key, or an encrypted one, is refused by name" {
	local row socket
	cd "$BATS_TEST_TMPDIR"
	dockerfile <<<'FROM deb'
	key plain -t ed25519
	ssh-keygen -q -N secret -f enc1 -t ed25519
	ssh-keygen -q -N secret -f enc2 -t rsa -b 2048 -m PEM
	ssh-keygen -q -N secret -f enc3 -t ecdsa -m PKCS8
	{ head -2 plain; echo rubbish; tail -1 plain; } >broken
	echo text >text
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'
	for row in "enc1|the key 'enc1' is encrypted: give an agent that has it" "enc2|the key 'enc2' is encrypted: give an agent that has it" \
		"enc3|the key 'enc3' is encrypted: give an agent that has it" "text|'text' is neither an agent's socket nor a private key" \
		"plain.pub|'plain.pub' is neither an agent's socket nor a private key" "nosuch|'nosuch': No such file or directory" \
		"plain,enc1|the key 'enc1' is encrypted: give an agent that has it" "sock,plain|an agent's socket stands alone" \
		"plain,sock|an agent's socket stands alone" "sock,sock|an agent's socket stands alone"; do
		run -1 build --ssh "k=${row%%|*}"
		[ "$output" = "mybox: --ssh k=${row%%|*}: ${row#*|}" ] || { echo "$output"; false; }
	done
	run -1 build --ssh k=broken
	[[ "$output" == "mybox: --ssh k=broken: the key 'broken': ssh-add: Error loading key"* ]]
	[ "${#lines[@]}" = 1 ]
	head -c 200000 /dev/zero >big
	run -1 build --ssh k=big
	[[ "$output" == "mybox: --ssh k=big: "* ]]
	run -0 build -q --ssh k=plain
}

@test "build --ssh id=KEY and --secret: what comes through a pipe is waited for" {
	cd "$BATS_TEST_TMPDIR"
	dockerfile <<-'EOT'
		FROM deb
		RUN --mount=type=secret,id=s cp /run/secrets/s /s
	EOT
	key one -t ed25519
	mkfifo first second
	build -q --secret id=s,src=first --ssh k=second 3>&- &
	timeout 20 sh -c 'echo secret >first'
	timeout 20 sh -c 'cat one >second'
	wait $!
	[ "$(in_made 'cat /s')" = secret ]
}

@test "build: a git repository over ssh, with an agent and with a key" {
	local at=ssh://root@127.0.0.1:2223$far/r
	knows 2223
	eval "$(ssh-agent -s -a "$BATS_TEST_TMPDIR/agent")" >/dev/null
	ssh-add -q "$far/key"
	mybox build -q -t made --ssh default "$at#main"
	ssh-agent -k >/dev/null
	[ "$(in_made 'ls -A /c; ls /c/m')" = $'.gitmodules\nDockerfile\nm\nDockerfile' ]
	mybox rmi -f made >/dev/null
	mybox build -q -t made --ssh default="$far/key" "$at"
	in_made 'ls /c/m/Dockerfile'
	# The same for ADD and under a name.
	printf 'FROM deb\nADD --keep-git-dir=true %s /a/\nCOPY --from=x Dockerfile /b/\n' "$at" | dockerfile
	build -q --ssh default="$far/key" --build-context x="$at"
	[ "$(in_made 'ls /a/m /b; find / -xdev -name known_hosts -o -xdev -name agent | grep -v ^/proc | wc -l')" = $'/a/m:\nDockerfile\n\n/b:\nDockerfile\n0' ]
	run ! grep -rqF "$(sed -n 3p "$far/key")" "$root"
	run ! grep -rqF "$(cut -d' ' -f2 "$HOME/.ssh/known_hosts")" "$root"
}

@test "build: a git repository over ssh: who is not known, or knows nobody, is told of" {
	local at=ssh://root@127.0.0.1:2223$far/r
	knows 2223
	run -1 mybox build "$at"
	[ "$output" = "mybox: 'ssh://xxxxx@127.0.0.1:2223$far/r': git over ssh needs an agent: --ssh default" ]
	key other -t ed25519
	run -1 mybox build --ssh default="$BATS_TEST_TMPDIR/other" "$at"
	[[ "$output" == *"git fetch: root@127.0.0.1: Permission denied (publickey)." ]]
	# As scp writes it.
	knows 22
	sed -i 's/\[127.0.0.1\]:22/127.0.0.1/' "$HOME/.ssh/known_hosts"
	run -1 mybox build --ssh default="$far/key" "git@127.0.0.1:$far/r"
	[[ "$output" == *"git fetch: git@127.0.0.1: Permission denied (publickey)." ]]
	# A server that is another one, or that the caller has never met, whatever his settings say.
	printf 'Host *\nStrictHostKeyChecking no\nProxyCommand touch /run/mybox-test/owned\n' >"$HOME/.ssh/config"
	knows 2224
	run -1 mybox build --ssh default="$far/key" "$at"
	[[ "$output" == *"git fetch: Host key verification failed." ]]
	echo "[127.0.0.1]:2223 $(cut -d' ' -f1,2 "$BATS_TEST_TMPDIR/other.pub")" >"$HOME/.ssh/known_hosts"
	run -1 mybox build --ssh default="$far/key" "$at"
	[[ "$output" == *"git fetch: Host key verification failed." ]]
	rm "$HOME/.ssh/known_hosts"
	run -1 mybox build --ssh default="$far/key" "$at"
	[[ "$output" == *"git fetch: Host key verification failed." ]]
	[ ! -e /run/mybox-test/owned ]
	[ -z "$(ls "$root/ingest")" ]
}

@test "build: a git repository over ssh: its modules use no key with another server" {
	repository "$far/other"
	git -C "$far/other" -c protocol.file.allow=always submodule --quiet add ../module m
	git -C "$far/other" config -f .gitmodules submodule.m.url "ssh://root@localhost:2223$far/module"
	commit "$far/other" module
	knows 2223
	echo "[localhost]:2223 $(cut -d' ' -f1,2 "$far/host.pub")" >>"$HOME/.ssh/known_hosts"
	run -1 mybox build --ssh default="$far/key" "ssh://root@127.0.0.1:2223$far/other"
	[[ "$output" == *"git submodule: "*"Host key verification failed." ]]
	# Such a server itself is asked, when it is the one that was named.
	mybox build -q -t made --ssh default="$far/key" "ssh://root@localhost:2223$far/other"
	in_made 'ls /c/m/Dockerfile'
}

@test "build --ssh: known hosts that cannot be read are told of when git wants them" {
	dockerfile <<<'FROM deb'
	export HOME=$BATS_TEST_TMPDIR/home
	mkdir -p "$HOME/.ssh/known_hosts"
	key one -t ed25519
	build -q --ssh default="$BATS_TEST_TMPDIR/one"
	run -1 mybox build --ssh default="$far/key" "ssh://root@127.0.0.1:2223$far/r"
	[[ "$output" == *"'$HOME/.ssh/known_hosts': "*'Is a directory'* ]]
	# Of somebody whom passwd does not know nothing is known: the environment says it.
	rmdir "$HOME/.ssh/known_hosts"
	knows 2223
	SUDO_UID=4242424 mybox build -q -t made --ssh default="$far/key" "ssh://root@127.0.0.1:2223$far/r"
}

# stand_in PROGRAM SCRIPT COMMAND...: a script for a program of the host, in mounts of its own.
stand_in() {
	printf '%s\n' "$2" >"$BATS_TEST_TMPDIR/stand_in"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/stand_in"
	# shellcheck disable=SC2016
	exec unshare -m sh -c 'mount --bind "$1" "/usr/bin/$2" && shift 2 && exec "$@"' . "$BATS_TEST_TMPDIR/stand_in" "$1" "${@:3}"
}
has_ssh() { git=$(pgrep -x -P "$1" git) && tr '\0' ' ' <"/proc/$git/cmdline" | grep -q ' fetch '; }
adding() { adder=$(pgrep -x -P "$1" sleep); }

@test "build --ssh id=KEY: another nobody sees no key while it is added" {
	local builder adder
	dockerfile <<<'FROM deb'
	key one -t ed25519
	stand_in ssh-add $'#!/bin/sh\nexec sleep 100' "$MYBOX" --root "$root" --runroot "$run" build --ssh k="$BATS_TEST_TMPDIR/one" "$ctx" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	builder=$!
	wait_until 20 adding $builder
	grep -q PRIVATE "/proc/$adder/fd/0"
	ids_are_own "$adder"
	run ! as_nobody cat "/proc/$adder/fd/0"
	run ! as_nobody ls "/proc/$adder/cwd/"
	kill -KILL "$builder"
	wait_until 20 ended "$adder"
}

@test "build: another nobody has no way to the agent of a git over ssh" {
	local builder git
	dockerfile <<<'FROM deb'
	knows 2223
	stand_in ssh $'#!/bin/sh\nexec sleep 100' "$MYBOX" --root "$root" --runroot "$run" build --ssh default="$far/key" "ssh://root@127.0.0.1:2223$far/r" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	builder=$!
	wait_until 20 has_ssh $builder
	[ -S "/proc/$git/root/tmp/agent" ]
	run ! as_nobody ls "/proc/$git/root/tmp/agent"
	kill -KILL "$builder"
	wait_until 20 ended "$git"
	mybox system prune -f >/dev/null
}
