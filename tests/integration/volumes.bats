#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Volumes, binds, tmpfs: every way to say it, modes, propagation, copy-up.
load helpers

# Whatever stands in for a program of the machine.
teardown() {
	umount -l /usr/bin/getent /etc/hosts 2>/dev/null || true
	teardown_store
}
setup_dirs() {
	dir=$BATS_TEST_TMPDIR/dir
	mkdir -p "$dir"
	echo host >"$dir/file"
}

@test "a named volume lives on, and is shared" {
	mybox run --rm -v data:/data deb sh -c 'echo kept >/data/file'
	[ "$(mybox run --rm -v data:/data deb cat /data/file)" = kept ]
	[ "$(cat "$(mybox volume inspect -f '{{.Mountpoint}}' data)/file")" = kept ]
	mybox run -d --name c1 -v data:/a deb sleep 100
	mybox run -d --name c2 -v data:/b deb sleep 100
	mybox exec c1 sh -c 'echo seen >/a/other'
	[ "$(mybox exec c2 cat /b/other)" = seen ]
	run mybox volume rm data
	[ "$status" = 1 ]
	[[ $output == *"volume is in use"* ]]
	mybox rm -f c1 c2
	mybox volume rm data
}

@test "export, import, clone" {
	cd "$BATS_TEST_TMPDIR"
	mybox run --rm -v data:/data deb sh -c 'cd /data; echo one >f; ln f hard; ln -s f link; mkdir -p d/e; echo two >d/e/g; chown 7:8 d .; chmod 2750 d .; mkfifo p; truncate -s 10000000 hole'
	local where
	where=$(mybox volume inspect -f '{{.Mountpoint}}' data)
	about() { (cd "$(mybox volume inspect -f '{{.Mountpoint}}' "$1")" && find . -printf '%p %y %m %U:%G %l %T@ %n %b\n' | sort && cat f d/e/g); }
	mybox volume export -o data.tar data
	mybox volume export data | cmp - data.tar
	tar -t -f data.tar | grep -q 'd/e/g'
	mybox volume create copy
	mybox volume import copy data.tar
	[ "$(about copy)" = "$(about data)" ]
	# Over what is there; what is not in it stays, and so do directories that the tar does not name.
	mkdir -p tree/d
	echo new >tree/d/new
	tar -c -C tree d/new | mybox volume import copy
	[ "$(stat -c '%a %u:%g' "$(mybox volume inspect -f '{{.Mountpoint}}' copy)/d")" = "2750 7:8" ]
	echo mine >"$(mybox volume inspect -f '{{.Mountpoint}}' copy)/mine"
	echo changed >"$(mybox volume inspect -f '{{.Mountpoint}}' copy)/f"
	gzip <data.tar | mybox volume import copy
	[ "$(cat "$(mybox volume inspect -f '{{.Mountpoint}}' copy)/"{f,mine})" = $'one\nmine' ]
	# A broken one changes nothing.
	head -c 2000 data.tar >cut.tar
	mybox volume create empty
	run mybox volume import empty cut.tar
	[ "$status" = 1 ]
	[ -z "$(ls -A "$(mybox volume inspect -f '{{.Mountpoint}}' empty)")" ]
	[ "$(mybox volume clone --label a=b data twin)" = twin ]
	[ "$(about twin)" = "$(about data)" ]
	[ "$(mybox volume inspect -f '{{.Labels.a}}' twin)" = b ]
	echo other >"$(mybox volume inspect -f '{{.Mountpoint}}' twin)/f"
	[ "$(cat "$where/f")" = one ]
	run mybox volume clone data twin
	[ "$status" = 1 ]
	[[ $output == *"'twin' is there already"* ]]
	run mybox volume clone nosuch other
	[ "$status" = 1 ]
	[[ $output == *"No such volume: nosuch"* ]]
	run mybox volume export nosuch
	[ "$status" = 1 ]
	[ -z "$(ls -A "$root/aside")" ]
	# Killed at its last step it is not there; what it had made goes with the check.
	run strace -f -qq -o /dev/null -e trace=renameat2 -e inject=renameat2:error=EIO:signal=KILL:when=1 "$MYBOX" --root "$root" --runroot "$run" volume clone data killed
	[ "$status" != 0 ]
	run mybox volume inspect killed
	[ "$status" = 1 ]
	mybox system check --repair || true
	mybox volume clone data killed
	[ "$(about killed)" = "$(about data)" ]
	mybox volume rm killed
	mybox system check
	mybox volume rm data copy empty twin
}

@test "anonymous volumes: one each, gone with --rm, kept with rm" {
	mybox run -d --name c1 -v /anon deb sleep 100
	local name
	name=$(mybox inspect -f '{{(index .Mounts 0).Name}}' c1)
	[[ $name =~ ^[0-9a-f]{64}$ ]]
	[ "$(mybox volume ls -q)" = "$name" ]
	mybox rm -f c1
	mybox volume rm "$name"
	mybox load -q -i "$images/settings.tar"
	mybox run -d --name c1 --entrypoint sleep settings 100
	[ "$(mybox inspect -f '{{(index .Mounts 0).Destination}}' c1)" = /vol ]
	mybox rm -f -v c1
	[ -z "$(mybox volume ls -q)" ]
	mybox rmi settings
}

