/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/fetch/library.h — the functions of the system's libcurl, looked up at run time. */
#ifndef MB_REGISTRY_FETCH_LIBRARY_H
#define MB_REGISTRY_FETCH_LIBRARY_H

/* Options that came after the oldest libcurl in use have names for the ones they replace. */
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>

struct mb_fetch_library {
	CURLcode (*global_init)(long flags);
	CURL *(*easy_init)(void);
	void (*easy_cleanup)(CURL *curl);
	CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
	CURLcode (*easy_perform)(CURL *handle);
	void (*easy_reset)(CURL *handle);
	const char *(*easy_strerror)(CURLcode code);
	struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
	void (*slist_free_all)(struct curl_slist *list);
};

/* Return: NULL, or what is missing (static text). */
const char *mb_fetch_library_load(struct mb_fetch_library *ret);

#endif
