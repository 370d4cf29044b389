/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/relay.h — pipes between the user's files or terminal and a process in a container.
 *
 * A descriptor is as good as what it leads to: by way of /proc/self/fd a container could open the
 * user's file for writing that it was given for reading, or type into the user's terminal.  So it
 * gets pipes, and children of ours carry the bytes. */
#ifndef MB_CMD_RELAY_H
#define MB_CMD_RELAY_H

#include <sys/types.h>

struct mb_err;

struct mb_cmd_relay {
	int far[3];          /* the container's ends, until mb_cmd_relay_start() */
	int near[3];         /* ours */
	int user[3];         /* borrowed: what they stand for */
	int control;         /* closed, it makes the carrier of output end */
	pid_t input, output; /* the carriers */
};
#define MB_CMD_RELAY_INIT                                                                       \
	{                                                                                       \
		.far = {-1, -1, -1}, .near = {-1, -1, -1}, .user = {-1, -1, -1}, .control = -1, \
		.input = -1, .output = -1                                                       \
	}

/* Put a pipe in the place of each of @stdio that is neither -1, nor a pipe, nor /dev/null. */
int mb_cmd_relay_open(int stdio[3], struct mb_cmd_relay *relay, struct mb_err *err);
/* The process has its ends: carry. */
int mb_cmd_relay_start(struct mb_cmd_relay *relay, struct mb_err *err);
/* The process has ended, or was never there: what it has written so far still arrives. */
void mb_cmd_relay_finish(struct mb_cmd_relay *relay);

#endif
