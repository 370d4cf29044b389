/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/update.h — change what a container may use and what it publishes, while it runs or
 * not. */
#ifndef MB_CONTAINER_UPDATE_H
#define MB_CONTAINER_UPDATE_H

#include "core/strv.h"

struct mb_container;
struct mb_container_host_config;
struct mb_err;

struct mb_container_update {
	/* Writes limits and restart policy ("on-failure:3") over the record's; NULL: none. */
	void (*change)(struct mb_container_host_config *host, void *arg);
	void *arg;
	struct mb_strv publish;   /* as -p */
	struct mb_strv unpublish; /* as -p had it, or "80", "80/udp": all that lead there */
};

/* Takes the container's lock.  Return: 0; or -errno, told: nothing has changed, but ports that came
 * or went before another failed. */
int mb_container_update(struct mb_container *c, const struct mb_container_update *update,
                        struct mb_err *err);

#endif
