/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_container.h"

#include "container/await.h"
#include "container/check_request.h"
#include "container/create.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "monitor/protocol.h"

static const char other_id[] = UNIT_ID("c");

/* --- requests as lines of "member=value" ------------------------------------------------------ */

#define Q(member) offsetof(struct mb_container_create_request, member)
enum kind { TEXT, LIST, MAP, NUMBER, SMALL, FLAG };
static const struct member {
	const char *name;
	enum kind kind;
	size_t offset;
} members[] = {
	{"hostname", TEXT, Q(config.hostname)},
	{"workdir", TEXT, Q(config.working_dir)},
	{"stop-signal", TEXT, Q(config.stop_signal)},
	{"env", LIST, Q(config.env)},
	{"label", MAP, Q(config.labels)},
	{"annotation", MAP, Q(host.annotations)},
	{"memory", NUMBER, Q(host.memory)},
	{"swap", NUMBER, Q(host.memory_swap)},
	{"reservation", NUMBER, Q(host.memory_reservation)},
	{"shm", NUMBER, Q(host.shm_size)},
	{"cpus", NUMBER, Q(host.nano_cpus)},
	{"period", NUMBER, Q(host.cpu_period)},
	{"quota", NUMBER, Q(host.cpu_quota)},
	{"pids", NUMBER, Q(host.pids_limit)},
	{"cpuset", TEXT, Q(host.cpuset_cpus)},
	{"mems", TEXT, Q(host.cpuset_mems)},
	{"blkio", SMALL, Q(host.blkio_weight)},
	{"oom-adj", SMALL, Q(host.oom_score_adj)},
	{"restart", TEXT, Q(host.restart.name)},
	{"restart-delay", TEXT, Q(host.restart_delay)},
	{"requires", LIST, Q(host.requires)},
	{"rm", FLAG, Q(host.auto_remove)},
	{"publish-all", FLAG, Q(host.publish_all)},
	{"ulimit", LIST, Q(ulimits)},
	{"device", LIST, Q(devices)},
	{"read-bps", LIST, Q(throttles[0])},
	{"write-iops", LIST, Q(throttles[3])},
	{"cap-add", LIST, Q(host.cap_add)},
	{"cap-drop", LIST, Q(host.cap_drop)},
	{"security-opt", LIST, Q(host.security_opt)},
	{"sysctl", MAP, Q(host.sysctls)},
	{"pid", TEXT, Q(host.pid_mode)},
	{"ipc", TEXT, Q(host.ipc_mode)},
	{"uts", TEXT, Q(host.uts_mode)},
	{"cgroupns", TEXT, Q(host.cgroupns_mode)},
	{"userns", TEXT, Q(host.userns_mode)},
	{"network", LIST, Q(networks)},
	{"alias", LIST, Q(aliases)},
	{"ip", TEXT, Q(ip)},
	{"mac", TEXT, Q(mac)},
	{"publish", LIST, Q(host.publish)},
	{"expose", LIST, Q(expose)},
	{"add-host", LIST, Q(host.extra_hosts)},
};

static void set_member(struct mb_container_create_request *q, const char *line)
{
	size_t n = strcspn(line, "=");
	const char *value = line + n + 1;

	for (size_t i = 0; i < N(members); i++) {
		const struct member *m = &members[i];
		void *at = (char *)q + m->offset;

		if (strlen(m->name) != n || strncmp(m->name, line, n) != 0)
			continue;
		if (m->kind == TEXT)
			mb_strset(at, value);
		else if (m->kind == LIST)
			mb_strv_add(at, value);
		else if (m->kind == MAP)
			mb_kv_set_pair(at, value);
		else if (m->kind == NUMBER)
			assert_int_equal(mb_parse_i64(value, at), 0);
		else if (m->kind == SMALL)
			assert_int_equal(mb_parse_int(value, at), 0);
		else
			*(bool *)at = true;
		return;
	}
	fail_msg("no member '%s'", line);
}

struct checked {
	struct unit_store s;
	struct mb_container_create_request q;
	struct mb_container_record record;
	struct mb_err err;
	int r;
};
#define CHECKED __attribute__((cleanup(checked_done))) struct checked

