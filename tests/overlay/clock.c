/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded: the time of day is MYBOX_TEST_CLOCK seconds later than it is, or earlier. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { NSEC_PER_USEC = 1000 };

int clock_gettime(clockid_t clock, struct timespec *t)
{
	const char *later = getenv("MYBOX_TEST_CLOCK");
	int r = (int)syscall(SYS_clock_gettime, clock, t);

	if (r == 0 && later && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		t->tv_sec += atol(later);
	return r;
}

int gettimeofday(struct timeval *t, void *zone)
{
	struct timespec now;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -1;
	*t = (struct timeval){now.tv_sec, now.tv_nsec / NSEC_PER_USEC};
	return 0;
}

time_t time(time_t *t)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}
