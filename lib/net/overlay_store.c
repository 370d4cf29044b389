/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/overlay_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/err.h"
#include "core/id.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/str.h"
#include "etcd/etcd.h"
#include "net/handle.h"
#include "net/ipam.h"
#include "net/overlay.h"
#include "net/overlay_lead.h"
#include "net/overlay_policy.h"
#include "net/overlay_record.h"
#include "store/store.h"

enum {
	TIMEOUT_SEC = 5,
	LEAVE_SEC = 2,
	ADDRESS_TRIES = 8,
	LEASE_TRIES = 3,
	CLAIM_TRIES = 3,
	CLAIMS_MAX = 1 << 20,
	HOSTS_MAX = 10000,
};

bool mb_net_has_store(const struct mb_net_network *n)
{
	return n->overlay.store.members.n > 0;
}

int mb_net_store_open(const struct mb_net_network *n, int timeout_sec, struct mb_etcd **ret,
                      struct mb_err *err)
{
	const struct mb_net_store *s = &n->overlay.store;
	const struct mb_etcd_conf conf = {.members = &s->members,
	                                  .cacert = s->cacert,
	                                  .cert = s->cert,
	                                  .key = s->key,
	                                  .user = s->user,
	                                  .password_file = s->password_file,
	                                  .timeout_sec = timeout_sec};

	return mb_etcd_new(&conf, ret, err);
}

/* A start asks more than once: by one process that speaks HTTP, and on one connection. */
static int open_kept(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd **ret,
                     struct mb_err *err)
{
	int r = 0;

	if (!net->etcd || !mb_streq(net->etcd_of, n->id)) {
		mb_etcd_free(mb_take_ptr(&net->etcd));
		mb_strset(&net->etcd_of, n->id);
		r = mb_net_store_open(n, TIMEOUT_SEC, &net->etcd, err);
	}
	*ret = net->etcd;
	return r;
}

char *mb_net_store_key(const struct mb_net_network *n, const char *kind, const char *what)
{
	return kind ? mb_asprintf(MB_NET_SHARED_ROOT "net/%s/%s/%s", n->name, kind, what)
	            : mb_asprintf(MB_NET_SHARED_ROOT "net/%s", n->name);
}

static char *vni_key(const struct mb_net_network *n)
{
	return mb_asprintf(MB_NET_SHARED_ROOT "vni/%u", n->overlay.vni);
}

/* For those who cannot do anything about it. */
static int told_unavailable(const struct mb_net_network *n, int r, struct mb_err *err)
{
	if (r == MB_ETCD_UNAVAILABLE)
		return mb_wrap(err, -EHOSTUNREACH, "network %s", n->name);
	if (r == MB_ETCD_GONE)
		return mb_fail(err, ESTALE,
		               "network %s: this host's lease in the store ends at once", n->name);
	return r < 0 ? mb_wrap(err, r, "network %s", n->name) : r;
}

int mb_net_store_told_gone(const struct mb_net_network *n, struct mb_err *err)
{
	return mb_fail(err, ESTALE, "network %s is not in the store any more: remove it here",
	               n->name);
}

/* ---- the network itself ---------------------------------------------------------------------- */

int mb_net_store_create(struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_FREE char *key = mb_net_store_key(n, NULL, NULL), *vni = vni_key(n);
	MB_AUTO_ETCD_TXN struct mb_etcd_txn t = MB_ETCD_TXN_INIT;
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO(mb_etcd_free) struct mb_etcd *etcd = NULL;
	bool done;
	int r = mb_net_store_open(n, TIMEOUT_SEC, &etcd, err);

	if (r)
		return r;
	mb_net_shared_format(n, &text);
	mb_etcd_if_created(&t, key, 0);
	mb_etcd_if_created(&t, vni, 0);
	mb_etcd_then_put(&t, key, mb_str_text(&text), 0);
	mb_etcd_then_put(&t, vni, n->name, 0);
	mb_etcd_else_get(&t, key);
	mb_etcd_else_get(&t, vni);
	r = mb_etcd_commit(etcd, &t, &done, &kvs, err);
	if (r)
		return told_unavailable(n, r, err);
	if (done) {
		n->overlay.revision = kvs.revision;
		return 0;
	}
	if (mb_etcd_kvs_find(&kvs, key)) {
		const struct mb_etcd_kv *kv = mb_etcd_kvs_find(&kvs, key);

		/* Our own, of a request whose answer was lost. */
		if (mb_streq(kv->value, mb_str_text(&text))) {
			n->overlay.revision = kv->created;
			return 0;
		}
		return mb_fail(err, EEXIST,
		               "network %s is in the store already: use 'network join'", n->name);
	}
	return mb_fail(err, EEXIST,
	               "VXLAN %u is another network's in the store: choose another vni",
	               n->overlay.vni);
}

