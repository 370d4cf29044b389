/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/logto.h — where the output of a container goes besides its log files, and what
 * json-file writes beside each line: logging.c's part for monitors. */
#ifndef MB_CONTAINER_LOGTO_H
#define MB_CONTAINER_LOGTO_H

#include <stdbool.h>

struct mb_container_record;
struct mb_err;
struct mb_monitor_logto;

struct mb_container_logto {
	struct mb_monitor_logto *to; /* owned; NULL: nothing is to be told */
	int fd;                      /* connected; or -1: it is no socket's business, or nobody is
	                              * there now */
};
#define MB_CONTAINER_LOGTO_INIT \
	{                       \
		.fd = -1        \
	}
void mb_container_logto_done(struct mb_container_logto *l);

/* Of --log-opt.  Return: 0 or -errno, told. */
int mb_container_logto_check_tag(const char *tag, struct mb_err *err);
int mb_container_logto_check_syslog(const char *key, const char *value, struct mb_err *err);
/* What the monitor of this container is told.  @late: it runs, or did before: who is not there at
 * once is the monitor's to try, and nobody is waited for.  Return: 0; or -errno, told. */
int mb_container_logto_open(const struct mb_container_record *record, bool late,
                            struct mb_container_logto *ret, struct mb_err *err);

#endif
