#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# --format and --filter as scripts and other tools use them.
# bats file_tags=cgroup:any
load helpers

@test "the calls of CI runners" {
	mybox network create --label job1 ci
	local id
	id=$(mybox create --name job --label job1 --workdir /srv --network ci --network-alias svc -p 8095:80 \
		-e INHERITED -e "K=V" -v "$BATS_TEST_TMPDIR:/w" --entrypoint tail deb -f /dev/null | head -1)
	[ "$(mybox start "$id")" = "$id" ]
	run mybox ps --all --filter "id=$id" --filter status=running --no-trunc --format '{{.ID}} {{.Status}}'
	[[ $output == "$id Up "* ]]
	[ "$(mybox ps --all --quiet --no-trunc --filter label=job1)" = "$id" ]
	[[ $(mybox port "$id") =~ ^([0-9]+)/([a-z]+)\ -\>\ (.+):([0-9]+) ]]
	run mybox inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$id"
	[[ $output == *"K=V"* ]]
	run mybox inspect --format='{{if .Config.Healthcheck}}{{print .State.Health.Status}}{{end}}' "$id"
	[ -z "$output" ]
	[ "$(mybox exec -i --workdir /w -e A=1 "$id" sh -c 'pwd; echo $A' </dev/null | tr '\n' ' ')" = "/w 1 " ]
	mybox rm --force "$id"
	mybox network rm ci
}

@test "version and info give the numbers that clients ask for" {
	[[ $(mybox version --format '{{.Server.APIVersion}}') =~ ^[0-9]+\.[0-9]+$ ]]
	[[ $(mybox version --format '{{.Client.APIVersion}}') =~ ^[0-9]+\.[0-9]+$ ]]
	[[ $(mybox version --format '{{.Server.Version}}') =~ ^[0-9]+\. ]]
	[ "$(mybox version --format '{{range .Server.Components}}{{.Name}} {{.Version}} {{.Details.ApiVersion}} {{.Details.KernelVersion}} {{.Details.Experimental}};{{end}}')" = "Engine $(mybox version --format '{{.Server.Version}} {{.Server.APIVersion}}') $(uname -r) false;" ]
	mybox info --format '{{json .}}' | python3 -c 'import json,sys; json.load(sys.stdin)'
	[[ $("$MYBOX" --version) =~ [0-9]+\.[0-9]+ ]]
}

@test "templates: maps, ranges, functions, pipelines" {
	mybox network create net1
	mybox run -d --name c1 --network net1 -l a.b=c -l x=y deb sleep 100
	t() { mybox inspect -f "$1" c1; }
	[[ $(t '{{.NetworkSettings.Networks.net1.IPAddress}}') =~ ^[0-9.]+$ ]]
	[ "$(t '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}}{{end}}')" = "net1=$(t '{{.NetworkSettings.Networks.net1.IPAddress}}')" ]
	[ "$(t '{{index .Config.Labels "a.b"}}')" = c ]
	[ "$(t '{{range $i, $a := .Args}}{{if $i}},{{end}}{{$a}}{{end}}')" = 100 ]
	[ "$(t '{{json .Config.Labels}}')" = '{"a.b":"c","x":"y"}' ]
	[ "$(t '{{.Path | upper}} {{join .Args ","}} {{len .Args}}')" = "SLEEP 100 1" ]
	[ "$(t '{{if and .State.Running (not .State.Paused)}}up{{else}}down{{end}}')" = up ]
	[ "$(t '{{if eq .State.Status "running" "paused"}}one{{end}}')" = one ]
	[ "$(t '{{with .Config}}{{.Image}}{{end}}')" = deb ]
	[ "$(t '{{printf "%s-%d" .Name .State.ExitCode}}')" = /c1-0 ]
	[ "$(t '{{- "  x" -}}   ')" = "  x" ]
	[ "$(t '{{slice .Id 0 12}}')" = "$(mybox ps -q)" ]
	[ "$(t '{{(index .NetworkSettings.Networks "net1").NetworkID}}')" = "$(mybox network inspect -f '{{.Id}}' net1)" ]
	[ "$(t '{{/* nothing */}}{{$x := .Name}}{{$x}}')" = /c1 ]
	[ "$(t 'a\tb')" = $'a\tb' ] || [ "$(t 'a\tb')" = 'a\tb' ]
	run t '{{nosuch .Id}}'
	[ "$status" = 64 ]
	run t '{{.NoSuchField}}'
	[ "$status" != 0 ]
	run t '{{range}}'
	[ "$status" = 64 ]
}

