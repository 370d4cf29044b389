/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <json-c/json_object.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/image.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "container/shape.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "json/json.h"

struct inspect_args {
	const char *format;
};

/* The image's own document, as it came. */
static int read_config(struct mb_store *store, const struct mb_image *image,
                       struct json_object **ret, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *whole = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = mb_image_config_read(store, image->id, &text, err);

	if (r == 0)
		r = mb_json_parse_object(text.buf, text.len, &whole, err);
	if (r)
		return r;
	*ret = mb_take_ptr(&whole);
	return 0;
}

static struct json_object *new_part(struct json_object *whole, const char *key)
{
	struct json_object *part = mb_json_find(whole, key);

	part = json_object_is_type(part, json_type_object) ? json_object_get(part)
	                                                   : mb_json_new_object();
	return mb_container_shape(part, mb_container_shape_config);
}

static void add_names(struct json_object *o, const struct mb_strv *names,
                      const struct mb_strv *digests)
{
	struct json_object *tags = mb_json_new_array();

	MB_STRV_FOREACH (name, names) {
		struct mb_cmd_image_name split = {0};

		mb_cmd_image_name_split(name, &split);
		if (mb_streq(split.digest, "<none>"))
			mb_json_push_str(tags, name);
		mb_cmd_image_name_done(&split);
	}
	mb_json_set(o, "RepoTags", tags);
	mb_json_set(o, "RepoDigests", mb_json_new_strv(digests));
}

static struct json_object *new_rootfs(const struct mb_image *image)
{
	struct json_object *rootfs = mb_json_new_object(), *layers = mb_json_new_array();

	MB_STRV_FOREACH (hex, &image->diff_ids) {
		MB_AUTO_FREE char *digest = mb_asprintf("sha256:%s", hex);
		mb_json_push_str(layers, digest);
	}
	mb_json_set_str(rootfs, "Type", "layers");
	mb_json_set(rootfs, "Layers", layers);
	return rootfs;
}

/* Of its layers the topmost is docker's upper one. */
static struct json_object *new_driver(struct mb_store *store, const struct mb_image *image)
{
	struct json_object *driver = mb_json_new_object(), *data = NULL;
	MB_AUTO_STR struct mb_str all = MB_STR_INIT;
	char *rest;

	mb_image_layers_text(store, &image->layers, &all);
	if (all.len) {
		data = mb_json_new_object();
		rest = strchr(all.buf, ':');
		if (rest) {
			*rest++ = '\0';
			mb_json_set_str(data, "LowerDir", rest);
		}
		mb_json_set_str(data, "UpperDir", all.buf);
	}
	mb_json_set(driver, "Data", data);
	mb_json_set_str(driver, "Name", "overlay2");
	return driver;
}

static void add_facts(struct json_object *o, struct mb_store *store, const struct mb_image *image,
                      struct json_object *whole)
{
	const char *os_version = mb_json_find_str(whole, "os.version", "");
	struct json_object *metadata = mb_json_new_object();

	mb_json_set_str(o, "Parent", "");
	mb_json_set_str(o, "Comment", image->comment ? image->comment : "");
	mb_json_set_time(o, "Created", image->created);
	mb_json_set_str(o, "Container", "");
	mb_json_set(o, "ContainerConfig", new_part(whole, "container_config"));
	mb_json_set_str(o, "DockerVersion", mb_json_find_str(whole, "docker_version", ""));
	mb_json_set_str(o, "Author", image->author ? image->author : "");
	mb_json_set(o, "Config", new_part(whole, "config"));
	mb_json_set_str(o, "Architecture", image->architecture ? image->architecture : "");
	if (image->variant && *image->variant)
		mb_json_set_str(o, "Variant", image->variant);
	mb_json_set_str(o, "Os", image->os ? image->os : "linux");
	if (*os_version)
		mb_json_set_str(o, "OsVersion", os_version);
	mb_json_set_i64(o, "Size", (int64_t)image->size);
	mb_json_set_i64(o, "VirtualSize", (int64_t)image->size);
	mb_json_set(o, "GraphDriver", new_driver(store, image));
	mb_json_set(o, "RootFS", new_rootfs(image));
	mb_json_set_time(metadata, "LastTagTime", 0);
	mb_json_set(o, "Metadata", metadata);
}

int mb_cmd_image_describe(struct mb_store *store, const struct mb_image *image,
                          struct json_object **ret, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_new_object();
	MB_AUTO_FREE char *id = mb_asprintf("sha256:%s", image->id);
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT, digests = MB_STRV_INIT;
	MB_AUTO(mb_json_free) struct json_object *whole = NULL;
	int r = mb_image_names(store, image->id, &names, err);

	if (r == 0)
		r = mb_image_digests(store, image->id, &digests, err);
	if (r == 0)
		r = read_config(store, image, &whole, err);
	if (r)
		return r;
	mb_json_set_str(o, "Id", id);
	add_names(o, &names, &digests);
	add_facts(o, store, image, whole);
	*ret = mb_take_ptr(&o);
	return 0;
}

static int describe_one(void *arg, const char *name, struct json_object *values, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	struct json_object *value = NULL;
	int r = mb_image_find(arg, name, &image, NULL, err);

	if (r > 0)
		mb_cmd_say("Error: %s", err->msg);
	if (r == 0)
		r = mb_cmd_image_describe(arg, image, &value, err);
	if (r == 0)
		mb_json_push(values, value);
	else if (r < 0)
		mb_cmd_report(err);
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
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_image_inspect = {
	.paths = "image inspect",
	.summary = "show all about one or more images",
	.operands = "IMAGE [IMAGE...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_IMAGE},
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.examples = "mybox image inspect -f '{{json .Config.Cmd}}' debian\n",
	.main = inspect_main,
};
