/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/seccomp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <seccomp.h>

#include "core/crc32c.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/sha256.h"
#include "core/str.h"
#include "runtime/plan.h"
#include "runtime/runtime.h"
#include "runtime/seccomp_data.h"
#include "sys/caps.h"
#include "json/json.h"

static int write_program(const struct sock_filter *insns, size_t n, int *ret_fd, size_t *ret_bytes,
                         struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = memfd_create("seccomp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot make a memory file");
	r = mb_write_full(fd, insns, n * sizeof(*insns));
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot write a memory file");
	*ret_fd = mb_take_fd(&fd);
	*ret_bytes = n * sizeof(*insns);
	return 0;
}

static int open_builtin(uint64_t caps, bool hardened, int *ret_fd, size_t *ret_bytes,
                        struct mb_err *err)
{
	MB_AUTO_FREE struct sock_filter *insns = NULL;
	size_t n;

	if (caps == mb_runtime_seccomp_default_caps() && !hardened)
		return write_program(MB_SECCOMP_NATIVE.usual, MB_SECCOMP_NATIVE.n_usual, ret_fd,
		                     ret_bytes, err);
	insns = mb_calloc(MB_SECCOMP_MAX_INSNS, sizeof(*insns));
	n = mb_runtime_seccomp_emit(MB_SECCOMP_NATIVE.archs, caps, hardened, insns);
	return write_program(insns, n, ret_fd, ret_bytes, err);
}

/* ---- the cache: a compiled profile under the digest of all that it depends on ---- */

static void cache_name(struct json_object *profile, uint64_t caps, char name[MB_SHA256_TEXT])
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	const struct scmp_version *version = seccomp_version();
	struct utsname host = {0};

	uname(&host);
	mb_str_addf(&text, "2 %u.%u.%u %s %s %llx ", version->major, version->minor, version->micro,
	            host.machine, host.release, (unsigned long long)caps);
	mb_json_format(profile, false, &text);
	mb_sha256_text(mb_str_text(&text), text.len, name);
}

/* What stands before the instructions. */
struct cache_head {
	char magic[8];
	uint32_t sum; /* crc32c of the instructions */
	uint32_t flags;
};
static const char cache_magic[8] = "mybox-1";
enum { CACHE_MOST = 256 };

/* Whoever can write there chooses what containers may do: the directory, which the file cannot
 * leave, is root's alone. */
static bool is_trusted(int cache_fd)
{
	struct stat st;

	return cache_fd >= 0 && fstat(cache_fd, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && !(st.st_mode & 077);
}

/* A cache that cannot be read is none. */
static int read_cache(int cache_fd, const char *name, struct mb_runtime_seccomp *ret)
{
	MB_AUTO_CLOSE int fd = openat(cache_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct sock_filter insns[MB_SECCOMP_MAX_INSNS];
	struct cache_head head;
	struct stat st;
	size_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022))
		return -ENOENT;
	if (mb_read_full(fd, &head, sizeof(head), &n) < 0 || n != sizeof(head) ||
	    memcmp(head.magic, cache_magic, sizeof(head.magic)) != 0)
		return -ENOENT;
	if (mb_read_full(fd, insns, sizeof(insns), &n) < 0 || n == 0 || n % sizeof(insns[0]) ||
	    head.sum != mb_crc32c(0, insns, n))
		return -ENOENT;
	ret->flags |= head.flags;
	return write_program(insns, n / sizeof(insns[0]), &ret->fd, &ret->bytes, NULL);
}

/* Profiles come and go, and their programs would pile up. */
static void shrink_cache(int cache_fd)
{
	DIR *dir = mb_dir_open(cache_fd, ".");
	const struct dirent *entry;
	size_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir && n > CACHE_MOST) {
		rewinddir(dir);
		while ((entry = readdir(dir)))
			(void)!unlinkat(cache_fd, entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

static void write_cache(int cache_fd, const char *name, unsigned listener,
                        const struct sock_filter *insns, size_t n)
{
	struct cache_head head = {.sum = mb_crc32c(0, insns, n * sizeof(*insns)),
	                          .flags = listener};
	MB_AUTO_FREE char *temporary = mb_asprintf(".%s.%d", name, getpid());
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_CLOSE int fd = -1;

	shrink_cache(cache_fd);
	memcpy(head.magic, cache_magic, sizeof(head.magic));
	fd = openat(cache_fd, temporary, flags, 0600);
	if (fd < 0)
		return;
	if (mb_write_full(fd, &head, sizeof(head)) < 0 ||
	    mb_write_full(fd, insns, n * sizeof(*insns)) < 0 ||
	    renameat(cache_fd, temporary, cache_fd, name) < 0)
		(void)!unlinkat(cache_fd, temporary, 0);
}

static int open_profile(struct json_object *profile, uint64_t caps, int cache_fd,
                        struct mb_runtime_seccomp *ret, struct mb_err *err)
{
	const bool cached = is_trusted(cache_fd);
	MB_AUTO_FREE struct sock_filter *insns = NULL;
	char name[MB_SHA256_TEXT];
	bool notifies = false;
	unsigned listener;
	size_t n = 0;
	int r = mb_runtime_seccomp_read_flags(profile, &ret->flags, err);

	if (r < 0)
		return r;
	if (cached) {
		cache_name(profile, caps, name);
		if (read_cache(cache_fd, name, ret) == 0)
			return 0;
	}
	r = mb_runtime_seccomp_notifies(profile, &notifies, err);
	if (r == 0)
		r = mb_runtime_seccomp_compile(profile, caps, &insns, &n, err);
	if (r < 0 || n == 0)
		return r;
	listener = notifies ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
	ret->flags |= listener;
	if (cached)
		write_cache(cache_fd, name, listener, insns, n);
	return write_program(insns, n, &ret->fd, &ret->bytes, err);
}

/* Together with a listener, threads that cannot follow must be told otherwise; without one nobody
 * waits for it. */
static void fit_flags(struct mb_runtime_seccomp *s)
{
	const bool listens = s->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;

	if (listens && (s->flags & SECCOMP_FILTER_FLAG_TSYNC))
		s->flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	if (!listens)
		s->flags &= ~MB_SECCOMP_WAIT_KILLABLE_RECV;
}

int mb_runtime_seccomp_open(struct json_object *profile, unsigned filter,
                            const struct mb_oci_process *process, int cache_fd,
                            struct mb_runtime_seccomp *ret, struct mb_err *err)
{
	uint64_t caps = 0;
	int r = 0;

	if (process->capabilities)
		caps = mb_runtime_caps_parse(&process->capabilities->bounding, NULL);
	if (filter == MB_RUNTIME_FILTER_BUILTIN || filter == MB_RUNTIME_FILTER_HARDENED) {
		ret->flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
		return open_builtin(caps, filter == MB_RUNTIME_FILTER_HARDENED, &ret->fd,
		                    &ret->bytes, err);
	}
	if (filter == MB_RUNTIME_FILTER_PROFILE)
		r = open_profile(profile, caps, cache_fd, ret, err);
	fit_flags(ret);
	return r < 0 ? mb_wrap(err, r, "seccomp profile") : 0;
}

int mb_runtime_profile_check(struct json_object *profile, struct mb_err *err)
{
	/* With every capability and with none: each condition holds once. */
	for (int all = 0; all < 2; all++) {
		MB_AUTO_FREE struct sock_filter *insns = NULL;
		size_t n = 0;
		int r = mb_runtime_seccomp_compile(profile, all ? UINT64_MAX : 0, &insns, &n, err);

		if (r < 0)
			return r;
	}
	return 0;
}
