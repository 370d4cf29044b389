/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"

enum {
	TRIES_AT_ONCE = 128,
	TRIES_MAX = TRIES_AT_ONCE + 200, /* the rest with a rest in between */
	LINKS_MAX = 40,
};
static const struct timespec a_rest = {.tv_nsec = 1000000};

#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
/* One name, taken literally. */
#define ONE_NAME (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

int mb_sys_path_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve,
                        int *ret_fd)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
		.resolve = resolve,
	};

	for (int tries = 0;;) {
		long fd = syscall(SYS_openat2, dirfd, path[0] ? path : ".", &how, sizeof(how));

		if (fd >= 0) {
			*ret_fd = (int)fd;
			return 0;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN || ++tries >= TRIES_MAX)
			return -errno;
		if (tries > TRIES_AT_ONCE)
			(void)nanosleep(&a_rest, NULL);
	}
}

int mb_sys_path_open(int rootfd, const char *path, int flags, int *ret_fd, struct mb_err *err)
{
	int r = mb_sys_path_openat2(rootfd, path, flags & ~O_CREAT, 0, IN_ROOT, ret_fd);

	return r < 0 ? mb_fail_sys(err, -r, "cannot open '%s'", path) : 0;
}

char *mb_sys_path_of_fd(int fd, char buf[MB_SYS_PATH_FD_TEXT])
{
	snprintf(buf, MB_SYS_PATH_FD_TEXT, "/proc/self/fd/%d", fd);
	return buf;
}

/* The text of the link @name ("" = @fd itself).  Return: 0 or -errno, nothing told. */
static int link_text(int fd, const char *name, char **ret)
{
	MB_AUTO_FREE char *text = mb_malloc(PATH_MAX);
	ssize_t n = readlinkat(fd, name, text, PATH_MAX);

	if (n < 0)
		return -errno;
	if (n == 0 || n >= PATH_MAX)
		return n ? -ENAMETOOLONG : -ENOENT;
	text[n] = '\0';
	*ret = mb_take_ptr(&text);
	return 0;
}

int mb_sys_path_readlink(int rootfd, const char *path, char **ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_sys_path_openat2(rootfd, path, O_PATH | O_NOFOLLOW, 0, IN_ROOT, &fd);
	struct stat st;

	if (r == 0)
		r = fstat(fd, &st) < 0 ? -errno : S_ISLNK(st.st_mode) ? 0 : -EINVAL;
	if (r == 0)
		r = link_text(fd, "", ret);
	return r < 0 ? mb_fail_sys(err, -r, "cannot read link '%s'", path) : 0;
}

/* ---- making what is missing ---- */

/* umask(2) must not have a say: modes of mount targets are part of what the user sees. */
static int make_dir(int dirfd, const char *name, mode_t mode)
{
	mode_t old = umask(0);
	int r = mkdirat(dirfd, name, mode) < 0 ? -errno : 0;

	umask(old);
	return r;
}

static int make_file(int dirfd, const char *name, mode_t mode, int *ret_fd)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	mode_t old = umask(0);
	int fd = openat(dirfd, name, flags, mode);
	int r = fd < 0 ? -errno : 0;

	umask(old);
	if (r == 0)
		*ret_fd = fd;
	return r;
}

static bool is_dotdot(const char *name, size_t n)
{
	return n == 2 && name[0] == '.' && name[1] == '.';
}

/* A walk down a path, making what is missing.  Up to the first missing name the kernel resolves
 * each prefix from the root; what comes after was made by us and is taken name by name. */
struct walk {
	int rootfd;
	mode_t mode;
	char *path; /* owned; changes when a dangling link is followed */
	size_t at;  /* the current name begins here */
	size_t len; /* of the current name */
	int dir;    /* owned; what is before the name */
	bool made;  /* dir is ours */
	int links;  /* dangling ones followed so far */
};

static void walk_done(struct walk *w)
{
	free(w->path);
	mb_close(&w->dir);
}

static int walk_restart(struct walk *w, char *path)
{
	MB_AUTO_FREE char *owned = path;
	int r;

	mb_close(&w->dir);
	w->at = w->len = 0;
	w->made = false;
	r = mb_sys_path_openat2(w->rootfd, ".", O_PATH | O_DIRECTORY, 0, IN_ROOT, &w->dir);
	if (r == 0) {
		free(w->path);
		w->path = mb_take_ptr(&owned);
	}
	return r;
}

/* Set the next name.  Return: false at the end. */
static bool walk_next(struct walk *w)
{
	const char *s = w->path + w->at + w->len;

	s += strspn(s, "/");
	w->at = (size_t)(s - w->path);
	w->len = strcspn(s, "/");
	return w->len > 0;
}

/* The name is there, but leads to nothing: a dangling link, or someone else was quicker.
 * Put the link's text in its place and begin anew; the kernel still has the last word. */
