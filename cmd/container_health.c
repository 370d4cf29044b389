/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "cmd/container_flags.h"
#include "container/record.h"
#include "core/err.h"
#include "core/own.h"
#include "json/json.h"

static bool has_any(const struct mb_cmd_create_args *a)
{
	return (a->health_cmd && *a->health_cmd) || a->health_interval || a->health_timeout ||
	       a->health_start_period || a->health_start_interval || a->health_retries;
}

static int check(const struct mb_cmd_create_args *a, struct mb_err *err)
{
	const struct {
		const char *name;
		int64_t value;
	} rows[] = {
		{"health-interval", a->health_interval},
		{"health-timeout", a->health_timeout},
		{"health-retries", a->health_retries},
		{"health-start-period", a->health_start_period},
		{"health-start-interval", a->health_start_interval},
		{"health-startup-interval", a->startup_interval},
		{"health-startup-timeout", a->startup_timeout},
		{"health-startup-retries", a->startup_retries},
		{"health-startup-success", a->startup_success},
	};

	for (size_t i = 0; i < MB_N(rows); i++)
		if (rows[i].value < 0)
			return mb_fail(err, EINVAL, "--%s cannot be negative", rows[i].name);
	if (a->no_healthcheck && (has_any(a) || a->startup_cmd))
		return mb_fail(err, EINVAL, "--no-healthcheck conflicts with --health-* options");
	return 0;
}

/* podman: a JSON array is a command without a shell. */
static bool read_array(const char *text, struct mb_strv *test)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	struct mb_strv words = MB_STRV_INIT;
	bool fits;

	if (text[0] != '[' || mb_json_parse(text, strlen(text), &o, NULL) < 0 ||
	    !json_object_is_type(o, json_type_array))
		return false;
	fits = json_object_array_length(o) > 0;
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		struct json_object *word = json_object_array_get_idx(o, i);

		fits = fits && json_object_is_type(word, json_type_string);
		mb_strv_add(&words, json_object_get_string(word) ?: "");
	}
	if (fits && strcmp(words.v[0], "CMD") != 0 && strcmp(words.v[0], "CMD-SHELL") != 0 &&
	    strcmp(words.v[0], "NONE") != 0)
		mb_strv_add(test, "CMD");
	if (fits)
		mb_strv_add_all(test, &words);
	mb_strv_done(&words);
	return fits;
}

static void set_test(const char *text, struct mb_strv *test)
{
	if (!text || !*text || read_array(text, test))
		return;
	mb_strv_add(test, "CMD-SHELL");
	mb_strv_add(test, text);
}

static void fill_startup(const struct mb_cmd_create_args *a, struct mb_container_config *config)
{
	struct mb_container_startup *s;

	if (!a->startup_cmd || !*a->startup_cmd)
		return;
	s = config->startup = mb_calloc(1, sizeof(*config->startup));
	set_test(a->startup_cmd, &s->check.test);
	s->check.interval_nsec = a->startup_interval;
	s->check.timeout_nsec = a->startup_timeout;
	s->check.retries = a->startup_retries;
	s->successes = a->startup_success ? a->startup_success : 1;
}

int mb_cmd_create_health_fill(const struct mb_cmd_create_args *a,
                              struct mb_container_config *config, struct mb_err *err)
{
	static const char *const actions[] = {NULL, "kill", "restart", "stop"};
	struct mb_oci_healthcheck *h;
	int r = check(a, err);

	if (r < 0 ||
	    (!has_any(a) && !a->no_healthcheck && !a->startup_cmd && !a->health_on_failure))
		return r;
	config->on_unhealthy = mb_strdup_or_null(actions[a->health_on_failure]);
	fill_startup(a, config);
	if (!has_any(a) && !a->no_healthcheck)
		return 0;
	h = config->healthcheck = mb_calloc(1, sizeof(*h));
	if (a->no_healthcheck)
		mb_strv_add(&h->test, "NONE");
	set_test(a->health_cmd, &h->test);
	h->interval_nsec = a->health_interval;
	h->timeout_nsec = a->health_timeout;
	h->start_period_nsec = a->health_start_period;
	h->start_interval_nsec = a->health_start_interval;
	h->retries = a->health_retries;
	return 0;
}
