/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/dns_upstream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"

/* A longer line says nothing for us; what is behind that many bytes is not looked for. */
enum { PORT = 53, LINE_BYTES = 2048, BLOCK_BYTES = 2048, RESOLV_CONF_MAX = 1 << 20 };

/* Split "address%scope#port" in place; what is absent is NULL. */
static void split(char *text, const char **ret_scope, const char **ret_port)
{
	char *port = strchr(text, '#'), *scope = strchr(text, '%');

	if (port)
		*port++ = '\0';
	if (scope)
		*scope++ = '\0';
	*ret_port = port;
	*ret_scope = scope;
}

int mb_dns_upstream_parse(const char *text, union mb_dns_address *ret)
{
	union mb_dns_address a;
	const char *scope, *port_text;
	uint32_t number, port = PORT;
	char address[64];

	memset(&a, 0, sizeof(a));
	if (strlen(text) >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, strlen(text) + 1);
	split(address, &scope, &port_text);
	if (port_text && (mb_parse_u32(port_text, &port) < 0 || port == 0 || port > UINT16_MAX))
		return -EINVAL;
	if (!scope && inet_pton(AF_INET, address, &a.in4.sin_addr) == 1) {
		a.in4.sin_family = AF_INET;
		a.in4.sin_port = htons((uint16_t)port);
	} else if (inet_pton(AF_INET6, address, &a.in6.sin6_addr) == 1) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons((uint16_t)port);
		if (scope && mb_parse_u32(scope, &number) == 0)
			a.in6.sin6_scope_id = number;
		else if (scope)
			a.in6.sin6_scope_id = if_nametoindex(scope);
	} else {
		return -EINVAL;
	}
	*ret = a;
	return 0;
}

socklen_t mb_dns_upstream_size(const union mb_dns_address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->in4) : sizeof(a->in6);
}

static void parse_line(struct mb_dns_upstreams *u, const char *line, size_t n)
{
	static const char key[] = "nameserver";
	char word[64];
	size_t at = strspn(line, " \t"), size;

	if (n < at + sizeof(key) || memcmp(line + at, key, sizeof(key) - 1) != 0)
		return;
	at += sizeof(key) - 1;
	if (line[at] != ' ' && line[at] != '\t')
		return;
	at += strspn(line + at, " \t");
	size = strcspn(line + at, " \t\r\n;");
	if (u->n >= MB_MONITOR_UPSTREAMS_MAX || size == 0 || size >= sizeof(word))
		return;
	memcpy(word, line + at, size);
	word[size] = '\0';
	if (mb_dns_upstream_parse(word, &u->at[u->n]) == 0)
		u->n++;
}

struct line {
	char text[LINE_BYTES + 1];
	size_t n; /* of its bytes, those that found no room too */
};

static void end_line(struct mb_dns_upstreams *u, struct line *l)
{
	if (l->n <= LINE_BYTES) {
		l->text[l->n] = '\0';
		parse_line(u, l->text, l->n);
	}
	l->n = 0;
}

static void take_bytes(struct mb_dns_upstreams *u, struct line *l, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\n')
			end_line(u, l);
		else if (l->n++ < LINE_BYTES)
			l->text[l->n - 1] = p[i];
}

void mb_dns_upstreams_parse(struct mb_dns_upstreams *u, const char *text)
{
	struct line line = {.n = 0};

	u->n = 0;
	take_bytes(u, &line, text, strlen(text));
	end_line(u, &line);
}

/* Until there are as many as are asked.  Return: 0 or -errno. */
static int parse_file(struct mb_dns_upstreams *u, const char *path)
{
	/* A FIFO in its place must not hold us. */
	MB_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct line line = {.n = 0};
	char block[BLOCK_BYTES];
	size_t got = sizeof(block);

	if (fd < 0)
		return -errno;
	for (size_t all = 0; got == sizeof(block) && u->n < MB_MONITOR_UPSTREAMS_MAX; all += got) {
		int r = mb_read_full(fd, block, sizeof(block), &got);

		if (r < 0)
			return r;
		take_bytes(u, &line, block, got);
		if (all >= RESOLV_CONF_MAX)
			return 0;
	}
	/* The last line may have no end; of one that goes on in the next block we have a part. */
	if (got < sizeof(block))
		end_line(u, &line);
	return 0;
}

void mb_dns_upstreams_refresh(struct mb_dns_upstreams *u, const char *path)
{
	struct mb_dns_upstreams now = {0};
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	if (st.st_ino == u->inode && st.st_size == u->size &&
	    st.st_mtim.tv_sec == u->mtime.tv_sec && st.st_mtim.tv_nsec == u->mtime.tv_nsec)
		return;
	if (!S_ISREG(st.st_mode) || parse_file(&now, path) < 0)
		return;
	now.inode = st.st_ino;
	now.size = st.st_size;
	now.mtime = st.st_mtim;
	*u = now;
}