static void take_record(struct mb_net_network *n, const struct mb_net_shared *s)
{
	mb_strset(&n->id, s->id);
	mb_strset(&n->v4.subnet, s->subnet);
	mb_strset(&n->v4.gateway, s->gateway);
	mb_strset(&n->v4.ip_range, s->ip_range);
	mb_strset(&n->v6.subnet, s->subnet6);
	mb_strset(&n->v6.gateway, s->gateway6);
	n->ipv6 = s->subnet6 != NULL;
	n->internal = s->internal;
	n->icc = s->icc;
	n->masquerade = s->masquerade;
	n->mtu = s->mtu;
	n->overlay.vni = s->vni;
	n->overlay.port = s->port;
	n->overlay.ttl = s->ttl;
	n->overlay.encrypted = s->encrypted;
}

int mb_net_store_fetch(struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_FREE char *key = mb_net_store_key(n, NULL, NULL);
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	MB_AUTO(mb_etcd_free) struct mb_etcd *etcd = NULL;
	struct mb_net_shared s = {0};
	struct mb_net_policy_told told = {0};
	int r = mb_net_store_open(n, TIMEOUT_SEC, &etcd, err);

	if (!r)
		r = mb_etcd_get(etcd, key, &kvs, err);
	if (r)
		return told_unavailable(n, r, err);
	if (!mb_etcd_kvs_find(&kvs, key)) {
		mb_fail(err, ENOENT, "network %s is not in the store", n->name);
		return MB_NET_ABSENT;
	}
	r = mb_net_shared_parse(mb_etcd_kvs_find(&kvs, key)->value, &s, err);
	if (r)
		return mb_wrap(err, r, "network %s", n->name);
	take_record(n, &s);
	mb_net_shared_done(&s);
	n->overlay.revision = mb_etcd_kvs_find(&kvs, key)->created;
	r = mb_net_store_policy(n, etcd, &told, err);
	n->policy = told.policy;
	n->overlay.policy_revision = told.changed;
	return told_unavailable(n, r, err);
}

/* One that was made, and told so to nobody: its creator was killed, and it is ours by its id. */
static int find_revision(struct mb_etcd *etcd, const struct mb_net_network *n, uint64_t *ret,
                         struct mb_err *err)
{
	MB_AUTO_FREE char *key = mb_net_store_key(n, NULL, NULL);
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	struct mb_net_shared s = {0};
	int r;

	*ret = n->overlay.revision;
	if (*ret)
		return 0;
	r = mb_etcd_get(etcd, key, &kvs, err);
	if (!r && kvs.n && mb_net_shared_parse(kvs.v[0].value, &s, NULL) == 0 &&
	    mb_streq(s.id, n->id))
		*ret = kvs.v[0].created;
	mb_net_shared_done(&s);
	return r == MB_ETCD_UNAVAILABLE ? told_unavailable(n, r, err) : r;
}

static int check_others(struct mb_etcd *etcd, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_FREE char *prefix = mb_net_store_key(n, "host", "");
	MB_AUTO_FREE char *own = mb_net_store_key(n, "host", n->overlay.vtep);
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	int r = mb_etcd_list(etcd, prefix, false, HOSTS_MAX, &kvs, err);

	for (size_t i = 0; !r && i < kvs.n; i++) {
		struct mb_net_host h = {0};

		if (mb_streq(kvs.v[i].key, own))
			continue;
		mb_fail(err, EBUSY, "network %s has active endpoints on host %s", n->name,
		        mb_net_host_parse(kvs.v[i].value, &h, NULL) == 0
		                ? h.name
		                : strrchr(kvs.v[i].key, '/') + 1);
		mb_net_host_done(&h);
		return MB_NET_IN_USE;
	}
	return r == MB_ETCD_UNAVAILABLE ? told_unavailable(n, r, err) : r;
}

