/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/diff.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "container/container.h"
#include "container/start_parts.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/tree.h"

struct comparing {
	int upper, image;    /* the container's own layer; a mount of what is below */
	struct mb_strv left; /* directories of the layer to visit, "." for the first */
	struct mb_container_changes *to;
};

static void add(struct comparing *d, char kind, const char *directory, const char *name)
{
	struct mb_container_changes *to = d->to;
	bool is_top = strcmp(directory, ".") == 0;

	if (to->n == to->room) {
		to->room = to->room ? 2 * to->room : 64;
		to->v = mb_realloc(to->v, to->room * sizeof(*to->v));
	}
	to->v[to->n++] = (struct mb_container_change){
		.kind = kind,
		.path = is_top ? mb_asprintf("/%s", name) : mb_asprintf("/%s/%s", directory, name),
	};
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* Does the directory hide what the image has in it?  Its parents may. */
static bool is_opaque(struct comparing *d, const char *path)
{
	MB_AUTO_FREE char *at = mb_strdup(path);

	for (;;) {
		MB_AUTO_CLOSE int fd = -1;
		char mark = 0, *slash = strrchr(at, '/');

		if (mb_sys_tree_open(d->upper, at, &fd) == 0 &&
		    fgetxattr(fd, "trusted.overlay.opaque", &mark, 1) == 1 && mark == 'y')
			return true;
		if (!slash)
			return false;
		*slash = '\0';
	}
}

/* @image_fd -1: the image has no such directory. */
static void look_at(struct comparing *d, const char *path, int fd, int image_fd, const char *name)
{
	struct stat st, before;
	bool was_there;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	was_there = image_fd >= 0 && fstatat(image_fd, name, &before, AT_SYMLINK_NOFOLLOW) == 0;
	if (is_whiteout(&st)) {
		if (was_there)
			add(d, 'D', path, name);
		return;
	}
	add(d, was_there ? 'C' : 'A', path, name);
	if (S_ISDIR(st.st_mode) && strcmp(path, ".") == 0)
		mb_strv_add(&d->left, name);
	else if (S_ISDIR(st.st_mode))
		mb_strv_addf(&d->left, "%s/%s", path, name);
}

/* What the image has and an opaque directory does not. */
static void add_hidden(struct comparing *d, const char *path, int fd, int image_fd)
{
	MB_AUTO_CLOSEDIR DIR *dir = mb_dir_open(image_fd, ".");
	const struct dirent *entry;
	struct stat st;

	while (dir && (entry = mb_dir_next(dir)))
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
			add(d, 'D', path, entry->d_name);
}

static int visit(struct comparing *d, const char *path)
{
	MB_AUTO_CLOSE int fd = -1, image_fd = -1;
	int r = mb_sys_tree_open(d->upper, path, &fd);
	const struct dirent *entry;
	DIR *dir;

	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		return 0; /* it went meanwhile */
	if (r < 0)
		return r;
	if (mb_sys_tree_open(d->image, path, &image_fd) < 0)
		image_fd = -1;
	dir = mb_dir_open(fd, ".");
	if (!dir)
		return -errno;
	while ((entry = mb_dir_next(dir)))
		look_at(d, path, fd, image_fd, entry->d_name);
	closedir(dir);
	if (image_fd >= 0 && is_opaque(d, path))
		add_hidden(d, path, fd, image_fd);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct mb_container_change *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int mb_container_diff(struct mb_container *c, struct mb_container_changes *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int upper = -1, image = -1;
	struct comparing d = {.to = ret};
	int r;

	*ret = (struct mb_container_changes){0};
	upper = openat(c->dir_fd, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0 && errno == ENOENT)
		return 0; /* it never ran */
	if (upper < 0)
		return mb_fail_sys(err, errno, "cannot open the layer of container '%s'",
		                   mb_container_name(c));
	r = mb_container_image_mount(c, &image, err);
	if (r < 0)
		return r;
	d.upper = upper;
	d.image = image;
	mb_strv_add(&d.left, ".");
	while (r == 0 && d.left.n) {
		MB_AUTO_FREE char *path = d.left.v[--d.left.n];

		d.left.v[d.left.n] = NULL;
		r = visit(&d, path);
	}
	mb_strv_done(&d.left);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot compare container '%s' with its image",
		                   mb_container_name(c));
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_path);
	return 0;
}

void mb_container_changes_done(struct mb_container_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		free(changes->v[i].path);
	free(changes->v);
	*changes = (struct mb_container_changes){0};
}
