/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For its board: how far a lane got when it died. */
#include "../../../lib/image/lanes.c"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int finish(struct mb_image_lanes *lanes, size_t index, void *arg, struct mb_err *err)
{
	(void)lanes, (void)index, (void)arg, (void)err;
	return 0;
}

static int refuse(struct mb_image_lanes *lanes, size_t index, void *arg, struct mb_err *err)
{
	(void)lanes, (void)arg;
	return index == 1 ? mb_fail(err, ENOSPC, "it is full") : 0;
}

static int die(struct mb_image_lanes *lanes, size_t index, void *arg, struct mb_err *err)
{
	(void)lanes, (void)index, (void)arg, (void)err;
	raise(SIGKILL);
	return 0;
}

/* As one that is killed while it writes down why it failed. */
static int die_telling(struct mb_image_lanes *lanes, size_t index, void *arg, struct mb_err *err)
{
	(void)index, (void)arg, (void)err;
	atomic_store(&lanes->board->over, 1);
	raise(SIGKILL);
	return 0;
}

static int outcome(int (*work)(struct mb_image_lanes *, size_t, void *, struct mb_err *),
                   struct mb_err *err)
{
	const struct mb_image_lanes_job job = {.count = 2, .n_lanes = 1, .work = work};
	struct mb_image_lanes *lanes = NULL;
	int r;

	assert_int_equal(mb_image_lanes_start(&job, &lanes, err), 0);
	r = mb_image_lanes_wait(lanes, NULL, NULL, err);
	mb_image_lanes_free(lanes);
	return r;
}

static void every_end_is_told(void **state)
{
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	alarm(60); /* one that is not told is waited for without end */
	assert_int_equal(outcome(finish, &err), 0);
	assert_int_equal(outcome(refuse, &err), -ENOSPC);
	assert_string_equal(err.msg, "it is full");
	assert_int_equal(outcome(die, &err), -EPIPE);
	assert_int_equal(outcome(die_telling, &err), -EPIPE);
	assert_string_equal(err.msg, "a process that worked on it ended unexpectedly");
	alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_end_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
