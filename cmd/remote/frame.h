/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/remote/frame.h — what crosses to the far mybox on its standard input: bytes and signals.
 *
 * ssh carries no signals without a terminal, and a far process does not learn that its connection
 * is gone.  So input comes in frames: a letter, four bytes of length (high first), the bytes.  The
 * far end takes them apart; an end of file without MB_REMOTE_END is a lost connection.
 *
 * Nothing comes back but what the command writes: whether a signal waits behind data that nobody
 * reads is seen only by what ssh has not taken.  Who signals again then has the connection closed.
 */
#ifndef MB_CMD_REMOTE_FRAME_H
#define MB_CMD_REMOTE_FRAME_H

#include <stddef.h>

struct mb_str;

enum {
	MB_REMOTE_HELLO = 'H', /* first; says nothing, and is read once the far end is there */
	MB_REMOTE_DATA = 'D',
	MB_REMOTE_END = 'E',    /* no more data */
	MB_REMOTE_SIGNAL = 'S', /* one byte: its number */
	MB_REMOTE_HEAD = 5,
	MB_REMOTE_MAX = 65536,
	MB_REMOTE_HELD = 4 << 20, /* data that the far end holds for a command that does not read */
};
void mb_cmd_remote_frame_add(struct mb_str *out, char kind, const void *bytes, size_t n);

#endif
