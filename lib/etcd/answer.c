/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "etcd/answer.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "etcd/etcd.h"
#include "registry/base64.h"
#include "json/json.h"

enum { ERROR_MAX = 300 };

static void kv_done(struct mb_etcd_kv *kv)
{
	free(kv->key);
	free(kv->value);
	*kv = (struct mb_etcd_kv){0};
}

void mb_etcd_kvs_done(struct mb_etcd_kvs *kvs)
{
	for (size_t i = 0; i < kvs->n; i++)
		kv_done(&kvs->v[i]);
	free(kvs->v);
	mb_str_done(&kvs->last);
	*kvs = (struct mb_etcd_kvs){0};
}

const struct mb_etcd_kv *mb_etcd_kvs_find(const struct mb_etcd_kvs *kvs, const char *key)
{
	for (size_t i = 0; i < kvs->n; i++)
		if (mb_streq(kvs->v[i].key, key))
			return &kvs->v[i];
	return NULL;
}

uint64_t mb_etcd_number(struct json_object *o, const char *key, uint64_t otherwise)
{
	const char *text = mb_json_find_str(o, key, NULL);
	int64_t number = mb_json_find_i64(o, key, -1);
	uint64_t v;

	if (text)
		return mb_parse_u64(text, &v) == 0 ? v : otherwise;
	return number >= 0 ? (uint64_t)number : otherwise;
}

static int decode(struct json_object *o, const char *key, struct mb_str *out, struct mb_err *err)
{
	mb_str_reset(out);
	if (mb_registry_base64_parse(mb_json_find_str(o, key, ""), out) < 0)
		return mb_fail(err, EBADMSG, "the store's '%s' is not base64", key);
	return 0;
}

/* Ours are text.  Anything else is somebody else's, and nobody's loss. */
static char *text_of(const struct mb_str *s)
{
	return s->len && memchr(s->buf, '\0', s->len) ? NULL : mb_strdup(mb_str_text(s));
}

/* @key: what stands there, byte by byte.  Return: 0, and ret->key and ret->value, NULL where that
 * is none of ours; or -EBADMSG. */
static int read_kv(struct json_object *o, struct mb_str *key, struct mb_etcd_kv *ret,
                   struct mb_err *err)
{
	MB_AUTO_STR struct mb_str value = MB_STR_INIT;
	int r = decode(o, "key", key, err);

	if (!r && !key->len)
		r = mb_fail(err, EBADMSG, "the store tells of a thing without a key");
	if (!r)
		r = decode(o, "value", &value, err);
	if (r)
		return r;
	*ret = (struct mb_etcd_kv){.created = mb_etcd_number(o, "create_revision", 0),
	                           .changed = mb_etcd_number(o, "mod_revision", 0),
	                           .lease = mb_etcd_number(o, "lease", 0),
	                           .key = text_of(key)};
	if (value.len <= MB_ETCD_VALUE_MAX)
		ret->value = text_of(&value);
	return 0;
}

static struct json_object *list_of(struct json_object *o, const char *key, size_t *ret_n)
{
	struct json_object *list = mb_json_find(o, key);
	bool is_list = json_object_is_type(list, json_type_array);

	*ret_n = is_list ? json_object_array_length(list) : 0;
	return list;
}

int mb_etcd_answer_range(struct json_object *o, struct mb_etcd_kvs *ret, struct mb_err *err)
{
	struct mb_etcd_kvs *kvs = ret;
	struct json_object *list = mb_json_find(o, "kvs");
	size_t n = 0;

	/* None at all is left out. */
	if (list && !json_object_is_type(list, json_type_array))
		return mb_fail(err, EBADMSG, "the store's list of keys is none");
	if (list)
		n = json_object_array_length(list);
	kvs->more = mb_json_find_bool(o, "more", false);
	kvs->revision = mb_etcd_number(mb_json_find(o, "header"), "revision", kvs->revision);
	for (size_t i = 0; i < n; i++) {
		struct mb_etcd_kv *kv;
		int r;

		if (kvs->n == kvs->cap) {
			kvs->cap = kvs->cap ? kvs->cap * 2 : 8;
			kvs->v = mb_realloc(kvs->v, kvs->cap * sizeof(*kvs->v));
		}
		kv = &kvs->v[kvs->n];
		r = read_kv(json_object_array_get_idx(list, i), &kvs->last, kv, err);
		if (r)
			return r;
		kvs->seen++;
		if (!kv->key || !kv->value) {
			kv_done(kv);
			continue;
		}
		kvs->bytes += strlen(kv->key) + strlen(kv->value);
		kvs->n++;
	}
	return 0;
}

