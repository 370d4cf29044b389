/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/io.h"
#include "core/str.h"
#include "sys/carried.h"

#define E                \
	&(struct mb_err) \
	{                \
		0        \
	}
enum { PLACE = 3, PROGRAM_MAX = 4 << 20 };

/* A monitor's children have no environment at all. */
static void program_starts_without_an_environment(void **state)
{
	static const char *const nothing[] = {NULL};
	MB_AUTO_STR struct mb_str elf = MB_STR_INIT;
	struct mb_sys_carried program = {.name = "true",
	                                 .socket_type = SOCK_SEQPACKET,
	                                 .place = PLACE,
	                                 .args = nothing,
	                                 .environment = nothing};
	int sock = -1, status = -1;
	pid_t pid = -1;

	(void)state;
	assert_int_equal(mb_read_file(AT_FDCWD, "/bin/true", PROGRAM_MAX, &elf, E), 0);
	program.elf = (const unsigned char *)elf.buf;
	program.elf_size = elf.len;
	clearenv();
	assert_int_equal(mb_sys_carried_start(&program, &sock, &pid, E), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program_starts_without_an_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
