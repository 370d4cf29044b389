/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests as text, and what comes of them. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "etcd/answer.h"
#include "etcd/client.h"
#include "registry/base64.h"
#include "json/json.h"

/* Of so many at once, and of fewer where those are longer than an answer may be. */
enum { PAGE = 1000, PAGE_PART = 20, PAGE_MIN = 3 };

void mb_etcd_put_text(struct mb_str *s, const char *name, const char *text)
{
	mb_str_addf(s, "\"%s\":\"", name);
	mb_registry_base64_format(text, strlen(text), s);
	mb_str_addc(s, '"');
}

/* The least text that is behind all that begins with it.  Ours end with no 0xff. */
void mb_etcd_put_end(struct mb_str *s, const char *prefix)
{
	MB_AUTO_FREE char *end = mb_strdup(prefix);
	size_t n = strlen(end);

	end[n - 1]++;
	mb_str_addc(s, ',');
	mb_etcd_put_text(s, "range_end", end);
}

/* ---- reading ------------------------------------------------------------------------------- */

static int range(struct mb_etcd *e, const struct mb_str *body, struct mb_etcd_kvs *ret,
                 struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	int r = mb_etcd_ask(e, "kv/range", mb_str_text(body), &o, err);

	if (r)
		return r;
	/* What is no answer of a store must not look like an empty one. */
	if (!mb_etcd_number(mb_json_find(o, "header"), "revision", 0))
		return mb_fail(err, EBADMSG, "the store's answer to a question is none");
	return mb_etcd_answer_range(o, ret, err);
}

/* From @first on: all begin with @prefix (@exact: are it), each behind the one before. */
static int check_keys(const struct mb_etcd_kvs *kvs, size_t first, const char *prefix, bool exact,
                      struct mb_err *err)
{
	for (size_t i = first; i < kvs->n; i++)
		if ((exact ? !mb_streq(kvs->v[i].key, prefix)
		           : !mb_starts_with(kvs->v[i].key, prefix)) ||
		    (i && strcmp(kvs->v[i].key, kvs->v[i - 1].key) <= 0))
			return mb_fail(err, EBADMSG, "the store tells of what it was not asked");
	return 0;
}

int mb_etcd_get(struct mb_etcd *e, const char *key, struct mb_etcd_kvs *ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str body = MB_STR_INIT;
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	int r;

	mb_str_addc(&body, '{');
	mb_etcd_put_text(&body, "key", key);
	mb_str_addc(&body, '}');
	r = range(e, &body, &kvs, err);
	if (!r)
		r = check_keys(&kvs, 0, key, true, err);
	if (r)
		return r;
	*ret = kvs;
	kvs = (struct mb_etcd_kvs){0};
	return 0;
}

static void page(struct mb_str *body, const char *prefix, bool keys_only, int size,
                 const struct mb_etcd_kvs *so_far)
{
	mb_str_reset(body);
	mb_str_addc(body, '{');
	/* The next key after one is that with a NUL behind. */
	if (so_far->last.len) {
		mb_str_add(body, "\"key\":\"");
		mb_registry_base64_format(so_far->last.buf, so_far->last.len + 1, body);
		mb_str_addc(body, '"');
	} else {
		mb_etcd_put_text(body, "key", prefix);
	}
	mb_etcd_put_end(body, prefix);
	mb_str_addf(body, ",\"limit\":%d", size);
	if (keys_only)
		mb_str_add(body, ",\"keys_only\":true");
	if (so_far->revision)
		mb_str_addf(body, ",\"revision\":\"%" PRIu64 "\"", so_far->revision);
	mb_str_addc(body, '}');
}

int mb_etcd_list(struct mb_etcd *e, const char *prefix, bool keys_only, size_t limit,
                 struct mb_etcd_kvs *ret, struct mb_err *err)
{
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	MB_AUTO_STR struct mb_str body = MB_STR_INIT;
	int r, size = PAGE;

	do {
		uint64_t at = kvs.revision;
		size_t before = kvs.seen, first = kvs.n;

		page(&body, prefix, keys_only, size, &kvs);
		r = range(e, &body, &kvs, err);
		if (r == -E2BIG && size > PAGE_MIN) {
			size = size / PAGE_PART > PAGE_MIN ? size / PAGE_PART : PAGE_MIN;
			kvs.more = true;
			r = 0;
			continue;
		}
		/* What it is now stands in the header; what was read is of then. */
		if (at)
			kvs.revision = at;
		if (!r)
			r = check_keys(&kvs, first, prefix, false, err);
		if (!r && kvs.more && kvs.seen == before)
			r = mb_fail(err, EBADMSG,
			            "the store says that there is more, and gives none");
		if (!r && (kvs.seen > limit || kvs.bytes > MB_ETCD_LIST_MAX))
			r = mb_fail(err, E2BIG, "the store has over %zu of '%s'", limit, prefix);
	} while (!r && kvs.more);
	if (r)
		return r;
	*ret = kvs;
	kvs = (struct mb_etcd_kvs){0};
	return 0;
}

