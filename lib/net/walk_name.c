/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/id.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"
#include "net/ask.h"
#include "net/handle.h"
#include "net/network_spec.h"
#include "net/walk_priv.h"

#define RESOLVER "127.0.0.11"

/* ---- who they are --------------------------------------------------------------------- */

/* Return: whether it takes part in networks now. */
static bool check_life(struct mb_net_way *w, const struct mb_net_walk_party *p)
{
	if (!p->runs) {
		mb_net_way_fault(w, "container", "%s does not run (%s)", p->name, p->status);
		mb_net_way_mend(w, "mybox start %s", p->name);
		return false;
	}
	if (p->is_paused) {
		mb_net_way_fault(w, "container", "%s is paused: nothing in it answers", p->name);
		mb_net_way_mend(w, "mybox unpause %s", p->name);
		return false;
	}
	return true;
}

static int load_record(struct mb_net_way *w, struct mb_net_way_end *end, struct mb_err *err)
{
	const struct mb_net_walk_party *p = &end->party;
	int r = mb_net_sandbox_load(w->net, p->record_id, &end->record, err);

	if (r < 0 || (r == 0 && end->record->n_endpoints))
		return r;
	if (r == 0 && mb_net_way_take_plugins(end->record))
		return 0;
	mb_net_way_fault(w, "container", "%s is on no network of mybox (its network is '%s')",
	                 p->name, p->mode ? p->mode : "none");
	mb_net_way_mend(w, "make %s anew on a network: mybox run --network NETWORK", p->name);
	return 0;
}

int mb_net_way_containers(struct mb_net_way *w, struct mb_err *err)
{
	struct mb_net_walk_party *p = &w->from.party;
	int r = w->q->open(w->q->from, w->q->arg, p, err);

	if (r || !check_life(w, p))
		return r;
	r = load_record(w, &w->from, err);
	if (!r && mb_net_walk_is_ok(w->out))
		mb_net_way_ok(w, "container", "%s runs", p->name);
	return r;
}

/* ---- the database of names ------------------------------------------------------------ */

/* What the database says of a name on the first container's networks. */
struct entries {
	struct mb_strv ids, addresses; /* "" where there is none */
	bool has_external;             /* an endpoint outside has the name: it has no id */
};

static void entries_done(struct entries *e)
{
	mb_strv_done(&e->ids);
	mb_strv_done(&e->addresses);
}

static void read_entry(int dir, const char *id, struct entries *e)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	char target[256];
	ssize_t n = readlinkat(dir, id, target, sizeof(target) - 1);

	if (n <= 0 || (*id != '-' && !mb_hex_is_valid(id, MB_ID_LEN)))
		return;
	target[n] = '\0';
	mb_strv_split(&parts, target, ',');
	if (parts.n != 3)
		return;
	if (*id == '-')
		e->has_external = true;
	else
		mb_strv_add(&e->ids, id);
	for (size_t i = 0; i < 2; i++)
		if (*parts.v[i])
			mb_strv_add(&e->addresses, parts.v[i]);
}

static void read_name(struct mb_net *net, const char *network_id, const char *name,
                      struct entries *e)
{
	MB_AUTO_FREE char *path = mb_asprintf("n/%s", name);
	MB_AUTO_CLOSE int run = -1;
	struct dirent *entry;
	DIR *dir;

