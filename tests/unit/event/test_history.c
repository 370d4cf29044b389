/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "event/history.h"
#include "event/log.h"

static int64_t now;

static void take(struct mb_event_history *h, const char *action, const char *key, const char *value)
{
	char text[64];
	struct mb_event_record r = {.nsec = ++now};

	snprintf(text, sizeof(text), "%s", action);
	r.action = text;
	if (key)
		mb_kv_set(&r.attributes, key, value);
	mb_event_history_take(h, &r);
	mb_kv_done(&r.attributes);
}

/* Words of one run: "start 143 kill15 oom ill well stop". */
static void run(struct mb_event_history *h, const char *words)
{
	char copy[128], *word, *rest = copy;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strtok_r(rest, " ", &rest))) {
		if (strncmp(word, "kill", 4) == 0)
			take(h, "kill", "signal", word + 4);
		else if (strcmp(word, "ill") == 0)
			take(h, "health_status: unhealthy", NULL, NULL);
		else if (strcmp(word, "well") == 0)
			take(h, "health_status: healthy", NULL, NULL);
		else if (*word >= '0' && *word <= '9')
			take(h, "die", "exitCode", word);
		else
			take(h, word, NULL, NULL);
	}
}

static void ends_have_reasons(void **state)
{
	static const struct {
		const char *words;
		enum mb_event_end end;
		int code, signal;
	} rows[] = {
		{"start", MB_EVENT_RUNS, 0, 0},
		{"start 0", MB_EVENT_EXITED, 0, 0},
		{"start 3", MB_EVENT_EXITED, 3, 0},
		{"start kill1 0", MB_EVENT_EXITED, 0, 0},
		{"start 139", MB_EVENT_SIGNALLED, 139, 11},
		{"start kill9 137", MB_EVENT_KILLED, 137, 9},
		{"start kill15 137", MB_EVENT_SIGNALLED, 137, 9},
		{"start kill15 143 stop", MB_EVENT_STOPPED, 143, 15},
		{"start kill15 kill9 137 stop", MB_EVENT_STOPPED, 137, 9},
		{"start oom 137", MB_EVENT_OOM, 137, 9},
		{"start oom 3", MB_EVENT_EXITED, 3, 0},
		{"start oom 143", MB_EVENT_SIGNALLED, 143, 15},
		{"start oom kill9 137", MB_EVENT_KILLED, 137, 9},
		{"start ill 137", MB_EVENT_UNHEALTHY, 137, 9},
		{"start ill well 1", MB_EVENT_EXITED, 1, 0},
		{"5", MB_EVENT_EXITED, 5, 0},
		{"start start 0", MB_EVENT_EXITED, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct mb_event_history h = {0};
		struct mb_event_life *last;

		run(&h, rows[i].words);
		last = &h.v[h.n - 1];
		if (last->end != rows[i].end || last->code != rows[i].code ||
		    last->signal != rows[i].signal)
			fail_msg("%s: %d, code %d, signal %d", rows[i].words, last->end, last->code,
			         last->signal);
		mb_event_history_done(&h);
	}
}

static void runs_follow_each_other(void **state)
{
	struct mb_event_history h = {0};

	(void)state;
	run(&h, "stop start start kill9 137 start oom");
	assert_int_equal(h.n, 3);
	assert_int_equal(h.v[0].end, MB_EVENT_LOST);
	assert_int_equal(h.v[1].end, MB_EVENT_KILLED);
	assert_int_equal(h.v[2].end, MB_EVENT_RUNS);
	assert_int_equal(h.v[1].ended - h.v[1].started, 2);
	mb_event_history_done(&h);
}

static void take_oom(struct mb_event_history *h, const char *victim, const char *pid)
{
	char action[] = "oom";
	struct mb_event_record r = {.nsec = ++now, .action = action};

	if (victim)
		mb_kv_set(&r.attributes, "victim", victim);
	if (pid)
		mb_kv_set(&r.attributes, "victimPid", pid);
	mb_event_history_take(h, &r);
	mb_kv_done(&r.attributes);
}

static void victims_are_listed_and_bounded(void **state)
{
	struct mb_event_history h = {0};

	(void)state;
	take_oom(&h, "before", NULL);
	run(&h, "start");
	take_oom(&h, NULL, "7");
	assert_true(h.v[0].oom);
	assert_null(h.v[0].victims);
	take_oom(&h, "dd", "7");
	take_oom(&h, "sh", NULL);
	take_oom(&h, "x", "no number");
	assert_string_equal(h.v[0].victims, "dd (pid 7), sh, x");
	for (int i = 0; i < 100; i++)
		take_oom(&h, "fifteen bytes..", "4194304");
	assert_true(strlen(h.v[0].victims) < 120);
	assert_string_equal(h.v[0].victims + strlen(h.v[0].victims) - 4, " ...");
	run(&h, "0 start 0");
	assert_null(h.v[1].victims);
	assert_int_equal(h.n, 2);
	mb_event_history_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_have_reasons),
		cmocka_unit_test(runs_follow_each_other),
		cmocka_unit_test(victims_are_listed_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
