/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/table.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/str.h"
#include "core/strv.h"
#include "core/utf8.h"
#include "format/cells.h"
#include "format/template.h"
#include "format/template_tree.h"
#include "json/json.h"

enum form { FORM_COLUMNS, FORM_TABLE, FORM_LINES, FORM_JSON };

struct mb_format_list {
	enum form form;
	const struct mb_format_column *columns;
	const struct mb_format_host *host;
	struct mb_format_template *template; /* NULL for columns and JSON */
	struct mb_strv order;                /* fields by name, for JSON */
	bool *is_shown;                      /* of each column */
	struct mb_str body;                  /* cells between tabs, one line an item */
};

/* One item while its template runs. */
struct turn {
	const struct mb_format_list *list;
	struct json_object *item, *fields; /* as given; the columns alone */
};

static bool is_column(const struct mb_format_list *list, const char *name)
{
	return mb_strv_has(&list->order, name);
}

static bool turn_is_struct(void *user, struct json_object *object, const char *member)
{
	const struct turn *turn = user;
	const struct mb_format_host *host = turn->list->host;

	if (object == turn->fields)
		return true;
	return host && host->is_struct && host->is_struct(host->user, object, member);
}

static int turn_call(void *user, struct json_object *object, const char *name,
                     struct json_object *const *args, size_t n_args, struct json_object **ret,
                     struct mb_err *err)
{
	const struct turn *turn = user;
	const struct mb_format_host *host = turn->list->host;
	bool is_item = object == turn->fields;
	int r = 1;

	if (host && host->call)
		r = host->call(host->user, is_item ? turn->item : object, name, args, n_args, ret,
		               err);
	if (r != 1 || !is_item || n_args || !is_column(turn->list, name))
		return r;
	*ret = NULL;
	return 0;
}

static void choose_form(const char *format, struct mb_format_list *list, const char **ret_text)
{
	const char *rest;

	*ret_text = NULL;
	if (!format || !*format || strcmp(format, "table") == 0) {
		list->form = FORM_COLUMNS;
	} else if (strcmp(format, "json") == 0) {
		list->form = FORM_JSON;
	} else if ((rest = mb_skip_prefix(format, "table"))) {
		list->form = FORM_TABLE;
		*ret_text = rest + strspn(rest, " \t\n");
	} else {
		list->form = FORM_LINES;
		*ret_text = format;
	}
}

int mb_format_list_new(const char *format, const struct mb_format_column *columns,
                       const struct mb_format_host *host, struct mb_format_list **ret,
                       struct mb_err *err)
{
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = mb_calloc(1, sizeof(*list));
	const char *text;
	size_t n = 0;
	int r = 0;

	list->columns = columns;
	list->host = host;
	for (; columns[n].field; n++)
		mb_strv_add(&list->order, columns[n].field);
	mb_strv_sort(&list->order);
	list->is_shown = mb_calloc(n + 1, sizeof(bool));
	for (size_t i = 0; i < n; i++)
		list->is_shown[i] = !columns[i].is_off;
	choose_form(format, list, &text);
	if (text)
		r = mb_format_template_new(text, true, &list->template, err);
	if (r == 0)
		*ret = mb_take_ptr(&list);
	return r;
}

void mb_format_list_free(struct mb_format_list *list)
{
	if (!list)
		return;
	mb_format_template_free(list->template);
	mb_strv_done(&list->order);
	free(list->is_shown);
	mb_str_done(&list->body);
	free(list);
}

void mb_format_list_show(struct mb_format_list *list, const char *field, bool on)
{
	for (size_t i = 0; list->columns[i].field; i++)
		if (strcmp(list->columns[i].field, field) == 0)
			list->is_shown[i] = on;
}

bool mb_format_list_uses(const struct mb_format_list *list, const char *field)
{
	if (list->template)
		return mb_format_template_uses(list->template, field);
	for (size_t i = 0; list->columns[i].field && list->form == FORM_COLUMNS; i++)
		if (strcmp(list->columns[i].field, field) == 0)
			return list->is_shown[i];
	return false;
}

