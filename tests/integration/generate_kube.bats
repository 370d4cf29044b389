#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# generate kube: a pod's YAML, and comments for what has no word in it.
# bats file_tags=cgroup:any
load helpers

setup() {
	own_store
	cd "$BATS_TEST_TMPDIR" || return
}
have() { # have TEXT: these lines are in $yaml, one after the other
	[[ $yaml == *"$1"* ]] || {
		echo "$yaml"
		return 1
	}
}

@test "a container becomes a pod" {
	mkdir -p "$BATS_TEST_TMPDIR/bound"
	mybox create --name Web_1 -e A='it'"'"'s "x": # y' -e B= -p 8080:80 -p 127.0.0.1:5353:53/udp \
		-p 90 -w /srv -u 1000:1001 --memory 64m --memory-reservation 32m --cpus 1.5 \
		--cpu-shares 512 -v "$BATS_TEST_TMPDIR/bound:/bound:ro" -v data:/data -v /anon \
		--tmpfs /scratch:size=16m --read-only --cap-add NET_ADMIN --cap-add CAP_SYS_TIME --cap-drop ALL \
		--security-opt no-new-privileges --restart unless-stopped -h front --dns 192.0.2.1 \
		--dns-search example.org --dns-option ndots:2 --add-host db:192.0.2.5 \
		--sysctl net.core.somaxconn=1024 --stop-timeout 7 --label tier=front -i -t \
		--health-cmd 'wget -q -O- http://127.0.0.1' --health-interval 10s \
		--health-timeout 2500ms --health-retries 4 --health-start-period 1m \
		deb sleep 1000 >/dev/null
	yaml=$(mybox generate kube Web_1)
	have $'apiVersion: v1\nkind: Pod\nmetadata:\n  name: "web-1-pod"\n  labels:\n    app: "web-1-pod"'
	have $'  annotations:\n    "tier": "front"'
	have $'  restartPolicy: Always\n  terminationGracePeriodSeconds: 7\n  hostname: "front"'
	have $'  hostAliases:\n  - ip: "192.0.2.5"\n    hostnames:\n    - "db"'
	have $'  dnsConfig:\n    nameservers:\n    - "192.0.2.1"\n    searches:\n    - "example.org"\n    options:\n    - name: "ndots"\n      value: "2"'
	have $'  securityContext:\n    sysctls:\n    - name: "net.core.somaxconn"\n      value: "1024"'
	have $'  containers:\n  - name: "web-1"\n    image: "deb"'
	have $'    args:\n    - "sleep"\n    - "1000"\n    workingDir: "/srv"\n    env:\n'
	have $'    - name: "A"\n      value: "it\'s \\"x\\": # y"\n    - name: "B"\n      value: ""'
	have $'    - containerPort: 80\n      hostPort: 8080\n      protocol: TCP'
	have $'    - containerPort: 53\n      hostPort: 5353\n      hostIP: "127.0.0.1"\n      protocol: UDP'
	have $'    - containerPort: 90\n      protocol: TCP'
	have $'    resources:\n      limits:\n        memory: "67108864"\n        cpu: "1500m"\n      requests:\n        memory: "33554432"\n        cpu: "500m"'
	have $'      readOnlyRootFilesystem: true'
	have $'      allowPrivilegeEscalation: false'
	have $'      runAsUser: 1000\n      runAsGroup: 1001\n      capabilities:\n        add:\n        - "NET_ADMIN"\n        - "SYS_TIME"\n        drop:\n        - "ALL"\n'
	have $'    livenessProbe:\n      exec:\n        command:\n        - "/bin/sh"\n        - "-c"\n        - "wget -q -O- http:'
	have $'      initialDelaySeconds: 60\n      periodSeconds: 10\n      timeoutSeconds: 3\n      failureThreshold: 4'
	have $'    stdin: true\n    tty: true\n'
	have "    hostPath:"$'\n'"      path: \"$BATS_TEST_TMPDIR/bound\""$'\n      type: "Directory"'
	have $'    persistentVolumeClaim:\n      claimName: "data"'
	have $'    emptyDir:\n      medium: Memory\n      sizeLimit: "16Mi"'
	have $'    emptyDir: {}'
	have $'    - mountPath: "/bound"\n      name: "bind-'
	# The image's own variables, and words that say nothing, are not there.
	[[ $yaml != *'"PATH"'* ]]
	[[ $yaml != *"# container"* ]]
	[[ $yaml != *"Service"* ]]
	mybox rm -v Web_1
	mybox volume rm data
}

