/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/info_shared.h — networks that other hosts share, for `system info`. */
#ifndef MB_CMD_INFO_SHARED_H
#define MB_CMD_INFO_SHARED_H

struct json_object;
struct mb_store;
struct mb_str;

/* Add "SharedNetworks" to @info; and its lines of text to @out, none where there is no such
 * network. */
void mb_cmd_info_shared(struct mb_store *store, struct json_object *info);
void mb_cmd_info_shared_put(struct json_object *info, struct mb_str *out);

#endif
