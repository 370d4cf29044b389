/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lowest layer of every container: the places to which it mounts.  Whatever the image brings
 * lies above; without this layer every start would make them in the writable one, on disk, and
 * every removal take them away. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/start_parts.h"
#include "core/err.h"
#include "core/id.h"
#include "core/own.h"
#include "store/store.h"
#include "sys/tree.h"

#define SKELETON "skeleton"

static int open_it(int at)
{
	return openat(at, SKELETON, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int fill(int fd)
{
	static const char *const directories[] = {"dev", "etc", "proc", "sys"};
	static const char *const files[] = {"etc/hostname", "etc/hosts", "etc/resolv.conf"};
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;

	/* Not what the umask of the caller makes of it. */
	if (fchmod(fd, 0755) < 0)
		return -errno;
	for (size_t i = 0; i < MB_N(directories); i++)
		if (mkdirat(fd, directories[i], 0755) < 0 ||
		    fchmodat(fd, directories[i], 0755, 0) < 0)
			return -errno;
	for (size_t i = 0; i < MB_N(files); i++) {
		MB_AUTO_CLOSE int file = openat(fd, files[i], flags, 0644);

		if (file < 0 || fchmod(file, 0644) < 0)
			return -errno;
	}
	return 0;
}

/* Whole, or under a name that the next `system check` sweeps. */
static int make(struct mb_store *store, struct mb_err *err)
{
	char name[16 + MB_ID_TEXT] = SKELETON "-";
	MB_AUTO_CLOSE int ingest = -1, fd = -1;
	int r = mb_store_dir(store, "ingest", false, &ingest, err);

	if (r < 0)
		return r;
	mb_id_make(name + strlen(name));
	if (mkdirat(ingest, name, 0755) < 0)
		return mb_fail_sys(err, errno, "cannot make 'ingest/%s'", name);
	fd = openat(ingest, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	r = fd < 0 ? -errno : fill(fd);
	if (r == 0 && renameat(ingest, name, store->root_fd, SKELETON) < 0)
		r = -errno;
	if (r < 0)
		mb_sys_tree_remove(ingest, name, NULL);
	/* Another start was quicker. */
	if (r == -ENOTEMPTY || r == -EEXIST)
		return 0;
	return r < 0 ? mb_fail_sys(err, -r, "cannot make '" SKELETON "'") : 0;
}

int mb_container_skeleton_open(struct mb_store *store, int *ret_fd, struct mb_err *err)
{
	int fd = open_it(store->root_fd), r;

	if (fd < 0 && errno == ENOENT) {
		r = make(store, err);
		if (r < 0)
			return r;
		fd = open_it(store->root_fd);
	}
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open '" SKELETON "'");
	*ret_fd = fd;
	return 0;
}
