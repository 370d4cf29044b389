/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seccomp profiles that users bring: linux.seccomp of the OCI runtime-spec, and docker's format,
 * which adds archMap and rules that hold only for some capabilities, architectures or kernels.
 * Both are one table here; libseccomp compiles.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "runtime/seccomp.h"
#include "runtime/seccomp_builtin.h"
#include "sys/caps.h"
#include "json/table.h"

struct arg {
	uint32_t index;
	uint64_t value, value_two;
	char *op;
};

struct condition {
	struct mb_strv caps, arches;
	char *min_kernel;
};

struct rule {
	struct mb_strv names;
	char *name; /* docker's first format had one */
	char *action;
	uint32_t errno_ret;
	bool has_errno_ret;
	struct arg *args;
	size_t n_args;
	struct condition includes, excludes;
};

struct arch_map {
	char *architecture;
	struct mb_strv sub;
};

struct profile {
	char *default_action;
	uint32_t default_errno;
	bool has_default_errno;
	struct mb_strv architectures, flags;
	struct arch_map *maps;
	size_t n_maps;
	struct rule *rules;
	size_t n_rules;
};

static const struct mb_json_field arg_table[] = {
	MB_JSON_U32("index", struct arg, index),
	MB_JSON_U64("value", struct arg, value),
	MB_JSON_U64("valueTwo", struct arg, value_two),
	MB_JSON_STR("op", struct arg, op, .flags = MB_JSON_REQUIRED),
	MB_JSON_END,
};

static const struct mb_json_field condition_table[] = {
	MB_JSON_STRV("caps", struct condition, caps),
	MB_JSON_STRV("arches", struct condition, arches),
	MB_JSON_STR("minKernel", struct condition, min_kernel),
	MB_JSON_END,
};

static const struct mb_json_field rule_table[] = {
	MB_JSON_STRV("names", struct rule, names),
	MB_JSON_STR("name", struct rule, name),
	MB_JSON_STR("action", struct rule, action, .flags = MB_JSON_REQUIRED),
	MB_JSON_U32_OPT("errnoRet", struct rule, errno_ret, has_errno_ret),
	MB_JSON_LIST("args", struct rule, args, n_args, struct arg, arg_table),
	MB_JSON_OBJ("includes", struct rule, includes, condition_table),
	MB_JSON_OBJ("excludes", struct rule, excludes, condition_table),
	MB_JSON_END,
};

static const struct mb_json_field arch_map_table[] = {
	MB_JSON_STR("architecture", struct arch_map, architecture, .flags = MB_JSON_REQUIRED),
	MB_JSON_STRV("subArchitectures", struct arch_map, sub),
	MB_JSON_END,
};

static const struct mb_json_field profile_table[] = {
	MB_JSON_STR("defaultAction", struct profile, default_action, .flags = MB_JSON_REQUIRED),
	MB_JSON_U32_OPT("defaultErrnoRet", struct profile, default_errno, has_default_errno),
	MB_JSON_STRV("architectures", struct profile, architectures),
	MB_JSON_STRV("flags", struct profile, flags),
	MB_JSON_LIST("archMap", struct profile, maps, n_maps, struct arch_map, arch_map_table),
	MB_JSON_LIST("syscalls", struct profile, rules, n_rules, struct rule, rule_table),
	MB_JSON_REFUSED("listenerPath"),
	MB_JSON_END,
};

/* ---- words ---- */

