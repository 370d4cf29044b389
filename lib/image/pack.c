/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "image/entry.h"
#include "image/inodes.h"
#include "image/pack_xattr.h"
#include "image/tar.h"
#include "sys/path.h"
#include "sys/tree.h"

#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"

enum {
	OPEN_MAX = 32, /* directories that stay open; those above are opened again */
	COPY = 256 * 1024,
	MAX_TARGET = 4096,
};

/* A directory on the way from the root to what is at hand. */
struct level {
	int fd; /* -1: it has to be opened again */
	struct mb_strv names;
	size_t next;        /* of names */
	size_t path;        /* bytes of the path that are its own */
	struct mb_str held; /* its headers, which wait for something to be in it */
};

struct packing {
	const struct mb_image_pack *how;
	struct mb_image_packed *ret;
	struct level *levels;
	size_t n, room;
	struct mb_str path; /* of the entry at hand, "" the root */
	struct mb_str out;
	struct mb_image_inodes links; /* files with several names: the first of them */
	char *buffer;
	struct mb_str gathered; /* and not yet given */
};

static int fail(struct packing *p, int errnum, const char *what, struct mb_err *err)
{
	MB_AUTO_FREE char *shown = mb_printable(mb_str_text(&p->path));

	return mb_fail_sys(err, errnum, "cannot %s '/%.300s'", what, shown);
}

static int refuse(struct packing *p, int errnum, const char *why, struct mb_err *err)
{
	MB_AUTO_FREE char *shown = mb_printable(mb_str_text(&p->path));

	return mb_fail(err, errnum, "'/%.300s': %s", shown, why);
}

static int pass(struct packing *p, const void *bytes, size_t n, struct mb_err *err)
{
	int r = n ? p->how->give(p->how->arg, bytes, n) : 0;

	return r < 0 ? mb_fail_sys(err, -r, "cannot write the archive") : 0;
}

/* Small pieces are gathered, as they may have to go through a pipe. */
static int give(struct packing *p, const void *bytes, size_t n, struct mb_err *err)
{
	int r = 0;

	if (p->gathered.len + n > COPY) {
		r = pass(p, p->gathered.buf, p->gathered.len, err);
		mb_str_reset(&p->gathered);
	}
	if (r == 0 && n >= COPY)
		return pass(p, bytes, n, err);
	mb_str_addn(&p->gathered, bytes, n);
	return r;
}

/* What is in p->out, and before it the directories that waited for something to be in them. */
static int flush(struct packing *p, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && p->how->mount_points && i < p->n; i++) {
		struct mb_str *held = &p->levels[i].held;

		if (!held->len)
			continue;
		r = give(p, held->buf, held->len, err);
		mb_str_reset(held);
		p->ret->entries++;
	}
	if (r == 0)
		r = give(p, p->out.buf, p->out.len, err);
	p->ret->entries++;
	return r;
}

/* --- one entry -------------------------------------------------------------------------------- */

/* A zeroed entry with what every inode has. */
static struct mb_image_tar_entry describe(const struct packing *p, const struct stat *st,
                                          const struct mb_image_pack_xattrs *xattrs)
{
	return (struct mb_image_tar_entry){
		.path = mb_str_text(&p->path),
		.mode = st->st_mode & 07777,
		.uid = mb_image_pack_uid(p->how, st->st_uid),
		.gid = mb_image_pack_gid(p->how, st->st_gid),
		.mtime = st->st_mtim,
		.xattrs = xattrs ? xattrs->v : NULL,
		.n_xattrs = xattrs ? xattrs->n : 0,
	};
}

static void set_entry(struct packing *p, const struct mb_image_tar_entry *e)
{
	mb_str_reset(&p->out);
	mb_image_tar_add_entry(&p->out, e);
}