static int walk_redirect(struct walk *w, const char *name)
{
	MB_AUTO_FREE char *target = NULL;
	const char *rest = w->path + w->at + w->len;
	int r;

	if (++w->links > LINKS_MAX)
		return -ELOOP;
	r = link_text(w->dir, name, &target);
	if (r == -EINVAL || r == -ENOENT) /* not a link (any more): look again */
		return walk_restart(w, mb_strdup(w->path));
	if (r < 0)
		return r;
	if (target[0] == '/')
		return walk_restart(w, mb_asprintf("%s/%s", target, rest));
	return walk_restart(w, mb_asprintf("%.*s/%s/%s", (int)w->at, w->path, target, rest));
}

static int walk_make(struct walk *w, const char *name)
{
	int fd = -1, r;

	if (is_dotdot(name, w->len))
		return -EINVAL;
	r = make_dir(w->dir, name, w->mode);
	if (r == -EEXIST && !w->made)
		return walk_redirect(w, name);
	if (r < 0 && r != -EEXIST)
		return r;
	r = mb_sys_path_openat2(w->dir, name, O_PATH | O_DIRECTORY, 0, ONE_NAME, &fd);
	if (r < 0)
		return r;
	mb_close(&w->dir);
	w->dir = fd;
	w->made = true;
	return 0;
}

static int walk_step(struct walk *w)
{
	MB_AUTO_FREE char *name = mb_strndup(w->path + w->at, w->len);
	MB_AUTO_FREE char *prefix = NULL;
	int fd = -1, r;

	if (w->made) {
		if (is_dotdot(name, w->len))
			return -EINVAL;
		r = mb_sys_path_openat2(w->dir, name, O_PATH | O_DIRECTORY, 0, ONE_NAME, &fd);
	} else {
		prefix = mb_strndup(w->path, w->at + w->len);
		r = mb_sys_path_openat2(w->rootfd, prefix, O_PATH | O_DIRECTORY, 0, IN_ROOT, &fd);
	}
	if (r == -ENOENT)
		return walk_make(w, name);
	if (r < 0)
		return r;
	mb_close(&w->dir);
	w->dir = fd;
	return 0;
}

static int walk_all(struct walk *w, const char *path)
{
	int r = walk_restart(w, mb_strdup(path));

	while (r == 0 && walk_next(w))
		r = walk_step(w);
	return r;
}

/* mkdir -p without a word.  *@links counts over several calls. */
static int make_dirs(int rootfd, const char *path, mode_t mode, int *links, int *ret_fd)
{
	struct walk w = {.rootfd = rootfd, .mode = mode, .dir = -1, .links = *links};
	int fd, r;

	r = mb_sys_path_openat2(rootfd, path, O_PATH | O_DIRECTORY, 0, IN_ROOT, &fd);
	if (r == -ENOENT) {
		r = walk_all(&w, path);
		fd = mb_take_fd(&w.dir);
		*links = w.links;
		if (r < 0)
			mb_close(&fd);
		walk_done(&w);
	}
	if (r == 0)
		*ret_fd = fd;
	return r;
}

