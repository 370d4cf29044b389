/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/sock.h"
#include "monitor/message.h"

int mb_monitor_answer_msec = 10000;

int mb_monitor_connect(int run_fd, int *ret_sock, struct mb_err *err)
{
	struct mb_err why = MB_ERR_INIT;
	int r = mb_sock_connect(run_fd, "monitor.sock", SOCK_SEQPACKET, ret_sock, &why);

	if (r == -ENOENT || r == -ECONNREFUSED)
		return MB_MONITOR_GONE;
	if (r < 0 && err)
		*err = why;
	return r;
}

static int transmit(int sock, enum mb_monitor_type type, const void *payload, size_t size,
                    const int *fds, size_t n_fds, struct mb_err *err)
{
	struct mb_monitor_head head = {.type = (uint16_t)type, .size = (uint32_t)size};
	int r = mb_monitor_message_send(sock, &head, payload, fds, n_fds);

	if (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN)
		return MB_MONITOR_GONE;
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot write to the container's monitor");
	return 0;
}

int mb_monitor_send_hold(int sock, const int *fds, size_t n, struct mb_err *err)
{
	while (n) {
		size_t some = n < MB_SOCK_MAX_FDS ? n : MB_SOCK_MAX_FDS;
		int r = transmit(sock, MB_MONITOR_HOLD, NULL, 0, fds, some, err);

		if (r != 0)
			return r;
		fds += some;
		n -= some;
	}
	return 0;
}

int mb_monitor_send_relays(int sock, const struct mb_monitor_relay_of *relays, size_t n,
                           struct mb_err *err)
{
	int r = 0;

	while (r == 0 && n) {
		struct mb_monitor_relay what = {0};
		int fds[MB_MONITOR_RELAYS_AT_ONCE];
		size_t some = n < MB_N(fds) ? n : MB_N(fds);

		for (size_t i = 0; i < some; i++) {
			what.of[i].proto = (uint16_t)relays[i].proto;
			what.of[i].port = (uint16_t)relays[i].port;
			fds[i] = relays[i].fd;
		}
		r = transmit(sock, MB_MONITOR_RELAY, &what, sizeof(what), fds, some, err);
		relays += some;
		n -= some;
	}
	return r;
}

int mb_monitor_send_target(int sock, const struct mb_monitor_target *target, struct mb_err *err)
{
	return transmit(sock, MB_MONITOR_TARGET, target, sizeof(*target), NULL, 0, err);
}

int mb_monitor_send_about(int sock, const char *members, size_t n, struct mb_err *err)
{
	return transmit(sock, MB_MONITOR_ABOUT, members, n, NULL, 0, err);
}

int mb_monitor_send_health(int sock, const struct mb_monitor_health *how, struct mb_err *err)
{
	return transmit(sock, MB_MONITOR_HEALTH, how, sizeof(*how), NULL, 0, err);
}

int mb_monitor_send_logto(int sock, const struct mb_monitor_logto *to, int fd, struct mb_err *err)
{
	size_t n = offsetof(struct mb_monitor_logto, text) + strlen(to->text) + 1;

	return transmit(sock, MB_MONITOR_LOGTO, to, n, &fd, fd >= 0, err);
}

int mb_monitor_send_notify(int sock, const int fds[2], struct mb_err *err)
{
	return transmit(sock, MB_MONITOR_NOTIFY, NULL, 0, fds, 2, err);
}

static int copy_text(char *to, size_t size, const char *from, const char *what, struct mb_err *err)
{
	size_t n = strlen(from);

	if (n >= size)
		return mb_fail(err, ENAMETOOLONG, "%s '%s' is too long", what, from);
	memcpy(to, from, n + 1);
	return 0;
}

int mb_monitor_send_network(int sock, const char *id, const char *name, unsigned flags, int dir_fd,
                            struct mb_err *err)
{
	struct mb_monitor_network network = {.flags = flags};
	int r = copy_text(network.id, sizeof(network.id), id, "network id", err);

