/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/flag_spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "build/address.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"

/* --- caches ----------------------------------------------------------------------------------- */

void mb_build_cache_spec_done(struct mb_build_cache_spec *spec)
{
	free(spec->type);
	free(spec->place);
	*spec = (struct mb_build_cache_spec){0};
}

static int read_cache_field(const char *field, const char *directory,
                            struct mb_build_cache_spec *spec, struct mb_err *err)
{
	const char *value = strchr(field, '=');
	size_t n = value ? (size_t)(value - field) : 0;

	if (!value)
		return mb_fail(err, EINVAL, "invalid value %s", field);
	value++;
	if (n == 4 && memcmp(field, "type", n) == 0)
		mb_strset(&spec->type, value);
	else if ((n == 3 && memcmp(field, "ref", n) == 0) ||
	         (n == strlen(directory) && memcmp(field, directory, n) == 0))
		mb_strset(&spec->place, value);
	else if (strcmp(field, "mode=max") == 0)
		spec->is_max = true;
	else if (strcmp(field, "mode=min") != 0)
		return mb_fail(err, EOPNOTSUPP, "'%s' is not supported", field);
	return 0;
}

int mb_build_cache_spec_parse(const char *text, const char *directory,
                              struct mb_build_cache_spec *spec, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	int r = 0;

	if (!strchr(text, '=')) {
		spec->type = mb_strdup("registry");
		spec->place = mb_strdup(text);
		return 0;
	}
	mb_strv_split(&fields, text, ',');
	for (size_t i = 0; i < fields.n && r == 0; i++)
		r = read_cache_field(fields.v[i], directory, spec, err);
	if (r == 0 && !spec->type)
		r = mb_fail(err, EINVAL, "type required for it");
	if (r == 0 && strcmp(spec->type, "local") != 0 && strcmp(spec->type, "registry") != 0 &&
	    strcmp(spec->type, "inline") != 0)
		r = mb_fail(err, EOPNOTSUPP, "caches of type '%s' are not supported", spec->type);
	if (r == 0 && strcmp(spec->type, "inline") != 0 && (!spec->place || !*spec->place))
		r = mb_fail(err, EINVAL, "%s is required",
		            strcmp(spec->type, "local") == 0 ? directory : "ref");
	return r;
}

/* --- outputs ---------------------------------------------------------------------------------- */

void mb_build_output_spec_done(struct mb_build_output_spec *spec)
{
	free(spec->type);
	free(spec->dest);
	mb_strv_done(&spec->names);
	*spec = (struct mb_build_output_spec){0};
}

/* What says how things are here anyway. */
static bool is_granted(const char *field)
{
	static const char *const known[] = {"tar=true",
	                                    "platform-split=false",
	                                    "oci-mediatypes=true",
	                                    "rewrite-timestamp=true",
	                                    "unpack=true",
	                                    "store=true"};

	for (size_t i = 0; i < MB_N(known); i++)
		if (strcmp(field, known[i]) == 0)
			return true;
	return false;
}

static int read_output_field(const char *field, struct mb_build_output_spec *spec,
                             struct mb_err *err)
{
	const char *value;

	if (!strchr(field, '='))
		return mb_fail(err, EINVAL, "invalid value %s", field);
	if ((value = mb_skip_prefix(field, "type=")))
		mb_strset(&spec->type, value);
	else if ((value = mb_skip_prefix(field, "dest=")))
		mb_strset(&spec->dest, value);
	else if ((value = mb_skip_prefix(field, "name=")))
		mb_strv_add(&spec->names, value);
	else if ((value = mb_skip_prefix(field, "push=")))
		return mb_parse_bool(value, &spec->push) < 0
		               ? mb_fail(err, EINVAL, "'%s': not a boolean", field)
		               : 0;
	else if (!is_granted(field))
		return mb_fail(err, EOPNOTSUPP, "'%s' is not supported", field);
	return 0;
}

int mb_build_output_spec_parse(const char *text, struct mb_build_output_spec *spec,
                               struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	int r = 0;

	if (!strchr(text, '=') && !strchr(text, ',')) {
		mb_strset(&spec->type, strcmp(text, "-") == 0 ? "tar" : "local");
		mb_strset(&spec->dest, text);
		return 0;
	}
	mb_strv_split(&fields, text, ',');
	for (size_t i = 0; i < fields.n && r == 0; i++)
		r = read_output_field(fields.v[i], spec, err);
	if (r == 0 && !spec->type)
		r = mb_fail(err, EINVAL, "type is required for output");
	return r;
}

