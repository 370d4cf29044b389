/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/network_policy.h"

#include <errno.h>
#include <stddef.h>

#include "cmd/context.h"
#include "cmd/network.h"
#include "container/container.h"
#include "core/err.h"
#include "core/own.h"

const char *const mb_cmd_policy_actions[] = {"allow", "deny", NULL};

int mb_cmd_policy_open(struct mb_cmd_context *cx, const char *network, struct mb_cmd_policy *ret,
                       struct mb_err *err)
{
	int r = mb_cmd_net(cx, &ret->net, err);

	if (r == 0)
		r = mb_cmd_network_find(ret->net, network, &ret->network, err);
	return r;
}

int mb_cmd_policy_read(struct mb_cmd_context *cx, const char *network, struct mb_cmd_policy *ret,
                       struct mb_err *err)
{
	int r = mb_cmd_policy_open(cx, network, ret, err);

	if (r)
		return r;
	mb_net_set_opener(ret->net, mb_container_netns_open, cx->store);
	return mb_net_policy_refresh(ret->net, &ret->network, err);
}

void mb_cmd_policy_done(struct mb_cmd_policy *p)
{
	mb_net_network_free(p->network);
	mb_net_free(p->net);
	*p = (struct mb_cmd_policy){0};
}

int mb_cmd_policy_change(struct mb_cmd_context *cx, struct mb_cmd_policy *p,
                         struct mb_net_policy_edit *edit, uint32_t *ret_id, struct mb_err *err)
{
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r < 0)
		return r;
	edit->open = mb_container_netns_open;
	edit->arg = store;
	r = mb_net_policy_change(p->net, p->network, edit, ret_id, err);
	return r > 0 ? -ENOENT : r; /* told */
}
