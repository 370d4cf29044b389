/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/usages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container/life.h"
#include "core/err.h"
#include "core/own.h"

void mb_cmd_usages_done(struct mb_cmd_usages *u)
{
	for (size_t i = 0; i < u->list.n; i++)
		mb_container_usage_free(u->usages[i]);
	free(u->usages);
	u->usages = NULL;
	mb_container_list_done(&u->list);
	mb_sys_cgroup_host_free(u->host);
	u->host = NULL;
}

static int load_named(struct mb_store *store, char *const *names, size_t n,
                      struct mb_container_list *ret, struct mb_err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct mb_container *c = NULL, **slot;
		int r = mb_container_find(store, names[i], &c, err);

		if (r != 0)
			return r < 0 ? r : -ENOENT;
		slot = mb_container_append(&ret->v, &ret->n, sizeof(*slot));
		*slot = c;
	}
	return 0;
}

static void keep_running(struct mb_container_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		if (mb_container_is_running(list->v[i]))
			list->v[n++] = list->v[i];
		else
			mb_container_free(list->v[i]);
	list->n = n;
}

/* The usage of the container @id, which stands where it stood or a few places beside it. */
static struct mb_container_usage *take(struct mb_cmd_usages *from, const char *id, size_t hint)
{
	for (size_t i = 0; i < from->list.n; i++) {
		size_t at = (hint + i) % from->list.n;

		if (from->usages[at] && strcmp(from->list.v[at]->id, id) == 0)
			return mb_take_ptr(&from->usages[at]);
	}
	return mb_container_usage_new();
}

int mb_cmd_usages_load(struct mb_cmd_usages *u, struct mb_store *store, char *const *names,
                       size_t n_names, bool all, struct mb_err *err)
{
	struct mb_cmd_usages fresh = {0};
	int r = n_names ? load_named(store, names, n_names, &fresh.list, err)
	                : mb_container_list_load(store, false, &fresh.list, err);

	if (r < 0) {
		mb_container_list_done(&fresh.list);
		return r;
	}
	if (!n_names && !all)
		keep_running(&fresh.list);
	fresh.usages = mb_calloc(fresh.list.n + 1, sizeof(struct mb_container_usage *));
	for (size_t i = 0; i < fresh.list.n; i++)
		fresh.usages[i] = take(u, fresh.list.v[i]->id, i);
	fresh.host = mb_take_ptr(&u->host);
	mb_cmd_usages_done(u);
	*u = fresh;
	for (size_t i = 0; i < u->list.n; i++)
		mb_container_adopt_seen(u->list.v[i]);
	return 0;
}

void mb_cmd_usages_look(struct mb_cmd_usages *u)
{
	if (!u->host)
		(void)mb_sys_cgroup_host_open(&u->host, NULL);
	for (size_t i = 0; i < u->list.n; i++)
		mb_container_usage_look(u->usages[i], u->list.v[i], u->host);
}
