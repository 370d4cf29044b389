/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/terminal.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "core/err.h"
#include "core/str.h"
#include "core/strv.h"

static struct termios before;
static int raw_fd = -1;

void mb_cmd_terminal_restore(void)
{
	if (raw_fd >= 0)
		tcsetattr(raw_fd, TCSADRAIN, &before);
	raw_fd = -1;
}

int mb_cmd_terminal_raw(int fd, struct mb_err *err)
{
	static bool registered;
	struct termios raw;

	if (tcgetattr(fd, &before) < 0)
		return mb_fail_sys(err, errno, "cannot read the terminal's settings");
	raw = before;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return mb_fail_sys(err, errno, "cannot set the terminal to raw mode");
	raw_fd = fd;
	if (!registered)
		atexit(mb_cmd_terminal_restore);
	registered = true;
	return 0;
}

static int parse_key(const char *text, unsigned char *ret)
{
	const char *with_ctrl = mb_skip_prefix(text, "ctrl-");

	if (!with_ctrl) {
		if (strlen(text) != 1)
			return -EINVAL;
		*ret = (unsigned char)text[0];
		return 0;
	}
	if (strlen(with_ctrl) != 1)
		return -EINVAL;
	if (isalpha((unsigned char)with_ctrl[0]))
		*ret = (unsigned char)(tolower((unsigned char)with_ctrl[0]) - 'a' + 1);
	else if (strchr("@[\\]^_", with_ctrl[0]))
		*ret = (unsigned char)(with_ctrl[0] & 0x1f);
	else
		return -EINVAL;
	return 0;
}

int mb_cmd_keys_parse(const char *text, struct mb_cmd_keys *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	struct mb_cmd_keys keys = {0};

	mb_strv_split(&parts, text, ',');
	for (size_t i = 0; i < parts.n; i++) {
		if (keys.n == sizeof(keys.v) || parse_key(parts.v[i], &keys.v[keys.n]) < 0)
			return mb_fail(err, EINVAL,
			               "invalid detach keys (%s): Unknown character: '%s'", text,
			               parts.v[i]);
		keys.n++;
	}
	*ret = keys;
	return 0;
}

int mb_cmd_keys_feed(struct mb_cmd_keys *keys, const unsigned char *in, size_t n,
                     unsigned char *out, size_t *ret_n)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		if (keys->n && in[i] == keys->v[keys->matched]) {
			if (++keys->matched == keys->n) {
				*ret_n = used;
				return 1;
			}
			continue;
		}
		/* A beginning that went nowhere was meant for the program. */
		memcpy(out + used, keys->v, keys->matched);
		used += keys->matched;
		keys->matched = 0;
		if (keys->n && in[i] == keys->v[0]) {
			keys->matched = 1;
			continue;
		}
		out[used++] = in[i];
	}
	*ret_n = used;
	return 0;
}
