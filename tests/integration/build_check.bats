#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a build says of a Dockerfile, with and without building it.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store build_check.bats
	mybox tag deb kept
}
setup() {
	root=/run/mybox-test/build_check.bats/root run=/run/mybox-test/build_check.bats/run
	ctx=$BATS_TEST_TMPDIR/ctx
	mkdir -p "$ctx"
}
teardown() {
	remove_images_but kept
	teardown_store
}
dockerfile() { cat >"$ctx/Dockerfile"; }
build() { mybox build -t made "$@" "$ctx"; }

@test "build --check: rule, page, message and lines, and nothing is built" {
	echo skip >"$ctx/.dockerignore"
	printf 'FROM deb AS Base\nRUN exit 9\nCOPY $nosuch skip /x/\nCMD run\n' | dockerfile
	run -1 --separate-stderr build --check
	[ "$stderr" = '' ]
	[ "${lines[0]}" = 'Check complete, 4 warnings have been found!' ]
	[[ "$output" == *$'\nWARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/\nStage name \'Base\' should be lowercase\nDockerfile:1\n--------------------\n   1 | >>> FROM deb AS Base'* ]]
	[[ "$output" == *"undefined variable '\$nosuch'"* ]]
	[[ "$output" == *'excluded by .dockerignore'* ]]
	[[ "$output" == *rule/json-args-recommended/* ]]
	[ -z "$(mybox images -q made)" ]
	# What the image sets is known.
	printf 'FROM deb\nENV A=$PATH\n' | dockerfile
	run -0 build --check
	[ "$output" = 'Check complete, no warnings found.' ]
	run -0 build --call=check
	run -1 build --call=outline
	[[ "$output" == *'--call=outline is not supported'* ]]
	printf 'FROM deb\nFOO\n' | dockerfile
	run -1 build --check
	[[ "$output" == *'parse error on line 2: unknown instruction: FOO'* ]]
}

@test "build: warnings come last, with their lines, and may end it" {
	printf 'FROM deb\nCMD run\n' | dockerfile
	run -0 build
	[[ "$output" == *'DONE'*$'WARNING: JSONArgsRecommended: '*$' (line 2)\nDockerfile:2\n'*'2 | >>> CMD run'* ]]
	run -0 build -q
	[ "${#lines[@]}" = 1 ]
	run -0 build --progress rawjson
	[[ "$output" == *'"warnings":[{"range":[{"start":{"line":2}'* ]]
	run -0 build --build-arg BUILDKIT_DOCKERFILE_CHECK=skip=JSONArgsRecommended
	[[ "$output" != *WARNING* ]]
	mybox rmi -f made >/dev/null
	printf '# check=error=true\nFROM deb\nRUN echo never\nCMD run\nMAINTAINER x\n' | dockerfile
	run -1 build
	[[ "$output" != *'RUN echo never'*DONE* ]]
	[[ "$output" == *'mybox: failed to build: lint violation found for rules: JSONArgsRecommended, MaintainerDeprecated' ]]
	printf '# check=x=y\nFROM deb\n' | dockerfile
	run -1 build
	[[ "$output" == *'invalid check option "x=y"'* ]]
}

@test "build: what an ARG is in a stage it is in those that stand on it" {
	printf 'FROM deb AS a\nARG V=1\nFROM a AS b\nRUN echo $V >/v\nFROM deb\nRUN echo "[$V]" >/none\nCOPY --from=b /v /v\n' | dockerfile
	build -q
	[ "$(mybox run --rm made cat /v /none)" = $'1\n[]' ]
	build -q --build-arg V=2
	[ "$(mybox run --rm made cat /v)" = 2 ]
}
