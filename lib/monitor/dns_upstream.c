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

enum { PORT = 53, RESOLV_CONF_MAX = 4096 };

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

void mb_dns_upstreams_parse(struct mb_dns_upstreams *u, const char *text)
{
	u->n = 0;
	while (*text) {
		size_t n = strcspn(text, "\n");

		parse_line(u, text, n);
		text += n + (text[n] == '\n');
	}
}

void mb_dns_upstreams_refresh(struct mb_dns_upstreams *u, const char *path)
{
	char text[RESOLV_CONF_MAX];
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	if (st.st_ino == u->inode && st.st_size == u->size &&
	    st.st_mtim.tv_sec == u->mtime.tv_sec && st.st_mtim.tv_nsec == u->mtime.tv_nsec)
		return;
	if (!S_ISREG(st.st_mode) || mb_read_kernel_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return;
	u->inode = st.st_ino;
	u->size = st.st_size;
	u->mtime = st.st_mtim;
	mb_dns_upstreams_parse(u, text);
}
