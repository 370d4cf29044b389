/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "container/record.h"
#include "container/update.h"
#include "core/err.h"
#include "core/str.h"

struct update_args {
	int64_t memory, memory_swap, memory_reservation, cpus, cpu_shares, cpu_period, cpu_quota,
		pids_limit;
	const char *cpuset_cpus, *cpuset_mems, *restart;
	int blkio_weight;
	struct mb_strv publish, unpublish;
};

/* As docker has it: 0 and "" change nothing. */
static void change(struct mb_container_host_config *h, void *arg)
{
	const struct mb_cli_input *in = arg;
	const struct update_args *a = in->args;
	const struct {
		int64_t from, *to;
	} numbers[] = {
		{a->memory, &h->memory},
		{a->memory_swap, &h->memory_swap},
		{a->memory_reservation, &h->memory_reservation},
		{a->cpus, &h->nano_cpus},
		{a->cpu_shares, &h->cpu_shares},
		{a->cpu_period, &h->cpu_period},
		{a->cpu_quota, &h->cpu_quota},
	};
	const struct {
		const char *from;
		char **to;
	} texts[] = {{a->cpuset_cpus, &h->cpuset_cpus}, {a->cpuset_mems, &h->cpuset_mems}};

	for (size_t i = 0; i < MB_N(numbers); i++)
		if (numbers[i].from)
			*numbers[i].to = numbers[i].from;
	for (size_t i = 0; i < MB_N(texts); i++)
		if (texts[i].from && *texts[i].from)
			mb_strset(texts[i].to, texts[i].from);
	if (a->blkio_weight)
		h->blkio_weight = a->blkio_weight;
	if (mb_cli_is_given(in, "pids-limit"))
		h->pids_limit = a->pids_limit ? a->pids_limit : -1;
	if (a->restart && *a->restart) {
		mb_strset(&h->restart.name, a->restart);
		h->restart.max_retries = 0;
	}
}

static int update_one(void *arg, struct mb_container *c, struct mb_err *err)
{
	return mb_container_update(c, arg, err);
}

static const char *const changing[] = {
	"blkio-weight", "cpu-period",  "cpu-quota",   "cpu-shares",         "cpus",
	"cpuset-cpus",  "cpuset-mems", "memory",      "memory-reservation", "memory-swap",
	"pids-limit",   "restart",
};

static int update_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct update_args *a = in->args;
	struct mb_cli_input given = *in;
	struct mb_container_update update = {.publish = a->publish, .unpublish = a->unpublish};

	for (size_t i = 0; i < MB_N(changing); i++)
		if (mb_cli_is_given(in, changing[i]))
			update.change = change;
	update.arg = &given;
	if (!update.change && !a->publish.n && !a->unpublish.n)
		return mb_fail(err, EINVAL,
		               "you must provide one or more flags when using this command");
	return mb_cmd_container_each(cx, in, update_one, &update, err);
}

// clang-format off
static const struct mb_cli_opt opts[] = {
	MB_OPT_INT(0, "blkio-weight", NULL, struct update_args, blkio_weight, "block IO weight, 10 to 1000"),
	MB_OPT_I64(0, "cpu-period", NULL, struct update_args, cpu_period, "limit the CPU CFS period, microseconds"),
	MB_OPT_I64(0, "cpu-quota", NULL, struct update_args, cpu_quota, "limit the CPU CFS quota, microseconds"),
	MB_OPT_I64('c', "cpu-shares", NULL, struct update_args, cpu_shares, "CPU shares (relative weight)"),
	MB_OPT_CPUS(0, "cpus", NULL, struct update_args, cpus, "number of CPUs"),
	MB_OPT_STRING(0, "cpuset-cpus", NULL, struct update_args, cpuset_cpus, "run on these CPUs alone (0-3, 0,1)"),
	MB_OPT_STRING(0, "cpuset-mems", NULL, struct update_args, cpuset_mems, "memory nodes to use (0-3, 0,1)"),
	MB_OPT_SIZE('m', "memory", NULL, struct update_args, memory, "memory limit"),
	MB_OPT_SIZE(0, "memory-reservation", NULL, struct update_args, memory_reservation, "memory soft limit"),
	MB_OPT_SIZE(0, "memory-swap", NULL, struct update_args, memory_swap, "memory plus swap; -1 is unlimited swap", .minus_one = true),
	MB_OPT_I64(0, "pids-limit", NULL, struct update_args, pids_limit, "limit of processes; -1 is unlimited"),
	MB_OPT_LIST(0, "publish-add", NULL, struct update_args, publish, "publish one more port, as run -p does"),
	MB_OPT_LIST(0, "publish-rm", NULL, struct update_args, unpublish, "publish a port no longer"),
	MB_OPT_STRING(0, "restart", NULL, struct update_args, restart, "restart policy when the container exits"),
	MB_OPT_REFUSED(0, "cpu-rt-period", true, NULL),
	MB_OPT_REFUSED(0, "cpu-rt-runtime", true, NULL),
	MB_OPT_REFUSED(0, "kernel-memory", true, NULL),
	MB_OPT_END,
};
// clang-format on

const struct mb_cli_verb mb_cmd_update = {
	.paths = "update|container update",
	.summary = "change limits, restart policy and ports of containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_CONTAINER},
	.opts = opts,
	.args_size = sizeof(struct update_args),
	.examples = "mybox update -m 512m --cpus 1.5 web\n"
		    "mybox update --restart unless-stopped web db\n"
		    "mybox update --publish-rm 8080:80 --publish-add 127.0.0.1:8080:80 web\n",
	.main = update_main,
};
