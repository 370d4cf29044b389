/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/ps.h"
#include "cmd/ps_filter.h"
#include "cmd/ps_sort.h"
#include "container/container.h"
#include "container/health.h"
#include "container/inspect.h"
#include "container/life.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "format/filter.h"
#include "format/human.h"
#include "format/table.h"
#include "image/image.h"
#include "json/json.h"

struct ps_args {
	bool all, quiet, no_trunc, latest, size;
	int last, sort;
	const char *format;
	struct mb_strv filters;
};

static const struct mb_format_column columns[] = {
	{"ID", "CONTAINER ID", false},
	{"Image", "IMAGE", false},
	{"Command", "COMMAND", false},
	{"RunningFor", "CREATED", false},
	{"Status", "STATUS", false},
	{"Ports", "PORTS", false},
	{"Names", "NAMES", false},
	{"Size", "SIZE", true},
	{"CreatedAt", "CREATED AT", true},
	{"Labels", "LABELS", true},
	{"LocalVolumes", "LOCAL VOLUMES", true},
	{"Mounts", "MOUNTS", true},
	{"Networks", "NETWORKS", true},
	{"State", "STATE", true},
	{"Platform", "PLATFORM", true},
	{"HealthStatus", "HEALTH", true},
	{NULL, NULL, false},
};

/* --- rows ------------------------------------------------------------------------------------- */

static void set_owned(struct json_object *row, const char *key, struct mb_str *text)
{
	mb_json_set_str(row, key, mb_str_text(text));
	mb_str_done(text);
}

static void set_command(struct json_object *row, const struct mb_container *c, bool whole)
{
	struct mb_str command = MB_STR_INIT, quoted = MB_STR_INIT;
	MB_AUTO_FREE char *cut = NULL;

	mb_container_command_text(c, &command);
	cut = whole ? mb_str_take(&command) : mb_format_ellipsis(mb_str_text(&command), 20);
	mb_str_addc(&quoted, '"');
	for (const char *p = cut; *p; p++)
		if (*p == '"' || *p == '\\')
			mb_str_addf(&quoted, "\\%c", *p);
		else if (*p == '\n')
			mb_str_add(&quoted, "\\n");
		else if (*p == '\t')
			mb_str_add(&quoted, "\\t");
		else
			mb_str_addc(&quoted, *p);
	mb_str_addc(&quoted, '"');
	set_owned(row, "Command", &quoted);
	mb_str_done(&command);
}

static void set_mounts(struct json_object *row, const struct mb_container_record *record,
                       bool whole)
{
	struct mb_str text = MB_STR_INIT;
	MB_AUTO_FREE char *count = NULL;
	size_t volumes = 0;

	for (size_t i = 0; i < record->n_mounts; i++) {
		const struct mb_container_mount *m = &record->mounts[i];
		MB_AUTO_FREE char *cut = NULL;

		volumes += m->name != NULL;
		cut = whole ? mb_strdup(m->name ? m->name : m->source)
		            : mb_format_ellipsis(m->name ? m->name : m->source, 15);
		mb_str_addf(&text, "%s%s", text.len ? "," : "", cut);
	}
	count = mb_asprintf("%zu", volumes);
	set_owned(row, "Mounts", &text);
	mb_json_set_str(row, "LocalVolumes", count);
}

static int set_size(struct json_object *row, struct mb_container *c, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	char own_text[MB_FORMAT_HUMAN_TEXT], all_text[MB_FORMAT_HUMAN_TEXT];
	MB_AUTO_FREE char *both = NULL;
	const char *image_id = mb_skip_prefix(c->record->image_id, "sha256:");
	int64_t own, all;
	int r = mb_container_size(c, &own, err);

	if (r < 0)
		return r;
	all = own;
	if (image_id && mb_image_open(c->store, image_id, &image, NULL) == 0)
		all += (int64_t)image->size;
	both = mb_asprintf("%s (virtual %s)", mb_format_size_short((double)own, own_text),
	                   mb_format_size_short((double)all, all_text));
	mb_json_set_str(row, "Size", both);
	return 0;
}

static void set_networks(struct json_object *row, const struct mb_container *c)
{
	MB_AUTO_STRV struct mb_strv networks = MB_STRV_INIT;
	MB_AUTO_FREE char *joined = NULL;

	mb_container_network_names(c, &networks);
	joined = mb_strv_join(&networks, ",");
	mb_json_set_str(row, "Networks", joined);
}

static const char *health_word(const struct mb_container *c)
{
	enum mb_health_status health = mb_container_health_status(c);

	return health == MB_HEALTH_NONE ? "" : mb_container_health_name(health);
}

/* What the table leaves out by itself; templates and JSON may ask for any of it. */
static void set_rest(struct json_object *row, const struct mb_container *c, bool whole)
{
	char text[MB_FORMAT_HUMAN_TEXT];

	mb_json_set_str(row, "CreatedAt", mb_format_created_at(c->record->created, text));
	mb_json_set_str(row, "State", mb_container_status_name(c->state.status));
	set_networks(row, c);
	mb_json_set_str(row, "Platform", "linux");
	mb_json_set_str(row, "HealthStatus", health_word(c));
	mb_json_set_str(row, "Size", "0B");
	set_mounts(row, c->record, whole);
	mb_cmd_row_labels(row, &c->record->config.labels);
}

