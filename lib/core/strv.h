/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/strv.h — a vector of owned strings, and a list of owned key-value pairs in order.
 *
 * A zeroed struct is valid and empty.  strv.v is NULL-terminated once anything was added, so it
 * serves as argv; it is NULL while nothing ever was.
 */
#ifndef MB_CORE_STRV_H
#define MB_CORE_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct mb_strv {
	char **v;
	size_t n, cap;
};
#define MB_STRV_INIT ((struct mb_strv){0})
#define MB_AUTO_STRV __attribute__((cleanup(mb_strv_done)))
#define MB_STRV_FOREACH(s, strv) \
	for (char **it_##s = (strv)->v, *s; it_##s && (s = *it_##s); it_##s++)

void mb_strv_done(struct mb_strv *sv);
void mb_strv_add(struct mb_strv *sv, const char *s); /* copies */
void mb_strv_addf(struct mb_strv *sv, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mb_strv_take(struct mb_strv *sv, char *s); /* owns s from now on */
void mb_strv_add_all(struct mb_strv *sv, const struct mb_strv *from);
bool mb_strv_has(const struct mb_strv *sv, const char *s);
void mb_strv_remove(struct mb_strv *sv, const char *s); /* every one equal to s */
void mb_strv_sort(struct mb_strv *sv);
bool mb_strv_has_sorted(const struct mb_strv *sv, const char *s); /* of one that is in order */
/* Pieces of @s between @separator; empty pieces are kept; "" gives none. */
void mb_strv_split(struct mb_strv *sv, const char *s, char separator);
char *mb_strv_join(const struct mb_strv *sv, const char *separator); /* caller frees */

struct mb_kv {
	struct mb_kv_pair {
		char *key, *value;
	} * v;
	size_t n, cap;
};
#define MB_KV_INIT ((struct mb_kv){0})
#define MB_AUTO_KV __attribute__((cleanup(mb_kv_done)))
#define MB_KV_FOREACH(pair, kv) \
	for (struct mb_kv_pair *pair = (kv)->v; pair && pair < (kv)->v + (kv)->n; pair++)

void mb_kv_done(struct mb_kv *kv);
/* Set or replace; keeps the place of an old key.  Copies both. */
void mb_kv_set(struct mb_kv *kv, const char *key, const char *value);
/* "key=value", or "key" alone with the value "". */
void mb_kv_set_pair(struct mb_kv *kv, const char *pair);
/* The value, borrowed, or NULL. */
const char *mb_kv_find(const struct mb_kv *kv, const char *key);
void mb_kv_remove(struct mb_kv *kv, const char *key);
void mb_kv_set_all(struct mb_kv *kv, const struct mb_kv *from);

/* Environment lists are strv of "KEY=value", or of "KEY" alone where a variable is not to be, and
 * what is below may not set it either: set or replace by the key of @assignment. */
void mb_env_set(struct mb_strv *env, const char *assignment);
/* The value of @key, borrowed, or NULL. */
const char *mb_env_find(const struct mb_strv *env, const char *key);
/* Whether @key is there, with a value or as one that is not to be. */
bool mb_env_names(const struct mb_strv *env, const char *key);
/* Forget the keys that stand alone: what a program gets. */
void mb_env_drop_unset(struct mb_strv *env);

#endif
