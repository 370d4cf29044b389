/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "net/ipam.h"

static char dir_path[] = "/tmp/mybox-test-ipam-XXXXXX";
static int dir = -1;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir_path))
		return -1;
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlinkat(dir, "ipam", 0);
	close(dir);
	return rmdir(dir_path);
}

static int forget(void **state)
{
	(void)state;
	(void)unlinkat(dir, "ipam", 0);
	return 0;
}

static void open_table(const char *subnet, struct mb_net_ipam *ipam)
{
	static const uint32_t reserved[] = {1, 7};
	struct mb_net_ipam_plan plan = {.reserved = reserved, .n_reserved = 2, .first = 1};

	assert_int_equal(mb_net_prefix_parse(subnet, &plan.subnet), 0);
	plan.last = (1u << mb_net_prefix_host_bits(&plan.subnet)) - 2;
	assert_int_equal(mb_net_ipam_open(dir, "ipam", &plan, ipam, NULL), 0);
}

static bool nobody_lives(uint64_t owner, void *arg)
{
	(void)owner;
	(void)arg;
	return false;
}

static bool all_live(uint64_t owner, void *arg)
{
	(void)owner;
	(void)arg;
	return true;
}

static uint32_t take(struct mb_net_ipam *ipam, uint64_t owner, uint32_t wanted, int expected)
{
	struct mb_net_ipam_want w = {.owner = owner, .wanted = wanted, .alive = all_live};
	uint32_t slot = 0;

	assert_int_equal(mb_net_ipam_take(ipam, &w, &slot), expected);
	return slot;
}

static void addresses_are_not_used_again_soon(void **state)
{
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;

	(void)state;
	open_table("10.0.0.0/28", &ipam);
	assert_int_equal(take(&ipam, 100, 0, 0), 2);
	mb_net_ipam_release(&ipam, 2, 100);
	assert_int_equal(take(&ipam, 101, 0, 0), 3);
	assert_int_equal(take(&ipam, 102, 0, 0), 4);
	assert_int_equal(take(&ipam, 103, 0, 0), 5);
	assert_int_equal(take(&ipam, 104, 0, 0), 6);
	assert_int_equal(take(&ipam, 105, 0, 0), 8); /* 7 is reserved */
}

static void a_full_table_robs_the_dead_only(void **state)
{
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	struct mb_net_ipam_want w = {.owner = 9, .alive = nobody_lives};
	uint32_t slot;

	(void)state;
	open_table("10.0.0.0/28", &ipam);
	for (uint64_t owner = 100; owner < 112; owner++)
		(void)take(&ipam, owner, 0, 0);
	(void)take(&ipam, 200, 0, MB_NET_IPAM_FULL);
	assert_int_equal(mb_net_ipam_take(&ipam, &w, &slot), 0);
	assert_int_equal(mb_net_ipam_owner_of(&ipam, slot), 9);
	assert_int_equal(mb_net_ipam_owner_of(&ipam, 1), MB_NET_IPAM_RESERVED);
}

static void a_wanted_address_is_that_or_none(void **state)
{
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	struct mb_net_ipam_want w = {.owner = 9, .wanted = 5, .alive = nobody_lives};
	uint32_t slot;

	(void)state;
	open_table("10.0.0.0/28", &ipam);
	assert_int_equal(take(&ipam, 100, 5, 0), 5);
	assert_int_equal(take(&ipam, 100, 5, 0), 5); /* again, its own */
	(void)take(&ipam, 101, 5, MB_NET_IPAM_TAKEN);
	(void)take(&ipam, 101, 1, MB_NET_IPAM_TAKEN); /* the gateway's */
	(void)take(&ipam, 101, 99, MB_NET_IPAM_TAKEN);
	assert_int_equal(mb_net_ipam_take(&ipam, &w, &slot), 0); /* from a dead one */
	mb_net_ipam_release(&ipam, 5, 100);                      /* no longer its own */
	assert_int_equal(mb_net_ipam_owner_of(&ipam, 5), 9);
}

