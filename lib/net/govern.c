/* SPDX-License-Identifier: GPL-2.0-or-later */
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
#include "core/str.h"
#include "net/firewall.h"
#include "net/guest.h"
#include "net/handle.h"
#include "net/overlay.h"
#include "net/overlay_policy.h"
#include "net/overlay_remote.h"
#include "net/overlay_store.h"
#include "net/policy.h"
#include "net/policy_rule.h"
#include "nl/route.h"
#include "store/store.h"
#include "sys/tree.h"

/* RUN/net/<id>/policy: a directory, there while the network is governed, with a symlink for each
 * class that a container was of since the policy last changed. */
#define MARKER "policy"

static char *marker_path(const char *network_id)
{
	return mb_asprintf("net/%s/" MARKER, network_id);
}

bool mb_net_policy_is_on(struct mb_net *net, const char *network_id)
{
	MB_AUTO_FREE char *path = marker_path(network_id);

	return faccessat(net->store->run_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- members -------------------------------------------------------------------------- */

/* By the container's name, its aliases on this network and the id that lists show. */
void mb_net_policy_names(const struct mb_net_sandbox *s, const struct mb_net_endpoint *e,
                         struct mb_strv *names)
{
	if (s->container_name && *s->container_name)
		mb_strv_add(names, s->container_name);
	mb_strv_add_all(names, &e->aliases);
	mb_strv_addf(names, "%.*s", MB_ID_SHORT, s->container_id);
}

static void put_address(struct mb_net_plan *plan, struct mb_net_subject *who, const char *address,
                        struct mb_net_class *ret, struct mb_net_changes *c)
{
	struct mb_net_addr a;

	if (!address || mb_net_addr_parse(address, &a) < 0)
		return;
	who->addr = &a;
	mb_net_plan_classify(plan, who, ret);
	mb_net_plan_put_member(plan, &a, ret, false, c);
}

/* The elements of its addresses, and their classes: of IPv4, and of IPv6 or a copy of it. */
static void put_endpoint(struct mb_net_plan *plan, const struct mb_net_sandbox *s,
                         const struct mb_net_endpoint *e, struct mb_net_class ret[2],
                         struct mb_net_changes *c)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_net_subject who = {.is_member = true, .names = &names, .labels = &s->labels};

	mb_net_policy_names(s, e, &names);
	mb_net_plan_classify(plan, &who, &ret[0]);
	put_address(plan, &who, e->ip4, &ret[0], c);
	ret[1] = ret[0];
	put_address(plan, &who, e->ip6, &ret[1], c);
}

/* ---- all of several networks ---------------------------------------------------------- */

struct mb_net_plan_of {
	struct mb_net_network *network; /* owned */
	struct mb_net_plan plan;
	struct mb_net_remotes remotes;
	const char **places; /* of those, sorted; borrowed from them */
	size_t n_places;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void load_remotes(struct mb_net *net, struct mb_net_plan_of *one)
{
	(void)mb_net_remotes_load(net, one->plan.network, &one->remotes, NULL);
	one->places = mb_realloc(NULL, (2 * one->remotes.n + 1) * sizeof(*one->places));
	for (size_t i = 0; i < one->remotes.n; i++) {
		const struct mb_net_remote *r = &one->remotes.v[i];

		one->places[one->n_places++] = r->ip;
		if (r->ip6)
			one->places[one->n_places++] = r->ip6;
	}
	qsort(one->places, one->n_places, sizeof(*one->places), by_text);
}

static void forget_remotes(struct mb_net_plan_of *one)
{
	free(one->places);
	mb_net_remotes_done(&one->remotes);
}

/* Who has lost his address to another host has it no more, though he has his record: nothing else
 * of ours is known as another host's. */
static bool is_elsewhere(const struct mb_net_plan_of *one, const char *address)
{
	return address &&
	       bsearch(&address, one->places, one->n_places, sizeof(*one->places), by_text);
}

int mb_net_plans_add(struct mb_net *net, struct mb_net_plans *plans, struct mb_net_network *n,
                     struct mb_err *err)
{
	struct mb_net_plan_of one = {.network = n};
	int r = mb_net_policy_is_empty(n) ? 1 : mb_net_plan_make(n, &one.plan, err);

	if (r) {
		mb_net_network_free(n);
		return r > 0 ? 0 : r;
	}
	load_remotes(net, &one);
	plans->v = mb_realloc(plans->v, (plans->n + 1) * sizeof(*plans->v));
	plans->v[plans->n++] = one;
	return 0;
}

void mb_net_plans_member(struct mb_net_plans *plans, const struct mb_net_sandbox *s,
                         struct mb_net_changes *c)
{
	for (size_t i = 0; i < plans->n; i++) {
		struct mb_net_plan *plan = &plans->v[i].plan;
		const struct mb_net_endpoint *e = mb_net_endpoint_find(s, plan->network->id);
		struct mb_net_class classes[2];
		struct mb_net_endpoint left;

		if (!e)
			continue;
		left = *e; /* borrowed */
		if (is_elsewhere(&plans->v[i], e->ip4))
			left.ip4 = NULL;
		if (is_elsewhere(&plans->v[i], e->ip6))
			left.ip6 = NULL;
		put_endpoint(plan, s, &left, classes, c);
		mb_net_plan_add_class(plan, &classes[0]);
		mb_net_plan_add_class(plan, &classes[1]);
	}
}

/* Containers of other hosts. */
static void put_remotes(struct mb_net_plan *plan, const struct mb_net_remotes *all,
                        struct mb_net_changes *c)
{
	for (size_t i = 0; i < all->n; i++) {
		struct mb_net_class classes[2];
		struct mb_net_sandbox s;
		struct mb_net_endpoint e;

		mb_net_remote_view(&all->v[i], &s, &e);
		put_endpoint(plan, &s, &e, classes, c);
		mb_net_plan_add_class(plan, &classes[0]);
		mb_net_plan_add_class(plan, &classes[1]);
	}
}

/* Classes that others have been of: nobody waits for their elements to go. */
static void add_recorded(struct mb_net *net, struct mb_net_plan *plan)
{
	MB_AUTO_FREE char *path = marker_path(plan->network->id);
	DIR *dir = mb_dir_open(net->store->run_fd, path);
	char text[MB_NET_CLASS_TEXT + 1], name[MB_NET_CLASS_ID_TEXT];
	struct mb_net_class class;
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = '\0';
		/* One of before a change that was cut short is not of this plan. */
		if (n > 0 && mb_net_class_parse(plan, text, &class) == 0 &&
		    mb_streq(mb_net_class_id_format(&class, name), entry->d_name))
			mb_net_plan_add_class(plan, &class);
	}
	closedir(dir);
}

void mb_net_plans_put(struct mb_net *net, struct mb_net_plans *plans, struct mb_net_changes *c)
{
	for (size_t i = 0; i < plans->n; i++) {
		put_remotes(&plans->v[i].plan, &plans->v[i].remotes, c);
		add_recorded(net, &plans->v[i].plan);
		mb_net_plan_put_fixed(&plans->v[i].plan, c);
		mb_net_plan_put_pairs(&plans->v[i].plan, NULL, c);
		mb_net_counts_load(net, plans->v[i].network, c);
	}
}

void mb_net_plans_done(struct mb_net_plans *plans)
{
	for (size_t i = 0; i < plans->n; i++) {
		mb_net_plan_done(&plans->v[i].plan);
		forget_remotes(&plans->v[i]);
		mb_net_network_free(plans->v[i].network);
	}
	free(plans->v);
	*plans = (struct mb_net_plans){0};
}

/* ---- the difference to what is there -------------------------------------------------- */

struct present {
	struct mb_net_changes c;
	enum mb_net_set set;
	uint32_t group;
};

static bool is_of_group(const struct mb_nl_nft_elem *e, enum mb_net_set set, uint32_t group)
{
	const uint8_t *at = set == MB_NET_SET_DECIDE  ? e->data
	                    : set == MB_NET_SET_RULES ? e->key + sizeof(group)
	                                              : e->key;

	return memcmp(at, &group, sizeof(group)) == 0;
}

static int each_present(const struct mb_nl_nft_elem *e, void *arg)
{
	struct present *p = arg;

	if (is_of_group(e, p->set, p->group))
		*mb_net_changes_add(&p->c, p->set, true) = *e;
	return 0;
}

static int read_present(struct mb_net *net, struct present *p, struct mb_err *err)
{
	int r = mb_net_netfilter_sock(net, err);

	for (p->set = MB_NET_SET_GOVERNED; r >= 0 && p->set <= MB_NET_SET_RULES; p->set++)
		r = mb_nl_nft_elem_dump(&net->netfilter, net->table, mb_net_set_name(p->set),
		                        each_present, p, err);
	return r < 0 ? r : 0;
}

/* What nft can compare: all but what an element counted. */
static int compare(const struct mb_net_change *x, const struct mb_net_change *y)
{
	int r = x->set < y->set ? -1 : x->set > y->set;

	r = r ? r : memcmp(x->elem.key, y->elem.key, sizeof(x->elem.key));
	r = r ? r : memcmp(x->elem.key_end, y->elem.key_end, sizeof(x->elem.key_end));
	r = r ? r : memcmp(x->elem.data, y->elem.data, sizeof(x->elem.data));
	return r ? r : x->elem.verdict < y->elem.verdict ? -1 : x->elem.verdict > y->elem.verdict;
}

static int by_element(const void *a, const void *b)
{
	return compare(a, b);
}

static void sort(struct mb_net_changes *c)
{
	if (c->n)
		qsort(c->v, c->n, sizeof(*c->v), by_element);
}

static void append(struct mb_net_changes *c, const struct mb_net_change *v)
{
	*mb_net_changes_add(c, v->set, v->remove) = v->elem;
}

/* Removals come first: a key may get other data. */
static void subtract(const struct mb_net_changes *from, const struct mb_net_changes *what,
                     struct mb_net_changes *c)
{
	size_t k = 0;

	for (size_t i = 0; i < from->n; i++) {
		while (k < what->n && compare(&what->v[k], &from->v[i]) < 0)
			k++;
		if (k == what->n || compare(&what->v[k], &from->v[i]) != 0)
			append(c, &from->v[i]);
	}
}

/* With @plan NULL nothing of the network is to remain. */
static int apply_difference(struct mb_net *net, const struct mb_net_network *n,
                            const struct mb_net_plan *plan, struct mb_net_changes *wanted,
                            struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};
	struct present now = {.group = mb_net_group(n)};
	int r;

	r = read_present(net, &now, err);
	sort(wanted);
	sort(&now.c);
	subtract(&now.c, wanted, &c);
	subtract(wanted, &now.c, &c);
	mb_net_changes_done(&now.c);
	if (!r)
		r = mb_net_learn_settle(net, n, plan, &c, err);
	return r ? r : mb_net_firewall_apply(net, &c, err);
}

