/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/path.h — names below a root that someone hostile may be changing.
 *
 * Every function takes the root as a descriptor and resolves in it as a process chrooted there
 * would: "/" and absolute links start at the root, ".." never leaves it, the magic links of
 * procfs are refused.  The kernel does it (openat2 with RESOLVE_IN_ROOT), never string work.
 * Descriptors come close-on-exec.
 */
#ifndef MB_SYS_PATH_H
#define MB_SYS_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mb_err;
struct mb_str;

/* openat2(2) as it is, but O_CLOEXEC always and EAGAIN (a rename or mount anywhere raced with "..")
 * tried again: often at once, then for some 0.2 s more with rests in between.
 * @resolve: RESOLVE_* of <linux/openat2.h>.  Return: 0 or -errno (nothing told). */
int mb_sys_path_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve,
                        int *ret_fd);

/* Open @path in the root @rootfd.  @flags without O_CREAT.  -ENOENT is told too. */
int mb_sys_path_open(int rootfd, const char *path, int flags, int *ret_fd, struct mb_err *err);
/* Make every missing directory of @path (mode @mode whatever the umask) and give the last one,
 * O_PATH|O_DIRECTORY.  Dangling links are followed in the root and their targets made, as
 * /var/run -> /run wants it; a ".." after a missing name is -EINVAL.  @ret_fd may be NULL. */
int mb_sys_path_mkdirs(int rootfd, const char *path, mode_t mode, int *ret_fd, struct mb_err *err);
/* Make sure that @path is there and no directory, as the target of a file mount: missing parents
 * are made 0755, a missing file empty with @mode.  Gives it O_PATH.  -EISDIR for a directory. */
int mb_sys_path_touch(int rootfd, const char *path, mode_t mode, int *ret_fd, struct mb_err *err);
/* Where the link @path points; the caller frees.  -EINVAL when it is none. */
int mb_sys_path_readlink(int rootfd, const char *path, char **ret, struct mb_err *err);
/* Append the content of a regular file.  Never blocks, never opens a device: anything that is
 * not a regular file is -EINVAL; more than @limit bytes is -EFBIG; -ENOENT is told too. */
int mb_sys_path_read(int rootfd, const char *path, size_t limit, struct mb_str *out,
                     struct mb_err *err);
/* Is the working directory below the root of this process?  -EXDEV, told, if it is not: it was
 * entered by a descriptor from outside, or is gone. */
int mb_sys_path_check_cwd(struct mb_err *err);
/* "/a/b" of any text: one leading slash, no empty, "." or ".." parts, by text alone.  For the
 * destinations that users write, before they mean anything.  Caller frees. */
char *mb_sys_path_clean(const char *path);
/* Open again what an O_PATH descriptor holds; the result is verified to be the same inode. */
int mb_sys_path_reopen(int fd, int flags, int *ret_fd, struct mb_err *err);
/* "/proc/self/fd/N". */
enum { MB_SYS_PATH_FD_TEXT = 32 };
char *mb_sys_path_of_fd(int fd, char buf[MB_SYS_PATH_FD_TEXT]);

#endif
