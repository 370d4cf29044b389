/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Client and server are one program here; both are shown, because scripts ask for either. */
#include <string.h>
#include <sys/utsname.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/platform.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "json/json.h"

/* The level of docker's interface that the command line follows. */
#define API_VERSION     "1.41"
#define MIN_API_VERSION "1.12"

struct version_args {
	const char *format;
};

static void describe(struct mb_str *out)
{
	mb_str_addf(out, "Client:\n Version:           %s\n API version:       %s\n", MB_VERSION,
	            API_VERSION);
	mb_str_addf(out, " OS/Arch:           linux/%s\n Context:           default\n",
	            mb_cmd_architecture());
	mb_str_addf(out, "\nServer:\n Engine:\n  Version:          %s\n", MB_VERSION);
	mb_str_addf(out, "  API version:      %s (minimum version %s)\n", API_VERSION,
	            MIN_API_VERSION);
	mb_str_addf(out, "  OS/Arch:          linux/%s\n", mb_cmd_architecture());
}

static struct json_object *new_side(void)
{
	struct json_object *side = mb_json_new_object();

	mb_json_set_str(side, "Version", MB_VERSION);
	mb_json_set_str(side, "ApiVersion", API_VERSION);
	mb_json_set_str(side, "APIVersion", API_VERSION);
	mb_json_set_str(side, "Os", "linux");
	mb_json_set_str(side, "Arch", mb_cmd_architecture());
	mb_json_set_str(side, "GitCommit", "");
	mb_json_set_str(side, "GoVersion", "");
	mb_json_set_str(side, "BuildTime", "");
	mb_json_set_bool(side, "Experimental", false);
	return side;
}

/* docker's parts of the server, of which one is here: all values are text. */
static struct json_object *new_components(struct json_object *server)
{
	static const char *const keys[] = {"ApiVersion",    "Arch",      "BuildTime",
	                                   "GitCommit",     "GoVersion", "KernelVersion",
	                                   "MinAPIVersion", "Os"};
	struct json_object *list = mb_json_new_array(), *engine = mb_json_new_object();
	struct json_object *details = mb_json_new_object();

	mb_json_set_str(engine, "Name", "Engine");
	mb_json_set_str(engine, "Version", MB_VERSION);
	for (size_t i = 0; i < MB_N(keys); i++)
		mb_json_set_str(details, keys[i], mb_json_find_str(server, keys[i], ""));
	mb_json_set_str(details, "Experimental", "false");
	mb_json_set(engine, "Details", details);
	mb_json_push(list, engine);
	return list;
}

static struct json_object *new_document(void)
{
	struct json_object *version = mb_json_new_object(), *platform = NULL;
	struct json_object *client = new_side(), *server = new_side();
	struct utsname uts = {0};

	platform = mb_json_new_object();
	mb_json_set_str(platform, "Name", "mybox");
	mb_json_set(client, "Platform", platform);
	mb_json_set_str(client, "DefaultAPIVersion", API_VERSION);
	mb_json_set_str(client, "Context", "default");
	platform = mb_json_new_object();
	mb_json_set_str(platform, "Name", "mybox");
	mb_json_set(server, "Platform", platform);
	mb_json_set_str(server, "MinAPIVersion", MIN_API_VERSION);
	uname(&uts);
	mb_json_set_str(server, "KernelVersion", uts.release);
	mb_json_set(server, "Components", new_components(server));
	mb_json_set(version, "Client", client);
	mb_json_set(version, "Server", server);
	return version;
}

static int version_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct version_args *args = in->args;
	MB_AUTO(mb_json_free) struct json_object *document = NULL;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)cx;
	if (!args->format || !*args->format) {
		describe(&out);
		return mb_cmd_put(&out);
	}
	document = new_document();
	return mb_cmd_document_put(args->format, document, err);
}

static const struct mb_cli_opt version_opts[] = {
	MB_OPT_STRING('f', "format", NULL, struct version_args, format,
                      "print by a Go template, or \"json\""),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_version = {
	.paths = "version|system version",
	.summary = "show the version of mybox",
	.common = true,
	.unprivileged = true,
	.opts = version_opts,
	.args_size = sizeof(struct version_args),
	.examples = "mybox version\nmybox version --format '{{.Server.APIVersion}}'\n",
	.main = version_main,
};
