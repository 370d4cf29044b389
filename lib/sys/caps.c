/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"

static const char prefix[] = "CAP_";
enum { PREFIX_LEN = 4, CAP_MAX = 63 };

static const char *const names[] = {
	[CAP_CHOWN] = "CHOWN",
	[CAP_DAC_OVERRIDE] = "DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "DAC_READ_SEARCH",
	[CAP_FOWNER] = "FOWNER",
	[CAP_FSETID] = "FSETID",
	[CAP_KILL] = "KILL",
	[CAP_SETGID] = "SETGID",
	[CAP_SETUID] = "SETUID",
	[CAP_SETPCAP] = "SETPCAP",
	[CAP_LINUX_IMMUTABLE] = "LINUX_IMMUTABLE",
	[CAP_NET_BIND_SERVICE] = "NET_BIND_SERVICE",
	[CAP_NET_BROADCAST] = "NET_BROADCAST",
	[CAP_NET_ADMIN] = "NET_ADMIN",
	[CAP_NET_RAW] = "NET_RAW",
	[CAP_IPC_LOCK] = "IPC_LOCK",
	[CAP_IPC_OWNER] = "IPC_OWNER",
	[CAP_SYS_MODULE] = "SYS_MODULE",
	[CAP_SYS_RAWIO] = "SYS_RAWIO",
	[CAP_SYS_CHROOT] = "SYS_CHROOT",
	[CAP_SYS_PTRACE] = "SYS_PTRACE",
	[CAP_SYS_PACCT] = "SYS_PACCT",
	[CAP_SYS_ADMIN] = "SYS_ADMIN",
	[CAP_SYS_BOOT] = "SYS_BOOT",
	[CAP_SYS_NICE] = "SYS_NICE",
	[CAP_SYS_RESOURCE] = "SYS_RESOURCE",
	[CAP_SYS_TIME] = "SYS_TIME",
	[CAP_SYS_TTY_CONFIG] = "SYS_TTY_CONFIG",
	[CAP_MKNOD] = "MKNOD",
	[CAP_LEASE] = "LEASE",
	[CAP_AUDIT_WRITE] = "AUDIT_WRITE",
	[CAP_AUDIT_CONTROL] = "AUDIT_CONTROL",
	[CAP_SETFCAP] = "SETFCAP",
	[CAP_MAC_OVERRIDE] = "MAC_OVERRIDE",
	[CAP_MAC_ADMIN] = "MAC_ADMIN",
	[CAP_SYSLOG] = "SYSLOG",
	[CAP_WAKE_ALARM] = "WAKE_ALARM",
	[CAP_BLOCK_SUSPEND] = "BLOCK_SUSPEND",
	[CAP_AUDIT_READ] = "AUDIT_READ",
	[CAP_PERFMON] = "PERFMON",
	[CAP_BPF] = "BPF",
	[CAP_CHECKPOINT_RESTORE] = "CHECKPOINT_RESTORE",
};

/* ---- names ---- */

int mb_sys_cap_parse(const char *name, int *ret_cap)
{
	uint32_t number;

	if (!strncasecmp(name, prefix, PREFIX_LEN))
		name += PREFIX_LEN;
	for (size_t i = 0; i < MB_N(names); i++) {
		if (!strcasecmp(names[i], name)) {
			*ret_cap = (int)i;
			return 0;
		}
	}
	if (mb_parse_u32(name, &number) < 0 || number > CAP_MAX)
		return -EINVAL;
	*ret_cap = (int)number;
	return 0;
}

char *mb_sys_cap_name(int cap, char buf[MB_SYS_CAP_TEXT])
{
	if (cap >= 0 && (size_t)cap < MB_N(names))
		snprintf(buf, MB_SYS_CAP_TEXT, "%s%s", prefix, names[cap]);
	else
		snprintf(buf, MB_SYS_CAP_TEXT, "%s%d", prefix, cap);
	return buf;
}

int mb_sys_cap_last(void)
{
	static int last = -1;

	if (last >= 0)
		return last;
	last = (int)MB_N(names) - 1;
	while (last < CAP_MAX && prctl(PR_CAPBSET_READ, last + 1, 0, 0, 0) >= 0)
		last++;
	while (last > 0 && prctl(PR_CAPBSET_READ, last, 0, 0, 0) < 0)
		last--;
	return last;
}

