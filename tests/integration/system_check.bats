#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# system check: what is cut off is found, told, and put right on request.
load helpers

@test "a clean store is clean, in both names of the verb" {
	run mybox system check
	[ "$status" = 0 ]
	[ -z "$output" ]
	run mybox check
	[ "$status" = 0 ]
}

@test "what a dead creation and a dead removal leave is found and repaired" {
	local id=$(printf 'ab%.0s' $(seq 32))
	mkdir -m 700 "$root/containers/.tmp-$id"
	run mybox system check
	[ "$status" = 2 ]
	[[ $output == *"container ${id:0:12}: was never finished"* ]]
	mv "$root/containers/.tmp-$id" "$root/containers/.rm-$id"
	run mybox system check
	[ "$status" = 2 ]
	[[ $output == *"its removal was cut off"* ]]
	run mybox system check --repair
	[ "$status" = 1 ]
	[[ $output == *"(repaired)"* ]]
	[ ! -e "$root/containers/.rm-$id" ]
	run mybox system check
	[ "$status" = 0 ]
}

@test "a name without a container, and a run directory without one" {
	local id=$(printf 'cd%.0s' $(seq 32))
	ln -s "$id" "$root/names/ghost"
	mkdir -p -m 700 "$run/c/$id"
	run mybox system check
	[ "$status" = 2 ]
	[[ $output == *"name ghost: has no container"* ]]
	[[ $output == *"run directory ${id:0:12}: has no container"* ]]
	run mybox system check --repair
	[ "$status" = 1 ]
	run mybox system check
	[ "$status" = 0 ]
}

@test "a container whose monitor was killed is told, and adopted" {
	mybox run -d --name lost --network none deb sleep 1000
	local pid monitor
	pid=$(mybox inspect -f '{{.State.Pid}}' lost)
	monitor=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")
	kill -9 "$monitor"
	wait_until 5 sh -c "! kill -0 $monitor 2>/dev/null || grep -q '^State:.Z' /proc/$monitor/status"
	run mybox system check
	[ "$status" = 2 ]
	[[ $output == *"container lost: runs without a monitor"* ]]
	run mybox system check --repair
	[ "$status" = 1 ]
	run mybox system check
	[ "$status" = 0 ]
	run mybox inspect -f '{{.State.Pid}} {{.State.Status}}' lost
	[ "$output" = "$pid running" ]
}

@test "a process that is gone without a word is put away by repair" {
	mybox run -d --name gone --network none deb sleep 1000
	local pid monitor
	pid=$(mybox inspect -f '{{.State.Pid}}' gone)
	monitor=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")
	kill -9 "$monitor"
	kill -9 "$pid"
	wait_until 5 sh -c "! kill -0 $pid 2>/dev/null || grep -q '^State:.Z' /proc/$pid/status"
	run mybox ps -a --format '{{.Names}} {{.Status}}'
	[[ $output == "gone Exited (255)"* ]]
	run mybox system check --repair
	[ "$status" = 1 ]
	run mybox system check
	[ "$status" = 0 ]
	run mybox start gone
	[ "$status" = 0 ]
}

@test "a corrupt document is named, and its container can be removed" {
	mybox create --name broken --network none deb true
	local id=$(mybox inspect -f '{{.Id}}' broken)
	sed -i 's/"deb"/"DEB"/' "$root/containers/$id/container.json"
	run mybox system check
	[ "$status" = 2 ]
	[[ $output == *"container.json"* ]]
	run mybox ps -a --format '{{.ID}} {{.State}}'
	[ "$output" = "${id:0:12} dead" ]
	run mybox run --rm --network none deb echo others live
	[ "$output" = "others live" ]
	run mybox rm -f "${id:0:12}"
	[ "$status" = 0 ]
	run mybox system check --repair
	run mybox system check
	[ "$status" = 0 ]
}

@test "a configuration whose image never came to be" {
	local id=$(printf 'ef%.0s' $(seq 32))
	echo '{}' >"$root/images/$id.json"
	run mybox system check
	[ "$status" = 2 ]
	[[ $output == "configuration sha256:$id: no image has it" ]]
	run mybox system check --repair
	[ "$status" = 1 ]
	[[ $output == *"(repaired)"* ]]
	[ ! -e "$root/images/$id.json" ]
	mybox image exists deb
}

@test "nobody waits for who reads what is found" {
	local check i code=0
	# More than a pipe holds, and somebody has images in use.
	for ((i = 0; i < 1500; i++)); do
		printf -v check '%064x' $i
		touch "$root/images/$check.json"
	done
	exec 8>>"$run/locks/images"
	flock -s 8
	mkfifo "$BATS_TEST_TMPDIR/out"
	"${box[@]}" system check >"$BATS_TEST_TMPDIR/out" 3>&- 8>&- &
	check=$!
	exec 7<"$BATS_TEST_TMPDIR/out"
	wait_until 30 grep -q pipe_write "/proc/$check/wchan"
	run timeout -k 1 60 "${box[@]}" create --name waits deb true 7>&- 8>&-
	[ "$status" = 0 ] || exec 7<&-
	[ "$status" = 0 ]
	[ "$(grep -c 'no image has it' <&7)" = 1500 ]
	exec 7<&- 8>&-
	wait $check || code=$?
	[ $code = 2 ]
	run mybox system check --repair
	[ "$status" = 1 ]
	[ "$(grep -c '(repaired)' <<<"$output")" = 1500 ]
	mybox system check
}
