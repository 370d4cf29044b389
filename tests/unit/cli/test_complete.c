/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/complete.h"
#include "core/own.h"
#include "core/str.h"
#include "sample.h"

enum { MAX_WORDS = 16 };

static void add_names(void *arg, enum mb_cli_complete kind, struct mb_strv *out)
{
	(void)arg;
	if (kind == MB_COMP_CONTAINER) {
		mb_strv_add(out, "web");
		mb_strv_add(out, "worker");
	} else if (kind == MB_COMP_IMAGE) {
		mb_strv_add(out, "debian:12");
	} else if (kind == MB_COMP_NETWORK) {
		mb_strv_add(out, "bridge");
	}
}

/* A line ("_" is the empty word that is being typed) and the candidates without descriptions. */
static void candidates_follow_the_tables(void **state)
{
	static const struct {
		const char *line, *expect;
	} rows[] = {
		{"_", "run rm load container network :none"},
		{"r", "run rm :none"},
		{"__", ":none"},
		{"con", "container :none"},
		{"container _", "run rm load :none"},
		{"container r", "run rm :none"},
		{"container nosuch _", ":none"},
		{"rm _", "web worker :none"},
		{"rm wo", "worker :none"},
		{"rm web _", "web worker :none"},
		{"container rm w", "web worker :none"},
		{"rm --fo", "--force :none"},
		{"rm -", "--force --all --filter --memory --name --network --level --help :none"},
		{"rm --level _", "low middling high :none"},
		{"rm --level=m", "--level=middling :none"},
		{"rm --network _", "bridge :none"},
		{"rm --net _", "bridge :none"},
		{"rm --net=b", "--net=bridge :none"},
		{"rm --nosuch=b", ":none"},
		{"rm -m _", ":none"},
		{"rm -fm _", ":none"},
		{"rm -fm 1g _", "web worker :none"},
		{"rm -m1g w", "web worker :none"},
		{"rm --name -- -- -", ":none"},
		{"run _", "debian:12 :none"},
		{"run -f --name x d", "debian:12 :none"},
		{"run debian _", ":none"},
		{"run debian --f", ":none"},
		{"network connect _", "bridge :none"},
		{"network connect bridge _", "web worker :none"},
		{"network connect bridge web _", ":none"},
		{"load _", ":files"},
		{"-", "--debug --root --help :none"},
		{"--root _", ":dirs"},
		{"--root=/x", ":dirs"},
		{"--nosuch=x", ":none"},
		{"--root /x r", "run rm :none"},
		{"-D container _", "run rm load :none"},
		{"nosuch _", ":none"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT, short_out = MB_STR_INIT;
		char text[128], *words[MAX_WORDS] = {0};
		int n = 0;

		strcpy(text, rows[i].line);
		for (char *w = strtok(text, " "); w; w = strtok(NULL, " ")) {
			words[n++] = w;
			if (strcmp(w, "_") == 0)
				*w = '\0';
		}
		mb_cli_complete_words(&sample_program, n, words, add_names, NULL, &out);
		for (const char *at = mb_str_text(&out); *at; at += strcspn(at, "\n") + 1) {
			mb_str_add(&short_out, short_out.len ? " " : "");
			mb_str_addn(&short_out, at, strcspn(at, "\t\n"));
		}
		if (strcmp(mb_str_text(&short_out), rows[i].expect) != 0)
			fail_msg("'%s': got '%s', want '%s'", rows[i].line, mb_str_text(&short_out),
			         rows[i].expect);
	}
}

static void no_word_at_all_is_fine(void **state)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	mb_cli_complete_words(&sample_program, 0, NULL, NULL, NULL, &out);
	assert_non_null(strstr(mb_str_text(&out), "run\tmake and start a container\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(candidates_follow_the_tables),
		cmocka_unit_test(no_word_at_all_is_fine),
	};

	return cmocka_run_group_tests_name("cli/complete", tests, NULL, NULL);
}
