/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/content.h"
#include "build/links.h"
#include "build/spot.h"
#include "build/walk.h"
#include "core/err.h"
#include "core/io.h"
#include "core/log.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/copy.h"
#include "sys/path.h"
#include "sys/tree.h"
#include "sys/userns.h"

struct placing {
	const struct mb_build_place *place;
	const struct mb_build_root *root;
	const struct mb_build_item *item;
	int base_fd; /* the destination */
	int dir_fd;  /* of dir_path below it, or -1 */
	char *dir_path;
	struct mb_strv made; /* directories whose times are to be set at the end */
	struct timespec (*times)[2];
	size_t n_times;
	struct mb_build_links links;
};

/* --- attributes ------------------------------------------------------------------------------- */

/* Whoever has no number outside is nobody there: then it is the container's root. */
static uint32_t outside(const struct mb_sys_id_range *ranges, size_t n, uint32_t id)
{
	int64_t there = mb_sys_id_outside(ranges, n, id);

	return (uint32_t)(there < 0 ? mb_sys_id_outside(ranges, n, 0) : there);
}

static int give_owner(const struct placing *p, int fd, const struct stat *st)
{
	const struct mb_sys_id_maps *maps = p->place->maps;
	uid_t uid = p->place->has_owner         ? p->place->uid
	            : p->root->is_owned_by_root ? 0
	                                        : st->st_uid;
	gid_t gid = p->place->has_owner         ? p->place->gid
	            : p->root->is_owned_by_root ? 0
	                                        : st->st_gid;

	if (maps) {
		uid = outside(maps->uids, maps->n_uids, uid);
		gid = outside(maps->gids, maps->n_gids, gid);
	}
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static mode_t mode_of(const struct placing *p, const struct stat *st)
{
	mode_t mode = st->st_mode & 07777;

	if (p->place->has_mode)
		mode = mb_build_chmod_apply(&p->place->mode, mode, S_ISDIR(st->st_mode));
	return mode & (p->place->leaves_power ? 01777 : 07777);
}

static int copy_xattrs(const struct placing *p, int from, int to)
{
	return p->place->leaves_power ? 0 : mb_sys_copy_xattrs(from, to);
}

static void times_of(const struct stat *st, struct timespec times[2])
{
	times[0] = times[1] = st->st_mtim;
}

/* --- directories ------------------------------------------------------------------------------ */

static int open_directory(int at, const char *name, int *ret_fd)
{
	*ret_fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

static bool is_no_directory(int r)
{
	return r == -ENOTDIR || r == -ELOOP;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Is the directory @path of the source there only because of what is in it? */
static bool is_implied(const struct placing *p, const char *path)
{
	const struct mb_strv *implied = p->place->implied;

	return implied && implied->n &&
	       bsearch(&path, implied->v, implied->n, sizeof(*implied->v), by_text);
}

/* The directory @path of the destination, which is there.  One that is only implied may be a link
 * there: it is followed, as if the destination were the root, out of which nothing leads. */
static int open_below(void *arg, const char *path, int *ret_fd)
{
	const struct placing *p = arg;
	int r = mb_sys_tree_open_across(p->base_fd, path, ret_fd);

	if (!is_no_directory(r) || !p->place->implied || !p->place->implied->n)
		return r;
	return mb_sys_path_open(p->base_fd, path, O_RDONLY | O_DIRECTORY, ret_fd, NULL);
}

/* Return: 0: it is new; 1: it was there; -errno. */
static int make_or_open(struct placing *p, int at, const char *name, const char *path, int *ret_fd)
{
	bool is_new = mkdirat(at, name, 0700) == 0;
	int r = is_new || errno == EEXIST ? open_directory(at, name, ret_fd) : -errno;

	if (is_no_directory(r) && is_implied(p, path)) {
		r = open_below(p, path, ret_fd);
	} else if (p->place->replaces && is_no_directory(r)) {
		is_new = true;
		r = unlinkat(at, name, 0) < 0 || mkdirat(at, name, 0700) < 0
		            ? -errno
		            : open_directory(at, name, ret_fd);
	}
	return r < 0 ? r : !is_new;
}

/* @st NULL: none are to be set. */
static void remember_times(struct placing *p, const char *path, const struct stat *st)
{
	struct timespec *times;

	mb_strv_add(&p->made, path);
	p->times = mb_realloc(p->times, (p->n_times + 1) * sizeof(*p->times));
	times = p->times[p->n_times++];
	times[0] = times[1] = (struct timespec){.tv_nsec = UTIME_OMIT};
	if (st)
		times_of(st, times);
}

/* Owner, mode and attributes of @from, which may be O_PATH, for @to; and its times. */
static int finish_directory(const struct placing *p, int from, int to)
{
	MB_AUTO_CLOSE int source = -1;
	struct timespec times[2];
	struct stat st;
	int r = mb_sys_tree_open_across(from, "", &source);

	if (r == 0 && fstat(source, &st) < 0)
		r = -errno;
	if (r == 0)
		r = give_owner(p, to, &st);
	if (r == 0 && fchmod(to, mode_of(p, &st)) < 0)
		r = -errno;
	if (r == 0)
		r = copy_xattrs(p, source, to);
	if (r < 0)
		return r;
	times_of(&st, times);
	return futimens(to, times) < 0 ? -errno : 0;
}

/* What went from the source, which may do so. */
enum { GONE = 1 };

static int gone_or(const struct placing *p, int r)
{
	return p->place->is_live && mb_build_walk_is_gone(r) ? GONE : r;
}

/* The directory @path of the source, which is called @name, in @at.  Return: 0; GONE, nothing
 * made; or -errno. */
static int make_directory(struct placing *p, int at, const char *name, const char *path,
                          int *ret_fd)
{
	MB_AUTO_CLOSE int source = -1, fd = -1;
	bool stays;
	struct stat st;
	int r = gone_or(p, mb_sys_tree_open_across(p->item->fd, path, &source));

	if (r != 0)
		return r;
	r = make_or_open(p, at, name, path, &fd);
	stays = r == 1 && (p->place->keeps_directories || is_implied(p, path));
	if (r > 0)
		r = 0;
	if (r == 0 && !stays)
		r = finish_directory(p, source, fd);
	if (r == 0 && !stays && fstat(source, &st) < 0)
		r = -errno;
	if (r < 0)
		return r;
	remember_times(p, path, stays ? NULL : &st);
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

/* p->dir_fd becomes the place for what is in @path of the source.  Return: 0, GONE or -errno. */
static int enter(struct placing *p, const char *path, struct mb_err *err)
{
	MB_AUTO_CLOSE int at = -1;
	MB_AUTO_FREE char *whole = mb_strdup(path);
	int r = 0;

	if (p->dir_fd >= 0 && mb_streq(p->dir_path, path))
		return 0;
	r = open_below(p, path, &at);
	if (r == 0 && !mb_strv_has(&p->made, path) && *path)
		r = -ENOENT; /* it was there before: its attributes are the source's now */
	if (r == -ENOENT || (p->place->replaces && is_no_directory(r))) {
		mb_close(&at);
		r = mb_sys_tree_open_across(p->base_fd, "", &at);
		for (char *s = whole; r == 0 && *s;) {
			char *end = strchrnul(s, '/'), saved = *end;
			int next = -1;

			*end = '\0';
			r = mb_strv_has(&p->made, whole) ? open_below(p, whole, &next)
			                                 : make_directory(p, at, s, whole, &next);
			*end = saved;
			s = saved ? end + 1 : end;
			if (r == 0) {
				mb_close(&at);
				at = next;
			}
		}
	}
	if (is_no_directory(r))
		return mb_fail(err, ENOTDIR, "cannot copy to non-directory: '%s'", path);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot make the directory '%s'", path);
	if (r == GONE)
		return GONE;
	mb_close(&p->dir_fd);
	p->dir_fd = mb_take_fd(&at);
	free(p->dir_path);
	p->dir_path = mb_strdup(path);
	return 0;
}

int mb_build_place_directory(const struct mb_build_place *place, const char *path, int *ret_fd,
                             struct mb_err *err)
{
	MB_AUTO_FREE char *clean = mb_build_path_clean(path);
	MB_AUTO_CLOSE int last = -1;
	int r = 0;

	/* One after the other, so that those that are new are known. */
	for (char *s = clean; r == 0 && *s;) {
		char *end = strchrnul(s, '/'), saved = *end;
		MB_AUTO_CLOSE int fd = -1;

		*end = '\0';
		r = mb_sys_path_open(place->root_fd, clean, O_PATH | O_DIRECTORY, &fd, NULL);
		if (r == -ENOENT) {
			r = mb_sys_path_mkdirs(place->root_fd, clean, 0755, &fd, err);
			if (r == 0 && place->has_owner &&
			    fchownat(fd, "", place->uid, place->gid, AT_EMPTY_PATH) < 0)
				r = mb_fail_sys(err, errno, "cannot give '%s' away", clean);
		} else if (r < 0) {
			r = mb_fail_sys(err, -r, "cannot open the destination '/%s'", clean);
		}
		*end = saved;
		s = saved ? end + 1 : end;
	}
	return r < 0 ? r
	             : mb_sys_path_open(place->root_fd, *clean ? clean : ".",
	                                O_RDONLY | O_DIRECTORY, ret_fd, err);
}

static int copy_mode(const struct mb_build_place *place, const struct mb_build_root *root,
                     const char *to, const char *from, struct mb_err *err)
{
	MB_AUTO_CLOSE int source = -1, fd = -1;
	struct stat st;
	int r = mb_sys_path_open(root->fd, from, O_PATH | O_DIRECTORY, &source, err);

	if (r == 0)
		r = mb_sys_path_open(place->root_fd, to, O_RDONLY | O_DIRECTORY, &fd, err);
	if (r == 0 && (fstat(source, &st) < 0 || fchmod(fd, st.st_mode & 07777) < 0))
		r = mb_fail_sys(err, errno, "cannot make the directory '%s'", to);
	if (r == 0 && !place->has_owner && !root->is_owned_by_root &&
	    fchown(fd, st.st_uid, st.st_gid) < 0)
		r = mb_fail_sys(err, errno, "cannot make the directory '%s'", to);
	return r;
}

static bool is_there(const struct mb_build_place *place, const char *path)
{
	MB_AUTO_CLOSE int fd = -1;

	return mb_sys_path_open(place->root_fd, path, O_PATH | O_DIRECTORY, &fd, NULL) == 0;
}

int mb_build_place_parents(const struct mb_build_place *place, const struct mb_build_root *root,
                           const char *to, const char *from, const char *parents, int *ret_fd,
                           struct mb_err *err)
{
	size_t skipped = strlen(from) - strlen(parents);
	MB_AUTO_FREE char *path = mb_strdup(to);
	int r = mb_build_place_directory(place, path, ret_fd, err);

	for (const char *s = parents; r == 0 && *s;) {
		const char *end = strchrnul(s, '/');
		size_t n = (size_t)(end - parents);
		MB_AUTO_FREE char *source = mb_strndup(from, skipped + n);
		bool was_there;

		free(path);
		path = mb_asprintf("%s/%.*s", to, (int)n, parents);
		was_there = is_there(place, path);
		mb_close(ret_fd);
		r = mb_build_place_directory(place, path, ret_fd, err);
		if (r == 0 && !was_there)
			r = copy_mode(place, root, path, source, err);
		s = *end ? end + 1 : end;
	}
	return r;
}

/* --- files ------------------------------------------------------------------------------------ */

static int finish_file(const struct placing *p, int from, int to, const struct stat *st)
{
	struct timespec times[2];
	int r = give_owner(p, to, st);

	if (r == 0 && fchmod(to, mode_of(p, st)) < 0)
		r = -errno;
	/* A capability goes when the owner changes: so it comes last. */
	if (r == 0 && from >= 0)
		r = copy_xattrs(p, from, to);
	times_of(st, times);
	if (r == 0 && futimens(to, times) < 0)
		r = -errno;
	return r;
}

static int create(struct mb_build_spot *spot, int *ret_fd)
{
	*ret_fd = openat(spot->at, mb_build_spot_name(spot),
	                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	spot->is_made = *ret_fd >= 0;
	return spot->is_made ? 0 : -errno;
}

/* @ret_made: what became of it, if it is not NULL. */
static int place_file(const struct placing *p, int from, int at, const char *name,
                      struct stat *ret_made)
{
	MB_AUTO_CLOSE int to = -1;
	struct mb_build_spot spot;
	struct stat st;
	int r = mb_build_spot_begin(at, name, &spot);

	if (r == 0)
		r = create(&spot, &to);
	if (r < 0)
		return r;
	if (fstat(from, &st) < 0)
		r = -errno;
	if (r == 0)
		r = mb_sys_copy_content(from, to);
	if (r == 0)
		r = finish_file(p, from, to, &st);
	if (r == 0 && ret_made && fstat(to, ret_made) < 0)
		r = -errno;
	return mb_build_spot_end(&spot, r);
}

/* A file with several names is one file again. */
static int place_linked(struct placing *p, int from, const char *path, int at, const char *name)
{
	struct stat st, made;
	int r;

	if (fstat(from, &st) < 0)
		return -errno;
	if (!p->place->keeps_links || st.st_nlink < 2)
		return place_file(p, from, at, name, NULL);
	if (mb_build_links_make(&p->links, &st, open_below, p, at, name) == 0)
		return 0;
	r = place_file(p, from, at, name, &made);
	if (r == 0)
		mb_build_links_add(&p->links, &st, path, &made);
	return r;
}

/* Where a link leads.  Return: 0, GONE or -errno. */
static int read_link(const struct placing *p, int dir, const char *name, char target[4097])
{
	ssize_t n = readlinkat(dir, name, target, 4096);

	if (n < 0) /* EINVAL: it is a link no more */
		return gone_or(p, errno == EINVAL ? -ESTALE : -errno);
	target[n] = '\0';
	return 0;
}

/* @target: of a link. */
static int make_special(struct mb_build_spot *spot, const char *target, const struct stat *st)
{
	const char *name = mb_build_spot_name(spot);
	int r = S_ISLNK(st->st_mode)
	                ? symlinkat(target, spot->at, name)
	                : mknodat(spot->at, name, (st->st_mode & S_IFMT) | 0600, st->st_rdev);

	spot->is_made = r == 0;
	return r < 0 ? -errno : 0;
}

/* Owner, mode and times for what has just been made, if that is what is there: by its descriptor,
 * since the name may be a link to anywhere by now. */
static int finish_special(const struct placing *p, const struct mb_build_spot *spot,
                          const struct stat *st)
{
	MB_AUTO_CLOSE int fd =
		openat(spot->at, mb_build_spot_name(spot), O_PATH | O_NOFOLLOW | O_CLOEXEC);
	bool is_device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
	char text[MB_SYS_PATH_FD_TEXT];
	struct timespec times[2];
	struct stat now;
	int r;

	if (fd < 0 || fstat(fd, &now) < 0)
		return -errno;
	if ((now.st_mode & S_IFMT) != (st->st_mode & S_IFMT) ||
	    (is_device && now.st_rdev != st->st_rdev))
		return -ESTALE;
	r = give_owner(p, fd, st);
	mb_sys_path_of_fd(fd, text);
	if (r == 0 && !S_ISLNK(st->st_mode) && chmod(text, mode_of(p, st)) < 0)
		r = -errno;
	times_of(st, times);
	if (r == 0 && utimensat(AT_FDCWD, text, times, 0) < 0)
		r = -errno;
	return r;
}

static int place_special(const struct placing *p, int from_dir, const char *from_name,
                         const struct stat *st, int at, const char *name)
{
	struct mb_build_spot spot;
	char target[4097];
	int r = S_ISLNK(st->st_mode) ? read_link(p, from_dir, from_name, target) : 0;

	if (r == 0)
		r = mb_build_spot_begin(at, name, &spot);
	if (r != 0)
		return r == GONE ? 0 : r;
	if (S_ISSOCK(st->st_mode))
		return 0; /* no layer has any */
	if (p->place->leaves_power && (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))) {
		mb_warn("the device '%s' is left out", name);
		return 0;
	}
	r = make_special(&spot, target, st);
	if (r == 0)
		r = finish_special(p, &spot, st);
	return mb_build_spot_end(&spot, r);
}

static int tell(int r, const char *path, struct mb_err *err)
{
	if (r == -EISDIR)
		return mb_fail(err, EISDIR, "cannot copy a file over the directory '%s'", path);
	return r < 0 ? mb_fail_sys(err, -r, "cannot copy '%s'", path) : 0;
}

/* --- trees ------------------------------------------------------------------------------------ */

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? mb_strndup(path, (size_t)(slash - path)) : mb_strdup("");
}

static int on_directory(void *arg, const char *path, int fd, const struct stat *st,
                        struct mb_err *err)
{
	struct placing *p = arg;
	bool is_whole;
	int r;

	(void)fd;
	(void)st;
	/* One that is left out itself is made when something in it is not. */
	if (mb_build_content_skips(p->root, p->item, path, true, &is_whole))
		return 0;
	r = enter(p, path, err);
	return r == GONE ? 0 : r;
}

/* A directory where something else is to be. */
static int clear(int at, const char *name, struct mb_err *err)
{
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	return mb_sys_tree_remove(at, name, err);
}

static int on_entry(void *arg, const char *path, int dir_fd, const char *name,
                    const struct stat *st, struct mb_err *err)
{
	struct placing *p = arg;
	MB_AUTO_FREE char *parent = parent_of(path);
	MB_AUTO_CLOSE int from = -1;
	int r = enter(p, parent, err);

	if (r == 0 && p->place->replaces)
		r = clear(p->dir_fd, name, err);
	if (r != 0)
		return r == GONE ? 0 : r;
	if (!S_ISREG(st->st_mode))
		return tell(place_special(p, dir_fd, name, st, p->dir_fd, name), path, err);
	r = gone_or(p, mb_sys_copy_open(dir_fd, name, &from));
	if (r == 0)
		r = place_linked(p, from, path, p->dir_fd, name);
	return r == GONE ? 0 : tell(r, path, err);
}

static bool skips(void *arg, const char *path, bool is_directory)
{
	const struct placing *p = arg;
	bool is_whole;

	return mb_build_content_skips(p->root, p->item, path, is_directory, &is_whole) && is_whole;
}

static int set_times(struct placing *p, struct mb_err *err)
{
	for (size_t i = p->n_times; i-- > 0;) {
		MB_AUTO_CLOSE int fd = -1;
		int r = open_below(p, p->made.v[i], &fd);

		if (r == 0 && futimens(fd, p->times[i]) < 0)
			r = -errno;
		if (r < 0)
			return mb_fail_sys(err, -r, "cannot set the time of '%s'", p->made.v[i]);
	}
	return 0;
}

static int place_bytes(const struct placing *p, int at, const char *name)
{
	MB_AUTO_CLOSE int to = -1;
	struct mb_build_spot spot;
	int r = mb_build_spot_begin(at, name, &spot);

	if (r == 0)
		r = create(&spot, &to);
	if (r < 0)
		return r;
	r = mb_write_full(to, p->item->bytes, p->item->n);
	if (r == 0)
		r = finish_file(p, -1, to, &p->item->st);
	return mb_build_spot_end(&spot, r);
}

static int place_one(const struct placing *p, int at, const char *name, struct mb_err *err)
{
	MB_AUTO_CLOSE int from = -1;
	int r;

	if (p->item->fd < 0)
		return tell(place_bytes(p, at, name), name, err);
	if (!S_ISREG(p->item->st.st_mode))
		return tell(place_special(p, p->item->fd, "", &p->item->st, at, name), name, err);
	r = mb_sys_path_reopen(p->item->fd, O_RDONLY | O_NONBLOCK | O_NOCTTY, &from, err);
	return r < 0 ? r : tell(place_file(p, from, at, name, NULL), name, err);
}

int mb_build_place_item(const struct mb_build_place *place, const struct mb_build_root *root,
                        const struct mb_build_item *item, int dir_fd, const char *name, bool is_new,
                        struct mb_err *err)
{
	struct placing p = {
		.place = place, .root = root, .item = item, .base_fd = dir_fd, .dir_fd = -1};
	const struct mb_build_walk walk = {on_directory, on_entry, skips, &p, place->is_live};
	int r;

	if (name)
		return place_one(&p, dir_fd, name, err);
	r = mb_build_walk(item->fd, &walk, err);
	if (r == 0 && is_new)
		r = tell(finish_directory(&p, item->fd, dir_fd), item->path, err);
	if (r == 0)
		r = set_times(&p, err);
	mb_close(&p.dir_fd);
	free(p.dir_path);
	free(p.times);
	mb_strv_done(&p.made);
	mb_build_links_done(&p.links);
	return r;
}
