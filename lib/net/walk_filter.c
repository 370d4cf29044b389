/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "net/walk_priv.h"

/* ---- our own rules -------------------------------------------------------------------- */

/* What is published is another network's, which one that is internal does not reach. */
static bool is_shut_off(const struct mb_net_way *w)
{
	return w->kind == MB_NET_WAY_PUBLISHED && w->from.e->internal &&
	       !mb_streq(w->from.e->network_id, w->to.e->network_id);
}

static const char *reach_of(const struct mb_net_way *w)
{
	if (w->kind == MB_NET_WAY_NEIGHBOUR)
		return "lets its containers reach each other";
	return w->from.e->internal ? "reaches the host" : "reaches outside";
}

int mb_net_way_isolation(struct mb_net_way *w, struct mb_err *err)
{
	const struct mb_net_endpoint *e = w->from.e;
	const char *name = mb_net_way_from(w);

	if (!e) {
		mb_net_way_fault(w, "isolation",
		                 "no network of %s reaches outside: '%s' is internal", name,
		                 w->from.record->endpoints[0].network);
		mb_net_way_mend(w, "mybox network connect " MB_NET_DEFAULT " %s", name);
		return 0;
	}
	if (w->kind == MB_NET_WAY_NEIGHBOUR && (e->isolated || w->to.e->isolated)) {
		mb_net_way_fault(w, "isolation",
		                 "network '%s' keeps its containers from each other (icc=false)",
		                 e->network);
		mb_net_way_mend(w,
		                "mybox network create %s-open && mybox network connect %s-open %s "
		                "&& mybox network connect %s-open %s "
		                "&& mybox network disconnect %s %s",
		                e->network, e->network, name, e->network, mb_net_way_to(w),
		                e->network, name);
		return 0;
	}
	if (is_shut_off(w)) {
		mb_net_way_fault(w, "isolation",
		                 "network '%s' is internal: it reaches nothing that is published",
		                 e->network);
		mb_net_way_mend(w, "mybox network connect %s %s && mybox network check %s %s:%u",
		                w->to.e->network, name, name, mb_net_way_to(w), w->inner_port);
		return 0;
	}
	mb_net_way_ok(w, "isolation", "network '%s' %s", e->network, reach_of(w));
	return mb_net_doc_read(w->net, e->network_id, &w->network, err);
}

static int count_rule(const struct mb_nl_nft_rule_info *rule, void *arg)
{
	(void)rule;
	++*(size_t *)arg;
	return 0;
}

/* Every element of @c is in its set.  Return: 0 and the name of a set that lacks one, or NULL. */
static int find_missing(struct mb_net *net, const struct mb_net_changes *c, const char **ret,
                        struct mb_err *err)
{
	*ret = NULL;
	for (size_t i = 0; i < c->n; i++) {
		const char *set = mb_net_set_name(c->v[i].set);
		struct mb_nl_nft_elem now = c->v[i].elem;
		int r = mb_nl_nft_elem_find(&net->netfilter, net->table, set, &now, err);

		if (r < 0)
			return r;
		if (r == 0 && memcmp(now.data, c->v[i].elem.data, sizeof(now.data)) == 0)
			continue;
		*ret = set;
		return 0;
	}
	return 0;
}

int mb_net_way_firewall(struct mb_net_way *w, struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};
	struct mb_net *net = w->net;
	const char *missing = NULL;
	size_t rules = 0;
	int r;

	if (mb_net_is_upper(w->from.e->driver) || w->from.e->unmanaged)
		return 0;
	r = mb_net_netfilter_sock(net, err);
	if (!r)
		r = mb_nl_nft_table_find(&net->netfilter, net->table, err);
	if (r == MB_NL_ABSENT) {
		mb_net_way_fault(w, "firewall",
		                 "nftables table 'inet %s' is missing: somebody "
		                 "flushed the rules",
		                 net->table);
		mb_net_way_mend(w, "mybox network reload");
		return 0;
	}
	mb_net_changes_network(&c, w->network, false);
	if (!r)
		r = mb_nl_nft_rule_dump(&net->netfilter, NFPROTO_INET, net->table, count_rule,
		                        &rules, err);
	if (!r)
		r = find_missing(net, &c, &missing, err);
	if (r)
		return r;
	if (!rules || missing) {
		if (missing)
			mb_net_way_fault(w, "firewall",
			                 "set '%s' of nftables table 'inet %s' lacks what network "
			                 "'%s' needs",
			                 missing, net->table, w->from.e->network);
		else
			mb_net_way_fault(w, "firewall",
			                 "nftables table 'inet %s' has lost its rules", net->table);
		mb_net_way_mend(w, "mybox network reload");
		return 0;
	}
	mb_net_way_ok(w, "firewall", "table 'inet %s' is complete", net->table);
	return 0;
}