/* ---- one network ---------------------------------------------------------------------- */

static int record_class(int dir, const struct mb_net_plan *plan, const struct mb_net_class *class,
                        struct mb_err *err)
{
	char text[MB_NET_CLASS_TEXT], name[MB_NET_CLASS_ID_TEXT];

	if (class->kind != 'm')
		return 0;
	mb_net_class_format(plan, class, text);
	if (symlinkat(text, dir, mb_net_class_id_format(class, name)) < 0 && errno != EEXIST)
		return mb_fail_sys(err, errno, "cannot note a class of network '%s'",
		                   plan->network->name);
	return 0;
}

static int open_marker(struct mb_net *net, const char *network_id, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_FREE char *path = marker_path(network_id);

	return mb_store_dir(net->store, path, true, ret_fd, err);
}

static int remove_marker(struct mb_net *net, const char *network_id, struct mb_err *err)
{
	MB_AUTO_CLOSE int run = -1;
	int r = mb_net_run_dir(net, network_id, &run, err);

	return r ? r : mb_sys_tree_remove(run, MARKER, err);
}

/* Only what the plan speaks of: entries of before are removed one by one, the directory stays. */
static int write_classes(struct mb_net *net, const struct mb_net_plan *plan, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv old = MB_STRV_INIT;
	MB_AUTO_CLOSE int dir = -1;
	struct dirent *entry;
	DIR *list;
	int r;

	r = open_marker(net, plan->network->id, &dir, err);
	if (r)
		return r;
	list = mb_dir_open(dir, ".");
	if (!list)
		return mb_fail_sys(err, errno, "cannot list the classes of network '%s'",
		                   plan->network->name);
	while ((entry = readdir(list)))
		if (entry->d_name[0] != '.')
			mb_strv_add(&old, entry->d_name);
	closedir(list);
	MB_STRV_FOREACH (name, &old)
		(void)unlinkat(dir, name, 0);
	for (size_t i = 0; !r && i < plan->n_classes; i++)
		r = record_class(dir, plan, &plan->classes[i], err);
	return r;
}

