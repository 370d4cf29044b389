#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A Dockerfile and a context become an image.
load build_helpers

config() { mybox image inspect -f "{{json .Config.$1}}" made; }

@test "build: the instructions of a common Dockerfile" {
	mkdir -p "$ctx/src/sub"
	echo a >"$ctx/src/a"
	echo b >"$ctx/src/sub/b"
	chmod 750 "$ctx/src/sub"
	touch -d @1500000000 "$ctx/src/a"
	touch -d @1400000000 "$ctx/src/sub"
	chown -R 1234:1234 "$ctx/src"
	dockerfile <<-'EOF'
		ARG BASE=deb
		FROM $BASE
		MAINTAINER somebody
		ARG WHO=world
		ENV GREET="hi ${WHO}" TWO=2
		LABEL a=b "c d"="e $TWO"
		WORKDIR /srv
		WORKDIR deep
		RUN echo "$GREET" >greeting && [ "$WHO" = world ]
		COPY src dst
		COPY --chown=1000:50 --chmod=640 src/a src/sub/b /files/
		COPY --chown=60 src/a /number
		COPY --chown=user src/a /name
		ADD src/a /renamed
		USER user
		RUN id -u >/tmp/who
		EXPOSE 80 443/udp 8000-8002
		VOLUME /data /x
		STOPSIGNAL SIGINT
		HEALTHCHECK --interval=5s --retries=2 CMD test -e /ok
		ONBUILD RUN echo triggered >/tmp/triggered
		SHELL ["/bin/sh", "-ec"]
		ENTRYPOINT ["cat"]
		CMD ["/srv/deep/greeting"]
	EOF
	run -0 --separate-stderr build
	echo "$stderr"
	[ "$output" = "" ]
	[[ "$stderr" == *'[1/10] FROM deb'* ]]
	[[ "$stderr" == *'naming to docker.io/library/made:latest done'* ]]
	[ "$(mybox run --rm made)" = "hi world" ]
	run -0 mybox run --rm --entrypoint '' -u root made sh -c '
		cat /srv/deep/dst/a /srv/deep/dst/sub/b /renamed /tmp/who; stat -c "%a %u:%g %Y" /srv/deep/dst/a /files/a; stat -c "%a %Y" /srv/deep/dst/sub; stat -c %u:%g /number /name; env | grep WHO | wc -l'
	[ "$output" = $'a\nb\na\n1000\n644 0:0 1500000000\n640 1000:50 1500000000\n750 1400000000\n60:60\n1000:1000\n0' ]
	[ "$(config Labels)" = '{"a":"b","c d":"e 2"}' ]
	[ "$(config WorkingDir) $(config User) $(config StopSignal)" = '"/srv/deep" "user" "SIGINT"' ]
	[ "$(config ExposedPorts)" = '{"443/udp":{},"80/tcp":{},"8000/tcp":{},"8001/tcp":{},"8002/tcp":{}}' ]
	[[ "$(config Healthcheck)" == *'"CMD-SHELL","test -e /ok"'*'5000000000'* ]]
	[ "$(config OnBuild)" = '["RUN echo triggered >/tmp/triggered"]' ]
	[ "$(mybox image inspect -f '{{.Author}}' made)" = somebody ]
	run -0 mybox history --no-trunc --format '{{.CreatedBy}}' made
	[[ "$output" == *'RUN |1 WHO=world /bin/sh -c echo "$GREET" >greeting'* ]]
	# What the base wants done is done in whatever is built on it, and not again in what is built on that.
	mybox tag made trigger
	printf 'FROM trigger\nUSER root\n' | mybox build -q -t made -
	[ "$(mybox run --rm --entrypoint cat made /tmp/triggered)" = triggered ]
	[ "$(config OnBuild)" = null ]
}

@test "build: stages, and those that are not needed never run" {
	dockerfile <<-'EOF'
		FROM deb AS Tools
		RUN echo tool >/tool
		FROM deb AS never
		RUN exit 9
		FROM tools AS more
		RUN cat /tool >/more
		FROM scratch AS empty
		COPY --from=0 /tool /from-number
		FROM deb
		COPY --from=more /more /tool /
		COPY --from=kept /etc/passwd /passwd
		COPY --from=empty / /
	EOF
	build
	run -0 in_made 'cat /more /tool /from-number; head -c 4 /passwd'
	[ "$output" = $'tool\ntool\ntool\nroot' ]
	run -1 build --target never
	[[ "$output" == *'exit code: 9'* ]]
	[[ "$output" != *'[more '* ]]
	run -0 build --target empty
	[[ "$output" == *'[empty 1/1] COPY'* ]]
	[ "$(mybox image inspect -f '{{len .RootFS.Layers}}' made)" = 1 ]
	# A stage that only an image's ONBUILD reads is made when it is read, with what it stands on.
	mybox build -q -t onbuild - <<<$'FROM deb\nONBUILD COPY --from=tools /tool /triggered'
	printf 'FROM deb AS dep\nRUN echo late >/dep\nFROM dep AS tools\nRUN cp /dep /tool\nFROM onbuild AS b\nFROM deb\nCOPY --from=b /triggered /\n' | dockerfile
	build -q
	[ "$(in_made 'cat /triggered')" = late ]
	# Beside one that is made meanwhile, and after it.
	sed -i 's/echo late/echo again/; s,^COPY --from=b,COPY --from=tools /tool /\n&,' "$ctx/Dockerfile"
	build -q
	[ "$(in_made 'cat /triggered /tool')" = $'again\nagain' ]
	sed -i 's/echo again/echo one/' "$ctx/Dockerfile"
	taskset -c 0 "$MYBOX" --root "$root" --runroot "$run" build -q -t made "$ctx"
	[ "$(in_made 'cat /triggered /tool')" = $'one\none' ]
	run -1 build --target nosuch
	[[ "$output" == *'target stage "nosuch" could not be found'* ]]
}

