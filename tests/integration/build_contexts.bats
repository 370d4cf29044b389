#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Where the files of a build come from: names, servers, repositories.
# bats file_tags=cgroup:any
load build_helpers

setup_file() {
	build_begin
	export served=/run/mybox-test/build_contexts.bats/served
	mkdir -p "$served/git"
	(cd "$served" && exec python3 -m http.server --bind 127.0.0.1 8090 >/dev/null 2>&1 3>&-) &
	echo $! >"$served.pids"
	git daemon --reuseaddr --listen=127.0.0.1 --port=9418 --export-all --base-path="$served/git" >"$served.log" 2>&1 3>&- &
	echo $! >>"$served.pids"
	wait_until 20 listening 8090
	wait_until 20 listening 9418
}
teardown_file() { xargs kill <"$served.pids"; }
# The client is somebody else, and waits for the server.
fetching() { [ "$(stat -c %u "/proc/$(pgrep -x -P "$1" git)" 2>/dev/null)" -ge 2013265920 ] 2>/dev/null && tr '\0' ' ' <"/proc/$(pgrep -x -P "$1" git)/cmdline" | grep -q ' fetch '; }
ended() { ! grep -qs '^State:.[^Z]' "/proc/$1/status"; }
listening() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
g() { git -C "$work" -c user.name=n -c user.email=e@e -c protocol.file.allow=always "$@" >/dev/null 2>&1; }

# A repository with a branch, a tag, a link that leads out and a submodule: repository NAME.
repository() {
	work=$served/git/$1
	mkdir -p "$work/sub/deep"
	printf 'FROM deb\nCOPY . /c\n' | tee "$work/Dockerfile" >"$work/sub/Dockerfile"
	echo main >"$work/which"
	echo deep >"$work/sub/deep/f"
	ln -s /etc "$work/out"
	ln -s sub/deep "$work/in"
	echo x >"$work/x.sh"
	chmod 755 "$work/x.sh"
	git init -q -b main "$work"
	g add -A
	GIT_COMMITTER_DATE=@1500000000 g commit -m one
	g tag v1
	g checkout -b other
	echo other >"$work/which"
	g commit -am two
	first=$(git -C "$work" rev-parse v1)
	g checkout main
	echo later >"$work/which"
	g commit -am three
}

@test "build --build-context: directories, images and layouts under a name" {
	mkdir -p "$BATS_TEST_TMPDIR/other/d"
	echo o >"$BATS_TEST_TMPDIR/other/d/f"
	echo no >"$BATS_TEST_TMPDIR/other/skip"
	echo skip >"$BATS_TEST_TMPDIR/other/.dockerignore"
	chown -R 1234 "$BATS_TEST_TMPDIR/other"
	printf 'FROM deb\nRUN echo layout >/layout\n' | dockerfile
	mybox build -q -t layered -o type=oci,dest="$BATS_TEST_TMPDIR/l.tar" "$ctx"
	mkdir "$BATS_TEST_TMPDIR/l"
	tar -xf "$BATS_TEST_TMPDIR/l.tar" -C "$BATS_TEST_TMPDIR/l"
	dockerfile <<-'EOF'
		FROM base AS one
		FROM nowhere.invalid/x:1 AS two
		FROM deb AS stage
		RUN false
		FROM one
		COPY --from=other . /o
		COPY --from=two /layout /layout
		COPY --from=stage /etc/passwd /stage
		RUN --mount=from=other,target=/m ls -A /m >/mounted
	EOF
	build -q --build-context base=docker-image://kept --build-context nowhere.invalid/x:1=oci-layout://"$BATS_TEST_TMPDIR/l:latest" \
		--build-context other="$BATS_TEST_TMPDIR/other" --build-context stage=docker-image://kept
	[ "$(in_made 'cat /layout /o/d/f /mounted; stat -c %u /o/d/f; ls -A /o; grep -c root /stage')" = $'layout\no\n.dockerignore\nd\n0\n.dockerignore\nd\n1' ]
	# Names of a layout are nobody's here, and nothing but what was built stays.
	[ -z "$(mybox images -q layered)" ]
	[ -z "$(mybox images -q -f dangling=true)" ]
	# Unless that is the same: without a name, but it is what was asked for.
	[ "$(mybox build -q --build-context base=oci-layout://"$BATS_TEST_TMPDIR/l" - <<<'FROM base')" = "$(mybox images -q --no-trunc -f dangling=true)" ]
	[ "$(mybox build -q --build-context base=oci-layout://"$BATS_TEST_TMPDIR/l" - <<<'FROM base')" = "$(mybox images -q --no-trunc -f dangling=true)" ]
	local bad
	for bad in 'x|expected key=value' 'x=docker-image://|an image has a name' 'x=/nosuch|not found' 'x=target:y|not found' "x=oci-layout://$BATS_TEST_TMPDIR/l:nosuch|no image" 'x=s3://y|not supported'; do
		run -1 build --build-context "${bad%|*}"
		[[ "$output" == "mybox: --build-context ${bad%|*}: "*"${bad#*|}"* ]] || [[ "$output" == *"invalid context value: x, ${bad#*|}"* ]] || { echo "$bad: $output"; false; }
	done
	# A directory is a base, too: a root file system, without what it ignores.
	mkdir -p "$BATS_TEST_TMPDIR/other/bin"
	cp /bin/busybox "$BATS_TEST_TMPDIR/other/bin/sh"
	printf 'FROM other AS one\nRUN echo /* >/made\nFROM one\n' | dockerfile
	build -q --build-context other="$BATS_TEST_TMPDIR/other"
	[ "$(in_made 'read x </made; echo "$x"')" = '/bin /d /dev /etc /proc /sys' ]
	run -0 build --build-context other="$BATS_TEST_TMPDIR/other"
	[[ "$output" == *'[one 1/2] COPY --from=other . /'*CACHED*CACHED* ]]
}

