#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Archives that others read, and that are the same each time.
load helpers

serve_file() { start_server 5050; }

teardown() {
	mybox images -q | sort -u | xargs -r "${box[@]}" rmi -f >/dev/null
	teardown_store
}

@test "save: an archive that load and skopeo read, the same each time" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	mybox tag deb other/name:2
	id=$(mybox inspect -f '{{.Id}}' deb)
	run -0 mybox save -o "$work/a.tar" deb other/name:2
	[ -z "$output" ]
	[ "$(stat -c %a "$work/a.tar")" = 600 ]
	mybox save other/name:2 deb >"$work/b.tar"
	cmp "$work/a.tar" "$work/b.tar"
	mybox save --format oci-archive -o "$work/b.tar" deb other/name:2
	cmp "$work/a.tar" "$work/b.tar"
	run -125 mybox save --format oci-dir -o "$work/none" deb
	[[ ${lines[0]} == *"must be one of: docker-archive, oci-archive"* ]]
	for from in docker-archive oci-archive; do
		[ $from = docker-archive ] && name=:other/name:2 || name=:2
		rm -rf "$work/copy"
		copy "$from:$work/a.tar$name" "dir:$work/copy"
		[ -e "$work/copy/${id#sha256:}" ]
	done
	mybox rmi -f deb other/name:2 >/dev/null
	run -0 mybox load -q -i "$work/a.tar"
	[ "$(sort <<<"$output")" = "$(printf 'Loaded image: deb:latest\nLoaded image: other/name:2')" ]
	[ "$(mybox inspect -f '{{.Id}}' other/name:2)" = "$id" ]
	run -0 mybox run --rm deb echo hello
	[ "$output" = hello ]
}

@test "save: several images that share layers, and one by its id" {
	mybox pull -q 127.0.0.1:5050/good/a
	mybox load -q -i "$images/deb.tar" >/dev/null
	id=$(mybox inspect -f '{{.Id}}' deb)
	mybox save -o "$work/many.tar" "$id" 127.0.0.1:5050/good/a
	run -0 tar -tf "$work/many.tar"
	[ "$(sort <<<"$output" | uniq -d)" = "" ]
	mybox images -q | sort -u | xargs "${box[@]}" rmi -f >/dev/null
	run -0 mybox load -q -i "$work/many.tar"
	[[ $output =~ "Loaded image ID: $id" ]]
	[[ $output =~ "Loaded image: 127.0.0.1:5050/good/a:latest" ]]
}

@test "save: a name without a tag is all its tags" {
	mybox load -q -i "$images/deb.tar" >/dev/null
	mybox tag deb web:1
	mybox tag deb web:2
	mybox tag deb web2:1
	mybox save -o "$work/web.tar" web
	mybox save -o "$work/both.tar" web:1 web:2
	cmp "$work/web.tar" "$work/both.tar"
	mybox rmi web:1 web:2 >/dev/null
	run -0 mybox load -q -i "$work/web.tar"
	[ "$output" = "$(printf 'Loaded image: web:1\nLoaded image: web:2')" ]
	# One that is there is no reason to leave the others out, and one that is named is alone.
	mybox tag deb web
	mybox save web >"$work/web.tar"
	mybox save web:latest >"$work/one.tar"
	mybox rmi web:1 web:2 web:latest >/dev/null
	run -0 mybox load -q -i "$work/one.tar"
	[ "$output" = "Loaded image: web:latest" ]
	run -0 mybox load -q -i "$work/web.tar"
	[ "$output" = "$(printf 'Loaded image: web:%s\n' 1 2 latest)" ]
	# An id is none of these.
	id=$(mybox inspect -f '{{.Id}}' deb)
	mybox save -o "$work/id.tar" "${id:7:12}"
	run -0 mybox load -q -i "$work/id.tar"
	[ "$output" = "Loaded image ID: $id" ]
}

@test "save: what is not there leaves no file" {
	run -1 --separate-stderr mybox save -o "$work/none.tar" none
	[ "$stderr" = "Error: No such image: none" ]
	run ! compgen -G "$work/none.tar*"
	run -1 --separate-stderr mybox save -o "$work/no/such/place.tar" none
	[[ $stderr =~ "cannot create '$work/no/such/place.tar" ]]
	mybox load -q -i "$images/deb.tar" >/dev/null
	run -1 --separate-stderr mybox save -o /dev/full deb
	[[ $stderr =~ "cannot write the archive: No space left on device" ]]
}
