#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# podman's containers on a network of mybox's, by mybox-cni

load helpers

setup_file() {
	ensure_images
	dir=/run/mybox-test/podman-cni
	export dir
	mkdir -p "$dir/net" "$dir/bin"
	ln -s "${MYBOX%/*}/mybox-cni" "$dir/bin/"
	cat >"$dir/containers.conf" <<-EOF
		[network]
		network_backend = "cni"
		cni_plugin_dirs = ["$dir/bin"]
		network_config_dir = "$dir/net"
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
	EOF
	contrib mybox.conflist | sed -e "s|\"network\": \"[^\"]*\"|\"network\": \"blue\", \"root\": \"$dir/mroot\", \"runroot\": \"$dir/mrun\"|" \
		-e 's/"cniVersion": "[^"]*"/"cniVersion": "0.4.0"/' >"$dir/net/blue.conflist"
	mybox load -q -i "$images/deb.tar"
	mybox network create --subnet 10.95.0.0/24 blue
	podman load -q -i "$images/docker.tar"
}

teardown_file() {
	podman rm -a -f -t 0
	umount -R "$dir/root" 2>/dev/null || true
}

@test "podman run --network: a place on mybox's network, with address, port and name" {
	run -0 podman run --rm --network mybox test/deb ip -4 addr show eth0
	[[ $output == *"inet 10.95.0."* ]]
	podman run -d --name pod-a --network mybox --ip 10.95.0.50 --mac-address 02:00:00:00:00:50 \
		-p 18090:80 test/deb httpd -f -p 80 -h /etc
	[ "$(podman inspect -f '{{.NetworkSettings.Networks.mybox.IPAddress}}' pod-a)" = 10.95.0.50 ]
	run -0 mybox network inspect -f '{{range .Containers}}{{.Name}} {{.MacAddress}}{{end}}' blue
	[ "$output" = "pod-a 02:00:00:00:00:50" ]
	fetched() { mybox run --rm --network blue deb wget -q -O- http://pod-a/hostname; }
	wait_until 20 fetched
	run -0 mybox run --rm deb wget -q -O- http://10.95.0.1:18090/hostname
	mybox system check
	podman restart -t 0 pod-a
	wait_until 20 fetched
	podman rm -f -t 0 pod-a
	[ -z "$(ls "$dir/mrun/guests")" ]
	mybox system check
}