static void check(struct checked *c, const char *text)
{
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;

	*c = (struct checked){0};
	unit_store_init(&c->s);
	unit_container_make(&c->s, other_id, "other", 1);
	mb_strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++)
		set_member(&c->q, lines.v[i]);
	c->r = mb_container_request_check(c->s.store, &c->q, &c->record, NULL, &c->err);
}

static void checked_done(struct checked *c)
{
	mb_container_create_request_done(&c->q);
	mb_container_record_done(&c->record);
	unit_store_done(&c->s);
}

/* --- refusals --------------------------------------------------------------------------------- */

static const struct {
	const char *text, *words;
} refusals[] = {
	{"memory=6291455", "Minimum memory limit allowed is 6MB"},
	{"memory=-1", "Minimum memory limit allowed is 6MB"},
	{"swap=8388608", "You should always set the Memory limit when using Memoryswap "
                         "limit, see usage"},
	{"memory=8388608\nswap=8388607", "Minimum memoryswap limit should be larger than "
                                         "memory limit, see usage"},
	{"memory=8388608\nreservation=8388609",
         "Minimum memory limit can not be less than memory reservation limit, see usage"},
	{"shm=-1", "SHM size can not be less than 0"},
	{"cpus=1000000000\nquota=50000", "Conflicting options: Nano CPUs and CPU "
                                         "Period/Quota cannot both be set."},
	{"cpus=1000000000\nperiod=50000", "Conflicting options: Nano CPUs and CPU "
                                          "Period/Quota cannot both be set."},
	{"cpus=-1", "Range of CPUs is from 0.01 to "},
	{"period=999", "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than "
                       "1s (i.e. 1000000)"},
	{"period=1000001", "CPU cfs period can not be less than 1ms (i.e. 1000) or larger "
                           "than 1s (i.e. 1000000)"},
	{"quota=999", "CPU cfs quota can not be less than 1ms (i.e. 1000)"},
	{"cpuset=3-1", "Invalid value 3-1 for cpuset cpus"},
	{"cpuset=0-8192", "Invalid value 0-8192 for cpuset cpus"},
	{"mems=x", "Invalid value x for cpuset mems"},
	{"blkio=9", "Range of blkio weight is from 10 to 1000"},
	{"blkio=1001", "Range of blkio weight is from 10 to 1000"},
	{"oom-adj=-1001", "Invalid value -1001, range for oom score adj is [-1000, 1000]"},
	{"pids=-2", "invalid value for --pids-limit"},
	{"ulimit=nofile", "invalid ulimit argument: nofile"},
	{"ulimit=files=5", "invalid ulimit type: files"},
	{"ulimit==5", "invalid ulimit type: "},
	{"ulimit=nofile=", "invalid ulimit argument: nofile="},
	{"ulimit=nofile=-2", "invalid ulimit argument: nofile=-2"},
	{"ulimit=nofile=1:2:3", "invalid ulimit argument: nofile=1:2:3"},
	{"ulimit=nofile=2:1", "ulimit soft limit must be less than or equal to hard limit: "
                              "nofile=2:1"},
	{"ulimit=nofile=-1:1", "ulimit soft limit must be less than or equal to hard "
                               "limit: nofile=-1:1"},
	{"device=", "invalid device specification: "},
	{"device=/dev/a:/dev/b:r:w", "invalid device specification: /dev/a:/dev/b:r:w"},
	{"device=/dev/a:/dev/b:x", "invalid device mode: x"},
	{"device=/dev/a:/dev/b:", "invalid device mode: "},
	{"device=null", "'null' is not an absolute path"},
	{"device=/dev/null:zero", "'/dev/null:zero' is not an absolute path"},
	{"read-bps=/dev/sda", "bad format: /dev/sda"},
	{"read-bps=sda:1m", "bad format: sda:1m"},
	{"read-bps=/dev/sda:fast", "invalid rate for device: /dev/sda:fast"},
	{"write-iops=/dev/sda:1m", "invalid rate for device: /dev/sda:1m"},
	{"cap-add=NET", "invalid capability: \"NET\""},
	{"cap-drop=CAP_", "invalid capability: \"CAP_\""},
	{"security-opt=seccomp", "invalid --security-opt: \"seccomp\""},
	{"security-opt=seccomp=", "invalid --security-opt: \"seccomp=\""},
	{"security-opt=no-new-privileges=maybe",
         "invalid --security-opt: \"no-new-privileges=maybe\""},
	{"security-opt=no-new-privilegesx", "invalid --security-opt: \"no-new-privilegesx\""},
	{"security-opt=systempaths=all", "invalid --security-opt: \"systempaths=all\""},
	{"security-opt=", "invalid --security-opt: \"\""},
	{"security-opt=seccompx=unconfined", "invalid --security-opt: \"seccompx=unconfined\""},
	{"sysctl=kernel.panic=1", "sysctl 'kernel.panic' is not whitelisted"},
	{"sysctl=vm.swappiness=1", "sysctl 'vm.swappiness' is not whitelisted"},
	{"sysctl=net/../kernel/panic=1", "sysctl 'net/../kernel/panic' is not"},
	{"sysctl=net.../../kernel/panic=1", "sysctl 'net.../../kernel/panic' is not"},
	{"sysctl=net.x=1\nnetwork=host", "sysctl 'net.x' not allowed in host network "
                                         "namespace"},
	{"sysctl=kernel.shmmax=1\nipc=host", "sysctl 'kernel.shmmax' not allowed in host "
                                             "ipc namespace"},
	{"pid=private", "--pid: invalid pid mode: private"},
	{"pid=container:", "--pid: invalid pid mode: container:"},
	{"pid=container:none", "No such container: none"},
	{"ipc=foo", "--ipc: invalid ipc mode: foo"},
	{"uts=container:other", "--uts: invalid uts mode: container:other"},
	{"cgroupns=container:other", "--cgroupns: invalid cgroupns mode: container:other"},
	{"network=none-such", "network none-such not found"},
	{"network=name=a,b", "'b' is not a field that is known"},
	{"network=none-such,b", "network none-such not found"},
	{"network=host,b", "conflicting options: cannot attach both "
                           "user-defined and non-user-defined network-modes"},
	{"network=", "no network is named"},
	{"network=host\nnetwork=bridge", "conflicting options: cannot attach both "
                                         "user-defined and non-user-defined network-modes"},
	{"network=bridge\nnetwork=none", "conflicting options: cannot attach both "
                                         "user-defined and non-user-defined network-modes"},
	{"network=container:none", "No such container: none"},
	{"network=container:other\nhostname=x",
         "conflicting options: hostname and the network mode"},
	{"network=container:other\npublish=80",
         "conflicting options: port publishing and the container type network mode"},
	{"network=container:other\npublish-all=",
         "conflicting options: port publishing and the container type network mode"},
	{"ip=1.2.3", "invalid IPv4 address '1.2.3'"},
	{"mac=01:00:00:00:00:00", "invalid MAC address '01:00:00:00:00:00'"},
	{"alias=a/b", "invalid network alias 'a/b'"},
	{"publish=0", "invalid port '0'"},
	{"publish=80/icmp", "invalid protocol 'icmp'"},
	{"publish=80-79", "invalid range '80-79'"},
	{"publish=1-3:1-2", "not of the same length"},
	{"expose=65536", "invalid port '65536'"},
	{"add-host=x", "bad format for add-host: 'x'"},
	{"add-host=x:y", "invalid IP address in add-host: 'y'"},
	{"restart=sometimes", "invalid restart policy 'sometimes'"},
	{"restart=on-failure:x", "invalid restart policy format: maximum retry count must "
                                 "be an integer"},
	{"restart=on-failure:-1", "maximum retry count cannot be negative"},
	{"restart=always:3", "maximum retry count cannot be used with restart policy "
                             "'always'"},
	{"restart=unless-stopped:3", "maximum retry count cannot be used with restart policy"},
	{"restart-delay=soon", "invalid --restart-delay: 'soon' is no time of 1ms or more"},
	{"restart-delay=1s,0", "'0' is no time of 1ms or more"},
	{"restart-delay=1s,2s,0.9", "'0.9' is no factor between 1 and 100"},
	{"restart-delay=1s,2s,101", "'101' is no factor between 1 and 100"},
	{"restart-delay=2s,1s", "the longest is the shorter"},
	{"restart-delay=,,,,", "it is min,max,factor,reset-after"},
	{"requires=nobody", "--requires: No such container: nobody"},
	{"restart=always\nrm=", "conflicting options: cannot specify both --restart and "
                                "--rm"},
	{"stop-signal=SIGFOO", "Invalid signal: SIGFOO"},
	{"workdir=tmp", "the working directory 'tmp' is invalid, it needs to be an "
                        "absolute path"},
	{"hostname=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "invalid hostname: aaaa"},
	{"env==x", "invalid environment variable: =x"},
	{"env=", "invalid environment variable: "},
	{"env=a\xff=1", "' is not UTF-8"},
	{"label=a\xff=1", "invalid label: '"},
	{"annotation=a\xff=1", "invalid annotation: '"},
};

static void every_refusal_has_its_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(refusals); i++) {
		CHECKED c;

		check(&c, refusals[i].text);
		if (c.r >= 0 ||
		    strncmp(c.err.msg, refusals[i].words, strlen(refusals[i].words)) != 0)
			if (c.r >= 0 || !strstr(c.err.msg, refusals[i].words))
				fail_msg("'%s' gave %d, '%s'", refusals[i].text, c.r, c.err.msg);
	}
}

