/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/registry.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "format/filter.h"
#include "format/human.h"
#include "format/table.h"
#include "oci/ref.h"
#include "registry/list.h"
#include "registry/registry.h"
#include "json/json.h"

enum { MAX_LIMIT = 100, DESCRIPTION = 45 };

struct search_args {
	const char *format;
	struct mb_strv filters;
	bool no_trunc;
	int limit, tls_verify;
};

/* What narrows the list. */
struct choice {
	struct mb_format_filters filters;
	bool has_official, official, has_automated, automated;
	uint64_t stars;
};

static const struct mb_format_column columns[] = {
	{"Name", "NAME"},           {"Description", "DESCRIPTION"}, {"StarCount", "STARS"},
	{"IsOfficial", "OFFICIAL"}, {"IsAutomated", "AUTOMATED"},   {NULL},
};
static const char *const known_filters[] = {"is-automated", "is-official", "stars", NULL};

/* "REGISTRY/TERM", or a term of docker.io. */
static int split_term(const char *typed, struct mb_oci_ref *ret, const char **ret_term,
                      struct mb_err *err)
{
	size_t n = strcspn(typed, "/");
	bool has_registry = typed[n] && (memchr(typed, '.', n) || memchr(typed, ':', n) ||
	                                 (n == 9 && memcmp(typed, "localhost", n) == 0));
	MB_AUTO_FREE char *name = has_registry ? mb_asprintf("%.*s/search", (int)n, typed)
	                                       : mb_strdup("docker.io/library/search");

	*ret_term = has_registry ? typed + n + 1 : typed;
	if (mb_oci_ref_parse(name, true, ret, NULL) < 0)
		return mb_fail(err, EINVAL, "invalid registry in '%.200s'", typed);
	/* What docker calls official has no folder. */
	if (!has_registry && mb_starts_with(typed, "library/"))
		*ret_term = typed + strlen("library/");
	return **ret_term ? 0 : mb_fail(err, EINVAL, "there is no term to search for");
}

static int set_choice(const struct search_args *args, struct choice *choice, struct mb_err *err)
{
	struct mb_format_filters *f = &choice->filters;
	const struct mb_strv *stars;
	int r = mb_format_filters_parse(&args->filters, known_filters, f, err);

	if (r == 0)
		r = mb_format_filters_bool(f, "is-official", false, &choice->official, err);
	if (r == 0)
		r = mb_format_filters_bool(f, "is-automated", false, &choice->automated, err);
	if (r < 0)
		return r;
	choice->has_official = mb_format_filters_has(f, "is-official");
	choice->has_automated = mb_format_filters_has(f, "is-automated");
	stars = mb_format_filters_find(f, "stars");
	if (stars)
		MB_STRV_FOREACH (text, stars) {
			uint64_t n;

			if (mb_parse_u64(text, &n) < 0)
				return mb_fail(err, EINVAL, "invalid filter 'stars=%s'", text);
			choice->stars = n > choice->stars ? n : choice->stars;
		}
	return 0;
}

static bool is_chosen(const struct choice *choice, const struct mb_registry_found *found)
{
	return (!choice->has_official || choice->official == found->is_official) &&
	       (!choice->has_automated || choice->automated == found->is_automated) &&
	       (!choice->stars || (found->stars > 0 && (uint64_t)found->stars >= choice->stars));
}

/* The registry's words on one line, and without what moves a terminal. */
static char *make_line(const char *text)
{
	MB_AUTO_FREE char *line = mb_strdup(text ? text : "");

	for (char *c = line; *c; c++)
		if (strchr("\r\n\t", *c))
			*c = ' ';
	return mb_printable(line);
}

