/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked: the user's words over the image's, and what the monitor is told of it. */
#include <errno.h>
#include <stdlib.h>

#include "container/container.h"
#include "container/health.h"
#include "container/life.h"
#include "core/err.h"
#include "core/str.h"
#include "image/image.h"
#include "monitor/protocol.h"
#include "oci/image_spec.h"
#include "json/json.h"

enum { NSEC_PER_MS = 1000000 };

static int check_times(const struct mb_oci_healthcheck *h, struct mb_err *err)
{
	const struct {
		const char *name;
		int64_t nsec;
	} rows[] = {{"Interval", h->interval_nsec},
	            {"Timeout", h->timeout_nsec},
	            {"StartPeriod", h->start_period_nsec},
	            {"StartInterval", h->start_interval_nsec}};

	for (size_t i = 0; i < MB_N(rows); i++)
		if (rows[i].nsec && rows[i].nsec < NSEC_PER_MS)
			return mb_fail(err, EINVAL, "%s in Healthcheck cannot be less than 1ms",
			               rows[i].name);
	if (h->retries < 0)
		return mb_fail(err, EINVAL, "Retries in Healthcheck cannot be negative");
	return 0;
}

static void default_to(int64_t *slot, int64_t otherwise)
{
	if (!*slot)
		*slot = otherwise;
}

static void merge(struct mb_oci_healthcheck *into, const struct mb_oci_healthcheck *from)
{
	if (!into->test.n)
		mb_strv_add_all(&into->test, &from->test);
	default_to(&into->interval_nsec, from->interval_nsec);
	default_to(&into->timeout_nsec, from->timeout_nsec);
	default_to(&into->start_period_nsec, from->start_period_nsec);
	default_to(&into->start_interval_nsec, from->start_interval_nsec);
	if (!into->retries)
		into->retries = from->retries;
}

int mb_container_health_merge(struct mb_container_config *config,
                              const struct mb_image_settings *image, struct mb_err *err)
{
	struct mb_oci_healthcheck of_image = {0};
	int r = 0;

	if (image->healthcheck)
		r = mb_json_decode(image->healthcheck, mb_oci_healthcheck_table, &of_image, err);
	if (r == 0 && of_image.test.n) {
		if (!config->healthcheck)
			config->healthcheck = mb_calloc(1, sizeof(*config->healthcheck));
		merge(config->healthcheck, &of_image);
	}
	mb_json_done(mb_oci_healthcheck_table, &of_image);
	if (r == 0 && config->healthcheck)
		r = check_times(config->healthcheck, err);
	if (r == 0 && config->startup)
		r = check_times(&config->startup->check, err);
	if (r == 0 && config->startup && !mb_container_health_is_probe(config->healthcheck))
		r = mb_fail(err, EINVAL, "a startup check needs a health check");
	if (r == 0 && config->on_unhealthy && !mb_container_health_is_probe(config->healthcheck))
		r = mb_fail(err, EINVAL, "--health-on-failure '%s' needs a health check",
		            config->on_unhealthy);
	if (r == 0 && mb_container_health_is_probe(config->healthcheck))
		mb_strv_add_all(&config->shell, &image->shell);
	return r;
}

static uint32_t to_ms(int64_t nsec, int64_t otherwise)
{
	int64_t ms = (nsec ? nsec : otherwise) / NSEC_PER_MS;

	return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

static uint32_t action_of(const char *word)
{
	static const char *const words[] = {"none", "kill", "restart", "stop"};

	for (uint32_t i = 0; i < MB_N(words); i++)
		if (mb_streq(word, words[i]))
			return i;
	return MB_MONITOR_ON_FAILURE_NONE;
}

bool mb_container_health_setup(const struct mb_container *c, struct mb_monitor_health *ret)
{
	const struct mb_container_config *config = &c->record->config;
	const struct mb_oci_healthcheck *h = config->healthcheck;
	int64_t stop = mb_container_stop_timeout(c);

	if (!mb_container_health_is_probe(h))
		return false;
	*ret = (struct mb_monitor_health){
		.interval_ms = to_ms(h->interval_nsec, MB_HEALTH_INTERVAL),
		.timeout_ms = to_ms(h->timeout_nsec, MB_HEALTH_TIMEOUT),
		.start_period_ms = to_ms(h->start_period_nsec, 0),
		.start_interval_ms = to_ms(h->start_interval_nsec, MB_HEALTH_START_INTERVAL),
		.on_failure = action_of(config->on_unhealthy),
		.stop_signal = (uint32_t)mb_container_stop_signal(c),
		.stop_timeout_ms =
			stop < 0 || stop > UINT32_MAX / 1000 ? UINT32_MAX : (uint32_t)stop * 1000,
	};
	if (config->startup) {
		const struct mb_oci_healthcheck *s = &config->startup->check;

		ret->startup_interval_ms = to_ms(s->interval_nsec, MB_HEALTH_INTERVAL);
		ret->startup_timeout_ms = to_ms(s->timeout_nsec, MB_HEALTH_TIMEOUT);
	}
	return true;
}
