/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/logging.h — --log-driver and --log-opt.
 *
 * On disk there are two formats (monitor/README.md): CRI's, which podman's word "k8s-file" and
 * docker's "local" stand for, and docker's json-file.  With journald and syslog the output is kept
 * in the first of them as well, so that `logs` reads it as that of any other (docker's dual
 * logging), unless cache-disabled=true.
 */
#ifndef MB_CONTAINER_LOGGING_H
#define MB_CONTAINER_LOGGING_H

#include <stdint.h>

struct mb_container;
struct mb_container_record;
struct mb_container_host_config;
struct mb_err;
struct mb_kv;
struct mb_monitor_setup;

/* Return: 0 or -errno, told. */
int mb_container_logging_check(struct mb_container_host_config *host, struct mb_err *err);
/* What its monitor is told. */
void mb_container_logging_setup(const struct mb_container *c, struct mb_monitor_setup *setup);
/* Return: 0; or -ENOTSUP, told: nothing is kept. */
int mb_container_logging_is_readable(const struct mb_container *c, struct mb_err *err);
/* The name of its newest log file, for mb_logfile_options; NULL: the usual one.  Owned by the
 * caller. */
char *mb_container_logging_file(const struct mb_container *c);
/* Its path, or "" when there is none.  Owned by the caller. */
char *mb_container_logging_path(const struct mb_container *c);
/* Bytes that may wait for journald or a syslog daemon; 0: as ever. */
uint32_t mb_container_logging_queue(const struct mb_container_host_config *host);
/* The labels and variables that --log-opt names. */
void mb_container_logging_attributes(const struct mb_container_record *record, struct mb_kv *ret);
/* Bytes of its output, of this run or the last one, with its restarts. */
struct mb_container_lost {
	uint64_t dropped; /* not in the log: its disk was full or failing */
	uint64_t unsent;  /* not taken by journald or a syslog daemon */
};
struct mb_container_lost mb_container_logging_lost(const struct mb_container *c);
/* What `logs --details` puts in front of a line, a space at its end: the labels and variables that
 * --log-opt names, as docker writes them.  Owned by the caller. */
char *mb_container_logging_details(const struct mb_container *c);

#endif
