/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits that only an OCI bundle asks for, and what an update of them depends on. */
#include "cgroup_fake.h"

static const struct mb_sys_cgroup_rdma rdma[] = {
	{.device = "mlx5_1",
         .has_handles = true,
         .handles = 3,
         .has_objects = true,
         .objects = UINT32_MAX},
};
static const struct mb_sys_cgroup_priority priority = {.interface = "lo", .priority = 5};

static void v1_has_the_network_and_rdma(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v1_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.has_net_class = true,
	                                 .net_class = 1048577,
	                                 .net_priorities = &priority,
	                                 .n_net_priorities = 1,
	                                 .rdma = rdma,
	                                 .n_rdma = 1};

	make_files(scratch_fd(state), "net/mybox/c1", "net_cls.classid net_prio.ifpriomap tasks");
	make_files(scratch_fd(state), "rdma/mybox/c1", "rdma.max tasks");
	create(h, &l, &cg);
	assert_file(state, "net/mybox/c1/net_cls.classid", "1048577");
	assert_file(state, "net/mybox/c1/net_prio.ifpriomap", "lo 5");
	assert_file(state, "rdma/mybox/c1/rdma.max", "mlx5_1 hca_handle=3 hca_object=max");
}

static void v2_has_rdma_alone(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.rdma = rdma, .n_rdma = 1};
	struct mb_err err = MB_ERR_INIT;

	make_files(scratch_fd(state), "v2/mybox/c1", "rdma.max");
	create(h, &l, &cg);
	assert_file(state, "v2/mybox/c1/rdma.max", "mlx5_1 hca_handle=3 hca_object=max");
	l.has_net_class = true;
	assert_int_equal(mb_sys_cgroup_update(cg, &l, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "network class"));
}

static void huge_pages_are_limited_in_use_and_reserved(void **state)
{
	static const struct mb_sys_cgroup_hugepage pages = {.size = "2MB", .bytes = 0};
	static const struct mb_sys_cgroup_hugepage odd = {.size = "3MB", .bytes = 1};
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *v1 = v1_host(state);
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *v2 = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *one = NULL, *two = NULL;
	struct mb_sys_cgroup_limits l = {.hugepages = &pages, .n_hugepages = 1};
	struct mb_err err = MB_ERR_INIT;

	make_files(scratch_fd(state), "v2/mybox/c1", "hugetlb.2MB.rsvd.max");
	make_files(scratch_fd(state), "hugetlb/mybox/c1", "hugetlb.2MB.rsvd.limit_in_bytes");
	create(v1, &l, &one);
	create(v2, &l, &two);
	assert_file(state, "v2/mybox/c1/hugetlb.2MB.max", "0");
	assert_file(state, "v2/mybox/c1/hugetlb.2MB.rsvd.max", "0");
	assert_file(state, "hugetlb/mybox/c1/hugetlb.2MB.limit_in_bytes", "0");
	assert_file(state, "hugetlb/mybox/c1/hugetlb.2MB.rsvd.limit_in_bytes", "0");
	l.hugepages = &odd;
	assert_int_equal(mb_sys_cgroup_update(two, &l, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "hugetlb.3MB.max"));
}

static void a_rate_without_limit_ends_the_limit(void **state)
{
	static const struct mb_sys_cgroup_throttle none = {
		.major = 8, .minor = 16, .read_bps = UINT64_MAX, .write_iops = 7};
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *v1 = v1_host(state);
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *v2 = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *one = NULL, *two = NULL;
	struct mb_sys_cgroup_limits l = {.throttles = &none, .n_throttles = 1};

	create(v1, &l, &one);
	create(v2, &l, &two);
	assert_file(state, "blkio/mybox/c1/blkio.throttle.read_bps_device", "8:16 0");
	assert_file(state, "blkio/mybox/c1/blkio.throttle.write_iops_device", "8:16 7");
	assert_file(state, "v2/mybox/c1/io.max", "8:16 rbps=max wiops=7");
}

