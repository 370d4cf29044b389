/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/strv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/own.h"
#include "core/str.h"

void mb_strv_done(struct mb_strv *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		free(sv->v[i]);
	free(sv->v);
	*sv = MB_STRV_INIT;
}

void mb_strv_take(struct mb_strv *sv, char *s)
{
	if (sv->n + 2 > sv->cap) {
		sv->cap = sv->cap ? 2 * sv->cap : 8;
		sv->v = mb_realloc(sv->v, sv->cap * sizeof(*sv->v));
	}
	sv->v[sv->n++] = s;
	sv->v[sv->n] = NULL;
}

void mb_strv_add(struct mb_strv *sv, const char *s)
{
	mb_strv_take(sv, mb_strdup(s));
}

void mb_strv_addf(struct mb_strv *sv, const char *fmt, ...)
{
	struct mb_str s = MB_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	mb_str_addv(&s, fmt, ap);
	va_end(ap);
	mb_strv_take(sv, mb_str_take(&s));
}

void mb_strv_add_all(struct mb_strv *sv, const struct mb_strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		mb_strv_add(sv, from->v[i]);
}

bool mb_strv_has(const struct mb_strv *sv, const char *s)
{
	for (size_t i = 0; i < sv->n; i++)
		if (strcmp(sv->v[i], s) == 0)
			return true;
	return false;
}

void mb_strv_remove(struct mb_strv *sv, const char *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < sv->n; i++) {
		if (strcmp(sv->v[i], s) == 0)
			free(sv->v[i]);
		else
			sv->v[kept++] = sv->v[i];
	}
	sv->n = kept;
	if (sv->v)
		sv->v[kept] = NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void mb_strv_sort(struct mb_strv *sv)
{
	if (sv->n > 1)
		qsort(sv->v, sv->n, sizeof(*sv->v), compare);
}

bool mb_strv_has_sorted(const struct mb_strv *sv, const char *s)
{
	return sv->n && bsearch(&s, sv->v, sv->n, sizeof(*sv->v), compare);
}

void mb_strv_split(struct mb_strv *sv, const char *s, char separator)
{
	if (!*s)
		return;
	for (;;) {
		const char *end = strchr(s, separator);

		if (!end) {
			mb_strv_add(sv, s);
			return;
		}
		mb_strv_take(sv, mb_strndup(s, (size_t)(end - s)));
		s = end + 1;
	}
}

char *mb_strv_join(const struct mb_strv *sv, const char *separator)
{
	struct mb_str out = MB_STR_INIT;

	for (size_t i = 0; i < sv->n; i++) {
		if (i)
			mb_str_add(&out, separator);
		mb_str_add(&out, sv->v[i]);
	}
	return mb_str_take(&out);
}

void mb_kv_done(struct mb_kv *kv)
{
	for (size_t i = 0; i < kv->n; i++) {
		free(kv->v[i].key);
		free(kv->v[i].value);
	}
	free(kv->v);
	*kv = MB_KV_INIT;
}

static struct mb_kv_pair *find_pair(const struct mb_kv *kv, const char *key)
{
	for (size_t i = 0; i < kv->n; i++)
		if (strcmp(kv->v[i].key, key) == 0)
			return &kv->v[i];
	return NULL;
}

void mb_kv_set(struct mb_kv *kv, const char *key, const char *value)
{
	struct mb_kv_pair *pair = find_pair(kv, key);

	if (pair) {
		mb_strset(&pair->value, value);
		return;
	}
	if (kv->n == kv->cap) {
		kv->cap = kv->cap ? 2 * kv->cap : 8;
		kv->v = mb_realloc(kv->v, kv->cap * sizeof(*kv->v));
	}
	kv->v[kv->n].key = mb_strdup(key);
	kv->v[kv->n].value = mb_strdup(value);
	kv->n++;
}

void mb_kv_set_pair(struct mb_kv *kv, const char *pair)
{
	const char *equals = strchr(pair, '=');
	MB_AUTO_FREE char *key = NULL;

	if (!equals) {
		mb_kv_set(kv, pair, "");
		return;
	}
	key = mb_strndup(pair, (size_t)(equals - pair));
	mb_kv_set(kv, key, equals + 1);
}

const char *mb_kv_find(const struct mb_kv *kv, const char *key)
{
	const struct mb_kv_pair *pair = find_pair(kv, key);

	return pair ? pair->value : NULL;
}

void mb_kv_remove(struct mb_kv *kv, const char *key)
{
	struct mb_kv_pair *pair = find_pair(kv, key);

	if (!pair)
		return;
	free(pair->key);
	free(pair->value);
	memmove(pair, pair + 1, (size_t)(kv->v + kv->n - (pair + 1)) * sizeof(*pair));
	kv->n--;
}

void mb_kv_set_all(struct mb_kv *kv, const struct mb_kv *from)
{
	for (size_t i = 0; i < from->n; i++)
		mb_kv_set(kv, from->v[i].key, from->v[i].value);
}

static char **env_slot(const struct mb_strv *env, const char *key, size_t n)
{
	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], key, n) == 0 &&
		    (env->v[i][n] == '=' || env->v[i][n] == '\0'))
			return &env->v[i];
	return NULL;
}

void mb_env_set(struct mb_strv *env, const char *assignment)
{
	size_t n = strcspn(assignment, "=");
	char **slot = env_slot(env, assignment, n);

	if (slot)
		mb_strset(slot, assignment);
	else
		mb_strv_add(env, assignment);
}

const char *mb_env_find(const struct mb_strv *env, const char *key)
{
	size_t n = strlen(key);
	char **slot = env_slot(env, key, n);

	return slot && (*slot)[n] == '=' ? *slot + n + 1 : NULL;
}

bool mb_env_names(const struct mb_strv *env, const char *key)
{
	return env_slot(env, key, strlen(key)) != NULL;
}

void mb_env_drop_unset(struct mb_strv *env)
{
	size_t kept = 0;

	for (size_t i = 0; i < env->n; i++) {
		if (strchr(env->v[i], '='))
			env->v[kept++] = env->v[i];
		else
			free(env->v[i]);
	}
	env->n = kept;
	if (env->v)
		env->v[kept] = NULL;
}
