#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Images from docker's own registry.
load helpers

plain=127.0.0.1:5000

serve_file() {
	start_registry 5000
	copy --dest-tls-verify=false "docker-archive:$images/deb.tar" "docker://$plain/base/deb:1"
	copy --dest-tls-verify=false --dest-compress-format zstd --format oci \
		"docker-archive:$images/deb.tar" "docker://$plain/base/zstd:1"
	start_server 5001 --other=5999
}

teardown() {
	mybox images -q | sort -u | xargs -r "${box[@]}" rmi -f >/dev/null
	teardown_store
	[ -z "$(ls "$root/downloads" 2>/dev/null)" ]
}

digest() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$1"; }

@test "pull: what is said, the image runs, and its digest is known" {
	wanted=$(digest $plain/base/deb:1)
	run -0 --separate-stderr mybox pull $plain/base/deb:1
	[ "${lines[0]}" = "1: Pulling from base/deb" ]
	[ "${lines[1]}" = "Digest: $wanted" ]
	[ "${lines[2]}" = "Status: Downloaded newer image for $plain/base/deb:1" ]
	[ "${lines[3]}" = "$plain/base/deb:1" ]
	[ ${#lines[@]} = 4 ]
	[[ $stderr =~ [0-9a-f]{12}:\ Pull\ complete ]]
	run -0 mybox run --rm $plain/base/deb:1 echo hello
	[ "$output" = hello ]
	run -0 mybox images --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}' $plain/base/deb
	[ "$output" = "$plain/base/deb 1 $wanted" ]
	run -0 mybox inspect -f '{{.RepoTags}} {{.RepoDigests}}' $plain/base/deb:1
	[ "$output" = "[$plain/base/deb:1] [$plain/base/deb@$wanted]" ]
	run -0 mybox inspect -f '{{.Id}}' "$plain/base/deb@$wanted"
	[ "$output" = "$(mybox inspect -f '{{.Id}}' $plain/base/deb:1)" ]
}

@test "pull: a second time nothing is fetched" {
	mybox pull -q 127.0.0.1:5001/good/a
	run -0 requests 5001 'GET .*/blobs/'
	[ "$output" = 4 ]
	run -0 --separate-stderr mybox pull 127.0.0.1:5001/good/a
	[ "${lines[0]}" = "Using default tag: latest" ]
	[ "${lines[3]}" = "Status: Image is up to date for 127.0.0.1:5001/good/a:latest" ]
	[[ $stderr =~ Already\ exists ]]
	run -0 requests 5001 'GET .*/blobs/'
	[ "$output" = 5 ] # the configuration
}

@test "pull: a registry whose name has no address" {
	run -1 mybox pull nowhere.invalid/a
	[[ $output == *"cannot pull 'nowhere.invalid/a:latest': nowhere.invalid: "*"resolve host"* ]]
}

@test "run and create pull what is missing, and keep stdout to themselves" {
	run -0 --separate-stderr mybox run --rm $plain/base/deb:1 echo hello
	[ "$output" = hello ]
	[[ $stderr == "Unable to find image '$plain/base/deb:1' locally"*"1: Pulling from base/deb"*"Status: Downloaded newer image for $plain/base/deb:1"* ]]
	run -0 --separate-stderr mybox run --rm $plain/base/deb:1 echo again
	[ "$output" = again ]
	[ -z "$stderr" ]
	mybox rmi $plain/base/deb:1
	run -0 --separate-stderr mybox create -q --name c1 $plain/base/deb:1 true
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	[ -z "$stderr" ]
	mybox rm c1
}

@test "run --pull: never, always, and a registry that has it not" {
	run -125 mybox run --rm --pull never $plain/base/deb:1 true
	[ "$output" = "mybox: No such image: $plain/base/deb:1" ]
	run -125 mybox run --rm --name c1 $plain/base/nothing true
	[[ $output == *"cannot pull '$plain/base/nothing:latest'"* ]]
	[ -z "$(mybox ps -aq)" ]
	run -125 mybox run --rm Upper/Case true
	[[ $output == *lowercase* ]]
	mybox pull -q $plain/base/deb:1
	mybox tag $plain/base/deb:1 127.0.0.1:5001/good/a
	run -0 --separate-stderr mybox create --pull always --name c1 127.0.0.1:5001/good/a true
	[[ $stderr == "latest: Pulling from good/a"*"Downloaded newer image"* ]]
	[ "$(mybox inspect -f '{{.Image}}' c1)" = "$(mybox inspect -f '{{.Id}}' 127.0.0.1:5001/good/a)" ]
	[ "$(mybox inspect -f '{{.Id}}' 127.0.0.1:5001/good/a)" != "$(mybox inspect -f '{{.Id}}' $plain/base/deb:1)" ]
	run -1 mybox create --pull always nowhere.invalid/a
	[[ $output == *"resolve host"* ]]
	mybox rm c1
}

@test "pull -q prints the canonical name alone" {
	run -0 --separate-stderr mybox pull -q $plain/base/deb:1
	[ "$output" = "$plain/base/deb:1" ]
	[ -z "$stderr" ]
}

@test "pull by digest: the name has it, and rmi takes it off" {
	wanted=$(digest $plain/base/deb:1)
	run -0 mybox pull -q "$plain/base/deb@$wanted"
	[ "$output" = "$plain/base/deb@$wanted" ]
	run -0 mybox run --rm "$plain/base/deb@$wanted" echo hello
	[ "$output" = hello ]
	run -0 mybox rmi "$plain/base/deb@$wanted"
	[ "${lines[0]}" = "Untagged: $plain/base/deb@$wanted" ]
	[[ ${lines[1]} = Deleted:\ sha256:* ]]
}

@test "pull: a digest that the registry does not have, and a name" {
	run -1 --separate-stderr mybox pull -q "$plain/base/deb@sha256:$(printf '%064d' 1)"
	[[ $stderr = "mybox: cannot pull "*"manifest unknown" ]]
	run -1 --separate-stderr mybox pull -q $plain/base/none
	[ "$stderr" = "mybox: cannot pull '$plain/base/none:latest': manifest for $plain/base/none:latest not found: manifest unknown" ]
}

@test "pull: a layer compressed with zstd" {
	mybox pull -q $plain/base/zstd:1
	run -0 mybox run --rm $plain/base/zstd:1 echo hello
	[ "$output" = hello ]
}

@test "pull: of an index, this machine's image or the one of --platform" {
	requires_amd64
	run -0 mybox pull -q 127.0.0.1:5001/good/b:index
	run -0 mybox inspect -f '{{.Architecture}}' 127.0.0.1:5001/good/b:index
	[ "$output" = amd64 ]
	run -0 --separate-stderr mybox pull --platform linux/arm64 127.0.0.1:5001/good/b:index
	[[ $output =~ "Downloaded newer image" ]]
	run -0 mybox inspect -f '{{.Architecture}}' 127.0.0.1:5001/good/b:index
	[ "$output" = arm64 ]
	run -1 --separate-stderr mybox pull -q --platform linux/mips 127.0.0.1:5001/good/b:index
	[[ $stderr =~ "no matching manifest for linux/mips" ]]
	run -1 --separate-stderr mybox pull -q --platform windows/amd64 127.0.0.1:5001/good/b:index
	[[ $stderr =~ "invalid platform 'windows/amd64'" ]]
}

@test "create --platform pulls what is here for another one" {
	requires_amd64
	name=127.0.0.1:5001/good/b:index
	mybox pull -q $name
	run -0 --separate-stderr mybox create --name first --platform linux/amd64 $name true
	[ -z "$stderr" ]
	run -1 mybox create --platform linux/arm64 --pull never $name true
	[ "$output" = "mybox: image with reference $name was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)" ]
	run -0 --separate-stderr mybox create --name second --platform linux/arm64 $name true
	[[ $stderr == "Unable to find image '$name' locally"*"Status: Downloaded newer image for $name"* ]]
	[ "$(mybox inspect -f '{{.Architecture}}' "$(mybox inspect -f '{{.Image}}' second)")" = arm64 ]
	[ "$(mybox inspect -f '{{.Architecture}}' "$(mybox inspect -f '{{.Image}}' first)")" = amd64 ]
	run -1 --separate-stderr mybox create -q --platform linux/mips $name true
	[[ $stderr == "mybox: image with reference $name was found but its platform (linux/arm64) does not match the specified platform (linux/mips): "*"no matching manifest for linux/mips"* ]]
	[ ${#stderr_lines[@]} = 1 ]
	[ "$(mybox ps -aq | wc -l)" = 2 ]
	mybox rm first second
}

@test "pull: of the variants of an architecture, the newest that the wanted one can run" {
	local row
	for row in arm/v6:v6 arm/v7:v7 arm/v8:v8 arm:v7 arm/v9:v8; do
		run -0 mybox pull -q --platform "linux/${row%:*}" 127.0.0.1:5001/good/b:arm
		run -0 mybox inspect -f '{{.Architecture}} {{.Variant}}' 127.0.0.1:5001/good/b:arm
		[ "$output" = "arm ${row#*:}" ]
	done
	run -1 --separate-stderr mybox pull -q --platform linux/arm/v5 127.0.0.1:5001/good/b:arm
	[[ $stderr =~ "no matching manifest for linux/arm/v5 in the manifest list entries" ]]
	[ "${#stderr_lines[@]}" = 1 ]
	# What is here stays what it was.
	run -0 mybox inspect -f '{{.Variant}}' 127.0.0.1:5001/good/b:arm
	[ "$output" = v8 ]
}

requires_amd64() { [ "$(uname -m)" = x86_64 ] || skip "needs an amd64 machine"; }

@test "pull: short names and mirrors of registries.json" {
	cat >"$MYBOX_REGISTRIES" <<-EOT
		{"short-names": {"mine": "$plain/base/deb"},
		 "registries": {"docker.io": {"mirrors": ["127.0.0.1:5999", "$plain"]}}}
	EOT
	run -0 mybox pull -q mine:1
	[ "$output" = "$plain/base/deb:1" ]
	run -0 mybox pull -q base/deb:1
	[ "$output" = docker.io/base/deb:1 ]
	run -0 mybox run --rm base/deb:1 echo hello
	[ "$output" = hello ]
	echo '{"registries": []}' >"$MYBOX_REGISTRIES"
	run -1 --separate-stderr mybox pull -q mine:1
	[[ $stderr = "mybox: '$MYBOX_REGISTRIES': "* ]]
}

image_of() { mybox inspect -f '{{.Config.Image}} {{.Image}}' "$1"; }

@test "run, create and push: short names of registries.json" {
	cat >"$MYBOX_REGISTRIES" <<<"{\"short-names\": {\"mine\": \"$plain/base/deb\", \"deb\": \"mine\"}}"
	run -125 --separate-stderr mybox run --rm --pull never mine:1 true
	[ "$stderr" = "mybox: No such image: $plain/base/deb:1" ]
	run -0 --separate-stderr mybox run --name first mine:1 echo hello
	[ "$output" = hello ]
	[[ $stderr == "Unable to find image '$plain/base/deb:1' locally"*"Status: Downloaded newer image for $plain/base/deb:1"* ]]
	id=$(mybox inspect -f '{{.Id}}' $plain/base/deb:1)
	[ "$(image_of first)" = "$plain/base/deb:1 $id" ]
	# It is here now.
	run -0 --separate-stderr mybox create --pull never --name second mine:1 true
	[ -z "$stderr" ]
	[ "$(image_of second)" = "$plain/base/deb:1 $id" ]
	run -0 --separate-stderr mybox create --pull always --name third mine:1 true
	[[ $stderr == "1: Pulling from base/deb"*"Image is up to date for $plain/base/deb:1"* ]]
	[ "$(image_of third)" = "$plain/base/deb:1 $id" ]
	# One step: what a short name stands for is not short for a third one.
	run -125 --separate-stderr mybox run --rm --pull never deb true
	[ "$stderr" = "mybox: No such image: mine:latest" ]
	# An image here of that very name goes before, and is what is sent.
	mybox build -q -t mine:1 - <<<"FROM $plain/base/deb:1"$'\nLABEL own=yes' >/dev/null
	own=$(mybox inspect -f '{{.Id}}' mine:1)
	[ "$own" != "$id" ]
	mybox create --name fourth mine:1 true
	[ "$(image_of fourth)" = "mine:1 $own" ]
	mybox tag mine:1 mine:2
	run -0 mybox push mine:2
	[ "${lines[0]}" = "The push refers to repository [$plain/base/deb]" ]
	mybox rm first second third fourth
	mybox rmi mine:1 mine:2 $plain/base/deb:1 >/dev/null
	mybox pull -q mine:2
	[ "$(mybox inspect -f '{{.Id}}' $plain/base/deb:2)" = "$own" ]
	run -1 --separate-stderr mybox push mine:3
	[[ $stderr == *"An image does not exist locally with the tag: $plain/base/deb:3" ]]
}

@test "pull: a mirror that has the manifest, but not all of the image" {
	local port=5005
	for behaviour in blob-gone blob-denied blob-html no-config; do
		start_server $port --as=$behaviour
		echo "{\"registries\": {\"127.0.0.1:5001\": {\"mirrors\": [\"127.0.0.1:$port\"]}}}" >"$MYBOX_REGISTRIES"
		run -0 --separate-stderr mybox pull -q 127.0.0.1:5001/good/mirrored
		[ "$output" = 127.0.0.1:5001/good/mirrored:latest ]
		[ -z "$stderr" ]
		run -0 requests $port "GET /v2/good/mirrored/blobs/"
		[ "$output" -ge 1 ]
		mybox rmi 127.0.0.1:5001/good/mirrored
		port=$((port + 1))
	done
	# What the last of all says is what is said.
	echo '{"registries": {"127.0.0.1:5999": {"mirrors": ["127.0.0.1:5005"]}}}' >"$MYBOX_REGISTRIES"
	run -1 --separate-stderr mybox pull -q 127.0.0.1:5999/good/mirrored
	[[ $stderr = "mybox: cannot pull '127.0.0.1:5999/good/mirrored:latest': 127.0.0.1:5999: "*onnect* ]]
	# What that one has left goes with an image that has it.
	mybox pull -q 127.0.0.1:5001/good/mirrored
	mybox rmi 127.0.0.1:5001/good/mirrored
}

@test "pull: a registry that is not there" {
	run -1 --separate-stderr mybox pull -q 127.0.0.1:5999/x
	[[ $stderr = "mybox: cannot pull '127.0.0.1:5999/x:latest': 127.0.0.1:5999: "*onnect* ]]
	[ "${#stderr_lines[@]}" = 1 ]
}

@test "pull: twenty at once, of five images that share layers, fetch each blob once" {
	pids=()
	for i in {1..20}; do
		"${box[@]}" pull -q "127.0.0.1:5001/good/many-$((i % 5)):variant-$((i % 5))" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	digests=$(for i in {0..4}; do
		skopeo inspect --raw --tls-verify=false docker://127.0.0.1:5001/good/x:variant-$i |
			grep -o '"layers".*' | grep -o 'sha256:[0-9a-f]*'
	done | sort -u)
	[ "$(wc -l <<<"$digests")" = 7 ]
	for digest in $digests; do
		run -0 requests 5001 "GET /v2/good/many-[0-4]/blobs/$digest"
		[ "$output" = 1 ]
	done
	[ "$(mybox images -q | sort -u | wc -l)" = 5 ]
}

# last_blob NAME: the digest of its last layer, without "sha256:".
last_blob() {
	skopeo inspect --raw --tls-verify=false "docker://$1" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["layers"][-1]["digest"][7:])'
}

@test "pull: a blob stays as long as another pull still wants it" {
	start_server 5004
	hex=$(last_blob 127.0.0.1:5004/good/x:alone)
	"${box[@]}" pull -q 127.0.0.1:5004/gate/x:stacked 3>&- &
	local pull=$!
	# It is there, and its layer comes after one that does not.
	wait_until 30 test -e "$root/downloads/$hex"
	mybox pull -q 127.0.0.1:5004/good/x:alone
	[ -e "$root/downloads/$hex" ]
	touch "$work/5004.server/open"
	wait $pull
	run -0 requests 5004 "GET .*/blobs/sha256:$hex"
	[ "$output" = 1 ]
}

@test "pull: what a power cut has left of a blob is fetched anew" {
	local hex=$(last_blob 127.0.0.1:5001/good/x:alone)
	mkdir -p "$root/downloads"
	: >"$root/downloads/$hex"
	mybox pull -q 127.0.0.1:5001/good/x:alone
	mybox rmi 127.0.0.1:5001/good/x:alone
	head -c 100000 /dev/zero >"$root/downloads/$hex"
	mybox pull -q 127.0.0.1:5001/good/x:alone
	size=$(mybox image inspect -f '{{.Size}}' 127.0.0.1:5001/good/x:alone)
	[ "$size" -ge 8192 ]
	mybox rmi 127.0.0.1:5001/good/x:alone
	# As long as it should be, and nothing in it.
	size=$(skopeo inspect --raw --tls-verify=false docker://127.0.0.1:5001/good/x:alone |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["layers"][0]["size"])')
	head -c "$size" /dev/zero >"$root/downloads/$hex"
	run -1 mybox pull -q 127.0.0.1:5001/good/x:alone
	[ ! -e "$root/downloads/$hex" ]
	mybox pull -q 127.0.0.1:5001/good/x:alone
}

@test "pull -a: all tags of a repository, which come in pages" {
	copy --dest-tls-verify=false "docker-archive:$images/deb.tar" "docker://$plain/many/deb:2"
	copy --dest-tls-verify=false "docker-archive:$images/deb.tar" "docker://$plain/many/deb:1"
	run -0 --separate-stderr mybox pull -a $plain/many/deb
	[ "${lines[0]}" = "1: Pulling from many/deb" ]
	[ "${lines[1]}" = "Digest: $(digest $plain/many/deb:1)" ]
	[ "${lines[2]}" = "2: Pulling from many/deb" ]
	[ "${lines[4]}" = "Status: Downloaded newer image for $plain/many/deb" ]
	[ "${lines[5]}" = "$plain/many/deb" ]
	[ ${#lines[@]} = 6 ]
	run -0 mybox images --format '{{.Tag}}' $plain/many/deb
	[ "$(sort <<<"$output" | xargs)" = "1 2" ]
	run -0 mybox pull -aq $plain/many/deb
	[ "$output" = "$plain/many/deb" ]
	run -0 mybox pull -aq 127.0.0.1:5001/tags/x
	run -0 mybox images --format '{{.Tag}}' 127.0.0.1:5001/tags/x
	[ "$(sort <<<"$output" | xargs)" = "index latest" ]
}

@test "pull -a: lists that are none" {
	run -1 --separate-stderr mybox pull -a $plain/base/deb:1
	[ "$stderr" = "mybox: tag can't be used with --all-tags/-a" ]
	run -1 --separate-stderr mybox pull -a $plain/base/none
	[[ $stderr = "mybox: cannot list the tags of '$plain/base/none': no list: "*"(status 404)" ]]
	for row in "tags-none|it has no tags" "tags-html|the list: " "tags-loop|the list has no end" \
		"tags-elsewhere|the list goes on at another host"; do
		run -1 --separate-stderr mybox pull -a "127.0.0.1:5001/${row%|*}/x"
		[[ $stderr = *"cannot list the tags of '127.0.0.1:5001/${row%|*}/x': ${row#*|}"* ]]
	done
	[ -z "$(mybox images -q)" ]
}

@test "pull and push: bars and one in all on a terminal, no bar elsewhere" {
	cat >"$work/screen.py" <<-'EOT'
		import fcntl, os, pty, re, struct, sys, termios
		pid, fd = pty.fork()
		if pid == 0:
		    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
		    os.execv(sys.argv[1], sys.argv[1:])
		seen = b""
		try:
		    while data := os.read(fd, 65536):
		        seen += data
		except OSError:
		    pass
		assert os.waitpid(pid, 0)[1] == 0, seen
		# What is on the screen at the end: each redraw begins some lines further up.
		lines, row = [], 0
		for part in re.findall(r"\x1b\[\d+A|\x1b\[K|\n|[^\x1b\n]+", seen.decode().replace("\r", "")):
		    if up := re.fullmatch(r"\x1b\[(\d+)A", part):
		        row -= int(up.group(1))
		    elif part == "\n":
		        row += 1
		    elif part != "\x1b[K":
		        lines[len(lines):] = [""] * (row + 1 - len(lines))
		        lines[row] = part
		print("\n".join(lines))
	EOT
	run -0 python3 "$work/screen.py" "${box[@]}" pull 127.0.0.1:5001/good/bars
	echo "$output"
	[ "$(grep -cE '^[0-9a-f]{12}: Pull complete$' <<<"$output")" = 3 ]
	[ "$(grep -c '^in all: Done$' <<<"$output")" = 1 ]
	mybox tag 127.0.0.1:5001/good/bars 127.0.0.1:5001/good/bars:2
	run -0 python3 "$work/screen.py" "${box[@]}" push 127.0.0.1:5001/good/bars:2
	[ "$(grep -cE '^[0-9a-f]{12}: Layer already exists$' <<<"$output")" = 3 ]
	run -0 python3 "$work/screen.py" "${box[@]}" push --compression-level 9 127.0.0.1:5001/good/bars:2
	[ "$(grep -cE '^[0-9a-f]{12}: Layer already exists$' <<<"$output")" = 3 ]
	run -0 python3 "$work/screen.py" "${box[@]}" push --compression-format zstd 127.0.0.1:5001/good/bars:2
	[ "$(grep -cE '^[0-9a-f]{12}: Pushed$' <<<"$output")" = 3 ]
	[ "$(grep -c '^in all: Done$' <<<"$output")" = 1 ]
	run -0 python3 "$work/screen.py" "${box[@]}" pull -q 127.0.0.1:5001/good/bars
	[ "$output" = 127.0.0.1:5001/good/bars:latest ]
	mybox rmi 127.0.0.1:5001/good/bars 127.0.0.1:5001/good/bars:2
	run -0 mybox pull 127.0.0.1:5001/good/bars
	[[ $output != *$'\x1b'* ]]
	[ "$(grep -cE '^[0-9a-f]{12}: (Pulling fs layer|Download complete|Pull complete)$' <<<"$output")" = 9 ]
}

@test "pull and load: bars tell how far, how fast and how long still" {
	start_server 5003
	cat >"$BATS_TEST_TMPDIR/bars.py" <<-'EOT'
		import re, sys
		from screen import Terminal
		size, rate = r"[0-9.]+(e\+02)?[kM]?B", r"[0-9.]+(e\+02)?[kM]?B/s"
		def has(pattern):
		    return lambda s: any(re.match(pattern, line) for line in s.lines())
		gate = sys.argv[1]
		t = Terminal(sys.argv[2:], columns=120)
		# Half of the big layer is here, and no more comes.
		bar = r" \[=+> *\] 1\.\d+MB/3\.\d+MB  %s  \d+s left$" % rate
		t.wait(has("[0-9a-f]{12}: Downloading" + bar))
		t.wait(has("in all: Transferring" + bar))
		# What has come to its end is told without.
		t.wait(has("[0-9a-f]{12}: Pull complete$"))
		open(gate, "w").close()
		t.wait(has("in all: Done$"))
		assert t.end() == 0
		assert not has(".*left")(t.screen), t.screen.text()
	EOT
	PYTHONPATH=$BATS_TEST_DIRNAME/../support run python3 "$BATS_TEST_TMPDIR/bars.py" "$work/5003.server/open" \
		"${box[@]}" pull 127.0.0.1:5003/gate/bars
	echo "$output"
	[ "$status" = 0 ]
	mybox rmi 127.0.0.1:5003/gate/bars
	# A layer that takes its time, as it has 10 GB of nothing; whoever has seen enough ends it.
	cat >"$BATS_TEST_TMPDIR/load.py" <<-'EOT'
		import hashlib, re, sys
		import archives
		from screen import Terminal
		small = archives.tar(archives.file("x"))
		ids = ["sha256:" + d for d in (hashlib.sha256(small).hexdigest(), "0" * 64)]
		with open(sys.argv[1], "wb") as f:
		    f.write(archives.docker([small, archives.zstd_bomb(10 << 30)], config=archives.configuration(
		        [], rootfs={"type": "layers", "diff_ids": ids})))
		t = Terminal(sys.argv[2:] + ["-i", sys.argv[1]], columns=120)
		bar = r"[=>]+ *\] [0-9.]+(e\+02)?k?B/[0-9]+kB  [0-9.e+]+k?B/s  \d+s left$"
		t.wait(lambda s: re.search("^000000000000: Loading layer \\[" + bar, s.text(), re.M)
		       and re.search("^in all: Loading \\[" + bar, s.text(), re.M))
		t.wait(ids[0][7:19] + ": Loaded")
		t.send("\x03")
		assert t.end() not in (0, 1), t.screen.text()
	EOT
	PYTHONPATH=$BATS_TEST_DIRNAME/../support:$BATS_TEST_DIRNAME/../hostile PYTHONDONTWRITEBYTECODE=1 run -0 \
		python3 "$BATS_TEST_TMPDIR/load.py" "$work/bars.tar" "${box[@]}" load --max-layer-size 20g
	[ -z "$(mybox images -q)" ]
	mybox system check --repair || [ $? = 1 ]
	mybox system check
	# One that comes to its end says so.
	mybox pull -q 127.0.0.1:5003/good/bars
	mybox save -o "$work/bars.tar" 127.0.0.1:5003/good/bars
	mybox rmi 127.0.0.1:5003/good/bars
	cat >"$BATS_TEST_TMPDIR/load.py" <<-'EOT'
		import sys
		from screen import Terminal
		t = Terminal(sys.argv[1:], columns=120)
		t.wait(lambda s: s.text().count(": Loaded") == 3 and "in all: Done" in s.lines())
		assert t.end() == 0
		assert "Loaded image: 127.0.0.1:5003/good/bars:latest" in t.screen.text()
	EOT
	PYTHONPATH=$BATS_TEST_DIRNAME/../support run -0 python3 "$BATS_TEST_TMPDIR/load.py" "${box[@]}" load -i "$work/bars.tar"
	run -0 --separate-stderr mybox load -i "$work/bars.tar"
	[[ $stderr != *"in all"* ]]
}

@test "the process that fetches is nobody and can gain nothing" {
	start_server 5002
	"${box[@]}" pull -q 127.0.0.1:5002/gate/x 3>&- &
	pull=$!
	fetching() { [ "$(requests 5002 'GET .*/blobs/')" = 4 ]; }
	wait_until 20 fetching
	pid=$(pgrep -P $pull mybox-fetch)
	grep -qP '^Uid:\t65534\t65534\t65534\t65534$' "/proc/$pid/status"
	grep -qP '^Groups:\s*$' "/proc/$pid/status"
	grep -qP '^CapEff:\t0+$' "/proc/$pid/status"
	grep -qP '^NoNewPrivs:\t1$' "/proc/$pid/status"
	# Nothing of the store is open there: the socket, and what libcurl opened itself.
	run ! sh -c "ls -l /proc/$pid/fd | grep -q '$root'"
	touch "$work/5002.server/open"
	wait $pull
}

# That process has said why, and is gone, before or after it is asked.
@test "a machine without libcurl is told which package it wants" {
	local i f
	for f in libcurl.so.4 libcurl-gnutls.so.4; do
		ldconfig -p | awk -v f=$f '$1 == f { print $NF }'
	done | xargs -r readlink -f >"$work/libraries"
	for i in {1..40}; do
		run unshare -m sh -c 'while read -r f; do mount --bind /dev/null "$f"; done <"$0"; exec "$@"' \
			"$work/libraries" "${box[@]}" pull -q 127.0.0.1:9/x
		[ "$status" = 1 ]
		[[ $output == *"the library libcurl.so.4 is missing: install the package libcurl4"* ]]
	done
}
