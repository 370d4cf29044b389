/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/nobody.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/id.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"

/* Above what people, directories of users and containers are given, below what is a negative number
 * to some: nobody hands these out. */
enum { DRAWN_FIRST = 0x78000000, DRAWN_MASK = 0x3ffffff };

bool mb_build_nobody_is_mapped(const char *text, uint32_t id)
{
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;

	mb_strv_split(&lines, text, '\n');
	MB_STRV_FOREACH (line, &lines) {
		MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
		uint32_t n[3] = {0};
		size_t found = 0;

		mb_strv_split(&words, line, ' ');
		for (size_t i = 0; i < words.n && found < MB_N(n); i++)
			if (*words.v[i] && mb_parse_u32(words.v[i], &n[found++]) < 0)
				return false;
		if (found == MB_N(n) && id >= n[0] && id - n[0] < n[2])
			return true;
	}
	return false;
}

/* In a user namespace that has none of those, whoever is in it is kept apart by that. */
static uint32_t draw(const char *map)
{
	char text[16384];
	uint32_t id;

	mb_random(&id, sizeof(id));
	id = DRAWN_FIRST + (id & DRAWN_MASK);
	return mb_read_kernel_file(AT_FDCWD, map, text, sizeof(text)) == 0 &&
	                       mb_build_nobody_is_mapped(text, id)
	               ? id
	               : MB_BUILD_NOBODY;
}

struct mb_build_nobody mb_build_nobody_draw(bool is_known)
{
	return (struct mb_build_nobody){is_known ? MB_BUILD_NOBODY : draw("/proc/self/uid_map"),
	                                draw("/proc/self/gid_map")};
}

/* The kernel starts no program that core_pattern names for a limit of 1, but does for 0. */
static int forbid_cores(void)
{
	const struct rlimit one = {1, 1}, none = {0, 0};

	return setrlimit(RLIMIT_CORE, &one) < 0 ? setrlimit(RLIMIT_CORE, &none) : 0;
}

int mb_build_nobody_become(const struct mb_build_nobody *who, struct mb_err *err)
{
	umask(022);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || forbid_cores() < 0 ||
	    setgroups(0, NULL) < 0 || setresgid(who->gid, who->gid, who->gid) < 0 ||
	    setresuid(who->uid, who->uid, who->uid) < 0)
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
