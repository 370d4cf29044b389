/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/systemd/bus.h — a connection to systemd, of one command for a moment.
 *
 * Directly to systemd's own socket where that lets us in (root), else through the system bus.
 * Every wait ends after half a minute.
 */
#ifndef MB_SYSTEMD_BUS_H
#define MB_SYSTEMD_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/own.h"
#include "systemd/message.h"

struct mb_err;

struct mb_systemd_bus {
	int fd;
	bool is_direct; /* no bus between us and systemd */
	uint32_t serial;
	int64_t deadline;                  /* of everything, monotonic nsec */
	struct mb_str in;                  /* the message that came last */
	struct mb_systemd_message message; /* in it */
};

/* Is it systemd that runs this host? */
bool mb_systemd_is_running(void);
/* Return: 0; -EOPNOTSUPP when this host does not run systemd; or -errno, told. */
int mb_systemd_bus_open(struct mb_systemd_bus **ret, struct mb_err *err);
/* The same over the connected stream socket @fd, which it owns from now on, whatever it returns. */
int mb_systemd_bus_open_fd(int fd, bool is_direct, struct mb_systemd_bus **ret, struct mb_err *err);
void mb_systemd_bus_free(struct mb_systemd_bus *bus);
MB_AUTO_DEFINE(struct mb_systemd_bus, mb_systemd_bus_free)

/* Call @member of systemd's manager.  Return: 0 and the number its return will bear. */
int mb_systemd_bus_send(struct mb_systemd_bus *bus, const char *member, const char *signature,
                        const struct mb_str *body, uint32_t *ret_serial, struct mb_err *err);
/* The next message, in bus->message until the one after it. */
int mb_systemd_bus_next(struct mb_systemd_bus *bus, struct mb_err *err);
/* Whether bus->message is the answer to @serial: 1, 0, or, when it is an error, -EIO with the
 * error's name and text told. */
int mb_systemd_bus_is_answer(struct mb_systemd_bus *bus, uint32_t serial, struct mb_err *err);
/* send(), and wait for its answer. */
int mb_systemd_bus_call(struct mb_systemd_bus *bus, const char *member, const char *signature,
                        const struct mb_str *body, struct mb_err *err);
/* Have signals of the manager sent to us. */
int mb_systemd_bus_subscribe(struct mb_systemd_bus *bus, struct mb_err *err);

#endif
