/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The transport: mybox-fetch in a process of its own, which is nobody and holds nothing but a
 * socket to here.  What it sends is believed no more than what the server sends. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/sock.h"
#include "core/str.h"
#include "registry/elf.h"
#include "registry/fetch/protocol.h"
#include "registry/transport.h"
#include "sys/carried.h"
#include "sys/interrupt.h"

enum { MAX_FILES = 256 };
static const int64_t NSEC_PER_MSEC = 1000000;

#if !defined(__SANITIZE_ADDRESS__)
enum { MEMORY_LIMIT = 1 << 30 };
#endif

struct fetch {
	struct mb_registry_transport base;
	int sock;
	pid_t pid;
	pid_t owner; /* who started it: a fork of the command must start its own */
	union {
		struct mb_fetch_reply reply;
		char bytes[sizeof(struct mb_fetch_reply) + MB_FETCH_MAX_HEADS + 1024];
	} in;
	char out[sizeof(struct mb_fetch_request) + MB_FETCH_MAX_TEXT];
};

static void stop(struct fetch *f)
{
	mb_close(&f->sock);
	if (f->pid > 0 && f->owner == getpid()) {
		kill(f->pid, SIGKILL);
		while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	f->pid = 0;
}

/* --- in the child, before it becomes the program ---------------------------------------------- */

static void limit(__rlimit_resource_t what, rlim_t value)
{
	const struct rlimit both = {value, value};

	setrlimit(what, &both);
}

static void limit_all(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NOFILE, MAX_FILES);
#if !defined(__SANITIZE_ADDRESS__)
	limit(RLIMIT_AS, MEMORY_LIMIT);
#endif
}

static int start(struct fetch *f, struct mb_err *err)
{
	/* What libcurl looks at. */
	static const char *const kept[] = {
		"http_proxy", "https_proxy", "no_proxy",     "all_proxy", "HTTPS_PROXY",
		"NO_PROXY",   "ALL_PROXY",   "SSL_CERT_DIR", NULL,
	};
	char parent[16];
	const char *const args[] = {parent, NULL};
	const struct mb_sys_carried program = {
		.name = "mybox-fetch",
		.elf = mb_registry_fetch_elf,
		.elf_size = mb_registry_fetch_elf_size,
		.socket_type = SOCK_SEQPACKET,
		.place = MB_FETCH_FD,
		.args = args,
		.environment = kept,
		.limit = limit_all,
	};

	f->owner = getpid();
	snprintf(parent, sizeof(parent), "%d", (int)f->owner);
	return mb_sys_carried_start(&program, &f->sock, &f->pid, err);
}

/* --- one exchange ----------------------------------------------------------------------------- */

static int put_text(struct fetch *f, size_t *at, const char *text, struct mb_err *err)
{
	size_t n = strlen(text) + 1;

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return mb_fail(err, EINVAL, "a control character in a request");
	if (n > sizeof(f->out) - *at)
		return mb_fail(err, E2BIG, "the request is too long");
	memcpy(f->out + *at, text, n);
	*at += n;
	return 0;
}

static int send_request(struct fetch *f, const struct mb_registry_call *call, struct mb_err *err)
{
	struct mb_fetch_request request = {
		.version = MB_FETCH_VERSION,
		.body_offset = call->body_offset,
		.body_size = call->body_size,
		.timeout_sec = (uint32_t)call->timeout_sec,
		.flags = call->unverified ? MB_FETCH_UNVERIFIED : 0,
	};
	size_t at = sizeof(request), n_fds = 0;
	int fds[4], r;

	if (call->direct)
		request.flags |= MB_FETCH_DIRECT;
	if (call->stream)
		request.flags |= MB_FETCH_STREAM;

	if (call->body_fd >= 0) {
		request.flags |= MB_FETCH_HAS_BODY;
		fds[n_fds++] = call->body_fd;
	}
	if (call->ca_fd >= 0) {
		request.flags |= MB_FETCH_HAS_CA;
		fds[n_fds++] = call->ca_fd;
	}
	if (call->identity) {
		request.flags |= MB_FETCH_HAS_IDENTITY;
		fds[n_fds++] = call->identity->cert_fd;
		fds[n_fds++] = call->identity->key_fd;
	}
	r = put_text(f, &at, call->method, err);
	if (r == 0)
		r = put_text(f, &at, call->url, err);
	MB_STRV_FOREACH (header, call->headers)
		if (r == 0)
			r = put_text(f, &at, header, err);
	if (r < 0)
		return r;
	request.text = (uint32_t)(at - sizeof(request));
	memcpy(f->out, &request, sizeof(request));
	/* A process that could not begin has said why, and is gone: read on. */
	mb_sock_send(f->sock, f->out, at, fds, n_fds);
	explicit_bzero(f->out, at); /* it may have had a password in it */
	return 0;
}

static int take_head(struct fetch *f, size_t n, const struct mb_registry_sink *sink,
                     struct mb_err *err)
{
	const char *text = f->in.bytes + sizeof(f->in.reply), *end = text + n;
	struct mb_registry_head head = {.status = (unsigned)f->in.reply.value};
	int r;

	if (f->in.reply.value > 999 || (n && end[-1] != '\0'))
		return mb_fail(err, EBADMSG, "the answer's header is not valid");
	for (; text < end; text += strlen(text) + 1)
		mb_registry_head_add(&head, text);
	r = sink->head(sink->arg, &head, err);
	mb_registry_head_done(&head);
	return r;
}

