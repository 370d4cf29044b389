/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oci/digest.h"

#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"

enum { SHA256_HEX = 64, SHA512_HEX = 128 };

static int parse(const char *s, struct mb_oci_digest *ret)
{
	const char *hex = mb_skip_prefix(s, "sha256:");
	enum mb_oci_alg alg = MB_OCI_SHA256;
	size_t len = SHA256_HEX;

	if (!hex) {
		hex = mb_skip_prefix(s, "sha512:");
		alg = MB_OCI_SHA512;
		len = SHA512_HEX;
	}
	if (!hex || !mb_hex_is_valid(hex, len))
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->alg = alg;
	memcpy(ret->hex, hex, len + 1);
	return 0;
}

int mb_oci_digest_parse(const char *s, struct mb_oci_digest *ret, struct mb_err *err)
{
	MB_AUTO_FREE char *shown = NULL;

	if (parse(s, ret) == 0)
		return 0;
	shown = mb_printable(s);
	return mb_fail(err, EINVAL, "invalid digest '%.200s'", shown);
}

int mb_oci_digest_from_hex(const char *hex, struct mb_oci_digest *ret)
{
	if (!mb_hex_is_valid(hex, SHA256_HEX))
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->alg = MB_OCI_SHA256;
	memcpy(ret->hex, hex, SHA256_HEX + 1);
	return 0;
}

const char *mb_oci_digest_alg_name(const struct mb_oci_digest *d)
{
	return d->alg == MB_OCI_SHA512 ? "sha512" : "sha256";
}

char *mb_oci_digest_format(const struct mb_oci_digest *d, char buf[MB_OCI_DIGEST_TEXT])
{
	size_t len = strlen(d->hex);

	memcpy(buf, mb_oci_digest_alg_name(d), 6);
	buf[6] = ':';
	memcpy(buf + 7, d->hex, len + 1);
	return buf;
}

bool mb_oci_digest_is_equal(const struct mb_oci_digest *a, const struct mb_oci_digest *b)
{
	return a->alg == b->alg && strcmp(a->hex, b->hex) == 0;
}

bool mb_oci_digest_is_valid(const char *s)
{
	struct mb_oci_digest unused;

	return parse(s, &unused) == 0;
}
