/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/logging.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container/container.h"
#include "container/logto.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "format/regex.h"
#include "monitor/protocol.h"
#include "store/store.h"

#define DEFAULT_DRIVER "k8s-file"

enum { FILES_MAX = 1000, SIZE_MIN = 4096 };

/* "-1": no rotation. */
static int read_size(const char *text, uint64_t *ret)
{
	int64_t bytes;

	if (mb_streq(text, "-1")) {
		*ret = UINT64_MAX;
		return 0;
	}
	if (mb_parse_size(text, &bytes) < 0 || bytes < SIZE_MIN)
		return -EINVAL;
	*ret = (uint64_t)bytes;
	return 0;
}

enum {
	CRI = 1,
	LOCAL = 2,
	JSON = 4,
	JOURNALD = 8,
	SYSLOG = 16,
	NONE = 32,
	FILES = CRI | LOCAL | JSON,
	SINKS = JOURNALD | SYSLOG,
};

static const struct driver {
	const char *name;
	unsigned bit;
} drivers[] = {{DEFAULT_DRIVER, CRI},  {"local", LOCAL},   {"json-file", JSON},
               {"journald", JOURNALD}, {"syslog", SYSLOG}, {"none", NONE}};

static unsigned driver_of(const struct mb_container_host_config *h)
{
	for (size_t i = 0; i < MB_N(drivers); i++)
		if (mb_streq(h->log_driver, drivers[i].name))
			return drivers[i].bit;
	return 0;
}

static int check_size(const char *key, const char *value, struct mb_err *err)
{
	uint64_t size;

	return read_size(value, &size) < 0
	               ? mb_fail(err, EINVAL, "invalid --log-opt %s '%s'", key, value)
	               : 0;
}

static int check_files(const char *key, const char *value, struct mb_err *err)
{
	uint32_t files;

	return mb_parse_u32(value, &files) < 0 || files < 1 || files > FILES_MAX
	               ? mb_fail(err, EINVAL, "invalid --log-opt %s '%s'", key, value)
	               : 0;
}

static int check_bool(const char *key, const char *value, struct mb_err *err)
{
	bool ignored;

	return mb_parse_bool(value, &ignored) < 0
	               ? mb_fail(err, EINVAL, "invalid --log-opt %s '%s'", key, value)
	               : 0;
}

static int check_tag(const char *key, const char *value, struct mb_err *err)
{
	(void)key;
	return mb_container_logto_check_tag(value, err);
}

static int check_mode(const char *key, const char *value, struct mb_err *err)
{
	if (mb_streq(value, "blocking"))
		return mb_fail(err, ENOTSUP,
		               "--log-opt mode 'blocking' is not there: no container waits for "
		               "its log");
	return mb_streq(value, "non-blocking")
	               ? 0
	               : mb_fail(err, EINVAL, "invalid --log-opt %s '%s'", key, value);
}

static int check_regex(const char *key, const char *value, struct mb_err *err)
{
	return mb_format_regex_is_valid(value)
	               ? 0
	               : mb_fail(err, EINVAL, "invalid --log-opt %s '%s'", key, value);
}

/* Log files have no queue: what is read is written. */
static int check_buffer(const char *key, const char *value, struct mb_err *err)
{
	uint64_t size;

	if (read_size(value, &size) < 0 || size == UINT64_MAX)
		return mb_fail(err, EINVAL, "invalid --log-opt %s '%s'", key, value);
	return size > MB_MONITOR_LOGTO_QUEUE_MAX
	               ? mb_fail(err, EINVAL, "--log-opt %s '%s': at most 16m", key, value)
	               : 0;
}

static int refuse(const char *key, const char *value, struct mb_err *err)
{
	(void)value;
	return mb_fail(err, ENOTSUP, "log opt '%s' is not supported", key);
}