static void what_is_right_is_taken(void **state)
{
	static const char *const rows[] = {
		"",
		"memory=6291456\nswap=-1",
		"memory=8388608\nswap=8388608\nreservation=8388608",
		"cpus=1500000000",
		"quota=-1\nperiod=1000",
		"cpuset=0-3,7\nmems=0",
		"blkio=10\noom-adj=-1000\npids=-1",
		"cap-add=ALL\ncap-drop=net_raw\ncap-drop=CAP_CHOWN",
		"security-opt=no-new-privileges\nsecurity-opt=no-new-privileges:true\n"
		"security-opt=seccomp=unconfined\nsecurity-opt=apparmor:unconfined\n"
		"security-opt=label=disable\nsecurity-opt=systempaths=unconfined",
		"sysctl=net.ipv4.ip_forward=1\nsysctl=kernel.msgmax=1\nsysctl=fs.mqueue.msg_max=1",
		"sysctl=kernel.domainname=x",
		"pid=host\nipc=shareable\nuts=host\ncgroupns=host\nuserns=host",
		"restart=unless-stopped",
		"restart=no\nrm=",
		"network=none",
		"network=default",
		"network=bridge\nip=172.17.0.5\nmac=02:42:ac:11:00:05",
		"add-host=a:1.2.3.4\nadd-host=b=::1\nadd-host=c:host-gateway",
		"workdir=/tmp\nstop-signal=RTMIN+3\nenv=A=\nenv=B",
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		CHECKED c;

		check(&c, rows[i]);
		if (c.r != 0)
			fail_msg("'%s' gave %d, '%s'", rows[i], c.r, c.err.msg);
	}
}

