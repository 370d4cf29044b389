/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "monitor/monitor.h"
#include "unit.h"

static struct mb_monitor m;

static int begin(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	m.phase = MB_MONITOR_ALIVE;
	m.fd[MB_MONITOR_SLOT_RUN] = -1;
	return 0;
}

static int set(const char *id, int64_t due, const char *frame, int fd)
{
	struct mb_monitor_lease what = {.due = due, .n = (uint32_t)strlen(frame)};

	snprintf(what.id, sizeof(what.id), "%s", id);
	memcpy(what.frame, frame, what.n);
	return mb_monitor_lease_set(&m, &what, &fd);
}

static void the_first_is_waited_for(void **state)
{
	int64_t now = mb_boottime_nsec(), deadline;

	(void)state;
	assert_int_equal(mb_monitor_lease_deadline(&m), 0);
	assert_int_equal(set("one", now + 90 * MB_NSEC_PER_SEC, "", -1), 0);
	assert_int_equal(set("two", now + 60 * MB_NSEC_PER_SEC, "", -1), 0);
	assert_int_equal(set("three", 0, "", -1), 0);
	deadline = mb_monitor_lease_deadline(&m) - mb_monotonic_nsec();
	assert_true(deadline > 0 && deadline <= 60 * MB_NSEC_PER_SEC);
	mb_monitor_lease_forget(&m, "two");
	deadline = mb_monitor_lease_deadline(&m) - mb_monotonic_nsec();
	assert_true(deadline > 60 * MB_NSEC_PER_SEC);
	assert_int_equal(set("one", 0, "", -1), 0);
	assert_int_equal(mb_monitor_lease_deadline(&m), 0);
	assert_int_equal(m.lease.n, 2);
}

static void what_nobody_told_anew_is_tried_again(void **state)
{
	int64_t deadline;

	(void)state;
	assert_int_equal(set("one", 1, "", -1), 0);
	assert_true(mb_monitor_lease_deadline(&m) <= mb_monotonic_nsec());
	m.lease.pid = 4711;
	assert_int_equal(mb_monitor_lease_deadline(&m), 0);
	mb_monitor_lease_ended(&m, 4712);
	assert_int_equal(m.lease.pid, 4711);
	mb_monitor_lease_ended(&m, 4711);
	deadline = mb_monitor_lease_deadline(&m) - mb_monotonic_nsec();
	assert_true(deadline > 0 && deadline <= 10 * MB_NSEC_PER_SEC);
	/* All that was known of the container is gone: nothing is begun for it. */
	assert_int_equal(set("one", 1, "", -1), 0);
	mb_monitor_lease_step(&m);
	assert_int_equal(m.lease.pid, 0);
	assert_true(mb_monitor_lease_deadline(&m) > mb_monotonic_nsec());
}

static void addresses_are_given_back_at_the_end(void **state)
{
	int pair[2], other[2];
	char got[16];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, other), 0);
	assert_int_equal(set("one", 0, "before", other[1]), 0);
	assert_int_equal(set("one", 0, "bye", pair[1]), 0);
	assert_int_equal(set("two", 0, "", -1), 0);
	mb_monitor_lease_drop(&m);
	assert_int_equal(recv(pair[0], got, sizeof(got), MSG_DONTWAIT), 3);
	assert_memory_equal(got, "bye", 3);
	assert_int_equal(recv(other[0], got, sizeof(got), MSG_DONTWAIT), -1);
	assert_int_equal(m.lease.n, 0);
	close(pair[0]);
	close(other[0]);
}

static void what_is_no_lease(void **state)
{
	struct mb_monitor_lease what = {.n = MB_MONITOR_FRAME_MAX + 1};
	int none = -1;

	(void)state;
	assert_int_equal(mb_monitor_lease_set(&m, &what, &none), -EINVAL);
	what.n = 0;
	memset(what.id, 'a', sizeof(what.id));
	assert_int_equal(mb_monitor_lease_set(&m, &what, &none), -EINVAL);
	for (int i = 0; i < MB_MONITOR_NETWORKS_MAX; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(set(id, 0, "", -1), 0);
	}
	assert_int_equal(set("more", 0, "", -1), -ENOSPC);
	assert_int_equal(set("7", 9, "", -1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_first_is_waited_for, begin),
		cmocka_unit_test_setup(what_nobody_told_anew_is_tried_again, begin),
		cmocka_unit_test_setup(addresses_are_given_back_at_the_end, begin),
		cmocka_unit_test_setup(what_is_no_lease, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