static struct json_object *new_row(const struct mb_registry_found *found, const char *registry,
                                   bool no_trunc)
{
	struct json_object *row = mb_json_new_object();
	MB_AUTO_FREE char *name = make_line(found->name);
	MB_AUTO_FREE char *description = make_line(found->description);
	MB_AUTO_FREE char *whole =
		*registry ? mb_asprintf("%s/%s", registry, name) : mb_strdup(name);
	MB_AUTO_FREE char *stars = mb_asprintf("%lld", (long long)found->stars);
	MB_AUTO_FREE char *cut = mb_format_ellipsis(description, DESCRIPTION);

	mb_json_set_str(row, "Name", whole);
	mb_json_set_str(row, "Description", no_trunc ? description : cut);
	mb_json_set_str(row, "StarCount", stars);
	mb_json_set_str(row, "IsOfficial", found->is_official ? "[OK]" : "");
	mb_json_set_str(row, "IsAutomated", found->is_automated ? "[OK]" : "");
	return row;
}

static int ask(struct mb_cmd_context *cx, const struct search_args *args,
               const struct mb_oci_ref *ref, const char *term, struct mb_registry_findings *ret,
               struct mb_err *err)
{
	MB_AUTO_CMD_REGISTRY struct mb_cmd_registry reg = {0};
	MB_AUTO(mb_registry_free) struct mb_registry *at = NULL;
	int r = mb_cmd_registry_open(cx, &reg, err);

	/* The hub's search is for everybody. */
	if (r == 0 && strcmp(ref->domain, "docker.io") != 0)
		r = mb_cmd_registry_find_login(&reg, ref->domain, err);
	if (r == 0)
		r = mb_registry_open(ref,
		                     &(struct mb_registry_options){
					     .settings = &reg.settings,
					     .login = reg.has_login ? &reg.login : NULL,
					     .tls_verify = args->tls_verify,
					     .search = true,
					     .agent = MB_CMD_AGENT,
				     },
		                     &at, err);
	if (r == 0)
		r = mb_registry_search(at, term, (size_t)args->limit, ret, err);
	return r < 0 ? mb_wrap(err, r, "cannot search for '%.200s'", term) : 0;
}

static int search_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct search_args *args = in->args;
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	MB_AUTO_REGISTRY_FINDINGS struct mb_registry_findings found = {0};
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	const char *term = NULL, *registry;
	struct choice choice = {0};
	int r = set_choice(args, &choice, err);

	if (r == 0 && (args->limit < 1 || args->limit > MAX_LIMIT))
		r = mb_fail(err, EINVAL, "limit %d is outside the range of [1, %d]", args->limit,
		            MAX_LIMIT);
	if (r == 0)
		r = mb_format_list_new(args->format, columns, mb_cmd_list_host(), &list, err);
	if (r == 0)
		r = split_term(in->operands[0], &ref, &term, err);
	if (r == 0)
		r = ask(cx, args, &ref, term, &found, err);
	registry = mb_streq(ref.domain, "docker.io") ? "" : ref.domain;
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		MB_AUTO(mb_json_free) struct json_object *row = NULL;

		if (!is_chosen(&choice, &found.v[i]))
			continue;
		row = new_row(&found.v[i], registry, args->no_trunc);
		r = mb_format_list_add(list, row, err);
	}
	mb_format_filters_done(&choice.filters);
	return r < 0 ? r : mb_cmd_list_put(list, err);
}

static const struct mb_cli_opt search_opts[] = {
	MB_OPT_LIST('f', "filter", "filter", struct search_args, filters,
                    "only those that match: stars=3, is-official=true", .is_pairs = true),
	MB_OPT_STRING(0, "format", NULL, struct search_args, format,
                      "print by a Go template, \"table\" or \"json\""),
	MB_OPT_INT(0, "limit", NULL, struct search_args, limit, "how many to ask for", .def = "25"),
	MB_OPT_SWITCH(0, "no-trunc", struct search_args, no_trunc, "do not cut descriptions"),
	MB_OPT_TRI(0, "tls-verify", struct search_args, tls_verify,
                   "want https with a valid certificate (default true)"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_search = {
	.paths = "search",
	.summary = "search a registry for images",
	.operands = "[REGISTRY/]TERM",
	.min = 1,
	.max = 1,
	.opts = search_opts,
	.args_size = sizeof(struct search_args),
	.examples = "mybox search --filter is-official=true debian\n"
		    "mybox search registry.example.com/web\n",
	.main = search_main,
};
