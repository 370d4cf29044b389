/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/remote/address.h — which host -H means, and what is said to its shell. */
#ifndef MB_CMD_REMOTE_ADDRESS_H
#define MB_CMD_REMOTE_ADDRESS_H

struct mb_err;
struct mb_str;

struct mb_cmd_remote_address {
	char *user, *host, *port; /* user and port may be NULL */
};
void mb_cmd_remote_address_done(struct mb_cmd_remote_address *address);
/* "ssh://[user@]host[:port]".  None of its parts can be an option of ssh, or means anything to a
 * shell that an entry of ssh's configuration gives them to. */
int mb_cmd_remote_address_parse(const char *text, struct mb_cmd_remote_address *ret,
                                struct mb_err *err);

/* Append @word so that a shell (sh, bash, zsh, fish, csh) takes it for one word and nothing else.
 */
void mb_cmd_remote_quote(const char *word, struct mb_str *out);

#endif
