/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/ps.h"
#include "container/container.h"
#include "container/health.h"
#include "container/inspect.h"
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
	int last;
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

static const char *const known[] = {"id",      "name",     "label",  "label!", "exited",
                                    "status",  "ancestor", "before", "since",  "volume",
                                    "network", "publish",  "expose", "health", NULL};

/* --- filters ---------------------------------------------------------------------------------- */

struct asked {
	struct mb_format_filters filters;
	struct mb_strv ancestors; /* image ids */
	int64_t before, since;    /* creation times; 0: not asked */
};

static int time_of(struct mb_store *store, const struct mb_strv *names, int64_t *ret,
                   struct mb_err *err)
{
	for (size_t i = 0; names && i < names->n; i++) {
		MB_AUTO(mb_container_free) struct mb_container *c = NULL;
		int r = mb_container_find(store, names->v[i], &c, err);

		if (r != 0)
			return r < 0 ? r : -ENOENT;
		*ret = c->record->created;
	}
	return 0;
}

static int check_states(const struct mb_strv *names, struct mb_err *err)
{
	static const char *const states[] = {"created", "running",  "paused", "restarting",
	                                     "exited",  "removing", "dead"};

	for (size_t i = 0; names && i < names->n; i++) {
		bool is_known = false;

		for (size_t k = 0; k < MB_N(states); k++)
			is_known |= mb_streq(names->v[i], states[k]);
		if (!is_known)
			return mb_fail(err, EINVAL, "invalid filter 'status=%s'", names->v[i]);
	}
	return 0;
}

static int check_healths(const struct mb_strv *names, struct mb_err *err)
{
	for (size_t i = 0; names && i < names->n; i++) {
		bool is_known = false;

		for (enum mb_health_status h = 0; h <= MB_HEALTH_NONE; h++)
			is_known |= mb_streq(names->v[i], mb_container_health_name(h));
		if (!is_known)
			return mb_fail(err, EINVAL, "Unrecognised filter value for health: %s",
			               names->v[i]);
	}
	return 0;
}

static int resolve_filters(struct mb_store *store, const struct ps_args *args, struct asked *asked,
                           struct mb_err *err)
{
	const struct mb_strv *images;
	int r = mb_format_filters_parse(&args->filters, known, &asked->filters, err);

	if (r == 0)
		r = check_states(mb_format_filters_find(&asked->filters, "status"), err);
	if (r == 0)
		r = check_healths(mb_format_filters_find(&asked->filters, "health"), err);
	if (r == 0)
		r = time_of(store, mb_format_filters_find(&asked->filters, "before"),
		            &asked->before, err);
	if (r == 0)
		r = time_of(store, mb_format_filters_find(&asked->filters, "since"), &asked->since,
		            err);
	if (r < 0)
		return r;
	images = mb_format_filters_find(&asked->filters, "ancestor");
	for (size_t i = 0; images && i < images->n; i++) {
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;

		/* An image that is not there has no containers. */
		if (mb_image_find(store, images->v[i], &image, NULL, NULL) == 0)
			mb_strv_addf(&asked->ancestors, "sha256:%s", image->id);
	}
	return 0;
}

static bool matches_ports(const struct mb_container *c, const struct mb_strv *wanted,
                          bool published)
{
	const struct mb_strv *exposed = &c->record->config.exposed_ports;
	const struct mb_container_run *run = &c->state.run;

	for (size_t k = 0; k < wanted->n; k++) {
		MB_AUTO_FREE char *port = strchr(wanted->v[k], '/')
		                                  ? mb_strdup(wanted->v[k])
		                                  : mb_asprintf("%s/tcp", wanted->v[k]);

		if (!published && mb_strv_has(exposed, port))
			return true;
		for (size_t i = 0; published && i < run->n_ports; i++)
			if (strcmp(run->ports[i].container_port, port) == 0)
				return true;
	}
	return false;
}

static bool matches_volume(const struct mb_container_record *record, const struct mb_strv *wanted)
{
	for (size_t i = 0; i < record->n_mounts; i++)
		if (mb_strv_has(wanted, record->mounts[i].destination) ||
		    (record->mounts[i].name && mb_strv_has(wanted, record->mounts[i].name)) ||
		    (record->mounts[i].source && mb_strv_has(wanted, record->mounts[i].source)))
			return true;
	return false;
}

