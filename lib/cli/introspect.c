/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Written by hand, not by lib/json: that folder is on this one's level, and the texts are our
 * own constants. */
#include "cli/introspect.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/value.h"
#include "core/str.h"

static const char *const kinds[] = {
	[MB_CLI_SWITCH] = "switch", [MB_CLI_TRI] = "tri",         [MB_CLI_STRING] = "string",
	[MB_CLI_INT] = "int",       [MB_CLI_I64] = "i64",         [MB_CLI_U64] = "u64",
	[MB_CLI_SIZE] = "size",     [MB_CLI_CPUS] = "cpus",       [MB_CLI_DURATION] = "duration",
	[MB_CLI_LIST] = "list",     [MB_CLI_KV] = "map",          [MB_CLI_CHOICE] = "choice",
	[MB_CLI_COUNT] = "count",   [MB_CLI_IGNORED] = "ignored", [MB_CLI_REFUSED] = "refused",
};

static void add_string_n(const char *text, size_t len, struct mb_str *out)
{
	mb_str_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			mb_str_addf(out, "\\%c", c);
		else if (c < 0x20)
			mb_str_addf(out, "\\u%04x", (unsigned int)c);
		else
			mb_str_addc(out, (char)c);
	}
	mb_str_addc(out, '"');
}

static void add_member(const char *key, const char *text, struct mb_str *out)
{
	size_t len = 0;

	if (!text || !*text)
		return;
	while (text[len])
		len++;
	mb_str_addf(out, ",\"%s\":", key);
	add_string_n(text, len, out);
}

static void add_names(const char *key, const char *names, struct mb_str *out)
{
	const char *name = NULL;
	size_t len = 0;
	bool first = true;

	mb_str_addf(out, "\"%s\":[", key);
	while (mb_cli_names_next(&names, &name, &len)) {
		mb_str_add(out, first ? "" : ",");
		add_string_n(name, len, out);
		first = false;
	}
	mb_str_addc(out, ']');
}

static void add_choices(const char *const *choices, struct mb_str *out)
{
	if (!choices)
		return;
	mb_str_add(out, ",\"choices\":[");
	for (int i = 0; choices[i]; i++)
		mb_str_addf(out, "%s\"%s\"", i ? "," : "", choices[i]);
	mb_str_addc(out, ']');
}

static void add_options(const char *key, const struct mb_cli_opt *opts, struct mb_str *out)
{
	mb_str_addf(out, ",\"%s\":[", key);
	for (const struct mb_cli_opt *o = opts; o && o->kind; o++) {
		const char letter[] = {o->letter, '\0'};

		mb_str_addf(out, "%s{\"name\":\"%s\",\"kind\":\"%s\"", o == opts ? "" : ",",
		            o->name, kinds[o->kind]);
		add_member("letter", letter, out);
		add_member("value", mb_cli_value_word(o), out);
		add_member("default", o->def, out);
		add_member("help", o->help, out);
		add_member("deprecated", o->deprecated, out);
		if (o->aliases) {
			mb_str_addc(out, ',');
			add_names("aliases", o->aliases, out);
		}
		add_choices(o->choices, out);
		mb_str_add(out, o->hidden ? ",\"hidden\":true}" : "}");
	}
	mb_str_addc(out, ']');
}

static void add_verb(const struct mb_cli_verb *v, struct mb_str *out)
{
	mb_str_addc(out, '{');
	add_names("paths", v->paths, out);
	add_member("summary", v->summary, out);
	add_member("operands", v->operands, out);
	mb_str_addf(out, ",\"min\":%d,\"max\":%d,\"stop_at_operand\":%s,\"hidden\":%s", v->min,
	            v->max, v->stop_at_operand ? "true" : "false", v->hidden ? "true" : "false");
	add_options("options", v->opts, out);
	mb_str_addc(out, '}');
}

void mb_cli_introspect(const struct mb_cli_program *program, struct mb_str *out)
{
	mb_str_addf(out, "{\"program\":\"%s\"", program->name);
	add_options("globals", program->globals, out);
	mb_str_add(out, ",\"parents\":[");
	for (const struct mb_cli_parent *p = program->parents; p->name; p++)
		mb_str_addf(out, "%s{\"name\":\"%s\",\"summary\":\"%s\"}",
		            p == program->parents ? "" : ",", p->name, p->summary);
	mb_str_add(out, "],\"verbs\":[");
	for (const struct mb_cli_verb *const *v = program->verbs; *v; v++) {
		mb_str_add(out, v == program->verbs ? "" : ",");
		add_verb(*v, out);
	}
	mb_str_add(out, "]}\n");
}
