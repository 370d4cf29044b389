/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/agent.h — an ssh agent's socket for one program, led to the caller's by a process. */
#ifndef MB_BUILD_AGENT_H
#define MB_BUILD_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_build_ssh;
struct mb_err;

struct mb_build_agent_how {
	const struct mb_build_ssh *ssh; /* where it leads */
	uint32_t mode, uid, gid;
};
/* A file system in memory that has the socket as "agent", and the process behind it, which dies
 * with us.  Both are the caller's. */
int mb_build_agent_start(const struct mb_build_agent_how *how, int *ret_mount_fd, int *ret_pidfd,
                         struct mb_err *err);
/* The same in the directory @dir_fd. */
int mb_build_agent_serve(int dir_fd, const struct mb_build_agent_how *how, int *ret_pidfd,
                         struct mb_err *err);
/* Of one message, which has @n bytes without its length and MB_BUILD_AGENT_MAX at most: may the
 * program ask that?  For the keys and for signatures, and nothing that changes the agent; the rest
 * fails. */
enum { MB_BUILD_AGENT_MAX = 256 * 1024 }; /* as OpenSSH has it */
bool mb_build_agent_may_ask(const unsigned char *bytes, size_t n);
/* End the process. */
void mb_build_agent_stop(int *pidfd);

#endif
