/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resolver: its directories, and the running program asked by UDP and TCP. */
#include "box.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include "monitor/dns_db.h"
#include "monitor/dns_packet.h"

static void must_mkdir(int dir, const char *path)
{
	assert_int_equal(mkdirat(dir, path, 0700), 0);
}

static void publish(int net, const char *name, const char *id, const char *addresses)
{
	char path[300], target[300];

	snprintf(path, sizeof(path), "n/%s", name);
	mkdirat(net, path, 0700);
	snprintf(path, sizeof(path), "n/%s/%s", name, id);
	snprintf(target, sizeof(target), "%s,%s", addresses, id);
	assert_int_equal(symlinkat(target, net, path), 0);
}

/* RUN with two networks; containers c1 and c2 live, c3 does not. */
static void fill(struct box *b, int net[2])
{
	static const char *const ids[] = {"c1", "c2"};

	must_mkdir(b->runroot, "c");
	must_mkdir(b->runroot, "net");
	for (size_t i = 0; i < 2; i++) {
		char path[64];

		snprintf(path, sizeof(path), "c/%s", ids[i]);
		must_mkdir(b->runroot, path);
		snprintf(path, sizeof(path), "c/%s/state.json", ids[i]);
		close(openat(b->runroot, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		snprintf(path, sizeof(path), "net/n%zu", i);
		must_mkdir(b->runroot, path);
		net[i] = openat(b->runroot, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must_mkdir(net[i], "n");
		must_mkdir(net[i], "p");
	}
	publish(net[0], "web", "c1", "10.88.0.5,fd6d::5");
	publish(net[0], "web", "c3", "10.88.0.9,");
	publish(net[0], "all", "c1", "10.88.0.5,fd6d::5");
	publish(net[0], "all", "c2", "10.88.0.6,");
	publish(net[1], "all", "c2", "10.89.0.6,");
	publish(net[1], "dead", "c3", "10.89.0.7,");
	mkdirat(net[1], "n/far", 0700);
	assert_int_equal(symlinkat("192.0.2.1,2001:db8::1,-", net[1], "n/far/-0"), 0);
	assert_int_equal(symlinkat("192.0.2.2,,-", net[1], "n/far/-1"), 0);
	assert_int_equal(symlinkat("far", net[1], "p/192.0.2.2"), 0);
	assert_int_equal(symlinkat("web", net[0], "p/10.88.0.5"), 0);
	assert_int_equal(symlinkat("web", net[0], "p/fd6d::5"), 0);
	assert_int_equal(mkdirat(net[0], "l", 0700), 0);
	assert_int_equal(mkdirat(net[0], "l/me", 0700), 0);
	assert_int_equal(symlinkat("web", net[0], "l/me/store"), 0);
	assert_int_equal(symlinkat("../../n/web", net[0], "l/me/outside"), 0);
	assert_int_equal(symlinkat("web", net[0], "p/10.88.0.9"), 0);
}

static void directories(void **state)
{
	struct box b;
	int net[2];
	struct mb_dns_network networks[2] = {{.name = "my.Net"}, {.name = "other"}};
	struct mb_dns_addresses a;
	char name[512];

	(void)state;
	box_init(&b);
	fill(&b, net);
	networks[0].fd = net[0];
	networks[1].fd = net[1];
	{
		struct mb_dns_db db = {.run_fd = b.runroot, .networks = networks, .n_networks = 2};

		assert_true(mb_dns_db_find(&db, "web", &a));
		assert_int_equal(a.n4, 1); /* the dead holder is left out */
		assert_int_equal(a.n6, 1);
		assert_memory_equal(a.v4[0], "\x0a\x58\x00\x05", 4);
		assert_true(mb_dns_db_find(&db, "all", &a));
		assert_int_equal(a.n4, 3);
		assert_memory_equal(a.v4[2], "\x0a\x59\x00\x06", 4); /* order of joining */
		assert_true(mb_dns_db_find(&db, "web.my.net", &a));
		assert_int_equal(a.n4, 1);
		assert_false(mb_dns_db_find(&db, "web.other", &a));
		assert_false(mb_dns_db_find(&db, "dead", &a));
		assert_false(mb_dns_db_find(&db, "", &a));
		assert_false(mb_dns_db_find(&db, "..", &a));
		assert_false(mb_dns_db_find(&db, ".", &a));
		assert_true(mb_dns_db_reverse(&db, "10.88.0.5", name));
		assert_string_equal(name, "web.my.Net");
		assert_true(mb_dns_db_reverse(&db, "fd6d::5", name));
		assert_false(mb_dns_db_reverse(&db, "10.88.0.9", name));
		assert_false(mb_dns_db_reverse(&db, "10.88.0.77", name));
		/* What a container calls others is its own. */
		assert_false(mb_dns_db_find(&db, "store", &a));
		db.own = "me";
		assert_true(mb_dns_db_find(&db, "store", &a));
		assert_memory_equal(a.v4[0], "\x0a\x58\x00\x05", 4);
		assert_true(mb_dns_db_find(&db, "store.my.net", &a));
		assert_false(mb_dns_db_find(&db, "outside", &a));
		assert_true(mb_dns_db_find(&db, "far", &a)); /* no container's */
		assert_int_equal(a.n4, 2);
		assert_int_equal(a.n6, 1);
		assert_true(mb_dns_db_reverse(&db, "192.0.2.2", name));
		assert_string_equal(name, "far.other");
		db.run_fd = -1;
		assert_true(mb_dns_db_find(&db, "dead", &a));
	}
	close(net[0]);
	close(net[1]);
	box_done(&b);
}

static void set_state(struct box *b, const char *id, int pid, int monitor)
{
	char path[64], doc[200];
	int fd, n;

	snprintf(path, sizeof(path), "c/%s/state.json", id);
	n = snprintf(doc, sizeof(doc),
	             "{\"schema\":1,\"sum\":\"0\",\"pid\":%d,\"pid_start\":1,\"monitor\":%d,"
	             "\"monitor_start\":1}",
	             pid, monitor);
	fd = openat(b->runroot, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, doc, (size_t)n), n);
	close(fd);
}

/* A container that was killed with its monitor is nobody, though its state is there. */
static void the_dead_have_no_address(void **state)
{
	struct mb_dns_network network = {.name = "net"};
	struct mb_dns_addresses a;
	struct box b;
	char name[512];
	int net[2];
	pid_t gone = fork();

	(void)state;
	if (gone == 0)
		_exit(0);
	assert_int_equal(waitpid(gone, NULL, 0), gone);
	box_init(&b);
	fill(&b, net);
	network.fd = net[0];
	{
		struct mb_dns_db db = {.run_fd = b.runroot, .networks = &network, .n_networks = 1};

		set_state(&b, "c1", gone, gone);
		assert_false(mb_dns_db_find(&db, "web", &a));
		assert_false(mb_dns_db_reverse(&db, "10.88.0.5", name));
		assert_true(mb_dns_db_find(&db, "all", &a));
		assert_int_equal(a.n4, 1);
		assert_memory_equal(a.v4[0], "\x0a\x58\x00\x06", 4);
		/* One that its monitor starts again, one that lost it. */
		set_state(&b, "c1", gone, getpid());
		assert_true(mb_dns_db_find(&db, "web", &a));
		set_state(&b, "c1", getpid(), gone);
		assert_true(mb_dns_db_find(&db, "web", &a));
		assert_true(mb_dns_db_reverse(&db, "10.88.0.5", name));
	}
	close(net[0]);
	close(net[1]);
	box_done(&b);
}

static size_t query(uint8_t *p, uint16_t id, const char *name, unsigned type)
{
	size_t n = 12;

	memset(p, 0, 12);
	p[0] = (uint8_t)(id >> 8);
	p[1] = (uint8_t)id;
	p[2] = 1;
	p[5] = 1;
	while (*name) {
		size_t label = strcspn(name, ".");

		p[n++] = (uint8_t)label;
		memcpy(p + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	p[n++] = 0;
	p[n++] = 0;
	p[n++] = (uint8_t)type;
	p[n++] = 0;
	p[n++] = 1;
	return n;
}

static int bound(int type, uint16_t *ret_port)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);

	if (*ret_port)
		a.sin_port = htons(*ret_port);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	*ret_port = ntohs(a.sin_port);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 128), 0);
	return fd;
}

