#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Volumes of a real NFS server: Debian's kernel has both ends.
# bats file_tags=kernel
load ../integration/helpers

setup_file() {
	setup_store "${BATS_TEST_FILENAME##*/}"
	modprobe -a nfsd nfs nfsv3 nfsv4
	ip link set lo up
	mkdir -p /run/exported/shared
	echo here >/run/exported/shared/found
	# A tmpfs has no identity of its own.
	echo '/run/exported *(rw,fsid=0,insecure,no_root_squash,no_subtree_check)' >/etc/exports
	mount -t nfsd nfsd /proc/fs/nfsd
	systemctl start rpcbind.service
	exportfs -ra
	rpc.mountd
	rpc.nfsd --grace-time 10 --lease-time 10 2
	# Nobody held anything before.
	echo Y >/proc/fs/nfsd/v4_end_grace 2>/dev/null || true
}
teardown_file() {
	rpc.nfsd 0
	pkill -x rpc.mountd
	systemctl stop rpcbind.socket rpcbind.service
	exportfs -ua
	umount /proc/fs/nfsd
	rm -rf /run/exported
}

mounted() { grep -c " nfs4\? .*addr=127.0.0.1" /proc/self/mountinfo; }

@test "nfs: a volume of version 4, read and written by two containers" {
	mybox volume create -o type=nfs -o o=addr=127.0.0.1,rw,nfsvers=4.2 -o device=:/shared four
	[ "$(mybox run --rm -v four:/d deb cat /d/found)" = here ]
	mybox run -d --name writer -v four:/d deb sh -c 'echo made >/d/made; sleep 1000'
	there() { [ -e /run/exported/shared/made ]; }
	wait_until 20 there
	[ "$(mybox run --rm -v four:/d:ro deb cat /d/made)" = made ]
	run mybox run --rm -v four:/d:ro deb touch /d/other
	[[ $output == *"Read-only file system"* ]]
	mybox rm -f writer
	mybox volume rm four
	[ "$(mounted)" = 0 ]
	# The data is the server's.
	[ "$(cat /run/exported/shared/made)" = made ]
}

@test "nfs: version 3, by the server's name, a folder of it" {
	mkdir -p /run/exported/shared/deep/er
	echo deep >/run/exported/shared/deep/er/file
	mybox volume create -o type=nfs -o o=addr=localhost,nfsvers=3,nolock,soft -o device=:/run/exported/shared three
	[ "$(mybox run --rm --mount type=volume,src=three,dst=/d,volume-subpath=deep deb cat /d/er/file)" = deep ]
	mybox volume export -o "$BATS_TEST_TMPDIR/tar" three
	tar -tf "$BATS_TEST_TMPDIR/tar" | grep -qx './deep/er/file\|deep/er/file'
	mybox volume rm three
	[ "$(mounted)" = 0 ]
}

@test "nfs: what the server does not have, and who is not there" {
	mybox volume create -o type=nfs -o o=addr=127.0.0.1,nfsvers=4.2,soft -o device=:/nowhere lost
	run -125 mybox run --rm -v lost:/d deb true
	[[ ${lines[0]} == "mybox: mount '/d': failed to mount local volume 'lost': "*"No such file or directory"* ]]
	[ "${#lines[@]}" = 1 ]
	# Nobody listens at that port.
	mybox volume create -o type=nfs -o o=addr=127.0.0.1,port=2050,nfsvers=4.2,soft,timeo=5,retrans=1 -o device=:/ silent
	run -125 mybox run --rm -v silent:/d deb true
	[[ $output == "mybox: mount '/d': failed to mount local volume 'silent': "* ]]
	[ -z "$(mybox ps -aq)" ]
	[ "$(mounted)" = 0 ]
	mybox volume rm lost silent
}
