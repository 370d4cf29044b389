/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/id.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/firewall.h"
#include "net/guest.h"
#include "net/handle.h"
#include "net/ipam.h"
#include "net/overlay.h"
#include "net/overlay_lead.h"
#include "net/overlay_remote.h"
#include "net/overlay_wire.h"
#include "net/policy.h"
#include "nl/route.h"
#include "store/store.h"
#include "sys/tree.h"

/* What ought to be follows from documents and records; what is comes from the kernel and from
 * RUN/net.  A container lives while RUN/c/<id> is there. */
enum { TEARDOWN_USEC = 10 * 1000, TEARDOWNS = 200 };

struct check {
	struct mb_net *net;
	bool repair;
	struct mb_strv *findings;
	struct mb_strv live, dead;       /* ids of containers with a record */
	struct mb_net_networks networks; /* documents with a bridge */
	bool rebuild;                    /* the firewall is to be written again */
};

static void done(struct check *c)
{
	mb_strv_done(&c->live);
	mb_strv_done(&c->dead);
	mb_net_networks_done(&c->networks);
}

static void tell(struct check *c, bool repaired, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void tell(struct check *c, bool repaired, const char *fmt, ...)
{
	MB_AUTO_STR struct mb_str s = MB_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	mb_str_addv(&s, fmt, ap);
	va_end(ap);
	if (c->repair && !repaired)
		mb_str_add(&s, " (not repaired)");
	mb_strv_take(c->findings, mb_str_take(&s));
}

/* ---- records of the dead -------------------------------------------------------------- */

static int each_record(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	struct check *c = arg;

	(void)err;
	mb_strv_add(mb_net_is_live(net, s->container_id) && !mb_net_guest_is_gone(net, s)
	                    ? &c->live
	                    : &c->dead,
	            s->container_id);
	return 0;
}

/* Those that cannot be read: what they spoke of is found by looking at the kernel. */
static int check_broken_records(struct check *c, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct dirent *entry;
	int fd = -1, r = mb_net_records_dir(c->net, &fd, err);
	DIR *dir = mb_dir_take(fd);

	if (!dir)
		return r ? r : mb_fail_sys(err, errno, "cannot list the network records");
	while ((entry = readdir(dir)))
		if (mb_hex_is_valid(entry->d_name, MB_ID_LEN))
			mb_strv_add(&names, entry->d_name);
	closedir(dir);
	MB_STRV_FOREACH (id, &names) {
		MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;

		if (mb_net_sandbox_load(c->net, id, &s, NULL) >= 0)
			continue;
		tell(c, c->repair && mb_net_record_remove(c->net, id, NULL) == 0,
		     "network record of container '%.12s' cannot be read", id);
	}
	return 0;
}

static void tell_dead(struct check *c, const char *id)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	bool is_guest = mb_net_sandbox_load(c->net, id, &s, NULL) == 0 && s->guest.container;
	int r = c->repair ? mb_net_guest_reap(c->net, id, NULL) : -EPERM;

	if (r == MB_NET_ABSENT) /* it came back, or is about to */
		mb_strv_add(&c->live, id);
	else if (is_guest)
		tell(c, r == 0, "endpoint '%s' of CNI container '%s', whose namespace is gone",
		     s->guest.ifname, s->container_name);
	else
		tell(c, r == 0, "network record of container '%.12s', which is gone", id);
}

static void found_guest(void *arg, const char *id)
{
	struct check *c = arg;

	tell(c, c->repair, "endpoint '%.12s' of a CNI container was never made", id);
}

static void found_mark(void *arg, const char *network_id, const char *container_id)
{
	struct check *c = arg;

	tell(c, c->repair, "container '%.12s' is not on shared network '%.12s' any more",
	     container_id, network_id);
}

