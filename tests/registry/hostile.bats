#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Registries that lie, stall, break off and never end: an error in one line, and nothing left.
load helpers

server=127.0.0.1:5030

serve_file() { start_server 5030 --other=5031; start_server 5031; }

teardown() {
	mybox images -q | sort -u | xargs -r "${box[@]}" rmi -f >/dev/null
	# Layers and parts of blobs are for the next try.
	mybox system check --repair >/dev/null || :
	rm -rf "$root/downloads"
	teardown_store
}

# refused NAME PATTERN [OPTIONS]: in one line, with no image, and nobody still at work.
refused() {
	run -1 --separate-stderr timeout 60 "${box[@]}" pull -q "${@:3}" "$server/$1"
	if [ "${#stderr_lines[@]}" != 1 ] || [[ ! $stderr =~ ^"mybox: cannot pull '$server/$1:latest': ".*$2 ]]; then
		echo "$1: $stderr"
		return 1
	fi
	[ -z "$(mybox images -q)" ] || { echo "$1: an image"; return 1; }
}

works() {
	run -0 --separate-stderr timeout 60 "${box[@]}" pull -q "$server/$1"
	mybox rmi "$server/$1" >/dev/null
}

@test "manifests that are none" {
	refused html/a "'text/html', not a manifest"
	refused empty/a "the manifest: "
	refused garbage/a "the manifest: "
	refused truncated/a "the manifest: "
	refused array/a "the manifest: "
	refused deep/a "the manifest: "
	refused huge/a "longer than 4194304 bytes"
	refused schema1/a "schema 1"
	refused schema3/a "schema 3"
	refused both/a "an index and a manifest"
	refused claims-index/a "not of the type"
	refused claims-inside/a "not of its media type"
	refused header-lies/a "as its header says"
}

@test "manifests that do not fit their image" {
	refused no-layers/a "'layers' is missing"
	refused few-layers/a "1 layers, but the configuration has 3"
	refused many-layers/a "more than 128 layers"
	refused swapped/a "the content is not"
	refused foreign/a "which lies elsewhere than in the registry"
	refused artifact/a "no image of a container"
	refused config-huge/a "the configuration is longer"
	works urls/a
}

@test "layers that are bombs, and larger than their owner allows" {
	refused good/a "it unpacks to more than --max-layer-size, 1048576 bytes" --max-layer-size 1m
	[ -z "$(ls "$root/ingest")" ]
	run -0 --separate-stderr "${box[@]}" pull -q --max-layer-size 4m $server/good/a
	mybox rmi $server/good/a
	run -1 --separate-stderr "${box[@]}" pull -a --max-layer-size 1m $server/good/a
	[[ $stderr =~ "more than --max-layer-size" ]]
	run ! "${box[@]}" pull -q --max-layer-size much $server/good/a
	[[ $output =~ "--max-layer-size" ]]
	refused bomb/a "it unpacks to more than 1 GiB and 200 times its size"
	[ -z "$(ls "$root/ingest")" ]
}

@test "digests and sizes that are none" {
	refused digest-path/a "layers\[0\]"
	refused digest-upper/a "layers\[0\]"
	refused digest-short/a "layers\[0\]"
	refused digest-sha512/a "not a sha256 digest"
	refused size-negative/a "negative"
	refused size-text/a "size"
	refused size-less/a "bytes, not 10"
	refused size-more/a "bytes, not 1048576"
	refused size-huge/a "bytes, not 9223372036854775807"
}

@test "indexes without an image" {
	refused platforms/a "no matching manifest for linux/"
	refused index-empty/a "no matching manifest for linux/"
	refused index-gone/a "status 404"
}

@test "answers that say no" {
	refused gone/a "manifest unknown"
	refused denied/a "not for \\\\x1b\[31myou \(status 403\)"
	refused teapot/a "status 418"
	refused busy/a "status 503"
	refused limited/a "status 429"
	run -0 requests 5030 "GET /v2/busy/"
	[ "$output" = 5 ]
	refused busy/a "status 503" --retry 0
	refused busy/a "status 503" --retry 6 --retry-delay 1ms
	run -0 requests 5030 "GET /v2/busy/"
	[ "$output" = 13 ]
	works flaky/a
	# As long as it was told to wait, and no second time before that.
	for behaviour in later later-date; do
		works $behaviour/a
		run -0 requests 5030 "GET /v2/$behaviour/a/manifests/"
		[ "$output" = 2 ]
	done
	refused long-header/a "header"
	refused hangs-up/a "mpty reply"
}

