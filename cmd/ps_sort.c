/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/ps_sort.h"

#include <stdlib.h>
#include <string.h>

#include "container/container.h"
#include "container/inspect.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"

const char *const mb_cmd_ps_sorts[] = {
	[MB_CMD_PS_BY_CREATED] = "created",
	[MB_CMD_PS_BY_COMMAND] = "command",
	[MB_CMD_PS_BY_ID] = "id",
	[MB_CMD_PS_BY_IMAGE] = "image",
	[MB_CMD_PS_BY_NAMES] = "names",
	[MB_CMD_PS_BY_RUNNINGFOR] = "runningfor",
	[MB_CMD_PS_BY_SIZE] = "size",
	[MB_CMD_PS_BY_STATUS] = "status",
	NULL,
};

struct keyed {
	struct mb_container *c;
	char *text;              /* or NULL: by number */
	int64_t number, created; /* what is alike: the oldest first */
};

static int compare(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int r = x->text ? strcmp(x->text, y->text) : 0;

	if (r == 0)
		r = (x->number > y->number) - (x->number < y->number);
	return r ? r : (x->created > y->created) - (x->created < y->created);
}

static char *text_of(const struct mb_container *c, enum mb_cmd_ps_sort by)
{
	struct mb_str s = MB_STR_INIT;

	switch (by) {
	case MB_CMD_PS_BY_COMMAND:
		mb_container_command_text(c, &s);
		return mb_str_take(&s);
	case MB_CMD_PS_BY_ID:
		return mb_strdup(c->id);
	case MB_CMD_PS_BY_IMAGE:
		return mb_strdup(c->record->config.image ? c->record->config.image : "");
	case MB_CMD_PS_BY_NAMES:
		return mb_strdup(mb_container_name(c));
	case MB_CMD_PS_BY_STATUS:
		return mb_strdup(mb_container_status_name(c->state.status));
	case MB_CMD_PS_BY_CREATED:
	case MB_CMD_PS_BY_RUNNINGFOR:
	case MB_CMD_PS_BY_SIZE:
		break;
	}
	return NULL;
}

static int64_t number_of(struct mb_container *c, enum mb_cmd_ps_sort by)
{
	int64_t size = 0;

	return by == MB_CMD_PS_BY_SIZE && mb_container_size(c, &size, NULL) == 0 ? size : 0;
}

void mb_cmd_ps_sort(struct mb_container_list *list, enum mb_cmd_ps_sort by)
{
	struct keyed *all = mb_calloc(list->n + 1, sizeof(*all));

	for (size_t i = 0; i < list->n; i++)
		all[i] = (struct keyed){.c = list->v[i],
		                        .text = text_of(list->v[i], by),
		                        .number = number_of(list->v[i], by),
		                        .created = list->v[i]->record->created};
	qsort(all, list->n, sizeof(*all), compare);
	for (size_t i = 0; i < list->n; i++) {
		list->v[i] = all[i].c;
		free(all[i].text);
	}
	free(all);
}