@test "copy-up: a fresh volume gets what the image has there, with owners and modes" {
	[ "$(mybox run --rm -v up:/etc deb cat /etc/release)" = "mybox test image" ]
	local where
	where=$(mybox volume inspect -f '{{.Mountpoint}}' up)
	[ "$(cat "$where/release")" = "mybox test image" ]
	mybox run --rm -v home:/home/user deb true
	[ "$(stat -c %u:%g "$(mybox volume inspect -f '{{.Mountpoint}}' home)")" = 1000:1000 ]
	# Not a second time, not with nocopy, not over what is there.
	rm "$where/release"
	run mybox run --rm -v up:/etc deb cat /etc/release
	[ "$status" != 0 ]
	run mybox run --rm -v fresh:/etc:nocopy deb ls /etc
	[[ $output != *release* ]]
	run mybox run --rm --mount type=volume,src=fresh2,dst=/etc,volume-nocopy deb ls /etc
	[[ $output != *release* ]]
}

@test "bind: files and directories, ro and rw" {
	setup_dirs
	[ "$(mybox run --rm -v "$dir:/d" deb cat /d/file)" = host ]
	mybox run --rm -v "$dir:/d" deb sh -c 'echo new >/d/new'
	[ "$(cat "$dir/new")" = new ]
	run mybox run --rm -v "$dir:/d:ro" deb touch /d/x
	[ "$status" = 1 ]
	[[ $output == *"Read-only file system"* ]]
	[ "$(mybox run --rm -v "$dir/file:/etc/release:ro" deb cat /etc/release)" = host ]
	[ "$(mybox run --rm -v "$dir/file:/made/up/path" deb cat /made/up/path)" = host ]
	mount -t tmpfs none "$dir"
	echo below >"$dir/below"
	mkdir "$dir/sub"
	mount -t tmpfs none "$dir/sub"
	echo deep >"$dir/sub/deep"
	[ "$(mybox run --rm -v "$dir:/d" deb cat /d/sub/deep)" = deep ]
	run mybox run --rm -v "$dir:/d:ro" deb touch /d/x
	[ "$status" = 1 ]
	# docker: read-only all the way down.
	run mybox run --rm -v "$dir:/d:ro" deb touch /d/sub/x
	[ "$status" = 1 ]
	run mybox run --rm --mount "type=bind,src=$dir,dst=/d,bind-nonrecursive" deb ls /d/sub
	[ -z "$output" ]
	umount "$dir/sub" "$dir"
}

@test "U: the source becomes the user's of the container, links and other mounts do not" {
	setup_dirs
	mkdir -p "$dir/sub/mnt"
	echo canary >"$BATS_TEST_TMPDIR/canary"
	ln -s "$BATS_TEST_TMPDIR/canary" "$dir/sub/link"
	ln "$dir/file" "$dir/sub/twin"
	cp /bin/true "$dir/suid"
	chmod 4755 "$dir/suid"
	mount -t tmpfs none "$dir/sub/mnt"
	touch "$dir/sub/mnt/other"
	owners() { (cd "$dir" && stat -c %u:%g . file suid sub sub/link sub/twin sub/mnt/other | tr '\n' ' '); }
	[ "$(mybox run --rm -u 1000:50 -v "$dir:/d:U" deb stat -c %u:%g /d /d/file | tr '\n' ' ')" = "1000:50 1000:50 " ]
	[ "$(owners)" = "1000:50 1000:50 1000:50 1000:50 1000:50 1000:50 0:0 " ]
	[ "$(stat -c %a "$dir/suid")" = 755 ]
	[ "$(stat -c %u "$BATS_TEST_TMPDIR/canary")" = 0 ]
	umount "$dir/sub/mnt"
	# Read-only for the container; by its name in the image; as --mount says it; of a file alone.
	run mybox run --rm -u 7:8 -v "$dir:/d:U,ro" deb sh -c 'stat -c %u:%g /d/file; touch /d/x'
	[ "$status" = 1 ]
	[ "${lines[0]}" = 7:8 ]
	mybox run --rm -u user --mount "type=bind,src=$dir,dst=/d,chown" deb touch /d/its
	[ "$(stat -c %u "$dir/sub/twin" "$dir/its" | sort -u)" = 1000 ]
	mybox run --rm -v "$dir/file:/f:U" deb true
	[ "$(stat -c %u "$dir/file" "$dir/its" | tr '\n' ' ')" = "0 1000 " ]
	# Volumes, after they got what the image has there; memory.
	mybox run --rm -u 1234 -v vol:/etc:U deb sh -c 'echo mine >/etc/mine'
	[ "$(stat -c %u "$(mybox volume inspect -f '{{.Mountpoint}}' vol)"/release)" = 1234 ]
	[ "$(mybox run --rm -u 1234:5 --mount type=tmpfs,dst=/t,U,tmpfs-mode=700 deb stat -c %u:%g /t)" = 1234:5 ]
	# Whoever has it by --volumes-from has asked for nothing.
	mybox create --name c1 -v "$dir:/d:U" deb true
	mybox run --rm -u 99 --volumes-from c1 deb true
	[ "$(stat -c %u "$dir/its")" = 1000 ]
	mybox rm c1
}

@test "U: mapped as the container's ids are" {
	setup_dirs
	mybox run --rm --uidmap 0:200000:2000 -u 5:6 -v "$dir:/d:U" deb touch /d/new
	[ "$(stat -c %u:%g "$dir" "$dir/file" "$dir/new" | sort -u)" = 200005:200006 ]
	mybox run --rm --uidmap 0:200000:2000 -u 5:6 -v vol:/d:U deb touch /d/new
	[ "$(stat -c %u:%g "$(mybox volume inspect -f '{{.Mountpoint}}' vol)/new")" = 5:6 ]
	mybox run --rm --uidmap 0:200000:2000 -u 7:8 --mount "type=bind,src=$dir,dst=/d,idmap,U" deb touch /d/its
	[ "$(stat -c %u:%g "$dir/its" "$dir/file" | sort -u)" = 7:8 ]
}