static void leaf_weight_needs_a_kernel_that_has_it(void **state)
{
	static const struct mb_sys_cgroup_throttle leaf = {
		.major = 8, .weight = 20, .leaf_weight = 30};
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *v1 = v1_host(state);
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *v2 = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *one = NULL, *two = NULL;
	struct mb_sys_cgroup_limits l = {
		.blkio_leaf_weight = 40, .throttles = &leaf, .n_throttles = 1};
	struct mb_err err = MB_ERR_INIT;

	assert_int_equal(mb_sys_cgroup_create(v2, "/mybox/c1", &l, &two, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "leaf weight"));
	assert_int_equal(mb_sys_cgroup_create(v1, "/mybox/c1", &l, &one, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "blkio.leaf_weight"));
	make_files(scratch_fd(state), "blkio/mybox/c1",
	           "blkio.weight blkio.weight_device blkio.leaf_weight blkio.leaf_weight_device");
	create(v1, &l, &one);
	assert_file(state, "blkio/mybox/c1/blkio.leaf_weight", "40");
	assert_file(state, "blkio/mybox/c1/blkio.weight_device", "8:0 20");
	assert_file(state, "blkio/mybox/c1/blkio.leaf_weight_device", "8:0 30");
}

static void a_burst_of_nothing_and_idleness_are_written(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {
		.has_cpu_burst = true, .has_cpu_idle = true, .cpu_idle = 1};

	create(h, &l, &cg);
	assert_file(state, "v2/mybox/c1/cpu.max.burst", "0");
	assert_file(state, "v2/mybox/c1/cpu.idle", "1");
}

static void no_burst_is_what_an_old_kernel_has(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v1_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.has_cpu_burst = true, .has_cpu_idle = true};
	struct mb_err err = MB_ERR_INIT;

	create(h, &l, &cg);
	l.cpu_burst = 5;
	assert_int_equal(mb_sys_cgroup_update(cg, &l, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "cpu.cfs_burst_us"));
}

static void memory_below_what_is_in_use_is_refused_when_asked(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.memory = 4096};
	struct mb_err err = MB_ERR_INIT;

	create(h, &l, &cg);
	write_text(scratch_fd(state), "v2/mybox/c1/memory.current", "3000\n");
	l.memory = 2999;
	l.memory_checked = true;
	assert_int_equal(mb_sys_cgroup_update(cg, &l, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "3000 are in use"));
	assert_file(state, "v2/mybox/c1/memory.max", "4096");
	l.memory = 3000;
	assert_int_equal(mb_sys_cgroup_update(cg, &l, &err), 0);
	assert_file(state, "v2/mybox/c1/memory.max", "3000");
}

static void swap_alone_is_updated_beside_the_memory_there_is(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.memory = 4096, .memory_swap = 4096};
	struct mb_err err = MB_ERR_INIT;

	create(h, &l, &cg);
	assert_file(state, "v2/mybox/c1/memory.swap.max", "0");
	l = (struct mb_sys_cgroup_limits){.memory_swap = 5000};
	assert_int_equal(mb_sys_cgroup_update(cg, &l, &err), 0);
	assert_file(state, "v2/mybox/c1/memory.swap.max", "904");
	assert_file(state, "v2/mybox/c1/memory.max", "4096");
	l.memory_swap = 4000;
	assert_int_equal(mb_sys_cgroup_update(cg, &l, &err), -EINVAL);
}

static void the_oom_killer_comes_back(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v1_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.oom_kill_disable = true};
	struct mb_err err = MB_ERR_INIT;

	create(h, &l, &cg);
	assert_file(state, "memory/mybox/c1/memory.oom_control", "1");
	l = (struct mb_sys_cgroup_limits){.oom_kill_enable = true};
	assert_int_equal(mb_sys_cgroup_update(cg, &l, &err), 0);
	assert_file(state, "memory/mybox/c1/memory.oom_control", "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(v1_has_the_network_and_rdma),
		SCRATCH_TEST(v2_has_rdma_alone),
		SCRATCH_TEST(huge_pages_are_limited_in_use_and_reserved),
		SCRATCH_TEST(a_rate_without_limit_ends_the_limit),
		SCRATCH_TEST(leaf_weight_needs_a_kernel_that_has_it),
		SCRATCH_TEST(a_burst_of_nothing_and_idleness_are_written),
		SCRATCH_TEST(no_burst_is_what_an_old_kernel_has),
		SCRATCH_TEST(memory_below_what_is_in_use_is_refused_when_asked),
		SCRATCH_TEST(swap_alone_is_updated_beside_the_memory_there_is),
		SCRATCH_TEST(the_oom_killer_comes_back),
	};

	return cmocka_run_group_tests_name("sys/cgroup_rare", tests, NULL, NULL);
}