static int check_records(struct check *c, struct mb_err *err)
{
	int r = check_broken_records(c, err);

	if (!r)
		r = mb_net_records_walk(c->net, each_record, c, err);
	MB_STRV_FOREACH (id, &c->dead)
		tell_dead(c, id);
	if (!r)
		r = mb_net_guests_check(c->net, c->repair, found_guest, c, err);
	return r ? r : mb_net_lead_marks_check(c->net, c->repair, found_mark, c, err);
}

/* ---- links ---------------------------------------------------------------------------- */

static int load_networks(struct check *c, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	int r = mb_net_doc_ids(c->net, &ids, err);

	MB_STRV_FOREACH (id, &ids) {
		struct mb_err told = MB_ERR_INIT;
		struct mb_net_network *n;

		if (mb_net_doc_read(c->net, id, &n, &told) < 0) {
			tell(c, false, "document of network '%.12s': %s", id, told.msg);
			continue;
		}
		c->networks.v = mb_realloc(c->networks.v,
		                           (c->networks.n + 1) * sizeof(struct mb_net_network *));
		c->networks.v[c->networks.n++] = n;
	}
	return r;
}

struct links {
	struct mb_nl_link *v;
	size_t n;
};

static int each_link(const struct mb_nl_link *link, void *arg)
{
	struct links *l = arg;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].index == link->index)
			return 0;
	l->v = mb_realloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n++] = *link;
	return 0;
}

static bool drop_link(struct check *c, const struct mb_nl_link *link)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

	mb_nl_link_del(&b, link->index, NULL);
	return mb_nl_send(&c->net->route, &b, NULL, NULL) == 0;
}

static const struct mb_net_network *network_of_bridge(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->networks.n; i++)
		if (mb_streq(c->networks.v[i]->bridge, name))
			return c->networks.v[i];
	return NULL;
}

static bool is_tunnel(const struct check *c, const char *name)
{
	char tunnel[IFNAMSIZ];

	for (size_t i = 0; i < c->networks.n; i++) {
		if (!mb_net_is_overlay(c->networks.v[i]->driver))
			continue;
		mb_net_overlay_ifname(c->networks.v[i]->id, tunnel);
		if (mb_streq(tunnel, name))
			return true;
		mb_net_wire_ifname(c->networks.v[i]->id, tunnel);
		if (c->networks.v[i]->overlay.encrypted && mb_streq(tunnel, name))
			return true;
	}
	return false;
}

/* A VLAN that was made for networks upon it. */
static bool is_parent(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->networks.n; i++)
		if (mb_streq(c->networks.v[i]->parent, name))
			return true;
	return false;
}

/* "mb" and ten digits of a container's id, and ".n" for its further networks. */
static bool is_ours(const struct mb_nl_link *link)
{
	const char *digits = mb_skip_prefix(link->name, "mb");
	size_t n = digits ? strspn(digits, "0123456789abcdef") : 0;

	return n == MB_NET_LINK_STEM - 2 && (digits[n] == '\0' || strchr(".-_+", digits[n]));
}

static bool has_owner(const struct check *c, const char *ifname)
{
	MB_STRV_FOREACH (id, &c->live)
		if (strncmp(ifname + 2, id, 10) == 0)
			return true;
	return false;
}

/* Those that are in no bridge are in the network's group. */
static const struct mb_net_network *network_of_group(const struct check *c, uint32_t group)
{
	for (size_t i = 0; group && i < c->networks.n; i++)
		if (mb_streq(c->networks.v[i]->driver, "bridge") && !c->networks.v[i]->unmanaged &&
		    mb_net_group(c->networks.v[i]) == group)
			return c->networks.v[i];
	return NULL;
}

static const struct mb_net_network *network_of_link(const struct check *c, const struct links *all,
                                                    const struct mb_nl_link *link)
{
	if (!link->master)
		return network_of_group(c, link->group);
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].index == link->master)
			return network_of_bridge(c, all->v[i].name);
	return NULL;
}

struct place {
	const struct mb_net_network *network;
	const struct mb_nl_link *link;
	bool routed, fixed;
};

