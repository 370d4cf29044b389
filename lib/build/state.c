/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/state.h"

#include <stdlib.h>
#include <string.h>

#include "build/names.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "json/json.h"

void mb_build_state_done(struct mb_build_state *s)
{
	mb_strv_done(&s->layers);
	mb_strv_done(&s->keys);
	mb_oci_image_config_done(&s->config);
	mb_kv_done(&s->args);
	*s = (struct mb_build_state){0};
}

void mb_build_state_scratch(struct mb_build_state *s, const char *platform)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	struct mb_oci_image_config *config = &s->config;

	mb_strv_split(&parts, platform, '/');
	config->os = mb_strdup(parts.v[0]);
	config->architecture = mb_strdup(parts.n > 1 ? parts.v[1] : "");
	config->variant = parts.n > 2 ? mb_strdup(parts.v[2]) : NULL;
	config->rootfs_type = mb_strdup("layers");
	config->config.working_dir = mb_strdup("/");
	mb_strv_add(&config->config.env,
	            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

int mb_build_state_from_image(struct mb_store *store, const struct mb_image *image,
                              struct mb_build_state *ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = mb_image_config_read(store, image->id, &text, err);

	if (r == 0)
		r = mb_oci_image_config_load(mb_str_text(&text), text.len, &ret->config, err);
	if (r < 0)
		return r;
	mb_strv_add_all(&ret->layers, &image->layers);
	for (size_t i = 0; i < image->layers.n; i++)
		mb_strv_add(&ret->keys, "");
	ret->bytes = image->size;
	ret->newest = ret->config.created;
	ret->base_time = ret->config.created;
	ret->n_base = (int64_t)ret->config.n_history;
	return 0;
}

int mb_build_state_copy(const struct mb_build_state *from, struct mb_build_state *ret,
                        struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *tree = mb_oci_image_config_save(&from->config);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r;

	mb_json_format(tree, false, &text);
	r = mb_oci_image_config_load(mb_str_text(&text), text.len, &ret->config, err);
	if (r < 0)
		return r;
	mb_strv_add_all(&ret->layers, &from->layers);
	mb_strv_add_all(&ret->keys, &from->keys);
	mb_kv_set_all(&ret->args, &from->args);
	ret->bytes = from->bytes;
	ret->newest = from->newest;
	ret->base_time = from->base_time;
	ret->n_base = from->n_base;
	ret->is_dated = from->is_dated;
	return 0;
}

const char *mb_build_state_top(const struct mb_build_state *s)
{
	return s->layers.n ? s->layers.v[s->layers.n - 1] : NULL;
}

void mb_build_state_push(struct mb_build_state *s, const struct mb_build_top *top)
{
	mb_strv_add(&s->layers, top->chain);
	mb_strv_add(&s->keys, top->key);
	mb_strv_addf(&s->config.diff_ids, "sha256:%s", top->diff_id);
	s->bytes += top->bytes;
	s->top_bytes = top->bytes;
	if (top->created > s->newest)
		s->newest = top->created;
}

void mb_build_state_history(struct mb_build_state *s, const char *created_by, bool has_layer)
{
	struct mb_oci_image_config *config = &s->config;

	config->history =
		mb_realloc(config->history, (config->n_history + 1) * sizeof(*config->history));
	config->history[config->n_history++] = (struct mb_oci_history){
		.created = s->newest,
		.created_by = mb_strdup(created_by),
		.comment = mb_strdup("mybox build"),
		.empty_layer = !has_layer,
	};
}

const char *mb_build_state_find(void *state, const char *name)
{
	const struct mb_build_state *s = state;
	const char *value = mb_kv_find(&s->args, name);

	return value ? value : mb_env_find(&s->config.config.env, name);
}

void mb_build_state_env(const struct mb_build_state *s, const struct mb_kv *build_args,
                        struct mb_strv *out)
{
	/* Those of the proxy need no ARG. */
	MB_KV_FOREACH (pair, build_args)
		if (mb_build_name_is_proxy(pair->key))
			mb_strv_addf(out, "%s=%s", pair->key, pair->value);
	MB_STRV_FOREACH (assignment, &s->config.config.env)
		mb_env_set(out, assignment);
	MB_KV_FOREACH (pair, &s->args) {
		MB_AUTO_FREE char *assignment = mb_asprintf("%s=%s", pair->key, pair->value);

		mb_env_set(out, assignment);
	}
	if (!mb_env_find(out, "PATH"))
		mb_strv_add(out,
		            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}
