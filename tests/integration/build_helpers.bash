# SPDX-License-Identifier: GPL-2.0-or-later
# What the files of builds share: a context in $ctx, an image "made" of it, nothing left behind.
load helpers

build_begin() { # a store with the image that all are built from
	setup_store "${BATS_TEST_FILENAME##*/}"
	mybox tag deb kept
}
build_setup() {
	name=${BATS_TEST_FILENAME##*/}
	root=/run/mybox-test/$name/root run=/run/mybox-test/$name/run
	ctx=$BATS_TEST_TMPDIR/ctx
	mkdir -p "$ctx"
}
setup_file() { build_begin; }
setup() { build_setup; }
teardown() {
	remove_images_but kept
	teardown_store
	[ -z "$(ls "$root/ingest")" ]
}
dockerfile() { cat >"$ctx/Dockerfile"; }
build() { mybox build -t made "$@" "$ctx"; }
in_made() { mybox run --rm made sh -c "$1"; }
