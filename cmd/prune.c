/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/prune.h"

#include <errno.h>

#include "cmd/output.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "format/human.h"

const char *const mb_cmd_prune_filters[] = {"label", "label!", "until", NULL};
const struct mb_cli_opt mb_cmd_prune_opts[] = {
	MB_CMD_PRUNE_FILTER("only those that match: label=KEY[=VALUE], until=TIME"),
	MB_CMD_PRUNE_FORCE,
	MB_OPT_END,
};

static int fill(struct mb_cmd_prune *p, const struct mb_cmd_prune_args *args,
                const char *const *known, struct mb_err *err)
{
	const struct mb_strv *until;
	int r = mb_format_filters_parse(&args->filters, known, &p->filters, err);

	if (r < 0)
		return r;
	until = mb_format_filters_find(&p->filters, "until");
	if (until && until->n > 1)
		return mb_fail(err, EINVAL, "more than one until filter specified");
	if (until && until->n && mb_time_parse_reference(until->v[0], mb_now_nsec(), &p->until) < 0)
		return mb_fail(err, EINVAL, "invalid value '%s' for filter 'until'", until->v[0]);
	p->all = args->all;
	p->keep = (uint64_t)args->keep;
	return 0;
}

static int put_sum(const struct mb_cmd_prune *p)
{
	char size[MB_FORMAT_HUMAN_TEXT];
	MB_AUTO_FREE char *line =
		mb_asprintf("Total reclaimed space: %s", mb_format_size((double)p->bytes, size));

	return mb_cmd_put_line(line);
}

int mb_cmd_prune_run(struct mb_cmd_context *cx, const struct mb_cmd_prune_args *args,
                     const char *warning, const struct mb_cmd_prune_verb *verb, struct mb_err *err)
{
	struct mb_cmd_prune p = {.cx = cx};
	int r = fill(&p, args, verb->known, err);
	bool meant = r == 0 && (args->force || mb_cmd_confirm(warning));

	if (meant)
		for (mb_cmd_prune_fn *const *kind = verb->kinds; *kind && r == 0; kind++)
			r = (*kind)(&p, err);
	if (r == 0 && verb->frees && (meant || !verb->is_all))
		r = put_sum(&p);
	mb_format_filters_done(&p.filters);
	return r == 0 ? p.failed : r;
}

bool mb_cmd_prune_fits(const struct mb_cmd_prune *p, const struct mb_kv *labels, int64_t created)
{
	return mb_format_filters_labels(&p->filters, labels) && (!p->until || created < p->until);
}

int mb_cmd_prune_put(const char *head, const struct mb_strv *removed)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	if (!removed->n)
		return 0;
	mb_str_addf(&out, "%s\n", head);
	MB_STRV_FOREACH (name, removed)
		mb_str_addf(&out, "%s\n", name);
	mb_str_addc(&out, '\n');
	return mb_cmd_put(&out);
}
