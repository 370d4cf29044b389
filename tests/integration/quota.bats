#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=kernel
# Sizes of volumes, on a file system with project quotas; and what is said without them.
load helpers

teardown() {
	teardown_store
	! mountpoint -q /run/mybox-test/quota || umount /run/mybox-test/quota
}

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
	losetup -f >/dev/null
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
}

@test "volume create -o size: whose limit goes is not for a container to say" {
	setup_disk
	mybox volume create -o size=2m k1
	mybox volume create -o size=3m k2
	mybox volume create -o size=4m k3
	mybox volume create -o size=5m k4
	local one three four
	one=$(project_of k1) three=$(project_of k3) four=$(project_of k4)
	[ "$(limit_of "$one") $(limit_of "$three") $(limit_of "$four")" = '2048 4096 5120' ]
	mybox system check
	# As its owner may, in a container too.
	project "$root/volumes/k1/_data" "$(project_of k2)"
	run -2 mybox system check
	[[ $output == *"volume k1: nothing enforces its size"* ]]
	mybox volume rm k1
	[ "$(limit_of "$(project_of k2)")" = 3072 ]
	[ "$(limit_of "$one")" -gt 10000 ]
	# Nor does the limit stay when a command is killed.
	mv "$root/volumes/k3" "$root/volumes/.rm-x"
	mv "$root/volumes/k4" "$root/volumes/.tmp-x"
	mybox system check --repair || true
	[ "$(limit_of "$three")" -gt 10000 ]
	[ "$(limit_of "$four")" -gt 10000 ]
	mybox volume rm k2
	mybox rmi deb
}
project() { # project DIRECTORY [NUMBER]: tell it, or give it, with what is made below
	python3 - "$@" <<-'EOF'
		import fcntl, os, struct, sys
		fd = os.open(sys.argv[1], os.O_RDONLY)
		a = list(struct.unpack("5I8x", fcntl.ioctl(fd, 0x801c581f, bytes(28))))
		if len(sys.argv) == 2: print(a[3])
		else: fcntl.ioctl(fd, 0x401c5820, struct.pack("5I8x", a[0] | 0x200, a[1], 0, int(sys.argv[2]), a[4]))
	EOF
}
project_of() { project "$root/volumes/$1/_data"; }
limit_of() { # limit_of PROJECT, in KiB: of the file system if it has none
	mkdir -p "$mount/probe"
	project "$mount/probe" "$1"
	df -k "$mount/probe" | awk 'END { print $2 }'
	rmdir "$mount/probe"
}
