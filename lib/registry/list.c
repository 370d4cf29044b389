/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists that come in pages: the tags of a repository, the repositories of a registry. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "oci/ref.h"
#include "registry/client_priv.h"
#include "registry/list.h"
#include "registry/url.h"
#include "json/json.h"

enum { MAX_PAGE = 4 * 1024 * 1024, MAX_PAGES = 1000, MAX_ENTRIES = 100000 };

/* "<target>; rel=next", among others (RFC 8288).  Return: the target, caller frees; or NULL. */
static char *find_next(const char *link)
{
	while (link && (link = strchr(link, '<'))) {
		const char *end = strchr(++link, '>'), *rel;
		size_t params;

		if (!end)
			return NULL;
		params = strcspn(end, "<");
		rel = strcasestr(end, "rel=");
		if (rel && rel < end + params) {
			rel += strlen("rel=");
			rel += *rel == '"';
			if (strncasecmp(rel, "next", 4) == 0)
				return mb_strndup(link, (size_t)(end - link));
		}
		link = end + params;
	}
	return NULL;
}

/* Where the next page is: of the same registry.  *@ret is NULL at the end; caller frees. */
static int next_page(struct mb_registry *reg, const struct mb_registry_answer *answer, char **ret,
                     struct mb_err *err)
{
	MB_AUTO_FREE char *target = find_next(mb_kv_find(&answer->head.fields, "link"));
	char *url = NULL;
	int r;

	*ret = NULL;
	if (!target)
		return 0;
	r = mb_registry_url_resolve(answer->url, target, &url, err);
	if (r == 0 && !mb_registry_url_is_same_origin(url, reg->base))
		r = mb_fail(err, EACCES, "the list goes on at another host");
	if (r < 0)
		free(url);
	else
		*ret = url;
	return r;
}

static int take(const struct mb_registry_answer *answer, const char *member, struct mb_strv *out,
                struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *page = NULL;
	struct json_object *list;
	int r = mb_json_parse_object(mb_str_text(&answer->text), answer->text.len, &page, err);

	if (r < 0)
		return mb_wrap(err, r, "the list");
	list = mb_json_find(page, member);
	if (!json_object_is_type(list, json_type_array))
		return list ? mb_fail(err, EBADMSG, "the list: '%s' is no array", member) : 0;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		if (out->n >= MAX_ENTRIES)
			return mb_fail(err, E2BIG, "the list has more than %d entries",
			               MAX_ENTRIES);
		if (json_object_is_type(one, json_type_string))
			mb_strv_add(out, json_object_get_string(one));
	}
	return 0;
}

/* All pages, from @first on.  Return: 0; MB_REGISTRY_ABSENT, told; -errno. */
static int list(struct mb_registry *reg, const char *first, const char *member, struct mb_strv *out,
                struct mb_err *err)
{
	MB_AUTO_FREE char *url = mb_strdup(first);

	for (int page = 0; url; page++) {
		MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
		const struct mb_registry_request request = {.method = "GET",
		                                            .url = url,
		                                            .accept = "application/json",
		                                            .body_fd = -1,
		                                            .limit = MAX_PAGE};
		char *next = NULL;
		int r;

		if (page == MAX_PAGES)
			return mb_fail(err, E2BIG, "the list has more than %d pages", MAX_PAGES);
		r = mb_registry_request(reg, &request, &answer, err);
		if (r < 0)
			return r;
		if (answer.head.status != 200) {
			r = mb_registry_refused(&answer, "no list", err);
			return answer.head.status == 404 ? MB_REGISTRY_ABSENT : r;
		}
		r = take(&answer, member, out, err);
		if (r == 0)
			r = next_page(reg, &answer, &next, err);
		if (r == 0 && next && strcmp(next, answer.url) == 0)
			r = mb_fail(err, ELOOP, "the list has no end");
		if (r < 0) {
			free(next);
			return r;
		}
		free(url);
		url = next;
	}
	return 0;
}

/* Sorted, each once. */
static void tidy(struct mb_strv *list)
{
	struct mb_strv once = MB_STRV_INIT;

	mb_strv_sort(list);
	MB_STRV_FOREACH (name, list)
		if (!once.n || strcmp(once.v[once.n - 1], name) != 0)
			mb_strv_add(&once, name);
	mb_strv_done(list);
	*list = once;
}

int mb_registry_tags(struct mb_registry *reg, struct mb_strv *out, struct mb_err *err)
{
	MB_AUTO_FREE char *url = mb_asprintf("/v2/%s/tags/list", reg->path);
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	int r = list(reg, url, "tags", &all, err);

	if (r != 0)
		return r;
	tidy(&all);
	MB_STRV_FOREACH (tag, &all)
		if (mb_oci_ref_tag_is_valid(tag))
			mb_strv_add(out, tag);
	return 0;
}

int mb_registry_catalog(struct mb_registry *reg, struct mb_strv *out, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	int r = list(reg, "/v2/_catalog?n=1000", "repositories", &all, err);

	if (r != 0)
		return r;
	tidy(&all);
	mb_strv_add_all(out, &all);
	return 0;
}
