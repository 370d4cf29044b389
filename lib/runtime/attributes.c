/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/attributes.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "oci/spec.h"

/* Of kernels newer than the headers. */
#define MEMORY_WEIGHTED_INTERLEAVE 6

struct word {
	const char *name;
	uint64_t value;
};

static const struct word policies[] = {
	{"SCHED_OTHER", SCHED_NORMAL},      {"SCHED_FIFO", SCHED_FIFO}, {"SCHED_RR", SCHED_RR},
	{"SCHED_BATCH", SCHED_BATCH},       {"SCHED_ISO", 4},           {"SCHED_IDLE", SCHED_IDLE},
	{"SCHED_DEADLINE", SCHED_DEADLINE},
};

static const struct word scheduler_flags[] = {
	{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
	{"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
	{"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
	{"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
	{"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
	{"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
	{"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
};

static const struct word io_classes[] = {
	{"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
	{"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
	{"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
};

const char *const mb_runtime_memory_modes[] = {
	"MPOL_DEFAULT",   "MPOL_BIND",           "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE",
	"MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL",      NULL,
};
static const int memory_mode_numbers[] = {
	MPOL_DEFAULT,   MPOL_BIND,           MPOL_INTERLEAVE, MEMORY_WEIGHTED_INTERLEAVE,
	MPOL_PREFERRED, MPOL_PREFERRED_MANY, MPOL_LOCAL,
};

const char *const mb_runtime_memory_flags[] = {
	"MPOL_F_NUMA_BALANCING",
	"MPOL_F_RELATIVE_NODES",
	"MPOL_F_STATIC_NODES",
	NULL,
};
static const int memory_flag_numbers[] = {
	MPOL_F_NUMA_BALANCING,
	MPOL_F_RELATIVE_NODES,
	MPOL_F_STATIC_NODES,
};

static int find_word(const struct word *words, size_t n, const char *name, uint64_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (mb_streq(words[i].name, name)) {
			*ret = words[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

static int find_name(const char *const *names, const int *numbers, const char *name, int *ret)
{
	for (size_t i = 0; names[i]; i++) {
		if (mb_streq(names[i], name)) {
			*ret = numbers[i];
			return 0;
		}
	}
	return -EINVAL;
}

static int unknown(const char *member, const char *word, struct mb_err *err)
{
	MB_AUTO_FREE char *shown = mb_printable(word);

	return mb_fail(err, EINVAL, "'%s' has the unknown value '%.60s'", member, shown);
}

/* "0-3,7" into bits.  @max: the highest number there may be. */
static int parse_list(const char *text, uint32_t max, uint64_t *mask)
{
	int r = mb_parse_cpu_list(text, max);

	while (r == 0 && *text) {
		char *end = NULL;
		unsigned long from = strtoul(text, &end, 10);
		const unsigned long to = *end == '-' ? strtoul(end + 1, &end, 10) : from;

		for (; from <= to && from <= max; from++)
			mask[from / MB_RUNTIME_WORD_BITS] |= UINT64_C(1)
			                                     << from % MB_RUNTIME_WORD_BITS;
		text = *end ? end + 1 : end;
	}
	return r;
}

static int fill_scheduler(const struct mb_oci_scheduler *from, struct mb_runtime_attributes *a,
                          struct mb_err *err)
{
	struct mb_runtime_sched *to = &a->scheduler;
	uint64_t policy = 0;

	if (find_word(policies, MB_N(policies), from->policy, &policy) < 0)
		return unknown("process.scheduler.policy", from->policy, err);
	if (from->nice < -20 || from->nice > 19)
		return mb_fail(err, ERANGE, "'process.scheduler.nice' must be from -20 to 19");
	if (from->priority < 0 || from->priority > 99)
		return mb_fail(err, ERANGE, "'process.scheduler.priority' must be from 0 to 99");
	if (from->priority && policy != SCHED_FIFO && policy != SCHED_RR)
		return mb_fail(err, EINVAL,
		               "'process.scheduler.priority' is for SCHED_FIFO and "
		               "SCHED_RR");
	MB_STRV_FOREACH (name, &from->flags) {
		uint64_t flag = 0;

		if (find_word(scheduler_flags, MB_N(scheduler_flags), name, &flag) < 0)
			return unknown("process.scheduler.flags", name, err);
		to->flags |= flag;
	}
	to->size = sizeof(*to);
	to->policy = (uint32_t)policy;
	to->nice = from->nice;
	to->priority = (uint32_t)from->priority;
	to->runtime = from->runtime;
	to->deadline = from->deadline;
	to->period = from->period;
	a->policy = from->policy;
	a->has_scheduler = true;
	return 0;
}

static int fill_io(const struct mb_oci_io_priority *from, struct mb_runtime_attributes *a,
                   struct mb_err *err)
{
	uint64_t class = 0;

	if (find_word(io_classes, MB_N(io_classes), from->class, &class) < 0)
		return unknown("process.ioPriority.class", from->class, err);
	if (from->priority < 0 || from->priority > 7)
		return mb_fail(err, ERANGE, "'process.ioPriority.priority' must be from 0 to 7");
	a->io_priority = (int)(class << IOPRIO_CLASS_SHIFT) | from->priority;
	return 0;
}

static int fill_cpus(const char *text, const char *member, struct mb_runtime_cpus *to,
                     struct mb_err *err)
{
	if (!text || !*text)
		return 0;
	if (parse_list(text, MB_RUNTIME_MAX_CPUS - 1, to->mask) < 0)
		return mb_fail(err, EINVAL, "'process.execCPUAffinity.%s' is no list of numbers",
		               member);
	to->is_set = true;
	return 0;
}

static int fill_memory(const struct mb_oci_memory_policy *from, struct mb_runtime_attributes *a,
                       struct mb_err *err)
{
	int mode = 0;

	if (find_name(mb_runtime_memory_modes, memory_mode_numbers, from->mode, &mode) < 0)
		return unknown("linux.memoryPolicy.mode", from->mode, err);
	MB_STRV_FOREACH (name, &from->flags) {
		int flag = 0;

		if (find_name(mb_runtime_memory_flags, memory_flag_numbers, name, &flag) < 0)
			return unknown("linux.memoryPolicy.flags", name, err);
		mode |= flag;
	}
	a->has_nodes = from->nodes && *from->nodes;
	if (a->has_nodes && parse_list(from->nodes, MB_RUNTIME_MAX_NODES - 1, a->nodes) < 0)
		return mb_fail(err, EINVAL, "'linux.memoryPolicy.nodes' is no list of numbers");
	a->memory_mode = mode;
	return 0;
}

static int fill_personality(const struct mb_oci_personality *p, struct mb_runtime_attributes *a,
                            struct mb_err *err)
{
	if (p->flags.n)
		return mb_fail(err, EOPNOTSUPP, "'linux.personality.flags' is not supported");
	if (mb_streq(p->domain, "LINUX"))
		a->personality = PER_LINUX;
	else if (mb_streq(p->domain, "LINUX32"))
		a->personality = PER_LINUX32;
	else
		return unknown("linux.personality.domain", p->domain, err);
	return 0;
}

int mb_runtime_attributes_fill(const struct mb_oci_process *p, const struct mb_oci_linux *l,
                               struct mb_runtime_attributes *ret, struct mb_err *err)
{
	struct mb_runtime_attributes a = {.io_priority = -1, .memory_mode = -1, .personality = -1};
	const struct mb_oci_exec_cpu_affinity *cpus = p->exec_cpu_affinity;
	int r = p->scheduler ? fill_scheduler(p->scheduler, &a, err) : 0;

	if (r == 0 && p->io_priority)
		r = fill_io(p->io_priority, &a, err);
	if (r == 0 && cpus)
		r = fill_cpus(cpus->initial, "initial", &a.initial_cpus, err);
	if (r == 0 && cpus)
		r = fill_cpus(cpus->final, "final", &a.final_cpus, err);
	if (r == 0 && l->memory_policy)
		r = fill_memory(l->memory_policy, &a, err);
	if (r == 0 && l->personality)
		r = fill_personality(l->personality, &a, err);
	if (r == 0)
		*ret = a;
	return r;
}

int mb_runtime_attributes_apply_to(const struct mb_runtime_attributes *a, pid_t pid,
                                   struct mb_err *err)
{
	if (a->has_scheduler && syscall(SYS_sched_setattr, pid, &a->scheduler, 0) < 0)
		return mb_fail_sys(err, errno, "cannot set the scheduler '%s'", a->policy);
	if (a->io_priority >= 0 &&
	    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, a->io_priority) < 0)
		return mb_fail_sys(err, errno, "cannot set 'process.ioPriority'");
	return 0;
}

int mb_runtime_attributes_apply_own(const struct mb_runtime_attributes *a, struct mb_err *err)
{
	/* The kernel looks at one bit less than it is told. */
	if (a->memory_mode >= 0 &&
	    syscall(SYS_set_mempolicy, a->memory_mode, a->has_nodes ? a->nodes : NULL,
	            a->has_nodes ? MB_RUNTIME_MAX_NODES + 1 : 0) < 0)
		return mb_fail_sys(err, errno, "cannot set 'linux.memoryPolicy'");
	if (a->personality >= 0 && personality((unsigned long)a->personality) < 0)
		return mb_fail_sys(err, errno, "cannot set the personality");
	return 0;
}

int mb_runtime_cpus_apply(const struct mb_runtime_cpus *cpus, struct mb_err *err)
{
	struct mb_runtime_cpus all;

	if (!cpus->is_set)
		memset(&all, 0xff, sizeof(all));
	if (syscall(SYS_sched_setaffinity, 0, sizeof(cpus->mask),
	            cpus->is_set ? cpus->mask : all.mask) == 0)
		return 0;
	/* The wish of nobody: a filter around us may deny it. */
	return cpus->is_set ? mb_fail_sys(err, errno, "cannot set 'process.execCPUAffinity'") : 0;
}