@test "U: not of what the host lives in, and by no link" {
	setup_dirs
	local bad
	for bad in / /etc /etc/ /usr/../etc /etc/passwd; do
		run mybox create -v "$bad:/d:U" deb true
		[ "$status" = 1 ]
		[[ $output == *"mount option 'U': the host lives in"* ]]
	done
	mkdir "$BATS_TEST_TMPDIR/other"
	mybox create --name c1 -u 5 -v "$dir:/d:U" deb true
	rm -r "$dir"
	ln -s "$BATS_TEST_TMPDIR/other" "$dir"
	run mybox start c1
	[ "$status" = 1 ]
	[[ $output == *"mount option 'U': '$dir' leads through a link"* ]]
	mybox rm c1
	for bad in "$dir" "$dir/." "$dir/below/it"; do
		run mybox run --rm -u 5 -v "$bad:/d:U" deb true
		[ "$status" = 125 ]
		[[ $output == *"mount option 'U': '$dir"*" leads through a link"* ]]
	done
	[ "$(stat -c %u "$BATS_TEST_TMPDIR/other")" = 0 ]
}

@test "O: the source stays as it is, and the changes are the container's" {
	setup_dirs
	chmod 750 "$dir"
	mkdir "$dir/sub"
	state() { (cd "$dir" && find . -printf '%p %m %U %s %T@\n' | sort && cat file); }
	local before
	before=$(state)
	mybox run -d --name c1 -v "$dir:/d:O" deb sh -c 'echo new >/d/new; rm -r /d/sub; echo more >>/d/file; chmod 700 /d; : >/ready; exec sleep 1000'
	wait_until 5 mybox exec c1 test -e /ready
	[ "$(mybox exec c1 cat /d/new /d/file | tr '\n' ' ')" = "new host more " ]
	mybox restart -t 0 c1
	wait_until 5 mybox exec c1 test -e /d/new
	mybox stop -t 0 c1
	# Looked at while it does not run.
	[ "$(mybox cp c1:/d/new - | tar -xO)" = new ]
	mybox start c1
	# Each has a layer of its own.
	[ "$(mybox run --rm --volumes-from c1 deb ls /d | tr '\n' ' ')" = "file sub " ]
	[ "$(mybox run --rm -v "$dir:/d:O" deb stat -c %a /d)" = 750 ]
	[ "$(mybox run --rm -u 1000 --userns=auto -v "$dir:/d:O" deb sh -c 'stat -c %u /d')" = 65534 ]
	[ "$(state)" = "$before" ]
	mybox rm -f c1
	mybox create --name c2 -v "$dir:/d:O" deb true
	[ "$(mybox cp c2:/d/file - | tar -xO)" = host ]
	mybox rm c2
	[ "$(state)" = "$before" ]
	run mybox create -v "$dir:/d:ro,O" deb true
	[ "$status" = 1 ]
	[[ $output == *"'O' and 'ro' exclude each other"* ]]
	run mybox create -v "$dir:/d:O,upperdir=/u,workdir=/w" deb true
	[ "$status" = 1 ]
	[[ $output == *"mount option 'upperdir=/u' is not supported by this version"* ]]
	run mybox create -v "$dir/file:/d:O" deb true
	[ "$status" = 1 ]
	[[ $output == *"mount option 'O': '$dir/file' is not a directory"* ]]
	run mybox create -v vol:/d:O deb true
	[ "$status" = 1 ]
	[[ $output == *"'O' is for directories of the host"* ]]
	[ -z "$(mybox volume ls -q)" ]
}

@test "a missing source: made by -v, refused by --mount" {
	setup_dirs
	mybox run --rm -v "$dir/made:/d" deb touch /d/x
	[ -e "$dir/made/x" ]
	run mybox run --rm --mount "type=bind,src=$dir/nothere,dst=/d" deb true
	[ "$status" = 125 ]
	[[ $output == *"bind source path does not exist: $dir/nothere"* ]]
	[ ! -e "$dir/nothere" ]
}

@test "propagation: private by default, slave and shared when asked" {
	setup_dirs
	mount -t tmpfs none "$dir"
	mount --make-shared "$dir"
	mkdir "$dir/m"
	mybox run -d --name private -v "$dir:/d" deb sleep 100
	mybox run -d --name slave -v "$dir:/d:rslave" deb sleep 100
	mybox run -d --name shared --cap-add SYS_ADMIN --security-opt seccomp=unconfined --mount "type=bind,src=$dir,dst=/d,bind-propagation=rshared" deb sleep 100
	mount -t tmpfs none "$dir/m"
	touch "$dir/m/seen"
	run ! mybox exec private test -e /d/m/seen
	mybox exec slave test -e /d/m/seen
	mybox exec shared test -e /d/m/seen
	umount "$dir/m"
	mybox exec shared mount -t tmpfs none /d/m
	mountpoint -q "$dir/m"
	umount "$dir/m"
	mybox rm -f private slave shared
	umount "$dir"
	run mybox run --rm -v "$dir:/d:nosuchmode" deb true
	[ "$status" = 125 ]
}

@test "binds: podman's flags of a mount, and without what is below" {
	setup_dirs
	printf '#!/bin/sh\necho ran\n' >"$dir/prog"
	chmod 755 "$dir/prog"
	mkdir "$dir/sub"
	mount -t tmpfs none "$dir/sub"
	echo below >"$dir/sub/x"
	run -0 mybox run --rm -v "$dir:/d:ro,rprivate,rbind" deb cat /d/sub/x
	[ "$output" = below ]
	run mybox run --rm -v "$dir:/d:bind" deb ls /d/sub/x
	umount "$dir/sub"
	[ "$status" = 1 ]
	run -126 mybox run --rm -v "$dir:/d:noexec" deb /d/prog
	run -0 mybox run --rm -v "$dir:/d:exec" deb /d/prog
	[ "$output" = ran ]
	run -0 mybox run --rm -v "$dir:/d:nosuid,nodev,ro" deb grep ' /d ' /proc/mounts
	[[ $output == *ro,nosuid,nodev* ]]
	mybox create --name first -v "$dir:/d:noexec" deb true
	run -126 mybox run --rm --volumes-from first deb /d/prog
	run -125 mybox run --rm -v vol:/d:noexec deb true
	[[ $output == *"invalid mode: noexec"* ]]
}

