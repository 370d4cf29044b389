/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <string.h>

#include "cmd/platform.h"
#include "core/io.h"
#include "core/str.h"

enum { MAX_OS_RELEASE = 64 * 1024 };

const char *mb_cmd_architecture(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__riscv) && __riscv_xlen == 64
	return "riscv64";
#elif defined(__powerpc64__)
	return "ppc64le";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__arm__)
	return "arm";
#elif defined(__i386__)
	return "386";
#else
#error "name the architecture here as images do"
#endif
}

void mb_cmd_os_name(struct mb_str *out)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	const char *line = NULL;

	/* /etc/os-release is mostly a symlink to this one. */
	if (mb_read_file(AT_FDCWD, "/usr/lib/os-release", MAX_OS_RELEASE, &text, NULL) < 0)
		mb_read_file(AT_FDCWD, "/etc/os-release", MAX_OS_RELEASE, &text, NULL);
	line = strstr(mb_str_text(&text), "PRETTY_NAME=");
	if (!line) {
		mb_str_add(out, "Linux");
		return;
	}
	line += strlen("PRETTY_NAME=");
	line += *line == '"';
	mb_str_addn(out, line, strcspn(line, "\"\n"));
}
