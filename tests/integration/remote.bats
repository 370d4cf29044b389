#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# -H ssh://HOST: the line that ssh is given, what crosses, and a real sshd that is the test's own.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	local dir=/run/mybox-test/remote
	mkdir -p "$dir/bin" "$dir/etc" /run/sshd
	# What sshd does: the words of the command, joined, to a shell.
	cat >"$dir/bin/ssh" <<-'END'
		#!/bin/sh
		for a; do printf '%s\n' "$a"; done >"$STUB/args"
		while [ "$1" != -- ]; do shift; done
		shift 2
		env >"$STUB/env"
		exec ${STUB_SHELL:-sh} -c "$*"
	END
	chmod 755 "$dir/bin/ssh"
	real_sshd "$dir/etc"
}

real_sshd() { # real_sshd DIR: with keys and a configuration of its own
	ssh-keygen -q -t ed25519 -N '' -f "$1/host"
	ssh-keygen -q -t ed25519 -N '' -f "$1/key"
	cp "$1/key.pub" "$1/authorized"
	printf '%s\n' 'Port 2222' 'ListenAddress 127.0.0.1' "HostKey $1/host" 'UsePAM no' \
		"AuthorizedKeysFile $1/authorized" 'PermitRootLogin prohibit-password' \
		'StrictModes no' 'PidFile none' >"$1/sshd_config"
	printf '%s\n' "IdentityFile $1/key" 'IdentitiesOnly yes' "UserKnownHostsFile $1/known" \
		'StrictHostKeyChecking accept-new' 'BatchMode yes' >"$1/ssh_config"
	printf '#!/bin/sh\nexec /usr/bin/ssh -F %s "$@"\n' "$1/ssh_config" >"$1/ssh"
	chmod 755 "$1/ssh"
	/usr/sbin/sshd -D -f "$1/sshd_config" 3>&- 4>&- &
	echo $! >"$1/pid"
	local i
	for i in $(seq 100); do
		! "$1/ssh" -p 2222 127.0.0.1 true || return 0
		sleep 0.1
	done
	return 1
}

teardown_file() { kill "$(cat /run/mybox-test/remote/etc/pid)"; }

setup() {
	own_store
	export STUB=/run/mybox-test/remote
	export MYBOX_REMOTE=$MYBOX
	cd "$BATS_TEST_TMPDIR" || return
}

far() { # by the stub
	PATH=$STUB/bin:$PATH "$MYBOX" -H ssh://far --root "$root" --runroot "$run" "$@"
}
over() { # by sshd
	PATH=$STUB/etc:$PATH "$MYBOX" -H ssh://root@127.0.0.1:2222 \
		--root "$root" --runroot "$run" "$@"
}

hostile=('' ' ' 'a b' "it's" '"' '$(touch made)' '`touch made`' '$HOME' '\' '\\' 'a\nb' '*' '~'
	'-x' '--' '!!' '#c' '=ls' ';touch made' '&' '|' '<made' '>made' $'new\nline' $'tab\t' '{a,b}'
	'ä' $'\e[31m' '%s' "'\\''" '[a]' '(' '^')

