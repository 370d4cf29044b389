/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/crc32c.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/id.h"
#include "core/io.h"
#include "core/str.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "net/ipam.h"
#include "net/route_spec.h"
#include "nl/route.h"
#include "store/doc.h"
#include "store/store.h"

/* Subnets that networks get by themselves: /24s, from 10.88.0.0 up to the end of 10.0.0.0/8.
 * IPv6: /64s below one /48 of RFC 4193 that the host draws once. */
#define POOL_FIRST "10.88.0.0/13"
#define POOL_NEXT  "10.96.0.0/11"
#define POOL_LAST  "10.128.0.0/9"
enum {
	POOL_BITS = 24,
	POOL6_BITS = 64,
	ULA_BITS = 48,
	USED_MAX = 100000,
};

struct used {
	struct mb_net_prefix *v;
	size_t n, cap;
	int except; /* what the host has at this interface does not count; 0: at all of them */
};

static void used_done(struct used *u)
{
	free(u->v);
}

static void used_add(struct used *u, const struct mb_net_prefix *p)
{
	if (u->n == USED_MAX)
		return;
	if (u->n == u->cap) {
		u->cap = u->cap ? u->cap * 2 : 32;
		u->v = mb_realloc(u->v, u->cap * sizeof(*u->v));
	}
	u->v[u->n++] = *p;
}

static void used_add_text(struct used *u, const char *subnet)
{
	struct mb_net_prefix p;

	if (subnet && mb_net_prefix_parse(subnet, &p) == 0)
		used_add(u, &p);
}

static void used_add_bytes(struct used *u, int family, const uint8_t *bytes, unsigned int bits)
{
	struct mb_net_addr a = {.family = family};
	struct mb_net_prefix p;

	memcpy(a.b, bytes, mb_net_addr_len(&a));
	mb_net_prefix_set(&p, &a, bits);
	used_add(u, &p);
}

static int each_route(const struct mb_nl_route_info *route, void *arg)
{
	const struct used *u = arg;

	/* The default route overlaps everything and means nothing here. */
	if (route->prefix && !(u->except && route->index == u->except))
		used_add_bytes(arg, route->family, route->dst, route->prefix);
	return 0;
}

static int each_addr(const struct mb_nl_addr *addr, void *arg)
{
	const struct used *u = arg;

	if (!u->except || addr->index != u->except)
		used_add_bytes(arg, addr->family, addr->addr, addr->prefix);
	return 0;
}

/* On a bridge of the host's own, whose addresses it has itself, containers are neighbours of what
 * is there. */
static int find_lender(struct mb_net *net, const struct mb_net_network *n, struct used *u,
                       struct mb_err *err)
{
	struct mb_nl_link link;
	int r = n->bare4 && n->bridge ? mb_nl_link_find(&net->route, n->bridge, &link, err)
	                              : MB_NL_ABSENT;

	if (r == 0 && !mb_starts_with(link.alias, net->alias))
		u->except = link.index;
	return r < 0 ? r : 0;
}

static int collect_used(struct mb_net *net, const struct mb_net_network *for_whom, struct used *u,
                        struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	int r;

	r = mb_net_route_sock(net, err);
	if (!r)
		r = find_lender(net, for_whom, u, err);
	if (!r)
		r = mb_nl_route_dump(&net->route, AF_UNSPEC, each_route, u, err);
	if (!r)
		r = mb_nl_addr_dump(&net->route, AF_UNSPEC, each_addr, u, err);
	if (!r)
		r = mb_net_doc_ids(net, &ids, err);
	for (size_t i = 0; !r && i < ids.n; i++) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;

		/* A broken document claims nothing; `system check` tells of it. */
		if (mb_net_doc_read(net, ids.v[i], &n, NULL) < 0)
			continue;
		used_add_text(u, n->v4.subnet);
		used_add_text(u, n->v6.subnet);
	}
	return r;
}

static const struct mb_net_prefix *overlapping(const struct used *u, const struct mb_net_prefix *p)
{
	for (size_t i = 0; i < u->n; i++)
		if (mb_net_prefix_overlaps(&u->v[i], p))
			return &u->v[i];
	return NULL;
}

