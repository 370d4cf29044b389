/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/handle.h"

/* Names inside a network for what is outside it.  The network's document says what they are;
 * while the network is up the resolver's database has them beside the containers' names. */
enum { LABEL_MAX = 63 };

/* ---- what they may be ----------------------------------------------------------------- */

/* Labels that a question can hold, lower case. */
static bool is_name(const char *name)
{
	size_t label = 0;

	if (!*name || strlen(name) > MB_NET_NAME_MAX)
		return false;
	for (const char *p = name; *p; p++) {
		if (*p == '.' ? label == 0 : !strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", *p))
			return false;
		label = *p == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	return label > 0 && strcmp(name, "localhost") != 0;
}

/* What a container can open a connection to. */
static bool is_goal(const struct mb_net_addr *a)
{
	const struct in6_addr *six = (const void *)a->b;

	if (a->family == AF_INET)
		return a->b[0] != 0 && a->b[0] != 127 && a->b[0] < 224;
	return !IN6_IS_ADDR_UNSPECIFIED(six) && !IN6_IS_ADDR_LOOPBACK(six) &&
	       !IN6_IS_ADDR_MULTICAST(six) && !IN6_IS_ADDR_LINKLOCAL(six);
}

static bool is_same(const char *text, const struct mb_net_addr *a)
{
	struct mb_net_addr other;

	return text && mb_net_addr_parse(text, &other) == 0 && mb_net_addr_equal(&other, a);
}

/* Whether a container of the network may come to have it. */
static bool is_of_containers(const struct mb_net_pool *pool, const struct mb_net_addr *a)
{
	struct mb_net_prefix subnet, range;

	if (!pool->subnet || mb_net_prefix_parse(pool->subnet, &subnet) < 0 ||
	    !mb_net_prefix_has(&subnet, a) || is_same(pool->gateway, a))
		return false;
	MB_KV_FOREACH (pair, &pool->aux)
		if (is_same(pair->value, a))
			return false;
	return !pool->ip_range || mb_net_prefix_parse(pool->ip_range, &range) < 0 ||
	       mb_net_prefix_has(&range, a);
}

static int add_address(const struct mb_net_network *n, const char *text, struct mb_strv *to,
                       struct mb_err *err)
{
	char canonical[MB_NET_ADDR_TEXT];
	struct mb_net_addr a;

	if (mb_net_addr_parse(text, &a) < 0)
		return mb_fail(err, EINVAL, "invalid address '%s'", text);
	if (!is_goal(&a))
		return mb_fail(err, EINVAL, "no service is at address '%s'", text);
	if (!(a.family == AF_INET6 ? n->v6.subnet : n->v4.subnet))
		return mb_fail(err, EINVAL,
		               "network %s has no IPv%c: its containers do not reach '%s'", n->name,
		               a.family == AF_INET6 ? '6' : '4', text);
	if (is_of_containers(&n->v4, &a) || is_of_containers(&n->v6, &a))
		return mb_fail(err, EINVAL, "address '%s' is one of network %s's containers", text,
		               n->name);
	mb_net_addr_format(&a, canonical);
	if (mb_strv_has(to, canonical))
		return mb_fail(err, EINVAL, "address '%s' is given twice", text);
	mb_strv_add(to, canonical);
	return 0;
}

bool mb_net_external_is_valid(const struct mb_net_external *x)
{
	bool valid = x->name && is_name(x->name) && x->addresses.n &&
	             x->addresses.n <= MB_NET_EXTERNAL_ADDRESSES_MAX;

	MB_STRV_FOREACH (text, &x->addresses) {
		struct mb_net_addr a;

		valid = valid && mb_net_addr_parse(text, &a) == 0 && is_goal(&a);
	}
	return valid;
}

const struct mb_net_external *mb_net_external_find(const struct mb_net_network *n, const char *name)
{
	for (size_t i = 0; i < n->n_externals; i++)
		if (strcasecmp(n->externals[i].name, name) == 0)
			return &n->externals[i];
	return NULL;
}

static void external_done(struct mb_net_external *x)
{
	free(x->name);
	mb_strv_done(&x->addresses);
	*x = (struct mb_net_external){0};
}

/* From what was typed, in canonical form. */
static int read_external(const struct mb_net_network *n, const char *name,
                         const struct mb_strv *addresses, struct mb_net_external *ret,
                         struct mb_err *err)
{
	int r = 0;

	ret->name = mb_strdup(name);
	for (char *p = ret->name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!is_name(ret->name))
		return mb_fail(err, EINVAL, "invalid endpoint name '%s'", name);
	if (addresses->n > MB_NET_EXTERNAL_ADDRESSES_MAX)
		return mb_fail(err, E2BIG, "an endpoint has %d addresses at most",
		               MB_NET_EXTERNAL_ADDRESSES_MAX);
	MB_STRV_FOREACH (text, addresses)
		r = r ? r : add_address(n, text, &ret->addresses, err);
	return r;
}

/* ---- changing ------------------------------------------------------------------------- */

static int check_network(const struct mb_net_network *n, struct mb_err *err)
{
	if ((n->v4.subnet || n->v6.subnet) && !n->no_dns)
		return 0;
	return mb_fail(err, EOPNOTSUPP, "network %s takes no endpoints: it has no names", n->name);
}

/* The name is published before anybody is asked for it, as containers do: of two who take the
 * same one at the same time at least one sees the other. */
static int publish_and_keep(struct mb_net *net, const struct mb_net_network *n,
                            const struct mb_net_external *x, struct mb_err *err)
{
	bool is_up = mb_net_bridge_index(net, n->id) != 0;
	int r = is_up ? mb_net_names_add_external(net, n, x, err) : 0;

	if (!r && is_up)
		r = mb_net_names_check_external(net, n, x->name, err);
	if (!r)
		r = mb_net_doc_write(net, n, true, err);
	if (r && is_up)
		mb_net_names_remove_external(net, n, x);
	return r;
}

static int add_locked(struct mb_net *net, const char *id, const char *name,
                      const struct mb_strv *addresses, struct mb_err *err)
{
	__attribute__((cleanup(external_done))) struct mb_net_external x = {0};
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	int r;

	r = mb_net_doc_read(net, id, &n, err);
	if (!r)
		r = read_external(n, name, addresses, &x, err);
	if (r)
		return r;
	if (mb_net_external_find(n, x.name)) {
		mb_fail(err, EEXIST, "network %s has an endpoint '%s' already", n->name, x.name);
		return MB_NET_TAKEN;
	}
	if (n->n_externals == MB_NET_EXTERNALS_MAX)
		return mb_fail(err, E2BIG, "a network has %d endpoints outside it at most",
		               MB_NET_EXTERNALS_MAX);
	n->externals = mb_realloc(n->externals, (n->n_externals + 1) * sizeof(*n->externals));
	n->externals[n->n_externals++] = x;
	x = (struct mb_net_external){0};
	return publish_and_keep(net, n, &n->externals[n->n_externals - 1], err);
}

int mb_net_external_add(struct mb_net *net, const struct mb_net_network *n, const char *name,
                        const struct mb_strv *addresses, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = check_network(n, err);

	if (!r)
		r = mb_net_networks_lock(net, true, &lock, err);
	return r ? r : add_locked(net, n->id, name, addresses, err);
}

/* An address may have another name, which answers for it from now on. */
static int remove_locked(struct mb_net *net, const char *id, const char *name, struct mb_err *err)
{
	__attribute__((cleanup(external_done))) struct mb_net_external gone = {0};
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	const struct mb_net_external *x;
	size_t at;
	int r = mb_net_doc_read(net, id, &n, err);

	if (r)
		return r;
	x = mb_net_external_find(n, name);
	if (!x) {
		mb_fail(err, ENOENT, "network %s has no endpoint '%s'", n->name, name);
		return MB_NET_ABSENT;
	}
	at = (size_t)(x - n->externals);
	gone = *x;
	n->n_externals--;
	memmove(&n->externals[at], &n->externals[at + 1],
	        (n->n_externals - at) * sizeof(*n->externals));
	r = mb_net_doc_write(net, n, true, err);
	if (r || !mb_net_bridge_index(net, id))
		return r;
	mb_net_names_remove_external(net, n, &gone);
	return mb_net_externals_publish(net, n, err);
}

int mb_net_external_remove(struct mb_net *net, const struct mb_net_network *n, const char *name,
                           struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = check_network(n, err);

	if (!r)
		r = mb_net_networks_lock(net, true, &lock, err);
	return r ? r : remove_locked(net, n->id, name, err);
}

int mb_net_externals_publish(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < n->n_externals; i++)
		r = mb_net_names_add_external(net, n, &n->externals[i], err);
	return r;
}