static int connected(int type, uint16_t port)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET,
	                        .sin_port = htons(port),
	                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = 5};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* An upstream of our own: answers each query once, by UDP and TCP, with the address 1.2.3.4, or
 * with a long reply by TCP when the name begins with "long". */
static void upstream_udp(int fd)
{
	static const uint8_t answer[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4};
	uint8_t p[512];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	ssize_t n = recvfrom(fd, p, sizeof(p) - sizeof(answer), 0, (struct sockaddr *)&from, &size);

	assert_true(n > 12);
	p[2] |= 0x80;
	p[7] = 1;
	for (ssize_t i = 12; i < n; i++)
		p[i] = (uint8_t)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i]);
	memcpy(p + n, answer, sizeof(answer));
	sendto(fd, p, (size_t)n + sizeof(answer), 0, (struct sockaddr *)&from, size);
}

struct service {
	struct box b;
	int net[2];
	uint16_t port, up_port;
	int up_udp, up_tcp;
};

static void service_start(struct service *s, unsigned flags, int raw)
{
	struct mb_monitor_dns dns = {0};
	int fds[MB_MONITOR_DNS_SLOT_N_] = {-1, -1, -1, -1}, other;
	struct mb_monitor_info info;

	memset(s, 0, sizeof(*s));
	box_init(&s->b);
	fill(&s->b, s->net);
	box_start(&s->b, "read x", 0, true);
	fds[MB_MONITOR_DNS_RAW] = raw;
	fds[MB_MONITOR_DNS_UDP] = bound(SOCK_DGRAM, &s->port);
	fds[MB_MONITOR_DNS_TCP] = bound(SOCK_STREAM, &s->port);
	s->up_udp = bound(SOCK_DGRAM, &s->up_port);
	s->up_tcp = bound(SOCK_STREAM, &s->up_port);
	/* the first upstream refuses, the second is ours */
	snprintf(dns.upstream[0], sizeof(dns.upstream[0]), "127.0.0.1#1");
	snprintf(dns.upstream[1], sizeof(dns.upstream[1]), "127.0.0.1#%u", s->up_port);
	other = box_connect(&s->b);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(mb_monitor_send_network(other, i ? "n1" : "n0", i ? "other" : "my",
		                                         flags, s->net[i], NULL),
		                 0);
	assert_int_equal(mb_monitor_send_dns(other, &dns, fds, NULL), 0);
	assert_int_equal(mb_monitor_info(other, &info, NULL), 0);
	close(other);
	close(fds[MB_MONITOR_DNS_UDP]);
	close(fds[MB_MONITOR_DNS_TCP]);
}

