/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "systemd/bus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"

#define SYSTEMD_RUNS   "/run/systemd/system"
#define PRIVATE_SOCKET "/run/systemd/private"
#define BUS_SOCKET     "/run/dbus/system_bus_socket"
#define SYSTEMD        "org.freedesktop.systemd1"
#define MANAGER        SYSTEMD ".Manager"
#define MANAGER_PATH   "/org/freedesktop/systemd1"
#define BUS            "org.freedesktop.DBus"
#define FROM_MANAGER   "type='signal',sender='" SYSTEMD "',interface='" MANAGER "'"
#define JOB_RULE       FROM_MANAGER ",member='JobRemoved'"

enum { WAIT_SECONDS = 30, LINE_MAX_LEN = 512 };

bool mb_systemd_is_running(void)
{
	struct stat st;

	return stat(SYSTEMD_RUNS, &st) == 0 && S_ISDIR(st.st_mode);
}

void mb_systemd_bus_free(struct mb_systemd_bus *bus)
{
	if (!bus)
		return;
	mb_close(&bus->fd);
	mb_str_done(&bus->in);
	free(bus);
}

/* --- bytes --- */

static int wait_for(struct mb_systemd_bus *bus, short events, struct mb_err *err)
{
	struct pollfd p = {.fd = bus->fd, .events = events};

	for (;;) {
		int64_t left = bus->deadline - mb_monotonic_nsec();
		int r = poll(&p, 1, left <= 0 ? 0 : (int)(left / 1000000) + 1);

		if (r > 0)
			return 0;
		if (r == 0)
			return mb_fail(err, ETIMEDOUT, "systemd does not answer");
		if (errno != EINTR)
			return mb_fail_sys(err, errno, "cannot wait for systemd");
	}
}

