/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/health_doc.h — the documents of a container's health (this folder). */
#ifndef MB_CONTAINER_HEALTH_DOC_H
#define MB_CONTAINER_HEALTH_DOC_H

struct mb_container;
struct mb_container_health;
struct mb_err;

#define MB_HEALTH_DOC  "health.json"
#define MB_HEALTH_LINK "health"

/* health.json and the link, in RUN. */
int mb_container_health_save(struct mb_container *c, const struct mb_container_health *health,
                             struct mb_err *err);

#endif
