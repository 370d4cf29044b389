/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/container_each.h"

#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/each.h"
#include "container/container.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"

int mb_cmd_container_find(struct mb_cmd_context *cx, const char *reference,
                          struct mb_container **ret, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_container_find(store, reference, &c, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	r = mb_container_adopt(c, err);
	if (r < 0)
		return r;
	*ret = mb_take_ptr(&c);
	return 0;
}

struct each {
	struct mb_cmd_context *cx;
	int (*one)(void *arg, struct mb_container *c, struct mb_err *err);
	void *arg;
};

static int find_and_do(void *arg, const char *operand, struct mb_err *err)
{
	const struct each *each = arg;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	int r = mb_cmd_container_find(each->cx, operand, &c, err);

	if (r < 0)
		return r;
	r = each->one(each->arg, c, err);
	/* A positive answer of the library is told, like a failure. */
	return r > 0 ? -ESRCH : r;
}

int mb_cmd_container_each(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                          int (*one)(void *arg, struct mb_container *c, struct mb_err *err),
                          void *arg, struct mb_err *err)
{
	struct each each = {cx, one, arg};

	(void)err;
	return mb_cmd_each(in, find_and_do, &each);
}

/* Or whoever is started before it. */
static bool shares_processes(struct mb_store *store, const struct mb_container *c)
{
	const struct mb_container_host_config *h = &c->record->host;
	bool shares = h->pid_mode && *h->pid_mode;

	for (size_t i = 0; !shares && i < h->requires.n; i++) {
		MB_AUTO(mb_container_free) struct mb_container *first = NULL;

		shares = mb_container_open(store, h->requires.v[i], &first, NULL) == 0 &&
		         shares_processes(store, first);
	}
	return shares;
}

int mb_cmd_container_seal(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                          struct mb_err *err)
{
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	for (size_t i = 0; r == 0 && i < in->n_operands; i++) {
		MB_AUTO(mb_container_free) struct mb_container *c = NULL;

		/* One that is not there is told when its turn comes. */
		if (mb_container_find(store, in->operands[i], &c, NULL) == 0 &&
		    shares_processes(store, c))
			return mb_cmd_seal(cx, err);
	}
	return r;
}
