/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits, figures and events against directories with plain files in place of a kernel. */
#include "cgroup_fake.h"

static const struct mb_sys_cgroup_throttle throttle = {
	.major = 8, .minor = 16, .read_bps = 1048576, .write_iops = 50};
static const struct mb_sys_cgroup_hugepage hugepage = {.size = "2MB", .bytes = 4194304};

static void v2_writes_each_limit_in_its_own_terms(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	MB_AUTO_KV struct mb_kv unified = MB_KV_INIT;
	struct mb_sys_cgroup_limits l = {.memory = 1000,
	                                 .memory_swap = 1500,
	                                 .memory_reservation = 500,
	                                 .cpu_shares = 1024,
	                                 .cpu_quota = 50000,
	                                 .cpu_period = 100000,
	                                 .cpu_burst = 10000,
	                                 .has_cpu_idle = true,
	                                 .cpuset_cpus = "0-1",
	                                 .cpuset_mems = "0",
	                                 .pids_max = -1,
	                                 .blkio_weight = 500,
	                                 .throttles = &throttle,
	                                 .n_throttles = 1,
	                                 .hugepages = &hugepage,
	                                 .n_hugepages = 1,
	                                 .unified = &unified};

	mb_kv_set(&unified, "memory.high", "900");
	create(h, &l, &cg);
	assert_file(state, "v2/mybox/c1/memory.max", "1000");
	assert_file(state, "v2/mybox/c1/memory.swap.max", "500");
	assert_file(state, "v2/mybox/c1/memory.low", "500");
	assert_file(state, "v2/mybox/c1/memory.high", "900");
	assert_file(state, "v2/mybox/c1/cpu.weight", "100");
	assert_file(state, "v2/mybox/c1/cpu.max", "50000 100000");
	assert_file(state, "v2/mybox/c1/cpu.max.burst", "10000");
	assert_file(state, "v2/mybox/c1/cpu.idle", "0");
	assert_file(state, "v2/mybox/c1/cpuset.cpus", "0-1");
	assert_file(state, "v2/mybox/c1/cpuset.mems", "0");
	assert_file(state, "v2/mybox/c1/pids.max", "max");
	assert_file(state, "v2/mybox/c1/io.weight", "4950");
	assert_file(state, "v2/mybox/c1/io.max", "8:16 rbps=1048576 wiops=50");
	assert_file(state, "v2/mybox/c1/hugetlb.2MB.max", "4194304");
}

static void v2_swap_is_what_is_over_memory(void **state)
{
	static const struct {
		int64_t memory, both;
		const char *memory_max, *swap_max;
	} rows[] = {{1000, 1000, "1000", "0"},
	            {1000, -1, "1000", "max"},
	            {1000, 3000, "1000", "2000"},
	            {-1, 0, "max", "max"},
	            {-1, -1, "max", "max"},
	            {1000, 0, "1000", ""},
	            {0, 0, "", ""}};

	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
		MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
		struct mb_sys_cgroup_limits l = {.memory = rows[i].memory,
		                                 .memory_swap = rows[i].both};

		create(h, &l, &cg);
		assert_file(state, "v2/mybox/c1/memory.max", rows[i].memory_max);
		assert_file(state, "v2/mybox/c1/memory.swap.max", rows[i].swap_max);
	}
}

static void v2_without_swap_forgives_only_a_default(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.memory = 1000, .memory_swap = 2000};
	struct mb_err err = MB_ERR_INIT;

	assert_int_equal(unlinkat(scratch_fd(state), "v2/mybox/c1/memory.swap.max", 0), 0);
	assert_int_equal(mb_sys_cgroup_create(h, "/mybox/c1", &l, &cg, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "memory.swap.max"));
	l.memory_swap_optional = true;
	create(h, &l, &cg);
}

static void v2_period_alone_keeps_the_quota(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.cpu_period = 50000};
	struct mb_err err = MB_ERR_INIT;

	write_text(scratch_fd(state), "v2/mybox/c1/cpu.max", "2000 100000");
	create(h, &l, &cg);
	assert_file(state, "v2/mybox/c1/cpu.max", "2000 500000"); /* no truncation here */
	write_text(scratch_fd(state), "v2/mybox/c1/cpu.max", "");
	l.cpu_quota = -1;
	assert_int_equal(mb_sys_cgroup_update(cg, &l, &err), 0);
	assert_file(state, "v2/mybox/c1/cpu.max", "max 50000");
}

