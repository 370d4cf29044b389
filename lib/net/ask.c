/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "net/handle.h"

/* RFC 1035; AAAA: RFC 3596. */
enum {
	HEADER = 12,
	LABEL_MAX = 63,
	TYPE_A = 1,
	TYPE_AAAA = 28,
	CLASS_IN = 1,
	FLAG_ANSWER = 0x80,
	FLAG_RECURSE = 0x01,
	RCODE_NO_NAME = 3,
	POINTER = 0xc0,
	FIXED = 10, /* of a record behind its name */
	DNS_PORT = 53,
	PATIENCE_MSEC = 5000, /* upstream servers take their time */
	CONNECT_MSEC = 3000,
};
#define DNS_ADDR 0x7f00000bu /* 127.0.0.11 */

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned int get16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

int mb_net_ask_format(const char *name, int family, uint16_t id, uint8_t buf[MB_NET_ASK_MAX],
                      size_t *ret_len)
{
	size_t n = HEADER;

	memset(buf, 0, HEADER);
	put16(buf, id);
	buf[2] = FLAG_RECURSE;
	put16(buf + 4, 1);
	while (*name) {
		size_t len = strcspn(name, ".");

		if (len == 0 || len > LABEL_MAX || n + len + 6 > MB_NET_ASK_MAX / 2)
			return -EINVAL;
		buf[n++] = (uint8_t)len;
		memcpy(buf + n, name, len);
		n += len;
		name += len;
		name += *name == '.';
	}
	if (n == HEADER)
		return -EINVAL;
	buf[n++] = 0;
	put16(buf + n, family == AF_INET6 ? TYPE_AAAA : TYPE_A);
	put16(buf + n + 2, CLASS_IN);
	*ret_len = n + 4;
	return 0;
}

/* Behind the name at @at; 0 when it does not end in time. */
static size_t skip_name(const uint8_t *p, size_t len, size_t at)
{
	while (at < len) {
		if (p[at] == 0)
			return at + 1;
		if ((p[at] & POINTER) == POINTER)
			return at + 2;
		at += p[at] + 1u;
	}
	return 0;
}

static void first_address(const uint8_t *p, size_t len, size_t at, int family,
                          struct mb_net_addr *ret)
{
	const unsigned int type = family == AF_INET6 ? TYPE_AAAA : TYPE_A;
	const size_t bytes = family == AF_INET6 ? 16 : 4;

	for (unsigned int left = get16(p + 6); left > 0; left--) {
		size_t size;

		at = skip_name(p, len, at);
		if (!at || at + FIXED > len)
			return;
		size = get16(p + at + 8);
		if (at + FIXED + size > len)
			return;
		if (get16(p + at) == type && get16(p + at + 2) == CLASS_IN && size == bytes) {
			ret->family = family;
			memcpy(ret->b, p + at + FIXED, bytes);
			return;
		}
		at += FIXED + size;
	}
}

int mb_net_ask_parse(const uint8_t *p, size_t len, int family, uint16_t id, struct mb_net_addr *ret)
{
	struct mb_net_addr found = {0};
	size_t at = HEADER;

	if (len < HEADER || get16(p) != id || !(p[2] & FLAG_ANSWER))
		return -EBADMSG;
	if ((p[3] & 0xf) == RCODE_NO_NAME)
		return MB_NET_ASK_NO_NAME;
	if (p[3] & 0xf)
		return MB_NET_ASK_REFUSED;
	for (unsigned int n = get16(p + 4); n > 0; n--) {
		at = skip_name(p, len, at);
		if (!at || at + 4 > len)
			return -EBADMSG;
		at += 4;
	}
	first_address(p, len, at, family, &found);
	*ret = found;
	return 0;
}

/* ---- inside --------------------------------------------------------------------------- */

static int open_inside(int netns_fd, int family, int type, int *ret_fd, struct mb_err *err)
{
	__attribute__((cleanup(mb_net_netns_leave))) int home = -1;
	int r = mb_net_netns_enter(netns_fd, &home, err);

	if (r)
		return r;
	*ret_fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot open a socket in the container") : 0;
}

static bool wait_for(int fd, short events, int64_t until)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left;
	int r;

	do {
		left = (until - mb_monotonic_nsec()) / 1000000;
		r = left > 0 ? poll(&p, 1, (int)left) : 0;
	} while (r < 0 && errno == EINTR);
	return r > 0;
}

int mb_net_ask(int netns_fd, const char *name, int family, struct mb_net_addr *ret,
               struct mb_err *err)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
	                               .sin_port = htons(DNS_PORT),
	                               .sin_addr.s_addr = htonl(DNS_ADDR)};
	const int64_t until = mb_monotonic_nsec() + PATIENCE_MSEC * 1000000ll;
	uint8_t buf[MB_NET_ASK_MAX];
	MB_AUTO_CLOSE int fd = -1;
	uint16_t id = 1;
	size_t len;
	int r;

	(void)!getrandom(&id, sizeof(id), GRND_NONBLOCK);
	r = mb_net_ask_format(name, family, id, buf, &len);
	if (r)
		return mb_fail(err, EINVAL, "'%s' is no name", name);
	r = open_inside(netns_fd, AF_INET, SOCK_DGRAM, &fd, err);
	if (r)
		return r;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 || send(fd, buf, len, 0) < 0)
		return MB_NET_ASK_SILENT;
	while (wait_for(fd, POLLIN, until)) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0)
			return MB_NET_ASK_SILENT;
		r = mb_net_ask_parse(buf, (size_t)n, family, id, ret);
		if (r != -EBADMSG)
			return r;
	}
	return MB_NET_ASK_SILENT;
}

int mb_net_try_connect(int netns_fd, const struct mb_net_addr *addr, uint16_t port, int *ret_why,
                       struct mb_err *err)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const bool v6 = addr->family == AF_INET6;
	const void *to = v6 ? (const void *)&six : (const void *)&four;
	MB_AUTO_CLOSE int fd = -1;
	socklen_t len = sizeof(*ret_why);
	int r = open_inside(netns_fd, addr->family, SOCK_STREAM, &fd, err);

	if (r)
		return r;
	memcpy(&four.sin_addr, addr->b, sizeof(four.sin_addr));
	memcpy(&six.sin6_addr, addr->b, sizeof(six.sin6_addr));
	*ret_why = 0;
	if (connect(fd, to, v6 ? sizeof(six) : sizeof(four)) == 0)
		return 0;
	*ret_why = errno;
	if (errno != EINPROGRESS)
		return 0;
	if (!wait_for(fd, POLLOUT, mb_monotonic_nsec() + CONNECT_MSEC * 1000000ll))
		*ret_why = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, ret_why, &len) < 0)
		*ret_why = errno;
	return 0;
}
