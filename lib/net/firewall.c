/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/firewall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/log.h"
#include "core/own.h"
#include "net/handle.h"
#include "net/policy.h"
#include "net/skeleton.h"
#include "nl/route.h"
#include "store/lock.h"

enum { WORD = 4, REPAIRS_MAX = 4096 };

void mb_net_changes_done(struct mb_net_changes *c)
{
	free(c->v);
	*c = (struct mb_net_changes){0};
}

const char *mb_net_set_name(enum mb_net_set set)
{
	return mb_net_skeleton_set(set)->name;
}

struct mb_nl_nft_elem *mb_net_changes_add(struct mb_net_changes *c, enum mb_net_set set,
                                          bool remove)
{
	const struct mb_nl_nft_set *shape = mb_net_skeleton_set(set);
	struct mb_net_change *change;

	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 8;
		c->v = mb_realloc(c->v, c->cap * sizeof(*c->v));
	}
	change = &c->v[c->n++];
	memset(change, 0, sizeof(*change));
	change->set = set;
	change->remove = remove;
	change->elem.key_len = shape->key_len;
	change->elem.data_len = shape->data_len;
	change->elem.is_verdict = shape->data_type == MB_NL_NFT_VERDICT;
	change->elem.verdict = change->elem.is_verdict ? NF_ACCEPT : 0;
	return &change->elem;
}

uint32_t mb_net_group(const struct mb_net_network *n)
{
	struct mb_net_prefix p;
	uint32_t be;

	if (n->group)
		return n->group;
	if (!n->v4.subnet || mb_net_prefix_parse(n->v4.subnet, &p) < 0)
		return 0;
	memcpy(&be, p.addr.b, sizeof(be));
	return ntohl(be);
}

static void add_group(struct mb_net_changes *c, enum mb_net_set set, bool remove, uint32_t group)
{
	struct mb_nl_nft_elem *e = mb_net_changes_add(c, set, remove);

	/* One group, or the same one twice. */
	for (size_t at = 0; at < e->key_len; at += sizeof(group))
		memcpy(e->key + at, &group, sizeof(group));
}

/* Traffic leaves with the host's address: the one that is said, or as the route has it. */
static void add_source(struct mb_net_changes *c, enum mb_net_set set, bool remove, uint32_t group,
                       const char *address)
{
	struct mb_nl_nft_elem *e;
	struct mb_net_addr a;

	if (!address || mb_net_addr_parse(address, &a) < 0) {
		add_group(c, set, remove, group);
		return;
	}
	e = mb_net_changes_add(c, a.family == AF_INET ? MB_NET_SET_SNAT4 : MB_NET_SET_SNAT6,
	                       remove);
	memcpy(e->key, &group, sizeof(group));
	memcpy(e->data, a.b, mb_net_addr_len(&a));
}

/* Address, protocol and port, each padded to a word. */
static size_t put_word(uint8_t *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return n > WORD ? n : WORD;
}

static void add_tunnel(struct mb_net_changes *c, const struct mb_net_overlay *o, bool remove)
{
	struct mb_nl_nft_elem *e = mb_net_changes_add(c, MB_NET_SET_TUNNELS, remove);
	const uint16_t port = htons((uint16_t)o->port);
	const uint32_t vni = htonl(o->vni << 8);

	put_word(e->key + put_word(e->key, &port, sizeof(port)), &vni, sizeof(vni));
}

