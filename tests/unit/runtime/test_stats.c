/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The figures of `events --stats`, from directories in place of a kernel's cgroups. */
#include "../sys/cgroup_fake.h"
#include "runtime/stats.h"
#include "json/json.h"

static void assert_has(struct mb_sys_cgroup *cg, const char *const *parts, size_t n)
{
	MB_AUTO(mb_json_free) struct json_object *data = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;

	assert_int_equal(mb_runtime_stats_make(cg, &data, &err), 0);
	mb_json_format(data, false, &text);
	for (size_t i = 0; i < n; i++) {
		if (!strstr(mb_str_text(&text), parts[i]))
			print_error("no %s in %s\n", parts[i], mb_str_text(&text));
		assert_non_null(strstr(mb_str_text(&text), parts[i]));
	}
}

static void version_2_is_told_in_version_1s_words(void **state)
{
	static const char *const parts[] = {
		"\"cpu\":{\"usage\":{\"total\":300000,\"kernel\":100000,\"user\":200000},"
		"\"throttling\":{\"periods\":4,\"throttledPeriods\":2,\"throttledTime\":77000},"
		"\"psi\":{\"some\":{\"avg10\":1.5,\"avg60\":0,\"avg300\":0,\"total\":12}",
		"\"cpus\":[0,1,3]",
		"\"memory\":{\"cache\":17,\"usage\":{\"limit\":8192,\"usage\":4096,\"max\":5000,"
		"\"failcnt\":6},\"swap\":{\"limit\":9192,\"usage\":4106,\"failcnt\":3}",
		"\"raw\":{\"anon\":1,\"file\":17}",
		"\"pids\":{\"current\":5,\"limit\":2048}",
		"\"ioServiceBytesRecursive\":[{\"major\":8,\"minor\":0,\"op\":\"Read\",\"value\":"
	        "100},"
		"{\"major\":8,\"minor\":0,\"op\":\"Write\",\"value\":20}",
		"\"ioServicedRecursive\":[{\"major\":8,\"minor\":0,\"op\":\"Read\",\"value\":3}",
		"\"rdma\":{\"limit\":[{\"hcaHandles\":3,\"hcaObjects\":4294967295,\"device\":"
		"\"mlx5_1\"}],\"current\":[{\"hcaHandles\":1,\"hcaObjects\":0,\"device\":\"mlx5_"
	        "1\"}]}",
		"\"intel_rdt\":{},\"network_interfaces\":null",
	};
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	int fd = scratch_fd(state);

	create(h, NULL, &cg);
	write_text(fd, "v2/mybox/c1/cpu.stat",
	           "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 4\n"
	           "nr_throttled 2\nthrottled_usec 77\n");
	write_text(fd, "v2/mybox/c1/cpu.pressure",
	           "some avg10=1.50 avg60=0.00 avg300=0.00 total=12\n"
	           "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	write_text(fd, "v2/mybox/c1/cpuset.cpus.effective", "0-1,3\n");
	write_text(fd, "v2/mybox/c1/memory.current", "4096\n");
	write_text(fd, "v2/mybox/c1/memory.max", "8192\n");
	write_text(fd, "v2/mybox/c1/memory.peak", "5000\n");
	write_text(fd, "v2/mybox/c1/memory.swap.current", "10\n");
	write_text(fd, "v2/mybox/c1/memory.swap.max", "1000\n");
	write_text(fd, "v2/mybox/c1/memory.stat", "anon 1\nfile 17\n");
	write_text(fd, "v2/mybox/c1/memory.events", "low 0\nmax 6\noom 3\noom_kill 2\n");
	write_text(fd, "v2/mybox/c1/memory.swap.events", "high 0\nmax 3\nfail 0\n");
	write_text(fd, "v2/mybox/c1/io.stat",
	           "8:0 rbytes=100 wbytes=20 rios=3 wios=4 dbytes=0 dios=0\n");
	write_text(fd, "v2/mybox/c1/pids.current", "5\n");
	write_text(fd, "v2/mybox/c1/pids.max", "2048\n");
	write_text(fd, "v2/mybox/c1/rdma.max", "mlx5_1 hca_handle=3 hca_object=max\n");
	write_text(fd, "v2/mybox/c1/rdma.current", "mlx5_1 hca_handle=1 hca_object=0\n");
	assert_has(cg, parts, MB_N(parts));
}

static void no_limit_is_the_greatest_number(void **state)
{
	static const char *const parts[] = {
		"\"usage\":{\"limit\":18446744073709551615,\"usage\":4096",
		"\"swap\":{\"limit\":18446744073709551615,\"usage\":4096",
		"\"pids\":{\"current\":5}",
	};
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v2_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	int fd = scratch_fd(state);

	create(h, NULL, &cg);
	write_text(fd, "v2/mybox/c1/memory.current", "4096\n");
	write_text(fd, "v2/mybox/c1/memory.max", "max\n");
	write_text(fd, "v2/mybox/c1/pids.current", "5\n");
	write_text(fd, "v2/mybox/c1/pids.max", "max\n");
	assert_has(cg, parts, MB_N(parts));
}

static void version_1_is_told_as_it_is(void **state)
{
	static const char *const parts[] = {
		"\"usage\":{\"total\":300000,\"percpu\":[100,200]",
		"\"cache\":9,\"usage\":{\"limit\":8192,\"usage\":4096,\"max\":5000,\"failcnt\":7},"
		"\"swap\":{\"limit\":9000,\"usage\":5000}",
		"\"kernelTCP\":{\"usage\":11}",
		"\"ioServiceBytesRecursive\":[{\"major\":8,\"minor\":0,\"op\":\"Read\",\"value\":"
	        "100}]",
		"\"ioTimeRecursive\":[{\"major\":8,\"minor\":0,\"value\":55}]",
	};
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *h = v1_host(state);
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	struct mb_sys_cgroup_limits l = {.cpu_shares = 2, .blkio_weight = 10};
	int fd = scratch_fd(state);

	create(h, &l, &cg);
	write_text(fd, "cpu/mybox/c1/cpuacct.usage", "300000\n");
	write_text(fd, "cpu/mybox/c1/cpuacct.usage_percpu", "100 200 \n");
	write_text(fd, "memory/mybox/c1/memory.usage_in_bytes", "4096\n");
	write_text(fd, "memory/mybox/c1/memory.limit_in_bytes", "8192\n");
	write_text(fd, "memory/mybox/c1/memory.max_usage_in_bytes", "5000\n");
	write_text(fd, "memory/mybox/c1/memory.failcnt", "7\n");
	write_text(fd, "memory/mybox/c1/memory.memsw.usage_in_bytes", "5000\n");
	write_text(fd, "memory/mybox/c1/memory.memsw.limit_in_bytes", "9000\n");
	write_text(fd, "memory/mybox/c1/memory.kmem.tcp.usage_in_bytes", "11\n");
	write_text(fd, "memory/mybox/c1/memory.stat", "cache 9\ntotal_inactive_file 512\n");
	write_text(fd, "blkio/mybox/c1/blkio.throttle.io_service_bytes_recursive",
	           "8:0 Read 100\nTotal 100\n");
	write_text(fd, "blkio/mybox/c1/blkio.bfq.io_service_bytes_recursive", "Total 0\n");
	write_text(fd, "blkio/mybox/c1/blkio.bfq.time_recursive", "8:0 55\n");
	assert_has(cg, parts, MB_N(parts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(version_2_is_told_in_version_1s_words),
		SCRATCH_TEST(no_limit_is_the_greatest_number),
		SCRATCH_TEST(version_1_is_told_as_it_is),
	};

	return cmocka_run_group_tests_name("runtime/stats", tests, NULL, NULL);
}
