/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/exe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/err.h"
#include "sys/seal.h"

int mb_container_exe_path(char *buf, size_t size, struct mb_err *err)
{
	/* A sealed copy has a path of its own; main() leaves the real one here. */
	const char *sealed_from = getenv("MYBOX_EXE");
	ssize_t n;

	if (sealed_from && sealed_from[0] == '/' && mb_sys_seal_is_sealed()) {
		if ((size_t)snprintf(buf, size, "%s", sealed_from) >= size)
			return mb_fail_sys(err, ENAMETOOLONG, "'%s'", sealed_from);
		return 0;
	}
	n = readlink("/proc/self/exe", buf, size);
	if (n < 0)
		return mb_fail_sys(err, errno, "cannot find the path of this program");
	if ((size_t)n >= size)
		return mb_fail_sys(err, ENAMETOOLONG, "the path of this program");
	buf[n] = '\0';
	return 0;
}
