/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs ask docker where it works before they use it.  Here it is always this machine, and there
 * is no socket to name. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "format/table.h"
#include "json/json.h"

#define NAME "default"

struct context_args {
	const char *format;
	bool quiet;
};

static const struct mb_format_column columns[] = {
	{"Name", "NAME"},
	{"Description", "DESCRIPTION"},
	{"DockerEndpoint", "DOCKER ENDPOINT"},
	{"KubernetesEndpoint", "KUBERNETES ENDPOINT"},
	{"StackOrchestrator", "ORCHESTRATOR"},
	{"Current", "CURRENT", .is_off = true},
	{NULL},
};

/* docker marks the current one in its table, and nowhere else. */
static int ls_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct context_args *args = in->args;
	const char *format = mb_cmd_list_format(args->format, args->quiet, "{{.Name}}");
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	MB_AUTO(mb_json_free) struct json_object *row = mb_json_new_object();
	int r = mb_format_list_new(format, columns, mb_cmd_list_host(), &list, err);

	(void)cx;
	mb_json_set_bool(row, "Current", true);
	mb_json_set_str(row, "Description", "this machine, without a daemon");
	mb_json_set_str(row, "DockerEndpoint", "");
	mb_json_set_str(row, "KubernetesEndpoint", "");
	mb_json_set_str(row, "Name", format ? NAME : NAME " *");
	mb_json_set_str(row, "StackOrchestrator", "");
	if (r == 0)
		r = mb_format_list_add(list, row, err);
	return r < 0 ? r : mb_cmd_list_put(list, err);
}

static int show_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	(void)cx;
	(void)in;
	(void)err;
	return mb_cmd_put_line(NAME);
}

static struct json_object *new_document(void)
{
	struct json_object *o = mb_json_new_object(), *endpoints = mb_json_new_object();
	struct json_object *docker = mb_json_new_object(), *storage = mb_json_new_object();

	mb_json_set_str(o, "Name", NAME);
	mb_json_set(o, "Metadata", mb_json_new_object());
	mb_json_set_str(docker, "Host", "");
	mb_json_set_bool(docker, "SkipTLSVerify", false);
	mb_json_set(endpoints, "docker", docker);
	mb_json_set(o, "Endpoints", endpoints);
	mb_json_set(o, "TLSMaterial", mb_json_new_object());
	mb_json_set_str(storage, "MetadataPath", "<IN MEMORY>");
	mb_json_set_str(storage, "TLSPath", "<IN MEMORY>");
	mb_json_set(o, "Storage", storage);
	return o;
}

static int inspect_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct context_args *args = in->args;
	MB_AUTO(mb_json_free) struct json_object *values = mb_json_new_array();

	(void)cx;
	for (size_t i = 0; i < in->n_operands; i++) {
		if (strcmp(in->operands[i], NAME) != 0)
			return mb_fail(err, ENOENT, "context '%s' does not exist", in->operands[i]);
		mb_json_push(values, new_document());
	}
	if (in->n_operands == 0)
		mb_json_push(values, new_document());
	return mb_cmd_inspect_put(args->format, values, err);
}

static const struct mb_cli_opt ls_opts[] = {
	MB_OPT_STRING(0, "format", NULL, struct context_args, format,
                      "print by a Go template, \"table\" or \"json\""),
	MB_OPT_SWITCH('q', "quiet", struct context_args, quiet, "print names only"),
	MB_OPT_END,
};
static const struct mb_cli_opt inspect_opts[] = {
	MB_OPT_STRING('f', "format", NULL, struct context_args, format,
                      "print by a Go template, or \"json\""),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_context_ls = {
	.paths = "context ls|context list",
	.summary = "tell programs that ask for docker's contexts which there is",
	.unprivileged = true,
	.opts = ls_opts,
	.args_size = sizeof(struct context_args),
	.examples = "mybox context ls --format '{{json .}}'\n",
	.main = ls_main,
};

const struct mb_cli_verb mb_cmd_context_show = {
	.paths = "context show",
	.summary = "print the name of docker's context that is in use",
	.unprivileged = true,
	.examples = "mybox context show\n",
	.main = show_main,
};

const struct mb_cli_verb mb_cmd_context_inspect = {
	.paths = "context inspect",
	.summary = "show what docker would tell of its contexts",
	.operands = "[CONTEXT...]",
	.max = MB_CLI_MANY,
	.unprivileged = true,
	.opts = inspect_opts,
	.args_size = sizeof(struct context_args),
	.examples = "mybox context inspect\n",
	.main = inspect_main,
};
