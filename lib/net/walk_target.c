/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/addr.h"
#include "net/walk.h"

static const struct {
	const char *name;
	uint16_t port; /* 0: must be said */
	uint8_t proto;
} schemes[] = {
	{"http", 80, IPPROTO_TCP},
	{"https", 443, IPPROTO_TCP},
	{"tcp", 0, IPPROTO_TCP},
	{"udp", 0, IPPROTO_UDP},
};

void mb_net_walk_target_done(struct mb_net_walk_target *t)
{
	free(t->host);
	*t = (struct mb_net_walk_target){0};
}

static int set_port(const char *text, struct mb_net_walk_target *t)
{
	const char *slash = strchr(text, '/');
	MB_AUTO_FREE char *digits =
		slash ? mb_strndup(text, (size_t)(slash - text)) : mb_strdup(text);
	uint32_t port;

	if (mb_parse_u32(digits, &port) < 0 || port == 0 || port > UINT16_MAX)
		return -EINVAL;
	t->port = (uint16_t)port;
	if (!slash || mb_streq(slash, "/tcp"))
		return 0;
	t->proto = IPPROTO_UDP;
	return mb_streq(slash, "/udp") ? 0 : -EINVAL;
}

/* What a name of a host or a container may hold. */
static bool is_host(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	return *s && *s != '-' && *s != '.' && strlen(s) <= 253 && s[strspn(s, allowed)] == '\0';
}

/* "host", "host:port", "[v6]:port", or an address with colons of its own. */
static int split(const char *text, struct mb_net_walk_target *t)
{
	const char *colon = strrchr(text, ':'), *end = strchr(text, ']');
	struct mb_net_addr a;

	if (mb_net_addr_parse(text, &a) == 0) {
		t->host = mb_strdup(text);
		return 0;
	}
	if (*text == '[') {
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		t->host = mb_strndup(text + 1, (size_t)(end - text - 1));
		if (mb_net_addr_parse(t->host, &a) < 0 || a.family != AF_INET6)
			return -EINVAL;
		return end[1] ? set_port(end + 2, t) : 0;
	}
	t->host = colon ? mb_strndup(text, (size_t)(colon - text)) : mb_strdup(text);
	if (!is_host(t->host))
		return -EINVAL;
	return colon ? set_port(colon + 1, t) : 0;
}

/* Only what is before the path of a URL says where to; who logs in there does not matter. */
static int parse_url(const char *text, const char *sep, struct mb_net_walk_target *t)
{
	const char *begin = sep + 3, *at;
	MB_AUTO_FREE char *authority = mb_strndup(begin, strcspn(begin, "/?#"));
	int r;

	t->is_url = true;
	at = strrchr(authority, '@');
	r = split(at ? at + 1 : authority, t);
	for (size_t i = 0; !r && i < MB_N(schemes); i++) {
		if (strlen(schemes[i].name) != (size_t)(sep - text) ||
		    strncmp(schemes[i].name, text, (size_t)(sep - text)) != 0)
			continue;
		t->proto = schemes[i].proto;
		if (!t->port)
			t->port = schemes[i].port;
	}
	return r ? r : t->port ? 0 : -EINVAL;
}

int mb_net_walk_target_parse(const char *text, struct mb_net_walk_target *ret, struct mb_err *err)
{
	struct mb_net_walk_target t = {.proto = IPPROTO_TCP};
	const char *sep = strstr(text, "://");
	int r = sep ? parse_url(text, sep, &t) : split(text, &t);

	if (r) {
		mb_net_walk_target_done(&t);
		return mb_fail(err, EINVAL,
		               "'%s' is no target: give NAME[:PORT[/udp]], ADDRESS[:PORT] or a URL",
		               text);
	}
	*ret = t;
	return 0;
}
