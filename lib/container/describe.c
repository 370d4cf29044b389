/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of ps about one container. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/container.h"
#include "container/health.h"
#include "container/inspect.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "format/human.h"
#include "net/network_spec.h"
#include "store/store.h"
#include "sys/tree.h"

static void add_ago(struct mb_str *out, int64_t then, const char *after)
{
	char text[MB_FORMAT_HUMAN_TEXT];
	int64_t past = mb_now_nsec() - then;

	mb_str_addf(out, "%s%s", mb_format_duration(past > 0 ? past : 0, text), after);
}

static void add_health(struct mb_str *out, enum mb_health_status health)
{
	static const char *const texts[] = {" (health: starting)", " (healthy)", " (unhealthy)",
	                                    ""};

	mb_str_add(out, texts[health]);
}

void mb_container_status_text(const struct mb_container *c, struct mb_str *out)
{
	const struct mb_container_state *s = &c->state;

	switch (s->status) {
	case MB_STATUS_RUNNING:
	case MB_STATUS_PAUSED:
		mb_str_add(out, "Up ");
		add_ago(out, s->run.started, s->status == MB_STATUS_PAUSED ? " (Paused)" : "");
		if (s->status == MB_STATUS_RUNNING)
			add_health(out, mb_container_health_status(c));
		break;
	case MB_STATUS_RESTARTING:
		mb_str_addf(out, "Restarting (%d) ", s->exit.exit_code);
		add_ago(out, s->exit.finished, " ago");
		break;
	case MB_STATUS_EXITED:
		mb_str_addf(out, "Exited (%d)", s->exit.exit_code);
		if (s->exit.finished) {
			mb_str_addc(out, ' ');
			add_ago(out, s->exit.finished, " ago");
		}
		break;
	case MB_STATUS_CREATED:
		mb_str_add(out, "Created");
		break;
	case MB_STATUS_REMOVING:
		mb_str_add(out, "Removal In Progress");
		break;
	case MB_STATUS_DEAD:
	case MB_STATUS_N_:
		mb_str_add(out, "Dead");
		break;
	}
}

/* docker: an argument with spaces in it stands in single quotes, the program itself does not. */
static void add_word(struct mb_str *out, const char *word)
{
	const char *quote = out->len && strchr(word, ' ') ? "'" : "";

	mb_str_addf(out, "%s%s%s%s", out->len ? " " : "", quote, word, quote);
}

void mb_container_command_text(const struct mb_container *c, struct mb_str *out)
{
	const struct mb_strv *parts[] = {&c->record->config.entrypoint, &c->record->config.cmd};

	for (size_t k = 0; k < MB_N(parts); k++)
		for (size_t i = 0; i < parts[k]->n; i++)
			add_word(out, parts[k]->v[i]);
}

void mb_container_network_names(const struct mb_container *c, struct mb_strv *out)
{
	const struct mb_strv *networks = &c->record->networks;

	for (size_t i = 0; i < networks->n; i++) {
		struct mb_net_network_spec spec = {0};

		if (mb_net_network_spec_parse(networks->v[i], &spec, NULL) < 0)
			continue;
		mb_strv_add(out, spec.name);
		mb_net_network_spec_done(&spec);
	}
	if (networks->n == 0 && c->record->host.network_mode)
		mb_strv_add(out, c->record->host.network_mode);
}

/* --- ports ------------------------------------------------------------------------------------ */

struct shown {
	const char *ip; /* NULL: only exposed */
	const char *proto;
	unsigned host, port;
};

static int compare_numbers(unsigned a, unsigned b)
{
	return a < b ? -1 : a > b;
}

static int compare(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;
	int order = compare_numbers(x->port, y->port);

	if (!order)
		order = strcmp(x->ip ? x->ip : "", y->ip ? y->ip : "");
	if (!order)
		order = compare_numbers(x->host, y->host);
	return order ? order : strcmp(x->proto, y->proto);
}

/* Published under another number: shown for itself, after all others. */
static bool is_mapped(const struct shown *s)
{
	return s->ip && s->host != s->port;
}

