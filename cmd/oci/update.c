/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "runtime/resources.h"
#include "sys/cgroup.h"
#include "json/json.h"

struct update_args {
	const char *resources, *cpus, *mems;
	int64_t memory, reservation, swap, kernel, kernel_tcp, quota, rt_runtime, pids, idle;
	uint64_t shares, period, burst, rt_period;
	int blkio_weight;
};

static int read_resources(const char *path, struct mb_oci_resources *ret, struct mb_err *err)
{
	const bool is_stdin = mb_streq(path, "-");
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_CLOSE int fd = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (!is_stdin && fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", path);
	r = mb_read_fd(is_stdin ? STDIN_FILENO : fd, MB_JSON_MAX_BYTES, &text, err);
	if (r == 0)
		r = mb_oci_resources_load(mb_str_text(&text), text.len, ret, err);
	return r < 0 ? mb_wrap(err, r, "resources '%s'", path) : 0;
}

static void fill_memory(const struct mb_cli_input *in, struct mb_oci_memory *m)
{
	const struct update_args *a = in->args;
	const struct {
		const char *name;
		int64_t from, *to;
		bool *has;
	} rows[] = {
		{"memory", a->memory, &m->limit, &m->has_limit},
		{"memory-reservation", a->reservation, &m->reservation, &m->has_reservation},
		{"memory-swap", a->swap, &m->swap, &m->has_swap},
		{"kernel-memory", a->kernel, &m->kernel, &m->has_kernel},
		{"kernel-memory-tcp", a->kernel_tcp, &m->kernel_tcp, &m->has_kernel_tcp},
	};

	for (size_t i = 0; i < MB_N(rows); i++) {
		if (!mb_cli_is_given(in, rows[i].name))
			continue;
		*rows[i].to = rows[i].from;
		*rows[i].has = true;
	}
}

static void fill_cpu(const struct mb_cli_input *in, struct mb_oci_cpu *c)
{
	const struct update_args *a = in->args;

	c->shares = a->shares;
	c->has_shares = a->shares != 0;
	c->period = a->period;
	c->has_period = a->period != 0;
	c->quota = a->quota;
	c->has_quota = a->quota != 0;
	c->burst = a->burst;
	c->has_burst = mb_cli_is_given(in, "cpu-burst");
	c->realtime_period = a->rt_period;
	c->has_realtime_period = a->rt_period != 0;
	c->realtime_runtime = a->rt_runtime;
	c->has_realtime_runtime = a->rt_runtime != 0;
	c->idle = a->idle;
	c->has_idle = mb_cli_is_given(in, "cpu-idle");
	c->cpus = mb_strdup_or_null(a->cpus);
	c->mems = mb_strdup_or_null(a->mems);
}

static int fill(const struct mb_cli_input *in, struct mb_oci_resources *ret, struct mb_err *err)
{
	const struct update_args *a = in->args;

	if (a->resources)
		return read_resources(a->resources, ret, err);
	if (a->blkio_weight < 0 || a->blkio_weight > 1000)
		return mb_fail(err, ERANGE, "'--blkio-weight' is 10 to 1000");
	fill_memory(in, &ret->memory);
	fill_cpu(in, &ret->cpu);
	ret->pids.limit = a->pids;
	ret->pids.has_limit = a->pids != 0;
	ret->block_io.weight = (uint16_t)a->blkio_weight;
	ret->block_io.has_weight = a->blkio_weight != 0;
	return 0;
}

static int apply(struct mb_bundle *b, const struct mb_oci_resources *res, struct mb_err *err)
{
	MB_AUTO_RUNTIME_RESOURCES struct mb_runtime_resources limits = {0};
	enum mb_bundle_status status;
	int r = mb_bundle_status_read(b, &status, err);

	if (r == 0 && status == MB_BUNDLE_STOPPED)
		r = mb_fail(err, ESRCH, "container not running");
	if (r == 0)
		r = mb_runtime_resources_make(res, 0, &limits, err);
	return r < 0 ? r : mb_bundle_cgroup_update(b, &limits.limits, err);
}

static int update_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	struct mb_oci_resources res = {0};
	int r = mb_cmd_oci_open(cx, in->operands[0], MB_BUNDLE_LOCK, &b, err);

	if (r == 0)
		r = fill(in, &res, err);
	if (r == 0)
		r = apply(b, &res, err);
	mb_oci_resources_done(&res);
	return r;
}

// clang-format off
static const struct mb_cli_opt opts[] = {
	MB_OPT_STRING('r', "resources", "file", struct update_args, resources,
		"read all of them as JSON from this file, or - for stdin", .complete = MB_COMP_FILE),
	MB_OPT_INT(0, "blkio-weight", "number", struct update_args, blkio_weight, "block IO weight, 10 to 1000"),
	MB_OPT_U64(0, "cpu-period", "usec", struct update_args, period, "length of a period for --cpu-quota"),
	MB_OPT_I64(0, "cpu-quota", "usec", struct update_args, quota, "processor time in each period"),
	MB_OPT_U64(0, "cpu-burst", "usec", struct update_args, burst, "what may be saved for later"),
	MB_OPT_U64(0, "cpu-share", "number", struct update_args, shares, "relative weight", .aliases = "cpu-shares"),
	MB_OPT_U64(0, "cpu-rt-period", "usec", struct update_args, rt_period, "length of a real-time period"),
	MB_OPT_I64(0, "cpu-rt-runtime", "usec", struct update_args, rt_runtime, "real time in each period"),
	MB_OPT_STRING(0, "cpuset-cpus", "list", struct update_args, cpus, "processors to run on"),
	MB_OPT_STRING(0, "cpuset-mems", "list", struct update_args, mems, "memory nodes to use"),
	MB_OPT_I64(0, "cpu-idle", "number", struct update_args, idle, "1: run only when nothing else wants to"),
	MB_OPT_SIZE(0, "memory", "bytes", struct update_args, memory, "memory limit", .minus_one = true),
	MB_OPT_SIZE(0, "memory-reservation", "bytes", struct update_args, reservation, "memory soft limit", .minus_one = true),
	MB_OPT_SIZE(0, "memory-swap", "bytes", struct update_args, swap, "memory plus swap", .minus_one = true),
	MB_OPT_SIZE(0, "kernel-memory", "bytes", struct update_args, kernel, "kernel memory limit", .hidden = true, .minus_one = true),
	MB_OPT_SIZE(0, "kernel-memory-tcp", "bytes", struct update_args, kernel_tcp, "TCP memory limit", .hidden = true, .minus_one = true),
	MB_OPT_I64(0, "pids-limit", "number", struct update_args, pids, "how many processes; -1 is unlimited"),
	MB_OPT_REFUSED(0, "l3-cache-schema", true, "this needs Intel RDT, which mybox does not use"),
	MB_OPT_REFUSED(0, "mem-bw-schema", true, "this needs Intel RDT, which mybox does not use"),
	MB_OPT_END,
};
// clang-format on

const struct mb_cli_verb mb_cmd_oci_update = {
	.paths = "update",
	.summary = "change the limits of a container",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.opts = opts,
	.args_size = sizeof(struct update_args),
	.main = update_main,
};