static int choose_v4(const struct used *u, char **ret, struct mb_err *err)
{
	static const char *const pools[] = {POOL_FIRST, POOL_NEXT, POOL_LAST};
	char buf[MB_NET_ADDR_TEXT];

	for (size_t i = 0; i < MB_N(pools); i++) {
		struct mb_net_prefix pool, p;

		if (mb_net_prefix_parse(pools[i], &pool) < 0)
			continue;
		for (uint32_t k = 0; k < 1u << (POOL_BITS - pool.bits); k++) {
			mb_net_prefix_at(&pool, k << (32 - POOL_BITS), &p.addr);
			p.bits = POOL_BITS;
			if (overlapping(u, &p))
				continue;
			*ret = mb_strdup(mb_net_prefix_format(&p, buf));
			return 0;
		}
	}
	return mb_fail(err, EADDRNOTAVAIL,
	               "all subnets of 10.88.0.0 and above are in use: give --subnet");
}

/* The host's own /48, drawn when first wanted. */
static int host_ula(struct mb_net *net, struct mb_net_prefix *ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_CLOSE int dir = -1;
	struct mb_net_addr a = {.family = AF_INET6};
	char buf[MB_NET_ADDR_TEXT];
	int r;

	r = mb_store_dir(net->store, "networks", false, &dir, err);
	if (r)
		return r;
	mb_random(a.b, sizeof(a.b));
	a.b[0] = 0xfd;
	mb_net_prefix_set(ret, &a, ULA_BITS);
	mb_net_prefix_format(ret, buf);
	r = mb_store_file_write(dir, "ula", buf, strlen(buf), MB_DOC_DURABLE, err);
	if (r != -EEXIST)
		return r;
	r = mb_read_file(dir, "ula", sizeof(buf), &text, err);
	if (r)
		return r;
	if (mb_net_prefix_parse(mb_str_text(&text), ret) < 0 || ret->bits != ULA_BITS)
		return mb_fail(err, EBADMSG, "'networks/ula' holds no prefix");
	return 0;
}

static int choose_v6(struct mb_net *net, const struct used *u, char **ret, struct mb_err *err)
{
	struct mb_net_prefix ula, p;
	char buf[MB_NET_ADDR_TEXT];
	int r;

	r = host_ula(net, &ula, err);
	if (r)
		return r;
	for (uint32_t k = 0; k < 1u << (POOL6_BITS - ULA_BITS); k++) {
		p.addr = ula.addr;
		p.addr.b[6] = (uint8_t)(k >> 8);
		p.addr.b[7] = (uint8_t)k;
		p.bits = POOL6_BITS;
		if (overlapping(u, &p))
			continue;
		*ret = mb_strdup(mb_net_prefix_format(&p, buf));
		return 0;
	}
	return mb_fail(err, EADDRNOTAVAIL, "all IPv6 subnets are in use");
}

/* ---- what the user gave --------------------------------------------------------------- */

/* Upon an interface of the host, the subnet is that of the hosts there. */
static const struct mb_net_prefix *clashing(const struct mb_net_network *n, const struct used *u,
                                            const struct mb_net_prefix *p)
{
	return mb_net_is_upper(n->driver) ? NULL : overlapping(u, p);
}

static int given_subnets(struct mb_net_network *n, const struct mb_net_create *q,
                         const struct used *u, struct mb_err *err)
{
	for (size_t i = 0; i < q->subnets.n; i++) {
		char buf[MB_NET_ADDR_TEXT], other[MB_NET_ADDR_TEXT];
		const struct mb_net_prefix *clash;
		struct mb_net_prefix p;
		struct mb_net_pool *pool;

		if (!strchr(q->subnets.v[i], '/') || mb_net_prefix_parse(q->subnets.v[i], &p) < 0)
			return mb_fail(err, EINVAL, "invalid subnet '%s'", q->subnets.v[i]);
		pool = p.addr.family == AF_INET ? &n->v4 : &n->v6;
		if (pool->subnet)
			return mb_fail(err, EINVAL, "the %s driver takes one subnet of each family",
			               n->driver);
		if (mb_net_prefix_host_bits(&p) < 2 || p.bits == 0)
			return mb_fail(err, EINVAL, "subnet '%s' has no room for containers",
			               q->subnets.v[i]);
		clash = clashing(n, u, &p);
		if (clash)
			return mb_fail(err, EBUSY,
			               "subnet '%s' overlaps '%s', which is in use on this host",
			               mb_net_prefix_format(&p, buf),
			               mb_net_prefix_format(clash, other));
		pool->subnet = mb_strdup(mb_net_prefix_format(&p, buf));
	}
	if (n->v6.subnet)
		n->ipv6 = true;
	return 0;
}

/* The pool of @n that @a lies in, or NULL. */
static struct mb_net_pool *pool_of(struct mb_net_network *n, const struct mb_net_addr *a)
{
	struct mb_net_pool *pool = a->family == AF_INET ? &n->v4 : &n->v6;
	struct mb_net_prefix p;

