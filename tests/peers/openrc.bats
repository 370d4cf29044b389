#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/boot/mybox-boot.openrc, by OpenRC itself: unpacked over this machine's root in a mount
# namespace, with a store of its own.
load ../integration/helpers

setup_file() { :; }
setup() {
	debs=$top/build/openrc
	[ -e "$debs/done" ] || skip "needs OpenRC's packages: tests/support/install openrc"
	own_store
	ensure_images
	local deb
	over=$(mktemp -d /run/mybox-test/openrc.XXXXXX)
	mkdir "$over/upper" "$over/work" "$over/root"
	mount -t overlay -o "lowerdir=/,upperdir=$over/upper,workdir=$over/work" none "$over/root"
	there=$over/root
	for deb in "$debs"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$there"
	done
	mount -t tmpfs -o mode=755 none "$there/run"
	mkdir -p "$there/var/lib/mybox"
	mount -t tmpfs -o mode=755 none "$there/var/lib/mybox"
	mount --rbind /proc "$there/proc"
	mount --rbind /sys "$there/sys"
	mount --rbind /dev "$there/dev"
	install -m 755 "$MYBOX" "$there/usr/bin/mybox"
	install -m 755 "$top/contrib/boot/mybox-boot.openrc" "$there/etc/init.d/mybox-boot"
	cp "$images/deb.tar" "$there/run/deb.tar"
	inside mybox load -q -i /run/deb.tar
	inside openrc sysinit
	inside openrc boot
	inside rc-update add mybox-boot default
}
inside() { chroot "$there" "$@"; }
teardown() {
	[ -n "${there:-}" ] || return 0
	local ids
	ids=$(inside mybox ps -aq)
	# shellcheck disable=SC2086 # words are split on purpose
	[ -z "$ids" ] || inside mybox rm -f $ids
	wait_until 10 inside mybox system check
	umount -R -l "$there"
	rm -rf "$over"
}

is() { [ "$(inside mybox inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }
service_is() { inside rc-service mybox-boot status | grep -q "status: $1"; }
# All processes end at once, and what RUN holds is of another boot.
reboot() {
	local pids
	pids=$(sed -E 's/.*"monitor":([0-9]+),.*/\1/' "$there"/run/mybox/c/*/state.json)
	pids+=" $(sed -E 's/.*"pid":([0-9]+),.*/\1/' "$there"/run/mybox/c/*/state.json)"
	# shellcheck disable=SC2086 # words are split on purpose
	kill -9 $pids 2>/dev/null || true
	wait_until 10 is_calm
	echo 00000000-0000-0000-0000-000000000000 >"$there/run/mybox/boot_id"
}
is_calm() { [ -z "$(inside mybox ps -q)" ]; }

@test "OpenRC: the runlevel starts what is to run, once, and stopping the service stops nobody" {
	inside mybox run -d --name always --network none --restart always deb sleep 1000
	inside mybox run -d --name plain --network none deb sleep 1000
	reboot
	run -0 inside openrc default
	[[ $output != *ERROR* ]]
	service_is started
	is always running
	is plain exited
	run inside rc-service mybox-boot start
	[[ $output == *'already been started'* ]]
	run -0 inside rc-service mybox-boot stop
	service_is stopped
	is always running
}

@test "OpenRC: a container that cannot start makes the service fail" {
	mkdir "$there/run/data"
	inside mybox run -d --name always --network none --restart always --mount type=bind,src=/run/data,dst=/data deb sleep 1000
	reboot
	rmdir "$there/run/data"
	run -1 inside rc-service mybox-boot start
	[[ $output == *"cannot start container 'always'"* ]]
	service_is stopped
	mkdir "$there/run/data"
	run -0 inside rc-service mybox-boot start
	service_is started
}
