/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <sys/resource.h>

#include "sys/userdb.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "# comment:x:1:1::/:\n"
			     "\n"
			     "daemon:x:1:1:daemon:/usr/sbin:/sbin/nologin\n"
			     "  app:x:1000:2000:The App:/home/app:/bin/sh \n"
			     "nohome:x:1001:1001::\n"
			     "short:x:1002:1002\n"
			     "tiny:x\n"
			     "bad:x:abc:5::/:\n"
			     "neg:x:-5:5::/:\n"
			     "nobits:x:4294967295:5::/:\n"
			     "huge:x:4294967296:5::/:\n"
			     "max:x:4294967294:4294967294::/m:\n"
			     "badgid:x:77:x::/:\n"
			     "1234:x:5:5:a number for a name:/five:\n"
			     "app:x:3000:3000:twice:/no:\n"
			     "twin:x:1000:9999:same uid:/no:\n"
			     "+nis:x:6:6::/:\n"
			     "last:x:4242:4242::/last:/bin/sh";
static const char group[] = "root:x:0:root\n"
			    "daemon:x:1:\n"
			    "wheel:x:10:root,app\n"
			    "audio:x:29:app,daemon\n"
			    "video:x:44:application,ap\n"
			    "app:x:2000:app\n"
			    "dup:x:29:app\n"
			    "broken\n"
			    "minus:x:-1:app\n"
			    "1001:x:7:app\n"
			    "spaced:x:50:app , daemon\n"
			    "staff:x:50";

/* Text with a NUL would be cut, so the group list is text: primary first. */
struct row {
	const char *user;
	int r;
	const char *ids; /* "uid gid home groups..." */
};
static const struct row rows[] = {
	{"", 0, "0 0 /root root: 0 10"},
	{"root", 0, "0 0 /root root: 0 10"},
	{"0", 0, "0 0 /root root: 0 10"},
	{"00", 0, "0 0 /root root: 0 10"},
	{"root:", 0, "0 0 /root root: 0 10"},
	{":", 0, "0 0 /root root: 0 10"},
	{":audio", 0, "0 29 /root root: 29"},
	{":29", 0, "0 29 /root root: 29"},
	{"app", 0, "1000 2000 /home/app app: 2000 7 10 29"},
	{"1000", 0, "1000 2000 /home/app app: 2000 7 10 29"},
	{"app:app", 0, "1000 2000 /home/app app: 2000"},
	{"app:wheel", 0, "1000 10 /home/app app: 10"},
	{"app:10", 0, "1000 10 /home/app app: 10"},
	{"app:99999", 0, "1000 99999 /home/app app: 99999"},
	{"1000:0", 0, "1000 0 /home/app app: 0"},
	{"daemon", 0, "1 1 /usr/sbin daemon: 1 29"},
	{"nohome", 0, "1001 1001 / nohome: 1001"},
	{"short", 0, "1002 1002 / short: 1002"},
	{"last", 0, "4242 4242 /last last: 4242"},
	{"5000", 0, "5000 0 / ?: 0"},
	{"5000:5000", 0, "5000 5000 / ?: 5000"},
	{"5000:audio", 0, "5000 29 / ?: 29"},
	{"1234", 0, "1234 0 / ?: 0"}, /* a uid, whatever is called so */
	{"5", 0, "5 5 /five 1234: 5"},
	{"app:1001", 0, "1000 1001 /home/app app: 1001"},
	{"max", 0, "4294967294 4294967294 /m max: 4294967294"},
	{"4294967294", 0, "4294967294 4294967294 /m max: 4294967294"},
	{"4294967293:4294967294", 0, "4294967293 4294967294 / ?: 4294967294"},
	{"007:08", 0, "7 8 / ?: 8"},
	{"app:staff", 0, "1000 50 /home/app app: 50"},
	{"4294967295", -ERANGE, NULL},
	{"4294967296", -ERANGE, NULL},
	{"18446744073709551616", -ERANGE, NULL},
	{"-1", -ERANGE, NULL},
	{"-0", -ERANGE, NULL},
	{"0:-1", -ERANGE, NULL},
	{"0:4294967295", -ERANGE, NULL},
	{"app:99999999999", -ERANGE, NULL},
	{"nobody", -ENOENT, NULL},
	{"nobits", -ENOENT, NULL},
	{"huge", -ENOENT, NULL},
	{"neg", -ENOENT, NULL},
	{"bad", -ENOENT, NULL},
	{"badgid", -ENOENT, NULL},
	{"tiny", -ENOENT, NULL},
	{"+nis", -ENOENT, NULL},
	{"# comment", -ENOENT, NULL},
	{"+5", -ENOENT, NULL},
	{"0x0", -ENOENT, NULL},
	{" root", -ENOENT, NULL},
	{"app:nogroup", -ENOENT, NULL},
	{"app:minus", -ENOENT, NULL},
	{"app:wheel:x", -EINVAL, NULL},
};