static void v2_hands_controllers_on_from_the_root(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.pids_max = 5};
	struct mb_err err = MB_ERR_INIT;

	/* A plain file keeps the rest of what was in it: only the missing one is asked for. */
	write_text(scratch_fd(state), "v2/cgroup.subtree_control", "");
	write_text(scratch_fd(state), "v2/mybox/cgroup.subtree_control", "memory io\n");
	assert_int_equal(mb_sys_cgroup_create(h, "/mybox/c1", &l, &cg, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "does not hand on the controller 'pids'"));
	assert_file(state, "v2/mybox/cgroup.subtree_control", "+pidsy io");
}

static void v1_writes_each_limit_in_its_own_terms(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v1_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.memory = 1000,
	                                 .memory_swap = -1,
	                                 .memory_reservation = 500,
	                                 .has_swappiness = true,
	                                 .oom_kill_disable = true,
	                                 .cpu_shares = 512,
	                                 .cpu_quota = -1,
	                                 .cpu_period = 100000,
	                                 .cpu_rt_runtime = 950,
	                                 .pids_max = 7,
	                                 .blkio_weight = 500,
	                                 .throttles = &throttle,
	                                 .n_throttles = 1,
	                                 .hugepages = &hugepage,
	                                 .n_hugepages = 1};

	create(h, &l, &cg);
	assert_file(state, "memory/mybox/c1/memory.limit_in_bytes", "1000");
	assert_file(state, "memory/mybox/c1/memory.memsw.limit_in_bytes", "-1");
	assert_file(state, "memory/mybox/c1/memory.soft_limit_in_bytes", "500");
	assert_file(state, "memory/mybox/c1/memory.swappiness", "0");
	assert_file(state, "memory/mybox/c1/memory.oom_control", "1");
	assert_file(state, "cpu/mybox/c1/cpu.shares", "512");
	assert_file(state, "cpu/mybox/c1/cpu.cfs_quota_us", "-1");
	assert_file(state, "cpu/mybox/c1/cpu.cfs_period_us", "100000");
	assert_file(state, "cpu/mybox/c1/cpu.rt_runtime_us", "950");
	assert_file(state, "pids/mybox/c1/pids.max", "7");
	assert_file(state, "blkio/mybox/c1/blkio.bfq.weight", "500");
	assert_file(state, "blkio/mybox/c1/blkio.throttle.read_bps_device", "8:16 1048576");
	assert_file(state, "blkio/mybox/c1/blkio.throttle.write_iops_device", "8:16 50");
	assert_file(state, "hugetlb/mybox/c1/hugetlb.2MB.limit_in_bytes", "4194304");
}

static void v1_makes_no_more_directories_than_needed(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v1_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.pids_max = 7};
	struct mb_err err = MB_ERR_INIT;

	assert_int_equal(mb_sys_cgroup_create(h, "/mybox/c2", &l, &cg, &err), -EOPNOTSUPP);
	assert_null(cg);
	assert_false(exists(scratch_fd(state), "memory/mybox/c2")); /* undone: no pids.max here */
	l.pids_max = 0;
	assert_int_equal(mb_sys_cgroup_create(h, "/mybox/c2", &l, &cg, &err), 0);
	assert_true(exists(scratch_fd(state), "memory/mybox/c2"));
	assert_true(exists(scratch_fd(state), "cpu/mybox/c2"));
	assert_true(exists(scratch_fd(state), "freezer/mybox/c2"));
	assert_false(exists(scratch_fd(state), "pids/mybox/c2"));
	assert_false(exists(scratch_fd(state), "blkio/mybox/c2"));
	assert_int_equal(mb_sys_cgroup_remove(cg, &err), 0);
	assert_false(exists(scratch_fd(state), "memory/mybox/c2"));
	assert_true(exists(scratch_fd(state), "memory/mybox"));
}

static void everywhere_is_in_every_v1_controller(void **state)
{
	static const char *const trees[] = {"memory",  "cpu",  "blkio", "pids",
	                                    "freezer", "rdma", "net"};
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v1_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.everywhere = true};
	struct mb_err err = MB_ERR_INIT;

	assert_int_equal(mb_sys_cgroup_create(h, "/engine/c2", &l, &cg, &err), 0);
	for (size_t i = 0; i < MB_N(trees); i++) {
		MB_AUTO_FREE char *path = mb_asprintf("%s/engine/c2", trees[i]);

		assert_true(exists(scratch_fd(state), path));
	}
}

