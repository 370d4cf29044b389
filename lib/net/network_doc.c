/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/id.h"
#include "core/parse.h"
#include "core/sha256.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/overlay.h"
#include "net/policy.h"
#include "net/policy_rule.h"
#include "nl/route.h"
#include "store/doc.h"
#include "store/store.h"
#include "json/json.h"

#define DEFAULT_BRIDGE "mybox0"

static const struct mb_json_field pool_table[] = {
	MB_JSON_STR("subnet", struct mb_net_pool, subnet),
	MB_JSON_STR("gateway", struct mb_net_pool, gateway),
	MB_JSON_STR("ip_range", struct mb_net_pool, ip_range),
	MB_JSON_KV("aux", struct mb_net_pool, aux),
	MB_JSON_END,
};

static const struct mb_json_field rule_table[] = {
	MB_JSON_U32("id", struct mb_net_rule, id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("from", struct mb_net_rule, from, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("to", struct mb_net_rule, to, .flags = MB_JSON_REQUIRED),
	MB_JSON_U32("proto", struct mb_net_rule, proto),
	MB_JSON_U32("port_lo", struct mb_net_rule, port_lo),
	MB_JSON_U32("port_hi", struct mb_net_rule, port_hi),
	MB_JSON_BOOL("deny", struct mb_net_rule, deny),
	MB_JSON_END,
};

const struct mb_json_field mb_net_policy_table[] = {
	MB_JSON_BOOL("deny", struct mb_net_policy, deny),
	MB_JSON_U32("last_id", struct mb_net_policy, last_id),
	MB_JSON_LIST("rules", struct mb_net_policy, rules, n_rules, struct mb_net_rule, rule_table),
	MB_JSON_END,
};

static const struct mb_json_field external_table[] = {
	MB_JSON_STR("name", struct mb_net_external, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_STRV("addresses", struct mb_net_external, addresses),
	MB_JSON_END,
};

static const struct mb_json_field store_table[] = {
	MB_JSON_STRV("members", struct mb_net_store, members),
	MB_JSON_STR("cacert", struct mb_net_store, cacert),
	MB_JSON_STR("cert", struct mb_net_store, cert),
	MB_JSON_STR("key", struct mb_net_store, key),
	MB_JSON_STR("user", struct mb_net_store, user),
	MB_JSON_STR("password_file", struct mb_net_store, password_file),
	MB_JSON_END,
};

static const struct mb_json_field overlay_table[] = {
	MB_JSON_U32("vni", struct mb_net_overlay, vni),
	MB_JSON_U32("port", struct mb_net_overlay, port),
	MB_JSON_STR("vtep", struct mb_net_overlay, vtep),
	MB_JSON_STRV("peers", struct mb_net_overlay, peers),
	MB_JSON_BOOL("external", struct mb_net_overlay, external),
	MB_JSON_OBJ("store", struct mb_net_overlay, store, store_table),
	MB_JSON_STR("host", struct mb_net_overlay, host),
	MB_JSON_U32("ttl", struct mb_net_overlay, ttl),
	MB_JSON_U64("revision", struct mb_net_overlay, revision),
	MB_JSON_U64("policy_revision", struct mb_net_overlay, policy_revision),
	MB_JSON_BOOL("encrypted", struct mb_net_overlay, encrypted),
	MB_JSON_STR("underlay", struct mb_net_overlay, underlay),
	MB_JSON_STR("wire_key", struct mb_net_overlay, wire_key),
	MB_JSON_STR("wire_public", struct mb_net_overlay, wire_public),
	MB_JSON_U32("wire_port", struct mb_net_overlay, wire_port),
	MB_JSON_END,
};

static const struct mb_json_field network_table[] = {
	MB_JSON_STR("id", struct mb_net_network, id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("name", struct mb_net_network, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("driver", struct mb_net_network, driver, .flags = MB_JSON_REQUIRED),
	MB_JSON_TIME("created", struct mb_net_network, created),
	MB_JSON_STR("bridge", struct mb_net_network, bridge),
	MB_JSON_STR("parent", struct mb_net_network, parent),
	MB_JSON_U32("mode", struct mb_net_network, mode),
	MB_JSON_U32("mode_flags", struct mb_net_network, mode_flags),
	MB_JSON_BOOL("internal", struct mb_net_network, internal),
	MB_JSON_BOOL("ipv6", struct mb_net_network, ipv6),
	MB_JSON_BOOL("icc", struct mb_net_network, icc),
	MB_JSON_BOOL("masquerade", struct mb_net_network, masquerade),
	MB_JSON_BOOL("attachable", struct mb_net_network, attachable),
	MB_JSON_BOOL("builtin", struct mb_net_network, builtin),
	MB_JSON_BOOL("no_ipv4", struct mb_net_network, no_ipv4),
	MB_JSON_BOOL("no_addresses", struct mb_net_network, no_addresses),
	MB_JSON_BOOL("dhcp", struct mb_net_network, dhcp),
	MB_JSON_U32("group", struct mb_net_network, group),
	MB_JSON_BOOL("no_dns", struct mb_net_network, no_dns),
	MB_JSON_BOOL("direct4", struct mb_net_network, direct4),
	MB_JSON_BOOL("direct6", struct mb_net_network, direct6),
	MB_JSON_BOOL("exposed4", struct mb_net_network, exposed4),
	MB_JSON_BOOL("exposed6", struct mb_net_network, exposed6),
	MB_JSON_BOOL("unmanaged", struct mb_net_network, unmanaged),
	MB_JSON_BOOL("loose", struct mb_net_network, loose),
	MB_JSON_STRV("trusted", struct mb_net_network, trusted),
	MB_JSON_BOOL("bare4", struct mb_net_network, bare4),
	MB_JSON_BOOL("bare6", struct mb_net_network, bare6),
	MB_JSON_BOOL("no_route", struct mb_net_network, no_route),
	MB_JSON_STR("vrf", struct mb_net_network, vrf),
	MB_JSON_U32("vlan", struct mb_net_network, vlan),
	MB_JSON_U32("metric", struct mb_net_network, metric),
	MB_JSON_STRV("routes", struct mb_net_network, routes),
	MB_JSON_STRV("dns", struct mb_net_network, dns),
	MB_JSON_STR("host_ip4", struct mb_net_network, host_ip4),
	MB_JSON_STR("host_ip6", struct mb_net_network, host_ip6),
	MB_JSON_U32("mtu", struct mb_net_network, mtu),
	MB_JSON_U32("mtuOut", struct mb_net_network, mtu_out),
	MB_JSON_STR("host_binding", struct mb_net_network, host_binding),
	MB_JSON_OBJ("v4", struct mb_net_network, v4, pool_table),
	MB_JSON_OBJ("v6", struct mb_net_network, v6, pool_table),
	MB_JSON_KV("options", struct mb_net_network, options),
	MB_JSON_KV("labels", struct mb_net_network, labels),
	MB_JSON_OBJ("policy", struct mb_net_network, policy, mb_net_policy_table),
	MB_JSON_OBJ("overlay", struct mb_net_network, overlay, overlay_table),
	MB_JSON_LIST("externals", struct mb_net_network, externals, n_externals,
                     struct mb_net_external, external_table),
	MB_JSON_END,
};

void mb_net_network_free(struct mb_net_network *n)
{
	if (!n)
		return;
	mb_json_done(network_table, n);
	free(n);
}

void mb_net_networks_done(struct mb_net_networks *list)
{
	for (size_t i = 0; i < list->n; i++)
		mb_net_network_free(list->v[i]);
	free(list->v);
	*list = (struct mb_net_networks){0};
}

void mb_net_network_names(const char *id, char bridge[IFNAMSIZ])
{
	snprintf(bridge, IFNAMSIZ, "mb-%.12s", id);
}

static void document_name(const char *id, char name[MB_ID_TEXT + 8])
{
	snprintf(name, MB_ID_TEXT + 8, "%.64s.json", id);
}

int mb_net_doc_write(struct mb_net *net, const struct mb_net_network *n, bool again,
                     struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *body = mb_json_encode(network_table, n);
	char name[MB_ID_TEXT + 8];
	MB_AUTO_CLOSE int dir = -1;
	int r;

	r = mb_store_dir(net->store, "networks", false, &dir, err);
	if (r)
		return r;
	document_name(n->id, name);
	return mb_store_doc_write(dir, name, body, MB_DOC_DURABLE | (again ? MB_DOC_REPLACE : 0u),
	                          err);
}

bool mb_net_name_is_valid(const char *name)
{
	if (name[0] && !name[1])
		return isalnum((unsigned char)name[0]);
	return mb_name_is_valid(name);
}

bool mb_net_ifname_is_valid(const char *name)
{
	return *name && strlen(name) < IFNAMSIZ && !strpbrk(name, "/ \t\n:%") && *name != '.';
}

bool mb_net_policy_is_valid(const struct mb_net_policy *p)
{
	bool good = p->n_rules <= MB_NET_RULES_MAX;

	for (size_t i = 0; good && i < p->n_rules; i++) {
		good = p->rules[i].id && p->rules[i].id <= p->last_id &&
		       mb_net_rule_check(&p->rules[i], NULL) == 0;
		for (size_t k = 0; good && k < i; k++)
			good = p->rules[k].id != p->rules[i].id;
	}
	return good;
}

void mb_net_policy_done(struct mb_net_policy *p)
{
	mb_json_done(mb_net_policy_table, p);
}

static int check_policy(const struct mb_net_network *n, const char *id, struct mb_err *err)
{
	if (!mb_net_policy_is_valid(&n->policy))
		return mb_fail(err, EBADMSG, "the document of network '%.12s' has a broken policy",
		               id);
	return 0;
}

/* What a document says is checked where it names things of the kernel or of the disk. */
static int check_document(const struct mb_net_network *n, const char *id, struct mb_err *err)
{
	if (!mb_streq(n->id, id) || !mb_net_name_is_valid(n->name))
		return mb_fail(err, EBADMSG, "the document of network '%.12s' is not its own", id);
	if ((n->bridge && !mb_net_ifname_is_valid(n->bridge)) ||
	    (n->parent && !mb_net_ifname_is_valid(n->parent)) ||
	    (mb_net_is_upper(n->driver) ? !n->parent : !n->bridge))
		return mb_fail(err, EBADMSG, "the document of network '%.12s' names no interface",
		               id);
	for (size_t i = 0; i < n->n_externals; i++)
		if (!mb_net_external_is_valid(&n->externals[i]))
			return mb_fail(err, EBADMSG,
			               "the document of network '%.12s' has a broken endpoint", id);
	if (mb_net_is_overlay(n->driver) && !mb_net_overlay_is_valid(&n->overlay))
		return mb_fail(err, EBADMSG, "the document of network '%.12s' has a broken tunnel",
		               id);
	return check_policy(n, id, err);
}

int mb_net_doc_read(struct mb_net *net, const char *id, struct mb_net_network **ret,
                    struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = mb_calloc(1, sizeof(*n));
	MB_AUTO(mb_json_free) struct json_object *body = NULL;
	char name[MB_ID_TEXT + 8];
	MB_AUTO_CLOSE int dir = -1;
	int r;

	r = mb_store_dir(net->store, "networks", false, &dir, err);
	if (r)
		return r;
	document_name(id, name);
	r = mb_store_doc_read(dir, name, &body, err);
	if (r == MB_DOC_CORRUPT)
		r = -EBADMSG;
	if (!r)
		r = mb_json_decode(body, network_table, n, err);
	if (!r)
		r = check_document(n, id, err);
	if (r)
		return r;
	*ret = mb_take_ptr(&n);
	return 0;
}

int mb_net_doc_remove(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	char name[MB_ID_TEXT + 8];
	MB_AUTO_CLOSE int dir = -1, names = -1;
	int r;

	r = mb_store_dir(net->store, "networks", false, &dir, err);
	if (!r)
		r = mb_store_dir(net->store, "networks/names", false, &names, err);
	if (r)
		return r;
	document_name(n->id, name);
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return mb_fail_sys(err, errno, "cannot remove the document of network '%s'",
		                   n->name);
	return mb_store_name_release(names, n->name, n->id, err);
}

void mb_net_doc_unclaim(struct mb_net *net, const struct mb_net_network *n)
{
	MB_AUTO_CLOSE int names = -1;

	if (mb_store_dir(net->store, "networks/names", false, &names, NULL) == 0)
		(void)mb_store_name_release(names, n->name, n->id, NULL);
}

int mb_net_doc_ids(struct mb_net *net, struct mb_strv *ids, struct mb_err *err)
{
	struct dirent *entry;
	int r, fd = -1;
	DIR *dir;

	r = mb_store_dir(net->store, "networks", false, &fd, err);
	if (r)
		return r;
	dir = mb_dir_take(fd);
	if (!dir)
		return mb_fail_sys(err, errno, "cannot list the networks");
	while ((entry = readdir(dir))) {
		char id[MB_ID_TEXT];

		if (strlen(entry->d_name) != MB_ID_LEN + 5 || !mb_ends_with(entry->d_name, ".json"))
			continue;
		snprintf(id, sizeof(id), "%.64s", entry->d_name);
		if (mb_hex_is_valid(id, MB_ID_LEN))
			mb_strv_add(ids, id);
	}
	closedir(dir);
	return 0;
}

/* ---- those that always exist ---------------------------------------------------------- */

/* Their ids are the same in every process without anyone having to write them down. */
static char *builtin_id(struct mb_net *net, const char *name)
{
	MB_AUTO_FREE char *seed = mb_asprintf("mybox network %s %s", name, net->store->root);
	char id[MB_SHA256_TEXT];

	mb_sha256_text(seed, strlen(seed), id);
	return mb_strdup(id);
}

struct mb_net_network *mb_net_builtin(struct mb_net *net, const char *name)
{
	struct mb_net_network *n = mb_calloc(1, sizeof(*n));

	n->id = builtin_id(net, name);
	n->name = mb_strdup(name);
	n->driver = mb_strdup(mb_streq(name, "none") ? "null" : name);
	n->builtin = true;
	return n;
}

/* mybox0 belongs to the first store that wants it. */
static int default_bridge(struct mb_net *net, const char *id, char name[IFNAMSIZ],
                          struct mb_err *err)
{
	struct mb_nl_link link;
	int r;

	snprintf(name, IFNAMSIZ, "%s", DEFAULT_BRIDGE);
	r = mb_net_route_sock(net, err);
	if (!r)
		r = mb_nl_link_find(&net->route, name, &link, err);
	if (r < 0)
		return r;
	if (r != MB_NL_ABSENT && !mb_starts_with(link.alias, net->alias))
		mb_net_network_names(id, name);
	return 0;
}

static int make_default(struct mb_net *net, struct mb_net_network **ret, struct mb_err *err)
{
	const struct mb_net_create request = {.name = MB_NET_DEFAULT};
	MB_AUTO(mb_net_network_free)
	struct mb_net_network *n = mb_net_builtin(net, MB_NET_DEFAULT);
	MB_AUTO_CLOSE int lock = -1;
	char bridge[IFNAMSIZ];
	int r;

	/* Nobody else may choose a subnet meanwhile. */
	r = mb_net_networks_lock(net, true, &lock, err);
	if (!r)
		r = default_bridge(net, n->id, bridge, err);
	if (r)
		return r;
	n->bridge = mb_strdup(bridge);
	n->created = mb_now_nsec();
	n->icc = n->masquerade = true;
	n->mtu = mb_net_uplink_mtu(net);
	r = mb_net_pool_choose(net, n, &request, err);
	if (!r)
		r = mb_net_doc_write(net, n, false, err);
	if (r)
		return r;
	*ret = mb_take_ptr(&n);
	return 0;
}

int mb_net_default(struct mb_net *net, struct mb_net_network **ret, struct mb_err *err)
{
	MB_AUTO_FREE char *id = builtin_id(net, MB_NET_DEFAULT);
	struct mb_err told = MB_ERR_INIT;
	int r;

	r = mb_net_doc_read(net, id, ret, &told);
	if (r == -ENOENT) {
		r = make_default(net, ret, &told);
		/* Another process was faster. */
		if (r == -EEXIST)
			r = mb_net_doc_read(net, id, ret, &told);
	}
	if (r && err)
		*err = told;
	return r ? mb_wrap(err, r, "cannot make the default network") : 0;
}
