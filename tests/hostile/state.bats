#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Documents of the store that are broken or not what they should be (state.py).
# MYBOX_STATE_ALL=1: all of them in all ways.
load helpers

setup_file() { setup_hostile; }
teardown() {
	canary_lives
	teardown_store
}

@test "spoilt documents" {
	run python3 "$BATS_TEST_DIRNAME/state.py"
	echo "$output" | grep -v '^ok'
	[ "$status" = 0 ]
}
