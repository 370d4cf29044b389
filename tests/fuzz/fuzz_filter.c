/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/strv.h"
#include "format/filter.h"
#include "fuzz.h"

/* Lines of --filter. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const known[] = {"name", "id", "label", "label!", "status", "all", NULL};
	char *text = fuzz_text(data, size);
	MB_AUTO_STRV struct mb_strv texts = MB_STRV_INIT;
	MB_AUTO_KV struct mb_kv labels = MB_KV_INIT;
	MB_AUTO_FILTERS struct mb_format_filters filters = {0};
	bool all;

	mb_strv_split(&texts, text, '\n');
	mb_kv_set(&labels, "a", "b");
	if (mb_format_filters_parse(&texts, known, &filters, NULL) == 0) {
		mb_format_filters_match(&filters, "name", "web");
		mb_format_filters_prefix(&filters, "id", "0123456789ab");
		mb_format_filters_exact(&filters, "status", "running");
		mb_format_filters_labels(&filters, &labels);
		mb_format_filters_bool(&filters, "all", false, &all, NULL);
	}
	free(text);
	return 0;
}