	for (char *p = path; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (mb_net_run_dir(net, network_id, &run, NULL) < 0)
		return;
	dir = mb_dir_open(run, path);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			read_entry(dirfd(dir), entry->d_name, e);
	closedir(dir);
}

/* The name that @alias stands for in this container alone (--link); NULL: none. */
static char *linked_name(const struct mb_net_endpoint *e, const char *alias)
{
	MB_STRV_FOREACH (link, &e->links) {
		MB_AUTO_FREE char *name = NULL, *its_alias = NULL;

		mb_net_link_split(link, &name, &its_alias);
		if (strcasecmp(its_alias, alias) == 0)
			return mb_take_ptr(&name);
	}
	return NULL;
}

/* "web", or "web.net1" for the one on that network. */
static void read_names(const struct mb_net_way *w, const char *name, struct entries *e)
{
	for (size_t i = 0; i < w->from.record->n_endpoints; i++) {
		const struct mb_net_endpoint *ep = &w->from.record->endpoints[i];
		MB_AUTO_FREE char *suffix = mb_asprintf(".%s", ep->network);
		MB_AUTO_FREE char *linked = linked_name(ep, name);

		if (mb_ends_with(name, suffix)) {
			MB_AUTO_FREE char *stem = mb_strndup(name, strlen(name) - strlen(suffix));
			MB_AUTO_FREE char *linked_stem = linked_name(ep, stem);

			read_name(w->net, ep->network_id, linked_stem ? linked_stem : stem, e);
		}
		read_name(w->net, ep->network_id, linked ? linked : name, e);
	}
}

/* ---- addresses ------------------------------------------------------------------------ */

static bool parse_own(const struct mb_net_endpoint *e, int family, struct mb_net_addr *ret)
{
	const char *text = family == AF_INET6 ? e->ip6 : e->ip4;

	return text && mb_net_addr_parse(text, ret) == 0;
}

/* In the order in which the first one joined. */
bool mb_net_way_choose_shared(struct mb_net_way *w, int family)
{
	const struct mb_net_sandbox *a = w->from.record;

	for (size_t i = 0; i < a->n_endpoints; i++) {
		const struct mb_net_endpoint *mine = &a->endpoints[i];
		const struct mb_net_endpoint *its =
			mb_net_endpoint_find(w->to.record, mine->network_id);

		if (!its || !parse_own(mine, family, &w->from.addr) ||
		    !parse_own(its, family, &w->to.addr))
			continue;
		w->from.e = mine;
		w->to.e = its;
		w->dst = w->to.addr;
		w->kind = MB_NET_WAY_NEIGHBOUR;
		return true;
	}
	return false;
}

void mb_net_way_choose_exit(struct mb_net_way *w)
{
	w->from.e = mb_net_gateway_endpoint(w->from.record);
	if (w->from.e && !parse_own(w->from.e, w->dst.family, &w->from.addr))
		w->from.e = NULL;
}

/* A network that has what is spoken to in its subnet: it is sent there, and to no gateway. */
static bool choose_on_link(struct mb_net_way *w)
{
	for (size_t i = 0; i < w->from.record->n_endpoints; i++) {
		const struct mb_net_endpoint *e = &w->from.record->endpoints[i];
		struct mb_net_prefix p;
		struct mb_net_addr own;

		if (!parse_own(e, w->dst.family, &own))
			continue;
		mb_net_prefix_set(&p, &own, own.family == AF_INET6 ? e->prefix6 : e->prefix4);
		if (!mb_net_prefix_has(&p, &w->dst))
			continue;
		w->from.e = e;
		w->from.addr = own;
		return true;
	}
	return false;
}

int mb_net_way_open_other(struct mb_net_way *w, const char *reference, struct mb_err *err)
{
	int r = w->q->open(reference, w->q->arg, &w->to.party, err);

	if (r || !check_life(w, &w->to.party))
		return r;
	return load_record(w, &w->to, err);
}

/* They are neighbours, but on a network whose addresses we do not know. */
static bool is_told_addressless(struct mb_net_way *w)
{
	const struct mb_net_sandbox *a = w->from.record;

	for (size_t i = 0; i < a->n_endpoints; i++) {
		const struct mb_net_endpoint *e = &a->endpoints[i];

		if (!e->no_addresses || e->dhcp ||
		    !mb_net_endpoint_find(w->to.record, e->network_id))
			continue;
		mb_net_way_fault(w, "name",
		                 "network '%s', which %s and %s share, gives no addresses",
		                 e->network, mb_net_way_from(w), mb_net_way_to(w));
		mb_net_way_mend(w, "give the address that %s has there", mb_net_way_to(w));
		return true;
	}
	return false;
}

static void not_together(struct mb_net_way *w)
{
	const struct mb_net_endpoint *its = &w->to.record->endpoints[0];

	if (is_told_addressless(w))
		return;
	mb_net_way_fault(w, "name", "%s and %s have no network in common (%s is on '%s')",
	                 mb_net_way_from(w), mb_net_way_to(w), mb_net_way_to(w), its->network);
	if (w->to.record->cni.name)
		mb_net_way_mend(w, "make %s anew: mybox run --network %s", mb_net_way_from(w),
		                its->network);
	else
		mb_net_way_mend(w, "mybox network connect %s %s", its->network, mb_net_way_from(w));
}

struct search {
	const struct mb_net_way *w;
	char *id;
	uint16_t port;
};

static int each_record(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	struct search *q = arg;

	(void)net;
	(void)err;
	for (size_t i = 0; !q->id && i < s->n_bindings; i++) {
		const struct mb_net_binding *b = &s->bindings[i];
		struct mb_net_addr a;

		if (b->proto != q->w->proto || b->host_port != q->w->port ||
		    mb_net_addr_parse(b->host_ip, &a) < 0 || a.family != q->w->dst.family ||
		    (!mb_net_addr_is_any(&a) && !mb_net_addr_equal(&a, &q->w->dst)))
			continue;
		q->id = mb_strdup(s->container_id);
		q->port = (uint16_t)b->port;
	}
	return 0;
}

/* An address of the host leads to whoever published the port, or stays there. */
static int take_host(struct mb_net_way *w, struct mb_err *err)
{
	struct search q = {.w = w};
	MB_AUTO_FREE char *owner = NULL;
	int r = w->port ? mb_net_records_walk(w->net, each_record, &q, err) : 0;

	owner = q.id;
	w->kind = MB_NET_WAY_HOST;
	if (!choose_on_link(w))
		mb_net_way_choose_exit(w);
	if (r || !owner)
		return r;
	r = mb_net_way_open_other(w, owner, err);
	if (r || !mb_net_walk_is_ok(w->out))
		return r > 0 ? 0 : r;
	w->kind = MB_NET_WAY_PUBLISHED;
	w->inner_port = q.port;
	w->to.e = mb_net_gateway_endpoint(w->to.record);
	if (!w->to.e || !parse_own(w->to.e, w->dst.family, &w->to.addr))
		w->kind = MB_NET_WAY_HOST;
	return 0;
}

static bool is_loopback(const struct mb_net_addr *a)
{
	return a->family == AF_INET
	               ? a->b[0] == 127
	               : IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)(const void *)a->b);
}