static void what_a_version_cannot_do_is_refused_by_name(void **state)
{
	MB_AUTO_KV struct mb_kv climbing = MB_KV_INIT, managing = MB_KV_INIT, good = MB_KV_INIT;
	const struct {
		struct mb_sys_cgroup_limits l;
		bool v1;
		int r;
		const char *says;
	} rows[] = {
		{{.oom_kill_disable = true}, false, -EOPNOTSUPP, "--oom-kill-disable"},
		{{.has_swappiness = true}, false, -EOPNOTSUPP, "swappiness"},
		{{.cpu_rt_runtime = 1}, false, -EOPNOTSUPP, "real-time"},
		{{.kernel_memory = 1}, true, -EOPNOTSUPP, "--kernel-memory"},
		{{.kernel_memory = 1}, false, -EOPNOTSUPP, "--kernel-memory"},
		{{.unified = &good}, true, -EOPNOTSUPP, "memory.high"},
		{{.unified = &climbing}, false, -EINVAL, "../x.y"},
		{{.unified = &managing}, false, -EINVAL, "cgroup.procs"},
		{{.cpuset_cpus = "0"}, true, -EOPNOTSUPP, "'cpuset'"},
		{{.cpuset_cpus = "0-"}, false, -EINVAL, "list of cpus"},
		{{.memory_swap = 5}, false, -EINVAL, "needs a memory limit"},
		{{.memory = 9, .memory_swap = 5}, false, -EINVAL, "below the memory limit"},
		{{.memory = -2}, false, -EINVAL, "negative"},
		{{.memory = 5, .memory_reservation = 9}, false, -EINVAL, "over the memory limit"},
		{{.has_swappiness = true, .swappiness = 101}, true, -EINVAL, "swappiness"},
		{{.cpu_quota = 999}, false, -EINVAL, "cpu quota"},
		{{.cpu_period = 5}, false, -EINVAL, "cpu period"},
		{{.pids_max = -2}, false, -EINVAL, "pids limit"},
		{{.blkio_weight = 9}, false, -EINVAL, "blkio weight"},
		{{.blkio_weight = 1001}, true, -EINVAL, "blkio weight"},
	};
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *v2 = v2_host(state);
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *v1 = v1_host(state);

	mb_kv_set(&climbing, "../x.y", "1");
	mb_kv_set(&managing, "cgroup.procs", "1");
	mb_kv_set(&good, "memory.high", "1");
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_sys_cgroup *cg = NULL;
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(mb_sys_cgroup_create(rows[i].v1 ? v1 : v2, "/mybox/c1", &rows[i].l,
		                                      &cg, &err),
		                 rows[i].r);
		assert_null(cg);
		assert_non_null(strstr(err.msg, rows[i].says));
	}
}

static void stats_are_read_from_both_versions(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_stats s;
	struct mb_err err = MB_ERR_INIT;
	int fd = scratch_fd(state);

	create(h, NULL, &cg);
	write_text(fd, "v2/mybox/c1/cpu.stat",
	           "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 4\n"
	           "nr_throttled 2\nthrottled_usec 77\n");
	write_text(fd, "v2/mybox/c1/memory.current", "4096\n");
	write_text(fd, "v2/mybox/c1/memory.max", "max\n");
	write_text(fd, "v2/mybox/c1/memory.stat", "anon 1\ninactive_file_x 9\ninactive_file 512\n");
	write_text(fd, "v2/mybox/c1/memory.events", "oom 3\noom_kill 2\noom_group_kill 0\n");
	write_text(fd, "v2/mybox/c1/io.stat",
	           "8:0 rbytes=100 wbytes=20 rios=3 wios=4 dbytes=0 dios=0\n"
	           "8:16 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n");
	write_text(fd, "v2/mybox/c1/pids.current", "5\n");
	write_text(fd, "v2/mybox/c1/pids.max", "2048\n");
	assert_int_equal(mb_sys_cgroup_stats_read(cg, &s, &err), 0);
	assert_int_equal(s.has, 15);
	assert_int_equal(s.cpu_usec, 300);
	assert_int_equal(s.cpu_throttled_usec, 77);
	assert_int_equal(s.memory, 4096);
	assert_int_equal(s.memory_cache, 512);
	assert_true(s.memory_limit == UINT64_MAX);
	assert_int_equal(s.oom_kills, 2);
	assert_int_equal(s.io_read_bytes, 101);
	assert_int_equal(s.io_write_bytes, 22);
	assert_int_equal(s.io_reads, 4);
	assert_int_equal(s.pids, 5);
	assert_int_equal(s.pids_limit, 2048);
}

