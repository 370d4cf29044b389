/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/logging.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "container/container.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "monitor/protocol.h"

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

static int check_option(const char *driver, const char *key, const char *value, struct mb_err *err)
{
	uint64_t size;
	uint32_t files;

	if (mb_streq(key, "max-size"))
		return read_size(value, &size) < 0
		               ? mb_fail(err, EINVAL, "invalid --log-opt max-size '%s'", value)
		               : 0;
	if (mb_streq(key, "max-file"))
		return mb_parse_u32(value, &files) < 0 || files < 1 || files > FILES_MAX
		               ? mb_fail(err, EINVAL, "invalid --log-opt max-file '%s'", value)
		               : 0;
	if (mb_streq(key, "labels") || mb_streq(key, "env"))
		return 0;
	return mb_fail(err, EINVAL, "unknown log opt '%s' for %s log driver", key, driver);
}

int mb_container_logging_check(struct mb_container_host_config *h, struct mb_err *err)
{
	static const char *const drivers[] = {DEFAULT_DRIVER, "local", "json-file", "none"};
	bool is_known = false;

	if (!h->log_driver || !*h->log_driver)
		mb_strset(&h->log_driver, DEFAULT_DRIVER);
	for (size_t i = 0; i < MB_N(drivers); i++)
		is_known |= mb_streq(h->log_driver, drivers[i]);
	if (!is_known)
		return mb_fail(err, ENOTSUP,
		               "no log driver '%s': there are k8s-file, local, "
		               "json-file and none",
		               h->log_driver);
	if (mb_streq(h->log_driver, "none") && h->log_options.n)
		return mb_fail(err, EINVAL, "log options are not for the log driver none");
	MB_KV_FOREACH (pair, &h->log_options) {
		int r = check_option(h->log_driver, pair->key, pair->value, err);

		if (r < 0)
			return r;
	}
	return 0;
}

void mb_container_logging_setup(const struct mb_container *c, struct mb_monitor_setup *setup)
{
	const struct mb_container_host_config *h = &c->record->host;
	const char *size = mb_kv_find(&h->log_options, "max-size");
	const char *files = mb_kv_find(&h->log_options, "max-file");

	if (mb_streq(h->log_driver, "none"))
		setup->flags |= MB_MONITOR_NO_LOG;
	if (size)
		(void)read_size(size, &setup->log_size);
	if (files)
		(void)mb_parse_u32(files, &setup->log_files);
}

int mb_container_logging_is_readable(const struct mb_container *c, struct mb_err *err)
{
	if (mb_streq(c->record->host.log_driver, "none"))
		return mb_fail(err, ENOTSUP, "configured logging driver does not support reading");
	return 0;
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

static void pick(struct mb_strv *pairs, const char *names, const struct mb_kv *labels,
                 const struct mb_strv *env)
{
	MB_AUTO_STRV struct mb_strv wanted = MB_STRV_INIT;

	mb_strv_split(&wanted, names ? names : "", ',');
	for (size_t i = 0; i < wanted.n; i++) {
		const char *value =
			labels ? mb_kv_find(labels, wanted.v[i]) : mb_env_find(env, wanted.v[i]);
		struct mb_str pair = MB_STR_INIT;

		if (!value)
			continue;
		add_escaped(&pair, wanted.v[i]);
		mb_str_addc(&pair, '=');
		add_escaped(&pair, value);
		mb_strv_take(pairs, mb_str_take(&pair));
	}
}

char *mb_container_logging_details(const struct mb_container *c)
{
	const struct mb_kv *options = &c->record->host.log_options;
	MB_AUTO_STRV struct mb_strv pairs = MB_STRV_INIT;
	MB_AUTO_FREE char *joined = NULL;

	pick(&pairs, mb_kv_find(options, "labels"), &c->record->config.labels, NULL);
	pick(&pairs, mb_kv_find(options, "env"), NULL, &c->record->config.env);
	mb_strv_sort(&pairs);
	joined = mb_strv_join(&pairs, ",");
	return mb_asprintf("%s ", joined);
}
