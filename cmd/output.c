/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json_object.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/go_field.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "format/template.h"
#include "json/json.h"

enum { EXIT_FAIL = 1, EXIT_TEMPLATE = 64, EXIT_BROKEN_PIPE = 141 };

static const char labels_key[] = "_labels"; /* no column: never in --format json */

bool mb_cmd_is_tty(int fd)
{
	return mb_cmd_width(fd) > 0;
}

bool mb_cmd_is_shown(int fd)
{
	const char *shown = getenv(MB_CMD_SHOWN);

	return mb_cmd_is_tty(fd) || (shown && strchr(shown, '0' + fd));
}

bool mb_cmd_size(int fd, size_t *ret_rows, size_t *ret_columns)
{
	struct winsize size = {0};

	if (ioctl(fd, TIOCGWINSZ, &size) < 0)
		return false;
	*ret_rows = size.ws_row ? size.ws_row : 24;
	*ret_columns = size.ws_col ? size.ws_col : 80;
	return true;
}

size_t mb_cmd_width(int fd)
{
	size_t rows, columns;

	return mb_cmd_size(fd, &rows, &columns) ? columns : 0;
}

bool mb_cmd_has_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < MB_N(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "UTF-8") || strcasestr(value, "utf8");
	}
	return false;
}

bool mb_cmd_has_colour(int fd)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	if (no && *no)
		return false;
	return term && strcmp(term, "dumb") != 0 && mb_cmd_is_tty(fd);
}

int mb_cmd_put(const struct mb_str *text)
{
	int r = mb_write_full(STDOUT_FILENO, mb_str_text(text), text->len);

	if (r == 0)
		return 0;
	if (r == -EPIPE)
		return EXIT_BROKEN_PIPE;
	mb_cmd_say("mybox: cannot write to standard output: %s", strerror(-r));
	return EXIT_FAIL;
}

int mb_cmd_put_line(const char *text)
{
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;

	mb_str_addf(&line, "%s\n", text);
	return mb_cmd_put(&line);
}

/* The same lines without what could move the terminal; tabs and line ends stay. */
static void make_safe(struct mb_str *text)
{
	MB_AUTO_STR struct mb_str safe = MB_STR_INIT;
	char *at = text->buf;

	while (at && *at) {
		size_t len = strcspn(at, "\n\t");
		char end = at[len];
		MB_AUTO_FREE char *shown = NULL;

		at[len] = '\0';
		shown = mb_printable(at);
		mb_str_add(&safe, shown);
		if (!end)
			break;
		mb_str_addc(&safe, end);
		at += len + 1;
	}
	mb_str_done(text);
	*text = safe;
	safe = MB_STR_INIT;
}

const char *mb_cmd_list_format(const char *format, bool quiet, const char *quiet_template)
{
	if (format && *format)
		return format;
	return quiet ? quiet_template : NULL;
}

static int call_label(void *user, struct json_object *object, const char *name,
                      struct json_object *const *args, size_t n_args, struct json_object **ret,
                      struct mb_err *err)
{
	struct json_object *labels = mb_json_find(object, labels_key);

	(void)user;
	(void)err;
	if (!labels || n_args != 1 || strcmp(name, "Label") != 0)
		return 1;
	*ret = json_object_new_string(
		mb_json_find_str(labels, json_object_get_string(args[0]), ""));
	return 0;
}

const struct mb_format_host *mb_cmd_list_host(void)
{
	static const struct mb_format_host host = {.call = call_label};

	return &host;
}

void mb_cmd_row_labels(struct json_object *row, const struct mb_kv *labels)
{
	struct json_object *map = mb_json_new_object();
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	MB_KV_FOREACH (pair, labels) {
		mb_str_addf(&text, "%s%s=%s", text.len ? "," : "", pair->key, pair->value);
		mb_json_set_str(map, pair->key, pair->value);
	}
	mb_json_set(row, labels_key, map);
	mb_json_set_str(row, "Labels", mb_str_text(&text));
}

int mb_cmd_put_safe(struct mb_str *text)
{
	if (mb_cmd_is_shown(STDOUT_FILENO))
		make_safe(text);
	return mb_cmd_put(text);
}

