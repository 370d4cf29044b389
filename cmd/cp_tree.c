/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cp_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/content.h"
#include "build/place.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/path.h"

enum { LINKS_MAX = 40 };

static bool is_dots(const char *name)
{
	return !*name || mb_streq(name, ".") || mb_streq(name, "..");
}

/* "/a/b/" into "/a" and "b". */
static void split(const char *path, char **ret_parent, char **ret_base)
{
	char *text = mb_strdup(path), *slash;
	size_t n = strlen(text);

	while (n > 1 && text[n - 1] == '/')
		text[--n] = '\0';
	slash = strrchr(text, '/');
	*ret_base = mb_strdup(slash + 1);
	slash[slash == text] = '\0';
	*ret_parent = text;
}

static int tell_absent(const struct mb_cmd_cp_end *end, const char *path, int r, struct mb_err *err)
{
	if (!end->container)
		return mb_fail_sys(err, -r, "cannot open '%s'", path);
	if (r == -ENOENT)
		return mb_fail(err, ENOENT, "Could not find the file %s in container %s", path,
		               end->container);
	return mb_fail_sys(err, -r, "cannot open '%s' in container %s", path, end->container);
}

const char *mb_cmd_cp_colon(const char *text)
{
	return *text == '/' || *text == '.' || mb_streq(text, "-") ? NULL : strchr(text, ':');
}

char *mb_cmd_cp_absolute(const char *path)
{
	MB_AUTO_FREE char *cwd = *path == '/' ? mb_strdup("") : getcwd(NULL, 0);

	return cwd ? mb_asprintf("%s%s%s", cwd, *path == '/' ? "" : "/", path) : NULL;
}

/* --- sources ---------------------------------------------------------------------------------- */

void mb_cmd_cp_source_done(struct mb_cmd_cp_source *s)
{
	mb_close(&s->fd);
	free(s->name);
	*s = (struct mb_cmd_cp_source){.fd = -1};
}

