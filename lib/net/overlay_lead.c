/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The view of the store is kept by key; what is done for one container follows from the view
 * alone, so that it does not matter in which order things are told, or whether twice. */
#include "net/overlay_lead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/id.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/str.h"
#include "etcd/etcd.h"
#include "net/handle.h"
#include "net/overlay.h"
#include "net/overlay_policy.h"
#include "net/overlay_record.h"
#include "net/overlay_remote.h"
#include "net/overlay_store.h"
#include "net/overlay_view.h"
#include "net/overlay_wire.h"
#include "net/policy.h"
#include "nl/route.h"
#include "store/store.h"

#define LOCK "leader"
enum {
	HOSTS_MAX = 4096, /* that are told of */
	TIMEOUT_SEC = 3,
	IDLE_MS = 500,
	AGAIN_MS = 500,
	AGAIN_MAX_MS = 10000,
	SOON_SEC = 2,
	ONCE_SEC = 10,
	LOCK_MS = 50,
	SWEEP_SEC = 20,
	EAR_SEC = 5,
	PENDING_MAX = 256, /* of whom something was told, and nothing was done yet */
	NSEC_PER_MSEC = 1000000,
};
/* Bytes of the lock: whoever leads has both, whoever does it once has the one. */
enum { LEADS, ONCE };
/* Why a watch ends, beside what the store says. */
enum { UNWANTED = 100, ANEW };

struct lead {
	struct mb_net *net;
	const struct mb_net_network *n;
	struct mb_net_network *read; /* NULL, or what @n is: read again since, owned */
	struct mb_etcd *etcd, *watch;
	mb_net_lead_lost *lost;
	void *arg;
	struct mb_net_view view;
	bool is_new; /* leads, and has not looked at anything yet */
	uint64_t lease;
	int64_t kept, swept; /* CLOCK_MONOTONIC */
	int64_t redo;        /* too: own keys are looked at again then; 0: with the next sweep */
	uint64_t aged;       /* what changed up to there was there at the sweep before */
	struct timespec marked;
	unsigned int again; /* milliseconds that were rested last */
	struct {
		uint64_t revision; /* all up to there was told */
		int64_t heard;     /* the watch spoke last */
		int64_t tried;     /* something was put for it to tell; 0: it need not */
	} ear;
	struct mb_net_lead_status status;
	struct {
		/* In order.  places: addresses of both kinds, and MACs. */
		struct mb_strv ids, places;
		struct mb_strv recorded; /* ids of all that have a record, on any network */
		struct timespec stamp;   /* when records changed last */
	} own;
	struct mb_strv pending; /* ids of others' containers that are to be considered */
};

/* Who has an address has put his id there. */
static bool is_claim(const char *what)
{
	return mb_starts_with(what, "ip/") || mb_starts_with(what, "mac/");
}

/* ---- telling --------------------------------------------------------------------------------- */

static void tell(struct lead *l, const char *fault)
{
	struct mb_net_lead_status *s = &l->status;
	const char *member = l->n->overlay.store.members.v[l->etcd ? mb_etcd_member(l->etcd) : 0];

	if (!s->since || s->online != !fault)
		s->since = mb_now_nsec();
	s->online = !fault;
	s->lease = l->lease;
	mb_strset(&s->fault, fault);
	mb_strset(&s->member, fault ? NULL : member);
	mb_kv_done(&s->hosts);
	for (size_t i = 0; i < l->view.kvs.n && s->hosts.n < HOSTS_MAX; i++) {
		const char *vtep =
			mb_skip_prefix(mb_net_view_below(&l->view, l->view.kvs.v[i].key), "host/");
		struct mb_net_host h = {0};
		struct mb_net_addr a;

		if (vtep && mb_net_addr_parse(vtep, &a) == 0 &&
		    mb_net_host_parse(l->view.kvs.v[i].value, &h, NULL) == 0)
			mb_kv_set(&s->hosts, vtep, h.name);
		mb_net_host_done(&h);
	}
	mb_net_lead_status_save(l->net, l->n->id, s);
}

/* ---- containers of others -------------------------------------------------------------------- */

/* Containers of this host on the network, read again when any record has changed. */
static void own_done(struct lead *l)
{
	mb_strv_done(&l->own.ids);
	mb_strv_done(&l->own.recorded);
	mb_strv_done(&l->own.places);
}