@test "what is mounted on /etc has our files on it" {
	local mount
	setup_dirs
	for mount in "-v etc:/etc" "--tmpfs /etc" "-v $dir:/etc" "--mount type=tmpfs,dst=/etc"; do
		# shellcheck disable=SC2086
		run -0 mybox run --rm -h box --add-host there:192.0.2.7 $mount deb sh -c 'cat /etc/hostname /etc/hosts; test -e /etc/resolv.conf && echo resolv'
		[ "${lines[0]}" = box ]
		[[ $output == *192.0.2.7*there* ]]
		[[ $output == *resolv ]]
	done
	# The user's own are above all.
	run -0 mybox run --rm -v "$dir:/etc" -v "$dir/file:/etc/hosts" deb cat /etc/hosts
	[ "$output" = host ]
	[ -e /usr/share/zoneinfo/Asia/Tokyo ] || skip "needs tzdata"
	mybox run --rm --tz Asia/Tokyo --tmpfs /etc deb cat /etc/localtime | cmp - /usr/share/zoneinfo/Asia/Tokyo
}

@test "tmpfs: --tmpfs and --mount, with sizes and modes" {
	run mybox run --rm --tmpfs /t:size=1m,mode=700 deb sh -c 'grep " /t " /proc/mounts; stat -c %a /t'
	[[ ${lines[0]} == "tmpfs /t tmpfs rw,nosuid,nodev,noexec,"* ]]
	[[ ${lines[0]} == *size=1024k* ]]
	[ "${lines[1]}" = 700 ]
	run mybox run --rm --tmpfs /t:size=1m deb dd if=/dev/zero of=/t/x bs=1M count=2
	[ "$status" = 1 ]
	[[ $output == *"No space left"* ]]
	[ "$(mybox run --rm --tmpfs /t deb stat -c %a /t)" = 1777 ]
	[ "$(mybox run --rm --tmpfs /t:exec deb sh -c 'cp /bin/busybox /t/echo; /t/echo ran')" = ran ]
	run mybox run --rm --mount type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=750 deb sh -c 'grep " /t " /proc/mounts; stat -c %a /t'
	[[ ${lines[0]} == *size=2048k* ]]
	[ "${lines[1]}" = 750 ]
	run mybox run --rm --mount type=tmpfs,src=x,dst=/t deb true
	[ "$status" = 125 ]
}

@test "--mount: its keys, and its mistakes" {
	setup_dirs
	[ "$(mybox run --rm --mount "type=bind,source=$dir,target=/d,readonly" deb cat /d/file)" = host ]
	run mybox run --rm --mount "type=bind,source=$dir,destination=/d,ro=true" deb touch /d/x
	[ "$status" = 1 ]
	mybox run --rm --mount type=volume,src=v1,dst=/v,volume-label=a=b deb true
	[ "$(mybox volume inspect -f '{{.Labels.a}}' v1)" = b ]
	mybox run --rm --mount dst=/v deb true
	local bad
	for bad in type=nosuch,dst=/d type=bind,dst=/d "type=bind,src=$dir" type=volume,src=v1 \
		"type=bind,src=relative,dst=/d" "type=bind,src=$dir,dst=relative" "nosuch=1,dst=/d" "type=volume,dst=/" ''; do
		run mybox run --rm --mount "$bad" deb true
		[ "$status" = 125 ]
	done
}

@test "-v: its mistakes" {
	local bad
	for bad in :/x /a:relative a/b:/x '/a:/b:ro:rw:z' /a:/ '/a:/b:ro,rw' 'bad name:/x' '' :; do
		run mybox run --rm -v "$bad" deb true
		[ "$status" = 125 ]
	done
	run mybox run --rm -v a1:/x -v b1:/x deb true
	[ "$status" = 125 ]
	[[ $output == *"Duplicate mount point: /x"* ]]
	[ -z "$(mybox ps -aq)" ]
}

@test "--volumes-from: all of them, or read-only" {
	setup_dirs
	mybox create --name src -v named:/n -v "$dir:/d" -v /anon deb true
	mybox run --rm --volumes-from src deb sh -c 'cat /d/file; echo 1 >/n/x; echo 2 >/anon/y'
	[ "$(mybox run --rm --volumes-from src deb sh -c 'cat /n/x /anon/y' | tr '\n' ' ')" = "1 2 " ]
	run mybox run --rm --volumes-from src:ro deb touch /n/z
	[ "$status" = 1 ]
	[[ $output == *"Read-only"* ]]
	run mybox run --rm --volumes-from nosuch deb true
	[ "$status" = 125 ]
	[[ $output == *"No such container: nosuch"* ]]
}

@test "one mount inside another, whatever the order" {
	setup_dirs
	[ "$(mybox run --rm -v "$dir:/d/inner" -v outer:/d deb cat /d/inner/file)" = host ]
	[ "$(mybox run --rm --tmpfs /d -v "$dir:/d/inner" deb cat /d/inner/file)" = host ]
}