struct json_object *mb_cmd_ps_row(const struct mb_container *c, bool whole, bool has_rest)
{
	struct json_object *row = mb_json_new_object();
	MB_AUTO_FREE char *id = whole ? mb_strdup(c->id) : mb_format_short_id(c->id);
	struct mb_str status = MB_STR_INIT, ports = MB_STR_INIT;
	char text[MB_FORMAT_HUMAN_TEXT];

	mb_container_status_text(c, &status);
	mb_container_ports_text(c, &ports);
	mb_json_set_str(row, "ID", id);
	mb_json_set_str(row, "Image", c->record->config.image ? c->record->config.image : "");
	set_command(row, c, whole);
	mb_json_set_str(row, "RunningFor", mb_format_ago(c->record->created, mb_now_nsec(), text));
	set_owned(row, "Status", &status);
	set_owned(row, "Ports", &ports);
	mb_json_set_str(row, "Names", mb_container_name(c));
	if (has_rest)
		set_rest(row, c, whole);
	return row;
}

/* Nothing in it looks at labels, mounts, networks, the environment or what was asked of the host,
 * which a brief record has not (container/record.h). */
static bool is_plain(const struct ps_args *args, const struct mb_cmd_ps_asked *asked)
{
	return !args->format && !args->size && asked->filters.n == 0;
}

/* docker: only running ones, unless something asks for others. */
static bool is_shown(const struct mb_container *c, const struct ps_args *args,
                     const struct mb_cmd_ps_asked *asked)
{
	bool any = args->all || args->latest || args->last > 0 ||
	           mb_format_filters_has(&asked->filters, "status");

	return (any || mb_container_is_running(c)) && mb_cmd_ps_matches(c, asked);
}

static int print(const struct mb_container_list *chosen, const struct ps_args *args,
                 struct mb_err *err)
{
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	bool has_rest = args->format || args->size;
	int r = mb_format_list_new(mb_cmd_list_format(args->format, args->quiet, "{{.ID}}"),
	                           columns, mb_cmd_list_host(), &list, err);

	if (r < 0)
		return r;
	if (args->size)
		mb_format_list_show(list, "Size", true);
	for (size_t i = 0; r == 0 && i < chosen->n; i++) {
		MB_AUTO(mb_json_free) struct json_object *row = NULL;

		row = mb_cmd_ps_row(chosen->v[i], args->no_trunc, has_rest);
		if (mb_format_list_uses(list, "Size") || mb_format_list_uses_all(list))
			r = set_size(row, chosen->v[i], err);
		if (r == 0)
			r = mb_format_list_add(list, row, err);
	}
	return r < 0 ? r : mb_cmd_list_put(list, err);
}

/* --last means the last created ones, in whichever order they are shown. */
static int show(struct mb_container_list *all, const struct mb_cli_input *in,
                const struct mb_cmd_ps_asked *asked, struct mb_err *err)
{
	const struct ps_args *args = in->args;
	struct mb_container_list chosen = {.v = mb_calloc(all->n + 1, sizeof(*chosen.v))};
	size_t limit = args->latest ? 1 : args->last > 0 ? (size_t)args->last : SIZE_MAX;
	int r;

	for (size_t i = 0; i < all->n && chosen.n < limit; i++)
		if (is_shown(all->v[i], args, asked))
			chosen.v[chosen.n++] = all->v[i];
	if (mb_cli_is_given(in, "sort"))
		mb_cmd_ps_sort(&chosen, (enum mb_cmd_ps_sort)args->sort);
	r = print(&chosen, args, err);
	free(chosen.v);
	return r;
}

static int ps_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct ps_args *args = in->args;
	struct mb_container_list all = {0};
	struct mb_cmd_ps_asked asked = {0};
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_cmd_ps_ask(store, &args->filters, &asked, err);
	if (r == 0)
		r = mb_container_list_load(store, is_plain(args, &asked), &all, err);
	if (r == 0)
		r = show(&all, in, &asked, err);
	for (size_t i = 0; i < all.n; i++)
		mb_container_adopt_seen(all.v[i]);
	mb_container_list_done(&all);
	mb_cmd_ps_asked_done(&asked);
	return r;
}

static const struct mb_cli_opt ps_opts[] = {
	MB_OPT_SWITCH('a', "all", struct ps_args, all,
                      "show all containers, not only running ones"),
	MB_OPT_LIST('f', "filter", NULL, struct ps_args, filters, "only those that match",
                    .is_pairs = true),
	MB_OPT_STRING(0, "format", NULL, struct ps_args, format, "json, or a template"),
	MB_OPT_INT('n', "last", NULL, struct ps_args, last, "show the n last created ones",
                   .def = "-1"),
	MB_OPT_SWITCH('l', "latest", struct ps_args, latest, "show the latest created one"),
	MB_OPT_SWITCH(0, "no-trunc", struct ps_args, no_trunc, "do not shorten anything"),
	MB_OPT_SWITCH('q', "quiet", struct ps_args, quiet, "only show container ids"),
	MB_OPT_SWITCH('s', "size", struct ps_args, size, "show sizes"),
	MB_OPT_CHOICE(0, "sort", NULL, struct ps_args, sort, mb_cmd_ps_sorts, "order by this"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_ps = {
	.paths = "ps|container ls|container list|container ps",
	.summary = "list containers",
	.max = 0,
	.common = true,
	.opts = ps_opts,
	.args_size = sizeof(struct ps_args),
	.main = ps_main,
};