int mb_net_store_remove(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_FREE char *key = mb_net_store_key(n, NULL, NULL), *vni = vni_key(n);
	MB_AUTO_FREE char *below = mb_asprintf("%s/", key);
	MB_AUTO_FREE char *hosts = mb_net_store_key(n, "host", "");
	MB_AUTO_ETCD_TXN struct mb_etcd_txn t = MB_ETCD_TXN_INIT;
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	MB_AUTO(mb_etcd_free) struct mb_etcd *etcd = NULL;
	uint64_t revision = 0;
	bool done;
	int r = mb_net_store_open(n, TIMEOUT_SEC, &etcd, err);

	if (!r)
		r = check_others(etcd, n, err);
	if (!r)
		r = find_revision(etcd, n, &revision, err);
	if (r)
		return r;
	mb_net_store_lease_end(net, n, etcd);
	r = mb_net_store_host_remove(net, n, etcd, err);
	if (r)
		return told_unavailable(n, r, err);
	/* One that was made anew since is none of ours; and where a host, this one too, has come
	 * since, there are containers. */
	mb_etcd_if_created(&t, key, revision);
	mb_etcd_if_value(&t, vni, n->name);
	mb_etcd_if_none(&t, hosts);
	mb_etcd_then_delete(&t, key, false);
	mb_etcd_then_delete(&t, below, true);
	mb_etcd_then_delete(&t, vni, false);
	mb_etcd_else_get(&t, key);
	r = mb_etcd_commit(etcd, &t, &done, &kvs, err);
	if (r)
		return told_unavailable(n, r, err);
	if (done || !kvs.n || kvs.v[0].created != revision)
		return 0;
	mb_fail(err, EBUSY, "network %s has active endpoints", n->name);
	return MB_NET_IN_USE;
}

/* ---- one endpoint ---------------------------------------------------------------------------- */

const char *mb_net_store_own_mac(const struct mb_net_endpoint *e, char buf[MB_NET_MAC_TEXT])
{
	uint8_t mac[MB_NET_MAC_BYTES], derived[MB_NET_MAC_BYTES];
	struct mb_net_addr ip;

	if (!e->mac || mb_net_mac_parse(e->mac, mac) < 0)
		return NULL;
	if (e->ip4 && mb_net_addr_parse(e->ip4, &ip) == 0) {
		mb_net_mac_of(&ip, derived);
		if (memcmp(mac, derived, sizeof(mac)) == 0)
			return NULL;
	}
	return mb_net_mac_format(mac, buf);
}

/* One that follows from another's address, or is a tunnel's, is believed by nobody. */
static int check_mac(const struct mb_net_network *n, const struct mb_net_endpoint *e,
                     struct mb_err *err)
{
	uint8_t mac[MB_NET_MAC_BYTES], derived[MB_NET_MAC_BYTES];
	const struct mb_net_addr any = {.family = AF_INET};
	char text[MB_NET_MAC_TEXT];

	if (!mb_net_store_own_mac(e, text))
		return 0;
	mb_net_mac_parse(text, mac);
	mb_net_mac_of(&any, derived);
	if (memcmp(mac, derived, 2) == 0 || mb_net_overlay_mac_is_tunnel(mac))
		return mb_fail(err, EINVAL,
		               "MAC address %s is of those that network %s gives by itself", text,
		               n->name);
	return 0;
}

static int told_mac(const struct mb_net_network *n, const char *mac, struct mb_err *err)
{
	mb_fail(err, EEXIST, "MAC address %s of network %s is in use by another container", mac,
	        n->name);
	return MB_NET_MAC_TAKEN;
}

static int judge_claim(const struct mb_net_network *n, const struct mb_etcd_kvs *kvs,
                       const char *container_id, struct mb_err *err)
{
	MB_AUTO_FREE char *macs = mb_net_store_key(n, "mac", "");
	const char *mac = NULL;
	MB_AUTO_FREE char *key = mb_net_store_key(n, NULL, NULL);
	const struct mb_etcd_kv *kv = mb_etcd_kvs_find(kvs, key);

	if (!kv || kv->created != n->overlay.revision)
		return mb_net_store_told_gone(n, err);
	for (size_t i = 0; i < kvs->n; i++)
		if (&kvs->v[i] != kv && !mb_streq(kvs->v[i].value, container_id)) {
			mac = mb_skip_prefix(kvs->v[i].key, macs);
			if (!mac)
				return MB_NET_TAKEN;
			break;
		}
	return mac ? told_mac(n, mac, err) : 0;
}

