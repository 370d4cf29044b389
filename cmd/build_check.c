/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_check.h"

#include <ctype.h>

#include "cmd/build_input.h"
#include "cmd/build_progress.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "core/own.h"

struct checking {
	const struct mb_cmd_build_input *input;
	struct mb_str text;
	unsigned n;
};

/* docker's page about a rule: "StageNameCasing" is ".../stage-name-casing/". */
static void add_page(const char *rule, struct mb_str *out)
{
	mb_str_add(out, "https://docs.docker.com/go/dockerfile/rule/");
	for (const char *s = rule; *s; s++) {
		if (isupper((unsigned char)*s) && s != rule &&
		    (!isupper((unsigned char)s[-1]) || islower((unsigned char)s[1])))
			mb_str_addc(out, '-');
		mb_str_addc(out, (char)tolower((unsigned char)*s));
	}
	mb_str_addc(out, '/');
}

static void take(void *arg, const struct mb_build_warning *w)
{
	struct checking *c = arg;
	MB_AUTO_FREE char *message = mb_printable(w->message);

	c->n++;
	mb_str_addf(&c->text, "\nWARNING: %s - ", w->rule ? w->rule : "build");
	if (w->rule)
		add_page(w->rule, &c->text);
	mb_str_addf(&c->text, "\n%s\n", message);
	if (w->where.first)
		mb_cmd_build_add_excerpt(c->input->name, mb_str_text(&c->input->dockerfile),
		                         w->where, &c->text);
}

int mb_cmd_build_check(struct mb_cmd_context *cx, const struct mb_cmd_build_input *input,
                       struct mb_build_request *request, struct mb_err *err)
{
	struct checking c = {.input = input};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_build_result result;
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err), put;

	request->report = (struct mb_build_report){.warn = take, .arg = &c};
	if (r == 0)
		r = mb_build_check(store, request, &result, err);
	if (c.n)
		mb_str_addf(&out, "Check complete, %u warning%s been found!\n", c.n,
		            c.n == 1 ? " has" : "s have");
	else if (r == 0)
		mb_str_add(&out, "Check complete, no warnings found.\n");
	mb_str_addn(&out, mb_str_text(&c.text), c.text.len);
	put = mb_cmd_put(&out);
	mb_str_done(&c.text);
	return r ? r : put;
}
