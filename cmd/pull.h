/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/pull.h — bringing an image in, for pull itself and for what wants an image. */
#ifndef MB_CMD_PULL_H
#define MB_CMD_PULL_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/registry.h"

struct mb_cmd_context;
struct mb_err;

struct mb_cmd_pull_request {
	const char *name;     /* as typed */
	const char *platform; /* NULL: this machine's */
	int tls_verify;       /* enum mb_cli_tri */
	struct mb_cmd_registry_who who;
	uint64_t max_layer; /* bytes that a layer may unpack to; 0: none named */
	bool beside;        /* for another verb: stdout is its own, all goes to stderr */
	bool nameless;      /* without a name, which stays whose it is */
	char *ret_id;       /* MB_IMAGE_ID_TEXT: which it is, or NULL */
	bool quiet;         /* the canonical name alone, or nothing at all beside another verb */
};
/* Return: 0; an exit code when stdout is closed; -errno, told. */
int mb_cmd_pull_image(struct mb_cmd_context *cx, const struct mb_cmd_pull_request *request,
                      struct mb_err *err);

#endif