/* As it was when it was looked at: nobody's, or its own already. */
static void put_claim(struct mb_etcd_txn *t, const char *key, const char *container_id,
                      uint64_t lease, const struct mb_etcd_kvs *seen)
{
	if (mb_etcd_kvs_find(seen, key))
		mb_etcd_if_value(t, key, container_id);
	else
		mb_etcd_if_created(t, key, 0);
	mb_etcd_then_put(t, key, container_id, lease);
	mb_etcd_else_get(t, key);
}

/* First with nobody having any of it, then as what others and we have put there. */
static int claim_once(const struct mb_net_network *n, struct mb_etcd *etcd, uint64_t lease,
                      const struct mb_net_endpoint *e, const char *container_id, struct mb_err *err)
{
	MB_AUTO_FREE char *network = mb_net_store_key(n, NULL, NULL);
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs seen = {0};
	char mac[MB_NET_MAC_TEXT];
	const struct {
		const char *kind, *text;
	} claims[] = {{"ip", e->ip4}, {"ip", e->ip6}, {"mac", mb_net_store_own_mac(e, mac)}};
	int r = 0;

	for (int i = 0; i < CLAIM_TRIES; i++) {
		MB_AUTO_ETCD_TXN struct mb_etcd_txn t = MB_ETCD_TXN_INIT;
		bool done;

		mb_etcd_if_created(&t, network, n->overlay.revision);
		mb_etcd_else_get(&t, network);
		for (size_t k = 0; k < MB_N(claims); k++) {
			MB_AUTO_FREE char *key =
				claims[k].text ? mb_net_store_key(n, claims[k].kind, claims[k].text)
					       : NULL;

			if (key)
				put_claim(&t, key, container_id, lease, &seen);
		}
		mb_etcd_kvs_done(&seen);
		r = mb_etcd_commit(etcd, &t, &done, &seen, err);
		if (r || done)
			return r;
		r = judge_claim(n, &seen, container_id, err);
		if (r)
			return r;
	}
	return MB_NET_TAKEN;
}

/* With a lease that has not ended. */
typedef int with_lease(const struct mb_net_network *n, struct mb_etcd *etcd, uint64_t lease,
                       const void *what, struct mb_err *err);
static int under_lease(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                       with_lease *act, const void *what, struct mb_err *err)
{
	uint64_t lease = 0;
	int r = MB_ETCD_GONE;

	for (int i = 0; r == MB_ETCD_GONE && i < LEASE_TRIES; i++) {
		r = mb_net_store_lease(net, n, etcd, lease, &lease, err);
		if (!r)
			r = act(n, etcd, lease, what, err);
	}
	return r;
}

struct claim {
	const struct mb_net_endpoint *e;
	const char *container_id;
};

static int claim_under(const struct mb_net_network *n, struct mb_etcd *etcd, uint64_t lease,
                       const void *what, struct mb_err *err)
{
	const struct claim *c = what;

	return claim_once(n, etcd, lease, c->e, c->container_id, err);
}

int mb_net_store_claim(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                       const struct mb_net_endpoint *e, const char *container_id,
                       struct mb_err *err)
{
	return under_lease(net, n, etcd, claim_under, &(struct claim){e, container_id}, err);
}

struct news {
	const char *key, *value, *ip_key, *container_id;
};

static int tell_under(const struct mb_net_network *n, struct mb_etcd *etcd, uint64_t lease,
                      const void *what, struct mb_err *err)
{
	MB_AUTO_ETCD_TXN struct mb_etcd_txn t = MB_ETCD_TXN_INIT;
	const struct news *w = what;
	bool done;
	int r;

	(void)n;
	mb_etcd_if_value(&t, w->ip_key, w->container_id);
	mb_etcd_then_put(&t, w->key, w->value, lease);
	r = mb_etcd_commit(etcd, &t, &done, NULL, err);
	return r || done ? r : MB_NET_TAKEN;
}

