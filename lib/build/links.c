/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/links.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/spot.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/path.h"

struct file {
	dev_t dev;
	ino_t ino;
};
struct known {
	struct file source, made;
	char *path; /* of what was made, below the destination */
};

static int compare(const void *a, const void *b)
{
	const struct known *one = a, *other = b;

	if (one->source.ino != other->source.ino)
		return one->source.ino < other->source.ino ? -1 : 1;
	return one->source.dev == other->source.dev  ? 0
	       : one->source.dev < other->source.dev ? -1
	                                             : 1;
}

static void free_known(void *known)
{
	free(((struct known *)known)->path);
	free(known);
}

void mb_build_links_done(struct mb_build_links *links)
{
	tdestroy(links->tree, free_known);
	links->tree = NULL;
}

void mb_build_links_add(struct mb_build_links *links, const struct stat *source, const char *path,
                        const struct stat *made)
{
	struct known *known = mb_calloc(1, sizeof(*known)), **found;

	known->source = (struct file){source->st_dev, source->st_ino};
	found = tsearch(known, &links->tree, compare);
	if (!found || *found != known) {
		free(known);
		if (!found)
			return; /* without memory it is a file of its own */
		known = *found;
		free(known->path);
	}
	known->made = (struct file){made->st_dev, made->st_ino};
	known->path = mb_strdup(path);
}

/* Whoever has the destination may have changed it since. */
static int open_made(const struct known *known, mb_build_links_open *open_directory, void *arg,
                     int *ret_fd)
{
	const char *slash = strrchr(known->path, '/');
	MB_AUTO_FREE char *parent =
		slash ? mb_strndup(known->path, (size_t)(slash - known->path)) : mb_strdup("");
	MB_AUTO_CLOSE int dir = -1, fd = -1;
	struct stat st;
	int r = open_directory(arg, parent, &dir);

	if (r < 0)
		return r;
	fd = openat(dir, slash ? slash + 1 : known->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != known->made.dev || st.st_ino != known->made.ino)
		return -ESTALE;
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

int mb_build_links_make(const struct mb_build_links *links, const struct stat *source,
                        mb_build_links_open *open_directory, void *arg, int at, const char *name)
{
	const struct known key = {.source = {source->st_dev, source->st_ino}};
	struct known *const *found = tfind(&key, &links->tree, compare);
	char text[MB_SYS_PATH_FD_TEXT];
	MB_AUTO_CLOSE int fd = -1;
	struct mb_build_spot spot;
	int r = found ? open_made(*found, open_directory, arg, &fd) : -ENOENT;

	if (r == 0)
		r = mb_build_spot_begin(at, name, &spot);
	if (r < 0)
		return r;
	if (linkat(AT_FDCWD, mb_sys_path_of_fd(fd, text), at, mb_build_spot_name(&spot),
	           AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	spot.is_made = true;
	return mb_build_spot_end(&spot, 0);
}
