/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/overlay_view.h"

#include <stdlib.h>
#include <string.h>

#include "core/id.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/addr.h"

/* Where @key is, or would be. */
size_t mb_net_view_place(const struct mb_net_view *w, const char *key, bool *ret_there)
{
	size_t lo = 0, hi = w->kvs.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(w->kvs.v[mid].key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_there = lo < w->kvs.n && mb_streq(w->kvs.v[lo].key, key);
	return lo;
}

const struct mb_etcd_kv *mb_net_view_find(const struct mb_net_view *w, const char *kind,
                                          const char *what)
{
	MB_AUTO_FREE char *key = mb_asprintf("%s%s/%s", w->prefix, kind, what);
	bool there;
	size_t at = mb_net_view_place(w, key, &there);

	return there ? &w->kvs.v[at] : NULL;
}

/* "ip/10.88.0.2" of a key; NULL: it is not below the network. */
const char *mb_net_view_below(const struct mb_net_view *w, const char *key)
{
	return mb_skip_prefix(key, w->prefix);
}

static size_t size_of(const struct mb_etcd_kv *kv)
{
	return strlen(kv->key) + (kv->value ? strlen(kv->value) : 0);
}

/* What we would read of it: whoever may write there can write anything. */
bool mb_net_view_is_known(const struct mb_net_view *w, const char *key)
{
	static const char *const addressed[] = {"ip/", "mac/", "host/"};
	const char *what = mb_net_view_below(w, key), *id = mb_skip_prefix(what, "ep/");

	if (!what || mb_streq(what, "policy"))
		return what != NULL;
	if (id)
		return mb_hex_is_valid(id, MB_ID_LEN);
	for (size_t i = 0; i < MB_N(addressed); i++) {
		const char *text = mb_skip_prefix(what, addressed[i]);

		if (text)
			return *text && strlen(text) < MB_NET_ADDR_TEXT && !strchr(text, '/');
	}
	return false;
}

/* In a list as it came. */
void mb_net_view_trim(struct mb_net_view *w)
{
	struct mb_etcd_kvs *v = &w->kvs;
	size_t n = 0;

	w->bytes = 0;
	for (size_t i = 0; i < v->n; i++) {
		if (mb_net_view_is_known(w, v->v[i].key)) {
			w->bytes += size_of(&v->v[i]);
			v->v[n++] = v->v[i];
			continue;
		}
		free(v->v[i].key);
		free(v->v[i].value);
	}
	v->n = n;
}

void mb_net_view_set(struct mb_net_view *w, const struct mb_etcd_kv *kv)
{
	struct mb_etcd_kvs *v = &w->kvs;
	bool there;
	size_t at = mb_net_view_place(w, kv->key, &there);
	size_t before = there ? size_of(&v->v[at]) : 0;

	if (w->bytes - before + size_of(kv) > MB_ETCD_LIST_MAX ||
	    (!there && v->n >= MB_NET_VIEW_MAX))
		return;
	w->bytes += size_of(kv) - before;
	if (!there) {
		if (v->n == v->cap) {
			v->cap = v->cap ? v->cap * 2 : 64;
			v->v = mb_realloc(v->v, v->cap * sizeof(*v->v));
		}
		memmove(&v->v[at + 1], &v->v[at], (v->n - at) * sizeof(*v->v));
		v->n++;
		v->v[at] = (struct mb_etcd_kv){.key = mb_strdup(kv->key)};
	}
	mb_strset(&v->v[at].value, kv->value);
	v->v[at].created = kv->created;
	v->v[at].changed = kv->changed;
	v->v[at].lease = kv->lease;
}

void mb_net_view_unset(struct mb_net_view *w, const char *key)
{
	struct mb_etcd_kvs *v = &w->kvs;
	bool there;
	size_t at = mb_net_view_place(w, key, &there);

	if (!there)
		return;
	w->bytes -= size_of(&v->v[at]);
	free(v->v[at].key);
	free(v->v[at].value);
	v->n--;
	memmove(&v->v[at], &v->v[at + 1], (v->n - at) * sizeof(*v->v));
}
