/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network_join.h"
#include "container/container.h"
#include "container/event.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/net.h"
#include "net/network_spec.h"

struct disconnect_args {
	bool force;
};

/* Take @network out of the record's list.  Return: whether it was there. */
static bool forget(struct mb_container_record *record, const struct mb_net_network *network)
{
	MB_AUTO_STRV struct mb_strv gone = MB_STRV_INIT;

	MB_STRV_FOREACH (text, &record->networks) {
		struct mb_net_network_spec spec = {0};

		if (mb_net_network_spec_parse(text, &spec, NULL) == 0 &&
		    (mb_streq(spec.name, network->name) || mb_starts_with(network->id, spec.name)))
			mb_strv_add(&gone, text);
		mb_net_network_spec_done(&spec);
	}
	MB_STRV_FOREACH (text, &gone)
		mb_strv_remove(&record->networks, text);
	return gone.n > 0;
}

static int leave(struct mb_cmd_network_pair *pair, bool force, struct mb_err *err)
{
	struct mb_container *c = pair->container;
	bool was_on = forget(c->record, pair->network);
	int r = 0;

	if (!was_on && !force)
		return mb_fail(err, ENOENT, "container %s is not connected to network %s", c->id,
		               pair->network->name);
	if (pair->netns_fd >= 0)
		r = mb_net_disconnect(pair->net, c->id, pair->netns_fd, pair->network->name, err);
	if (r == 0 && pair->netns_fd >= 0)
		r = mb_container_network_changed(c, pair->net, pair->network->id, err);
	if (r == 0 && pair->netns_fd >= 0)
		mb_container_event_network(c, "disconnect", pair->network->id, pair->network->name,
		                           pair->network->driver);
	if (r == MB_NET_ABSENT)
		r = 0; /* the record alone had it */
	return r == 0 ? mb_cmd_network_pair_save(pair, err) : r;
}

static int disconnect_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                           struct mb_err *err)
{
	const struct disconnect_args *args = in->args;
	struct mb_cmd_network_pair pair = MB_CMD_NETWORK_PAIR_INIT;
	int r = mb_cmd_network_pair_open(cx, in->operands[0], in->operands[1], &pair, err);

	if (r == 0)
		r = leave(&pair, args->force, err);
	mb_cmd_network_pair_done(&pair);
	return r;
}

static const struct mb_cli_opt disconnect_opts[] = {
	MB_OPT_SWITCH('f', "force", struct disconnect_args, force,
                      "no error for one that is not connected"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_disconnect = {
	.paths = "network disconnect",
	.summary = "disconnect a container from a network",
	.operands = "NETWORK CONTAINER",
	.min = 2,
	.max = 2,
	.complete = {MB_COMP_NETWORK, MB_COMP_CONTAINER},
	.opts = disconnect_opts,
	.args_size = sizeof(struct disconnect_args),
	.main = disconnect_main,
};
