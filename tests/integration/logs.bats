#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Logs of several containers, what stands before lines, and where logs are kept.
# bats file_tags=cgroup:any
load helpers

@test "several containers: merged in the order of time, each stream to its own" {
	# The line without an end comes after those to the other stream: it is not told where they end.
	mybox run -d --name one -v both:/s deb sh -c 'for i in 1 3 5; do echo $i; sleep 0.2; done; until [ -e /s/4 ]; do sleep 0.05; done; printf 7'
	mybox run -d --name two -v both:/s deb sh -c 'sleep 0.1; for i in 2 4; do echo $i >&2; sleep 0.2; done; sleep 0.2; touch /s/4; echo 6'
	# Whoever follows ends with the last of them.
	run -0 timeout 60 "${box[@]}" logs -f one two
	[ "$(sort -k2 <<<"$output")" = $'one 1\ntwo 2\none 3\ntwo 4\none 5\ntwo 6\none 7' ]
	mybox logs -t one two 2>&1 | awk '{ print $2 }' >"$BATS_TEST_TMPDIR/times"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/times")" = 7 ]
	mybox logs one two 2>/dev/null | cut -d' ' -f2 | tr '\n' ' ' >"$BATS_TEST_TMPDIR/out"
	[ "$(mybox logs one two 2>&1 >/dev/null)" = $'two 2\ntwo 4' ]
	# Both streams into one file, in order: the times never go back.
	mybox logs -t one two >"$BATS_TEST_TMPDIR/both" 2>&1
	awk '{ print $2 }' "$BATS_TEST_TMPDIR/both" | sort -c
	[ "$(mybox logs -n 1 two one | sort)" = $'one 7\ntwo 6' ]
	run -1 mybox logs one nobody
	[[ $output == *'No such container: nobody'* ]]
}

@test "names, colours and details" {
	mybox run --name c1 -l a.b='c d' -l x=y -e V=1 --log-opt labels=a.b,no --log-opt env=V deb sh -c 'echo line; printf end'
	[ "$(mybox logs c1)" = $'line\nend' ]
	[ "$(mybox logs --names c1)" = $'c1 line\nc1 end' ]
	# -n is a number's, or it is podman's.
	[ "$(mybox logs -n c1)" = $'c1 line\nc1 end' ]
	[ "$(mybox logs -tn c1 | cut -d' ' -f1)" = $'c1\nc1' ]
	[ "$(mybox logs c1 -n)" = $'c1 line\nc1 end' ]
	[ "$(mybox logs -n -f c1)" = $'c1 line\nc1 end' ]
	[ "$(mybox logs -n 1 c1)" = end ]
	[ "$(mybox logs -n all c1)" = $'line\nend' ]
	[ "$(mybox logs -n -1 c1)" = $'line\nend' ]
	[ "$(mybox logs -n1 c1)" = end ]
	[ "$(mybox logs --tail x c1)" = $'line\nend' ]
	[ "$(mybox logs --color c1 | head -1)" = $'\e[36mc1\e[0m line' ]
	[ "$(NO_COLOR=1 mybox logs --color c1 | head -1)" = 'c1 line' ]
	[ "$(mybox logs --details c1 | head -1)" = 'V=1,a.b=c+d line' ]
	[[ $(mybox logs --details -t c1 | head -1) =~ ^20[0-9T:.-]+Z\ V=1,a.b=c\+d\ line$ ]]
	mybox run --name c2 deb echo line
	[ "$(mybox logs --details c2)" = ' line' ]
}

@test "drivers and their options" {
	mybox run --name c1 --log-driver none deb echo line
	run -1 mybox logs c1
	[[ $output == *'configured logging driver does not support reading'* ]]
	[ ! -e "$root/containers/$(mybox inspect -f '{{.Id}}' c1)/log" ]
	mybox run --name c2 --log-driver local --log-opt max-size=8k --log-opt max-file=2 deb sh -c 'seq 10000'
	[ "$(mybox inspect -f '{{json .HostConfig.LogConfig}}' c2)" = '{"Type":"local","Config":{"max-file":"2","max-size":"8k"}}' ]
	[ "$(mybox logs c2 | tail -1)" = 10000 ]
	[ "$(find "$root/containers/$(mybox inspect -f '{{.Id}}' c2)" -name 'log*' | wc -l)" = 2 ]
	[ "$(mybox logs c2 | wc -l)" -lt 1000 ]
	mybox run --name c3 deb true
	[ "$(mybox inspect -f '{{.HostConfig.LogConfig.Type}}' c3)" = k8s-file ]
	local bad
	for bad in '--log-driver gelf' '--log-opt max-size=x' '--log-opt max-file=0' '--log-opt colour=red' '--log-driver none --log-opt max-file=2'; do
		# shellcheck disable=SC2086 # words are split on purpose
		run -125 mybox run $bad deb true
	done
	[[ $output == *'log options are not for the log driver none'* ]]
}