/* Where the last name of @path begins, and its length; trailing slashes aside. */
static size_t leaf_of(const char *path, size_t *ret_len)
{
	size_t end = strlen(path), start;

	while (end > 0 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/';)
		start--;
	*ret_len = end - start;
	return start;
}

int mb_sys_path_mkdirs(int rootfd, const char *path, mode_t mode, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	size_t len, leaf = leaf_of(path, &len);
	int links = 0, r;

	if (is_dotdot(path + leaf, len))
		return mb_fail(err, EINVAL, "cannot make directory '%s': it ends in '..'", path);
	r = make_dirs(rootfd, path, mode, &links, &fd);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot make directory '%s'", path);
	if (ret_fd)
		*ret_fd = mb_take_fd(&fd);
	return 0;
}

enum { AGAIN = 1 }; /* the path changed under us, or *path was replaced */

/* What @name in @dir is now, O_PATH; no directory, no link. */
static int hold_file(int dir, const char *name, int *ret_fd)
{
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r = mb_sys_path_openat2(dir, name, O_PATH | O_NOFOLLOW, 0, ONE_NAME, &fd);

	if (r < 0)
		return r == -ENOENT || r == -ELOOP ? AGAIN : r;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISLNK(st.st_mode))
		return AGAIN;
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

/* *@path led to nothing: make the file, or replace *@path when its last name is a link. */
static int touch_missing(int rootfd, char **path, mode_t mode, int *links, int *ret_fd)
{
	MB_AUTO_CLOSE int dir = -1, made = -1;
	MB_AUTO_FREE char *parent = NULL, *name = NULL, *target = NULL;
	size_t len, leaf = leaf_of(*path, &len);
	char *next;
	int r;

	parent = mb_strndup(*path, leaf);
	name = mb_strndup(*path + leaf, len);
	r = make_dirs(rootfd, parent, 0755, links, &dir);
	if (r < 0)
		return r;
	r = make_file(dir, name, mode, &made);
	if (r == 0)
		return hold_file(dir, name, ret_fd);
	if (r != -EEXIST)
		return r;
	r = link_text(dir, name, &target);
	if (r < 0)
		return r == -EINVAL || r == -ENOENT ? AGAIN : r;
	next = target[0] == '/' ? mb_strdup(target) : mb_asprintf("%s/%s", parent, target);
	free(*path);
	*path = next;
	return AGAIN;
}

static int touch(int rootfd, char **path, mode_t mode, int *ret_fd)
{
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;
	int links = 0, r;

	do {
		size_t len, leaf = leaf_of(*path, &len);

		if (len == 0 || is_dotdot(*path + leaf, len) || mb_streq(*path + leaf, "."))
			return -EISDIR;
		r = mb_sys_path_openat2(rootfd, *path, O_PATH, 0, IN_ROOT, &fd);
		if (r == -ENOENT)
			r = touch_missing(rootfd, path, mode, &links, &fd);
	} while (r == AGAIN && ++links <= LINKS_MAX);
	if (r != 0)
		return r == AGAIN ? -ELOOP : r;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

int mb_sys_path_touch(int rootfd, const char *path, mode_t mode, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_FREE char *now = mb_strdup(path);
	int r = touch(rootfd, &now, mode, ret_fd);

	return r < 0 ? mb_fail_sys(err, -r, "cannot make file '%s'", path) : 0;
}

/* ---- reading ---- */

int mb_sys_path_reopen(int fd, int flags, int *ret_fd, struct mb_err *err)
{
	char text[MB_SYS_PATH_FD_TEXT];
	MB_AUTO_CLOSE int again = -1;
	struct stat before, after;

	again = open(mb_sys_path_of_fd(fd, text), (flags & ~O_NOFOLLOW) | O_CLOEXEC);
	if (again < 0)
		return mb_fail_sys(err, errno, "cannot open descriptor %d again", fd);
	if (fstat(fd, &before) < 0 || fstat(again, &after) < 0)
		return mb_fail_sys(err, errno, "cannot stat descriptor %d", fd);
	if (before.st_dev != after.st_dev || before.st_ino != after.st_ino)
		return mb_fail(err, EXDEV, "cannot open descriptor %d again: /proc lies", fd);
	*ret_fd = mb_take_fd(&again);
	return 0;
}

int mb_sys_path_read(int rootfd, const char *path, size_t limit, struct mb_str *out,
                     struct mb_err *err)
{
	MB_AUTO_CLOSE int held = -1, fd = -1;
	struct stat st;
	int r = mb_sys_path_open(rootfd, path, O_PATH, &held, err);

	if (r < 0)
		return r;
	/* O_PATH first: the mere opening of a device can do things. */
	if (fstat(held, &st) < 0)
		return mb_fail_sys(err, errno, "cannot stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return mb_fail(err, EINVAL, "cannot read '%s': not a regular file", path);
	if (st.st_size > 0 && (uintmax_t)st.st_size > limit)
		return mb_fail(err, EFBIG, "cannot read '%s': larger than %zu bytes", path, limit);
	r = mb_sys_path_reopen(held, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, err);
	if (r == 0)
		r = mb_read_fd(fd, limit, out, err);
	return r < 0 ? mb_wrap(err, r, "cannot read '%s'", path) : 0;
}

int mb_sys_path_check_cwd(struct mb_err *err)
{
	char buf[PATH_MAX];

	/* The system call itself: glibc hides what lies outside behind ENOENT or a slow walk. */
	if (syscall(SYS_getcwd, buf, sizeof(buf)) < 0 && errno != ERANGE)
		return mb_fail_sys(err, EXDEV, "the working directory is gone");
	if (buf[0] != '/')
		return mb_fail(err, EXDEV, "the working directory is outside of the root");
	return 0;
}

char *mb_sys_path_clean(const char *path)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	for (const char *s = path; *s;) {
		size_t n = strcspn(s, "/");

		if (is_dotdot(s, n)) {
			while (out.len > 0 && out.buf[--out.len] != '/')
				;
			if (out.buf)
				out.buf[out.len] = '\0';
		} else if (n > 1 || (n == 1 && *s != '.')) {
			mb_str_addc(&out, '/');
			mb_str_addn(&out, s, n);
		}
		s += n;
		s += strspn(s, "/");
	}
	if (out.len == 0)
		mb_str_addc(&out, '/');
	return mb_str_take(&out);
}
