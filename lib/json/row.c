/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json/row.h"

#include <stdlib.h>

static bool is_called(const struct mb_json_field *f, const char *name, size_t len)
{
	return strncmp(f->name, name, len) == 0 && f->name[len] == '\0';
}

const struct mb_json_field *mb_json_row_find(const struct mb_json_field *table,
                                             const struct mb_json_field *hint, const char *name,
                                             size_t len)
{
	for (const struct mb_json_field *f = hint; f->kind != MB_JSON_KIND_END; f++)
		if (is_called(f, name, len))
			return f;
	for (const struct mb_json_field *f = table; f != hint; f++)
		if (is_called(f, name, len))
			return f;
	return NULL;
}

static bool number_is_zero(const struct mb_json_field *f, const void *s)
{
	static const uint64_t zero;
	size_t size = sizeof(int64_t);

	if (f->kind == MB_JSON_KIND_BOOL)
		size = sizeof(bool);
	else if (f->kind == MB_JSON_KIND_U16)
		size = sizeof(uint16_t);
	else if (f->kind == MB_JSON_KIND_INT || f->kind == MB_JSON_KIND_U32 ||
	         f->kind == MB_JSON_KIND_ENUM)
		size = sizeof(int);
	return memcmp((const char *)s + f->offset, &zero, size) == 0;
}

bool mb_json_row_is_empty(const struct mb_json_field *f, const void *s)
{
	void *base = (void *)(uintptr_t)s;

	if (f->is_opt)
		return !*MB_JSON_OTHER(f, base, bool);
	switch (f->kind) {
	case MB_JSON_KIND_STR:
		return !*MB_JSON_MEMBER(f, base, char *) || !**MB_JSON_MEMBER(f, base, char *);
	case MB_JSON_KIND_PTR:
	case MB_JSON_KIND_RAW:
		return !*MB_JSON_MEMBER(f, base, void *);
	case MB_JSON_KIND_STRV:
	case MB_JSON_KIND_SET:
		return MB_JSON_MEMBER(f, base, struct mb_strv)->n == 0;
	case MB_JSON_KIND_KV:
		return MB_JSON_MEMBER(f, base, struct mb_kv)->n == 0;
	case MB_JSON_KIND_U32S:
	case MB_JSON_KIND_LIST:
	case MB_JSON_KIND_MAP:
		return *MB_JSON_OTHER(f, base, size_t) == 0;
	case MB_JSON_KIND_OBJ:
		return false;
	case MB_JSON_KIND_END:
	case MB_JSON_KIND_REFUSED:
	case MB_JSON_KIND_SKIPPED:
		return true;
	case MB_JSON_KIND_BOOL:
	case MB_JSON_KIND_INT:
	case MB_JSON_KIND_U16:
	case MB_JSON_KIND_U32:
	case MB_JSON_KIND_I64:
	case MB_JSON_KIND_U64:
	case MB_JSON_KIND_TIME:
	case MB_JSON_KIND_ENUM:
		return number_is_zero(f, s);
	}
	return true;
}

static int compare_pairs(const void *a, const void *b, void *kv)
{
	const struct mb_kv_pair *v = ((const struct mb_kv *)kv)->v;

	return strcmp(v[*(const size_t *)a].key, v[*(const size_t *)b].key);
}

static int compare_strings(const void *a, const void *b, void *sv)
{
	char **v = ((const struct mb_strv *)sv)->v;

	return strcmp(v[*(const size_t *)a], v[*(const size_t *)b]);
}

static size_t *sorted(size_t n, const void *list,
                      int (*compare)(const void *, const void *, void *))
{
	void *what = (void *)(uintptr_t)list;
	size_t *order;
	size_t i;

	for (i = 1; i < n; i++)
		if (compare(&(size_t){i - 1}, &(size_t){i}, what) > 0)
			break;
	if (i >= n)
		return NULL;
	order = mb_calloc(n, sizeof(*order));
	for (i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), compare, what);
	return order;
}

size_t *mb_json_sort_kv(const struct mb_kv *kv)
{
	return sorted(kv->n, kv, compare_pairs);
}

size_t *mb_json_sort_strv(const struct mb_strv *sv)
{
	return sorted(sv->n, sv, compare_strings);
}

static void done_elements(const struct mb_json_field *f, void *s)
{
	char *elements = *MB_JSON_MEMBER(f, s, char *);
	size_t n = *MB_JSON_OTHER(f, s, size_t);

	for (size_t i = 0; i < n && f->table; i++) {
		char *element = elements + i * f->size;

		mb_json_done(f->table, element);
		if (f->kind == MB_JSON_KIND_MAP)
			free(*(char **)(void *)(element + f->key));
	}
	free(elements);
	*MB_JSON_MEMBER(f, s, char *) = NULL;
	*MB_JSON_OTHER(f, s, size_t) = 0;
}

static void done_pointer(const struct mb_json_field *f, void *s)
{
	void **pointer = MB_JSON_MEMBER(f, s, void *);

	if (*pointer)
		mb_json_done(f->table, *pointer);
	free(*pointer);
	*pointer = NULL;
}

static void done_member(const struct mb_json_field *f, void *s)
{
	switch (f->kind) {
	case MB_JSON_KIND_STR:
		free(*MB_JSON_MEMBER(f, s, char *));
		*MB_JSON_MEMBER(f, s, char *) = NULL;
		break;
	case MB_JSON_KIND_STRV:
	case MB_JSON_KIND_SET:
		mb_strv_done(MB_JSON_MEMBER(f, s, struct mb_strv));
		break;
	case MB_JSON_KIND_KV:
		mb_kv_done(MB_JSON_MEMBER(f, s, struct mb_kv));
		break;
	case MB_JSON_KIND_OBJ:
		mb_json_done(f->table, MB_JSON_MEMBER(f, s, char));
		break;
	case MB_JSON_KIND_PTR:
		done_pointer(f, s);
		break;
	case MB_JSON_KIND_U32S:
	case MB_JSON_KIND_LIST:
	case MB_JSON_KIND_MAP:
		done_elements(f, s);
		break;
	case MB_JSON_KIND_RAW:
		mb_json_free(*MB_JSON_MEMBER(f, s, struct json_object *));
		*MB_JSON_MEMBER(f, s, struct json_object *) = NULL;
		break;
	case MB_JSON_KIND_BOOL:
		*MB_JSON_MEMBER(f, s, bool) = false;
		break;
	case MB_JSON_KIND_U16:
		*MB_JSON_MEMBER(f, s, uint16_t) = 0;
		break;
	case MB_JSON_KIND_INT:
	case MB_JSON_KIND_U32:
	case MB_JSON_KIND_ENUM:
		memset(MB_JSON_MEMBER(f, s, char), 0, sizeof(int));
		break;
	case MB_JSON_KIND_I64:
	case MB_JSON_KIND_U64:
	case MB_JSON_KIND_TIME:
		memset(MB_JSON_MEMBER(f, s, char), 0, sizeof(int64_t));
		break;
	case MB_JSON_KIND_END:
	case MB_JSON_KIND_REFUSED:
	case MB_JSON_KIND_SKIPPED:
		break;
	}
}

void mb_json_done(const struct mb_json_field *table, void *s)
{
	for (const struct mb_json_field *f = table; f->kind != MB_JSON_KIND_END; f++) {
		done_member(f, s);
		if (f->is_opt)
			*MB_JSON_OTHER(f, s, bool) = false;
	}
}