/* One that has lost its address has no interface any more, and keeps nobody's place. */
static bool is_lost(struct mb_net *net, const struct mb_net_endpoint *e)
{
	struct mb_nl_link link;

	return mb_net_route_sock(net, NULL) == 0 &&
	       mb_nl_link_find(&net->route, e->host_ifname, &link, NULL) == MB_NL_ABSENT;
}

static int each_own(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	struct lead *l = arg;
	const struct mb_net_endpoint *e = mb_net_endpoint_find(s, l->n->id);

	(void)err;
	mb_strv_add(&l->own.recorded, s->container_id);
	if (!e)
		return 0;
	mb_strv_add(&l->own.ids, s->container_id);
	if (is_lost(net, e))
		return 0;
	mb_strv_add(&l->own.places, e->ip4 ? e->ip4 : "");
	mb_strv_add(&l->own.places, e->ip6 ? e->ip6 : "");
	mb_strv_add(&l->own.places, e->mac ? e->mac : "");
	return 0;
}

static void read_own(struct lead *l)
{
	MB_AUTO_CLOSE int dir = -1;
	struct stat st = {0};

	if (mb_net_records_dir(l->net, &dir, NULL) < 0 || fstat(dir, &st) < 0 ||
	    (st.st_mtim.tv_sec == l->own.stamp.tv_sec &&
	     st.st_mtim.tv_nsec == l->own.stamp.tv_nsec))
		return;
	own_done(l);
	if (mb_net_records_walk(l->net, each_own, l, NULL) == 0)
		l->own.stamp = st.st_mtim;
	mb_strv_sort(&l->own.ids);
	mb_strv_sort(&l->own.places);
	mb_strv_sort(&l->own.recorded);
}

/* What the store says of it is what we said, or a lie. */
static bool is_here(const struct lead *l, const char *id)
{
	return mb_strv_has_sorted(&l->own.ids, id);
}

static bool has_claim(const struct lead *l, const char *kind, const char *what, const char *id)
{
	const struct mb_etcd_kv *kv = what ? mb_net_view_find(&l->view, kind, what) : NULL;

	return !what || (kv && mb_streq(kv->value, id));
}

/* One that follows from the address is claimed with that; of others nobody else has the claim. */
static bool may_have_mac(const struct lead *l, const struct mb_net_remote *r)
{
	const struct mb_etcd_kv *kv = mb_net_view_find(&l->view, "mac", r->mac);

	return !kv || mb_streq(kv->value, r->id);
}

/* Nothing that others say takes a container of this host its place. */
static bool clashes(const struct lead *l, const struct mb_net_remote *r)
{
	const struct mb_strv *places = &l->own.places;

	return mb_strv_has_sorted(places, r->ip) || mb_strv_has_sorted(places, r->mac) ||
	       (r->ip6 && mb_strv_has_sorted(places, r->ip6));
}

/* What the view says of one, if that can be taken. */
static bool holds(const struct lead *l, const char *id, struct mb_net_remote *ret)
{
	const struct mb_etcd_kv *kv = mb_net_view_find(&l->view, "ep", id);
	struct mb_net_remote r = {0};
	struct mb_err told = MB_ERR_INIT;

	if (!kv)
		return false;
	if (mb_net_remote_parse(kv->value, id, l->n, &r, &told) == 0 &&
	    !mb_streq(r.vtep, l->n->overlay.vtep) && has_claim(l, "ip", r.ip, id) &&
	    has_claim(l, "ip", r.ip6, id) && may_have_mac(l, &r) && !clashes(l, &r)) {
		*ret = r;
		return true;
	}
	mb_debug("network %s: container %.12s is not taken: %s", l->n->name, id,
	         told.code ? told.msg : "its place is not its own");
	mb_net_remote_done(&r);
	return false;
}

static void add(struct mb_net_remotes *all, const struct mb_net_remote *r)
{
	all->v = mb_realloc(all->v, (all->n + 1) * sizeof(*all->v));
	all->v[all->n++] = *r;
}

/* Ways to them go before their places in the policy do. */
static void drop(struct lead *l, const struct mb_net_remotes *gone)
{
	struct mb_err told = MB_ERR_INIT;

	for (size_t i = 0; i < gone->n; i++)
		mb_net_remote_drop(l->net, l->n, gone->v[i].id);
	if (mb_net_policy_remotes_leave(l->net, l->n->id, gone, &told) < 0)
		mb_debug("network %s: %s", l->n->name, told.msg);
}

