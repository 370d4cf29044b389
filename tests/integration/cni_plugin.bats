#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mybox-cni: places on mybox's networks for containers of others, asked for as engines do.
# bats file_tags=cgroup:any
load helpers

setup_file() { setup_store "${BATS_TEST_FILENAME##*/}"; }
setup() {
	own_store
	cd "$BATS_TEST_TMPDIR" || return
	spaces=$BATS_TEST_TMPDIR/ns
	mkdir -p "$spaces"
}
teardown() {
	local f
	cni GC '' '' '' 1.1.0 '"cni.dev/valid-attachments": [],'
	for f in "$spaces"/*; do
		[ ! -e "$f" ] || umount -l "$f"
	done
	ip link del up0 2>/dev/null || true
	teardown_store
	[ -z "$(ls "$run/guests" 2>/dev/null)" ]
}

space() { # space NAME: a network namespace that stays
	: >"$spaces/$1"
	unshare "--net=$spaces/$1" true
}
config() { # config [KEYS]: the configuration, more keys first
	echo "{$2 \"cniVersion\": \"${1:-1.1.0}\", \"name\": \"conf\", \"type\": \"mybox-cni\",
		\"network\": \"${NETWORK:-blue}\", \"root\": \"$root\", \"runroot\": \"$run\"}"
}
# cni COMMAND CONTAINER IFNAME SPACE [VERSION [KEYS [ARGS]]]
cni() {
	config "${5:-}" "${6:-}" | env -i ASAN_OPTIONS="$ASAN_OPTIONS" CNI_COMMAND="$1" \
		CNI_CONTAINERID="$2" CNI_IFNAME="$3" CNI_NETNS="${4:+$spaces/$4}" CNI_ARGS="${7:-}" \
		CNI_PATH=/opt/cni/bin "${MYBOX%/*}/mybox-cni"
}
field() { sed -n "s/^ *\"$1\": *\"\\?\\([^\",]*\\)\"\\?,\\?\$/\\1/p"; } # field NAME <JSON
mac() { within "$1" ip -o link show "$2" | sed 's/.*ether \([^ ]*\) .*/\1/'; }
within() { nsenter "--net=$spaces/$1" "${@:2}"; }

@test "ADD gives a place on a network; containers of mybox and guests reach each other" {
	mybox network create --subnet 10.96.0.0/24 --ipv6 blue
	space one
	cni ADD k8s-one eth0 one 1.1.0 '"dns": {"nameservers": ["10.96.0.9"]},' \
		'IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=pod-one' >out
	[ "$(field cniVersion <out)" = 1.1.0 ]
	grep -q '"10.96.0.2/24"' out
	grep -q '"fd.*/64"' out
	grep -q '"0.0.0.0/0"' out
	grep -q '"::/0"' out
	grep -q '"10.96.0.9"' out
	grep -q "\"sandbox\": *\"$spaces/one\"" out
	grep -q '"mtu": *1500' out
	[ "$(field gateway <out | head -1)" = 10.96.0.1 ]
	within one ip -o addr show eth0 | grep -q 'inet 10.96.0.2/24'
	within one ip route | grep -q 'default via 10.96.0.1'
	within one ip -o link show lo | grep -q 'LOOPBACK,UP'
	[ "$(field mac <out | tail -1)" = "$(mac one eth0)" ]

	# It is seen, has a name, and is reached; so is a container from there.
	mybox network inspect blue | grep -q '"Name": "pod-one"'
	[ "$(mybox network inspect -f '{{len .Containers}}' blue)" = 1 ]
	run ! mybox network rm blue
	mybox run -d --name web --network blue deb httpd -f -p 80 -h /etc
	run -0 mybox exec web ping -c1 -W5 pod-one
	local ip
	ip=$(mybox inspect -f '{{.NetworkSettings.Networks.blue.IPAddress}}' web)
	[ "$ip" = 10.96.0.3 ]
	within one sh -c "exec 3<>/dev/tcp/$ip/80" || within one bash -c "exec 3<>/dev/tcp/$ip/80"
	mybox system check

	cni CHECK k8s-one eth0 one 1.1.0 "\"prevResult\": $(cat out),"
	# DEL gives all back, with the namespace or without; again is nothing.
	cni DEL k8s-one eth0 one
	run ! within one ip link show eth0
	cni DEL k8s-one eth0 one
	cni DEL k8s-one eth0 ''
	cni DEL nobody eth0 ''
	[ "$(mybox network inspect -f '{{len .Containers}}' blue)" = 1 ]
	run ! mybox exec web ping -c1 -W1 pod-one
	mybox system check
	mybox rm -f web
	mybox network rm blue
}

@test "older versions are answered in their own words" {
	mybox network create --subnet 10.96.0.0/24 blue
	space one
	cni ADD old eth0 one 0.4.0 >out
	grep -q '"version": *"4"' out
	run ! grep -q '"mtu"' out
	cni CHECK old eth0 one 0.4.0 "\"prevResult\": $(cat out),"
	cni DEL old eth0 one 0.4.0
	cni ADD old eth0 one 0.3.1 >out
	run -1 cni CHECK old eth0 one 0.3.1 "\"prevResult\": $(cat out),"
	[ "$(field code <<<"$output")" = 1 ]
	cni DEL old eth0 one 0.3.1
	run -0 cni VERSION '' '' ''
	[[ $output == *'"0.3.0"'*'"0.4.0"'*'"1.0.0"'*'"1.1.0"'* ]]
	run -1 cni GC '' '' '' 1.0.0
	[ "$(field code <<<"$output")" = 1 ]
	run -0 cni STATUS '' '' ''
	mybox network rm blue
	run -1 cni STATUS '' '' ''
	[ "$(field code <<<"$output")" = 50 ]
}

@test "addresses, MAC, ports, aliases and the default route are as asked for" {
	mybox network create --subnet 10.96.0.0/24 blue
	space one
	space two
	cni ADD a eth0 one 1.1.0 '"runtimeConfig": {"ips": ["10.96.0.77/24"], "mac": "02:11:22:33:44:55",
		"aliases": {"conf": ["other"]},
		"portMappings": [{"hostPort": 18080, "containerPort": 80, "protocol": "tcp"}]},' >out
	grep -q '"10.96.0.77/24"' out
	[ "$(mac one eth0)" = 02:11:22:33:44:55 ]
	# By the other two ways.
	cni ADD b eth0 two 1.1.0 '"args": {"cni": {"ips": ["10.96.0.78"]}}, "isDefaultGateway": false,' >out
	grep -q '"10.96.0.78/24"' out
	run ! grep -q '"0.0.0.0/0"' out
	[ -z "$(within two ip route show default)" ]
	cni ADD b net1 two 1.0.0 '' 'IP=10.96.0.79;MAC=02:00:00:00:00:79' >out
	grep -q '"10.96.0.79/24"' out
	within two ip -o addr show net1 | grep -q 10.96.0.79
	within two ip route show default | grep -q net1
	# The port leads there, from the host's side.
	nsenter "--net=$spaces/one" busybox httpd -f -p 80 -h /etc 3>&- &
	local server=$!
	mybox run -d --name other-one --network blue deb sleep 1000
	reached() { mybox exec other-one wget -q -O- http://10.96.0.1:18080/hostname; }
	wait_until 10 reached
	run -0 mybox exec other-one wget -q -O- http://other/hostname
	kill $server
	# It is taken for others, whoever they are.
	space three
	ls "$run/guests" >before
	run -1 cni ADD c eth0 three 1.1.0 '"runtimeConfig": {"portMappings":
		[{"hostPort": 18080, "containerPort": 81, "protocol": "tcp"}]},'
	[[ $output == *"18080/tcp is that of"* ]]
	run -125 mybox run --rm -p 18080:80 deb true
	[[ $output == *"18080/tcp is that of"* ]]
	run -1 cni ADD c eth0 three 1.1.0 '"runtimeConfig": {"ips": ["10.96.0.77"]},'
	ls "$run/guests" | diff before -
	run -1 cni ADD a eth0 one
	[[ $output == *"has interface 'eth0'"* ]]
	# Governed by a policy it stays where its namespace can be reached.
	mybox network policy add --action deny --from other-one --to a blue
	run ! mybox exec other-one ping -c1 -W1 10.96.0.77
	run -0 mybox exec other-one ping -c1 -W5 10.96.0.78
	for c in 'a eth0 one' 'b eth0 two' 'b net1 two'; do
		cni DEL $c
	done
	mybox rm -f other-one
	run -0 mybox system check
	mybox network rm blue
}

