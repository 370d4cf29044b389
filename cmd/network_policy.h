/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/network_policy.h — what the verbs of policies share. */
#ifndef MB_CMD_NETWORK_POLICY_H
#define MB_CMD_NETWORK_POLICY_H

#include <stdint.h>

#include "net/net.h"

struct mb_cmd_context;
struct mb_err;

struct mb_cmd_policy {
	struct mb_net *net;
	struct mb_net_network *network;
};
/* Return: 0; 1 after saying what does not exist; -errno.  Release it in every case. */
int mb_cmd_policy_open(struct mb_cmd_context *cx, const char *network, struct mb_cmd_policy *ret,
                       struct mb_err *err);
/* And with what other hosts have said of it. */
int mb_cmd_policy_read(struct mb_cmd_context *cx, const char *network, struct mb_cmd_policy *ret,
                       struct mb_err *err);
void mb_cmd_policy_done(struct mb_cmd_policy *p);
#define MB_AUTO_CMD_POLICY __attribute__((cleanup(mb_cmd_policy_done)))
/* mb_net_policy_change() with the namespaces of the containers that run.  Return: an exit code
 * or -errno. */
int mb_cmd_policy_change(struct mb_cmd_context *cx, struct mb_cmd_policy *p,
                         struct mb_net_policy_edit *edit, uint32_t *ret_id, struct mb_err *err);
/* "allow", "deny". */
extern const char *const mb_cmd_policy_actions[];
enum { MB_CMD_POLICY_ALLOW, MB_CMD_POLICY_DENY };

#endif
