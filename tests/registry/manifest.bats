#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Lists of images for several platforms: put together here, pushed, inspected.
load helpers

plain=127.0.0.1:5050
server=127.0.0.1:5051

serve_file() {
	start_registry 5050
	start_server 5051
	copy --dest-tls-verify=false "docker-archive:$images/deb.tar" "docker://$plain/a/deb:1"
	copy --dest-tls-verify=false --format oci "docker-archive:$images/deb.tar" \
		"docker://$plain/b/deb:oci"
}

teardown() {
	rm -rf "$root/manifests"
	teardown_store
}

raw() { skopeo inspect --raw --tls-verify=false "docker://$1"; }
digest() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$1"; }
# same TEXT JSON: the same document.
same() {
	python3 -c 'import json, sys; sys.exit(json.loads(sys.argv[1]) != json.loads(sys.argv[2]))' "$@"
}

@test "manifest inspect: a manifest in a registry, as docker prints it" {
	run -0 mybox manifest inspect $plain/a/deb:1
	[ "${lines[0]}" = "{" ]
	[ "${lines[1]}" = $'\t"schemaVersion": 2,' ]
	[ "${lines[4]}" = $'\t\t"mediaType": "application/vnd.docker.container.image.v1+json",' ]
	same "$output" "$(raw $plain/a/deb:1)"
	run -0 mybox manifest inspect -v $plain/a/deb:1
	[ "${lines[1]}" = $'\t"Ref": "'"$plain/a/deb:1"'",' ]
	[ "${lines[2]}" = $'\t"Descriptor": {' ]
	[ "${lines[3]}" = $'\t\t"mediaType": "application/vnd.docker.distribution.manifest.v2+json",' ]
	[ "${lines[4]}" = $'\t\t"digest": "'"$(digest $plain/a/deb:1)"'",' ]
	[[ $output == *$'\t\t"platform": {\n\t\t\t"architecture": "'*$'",\n\t\t\t"os": "linux"\n\t\t}\n\t},\n\t"SchemaV2Manifest": {\n\t\t"schemaVersion": 2,'* ]]
	run -0 mybox manifest inspect -v $plain/b/deb:oci
	[[ $output == *$'\n\t"OCIManifest": {\n'* ]]
	run -1 --separate-stderr mybox manifest inspect $plain/a/deb:none
	[ "$stderr" = "no such manifest: $plain/a/deb:none" ]
	run -1 --separate-stderr mybox manifest inspect $server/html/x
	[[ $stderr = "mybox: cannot inspect '$server/html/x:latest': the answer is 'text/html', not a manifest" ]]
	run -1 --separate-stderr mybox manifest inspect $server/both/x
	[[ $stderr = *"document claims to be an index and a manifest" ]]
}

@test "manifest inspect: an index in a registry" {
	run -0 mybox manifest inspect $server/good/x:index
	[ "${lines[1]}" = '   "manifests": [' ]
	[ "${lines[2]}" = "      {" ]
	same "$output" "$(raw $server/good/x:index)"
	run -0 mybox manifest inspect -v $server/good/x:index
	[ "${lines[0]}" = "[" ]
	[ "$(grep -c '^		"OCIManifest": {$' <<<"$output")" = 2 ]
	[[ $output == *'"architecture": "arm64"'*'"architecture": "amd64"'* ]]
}

@test "manifest create, annotate, push: other repositories' images are taken along" {
	run -0 mybox manifest create $plain/l/deb:1 $plain/a/deb:1
	[ "$output" = "Created manifest list $plain/l/deb:1" ]
	run -1 --separate-stderr mybox manifest create $plain/l/deb:1 $plain/a/deb:1
	[ "$stderr" = "mybox: refusing to amend an existing manifest list with no --amend flag" ]
	run -0 mybox manifest inspect $plain/l/deb:1
	before=$output
	run -0 mybox manifest annotate --arch arm64 --variant v8 --os-features a,b --os-features b \
		$plain/l/deb:1 $plain/a/deb:1
	[ -z "$output" ]
	run -0 mybox manifest inspect $plain/l/deb:1
	[ "$output" != "$before" ]
	size=$(raw $plain/a/deb:1 | wc -c)
	[ "$output" = "{
   \"schemaVersion\": 2,
   \"mediaType\": \"application/vnd.docker.distribution.manifest.list.v2+json\",
   \"manifests\": [
      {
         \"mediaType\": \"application/vnd.docker.distribution.manifest.v2+json\",
         \"size\": $size,
         \"digest\": \"$(digest $plain/a/deb:1)\",
         \"platform\": {
            \"architecture\": \"arm64\",
            \"os\": \"linux\",
            \"os.features\": [
               \"a\",
               \"b\"
            ],
            \"variant\": \"v8\"
         }
      }
   ]
}" ]
	wanted=$output
	run -0 mybox manifest inspect $plain/l/deb:1 $plain/a/deb:1
	same "$output" "$(raw $plain/a/deb:1)"
	run -0 mybox manifest push $plain/l/deb:1
	[ "${lines[0]}" = "Pushed ref $plain/l/deb@$(digest $plain/a/deb:1) with digest: $(digest $plain/a/deb:1)" ]
	[[ ${lines[1]} =~ ^sha256:[0-9a-f]{64}$ ]]
	[ "${lines[1]}" = "sha256:$(raw $plain/l/deb:1 | sha256sum | cut -d' ' -f1)" ]
	same "$(raw $plain/l/deb:1)" "$wanted"
	# It is an image for that platform now, with its layers beside it.
	run -0 mybox pull -q --platform linux/arm64/v8 $plain/l/deb:1
	mybox rmi $plain/l/deb:1
	run -0 mybox manifest inspect $plain/l/deb:1
	run -0 mybox manifest push -p $plain/l/deb:1
	run -1 --separate-stderr mybox manifest push $plain/l/deb:1
	[ "$stderr" = "No such manifest: $plain/l/deb:1" ]
}

