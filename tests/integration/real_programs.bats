#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs of the distribution in containers, for which networks are made: nginx that asks the
# resolver, dnsmasq beside it and above it, iperf3.
load helpers

# The test image and the programs, with the libraries that they name.
setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	local programs=() p
	for p in nginx dnsmasq iperf3; do
		[ -n "$(PATH=$PATH:/usr/sbin command -v "$p")" ] || continue
		programs+=("$(PATH=$PATH:/usr/sbin command -v "$p")")
	done
	[ ${#programs[@]} -gt 0 ] || return 0
	local tar=$BATS_FILE_TMPDIR/real.tar
	cp "$images/rootfs.tar" "$tar"
	# shellcheck disable=SC2046
	tar --append --dereference --absolute-names --transform 's,^/,,' -f "$tar" \
		"${programs[@]}" $(ldd "${programs[@]}" | grep -o '/[^ ]*' | grep -v : | sort -u)
	mybox import "$tar" real >/dev/null
	rm "$tar"
}

says() { [ "$(mybox exec "$1" timeout 3 wget -q -O- "http://$2" 2>/dev/null)" = "$3" ]; }
resolves() { mybox exec "$1" timeout 3 nslookup "$2" 2>/dev/null | grep -q "^Address.* $3\$"; }

@test "nginx finds upstreams by 127.0.0.11, as they come and go" {
	requires nginx
	mybox network create net1
	mkdir "$BATS_TEST_TMPDIR/conf"
	cat >"$BATS_TEST_TMPDIR/conf/nginx.conf" <<-'EOT'
		user root; daemon off; worker_processes 1; pid /tmp/nginx.pid; error_log stderr;
		events { worker_connections 64; }
		http {
			access_log off;
			server {
				listen 80;
				resolver 127.0.0.11 valid=1s;
				location / { set $upstream http://backend:8000; proxy_pass $upstream; }
			}
		}
	EOT
	mybox run -d --name proxy --network net1 -v "$BATS_TEST_TMPDIR/conf:/conf:ro" -p 8080:80 real \
		sh -c 'mkdir -p /var/lib/nginx /var/log/nginx; exec nginx -c /conf/nginx.conf'
	backend() { # backend NAME: its page is its name
		mybox run -d --name "$1" --network net1 --network-alias backend real \
			sh -c 'mkdir /www; echo "$0" >/www/index.html; exec httpd -f -p 8000 -h /www' "$1"
	}
	code() { [ "$(python3 -c '
import http.client
c = http.client.HTTPConnection("127.0.0.1", 8080, timeout=5)
c.request("GET", "/")
print(c.getresponse().status)' 2>/dev/null)" = "$1" ]; }
	wait_until 5 code 502
	backend b1
	wait_until 10 says proxy 127.0.0.1 b1
	[ "$(busybox wget -q -O- http://127.0.0.1:8080/)" = b1 ]
	# Another container at another address has the name: never the dead one's.
	mybox rm -f b1
	backend b2
	wait_until 10 says proxy 127.0.0.1 b2
	[ "$(mybox logs proxy 2>&1 | grep -c 'unexpected')" = 0 ]
}

@test "dnsmasq has the container's 0.0.0.0:53, and the resolver beside it asks it" {
	requires dnsmasq
	mybox network create net1
	mybox run -d --name ns --network net1 real dnsmasq --keep-in-foreground --user=root --no-resolv --no-hosts \
		--pid-file=/tmp/pid --address=/host.example.test/192.0.2.7 --port=53
	mybox run -d --name c1 --network net1 --dns "$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' ns)" real sleep 1000
	# As a server, at its own address; beside it, our resolver; and through that as its upstream.
	at_server() { mybox exec c1 timeout 3 nslookup host.example.test ns 2>/dev/null | grep -q '^Address.* 192.0.2.7$'; }
	wait_until 10 at_server
	resolves ns c1 "$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' c1)"
	resolves c1 ns "$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' ns)"
	resolves c1 host.example.test 192.0.2.7
	# It is gone, and what is ours goes on.
	mybox stop -t 0 ns
	run ! resolves c1 host.example.test 192.0.2.7
	resolves c1 c1 "$(mybox inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' c1)"
}

@test "iperf3 from container to container, and by a published port" {
	requires iperf3
	mybox network create net1
	mybox run -d --name server --network net1 -p 5201:5201 -p 5201:5201/udp real iperf3 -s
	mybox run -d --name client --network net1 real sleep 1000
	# What the sender counts and the receiver has counted at its end may differ by what is under way.
	received() { # received BYTES COMMAND...: did most of them arrive?
		"${@:2}" -n "$1" -J 2>/dev/null | python3 -c '
import json, sys
end = json.load(sys.stdin)["end"]
sys.exit((end.get("sum_received") or end["sum"])["bytes"] < int(sys.argv[1]) / 2)' "$1" 2>/dev/null
	}
	wait_until 10 received 1000000 mybox exec client iperf3 -c server
	wait_until 20 received 64000000 mybox exec client iperf3 -c server -P 4
	wait_until 20 received 8000000 mybox exec client iperf3 -c server -R
	wait_until 20 received 1000000 mybox exec client iperf3 -c server -u -b 100M -l 1400
	wait_until 20 received 16000000 iperf3 -c 127.0.0.1
	[ ! -e /proc/sys/net/ipv6 ] || wait_until 20 received 16000000 iperf3 -c ::1
}
