/* SPDX-License-Identifier: GPL-2.0-or-later */
/* COPY and ADD: where it goes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/archive.h"
#include "build/chmod.h"
#include "build/copy.h"
#include "build/job.h"
#include "build/place.h"
#include "build/work.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/path.h"
#include "sys/userdb.h"

static bool is_number(const char *s)
{
	return s[strspn(s, "0123456789")] == '\0';
}

int mb_build_owner_resolve(int root_fd, const char *owner, uint32_t *ret_uid, uint32_t *ret_gid,
                           struct mb_err *err)
{
	MB_AUTO_USER struct mb_sys_user user = {0};
	int r = mb_sys_userdb_resolve(root_fd, owner, NULL, &user, err);

	if (r < 0)
		return r;
	*ret_uid = user.uid;
	/* A number without a group is both. */
	*ret_gid = is_number(owner) ? user.uid : user.gid;
	return 0;
}

int mb_build_copy_owner(int root_fd, const char *owner, char **ret, struct mb_err *err)
{
	uint32_t uid, gid;
	int r = mb_build_owner_resolve(root_fd, owner, &uid, &gid, err);

	if (r < 0)
		return mb_wrap(err, r, "--chown=%s", owner);
	*ret = mb_asprintf("%u:%u", uid, gid);
	return 0;
}

static int fill_place(const struct mb_build_copying *c, int root_fd, struct mb_build_place *place,
                      struct mb_err *err)
{
	int r = 0;

	place->root_fd = root_fd;
	place->keeps_links = true;
	if (c->expanded_owner && *c->expanded_owner) {
		place->has_owner = true;
		r = mb_build_owner_resolve(root_fd, c->expanded_owner, &place->uid, &place->gid,
		                           err);
		if (r < 0)
			return mb_wrap(err, r, "--chown=%s", c->expanded_owner);
	}
	if (r == 0 && c->expanded_mode && *c->expanded_mode) {
		place->has_mode = true;
		if (mb_build_chmod_parse(c->expanded_mode, &place->mode) < 0)
			return mb_fail(err, EINVAL,
			               "--chmod=%s: neither an octal nor a symbolic mode",
			               c->expanded_mode);
	}
	return r;
}

static bool is_directory_there(int root_fd, const char *path)
{
	MB_AUTO_CLOSE int fd = -1;

	return mb_sys_path_open(root_fd, path, O_PATH | O_DIRECTORY, &fd, NULL) == 0;
}

enum { MAX_LINKS = 40 };

/* The directory where @path is to be made, and its name there: a link that is the destination
 * itself leads there, in the root. */
static int find_spot(const struct mb_build_place *place, const char *path, int *ret_dir,
                     char **ret_name, struct mb_err *err)
{
	MB_AUTO_FREE char *now = mb_strdup(path);

	for (unsigned i = 0; i < MAX_LINKS; i++) {
		char *slash = strrchr(now, '/'), target[PATH_MAX];
		MB_AUTO_FREE char *name = mb_strdup(slash + 1), *parent = now;
		MB_AUTO_CLOSE int dir = -1;
		ssize_t n;
		int r;

		*slash = '\0';
		now = NULL;
		r = mb_sys_path_open(place->root_fd, *parent ? parent : "/", O_RDONLY | O_DIRECTORY,
		                     &dir, NULL);
		if (r < 0)
			r = mb_build_place_directory(place, parent, &dir, err);
		if (r < 0)
			return r;
		n = readlinkat(dir, name, target, sizeof(target) - 1);
		if (n < 0) {
			*ret_dir = mb_take_fd(&dir);
			*ret_name = mb_take_ptr(&name);
			return 0;
		}
		target[n] = '\0';
		now = *target == '/' ? mb_strdup(target) : mb_asprintf("%s/%s", parent, target);
		if (mb_ends_with(now, "/") || mb_ends_with(now, "/.") || mb_ends_with(now, "/.."))
			return mb_fail(err, ENOTDIR, "the destination '%s' is a link to no file",
			               path);
	}
	return mb_fail(err, ELOOP, "the destination '%s' is a link in a circle", path);
}

/* A file goes into the destination, or is it. */
static int place_file(const struct mb_build_place *place, const struct mb_build_copying *c,
                      const struct mb_build_item *item, struct mb_err *err)
{
	bool into = c->is_directory || is_directory_there(place->root_fd, c->destination);
	MB_AUTO_FREE char *name = NULL;
	MB_AUTO_CLOSE int dir = -1;
	int r = into ? mb_build_place_directory(place, c->destination, &dir, err)
	             : find_spot(place, c->destination, &dir, &name, err);

	return r < 0 ? r
	             : mb_build_place_item(place, &c->root, item, dir, into ? item->name : name,
	                                   false, err);
}

