/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux.resources as documents have it, in the words of control groups. */
#include "../../support/unit.h"
#include "core/err.h"
#include "oci/spec.h"
#include "runtime/resources.h"

static int make(const char *text, unsigned flags, struct mb_oci_resources *res,
                struct mb_runtime_resources *ret, struct mb_err *err)
{
	int r = mb_oci_resources_load(text, strlen(text), res, err);

	assert_int_equal(r, 0);
	return mb_runtime_resources_make(res, flags, ret, err);
}

static void every_member_arrives(void **state)
{
	static const char text[] =
		"{\"memory\":{\"limit\":4096,\"reservation\":-1,\"swap\":8192,\"kernel\":-1,"
		"\"kernelTCP\":5,\"swappiness\":0,\"disableOOMKiller\":true,\"useHierarchy\":true,"
		"\"checkBeforeUpdate\":true},"
		"\"cpu\":{\"shares\":512,\"quota\":-1,\"period\":100000,\"burst\":0,"
		"\"realtimeRuntime\":7,\"realtimePeriod\":8,\"cpus\":\"0-1\",\"mems\":\"\","
	        "\"idle\":1},"
		"\"pids\":{\"limit\":-1},"
		"\"blockIO\":{\"weight\":100,\"leafWeight\":200,\"weightDevice\":[{\"major\":8,"
		"\"minor\":0,\"weight\":300,\"leafWeight\":400}],\"throttleReadBpsDevice\":"
		"[{\"major\":8,\"minor\":0,\"rate\":600}],\"throttleWriteIOPSDevice\":"
		"[{\"major\":8,\"minor\":16,\"rate\":0}]},"
		"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":9}],"
		"\"network\":{\"classID\":0,\"priorities\":[{\"name\":\"lo\",\"priority\":3}]},"
		"\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3}},"
		"\"unified\":{\"memory.high\":\"max\"}}";
	struct mb_oci_resources res;
	struct mb_runtime_resources r;
	struct mb_err err = MB_ERR_INIT;
	const struct mb_sys_cgroup_limits *l = &r.limits;

	(void)state;
	assert_int_equal(make(text, 0, &res, &r, &err), 0);
	assert_int_equal(l->memory, 4096);
	assert_int_equal(l->memory_reservation, -1);
	assert_int_equal(l->memory_swap, 8192);
	assert_int_equal(l->kernel_memory, -1);
	assert_int_equal(l->kernel_memory_tcp, 5);
	assert_true(l->has_swappiness && l->swappiness == 0);
	assert_true(l->oom_kill_disable && !l->oom_kill_enable && l->memory_checked);
	assert_int_equal(l->cpu_shares, 512);
	assert_int_equal(l->cpu_quota, -1);
	assert_int_equal(l->cpu_period, 100000);
	assert_true(l->has_cpu_burst && l->cpu_burst == 0);
	assert_int_equal(l->cpu_rt_runtime, 7);
	assert_int_equal(l->cpu_rt_period, 8);
	assert_true(l->has_cpu_idle && l->cpu_idle == 1);
	assert_string_equal(l->cpuset_cpus, "0-1");
	assert_null(l->cpuset_mems);
	assert_int_equal(l->pids_max, -1);
	assert_int_equal(l->blkio_weight, 100);
	assert_int_equal(l->blkio_leaf_weight, 200);
	assert_int_equal(l->n_throttles, 2);
	assert_int_equal(l->throttles[0].read_bps, 600);
	assert_int_equal(l->throttles[0].weight, 300);
	assert_int_equal(l->throttles[0].leaf_weight, 400);
	assert_int_equal(l->throttles[1].minor, 16);
	assert_true(l->throttles[1].write_iops == UINT64_MAX);
	assert_int_equal(l->throttles[1].write_bps, 0);
	assert_int_equal(l->n_hugepages, 1);
	assert_string_equal(l->hugepages[0].size, "2MB");
	assert_true(l->has_net_class && l->net_class == 0);
	assert_string_equal(l->net_priorities[0].interface, "lo");
	assert_string_equal(l->rdma[0].device, "mlx5_1");
	assert_true(l->rdma[0].has_handles && !l->rdma[0].has_objects);
	assert_string_equal(l->unified->v[0].key, "memory.high");
	assert_int_equal(l->n_devices, 0);
	mb_runtime_resources_done(&r);
	mb_oci_resources_done(&res);
}

