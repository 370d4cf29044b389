/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/err.h"
#include "core/str.h"
#include "fuzz.h"
#include "store/doc.h"
#include "json/json.h"

/* The bytes as they are, and under a right header. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	MB_AUTO_STR struct mb_str doc = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;
	struct json_object *o = NULL;
	int r = mb_store_doc_parse(text, size, &o, &err);

	FUZZ_CHECK((r == 0) == (o != NULL) && (r == 0) == !err.msg[0]);
	mb_json_free(o);
	o = NULL;
	if (size) {
		mb_store_doc_format(text, size, &doc);
		mb_store_doc_parse(doc.buf, doc.len, &o, &err);
		mb_json_free(o);
	}
	free(text);
	return 0;
}
