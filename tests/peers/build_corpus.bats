#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Dockerfiles as people write them, built by docker and by mybox: the same files, the same
# configuration.  Each directory of corpus/ is one; corpus/differences says what may differ, and why.
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	docker_begin /run/mybox-test/build-corpus
	docker load -q -i "$images/deb.tar"
}

teardown_file() {
	kill "$(cat "$dir/pid")"
	wait_until 60 no_daemon
}
no_daemon() { ! docker info >/dev/null 2>&1; }

# A context whose times are the same for both, and modes as they are in a checkout.
context() { # context NAME
	rm -rf "$dir/context"
	cp -r "$BATS_TEST_DIRNAME/corpus/$1" "$dir/context"
	find "$dir/context" -exec touch -h -d @1600000000 {} +
}

# Without times: those of what RUN made are those of the build.
listing() { # listing IMAGE
	local where
	where=$(mybox image mount "$1")
	tree "$where" | cut -d' ' -f1-4,6- | grep -vE '^/(dev|proc|sys)(/| )'
	mybox image unmount "$1" >/dev/null
}

# What an image says of itself, where nothing and an empty list are the same.
said() { # said IMAGE
	mybox image inspect "$1" | python3 -c '
import json, sys
c = json.load(sys.stdin)[0]["Config"]
keep = ("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Labels", "ExposedPorts", "Volumes",
        "Healthcheck", "StopSignal", "OnBuild", "Shell")
for k in keep: print(k, json.dumps(c.get(k) or None, sort_keys=True))'
}

is_excused() { # is_excused NAME: one line of differences, "NAME: why"
	grep -q "^$1: " "$BATS_TEST_DIRNAME/corpus/differences"
}

compare() { # compare NAME
	context "$1"
	mybox build -q --network none -t by-mybox "$dir/context" >/dev/null || return 1
	DOCKER_BUILDKIT=0 docker build -q --network none -t by-docker "$dir/context" >"$dir/told" 2>&1 || {
		is_excused "$1" && return
		cat "$dir/told"
		return 1
	}
	docker save by-docker | mybox load -q >/dev/null
	if ! { same "$1: files" "$(listing by-docker)" "$(listing by-mybox)" &&
		same "$1: configuration" "$(said by-docker)" "$(said by-mybox)"; }; then
		is_excused "$1" || return 1
	fi
	docker rmi -f by-docker >/dev/null
	mybox rmi -f by-docker by-mybox >/dev/null
}

@test "build: the corpus, by docker and by mybox" {
	local one failed=()
	for one in "$BATS_TEST_DIRNAME"/corpus/*/; do
		one=${one%/}
		compare "${one##*/}" || failed+=("${one##*/}")
	done
	[ ${#failed[@]} = 0 ] || {
		echo "differ: ${failed[*]}"
		false
	}
}
