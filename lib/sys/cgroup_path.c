/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "sys/cgroup_priv.h"

/* A component that is no ".", no "..", and moves no terminal. */
static bool component_is_valid(const char *s, size_t n)
{
	if (!n || n > NAME_MAX || (n == 1 && s[0] == '.') || (n == 2 && !memcmp(s, "..", 2)))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x21 || s[i] == 0x7f || s[i] == '/')
			return false;
	return true;
}

bool mb_sys_cgroup_path_is_valid(const char *path)
{
	if (path[0] != '/' || strlen(path) >= PATH_MAX / 2)
		return false;
	while (*path == '/') {
		size_t n = strcspn(++path, "/");

		if (!component_is_valid(path, n))
			return false;
		path += n;
	}
	return true;
}

/* "a-b.slice" is "/a.slice/a-b.slice" (systemd.slice(5)); "-.slice" is the root. */
static int slice_expand(const char *name, struct mb_str *out, struct mb_err *err)
{
	size_t n = strlen(name) - strlen(".slice");

	if (mb_streq(name, "-.slice"))
		return 0;
	if (!n || name[0] == '-' || name[n - 1] == '-' || strstr(name, "--"))
		return mb_fail(err, EINVAL, "invalid slice '%s'", name);
	for (size_t i = 1; i < n; i++) {
		if (name[i] != '-')
			continue;
		mb_str_addc(out, '/');
		mb_str_addn(out, name, i);
		mb_str_add(out, ".slice");
	}
	mb_str_addc(out, '/');
	mb_str_add(out, name);
	return 0;
}

/* Squeeze slashes: "a//b/" to "/a/b". */
static void path_clean(const char *s, struct mb_str *out)
{
	while (*s) {
		size_t n = strcspn(s, "/");

		if (n) {
			mb_str_addc(out, '/');
			mb_str_addn(out, s, n);
		}
		s += n + (s[n] == '/');
	}
}

static int parent_add(const char *parent, struct mb_str *out, struct mb_err *err)
{
	if (!parent || !*parent)
		parent = MB_SYS_CGROUP_PARENT;
	if (!strchr(parent, '/') && mb_ends_with(parent, ".slice"))
		return slice_expand(parent, out, err);
	path_clean(parent, out);
	return 0;
}

int mb_sys_cgroup_path_make(const char *parent, const char *name, char **ret_path,
                            struct mb_err *err)
{
	MB_AUTO_STR struct mb_str path = MB_STR_INIT;
	int r = parent_add(parent, &path, err);

	if (r < 0)
		return r;
	if (name) {
		mb_str_addc(&path, '/');
		mb_str_add(&path, name);
	}
	if (!mb_sys_cgroup_path_is_valid(mb_str_text(&path)))
		return mb_fail(err, EINVAL, "invalid cgroup path '%s'", mb_str_text(&path));
	*ret_path = mb_str_take(&path);
	return 0;
}
