/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "core/clock.h"

static bool enabled;
static int64_t first;

void mb_log_enable(bool on)
{
	enabled = on;
	first = mb_monotonic_nsec();
}

bool mb_log_is_on(void)
{
	return enabled;
}

void mb_debug(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!enabled)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "mybox: debug: %.3f ms: %s\n", (double)(mb_monotonic_nsec() - first) / 1e6,
	        line);
}

void mb_warn(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "mybox: warning: %s\n", line);
}
