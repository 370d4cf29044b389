#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may come in: passwords, tokens, certificates.
load helpers

basic=127.0.0.1:5010
server=127.0.0.1:5011

serve_file() {
	htpasswd -Bbc "$work/htpasswd" me secret 2>/dev/null
	start_registry 5010 "auth: {htpasswd: {realm: here, path: $work/htpasswd}}"
	copy --dest-tls-verify=false --dest-creds me:secret \
		"docker-archive:$images/deb.tar" "docker://$basic/base/deb:1"
	start_server 5011 --other=5012
	start_server 5012
	certificate right IP:127.0.0.1
	certificate wrong DNS:elsewhere.example
	certificate expired IP:127.0.0.1 -1
	# Signed by nobody but itself.
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=127.0.0.1" \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$work/tls/self.key" \
		-out "$work/tls/self.pem" 2>/dev/null
	local port=5020 name
	for name in right wrong expired self; do
		start_server $port "--tls=$work/tls/$name.pem,$work/tls/$name.key"
		port=$((port + 1))
	done
}

teardown() {
	mybox images -q | sort -u | xargs -r "${box[@]}" rmi -f >/dev/null
	teardown_store
	[ -z "$(ls "$root/downloads" 2>/dev/null)" ]
}

pull_fails() { # pull_fails NAME PATTERN: in one line that says so
	# shellcheck disable=SC2086
	run -1 --separate-stderr mybox pull -q $1
	[ "${#stderr_lines[@]}" = 1 ] || { echo "$stderr"; return 1; }
	[[ $stderr =~ $2 ]] || { echo "$stderr"; return 1; }
}

@test "login: a good one is kept for its owner alone, and logout forgets it" {
	pull_fails $basic/base/deb:1 "login required: 'mybox login $basic'"
	mkdir -p "$HOME/.docker"
	echo '{"HttpHeaders": {"X-Mine": "kept"}, "auths": {"other:1": {"auth": "YTpi"}}}' >"$HOME/.docker/config.json"
	chmod 600 "$HOME/.docker/config.json"
	run -0 --separate-stderr mybox login -u me --password-stdin $basic <<<secret
	[ "$output" = "Login Succeeded" ]
	[[ $stderr =~ "stored unencrypted in $HOME/.docker/config.json" ]]
	[ "$(stat -c %a "$HOME/.docker/config.json")" = 600 ]
	grep -q '"X-Mine": "kept"' "$HOME/.docker/config.json"
	grep -q '"other:1"' "$HOME/.docker/config.json"
	grep -q "$(printf me:secret | base64)" "$HOME/.docker/config.json"
	mybox pull -q $basic/base/deb:1
	# skopeo reads what we wrote.
	skopeo inspect --tls-verify=false --authfile "$HOME/.docker/config.json" "docker://$basic/base/deb:1" >/dev/null
	run -0 mybox logout $basic
	[ "$output" = "Removing login credentials for $basic" ]
	pull_fails $basic/base/deb:1 "login required"
	grep -q '"other:1"' "$HOME/.docker/config.json"
	run -0 mybox logout $basic
	[ "$output" = "Not logged in to $basic" ]
}

@test "login: a wrong password is refused and not kept" {
	run -1 --separate-stderr mybox login -u me --password-stdin $basic <<<wrong
	[[ $stderr =~ "mybox: cannot log in: $basic: access denied" ]]
	[ ! -e "$HOME/.docker/config.json" ]
	run -1 --separate-stderr mybox login -u me -p wrong $basic
	[[ ${stderr_lines[0]} =~ "Using --password via the CLI is insecure" ]]
	run -1 --separate-stderr mybox login --password-stdin $basic <<<secret
	[[ $stderr =~ "Must provide --username" ]]
	run -1 --separate-stderr mybox login $basic </dev/null
	[[ $stderr =~ "standard input is no terminal" ]]
}