static void make_files(int fd)
{
	assert_int_equal(mkdirat(fd, "etc", 0755), 0);
	write_text(fd, "etc/passwd", passwd);
	write_text(fd, "etc/group", group);
}

static void show(const struct mb_sys_user *u, struct mb_str *out)
{
	mb_str_reset(out);
	mb_str_addf(out, "%u %u %s %s:", u->uid, u->gid, u->home, u->name ? u->name : "?");
	for (size_t i = 0; i < u->n_groups; i++)
		mb_str_addf(out, " %u", u->groups[i]);
}

static void resolve_golden_table(void **state)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int fd = scratch_fd(state);

	make_files(fd);
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_USER struct mb_sys_user user = {.uid = 99};
		struct mb_err err = MB_ERR_INIT;
		int r = mb_sys_userdb_resolve(fd, rows[i].user, NULL, &user, &err);

		if (r != rows[i].r)
			print_error("'%s': %d %s\n", rows[i].user, r, err.msg);
		assert_int_equal(r, rows[i].r);
		assert_int_equal(err.code, -rows[i].r);
		if (r < 0) {
			assert_int_equal(user.uid, 99);
			assert_null(user.groups);
			continue;
		}
		show(&user, &text);
		assert_string_equal(mb_str_text(&text), rows[i].ids);
	}
}

static void resolve_adds_groups(void **state)
{
	static const struct {
		const char *user, *add;
		int r;
		const char *ids;
	} adds[] = {
		{"app", "video", 0, "1000 2000 /home/app app: 2000 7 10 29 44"},
		{"app:app", "audio,audio,44", 0, "1000 2000 /home/app app: 2000 29 44"},
		{"5000", "0,wheel", 0, "5000 0 / ?: 0 10"},
		{"5000", "1001", 0, "5000 0 / ?: 0 1001"},
		{"5000", "65534,3", 0, "5000 0 / ?: 0 3 65534"},
		{"app", "nogroup", -ENOENT, NULL},
		{"app", "-1", -ERANGE, NULL},
		{"app", "4294967295", -ERANGE, NULL},
		{"app", "audio,", -EINVAL, NULL},
	};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int fd = scratch_fd(state);

	make_files(fd);
	for (size_t i = 0; i < MB_N(adds); i++) {
		MB_AUTO_USER struct mb_sys_user user = {0};
		MB_AUTO_STRV struct mb_strv list = MB_STRV_INIT;

		mb_strv_split(&list, adds[i].add, ',');
		assert_int_equal(mb_sys_userdb_resolve(fd, adds[i].user, &list, &user, NULL),
		                 adds[i].r);
		if (adds[i].r < 0)
			continue;
		show(&user, &text);
		assert_string_equal(mb_str_text(&text), adds[i].ids);
	}
}

static int resolve(int fd, const char *user, struct mb_str *out, struct mb_err *err)
{
	MB_AUTO_USER struct mb_sys_user u = {0};
	int r = mb_sys_userdb_resolve(fd, user, NULL, &u, err);

	if (r == 0)
		show(&u, out);
	return r;
}

