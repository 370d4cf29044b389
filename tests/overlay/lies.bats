#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A store that lies (proxy.py): whatever it says, nothing that runs is touched, nothing half made,
# and when it is honest again all is as it ought to be.
load helpers

setup_file() {
	hosts_begin 2
	etcd_begin 1
	echo honest >"$dir/mode"
	python3 "$BATS_TEST_DIRNAME/proxy.py" "$store" "$dir/mode" >"$dir/proxy.log" 2>&1 3>&- &
	echo $! >"$dir/proxy.pid"
	listens() { ss -Hltn "sport = :2379" | grep -q .; }
	wait_until 10 listens
}
teardown_file() {
	kill "$(cat "$dir/proxy.pid")"
	etcd_end
	hosts_end
}
setup() {
	[ "$BATS_TEST_NUMBER" = 0 ] || say honest
	on 1 network create -d overlay --internal --subnet 10.97.0.0/24 -o "store=http://$wire.254:2379" -o ttl=3 -o host=h1 shared >/dev/null
	on 2 network join -o "store=$store" -o host=h2 shared >/dev/null
	sleeper 1 k1 --network shared
	sleeper 2 k2 --network shared
	wait_until 10 knows 1 k2
	wait_until 10 reaches 1 k1 k2
}
teardown() {
	say honest
	hosts_clean
}
say() { # at once: whoever reads it reads all of it
	echo "$1" >"$dir/mode.new"
	mv "$dir/mode.new" "$dir/mode"
}
knows() { on "$1" network inspect -f '{{range .RemoteContainers}}{{.Name}} {{end}}' shared | grep -qw "$2"; }
fault_is() { [[ "$(on 1 network inspect -f '{{.Overlay.Store}}' shared)" == "silent: "*"$1"* ]]; }
is_online() { [[ "$(on 1 network inspect -f '{{.Overlay.Store}}' shared)" == "http://"* ]]; }
# What was done in the store although its answer was a lie.
forget_others() {
	local key
	ctl del --prefix /mybox/v1/net/other >/dev/null
	for key in $(ctl get --prefix --keys-only /mybox/v1/vni/); do
		[ "$(ctl get --print-value-only "$key")" = shared ] || ctl del "$key" >/dev/null
	done
}
# Nobody who was known is forgotten, and nobody who runs has lost anything.
stands() {
	knows 1 k2 && reaches 1 k1 k2 && [ "$(on 1 inspect -f '{{.State.Running}}' k1)" = true ]
}

@test "lies: answers that are none" {
	local lie i=0
	python3 "$BATS_TEST_DIRNAME/proxy.py" --list answers >"$dir/lies"
	[ "$(wc -l <"$dir/lies")" -ge 11 ]
	while read -r lie; do
		i=$((i + 1))
		echo "$lie"
		say "$lie"
		# Who comes is refused in one line, or it is no lie to him.
		run on 1 run --rm --network shared deb true </dev/null
		echo "$status: $output"
		[ "$status" = 125 ] || [ "$status" = 0 ]
		[ "$status" = 0 ] || [ "$(printf '%s\n' "${lines[@]}" | grep -vc '^hint: ')" = 1 ]
		run on 1 network create -d overlay -o "store=http://$wire.254:2379" -o vtep=up0 "other$i" </dev/null
		echo "$status: $output"
		[ "$status" = 0 ] || [ "$(printf '%s\n' "${lines[@]}" | grep -vc '^hint: ')" = 1 ]
		# Who leads has been told it, too.
		is_told() { grep -Eq "^$lie: (range|keepalive|txn)$" "$dir/mode.told"; }
		wait_until 20 is_told
		stands
		say honest
		[ "$status" != 0 ] || on 1 network rm "other$i" >/dev/null
		[ -z "$(on 1 network ls -q -f name=other)" ]
		forget_others
		wait_until 20 is_online
		stands
	done <"$dir/lies"
	# It still hears what is told.
	sleeper 2 k3 --network shared
	wait_until 20 knows 1 k3
}

@test "lies: watches that say anything else, or nothing" {
	local lie
	while read -r lie; do
		echo "$lie"
		say "$lie"
		wait_until 20 fault_is ""
		echo "$(on 1 network inspect -f '{{.Overlay.Store}}' shared)"
		stands
		say honest
		wait_until 20 is_online
		stands
	done < <(python3 "$BATS_TEST_DIRNAME/proxy.py" --list watches)
	sleeper 2 k3 --network shared
	wait_until 20 knows 1 k3
	on 1 system check
}

@test "lies: a watch of which all but the beginning is held back is found out" {
	say "a watch that is held back"
	# What it held back is read all the same, later.
	sleeper 2 k3 --network shared
	wait_until 60 knows 1 k3
	on 2 rm -f k3 >/dev/null
	knows_not() { ! knows "$@"; }
	wait_until 60 knows_not 1 k3
	stands
}

@test "lies: a change of a policy whose answer is lost is made once" {
	# The other member that is asked then is the store itself.
	on 1 network create -d overlay --internal --subnet 10.98.0.0/24 -o "store=http://$wire.254:2379,$store" -o ttl=3 -o host=h1 other >/dev/null
	say "an answer that is lost"
	[ "$(on 1 network policy add other any:any:80)" = 1 ]
	[ "$(on 1 network policy ls -q other)" = 1 ]
	on 1 network policy rm other 1
	[ -z "$(on 1 network policy ls -q other)" ]
	say honest
	on 1 network rm other >/dev/null
}

@test "lies: a watch that is asked for when its beginning is compacted already begins anew" {
	local i=0 name=k2
	has_told() { grep -qs "^$1: watch" "$dir/mode.told"; }
	# Who waits for too long reads it all anew by himself: then once more.
	until has_told compacted; do
		i=$((i + 1))
		[ $i -le 10 ]
		rm -f "$dir/mode.told"
		say "a watch that comes late"
		wait_until 20 has_told "a watch that comes late"
		on 2 rename $name k2-$i
		name=k2-$i
		ctl put any thing >/dev/null
		ctl compact "$(ctl get x -w fields | awk '/Revision/ { print $3 }')" >/dev/null
		say honest
		# Not only when it is found out that nothing comes.
		wait_until 2 knows 1 $name
	done
	wait_until 20 is_online
	[ "$(on 1 inspect -f '{{.State.Running}}' k1)" = true ]
	wait_until 5 reaches 1 k1 $name
	# And is heard from then on.
	on 2 rename $name k3
	wait_until 20 knows 1 k3
}

@test "lies: what was read of a policy before it changed does not take its place" {
	local i=0
	on 1 network create -d overlay --internal --subnet 10.98.0.0/24 -o "store=http://$wire.254:2379" -o ttl=3 -o host=h1 other >/dev/null
	on 1 network policy add other any:any:80 >/dev/null
	has_told() { grep -qs "^$1: range" "$dir/mode.told"; }
	# Nobody leads: who shows it asks first.  Who waits for too long shows what is known: once more.
	until [ $i -gt 0 ] && ! grep -q "as it was known here" "$dir/shown"; do
		i=$((i + 1))
		[ $i -le 10 ]
		rm -f "$dir/mode.told"
		say "an answer that comes late"
		$(there 1) network policy ls -q other >"$dir/shown" 2>&1 3>&- &
		wait_until 5 has_told "an answer that comes late"
		on 1 network policy add other any:any:$((1000 + i)) >/dev/null
		say honest
		wait $!
	done
	[ "$(tail -n 1 "$dir/shown")" = $((i + 1)) ]
	on 1 network rm other >/dev/null
}