bool mb_format_list_uses_all(const struct mb_format_list *list)
{
	return list->form == FORM_JSON ||
	       (list->template && mb_format_template_uses(list->template, NULL));
}

bool mb_format_list_is_table(const struct mb_format_list *list)
{
	return list->form == FORM_COLUMNS || list->form == FORM_TABLE;
}

/* What the host makes of a field that the item does not carry, or null. */
static int field_text(struct turn *turn, const char *field, struct mb_str *out, struct mb_err *err)
{
	struct json_object *value = mb_json_find(turn->item, field), *made = NULL;
	const char *text;
	int r;

	if (!value) {
		r = turn_call(turn, turn->fields, field, NULL, 0, &made, err);
		if (r < 0)
			return r;
		value = made;
	}
	text = mb_json_find_str(turn->item, field, NULL);
	if (text)
		mb_str_add(out, text);
	else if (value)
		mb_format_cell_add_json(value, out);
	mb_json_free(made);
	return 0;
}

static int add_columns(struct mb_format_list *list, struct turn *turn, struct mb_err *err)
{
	bool first = true;
	int r = 0;

	for (size_t i = 0; list->columns[i].field && r == 0; i++) {
		if (!list->is_shown[i])
			continue;
		if (!first)
			mb_str_addc(&list->body, '\t');
		first = false;
		r = field_text(turn, list->columns[i].field, &list->body, err);
	}
	return r;
}

static struct json_object *only_columns(const struct mb_format_list *list, struct json_object *item)
{
	struct json_object *fields = mb_json_new_object();

	MB_STRV_FOREACH (name, &list->order) {
		struct json_object *value = mb_json_find(item, name);

		if (value)
			mb_json_set(fields, name, mb_json_ref(value));
	}
	return fields;
}

static void add_json(struct mb_format_list *list, struct json_object *fields)
{
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;

	mb_json_format(fields, false, &line);
	mb_format_html_safe(&line);
	mb_str_addn(&list->body, mb_str_text(&line), line.len);
}

int mb_format_list_add(struct mb_format_list *list, struct json_object *item, struct mb_err *err)
{
	/* Columns are taken from the item itself, one by one. */
	MB_AUTO(mb_json_free)
	struct json_object *fields =
		list->form == FORM_COLUMNS ? mb_json_new_object() : only_columns(list, item);
	struct turn turn = {.list = list, .item = item, .fields = fields};
	struct mb_format_host host = {
		.user = &turn,
		.is_struct = turn_is_struct,
		.type = list->host && list->host->type ? list->host->type : "list item",
		.call = turn_call,
	};
	int r = 0;

	mb_format_row_mark(fields);
	if (list->form == FORM_COLUMNS)
		r = add_columns(list, &turn, err);
	else if (list->form == FORM_JSON)
		add_json(list, fields);
	else
		r = mb_format_template_run(list->template, fields, &host, &list->body, err);
	mb_str_addc(&list->body, '\n');
	return r;
}

static int add_headings(struct mb_format_list *list, struct mb_str *out, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *headings = NULL;
	bool first = true;

	if (list->form == FORM_TABLE) {
		headings = mb_json_new_object();
		for (const struct mb_format_column *c = list->columns; c->field; c++)
			mb_json_set_str(headings, c->field, c->heading);
		return mb_format_template_run_header(list->template, headings, out, err);
	}
	for (size_t i = 0; list->columns[i].field; i++) {
		if (!list->is_shown[i])
			continue;
		if (!first)
			mb_str_addc(out, '\t');
		first = false;
		mb_str_add(out, list->columns[i].heading);
	}
	return 0;
}

int mb_format_list_finish(struct mb_format_list *list, struct mb_str *out, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r;

	if (!mb_format_list_is_table(list)) {
		mb_str_addn(out, mb_str_text(&list->body), list->body.len);
		return 0;
	}
	r = add_headings(list, &text, err);
	if (r < 0)
		return r;
	mb_str_addc(&text, '\n');
	mb_str_addn(&text, mb_str_text(&list->body), list->body.len);
	mb_format_cells_align(&text, MB_FORMAT_LEAST, out);
	return 0;
}