static void resolve_without_files(void **state)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;
	int fd = scratch_fd(state);

	assert_int_equal(resolve(fd, "", &text, &err), 0);
	assert_string_equal(mb_str_text(&text), "0 0 / ?: 0");
	assert_int_equal(err.code, 0);
	assert_int_equal(resolve(fd, "7:8", &text, &err), 0);
	assert_string_equal(mb_str_text(&text), "7 8 / ?: 8");
	assert_int_equal(resolve(fd, "root", &text, &err), -ENOENT);
	assert_string_equal(err.msg, "unable to find user 'root': no matching entries in passwd "
	                             "file");
	assert_int_equal(mkdirat(fd, "etc", 0755), 0);
	assert_int_equal(symlinkat("/somewhere/else", fd, "etc/passwd"), 0);
	assert_int_equal(resolve(fd, "0", &text, &err), 0);
}

static void resolve_follows_links_in_root(void **state)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int fd = scratch_fd(state);

	assert_int_equal(mkdirat(fd, "etc", 0755), 0);
	assert_int_equal(mkdirat(fd, "usr", 0755), 0);
	write_text(fd, "usr/passwd", "in:x:5:6::/in:\n");
	assert_int_equal(symlinkat("/usr/passwd", fd, "etc/passwd"), 0);
	assert_int_equal(resolve(fd, "in", &text, NULL), 0);
	assert_string_equal(mb_str_text(&text), "5 6 /in in: 6");
	/* One of the host is not to be seen. */
	assert_int_equal(symlinkat("../../../../../../../../etc/group", fd, "etc/group"), 0);
	assert_int_equal(resolve(fd, "in:root", &text, NULL), -ELOOP);
}

static void resolve_refuses_bombs(void **state)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT, line = MB_STR_INIT;
	int fd = scratch_fd(state), big;
	struct mb_err err = MB_ERR_INIT;
	struct rusage use;

	make_files(fd);
	assert_int_equal(unlinkat(fd, "etc/group", 0), 0);
	big = openat(fd, "etc/group", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(big, 1 << 30), 0);
	assert_int_equal(resolve(fd, "root", &text, &err), -EFBIG);
	assert_int_equal(ftruncate(big, 9 << 20), 0); /* one line of NULs */
	close(big);
	assert_int_equal(resolve(fd, "root", &text, &err), -E2BIG);
	assert_non_null(strstr(err.msg, "line 1 of '/etc/group'"));
	assert_int_equal(unlinkat(fd, "etc/group", 0), 0);
	assert_int_equal(mkfifoat(fd, "etc/group", 0644), 0);
	assert_int_equal(resolve(fd, "root", &text, &err), -EINVAL);
	assert_int_equal(unlinkat(fd, "etc/group", 0), 0);
	assert_int_equal(mkdirat(fd, "etc/group", 0755), 0);
	assert_int_equal(resolve(fd, "root", &text, &err), -EINVAL);
	assert_int_equal(unlinkat(fd, "etc/group", AT_REMOVEDIR), 0);
	/* As long as may be. */
	mb_str_add(&line, "long:x:9:");
	while (line.len < MB_SYS_USERDB_LINE_MAX - 5)
		mb_str_add(&line, "aa,");
	mb_str_add(&line, "app\n");
	write_text(fd, "etc/group", mb_str_text(&line));
	assert_int_equal(resolve(fd, "app", &text, &err), 0);
	assert_string_equal(mb_str_text(&text), "1000 2000 /home/app app: 2000 9");
	getrusage(RUSAGE_SELF, &use);
	assert_true(use.ru_maxrss < 200 * 1024);
}

static void resolve_bounds_groups(void **state)
{
	MB_AUTO_STR struct mb_str file = MB_STR_INIT, text = MB_STR_INIT;
	int fd = scratch_fd(state);

	make_files(fd);
	for (int i = 0; i <= MB_SYS_USERDB_GROUPS_MAX; i++)
		mb_str_addf(&file, "g%d:x:%d:app\n", i, i);
	write_text(fd, "etc/group", mb_str_text(&file));
	assert_int_equal(resolve(fd, "app", &text, NULL), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(resolve_golden_table),  SCRATCH_TEST(resolve_adds_groups),
		SCRATCH_TEST(resolve_without_files), SCRATCH_TEST(resolve_follows_links_in_root),
		SCRATCH_TEST(resolve_refuses_bombs), SCRATCH_TEST(resolve_bounds_groups),
	};

	return cmocka_run_group_tests_name("userdb", tests, NULL, NULL);
}
