/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/state.h"
#include "core/str.h"
#include "fuzz.h"
#include "store/doc.h"

/* In place of libc's: who rests before reading a broken document again would rest all the time. */
int usleep(useconds_t usec)
{
	(void)usec;
	return 0;
}

static void put(const char *name, const uint8_t *data, size_t size)
{
	MB_AUTO_STR struct mb_str doc = MB_STR_INIT;

	mb_store_doc_format((const char *)data, size, &doc);
	fuzz_file(name, doc.buf, doc.len);
}

/* The same body as both documents under a right sum, and as it is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mb_container_state state;

	if (!size)
		return 0;
	put("state.json", data, size);
	put("exit.json", data, size);
	mb_container_state_load(fuzz_dir(), fuzz_dir(), &state);
	FUZZ_CHECK(mb_container_status_name(state.status));
	FUZZ_CHECK(state.status != MB_STATUS_DEAD || state.error);
	mb_container_state_done(&state);
	fuzz_file("exit.json", data, size);
	mb_container_state_load(fuzz_dir(), -1, &state);
	mb_container_state_done(&state);
	return 0;
}
