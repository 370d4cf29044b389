#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Dockerfiles, contexts and base images that want the host's files (security.md, 2C: build).
load ../integration/helpers

setup_file() { setup_store hostile-build.bats; }
setup() {
	root=/run/mybox-test/hostile-build.bats/root run=/run/mybox-test/hostile-build.bats/run
	ctx=$BATS_TEST_TMPDIR/ctx canary=$BATS_TEST_TMPDIR/canary
	mkdir -p "$ctx" "$canary"
	echo of-the-host >"$canary/file"
}
teardown() {
	remove_images_but deb
	teardown_store
	[ -z "$(ls "$root/ingest")" ]
	# Nobody wrote, and nobody may have read.
	[ "$(ls "$canary") $(cat "$canary/file")" = 'file of-the-host' ]
}
dockerfile() { cat >"$ctx/Dockerfile"; }
build() { mybox build -t made "$@" "$ctx"; }
untouched_by_image() {
	mybox save -o "$BATS_TEST_TMPDIR/made.tar" made
	run ! grep -q of-the-host "$BATS_TEST_TMPDIR/made.tar"
}

@test "a link in a stage or an image is no way to the host, whoever mounts it" {
	dockerfile <<-EOF
		FROM deb AS evil
		RUN ln -s / /top && ln -s ../../../../../../../.. /up && ln -s $canary /canary && mkdir -p /d && ln -s $canary/file /d/file
		FROM deb
		RUN --mount=type=bind,from=evil,source=/top,target=/m,rw ls /m >/seen1; touch /m/written; [ ! -e /m$canary ]
		RUN --mount=type=bind,from=evil,source=/up,target=/m,rw touch /m/written2; [ ! -e /m$canary ]
		COPY --from=evil /up/etc/passwd /passwd
		COPY --from=evil /d /links
	EOF
	build
	[ ! -e /written ]
	[ ! -e /written2 ]
	[ "$(mybox run --rm made readlink /links/file)" = "$canary/file" ]
	untouched_by_image
	local bad
	for bad in 'RUN --mount=type=bind,from=evil,source=/canary,target=/m ls /m' 'RUN --mount=type=bind,from=evil,source=/d/file,target=/m cat /m' \
		'COPY --from=evil /canary /x' 'COPY --from=evil /d/file /x'; do
		printf 'FROM deb AS evil\nRUN ln -s %s /canary && mkdir -p /d && ln -s %s/file /d/file\nFROM deb\n%s\n' "$canary" "$canary" "$bad" | dockerfile
		run -1 build
		[[ "$output" == *'not found'* ]] || { echo "$bad: $output"; false; }
	done
}

@test "a context's Dockerfile and .dockerignore are its own" {
	ln -s "$canary/file" "$ctx/Dockerfile"
	run -1 build && [[ "$output" != *of-the-host* ]] && [[ "$output" == *'failed to read dockerfile'* ]]
	tar -C "$ctx" -cf "$BATS_TEST_TMPDIR/c.tar" Dockerfile
	run -1 mybox build - <"$BATS_TEST_TMPDIR/c.tar" && [[ "$output" == *'failed to read dockerfile'* ]]
	rm "$ctx/Dockerfile" && mkfifo "$ctx/Dockerfile" && run -1 build && [[ "$output" == *'regular file'* ]]
	rm "$ctx/Dockerfile" && printf 'FROM deb\nCOPY . /c\n' | dockerfile && ln -s "$canary/file" "$ctx/.dockerignore"
	build && untouched_by_image
	rm "$ctx/.dockerignore" && ln -s /dev/zero "$ctx/.dockerignore" && build
	rm "$ctx/.dockerignore" && mkdir "$ctx/.dockerignore" && run -1 build && [[ "$output" == *'error reading .dockerignore'* ]]
}

@test "an archive that ADD or stdin brings writes in its own place alone" {
	python3 - "$ctx" "$canary" <<-'EOF'
		import io, sys, tarfile
		ctx, canary = sys.argv[1:]
		def member(t, name, kind=tarfile.REGTYPE, link="", text=b"evil"):
		    m = tarfile.TarInfo(name); m.type = kind; m.linkname = link; m.size = len(text) if kind == tarfile.REGTYPE else 0
		    t.addfile(m, io.BytesIO(text) if m.size else None)
		with tarfile.open(ctx + "/a.tar", "w") as t:
		    member(t, "../../../../../../../.." + canary + "/up")
		    member(t, canary + "/abs")
		    member(t, "out", tarfile.SYMTYPE, canary); member(t, "out/through")
		    member(t, "hard", tarfile.LNKTYPE, canary + "/file"); member(t, "fine")
	EOF
	printf 'FROM deb\nRUN ln -s %s /dest\nADD a.tar /dest/\n' "$canary" | dockerfile
	run build
	[ "$(ls "$canary")" = file ]
	[ "$status" = 0 ] || [[ "${lines[-1]}" == 'mybox: failed to build: '* ]]
	run mybox build - <"$ctx/a.tar"
	[ "$status" = 1 ]
	[ "$(ls "$canary")" = file ]
}

