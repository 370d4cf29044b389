#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# cp: between a container and the host, in both directions, as docker's rules say.
# bats file_tags=cgroup:any
load helpers

setup() {
	own_store
	mkdir -p "$BATS_TEST_TMPDIR/w"
	cd "$BATS_TEST_TMPDIR/w" || return
	mkdir src
	echo hello >src/f
	ln -s f src/l
	mkdir -p src/sub/deep
	echo deep >src/sub/deep/x
	chown 1000:50 src/f src/sub
	chmod 4750 src/f
	touch -h -d '2020-01-02 03:04:05.123456789' src/f src/l src/sub
}
teardown() {
	cd /
	[ -z "${rotator:-}" ] || kill "$rotator"
	teardown_store
}
inside() { mybox exec c1 "$@"; }
about() { stat -c '%F %a %u:%g %y' "$1"; }

@test "cp: files and directories, new and into what is there, in and out" {
	mybox run -d --name c1 -v vol:/vol deb sh -c 'ln -s /vol/deep /to-vol; mkdir /vol/deep; exec sleep 1000'
	there() { inside test -d /to-vol; }
	wait_until 5 there
	mybox cp src/f c1:/tmp/new
	[ "$(inside stat -c '%F %a %u:%g' /tmp/new)" = "regular file 4750 1000:50" ]
	[ "$(inside cat /tmp/new)" = hello ]
	mybox cp src/f c1:tmp
	inside test -f /tmp/f
	mybox cp src c1:/tmp/dir
	[ "$(inside cat /tmp/dir/sub/deep/x)" = deep ]
	mybox cp src c1:/tmp/dir
	inside test -f /tmp/dir/src/f
	mybox cp src/. c1:/tmp/dir/src/sub
	inside test -f /tmp/dir/src/sub/sub/deep/x
	# Through a link of the container, into its volume.
	mybox cp src/f c1:/to-vol/
	inside test -f /vol/deep/f
	mybox cp src/f c1:/to-vol/../fifth
	inside test -f /vol/fifth
	# And back, byte for byte, with times.
	mybox cp c1:/tmp/dir back
	diff -r src/sub back/sub
	[ "$(stat -c %y back/f)" = "2020-01-02 03:04:05.123456789 +0000" ]
	[ "$(stat -c %y back/sub)" = "2020-01-02 03:04:05.123456789 +0000" ]
	mybox cp c1:/tmp/dir/. back
	mybox cp c1:/vol/deep .
	[ "$(cat deep/f)" = hello ]
	# Over a file that is there, and through a link that is there.
	echo old >target
	ln -s target way
	mybox cp c1:/tmp/f way
	[ -L way ]
	[ "$(cat target)" = hello ]
	# The root.
	mkdir all
	mybox cp c1:/etc/. all
	[ "$(cat all/passwd)" = "$(inside cat /etc/passwd)" ]
	[ "$(mybox events --since 1h --until 0s --filter event=copy --format '{{.Actor.Attributes.name}}' | sort -u)" = c1 ]
}

@test "cp: links, owners, modes, devices" {
	mybox run -d --name c1 deb sh -c 'cd /tmp; echo x >s; chown 7:8 s; chmod 6755 s; ln -s s l; mknod null c 1 3; mknod p p; mkdir d; chmod 2777 d; : >/ready; exec sleep 1000'
	wait_until 5 inside test -e /ready
	mybox cp src/l c1:/tmp/link
	[ "$(inside readlink /tmp/link)" = f ]
	mybox cp -L src/l c1:/tmp/file
	[ "$(inside cat /tmp/file)" = hello ]
	# Out: what a container made has no power here.
	run -0 --separate-stderr mybox cp c1:/tmp out
	[[ $stderr == *"the device 'null' is left out"* ]]
	[ "$(stat -c '%a %u:%g' out/s)" = "755 0:0" ]
	[ "$(stat -c '%a' out/d)" = 777 ]
	[ "$(readlink out/l)" = s ]
	[ ! -e out/null ]
	[ -p out/p ]
	mybox cp -a c1:/tmp kept
	[ "$(stat -c '%a %u:%g' kept/s)" = "6755 7:8" ]
	[ "$(stat -c '%F %t:%T' kept/null)" = "character special file 1:3" ]
	mybox cp c1:/tmp/l l
	[ -L l ]
	mybox cp -L c1:/tmp/l l2
	[ "$(cat l2)" = x ]
}

