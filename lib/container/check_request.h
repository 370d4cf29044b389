/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/check_request.h — everything a user can get wrong in create and run, found before
 * anything is made. */
#ifndef MB_CONTAINER_CHECK_REQUEST_H
#define MB_CONTAINER_CHECK_REQUEST_H

#include <stdbool.h>

struct mb_container_config;
struct mb_container_create_request;
struct mb_container_host_config;
struct mb_container_record;
struct mb_err;
struct mb_monitor_backoff;
struct mb_store;
struct mb_strv;

/* Check @q and turn what was typed into members of q->config, q->host and record->networks.
 * What is granted only in part goes to @warnings (may be NULL).  Return: 0 or -errno, told. */
int mb_container_request_check(struct mb_store *store, struct mb_container_create_request *q,
                               struct mb_container_record *record, struct mb_strv *warnings,
                               struct mb_err *err);

/* The part of it that `update` changes: limits, and "on-failure:3" as restart.name. */
int mb_container_host_check(struct mb_container_host_config *host, struct mb_err *err);
/* check_restart.c: the policy "on-failure:3"; "min,max,factor,reset-after", each of which may be
 * left out; containers by name or id, which become ids. */
int mb_container_restart_check(struct mb_container_host_config *host, struct mb_err *err);
/* After it: a policy that cures the unhealthy needs somebody who tells.  Return: 0 or -EINVAL. */
int mb_container_cure_check(const struct mb_container_host_config *host,
                            const struct mb_container_config *config, struct mb_err *err);
int mb_container_backoff_parse(const char *text, struct mb_monitor_backoff *ret,
                               struct mb_err *err);
int mb_container_requires_check(struct mb_store *store, struct mb_container_host_config *host,
                                struct mb_err *err);
/* The ports that -p (@published) or --expose says, as "80/tcp" in @exposed. */
int mb_container_port_expose(const char *text, bool published, struct mb_strv *exposed,
                             struct mb_err *err);

#endif
