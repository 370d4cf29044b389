#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=kernel
# Sizes of volumes, on a file system with project quotas; and what is said without them.
load helpers

# A disk of its own for the store: the virtual machine's suite brings one.
setup_disk() {
	disk=/run/mybox-test/quota.img mount=/run/mybox-test/quota
	mkdir -p "$mount"
	if [ -e /suite/quota.img ]; then
		disk=/suite/quota.img
	else
		requires mkfs.ext4
		truncate -s 64M "$disk"
		mkfs.ext4 -q -O quota,project -E quotatype=prjquota "$disk"
	fi
	mount -o loop,prjquota "$disk" "$mount" 2>/dev/null || skip "this kernel has no quotas"
	root=$mount/root
	mybox load -q -i "$images/deb.tar" >/dev/null
}

@test "volume create -o size: refused by name where nothing enforces it, and with what it cannot be" {
	run -1 mybox volume create -o size=10m k1
	[[ $output == *"volume option 'size': the file system has no project quotas (ext4 and xfs"* ]]
	run -1 mybox volume create -o size=much k1
	[[ $output == *"invalid size: 'much'"* ]]
	run -1 mybox volume create -o size=0 k1
	[[ $output == *"invalid size: '0'"* ]]
	run -1 mybox volume create -o size=1m -o type=tmpfs -o device=tmpfs k1
	[[ $output == *"takes its size by -o o=size=1m"* ]]
	[ -z "$(mybox volume ls -q)" ]
	[ -z "$(ls -A "$root/volumes" 2>/dev/null)" ]
}

@test "volume create -o size: it holds that much and no more, and its limit goes with it" {
	setup_disk
	mybox volume create -o size=2m k1
	[ "$(mybox volume inspect -f '{{.Options.size}}' k1)" = 2m ]
	mybox volume create k2
	run mybox run --rm --network none -v k1:/v deb dd if=/dev/zero of=/v/f bs=64k count=64
	[ "$status" = 1 ]
	[[ $output == *"No space left"* || $output == *"quota exceeded"* ]]
	[ "$(stat -c %s "$root/volumes/k1/_data/f")" -le 2097152 ]
	[ "$(stat -c %s "$root/volumes/k1/_data/f")" -ge 1900000 ]
	# Below it too, and no other volume.
	run mybox run --rm --network none -v k1:/v deb sh -c 'rm /v/f; mkdir /v/d; dd if=/dev/zero of=/v/d/f bs=64k count=64'
	[ "$status" = 1 ]
	mybox run --rm --network none -v k2:/v deb dd if=/dev/zero of=/v/f bs=64k count=64
	# df in the container sees the limit.
	[ "$(mybox run --rm --network none -v k1:/v deb sh -c "df -k /v | awk 'END { print \$2 }'")" = 2048 ]
	# Another of the same name begins from nothing, with a limit of its own.
	mybox volume rm k1 k2
	mybox volume create -o size=4m k1
	mybox run --rm --network none -v k1:/v deb dd if=/dev/zero of=/v/f bs=64k count=48
	mybox volume rm k1
	mybox rmi deb
	umount "$mount"
}
