#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# COPY, ADD and RUN --mount: what newer Dockerfiles ask of them.
# bats file_tags=cgroup:any
load build_helpers

@test "build: COPY --parents keeps the directories of what is copied" {
	mkdir -p "$ctx/a/b/c" "$ctx/x/y" "$ctx/skip"
	echo 1 >"$ctx/a/b/c/1.txt"
	echo 2 >"$ctx/a/2.txt"
	echo 3 >"$ctx/x/y/3.txt"
	echo 4 >"$ctx/a/b/4.md"
	echo 5 >"$ctx/skip/5.txt"
	echo 6 >"$ctx/6.txt"
	chmod 750 "$ctx/a/b"
	echo skip >"$ctx/.dockerignore"
	dockerfile <<-'EOF'
		FROM deb
		COPY --parents a/b/c/1.txt ./x/y /some/
		COPY --parents a/./b/c/1.txt x/./y/*.txt /pivot/
		COPY --parents **/*.txt /deep/
		COPY --parents a/**/*.md a/*/c /more/
		COPY --parents --chown=1000 --chmod=600 a/2.txt /own/
	EOF
	build
	run -0 in_made 'for d in some pivot deep more own; do cd /$d; find . -type f | sort; done; stat -c "%a %u" /some/a/b /own/a /own/a/2.txt'
	[ "$output" = $'./a/b/c/1.txt\n./x/y/3.txt\n./b/c/1.txt\n./y/3.txt\n./6.txt\n./a/2.txt\n./a/b/c/1.txt\n./x/y/3.txt\n./a/b/4.md\n./a/b/c/1.txt\n./a/2.txt\n750 0\n755 1000\n600 1000' ]
	# What the directories above are is part of the step, and so is where it is kept.
	chmod 711 "$ctx/a"
	run -0 build
	[ "$(grep -c CACHED <<<"$output")" = 0 ]
	[ "$(in_made 'stat -c %a /some/a /own/a')" = $'711\n711' ]
	run -0 build
	[ "$(grep -c CACHED <<<"$output")" = 5 ]
	sed -i 's:a/\./b/c/1.txt:a/b/./c/1.txt:' "$ctx/Dockerfile"
	build -q
	[ "$(in_made 'ls /pivot/c')" = 1.txt ]
	# A link on the way out leads nowhere.
	ln -s /etc "$ctx/out"
	printf 'FROM deb\nCOPY --parents out/passwd /p/\n' | dockerfile
	run -1 build
	[[ "$output" == *'not found'* ]]
}

@test "COPY: several files to a directory that is there, without a slash" {
	touch "$ctx"/package.json "$ctx"/package-lock.json
	dockerfile <<-'EOF'
		FROM deb
		WORKDIR /app
		COPY package*.json /app
		COPY package.json package-lock.json /etc
	EOF
	build
	[ "$(in_made 'ls -d /app/* /etc/pack*')" = $'/app/package-lock.json\n/app/package.json\n/etc/package-lock.json\n/etc/package.json' ]
	# Nor for what is not there, is a file, or is not to be known.
	for to in /none /etc/passwd "--link /etc"; do
		case $to in
		--link*) run -1 mybox build -f - "$ctx" <<<$'FROM deb\nCOPY --link package*.json /etc' ;;
		*) run -1 mybox build -f - "$ctx" <<<"FROM deb
COPY package*.json $to" ;;
		esac
		[[ "$output" == *'destination must be a directory and end with a /'* ]]
	done
}

@test "COPY: a link to what .dockerignore leaves out leads nowhere" {
	mkdir -p "$ctx/private/keys" "$ctx/open"
	echo secret >"$ctx/secret.txt"
	echo key >"$ctx/private/keys/id"
	echo seen >"$ctx/open/one"
	echo hidden >"$ctx/open/two"
	ln -s secret.txt "$ctx/a"
	ln -s private "$ctx/b"
	ln -s open "$ctx/c"
	printf '%s\n' secret.txt private open/two >"$ctx/.dockerignore"
	for from in a b/ b/keys b/keys/id; do
		run -1 mybox build -f - "$ctx" <<<"FROM deb
COPY $from /got"
		[[ "$output" == *": not found"* ]]
	done
	dockerfile <<-'EOF'
		FROM deb
		COPY c/ /got/
		COPY . /all/
	EOF
	build
	[ "$(in_made 'ls /got; ls /all/open')" = $'one\none' ]
}

@test "build: --chmod takes what chmod takes" {
	mkdir "$ctx/d"
	echo s >"$ctx/d/script"
	echo t >"$ctx/d/text"
	chmod 700 "$ctx/d/script"
	chmod 600 "$ctx/d/text"
	dockerfile <<-'EOF'
		FROM deb
		ARG MODE=u=rwX,go=rX
		COPY --chmod=$MODE d /d
		COPY --chmod=+x d/text /x
		ADD --chmod=a-r,u+s d/script /y
	EOF
	build
	[ "$(in_made 'stat -c %a /d /d/script /d/text /x /y')" = $'755\n755\n644\n711\n4300' ]
	printf 'FROM deb\nCOPY --chmod=rwz d /d\n' | dockerfile
	run -1 build
	[[ "$output" == *'--chmod=rwz: neither an octal nor a symbolic mode'* ]]
}

@test "build: COPY --link is a layer that stays when what is below it changes" {
	mkdir "$ctx/d"
	echo f >"$ctx/d/f"
	echo big >"$ctx/big"
	dockerfile <<-'EOF'
		FROM deb
		ARG BELOW=1
		RUN echo $BELOW >/below
		COPY --link --chown=user d /l/d
		ADD --link big /l/big
		RUN cat /l/d/f /l/big /below >/all
	EOF
	build -q
	[ "$(in_made 'cat /all; stat -c %u /l/d/f /l/big')" = $'f\nbig\n1\n1000\n0' ]
	local layers
	layers=$(mybox image inspect -f '{{json .RootFS.Layers}}' made | tr , '\n' | sed -n '3,4p')
	run --separate-stderr build --build-arg BELOW=2; echo "$stderr"
	# Both were there; what stands on them was not.
	[ "$(grep -c CACHED <<<"$stderr")" = 2 ]
	[ "$(in_made 'cat /all; stat -c %u /l/d/f')" = $'f\nbig\n2\n1000' ]
	[ "$(mybox image inspect -f '{{json .RootFS.Layers}}' made | tr , '\n' | sed -n '3,4p')" = "$layers" ]
	run -0 build --build-arg BELOW=2
	[ "$(grep -c CACHED <<<"$output")" = 4 ]
	# With other content it is another layer, and --no-cache means it.
	echo g >"$ctx/d/f"
	build -q --build-arg BELOW=3
	[ "$(in_made 'cat /l/d/f')" = g ]
	run -0 build --no-cache
	[[ "$output" != *CACHED* ]]
	# One that is damaged is made anew.
	find "$root/layers" -path '*/l/d/f' -exec sh -c 'echo damaged >"$1"' - {} \;
	build -q --build-arg BELOW=4
	[ "$(in_made 'cat /l/d/f')" = g ]
	# What the destination is below does not count: a link there is replaced.
	printf 'FROM deb\nRUN mkdir /real && ln -s /real /alias\nCOPY --link big /alias/\n' | dockerfile
	build -q
	[ "$(in_made 'ls /real; cat /alias/big; readlink /alias || echo none')" = $'big\nnone' ]
}

