/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/health.h — is a container well?  The probe, what it says, and what is made of it.
 *
 * RUN/c/ID/health.json has the state and the last results, RUN/c/ID/health (a link to nowhere) the
 * state's word alone, for `ps` and the resolver.  No files: starting.  The monitor has the clock
 * (monitor/protocol.h, HEALTH) and starts `mybox __health ID` for each probe.
 */
#ifndef MB_CONTAINER_HEALTH_H
#define MB_CONTAINER_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct mb_container;
struct mb_container_config;
struct mb_err;
struct mb_image_settings;
struct mb_monitor_health;
struct mb_oci_healthcheck;

enum {
	MB_HEALTH_RESULTS = 5,
	MB_HEALTH_OUTPUT = 4096, /* bytes of a result's output; "..." follows one that is cut */
	MB_HEALTH_RETRIES = 3,
};
#define MB_HEALTH_INTERVAL       (30 * 1000000000ll)
#define MB_HEALTH_TIMEOUT        (30 * 1000000000ll)
#define MB_HEALTH_START_INTERVAL (5 * 1000000000ll)

enum mb_health_status {
	MB_HEALTH_STARTING,
	MB_HEALTH_HEALTHY,
	MB_HEALTH_UNHEALTHY,
	MB_HEALTH_NONE
};
/* docker's words: starting healthy unhealthy none. */
const char *mb_container_health_name(enum mb_health_status status);

struct mb_container_health_result {
	int64_t start, end; /* ns since 1970 */
	int exit_code;      /* of the probe; -1: it did not run, or took too long */
	char *output;
};

struct mb_container_health {
	int status; /* enum mb_health_status */
	int failing_streak;
	bool began; /* the startup probe has succeeded, or there is none */
	int startup_successes, startup_failures;
	struct mb_container_health_result *log;
	size_t n_log;
};
void mb_container_health_done(struct mb_container_health *health);

/* --- what is asked ---------------------------------------------------------------------------- */

/* Is there anything to run? */
bool mb_container_health_is_probe(const struct mb_oci_healthcheck *check);
/* The image's below the user's, as docker has it; the whole is checked.  Return: 0 or -EINVAL. */
int mb_container_health_merge(struct mb_container_config *config,
                              const struct mb_image_settings *image, struct mb_err *err);
/* What its monitor is told; false: nothing. */
bool mb_container_health_setup(const struct mb_container *c, struct mb_monitor_health *ret);

/* --- what is made of it (pure) ---------------------------------------------------------------- */

/* What __health tells the monitor by its exit code. */
enum {
	MB_HEALTH_SAYS_HEALTHY,
	MB_HEALTH_SAYS_UNHEALTHY,
	MB_HEALTH_SAYS_STARTING,
	MB_HEALTH_SAYS_BEGINNING, /* the startup probe has not succeeded yet */
	MB_HEALTH_SAYS_HOPELESS,  /* it has failed too often: start it again */
};

/* Take a result, whose text is @health's from now on.  @up: nanoseconds that the container had been
 * running when the probe began.  Return: MB_HEALTH_SAYS_*. */
int mb_container_health_take(struct mb_container_health *health,
                             const struct mb_container_config *config,
                             struct mb_container_health_result *result, int64_t up);

/* What its last probe said. */
int mb_container_health_says(const struct mb_container_health *health,
                             const struct mb_container_config *config);

/* --- the probe -------------------------------------------------------------------------------- */

/* State by its word; MB_HEALTH_NONE without a probe. */
enum mb_health_status mb_container_health_status(const struct mb_container *c);
/* State and results; of one that has ended, its last.  Nothing written yet: starting. */
void mb_container_health_load(const struct mb_container *c, struct mb_container_health *ret);
/* docker's .State.Health, owned by the caller; NULL without a probe. */
struct json_object *mb_container_health_json(const struct mb_container *c);

enum { MB_HEALTH_NO_PROBE = 1, MB_HEALTH_DISCARDED };
/* Probe once and write down what comes of it.  Return: 0, *@ret_says, and the probe's exit code
 * (-1: none); MB_HEALTH_NO_PROBE, told; MB_HEALTH_DISCARDED: it ended, was paused or started again
 * meanwhile; or -errno, told. */
int mb_container_health_probe(struct mb_container *c, int *ret_says, int *ret_code,
                              struct mb_err *err);
/* It is put away: the last state stays beside its record. */
void mb_container_health_keep(struct mb_container *c);

#endif