@test "cp: a container that does not run, with its volumes; a read-only one" {
	echo bound >src/bound
	mybox create --name c1 -v vol:/data/vol -v "$PWD/src:/data/bind:ro" --tmpfs /data/mem deb sleep 1000
	mybox cp src/f c1:/data/vol/x
	mybox cp src c1:/usr/made
	[ "$(cat "$(mybox volume inspect -f '{{.Mountpoint}}' vol)/x")" = hello ]
	mybox cp c1:/data/bind/bound .
	[ "$(cat bound)" = bound ]
	run -1 mybox cp src/f c1:/data/bind/y
	[[ $output == *"Read-only file system"* ]]
	[ ! -e src/y ]
	mybox start c1
	[ "$(inside cat /data/vol/x /usr/made/sub/deep/x)" = $'hello\ndeep' ]
	mybox cp src/f c1:/data/mem/z
	[ "$(inside cat /data/mem/z)" = hello ]
	mybox stop -t 0 c1
	mybox cp c1:/usr/made/f again
	[ "$(cat again)" = hello ]
	mybox start c1
	mybox rm -f c1
	mybox run -d --name c1 --read-only -v vol:/vol deb sleep 1000
	run -1 mybox cp src/f c1:/tmp/x
	[[ $output == *"Read-only file system"* ]]
	mybox cp src/f c1:/vol/y
	[ -z "$(grep "$root" /proc/self/mounts | grep -v ' /run/mybox-test[^ ]* ')" ]
	mybox system check
}

@test "cp: tar from stdin and to stdout" {
	mybox run -d --name c1 deb sleep 1000
	mybox cp src c1:/tmp
	[ "$(mybox cp c1:/tmp/src - | tar -t | sort | tr '\n' ' ')" = "src/ src/f src/l src/sub/ src/sub/deep/ src/sub/deep/x " ]
	[ "$(mybox cp c1:/tmp/src/. - | tar -t | sort | tr '\n' ' ')" = "./ ./f ./l ./sub/ ./sub/deep/ ./sub/deep/x " ]
	[ "$(mybox cp c1:/tmp/src/f - | tar -tv --numeric-owner | cut -c1-20)" = "-rwsr-x--- 1000/50  " ]
	[ "$(mybox cp c1:/tmp/src/l - | tar -tv | sed 's/.* l/l/')" = "l -> f" ]
	mybox exec c1 mkdir /one /two
	tar -c src | mybox cp - c1:/one
	[ "$(inside stat -c '%a %u:%g' /one/src/f)" = "4750 1000:50" ]
	tar -cz src | mybox cp - c1:/two
	mybox cp c1:/two/src - | mybox cp - c1:/tmp/src
	[ "$(inside cat /tmp/src/src/f)" = hello ]
	# A broken one changes nothing.
	tar -c src >whole.tar
	head -c 3000 whole.tar >cut.tar
	mybox exec c1 mkdir /three
	run -1 mybox cp - c1:/three <cut.tar
	[ -z "$(inside ls -A /three)" ]
	run -1 mybox cp - c1:/tmp/src/f <whole.tar
	[[ $output == *'destination "c1:/tmp/src/f" must be a directory'* ]]
	[ -z "$(ls -A "$root/aside")" ]
	# Names that mean something in a layer are names here.
	mkdir marks
	echo w >marks/.wh.x
	tar -c marks | mybox cp - c1:/tmp
	[ "$(inside cat /tmp/marks/.wh.x)" = w ]
	# Attributes of files go along.
	if setfattr -n user.color -v red src/f 2>/dev/null; then
		mybox cp src/f c1:/tmp/colored
		mybox cp c1:/tmp/colored - | grep -q 'SCHILY.xattr.user.color=red'
	fi
	# To and from one that does not run: nothing of it is held while a pipe is waited for.
	mybox stop -t 0 c1
	mybox cp c1:/tmp - | { mybox start c1 >/dev/null; cat >/dev/null; }
	mybox stop -t 0 c1
	{ mybox start c1 >/dev/null; mybox stop -t 0 c1 >/dev/null; tar -c src; } | mybox cp - c1:/tmp/marks
	mybox start c1
	[ "$(inside cat /tmp/marks/src/f)" = hello ]
	# One that is killed leaves what the next command, or a check, takes away.
	sleep 1000 | "$MYBOX" --root "$root" --runroot "$run" cp - c1:/tmp &
	waits() { [ -n "$(ls -A "$root/aside")" ]; }
	wait_until 5 waits
	mybox system check
	pkill -KILL -f -- "--root $root --runroot $run cp - c1:/tmp"
	pkill -f "^sleep 1000$" || true
	found() { ! mybox system check; }
	wait_until 5 found
	run mybox system check
	[[ $output == *"aside: an unpacked archive that nobody holds"* ]]
	run -1 mybox system check --repair
	mybox system check
	[ -z "$(ls -A "$root/aside")" ]
}

@test "cp: the whole of a container that runs" {
	mybox run -d --name c1 -v vol:/vol deb sh -c 'echo v >/vol/f; : >/ready; exec sleep 1000'
	wait_until 5 inside test -e /ready
	mybox cp c1:/ all
	[ "$(cat all/vol/f)" = v ]
	[ -d all/proc ]
	[ -z "$(ls -A all/proc all/sys | grep -v ':$')" ]
	mybox cp c1:/ - | tar -t | grep -qx './vol/f'
	mybox cp c1:/proc/version version
	[ "$(cat version)" = "$(cat /proc/version)" ]
	# A look at one that does not run changes nothing of it.
	mybox create --name c2 -v vol2:/new/place -v vol3:/etc deb true
	mybox cp c2:/etc/passwd pw
	[ -z "$(mybox diff c2)" ]
	mybox rm c2
}

