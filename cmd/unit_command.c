/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/unit_command.h"

#include <errno.h>
#include <string.h>

#include "cmd/container_flags.h"
#include "cmd/context.h"
#include "container/container.h"
#include "container/exe.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "monitor/protocol.h"
#include "store/store.h"
#include "systemd/unit.h"

int mb_cmd_unit_program(const struct mb_cmd_context *cx, struct mb_str *line, struct mb_err *err)
{
	char exe[MB_MONITOR_PATH_MAX];
	int r = mb_container_exe_path(exe, sizeof(exe), err);

	if (r < 0)
		return r;
	mb_str_add(line, exe);
	if (!mb_streq(cx->root, MB_STORE_ROOT)) {
		mb_systemd_unit_add_word(line, "--root");
		mb_systemd_unit_add_word(line, cx->root);
	}
	if (!mb_streq(cx->run, MB_STORE_RUN)) {
		mb_systemd_unit_add_word(line, "--runroot");
		mb_systemd_unit_add_word(line, cx->run);
	}
	return 0;
}

static bool has_name(const struct mb_cli_opt *o, const char *name, size_t n)
{
	const char *alias = o->aliases;

	if (o->name && strlen(o->name) == n && strncmp(o->name, name, n) == 0)
		return true;
	while (alias && *alias) {
		size_t some = strcspn(alias, "|");

		if (some == n && strncmp(alias, name, n) == 0)
			return true;
		alias += some + (alias[some] == '|');
	}
	return false;
}

static const struct mb_cli_opt *find(const char *name, size_t n, char letter)
{
	for (const struct mb_cli_opt *o = mb_cmd_run_opts; o->kind; o++)
		if (letter ? o->letter == letter : has_name(o, name, n))
			return o;
	return NULL;
}

static bool takes_value(const struct mb_cli_opt *o)
{
	switch (o->kind) {
	case MB_CLI_SWITCH:
	case MB_CLI_TRI:
	case MB_CLI_COUNT:
		return false;
	case MB_CLI_IGNORED:
	case MB_CLI_REFUSED:
		return o->valued;
	case MB_CLI_STRING:
	case MB_CLI_INT:
	case MB_CLI_I64:
	case MB_CLI_U64:
	case MB_CLI_SIZE:
	case MB_CLI_CPUS:
	case MB_CLI_DURATION:
	case MB_CLI_LIST:
	case MB_CLI_KV:
	case MB_CLI_CHOICE:
		break;
	}
	return !o->bare;
}

static bool is_services(const struct mb_cli_opt *o)
{
	static const char *const names[] = {"detach",  "rm",        "name",       "restart",
	                                    "cidfile", "sdnotify",  "wait",       "wait-timeout",
	                                    "attach",  "sig-proxy", "detach-keys"};

	for (size_t i = 0; i < MB_N(names); i++)
		if (mb_streq(o->name, names[i]))
			return true;
	return false;
}

/* "-dit", "-eA=b": letters one after the other, the last may have a value. */
static size_t take_letters(const char *word, const char *next, struct mb_strv *out)
{
	for (const char *p = word + 1; *p; p++) {
		const struct mb_cli_opt *o = find(NULL, 0, *p);

		if (o && takes_value(o)) {
			if (!is_services(o))
				mb_strv_addf(out, "-%s", p);
			if (!p[1] && next && !is_services(o))
				mb_strv_add(out, next);
			return p[1] ? 1 : 2;
		}
		if (o && !is_services(o))
			mb_strv_addf(out, "-%c", *p);
	}
	return 1;
}

static size_t take_long(const char *word, const char *next, struct mb_strv *out)
{
	size_t n = strcspn(word + 2, "=");
	const struct mb_cli_opt *o = find(word + 2, n, 0);
	bool has_next = o && takes_value(o) && word[2 + n] != '=' && next;

	if (o && !is_services(o)) {
		mb_strv_add(out, word);
		if (has_next)
			mb_strv_add(out, next);
	}
	return has_next ? 2 : 1;
}

int mb_cmd_unit_command(const struct mb_container *c, struct mb_strv *words, struct mb_err *err)
{
	const struct mb_strv *all = &c->record->config.create_command;
	size_t i = 1;

	/* Before the verb are the options of mybox itself. */
	while (i < all->n && strcmp(all->v[i], "run") != 0 && strcmp(all->v[i], "create") != 0)
		i++;
	if (i >= all->n)
		return mb_fail(err, ENOTSUP, "container '%s' was not made by run or create",
		               mb_container_name(c));
	for (i++; i < all->n && all->v[i][0] == '-' && strcmp(all->v[i], "--") != 0;) {
		const char *next = i + 1 < all->n ? all->v[i + 1] : NULL;

		i += all->v[i][1] == '-' ? take_long(all->v[i], next, words)
		                         : take_letters(all->v[i], next, words);
	}
	for (; i < all->n; i++)
		mb_strv_add(words, all->v[i]);
	return 0;
}