@test "build: a step is done again when what it depends on changes, and only then" {
	dockerfile <<-'EOF'
		FROM deb
		ARG V
		COPY a b* /in/
		RUN cat /proc/sys/kernel/random/uuid >/id
		LABEL x=y
	EOF
	echo 1 >"$ctx/a"
	build -q >"$BATS_TEST_TMPDIR/first"
	local id
	id=$(in_made 'cat /id')
	touch "$ctx/a"
	sleep 0.01
	run -0 --separate-stderr build
	[[ "$stderr" == *CACHED*CACHED* ]]
	[ "$(build -q)" = "$(cat "$BATS_TEST_TMPDIR/first")" ]
	[ "$(in_made 'cat /id')" = "$id" ]
	# A label is no reason.
	sed -i 's/x=y/x=z/' "$ctx/Dockerfile"
	build -q
	[ "$(in_made 'cat /id')" = "$id" ]
	[ "$(config Labels)" = '{"x":"z"}' ]
	# Nor is who owns the context.
	chown 1234 "$ctx/a"
	build -q
	[ "$(in_made 'cat /id')" = "$id" ]
	# An argument is, and so are content, mode and a new name.
	build -q --build-arg V=1
	[ "$(in_made 'cat /id')" != "$id" ]
	build -q --add-host h:127.0.0.2
	[ "$(in_made 'cat /id')" != "$id" ]
	build -q
	[ "$(in_made 'cat /id')" = "$id" ]
	chmod 600 "$ctx/a"
	build -q
	[ "$(in_made 'cat /id')" != "$id" ]
	chmod 644 "$ctx/a"
	build -q
	[ "$(in_made 'cat /id')" = "$id" ]
	echo 2 >"$ctx/a"
	build -q
	[ "$(in_made 'cat /id')" != "$id" ]
	echo 1 >"$ctx/a"
	: >"$ctx/bb"
	build -q
	[ "$(in_made 'cat /id')" != "$id" ]
	rm "$ctx/bb"
	build -q --no-cache
	[ "$(in_made 'cat /id')" != "$id" ]
	# Rubbish among the steps is no step.
	for f in "$root"/steps/*; do echo rubbish >"$f"; done
	run -0 build
	[[ "$output" != *CACHED* ]]
	mybox system check --repair || true
}

@test "build: who runs a step, and where, is part of it" {
	local by ids=()
	for by in 'USER root' 'USER user' $'USER root\nWORKDIR /etc' 'USER root'; do
		printf 'FROM deb\n%s\nRUN cat /proc/sys/kernel/random/uuid >/tmp/id\n' "$by" | dockerfile
		build -q
		ids+=("$(in_made 'cat /tmp/id')")
	done
	[ "${ids[0]}" = "${ids[3]}" ]
	[ "${ids[0]}" != "${ids[1]}" ]
	[ "${ids[0]}" != "${ids[2]}" ]
	[ "${ids[1]}" != "${ids[2]}" ]
}

@test "build: here-documents, for the shell, for an interpreter, and as files" {
	dockerfile <<'OUTER'
FROM deb
ENV NAME=value
RUN <<EOF
set -e
echo shell $NAME >/one
EOF
RUN <<EOF
#!/bin/sh
echo "$0" >/two
EOF
RUN cat >/three <<EOF && cat >/four <<-'X'
three $NAME
EOF
	four $NAME
	X
COPY <<five <<"six" <<-end /files/
it's "$NAME"
five
$NAME
six
	seven
	end
OUTER
	build
	run -0 in_made 'cat /one /two /three /four /files/five /files/six /files/end'
	[ "$output" = $'shell value\n/dev/pipes/script\nthree value\nfour $NAME\nit\'s "value"\n$NAME\nseven' ]
	run -0 in_made 'ls /dev/pipes 2>&1; ls -d /dev/pipes /files/end 2>/dev/null; true'
	[[ "$output" == *'No such file'*/files/end ]]
}