@test "destinations with dots and links stay within the container" {
	setup_dirs
	local before
	before=$(ls -a / | md5sum)
	[ "$(mybox run --rm -v "$dir:/a/../b/./d" deb cat /b/d/file)" = host ]
	# /bin/link leads out of the root for who follows it on the host.
	mkdir "$BATS_TEST_TMPDIR/rootfs"
	tar -C "$BATS_TEST_TMPDIR/rootfs" -xf "$images/rootfs.tar"
	ln -s ../../../../../../../../escape-mybox "$BATS_TEST_TMPDIR/rootfs/link"
	tar -C "$BATS_TEST_TMPDIR/rootfs" -cf "$BATS_TEST_TMPDIR/linked.tar" .
	mybox import "$BATS_TEST_TMPDIR/linked.tar" linked
	[ "$(mybox run --rm -v "$dir:/link/d" linked cat /escape-mybox/d/file)" = host ]
	[ ! -e /escape-mybox ]
	[ "$(ls -a / | md5sum)" = "$before" ]
	run mybox run --rm -v "$dir:/proc/x" deb true
	[ "$status" = 125 ]
	mybox rmi linked
}

@test "volume drivers' options: a bind and a tmpfs" {
	setup_dirs
	mybox volume create --driver local -o type=none -o o=bind -o "device=$dir" bound
	[ "$(mybox run --rm -v bound:/d deb cat /d/file)" = host ]
	mybox volume create -o type=tmpfs -o device=tmpfs -o o=size=1m mem
	run mybox run --rm -v mem:/d deb sh -c 'grep " /d " /proc/mounts'
	[[ $output == *tmpfs*size=1024k* ]]
	run mybox volume create -d nosuch x1
	[ "$status" = 1 ]
	run mybox volume create 'bad/name'
	[ "$status" = 1 ]
}

@test "nfs: the kernel is asked as docker asks it, a name is an address by then" {
	requires strace
	local calls=$BATS_TEST_TMPDIR/calls
	# The kernel's answers are made up: there may be no nfs in it, and there is no server.
	asked() {
		strace -f -qq -o "$calls" -e trace=fsopen,fsconfig,fsmount -e inject=fsopen:retval=77 -e inject=fsconfig:retval=0 -e inject=fsmount:error=ENODEV \
			"${box[@]}" volume export -o /dev/null "$1" || true
		sed -n 's/^[0-9 ]*fs\(open\|config\)(\(77, \)\?\([^)]*\)).*/\3/p' "$calls"
	}
	printf '192.0.2.7 server.example\n2001:db8::7 server6.example\n' | cat /etc/hosts - >"$BATS_TEST_TMPDIR/hosts"
	mount --bind "$BATS_TEST_TMPDIR/hosts" /etc/hosts
	mybox volume create -o type=nfs -o o=addr=192.0.2.1,rw,nfsvers=4,soft -o device=:/path one
	[ "$(asked one | tr '\n' ';')" = '"nfs", FSOPEN_CLOEXEC;FSCONFIG_SET_STRING, "addr", "192.0.2.1", 0;FSCONFIG_SET_STRING, "nfsvers", "4", 0;FSCONFIG_SET_FLAG, "soft", NULL, 0;FSCONFIG_SET_STRING, "source", ":/path", 0;FSCONFIG_CMD_CREATE, NULL, NULL, 0;' ]
	mybox volume create -o type=nfs -o o=addr=server.example,ro -o device=:/path two
	asked two | grep -qxF 'FSCONFIG_SET_STRING, "addr", "192.0.2.7", 0'
	mybox volume create -o type=nfs4 -o o=addr=server6.example -o device=:/path three
	asked three | grep -qxF 'FSCONFIG_SET_STRING, "addr", "2001:db8::7", 0'
	mybox volume create -o type=nfs -o o=addr=--help -o device=:/path four
	run -125 mybox run --rm -v four:/d deb true
	[[ $output == *"failed to mount local volume 'four': no such host: '--help'"* ]]
	mybox volume create -o type=nfs -o o=addr=fe80::1%eth0 -o device=:/path five
	asked five | grep -qxF 'FSCONFIG_SET_STRING, "addr", "fe80::1%eth0", 0'
	umount -l /etc/hosts
}

@test "nfs: who waits for a name server can be interrupted" {
	local fake=$BATS_TEST_TMPDIR/getent client rc=0
	printf '#!/bin/sh\necho $$ >%s.pid\nexec sleep 1000\n' "$fake" >"$fake"
	chmod +x "$fake"
	mount --bind "$fake" /usr/bin/getent
	mybox volume create -o type=nfs -o o=addr=slow.example -o device=:/path slow
	"${box[@]}" run --rm -v slow:/d deb true 3>&- &
	client=$!
	wait_until 20 test -s "$fake.pid"
	kill -TERM "$client"
	wait "$client" || rc=$?
	[ "$rc" != 0 ]
	gone() { ! kill -0 "$(cat "$fake.pid")" 2>&-; }
	wait_until 20 gone
	umount -l /usr/bin/getent
}

@test "a mount that is shared: who ends does not take it from who starts" {
	local fake=$BATS_TEST_TMPDIR/getent client
	# It starts for as long as we want.
	printf '#!/bin/sh\necho $$ >%s.pid\nexec sleep 1000\n' "$fake" >"$fake"
	chmod +x "$fake"
	mount --bind "$fake" /usr/bin/getent
	mybox volume create -o type=tmpfs -o device=tmpfs mem
	mybox volume create -o type=nfs -o o=addr=slow.example -o device=:/path slow
	mybox run -d --name first -v mem:/first deb sleep 1000
	"${box[@]}" run --rm -v mem:/first -v slow:/second deb true 3>&- &
	client=$!
	wait_until 20 test -s "$fake.pid"
	mybox rm -f first
	grep -q " $root/volumes/mem/_data " /proc/self/mountinfo
	# Nor does it leave it there.
	kill -TERM "$client"
	wait "$client" || true
	run -1 grep " $root/volumes/mem/_data " /proc/self/mountinfo
	umount -l /usr/bin/getent
}

