/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/systemd/quadlet.h — podman's .container, .volume and .network files become services. */
#ifndef MB_SYSTEMD_QUADLET_H
#define MB_SYSTEMD_QUADLET_H

#include <stddef.h>

#include "core/strv.h"

struct mb_err;
struct mb_str;

struct mb_systemd_quadlet {
	const char *path;    /* "/etc/mybox/systemd/web.container": its name says what it is */
	const char *program; /* "/usr/bin/mybox" */
};

/* The service's name for a file's: "web.service", "data-volume.service".  Caller frees; NULL: it
 * is none of ours. */
char *mb_systemd_quadlet_service(const char *name);
/* The unit for what the file says (@n bytes), and the targets that are to want or require it
 * ("multi-user.target.wants").  Keys that are not known are told by name.
 * Return: 0 or -EINVAL, told. */
int mb_systemd_quadlet_make(const struct mb_systemd_quadlet *q, const char *text, size_t n,
                            struct mb_str *out, struct mb_strv *ret_links, struct mb_err *err);

#endif