/* Between neighbours the host forwards where their network has a policy. */
static bool is_governed(const struct mb_net_way *w)
{
	return w->kind == MB_NET_WAY_NEIGHBOUR &&
	       mb_net_policy_is_on(w->net, w->from.e->network_id);
}

int mb_net_way_forwarding(struct mb_net_way *w, struct mb_err *err)
{
	const bool v6 = w->dst.family == AF_INET6;
	const char *key = v6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward";
	const char *path =
		v6 ? "/proc/sys/net/ipv6/conf/all/forwarding" : "/proc/sys/net/ipv4/ip_forward";
	char now[8];

	(void)err;
	if (!is_governed(w) &&
	    ((w->kind != MB_NET_WAY_OUTSIDE && w->kind != MB_NET_WAY_PUBLISHED) ||
	     mb_net_is_upper(w->from.e->driver) || (v6 ? w->network->bare6 : w->network->bare4)))
		return 0;
	if (mb_read_kernel_file(AT_FDCWD, path, now, sizeof(now)) == 0 && mb_streq(now, "0")) {
		mb_net_way_fault(w, "forwarding", "the host forwards no packets: %s is 0", key);
		mb_net_way_mend(w, "sysctl -w %s=1", key);
		return 0;
	}
	mb_net_way_ok(w, "forwarding", "%s is on", key);
	return 0;
}

/* The first binding that leads from what is spoken to. */
static const struct mb_net_binding *find_binding(const struct mb_net_way *w)
{
	for (size_t i = 0; i < w->to.record->n_bindings; i++) {
		const struct mb_net_binding *b = &w->to.record->bindings[i];
		struct mb_net_addr a;

		if (b->proto == w->proto && b->host_port == w->port &&
		    mb_net_addr_parse(b->host_ip, &a) == 0 && a.family == w->dst.family &&
		    (mb_net_addr_is_any(&a) || mb_net_addr_equal(&a, &w->dst)))
			return b;
	}
	return NULL;
}

static bool is_admitted(const struct mb_net_way *w, const struct mb_net_binding *b)
{
	bool admitted = !b || !b->from.n;

	for (size_t i = 0; b && i < b->from.n; i++) {
		struct mb_net_prefix p;

		admitted = admitted || (mb_net_prefix_parse(b->from.v[i], &p) == 0 &&
		                        mb_net_prefix_has(&p, &w->from.addr));
	}
	return admitted;
}

/* The element that leads the host's port to the container. */
int mb_net_way_published(struct mb_net_way *w, struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};
	const struct mb_net_binding *b;
	char from[MB_NET_ADDR_TEXT];
	const char *missing;
	int r;

	if (w->kind != MB_NET_WAY_PUBLISHED)
		return 0;
	b = find_binding(w);
	if (!is_admitted(w, b)) {
		MB_AUTO_FREE char *admitted = mb_strv_join(&b->from, ", ");

		mb_net_addr_format(&w->from.addr, from);
		mb_net_way_fault(w, "published", "port %u of the host is published for %s, not %s",
		                 w->port, admitted, from);
		mb_net_way_mend(w,
		                "mybox update --publish-rm %u:%u %s && mybox update --publish-add "
		                "%u:%u %s",
		                w->port, w->inner_port, mb_net_way_to(w), w->port, w->inner_port,
		                mb_net_way_to(w));
		return 0;
	}
	mb_net_ports_changes(w->to.record, &c, false);
	r = mb_net_netfilter_sock(w->net, err);
	if (!r)
		r = find_missing(w->net, &c, &missing, err);
	if (r)
		return r;
	if (missing) {
		mb_net_way_fault(w, "published",
		                 "port %u of the host is not led to %s: set '%s' of nftables table "
		                 "'inet %s' lacks it",
		                 w->port, mb_net_way_to(w), missing, w->net->table);
		mb_net_way_mend(w, "mybox network reload");
		return 0;
	}
	mb_net_way_ok(w, "published", "port %u of the host leads to port %u of %s", w->port,
	              w->inner_port, mb_net_way_to(w));
	return 0;
}

/* ---- rules of others ------------------------------------------------------------------ */

/* A base chain that drops what no rule accepts. */
struct dropping {
	const struct mb_net_way *w;
	uint32_t hook;
	bool found;
	struct mb_nl_nft_base base;
};

static const char *family_name(uint8_t family)
{
	return family == NFPROTO_INET ? "inet" : family == NFPROTO_IPV6 ? "ip6" : "ip";
}