static int parse_action(const char *name, bool has_errno, uint32_t code, uint32_t *ret,
                        struct mb_err *err)
{
	const uint32_t data = has_errno ? code : EPERM;
	const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
		{"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(data)},
		{"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
		{"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
		{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
		{"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
		{"SCMP_ACT_TRACE", SCMP_ACT_TRACE(data)},
		{"SCMP_ACT_LOG", SCMP_ACT_LOG},
	};

	if (data > UINT16_MAX)
		return mb_fail(err, ERANGE, "errno %u is too large", data);
	for (size_t i = 0; i < MB_N(actions); i++) {
		if (mb_streq(actions[i].name, name)) {
			*ret = actions[i].action;
			return 0;
		}
	}
	if (mb_streq(name, "SCMP_ACT_NOTIFY"))
		return mb_fail(err, EOPNOTSUPP, "'SCMP_ACT_NOTIFY' is not supported");
	return mb_fail(err, EINVAL, "unknown action '%s'", name);
}

static const struct {
	const char *name;
	enum scmp_compare op;
} compares[] = {
	{"SCMP_CMP_NE", SCMP_CMP_NE},
	{"SCMP_CMP_LT", SCMP_CMP_LT},
	{"SCMP_CMP_LE", SCMP_CMP_LE},
	{"SCMP_CMP_EQ", SCMP_CMP_EQ},
	{"SCMP_CMP_GE", SCMP_CMP_GE},
	{"SCMP_CMP_GT", SCMP_CMP_GT},
	{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

static int parse_arg(const struct arg *from, struct scmp_arg_cmp *to, struct mb_err *err)
{
	if (from->index > 5)
		return mb_fail(err, EINVAL, "argument %u: there are six", from->index);
	for (size_t i = 0; i < MB_N(compares); i++) {
		if (mb_streq(compares[i].name, from->op)) {
			*to = (struct scmp_arg_cmp){from->index, compares[i].op, from->value,
			                            from->value_two};
			return 0;
		}
	}
	return mb_fail(err, EINVAL, "unknown comparison '%s'", from->op);
}

/* "SCMP_ARCH_X86_64" -> x86_64, as libseccomp spells it. */
static uint32_t parse_arch(const char *name)
{
	const char *rest = mb_skip_prefix(name, "SCMP_ARCH_");
	MB_AUTO_FREE char *lower = mb_strdup(rest ? rest : name);

	for (char *c = lower; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + ('a' - 'A'));
	}
	return seccomp_arch_resolve_name(lower);
}

/* ---- docker's conditions ---- */

/* The name that docker has for the architecture we run on. */
static const char *go_arch(void)
{
	return seccomp_arch_native() == SCMP_ARCH_X86_64 ? "amd64" : "arm64";
}

static bool kernel_is_at_least(const char *wanted)
{
	struct utsname host = {0};
	unsigned major = 0, minor = 0, wanted_major = 0, wanted_minor = 0;

	if (uname(&host) < 0 || sscanf(host.release, "%u.%u", &major, &minor) != 2 ||
	    sscanf(wanted, "%u.%u", &wanted_major, &wanted_minor) != 2)
		return false;
	return major != wanted_major ? major > wanted_major : minor >= wanted_minor;
}

static bool has_cap(const char *name, uint64_t caps)
{
	int cap = 0;

	return mb_sys_cap_parse(name, &cap) == 0 && (caps & MB_SYS_CAP_BIT(cap));
}

/* Every capability of "includes" must be there, none of those of "excludes". */
static bool holds(const struct rule *rule, uint64_t caps)
{
	const struct condition *in = &rule->includes, *out = &rule->excludes;

	if (in->arches.n && !mb_strv_has(&in->arches, go_arch()))
		return false;
	if (mb_strv_has(&out->arches, go_arch()))
		return false;
	if (in->min_kernel && !kernel_is_at_least(in->min_kernel))
		return false;
	if (out->min_kernel && kernel_is_at_least(out->min_kernel))
		return false;
	MB_STRV_FOREACH (name, &in->caps) {
		if (!has_cap(name, caps))
			return false;
	}
	MB_STRV_FOREACH (name, &out->caps) {
		if (has_cap(name, caps))
			return false;
	}
	return true;
}

/* ---- compiling ---- */

static int add_arch(scmp_filter_ctx ctx, const char *name, struct mb_err *err)
{
	const uint32_t arch = parse_arch(name);
	int r;

	if (!arch)
		return mb_fail(err, EINVAL, "unknown architecture '%s'", name);
	r = seccomp_arch_add(ctx, arch);
	return r < 0 && r != -EEXIST ? mb_fail_sys(err, -r, "architecture '%s'", name) : 0;
}

static int add_archs(scmp_filter_ctx ctx, const struct profile *p, struct mb_err *err)
{
	int r = 0;

	MB_STRV_FOREACH (name, &p->architectures) {
		r = add_arch(ctx, name, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < p->n_maps; i++) {
		if (parse_arch(p->maps[i].architecture) != seccomp_arch_native())
			continue;
		MB_STRV_FOREACH (name, &p->maps[i].sub) {
			r = add_arch(ctx, name, err);
			if (r < 0)
				return r;
		}
	}
	return r;
}

/* A call with two conditions on one argument needs two rules: libseccomp takes each once. */
static int add_calls(scmp_filter_ctx ctx, const char *name, uint32_t action,
                     const struct rule *rule, const struct scmp_arg_cmp *args)
{
	const int nr = seccomp_syscall_resolve_name(name);
	bool seen[6] = {false}, twice = false;
	int r = 0;

	if (nr == __NR_SCMP_ERROR)
		return 0; /* a call of another architecture, or newer than libseccomp */
	for (size_t i = 0; i < rule->n_args; i++) {
		twice |= seen[args[i].arg];
		seen[args[i].arg] = true;
	}
	if (!twice)
		return seccomp_rule_add_array(ctx, action, nr, (unsigned)rule->n_args, args);
	for (size_t i = 0; r == 0 && i < rule->n_args; i++)
		r = seccomp_rule_add_array(ctx, action, nr, 1, &args[i]);
	return r;
}

static int add_rule(scmp_filter_ctx ctx, const struct rule *rule, uint32_t default_action,
                    struct mb_err *err)
{
	struct scmp_arg_cmp args[6];
	uint32_t action = 0;
	int r = parse_action(rule->action, rule->has_errno_ret, rule->errno_ret, &action, err);

	if (r < 0 || action == default_action)
		return r;
	if (rule->n_args > MB_N(args))
		return mb_fail(err, E2BIG, "a rule has more than six conditions");
	for (size_t i = 0; i < rule->n_args; i++) {
		r = parse_arg(&rule->args[i], &args[i], err);
		if (r < 0)
			return r;
	}
	MB_STRV_FOREACH (name, &rule->names) {
		r = add_calls(ctx, name, action, rule, args);
		if (r < 0)
			return mb_fail_sys(err, -r, "rule of '%s'", name);
	}
	if (rule->name)
		r = add_calls(ctx, rule->name, action, rule, args);
	return r < 0 ? mb_fail_sys(err, -r, "rule of '%s'", rule->name) : 0;
}

static int export(scmp_filter_ctx ctx, struct sock_filter **ret, size_t *ret_n, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct sock_filter *insns;
	size_t n = 0;
	int r;

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot make a memory file");
	r = seccomp_export_bpf(ctx, fd);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return mb_fail_sys(err, r < 0 ? -r : errno, "cannot compile");
	insns = mb_calloc(MB_SECCOMP_MAX_INSNS + 1, sizeof(*insns));
	r = mb_read_full(fd, insns, (MB_SECCOMP_MAX_INSNS + 1) * sizeof(*insns), &n);
	if (r < 0 || n > MB_SECCOMP_MAX_INSNS * sizeof(*insns)) {
		free(insns);
		return mb_fail(err, E2BIG, "it compiles to more than %d instructions",
		               MB_SECCOMP_MAX_INSNS);
	}
	*ret = insns;
	*ret_n = n / sizeof(*insns);
	return 0;
}

static int compile(const struct profile *p, uint64_t caps, struct sock_filter **ret, size_t *ret_n,
                   struct mb_err *err)
{
	scmp_filter_ctx ctx;
	uint32_t action = 0;
	int r = parse_action(p->default_action, p->has_default_errno, p->default_errno, &action,
	                     err);

	if (r < 0)
		return r;
	ctx = seccomp_init(action);
	if (!ctx)
		return mb_fail(err, ENOMEM, "libseccomp cannot begin");
	/* Faster by far to search than one comparison after the other; unknown in old versions. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = add_archs(ctx, p, err);
	for (size_t i = 0; r == 0 && i < p->n_rules; i++) {
		if (holds(&p->rules[i], caps))
			r = add_rule(ctx, &p->rules[i], action, err);
	}
	if (r == 0)
		r = export(ctx, ret, ret_n, err);
	seccomp_release(ctx);
	return r;
}

static int check_flags(const struct profile *p, struct mb_err *err)
{
	MB_STRV_FOREACH (flag, &p->flags) {
		if (!mb_streq(flag, "SECCOMP_FILTER_FLAG_SPEC_ALLOW") &&
		    !mb_streq(flag, "SECCOMP_FILTER_FLAG_TSYNC") &&
		    !mb_streq(flag, "SECCOMP_FILTER_FLAG_LOG"))
			return mb_fail(err, EOPNOTSUPP, "flag '%s' is not supported", flag);
	}
	return 0;
}

int mb_runtime_seccomp_compile(struct json_object *profile, uint64_t caps, struct sock_filter **ret,
                               size_t *ret_n, struct mb_err *err)
{
	struct profile p = {0};
	int r = mb_json_decode(profile, profile_table, &p, err);

	if (r == 0)
		r = check_flags(&p, err);
	if (r == 0)
		r = compile(&p, caps, ret, ret_n, err);
	mb_json_done(profile_table, &p);
	return r;
}