/* With the directories above it. */
static int place_kept(const struct mb_build_place *place, const struct mb_build_copying *c,
                      const struct mb_build_item *item, struct mb_err *err)
{
	bool is_directory = S_ISDIR(item->st.st_mode);
	const char *slash =
		is_directory ? item->kept + strlen(item->kept) : strrchr(item->kept, '/');
	MB_AUTO_FREE char *parents =
		slash ? mb_strndup(item->kept, (size_t)(slash - item->kept)) : mb_strdup("");
	size_t cut = strlen(item->kept) - strlen(parents);
	MB_AUTO_FREE char *from = mb_strndup(item->path, strlen(item->path) - cut);
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_build_place_parents(place, &c->root, c->destination, from, parents, &dir, err);

	return r < 0 ? r
	             : mb_build_place_item(place, &c->root, item, dir,
	                                   is_directory ? NULL : item->name, false, err);
}

static int place_item(struct mb_build *b, const struct mb_build_place *place,
                      const struct mb_build_copying *c, const struct mb_dockerfile_instruction *in,
                      const struct mb_build_item *item, struct mb_err *err)
{
	const char *unpack = mb_dockerfile_flag_find(in, "unpack");
	struct timespec times[2];
	bool is_new;
	MB_AUTO_CLOSE int dir = -1;
	int r;

	if (in->kind == MB_DOCKERFILE_ADD && item->fd >= 0 && S_ISREG(item->st.st_mode) &&
	    mb_streq(unpack             ? unpack
	             : item->is_fetched ? "false"
	                                : "true",
	             "true")) {
		r = mb_build_archive_place(b, place, item, c->destination, err);
		if (r != 1)
			return r;
	}
	if (item->kept && item->fd >= 0)
		return place_kept(place, c, item, err);
	if (item->fd < 0 || !S_ISDIR(item->st.st_mode))
		return place_file(place, c, item, err);
	/* As BuildKit has it: what a directory holds is copied, and it is a new one itself. */
	is_new = !is_directory_there(place->root_fd, c->destination);
	r = mb_build_place_directory(place, c->destination, &dir, err);
	if (r == 0)
		r = mb_build_place_item(place, &c->root, item, dir, NULL, false, err);
	times[0] = times[1] = item->st.st_mtim;
	if (r == 0 && is_new && futimens(dir, times) < 0)
		r = mb_fail_sys(err, errno, "cannot set the time of '%s'", c->destination);
	return r;
}

/* A context may be written while it is read: what was copied is then not what was hashed. */
static bool is_as_hashed(const struct mb_build_copying *c)
{
	struct mb_build_key stamp;
	struct mb_build_root root = c->root;
	char text[MB_SHA256_TEXT];
	int r = 0;

	if (!root.is_owned_by_root)
		return true;
	mb_sha256_init(&stamp.sum);
	root.stamp = &stamp;
	for (size_t i = 0; i < c->items.n && r == 0; i++)
		r = mb_build_content_hash(&root, &c->items.v[i], NULL, NULL);
	mb_build_key_finish(&stamp, text);
	return r == 0 && strcmp(text, c->stamp) == 0;
}

int mb_build_copy_make(struct mb_build *b, const struct mb_dockerfile_instruction *in,
                       const struct mb_build_copying *c, const char *key, const char *link_key,
                       struct mb_err *err)
{
	MB_AUTO_BUILD_WORK struct mb_build_work work = MB_BUILD_WORK_INIT;
	const struct mb_build_state nothing = {0};
	struct mb_build_state *state = &c->stage->state;
	struct mb_build_place place = {0};
	int r = mb_build_work_open(b, c->is_link ? &nothing : state, &work, err);

	if (r == 0)
		r = fill_place(c, work.root_fd, &place, err);
	for (size_t i = 0; i < c->items.n && r == 0; i++)
		r = place_item(b, &place, c, in, &c->items.v[i], err);
	if (r == 0 && !is_as_hashed(c)) {
		key = "";
		link_key = NULL;
	}
	if (r == 0)
		r = mb_build_work_commit(b, &work, state, key, c->said, err);
	if (r == 0 && link_key)
		r = mb_build_work_remember(b, state, link_key, c->said, err);
	return r;
}