/* And comes after it. */
static void put(struct lead *l, struct mb_net_remotes *all)
{
	struct mb_err told = MB_ERR_INIT;

	if (mb_net_policy_remotes_join(l->net, l->n, all, &told) < 0)
		mb_debug("network %s: %s", l->n->name, told.msg);
	if (mb_net_remotes_give(l->net, l->n, all, l->is_new, &told) < 0)
		mb_debug("network %s: %s", l->n->name, told.msg);
}

/* As the view says it, whatever it was before: into @come or @gone, or it goes at once. */
static void consider(struct lead *l, const char *id, struct mb_net_remotes *come,
                     struct mb_net_remotes *gone)
{
	struct mb_net_remote r = {0};

	if (is_here(l, id))
		return;
	if (holds(l, id, &r))
		add(come, &r);
	else if (mb_net_remote_load(l->net, l->n, id, &r) == 0)
		add(gone, &r);
	else
		mb_net_remote_drop(l->net, l->n, id);
}

/* All of whom something was told: a host that is lost takes its containers with it in one piece,
 * and what is ours is looked through once for all of them.  What goes does so before anything
 * comes. */
static void consider_pending(struct lead *l)
{
	MB_AUTO_NET_REMOTES struct mb_net_remotes come = {0}, gone = {0};
	struct mb_strv *ids = &l->pending;

	mb_strv_sort(ids);
	for (size_t i = 0; i < ids->n; i++)
		if (i == 0 || !mb_streq(ids->v[i], ids->v[i - 1]))
			consider(l, ids->v[i], &come, &gone);
	mb_strv_done(ids);
	drop(l, &gone);
	if (come.n)
		put(l, &come);
}

static void consider_soon(struct lead *l, const char *id)
{
	if (!mb_hex_is_valid(id, MB_ID_LEN))
		return;
	mb_strv_add(&l->pending, id);
	if (l->pending.n >= PENDING_MAX)
		consider_pending(l);
}

/* What is known of it is what it was when it was known last. */
static bool is_as_known(const struct lead *l, const struct mb_net_remote *known)
{
	MB_AUTO_STR struct mb_str then = MB_STR_INIT, now = MB_STR_INIT;
	struct mb_net_remote r = {0};
	bool same;

	if (is_here(l, known->id) || !holds(l, known->id, &r))
		return false;
	mb_net_remote_format(known, &then);
	mb_net_remote_format(&r, &now);
	same = mb_streq(mb_str_text(&then), mb_str_text(&now));
	mb_net_remote_done(&r);
	return same;
}

/* All that the view says can be taken. */
static void hold_all(const struct lead *l, struct mb_net_remotes *ret)
{
	for (size_t i = 0; i < l->view.kvs.n; i++) {
		const char *id =
			mb_skip_prefix(mb_net_view_below(&l->view, l->view.kvs.v[i].key), "ep/");
		struct mb_net_remote r = {0};

		if (!id || !mb_hex_is_valid(id, MB_ID_LEN) || is_here(l, id) || !holds(l, id, &r))
			continue;
		add(ret, &r);
	}
}

static void consider_all(struct lead *l)
{
	MB_AUTO_NET_REMOTES struct mb_net_remotes known = {0}, all = {0};
	struct mb_net_remotes gone = {0}; /* of the known */

	/* Interfaces go without a word in the records. */
	l->own.stamp = (struct timespec){0};
	read_own(l);
	/* What goes does so before anything comes: the kernel's entries are by address, and who had
	 * one would take it away from who has it now. */
	if (mb_net_remotes_load(l->net, l->n, &known, NULL) == 0)
		for (size_t i = 0; i < known.n; i++)
			if (!is_as_known(l, &known.v[i]))
				add(&gone, &known.v[i]);
	drop(l, &gone);
	free(gone.v);
	hold_all(l, &all);
	put(l, &all);
	mb_net_remotes_trim(l->net, l->n);
}

/* ---- our own --------------------------------------------------------------------------------- */

static void lose(struct lead *l, const struct mb_net_sandbox *s, const struct mb_net_endpoint *e)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_link link;

	if (mb_net_route_sock(l->net, NULL) ||
	    mb_nl_link_find(&l->net->route, e->host_ifname, &link, NULL) != 0)
		return; /* it was lost before */
	mb_net_names_remove(l->net, s, e);
	mb_nl_link_del(&b, link.index, NULL);
	(void)mb_nl_send(&l->net->route, &b, NULL, NULL);
	if (l->lost)
		l->lost(l->arg, l->n, s->container_id, s->container_name);
}

