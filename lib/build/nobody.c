/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/nobody.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"

int mb_build_nobody_become(struct mb_err *err)
{
	const struct rlimit none = {0, 0};

	umask(022);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
	    setgroups(0, NULL) < 0 ||
	    setresgid(MB_BUILD_NOBODY, MB_BUILD_NOBODY, MB_BUILD_NOBODY) < 0 ||
	    setresuid(MB_BUILD_NOBODY, MB_BUILD_NOBODY, MB_BUILD_NOBODY) < 0)
		return mb_fail_sys(err, errno, "cannot become nobody");
	return 0;
}

int mb_build_nobody_execute(const struct mb_strv *argv, const struct mb_strv *env,
                            const char *package, struct mb_err *err)
{
	static const char *const places[] = {"/usr/bin", "/usr/local/bin", "/bin"};

	for (size_t i = 0; i < MB_N(places); i++) {
		MB_AUTO_FREE char *path = mb_asprintf("%s/%s", places[i], argv->v[0]);

		execve(path, argv->v, env->v);
	}
	return mb_fail(err, ENOENT, "the program '%s' (package %s) is not here", argv->v[0],
	               package);
}
