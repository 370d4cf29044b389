/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/change.h — Dockerfile instructions applied to a configuration: import -c, commit -c. */
#ifndef MB_IMAGE_CHANGE_H
#define MB_IMAGE_CHANGE_H

struct mb_err;
struct mb_oci_container_config;

/* Apply one line ("ENV a=b", "CMD [\"sh\"]", "USER 1000:1000").  CMD ENTRYPOINT ENV EXPOSE
 * HEALTHCHECK LABEL ONBUILD USER VOLUME WORKDIR STOPSIGNAL.  Return: 0 or -EINVAL, told. */
int mb_image_change_apply(struct mb_oci_container_config *config, const char *line,
                          struct mb_err *err);

#endif
