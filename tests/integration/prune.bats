#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What nobody uses, and how images were made.
load helpers

@test "prune asks, and does nothing without a yes" {
	mybox create --name c1 deb true
	for answer in n '' yes; do
		run -0 bash -c "echo '$answer' | ${box[*]} container prune"
		[ "${lines[0]}" = "WARNING! This will remove all stopped containers." ]
		[ "${lines[1]}" = "Are you sure you want to continue? [y/N] Total reclaimed space: 0B" ]
	done
	run -0 mybox container prune </dev/null
	[ "$(mybox ps -aq | wc -l)" = 1 ]
	run -0 bash -c "echo y | ${box[*]} container prune"
	[[ $output == *"Deleted Containers:"* ]]
	[ -z "$(mybox ps -aq)" ]
}

@test "container prune: the stopped ones, by label and age, with their space" {
	mybox run --name c1 --label keep deb sh -c 'head -c 20000 /dev/zero >/f; ln /f /g'
	mybox create --name c2 --label go=1 deb true
	mybox run -d --name c3 deb sleep 1000
	local id1 id2
	id1=$(mybox inspect -f '{{.Id}}' c1)
	id2=$(mybox inspect -f '{{.Id}}' c2)
	run -0 mybox container prune -f --filter until=1h
	[ "$output" = "Total reclaimed space: 0B" ]
	run -0 mybox container prune -f --filter label=go=1
	[ "$output" = "Deleted Containers:
$id2

Total reclaimed space: 0B" ]
	run -0 mybox container prune -f --filter 'label!=keep'
	[ "$output" = "Total reclaimed space: 0B" ]
	run -0 mybox container prune -f
	[ "$output" = "Deleted Containers:
$id1

Total reclaimed space: 20kB" ]
	[ "$(mybox ps -a --format '{{.Names}}')" = c3 ]
	run -1 mybox container prune -f --filter nonsense=1
	[[ $output == *"invalid filter 'nonsense'"* ]]
	run -1 mybox container prune -f --filter until=nonsense
	[[ $output == *"invalid value 'nonsense' for filter 'until'"* ]]
}

@test "network prune: those that nobody is on" {
	mybox network create n1
	mybox network create --label keep n2
	mybox network create n3
	mybox run -d --name c1 --network n3 deb sleep 1000
	run -0 mybox network prune -f --filter 'label!=keep'
	[ "$output" = "Deleted Networks:
n1" ]
	run -0 mybox network prune -f
	[ "$output" = "Deleted Networks:
n2" ]
	run -0 mybox network prune -f
	[ -z "$output" ]
	[ "$(mybox network ls -q | wc -l)" = 4 ]
}

@test "volume prune: those without a name, all with -a, none that is used" {
	mybox volume create named
	mybox volume create used
	mybox run --name c1 -v used:/u -v /anonymous deb sh -c 'head -c 3000 /dev/zero >/anonymous/f'
	run -0 mybox volume prune -f
	[ "$output" = "Total reclaimed space: 0B" ]
	mybox rm c1
	run -0 mybox volume prune -f
	[[ ${lines[1]} =~ ^[0-9a-f]{64}$ ]]
	[ "${lines[2]}" = "Total reclaimed space: 3kB" ]
	mybox create --name c2 -v used:/u deb true
	run -0 mybox volume prune -af
	[ "$output" = "Deleted Volumes:
named

Total reclaimed space: 0B" ]
	[ "$(mybox volume ls -q)" = used ]
}

@test "image prune: without a name, all with -a, none that a container has" {
	mybox load -qi "$images/layers7.tar"
	local id total
	id=$(mybox inspect -f '{{.Id}}' layers7)
	mybox tag deb other:1
	mybox create --name c1 other:1 true
	printf FROM >"$BATS_TEST_TMPDIR/f"
	tar -C "$BATS_TEST_TMPDIR" -c f | mybox import - loose:1
	printf again >"$BATS_TEST_TMPDIR/f"
	tar -C "$BATS_TEST_TMPDIR" -c f | mybox import - loose:1
	run -0 mybox image prune -f
	[ "${lines[0]}" = "Deleted Images:" ]
	[[ ${lines[1]} =~ ^deleted:\ sha256:[0-9a-f]{64}$ ]]
	[ "${lines[-1]}" = "Total reclaimed space: 4B" ]
	[ -z "$(mybox images -q --filter dangling=true)" ]
	run -0 mybox image prune -af
	[[ $output == *"untagged: loose:1"* ]]
	[[ $output == *"untagged: layers7:latest"* ]]
	[[ $output == *"deleted: $id"* ]]
	[[ $output != *other* ]]
	[ "$(mybox images --format '{{.Repository}}:{{.Tag}}' | sort)" = "deb:latest
other:1" ]
	[ "$(ls "$root/layers" | wc -l)" = "$(mybox inspect -f '{{len .RootFS.Layers}}' deb)" ]
	mybox rm c1
	mybox rmi other:1
}

@test "system prune: one question for all of it" {
	mybox create --name c1 -v /anonymous deb true
	mybox network create n1
	run -0 bash -c "echo n | ${box[*]} system prune -a --volumes --filter label=x"
	[[ $output == *"  - all stopped containers"*"anonymous volumes"*"associated to them"*"label=x"*"[y/N] " ]]
	run -1 mybox system prune -f --volumes --filter until=1h
	[[ $output == *"not supported with"* ]]
	run -0 mybox system prune -f --volumes
	[[ $output == "Deleted Containers:"*"Deleted Networks:"*"Deleted Volumes:"*"Total reclaimed space: 0B" ]]
	[ -z "$(mybox ps -aq)" ]
	[ -z "$(mybox volume ls -q)" ]
	[ "$(mybox images --format '{{.Repository}}')" = deb ]
}

# What all layers on the disk take, as docker writes it.
unique() {
	cat "$root"/layers/*/meta.json | python3 -c '
import json, re, sys
n = sum(int(b) for b in re.findall(r"\"bytes\": ?(\d+)", sys.stdin.read()))
unit = "B"
for next in ("kB", "MB", "GB"):
    if n >= 1000:
        n, unit = n / 1000, next
print("%.4g%s" % (n, unit))'
}

@test "system df: what is there, what is used, what would come free" {
	mybox load -qi "$images/layers7.tar"
	mybox tag layers7 again
	mybox run --name c1 -v vol:/v deb sh -c 'head -c 2000 /dev/zero >/f; head -c 500 /dev/zero >/v/f; ln /v/f /v/g'
	mybox run -d --name c2 deb sh -c 'head -c 6000 /dev/zero >/f; exec sleep 1000'
	wait_until 5 mybox exec c2 sh -c '[ $(stat -c %s /f) = 6000 ] && [ "$(cat /proc/1/comm)" = sleep ]'
	mybox volume create loose
	run -0 mybox system df --format '{{.Type}}|{{.TotalCount}}|{{.Active}}|{{.Size}}|{{.Reclaimable}}'
	echo "$output"
	# A layer that both have is counted once.
	[ "${lines[0]%|*}" = "Images|2|1|$(unique)" ]
	[ "${lines[1]}" = "Containers|2|1|8kB|2kB (25%)" ]
	[ "${lines[2]}" = "Local Volumes|2|1|500B|0B (0%)" ]
	[ "${lines[3]}" = "Build Cache|0|0|0B|0B" ]
	# What layers7 alone has is what would come free.
	local before after
	before=$(mybox system df --format '{{.Reclaimable}}' | head -1)
	[[ ${before} != 0B* ]]
	mybox rmi again layers7
	after=$(mybox system df --format '{{.Reclaimable}}' | head -1)
	[ "$after" = "0B (0%)" ]
	run -0 mybox system df
	[[ ${lines[0]} =~ ^TYPE\ +TOTAL\ +ACTIVE\ +SIZE\ +RECLAIMABLE$ ]]
}

@test "system df -v, images: each of them, and what it shares" {
	mybox load -qi "$images/layers7.tar"
	mybox run --name c1 -v vol:/v deb sh -c 'head -c 2000 /dev/zero >/f; head -c 500 /dev/zero >/v/f'
	run -0 mybox system df -v
	echo "$output"
	local shared own
	shared=$(mybox images --format '{{.Size}}' deb)
	own=$(mybox images --format '{{.UniqueSize}}' layers7)
	[[ $own =~ ^[0-9]+B$ ]]
	[ "$(mybox images --format '{{.SharedSize}} {{.UniqueSize}}' deb)" = "$shared 0B" ]
	[ "$(mybox images --format '{{.SharedSize}}' layers7)" = "$shared" ]
	[ "${lines[0]}" = "Images space usage:" ]
	[[ $output =~ REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE\ +SHARED\ SIZE\ +UNIQUE\ SIZE\ +CONTAINERS ]]
	grep -Eq "^deb +latest +[0-9a-f]{12} +.* +$shared +$shared +0B +1$" <<<"$output"
	grep -Eq "^layers7 +latest +[0-9a-f]{12} +.* +$shared +$own +0$" <<<"$output"
	[[ $output =~ CONTAINER\ ID\ +IMAGE\ +COMMAND\ +LOCAL\ VOLUMES\ +SIZE\ +CREATED\ +STATUS\ +NAMES ]]
	grep -Eq '^[0-9a-f]{12} +deb +"sh -c .* +1 +2kB +.* ago +Exited \(0\) .* ago +c1$' <<<"$output"
	[[ $output =~ VOLUME\ NAME\ +LINKS\ +SIZE ]]
	grep -Eq '^vol +1 +500B$' <<<"$output"
	[[ $output == *"Build cache usage: 0B"* ]]
	run -1 mybox system df -v --format json
	[[ $output == *"--verbose has tables only"* ]]
}

@test "history: the steps, newest first, with their sizes" {
	printf hello >"$BATS_TEST_TMPDIR/f"
	tar -C "$BATS_TEST_TMPDIR" -c f | mybox import -m "by hand" -c 'CMD ["sh"]' - stepped:1
	run -0 mybox history stepped:1
	[[ ${lines[0]} =~ ^IMAGE\ +CREATED\ +CREATED\ BY\ +SIZE\ +COMMENT ]]
	[[ ${lines[1]} == "$(mybox images -q stepped:1)"*5B*"by hand" ]]
	[ "$(mybox history -q --no-trunc stepped:1)" = "$(mybox inspect -f '{{.Id}}' stepped:1)" ]
	[ "$(mybox history -H=false --format '{{.Size}}' stepped:1)" = 5 ]
	mybox load -qi "$images/layers7.tar"
	run -0 mybox history --format '{{.ID}} {{.CreatedBy}} {{.Size}}' layers7
	[ "${lines[0]}" = "$(mybox images -q layers7) layer 6 1B" ]
	[ "${lines[2]}" = "<missing> layer 4 3B" ]
	[[ ${lines[6]} == "<missing> layer 0 "*MB ]]
	[ "${#lines[@]}" = 7 ]
	run -1 mybox history nosuch
	[ "$output" = "Error: No such image: nosuch" ]
	mybox rmi stepped:1 layers7
}
