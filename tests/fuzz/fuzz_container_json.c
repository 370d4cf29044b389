/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/record.h"
#include "core/str.h"
#include "fuzz.h"
#include "store/doc.h"

/* A container.json under a right sum.  What is taken comes back when it is written again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MB_AUTO(mb_container_record_free) struct mb_container_record *record = NULL, *again = NULL;
	MB_AUTO_STR struct mb_str doc = MB_STR_INIT;

	if (!size)
		return 0;
	mb_store_doc_format((const char *)data, size, &doc);
	fuzz_file("container.json", doc.buf, doc.len);
	if (mb_container_record_load(fuzz_dir(), &record, NULL) != 0)
		return 0;
	FUZZ_CHECK(mb_container_record_save(fuzz_dir(), record, MB_DOC_REPLACE, NULL) == 0);
	FUZZ_CHECK(mb_container_record_load(fuzz_dir(), &again, NULL) == 0);
	FUZZ_CHECK(strcmp(record->id, again->id) == 0 && record->n_mounts == again->n_mounts &&
	           record->config.env.n == again->config.env.n &&
	           record->host.memory == again->host.memory);
	return 0;
}