	if (r == 0)
		r = copy_text(network.name, sizeof(network.name), name, "network name", err);
	if (r < 0)
		return r;
	return transmit(sock, MB_MONITOR_NETWORK, &network, sizeof(network), &dir_fd, 1, err);
}

int mb_monitor_send_unnetwork(int sock, const char *id, struct mb_err *err)
{
	struct mb_monitor_network network = {0};
	int r = copy_text(network.id, sizeof(network.id), id, "network id", err);

	if (r < 0)
		return r;
	return transmit(sock, MB_MONITOR_UNNETWORK, &network, sizeof(network), NULL, 0, err);
}

int mb_monitor_send_lease(int sock, const struct mb_monitor_lease *lease, int fd,
                          struct mb_err *err)
{
	return transmit(sock, MB_MONITOR_LEASE, lease, sizeof(*lease), &fd, fd >= 0, err);
}

static size_t gather(const int *fds, size_t n_slots, int *to, uint32_t *ret_slots)
{
	size_t n = 0;

	*ret_slots = 0;
	for (size_t i = 0; i < n_slots; i++) {
		if (fds[i] < 0)
			continue;
		*ret_slots |= 1u << i;
		to[n++] = fds[i];
	}
	return n;
}

int mb_monitor_send_dns(int sock, struct mb_monitor_dns *dns, const int fds[MB_MONITOR_DNS_SLOT_N_],
                        struct mb_err *err)
{
	int present[MB_MONITOR_DNS_SLOT_N_];
	size_t n = gather(fds, MB_MONITOR_DNS_SLOT_N_, present, &dns->slots);

	return transmit(sock, MB_MONITOR_DNS, dns, sizeof(*dns), present, n, err);
}

int mb_monitor_send_setup(int sock, struct mb_monitor_setup *setup,
                          const int fds[MB_MONITOR_SLOT_N_], struct mb_err *err)
{
	int present[MB_MONITOR_SLOT_N_];
	size_t n = gather(fds, MB_MONITOR_SLOT_N_, present, &setup->slots);

	return transmit(sock, MB_MONITOR_SETUP, setup, sizeof(*setup), present, n, err);
}

/* Receive one packet into @packet; the first descriptor of it goes to *@ret_fd. */
static int receive(int sock, struct mb_monitor_packet *packet, int *ret_fd, struct mb_err *err)
{
	int fds[MB_SOCK_MAX_FDS];
	size_t n, n_fds;
	int r = mb_sock_receive(sock, packet, sizeof(*packet), &n, fds, MB_SOCK_MAX_FDS, &n_fds);

	if (r == -EAGAIN)
		return MB_MONITOR_AGAIN;
	if (r == -ECONNRESET || r == -EPIPE || (r == 0 && n == 0))
		return MB_MONITOR_GONE;
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read from the container's monitor");
	for (size_t i = ret_fd ? 1 : 0; i < n_fds; i++)
		mb_close(&fds[i]);
	if (ret_fd)
		*ret_fd = n_fds ? fds[0] : -1;
	if (n < sizeof(packet->head) || packet->head.size != n - sizeof(packet->head)) {
		if (ret_fd)
			mb_close(ret_fd);
		return mb_fail(err, EBADMSG, "malformed message of the container's monitor");
	}
	/* A field that this peer is too old to send reads as zero. */
	if (packet->head.type != MB_MONITOR_OUTPUT &&
	    packet->head.size < sizeof(struct mb_monitor_info))
		memset(packet->body.data + packet->head.size, 0,
		       sizeof(struct mb_monitor_info) - packet->head.size);
	return 0;
}

static int told(const struct mb_monitor_packet *packet, struct mb_err *err)
{
	int code = packet->body.error.code;

	if (code == EBUSY)
		return mb_fail(err, EBUSY,
		               "too many commands stay with this container at once (at most %d)",
		               MB_MONITOR_CLIENTS_STAY);
	return mb_fail(err, code > 0 ? code : EIO, "monitor: %.*s",
	               (int)sizeof(packet->body.error.msg) - 1, packet->body.error.msg);
}