# The files of c1 as docker's shippers read them.
json_log() { echo "$root/containers/$(mybox inspect -f '{{.Id}}' "$1")/$(mybox inspect -f '{{.Id}}' "$1")-json.log"; }

@test "json-file: docker's records on disk, and logs reads them across rotation" {
	mybox run --name c1 --log-driver json-file --log-opt tag='{{.Name}}/{{.ImageName}}' --log-opt labels=a --log-opt env=V \
		-l a='b"c' -e V=1 deb sh -c 'echo "<a>"; echo err >&2; printf end'
	[ "$(mybox inspect -f '{{.LogPath}}' c1)" = "$(json_log c1)" ]
	python3 - "$(json_log c1)" <<-'EOF'
		import json, sys
		records = [json.loads(line) for line in open(sys.argv[1])]
		assert sorted((r["stream"], r["log"]) for r in records) == \
		    [("stderr", "err\n"), ("stdout", "<a>\n"), ("stdout", "end")], records
		for r in records:
		    assert list(r) == ["log", "stream", "attrs", "time"], r
		    assert r["attrs"] == {"V": "1", "a": 'b"c', "tag": "c1/deb"}, r
	EOF
	[ "$(mybox logs c1 2>/dev/null)" = $'<a>\nend' ]
	[ "$(mybox logs c1 2>&1 >/dev/null)" = err ]
	[[ $(mybox logs --details c1 2>/dev/null | head -1) == 'V=1,a=b%22c <a>' ]]
	# Followed while it rotates: each line once, in its order; and by count and by time afterwards.
	mybox run -d --name c2 --log-driver json-file --log-opt max-size=64k --log-opt max-file=200 deb \
		sh -c 'sleep 1; seq 40000; sleep 1; echo late'
	mybox logs -f c2 >"$BATS_TEST_TMPDIR/followed"
	[ "$(cat "$BATS_TEST_TMPDIR/followed")" = "$(seq 40000; echo late)" ]
	[ -e "$(json_log c2).40" ]
	[ "$(mybox logs c2 | cksum)" = "$(cksum <"$BATS_TEST_TMPDIR/followed")" ]
	[ "$(mybox logs -n 1501 c2)" = "$(seq 38501 40000; echo late)" ]
	local stamp
	stamp=$(mybox logs -t -n 1 c2 | cut -d' ' -f1)
	[ "$(mybox logs --since "$stamp" c2)" = late ]
	# Several, each in its own format.
	mybox run --name c3 deb echo other
	[ "$(mybox logs -n 1 c3 c2 | cut -d' ' -f2 | sort)" = $'late\nother' ]
}

# reads_of ARGUMENT..: what mybox reads for them, in MB.
reads_of() { bash -c '"$@" >/dev/null; awk "/^rchar/ { print int(\$2 / 1000000) }" /proc/$$/io' bash "${box[@]}" "$@"; }

