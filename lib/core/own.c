/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/own.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"

void mb_free_p(void *pointer_to_pointer)
{
	void *pointer;

	memcpy(&pointer, pointer_to_pointer, sizeof(pointer));
	free(pointer);
}

void mb_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void mb_close_p(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

void mb_fclose_p(FILE **file)
{
	if (*file)
		fclose(*file);
}

void mb_oom(void)
{
	static const char text[] = "mybox: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)ignored;
	_exit(125);
}

void *mb_malloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		mb_oom();
	return p;
}

void *mb_calloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		mb_oom();
	return p;
}

void *mb_realloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		mb_oom();
	return p;
}

char *mb_strdup(const char *s)
{
	char *p = strdup(s);

	if (!p)
		mb_oom();
	return p;
}

char *mb_strdup_or_null(const char *s)
{
	return s ? mb_strdup(s) : NULL;
}

char *mb_strndup(const char *s, size_t n)
{
	char *p = strndup(s, n);

	if (!p)
		mb_oom();
	return p;
}

char *mb_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		mb_oom();
	return s;
}

void mb_strset(char **slot, const char *s)
{
	char *copy = mb_strdup_or_null(s);

	free(*slot);
	*slot = copy;
}

int mb_alloc_bounded(size_t n, size_t size, size_t limit, void **ret, struct mb_err *err)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(n, size, &total) || total > limit)
		return mb_fail(err, E2BIG, "more than %zu bytes asked for", limit);
	p = calloc(1, total ? total : 1);
	if (!p)
		return mb_fail_sys(err, ENOMEM, "cannot get %zu bytes", total);
	*ret = p;
	return 0;
}