/* --- secrets ---------------------------------------------------------------------------------- */

void mb_build_secret_spec_done(struct mb_build_secret_spec *spec)
{
	free(spec->id);
	free(spec->src);
	free(spec->env);
	*spec = (struct mb_build_secret_spec){0};
}

int mb_build_secret_spec_parse(const char *text, struct mb_build_secret_spec *ret,
                               struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	bool is_env = false;

	mb_strv_split(&fields, text, ',');
	MB_STRV_FOREACH (field, &fields) {
		const char *value;

		if ((value = mb_skip_prefix(field, "id=")))
			mb_strset(&ret->id, value);
		else if ((value = mb_skip_prefix(field, "src=")) ||
		         (value = mb_skip_prefix(field, "source=")))
			mb_strset(&ret->src, value);
		else if ((value = mb_skip_prefix(field, "env=")))
			mb_strset(&ret->env, value);
		else if (strcmp(field, "type=env") == 0 || strcmp(field, "type=file") == 0)
			is_env = field[5] == 'e';
		else
			return mb_fail(err, EINVAL, "unexpected key in secret: '%s'", field);
	}
	/* The source is then a variable's name. */
	if (is_env && !ret->env)
		ret->env = mb_take_ptr(&ret->src);
	return ret->id && *ret->id ? 0 : mb_fail(err, EINVAL, "a secret needs an id");
}

/* --- agents ----------------------------------------------------------------------------------- */

void mb_build_ssh_spec_done(struct mb_build_ssh_spec *spec)
{
	free(spec->id);
	mb_strv_done(&spec->paths);
	*spec = (struct mb_build_ssh_spec){0};
}

int mb_build_ssh_spec_parse(const char *text, const char *agent, struct mb_build_ssh_spec *spec,
                            struct mb_err *err)
{
	const char *equals = strchr(text, '=');
	const char *what = equals ? equals + 1 : agent;

	if (!what || !*what)
		return mb_fail(err, ENOENT,
		               "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
	spec->id = equals ? mb_strndup(text, (size_t)(equals - text)) : mb_strdup(text);
	if (equals)
		mb_strv_split(&spec->paths, what, ',');
	else
		mb_strv_add(&spec->paths, what);
	return 0;
}

/* --- contexts --------------------------------------------------------------------------------- */

void mb_build_context_spec_done(struct mb_build_context_spec *spec)
{
	free(spec->name);
	free(spec->place);
	free(spec->pick);
	*spec = (struct mb_build_context_spec){0};
}

/* "DIR", "DIR@DIGEST" or "DIR:TAG", whatever the directories above are called. */
static void split_layout(const char *where, struct mb_build_context_spec *spec)
{
	const char *last = strrchr(where, '/');
	const char *at = strchr(last ? last : where, '@'),
		   *colon = strchr(last ? last : where, ':');
	const char *end = at ? at : colon;

	spec->place = end ? mb_strndup(where, (size_t)(end - where)) : mb_strdup(where);
	spec->pick = end ? mb_strdup(end + 1) : NULL;
}

int mb_build_context_spec_parse(const char *text, struct mb_build_context_spec *spec,
                                struct mb_err *err)
{
	const char *equals = strchr(text, '='), *where, *rest;

	if (!equals || equals == text || !equals[1])
		return mb_fail(err, EINVAL, "invalid context value: %s, expected key=value", text);
	where = equals + 1;
	spec->name = mb_strndup(text, (size_t)(equals - text));
	if ((rest = mb_skip_prefix(where, "oci-layout://"))) {
		spec->kind = MB_BUILD_CONTEXT_LAYOUT;
		split_layout(rest, spec);
		return 0;
	}
	rest = mb_skip_prefix(where, "docker-image://");
	spec->place = mb_strdup(rest ? rest : where);
	spec->kind = rest                         ? MB_BUILD_CONTEXT_IMAGE
	             : mb_build_address_is(where) ? MB_BUILD_CONTEXT_ADDRESS
	                                          : MB_BUILD_CONTEXT_DIRECTORY;
	if (rest && !*rest)
		return mb_fail(err, EINVAL, "an image has a name");
	if (spec->kind == MB_BUILD_CONTEXT_DIRECTORY && strstr(where, "://"))
		return mb_fail(err, EOPNOTSUPP, "contexts of this kind are not supported");
	return 0;
}