static int settle(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	struct place *p = arg;
	struct mb_net_endpoint *e = mb_net_endpoint_find(s, p->network->id);

	if (e && mb_streq(e->host_ifname, p->link->name))
		p->fixed = mb_net_routed_settle(net, p->network, s, e, p->routed, -1, err) == 0;
	return 0;
}

/* With a policy, and only then, containers are not in the bridge. */
static void check_place(struct check *c, const struct mb_net_network *n,
                        const struct mb_nl_link *link)
{
	struct place p = {.network = n, .link = link, .routed = !mb_net_policy_is_empty(n)};

	if (p.routed == !link->master)
		return;
	if (c->repair)
		(void)mb_net_records_walk(c->net, settle, &p, NULL);
	tell(c, p.fixed, "interface '%s' is %s the bridge of network '%s', %s a policy", link->name,
	     p.routed ? "in" : "not in", n->name, p.routed ? "which has" : "without");
}

struct stem {
	const char *ifname;
	bool found;
};

static int each_recorded(struct mb_net *net, struct mb_net_sandbox *s, void *arg,
                         struct mb_err *err)
{
	struct stem *q = arg;

	(void)net;
	(void)err;
	q->found = q->found || strncmp(q->ifname + 2, s->container_id, MB_NET_LINK_STEM - 2) == 0;
	return 0;
}

/* A bridge of the host's own may have ports of several stores: of this one is what it has a record
 * of. */
static bool may_be_anothers(const struct check *c, const struct links *all,
                            const struct mb_nl_link *link)
{
	struct stem q = {.ifname = link->name};

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].index == link->master &&
		    mb_starts_with(all->v[i].alias, c->net->alias))
			return false;
	return link->master && (mb_net_records_walk(c->net, each_recorded, &q, NULL) || !q.found);
}

static void check_port_link(struct check *c, const struct links *all, const struct mb_nl_link *link)
{
	/* Ports of other stores' bridges are theirs to look after. */
	const struct mb_net_network *n = network_of_link(c, all, link);

	if (!n || (!has_owner(c, link->name) && may_be_anothers(c, all, link)))
		return;
	if (!has_owner(c, link->name))
		tell(c, c->repair && drop_link(c, link),
		     "interface '%s' of a container that is gone", link->name);
	else
		check_place(c, n, link);
}

static void check_group(struct check *c, const struct mb_net_network *n,
                        const struct mb_nl_link *link)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

	if (mb_net_is_upper(n->driver) || n->unmanaged || link->group == mb_net_group(n))
		return;
	mb_nl_link_set_group(&b, link->index, mb_net_group(n));
	tell(c, c->repair && mb_nl_send(&c->net->route, &b, NULL, NULL) == 0,
	     "bridge '%s' of network '%s' is not in its group", n->bridge, n->name);
}

static void check_tunnel(struct check *c, const struct mb_net_network *n)
{
	MB_AUTO_FREE char *why = mb_net_overlay_fault(c->net, n);
	bool fixed;
	int index;

	if (!why)
		return;
	fixed = c->repair && mb_net_bridge_up(c->net, n, true, &index, NULL) == 0;
	tell(c, fixed, "%s", why);
}

static void check_bridges(struct check *c, const struct links *all)
{
	for (size_t k = 0; k < c->networks.n; k++) {
		const struct mb_net_network *n = c->networks.v[k];
		bool there = false, fixed = false;
		int index;

		if (!n->bridge || !mb_net_bridge_index(c->net, n->id))
			continue; /* not used since boot */
		for (size_t i = 0; i < all->n; i++) {
			if (!mb_streq(all->v[i].name, n->bridge))
				continue;
			there = true;
			check_group(c, n, &all->v[i]);
		}
		if (there && mb_net_is_overlay(n->driver))
			check_tunnel(c, n);
		if (there)
			continue;
		if (c->repair)
			fixed = mb_net_bridge_up(c->net, n, true, &index, NULL) == 0;
		tell(c, fixed, "%s '%s' of network '%s' is missing", n->driver, n->bridge, n->name);
	}
}

