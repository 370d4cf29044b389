/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/logging.h — --log-driver and --log-opt.
 *
 * There is one format on disk (monitor/README.md), which docker's words "local" and "json-file" and
 * podman's "k8s-file" stand for, and "none".
 */
#ifndef MB_CONTAINER_LOGGING_H
#define MB_CONTAINER_LOGGING_H

struct mb_container;
struct mb_container_host_config;
struct mb_err;
struct mb_monitor_setup;

/* Return: 0 or -errno, told. */
int mb_container_logging_check(struct mb_container_host_config *host, struct mb_err *err);
/* What its monitor is told. */
void mb_container_logging_setup(const struct mb_container *c, struct mb_monitor_setup *setup);
/* Return: 0; or -ENOTSUP, told: nothing is kept. */
int mb_container_logging_is_readable(const struct mb_container *c, struct mb_err *err);
/* What `logs --details` puts in front of a line, a space at its end: the labels and variables that
 * --log-opt names, as docker writes them.  Owned by the caller. */
char *mb_container_logging_details(const struct mb_container *c);

#endif
