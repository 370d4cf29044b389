#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# --net-rate, --net-delay, --net-loss: what the kernel was told, told back by tc, and by its counters.
# What this kernel has not is refused by name; tests/guest has a kernel that has it all.
# bats file_tags=cgroup:any
load helpers

has() { # has DISCIPLINE: without parameters it is refused in any case
	! tc qdisc add dev lo root handle 1: "$1" 2>&1 | grep -q unknown
	tc qdisc del dev lo root 2>/dev/null || true
}
inside() { nsenter --net="/proc/$(mybox inspect -f '{{.State.Pid}}' "$1")/ns/net" "${@:2}"; }
# The name's end may be another in a life after the first.
host_end() { ip -o link | grep -o "mb$(mybox inspect -f '{{.Id}}' "$1" | cut -c1-10)${2:-[-_+]*@}" | head -1 | tr -d @; }

# bats test_tags=kernel
@test "a rate, both ways, with every network and every start" {
	if ! tc qdisc add dev lo root tbf rate 1mbit burst 10k limit 10k 2>/dev/null; then
		run mybox run --rm --net-rate 1mbit deb true
		[ "$status" = 125 ]
		[[ $output == *"--net-rate is not possible here: this kernel has no 'tbf' queueing discipline (sch_tbf)"* ]]
		return
	fi
	tc qdisc del dev lo root
	mybox network create net1
	mybox run -d --name c1 --net-rate 8mbit:64k deb sh -c 'nc -l -p 99 >/dev/null; sleep 1000'
	[[ $(inside c1 tc qdisc show dev eth0 root) == *"tbf 1: root "*" rate 8Mbit burst 64Kb "* ]]
	[[ $(tc qdisc show dev "$(host_end c1)" root) == *"tbf 1: root "*" rate 8Mbit burst 64Kb "* ]]
	[ "$(mybox inspect -f '{{.HostConfig.NetRate}}' c1)" = 8mbit:64k ]
	# One that joins later, and the start after this one.
	mybox network connect net1 c1
	[[ $(inside c1 tc qdisc show dev eth1 root) == *" rate 8Mbit burst 64Kb "* ]]
	[[ $(tc qdisc show dev "$(host_end c1 .1)" root) == *" rate 8Mbit burst 64Kb "* ]]
	mybox restart -t 0 c1
	[[ $(inside c1 tc qdisc show dev eth0 root) == *" rate 8Mbit burst 64Kb "* ]]
	[[ $(tc qdisc show dev "$(host_end c1)" root) == *" rate 8Mbit "* ]]
	# It was the bucket that they passed, and it had to stop them: more than one bucket at once.
	local ip
	ip=$(mybox inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' c1)
	send() {
		python3 -c '
import socket, sys
s = socket.create_connection((sys.argv[1], 99))
s.sendall(bytes(1000000))' "$ip" 2>/dev/null
	}
	counted() { tc -s qdisc show dev "$(host_end c1)" root | sed -n "s/.*$1 \([0-9]*\) .*/\1/p"; }
	all_went() { [ "$(counted Sent)" -gt 1000000 ]; }
	wait_until 5 send
	wait_until 5 all_went
	[ "$(counted overlimits)" -gt 0 ]
	# Without a burst it is what the rate wants, a packet at least.
	mybox run -d --name c2 --net-rate 1gbit deb sleep 1000
	[[ $(inside c2 tc qdisc show dev eth0 root) == *" rate 1Gbit burst 500000b "* ]]
	mybox run -d --name c3 --net-rate 64kbit:1 deb sleep 1000
	[[ $(inside c3 tc qdisc show dev eth0 root) == *" rate 64Kbit burst 15"??"b "* ]]
	mybox system check
}

# bats test_tags=kernel
@test "delay and loss of what it sends, or refused by name" {
	if tc qdisc add dev lo root netem delay 1ms 2>/dev/null; then
		tc qdisc del dev lo root
		mybox run -d --name c1 --net-delay 100ms,10ms --net-loss 12.5% --net-rate 8mbit deb sleep 1000
		[[ $(inside c1 tc qdisc show dev eth0 root) == *"netem 1: root "*" delay 100ms  10ms loss 12.5%"* ]]
		[[ $(inside c1 tc qdisc show dev eth0 parent 1:1) == *"tbf 2: parent 1:1 rate 8Mbit"* ]]
		[[ $(tc qdisc show dev "$(host_end c1)" root) == *"tbf 1: root "* ]]
		# By its counters: what is late waits, what is lost is dropped, what may pass passes.
		local gateway
		gateway=$(mybox inspect -f '{{.NetworkSettings.Gateway}}' c1)
		mybox run -d --name late --net-delay 1h deb sleep 1000
		mybox run -d --name lost --net-loss 100% deb sleep 1000
		mybox run -d --name fine --net-delay 1ms --net-rate 100mbit deb sleep 1000
		run ! mybox exec late ping -c 1 -W 1 "$gateway"
		[[ $(inside late tc -s qdisc show dev eth0 root) =~ backlog\ [0-9]*b\ [1-9] ]]
		run ! mybox exec lost ping -c 1 -W 1 "$gateway"
		[[ $(inside lost tc -s qdisc show dev eth0 root) =~ dropped\ [1-9] ]]
		mybox exec fine ping -c 1 "$gateway"
		[[ $(inside fine tc -s qdisc show dev eth0 root) =~ Sent\ [1-9][0-9]*\ bytes.*dropped\ 0 ]]
		[[ $(inside fine tc -s qdisc show dev eth0 parent 1:1) =~ Sent\ [1-9][0-9]*\ bytes ]]
		return
	fi
	run mybox run --rm --net-delay 100ms deb true
	[ "$status" = 125 ]
	[ "${lines[0]}" = "mybox: --net-delay is not possible here: this kernel has no 'netem' queueing discipline (sch_netem)" ]
	run mybox create --net-loss 1% deb true
	[[ $output == *"--net-loss is not possible here"* ]]
	[ -z "$(mybox ps -aq)" ]
}

@test "what is malformed, or has nothing to be shaped, is told" {
	local bad
	for bad in "rate x" "rate 0" "rate 7" "rate 1mbyte" "rate 2000gbit" "rate 1mbit:" "rate 1mbit:0" "rate -1" "rate 1.0000001k" "rate 99999999999999999999" \
		"delay 1" "delay x" "delay -1ms" "delay 2h" "delay 1ms,2ms" "delay 1ms," "loss 101" "loss x" "loss -1" "loss 1%%" "loss ."; do
		run mybox run --rm "--net-${bad% *}" "${bad#* }" deb true
		[ "$status" = 125 ]
		[[ ${lines[0]} == "mybox: invalid "*" of --net-${bad% *}"* ]]
	done
	for bad in host none; do
		run mybox run --rm --net-rate 1mbit --network "$bad" deb true
		[ "$status" = 125 ]
		[[ $output == *"the container's is '$bad'"* ]]
	done
}