int mb_cmd_list_put(struct mb_format_list *list, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	int r = mb_format_list_finish(list, &out, err);

	if (r < 0)
		return r;
	return mb_cmd_put_safe(&out);
}

/* Members whose own members are the user's words: one that is not there is no mistake. */
static bool value_is_struct(void *user, struct json_object *object, const char *member)
{
	static const char *const maps[] = {
		"Labels",  "Options",      "Containers",  "Networks",           "Ports",
		"Volumes", "ExposedPorts", "Sysctls",     "DriverOpts",         "PortBindings",
		"Tmpfs",   "Data",         "Annotations", "AuxiliaryAddresses",
	};

	(void)user;
	(void)object;
	for (size_t i = 0; member && i < MB_N(maps); i++)
		if (strcmp(member, maps[i]) == 0)
			return false;
	return true;
}

/* Docker's exit codes: 64 for a template that cannot be read, 1 for one that fails. */
static int template_failed(int code, int r, struct mb_err *err)
{
	mb_wrap(err, r, "template parsing error");
	mb_cmd_report(err);
	return code;
}

static int put_text(struct mb_str *out)
{
	if (mb_cmd_is_shown(STDOUT_FILENO))
		make_safe(out);
	return mb_cmd_put(out);
}

static int run_template(const char *format, struct json_object *const *values, size_t n,
                        struct mb_err *err)
{
	static const struct mb_format_host host = {.is_struct = value_is_struct,
	                                           .call = mb_cmd_go_field};
	MB_AUTO(mb_format_template_free) struct mb_format_template *t = NULL;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	int r = mb_format_template_new(format, false, &t, err);

	if (r < 0)
		return template_failed(EXIT_TEMPLATE, r, err);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = mb_format_template_run(t, values[i], &host, &out, err);
		if (r == 0)
			mb_str_addc(&out, '\n');
	}
	if (r == 0)
		return put_text(&out);
	if (!out.len) /* docker ends the line that it has not begun */
		mb_str_addc(&out, '\n');
	put_text(&out);
	return template_failed(EXIT_FAIL, r, err);
}

static int put_json(struct json_object *value, bool pretty)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	mb_json_format(value, pretty, &out);
	mb_str_addc(&out, '\n');
	return put_text(&out);
}

static bool is_template(const char *format)
{
	return format && *format && strcmp(format, "json") != 0;
}

int mb_cmd_inspect_put(const char *format, struct json_object *values, struct mb_err *err)
{
	size_t n = json_object_array_length(values);
	MB_AUTO_FREE struct json_object **each = mb_calloc(n + 1, sizeof(struct json_object *));

	if (!is_template(format))
		return put_json(values, !format || !*format);
	for (size_t i = 0; i < n; i++)
		each[i] = json_object_array_get_idx(values, i);
	return run_template(format, each, n, err);
}

int mb_cmd_inspect_each(const struct mb_cli_input *in, const char *format,
                        int (*one)(void *arg, const char *name, struct json_object *values,
                                   struct mb_err *err),
                        void *arg, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *values = mb_json_new_array();
	bool failed = false;
	int r;

	for (size_t i = 0; i < in->n_operands; i++) {
		struct mb_err why = MB_ERR_INIT;

		failed |= one(arg, in->operands[i], values, &why) != 0;
	}
	r = mb_cmd_inspect_put(format, values, err);
	return r == 0 && failed ? 1 : r;
}

int mb_cmd_document_put(const char *format, struct json_object *value, struct mb_err *err)
{
	return is_template(format) ? run_template(format, &value, 1, err) : put_json(value, false);
}

bool mb_cmd_confirm(const char *warning)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char answer[8] = "";
	ssize_t n = 0;

	mb_str_addf(&text, "%s\nAre you sure you want to continue? [y/N] ", warning);
	mb_cmd_put(&text);
	n = read(STDIN_FILENO, answer, sizeof(answer) - 1);
	return n > 0 && (answer[0] == 'y' || answer[0] == 'Y') &&
	       (answer[1] == '\n' || answer[1] == '\0');
}
