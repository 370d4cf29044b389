/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network_join.h"
#include "container/container.h"
#include "container/event.h"
#include "container/life.h"
#include "core/csv.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/net.h"
#include "net/network_spec.h"

struct connect_args {
	const char *ip, *ip6, *mac;
	struct mb_strv aliases, links, driver_opts;
	int priority;
};

/* The long form of --network, in which the record keeps it and net reads it. */
static int add_field(struct mb_str *spec, const char *key, const char *value, struct mb_err *err)
{
	MB_AUTO_FREE char *field = value ? mb_asprintf("%s=%s", key, value) : NULL;

	if (!value)
		return 0;
	if (strchr(value, '\n'))
		return mb_fail(err, EINVAL, "invalid value '%s' for '%s'", value, key);
	mb_str_addc(spec, ',');
	mb_csv_add(spec, field);
	return 0;
}

static int make_spec(const struct connect_args *args, const char *network, struct mb_str *spec,
                     struct mb_err *err)
{
	int r = 0;

	mb_str_addf(spec, "name=%s", network);
	MB_STRV_FOREACH (alias, &args->aliases)
		r = r ? r : add_field(spec, "alias", alias, err);
	MB_STRV_FOREACH (link, &args->links)
		r = r ? r : add_field(spec, "link", link, err);
	MB_STRV_FOREACH (option, &args->driver_opts)
		r = r ? r : add_field(spec, "driver-opt", option, err);
	r = r ? r : add_field(spec, "ip", args->ip, err);
	r = r ? r : add_field(spec, "ip6", args->ip6, err);
	r = r ? r : add_field(spec, "mac-address", args->mac, err);
	if (args->priority)
		mb_str_addf(spec, ",gw-priority=%d", args->priority);
	return r;
}

static bool is_on_already(const struct mb_container_record *record, const char *network)
{
	MB_STRV_FOREACH (text, &record->networks) {
		struct mb_net_network_spec spec = {0};
		bool same = mb_net_network_spec_parse(text, &spec, NULL) == 0 &&
		            mb_streq(spec.name, network);

		mb_net_network_spec_done(&spec);
		if (same)
			return true;
	}
	return false;
}

static int join(struct mb_cmd_network_pair *pair, const char *text, struct mb_err *err)
{
	struct mb_container *c = pair->container;
	struct mb_net_network_spec spec = {0};
	int r = mb_net_network_spec_parse(text, &spec, err);

	if (r == 0 && is_on_already(c->record, pair->network->name))
		r = mb_fail(err, EEXIST, "endpoint with name %s already exists in network %s",
		            mb_container_name(c), pair->network->name);
	if (r == 0 && pair->netns_fd >= 0)
		r = mb_net_connect(pair->net, c->id, pair->netns_fd, &spec, err);
	if (r == 0 && pair->netns_fd >= 0)
		r = mb_container_network_changed(c, pair->net, NULL, err);
	if (r == 0) {
		mb_strv_add(&c->record->networks, text);
		r = mb_cmd_network_pair_save(pair, err);
	}
	if (r == 0 && pair->netns_fd >= 0)
		mb_container_event_network(c, "connect", pair->network->id, pair->network->name,
		                           pair->network->driver);
	mb_net_network_spec_done(&spec);
	return r > 0 ? -EEXIST : r; /* told */
}

static int connect_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	struct mb_cmd_network_pair pair = MB_CMD_NETWORK_PAIR_INIT;
	MB_AUTO_STR struct mb_str spec = MB_STR_INIT;
	int r = mb_cmd_network_pair_open(cx, in->operands[0], in->operands[1], &pair, err);

	if (r == 0)
		r = make_spec(in->args, pair.network->name, &spec, err);
	if (r == 0)
		r = join(&pair, mb_str_text(&spec), err);
	mb_cmd_network_pair_done(&pair);
	return r;
}

static const struct mb_cli_opt connect_opts[] = {
	MB_OPT_LIST(0, "alias", "strings", struct connect_args, aliases,
                    "another name of the container on this network"),
	MB_OPT_LIST(0, "driver-opt", "strings", struct connect_args, driver_opts,
                    "option of the endpoint, as key=value"),
	MB_OPT_INT(0, "gw-priority", NULL, struct connect_args, priority,
                   "the highest network has the default route"),
	MB_OPT_STRING(0, "ip", NULL, struct connect_args, ip, "IPv4 address: 172.30.100.104"),
	MB_OPT_STRING(0, "ip6", NULL, struct connect_args, ip6, "IPv6 address: 2001:db8::33"),
	MB_OPT_LIST(0, "link", "list", struct connect_args, links,
                    "call another container so, as NAME:ALIAS"),
	MB_OPT_STRING(0, "mac-address", NULL, struct connect_args, mac,
                      "hardware address: 92:d0:c6:0a:29:33"),
	MB_OPT_REFUSED(0, "link-local-ip", true, NULL),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_connect = {
	.paths = "network connect",
	.summary = "connect a container to a network",
	.operands = "NETWORK CONTAINER",
	.min = 2,
	.max = 2,
	.complete = {MB_COMP_NETWORK, MB_COMP_CONTAINER},
	.opts = connect_opts,
	.args_size = sizeof(struct connect_args),
	.examples = "mybox network connect my-network container1\n"
		    "mybox network connect --alias db --ip 10.9.0.5 lab container2\n",
	.main = connect_main,
};