@test "build: RUN --mount: cache, tmpfs, bind, secret" {
	mkdir "$ctx/sub"
	echo ctx >"$ctx/sub/file"
	echo hidden >"$ctx/hidden"
	echo hidden >"$ctx/.dockerignore"
	printf 'top secret' >"$BATS_TEST_TMPDIR/secret"
	dockerfile <<-'EOF'
		FROM deb AS other
		RUN echo other >/other
		FROM deb
		ARG N
		RUN --mount=type=cache,target=/var/cache/x,id=../../x,mode=1777 echo $N >>/var/cache/x/f; cat /var/cache/x/f >/cached; stat -c %a /var/cache/x >>/cached
		RUN --mount=type=tmpfs,target=/t,size=1m echo '#!/bin/sh' >/t/x; chmod +x /t/x; /t/x && grep -c ' /t tmpfs' /proc/mounts >/tmpfs
		RUN --mount=target=/ctx --mount=from=other,source=/other,target=/run/other ls /ctx >/bound; cat /run/other >>/bound; echo x >/ctx/x 2>/dev/null || echo ro >>/bound
		RUN --mount=target=/ctx,rw echo y >/ctx/written && rm /ctx/sub/file
		RUN --mount=source=sub/file,target=/deep/place/file cat /deep/place/file >>/bound
		RUN --mount=type=secret,id=s --mount=type=secret,id=s,env=S --mount=type=secret,id=s,target=/k,mode=0444,uid=1000 --mount=type=secret,id=nosuch \
			stat -c %a /run/secrets/s >/secret; [ "$(cat /run/secrets/s)" = "$S" ] && stat -c %a:%u /k >>/secret; ls /run/secrets | wc -l >>/secret
	EOF
	build --secret id=s,src="$BATS_TEST_TMPDIR/secret" --build-arg N=1
	build --secret id=s,src="$BATS_TEST_TMPDIR/secret" --build-arg N=2
	run -0 in_made 'cat /cached /tmpfs /bound /secret'
	[ "$output" = $'1\n2\n1777\n1\nDockerfile\nsub\nother\nro\nctx\n400\n444:1000\n1' ]
	[ -e "$ctx/sub/file" ]
	[ ! -e "$ctx/written" ]
	[ ! -e "$root/x" ]
	# Nothing is left of the places, and nothing anywhere of the secret.
	run -0 in_made 'ls -d /ctx /deep /run/secrets /run/other /t /k /var/cache/x 2>/dev/null | wc -l'
	[ "$output" = 0 ]
	run ! grep -r 'top secret' "$root"
	mybox save -o "$BATS_TEST_TMPDIR/made.tar" made
	run ! grep 'top secret' "$BATS_TEST_TMPDIR/made.tar"
	run -1 mybox build - <<<$'FROM deb\nRUN --mount=type=secret,id=x,required true'
	[[ "$output" == *'secret x: not found'* ]]
	# The source of type=env is a variable, and no file of that name.
	cd "$ctx"
	echo file >S
	S=variable mybox build -q -t made --secret type=env,id=s,src=S - <<<$'FROM deb\nRUN --mount=type=secret,id=s cat /run/secrets/s >/s'
	[ "$(in_made 'cat /s')" = variable ]
	run -1 mybox build --secret type=env,id=s,src=NOSUCH -
	[[ "$output" == *'the variable NOSUCH is not set' ]]
}

@test "RUN --mount on /etc: names are still known" {
	dockerfile <<-'EOF'
		FROM deb
		RUN --mount=type=tmpfs,target=/etc grep -q localhost /etc/hosts && test -e /etc/resolv.conf
	EOF
	build
	run -0 in_made 'cat /etc/passwd'
	[[ $output == root:* ]]
}

@test "build: no secret is in what is told of a build, nor in its metadata" {
	printf 'top secret' >"$BATS_TEST_TMPDIR/secret"
	printf 'FROM deb\nRUN --mount=type=secret,id=s,env=S --mount=type=secret,id=s test "$S" = "$(cat /run/secrets/s)"\nRUN --mount=type=secret,id=s,env=S : uses "$S" && false\n' | dockerfile
	local view
	for view in plain rawjson tty; do
		run -1 build --no-cache --progress $view --secret id=s,src="$BATS_TEST_TMPDIR/secret"
		[[ "$output" == *uses* ]]
		[[ "$output" != *'top secret'* ]]
	done
	printf 'FROM deb\nRUN --mount=type=secret,id=s,env=S test -n "$S"\n' | dockerfile
	VALUE='top secret' run -0 build --no-cache --progress plain --secret id=s,env=VALUE --metadata-file "$BATS_TEST_TMPDIR/m" --iidfile "$BATS_TEST_TMPDIR/i"
	[[ "$output" != *'top secret'* ]]
	[ -s "$BATS_TEST_TMPDIR/m" ]
	run ! grep -q 'top secret' "$BATS_TEST_TMPDIR/m" "$BATS_TEST_TMPDIR/i"
	run ! grep -rq 'top secret' "$root"
}

@test "build: Containerfile and .containerignore, after what docker calls them" {
	echo a >"$ctx/a"
	echo b >"$ctx/b"
	printf 'FROM deb\nCOPY . /c\nLABEL of=container\n' >"$ctx/Containerfile"
	echo b >"$ctx/.containerignore"
	build -q
	[ "$(in_made 'ls /c')" = $'Containerfile\na' ]
	[ "$(mybox inspect -f '{{.Config.Labels.of}}' made)" = container ]
	printf 'FROM deb\nCOPY . /c\nLABEL of=docker\n' | dockerfile
	echo a >"$ctx/.dockerignore"
	build -q
	[ "$(in_made 'ls /c')" = $'Containerfile\nDockerfile\nb' ]
	[ "$(mybox inspect -f '{{.Config.Labels.of}}' made)" = docker ]
}

@test "build: RUN --security=sandbox is what it is anyway, ADD --exclude leaves out" {
	mkdir -p "$ctx/d/e"
	touch "$ctx/d/x.c" "$ctx/d/x.h" "$ctx/d/e/y.c" "$ctx/d/e/y.h"
	printf 'FROM deb\nRUN --security=sandbox grep CapEff /proc/self/status >/box\nRUN grep CapEff /proc/self/status >/none\nADD --exclude=**/*.c d /d\n' | dockerfile
	build -q
	[ "$(in_made 'cmp /box /none && find /d -type f | sort')" = $'/d/e/y.h\n/d/x.h' ]
	printf 'FROM deb\nRUN --security=open true\n' | dockerfile
	run -1 build
	[[ "$output" == *'RUN --security=open: unknown security mode'* ]]
}