static void nothing_asks_for_nothing_but_devices(void **state)
{
	static const struct mb_sys_cgroup_limits none;
	struct mb_oci_resources res;
	struct mb_runtime_resources r;
	struct mb_err err = MB_ERR_INIT;
	size_t n_default;

	(void)state;
	(void)mb_sys_device_rules_default(&n_default);
	assert_int_equal(make("{}", 0, &res, &r, &err), 0);
	assert_memory_equal(&r.limits, &none, sizeof(none));
	assert_int_equal(mb_runtime_resources_make(&res, MB_RUNTIME_RESOURCES_NEW, &r, &err), 0);
	assert_int_equal(r.limits.n_devices, n_default);
	mb_runtime_resources_done(&r);
	mb_oci_resources_done(&res);
}

static void devices_are_the_specs_and_then_the_harmless(void **state)
{
	static const char text[] =
		"{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,\"type\":\"b\","
		"\"major\":8,\"minor\":0,\"access\":\"r\"}]}";
	struct mb_oci_resources res;
	struct mb_runtime_resources r;
	struct mb_err err = MB_ERR_INIT;
	size_t n_default;

	(void)state;
	(void)mb_sys_device_rules_default(&n_default);
	assert_int_equal(make(text, MB_RUNTIME_RESOURCES_NEW, &res, &r, &err), 0);
	assert_int_equal(r.limits.n_devices, 2 + n_default - 1);
	assert_false(r.limits.devices[0].allow);
	assert_int_equal(r.limits.devices[1].type, 'b');
	assert_int_equal(r.limits.devices[1].access, MB_SYS_DEVICE_READ);
	for (size_t i = 2; i < r.limits.n_devices; i++)
		assert_true(r.limits.devices[i].allow);
	mb_runtime_resources_done(&r);
	mb_oci_resources_done(&res);
}

static void deny_all_alone_is_the_default_itself(void **state)
{
	struct mb_oci_resources res;
	struct mb_runtime_resources r;
	struct mb_err err = MB_ERR_INIT;
	size_t n_default;

	(void)state;
	(void)mb_sys_device_rules_default(&n_default);
	assert_int_equal(
		make("{\"devices\":[{\"allow\":false}]}", MB_RUNTIME_RESOURCES_NEW, &res, &r, &err),
		0);
	assert_int_equal(r.limits.n_devices, n_default);
	mb_runtime_resources_done(&r);
	mb_oci_resources_done(&res);
}

static void the_oom_killer_comes_back_with_an_update_only(void **state)
{
	static const char text[] = "{\"memory\":{\"disableOOMKiller\":false}}";
	struct mb_oci_resources res;
	struct mb_runtime_resources r;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(make(text, 0, &res, &r, &err), 0);
	assert_true(r.limits.oom_kill_enable);
	mb_runtime_resources_done(&r);
	assert_int_equal(mb_runtime_resources_make(&res, MB_RUNTIME_RESOURCES_NEW, &r, &err), 0);
	assert_false(r.limits.oom_kill_enable);
	mb_runtime_resources_done(&r);
	mb_oci_resources_done(&res);
}

static void what_no_kernel_has_is_refused(void **state)
{
	struct mb_oci_resources res;
	struct mb_runtime_resources r;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(make("{\"memory\":{\"useHierarchy\":false}}", 0, &res, &r, &err),
	                 -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "useHierarchy"));
	mb_oci_resources_done(&res);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_arrives),
		cmocka_unit_test(nothing_asks_for_nothing_but_devices),
		cmocka_unit_test(devices_are_the_specs_and_then_the_harmless),
		cmocka_unit_test(deny_all_alone_is_the_default_itself),
		cmocka_unit_test(the_oom_killer_comes_back_with_an_update_only),
		cmocka_unit_test(what_no_kernel_has_is_refused),
	};

	return cmocka_run_group_tests_name("runtime/resources", tests, NULL, NULL);
}