static void service_end(struct service *s)
{
	kill(s->b.monitor, SIGKILL);
	box_wait_monitor(&s->b);
	close(s->up_udp);
	close(s->up_tcp);
	close(s->net[0]);
	close(s->net[1]);
	box_done(&s->b);
}

/* Until the monitor has read what was sent to it: what it answers now it was asked later. */
static void await_read(struct service *s, int fd)
{
	MB_AUTO_CLOSE int sock = box_connect(&s->b);
	struct mb_monitor_info info;
	int left = 1;

	while (ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0)
		usleep(1000);
	assert_int_equal(mb_monitor_info(sock, &info, NULL), 0);
}

static void upstream_tcp(struct service *s, size_t size)
{
	int fd = accept4(s->up_tcp, NULL, NULL, SOCK_CLOEXEC);
	uint8_t *p = mb_calloc(1, size + 2);
	ssize_t n = recv(fd, p, 512, 0);

	assert_true(n > 14);
	p[4] |= 0x80;
	for (size_t i = (size_t)n; i < size + 2; i++)
		p[i] = (uint8_t)i;
	p[0] = (uint8_t)(size >> 8);
	p[1] = (uint8_t)size;
	assert_int_equal(send(fd, p, 7, 0), 7);
	await_read(s, fd);
	assert_int_equal(mb_write_full(fd, p + 7, size + 2 - 7), 0);
	free(p);
	close(fd);
}