struct gather {
	struct mb_net_plans *plans;
	struct mb_net_changes *changes;
};

static int each_member(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	struct gather *g = arg;

	(void)net;
	(void)err;
	if (!s->leaving)
		mb_net_plans_member(g->plans, s, g->changes);
	return 0;
}

static int sync_plan(struct mb_net *net, struct mb_net_plan *plan, struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes wanted = {0};
	struct mb_net_plan_of one = {.plan = *plan};
	struct mb_net_plans plans = {.v = &one, .n = 1};
	struct gather g = {&plans, &wanted};
	int r;

	load_remotes(net, &one);
	r = mb_net_records_walk(net, each_member, &g, err);
	if (!r) {
		put_remotes(&one.plan, &one.remotes, &wanted);
		mb_net_plan_put_fixed(&one.plan, &wanted);
		mb_net_plan_put_pairs(&one.plan, NULL, &wanted);
		mb_net_counts_load(net, plan->network, &wanted);
	}
	*plan = one.plan;
	forget_remotes(&one);
	if (!r)
		r = mb_net_firewall_ensure(net, err);
	if (!r)
		r = apply_difference(net, plan->network, plan, &wanted, err);
	if (!r)
		r = write_classes(net, plan, err);
	/* When what they lead to is decided about. */
	return r ? r : mb_net_learn_write(net, plan, err);
}

