/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The expected texts are what docker's client 28 printed for two such containers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/str.h"
#include "format/table.h"
#include "format/template.h"
#include "json/json.h"

static const struct mb_format_column columns[] = {
	{"ID", "CONTAINER ID", false}, {"Image", "IMAGE", false}, {"Ports", "PORTS", false},
	{"Names", "NAMES", false},     {"Size", "SIZE", true},    {"Labels", "LABELS", true},
	{NULL, NULL, false},
};

static const char *const items[] = {
	"{\"Names\":\"web\",\"ID\":\"aaaaaaaaaaaa\",\"Image\":\"deb:12\",\"Ports\":\"80/tcp\","
	"\"Labels\":\"b=c,com.x.proj-name=v\",\"hidden\":{\"b\":\"c\",\"com.x.proj-name\":\"v\"}}",
	"{\"Names\":\"\xc3\xa9\",\"ID\":\"caaaaaaaaaaa\",\"Image\":\"deb\",\"Ports\":\"\","
	"\"Labels\":\"\",\"hidden\":{}}",
};
static const char odd[] = "{\"Names\":\"a&b\",\"Ports\":\"1->2\",\"Image\":\"<\"}";

static int call(void *user, struct json_object *object, const char *name,
                struct json_object *const *args, size_t n_args, struct json_object **ret,
                struct mb_err *err)
{
	struct json_object *holder = NULL;

	(void)user;
	(void)err;
	if (strcmp(name, "Size") == 0 && !n_args) {
		holder = mb_json_new_array();
		mb_json_push_str(holder, "5B");
		*ret = holder;
		return 0;
	}
	if (strcmp(name, "Label") != 0 || n_args != 1)
		return 1;
	(void)args;
	*ret = mb_json_ref(mb_json_walk(object, "hidden", "b", NULL));
	return 0;
}

static const struct mb_format_host host = {.type = "*formatter.ContainerContext", .call = call};

static int print_list(const char *format, const char *show, size_t n, struct mb_str *out,
                      struct mb_err *err)
{
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	int r = mb_format_list_new(format, columns, &host, &list, err);

	if (r < 0)
		return r;
	if (show)
		mb_format_list_show(list, show, true);
	for (size_t i = 0; i < n && r == 0; i++) {
		MB_AUTO(mb_json_free) struct json_object *item = NULL;

		assert_int_equal(mb_json_parse(items[i], strlen(items[i]), &item, NULL), 0);
		r = mb_format_list_add(list, item, err);
	}
	return r < 0 ? r : mb_format_list_finish(list, out, err);
}

