/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a user is at home, by the container's own passwd: read by who has its rights already, and
 * may have no procfs that shows it to itself. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "runtime/child.h"
#include "sys/path.h"

enum { MAX_PASSWD = 10 << 20 };

/* name:password:uid:gid:comment:home:shell, of @line as far as its end. */
static char *home_of(const char *line, uint32_t uid)
{
	const size_t n = strcspn(line, "\n");
	MB_AUTO_FREE char *copy = mb_strndup(line, n);
	char *fields[7] = {copy};
	uint32_t id = 0;
	size_t k = 1;

	for (char *c = copy; *c && k < MB_N(fields); c++) {
		if (*c != ':')
			continue;
		*c = '\0';
		fields[k++] = c + 1;
	}
	if (k < 6 || mb_parse_u32(fields[2], &id) < 0 || id != uid || fields[5][0] != '/')
		return NULL;
	return mb_strdup(fields[5]);
}

char *mb_runtime_home_find(uint32_t uid)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_CLOSE int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	struct stat st;

	if (root_fd < 0 ||
	    mb_sys_path_open(root_fd, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, NULL) ||
	    fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    mb_read_fd(fd, MAX_PASSWD, &text, NULL) < 0)
		return mb_strdup("/");
	for (const char *line = mb_str_text(&text); *line; line += strspn(line, "\n")) {
		char *home = home_of(line, uid);

		if (home)
			return home;
		line += strcspn(line, "\n");
	}
	return mb_strdup("/");
}