	if (!pool->subnet || mb_net_prefix_parse(pool->subnet, &p) < 0)
		return NULL;
	return mb_net_prefix_has(&p, a) ? pool : NULL;
}

static int given_gateways(struct mb_net_network *n, const struct mb_net_create *q,
                          struct mb_err *err)
{
	for (size_t i = 0; i < q->gateways.n; i++) {
		struct mb_net_pool *pool;
		struct mb_net_addr a;
		char buf[MB_NET_ADDR_TEXT];

		if (mb_net_addr_parse(q->gateways.v[i], &a) < 0)
			return mb_fail(err, EINVAL, "invalid gateway '%s'", q->gateways.v[i]);
		pool = pool_of(n, &a);
		if (!pool)
			return mb_fail(err, EINVAL, "no matching subnet for gateway '%s'",
			               q->gateways.v[i]);
		mb_strset(&pool->gateway, mb_net_addr_format(&a, buf));
	}
	return 0;
}

static int given_ranges(struct mb_net_network *n, const struct mb_net_create *q, struct mb_err *err)
{
	for (size_t i = 0; i < q->ip_ranges.n; i++) {
		struct mb_net_prefix range, subnet;
		struct mb_net_pool *pool;
		char buf[MB_NET_ADDR_TEXT];

		if (mb_net_prefix_parse(q->ip_ranges.v[i], &range) < 0)
			return mb_fail(err, EINVAL, "invalid range '%s'", q->ip_ranges.v[i]);
		pool = pool_of(n, &range.addr);
		if (!pool || mb_net_prefix_parse(pool->subnet, &subnet) < 0 ||
		    range.bits < subnet.bits)
			return mb_fail(err, EINVAL, "no matching subnet for range '%s'",
			               q->ip_ranges.v[i]);
		mb_strset(&pool->ip_range, mb_net_prefix_format(&range, buf));
	}
	return 0;
}

static int given_aux(struct mb_net_network *n, const struct mb_net_create *q, struct mb_err *err)
{
	MB_KV_FOREACH (pair, &q->aux) {
		struct mb_net_pool *pool;
		struct mb_net_addr a;
		char buf[MB_NET_ADDR_TEXT];

		if (mb_net_addr_parse(pair->value, &a) < 0)
			return mb_fail(err, EINVAL, "invalid auxiliary address '%s'", pair->value);
		pool = pool_of(n, &a);
		if (!pool)
			return mb_fail(err, EINVAL, "no matching subnet for auxiliary address '%s'",
			               pair->value);
		mb_kv_set(&pool->aux, pair->key, mb_net_addr_format(&a, buf));
	}
	return 0;
}

struct own {
	struct mb_net_network *n;
	const char *ifname;
	int index;
};

static int each_own(const struct mb_nl_addr *addr, void *arg)
{
	const struct own *own = arg;
	struct mb_net_addr a = {.family = addr->family};
	struct mb_net_pool *pool;
	char buf[MB_NET_ADDR_TEXT];

	memcpy(a.b, addr->addr, mb_net_addr_len(&a));
	pool = addr->index == own->index ? pool_of(own->n, &a) : NULL;
	if (pool) {
		MB_AUTO_FREE char *key = mb_asprintf("%s.%zu", own->ifname, pool->aux.n);

		mb_kv_set(&pool->aux, key, mb_net_addr_format(&a, buf));
	}
	return 0;
}

/* The addresses that the host has at the interface and in the network are nobody else's. */
static int hosts_own(struct mb_net *net, struct mb_net_network *n, const char *ifname,
                     struct mb_err *err)
{
	struct own own = {.n = n, .ifname = ifname};
	struct mb_nl_link link;
	int r;

	r = mb_nl_link_find(&net->route, ifname, &link, err);
	if (r)
		return r < 0 ? r : mb_fail(err, ENODEV, "interface '%s' not found", ifname);
	own.index = link.index;
	return mb_nl_addr_dump(&net->route, AF_UNSPEC, each_own, &own, err);
}

static int keep_hosts_own(struct mb_net *net, struct mb_net_network *n, const struct used *u,
                          struct mb_err *err)
{
	const char *host = mb_kv_find(&n->options, MB_NET_OPTION_HOST_ADDRESS);
	struct mb_net_addr a;

	if (!n->parent)
		return u->except ? hosts_own(net, n, n->bridge, err) : 0;
	if (host && (mb_net_addr_parse(host, &a) < 0 || pool_of(n, &a) != &n->v4))
		return mb_fail(err, EINVAL, "host address %s is not in subnet %s", host,
		               n->v4.subnet);
	if (host)
		mb_kv_set(&n->v4.aux, "host", host);
	return hosts_own(net, n, n->parent, err);
}