/* --- what becomes of it ----------------------------------------------------------------------- */

static void lists_become_members(void **state)
{
	CHECKED c;
	struct mb_container_host_config *h = &c.q.host;

	(void)state;
	check(&c, "ulimit=nofile=1024:2048\nulimit=core=0\nulimit=stack=-1\n"
	          "device=/dev/null\ndevice=/dev/zero:rw\ndevice=/dev/a:/dev/b:m\n"
	          "read-bps=/dev/x:y:1m\nwrite-iops=/dev/sda:100");
	assert_int_equal(c.r, 0);
	assert_int_equal(h->n_ulimits, 3);
	assert_string_equal(h->ulimits[0].name, "nofile");
	assert_int_equal(h->ulimits[0].soft, 1024);
	assert_int_equal(h->ulimits[0].hard, 2048);
	assert_int_equal(h->ulimits[1].hard, 0);
	assert_int_equal(h->ulimits[2].soft, -1);
	assert_string_equal(h->devices[0].path_in_container, "/dev/null");
	assert_string_equal(h->devices[0].permissions, "rwm");
	assert_string_equal(h->devices[1].path_in_container, "/dev/zero");
	assert_string_equal(h->devices[1].permissions, "rw");
	assert_string_equal(h->devices[2].path_in_container, "/dev/b");
	assert_string_equal(h->devices[2].permissions, "m");
	assert_string_equal(h->read_bps[0].path, "/dev/x:y");
	assert_int_equal(h->read_bps[0].rate, 1 << 20);
	assert_int_equal(h->write_iops[0].rate, 100);
}

