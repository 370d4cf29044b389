/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --privileged, --hardened, --cap-add, --cap-drop, --security-opt and --sysctl can get wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "container/create.h"
#include "container/security.h"
#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "runtime/runtime.h"
#include "sys/caps.h"
#include "json/json.h"

enum { PROFILE_MAX = 1 << 20 };

/* ---- capabilities ---- */

/* "net_admin" becomes "CAP_NET_ADMIN"; sorted, each once; ALL stands for every other. */
static int name_caps(struct mb_strv *names, struct mb_err *err)
{
	struct mb_strv named = MB_STRV_INIT;
	uint64_t set = 0;
	bool all = false;

	for (size_t i = 0; i < names->n; i++) {
		int cap;

		if (strcasecmp(names->v[i], "ALL") == 0)
			all = true;
		else if (mb_sys_cap_parse(names->v[i], &cap) == 0)
			set |= MB_SYS_CAP_BIT(cap);
		else
			return mb_fail(err, EINVAL, "invalid capability: \"%s\"", names->v[i]);
	}
	if (all)
		mb_strv_add(&named, "ALL");
	else
		mb_sys_caps_format(set, &named);
	mb_strv_sort(&named);
	mb_strv_done(names);
	*names = named;
	return 0;
}

/* ---- seccomp ---- */

static int read_profile(const char *path, char **ret_option, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *profile = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT, option = MB_STR_INIT;
	int r = mb_read_file(AT_FDCWD, path, PROFILE_MAX, &text, err);

	if (r < 0)
		return mb_wrap(err, r, "opening seccomp profile (%s) failed", path);
	r = mb_json_parse_object(text.buf, text.len, &profile, err);
	if (r == 0)
		r = mb_runtime_profile_check(profile, err);
	if (r < 0)
		return mb_wrap(err, r, "seccomp profile (%s)", path);
	mb_str_add(&option, "seccomp=");
	mb_json_format(profile, false, &option);
	*ret_option = mb_str_take(&option);
	return 0;
}

/* docker's words for it: the file is read when the container is made, and never again. */
static int take_profiles_in(struct mb_strv *options, struct mb_err *err)
{
	for (size_t i = 0; i < options->n; i++) {
		const struct mb_container_host_config one = {
			.security_opt = {&options->v[i], 1, 1}};
		MB_AUTO_SECURITY struct mb_container_security s = {0};
		char *option = NULL;
		int r = mb_container_security_read(&one, &s, err);

		if (r == 0 && s.profile)
			r = read_profile(s.profile, &option, err);
		if (r < 0)
			return r;
		if (option) {
			free(options->v[i]);
			options->v[i] = option;
		}
	}
	return 0;
}

/* ---- AppArmor ---- */

static int check_apparmor(const char *profile, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str enabled = MB_STR_INIT;

	if (!profile || (mb_read_file(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", 16,
	                              &enabled, NULL) == 0 &&
	                 enabled.len && enabled.buf[0] == 'Y'))
		return 0;
	return mb_fail(err, EOPNOTSUPP,
	               "apparmor profile '%s': AppArmor is not enabled on this host", profile);
}

/* ---- sysctls ---- */

/* Those that belong to one ipc namespace; fs.mqueue.* do so, too. */
static const char *const ipc_sysctls[] = {
	"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
	"kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
};

static const char *namespace_of(const char *key)
{
	if (mb_starts_with(key, "net."))
		return "network";
	if (mb_starts_with(key, "fs.mqueue."))
		return "ipc";
	if (strcmp(key, "kernel.domainname") == 0)
		return "uts";
	for (size_t i = 0; i < MB_N(ipc_sysctls); i++)
		if (strcmp(key, ipc_sysctls[i]) == 0)
			return "ipc";
	return NULL;
}

static int check_sysctl(const struct mb_container_host_config *h, const char *key,
                        const char *value, struct mb_err *err)
{
	const char *ns = namespace_of(key), *mode;

	if (!value[0] || strstr(key, "..") || key[strcspn(key, " \t\n")] || strchr(value, '\n'))
		return mb_fail(err, EINVAL, "sysctl '%s' is not allowed", key);
	if (!ns)
		return mb_fail(err, EINVAL, "sysctl '%s' is not whitelisted", key);
	mode = ns[0] == 'n' ? h->network_mode : ns[0] == 'i' ? h->ipc_mode : h->uts_mode;
	if (mb_streq(mode, "host"))
		return mb_fail(err, EINVAL, "sysctl '%s' not allowed in host %s namespace", key,
		               ns);
	return 0;
}

int mb_container_security_check(struct mb_container_create_request *q, struct mb_err *err)
{
	struct mb_container_host_config *h = &q->host;
	MB_AUTO_SECURITY struct mb_container_security s = {0};
	int r;

	if (h->privileged && h->hardened)
		return mb_fail(err, EINVAL,
		               "conflicting options: cannot specify both --privileged and "
		               "--hardened");
	r = name_caps(&h->cap_add, err);
	if (r == 0)
		r = name_caps(&h->cap_drop, err);
	if (r == 0)
		r = take_profiles_in(&h->security_opt, err);
	if (r == 0)
		r = mb_container_security_read(h, &s, err);
	if (r == 0)
		r = check_apparmor(s.apparmor, err);
	MB_KV_FOREACH (pair, &h->sysctls)
		if (r == 0)
			r = check_sysctl(h, pair->key, pair->value, err);
	return r;
}
