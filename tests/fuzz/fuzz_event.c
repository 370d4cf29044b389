/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/event.h"
#include "core/str.h"
#include "event/filter.h"
#include "event/history.h"
#include "event/log.h"
#include "format/filter.h"
#include "fuzz.h"
#include "json/json.h"

static void show(const struct mb_event_record *record, struct mb_str *out)
{
	struct json_object *o = mb_event_json(record);

	mb_event_line(record, out);
	mb_json_format(o, false, out);
	mb_json_free(o);
}

/* What is written is read again, whatever the words are. */
static void write_and_read(const char *text, size_t size)
{
	struct mb_event_record record;
	static struct mb_event e;

	mb_event_begin(&e, "container", text, "id");
	mb_event_set(&e, text, text);
	mb_event_set(&e, "exitCode", "7");
	FUZZ_CHECK(e.n + 3 <= sizeof(e.text));
	memcpy(e.text + e.n, "}}", 2);
	e.text[11 + 19] = '1';
	if (strcmp(text, "exitCode") == 0)
		return;
	FUZZ_CHECK(mb_event_record_parse(e.text, e.n + 2, &record) == 0);
	FUZZ_CHECK(strcmp(mb_kv_find(&record.attributes, "exitCode"), "7") == 0);
	FUZZ_CHECK(size > 1000 || record.attributes.n == 2);
	mb_event_record_done(&record);
}

/* Filters, a line "---", and lines of the log. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *rest = text, *words = fuzz_part(&rest);
	MB_AUTO_STRV struct mb_strv texts = MB_STRV_INIT, lines = MB_STRV_INIT;
	MB_AUTO_FILTERS struct mb_format_filters filters = {0};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_event_history history = {0};

	mb_strv_split(&texts, words, '\n');
	(void)mb_event_filters_parse(&texts, &filters, NULL);
	mb_strv_split(&lines, rest, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		struct mb_event_record record;

		if (mb_event_record_parse(lines.v[i], strlen(lines.v[i]), &record) < 0)
			continue;
		if (mb_event_filters_match(&filters, &record))
			show(&record, &out);
		mb_event_history_take(&history, &record);
		mb_event_record_done(&record);
	}
	FUZZ_CHECK(history.n <= lines.n);
	mb_event_history_done(&history);
	write_and_read(rest, strlen(rest));
	free(text);
	return 0;
}