@test "login: for one command, by --creds and --authfile; --digestfile" {
	run -1 mybox pull -q --creds me $basic/base/deb:1
	[ "$output" = "mybox: invalid --creds: USER:PASSWORD is wanted" ]
	pull_fails "--creds=me:wrong $basic/base/deb:1" "denied|unauthorized|login"
	mybox pull -q --creds me:secret $basic/base/deb:1
	run -1 mybox pull -q --authfile "$work/nowhere" $basic/base/deb:1
	[ "$output" = "mybox: cannot read '$work/nowhere': No such file or directory" ]
	skopeo login --tls-verify=false --authfile "$work/other.json" -u me -p secret $basic >/dev/null
	mybox pull -qa --authfile "$work/other.json" $basic/base/deb
	mybox tag $basic/base/deb:1 $basic/base/deb:2
	run -1 mybox push -q $basic/base/deb:2
	mybox push -q --creds me:secret --digestfile "$work/digest" $basic/base/deb:2
	[ "$(cat "$work/digest")" = "$(skopeo inspect --tls-verify=false --creds me:secret -f '{{.Digest}}' "docker://$basic/base/deb:2")" ]
	run -1 mybox push -q -a --authfile "$work/other.json" --digestfile "$work/digest" $basic/base/deb
	[[ $output == *"--digestfile takes one digest"* ]]
	# Nobody is logged in after it.
	[ ! -e "$HOME/.docker/config.json" ]
}

@test "login: what skopeo wrote is read, and --config and MYBOX_AUTH_FILE are heeded" {
	skopeo login --tls-verify=false --authfile "$work/auth.json" -u me -p secret $basic >/dev/null
	MYBOX_AUTH_FILE=$work/auth.json mybox pull -q $basic/base/deb:1
	mkdir -p "$work/config"
	run -0 mybox --config "$work/config" login -u me -p secret $basic
	[ -e "$work/config/config.json" ]
	[ ! -e "$HOME/.docker/config.json" ]
	mybox rmi $basic/base/deb:1
	mybox --config "$work/config" pull -q $basic/base/deb:1
}

@test "login: a file that everybody may read, or that is another's, is passed over" {
	mkdir -p "$HOME/.docker"
	printf '{"auths": {"%s": {"auth": "%s"}}}' $basic "$(printf me:secret | base64)" >"$HOME/.docker/config.json"
	chmod 604 "$HOME/.docker/config.json"
	run -1 --separate-stderr mybox pull -q $basic/base/deb:1
	[[ ${stderr_lines[0]} =~ "everybody may read it" ]]
	chmod 600 "$HOME/.docker/config.json"
	chown 4321 "$HOME/.docker/config.json"
	run -1 --separate-stderr mybox pull -q $basic/base/deb:1
	[[ ${stderr_lines[0]} =~ "belongs to user 4321" ]]
}

@test "login: under sudo it is the file of who is behind it, with his rights" {
	# A home of nobody's own, in the place that passwd says.
	cp /etc/passwd "$work/passwd"
	echo "behind:x:4321:4321::$work/behind:/bin/sh" >>"$work/passwd"
	mkdir -p "$work/behind"
	chown 4321:4321 "$work/behind"
	chmod 711 "$work"
	mount --bind "$work/passwd" /etc/passwd
	chmod 711 /run/mybox-test
	SUDO_UID=4321 run -0 mybox login -u me -p secret $basic
	umount /etc/passwd
	[ "$(stat -c '%u %g %a' "$work/behind/.docker/config.json")" = "4321 4321 600" ]
	[ ! -e "$HOME/.docker" ]
	mount --bind "$work/passwd" /etc/passwd
	SUDO_UID=4321 mybox pull -q $basic/base/deb:1
	# A link of his leads nowhere that he could not go.
	printf '{"auths": {"%s": {"auth": "%s"}}}' $basic "$(printf me:secret | base64)" >"$work/root.json"
	chmod 600 "$work/root.json"
	rm "$work/behind/.docker/config.json"
	ln -s "$work/root.json" "$work/behind/.docker/config.json"
	mybox rmi $basic/base/deb:1
	SUDO_UID=4321 run -1 mybox pull -q $basic/base/deb:1
	umount /etc/passwd
}

@test "login: helpers that keep credentials are asked" {
	mkdir -p "$HOME/.docker"
	cat >/usr/local/bin/docker-credential-mybox-test <<-'EOT'
		#!/bin/sh
		read -r server
		[ "$1 $server" = "get 127.0.0.1:5010" ] || exit 1
		echo '{"Username": "me", "Secret": "secret"}'
	EOT
	chmod 755 /usr/local/bin/docker-credential-mybox-test
	echo '{"credsStore": "mybox-test"}' >"$HOME/.docker/config.json"
	chmod 600 "$HOME/.docker/config.json"
	run mybox pull -q $basic/base/deb:1
	rm /usr/local/bin/docker-credential-mybox-test
	[ "$status" = 0 ]
	echo '{"credHelpers": {"127.0.0.1:5010": "../../bin/sh"}}' >"$HOME/.docker/config.json"
	pull_fails $basic/base/deb:1 "the name of the credential helper is not valid"
}

# keeper NAME: a helper that keeps what it is given in $work/kept, in plain text.
keeper() {
	cat >"/usr/local/bin/docker-credential-$1" <<-EOT
		#!/usr/bin/env python3
		import json, os, sys
		text, kept = sys.stdin.read(), "$work/kept"
		if sys.argv[1] == "store":
		    if json.loads(text)["Username"] == "locked":
		        sys.exit(print("the \x1b[31mkeyring is locked\nreally") or 1)
		    open(kept, "w").write(text)
		elif not os.path.exists(kept) or json.load(open(kept))["ServerURL"] != text:
		    sys.exit(print("credentials not found in native keychain") or 1)
		elif sys.argv[1] == "get":
		    print(open(kept).read())
		else:
		    os.unlink(kept)
	EOT
	chmod 755 "/usr/local/bin/docker-credential-$1"
}

@test "login and logout: a helper keeps the password, and forgets it" {
	rm -f "$work/kept"
	mkdir -p "$HOME/.docker"
	echo '{"credsStore": "mybox-kept", "auths": {"'$basic'": {"auth": "YTpi"}}}' >"$HOME/.docker/config.json"
	chmod 600 "$HOME/.docker/config.json"
	run -1 mybox login -u me --password-stdin $basic <<<secret
	[ "$output" = "mybox: cannot log in: the program 'docker-credential-mybox-kept' is not there" ]
	keeper mybox-kept
	run -0 --separate-stderr mybox login -u me --password-stdin $basic <<<secret
	[ "$output" = "Login Succeeded" ]
	[ -z "$stderr" ]
	run -0 python3 -c 'import json, sys; print(*sorted(json.load(open(sys.argv[1])).items()))' "$work/kept"
	[ "$output" = "('Secret', 'secret') ('ServerURL', '$basic') ('Username', 'me')" ]
	run -0 python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["auths"][sys.argv[2]])' "$HOME/.docker/config.json" $basic
	[ "$output" = "{}" ]
	mybox pull -q $basic/base/deb:1
	run -0 mybox logout $basic
	[ "$output" = "Removing login credentials for $basic" ]
	[ ! -e "$work/kept" ]
	run ! grep -q "\"$basic\"" "$HOME/.docker/config.json"
	run -0 mybox logout $basic
	[ "$output" = "Not logged in to $basic" ]
	mybox rmi $basic/base/deb:1
	pull_fails $basic/base/deb:1 "login required"
	# What it cannot keep is kept nowhere.
	run -1 --separate-stderr mybox login -u locked --password-stdin 127.0.0.1:5011 <<<secret
	[[ $stderr = "mybox: cannot log in: the credential helper 'mybox-kept' failed: the "*"keyring is locked" ]]
	run ! grep -q 5011 "$HOME/.docker/config.json"
	rm /usr/local/bin/docker-credential-mybox-kept
	# What stands in the file goes, whatever comes of the helper.
	echo '{"credsStore": "mybox-kept", "auths": {"'$basic'": {"auth": "YTpi"}, "other:1": {"auth": "YTpi"}}}' >"$HOME/.docker/config.json"
	run -1 mybox logout $basic
	[ "$output" = "mybox: cannot log out: the program 'docker-credential-mybox-kept' is not there" ]
	run ! grep -q "\"$basic\"" "$HOME/.docker/config.json"
	grep -q '"other:1"' "$HOME/.docker/config.json"
	grep -q credsStore "$HOME/.docker/config.json"
}

