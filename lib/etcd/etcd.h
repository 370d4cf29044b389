/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/etcd/etcd.h — a client of etcd, by the JSON gateway of its version 3. */
#ifndef MB_ETCD_ETCD_H
#define MB_ETCD_ETCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/own.h"
#include "core/str.h"

struct mb_err;
struct mb_strv;

/* Positive answers, all told but _GONE and _COMPACTED. */
enum {
	MB_ETCD_UNAVAILABLE = 1, /* no member answers, or none that can */
	MB_ETCD_GONE,            /* the lease has ended */
	MB_ETCD_COMPACTED,       /* what was to be watched from is forgotten */
	MB_ETCD_ENDED,           /* the watch came to an end */
};

struct mb_etcd_conf {
	const struct mb_strv *members;    /* "https://host:2379" */
	const char *cacert, *cert, *key;  /* paths, or NULL */
	const char *user, *password_file; /* or NULL */
	int timeout_sec;                  /* of one request, to however many members */
};
struct mb_etcd; /* opaque */
/* Copies all of it and opens the files.  Nothing is asked yet. */
int mb_etcd_new(const struct mb_etcd_conf *conf, struct mb_etcd **ret, struct mb_err *err);
void mb_etcd_free(struct mb_etcd *e);
MB_AUTO_DEFINE(struct mb_etcd, mb_etcd_free)
/* The member that is asked first, by its place; and that it is another from now on. */
size_t mb_etcd_member(const struct mb_etcd *e);
void mb_etcd_member_set(struct mb_etcd *e, size_t member);
/* The revision of the store that an answer has named last; 0: none has. */
uint64_t mb_etcd_revision(const struct mb_etcd *e);
/* Whether @text is an address of a member: http or https, a host, maybe a port, no more. */
bool mb_etcd_address_is_valid(const char *text);

struct mb_etcd_kv {
	/* Text: what has a NUL in it, or a value longer than MB_ETCD_VALUE_MAX, is left out. */
	char *key, *value;
	uint64_t created, changed; /* revisions */
	uint64_t lease;            /* 0: none */
};
enum { MB_ETCD_VALUE_MAX = 64 << 10 };
struct mb_etcd_kvs {
	struct mb_etcd_kv *v;
	size_t n, cap;
	size_t seen, bytes; /* with those that were left out; of those that were not */
	struct mb_str last; /* key that was seen, byte by byte */
	uint64_t revision;  /* of the store */
	bool more;          /* there are, behind these */
};
#define MB_AUTO_ETCD_KVS __attribute__((cleanup(mb_etcd_kvs_done)))
void mb_etcd_kvs_done(struct mb_etcd_kvs *kvs);
const struct mb_etcd_kv *mb_etcd_kvs_find(const struct mb_etcd_kvs *kvs, const char *key);

/* The key itself.  Return: 0, and at most one in *@ret; UNAVAILABLE; or -errno. */
int mb_etcd_get(struct mb_etcd *e, const char *key, struct mb_etcd_kvs *ret, struct mb_err *err);
/* All that begins with @prefix, as it was at one revision; -E2BIG over @limit of them, or over
 * MB_ETCD_LIST_MAX bytes. */
enum { MB_ETCD_LIST_MAX = 256 << 20 };
int mb_etcd_list(struct mb_etcd *e, const char *prefix, bool keys_only, size_t limit,
                 struct mb_etcd_kvs *ret, struct mb_err *err);

/* A transaction: conditions, what is done if all hold, what is read if not. */
struct mb_etcd_txn {
	struct mb_str compare, success, failure;
};
#define MB_ETCD_TXN_INIT ((struct mb_etcd_txn){0})
#define MB_AUTO_ETCD_TXN __attribute__((cleanup(mb_etcd_txn_done)))
void mb_etcd_txn_done(struct mb_etcd_txn *t);
/* Created at @revision; 0: is not there. */
void mb_etcd_if_created(struct mb_etcd_txn *t, const char *key, uint64_t revision);
/* Nothing that begins with @prefix is there. */
void mb_etcd_if_none(struct mb_etcd_txn *t, const char *prefix);
void mb_etcd_if_value(struct mb_etcd_txn *t, const char *key, const char *value);
void mb_etcd_then_put(struct mb_etcd_txn *t, const char *key, const char *value, uint64_t lease);
void mb_etcd_then_delete(struct mb_etcd_txn *t, const char *key, bool prefix);
void mb_etcd_else_get(struct mb_etcd_txn *t, const char *key);
/* Return: 0, *@ret_done, and in *@ret what was read; GONE: a lease of it has ended, nothing was
 * done; UNAVAILABLE: nobody knows; or -errno. */
int mb_etcd_commit(struct mb_etcd *e, const struct mb_etcd_txn *t, bool *ret_done,
                   struct mb_etcd_kvs *ret, struct mb_err *err);

/* Return: 0 and *@ret_id; UNAVAILABLE; or -errno. */
int mb_etcd_lease_grant(struct mb_etcd *e, uint32_t ttl, uint64_t *ret_id, struct mb_err *err);
/* Return: 0; GONE; UNAVAILABLE; or -errno. */
int mb_etcd_lease_keep(struct mb_etcd *e, uint64_t id, struct mb_err *err);
int mb_etcd_lease_revoke(struct mb_etcd *e, uint64_t id, struct mb_err *err);

/* What changed; @kv without a value where it was deleted.  Both end the watch by anything but 0,
 * which is what the watch returns. */
struct mb_etcd_watcher {
	int (*event)(void *arg, const struct mb_etcd_kv *kv, bool deleted, struct mb_err *err);
	int (*told)(void *arg, struct mb_err *err); /* after all that came in one piece; or NULL */
	int (*idle)(void *arg, struct mb_err *err);
	int idle_ms;
	void *arg;
	uint64_t revision; /* out: all up to here was told */
};
/* All that begins with @prefix, from @revision on, of the member that is asked first alone.
 * Return: what a callback said; ENDED; COMPACTED; UNAVAILABLE; or -errno. */
int mb_etcd_watch(struct mb_etcd *e, const char *prefix, uint64_t revision,
                  struct mb_etcd_watcher *w, struct mb_err *err);

#endif
