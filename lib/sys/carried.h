/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/carried.h — programs that the executable carries, for libraries which it does not load
 * itself: started as nobody in a process that has one socket, the standard streams and nothing
 * else.
 */
#ifndef MB_SYS_CARRIED_H
#define MB_SYS_CARRIED_H

#include <stddef.h>
#include <sys/types.h>

struct mb_err;

struct mb_sys_carried {
	const char *name; /* "mybox-fetch" */
	const unsigned char *elf;
	size_t elf_size;
	int socket_type;                /* SOCK_STREAM or SOCK_SEQPACKET */
	int place;                      /* which descriptor its end is */
	const char *const *args;        /* after its name, ended by NULL */
	const char *const *environment; /* names of what it keeps, ended by NULL */
	void (*limit)(void);            /* called in the child as root; NULL: nothing */
};

/* Others on the machine may be nobody, too: who runs a file that it cannot read is hidden from
 * them. Status 126: it could not be prepared; 127: it could not be started. Return: 0, *@ret_sock
 * owned by the caller, and *@ret_pid to be waited for; or -errno. */
int mb_sys_carried_start(const struct mb_sys_carried *program, int *ret_sock, pid_t *ret_pid,
                         struct mb_err *err);

#endif
