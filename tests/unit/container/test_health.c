/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_container.h"

#include "container/health.h"
#include "core/err.h"
#include "core/str.h"
#include "image/image.h"
#include "monitor/protocol.h"
#include "json/json.h"

_Static_assert((int)MB_HEALTH_SAYS_UNHEALTHY == (int)MB_MONITOR_UNHEALTHY &&
                       (int)MB_HEALTH_SAYS_STARTING == (int)MB_MONITOR_STARTING &&
                       (int)MB_HEALTH_SAYS_BEGINNING == (int)MB_MONITOR_BEGINNING &&
                       (int)MB_HEALTH_SAYS_HOPELESS == (int)MB_MONITOR_HOPELESS,
               "a probe's exit code is what the monitor reads");

/* One letter a result: + well, - not, and what becomes of it: s h u, b beginning, x hopeless. */
static void follow(const struct mb_container_config *config, const char *results, const char *want,
                   int64_t up, int64_t step)
{
	struct mb_container_health health = {0};

	for (size_t i = 0; results[i]; i++, up += step) {
		struct mb_container_health_result r = {.exit_code = results[i] == '+' ? 0 : 1,
		                                       .output = mb_strdup("x")};
		int says = mb_container_health_take(&health, config, &r, up);

		assert_null(r.output);
		/* Whoever reads the document later is told the same. */
		assert_int_equal(mb_container_health_says(&health, config), says);
		if ("husbx"[says] != want[i])
			fail_msg("%s: result %zu gives %c, not %c", results, i, "husbx"[says],
			         want[i]);
		assert_int_equal(health.n_log, i < 5 ? i + 1 : 5);
	}
	mb_container_health_done(&health);
}

static void states_follow_results(void **state)
{
	struct mb_oci_healthcheck check = {.retries = 0};
	struct mb_container_config config = {.healthcheck = &check};

	(void)state;
	/* Three failures in a row, from any state. */
	follow(&config, "--+--+---+-", "sshhhhhhuhh", 0, 0);
	follow(&config, "----", "ssuu", 0, 0);
	check.retries = 1;
	follow(&config, "-+-+", "uhuh", 0, 0);
	/* In the start period only a success counts. */
	check.start_period_nsec = 25;
	follow(&config, "----", "sssu", 0, 10);
	follow(&config, "-+-", "shu", 0, 10);
}

static void startup_comes_first(void **state)
{
	struct mb_oci_healthcheck check = {.retries = 1};
	struct mb_container_startup startup = {.successes = 2};
	struct mb_container_config config = {.healthcheck = &check, .startup = &startup};

	(void)state;
	follow(&config, "-+-++-", "bbbbsu", 0, 0);
	startup.check.retries = 2;
	follow(&config, "-+-++-", "bbbbsu", 0, 0);
	follow(&config, "-+--", "bbbx", 0, 0);
}

static void what_is_a_probe(void **state)
{
	static const struct {
		const char *words[3];
		bool is;
	} rows[] = {{{"CMD-SHELL", "x"}, true}, {{"CMD", "x", "y"}, true}, {{"NONE"}, false},
	            {{"CMD"}, false},           {{"x", "y"}, false},       {{NULL}, false}};

	(void)state;
	assert_false(mb_container_health_is_probe(NULL));
	for (size_t i = 0; i < N(rows); i++) {
		struct mb_oci_healthcheck check = {0};

		for (size_t k = 0; k < 3 && rows[i].words[k]; k++)
			mb_strv_add(&check.test, rows[i].words[k]);
		assert_int_equal(mb_container_health_is_probe(&check), rows[i].is);
		mb_strv_done(&check.test);
	}
}

static void merge_one(const char *image_json, const char *user_json, const char *want)
{
	struct mb_image_settings image = {0};
	struct mb_container_record *record = unit_record_new(UNIT_ID("a"), "web");
	struct mb_container_config *config = &record->config;
	MB_AUTO_STR struct mb_str got = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;
	int r;

	if (image_json)
		assert_int_equal(
			mb_json_parse(image_json, strlen(image_json), &image.healthcheck, NULL), 0);
	if (user_json) {
		config->healthcheck = mb_calloc(1, sizeof(*config->healthcheck));
		assert_int_equal(mb_json_load(user_json, strlen(user_json),
		                              mb_oci_healthcheck_table, config->healthcheck,
		                              sizeof(*config->healthcheck), NULL),
		                 0);
	}
	r = mb_container_health_merge(config, &image, &err);
	if (r < 0)
		mb_str_add(&got, err.msg);
	else if (config->healthcheck)
		mb_json_save(mb_oci_healthcheck_table, config->healthcheck, &got);
	assert_string_equal(mb_str_text(&got), want);
	mb_json_free(image.healthcheck);
	mb_container_record_free(record);
}

static void the_users_words_win(void **state)
{
	(void)state;
	merge_one(NULL, NULL, "");
	merge_one("{\"Test\":[\"CMD\",\"a\"],\"Interval\":5000000,\"Retries\":4}", NULL,
	          "{\"Test\":[\"CMD\",\"a\"],\"Interval\":5000000,\"Retries\":4}");
	merge_one("{\"Test\":[\"CMD\",\"a\"],\"Interval\":5000000,\"Retries\":4}",
	          "{\"Test\":[\"NONE\"]}",
	          "{\"Test\":[\"NONE\"],\"Interval\":5000000,\"Retries\":4}");
	merge_one("{\"Test\":[\"CMD\",\"a\"],\"Timeout\":5000000,\"StartPeriod\":7000000}",
	          "{\"Timeout\":6000000,\"StartInterval\":2000000}",
	          "{\"Test\":[\"CMD\",\"a\"],\"Timeout\":6000000,\"StartPeriod\":7000000,"
	          "\"StartInterval\":2000000}");
	merge_one(NULL, "{\"Test\":[\"CMD\",\"a\"],\"Timeout\":999999}",
	          "Timeout in Healthcheck cannot be less than 1ms");
	merge_one("{\"Test\":\"x\"}", NULL, "'Test' must be an array");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_follow_results),
		cmocka_unit_test(startup_comes_first),
		cmocka_unit_test(what_is_a_probe),
		cmocka_unit_test(the_users_words_win),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