@test "by time: what is far from it is not read" {
	local driver file size last middle
	for driver in local json-file; do
		mybox run --name "c-$driver" --log-driver "$driver" --log-opt max-size=1g deb seq 800000
		file=$(json_log "c-$driver")
		[ -e "$file" ] || file=${file%/*}/log
		size=$(stat -c %s "$file")
		[ "$size" -gt 30000000 ]
		[ "$(reads_of logs "c-$driver")" -ge $((size / 1000000)) ]
		last=$(mybox logs -t -n 1 "c-$driver" | cut -d' ' -f1)
		middle=$(mybox logs -t -n 400000 "c-$driver" | awk '{ print $1; exit }')
		[ "$(mybox logs --since "$last" "c-$driver" | tail -n 1)" = 800000 ]
		[ "$(reads_of logs --since "$last" "c-$driver")" -lt 8 ]
		# Before the first.
		[ "$(mybox logs --until "$(mybox logs -t "c-$driver" | awk '{ print $1; exit }')" "c-$driver" | wc -l)" = 0 ]
		[ "$(reads_of logs --until 2000-01-01T00:00:00 "c-$driver")" -lt 8 ]
		# From there on, and up to there, are all.
		mybox logs --until "$middle" "c-$driver" >"$BATS_TEST_TMPDIR/all"
		mybox logs --since "$middle" "c-$driver" >>"$BATS_TEST_TMPDIR/all"
		[ "$(cksum <"$BATS_TEST_TMPDIR/all")" = "$(seq 800000 | cksum)" ]
		# Whoever wrote it says nothing of its order: all of it is read, and found.
		chmod 0600 "$file"
		[ "$(mybox logs --since "$last" "c-$driver" | tail -n 1)" = 800000 ]
		[ "$(reads_of logs --since "$last" "c-$driver")" -ge $((size / 1000000)) ]
		mybox rm "c-$driver"
	done
}

@test "clocks that jump: each line by its own time, in one log and in several" {
	mybox create --name k1 --log-driver local deb true
	mybox create --name k2 --log-driver json-file deb true
	local dir
	dir=$(json_log k1)
	cat >"${dir%/*}/log.1" <<-'EOF'
		2030-01-01T00:00:00.000000000Z stdout F ahead
		2016-10-07T00:17:01.000000000Z stdout F one
	EOF
	cat >"${dir%/*}/log" <<-'EOF'
		2016-10-07T00:17:05.000000000Z stdout F five
		2016-10-07T00:17:02.000000000Z stdout F two
		2030-01-01T00:00:00.000000000Z stdout F ahead again
		2016-10-07T00:17:06.000000000Z stdout F six
	EOF
	cat >"$(json_log k2)" <<-'EOF'
		{"log":"three\n","stream":"stdout","time":"2016-10-07T00:17:03Z"}
		{"log":"far\n","stream":"stdout","time":"2031-01-01T00:00:00Z"}
		{"log":"four\n","stream":"stdout","time":"2016-10-07T00:17:04Z"}
	EOF
	[ "$(mybox logs --since 2016-10-07T00:17:02Z --until 2016-10-07T00:17:06Z k1)" = $'five\ntwo' ]
	[ "$(mybox logs --until 2016-10-07T00:17:06Z k1)" = $'one\nfive\ntwo' ]
	[ "$(mybox logs -f --until 2016-10-07T00:17:06Z k1)" = $'one\nfive\ntwo' ]
	[ "$(mybox logs --since 2016-10-07T00:17:02Z k1)" = $'ahead\nfive\ntwo\nahead again\nsix' ]
	[ "$(mybox logs --since 2016-10-07T00:17:04Z --until 2020-01-01T00:00:00Z k2)" = four ]
	# Merged, the oldest of what stands next in each: neither loses what stands behind a jump.
	[ "$(mybox logs --until 2020-01-01T00:00:00Z k1 k2 | cut -d' ' -f2)" = $'one\nthree\nfour\nfive\ntwo\nsix' ]
	[ "$(mybox logs k1 k2 | cut -d' ' -f2- | sort | tr '\n' ';')" = 'ahead;ahead again;far;five;four;one;six;three;two;' ]
}

# collect KIND ADDRESS: into $BATS_TEST_TMPDIR/got.
listens() { [ -S "$1" ] && grep -q "$1" /proc/net/unix; }
collect() {
	python3 "$top/tests/support/collector.py" "$1" "$2" "$BATS_TEST_TMPDIR/got" 3>&- &
	collector=$!
	case $1 in
	udp) wait_until 10 grep -q ":$(printf %04X "$2") " /proc/net/udp ;;
	tcp) wait_until 10 grep -q ":$(printf %04X "$2") " /proc/net/tcp ;;
	*) wait_until 10 listens "$2" ;;
	esac
}
got() { grep -qE -- "$1" "$BATS_TEST_TMPDIR/got"; }

@test "syslog: every transport and format, with a tag" {
	local sock=$BATS_TEST_TMPDIR/log line begin
	begin=$(date +%s.%N)
	run -125 mybox run --rm --log-driver syslog --log-opt syslog-address="unixgram://$sock" deb true
	[[ $output == *"cannot connect to 'unixgram://$sock'"* ]]
	[ -z "$(mybox ps -aq)" ]
	# Nothing of it has run.
	[ -z "$(mybox events --since "$begin" --until "$(date +%s.%N)" -f event=start)" ]
	collect unixgram "$sock"
	mybox run --name c1 --log-driver syslog --log-opt syslog-address="unixgram://$sock" --log-opt tag='{{.Name}}-{{.ID}}' deb \
		sh -c 'echo one; echo two >&2'
	wait_until 10 got ': two$'
	got "^<30>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} c1-$(mybox ps -aq)\[[0-9]+\]: one$"
	got '^<27>.*: two$'
	# logs works as with any driver, unless that is not wanted.
	[ "$(mybox logs c1 2>&1 | sort)" = $'one\ntwo' ]
	mybox run --name c2 --log-driver syslog --log-opt syslog-address="unixgram://$sock" --log-opt cache-disabled=true \
		--log-opt syslog-format=rfc5424micro --log-opt syslog-facility=local3 deb echo three
	wait_until 10 got ' - three$'
	line=$(hostname)
	got "^<158>1 20[0-9-]{8}T[0-9:]{8}\.[0-9]{6}(Z|[+-][0-9:]{5}) $line [0-9a-f]{12} [0-9]+ [0-9a-f]{12} - three$"
	run -1 mybox logs c2
	[[ $output == *'does not support reading'* ]]
	[ "$(mybox inspect -f '{{.LogPath}}' c2)" = '' ]
	kill "$collector"
	collect udp 5514
	mybox run --rm --log-driver syslog --log-opt syslog-address=udp://127.0.0.1:5514 --log-opt syslog-format=rfc3164 deb echo four
	wait_until 10 got "^<30>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} $line [0-9a-f]{12}\[[0-9]+\]: four$"
	kill "$collector"
	collect tcp 5514
	mybox run --rm --log-driver syslog --log-opt syslog-address=tcp://localhost:5514 --log-opt syslog-format=rfc5424 deb seq 20000 >/dev/null
	wait_until 10 got ' - 20000$'
	[ "$(grep -c '^<30>1 ' "$BATS_TEST_TMPDIR/got")" = 20000 ]
	kill "$collector"
}

@test "syslog: nobody reads, and nobody waits" {
	local sock=$BATS_TEST_TMPDIR/log
	collect unixgram "$sock"
	kill -STOP "$collector"
	# More than any queue holds.
	mybox run --name c1 --log-driver syslog --log-opt syslog-address="unixgram://$sock" --log-opt cache-max-size=20m deb \
		sh -c 'seq 300000' >"$BATS_TEST_TMPDIR/shown"
	[ "$(mybox logs c1 | tail -1)" = 300000 ]
	kill -CONT "$collector"
	wait_until 10 got ': 1$'
	kill "$collector"
	wait "$collector" || true
	# It is gone when the container starts again by its policy.
	rm "$sock"
	collect unixgram "$sock"
	mybox run -d --name c2 --restart on-failure:2 --restart-delay 500ms --log-driver syslog --log-opt syslog-address="unixgram://$sock" deb \
		sh -c 'echo life; exit 3'
	wait_until 10 got ': life$'
	kill "$collector"
	rm -f "$sock"
	wait_until 10 eval '[ "$(mybox logs c2 | wc -l)" = 3 ]'
}

@test "a monitor that is killed: the next one writes on, to the same places, and who follows goes on" {
	local sock=$BATS_TEST_TMPDIR/log name followers=()
	collect unixgram "$sock"
	mkdir "$BATS_TEST_TMPDIR/share"
	mybox run -d --name k1 --log-driver json-file -v "$BATS_TEST_TMPDIR/share:/share" deb \
		sh -c 'echo one; until [ -e /share/go ]; do sleep 0.1; done; echo two; sleep 1000'
	mybox run -d --name k2 --log-driver syslog --log-opt syslog-address="unixgram://$sock" -v "$BATS_TEST_TMPDIR/share:/share" deb \
		sh -c 'echo one; until [ -e /share/go ]; do sleep 0.1; done; echo two; sleep 1000'
	"${box[@]}" logs -f k1 >"$BATS_TEST_TMPDIR/alone" 3>&- &
	followers+=($!)
	"${box[@]}" logs -f k1 k2 >"$BATS_TEST_TMPDIR/both" 3>&- &
	followers+=($!)
	wait_until 10 got ': one$'
	wait_until 10 grep -q one "$(json_log k1)"
	wait_until 10 grep -q one "$BATS_TEST_TMPDIR/alone"
	wait_until 10 grep -q 'k1 one' "$BATS_TEST_TMPDIR/both"
	wait_until 10 grep -q 'k2 one' "$BATS_TEST_TMPDIR/both"
	for name in k1 k2; do
		kill -9 "$(grep -o '"monitor":[0-9]*' "$run/c/$(mybox inspect -f '{{.Id}}' $name)/state.json" | cut -d: -f2)"
	done
	mybox exec k1 true
	mybox exec k2 touch /share/go
	wait_until 10 got ': two$'
	wait_until 10 grep -q two "$(json_log k1)"
	wait_until 10 grep -q two "$BATS_TEST_TMPDIR/alone"
	wait_until 10 grep -q 'k1 two' "$BATS_TEST_TMPDIR/both"
	wait_until 10 grep -q 'k2 two' "$BATS_TEST_TMPDIR/both"
	[ "$(mybox logs k1)" = $'one\ntwo' ]
	[ "$(mybox logs k2)" = $'one\ntwo' ]
	# They end with their containers.
	mybox kill k1 k2
	for name in "${followers[@]}"; do
		wait "$name"
	done
	[ "$(cat "$BATS_TEST_TMPDIR/alone")" = $'one\ntwo' ]
	[ "$(sort "$BATS_TEST_TMPDIR/both")" = $'k1 one\nk1 two\nk2 one\nk2 two' ]
	kill "$collector"
}

@test "who follows gives a lost monitor's container another" {
	local follower monitor
	mybox run -d --name k1 -v "$BATS_TEST_TMPDIR:/share" deb sh -c 'echo one; until [ -e /share/go ]; do sleep 0.1; done; echo two'
	"${box[@]}" logs -f k1 >"$BATS_TEST_TMPDIR/out" 3>&- &
	follower=$!
	wait_until 10 grep -q one "$BATS_TEST_TMPDIR/out"
	the_monitor() { grep -o '"monitor":[0-9]*' "$run"/c/*/state.json | cut -d: -f2; }
	monitor=$(the_monitor)
	kill -9 "$monitor"
	another() { [ "$(the_monitor)" != "$monitor" ]; }
	wait_until 10 another
	touch "$BATS_TEST_TMPDIR/go"
	wait "$follower"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = $'one\ntwo' ]
}

