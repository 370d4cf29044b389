/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/oci/digest.h — the name of content: an algorithm and a hash, and no other text.
 *
 * A struct mb_oci_digest that was parsed is the only thing that blob paths are made of.
 */
#ifndef MB_OCI_DIGEST_H
#define MB_OCI_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

struct mb_err;

enum mb_oci_alg { MB_OCI_SHA256 = 1, MB_OCI_SHA512 }; /* 0 is no digest */
enum { MB_OCI_DIGEST_TEXT = 7 + 128 + 1 };            /* bytes that the text needs, with NUL */

struct mb_oci_digest {
	enum mb_oci_alg alg;
	char hex[129]; /* exactly 64 or 128 lower-case digits */
};

/* "sha256:<64 hex>" or "sha512:<128 hex>", nothing else.  Return: 0 or -EINVAL. */
int mb_oci_digest_parse(const char *s, struct mb_oci_digest *ret, struct mb_err *err);
/* Exactly 64 lower-case hex digits, as a sha256.  Return: 0 or -EINVAL, nothing told. */
int mb_oci_digest_from_hex(const char *hex, struct mb_oci_digest *ret);
/* "alg:hex".  Return: @buf. */
char *mb_oci_digest_format(const struct mb_oci_digest *d, char buf[MB_OCI_DIGEST_TEXT]);
const char *mb_oci_digest_alg_name(const struct mb_oci_digest *d); /* "sha256", static */
bool mb_oci_digest_is_equal(const struct mb_oci_digest *a, const struct mb_oci_digest *b);
bool mb_oci_digest_is_valid(const char *s);

#endif
