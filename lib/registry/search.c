/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "registry/client_priv.h"
#include "registry/list.h"
#include "registry/url.h"
#include "json/json.h"

enum { MAX_ANSWER = 1024 * 1024 };

static const struct mb_json_field found_table[] = {
	MB_JSON_STR("name", struct mb_registry_found, name),
	MB_JSON_STR("description", struct mb_registry_found, description),
	MB_JSON_I64("star_count", struct mb_registry_found, stars),
	MB_JSON_BOOL("is_official", struct mb_registry_found, is_official),
	MB_JSON_BOOL("is_automated", struct mb_registry_found, is_automated),
	MB_JSON_END,
};
static const struct mb_json_field findings_table[] = {
	MB_JSON_LIST("results", struct mb_registry_findings, v, n, struct mb_registry_found,
                     found_table, .flags = MB_JSON_REQUIRED),
	MB_JSON_END,
};

void mb_registry_findings_done(struct mb_registry_findings *found)
{
	mb_json_done(findings_table, found);
}

static int by_stars(const void *a, const void *b)
{
	const struct mb_registry_found *x = a, *y = b;

	if (x->stars != y->stars)
		return x->stars < y->stars ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* What has no name is no finding; more than @limit were not asked for. */
static void tidy(struct mb_registry_findings *found, size_t limit)
{
	size_t kept = 0;

	for (size_t i = 0; i < found->n; i++) {
		struct mb_registry_found *one = &found->v[i];

		if (!one->name || !*one->name) {
			mb_json_done(found_table, one);
			continue;
		}
		if (kept != i) {
			found->v[kept] = *one;
			*one = (struct mb_registry_found){0};
		}
		kept++;
	}
	found->n = kept;
	if (kept)
		qsort(found->v, kept, sizeof(*found->v), by_stars);
	while (found->n > limit)
		mb_json_done(found_table, &found->v[--found->n]);
}

/* Return: 0; MB_REGISTRY_ABSENT when it has no such search; -errno, told. */
static int ask(struct mb_registry *reg, const char *term, size_t limit,
               struct mb_registry_findings *ret, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_STR struct mb_str url = MB_STR_INIT;
	struct mb_registry_request request = {
		.method = "GET", .accept = "application/json", .body_fd = -1, .limit = MAX_ANSWER};
	char number[24];
	int r;

	snprintf(number, sizeof(number), "%zu", limit);
	mb_str_add(&url, "/v1/search");
	mb_registry_url_add_query(&url, "q", term);
	mb_registry_url_add_query(&url, "n", number);
	request.url = mb_str_text(&url);
	r = mb_registry_request(reg, &request, &answer, err);
	if (r < 0)
		return r;
	if (answer.head.status != 200) {
		r = mb_registry_refused(&answer, "no search", err);
		return answer.head.status < 500 ? MB_REGISTRY_ABSENT : r;
	}
	r = mb_json_load(mb_str_text(&answer.text), answer.text.len, findings_table, ret,
	                 sizeof(*ret), err);
	/* A page of HTML, or a document of another kind: that is not it. */
	return r < 0 ? MB_REGISTRY_ABSENT : 0;
}

static int look_in_catalog(struct mb_registry *reg, const char *term,
                           struct mb_registry_findings *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	int r = mb_registry_catalog(reg, &all, err);

	if (r == MB_REGISTRY_ABSENT)
		return mb_fail(err, EOPNOTSUPP, "%s has neither a search nor a list of what it has",
		               reg->name);
	if (r < 0)
		return r;
	ret->v = mb_calloc(all.n + 1, sizeof(*ret->v));
	MB_STRV_FOREACH (name, &all)
		if (strstr(name, term))
			ret->v[ret->n++].name = mb_strdup(name);
	return 0;
}

int mb_registry_search(struct mb_registry *reg, const char *term, size_t limit,
                       struct mb_registry_findings *ret, struct mb_err *err)
{
	struct mb_registry_findings found = {0};
	int r = ask(reg, term, limit, &found, err);

	/* Who wants a login for the one may have the other for all. */
	if (r == MB_REGISTRY_ABSENT || r == -EACCES) {
		if (err)
			*err = MB_ERR_INIT;
		r = look_in_catalog(reg, term, &found, err);
	}
	if (r < 0) {
		mb_registry_findings_done(&found);
		return r;
	}
	tidy(&found, limit);
	*ret = found;
	return 0;
}