/* As a client does, again when nothing comes: behind a flood a question finds no room. */
static size_t ask(struct service *s, const char *name, unsigned type, uint8_t reply[4096])
{
	uint8_t p[512];
	size_t n = query(p, 0x7777, name, type);
	MB_AUTO_CLOSE int fd = connected(SOCK_DGRAM, s->port);
	ssize_t r = -1;

	for (int i = 0; r < 0 && i < 200; i++) {
		struct pollfd answer = {.fd = fd, .events = POLLIN};

		assert_int_equal(send(fd, p, n, 0), n);
		if (poll(&answer, 1, 100) == 1)
			r = recv(fd, reply, 4096, 0);
	}
	assert_true(r >= 12);
	assert_memory_equal(reply, "\x77\x77", 2);
	return (size_t)r;
}

static void program_answers_by_udp(void **state)
{
	struct service s;
	uint8_t r[4096];
	size_t n;
	unsigned first = 0;

	(void)state;
	service_start(&s, MB_MONITOR_INTERNAL, -1);
	n = ask(&s, "wEb", MB_DNS_A, r);
	assert_int_equal(r[3] & 15, MB_DNS_NOERROR);
	assert_int_equal(r[7], 1);
	assert_memory_equal(r + 13, "wEb", 3);
	assert_memory_equal(r + n - 4, "\x0a\x58\x00\x05", 4);
	ask(&s, "web", MB_DNS_AAAA, r);
	assert_int_equal(r[7], 1);
	ask(&s, "web", 15, r); /* MX of a known name: empty, no error */
	assert_int_equal(r[3] & 15, MB_DNS_NOERROR);
	assert_int_equal(r[7], 0);
	n = ask(&s, "5.0.88.10.in-addr.arpa", MB_DNS_PTR, r);
	assert_int_equal(r[7], 1);
	assert_memory_equal(r + n - 8, "\x03web\x02my", 8);
	ask(&s, "nobody", MB_DNS_A, r); /* internal: nothing is forwarded */
	assert_int_equal(r[3] & 15, MB_DNS_NXDOMAIN);
	n = ask(&s, "localhost", MB_DNS_A, r);
	assert_memory_equal(r + n - 4, "\x7f\x00\x00\x01", 4);
	for (int i = 0; i < 9; i++) {
		n = ask(&s, "all", MB_DNS_A, r);
		assert_int_equal(r[7], 3);
		first |= r[n - 2 * 16 - 2] << 8 | 1u << r[n - 2 * 16 - 1] % 8;
	}
	assert_int_equal(first & 0xff, 1u << 5 | 1u << 6); /* each holder comes first at times */
	service_end(&s);
}

static void program_answers_from_port_53(void **state)
{
	MB_AUTO_CLOSE int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
	MB_AUTO_CLOSE int fd = -1;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = 5};
	socklen_t size = sizeof(a);
	struct service s;
	uint8_t p[512], r[512];
	uint16_t port = 0;
	size_t n = query(p, 9, "web", MB_DNS_A);

	(void)state;
	if (raw < 0)
		skip(); /* needs CAP_NET_RAW */
	service_start(&s, 0, raw);
	fd = bound(SOCK_DGRAM, &port);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	a.sin_port = htons(s.port);
	assert_int_equal(sendto(fd, p, n, 0, (struct sockaddr *)&a, sizeof(a)), n);
	assert_int_equal(recvfrom(fd, r, sizeof(r), 0, (struct sockaddr *)&a, &size), n + 16);
	assert_int_equal(ntohs(a.sin_port), 53);
	assert_int_equal(a.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	service_end(&s);
}