/* An empty file of the name that @name has in a layer: nothing but a word. */
static void add_word(struct mb_str *out, const char *directory, const char *prefix,
                     const char *name)
{
	MB_AUTO_FREE char *path =
		mb_asprintf("%s%s%s%s", directory, *directory ? "/" : "", prefix, name);
	const struct mb_image_tar_entry e = {.type = MB_IMAGE_TAR_FILE, .path = path};

	mb_image_tar_add_entry(out, &e);
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

static int pack_whiteout(struct packing *p, const char *name, struct mb_err *err)
{
	const struct level *at = &p->levels[p->n - 1];
	MB_AUTO_FREE char *directory = mb_strndup(mb_str_text(&p->path), at->path);

	mb_str_reset(&p->out);
	add_word(&p->out, directory, WHITEOUT, name);
	return flush(p, err);
}

/* Exactly @size bytes, as the header has said. */
static int copy(struct packing *p, int fd, uint64_t size, struct mb_err *err)
{
	uint64_t left = size;
	int r = 0;

	while (r == 0 && left) {
		size_t part = left < COPY ? (size_t)left : COPY;
		ssize_t n = read(fd, p->buffer, part);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(p, errno, "read", err);
		if (n == 0) {
			memset(p->buffer, 0, part);
			n = (ssize_t)part;
		}
		r = give(p, p->buffer, (size_t)n, err);
		left -= (uint64_t)n;
	}
	mb_str_reset(&p->out);
	mb_image_tar_add_padding(&p->out, size);
	return r == 0 ? give(p, p->out.buf, p->out.len, err) : r;
}

static int pack_content(struct packing *p, int held, struct mb_image_tar_entry *e,
                        struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r = mb_sys_path_reopen(held, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, NULL);

	if (r < 0)
		return fail(p, -r, "open", err);
	/* What is read now is what the header says, as far as it goes. */
	if (fstat(fd, &st) < 0)
		return fail(p, errno, "stat", err);
	e->size = (uint64_t)st.st_size;
	e->mtime = st.st_mtim;
	set_entry(p, e);
	p->ret->files++;
	p->ret->bytes += e->size;
	r = flush(p, err);
	return r == 0 ? copy(p, fd, e->size, err) : r;
}

/* Another name of what was packed already?  Then it is a link to the first. */
static bool is_link(struct packing *p, const struct stat *st, struct mb_image_tar_entry *e)
{
	const char *first;

	if (st->st_nlink < 2)
		return false;
	first = mb_image_inodes_first(&p->links, st->st_dev, st->st_ino, e->path);
	if (!first)
		return false;
	e->type = MB_IMAGE_TAR_HARDLINK;
	e->link = first;
	e->xattrs = NULL;
	e->n_xattrs = 0;
	return true;
}

static int pack_symlink(struct packing *p, int fd, struct mb_image_tar_entry *e, struct mb_err *err)
{
	char target[MAX_TARGET + 1];
	ssize_t n = readlinkat(fd, "", target, MAX_TARGET);

	if (n < 0)
		return fail(p, errno, "read", err);
	target[n] = '\0';
	e->type = MB_IMAGE_TAR_SYMLINK;
	e->link = target;
	set_entry(p, e);
	return flush(p, err);
}

/* Everything but directories, whiteouts and sockets. */
static int pack_other(struct packing *p, int fd, const struct stat *st, struct mb_err *err)
{
	struct mb_image_pack_xattrs xattrs = {0};
	int r = mb_image_pack_xattrs_load(p->how, fd, &xattrs, err);
	struct mb_image_tar_entry e = describe(p, st, &xattrs);

	if (r < 0) {
		MB_AUTO_FREE char *shown = mb_printable(e.path);

		return mb_wrap(err, r, "'/%.300s'", shown);
	}
	if (is_link(p, st, &e)) {
		set_entry(p, &e);
		r = flush(p, err);
	} else if (S_ISREG(st->st_mode)) {
		e.type = MB_IMAGE_TAR_FILE;
		r = pack_content(p, fd, &e, err);
	} else if (S_ISLNK(st->st_mode)) {
		r = pack_symlink(p, fd, &e, err);
	} else {
		e.type = S_ISFIFO(st->st_mode)  ? MB_IMAGE_TAR_FIFO
		         : S_ISCHR(st->st_mode) ? MB_IMAGE_TAR_CHAR
		                                : MB_IMAGE_TAR_BLOCK;
		e.device = S_ISFIFO(st->st_mode) ? 0 : st->st_rdev;
		set_entry(p, &e);
		r = flush(p, err);
	}
	mb_image_pack_xattrs_done(&xattrs);
	return r;
}

/* --- what a mount has left -------------------------------------------------------------------- */

/* Is the path at hand a mount point, or (@above) above one? */
static bool is_for_mount(const struct packing *p, bool above)
{
	const char *path = mb_str_text(&p->path);

	if (!p->how->mount_points)
		return false;
	MB_STRV_FOREACH (point, p->how->mount_points) {
		const char *rest = mb_skip_prefix(point, path);

		if (rest && (!*rest || (above && *rest == '/')))
			return true;
	}
	return false;
}

static bool is_below(const struct packing *p)
{
	MB_AUTO_CLOSE int fd = -1;

	return mb_sys_path_open(p->how->below_fd, mb_str_text(&p->path), O_PATH | O_NOFOLLOW, &fd,
	                        NULL) == 0;
}

static bool is_mount_file(const struct packing *p, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_size == 0 && is_for_mount(p, false) && !is_below(p);
}

/* --- directories ------------------------------------------------------------------------------ */

static int list(int fd, struct mb_strv *names)
{
	int r = mb_dir_names(fd, ".", names);

	mb_strv_sort(names);
	return r;
}

/* The headers of the directory at hand, into p->out. */
static int describe_dir(struct packing *p, int fd, const struct stat *st, struct mb_err *err)
{
	struct mb_image_pack_xattrs xattrs = {0};
	MB_AUTO_FREE char *path = mb_asprintf("%s/", p->path.len ? mb_str_text(&p->path) : ".");
	int r = mb_image_pack_xattrs_load(p->how, fd, &xattrs, err);
	struct mb_image_tar_entry e = describe(p, st, &xattrs);

	if (r < 0) {
		MB_AUTO_FREE char *shown = mb_printable(mb_str_text(&p->path));

		return mb_wrap(err, r, "'/%.300s'", shown);
	}
	e.type = MB_IMAGE_TAR_DIR;
	e.path = path;
	mb_str_reset(&p->out);
	if (p->path.len || p->how->layer || p->how->root)
		mb_image_tar_add_entry(&p->out, &e);
	if (xattrs.opaque)
		add_word(&p->out, mb_str_text(&p->path), OPAQUE, "");
	mb_image_pack_xattrs_done(&xattrs);
	return 0;
}

static struct level *push(struct packing *p)
{
	if (p->n == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->levels = mb_realloc(p->levels, p->room * sizeof(*p->levels));
	}
	if (p->n >= OPEN_MAX)
		mb_close(&p->levels[p->n - OPEN_MAX].fd);
	p->levels[p->n] = (struct level){.fd = -1, .path = p->path.len};
	return &p->levels[p->n++];
}

static void pop(struct packing *p)
{
	struct level *last = &p->levels[--p->n];

	mb_close(&last->fd);
	mb_strv_done(&last->names);
	mb_str_done(&last->held);
}

/* The directory at hand, @fd of it (ours), and after this what is in it. */
static int enter(struct packing *p, int fd, struct mb_err *err)
{
	struct level *level;
	struct stat st;
	bool held = p->path.len && is_for_mount(p, true);
	int r = fstat(fd, &st) < 0 ? fail(p, errno, "stat", err) : 0;

	if (r == 0)
		r = describe_dir(p, fd, &st, err);
	if (r == 0 && (!held || is_below(p)) && p->out.len) {
		r = flush(p, err);
		mb_str_reset(&p->out);
	}
	level = push(p);
	level->fd = fd;
	if (r < 0)
		return r;
	mb_str_addn(&level->held, p->out.buf, p->out.len);
	r = list(fd, &level->names);
	return r < 0 ? fail(p, -r, "list", err) : 0;
}

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -EXDEV;
}