static int put(struct mb_systemd_bus *bus, const char *bytes, size_t n, struct mb_err *err)
{
	while (n) {
		ssize_t w = send(bus->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r = 0;

		if (w > 0) {
			bytes += w;
			n -= (size_t)w;
		} else if (errno == EAGAIN) {
			r = wait_for(bus, POLLOUT, err);
		} else if (errno != EINTR) {
			r = mb_fail_sys(err, errno, "cannot write to systemd");
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int get(struct mb_systemd_bus *bus, void *bytes, size_t n, struct mb_err *err)
{
	for (char *to = bytes; n;) {
		int r = wait_for(bus, POLLIN, err);
		ssize_t got = r < 0 ? 0 : recv(bus->fd, to, n, MSG_DONTWAIT);

		if (r < 0)
			return r;
		if (got == 0)
			return mb_fail(err, ECONNRESET, "systemd has ended the connection");
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot read from systemd");
		if (got > 0) {
			to += got;
			n -= (size_t)got;
		}
	}
	return 0;
}

/* --- who we are --- */

static int get_line(struct mb_systemd_bus *bus, char *line, struct mb_err *err)
{
	size_t n = 0;

	while (n < LINE_MAX_LEN - 1) {
		int r = get(bus, line + n, 1, err);

		if (r < 0)
			return r;
		if (line[n] == '\n') {
			line[n && line[n - 1] == '\r' ? n - 1 : n] = '\0';
			return 0;
		}
		n++;
	}
	return mb_fail(err, EBADMSG, "systemd answers with a line that has no end");
}

/* The kernel tells the other side our user; we only say that it is so.  BEGIN goes along with it:
 * systemd may read a message in one go with a BEGIN before it, and not look at it until more
 * comes. */
static int authenticate(struct mb_systemd_bus *bus, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char uid[16], line[LINE_MAX_LEN];
	int r;

	(void)snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
	mb_str_addc(&text, '\0');
	mb_str_add(&text, "AUTH EXTERNAL ");
	for (const char *p = uid; *p; p++)
		mb_str_addf(&text, "%02x", (unsigned)*p);
	mb_str_add(&text, "\r\nBEGIN\r\n");
	r = put(bus, text.buf, text.len, err);
	if (r == 0)
		r = get_line(bus, line, err);
	if (r < 0)
		return r;
	if (!mb_starts_with(line, "OK ") && !mb_streq(line, "OK"))
		return mb_fail(err, EACCES, "systemd does not let user %s in", uid);
	return 0;
}

/* --- messages --- */

static int send_call(struct mb_systemd_bus *bus, const struct mb_systemd_call *call,
                     const struct mb_str *body, uint32_t *ret_serial, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	mb_systemd_call_write(call, ++bus->serial, body, &out);
	*ret_serial = bus->serial;
	return put(bus, out.buf, out.len, err);
}

int mb_systemd_bus_send(struct mb_systemd_bus *bus, const char *member, const char *signature,
                        const struct mb_str *body, uint32_t *ret_serial, struct mb_err *err)
{
	const struct mb_systemd_call call = {
		.destination = bus->is_direct ? NULL : SYSTEMD,
		.path = MANAGER_PATH,
		.interface = MANAGER,
		.member = member,
		.signature = signature,
	};

	return send_call(bus, &call, body, ret_serial, err);
}

int mb_systemd_bus_next(struct mb_systemd_bus *bus, struct mb_err *err)
{
	uint8_t header[MB_SYSTEMD_HEADER];
	size_t n = 0;
	int r = get(bus, header, sizeof(header), err);

	if (r == 0)
		r = mb_systemd_message_length(header, &n, err);
	if (r < 0)
		return r;
	mb_str_reset(&bus->in);
	mb_str_reserve(&bus->in, n);
	memcpy(bus->in.buf, header, sizeof(header));
	r = get(bus, bus->in.buf + sizeof(header), n - sizeof(header), err);
	if (r < 0)
		return r;
	bus->in.len = n;
	return mb_systemd_message_parse((const uint8_t *)bus->in.buf, n, &bus->message, err);
}

int mb_systemd_bus_is_answer(struct mb_systemd_bus *bus, uint32_t serial, struct mb_err *err)
{
	const struct mb_systemd_message *m = &bus->message;
	struct mb_systemd_reader body = mb_systemd_body(m);
	MB_AUTO_FREE char *text = NULL;

	if (m->reply_serial != serial)
		return 0;
	if (m->type == MB_SYSTEMD_RETURN)
		return 1;
	if (m->type != MB_SYSTEMD_ERROR)
		return 0;
	text = mb_printable(m->signature[0] == 's' ? mb_systemd_get_string(&body) : "");
	return mb_fail(err, EIO, "systemd refuses: %s (%s)", text, m->error);
}

static int await(struct mb_systemd_bus *bus, uint32_t serial, struct mb_err *err)
{
	for (;;) {
		int r = mb_systemd_bus_next(bus, err);

		if (r == 0)
			r = mb_systemd_bus_is_answer(bus, serial, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
}

int mb_systemd_bus_call(struct mb_systemd_bus *bus, const char *member, const char *signature,
                        const struct mb_str *body, struct mb_err *err)
{
	uint32_t serial;
	int r = mb_systemd_bus_send(bus, member, signature, body, &serial, err);

	return r < 0 ? r : await(bus, serial, err);
}

/* Call the bus itself: "Hello" when we come, "AddMatch" for what is to be sent to us. */
static int bus_call(struct mb_systemd_bus *bus, const char *member, const char *argument,
                    struct mb_err *err)
{
	MB_AUTO_STR struct mb_str body = MB_STR_INIT;
	const struct mb_systemd_call call = {
		.destination = BUS,
		.path = "/org/freedesktop/DBus",
		.interface = BUS,
		.member = member,
		.signature = argument ? "s" : NULL,
	};
	uint32_t serial;
	int r;

	if (argument)
		mb_systemd_put_string(&body, argument);
	r = send_call(bus, &call, &body, &serial, err);
	return r < 0 ? r : await(bus, serial, err);
}

int mb_systemd_bus_subscribe(struct mb_systemd_bus *bus, struct mb_err *err)
{
	int r = bus->is_direct ? 0 : bus_call(bus, "AddMatch", JOB_RULE, err);

	return r < 0 ? r : mb_systemd_bus_call(bus, "Subscribe", NULL, NULL, err);
}

/* --- coming in --- */

int mb_systemd_bus_open_fd(int fd, bool is_direct, struct mb_systemd_bus **ret, struct mb_err *err)
{
	MB_AUTO(mb_systemd_bus_free) struct mb_systemd_bus *bus = mb_calloc(1, sizeof(*bus));
	int r;

	bus->fd = fd;
	bus->is_direct = is_direct;
	bus->deadline = mb_monotonic_nsec() + WAIT_SECONDS * MB_NSEC_PER_SEC;
	r = authenticate(bus, err);
	if (r == 0 && !is_direct)
		r = bus_call(bus, "Hello", NULL, err);
	if (r < 0)
		return r;
	*ret = mb_take_ptr(&bus);
	return 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	MB_AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return mb_take_fd(&fd);
}

int mb_systemd_bus_open(struct mb_systemd_bus **ret, struct mb_err *err)
{
	bool is_direct = true;
	int fd;

	if (!mb_systemd_is_running())
		return mb_fail(err, EOPNOTSUPP,
		               "systemd does not run this host (no '" SYSTEMD_RUNS
		               "'): leave '--systemd-cgroup' out");
	fd = connect_to(PRIVATE_SOCKET);
	if (fd < 0) {
		is_direct = false;
		fd = connect_to(BUS_SOCKET);
	}
	if (fd < 0)
		return mb_fail_sys(err, -fd, "cannot connect to systemd at '" BUS_SOCKET "'");
	return mb_systemd_bus_open_fd(fd, is_direct, ret, err);
}
