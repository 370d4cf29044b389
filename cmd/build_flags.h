/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/build_flags.h — the options of build. */
#ifndef MB_CMD_BUILD_FLAGS_H
#define MB_CMD_BUILD_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"
#include "core/strv.h"

struct mb_cmd_context;
struct mb_err;

enum mb_cmd_build_how {
	MB_CMD_BUILD_AS_AUTO,
	MB_CMD_BUILD_AS_PLAIN,
	MB_CMD_BUILD_AS_TTY,
	MB_CMD_BUILD_AS_QUIET,
	MB_CMD_BUILD_AS_RAW,
};

struct mb_cmd_build_args {
	struct mb_strv names, args, labels, secrets, add_hosts, ulimits, no_cache_for, outputs,
		annotations, attest, contexts, ssh, cache_from, cache_to;
	const char *file, *target, *network, *platform, *iidfile, *cgroup_parent, *metadata;
	const char *provenance, *sbom, *isolation, *timestamp;
	const char *cpuset_cpus, *cpuset_mems;
	struct mb_strv allow;
	int64_t shm_size, memory, memory_swap, cpu_shares, cpu_period, cpu_quota;
	int progress; /* enum mb_cmd_build_how */
	const char *call;
	bool no_cache, pull, quiet, push, load, check;
};
extern const struct mb_cli_opt mb_cmd_build_opts[];

/* build_flags_check.c: what can be said of them alone. */
int mb_cmd_build_flags_check(const struct mb_cmd_build_args *args, struct mb_err *err);
/* --build-arg: "NAME=value", or "NAME" with the caller's own value, if it has one. */
void mb_cmd_build_fill_args(struct mb_cmd_context *cx, const struct mb_strv *from,
                            struct mb_kv *to);
/* Nanoseconds since 1970 of the argument SOURCE_DATE_EPOCH, or of the caller's environment; -1.
 * *@ret_is_said: there is one, empty or not. */
int mb_cmd_build_find_epoch(struct mb_cmd_context *cx, const struct mb_kv *args, int64_t *ret,
                            bool *ret_is_said, struct mb_err *err);

#endif