static bool has_strays(const struct check *c, const struct links *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (mb_streq(all->v[i].kind, "veth") && is_ours(&all->v[i]) &&
		    !has_owner(c, all->v[i].name))
			return true;
	return false;
}

static int read_links(struct check *c, struct links *all, struct mb_err *err)
{
	all->n = 0;
	return mb_nl_link_dump(&c->net->route, each_link, all, err);
}

static int check_links(struct check *c, struct mb_err *err)
{
	struct links all = {0};
	MB_AUTO_FREE struct mb_nl_link *owner = NULL;
	int r;

	r = mb_net_route_sock(c->net, err);
	if (!r)
		r = read_links(c, &all, err);
	/* The kernel takes a namespace down in its own time after the last process has gone. */
	for (int i = 0; !r && i < TEARDOWNS && has_strays(c, &all); i++) {
		(void)usleep(TEARDOWN_USEC);
		r = read_links(c, &all, err);
	}
	owner = all.v;
	if (r)
		return r;
	for (size_t i = 0; i < all.n; i++) {
		const struct mb_nl_link *link = &all.v[i];

		if (mb_streq(link->kind, "veth") && is_ours(link))
			check_port_link(c, &all, link);
		else if (mb_starts_with(link->alias, c->net->alias) &&
		         !network_of_bridge(c, link->name) && !is_parent(c, link->name) &&
		         !is_tunnel(c, link->name))
			tell(c, c->repair && drop_link(c, link),
			     "%s '%s' of a network that is gone", link->kind, link->name);
	}
	check_bridges(c, &all);
	return 0;
}

/* ---- the firewall --------------------------------------------------------------------- */

struct present {
	struct mb_nl_nft_elem *v;
	size_t n;
};

static int each_elem(const struct mb_nl_nft_elem *elem, void *arg)
{
	struct present *p = arg;

	p->v = mb_realloc(p->v, (p->n + 1) * sizeof(*p->v));
	p->v[p->n++] = *elem;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct mb_nl_nft_elem *x = a, *y = b;

	return memcmp(x->key, y->key, sizeof(x->key));
}

static bool same(const struct mb_nl_nft_elem *a, const struct mb_nl_nft_elem *b)
{
	return memcmp(a->key, b->key, sizeof(a->key)) == 0 &&
	       memcmp(a->key_end, b->key_end, sizeof(a->key_end)) == 0 &&
	       memcmp(a->data, b->data, sizeof(a->data)) == 0 && a->verdict == b->verdict;
}

static void pick(const struct mb_net_changes *c, enum mb_net_set set, struct present *out)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].set == set)
			(void)each_elem(&c->v[i].elem, out);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_key);
}

/* Whether each of @some is among @all; both are sorted. */
static bool is_within(const struct present *some, const struct present *all)
{
	size_t k = 0;

	for (size_t i = 0; i < some->n; i++) {
		while (k < all->n && by_key(&all->v[k], &some->v[i]) < 0)
			k++;
		if (k == all->n || !same(&all->v[k], &some->v[i]))
			return false;
	}
	return true;
}

/* What is in use must be there; of networks that are not up there may be elements as well. */
static bool differs(const struct mb_net_changes *required, const struct mb_net_changes *allowed,
                    enum mb_net_set set, struct present *now)
{
	struct present least = {0}, most = {0};
	bool wrong;

	pick(required, set, &least);
	pick(allowed, set, &most);
	if (now->n)
		qsort(now->v, now->n, sizeof(*now->v), by_key);
	wrong = !is_within(&least, now) || !is_within(now, &most);
	free(least.v);
	free(most.v);
	return wrong;
}

