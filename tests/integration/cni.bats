#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# --network cni:NAME: Debian's plugins make the network, and give it back, whatever happens.
# bats file_tags=cgroup:any
load helpers
# shellcheck disable=SC2016

# Folders of the machine's that plugins and their lists are looked for in, with ours in them.
setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	local d
	for d in etc opt; do
		mkdir -p "$BATS_FILE_TMPDIR/$d.work" "$BATS_FILE_TMPDIR/$d.upper"
	done
	mount -t tmpfs none "$BATS_FILE_TMPDIR/etc.work"
	mkdir "$BATS_FILE_TMPDIR/etc.work/"{eu,ew,ou,ow}
	mount -t overlay -o "lowerdir=/etc,upperdir=$BATS_FILE_TMPDIR/etc.work/eu,workdir=$BATS_FILE_TMPDIR/etc.work/ew" none /etc
	mount -t overlay -o "lowerdir=/opt,upperdir=$BATS_FILE_TMPDIR/etc.work/ou,workdir=$BATS_FILE_TMPDIR/etc.work/ow" none /opt
	mkdir -p /etc/cni/net.d /opt/cni/bin
	rm -f /etc/cni/net.d/*
}
teardown_file() {
	umount -l /opt /etc "$BATS_FILE_TMPDIR/etc.work"
}
setup() {
	own_store
	leases=$BATS_FILE_TMPDIR/leases
	rm -f /etc/cni/net.d/* /opt/cni/bin/*
}
teardown() {
	teardown_store
	ip link del cni-t0 2>/dev/null || true
	# Nothing of it is left, wherever the plugins had it.
	[ -z "$(find "$leases" -type f ! -name 'last_reserved*' ! -name lock 2>/dev/null)" ]
	[ "$(grep -c "$run/cni" /proc/self/mounts)" = 0 ]
	[ -z "$(ls "$run/cni" 2>/dev/null)" ]
}

blue() { # a bridge, addresses of a range, masquerading by none
	requires /usr/lib/cni/bridge
	cat >/etc/cni/net.d/10-blue.conflist <<-EOT
		{"cniVersion": "1.0.0", "name": "blue", "plugins": [
		 {"type": "bridge", "bridge": "cni-t0", "isGateway": true,
		  "ipam": {"type": "host-local", "dataDir": "$leases",
		           "ranges": [[{"subnet": "10.97.0.0/24"}], [{"subnet": "fd00:97::/64"}]],
		           "routes": [{"dst": "0.0.0.0/0"}]},
		  "dns": {"nameservers": ["10.97.0.1"], "search": ["blue.test"], "options": ["ndots:3"]}},
		 {"type": "tuning", "sysctl": {"net.ipv4.conf.all.log_martians": "1"}}]}
	EOT
}
leased() { find "$leases/blue" -name '10.97.*' | wc -l; }
# fake NAME: a plugin of ours; what it reads and finds around it is in $BATS_TEST_TMPDIR/NAME.COMMAND
fake() {
	cat >"/opt/cni/bin/$1" <<-EOT
		#!/bin/sh
		{ cat; echo; env; } >"$BATS_TEST_TMPDIR/$1.\$CNI_COMMAND"
		echo "$1 \$CNI_COMMAND" >>"$BATS_TEST_TMPDIR/order"
		$2
	EOT
	chmod 755 "/opt/cni/bin/$1"
}

@test "ADD gives addresses, routes and DNS; DEL takes them back" {
	blue
	run mybox run --rm --network cni:blue deb sh -c 'ip -o addr show eth0; ip route; cat /etc/resolv.conf /etc/hosts; cat /proc/sys/net/ipv4/conf/all/log_martians'
	[ "$status" = 0 ]
	[[ $output == *"inet 10.97.0.2/24"* ]]
	[[ $output == *"inet6 fd00:97::2/64"* ]]
	[[ $output == *"default via 10.97.0.1"* ]]
	[[ $output == *$'nameserver 10.97.0.1\nsearch blue.test\noptions ndots:3'* ]]
	[[ $output == *$'10.97.0.2\t'*$'fd00:97::2\t'* ]]
	[ "${lines[-1]}" = 1 ]
	[ "$(leased)" = 0 ]
	# Two of them reach each other; inspect and ps show it.
	mybox run -d --name c1 --network cni:blue deb httpd -f -p 80 -h /etc
	mybox run -d --name c2 --network cni:blue --dns 10.97.0.9 deb sleep 1000
	local ip
	ip=$(mybox inspect -f '{{(index .NetworkSettings.Networks "cni:blue").IPAddress}}' c1)
	[[ $ip == 10.97.0.* ]]
	[ "$(mybox inspect -f '{{with index .NetworkSettings.Networks "cni:blue"}}{{.IPPrefixLen}} {{.Gateway}} {{.GlobalIPv6Address}}{{end}}' c1)" = "24 10.97.0.1 fd00:97::${ip##*.}" ]
	[ "$(mybox inspect -f '{{(index .NetworkSettings.Networks "cni:blue").MacAddress}}' c1)" = "$(mybox exec c1 cat /sys/class/net/eth0/address)" ]
	[ "$(mybox inspect -f '{{.HostConfig.NetworkMode}}' c1)" = cni:blue ]
	fetched() { mybox exec c2 wget -q -O- "http://$ip/hostname"; }
	wait_until 5 fetched
	[[ $(mybox exec c2 cat /etc/resolv.conf) == "nameserver 10.97.0.9"* ]]
	[ "$(leased)" = 2 ]
	mybox system check
	mybox stop -t 0 c1
	[ "$(leased)" = 1 ]
	# Its list is gone: what DEL needs was kept.
	rm /etc/cni/net.d/10-blue.conflist
	mybox rm -f c2
	[ "$(leased)" = 0 ]
	run mybox start c1
	[ "$status" = 1 ]
	[[ $output == *"no CNI network 'blue' in /etc/cni/net.d"* ]]
	blue
	mybox start c1
	[ "$(leased)" = 1 ]
	mybox rm -f c1
}

@test "network check asks the plugins, and walks the way that they made" {
	blue
	mybox run -d --name c1 --network cni:blue deb httpd -f -p 80 -h /etc
	mybox run -d --name c2 --network cni:blue deb sleep 1000
	mybox run -d --name c3 deb sleep 1000
	local ip
	ip=$(mybox inspect -f '{{(index .NetworkSettings.Networks "cni:blue").IPAddress}}' c1)
	good() { mybox network check "$@" >"$BATS_TEST_TMPDIR/out"; }
	wait_until 5 good c2 c1:80
	grep -q "plugins .*those of 'blue' find all that they made" "$BATS_TEST_TMPDIR/out"
	grep -q "address .*c1 is $ip" "$BATS_TEST_TMPDIR/out"
	grep -q "connect .*c2 connected to $ip, port 80" "$BATS_TEST_TMPDIR/out"
	good c2 "$ip:80"
	# A fault of theirs is told in their words, and what is offered mends it.
	nsenter -t "$(mybox inspect -f '{{.State.Pid}}' c2)" -n ip addr flush dev eth0
	run mybox network check c2 c1:80
	[ "$status" = 1 ]
	[[ $output == *"FAULT  plugins "*"CNI network 'blue': CHECK of plugin 'bridge' failed: "* ]]
	[ "${lines[-1]}" = "mend:  mybox restart c2" ]
	mybox restart -t 0 c2
	good c2 c1:80
	run mybox network check c2 c1:81
	[ "$status" = 1 ]
	[[ $output == *"FAULT  listener "*"nothing in c1 listens on port 81/tcp"* ]]
	run mybox network check c2 c3
	[ "$status" = 1 ]
	[[ $output == *"FAULT  address "*"c3 is on 'bridge', not on 'cni:blue'"* ]]
	run mybox network check c3 c2
	[ "$status" = 1 ]
	[[ $output == *"FAULT  name "*"c3 and c2 have no network in common (c2 is on 'cni:blue')"*"mybox run --network cni:blue" ]]
	run mybox network check c2 web.example:80
	[ "$status" = 1 ]
	[[ $output == *"FAULT  name "*"'web.example' is no container"* ]]
	# A list that is older knows no CHECK; one can also forbid it.
	fake plain 'echo "{\"cniVersion\":\"0.4.0\",\"ips\":[{\"version\":\"4\",\"address\":\"10.96.0.2/24\"}]}"'
	echo '{"cniVersion": "0.4.0", "name": "green", "disableCheck": true, "plugins": [{"type": "plain"}]}' >/etc/cni/net.d/20-green.conflist
	mybox run -d --name c4 --network cni:green deb sleep 1000
	run mybox network check c4 10.96.0.1
	[[ $output == *"plugins "*"those of 'green' are not asked: it has no CHECK"*"FAULT  interface "*"c4 has no interface 'eth0'"*"mybox restart c4" ]]
	[ ! -e "$BATS_TEST_TMPDIR/plain.CHECK" ]
	mybox rm -f c1 c2 c3 c4
}

@test "killed with its monitor, the next command gives back what it had" {
	blue
	mybox run -d --name c1 --network cni:blue deb sleep 1000
	local pid
	pid=$(mybox inspect -f '{{.State.Pid}}' c1)
	kill -9 "$(pgrep -o -f "^mybox-monitor [0-9]+ $(mybox inspect -f '{{.Id}}' c1)")" "$pid"
	gone() { ! kill -0 "$pid" 2>/dev/null || grep -q ') Z' "/proc/$pid/stat"; }
	wait_until 5 gone
	[ "$(leased)" = 1 ]
	run mybox system check
	[ "$status" != 0 ]
	mybox system check --repair || true
	[ "$(leased)" = 0 ]
	mybox system check
	# As after the machine's start, which leaves the plugins' files and nothing of ours.
	mkdir -p "$leases/blue"
	printf '%s\r\neth0' "$(mybox inspect -f '{{.Id}}' c1)" >"$leases/blue/10.97.0.77"
	mybox start c1
	[ ! -e "$leases/blue/10.97.0.77" ]
	mybox rm -f c1
}

@test "each plugin has what the one before said, a clean environment, and the opposite order at the end" {
	fake one 'echo "{\"cniVersion\":\"0.4.0\",\"ips\":[{\"version\":\"4\",\"address\":\"10.98.0.5/16\"}],\"from\":\"one\"}"'
	fake two '[ "$CNI_COMMAND" = DEL ] || sed -n "s/.*\"prevResult\":\({.*}\)}/\1/p" '"$BATS_TEST_TMPDIR"'/two.ADD'
	cat >"$BATS_TEST_TMPDIR/list.conflist" <<-'EOT'
		{"cniVersion": "0.4.0", "name": "chain", "plugins": [{"type": "one", "own": {"a": [1, null, "é"]}}, {"type": "two"}]}
	EOT
	SECRET=1 mybox run -d --name c1 --network "cni:$BATS_TEST_TMPDIR/list.conflist" deb sleep 1000
	local id
	id=$(mybox inspect -f '{{.Id}}' c1)
	cd "$BATS_TEST_TMPDIR"
	[ "$(head -1 one.ADD)" = '{"type":"one","own":{"a":[1,null,"é"]},"cniVersion":"0.4.0","name":"chain"}' ]
	[[ $(head -1 two.ADD) == '{"type":"two","cniVersion":"0.4.0","name":"chain","prevResult":{"cniVersion":"0.4.0",'*'"from":"one"}}' ]]
	[ "$(sed 1d one.ADD | grep -v -e ^PWD= -e ^SHLVL= -e ^_= -e ^OLDPWD= -e '^$' | sort)" = "CNI_COMMAND=ADD
CNI_CONTAINERID=$id
CNI_IFNAME=eth0
CNI_NETNS=$run/cni/$id
CNI_PATH=/usr/lib/cni:/opt/cni/bin:/usr/libexec/cni
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" ]
	[[ $(mybox exec c1 cat /etc/hosts) == *$'10.98.0.5\t'* ]]
	rm one.ADD two.ADD
	mybox rm -f c1
	[ "$(tr '\n' , <order)" = "one ADD,two ADD,two DEL,one DEL," ]
	[[ $(head -1 one.DEL) == *'"prevResult":{'*'"from":"one"}}' ]]
	grep -q "^CNI_NETNS=$run/cni/$id" two.DEL
}

@test "ports: held by us, mapped by a plugin that can" {
	blue
	fake map '[ "$CNI_COMMAND" = DEL ] || echo "{}"'
	echo '{"cniVersion":"1.0.0","name":"p","type":"map","capabilities":{"portMappings":true}}' >/etc/cni/net.d/20.conf
	mybox run -d --name c1 --network cni:p -p 8080:80 -p 127.0.0.1:8053:53/udp deb sleep 1000
	[[ $(head -1 "$BATS_TEST_TMPDIR/map.ADD") == *'"runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp"},{"hostPort":8053,"containerPort":53,"protocol":"udp","hostIP":"127.0.0.1"}]}}' ]]
	[ "$(mybox port c1 80)" = 0.0.0.0:8080 ]
	run mybox run --rm -p 8080:80 deb true
	[ "$status" = 125 ]
	[[ $output == *"bind for 0.0.0.0:8080/tcp failed: port is already allocated"* ]]
	run mybox run --rm --network cni:p -p '[::1]:8081:80' deb true
	[[ $output == *"cannot publish a port on [::1]: plugins map the ports"* ]]
	run mybox run --rm --network cni:p -p 8081:80,from=10.0.0.0/8 deb true
	[[ $output == *"plugins map the ports of this container, not our firewall (from=)"* ]]
	mybox rm -f c1
	[[ $(head -1 "$BATS_TEST_TMPDIR/map.DEL") == *'"hostPort":8080'* ]]
	requires iptables
	sed -i 's/{"type": "tuning".*}}/{"type": "portmap", "capabilities": {"portMappings": true}}/' /etc/cni/net.d/10-blue.conflist
	mybox run -d --name c1 --network cni:blue -p 8080:80 deb sh -c 'echo hello >/tmp/index.html; exec httpd -f -p 80 -h /tmp'
	mapped() { [ "$(busybox wget -q -O- http://10.97.0.1:8080/)" = hello ]; }
	wait_until 5 mapped
	mybox rm -f c1
	run ! mapped
}

@test "what fails is told by name in one line, and what was made is given back" {
	blue
	fake bad '[ "$CNI_COMMAND" = DEL ] && exit; echo "{\"cniVersion\":\"1.0.0\",\"code\":11,\"msg\":\"no line\",\"details\":\"try later\"}"; exit 1'
	fake mute '[ "$CNI_COMMAND" = DEL ] && exit; echo "first" >&2; echo "broken pipes" >&2; exit 3'
	fake odd '[ "$CNI_COMMAND" = DEL ] || echo "{\"ips\":[{\"address\":\"x/8\"}]}"'
	sed 's/"type": "tuning".*}}/"type": "bad"}/' /etc/cni/net.d/10-blue.conflist >/etc/cni/net.d/20-bad.conflist
	sed -i 's/"name": "blue"/"name": "red"/' /etc/cni/net.d/20-bad.conflist
	echo '{"cniVersion":"1.0.0","name":"m","type":"mute"}' >/etc/cni/net.d/30.conf
	echo '{"cniVersion":"1.0.0","name":"o","type":"odd"}' >/etc/cni/net.d/31.conf
	run mybox run --rm --network cni:red deb true
	[ "$status" = 125 ]
	[ "${lines[0]}" = "mybox: CNI network 'red': ADD of plugin 'bad' failed: no line: try later" ]
	[ -z "$(find "$leases/red" -name '10.*')" ]
	run mybox run --rm --network cni:m deb true
	[ "${lines[0]}" = "mybox: CNI network 'm': ADD of plugin 'mute' failed: broken pipes" ]
	run mybox run --rm --network cni:o deb true
	[ "${lines[0]}" = "mybox: the result of CNI network 'o' has an address that is none" ]
	# Before anything is made.
	run mybox create --network cni:nosuch deb true
	[ "${lines[0]}" = "mybox: no CNI network 'nosuch' in /etc/cni/net.d" ]
	echo '{"cniVersion":"1.0.0","name":"n","type":"nosuch"}' >/etc/cni/net.d/40.conf
	run mybox create --network cni:n deb true
	[[ ${lines[0]} == "mybox: CNI network 'n': plugin 'nosuch' is in none of /usr/lib/cni:"* ]]
	echo '{"cniVersion":"0.2.0","name":"old","type":"bad"}' >/tmp/old.$$
	run mybox create --network "cni:/tmp/old.$$" deb true
	rm "/tmp/old.$$"
	[[ ${lines[0]} == *"cniVersion '0.2.0' is none of 0.3, 0.4 and 1" ]]
	run mybox create --network cni: deb true
	[[ $output == *"no CNI network is named"* ]]
	run mybox create --network cni:blue -p 80:80 deb true
	[[ $output == *"CNI network 'blue' publishes no ports: no plugin of it has the capability portMappings"* ]]
	run mybox create --network cni:blue --network bridge deb true
	[[ $output == *"conflicting options: cannot attach both"* ]]
	[ -z "$(mybox ps -aq)" ]
	# One that cannot give back does not hold the container.
	fake fickle '[ "$CNI_COMMAND" = ADD ] && echo "{}" || { echo "cannot" >&2; exit 1; }'
	echo '{"cniVersion":"1.0.0","name":"f","type":"fickle"}' >/etc/cni/net.d/50.conf
	mybox run -d --name c1 --network cni:f deb sleep 1000
	run mybox rm -f c1
	[ "$status" = 0 ]
	[[ $output == *"CNI network 'f': DEL of plugin 'fickle' failed: cannot"* ]]
	blue
	mybox create --name c2 --network cni:blue deb true
	run mybox network connect bridge c2
	[[ $output == *"container 'c2' cannot join or leave networks: its network is 'cni:blue'"* ]]
}
