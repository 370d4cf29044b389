/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/network_join.h"

#include <errno.h>

#include "cmd/context.h"
#include "cmd/network.h"
#include "cmd/report.h"
#include "container/container.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/net.h"
#include "store/doc.h"
#include "sys/proc.h"

void mb_cmd_network_pair_done(struct mb_cmd_network_pair *pair)
{
	mb_close(&pair->netns_fd);
	mb_close(&pair->lock);
	mb_container_free(pair->container);
	mb_net_network_free(pair->network);
	mb_net_free(pair->net);
	*pair = MB_CMD_NETWORK_PAIR_INIT;
}

static int find_container(struct mb_cmd_context *cx, const char *reference,
                          struct mb_container **ret, struct mb_err *err)
{
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_container_find(store, reference, ret, err);
	if (r > 0)
		mb_cmd_say("Error: %s", err->msg);
	return r > 0 ? 1 : r;
}

/* Some networks cannot be shared with others: the host's, none, and another container's. */
static int check_mode(const struct mb_net_network *network, const struct mb_container *c,
                      struct mb_err *err)
{
	const char *mode = c->record->host.network_mode;

	if (network->builtin && !network->bridge)
		return mb_fail(err, EINVAL, "cannot connect a container to network '%s'",
		               network->name);
	if (mb_streq(mode, "host") || mb_streq(mode, "none") ||
	    (mode && (mb_starts_with(mode, "container:") || mb_starts_with(mode, "ns:") ||
	              mb_starts_with(mode, "cni:"))))
		return mb_fail(err, EINVAL,
		               "container '%s' cannot join or leave networks: its network is '%s'",
		               mb_container_name(c), mode);
	return 0;
}

/* One that ends just now has no namespace any more, and is connected by its record alone. */
static int open_namespace(const struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	int r = 0;

	if (!mb_container_is_running(c) || !c->state.has_run)
		return 0;
	r = mb_sys_proc_ns_open(c->state.run.pid, "net", ret_fd, err);
	return r == MB_SYS_PROC_GONE ? 0 : r;
}

int mb_cmd_network_pair_open(struct mb_cmd_context *cx, const char *network, const char *container,
                             struct mb_cmd_network_pair *ret, struct mb_err *err)
{
	int r = mb_cmd_net(cx, &ret->net, err);

	if (r == 0)
		r = mb_cmd_network_find(ret->net, network, &ret->network, err);
	if (r == 0)
		r = find_container(cx, container, &ret->container, err);
	if (r == 0)
		r = check_mode(ret->network, ret->container, err);
	if (r == 0)
		r = mb_container_lock(ret->container, &ret->lock, err);
	if (r == 0)
		r = mb_container_require(ret->container, err);
	if (r == 0)
		r = open_namespace(ret->container, &ret->netns_fd, err);
	return r;
}

int mb_cmd_network_pair_save(struct mb_cmd_network_pair *pair, struct mb_err *err)
{
	return mb_container_record_save(pair->container->dir_fd, pair->container->record,
	                                MB_DOC_DURABLE | MB_DOC_REPLACE, err);
}
