/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help, man pages and introspection against the texts in tests/unit/cli/golden; run with
 * MYBOX_UPDATE_GOLDEN=1 to write them anew, and read what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/help.h"
#include "cli/introspect.h"
#include "cli/lint.h"
#include "cli/man.h"
#include "core/own.h"
#include "core/str.h"
#include "sample.h"

static void read_whole(const char *path, struct mb_str *out)
{
	MB_AUTO_FCLOSE FILE *file = fopen(path, "re");
	char chunk[4096];
	size_t n = 0;

	while (file && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		mb_str_addn(out, chunk, n);
}

static void check_golden(const char *name, const struct mb_str *got)
{
	MB_AUTO_FREE char *path = mb_asprintf("%s/golden/%s", MB_TEST_DATA, name);
	MB_AUTO_STR struct mb_str want = MB_STR_INIT;

	if (getenv("MYBOX_UPDATE_GOLDEN")) {
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		fputs(mb_str_text(got), file);
		fclose(file);
		return;
	}
	read_whole(path, &want);
	assert_string_equal(mb_str_text(got), mb_str_text(&want));
}

static void verb_help_has_docker_s_layout(void **state)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	mb_cli_help_verb(&sample_run, "run", 0, &out);
	check_golden("help-run.txt", &out);
	mb_str_reset(&out);
	mb_cli_help_verb(&sample_rm, "container rm", 60, &out);
	check_golden("help-rm-60.txt", &out);
	mb_str_reset(&out);
	mb_cli_help_verb(&sample_connect, "network connect", 0, &out);
	check_golden("help-connect.txt", &out);
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	(void)state;
	for (size_t width = 60; width < 140; width += 7) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		mb_cli_help_verb(&sample_run, "run", width, &out);
		for (const char *at = mb_str_text(&out); *at; at += strcspn(at, "\n") + 1)
			assert_true(strcspn(at, "\n") <= width);
	}
}

static void lists_of_verbs_hide_the_hidden(void **state)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	mb_cli_help_top(&sample_program, 0, &out);
	check_golden("help-top.txt", &out);
	assert_null(strstr(mb_str_text(&out), "__secret"));
	mb_str_reset(&out);
	mb_cli_help_parent(&sample_program, &sample_parents[0], 0, &out);
	check_golden("help-container.txt", &out);
}

static void man_pages_join_table_and_prose(void **state)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	mb_cli_man_verb(&sample_run, "Makes it.\n.SH NOTES\nMore.\n", "1.2.3", &out);
	check_golden("man-run.txt", &out);
	mb_str_reset(&out);
	mb_cli_man_verb(&sample_connect, NULL, "1.2.3", &out);
	check_golden("man-connect.txt", &out);
	mb_str_reset(&out);
	mb_cli_man_top(&sample_program, NULL, "1.2.3", &out);
	check_golden("man-top.txt", &out);
}

static void introspection_is_one_document(void **state)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)state;
	mb_cli_introspect(&sample_program, &out);
	check_golden("introspect.json", &out);
}

static void lint_finds_nothing_in_a_sound_program(void **state)
{
	MB_AUTO_STRV struct mb_strv faults = MB_STRV_INIT;

	(void)state;
	mb_cli_lint(&sample_program, &faults);
	MB_STRV_FOREACH (fault, &faults)
		print_error("%s\n", fault);
	assert_int_equal(faults.n, 0);
}

static bool lint_says(const struct mb_cli_verb *verb, const char *words)
{
	MB_AUTO_STRV struct mb_strv faults = MB_STRV_INIT;

	mb_cli_lint_verb(verb, &faults);
	MB_STRV_FOREACH (fault, &faults)
		if (strstr(fault, words))
			return true;
	return false;
}

static void lint_finds_each_fault(void **state)
{
	static const struct mb_cli_opt opts[] = {
		MB_OPT_SWITCH('f', "force", struct sample_args, force, "one"),
		MB_OPT_SWITCH('f', "first", struct sample_args, all, "two."),
		MB_OPT_STRING(0, "name", NULL, struct sample_args, name, "Three"),
		MB_OPT_STRING(0, "other", NULL, struct sample_args, name, NULL,
	                      .aliases = "x|name"),
		MB_OPT_SIZE(0, "memory", NULL, struct sample_args, memory, "m", .def = "lots"),
		MB_OPT_STRING(0, "--bad", NULL, struct sample_args, name, "n"),
		MB_OPT_STRING(0, "long", NULL, struct sample_args, name,
	                      "a help text that goes on and on until nobody wants to read it"),
		MB_OPT_END,
	};
	const struct mb_cli_verb verb = {
		.paths = "x",
		.summary = "x",
		.max = 1,
		.opts = opts,
		.args_size = sizeof(struct sample_args),
	};

	(void)state;
	assert_true(lint_says(&verb, "--first: -f is --force already"));
	assert_true(lint_says(&verb, "--first: help ends in a full stop"));
	assert_true(lint_says(&verb, "--name: help begins with a capital"));
	assert_true(lint_says(&verb, "--other: a name of --name already"));
	assert_true(lint_says(&verb, "--other: help is missing"));
	assert_true(lint_says(&verb, "--memory: default: invalid size: 'lots'"));
	assert_true(lint_says(&verb, "----bad: not a name for an option"));
	assert_true(lint_says(&verb, "--long: help is 61 characters, at most 60"));
	assert_true(lint_says(&verb, "x: no main"));
	assert_true(lint_says(&verb, "x: takes operands, names none"));
}

static void lint_finds_clashing_paths(void **state)
{
	static const struct mb_cli_verb twin = {.paths = "rm", .summary = "x", .main = sample_main};
	static const struct mb_cli_verb orphan = {
		.paths = "nowhere go", .summary = "x", .main = sample_main};
	static const struct mb_cli_verb *const verbs[] = {&sample_rm, &twin, &orphan, NULL};
	const struct mb_cli_program program = {
		.name = "mybox", .verbs = verbs, .parents = sample_parents};
	MB_AUTO_STRV struct mb_strv faults = MB_STRV_INIT;

	(void)state;
	mb_cli_lint(&program, &faults);
	assert_int_equal(faults.n, 2);
	assert_string_equal(faults.v[0], "rm: two verbs claim it");
	assert_string_equal(faults.v[1], "nowhere go: its parent is not listed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verb_help_has_docker_s_layout),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(lists_of_verbs_hide_the_hidden),
		cmocka_unit_test(man_pages_join_table_and_prose),
		cmocka_unit_test(introspection_is_one_document),
		cmocka_unit_test(lint_finds_nothing_in_a_sound_program),
		cmocka_unit_test(lint_finds_each_fault),
		cmocka_unit_test(lint_finds_clashing_paths),
	};

	return cmocka_run_group_tests_name("cli/help", tests, NULL, NULL);
}
