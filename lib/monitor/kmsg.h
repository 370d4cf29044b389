/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/kmsg.h — whom the kernel killed for want of memory, as a record of /dev/kmsg says.
 *
 *	6,1234,99887766,-;oom-kill:constraint=C,...,task_memcg=PATH,task=NAME,pid=N,uid=N
 *	3,1235,99887790,-;Memory cgroup out of memory: Killed process N (NAME) total-vm:...
 *
 * The first says in whose control group; it is left out when the kernel has much to say.  PATH is
 * the whole one, whatever namespaces we are in.  NAME is any 15 bytes that a process called itself,
 * those of them that are not printed are "\x0a" and the like.
 */
#ifndef MB_MONITOR_KMSG_H
#define MB_MONITOR_KMSG_H

#include <stddef.h>
#include <stdint.h>

enum { MB_MONITOR_KMSG_NAME = 64 }; /* 15 bytes, each of four characters at most */

struct mb_monitor_kmsg {
	uint64_t sequence;
	int64_t usec; /* of the kernel's clock, which began at boot */
	/* of a victim */
	int pid; /* in the first of the namespaces */
	char name[MB_MONITOR_KMSG_NAME];
};

enum {
	MB_MONITOR_KMSG_HOMELESS = 1, /* a victim, nothing is said of its control group */
	MB_MONITOR_KMSG_OTHER,        /* another container's, or no record of a victim */
};

/* What a record of @n bytes says; @id: of the container, which its control group has as its name.
 * Return: 0: a victim of that container; or a condition as above, *@ret has the record's number
 * and time; or -EBADMSG: it is no record. */
int mb_monitor_kmsg_parse(const char *record, size_t n, const char *id,
                          struct mb_monitor_kmsg *ret);

#endif