int mb_net_policy_sync(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;
	bool was_on = mb_net_policy_is_on(net, n->id);
	MB_AUTO_CLOSE int marker = -1;
	int r;

	if (mb_net_policy_is_empty(n))
		return was_on ? mb_net_policy_clear(net, n, err) : 0;
	/* Before the records are read: whoever is not among them finds it. */
	r = open_marker(net, n->id, &marker, err);
	/* Neighbours meet in it, of an internal network too; for IPv6 the host has one switch. */
	mb_net_forwarding6_enable(n);
	if (!r)
		r = mb_net_plan_make(n, &plan, err);
	if (!r)
		r = sync_plan(net, &plan, err);
	return r || was_on ? r : mb_net_overlay_turn(net, n, err);
}

int mb_net_policy_clear(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes none = {0};
	int r;

	if (!mb_net_policy_is_on(net, n->id))
		return 0;
	r = mb_net_learn_remove(net, n->id, err);
	if (!r)
		r = apply_difference(net, n, NULL, &none, err);
	if (!r)
		mb_net_counts_remove(net, n->id);
	if (!r)
		r = remove_marker(net, n->id, err);
	return r ? r : mb_net_overlay_turn(net, n, err);
}

/* ---- joining and leaving -------------------------------------------------------------- */

/* Return: whether both classes are noted already, and so have their elements. */
static bool are_known(struct mb_net *net, const char *network_id,
                      const struct mb_net_class classes[2])
{
	MB_AUTO_FREE char *path = marker_path(network_id);
	bool known = true;

	for (size_t i = 0; i < 2; i++) {
		char name[MB_NET_CLASS_ID_TEXT];
		MB_AUTO_FREE char *link =
			mb_asprintf("%s/%s", path, mb_net_class_id_format(&classes[i], name));

		known = known &&
		        faccessat(net->store->run_fd, link, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	}
	return known;
}

/* The classes' elements with all others', then they are noted. */
static int introduce(struct mb_net *net, struct mb_net_plan *plan,
                     const struct mb_net_class classes[2], struct mb_net_changes *c,
                     struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes fixed = {0};
	MB_AUTO_CLOSE int dir = -1;
	int r;

	add_recorded(net, plan);
	mb_net_plan_put_fixed(plan, &fixed);
	for (size_t i = 0; i < 2; i++) {
		mb_net_plan_add_class(plan, &classes[i]);
		mb_net_plan_put_pairs(plan, &classes[i], c);
	}
	r = mb_net_firewall_apply(net, c, err);
	if (!r)
		r = open_marker(net, plan->network->id, &dir, err);
	for (size_t i = 0; !r && i < 2; i++)
		r = record_class(dir, plan, &classes[i], err);
	return r;
}

enum { NEEDS_EXCLUSIVE = 1 };

static int join(struct mb_net *net, const struct mb_net_sandbox *s, const struct mb_net_endpoint *e,
                bool exclusive, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};
	MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;
	struct mb_net_class classes[2];
	MB_AUTO_CLOSE int lock = -1;
	int r;

	r = mb_net_networks_lock(net, exclusive, &lock, err);
	if (!r)
		r = mb_net_doc_read(net, e->network_id, &n, err);
	if (r || mb_net_policy_is_empty(n))
		return r;
	r = mb_net_plan_make(n, &plan, err);
	if (r)
		return r;
	put_endpoint(&plan, s, e, classes, &c);
	if (are_known(net, n->id, classes))
		return mb_net_firewall_apply(net, &c, err);
	return exclusive ? introduce(net, &plan, classes, &c, err) : NEEDS_EXCLUSIVE;
}