static int check_firewall(struct check *c, struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes required = {0}, allowed = {0};
	int r;

	r = mb_net_netfilter_sock(c->net, err);
	if (!r)
		r = mb_net_firewall_wanted(c->net, true, &required, err);
	if (!r)
		r = mb_net_firewall_wanted(c->net, false, &allowed, err);
	if (!r)
		r = mb_nl_nft_table_find(&c->net->netfilter, c->net->table, err);
	if (r == MB_NL_ABSENT) {
		bool in_use = false;

		for (size_t i = 0; i < c->networks.n; i++)
			in_use = in_use || mb_net_bridge_index(c->net, c->networks.v[i]->id);
		if (in_use)
			tell(c, c->repair && mb_net_firewall_rebuild(c->net, NULL) == 0,
			     "nftables table '%s' is missing", c->net->table);
		return 0;
	}
	for (unsigned int set = 0; !r && set < MB_NET_SET_N_; set++) {
		struct present now = {0};
		const char *name = mb_net_set_name(set);

		r = mb_nl_nft_elem_dump(&c->net->netfilter, c->net->table, name, each_elem, &now,
		                        err);
		/* What was learnt the state does not know. */
		if (r == MB_NL_ABSENT || (r == 0 && set < MB_NET_SET_LEARNT4 &&
		                          differs(&required, &allowed, set, &now))) {
			tell(c, true, "nftables set '%s' does not hold what the state says", name);
			c->rebuild = true;
			r = 0;
		}
		free(now.v);
	}
	return c->rebuild && c->repair && !r ? mb_net_firewall_rebuild(c->net, err) : r;
}

/* ---- addresses and names -------------------------------------------------------------- */

struct owners {
	uint64_t *v;
	size_t n;
};

static bool owns(const struct owners *o, uint64_t owner)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i] == owner)
			return true;
	return false;
}

/* Takes @fd. */
static int add_owners(int fd, struct owners *o, struct mb_err *err)
{
	DIR *dir = mb_dir_take(fd);
	struct dirent *entry;

	if (!dir)
		return mb_fail_sys(err, errno, "cannot list the containers");
	while ((entry = readdir(dir))) {
		uint64_t owner = mb_net_ipam_owner(entry->d_name);

		if (!owner)
			continue;
		o->v = mb_realloc(o->v, (o->n + 1) * sizeof(*o->v));
		o->v[o->n++] = owner;
	}
	closedir(dir);
	return 0;
}

/* Everything below RUN/c owns what it has, also before it has a record, and so do guests. */
static int live_owners(struct mb_net *net, struct owners *o, struct mb_err *err)
{
	int fd = -1, r = mb_store_dir(net->store, "c", true, &fd, err);

	if (r == 0)
		r = add_owners(fd, o, err);
	if (r == 0 && mb_store_dir_find(net->store, "guests", true, &fd, NULL) == 0)
		r = add_owners(fd, o, err);
	return r;
}

static int check_addresses(struct check *c, const struct mb_net_network *n, bool v6,
                           const struct owners *live, struct mb_err *err)
{
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	int r;

	r = mb_net_pool_open(c->net, n, v6, &ipam, err);
	for (uint32_t slot = r ? 0 : mb_net_ipam_next(&ipam, 0); slot;
	     slot = mb_net_ipam_next(&ipam, slot + 1)) {
		uint64_t owner = mb_net_ipam_owner_of(&ipam, slot);

		if (owns(live, owner))
			continue;
		tell(c, true, "address %u of network '%s' is held by a container that is gone",
		     slot, n->name);
		if (c->repair)
			mb_net_ipam_release(&ipam, slot, owner);
	}
	return r;
}

/* n/<name>/-0, -1 and so on: of endpoints outside. */
static bool is_external(const struct mb_net_network *n, const char *name, const char *entry)
{
	const struct mb_net_external *x = mb_net_external_find(n, name);
	uint32_t i;

	return x && mb_parse_u32(entry + 1, &i) == 0 && i < x->addresses.n;
}

static void check_externals(struct check *c, const struct mb_net_network *n)
{
	for (size_t i = 0; i < n->n_externals; i++) {
		const struct mb_net_external *x = &n->externals[i];

		if (mb_net_names_has_external(c->net, n, x))
			continue;
		tell(c, c->repair && mb_net_names_add_external(c->net, n, x, NULL) == 0,
		     "the names of network '%s' do not have its endpoint '%s'", n->name, x->name);
	}
}

