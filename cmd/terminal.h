/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/terminal.h — the user's terminal in raw mode, and the keys that leave it. */
#ifndef MB_CMD_TERMINAL_H
#define MB_CMD_TERMINAL_H

#include <stddef.h>

struct mb_err;

/* Put the terminal @fd into raw mode until mb_cmd_terminal_restore(), which also runs at exit. */
int mb_cmd_terminal_raw(int fd, struct mb_err *err);
void mb_cmd_terminal_restore(void);

struct mb_cmd_keys {
	unsigned char v[16];
	size_t n, matched;
};
/* "ctrl-p,ctrl-q", "a,b", "ctrl-@"; "" = none.  Return: 0 or -EINVAL, told. */
int mb_cmd_keys_parse(const char *text, struct mb_cmd_keys *ret, struct mb_err *err);
/* Feed what was typed: copies to @out (room for n + 16) what is not the keys' beginning.
 * Return: 1 once the whole sequence was typed, else 0. */
int mb_cmd_keys_feed(struct mb_cmd_keys *keys, const unsigned char *in, size_t n,
                     unsigned char *out, size_t *ret_n);

#endif
