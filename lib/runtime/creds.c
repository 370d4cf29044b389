/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who the process is, and what it may do. */
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "core/err.h"
#include "core/own.h"
#include "core/strv.h"
#include "runtime/child.h"
#include "runtime/init/protocol.h"
#include "runtime/plan.h"
#include "sys/caps.h"

bool mb_runtime_stub_carries(int filter_fd, const struct mb_oci_process *process)
{
	return filter_fd >= 0 && !process->no_new_privileges;
}

/* A nested or restricted root cannot give what it has not: the container gets the rest, and the
 * user is told. */
static void limit_caps(struct mb_sys_caps *caps, const struct mb_sys_caps *now, int channel)
{
	const uint64_t asked = caps->permitted | caps->effective | caps->inheritable;
	const uint64_t missing = asked & ~now->permitted & mb_sys_cap_all();
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_FREE char *text = NULL;
	struct mb_err warning = MB_ERR_INIT;

	if (!missing)
		return;
	mb_sys_caps_format(missing, &names);
	text = mb_strv_join(&names, " ");
	mb_fail(&warning, EPERM, "capabilities that mybox itself has not: %s", text);
	mb_runtime_channel_tell(channel, MB_RUNTIME_WARNING, &warning);
	caps->permitted &= now->permitted;
	caps->effective &= now->permitted;
	caps->inheritable &= now->permitted;
	caps->ambient &= now->permitted;
}

/* Into the inheritable set while the bounding set still has it. */
static int make_inheritable(const struct mb_sys_caps *now, struct mb_err *err)
{
	struct mb_sys_caps caps = *now;

	caps.inheritable |= MB_SYS_CAP_BIT(CAP_SYS_ADMIN);
	return mb_sys_caps_set(&caps, err);
}

int mb_runtime_creds_become(const struct mb_oci_process *process, bool carry, int channel,
                            struct mb_err *err)
{
	const uint64_t admin = MB_SYS_CAP_BIT(CAP_SYS_ADMIN);
	struct mb_sys_creds creds;
	struct mb_sys_caps now;
	int r = mb_sys_caps_read(&now, err);

	if (r < 0)
		return r;
	mb_runtime_plan_creds(process, &creds);
	limit_caps(&creds.caps, &now, channel);
	umask(process->user.has_umask ? process->user.umask & 07777 : 022);
	if (carry) {
		creds.caps.permitted |= admin;
		creds.caps.effective |= admin;
		creds.caps.inheritable |= admin;
		creds.caps.ambient |= admin;
		r = make_inheritable(&now, err);
	}
	if (r == 0)
		r = mb_sys_creds_apply(&creds, err);
	free((void *)(uintptr_t)creds.groups);
	if (r == 0 && process->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = mb_fail_sys(err, errno, "cannot set no_new_privs");
	return r;
}

int mb_runtime_creds_apply(struct mb_runtime_child *c, struct mb_err *err)
{
	const bool carry = mb_runtime_stub_carries(c->plan->seccomp.fd, c->plan->process);

	return mb_runtime_creds_become(c->plan->process, carry, c->channel, err);
}

/* Keys of who started mybox are not the container's.  A kernel without keyrings, or a quota used
 * up, is no reason to fail. */
int mb_runtime_keyring_enter(const char *id, int channel, struct mb_err *err)
{
	MB_AUTO_FREE char *name = mb_asprintf("_ses.%s", id ? id : "");
	struct mb_err warning = MB_ERR_INIT;
	int r = mb_sys_keyring_join(name, err);

	if (r != MB_SYS_KEYRING_NONE)
		return r;
	mb_fail(&warning, ENOSYS, "the session keyring of the caller is kept");
	mb_runtime_channel_tell(channel, MB_RUNTIME_WARNING, &warning);
	return 0;
}

int mb_runtime_keyring_join(struct mb_runtime_child *c, struct mb_err *err)
{
	if (c->plan->req.no_new_keyring)
		return 0;
	return mb_runtime_keyring_enter(c->plan->req.id, c->channel, err);
}