static void told_loopback(struct mb_net_way *w)
{
	const struct mb_net_endpoint *e = &w->from.record->endpoints[0];

	mb_net_way_fault(w, "address", "%s inside %s is %s itself, not the host", w->q->to->host,
	                 mb_net_way_from(w), mb_net_way_from(w));
	if (e->bare4 || (!e->gw4 && !e->gw6))
		mb_net_way_mend(w, "speak to an address of the host");
	else
		mb_net_way_mend(w, "speak to the host's address on the network: %s",
		                e->gw4 ? e->gw4 : e->gw6);
}

static bool is_loose(struct mb_net *net, const char *network_id)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;

	return mb_net_doc_read(net, network_id, &n, NULL) == 0 && n->loose && !n->internal;
}

/* To a network that this one's default route leads to, as both are said not to be kept apart: the
 * way is one to the outside. */
static bool is_led_across(struct mb_net_way *w, const char *network_id)
{
	const struct mb_net_endpoint *e = mb_net_gateway_endpoint(w->from.record);

	return e && !mb_net_endpoint_find(w->from.record, network_id) &&
	       is_loose(w->net, e->network_id) && is_loose(w->net, network_id);
}

/* Both ends may be one and the same, or share what they have. */
static int check_apart(const struct mb_net_way *w, struct mb_err *err)
{
	if (!mb_streq(w->to.party.record_id, w->from.party.record_id))
		return 0;
	return mb_fail(err, EINVAL,
	               "'%s' and '%s' have one network namespace: nothing is between them",
	               mb_net_way_from(w), mb_net_way_to(w));
}