@test "driver options: what was mounted to look at it does not stay, but for what is in memory" {
	setup_dirs
	mybox volume create -o type=none -o o=bind -o "device=$dir" bound
	mybox volume create -o type=tmpfs -o device=tmpfs mem
	is_mounted() { grep -q " $root/volumes/$1/_data " /proc/self/mountinfo; }
	mybox volume export -o "$BATS_TEST_TMPDIR/tar" bound
	run -1 is_mounted bound
	mybox volume import bound "$BATS_TEST_TMPDIR/tar"
	run -1 is_mounted bound
	mybox volume clone bound plain
	run -1 is_mounted bound
	mybox create --name still -v bound:/d deb true
	[ "$(mybox cp still:/d/file - | tar -xO)" = host ]
	run -1 is_mounted bound
	echo new >"$BATS_TEST_TMPDIR/new"
	mybox cp "$BATS_TEST_TMPDIR/new" still:/d/
	run -1 is_mounted bound
	[ "$(cat "$dir/new")" = new ]
	# A container that runs has it still.
	mybox run -d --name runs -v bound:/d deb sleep 1000
	mybox volume export -o "$BATS_TEST_TMPDIR/tar" bound
	mybox cp still:/d/file "$BATS_TEST_TMPDIR/copy"
	is_mounted bound
	mybox rm -f runs
	run -1 is_mounted bound
	# What came into memory is there until a container has had it.
	mybox volume import mem "$BATS_TEST_TMPDIR/tar"
	mybox system check
	[ "$(mybox run --rm -v mem:/d deb cat /d/new)" = new ]
	run -1 is_mounted mem
	# Left by one that was killed.
	mount --bind "$dir" "$root/volumes/bound/_data"
	run -2 mybox system check
	[[ $output == *'volume bound: it is mounted, and nobody uses it'* ]]
	run -1 mybox system check --repair
	run -1 is_mounted bound
	[ -e "$dir/new" ]
}

@test "a file system that the kernel has not is told in one line" {
	mybox volume create -o type=nosuchfs -o device=:/path gone
	run -125 mybox run --rm -v gone:/d deb true
	[ "$output" = "mybox: mount '/d': failed to mount local volume 'gone': this kernel has no file system 'nosuchfs', nor a module for it" ]
	[ -z "$(mybox ps -aq)" ]
}

@test "--read-only: the root is, volumes and tmpfs are not" {
	run mybox run --rm --read-only deb touch /x
	[ "$status" = 1 ]
	[[ $output == *"Read-only file system"* ]]
	mybox run --rm --read-only --tmpfs /tmp -v rw:/rw deb sh -c 'touch /tmp/x /rw/x /dev/shm/x; echo x >/dev/null'
	run mybox run --rm --read-only -w /not/there deb pwd
	[ "$status" != 0 ] || [ "$output" = /not/there ]
}

@test "--shm-size" {
	run mybox run --rm deb sh -c 'grep " /dev/shm " /proc/mounts'
	[[ $output == *size=65536k* ]]
	run mybox run --rm --shm-size 3m deb sh -c 'grep " /dev/shm " /proc/mounts'
	[[ $output == *size=3072k* ]]
}

# What an archive may try: names above and from the root, and through links that it brings itself.
attacking_tar() {
	python3 - "$1" "$2" <<-'PY'
		import io, sys, tarfile
		how, path = sys.argv[1:]
		def link(tar, name, to):
		    t = tarfile.TarInfo(name); t.type = tarfile.SYMTYPE; t.linkname = to; tar.addfile(t)
		def hard(tar, name, to):
		    t = tarfile.TarInfo(name); t.type = tarfile.LNKTYPE; t.linkname = to; tar.addfile(t)
		def file(tar, name):
		    t = tarfile.TarInfo(name); t.size = 4; tar.addfile(t, io.BytesIO(b"evil"))
		with tarfile.open(path, "w") as tar:
		    {"dots": lambda: file(tar, "../../../../../../../../../../../../tmp/evil"),
		     "within": lambda: file(tar, "a/../../../../../../../../../../../../tmp/evil"),
		     "root": lambda: file(tar, "/tmp/evil"),
		     "through": lambda: (link(tar, "way", "/tmp"), file(tar, "way/evil")),
		     "above": lambda: (link(tar, "way", "../../../../../../../../../../tmp"), file(tar, "way/evil")),
		     "last": lambda: (link(tar, "evil", "/tmp/evil"), file(tar, "evil")),
		     "hard": lambda: (hard(tar, "got", "/tmp/secret"), file(tar, "got")),
		     "hardway": lambda: (link(tar, "way", "/tmp"), hard(tar, "got", "way/secret"))}[how]()
	PY
}

# What each of them comes to: why it is refused, or where its file is then.
attack_ends() {
	case $1 in
	dots) echo "entry '../../../../../../../../../../../../tmp/evil': the name leads out of the root" ;;
	within) echo "entry 'a/../../../../../../../../../../../../tmp/evil': the name leads out of the root" ;;
	root) echo tmp/evil ;;
	through | above) echo "entry 'way/evil': 'way' is in the way" ;;
	last) echo evil ;;
	hard | hardway) echo "entry 'got': cannot open the directory of the hard link's target: No such file or directory" ;;
	esac
}

