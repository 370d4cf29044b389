/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/oci/spec_check.h — what a table cannot say about config.json (for this folder). */
#ifndef MB_OCI_SPEC_CHECK_H
#define MB_OCI_SPEC_CHECK_H

struct mb_err;
struct mb_oci_process;
struct mb_oci_resources;
struct mb_oci_spec;

/* Return: 0; -EINVAL, -ERANGE or -EOPNOTSUPP with the member's path told. */
int mb_oci_spec_check(const struct mb_oci_spec *spec, struct mb_err *err);
int mb_oci_process_check(const struct mb_oci_process *process, struct mb_err *err);
int mb_oci_resources_check(const struct mb_oci_resources *res, struct mb_err *err);

#endif
