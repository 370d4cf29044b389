/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include <json-c/json_object.h>

#include "cmd/cni/cni.h"
#include "core/own.h"
#include "core/str.h"
#include "json/json.h"

enum { USUAL_MTU = 1500 };

/* The list @key of @o, made where it is none. */
static struct json_object *list_of(struct json_object *o, const char *key)
{
	struct json_object *list = mb_json_find(o, key);

	if (json_object_is_type(list, json_type_array))
		return list;
	list = mb_json_new_array();
	mb_json_set(o, key, list);
	return list;
}

static void add_interface(struct json_object *list, const char *name, const char *mac,
                          const char *netns, uint32_t mtu)
{
	struct json_object *o = mb_json_new_object();

	mb_json_set_str(o, "name", name);
	if (mac)
		mb_json_set_str(o, "mac", mac);
	if (mtu)
		mb_json_set_i64(o, "mtu", mtu);
	if (netns)
		mb_json_set_str(o, "sandbox", netns);
	mb_json_push(list, o);
}

static void add_ip(const struct mb_cmd_cni_call *call, struct json_object *list, size_t interface,
                   const char *ip, uint32_t prefix, const char *gateway)
{
	MB_AUTO_FREE char *address = mb_asprintf("%s/%u", ip, prefix);
	struct json_object *o = mb_json_new_object();

	if (!mb_cmd_cni_is_since(call->version, 1, 0))
		mb_json_set_str(o, "version", strchr(ip, ':') ? "6" : "4");
	mb_json_set_i64(o, "interface", (int64_t)interface);
	mb_json_set_str(o, "address", address);
	if (gateway)
		mb_json_set_str(o, "gateway", gateway);
	mb_json_push(list, o);
}

static void add_route(struct json_object *list, const char *to, const char *gateway)
{
	struct json_object *o = mb_json_new_object();

	mb_json_set_str(o, "dst", to);
	if (gateway)
		mb_json_set_str(o, "gw", gateway);
	mb_json_push(list, o);
}

static void add_endpoint(struct mb_cmd_cni_call *call, const struct mb_net_sandbox *s,
                         const struct mb_net_endpoint *e, struct json_object *result)
{
	struct json_object *interfaces = list_of(result, "interfaces");
	struct json_object *ips = list_of(result, "ips"), *routes = list_of(result, "routes");
	bool upper = e->driver && !mb_streq(e->driver, "bridge");
	uint32_t mtu = !e->mtu && !upper ? USUAL_MTU : e->mtu;
	size_t at;

	if (!upper) {
		add_interface(interfaces, e->bridge, NULL, NULL, 0);
		add_interface(interfaces, e->host_ifname, NULL, NULL, 0);
	}
	at = json_object_array_length(interfaces);
	if (!mb_cmd_cni_is_since(call->version, 1, 1))
		mtu = 0;
	add_interface(interfaces, e->ifname, e->mac, call->netns, mtu);
	if (e->ip4)
		add_ip(call, ips, at, e->ip4, e->prefix4, e->gw4);
	if (e->ip6)
		add_ip(call, ips, at, e->ip6, e->prefix6, e->gw6);
	if (!e->gateway || s->guest.no_route)
		return;
	if (e->gw4)
		add_route(routes, "0.0.0.0/0", e->on_link ? NULL : e->gw4);
	if (e->gw6)
		add_route(routes, "::/0", e->on_link ? NULL : e->gw6);
}

struct json_object *mb_cmd_cni_result(struct mb_cmd_cni_call *call, const struct mb_net_sandbox *s)
{
	struct json_object *before = mb_json_find(call->config, "prevResult");
	struct json_object *dns = mb_json_find(call->config, "dns");
	struct json_object *result = json_object_is_type(before, json_type_object)
	                                     ? mb_json_ref(before)
	                                     : mb_json_new_object();

	mb_json_set_str(result, "cniVersion", call->version);
	for (size_t i = 0; i < s->n_endpoints; i++)
		add_endpoint(call, s, &s->endpoints[i], result);
	if (json_object_is_type(dns, json_type_object))
		mb_json_set(result, "dns", mb_json_ref(dns));
	else if (!mb_json_find(result, "dns"))
		mb_json_set(result, "dns", mb_json_new_object());
	return result;
}
