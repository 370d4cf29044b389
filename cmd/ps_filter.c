/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/ps_filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/container.h"
#include "container/health.h"
#include "container/inspect.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "image/image.h"

static const char *const known[] = {"id",      "name",     "label",  "label!", "exited",
                                    "status",  "ancestor", "before", "since",  "volume",
                                    "network", "publish",  "expose", "health", "isolation",
                                    "is-task", NULL};

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

/* A port of "80", "80/udp" or "80-90/tcp". */
struct ports {
	uint16_t lo, hi;
	const char *proto; /* borrowed */
};

static bool read_ports(const char *text, struct ports *ret)
{
	const char *slash = strchr(text, '/'), *dash = strchr(text, '-');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	MB_AUTO_FREE char *lo = NULL, *hi = NULL;
	uint64_t first, last;

	if (!dash || (slash && dash > slash))
		dash = text + len;
	lo = mb_strndup(text, (size_t)(dash - text));
	hi = dash == text + len ? mb_strdup(lo)
	                        : mb_strndup(dash + 1, len - (size_t)(dash + 1 - text));
	if (mb_parse_u64(lo, &first) < 0 || mb_parse_u64(hi, &last) < 0 || first > last ||
	    last > UINT16_MAX)
		return false;
	*ret = (struct ports){(uint16_t)first, (uint16_t)last, slash ? slash + 1 : "tcp"};
	return !slash || mb_streq(slash + 1, "tcp") || mb_streq(slash + 1, "udp") ||
	       mb_streq(slash + 1, "sctp");
}

static int check_ports(const struct mb_strv *texts, struct mb_err *err)
{
	for (size_t i = 0; texts && i < texts->n; i++) {
		struct ports unused;

		if (!read_ports(texts->v[i], &unused))
			return mb_fail(err, EINVAL, "invalid port range '%s'", texts->v[i]);
	}
	return 0;
}

static int check_codes(const struct mb_strv *texts, struct mb_err *err)
{
	for (size_t i = 0; texts && i < texts->n; i++) {
		int code;

		if (mb_parse_int(texts->v[i], &code) < 0)
			return mb_fail(err, EINVAL, "invalid filter 'exited=%s'", texts->v[i]);
	}
	return 0;
}

static int check_values(const struct mb_format_filters *filters, struct mb_err *err)
{
	static const struct {
		const char *key;
		int (*check)(const struct mb_strv *texts, struct mb_err *err);
	} rows[] = {
		{"status", check_states}, {"health", check_healths}, {"exited", check_codes},
		{"publish", check_ports}, {"expose", check_ports},
	};
	bool unused;
	int r = mb_format_filters_bool(filters, "is-task", false, &unused, err);

	for (size_t i = 0; i < MB_N(rows) && r == 0; i++)
		r = rows[i].check(mb_format_filters_find(filters, rows[i].key), err);
	return r;
}

int mb_cmd_ps_ask(struct mb_store *store, const struct mb_strv *texts,
                  struct mb_cmd_ps_asked *asked, struct mb_err *err)
{
	const struct mb_strv *images;
	int r = mb_format_filters_parse(texts, known, &asked->filters, err);

	if (r == 0)
		r = check_values(&asked->filters, err);
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
		if (mb_image_find(store, images->v[i], &image, NULL, NULL) != 0)
			continue;
		mb_strv_addf(&asked->ancestors, "sha256:%s", image->id);
		asked->bases =
			mb_realloc(asked->bases, (asked->n_bases + 1) * sizeof(*asked->bases));
		asked->bases[asked->n_bases++] = mb_take_ptr(&image);
	}
	return 0;
}

void mb_cmd_ps_asked_done(struct mb_cmd_ps_asked *asked)
{
	mb_format_filters_done(&asked->filters);
	mb_strv_done(&asked->ancestors);
	for (size_t i = 0; i < asked->n_bases; i++)
		mb_image_free(asked->bases[i]);
	free(asked->bases);
}

/* "80/tcp", or "80" and @proto. */
static bool has_port(const struct mb_strv *wanted, const char *port, const char *proto)
{
	struct ports one, range;

	if (!read_ports(port, &one))
		return false;
	MB_STRV_FOREACH (text, wanted)
		if (read_ports(text, &range) && range.lo <= one.lo && one.lo <= range.hi &&
		    mb_streq(range.proto, proto ? proto : one.proto))
			return true;
	return false;
}

static bool is_exposed(const struct mb_container *c, const struct mb_strv *wanted)
{
	MB_STRV_FOREACH (port, &c->record->config.exposed_ports)
		if (has_port(wanted, port, NULL))
			return true;
	return false;
}

/* By the host's numbers, as docker 20.10 has it. */
static bool is_published(const struct mb_container *c, const struct mb_strv *wanted)
{
	const struct mb_container_run *run = &c->state.run;

	for (size_t i = 0; mb_container_is_running(c) && i < run->n_ports; i++) {
		const char *slash = strchr(run->ports[i].container_port, '/');

		if (has_port(wanted, run->ports[i].host_port, slash ? slash + 1 : "tcp"))
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

/* Names are known with and without the slash that inspect shows. */
static bool matches_name(const struct mb_format_filters *f, const char *name)
{
	MB_AUTO_FREE char *slashed = mb_asprintf("/%s", name);

	return mb_format_filters_match(f, "name", name) ||
	       mb_format_filters_match(f, "name", slashed);
}

/* What only containers of a swarm and of other systems have. */
static bool matches_kind(const struct mb_format_filters *f)
{
	bool task = false;

	(void)mb_format_filters_bool(f, "is-task", false, &task, NULL);
	return !task;
}

/* Made of one of the images, or of one that was built on it. */
static bool has_ancestor(const struct mb_container *c, const struct mb_cmd_ps_asked *asked)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	const char *id = mb_skip_prefix(c->record->image_id, "sha256:");

	if (mb_strv_has(&asked->ancestors, c->record->image_id))
		return true;
	if (!asked->n_bases || !id || mb_image_open(c->store, id, &image, NULL) != 0)
		return false;
	for (size_t i = 0; i < asked->n_bases; i++)
		if (mb_image_is_built_on(c->store, image, asked->bases[i]))
			return true;
	return false;
}

bool mb_cmd_ps_matches(const struct mb_container *c, const struct mb_cmd_ps_asked *asked)
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
	if (!matches_name(f, mb_container_name(c)) || !matches_kind(f) ||
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
	if (mb_format_filters_has(f, "ancestor") && !has_ancestor(c, asked))
		return false;
	if ((asked->before && c->record->created >= asked->before) ||
	    (asked->since && c->record->created <= asked->since))
		return false;
	wanted = mb_format_filters_find(f, "volume");
	if (wanted && !matches_volume(c->record, wanted))
		return false;
	wanted = mb_format_filters_find(f, "publish");
	if (wanted && !is_published(c, wanted))
		return false;
	wanted = mb_format_filters_find(f, "expose");
	return !wanted || is_exposed(c, wanted);
}