/* Ports of one protocol at one address stand as ranges. */
static bool is_of_group(const struct shown *a, const struct shown *b)
{
	return !is_mapped(b) && mb_streq(a->ip, b->ip) && strcmp(a->proto, b->proto) == 0;
}

static void add_range(struct mb_str *out, unsigned first, unsigned last)
{
	mb_str_addf(out, "%u", first);
	if (last != first)
		mb_str_addf(out, "-%u", last);
}

static void add_run(struct mb_str *out, const struct shown *first, const struct shown *last)
{
	if (out->len)
		mb_str_add(out, ", ");
	if (first->ip) {
		mb_str_addf(out, strchr(first->ip, ':') ? "[%s]:" : "%s:", first->ip);
		add_range(out, first->host, last->host);
		mb_str_add(out, "->");
	}
	add_range(out, first->port, last->port);
	mb_str_addf(out, "/%s", first->proto);
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

/* "80/tcp", as it was checked when it came in. */
static struct shown split_port(const char *text)
{
	const char *slash = strchr(text, '/');

	return (struct shown){.port = number(text), .proto = slash ? slash + 1 : "tcp"};
}

static bool is_published(const struct mb_container_run *run, const char *port)
{
	for (size_t i = 0; i < run->n_ports; i++)
		if (strcmp(run->ports[i].container_port, port) == 0)
			return true;
	return false;
}

/* A range is told when the next of its group begins; the last ones in the order in which their
 * groups began: docker's order. */
static void add_ranges(const struct shown *v, size_t n, struct mb_str *out)
{
	MB_AUTO_FREE size_t *first = mb_calloc(n + 1, sizeof(*first));
	MB_AUTO_FREE size_t *last = mb_calloc(n + 1, sizeof(*last));
	size_t groups = 0;

	for (size_t i = 0; i < n; i++) {
		size_t g = 0;

		while (g < groups && !is_of_group(&v[first[g]], &v[i]))
			g++;
		if (is_mapped(&v[i]))
			continue;
		if (g == groups) {
			first[groups++] = i;
		} else if (v[i].port != v[last[g]].port + 1) {
			add_run(out, &v[first[g]], &v[last[g]]);
			first[g] = i;
		}
		last[g] = i;
	}
	for (size_t g = 0; g < groups; g++)
		add_run(out, &v[first[g]], &v[last[g]]);
}

void mb_container_ports_text(const struct mb_container *c, struct mb_str *out)
{
	const struct mb_container_run *run = &c->state.run;
	const struct mb_strv *exposed = &c->record->config.exposed_ports;
	MB_AUTO_FREE struct shown *v = mb_calloc(run->n_ports + exposed->n, sizeof(*v));
	size_t n = 0;

	if (!mb_container_is_running(c))
		return;
	for (size_t i = 0; i < run->n_ports; i++) {
		v[n] = split_port(run->ports[i].container_port);
		v[n].ip = run->ports[i].host_ip;
		v[n++].host = number(run->ports[i].host_port);
	}
	for (size_t i = 0; i < exposed->n; i++)
		if (!is_published(run, exposed->v[i]))
			v[n++] = split_port(exposed->v[i]);
	qsort(v, n, sizeof(*v), compare);
	add_ranges(v, n, out);
	for (size_t i = 0; i < n; i++)
		if (is_mapped(&v[i]))
			add_run(out, &v[i], &v[i]);
}

/* --- size ------------------------------------------------------------------------------------- */

int mb_container_size(const struct mb_container *c, int64_t *ret_bytes, struct mb_err *err)
{
	char path[16 + MB_ID_TEXT];
	MB_AUTO_CLOSE int dir = -1;
	uint64_t total = 0;
	int r = 0;

	/* One of a list has no directory open. */
	snprintf(path, sizeof(path), "containers/%s", c->id);
	if (c->dir_fd < 0)
		r = mb_store_dir_find(c->store, path, false, &dir, err);
	if (r < 0)
		return r;
	r = mb_sys_tree_measure(c->dir_fd < 0 ? dir : c->dir_fd, "upper", &total);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot measure container '%s'", mb_container_name(c));
	*ret_bytes = (int64_t)total;
	return 0;
}