@test "build: the context is a tar or a Dockerfile at an address" {
	mkdir "$BATS_TEST_TMPDIR/c"
	printf 'FROM deb\nCOPY f /f\n' >"$BATS_TEST_TMPDIR/c/Dockerfile"
	printf 'FROM deb\nCOPY f /g\n' >"$BATS_TEST_TMPDIR/c/Other"
	echo f >"$BATS_TEST_TMPDIR/c/f"
	tar -czf "$served/c.tgz" -C "$BATS_TEST_TMPDIR/c" .
	printf 'FROM deb\nRUN echo text >/text\n' >"$served/D"
	mybox build -q -t made http://127.0.0.1:8090/c.tgz
	[ "$(in_made 'cat /f')" = f ]
	mybox build -q -t made -f Other http://127.0.0.1:8090/c.tgz
	[ "$(in_made 'cat /g')" = f ]
	mybox build -q -t made http://127.0.0.1:8090/D
	[ "$(in_made 'cat /text')" = text ]
	run -1 mybox build http://127.0.0.1:8090/nosuch
	[[ "$output" == *"'http://127.0.0.1:8090/nosuch': no file: status 404"* ]]
	run -1 mybox build http://127.0.0.1:1/x
	[ "${#lines[@]}" = 1 ]
	printf 'FROM deb\nCOPY --from=web f /w\n' | dockerfile
	build -q --build-context web=http://127.0.0.1:8090/c.tgz
	[ "$(in_made 'cat /w')" = f ]
}

@test "build: whoever ends it leaves nothing of what was fetched" {
	tar -cf "$served/ended.tar" -C / etc/passwd
	printf 'FROM deb\nCOPY --from=web etc/passwd /w\nRUN echo begun; sleep 1000\n' | dockerfile
	"$MYBOX" --root "$root" --runroot "$run" build --build-context web=http://127.0.0.1:8090/ended.tar "$ctx" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	wait_until 20 grep -q begun "$BATS_TEST_TMPDIR/out"
	kill -TERM $!
	local code=0
	wait $! || code=$?
	[ "$code" = 143 ]
	[ -z "$(ls "$root/ingest")" ]
}

