#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# podman-compose drives mybox: a project is built, brought up, followed, entered and taken down.
load helpers

setup_file() { setup_store "${BATS_TEST_FILENAME##*/}"; }
setup() {
	own_store
	requires podman-compose
	mkdir -p "$BATS_TEST_TMPDIR/app"
	cd "$BATS_TEST_TMPDIR/app" || return
	printf '#!/bin/sh\nexec "%s" --root "%s" --runroot "%s" "$@"\n' "$MYBOX" "$root" "$run" >../mybox
	chmod 755 ../mybox
	cat >Dockerfile <<-'D'
		FROM deb
		ARG WHO=nobody
		RUN mkdir -p /www && echo "hello $WHO" >/www/index.html
		CMD ["httpd", "-f", "-v", "-p", "80", "-h", "/www"]
	D
	cat >docker-compose.yml <<-'Y'
		version: "3"
		services:
		  web:
		    build:
		      context: .
		      args: {WHO: you}
		    image: app-web
		    ports: ["8088:80"]
		    environment: {GREETING: hi}
		    volumes: ["data:/data", "./Dockerfile:/df:ro"]
		    networks: [front, back]
		    restart: unless-stopped
		    healthcheck: {test: ["CMD-SHELL", "wget -q -O- http://127.0.0.1/"], interval: 1s, retries: 3}
		    depends_on: [db]
		  db:
		    image: deb
		    command: ["sleep", "1000"]
		    networks: [back]
		    labels: {role: store}
		    tmpfs: /mem
		    cap_add: [NET_ADMIN]
		    stop_signal: KILL
		volumes: {data: {}}
		networks: {front: {}, back: {}}
	Y
}
compose() { timeout 900 podman-compose --podman-path ../mybox "$@" 2>&1; }

@test "podman-compose: up, exec, run, logs, restart, down" {
	compose up -d
	[ "$(mybox ps --format '{{.Names}}' | sort | tr '\n' ' ')" = "app_db_1 app_web_1 " ]
	served() { [ "$(busybox wget -q -O- http://127.0.0.1:8088/)" = "hello you" ]; }
	wait_until 5 served
	healthy() { [ "$(mybox inspect -f '{{.State.Health.Status}}' app_web_1)" = healthy ]; }
	wait_until 10 healthy
	[[ $(compose exec -T web env) == *GREETING=hi* ]]
	# By the names of services, on whichever network they share.
	[[ $(compose exec -T web ping -c 1 db) == *"1 packets received"* ]]
	[[ $(compose exec -T db wget -q -O- http://web/) == *"hello you"* ]]
	[[ $(compose run --rm -T db echo one-off) == *one-off* ]]
	[[ $(compose logs web) == *"response:200"* ]]
	[[ $(compose ps) == *app_web_1* ]]
	compose restart -t 1 web
	wait_until 5 served
	compose stop -t 1
	[ -z "$(mybox ps -q)" ]
	compose start
	wait_until 5 served
	mybox volume create other
	run -0 compose down -v
	[ -z "$(mybox ps -aq)" ]
	[ "$(mybox volume ls -q)" = other ]
	mybox volume rm other
}

@test "podman-compose: several of one service, one address for all" {
	sed -i 's/^    ports:.*/    deploy: {replicas: 2}/; /healthcheck/d' docker-compose.yml
	compose up -d
	[ "$(mybox ps -q --filter label=com.docker.compose.service=web | wc -l)" = 2 ]
	both() { [ "$(mybox exec app_db_1 nslookup web 2>/dev/null | grep -c '^Address.*10\.\|^Address.*172\.\|^Address.*192\.')" -ge 2 ]; }
	wait_until 5 both
	# More of them while all run: who was there stays.
	web() { mybox ps -q --filter label=com.docker.compose.service=web | sort | xargs; }
	local two three
	two=$(web)
	sed -i 's|replicas: 2|replicas: 3|' docker-compose.yml
	compose up -d
	three=$(web)
	[ "$(wc -w <<<"$three")" = 3 ]
	for id in $two; do [[ $three == *"$id"* ]]; done
	all() { [ "$(mybox exec app_db_1 nslookup web 2>/dev/null | grep -c '^Address.*10\.\|^Address.*172\.\|^Address.*192\.')" -ge 3 ]; }
	wait_until 5 all
	compose down -v
	[ -z "$(mybox ps -aq)" ]
}

@test "podman-compose: a secret that is a file" {
	echo hush >hidden
	cat >docker-compose.yml <<-'Y'
		version: "3"
		services:
		  db:
		    image: deb
		    command: ["sleep", "1000"]
		    secrets: [word]
		secrets: {word: {file: ./hidden}}
	Y
	compose up -d
	[ "$(mybox exec app_db_1 cat /run/secrets/word)" = hush ]
	run -1 mybox exec app_db_1 sh -c 'echo x >/run/secrets/word'
	compose down
	[ -z "$(mybox ps -aq)" ]
}
