#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Dockerfiles that are broken in ways only a build sees: each is told in one line, with its place.
# Those that the parser sees are in tests/unit/dockerfile.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store build_broken.bats
	mybox tag deb kept
}
setup() {
	root=/run/mybox-test/build_broken.bats/root run=/run/mybox-test/build_broken.bats/run
	ctx=$BATS_TEST_TMPDIR/ctx
	mkdir -p "$ctx/d" && echo f >"$ctx/f"
}
teardown() {
	remove_images_but kept
	teardown_store
	[ -z "$(ls "$root/ingest")" ]
}

@test "a step that fails says why: in plain text as in documents" {
	printf 'FROM deb\nRUN echo why; exit 3\n' >"$ctx/Dockerfile"
	run -1 mybox build --progress plain "$ctx"
	[[ $output =~ (^|$'\n')'#'[0-9]+' ERROR: process "/bin/sh -c echo why; exit 3" did not complete successfully: exit code: 3'$'\n' ]]
	run -1 mybox build --progress rawjson "$ctx"
	[[ $output == *'"error":"process \"/bin/sh -c echo why; exit 3\" did not complete successfully: exit code: 3"'* ]]
	# Of a stage that another process makes, too, and the other one's end is no failure.
	printf 'FROM deb AS one\nRUN exit 4\nFROM deb AS two\nRUN sleep 1000\nFROM deb\nCOPY --from=one / /\nCOPY --from=two / /\n' >"$ctx/Dockerfile"
	run -1 mybox build --progress plain "$ctx"
	[ "$(grep -c '^#[0-9]* ERROR' <<<"$output")" = 1 ]
	[[ $output =~ (^|$'\n')'#'[0-9]+' ERROR: process "/bin/sh -c exit 4" did not complete successfully: exit code: 4'$'\n' ]]
}

# tell_all: from stdin, LINE, MESSAGE and Dockerfile, "|" between them.
tell_all() {
	local line message file n=0
	while IFS='|' read -r line message file; do
		printf '%b' "$file" >"$ctx/Dockerfile"
		run -1 "$MYBOX" --root "$root" --runroot "$run" build "$ctx" </dev/null 2>&1
		[[ "${lines[-1]}" == "mybox: failed to build: "*"$message"* ]] && [[ "$output" == *"Dockerfile:$line"$'\n'* ]] ||
			{ echo "$file: $output"; return 1; }
		n=$((n + 1))
	done
	echo "# $n" >&3
	[ -z "$(mybox ps -aq)" ]
}

