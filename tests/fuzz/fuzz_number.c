/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/clock.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/utf8.h"
#include "fuzz.h"

static void times(const char *text)
{
	char buf[MB_TIME_TEXT];
	int64_t nsec, again;

	if (mb_time_parse(text, &nsec) == 0) {
		FUZZ_CHECK(mb_time_parse(mb_time_format(nsec, buf), &again) == 0);
		FUZZ_CHECK(nsec == again);
	}
	mb_time_parse_reference(text, 1767323045000000000, &nsec);
	mb_time_parse_reference(text, INT64_MAX, &nsec);
}

/* Sizes, durations, cpus, signals, times, names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *shown, name[16];
	int64_t value;
	uint64_t unsigned_value;
	uint32_t mode;
	int sig, again;

	FUZZ_CHECK(mb_parse_size(text, &value) < 0 || value >= 0);
	mb_parse_duration(text, &value);
	FUZZ_CHECK(mb_parse_nano_cpus(text, &value) < 0 || value >= 0);
	mb_parse_cpu_list(text, 1023);
	mb_parse_u64(text, &unsigned_value);
	mb_parse_i64(text, &value);
	FUZZ_CHECK(mb_parse_mode(text, &mode) < 0 || mode <= 07777);
	if (mb_parse_signal(text, &sig) == 0) {
		FUZZ_CHECK(sig >= 1 && sig <= 64);
		FUZZ_CHECK(sig >= 32 || (mb_parse_signal(mb_signal_name(sig, name), &again) == 0 &&
		                         again == sig));
	}
	times(text);
	mb_name_is_valid(text);
	mb_utf8_width(text);
	shown = mb_printable(text);
	FUZZ_CHECK(mb_utf8_is_valid(shown, strlen(shown)));
	free(shown);
	free(text);
	return 0;
}
