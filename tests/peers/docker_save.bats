#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What `docker save` writes, and what mybox makes of it.
load helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	docker_begin /run/mybox-test/docker-save
	build_context "$dir/context"
	DOCKER_BUILDKIT=0 docker build -q --network none -t built:1 "$dir/context"
	docker tag built:1 localhost:5000/team/built:second
	docker load -q -i "$images/layers7.tar"
	docker import "$images/rootfs.tar" imported:1
	docker run -d --name tree --network none --entrypoint sleep built:1 1000
	tree "/proc/$(docker inspect -f '{{.State.Pid}}' tree)/root" >"$dir/tree"
	docker rm -f tree
}

teardown_file() {
	kill "$(cat "$dir/pid")"
	wait_until 60 no_daemon
}

no_daemon() { ! docker info >/dev/null 2>&1; }

# Without docker's own: where it keeps it, and when it was tagged.
is_same() { # is_same IMAGE
	same id "$(docker image inspect -f '{{.Id}}' "$1")" "$(mybox image inspect -f '{{.Id}}' "$1")"
	same about "$(docker image inspect -f "$about" "$1")" "$(mybox image inspect -f "$about" "$1")"
}

@test "docker save: one image, its configuration and every file" {
	forget
	docker save built:1 | mybox load
	is_same built:1
	same files "$(cat "$dir/tree")" "$(mybox_tree built:1)"
	[ "$(mybox run --rm built:1)" = "entry cmd" ]
}

@test "docker save: several names and images in one archive" {
	forget
	docker save -o "$dir/several.tar" built:1 localhost:5000/team/built:second layers7 imported:1
	mybox load -i "$dir/several.tar"
	local i
	for i in built:1 localhost:5000/team/built:second layers7:latest imported:1; do
		is_same "$i"
	done
	[ "$(mybox images -q | sort -u | wc -l)" = 3 ]
	[ "$(mybox run --rm layers7 ls /opaque)" = new ]
	[ "$(mybox run --rm imported:1 cat /etc/release)" = "mybox test image" ]
}

@test "docker save by id: an image without a name" {
	forget
	local id
	id=$(docker image inspect -f '{{.Id}}' built:1)
	docker save "$id" | gzip -1 >"$dir/id.tar.gz"
	run -0 mybox load -i "$dir/id.tar.gz"
	[[ $output == *"Loaded image ID: $id"* ]]
	is_same "$id"
	[ "$(mybox run --rm "$id")" = "entry cmd" ]
	[ "$(mybox images | tail -n +2 | awk '{ print $1 $2 }')" = "<none><none>" ]
}

@test "docker load: what commit made of a container, every file" {
	forget
	docker save built:1 | mybox load
	mybox run --name c1 --network none -u root --entrypoint sh built:1 -c '
		rm /d/a; rm -r /home; mkdir -p /home/back; echo n >/home/n; ln /more/file /more/again; touch -d @1600000001 /more/able
		mkfifo -m 600 /d/fifo; mknod /d/zero c 1 5; chown 4000000000:50 /d/b; chmod 6755 /d/late; ln -s x /d/sym; rm -r /more/dangling; echo f >/more/dangling
		dd if=/dev/zero of=/sparse bs=1 count=1 seek=300000 2>/dev/null; echo odd >"/d/new
line"; mkdir -m 1777 /d/sticky'
	mybox commit c1 committed:1
	mybox rm c1
	mybox save committed:1 | docker load
	docker run -d --name committed --network none --entrypoint sleep committed:1 1000
	same files "$(mybox_tree committed:1)" "$(tree "/proc/$(docker inspect -f '{{.State.Pid}}' committed)/root")"
	docker rm -f committed
	is_same committed:1
}