@test "inspect: Go's names of fields, too, and no trace of them in the JSON" {
	mybox network create -d bridge net1
	mybox create --name life --network net1 -m 64m --memory-swap 64m --cpus 1.5 --dns 192.0.2.1 --dns-search a.example -p 127.0.0.1:8096:80 deb true
	t() { mybox inspect -f "$1" "${2:-life}"; }
	[ "$(t '{{.ID}}')" = "$(t '{{.Id}}')" ]
	[ "$(t '{{.ContainerJSONBase.ID}}')" = "$(t '{{.Id}}')" ]
	[ "$(t '{{.ID}}' deb)" = "$(t '{{.Id}}' deb)" ]
	[ "$(t '{{.ID}} {{.EnableIPv6}} {{.IPAM.Driver}}' net1)" = "$(t '{{.Id}}' net1) false default" ]
	[ "$(mybox network inspect -f '{{.ID}}' net1)" = "$(t '{{.Id}}' net1)" ]
	[ "$(mybox image inspect -f '{{.ID}}' deb)" = "$(t '{{.Id}}' deb)" ]
	[ "$(t '{{.HostConfig.NanoCPUs}} {{.HostConfig.CPUShares}} {{.HostConfig.CPUPeriod}} {{.HostConfig.CPUQuota}}')" = '1500000000 0 0 0' ]
	[ "$(t '{{.HostConfig.DNS}} {{.HostConfig.DNSOptions}} {{.HostConfig.DNSSearch}}')" = '[192.0.2.1] [] [a.example]' ]
	[ "$(t '{{.HostConfig.Resources.Memory}} {{.HostConfig.Resources.CPUShares}} {{.HostConfig.Resources.CpuShares}}')" = '67108864 0 0' ]
	[ "$(t '{{range .HostConfig.PortBindings}}{{range .}}{{.HostIP}}{{end}}{{end}}')" = 127.0.0.1 ]
	[ "$(t '{{.NetworkSettings.NetworkSettingsBase.SandboxID}}')" = '' ]
	[ "$(t '{{.HostConfig.Mounts}}')" = '[]' ]
	run -1 mybox inspect -f '{{.Nosuch}}' life
	run -1 mybox inspect -f '{{.Config.ID}}' life
	[[ "$(t '{{json .}}')" != *'"ID"'* ]]
	[[ "$(t '{{json .}}')" != *'"NanoCPUs"'* ]]
	[[ "$(mybox inspect life)" != *'"Resources"'* ]]
}

