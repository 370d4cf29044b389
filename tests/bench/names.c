/* SPDX-License-Identifier: GPL-2.0-or-later */
/* names ADDRESS NAME SECONDS: how many questions for NAME a resolver answers, one after the other.
 * names echo SECONDS: the floor, a datagram to another process and back by loopback.
 * Prints questions per second; an answer that is none ends it with 1. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 12, DATAGRAM = 1500 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static size_t question(const char *name, uint8_t *to)
{
	static const uint8_t head[HEADER] = {0, 0, 1, 0, 0, 1}, tail[] = {0, 0, 1, 0, 1};
	uint8_t *p = to + HEADER;

	memcpy(to, head, HEADER);
	while (*name) {
		size_t n = strcspn(name, ".");

		*p++ = (uint8_t)n;
		memcpy(p, name, n);
		p += n;
		name += n + (name[n] == '.');
	}
	memcpy(p, tail, sizeof(tail));
	return (size_t)(p - to) + sizeof(tail);
}

/* A child that sends everything back. */
static struct sockaddr_in begin_echo(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &size) < 0)
		fail("bind");
	if (fork() == 0) {
		uint8_t buf[DATAGRAM];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			struct sockaddr_in who;
			socklen_t who_size = sizeof(who);
			ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&who,
			                     &who_size);

			if (n >= HEADER) {
				buf[2] |= 0x80;
				buf[7] = 1;
				sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&who, who_size);
			}
		}
	}
	close(fd);
	return at;
}

int main(int argc, char **argv)
{
	const struct timeval patience = {.tv_sec = 5};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};
	int echo = argc == 3 && strcmp(argv[1], "echo") == 0, fd;
	uint8_t query[512], answer[DATAGRAM];
	double begin, seconds;
	unsigned long n;
	size_t size;

	if ((!echo && argc != 4) || (argc == 4 && strlen(argv[2]) > 255)) {
		fputs("usage: names ADDRESS NAME SECONDS\n       names echo SECONDS\n", stderr);
		return 2;
	}
	if (echo)
		to = begin_echo();
	else if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	size = question(echo ? "name" : argv[2], query);
	seconds = strtod(argv[argc - 1], NULL);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connect");
	begin = now();
	for (n = 0; now() - begin < seconds; n++) {
		ssize_t got;

		query[0] = (uint8_t)(n >> 8);
		query[1] = (uint8_t)n;
		if (send(fd, query, size, 0) < 0)
			fail("send");
		got = recv(fd, answer, sizeof(answer), 0);
		if (got < 0)
			fail("recv");
		if (got < HEADER || memcmp(answer, query, 2) != 0 || !(answer[2] & 0x80) ||
		    answer[3] & 15 || !answer[7]) {
			fputs("that is no answer\n", stderr);
			return 1;
		}
	}
	printf("%.0f\n", (double)n / (now() - begin));
	return 0;
}
