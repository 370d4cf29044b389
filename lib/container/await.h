/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/await.h — wait until a container is in one of some conditions. */
#ifndef MB_CONTAINER_AWAIT_H
#define MB_CONTAINER_AWAIT_H

#include <stdint.h>

struct mb_container;
struct mb_err;

enum {
	MB_AWAIT_CREATED = 1,
	MB_AWAIT_RUNNING = 2,
	MB_AWAIT_ENDED = 4, /* it does not run */
	MB_AWAIT_PAUSED = 8,
	MB_AWAIT_HEALTHY = 16,
	MB_AWAIT_UNHEALTHY = 32,
	MB_AWAIT_REMOVED = 64,
};

/* podman's words: "exited", "healthy"...; many with commas between.  Bits are added to @conditions.
 * Return: 0 or -EINVAL, told. */
int mb_container_await_parse(const char *words, unsigned *conditions, struct mb_err *err);

enum { MB_AWAIT_TIMEOUT = 1, MB_AWAIT_NEVER };

/* Whoever changes a container tells the log of events, which wakes us; nothing is locked.
 * @timeout: nanoseconds; negative: none.  *@ret_met: the condition; *@ret_code: the exit code with
 * MB_AWAIT_ENDED, where it is known, else -1.
 * Return: 0; MB_AWAIT_TIMEOUT, told; MB_AWAIT_NEVER, told: it has ended, now or before, and nothing
 * but its health was waited for, and *@ret_code is its exit code; -ENOENT, told: it was removed; or
 * another -errno. */
int mb_container_await(struct mb_container *c, unsigned conditions, int64_t timeout,
                       unsigned *ret_met, int *ret_code, struct mb_err *err);

#endif
