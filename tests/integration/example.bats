#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The worked example of the founding document, to the letter.
load helpers


@test "two containers on a network talk to each other" {
	mybox network create my-network
	mybox run -d --name container1 --network my-network deb sleep infinity
	mybox run -d --name container2 --network my-network -v data:/data -p 8080:80 deb \
		sh -c 'echo "served by container2" >/data/index.html; exec httpd -f -v -p 80 -h /data'

	run bash -c '"$MYBOX" --root "$root" --runroot "$run" exec container1 echo "Hello, container2!" |
		"$MYBOX" --root "$root" --runroot "$run" exec -i container2 cat'
	[ "$output" = "Hello, container2!" ]

	wait_until 5 mybox exec container1 wget -qO- http://container2/
	run mybox exec container1 wget -qO- http://container2/
	[ "$output" = "served by container2" ]
	run busybox wget -qO- http://127.0.0.1:8080/
	[ "$output" = "served by container2" ]
	# It comes from the volume.
	[ "$(cat "$(mybox volume inspect -f '{{.Mountpoint}}' data)/index.html")" = "served by container2" ]
	[ "$(mybox run --rm -v data:/other deb cat /other/index.html)" = "served by container2" ]

	run mybox ps --format '{{.Names}} {{.Ports}}'
	[ "${lines[0]}" = "container2 0.0.0.0:8080->80/tcp" ]
	mybox stats --no-stream
	# What was, and what comes while it follows, until somebody ends it.
	local followed=$BATS_TEST_TMPDIR/followed pid n
	"${box[@]}" logs -f container2 >"$followed" 2>&1 3>&- &
	pid=$!
	answers() { [ "$(grep -c 'response:200' "$followed")" -ge "$1" ]; }
	wait_until 10 answers 2
	n=$(grep -c 'response:200' "$followed")
	mybox exec container1 wget -qO- http://container2/
	wait_until 10 answers $((n + 1))
	kill $pid
	wait $pid || true
	mybox inspect container1 >/dev/null
	run mybox stop -t 1 container1
	[ "$output" = container1 ]
	run mybox rm -f container1 container2
	[ "${lines[1]}" = container2 ]
	run mybox network rm my-network
	[ "$output" = my-network ]
}
