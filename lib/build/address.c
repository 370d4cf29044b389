/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/address.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

void mb_build_address_done(struct mb_build_address *address)
{
	free(address->url);
	free(address->ref);
	free(address->subdir);
	*address = (struct mb_build_address){0};
}

static enum mb_build_address_kind kind_of(const char *text)
{
	size_t n = strcspn(text, "#");

	if (mb_starts_with(text, "git://") || mb_starts_with(text, "git@") ||
	    mb_starts_with(text, "ssh://") || mb_starts_with(text, "github.com/"))
		return MB_BUILD_ADDRESS_GIT;
	if (!mb_starts_with(text, "http://") && !mb_starts_with(text, "https://"))
		return MB_BUILD_ADDRESS_NONE;
	return n > 4 && memcmp(text + n - 4, ".git", 4) == 0 ? MB_BUILD_ADDRESS_GIT
	                                                     : MB_BUILD_ADDRESS_WEB;
}

bool mb_build_address_is(const char *text)
{
	return kind_of(text) != MB_BUILD_ADDRESS_NONE;
}

/* What git takes for a name and for nothing else, an option least of all. */
static bool ref_is_valid(const char *s)
{
	if (*s == '-' || *s == '/' || strstr(s, "..") || strstr(s, "@{"))
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 127 || strchr("~^:?*[\\", *s))
			return false;
	return true;
}

static bool url_is_valid(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 127)
			return false;
	return true;
}

/* @n bytes of a user's or a host's name. */
static bool name_is_valid(const char *s, size_t n)
{
	if (!n || *s == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("._-", s[i]))
			return false;
	return true;
}

/* A host: its length, or 0. */
static size_t measure_host(const char *s)
{
	size_t n = *s == '[' ? strspn(s + 1, "0123456789abcdefABCDEF:.") : strcspn(s, ":/#");

	if (*s == '[')
		return n && s[n + 1] == ']' ? n + 2 : 0;
	return name_is_valid(s, n) ? n : 0;
}

/* "git@HOST:PATH" or "ssh://[USER@]HOST[:PORT]/PATH": nothing in it is an option for ssh, or a
 * password. */
static bool ssh_is_valid(const char *text)
{
	const char *rest = mb_skip_prefix(text, "ssh://");
	bool is_url = rest;
	size_t n;

	if (!is_url)
		rest = text;
	n = strcspn(rest, "@/#");
	if (rest[n] == '@') {
		if (!name_is_valid(rest, n))
			return false;
		rest += n + 1;
	}
	n = measure_host(rest);
	if (!n)
		return false;
	rest += n;
	if (is_url && *rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	return *rest == (is_url ? '/' : ':') && rest[1] && !strchr("-#", rest[1]);
}

/* "ref:subdir", either of which may be missing. */
static int split_fragment(const char *fragment, struct mb_build_address *ret, struct mb_err *err)
{
	const char *colon = strchr(fragment, ':');
	size_t n = colon ? (size_t)(colon - fragment) : strlen(fragment);

	if (n)
		ret->ref = mb_strndup(fragment, n);
	if (colon && colon[1])
		ret->subdir = mb_strdup(colon + 1);
	return ret->ref && !ref_is_valid(ret->ref)
	               ? mb_fail(err, EINVAL, "'%.200s' is no branch, tag or commit", ret->ref)
	               : 0;
}

int mb_build_address_parse(const char *text, struct mb_build_address *ret, struct mb_err *err)
{
	MB_AUTO_BUILD_ADDRESS struct mb_build_address a = {.kind = kind_of(text)};
	MB_AUTO_FREE char *shown = mb_redact(text);
	size_t n = strcspn(text, "#");
	int r = 0;

	if (a.kind == MB_BUILD_ADDRESS_NONE)
		return mb_fail(err, EINVAL, "'%.200s' is no address", shown);
	if (!url_is_valid(text))
		return mb_fail(err, EINVAL, "'%.200s': an address has no blanks", shown);
	a.is_ssh = mb_starts_with(text, "git@") || mb_starts_with(text, "ssh://");
	if (a.is_ssh && !ssh_is_valid(text))
		return mb_fail(
			err, EINVAL,
			"'%.200s' is neither git@HOST:PATH nor ssh://[USER@]HOST[:PORT]/PATH",
			shown);
	a.url = mb_asprintf("%s%.*s", mb_starts_with(text, "github.com/") ? "https://" : "", (int)n,
	                    text);
	if (text[n] && a.kind == MB_BUILD_ADDRESS_GIT)
		r = split_fragment(text + n + 1, &a, err);
	if (r < 0)
		return r;
	*ret = a;
	a = (struct mb_build_address){0};
	return 0;
}
