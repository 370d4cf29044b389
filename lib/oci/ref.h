/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/oci/ref.h — names of images: [registry/]path[:tag][@digest].
 *
 * Parsing makes a name whole as docker does: "deb" is docker.io/library/deb.  A part before the
 * first slash is a registry when it has a dot or a colon, has an upper-case letter, or is
 * "localhost"; index.docker.io is docker.io.
 */
#ifndef MB_OCI_REF_H
#define MB_OCI_REF_H

#include <stdbool.h>

#include "core/own.h"
#include "oci/digest.h"

struct mb_err;

struct mb_oci_ref {
	char *domain;                /* "docker.io", "localhost:5000", "[::1]:5000" */
	char *path;                  /* "library/deb" */
	char *tag;                   /* NULL when not given */
	struct mb_oci_digest digest; /* alg 0 when not given */
};

enum mb_oci_ref_form {
	MB_OCI_REF_CANONICAL, /* docker.io/library/deb:tag@digest, only what is there */
	MB_OCI_REF_FAMILIAR,  /* deb:tag@digest: docker.io/ and library/ left out */
};

/* Parse @s.  An all-hex name of 64 digits is refused, as it could be an id.  With @default_tag
 * a name with neither tag nor digest gets ":latest".  Return: 0 or -EINVAL. */
int mb_oci_ref_parse(const char *s, bool default_tag, struct mb_oci_ref *ret, struct mb_err *err);
void mb_oci_ref_done(struct mb_oci_ref *ref); /* also the scope hook: MB_AUTO_OCI_REF */
#define MB_AUTO_OCI_REF __attribute__((cleanup(mb_oci_ref_done)))

/* With tag and digest where the reference has them.  Caller frees. */
char *mb_oci_ref_format(const struct mb_oci_ref *ref, enum mb_oci_ref_form form);
/* Without tag and digest: what the column REPOSITORY shows.  Caller frees. */
char *mb_oci_ref_format_name(const struct mb_oci_ref *ref, enum mb_oci_ref_form form);
bool mb_oci_ref_tag_is_valid(const char *tag); /* [A-Za-z0-9_][A-Za-z0-9_.-]{0,127} */
/* "repo", "repo:tag", and shell patterns of both as `images --filter reference=` has them,
 * against the familiar and the canonical form. */
bool mb_oci_ref_matches(const struct mb_oci_ref *ref, const char *pattern);

#endif
