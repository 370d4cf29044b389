/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/label.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/spec.h"
#include "runtime/features.h"

/* linux/lsm.h of Linux 6.8, which the headers may not have. */
#define NR_LSM_SET_SELF_ATTR 460
enum { MODULE_SELINUX = 101, MODULE_APPARMOR = 104, MAX_LABEL = 3072 };
struct lsm_context {
	uint64_t id, flags, len, ctx_len;
};

static bool has_call(void)
{
	return syscall(NR_LSM_SET_SELF_ATTR, 0, NULL, NULL, 0) < 0 && errno != ENOSYS;
}

static int write_label(uint64_t module, const char *text, bool by_file, int *ret_fd,
                       struct mb_err *err)
{
	const char *file = module == MODULE_APPARMOR ? "thread-self/attr/apparmor/exec"
	                                             : "thread-self/attr/exec";
	const struct lsm_context head = {
		.id = module, .len = sizeof(head) + strlen(text), .ctx_len = strlen(text)};
	MB_AUTO_CLOSE int fd = memfd_create("label", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot make a memory file");
	r = by_file ? mb_write_full(fd, file, strlen(file) + 1)
	            : mb_write_full(fd, &head, sizeof(head));
	if (r == 0)
		r = mb_write_full(fd, text, strlen(text));
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot write a memory file");
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

static bool is_asked(const char *label)
{
	return label && label[0];
}

int mb_runtime_label_open(const struct mb_oci_process *process, int *ret_fd, bool *ret_by_file,
                          struct mb_err *err)
{
	const char *profile = process->apparmor_profile, *label = process->selinux_label;
	const bool by_file = !has_call();
	MB_AUTO_FREE char *text = NULL;
	MB_AUTO_FREE char *shown = NULL;

	if (is_asked(profile) && mb_streq(profile, "unconfined") && !mb_runtime_has_apparmor())
		profile = NULL; /* what everybody is there */
	if (!is_asked(profile) && !is_asked(label))
		return 0;
	shown = mb_printable(is_asked(profile) ? profile : label);
	if (strlen(shown) > MAX_LABEL)
		return mb_fail(err, E2BIG, "the security label is longer than %d bytes", MAX_LABEL);
	if (is_asked(profile) && !mb_runtime_has_apparmor())
		return mb_fail(err, EOPNOTSUPP,
		               "AppArmor profile '%.200s': this kernel has no AppArmor", shown);
	if (is_asked(label) && !mb_runtime_has_selinux())
		return mb_fail(err, EOPNOTSUPP,
		               "SELinux label '%.200s': this kernel has no SELinux", shown);
	if (is_asked(profile) && is_asked(label))
		return mb_fail(err, EOPNOTSUPP,
		               "an AppArmor profile and an SELinux label together");
	text = is_asked(profile) ? mb_asprintf("exec %s", profile) : mb_strdup(label);
	*ret_by_file = by_file;
	return write_label(is_asked(profile) ? MODULE_APPARMOR : MODULE_SELINUX, text, by_file,
	                   ret_fd, err);
}
