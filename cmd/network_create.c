/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/network.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/net.h"

struct create_args {
	const char *driver, *ipam_driver, *scope, *ifname;
	struct mb_strv subnets, gateways, ip_ranges, routes, dns;
	struct mb_kv aux, options, labels, ipam_options;
	bool internal, ipv6, attachable, ignore, no_dns;
	int ipv4;
};

static const char *const ours[] = {"default", "host-local", NULL};
/* podman's word, and docker's. */
static const char *const none[] = {"none", "null", NULL};

static bool is_one_of(const char *word, const char *const *list)
{
	while (*list && !mb_streq(*list, word))
		list++;
	return *list;
}

static bool gives_none(const struct create_args *args)
{
	return is_one_of(args->ipam_driver, none);
}

static bool is_dhcp(const struct create_args *args)
{
	return mb_streq(args->ipam_driver, "dhcp");
}

static int check(const struct create_args *args, const char *name, struct mb_err *err)
{
	if (*args->ipam_driver && !is_one_of(args->ipam_driver, ours) && !gives_none(args) &&
	    !is_dhcp(args))
		return mb_fail(err, ENOTSUP, "network '%s': no address driver '%s'", name,
		               args->ipam_driver);
	if (args->ipam_options.n)
		return mb_fail(err, ENOTSUP, "network '%s': no option '%s' of the address driver",
		               name, args->ipam_options.v[0].key);
	if (args->scope && *args->scope && strcmp(args->scope, "local") != 0)
		return mb_fail(err, ENOTSUP, "network '%s': no scope '%s', only local", name,
		               args->scope);
	return 0;
}

/* Another firewall's refusal wins over our permission: better said now than found out later. */
static void warn_of_drops(struct mb_net *net)
{
	MB_AUTO_STRV struct mb_strv drops = MB_STRV_INIT;

	mb_net_foreign_drops(net, &drops, NULL);
	MB_STRV_FOREACH (drop, &drops)
		mb_cmd_say("WARNING: %s drops what is forwarded: containers may not reach the "
		           "world",
		           drop);
}

/* podman's --interface-name is the bridge's, or what containers are upon. */
static struct mb_kv options_of(const struct create_args *args)
{
	bool is_upper = !strcmp(args->driver, "macvlan") || !strcmp(args->driver, "ipvlan");
	struct mb_kv options = MB_KV_INIT;

	mb_kv_set_all(&options, &args->options);
	if (args->ifname)
		mb_kv_set(&options, is_upper ? "parent" : "com.docker.network.bridge.name",
		          args->ifname);
	return options;
}

static int create_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct create_args *args = in->args;
	MB_AUTO(mb_net_network_free) struct mb_net_network *made = NULL;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	MB_AUTO_KV struct mb_kv options = options_of(args);
	const struct mb_net_create request = {
		.name = in->operands[0],
		.driver = args->driver,
		.subnets = args->subnets,
		.gateways = args->gateways,
		.ip_ranges = args->ip_ranges,
		.aux = args->aux,
		.internal = args->internal,
		.ipv6 = args->ipv6,
		.no_ipv4 = args->ipv4 == MB_CLI_NO,
		.no_addresses = gives_none(args) || is_dhcp(args),
		.dhcp = is_dhcp(args),
		.attachable = args->attachable,
		.no_dns = args->no_dns,
		.options = options,
		.labels = args->labels,
		.routes = args->routes,
		.dns = args->dns,
	};
	bool is_new = false;
	int r = check(args, request.name, err);

	if (r == 0)
		r = mb_cmd_net(cx, &net, err);
	if (r == 0)
		r = mb_net_network_create(net, &request, &made, err);
	is_new = r == 0;
	if (r == MB_NET_TAKEN && args->ignore)
		r = mb_net_network_find(net, request.name, &made, err);
	if (r == MB_NET_TAKEN)
		return -EEXIST; /* told */
	if (r < 0)
		return r;
	if (!made->internal && !made->bare4)
		warn_of_drops(net);
	if (is_new)
		mb_cmd_event_network(cx->store, "create", made);
	return mb_cmd_put_line(made->id);
}

static const struct mb_cli_opt create_opts[] = {
	MB_OPT_SWITCH(0, "attachable", struct create_args, attachable,
                      "accepted: containers can always join by hand"),
	MB_OPT_KV(0, "aux-address", NULL, struct create_args, aux,
                  "addresses that no container gets, as name=address"),
	MB_OPT_SWITCH(0, "disable-dns", struct create_args, no_dns,
                      "containers on it have no names there"),
	MB_OPT_LIST(0, "dns", "strings", struct create_args, dns,
                    "name server of containers that name none"),
	MB_OPT_STRING('d', "driver", NULL, struct create_args, driver,
                      "driver that makes the network", .def = "bridge"),
	MB_OPT_LIST(0, "gateway", "strings", struct create_args, gateways,
                    "address of the host in a subnet"),
	MB_OPT_SWITCH(0, "ignore", struct create_args, ignore,
                      "succeed when the network exists already"),
	MB_OPT_STRING(0, "interface-name", "string", struct create_args, ifname,
                      "name of the bridge, or interface that containers are upon"),
	MB_OPT_SWITCH(0, "internal", struct create_args, internal, "no way out to other networks"),
	MB_OPT_LIST(0, "ip-range", "strings", struct create_args, ip_ranges,
                    "give addresses from this part of the subnet"),
	MB_OPT_STRING(0, "ipam-driver", NULL, struct create_args, ipam_driver,
                      "driver that gives addresses: dhcp, or none", .def = "default"),
	MB_OPT_KV(0, "ipam-opt", NULL, struct create_args, ipam_options,
                  "options of the address driver", .hidden = true),
	MB_OPT_TRI(0, "ipv4", struct create_args, ipv4, "give IPv4 addresses (true)"),
	MB_OPT_SWITCH(0, "ipv6", struct create_args, ipv6, "give IPv6 addresses too"),
	MB_OPT_KV(0, "label", "list", struct create_args, labels, "set a label"),
	MB_OPT_KV('o', "opt", NULL, struct create_args, options, "set an option of the driver"),
	MB_OPT_LIST(0, "route", "strings", struct create_args, routes,
                    "route of containers: subnet,gateway[,metric]"),
	MB_OPT_STRING(0, "scope", NULL, struct create_args, scope, "only local", .hidden = true),
	MB_OPT_LIST(0, "subnet", "strings", struct create_args, subnets,
                    "subnet as address/bits, once for each family"),
	MB_OPT_REFUSED(0, "ingress", false, "mybox has no swarm"),
	MB_OPT_REFUSED(0, "config-only", false, NULL),
	MB_OPT_REFUSED(0, "config-from", true, NULL),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_create = {
	.paths = "network create",
	.summary = "make a network",
	.operands = "NETWORK",
	.min = 1,
	.max = 1,
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.examples = "mybox network create my-network\n"
		    "mybox network create --subnet 10.9.0.0/24 --gateway 10.9.0.254 lab\n"
		    "mybox network create --internal --ipv6 inside\n",
	.main = create_main,
};