# attacks HOW COMMAND...: with the attacking archive on standard input; $place is where it is sent.
attacks() {
	local how=$1 wanted
	wanted=$(attack_ends "$how")
	shift
	run --separate-stderr mybox "$@" <"$tar"
	[ ! -e /tmp/evil ]
	[ ! -L /tmp/evil ]
	case $wanted in
	entry*)
		[ "$status" = 1 ]
		[ "$stderr" = "mybox: $of$wanted" ]
		[ -z "$(ls -A "$place")" ]
		;;
	*)
		[ "$status" = 0 ]
		[ -z "$output$stderr" ]
		[ "$(cd "$place" && find . -type f)" = "./$wanted" ]
		[ "$(cat "$place/$wanted")" = evil ]
		;;
	esac
}

@test "archives that attack: volume import and cp stay where they are sent, and say why not" {
	local how tar=$BATS_TEST_TMPDIR/a.tar before place of
	[ ! -e /tmp/evil ]
	echo secret >/tmp/secret
	before=$(stat -c '%i %h %Y' /tmp/secret)
	mybox run -d --name c1 deb sleep 1000
	for how in dots within root through above last hard hardway; do
		attacking_tar "$how" "$tar"
		mybox volume create vol1
		place=$(mybox volume inspect -f '{{.Mountpoint}}' vol1) of="cannot import into the volume 'vol1': "
		attacks $how volume import vol1 -
		attacks $how volume import vol1 "$tar"
		mybox volume rm vol1
		mybox exec c1 mkdir -p "/in/$how"
		place=/proc/$(mybox inspect -f '{{.State.Pid}}' c1)/root/in/$how of=
		attacks $how cp - "c1:/in/$how"
	done
	[ "$(cat /tmp/secret)" = secret ]
	[ "$(stat -c '%i %h %Y' /tmp/secret)" = "$before" ]
	rm /tmp/secret
	[ -z "$(ls -A "$root/aside")" ]
	mybox system check
}

@test "sockets in a volume, and data over a shared /dev/shm" {
	command -v gcc >/dev/null || skip "needs gcc"
	cat >"$BATS_TEST_TMPDIR/say.c" <<-'C'
		#include <stdio.h>
		#include <string.h>
		#include <sys/socket.h>
		#include <sys/un.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			struct sockaddr_un a = {.sun_family = AF_UNIX};
			int fd = socket(AF_UNIX, SOCK_STREAM, 0), c = fd;
			char text[64] = "";
			strcpy(a.sun_path, argv[2]);
			if (argv[1][0] == 'l') {
				if (bind(fd, (void *)&a, sizeof(a)) || listen(fd, 1) || (c = accept(fd, 0, 0)) < 0)
					return 1;
				if (read(c, text, sizeof(text) - 1) < 0 || write(c, "pong", 4) != 4)
					return 2;
			} else {
				while (connect(fd, (void *)&a, sizeof(a)))
					usleep(50000);
				if (write(fd, "ping", 4) != 4 || read(fd, text, sizeof(text) - 1) < 0)
					return 3;
			}
			return puts(text) < 0;
		}
	C
	gcc -static -o "$BATS_TEST_TMPDIR/say" "$BATS_TEST_TMPDIR/say.c"
	mybox run -d --name kl --network none -v socks:/s -v "$BATS_TEST_TMPDIR:/b:ro" deb /b/say listen /s/sock
	[ "$(timeout 30 "${box[@]}" run --rm --network none -v socks:/s -v "$BATS_TEST_TMPDIR:/b:ro" deb /b/say call /s/sock)" = pong ]
	[ "$(mybox wait kl)" = 0 ]
	[ "$(mybox logs kl)" = ping ]
	# Who shares the memory of another sees it; who does not, not.
	mybox run -d --name km --network none --ipc shareable deb sleep 1000
	mybox exec km sh -c 'echo shared >/dev/shm/data'
	[ "$(mybox run --rm --network none --ipc container:km deb sh -c 'cat /dev/shm/data; echo back >/dev/shm/data')" = shared ]
	[ "$(mybox exec km cat /dev/shm/data)" = back ]
	run -1 mybox run --rm --network none deb cat /dev/shm/data
}

@test "volume-subpath: a part of a volume, and no way out of it" {
	mybox run --rm -v vol:/v deb sh -c 'mkdir -p /v/one/two; echo part >/v/one/f; echo whole >/v/f; ln -s /etc /v/out; ln -s .. /v/one/up'
	[ "$(mybox run --rm --mount type=volume,src=vol,dst=/p,volume-subpath=one deb cat /p/f)" = part ]
	mybox run --rm --mount type=volume,src=vol,dst=/p,volume-subpath=one/two deb sh -c 'echo new >/p/g'
	[ "$(mybox run --rm -v vol:/v deb cat /v/one/two/g)" = new ]
	run ! mybox run --rm --mount type=volume,src=vol,dst=/p,volume-subpath=one,readonly deb touch /p/h
	[[ $output == *"Read-only file system"* ]]
	for way in out one/up/../.. ../x /one nosuch; do
		run mybox run --rm --mount "type=volume,src=vol,dst=/p,volume-subpath=$way" deb ls /p
		echo "$way: $status $output"
		[ "$status" = 125 ]
		[[ $output != *passwd* ]]
	done
}

# tools:1 has one layer, /bin/tool and /share/deep/file.
make_tools() {
	mkdir -p "$BATS_TEST_TMPDIR/tools"/{bin,share/deep}
	printf '#!/bin/sh\necho tool\n' >"$BATS_TEST_TMPDIR/tools/bin/tool"
	chmod 755 "$BATS_TEST_TMPDIR/tools/bin/tool"
	echo deep >"$BATS_TEST_TMPDIR/tools/share/deep/file"
	ln -s /etc "$BATS_TEST_TMPDIR/tools/share/out"
	chown 3:4 "$BATS_TEST_TMPDIR/tools/share/deep/file"
	tar -c -C "$BATS_TEST_TMPDIR/tools" . | mybox import - tools:1 >/dev/null
}

