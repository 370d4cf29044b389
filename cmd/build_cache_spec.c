/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --cache-from and --cache-to say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/build_cache.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

void mb_cmd_build_cache_done(struct mb_cmd_build_cache *cache)
{
	mb_strv_done(&cache->from_refs);
	mb_strv_done(&cache->from_dirs);
	mb_strv_done(&cache->to_refs);
	mb_strv_done(&cache->to_dirs);
	mb_strv_done(&cache->to_lists);
	mb_strv_done(&cache->origins);
}

struct spec {
	char *type, *place; /* ref, src or dest */
	bool is_max;
};

static void spec_done(struct spec *spec)
{
	free(spec->type);
	free(spec->place);
}

static int read_field(const char *field, const char *directory, struct spec *spec,
                      struct mb_err *err)
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

static int read_spec(const char *text, const char *directory, struct spec *spec, struct mb_err *err)
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
		r = read_field(fields.v[i], directory, spec, err);
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

int mb_cmd_build_cache_from(const char *text, struct mb_cmd_build_cache *cache, struct mb_err *err)
{
	__attribute__((cleanup(spec_done))) struct spec spec = {0};
	int r = read_spec(text, "src", &spec, err);

	if (r == 0 && strcmp(spec.type, "inline") == 0)
		r = mb_fail(err, EINVAL, "what is inline is in an image: give its name");
	if (r < 0)
		return mb_wrap(err, r, "--cache-from %s", text);
	mb_strv_add(strcmp(spec.type, "local") == 0 ? &cache->from_dirs : &cache->from_refs,
	            spec.place);
	return 0;
}

int mb_cmd_build_cache_to(const char *text, struct mb_cmd_build_cache *cache, struct mb_err *err)
{
	__attribute__((cleanup(spec_done))) struct spec spec = {0};
	int r = read_spec(text, "dest", &spec, err);

	if (r == 0 && spec.is_max && strcmp(spec.type, "inline") == 0)
		r = mb_fail(err, EOPNOTSUPP, "an image has the steps of its own stage alone");
	if (r < 0)
		return mb_wrap(err, r, "--cache-to %s", text);
	if (strcmp(spec.type, "inline") == 0) {
		cache->is_inline = true;
		return 0;
	}
	if (spec.is_max)
		cache->give = MB_BUILD_GIVE_ALL;
	else if (cache->give == MB_BUILD_GIVE_NOTHING)
		cache->give = MB_BUILD_GIVE_TARGET;
	mb_strv_add(strcmp(spec.type, "local") == 0 ? &cache->to_dirs
	            : spec.is_max                   ? &cache->to_lists
	                                            : &cache->to_refs,
	            spec.place);
	return 0;
}
