/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/security.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "container/record.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "sys/caps.h"

void mb_container_security_done(struct mb_container_security *s)
{
	mb_strv_done(&s->masked);
	mb_strv_done(&s->unmasked);
	mb_strv_done(&s->proc_options);
}

/* ---- one function an option; @value is "" without one.  Return: 0, or -EINVAL ---- */

static int take_no_new_privileges(struct mb_container_security *s, const char *value)
{
	s->no_new_privileges = true;
	return *value ? mb_parse_bool(value, &s->no_new_privileges) : 0;
}

static int take_seccomp(struct mb_container_security *s, const char *value)
{
	s->profile = NULL;
	if (strcmp(value, "unconfined") == 0) {
		s->filter = MB_CONTAINER_FILTER_NONE;
	} else if (strcmp(value, "builtin") == 0 || strcmp(value, "default") == 0) {
		s->filter = MB_CONTAINER_FILTER_BUILTIN;
	} else {
		s->filter = MB_CONTAINER_FILTER_PROFILE;
		s->profile = value;
	}
	return *value ? 0 : -EINVAL;
}

static int take_apparmor(struct mb_container_security *s, const char *value)
{
	s->apparmor = strcmp(value, "unconfined") == 0 ? NULL : value;
	return *value ? 0 : -EINVAL;
}

/* SELinux confines nothing that mybox starts, so there is nothing to disable. */
static int take_label(struct mb_container_security *s, const char *value)
{
	(void)s;
	return strcmp(value, "disable") == 0 ? 0 : -EINVAL;
}

static int take_systempaths(struct mb_container_security *s, const char *value)
{
	s->paths_unconfined = true;
	return strcmp(value, "unconfined") == 0 ? 0 : -EINVAL;
}

static int add_paths(struct mb_strv *paths, const char *value)
{
	size_t first = paths->n;

	mb_strv_split(paths, value, ':');
	for (size_t i = first; i < paths->n; i++)
		if (paths->v[i][0] != '/' || strstr(paths->v[i], ".."))
			return -EINVAL;
	return *value ? 0 : -EINVAL;
}

static int take_mask(struct mb_container_security *s, const char *value)
{
	return add_paths(&s->masked, value);
}

static int take_unmask(struct mb_container_security *s, const char *value)
{
	if (strcasecmp(value, "ALL") == 0) {
		s->paths_unconfined = true;
		return 0;
	}
	return add_paths(&s->unmasked, value);
}

/* What makes /proc show less; nothing that a mount could be turned into something else with. */
static int take_proc_opts(struct mb_container_security *s, const char *value)
{
	static const char *const hide[] = {"0",        "1",         "2",          "4", "off",
	                                   "noaccess", "invisible", "ptraceable", NULL};
	uint32_t gid;

	mb_strv_split(&s->proc_options, value, ',');
	for (size_t i = 0; i < s->proc_options.n; i++) {
		const char *option = s->proc_options.v[i],
			   *word = mb_skip_prefix(option, "hidepid=");
		bool known = strcmp(option, "subset=pid") == 0;

		for (size_t k = 0; word && hide[k]; k++)
			known |= strcmp(word, hide[k]) == 0;
		word = mb_skip_prefix(option, "gid=");
		known |= word && mb_parse_u32(word, &gid) == 0;
		if (!known)
			return -EINVAL;
	}
	return *value ? 0 : -EINVAL;
}

static const struct {
	const char *key;
	int (*take)(struct mb_container_security *s, const char *value);
} options[] = {
	{"no-new-privileges", take_no_new_privileges},
	{"seccomp", take_seccomp},
	{"apparmor", take_apparmor},
	{"label", take_label},
	{"systempaths", take_systempaths},
	{"mask", take_mask},
	{"unmask", take_unmask},
	{"proc-opts", take_proc_opts},
};

/* KEY=VALUE and docker's older KEY:VALUE. */
static int take_option(struct mb_container_security *s, const char *text, struct mb_err *err)
{
	const size_t n = strcspn(text, "=:");
	const char *value = text + n + (text[n] != '\0');

	for (size_t i = 0; i < MB_N(options); i++) {
		if (strlen(options[i].key) != n || strncmp(options[i].key, text, n) != 0)
			continue;
		if (options[i].take(s, value) == 0)
			return 0;
		if (options[i].take == take_label)
			return mb_fail(err, EOPNOTSUPP,
			               "--security-opt %s: SELinux labels are not supported", text);
		break;
	}
	return mb_fail(err, EINVAL, "invalid --security-opt: \"%s\"", text);
}

int mb_container_security_read(const struct mb_container_host_config *h,
                               struct mb_container_security *ret, struct mb_err *err)
{
	*ret = (struct mb_container_security){
		.no_new_privileges = h->hardened,
		.filter = h->privileged ? MB_CONTAINER_FILTER_NONE : MB_CONTAINER_FILTER_BUILTIN,
	};
	for (size_t i = 0; i < h->security_opt.n; i++) {
		int r = take_option(ret, h->security_opt.v[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- capabilities ---- */

/* docker's fourteen; --hardened leaves the first three out, as podman does. */
static const char *const default_caps[] = {
	"MKNOD",   "NET_RAW", "AUDIT_WRITE",      "CHOWN",      "DAC_OVERRIDE",
	"FSETID",  "FOWNER",  "SETGID",           "SETUID",     "SETFCAP",
	"SETPCAP", "KILL",    "NET_BIND_SERVICE", "SYS_CHROOT",
};
enum { BEYOND_HARDENED = 3 };

static int read_set(const struct mb_strv *names, uint64_t *ret, bool *ret_all, struct mb_err *err)
{
	*ret = 0;
	*ret_all = false;
	for (size_t i = 0; i < names->n; i++) {
		int cap;

		if (strcasecmp(names->v[i], "ALL") == 0)
			*ret_all = true;
		else if (mb_sys_cap_parse(names->v[i], &cap) == 0)
			*ret |= MB_SYS_CAP_BIT(cap);
		else
			return mb_fail(err, EINVAL, "invalid capability: \"%s\"", names->v[i]);
	}
	return 0;
}

/* "--cap-drop ALL --cap-add X" leaves X, "--cap-add ALL --cap-drop X" all but X; what is both added
 * and dropped by its name is added. */
int mb_container_caps_choose(const struct mb_container_host_config *h, uint64_t *ret_set,
                             struct mb_err *err)
{
	uint64_t set = 0, add = 0, drop = 0;
	bool add_all = false, drop_all = false;
	int cap, r = read_set(&h->cap_add, &add, &add_all, err);

	if (r == 0)
		r = read_set(&h->cap_drop, &drop, &drop_all, err);
	if (r < 0)
		return r;
	for (size_t i = h->hardened ? BEYOND_HARDENED : 0; i < MB_N(default_caps); i++)
		if (mb_sys_cap_parse(default_caps[i], &cap) == 0)
			set |= MB_SYS_CAP_BIT(cap);
	if (drop_all)
		set = 0;
	if (add_all)
		set = mb_sys_cap_all();
	set = ((set & ~drop) | add) & mb_sys_cap_all();
	if (h->privileged)
		set = mb_sys_cap_all();
	*ret_set = set;
	return 0;
}