/* Until there is something to receive, but not beyond @deadline (monotonic; 0: for ever).  The
 * monitor may be stopped itself; what it was asked it does when it goes on. */
static int wait_until(int sock, int64_t deadline, struct mb_err *err)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};

	while (deadline) {
		int64_t left = deadline - mb_monotonic_nsec();
		int r = poll(&p, 1, left > 0 ? (int)(left / 1000000) + 1 : 0);

		if (r > 0)
			break;
		if (r == 0 && left <= 0)
			return mb_fail(err, ETIMEDOUT, "the container's monitor does not answer");
		if (r < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot wait for the container's monitor");
	}
	return 0;
}

/* Wait for the message of type @want; ERROR ends it too. */
static int await_until(int sock, enum mb_monitor_type want, struct mb_monitor_packet *packet,
                       int *ret_fd, int64_t deadline, struct mb_err *err)
{
	for (;;) {
		int r = wait_until(sock, deadline, err);

		if (r == 0)
			r = receive(sock, packet, ret_fd, err);
		if (r != 0)
			return r;
		if (packet->head.type == want)
			return 0;
		if (ret_fd)
			mb_close(ret_fd);
		if (packet->head.type == MB_MONITOR_ERROR)
			return told(packet, err);
	}
}

static int await(int sock, enum mb_monitor_type want, struct mb_monitor_packet *packet, int *ret_fd,
                 struct mb_err *err)
{
	return await_until(sock, want, packet, ret_fd, 0, err);
}

int mb_monitor_await_ready(int sock, struct mb_err *err)
{
	static struct mb_monitor_packet packet;

	return await(sock, MB_MONITOR_READY, &packet, NULL, err);
}

int mb_monitor_attach(int sock, unsigned streams, unsigned flags, struct mb_monitor_attached *ret,
                      int *ret_stdin_fd, struct mb_err *err)
{
	struct mb_monitor_attach attach = {.streams = streams, .flags = flags};
	static struct mb_monitor_packet packet;
	MB_AUTO_CLOSE int fd = -1;
	int r = transmit(sock, MB_MONITOR_ATTACH, &attach, sizeof(attach), NULL, 0, err);

	if (r == 0)
		r = await(sock, MB_MONITOR_ATTACHED, &packet, &fd, err);
	if (r != 0)
		return r;
	*ret = packet.body.attached;
	if (ret_stdin_fd)
		*ret_stdin_fd = mb_take_fd(&fd);
	return 0;
}

int mb_monitor_wait_send(int sock, unsigned flags, struct mb_err *err)
{
	struct mb_monitor_wait wait = {.flags = flags};

	return transmit(sock, MB_MONITOR_WAIT, &wait, sizeof(wait), NULL, 0, err);
}

int mb_monitor_resize(int sock, unsigned rows, unsigned columns, struct mb_err *err)
{
	struct mb_monitor_resize size = {.rows = (uint16_t)rows, .columns = (uint16_t)columns};

	return transmit(sock, MB_MONITOR_RESIZE, &size, sizeof(size), NULL, 0, err);
}

int mb_monitor_close_stdin(int sock, struct mb_err *err)
{
	return transmit(sock, MB_MONITOR_CLOSE_STDIN, NULL, 0, NULL, 0, err);
}

int mb_monitor_cleaned(int sock, struct mb_err *err)
{
	return transmit(sock, MB_MONITOR_CLEANED, NULL, 0, NULL, 0, err);
}

static int ask(int sock, enum mb_monitor_type type, const void *payload, size_t size,
               struct mb_err *err)
{
	static struct mb_monitor_packet packet;
	int64_t deadline = mb_monotonic_nsec() + (int64_t)mb_monitor_answer_msec * 1000000;
	int r = transmit(sock, type, payload, size, NULL, 0, err);

	return r == 0 ? await_until(sock, MB_MONITOR_OK, &packet, NULL, deadline, err) : r;
}