@test "syslog: a health check beside one who is slow, goes away and comes back" {
	local sock=$BATS_TEST_TMPDIR/log
	collect unixgram "$sock"
	kill -STOP "$collector"
	mybox run -d --name k1 --health-cmd true --health-interval 100ms --log-driver syslog --log-opt syslog-address="unixgram://$sock" \
		-v "$BATS_TEST_TMPDIR:/share" deb sh -c 'seq 3000; until [ -e /share/1 ]; do sleep 0.1; done; echo more
			until [ -e /share/2 ]; do sleep 0.1; done; echo meanwhile; exec sleep 1000'
	wait_until 20 eval '[ "$(mybox inspect -f "{{.State.Health.Status}}" k1)" = healthy ]'
	kill -CONT "$collector"
	wait_until 10 got ': 3000$'
	touch "$BATS_TEST_TMPDIR/1"
	wait_until 10 got ': more$'
	# Each once, in their order.
	[ "$(sed 's/.*: //' "$BATS_TEST_TMPDIR/got" | cksum)" = "$( (seq 3000 && echo more) | cksum)" ]
	kill "$collector"
	wait "$collector" || true
	touch "$BATS_TEST_TMPDIR/2"
	wait_until 10 eval '[ "$(mybox logs -n 1 k1)" = meanwhile ]'
	collect unixgram "$sock"
	wait_until 10 got ': meanwhile$'
	kill "$collector"
}

