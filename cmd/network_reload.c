/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "container/container.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "net/net.h"

struct reload_args {
	bool all;
};

/* podman's way: the networks on which the container is. */
static int add_networks_of(struct mb_net *net, const struct mb_container *c, struct mb_strv *ids,
                           struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *sandbox = NULL;
	int r;

	if (!mb_container_is_running(c))
		return mb_fail(err, ESRCH, "container %s is not running", mb_container_name(c));
	r = mb_net_sandbox_load(net, c->id, &sandbox, err);
	if (r < 0)
		return r;
	for (size_t i = 0; sandbox && i < sandbox->n_endpoints; i++)
		if (!mb_strv_has(ids, sandbox->endpoints[i].network_id))
			mb_strv_add(ids, sandbox->endpoints[i].network_id);
	return 0;
}

/* Whole names come before the beginnings of ids. */
static int add_named(struct mb_cmd_context *cx, struct mb_net *net, const char *name,
                     struct mb_strv *ids, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_err why = MB_ERR_INIT;
	struct mb_store *store = NULL;
	int r = mb_net_network_find(net, name, &n, err), seen = MB_CONTAINER_ABSENT;

	if (r != 0 || !mb_streq(n->name, name))
		seen = mb_cmd_store(cx, &store, &why);
	if (store)
		seen = mb_container_find(store, name, &c, &why);
	if (seen == 0 && (r != 0 || mb_streq(mb_container_name(c), name)))
		return add_networks_of(net, c, ids, err);
	if (r == 0)
		mb_strv_add(ids, n->id);
	if (r != MB_NET_ABSENT)
		return r;
	if (seen == MB_CONTAINER_ABSENT)
		return mb_fail(err, ENOENT, "No such network or container: %s", name);
	*err = why;
	return seen < 0 ? seen : -EINVAL;
}

static int reload_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct reload_args *args = in->args;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	int r;

	if (args->all && in->n_operands)
		return mb_fail(err, EINVAL, "--all and names exclude each other");
	r = mb_cmd_net(cx, &net, err);
	for (size_t i = 0; !r && i < in->n_operands; i++)
		r = add_named(cx, net, in->operands[i], &ids, err);
	return r ? r : mb_net_reload(net, in->n_operands ? &ids : NULL, err);
}

static const struct mb_cli_opt reload_opts[] = {
	MB_OPT_SWITCH('a', "all", struct reload_args, all, "all networks, as without a name"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_reload = {
	.paths = "network reload",
	.summary = "put back rules, bridges and names that somebody removed",
	.operands = "[NETWORK|CONTAINER...]",
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_NETWORK},
	.opts = reload_opts,
	.args_size = sizeof(struct reload_args),
	.examples = "mybox network reload\n"
		    "mybox network reload web\n",
	.main = reload_main,
};
