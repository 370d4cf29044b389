/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/spec.h"
#include "runtime/child.h"
#include "runtime/runtime.h"

static char dir[] = "/tmp/mybox-test-program-XXXXXX";

static void put(const char *name, mode_t mode)
{
	MB_AUTO_FREE char *path = mb_asprintf("%s/%s", dir, name);
	MB_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

static int make(void **state)
{
	MB_AUTO_FREE char *sub = NULL;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	sub = mb_asprintf("%s/sub", dir);
	put("runs", 0755);
	put("plain", 0644);
	return mkdir(sub, 0755);
}

static int unmake(void **state)
{
	static const char *const names[] = {"runs", "plain", "sub"};

	(void)state;
	for (size_t i = 0; i < MB_N(names); i++) {
		MB_AUTO_FREE char *path = mb_asprintf("%s/%s", dir, names[i]);

		remove(path);
	}
	return rmdir(dir);
}

/* Return: the exit code that a failure gives, 0 when it is found. */
static int search(const char *name, const char *path, char *program, struct mb_err *err)
{
	struct mb_oci_process p = {0};
	int r;

	mb_strv_add(&p.args, name);
	if (path)
		mb_strv_addf(&p.env, "PATH=%s", path);
	r = mb_runtime_program_search(&p, program, err);
	mb_strv_done(&p.args);
	mb_strv_done(&p.env);
	return mb_runtime_exit_code(r, err);
}

static void codes_and_words_are_dockers(void **state)
{
	MB_AUTO_FREE char *absent = mb_asprintf("%s/absent", dir);
	MB_AUTO_FREE char *plain = mb_asprintf("%s/plain", dir);
	MB_AUTO_FREE char *sub = mb_asprintf("%s/sub", dir);
	MB_AUTO_FREE char *runs = mb_asprintf("%s/runs", dir);
	const struct {
		const char *name, *says;
		int code;
	} rows[] = {
		{"runs", NULL, 0},
		{runs, NULL, 0},
		{"absent", "exec: \"absent\": executable file not found in $PATH", 127},
		{"plain", "exec: \"plain\": executable file not found in $PATH", 127},
		{"sub", "exec: \"sub\": executable file not found in $PATH", 127},
		{"", "exec: \"\": executable file not found in $PATH", 127},
		{absent, "no such file or directory", 127},
		{plain, "permission denied", 126},
		{sub, "is a directory", 126},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *path = mb_asprintf("/nonexistent::relative:%s", dir);
		struct mb_err err = MB_ERR_INIT;
		char program[PATH_MAX];

		assert_int_equal(search(rows[i].name, path, program, &err), rows[i].code);
		if (rows[i].says)
			assert_non_null(strstr(err.msg, rows[i].says));
		else
			assert_string_equal(program, runs);
	}
}

static void without_a_path_there_is_the_usual_one(void **state)
{
	struct mb_err err = MB_ERR_INIT;
	char program[PATH_MAX];

	(void)state;
	assert_int_equal(search("sh", NULL, program, &err), 0);
	assert_true(mb_ends_with(program, "/sh"));
}

static void an_endless_path_is_refused(void **state)
{
	MB_AUTO_FREE char *name = mb_calloc(1, PATH_MAX + 10);
	struct mb_err err = MB_ERR_INIT;
	char program[PATH_MAX];

	(void)state;
	memset(name, 'x', PATH_MAX + 8);
	assert_int_equal(search(name, dir, program, &err), 127);
	name[0] = '/';
	assert_int_equal(search(name, dir, program, &err), 126);
}

static void other_failures_are_ours(void **state)
{
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(mb_runtime_exit_code(mb_fail(&err, ENOENT, "mount '/x': gone"), &err),
	                 125);
	mb_fail(&err, ENOTDIR, "working directory '/x': not a directory");
	assert_int_equal(mb_runtime_exit_code(-ENOTDIR, &err), 126);
	assert_int_equal(mb_runtime_exit_code(0, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_and_words_are_dockers),
		cmocka_unit_test(without_a_path_there_is_the_usual_one),
		cmocka_unit_test(an_endless_path_is_refused),
		cmocka_unit_test(other_failures_are_ours),
	};

	return cmocka_run_group_tests_name("runtime/program", tests, make, unmake);
}