int mb_net_policy_join(struct mb_net *net, const struct mb_net_sandbox *s,
                       const struct mb_net_endpoint *e, struct mb_err *err)
{
	int r;

	if (!mb_net_policy_is_on(net, e->network_id))
		return 0;
	r = join(net, s, e, false, err);
	if (r == NEEDS_EXCLUSIVE)
		r = join(net, s, e, true, err);
	return r ? mb_wrap(err, r, "cannot apply the policy of network '%s'", e->network) : 0;
}

static bool is_remotes(const struct mb_net_remotes *remotes, const char *address)
{
	for (size_t i = 0; address && i < remotes->n; i++)
		if (mb_streq(remotes->v[i].ip, address) || mb_streq(remotes->v[i].ip6, address))
			return true;
	return false;
}

int mb_net_policy_leave(struct mb_net *net, const struct mb_net_sandbox *s,
                        const struct mb_net_endpoint *e, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};
	MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;
	MB_AUTO_NET_REMOTES struct mb_net_remotes remotes = {0};
	const char *const addresses[] = {e->ip4, e->ip6};

	if (!mb_net_policy_is_on(net, e->network_id) ||
	    mb_net_doc_read(net, e->network_id, &n, NULL) < 0 ||
	    mb_net_plan_make(n, &plan, NULL) < 0)
		return 0;
	(void)mb_net_remotes_load(net, n, &remotes, NULL);
	for (size_t i = 0; i < MB_N(addresses); i++) {
		const struct mb_net_class none = {0};
		struct mb_net_addr a;

		/* Who robbed the address has it in a class of its own by now, here or there. */
		if (addresses[i] && !is_remotes(&remotes, addresses[i]) &&
		    mb_net_addr_parse(addresses[i], &a) == 0 &&
		    mb_net_address_is_held(net, n, e, i == 1, s->container_id))
			mb_net_plan_put_member(&plan, &a, &none, true, &c);
	}
	return mb_net_firewall_apply(net, &c, err);
}

/* ---- containers of other hosts -------------------------------------------------------- */

/* Return: 0 and the policy of @network_id in @ret_n, locked; 1: there is none; or -errno. */
static int open_governed(struct mb_net *net, const char *network_id, int *ret_lock,
                         struct mb_net_network **ret_n, struct mb_err *err)
{
	int r = mb_net_policy_is_on(net, network_id) ? 0 : 1;

	if (!r)
		r = mb_net_networks_lock(net, true, ret_lock, err);
	if (!r)
		r = mb_net_doc_read(net, network_id, ret_n, err);
	return !r && mb_net_policy_is_empty(*ret_n) ? 1 : r;
}

static int join_remotes(struct mb_net *net, const struct mb_net_network *n,
                        const struct mb_net_remotes *remotes, struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0}, fixed = {0};
	MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;
	MB_AUTO_CLOSE int dir = -1;
	size_t first;
	int r = mb_net_plan_make(n, &plan, err);

	if (r)
		return r;
	add_recorded(net, &plan);
	mb_net_plan_put_fixed(&plan, &fixed);
	first = plan.n_classes;
	for (size_t i = 0; i < remotes->n; i++) {
		struct mb_net_class classes[2];
		struct mb_net_sandbox s;
		struct mb_net_endpoint e;

		mb_net_remote_view(&remotes->v[i], &s, &e);
		put_endpoint(&plan, &s, &e, classes, &c);
		for (size_t k = 0; k < 2; k++)
			if (mb_net_plan_add_class(&plan, &classes[k]))
				mb_net_plan_put_pairs(&plan, &classes[k], &c);
	}
	r = mb_net_firewall_apply(net, &c, err);
	if (!r)
		r = open_marker(net, n->id, &dir, err);
	for (size_t i = first; !r && i < plan.n_classes; i++)
		r = record_class(dir, &plan, &plan.classes[i], err);
	return r;
}

