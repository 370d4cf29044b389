# SPDX-License-Identifier: GPL-2.0-or-later
# What the hostile tests share: images that attack, and a canary that must not change.
load ../integration/helpers

canary=/run/mybox-test/canary
hostile=/run/mybox-test/hostile

make_canary() {
	mkdir -p "$canary/dir"
	for f in console hosts hostname resolv.conf ptmx tty dir/file; do
		echo "canary $f" >"$canary/$f"
	done
	chmod 751 "$canary"
}

canary_state() {
	(cd "$canary" && find . -printf '%p %y %m %U %G %s %T@\n' | sort && cat console hosts hostname \
		resolv.conf ptmx tty dir/file)
	cat /proc/sys/kernel/core_pattern
	sha256sum "$MYBOX"
	# Mounts of the host: nothing of ours may appear there.
	cut -d' ' -f5- /proc/self/mountinfo
}

setup_hostile() {
	[ -e "$hostile/done" ] || {
		make_canary
		python3 "$top/tests/hostile/attacks.py" "$hostile" "$canary" && touch "$hostile/done"
	}
	setup_store "${BATS_TEST_FILENAME##*/}"
	before=$(canary_state)
	export before
}

canary_lives() {
	local now
	now=$(canary_state)
	[ "$now" = "$before" ] || {
		diff <(echo "$before") <(echo "$now")
		return 1
	}
}

# hostile_image NAME...: load them
hostile_image() {
	local n
	for n in "$@"; do mybox load -q -i "$hostile/$n.tar" >/dev/null; done
}

# civil COMMAND...: it ends in time with an exit code, says at most a few lines, and no sanitizer
# speaks.  $status and $output as with run.
civil() {
	status=0
	output=$(timeout 20 "$MYBOX" --root "$root" --runroot "$run" "$@" 2>&1 </dev/null) || status=$?
	mapfile -t lines <<<"$output"
	[ "$status" -lt 124 ] || [ "$status" -ge 125 -a "$status" -le 127 ] || {
		echo "$* ended with $status: $output"
		return 1
	}
	case $output in
	*Sanitizer* | *"runtime error"* | *"ssertion"*)
		echo "$* said: $output"
		return 1
		;;
	esac
}