static void what_is_taken_stays_after_reopening(void **state)
{
	struct mb_net_ipam ipam = MB_NET_IPAM_INIT;

	(void)state;
	open_table("10.0.0.0/24", &ipam);
	(void)take(&ipam, 100, 77, 0);
	(void)take(&ipam, 100, 78, 0);
	mb_net_ipam_close(&ipam);
	open_table("10.0.0.0/24", &ipam);
	assert_int_equal(mb_net_ipam_next(&ipam, 0), 77);
	assert_int_equal(mb_net_ipam_next(&ipam, 79), 0);
	assert_int_equal(mb_net_ipam_release_all(&ipam, 100), 2);
	assert_int_equal(mb_net_ipam_next(&ipam, 0), 0);
	mb_net_ipam_close(&ipam);
}

static void a_broken_file_is_made_anew(void **state)
{
	static const char junk[] =
		"this is no table of addresses, whoever wrote it, but it is long "
		"enough to be taken for one by its size";
	struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	int fd;

	(void)state;
	for (size_t n = 0; n <= sizeof(junk); n += 8) {
		fd = openat(dir, "ipam", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, junk, n), n);
		close(fd);
		open_table("10.0.0.0/24", &ipam);
		assert_int_equal(take(&ipam, 100, 0, 0), 2);
		mb_net_ipam_close(&ipam);
	}
}

static void processes_never_share_an_address(void **state)
{
	enum { PROCESSES = 4, EACH = 50 };
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	size_t n = 0;

	(void)state;
	for (uint64_t p = 0; p < PROCESSES; p++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid)
			continue;
		for (uint64_t i = 0; i < EACH; i++) {
			struct mb_net_ipam own = MB_NET_IPAM_INIT;

			open_table("10.0.0.0/22", &own);
			(void)take(&own, (p + 1) * 1000 + i, 0, 0);
			mb_net_ipam_close(&own);
		}
		_exit(0);
	}
	for (int p = 0; p < PROCESSES; p++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	open_table("10.0.0.0/22", &ipam);
	for (uint32_t slot = mb_net_ipam_next(&ipam, 0); slot;
	     slot = mb_net_ipam_next(&ipam, slot + 1))
		n++;
	assert_int_equal(n, PROCESSES * EACH);
}

static void owners_are_the_beginning_of_ids(void **state)
{
	(void)state;
	assert_int_equal(mb_net_ipam_owner("00000000000000ff1234"), 0xff);
	assert_int_equal(mb_net_ipam_owner("00000000000000f"), 0);
	assert_int_equal(mb_net_ipam_owner("00000000000000zz1234"), 0);
}

/* Addresses of other hosts are nobody's here: not given by themselves, nor counted as ours; who
 * asks for one by name gets it, as another has the last word. */
static void mirror_holds_what_others_have(void **state)
{
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	const uint32_t others[] = {2, 3, 1000};
	struct mb_net_ipam_want want = {.owner = 42, .alive = nobody_lives};
	uint32_t slot;

	(void)state;
	open_table("10.0.0.0/29", &ipam);
	mb_net_ipam_mirror(&ipam, others, 3);
	assert_int_equal(mb_net_ipam_next(&ipam, 0), 0);
	assert_int_equal(mb_net_ipam_take(&ipam, &want, &slot), 0);
	assert_int_equal(slot, 4);
	want.wanted = 3;
	assert_int_equal(mb_net_ipam_take(&ipam, &want, &slot), 0);
	/* What they have no more is free, what is ours is not touched. */
	mb_net_ipam_mirror(&ipam, &others[1], 1);
	assert_int_equal(mb_net_ipam_owner_of(&ipam, 2), 0);
	assert_int_equal(mb_net_ipam_owner_of(&ipam, 3), 42);
	assert_int_equal(mb_net_ipam_owner_of(&ipam, 4), 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(mirror_holds_what_others_have, forget),
		cmocka_unit_test_teardown(addresses_are_not_used_again_soon, forget),
		cmocka_unit_test_teardown(a_full_table_robs_the_dead_only, forget),
		cmocka_unit_test_teardown(a_wanted_address_is_that_or_none, forget),
		cmocka_unit_test_teardown(what_is_taken_stays_after_reopening, forget),
		cmocka_unit_test_teardown(a_broken_file_is_made_anew, forget),
		cmocka_unit_test_teardown(processes_never_share_an_address, forget),
		cmocka_unit_test(owners_are_the_beginning_of_ids),
	};

	return cmocka_run_group_tests_name("net/ipam", tests, setup, teardown);
}
