/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/str.h"
#include "format/template.h"
#include "fuzz.h"
#include "json/json.h"

static const char document[] =
	"{\"ID\":\"abc\",\"Names\":[\"a\",\"b\"],\"State\":{\"Pid\":7,\"Running\":true,"
	"\"Error\":null},\"Size\":1.5,\"Labels\":{\"x\":\"y\",\"z\":\"\"},\"Empty\":[]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json_object *o;
	char *text = fuzz_text(data, size);
	MB_AUTO(mb_format_template_free) struct mb_format_template *t = NULL;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	if (!o)
		FUZZ_CHECK(mb_json_parse(document, strlen(document), &o, NULL) == 0);
	if (mb_format_template_new(text, size % 2, &t, NULL) == 0) {
		mb_format_template_uses(t, "Size");
		mb_format_template_run(t, o, NULL, &out, NULL);
		FUZZ_CHECK(out.len <= MB_FORMAT_MAX_OUTPUT);
		mb_str_reset(&out);
		mb_format_template_run_header(t, o, &out, NULL);
	}
	free(text);
	return 0;
}
