# SPDX-License-Identifier: GPL-2.0-or-later
# What the tests of registries share: docker's registry, one that misbehaves, certificates.
# shellcheck source=tests/integration/helpers.bash
. "${BASH_SOURCE[0]%/*}/../integration/helpers.bash"

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
work=/run/mybox-test/${BATS_TEST_FILENAME##*/}.d

is_listening() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# start_registry PORT [YAML LINE]...: Debian's docker-registry, kept below $work/PORT.
start_registry() {
	local port=$1 file=$work/$1.yml
	mkdir -p "$work/$port"
	cat >"$file" <<-EOT
		version: 0.1
		log: {level: warn, accesslog: {disabled: false}}
		storage: {filesystem: {rootdirectory: $work/$port}, delete: {enabled: true}}
		http: {addr: "127.0.0.1:$port"}
	EOT
	printf '%s\n' "${@:2}" >>"$file"
	docker-registry serve "$file" >"$work/$port.log" 2>&1 3>&- &
	echo $! >>"$work/pids"
	wait_until 20 is_listening "$port"
}

# start_server PORT [OPTIONS]: server.py, with its log in $work/PORT.server/log.
start_server() {
	local directory=$work/$1.server
	mkdir -p "$directory"
	python3 "$here/server.py" "$1" "$directory" "${@:2}" 3>&- &
	echo $! >>"$work/pids"
	wait_until 20 test -e "$directory/ready"
}

stop_servers() {
	local pid
	while read -r pid; do
		kill "$pid" 2>/dev/null || :
	done <"$work/pids"
}

# requests PORT PATTERN: how many requests to server.py are like this ("GET .*/blobs/").
requests() {
	python3 - "$work/$1.server/log" "$2" <<-'EOT'
		import json, re, sys
		try:
		    lines = [json.loads(line) for line in open(sys.argv[1])]
		except FileNotFoundError:
		    lines = []
		print(sum(bool(re.match(sys.argv[2], "%(method)s %(path)s %(range)s %(authorization)s" % line))
		          for line in lines))
	EOT
}

copy() { skopeo --insecure-policy copy -q "$@"; }

# certificate NAME SUBJECT-ALT-NAME [DAYS]: signed by the tests' own authority.
certificate() {
	local directory=$work/tls
	mkdir -p "$directory"
	[ -e "$directory/ca.pem" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 30 \
		-subj "/CN=authority of the tests" -keyout "$directory/ca.key" \
		-out "$directory/ca.pem" 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$directory/$1.key" \
		-out "$directory/$1.csr" 2>/dev/null
	openssl x509 -req -in "$directory/$1.csr" -CA "$directory/ca.pem" -CAkey "$directory/ca.key" \
		-CAcreateserial -days "${3:-30}" -extfile <(echo "subjectAltName=$2") \
		-out "$directory/$1.pem" 2>/dev/null
}

setup_file() {
	mkdir -p "$work"
	chmod 700 "$work"
	: >"$work/pids"
	setup_store "${BATS_TEST_FILENAME##*/}"
	# Nothing is there already.
	mybox rmi deb >/dev/null
	serve_file
}
teardown_file() { stop_servers; }

# Each test with a home and settings of its own.
setup() {
	name=${BATS_TEST_FILENAME##*/}
	root=/run/mybox-test/$name/root run=/run/mybox-test/$name/run
	box=("$MYBOX" --root "$root" --runroot "$run")
	export HOME=$work/home MYBOX_REGISTRIES=$work/registries.json
	unset SUDO_UID SUDO_USER DOCKER_CONFIG MYBOX_AUTH_FILE
	rm -rf "$HOME"
	mkdir -p "$HOME"
	echo '{"timeout": 20}' >"$MYBOX_REGISTRIES"
	export root run
}
