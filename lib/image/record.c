/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/parse.h"
#include "core/sha256.h"
#include "core/str.h"
#include "oci/digest.h"
#include "oci/image_spec.h"
#include "store/doc.h"
#include "json/json.h"

#define SUFFIX   ".record"
#define RESERVED "io.mybox."

static const struct mb_json_field settings_table[] = {
	MB_JSON_STR("user", struct mb_image_settings, user),
	MB_JSON_STR("workdir", struct mb_image_settings, workdir),
	MB_JSON_STR("stop_signal", struct mb_image_settings, stop_signal),
	MB_JSON_STRV("env", struct mb_image_settings, env),
	MB_JSON_STRV("entrypoint", struct mb_image_settings, entrypoint),
	MB_JSON_STRV("cmd", struct mb_image_settings, cmd),
	MB_JSON_STRV("shell", struct mb_image_settings, shell),
	MB_JSON_STRV("volumes", struct mb_image_settings, volumes),
	MB_JSON_STRV("ports", struct mb_image_settings, ports),
	MB_JSON_KV("labels", struct mb_image_settings, labels),
	MB_JSON_RAW("healthcheck", struct mb_image_settings, healthcheck),
	MB_JSON_END,
};

static const struct mb_json_field image_table[] = {
	MB_JSON_STR("id", struct mb_image, id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("architecture", struct mb_image, architecture),
	MB_JSON_STR("os", struct mb_image, os),
	MB_JSON_STR("variant", struct mb_image, variant),
	MB_JSON_STR("author", struct mb_image, author),
	MB_JSON_STR("comment", struct mb_image, comment),
	MB_JSON_I64("created", struct mb_image, created),
	MB_JSON_U64("size", struct mb_image, size),
	MB_JSON_STRV("layers", struct mb_image, layers),
	MB_JSON_STRV("diff_ids", struct mb_image, diff_ids),
	MB_JSON_OBJ("config", struct mb_image, config, settings_table),
	MB_JSON_BOOL("passes", struct mb_image, passes),
	MB_JSON_END,
};

void mb_image_free(struct mb_image *image)
{
	if (!image)
		return;
	mb_json_done(image_table, image);
	free(image);
}

void mb_image_chain_id(const char *parent, const char *diff_id, char ret[MB_IMAGE_ID_TEXT])
{
	char text[2 * (sizeof("sha256:") + MB_IMAGE_ID_TEXT)];
	int n;

	if (!parent) {
		memcpy(ret, diff_id, MB_IMAGE_ID_TEXT);
		return;
	}
	n = snprintf(text, sizeof(text), "sha256:%s sha256:%s", parent, diff_id);
	mb_sha256_text(text, (size_t)n, ret);
}

/* --- checks ---------------------------------------------------------------------------------- */

static int check_list(const char *what, const struct mb_strv *sv, struct mb_err *err)
{
	size_t bytes = 0;

	if (sv->n > MB_IMAGE_MAX_ENV)
		return mb_fail(err, E2BIG, "more than %d entries in %s", MB_IMAGE_MAX_ENV, what);
	MB_STRV_FOREACH (s, sv)
		bytes += strlen(s) + 1;
	if (bytes > MB_IMAGE_MAX_ENV_BYTES)
		return mb_fail(err, E2BIG, "%s has more than %d bytes", what,
		               MB_IMAGE_MAX_ENV_BYTES);
	return 0;
}

static int check_env(const struct mb_strv *env, struct mb_err *err)
{
	MB_STRV_FOREACH (s, env)
		if (!*s || *s == '=')
			return mb_fail(err, EBADMSG, "an environment variable without a name");
	return check_list("Env", env, err);
}

/* Absolute, and below the root: a volume cannot replace the whole file system. */
static int add_volumes(const struct mb_strv *from, struct mb_strv *to, struct mb_err *err)
{
	MB_STRV_FOREACH (s, from) {
		if (*s != '/' || s[strspn(s, "/.")] == '\0')
			return mb_fail(err, EBADMSG, "volume '%.200s' is not an absolute path", s);
		mb_strv_add(to, s);
	}
	mb_strv_sort(to);
	return check_list("Volumes", to, err);
}

/* "80", "80/tcp", "8000-8010/udp". */
static bool port_is_valid(const char *s)
{
	const char *slash = strchr(s, '/');
	MB_AUTO_FREE char *range = slash ? mb_strndup(s, (size_t)(slash - s)) : mb_strdup(s);
	char *dash = strchr(range, '-');
	uint32_t first, last;

	if (slash && strcmp(slash, "/tcp") != 0 && strcmp(slash, "/udp") != 0 &&
	    strcmp(slash, "/sctp") != 0)
		return false;
	if (dash)
		*dash = '\0';
	if (mb_parse_u32(range, &first) < 0 || first < 1 || first > 65535)
		return false;
	return !dash || (mb_parse_u32(dash + 1, &last) == 0 && last >= first && last <= 65535);
}

static int add_ports(const struct mb_strv *from, struct mb_strv *to, struct mb_err *err)
{
	MB_STRV_FOREACH (s, from) {
		if (!port_is_valid(s))
			return mb_fail(err, EBADMSG, "exposed port '%.64s' is not valid", s);
		mb_strv_addf(to, "%s%s", s, strchr(s, '/') ? "" : "/tcp");
	}
	mb_strv_sort(to);
	return check_list("ExposedPorts", to, err);
}

static int add_labels(const struct mb_kv *from, struct mb_kv *to, struct mb_err *err)
{
	if (from->n > MB_IMAGE_MAX_ENV)
		return mb_fail(err, E2BIG, "more than %d labels", MB_IMAGE_MAX_ENV);
	MB_KV_FOREACH (pair, from) {
		/* Ours are set by us, never by an image. */
		if (!mb_starts_with(pair->key, RESERVED))
			mb_kv_set(to, pair->key, pair->value);
	}
	return 0;
}

static int check_stop_signal(const char *signal, struct mb_err *err)
{
	int number;

	if (signal && *signal && mb_parse_signal(signal, &number) < 0)
		return mb_fail(err, EBADMSG, "stop signal '%.64s' is not a signal", signal);
	return 0;
}

static char *text_or_null(const char *s)
{
	return s && *s ? mb_strdup(s) : NULL;
}

static int take_settings(const struct mb_oci_container_config *from, struct mb_image_settings *to,
                         struct mb_err *err)
{
	int r = check_env(&from->env, err);

	if (r == 0)
		r = check_list("Entrypoint", &from->entrypoint, err);
	if (r == 0)
		r = check_list("Cmd", &from->cmd, err);
	if (r == 0)
		r = check_list("Shell", &from->shell, err);
	if (r == 0)
		r = check_stop_signal(from->stop_signal, err);
	if (r == 0)
		r = add_volumes(&from->volumes, &to->volumes, err);
	if (r == 0)
		r = add_ports(&from->exposed_ports, &to->ports, err);
	if (r == 0)
		r = add_labels(&from->labels, &to->labels, err);
	if (r < 0)
		return r;
	mb_strv_add_all(&to->env, &from->env);
	mb_strv_add_all(&to->entrypoint, &from->entrypoint);
	mb_strv_add_all(&to->cmd, &from->cmd);
	mb_strv_add_all(&to->shell, &from->shell);
	to->user = text_or_null(from->user);
	to->workdir = text_or_null(from->working_dir);
	to->stop_signal = text_or_null(from->stop_signal);
	if (from->healthcheck)
		to->healthcheck = mb_json_encode(mb_oci_healthcheck_table, from->healthcheck);
	return 0;
}

static int take_layers(const struct mb_strv *diff_ids, struct mb_image *to, struct mb_err *err)
{
	const char *parent = NULL;

	if (diff_ids->n > MB_IMAGE_MAX_LAYERS)
		return mb_fail(err, E2BIG, "more than %d layers", MB_IMAGE_MAX_LAYERS);
	MB_STRV_FOREACH (s, diff_ids) {
		struct mb_oci_digest digest;
		char chain[MB_IMAGE_ID_TEXT];

		if (mb_oci_digest_parse(s, &digest, err) < 0)
			return -EBADMSG;
		if (digest.alg != MB_OCI_SHA256)
			return mb_fail(err, EBADMSG, "layer '%s' is not named by a sha256", s);
		mb_image_chain_id(parent, digest.hex, chain);
		mb_strv_add(&to->diff_ids, digest.hex);
		mb_strv_add(&to->layers, chain);
		parent = to->layers.v[to->layers.n - 1];
	}
	return 0;
}

int mb_image_record_make(const char *id, const struct mb_oci_image_config *config,
                         struct mb_image **ret, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = mb_calloc(1, sizeof(*image));
	int r = take_settings(&config->config, &image->config, err);

	if (r == 0)
		r = take_layers(&config->diff_ids, image, err);
	if (r < 0)
		return r;
	image->id = mb_strdup(id);
	image->architecture = text_or_null(config->architecture);
	image->os = text_or_null(config->os);
	image->variant = text_or_null(config->variant);
	image->author = text_or_null(config->author);
	image->comment = text_or_null(config->comment);
	image->created = config->created;
	*ret = mb_take_ptr(&image);
	return 0;
}

/* --- disk ------------------------------------------------------------------------------------ */

static void name_of(const char *id, char name[MB_IMAGE_ID_TEXT + sizeof(SUFFIX)])
{
	snprintf(name, MB_IMAGE_ID_TEXT + sizeof(SUFFIX), "%.64s%s", id, SUFFIX);
}

bool mb_image_record_name_parse(const char *name, char ret_id[MB_IMAGE_ID_TEXT])
{
	char id[MB_IMAGE_ID_TEXT];

	if (strlen(name) != 64 + strlen(SUFFIX) || strcmp(name + 64, SUFFIX) != 0)
		return false;
	memcpy(id, name, 64);
	id[64] = '\0';
	if (!mb_hex_is_valid(id, 64))
		return false;
	memcpy(ret_id, id, sizeof(id));
	return true;
}

int mb_image_record_save(int fd, const struct mb_image *image, struct mb_err *err)
{
	char name[MB_IMAGE_ID_TEXT + sizeof(SUFFIX)];

	name_of(image->id, name);
	return mb_store_doc_save(fd, name, image_table, image, MB_DOC_DURABLE | MB_DOC_REPLACE,
	                         err);
}

/* A record that came whole can still be another image's. */
static bool is_sound(const struct mb_image *image, const char *id)
{
	if (strcmp(image->id, id) != 0 || image->layers.n != image->diff_ids.n ||
	    image->layers.n > MB_IMAGE_MAX_LAYERS)
		return false;
	MB_STRV_FOREACH (s, &image->layers)
		if (!mb_hex_is_valid(s, 64))
			return false;
	return true;
}

int mb_image_record_load(int fd, const char *id, struct mb_image **ret, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = mb_calloc(1, sizeof(*image));
	char name[MB_IMAGE_ID_TEXT + sizeof(SUFFIX)];
	int r;

	name_of(id, name);
	r = mb_store_doc_load(fd, name, image_table, image, err);
	if (r == -ENOENT)
		return MB_IMAGE_ABSENT;
	if (r == MB_DOC_CORRUPT)
		return mb_wrap(err, -EBADMSG, "image 'sha256:%.12s'", id);
	if (r < 0)
		return mb_wrap(err, r, "image 'sha256:%.12s'", id);
	if (!is_sound(image, id))
		return mb_fail(err, EBADMSG, "image 'sha256:%.12s': the record is another's", id);
	*ret = mb_take_ptr(&image);
	return 0;
}
