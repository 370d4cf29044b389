/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/remote/address.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"

void mb_cmd_remote_address_done(struct mb_cmd_remote_address *a)
{
	free(a->user);
	free(a->host);
	free(a->port);
	*a = (struct mb_cmd_remote_address){0};
}

static bool is_of(const char *text, const char *also)
{
	if (!*text || *text == '-')
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(also, *text))
			return false;
	return true;
}

static bool is_port(const char *text)
{
	uint64_t port;

	return mb_parse_u64(text, &port) == 0 && port > 0 && port < 65536;
}

/* "host", "host:22", "[::1]:22". */
static bool split_host(const char *text, struct mb_cmd_remote_address *a)
{
	const char *end = *text == '[' ? strchr(text, ']') : NULL;
	const char *colon;

	if (end) {
		a->host = mb_strndup(text + 1, (size_t)(end - text) - 1);
		colon = end + 1;
	} else {
		colon = text + strcspn(text, ":");
		a->host = mb_strndup(text, (size_t)(colon - text));
	}
	if (*colon == ':')
		a->port = mb_strdup(colon + 1);
	else if (*colon)
		return false;
	return is_of(a->host, end ? ".:%" : ".-_") && (!a->port || is_port(a->port));
}

int mb_cmd_remote_address_parse(const char *text, struct mb_cmd_remote_address *ret,
                                struct mb_err *err)
{
	struct mb_cmd_remote_address a = {0};
	MB_AUTO_FREE char *rest = mb_strdup(text + strlen("ssh://"));
	size_t n = strlen(rest);
	char *at = strrchr(rest, '@');

	if (n && rest[n - 1] == '/')
		rest[n - 1] = '\0';
	if (at) {
		*at = '\0';
		a.user = mb_strdup(rest);
	}
	if ((a.user && !is_of(a.user, "._-+@\\")) || !split_host(at ? at + 1 : rest, &a)) {
		mb_cmd_remote_address_done(&a);
		return mb_fail(err, EINVAL, "option '--host': '%s' is no ssh://[user@]host[:port]",
		               text);
	}
	*ret = a;
	return 0;
}

/* Quotes hold what they hold in every shell; the bytes that one shell or another sees in quotes,
 * too, stand outside of them behind a backslash. */
void mb_cmd_remote_quote(const char *word, struct mb_str *out)
{
	bool open = false;

	if (is_of(word, "._-/:,+@")) {
		mb_str_add(out, word);
		return;
	}
	if (!*word)
		mb_str_add(out, "''");
	for (; *word; word++) {
		bool bare = strchr("'\\!", *word);

		if (bare == open) {
			mb_str_addc(out, '\'');
			open = !open;
		}
		if (bare)
			mb_str_addc(out, '\\');
		mb_str_addc(out, *word);
	}
	if (open)
		mb_str_addc(out, '\'');
}
