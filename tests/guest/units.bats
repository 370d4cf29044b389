#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Generated services, and the ones in contrib, as systemd runs them.
# bats file_tags=cgroup
load ../integration/helpers

units=/run/systemd/system

# within SECONDS COMMAND...
is() { [ "$(systemctl show -P "$2" "$1")" = "$3" ]; }
shows() { mybox inspect -f "$2" "$1"; }

install_unit() { # install_unit OPTION... CONTAINER
	(cd $units && mybox generate systemd --name -f "$@")
	systemctl daemon-reload
}

@test "a generated service starts, is started again, and stops" {
	mybox create --name k1 deb sleep 1000
	install_unit --new --restart-policy always --restart-sec 100ms k1
	mybox rm k1
	systemctl start container-k1
	is container-k1 ActiveState active
	[ "$(shows k1 '{{.State.Status}}')" = running ]
	local main id
	main=$(systemctl show -P MainPID container-k1)
	[ "$(cat "/proc/$main/comm")" = mybox-monitor ]
	id=$(shows k1 '{{.Id}}')
	kill -9 "$(shows k1 '{{.State.Pid}}')"
	wait_until 30 is container-k1 NRestarts 1
	wait_until 30 is container-k1 ActiveState active
	[ "$(shows k1 '{{.State.Status}}')" = running ]
	[ "$(shows k1 '{{.Id}}')" != "$id" ]
	systemctl stop container-k1
	is container-k1 ActiveState inactive
	is container-k1 Result success
	run ! mybox container exists k1
	rm $units/container-k1.service
}

@test "a service of a container that is there ends as that ends" {
	mybox create --name k2 deb sh -c 'sleep 2; exit 7'
	install_unit --restart-policy no k2
	systemctl start container-k2
	wait_until 30 is container-k2 ActiveState failed
	is container-k2 ExecMainStatus 7
	systemctl reset-failed container-k2
	mybox rm k2
	mybox create --name k2 deb sleep 1000
	systemctl start container-k2
	systemctl stop container-k2
	is container-k2 Result success
	[ "$(shows k2 '{{.State.Status}}')" = exited ]
	rm $units/container-k2.service
}

# The store that the unit means.
@test "contrib/boot: what ran when the power went is started" {
	local plain=(/usr/bin/mybox)
	cp "$top/contrib/boot/mybox-boot.service" $units/
	systemctl daemon-reload
	"${plain[@]}" load -q -i "$images/deb.tar"
	"${plain[@]}" run -d --name k3 --restart always deb sleep 1000
	"${plain[@]}" create --name k4 deb sleep 1000
	local pid
	pid=$("${plain[@]}" inspect -f '{{.State.Pid}}' k3)
	kill -9 "$(grep -o '"monitor":[0-9]*' /run/mybox/c/*/state.json | cut -d: -f2)" "$pid"
	rm -rf /run/mybox
	systemctl start mybox-boot
	is mybox-boot Result success
	[ "$("${plain[@]}" inspect -f '{{.State.Status}}' k3 k4)" = $'running\ncreated' ]
	systemctl stop mybox-boot
	[ "$("${plain[@]}" inspect -f '{{.State.Status}}' k3)" = running ]
	"${plain[@]}" rm -f k3 k4
	"${plain[@]}" rmi deb
	rm $units/mybox-boot.service
}

@test "the generator: a container with its volume and network, at daemon-reload" {
	local plain=(/usr/bin/mybox)
	mkdir -p /etc/mybox/systemd /run/systemd/system-generators
	cp "$top/contrib/systemd/mybox-generator" /run/systemd/system-generators/
	"${plain[@]}" load -q -i "$images/deb.tar"
	printf '[Volume]\n' >/etc/mybox/systemd/data.volume
	printf '[Network]\n' >/etc/mybox/systemd/lan.network
	printf '[Container]\nImage=deb\nVolume=data.volume:/data\nNetwork=lan.network\nExec=sh -c "hostname >/data/x; exec sleep 1000"\nHostName=h1\n[Install]\nWantedBy=multi-user.target\n' \
		>/etc/mybox/systemd/web.container
	systemctl daemon-reload
	[ "$(systemctl show -P WantedBy web)" = multi-user.target ]
	systemctl start web
	is web ActiveState active
	is data-volume ActiveState active
	wait_until 30 eval '[ "$(cat /var/lib/mybox/volumes/systemd-data/_data/x)" = h1 ]'
	[ "$("${plain[@]}" inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}' systemd-web)" = systemd-lan ]
	# Again: what is there already is no error.
	systemctl restart data-volume lan-network
	systemctl stop web
	is web Result success
	run ! "${plain[@]}" container exists systemd-web
	rm -r /etc/mybox/systemd /run/systemd/system-generators/mybox-generator
	systemctl daemon-reload
	"${plain[@]}" network rm systemd-lan
	"${plain[@]}" volume rm systemd-data
	"${plain[@]}" rmi deb
}
