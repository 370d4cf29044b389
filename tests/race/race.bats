#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Many commands at a time on one store: no error, no double, nothing left over.
load ../integration/helpers

setup() {
	name=${BATS_TEST_FILENAME##*/}
	root=/run/mybox-test/$name/root run=/run/mybox-test/$name/run
	results=/run/mybox-test/$name/results
	export root run results images
	rm -rf "$results"
	mkdir -p "$results"
	mybox network create net
}

# many WIDE N SCRIPT: run SCRIPT with $1 = 1..N, WIDE of them at a time; whatever is told on stderr
# or ends badly is shown.
many() {
	local bad=0
	seq "$2" | xargs -P "$1" -I{} bash -c '
		mybox() { "$MYBOX" --root "$root" --runroot "$run" "$@"; }
		'"$3"'
		' script {} >"$results/stdout" 2>"$results/stderr" || bad=$?
	if [ -s "$results/stderr" ] || [ $bad != 0 ]; then
		sort "$results/stderr" | uniq -c | head -20
		return 1
	fi
}
parallel() { many 8 "$@"; } # parallel N SCRIPT

# at_once N SCRIPT: all N begin in one moment, when the last of them is there.
at_once() {
	local gate
	: >"$results/arrived"
	exec {gate}>"$results/gate"
	flock "$gate"
	many "$1" "$1" 'echo >>"$results/arrived"; flock -s "$results/gate" true
		'"$2" {gate}>&- &
	wait_until 30 arrived "$1"
	exec {gate}>&-
	wait $!
}
arrived() { [ "$(wc -l <"$results/arrived")" = "$1" ]; }

no_doubles() { # no_doubles COUNT: that many lines, all different
	[ "$(wc -l <"$results/stdout")" = "$1" ] || {
		echo "$(wc -l <"$results/stdout") lines, not $1"
		return 1
	}
	[ -z "$(sort "$results/stdout" | uniq -d)" ] || {
		echo "double:"
		sort "$results/stdout" | uniq -d
		return 1
	}
}

nothing_left() {
	[ -z "$(mybox ps -aq)" ]
	[ -z "$(find "$root/containers" "$root/names" "$run/c" -mindepth 1)" ]
	[ -z "$(find "$run/locks" -name 'c-*')" ]
	# Veth pairs die with their namespaces, which the kernel takes down in its own time.
	wait_until 5 bash -c '! ip -o link | grep -q ": mb[0-9a-f]"'
	mybox system check
}

@test "100 run --rm on one network, all at once" {
	at_once 100 'mybox run --rm --network net deb true'
	nothing_left
}

@test "100 run -d at once, each with an address of its own, and rm -f" {
	at_once 100 '
		mybox run -d --name "c$1" --network net deb sleep 1000 >/dev/null &&
		mybox exec "c$1" hostname -i'
	no_doubles 100
	[ "$(mybox ps -q | wc -l)" = 100 ]
	mybox system check
	at_once 100 'mybox rm -f "c$1" >/dev/null'
	nothing_left
}

@test "run --rm and run -d with rm -f between each other, 100 at once" {
	at_once 100 '
		if [ $(($1 % 2)) = 0 ]; then
			mybox run --rm --network net deb true
		else
			mybox run -d --name "m$1" --network net -p 80 deb sleep 1000 >/dev/null &&
			mybox rm -f "m$1" >/dev/null
		fi'
	nothing_left
}

@test "networks come and go" {
	parallel 40 '
		mybox network create "n$1" >/dev/null &&
		mybox network inspect -f "{{range .IPAM.Config}}{{.Subnet}}{{end}}" "n$1"'
	no_doubles 40
	parallel 40 'mybox network rm "n$1" >/dev/null'
	parallel 40 '
		mybox network create "x$1" >/dev/null &&
		mybox run --rm --network "x$1" deb true &&
		mybox network rm "x$1" >/dev/null'
	nothing_left
	[ "$(mybox network ls -q | wc -l)" = 4 ]
}

@test "networks of one name: one wins" {
	seq 16 | xargs -P 8 -I{} bash -c '
		"$MYBOX" --root "$root" --runroot "$run" network create same' \
		>"$results/out" 2>"$results/err" || true
	[ "$(wc -l <"$results/out")" = 1 ]
	[ "$(grep -c 'network with name same already exists' "$results/err")" = 15 ]
	mybox network rm same
	mybox system check
}

@test "containers of one name: one wins" {
	seq 16 | xargs -P 8 -I{} bash -c '
		"$MYBOX" --root "$root" --runroot "$run" create --name same deb true' \
		>"$results/out" 2>"$results/err" || true
	[ "$(wc -l <"$results/out")" = 1 ]
	[ "$(grep -c 'is already in use by container' "$results/err")" = 15 ]
	mybox rm same
	nothing_left
}

@test "one name taken and given up again and again" {
	seq 64 | xargs -P 8 -I{} bash -c '
		mybox() { "$MYBOX" --root "$root" --runroot "$run" "$@"; }
		if id=$(mybox run -d --name again --network net deb sleep 100 2>/dev/null); then
			mybox rm -f "$id" >/dev/null || echo "rm failed"
		fi' >"$results/out" 2>&1
	cat "$results/out"
	[ ! -s "$results/out" ]
	nothing_left
}

@test "volumes of one name are one volume" {
	parallel 32 'mybox volume create same'
	[ "$(sort -u "$results/stdout")" = same ]
	[ "$(mybox volume ls -q)" = same ]
	parallel 16 'mybox run --rm -v same:/v deb touch "/v/$1"'
	[ "$(ls "$root/volumes/same/_data" | wc -l)" = 16 ]
	mybox volume rm same
	parallel 32 'mybox volume create "v$1" >/dev/null && mybox volume rm "v$1" >/dev/null'
	nothing_left
	[ -z "$(mybox volume ls -q)" ]
}

@test "an image loaded by eight at once, tagged and untagged" {
	parallel 8 'mybox load -q -i '"$images"'/layers7.tar >/dev/null'
	[ "$(mybox images -q layers7 | wc -l)" = 1 ]
	[ "$(mybox run --rm layers7 cat /opaque/new /data/b)" = new6 ]
	parallel 48 'mybox tag layers7 "t$1" && mybox rmi "t$1" >/dev/null'
	[ "$(mybox images -q | wc -l)" = 2 ]
	mybox rmi layers7
	[ -z "$(ls "$root/ingest")" ]
	mybox system check --full
}

@test "an image comes and goes under those who run it" {
	seq 24 | xargs -P 8 -I{} bash -c '
		mybox() { "$MYBOX" --root "$root" --runroot "$run" "$@"; }
		case $(($1 % 3)) in
		0) mybox load -q -i "$images/layers7.tar" >/dev/null || echo "load failed" ;;
		1) mybox rmi -f layers7 >/dev/null 2>&1 || true ;;
		2) out=$(mybox run --rm layers7 cat /opaque/new /data/b 2>&1) ||
			case $out in
			*"nable to find image"* | *"o such image"*) ;;
			*) echo "run: $out" ;;
			esac ;;
		esac' script {} >"$results/out" 2>&1
	cat "$results/out"
	[ ! -s "$results/out" ]
	mybox load -q -i "$images/layers7.tar" >/dev/null
	[ "$(mybox run --rm layers7 cat /opaque/new /data/b)" = new6 ]
	mybox rmi layers7
	nothing_left
	mybox system check --full
}

@test "stop, start, kill, exec, rm of one container by many" {
	mybox run -d --name one --network net deb sleep 1000
	seq 60 | xargs -P 8 -I{} bash -c '
		mybox() { timeout 240 "$MYBOX" --root "$root" --runroot "$run" "$@"; }
		case $(($1 % 5)) in
		0) mybox stop -t 0 one ;;
		1) mybox start one ;;
		2) mybox kill one ;;
		3) mybox exec one true ;;
		4) mybox restart -t 0 one ;;
		esac >/dev/null 2>&1
		[ $? != 124 ] || echo "hangs: $1"' script {} >"$results/out" 2>&1
	cat "$results/out"
	[ ! -s "$results/out" ]
	mybox start one
	mybox exec one true
	mybox rm -f one
	nothing_left
}

@test "all commands read while others write" {
	parallel 60 '
		case $(($1 % 4)) in
		0) mybox run --rm --network net deb true ;;
		1) mybox ps -a >/dev/null ;;
		2) mybox network ls >/dev/null; mybox images >/dev/null ;;
		3) mybox run -d --name "r$1" deb true >/dev/null; mybox inspect "r$1" >/dev/null
		   mybox rm -f "r$1" >/dev/null ;;
		esac'
	nothing_left
}