static const struct option {
	const char *name;
	unsigned drivers;
	int (*check)(const char *key, const char *value, struct mb_err *err); /* NULL: any value */
} options[] = {
	{"max-size", FILES, check_size},
	{"max-file", FILES, check_files},
	{"labels", FILES | SINKS, NULL},
	{"env", FILES | SINKS, NULL},
	{"tag", CRI | JSON | SINKS, check_tag},
	{"mode", FILES | SINKS, check_mode},
	{"cache-disabled", SINKS, check_bool},
	{"cache-max-size", SINKS, check_size},
	{"cache-max-file", SINKS, check_files},
	{"syslog-address", SYSLOG, mb_container_logto_check_syslog},
	{"syslog-facility", SYSLOG, mb_container_logto_check_syslog},
	{"syslog-format", SYSLOG, mb_container_logto_check_syslog},
	{"max-buffer-size", FILES | SINKS, check_buffer},
	{"compress", FILES, check_bool},
	{"cache-compress", SINKS, check_bool},
	{"labels-regex", FILES | SINKS, check_regex},
	{"env-regex", FILES | SINKS, check_regex},
	{"syslog-tls-ca-cert", SYSLOG, refuse},
	{"syslog-tls-cert", SYSLOG, refuse},
	{"syslog-tls-key", SYSLOG, refuse},
	{"syslog-tls-skip-verify", SYSLOG, refuse},
};

static int check_option(const struct mb_container_host_config *h, const char *key,
                        const char *value, struct mb_err *err)
{
	for (size_t i = 0; i < MB_N(options); i++) {
		const struct option *o = &options[i];

		if (mb_streq(key, o->name) && o->drivers & driver_of(h))
			return o->check ? o->check(key, value, err) : 0;
	}
	return mb_fail(err, EINVAL, "unknown log opt '%s' for %s log driver", key, h->log_driver);
}

int mb_container_logging_check(struct mb_container_host_config *h, struct mb_err *err)
{
	if (!h->log_driver || !*h->log_driver)
		mb_strset(&h->log_driver, DEFAULT_DRIVER);
	if (!driver_of(h))
		return mb_fail(err, ENOTSUP,
		               "no log driver '%s': there are k8s-file, local, "
		               "json-file, journald, syslog and none",
		               h->log_driver);
	if (driver_of(h) == NONE && h->log_options.n)
		return mb_fail(err, EINVAL, "log options are not for the log driver none");
	MB_KV_FOREACH (pair, &h->log_options) {
		int r = check_option(h, pair->key, pair->value, err);

		if (r < 0)
			return r;
	}
	if (mb_kv_find(&h->log_options, "max-buffer-size") && !mb_kv_find(&h->log_options, "mode"))
		return mb_fail(err, EINVAL,
		               "--log-opt max-buffer-size is only supported with "
		               "'mode=non-blocking'");
	return 0;
}

uint32_t mb_container_logging_queue(const struct mb_container_host_config *h)
{
	const char *size = mb_kv_find(&h->log_options, "max-buffer-size");
	uint64_t bytes = 0;

	if (size)
		(void)read_size(size, &bytes);
	return (uint32_t)bytes;
}

static bool has_files(const struct mb_container_host_config *h)
{
	const char *off = mb_kv_find(&h->log_options, "cache-disabled");
	bool is_off = false;

	if (off)
		(void)mb_parse_bool(off, &is_off);
	return driver_of(h) != NONE && !is_off;
}

static bool is_packed(const struct mb_container_host_config *h)
{
	const char *key = driver_of(h) & SINKS ? "cache-compress" : "compress";
	const char *value = mb_kv_find(&h->log_options, key);
	bool is_on = false;

	if (value)
		(void)mb_parse_bool(value, &is_on);
	return is_on;
}

void mb_container_logging_setup(const struct mb_container *c, struct mb_monitor_setup *setup)
{
	const struct mb_container_host_config *h = &c->record->host;
	bool is_cache = driver_of(h) & SINKS;
	const char *size = mb_kv_find(&h->log_options, is_cache ? "cache-max-size" : "max-size");
	const char *files = mb_kv_find(&h->log_options, is_cache ? "cache-max-file" : "max-file");

	if (!has_files(h))
		setup->flags |= MB_MONITOR_NO_LOG;
	if (size)
		(void)read_size(size, &setup->log_size);
	if (files)
		(void)mb_parse_u32(files, &setup->log_files);
	if (is_packed(h))
		setup->flags |= MB_MONITOR_PACK_LOG;
}

int mb_container_logging_is_readable(const struct mb_container *c, struct mb_err *err)
{
	if (!has_files(&c->record->host))
		return mb_fail(err, ENOTSUP, "configured logging driver does not support reading");
	return 0;
}

