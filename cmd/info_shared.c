/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/info_shared.h"

#include <inttypes.h>
#include <json-c/json.h>

#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "net/net.h"
#include "net/overlay_lead.h"
#include "json/json.h"

static void add_one(struct json_object *list, struct mb_net *net, const struct mb_net_network *n)
{
	struct json_object *o = mb_json_new_object(), *hosts = mb_json_new_array();
	MB_AUTO_FREE char *lease = NULL;
	struct mb_net_lead_status s = {0};
	int r = mb_net_lead_status_load(net, n->id, &s, NULL);

	lease = mb_asprintf("%" PRIx64, s.lease);
	MB_KV_FOREACH (host, &s.hosts)
		mb_json_push_str(hosts, host->value);
	mb_json_set_str(o, "Network", n->name);
	mb_json_set_str(o, "Host", n->overlay.host);
	mb_json_set(o, "Members", mb_json_new_strv(&n->overlay.store.members));
	mb_json_set_str(o, "State", r ? "idle" : s.online ? "online" : "silent");
	mb_json_set_str(o, "Member", s.member ? s.member : "");
	mb_json_set_str(o, "Fault", s.fault ? s.fault : s.policy ? s.policy : "");
	mb_json_set_time(o, "Since", s.since);
	mb_json_set_str(o, "Lease", s.lease ? lease : "");
	mb_json_set(o, "Hosts", hosts);
	mb_json_push(list, o);
	mb_net_lead_status_done(&s);
}

void mb_cmd_info_shared(struct mb_store *store, struct json_object *info)
{
	struct json_object *list = mb_json_new_array();
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	struct mb_net_networks networks = {0};

	mb_net_new(store, &net);
	(void)mb_net_network_list(net, &networks, NULL);
	for (size_t i = 0; i < networks.n; i++)
		if (networks.v[i]->overlay.store.members.n)
			add_one(list, net, networks.v[i]);
	mb_net_networks_done(&networks);
	mb_json_set(info, "SharedNetworks", list);
}

static void put_list(const char *what, struct json_object *list, struct mb_str *out)
{
	size_t n = json_object_array_length(list);

	mb_str_addf(out, "   %s:", what);
	for (size_t i = 0; i < n; i++)
		mb_str_addf(out, " %s", json_object_get_string(json_object_array_get_idx(list, i)));
	mb_str_addc(out, '\n');
}

void mb_cmd_info_shared_put(struct json_object *info, struct mb_str *out)
{
	struct json_object *list = mb_json_find(info, "SharedNetworks");
	size_t n = json_object_array_length(list);

	if (n)
		mb_str_add(out, " Shared Networks:\n");
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *member = mb_json_find_str(o, "Member", "");
		const char *fault = mb_json_find_str(o, "Fault", "");
		const char *lease = mb_json_find_str(o, "Lease", "");

		mb_str_addf(out, "  %s: %s%s%s%s%s\n", mb_json_find_str(o, "Network", ""),
		            mb_json_find_str(o, "State", ""), *member ? " by " : "", member,
		            *fault ? ": " : "", fault);
		put_list("Members", mb_json_find(o, "Members"), out);
		if (*lease)
			mb_str_addf(out, "   Lease: %s\n", lease);
		put_list("Hosts", mb_json_find(o, "Hosts"), out);
	}
}