@test "build: COPY of what changes meanwhile is not kept as what it was" {
	mkdir "$ctx/d"
	echo before >"$ctx/d/a"
	truncate -s 200M "$ctx/d/b"
	printf 'FROM deb\nCOPY d/a d/b /d/\n' | dockerfile
	"$MYBOX" --root "$root" --runroot "$run" build -t made "$ctx" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	# One file is changed as long as the other one is read.
	wait_until 20 grep -q ' COPY ' "$BATS_TEST_TMPDIR/out"
	sleep 0.05
	echo after >"$ctx/d/a"
	wait $!
	echo before >"$ctx/d/a"
	build -q
	[ "$(in_made 'cat /d/a')" = before ]
}

@test "build: ADD of an archive that has files only leaves links and directories as they are" {
	mkdir -p "$ctx/lib/new/deep" "$ctx/tmp" "$ctx/over/own" "$ctx/file"
	echo 1 >"$ctx/lib/in"
	ln "$ctx/lib/in" "$ctx/lib/new/deep/same"
	echo 2 >"$ctx/tmp/in"
	echo 3 >"$ctx/over/own/in"
	echo 4 >"$ctx/file/in"
	chmod 750 "$ctx/over/own"
	cd "$ctx"
	tar -czf files.tgz --owner=0 lib/in lib/new/deep/same tmp/in
	# One directory is named, below one that is not: it has what the archive says.
	tar -cf some.tar --owner=7 --no-recursion over/own over/own/in
	tar -cf file.tar file/in
	dockerfile <<-'EOF'
		FROM deb
		RUN mkdir -p /a/b/lib /a/tmp /a/c /a/c/own && ln -s b/lib /a/lib && ln -s /c /a/over && chmod 1777 /a/tmp && chown 5:6 /a/b/lib && echo >/a/file && touch -d @1400000000 /a /a/c
		ADD files.tgz /a/
		ADD some.tar /a
	EOF
	build
	[ "$(in_made 'cd /a; ls -F .; stat -c "%a %u" tmp b/lib b/lib/new/deep c/own; cat lib/in tmp/in c/own/in; stat -c %h lib/in; stat -c %Y . c')" = $'b/\nc/\nfile\nlib@\nover@\ntmp/\n1777 0\n755 5\n755 0\n750 7\n1\n2\n3\n2\n1400000000\n1400000000' ]
	printf 'FROM made\nADD file.tar /a\n' | dockerfile
	run -1 build
	[[ "$output" == *"cannot copy to non-directory: 'file'"* ]]
	# Neither this archive nor one that is the context is a layer: such a name deletes nothing.
	echo 5 >"$ctx/tmp/.wh.in"
	tar -cf wh.tar tmp/.wh.in
	printf 'FROM deb\nADD wh.tar /\n' | dockerfile
	run -1 build
	[[ "$output" == *"'/tmp/.wh.in': a name that means a deletion in a layer"* ]]
	printf 'FROM deb\nCOPY tmp/.wh.in /five\n' | dockerfile
	tar -c . | mybox build -q -t made - >/dev/null
	[ "$(in_made 'cat /five')" = 5 ]
}

