/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crc32c.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "monitor/client.h"

enum { FIRST_PAGE = 4096, ID_TEXT = 80 };

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u /* 6.3; kernels before it take the call without */
#endif

int mb_monitor_image_open(const void *elf, size_t size, int *ret_fd, struct mb_err *err)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	MB_AUTO_CLOSE int fd = memfd_create("mybox-monitor", flags | MFD_EXEC);
	int r;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("mybox-monitor", flags);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot create the monitor's memory file");
	r = mb_write_full(fd, elf, size);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot write the monitor's memory file");
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		return mb_fail_sys(err, errno, "cannot seal the monitor's memory file");
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

static int open_shared(int run_fd, const char *name, size_t size)
{
	MB_AUTO_CLOSE int fd = openat(run_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size != size ||
	    st.st_uid != geteuid() || st.st_mode & 0022)
		return -ENOENT;
	return mb_take_fd(&fd);
}

/* Under a name of its own first: what stands under the shared name is always whole. */
static int write_shared(int run_fd, const char *name, const void *elf, size_t size)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	char temporary[64];
	int r;

	snprintf(temporary, sizeof(temporary), ".monitor-%d.new", getpid());
	unlinkat(run_fd, temporary, 0);
	{
		MB_AUTO_CLOSE int fd = openat(run_fd, temporary, flags, 0500);

		if (fd < 0)
			return -errno;
		r = mb_write_full(fd, elf, size);
	}
	if (r == 0 && renameat(run_fd, temporary, run_fd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(run_fd, temporary, 0);
	return r;
}

int mb_monitor_image_share(int run_fd, const void *elf, size_t size, int *ret_fd,
                           struct mb_err *err)
{
	char name[64];
	int fd, r;

	/* The first page has the linker's build id, so that the whole need not be read. */
	snprintf(name, sizeof(name), "monitor-%08x-%zu",
	         mb_crc32c(0, elf, size < FIRST_PAGE ? size : FIRST_PAGE), size);
	fd = open_shared(run_fd, name, size);
	if (fd < 0) {
		r = write_shared(run_fd, name, elf, size);
		if (r < 0)
			return mb_fail_sys(err, -r, "cannot write '%s'", name);
		fd = open_shared(run_fd, name, size);
	}
	if (fd < 0)
		return mb_fail_sys(err, -fd, "cannot open '%s'", name);
	*ret_fd = fd;
	return 0;
}

int mb_monitor_image_exec(int image_fd, int sock, pid_t pid, const char *id, struct mb_err *err)
{
	char pid_text[16], id_text[ID_TEXT], name[] = "mybox-monitor";
	char *argv[] = {name, pid_text, id_text, NULL};
	char *envp[] = {NULL};
	int r;

	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	if ((size_t)snprintf(id_text, sizeof(id_text), "%s", id) >= sizeof(id_text))
		return mb_fail(err, ENAMETOOLONG, "the container's id is too long");
	if (image_fd == MB_MONITOR_SETUP_FD) {
		image_fd = fcntl(image_fd, F_DUPFD_CLOEXEC, MB_MONITOR_SETUP_FD + 1);
		if (image_fd < 0)
			return mb_fail_sys(err, errno, "cannot move a descriptor");
	}
	r = sock == MB_MONITOR_SETUP_FD ? fcntl(sock, F_SETFD, 0) : dup2(sock, MB_MONITOR_SETUP_FD);
	if (r < 0)
		return mb_fail_sys(err, errno, "cannot move a descriptor");
	fexecve(image_fd, argv, envp);
	return mb_fail_sys(err, errno, "cannot start the monitor");
}