@test "CHECK tells what is missing" {
	mybox network create --subnet 10.96.0.0/24 blue
	space one
	cni ADD a eth0 one >out
	local before
	before="\"prevResult\": $(cat out),"
	run -1 cni CHECK a eth0 one
	[ "$(field code <<<"$output")" = 7 ]
	run -1 cni CHECK nobody eth0 one 1.1.0 "$before"
	[ "$(field code <<<"$output")" = 3 ]
	run -1 cni CHECK a eth0 one 1.1.0 '"prevResult": {"ips": [{"address": "10.96.0.9/24"}]},'
	[ "$(field code <<<"$output")" = 101 ]
	within one ip addr flush dev eth0
	run -1 cni CHECK a eth0 one 1.1.0 "$before"
	[[ $output == *"interface 'eth0' has lost 10.96.0.2/24"* ]]
	within one ip link del eth0
	run -1 cni CHECK a eth0 one 1.1.0 "$before"
	[[ $output == *"interface 'eth0' is gone"* ]]
	# It has lost all that it had, and its namespace is there.
	run mybox system check
	[[ $output != *"whose namespace is gone"* ]]
	# Without the interface it may be added anew.
	cni ADD a eth0 one >out
	cni CHECK a eth0 one 1.1.0 "\"prevResult\": $(cat out),"
	cni DEL a eth0 one
	mybox network rm blue
}

