/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/ask.h — one question to a container's resolver, and one try to connect, from inside. */
#ifndef MB_NET_ASK_H
#define MB_NET_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct mb_err;

enum { MB_NET_ASK_MAX = 512 }; /* bytes of a question, and of an answer over UDP */

/* The question for @name's addresses of @family, numbered @id.  Return: 0 and *@ret_len; or
 * -EINVAL: no name at all. */
int mb_net_ask_format(const char *name, int family, uint16_t id, uint8_t buf[MB_NET_ASK_MAX],
                      size_t *ret_len);
/* The answer to it.  Return: 0 and *@ret, the first address, family 0 when it has none;
 * MB_NET_ASK_NO_NAME; MB_NET_ASK_REFUSED: the server could not say; or -EBADMSG: no answer to
 * @id. */
enum { MB_NET_ASK_NO_NAME = 1, MB_NET_ASK_REFUSED = 2, MB_NET_ASK_SILENT = 3 };
int mb_net_ask_parse(const uint8_t *answer, size_t len, int family, uint16_t id,
                     struct mb_net_addr *ret);

/* Ask 127.0.0.11 inside @netns_fd.  Return: as _parse; MB_NET_ASK_SILENT: no answer in time, or
 * nobody there; or -errno, told. */
int mb_net_ask(int netns_fd, const char *name, int family, struct mb_net_addr *ret,
               struct mb_err *err);
/* Open a TCP connection from inside @netns_fd, and close it.  Return: 0 and *@ret_why, 0 or the
 * errno it failed with; or -errno, told. */
int mb_net_try_connect(int netns_fd, const struct mb_net_addr *addr, uint16_t port, int *ret_why,
                       struct mb_err *err);

#endif
