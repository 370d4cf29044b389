/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/oci/image_table.h — tables of image documents (for this folder). */
#ifndef MB_OCI_IMAGE_TABLE_H
#define MB_OCI_IMAGE_TABLE_H

#include "oci/image_spec.h"
#include "json/json.h"

extern const struct mb_json_field mb_oci_manifest_table[];
extern const struct mb_json_field mb_oci_index_table[];

#endif
