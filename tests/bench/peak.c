/* SPDX-License-Identifier: GPL-2.0-or-later */
/* peak COMMAND [WORD...] [-- COMMAND...]: run the commands one after the other and print the most
 * memory, in KiB, that any process of theirs held at once.  From here, for what a process holds
 * at its execve counts as its own: of an interpreter that would be megabytes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(char **argv)
{
	pid_t pid = vfork();
	int status, nothing;

	if (pid == 0) {
		nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(nothing, 1);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int failed = argc < 2, first = 1;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (int i = 1; i <= argc; i++) {
		if (i < argc && strcmp(argv[i], "--") != 0)
			continue;
		argv[i] = NULL;
		failed |= run(argv + first);
		first = i + 1;
	}
	while (wait(NULL) > 0)
		;
	if (failed || getrusage(RUSAGE_CHILDREN, &usage) < 0)
		return 1;
	printf("%ld\n", usage.ru_maxrss);
	return 0;
}
