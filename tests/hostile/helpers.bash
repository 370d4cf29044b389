# SPDX-License-Identifier: GPL-2.0-or-later
# What the hostile tests share: images that attack, and a canary that must not change.
load ../integration/helpers

canary=/run/mybox-test/canary
hostile=/run/mybox-test/hostile
attack=/run/mybox-test/attack
with_attack=(-v "$attack:/attack:ro")

make_canary() {
	mkdir -p "$canary/dir"
	for f in console hosts hostname resolv.conf ptmx tty dir/file; do
		echo "canary $f" >"$canary/$f"
	done
	echo evil:x:0:0::/:/bin/sh >"$canary/passwd"
	chmod 751 "$canary"
}

canary_state() {
	(cd "$canary" && find . -printf '%p %y %m %U %G %s %T@\n' | sort && cat console hosts hostname \
		resolv.conf ptmx tty dir/file)
	cat /proc/sys/kernel/core_pattern /proc/sys/kernel/panic /proc/sys/kernel/domainname
	sha256sum "$MYBOX"
}

# Mounts of the host: nothing of ours may appear there, nothing that was may go or change.  Of those
# beside the system's and the tests' own others may take away what is theirs, with the directory
# that it was mounted on, and change the settings of their file systems: these were inherited.
host_mounts() {
	awk '$5 ~ "^/((proc|sys|dev|run/mybox-test)(/|$)|$)" { $1 = $2 = $3 = $4 = ""; print }
		$5 !~ "^/((proc|sys|dev|run/mybox-test)(/|$)|$)" { print "others", $5, $6 }' \
		/proc/self/mountinfo | sort
}

mounts_live() {
	local now new lost
	now=$(host_mounts)
	new=$(comm -13 <(echo "$mounts") <(echo "$now"))
	lost=$(comm -23 <(echo "$mounts") <(echo "$now") | sed '/^others /d')
	[ -z "$new$lost" ] || {
		echo "mounts of the host: new '$new', lost '$lost'"
		return 1
	}
}

setup_hostile() {
	[ -e "$hostile/done" ] || {
		make_canary
		gcc -O1 -static -D_GNU_SOURCE -o "$attack" "$top/tests/hostile/attack.c"
		python3 "$top/tests/hostile/attacks.py" "$hostile" "$canary" && touch "$hostile/done"
	}
	setup_store "${BATS_TEST_FILENAME##*/}"
	before=$(canary_state) mounts=$(host_mounts)
	export before mounts
}

canary_lives() {
	local now
	now=$(canary_state)
	[ "$now" = "$before" ] || {
		diff <(echo "$before") <(echo "$now")
		return 1
	}
	mounts_live
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
	output=$(timeout 60 "$MYBOX" --root "$root" --runroot "$run" "$@" 2>&1 </dev/null) || status=$?
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

# refused WORD COMMAND...: it fails, as mybox's own failure, in one line that has WORD.
refused_with() {
	local word=$1
	shift
	civil "$@"
	[ "$status" = 125 ] && [[ "$output" == *"$word"* ]] || {
		echo "'$*' ended with $status: $output"
		return 1
	}
}

# attacker NAME OPTIONS... -- ARG...: a container that runs attack ARG... until it is removed; returns
# when it is at work.
attacker() {
	local name=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	mybox run -d --name "$name" "${with_attack[@]}" "${options[@]}" deb /attack "$@" >/dev/null
	wait_until 60 says_ing "$name"
}
says_ing() { mybox logs "$1" | grep -q 'ing$'; }

# saw_nothing NAME: the snooper in the container NAME has written no line.
saw_nothing() {
	local lines
	lines=$(mybox exec "$1" cat /found)
	[ -z "$lines" ] || {
		echo "$lines" | cut -c1-200 | sort | uniq -c | sort -rn | head
		return 1
	}
}
