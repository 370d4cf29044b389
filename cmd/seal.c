/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/context.h"
#include "container/exe.h"
#include "core/err.h"
#include "core/own.h"
#include "sys/seal.h"

int mb_cmd_seal(struct mb_cmd_context *cx, struct mb_err *err)
{
	char exe[PATH_MAX];
	size_t n = 0;
	int r;

	if (!mb_sys_seal_is_sealed()) {
		r = mb_container_exe_path(exe, sizeof(exe), err);
		if (r < 0)
			return r;
		/* The copy cleans the caller's environment for itself, as we did. */
		clearenv();
		for (; cx->user_env && cx->user_env[n]; n++)
			putenv(mb_strdup(cx->user_env[n]));
		if (setenv("MYBOX_EXE", exe, 1) < 0)
			return mb_fail_sys(err, errno, "cannot set 'MYBOX_EXE'");
	}
	return mb_sys_seal_ensure(cx->argv, err);
}
