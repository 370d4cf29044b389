/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "systemd/message.h"

/* One message of D-Bus, and its body as a signal's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);
	struct mb_systemd_message m;
	size_t length;

	FUZZ_CHECK(bytes);
	memcpy(bytes, data, size);
	if (size >= MB_SYSTEMD_HEADER && mb_systemd_message_length(bytes, &length, NULL) == 0)
		FUZZ_CHECK(length <= MB_SYSTEMD_MAX_MESSAGE);
	if (mb_systemd_message_parse(bytes, size, &m, NULL) == 0) {
		struct mb_systemd_reader r = mb_systemd_body(&m);

		FUZZ_CHECK(m.member && m.error && m.signature && m.body_len <= size);
		mb_systemd_get_u32(&r);
		FUZZ_CHECK(strlen(mb_systemd_get_string(&r)) < size);
		FUZZ_CHECK(strlen(mb_systemd_get_string(&r)) < size);
	}
	free(bytes);
	return 0;
}