static bool matches(const struct mb_container *c, const struct asked *asked)
{
	const struct mb_format_filters *f = &asked->filters;
	const struct mb_strv *wanted;
	MB_AUTO_STRV struct mb_strv networks = MB_STRV_INIT;
	char code[16];

	if (f->n == 0 && !asked->before && !asked->since)
		return true;
	snprintf(code, sizeof(code), "%d", c->state.exit.exit_code);
	mb_container_network_names(c, &networks);
	if (!mb_format_filters_prefix(f, "id", c->id) && !mb_format_filters_match(f, "id", c->id))
		return false;
	if (!mb_format_filters_match(f, "name", mb_container_name(c)) ||
	    !mb_format_filters_labels(f, &c->record->config.labels) ||
	    !mb_format_filters_exact(f, "status", mb_container_status_name(c->state.status)) ||
	    !mb_format_filters_match_any(f, "network", &networks))
		return false;
	if (mb_format_filters_has(f, "health") &&
	    !mb_format_filters_exact(f, "health",
	                             mb_container_health_name(mb_container_health_status(c))))
		return false;
	if (mb_format_filters_has(f, "exited") &&
	    (c->state.status != MB_STATUS_EXITED || !mb_format_filters_exact(f, "exited", code)))
		return false;
	if (mb_format_filters_has(f, "ancestor") &&
	    !mb_strv_has(&asked->ancestors, c->record->image_id))
		return false;
	if ((asked->before && c->record->created >= asked->before) ||
	    (asked->since && c->record->created <= asked->since))
		return false;
	wanted = mb_format_filters_find(f, "volume");
	if (wanted && !matches_volume(c->record, wanted))
		return false;
	wanted = mb_format_filters_find(f, "publish");
	if (wanted && !matches_ports(c, wanted, true))
		return false;
	wanted = mb_format_filters_find(f, "expose");
	return !wanted || matches_ports(c, wanted, false);
}

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

/* Nothing in it looks at what was asked of the host. */
static bool is_plain(const struct ps_args *args, const struct asked *asked)
{
	return !args->format && !args->size && asked->filters.n == 0;
}

/* docker: only running ones, unless something asks for others. */
static bool is_shown(const struct mb_container *c, const struct ps_args *args,
                     const struct asked *asked)
{
	bool any = args->all || args->latest || args->last > 0 ||
	           mb_format_filters_has(&asked->filters, "status") ||
	           mb_format_filters_has(&asked->filters, "exited");

	return (any || mb_container_is_running(c)) && matches(c, asked);
}

static int print(const struct mb_container_list *all, const struct ps_args *args,
                 const struct asked *asked, struct mb_err *err)
{
	size_t limit = args->latest ? 1 : args->last > 0 ? (size_t)args->last : SIZE_MAX;
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	bool has_rest = args->format || args->size;
	int r = mb_format_list_new(mb_cmd_list_format(args->format, args->quiet, "{{.ID}}"),
	                           columns, mb_cmd_list_host(), &list, err);

	if (r < 0)
		return r;
	if (args->size)
		mb_format_list_show(list, "Size", true);
	for (size_t i = 0; r == 0 && i < all->n && limit; i++) {
		MB_AUTO(mb_json_free) struct json_object *row = NULL;

		if (!is_shown(all->v[i], args, asked))
			continue;
		limit--;
		row = mb_cmd_ps_row(all->v[i], args->no_trunc, has_rest);
		if (mb_format_list_uses(list, "Size"))
			r = set_size(row, all->v[i], err);
		if (r == 0)
			r = mb_format_list_add(list, row, err);
	}
	return r < 0 ? r : mb_cmd_list_put(list, err);
}

static int ps_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct ps_args *args = in->args;
	struct mb_container_list all = {0};
	struct asked asked = {0};
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = resolve_filters(store, args, &asked, err);
	if (r == 0)
		r = mb_container_list_load(store, is_plain(args, &asked), &all, err);
	if (r == 0)
		r = print(&all, args, &asked, err);
	mb_container_list_done(&all);
	mb_format_filters_done(&asked.filters);
	mb_strv_done(&asked.ancestors);
	return r;
}

static const struct mb_cli_opt ps_opts[] = {
	MB_OPT_SWITCH('a', "all", struct ps_args, all,
                      "show all containers, not only running ones"),
	MB_OPT_LIST('f', "filter", NULL, struct ps_args, filters, "only those that match"),
	MB_OPT_STRING(0, "format", NULL, struct ps_args, format, "json, or a template"),
	MB_OPT_INT('n', "last", NULL, struct ps_args, last, "show the n last created ones",
                   .def = "-1"),
	MB_OPT_SWITCH('l', "latest", struct ps_args, latest, "show the latest created one"),
	MB_OPT_SWITCH(0, "no-trunc", struct ps_args, no_trunc, "do not shorten anything"),
	MB_OPT_SWITCH('q', "quiet", struct ps_args, quiet, "only show container ids"),
	MB_OPT_SWITCH('s', "size", struct ps_args, size, "show sizes"),
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
