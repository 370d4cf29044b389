/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/systemd/quadlet.h — podman's .container, .volume and .network files become services. */
#ifndef MB_SYSTEMD_QUADLET_H
#define MB_SYSTEMD_QUADLET_H

#include <stdbool.h>
#include <stddef.h>

#include "core/str.h"
#include "core/strv.h"

struct mb_err;

struct mb_systemd_quadlet {
	const char *path;    /* "/etc/mybox/systemd/web.container": its name says what it is */
	const char *program; /* "/usr/bin/mybox" */
	/* The text of the file of that name, which this one names; NULL: it is not there.  Owned by
	 * who asks. */
	char *(*read)(void *arg, const char *name);
	void *arg;
};

struct mb_systemd_quadlet_made {
	struct mb_str unit;
	struct mb_strv links; /* what is to want or require it: "multi-user.target.wants" */
	char *service;        /* its name: "web.service", "data-volume.service" */
};
void mb_systemd_quadlet_made_done(struct mb_systemd_quadlet_made *made);

bool mb_systemd_quadlet_is_one(const char *name);
/* What the file says (@n bytes).  Keys that are not known are told by name.  @ret is empty before,
 * and to be freed whatever comes of it.  Return: 0 or -EINVAL, told. */
int mb_systemd_quadlet_make(const struct mb_systemd_quadlet *q, const char *text, size_t n,
                            struct mb_systemd_quadlet_made *ret, struct mb_err *err);

#endif
