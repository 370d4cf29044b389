/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/err.h"
#include "sys/caps.h"

/* A user namespace may forbid it for ever (setgroups "deny"): then none can be had there, and who
 * has none is well off. */
static int set_groups(const struct mb_sys_creds *creds, struct mb_err *err)
{
	if (setgroups(creds->n_groups, creds->groups) == 0)
		return 0;
	if (errno == EPERM && creds->n_groups == 0 && getgroups(0, NULL) == 0)
		return 0;
	return mb_fail_sys(err, errno, "cannot set supplementary groups");
}

static int set_ids(const struct mb_sys_creds *creds, struct mb_err *err)
{
	int r = creds->keep_groups ? 0 : set_groups(creds, err);

	if (r < 0)
		return r;
	if (setresgid(creds->gid, creds->gid, creds->gid) < 0)
		return mb_fail_sys(err, errno, "cannot become group %u", creds->gid);
	if (setresuid(creds->uid, creds->uid, creds->uid) < 0)
		return mb_fail_sys(err, errno, "cannot become user %u", creds->uid);
	return 0;
}

int mb_sys_creds_apply(const struct mb_sys_creds *creds, struct mb_err *err)
{
	int r;

	if (creds->uid == UINT32_MAX || creds->gid == UINT32_MAX)
		return mb_fail(err, EINVAL, "user or group %u means none", UINT32_MAX);
	/* While CAP_SETPCAP is still effective. */
	r = mb_sys_caps_bound(creds->caps.bounding, err);
	if (r < 0)
		return r;
	/* Or leaving uid 0 would take the permitted set with it. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return mb_fail_sys(err, errno, "cannot keep capabilities");
	r = set_ids(creds, err);
	if (r == 0)
		r = mb_sys_caps_set(&creds->caps, err);
	if (r == 0 && prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		r = mb_fail_sys(err, errno, "cannot stop keeping capabilities");
	return r;
}
