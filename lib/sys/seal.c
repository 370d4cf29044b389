/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "sys/mount.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020 /* Linux 6.3 */
#endif
static const char marker[] = "MYBOX_SEALED";
static const char self[] = "/proc/self/exe";
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* ---- memfd ---- */

static int open_memfd(const char *name, int *ret_fd, struct mb_err *err)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot make a memory file for '%s'", name);
	*ret_fd = fd;
	return 0;
}

static int seal_memfd(int fd, struct mb_err *err)
{
	if (fchmod(fd, 0555) < 0)
		return mb_fail_sys(err, errno, "cannot make a memory file executable");
	if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_EXEC) == 0)
		return 0;
	if (errno != EINVAL || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return mb_fail_sys(err, errno, "cannot seal a memory file");
	return 0;
}

int mb_sys_seal_blob(const char *name, const void *bytes, size_t n, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = open_memfd(name, &fd, err);

	if (r < 0)
		return r;
	r = mb_write_full(fd, bytes, n);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot write '%s' to memory", name);
	r = seal_memfd(fd, err);
	if (r == 0)
		*ret_fd = mb_take_fd(&fd);
	return r;
}

static int copy_self(int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int exe = open(self, O_RDONLY | O_CLOEXEC), fd = -1;
	ssize_t n;
	int r;

	if (exe < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", self);
	r = open_memfd("mybox", &fd, err);
	if (r < 0)
		return r;
	while ((n = sendfile(fd, exe, NULL, INT_MAX)) > 0)
		;
	if (n < 0)
		return mb_fail_sys(err, errno, "cannot copy '%s'", self);
	r = seal_memfd(fd, err);
	if (r == 0)
		*ret_fd = mb_take_fd(&fd);
	return r;
}

/* ---- overlay ---- */

/* The directory of the running program and its name there. */
static int find_self(char path[PATH_MAX], const char **ret_name, int *ret_dir, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	struct stat want, have;
	ssize_t n = readlink(self, path, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return mb_fail_sys(err, errno, "cannot read '%s'", self);
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return mb_fail(err, ENOENT, "the program '%s' has no path", path);
	*slash = '\0';
	dir = open(path[0] ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", path);
	if (stat(self, &want) < 0 || fstatat(dir, slash + 1, &have, AT_SYMLINK_NOFOLLOW) < 0)
		return mb_fail_sys(err, errno, "cannot stat the program");
	if (want.st_dev != have.st_dev || want.st_ino != have.st_ino)
		return mb_fail(err, ESTALE, "the program was exchanged since it started");
	*ret_name = slash + 1;
	*ret_dir = mb_take_fd(&dir);
	return 0;
}

/* Without an upper layer an overlay wants two lower ones: @other is a directory that neither
 * holds the program nor lies below it. */
static int overlay_self(const char *other, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1, second = -1, mount_fd = -1;
	char path[PATH_MAX];
	const char *name;
	int fd, r = find_self(path, &name, &dir, err);

	if (r < 0)
		return r;
	second = open(other, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (second < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", other);
	r = mb_sys_mount_overlay(
		&(struct mb_sys_overlay){
			.lowers = (const int[]){dir, second},
			.n_lowers = 2,
			.upper_fd = -1,
			.work_fd = -1,
			.attr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
		},
		&mount_fd, err);
	if (r < 0)
		return r;
	fd = openat(mount_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open the sealed '%s'", name);
	*ret_fd = fd;
	return 0;
}

int mb_sys_seal_self(enum mb_sys_seal_method method, int *ret_fd, struct mb_err *err)
{
	int r = -ENOTSUP;

	if (method != MB_SYS_SEAL_MEMFD) {
		r = overlay_self("/dev", ret_fd, err);
		if (r < 0)
			r = overlay_self("/sys", ret_fd, err);
	}
	if (r < 0 && method != MB_SYS_SEAL_OVERLAY)
		r = copy_self(ret_fd, err);
	return r < 0 ? mb_wrap(err, r, "cannot seal the program") : 0;
}

/* ---- running from it ---- */

bool mb_sys_seal_is_sealed(void)
{
	MB_AUTO_CLOSE int exe = open(self, O_RDONLY | O_CLOEXEC);
	struct statfs fs;
	int seals;

	if (exe < 0)
		return false;
	seals = fcntl(exe, F_GET_SEALS);
	if (seals >= 0 && (seals & SEALS) == SEALS)
		return true;
	return fstatfs(exe, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC &&
	       (fs.f_flags & ST_RDONLY);
}

int mb_sys_seal_ensure(char *const argv[], struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r;

	/* The marker stops an endless loop; that it is true is checked.  Without it even a
	 * read-only overlay is not trusted: the system's own root may be one, with another,
	 * writable mount of the layer below. */
	if (getenv(marker)) {
		const char *slash = strrchr(argv[0], '/');

		unsetenv(marker);
		if (!mb_sys_seal_is_sealed())
			return mb_fail(err, EPERM, "'%s' is set, but nothing is sealed", marker);
		/* execveat() named the process after a descriptor. */
		(void)prctl(PR_SET_NAME, slash ? slash + 1 : argv[0], 0, 0, 0);
		return 0;
	}
	r = mb_sys_seal_self(MB_SYS_SEAL_BEST, &fd, err);
	if (r < 0)
		return r;
	if (setenv(marker, "1", 1) < 0)
		return mb_fail_sys(err, errno, "cannot set '%s'", marker);
	(void)syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	r = -errno;
	unsetenv(marker);
	return mb_fail_sys(err, -r, "cannot start the sealed program");
}

int mb_sys_seal_undumpable(struct mb_err *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return mb_fail_sys(err, errno, "cannot become undumpable");
	return 0;
}