@test "inspect: what --mount asked for, and the modes of -v as they were typed" {
	mkdir "$BATS_TEST_TMPDIR/d"
	local d=$BATS_TEST_TMPDIR/d
	mybox create --name life --network none -v vol1:/a:nocopy -v vol1:/b:ro,z -v vol1:/c -v "$d:/d:ro" -v /e \
		--mount type=volume,src=vol1,dst=/f --mount "type=bind,src=$d,dst=/g,readonly,bind-propagation=rslave" \
		--mount type=volume,dst=/h,volume-nocopy --mount type=tmpfs,dst=/i,tmpfs-size=64k,tmpfs-mode=1770 deb true
	m() { mybox inspect -f "{{range .Mounts}}{{if eq .Destination \"$1\"}}{{.Mode}}{{end}}{{end}}" life; }
	[ "$(m /a)" = nocopy ]
	[ "$(m /b)" = ro,z ]
	[ "$(m /c)" = z ]
	[ "$(m /d)" = ro ]
	[ "$(m /e)" = '' ]
	[ "$(m /f)" = z ]
	h() { mybox inspect -f "{{json (index .HostConfig.Mounts $1)}}" life; }
	[ "$(h 0)" = '{"Type":"volume","Source":"vol1","Target":"/f"}' ]
	[ "$(h 1)" = '{"Type":"bind","Source":"'"$d"'","Target":"/g","ReadOnly":true,"BindOptions":{"Propagation":"rslave"}}' ]
	[ "$(h 2)" = '{"Type":"volume","Target":"/h","VolumeOptions":{"NoCopy":true}}' ]
	[ "$(h 3)" = '{"Type":"tmpfs","Target":"/i","TmpfsOptions":{"SizeBytes":65536,"Mode":1016}}' ]
	[ "$(mybox inspect -f '{{len .HostConfig.Mounts}}' life)" = 4 ]
	# Nor do they go to who takes them over, or are there where nobody asked.
	mybox create --name heir --network none --volumes-from life deb true
	[[ "$(mybox inspect -f '{{json .HostConfig}}' heir)" != *'"Mounts"'* ]]
}

@test "inspect: an image's configuration of the step that made it, the bridge's options" {
	[ "$(mybox inspect -f '{{.ContainerConfig.Hostname}}{{json .ContainerConfig.Cmd}}{{.OsVersion}}' deb)" = null ]
	[[ "$(mybox inspect -f '{{json .}}' deb)" == *'"Container":"","ContainerConfig":{"Hostname":'* ]]
	[[ "$(mybox inspect -f '{{json .}}' deb)" != *'"OsVersion"'* ]]
	mybox run --rm deb true
	o() { mybox network inspect -f "{{index .Options \"com.docker.network.$1\"}}" bridge; }
	[ "$(o bridge.default_bridge) $(o bridge.enable_icc) $(o bridge.enable_ip_masquerade) $(o bridge.host_binding_ipv4)" = 'true true true 0.0.0.0' ]
	[ "$(o driver.mtu)" = 1500 ]
	ip link show "$(o bridge.name)"
	[ "$(mybox network inspect -f '{{len .Options}}' bridge)" = 6 ]
	[ "$(mybox network inspect -f '{{len .Options}}' none)" = 0 ]
}

