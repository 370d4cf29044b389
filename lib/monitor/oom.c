/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/oom.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t mb_monitor_oom_count(int fd)
{
	static const char key[] = "oom_kill ";
	char text[512], *line = text, *rest;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	for (; line; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		if (strncmp(line, key, sizeof(key) - 1) == 0)
			return strtoull(line + sizeof(key) - 1, NULL, 10);
	}
	return 0;
}