@test "manifest create -a, add: members of OCI's make it OCI's index" {
	mybox manifest create $plain/a/deb:both $plain/a/deb:1
	mybox manifest create --amend $plain/a/deb:both $plain/b/deb:oci
	run -0 mybox manifest inspect $plain/a/deb:both
	[[ ${lines[2]} == *'"application/vnd.oci.image.index.v1+json",' ]]
	# The same name again is the same member.
	run -0 mybox manifest add $plain/a/deb:both $plain/b/deb:oci
	run -0 mybox manifest inspect $plain/a/deb:both
	[ "$(grep -c '"digest"' <<<"$output")" = 2 ]
	run -0 mybox manifest push $plain/a/deb:both
	[ ${#lines[@]} = 2 ] # one of the two is of the same repository
	same "$(raw $plain/a/deb:both)" "$(mybox manifest inspect $plain/a/deb:both)"
	run -0 mybox manifest rm $plain/a/deb:both
	[ -z "$output" ]
	run -1 --separate-stderr mybox manifest rm $plain/a/deb:both
	[ "$stderr" = "No such manifest: $plain/a/deb:both" ]
	run -1 --separate-stderr mybox manifest add $plain/a/deb:both $plain/b/deb:oci
	[ "$stderr" = "No such manifest: $plain/a/deb:both" ]
}

@test "manifest push: a registry that takes nothing over gets the bytes" {
	mybox manifest create $server/no-mount/x:1 $server/good/x
	mybox manifest push $server/no-mount/x:1
	run -0 requests 5051 'PUT /v2/no-mount/x/blobs/uploads/'
	[ "$output" = 4 ]
	mybox manifest create $plain/x:1 $server/good/x
	run -1 --separate-stderr mybox manifest push $plain/x:1
	[[ $stderr = *"cannot use source images from a different registry than the target image: $server != $plain" ]]
}

@test "manifest: what makes no list, and lists that are damaged" {
	run -1 --separate-stderr mybox manifest create $plain/l/x:1 $server/good/x:index
	[ "$stderr" = "$server/good/x:index is a manifest list" ]
	run -1 --separate-stderr mybox manifest create $plain/l/x:1 $plain/a/deb:1 $plain/a/deb:none
	[ "$stderr" = "no such manifest: $plain/a/deb:none" ]
	run -1 --separate-stderr mybox manifest inspect $plain/l/x:1
	[ "$stderr" = "no such manifest: $plain/l/x:1" ]
	run -1 mybox manifest create $plain/l/x:1
	mybox manifest create $plain/l/x:1 $plain/a/deb:1
	run -1 --separate-stderr mybox manifest annotate --arch foo $plain/l/x:1 $plain/a/deb:1
	[ "$stderr" = "mybox: manifest entry for image has unsupported os/arch combination: linux/foo" ]
	run -1 --separate-stderr mybox manifest annotate --arch arm $plain/l/x:1 $plain/a/deb:2
	[ "$stderr" = "mybox: manifest for image $plain/a/deb:2 does not exist in $plain/l/x:1" ]
	run -1 --separate-stderr mybox manifest inspect $plain/l/x:1 $plain/a/deb:2
	[ "$stderr" = "No such manifest: $plain/a/deb:2" ]
	run -1 mybox manifest create "$plain/l/x@$(digest $plain/a/deb:1)" $plain/a/deb:1
	file=$root/manifests/$plain+l+x:1
	sed -i 's/"linux"/"linus"/' "$file"
	run -1 --separate-stderr mybox manifest inspect $plain/l/x:1
	[[ $stderr = "mybox: manifest list '$plain+l+x:1': "* ]]
	run -2 mybox system check
	[[ $output = *"manifest list $plain+l+x:1"*"cannot be read"* ]]
	run mybox system check --repair
	run -0 mybox system check
	[ ! -e "$file" ]
}