@test "login: credHelpers know one registry each, before credsStore" {
	mkdir -p "$HOME/.docker"
	cat >/usr/local/bin/docker-credential-mybox-one <<-EOT
		#!/bin/sh
		read -r server
		echo "\$1 \$server" >>$work/asked
		[ "\$server" = $basic ] || exit 1
		echo '{"ServerURL": "$basic", "Username": "me", "Secret": "secret"}'
	EOT
	printf '#!/bin/sh\necho store >>%s\nexit 1\n' "$work/asked" >/usr/local/bin/docker-credential-mybox-store
	chmod 755 /usr/local/bin/docker-credential-mybox-*
	: >"$work/asked"
	cat >"$HOME/.docker/config.json" <<-EOT
		{"credHelpers": {"$basic": "mybox-one", "elsewhere.example": "mybox-gone"},
		 "credsStore": "mybox-store",
		 "auths": {"$basic": {}}}
	EOT
	chmod 600 "$HOME/.docker/config.json"
	run mybox pull -q $basic/base/deb:1
	local pulled=$status
	# Another registry is none of its business.
	run mybox pull -q $server/good/a
	rm /usr/local/bin/docker-credential-mybox-*
	cat "$work/asked"
	[ "$pulled" = 0 ]
	[ "$(grep -c "^get $basic$" "$work/asked")" -ge 1 ]
	[ "$(grep -c "^get $server$" "$work/asked")" = 0 ]
	# What is named must be there: no other way in is taken.
	mybox rmi $basic/base/deb:1
	pull_fails $basic/base/deb:1 "the program 'docker-credential-mybox-one' is not there"
}

