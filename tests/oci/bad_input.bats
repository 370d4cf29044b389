#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# config.json in all ways in which it can be wrong: bad_input.py makes the documents, by groups.

load helpers

# all_of GROUP
all_of() {
	local made
	made=$(bundle bundle)
	[ -d "$made/rootfs" ]
	python3 "$BATS_TEST_DIRNAME/bad_input.py" "$OCI" "$dir" "$1"
}

@test "each member in the wrong type" { all_of types; }
@test "each member missing, or null" { all_of missing; }
@test "each member that may be left out" { all_of optional; }
@test "each number out of its range" { all_of range; }
@test "each text with what a text can have" { all_of text; }
@test "each member twice" { all_of twice; }
@test "unknown members everywhere" { all_of unknown; }
@test "values that mean nothing" { all_of meaning; }
@test "documents that are none" { all_of whole; }
@test "documents of 10 MB" { all_of large; }
@test "documents that are nested 10,000 deep" { all_of nested; }