@test "build: a cache begins with what a stage has" {
	dockerfile <<-'EOF'
		FROM deb AS seed
		RUN mkdir -p /s/d && echo seed >/s/d/f && chown 1000 /s
		FROM deb
		ARG N
		RUN --mount=type=cache,target=/c,from=seed,source=/s,id=seeded cat /c/d/f >/seen; stat -c %u /c >>/seen; echo changed >/c/d/f
	EOF
	build -q --build-arg N=1
	[ "$(in_made 'cat /seen')" = $'seed\n1000' ]
	build -q --build-arg N=2
	[ "$(in_made 'cat /seen')" = $'changed\n1000' ]
	printf 'FROM deb\nRUN --mount=type=cache,target=/c,from=kept,source=/etc/passwd true\n' | dockerfile
	run -1 build
	[[ "$output" == *'the source of a cache is one directory'* ]]
}

@test "build: a cache whose making was killed is made again" {
	dockerfile <<-'EOF'
		FROM deb
		RUN --mount=type=cache,target=/c,uid=1000,gid=1001,mode=750 stat -c '%u %g %a' /c >/made
	EOF
	# As it gets its owner.
	run strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=fchown -e inject=fchown:error=EIO:signal=KILL:when=1 "$MYBOX" --root "$root" --runroot "$run" build -q -t made "$ctx"
	[ "$status" != 0 ]
	grep -q 'fchown([0-9]*, 1000, 1001' "$BATS_TEST_TMPDIR/trace"
	build -q
	[ "$(in_made 'cat /made')" = '1000 1001 750' ]
	mybox system check --repair || true
	mybox builder prune -af >/dev/null
}

