/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/unit/sys/cgroup_fake.h — directories with plain files in place of a kernel's cgroups. */
#ifndef MB_TESTS_UNIT_SYS_CGROUP_FAKE_H
#define MB_TESTS_UNIT_SYS_CGROUP_FAKE_H

#include "scratch.h"
#include "sys/cgroup_priv.h"

#define V2_CONTROLLERS "cpuset cpu io memory hugetlb pids rdma misc\n"
#define V1_MOUNTS                                                \
	"1 1 0:1 / %1$s/memory rw - cgroup cgroup rw,memory\n"   \
	"2 1 0:2 / %1$s/cpu rw - cgroup cgroup rw,cpu,cpuacct\n" \
	"3 1 0:3 / %1$s/blkio rw - cgroup cgroup rw,blkio\n"     \
	"4 1 0:4 / %1$s/pids rw - cgroup cgroup rw,pids\n"       \
	"5 1 0:5 / %1$s/freezer rw - cgroup cgroup rw,freezer\n" \
	"6 1 0:6 / %1$s/hugetlb rw - cgroup cgroup rw,hugetlb\n" \
	"7 1 0:7 / %1$s/rdma rw - cgroup cgroup rw,rdma\n"       \
	"8 1 0:8 / %1$s/net rw - cgroup cgroup rw,net_cls,net_prio\n"

static void make_dirs(int fd, const char *path)
{
	MB_AUTO_FREE char *p = mb_strdup(path);

	for (char *slash = p; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		assert_true(mkdirat(fd, p, 0755) == 0 || errno == EEXIST);
	}
	assert_true(mkdirat(fd, p, 0755) == 0 || errno == EEXIST);
}

/* Files that a kernel would make in a new cgroup, empty. */
static void make_files(int fd, const char *directory, const char *names)
{
	MB_AUTO_STRV struct mb_strv list = MB_STRV_INIT;

	make_dirs(fd, directory);
	mb_strv_split(&list, names, ' ');
	MB_STRV_FOREACH (name, &list) {
		MB_AUTO_FREE char *path = mb_asprintf("%s/%s", directory, name);

		write_text(fd, path, "");
	}
}

static struct mb_sys_cgroup_host *v2_host(void **state)
{
	struct scratch *s = *state;
	MB_AUTO_FREE char *mounts = NULL;
	struct mb_sys_cgroup_host *host = NULL;
	struct mb_err err = MB_ERR_INIT;

	mounts = mb_asprintf("1 1 0:26 / %s/v2 rw - cgroup2 cgroup2 rw\n", s->path);
	make_dirs(s->fd, "v2/mybox/c1");
	write_text(s->fd, "v2/cgroup.controllers", V2_CONTROLLERS);
	write_text(s->fd, "v2/cgroup.subtree_control", V2_CONTROLLERS);
	write_text(s->fd, "v2/mybox/cgroup.subtree_control", V2_CONTROLLERS);
	make_files(
		s->fd, "v2/mybox/c1",
		"memory.max memory.swap.max memory.low cpu.weight cpu.max cpu.max.burst cpu.idle "
		"cpuset.cpus cpuset.mems pids.max io.weight io.max hugetlb.2MB.max memory.high "
		"cgroup.procs");
	assert_int_equal(mb_sys_cgroup_host_fake(mounts, "0::/\n", &host, &err), 0);
	return host;
}

__attribute__((unused)) static struct mb_sys_cgroup_host *v1_host(void **state)
{
	struct scratch *s = *state;
	MB_AUTO_FREE char *mounts = NULL;
	struct mb_sys_cgroup_host *host = NULL;
	struct mb_err err = MB_ERR_INIT;

	mounts = mb_asprintf(V1_MOUNTS, s->path);
	make_files(s->fd, "memory/mybox/c1",
	           "memory.limit_in_bytes memory.memsw.limit_in_bytes memory.soft_limit_in_bytes "
	           "memory.swappiness memory.oom_control tasks cgroup.procs");
	make_files(s->fd, "cpu/mybox/c1",
	           "cpu.shares cpu.cfs_quota_us cpu.cfs_period_us cpu.rt_runtime_us tasks");
	make_files(s->fd, "blkio/mybox/c1",
	           "blkio.bfq.weight blkio.throttle.read_bps_device "
	           "blkio.throttle.write_iops_device tasks");
	make_files(s->fd, "pids/mybox/c1", "pids.max tasks");
	make_files(s->fd, "freezer/mybox/c1", "freezer.state tasks cgroup.procs");
	make_files(s->fd, "hugetlb/mybox/c1", "hugetlb.2MB.limit_in_bytes tasks");
	make_dirs(s->fd, "rdma");
	make_dirs(s->fd, "net");
	assert_int_equal(mb_sys_cgroup_host_fake(mounts, "", &host, &err), 0);
	return host;
}

__attribute__((unused)) static void assert_file(void **state, const char *path, const char *wanted)
{
	char text[256];

	assert_int_equal(mb_read_kernel_file(scratch_fd(state), path, text, sizeof(text)), 0);
	assert_string_equal(text, wanted);
}

static void create(struct mb_sys_cgroup_host *h, const struct mb_sys_cgroup_limits *l,
                   struct mb_sys_cgroup **ret)
{
	struct mb_err err = MB_ERR_INIT;
	int r = mb_sys_cgroup_create(h, "/mybox/c1", l, ret, &err);

	if (r)
		print_error("%s\n", err.msg);
	assert_int_equal(r, 0);
}

#endif
