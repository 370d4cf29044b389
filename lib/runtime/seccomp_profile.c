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
#include <sys/syscall.h>
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
#include "json/json.h"

enum { MAX_NAMES = 8192 }; /* docker's profile has some 500 */

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
	char *listener_path, *listener_metadata;
};

static const struct mb_json_field arg_table[] = {
	MB_JSON_U32("index", struct arg, index, .flags = MB_JSON_REQUIRED),
	MB_JSON_U64("value", struct arg, value, .flags = MB_JSON_REQUIRED),
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
	MB_JSON_STR("listenerPath", struct profile, listener_path),
	MB_JSON_STR("listenerMetadata", struct profile, listener_metadata),
	MB_JSON_END,
};

/* ---- words ---- */

const char *const mb_runtime_seccomp_actions[] = {
	"SCMP_ACT_ALLOW",       "SCMP_ACT_ERRNO",
	"SCMP_ACT_KILL",        "SCMP_ACT_KILL_PROCESS",
	"SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
	"SCMP_ACT_NOTIFY",      "SCMP_ACT_TRACE",
	"SCMP_ACT_TRAP",        NULL,
};
static const struct {
	uint32_t action;
	bool takes_errno;
} action_values[] = {
	{SCMP_ACT_ALLOW, false},       {SCMP_ACT_ERRNO(0), true},
	{SCMP_ACT_KILL_THREAD, false}, {SCMP_ACT_KILL_PROCESS, false},
	{SCMP_ACT_KILL_THREAD, false}, {SCMP_ACT_LOG, false},
	{SCMP_ACT_NOTIFY, false},      {SCMP_ACT_TRACE(0), true},
	{SCMP_ACT_TRAP, false},
};

static int parse_action(const char *name, bool has_errno, uint32_t code, uint32_t *ret,
                        struct mb_err *err)
{
	const uint32_t data = has_errno ? code : EPERM;

	if (data > UINT16_MAX)
		return mb_fail(err, ERANGE, "errno %u is too large", data);
	for (size_t i = 0; mb_runtime_seccomp_actions[i]; i++) {
		if (!mb_streq(mb_runtime_seccomp_actions[i], name))
			continue;
		if (has_errno && !action_values[i].takes_errno)
			return mb_fail(err, EINVAL, "'%s' has no errno to return", name);
		*ret = action_values[i].action | (action_values[i].takes_errno ? data : 0);
		return 0;
	}
	return mb_fail(err, EINVAL, "unknown action '%s'", name);
}

const char *const mb_runtime_seccomp_operators[] = {
	"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",        "SCMP_CMP_EQ",
	"SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ", NULL,
};
static const enum scmp_compare operator_values[] = {
	SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE,        SCMP_CMP_EQ,
	SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ,
};

static int parse_arg(const struct arg *from, struct scmp_arg_cmp *to, struct mb_err *err)
{
	if (from->index > 5)
		return mb_fail(err, EINVAL, "argument %u: there are six", from->index);
	for (size_t i = 0; mb_runtime_seccomp_operators[i]; i++) {
		if (mb_streq(mb_runtime_seccomp_operators[i], from->op)) {
			*to = (struct scmp_arg_cmp){from->index, operator_values[i], from->value,
			                            from->value_two};
			return 0;
		}
	}
	return mb_fail(err, EINVAL, "unknown comparison '%s'", from->op);
}

const char *const mb_runtime_seccomp_archs[] = {
	"SCMP_ARCH_AARCH64",     "SCMP_ARCH_ARM",    "SCMP_ARCH_LOONGARCH64",
	"SCMP_ARCH_M68K",        "SCMP_ARCH_MIPS",   "SCMP_ARCH_MIPS64",
	"SCMP_ARCH_MIPS64N32",   "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64",
	"SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64",
	"SCMP_ARCH_PPC",         "SCMP_ARCH_PPC64",  "SCMP_ARCH_PPC64LE",
	"SCMP_ARCH_RISCV64",     "SCMP_ARCH_S390",   "SCMP_ARCH_S390X",
	"SCMP_ARCH_SH",          "SCMP_ARCH_SHEB",   "SCMP_ARCH_X32",
	"SCMP_ARCH_X86",         "SCMP_ARCH_X86_64", NULL,
};

/* x86_64, as libseccomp spells it. */
uint32_t mb_runtime_seccomp_arch_find(const char *name)
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
	const uint32_t arch = mb_runtime_seccomp_arch_find(name);
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
		if (mb_runtime_seccomp_arch_find(p->maps[i].architecture) != seccomp_arch_native())
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
	if (rule->names.n == 0 && !rule->name)
		return mb_fail(err, EINVAL, "a rule names no call");
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

/* libseccomp walks all rules of a call for each one more. */
static int check_size(const struct profile *p, struct mb_err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_rules; i++)
		n += p->rules[i].names.n;
	return n > MAX_NAMES ? mb_fail(err, E2BIG, "its rules name more than %d calls", MAX_NAMES)
	                     : 0;
}