@test "build: the live view on a terminal" {
	dockerfile <<-'EOF'
		FROM deb AS first
		RUN --mount=type=cache,target=/c,id=go echo working; until [ -e /c/go ]; do sleep 0.1; done
		FROM deb
		COPY --from=first /etc/passwd /x
	EOF
	cat >"$BATS_TEST_TMPDIR/live.py" <<-'EOF'
		import subprocess, sys
		from screen import Terminal
		argv, ctx = sys.argv[2:], sys.argv[1]
		def build(*flags):
		    return Terminal([*argv, "build", "-t", "made", *flags, ctx], rows=30, columns=80)
		t = build("--progress", "tty")
		t.wait(" => => # working")
		row = t.screen.find(" => [first 2/2] RUN")
		assert row, t.screen.text()
		open(ctx + "/Dockerfile.go", "w").write("FROM deb\nRUN --mount=type=cache,target=/c,id=go touch /c/go\n")
		subprocess.run([*argv, "build", "-q", "-f", ctx + "/Dockerfile.go", ctx], check=True, stdout=subprocess.DEVNULL)
		t.wait("=> [stage-1 2/2] COPY")
		assert t.end() == 0, t.screen.text()
		text = t.screen.text()
		# Lines of what runs are gone with it; each step stands there once, within the width.
		assert "# working" not in text, text
		assert text.count("[first 2/2] RUN") == 1, text
		assert all(len(line) <= 80 for line in text.split("\n")), text
		t = build()
		assert t.end() == 0, t.screen.text()
		assert "CACHED [first 2/2] RUN" in t.screen.text(), t.screen.text()
		open(ctx + "/Dockerfile", "w").write("FROM deb\nRUN echo why; exit 3\n")
		t = build()
		assert t.end() == 1
		text = t.screen.text()
		assert "ERROR [2/2] RUN echo why" in text and "exit code: 3" in text, text
		assert ">>> RUN" in text and "why" in text, text
	EOF
	mybox builder prune -af >/dev/null
	run env PYTHONPATH="$BATS_TEST_DIRNAME/../support" python3 "$BATS_TEST_TMPDIR/live.py" "$ctx" "$MYBOX" --root "$root" --runroot "$run"
	echo "$output"
	[ "$status" = 0 ]
}

@test "build: while it is used a secret is on no disk either" {
	dockerfile <<-'EOF'
		FROM deb
		RUN --mount=type=secret,id=s,env=S --mount=type=secret,id=s --mount=type=cache,target=/c,id=wait touch /c/begun; until [ -e /c/go ]; do sleep 0.1; done; echo ${#S} >/n
	EOF
	S='never written' mybox build -q -t made --secret id=s,env=S "$ctx" >"$BATS_TEST_TMPDIR/out" 2>&1 &
	local pid=$! found
	wait_until 20 sh -c "ls $root/caches/*/begun"
	found=$(grep -rl 'never written' "$root" || true)
	touch "$(dirname "$(ls "$root"/caches/*/begun)")/go"
	wait "$pid"
	[ "$found" = '' ]
	[ "$(in_made 'cat /n')" = 13 ]
}

@test "build: .dockerignore, wildcards, and destinations" {
	mkdir -p "$ctx/d/e" "$ctx/skip/me" "$ctx/.git"
	touch "$ctx"/{one.txt,two.txt,three.md,keep.md} "$ctx"/d/{x.o,x.c} "$ctx/d/e/y.o" "$ctx/skip/me/not" "$ctx/skip/yes" "$ctx/.git/config"
	ln -s one.txt "$ctx/link"
	ln -s /etc/passwd "$ctx/d/abs"
	printf '%s\n' '# comment' '.git' '*.md' '!keep.md' '**/*.o' 'skip' '!skip/me' Dockerfile >"$ctx/.dockerignore"
	dockerfile <<-'EOF'
		FROM deb
		COPY . /all
		COPY *.txt d/*.c /flat/
		COPY link /file
		COPY d /made/new
		COPY ["one.txt", "with space"]
		COPY --exclude=*.c --exclude=e d /excluded
	EOF
	build
	run -0 in_made 'cd /all; find . | sort; find /flat /file /made /excluded -type f | sort; readlink /all/link; readlink /all/d/abs; ls -d "/with space"'
	[ "$output" = $'.\n./.dockerignore\n./d\n./d/abs\n./d/e\n./d/x.c\n./keep.md\n./link\n./one.txt\n./skip\n./skip/me\n./skip/me/not\n./two.txt
/file\n/flat/one.txt\n/flat/two.txt\n/flat/x.c\n/made/new/x.c\none.txt\n/etc/passwd\n/with space' ]
	run -1 mybox build -f - "$ctx" <<<$'FROM deb\nCOPY three.md /'
	[[ "$output" == *'"/three.md": not found (.dockerignore leaves it out)'* ]]
	run -1 mybox build -f - "$ctx" <<<$'FROM deb\nCOPY a.txt /'
	[[ "$output" == *'"/a.txt": not found'* ]]
	run -1 mybox build -f - "$ctx" <<<$'FROM deb\nCOPY one.txt two.txt /x'
	[[ "$output" == *'destination must be a directory and end with a /'* ]]
	# The file's own rules win.
	cp "$ctx/Dockerfile" "$ctx/other"
	echo two.txt >"$ctx/other.dockerignore"
	mybox build -q -t made -f "$ctx/other" "$ctx"
	run -0 in_made 'ls /all/two.txt 2>&1; ls /all/three.md'
	[[ "$output" == *'No such file'*/all/three.md ]]
}