@test "what a namespace took with it is put away by GC and by system check" {
	mybox network create --subnet 10.96.0.0/24 blue
	local s
	for s in one two three; do
		space $s
		cni ADD "c$s" eth0 $s >/dev/null
	done
	mybox system check
	# A path that leads there no more is not the end of a namespace.
	nsenter "--net=$spaces/one" sleep 1000 3>&- &
	local holder=$!
	until [ "$(readlink /proc/$holder/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
	umount "$spaces/one"
	rm "$spaces/one"
	mybox system check
	kill $holder
	wait $holder || true
	gone() { [ "$(ip -o link show type veth | wc -l)" = 2 ]; }
	wait_until 10 gone
	run -2 mybox system check
	[[ $output == *"endpoint 'eth0' of CNI container 'cone', whose namespace is gone"* ]]
	run -1 mybox system check --repair
	mybox system check
	[ "$(mybox network inspect -f '{{len .Containers}}' blue)" = 2 ]
	# GC leaves those that the engine names, and other configurations'.
	cni GC '' '' '' 1.1.0 '"cni.dev/valid-attachments": [{"containerID": "cthree", "ifname": "eth0"}],'
	[ "$(mybox network inspect -f '{{len .Containers}}' blue)" = 1 ]
	run ! within two ip link show eth0
	within three ip link show eth0
	run -1 cni GC '' '' ''
	[ "$(field code <<<"$output")" = 7 ]
	# One that does not go is told of when the others have, and what never was made has, too.
	cni ADD cfour eth0 two >/dev/null
	local first
	first=$(ls "$run/guests" | head -1)
	rm "$run/guests/$first"
	ln -s nowhere "$run/guests/$first"
	: >"$run/guests/$(printf '%064d' 0)"
	run -1 cni GC '' '' '' 1.1.0 '"cni.dev/valid-attachments": [],'
	[[ $output == *"cannot open 'guests/${first::12}'"* ]]
	[ "$(mybox network inspect -f '{{len .Containers}}' blue)" = 1 ]
	rm "$run/guests/$first"
	: >"$run/guests/$first"
	cni GC '' '' '' 1.1.0 '"cni.dev/valid-attachments": [],'
	[ -z "$(ls "$run/guests")" ]
	mybox network rm blue
}

@test "upon an interface of the host, what is another plugin's stays" {
	ip link add up0 type veth peer name up1
	ip link set up0 up
	space one
	mybox network create -d macvlan -o parent=up0 --subnet 192.0.2.0/24 --gateway 192.0.2.2 blue
	ip link add name other0 link up0 type macvlan mode bridge
	ip link set other0 netns "$spaces/one"
	within one ip link set other0 name eth0
	local before
	before=$(mac one eth0)
	run -1 cni ADD a eth0 one
	[ "$(mac one eth0)" = "$before" ]
	# Nor is it taken for the one that was made, and went.
	cni ADD a net1 one >/dev/null
	within one ip link del net1
	within one ip link set eth0 name net1
	cni DEL a net1 one
	[ "$(mac one net1)" = "$before" ]
	cni ADD a net2 one >/dev/null
	cni DEL a net2 one
	run ! within one ip link show net2
	mybox system check

	# The host has no end of it: only a path that leads elsewhere says that it is gone.
	cni ADD a eth0 one >/dev/null
	: >"$spaces/kept"
	mount --bind "$spaces/one" "$spaces/kept"
	umount "$spaces/one"
	rm "$spaces/one"
	ln -s one "$spaces/one"
	mybox system check
	rm "$spaces/one"
	run -2 mybox system check
	[[ $output == *"whose namespace is gone"* ]]
	# While somebody adds or removes it, it is left alone.
	flock "$run/guests/"* timeout 60 "${box[@]}" system check --repair
	[ "$(mybox network inspect -f '{{len .Containers}}' blue)" = 1 ]
	run -1 mybox system check --repair
	[ -z "$(ls "$run/guests")" ]
	mybox network rm blue
}

@test "a guest does not get a name that somebody has, or that is none" {
	mybox network create --subnet 10.96.0.0/24 blue
	mybox create --name web deb true
	mybox run -d --name db --network blue --network-alias store deb sleep 1000
	space one
	space two
	names() { mybox network inspect -f '{{range .Containers}}{{.Name}} {{end}}' blue; }
	local pod
	for pod in web db store a/b $'a\e[31m'; do
		cni ADD ctr-of-engine eth0 one 1.1.0 '' "K8S_POD_NAME=$pod" >/dev/null
		[[ " $(names)" == *" ctr-of-engin "* ]]
		cni DEL ctr-of-engine eth0 one
	done
	cni ADD other eth0 two 1.1.0 '' "K8S_POD_NAME=pod" >/dev/null
	cni ADD ctr-of-engine eth0 one 1.1.0 '' "K8S_POD_NAME=pod" >/dev/null
	[[ " $(names)" == *" ctr-of-engin "* ]]
	[[ " $(names)" == *" pod "* ]]
	mybox rm -f db web
	for pod in one two; do
		cni DEL ctr-of-engine eth0 $pod
		cni DEL other eth0 $pod
	done
	mybox network rm blue
}

@test "bad input is told by the specification's codes, and nothing is made" {
	mybox network create --subnet 10.96.0.0/24 blue
	space one
	coded() { # coded CODE WORDS ARGUMENTS OF cni...
		run -1 cni "${@:3}"
		[ "$(field code <<<"$output")" = "$1" ]
		[[ $output == *"$2"* ]]
	}
	coded 4 "is not known" FLY a eth0 one
	coded 4 "CNI_CONTAINERID" ADD ../x eth0 one
	coded 4 "CNI_CONTAINERID" ADD '' eth0 one
	coded 4 "CNI_IFNAME" ADD a a/b one
	coded 4 "CNI_IFNAME" ADD a abcdefghijklmnop one
	coded 4 "CNI_IFNAME" ADD a lo one
	coded 4 "CNI_NETNS" ADD a eth0 ''
	coded 3 "cannot open CNI_NETNS" ADD a eth0 nosuch
	: >"$BATS_TEST_TMPDIR/file"
	coded 100 "is no network namespace" ADD a eth0 ../file
	coded 1 "is none of" ADD a eth0 one 0.2.0
	coded 1 "is none of" ADD a eth0 one 9.0.0
	coded 2 "ipam" ADD a eth0 one 1.1.0 '"ipam": {"type": "host-local"},'
	NETWORK=nosuch coded 7 "not found" ADD a eth0 one
	run -1 env -i CNI_COMMAND=ADD "${MYBOX%/*}/mybox-cni" <<<'{"cniVersion": "1.0.0"'
	[ "$(field code <<<"$output")" = 6 ]
	run -1 env -i CNI_COMMAND=ADD "${MYBOX%/*}/mybox-cni" <<<'[]'
	[ "$(field code <<<"$output")" = 6 ]
	run -1 env -i CNI_COMMAND=ADD CNI_CONTAINERID=a CNI_IFNAME=e CNI_NETNS=/x "${MYBOX%/*}/mybox-cni" \
		<<<'{"cniVersion": "1.0.0", "name": "x"}'
	[ "$(field code <<<"$output")" = 7 ]
	coded 7 "portMappings" ADD a eth0 one 1.1.0 '"runtimeConfig": {"portMappings": [{"hostPort": 70000, "containerPort": 1}]},'
	coded 7 "" ADD a eth0 one 1.1.0 '"runtimeConfig": {"ips": ["999.1.1.1"]},'
	coded 7 "" ADD a eth0 one 1.1.0 '"runtimeConfig": {"mac": "zz"},'
	coded 100 "" ADD a eth0 one 1.1.0 '"runtimeConfig": {"ips": ["192.168.9.9"]},'
	ip addr add 192.0.2.1/32 dev lo
	mybox network create -d overlay --subnet 10.97.0.0/24 -o peers=192.0.2.1,192.0.2.9 \
		-o vtep=192.0.2.1 over
	NETWORK=over coded 2 "network 'over' is an overlay, which is for mybox's containers" ADD a eth0 one
	mybox network rm over
	ip addr del 192.0.2.1/32 dev lo
	run -0 env -i "${MYBOX%/*}/mybox-cni" </dev/null
	[ -z "$(ls "$run/guests")" ]
	run ! within one ip link show eth0
	mybox system check
	mybox network rm blue
}
