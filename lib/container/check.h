/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/check.h — what of containers the machine and the state do not agree on. */
#ifndef MB_CONTAINER_CHECK_H
#define MB_CONTAINER_CHECK_H

#include <stdbool.h>
#include <stddef.h>

struct mb_err;
struct mb_store;

struct mb_container_check {
	bool repair;
	/* One finding: what it is about, what is wrong, whether it was put right. */
	void (*finding)(void *arg, const char *subject, const char *problem, bool repaired);
	void *arg;
};
/* Looks at what no command holds a lock on.  Return: 0 and in *@ret_left how many findings
 * remain; or -errno, told. */
int mb_container_check(struct mb_store *store, const struct mb_container_check *how,
                       size_t *ret_left, struct mb_err *err);

#endif