@test "no shell sees anything in an argument" {
	local shell
	printf '%s\n' "${hostile[@]}" >want
	for shell in sh dash bash zsh fish; do
		STUB_SHELL=$shell far run --rm deb printf '%s\n' "${hostile[@]}" >got
		diff -u want got
	done
	[ ! -e made ]
	# Options and their values, too.
	for shell in sh fish; do
		STUB_SHELL=$shell far run --rm -e A="$(printf '%s' '$(touch made)\'"'!")" \
			-e B=$'x\ny' deb sh -c 'echo "$A$B"' >got
		[ "$(cat got)" = '$(touch made)\'"'!"$'x\ny' ]
	done
	[ ! -e made ]
}

@test "ssh is given a host, a user and a port, and no option that came from outside" {
	PATH=$STUB/bin:$PATH run -0 "$MYBOX" -H ssh://me@h.example:2022/ --root "$root" \
		--runroot "$run" ps -q
	[ "$(head -5 "$STUB/args" | tr '\n' ' ')" = "-T -lme -p2022 -- h.example " ]
	local bad
	for bad in -oProxyCommand=x '-x' 'a@-b' '-l@b' 'a b' 'a;b' '$(x)' '' 'a:0' 'a:70000' 'a:x' \
		'a/b' 'u:pw@h' '[::1' "a'b" 'a%h' $'a\nb'; do
		PATH=$STUB/bin:$PATH run "$MYBOX" -H "ssh://$bad" ps
		[ "$status" = 1 ]
		[[ $output == *"is no ssh://[user@]host[:port]"* ]]
	done
	run "$MYBOX" -H tcp://h ps
	[ "$status" = 125 ]
	[[ $output == *"neither this machine nor ssh://HOST"* ]]
}

@test "the option wins over MYBOX_HOST, and neither reaches what is of this machine" {
	rm -f "$STUB/args"
	PATH=$STUB/bin:$PATH MYBOX_HOST=ssh://elsewhere run -0 "$MYBOX" --root "$root" \
		--runroot "$run" ps -q
	[ "$(sed -n 3p "$STUB/args")" = elsewhere ]
	rm "$STUB/args"
	export MYBOX_HOST=ssh://elsewhere
	run -0 mybox -H unix:// ps -q
	run -0 mybox help ps
	[ ! -e "$STUB/args" ]
	# A monitor's commands are of its own machine.
	run -0 mybox -H unix:// run -d --rm --name kept deb true
	unset MYBOX_HOST
	gone() { ! mybox container exists kept; }
	wait_until 10 gone
	run -125 far oci list
	[[ $output == *"'oci' with another host"* ]]
}

@test "output, errors and exit codes are the far command's" {
	run -3 --separate-stderr far run --rm deb sh -c 'echo out; echo err >&2; exit 3'
	[ "$output" = out ]
	[ "$stderr" = err ]
	run -125 --separate-stderr far run --rm nosuch
	[ "$output" = "" ]
	run -125 far run --foo deb
	[ "${lines[0]}" = "unknown flag: --foo" ]
	run -255 far run --rm deb sh -c 'exit 255'
	[ "$output" = "mybox: exit code 255 is the command's own" ]
	printf '#!/bin/sh\necho no route >&2; exit 255\n' >ssh
	chmod 755 ssh
	PATH=$PWD:$PATH run -255 "$MYBOX" -H ssh://far ps
	[ "${lines[0]}" = "no route" ]
	[ "${lines[1]}" = "mybox: ssh has not reached mybox on 'far'" ]
	PATH=/nosuch run -127 "$MYBOX" -H ssh://far ps
	[[ $output == "mybox: cannot execute 'ssh'"* ]]
}

@test "standard input crosses when the verb reads it, and stays for others when not" {
	run -0 far run -i --rm deb cat <<<"hello"
	[ "$output" = hello ]
	printf 'one\ntwo\n' | { far ps -q; cat; } >got
	[ "$(cat got)" = $'one\ntwo' ]
	# Nor does one read that has been answered: a loop over hosts goes on.
	printf 'one\ntwo\n' | { far volume prune -f >&2; cat; } >got
	[ "$(cat got)" = $'one\ntwo' ]
	printf 'one\ntwo\n' | { far login -u me -p pw 127.0.0.1:9 || cat; } >got
	[ "$(cat got)" = $'one\ntwo' ]
	printf 'one\ntwo\n' | { far attach --no-stdin nosuch || cat; } >got
	[ "$(cat got)" = $'one\ntwo' ]
	# What asks is answered.
	mybox volume create kept
	run -0 far volume prune -a --force=false <<<n
	mybox volume exists kept
	run -0 far volume prune -a <<<y
	run ! mybox volume exists kept
	head -c 3000000 /dev/urandom >big
	far run -i --rm deb cat <big >got
	cmp big got
	# A command that reads nothing of it ends nevertheless.
	far run -i --rm deb true <big
}

@test "signals cross, and a connection that is lost is a hangup" {
	PATH=$STUB/bin:$PATH env --default-signal=INT "$MYBOX" -H ssh://far --root "$root" \
		--runroot "$run" run --rm --name kept deb \
		sh -c 'trap "exit 42" INT; trap "exit 43" HUP; echo ready; while :; do sleep 0.05; done' \
		>out 3>&- &
	local pid=$! code=0
	wait_until 10 grep -q ready out
	kill -INT $pid
	wait $pid || code=$?
	[ "$code" = 42 ]

	over run --name lost deb \
		sh -c 'trap "exit 43" HUP; echo ready; while :; do sleep 0.05; done' >out2 3>&- &
	pid=$!
	wait_until 10 grep -q ready out2
	kill -9 "$(pgrep -f "ssh -F $STUB.*lost" | head -1)"
	wait $pid || code=$?
	[ "$code" = 137 ]
	run -0 timeout 20 "${box[@]}" wait lost
	[ "$output" = 43 ]
	mybox rm lost
	# What is no frame is no connection either.
	run -129 "$MYBOX" __far -- --root "$root" --runroot "$run" events < <(printf 'Z\0\0\0\0'; sleep 5)
	run -129 "$MYBOX" __far -- --root "$root" --runroot "$run" events < <(printf 'D\377\377\377\377x'; sleep 5)
}

@test "signals pass a command that does not read its input, or the connection ends" {
	local far=(env --default-signal=INT "PATH=$STUB/etc:$PATH" "$MYBOX"
		-H ssh://root@127.0.0.1:2222 --root "$root" --runroot "$run" run -i --name stuck deb sh -c)
	head -c 3000000 /dev/zero >some
	head -c 30000000 /dev/zero >more
	"${far[@]}" 'trap "exit 42" INT; echo ready; while :; do sleep 0.05; done' \
		<some >out 3>&- &
	local pid=$! code=0
	wait_until 10 grep -q ready out
	kill -INT $pid
	gone() { ! kill -0 $pid; }
	wait_until 20 gone
	wait $pid || code=$?
	[ "$code" = 42 ]
	mybox rm stuck

	"${far[@]}" 'trap : INT; trap "exit 43" HUP; echo ready; while :; do sleep 0.05; done' \
		<more >out2 3>&- &
	pid=$!
	wait_until 10 grep -q ready out2
	interrupted() { ! kill -INT $pid; }
	wait_until 20 interrupted
	wait $pid || code=$?
	[ "$code" = 130 ]
	run -0 timeout 20 "${box[@]}" wait stuck
	[ "$output" = 43 ]
	mybox rm stuck
}

@test "signals now and then are passed on, however much was read before" {
	head -c 6000000 /dev/zero >some
	env --default-signal=INT "PATH=$STUB/etc:$PATH" "$MYBOX" -H ssh://root@127.0.0.1:2222 \
		--root "$root" --runroot "$run" run -i --rm --name patient deb sh -c \
		'trap "echo int" INT; trap "exit 43" HUP; trap "exit 44" USR1; cat >/dev/null; echo ready; while :; do sleep 0.05; done' \
		<some >out 3>&- &
	local pid=$! code=0 n
	heard() { [ "$(grep -c int out)" = "$1" ]; }
	wait_until 30 grep -q ready out
	for n in 1 2 3 4; do
		kill -INT $pid
		wait_until 30 heard $n
		# So long apart that the one has nothing to do with the other.
		sleep 3.1
	done
	kill -USR1 $pid
	wait $pid || code=$?
	[ "$code" = 44 ]
}

@test "files of this machine become streams" {
	printf 'A=1\nB=two words\n' >vars
	printf 'k=v w\n' >labels
	C='from here' far run --rm --env-file vars -e B=over -e C -e NOTSET --label-file labels \
		deb sh -c 'echo "$A,$B,$C,${NOTSET-none}"' >got
	[ "$(cat got)" = "1,over,from here,none" ]
	unset FROM_IMAGE
	far run --rm -e FROM_IMAGE deb sh -c 'echo "${FROM_IMAGE-none}"' >got
	[ "$(cat got)" = none ]
	# Nor is it that of who answers over there, unless it is given after all.
	unset NOBODYS
	far run --rm -e NOBODYS -e NOBODYS=7 deb sh -c 'echo "${NOBODYS-none}"' >got
	[ "$(cat got)" = 7 ]
	run far push --digestfile here deb
	[[ $output == *"option '--digestfile' with another host"* ]]
	[ ! -e here ]
	far save -o img.tar deb
	[ "$(stat -c %a img.tar)" = 600 ]
	run -0 far load -i img.tar
	[[ $output == *"Loaded image: "* ]]
	run -1 far save -o none.tar nosuch
	[ ! -e none.tar ]
	far run --name kept deb sh -c 'echo inside >/f'
	far export -o kept.tar kept
	run -0 tar -xOf kept.tar f
	[ "$output" = inside ]
	run -0 far import kept.tar flat:1
	run -0 far run --rm flat:1 cat /f
	[ "$output" = inside ]
	far volume create data
	mkdir -p d
	echo volume >d/x
	tar -cf d.tar -C d .
	far volume import data d.tar
	far volume export -o e.tar data
	run -0 tar -xOf e.tar x
	[ "$output" = volume ]
	far rm -v kept
	far rmi flat:1
	printf 'secret words' >words
	far secret create hidden words
	run -0 far run --rm --secret hidden deb cat /run/secrets/hidden
	[ "$output" = "secret words" ]
	far secret rm hidden
	far generate kube -f none.yaml nosuch || [ $? = 1 ]
	[ ! -e none.yaml ]
}

@test "cp crosses both ways by docker's rules" {
	far run -d --name kept deb sleep 1000
	mkdir -p tree/sub
	echo one >tree/one
	echo two >tree/sub/two
	ln -s one tree/link
	echo file >'a file'
	far cp 'a file' kept:/tmp/
	far cp 'a file' kept:/tmp/renamed
	far cp tree kept:/tmp
	far cp tree/. kept:/tmp/content
	far cp tree/sub kept:/tmp
	far cp -L tree/link kept:/tmp/followed
	run -0 mybox exec kept sh -c \
		'cd /tmp; cat "a file" renamed tree/one tree/sub/two content/one followed; readlink tree/link'
	[ "$output" = $'file\nfile\none\ntwo\none\none\none' ]
	run -1 far cp nosuch kept:/tmp
	run -1 far cp tree kept:/nosuch/x
	far cp kept:/tmp/tree back
	far cp kept:/tmp/tree/. inside
	mkdir into
	far cp kept:tmp/tree/one into
	far cp kept:/tmp/renamed into/new
	cat back/sub/two inside/one into/one into/new >got
	[ "$(cat got)" = $'two\none\none\nfile' ]
	[ "$(readlink back/link)" = one ]
	far cp kept:/tmp/tree - | tar -tf - | grep -qx tree/sub/two
	run -1 far cp kept:/nosuch out
	[ ! -e out ]
	tar -cf - tree | far cp - kept:/tmp/sub
	run -0 mybox exec kept cat /tmp/sub/tree/one
	[ "$output" = one ]
	mybox rm -f kept
}

@test "a build sends its context without what .dockerignore leaves out" {
	mkdir -p ctx/keep ctx/drop
	echo a >ctx/keep/a
	echo b >ctx/drop/b
	echo c >ctx/drop/c
	printf 'drop\n!drop/c\n*.md\n' >ctx/.dockerignore
	echo secret >ctx/x.md
	cat >ctx/Dockerfile <<-'END'
		FROM deb
		ARG WHO
		COPY . /all
		RUN cd /all && find . -type f | sort >/list && echo "$WHO" >/who
	END
	WHO=me far build --build-arg WHO -q -t built:1 ctx >id
	grep -q '^sha256:' id
	run -0 mybox run --rm built:1 cat /list /who
	[ "$output" = $'./.dockerignore\n./Dockerfile\n./drop/c\n./keep/a\nme' ]
	# What is not sent does not cross at all, and the Dockerfile may be anywhere.
	printf 'FROM deb\nCOPY keep/a /other\n' >elsewhere
	run -0 far build -q -f elsewhere -t built:2 ctx
	run -0 mybox run --rm built:2 cat /other
	[ "$output" = a ]
	run -0 far build -q -t built:2 -f - ctx <elsewhere
	tar -C ctx -cf - . | WHO=me far build --build-arg WHO -q -t built:3 -
	run -1 far build nosuch
	run -1 far build --secret id=a,src=elsewhere ctx
	[[ $output == *"option '--secret' with another host"* ]]
	run -1 far build -o dest ctx
	[[ $output == *"option '--output' with another host"* ]]
	run -1 far build --build-context x=keep ctx
	[[ $output == *"option '--build-context' with another host"* ]]
	remove_images_but deb
	mybox builder prune -af >/dev/null
}

@test "what cannot cross is refused by name" {
	run -125 far run --cidfile x deb true
	[[ $output == *"option '--cidfile' with another host"* ]]
	run -125 far run --env-host deb true
	[[ $output == *"option '--env-host' with another host: this machine's variables are sent by their names"* ]]
	run -125 far run --pidfile x deb true
	[[ $output == *"option '--pidfile' with another host: it names a file of this machine"* ]]
	run -1 far rm --cidfile x
	[[ $output == *"option '--cidfile' with another host: it names a file of this machine"* ]]
	run -125 far run -v ./x:/y deb true
	[[ $output == *"option '--volume' with another host: a relative path"* ]]
	run -125 far run --security-opt seccomp=/etc/p.json deb true
	[[ $output == *"option '--security-opt' with another host"* ]]
	run -1 far secret create --env hidden HOME
	[[ $output == *"option '--env' with another host"* ]]
	mkdir dir
	run -1 far load -i dir
	[[ $output == *"is a directory of this machine"* ]]
	run -125 "$MYBOX" -H ssh://far --config dir pull x
	[[ $output == *"option '--config' with another host"* ]]
}

@test "a real sshd: codes, streams, a terminal" {
	over run --rm deb printf '%s\n' "${hostile[@]}" >got
	printf '%s\n' "${hostile[@]}" | diff -u - got
	run -7 over run --rm deb sh -c 'exit 7'
	run -255 over run --rm deb sh -c 'exit 255'
	[ "$output" = "mybox: exit code 255 is the command's own" ]
	over save deb >img.tar
	run -0 over load -i img.tar
	mkdir ctx
	printf 'FROM deb\nCOPY f /f\n' >ctx/Dockerfile
	head -c 2000000 /dev/urandom >ctx/f
	over build -q -t built:1 ctx >/dev/null
	over run --rm built:1 cat /f | cmp - ctx/f
	# With a terminal on all three, there is one at the other end.
	export -f over
	export SHELL=$BASH # that of script: it is to know the function
	script -qec 'over run --rm -t deb sh -c "test -t 0 && echo a terminal; exit 9"' typed \
		</dev/null >/dev/null || [ $? = 9 ]
	grep -q 'a terminal' typed
	# With a terminal for the output alone the far end cleans it, or refuses, as here.
	over create --name kept --label x=$'\e[31mred' deb true
	over inspect -f '{{.Config.Labels.x}}' kept | grep -q $'\e\[31mred'
	script -qec "over inspect -f '{{.Config.Labels.x}}' kept </dev/null" typed </dev/null >/dev/null
	grep -q red typed
	run ! grep -q $'\e' typed
	script -qec 'over save deb </dev/null' typed </dev/null >/dev/null || [ $? = 1 ]
	grep -q 'refusing to save to a terminal' typed
	over rm kept
	PATH=$STUB/etc:$PATH run -255 "$MYBOX" -H ssh://root@127.0.0.1:2223 ps
	[[ $output == *"mybox: ssh has not reached mybox on '127.0.0.1'"* ]]
	mybox rmi built:1
	mybox builder prune -af >/dev/null
}
