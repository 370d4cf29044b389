#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# network top and network graph: the same connections, by rate and as a picture.
# bats file_tags=cgroup:any
load helpers

talking() { # app speaks to web all the time
	mybox network create net1
	mybox run -d --name web --network net1 deb sh -c 'exec nc -ll -p 7 -e cat' >/dev/null
	mybox run -d --name app --network net1 deb sh -c 'while :; do while echo hello; do usleep 50000; done | nc web 7 >/dev/null; sleep 0.1; done' >/dev/null
	wait_until 15 sees 'app web'
}
sees() { [[ "$(mybox network flows --format '{{.FromName}} {{.ToName}}')" == *"$1"* ]]; }

@test "network top: one sample in a pipe, with a rate" {
	talking
	run mybox network top
	[ "$status" = 0 ]
	[[ ${lines[0]} == FROM*TO*PROTO*PORT*NETWORK*CONNS*OUT/S*IN/S*OUT*IN ]]
	rate() { [[ "$(mybox network top --format '{{.From}} {{.To}} {{.Proto}} {{.Port}} {{.RateOut}}' web)" == *"app web tcp 7 "[1-9]* ]]; }
	wait_until 20 rate
	run mybox network top --network nosuch
	[ "$status" = 1 ]
}

@test "network top: again and again on a terminal" {
	talking
	run timeout 20 script -qec "timeout 8 $MYBOX --root $root --runroot $run network top" /dev/null
	[ "$(grep -c 'FROM .*OUT/S' <<<"$output")" -ge 2 ]
}

@test "network graph: text, dot, mermaid, svg" {
	talking
	run mybox network graph
	[[ $output == *"app"*"  -> web  tcp 7"*"(net1)"* ]]
	run mybox network graph --format dot --network net1
	[[ $output == "digraph mybox {"*'"app" -> "web" [label="tcp 7'* ]]
	run mybox network graph --format mermaid web
	[[ $output == "flowchart LR"*'["web"]'*"tcp 7"* ]]
	mybox network graph --format svg >"$BATS_TEST_TMPDIR/graph.svg"
	python3 -c 'import sys, xml.dom.minidom as m; d = m.parse(sys.argv[1]); assert len(d.getElementsByTagName("rect")) >= 3' "$BATS_TEST_TMPDIR/graph.svg"
	run mybox network graph --format png
	[ "$status" = 125 ]
	run mybox network graph nosuch
	[ "$status" = 1 ]
}