void mb_net_changes_network(struct mb_net_changes *c, const struct mb_net_network *n, bool remove)
{
	uint32_t group = mb_net_group(n);

	add_group(c, MB_NET_SET_NETS, remove, group);
	add_group(c, MB_NET_SET_SAME, remove, group);
	if (n->overlay.vtep)
		add_tunnel(c, &n->overlay, remove);
	if (n->icc)
		add_group(c, MB_NET_SET_FWD_PAIR, remove, group);
	if (n->internal) {
		add_group(c, MB_NET_SET_INTERNAL, remove, group);
		return;
	}
	/* Of a family that is off there is nobody to send anything. */
	if (n->no_addresses)
		return;
	add_group(c, MB_NET_SET_EGRESS, remove, group);
	MB_STRV_FOREACH (name, &n->trusted) {
		struct mb_nl_nft_elem *e = mb_net_changes_add(c, MB_NET_SET_TRUSTED, remove);

		memcpy(e->key, name, strnlen(name, IFNAMSIZ));
		memcpy(e->key + IFNAMSIZ, &group, sizeof(group));
	}
	if (n->loose)
		add_group(c, MB_NET_SET_LOOSE, remove, group);
	if (n->exposed4)
		add_group(c, MB_NET_SET_EXPOSED4, remove, group);
	if (n->exposed6)
		add_group(c, MB_NET_SET_EXPOSED6, remove, group);
	/* What a container sends of IPv4 all the same leaves with the host's address. */
	if (n->masquerade && !n->direct4 && !n->bare4)
		add_source(c, MB_NET_SET_MASQ4, remove, group, n->host_ip4);
	if (n->masquerade && !n->direct6 && n->v6.subnet && !n->bare6)
		add_source(c, MB_NET_SET_MASQ6, remove, group, n->host_ip6);
}

void mb_net_changes_port(struct mb_net_changes *c, const struct mb_net_mapping *m, bool remove)
{
	bool any = mb_net_addr_is_any(&m->host), v6 = m->to.family == AF_INET6;
	enum mb_net_set set = v6 ? (any ? MB_NET_SET_DNAT6_ANY : MB_NET_SET_DNAT6)
	                         : (any ? MB_NET_SET_DNAT4_ANY : MB_NET_SET_DNAT4);
	struct mb_nl_nft_elem *e = mb_net_changes_add(c, set, remove);
	uint16_t host_port = htons(m->host_port), port = htons(m->port);
	uint8_t proto = (uint8_t)m->proto, *key = e->key;

	if (!any)
		key += put_word(key, m->host.b, mb_net_addr_len(&m->host));
	key += put_word(key, &proto, sizeof(proto));
	put_word(key, &host_port, sizeof(host_port));
	put_word(e->data + put_word(e->data, m->to.b, mb_net_addr_len(&m->to)), &port,
	         sizeof(port));
}

/* Return: bytes of the key that a guarded port and its clients have in common. */
static size_t put_guarded(const struct mb_net_mapping *m, uint8_t *key)
{
	uint16_t host_port = htons(m->host_port);
	uint8_t proto = (uint8_t)m->proto;
	size_t n = put_word(key, m->to.b, mb_net_addr_len(&m->to));

	n += put_word(key + n, &proto, sizeof(proto));
	return n + put_word(key + n, &host_port, sizeof(host_port));
}

void mb_net_changes_guard(struct mb_net_changes *c, const struct mb_net_mapping *m,
                          const struct mb_strv *from, bool remove)
{
	bool v6 = m->to.family == AF_INET6;
	struct mb_nl_nft_elem *e =
		mb_net_changes_add(c, v6 ? MB_NET_SET_GUARDED6 : MB_NET_SET_GUARDED4, remove);

	put_guarded(m, e->key);
	MB_STRV_FOREACH (text, from) {
		struct mb_net_prefix p;
		struct mb_net_addr last;
		size_t n;

		if (mb_net_prefix_parse(text, &p) < 0 || p.addr.family != m->to.family)
			continue;
		mb_net_prefix_last(&p, &last);
		e = mb_net_changes_add(c, v6 ? MB_NET_SET_ADMITTED6 : MB_NET_SET_ADMITTED4, remove);
		e->is_range = true;
		n = put_guarded(m, e->key);
		put_guarded(m, e->key_end);
		put_word(e->key + n, p.addr.b, mb_net_addr_len(&p.addr));
		put_word(e->key_end + n, last.b, mb_net_addr_len(&last));
	}
}