@test "journald: docker's fields" {
	mkdir -p /run/systemd
	mount -t tmpfs none /run/systemd
	mkdir /run/systemd/journal
	run -125 mybox run --rm --log-driver journald deb true
	[[ $output == *"cannot connect to '"*journal/socket* ]]
	collect unixgram /run/systemd/journal/socket
	mybox run --name c1 --log-driver journald --log-opt tag='t/{{.Name}}{{slice .ID 12}}{{slice .ImageFullID 71}}' --log-opt labels=my.label -l my.label=x deb \
		sh -c 'echo hello; head -c 20000 /dev/zero | tr "\0" x; echo; echo oh >&2'
	wait_until 10 got '^MESSAGE=oh'
	local id field
	id=$(mybox inspect -f '{{.Id}}' c1)
	for field in "CONTAINER_ID=${id:0:12}" "CONTAINER_ID_FULL=$id" CONTAINER_NAME=c1 CONTAINER_TAG=t/c1 IMAGE_NAME=deb \
		SYSLOG_IDENTIFIER=t/c1 MY_LABEL=x PRIORITY=6 PRIORITY=3 CONTAINER_PARTIAL_MESSAGE=true CONTAINER_PARTIAL_LAST=true; do
		grep -qx -- "$field" "$BATS_TEST_TMPDIR/got" || { echo "no $field" && false; }
	done
	[ "$(mybox logs c1 2>/dev/null | wc -c)" = 20007 ]
	kill "$collector"
	umount -l /run/systemd # who listened may end only now
}

