/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/change.h — Dockerfile instructions applied to a configuration: build, import -c,
 * commit -c. */
#ifndef MB_IMAGE_CHANGE_H
#define MB_IMAGE_CHANGE_H

#include <stdbool.h>

#include "dockerfile/expand.h"

struct mb_dockerfile_instruction;
struct mb_err;
struct mb_kv;
struct mb_oci_container_config;
struct mb_str;
struct mb_strv;

struct mb_image_change {
	struct mb_oci_container_config *config;
	struct mb_dockerfile_scope scope; /* what the variables in its words are */
	struct mb_str *said; /* gets what docker's history has after the keyword: " A=b" */
	struct mb_kv *args; /* those of ARG that are in scope, which ENV gives its value, or NULL */
	bool has_cmd;       /* in and out: CMD came before, and ENTRYPOINT leaves it alone */
};
/* CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD SHELL STOPSIGNAL USER VOLUME WORKDIR.
 * Return: 0 or -EINVAL, told. */
int mb_image_change_set(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                        struct mb_err *err);
/* Whole lines, one after the other ("ENV a=b", "CMD [\"sh\"]"); variables are those of the
 * configuration.  Return: 0 or -EINVAL, told. */
int mb_image_changes_apply(struct mb_oci_container_config *config, const struct mb_strv *lines,
                           struct mb_err *err);

/* What is run for the words of an instruction: themselves, or a line by the shell. */
void mb_image_change_command(const struct mb_oci_container_config *config, bool is_exec,
                             const struct mb_strv *args, struct mb_strv *out);

#endif
