/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/overlay_record.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/id.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/addr.h"
#include "net/handle.h"
#include "net/overlay.h"
#include "net/policy.h"
#include "net/policy_rule.h"
#include "json/json.h"

enum {
	TEXT_MAX = 64 << 10,
	NAMES_MAX = 64,
	LABELS_MAX = 2 * MB_NET_RULES_MAX,
	HOST_MAX = 64,
	HOST_ID = 16,
	MTU_MIN = 68,
	TTL_MIN = 3
};

static const struct mb_json_field shared_table[] = {
	MB_JSON_U32("schema", struct mb_net_shared, schema, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("id", struct mb_net_shared, id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("subnet", struct mb_net_shared, subnet, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("gateway", struct mb_net_shared, gateway, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("ip_range", struct mb_net_shared, ip_range),
	MB_JSON_STR("subnet6", struct mb_net_shared, subnet6),
	MB_JSON_STR("gateway6", struct mb_net_shared, gateway6),
	MB_JSON_U32("vni", struct mb_net_shared, vni, .flags = MB_JSON_REQUIRED),
	MB_JSON_U32("port", struct mb_net_shared, port, .flags = MB_JSON_REQUIRED),
	MB_JSON_U32("mtu", struct mb_net_shared, mtu, .flags = MB_JSON_REQUIRED),
	MB_JSON_U32("ttl", struct mb_net_shared, ttl, .flags = MB_JSON_REQUIRED),
	MB_JSON_BOOL("internal", struct mb_net_shared, internal),
	MB_JSON_BOOL("icc", struct mb_net_shared, icc),
	MB_JSON_BOOL("masquerade", struct mb_net_shared, masquerade),
	MB_JSON_BOOL("encrypted", struct mb_net_shared, encrypted),
	MB_JSON_END,
};

static const struct mb_json_field remote_table[] = {
	MB_JSON_U32("schema", struct mb_net_remote, schema, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("name", struct mb_net_remote, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("host", struct mb_net_remote, host, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("vtep", struct mb_net_remote, vtep, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("ip", struct mb_net_remote, ip, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("ip6", struct mb_net_remote, ip6),
	MB_JSON_STR("mac", struct mb_net_remote, mac, .flags = MB_JSON_REQUIRED),
	MB_JSON_STRV("names", struct mb_net_remote, names),
	MB_JSON_STRV("aliases", struct mb_net_remote, aliases),
	MB_JSON_KV("labels", struct mb_net_remote, labels),
	MB_JSON_END,
};

static const struct mb_json_field shared_policy_table[] = {
	MB_JSON_U32("schema", struct mb_net_shared_policy, schema, .flags = MB_JSON_REQUIRED),
	MB_JSON_OBJ("policy", struct mb_net_shared_policy, policy, mb_net_policy_table,
                    .flags = MB_JSON_REQUIRED),
	MB_JSON_END,
};

static const struct mb_json_field host_table[] = {
	MB_JSON_U32("schema", struct mb_net_host, schema, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("name", struct mb_net_host, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("id", struct mb_net_host, id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("key", struct mb_net_host, key),
	MB_JSON_STR("endpoint", struct mb_net_host, endpoint),
	MB_JSON_END,
};

/* A newer version may mean anything by the words that this one knows: its number is looked at
 * before anything else is. */
static int check_schema(const char *text, int64_t newest, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	size_t len = strlen(text);
	int64_t schema;
	int r = len > TEXT_MAX ? mb_fail(err, EBADMSG, "it is too long")
	                       : mb_json_parse_object(text, len, &o, err);

	if (r)
		return mb_wrap(err, -EBADMSG, "a record in the store");
	schema = mb_json_find_i64(o, "schema", 0);
	if (schema > newest)
		return mb_fail(err, EPROTONOSUPPORT,
		               "a record in the store is of a newer version of mybox");
	return schema >= MB_NET_SHARED_SCHEMA
	               ? 0
	               : mb_fail(err, EBADMSG, "a record in the store is of no version");
}

static int load(const char *text, const struct mb_json_field *table, void *out, size_t size,
                struct mb_err *err)
{
	int64_t newest = table == shared_table ? MB_NET_SHARED_ENCRYPTED : MB_NET_SHARED_SCHEMA;
	int r = check_schema(text, newest, err);

	if (!r && mb_json_load(text, strlen(text), table, out, size, err) < 0)
		r = mb_wrap(err, -EBADMSG, "a record in the store");
	return r;
}

static int broken(const char *what, const char *value, struct mb_err *err)
{
	MB_AUTO_FREE char *shown = mb_printable(value ? value : "");

	return mb_fail(err, EBADMSG, "a record in the store has no such %s: '%.100s'", what, shown);
}

/* ---- networks ------------------------------------------------------------------------------ */

void mb_net_shared_done(struct mb_net_shared *s)
{
	mb_json_done(shared_table, s);
}

static bool is_pool(const char *subnet, const char *gateway, const char *range, int family)
{
	struct mb_net_prefix p, q;
	struct mb_net_addr a;

	return subnet && gateway && mb_net_prefix_parse(subnet, &p) == 0 &&
	       p.addr.family == family && mb_net_addr_parse(gateway, &a) == 0 &&
	       mb_net_prefix_has(&p, &a) &&
	       (!range || (mb_net_prefix_parse(range, &q) == 0 && q.bits >= p.bits &&
	                   mb_net_prefix_has(&p, &q.addr)));
}

int mb_net_shared_parse(const char *text, struct mb_net_shared *ret, struct mb_err *err)
{
	struct mb_net_shared s = {0};
	int r = load(text, shared_table, &s, sizeof(s), err);

	if (!r && !mb_hex_is_valid(s.id, MB_ID_LEN))
		r = broken("id", s.id, err);
	else if (!r && (s.encrypted != (s.schema == MB_NET_SHARED_ENCRYPTED) ||
	                (s.encrypted && s.port != MB_NET_VXLAN_PORT)))
		r = broken("encryption", "", err);
	else if (!r && !is_pool(s.subnet, s.gateway, s.ip_range, AF_INET))
		r = broken("subnet", s.subnet, err);
	else if (!r && s.subnet6 && !is_pool(s.subnet6, s.gateway6, NULL, AF_INET6))
		r = broken("subnet", s.subnet6, err);
	else if (!r && (!s.vni || s.vni > MB_NET_VNI_MAX || !s.port || s.port > UINT16_MAX ||
	                s.mtu < MTU_MIN || s.mtu > UINT16_MAX || s.ttl < TTL_MIN))
		r = broken("number", "", err);
	if (r) {
		mb_net_shared_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void mb_net_shared_format(const struct mb_net_network *n, struct mb_str *out)
{
	/* What is borrowed here is only written. */
	const struct mb_net_shared s = {
		.schema = n->overlay.encrypted ? MB_NET_SHARED_ENCRYPTED : MB_NET_SHARED_SCHEMA,
		.id = n->id,
		.subnet = n->v4.subnet,
		.gateway = n->v4.gateway,
		.ip_range = n->v4.ip_range,
		.subnet6 = n->v6.subnet,
		.gateway6 = n->v6.gateway,
		.vni = n->overlay.vni,
		.port = n->overlay.port,
		.mtu = n->mtu,
		.ttl = n->overlay.ttl,
		.internal = n->internal,
		.icc = n->icc,
		.masquerade = n->masquerade,
		.encrypted = n->overlay.encrypted,
	};

	mb_json_save(shared_table, &s, out);
}

/* ---- containers of others ------------------------------------------------------------------ */

void mb_net_remote_done(struct mb_net_remote *r)
{
	mb_strset(&r->id, NULL);
	mb_json_done(remote_table, r);
}

/* One that a container of the network can have; in canonical form from then on. */
static bool take_address(char **text, const struct mb_net_pool *pool)
{
	char canonical[MB_NET_ADDR_TEXT];
	struct mb_net_addr a, gateway, last;
	struct mb_net_prefix subnet;

	if (!*text || !pool->subnet || mb_net_addr_parse(*text, &a) < 0 ||
	    mb_net_prefix_parse(pool->subnet, &subnet) < 0 || !mb_net_prefix_has(&subnet, &a) ||
	    mb_net_addr_equal(&a, &subnet.addr))
		return false;
	if (mb_net_addr_parse(pool->gateway, &gateway) == 0 && mb_net_addr_equal(&a, &gateway))
		return false;
	mb_net_prefix_last(&subnet, &last);
	if (a.family == AF_INET && mb_net_addr_equal(&a, &last))
		return false;
	mb_strset(text, mb_net_addr_format(&a, canonical));
	return true;
}

static bool is_within(const struct mb_net_pool *pool, const struct mb_net_addr *a)
{
	struct mb_net_prefix subnet;

	return pool->subnet && mb_net_prefix_parse(pool->subnet, &subnet) == 0 &&
	       mb_net_prefix_has(&subnet, a);
}

/* Where keys are, one of the link, which only the interface of WireGuard has. */
static bool is_secret(const struct mb_net_addr *a)
{
	return a->family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)a->b);
}

/* Not into the network itself: its packets would go by the tunnel that they are to make. */
static bool take_vtep(char **text, const struct mb_net_network *n)
{
	char canonical[MB_NET_ADDR_TEXT];
	struct mb_net_addr a, own;

	if (mb_net_addr_parse(*text, &a) < 0 || mb_net_addr_parse(n->overlay.vtep, &own) < 0 ||
	    a.family != own.family || mb_net_addr_is_any(&a) ||
	    (a.family == AF_INET ? !a.b[0] || a.b[0] == 127 || a.b[0] >= 0xe0 : a.b[0] == 0xff) ||
	    is_within(&n->v4, &a) || is_within(&n->v6, &a) || is_secret(&a) != n->overlay.encrypted)
		return false;
	mb_strset(text, mb_net_addr_format(&a, canonical));
	return true;
}

/* Addresses that follow from others are those others': of the gateways, which every host has, and
 * of containers here. */
static bool take_mac(struct mb_net_remote *r)
{
	char canonical[MB_NET_MAC_TEXT];
	uint8_t mac[MB_NET_MAC_BYTES], derived[MB_NET_MAC_BYTES];
	struct mb_net_addr ip;

	if (mb_net_mac_parse(r->mac, mac) < 0 || mb_net_addr_parse(r->ip, &ip) < 0)
		return false;
	if (mb_net_overlay_mac_is_tunnel(mac))
		return false;
	mb_net_mac_of(&ip, derived);
	if (memcmp(mac, derived, 2) == 0 && memcmp(mac, derived, sizeof(mac)) != 0)
		return false;
	mb_strset(&r->mac, mb_net_mac_format(mac, canonical));
	return true;
}

static int check_remote(struct mb_net_remote *r, const struct mb_net_network *n, struct mb_err *err)
{
	if (!mb_hex_is_valid(r->id, MB_ID_LEN))
		return broken("container", r->id, err);
	if (!mb_net_name_is_valid(r->name))
		return broken("container", r->name, err);
	if (!mb_net_host_name_is_valid(r->host))
		return broken("host", r->host, err);
	if (!take_vtep(&r->vtep, n))
		return broken("tunnel", r->vtep, err);
	if (!take_address(&r->ip, &n->v4))
		return broken("address", r->ip, err);
	if (r->ip6 && !take_address(&r->ip6, &n->v6))
		return broken("address", r->ip6, err);
	if (!take_mac(r))
		return broken("MAC address", r->mac, err);
	if (r->names.n > NAMES_MAX || r->aliases.n > NAMES_MAX || r->labels.n > LABELS_MAX)
		return broken("number of names", "", err);
	MB_STRV_FOREACH (name, &r->names)
		if (!mb_net_names_is_usable(name))
			return broken("name", name, err);
	return 0;
}

int mb_net_remote_parse(const char *text, const char *id, const struct mb_net_network *n,
                        struct mb_net_remote *ret, struct mb_err *err)
{
	struct mb_net_remote remote = {0};
	int r = load(text, remote_table, &remote, sizeof(remote), err);

	if (!r) {
		remote.id = mb_strdup(id);
		r = check_remote(&remote, n, err);
	}
	if (r) {
		mb_net_remote_done(&remote);
		return r;
	}
	*ret = remote;
	return 0;
}

void mb_net_remote_format(const struct mb_net_remote *r, struct mb_str *out)
{
	mb_json_save(remote_table, r, out);
}

/* ---- policies ------------------------------------------------------------------------------ */

static void carry(const char *side, const struct mb_strv *aliases, const struct mb_kv *labels,
                  struct mb_net_remote *out)
{
	struct mb_net_selector s = {0};
	const char *value;

	if (mb_net_selector_parse(side, &s, NULL) < 0)
		return;
	value = s.side == MB_NET_SIDE_LABEL ? mb_kv_find(labels, s.name) : NULL;
	if (value)
		mb_kv_set(&out->labels, s.name, value);
	if (s.side == MB_NET_SIDE_NAME && mb_strv_has(aliases, s.name) &&
	    !mb_strv_has(&out->aliases, s.name))
		mb_strv_add(&out->aliases, s.name);
	mb_net_selector_done(&s);
}

void mb_net_remote_carry(const struct mb_net_policy *policy, const struct mb_strv *aliases,
                         const struct mb_kv *labels, struct mb_net_remote *out)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		carry(policy->rules[i].from, aliases, labels, out);
		carry(policy->rules[i].to, aliases, labels, out);
	}
}

void mb_net_remote_view(const struct mb_net_remote *r, struct mb_net_sandbox *s,
                        struct mb_net_endpoint *e)
{
	*s = (struct mb_net_sandbox){
		.container_id = r->id, .container_name = r->name, .labels = r->labels};
	*e = (struct mb_net_endpoint){
		.ip4 = r->ip, .ip6 = r->ip6, .mac = r->mac, .aliases = r->aliases};
}

int mb_net_shared_policy_parse(const char *text, struct mb_net_policy *ret, struct mb_err *err)
{
	struct mb_net_shared_policy p = {0};
	int r = load(text, shared_policy_table, &p, sizeof(p), err);

	if (!r && !mb_net_policy_is_valid(&p.policy))
		r = mb_fail(err, EBADMSG, "a record in the store has a broken policy");
	if (r) {
		mb_json_done(shared_policy_table, &p);
		return r;
	}
	*ret = p.policy;
	return 0;
}

void mb_net_shared_policy_format(const struct mb_net_policy *policy, struct mb_str *out)
{
	const struct mb_net_shared_policy p = {.schema = MB_NET_SHARED_SCHEMA, .policy = *policy};

	mb_json_save(shared_policy_table, &p, out);
}

/* ---- hosts --------------------------------------------------------------------------------- */

bool mb_net_host_name_is_valid(const char *name)
{
	return strlen(name) <= HOST_MAX && mb_net_name_is_valid(name);
}

void mb_net_host_done(struct mb_net_host *h)
{
	mb_json_done(host_table, h);
}

int mb_net_host_parse(const char *text, struct mb_net_host *ret, struct mb_err *err)
{
	struct mb_net_host h = {0};
	int r = load(text, host_table, &h, sizeof(h), err);

	if (!r && !mb_net_host_name_is_valid(h.name))
		r = broken("host", h.name, err);
	else if (!r && !mb_hex_is_valid(h.id, HOST_ID))
		r = broken("host", h.id, err);
	if (r) {
		mb_net_host_done(&h);
		return r;
	}
	*ret = h;
	return 0;
}

void mb_net_host_format(const struct mb_net_host *h, struct mb_str *out)
{
	mb_json_save(host_table, h, out);
}
