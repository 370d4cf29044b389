/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log files that were rotated away are packed by `mybox __pack`, one after the other, while the
 * container writes on: who wrote the last one waits for nobody.  What is renamed is renamed here
 * alone, so that a rotation meanwhile is no race. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/own.h"
#include "monitor/logset.h"
#include "monitor/monitor.h"

static const char fresh[] = ".log.gz.new";

/* The newest that is not packed.  Return: 0 when there is none. */
static unsigned find_plain(const struct mb_monitor *m)
{
	for (unsigned i = 1; i < m->log.files; i++) {
		char name[MB_LOGSET_NAME + 12];
		struct stat st;

		mb_logset_name(&m->log.set, i, name);
		if (fstatat(m->log.set.dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			return i;
	}
	return 0;
}

/* Where the one that was packed is by now: it was held open, so no other has its number.
 * Return: 0 when it was rotated away. */
static unsigned find_packed(const struct mb_monitor *m)
{
	struct stat held, st;

	for (unsigned i = 1; i < m->log.files && fstat(m->pack.from, &held) == 0; i++) {
		char name[MB_LOGSET_NAME + 12];

		mb_logset_name(&m->log.set, i, name);
		if (fstatat(m->log.set.dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_ino == held.st_ino)
			return i;
	}
	return 0;
}

void mb_monitor_logpack_step(struct mb_monitor *m)
{
	MB_AUTO_CLOSE int to = -1;
	char name[MB_LOGSET_NAME + 12];
	int dir = m->log.set.dir_fd;
	unsigned i;

	if (!m->log.wants_pack || m->pack.pid)
		return;
	i = find_plain(m);
	m->log.wants_pack = i != 0;
	if (!i)
		return;
	mb_logset_name(&m->log.set, i, name);
	m->pack.from = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	/* One that another monitor had made before it was killed may still be written to. */
	unlinkat(dir, fresh, 0);
	to = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (m->pack.from >= 0 && to >= 0 && mb_logset_is_ordered(m->pack.from))
		fchmod(to, S_ISVTX | 0600);
	if (m->pack.from >= 0 && to >= 0)
		m->pack.pid = mb_monitor_process_spawn(m, "__pack", (int[]){m->pack.from, to});
	/* Tried again when there is more to be packed. */
	if (m->pack.pid <= 0) {
		m->pack.pid = 0;
		mb_close(&m->pack.from);
		m->log.wants_pack = false;
		unlinkat(dir, fresh, 0);
	}
}

void mb_monitor_logpack_ended(struct mb_monitor *m, pid_t pid, int code)
{
	char plain[MB_LOGSET_NAME + 12], packed[MB_LOGSET_NAME + 16];
	int dir = m->log.set.dir_fd;
	unsigned i;

	if (!pid || pid != m->pack.pid)
		return;
	m->pack.pid = 0;
	i = code == 0 ? find_packed(m) : 0;
	mb_close(&m->pack.from);
	if (i) {
		mb_logset_name(&m->log.set, i, plain);
		mb_logset_packed_name(&m->log.set, i, packed);
		/* For a moment both are there, and a reader takes the first. */
		if (renameat(dir, fresh, dir, packed) < 0 || unlinkat(dir, plain, 0) < 0)
			code = -1;
	}
	unlinkat(dir, fresh, 0);
	/* The same would fail again; it is tried again when there is more. */
	if (code != 0)
		m->log.wants_pack = false;
	mb_monitor_logpack_step(m);
}

void mb_monitor_logpack_drop(struct mb_monitor *m)
{
	if (!m->pack.pid)
		return;
	kill(m->pack.pid, SIGKILL);
	m->pack.pid = 0;
	mb_close(&m->pack.from);
	unlinkat(m->log.set.dir_fd, fresh, 0);
}