/* firewalld's chains accept, but for what comes to their last rule: whether that is so only a
 * connection tells. */
static bool is_firewalld(const struct mb_nl_nft_base *base)
{
	return mb_streq(base->table, "firewalld");
}

static bool may_drop(const struct mb_net_way *w, const struct mb_nl_nft_base *base)
{
	return base->policy == NF_DROP ||
	       (is_firewalld(base) && w->port && w->proto == IPPROTO_TCP);
}

static int each_base(const struct mb_nl_nft_base *base, void *arg)
{
	struct dropping *d = arg;
	uint8_t own = d->w->dst.family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	if (d->found || base->hook != d->hook || !may_drop(d->w, base) ||
	    (base->family != NFPROTO_INET && base->family != own) ||
	    mb_streq(base->table, d->w->net->table))
		return 0;
	d->found = true;
	d->base = *base;
	return 0;
}

struct mention {
	const char *word;
	bool found;
};

static int each_rule(const struct mb_nl_nft_rule_info *rule, void *arg)
{
	struct mention *m = arg;

	m->found = m->found || (rule->len && memmem(rule->bytes, rule->len, m->word,
	                                            strlen(m->word) + 1) != NULL);
	return 0;
}

/* What each of those who keep firewalls calls what comes from a network, and what goes there: by
 * its bridge; or, where the ports of its containers are in none, by its addresses. */
enum keeper { KEEPER_NFT, KEEPER_IPTABLES, KEEPER_UFW, KEEPER_FIREWALLD };
static const struct words {
	const char *from, *to;
} words[][3] = {
	[KEEPER_NFT] = {{"iifname ", "oifname "},
                        {"ip saddr ", "ip daddr "},
                        {"ip6 saddr ", "ip6 daddr "}},
	[KEEPER_IPTABLES] = {{"-i ", "-o "}, {"-s ", "-d "}, {"-s ", "-d "}},
	[KEEPER_UFW] = {{"in on ", "out on "}, {"from ", "to "}, {"from ", "to "}},
	[KEEPER_FIREWALLD] = {{"interface=", ""}, {"source=", ""}, {"source=", ""}},
};

static void tell_keeper(struct mb_net_way *w, const struct mb_nl_nft_base *base, enum keeper keeper)
{
	const bool routed = mb_net_policy_is_on(w->net, w->from.e->network_id);
	const bool v6 = w->dst.family == AF_INET6, forward = base->hook == NF_INET_FORWARD;
	const struct words *say = &words[keeper][routed ? 1 + v6 : 0];
	const char *name = w->from.e->bridge, *family = family_name(base->family);
	const char *tool = base->family == NFPROTO_IPV6 ? "ip6tables" : "iptables";
	char addresses[MB_NET_ADDR_TEXT];
	struct mb_net_prefix p;

	mb_net_prefix_set(&p, &w->from.addr, v6 ? w->from.e->prefix6 : w->from.e->prefix4);
	if (routed)
		name = mb_net_prefix_format(&p, addresses);
	if (keeper == KEEPER_FIREWALLD)
		mb_net_way_mend(w,
		                "firewall-cmd --permanent --zone=trusted --add-%s%s && "
		                "firewall-cmd --reload",
		                say->from, name);
	else if (keeper == KEEPER_UFW && forward)
		mb_net_way_mend(w, "ufw route allow %s%s && ufw route allow %s%s", say->from, name,
		                say->to, name);
	else if (keeper == KEEPER_UFW)
		mb_net_way_mend(w, "ufw allow %s%s", say->from, name);
	else if (keeper == KEEPER_IPTABLES)
		mb_net_way_mend(w,
		                "%s -I DOCKER-USER %s%s -j ACCEPT && "
		                "%s -I DOCKER-USER %s%s -j ACCEPT",
		                tool, say->from, name, tool, say->to, name);
	else if (forward)
		mb_net_way_mend(w,
		                "nft insert rule %s %s %s %s%s accept && "
		                "nft insert rule %s %s %s %s%s accept",
		                family, base->table, base->name, say->from, name, family,
		                base->table, base->name, say->to, name);
	else
		mb_net_way_mend(w, "nft insert rule %s %s %s %s%s accept", family, base->table,
		                base->name, say->from, name);
}

