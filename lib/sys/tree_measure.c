/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/path.h"
#include "sys/tree.h"

enum { STRIDE = 2048 }; /* bytes of a path that are resolved at once; a name has 255 at most */

struct seen {
	dev_t dev;
	ino_t ino;
};

struct measuring {
	int top;
	struct mb_strv left; /* directories to visit, by their paths below top; the last is next */
	char *last;          /* the one that was visited before, and a descriptor of it */
	int last_fd;
	struct seen *links; /* files with several names, sorted */
	size_t n_links, room;
	bool weighs;
	uint64_t bytes, limit;
};

static int open_dir(int fd, const char *path, uint64_t more, int *ret_fd)
{
	const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | more;

	return mb_sys_path_openat2(fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
	                           resolve, ret_fd);
}

/* In strides: a path may be longer than the kernel takes. */
static int open_strides(int top, const char *path, uint64_t more, int *ret_fd)
{
	MB_AUTO_CLOSE int at = -1;

	while (strlen(path) > STRIDE) {
		const char *slash = memrchr(path, '/', STRIDE);
		MB_AUTO_FREE char *part = mb_strndup(path, (size_t)(slash - path));
		int next = -1, r = open_dir(at < 0 ? top : at, part, more, &next);

		if (r < 0)
			return r;
		mb_close(&at);
		at = next;
		path = slash + 1;
	}
	return open_dir(at < 0 ? top : at, path, more, ret_fd);
}

int mb_sys_tree_open(int top, const char *path, int *ret_fd)
{
	return open_strides(top, path, RESOLVE_NO_XDEV, ret_fd);
}

int mb_sys_tree_open_across(int top, const char *path, int *ret_fd)
{
	return open_strides(top, path, 0, ret_fd);
}

/* Return: whether the file was met before, by another of its names. */
static bool is_known(struct measuring *m, const struct stat *st)
{
	const struct seen key = {st->st_dev, st->st_ino};
	size_t from = 0, to = m->n_links;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		const struct seen *s = &m->links[middle];

		if (s->dev == key.dev && s->ino == key.ino)
			return true;
		if (s->dev < key.dev || (s->dev == key.dev && s->ino < key.ino))
			from = middle + 1;
		else
			to = middle;
	}
	if (m->n_links == m->room) {
		m->room = m->room ? 2 * m->room : 64;
		m->links = mb_realloc(m->links, m->room * sizeof(*m->links));
	}
	memmove(m->links + from + 1, m->links + from, (m->n_links - from) * sizeof(*m->links));
	m->links[from] = key;
	m->n_links++;
	return false;
}

static uint64_t weight_of(const struct stat *st)
{
	uint64_t size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	uint64_t blocks = (uint64_t)st->st_blocks * 512, most = size > blocks ? size : blocks;

	return most > MB_SYS_TREE_ENTRY ? most : MB_SYS_TREE_ENTRY;
}

static void look_at(struct measuring *m, DIR *dir, const char *path, const char *name)
{
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISDIR(st.st_mode))
		mb_strv_addf(&m->left, "%s/%s", path, name);
	if (m->weighs && (S_ISDIR(st.st_mode) || st.st_nlink == 1 || !is_known(m, &st)))
		m->bytes += weight_of(&st);
	else if (!m->weighs && S_ISREG(st.st_mode) && (st.st_nlink == 1 || !is_known(m, &st)))
		m->bytes += (uint64_t)st.st_size;
}

/* Mostly the next is in the one before: then the way from the top is not walked again. */
static int open_next(struct measuring *m, const char *path, int *ret_fd)
{
	const char *rest = m->last ? mb_skip_prefix(path, m->last) : NULL;

	if (rest && *rest == '/')
		return open_dir(m->last_fd, rest + 1, RESOLVE_NO_XDEV, ret_fd);
	return mb_sys_tree_open(m->top, path, ret_fd);
}

static int visit(struct measuring *m, const char *path)
{
	struct dirent *entry;
	int fd = -1, r = open_next(m, path, &fd);
	DIR *dir;

	/* It went, or became something else, or something was mounted there. */
	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -EXDEV)
		return 0;
	if (r < 0)
		return r;
	dir = mb_dir_take(fd);
	if (!dir)
		return -errno;
	while (m->bytes <= m->limit && (entry = readdir(dir)))
		look_at(m, dir, path, entry->d_name);
	mb_close(&m->last_fd);
	m->last_fd = fcntl(dirfd(dir), F_DUPFD_CLOEXEC, 3);
	mb_strset(&m->last, m->last_fd < 0 ? NULL : path);
	closedir(dir);
	return 0;
}

static int measure(struct measuring *m, const char *name, uint64_t *bytes)
{
	int r = 0;

	mb_strv_add(&m->left, name);
	while (r == 0 && m->left.n && m->bytes <= m->limit) {
		MB_AUTO_FREE char *path = m->left.v[--m->left.n];

		m->left.v[m->left.n] = NULL;
		r = visit(m, path);
	}
	mb_close(&m->last_fd);
	free(m->last);
	mb_strv_done(&m->left);
	free(m->links);
	if (r == 0)
		*bytes += m->bytes;
	return r;
}

int mb_sys_tree_measure(int dirfd, const char *name, uint64_t *bytes)
{
	struct measuring m = {.top = dirfd, .last_fd = -1, .limit = UINT64_MAX};

	return measure(&m, name, bytes);
}

int mb_sys_tree_weigh(int dirfd, const char *name, uint64_t limit, uint64_t *bytes)
{
	struct measuring m = {.top = dirfd, .last_fd = -1, .weighs = true, .limit = limit};

	return measure(&m, name, bytes);
}