static void ports_become_exposed(void **state)
{
	CHECKED c;
	MB_AUTO_FREE char *exposed = NULL;

	(void)state;
	check(&c, "expose=80\nexpose=90-92/udp\npublish=8080:80\npublish=127.0.0.1::53/udp");
	assert_int_equal(c.r, 0);
	exposed = mb_strv_join(&c.q.config.exposed_ports, " ");
	assert_string_equal(exposed, "80/tcp 90/udp 91/udp 92/udp 53/udp");
}

static void modes_become_ids(void **state)
{
	CHECKED c, joined;

	(void)state;
	check(&c, "pid=container:other\nipc=container:cccc");
	assert_int_equal(c.r, 0);
	assert_string_equal(c.q.host.pid_mode, "container:" UNIT_ID("c"));
	assert_string_equal(c.q.host.ipc_mode, "container:" UNIT_ID("c"));
	check(&joined, "network=container:other");
	assert_int_equal(joined.r, 0);
	assert_string_equal(joined.q.host.network_mode, "container:" UNIT_ID("c"));
	assert_int_equal(joined.record.networks.n, 0);
}

static void networks_get_their_long_form(void **state)
{
	static const struct {
		const char *text, *mode, *networks;
	} rows[] = {
		{"", "bridge", "name=bridge"},
		{"network=default", "bridge", "name=bridge"},
		{"network=host", "host", ""},
		{"network=none", "none", ""},
		{"network=bridge\nip=172.17.0.9\nmac=02:42:AC:11:00:09\nalias=a\nalias=b", "bridge",
	         "name=bridge,alias=a,alias=b,ip=172.17.0.9,mac-address=02:42:ac:11:00:09"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		CHECKED c;
		MB_AUTO_FREE char *networks = NULL;

		check(&c, rows[i].text);
		assert_int_equal(c.r, 0);
		networks = mb_strv_join(&c.record.networks, "|");
		assert_string_equal(c.q.host.network_mode, rows[i].mode);
		assert_string_equal(networks, rows[i].networks);
	}
}

static void restart_counts(void **state)
{
	CHECKED c;

	(void)state;
	check(&c, "restart=on-failure:5");
	assert_int_equal(c.r, 0);
	assert_string_equal(c.q.host.restart.name, "on-failure");
	assert_int_equal(c.q.host.restart.max_retries, 5);
}

static void delays_are_read(void **state)
{
	static const struct {
		const char *text;
		struct mb_monitor_backoff want;
	} rows[] = {
		{"", {100, 60000, 0, 0}},          {"1s", {1000, 60000, 0, 0}},
		{"2m", {120000, 120000, 0, 0}},    {"1s,1m30s,1.5,1h", {1000, 90000, 150, 3600000}},
		{",,100", {100, 60000, 10000, 0}}, {"1ms,1ms,1,1ms", {1, 1, 100, 1}}};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct mb_monitor_backoff got = {0};

		assert_int_equal(mb_container_backoff_parse(rows[i].text, &got, NULL), 0);
		assert_memory_equal(&got, &rows[i].want, sizeof(got));
	}
}

static void conditions_are_read(void **state)
{
	unsigned got = 0;

	(void)state;
	assert_int_equal(mb_container_await_parse("healthy,unhealthy", &got, NULL), 0);
	assert_int_equal(mb_container_await_parse("stopped", &got, NULL), 0);
	assert_int_equal(got, MB_AWAIT_HEALTHY | MB_AWAIT_UNHEALTHY | MB_AWAIT_ENDED);
	assert_true(mb_container_await_parse("", &got, NULL) < 0);
	assert_true(mb_container_await_parse("running,", &got, NULL) < 0);
	assert_true(mb_container_await_parse("Running", &got, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_its_words),
		cmocka_unit_test(what_is_right_is_taken),
		cmocka_unit_test(lists_become_members),
		cmocka_unit_test(ports_become_exposed),
		cmocka_unit_test(modes_become_ids),
		cmocka_unit_test(networks_get_their_long_form),
		cmocka_unit_test(restart_counts),
		cmocka_unit_test(delays_are_read),
		cmocka_unit_test(conditions_are_read),
	};

	return cmocka_run_group_tests_name("container/check_request", tests, NULL, NULL);
}