/* What is behind @w->dst. */
static int take_address(struct mb_net_way *w, struct mb_err *err)
{
	const struct mb_net_book_entry *owner = mb_net_book_find(&w->book, &w->dst);
	int r;

	if (is_loopback(&w->dst)) {
		told_loopback(w);
		return 0;
	}
	if (owner && owner->is_remote && mb_net_way_choose_remote(w, NULL))
		return 0;
	if (owner && !owner->id)
		return take_host(w, err);
	if (!owner || is_led_across(w, owner->network_id)) {
		w->kind = MB_NET_WAY_OUTSIDE;
		mb_net_way_choose_exit(w);
		return 0;
	}
	r = mb_net_way_open_other(w, owner->id, err);
	if (r || !mb_net_walk_is_ok(w->out))
		return r > 0 ? 0 : r;
	r = check_apart(w, err);
	if (r)
		return r;
	if (!mb_net_endpoint_find(w->from.record, owner->network_id)) {
		mb_net_way_fault(w, "address",
		                 "%s is %s's address on '%s', which %s is not on: networks are "
		                 "kept apart",
		                 w->q->to->host, mb_net_way_to(w), owner->network,
		                 mb_net_way_from(w));
		mb_net_way_mend(w, "mybox network connect %s %s", owner->network,
		                mb_net_way_from(w));
		return 0;
	}
	if (!mb_net_way_choose_shared(w, w->dst.family) ||
	    !mb_net_addr_equal(&w->dst, &w->to.addr)) {
		/* On several networks together: the one that was asked for. */
		w->from.e = mb_net_endpoint_find(w->from.record, owner->network_id);
		w->to.e = mb_net_endpoint_find(w->to.record, owner->network_id);
		(void)parse_own(w->from.e, w->dst.family, &w->from.addr);
		w->to.addr = owner->addr;
		w->dst = owner->addr;
		w->kind = MB_NET_WAY_NEIGHBOUR;
	}
	return 0;
}

/* ---- names ---------------------------------------------------------------------------- */

