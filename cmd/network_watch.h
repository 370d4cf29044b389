/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/network_watch.h — flows of the containers that the user asks for: flows, top, graph. */
#ifndef MB_CMD_NETWORK_WATCH_H
#define MB_CMD_NETWORK_WATCH_H

#include "core/strv.h"
#include "net/book.h"
#include "net/flows.h"

struct json_object;
struct mb_cli_input;
struct mb_cmd_context;
struct mb_err;
struct mb_net;
struct mb_net_network;
struct mb_store;
struct mb_str;

struct mb_cmd_watch {
	struct mb_store *store; /* borrowed */
	struct mb_net *net;
	struct mb_net_network *network; /* only its flows; NULL: of all */
	struct mb_strv ids;             /* only flows of these containers; none: of all */
	struct mb_net_book book;        /* as it was at the last look */
};
#define MB_AUTO_CMD_WATCH __attribute__((cleanup(mb_cmd_watch_done)))
void mb_cmd_watch_done(struct mb_cmd_watch *watch);

/* @network (may be NULL) and the operands of @in, which are containers.  @count: count all
 * connections that begin from now on.  Return: 0; 1 after saying what was not found; or -errno. */
int mb_cmd_watch_open(struct mb_cmd_context *cx, const struct mb_cli_input *in, const char *network,
                      bool count, struct mb_cmd_watch *ret, struct mb_err *err);
/* The book anew if records have changed. */
int mb_cmd_watch_reload(struct mb_cmd_watch *watch, struct mb_err *err);
/* The book anew, and all flows that are asked for, in order. */
int mb_cmd_watch_look(struct mb_cmd_watch *watch, struct mb_net_flows *ret, struct mb_err *err);
bool mb_cmd_watch_wants(const struct mb_cmd_watch *watch, const struct mb_net_flow *flow);
/* Append "web:80", "host:53124", "[fd00::2]:80", "10.0.0.1". */
void mb_cmd_watch_add_peer(const struct mb_net_peer *peer, struct mb_str *out);
/* "1.2kB / 30B", "--" when nobody counted.  Caller frees. */
char *mb_cmd_watch_bytes(const struct mb_net_flow *flow);

#endif
