/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "container/bundle.h"
#include "container/record.h"
#include "core/err.h"

static struct mb_sys_cgroup_throttle throttles[MB_CONTAINER_MAX_THROTTLES];

static struct mb_sys_cgroup_limits fill(const struct mb_container_record *record)
{
	struct mb_sys_cgroup_limits limits;

	assert_int_equal(mb_container_limits_fill(record, NULL, throttles, &limits, NULL), 0);
	return limits;
}

static void nothing_asked_for_is_nothing(void **state)
{
	struct mb_container_record record = {0};
	char empty[] = "";
	struct mb_sys_cgroup_limits l;

	(void)state;
	record.host.cpuset_cpus = record.host.cpuset_mems = empty;
	l = fill(&record);
	assert_true(!l.memory && !l.memory_swap && !l.memory_swap_optional &&
	            !l.memory_reservation && !l.has_swappiness && !l.swappiness &&
	            !l.oom_kill_disable && !l.kernel_memory && !l.kernel_memory_tcp);
	assert_true(!l.cpu_shares && !l.cpu_quota && !l.cpu_period && !l.cpu_burst &&
	            !l.has_cpu_idle && !l.cpu_idle && !l.cpu_rt_runtime && !l.cpu_rt_period &&
	            !l.cpuset_cpus && !l.cpuset_mems);
	assert_true(!l.pids_max && !l.blkio_weight && !l.n_throttles && !l.n_hugepages &&
	            !l.n_devices && !l.unified);
}

static void memory(void **state)
{
	struct mb_container_record record = {.host = {.memory = 64 << 20}};
	struct mb_sys_cgroup_limits l = fill(&record);

	(void)state;
	/* As much swap again, where the kernel counts it. */
	assert_int_equal(l.memory, 64 << 20);
	assert_int_equal(l.memory_swap, 128 << 20);
	assert_true(l.memory_swap_optional);
	record.host.memory_swap = -1;
	l = fill(&record);
	assert_int_equal(l.memory_swap, -1);
	assert_false(l.memory_swap_optional);
	record.host.memory_swap = 64 << 20;
	record.host.memory_reservation = 32 << 20;
	record.host.memory_swappiness = 60;
	record.host.has_memory_swappiness = true;
	record.host.oom_kill_disable = true;
	l = fill(&record);
	assert_int_equal(l.memory_swap, 64 << 20);
	assert_int_equal(l.memory_reservation, 32 << 20);
	assert_true(l.has_swappiness && l.swappiness == 60 && l.oom_kill_disable);
}

static void cpu(void **state)
{
	struct mb_container_record record = {.host = {.nano_cpus = 1500000000}};
	struct mb_sys_cgroup_limits l = fill(&record);
	char cpus[] = "0-3";

	(void)state;
	assert_int_equal(l.cpu_period, 100000);
	assert_int_equal(l.cpu_quota, 150000);
	record.host.nano_cpus = 10000000;
	assert_int_equal(fill(&record).cpu_quota, 1000);
	record.host = (struct mb_container_host_config){.cpu_quota = 5000,
	                                                .cpu_period = 20000,
	                                                .cpu_shares = 512,
	                                                .cpuset_cpus = cpus,
	                                                .pids_limit = -1,
	                                                .blkio_weight = 300};
	l = fill(&record);
	assert_int_equal(l.cpu_quota, 5000);
	assert_int_equal(l.cpu_period, 20000);
	assert_int_equal(l.cpu_shares, 512);
	assert_string_equal(l.cpuset_cpus, "0-3");
	assert_null(l.cpuset_mems);
	assert_int_equal(l.pids_max, -1);
	assert_int_equal(l.blkio_weight, 300);
}

static void only_block_devices_are_throttled(void **state)
{
	char null[] = "/dev/null", none[] = "/dev/none-such";
	struct mb_container_throttle t = {null, 5};
	struct mb_container_record record = {.host = {.read_iops = &t, .n_read_iops = 1}};
	struct mb_sys_cgroup_limits l;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(mb_container_limits_fill(&record, NULL, throttles, &l, &err), -EINVAL);
	assert_string_equal(err.msg, "'/dev/null' is not a block device");
	t.path = none;
	assert_int_equal(mb_container_limits_fill(&record, NULL, throttles, &l, &err), -EINVAL);
}

/* Four lists, one row for a device. */
static void a_devices_rates_come_together(void **state)
{
	static const char *const candidates[] = {"/dev/loop0", "/dev/sda", "/dev/vda",
	                                         "/dev/nvme0n1"};
	struct mb_container_throttle a = {.rate = 5}, b = {.rate = 6};
	struct mb_container_record record = {
		.host = {.read_bps = &a, .n_read_bps = 1, .write_iops = &b, .n_write_iops = 1}};
	struct mb_sys_cgroup_limits l;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < N(candidates) && !a.path; i++)
		if (stat(candidates[i], &st) == 0 && S_ISBLK(st.st_mode))
			a.path = b.path = strdup(candidates[i]);
	if (!a.path)
		skip();
	l = fill(&record);
	free(a.path);
	assert_int_equal(l.n_throttles, 1);
	assert_int_equal(l.throttles[0].read_bps, 5);
	assert_int_equal(l.throttles[0].write_iops, 6);
	assert_int_equal(l.throttles[0].write_bps, 0);
}

static void the_bundle_says_the_same(void **state)
{
	struct mb_container_record record = {
		.host = {.memory = 64 << 20, .nano_cpus = 500000000, .pids_limit = 100}};
	MB_AUTO_OCI_SPEC struct mb_oci_spec spec = {0}, none = {0};
	const struct mb_oci_resources *res = &spec.linux.resources;

	(void)state;
	mb_container_resources_fill(&record, &spec);
	assert_true(res->memory.has_limit && res->memory.limit == 64 << 20);
	assert_true(res->memory.has_swap && res->memory.swap == 128 << 20);
	assert_true(res->cpu.has_quota && res->cpu.quota == 50000);
	assert_true(res->cpu.has_period && res->cpu.period == 100000);
	assert_true(res->pids.has_limit && res->pids.limit == 100);
	assert_false(res->cpu.has_shares || res->block_io.has_weight);
	record.host = (struct mb_container_host_config){0};
	mb_container_resources_fill(&record, &none);
	res = &none.linux.resources;
	assert_false(res->memory.has_limit || res->memory.has_swap || res->cpu.has_quota ||
	             res->cpu.has_period || res->pids.has_limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asked_for_is_nothing),
		cmocka_unit_test(memory),
		cmocka_unit_test(cpu),
		cmocka_unit_test(only_block_devices_are_throttled),
		cmocka_unit_test(a_devices_rates_come_together),
		cmocka_unit_test(the_bundle_says_the_same),
	};

	return cmocka_run_group_tests_name("container/limits", tests, NULL, NULL);
}
