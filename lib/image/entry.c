/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/entry.h"

#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/str.h"

#define WHITEOUT ".wh."

/* Append one part to the path of @len bytes. */
static int push_part(char *path, size_t *len, const char *part, size_t n, struct mb_err *err)
{
	if (n > 255)
		return mb_fail(err, ENAMETOOLONG, "a part of the name is longer than 255 bytes");
	if (*len + n + 2 > MB_IMAGE_PATH)
		return mb_fail(err, ENAMETOOLONG, "the name is longer than %d bytes",
		               MB_IMAGE_PATH - 1);
	if (*len)
		path[(*len)++] = '/';
	memcpy(path + *len, part, n);
	*len += n;
	return 0;
}

static int pop_part(char *path, size_t *len, struct mb_err *err)
{
	const char *slash;

	if (*len == 0)
		return mb_fail(err, EINVAL, "the name leads out of the root");
	slash = memrchr(path, '/', *len);
	*len = slash ? (size_t)(slash - path) : 0;
	return 0;
}

int mb_image_entry_clean(const char *raw, struct mb_image_entry_name *ret, struct mb_err *err)
{
	char path[MB_IMAGE_PATH];
	size_t len = 0, dir = 0;
	const char *slash;

	for (const char *p = raw; *p;) {
		size_t n = strcspn(p, "/");
		int r = 0;

		if (n == 2 && p[0] == '.' && p[1] == '.')
			r = pop_part(path, &len, err);
		else if (n && !(n == 1 && p[0] == '.'))
			r = push_part(path, &len, p, n, err);
		if (r < 0)
			return r;
		p += n;
		p += *p == '/';
	}
	slash = memrchr(path, '/', len);
	if (slash)
		dir = (size_t)(slash - path);
	memcpy(ret->dir, path, dir);
	ret->dir[dir] = '\0';
	if (slash)
		dir++;
	memcpy(ret->leaf, path + dir, len - dir);
	ret->leaf[len - dir] = '\0';
	ret->kind = MB_IMAGE_ENTRY_PLAIN;
	return 0;
}

/* A whiteout has no inside. */
static int check_ancestors(struct mb_image_entry_name *name, struct mb_err *err)
{
	const char *part = name->dir;

	while (part) {
		if (mb_starts_with(part, WHITEOUT WHITEOUT)) {
			name->kind = MB_IMAGE_ENTRY_IGNORED;
			return 0;
		}
		if (mb_starts_with(part, WHITEOUT))
			return mb_fail(err, EINVAL, "the name lies inside of a whiteout");
		part = strchr(part, '/');
		part = part ? part + 1 : NULL;
	}
	return 0;
}

int mb_image_entry_parse(const char *raw, struct mb_image_entry_name *ret, struct mb_err *err)
{
	const char *hidden;
	int r = mb_image_entry_clean(raw, ret, err);

	if (r < 0)
		return r;
	r = check_ancestors(ret, err);
	if (r < 0 || ret->kind == MB_IMAGE_ENTRY_IGNORED)
		return r;
	hidden = mb_skip_prefix(ret->leaf, WHITEOUT);
	if (!hidden)
		return 0;
	if (strcmp(hidden, WHITEOUT ".opq") == 0) {
		ret->kind = MB_IMAGE_ENTRY_OPAQUE;
		return 0;
	}
	if (mb_starts_with(hidden, WHITEOUT)) {
		ret->kind = MB_IMAGE_ENTRY_IGNORED;
		return 0;
	}
	if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return mb_fail(err, EINVAL, "a whiteout of nothing");
	memmove(ret->leaf, hidden, strlen(hidden) + 1);
	ret->kind = MB_IMAGE_ENTRY_WHITEOUT;
	return 0;
}

bool mb_image_entry_xattr_is_kept(const char *name)
{
	if (mb_starts_with(name, "user."))
		return !mb_starts_with(name, "user.overlay.");
	if (mb_starts_with(name, "trusted."))
		return !mb_starts_with(name, "trusted.overlay.");
	return strcmp(name, "security.capability") == 0 ||
	       strcmp(name, "system.posix_acl_access") == 0 ||
	       strcmp(name, "system.posix_acl_default") == 0;
}

bool mb_image_entry_owner_is_valid(int64_t id)
{
	return id >= 0 && id < UINT32_MAX;
}