@test "inspect: where the layers of images and containers are" {
	mybox run --name life --network none deb touch /its-own
	local lower upper dir
	upper=$(mybox inspect -f '{{.GraphDriver.Data.UpperDir}}' deb)
	[ -d "$upper/bin" ]
	# The image's layers, and below them the places to mount to.
	lower=$(mybox inspect -f '{{.GraphDriver.Data.LowerDir}}' life)
	[[ $lower == "$upper:"*/skeleton ]]
	for dir in ${lower//:/ }; do
		[ -d "$dir" ]
	done
	[ -e "$(mybox inspect -f '{{.GraphDriver.Data.UpperDir}}' life)/its-own" ]
	[ -d "$(mybox inspect -f '{{.GraphDriver.Data.WorkDir}}' life)" ]
	[[ "$(mybox inspect -f '{{json .GraphDriver}}' life)" != *MergedDir* ]]
	mybox run -d --name up --network none deb sleep 1000
	mybox exec up touch /its-own
	[ -e "$(mybox inspect -f '{{.GraphDriver.Data.MergedDir}}' up)/its-own" ]
	mkdir "$BATS_TEST_TMPDIR/r"
	mybox create --name plain --network none --rootfs "$BATS_TEST_TMPDIR/r" /bin/true
	[ "$(mybox inspect -f '{{json .GraphDriver.Data}}' plain)" = null ]
	mybox commit life two >/dev/null
	[ -e "$(mybox inspect -f '{{.GraphDriver.Data.UpperDir}}' two)/its-own" ]
	[ "$(mybox inspect -f '{{.GraphDriver.Data.LowerDir}}' two)" = "$upper" ]
	mybox rmi two >/dev/null
}

@test "network ls: which addresses a network has" {
	mybox network create net1
	mybox network create --ipv6 --subnet 2001:db8:77::/64 net2
	[ "$(mybox network ls -f name=net1 --format '{{.IPv4}} {{.IPv6}}')" = 'true false' ]
	[ "$(mybox network ls -f name=net2 --format '{{.IPv4}} {{.IPv6}}')" = 'true true' ]
	[ "$(mybox network ls -f name=net1 --format '{{.IPv4}} {{.Label "x"}}|')" = 'true |' ]
	# No key of the docker whose JSON it is.
	[[ "$(mybox network ls -f name=net1 --format '{{json .}}')" != *'v4'* ]]
	run -0 mybox network ls -f name=net1 --format 'table {{.Name}}\t{{.IPv4}}\t{{.IPv6}}'
	[[ ${lines[0]} =~ ^NAME\ +IPV4\ +IPV6$ ]]
	[[ ${lines[1]} =~ ^net1\ +true\ +false$ ]]
}

@test "lists: a template for each, a table with headers, one json a line" {
	mybox create --name c1 -l k=v deb
	mybox create --name c2 deb
	[ "$(mybox ps -a --format '{{.Names}}' | wc -l)" = 2 ]
	run mybox ps -a --format 'table {{.Names}}\t{{.State}}'
	[ "${lines[0]}" = "NAMES     STATE" ]
	[ "${#lines[@]}" = 3 ]
	mybox ps -a --format '{{json .}}' | python3 -c '
import json, sys
rows = [json.loads(l) for l in sys.stdin]
assert len(rows) == 2
for key in "Command CreatedAt ID Image Labels LocalVolumes Mounts Names Networks Ports RunningFor Size State Status".split():
    assert key in rows[0], key
'
	mybox images --format json | python3 -c '
import json, sys
for l in sys.stdin:
    r = json.loads(l)
    for key in "Containers CreatedAt CreatedSince Digest ID Repository Size Tag".split():
        assert key in r, key
'
	mybox network ls --format json | python3 -c '
import json, sys
for l in sys.stdin:
    r = json.loads(l)
    for key in "CreatedAt Driver ID IPv6 Internal Labels Name Scope".split():
        assert key in r, key
'
	mybox volume create v1
	mybox volume ls --format json | python3 -c '
import json, sys
for l in sys.stdin:
    r = json.loads(l)
    for key in "Driver Labels Mountpoint Name Scope".split():
        assert key in r, key
'
	mybox inspect --format json c1 c2 | python3 -c '
import json, sys
assert len(json.load(sys.stdin)) == 2' || mybox inspect --format json c1 | python3 -c 'import json, sys; json.load(sys.stdin)'
}

@test "the management forms of images, networks, volumes" {
	[ "$(mybox image ls -q)" = "$(mybox images -q)" ]
	[ "$(mybox image list -q)" = "$(mybox images -q)" ]
	mybox image tag deb forms:1
	[ "$(mybox image rm forms:1)" = "Untagged: forms:1" ]
	mybox image tag deb forms:2
	[ "$(mybox image remove forms:2)" = "Untagged: forms:2" ]
	mybox image load -q -i "$images/docker.tar"
	mybox image rm test/deb
	mybox image import "$images/rootfs.tar" forms:3
	mybox rmi forms:3
	mybox network create net1
	[ "$(mybox network list -q -f name=net1)" = "$(mybox network ls -q -f name=net1)" ]
	[ "$(mybox network remove net1)" = net1 ]
	mybox volume create v1
	[ "$(mybox volume list -q)" = v1 ]
	[ "$(mybox volume remove v1)" = v1 ]
}
