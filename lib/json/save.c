/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/clock.h"
#include "core/str.h"
#include "json/row.h"

static void save_object(const struct mb_json_field *table, void *in, struct mb_str *out);

static void save_text(const char *s, struct mb_str *out)
{
	mb_json_format_string(s ? s : "", s ? strlen(s) : 0, out);
}

static void save_name(const char *name, bool first, struct mb_str *out)
{
	if (!first)
		mb_str_addc(out, ',');
	save_text(name, out);
	mb_str_addc(out, ':');
}

static void save_strv(const struct mb_strv *sv, struct mb_str *out)
{
	mb_str_addc(out, '[');
	for (size_t i = 0; i < sv->n; i++) {
		if (i)
			mb_str_addc(out, ',');
		save_text(sv->v[i], out);
	}
	mb_str_addc(out, ']');
}

static void save_set(const struct mb_strv *sv, struct mb_str *out)
{
	MB_AUTO_FREE size_t *order = mb_json_sort_strv(sv);
	const char *before = NULL;

	mb_str_addc(out, '{');
	for (size_t i = 0; i < sv->n; i++) {
		const char *name = sv->v[order ? order[i] : i];

		if (before && strcmp(name, before) == 0)
			continue;
		save_name(name, !before, out);
		mb_str_add(out, "{}");
		before = name;
	}
	mb_str_addc(out, '}');
}

static void save_kv(const struct mb_kv *kv, struct mb_str *out)
{
	MB_AUTO_FREE size_t *order = mb_json_sort_kv(kv);

	mb_str_addc(out, '{');
	for (size_t i = 0; i < kv->n; i++) {
		const struct mb_kv_pair *pair = &kv->v[order ? order[i] : i];

		save_name(pair->key, i == 0, out);
		save_text(pair->value, out);
	}
	mb_str_addc(out, '}');
}

static void save_u32s(const uint32_t *v, size_t n, struct mb_str *out)
{
	mb_str_addc(out, '[');
	for (size_t i = 0; i < n; i++)
		mb_str_addf(out, i ? ",%u" : "%u", v[i]);
	mb_str_addc(out, ']');
}

static void save_elements(const struct mb_json_field *f, char *v, size_t n, struct mb_str *out)
{
	bool is_map = f->kind == MB_JSON_KIND_MAP;

	mb_str_addc(out, is_map ? '{' : '[');
	for (size_t i = 0; i < n; i++) {
		char *element = v + i * f->size;

		if (is_map)
			save_name(*(char **)(void *)(element + f->key), i == 0, out);
		else if (i)
			mb_str_addc(out, ',');
		save_object(f->table, element, out);
	}
	mb_str_addc(out, is_map ? '}' : ']');
}

static void save_number(const struct mb_json_field *f, void *in, struct mb_str *out)
{
	if (f->kind == MB_JSON_KIND_BOOL)
		mb_str_add(out, *MB_JSON_MEMBER(f, in, bool) ? "true" : "false");
	else if (f->kind == MB_JSON_KIND_INT)
		mb_str_addf(out, "%d", *MB_JSON_MEMBER(f, in, int));
	else if (f->kind == MB_JSON_KIND_U16)
		mb_str_addf(out, "%u", (unsigned int)*MB_JSON_MEMBER(f, in, uint16_t));
	else if (f->kind == MB_JSON_KIND_U32)
		mb_str_addf(out, "%u", *MB_JSON_MEMBER(f, in, uint32_t));
	else if (f->kind == MB_JSON_KIND_I64)
		mb_str_addf(out, "%lld", (long long)*MB_JSON_MEMBER(f, in, int64_t));
	else
		mb_str_addf(out, "%llu", (unsigned long long)*MB_JSON_MEMBER(f, in, uint64_t));
}

static void save_time(int64_t nsec, struct mb_str *out)
{
	char text[MB_TIME_TEXT];

	save_text(mb_time_format(nsec, text), out);
}

static void save_member(const struct mb_json_field *f, void *in, struct mb_str *out)
{
	switch (f->kind) {
	case MB_JSON_KIND_STR:
		save_text(*MB_JSON_MEMBER(f, in, char *), out);
		break;
	case MB_JSON_KIND_BOOL:
	case MB_JSON_KIND_INT:
	case MB_JSON_KIND_U16:
	case MB_JSON_KIND_U32:
	case MB_JSON_KIND_I64:
	case MB_JSON_KIND_U64:
		save_number(f, in, out);
		break;
	case MB_JSON_KIND_TIME:
		save_time(*MB_JSON_MEMBER(f, in, int64_t), out);
		break;
	case MB_JSON_KIND_ENUM:
		save_text(f->names[*MB_JSON_MEMBER(f, in, int)], out);
		break;
	case MB_JSON_KIND_STRV:
		save_strv(MB_JSON_MEMBER(f, in, struct mb_strv), out);
		break;
	case MB_JSON_KIND_SET:
		save_set(MB_JSON_MEMBER(f, in, struct mb_strv), out);
		break;
	case MB_JSON_KIND_KV:
		save_kv(MB_JSON_MEMBER(f, in, struct mb_kv), out);
		break;
	case MB_JSON_KIND_U32S:
		save_u32s(*MB_JSON_MEMBER(f, in, uint32_t *), *MB_JSON_OTHER(f, in, size_t), out);
		break;
	case MB_JSON_KIND_OBJ:
		save_object(f->table, MB_JSON_MEMBER(f, in, char), out);
		break;
	case MB_JSON_KIND_PTR:
		if (*MB_JSON_MEMBER(f, in, void *))
			save_object(f->table, *MB_JSON_MEMBER(f, in, void *), out);
		else
			mb_str_add(out, "null");
		break;
	case MB_JSON_KIND_LIST:
	case MB_JSON_KIND_MAP:
		save_elements(f, *MB_JSON_MEMBER(f, in, char *), *MB_JSON_OTHER(f, in, size_t),
		              out);
		break;
	case MB_JSON_KIND_RAW:
		mb_json_format(*MB_JSON_MEMBER(f, in, struct json_object *), false, out);
		break;
	case MB_JSON_KIND_REFUSED:
	case MB_JSON_KIND_SKIPPED:
	case MB_JSON_KIND_END:
		break;
	}
}

/* Return: whether anything was written.  An embedded object that turns out to have no members
 * is taken back, which is why its length is looked at afterwards. */
static bool save_row(const struct mb_json_field *f, void *in, bool first, struct mb_str *out)
{
	bool wanted = f->flags & (MB_JSON_ALWAYS | MB_JSON_NULL | MB_JSON_REQUIRED);
	bool empty = mb_json_row_is_empty(f, in);
	size_t before = out->len, start;

	if (f->kind == MB_JSON_KIND_REFUSED || (!wanted && empty))
		return false;
	save_name(f->name, first, out);
	if ((f->flags & MB_JSON_NULL) && empty) {
		mb_str_add(out, "null");
		return true;
	}
	start = out->len;
	save_member(f, in, out);
	if (wanted || f->kind != MB_JSON_KIND_OBJ || out->len > start + strlen("{}"))
		return true;
	out->len = before;
	out->buf[before] = '\0';
	return false;
}

static void save_object(const struct mb_json_field *table, void *in, struct mb_str *out)
{
	bool first = true;

	mb_str_addc(out, '{');
	for (const struct mb_json_field *f = table; f->kind != MB_JSON_KIND_END; f++)
		if (save_row(f, in, first, out))
			first = false;
	mb_str_addc(out, '}');
}

void mb_json_save(const struct mb_json_field *table, const void *in, struct mb_str *out)
{
	save_object(table, (void *)(uintptr_t)in, out);
}
