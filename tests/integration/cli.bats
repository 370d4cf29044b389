#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What main() does before a verb has its say: mistakes, help, privilege, what is inherited.
# bats file_tags=cgroup:any
load helpers

@test "unknown flags end with 125 and docker's words" {
	run mybox run --foo deb
	[ "$status" = 125 ]
	[ "${lines[0]}" = "unknown flag: --foo" ]
	[ "${lines[1]}" = "See 'mybox run --help'." ]
	run mybox rm -fq x
	[ "$status" = 125 ]
	[ "${lines[0]}" = "unknown shorthand flag: 'q' in -q" ]
	run mybox --foo ps
	[ "$status" = 125 ]
	[ "${lines[1]}" = "See 'mybox --help'." ]
}

@test "a flag without its value or with a bad one ends with 125" {
	run mybox run --name
	[ "$status" = 125 ]
	[ "${lines[0]}" = "flag needs an argument: --name" ]
	run mybox run -m x deb
	[ "$status" = 125 ]
	[ "${lines[0]}" = "invalid argument \"x\" for \"-m, --memory\" flag: invalid size: 'x'" ]
	run mybox run --rm=maybe deb
	[ "$status" = 125 ]
}

@test "flags of docker's that are not offered are refused by name" {
	run mybox run --gpus all deb true
	[ "$status" = 125 ]
	[[ $output == *"option '--gpus' is not offered"* ]]
	run mybox network create --ingress x
	[ "$status" = 1 ]
	[[ $output == *"option '--ingress' is not offered"* ]]
}

@test "a wrong number of operands ends with 1 and the usage" {
	run mybox network rm
	[ "$status" = 1 ]
	[ "${lines[0]}" = '"mybox network rm" requires at least 1 argument.' ]
	[ "${lines[1]}" = "See 'mybox network rm --help'." ]
	[ "${lines[2]}" = "Usage:  mybox network rm [OPTIONS] NETWORK [NETWORK...]" ]
	run mybox info x
	[ "$status" = 1 ]
	[ "${lines[0]}" = '"mybox info" accepts no arguments.' ]
}

@test "commands that do not exist end with 1" {
	run mybox foo
	[ "$status" = 1 ]
	[ "${lines[0]}" = "mybox: 'foo' is not a mybox command." ]
	run mybox network foo
	[ "$status" = 1 ]
	[ "${lines[0]}" = "mybox: 'network foo' is not a mybox command." ]
}

@test "help goes to stdout and ends with 0, for every verb" {
	local verb
	"$MYBOX" __introspect >"$BATS_TEST_TMPDIR/verbs"
	python3 - "$BATS_TEST_TMPDIR/verbs" >"$BATS_TEST_TMPDIR/paths" <<-'PY'
		import json, sys
		for verb in json.load(open(sys.argv[1]))["verbs"]:
		    for path in [] if verb["hidden"] else verb["paths"]:
		        print(path)
	PY
	while read -r verb; do
		# shellcheck disable=SC2086
		"$MYBOX" $verb --help 2>/dev/null | grep -q "^Usage:  mybox $verb" || {
			echo "no help for $verb"
			return 1
		}
	done <"$BATS_TEST_TMPDIR/paths"
}

@test "the version is one line, whatever follows" {
	run "$MYBOX" --version ""
	[ "$status" = 0 ]
	[[ $output =~ ^mybox\ version\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	run "$MYBOX" -v
	[ "$status" = 0 ]
	run "$MYBOX" version --format '{{.Server.APIVersion}}'
	[[ $output =~ ^1\.[0-9]+$ ]]
}

@test "without root only help, version and completion work" {
	cp "$MYBOX" "$BATS_TEST_TMPDIR/mybox"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/mybox"
	as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$BATS_TEST_TMPDIR/mybox" "$@"; }
	run as_nobody version
	[ "$status" = 0 ]
	run as_nobody help run
	[ "$status" = 0 ]
	run as_nobody ps
	[ "$status" = 1 ]
	[[ $output == *"needs root"* ]]
	run as_nobody run deb true
	[ "$status" = 125 ]
}

@test "set-user-id is refused" {
	cp "$MYBOX" "$BATS_TEST_TMPDIR/mybox"
	chmod 755 "$BATS_TEST_TMPDIR"
	chmod 4755 "$BATS_TEST_TMPDIR/mybox"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$BATS_TEST_TMPDIR/mybox" version
	[ "$status" != 0 ]
}

@test "closed standard descriptors do no harm" {
	"$MYBOX" version <&- >&- 2>&-
	mybox network ls <&- >/dev/null 2>&-
}

@test "output that cannot be written is an error, a closed pipe is quiet" {
	run bash -c '"$MYBOX" version >/dev/full'
	[ "$status" = 1 ]
	[[ $output == *"cannot write to standard output"* ]]
	run bash -c '"$MYBOX" version | true; echo ${PIPESTATUS[0]}'
	[ "${lines[0]}" = 0 ] || [ "${lines[0]}" = 141 ]
	[ "${#lines[@]}" = 1 ]
}

@test "hosts and contexts: only this one" {
	run mybox -H tcp://127.0.0.1:2375 version
	[ "$status" = 125 ]
	run mybox -H unix:///var/run/docker.sock --context default version
	[ "$status" = 0 ]
	run mybox --context other version
	[ "$status" = 125 ]
}

@test "docker's contexts: the one that there is" {
	[ "$(mybox context ls --format '{{json .}}')" = '{"Current":true,"Description":"this machine, without a daemon","DockerEndpoint":"","KubernetesEndpoint":"","Name":"default","StackOrchestrator":""}' ]
	run -0 mybox context ls
	[[ ${lines[0]} =~ ^NAME\ +DESCRIPTION\ +DOCKER\ ENDPOINT\ +KUBERNETES\ ENDPOINT\ +ORCHESTRATOR$ ]]
	[[ ${lines[1]} == 'default *  '* ]]
	[ "$(mybox context ls -q)" = default ]
	[ "$(mybox context show)" = default ]
	[ "$(mybox context inspect -f '{{.Name}}|{{.Endpoints.docker.Host}}|{{.Storage.TLSPath}}')" = 'default||<IN MEMORY>' ]
	[ "$(mybox context inspect default)" = "$(mybox context inspect)" ]
	run -1 mybox context inspect other
	[ "$output" = "mybox: context 'other' does not exist" ]
}

@test "names of one's own cannot move the terminal" {
	run mybox network inspect $'\e[31mx'
	[ "$status" = 1 ]
	[[ $output != *$'\e'* ]]
	[[ $output == *'\x1b[31mx'* ]]
}

@test "completion knows what exists" {
	mybox volume create complete-me >/dev/null
	run mybox __complete -- volume rm comp
	[ "${lines[0]}" = complete-me ]
	mybox volume rm complete-me
	bash -n <("$MYBOX" completion bash)
	run mybox completion tcsh
	[ "$status" = 1 ]
	run mybox help nosuch
	[ "$status" = 1 ]
}