static void program_forwards_by_udp(void **state)
{
	struct service s;
	uint8_t p[512], r[4096];
	size_t n = query(p, 0x1234, "Example.COM", MB_DNS_A);
	int fd;

	(void)state;
	service_start(&s, 0, -1);
	fd = connected(SOCK_DGRAM, s.port);
	assert_int_equal(send(fd, p, n, 0), n);
	upstream_udp(s.up_udp);
	assert_int_equal(recv(fd, r, sizeof(r), 0), n + 16);
	assert_memory_equal(r, "\x12\x34", 2);
	assert_memory_equal(r + 12, p + 12, n - 12);
	assert_memory_equal(r + n + 12, "\x01\x02\x03\x04", 4);
	close(fd);
	service_end(&s);
}

static void read_tcp(int fd, uint8_t *p, size_t n)
{
	size_t got;

	assert_int_equal(mb_read_full(fd, p, n, &got), 0);
	assert_int_equal(got, n);
}

static void program_answers_by_tcp(void **state)
{
	struct service s;
	static uint8_t p[1024], r[70000];
	size_t n = 0, one;
	int fd;

	(void)state;
	service_start(&s, 0, -1);
	fd = connected(SOCK_STREAM, s.port);
	for (uint16_t i = 0; i < 3; i++) { /* pipelined */
		one = query(p + n + 2, i, i == 1 ? "long.example" : "web", MB_DNS_A);
		p[n] = 0;
		p[n + 1] = (uint8_t)one;
		n += one + 2;
	}
	assert_int_equal(send(fd, p, n, 0), n);
	upstream_tcp(&s, 60000);
	read_tcp(fd, r, 2);
	read_tcp(fd, r + 2, r[1]);
	assert_int_equal(r[3], 0);
	assert_int_equal(r[9], 1);
	read_tcp(fd, r, 2);
	assert_int_equal(r[0] << 8 | r[1], 60000);
	read_tcp(fd, r + 2, 60000);
	assert_int_equal(r[3], 1);
	for (size_t i = 100; i < 60002; i++)
		assert_int_equal(r[i], (uint8_t)i);
	read_tcp(fd, r, 2);
	read_tcp(fd, r + 2, r[1]);
	assert_int_equal(r[3], 2);
	close(fd);
	/* a connection that says too much is closed */
	fd = connected(SOCK_STREAM, s.port);
	assert_int_equal(send(fd, "\xff\xff", 2, 0), 2);
	assert_int_equal(recv(fd, r, 1, 0), 0);
	close(fd);
	service_end(&s);
}

static void program_survives_floods(void **state)
{
	struct service s;
	uint8_t p[512], r[4096];
	int fd, conns[50];

	(void)state;
	service_start(&s, 0, -1);
	fd = connected(SOCK_DGRAM, s.port);
	srand(3);
	for (int i = 0; i < 3000; i++) {
		size_t n = query(p, (uint16_t)i, "x.example", MB_DNS_A);

		if (i % 2)
			p[(size_t)rand() % n] = (uint8_t)rand();
		send(fd, p, n, 0);
	}
	for (size_t i = 0; i < MB_N(conns); i++)
		conns[i] = connected(SOCK_STREAM, s.port);
	for (size_t i = 0; i < MB_N(conns); i++)
		close(conns[i]);
	close(fd);
	ask(&s, "web", MB_DNS_A, r);
	assert_int_equal(r[7], 1);
	service_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories),
		cmocka_unit_test(the_dead_have_no_address),
		cmocka_unit_test(program_answers_by_udp),
		cmocka_unit_test(program_answers_from_port_53),
		cmocka_unit_test(program_forwards_by_udp),
		cmocka_unit_test(program_answers_by_tcp),
		cmocka_unit_test(program_survives_floods),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("monitor/dns", tests, NULL, NULL);
}
