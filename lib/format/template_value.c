/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"
#include "format/template_tree.h"
#include "json/json.h"

struct mb_format_node *mb_format_node_new(enum mb_format_node_kind kind, size_t at)
{
	struct mb_format_node *node = mb_calloc(1, sizeof(*node));

	node->kind = kind;
	node->at = node->told = at;
	return node;
}

void mb_format_node_add(struct mb_format_node *node, struct mb_format_node *kid)
{
	/* Powers of two: a text with many actions is one long list. */
	if ((node->n_kids & (node->n_kids - 1)) == 0)
		node->kids = mb_realloc(node->kids, (node->n_kids ? node->n_kids * 2 : 1) *
		                                            sizeof(struct mb_format_node *));
	node->kids[node->n_kids++] = kid;
}

void mb_format_node_free(struct mb_format_node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->n_kids; i++)
		mb_format_node_free(node->kids[i]);
	free(node->kids);
	free(node->text);
	mb_strv_done(&node->names);
	mb_json_free(node->constant);
	free(node);
}

void mb_format_value_done(struct mb_format_value *v)
{
	mb_json_free(v->o);
	free(v->member);
	*v = MB_FORMAT_NO_VALUE;
}

struct mb_format_value mb_format_value_of(struct json_object *o)
{
	return (struct mb_format_value){.is_valid = true, .o = o};
}

struct mb_format_value mb_format_value_copy(const struct mb_format_value *v)
{
	return (struct mb_format_value){.is_valid = v->is_valid,
	                                .o = json_object_get(v->o),
	                                .member = mb_strdup_or_null(v->member)};
}

void mb_format_value_move(struct mb_format_value *slot, struct mb_format_value *v)
{
	struct mb_format_value moved = *v;

	*v = MB_FORMAT_NO_VALUE;
	mb_format_value_done(slot);
	*slot = moved;
}

bool mb_format_value_is_true(const struct mb_format_value *v)
{
	switch (json_object_get_type(v->o)) {
	case json_type_null:
		return false;
	case json_type_boolean:
		return json_object_get_boolean(v->o);
	case json_type_double:
		return json_object_get_double(v->o) != 0;
	case json_type_int:
		return json_object_get_int64(v->o) != 0;
	case json_type_object:
		return json_object_object_length(v->o) > 0;
	case json_type_array:
		return json_object_array_length(v->o) > 0;
	case json_type_string:
		return json_object_get_string_len(v->o) > 0;
	}
	return false;
}

const char *mb_format_json_type(const struct json_object *o)
{
	switch (json_object_get_type(o)) {
	case json_type_null:
		return "<nil>";
	case json_type_boolean:
		return "bool";
	case json_type_double:
		return "float64";
	case json_type_int:
		return "int";
	case json_type_object:
		return "map[string]interface {}";
	case json_type_array:
		return "[]interface {}";
	case json_type_string:
		return "string";
	}
	return "invalid";
}

void mb_format_json_keys(struct json_object *o, struct mb_strv *ret)
{
	json_object_object_foreach (o, key, value) {
		(void)value;
		mb_strv_add(ret, key);
	}
	mb_strv_sort(ret);
}

static void print_list(struct json_object *o, struct mb_str *out)
{
	mb_str_addc(out, '[');
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		if (i)
			mb_str_addc(out, ' ');
		mb_format_json_print(json_object_array_get_idx(o, i), out);
	}
	mb_str_addc(out, ']');
}

/* A set, as ExposedPorts is one: each of its values is a struct without members. */
static bool is_set(struct json_object *o)
{
	json_object_object_foreach (o, key, value) {
		(void)key;
		if (!json_object_is_type(value, json_type_object) ||
		    json_object_object_length(value) != 0)
			return false;
	}
	return true;
}

static void print_map(struct json_object *o, struct mb_str *out)
{
	MB_AUTO_STRV struct mb_strv keys = MB_STRV_INIT;
	bool set = is_set(o);

	mb_format_json_keys(o, &keys);
	mb_str_add(out, "map[");
	for (size_t i = 0; i < keys.n; i++) {
		mb_str_addf(out, "%s%s:", i ? " " : "", keys.v[i]);
		if (set)
			mb_str_add(out, "{}");
		else
			mb_format_json_print(mb_json_find(o, keys.v[i]), out);
	}
	mb_str_addc(out, ']');
}

void mb_format_json_print(struct json_object *o, struct mb_str *out)
{
	if (!o)
		mb_str_add(out, "<nil>");
	else if (json_object_is_type(o, json_type_string))
		mb_str_addn(out, json_object_get_string(o), (size_t)json_object_get_string_len(o));
	else if (json_object_is_type(o, json_type_array))
		print_list(o, out);
	else if (json_object_is_type(o, json_type_object))
		print_map(o, out);
	else
		mb_json_format(o, false, out);
}

void mb_format_value_print(const struct mb_format_value *v, struct mb_str *out)
{
	if (!v->o)
		mb_str_add(out, "<no value>");
	else
		mb_format_json_print(v->o, out);
}

static char row_mark;

void mb_format_row_mark(struct json_object *o)
{
	json_object_set_userdata(o, &row_mark, NULL);
}

bool mb_format_row_is_marked(const struct json_object *o)
{
	return json_object_is_type(o, json_type_object) &&
	       json_object_get_userdata((struct json_object *)(uintptr_t)o) == &row_mark;
}

void mb_format_html_safe(struct mb_str *json)
{
	struct mb_str safe = MB_STR_INIT;

	for (size_t i = 0; i < json->len; i++)
		if (strchr("<>&", json->buf[i]) && json->buf[i])
			mb_str_addf(&safe, "\\u%04x", (unsigned)json->buf[i]);
		else
			mb_str_addc(&safe, json->buf[i]);
	mb_str_done(json);
	*json = safe;
}
