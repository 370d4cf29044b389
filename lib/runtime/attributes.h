/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/attributes.h — how the kernel treats a process: when and where it runs, its place in
 * queues for disks, the nodes of its memory, its personality (private).
 */
#ifndef MB_RUNTIME_ATTRIBUTES_H
#define MB_RUNTIME_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mb_err;
struct mb_oci_linux;
struct mb_oci_process;

enum {
	MB_RUNTIME_MAX_CPUS = 8192,
	MB_RUNTIME_MAX_NODES = 1024,
	MB_RUNTIME_WORD_BITS = 64,
};

/* The kernel's struct sched_attr, which no header of libc 2.36 has. */
struct mb_runtime_sched {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

struct mb_runtime_cpus {
	bool is_set;
	uint64_t mask[MB_RUNTIME_MAX_CPUS / MB_RUNTIME_WORD_BITS];
};

struct mb_runtime_attributes {
	bool has_scheduler;
	struct mb_runtime_sched scheduler;
	const char *policy; /* its name, borrowed */
	int io_priority;    /* as ioprio_set() takes it, or -1 */
	int memory_mode;    /* with its flags, or -1 */
	uint64_t nodes[MB_RUNTIME_MAX_NODES / MB_RUNTIME_WORD_BITS];
	bool has_nodes;
	long personality; /* -1: as it is */
	/* Of another process in the container only: where it runs before and after it has joined
	 * the control groups. */
	struct mb_runtime_cpus initial_cpus, final_cpus;
};

/* Words and ranges are checked here.  Return: 0 or -errno, told.  @process is borrowed. */
int mb_runtime_attributes_fill(const struct mb_oci_process *process, const struct mb_oci_linux *l,
                               struct mb_runtime_attributes *ret, struct mb_err *err);
/* The scheduler and the disk priority of @pid (0: us), which take privileges of the host. */
int mb_runtime_attributes_apply_to(const struct mb_runtime_attributes *a, pid_t pid,
                                   struct mb_err *err);
/* What only the process itself can set, and nobody minds. */
int mb_runtime_attributes_apply_own(const struct mb_runtime_attributes *a, struct mb_err *err);
/* Run there; without a wish wherever the control groups allow, whatever the caller was bound to. */
int mb_runtime_cpus_apply(const struct mb_runtime_cpus *cpus, struct mb_err *err);

/* Words that are known, each list ended by NULL: for features. */
extern const char *const mb_runtime_memory_modes[], *const mb_runtime_memory_flags[];

#endif