static void add_port_at(struct mb_net_changes *c, enum mb_net_set set, const struct mb_net_addr *a,
                        const struct mb_net_opened *port, bool remove)
{
	struct mb_nl_nft_elem *e = mb_net_changes_add(c, set, remove);
	uint16_t be = htons((uint16_t)port->port);
	uint8_t proto = (uint8_t)port->proto, *key = e->key;

	key += put_word(key, a->b, mb_net_addr_len(a));
	key += put_word(key, &proto, sizeof(proto));
	put_word(key, &be, sizeof(be));
}

void mb_net_changes_opened(struct mb_net_changes *c, const struct mb_net_addr *a,
                           const struct mb_net_opened *port, bool remove)
{
	add_port_at(c, a->family == AF_INET ? MB_NET_SET_OPENED4 : MB_NET_SET_OPENED6, a, port,
	            remove);
}

void mb_net_changes_led(struct mb_net_changes *c, const struct mb_net_mapping *m, bool remove)
{
	const struct mb_net_opened port = {.proto = m->proto, .port = m->port};

	add_port_at(c, m->to.family == AF_INET ? MB_NET_SET_LED4 : MB_NET_SET_LED6, &m->to, &port,
	            remove);
}

void mb_net_changes_self(struct mb_net_changes *c, const struct mb_net_addr *a, bool remove)
{
	size_t n = mb_net_addr_len(a);
	struct mb_nl_nft_elem *e = mb_net_changes_add(
		c, a->family == AF_INET ? MB_NET_SET_SELF4 : MB_NET_SET_SELF6, remove);

	memcpy(e->key, a->b, n);
	memcpy(e->key + n, a->b, n);
}

/* ---- transactions --------------------------------------------------------------------- */

/* What the kernel told of a change in a transaction that failed. */
enum fate { FATE_PLAIN, FATE_SKIP /* to remove, and gone */, FATE_REPLACE /* there otherwise */ };

/* One message for each run of changes that go together; message numbers -> changes. */
struct build {
	struct mb_nl_batch b;
	size_t *first; /* change that message k, counted after the frame, begins with */
	size_t n;
};

static void put_change(struct build *w, const char *table, const struct mb_net_changes *c, size_t i,
                       enum fate fate)
{
	const struct mb_net_change *v = &c->v[i];
	const char *set = mb_net_set_name(v->set);

	if (fate == FATE_SKIP)
		return;
	if (v->remove || fate == FATE_REPLACE) {
		w->first[w->n++] = i;
		mb_nl_nft_elems_del(&w->b, table, set, &v->elem, 1);
	}
	if (!v->remove) {
		w->first[w->n++] = i;
		mb_nl_nft_elems_add(&w->b, table, set, &v->elem, 1);
	}
}

static int try_apply(struct mb_net *net, const struct mb_net_changes *c, const enum fate *fates,
                     size_t *ret_failed, struct mb_err *err)
{
	struct build w = {.b = MB_NL_BATCH_INIT};
	MB_AUTO_FREE size_t *first = mb_calloc(c->n * 2, sizeof(*first));
	size_t failed = 0;
	int r;

	w.first = first;
	mb_nl_nft_begin(&w.b);
	for (size_t i = 0; i < c->n; i++)
		put_change(&w, net->table, c, i, fates[i]);
	r = w.n ? mb_nl_nft_commit(&net->netfilter, &w.b, &failed, err) : 0;
	mb_nl_batch_done(&w.b);
	/* Message 0 is the frame. */
	*ret_failed = r && failed >= 1 && failed <= w.n ? first[failed - 1] : c->n;
	return r;
}

static bool only_removes(const struct mb_net_changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].remove)
			return false;
	return true;
}

/* Return: 0 when another try makes sense; MB_NL_ABSENT: the table is not there; or -errno. */
static int digest_failure(struct mb_net *net, const struct mb_net_changes *c, enum fate *fates,
                          int r, size_t failed, struct mb_err *err)
{
	int found;

	if (r == -ENOENT) {
		found = mb_nl_nft_table_find(&net->netfilter, net->table, err);
		if (found)
			return found;
	}
	if (failed >= c->n)
		return r;
	if (r == -ENOENT && c->v[failed].remove && fates[failed] == FATE_PLAIN) {
		fates[failed] = FATE_SKIP;
		return 0;
	}
	/* The table of an earlier version, which has no such set. */
	if (r == -ENOENT && !c->v[failed].remove)
		return MB_NL_ABSENT;
	if ((r == -EEXIST || r == -EBUSY) && !c->v[failed].remove && fates[failed] == FATE_PLAIN) {
		fates[failed] = FATE_REPLACE;
		return 0;
	}
	return r;
}

