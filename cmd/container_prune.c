/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/prune.h"
#include "cmd/report.h"
#include "container/container.h"
#include "container/inspect.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"

static bool is_wanted(const struct mb_cmd_prune *p, const struct mb_container *c)
{
	return mb_container_require(c, NULL) == 0 && !mb_container_is_running(c) &&
	       mb_cmd_prune_fits(p, &c->record->config.labels, c->record->created);
}

static void remove_one(struct mb_cmd_prune *p, struct mb_container *c, struct mb_strv *removed)
{
	struct mb_err why = MB_ERR_INIT;
	int64_t size = 0;
	int r = mb_container_size(c, &size, NULL);

	r = mb_container_remove(c, false, false, &why);
	if (r == 0) {
		mb_strv_add(removed, c->id);
		p->bytes += (uint64_t)size;
	} else if (r < 0) {
		mb_cmd_report(&why);
		p->failed = true;
	}
}

int mb_cmd_prune_containers(struct mb_cmd_prune *p, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv removed = MB_STRV_INIT;
	struct mb_container_list list = {0};
	struct mb_store *store;
	int r = mb_cmd_store(p->cx, &store, err);

	if (r == 0)
		r = mb_container_list_load(store, false, &list, err);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		if (is_wanted(p, list.v[i]))
			remove_one(p, list.v[i], &removed);
	mb_container_list_done(&list);
	return r == 0 ? mb_cmd_prune_put("Deleted Containers:", &removed) : r;
}

static int prune_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	static mb_cmd_prune_fn *const kinds[] = {mb_cmd_prune_containers, NULL};

	return mb_cmd_prune_run(
		cx, in->args, "WARNING! This will remove all stopped containers.",
		&(struct mb_cmd_prune_verb){mb_cmd_prune_filters, kinds, .frees = true}, err);
}

const struct mb_cli_verb mb_cmd_container_prune = {
	.paths = "container prune",
	.summary = "remove all stopped containers",
	.opts = mb_cmd_prune_opts,
	.args_size = sizeof(struct mb_cmd_prune_args),
	.examples = "mybox container prune -f --filter until=24h\n",
	.main = prune_main,
};
