/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/fuzz/fuzz.h — what the targets share: text ended by NUL, and a directory to put files in.
 */
#ifndef MB_FUZZ_H
#define MB_FUZZ_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever came in. */
#define FUZZ_CHECK(condition)                                                                   \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                \
		}                                                                               \
	} while (0)

/* A copy in a block of its own size, so that a byte read behind its end is seen.  free() it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	FUZZ_CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* The text up to the next line "---" (which goes), and what is behind it in *@rest. */
static inline char *fuzz_part(char **rest)
{
	char *part = *rest, *end = strstr(part, "\n---\n");

	if (end) {
		*end = '\0';
		*rest = end + 5;
	} else {
		*rest = part + strlen(part);
	}
	return part;
}

/* A directory of this process, removed with its few files at the end. */
static char fuzz_dir_path[] = "/tmp/mybox-fuzz-XXXXXX";
static int fuzz_dir_fd = -1;
static const char *const fuzz_dir_files[] = {
	"container.json", "state.json", "exit.json",      "process.json", "log",
	"etc/passwd",     "etc/group",  "registries.json"};

static inline void fuzz_dir_remove(void)
{
	for (size_t i = 0; i < sizeof(fuzz_dir_files) / sizeof(*fuzz_dir_files); i++)
		unlinkat(fuzz_dir_fd, fuzz_dir_files[i], 0);
	unlinkat(fuzz_dir_fd, "etc", AT_REMOVEDIR);
	rmdir(fuzz_dir_path);
}

static inline int fuzz_dir(void)
{
	if (fuzz_dir_fd >= 0)
		return fuzz_dir_fd;
	FUZZ_CHECK(mkdtemp(fuzz_dir_path));
	fuzz_dir_fd = open(fuzz_dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(fuzz_dir_fd >= 0);
	atexit(fuzz_dir_remove);
	return fuzz_dir_fd;
}

static inline void fuzz_file(const char *name, const void *bytes, size_t n)
{
	int fd;

	/* A new file: some file systems sync what was cut to nothing and written again. */
	unlinkat(fuzz_dir(), name, 0);
	fd = openat(fuzz_dir(), name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	close(fd);
}

#endif
