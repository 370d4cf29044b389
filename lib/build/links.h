/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/links.h — files with several names, which a copy of a tree is to have as well. */
#ifndef MB_BUILD_LINKS_H
#define MB_BUILD_LINKS_H

struct stat;

struct mb_build_links {
	void *tree;
};
void mb_build_links_done(struct mb_build_links *links);

/* The copy of the file @source is now @path below the destination, and the file @made. */
void mb_build_links_add(struct mb_build_links *links, const struct stat *source, const char *path,
                        const struct stat *made);
/* Opens the directory @path below the destination.  Return: 0 or -errno. */
typedef int mb_build_links_open(void *arg, const char *path, int *ret_fd);
/* Make @name in @at another name of the copy, if there is one and if it is still that file.
 * Return: 0; -ENOENT: none is known; other -errno: it cannot be linked. */
int mb_build_links_make(const struct mb_build_links *links, const struct stat *source,
                        mb_build_links_open *open_directory, void *arg, int at, const char *name);

#endif
