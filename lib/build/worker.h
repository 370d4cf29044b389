/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/worker.h — a stage made by a process of its own, beside others.
 *
 * It is a fork of the build and dies with it.  What there is to see of it comes through a socket,
 * and at its end what the stage is.
 */
#ifndef MB_BUILD_WORKER_H
#define MB_BUILD_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct mb_build;
struct mb_build_stage;

struct mb_build_worker {
	struct mb_build_stage *stage;
	int sock, pidfd;
	unsigned *numbers; /* of its steps among all */
	size_t n_numbers;
	bool is_told; /* it said how it ended: */
	int r;        /* 0 or -errno */
	struct mb_err err;
};
#define MB_BUILD_WORKER_INIT ((struct mb_build_worker){.sock = -1, .pidfd = -1})

int mb_build_worker_start(struct mb_build *b, struct mb_build_stage *stage,
                          struct mb_build_worker *ret, struct mb_err *err);
/* Its socket is readable.  @is_canceled: whatever fails now, something else did before.
 * Return: 0: go on; 1: it has ended, .r and .err say how; -errno, told. */
int mb_build_worker_take(struct mb_build *b, struct mb_build_worker *worker, bool is_canceled,
                         struct mb_err *err);
/* Ask it to end. */
void mb_build_worker_stop(const struct mb_build_worker *worker);
/* Wait for its end. */
void mb_build_worker_done(struct mb_build_worker *worker);

#endif
