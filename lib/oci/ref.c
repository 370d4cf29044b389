/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oci/ref.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"

static const char hub[] = "docker.io", hub_alias[] = "index.docker.io", library[] = "library/";

enum { MAX_NAME = 255, MAX_TAG = 128, MAX_REF = 1024 };

static bool is_alnum(char c)
{
	return isalnum((unsigned char)c) && (unsigned char)c < 0x80;
}

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool mb_oci_ref_tag_is_valid(const char *tag)
{
	size_t len = strlen(tag);

	if (len == 0 || len > MAX_TAG || *tag == '.' || *tag == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(tag[i]) && !strchr("_.-", tag[i]))
			return false;
	return true;
}

/* One label of a host name: letters, digits, and hyphens inside. */
static bool label_is_valid(const char *s, size_t len)
{
	if (len == 0 || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(s[i]) && s[i] != '-')
			return false;
	return true;
}

/* The end of a host name or of an address in brackets, or NULL. */
static const char *skip_host(const char *s)
{
	const char *p = s;

	if (*s == '[') {
		size_t n = strspn(s + 1, "0123456789abcdefABCDEF:");

		return n && s[1 + n] == ']' ? s + n + 2 : NULL;
	}
	for (;;) {
		size_t len = strcspn(p, ".:");

		if (!label_is_valid(p, len))
			return NULL;
		p += len;
		if (*p != '.')
			return p;
		p++;
	}
}

static bool domain_is_valid(const char *s)
{
	const char *p = skip_host(s);
	uint32_t port;

	if (!p)
		return false;
	return *p == '\0' || (*p == ':' && mb_parse_u32(p + 1, &port) == 0);
}

/* What may stand between two runs of letters and digits: '.', '_', "__", any '-'s. */
static size_t separator_length(const char *s)
{
	if (*s == '.')
		return 1;
	if (*s == '_')
		return s[1] == '_' ? 2 : 1;
	return strspn(s, "-");
}

static bool path_is_valid(const char *p)
{
	for (;;) {
		size_t n = 0;

		while (is_lower_alnum(p[n]))
			n++;
		if (n == 0)
			return false;
		p += n;
		if (*p == '\0')
			return true;
		n = *p == '/' ? 1 : separator_length(p);
		if (n == 0)
			return false;
		p += n;
	}
}

static int invalid(const char *s, const char *why, struct mb_err *err)
{
	MB_AUTO_FREE char *shown = mb_printable(s);

	return mb_fail(err, EINVAL, "invalid reference format: '%.300s': %s", shown, why);
}

static bool is_domain(const char *s, size_t len)
{
	if (len == strlen("localhost") && memcmp(s, "localhost", len) == 0)
		return true;
	for (size_t i = 0; i < len; i++)
		if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
			return true;
	return false;
}

static void split_domain(const char *name, struct mb_oci_ref *ref)
{
	const char *slash = strchr(name, '/');
	size_t len = slash ? (size_t)(slash - name) : 0;

	if (slash && is_domain(name, len)) {
		ref->domain = mb_strndup(name, len);
		name = slash + 1;
		if (strcmp(ref->domain, hub_alias) == 0)
			mb_strset(&ref->domain, hub);
	} else {
		ref->domain = mb_strdup(hub);
	}
	if (strcmp(ref->domain, hub) == 0 && !strchr(name, '/'))
		ref->path = mb_asprintf("%s%s", library, name);
	else
		ref->path = mb_strdup(name);
}

/* Cut "@digest" and ":tag" off @rest. */
static int cut_tail(const char *whole, char *rest, struct mb_oci_ref *ref, struct mb_err *err)
{
	char *at = strchr(rest, '@'), *slash, *colon;

	if (at) {
		*at = '\0';
		if (mb_oci_digest_parse(at + 1, &ref->digest, NULL) < 0)
			return invalid(whole, "the digest is not valid", err);
	}
	slash = strrchr(rest, '/');
	colon = strchr(slash ? slash : rest, ':');
	if (!colon)
		return 0;
	*colon = '\0';
	if (!mb_oci_ref_tag_is_valid(colon + 1))
		return invalid(whole, "the tag is not valid", err);
	ref->tag = mb_strdup(colon + 1);
	return 0;
}

