/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/route_spec.h"

#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/parse.h"
#include "core/strv.h"

int mb_net_route_spec_parse(const char *text, struct mb_net_route_spec *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	struct mb_net_route_spec s = {.metric = 0};

	mb_strv_split(&fields, text, ',');
	if (fields.n < 2 || fields.n > 3)
		return mb_fail(err, EINVAL, "invalid route '%s': not DEST,GATEWAY[,METRIC]", text);
	if (!strchr(fields.v[0], '/') || mb_net_prefix_parse(fields.v[0], &s.dst) < 0)
		return mb_fail(err, EINVAL, "invalid route '%s': no subnet '%s'", text,
		               fields.v[0]);
	/* That is the default route, which the network has or has not. */
	if (s.dst.bits == 0)
		return mb_fail(err, EINVAL, "invalid route '%s': it leads everywhere", text);
	if (mb_net_addr_parse(fields.v[1], &s.gateway) < 0 || s.gateway.family != s.dst.addr.family)
		return mb_fail(err, EINVAL, "invalid route '%s': no gateway '%s'", text,
		               fields.v[1]);
	if (fields.n == 3 && mb_parse_u32(fields.v[2], &s.metric) < 0)
		return mb_fail(err, EINVAL, "invalid route '%s': no metric '%s'", text,
		               fields.v[2]);
	*ret = s;
	return 0;
}
