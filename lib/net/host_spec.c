/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/host_spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/addr.h"

void mb_net_host_spec_done(struct mb_net_host_spec *spec)
{
	free(spec->name);
	free(spec->address);
	*spec = (struct mb_net_host_spec){0};
}

/* What becomes a line of /etc/hosts must not bring a line of its own. */
static bool is_host_name(const char *s, size_t n)
{
	if (n == 0 || n > 253)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == '#' || s[i] == 0x7f)
			return false;
	return true;
}

static int parse_address(const char *text, struct mb_net_host_spec *s)
{
	MB_AUTO_FREE char *copy = mb_strdup(text);
	char buf[MB_NET_ADDR_TEXT], *address = copy;
	size_t n = strlen(copy);
	struct mb_net_addr a;

	if (mb_streq(text, "host-gateway")) {
		s->host_gateway = true;
		return 0;
	}
	if (n > 2 && copy[0] == '[' && copy[n - 1] == ']') {
		copy[n - 1] = '\0';
		address++;
	}
	if (mb_net_addr_parse(address, &a) < 0)
		return -EINVAL;
	mb_strset(&s->address, mb_net_addr_format(&a, buf));
	return 0;
}

int mb_net_host_spec_parse(const char *text, struct mb_net_host_spec *ret, struct mb_err *err)
{
	size_t n = strcspn(text, "=:");
	struct mb_net_host_spec s = {0};

	if (!text[n] || !is_host_name(text, n))
		return mb_fail(err, EINVAL, "bad format for add-host: '%s'", text);
	if (parse_address(text + n + 1, &s) < 0) {
		mb_net_host_spec_done(&s);
		return mb_fail(err, EINVAL, "invalid IP address in add-host: '%s'", text + n + 1);
	}
	s.name = mb_strndup(text, n);
	*ret = s;
	return 0;
}
