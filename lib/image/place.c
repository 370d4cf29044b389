/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "sys/path.h"
#include "sys/tree.h"

#define OPAQUE      "trusted.overlay.opaque"
#define DEFAULT_ACL "system.posix_acl_default"

enum {
	DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
	IN_ROOT = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
};

void mb_image_place_init(struct mb_image_place *p, int root, bool bottom, int names_fd)
{
	*p = (struct mb_image_place){
		.root = root, .bottom = bottom, .names_fd = names_fd, .dir = -1};
}

static void forget_dir(struct mb_image_place *p)
{
	mb_close(&p->dir);
}

void mb_image_place_done(struct mb_image_place *p)
{
	forget_dir(p);
	for (size_t i = 0; i < p->n_late; i++) {
		free(p->late[i].path);
		free(p->late[i].acl);
	}
	free(p->late);
	for (size_t i = 0; i < p->n_implied; i++)
		free(p->implied[i]);
	free(p->implied);
	p->implied = NULL;
	p->n_implied = p->cap_implied = 0;
	p->late = NULL;
	p->n_late = p->cap_late = 0;
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static int mark_opaque(int fd, struct mb_err *err)
{
	if (fsetxattr(fd, OPAQUE, "y", 1, 0) < 0)
		return mb_fail_sys(err, errno, "cannot mark the directory opaque");
	return 0;
}

/* --- parents --------------------------------------------------------------------------------- */

/* What it is below this layer is looked up later, by its name. */
static void remember_implied(struct mb_image_place *p, const char *path)
{
	if (p->names_fd < 0)
		return;
	if (p->n_implied == p->cap_implied) {
		p->cap_implied = p->cap_implied ? 2 * p->cap_implied : 64;
		p->implied = mb_realloc(p->implied, p->cap_implied * sizeof(*p->implied));
	}
	p->implied[p->n_implied++] = mb_strdup(path);
}

/* Make one missing directory at @path (cleaned) below its parent, which exists. */
static int make_parent(struct mb_image_place *p, const char *path, struct mb_err *err)
{
	const char *slash = strrchr(path, '/'), *leaf = slash ? slash + 1 : path;
	MB_AUTO_FREE char *above = slash ? mb_strndup(path, (size_t)(slash - path)) : NULL;
	MB_AUTO_CLOSE int fd = -1, made = -1;
	bool covers = false;
	struct stat st;
	int r = mb_sys_path_openat2(p->root, above ? above : ".", DIR_FLAGS, 0, IN_ROOT, &fd);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot open '%s'", above ? above : "/");
	if (fstatat(fd, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!is_whiteout(&st))
			return mb_fail(err, ENOTDIR, "'%s' is in the way", path);
		unlinkat(fd, leaf, 0);
		covers = true;
	}
	if (mkdirat(fd, leaf, 0755) < 0)
		return mb_fail_sys(err, errno, "cannot create '%s'", path);
	if (!covers) {
		remember_implied(p, path);
		return 0;
	}
	made = openat(fd, leaf, DIR_FLAGS | O_NOFOLLOW);
	if (made < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", path);
	return mark_opaque(made, err);
}

/* Open @path in the root, its missing parts made. */
static int open_dir(struct mb_image_place *p, const char *path, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_FREE char *part = NULL;
	int r = mb_sys_path_openat2(p->root, *path ? path : ".", DIR_FLAGS, 0, IN_ROOT, ret_fd);

	if (r == 0)
		return 0;
	if (r != -ENOENT && r != -ENOTDIR)
		return mb_fail_sys(err, -r, "cannot open the directory '%s'", path);
	part = mb_strdup(path);
	for (char *s = part;; s++) {
		char c = *s;
		int fd = -1;

		if (c != '/' && c != '\0')
			continue;
		*s = '\0';
		r = mb_sys_path_openat2(p->root, part, DIR_FLAGS, 0, IN_ROOT, &fd);
		if (r == -ENOENT || r == -ENOTDIR) {
			r = make_parent(p, part, err);
			if (r < 0)
				return r;
		} else if (r < 0) {
			return mb_fail_sys(err, -r, "cannot open the directory '%s'", part);
		}
		mb_close(&fd);
		*s = c;
		if (!c)
			break;
	}
	r = mb_sys_path_openat2(p->root, path, DIR_FLAGS, 0, IN_ROOT, ret_fd);
	return r < 0 ? mb_fail_sys(err, -r, "cannot open the directory '%s'", path) : 0;
}

/* The directory of the last entry mostly is the one of the next. */
static int enter_dir(struct mb_image_place *p, const char *path, struct mb_err *err)
{
	int r;

	if (p->dir >= 0 && strcmp(p->dir_name, path) == 0)
		return 0;
	forget_dir(p);
	r = open_dir(p, path, &p->dir, err);
	if (r < 0)
		return r;
	memcpy(p->dir_name, path, strlen(path) + 1);
	return 0;
}

/* Clear the way: whatever has this name goes, except a directory for a directory.
 * @ret_covered: it was a whiteout. */
static int clear_leaf(struct mb_image_place *p, const char *leaf, bool *ret_covered,
                      struct mb_err *err)
{
	struct stat st;

	if (fstatat(p->dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
		                       : mb_fail_sys(err, errno, "cannot look at what is there");
	if (ret_covered)
		*ret_covered = is_whiteout(&st);
	if (S_ISDIR(st.st_mode)) {
		char keep[MB_IMAGE_PATH];
		int r = mb_sys_tree_remove(p->dir, leaf, err);

		/* The open directory itself may have been below; open it anew next time. */
		memcpy(keep, p->dir_name, strlen(p->dir_name) + 1);
		if (r < 0)
			return r;
		forget_dir(p);
		return enter_dir(p, keep, err);
	}
	if (unlinkat(p->dir, leaf, 0) < 0 && errno != ENOENT)
		return mb_fail_sys(err, errno, "cannot remove what was there");
	return 0;
}

static int enter(struct mb_image_place *p, const struct mb_image_entry_name *name,
                 struct mb_err *err)
{
	if (!name->leaf[0])
		return mb_fail(err, EISDIR, "the root must be a directory");
	return enter_dir(p, name->dir, err);
}

/* --- what every inode has -------------------------------------------------------------------- */

static bool may_be_lost(const char *name, int error)
{
	/* The file system has no user attributes, or not for this type of file. */
	return (error == ENOTSUP || error == EPERM) && strncmp(name, "user.", 5) == 0;
}

static int set_xattrs(int fd, const struct mb_image_meta *meta, bool directory, struct mb_err *err)
{
	for (size_t i = 0; i < meta->n_xattrs; i++) {
		const struct mb_image_xattr *x = &meta->xattrs[i];

		if (strcmp(x->name, DEFAULT_ACL) == 0 && directory)
			continue; /* at the end */
		if (fsetxattr(fd, x->name, x->value, x->n, 0) < 0 && !may_be_lost(x->name, errno))
			return mb_fail_sys(err, errno, "cannot set the attribute '%s'", x->name);
	}
	return 0;
}

/* Owner, then mode (chown takes setuid off), then attributes (chown takes capabilities off).  What
 * was made just now is root's already; a directory may be an older one.  That it gives its group to
 * what is made in it waits until all is there. */
static int settle(int fd, const struct mb_image_meta *meta, bool directory, struct mb_err *err)
{
	mode_t mode = directory ? meta->mode & (mode_t)~S_ISGID : meta->mode;

	if ((directory || meta->uid || meta->gid) && fchown(fd, meta->uid, meta->gid) < 0)
		return mb_fail_sys(err, errno, "cannot set the owner");
	if ((directory || (mode & 07000)) && fchmod(fd, mode) < 0)
		return mb_fail_sys(err, errno, "cannot set the mode");
	return set_xattrs(fd, meta, directory, err);
}

int mb_image_place_settle(int fd, const struct mb_image_meta *meta, struct mb_err *err)
{
	int r = settle(fd, meta, false, err);

	if (r == 0 && futimens(fd, meta->times) < 0)
		r = mb_fail_sys(err, errno, "cannot set the times");
	return r;
}

static int set_link_xattrs(struct mb_image_place *p, const char *leaf,
                           const struct mb_image_meta *meta, struct mb_err *err)
{
	if (!meta->n_xattrs)
		return 0;
	if (fchdir(p->dir) < 0)
		return mb_fail_sys(err, errno, "cannot enter the directory");
	for (size_t i = 0; i < meta->n_xattrs; i++) {
		const struct mb_image_xattr *x = &meta->xattrs[i];

		if (lsetxattr(leaf, x->name, x->value, x->n, 0) < 0 && !may_be_lost(x->name, errno))
			return mb_fail_sys(err, errno, "cannot set the attribute '%s'", x->name);
	}
	return 0;
}

static int settle_leaf(struct mb_image_place *p, const char *leaf, const struct mb_image_meta *meta,
                       struct mb_err *err)
{
	int r;

	if ((meta->uid || meta->gid) &&
	    fchownat(p->dir, leaf, meta->uid, meta->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return mb_fail_sys(err, errno, "cannot set the owner");
	r = set_link_xattrs(p, leaf, meta, err);
	if (r == 0 && utimensat(p->dir, leaf, meta->times, AT_SYMLINK_NOFOLLOW) < 0)
		r = mb_fail_sys(err, errno, "cannot set the times");
	return r;
}

/* --- directories ----------------------------------------------------------------------------- */

static void remember_late(struct mb_image_place *p, const struct mb_image_entry_name *name,
                          const struct mb_image_meta *meta)
{
	struct mb_image_late *late;

	p->gives_group |= (meta->mode & S_ISGID) != 0;
	if (p->n_late == p->cap_late) {
		p->cap_late = p->cap_late ? 2 * p->cap_late : 1024;
		p->late = mb_realloc(p->late, p->cap_late * sizeof(*p->late));
	}
	late = &p->late[p->n_late++];
	*late = (struct mb_image_late){
		.path = mb_asprintf("%s%s%s", name->dir, *name->dir ? "/" : "", name->leaf),
		.mode = meta->mode,
		.times = {meta->times[0], meta->times[1]},
	};
	for (size_t i = 0; i < meta->n_xattrs; i++) {
		const struct mb_image_xattr *x = &meta->xattrs[i];

		if (strcmp(x->name, DEFAULT_ACL) != 0 || !x->n)
			continue;
		free(late->acl);
		late->acl = mb_malloc(x->n);
		memcpy(late->acl, x->value, x->n);
		late->n_acl = x->n;
	}
}

static int make_dir(struct mb_image_place *p, const char *leaf, mode_t mode, int *ret_fd,
                    struct mb_err *err)
{
	bool covered = false;

	if (mkdirat(p->dir, leaf, mode & 0777) < 0) {
		struct stat st;
		int r;

		if (errno != EEXIST)
			return mb_fail_sys(err, errno, "cannot create the directory");
		if (fstatat(p->dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode)) {
			r = clear_leaf(p, leaf, &covered, err);
			if (r < 0)
				return r;
			if (mkdirat(p->dir, leaf, mode & 0777) < 0)
				return mb_fail_sys(err, errno, "cannot create the directory");
		}
	}
	*ret_fd = openat(p->dir, leaf, DIR_FLAGS | O_NOFOLLOW);
	if (*ret_fd < 0)
		return mb_fail_sys(err, errno, "cannot open the directory");
	return covered ? mark_opaque(*ret_fd, err) : 0;
}

int mb_image_place_dir(struct mb_image_place *p, const struct mb_image_entry_name *name,
                       const struct mb_image_meta *meta, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (!name->leaf[0]) {
		r = settle(p->root, meta, true, err);
		if (r == 0)
			remember_late(p, name, meta);
		return r;
	}
	r = enter(p, name, err);
	if (r == 0)
		r = make_dir(p, name->leaf, meta->mode, &fd, err);
	if (r == 0)
		r = settle(fd, meta, true, err);
	if (r < 0)
		return r;
	remember_late(p, name, meta);
	return 0;
}

/* --- everything else ------------------------------------------------------------------------- */

int mb_image_place_file(struct mb_image_place *p, const struct mb_image_entry_name *name,
                        const struct mb_image_meta *meta, int *ret_fd, struct mb_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int r = enter(p, name, err), fd;

	if (r < 0)
		return r;
	fd = openat(p->dir, name->leaf, flags, meta->mode & 0777);
	if (fd < 0 && errno == EEXIST) {
		r = clear_leaf(p, name->leaf, NULL, err);
		if (r < 0)
			return r;
		fd = openat(p->dir, name->leaf, flags, meta->mode & 0777);
	}
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot create the file");
	*ret_fd = fd;
	return 0;
}

int mb_image_place_symlink(struct mb_image_place *p, const struct mb_image_entry_name *name,
                           const char *target, const struct mb_image_meta *meta, struct mb_err *err)
{
	int r = enter(p, name, err);

	if (r == 0)
		r = clear_leaf(p, name->leaf, NULL, err);
	if (r < 0)
		return r;
	if (symlinkat(target, p->dir, name->leaf) < 0)
		return mb_fail_sys(err, errno, "cannot create the symbolic link");
	return settle_leaf(p, name->leaf, meta, err);
}

int mb_image_place_hardlink(struct mb_image_place *p, const struct mb_image_entry_name *name,
                            const char *target, struct mb_err *err)
{
	struct mb_image_entry_name to;
	MB_AUTO_CLOSE int from = -1;
	struct stat st, old;
	int r = mb_image_entry_clean(target, &to, err);

	if (r < 0)
		return mb_wrap(err, r, "hard link target");
	if (!to.leaf[0])
		return mb_fail(err, EPERM, "a hard link to the root");
	r = mb_sys_path_openat2(p->root, *to.dir ? to.dir : ".", DIR_FLAGS, 0, IN_ROOT, &from);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot open the directory of the hard link's target");
	if (fstatat(from, to.leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return mb_fail_sys(err, errno, "cannot find the hard link's target");
	if (S_ISDIR(st.st_mode))
		return mb_fail(err, EPERM, "a hard link to a directory");
	if (is_whiteout(&st))
		return mb_fail(err, EPERM, "a hard link to a whiteout");
	r = enter(p, name, err);
	if (r < 0)
		return r;
	/* Both names of one file already: nothing to do, and nothing to remove first. */
	if (fstatat(p->dir, name->leaf, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
	    old.st_ino == st.st_ino && old.st_dev == st.st_dev)
		return 0;
	r = clear_leaf(p, name->leaf, NULL, err);
	if (r < 0)
		return r;
	if (linkat(from, to.leaf, p->dir, name->leaf, 0) < 0)
		return mb_fail_sys(err, errno, "cannot create the hard link");
	return 0;
}

int mb_image_place_node(struct mb_image_place *p, const struct mb_image_entry_name *name,
                        mode_t type, dev_t device, const struct mb_image_meta *meta,
                        struct mb_err *err)
{
	int r = enter(p, name, err);

	if (r == 0)
		r = clear_leaf(p, name->leaf, NULL, err);
	if (r < 0)
		return r;
	if (mknodat(p->dir, name->leaf, type | (meta->mode & 0777), device) < 0)
		return mb_fail_sys(err, errno, "cannot create the special file");
	r = settle_leaf(p, name->leaf, meta, err);
	/* It is no link, we have just made it, and nobody else is here: following is not an
	 * issue. */
	if (r == 0 && (meta->mode & 07000) && fchmodat(p->dir, name->leaf, meta->mode, 0) < 0)
		r = mb_fail_sys(err, errno, "cannot set the mode");
	return r;
}

int mb_image_place_whiteout(struct mb_image_place *p, const struct mb_image_entry_name *name,
                            struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	if (p->bottom)
		return 0;
	r = enter(p, name, err);
	if (r < 0)
		return r;
	if (fstatat(p->dir, name->leaf, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return mb_fail_sys(err, errno, "cannot look at what is there");
		if (mknodat(p->dir, name->leaf, S_IFCHR, makedev(0, 0)) < 0)
			return mb_fail_sys(err, errno, "cannot create the whiteout");
		return 0;
	}
	/* A whiteout speaks of lower layers only: what this layer has stays, and covers them. */
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = openat(p->dir, name->leaf, DIR_FLAGS | O_NOFOLLOW);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open the directory");
	return mark_opaque(fd, err);
}

int mb_image_place_opaque(struct mb_image_place *p, const struct mb_image_entry_name *name,
                          struct mb_err *err)
{
	int r;

	if (p->bottom)
		return 0;
	r = enter_dir(p, name->dir, err);
	return r < 0 ? r : mark_opaque(p->dir, err);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Those that got an entry after all need nothing from below. */
static int tell_implied(struct mb_image_place *p, struct mb_err *err)
{
	MB_AUTO_FREE const char **known = NULL;

	if (!p->n_implied)
		return 0;
	known = mb_calloc(p->n_late + 1, sizeof(*known));
	for (size_t i = 0; i < p->n_late; i++)
		known[i] = p->late[i].path;
	qsort(known, p->n_late, sizeof(*known), by_text);
	for (size_t i = 0; i < p->n_implied; i++) {
		const char *path = p->implied[i];

		if (bsearch(&path, known, p->n_late, sizeof(*known), by_text))
			continue;
		if (mb_write_full(p->names_fd, path, strlen(path) + 1) < 0)
			return mb_fail_sys(err, errno, "cannot tell the implied directories");
	}
	return 0;
}

int mb_image_place_finish(struct mb_image_place *p, struct mb_err *err)
{
	int told = tell_implied(p, err);

	forget_dir(p);
	if (told < 0)
		return told;
	for (size_t i = 0; i < p->n_late; i++) {
		const struct mb_image_late *late = &p->late[i];
		MB_AUTO_CLOSE int fd = -1;
		int r = mb_sys_path_openat2(p->root, *late->path ? late->path : ".",
		                            DIR_FLAGS | O_NOFOLLOW, 0, IN_ROOT, &fd);

		if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
			continue; /* a later entry took its place */
		if (r < 0)
			return mb_fail_sys(err, -r, "cannot open '%s'", late->path);
		if (late->acl && fsetxattr(fd, DEFAULT_ACL, late->acl, late->n_acl, 0) < 0 &&
		    errno != ENOTSUP)
			return mb_fail_sys(err, errno, "cannot set the default ACL of '%s'",
			                   late->path);
		/* Each in turn: of several entries for one directory the last holds. */
		if (p->gives_group && fchmod(fd, late->mode) < 0)
			return mb_fail_sys(err, errno, "cannot set the mode of '%s'", late->path);
		if (futimens(fd, late->times) < 0)
			return mb_fail_sys(err, errno, "cannot set the times of '%s'", late->path);
	}
	return 0;
}