static int take_end(struct fetch *f, size_t n, bool has_head, struct mb_err *err)
{
	MB_AUTO_FREE char *text = mb_strndup(f->in.bytes + sizeof(f->in.reply), n);
	MB_AUTO_FREE char *shown = mb_printable(*text ? text : "it ended without a reason");

	switch ((enum mb_fetch_end)f->in.reply.value) {
	case MB_FETCH_DONE:
		return has_head ? 0 : mb_fail(err, EBADMSG, "no answer came");
	case MB_FETCH_UNREACHABLE:
		mb_fail(err, EHOSTUNREACH, "%.400s", shown);
		return MB_TRANSPORT_UNREACHABLE;
	case MB_FETCH_NOT_TLS:
		mb_fail(err, EPROTO, "%.400s", shown);
		return MB_TRANSPORT_NOT_TLS;
	case MB_FETCH_UNTRUSTED:
		mb_fail(err, EACCES, "%.400s", shown);
		return MB_TRANSPORT_UNTRUSTED;
	case MB_FETCH_BROKEN:
		mb_fail(err, EIO, "%.400s", shown);
		return MB_TRANSPORT_BROKEN;
	case MB_FETCH_NO_LIBRARY:
		return mb_fail(err, ELIBACC, "%.400s", shown);
	case MB_FETCH_BAD:
		break;
	}
	return mb_fail(err, EBADMSG, "%.400s", shown);
}

/* Why it ended without a word: 126 and 127 are from become_fetch(). */
static int tell_death(struct fetch *f, struct mb_err *err)
{
	int status = 0;

	while (waitpid(f->pid, &status, 0) < 0 && errno == EINTR)
		;
	f->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return mb_fail(err, ELIBACC,
		               "the program that fetches cannot be started: it needs the system's "
		               "C library and libcurl (package libcurl4)");
	return mb_fail(err, EPIPE, "the process that fetches ended unexpectedly");
}

/* Until there is something to receive.  A server may take as long as it likes, but what is to end
 * us while signals are held back does.  Return: 0; what idle() said; or -errno. */
static int wait_for(struct fetch *f, const struct mb_registry_sink *sink, int interrupt_fd,
                    int64_t *due, struct mb_err *err)
{
	struct pollfd p[] = {{.fd = f->sock, .events = POLLIN},
	                     {.fd = interrupt_fd, .events = POLLIN}};

	for (;;) {
		int64_t now = mb_monotonic_nsec();
		int r = sink->idle_ms && now >= *due ? sink->idle(sink->arg, err) : 0;

		if (r < 0)
			return r;
		if (now >= *due)
			*due = now + sink->idle_ms * NSEC_PER_MSEC;
		r = poll(p, MB_N(p), sink->idle_ms ? (int)((*due - now) / NSEC_PER_MSEC) + 1 : -1);
		if (r < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot poll");
		if (r > 0)
			return p[1].revents ? mb_sys_interrupt_check(err) : 0;
	}
}

/* Whoever ends with our request unread resets the connection: that is told before what he said. */
static int take(struct fetch *f, size_t *ret_n)
{
	int r = mb_sock_receive(f->sock, &f->in, sizeof(f->in), ret_n, NULL, 0, NULL);

	return r != -ECONNRESET
	               ? r
	               : mb_sock_receive(f->sock, &f->in, sizeof(f->in), ret_n, NULL, 0, NULL);
}

static int receive(struct fetch *f, const struct mb_registry_sink *sink, struct mb_err *err)
{
	MB_AUTO_CLOSE int interrupt = -1;
	int64_t due = mb_monotonic_nsec() + sink->idle_ms * NSEC_PER_MSEC;
	bool has_head = false;
	int r = mb_sys_interrupt_open(&interrupt, err);

	while (r == 0) {
		size_t n = 0;

		r = wait_for(f, sink, interrupt, &due, err);
		if (r < 0)
			return r;
		r = take(f, &n);
		if (r < 0 || n < sizeof(f->in.reply))
			return tell_death(f, err);
		n -= sizeof(f->in.reply);
		switch ((enum mb_fetch_type)f->in.reply.type) {
		case MB_FETCH_HEAD:
			r = has_head ? mb_fail(err, EBADMSG, "two answers to one request")
			             : take_head(f, n, sink, err);
			has_head = true;
			break;
		case MB_FETCH_BODY:
			r = !has_head ? mb_fail(err, EBADMSG, "an answer without a header")
			              : sink->body(sink->arg, f->in.bytes + sizeof(f->in.reply), n,
			                           err);
			break;
		case MB_FETCH_SENT:
			if (sink->sent)
				sink->sent(sink->arg, f->in.reply.value);
			break;
		case MB_FETCH_END:
			return take_end(f, n, has_head, err);
		default:
			r = mb_fail(err, EBADMSG, "the process that fetches does not make sense");
		}
	}
	return r;
}

static int call_fetch(struct mb_registry_transport *t, const struct mb_registry_call *call,
                      const struct mb_registry_sink *sink, struct mb_err *err)
{
	struct fetch *f = (struct fetch *)t;
	int r = 0;

	if (f->owner != getpid())
		stop(f);
	if (f->pid == 0)
		r = start(f, err);
	if (r == 0)
		r = send_request(f, call, err);
	if (r == 0)
		r = receive(f, sink, err);
	/* Whatever else it would have said belongs to this exchange. */
	if (r < 0)
		stop(f);
	return r;
}

static void free_fetch(struct mb_registry_transport *t)
{
	stop((struct fetch *)t);
	free(t);
}

struct mb_registry_transport *mb_registry_transport_fetch_new(void)
{
	struct fetch *f = mb_calloc(1, sizeof(*f));

	f->base.call = call_fetch;
	f->base.free = free_fetch;
	f->sock = -1;
	return &f->base;
}