/* The records first, and under the lock: who works the policy out anew takes away what he finds no
 * record of, and who makes the tunnel anew gives a way to all that have one. */
int mb_net_policy_remotes_join(struct mb_net *net, const struct mb_net_network *n,
                               struct mb_net_remotes *remotes, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *now = NULL;
	MB_AUTO_CLOSE int lock = -1;
	int governed = remotes->n ? open_governed(net, n->id, &lock, &now, err) : 1;
	int r = mb_net_remotes_note(net, n, remotes, err);

	if (governed == 1 && remotes->n && lock < 0)
		/* It may have got a policy before they had records. */
		governed = open_governed(net, n->id, &lock, &now, err);
	if (governed)
		return governed < 0 ? governed : r;
	governed = join_remotes(net, now, remotes, err);
	return governed ? governed : r;
}

/* Locked out are those that join: their records are written by then. */
static int each_holder(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	struct mb_strv *held = arg;

	(void)net;
	(void)err;
	for (size_t i = 0; i < s->n_endpoints; i++) {
		mb_strv_add(held, s->endpoints[i].ip4 ? s->endpoints[i].ip4 : "");
		mb_strv_add(held, s->endpoints[i].ip6 ? s->endpoints[i].ip6 : "");
	}
	return 0;
}

static void put_leaving(const struct mb_net_plan *plan, const struct mb_net_remote *remote,
                        const struct mb_strv *held, struct mb_net_changes *c)
{
	const char *const addresses[] = {remote->ip, remote->ip6};
	const struct mb_net_class none = {0};

	for (size_t i = 0; i < MB_N(addresses); i++) {
		struct mb_net_addr a;

		if (addresses[i] && !mb_strv_has_sorted(held, addresses[i]) &&
		    mb_net_addr_parse(addresses[i], &a) == 0)
			mb_net_plan_put_member(plan, &a, &none, true, c);
	}
}

int mb_net_policy_remotes_leave(struct mb_net *net, const char *network_id,
                                const struct mb_net_remotes *remotes, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};
	MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;
	MB_AUTO_STRV struct mb_strv held = MB_STRV_INIT;
	MB_AUTO_CLOSE int lock = -1;
	int r = remotes->n ? open_governed(net, network_id, &lock, &n, err) : 1;

	if (!r)
		r = mb_net_plan_make(n, &plan, err);
	if (!r)
		r = mb_net_records_walk(net, each_holder, &held, err);
	if (r)
		return r < 0 ? r : 0;
	mb_strv_sort(&held);
	for (size_t i = 0; i < remotes->n; i++)
		put_leaving(&plan, &remotes->v[i], &held, &c);
	return mb_net_firewall_apply(net, &c, err);
}

/* ---- telling -------------------------------------------------------------------------- */

int mb_net_policy_counts(struct mb_net *net, const struct mb_net_network *n, struct mb_net_count *v,
                         struct mb_err *err)
{
	struct present now = {.set = MB_NET_SET_RULES, .group = mb_net_group(n)};
	int r;

	memset(v, 0, (n->policy.n_rules + 1) * sizeof(*v));
	r = mb_net_netfilter_sock(net, err);
	if (!r)
		r = mb_nl_nft_elem_dump(&net->netfilter, net->table, mb_net_set_name(now.set),
		                        each_present, &now, err);
	for (size_t i = 0; r >= 0 && i < now.c.n; i++) {
		const struct mb_nl_nft_elem *e = &now.c.v[i].elem;
		uint32_t id;
		size_t at;

		memcpy(&id, e->key + 2 * sizeof(id), sizeof(id));
		at = mb_net_policy_find(&n->policy, id);
		if (id && at == n->policy.n_rules)
			continue; /* just removed */
		v[id ? at + 1 : 0] = (struct mb_net_count){e->packets, e->bytes};
	}
	if (r == 0 && mb_net_policy_is_on(net, n->id))
		r = mb_net_counts_save(net, n->id, &now.c, err);
	mb_net_changes_done(&now.c);
	return r < 0 ? r : 0;
}
