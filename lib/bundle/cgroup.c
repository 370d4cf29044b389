/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which control group a container gets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/err.h"
#include "core/str.h"
#include "sys/path.h"

int mb_bundle_cgroup_path(const char *asked, const char *id, char **ret, struct mb_err *err)
{
	if (!asked || !asked[0])
		return mb_sys_cgroup_path_make(NULL, id, ret, err);
	for (const char *p = asked; (p = strstr(p, "..")); p += 2)
		if ((p == asked || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return mb_fail(err, EINVAL, "'linux.cgroupsPath' must not have '..'");
	*ret = mb_sys_path_clean(asked);
	if (!mb_streq(*ret, "/"))
		return 0;
	free(*ret);
	return mb_fail(err, EINVAL, "'linux.cgroupsPath' cannot be the root");
}
