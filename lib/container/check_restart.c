/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of starting again: policies, waits, and who has to be there first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container/check_request.h"
#include "container/container.h"
#include "container/health.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "monitor/protocol.h"

enum { NSEC_PER_MS = 1000000, FACTOR_MAX = 10000 };

/* "" keeps what is there. */
static int read_time(const char *text, uint32_t *ret_ms, struct mb_err *err)
{
	int64_t nsec;

	if (!*text)
		return 0;
	if (mb_parse_duration(text, &nsec) < 0 || nsec < NSEC_PER_MS ||
	    nsec / NSEC_PER_MS > UINT32_MAX)
		return mb_fail(err, EINVAL,
		               "invalid --restart-delay: '%s' is no time of 1ms or more", text);
	*ret_ms = (uint32_t)(nsec / NSEC_PER_MS);
	return 0;
}

/* "1.5": in hundredths. */
static int read_factor(const char *text, uint32_t *ret, struct mb_err *err)
{
	int64_t billionths;

	if (!*text)
		return 0;
	if (mb_parse_nano_cpus(text, &billionths) < 0 || billionths < 1000000000 ||
	    billionths / 10000000 > FACTOR_MAX)
		return mb_fail(err, EINVAL,
		               "invalid --restart-delay: '%s' is no factor between 1 and 100",
		               text);
	*ret = (uint32_t)(billionths / 10000000);
	return 0;
}

int mb_container_backoff_parse(const char *text, struct mb_monitor_backoff *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	struct mb_monitor_backoff b = {.min_ms = 100, .max_ms = 60000};
	int r = 0;

	mb_strv_split(&parts, text, ',');
	if (parts.n > 4)
		return mb_fail(err, EINVAL,
		               "invalid --restart-delay '%s': it is min,max,factor,reset-after",
		               text);
	if (parts.n > 0)
		r = read_time(parts.v[0], &b.min_ms, err);
	if (r == 0 && b.max_ms < b.min_ms)
		b.max_ms = b.min_ms;
	if (r == 0 && parts.n > 1)
		r = read_time(parts.v[1], &b.max_ms, err);
	if (r == 0 && parts.n > 2)
		r = read_factor(parts.v[2], &b.factor, err);
	if (r == 0 && parts.n > 3)
		r = read_time(parts.v[3], &b.reset_ms, err);
	if (r == 0 && b.max_ms < b.min_ms)
		r = mb_fail(err, EINVAL, "invalid --restart-delay '%s': the longest is the shorter",
		            text);
	if (r == 0)
		*ret = b;
	return r;
}

static int check_policy(struct mb_container_host_config *h, struct mb_err *err)
{
	static const char *const names[] = {"no", "always", "unless-stopped", "on-failure",
	                                    "on-unhealthy"};
	char *colon = h->restart.name ? strchr(h->restart.name, ':') : NULL;

	if (!h->restart.name || !*h->restart.name)
		return 0;
	if (colon) {
		*colon = '\0';
		if (mb_parse_int(colon + 1, &h->restart.max_retries) < 0)
			return mb_fail(err, EINVAL,
			               "invalid restart policy format: maximum retry "
			               "count must be an integer");
		if (h->restart.max_retries < 0)
			return mb_fail(err, EINVAL, "maximum retry count cannot be negative");
	}
	for (size_t i = 0; i < MB_N(names); i++) {
		if (strcmp(h->restart.name, names[i]) != 0)
			continue;
		if (colon && i < 3)
			return mb_fail(err, EINVAL,
			               "maximum retry count cannot be used with "
			               "restart policy '%s'",
			               names[i]);
		if (i != 0 && h->auto_remove)
			return mb_fail(err, EINVAL,
			               "conflicting options: cannot specify both "
			               "--restart and --rm");
		return 0;
	}
	return mb_fail(err, EINVAL, "invalid restart policy '%s'", h->restart.name);
}

int mb_container_restart_check(struct mb_container_host_config *h, struct mb_err *err)
{
	struct mb_monitor_backoff ignored;
	int r = check_policy(h, err);

	return r == 0 && h->restart_delay
	               ? mb_container_backoff_parse(h->restart_delay, &ignored, err)
	               : r;
}

int mb_container_cure_check(const struct mb_container_host_config *h,
                            const struct mb_container_config *config, struct mb_err *err)
{
	if (!mb_streq(h->restart.name, "on-unhealthy") ||
	    mb_container_health_is_probe(config->healthcheck))
		return 0;
	return mb_fail(err, EINVAL, "restart policy 'on-unhealthy' needs a health check");
}

int mb_container_requires_check(struct mb_store *store, struct mb_container_host_config *h,
                                struct mb_err *err)
{
	struct mb_strv ids = MB_STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < h->requires.n; i++) {
		char id[MB_ID_TEXT];

		r = mb_container_resolve(store, h->requires.v[i], id, err);
		if (r > 0)
			r = mb_fail(err, ENOENT, "--requires: No such container: %s",
			            h->requires.v[i]);
		if (r == 0 && !mb_strv_has(&ids, id))
			mb_strv_add(&ids, id);
	}
	mb_strv_done(&h->requires);
	h->requires = ids;
	return r;
}