static void v1_stats_are_in_the_same_units(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v1_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.cpu_shares = 2, .blkio_weight = 10};
	struct mb_sys_cgroup_stats s;
	struct mb_err err = MB_ERR_INIT;
	int fd = scratch_fd(state);

	create(h, &l, &cg);
	write_text(fd, "cpu/mybox/c1/cpuacct.usage", "300000\n");
	write_text(fd, "cpu/mybox/c1/cpu.stat", "nr_periods 4\nthrottled_time 77000\n");
	write_text(fd, "memory/mybox/c1/memory.usage_in_bytes", "4096\n");
	write_text(fd, "memory/mybox/c1/memory.memsw.usage_in_bytes", "5000\n");
	write_text(fd, "memory/mybox/c1/memory.limit_in_bytes", "9223372036854771712\n");
	write_text(fd, "memory/mybox/c1/memory.stat", "inactive_file 1\ntotal_inactive_file 512\n");
	write_text(fd, "memory/mybox/c1/memory.oom_control", "oom_kill_disable 0\noom_kill 2\n");
	write_text(fd, "blkio/mybox/c1/blkio.throttle.io_service_bytes_recursive",
	           "8:0 Read 100\n8:0 Write 20\n8:0 Sync 0\n8:16 Read 1\nTotal 121\n");
	write_text(fd, "freezer/mybox/c1/cgroup.procs", "12\n7\n12\n0\n");
	assert_int_equal(mb_sys_cgroup_stats_read(cg, &s, &err), 0);
	assert_int_equal(s.cpu_usec, 300);
	assert_int_equal(s.cpu_throttled_usec, 77);
	assert_int_equal(s.swap, 5000 - 4096);
	assert_int_equal(s.memory_cache, 512);
	assert_true(s.memory_limit == UINT64_MAX);
	assert_int_equal(s.oom_kills, 2);
	assert_int_equal(s.io_read_bytes, 101);
	assert_int_equal(s.io_write_bytes, 20);
	assert_int_equal(s.pids, 2); /* without the controller: processes, each once, 0 aside */
}

static void open_finds_what_is_there_and_says_absent(void **state)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v1_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_err err = MB_ERR_INIT;

	assert_int_equal(mb_sys_cgroup_open(h, "/mybox/none", &cg, &err), MB_SYS_CGROUP_ABSENT);
	assert_int_equal(mb_sys_cgroup_open(h, "/mybox/../c1", &cg, &err), -EINVAL);
	assert_int_equal(mb_sys_cgroup_open(h, "/mybox/c1", &cg, &err), 0);
	assert_string_equal(mb_sys_cgroup_path(cg), "/mybox/c1");
	make_dirs(scratch_fd(state), "pids/mybox/a0/deeper");
	assert_int_equal(mb_sys_cgroup_list(h, NULL, &names, &err), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "a0");
	assert_string_equal(names.v[1], "c1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(v2_writes_each_limit_in_its_own_terms),
		SCRATCH_TEST(v2_swap_is_what_is_over_memory),
		SCRATCH_TEST(v2_without_swap_forgives_only_a_default),
		SCRATCH_TEST(v2_period_alone_keeps_the_quota),
		SCRATCH_TEST(v2_hands_controllers_on_from_the_root),
		SCRATCH_TEST(v1_writes_each_limit_in_its_own_terms),
		SCRATCH_TEST(v1_makes_no_more_directories_than_needed),
		SCRATCH_TEST(everywhere_is_in_every_v1_controller),
		SCRATCH_TEST(what_a_version_cannot_do_is_refused_by_name),
		SCRATCH_TEST(stats_are_read_from_both_versions),
		SCRATCH_TEST(v1_stats_are_in_the_same_units),
		SCRATCH_TEST(open_finds_what_is_there_and_says_absent),
	};

	return cmocka_run_group_tests_name("sys/cgroup_limits", tests, NULL, NULL);
}