struct mb_container_lost mb_container_logging_lost(const struct mb_container *c)
{
	struct mb_container_lost lost = {
		.dropped = c->state.has_exit ? c->state.exit.dropped_bytes : 0,
		.unsent = c->state.has_exit ? c->state.exit.unsent_bytes : 0};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_FREE char *path = NULL;
	char *end;

	if (!c->state.has_run)
		return lost;
	lost = (struct mb_container_lost){0};
	path = mb_asprintf("c/%s/lost", c->id);
	if (mb_read_file(c->store->run_fd, path, 64, &text, NULL) < 0)
		return lost;
	lost.dropped = strtoull(mb_str_text(&text), &end, 10);
	lost.unsent = strtoull(end, NULL, 10);
	return lost;
}

char *mb_container_logging_file(const struct mb_container *c)
{
	return driver_of(&c->record->host) == JSON ? mb_asprintf("%s-json.log", c->id) : NULL;
}

char *mb_container_logging_path(const struct mb_container *c)
{
	MB_AUTO_FREE char *name = mb_container_logging_file(c);

	if (!has_files(&c->record->host))
		return mb_strdup("");
	return mb_asprintf("%s/containers/%s/%s", c->store->root, c->id, name ? name : "log");
}

static void pick(const char *names, const struct mb_kv *labels, const struct mb_strv *env,
                 struct mb_kv *ret)
{
	MB_AUTO_STRV struct mb_strv wanted = MB_STRV_INIT;

	mb_strv_split(&wanted, names ? names : "", ',');
	for (size_t i = 0; i < wanted.n; i++) {
		const char *value =
			labels ? mb_kv_find(labels, wanted.v[i]) : mb_env_find(env, wanted.v[i]);

		if (value)
			mb_kv_set(ret, wanted.v[i], value);
	}
}

/* Those whose names the expression is found in. */
static void pick_found(const char *regex, const struct mb_container_config *config, bool labels,
                       struct mb_kv *ret)
{
	if (!regex)
		return;
	if (labels)
		MB_KV_FOREACH (label, &config->labels)
			if (mb_format_regex_finds(regex, label->key))
				mb_kv_set(ret, label->key, label->value);
	for (size_t i = 0; !labels && i < config->env.n; i++) {
		const char *variable = config->env.v[i], *value = strchr(variable, '=');
		MB_AUTO_FREE char *name =
			value ? mb_strndup(variable, (size_t)(value - variable)) : NULL;

		if (name && mb_format_regex_finds(regex, name))
			mb_kv_set(ret, name, value + 1);
	}
}

void mb_container_logging_attributes(const struct mb_container_record *record, struct mb_kv *ret)
{
	const struct mb_kv *given = &record->host.log_options;

	pick(mb_kv_find(given, "labels"), &record->config.labels, NULL, ret);
	pick_found(mb_kv_find(given, "labels-regex"), &record->config, true, ret);
	pick(mb_kv_find(given, "env"), NULL, &record->config.env, ret);
	pick_found(mb_kv_find(given, "env-regex"), &record->config, false, ret);
}

/* As Go's url.QueryEscape(). */
static void add_escaped(struct mb_str *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (isalnum((unsigned char)*p) || strchr("-_.~", *p))
			mb_str_addc(out, *p);
		else if (*p == ' ')
			mb_str_addc(out, '+');
		else
			mb_str_addf(out, "%%%02X", (unsigned char)*p);
	}
}

char *mb_container_logging_details(const struct mb_container *c)
{
	MB_AUTO_KV struct mb_kv attributes = MB_KV_INIT;
	MB_AUTO_STRV struct mb_strv pairs = MB_STRV_INIT;
	MB_AUTO_FREE char *joined = NULL;

	mb_container_logging_attributes(c->record, &attributes);
	MB_KV_FOREACH (pair, &attributes) {
		struct mb_str text = MB_STR_INIT;

		add_escaped(&text, pair->key);
		mb_str_addc(&text, '=');
		add_escaped(&text, pair->value);
		mb_strv_take(&pairs, mb_str_take(&text));
	}
	mb_strv_sort(&pairs);
	joined = mb_strv_join(&pairs, ",");
	return mb_asprintf("%s ", joined);
}