static bool asks_resolver(const char *resolv)
{
	const char *line = resolv;

	while (line && *line) {
		const char *value = mb_skip_prefix(line, "nameserver");

		if (value && isspace((unsigned char)*value))
			return mb_starts_with(value + strspn(value, " \t"), RESOLVER);
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return false;
}

/* The resolver is asked as any program in the container would ask.  Return: 0 and *@ret, family 0
 * after a fault; or -errno. */
static int ask(struct mb_net_way *w, const char *name, int family, struct mb_net_addr *ret,
               struct mb_err *err)
{
	struct mb_net_addr found = {0};
	int r;

	*ret = found;
	if (w->from.party.resolv && !asks_resolver(w->from.party.resolv)) {
		mb_net_way_fault(
			w, "name",
			"/etc/resolv.conf of %s was changed: names are not asked of " RESOLVER,
			mb_net_way_from(w));
		mb_net_way_mend(w, "mybox restart %s", mb_net_way_from(w));
		return 0;
	}
	r = mb_net_ask(w->from.party.netns_fd, name, family, &found, err);
	if (r < 0)
		return r;
	if (r == MB_NET_ASK_SILENT) {
		bool lost = w->from.party.monitor_lost;

		mb_net_way_fault(w, "name", "the resolver of %s does not answer%s",
		                 mb_net_way_from(w), lost ? ": its monitor is gone" : "");
		if (lost)
			mb_net_way_mend(w, "mybox system check --repair");
		else
			mb_net_way_mend(w, "mybox restart %s", mb_net_way_from(w));
	} else if (r) {
		mb_net_way_fault(w, "name", "the resolver of %s %s '%s'", mb_net_way_from(w),
		                 r == MB_NET_ASK_NO_NAME ? "knows no name"
		                                         : "got no answer from its servers to",
		                 name);
		mb_net_way_mend(w, "see which servers the host asks: cat /etc/resolv.conf");
	} else if (!found.family) {
		mb_net_way_fault(w, "name", "the name '%s' has no IPv%c address", name,
		                 family == AF_INET6 ? '6' : '4');
		mb_net_way_mend(w, "ask for its address of the other family");
	}
	*ret = found;
	return 0;
}

/* What the resolver answers must be an address of somebody with that name. */
static int ask_own(struct mb_net_way *w, const char *name, const struct entries *e,
                   struct mb_err *err)
{
	char text[MB_NET_ADDR_TEXT];
	struct mb_net_addr answer;
	int r = ask(w, name, w->dst.family, &answer, err);

	if (r || !answer.family)
		return r;
	if (!mb_strv_has(&e->addresses, mb_net_addr_format(&answer, text))) {
		mb_net_way_fault(w, "name",
		                 "the resolver of %s says %s for '%s', which is nobody's",
		                 mb_net_way_from(w), text, name);
		mb_net_way_mend(w, "mybox network reload");
		return 0;
	}
	mb_net_way_ok(w, "name", "%s is %s", name, mb_net_addr_format(&w->dst, text));
	return 0;
}

static int name_of_container(struct mb_net_way *w, const struct entries *found, struct mb_err *err)
{
	const char *name = w->q->to->host;
	__attribute__((cleanup(entries_done))) struct entries e = {0};
	char text[MB_NET_ADDR_TEXT];

	if (!mb_net_way_choose_shared(w, AF_INET) && !mb_net_way_choose_shared(w, AF_INET6)) {
		not_together(w);
		return 0;
	}
	if (w->to.e->no_dns) {
		mb_net_way_fault(w, "name", "network '%s' has no names", w->to.e->network);
		mb_net_way_mend(w, "by its address: %s",
		                w->to.e->ip4 ? w->to.e->ip4 : w->to.e->ip6);
		return 0;
	}
	/* By an id or its beginning, which is no name of the network. */
	if (!found->ids.n && mb_starts_with(w->to.party.id, name))
		name = w->to.party.name;
	read_names(w, name, &e);
	mb_net_addr_format(&w->to.addr, text);
	if (!mb_strv_has(&e.ids, w->to.record->container_id) || !mb_strv_has(&e.addresses, text)) {
		mb_net_way_fault(w, "name", "the name '%s' %s on network '%s'", name,
		                 e.ids.n ? "leads elsewhere" : "is missing", w->to.e->network);
		mb_net_way_mend(w, "mybox network reload");
		return 0;
	}
	return ask_own(w, name, &e, err);
}

/* Of the network by which it would be reached. */
static int family_outside(const struct mb_net_way *w)
{
	const struct mb_net_endpoint *e = mb_net_gateway_endpoint(w->from.record);

	return e && !e->ip4 && e->ip6 ? AF_INET6 : AF_INET;
}

static int name_outside(struct mb_net_way *w, bool is_endpoint, struct mb_err *err)
{
	const char *name = w->q->to->host;
	char text[MB_NET_ADDR_TEXT];
	int r;

	if (!is_endpoint && !w->q->to->is_url && !strchr(name, '.')) {
		mb_net_way_fault(w, "name", "no container and no name on %s's networks is '%s'",
		                 mb_net_way_from(w), name);
		mb_net_way_mend(w, "mybox ps -a");
		return 0;
	}
	r = ask(w, name, family_outside(w), &w->dst, err);
	if (r || !w->dst.family)
		return r;
	mb_net_way_ok(w, "name", "%s is %s", name, mb_net_addr_format(&w->dst, text));
	return take_address(w, err);
}

int mb_net_way_name(struct mb_net_way *w, struct mb_err *err)
{
	const char *host = w->q->to->host;
	__attribute__((cleanup(entries_done))) struct entries e = {0};
	int r;

	if (mb_net_addr_parse(host, &w->dst) == 0)
		return take_address(w, err);
	read_names(w, host, &e);
	if (!e.ids.n && (e.has_external || w->q->to->is_url))
		return name_outside(w, e.has_external, err);
	if (e.ids.n && mb_net_way_choose_remote(w, &e.ids))
		return ask_own(w, host, &e, err);
	r = mb_net_way_open_other(w, e.ids.n ? e.ids.v[0] : host, err);
	if (r == MB_NET_ABSENT)
		return name_outside(w, false, err);
	if (r || !mb_net_walk_is_ok(w->out))
		return r;
	r = check_apart(w, err);
	if (r)
		return r;
	return name_of_container(w, &e, err);
}