/* What is to be removed must still be what was added: a port that its new owner took over from a
 * container that died unseen is the new owner's. */
static int spare_others(struct mb_net *net, const struct mb_net_changes *c, enum fate *fates,
                        struct mb_err *err)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct mb_nl_nft_elem *mine = &c->v[i].elem;
		struct mb_nl_nft_elem now = *mine;
		int r;

		if (!c->v[i].remove || !mine->data_len || c->v[i].set >= MB_NET_SET_GOVERNED)
			continue;
		r = mb_nl_nft_elem_find(&net->netfilter, net->table, mb_net_set_name(c->v[i].set),
		                        &now, err);
		if (r < 0)
			return r;
		if (r == MB_NL_ABSENT || now.data_len != mine->data_len ||
		    memcmp(now.data, mine->data, mine->data_len) != 0)
			fates[i] = FATE_SKIP;
	}
	return 0;
}

static bool has_element(const struct mb_net_changes *c, const struct mb_net_change *it)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].set == it->set &&
		    memcmp(c->v[i].elem.key, it->elem.key, sizeof(it->elem.key)) == 0 &&
		    memcmp(c->v[i].elem.key_end, it->elem.key_end, sizeof(it->elem.key_end)) == 0)
			return true;
	return false;
}

/* Of an address that @s has no more, what is the new owner's, too.  Neither keys nor data tell. */
static int spare_heirs(struct mb_net *net, const struct mb_net_sandbox *s,
                       const struct mb_net_changes *c, enum fate *fates, struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes theirs = {0};
	int r = mb_net_ports_heirs(net, s, &theirs, err);

	for (size_t i = 0; !r && theirs.n && i < c->n; i++)
		if (c->v[i].remove && has_element(&theirs, &c->v[i]))
			fates[i] = FATE_SKIP;
	return r;
}

/* Return: 0; MB_NL_ABSENT: there is no table; or -errno. */
static int apply_locked(struct mb_net *net, const struct mb_net_sandbox *s,
                        const struct mb_net_changes *c, struct mb_err *err)
{
	MB_AUTO_FREE enum fate *fates = mb_calloc(c->n + 1, sizeof(*fates));
	int r;

	r = spare_others(net, c, fates, err);
	if (!r && s)
		r = spare_heirs(net, s, c, fates, err);
	for (size_t tries = 0; !r && tries <= c->n * 2 && tries < REPAIRS_MAX; tries++) {
		size_t failed;

		r = try_apply(net, c, fates, &failed, err);
		if (r == 0)
			return 0;
		r = digest_failure(net, c, fates, r, failed, err);
	}
	return r ? r : -EBUSY;
}

static int lock(struct mb_net *net, bool exclusive, int *ret_fd, struct mb_err *err)
{
	return mb_store_lock(net->store, MB_RANK_LEAF, "firewall", exclusive, true, ret_fd, err);
}

static bool has_removes(const struct mb_net_changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].remove)
			return true;
	return false;
}

int mb_net_firewall_apply(struct mb_net *net, const struct mb_net_changes *c, struct mb_err *err)
{
	return mb_net_firewall_apply_of(net, NULL, c, err);
}

int mb_net_firewall_apply_of(struct mb_net *net, const struct mb_net_sandbox *s,
                             const struct mb_net_changes *c, struct mb_err *err)
{
	struct mb_err told = MB_ERR_INIT;
	int r, fd = -1;

	if (!c->n)
		return 0;
	r = mb_net_netfilter_sock(net, err);
	if (!r)
		r = lock(net, has_removes(c), &fd, err);
	if (r)
		return r;
	r = apply_locked(net, has_removes(c) ? s : NULL, c, &told);
	mb_close(&fd);
	if (r == MB_NL_ABSENT)
		/* The state holds what is to be added. */
		return only_removes(c) ? 0 : mb_net_firewall_rebuild(net, err);
	if (r && err)
		*err = told;
	return r ? mb_wrap(err, r, "cannot change the firewall (nftables table '%s')", net->table)
	         : 0;
}

