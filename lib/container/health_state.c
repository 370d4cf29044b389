/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a container's health by one result more: moby's rules, and startup probes. */
#include <stdlib.h>
#include <string.h>

#include "container/health.h"
#include "container/record.h"
#include "oci/image_spec.h"

static const char *const names[] = {"starting", "healthy", "unhealthy", "none"};

const char *mb_container_health_name(enum mb_health_status status)
{
	return names[status];
}

bool mb_container_health_is_probe(const struct mb_oci_healthcheck *check)
{
	return check && check->test.n > 1 &&
	       (strcmp(check->test.v[0], "CMD") == 0 || strcmp(check->test.v[0], "CMD-SHELL") == 0);
}

static void keep_result(struct mb_container_health *health,
                        struct mb_container_health_result *result)
{
	const size_t size = sizeof(*health->log);

	if (health->n_log >= MB_HEALTH_RESULTS) {
		size_t excess = health->n_log + 1 - MB_HEALTH_RESULTS;

		for (size_t i = 0; i < excess; i++)
			free(health->log[i].output);
		health->n_log -= excess;
		memmove(health->log, health->log + excess, health->n_log * size);
	}
	health->log = mb_realloc(health->log, (health->n_log + 1) * size);
	health->log[health->n_log++] = *result;
	*result = (struct mb_container_health_result){0};
}

int mb_container_health_says(const struct mb_container_health *health,
                             const struct mb_container_config *config)
{
	static const int says[] = {MB_HEALTH_SAYS_STARTING, MB_HEALTH_SAYS_HEALTHY,
	                           MB_HEALTH_SAYS_UNHEALTHY};
	const struct mb_container_startup *startup = config->startup;

	if (!startup || health->began)
		return says[health->status];
	return startup->check.retries && health->startup_failures >= startup->check.retries
	               ? MB_HEALTH_SAYS_HOPELESS
	               : MB_HEALTH_SAYS_BEGINNING;
}

/* Until it has succeeded often enough the other one does not count. */
static void take_startup(struct mb_container_health *health,
                         const struct mb_container_startup *startup, bool ok)
{
	health->startup_failures = ok ? 0 : health->startup_failures + 1;
	health->startup_successes = ok ? health->startup_successes + 1 : 0;
	health->began = ok && health->startup_successes >= startup->successes;
}

static void take_failure(struct mb_container_health *health, const struct mb_oci_healthcheck *check,
                         int64_t up)
{
	int retries = check->retries ? check->retries : MB_HEALTH_RETRIES;

	/* While it may still be starting a failure says nothing. */
	if (health->status == MB_HEALTH_STARTING && up < check->start_period_nsec)
		return;
	if (++health->failing_streak >= retries)
		health->status = MB_HEALTH_UNHEALTHY;
}

int mb_container_health_take(struct mb_container_health *health,
                             const struct mb_container_config *config,
                             struct mb_container_health_result *result, int64_t up)
{
	bool ok = result->exit_code == 0;

	keep_result(health, result);
	if (config->startup && !health->began) {
		take_startup(health, config->startup, ok);
	} else if (ok) {
		health->failing_streak = 0;
		health->status = MB_HEALTH_HEALTHY;
	} else {
		take_failure(health, config->healthcheck, up);
	}
	return mb_container_health_says(health, config);
}
