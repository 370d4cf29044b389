/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/list.h"

#include "cmd/context.h"
#include "core/err.h"
#include "core/own.h"
#include "format/filter.h"
#include "format/table.h"

int mb_cmd_list_run(struct mb_cmd_context *cx, const struct mb_cmd_list_args *args,
                    const struct mb_cmd_list *what, struct mb_err *err)
{
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	MB_AUTO_FILTERS struct mb_format_filters filters = {0};
	const char *format = mb_cmd_list_format(args->format, args->quiet, what->quiet);
	struct mb_store *store = NULL;
	int r = mb_format_filters_parse(&args->filters, what->filters, &filters, err);

	if (r == 0)
		r = mb_format_list_new(format, what->columns, mb_cmd_list_host(), &list, err);
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = what->add_rows(store, &filters, list, err);
	return r < 0 ? r : mb_cmd_list_put(list, err);
}