/* n/<name>/<container>: entries of containers without a record here. */
static void check_name(struct check *c, const struct mb_net_network *n,
                       const struct mb_net_remotes *remotes, int names, const char *name)
{
	DIR *dir = mb_dir_open(names, name);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		bool outside = entry->d_name[0] == '-';

		if (entry->d_name[0] == '.' || mb_strv_has(&c->live, entry->d_name) ||
		    (outside && is_external(n, name, entry->d_name)) ||
		    mb_net_remotes_find(remotes, entry->d_name))
			continue;
		tell(c, !c->repair || unlinkat(dirfd(dir), entry->d_name, 0) == 0,
		     "name '%s' of network '%s' leads to %s that is gone", name, n->name,
		     outside ? "an endpoint" : "a container");
	}
	if (c->repair)
		(void)unlinkat(names, name, AT_REMOVEDIR);
	closedir(dir);
}

/* l/<container>: what a container that is gone called others. */
static void check_links_of(struct check *c, const struct mb_net_network *n, int run)
{
	DIR *dir = mb_dir_open(run, "l");
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !mb_strv_has(&c->live, entry->d_name))
			tell(c,
			     c->repair && mb_sys_tree_remove(dirfd(dir), entry->d_name, NULL) == 0,
			     "network '%s' has links of container '%.12s', which is gone", n->name,
			     entry->d_name);
	closedir(dir);
}

static void check_names(struct check *c, const struct mb_net_network *n)
{
	MB_AUTO_NET_REMOTES struct mb_net_remotes remotes = {0};
	MB_AUTO_CLOSE int run = -1;
	struct dirent *entry;
	DIR *dir;

	if (mb_net_run_dir(c->net, n->id, &run, NULL) < 0 ||
	    mb_net_remotes_load(c->net, n, &remotes, NULL) < 0)
		return;
	check_links_of(c, n, run);
	dir = mb_dir_open(run, "n");
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			check_name(c, n, &remotes, dirfd(dir), entry->d_name);
	closedir(dir);
}

static int check_run(struct check *c, struct mb_err *err)
{
	struct owners live = {0};
	MB_AUTO_FREE uint64_t *owner = NULL;
	int r;

	r = live_owners(c->net, &live, err);
	owner = live.v;
	for (size_t i = 0; !r && i < c->networks.n; i++) {
		const struct mb_net_network *n = c->networks.v[i];

		if (!mb_net_bridge_index(c->net, n->id))
			continue;
		if (n->v4.subnet)
			r = check_addresses(c, n, false, &live, err);
		if (!r && n->v6.subnet)
			r = check_addresses(c, n, true, &live, err);
		check_names(c, n);
		check_externals(c, n);
	}
	return r;
}

int mb_net_check(struct mb_net *net, bool repair, struct mb_strv *findings, struct mb_err *err)
{
	__attribute__((cleanup(done))) struct check c = {
		.net = net, .repair = repair, .findings = findings};
	MB_AUTO_CLOSE int lock = -1;
	int r;

	r = mb_net_networks_lock(net, true, &lock, err);
	if (!r)
		r = load_networks(&c, err);
	if (!r)
		r = check_records(&c, err);
	if (!r)
		r = check_links(&c, err);
	if (!r)
		r = check_firewall(&c, err);
	return r ? r : check_run(&c, err);
}

/* ---- reload --------------------------------------------------------------------------- */

/* The host's end of a pair back into its bridge, and up. */
static void reload_port(struct mb_net *net, const struct mb_net_endpoint *e)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_link bridge, port;

	if (mb_nl_link_find(&net->route, e->bridge, &bridge, NULL) != 0 ||
	    mb_nl_link_find(&net->route, e->host_ifname, &port, NULL) != 0)
		return;
	if (port.master != bridge.index)
		mb_nl_link_set_master(&b, port.index, bridge.index);
	mb_nl_link_set_up(&b, port.index, NULL);
	if (e->isolated)
		mb_nl_port_set(&b, port.index, mb_net_hairpin_is_needed(), true);
	(void)mb_nl_send(&net->route, &b, NULL, NULL);
	mb_net_overlay_announce(net, e, bridge.index, port.index);
}

