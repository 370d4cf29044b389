#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Secrets: kept, shown to containers, and nowhere else.
# bats file_tags=cgroup:any
load helpers

secret='s3cr3t-canary'

@test "create, ls, inspect, rm" {
	local id
	id=$(printf %s "$secret" | mybox secret create -l stage=prod -l x db-pass -)
	[[ $id =~ ^[0-9a-f]{25}$ ]]
	[ "$(stat -c %a "$root/secrets/db-pass/data" "$root/secrets/db-pass/meta.json" | sort -u)" = 600 ]
	[ "$(stat -c %a "$root/secrets" "$root/secrets/db-pass" | sort -u)" = 700 ]
	[ "$(cat "$root/secrets/db-pass/data")" = "$secret" ]
	run -1 mybox secret create db-pass - <<<other
	[[ $output == *"secret 'db-pass' already exists"* ]]
	echo other >"$BATS_TEST_TMPDIR/file"
	mybox secret create t "$BATS_TEST_TMPDIR/file"
	V=of-env mybox secret create --env from-env V
	[ "$(cat "$root/secrets/from-env/data")" = of-env ]
	[[ $(mybox secret ls | head -1) =~ ^ID\ +NAME\ +DRIVER\ +CREATED\ +UPDATED$ ]]
	[ "$(mybox secret ls --format '{{.Name}} {{.Driver}} {{.Label "stage"}}')" = $'db-pass file prod\nfrom-env file \nt file ' ]
	[ "$(mybox secret ls -q -f label=stage=prod)" = "$id" ]
	[ "$(mybox secret ls --format '{{.Name}}' -f name=env)" = from-env ]
	[ "$(mybox secret inspect -f '{{.Spec.Name}} {{.Spec.Driver.Name}} {{.Spec.Labels.stage}} {{.ID}}' "${id:0:6}")" = "db-pass file prod $id" ]
	[[ $(mybox secret inspect db-pass) != *canary* ]]
	run -1 mybox secret inspect db-pass nobody
	[[ $output == *'No such secret: nobody'* ]]
	mybox secret exists db-pass
	run -1 mybox secret exists nobody
	# Another data, in one moment, under the same name.
	mybox secret create --replace t - <<<newer
	[ "$(cat "$root/secrets/t/data")" = newer ]
	[ "$(mybox secret rm t "${id:0:6}")" = "t"$'\n'"${id:0:6}" ]
	run -1 mybox secret rm t
	mybox secret rm -i t
	# Of who was killed in the middle nothing stays on disk.
	mkdir "$root/secrets/.rm-x" "$root/secrets/.tmp-y"
	echo "$secret" | tee "$root/secrets/.rm-x/data" >"$root/secrets/.tmp-y/data"
	mybox secret create u - <<<x
	[ -z "$(find "$root/secrets" -mindepth 1 -name '.*')" ]
	mkdir "$root/secrets/.rm-x"
	[ "$(mybox secret rm u)" = u ]
	[ ! -e "$root/secrets/.rm-x" ]
	[ "$(mybox secret rm -a)" = from-env ]
	[ -z "$(ls -A "$root/secrets")" ]
}

@test "what cannot be a secret" {
	local name
	for name in '' -x a/b .. a=b a,b "$(printf 'x%.0s' {1..254})"; do
		run mybox secret create -- "$name" - <<<x
		[ "$status" != 0 ] || { echo "'$name'" && false; }
	done
	run -1 mybox secret create none - </dev/null
	[[ $output == *'must be between 1 and 512000 bytes'* ]]
	head -c 512001 /dev/zero >"$BATS_TEST_TMPDIR/big"
	run -1 mybox secret create none "$BATS_TEST_TMPDIR/big"
	[[ $output == *'must be between 1 and 512000 bytes'* ]]
	run -1 mybox secret create -d pass none - <<<x
	[[ $output == *"no secret driver 'pass'"* ]]
	[ -z "$(ls -A "$root/secrets")" ]
	truncate -s 512000 "$BATS_TEST_TMPDIR/big"
	mybox secret create most "$BATS_TEST_TMPDIR/big"
	[ "$(mybox run --rm --secret most deb sh -c 'cat /run/secrets/most | wc -c')" = 512000 ]
	local bad
	while read -r bad; do
		run -125 mybox run --rm --secret "$bad" deb true
	done <<-'E'
		nobody
		most,type=file
		most,mode=9
		most,uid=x
		most,colour=red
		most,target=../x
		most,target=/
		most,type=env,mode=0400
		most,type=env,target=A=B
		,target=x
	E
	run -125 mybox run --rm --secret most --secret most deb true
	[[ $output == *"two secrets have the target '/run/secrets/most'"* ]]
	# Zero bytes are for files alone.
	run -125 mybox run --rm --secret most,type=env deb true
	[[ $output == *'holds a zero byte'* ]]
	mybox secret rm most
}