@test "build: contexts from stdin, and archives that ADD unpacks" {
	mkdir "$ctx/in"
	echo packed >"$ctx/in/file"
	ln -s /nowhere "$ctx/in/link"
	ln "$ctx/in/file" "$ctx/in/same"
	tar -C "$ctx/in" -cf "$ctx/a.tar" .
	tar -C "$ctx/in" -czf "$ctx/a.tgz" file
	gzip -c "$ctx/in/file" >"$ctx/plain.gz"
	xz -c "$ctx/a.tar" >"$ctx/a.tar.xz"
	dockerfile <<-'EOF'
		FROM deb
		ADD a.tar /tar/
		ADD a.tgz a.tar.xz plain.gz /both/
		ADD --unpack=false a.tar /whole
		COPY a.tgz /copied
	EOF
	tar -C "$ctx" -c . | gzip | mybox build -q -t made -
	run -0 in_made 'cat /tar/file /both/file; readlink /tar/link; zcat /both/plain.gz; tar tf /whole | grep -c .; tar tzf /copied; stat -c %h /tar/file'
	[ "$output" = $'packed\npacked\n/nowhere\npacked\n4\nfile\n2' ]
	tar -C "$ctx" -c . | mybox build -q -t made -f in/../Dockerfile -
	printf 'FROM deb\nCOPY x /\n' >"$BATS_TEST_TMPDIR/d"
	run -1 mybox build - <"$BATS_TEST_TMPDIR/d"
	[[ "$output" == *'there is no build context'* ]]
	run -1 mybox build -f - - <"$BATS_TEST_TMPDIR/d"
	[[ "$output" == *"can't use stdin for both"* ]]
	head -c 700 "$ctx/a.tar" >"$BATS_TEST_TMPDIR/cut"
	run -1 mybox build - <"$BATS_TEST_TMPDIR/cut"
	[ "${#lines[@]}" = 1 ]
	[[ "$output" == 'mybox: the context: '* ]]
}

@test "build: what leads out of the context or the stage leads nowhere" {
	mkdir "$ctx/d"
	ln -s /etc "$ctx/d/etc"
	ln -s ../../../../etc/passwd "$ctx/up"
	echo x >"$ctx/x"
	local bad
	for bad in 'COPY ../../etc/passwd /p' 'COPY up /p' 'COPY d/etc/passwd /p' 'RUN --mount=source=../../etc,target=/m true' 'RUN --mount=source=d/etc,target=/m true'; do
		printf 'FROM deb\n%s\n' "$bad" | dockerfile
		run -1 build
		[[ "$output" == *'not found'* ]] || { echo "$bad: $output"; false; }
	done
	# A destination behind links stays in the image.
	dockerfile <<-'EOF'
		FROM deb
		RUN ln -s /../../../../run/mybox-test /esc && mkdir /real && ln -s /real /alias && mkdir -p /tree && ln -s /real /tree/d
		COPY x /esc/build.bats/
		COPY x /alias/
	EOF
	build
	[ ! -e /run/mybox-test/build.bats/x ]
	[ "$(in_made 'cat /run/mybox-test/build.bats/x /real/x')" = $'x\nx' ]
	printf 'FROM made\nCOPY . /tree/\n' | dockerfile
	run -1 build
	[[ "$output" == *"cannot copy to non-directory"* ]]
	printf 'FROM deb\nRUN --security=insecure true\n' | dockerfile
	run -1 build
	[[ "$output" == *'is not allowed'* ]]
	printf 'FROM deb\nRUN --network=host true\n' | dockerfile
	run -1 build
	[[ "$output" == *'needs build --network=host'* ]]
}

@test "build: flags of others, done or refused by name" {
	printf 'FROM deb\nRUN --network=host cat /proc/net/dev >/dev; echo f >/f\n' | dockerfile
	run -1 build
	[[ "$output" == *'needs build --network=host or --allow network.host'* ]]
	build -q --allow network.host --pull-always=false --isolation default --rewrite-timestamp --timestamp 1500000000 >/dev/null
	[ "$(mybox image inspect -f '{{.Created}}' made)" = 2017-07-14T02:40:00.000000000Z ]
	[ "$(in_made 'stat -c %Y /f')" = 1500000000 ]
	run -1 build --timestamp soon
	[ "$output" = "mybox: SOURCE_DATE_EPOCH: 'soon' is no number of seconds" ]
	run -1 build --allow security.insecure
	[ "$output" = 'mybox: --allow=security.insecure is not supported' ]
	run -1 build --isolation chroot
	[ "$output" = 'mybox: --isolation=chroot is not supported' ]
	run -1 build --squash
	[[ "$output" == *"--squash"*'COPY --from in a stage FROM scratch'* ]]
	run -1 build --security-opt seccomp=unconfined
	[[ "$output" == *"--security-opt"*'RUN has the rights of run without options'* ]]
}

