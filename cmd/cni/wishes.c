/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an engine asks for beyond the configuration: addresses, MAC, ports, aliases. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_object.h>

#include "cmd/cni/cni.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "json/json.h"

enum { MANY = 1024 };

static size_t count(struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	return n < MANY ? n : MANY;
}

static const char *text_at(struct json_object *list, size_t i)
{
	struct json_object *o = json_object_array_get_idx(list, i);

	return json_object_is_type(o, json_type_string) ? json_object_get_string(o) : "";
}

/* "10.1.2.3", "10.1.2.3/24": how long the prefix is the network knows. */
static void take_address(const char *text, char **ip4, char **ip6)
{
	char **to = strchr(text, ':') ? ip6 : ip4;

	if (!*to && *text)
		*to = mb_strndup(text, strcspn(text, "/"));
}

/* Where the three ways to ask are, the first that does counts: capability, "args", CNI_ARGS. */
static int take_addresses(struct mb_cmd_cni_call *call, struct mb_err *err)
{
	struct json_object *runtime = mb_json_find(call->config, "runtimeConfig");
	struct json_object *args = mb_json_walk(call->config, "args", "cni", NULL);
	struct json_object *const places[] = {runtime, args};
	MB_AUTO_FREE char *ip4 = NULL, *ip6 = NULL;
	const char *mac = mb_json_find_str(runtime, "mac", "");
	const char *ip = mb_kv_find(&call->args, "IP");
	int r;

	for (size_t k = 0; k < MB_N(places); k++) {
		struct json_object *ips = mb_json_find(places[k], "ips");

		for (size_t i = 0; i < count(ips); i++)
			take_address(text_at(ips, i), &ip4, &ip6);
	}
	if (ip)
		take_address(ip, &ip4, &ip6);
	if (!*mac)
		mac = mb_json_find_str(args, "mac", "");
	if (!*mac && mb_kv_find(&call->args, "MAC"))
		mac = mb_kv_find(&call->args, "MAC");
	r = mb_net_network_spec_set(&call->spec, ip4, ip6, *mac ? mac : NULL, NULL, err);
	if (r < 0)
		call->code = MB_CNI_CONFIG;
	return r;
}

/* {"hostPort": 8080, "containerPort": 80, "protocol": "tcp", "hostIP": "127.0.0.1"} */
static int take_port(struct mb_cmd_cni_call *call, struct json_object *o, struct mb_err *err)
{
	const char *ip = mb_json_find_str(o, "hostIP", "");
	const char *proto = mb_json_find_str(o, "protocol", "tcp");
	int64_t host = mb_json_find_i64(o, "hostPort", 0);
	int64_t port = mb_json_find_i64(o, "containerPort", 0);
	bool v6 = strchr(ip, ':');
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r;

	if (host <= 0) /* exposed, not published */
		return 0;
	if (*ip)
		mb_str_addf(&text, "%s%s%s:", v6 ? "[" : "", ip, v6 ? "]" : "");
	mb_str_addf(&text, "%lld:%lld/", (long long)host, (long long)port);
	for (; *proto; proto++)
		mb_str_addc(&text, (char)(*proto | 0x20));
	r = mb_net_port_spec_parse(mb_str_text(&text), &call->ports[call->n_ports], err);
	if (r < 0) {
		call->code = MB_CNI_CONFIG;
		return mb_wrap(err, r, "portMappings");
	}
	call->n_ports++;
	return 0;
}

static int take_ports(struct mb_cmd_cni_call *call, struct mb_err *err)
{
	struct json_object *list =
		mb_json_walk(call->config, "runtimeConfig", "portMappings", NULL);
	size_t n = count(list);
	int r = 0;

	call->ports = mb_calloc(n + 1, sizeof(*call->ports));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = take_port(call, json_object_array_get_idx(list, i), err);
	return r;
}

/* podman's capability: names by network. */
static void take_aliases(struct mb_cmd_cni_call *call)
{
	struct json_object *list = mb_json_walk(call->config, "runtimeConfig", "aliases", NULL);

	list = mb_json_find(list, call->name);
	for (size_t i = 0; i < count(list); i++)
		if (*text_at(list, i))
			mb_strv_add(&call->spec.aliases, text_at(list, i));
}

int mb_cmd_cni_read_wishes(struct mb_cmd_cni_call *call, struct mb_err *err)
{
	int r;

	call->spec.mode = MB_NET_MODE_NETWORK;
	call->spec.name = mb_strdup(call->network);
	mb_kv_set(&call->spec.driver_opts, "com.docker.network.endpoint.ifname", call->ifname);
	take_aliases(call);
	r = take_addresses(call, err);
	return r < 0 ? r : take_ports(call, err);
}
