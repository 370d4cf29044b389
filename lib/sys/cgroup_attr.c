/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "sys/cgroup_priv.h"

int mb_sys_cgroup_put(int fd, struct mb_err *err, const char *file, const char *fmt, ...)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	va_list ap;
	int r;

	va_start(ap, fmt);
	mb_str_addv(&text, fmt, ap);
	va_end(ap);
	r = mb_write_kernel_file(fd, file, mb_str_text(&text));
	if (r == -ENOENT)
		return mb_fail(err, EOPNOTSUPP, "this kernel's cgroups have no '%s'", file);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot write '%s' to '%s'", mb_str_text(&text), file);
	return 0;
}

bool mb_sys_cgroup_has_file(int fd, const char *file)
{
	struct stat st;

	return fstatat(fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int mb_sys_cgroup_get(int fd, const char *file, uint64_t *ret)
{
	char text[ATTR_TEXT];
	int r = mb_read_kernel_file(fd, file, text, sizeof(text));

	if (r < 0)
		return r;
	text[strcspn(text, " \n")] = '\0';
	if (mb_streq(text, "max") || mb_streq(text, "-1")) {
		*ret = UINT64_MAX;
		return 0;
	}
	return mb_parse_u64(text, ret);
}

bool mb_sys_cgroup_find(const char *text, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);

	for (const char *line = text; line && *line;
	     line = (line = strchr(line, '\n')) ? line + 1 : NULL) {
		char *end;
		unsigned long long value;

		if (strncmp(line, key, n) != 0 || line[n] != ' ')
			continue;
		errno = 0;
		value = strtoull(line + n + 1, &end, 10);
		if (errno || end == line + n + 1)
			return false;
		*ret = value;
		return true;
	}
	return false;
}