static int compile(const struct profile *p, uint64_t caps, struct sock_filter **ret, size_t *ret_n,
                   struct mb_err *err)
{
	scmp_filter_ctx ctx;
	uint32_t action = 0;
	int r = check_size(p, err);

	if (r == 0)
		r = parse_action(p->default_action, p->has_default_errno, p->default_errno, &action,
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

/* ---- how it is installed ---- */

const struct mb_runtime_seccomp_flag mb_runtime_seccomp_flags[] = {
	{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", MB_SECCOMP_WAIT_KILLABLE_RECV},
	{NULL, 0},
};

/* The kernel looks at the flags before it looks at the program, which is nowhere. */
bool mb_runtime_seccomp_flag_is_known(unsigned bit)
{
	if (bit == MB_SECCOMP_WAIT_KILLABLE_RECV) /* known only together */
		bit |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, bit, NULL) < 0 && errno == EFAULT;
}

static int take_flag(const char *name, unsigned *flags, struct mb_err *err)
{
	for (size_t i = 0; mb_runtime_seccomp_flags[i].name; i++) {
		const struct mb_runtime_seccomp_flag *f = &mb_runtime_seccomp_flags[i];

		if (!mb_streq(f->name, name))
			continue;
		/* The usual one is as old as all kernels that are used. */
		if (f->bit != SECCOMP_FILTER_FLAG_SPEC_ALLOW &&
		    !mb_runtime_seccomp_flag_is_known(f->bit))
			return mb_fail(err, EOPNOTSUPP, "this kernel does not know flag '%s'",
			               name);
		*flags |= f->bit;
		return 0;
	}
	return mb_fail(err, EOPNOTSUPP, "flag '%s' is not supported", name);
}

static const struct mb_json_field flags_table[] = {
	MB_JSON_STRV("flags", struct profile, flags),
	MB_JSON_STR("listenerPath", struct profile, listener_path),
	MB_JSON_STR("listenerMetadata", struct profile, listener_metadata),
	MB_JSON_END,
};

int mb_runtime_seccomp_read_flags(struct json_object *profile, unsigned *ret, struct mb_err *err)
{
	const bool has_flags = mb_json_find(profile, "flags") != NULL;
	struct profile p = {0};
	unsigned flags = has_flags ? 0 : SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	int r = mb_json_decode(profile, flags_table, &p, err);

	MB_STRV_FOREACH (name, &p.flags) {
		if (r == 0)
			r = take_flag(name, &flags, err);
	}
	if (r == 0 && p.listener_metadata && p.listener_metadata[0] && !p.listener_path)
		r = mb_fail(err, EINVAL, "'listenerMetadata' without 'listenerPath'");
	if (r == 0 && p.listener_path && p.listener_path[0] && p.listener_path[0] != '/')
		r = mb_fail(err, EINVAL, "'listenerPath' must be an absolute path");
	mb_json_done(flags_table, &p);
	if (r == 0)
		*ret = flags;
	return r;
}

static int check_notify(const struct profile *p, bool *ret, struct mb_err *err)
{
	static const char word[] = "SCMP_ACT_NOTIFY";

	*ret = false;
	if (mb_streq(p->default_action, word))
		return mb_fail(err, EINVAL, "'%s' cannot be the default", word);
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct rule *rule = &p->rules[i];

		if (!mb_streq(rule->action, word))
			continue;
		if (mb_strv_has(&rule->names, "sendmsg") || mb_streq(rule->name, "sendmsg"))
			return mb_fail(err, EINVAL, "'%s' cannot be for 'sendmsg'", word);
		*ret = true;
	}
	if (*ret && (!p->listener_path || !p->listener_path[0]))
		return mb_fail(err, EINVAL, "'%s' needs a 'listenerPath'", word);
	return 0;
}

int mb_runtime_seccomp_notifies(struct json_object *profile, bool *ret, struct mb_err *err)
{
	struct profile p = {0};
	int r = mb_json_decode(profile, profile_table, &p, err);

	if (r == 0)
		r = check_notify(&p, ret, err);
	mb_json_done(profile_table, &p);
	return r;
}

int mb_runtime_seccomp_compile(struct json_object *profile, uint64_t caps, struct sock_filter **ret,
                               size_t *ret_n, struct mb_err *err)
{
	struct profile p = {0};
	bool notifies = false;
	unsigned flags = 0;
	int r = mb_json_decode(profile, profile_table, &p, err);

	if (r == 0)
		r = mb_runtime_seccomp_read_flags(profile, &flags, err);
	if (r == 0)
		r = check_notify(&p, &notifies, err);
	if (r == 0)
		r = compile(&p, caps, ret, ret_n, err);
	mb_json_done(profile_table, &p);
	return r;
}
