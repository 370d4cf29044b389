#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Dockerfiles as people write them, built by docker's BuildKit and by mybox: the same files, the
# same configuration.  Each directory of corpus/ is one; README.md says what may stand in it, and
# corpus/differences what may differ, and why.
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	docker_begin /run/mybox-test/build-corpus
	docker load -q -i "$images/deb.tar"
	bases
	find_builder
	began=$(date +%s)
	export began
}

teardown_file() {
	kill "$(cat "$dir/pid")"
	wait_until 60 no_daemon
}
no_daemon() { ! docker info >/dev/null 2>&1; }

# Images of both, of the machine's own packages.
base() { # base NAME PACKAGE...
	local name=$1 as=-cENV\ PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	shift
	python3 "$BATS_TEST_DIRNAME/debian.py" "$dir/$name.tar" "$@" || return 1
	docker import "$as" "$dir/$name.tar" "$name" >/dev/null || return 1
	mybox import "$as" "$dir/$name.tar" "$name" >/dev/null || return 1
	rm "$dir/$name.tar"
}
bases() {
	local each pids=()
	base debian &
	pids+=($!)
	base gcc gcc make libc6-dev &
	pids+=($!)
	base python python3 &
	pids+=($!)
	base node nodejs &
	pids+=($!)
	base golang golang-go &
	pids+=($!)
	for each in "${pids[@]}"; do wait "$each" || return 1; done
}

# The first docker whose client can speak to the BuildKit that is in the daemon.
find_builder() {
	local each
	mkdir -p "$dir/none"
	echo 'FROM scratch' >"$dir/none/Dockerfile"
	while read -r each; do
		if DOCKER_BUILDKIT=1 "$each" build -q "$dir/none" >/dev/null 2>&1; then
			export builder=$each
			return
		fi
	done < <(type -ap docker)
	echo "no docker here has a BuildKit" >&2
	return 1
}

# A context whose times are the same for both, and modes as they are in a checkout.
context() { # context NAME
	# BuildKit takes a file of the last context of that name for this one's, when it is as long
	# and as old.
	context=$dir/contexts/$1
	mkdir -p "$dir/contexts"
	rm -f "$dir/flags"
	cp -r "$BATS_TEST_DIRNAME/corpus/$1" "$context"
	[ ! -e "$context/flags" ] || mv "$context/flags" "$dir/flags"
	chmod -R u=rwX,go=rX "$context"
	find "$context" -exec touch -h -d @1600000000 {} +
	if [ -e "$context/prepare" ]; then
		(cd "$context" && umask 022 && sh ./prepare && rm prepare)
		find "$context" -newermt @1600000001 -exec touch -h -d @1600000000 {} +
	fi
}

# Times of what the build itself made are those of the build, and directories of a COPY have the
# source's or not by the BuildKit's age.  What is said in other words is compared without times.
listing() { # listing DIRECTORY
	local every=0
	[ ! -e "$context/Dockerfile.plain" ] || every=1
	tree "$1" | awk -v began="$began" -v every="$every" '
		$1 ~ "^/(dev|proc|sys)(/|$)" { next }
		every || $2 ~ "^4" { $5 = "-" }
		$5 >= began { $5 = "new" }
		{ print }'
}

# What an image says of itself, where nothing and an empty list are the same.
said() {
	python3 -c '
import json, sys
c = json.load(sys.stdin)[0]["Config"]
keep = ("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Labels", "ExposedPorts", "Volumes",
        "Healthcheck", "StopSignal", "OnBuild", "Shell")
for k in keep: print(k, json.dumps(c.get(k) or None, sort_keys=True))'
}

by_mybox() {
	local where
	mybox build -q --network none -t by-mybox "$@" "$context" >/dev/null || return 1
	where=$(mybox image mount by-mybox)
	listing "$where" >"$dir/mybox.files"
	mybox image unmount by-mybox >/dev/null
	mybox image inspect by-mybox | said >"$dir/mybox.config"
}

# The layers of an image of docker's, lowest first, are mounted as they lie there.
by_docker() {
	local layers
	[ ! -e "$context/Dockerfile.plain" ] || set -- "$@" -f "$context/Dockerfile.plain"
	DOCKER_BUILDKIT=1 "$builder" build -q --network none -t by-docker "$@" "$context" \
		>"$dir/told" 2>&1 || {
		cat "$dir/told"
		return 1
	}
	"$builder" image inspect by-docker >"$dir/image"
	said <"$dir/image" >"$dir/docker.config"
	layers=$(python3 -c '
import json, sys
d = json.load(sys.stdin)[0]["GraphDriver"]["Data"]
both = [d["UpperDir"]] + [l for l in d.get("LowerDir", "").split(":") if l]
print(":".join(l.replace(sys.argv[1] + "/", "") for l in both))' "$dir/root/overlay2" <"$dir/image")
	mkdir -p "$dir/mnt" "$dir/nothing"
	(cd "$dir/root/overlay2" &&
		mount -t overlay -o "ro,lowerdir=$layers:$dir/nothing" none "$dir/mnt") || return 1
	listing "$dir/mnt" >"$dir/docker.files"
	umount "$dir/mnt"
}

is_excused() { # is_excused NAME: one line of differences, "NAME: why"
	grep -q "^$1: " "$BATS_TEST_DIRNAME/corpus/differences"
}

compare() { # compare NAME
	local context flags=() other r=0
	context "$1"
	[ ! -e "$dir/flags" ] || mapfile -t flags < <(sed "s,CONTEXT,$context," "$dir/flags")
	by_docker "${flags[@]}" &
	other=$!
	by_mybox "${flags[@]}" || r=1
	wait "$other" || r=1
	[ "$r" = 0 ] || return 1
	diff "$dir/docker.files" "$dir/mybox.files" >"$dir/differs" &&
		diff "$dir/docker.config" "$dir/mybox.config" >>"$dir/differs" && return
	is_excused "$1" && return
	sed "s,^,$1: ," "$dir/differs"
	return 1
}

@test "build: the corpus, by docker and by mybox" {
	local one failed=() n=0
	for one in "$BATS_TEST_DIRNAME"/corpus/${CORPUS:-*}/; do
		one=${one%/}
		n=$((n + 1))
		compare "${one##*/}" || failed+=("${one##*/}")
	done
	[ -n "${CORPUS:-}" ] || [ "$n" -ge 60 ]
	[ ${#failed[@]} = 0 ] || {
		echo "differ: ${failed[*]}"
		false
	}
}
