/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"
#include "sys/cgroup_priv.h"

/* Directories stand for hierarchies; "@" in a text stands for the scratch directory. */
static char *expand(const char *text, const char *root)
{
	struct mb_str out = MB_STR_INIT;

	for (; *text; text++) {
		if (*text == '@')
			mb_str_add(&out, root);
		else
			mb_str_addc(&out, *text);
	}
	return mb_str_take(&out);
}

static struct mb_sys_cgroup_host *host_of(void **state, const char *mounts, const char *self)
{
	MB_AUTO_FREE char *text = expand(mounts, ((struct scratch *)*state)->path);
	struct mb_sys_cgroup_host *host = NULL;
	struct mb_err err = MB_ERR_INIT;

	assert_int_equal(mb_sys_cgroup_host_fake(text, self, &host, &err), 0);
	return host;
}

static void v2_dir(void **state, const char *name, const char *controllers)
{
	MB_AUTO_FREE char *file = mb_asprintf("%s/cgroup.controllers", name);

	assert_int_equal(mkdirat(scratch_fd(state), name, 0755), 0);
	write_text(scratch_fd(state), file, controllers);
}

static void pure_v2_is_found(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = NULL;
	const struct mb_sys_cgroup_hierarchy *all;
	size_t n;

	v2_dir(state, "cg", "cpuset cpu io memory hugetlb pids rdma misc\n");
	h = host_of(state,
	            "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
	            "30 24 0:26 / @/cg rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
	            "0::/system.slice/x.service\n");
	assert_int_equal(mb_sys_cgroup_host_version(h), MB_SYS_CGROUP_V2);
	assert_true(mb_sys_cgroup_host_has(h, "memory"));
	assert_true(mb_sys_cgroup_host_has(h, "io"));
	assert_true(mb_sys_cgroup_host_has(h, "blkio"));
	assert_true(mb_sys_cgroup_host_has(h, "devices"));
	assert_false(mb_sys_cgroup_host_has(h, "nonsense"));
	all = mb_sys_cgroup_host_hierarchies(h, &n);
	assert_int_equal(n, 1);
	assert_true(all[0].is_v2);
	assert_string_equal(all[0].own_path, "/system.slice/x.service");
}

static void hybrid_takes_each_controller_where_it_is(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = NULL;
	const struct mb_sys_cgroup_hierarchy *all;
	size_t n;

	v2_dir(state, "unified", "hugetlb\n");
	h = host_of(state,
	            "33 31 0:30 / @/cpu,cpuacct rw - cgroup cgroup rw,xattr,cpu,cpuacct\n"
	            "35 31 0:32 / @/memory rw shared:9 master:2 - cgroup cgroup rw,memory\n"
	            "40 31 0:37 / @/systemd rw - cgroup cgroup rw,release_agent=/x,name=systemd\n"
	            "41 31 0:38 / @/unified rw - cgroup2 cgroup2 rw\n",
	            "9:name=systemd:/init.scope\n4:memory:/a\n2:cpuacct,cpu:/b\n0::/c\n");
	assert_int_equal(mb_sys_cgroup_host_version(h), MB_SYS_CGROUP_HYBRID);
	assert_true(mb_sys_cgroup_host_has(h, "cpuacct"));
	assert_false(mb_sys_cgroup_ctrl_is_v2(h, CTRL_MEMORY));
	assert_true(mb_sys_cgroup_ctrl_is_v2(h, CTRL_HUGETLB));
	assert_true(mb_sys_cgroup_ctrl_is_v2(h, CTRL_DEVICES)); /* no v1 one: a program */
	assert_int_equal(h->by_ctrl[CTRL_CPU], h->by_ctrl[CTRL_CPUACCT]);
	assert_int_equal(h->core, h->v2);
	all = mb_sys_cgroup_host_hierarchies(h, &n);
	assert_int_equal(n, 4);
	assert_string_equal(all[0].controllers, "cpu,cpuacct");
	assert_string_equal(all[0].own_path, "/b");
	assert_string_equal(all[2].controllers, "name=systemd");
	assert_string_equal(all[2].own_path, "/init.scope");
	assert_string_equal(all[3].own_path, "/c");
}

static void pure_v1_freezes_with_the_freezer(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = NULL;

	h = host_of(state,
	            "35 31 0:32 / @/memory rw - cgroup cgroup rw,memory\n"
	            "37 31 0:34 / @/freezer rw - cgroup cgroup rw,freezer\n",
	            "");
	assert_int_equal(mb_sys_cgroup_host_version(h), MB_SYS_CGROUP_V1);
	assert_int_equal(h->core, h->by_ctrl[CTRL_FREEZER]);
	assert_false(mb_sys_cgroup_host_has(h, "pids"));
}

/* A container's or another program's bind mounts of the same hierarchy do not win. */
static void of_two_mounts_the_writable_and_wider_wins(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = NULL;
	MB_AUTO_FREE char *wanted = expand("@/sp ace", ((struct scratch *)*state)->path);

	h = host_of(state,
	            "1 1 0:32 /docker/abc @/nested rw - cgroup cgroup rw,memory\n"
	            "2 1 0:32 / @/sp\\040ace rw - cgroup cgroup rw,memory\n"
	            "3 1 0:32 / @/readonly ro - cgroup cgroup rw,memory\n"
	            "4 1 0:32 /docker/def @/nested2 rw - cgroup cgroup rw,memory\n",
	            "");
	assert_int_equal(h->n, 1);
	assert_string_equal(h->trees[0].mount_point, wanted);
}

static void broken_lines_are_passed_over(void **state)
{
	struct mb_sys_cgroup_host *h = NULL;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(mb_sys_cgroup_host_fake("\n\nx - cgroup\n1 2 3 4 5 6 - cgroup\n"
	                                         "1 2 3 4 5 6 7 8 - cgroup2 x\n",
	                                         "x\n:\n::\n", &h, &err),
	                 -ENOENT);
	assert_null(h);
	assert_non_null(strstr(err.msg, "no control groups are mounted"));
}

static void the_real_host_is_opened(void **state)
{
	struct mb_sys_cgroup_host *h = NULL;
	struct mb_err err = MB_ERR_INIT;
	int before = count_fds(), r = mb_sys_cgroup_host_open(&h, &err);

	(void)state;
	assert_true(r == 0 || r == -ENOENT || r == -EACCES);
	mb_sys_cgroup_host_free(h);
	assert_int_equal(count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(pure_v2_is_found),
		SCRATCH_TEST(hybrid_takes_each_controller_where_it_is),
		SCRATCH_TEST(pure_v1_freezes_with_the_freezer),
		SCRATCH_TEST(of_two_mounts_the_writable_and_wider_wins),
		SCRATCH_TEST(broken_lines_are_passed_over),
		SCRATCH_TEST(the_real_host_is_opened),
	};

	return cmocka_run_group_tests_name("sys/cgroup_host", tests, NULL, NULL);
}