/* With our lease on it. */
static bool is_claimed(const struct lead *l, const char *kind, const char *what, const char *id)
{
	const struct mb_etcd_kv *kv = what ? mb_net_view_find(&l->view, kind, what) : NULL;

	return !what || (kv && mb_streq(kv->value, id) && kv->lease == l->lease);
}

static bool has_place(const struct lead *l, const struct mb_net_endpoint *e, const char *id)
{
	char text[MB_NET_MAC_TEXT];

	return is_claimed(l, "ip", e->ip4, id) && is_claimed(l, "ip", e->ip6, id) &&
	       is_claimed(l, "mac", mb_net_store_own_mac(e, text), id);
}

static bool is_told(const struct lead *l, const struct mb_net_sandbox *s,
                    const struct mb_net_endpoint *e)
{
	const struct mb_etcd_kv *ep = mb_net_view_find(&l->view, "ep", s->container_id);
	MB_AUTO_STR struct mb_str tale = MB_STR_INIT;

	mb_net_store_tale(l->n, s, e, &tale);
	return ep && ep->lease == l->lease && mb_streq(ep->value, mb_str_text(&tale));
}

/* When it is due: in the middle of a long walk, too.  Return: 0; MB_ETCD_GONE; UNAVAILABLE; or
 * -errno. */
static int keep_lease(struct lead *l, struct mb_err *err)
{
	int64_t now = mb_monotonic_nsec();
	int r;

	if (now - l->kept < l->n->overlay.ttl * MB_NSEC_PER_SEC / 3)
		return 0;
	r = mb_etcd_lease_keep(l->etcd, l->lease, err);
	if (!r)
		l->kept = now;
	return r;
}

