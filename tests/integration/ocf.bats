#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/ocf/mybox, called as Pacemaker calls it, on two hosts that are two stores in two networks.
# bats file_tags=cgroup:any
load helpers

setup_file() { setup_store "${BATS_TEST_FILENAME##*/}"; }
setup() {
	own_store
	export OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=web OCF_RESKEY_mybox=$MYBOX
	export OCF_RESKEY_root=$root OCF_RESKEY_runroot=$run OCF_RESKEY_image=deb OCF_RESKEY_pull=never
	export OCF_RESKEY_run_cmd="sleep 1000" OCF_RESKEY_stop_timeout=0
}

agent() { "$top/contrib/ocf/mybox" "$@"; }
codes() { # codes CODE ACTION...
	local code=$1
	shift
	run "-$code" agent "$@"
}

@test "every action, and again" {
	codes 0 validate-all
	codes 7 monitor
	codes 0 stop
	codes 0 start
	codes 0 start
	[ "$(mybox ps -q --filter name=web | wc -l)" = 1 ]
	codes 0 monitor
	codes 0 stop
	codes 0 stop
	codes 7 monitor
	[ -z "$(mybox ps -aq)" ]
	codes 3 promote
	codes 2
	codes 0 meta-data
	[[ $output == *'<resource-agent name="mybox"'*'</resource-agent>' ]]
	local tag
	for tag in parameter action longdesc shortdesc parameters actions; do
		[ "$(grep -c "</$tag>\|<$tag [^>]*/>" <<<"$output")" = "$(grep -c "<$tag[ >]" <<<"$output")" ]
	done
	# What it says of itself is what it does.
	for tag in $(grep -o 'action name="[^"]*' <<<"$output" | cut -d'"' -f2); do
		grep -q "$tag" <<<"start stop monitor meta-data validate-all"
	done
}

@test "monitor tells what has ended from what has failed" {
	codes 0 start
	mybox kill web
	ended() { [ "$(mybox inspect -f '{{.State.Status}}' web)" = exited ]; }
	wait_until 10 ended
	codes 7 monitor
	# What lies there does not stand in the way, nor does a volume of it stay.
	OCF_RESKEY_run_opts='-v /anonymous' codes 0 start
	mybox kill web
	wait_until 10 ended
	codes 0 start
	[ -z "$(mybox volume ls -q)" ]
	mybox pause web
	codes 1 monitor
	mybox unpause web
	OCF_RESKEY_monitor_cmd='exit 3' codes 1 monitor
	OCF_RESKEY_monitor_cmd='test -d /etc' codes 0 monitor
	codes 0 stop
	# A health check counts.
	export OCF_RESKEY_run_opts='--health-cmd=false --health-interval=100ms --health-retries=1'
	timeout 80 "$top/contrib/ocf/mybox" start 3>&- &
	sick() { [ "$(mybox inspect -f '{{.State.Health.Status}}' web 2>/dev/null)" = unhealthy ]; }
	wait_until 10 sick
	kill $! # it waits for health
	wait $! || true
	codes 1 monitor
	export OCF_RESKEY_run_opts='--health-cmd=true --health-interval=100ms'
	codes 0 start
	codes 0 monitor
	codes 0 stop
}

@test "what cannot be is told before anything is done" {
	OCF_RESKEY_mybox=/nosuch codes 5 validate-all
	OCF_RESKEY_mybox=/nosuch codes 0 stop
	OCF_RESKEY_image='' codes 6 start
	OCF_RESKEY_name='a b' codes 6 start
	OCF_RESKEY_ip=10.0.0.1 codes 6 start
	OCF_RESKEY_stop_timeout=x codes 6 start
	OCF_RESKEY_run_opts='--restart always' codes 6 start
	OCF_RESKEY_run_opts='-e A=b --rm' codes 6 start
	OCF_RESKEY_run_opts='--rm=true -e A=b' codes 6 start
	OCF_RESKEY_image=nosuch codes 1 start
	OCF_RESKEY_run_cmd=true codes 1 start
	OCF_RESKEY_run_cmd=nosuch codes 1 start
	codes 0 stop
	[ -z "$(mybox ps -aq)" ]
	# No shell sees what is in the options.
	OCF_RESKEY_run_opts='-e A=$(touch${IFS}made) -e B=*' codes 0 start
	run -0 mybox exec web sh -c 'echo "$A $B"'
	[ "$output" = '$(touch${IFS}made) *' ]
	codes 0 stop
}

@test "on another host it has the same name and address" {
	local other=/run/mybox-test/$name/other space=$BATS_TEST_TMPDIR/space
	: >"$space"
	unshare "--net=$space" ip link set lo up
	elsewhere() {
		OCF_RESKEY_root=$other/root OCF_RESKEY_runroot=$other/run nsenter "--net=$space" "$@"
	}
	there=("$MYBOX" --root "$other/root" --runroot "$other/run")
	mkdir -p "$other"
	elsewhere "${there[@]}" load -q -i "$images/deb.tar"
	mybox network create --subnet 10.93.0.0/24 shared
	elsewhere "${there[@]}" network create --subnet 10.93.0.0/24 shared
	export OCF_RESKEY_network=shared OCF_RESKEY_ip=10.93.0.20
	codes 0 start
	run -7 elsewhere "$top/contrib/ocf/mybox" monitor
	codes 0 stop
	run -0 elsewhere "$top/contrib/ocf/mybox" start
	codes 7 monitor
	run -0 elsewhere "$top/contrib/ocf/mybox" monitor
	run -0 elsewhere "${there[@]}" inspect -f '{{.Name}} {{.NetworkSettings.Networks.shared.IPAddress}}' web
	[ "$output" = "/web 10.93.0.20" ]
	run -0 elsewhere "$top/contrib/ocf/mybox" stop
	elsewhere "${there[@]}" network rm shared
	elsewhere "${there[@]}" system check
	umount "$space"
	mybox network rm shared
}
