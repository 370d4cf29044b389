/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "monitor/message.h"

/* A packet of a client to the monitor. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mb_monitor_head head;
	int got[8] = {3, 4, 5, 6, 7, 8, 9, 10}, slots[16];
	uint8_t to[64];

	if (mb_monitor_message_check(data, size, &head) == 0) {
		mb_monitor_message_decode(to, sizeof(to), data + sizeof(head), size - sizeof(head));
		for (size_t n = 0; n <= 8; n++)
			mb_monitor_message_slots(head.size, got, n, slots, 16);
	}
	return 0;
}
