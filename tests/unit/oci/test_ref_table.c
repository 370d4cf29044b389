/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table "references": what docker makes of a name, and what we do where that is another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/ref.h"

enum { MIN_ROWS = 200 };

/* "\xNN" is that byte. */
static void unescape(char *s)
{
	char *to = s;
	unsigned byte;

	while (*s) {
		if (s[0] == '\\' && s[1] == 'x' && sscanf(s + 2, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* Is @in what the table says?  Says what it is else. */
static bool check(const char *in, const char *wanted)
{
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0}, again = {0};
	MB_AUTO_FREE char *got = NULL, *familiar = NULL, *back = NULL;
	struct mb_err err = MB_ERR_INIT;

	if (mb_oci_ref_parse(in, true, &ref, &err) < 0) {
		if (*wanted == '!')
			return true;
		print_error("'%s' is refused (%s), but should be '%s'\n", in, err.msg, wanted);
		return false;
	}
	got = mb_oci_ref_format(&ref, MB_OCI_REF_CANONICAL);
	/* The short form is as good. */
	familiar = mb_oci_ref_format(&ref, MB_OCI_REF_FAMILIAR);
	if (mb_oci_ref_parse(familiar, true, &again, NULL) == 0)
		back = mb_oci_ref_format(&again, MB_OCI_REF_CANONICAL);
	if (strcmp(got, wanted) == 0 && mb_streq(back, wanted))
		return true;
	print_error("'%s' is '%s', in short '%s', but should be '%s'\n", in, got, familiar, wanted);
	return false;
}

static void ref_table(void **state)
{
	FILE *file = fopen(MB_TEST_DATA "/references", "re");
	char line[4096];
	size_t rows = 0, bad = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *docker = strchr(line, '\t'), *ours;

		line[strcspn(line, "\n")] = '\0';
		if (*line == '#')
			continue;
		assert_non_null(docker);
		*docker++ = '\0';
		ours = strchr(docker, '\t');
		if (ours)
			*ours++ = '\0';
		unescape(line);
		bad += !check(line, ours ? ours : docker);
		rows++;
	}
	fclose(file);
	assert_int_equal(bad, 0);
	assert_true(rows >= MIN_ROWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ref_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