/* The last part itself, link or not. */
static int open_itself(int root, const char *parent, const char *base, int *ret_fd)
{
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_sys_path_open(root, parent, O_PATH | O_DIRECTORY, &dir, NULL);

	if (r < 0)
		return r;
	*ret_fd = openat(dir, base, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

int mb_cmd_cp_source_open(const struct mb_cmd_cp_end *end, bool follow,
                          struct mb_cmd_cp_source *ret, struct mb_err *err)
{
	struct mb_cmd_cp_source s = {.fd = -1};
	MB_AUTO_FREE char *parent = NULL, *base = NULL, *clean = mb_sys_path_clean(end->path);
	const char *slash = strrchr(clean, '/');
	int r;

	split(end->path, &parent, &base);
	if (follow || is_dots(base) || mb_ends_with(end->path, "/"))
		r = mb_sys_path_open(end->root_fd, end->path, O_PATH, &s.fd, NULL);
	else
		r = open_itself(end->root_fd, parent, base, &s.fd);
	if (r == 0 && fstat(s.fd, &s.st) < 0)
		r = -errno;
	if (r < 0) {
		mb_close(&s.fd);
		return tell_absent(end, end->path, r, err);
	}
	s.content = mb_streq(base, ".");
	s.name = mb_strdup(slash[1] && !s.content ? slash + 1 : ".");
	*ret = s;
	return 0;
}

/* --- destinations ----------------------------------------------------------------------------- */

/* Where @path is or would be, with every link followed: a directory, O_PATH, and a name in it that
 * is no link now.  Return: 0 or -errno, nothing told. */
static int resolve(int root, const char *path, int *ret_dir, char **ret_name)
{
	MB_AUTO_FREE char *now = mb_strdup(path);

	for (int i = 0; i < LINKS_MAX; i++) {
		MB_AUTO_FREE char *parent = NULL, *base = NULL;
		MB_AUTO_CLOSE int dir = -1;
		char target[4097];
		ssize_t n;
		int r;

		split(now, &parent, &base);
		if (is_dots(base))
			return -EISDIR;
		r = mb_sys_path_open(root, parent, O_PATH | O_DIRECTORY, &dir, NULL);
		if (r < 0)
			return r;
		n = readlinkat(dir, base, target, sizeof(target) - 1);
		if (n < 0) {
			*ret_dir = mb_take_fd(&dir);
			*ret_name = mb_take_ptr(&base);
			return 0;
		}
		target[n] = '\0';
		free(now);
		now = *target == '/' ? mb_strdup(target) : mb_asprintf("%s/%s", parent, target);
	}
	return -ELOOP;
}

static int tell_no_parent(const struct mb_cmd_cp_end *to, int r, struct mb_err *err)
{
	MB_AUTO_FREE char *parent = NULL, *base = NULL;

	split(to->path, &parent, &base);
	if (!to->container && (r == -ENOENT || r == -ENOTDIR))
		return mb_fail(err, -r, "invalid output path: directory \"%s\" does not exist",
		               parent);
	return tell_absent(to, parent, r, err);
}

struct copying {
	const struct mb_cmd_cp_source *source;
	const struct mb_cmd_cp_end *to;
	const struct mb_build_place *place;
	struct mb_build_root root;
	struct mb_build_item item;
};

static int put(const struct copying *c, int dir, const char *name, bool is_new, struct mb_err *err)
{
	return mb_build_place_item(c->place, &c->root, &c->item, dir, name, is_new, err);
}

/* The directory under a name, made if need be. */
static int put_directory(const struct copying *c, int dir, const char *name, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;

	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return mb_fail_sys(err, errno, "cannot make the directory '%s'", name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return mb_fail(err, ENOTDIR, "cannot overwrite non-directory '%s' with a directory",
		               name);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open the directory '%s'", name);
	return put(c, fd, NULL, true, err);
}

static int put_new(const struct copying *c, struct mb_err *err)
{
	bool is_dir = S_ISDIR(c->source->st.st_mode);
	MB_AUTO_FREE char *name = NULL;
	MB_AUTO_CLOSE int dir = -1;
	struct stat st;
	int r = resolve(c->to->root_fd, c->to->path, &dir, &name);

	if (r < 0)
		return tell_no_parent(c->to, r, err);
	if (is_dir && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
		return mb_fail(err, ENOTDIR, "cannot copy directory");
	if (!is_dir && mb_ends_with(c->to->path, "/"))
		return mb_fail(err, ENOENT, "no such directory");
	return is_dir ? put_directory(c, dir, name, err) : put(c, dir, name, true, err);
}

int mb_cmd_cp_tree(const struct mb_cmd_cp_source *source, const struct mb_cmd_cp_end *to,
                   const struct mb_build_place *place, struct mb_err *err)
{
	const struct copying c = {
		.source = source,
		.to = to,
		.place = place,
		.root = {.fd = source->fd},
		.item = {.fd = source->fd,
	                 .st = source->st,
	                 .path = (char[]){""},
	                 .name = source->name},
	};
	bool is_dir = S_ISDIR(source->st.st_mode);
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_sys_path_open(to->root_fd, to->path, O_RDONLY | O_DIRECTORY, &dir, NULL);

	if (r == -ENOENT || r == -ENOTDIR)
		return put_new(&c, err);
	if (r < 0)
		return tell_absent(to, to->path, r, err);
	if (!is_dir)
		return put(&c, dir, source->name, true, err);
	if (source->content || mb_streq(source->name, "."))
		return put(&c, dir, NULL, false, err);
	return put_directory(&c, dir, source->name, err);
}

int mb_cmd_cp_directory(const struct mb_cmd_cp_end *to, int *ret_fd, struct mb_err *err)
{
	int r = mb_sys_path_open(to->root_fd, to->path, O_RDONLY | O_DIRECTORY, ret_fd, NULL);

	if (r == -ENOTDIR)
		return mb_fail(err, ENOTDIR, "destination \"%s:%s\" must be a directory",
		               to->container, to->path);
	return r < 0 ? tell_absent(to, to->path, r, err) : 0;
}
