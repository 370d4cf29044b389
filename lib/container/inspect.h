/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/inspect.h — a container as docker's inspect shows it. */
#ifndef MB_CONTAINER_INSPECT_H
#define MB_CONTAINER_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;
struct mb_container;
struct mb_err;
struct mb_net;
struct mb_str;
struct mb_strv;

/* The whole object, owned by the caller.  @size adds SizeRw and SizeRootFs. */
int mb_container_inspect(struct mb_container *c, struct mb_net *net, bool size,
                         struct json_object **ret, struct mb_err *err);

/* The columns of ps: "Up 5 minutes", "Exited (0) 2 hours ago". */
void mb_container_status_text(const struct mb_container *c, struct mb_str *out);
/* "0.0.0.0:8080->80/tcp, 443/tcp", ranges folded. */
void mb_container_ports_text(const struct mb_container *c, struct mb_str *out);
/* Entrypoint and command, with spaces between. */
void mb_container_command_text(const struct mb_container *c, struct mb_str *out);
/* Names of the networks it is on. */
void mb_container_network_names(const struct mb_container *c, struct mb_strv *out);
/* Bytes of its own layer. */
int mb_container_size(const struct mb_container *c, int64_t *ret_bytes, struct mb_err *err);

#endif
