/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "sys/ps.h"

/* One that has ended and is not yet waited for: it has a name and no command line. */
static pid_t named(const char *name)
{
	pid_t pid = fork();
	siginfo_t info;

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_NAME, name);
		_exit(0);
	}
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	return pid;
}

static void a_name_of_its_own_moves_no_terminal(void **state)
{
	static const struct {
		const char *name, *shown;
	} rows[] = {
		{"sh", "[sh]"},
		{"a\033[2Jb", "[a\\x1b[2Jb]"},
		{"a\nb) c", "[a\\x0ab) c]"},
		{"a\xc2\x9b", "[a\\xc2\\x9b]"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STRV struct mb_strv cells = MB_STRV_INIT;
		pid_t pid = named(rows[i].name);

		mb_sys_ps_add(pid, &cells);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_int_equal(cells.n, MB_SYS_PS_COLUMNS);
		assert_string_equal(cells.v[MB_SYS_PS_COLUMNS - 1], rows[i].shown);
		mb_strv_done(&cells);
		mb_sys_ps_add(pid, &cells);
		assert_int_equal(cells.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_of_its_own_moves_no_terminal),
	};

	return cmocka_run_group_tests_name("ps", tests, NULL, NULL);
}