/* The first address of the range, or of the subnet, that is not taken by an aux address. */
static void default_gateway(struct mb_net_pool *pool)
{
	struct mb_net_prefix p;
	struct mb_net_addr a;
	char buf[MB_NET_ADDR_TEXT];

	if (!pool->subnet || pool->gateway || mb_net_prefix_parse(pool->subnet, &p) < 0)
		return;
	for (uint32_t i = 1;; i++) {
		bool taken = false;

		mb_net_prefix_at(&p, i, &a);
		mb_net_addr_format(&a, buf);
		MB_KV_FOREACH (pair, &pool->aux)
			taken = taken || mb_streq(pair->value, buf);
		if (!taken)
			break;
	}
	pool->gateway = mb_strdup(buf);
}

/* Containers have their other routes by neighbours. */
static int check_routes(struct mb_net_network *n, struct mb_err *err)
{
	if (n->routes.n > MB_NET_ROUTES_MAX)
		return mb_fail(err, E2BIG, "a network has %d routes at most", MB_NET_ROUTES_MAX);
	MB_STRV_FOREACH (text, &n->routes) {
		struct mb_net_route_spec s;
		int r = mb_net_route_spec_parse(text, &s, err);

		if (r)
			return r;
		if (!pool_of(n, &s.gateway))
			return mb_fail(err, EINVAL,
			               "invalid route '%s': its gateway is not in the network",
			               text);
	}
	return 0;
}

/* Networks without an IPv4 subnet have a number of the multicast addresses, which no subnet has. */
#define GROUP_FIRST UINT32_C(0xe0000000)
enum { GROUP_DIGITS = 7 };

static bool is_group_taken(struct mb_net *net, uint32_t group, const struct mb_strv *ids)
{
	MB_STRV_FOREACH (id, ids) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;

		if (mb_net_doc_read(net, id, &n, NULL) == 0 && mb_net_group(n) == group)
			return true;
	}
	return false;
}

static int choose_group(struct mb_net *net, struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	MB_AUTO_FREE char *digits = mb_strndup(n->id, GROUP_DIGITS);
	int r = mb_net_doc_ids(net, &ids, err);

	if (r)
		return r;
	n->group = GROUP_FIRST | (uint32_t)strtoul(digits, NULL, 16);
	while (is_group_taken(net, n->group, &ids))
		n->group = GROUP_FIRST | (n->group + 1);
	return 0;
}

/* What the families that are off cannot have. */
static int check_families(const struct mb_net_network *n, const struct mb_net_create *q,
                          struct mb_err *err)
{
	if (n->no_ipv4 && !n->ipv6)
		return mb_fail(err, EINVAL, "IPv4 or IPv6 must be enabled: give --ipv6");
	if (n->no_ipv4 && n->v4.subnet)
		return mb_fail(err, EINVAL, "subnet '%s' is of IPv4, which is off", n->v4.subnet);
	if (n->no_addresses && q->subnets.n)
		return mb_fail(err, EINVAL, "subnet '%s': the network gives no addresses",
		               q->subnets.v[0]);
	return 0;
}

static int choose_subnets(struct mb_net *net, struct mb_net_network *n, const struct used *u,
                          struct mb_err *err)
{
	int r = 0;

	if (n->no_addresses)
		return choose_group(net, n, err);
	if (n->no_ipv4)
		r = choose_group(net, n, err);
	else if (!n->v4.subnet)
		r = choose_v4(u, &n->v4.subnet, err);
	if (!r && n->ipv6 && !n->v6.subnet)
		r = choose_v6(net, u, &n->v6.subnet, err);
	return r;
}

int mb_net_pool_choose(struct mb_net *net, struct mb_net_network *n, const struct mb_net_create *q,
                       struct mb_err *err)
{
	__attribute__((cleanup(used_done))) struct used u = {0};
	int r;

	r = collect_used(net, n, &u, err);
	if (!r)
		r = given_subnets(n, q, &u, err);
	if (!r)
		r = check_families(n, q, err);
	if (!r)
		r = choose_subnets(net, n, &u, err);
	if (!r)
		r = given_gateways(n, q, err);
	if (!r)
		r = given_ranges(n, q, err);
	if (!r)
		r = given_aux(n, q, err);
	if (!r)
		r = check_routes(n, err);
	if (!r)
		r = keep_hosts_own(net, n, &u, err);
	if (r)
		return r;
	/* Who leads out of a bridge of the host's own, if anybody does, only the user knows. */
	if (n->unmanaged)
		return 0;
	default_gateway(&n->v4);
	default_gateway(&n->v6);
	return 0;
}