/* ---- transactions -------------------------------------------------------------------------- */

void mb_etcd_txn_done(struct mb_etcd_txn *t)
{
	mb_str_done(&t->compare);
	mb_str_done(&t->success);
	mb_str_done(&t->failure);
}

static void begin(struct mb_str *list)
{
	mb_str_add(list, list->len ? ",{" : "{");
}

void mb_etcd_if_created(struct mb_etcd_txn *t, const char *key, uint64_t revision)
{
	begin(&t->compare);
	mb_etcd_put_text(&t->compare, "key", key);
	mb_str_addf(&t->compare,
	            ",\"target\":\"CREATE\",\"result\":\"EQUAL\",\"create_revision\":\"%" PRIu64
	            "\"}",
	            revision);
}

void mb_etcd_if_none(struct mb_etcd_txn *t, const char *prefix)
{
	begin(&t->compare);
	mb_etcd_put_text(&t->compare, "key", prefix);
	mb_etcd_put_end(&t->compare, prefix);
	mb_str_add(&t->compare,
	           ",\"target\":\"CREATE\",\"result\":\"EQUAL\",\"create_revision\":\"0\"}");
}

void mb_etcd_if_value(struct mb_etcd_txn *t, const char *key, const char *value)
{
	begin(&t->compare);
	mb_etcd_put_text(&t->compare, "key", key);
	mb_str_add(&t->compare, ",\"target\":\"VALUE\",\"result\":\"EQUAL\",");
	mb_etcd_put_text(&t->compare, "value", value);
	mb_str_addc(&t->compare, '}');
}

void mb_etcd_then_put(struct mb_etcd_txn *t, const char *key, const char *value, uint64_t lease)
{
	begin(&t->success);
	mb_str_add(&t->success, "\"request_put\":{");
	mb_etcd_put_text(&t->success, "key", key);
	mb_str_addc(&t->success, ',');
	mb_etcd_put_text(&t->success, "value", value);
	if (lease)
		mb_str_addf(&t->success, ",\"lease\":\"%" PRIu64 "\"", lease);
	mb_str_add(&t->success, "}}");
}

void mb_etcd_then_delete(struct mb_etcd_txn *t, const char *key, bool prefix)
{
	begin(&t->success);
	mb_str_add(&t->success, "\"request_delete_range\":{");
	mb_etcd_put_text(&t->success, "key", key);
	if (prefix)
		mb_etcd_put_end(&t->success, key);
	mb_str_add(&t->success, "}}");
}

void mb_etcd_else_get(struct mb_etcd_txn *t, const char *key)
{
	begin(&t->failure);
	mb_str_add(&t->failure, "\"request_range\":{");
	mb_etcd_put_text(&t->failure, "key", key);
	mb_str_add(&t->failure, "}}");
}

int mb_etcd_commit(struct mb_etcd *e, const struct mb_etcd_txn *t, bool *ret_done,
                   struct mb_etcd_kvs *ret, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs kvs = {0};
	MB_AUTO_FREE char *body = mb_asprintf(
		"{\"compare\":[%s],\"success\":[%s],\"failure\":[%s]}", mb_str_text(&t->compare),
		mb_str_text(&t->success), mb_str_text(&t->failure));
	int r = mb_etcd_ask(e, "kv/txn", body, &o, err);

	if (!r)
		r = mb_etcd_answer_txn(o, ret_done, &kvs, err);
	if (r || !ret)
		return r;
	*ret = kvs;
	kvs = (struct mb_etcd_kvs){0};
	return 0;
}

/* ---- leases -------------------------------------------------------------------------------- */

int mb_etcd_lease_grant(struct mb_etcd *e, uint32_t ttl, uint64_t *ret_id, struct mb_err *err)
{
	MB_AUTO_FREE char *body = mb_asprintf("{\"TTL\":%u}", ttl);
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	int r = mb_etcd_ask(e, "lease/grant", body, &o, err);

	if (r)
		return r;
	*ret_id = mb_etcd_number(o, "ID", 0);
	return *ret_id ? 0 : mb_fail(err, EBADMSG, "the store grants a lease without a number");
}

int mb_etcd_lease_keep(struct mb_etcd *e, uint64_t id, struct mb_err *err)
{
	MB_AUTO_FREE char *body = mb_asprintf("{\"ID\":\"%" PRIu64 "\"}", id);
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	int r = mb_etcd_ask(e, "lease/keepalive", body, &o, err);

	/* An ended one has no time left, which the gateway leaves out. */
	return r ? r : mb_etcd_number(mb_json_find(o, "result"), "TTL", 0) ? 0 : MB_ETCD_GONE;
}

int mb_etcd_lease_revoke(struct mb_etcd *e, uint64_t id, struct mb_err *err)
{
	MB_AUTO_FREE char *body = mb_asprintf("{\"ID\":\"%" PRIu64 "\"}", id);
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	int r = mb_etcd_ask(e, "lease/revoke", body, &o, err);

	return r == MB_ETCD_GONE ? 0 : r;
}
