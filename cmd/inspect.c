/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/image.h"
#include "cmd/network.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "cmd/volume.h"
#include "container/container.h"
#include "container/inspect.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"
#include "image/image.h"
#include "net/net.h"
#include "volume/volume.h"
#include "json/json.h"

struct inspect_args {
	const char *format, *type;
	bool size;
};

struct inspecting {
	struct mb_store *store;
	struct mb_net *net;
	bool size;
	struct mb_strv faults;         /* told after what was found */
	struct mb_container_list lost; /* those without a monitor, which get one after that */
};

/* Each: 0 and *@ret; 1, there is no such; -errno, told. */
typedef int inspect_fn(struct inspecting *x, const char *name, struct json_object **ret,
                       struct mb_err *err);

static int of_container(struct inspecting *x, const char *name, struct json_object **ret,
                        struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	int r = mb_container_find(x->store, name, &c, err);

	if (r == MB_CONTAINER_AMBIGUOUS)
		return -EINVAL;
	if (r == 0)
		r = mb_container_inspect(c, x->net, x->size, ret, err);
	if (r == 0 && c->state.monitor_lost) {
		struct mb_container **slot =
			mb_container_append(&x->lost.v, &x->lost.n, sizeof(struct mb_container *));

		*slot = mb_take_ptr(&c);
	}
	return r;
}

static int of_image(struct inspecting *x, const char *name, struct json_object **ret,
                    struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	int r = mb_image_find(x->store, name, &image, NULL, err);

	if (r == MB_IMAGE_AMBIGUOUS)
		return -EINVAL;
	return r ? r : mb_cmd_image_describe(x->store, image, ret, err);
}

static int of_network(struct inspecting *x, const char *name, struct json_object **ret,
                      struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	int r = mb_net_network_find(x->net, name, &n, err);

	return r ? r : mb_cmd_network_describe(x->net, n, ret, err);
}

static int of_volume(struct inspecting *x, const char *name, struct json_object **ret,
                     struct mb_err *err)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	int r = mb_volume_find(x->store, name, &volume, err);

	/* What cannot be a volume's name is none. */
	if (r == MB_VOLUME_ABSENT || r == -EINVAL)
		return 1;
	if (r == 0)
		*ret = mb_cmd_volume_describe(volume);
	return r;
}

static const struct {
	const char *type;
	inspect_fn *inspect;
} kinds[] = {
	{"container", of_container},
	{"image", of_image},
	{"network", of_network},
	{"volume", of_volume},
};

static int inspect_one(struct inspecting *x, const char *type, const char *name,
                       struct json_object **ret)
{
	bool asked = false;

	for (size_t i = 0; i < MB_N(kinds); i++) {
		struct mb_err err = MB_ERR_INIT;
		int r;

		if (type && strcmp(type, kinds[i].type) != 0)
			continue;
		asked = true;
		r = kinds[i].inspect(x, name, ret, &err);
		if (r < 0)
			mb_strv_addf(&x->faults, "mybox: %s", err.msg);
		if (r <= 0)
			return r;
	}
	if (type && asked)
		mb_strv_addf(&x->faults, "Error: No such %s: %s", type, name);
	else
		mb_strv_addf(&x->faults, "Error: No such object: %s", name);
	return 1;
}

static int inspect_all(struct mb_cmd_context *cx, const struct mb_cli_input *in, const char *type,
                       struct mb_err *err)
{
	const struct inspect_args *args = in->args;
	MB_AUTO(mb_json_free) struct json_object *values = mb_json_new_array();
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	struct inspecting x = {.size = args->size};
	bool known = !type;
	int r;

	for (size_t i = 0; i < MB_N(kinds); i++)
		known |= type && strcmp(kinds[i].type, type) == 0;
	if (!known)
		return mb_fail(err, EINVAL, "\"%s\" is not a valid value for --type", type);
	r = mb_cmd_store(cx, &x.store, err);
	if (r < 0)
		return r;
	mb_net_new(x.store, &net);
	x.net = net;
	for (size_t i = 0; i < in->n_operands; i++) {
		struct json_object *value = NULL;

		if (inspect_one(&x, type, in->operands[i], &value) == 0)
			mb_json_push(values, value);
	}
	r = mb_cmd_inspect_put(args->format, values, err);
	MB_STRV_FOREACH (fault, &x.faults)
		mb_cmd_say("%s", fault);
	if (r == 0 && x.faults.n)
		r = 1;
	mb_strv_done(&x.faults);
	for (size_t i = 0; i < x.lost.n; i++)
		mb_container_adopt_seen(x.lost.v[i]);
	mb_container_list_done(&x.lost);
	return r;
}

static int inspect_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct inspect_args *args = in->args;

	return inspect_all(cx, in, args->type && *args->type ? args->type : NULL, err);
}

static int container_inspect_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                                  struct mb_err *err)
{
	return inspect_all(cx, in, "container", err);
}

#define ROWS                                                            \
	MB_OPT_STRING('f', "format", NULL, struct inspect_args, format, \
	              "print by a Go template, or \"json\""),           \
		MB_OPT_SWITCH('s', "size", struct inspect_args, size,   \
	                      "add the sizes of a container"),

static const struct mb_cli_opt container_inspect_opts[] = {ROWS MB_OPT_END};
static const struct mb_cli_opt inspect_opts[] = {
	ROWS MB_OPT_STRING('t', "type", NULL, struct inspect_args, type,
                           "container, image, network or volume"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_inspect = {
	.paths = "inspect",
	.summary = "show all about containers, images, networks or volumes",
	.operands = "NAME|ID [NAME|ID...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_CONTAINER},
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.main = inspect_main,
};

const struct mb_cli_verb mb_cmd_container_inspect = {
	.paths = "container inspect",
	.summary = "show all about one or more containers",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_CONTAINER},
	.opts = container_inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.main = container_inspect_main,
};