void mb_net_store_tale(const struct mb_net_network *n, const struct mb_net_sandbox *s,
                       const struct mb_net_endpoint *e, struct mb_str *out)
{
	struct mb_net_remote self = {.schema = MB_NET_SHARED_SCHEMA,
	                             .name = s->container_name,
	                             .host = n->overlay.host,
	                             .vtep = n->overlay.vtep,
	                             .ip = e->ip4,
	                             .ip6 = e->ip6,
	                             .mac = e->mac,
	                             .names = e->names};

	mb_net_remote_carry(&n->policy, &e->aliases, &s->labels, &self);
	mb_net_remote_format(&self, out);
	mb_strv_done(&self.aliases);
	mb_kv_done(&self.labels);
}

int mb_net_store_tell(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                      const struct mb_net_sandbox *s, const struct mb_net_endpoint *e,
                      struct mb_err *err)
{
	MB_AUTO_FREE char *key = mb_net_store_key(n, "ep", s->container_id);
	MB_AUTO_FREE char *ip_key = mb_net_store_key(n, "ip", e->ip4);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_net_store_tale(n, s, e, &text);
	return under_lease(net, n, etcd, tell_under,
	                   &(struct news){key, mb_str_text(&text), ip_key, s->container_id}, err);
}

/* ---- starts and ends ------------------------------------------------------------------------- */

static int mirror_pool(struct mb_net *net, const struct mb_net_network *n, bool v6,
                       const struct mb_etcd_kvs *kvs, struct mb_err *err)
{
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	MB_AUTO_FREE uint32_t *slots = mb_calloc(kvs->n + 1, sizeof(*slots));
	struct mb_net_prefix subnet;
	size_t n_slots = 0;
	int r;

	if (mb_net_prefix_parse(v6 ? n->v6.subnet : n->v4.subnet, &subnet) < 0)
		return mb_fail(err, EBADMSG, "network %s has no subnet", n->name);
	for (size_t i = 0; i < kvs->n; i++) {
		struct mb_net_addr a;

		if (mb_net_addr_parse(strrchr(kvs->v[i].key, '/') + 1, &a) == 0 &&
		    mb_net_prefix_has(&subnet, &a))
			slots[n_slots++] = mb_net_prefix_index(&subnet, &a);
	}
	r = mb_net_pool_open(net, n, v6, &ipam, err);
	if (!r)
		mb_net_ipam_mirror(&ipam, slots, n_slots);
	return r;
}

/* The addresses that other hosts have, into our own tables. */
static int mirror(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                  struct mb_err *err)
{
	MB_AUTO_FREE char *prefix = mb_net_store_key(n, "ip", "");
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	int r = mb_etcd_list(etcd, prefix, true, CLAIMS_MAX, &kvs, err);

	if (!r)
		r = mirror_pool(net, n, false, &kvs, err);
	return r || !n->v6.subnet ? r : mirror_pool(net, n, true, &kvs, err);
}

static int told_taken(const struct mb_net_network *n, const struct mb_net_endpoint *e,
                      struct mb_err *err)
{
	return mb_fail(err, EEXIST, "address %s of network %s is in use on another host",
	               e->wanted_ip4 ? e->wanted_ip4 : e->wanted_ip6, n->name);
}

static int choose(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                  struct mb_net_endpoint *e, const char *container_id, struct mb_err *err)
{
	int r = check_mac(n, e, err);

	/* Without one it is all taken, as far as was known here. */
	if (!r)
		r = e->ip4 ? mb_net_store_claim(net, n, etcd, e, container_id, err) : MB_NET_TAKEN;
	for (int i = 0; r == MB_NET_TAKEN && i < ADDRESS_TRIES; i++) {
		if (e->wanted_ip4 || e->wanted_ip6)
			return told_taken(n, e, err);
		mb_net_address_release(net, e, container_id);
		r = mirror(net, n, etcd, err);
		if (!r)
			r = mb_net_address_take(net, n, e, container_id, NULL, err);
		if (!r)
			r = mb_net_store_claim(net, n, etcd, e, container_id, err);
	}
	if (r == MB_NET_MAC_TAKEN)
		return -EEXIST;
	return r == MB_NET_TAKEN
	               ? mb_fail(err, EAGAIN, "network %s: other hosts are always faster", n->name)
	               : r;
}

/* One that ran here a moment ago comes back with what it had, whoever answers: who leads puts
 * that right when the store is back. */