@test "build: what is broken is told with its place" {
	tell_all <<-'EOT'
		2|circular dependency detected on stage: a|FROM deb AS a\nCOPY --from=a / /x\n
		2|stage 'b' stands below the instruction that reads it|FROM deb AS a\nCOPY --from=b / /x\nFROM deb AS b\nFROM a\n
		2|circular dependency detected on stage: a|FROM deb AS a\nRUN --mount=from=a,target=/x true\n
		2|stage 'b' stands below the instruction that reads it|FROM deb AS a\nRUN --mount=from=b,target=/x true\nFROM deb AS b\nFROM a\n
		2|base name ($X) should not be blank|ARG X\nFROM $X\n
		1|failed to process "${X:?needed}": X: needed|FROM ${X:?needed}\n
		1|failed to process "${X": syntax error: missing '}'|FROM ${X\n
		1|invalid reference format: 'deb:y:z': the tag is not valid|FROM deb:${X}y:z\n
		1|invalid reference format: 'deb@sha256:zz': the digest is not valid|FROM deb@sha256:zz\n
		2|"/nosuch": not found|FROM deb\nCOPY nosuch /x\n
		2|"/nosuch": not found|FROM deb\nCOPY f nosuch /x/\n
		2|"/no*such": not found|FROM deb\nCOPY no*such /x\n
		2|When using COPY with more than one source file, the destination must be a directory and end with a /|FROM deb\nCOPY f d /x\n
		2|When using COPY with more than one source file, the destination must be a directory and end with a /|FROM deb\nCOPY f d/ x\n
		2|cannot open the destination '/etc/passwd': Not a directory|FROM deb\nCOPY f /etc/passwd/x\n
		2|cannot open the destination '/etc/passwd': Not a directory|FROM deb\nCOPY d /etc/passwd\n
		2|cannot open the destination '/etc/passwd': Not a directory|FROM deb\nCOPY f /etc/passwd/\n
		2|--chown=nobodyhere: unable to find user 'nobodyhere': no matching entries in passwd file|FROM deb\nCOPY --chown=nobodyhere f /x\n
		2|--chown=0:nogrouphere: unable to find group 'nogrouphere': no matching entries in group file|FROM deb\nCOPY --chown=0:nogrouphere f /x\n
		2|--chown=4294967296: user '4294967296' is not in 0..4294967294|FROM deb\nCOPY --chown=4294967296 f /x\n
		2|--chmod=888: neither an octal nor a symbolic mode|FROM deb\nCOPY --chmod=888 f /x\n
		2|--chmod=u=q: neither an octal nor a symbolic mode|FROM deb\nCOPY --chmod=u=q f /x\n
		2|--chmod=77777: neither an octal nor a symbolic mode|FROM deb\nCOPY --chmod=77777 f /x\n
		2|syntax error in pattern '['|FROM deb\nCOPY --exclude=[ d /x\n
		2|syntax error in pattern '[f'|FROM deb\nCOPY [f /x\n
		2|failed to process "${X": syntax error: missing '}'|FROM deb\nCOPY ${X /x\n
		2|failed to process "${X:?not": syntax error: missing '}'|FROM deb\nCOPY ${X:?not here} /x\n
		2|failed to process "${X:?not": syntax error: missing '}'|FROM deb\nCOPY f ${X:?not here}\n
		2|source can't be a URL for COPY|FROM deb\nCOPY http://127.0.0.1:1/x /x\n
		2|'http://127.0.0.1:1/x': |FROM deb\nADD http://127.0.0.1:1/x /x\n
		2|--checksum=sha256:0: not a sha256 digest|FROM deb\nADD --checksum=sha256:0 http://127.0.0.1:1/x /x\n
		2|'git://127.0.0.1:1/x': git fetch: |FROM deb\nADD git://127.0.0.1:1/x /x\n
		2|'git@host:x': git over ssh needs an agent: --ssh default|FROM deb\nADD git@host:x /x\n
		2|'-x' is no branch, tag or commit|FROM deb\nADD git://h/x#-x /x\n
		2|failed to process "${B": syntax error: missing '}'|FROM deb\nENV A=${B\n
		2|dockerfile parse error on line 2: Syntax error - can't find = in "be}". Must be of the form: name=value|FROM deb\nENV A=${B:?must be}\n
		2|failed to process "${B:!x}": unsupported modifier (:!) in substitution|FROM deb\nENV A=${B:!x}\n
		2|failed to process ""b": unexpected end of statement while looking for matching double-quote|FROM deb\nENV A="b\n
		2|failed to process "'b": unexpected end of statement while looking for matching single-quote|FROM deb\nENV A='b\n
		2|ENV names can not be blank|FROM deb\nENV ${X}=b\n
		2|failed to process ""a": unexpected end of statement while looking for matching double-quote|FROM deb\nLABEL "a=b\n
		2|failed to process "${B:?no}": B: no|FROM deb\nARG A=${B:?no}\n
		2|failed to process "${B:?no}": B: no|FROM deb\nWORKDIR ${B:?no}\n
		2|cannot make directory '/etc/passwd': Not a directory|FROM deb\nWORKDIR /etc/passwd\nRUN true\n
		3|unable to find user 'nobodyhere': no matching entries in passwd file|FROM deb\nUSER nobodyhere\nRUN true\n
		3|user '99999999999' is not in 0..4294967294|FROM deb\nUSER 99999999999\nRUN true\n
		2|failed to process "${B:?no}": B: no|FROM deb\nUSER ${B:?no}\n
		2|invalid containerPort: x|FROM deb\nEXPOSE x\n
		2|invalid containerPort: 70000|FROM deb\nEXPOSE 70000\n
		2|invalid containerPort: 80/sctpx|FROM deb\nEXPOSE 80/sctpx\n
		2|invalid containerPort: 90-80|FROM deb\nEXPOSE 90-80\n
		2|invalid containerPort: 1-2-3|FROM deb\nEXPOSE 1-2-3\n
		2|'SIGNOSUCH' is not a signal|FROM deb\nSTOPSIGNAL SIGNOSUCH\n
		2|'999' is not a signal|FROM deb\nSTOPSIGNAL 999\n
		2|failed to process "${X:?no}": X: no|FROM deb\nVOLUME ${X:?no}\n
		2|'' is not an absolute path|FROM deb\nVOLUME [""]\n
		2|process "/bin/sh -c exit 3" did not complete successfully: exit code: 3|FROM deb\nRUN exit 3\n
		2|exec: "/nosuch": stat /nosuch: no such file or directory|FROM deb\nRUN ["/nosuch"]\n
		2|process "/bin/sh -c nosuchcommand" did not complete successfully: exit code: 127|FROM deb\nRUN nosuchcommand\n
		2|process "/bin/sh -c exit 4\x0a" did not complete successfully: exit code: 4|FROM deb\nRUN <<EOF\nexit 4\nEOF\n
		2|exec /dev/pipes/script: no such file or directory|FROM deb\nRUN <<EOF\n#!/nosuch\nEOF\n
		3|exec: "/nosuch": stat /nosuch: no such file or directory|FROM deb\nSHELL ["/nosuch"]\nRUN true\n
		2|invalid network mode: bridge|FROM deb\nRUN --network=bridge true\n
		2|RUN --network=host needs build --network=host|FROM deb\nRUN --network=host true\n
		2|RUN --security=insecure is not allowed|FROM deb\nRUN --security=insecure true\n
		2|RUN --security=x: unknown security mode|FROM deb\nRUN --security=x true\n
		2|RUN --device is not supported|FROM deb\nRUN --device=x true\n
		2|--mount=type=x,target=/y: unsupported mount type "x"|FROM deb\nRUN --mount=type=x,target=/y true\n
		2|--mount=type=cache: a mount of type 'cache' needs a target|FROM deb\nRUN --mount=type=cache true\n
		2|--mount=type=bind: a mount of type 'bind' needs a target|FROM deb\nRUN --mount=type=bind true\n
		2|--mount=type=tmpfs: a mount of type 'tmpfs' needs a target|FROM deb\nRUN --mount=type=tmpfs true\n
		2|--mount=type=secret: a mount of type 'secret' needs an id|FROM deb\nRUN --mount=type=secret true\n
		2|--mount=type=secret,id=x,required: secret x: not found|FROM deb\nRUN --mount=type=secret,id=x,required true\n
		2|--mount=type=ssh,required: ssh agent default: not found|FROM deb\nRUN --mount=type=ssh,required true\n
		2|--mount=target=/: invalid mount target "/"|FROM deb\nRUN --mount=target=/ true\n
		2|"/nosuch": not found|FROM deb\nRUN --mount=target=/x,source=nosuch true\n
		2|"/etc": not found|FROM deb\nRUN --mount=target=/x,source=../../etc true\n
		2|--mount=type=cache,target=/x,sharing=y: unsupported sharing value "y"|FROM deb\nRUN --mount=type=cache,target=/x,sharing=y true\n
		2|--mount=type=cache,target=/x,mode=9: invalid value 9 for mode|FROM deb\nRUN --mount=type=cache,target=/x,mode=9 true\n
		2|--mount=type=cache,target=/x,uid=-1: invalid value -1 for uid|FROM deb\nRUN --mount=type=cache,target=/x,uid=-1 true\n
		2|--mount=type=cache,target=/x,id: invalid field 'id' must be a key=value pair|FROM deb\nRUN --mount=type=cache,target=/x,id true\n
		2|--mount=type=tmpfs,target=/x,size=x: invalid value x for size|FROM deb\nRUN --mount=type=tmpfs,target=/x,size=x true\n
		2|--mount=type=tmpfs,target=/x,source=y: 'source' means nothing for a mount of type 'tmpfs'|FROM deb\nRUN --mount=type=tmpfs,target=/x,source=y true\n
		2|--mount=target=/x,what=ever: unexpected key 'what' in 'what=ever'|FROM deb\nRUN --mount=target=/x,what=ever true\n
		2|--mount=target=/x,rw=perhaps: invalid value perhaps for readwrite|FROM deb\nRUN --mount=target=/x,rw=perhaps true\n
		2|--mount=type=secret,id=x,env=A,sharing=locked: 'sharing' means nothing for a mount of type 'secret'|FROM deb\nRUN --mount=type=secret,id=x,env=A,sharing=locked true\n
	EOT
}