@test "build: SOURCE_DATE_EPOCH makes the same bytes of the same files" {
	mkdir "$ctx/d"
	echo a >"$ctx/d/a"
	ln -s a "$ctx/d/l"
	dockerfile <<-'EOF'
		FROM deb
		WORKDIR /w
		COPY d .
		RUN echo made >file && mkdir -p x/y && ln file x/hard
		LABEL a=b
	EOF
	local first
	first=$(SOURCE_DATE_EPOCH=1600000000 build -q)
	cp -r "$ctx" "$ctx.2"
	touch "$ctx.2/d/a" "$ctx.2/d"
	mybox rmi -f made >/dev/null
	[ "$(mybox build -q --no-cache --build-arg SOURCE_DATE_EPOCH=1600000000 -t made "$ctx.2")" = "$first" ]
	[ "$(SOURCE_DATE_EPOCH=1600000000 build -q)" = "$first" ]
	[ "$(mybox image inspect -f '{{.Created}}' made)" = 2020-09-13T12:26:40.000000000Z ]
	run -0 in_made 'stat -c %Y /w/file /w/x /w/x/y /w/a'
	[ "$(sort -u <<<"$output")" = 1600000000 ]
	# Steps without the time, or with another, are others.
	build -q
	run -0 in_made 'stat -c %Y /w/file'
	[ "$output" != 1600000000 ]
	SOURCE_DATE_EPOCH=1500000000 build -q
	run -0 in_made 'stat -c %Y /w/file /w/x /w/x/y /w/a'
	[ "$(sort -u <<<"$output")" = 1500000000 ]
	SOURCE_DATE_EPOCH=x run -1 build
	[[ "$output" == *'is no number of seconds'* ]]
}

@test "build: twice from scratch, in stores and directories of their own, it is the same image" {
	mkdir -p "$ctx/src/deep"
	echo 'int main;' >"$ctx/src/deep/main.c"
	ln -s deep/main.c "$ctx/src/link"
	dockerfile <<-'EOF'
		FROM deb AS make
		WORKDIR /w
		COPY src src
		RUN mkdir -p out/d && cp src/deep/main.c out/d/x && ln out/d/x out/y && mkfifo out/p
		FROM deb AS other
		RUN seq 1000 >/numbers
		FROM deb
		COPY --from=make --chown=7:8 /w/out /out
		COPY --link --from=other /numbers /
		RUN --mount=type=cache,target=/c echo c >/c/x && echo last >/last
		LABEL a=b
		CMD ["sh"]
	EOF
	local n root=$root run=$run place ids='' digests=''
	for n in 1 2; do
		place=/run/mybox-test/$name/again$n
		rm -rf "$place"
		mkdir -p "$place"
		cp -r "$ctx" "$place/ctx$n"
		find "$place/ctx$n" -exec touch -h {} +
		root=$place/root run=$place/run
		mybox load -q -i "$images/deb.tar" >/dev/null
		ids+=$(SOURCE_DATE_EPOCH=1600000000 mybox build -q -t made -o type=image -o type=oci,dest="$place/oci.tar" "$place/ctx$n")$'\n'
		digests+=$(tar -xOf "$place/oci.tar" index.json)$'\n'
		rm -rf "$place"
	done
	[ "$(sort -u <<<"${ids%$'\n'}" | wc -l)" = 1 ]
	[[ "$digests" == *sha256:* ]]
	[ "$(sort -u <<<"${digests%$'\n'}" | wc -l)" = 1 ]
}

@test "build: a failure says where, and leaves nothing" {
	dockerfile <<-'EOF'
		FROM deb
		RUN echo fine
		RUN echo told && \
		    exit 7
	EOF
	run -1 build
	[[ "$output" == *$'------\n > [3/3] RUN echo told'*$'told\n------\nDockerfile:3\n'*'3 | >>> RUN echo told'*'4 | >>>     exit 7'*'exit code: 7' ]]
	[ -z "$(mybox images -q made)$(mybox ps -aq)$(ls "$root/ingest")" ]
	printf 'FROM deb\nRUN ["/nosuch"]\n' | dockerfile
	run -1 build
	[[ "$output" == *'/nosuch'*'no such file'* ]]
	printf 'FROM nosuch.invalid/x\n' | dockerfile
	run -1 build
	[[ "${lines[-1]}" == 'mybox: failed to build: '* ]]
	printf 'FROM deb\nRUN true && \\\n\n true\n' | dockerfile
	run -0 build
	[[ "$output" == *'WARNING: NoEmptyContinuation: Empty continuation line (line 2)'* ]]
	mybox rmi -f made
	printf 'FROM deb\nFOO x\n' | dockerfile
	run -1 build
	[[ "$output" == *'parse error on line 2: unknown instruction: FOO'* ]]
	rm "$ctx/Dockerfile"
	run -1 build
	[ "$output" = 'mybox: failed to read dockerfile: open Dockerfile: no such file or directory' ]
	run -1 mybox build "$ctx/nosuch"
	[[ "$output" == *'not found' ]]
}