# A server at 127.0.0.1:$1 in python: what it does with a connection c is $2.
serve() { # serve PORT CODE
	python3 - "$1" "$2" <<-'EOF' >/dev/null 2>&1 3>&- &
		import socket, sys, time
		s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
		while True:
		    c = s.accept()[0]
		    try:
		        exec(sys.argv[2])
		    except OSError:
		        pass
	EOF
	echo $! >>"$served.pids"
	wait_until 20 listening "$1"
}

@test "build: a server that says little or nothing is no reason to stay" {
	serve 8096 $'c.recv(4096); c.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")\nwhile True: c.sendall(b"x"); time.sleep(0.2)'
	serve 9420 $'keep = globals().setdefault("keep", []); keep.append(c)'
	local what pid signal code
	for what in http://127.0.0.1:8096/x git://127.0.0.1:9420/r.git; do
		for signal in TERM INT; do
			printf 'FROM deb\nRUN true\nADD %s /x\n' "$what" | dockerfile
			env --default-signal=INT "$MYBOX" --root "$root" --runroot "$run" build "$ctx" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
			pid=$!
			wait_until 20 grep -q "ADD $what" "$BATS_TEST_TMPDIR/out"
			wait_until 20 asks "$pid"
			kill -$signal "$pid"
			wait_until 5 ended "$pid"
			code=0
			wait "$pid" || code=$?
			[ "$code" -gt 128 ]
			[ -z "$(ls "$root/ingest")" ]
		done
	done
}
# Somebody whom process $1 has started has a connection.
asks() {
	local p
	for p in $(started_by "$1"); do
		! ss -Htnp state established 2>/dev/null | grep -E ':(8096|9420) ' | grep -q "pid=$p," || return 0
	done
	return 1
}
started_by() {
	local p
	for p in $(pgrep -P "$1"); do
		echo "$p"
		started_by "$p"
	done
}

@test "build: a server may not send more than there is room for" {
	serve 8095 $'c.recv(4096); c.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: 99999999999\\r\\n\\r\\nx")\ntime.sleep(1)\nc.close()'
	printf 'FROM deb\nADD http://127.0.0.1:8095/x /x\n' | dockerfile
	run -1 build
	[[ "$output" == *"'http://127.0.0.1:8095/x': it is longer than 10737418240 bytes"* ]]
	run -1 mybox build http://127.0.0.1:8095/x
	[[ "$output" == *"'http://127.0.0.1:8095/x': it is longer than 10737418240 bytes"* ]]
}