static bool may_go_on(struct mb_net *net, const struct mb_net_network *n,
                      const struct mb_net_endpoint *e, const struct mb_net_endpoint *before)
{
	return before && before->ip4 && e->ip4 && mb_streq(before->ip4, e->ip4) &&
	       mb_streq(before->ip6, e->ip6) && mb_net_store_lease_now(net, n);
}

/* Nobody starts under a policy that is not understood, or not done: who leads has tried. */
static int ask_policy(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                      struct mb_err *err)
{
	struct mb_net_lead_status status = {0};
	int r = 0;

	if (!mb_net_lead_is_led(net, n->id))
		return mb_net_policy_pull(net, n, etcd, false, err);
	if (mb_net_lead_status_load(net, n->id, &status, NULL) == 0 && status.policy)
		r = mb_fail(err, EBADMSG, "%s", status.policy);
	mb_net_lead_status_done(&status);
	return r;
}

int mb_net_store_choose(struct mb_net *net, const struct mb_net_network *n,
                        struct mb_net_endpoint *e, const char *container_id,
                        const struct mb_net_endpoint *before, struct mb_err *err)
{
	struct mb_err told = MB_ERR_INIT;
	struct mb_etcd *etcd;
	int r;

	if (!mb_net_has_store(n))
		return 0;
	mb_strv_remove(&net->etcd_silent, n->id);
	r = open_kept(net, n, &etcd, &told);
	if (!r)
		r = ask_policy(net, n, etcd, &told);
	if (!r)
		r = choose(net, n, etcd, e, container_id, &told);
	if (r == MB_ETCD_UNAVAILABLE && may_go_on(net, n, e, before)) {
		mb_warn("network %s: %s; the container goes on with the address %s", n->name,
		        told.msg, e->ip4);
		mb_strv_add(&net->etcd_silent, n->id);
		return 0;
	}
	if (r && err)
		*err = told;
	return told_unavailable(n, r, err);
}

static int read_network(struct mb_net *net, const struct mb_net_endpoint *e,
                        struct mb_net_network **ret)
{
	if (!mb_net_is_overlay(e->driver) || mb_net_doc_read(net, e->network_id, ret, NULL) < 0)
		return -ENOENT;
	return mb_net_has_store(*ret) ? 0 : -ENOENT;
}

static char *marker_of(const struct mb_net_endpoint *e, const char *container_id)
{
	return mb_asprintf("%s.%s", e->network_id, container_id);
}

static int mark(struct mb_net *net, const struct mb_net_endpoint *e, const char *container_id,
                struct mb_err *err)
{
	MB_AUTO_FREE char *name = marker_of(e, container_id);
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_store_dir(net->store, MB_NET_LEAD_DIR, true, &dir, err);

	if (!r && symlinkat("-", dir, name) < 0 && errno != EEXIST)
		r = mb_fail_sys(err, errno, "cannot mark a container as shared");
	return r;
}

static void unmark(struct mb_net *net, const struct mb_net_endpoint *e, const char *container_id)
{
	MB_AUTO_FREE char *name = marker_of(e, container_id);
	MB_AUTO_CLOSE int dir = -1;

	if (mb_store_dir(net->store, MB_NET_LEAD_DIR, true, &dir, NULL) == 0)
		(void)unlinkat(dir, name, 0);
}

int mb_net_store_publish(struct mb_net *net, const struct mb_net_sandbox *s,
                         const struct mb_net_endpoint *e, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	struct mb_err told = MB_ERR_INIT;
	struct mb_etcd *etcd;
	int r;

	if (read_network(net, e, &n) < 0)
		return 0;
	r = mark(net, e, s->container_id, err);
	/* Who leads tells it when the store is back. */
	if (r || mb_strv_has(&net->etcd_silent, n->id))
		return r;
	r = open_kept(net, n, &etcd, &told);
	if (!r)
		r = mb_net_store_tell(net, n, etcd, s, e, &told);
	/* Nobody leads yet: what the others have must be known here before it is asked for.  Who
	 * leads next does so again. */
	if (!r && mb_net_lead_once(net, n, etcd, &told) != 0)
		mb_warn("network %s: other containers are not all known yet%s%s", n->name,
		        *told.msg ? ": " : "", told.msg);
	if (r == MB_ETCD_UNAVAILABLE || r == MB_NET_TAKEN) {
		mb_warn("network %s: other hosts do not know of the container yet%s%s", n->name,
		        *told.msg ? ": " : "", told.msg);
		return 0;
	}
	if (r && err)
		*err = told;
	return told_unavailable(n, r, err);
}

