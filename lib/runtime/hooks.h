/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/hooks.h — programs that the bundle wants run at moments of a container's life.
 *
 * A hook reads the container's state as JSON from its standard input, gets its own arguments and
 * environment, and is killed when its time is up.
 */
#ifndef MB_RUNTIME_HOOKS_H
#define MB_RUNTIME_HOOKS_H

#include <stddef.h>
#include <sys/types.h>

struct mb_err;
struct mb_oci_hook;
struct mb_oci_spec;
struct mb_str;

/* What the specification calls the state: @status is "creating", "created", "running" or
 * "stopped"; @pid 0 is left out. */
struct mb_runtime_hook_state {
	const struct mb_oci_spec *spec;
	const char *id, *status, *bundle;
	pid_t pid;
};
void mb_runtime_hook_state_format(const struct mb_runtime_hook_state *state, struct mb_str *out);

/* A file in memory with the @n bytes of @text, to be read from its beginning. */
int mb_runtime_hook_input_make(const char *text, size_t n, int *ret_fd, struct mb_err *err);

/* How long it may take, for poll(2): -1 is for ever. */
int mb_runtime_hook_timeout_ms(const struct mb_oci_hook *hook);

struct mb_runtime_hook_run {
	const char *name; /* the list's, for messages */
	int cwd_fd;       /* the directory to run in; -1: where we are */
	int stop_fd;      /* when it is readable the hook is killed, -EINTR; or -1 */
};
/* Run the @n hooks of @v one after the other.  Return: 0; or -errno, told, at the first that
 * fails. */
int mb_runtime_hooks_run(const struct mb_oci_hook *v, size_t n,
                         const struct mb_runtime_hook_run *how,
                         const struct mb_runtime_hook_state *state, struct mb_err *err);

#endif