/* --- the walk --------------------------------------------------------------------------------- */

static int pack_entry(struct packing *p, struct level *at, const char *name, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = openat(at->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r, dir = -1;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail(p, errno, "open", err);
	if (fstat(fd, &st) < 0)
		return fail(p, errno, "stat", err);
	if (p->how->layer && is_whiteout(&st))
		return pack_whiteout(p, name, err);
	if (p->how->layer && mb_starts_with(name, WHITEOUT))
		return refuse(p, EINVAL, "a name that means a deletion in a layer", err);
	if (S_ISSOCK(st.st_mode)) {
		if (p->how->tidy)
			unlinkat(at->fd, name, 0);
		return 0;
	}
	if (is_mount_file(p, &st))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return pack_other(p, fd, &st, err);
	r = mb_sys_tree_open(at->fd, name, &dir);
	if (r < 0)
		return is_gone(r) ? 0 : fail(p, -r, "open", err);
	return enter(p, dir, err);
}

static int reopen(struct packing *p, struct level *at, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_strndup(mb_str_text(&p->path), at->path);
	int r;

	if (at->fd >= 0)
		return 0;
	r = mb_sys_tree_open(p->how->root_fd, *path ? path : ".", &at->fd);
	if (r == 0)
		return 0;
	at->next = at->names.n;
	return is_gone(r) ? 0 : fail(p, -r, "open", err);
}

static void set_path(struct packing *p, size_t directory, const char *name)
{
	p->path.len = directory;
	if (directory)
		mb_str_addc(&p->path, '/');
	mb_str_add(&p->path, name);
}

static int walk(struct packing *p, struct mb_err *err)
{
	int r = 0;

	while (r == 0 && p->n) {
		struct level *at = &p->levels[p->n - 1];
		const char *name;

		r = reopen(p, at, err);
		if (r < 0 || at->next == at->names.n) {
			pop(p);
			continue;
		}
		name = at->names.v[at->next++];
		set_path(p, at->path, name);
		if (p->path.len >= MB_IMAGE_PATH)
			return refuse(p, ENAMETOOLONG, "a path longer than 4096 bytes", err);
		r = pack_entry(p, at, name, err);
	}
	return r;
}

static int pack(struct packing *p, struct mb_err *err)
{
	int fd = -1, r = mb_sys_path_reopen(p->how->root_fd, O_RDONLY | O_DIRECTORY, &fd, err);

	if (r == 0)
		r = enter(p, fd, err);
	if (r == 0)
		r = walk(p, err);
	if (r < 0)
		return r;
	mb_str_reset(&p->out);
	mb_image_tar_add_end(&p->out);
	r = give(p, p->out.buf, p->out.len, err);
	return r == 0 ? pass(p, p->gathered.buf, p->gathered.len, err) : r;
}

int mb_image_pack(const struct mb_image_pack *how, struct mb_image_packed *ret, struct mb_err *err)
{
	struct packing p = {.how = how, .ret = ret, .buffer = mb_malloc(COPY)};
	int r;

	*ret = (struct mb_image_packed){0};
	mb_str_add(&p.path, "");
	r = pack(&p, err);
	while (p.n)
		pop(&p);
	free(p.levels);
	free(p.buffer);
	mb_str_done(&p.path);
	mb_str_done(&p.out);
	mb_str_done(&p.gathered);
	mb_image_inodes_done(&p.links);
	return r;
}