@test "several are one pod with its service; what has no word is a comment" {
	mybox network create back
	mybox create --name web --network back --pids-limit 99 --ulimit nofile=100 --shm-size 1m \
		--init -u nobody --restart no -v shared:/a -p 80:80 deb true
	mybox create --name db --restart always -v shared:/b --hardened deb true
	mybox generate kube -s -f site.yaml web db
	yaml=$(cat site.yaml)
	rm site.yaml
	have '# container web: --network back: '
	have '# container web: --pids-limit: '
	have '# container web: --ulimit: '
	have '# container web: --shm-size: '
	have '# container web: --init: '
	have "# container web: user 'nobody': "
	have '# container db: --restart: a pod has one for all'
	[ "$(grep -c '^  - name: "[a-z]*"$' <<<"$yaml")" = 2 ]
	[ "$(grep -c 'claimName: "shared"' <<<"$yaml")" = 1 ]
	[ "$(grep -c 'name: "volume-0"' <<<"$yaml")" = 3 ]
	have $'---\napiVersion: v1\nkind: Service\nmetadata:\n  name: "web-pod"\nspec:\n  selector:\n    app: "web-pod"\n  ports:\n  - name: "port-80-tcp"\n    port: 80\n    targetPort: 80\n    protocol: TCP'
	[ "$(mybox kube generate web | head -1)" = "$(mybox generate kube web | head -1)" ]
	: >there
	run -1 mybox generate kube -f there web
	[[ $output == *"file exists"* ]]
	rm there
	run -1 mybox generate kube nosuch
	mybox rm -v web db
	mybox volume rm shared
	mybox network rm back
}

@test "what somebody else has written ends no comment" {
	mybox create --name text --label x=$'a\n---\nkind: Pod' \
		-u $'x\r\n---\xe2\x80\xa8kind: Pod\xe2\x80\xa9kind: Pod\xc2\x85---' deb true
	mybox generate kube text >site.yaml
	[ "$(head -1 site.yaml)" = "# container text: user 'x\\x0d\\x0a---   kind: Pod   kind: Pod\\xc2\\x85---': a pod knows numbers" ]
	[ "$(sed -n 2p site.yaml)" = "apiVersion: v1" ]
	[ "$(grep -c 'kind: Pod$' site.yaml)" = 1 ]
	mybox rm text
}

@test "what Kubernetes would expand is written so that it does not" {
	mybox create --name price -e 'A=$$5 $(low) $x $' -e low=1 --entrypoint '["sh","$$$"]' \
		--health-cmd 'echo $(HOST) $$' deb -c 'echo $(hostname $$) $$(low) $$ $(open'
	yaml=$(mybox generate kube price)
	have $'    command:\n    - "sh"\n    - "$$$$$"\n'
	have $'    args:\n    - "-c"\n    - "echo $(hostname $$) $$$$(low) $$$ $(open"\n'
	have $'    - name: "A"\n      value: "$$$5 $$(low) $x $"\n'
	have $'        - "echo $$(HOST) $$$"\n'
	mybox rm price
}

@test "what a cluster refuses is not written" {
	mybox create --name a_b -p 8080:80 -p 8443:80 -p 127.0.0.1:8081:81 -p '[::1]:8081:81' \
		-p 8082:81/udp --cpus 0.5 --cpu-shares 1024 deb true
	mybox create --name a.b -p 8083:80 --cpus 2 --cpu-shares 512 deb true
	mybox create --name a-b-2 deb true
	yaml=$(mybox generate kube -s a_b a.b a-b-2)
	[ "$(grep -o 'port-[0-9]*-[a-z]*' <<<"$yaml")" = $'port-80-tcp\nport-81-tcp\nport-81-udp' ]
	[ "$(grep -c 'hostPort: ' <<<"$yaml")" = 6 ]
	[ "$(grep -o 'cpu: .*' <<<"$yaml" | tr '\n' ' ')" = 'cpu: "500m" cpu: "500m" cpu: "2000m" cpu: "500m" ' ]
	have '# container a_b: --cpu-shares 1024: a pod asks for no more than --cpus'
	[[ $yaml != *'# container a.b: --cpu'* ]]
	[ "$(grep '^  - name: "a' <<<"$yaml")" = $'  - name: "a-b"\n  - name: "a-b-2"\n  - name: "a-b-2-2"' ]
	yaml=$(mybox generate kube -s a-b-2)
	have '# --service: no port is published, and a Service has one'
	[[ $yaml != *"kind: Service"* ]]
	mybox rm a_b a.b a-b-2
}

@test "what the engine and its networks do for it is told, too" {
	mybox network create --subnet 10.91.0.0/24 back
	mybox network create front
	mybox create --name web --network back --network front --ip 10.91.0.9 --network-alias www \
		--mac-address 02:00:00:00:00:09 --uts host --cgroup-parent /mine --log-driver none \
		--add-host up:host-gateway --group-add users --tz UTC --umask 077 deb true
	mybox create --name side --pid container:web --ipc container:web --no-hosts deb true
	yaml=$(mybox generate kube web side)
	have '# container web: --ip, --ip6: '
	have '# container web: --mac-address: '
	have '# container web: --network-alias: '
	have '# container web: --network front: '
	[ "$(grep -c 'web: --network back: ' <<<"$yaml")" = 1 ]
	have '# container web: --uts host: '
	have '# container web: --cgroup-parent: '
	have '# container web: --log-driver, --log-opt: '
	have '# container web: --add-host up:host-gateway: '
	have '# container web: --group-add users: '
	have '# container web: --tz: '
	have '# container web: --umask: '
	have '# container side: --no-hosts: '
	have '# container side: --pid container: '
	have '# container side: --ipc container: '
	[[ $yaml != *hostAliases* ]]
	mybox rm web side
	mybox network rm back front
}