@test "an archive for ADD that is a bomb" {
	PYTHONPATH=$BATS_TEST_DIRNAME PYTHONDONTWRITEBYTECODE=1 python3 -c \
		'import archives, sys; sys.stdout.buffer.write(archives.gzip_bomb(10 << 30))' >"$ctx/a.tar.gz"
	printf 'FROM deb\nADD a.tar.gz /a/\n' | dockerfile
	run -1 build
	[[ "${lines[-1]}" == 'mybox: failed to build: '*'more than 1 GiB and 200 times its size'* ]]
	run -1 mybox image exists made
	# An ordinary one is no trouble.
	tar -C "$canary" -czf "$ctx/a.tar.gz" file
	build
	[ "$(mybox run --rm made cat /a/file)" = of-the-host ]
}

@test "a bomb that ADD or stdin brings has a bound" {
	local how
	python3 - "$ctx" <<-'EOF'
		import gzip, io, subprocess, sys, tarfile
		ctx, out = sys.argv[1], io.BytesIO()
		with tarfile.open(fileobj=out, mode="w") as t:
		    for i in range(4):
		        m = tarfile.TarInfo("f%d" % i); m.size = 1500000
		        t.addfile(m, io.BytesIO(bytes(m.size)))
		open(ctx + "/bomb.gz", "wb").write(gzip.compress(out.getvalue()))
		open(ctx + "/bomb.zst", "wb").write(subprocess.run(["zstd", "-c"], input=out.getvalue(), stdout=subprocess.PIPE, check=True).stdout)
		open(ctx + "/zeros.gz", "wb").write(gzip.compress(bytes(6000000)))
	EOF
	# Whoever may write no larger file gets no more.
	within() { (ulimit -f 2048 && exec "$MYBOX" --root "$root" --runroot "$run" build -t made "$@"); }
	for how in gz zst; do
		[ "$(stat -c %s "$ctx/bomb.$how")" -lt 20000 ]
		printf 'FROM deb\nADD bomb.%s /x/\n' $how | dockerfile
		run -1 within "$ctx"
		[ "${lines[-1]}" = 'mybox: failed to build: it is longer than 2097152 bytes when unpacked' ]
		run -1 within - <"$ctx/bomb.$how"
		[ "$output" = 'mybox: the context: it is longer than 2097152 bytes when unpacked' ]
		[ -z "$(mybox images -q made)" ]
	done
	# What is no tar is no more than a file.
	printf 'FROM deb\nADD zeros.gz /x/\n' | dockerfile
	within -q "$ctx"
	[ "$(mybox run --rm made stat -c %s /x/zeros.gz)" = "$(stat -c %s "$ctx/zeros.gz")" ]
	# Nor where it is the other bound that ends the look into it.
	PYTHONPATH=$BATS_TEST_DIRNAME PYTHONDONTWRITEBYTECODE=1 python3 -c 'if True:
		import archives, sys
		archives.zeros_front = lambda size: bytes(512)
		sys.stdout.buffer.write(archives.gzip_bomb(3 << 30))' >"$ctx/zeros.gz"
	build -q
	[ "$(mybox run --rm made stat -c %s /x/zeros.gz)" = "$(stat -c %s "$ctx/zeros.gz")" ]
}

@test "working directories and users that name what is open" {
	local n
	for n in 3 7 9; do
		printf 'FROM deb\nWORKDIR /proc/self/fd/%s/../../../..%s\nRUN cat file\n' "$n" "$canary" | dockerfile
		run -1 build
		[[ "$output" != *of-the-host* ]]
	done
	printf 'FROM deb\nRUN ls /proc/self/fd | wc -l >/n\n' | dockerfile && build && [ "$(mybox run --rm made cat /n)" -le 4 ]
	printf 'FROM deb\nUSER 4294967295\nRUN true\n' | dockerfile && run -1 build
	printf 'FROM deb\nRUN grep Cap /proc/self/status >/caps\n' | dockerfile && build
	[[ "$(mybox run --rm made cat /caps)" == *CapInh:*0000000000000000*CapAmb:*0000000000000000 ]]
}

@test "a context that changes while it is copied" {
	mkdir "$ctx/d" && for i in $(seq 40); do mkdir "$ctx/d/$i" && echo x >"$ctx/d/$i/file"; done
	printf 'FROM deb\nCOPY d /d\n' | dockerfile
	python3 - "$ctx/d" "$canary" <<-'EOF' &
		import os, sys
		d, canary = sys.argv[1:]
		os.symlink(canary, d + "/../swap")
		while True:
		    for i in range(1, 41):
		        try:
		            os.rename("%s/%d" % (d, i), d + "/../old"); os.rename(d + "/../swap", "%s/%d" % (d, i))
		            os.rename("%s/%d" % (d, i), d + "/../swap"); os.rename(d + "/../old", "%s/%d" % (d, i))
		        except OSError:
		            pass
	EOF
	local racer=$! end=$((SECONDS + 6)) built=0
	while [ $SECONDS -lt $end ]; do
		run build --no-cache
		[ "$status" = 0 ] || continue
		built=$((built + 1))
		untouched_by_image
	done
	kill "$racer"
	wait "$racer" || true
	echo "# $built builds" >&3
}
