/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/overlay_policy.h"

#include <errno.h>

#include "core/err.h"
#include "core/log.h"
#include "core/own.h"
#include "core/str.h"
#include "etcd/etcd.h"
#include "net/handle.h"
#include "net/overlay_lead.h"
#include "net/overlay_record.h"
#include "net/overlay_store.h"

enum { TIMEOUT_SEC = 5, ASK_SEC = 2, TRIES = 8 };

static char *policy_key(const struct mb_net_network *n)
{
	return mb_asprintf(MB_NET_SHARED_ROOT "net/%s/policy", n->name);
}

/* @ret_text, NULL: there is none, is as it stands there; of @ret the revisions are set. */
static int fetch(const struct mb_net_network *n, struct mb_etcd *etcd, char **ret_text,
                 struct mb_net_policy_told *ret, struct mb_err *err)
{
	MB_AUTO_FREE char *key = policy_key(n);
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	int r = mb_etcd_get(etcd, key, &kvs, err);

	if (r)
		return r;
	/* More than a text that we can read is more than a policy is. */
	if (kvs.seen && !mb_etcd_kvs_find(&kvs, key))
		return mb_fail(err, EBADMSG, "a record in the store has a broken policy");
	*ret_text = kvs.n ? mb_strdup_or_null(kvs.v[0].value) : NULL;
	ret->changed = kvs.n ? kvs.v[0].changed : 0;
	ret->revision = kvs.revision;
	return 0;
}

int mb_net_store_policy(const struct mb_net_network *n, struct mb_etcd *etcd,
                        struct mb_net_policy_told *ret, struct mb_err *err)
{
	MB_AUTO_FREE char *text = NULL;
	int r = fetch(n, etcd, &text, ret, err);

	return r || !text ? r : mb_net_shared_policy_parse(text, &ret->policy, err);
}

int mb_net_policy_pull(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                       bool again, struct mb_err *err)
{
	struct mb_net_policy_told told = {0};
	int r;

	/* Others of this host may have been told of a newer one while this was read. */
	for (int i = 0; i < TRIES; i++) {
		r = mb_net_store_policy(n, etcd, &told, err);
		if (r || !told.changed)
			return r;
		r = mb_net_policy_take(net, n->id, &told, again, err);
		mb_net_policy_done(&told.policy);
		if (r != MB_NET_OLDER)
			return r;
	}
	return mb_fail(err, EAGAIN, "other hosts change the policy all the time");
}

int mb_net_policy_refresh(struct mb_net *net, struct mb_net_network **n, struct mb_err *err)
{
	MB_AUTO(mb_etcd_free) struct mb_etcd *etcd = NULL;
	struct mb_net_network *now = NULL;
	struct mb_err told = MB_ERR_INIT;
	int r;

	if (!mb_net_has_store(*n) || mb_net_lead_is_led(net, (*n)->id))
		return 0;
	r = mb_net_store_open(*n, ASK_SEC, &etcd, &told);
	if (!r)
		r = mb_net_policy_pull(net, *n, etcd, false, &told);
	if (r)
		mb_warn("network %s: the policy is as it was known here: %s", (*n)->name, told.msg);
	r = mb_net_doc_read(net, (*n)->id, &now, err);
	if (r)
		return r;
	mb_net_network_free(*n);
	*n = now;
	return 0;
}

/* In place of @before (NULL: of none).  Return: 0 and *@ret_at, the revision, 0: it was another by
 * then; UNAVAILABLE; or -errno. */
