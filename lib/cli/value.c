/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/value.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"

bool mb_cli_value_is_taken(const struct mb_cli_opt *opt)
{
	if (opt->kind == MB_CLI_IGNORED || opt->kind == MB_CLI_REFUSED)
		return opt->valued;
	return opt->kind != MB_CLI_SWITCH && opt->kind != MB_CLI_TRI && opt->kind != MB_CLI_COUNT;
}

bool mb_cli_value_is_needed(const struct mb_cli_opt *opt)
{
	return mb_cli_value_is_taken(opt) && !opt->bare;
}

char *mb_cli_value_quote(const char *text)
{
	MB_AUTO_FREE char *shown = mb_printable(text);
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	mb_str_addc(&out, '"');
	for (const char *s = shown; *s; s++) {
		if (*s == '"')
			mb_str_addc(&out, '\\');
		mb_str_addc(&out, *s);
	}
	mb_str_addc(&out, '"');
	return mb_str_take(&out);
}

/* What Go's strconv says, which is what people have in their eyes and scripts. */
static int fail_number(struct mb_err *err, int r, const char *function, const char *text)
{
	MB_AUTO_FREE char *quoted = mb_cli_value_quote(text);

	return mb_fail(err, EINVAL, "strconv.%s: parsing %s: %s", function, quoted,
	               r == -ERANGE ? "value out of range" : "invalid syntax");
}

static int set_bool(const struct mb_cli_opt *opt, void *member, const char *text,
                    struct mb_err *err)
{
	bool value = true;
	int r = text ? mb_parse_bool(text, &value) : 0;

	if (r < 0)
		return fail_number(err, r, "ParseBool", text);
	if (opt->kind == MB_CLI_TRI)
		*(int *)member = value ? MB_CLI_YES : MB_CLI_NO;
	else
		*(bool *)member = value;
	return 0;
}

static int set_number(const struct mb_cli_opt *opt, void *member, const char *text,
                      struct mb_err *err)
{
	int r = 0;

	if (opt->kind == MB_CLI_INT)
		r = mb_parse_int(text, member);
	else if (opt->kind == MB_CLI_I64)
		r = mb_parse_i64(text, member);
	else
		r = mb_parse_u64(text, member);
	if (r < 0)
		return fail_number(err, r, opt->kind == MB_CLI_U64 ? "ParseUint" : "ParseInt",
		                   text);
	return 0;
}

static int set_size(const struct mb_cli_opt *opt, int64_t *member, const char *text,
                    struct mb_err *err)
{
	int r = 0;

	if (opt->minus_one && mb_streq(text, "-1")) {
		*member = -1;
		return 0;
	}
	r = mb_parse_size(text, member);
	if (r < 0) {
		MB_AUTO_FREE char *shown = mb_printable(text);
		return mb_fail(err, EINVAL, "invalid size: '%s'", shown);
	}
	return 0;
}

static int set_time(const struct mb_cli_opt *opt, int64_t *member, const char *text,
                    struct mb_err *err)
{
	int r = opt->kind == MB_CLI_CPUS ? mb_parse_nano_cpus(text, member)
	                                 : mb_parse_duration(text, member);

	if (r < 0) {
		MB_AUTO_FREE char *quoted = mb_cli_value_quote(text);
		if (opt->kind == MB_CLI_CPUS)
			return mb_fail(err, EINVAL, "failed to parse %s as a rational number",
			               quoted);
		return mb_fail(err, EINVAL, "time: invalid duration %s", quoted);
	}
	return 0;
}

static int set_choice(const struct mb_cli_opt *opt, int *member, const char *text,
                      struct mb_err *err)
{
	MB_AUTO_STR struct mb_str list = MB_STR_INIT;

	for (int i = 0; opt->choices[i]; i++) {
		if (mb_streq(opt->choices[i], text)) {
			*member = i;
			return 0;
		}
		mb_str_addf(&list, "%s%s", i ? ", " : "", opt->choices[i]);
	}
	return mb_fail(err, EINVAL, "must be one of: %s", mb_str_text(&list));
}

static int set_count(int *member, const char *text, struct mb_err *err)
{
	int r = 0;

	if (!text) {
		(*member)++;
		return 0;
	}
	r = mb_parse_int(text, member);
	return r < 0 ? fail_number(err, r, "ParseInt", text) : 0;
}

int mb_cli_value_set(const struct mb_cli_opt *opt, void *args, const char *text, struct mb_err *err)
{
	void *member = (char *)args + opt->offset;

	if (!text && mb_cli_value_is_taken(opt))
		text = opt->bare ? opt->bare : "";
	switch (opt->kind) {
	case MB_CLI_SWITCH:
	case MB_CLI_TRI:
		return set_bool(opt, member, text, err);
	case MB_CLI_STRING:
		*(const char **)member = text;
		return 0;
	case MB_CLI_INT:
	case MB_CLI_I64:
	case MB_CLI_U64:
		return set_number(opt, member, text, err);
	case MB_CLI_SIZE:
		return set_size(opt, member, text, err);
	case MB_CLI_CPUS:
	case MB_CLI_DURATION:
		return set_time(opt, member, text, err);
	case MB_CLI_LIST:
		if (opt->is_pairs && !strchr(text, '='))
			return mb_fail(err, EINVAL, "bad format of filter (expected name=value)");
		mb_strv_add(member, text);
		return 0;
	case MB_CLI_KV:
		mb_kv_set_pair(member, text);
		return 0;
	case MB_CLI_CHOICE:
		return set_choice(opt, member, text, err);
	case MB_CLI_COUNT:
		return set_count(member, text, err);
	case MB_CLI_IGNORED:
	case MB_CLI_REFUSED:
		break;
	}
	return 0;
}

void mb_cli_value_done(const struct mb_cli_opt *opt, void *args)
{
	void *member = (char *)args + opt->offset;

	if (opt->kind == MB_CLI_LIST)
		mb_strv_done(member);
	else if (opt->kind == MB_CLI_KV)
		mb_kv_done(member);
}

const char *mb_cli_value_word(const struct mb_cli_opt *opt)
{
	static const char *const words[] = {
		[MB_CLI_STRING] = "string",     [MB_CLI_INT] = "int",    [MB_CLI_I64] = "int",
		[MB_CLI_U64] = "uint",          [MB_CLI_SIZE] = "bytes", [MB_CLI_CPUS] = "decimal",
		[MB_CLI_DURATION] = "duration", [MB_CLI_LIST] = "list",  [MB_CLI_KV] = "map",
		[MB_CLI_CHOICE] = "string",     [MB_CLI_REFUSED] = NULL,
	};

	if (!mb_cli_value_is_taken(opt))
		return "";
	if (opt->value)
		return opt->value;
	return words[opt->kind] ? words[opt->kind] : "string";
}
