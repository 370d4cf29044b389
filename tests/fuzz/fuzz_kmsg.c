/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "monitor/kmsg.h"

#define ID "46a5f2f0d69b0753974ec58a18628fb76740e4435ab5fb8649267bef20469deb"

/* A record of /dev/kmsg.  Who is told of has a number and a name that can be printed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + !size);
	struct mb_monitor_kmsg got;
	int r;

	FUZZ_CHECK(text);
	memcpy(text, data, size);
	r = mb_monitor_kmsg_parse(text, size, ID, &got);
	FUZZ_CHECK(r <= MB_MONITOR_KMSG_OTHER);
	FUZZ_CHECK(memchr(got.name, 0, sizeof(got.name)));
	for (const char *s = got.name; *s; s++)
		FUZZ_CHECK(*s >= ' ' && *s <= '~');
	if (r == 0 || r == MB_MONITOR_KMSG_HOMELESS)
		FUZZ_CHECK(got.pid > 0 && got.usec >= 0);
	if (r == 0)
		FUZZ_CHECK(memmem(text, size, ID, sizeof(ID) - 1));
	free(text);
	return 0;
}
