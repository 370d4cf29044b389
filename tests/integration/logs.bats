#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Logs of several containers, what stands before lines, and where logs are kept.
load helpers

@test "several containers: merged in the order of time, each stream to its own" {
	mybox run -d --name one deb sh -c 'for i in 1 3 5; do echo $i; sleep 0.2; done; printf 7'
	mybox run -d --name two deb sh -c 'sleep 0.1; for i in 2 4; do echo $i >&2; sleep 0.2; done; sleep 0.2; echo 6'
	# Whoever follows ends with the last of them.
	run -0 timeout 60 "${box[@]}" logs -f one two
	[ "$(sort -k2 <<<"$output")" = $'one 1\ntwo 2\none 3\ntwo 4\none 5\ntwo 6\none 7' ]
	mybox logs -t one two 2>&1 | awk '{ print $2 }' >"$BATS_TEST_TMPDIR/times"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/times")" = 7 ]
	mybox logs one two 2>/dev/null | cut -d' ' -f2 | tr '\n' ' ' >"$BATS_TEST_TMPDIR/out"
	[ "$(mybox logs one two 2>&1 >/dev/null)" = $'two 2\ntwo 4' ]
	# Both streams into one file, in order: the times never go back.
	mybox logs -t one two >"$BATS_TEST_TMPDIR/both" 2>&1
	awk '{ print $2 }' "$BATS_TEST_TMPDIR/both" | sort -c
	[ "$(mybox logs -n 1 two one | sort)" = $'one 7\ntwo 6' ]
	run -1 mybox logs one nobody
	[[ $output == *'No such container: nobody'* ]]
}

@test "names, colours and details" {
	mybox run --name c1 -l a.b='c d' -l x=y -e V=1 --log-opt labels=a.b,no --log-opt env=V deb sh -c 'echo line; printf end'
	[ "$(mybox logs c1)" = $'line\nend' ]
	[ "$(mybox logs --names c1)" = $'c1 line\nc1 end' ]
	[ "$(mybox logs --color c1 | head -1)" = $'\e[36mc1\e[0m line' ]
	[ "$(NO_COLOR=1 mybox logs --color c1 | head -1)" = 'c1 line' ]
	[ "$(mybox logs --details c1 | head -1)" = 'V=1,a.b=c+d line' ]
	[[ $(mybox logs --details -t c1 | head -1) =~ ^20[0-9T:.-]+Z\ V=1,a.b=c\+d\ line$ ]]
	mybox run --name c2 deb echo line
	[ "$(mybox logs --details c2)" = ' line' ]
}

@test "drivers and their options" {
	mybox run --name c1 --log-driver none deb echo line
	run -1 mybox logs c1
	[[ $output == *'configured logging driver does not support reading'* ]]
	[ ! -e "$root/containers/$(mybox inspect -f '{{.Id}}' c1)/log" ]
	mybox run --name c2 --log-driver json-file --log-opt max-size=8k --log-opt max-file=2 deb sh -c 'seq 10000'
	[ "$(mybox inspect -f '{{json .HostConfig.LogConfig}}' c2)" = '{"Type":"json-file","Config":{"max-file":"2","max-size":"8k"}}' ]
	[ "$(mybox logs c2 | tail -1)" = 10000 ]
	[ "$(find "$root/containers/$(mybox inspect -f '{{.Id}}' c2)" -name 'log*' | wc -l)" = 2 ]
	[ "$(mybox logs c2 | wc -l)" -lt 1000 ]
	mybox run --name c3 deb true
	[ "$(mybox inspect -f '{{.HostConfig.LogConfig.Type}}' c3)" = k8s-file ]
	local bad
	for bad in '--log-driver syslog' '--log-opt max-size=x' '--log-opt max-file=0' '--log-opt colour=red' '--log-driver none --log-opt max-file=2'; do
		# shellcheck disable=SC2086 # words are split on purpose
		run -125 mybox run $bad deb true
	done
	[[ $output == *'log options are not for the log driver none'* ]]
}
