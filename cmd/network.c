/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/network.h"
#include "cmd/context.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "net/net.h"
#include "net/overlay_lead.h"
#include "net/overlay_remote.h"
#include "json/json.h"

int mb_cmd_net(struct mb_cmd_context *cx, struct mb_net **ret, struct mb_err *err)
{
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		mb_net_new(store, ret);
	return r;
}

int mb_cmd_network_find(struct mb_net *net, const char *reference, struct mb_net_network **ret,
                        struct mb_err *err)
{
	int r = mb_net_network_find(net, reference, ret, err);

	if (r == MB_NET_ABSENT)
		mb_cmd_say("Error: No such network: %s", reference);
	return r;
}

static struct json_object *new_map(const struct mb_kv *kv)
{
	struct json_object *o = mb_json_new_object();

	MB_KV_FOREACH (pair, kv)
		mb_json_set_str(o, pair->key, pair->value);
	return o;
}

static void add_pool(struct json_object *config, const struct mb_net_pool *pool)
{
	struct json_object *o = NULL;

	if (!pool->subnet)
		return;
	o = mb_json_new_object();
	mb_json_set_str(o, "Subnet", pool->subnet);
	if (pool->ip_range)
		mb_json_set_str(o, "IPRange", pool->ip_range);
	if (pool->gateway)
		mb_json_set_str(o, "Gateway", pool->gateway);
	if (pool->aux.n)
		mb_json_set(o, "AuxiliaryAddresses", new_map(&pool->aux));
	mb_json_push(config, o);
}

static struct json_object *new_ipam(const struct mb_net_network *n)
{
	struct json_object *ipam = mb_json_new_object(), *config = mb_json_new_array();

	add_pool(config, &n->v4);
	add_pool(config, &n->v6);
	mb_json_set_str(ipam, "Driver", n->dhcp ? "dhcp" : n->no_addresses ? "null" : "default");
	mb_json_set(ipam, "Options", mb_json_new_object());
	mb_json_set(ipam, "Config", config);
	return ipam;
}

static void set_address(struct json_object *o, const char *key, const char *address,
                        unsigned int prefix)
{
	MB_AUTO_FREE char *text = address ? mb_asprintf("%s/%u", address, prefix) : NULL;

	mb_json_set_str(o, key, text ? text : "");
}

static void add_member(struct json_object *containers, const struct mb_net_sandbox *member,
                       const struct mb_net_network *n)
{
	for (size_t i = 0; i < member->n_endpoints; i++) {
		const struct mb_net_endpoint *e = &member->endpoints[i];
		struct json_object *o = NULL;

		if (!mb_streq(e->network_id, n->id))
			continue;
		o = mb_json_new_object();
		mb_json_set_str(o, "Name", member->container_name);
		mb_json_set_str(o, "EndpointID", e->id);
		mb_json_set_str(o, "MacAddress", e->mac ? e->mac : "");
		set_address(o, "IPv4Address", e->ip4, e->prefix4);
		set_address(o, "IPv6Address", e->ip6, e->prefix6);
		mb_json_set(containers, member->container_id, o);
	}
}

static struct json_object *new_externals(const struct mb_net_network *n)
{
	struct json_object *list = mb_json_new_array();

	for (size_t i = 0; i < n->n_externals; i++) {
		struct json_object *o = mb_json_new_object(), *addresses = mb_json_new_array();

		MB_STRV_FOREACH (address, &n->externals[i].addresses)
			mb_json_push_str(addresses, address);
		mb_json_set_str(o, "Name", n->externals[i].name);
		mb_json_set(o, "Addresses", addresses);
		mb_json_push(list, o);
	}
	return list;
}

/* Where it goes beyond this host. */
static struct json_object *new_overlay(const struct mb_net_overlay *overlay)
{
	struct json_object *o = mb_json_new_object();

	mb_json_set_i64(o, "VNI", overlay->vni);
	mb_json_set_str(o, "VTEP", overlay->vtep);
	mb_json_set_i64(o, "Port", overlay->port);
	mb_json_set(o, "Peers", mb_json_new_strv(&overlay->peers));
	mb_json_set_bool(o, "Encrypted", overlay->encrypted);
	if (overlay->encrypted) {
		mb_json_set_str(o, "Underlay", overlay->underlay);
		mb_json_set_i64(o, "WireGuardPort", overlay->wire_port);
		mb_json_set_str(o, "WireGuardKey", overlay->wire_public);
	}
	return o;
}