@test "a container reads them, and nobody else does" {
	local id
	printf %s "$secret" | mybox secret create one -
	printf %s "env-$secret" | mybox secret create two -
	id=$(mybox run -d --name k1 --secret one --secret one,target=sub/copy,mode=0400,uid=7,gid=8 --secret one,target=/etc/app/key,mode=0440 \
		--secret two,type=env --secret two,type=env,target=OTHER -e two=plain -e OTHER=plain deb sleep 1000)
	[ "$(mybox exec k1 stat -c '%a %u %g %n' /run/secrets/one /run/secrets/sub/copy /etc/app/key)" = \
		$'444 0 0 /run/secrets/one\n400 7 8 /run/secrets/sub/copy\n440 0 0 /etc/app/key' ]
	[ "$(mybox exec k1 cat /run/secrets/one /run/secrets/sub/copy /etc/app/key)" = "$secret$secret$secret" ]
	[ "$(mybox exec k1 stat -f -c %T /run/secrets/one /etc/app/key)" = $'tmpfs\ntmpfs' ]
	run -1 mybox exec k1 sh -c 'echo x >/run/secrets/one || exit 1'
	run -1 mybox exec k1 sh -c 'echo x >/etc/app/key || exit 1'
	mybox exec k1 sh -c 'tr "\0" "\n" </proc/1/environ' >"$BATS_TEST_TMPDIR/env"
	grep -qx "two=env-$secret" "$BATS_TEST_TMPDIR/env"
	grep -qx "OTHER=env-$secret" "$BATS_TEST_TMPDIR/env"
	# In the place of others of that name, of which some programs see the first and some the last.
	[ "$(grep -cE '^(two|OTHER)=' "$BATS_TEST_TMPDIR/env")" = 2 ]
	[ "$(mybox exec -e two=own k1 env | grep -E '^(two|OTHER)=')" = "two=env-$secret"$'\n'"OTHER=env-$secret" ]
	[ "$(mybox exec -u 7 k1 cat /run/secrets/sub/copy)" = "$secret" ]
	[ "$(mybox inspect -f '{{range .Config.Secrets}}{{.Name}}:{{.Target}}:{{.Mode}} {{end}}' k1)" = \
		'one:/run/secrets/one:292 one:/run/secrets/sub/copy:256 one:/etc/app/key:288 two:two:292 two:OTHER:292 ' ]
	# Neither told nor kept: but in the store of secrets it is nowhere.
	mybox inspect k1 >"$BATS_TEST_TMPDIR/told"
	mybox events --since 0 --until "$(date +%s.%N)" >>"$BATS_TEST_TMPDIR/told"
	mybox diff k1 >>"$BATS_TEST_TMPDIR/told"
	mybox export k1 >>"$BATS_TEST_TMPDIR/told"
	mybox commit k1 committed
	mybox save committed | gzip -dc 2>/dev/null >>"$BATS_TEST_TMPDIR/told" || mybox save committed >>"$BATS_TEST_TMPDIR/told"
	run -1 grep -a canary "$BATS_TEST_TMPDIR/told"
	run -1 grep -ral canary "$run" "$root/containers" "$root/images" "$root/layers" "$root/events"
	[ -s "$run/c/$id/config.json" ]
	mybox rmi committed
	# Who makes a container and who removes a secret do not pass each other by.
	run -137 flock -s "$run/locks/secrets" timeout -s KILL 1 "${box[@]}" secret rm two
	run -137 flock -x "$run/locks/secrets" timeout -s KILL 1 "${box[@]}" create --secret one deb
	# It is needed for the next start.
	run -1 mybox secret rm one
	[[ $output == *"secret 'one' is in use by: k1"* ]]
	printf new | mybox secret create --replace one -
	mybox restart -t 0 k1
	[ "$(mybox exec k1 cat /run/secrets/one)" = new ]
	mybox rm -f k1
	# Ids of a user namespace are its own.
	[ "$(mybox run --rm --userns auto:size=1024 --secret one,uid=7,mode=0400 -u 7 deb sh -c 'stat -c %u /run/secrets /run/secrets/one; cat /run/secrets/one')" = \
		$'0\n7\nnew' ]
	run -125 mybox run --rm --userns auto:size=1024 --secret one,uid=70000,mode=0400 deb true
	[[ $output == *'user 70000 is not mapped'* ]]
	# Found by a part of its id it still has its name.
	id=$(mybox secret inspect -f '{{.ID}}' one)
	[ "$(mybox run --rm --secret "${id:0:6}" deb cat /run/secrets/one)" = new ]
	mybox secret rm -a
}
