#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Bundles whose root file systems lead the OCI runtime elsewhere, above all where no mount covers
# their /dev.  Links that lead out of the root come in two kinds: absolute, and up by "..".
load ../oci/helpers
eval "of_oci_$(declare -f setup)"
eval "of_oci_$(declare -f teardown)"
load helpers

setup_file() { make_canary; }
setup() {
	of_oci_setup
	before=$(canary_state) mounts=$(host_mounts)
}
teardown() {
	of_oci_teardown
	canary_lives
}

up=../../../../../../../../..
links=("$canary" "$up$canary")
no_dev='c["mounts"] = [m for m in c["mounts"] if not m["destination"].startswith("/dev")]'

# attempt OPTION...: run the bundle $b; it works or is refused in one line, and the canary lives.
attempt() {
	status=0
	output=$(timeout 60 "$OCI" --root "$state" run --bundle "$b" "$@" $n 2>&1 </dev/null) || status=$?
	[ "$status" -le 1 ] && [ "$(grep -c . <<<"$output")" -le 1 ] && [[ "$output" != *anitizer* ]] || {
		echo "ended with $status: $output"
		return 1
	}
	is_gone $n
	canary_lives
}

@test "a /dev that is a link, with a mount on it and without" {
	local to how
	for to in "${links[@]}"; do
		for how in "$no_dev" pass 'c["mounts"] = [m for m in c["mounts"] if m["destination"] != "/dev"]'; do
			rm -rf "$dir/b"
			b=$(bundle b "$how" 'p["args"] = ["true"]' 'c["root"]["readonly"] = False')
			rmdir "$b/rootfs/dev"
			ln -s "$to" "$b/rootfs/dev"
			attempt
			attempt --no-pivot
		done
	done
}

@test "nodes that are links, or something else" {
	local name to
	b=$(bundle b "$no_dev" 'p["args"] = ["true"]' 'c["root"]["readonly"] = False')
	for name in null zero full random urandom tty; do
		for to in "${links[@]}"; do
			ln -s "$to/made" "$b/rootfs/dev/$name"
			attempt
			[[ "$output" == *"is something else"* ]]
			rm "$b/rootfs/dev/$name"
		done
		echo file >"$b/rootfs/dev/$name"
		attempt
		[[ "$output" == *"is something else"* ]]
		[ "$(cat "$b/rootfs/dev/$name")" = file ]
		rm "$b/rootfs/dev/$name"
	done
	# Devices of the document's, by a link and by "..".
	ln -s "$canary" "$b/rootfs/out"
	ln -s "$up$canary" "$b/rootfs/up"
	for to in /out/made /up/made /up/dir/made /dev/../out/made "/dev/$up$canary/made"; do
		config "$b" "l['devices'] = [{'path': '$to', 'type': 'c', 'major': 1, 'minor': 3}]"
		attempt
	done
}

@test "a console that is a link" {
	requires script
	local name to
	b=$(bundle b "$no_dev" 'c["mounts"].append({"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666", "mode=0620"]})' \
		'p["args"] = ["tty"]' 'p["terminal"] = True' 'c["root"]["readonly"] = False')
	mkdir "$b/rootfs/dev/pts"
	for to in "${links[@]}"; do
		for name in made console; do
			ln -sfn "$to/$name" "$b/rootfs/dev/console"
			status=0
			output=$(timeout 60 script -qec "'$OCI' --root '$state' run --bundle '$b' $n" /dev/null </dev/null) || status=$?
			[ "$status" = 1 ]
			[[ "$output" == *"/dev/console"* ]]
			is_gone $n
			canary_lives
		done
	done
	# Where terminals come from is a link.
	rm "$b/rootfs/dev/console"
	rmdir "$b/rootfs/dev/pts"
	ln -s "$canary" "$b/rootfs/dev/pts"
	timeout 60 script -qec "'$OCI' --root '$state' run --bundle '$b' $n" /dev/null </dev/null || true
	is_gone $n
	canary_lives
}

@test "mounts through links" {
	local to at
	mkdir "$dir/src"
	echo source >"$dir/src/file"
	b=$(bundle b 'p["args"] = ["true"]' 'c["root"]["readonly"] = False' 'had = list(c["mounts"])')
	cp "$b/config.json" "$dir/good"
	for to in "${links[@]}"; do
		ln -sfn "$to" "$b/rootfs/way"
		for at in /way/made /way/dir/made /way/../way/made; do
			cp "$dir/good" "$b/config.json"
			config "$b" "c['mounts'] += [{'destination': '$at', 'type': 'bind', 'source': '$dir/src', 'options': ['rbind']}, {'destination': '$at-file', 'type': 'bind', 'source': '$dir/src/file', 'options': ['bind']}, {'destination': '$at-tmp', 'type': 'tmpfs', 'source': 'tmpfs'}]"
			attempt
			config "$b" "p['cwd'] = '$at-work'"
			attempt
		done
	done
	for at in proc sys; do
		cp "$dir/good" "$b/config.json"
		mv "$b/rootfs/$at" "$b/rootfs/was-$at"
		for to in "${links[@]}" /etc; do
			ln -sfn "$to" "$b/rootfs/$at"
			attempt
			[[ "$output" == *"no ordinary directory"* ]]
		done
		rm "$b/rootfs/$at"
		mv "$b/rootfs/was-$at" "$b/rootfs/$at"
	done
}
