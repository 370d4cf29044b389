/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"
#include "store/store.h"
#include "sys/tree.h"

enum { RANDOM_DIGITS = 16 };

struct sweeping {
	const struct mb_store_check_request *how;
	size_t left;
};

static void found(struct sweeping *s, const char *where, const char *name, bool gone)
{
	MB_AUTO_FREE char *subject = mb_asprintf("file %s/%s", where, name);

	s->left += !gone;
	s->how->finding(s->how->arg, subject, "was never finished", gone);
}

static int list(int base, const char *where, struct mb_strv *out, struct mb_err *err)
{
	int r = mb_dir_names(base, where, out);

	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		return 0;
	return r < 0 ? mb_fail_sys(err, -r, "cannot list '%s'", where) : 0;
}

static bool is_temporary(const char *name)
{
	const char *digits = mb_skip_prefix(name, ".tmp-");

	return digits && mb_hex_is_valid(digits, RANDOM_DIGITS);
}

static void sweep_file(struct sweeping *s, int base, const char *where, const char *name)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	MB_AUTO_FREE char *path = mb_asprintf("%s/%s", where, name);
	MB_AUTO_CLOSE int fd = openat(base, path, flags);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	/* It may have got its final name before we had the lock. */
	if (faccessat(base, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	found(s, where, name, s->how->repair && unlinkat(base, path, 0) == 0);
}

static int sweep(struct sweeping *s, int base, const char *where, int depth, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	int r = list(base, where, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (is_temporary(names.v[i])) {
			sweep_file(s, base, where, names.v[i]);
		} else if (depth > 0) {
			MB_AUTO_FREE char *below = mb_asprintf("%s/%s", where, names.v[i]);

			r = sweep(s, base, below, depth - 1, err);
		}
	}
	return r;
}

/* RUN/.stale-*: moved aside after a reboot by one who did not live to remove it. */
static int sweep_stale(struct sweeping *s, struct mb_store *store, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_CLOSE int lock = openat(store->run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = list(store->run_fd, ".", &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (!mb_starts_with(names.v[i], ".stale-") || lock < 0 ||
		    flock(lock, LOCK_EX | LOCK_NB) < 0 ||
		    faccessat(store->run_fd, names.v[i], F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		found(s, store->run, names.v[i],
		      s->how->repair && mb_sys_tree_remove(store->run_fd, names.v[i], NULL) == 0);
	}
	return r;
}

int mb_store_check(struct mb_store *store, const struct mb_store_check_request *request,
                   size_t *ret_left, struct mb_err *err)
{
	/* Where documents are, and how many directories deep. */
	static const struct {
		const char *where;
		bool in_run;
		int depth;
	} places[] = {{".", false, 0},      {"images", false, 0},     {"refs", false, 0},
	              {"steps", false, 0},  {"networks", false, 0},   {"volumes", false, 1},
	              {"layers", false, 1}, {"containers", false, 1}, {".", true, 0},
	              {"c", true, 1},       {"net", true, 1}};
	struct sweeping s = {.how = request};
	int r = sweep_stale(&s, store, err);

	for (size_t i = 0; r == 0 && i < MB_N(places); i++)
		r = sweep(&s, places[i].in_run ? store->run_fd : store->root_fd, places[i].where,
		          places[i].depth, err);
	*ret_left = s.left;
	return r;
}