@test "build: RUN --mount=type=ssh leads to the caller's agent, and to no other" {
	# An agent that answers whatever it is asked with the kind of the question.
	python3 - "$BATS_TEST_TMPDIR/agent" <<-'EOF' 3>&- &
		import os, socket, sys, threading
		def serve(c):
		    asked = c.recv(100)
		    if asked: c.sendall(b"\0\0\0\6agent" + asked[4:])
		s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o600); s.listen()
		while True: threading.Thread(target=serve, args=(s.accept()[0],)).start()
	EOF
	local agent=$!
	wait_until 20 test -S "$BATS_TEST_TMPDIR/agent"
	dockerfile <<-'EOF'
		FROM deb
		RUN --mount=type=cache,target=/c,id=ssh --mount=type=ssh echo $SSH_AUTH_SOCK >/where; stat -c '%F %a %u' $SSH_AUTH_SOCK >>/where; touch /c/begun; i=0; until [ -e /c/go ] || [ $i = 300 ]; do sleep 0.1; i=$((i+1)); done
		USER user
		RUN --mount=type=ssh,id=other,uid=1000,target=/tmp/agent,mode=0666 stat -c '%F %a %u' /tmp/agent >/tmp/user
		RUN --mount=type=ssh,id=nosuch [ -z "$SSH_AUTH_SOCK" ]
	EOF
	SSH_AUTH_SOCK=$BATS_TEST_TMPDIR/agent "$MYBOX" --root "$root" --runroot "$run" build -t made "$ctx" --ssh default --ssh other="$BATS_TEST_TMPDIR/agent" >"$BATS_TEST_TMPDIR/out" 2>&1 &
	local builder=$!
	wait_until 20 sh -c "ls $root/caches/*/begun"
	# As a program in the container would, twice at once.
	run -0 python3 - "/proc/$(mybox inspect -f '{{.State.Pid}}' "$(mybox ps -q)")/root/run/buildkit" "$builder" <<-'EOF'
		import os, socket, sys, time
		os.chdir(sys.argv[1])
		two = [socket.socket(socket.AF_UNIX) for _ in range(2)]
		for s in two: s.connect("ssh_agent.0")
		def ask(s): s.sendall(b"\0\0\0\1\x0b"); print(s.makefile("rb").read(10))
		for s in reversed(two): ask(s)
		# However many there are, they are not that many processes.
		def below(pid): return open(f"/proc/{pid}/task/{pid}/children").read().split()
		def most(): return max(len(below(pid)) for pid in below(sys.argv[2]))
		many = [socket.socket(socket.AF_UNIX) for _ in range(70)]
		for s in many: s.connect("ssh_agent.0")
		while most() < 64: time.sleep(0.05)
		time.sleep(0.3)
		print(most())
		for s in many[:60]: s.close()
		ask(many[-1])
	EOF

	local answer="b'\\x00\\x00\\x00\\x06agent\\x0b'"
	[ "$output" = "$answer"$'\n'"$answer"$'\n64\n'"$answer" ]
	touch "$(dirname "$(ls "$root"/caches/*/begun)")/go"
	wait "$builder"
	run -0 in_made 'cat /where /tmp/user; ls /run/buildkit /tmp/agent 2>/dev/null | wc -l'
	[ "$output" = $'/run/buildkit/ssh_agent.0\nsocket 600 0\nsocket 666 1000\n0' ]
	printf 'FROM deb\nRUN --mount=type=ssh,required true\n' | dockerfile
	run -1 build
	[[ "$output" == *'ssh agent default: not found'* ]]
	SSH_AUTH_SOCK='' run -1 build --ssh default
	[[ "$output" == *'make sure SSH_AUTH_SOCK is set' ]]
	kill "$agent"
}

@test "build: caches that are wanted twice, by others, or by nobody any more" {
	# Where a cache is kept: its name is that of its id.
	cache() { echo "$root/caches/$(printf '%s\n\n\n0' "$1" | sha256sum | cut -d' ' -f1)"; }
	waits() { grep -q 'RUN --mount' "$BATS_TEST_TMPDIR/out" && sleep 0.5; }
	begin() { "$MYBOX" --root "$root" --runroot "$run" build -t made "$ctx" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- 9>&- & }
	# One command has one cache, and waits for itself in no way.
	local how code first=one second=two
	for how in locked private; do
		printf 'FROM deb\nRUN --mount=type=cache,target=/a,id=one,sharing=%s --mount=type=cache,target=/b,id=one,sharing=%s --mount=type=cache,target=/c,id=two echo %s >/a/f; cat /b/f >/seen\n' $how $how $how | dockerfile
		timeout 60 "$MYBOX" --root "$root" --runroot "$run" build -q -t made "$ctx"
		[ "$(in_made 'cat /seen')" = $how ]
	done
	# They are locked in one order, however they are written: who waits has none that others need.
	[[ "$(cache one)" < "$(cache two)" ]] || { first=two second=one; }
	exec 9<"$(cache $first)"
	flock 9
	printf 'FROM deb\nRUN --mount=type=cache,target=/a,id=%s,sharing=locked --mount=type=cache,target=/b,id=%s,sharing=locked echo got >/b/got\n' $second $first | dockerfile
	begin
	wait_until 20 waits
	flock -n "$(cache $second)" true
	# What has gone in the meantime is made again.
	rm -r "$(cache $first)"
	flock -u 9
	wait $!
	[ "$(cat "$(cache $first)/got")" = got ]
	# Who waits can be ended, whatever he waits for.
	exec 9<"$(cache $first)"
	flock 9
	for how in shared locked; do
		printf 'FROM deb\nRUN --mount=type=cache,target=/a,id=%s,sharing=%s true\n' $first $how | dockerfile
		begin
		wait_until 20 waits
		kill -TERM $!
		timeout 10 tail --pid=$! -f /dev/null
		code=0; wait $! || code=$?
		[ "$code" = 143 ]
	done
	exec 9<&-
}

@test "build: what has not changed in a large context is not read again" {
	local i
	mkdir "$ctx/d"
	[[ $(stat -f -c %T "$ctx") =~ ^(ext2/ext3|xfs|btrfs|f2fs|overlayfs)$ ]] || skip "only files of other file systems are remembered"
	for i in $(seq 600); do echo "$i" >"$ctx/d/f$i"; done
	truncate -s 5M "$ctx/big"
	printf 'FROM deb\nCOPY d /d\nCOPY big /\nRUN --mount=type=cache,target=/c true\n' | dockerfile
	# A file that has only just changed is not remembered.
	build -q
	wait_until 10 is_old "$ctx/big"
	build -q
	# Nor is what another COPY knows forgotten for something that changes all the time.
	date >>"$ctx/big"
	build -q
	opened >"$BATS_TEST_TMPDIR/opened"
	[ "$(grep -c '"f[0-9]*"' "$BATS_TEST_TMPDIR/opened")" = 0 ]
	# As long and as old as before, but not the same; and another one in its place.
	touch -r "$ctx/d/f100" "$BATS_TEST_TMPDIR/when"
	echo 200 >"$ctx/d/f100"
	touch -r "$BATS_TEST_TMPDIR/when" "$ctx/d/f100"
	echo 200 >"$BATS_TEST_TMPDIR/other"
	mv "$BATS_TEST_TMPDIR/other" "$ctx/d/f101"
	build -q
	[ "$(in_made 'cat /d/f99 /d/f100 /d/f101')" = $'99\n200\n200' ]
	# What is damaged is worth nothing.
	for i in "$root"/caches/*/stat; do echo damaged | dd of="$i" bs=1 seek=100 conv=notrunc 2>/dev/null; done
	opened >"$BATS_TEST_TMPDIR/opened"
	[ "$(grep -c '"f[0-9]*"' "$BATS_TEST_TMPDIR/opened")" -ge 600 ]
	[ "$(in_made 'cat /d/f99 /d/f100')" = $'99\n200' ]
	# Nobody meets again what came as an archive.
	i=$(ls "$root/caches")
	tar -c -C "$ctx" . | mybox build -q -t made - >/dev/null
	[ "$(ls "$root/caches")" = "$i" ]
	mybox builder prune -f >/dev/null
	# What RUN has is left, of this test and of others.
	[ -n "$(ls "$root/caches")" ]
	[ -z "$(ls "$root/caches" | grep -vxE '[0-9a-f]{64}')" ]
	mybox builder prune -af >/dev/null
	[ -z "$(ls "$root/caches")" ]
}
is_old() { [ $(($(date +%s) - $(stat -c %Z "$1"))) -gt 3 ]; }
# What a build that has nothing to do opens.
opened() {
	strace -f -e trace=openat,openat2 -o "$BATS_TEST_TMPDIR/trace" "$MYBOX" --root "$root" --runroot "$run" build -q -t made "$ctx" >/dev/null 2>&1
	cat "$BATS_TEST_TMPDIR/trace"
}