/* The table anew, with @c in it, in one transaction. */
static int replace(struct mb_net *net, const struct mb_net_changes *c, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_FREE struct mb_nl_nft_elem *v = mb_calloc(c->n + 1, sizeof(*v));
	int r;

	mb_nl_nft_begin(&b);
	/* Adding first makes sure that there is something to delete. */
	mb_nl_nft_table_add(&b, net->table, 0);
	mb_nl_nft_table_del(&b, net->table);
	mb_net_skeleton_put(&b, net->table);
	for (unsigned int set = 0; set < MB_NET_SET_N_; set++) {
		size_t n = 0;

		for (size_t i = 0; i < c->n; i++)
			if (c->v[i].set == set && !c->v[i].remove)
				v[n++] = c->v[i].elem;
		mb_nl_nft_elems_add(&b, net->table, mb_net_set_name(set), v, n);
	}
	r = mb_nl_nft_commit(&net->netfilter, &b, NULL, err);
	return r ? mb_wrap(err, r, "cannot write nftables table '%s'", net->table) : 0;
}

struct wanted {
	struct mb_net_changes *changes;
	struct mb_net_plans plans;
};

static int each_record(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	struct wanted *w = arg;

	(void)net;
	(void)err;
	if (s->leaving)
		return 0;
	mb_net_ports_changes(s, w->changes, false);
	mb_net_plans_member(&w->plans, s, w->changes);
	return 0;
}

int mb_net_firewall_wanted(struct mb_net *net, bool only_up, struct mb_net_changes *c,
                           struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	struct wanted w = {.changes = c};
	int r;

	r = mb_net_doc_ids(net, &ids, err);
	for (size_t i = 0; !r && i < ids.n; i++) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;

		if (only_up && !mb_net_bridge_index(net, ids.v[i]))
			continue;
		if (mb_net_doc_read(net, ids.v[i], &n, NULL) < 0 || mb_net_is_upper(n->driver) ||
		    n->unmanaged)
			continue;
		mb_net_changes_network(c, n, false);
		r = mb_net_plans_add(net, &w.plans, mb_take_ptr(&n), err);
	}
	if (!r)
		r = mb_net_records_walk(net, each_record, &w, err);
	if (!r)
		mb_net_plans_put(net, &w.plans, c);
	mb_net_plans_done(&w.plans);
	return r;
}

int mb_net_firewall_rebuild(struct mb_net *net, struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};
	MB_AUTO_CLOSE int fd = -1;
	int r;

	r = mb_net_netfilter_sock(net, err);
	if (!r)
		r = lock(net, true, &fd, err);
	if (!r)
		r = mb_net_firewall_wanted(net, false, &c, err);
	if (!r)
		r = mb_net_counts_carry(net, &c, err);
	return r ? r : replace(net, &c, err);
}

int mb_net_firewall_ensure(struct mb_net *net, struct mb_err *err)
{
	int r = mb_net_netfilter_sock(net, err);

	if (!r)
		r = mb_nl_nft_table_find(&net->netfilter, net->table, err);
	/* Never an empty one: nobody would know that it lacks what others rely on. */
	return r == MB_NL_ABSENT ? mb_net_firewall_rebuild(net, err) : r;
}

int mb_net_firewall_remove(struct mb_net *net, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	int r;

	r = mb_net_netfilter_sock(net, err);
	if (r)
		return r;
	mb_nl_nft_begin(&b);
	mb_nl_nft_table_add(&b, net->table, 0);
	mb_nl_nft_table_del(&b, net->table);
	return mb_nl_nft_commit(&net->netfilter, &b, NULL, err);
}
