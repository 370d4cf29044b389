/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/security.h — what --security-opt and --hardened ask, read in one place. */
#ifndef MB_CONTAINER_SECURITY_H
#define MB_CONTAINER_SECURITY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/strv.h"

struct mb_container_create_request;
struct mb_container_host_config;
struct mb_err;

enum mb_container_filter {
	MB_CONTAINER_FILTER_BUILTIN,
	MB_CONTAINER_FILTER_NONE,
	MB_CONTAINER_FILTER_PROFILE,
};

struct mb_container_security {
	bool no_new_privileges;
	enum mb_container_filter filter;
	const char *profile;  /* JSON text, or the path of one that create() has not read yet */
	const char *apparmor; /* a profile's name, or NULL */
	bool paths_unconfined;
	struct mb_strv masked, unmasked; /* absolute paths; patterns in @unmasked */
	struct mb_strv proc_options;     /* of the mount on /proc */
};
void mb_container_security_done(struct mb_container_security *security);
#define MB_AUTO_SECURITY __attribute__((cleanup(mb_container_security_done)))

/* Later options win over earlier ones.  Texts are borrowed from @host. */
int mb_container_security_read(const struct mb_container_host_config *host,
                               struct mb_container_security *ret, struct mb_err *err);

/* The capabilities of its processes: the default set with --cap-add and --cap-drop. */
int mb_container_caps_choose(const struct mb_container_host_config *host, uint64_t *ret_set,
                             struct mb_err *err);

/* At create: refuse what is wrong; capabilities get their names and order, a profile's file
 * becomes its content, so that what was checked is what is used at each start. */
int mb_container_security_check(struct mb_container_create_request *request, struct mb_err *err);

#endif