/* With a policy it belongs outside the bridge, whatever was done to it. */
static int reload_routed(struct mb_net *net, const struct mb_net_sandbox *s,
                         struct mb_net_endpoint *e, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;

	/* Up first: a link that is down takes no route. */
	mb_nl_link_set_up(&b, 0, e->host_ifname);
	(void)mb_nl_send(&net->route, &b, NULL, NULL);
	if (mb_net_doc_read(net, e->network_id, &n, NULL) < 0)
		return 0;
	return mb_net_routed_settle(net, n, s, e, true, -1, err);
}

static int reload_one(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	const struct mb_strv *ids = *(const struct mb_strv *const *)arg;
	int r = 0;

	for (size_t i = 0; !r && mb_net_is_live(net, s->container_id) && i < s->n_endpoints; i++) {
		if (!mb_strv_has(ids, s->endpoints[i].network_id))
			continue;
		if (mb_net_policy_is_on(net, s->endpoints[i].network_id))
			r = reload_routed(net, s, &s->endpoints[i], err);
		else if (!mb_net_is_upper(s->endpoints[i].driver))
			reload_port(net, &s->endpoints[i]);
		if (!r)
			r = mb_net_names_add(net, s, &s->endpoints[i], err);
	}
	return r;
}

int mb_net_reload(struct mb_net *net, const struct mb_strv *ids, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	MB_AUTO_CLOSE int lock = -1;
	int r, index;

	r = mb_net_networks_lock(net, true, &lock, err);
	if (!r)
		r = mb_net_route_sock(net, err);
	if (!r)
		r = mb_net_firewall_rebuild(net, err);
	if (!r && !ids)
		r = mb_net_doc_ids(net, &all, err);
	if (!ids)
		ids = &all;
	for (size_t i = 0; !r && i < ids->n; i++) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;

		if (!mb_net_bridge_index(net, ids->v[i]) ||
		    mb_net_doc_read(net, ids->v[i], &n, NULL) < 0)
			continue;
		r = n->bridge ? mb_net_bridge_up(net, n, true, &index, err)
		              : mb_net_externals_publish(net, n, err);
		/* The host may have taken it away: the others are not worse for that. */
		if (r == -ENODEV && n->unmanaged) {
			mb_warn("%s", err ? err->msg : n->bridge);
			r = 0;
		}
	}
	return r ? r : mb_net_records_walk(net, reload_one, &ids, err);
}

int mb_net_mend(struct mb_net *net, struct mb_err *err)
{
	int r = mb_net_netfilter_sock(net, err);

	if (!r)
		r = mb_nl_nft_table_find(&net->netfilter, net->table, err);
	return r == MB_NL_ABSENT ? mb_net_reload(net, NULL, err) : r;
}

/* ---- firewalls of others -------------------------------------------------------------- */

static const char *family_name(uint8_t family)
{
	return family == NFPROTO_INET ? "inet" : family == NFPROTO_IPV6 ? "ip6" : "ip";
}

static int each_base(const struct mb_nl_nft_base *base, void *arg)
{
	struct mb_strv *findings = arg;

	if (base->hook != NF_INET_FORWARD || base->policy != NF_DROP ||
	    (base->family != NFPROTO_INET && base->family != NFPROTO_IPV4 &&
	     base->family != NFPROTO_IPV6))
		return 0;
	mb_strv_addf(findings, "table %s %s chain %s (policy drop)", family_name(base->family),
	             base->table, base->name);
	return 0;
}

int mb_net_foreign_drops(struct mb_net *net, struct mb_strv *findings, struct mb_err *err)
{
	int r = mb_net_netfilter_sock(net, err);

	return r ? r : mb_nl_nft_base_dump(&net->netfilter, each_base, findings, err);
}