@test "a registry that is started late is waited for, as long as it was said" {
	"${box[@]}" pull -q --retry 100000 --retry-delay 20ms 127.0.0.1:5033/good/a >"$work/late" 2>&1 3>&- &
	local pid=$!
	run -1 timeout 60 "${box[@]}" pull -q --retry 3 --retry-delay 1ms 127.0.0.1:5033/good/a
	start_server 5033
	wait $pid
	[ "$(cat "$work/late")" = 127.0.0.1:5033/good/a:latest ]
	mybox rmi 127.0.0.1:5033/good/a
	for words in "--retry x" "--retry -1" "--retry 1000001" "--retry-delay 1" "--retry-delay -1s"; do
		# shellcheck disable=SC2086
		run mybox pull -q $words "$server/good/a"
		echo "$words: $status $output"
		[ "$status" != 0 ]
		[[ $output == *invalid* ]]
	done
}

@test "redirects that lead nowhere good" {
	refused loop/a "more than 5 redirects"
	refused nowhere/a "redirect to nowhere"
	refused to-file/a "neither http nor https"
	works elsewhere/a
}

@test "a layer that breaks off is continued where it was" {
	works breaks/a
	run -0 requests 5030 "GET /v2/breaks/a/blobs/[^ ]* bytes="
	[ "$output" -ge 2 ]
	run -0 requests 5030 "GET /v2/breaks/a/blobs/[^ ]* bytes=1048576-"
	[ "$output" = 1 ]
	works no-range/a
	works range-refused/a
	works chunked/a
	refused breaks-always/a "."
	run -0 requests 5030 "GET /v2/breaks-always/a/blobs/.*bytes=[1-9]"
	[ "$output" = 4 ]
}

@test "a layer whose parts do not belong together" {
	refused wrong-range/a "a part came that was not asked for"
	refused wrong-total/a "a part came that was not asked for"
}

@test "a layer with another content, or another length" {
	refused flipped/a "(came with another content|cannot decompress|the content is not)"
	refused short/a "bytes, not"
	refused long/a "bytes, not"
	refused endless/a "is longer than"
	refused chunk-garbage/a "."
}

@test "a layer that is not given" {
	refused blob-gone/a "no blob: status 404"
	refused blob-denied/a "no blob: status 403"
	refused blob-html/a "bytes, not"
}

@test "servers that say nothing more" {
	echo '{"timeout": 1}' >"$MYBOX_REGISTRIES"
	refused stalls/a "(too slow|timed out)"
	refused silent/a "(too slow|timed out)"
}

@test "what an interrupted pull has fetched is where the next goes on" {
	"${box[@]}" pull -q $server/gate/a 3>&- &
	pull=$!
	half() { [ "$(stat -c %s "$root"/downloads/*.part 2>/dev/null | sort -n | tail -1)" -ge 1000000 ] 2>/dev/null; }
	wait_until 30 half
	kill -INT $pull
	run wait $pull
	gone() { [ -z "$(pgrep -f "^${box[*]} pull")" ]; }
	wait_until 20 gone
	mybox pull -q $server/gate/a
	run -0 requests 5030 "GET /v2/gate/a/blobs/[^ ]* bytes=[1-9][0-9]{5}"
	[ "$output" = 1 ]
	[ -z "$(ls "$root/downloads")" ]
}

@test "a disk that is full" {
	mkdir -p "$root/downloads"
	mount -t tmpfs -o size=1m none "$root/downloads"
	run -1 --separate-stderr "${box[@]}" pull -q $server/good/full
	umount "$root/downloads"
	[[ ${stderr_lines[0]} =~ "cannot write a blob to disk: No space left on device" ]]
	mybox pull -q $server/good/full
}

@test "build: FROM an image that lies is refused as pull does, and nothing stays" {
	local each
	for each in 'swapped|the content is not' 'few-layers|1 layers, but the configuration has 3' 'digest-path|layers\[0\]' 'config-huge|the configuration is longer' 'index-gone|cannot pull'; do
		run -1 --separate-stderr timeout 60 "${box[@]}" build -q -t made - <<<"FROM $server/${each%%|*}/a"$'\nRUN touch /x'
		[ "$output" = '' ]
		[[ ${stderr_lines[-1]} =~ ^"mybox: failed to build: cannot pull '$server/${each%%|*}/a:latest': ".* ]]
		[[ ${stderr_lines[-1]} =~ ${each#*|} ]]
		[ -z "$(mybox images -q)" ]
		[ -z "$(mybox builder du --format '{{.ID}}')" ]
	done
}