int mb_monitor_stopping(int sock, bool on, struct mb_err *err)
{
	struct mb_monitor_stopping stopping = {.on = on};

	return ask(sock, MB_MONITOR_STOPPING, &stopping, sizeof(stopping), err);
}

int mb_monitor_policy(int sock, const struct mb_monitor_policy *policy, struct mb_err *err)
{
	return ask(sock, MB_MONITOR_POLICY, policy, sizeof(*policy), err);
}

int mb_monitor_unhold(int sock, const struct mb_monitor_unhold *what, struct mb_err *err)
{
	return ask(sock, MB_MONITOR_UNHOLD, what, sizeof(*what), err);
}

int mb_monitor_release(int sock, struct mb_err *err)
{
	return transmit(sock, MB_MONITOR_EXEC_RELEASE, NULL, 0, NULL, 0, err);
}

static int guard(int sock, const struct mb_monitor_guard *what, const int *fds, size_t n,
                 struct mb_err *err)
{
	static struct mb_monitor_packet packet;
	int r = transmit(sock, MB_MONITOR_EXEC_GUARD, what, sizeof(*what), fds, n, err);

	return r == 0 ? await(sock, MB_MONITOR_OK, &packet, NULL, err) : r;
}

int mb_monitor_guard_cgroup(int sock, int cgroup_fd, int parent_fd, const char *name,
                            struct mb_err *err)
{
	struct mb_monitor_guard what = {.cgroup = 1};
	int fds[] = {cgroup_fd, parent_fd};
	int r = copy_text(what.name, sizeof(what.name), name, "cgroup name", err);

	return r < 0 ? r : guard(sock, &what, fds, MB_N(fds), err);
}

int mb_monitor_guard_pidfd(int sock, int pidfd, struct mb_err *err)
{
	return guard(sock, &(struct mb_monitor_guard){0}, &pidfd, 1, err);
}

int mb_monitor_exec_aside(int sock, const int fds[2], struct mb_err *err)
{
	static struct mb_monitor_packet packet;
	int r = transmit(sock, MB_MONITOR_EXEC_ASIDE, NULL, 0, fds, 2, err);

	return r == 0 ? await(sock, MB_MONITOR_OK, &packet, NULL, err) : r;
}

int mb_monitor_exec_began(int sock, pid_t pid, const char *id, struct mb_err *err)
{
	struct mb_monitor_began what = {.pid = pid};
	int r = copy_text(what.id, sizeof(what.id), id, "id", err);

	return r < 0 ? r : ask(sock, MB_MONITOR_EXEC_BEGAN, &what, sizeof(what), err);
}

int mb_monitor_exec_left(int sock, int console_fd, int pidfd, const char *id, struct mb_err *err)
{
	static struct mb_monitor_packet packet;
	struct mb_monitor_began what = {0};
	int fds[] = {console_fd, pidfd};
	int r = copy_text(what.id, sizeof(what.id), id, "id", err);

	if (r == 0)
		r = transmit(sock, MB_MONITOR_EXEC_LEFT, &what, sizeof(what), fds, MB_N(fds), err);
	return r == 0 ? await(sock, MB_MONITOR_OK, &packet, NULL, err) : r;
}

int mb_monitor_info(int sock, struct mb_monitor_info *ret, struct mb_err *err)
{
	static struct mb_monitor_packet packet;
	int r = transmit(sock, MB_MONITOR_INFO, NULL, 0, NULL, 0, err);

	if (r == 0)
		r = await(sock, MB_MONITOR_INFO_IS, &packet, NULL, err);
	if (r == 0)
		*ret = packet.body.info;
	return r;
}

int mb_monitor_receive(int sock, struct mb_monitor_packet *ret, bool nowait, struct mb_err *err)
{
	if (nowait) {
		char byte;
		ssize_t n = recv(sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return MB_MONITOR_AGAIN;
	}
	return receive(sock, ret, NULL, err);
}