@test "build: a file of ADD comes again when the server has another one" {
	echo one >"$served/again"
	touch -d @1400000000 "$served/again"
	# The same server, and one that has tags for its files.
	(cd "$served" && exec python3 -m http.server --bind 127.0.0.1 8093 >"$served.seen" 2>&1 3>&-) &
	echo $! >>"$served.pids"
	cat >"$served.tags.py" <<-'EOF'
		import http.server, os
		class H(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        tag = '"' + open("again").read().strip() + '"'
		        said = open("lie").read() if self.path == "/lies" and os.path.exists("lie") else tag
		        same = self.headers["If-None-Match"] == tag
		        self.send_response(304 if same else 200)
		        self.send_header("ETag", tag)
		        if self.path == "/never": self.send_header("Cache-Control", "no-store")
		        self.end_headers()
		        if not same: self.wfile.write(said.encode())
		http.server.HTTPServer(("127.0.0.1", 8094), H).serve_forever()
	EOF
	(cd "$served" && exec python3 "$served.tags.py" >"$served.tags" 2>&1 3>&-) &
	echo $! >>"$served.pids"
	wait_until 20 listening 8093
	wait_until 20 listening 8094
	printf 'FROM deb\nADD http://127.0.0.1:8093/again http://127.0.0.1:8094/tagged http://127.0.0.1:8094/never /\n' | dockerfile
	build -q
	build -q
	# Nothing is kept of what cannot be asked for.
	[ "$(ls "$root/caches" | wc -l)" = 1 ]
	# An older file is another one, too: there is no asking by Last-Modified.
	[ "$(grep -c '"GET /again .* 200' "$served.seen")" = 2 ]
	[ "$(grep -c '"GET /tagged .* 200' "$served.tags") $(grep -c '"GET /tagged .* 304' "$served.tags")" = '1 1' ]
	[ "$(grep -c '"GET /never .* 200' "$served.tags")" = 2 ]
	# It is made of what is kept, too, and what is damaged is not.
	sed -i '1a RUN echo below' "$ctx/Dockerfile"
	build -q
	[ "$(in_made 'cat /again /tagged; stat -c "%a %Y" /again')" = $'one\n"one"600 1400000000' ]
	local file
	for file in "$root"/caches/*/file; do echo damaged >"$file"; done
	build -q
	[ "$(in_made 'cat /again')" = one ]
	[ "$(grep -c '"GET /tagged .* 200' "$served.tags")" = 2 ]
	echo two >"$served/again"
	build -q
	[ "$(in_made 'cat /again /tagged')" = $'two\n"two"' ]
	echo one >"$served/again"
	touch -d @1300000000 "$served/again"
	build -q
	[ "$(in_made 'cat /again /tagged')" = $'one\n"one"' ]
	local n
	n=$(grep -c '"GET /tagged .* 200' "$served.tags")
	build -q --no-cache
	[ "$(grep -c '"GET /tagged .* 200' "$served.tags")" = $((n + 1)) ]
	# A tag that came with something else: what is wanted is asked for without it.
	printf 'FROM deb\nADD --checksum=sha256:%s http://127.0.0.1:8094/lies /f\n' "$(printf '"one"' | sha256sum | cut -d' ' -f1)" | dockerfile
	echo lie >"$served/lie"
	run -1 build
	[[ "$output" == *'digest mismatch'* ]]
	rm "$served/lie"
	build -q
	[ "$(in_made 'cat /f')" = '"one"' ]
	touch -d '2 days ago' "$root"/caches/web-*
	build -q
	mybox builder prune -f --filter until=24h >/dev/null
	[ -n "$(ls "$root/caches")" ]
	mybox builder prune -f >/dev/null
	[ -z "$(ls "$root/caches")" ]
}

@test "build: ADD of addresses" {
	echo served >"$served/file"
	touch -d @1400000000 "$served/file"
	chmod 755 "$served/file"
	mkdir -p "$BATS_TEST_TMPDIR/a"
	echo in >"$BATS_TEST_TMPDIR/a/in"
	tar -cf "$served/a.tar" -C "$BATS_TEST_TMPDIR/a" .
	local sum
	sum=$(sha256sum "$served/file" | cut -d' ' -f1)
	dockerfile <<-EOF
		FROM deb
		ADD http://127.0.0.1:8090/file /dir/
		ADD --checksum=sha256:$sum --chmod=644 --chown=1000 http://127.0.0.1:8090/file?x=/y /named
		ADD http://127.0.0.1:8090/a.tar /whole/
		ADD --unpack=true http://127.0.0.1:8090/a.tar /unpacked/
	EOF
	build
	[ "$(in_made 'cat /dir/file /named; stat -c "%a %u %Y" /dir/file /named; ls /whole /unpacked')" = $'served\nserved\n600 0 1400000000\n644 1000 1400000000\n/unpacked:\nin\n\n/whole:\na.tar' ]
	run -0 build
	[[ "$output" == *CACHED*CACHED*CACHED*CACHED* ]]
	echo changed >"$served/file"
	run -1 build
	[[ "$output" == *'digest mismatch sha256:'*": sha256:$sum" ]]
	printf 'FROM deb\nADD http://127.0.0.1:8090/file /f\n' | dockerfile
	build -q
	[ "$(in_made 'cat /f')" = changed ]
	printf 'FROM deb\nADD --checksum=md5:1 http://127.0.0.1:8090/file /f\n' | dockerfile
	run -1 build
	[[ "$output" == *'not a sha256 digest'* ]]
	printf 'FROM deb\nCOPY http://127.0.0.1:8090/file /f\n' | dockerfile
	run -1 build
	[[ "$output" == *"source can't be a URL for COPY"* ]]
}

@test "build: ADD of what a server dates in the far future" {
	python3 - 3>&- <<-'EOF' &
		import http.server
		class Handler(http.server.BaseHTTPRequestHandler):
		    def log_message(self, *args): pass
		    def do_GET(self):
		        self.send_response(200)
		        self.send_header("Last-Modified", "Fri, 31 Dec 9999 23:59:59 GMT")
		        self.send_header("Content-Length", "1")
		        self.end_headers()
		        self.wfile.write(b"x")
		http.server.ThreadingHTTPServer(("127.0.0.1", 8092), Handler).serve_forever()
	EOF
	local server=$!
	wait_until 20 listening 8092
	printf 'FROM deb\nADD http://127.0.0.1:8092/x /x\n' | dockerfile
	build -q
	[ "$(in_made 'stat -c %Y /x')" = 0 ]
	kill $server
}

@test "build: what sees a git repository is no later than its commit, unless asked" {
	repository timed
	local at=git://127.0.0.1/timed#v1 first
	printf 'FROM deb\nCOPY . /w\nWORKDIR /w/x\nRUN mkdir d && echo made >d/f\n' >"$work/Dockerfile"
	g checkout v1
	g add -A
	GIT_COMMITTER_DATE=@1510000000 g commit -m run
	g tag -f v1
	first=$(env -u SOURCE_DATE_EPOCH "$MYBOX" --root "$root" --runroot "$run" build -q -t made $at)
	[ "$(mybox image inspect -f '{{.Created}}' made)" = 2017-11-06T20:26:40.000000000Z ]
	run -0 in_made 'stat -c %Y /w /w/x /w/x/d /w/x/d/f /w/which'
	[ "$(sort -u <<<"$output")" = 1510000000 ]
	[ "$(mybox build -q --no-cache -t made $at)" = "$first" ]
	[ "$(SOURCE_DATE_EPOCH=1510000000 mybox build -q -t made $at)" = "$first" ]
	SOURCE_DATE_EPOCH=1500000000 mybox build -q -t made $at
	[ "$(in_made 'stat -c %Y /w/x/d/f')" = 1500000000 ]
	SOURCE_DATE_EPOCH='' mybox build -q -t made $at
	[ "$(in_made 'stat -c %Y /w/x/d/f')" -gt 1600000000 ]
}

# commit SECONDS: all that is there, dated, as main.
commit() {
	g add -A
	GIT_COMMITTER_DATE=@$1 g commit -m "$1"
}

@test "build: a step that sees nothing of a git repository is the same for each commit, and each commit the same image" {
	repository steps
	local at=git://127.0.0.1/steps id base=1767323045 # what "deb" says of itself
	cat >"$work/Dockerfile" <<-'EOF'
		FROM deb AS tool
		WORKDIR /t
		RUN echo tool >tool
		FROM deb AS seen
		COPY sub /s
		FROM deb AS mounts
		RUN --mount=target=/c cp /c/sub/deep/f /mounted
		FROM deb
		RUN echo first >/first
		COPY <<here /here
		text
		here
		COPY --from=tool /t /t
		COPY --from=mounts /mounted /
		COPY --from=seen /s/deep /s
		RUN echo last >/last
	EOF
	commit 1600000000
	mybox build -q -t made $at
	run -0 in_made 'stat -c %Y /first /t /t/tool'
	[ "$(sort -u <<<"$output")" = $base ]
	run -0 in_made 'stat -c %Y /s/f /mounted /last'
	[ "$(sort -u <<<"$output")" = 1600000000 ]
	[ "$(mybox image inspect -f '{{.Created}}' made)" = 2020-09-13T12:26:40.000000000Z ]
	# Of another commit the steps that see it are others, whatever it changed.
	echo more >"$work/more"
	commit 1610000000
	run -0 mybox build --progress plain -t made $at
	local what n
	for what in 'WORKDIR /t' 'RUN echo tool' 'RUN echo first' 'COPY <<here' 'COPY --from=tool'; do
		n=$(sed -n "s/^\(#[0-9]*\) \[.*\] ${what//\//\\/}.*/\1/p" <<<"$output")
		grep -qx "$n CACHED" <<<"$output" || { echo "$what: $output"; false; }
	done
	[ "$(grep -c '^#[0-9]* CACHED' <<<"$output")" = 5 ]
	id=$(mybox image inspect -f '{{.Id}}' made)
	run -0 in_made 'stat -c %Y /s/f /mounted /last'
	[ "$(sort -u <<<"$output")" = 1610000000 ]
	[ "$(mybox build -q --no-cache -t made $at)" = "$id" ]
	# When a step was made is in no image, be it before the commit.
	printf 'FROM deb\nRUN echo first >/first\n' >"$work/Dockerfile"
	commit 4000000000
	id=$(mybox build -q -t made $at)
	[ "$(mybox build -q --no-cache -t made $at)" = "$id" ]
	# On nothing there is no other time.
	printf 'FROM scratch\nCOPY --from=deb /bin /bin\nWORKDIR /d\n' >"$work/Dockerfile"
	commit 1620000000
	mybox build -q -t made $at
	[ "$(in_made 'stat -c %Y /d')" = 1620000000 ]
}

@test "build: a git repository is the context, at a branch, a tag or a commit, whole or in part" {
	local first
	repository r
	local at=git://127.0.0.1/r
	mybox build -q -t made $at
	[ "$(in_made 'cat /c/which; ls -A /c; stat -c "%a %u" /c/x.sh /c/which')" = $'later\nDockerfile\nin\nout\nsub\nwhich\nx.sh\n755 0\n644 0' ]
	mybox build -q -t made "$at#other"
	[ "$(in_made 'cat /c/which')" = other ]
	mybox build -q -t made "$at#v1:sub"
	[ "$(in_made 'cat /c/deep/f; ls /c; stat -c %Y /c/deep/f')" = $'deep\nDockerfile\ndeep\n1500000000' ]
	mybox build -q -t made "$at#$first"
	[ "$(in_made 'cat /c/which')" = main ]
	mybox build -q -t made -f sub/Dockerfile "$at#:"
	[ "$(in_made 'ls /c/x.sh')" = /c/x.sh ]
	run -1 mybox build -q -t made -f ../Dockerfile "$at#v1:in"
	mybox build -q -t made -f - "$at#v1:in" <<<$'FROM deb\nCOPY f /f'
	[ "$(in_made 'cat /f')" = deep ]
	mybox build -q -t made --build-arg BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 $at
	[ "$(in_made 'cat /c/.git/HEAD | wc -l')" = 1 ]
	printf 'FROM deb\nADD --checksum=%s git://127.0.0.1/r#v1 /a/\nADD --keep-git-dir=true git://127.0.0.1/r#other /b/\nCOPY --from=repo which /w\n' "$first" | dockerfile
	build -q --build-context repo=$at#other
	[ "$(in_made 'cat /a/which /b/which /w; ls -d /b/.git')" = $'main\nother\nother\n/b/.git' ]
	printf 'FROM deb\nADD --checksum=%s git://127.0.0.1/r#other /a/\n' "$first" | dockerfile
	run -1 build
	[[ "$output" == *"expected checksum to match $first, got "* ]]
}

@test "build: a password in an address is told to its server alone" {
	local first server
	repository secret
	git -C "$work" update-server-info
	python3 - "$served/git" 3>&- <<-'EOF' &
		import base64, http.server, sys
		class Handler(http.server.SimpleHTTPRequestHandler):
		    def __init__(self, *args): super().__init__(*args, directory=sys.argv[1])
		    def log_message(self, *args): pass
		    def do_GET(self):
		        if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:hunter2").decode():
		            return super().do_GET()
		        self.send_response(401)
		        self.send_header("WWW-Authenticate", 'Basic realm="x"')
		        self.end_headers()
		http.server.ThreadingHTTPServer(("127.0.0.1", 8091), Handler).serve_forever()
	EOF
	server=$!
	wait_until 20 listening 8091
	local at=http://me:hunter2@127.0.0.1:8091/secret/.git
	printf 'FROM deb\nADD --keep-git-dir=true %s#%s /a/\n' "$at" "$first" | dockerfile
	build -q
	[ "$(in_made 'cat /a/which; grep url /a/.git/config | tr -d "\t"')" = $'main\nurl = http://127.0.0.1:8091/secret/.git' ]
	run ! in_made 'grep -r hunter2 /a'
	run -0 mybox history --no-trunc made
	[[ "$output" == *'ADD http://xxxxx@127.0.0.1:8091/secret/.git#'* ]]
	run ! grep -rq hunter2 "$root/steps"
	# Nor when it fails: with git, as a file, as a context.
	local bad
	for bad in http://me:hunter2@127.0.0.1:8091/nosuch/.git http://me:hunter2@127.0.0.1:1/x.git http://me:hunter2@127.0.0.1:8091/x 'http://me:hunter2@127.0.0.1:8091/x y'; do
		run -1 mybox build "$bad"
		[[ "$output" == *xxxxx@127.0.0.1* ]]
		[[ "$output" != *hunter2* ]]
		run -1 build --build-context x="$bad"
		[[ "$output" != *hunter2* ]]
	done
	kill $server
}

@test "build: a git repository has a bound, in its packs and in its files" {
	local work=$served/git/large
	git init -q -b main "$work"
	printf 'FROM deb\n' >"$work/Dockerfile"
	g add -A
	g commit -m small
	head -c 3000000 /dev/urandom >"$work/random"
	g add -A
	g checkout -b random
	g commit -m random
	g rm random
	truncate -s 1M "$work"/zero{1,2,3}
	g add -A
	g checkout -b zeros
	g commit -m zeros
	within() { (ulimit -f 2048 && exec "$MYBOX" --root "$root" --runroot "$run" build "git://127.0.0.1/large#$1"); }
	for what in random zeros; do
		run -1 within $what
		[ "$output" = "mybox: 'git://127.0.0.1/large': it is longer than 2097152 bytes" ]
		[ -z "$(ls "$root/ingest")" ]
	done
	run -0 within main
}

@test "build: a git server that sends without end is left" {
	serve 9422 "$(cat <<-'EOT'
		import os, struct, zlib
		def pkt(b): return b"%04x" % (len(b) + 4) + b
		oid = b"1" * 40
		c.recv(4096)
		c.sendall(pkt(oid + b" HEAD\0shallow\n") + pkt(oid + b" refs/heads/main\n") + b"0000")
		asked = b""
		while b"done" not in asked:
		    more = c.recv(4096)
		    if not more: break
		    asked += more
		    if asked.endswith(b"0000") and b"deepen" in asked: c.sendall(pkt(b"shallow " + oid) + b"0000")
		c.sendall(pkt(b"NAK\n") + b"PACK" + struct.pack(">II", 2, 1000000))
		while True: c.sendall(b"\xb0\x80\x20" + zlib.compress(os.urandom(65536), 0))
	EOT
	)"
	cd "$BATS_TEST_TMPDIR"
	run -1 bash -c 'ulimit -f 4096 && exec "$@"' . "$MYBOX" --root "$root" --runroot "$run" build git://127.0.0.1:9422/r
	[ "$output" = "mybox: 'git://127.0.0.1:9422/r': it is longer than 4194304 bytes" ]
	[ -z "$(ls "$root/ingest")" ]
}

@test "build: a git server that says nothing is left" {
	serve 9421 $'keep = globals().setdefault("keep", []); keep.append(c)'
	run -1 mybox build git://127.0.0.1:9421/r
	[ "$output" = "mybox: 'git://127.0.0.1:9421/r': git has said, written and computed nothing for 30 seconds" ]
	[ -z "$(ls "$root/ingest")" ]
}

@test "build: git ends with the build that is killed" {
	# A server that never answers.
	python3 -c '
import socket, time
s = socket.create_server(("127.0.0.1", 9419))
time.sleep(60)' 3>&- &
	local server=$! builder git
	wait_until 20 listening 9419
	"$MYBOX" --root "$root" --runroot "$run" build git://127.0.0.1:9419/never >/dev/null 2>&1 3>&- &
	builder=$!
	wait_until 20 fetching $builder
	git=$(pgrep -x -P $builder git)
	kill -KILL $builder
	wait_until 2 ended "$git"
	kill $server
	# What it left is cleared away by whoever comes next.
	mybox system prune -f >/dev/null
}

@test "build: what a repository, or its address, wants of the host" {
	local first bad
	repository evil
	mybox build -q -t made 'git://127.0.0.1/evil#main:../..'
	[ "$(in_made 'cat /c/which')" = later ]
	for bad in '#main:out' '#main:/etc' '#main:nosuch'; do
		run -1 mybox build "git://127.0.0.1/evil$bad"
		[[ "$output" == *'no such file or directory'* ]] || [[ "${output,,}" == *'no such file'* ]] || { echo "$bad: $output"; false; }
	done
	for bad in '#--upload-pack=touch /x' '#-x' '#a..b' '#a b' '#x^{tree}'; do
		run -1 mybox build "git://127.0.0.1/evil$bad"
		[[ "$output" == *'is no branch, tag or commit'* ]] || [[ "$output" == *'has no blanks'* ]] || { echo "$bad: $output"; false; }
	done
	for bad in git@-oProxyCommand=x:y git@h:-x 'ssh://-oProxyCommand=x/y' 'ssh://h:x/y' 'ssh://a:pw@h/x' 'ssh://h'; do
		run -1 mybox build "$bad"
		[[ "$output" == *'is neither git@HOST:PATH nor ssh://[USER@]HOST[:PORT]/PATH' ]] || { echo "$bad: $output"; false; }
	done
	run -1 mybox build 'git://127.0.0.1/evil#nosuch'
	[[ "$output" == *'git fetch: '*nosuch* ]]
	run -1 mybox build git://127.0.0.1/nosuch
	[ "${#lines[@]}" = 1 ]
	# Submodules come by the same protocols alone.  No hook and no filter runs, were they the
	# caller's own.
	mkdir -p "$BATS_TEST_TMPDIR/home/hooks"
	printf '#!/bin/sh\ntouch /run/mybox-test/owned\n' | tee "$BATS_TEST_TMPDIR/home/evil" >"$BATS_TEST_TMPDIR/home/hooks/post-checkout"
	chmod 755 "$BATS_TEST_TMPDIR"{,/home,/home/hooks} "$BATS_TEST_TMPDIR"/home/{evil,hooks/post-checkout}
	printf '[core]\n\thooksPath = %s\n[filter "evil"]\n\tsmudge = %s\n\tclean = cat\n' "$BATS_TEST_TMPDIR/home/hooks" "$BATS_TEST_TMPDIR/home/evil" >"$BATS_TEST_TMPDIR/home/.gitconfig"
	git init -q "$served/git/module"
	work=$served/git/module
	echo module >"$work/m"
	g add -A
	g commit -m m
	work=$served/git/evil
	g submodule add git://127.0.0.1/module m
	printf '* filter=evil\n' >"$work/.gitattributes"
	g add -A
	g commit -m module
	HOME=$BATS_TEST_TMPDIR/home XDG_CONFIG_HOME='' mybox build -q -t made git://127.0.0.1/evil
	[ "$(in_made 'cat /c/m/m')" = module ]
	[ ! -e /run/mybox-test/owned ]
	HOME=$BATS_TEST_TMPDIR/home git clone -q "$work" "$BATS_TEST_TMPDIR/clone"
	[ -e /run/mybox-test/owned ] # as git has it for whoever asks it himself
	rm /run/mybox-test/owned
	g config -f "$work/.gitmodules" submodule.m.url "file://$served/git/module"
	g commit -am file
	run -1 mybox build git://127.0.0.1/evil
	[[ "$output" == *"git submodule: transport 'file' not allowed"* ]]
	g config -f "$work/.gitmodules" submodule.m.url ssh://root@127.0.0.1/module
	g commit -am ssh
	run -1 mybox build git://127.0.0.1/evil
	[[ "$output" == *"git submodule: transport 'ssh' not allowed"* ]]
	g config -f "$work/.gitmodules" submodule.m.url 'ext::touch /run/mybox-test/owned'
	g commit -am ext
	run -1 mybox build git://127.0.0.1/evil
	[ ! -e /run/mybox-test/owned ]
}
