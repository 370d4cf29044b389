/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/usages.h — containers that are looked at again and again, for views that stay. */
#ifndef MB_CMD_USAGES_H
#define MB_CMD_USAGES_H

#include "container/container.h"
#include "container/usage.h"

struct mb_err;
struct mb_store;

struct mb_cmd_usages {
	struct mb_container_list list;      /* newest first, or as they were named */
	struct mb_container_usage **usages; /* of each of them */
	struct mb_sys_cgroup_host *host;    /* looked at once; NULL until then */
};
#define MB_AUTO_CMD_USAGES __attribute__((cleanup(mb_cmd_usages_done)))
void mb_cmd_usages_done(struct mb_cmd_usages *u);

/* Which containers there are now: @names, or none: those that run, or @all.  What was known of each
 * stays.  Return: 0, -ENOENT for a name, told; or -errno. */
int mb_cmd_usages_load(struct mb_cmd_usages *u, struct mb_store *store, char *const *names,
                       size_t n_names, bool all, struct mb_err *err);
/* Take a sample of each. */
void mb_cmd_usages_look(struct mb_cmd_usages *u);

#endif