@test "type=image: another image's files, of one layer or of several, for nobody to change" {
	make_tools
	[ "$(mybox run --rm --mount type=image,src=tools:1,dst=/t deb /t/bin/tool)" = tool ]
	[ "$(mybox run --rm --mount type=image,source=tools:1,target=/t deb stat -c %u:%g /t/share/deep/file)" = 3:4 ]
	run mybox run --rm --mount type=image,src=tools:1,dst=/t deb touch /t/new
	[ "$status" = 1 ]
	[[ $output == *"Read-only file system"* ]]
	# Who may mount what he likes does not come to the layers either.
	mybox run --rm --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined --mount type=image,src=tools:1,dst=/t deb sh -c 'mount -o remount,rw,bind /t; mount -o remount,rw /t; echo mine >/t/share/mine; true'
	run ! mybox run --rm --mount type=image,src=tools:1,dst=/t deb cat /t/share/mine
	printf 'FROM tools:1\nCOPY f /share/second\n' >"$BATS_TEST_TMPDIR/tools/Dockerfile"
	echo second >"$BATS_TEST_TMPDIR/tools/f"
	mybox build -q -t tools:2 "$BATS_TEST_TMPDIR/tools"
	[ "$(mybox run --rm --mount type=image,src=tools:2,dst=/t deb cat /t/share/second /t/share/deep/file)" = $'second\ndeep' ]
	# One with nothing in it.
	printf 'FROM scratch\nLABEL a=b\n' | mybox build -q -t bare:1 -
	[ -z "$(mybox run --rm --mount type=image,src=bare:1,dst=/t deb ls -A /t)" ]
	run mybox run --rm --mount type=image,src=bare:1,dst=/t deb touch /t/new
	[ "$status" = 1 ]
}

@test "type=image: image-subpath shows a part, and leads nowhere else" {
	make_tools
	[ "$(mybox run --rm --mount type=image,src=tools:1,dst=/t,image-subpath=share/deep deb ls /t)" = file ]
	[ "$(mybox run --rm --mount type=image,src=tools:1,dst=/t,image-subpath=share/deep/file deb cat /t)" = deep ]
	for way in share/out share/../../etc ../x /share nosuch; do
		run mybox run --rm --mount "type=image,src=tools:1,dst=/t,image-subpath=$way" deb ls /t
		echo "$way: $status $output"
		[ "$status" = 125 ]
		[[ $output != *passwd* ]]
	done
	[ -z "$(mybox ps -aq)" ]
}

@test "type=image: what a container mounts stays, by its id, until the container is gone" {
	make_tools
	local id
	id=$(mybox image inspect -f '{{.Id}}' tools:1)
	mybox run -d --name c1 --mount type=image,src=tools:1,dst=/t deb sleep 100
	[ "$(mybox inspect -f '{{(index .Mounts 0).Type}} {{(index .Mounts 0).Source}} {{(index .Mounts 0).RW}}' c1)" = "image tools:1 false" ]
	[ "$(mybox inspect -f '{{json .HostConfig.Mounts}}' c1)" = '[{"Type":"image","Source":"tools:1","Target":"/t","ReadOnly":true}]' ]
	run mybox rmi "$id"
	[ "$status" = 1 ]
	[[ $output == *"conflict"* ]]
	mybox image prune -af
	[ "$(mybox exec c1 /t/bin/tool)" = tool ]
	# The name means another one by now.
	mybox tag deb tools:1
	mybox restart -t 0 c1
	[ "$(mybox exec c1 /t/bin/tool)" = tool ]
	[ "$(mybox run --rm --volumes-from c1 deb /t/bin/tool)" = tool ]
	mybox cp c1:/t/share/deep/file "$BATS_TEST_TMPDIR/live"
	mybox stop -t 0 c1
	mybox cp c1:/t/share/deep/file "$BATS_TEST_TMPDIR/still"
	cmp "$BATS_TEST_TMPDIR/live" "$BATS_TEST_TMPDIR/still"
	run mybox cp "$BATS_TEST_TMPDIR/live" c1:/t/share/new
	[ "$status" != 0 ]
	mybox image prune -af
	mybox image inspect "$id"
	mybox generate kube c1 | grep -A1 -F 'image:' | grep -qF 'reference: "tools:1"'
	mybox rm c1
	mybox rmi "$id"
	mybox system check
}

@test "type=image: in a user namespace its ids are the container's" {
	make_tools
	[ "$(mybox run --rm --uidmap 0:200000:2000 --mount type=image,src=tools:1,dst=/t deb stat -c %u:%g /t /t/share/deep/file)" = $'0:0\n3:4' ]
	mybox create --name c1 --uidmap 0:200000:2000 --mount type=image,src=tools:1,dst=/t deb true
	mybox cp c1:/t/share/deep/file "$BATS_TEST_TMPDIR/file"
	[ "$(cat "$BATS_TEST_TMPDIR/file")" = deep ]
}

@test "type=image: what is not there or makes no sense is told, and nothing is left" {
	refused() { # refused WORDS FIELDS
		run mybox run --rm --mount "type=image,$2" deb true
		echo "$2: $status $output"
		[ "$status" = 125 ]
		[[ $output == *"$1"* ]]
		[ "${#lines[@]}" -le 2 ]
	}
	refused "No such image: none" src=none,dst=/t
	refused "field Source must not be empty" dst=/t
	refused "read-only" src=deb,dst=/t,readonly=false
	refused "not for mount type 'image'" src=deb,dst=/t,U
	refused "cannot mix 'bind-*'" src=deb,dst=/t,bind-propagation=slave
	[ -z "$(mybox ps -aq)" ]
	[ -z "$(mybox volume ls -q)" ]
}
