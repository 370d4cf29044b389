#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion in the shells themselves: each started afresh, with what `mybox completion` printed.
# bats file_tags=cgroup:any
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	# What the shells find as "mybox".
	mkdir "$BATS_FILE_TMPDIR/bin"
	cat >"$BATS_FILE_TMPDIR/bin/mybox" <<-SH
		#!/bin/sh
		exec "$MYBOX" --root "$root" --runroot "$run" "\$@"
	SH
	chmod +x "$BATS_FILE_TMPDIR/bin/mybox"
	mkdir -p "$BATS_FILE_TMPDIR/here/archives"
	touch "$BATS_FILE_TMPDIR/here/archives/some.tar"
}

setup() {
	name=${BATS_TEST_FILENAME##*/}
	root=/run/mybox-test/$name/root run=/run/mybox-test/$name/run
	export root run PATH=$BATS_FILE_TMPDIR/bin:$PATH HOME=$BATS_TEST_TMPDIR
	dump=$BATS_TEST_TMPDIR/dump
	# A verb, one of a group, an option, a container, one that runs, an image with its tag, a file.
	typed=("mybox insp" "mybox network conn" "mybox run --hostn" "mybox rm alp" "mybox stop be"
		"mybox rmi deb:l" "mybox load -i archives/so")
	whole="mybox inspect
mybox network connect
mybox run --hostname
mybox rm alpha
mybox stop beta
mybox rmi deb:latest
mybox load -i archives/some.tar"
	mybox create --name alpha deb
	mybox run -d --name beta deb sleep 1000
	cd "$BATS_FILE_TMPDIR/here"
}

# The space that some shells put behind a whole word is theirs.
expect_whole() {
	[ "$(sed 's/ *$//' "$dump")" = "$whole" ] || {
		diff <(echo "$whole") "$dump"
	}
}

@test "bash completes verbs, options, names and files" {
	cat >"$HOME/rc" <<-'SH'
		PS1='ready> '
		source <(mybox completion bash)
		dump() { printf '%s\n' "$READLINE_LINE" >>"$DUMP"; }
		bind -x '"\C-x": dump'
	SH
	DUMP=$dump python3 "$top/tests/support/type.py" "$dump" "${typed[@]}" -- \
		bash --noprofile --rcfile "$HOME/rc" -i
	expect_whole
}

zsh_rc() { # zsh_rc LINES...
	cat >"$HOME/.zshrc" <<-SH
		PS1='ready> '
		$1
		dump() { print -r -- "\$BUFFER" >>"\$DUMP" }
		zle -N dump
		bindkey -e
		bindkey '^X' dump
		bindkey '^U' kill-whole-line
	SH
}

type_zsh() {
	DUMP=$dump ZDOTDIR=$HOME python3 "$top/tests/support/type.py" "$dump" "${typed[@]}" -- \
		zsh --no-global-rcs -i
}

@test "zsh completes them, told by a line in its start-up file" {
	requires zsh
	zsh_rc 'autoload -Uz compinit; compinit -u -D; source <(mybox completion zsh)'
	type_zsh
	expect_whole
}

@test "zsh completes them, from a directory of its functions" {
	requires zsh
	mkdir "$HOME/functions"
	mybox completion zsh >"$HOME/functions/_mybox"
	zsh_rc 'fpath=(~/functions $fpath); autoload -Uz compinit; compinit -u -D'
	type_zsh
	expect_whole
}

@test "fish completes them" {
	requires fish
	mybox completion fish >"$HOME/mybox.fish"
	local line
	for line in "${typed[@]}"; do
		# Candidates are words, with descriptions behind tabs.
		fish -c "source ~/mybox.fish; complete -C '$line'" |
			sed "s/\t.*//; s|^|${line% *} |" >>"$dump"
	done
	expect_whole
}