@test "login: one that is good and asked for again ends, after a bounded number of requests" {
	mybox login -u me -p secret $server
	pull_fails $server/basic-never/a "access denied: status 401"
	run -0 requests 5011 "GET /v2/basic-never/"
	[ "$output" -le 3 ]
	pull_fails $server/token-never/a "access denied: status 401"
	run -0 requests 5011 "GET /v2/token-never/"
	[ "$output" -le 3 ]
	run -0 requests 5011 "GET /token.*token-never"
	[ "$output" -le 2 ]
	pull_fails $server/token-no-blobs/a "access denied: status 401"
	run -0 requests 5011 "GET /v2/token-no-blobs/"
	[ "$output" -le 10 ]
	run -0 requests 5011 "GET /token.*token-no-blobs"
	[ "$output" -le 5 ]
	[ -z "$(mybox images -q)" ]
	mybox logout $server
	pull_fails $server/token-never/a "login required: status 401"
}

@test "tokens: anonymous, with a login, and by an identity token" {
	mybox pull -q $server/token/a
	run -0 requests 5011 'GET /token\?service=here&scope=repository%3Atoken%2Fa%3Apull None None'
	[ "$output" = 1 ]
	pull_fails $server/token-private/a "incorrect username or password \(status 401\)"
	mybox login -u me -p secret $server
	mybox rmi $server/token/a
	mybox pull -q $server/token-private/a
	# The password went to the token server, the token to the registry.
	run -0 requests 5011 'GET /v2/(?!basic-never/).* Basic '
	[ "$output" = 0 ]
	printf '{"auths": {"%s": {"auth": "%s", "identitytoken": "identity"}}}' $server "$(printf '00000000-0000-0000-0000-000000000000:' | base64 -w0)" >"$HOME/.docker/config.json"
	mybox rmi $server/token-private/a
	mybox pull -q $server/token/identity
	run -0 requests 5011 'POST /token'
	[ "$output" = 1 ]
}

