/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "cmd/watch.h"
#include "core/err.h"
#include "core/own.h"

const char *const mb_cmd_view_sorts[MB_SORTS_N_] = {
	[MB_SORT_NAME] = "name",       [MB_SORT_CPU] = "cpu",     [MB_SORT_MEMORY] = "memory",
	[MB_SORT_NETWORK] = "network", [MB_SORT_STATE] = "state",
};

static bool matches(const struct mb_cmd_view *v, const struct mb_container *c)
{
	const char *text = mb_str_text(&v->filter), *image = c->record->config.image;

	if (v->only_running && !mb_container_is_running(c))
		return false;
	return !*text || strcasestr(mb_container_name(c), text) ||
	       (image && strcasestr(image, text)) ||
	       strcasestr(mb_container_status_name(c->state.status), text) ||
	       mb_starts_with(c->id, text);
}

static double worth(const struct mb_cmd_view *v, size_t i)
{
	const double *now = v->all.usages[i]->now;

	switch (v->sort) {
	case MB_SORT_CPU:
		return now[MB_FIGURE_CPU];
	case MB_SORT_MEMORY:
		return now[MB_FIGURE_MEMORY];
	case MB_SORT_NETWORK:
		return now[MB_FIGURE_RX] + now[MB_FIGURE_TX];
	case MB_SORT_STATE:
		return -(double)v->all.list.v[i]->state.status;
	case MB_SORT_NAME:
	case MB_SORTS_N_:
		break;
	}
	return 0;
}

/* The most first; by name among equals. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct mb_cmd_view *v = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	double p = worth(v, x), q = worth(v, y);

	if (p > q || p < q)
		return p > q ? -1 : 1;
	return strcmp(mb_container_name(v->all.list.v[x]), mb_container_name(v->all.list.v[y]));
}

/* The chosen one is who it was, wherever it stands now; if it has gone, who stands there. */
static void find_chosen(struct mb_cmd_view *v)
{
	for (size_t i = 0; i < v->n_shown; i++)
		if (strcmp(v->all.list.v[v->shown[i]]->id, v->chosen) == 0) {
			v->cursor = i;
			return;
		}
	if (v->cursor >= v->n_shown)
		v->cursor = v->n_shown ? v->n_shown - 1 : 0;
	v->chosen[0] = '\0';
	if (v->n_shown)
		memcpy(v->chosen, v->all.list.v[v->shown[v->cursor]]->id, sizeof(v->chosen));
}

void mb_cmd_view_arrange(struct mb_cmd_view *v)
{
	free(v->shown);
	v->shown = mb_calloc(v->all.list.n + 1, sizeof(*v->shown));
	v->n_shown = 0;
	for (size_t i = 0; i < v->all.list.n; i++)
		if (matches(v, v->all.list.v[i]))
			v->shown[v->n_shown++] = i;
	qsort_r(v->shown, v->n_shown, sizeof(*v->shown), compare, v);
	find_chosen(v);
}

int mb_cmd_view_list(struct mb_cmd_view *v, struct mb_err *err)
{
	int r = mb_cmd_usages_load(&v->all, v->store, NULL, 0, true, err);

	if (r == 0)
		mb_cmd_view_arrange(v);
	return r;
}

void mb_cmd_view_move(struct mb_cmd_view *v, long by)
{
	long to = (long)v->cursor + by;

	if (!v->n_shown)
		return;
	to = to < 0 ? 0 : to;
	v->cursor = (size_t)to < v->n_shown ? (size_t)to : v->n_shown - 1;
	memcpy(v->chosen, v->all.list.v[v->shown[v->cursor]]->id, sizeof(v->chosen));
}

struct mb_container *mb_cmd_view_chosen(const struct mb_cmd_view *v,
                                        const struct mb_container_usage **ret_usage)
{
	size_t i;

	if (v->cursor >= v->n_shown)
		return NULL;
	i = v->shown[v->cursor];
	if (ret_usage)
		*ret_usage = v->all.usages[i];
	return v->all.list.v[i];
}
