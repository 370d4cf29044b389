#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks, volumes and images as lists and documents: layouts, filters, templates, errors.
# bats file_tags=cgroup:any
load helpers

@test "network: create prints the id, rm the name, missing ones are told" {
	run mybox network create --label a=b net1
	[ "$status" = 0 ]
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	local id=$output
	run mybox network create net1
	[ "$status" = 1 ]
	[[ $output == *"network with name net1 already exists"* ]]
	run mybox network ls --filter label=a=b --format '{{.ID}} {{.Name}} {{.Driver}} {{.Scope}} {{.Label "a"}}'
	[ "$output" = "${id:0:12} net1 bridge local b" ]
	run mybox network ls -q --no-trunc -f name=net1
	[ "$output" = "$id" ]
	run mybox network rm net1 nosuch
	[ "$status" = 1 ]
	[ "${lines[0]}" = net1 ]
	[ "${lines[1]}" = "Error: No such network: nosuch" ]
	run mybox network rm -f nosuch
	[ "$status" = 0 ]
}

@test "network: the built-in ones stay, and head the list" {
	run mybox network ls
	[ "${lines[0]}" = "NETWORK ID     NAME      DRIVER    SCOPE" ]
	[ "${#lines[@]}" = 4 ]
	run mybox network rm bridge
	[ "$status" = 1 ]
	[[ $output == *"bridge is a pre-defined network and cannot be removed"* ]]
	run mybox network ls -f type=custom -q
	[ -z "$output" ]
}

@test "network: inspect has docker's keys, prints what it finds and fails for the rest" {
	mybox network create --subnet 10.77.0.0/24 two
	run mybox network inspect -f '{{(index .IPAM.Config 0).Subnet}} {{(index .IPAM.Config 0).Gateway}}' two
	[ "$output" = "10.77.0.0/24 10.77.0.1" ]
	mybox network inspect two nosuch >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" && return 1
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = "Error: No such network: nosuch" ]
	python3 - "$BATS_TEST_TMPDIR/out" <<-'PY'
		import json, sys
		(network,) = json.load(open(sys.argv[1]))
		for key in "Name Id Created Scope Driver EnableIPv6 IPAM Internal Attachable Ingress " \
		           "ConfigFrom ConfigOnly Containers Options Labels".split():
		    assert key in network, key
	PY
	run mybox network inspect nosuch
	[ "$status" = 1 ]
	[[ $output == *"[]"* ]]
	mybox network rm two
}

@test "templates: 64 for one that cannot be read, 1 for one that fails" {
	run mybox network inspect -f '{{.Name' bridge
	[ "$status" = 64 ]
	run mybox network inspect -f '{{.Nope}}' bridge
	[ "$status" = 1 ]
	run mybox network inspect -f '{{.Labels.nope}}' bridge
	[ "$output" = "<no value>" ]
	run mybox network ls --format '{{.Nope}}'
	[ "$status" = 1 ]
	run mybox network ls -f nope=1
	[ "$status" = 1 ]
	[[ $output == *"invalid filter 'nope'"* ]]
}

@test "volume: create is idempotent, a name is made up, rm goes on after a failure" {
	run mybox volume create vol1
	[ "$output" = vol1 ]
	run mybox volume create vol1
	[ "$status" = 0 ]
	[ "$output" = vol1 ]
	run mybox volume create
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	mybox volume rm "$output"
	run mybox volume rm nosuch vol1
	[ "$status" = 1 ]
	[ "${lines[0]}" = "Error: No such volume: nosuch" ]
	[ "${lines[1]}" = vol1 ]
}

@test "volume: ls and inspect" {
	mybox volume create --label a=b vol2
	mybox volume create vol3
	run mybox volume ls
	[ "${lines[0]}" = "DRIVER    VOLUME NAME" ]
	[ "${lines[1]}" = "local     vol2" ]
	run mybox volume ls -q --filter label=a=b
	[ "$output" = vol2 ]
	run mybox volume inspect -f '{{.Mountpoint}} {{.Driver}} {{.Scope}} {{.Labels.a}}' vol2
	[ "$output" = "$root/volumes/vol2/_data local local b" ]
	run mybox volume inspect vol2 nosuch
	[ "$status" = 1 ]
	mybox volume rm vol2 vol3
}

@test "volume: one that a container has stays" {
	mybox create --name holder -v held:/data deb true
	run mybox volume rm held
	[ "$status" = 1 ]
	[[ $output == *"volume is in use"* ]]
	run mybox volume ls -q --filter dangling=false
	[ "$output" = held ]
	mybox rm holder
	mybox volume rm held
}

