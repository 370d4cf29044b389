#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Looking for images: by a registry's own search, or in its list of repositories.
load helpers

plain=127.0.0.1:5060
listing=127.0.0.1:5061
searching=127.0.0.1:5062

serve_file() {
	start_registry 5060
	for name in base/deb team/deb-tools other; do
		copy --dest-tls-verify=false "docker-archive:$images/deb.tar" "docker://$plain/$name:1"
	done
	start_server 5061
	start_server 5062 --search=1
}

@test "search: a registry without a search, by its catalog" {
	run -0 mybox search $plain/deb
	[[ ${lines[0]} =~ ^NAME\ +DESCRIPTION\ +STARS\ +OFFICIAL\ +AUTOMATED$ ]]
	[ "$(awk 'NR > 1 { print $1 }' <<<"$output" | xargs)" = "$plain/base/deb $plain/team/deb-tools" ]
	run -0 mybox search --format '{{.Name}}|{{.Description}}|{{.StarCount}}|{{.IsOfficial}}' $plain/other
	[ "$output" = "$plain/other||0|" ]
	run -0 mybox search --limit 1 --format '{{.Name}}' $plain/deb
	[ "$output" = $plain/base/deb ]
	run -0 mybox search --format '{{.Name}}' $plain/nothing
	[ -z "$output" ]
}

@test "search: catalogs that come in pages, and names that would move the terminal" {
	run -0 mybox search --format '{{.Name}}' $listing/e
	[ "$output" = "$listing/base/deb
$listing/evil/\\x1b[31mred
$listing/team/deb-tools
$listing/team/web
$listing/z/deb" ]
	run -0 requests 5061 'GET /v2/_catalog'
	[ "$output" = 3 ]
}

@test "search: a registry's own, most stars first, with filters" {
	run -0 mybox search $searching/deb
	[ ${#lines[@]} = 4 ]
	[[ ${lines[1]} =~ ^$searching/deb\ +The\ ☃\ one\ of\ all\ that\ has\ a\ description\ of\ m…\ +1200\ +\[OK\]\ *$ ]]
	[[ ${lines[2]} =~ ^$searching/one/deb\ +few\ stars\\x1b\]0\;title\\x07\ +3\ +\[OK\]$ ]]
	run -0 mybox search --no-trunc --filter stars=4 --format '{{.Description}}' $searching/deb
	[ "$output" = "The ☃ one of all that has a description of many words" ]
	run -0 mybox search -f is-official=false -f is-automated=false --format '{{.Name}}' $searching/deb
	[ "$output" = "$searching/two/deb" ]
	run -0 mybox search --limit 1 --format json $searching/deb
	[[ $output = '{"Description":"few stars'*'"Name":"'$searching/one/deb'"'* ]]
	run -0 requests 5062 'GET /v1/search\?q=deb&n=1 '
	[ "$output" = 1 ]
	run -0 requests 5062 'GET /v2/_catalog'
	[ "$output" = 0 ]
}

@test "search: what makes no sense, and who does not answer" {
	run -1 mybox search --limit 0 $plain/deb
	[ "$output" = "mybox: limit 0 is outside the range of [1, 100]" ]
	run -1 mybox search --filter color=red $plain/deb
	[ "$output" = "mybox: invalid filter 'color'" ]
	run -1 mybox search --filter stars=many $plain/deb
	[ "$output" = "mybox: invalid filter 'stars=many'" ]
	run -1 mybox search $plain/
	[ "$output" = "mybox: there is no term to search for" ]
	run -1 mybox search 127.0.0.1:5999/x
	[[ $output = "mybox: cannot search for 'x': 127.0.0.1:5999: "*onnect* ]]
	run -1 mybox search nowhere.invalid/x
	[[ $output = "mybox: cannot search for 'x': nowhere.invalid: "*"resolve host"* ]]
	run -1 mybox search --filter is-official=perhaps $plain/deb
}
