/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/clock.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "format/human.h"
#include "fuzz.h"

/* Whatever number comes, the text fits and says something. */
static void all_texts(int64_t number)
{
	char *(*const texts[])(int64_t, char[MB_FORMAT_HUMAN_TEXT]) = {
		mb_format_duration, mb_format_created_at,  mb_format_created_at_nsec,
		mb_format_rfc3339,  mb_format_go_duration,
	};
	char buf[MB_FORMAT_HUMAN_TEXT], back[MB_FORMAT_HUMAN_TEXT];
	int64_t again;

	for (size_t i = 0; i < MB_N(texts); i++) {
		char *text = texts[i](number, buf);

		FUZZ_CHECK(text == buf && *text && strlen(text) < MB_FORMAT_HUMAN_TEXT);
	}
	mb_format_ago(number, 0, buf);
	mb_format_ago(0, number, buf);
	/* What was told in whole seconds is read as them. */
	mb_format_rfc3339(number, buf);
	if (mb_time_parse(buf, &again) == 0)
		FUZZ_CHECK(strcmp(mb_format_rfc3339(again, back), buf) == 0);
	mb_format_size((double)number, buf);
	mb_format_size_short((double)number, buf);
	mb_format_bytes((double)number, buf);
	FUZZ_CHECK(strlen(buf) < MB_FORMAT_HUMAN_TEXT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *cut;
	int64_t number;

	if (size >= sizeof(number)) {
		memcpy(&number, data, sizeof(number));
		all_texts(number);
	}
	if (mb_parse_i64(text, &number) == 0 || mb_parse_duration(text, &number) == 0)
		all_texts(number);
	for (size_t columns = 0; columns < 4; columns++) {
		cut = mb_format_ellipsis(text, columns);
		free(cut);
	}
	cut = mb_format_short_id(text);
	FUZZ_CHECK(strlen(cut) <= 12);
	free(cut);
	free(text);
	return 0;
}
