/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/screen/protocol.h — what the command and mybox-screen say to each other over a stream.
 *
 * To the program: a size (32 bits) and so many bytes, the whole screen: lines with marks, each
 * ended by "\n".  From it: events.  After each screen it says READY; only then the next one is
 * sent, so that a terminal that does not read holds nobody up.
 */
#ifndef MB_SCREEN_PROTOCOL_H
#define MB_SCREEN_PROTOCOL_H

#include <stdint.h>

enum { MB_SCREEN_FD = 3, MB_SCREEN_MAX_FRAME = 4 << 20 };

enum mb_screen_kind {
	MB_SCREEN_READY = 1,
	MB_SCREEN_KEY,
	MB_SCREEN_SIZE,       /* first of all, and whenever it has changed */
	MB_SCREEN_NO_LIBRARY, /* these two: it ends */
	MB_SCREEN_NO_TERMINAL,
};

/* Keys that are no characters, above all characters. */
enum mb_screen_key {
	MB_KEY_UP = 0x110000,
	MB_KEY_DOWN,
	MB_KEY_LEFT,
	MB_KEY_RIGHT,
	MB_KEY_PAGE_UP,
	MB_KEY_PAGE_DOWN,
	MB_KEY_HOME,
	MB_KEY_END,
	MB_KEY_BACK_TAB,
	MB_KEY_BACKSPACE,
	MB_KEY_OTHER,
};

struct mb_screen_event {
	uint32_t kind; /* enum mb_screen_kind */
	uint32_t key;  /* of KEY: a character, or enum mb_screen_key */
	uint16_t rows, columns;
};

#endif
