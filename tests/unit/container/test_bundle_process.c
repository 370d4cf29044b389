/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <sys/resource.h>

#include "container/bundle.h"
#include "container/record.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/caps.h"

#define DOCKERS                                                        \
	"CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP " \
	"NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP"
#define WITHOUT_RAW                                                    \
	"CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP " \
	"NET_BIND_SERVICE SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP"

/* The names without "CAP_", or how many there are if that is all of them. */
static char *describe(const struct mb_strv *caps)
{
	struct mb_str s = MB_STR_INIT;

	if (caps->n == (size_t)mb_sys_cap_last() + 1)
		return mb_strdup("all");
	MB_STRV_FOREACH (cap, caps) {
		if (s.len)
			mb_str_addc(&s, ' ');
		mb_str_add(&s, mb_skip_prefix(cap, "CAP_"));
	}
	return mb_str_take(&s);
}

static void capability_sets(void **state)
{
	static const struct {
		const char *add, *drop;
		bool privileged;
		const char *want;
	} rows[] = {
		{"", "", false, DOCKERS},
		{"", "NET_RAW", false, WITHOUT_RAW},
		{"", "cap_net_raw", false, WITHOUT_RAW},
		{"NET_RAW", "NET_RAW", false, DOCKERS}, /* as docker: what is added, stays */
		{"NET_ADMIN", "ALL", false, "NET_ADMIN"},
		{"net_admin", "all", false, "NET_ADMIN"},
		{"", "ALL", false, ""},
		{"CHOWN,KILL", "ALL", false, "CHOWN KILL"},
		{"CHOWN,KILL", "ALL,KILL", false, "CHOWN KILL"},
		{"ALL", "", false, "all"},
		{"ALL", "ALL", false, "all"},
		{"", "", true, "all"},
		{"", "ALL", true, "all"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct mb_container_host_config host = {0};
		struct mb_oci_process process = {0};
		MB_AUTO_FREE char *got = NULL;

		mb_strv_split(&host.cap_add, rows[i].add, ',');
		mb_strv_split(&host.cap_drop, rows[i].drop, ',');
		assert_int_equal(mb_container_caps_fill(&host, rows[i].privileged, &process, NULL),
		                 0);
		got = describe(&process.capabilities->bounding);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("+%s -%s gave '%s'", rows[i].add, rows[i].drop, got);
		assert_int_equal(process.capabilities->effective.n,
		                 process.capabilities->bounding.n);
		assert_int_equal(process.capabilities->permitted.n,
		                 process.capabilities->bounding.n);
		/* What is inherited would survive an exec by another user. */
		assert_int_equal(process.capabilities->inheritable.n, 0);
		assert_int_equal(process.capabilities->ambient.n, 0);
		mb_oci_process_done(&process);
		mb_strv_done(&host.cap_add);
		mb_strv_done(&host.cap_drop);
	}
}

static void all_but_one(void **state)
{
	struct mb_container_host_config host = {0};
	struct mb_oci_process process = {0};

	(void)state;
	mb_strv_add(&host.cap_add, "ALL");
	mb_strv_add(&host.cap_drop, "SYS_ADMIN");
	assert_int_equal(mb_container_caps_fill(&host, false, &process, NULL), 0);
	assert_int_equal(process.capabilities->bounding.n, mb_sys_cap_last());
	assert_false(mb_strv_has(&process.capabilities->bounding, "CAP_SYS_ADMIN"));
	mb_oci_process_done(&process);
	mb_strv_done(&host.cap_add);
	mb_strv_done(&host.cap_drop);
}

static void an_unknown_capability(void **state)
{
	struct mb_container_host_config host = {0};
	struct mb_oci_process process = {0};
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	mb_strv_add(&host.cap_drop, "CAP_NONE");
	assert_int_equal(mb_container_caps_fill(&host, false, &process, &err), -EINVAL);
	assert_string_equal(err.msg, "invalid capability: \"CAP_NONE\"");
	assert_null(process.capabilities);
	mb_strv_done(&host.cap_drop);
}

/* --- the whole process ------------------------------------------------------------------------ */

struct made {
	struct unit_dir root;
	struct mb_container_record record;
	struct mb_oci_process process;
};
#define MADE __attribute__((cleanup(made_done))) struct made

static void made_init(struct made *m)
{
	*m = (struct made){0};
	unit_dir_init(&m->root);
	assert_int_equal(mkdirat(m->root.fd, "etc", 0755), 0);
	unit_write_text(m->root.fd, "etc/passwd",
	                "root:x:0:0::/root:/bin/sh\nweb:x:33:44::/srv:/bin/sh\n");
	unit_write_text(m->root.fd, "etc/group", "root:x:0:\nweb:x:44:\nextra:x:55:web\n");
	m->record.config.hostname = mb_strdup("box");
	mb_strv_add(&m->record.config.cmd, "sh");
}

static void made_done(struct made *m)
{
	mb_oci_process_done(&m->process);
	mb_container_record_done(&m->record);
	unit_dir_done(&m->root);
}

static void make(struct made *m)
{
	assert_int_equal(mb_container_process_fill(&m->record, m->root.fd, &m->process, NULL), 0);
}

static const struct mb_oci_rlimit *limit_of(const struct made *m, const char *type)
{
	for (size_t i = 0; i < m->process.n_rlimits; i++)
		if (strcmp(m->process.rlimits[i].type, type) == 0)
			return &m->process.rlimits[i];
	return NULL;
}

static void the_least_process(void **state)
{
	MADE m;

	(void)state;
	made_init(&m);
	make(&m);
	assert_string_equal(m.process.cwd, "/");
	assert_int_equal(m.process.args.n, 1);
	assert_string_equal(mb_env_find(&m.process.env, "HOSTNAME"), "box");
	assert_string_equal(mb_env_find(&m.process.env, "HOME"), "/root");
	assert_null(mb_env_find(&m.process.env, "TERM"));
	assert_int_equal(m.process.user.uid, 0);
	assert_false(m.process.terminal);
	assert_true(m.process.has_oom_score_adj);
	assert_int_equal(m.process.oom_score_adj, 0);
}

static void what_was_said_stands(void **state)
{
	MADE m;

	(void)state;
	made_init(&m);
	m.record.config.tty = true;
	m.record.config.working_dir = mb_strdup("/work");
	m.record.config.user = mb_strdup("web");
	m.record.host.oom_score_adj = 500;
	mb_strv_add(&m.record.config.entrypoint, "/init");
	mb_strv_add(&m.record.config.env, "HOME=/mine");
	mb_strv_add(&m.record.config.env, "TERM=dumb");
	mb_strv_add(&m.record.config.env, "HOSTNAME=other");
	mb_strv_add(&m.record.host.group_add, "77");
	make(&m);
	assert_string_equal(m.process.args.v[0], "/init");
	assert_string_equal(m.process.args.v[1], "sh");
	assert_int_equal(m.process.env.n, 3);
	assert_string_equal(mb_env_find(&m.process.env, "HOME"), "/mine");
	assert_string_equal(m.process.cwd, "/work");
	assert_int_equal(m.process.user.uid, 33);
	assert_int_equal(m.process.user.gid, 44);
	assert_int_equal(m.process.user.n_additional_gids, 3);
	assert_int_equal(m.process.user.additional_gids[0], 44);
	assert_int_equal(m.process.oom_score_adj, 500);
	assert_true(m.process.terminal);
}

static void a_terminal_has_a_kind(void **state)
{
	MADE m;

	(void)state;
	made_init(&m);
	m.record.config.tty = true;
	make(&m);
	assert_string_equal(mb_env_find(&m.process.env, "TERM"), "xterm");
}

static void nobody_of_that_name(void **state)
{
	MADE m;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	made_init(&m);
	m.record.config.user = mb_strdup("nobody-such");
	assert_true(mb_container_process_fill(&m.record, m.root.fd, &m.process, &err) < 0);
	assert_non_null(strstr(err.msg, "nobody-such"));
}

static void limits(void **state)
{
	MADE m;
	struct mb_container_ulimit *u;
	const struct mb_oci_rlimit *l;

	(void)state;
	made_init(&m);
	u = mb_container_append(&m.record.host.ulimits, &m.record.host.n_ulimits, sizeof(*u));
	u->name = mb_strdup("core");
	u->soft = u->hard = -1;
	u = mb_container_append(&m.record.host.ulimits, &m.record.host.n_ulimits, sizeof(*u));
	u->name = mb_strdup("nofile");
	u->soft = 10;
	u->hard = 20;
	make(&m);
	assert_int_equal(m.process.n_rlimits, 15); /* each once, none is the caller's */
	l = limit_of(&m, "RLIMIT_CORE");
	assert_true(l && l->soft == UINT64_MAX && l->hard == UINT64_MAX);
	l = limit_of(&m, "RLIMIT_NOFILE");
	assert_true(l && l->soft == 10 && l->hard == 20);
}

static void open_files_have_a_limit(void **state)
{
	MADE m;
	const struct mb_oci_rlimit *l;
	struct rlimit now;

	(void)state;
	made_init(&m);
	make(&m);
	l = limit_of(&m, "RLIMIT_NOFILE");
	assert_non_null(l);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_true(l->soft <= l->hard);
	assert_true(l->soft <= 1024);
	assert_true(l->hard == 524288 || l->hard == now.rlim_max);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capability_sets),         cmocka_unit_test(all_but_one),
		cmocka_unit_test(an_unknown_capability),   cmocka_unit_test(the_least_process),
		cmocka_unit_test(what_was_said_stands),    cmocka_unit_test(a_terminal_has_a_kind),
		cmocka_unit_test(nobody_of_that_name),     cmocka_unit_test(limits),
		cmocka_unit_test(open_files_have_a_limit),
	};

	return cmocka_run_group_tests_name("container/bundle_process", tests, NULL, NULL);
}
