#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# podman plays what `mybox generate kube` writes: another reader of it

load helpers

setup_file() {
	ensure_images
	dir=/run/mybox-test/podman-kube
	export dir
	mkdir -p "$dir"
	cat >"$dir/containers.conf" <<-EOF
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		[engine]
		infra_image = "localhost/test/pause:latest"
	EOF
	mybox load -q -i "$images/docker.tar"
	podman load -q -i "$images/docker.tar"
	podman load -q -i "$images/pause.tar"
	podman tag localhost/test/deb "$image"
}

teardown_file() {
	podman pod rm -a -f -t 0
	umount -R "$dir/root" 2>/dev/null || true
}

@test "podman kube play: variables, volumes, limits, probe" {
	mybox create --name web -e 'A=b "c"' -v data:/data --tmpfs /t:size=1m --memory 64m \
		--health-cmd true --label x=y "$image" \
		sh -c 'echo "$A"; ls -d /data /t; echo $(echo a $(echo b)); exec sleep 1000'
	mybox generate kube -f "$dir/web.yaml" web
	podman kube play --network none "$dir/web.yaml"
	said() { [ "$(podman logs web-pod-web)" = $'b "c"\n/data\n/t\na b' ]; }
	wait_until 20 said
	[ "$(podman inspect -f '{{.HostConfig.Memory}}' web-pod-web)" = 67108864 ]
	[[ "$(podman inspect -f '{{.Config.Healthcheck.Test}}' web-pod-web)" == *"true"* ]]
	podman volume exists data
	podman kube down "$dir/web.yaml"
}