uint64_t mb_sys_cap_all(void)
{
	return UINT64_MAX >> (CAP_MAX - mb_sys_cap_last());
}

int mb_sys_caps_parse(const struct mb_strv *list, uint64_t *ret_set, struct mb_err *err)
{
	uint64_t set = 0;

	for (size_t i = 0; i < list->n; i++) {
		int cap;

		if (!strcasecmp(list->v[i], "ALL")) {
			set |= mb_sys_cap_all();
			continue;
		}
		if (mb_sys_cap_parse(list->v[i], &cap) < 0)
			return mb_fail(err, EINVAL, "unknown capability '%s'", list->v[i]);
		set |= MB_SYS_CAP_BIT(cap);
	}
	*ret_set = set;
	return 0;
}

void mb_sys_caps_format(uint64_t set, struct mb_strv *out)
{
	char name[MB_SYS_CAP_TEXT];

	for (int cap = 0; cap <= CAP_MAX; cap++) {
		if (set & MB_SYS_CAP_BIT(cap))
			mb_strv_add(out, mb_sys_cap_name(cap, name));
	}
}

/* ---- sets ---- */

static uint64_t join_words(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

int mb_sys_caps_read(struct mb_sys_caps *ret, struct mb_err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];
	struct mb_sys_caps caps = {0};

	if (syscall(SYS_capget, &header, words) < 0)
		return mb_fail_sys(err, errno, "cannot read capabilities");
	caps.effective = join_words(words[0].effective, words[1].effective);
	caps.permitted = join_words(words[0].permitted, words[1].permitted);
	caps.inheritable = join_words(words[0].inheritable, words[1].inheritable);
	for (int cap = 0; cap <= mb_sys_cap_last(); cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			caps.bounding |= MB_SYS_CAP_BIT(cap);
		/* None is ambient that is not inheritable. */
		if (caps.inheritable & MB_SYS_CAP_BIT(cap) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			caps.ambient |= MB_SYS_CAP_BIT(cap);
	}
	*ret = caps;
	return 0;
}

int mb_sys_caps_bound(uint64_t keep, struct mb_err *err)
{
	char name[MB_SYS_CAP_TEXT];

	for (int cap = 0; cap <= mb_sys_cap_last(); cap++) {
		if (keep & MB_SYS_CAP_BIT(cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		/* Without CAP_SETPCAP even what is not there cannot be dropped. */
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 0)
			continue;
		return mb_fail_sys(err, errno, "cannot drop %s from the bounding set",
		                   mb_sys_cap_name(cap, name));
	}
	return 0;
}

static int set_ambient(uint64_t ambient, struct mb_err *err)
{
	char name[MB_SYS_CAP_TEXT];

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return mb_fail_sys(err, errno, "cannot clear ambient capabilities");
	for (int cap = 0; ambient && cap <= mb_sys_cap_last(); cap++) {
		if (!(ambient & MB_SYS_CAP_BIT(cap)))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return mb_fail_sys(err, errno, "cannot make %s ambient",
			                   mb_sys_cap_name(cap, name));
	}
	return 0;
}

int mb_sys_caps_set(const struct mb_sys_caps *caps, struct mb_err *err)
{
	const uint64_t all = mb_sys_cap_all();
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];

	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		words[i].effective = (uint32_t)((caps->effective & all) >> (32 * i));
		words[i].permitted = (uint32_t)((caps->permitted & all) >> (32 * i));
		words[i].inheritable = (uint32_t)((caps->inheritable & all) >> (32 * i));
	}
	if (syscall(SYS_capset, &header, words) < 0)
		return mb_fail_sys(err, errno, "cannot set capabilities");
	return set_ambient(caps->ambient & all, err);
}

/* ---- keyring ---- */

int mb_sys_keyring_join(const char *name, struct mb_err *err)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) >= 0)
		return 0;
	if (errno == ENOSYS || errno == EDQUOT || errno == EPERM || errno == EACCES)
		return MB_SYS_KEYRING_NONE;
	return mb_fail_sys(err, errno, "cannot join a new session keyring");
}