@test "compress: what is rotated away is gzip'd, and logs reads all of it" {
	local driver name dir
	for driver in json-file local; do
		[ "$driver" = local ] && name=log || name=
		mybox run -d --name "c-$driver" --log-driver "$driver" --log-opt max-size=64k --log-opt max-file=500 --log-opt compress=true -v "$BATS_TEST_TMPDIR:/s" deb \
			sh -c 'seq 20000; printf "%070000d\n" 7; until [ -e /s/go ]; do sleep 0.05; done; seq 20001 40000; until [ -e /s/end ]; do sleep 0.05; done'
		dir=$root/containers/$(mybox inspect -f '{{.Id}}' "c-$driver")
		plain() { find "$dir" -name '*log.[1-9]*' ! -name '*.gz' | wc -l; }
		packed() { find "$dir" -name '*log.[1-9]*.gz' | wc -l; }
		all_packed() { [ "$(plain)" = 0 ] && [ "$(packed)" -ge "$1" ]; }
		wait_until 20 all_packed 5
		# Followed over both, while more is rotated and packed.
		"${box[@]}" logs -f "c-$driver" >"$BATS_TEST_TMPDIR/followed" 3>&- &
		local reader=$!
		wait_until 20 grep -q '^0*7$' "$BATS_TEST_TMPDIR/followed"
		touch "$BATS_TEST_TMPDIR/go"
		wait_until 20 grep -qx 40000 "$BATS_TEST_TMPDIR/followed"
		wait_until 20 all_packed 12
		touch "$BATS_TEST_TMPDIR/end"
		wait $reader
		(seq 20000; printf '%070000d\n' 7; seq 20001 40000) >"$BATS_TEST_TMPDIR/wanted"
		cmp "$BATS_TEST_TMPDIR/followed" "$BATS_TEST_TMPDIR/wanted"
		mybox logs "c-$driver" | cmp - "$BATS_TEST_TMPDIR/wanted"
		[ "$(mybox logs -n 30000 "c-$driver" | cksum)" = "$(tail -n 30000 "$BATS_TEST_TMPDIR/wanted" | cksum)" ]
		[ "$(mybox logs --since 1h "c-$driver" | cksum)" = "$(cksum <"$BATS_TEST_TMPDIR/wanted")" ]
		# Anybody's gunzip reads them.
		gzip -t "$dir"/*.gz
		rm "$BATS_TEST_TMPDIR/go" "$BATS_TEST_TMPDIR/end"
	done
}

@test "compress: the oldest goes, packed or not, and another monitor goes on" {
	mybox run -d --name cm --log-opt max-size=16k --log-opt max-file=3 --log-opt compress=true -v "$BATS_TEST_TMPDIR:/s" deb \
		sh -c 'seq 20000; until [ -e /s/go ]; do sleep 0.05; done; seq 20001 40000; until [ -e /s/end ]; do sleep 0.05; done'
	local dir monitor
	dir=$root/containers/$(mybox inspect -f '{{.Id}}' cm)
	settled() { [ "$(cd "$dir" && echo log*)" = 'log log.1.gz log.2.gz' ] && [ "$(mybox logs -n 1 cm)" = "$1" ]; }
	wait_until 20 settled 20000
	monitor=$(awk '/^PPid/ { print $2 }' "/proc/$(mybox inspect -f '{{.State.Pid}}' cm)/status")
	kill -9 "$monitor"
	mybox exec cm touch /s/go
	wait_until 20 settled 40000
	packed() { [ ! -e "$dir/.log.gz.new" ]; }
	wait_until 20 packed
	# What is left is the end of it without a gap.
	local first
	first=$(mybox logs cm | head -1)
	[ "$(mybox logs cm | cksum)" = "$(seq "$first" 40000 | cksum)" ]
	touch "$BATS_TEST_TMPDIR/end"
}

@test "labels and variables by regular expressions" {
	mybox run --name ca -l app.one=1 -l app.two=2 -l other=3 -l exact=4 -e GO_A=x -e MY_GO=y -e NO=z --log-opt labels=exact --log-opt labels-regex='^app\.' --log-opt env-regex='^(GO|NO$)' deb echo line
	[ "$(mybox logs --details ca)" = 'GO_A=x,NO=z,app.one=1,app.two=2,exact=4 line' ]
	mybox run --name cb --log-driver json-file -l app.one=1 -e GO_A=x --log-opt labels-regex=one --log-opt env-regex=O_ deb echo line
	[[ $(cat "$(mybox inspect -f '{{.LogPath}}' cb)") == *'"attrs":{"GO_A":"x","app.one":"1"}'* ]]
	# Files are written at once: any buffer is large enough.
	[ "$(mybox run --log-driver json-file --log-opt mode=non-blocking --log-opt max-buffer-size=4m deb echo line)" = line ]
}

@test "log options that are refused, each by its name" {
	local row words
	while IFS='|' read -r row words; do
		# shellcheck disable=SC2086 # words are split on purpose
		run -1 mybox create $row deb true
		[[ $output == *"$words"* ]] || { echo "$row: $output" && false; }
	done <<-'EOF'
		--log-opt mode=blocking|no container waits for its log
		--log-opt max-buffer-size=4m|only supported with 'mode=non-blocking'
		--log-opt mode=non-blocking --log-opt max-buffer-size=17m|at most 16m
		--log-opt mode=non-blocking --log-opt max-buffer-size=-1|invalid --log-opt max-buffer-size '-1'
		--log-opt labels-regex=(|invalid --log-opt labels-regex '('
		--log-opt env-regex=((a{99}){99}){99}|invalid --log-opt env-regex
		--log-driver json-file --log-opt compress=maybe|invalid --log-opt compress 'maybe'
		--log-driver local --log-opt tag=x|unknown log opt 'tag' for local log driver
		--log-driver json-file --log-opt tag={{.Nothing}}|can't evaluate field Nothing in type *loginfo.Info
		--log-driver json-file --log-opt tag={{|invalid --log-opt tag '{{'
		--log-driver json-file --log-opt syslog-format=rfc5424|unknown log opt 'syslog-format' for json-file log driver
		--log-driver syslog --log-opt syslog-format=x|invalid syslog format 'x'
		--log-driver syslog --log-opt syslog-facility=24|invalid syslog facility '24'
		--log-driver syslog --log-opt syslog-address=tcp+tls://a:1|syslog over TLS is not there
		--log-driver syslog --log-opt syslog-address=http://a|invalid --log-opt syslog-address 'http://a'
		--log-driver syslog --log-opt syslog-address=udp://a.example:1|names are not looked up
		--log-driver syslog --log-opt syslog-address=udp://[::1]:0|invalid --log-opt syslog-address 'udp://[::1]:0'
		--log-driver syslog --log-opt syslog-address=unix://a|invalid --log-opt syslog-address 'unix://a'
		--log-driver journald --log-opt max-size=1m|unknown log opt 'max-size' for journald log driver
	EOF
}

@test "-l: of the latest created container" {
	mybox run --name c1 deb echo first
	mybox run --name c2 deb echo second
	[ "$(mybox logs -l)" = second ]
	mybox start c1
	[ "$(mybox logs --latest -t | cut -d' ' -f2)" = second ]
	run mybox logs -l c1
	[ "$status" = 1 ]
	[[ $output == *"do not go with names of containers"* ]]
}
