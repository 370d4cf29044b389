#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The corpus with docker 20.10 and with mybox: the same stdout and exit codes, but for exceptions.
load ../peers/helpers

setup_file() {
	ensure_images
	mkdir -p -m 700 /run/mybox-test/parity
}
setup() {
	here=$top/tests/docker-parity
	root=/run/mybox-test/parity/root run=/run/mybox-test/parity/run
	out=$BATS_FILE_TMPDIR
	export root run here out images
	# A later client may stand before the daemon's own in PATH.
	client=
	for c in $(type -ap docker); do
		[[ $("$c" --version) != *" 20.10."* ]] || client=$c
	done
	requires dockerd
	[ -n "$client" ] || skip "needs docker 20.10"
	export client
}
teardown() { teardown_store; }

# Its own network, too, so that both can publish the same ports at the same time.
docker_side() {
	# shellcheck disable=SC2016
	export -f docker_begin wait_until
	unshare --net bash -c '
		ip link set lo up
		docker_begin /run/mybox-test/parity-docker --userland-proxy=true || exit 1
		"$here/side" "$here/corpus" "$out/docker" "$client"
		code=$?
		kill "$(cat "$dir/pid")"
		exit $code
	' 3>&-
}

@test "docker parity: the corpus has docker's stdout and exit codes" {
	docker_side &
	"$here/side" "$here/corpus" "$out/mybox" "$MYBOX" --root "$root" --runroot "$run"
	wait $!
	"$here/compare" "$here/corpus" "$out"
	touch "$out/alike"
	[ "$(grep -cvE '^(\+ |#|$)' "$here/corpus")" -ge 400 ]
}

# The comparison itself: on what the test above left.
@test "docker parity: a difference, an exception that is none, and one without its command are found" {
	[ -e "$out/alike" ] || skip "needs a first test that passed"
	# shellcheck disable=SC2030
	cp -r "$here" "$out/here"
	n=$(grep -n '^docker ps -q | wc -c$' "$here/corpus" | cut -d: -f1)
	echo more >>"$out/mybox/$n"
	run -1 "$out/here/compare" "$here/corpus" "$out"
	[[ $output == *"line $n: docker ps -q"* ]]
	sed -n "${n}p" "$here/corpus" >>"$out/here/exceptions"
	run -1 "$out/here/compare" "$here/corpus" "$out"
	[[ $output == *"line $n: an exception, but mybox wrote something else: docker ps -q"* ]]
	sed -E -f "$here/normalise.sed" "$out/mybox/$n" | sed 's/^/\t= /' >>"$out/here/exceptions"
	run -0 "$out/here/compare" "$here/corpus" "$out"
	cp "$out/docker/$n" "$out/mybox/$n"
	echo 'docker never' >>"$out/here/exceptions"
	run -1 "$out/here/compare" "$here/corpus" "$out"
	[[ $output == *"line $n is no exception"* ]]
	[[ $output == *"an exception without its command: docker never"* ]]
}