/* The hosts that share it, as docker has them, and the containers there. */
static void add_hosts(struct json_object *o, struct mb_net *net, const struct mb_net_network *n)
{
	struct json_object *peers = mb_json_new_array(), *containers = mb_json_new_object();
	MB_AUTO_NET_REMOTES struct mb_net_remotes remotes = {0};
	struct mb_net_lead_status status = {0};
	MB_AUTO_FREE char *says = NULL;

	if (mb_net_lead_status_load(net, n->id, &status, NULL) == 0) {
		says = !status.online  ? mb_asprintf("silent: %s", status.fault ? status.fault : "")
		       : status.member ? mb_strdup(status.member)
		                       : NULL;
		MB_KV_FOREACH (host, &status.hosts) {
			struct json_object *peer = mb_json_new_object();

			mb_json_set_str(peer, "Name", host->value);
			mb_json_set_str(peer, "IP", host->key);
			mb_json_push(peers, peer);
		}
	}
	(void)mb_net_remotes_load(net, n, &remotes, NULL);
	for (size_t i = 0; i < remotes.n; i++) {
		const struct mb_net_remote *r = &remotes.v[i];
		struct json_object *c = mb_json_new_object();

		mb_json_set_str(c, "Name", r->name);
		mb_json_set_str(c, "Host", r->host);
		mb_json_set_str(c, "MacAddress", r->mac);
		mb_json_set_str(c, "IPv4Address", r->ip);
		mb_json_set_str(c, "IPv6Address", r->ip6 ? r->ip6 : "");
		mb_json_set(containers, r->id, c);
	}
	mb_json_set_str(mb_json_find(o, "Overlay"), "Store", says ? says : "");
	mb_json_set(o, "Peers", peers);
	mb_json_set(o, "RemoteContainers", containers);
	mb_net_lead_status_done(&status);
}

#define OF "com.docker.network."

/* docker tells of its own bridge how it is set up, under the names of the options. */
static struct json_object *new_options(const struct mb_net_network *n)
{
	struct json_object *o = new_map(&n->options);
	MB_AUTO_FREE char *mtu = mb_asprintf("%u", n->mtu ? n->mtu : 1500);

	if (!n->builtin || !n->bridge)
		return o;
	mb_json_set_str(o, OF "bridge.default_bridge", "true");
	mb_json_set_str(o, OF "bridge.enable_icc", n->icc ? "true" : "false");
	mb_json_set_str(o, OF "bridge.enable_ip_masquerade", n->masquerade ? "true" : "false");
	mb_json_set_str(o, OF "bridge.host_binding_ipv4",
	                n->host_binding ? n->host_binding : "0.0.0.0");
	mb_json_set_str(o, OF "bridge.name", n->bridge);
	mb_json_set_str(o, OF "driver.mtu", mtu);
	return o;
}

int mb_cmd_network_describe(struct mb_net *net, const struct mb_net_network *n,
                            struct json_object **ret, struct mb_err *err)
{
	struct json_object *o = NULL, *containers = NULL, *from = NULL;
	struct mb_net_members members = {0};
	int r = mb_net_members_list(net, n->id, &members, err);

	if (r < 0)
		return r;
	o = mb_json_new_object();
	mb_json_set_str(o, "Name", n->name);
	mb_json_set_str(o, "Id", n->id);
	mb_json_set_time(o, "Created", n->created);
	mb_json_set_str(o, "Scope", "local");
	mb_json_set_str(o, "Driver", n->driver);
	if (n->no_ipv4)
		mb_json_set_bool(o, "EnableIPv4", false);
	mb_json_set_bool(o, "EnableIPv6", n->ipv6);
	mb_json_set(o, "IPAM", new_ipam(n));
	mb_json_set_bool(o, "Internal", n->internal);
	/* podman's key, where it says what docker's networks cannot be. */
	if (n->no_dns)
		mb_json_set_bool(o, "DNSEnabled", false);
	mb_json_set_bool(o, "Attachable", n->attachable);
	mb_json_set_bool(o, "Ingress", false);
	from = mb_json_new_object();
	mb_json_set_str(from, "Network", "");
	mb_json_set(o, "ConfigFrom", from);
	mb_json_set_bool(o, "ConfigOnly", false);
	containers = mb_json_new_object();
	for (size_t i = 0; i < members.n; i++)
		add_member(containers, members.v[i], n);
	mb_json_set(o, "Containers", containers);
	if (n->dns.n)
		mb_json_set(o, "NetworkDNSServers", mb_json_new_strv(&n->dns));
	if (n->routes.n)
		mb_json_set(o, "Routes", mb_json_new_strv(&n->routes));
	if (n->n_externals)
		mb_json_set(o, "ExternalEndpoints", new_externals(n));
	if (n->overlay.vtep)
		mb_json_set(o, "Overlay", new_overlay(&n->overlay));
	if (n->overlay.store.members.n)
		add_hosts(o, net, n);
	mb_json_set(o, "Options", new_options(n));
	mb_json_set(o, "Labels", new_map(&n->labels));
	mb_net_members_done(&members);
	*ret = o;
	return 0;
}