@test "build: --iidfile, -q, labels, several names, and arguments that nobody took" {
	printf 'FROM deb\nARG A\nRUN echo $A $http_proxy >/a\n' | dockerfile
	run -0 --separate-stderr mybox build -q -t made -t made:two --label x=y --iidfile "$BATS_TEST_TMPDIR/id" --build-arg A=1 --build-arg http_proxy=p "$ctx"
	[ "$stderr" = '' ]
	[ "$output" = "$(cat "$BATS_TEST_TMPDIR/id")" ]
	[[ "$output" == sha256:* ]]
	[ "$(in_made 'cat /a')" = '1 p' ]
	[ "$(mybox images -q made:two)" = "$(mybox images -q made:latest)" ]
	[ "$(config Labels)" = '{"x":"y"}' ]
	run -0 mybox history --no-trunc made
	[[ "$output" != *http_proxy=* ]]
	run -0 build --build-arg NOBODY=1
	[[ "$output" == *'build-args [NOBODY] were not consumed'* ]]
	A=env build -q --build-arg A
	[ "$(in_made 'cat /a')" = env ]
	run -0 mybox buildx build -q "$ctx"
}

@test "build: builder du and builder prune" {
	mybox builder prune -af >/dev/null
	[ "$(mybox builder du --format '{{.ID}}')" = '' ]
	printf 'FROM deb AS a\nRUN dd if=/dev/zero of=/big bs=1M count=3 2>/dev/null; echo x >>/big\nFROM deb\nCOPY --from=a /bin/sh /small\nRUN --mount=type=cache,target=/c echo y >/c/f\n' | dockerfile
	build -q
	run -0 mybox builder du
	[[ "${lines[0]}" == ID*RECLAIMABLE*SIZE*'LAST ACCESSED'* ]]
	[[ "$output" == *false*true*'Reclaimable:'*'Total:'* ]]
	[ "$(mybox builder du --format '{{.Reclaimable}} {{.Size}} {{.Description}}' | sort | grep -c '^true 3.15MB RUN /bin/sh -c dd')" = 1 ]
	run -0 mybox system df --format '{{.Type}}|{{.TotalCount}}|{{.Active}}|{{.Size}}|{{.Reclaimable}}'
	[[ "${lines[0]}" == 'Images|2|0|'* ]]
	[[ "${lines[3]}" == 'Build Cache|4|2|3.146MB|3.146MB (100%)' ]]
	run -0 mybox system df -v
	[[ "$output" == *'Build cache usage: 3.15MB'*'CACHE ID'*'exec.cachemount'* ]]
	# What no image has.
	run -0 mybox builder prune -f
	[[ "$output" == 'Deleted build cache objects:'*'Total reclaimed space: 3.146MB' ]]
	[ "${#lines[@]}" = 3 ]
	run -0 build
	[[ "$output" == *'[stage-1 2/3]'*CACHED*CACHED* ]]
	[[ "$output" == *'[a 2/2] RUN dd'*DONE* ]]
	run -0 mybox builder prune -af --filter until=1h
	[[ "$output" == 'Total reclaimed space: 0B' ]]
	# All of it; the image stays whole.
	run -0 mybox builder prune -af
	[ "${#lines[@]}" = 6 ]
	[ -z "$(ls "$root/steps" "$root/caches" | grep -v :)" ]
	in_made 'test -s /small'
	run -0 build
	[[ "$output" != *CACHED* ]]
	# Without a name it goes with the rest.
	mybox rmi -f made >/dev/null
	run -0 mybox system prune -f
	[[ "$output" == *'Deleted build cache objects:'* ]]
}

@test "build: builder prune --keep-storage keeps what was used last" {
	local each
	mybox builder prune -af >/dev/null
	for each in one two three; do
		printf 'FROM deb\nRUN dd if=/dev/zero of=/%s bs=1M count=2 2>/dev/null\nRUN : on %s\n' $each $each | dockerfile
		build -q >/dev/null
	done
	remove_images_but kept
	steps() { mybox builder du --format '{{.Description}}' | grep -o 'of=/[a-z]*\|: on [a-z]*' | sort | xargs; }
	run -0 mybox builder prune -f --keep-storage 6300kb
	[ "$output" = 'Total reclaimed space: 0B' ]
	run -0 mybox builder prune -f --keep-storage 5mb
	[ "${lines[-1]}" = 'Total reclaimed space: 2.097MB' ]
	[ "$(steps)" = ': on three : on two of=/three of=/two' ]
	mybox builder prune -f --keep-storage 3mb >/dev/null
	[ "$(steps)" = ': on three of=/three' ]
	mybox builder prune -f --reserved-space 1 >/dev/null
	[ "$(steps)" = '' ]
	run -125 mybox builder prune -f --keep-storage much
}

no_containers() { [ -z "$(mybox ps -aq)" ]; }

