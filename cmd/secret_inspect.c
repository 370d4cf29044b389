/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "secret/secret.h"
#include "json/json.h"

struct inspect_args {
	const char *format;
};

/* docker's members and podman's; the data is in neither. */
static struct json_object *describe(const struct mb_secret *s)
{
	struct json_object *o = mb_json_new_object(), *spec = mb_json_new_object();
	struct json_object *driver = mb_json_new_object(), *labels = mb_json_new_object();

	mb_json_set_str(o, "ID", s->id);
	mb_json_set_time(o, "CreatedAt", s->created);
	mb_json_set_time(o, "UpdatedAt", s->updated);
	mb_json_set_str(spec, "Name", s->name);
	mb_json_set_str(driver, "Name", s->driver);
	mb_json_set(spec, "Driver", driver);
	MB_KV_FOREACH (pair, &s->labels)
		mb_json_set_str(labels, pair->key, pair->value);
	mb_json_set(spec, "Labels", labels);
	mb_json_set(o, "Spec", spec);
	return o;
}

static int describe_one(void *arg, const char *name, struct json_object *values, struct mb_err *err)
{
	MB_AUTO(mb_secret_free) struct mb_secret *secret = NULL;
	int r = mb_secret_find(arg, name, &secret, err);

	if (r == MB_SECRET_ABSENT)
		mb_cmd_say("Error: No such secret: %s", name);
	else if (r != 0)
		mb_cmd_report(err);
	else
		mb_json_push(values, describe(secret));
	return r;
}

static int inspect_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct inspect_args *args = in->args;
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	return r < 0 ? r : mb_cmd_inspect_each(in, args->format, describe_one, store, err);
}

static const struct mb_cli_opt inspect_opts[] = {
	MB_OPT_STRING('f', "format", NULL, struct inspect_args, format,
                      "print by a Go template, or \"json\""),
	MB_OPT_REFUSED(0, "showsecret", false, "a secret is shown to containers alone"),
	MB_OPT_IGNORED(0, "pretty", false, NULL),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_secret_inspect = {
	.paths = "secret inspect",
	.summary = "show all about one or more secrets but their data",
	.operands = "SECRET [SECRET...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_SECRET},
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.main = inspect_main,
};