static bool has_others(struct mb_net *net, const char *network_id)
{
	struct mb_net_members members = {0};
	/* When in doubt there are. */
	bool any = mb_net_members_list(net, network_id, &members, NULL) < 0 || members.n;

	mb_net_members_done(&members);
	return any;
}

/* It may be another's by now although the address is not. */
static void forget_mac(const struct mb_net_network *n, struct mb_etcd *etcd,
                       const struct mb_net_endpoint *e, const char *container_id)
{
	MB_AUTO_ETCD_TXN struct mb_etcd_txn t = MB_ETCD_TXN_INIT;
	char text[MB_NET_MAC_TEXT];
	const char *mac = mb_net_store_own_mac(e, text);
	MB_AUTO_FREE char *key = mac ? mb_net_store_key(n, "mac", mac) : NULL;
	bool done;

	if (!key)
		return;
	mb_etcd_if_value(&t, key, container_id);
	mb_etcd_then_delete(&t, key, false);
	(void)mb_etcd_commit(etcd, &t, &done, NULL, NULL);
}

static void forget(const struct mb_net_network *n, struct mb_etcd *etcd,
                   const struct mb_net_endpoint *e, const char *container_id)
{
	MB_AUTO_FREE char *ep = mb_net_store_key(n, "ep", container_id);
	MB_AUTO_FREE char *ip = mb_net_store_key(n, "ip", e->ip4);
	MB_AUTO_FREE char *ip6 = e->ip6 ? mb_net_store_key(n, "ip", e->ip6) : NULL;
	MB_AUTO_ETCD_TXN struct mb_etcd_txn t = MB_ETCD_TXN_INIT;
	bool done;

	mb_etcd_if_value(&t, ip, container_id);
	mb_etcd_then_delete(&t, ep, false);
	mb_etcd_then_delete(&t, ip, false);
	if (ip6)
		mb_etcd_then_delete(&t, ip6, false);
	(void)mb_etcd_commit(etcd, &t, &done, NULL, NULL);
	forget_mac(n, etcd, e, container_id);
}

/* As who leads has found out: nobody who ends is to wait for it.  What is left there goes with the
 * lease, or by who leads when the store is back. */
static bool is_silent(struct mb_net *net, const struct mb_net_network *n)
{
	struct mb_net_lead_status status = {0};
	bool silent = mb_net_lead_status_load(net, n->id, &status, NULL) == 0 && !status.online;

	mb_net_lead_status_done(&status);
	return silent;
}

/* The lease of this host, unless somebody needs it; whoever comes meanwhile waits, and gets one of
 * his own.  Who has claimed under it already and is not recorded yet holds the network. */
static bool end_lease(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd)
{
	MB_AUTO_CLOSE int use = -1;

	if (mb_net_store_use(net, n, LOCK_EX | LOCK_NB, &use, NULL) < 0 || has_others(net, n->id))
		return false;
	mb_net_store_lease_end(net, n, etcd);
	return true;
}

void mb_net_store_release(struct mb_net *net, const struct mb_net_endpoint *e,
                          const char *container_id)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO(mb_etcd_free) struct mb_etcd *etcd = NULL;

	if (read_network(net, e, &n) < 0)
		return;
	unmark(net, e, container_id);
	/* Nothing was ever claimed here, or all of it has ended. */
	if (!e->ip4 || !mb_net_store_lease_now(net, n) || is_silent(net, n) ||
	    mb_net_store_open(n, LEAVE_SEC, &etcd, NULL))
		return;
	if (has_others(net, n->id) || !end_lease(net, n, etcd))
		forget(n, etcd, e, container_id);
}

void mb_net_store_leave(struct mb_net *net, const struct mb_net_network *n)
{
	MB_AUTO(mb_etcd_free) struct mb_etcd *etcd = NULL;

	if (mb_net_has_store(n) && mb_net_store_lease_now(net, n) &&
	    mb_net_store_open(n, LEAVE_SEC, &etcd, NULL) == 0)
		mb_net_store_lease_end(net, n, etcd);
}
