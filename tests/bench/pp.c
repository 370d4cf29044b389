/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pp: round trips and throughput between two programs, in containers or not.
 *
 *	pp srv tcp PORT		pp cli tcp ADDRESS|NAME PORT rr|tp SECONDS
 *	pp srv unix PATH	pp cli unix PATH rr|tp SECONDS
 *	pp srv shm PATH		pp cli shm PATH rr|tp SECONDS
 *
 * rr: one byte there and back (median, 99th percentile, minimum, in us); tp: 128 KiB writes, one
 * way (Gbit/s). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 128 << 10, CHUNKS = 32, MAX_SAMPLES = 4000000, TRIES = 50 };

static char buffer[CHUNK];
static float samples[MAX_SAMPLES];

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

static int compare(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void report_trips(const char *kind, size_t n, double seconds)
{
	qsort(samples, n, sizeof(*samples), compare);
	printf("%s rr median %.1f us p99 %.1f min %.1f  %.0f trips/s\n", kind, samples[n / 2],
	       samples[n * 99 / 100], samples[0], (double)n / seconds);
}

static void report_bytes(const char *kind, double bytes, double seconds)
{
	printf("%s tp %.2f Gbit/s\n", kind, bytes * 8 / seconds / 1e9);
}

/* --- shared memory ---------------------------------------------------------------------------- */

/* @asked and @done count trips, or chunks of the ring. */
struct shared {
	_Alignas(64) uint32_t asked;
	_Alignas(64) uint32_t done;
	uint32_t throughput;
	char ring[CHUNK * CHUNKS];
};

static uint32_t load(uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store_and_wake(uint32_t *p, uint32_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
	syscall(SYS_futex, p, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void wait_while(uint32_t *p, uint32_t value)
{
	syscall(SYS_futex, p, FUTEX_WAIT, value, NULL, NULL, 0);
}

static struct shared *map(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	void *at;

	if (fd < 0 || ftruncate(fd, sizeof(struct shared)) < 0)
		fail(path);
	at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		fail(path);
	return at;
}

static void serve_shared(struct shared *m)
{
	for (;;) {
		uint32_t done = m->done;

		while (load(&m->asked) == done)
			wait_while(&m->asked, done);
		if (m->throughput)
			memcpy(buffer, m->ring + (done % CHUNKS) * CHUNK, CHUNK);
		store_and_wake(&m->done, done + 1);
	}
}

static void trip_shared(struct shared *m)
{
	uint32_t asked = m->asked;

	store_and_wake(&m->asked, asked + 1);
	while (load(&m->done) != asked + 1)
		wait_while(&m->done, asked);
}

static void push_shared(struct shared *m)
{
	uint32_t asked = m->asked, done;

	while (asked - (done = load(&m->done)) >= CHUNKS)
		wait_while(&m->done, done);
	memcpy(m->ring + (asked % CHUNKS) * CHUNK, buffer, CHUNK);
	store_and_wake(&m->asked, asked + 1);
}

/* --- sockets ---------------------------------------------------------------------------------- */

/* An address, or a name that is asked for before anything is measured. */
static in_addr_t address_of(const char *word)
{
	const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	struct in_addr address;

	if (inet_aton(word, &address))
		return address.s_addr;
	if (getaddrinfo(word, NULL, &hints, &found) != 0) {
		fprintf(stderr, "%s: no such name\n", word);
		exit(1);
	}
	return ((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr.s_addr;
}

static int make_socket(char **words, bool is_server, struct sockaddr_storage *address,
                       socklen_t *length)
{
	struct sockaddr_in *in = (void *)address;
	struct sockaddr_un *un = (void *)address;
	int one = 1, fd;

	memset(address, 0, sizeof(*address));
	if (strcmp(words[0], "tcp") == 0) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		in->sin_family = AF_INET;
		in->sin_addr.s_addr = is_server ? INADDR_ANY : address_of(words[1]);
		in->sin_port = htons((uint16_t)strtol(words[is_server ? 1 : 2], NULL, 10));
		*length = sizeof(*in);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	} else {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof(un->sun_path), "%s", words[1]);
		*length = sizeof(*un);
		if (is_server)
			unlink(un->sun_path);
	}
	return fd;
}

/* The first byte says which of the two is measured. */
static void serve_one(int fd)
{
	int one = 1;
	char mode;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (read(fd, &mode, 1) != 1)
		return;
	if (mode == 't') {
		while (read(fd, buffer, sizeof(buffer)) > 0)
			;
		return;
	}
	while (read(fd, buffer, 1) == 1 && write(fd, buffer, 1) == 1)
		;
}

static void serve_sockets(char **words)
{
	struct sockaddr_storage address;
	socklen_t length;
	int listener = make_socket(words, true, &address, &length);

	if (bind(listener, (void *)&address, length) < 0 || listen(listener, 8) < 0)
		fail("bind");
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0 && fork() == 0) {
			serve_one(fd);
			_exit(0);
		}
		close(fd);
	}
}

static int call(char **words, const char *mode)
{
	struct sockaddr_storage address;
	socklen_t length;
	int fd = make_socket(words, false, &address, &length), tries = TRIES;

	while (connect(fd, (void *)&address, length) < 0)
		if (--tries == 0 || usleep(100000) < 0)
			fail("connect");
	if (write(fd, mode, 1) != 1)
		fail("write");
	return fd;
}

/* --- measuring -------------------------------------------------------------------------------- */

static void measure(const char *kind, struct shared *m, int fd, bool throughput, double seconds)
{
	double begin = now(), end = begin + seconds, bytes = 0;
	size_t n = 0;

	while (now() < end && n < MAX_SAMPLES) {
		double at = now();

		if (throughput) {
			if (m)
				push_shared(m);
			else if (write(fd, buffer, sizeof(buffer)) <= 0)
				break;
			bytes += CHUNK;
			continue;
		}
		if (m)
			trip_shared(m);
		else if (write(fd, buffer, 1) != 1 || read(fd, buffer, 1) != 1)
			break;
		samples[n++] = (float)((now() - at) * 1e6);
	}
	if (throughput)
		report_bytes(kind, bytes, now() - begin);
	else if (n)
		report_trips(kind, n, now() - begin);
}

int main(int argc, char **argv)
{
	bool is_server = argc > 3 && strcmp(argv[1], "srv") == 0;
	bool is_shared = argc > 3 && strcmp(argv[2], "shm") == 0;
	int rest = argc > 3 && strcmp(argv[2], "tcp") == 0 ? 5 : 4;
	struct shared *m = NULL;
	bool throughput;

	if (argc < (is_server ? 4 : rest + 2)) {
		fputs("usage: pp srv tcp|unix|shm WHERE\n"
		      "       pp cli tcp|unix|shm WHERE rr|tp SECONDS\n",
		      stderr);
		return 2;
	}
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (is_shared)
		m = map(argv[3]);
	if (is_server && is_shared)
		serve_shared(m);
	if (is_server)
		serve_sockets(argv + 2);
	throughput = strcmp(argv[rest], "tp") == 0;
	if (is_shared)
		m->throughput = throughput;
	measure(argv[2], m, is_shared ? -1 : call(argv + 2, argv[rest]), throughput,
	        strtod(argv[rest + 1], NULL));
	return 0;
}
