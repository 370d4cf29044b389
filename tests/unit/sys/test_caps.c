/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <grp.h>
#include <sys/prctl.h>

#include "sys/caps.h"
#include "sys/proc.h"

#define E                \
	&(struct mb_err) \
	{                \
		0        \
	}

static void parse_and_name(void **state)
{
	static const struct {
		const char *text;
		int r, cap;
	} rows[] = {
		{"CAP_CHOWN", 0, 0},
		{"chown", 0, 0},
		{"Cap_Net_Admin", 0, 12},
		{"NET_RAW", 0, 13},
		{"cap_checkpoint_restore", 0, 40},
		{"CAP_63", 0, 63},
		{"41", 0, 41},
		{"CAP_64", -EINVAL, -1},
		{"CAP_", -EINVAL, -1},
		{"", -EINVAL, -1},
		{"CAP_CAP_CHOWN", -EINVAL, -1},
		{"CHOWN ", -EINVAL, -1},
		{"-1", -EINVAL, -1},
	};
	char name[MB_SYS_CAP_TEXT];

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		int cap = -1;

		assert_int_equal(mb_sys_cap_parse(rows[i].text, &cap), rows[i].r);
		assert_int_equal(cap, rows[i].cap);
	}
	for (int cap = 0; cap < 64; cap++) {
		int back = -1;

		assert_int_equal(mb_sys_cap_parse(mb_sys_cap_name(cap, name), &back), 0);
		assert_int_equal(back, cap);
	}
	assert_string_equal(mb_sys_cap_name(21, name), "CAP_SYS_ADMIN");
}

static void last_is_the_kernel_s(void **state)
{
	char text[16];

	(void)state;
	if (mb_read_kernel_file(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", text, sizeof(text)))
		skip();
	assert_int_equal(mb_sys_cap_last(), atoi(text));
	assert_true(mb_sys_cap_all() & MB_SYS_CAP_BIT(mb_sys_cap_last()));
	assert_false(mb_sys_cap_all() & MB_SYS_CAP_BIT(mb_sys_cap_last() + 1));
}

static void sets_parse_and_format(void **state)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT, out = MB_STRV_INIT;
	struct mb_err err = MB_ERR_INIT;
	MB_AUTO_FREE char *joined = NULL;
	uint64_t set = 0;

	(void)state;
	mb_strv_split(&names, "kill,CAP_CHOWN,kill", ',');
	assert_int_equal(mb_sys_caps_parse(&names, &set, &err), 0);
	assert_true(set == (MB_SYS_CAP_BIT(0) | MB_SYS_CAP_BIT(5)));
	mb_sys_caps_format(set, &out);
	joined = mb_strv_join(&out, ",");
	assert_string_equal(joined, "CAP_CHOWN,CAP_KILL");
	mb_strv_add(&names, "all");
	assert_int_equal(mb_sys_caps_parse(&names, &set, &err), 0);
	assert_true(set == mb_sys_cap_all());
	mb_strv_add(&names, "rubbish");
	assert_int_equal(mb_sys_caps_parse(&names, &set, &err), -EINVAL);
	assert_string_equal(err.msg, "unknown capability 'rubbish'");
}

/* What /proc says of this process, to be independent of the code under test. */
static uint64_t status_set(const char *key)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	const char *line;

	if (mb_read_file(AT_FDCWD, "/proc/self/status", 1 << 16, &text, NULL))
		return 0;
	line = strstr(mb_str_text(&text), key);
	return line ? strtoull(line + strlen(key), NULL, 16) : 0;
}

static int become_child(void *arg, int *fd, struct mb_err *err)
{
	static const uint32_t groups[] = {12345, 777, 888};
	const uint64_t some = MB_SYS_CAP_BIT(0) | MB_SYS_CAP_BIT(10);
	const struct mb_sys_creds creds = {
		.uid = 12345,
		.gid = 12345,
		.groups = groups,
		.n_groups = MB_N(groups),
		.caps = {.bounding = some | MB_SYS_CAP_BIT(5),
	                 .effective = some,
	                 .permitted = some,
	                 .inheritable = MB_SYS_CAP_BIT(10),
	                 .ambient = MB_SYS_CAP_BIT(10)},
	};
	struct mb_sys_caps now;
	gid_t have[8];
	int r = mb_sys_creds_apply(&creds, err);

	(void)arg, (void)fd;
	if (r == 0)
		r = mb_sys_caps_read(&now, err);
	if (r < 0)
		return r;
	if (memcmp(&now, &creds.caps, sizeof(now)))
		return 1;
	if (status_set("CapEff:\t") != some || status_set("CapAmb:\t") != creds.caps.ambient ||
	    status_set("CapBnd:\t") != creds.caps.bounding)
		return 2;
	if (getuid() != 12345 || geteuid() != 12345 || getegid() != 12345 ||
	    getgroups(8, have) != 3)
		return 3;
	if (prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) || setuid(0) == 0)
		return 4;
	/* Twice is no failure: CAP_SETPCAP is gone, but so is what it would drop. */
	return mb_sys_caps_bound(creds.caps.bounding, err);
}

static void creds_apply_becomes_a_user(void **state)
{
	struct mb_err err = MB_ERR_INIT;
	int r;

	(void)state;
	need_root("credentials");
	r = mb_sys_proc_call(become_child, NULL, NULL, &err);
	if (r)
		print_error("%d %s\n", r, err.msg);
	assert_int_equal(r, 0);
}

static int drop_child(void *arg, int *fd, struct mb_err *err)
{
	const struct mb_sys_creds none = {0};
	struct mb_sys_caps now;
	int r = mb_sys_creds_apply(&none, err);

	(void)arg, (void)fd;
	if (r == 0)
		r = mb_sys_caps_read(&now, err);
	if (r == 0 && memcmp(&now, &none.caps, sizeof(now)))
		return 1;
	if (r == 0 && getgroups(0, NULL) != 0)
		return 2;
	return r < 0 ? r : chown("/", 1, 1) == 0 ? 3 : 0;
}

static void creds_apply_root_without_anything(void **state)
{
	(void)state;
	need_root("credentials");
	assert_int_equal(mb_sys_proc_call(drop_child, NULL, NULL, E), 0);
}

static void creds_apply_refuses_no_id(void **state)
{
	const struct mb_sys_creds bad = {.uid = UINT32_MAX};

	(void)state;
	assert_int_equal(mb_sys_creds_apply(&bad, E), -EINVAL);
}

static int keyring_child(void *arg, int *fd, struct mb_err *err)
{
	(void)arg, (void)fd;
	return mb_sys_keyring_join("mybox-test", err);
}

static void keyring_joins_or_says_none(void **state)
{
	int r = mb_sys_proc_call(keyring_child, NULL, NULL, E);

	(void)state;
	assert_true(r == 0 || r == MB_SYS_KEYRING_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_and_name),
		cmocka_unit_test(last_is_the_kernel_s),
		cmocka_unit_test(sets_parse_and_format),
		cmocka_unit_test(creds_apply_becomes_a_user),
		cmocka_unit_test(creds_apply_root_without_anything),
		cmocka_unit_test(creds_apply_refuses_no_id),
		cmocka_unit_test(keyring_joins_or_says_none),
	};

	return cmocka_run_group_tests_name("caps", tests, NULL, NULL);
}
