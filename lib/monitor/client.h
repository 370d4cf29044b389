/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/client.h — the command's side of protocol.h.
 *
 * Sockets are blocking; every function may be interrupted by no signal (EINTR is retried).  A
 * monitor that is gone shows as MB_MONITOR_GONE, never as a signal.
 */
#ifndef MB_MONITOR_CLIENT_H
#define MB_MONITOR_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "monitor/protocol.h"

struct mb_err;

enum { MB_MONITOR_GONE = 1 };

/* A sealed, executable memfd of the monitor (mb_monitor_elf of blob.h). */
int mb_monitor_image_open(const void *elf, size_t size, int *ret_fd, struct mb_err *err);
/* The same kept as a file of @dir_fd (ROOT: /run is often noexec), made there when it is missing:
 * all monitors then share its pages, which a memfd for each cannot.  Named after its build id, so
 * that another version of mybox has its own. */
int mb_monitor_image_share(int dir_fd, const void *elf, size_t size, int *ret_fd,
                           struct mb_err *err);
/* In M': move @sock to descriptor 3 and become the monitor.  Returns only on failure: -errno. */
int mb_monitor_image_exec(int image_fd, int sock, pid_t pid, const char *id, struct mb_err *err);

/* Connect to the monitor whose RUN/c/<id> is @run_fd.  Return: 0; MB_MONITOR_GONE when nobody
 * listens; or -errno, told. */
int mb_monitor_connect(int run_fd, int *ret_sock, struct mb_err *err);

/* Birth.  Descriptors stay the caller's (the monitor gets copies).
 * Return: 0; MB_MONITOR_GONE; or -errno, told. */
int mb_monitor_send_hold(int sock, const int *fds, size_t n, struct mb_err *err); /* any number */
/* Likewise any number.  An older monitor knows neither and answers ERROR. */
struct mb_monitor_relay_of {
	int fd;
	unsigned proto, port;
};
int mb_monitor_send_relays(int sock, const struct mb_monitor_relay_of *relays, size_t n,
                           struct mb_err *err);
int mb_monitor_send_target(int sock, const struct mb_monitor_target *target, struct mb_err *err);
/* Attributes of its events. */
int mb_monitor_send_about(int sock, const char *members, size_t n, struct mb_err *err);
int mb_monitor_send_health(int sock, const struct mb_monitor_health *how, struct mb_err *err);
/* The container's socket, and one that is connected to systemd's. */
int mb_monitor_send_notify(int sock, const int fds[2], struct mb_err *err);
/* @fd: connected to it, or -1. */
int mb_monitor_send_logto(int sock, const struct mb_monitor_logto *to, int fd, struct mb_err *err);
/* An older monitor knows no UNHOLD: it keeps the sockets until the exit, and -ENOSYS is told. */
int mb_monitor_unhold(int sock, const struct mb_monitor_unhold *what, struct mb_err *err);
int mb_monitor_send_network(int sock, const char *id, const char *name, unsigned flags, int dir_fd,
                            struct mb_err *err);
/* @fd: where its frame goes, or -1. */
int mb_monitor_send_lease(int sock, const struct mb_monitor_lease *lease, int fd,
                          struct mb_err *err);
int mb_monitor_send_unnetwork(int sock, const char *id, struct mb_err *err);
/* @fds by enum mb_monitor_dns_slot, -1 = absent; dns->slots is set here. */
int mb_monitor_send_dns(int sock, struct mb_monitor_dns *dns, const int fds[MB_MONITOR_DNS_SLOT_N_],
                        struct mb_err *err);
/* @fds by enum mb_monitor_slot, -1 = absent; setup->slots is set here. */
int mb_monitor_send_setup(int sock, struct mb_monitor_setup *setup,
                          const int fds[MB_MONITOR_SLOT_N_], struct mb_err *err);
/* Read until READY.  Return: 0; MB_MONITOR_GONE; or -errno, told (what ERROR said). */
int mb_monitor_await_ready(int sock, struct mb_err *err);

/* Attach.  *@ret_stdin_fd is owned by the caller, -1 when none was granted; may be NULL without
 * MB_MONITOR_WANT_STDIN. */
int mb_monitor_attach(int sock, unsigned streams, unsigned flags, struct mb_monitor_attached *ret,
                      int *ret_stdin_fd, struct mb_err *err);
int mb_monitor_wait_send(int sock, unsigned flags, struct mb_err *err); /* then receive EXIT */
int mb_monitor_resize(int sock, unsigned rows, unsigned columns, struct mb_err *err);
int mb_monitor_close_stdin(int sock, struct mb_err *err);
int mb_monitor_cleaned(int sock, struct mb_err *err);
/* The last word on a connection that guards something.  It is heard before the end of the
 * connection is, so that nobody has to wait for the answer. */
int mb_monitor_release(int sock, struct mb_err *err);
/* These wait for the answer, not for ever (-ETIMEDOUT, told; ten seconds, but in a test), and pass
 * over whatever else comes first: use them before ATTACH or WAIT was sent on the connection, or on
 * one of their own. */
extern int mb_monitor_answer_msec;
int mb_monitor_stopping(int sock, bool on, struct mb_err *err);
int mb_monitor_policy(int sock, const struct mb_monitor_policy *policy, struct mb_err *err);
int mb_monitor_guard_cgroup(int sock, int cgroup_fd, int parent_fd, const char *name,
                            struct mb_err *err);
int mb_monitor_guard_pidfd(int sock, int pidfd, struct mb_err *err);
/* Have `__exec ID` run with these as its input and output. */
int mb_monitor_exec_aside(int sock, const int fds[2], struct mb_err *err);
/* A child of ours, which it will inherit: its end is to be told. */
int mb_monitor_exec_began(int sock, pid_t pid, const char *id, struct mb_err *err);
/* Leave it with its terminal: it goes on, and its end is told. */
int mb_monitor_exec_left(int sock, int console_fd, int pidfd, const char *id, struct mb_err *err);
int mb_monitor_info(int sock, struct mb_monitor_info *ret, struct mb_err *err);

/* One message as it came.  body.data is valid for head.size bytes when OUTPUT. */
struct mb_monitor_packet {
	struct mb_monitor_head head;
	union {
		struct mb_monitor_exit exit;
		struct mb_monitor_attached attached;
		struct mb_monitor_info info;
		struct mb_monitor_error error;
		char data[MB_MONITOR_PACKET_MAX];
	} body;
};

enum { MB_MONITOR_AGAIN = 2 };

/* Receive one message; waits unless @nowait (poll(2) @sock, then drain with @nowait).
 * Descriptors that come along are closed.
 * Return: 0; MB_MONITOR_GONE at the end of the connection; MB_MONITOR_AGAIN when @nowait and none
 * is there; or -errno, told. */
int mb_monitor_receive(int sock, struct mb_monitor_packet *ret, bool nowait, struct mb_err *err);

#endif
