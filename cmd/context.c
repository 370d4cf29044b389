/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/context.h"

#include <string.h>

#include "core/err.h"
#include "store/store.h"

int mb_cmd_store(struct mb_cmd_context *cx, struct mb_store **ret, struct mb_err *err)
{
	int r = 0;

	if (!cx->store)
		r = mb_store_open(cx->root, cx->run, &cx->store, err);
	if (r < 0)
		return r;
	cx->store->verb = cx->verb;
	*ret = cx->store;
	return 0;
}

const char *mb_cmd_user_env(const struct mb_cmd_context *cx, const char *name)
{
	size_t len = strlen(name);

	for (char *const *v = cx->user_env; v && *v; v++)
		if (strncmp(*v, name, len) == 0 && (*v)[len] == '=')
			return *v + len + 1;
	return NULL;
}