static int put(const struct mb_net_network *n, struct mb_etcd *etcd, const char *before,
               const char *text, uint64_t *ret_at, struct mb_err *err)
{
	MB_AUTO_FREE char *key = policy_key(n), *network = mb_net_store_key(n, NULL, NULL);
	MB_AUTO_ETCD_TXN struct mb_etcd_txn t = MB_ETCD_TXN_INIT;
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	const struct mb_etcd_kv *kv;
	bool done;
	int r;

	mb_etcd_if_created(&t, network, n->overlay.revision);
	if (before)
		mb_etcd_if_value(&t, key, before);
	else
		mb_etcd_if_created(&t, key, 0);
	mb_etcd_then_put(&t, key, text, 0);
	mb_etcd_else_get(&t, network);
	r = mb_etcd_commit(etcd, &t, &done, &kvs, err);
	if (r)
		return r;
	*ret_at = done ? kvs.revision : 0;
	if (done)
		return 0;
	kv = mb_etcd_kvs_find(&kvs, network);
	if (!kv || kv->created != n->overlay.revision)
		return mb_fail(err, ESTALE, "it is not in the store any more: remove it here");
	return 0;
}

int mb_net_policy_put_back(const struct mb_net_network *n, struct mb_etcd *etcd, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	uint64_t at;

	mb_net_shared_policy_format(&n->policy, &text);
	return put(n, etcd, NULL, mb_str_text(&text), &at, err);
}

static int told_unavailable(int r)
{
	return r == MB_ETCD_UNAVAILABLE ? -EHOSTUNREACH : r;
}

/* Once: what is there, with the change.  *@tried is what was put last, NULL: nothing; if that is
 * there it was done, and its answer lost.  Return: 0 and *@ret, changed at 0: it was another by
 * then; MB_NET_ABSENT: no such rule; or -errno. */
static int edit_once(const struct mb_net_network *n, struct mb_etcd *etcd,
                     const struct mb_net_policy_edit *edit, char **tried,
                     struct mb_net_policy_told *ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_FREE char *before = NULL;
	struct mb_net_network copy = {.name = n->name};
	int r = told_unavailable(fetch(n, etcd, &before, ret, err));

	if (!r && before)
		r = mb_net_shared_policy_parse(before, &copy.policy, err);
	if (!r && before && mb_streq(before, *tried)) {
		ret->policy = copy.policy;
		return 0;
	}
	ret->changed = 0;
	if (!r)
		r = mb_net_policy_edit(&copy, edit, err);
	if (!r)
		mb_net_shared_policy_format(&copy.policy, &text);
	mb_strset(tried, mb_str_text(&text));
	if (!r && text.len > MB_ETCD_VALUE_MAX)
		r = mb_fail(err, E2BIG, "the policy would be longer than the store takes");
	if (!r)
		r = told_unavailable(put(n, etcd, before, mb_str_text(&text), &ret->changed, err));
	ret->revision = ret->changed;
	if (r || !ret->changed)
		mb_net_policy_done(&copy.policy);
	else
		ret->policy = copy.policy;
	return r;
}

static int edit_shared(const struct mb_net_network *n, struct mb_etcd *etcd,
                       const struct mb_net_policy_edit *edit, struct mb_net_policy_told *ret,
                       struct mb_err *err)
{
	MB_AUTO_FREE char *tried = NULL;
	int r = 0;

	for (int i = 0; !r && !ret->changed && i < TRIES; i++)
		r = edit_once(n, etcd, edit, &tried, ret, err);
	if (!r && !ret->changed)
		r = mb_fail(err, EAGAIN, "other hosts change the policy all the time");
	return r;
}

int mb_net_policy_share(struct mb_net *net, const struct mb_net_network *n,
                        const struct mb_net_policy_edit *edit, uint32_t *ret_id, struct mb_err *err)
{
	MB_AUTO(mb_etcd_free) struct mb_etcd *etcd = NULL;
	struct mb_net_policy_told told = {0};
	int r = mb_net_store_open(n, TIMEOUT_SEC, &etcd, err);

	if (!r)
		r = edit_shared(n, etcd, edit, &told, err);
	if (r)
		return r < 0 ? mb_wrap(err, r, "network %s", n->name) : r;
	if (ret_id)
		*ret_id = told.policy.last_id;
	mb_net_set_opener(net, edit->open, edit->arg);
	r = mb_net_policy_take(net, n->id, &told, false, err);
	mb_net_policy_done(&told.policy);
	if (r == MB_NET_OLDER)
		r = told_unavailable(mb_net_policy_pull(net, n, etcd, false, err));
	return r;
}