@test "cp: what is refused, in docker's words" {
	mybox run -d --name c1 deb sleep 1000
	refused() { # refused TEXT ARGUMENTS...
		run -1 mybox cp "${@:2}"
		[[ $output == "mybox: "*"$1"* ]] || { echo "$output"; false; }
		[ "${#lines[@]}" = 1 ] || [[ ${lines[1]} == hint:* ]]
	}
	refused "copying between containers is not supported" c1:/a c1:/b
	refused "must specify at least one container source" a b
	refused "No such container: nosuch" nosuch:/a .
	refused "Could not find the file /nope in container c1" c1:/nope .
	refused "nope" src/nope c1:/tmp
	refused "Could not find the file /no in container c1" src/f c1:/no/x
	refused "no such directory" src/f c1:/tmp/new/
	refused 'invalid output path: directory "' c1:/etc/passwd no/x
	mybox cp src/f c1:/tmp/f
	refused "cannot copy directory" src c1:/tmp/f
	refused "Not a directory" c1:/tmp/f/ .
	mkdir -p d/f
	refused "cannot copy a file over the directory 'f'" c1:/tmp/f d
	[ -d d/f ]
	mybox exec c1 sh -c 'mkdir /tmp/loop; ln -s loop2 /tmp/loop1; ln -s loop1 /tmp/loop2'
	refused "Too many levels of symbolic links" src/f c1:/tmp/loop1
	# A link that leads out of the container leads nowhere out of it.
	mybox exec c1 sh -c 'ln -s ../../../../../../../..'"$PWD"'/src /tmp/out; ln -s /proc/self/fd/0 /tmp/magic'
	refused "Could not find the file" c1:/tmp/out/f .
	refused "Could not find the file" -L c1:/tmp/magic .
}

@test "cp: owners of a container with a user namespace" {
	mybox run -d --name c1 --userns=auto deb sleep 1000
	mybox cp src/f c1:/tmp/f
	[ "$(inside stat -c '%u:%g %a' /tmp/f)" = "1000:50 4750" ]
	[ "$(mybox cp c1:/tmp/f - | tar -tv --numeric-owner | cut -c12-18)" = "1000/50" ]
	mybox cp c1:/tmp/f f
	[ "$(stat -c '%u:%g' f)" = 0:0 ]
	run -1 mybox cp -a c1:/tmp/f g
	[[ $output == *"user namespace"* ]]
	mybox stop -t 0 c1
	mybox cp src/f c1:/tmp/g
	mybox start c1
	[ "$(inside stat -c '%u:%g' /tmp/g)" = 1000:50 ]
}

@test "cp: a container that is not there is told before a tar is read" {
	# Its writer never ends.
	mkfifo "$BATS_TEST_TMPDIR/tar"
	exec 7<>"$BATS_TEST_TMPDIR/tar"
	run -1 timeout -k 1 60 "${box[@]}" cp - nobody:/x <&7
	exec 7>&-
	[[ $output == *'No such container: nobody'* ]]
}

@test "cp: what goes meanwhile is left out" {
	mkdir -p logs/stays/below
	echo kept >logs/stays/below/x
	mybox create --name c1 -v "$PWD/logs:/logs" deb true
	# Files that become links and go, and directories.
	python3 - logs 3>&- <<-'P' &
		import os, sys
		os.chdir(sys.argv[1])
		while os.path.exists("stays/below/x"):
		    for i in range(30):
		        name = f"f{i}"
		        with open("new", "w") as f:
		            f.write("x")
		        os.rename("new", name)
		        os.symlink("x", "new")
		        os.rename("new", name)
		        if i % 3 == 0:
		            os.unlink(name)
		            os.mkdir(name)
		            os.mkdir(name + "/in")
		            os.rmdir(name + "/in")
		            os.rmdir(name)
	P
	rotator=$!
	for i in {1..25}; do
		rm -rf out
		mybox cp c1:/logs out
		[ "$(cat out/stays/below/x)" = kept ]
		mybox cp c1:/logs - >out.tar
		[ "$(tar -xOf out.tar logs/stays/below/x)" = kept ]
	done
	# But what was asked for has to be there.
	run -1 mybox cp c1:/logs/nosuch out
	[[ $output == *"Could not find the file /logs/nosuch"* ]]
}

# What was looked at and is gone when it is to be read.
@test "cp: what goes as it is read is left out" {
	requires strace
	mkdir logs
	echo kept >logs/stays
	echo x >logs/file
	ln -s x logs/link
	mybox create --name c1 -v "$PWD/logs:/logs" deb true
	while read -r name call error; do
		missing() { strace -qq -o /dev/null -P "$name" -e "trace=$call" -e "inject=$call:error=$error" "${box[@]}" cp c1:/logs "$1"; }
		missing - >out.tar
		run -0 tar -tf out.tar
		[[ $output == *logs/stays* ]]
		[[ $output != *"logs/$name"* ]]
		rm -rf out
		missing out
		[ "$(cat out/stays)" = kept ]
		[ ! -L "out/$name" ]
		[ ! -e "out/$name" ]
	done <<-'E'
		file openat ENOENT
		file openat ELOOP
		link readlinkat ENOENT
		link readlinkat EINVAL
	E
}