@test "tokens: servers that make no sense" {
	pull_fails $server/token-html/a "the token server's answer"
	pull_fails $server/token-huge/a "longer than 65536 bytes"
	pull_fails $server/token-injects/a "gave no valid token"
	pull_fails $server/login/a "in no way that is known"
	pull_fails $server/login-odd/a "in no way that is known"
	pull_fails $server/login-broken/a "in no way that is known"
	pull_fails $server/login-file/a "neither http nor https"
}

@test "redirects: credentials stay with the registry" {
	printf '{"auths": {"%s": {"auth": "%s"}}}' $server "$(printf me:secret | base64)" >"$work/auth.json"
	chmod 600 "$work/auth.json"
	MYBOX_AUTH_FILE=$work/auth.json mybox pull -q $server/basic/a
	run -0 requests 5011 'GET /v2/basic/a/manifests/latest None Basic '
	[ "$output" = 1 ]
	run -0 requests 5012 'GET .*/blobs/.* None None'
	[ "$output" = 1 ]
	run -0 requests 5012 '.* Basic '
	[ "$output" = 0 ]
}

@test "tls: an authority of one's own, and certificates that are no good" {
	pull_fails 127.0.0.1:5020/good/a "certificate"
	# Not by http either: nothing of the kind arrived.
	run -0 requests 5020 '.*'
	[ "$output" = 0 ]
	for port in 5020 5021 5022; do
		echo "\"127.0.0.1:$port\": {\"ca\": \"$work/tls/ca.pem\"}"
	done | paste -sd, | sed 's/.*/{"registries": {&}}/' >"$MYBOX_REGISTRIES"
	mybox pull -q 127.0.0.1:5020/good/a
	pull_fails 127.0.0.1:5021/good/a "(certificate|SSL: no alternative)"
	pull_fails 127.0.0.1:5022/good/a "certificate (has|is) (expired|not yet valid)"
	# Whoever else speaks to a registry looks at certificates as well.
	for port in 5021 5022; do
		mybox tag 127.0.0.1:5020/good/a 127.0.0.1:$port/good/a
		for words in "push 127.0.0.1:$port/good/a" "pull -a 127.0.0.1:$port/good/a" \
			"push -a 127.0.0.1:$port/good/a" "search 127.0.0.1:$port/a" \
			"manifest inspect 127.0.0.1:$port/good/a" \
			"manifest create 127.0.0.1:$port/good/l 127.0.0.1:$port/good/a" \
			"login -u me -p secret 127.0.0.1:$port"; do
			# shellcheck disable=SC2086
			run -1 mybox $words
			[[ $output =~ (certificate|SSL: no alternative) ]]
		done
		run -0 requests $port '.*'
		[ "$output" = 0 ]
	done
	echo '{}' >"$MYBOX_REGISTRIES"
	SSL_CERT_FILE=$work/tls/ca.pem mybox pull -q 127.0.0.1:5020/good/b
	SSL_CERT_FILE=$work/tls/ca.pem pull_fails 127.0.0.1:5021/good/a "(certificate|SSL: no alternative)"
	mybox pull -q --tls-verify=false 127.0.0.1:5021/good/a
	echo '{"registries": {"127.0.0.1:5022": {"insecure": true}}}' >"$MYBOX_REGISTRIES"
	mybox pull -q 127.0.0.1:5022/good/a
}

@test "tls: a certificate that nobody but its owner has signed" {
	local self=127.0.0.1:5023
	pull_fails $self/good/a "^mybox: cannot pull '$self/good/a:latest': $self: .*self[- ]signed certificate"
	run -0 requests 5023 '.*'
	[ "$output" = 0 ]
	mybox pull -q --tls-verify=false $self/good/a
	mybox rmi $self/good/a
	# Or it is an authority of its own.
	echo "{\"registries\": {\"$self\": {\"ca\": \"$work/tls/self.pem\"}}}" >"$MYBOX_REGISTRIES"
	mybox pull -q $self/good/a
	mybox push -q $self/good/a
	echo '{}' >"$MYBOX_REGISTRIES"
	run -1 --separate-stderr mybox push -q $self/good/a
	[[ $stderr =~ self[-\ ]signed\ certificate ]]
	mybox push -q --tls-verify=false $self/good/a
}
