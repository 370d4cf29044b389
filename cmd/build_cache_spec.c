/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --cache-from and --cache-to say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "build/flag_spec.h"
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

int mb_cmd_build_cache_from(const char *text, struct mb_cmd_build_cache *cache, struct mb_err *err)
{
	__attribute__((cleanup(mb_build_cache_spec_done))) struct mb_build_cache_spec spec = {0};
	int r = mb_build_cache_spec_parse(text, "src", &spec, err);

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
	__attribute__((cleanup(mb_build_cache_spec_done))) struct mb_build_cache_spec spec = {0};
	int r = mb_build_cache_spec_parse(text, "dest", &spec, err);

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
