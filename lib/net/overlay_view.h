/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/overlay_view.h — what a leader knows of a network's keys in the store.  Pure. */
#ifndef MB_NET_OVERLAY_VIEW_H
#define MB_NET_OVERLAY_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "etcd/etcd.h"

enum { MB_NET_VIEW_MAX = 1 << 20 };
struct mb_net_view {
	char *prefix;           /* of the network's keys, with "/" */
	struct mb_etcd_kvs kvs; /* by key */
	size_t bytes;           /* of them */
};

/* Where @key is, or would be. */
size_t mb_net_view_place(const struct mb_net_view *w, const char *key, bool *ret_there);
/* KIND/WHAT, or NULL. */
const struct mb_etcd_kv *mb_net_view_find(const struct mb_net_view *w, const char *kind,
                                          const char *what);
/* "ip/10.88.0.2" of a key; NULL: it is not below the network. */
const char *mb_net_view_below(const struct mb_net_view *w, const char *key);
/* Of a kind that we read, with a name that may be one. */
bool mb_net_view_is_known(const struct mb_net_view *w, const char *key);
/* Nothing happens where there would be too much. */
void mb_net_view_set(struct mb_net_view *w, const struct mb_etcd_kv *kv);
void mb_net_view_unset(struct mb_net_view *w, const char *key);
/* A list as it came: without what is not known. */
void mb_net_view_trim(struct mb_net_view *w);

#endif
