/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/cli/introspect.h — the tables as one JSON document, for tests and parity lists. */
#ifndef MB_CLI_INTROSPECT_H
#define MB_CLI_INTROSPECT_H

struct mb_cli_program;
struct mb_str;

/* {"program":..,"globals":[..],"parents":[..],"verbs":[{"paths":[..],"options":[..],..}]} */
void mb_cli_introspect(const struct mb_cli_program *program, struct mb_str *out);

#endif
