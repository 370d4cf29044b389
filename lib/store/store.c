/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/id.h"
#include "core/io.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"
#include "store/doc.h"
#include "sys/tree.h"

enum { BOOT_ID_SIZE = 64 };

/* mkdir -p with 0700 for what is made; the path is the operator's. */
static int make_directories(const char *path, struct mb_err *err)
{
	MB_AUTO_FREE char *copy = mb_strdup(path);

	for (char *p = copy + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return mb_fail_sys(err, errno, "cannot create '%s'", copy);
		*p = c;
		if (!c)
			return 0;
	}
}

static int check_owner(int fd, const char *path, struct mb_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot stat '%s'", path);
	if (st.st_uid != geteuid())
		return mb_fail(err, EPERM, "'%s' belongs to user %u, not to %u", path, st.st_uid,
		               geteuid());
	if (st.st_mode & 022)
		return mb_fail(err, EPERM, "'%s' may be written by others (mode %04o)", path,
		               st.st_mode & 07777);
	return 0;
}

static int open_base(const char *path, int *ret_fd, struct mb_err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (path[0] != '/')
		return mb_fail(err, EINVAL, "'%s' is not an absolute path", path);
	fd = open(path, flags);
	if (fd < 0 && errno == ENOENT) {
		r = make_directories(path, err);
		if (r < 0)
			return r;
		fd = open(path, flags);
	}
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", path);
	r = check_owner(fd, path, err);
	if (r < 0)
		return r;
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

static int check_version(struct mb_store *store, struct mb_err *err)
{
	static const char text[] = "1\n";
	char version[32];
	int r = mb_read_kernel_file(store->root_fd, "VERSION", version, sizeof(version)), number;

	if (r == -ENOENT) {
		r = mb_store_file_write(store->root_fd, "VERSION", text, sizeof(text) - 1,
		                        MB_DOC_REPLACE, err);
		return r < 0 ? mb_wrap(err, r, "'%s'", store->root) : 0;
	}
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read '%s/VERSION'", store->root);
	if (mb_parse_int(version, &number) < 0 || number < 1)
		return mb_fail(err, EBADMSG, "'%s/VERSION' is corrupt", store->root);
	if (number > MB_STORE_SCHEMA)
		return mb_fail(err, EPROTONOSUPPORT,
		               "'%s' was written by a newer mybox (schema %d)", store->root,
		               number);
	return 0;
}

/* Everything in RUN that speaks of a former boot leaves in one rename per name, so that a crash
 * half-way is finished by the next command. */
static int clear_stale_run(struct mb_store *store, struct mb_err *err)
{
	static const char *const names[] = {"c", "net", "locks", "pool", "seccomp"};
	char aside[64] = ".stale-";
	unsigned char random[8];
	int r;

	mb_random(random, sizeof(random));
	mb_hex_format(random, sizeof(random), aside + strlen(aside));
	if (mkdirat(store->run_fd, aside, 0700) < 0)
		return mb_fail_sys(err, errno, "cannot create '%s/%s'", store->run, aside);
	for (size_t i = 0; i < MB_N(names); i++) {
		char to[128];

		snprintf(to, sizeof(to), "%s/%s", aside, names[i]);
		if (renameat(store->run_fd, names[i], store->run_fd, to) < 0 && errno != ENOENT)
			return mb_fail_sys(err, errno, "cannot move '%s/%s' aside", store->run,
			                   names[i]);
	}
	r = mb_sys_tree_remove(store->run_fd, aside, err);
	return r < 0 ? mb_wrap(err, r, "'%s'", store->run) : 0;
}

static int check_boot(struct mb_store *store, struct mb_err *err)
{
	char now[BOOT_ID_SIZE], then[BOOT_ID_SIZE] = "";
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_read_kernel_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", now, sizeof(now));

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read the boot id");
	mb_read_kernel_file(store->run_fd, "boot_id", then, sizeof(then));
	if (strcmp(now, then) == 0)
		return 0;
	lock = openat(store->run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return mb_fail_sys(err, errno, "cannot lock '%s'", store->run);
	then[0] = '\0';
	mb_read_kernel_file(store->run_fd, "boot_id", then, sizeof(then));
	if (strcmp(now, then) == 0)
		return 0;
	r = clear_stale_run(store, err);
	if (r < 0)
		return r;
	return mb_store_file_write(store->run_fd, "boot_id", now, strlen(now), MB_DOC_REPLACE, err);
}

int mb_store_open(const char *root, const char *run, struct mb_store **ret, struct mb_err *err)
{
	MB_AUTO(mb_store_free) struct mb_store *store = mb_calloc(1, sizeof(*store));
	int r;

	store->root_fd = store->run_fd = -1;
	store->root = mb_strdup(root);
	store->run = mb_strdup(run);
	r = open_base(root, &store->root_fd, err);
	if (r == 0)
		r = open_base(run, &store->run_fd, err);
	if (r == 0)
		r = check_version(store, err);
	if (r == 0)
		r = check_boot(store, err);
	if (r < 0)
		return r;
	*ret = mb_take_ptr(&store);
	return 0;
}

void mb_store_free(struct mb_store *store)
{
	if (!store)
		return;
	mb_close(&store->root_fd);
	mb_close(&store->run_fd);
	free(store->root);
	free(store->run);
	free(store);
}

int mb_store_dir_find(struct mb_store *store, const char *relative, bool in_run, int *ret_fd,
                      struct mb_err *err)
{
	int base = in_run ? store->run_fd : store->root_fd;
	int fd = openat(base, relative, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s/%s'",
		                   in_run ? store->run : store->root, relative);
	*ret_fd = fd;
	return 0;
}

int mb_store_dir(struct mb_store *store, const char *relative, bool in_run, int *ret_fd,
                 struct mb_err *err)
{
	int base = in_run ? store->run_fd : store->root_fd;
	MB_AUTO_FREE char *path = NULL;
	int r = mb_store_dir_find(store, relative, in_run, ret_fd, err);

	if (r != -ENOENT)
		return r;
	path = mb_strdup(relative);
	for (char *p = path;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdirat(base, path, 0700) < 0 && errno != EEXIST)
			return mb_fail_sys(err, errno, "cannot create '%s/%s'",
			                   in_run ? store->run : store->root, path);
		*p = c;
		if (!c)
			break;
	}
	return mb_store_dir_find(store, relative, in_run, ret_fd, err);
}

int mb_store_names(struct mb_store *store, const char *relative, bool (*is_valid)(const char *name),
                   struct mb_strv *ret, struct mb_err *err)
{
	struct dirent *entry;
	DIR *dir;
	int fd = -1, r = mb_store_dir(store, relative, false, &fd, err);

	if (r < 0)
		return r;
	dir = mb_dir_take(fd);
	if (!dir)
		return mb_fail_sys(err, errno, "cannot read '%s/%s'", store->root, relative);
	while ((entry = readdir(dir)))
		if (is_valid(entry->d_name))
			mb_strv_add(ret, entry->d_name);
	closedir(dir);
	mb_strv_sort(ret);
	return 0;
}
