/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "library.h"

#include <dlfcn.h>
#include <stddef.h>

#include "core/own.h"

static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	{"curl_global_init", offsetof(struct mb_fetch_library, global_init)},
	{"curl_easy_init", offsetof(struct mb_fetch_library, easy_init)},
	{"curl_easy_cleanup", offsetof(struct mb_fetch_library, easy_cleanup)},
	{"curl_easy_setopt", offsetof(struct mb_fetch_library, easy_setopt)},
	{"curl_easy_perform", offsetof(struct mb_fetch_library, easy_perform)},
	{"curl_easy_reset", offsetof(struct mb_fetch_library, easy_reset)},
	{"curl_easy_strerror", offsetof(struct mb_fetch_library, easy_strerror)},
	{"curl_slist_append", offsetof(struct mb_fetch_library, slist_append)},
	{"curl_slist_free_all", offsetof(struct mb_fetch_library, slist_free_all)},
};

const char *mb_fetch_library_load(struct mb_fetch_library *ret)
{
	void *library = NULL;

	for (size_t i = 0; !library && i < MB_N(names); i++)
		/* lint: banned: mybox-fetch is linked dynamically, for this alone */
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return "the library libcurl.so.4 is missing: install the package libcurl4";
	for (size_t i = 0; i < MB_N(functions); i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function)
			return "the library libcurl.so.4 is not complete";
		*(void **)(void *)((char *)ret + functions[i].offset) = function;
	}
	if (ret->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return "the library libcurl.so.4 does not start";
	return NULL;
}
