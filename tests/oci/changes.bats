#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A bundle that changes while it starts, for MYBOX_RACE_SECONDS (5) in each way: changes.py.

load helpers

# while_it HOW
while_it() {
	local made
	made=$(bundle a)
	[ -d "$made/rootfs" ]
	made=$(bundle b)
	[ -d "$made/rootfs" ]
	python3 "$BATS_TEST_DIRNAME/changes.py" "$OCI" "$dir" "$1" "${MYBOX_RACE_SECONDS:-5}" >&2
}

@test "config.json is rewritten, in place and by rename" { while_it rewrite; }
@test "config.json, the root and the bundle go and come" { while_it vanish; }
@test "the root is deleted and made again" { while_it delete; }
@test "the root is exchanged for links out of the bundle" { while_it link; }
@test "the bundle is exchanged for a link to another" { while_it swap; }

@test "a hook changes the bundle in the middle of create" {
	local other
	b=$(bundle a 'p["args"] = ["sh", "-c", "read where </marker; echo $where; id -u"]' \
		"hook('createRuntime', '$dir/change', env=['PATH=/bin:/usr/bin'])")
	other=$(bundle b 'p["user"]["uid"] = 7')
	echo here >"$b/rootfs/marker"
	echo there >"$other/rootfs/marker"
	cat >"$dir/change" <<-S
		#!/bin/sh
		mv $b/rootfs $b/was && ln -s $other/rootfs $b/rootfs && cp $other/config.json $b/config.json
	S
	chmod +x "$dir/change"
	run -0 oci run --bundle "$b" $n
	[ "$output" = $'here\n0' ]
	[ -L "$b/rootfs" ]
	is_gone $n
	# The next is of what is there now.
	config "$b" 'p["args"] = ["sh", "-c", "read where </marker; echo $where; id -u"]'
	run -0 oci run --bundle "$b" $n
	[ "$output" = $'there\n7' ]
	is_gone $n
}
