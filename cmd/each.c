/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/each.h"
#include "cli/cli.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"

int mb_cmd_each(const struct mb_cli_input *in,
                int (*one)(void *arg, const char *operand, struct mb_err *err), void *arg)
{
	int code = 0;

	for (size_t i = 0; i < in->n_operands; i++) {
		struct mb_err err = MB_ERR_INIT;
		int r = one(arg, in->operands[i], &err);

		if (r == 0)
			r = mb_cmd_put_line(in->operands[i]);
		else if (r < 0)
			mb_cmd_report(&err);
		if (r)
			code = 1;
	}
	return code;
}
