/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/names.h"

#include <string.h>
#include <strings.h>

#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"

bool mb_build_name_is_proxy(const char *name)
{
	static const char *const known[] = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
	                                    "ALL_PROXY"};

	for (size_t i = 0; i < MB_N(known); i++)
		if (strcasecmp(name, known[i]) == 0)
			return true;
	return false;
}

bool mb_build_name_is_ours(const char *name)
{
	return mb_starts_with(name, "BUILDKIT_") || strcmp(name, "SOURCE_DATE_EPOCH") == 0;
}

static void add(struct mb_kv *out, const char *which, const char *platform)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	static const char *const names[] = {"OS", "ARCH", "VARIANT"};
	MB_AUTO_FREE char *whole = mb_asprintf("%sPLATFORM", which);

	mb_strv_split(&parts, platform, '/');
	mb_kv_set(out, whole, platform);
	for (size_t i = 0; i < MB_N(names); i++) {
		MB_AUTO_FREE char *name = mb_asprintf("%s%s", which, names[i]);

		mb_kv_set(out, name, i < parts.n ? parts.v[i] : "");
	}
}

void mb_build_names_of_platform(const char *build, const char *target, struct mb_kv *out)
{
	add(out, "BUILD", build);
	add(out, "TARGET", target);
}
