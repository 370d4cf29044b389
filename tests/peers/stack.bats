#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# podman-compose and real servers: nginx, redis and postgres of the distribution, in images that mybox
# build makes of one Dockerfile's stages.
load helpers

setup_file() { setup_store "${BATS_TEST_FILENAME##*/}"; }
setup() {
	own_store
	servers=$top/build/servers
	requires podman-compose
	[ -e "$servers/done" ] || skip "needs the servers' packages: tests/support/install servers"
	mkdir -p "$BATS_TEST_TMPDIR/stack"
	cd "$BATS_TEST_TMPDIR/stack" || return
	cp -al "$servers/root" root 2>/dev/null || cp -a "$servers/root" root
	printf '#!/bin/sh\nexec "%s" --root "%s" --runroot "%s" "$@"\n' "$MYBOX" "$root" "$run" >../mybox
	chmod 755 ../mybox
	cat >nginx.conf <<-'N'
		daemon off;
		user root;
		pid /tmp/nginx.pid;
		error_log stderr;
		events {}
		http {
			access_log /dev/stdout;
			server {
				listen 80;
				root /www;
			}
		}
	N
	cat >db.sh <<-'S'
		#!/bin/sh
		set -e
		[ -s /data/PG_VERSION ] || {
			/pg/bin/initdb -D /data -A trust -U app --locale C >/dev/null
			echo 'host all all all trust' >>/data/pg_hba.conf
		}
		exec /pg/bin/postgres -D /data -c 'listen_addresses=*' -c unix_socket_directories=/tmp
	S
	chmod 755 db.sh
	cat >Dockerfile <<-'D'
		FROM deb AS base
		COPY root /
		FROM base AS web
		COPY nginx.conf /etc/nginx/nginx.conf
		RUN mkdir -p /www /var/log/nginx /var/lib/nginx && echo "served by nginx" >/www/index.html
		CMD ["nginx"]
		FROM base AS cache
		CMD ["redis-server", "--bind", "*", "--protected-mode", "no", "--save", ""]
		FROM base AS db
		RUN mkdir /data && chown user /data && chmod 700 /data
		COPY db.sh /db.sh
		USER user
		VOLUME /data
		STOPSIGNAL INT
		HEALTHCHECK --interval=1s CMD ["/pg/bin/pg_isready", "-h", "127.0.0.1", "-U", "app"]
		CMD ["/db.sh"]
	D
	cat >docker-compose.yml <<-'Y'
		version: "3"
		services:
		  web:
		    build: {context: ., target: web}
		    image: stack-web
		    environment: {PATH: "/usr/sbin:/usr/bin:/bin"}
		    ports: ["127.0.0.1:18088:80"]
		    depends_on: [cache, db]
		  cache:
		    build: {context: ., target: cache}
		    image: stack-cache
		  replica:
		    image: stack-cache
		    command: ["redis-server", "--replicaof", "cache", "6379", "--save", ""]
		    deploy: {replicas: 2}
		    depends_on: [cache]
		  db:
		    build: {context: ., target: db}
		    image: stack-db
		    volumes: ["dbdata:/data"]
		volumes: {dbdata: {}}
	Y
}
compose() { timeout 900 podman-compose --podman-path ../mybox "$@" 2>&1; }
sql() { compose exec -T db /pg/bin/psql -h 127.0.0.1 -U app -Atc "$1" postgres; }

@test "podman-compose: nginx, redis and postgres come up, scale, keep data and go" {
	compose up -d --build
	healthy() { [ "$(mybox inspect -f '{{.State.Health.Status}}' stack_db_1)" = healthy ]; }
	wait_until 20 healthy
	# By a published port, and by names from one to the other.
	served() { [ "$(busybox wget -q -O- http://127.0.0.1:18088/)" = "served by nginx" ]; }
	wait_until 5 served
	[[ $(compose exec -T cache redis-cli set greeting hello) == *OK* ]]
	[[ $(compose exec -T web redis-cli -h cache get greeting) == *hello* ]]
	# Two replicas follow the one server, which they know by name.
	followed() { [[ $(compose exec -T cache redis-cli info replication) == *connected_slaves:2* ]]; }
	wait_until 10 followed
	copied() { [[ $(compose exec -T --index 2 replica redis-cli get greeting) == *hello* ]]; }
	wait_until 10 copied
	sql 'create table t (n int); insert into t select generate_series(1, 1000)'
	[[ $(sql 'select sum(n) from t') == *500500* ]]
	[[ $(compose exec -T web /pg/bin/psql -h db -U app -Atc 'select 6 * 7' postgres) == *42* ]]
	# What they write is followed while they run.
	timeout 900 podman-compose --podman-path ../mybox logs -f web >followed 2>&1 3>&- &
	follower=$!
	busybox wget -q -O- http://127.0.0.1:18088/?follow-me >/dev/null
	seen() { grep -q 'GET /?follow-me' followed; }
	wait_until 10 seen
	kill $follower
	[[ $(compose logs db) == *"ready to accept connections"* ]]
	# The volume outlives the containers; a clean end leaves nothing to recover.
	run -0 compose down -t 100
	[ -z "$(mybox ps -aq)" ]
	compose up -d
	wait_until 20 healthy
	[[ $(sql 'select count(*) from t') == *1000* ]]
	[[ $(compose logs db) != *"not properly shut down"* ]]
	run -0 compose down -v -t 20
	[ -z "$(mybox ps -aq)" ]
	[ -z "$(mybox volume ls -q)" ]
}
