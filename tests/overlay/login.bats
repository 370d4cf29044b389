#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A store that wants certificates, a user and a password.
load helpers

certificate() { # certificate NAME CA SUBJECT-ALTERNATIVE-NAME SUBJECT
	openssl req -newkey rsa:2048 -nodes -keyout "$dir/$1.key" -out "$dir/$1.csr" -subj "$4" 2>/dev/null
	openssl x509 -req -in "$dir/$1.csr" -CA "$dir/$2.crt" -CAkey "$dir/$2.key" -CAcreateserial -days 2 \
		-extfile <(echo "subjectAltName=$3") -out "$dir/$1.crt" 2>/dev/null
}
ca() { openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/$1.key" -out "$dir/$1.crt" -subj "/CN=$1" -days 2 2>/dev/null; }
tls_ctl() {
	ETCDCTL_API=3 timeout 20 etcdctl --endpoints "https://$wire.201:2379" --cacert "$dir/ca.crt" \
		--cert "$dir/client.crt" --key "$dir/client.key" "$@"
}
answers() { tls_ctl endpoint health >/dev/null 2>&1; }

setup_file() {
	hosts_begin 2
	ns_begin e1 201
	ca ca
	ca wrong
	certificate server ca "IP:$wire.201" /O=server
	# The gateway takes no certificate whose common name would be a user's.
	certificate client ca "DNS:host" /O=host
	certificate named ca "DNS:host" /CN=mybox
	etcd_run
	wait_until 20 answers
	tls_ctl user add root:secret >/dev/null
	tls_ctl user add mybox:pass-word >/dev/null
	tls_ctl role add mybox >/dev/null
	tls_ctl role grant-permission --prefix=true mybox readwrite /mybox/v1/ >/dev/null
	tls_ctl user grant-role mybox mybox >/dev/null
	tls_ctl user grant-role root root >/dev/null
	tls_ctl auth enable >/dev/null
	(umask 077 && echo pass-word >"$dir/password" && echo wrong >"$dir/wrong.password")
}
etcd_run() {
	# The process itself, as it is to be killed.
	nsenter --net="/proc/$(cat "$dir/ns.e1")/ns/net" etcd --name e1 --data-dir "$dir/e1" --listen-peer-urls http://127.0.0.1:2380 \
		--initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster e1=http://127.0.0.1:2380 \
		--listen-client-urls "https://$wire.201:2379" --advertise-client-urls "https://$wire.201:2379" \
		--client-cert-auth --trusted-ca-file "$dir/ca.crt" --cert-file "$dir/server.crt" \
		--key-file "$dir/server.key" --auth-token simple >"$dir/e1.log" 2>&1 3>&- &
	echo $! >"$dir/e1.pid"
}
store_is() { [[ "$(on "$1" network inspect -f '{{.Overlay.Store}}' shared)" == "$2"* ]]; }
teardown_file() {
	etcd_end
	hosts_end
}

@test "login: certificates, a user and a password; and what is said without them" {
		local tls=(-o "store=https://$wire.201:2379" -o "cacert=$dir/ca.crt" -o "cert=$dir/client.crt" -o "key=$dir/client.key")
	local all=("${tls[@]}" -o user=mybox -o "password-file=$dir/password") i
	refused() { # refused WORDS OPTION...
		run on 1 network create -d overlay --subnet 10.97.0.0/24 "${@:2}" shared
		[ "$status" = 1 ]
		[ "$(printf '%s\n' "${lines[@]}" | grep -vc '^hint: ')" = 1 ]
		echo "$output"
		[[ $output == *"$1"* ]]
		[[ $output != *pass-word* ]]
		[ -z "$(on 1 network ls -q -f type=custom)" ]
	}
	refused "certificate" -o "store=https://$wire.201:2379" -o "cacert=$dir/wrong.crt"
	refused "store 'https://$wire.201:2379'" -o "store=https://$wire.201:2379" -o "cacert=$dir/ca.crt"
	refused "store 'http://$wire.201:2379'" -o "store=http://$wire.201:2379"
	refused "CommonName of client" -o "store=https://$wire.201:2379" -o "cacert=$dir/ca.crt" -o "cert=$dir/named.crt" -o "key=$dir/named.key"
	refused "wants a user and a password" "${tls[@]}"
	refused "authentication failed" "${tls[@]}" -o user=mybox -o "password-file=$dir/wrong.password"
	refused "cannot open '$dir/none'" "${tls[@]}" -o user=mybox -o "password-file=$dir/none"
		on 1 network create -d overlay --internal --subnet 10.97.0.0/24 -o ttl=3 -o host=one "${all[@]}" shared >/dev/null
	on 2 network join "${all[@]}" -o host=two shared >/dev/null
	for i in 1 2; do sleeper $i k$i --network shared; done
	wait_until 5 reaches 1 k1 k2
	wait_until 5 reaches 2 k2 k1
	# Nobody who is the same user sees what goes by.
	local p seen=0
	for p in $(pgrep -x mybox-fetch); do
		[ "$(readlink "/proc/$p/ns/net")" = "$(readlink "/proc/$(cat "$dir/ns.h1")/ns/net")" ] || continue
		seen=1
		[ "$(stat -c %u "/proc/$p/mem")" = 0 ]
	done
	[ $seen = 1 ]
	# A store that forgot who has logged in is logged in to again, for the watch, too.
	kill -KILL "$(cat "$dir/e1.pid")"
	wait_until 5 store_is 1 silent
	etcd_run
	wait_until 20 answers
	wait_until 10 store_is 1 "https://"
	sleeper 2 k3 --network shared
	wait_until 5 reaches 1 k1 k3
	sleep 1
	store_is 1 "https://"
	# A key that is gone when a leader begins is said.
	mv "$dir/client.key" "$dir/away.key"
	kill -KILL $(pgrep -P "$(pgrep -f "__lead .*$(on 1 inspect -f '{{.Id}}' k1)" | head -1)")
	wait_until 10 store_is 1 "silent"
	mv "$dir/away.key" "$dir/client.key"
	wait_until 10 store_is 1 "https://"
	# No place where others look has the password.
	! grep -rq pass-word "$dir/h1" "$dir/h2"
	[[ $(on 1 network inspect shared) != *pass-word* ]]
	on 1 system check
}