/* ---- address tables ------------------------------------------------------------------- */

static void reserve(struct mb_net_ipam_plan *plan, uint32_t *reserved, size_t max,
                    const char *address)
{
	struct mb_net_addr a;

	if (!address || plan->n_reserved == max || mb_net_addr_parse(address, &a) < 0 ||
	    !mb_net_prefix_has(&plan->subnet, &a))
		return;
	reserved[plan->n_reserved++] = mb_net_prefix_index(&plan->subnet, &a);
}

int mb_net_pool_plan(const struct mb_net_pool *pool, struct mb_net_ipam_plan *plan,
                     uint32_t *reserved, size_t max_reserved, struct mb_err *err)
{
	struct mb_net_prefix range;
	unsigned int bits;

	*plan = (struct mb_net_ipam_plan){.reserved = reserved};
	if (!pool->subnet || mb_net_prefix_parse(pool->subnet, &plan->subnet) < 0)
		return mb_fail(err, EBADMSG, "the network has no subnet");
	bits = mb_net_prefix_host_bits(&plan->subnet);
	plan->first = 1;
	/* The last address of an IPv4 subnet is its broadcast. */
	plan->last = (bits >= 32 ? UINT32_MAX : (1u << bits) - 1) -
	             (plan->subnet.addr.family == AF_INET);
	if (pool->ip_range && mb_net_prefix_parse(pool->ip_range, &range) == 0) {
		uint32_t from = mb_net_prefix_index(&plan->subnet, &range.addr);
		unsigned int span = mb_net_prefix_host_bits(&range);
		uint32_t to = span >= 32 ? UINT32_MAX : from + ((1u << span) - 1);

		plan->first = from > plan->first ? from : plan->first;
		plan->last = to < plan->last ? to : plan->last;
	}
	if (plan->subnet.addr.family == AF_INET && bits < 32 && max_reserved)
		reserved[plan->n_reserved++] = (1u << bits) - 1;
	reserve(plan, reserved, max_reserved, pool->gateway);
	MB_KV_FOREACH (pair, &pool->aux)
		reserve(plan, reserved, max_reserved, pair->value);
	return 0;
}

int mb_net_pool_open(struct mb_net *net, const struct mb_net_network *n, bool v6,
                     struct mb_net_ipam *ret, struct mb_err *err)
{
	const struct mb_net_pool *pool = v6 ? &n->v6 : &n->v4;
	MB_AUTO_FREE uint32_t *reserved = NULL;
	struct mb_net_ipam_plan plan;
	MB_AUTO_CLOSE int dir = -1;
	int r;

	reserved = mb_calloc(pool->aux.n + 2, sizeof(*reserved));
	r = mb_net_pool_plan(pool, &plan, reserved, pool->aux.n + 2, err);
	/* Hosts that share the network begin at different places: they ask for the same less often.
	 */
	if (!r && n->overlay.store.members.n && plan.last > plan.first)
		plan.hint = plan.first + mb_crc32c(0, n->overlay.vtep, strlen(n->overlay.vtep)) %
		                                 (plan.last - plan.first + 1);
	if (!r)
		r = mb_net_run_dir(net, n->id, &dir, err);
	if (!r)
		r = mb_net_ipam_open(dir, v6 ? "ipam6" : "ipam", &plan, ret, err);
	return r;
}

bool mb_net_is_live(struct mb_net *net, const char *id)
{
	static const char *const where[] = {"c", "guests"};

	for (size_t i = 0; i < MB_N(where); i++) {
		MB_AUTO_FREE char *path = mb_asprintf("%s/%s", where[i], id);

		if (faccessat(net->store->run_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

static bool has_owner(int dir_fd, uint64_t owner)
{
	struct dirent *entry;
	bool found = false;
	DIR *dir = mb_dir_take(dir_fd);

	/* When in doubt it lives. */
	if (!dir)
		return true;
	while (!found && (entry = readdir(dir)))
		found = mb_net_ipam_owner(entry->d_name) == owner;
	closedir(dir);
	return found;
}

bool mb_net_owner_is_alive(uint64_t owner, void *arg)
{
	struct mb_net *net = arg;
	int fd = -1;

	if (mb_store_dir(net->store, "c", true, &fd, NULL) < 0 || has_owner(fd, owner))
		return true;
	return mb_store_dir_find(net->store, "guests", true, &fd, NULL) == 0 &&
	       has_owner(fd, owner);
}