@test "images: names, filters, ids" {
	mybox tag deb example/deb:2
	run mybox images --format '{{.Repository}}:{{.Tag}}'
	[ "$(sort <<<"$output")" = $'deb:latest\nexample/deb:2' ]
	run mybox images -q deb
	[[ $output =~ ^[0-9a-f]{12}$ ]]
	run mybox images --no-trunc -q deb
	[[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
	run mybox images --filter reference='example/*' --format '{{.Tag}}'
	[ "$output" = 2 ]
	run mybox image inspect -f '{{.Id}} {{len .RepoTags}}' deb
	[[ $output =~ ^sha256:[0-9a-f]{64}\ 2$ ]]
	# By time, label and lack of a name.
	mybox create --name c1 deb
	mybox commit -c 'LABEL k=v' c1 newer:1 >/dev/null
	mybox rm c1
	local row names
	for row in 'since=deb|newer:1' 'before=newer:1|deb:latest example/deb:2' 'label=k|newer:1' 'label=k=v|newer:1' 'label=k=w|' \
		'label!=k|deb:latest example/deb:2' 'until=2026-02-01|deb:latest example/deb:2' 'dangling=true|' 'dangling=false|deb:latest example/deb:2 newer:1'; do
		names=$(mybox images --filter "${row%|*}" --format '{{.Repository}}:{{.Tag}}' | sort | xargs)
		[ "$names" = "${row##*|}" ] || { echo "$row: $names"; false; }
	done
	[ "$(mybox images --format '{{.Tag}}' example/deb)" = 2 ]
	[ "$(mybox images -q example/deb:3)" = "" ]
	[[ $(mybox images --digests) == *DIGEST*"<none>"* ]]
	[[ $(mybox images) != *DIGEST* ]]
	mybox tag deb newer:1
	[ "$(mybox images -f dangling=true --format '{{.Repository}} {{.Tag}}')" = "<none> <none>" ]
	mybox image prune -f >/dev/null
	run mybox images --filter nosuch=1
	[ "$status" = 1 ]
	[[ $output == "mybox: invalid filter 'nosuch'"* ]]
	mybox rmi newer:1
	run mybox rmi example/deb:2
	[ "$output" = "Untagged: example/deb:2" ]
	run mybox rmi nosuch
	[ "$status" = 1 ]
	[[ $output == "Error: No such image: nosuch"* ]]
	run mybox rmi -f nosuch
	[ "$status" = 0 ]
}

@test "images: one that a container has stays" {
	mybox create --name holder deb true
	run mybox rmi deb
	[ "$status" = 1 ]
	[[ $output == *"conflict"* ]]
	mybox rm holder
	mybox image exists deb
}

@test "import makes an image of a tar, load refuses what is none" {
	mkdir -p "$BATS_TEST_TMPDIR/root/etc"
	echo hello >"$BATS_TEST_TMPDIR/root/etc/hello"
	tar -C "$BATS_TEST_TMPDIR/root" -cf "$BATS_TEST_TMPDIR/root.tar" .
	run mybox import -c 'CMD ["/bin/true"]' -m why "$BATS_TEST_TMPDIR/root.tar" made:1
	[[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
	run mybox image inspect -f '{{.Config.Cmd}}' made:1
	[ "$output" = "[/bin/true]" ]
	mybox rmi made:1
	run mybox load -i "$BATS_TEST_TMPDIR/root.tar"
	[ "$status" = 1 ]
	run mybox load -i /nonexistent
	[ "$status" = 1 ]
	[[ $output == *"cannot open '/nonexistent'"* ]]
}

@test "exists answers by the exit code alone" {
	run mybox network exists bridge
	[ "$status" = 0 ]
	[ -z "$output" ]
	run mybox network exists nosuch
	[ "$status" = 1 ]
	[ -z "$output" ]
	run mybox volume exists nosuch
	[ "$status" = 1 ]
	run mybox container exists nosuch
	[ "$status" = 1 ]
}

@test "info and version have the fields that scripts ask for" {
	run mybox info --format '{{.Driver}} {{.OSType}} {{.CgroupVersion}}'
	[[ $output =~ ^overlay2\ linux\ [12]$ ]]
	run mybox info
	[[ $output == *"Docker Root Dir: $root"* ]]
	run mybox version --format '{{json .Client.Os}}'
	[ "$output" = '"linux"' ]
}

@test "network connect and disconnect: at once while it runs, and for the next start" {
	mybox network create net3
	mybox network create net4
	mybox run -d --name c1 --network net3 deb sleep infinity
	mybox run -d --name c2 --network net4 deb sleep infinity
	mybox network connect --alias db net4 c1
	mybox exec c2 ping -c1 -W2 db
	run mybox network connect net4 c1
	[ "$status" = 1 ]
	[[ $output == *"already exists in network net4"* ]]
	run mybox network inspect -f '{{range .Containers}}{{.Name}} {{end}}' net4
	[[ $output == *c1* ]]
	[[ $output == *c2* ]]
	run mybox network rm net4
	[ "$status" = 1 ]
	[[ $output == *"has active endpoints"* ]]
	mybox network disconnect net4 c1
	run mybox network disconnect net4 c1
	[ "$status" = 1 ]
	[[ $output == *"is not connected to network net4"* ]]
	mybox stop -t 0 c1
	mybox network connect net4 c1
	mybox start c1
	mybox exec c1 ping -c1 -W2 c2
	run mybox network connect host c1
	[ "$status" = 1 ]
	run mybox network connect nosuch c1
	[ "$status" = 1 ]
	[ "$output" = "Error: No such network: nosuch" ]
	run mybox network connect net3 nosuch
	[ "$status" = 1 ]
	[ "$output" = "Error: No such container: nosuch" ]
	mybox rm -f c1 c2
	mybox network rm net3 net4
}

@test "untag takes a name and leaves the image" {
	mybox tag deb other:1
	run mybox untag other:1
	[ "$status" = 0 ]
	mybox image exists deb
	run mybox image exists other:1
	[ "$status" = 1 ]
}