static bool has_upper(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return true;
	return false;
}

static int check_names(const char *whole, const struct mb_oci_ref *ref, struct mb_err *err)
{
	if (!domain_is_valid(ref->domain))
		return invalid(whole, "the registry is not valid", err);
	if (has_upper(ref->path))
		return invalid(whole, "repository name must be lowercase", err);
	if (!path_is_valid(ref->path))
		return invalid(whole, "the name is not valid", err);
	if (strlen(ref->domain) + 1 + strlen(ref->path) > MAX_NAME)
		return invalid(whole, "registry and name are longer than 255 bytes", err);
	return 0;
}

int mb_oci_ref_parse(const char *s, bool default_tag, struct mb_oci_ref *ret, struct mb_err *err)
{
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	MB_AUTO_FREE char *rest = NULL;
	int r;

	if (strlen(s) > MAX_REF)
		return mb_fail(err, EINVAL, "invalid reference format: longer than %d bytes",
		               MAX_REF);
	if (mb_hex_is_valid(s, 64))
		return invalid(s, "64 hex digits are an id, not a name", err);
	rest = mb_strdup(s);
	r = cut_tail(s, rest, &ref, err);
	if (r < 0)
		return r;
	split_domain(rest, &ref);
	r = check_names(s, &ref, err);
	if (r < 0)
		return r;
	if (default_tag && !ref.tag && !ref.digest.alg)
		ref.tag = mb_strdup("latest");
	*ret = ref;
	ref = (struct mb_oci_ref){0};
	return 0;
}

void mb_oci_ref_done(struct mb_oci_ref *ref)
{
	free(ref->domain);
	free(ref->path);
	free(ref->tag);
	*ref = (struct mb_oci_ref){0};
}

/* Would @path, read alone, be another registry's, or an id? */
static bool has_no_short_form(const char *path)
{
	const char *rest = mb_skip_prefix(path, library);

	return is_domain(path, strcspn(path, "/")) || (rest && mb_hex_is_valid(rest, 64));
}

char *mb_oci_ref_format_name(const struct mb_oci_ref *ref, enum mb_oci_ref_form form)
{
	const char *rest;

	if (form == MB_OCI_REF_CANONICAL || strcmp(ref->domain, hub) != 0 ||
	    has_no_short_form(ref->path))
		return mb_asprintf("%s/%s", ref->domain, ref->path);
	rest = mb_skip_prefix(ref->path, library);
	/* "library/a/b" is another repository than "a/b". */
	return mb_strdup(rest && !strchr(rest, '/') ? rest : ref->path);
}

char *mb_oci_ref_format(const struct mb_oci_ref *ref, enum mb_oci_ref_form form)
{
	MB_AUTO_FREE char *name = mb_oci_ref_format_name(ref, form);
	char digest[MB_OCI_DIGEST_TEXT] = "";

	if (ref->digest.alg)
		mb_oci_digest_format(&ref->digest, digest);
	return mb_asprintf("%s%s%s%s%s", name, ref->tag ? ":" : "", ref->tag ? ref->tag : "",
	                   *digest ? "@" : "", digest);
}

bool mb_oci_ref_matches(const struct mb_oci_ref *ref, const char *pattern)
{
	static const enum mb_oci_ref_form forms[] = {MB_OCI_REF_FAMILIAR, MB_OCI_REF_CANONICAL};

	for (size_t i = 0; i < MB_N(forms); i++) {
		MB_AUTO_FREE char *whole = mb_oci_ref_format(ref, forms[i]);
		MB_AUTO_FREE char *name = mb_oci_ref_format_name(ref, forms[i]);

		if (fnmatch(pattern, whole, FNM_PATHNAME) == 0 ||
		    fnmatch(pattern, name, FNM_PATHNAME) == 0)
			return true;
	}
	return false;
}