@test "build: stages that do not wait for each other run side by side" {
	# Each waits for the other, which only works at the same time.
	[ "$(nproc)" -gt 1 ] || skip "needs two processors"
	dockerfile <<-'EOF'
		FROM deb AS base
		RUN echo base >/base
		FROM base AS a
		ARG A
		RUN --mount=type=cache,target=/c,id=meet touch /c/a; echo out of a; i=0; until [ -e /c/b ]; do sleep 0.05; i=$((i+1)); [ $i -lt 400 ]; done; echo a >/a
		FROM base AS b
		ARG B
		RUN --mount=type=cache,target=/c,id=meet touch /c/b; echo out of b; i=0; until [ -e /c/a ]; do sleep 0.05; i=$((i+1)); [ $i -lt 400 ]; done; echo b >/b
		FROM base AS c
		COPY --from=a /a /
		FROM deb
		COPY --from=c /a /base /
		COPY --from=b /b /
		CMD ["cat", "/a", "/b", "/base"]
	EOF
	run -0 --separate-stderr build --build-arg A=1 --build-arg B=1
	[[ "$stderr" != *'not consumed'* ]]
	[ "$(mybox run --rm made)" = $'a\nb\nbase' ]
	# Each line has its step's number, and what is turned away from is said to go on.
	local a b
	a=$(sed -n 's/^#\([0-9]*\) \[a 1\/1\].*/\1/p' <<<"$stderr" | head -1) b=$(sed -n 's/^#\([0-9]*\) \[b 1\/1\].*/\1/p' <<<"$stderr" | head -1)
	[ "$a" != "$b" ]
	grep -qE "^#$a [0-9.]+ out of a" <<<"$stderr"
	grep -qE "^#$b [0-9.]+ out of b" <<<"$stderr"
	grep -q '^#[0-9]* \.\.\.$' <<<"$stderr"
	run -0 build --build-arg A=1 --build-arg B=1
	[ "$(grep -c CACHED <<<"$output")" = 6 ]
	# The same image as one after the other makes.
	[ "$(taskset -c 0 "$MYBOX" --root "$root" --runroot "$run" build -q -t other --build-arg A=1 --build-arg B=1 "$ctx")" = "sha256:$(mybox images -q --no-trunc made | sed s/sha256://)" ]
	# One that fails ends the others, and only its own failure is told.
	printf 'FROM deb AS x\nRUN --mount=type=cache,target=/c,id=fail touch /c/x; sleep 1000\nFROM deb AS y\nRUN --mount=type=cache,target=/c,id=fail until [ -e /c/x ]; do sleep 0.05; done; exit 5\nFROM deb\nCOPY --from=x / /x\nCOPY --from=y / /y\n' | dockerfile
	run -1 build
	[[ "$output" == *CANCELED* ]]
	[[ "$output" == *'4 | >>> RUN'* ]]
	[[ "$output" == *'exit code: 5' ]]
	[ -z "$(mybox ps -aq)$(ls "$root/ingest")" ]
	# Interrupted or killed, none of them goes on.
	printf 'FROM deb AS x\nRUN echo begun; sleep 1000\nFROM deb AS y\nRUN echo begun; sleep 1000\nFROM deb\nCOPY --from=x / /x\nCOPY --from=y / /y\n' | dockerfile
	local sig pid
	for sig in TERM KILL; do
		env --default-signal=INT "$MYBOX" --root "$root" --runroot "$run" build "$ctx" >"$BATS_TEST_TMPDIR/out" 2>&1 &
		pid=$!
		wait_until 20 both_begun
		kill -"$sig" "$pid"
		wait "$pid" || true
		wait_until 20 no_containers
	done
	mybox images -q >/dev/null
	printf 'FROM deb\nRUN echo after\n' | dockerfile
	build -q
}
both_begun() { [ "$(grep -c ' begun$' "$BATS_TEST_TMPDIR/out")" = 2 ]; }

@test "build: interrupted or killed, it leaves what the next command understands" {
	printf 'FROM deb\nRUN echo begun; sleep 1000\n' | dockerfile
	local pid sig
	for sig in INT TERM; do
		env --default-signal=INT "$MYBOX" --root "$root" --runroot "$run" build -t made "$ctx" >"$BATS_TEST_TMPDIR/out" 2>&1 &
		pid=$!
		wait_until 20 grep -qE '^#[0-9]+ [0-9.]+ begun$' "$BATS_TEST_TMPDIR/out"
		kill -"$sig" "$pid"
		wait "$pid" || true
		[ -z "$(mybox ps -aq)$(ls "$root/ingest")$(mybox images -q made)" ]
	done
	env --default-signal=INT "$MYBOX" --root "$root" --runroot "$run" build -t made "$ctx" >"$BATS_TEST_TMPDIR/out" 2>&1 &
	pid=$!
	wait_until 20 grep -qE '^#[0-9]+ [0-9.]+ begun$' "$BATS_TEST_TMPDIR/out"
	kill -KILL "$pid"
	wait "$pid" || true
	# What ran in the container is gone with it, and so is the container.
	wait_until 20 no_containers
	printf 'FROM deb\nRUN echo again\n' | dockerfile
	build -q
}

@test "build: what a RUN makes of a directory above a mount stays, mount points do not" {
	dockerfile <<-'EOF'
		FROM deb
		RUN mkdir /p /o /q /q/m
		RUN --mount=type=tmpfs,target=/p/m chmod 700 /p
		RUN --mount=type=tmpfs,target=/o/m chown 1000:50 /o
		RUN --mount=type=tmpfs,target=/new/deep/m chmod 711 /new
		RUN --mount=type=tmpfs,target=/q/m --mount=type=tmpfs,target=/gone/deep/m true
		RUN stat -c '%n %a %u:%g' /p /o /new /q >/stats; find /p /o /new /q /gone >/found 2>&1; true
	EOF
	build -q
	[ "$(in_made 'cat /stats')" = $'/p 700 0:0\n/o 755 1000:50\n/new 711 0:0\n/q 755 0:0' ]
	[ "$(in_made 'cat /found')" = $'/p\n/o\n/new\n/q\n/q/m\nfind: /gone: No such file or directory' ]
}
