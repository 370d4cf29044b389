/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "container/usage.h"
#include "core/own.h"

static struct mb_sys_cgroup_pressure pressure[MB_SYS_CGROUP_RESOURCES_N_];

/* At second @second everything that grows has grown to @n. */
static struct mb_container_sample at(double second, uint64_t n)
{
	struct mb_container_sample s = {
		.taken_nsec = (int64_t)(second * 1e9),
		.has_network = true,
		.rx_bytes = n,
		.tx_bytes = 2 * n,
	};

	s.cgroup.has = MB_SYS_CGROUP_HAS_CPU | MB_SYS_CGROUP_HAS_MEMORY | MB_SYS_CGROUP_HAS_PIDS |
	               MB_SYS_CGROUP_HAS_IO;
	s.cgroup.cpu_usec = n;
	s.cgroup.io_read_bytes = 3 * n;
	s.cgroup.io_write_bytes = 4 * n;
	s.cgroup.memory = 1000;
	s.cgroup.memory_cache = 300;
	s.cgroup.memory_limit = 4096;
	s.cgroup.pids = 5;
	for (size_t i = 0; i < MB_SYS_CGROUP_RESOURCES_N_; i++)
		pressure[i] = (struct mb_sys_cgroup_pressure){true, n / 2, 0};
	return s;
}

static void take(struct mb_container_usage *u, double second, uint64_t n)
{
	struct mb_container_sample s = at(second, n);

	mb_container_usage_take(u, &s, pressure);
}

static void rates_are_since_the_last_look(void **state)
{
	MB_AUTO(mb_container_usage_free) struct mb_container_usage *u = mb_container_usage_new();

	(void)state;
	take(u, 1, 1000000);
	assert_true(u->now[MB_FIGURE_CPU] < 0);
	assert_true(u->now[MB_FIGURE_RX] < 0);
	assert_true(u->now[MB_FIGURE_CPU_PRESSURE] < 0);
	assert_float_equal(u->now[MB_FIGURE_MEMORY], 700, 0);
	assert_float_equal(u->now[MB_FIGURE_TASKS], 5, 0);
	assert_int_equal(u->memory_limit, 4096);
	take(u, 3, 2000000);
	assert_float_equal(u->now[MB_FIGURE_CPU], 0.5, 1e-6);
	assert_float_equal(u->now[MB_FIGURE_RX], 500000, 1e-3);
	assert_float_equal(u->now[MB_FIGURE_TX], 1000000, 1e-3);
	assert_float_equal(u->now[MB_FIGURE_READ], 1500000, 1e-3);
	assert_float_equal(u->now[MB_FIGURE_WRITE], 2000000, 1e-3);
	assert_float_equal(u->now[MB_FIGURE_IO_PRESSURE], 0.25, 1e-6);
}

static void figures_that_go_back_are_no_rates(void **state)
{
	MB_AUTO(mb_container_usage_free) struct mb_container_usage *u = mb_container_usage_new();

	(void)state;
	take(u, 1, 1000000);
	take(u, 2, 10);
	assert_true(u->now[MB_FIGURE_CPU] < 0);
	take(u, 2, 20); /* no time has passed */
	assert_true(u->now[MB_FIGURE_CPU] < 0);
	take(u, 3, 100000020); /* more than a second's worth of waiting in a second */
	assert_float_equal(u->now[MB_FIGURE_CPU_PRESSURE], 1, 0);
}

static void the_past_has_an_end(void **state)
{
	MB_AUTO(mb_container_usage_free) struct mb_container_usage *u = mb_container_usage_new();

	(void)state;
	for (int i = 0; i < MB_CONTAINER_PAST + 10; i++)
		take(u, i, (uint64_t)i * (uint64_t)i * 1000);
	assert_int_equal(u->n_past, MB_CONTAINER_PAST);
	/* From second n - 1 to n: n^2 - (n - 1)^2 = 2 n - 1 milliseconds. */
	assert_float_equal(u->past[MB_FIGURE_CPU][MB_CONTAINER_PAST - 1], 0.257, 1e-6);
	assert_float_equal(u->past[MB_FIGURE_CPU][0], 0.019, 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_since_the_last_look),
		cmocka_unit_test(figures_that_go_back_are_no_rates),
		cmocka_unit_test(the_past_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
