/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/logset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/own.h"

enum { TRIES = 100, FILES_MAX = 100000 };

void mb_logset_name(const struct mb_logset *set, unsigned i, char buf[MB_LOGSET_NAME + 12])
{
	size_t n = strlen(set->name);

	memcpy(buf, set->name, n + 1);
	if (i)
		snprintf(buf + n, 12, ".%u", i);
}

void mb_logset_packed_name(const struct mb_logset *set, unsigned i, char buf[MB_LOGSET_NAME + 16])
{
	mb_logset_name(set, i, buf);
	memcpy(buf + strlen(buf), ".gz", 4);
}

/* What was unpacked: "mybox-log-ID", or "mybox-log-ID-cut" when its end is broken. */
#define IN_MEMORY "mybox-log-"
#define CUT       "-cut"

/* Of what was unpacked: its name says it. */
static uint64_t identity_in_memory(int fd, bool *ret_is_cut)
{
	static const char prefix[] = "/memfd:" IN_MEMORY;
	char path[32], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	if (strncmp(target, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	*ret_is_cut = strstr(target, CUT) != NULL;
	return strtoull(target + sizeof(prefix) - 1, NULL, 10);
}

/* As <linux/stat.h> has it, which musl does not bring. */
struct statx_of {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare;
	uint64_t ino, size, blocks, attributes_mask;
	struct {
		int64_t sec;
		uint32_t nsec;
		int32_t spare;
	} atime, btime, ctime, mtime;
	uint64_t rest[16];
};
_Static_assert(sizeof(struct statx_of) == 256, "the kernel's");
enum { WANT_NLINK = 0x4, WANT_INO = 0x100, WANT_BTIME = 0x800 };

/* The number of a file that was removed is soon another's, as on ext4; its time of birth is not.
 * Where none is kept (tmpfs) numbers are not given twice.  Return: whether it is there. */
static bool look(int dir_fd, const char *name, uint64_t *ret, bool *ret_is_unlinked)
{
	const uint64_t odd = 0x9e3779b97f4a7c15ull; /* so that no two times of one number are one */
	const int flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
	struct statx_of x = {0};
	struct stat st;

	if (syscall(SYS_statx, dir_fd, name, flags, WANT_NLINK | WANT_INO | WANT_BTIME, &x) < 0) {
		if (fstatat(dir_fd, name, &st, flags) < 0)
			return false;
		x = (struct statx_of){.ino = st.st_ino, .nlink = (uint32_t)st.st_nlink};
	}
	*ret = x.ino;
	if (x.mask & WANT_BTIME)
		*ret ^= ((uint64_t)x.btime.sec * 1000000000u + x.btime.nsec) * odd;
	*ret_is_unlinked = x.nlink == 0;
	return true;
}

uint64_t mb_logset_identity(int fd)
{
	uint64_t id, packed;
	bool is_unlinked, ignored;

	if (!look(fd, "", &id, &is_unlinked))
		return 0;
	packed = is_unlinked ? identity_in_memory(fd, &ignored) : 0;
	return packed ? packed : id;
}

bool mb_logset_is_cut(int fd)
{
	bool is_cut = false;

	return identity_in_memory(fd, &is_cut) && is_cut;
}

bool mb_logset_is_ordered(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_ISVTX);
}

static int open_file(const struct mb_logset *set, const char *name, int *ret_fd)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	MB_AUTO_CLOSE int fd = openat(set->dir_fd, name, flags);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

/* What the comment of a packed file says.  Its own, when it has lost even that. */
static uint64_t identity_of_packed(int fd)
{
	static const char magic[] = {0x1f, (char)0x8b, 8, 0x10};
	enum { COMMENT = 10 };
	char head[COMMENT + 24];
	ssize_t n = pread(fd, head, sizeof(head) - 1, 0);

	if (n <= COMMENT || memcmp(head, magic, sizeof(magic)) != 0)
		return mb_logset_identity(fd);
	head[n] = '\0';
	return strtoull(head + COMMENT, NULL, 10);
}

static uint64_t identity_at(const struct mb_logset *set, unsigned i)
{
	char name[MB_LOGSET_NAME + 16];
	MB_AUTO_CLOSE int fd = -1;
	uint64_t id;
	bool ignored;

	mb_logset_name(set, i, name);
	if (look(set->dir_fd, name, &id, &ignored))
		return id;
	if (!set->unpack || !i)
		return 0;
	mb_logset_packed_name(set, i, name);
	return open_file(set, name, &fd) == 0 ? identity_of_packed(fd) : 0;
}

static int open_packed(const struct mb_logset *set, unsigned i, int *ret_fd)
{
	MB_AUTO_CLOSE int packed = -1, fd = -1;
	char name[MB_LOGSET_NAME + 16], label[48];
	int r;

	mb_logset_packed_name(set, i, name);
	r = open_file(set, name, &packed);
	if (r < 0)
		return r;
	/* One whose end is broken is what its beginning gives: the name tells. */
	for (int is_cut = 0;; is_cut++) {
		snprintf(label, sizeof(label), IN_MEMORY "%llu%s",
		         (unsigned long long)identity_of_packed(packed), is_cut ? CUT : "");
		fd = memfd_create(label, MFD_CLOEXEC);
		r = fd < 0 ? -errno : set->unpack(packed, fd);
		if (r != -EBADMSG || is_cut)
			break;
		mb_close(&fd);
	}
	if (r < 0 && r != -EBADMSG)
		return r;
	if (mb_logset_is_ordered(packed))
		fchmod(fd, S_ISVTX | 0600);
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

static int open_at(const struct mb_logset *set, unsigned i, int *ret_fd)
{
	char name[MB_LOGSET_NAME + 12];
	int r;

	mb_logset_name(set, i, name);
	r = open_file(set, name, ret_fd);
	return r == -ENOENT && set->unpack && i ? open_packed(set, i, ret_fd) : r;
}

static bool is_plain(const struct mb_logset *set, unsigned i)
{
	char name[MB_LOGSET_NAME + 12];
	uint64_t ignored;
	bool too;

	mb_logset_name(set, i, name);
	return look(set->dir_fd, name, &ignored, &too);
}

/* Two numbers missing in a row end the set.  A file moves up only, as the search does, so one that
 * is there is met.  Return: whether @fd has a place, *@ret_i. */
static bool find(const struct mb_logset *set, int fd, unsigned *ret_i)
{
	uint64_t wanted = mb_logset_identity(fd);
	unsigned missing = 0;
	bool is_cut, was_packed = identity_in_memory(fd, &is_cut) != 0;

	for (unsigned i = 0; i < FILES_MAX && missing < 2; i++) {
		uint64_t here = identity_at(set, i);

		missing = here ? 0 : missing + 1;
		/* Times of birth are coarse: what was packed is not looked for elsewhere. */
		if (here && here == wanted && !(was_packed && is_plain(set, i))) {
			*ret_i = i;
			return true;
		}
	}
	return false;
}

bool mb_logset_holds(const struct mb_logset *set, int fd)
{
	unsigned i;

	return find(set, fd, &i);
}

int mb_logset_is_current(const struct mb_logset *set, int fd)
{
	bool is_cut;

	return identity_in_memory(fd, &is_cut) == 0 &&
	       identity_at(set, 0) == mb_logset_identity(fd);
}

int mb_logset_newest(const struct mb_logset *set, int *ret_fd)
{
	for (unsigned i = 0; i < 2; i++) {
		int r = open_at(set, i, ret_fd);

		if (r != -ENOENT)
			return r;
	}
	return MB_LOGSET_NONE;
}

static bool has_older(const struct mb_logset *set, unsigned i)
{
	return identity_at(set, i + 1) || identity_at(set, i + 2);
}

int mb_logset_oldest(const struct mb_logset *set, int *ret_fd)
{
	for (int try = 0; try < TRIES; try++) {
		unsigned last = 0;
		int r;

		while (last < FILES_MAX && has_older(set, last))
			last++;
		if (last && !identity_at(set, last))
			last--; /* the one missing number of a rotation */
		r = open_at(set, last, ret_fd);
		if (r == 0 && has_older(set, last)) {
			close(*ret_fd);
			continue;
		}
		if (r != -ENOENT)
			return r;
		if (last == 0)
			return MB_LOGSET_NONE;
	}
	return mb_logset_newest(set, ret_fd);
}

/* Open the neighbour in direction @step (-1 newer, +1 older), over one missing number. */
static int neighbour(const struct mb_logset *set, int fd, int step, int *ret_fd)
{
	for (int try = 0; try < TRIES; try++) {
		uint64_t self = mb_logset_identity(fd);
		int other = -1, r = -ENOENT;
		unsigned i;

		if (!find(set, fd, &i))
			return MB_LOGSET_LOST;
		for (int hop = 1; hop <= 2 && r == -ENOENT && (int)i + hop * step >= 0; hop++)
			r = open_at(set, (unsigned)((int)i + hop * step), &other);
		if (identity_at(set, i) == self) {
			if (r == 0)
				*ret_fd = other;
			return r == -ENOENT ? MB_LOGSET_NONE : r;
		}
		mb_close(&other);
	}
	return MB_LOGSET_LOST;
}

int mb_logset_newer(const struct mb_logset *set, int fd, int *ret_fd)
{
	return neighbour(set, fd, -1, ret_fd);
}

int mb_logset_older(const struct mb_logset *set, int fd, int *ret_fd)
{
	return neighbour(set, fd, 1, ret_fd);
}