static void list_prints(void **state)
{
	static const char all[] = "CONTAINER ID   IMAGE     PORTS     NAMES\n"
				  "aaaaaaaaaaaa   deb:12    80/tcp    web\n"
				  "caaaaaaaaaaa   deb                 \xc3\xa9\n";
	static const struct {
		const char *format, *out;
	} rows[] = {
		{NULL, all},
		{"", all},
		{"table", all},
		{"table {{.ID}}\\t{{.Names}}", "CONTAINER ID   NAMES\n"
	                                       "aaaaaaaaaaaa   web\n"
	                                       "caaaaaaaaaaa   \xc3\xa9\n"},
		{"table   {{.ID}}", "CONTAINER ID\naaaaaaaaaaaa\ncaaaaaaaaaaa\n"},
		{"table{{.ID}}", "CONTAINER ID\naaaaaaaaaaaa\ncaaaaaaaaaaa\n"},
		{"table {{.ID}} {{.Names}}",
	         "CONTAINER ID NAMES\naaaaaaaaaaaa web\ncaaaaaaaaaaa \xc3\xa9\n"},
		{"table {{.Names}}\\t", "NAMES     \nweb       \n\xc3\xa9         \n"},
		{"table {{upper .Names}}\\t{{json .ID}}\\t{{truncate .Image 2}}|{{.Names}}",
	         "NAMES     CONTAINER ID     IMAGE|NAMES\n"
	         "WEB       \"aaaaaaaaaaaa\"   de|web\n"
	         "\xc3\xa9         \"caaaaaaaaaaa\"   de|\xc3\xa9\n"},
		{"table {{printf \"%s-%s\" .ID .Names}}",
	         "CONTAINER ID-NAMES\naaaaaaaaaaaa-web\ncaaaaaaaaaaa-\xc3\xa9\n"},
		{"table {{.Label \"com.x.proj-name\"}}\\t{{.Names}}",
	         "proj name    NAMES\nc            web\n<no value>   \xc3\xa9\n"},
		{"table {{if .Ports}}{{.Ports}}{{else}}none{{end}}\\t{{.Names}}",
	         "PORTS     NAMES\n80/tcp    web\nnone      \xc3\xa9\n"},
		{"table {{.ID}}\\n{{.Names}}\\tx", "CONTAINER ID\nNAMES     x\naaaaaaaaaaaa\nweb   "
	                                           "    x\ncaaaaaaaaaaa\n\xc3\xa9         x\n"},
		{"{{.ID}}\\t{{.Names}}\\n-", "aaaaaaaaaaaa\tweb\n-\ncaaaaaaaaaaa\t\xc3\xa9\n-\n"},
		{"{{.Label \"b\"}}|{{.Labels}}", "c|b=c,com.x.proj-name=v\n<no value>|\n"},
		{"{{.Size}}", "[5B]\n[5B]\n"},
		{"json", "{\"ID\":\"aaaaaaaaaaaa\",\"Image\":\"deb:12\",\"Labels\":\"b=c,com.x."
	                 "proj-name=v\","
	                 "\"Names\":\"web\",\"Ports\":\"80/tcp\"}\n"
	                 "{\"ID\":\"caaaaaaaaaaa\",\"Image\":\"deb\",\"Labels\":\"\",\"Names\":"
	                 "\"\xc3\xa9\","
	                 "\"Ports\":\"\"}\n"},
		{"{{json .}}", "{\"ID\":\"aaaaaaaaaaaa\",\"Image\":\"deb:12\",\"Labels\":\"b=c,com."
	                       "x.proj-name=v\","
	                       "\"Names\":\"web\",\"Ports\":\"80/tcp\"}\n"
	                       "{\"ID\":\"caaaaaaaaaaa\",\"Image\":\"deb\",\"Labels\":\"\","
	                       "\"Names\":\"\xc3\xa9\","
	                       "\"Ports\":\"\"}\n"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;
		struct mb_err err = MB_ERR_INIT;

		if (print_list(rows[i].format, NULL, MB_N(items), &out, &err) < 0)
			fail_msg("%s: %s", rows[i].format, err.msg);
		if (strcmp(out.buf, rows[i].out) != 0)
			fail_msg("%s\n gives\n%s not\n%s", rows[i].format, out.buf, rows[i].out);
	}
}

/* As Go's Marshal has items; what is asked for by name is as it is. */
static void list_json_is_html_safe(void **state)
{
	static const char safe[] = "{\"Image\":\"\\u003c\",\"Names\":\"a\\u0026b\","
				   "\"Ports\":\"1-\\u003e2\"}\n";
	static const struct {
		const char *format, *out;
	} rows[] = {
		{"json", safe},
		{"{{json .}}", safe},
		{"{{json .Ports}}", "\"1->2\"\n"},
		{"{{with .}}{{json .}}{{end}}", safe},
		{"{{.Ports}}", "1->2\n"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
		MB_AUTO(mb_json_free) struct json_object *item = NULL;
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		assert_int_equal(mb_json_parse(odd, strlen(odd), &item, NULL), 0);
		assert_int_equal(mb_format_list_new(rows[i].format, columns, NULL, &list, NULL), 0);
		assert_int_equal(mb_format_list_add(list, item, NULL), 0);
		assert_int_equal(mb_format_list_finish(list, &out, NULL), 0);
		assert_string_equal(mb_str_text(&out), rows[i].out);
	}
}

static void list_without_items(void **state)
{
	static const struct {
		const char *format, *out;
	} rows[] = {
		{NULL, "CONTAINER ID   IMAGE     PORTS     NAMES\n"},
		{"table {{.Names}}\\t{{.ID}}", "NAMES     CONTAINER ID\n"},
		{"{{.ID}}", ""},
		{"json", ""},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		assert_int_equal(print_list(rows[i].format, NULL, 0, &out, NULL), 0);
		assert_string_equal(mb_str_text(&out), rows[i].out);
	}
}

static void list_shows_more(void **state)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	assert_int_equal(print_list(NULL, "Size", 1, &out, NULL), 0);
	assert_string_equal(out.buf, "CONTAINER ID   IMAGE     PORTS     NAMES     SIZE\n"
	                             "aaaaaaaaaaaa   deb:12    80/tcp    web       [5B]\n");
}

static void list_fails(void **state)
{
	static const struct {
		const char *format, *msg;
	} rows[] = {
		{"{{.Foo}}",
	         "template: :1:2: executing \"\" at <.Foo>: can't evaluate field Foo in "
	         "type *formatter.ContainerContext"},
		{"table {{.hidden}}", "template: :1:2: executing \"\" at <.hidden>: can't evaluate "
	                              "field hidden in type *formatter.ContainerContext"},
		{"{{.ID}", "template: :1: bad character U+007D '}'"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(print_list(rows[i].format, NULL, 1, &out, &err), -EINVAL);
		assert_string_equal(err.msg, rows[i].msg);
	}
}

static void list_uses(void **state)
{
	static const struct {
		const char *format;
		bool uses_size, is_table, uses_all;
	} rows[] = {
		{NULL, false, true, false},
		{"json", false, false, true},
		{"{{json .}}", false, false, true},
		{"{{.Size}}", true, false, false},
		{"table {{.ID}}{{.Size}}", true, true, false},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_format_list *list = NULL;

		assert_int_equal(mb_format_list_new(rows[i].format, columns, NULL, &list, NULL), 0);
		assert_int_equal(mb_format_list_uses(list, "Size"), rows[i].uses_size);
		assert_int_equal(mb_format_list_is_table(list), rows[i].is_table);
		assert_int_equal(mb_format_list_uses_all(list), rows[i].uses_all);
		if (!rows[i].format) {
			mb_format_list_show(list, "Size", true);
			assert_true(mb_format_list_uses(list, "Size"));
		}
		mb_format_list_free(list);
	}
}

static void cells_align(void **state)
{
	static const char *const cells[] = {
		"TYPE",
		"TOTAL",
		"SIZE",
		"Local Volumes",
		"3",
		"1kB",
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5",
		"",
		"",
	};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	mb_format_cells(cells, 3, 3, MB_FORMAT_LEAST, &out);
	assert_string_equal(out.buf,
	                    "TYPE            TOTAL     SIZE\n"
	                    "Local Volumes   3         1kB\n"
	                    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5                  \n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_json_is_html_safe),
		cmocka_unit_test(list_prints),
		cmocka_unit_test(list_without_items),
		cmocka_unit_test(list_shows_more),
		cmocka_unit_test(list_fails),
		cmocka_unit_test(list_uses),
		cmocka_unit_test(cells_align),
	};

	return cmocka_run_group_tests_name("format/table", tests, NULL, NULL);
}
