/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/store/sweep.h — what a writer leaves that did not live to give its file the final name. */
#ifndef MB_STORE_SWEEP_H
#define MB_STORE_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

struct mb_err;
struct mb_store;

enum { MB_STORE_TEMPORARY_SIZE = 24 }; /* ".tmp-" and sixteen digits */

struct mb_store_check_request {
	bool repair;
	void (*finding)(void *arg, const char *subject, const char *problem, bool repaired);
	void *arg;
};
/* Unfinished documents anywhere in the store, and what is left of a former boot.  Whoever still
 * writes holds its lock and is let alone.  *@ret_left: how many findings were not repaired. */
int mb_store_check(struct mb_store *store, const struct mb_store_check_request *request,
                   size_t *ret_left, struct mb_err *err);

#endif
