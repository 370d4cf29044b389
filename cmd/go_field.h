/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/go_field.h — what templates of inspect may ask for besides the members of the JSON: docker
 * runs them over structs of Go, whose names are not always those of the JSON. */
#ifndef MB_CMD_GO_FIELD_H
#define MB_CMD_GO_FIELD_H

#include <stddef.h>

struct json_object;
struct mb_err;

/* The call of a struct mb_format_host (format/template.h). */
int mb_cmd_go_field(void *user, struct json_object *object, const char *name,
                    struct json_object *const *args, size_t n_args, struct json_object **ret,
                    struct mb_err *err);

#endif