static int tell_opening(struct mb_net_way *w, const struct mb_nl_nft_base *base, struct mb_err *err)
{
	struct mb_nl *nl = &w->net->netfilter;
	const bool v6 = base->family == NFPROTO_IPV6, forward = base->hook == NF_INET_FORWARD;
	int docker, ufw;

	docker = mb_nl_nft_chain_find(nl, base->family, base->table, "DOCKER-USER", err);
	if (docker < 0)
		return docker;
	ufw = mb_nl_nft_chain_find(nl, base->family, base->table,
	                           v6 ? "ufw6-user-forward" : "ufw-user-forward", err);
	if (ufw < 0)
		return ufw;
	if (is_firewalld(base))
		tell_keeper(w, base, KEEPER_FIREWALLD);
	else if (ufw == 0)
		tell_keeper(w, base, KEEPER_UFW);
	else
		tell_keeper(w, base, docker == 0 && forward ? KEEPER_IPTABLES : KEEPER_NFT);
	return 0;
}

static bool passes_forward_hook(const struct mb_net_way *w)
{
	const bool v6 = w->dst.family == AF_INET6;
	const char *path = v6 ? "/proc/sys/net/bridge/bridge-nf-call-ip6tables"
	                      : "/proc/sys/net/bridge/bridge-nf-call-iptables";
	char now[8];

	if (is_governed(w))
		return true;
	/* What leaves by another's router is bridged, too. */
	if (w->kind != MB_NET_WAY_NEIGHBOUR && !(v6 ? w->network->bare6 : w->network->bare4))
		return w->kind != MB_NET_WAY_HOST;
	return mb_read_kernel_file(AT_FDCWD, path, now, sizeof(now)) == 0 && mb_streq(now, "1");
}

int mb_net_way_foreign(struct mb_net_way *w, struct mb_err *err)
{
	struct dropping d = {.w = w, .hook = NF_INET_FORWARD};
	struct mention m = {.word = w->from.e->bridge};
	bool works = false;
	int r;

	if (mb_net_is_upper(w->from.e->driver))
		return 0;
	if (w->kind == MB_NET_WAY_HOST)
		d.hook = NF_INET_LOCAL_IN;
	else if (!passes_forward_hook(w))
		return 0;
	r = mb_net_netfilter_sock(w->net, err);
	if (!r)
		r = mb_nl_nft_base_dump(&w->net->netfilter, each_base, &d, err);
	if (!r && d.found)
		r = mb_nl_nft_rule_dump(&w->net->netfilter, d.base.family, d.base.table, each_rule,
		                        &m, err);
	/* A rule that names the bridge opens it, as far as can be read; trying tells for sure. */
	if (!r && d.found && !m.found)
		r = mb_net_way_connects(w, &works, err);
	if (r)
		return r;
	if (!d.found || m.found || works) {
		mb_net_way_ok(w, "foreign",
		              d.found ? "table '%s %s' lets it pass" : "no other table drops it",
		              family_name(d.base.family), d.base.table);
		return 0;
	}
	mb_net_way_fault(w, "foreign",
	                 "chain '%s' of table '%s %s' drops what it does not know (%s)",
	                 d.base.name, family_name(d.base.family), d.base.table,
	                 is_firewalld(&d.base) ? "its last rule rejects" : "policy drop");
	return tell_opening(w, &d.base, err);
}

/* A firewall that the container keeps itself. */
static int check_inside(struct mb_net_way *w, const struct mb_net_way_end *end, uint32_t hook,
                        struct mb_err *err)
{
	struct dropping d = {.w = w, .hook = hook};
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	const char *direction = hook == NF_INET_LOCAL_IN ? "comes in" : "goes out";
	bool works = false;
	int r = mb_net_netns_sock(end->party.netns_fd, NETLINK_NETFILTER, &nl, err);

	if (!r)
		r = mb_nl_nft_base_dump(&nl, each_base, &d, err);
	if (!r && d.found)
		r = mb_net_way_connects(w, &works, err);
	if (r || !d.found || works)
		return r;
	mb_net_way_fault(
		w, "inside", "chain '%s' of table '%s %s' inside %s drops what %s (policy drop)",
		d.base.name, family_name(d.base.family), d.base.table, end->party.name, direction);
	mb_net_way_mend(w, "nsenter -t %d -n nft add chain %s %s %s '{ policy accept; }'",
	                end->party.pid, family_name(d.base.family), d.base.table, d.base.name);
	return 0;
}

int mb_net_way_inside(struct mb_net_way *w, struct mb_err *err)
{
	int r = check_inside(w, &w->from, NF_INET_LOCAL_OUT, err);

	if (!r && w->to.e && mb_net_walk_is_ok(w->out))
		r = check_inside(w, &w->to, NF_INET_LOCAL_IN, err);
	if (!r && mb_net_walk_is_ok(w->out))
		mb_net_way_ok(w, "inside", "no firewall inside drops it");
	return r;
}
