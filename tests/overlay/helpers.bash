# SPDX-License-Identifier: GPL-2.0-or-later
# What the files of this folder share: hosts, which are network namespaces on one wire, each with a
# store of its own.
load ../integration/helpers

dir=/run/mybox-test/${BATS_TEST_FILENAME##*/}
wire=203.0.113

# ns_begin NAME ADDRESS [MTU]: a namespace on the wire.
ns_begin() {
	unshare --net sleep 10000 >/dev/null 2>&1 3>&- &
	local pid=$!
	echo $pid >"$dir/ns.$1"
	wait_until 10 outside_ready $pid
	ip link add name "w-$1" mtu "${3:-1500}" type veth peer name up0 netns $pid
	ip link set "w-$1" master wire up
	in_ns "$1" ip link set lo up
	in_ns "$1" ip addr add "$wire.$2/24" dev up0
	in_ns "$1" ip link set up0 mtu "${3:-1500}" up
	in_ns "$1" ip route add default via "$wire.254"
}
in_ns() { nsenter --net="/proc/$(cat "$dir/ns.$1")/ns/net" "${@:2}"; }
# The wire of a namespace, cut and mended.
cut_off() { ip link set "w-$1" nomaster; }
mend() { ip link set "w-$1" master wire; }

# hosts_begin N: h1 to hN, at .1 to .N, each with the image deb.
hosts_begin() {
	ensure_images
	rm -rf "$dir"
	mkdir -p "$dir"
	ip link add wire type bridge
	ip addr add $wire.254/24 dev wire
	ip link set wire up
	local i
	for ((i = 1; i <= $1; i++)); do
		ns_begin h$i $i
		mkdir -m 700 "$dir/h$i"
		on $i load -q -i "$images/deb.tar" >/dev/null
	done
	echo "$1" >"$dir/hosts"
}
hosts_end() {
	local f
	# Their links at once: a namespace goes some time after its last process.
	for f in "$dir"/ns.*; do
		kill "$(cat "$f")"
		ip link del "w-${f##*/ns.}" 2>/dev/null || true
	done
	ip link del wire
	rm -rf "$dir"
}
# on N VERB...: mybox there, by the host's clock if it has one of its own (elsewhen in faults.bats).
# There are the names of a process for what is begun with &.
there() { echo nsenter --net="/proc/$(cat "$dir/ns.h$1")/ns/net" $(cat "$dir/clock.h$1" 2>/dev/null) "$MYBOX" --root "$dir/h$1/root" --runroot "$dir/h$1/run"; }
on() {
	local box
	read -ra box <<<"$(there "$1")"
	"${box[@]}" "${@:2}"
}
# Everything that a test made, on every host; and nothing may be left of it.
hosts_clean() {
	local i n ids
	n=$(cat "$dir/hosts")
	for ((i = 1; i <= n; i++)); do
		ids=$(on $i ps -aq)
		# shellcheck disable=SC2086
		[ -z "$ids" ] || on $i rm -f -v $ids >/dev/null
		ids=$(on $i network ls -q -f type=custom)
		# shellcheck disable=SC2086
		[ -z "$ids" ] || forget_networks $i $ids
	done
	for ((i = 1; i <= n; i++)); do
		wait_until 2 is_clean $i || {
			echo "host $i is not clean after the test:"
			on $i system check
			return 1
		}
	done
}
forget_networks() { # whether their store answers or not
	local id
	for id in "${@:2}"; do on "$1" network rm "$id" >/dev/null 2>&1 || on "$1" network leave "$id" >/dev/null; done
}
is_clean() { on "$1" system check >/dev/null 2>&1; }

sleeper() { on "$1" run -d --name "$2" "${@:3}" deb sleep 1000 >/dev/null; }
# reaches N CONTAINER WHOM
reaches() { on "$1" exec "$2" ping -c 1 -W 1 "$3" >/dev/null 2>&1; }
is_lost_to() { ! reaches "$@"; }
tunnel() { echo "mv-$(on "$1" network inspect -f '{{slice .Id 0 12}}' "$2")"; }

monitor_of() { # monitor_of N CONTAINER
	local p
	p=$(on "$1" inspect -f '{{.State.Pid}}' "$2")
	awk '/^PPid/ { print $2 }' "/proc/$p/status"
}
# The process that leads on a host: a child of a child of its first monitor.
leader_of() { # leader_of N CONTAINER
	local m p
	m=$(monitor_of "$1" "$2")
	for p in $(cat "/proc/$m/task/$m/children"); do
		[ "$(cat "/proc/$p/comm")" != mybox ] || cat "/proc/$p/task/$p/children"
	done
}
leads() { [ -n "$(leader_of "$@")" ]; }

setup_file() { hosts_begin 3; }
teardown_file() { hosts_end; }
setup() { :; }
teardown() { hosts_clean; }

# ---- etcd: members at .201, .202, ... of the wire, each in a namespace of its own ----

# etcd_begin N [OPTION...]: that many; $store names them all.
etcd_begin() {
	local i cluster=""
	for ((i = 1; i <= $1; i++)); do
		cluster+=",e$i=http://$wire.20$i:2380"
		ns_begin e$i 20$i
	done
	echo "${cluster#,}" >"$dir/cluster"
	shift
	printf '%s\n' "$@" >"$dir/etcd.options"
	for ((i = i - 1; i > 0; i--)); do etcd_start $i; done
	etcd_store
	wait_until 20 etcd_is_well
}
etcd_store() { # $store: the addresses of all of them
	local f
	store=
	for f in "$dir"/ns.e*; do store+=",http://$wire.20${f##*.e}:2379"; done
	store=${store#,}
	export store
}
etcd_start() { # etcd_start N: with what it knew
	local options
	mapfile -t options < <(grep . "$dir/etcd.options")
	# The disk is a test's, and memory: heartbeats are those of a machine that does other things.
	nsenter --net="/proc/$(cat "$dir/ns.e$1")/ns/net" etcd --name "e$1" \
		--data-dir "$dir/e$1" \
		--listen-peer-urls "http://$wire.20$1:2380" --initial-advertise-peer-urls "http://$wire.20$1:2380" \
		--listen-client-urls "http://$wire.20$1:2379" --advertise-client-urls "http://$wire.20$1:2379" \
		--initial-cluster "$(cat "$dir/cluster")" --initial-cluster-token t \
		--heartbeat-interval 50 --election-timeout 500 "${options[@]}" >"$dir/e$1.log" 2>&1 3>&- &
	echo $! >"$dir/e$1.pid"
}
etcd_stop() { # etcd_stop N: killed
	kill -KILL "$(cat "$dir/e$1.pid")"
	rm -f "$dir/e$1.pid"
}
etcd_end() {
	local f
	for f in "$dir"/e*.pid; do kill -KILL "$(cat "$f")"; done
}
ctl() { ETCDCTL_API=3 timeout 20 etcdctl --endpoints "$store" --dial-timeout 2s --command-timeout 5s "$@"; }
etcd_is_well() { ctl put well well >/dev/null 2>&1 && ctl del well >/dev/null 2>&1; }
etcd_keys() { ctl get --prefix --keys-only /mybox | grep . || true; }
seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }
# heal WHAT SINCE: a line of the table of faults, with the seconds from SINCE until now.
heal() { echo "# heal: $1 $(seconds_since "$2")" >&3; }
