/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <seccomp.h>

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
	mb_str_addf(&text, "1 %u.%u.%u %s %s %llx ", version->major, version->minor, version->micro,
	            host.machine, host.release, (unsigned long long)caps);
	mb_json_format(profile, false, &text);
	mb_sha256_text(mb_str_text(&text), text.len, name);
}

/* A cache that cannot be read is none. */
static int read_cache(int cache_fd, const char *name, int *ret_fd, size_t *ret_bytes)
{
	MB_AUTO_CLOSE int fd = openat(cache_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct sock_filter insns[MB_SECCOMP_MAX_INSNS];
	size_t n = 0;

	if (fd < 0 || mb_read_full(fd, insns, sizeof(insns), &n) < 0)
		return -ENOENT;
	if (n == 0 || n % sizeof(insns[0]))
		return -ENOENT;
	return write_program(insns, n / sizeof(insns[0]), ret_fd, ret_bytes, NULL);
}

static void write_cache(int cache_fd, const char *name, const struct sock_filter *insns, size_t n)
{
	MB_AUTO_FREE char *temporary = mb_asprintf(".%s.%d", name, getpid());
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_CLOSE int fd = openat(cache_fd, temporary, flags, 0600);

	if (fd < 0)
		return;
	if (mb_write_full(fd, insns, n * sizeof(*insns)) < 0 ||
	    renameat(cache_fd, temporary, cache_fd, name) < 0)
		(void)!unlinkat(cache_fd, temporary, 0);
}

static int open_profile(struct json_object *profile, uint64_t caps, int cache_fd, int *ret_fd,
                        size_t *ret_bytes, struct mb_err *err)
{
	MB_AUTO_FREE struct sock_filter *insns = NULL;
	char name[MB_SHA256_TEXT];
	size_t n = 0;
	int r;

	if (cache_fd >= 0) {
		cache_name(profile, caps, name);
		if (read_cache(cache_fd, name, ret_fd, ret_bytes) == 0)
			return 0;
	}
	r = mb_runtime_seccomp_compile(profile, caps, &insns, &n, err);
	if (r < 0 || n == 0)
		return r;
	if (cache_fd >= 0)
		write_cache(cache_fd, name, insns, n);
	return write_program(insns, n, ret_fd, ret_bytes, err);
}

int mb_runtime_seccomp_open(struct json_object *profile, unsigned filter,
                            const struct mb_oci_process *process, int cache_fd, int *ret_fd,
                            size_t *ret_bytes, struct mb_err *err)
{
	uint64_t caps = 0;
	int r = 0;

	if (process->capabilities)
		r = mb_sys_caps_parse(&process->capabilities->bounding, &caps, err);
	if (r < 0)
		return r;
	if (filter == MB_RUNTIME_FILTER_BUILTIN || filter == MB_RUNTIME_FILTER_HARDENED)
		return open_builtin(caps, filter == MB_RUNTIME_FILTER_HARDENED, ret_fd, ret_bytes,
		                    err);
	if (filter == MB_RUNTIME_FILTER_PROFILE)
		r = open_profile(profile, caps, cache_fd, ret_fd, ret_bytes, err);
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