static bool is_marked(struct lead *l, const char *id)
{
	MB_AUTO_FREE char *path = mb_asprintf(MB_NET_LEAD_DIR "/%s.%s", l->n->id, id);

	return faccessat(l->net->store->run_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int keep_own(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	struct lead *l = arg;
	const struct mb_net_endpoint *e = mb_net_endpoint_find(s, l->n->id);
	bool placed;
	int r;

	/* One that is not marked is being born, and does it itself. */
	if (!e || !e->ip4 || !is_marked(l, s->container_id))
		return 0;
	placed = has_place(l, e, s->container_id);
	if ((placed && is_told(l, s, e)) || is_lost(net, e))
		return 0;
	r = keep_lease(l, err);
	if (!r && !placed)
		r = mb_net_store_claim(net, l->n, l->etcd, e, s->container_id, err);
	if (!r)
		r = mb_net_store_tell(net, l->n, l->etcd, s, e, err);
	if (r != MB_NET_TAKEN && r != MB_NET_MAC_TAKEN)
		return r;
	lose(l, s, e);
	return 0;
}

/* What ought to be told, and is not: a start was not answered, or somebody has deleted it. */
static int redo(struct lead *l, struct mb_err *err)
{
	int r;

	l->redo = 0;
	r = mb_net_store_keep_host(l->net, l->n, l->etcd,
	                           mb_net_view_find(&l->view, "host", l->n->overlay.vtep), l->lease,
	                           err);
	return r ? r : mb_net_records_walk(l->net, keep_own, l, err);
}

static void redo_at(struct lead *l, int64_t when)
{
	if (!l->redo || when < l->redo)
		l->redo = when;
}

/* A container that has come is given the time to tell it itself. */
static void look_at_marks(struct lead *l)
{
	struct stat st = {0};

	if (fstatat(l->net->store->run_fd, MB_NET_LEAD_DIR, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (st.st_mtim.tv_sec == l->marked.tv_sec && st.st_mtim.tv_nsec == l->marked.tv_nsec))
		return;
	l->marked = st.st_mtim;
	redo_at(l, mb_monotonic_nsec() + SOON_SEC * MB_NSEC_PER_SEC);
}

/* A container that lives may be about to have a record, or this network in it: what was there at
 * the sweep before has had the time. */
static bool is_left(const struct lead *l, const struct mb_etcd_kv *kv, const char *id)
{
	MB_AUTO_FREE char *path = mb_asprintf("c/%s", id);

	if (is_here(l, id))
		return false;
	if (faccessat(l->net->store->run_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	return mb_strv_has_sorted(&l->own.recorded, id) && kv->changed <= l->aged;
}

/* What hangs on our lease and is no container's here, of one whose end could not be told. */
static int sweep(struct lead *l, struct mb_err *err)
{
	uint64_t newest = 0;
	int r = 0;

	read_own(l);
	for (size_t i = 0; !r && i < l->view.kvs.n; i++) {
		const struct mb_etcd_kv *kv = &l->view.kvs.v[i];
		const char *what = mb_net_view_below(&l->view, kv->key), *id;
		MB_AUTO_ETCD_TXN struct mb_etcd_txn t = MB_ETCD_TXN_INIT;
		bool done;

		newest = kv->changed > newest ? kv->changed : newest;
		id = is_claim(what) ? kv->value : mb_skip_prefix(what, "ep/");
		if (!id || kv->lease != l->lease || !mb_hex_is_valid(id, MB_ID_LEN))
			continue;
		if (!is_left(l, kv, id))
			continue;
		mb_etcd_if_value(&t, kv->key, kv->value);
		mb_etcd_then_delete(&t, kv->key, false);
		r = keep_lease(l, err);
		if (!r)
			r = mb_etcd_commit(l->etcd, &t, &done, NULL, err);
	}
	l->aged = newest;
	l->swept = mb_monotonic_nsec();
	return r;
}

/* ---- the policy ------------------------------------------------------------------------------ */

/* What the document says now; what is told of our own follows the rules. */
static void read_network(struct lead *l)
{
	MB_AUTO_STR struct mb_str before = MB_STR_INIT, now = MB_STR_INIT;
	struct mb_net_network *n = NULL;

	if (mb_net_doc_read(l->net, l->n->id, &n, NULL) < 0)
		return;
	mb_net_shared_policy_format(&l->n->policy, &before);
	mb_net_shared_policy_format(&n->policy, &now);
	if (mb_streq(mb_str_text(&before), mb_str_text(&now))) {
		mb_net_network_free(n);
		return;
	}
	mb_net_network_free(l->read);
	l->n = l->read = n;
	redo_at(l, mb_monotonic_nsec() + 1);
}

/* What cannot be read, or is there no more, leaves the policy as it was; nobody starts under it. */
static int take_policy(struct lead *l, const struct mb_etcd_kv *kv, bool again, struct mb_err *told)
{
	uint64_t all = l->view.kvs.revision;
	struct mb_net_policy_told t = {.changed = kv->changed,
	                               .revision = kv->changed > all ? kv->changed : all};
	int r = mb_net_shared_policy_parse(kv->value, &t.policy, told);

	if (!r)
		r = mb_net_policy_take(l->net, l->n->id, &t, again, told);
	mb_net_policy_done(&t.policy);
	/* A command was faster than the watch. */
	if (r == MB_NET_OLDER)
		r = mb_net_policy_pull(l->net, l->n, l->etcd, again, told);
	mb_strset(&l->status.policy, r ? told->msg : NULL);
	return r;
}

static void follow_policy(struct lead *l, struct mb_err *told)
{
	MB_AUTO_FREE char *key = mb_asprintf("%spolicy", l->view.prefix);
	bool there;
	size_t at = mb_net_view_place(&l->view, key, &there);
	int r = there ? take_policy(l, &l->view.kvs.v[at], l->is_new, told) : 0;

	read_network(l);
	if (!there && !mb_net_policy_is_empty(l->n))
		r = mb_net_policy_put_back(l->n, l->etcd, told);
	if (r)
		mb_debug("network %s: %s", l->n->name, told->msg);
}

/* One that could not be read or done is tried again. */
static void retry_policy(struct lead *l)
{
	if (!l->status.policy && !mb_net_policy_is_unfinished(l->net, l->n->id))
		return;
	follow_policy(l, &(struct mb_err){0});
	tell(l, NULL);
}

/* Where the network is encrypted, whose packets are let in. */
static void follow_hosts(struct lead *l)
{
	struct mb_err told = MB_ERR_INIT;

	if (mb_net_wire_follow(l->net, l->n, &l->view, &told) < 0)
		mb_debug("network %s: %s", l->n->name, told.msg);
}

/* ---- leading --------------------------------------------------------------------------------- */

static int sort_by_key(const void *a, const void *b)
{
	const struct mb_etcd_kv *x = a, *y = b;

	return strcmp(x->key, y->key);
}

/* It was left and joined again meanwhile: another place in the store, another key. */
static bool is_another(struct lead *l)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	const struct mb_net_overlay *then = &l->n->overlay;

	return mb_net_doc_read(l->net, l->n->id, &n, NULL) == 0 &&
	       (!mb_streq(n->overlay.vtep, then->vtep) || n->overlay.revision != then->revision);
}

/* All of it, as it is now: on both sides what ought to be there. */
static int synchronise(struct lead *l, struct mb_err *err)
{
	uint64_t lease = mb_net_store_lease_now(l->net, l->n);
	int r;

	if (is_another(l))
		return UNWANTED;
	r = lease ? mb_etcd_lease_keep(l->etcd, lease, err) : MB_ETCD_GONE;

	if (r == MB_ETCD_GONE)
		r = mb_net_store_lease(l->net, l->n, l->etcd, lease, &lease, err);
	if (r)
		return r;
	l->lease = lease;
	l->kept = mb_monotonic_nsec();
	mb_etcd_kvs_done(&l->view.kvs);
	r = mb_etcd_list(l->etcd, l->view.prefix, false, MB_NET_VIEW_MAX, &l->view.kvs, err);
	if (r)
		return r;
	if (l->view.kvs.n)
		qsort(l->view.kvs.v, l->view.kvs.n, sizeof(*l->view.kvs.v), sort_by_key);
	mb_net_view_trim(&l->view);
	follow_hosts(l);
	follow_policy(l, &(struct mb_err){0});
	/* Ours first: who has lost an address makes room for who has it. */
	look_at_marks(l);
	r = redo(l, err);
	consider_all(l);
	l->is_new = false;
	if (!r)
		r = sweep(l, err);
	if (!r)
		tell(l, NULL);
	return r == MB_ETCD_GONE ? ANEW : r;
}

static bool is_wanted(struct lead *l)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;

	return mb_net_lead_wanted(l->net, &ids, NULL) == 0 && mb_strv_has(&ids, l->n->id) &&
	       mb_net_bridge_index(l->net, l->n->id);
}

/* Whether @kv is of a key that we have put, or ought to have. */
static bool is_ours(const struct lead *l, const char *what, const char *before)
{
	const char *vtep = mb_skip_prefix(what, "host/"), *id = mb_skip_prefix(what, "ep/");

	return (vtep && mb_streq(vtep, l->n->overlay.vtep)) || (id && is_here(l, id)) ||
	       (before && is_here(l, before));
}

/* Than what is known of it: it comes late, or from a store that has lost its memory. */
static bool is_older(const struct lead *l, const struct mb_etcd_kv *kv)
{
	bool there;
	size_t at = mb_net_view_place(&l->view, kv->key, &there);

	return there && kv->changed && kv->changed < l->view.kvs.v[at].changed;
}

static int on_event(void *arg, const struct mb_etcd_kv *kv, bool deleted, struct mb_err *err)
{
	const char *what;
	struct lead *l = arg;
	MB_AUTO_FREE char *before = NULL;

	(void)err;
	l->ear.heard = mb_monotonic_nsec();
	l->ear.tried = 0;
	what = mb_net_view_below(&l->view, kv->key);
	if (!what || is_older(l, kv))
		return 0;
	l->ear.revision = kv->changed > l->ear.revision ? kv->changed : l->ear.revision;
	if (!mb_net_view_is_known(&l->view, kv->key))
		return 0;
	read_own(l);
	if (is_claim(what)) {
		bool there;
		size_t at = mb_net_view_place(&l->view, kv->key, &there);

		before = there ? mb_strdup(l->view.kvs.v[at].value) : NULL;
	}
	if (deleted)
		mb_net_view_unset(&l->view, kv->key);
	else
		mb_net_view_set(&l->view, kv);
	if (is_ours(l, what, before))
		redo_at(l, mb_monotonic_nsec() + 1);
	if (mb_starts_with(what, "ep/"))
		consider_soon(l, what + 3);
	if (before)
		consider_soon(l, before);
	if (is_claim(what) && !deleted)
		consider_soon(l, kv->value);
	if (mb_streq(what, "policy")) {
		consider_pending(l);
		follow_policy(l, &(struct mb_err){0});
		tell(l, NULL);
	}
	if (mb_starts_with(what, "host/")) {
		consider_pending(l);
		follow_hosts(l);
		if (deleted && mb_net_policy_is_on(l->net, l->n->id))
			mb_net_remotes_trim(l->net, l->n);
		tell(l, NULL);
	}
	return 0;
}

static int on_told(void *arg, struct mb_err *err)
{
	(void)err;
	consider_pending(arg);
	return 0;
}

/* What stands before a store may hold back what its watch says.  Where something has changed there
 * and nothing was told for long, we put our own record again, which must be told. */
static int probe(struct lead *l, int64_t now, struct mb_err *err)
{
	if (l->ear.tried && now - l->ear.tried > EAR_SEC * MB_NSEC_PER_SEC) {
		mb_fail(err, ETIMEDOUT, "store '%s': its watch holds back what changes",
		        l->n->overlay.store.members.v[mb_etcd_member(l->etcd)]);
		return MB_ETCD_UNAVAILABLE;
	}
	if (l->ear.tried || now - l->ear.heard < SWEEP_SEC * MB_NSEC_PER_SEC ||
	    mb_etcd_revision(l->etcd) <= l->ear.revision)
		return 0;
	l->ear.tried = now;
	return mb_net_store_keep_host(l->net, l->n, l->etcd, NULL, l->lease, err);
}

/* The same member is asked that watches: a silent one that has lost its peers is found out. */
static int on_idle(void *arg, struct mb_err *err)
{
	struct lead *l = arg;
	int64_t now = mb_monotonic_nsec();
	size_t member = mb_etcd_member(l->etcd);
	int r;

	if (!is_wanted(l))
		return UNWANTED;
	if (mb_net_store_lease_now(l->net, l->n) != l->lease)
		return ANEW;
	r = keep_lease(l, err);
	if (r || member != mb_etcd_member(l->etcd))
		return r < 0 ? r : ANEW;
	look_at_marks(l);
	if (now - l->swept >= SWEEP_SEC * MB_NSEC_PER_SEC) {
		r = sweep(l, err);
		redo_at(l, now);
		retry_policy(l);
		follow_hosts(l);
	}
	if (!r && l->redo && now >= l->redo)
		r = redo(l, err);
	if (r)
		return r > 0 ? ANEW : r;
	return probe(l, now, err);
}

static int watch(struct lead *l, struct mb_err *err)
{
	struct mb_etcd_watcher w = {
		.event = on_event, .told = on_told, .idle = on_idle, .idle_ms = IDLE_MS, .arg = l};

	mb_etcd_member_set(l->watch, mb_etcd_member(l->etcd));
	l->ear.heard = mb_monotonic_nsec();
	l->ear.tried = 0;
	l->ear.revision = l->view.kvs.revision;
	return mb_etcd_watch(l->watch, l->view.prefix, l->view.kvs.revision + 1, &w, err);
}

static void rest(unsigned int ms)
{
	struct timespec t = {.tv_nsec = (long)ms * NSEC_PER_MSEC};

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* Longer each time, but for no longer than a lease lets one be late; and not all hosts at once. */
static void rest_long(struct lead *l)
{
	unsigned int most = l->n->overlay.ttl * 1000 / 3, left;
	uint16_t jitter;

	if (most > AGAIN_MAX_MS)
		most = AGAIN_MAX_MS;
	l->again = l->again ? l->again * 2 : AGAIN_MS;
	if (l->again > most)
		l->again = most;
	mb_random((unsigned char *)&jitter, sizeof(jitter));
	for (left = l->again - l->again / 4 * jitter / UINT16_MAX; left && is_wanted(l);) {
		unsigned int part = left < AGAIN_MS ? left : AGAIN_MS;

		rest(part);
		left -= part;
	}
}

static int lead(struct lead *l, struct mb_err *err)
{
	(void)err;
	while (is_wanted(l)) {
		struct mb_err told = MB_ERR_INIT;
		int64_t since = mb_monotonic_nsec();
		int r = synchronise(l, &told);

		if (!r)
			r = watch(l, &told);
		if (r == UNWANTED)
			break;
		if (mb_monotonic_nsec() - since > AGAIN_MAX_MS / 1000 * MB_NSEC_PER_SEC)
			l->again = 0;
		if (r == ANEW)
			continue;
		if (r == MB_ETCD_COMPACTED) {
			rest_long(l);
			continue;
		}
		/* What is known stays as it is: a container needs no store to talk. */
		mb_debug("network %s: %s", l->n->name, told.msg);
		tell(l, told.code ? told.msg : "the store ends what it was asked for");
		if (r < 0 || r == MB_ETCD_UNAVAILABLE)
			mb_etcd_member_set(l->etcd, mb_etcd_member(l->etcd) + (r < 0));
		rest_long(l);
	}
	return 0;
}

static void lead_done(struct lead *l)
{
	own_done(l);
	mb_strv_done(&l->pending);
	mb_etcd_free(l->watch);
	mb_etcd_kvs_done(&l->view.kvs);
	mb_net_lead_status_done(&l->status);
	free(l->view.prefix);
	mb_net_network_free(l->read);
}

static struct flock at_byte(off_t at)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
}

static int open_lock(struct mb_net *net, const char *id, int *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_net_run_dir(net, id, &dir, err);

	if (r)
		return r;
	*ret = openat(dir, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *ret < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", LOCK) : 0;
}

/* Return: 0 and *@ret; MB_NET_IN_USE; or -errno. */
static int lock_lead(struct mb_net *net, const char *id, off_t at, int *ret, struct mb_err *err)
{
	struct flock byte = at_byte(at);
	MB_AUTO_CLOSE int fd = -1;
	int r = open_lock(net, id, &fd, err);

	if (r)
		return r;
	if (fcntl(fd, F_OFD_SETLK, &byte) < 0)
		return MB_NET_IN_USE;
	*ret = mb_take_fd(&fd);
	return 0;
}

/* A file that is missing is said, and looked for again.  Return: 0; UNWANTED; or -errno. */
static int open_both(struct lead *l, struct mb_etcd **ret, struct mb_err *err)
{
	int r;

	while ((r = mb_net_store_open(l->n, TIMEOUT_SEC, ret, err)) < 0) {
		tell(l, err ? err->msg : "");
		rest_long(l);
		if (!is_wanted(l))
			return UNWANTED;
	}
	l->etcd = *ret;
	return r ? r : mb_net_store_open(l->n, TIMEOUT_SEC, &l->watch, err);
}

int mb_net_lead(struct mb_net *net, const char *network_id, mb_net_lead_lost *lost, void *arg,
                struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO(mb_etcd_free) struct mb_etcd *etcd = NULL;
	__attribute__((cleanup(lead_done))) struct lead l = {.net = net, .lost = lost, .arg = arg};
	MB_AUTO_CLOSE int lock = -1, once = -1;
	int r = mb_net_doc_read(net, network_id, &n, err);

	if (r)
		return r;
	l.n = n;
	/* Who led before may be on its way out. */
	while ((r = lock_lead(net, network_id, LEADS, &lock, err)) == MB_NET_IN_USE &&
	       is_wanted(&l))
		rest(LOCK_MS);
	if (!r)
		while ((r = lock_lead(net, network_id, ONCE, &once, err)) == MB_NET_IN_USE &&
		       is_wanted(&l))
			rest(LOCK_MS);
	if (r)
		return r < 0 ? r : 0;
	l.is_new = true;
	l.view.prefix = mb_asprintf(MB_NET_SHARED_ROOT "net/%s/", n->name);
	r = open_both(&l, &etcd, err);
	return r ? (r < 0 ? r : 0) : lead(&l, err);
}

/* It is only looked at: who tests must not be taken for a leader. */
bool mb_net_lead_is_led(struct mb_net *net, const char *network_id)
{
	struct flock byte = at_byte(LEADS);
	MB_AUTO_CLOSE int fd = -1;

	return open_lock(net, network_id, &fd, NULL) == 0 && fcntl(fd, F_OFD_GETLK, &byte) == 0 &&
	       byte.l_type != F_UNLCK;
}

int mb_net_lead_once(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                     struct mb_err *err)
{
	__attribute__((cleanup(lead_done))) struct lead l = {.net = net, .n = n, .etcd = etcd};
	MB_AUTO_CLOSE int lock = -1;
	int64_t end = mb_monotonic_nsec() + ONCE_SEC * MB_NSEC_PER_SEC;
	int r;

	/* Another that does so has begun before it could know what this one asks for. */
	while ((r = lock_lead(net, n->id, ONCE, &lock, err)) == MB_NET_IN_USE &&
	       !mb_net_lead_is_led(net, n->id) && mb_monotonic_nsec() < end)
		rest(LOCK_MS);
	if (r || mb_net_lead_is_led(net, n->id))
		return r < 0 ? r : 0;
	l.view.prefix = mb_asprintf(MB_NET_SHARED_ROOT "net/%s/", n->name);
	return synchronise(&l, err);
}