int mb_etcd_answer_txn(struct json_object *o, bool *ret_done, struct mb_etcd_kvs *ret,
                       struct mb_err *err)
{
	size_t n;
	struct json_object *list = list_of(o, "responses", &n);
	int r = 0;

	ret->revision = mb_etcd_number(mb_json_find(o, "header"), "revision", 0);
	if (!ret->revision)
		return mb_fail(err, EBADMSG, "the store's answer to a transaction is none");
	for (size_t i = 0; !r && i < n; i++) {
		struct json_object *range =
			mb_json_find(json_object_array_get_idx(list, i), "response_range");

		r = range ? mb_etcd_answer_range(range, ret, err) : 0;
	}
	*ret_done = mb_json_find_bool(o, "succeeded", false);
	return r;
}

void mb_etcd_told_done(struct mb_etcd_told *told)
{
	for (size_t i = 0; i < told->n; i++) {
		kv_done(told->v[i].kv);
		free(told->v[i].kv);
	}
	free(told->v);
	*told = (struct mb_etcd_told){0};
}

/* What was put in the place of a thing of ours and is none is as good as its end. */
static int read_events(struct json_object *result, struct mb_etcd_told *told, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str key = MB_STR_INIT;
	size_t n;
	struct json_object *list = list_of(result, "events", &n);

	told->v = mb_calloc(n + 1, sizeof(*told->v));
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		struct mb_etcd_kv kv;
		int r = read_kv(mb_json_find(o, "kv"), &key, &kv, err);

		if (r)
			return r;
		if (!kv.key) {
			kv_done(&kv);
			continue;
		}
		told->v[told->n].kv = mb_calloc(1, sizeof(kv));
		*told->v[told->n].kv = kv;
		told->v[told->n++].deleted =
			!kv.value || mb_streq(mb_json_find_str(o, "type", "PUT"), "DELETE");
	}
	return 0;
}

int mb_etcd_answer_watch(const char *line, size_t len, struct mb_etcd_told *ret, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	struct mb_etcd_told told = {0};
	struct json_object *result;
	int r = mb_json_parse_object(line, len, &o, err);

	if (r)
		return r;
	result = mb_json_find(o, "result");
	if (!json_object_is_type(result, json_type_object))
		return mb_fail(err, EBADMSG, "the store's watch says nothing");
	told.revision = mb_etcd_number(mb_json_find(result, "header"), "revision", 0);
	told.compacted = mb_etcd_number(result, "compact_revision", 0);
	told.canceled = mb_json_find_bool(result, "canceled", false);
	r = read_events(result, &told, err);
	if (r) {
		mb_etcd_told_done(&told);
		return r;
	}
	*ret = told;
	return 0;
}

char *mb_etcd_answer_error(const char *text, size_t len)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	MB_AUTO_FREE char *shown = NULL, *line = NULL;
	struct json_object *error;
	const char *says = "";

	/* In plain words: what stands before the gateway refuses some requests itself. */
	if (len && len <= ERROR_MAX && *text != '<' && *text != '{') {
		line = mb_strndup(text, len);
		line[strcspn(line, "\r\n")] = '\0';
		says = line;
	}

	if (mb_json_parse_object(text, len, &o, NULL) == 0) {
		error = mb_json_find(o, "error");
		says = mb_json_find_str(o, "message", NULL);
		if (!says)
			says = json_object_is_type(error, json_type_object)
			               ? mb_json_find_str(error, "message", "")
			               : mb_json_find_str(o, "error", "");
	}
	shown = mb_printable(says);
	return mb_strndup(shown, ERROR_MAX);
}
