#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/ocf/mybox under resource-agents' own test; and a cluster of corosync and Pacemaker on two
# hosts, which are namespaces of all kinds, so that one dies whole when its first process does.
load ../overlay/helpers

setup_file() {
	[ -x /usr/sbin/pacemakerd ] || skip "no Pacemaker"
	hosts_begin 3
	mount -t tmpfs none /usr/lib/ocf/resource.d
	install -D "$top/contrib/ocf/mybox" /usr/lib/ocf/resource.d/mybox/mybox
}
teardown_file() {
	[ -x /usr/sbin/pacemakerd ] || return 0
	umount /usr/lib/ocf/resource.d
	hosts_end
}
teardown() {
	local f
	for f in "$dir"/n*.pid; do
		f=${f##*/n}
		[ ! -e "$dir/n$f" ] || node_kill "${f%.pid}"
	done
	hosts_clean
	[ ! -e "$dir/e1.pid" ] || etcd_end
}

# node_begin N: host N as a machine of its own, with corosync and Pacemaker.
node_begin() {
	local f=$dir/n$1
	mkdir -p "$f"
	cat >"$f/corosync.conf" <<-END
	totem {
		version: 2
		cluster_name: test
		transport: udpu
		token: 4000
	}
	logging {
		to_stderr: yes
		to_syslog: no
		debug: off
	}
	quorum {
		provider: corosync_votequorum
		two_node: 1
		wait_for_all: 0
	}
	nodelist {
		node {
			name: h1
			nodeid: 1
			ring0_addr: $wire.1
		}
		node {
			name: h2
			nodeid: 2
			ring0_addr: $wire.2
		}
	}
	END
	nsenter --net="/proc/$(cat "$dir/ns.h$1")/ns/net" \
		unshare --mount --pid --uts --ipc --fork --kill-child --mount-proc --propagation private \
		sh -c '
		hostname "$1"
		mount --rbind /run/mybox-test /mnt
		for d in /run /dev/shm /var/lib/pacemaker /var/lib/corosync /var/log/pacemaker; do
			mount -t tmpfs none $d
		done
		mkdir -p /run/lock /run/mybox-test
		mount --move /mnt /run/mybox-test
		install -d -o hacluster -g haclient -m 750 /run/crm /var/lib/pacemaker/cib \
			/var/lib/pacemaker/pengine /var/lib/pacemaker/blackbox /var/lib/pacemaker/cores
		printf "#!/bin/sh\nexec %s --root %s/root --runroot %s/run \"\$@\"\n" "$2" "$3" "$3" >/run/box
		chmod 755 /run/box
		exec env --ignore-signal=CHLD sleep 10000
	' node h$1 "$MYBOX" "$dir/h$1" >"$f/node.log" 2>&1 3>&- &
	echo $! >"$f/outer"
	wait_until 5 node_pid $1
	at $1 corosync -f -c "$f/corosync.conf" >"$f/corosync.log" 2>&1 3>&- &
	wait_until 5 corosync_answers $1
	at $1 env PCMK_logfile="$f/pacemaker.log" pacemakerd -f >"$f/pacemakerd.log" 2>&1 3>&- &
}
corosync_answers() { at "$1" corosync-cmapctl totem.cluster_name >/dev/null 2>&1; }
node_pid() {
	pgrep -P "$(cat "$dir/n$1/outer")" >"$dir/n$1.pid" && [ "$(cat "/proc/$(cat "$dir/n$1.pid")/comm")" = sleep ]
}
at() { nsenter -t "$(cat "$dir/n$1.pid")" --mount --pid --uts --ipc --net "${@:2}"; }
node_kill() {
	kill -KILL "$(cat "$dir/n$1.pid")"
	rm -f "$dir/n$1.pid"
}

@test "ocf-tester finds nothing" {
	run -0 in_ns h1 ocf-tester -n web -o mybox="$MYBOX" -o root="$dir/h1/root" \
		-o runroot="$dir/h1/run" -o image=deb -o pull=never -o stop_timeout=0 \
		-o run_cmd='sleep 1000' /usr/lib/ocf/resource.d/mybox/mybox
	[[ $output == *"passed all tests"* ]]
	[[ $output != *"failed"* ]]
}

box() { at "$1" "$MYBOX" --root "$dir/h$1/root" --runroot "$dir/h$1/run" "${@:2}"; }
runs_on() { # runs_on N: and nowhere else
	[ "$(at "$1" crm_resource -r web -W 2>/dev/null)" = "resource web is running on: h$1" ] &&
		[ "$(box "$1" inspect -f '{{.State.Status}}' web 2>/dev/null)" = running ]
}
is_cluster() { at "$1" crm_mon -1 2>/dev/null | grep -q 'Online: \[ h1 h2 \]'; }

@test "a container is started again where it was, and on the other host when its own dies" {
	local i id
	etcd_begin 1
	for i in 1 2; do node_begin $i; done
	box 1 network create -d overlay --subnet 10.79.0.0/24 -o "store=$store" -o ttl=15 -o host=h1 \
		shared >/dev/null
	box 2 network join -o "store=$store" -o host=h2 shared >/dev/null
	on 3 network join -o "store=$store" -o host=h3 shared >/dev/null
	sleeper 3 eye --network shared
	wait_until 10 is_cluster 1
	at 1 crm_attribute -n stonith-enabled -v false
	at 1 cibadmin -C -o resources -X '<primitive id="web" class="ocf" provider="mybox" type="mybox">
		<instance_attributes id="web-i">
		<nvpair id="web-1" name="image" value="deb"/>
		<nvpair id="web-2" name="pull" value="never"/>
		<nvpair id="web-3" name="network" value="shared"/>
		<nvpair id="web-4" name="ip" value="10.79.0.20"/>
		<nvpair id="web-5" name="run_cmd" value="sleep 1000"/>
		<nvpair id="web-6" name="stop_timeout" value="0"/>
		<nvpair id="web-7" name="mybox" value="/run/box"/>
		</instance_attributes>
		<operations>
		<op id="web-m" name="monitor" interval="1s" timeout="60s"/>
		<op id="web-s" name="start" interval="0" timeout="120s"/>
		</operations></primitive>'
	at 1 cibadmin -C -o constraints -X '<rsc_location id="l" rsc="web" node="h1" score="100"/>'
	wait_until 10 runs_on 1
	wait_until 5 reaches 3 eye web
	# What ends by itself is started again, on the same host.
	id=$(box 1 inspect -f '{{.Id}}' web)
	box 1 kill web >/dev/null
	another() { runs_on 1 && [ "$(box 1 inspect -f '{{.Id}}' web)" != "$id" ]; }
	wait_until 10 another
	wait_until 5 reaches 3 eye web
	run box 2 container exists web
	[ "$status" = 1 ]
	# The host dies, before the others have forgotten who had the address.
	node_kill 1
	wait_until 10 runs_on 2
	[ "$(box 2 inspect -f '{{.NetworkSettings.Networks.shared.IPAddress}}' web)" = 10.79.0.20 ]
	wait_until 5 reaches 3 eye web
	[ "$(on 3 exec eye nslookup web | grep -c 10.79.0.20)" = 1 ]
}
