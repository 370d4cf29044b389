#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The corpus of archives.py through the real `load` and `import`.

@test "hostile and odd archives" {
	run sh "$BATS_TEST_DIRNAME/archives.sh"
	echo "$output" | grep '^not ok' || true
	[ "$status" = 0 ]
	[ "$(echo "$output" | grep -c '^ok')" -ge 200 ]
	if echo "$output" | grep -q '^not ok'; then false; fi
}
