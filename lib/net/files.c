/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "net/cni.h"
#include "net/handle.h"
#include "net/host_spec.h"

#define RESOLVER_LINE "nameserver 127.0.0.11\n"
#define FALLBACK_DNS  "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"
enum { FILE_LIMIT = 1 << 20 };

/* ---- /etc/hosts ----------------------------------------------------------------------- */

static void add_own(struct mb_str *out, const char *ip, const struct mb_net_files *f)
{
	if (!ip)
		return;
	mb_str_addf(out, "%s\t", ip);
	if (f->domainname && *f->domainname)
		mb_str_addf(out, "%s.%s ", f->hostname, f->domainname);
	mb_str_addf(out, "%s\n", f->hostname);
}

/* The address by which a container reaches its host: the gateway of the network that leads out,
 * of the default network where there is none or it is another router's. */
static int host_gateway(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_str *ret,
                        struct mb_err *err)
{
	const struct mb_net_endpoint *e = s ? mb_net_gateway_endpoint(s) : NULL;
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	int r;

	if (e && e->gw4 && !e->bare4) {
		mb_str_add(ret, e->gw4);
		return 0;
	}
	if (e && !e->gw4 && e->gw6 && !e->bare4 && !e->unmanaged) {
		mb_str_add(ret, e->gw6);
		return 0;
	}
	r = mb_net_default(net, &n, err);
	if (!r)
		mb_str_add(ret, n->v4.gateway);
	return r;
}

static int add_given(struct mb_net *net, const struct mb_net_files *f, struct mb_str *out,
                     struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < f->add_hosts.n; i++) {
		__attribute__((cleanup(mb_net_host_spec_done))) struct mb_net_host_spec h = {0};
		MB_AUTO_STR struct mb_str gateway = MB_STR_INIT;

		r = mb_net_host_spec_parse(f->add_hosts.v[i], &h, err);
		if (!r && h.host_gateway)
			r = host_gateway(net, f->sandbox, &gateway, err);
		if (!r)
			mb_str_addf(out, "%s\t%s\n", h.host_gateway ? gateway.buf : h.address,
			            h.name);
	}
	return r;
}

static void add_standard(struct mb_str *out)
{
	mb_str_add(out, "127.0.0.1\tlocalhost\n"
	                "::1\tlocalhost ip6-localhost ip6-loopback\n"
	                "fe00::0\tip6-localnet\n"
	                "ff00::0\tip6-mcastprefix\n"
	                "ff02::1\tip6-allnodes\n"
	                "ff02::2\tip6-allrouters\n");
}

int mb_net_hosts_format(struct mb_net *net, const struct mb_net_files *f, struct mb_str *out,
                        struct mb_err *err)
{
	const struct mb_net_sandbox *s = f->sandbox;

	if (!s) {
		/* The host's own; a host without one has the standard lines. */
		if (mb_read_file(AT_FDCWD, "/etc/hosts", FILE_LIMIT, out, NULL) < 0)
			add_standard(out);
		if (out->len && out->buf[out->len - 1] != '\n')
			mb_str_addc(out, '\n');
		return add_given(net, f, out, err);
	}
	add_standard(out);
	mb_net_hosts_own(f, out);
	return add_given(net, f, out, err);
}

void mb_net_hosts_own(const struct mb_net_files *f, struct mb_str *out)
{
	for (size_t i = 0; i < f->sandbox->n_endpoints; i++) {
		add_own(out, f->sandbox->endpoints[i].ip4, f);
		add_own(out, f->sandbox->endpoints[i].ip6, f);
	}
	if (f->cni) {
		add_own(out, f->cni->endpoint.ip4, f);
		add_own(out, f->cni->endpoint.ip6, f);
	}
}

/* ---- /etc/resolv.conf ----------------------------------------------------------------- */

struct host_resolv {
	struct mb_strv servers, search, options;
};

static void words_after(const char *line, const char *keyword, struct mb_strv *to, bool replace)
{
	const char *rest = mb_skip_prefix(line, keyword);

	if (!rest || !strchr(" \t", *rest))
		return;
	if (replace)
		mb_strv_done(to);
	while (*rest) {
		size_t n;

		rest += strspn(rest, " \t\r");
		n = strcspn(rest, " \t\r");
		if (n) {
			MB_AUTO_FREE char *word = mb_strndup(rest, n);

			mb_strv_add(to, word);
		}
		rest += n;
	}
}

static void read_host(struct host_resolv *h)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;
	MB_AUTO_CLOSE int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || mb_read_fd(fd, FILE_LIMIT, &text, NULL) < 0)
		return;
	mb_strv_split(&lines, mb_str_text(&text), '\n');
	MB_STRV_FOREACH (line, &lines) {
		words_after(line, "nameserver", &h->servers, false);
		words_after(line, "search", &h->search, true);
		words_after(line, "domain", &h->search, true);
		words_after(line, "options", &h->options, false);
	}
}

static void host_resolv_done(struct host_resolv *h)
{
	mb_strv_done(&h->servers);
	mb_strv_done(&h->search);
	mb_strv_done(&h->options);
}

static int check_words(const struct mb_net_files *f, struct mb_err *err)
{
	struct mb_net_addr a;

	MB_STRV_FOREACH (server, &f->dns)
		if (mb_net_addr_parse(server, &a) < 0)
			return mb_fail(err, EINVAL, "%s is not an ip address", server);
	MB_STRV_FOREACH (domain, &f->dns_search)
		if (strpbrk(domain, " \t\n\r"))
			return mb_fail(err, EINVAL, "%s is not a valid domain", domain);
	MB_STRV_FOREACH (option, &f->dns_options)
		if (strpbrk(option, " \t\n\r"))
			return mb_fail(err, EINVAL, "invalid DNS option '%s'", option);
	return 0;
}

static void add_line(struct mb_str *out, const char *keyword, const struct mb_strv *words)
{
	MB_AUTO_FREE char *joined = mb_strv_join(words, " ");

	if (words->n)
		mb_str_addf(out, "%s %s\n", keyword, joined);
}

/* "." alone means: no search at all. */
static void add_search(struct mb_str *out, const struct mb_strv *search)
{
	if (search->n != 1 || !mb_streq(search->v[0], "."))
		add_line(out, "search", search);
}

/* A loopback server of the host is nobody's in a namespace of its own. */
static bool is_loopback(const char *server)
{
	return mb_starts_with(server, "127.") || mb_streq(server, "::1");
}

static void add_servers(struct mb_str *out, const struct mb_net_files *f,
                        const struct host_resolv *h)
{
	const struct mb_strv *servers = f->dns.n                      ? &f->dns
	                                : f->cni && f->cni->servers.n ? &f->cni->servers
	                                                              : &h->servers;
	size_t n = 0;

	if (f->sandbox && f->sandbox->n_endpoints && !f->no_resolver) {
		mb_str_add(out, RESOLVER_LINE);
		return;
	}
	MB_STRV_FOREACH (server, servers) {
		if (f->sandbox && servers == &h->servers && is_loopback(server))
			continue;
		mb_str_addf(out, "nameserver %s\n", server);
		n++;
	}
	if (!n)
		mb_str_add(out, FALLBACK_DNS);
}

static void add_options(struct mb_str *out, const struct mb_net_files *f,
                        const struct host_resolv *h)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;
	bool has_ndots = false;

	mb_strv_add_all(&options, f->dns_options.n              ? &f->dns_options
	                          : f->cni && f->cni->options.n ? &f->cni->options
	                                                        : &h->options);
	MB_STRV_FOREACH (option, &options)
		has_ndots = has_ndots || mb_starts_with(option, "ndots:");
	/* Names of containers are single labels: they must be asked for as they are, first. */
	if (f->sandbox && f->sandbox->n_endpoints && !f->no_resolver && !has_ndots)
		mb_strv_add(&options, "ndots:0");
	add_line(out, "options", &options);
}

int mb_net_resolv_format(const struct mb_net_files *f, struct mb_str *out, struct mb_err *err)
{
	__attribute__((cleanup(host_resolv_done))) struct host_resolv h = {0};
	MB_AUTO_CLOSE int fd = -1;
	int r;

	r = check_words(f, err);
	if (r)
		return r;
	if (!f->sandbox && !f->dns.n && !f->dns_search.n && !f->dns_options.n) {
		fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return mb_read_fd(fd, FILE_LIMIT, out, err);
	}
	read_host(&h);
	add_servers(out, f, &h);
	add_search(out, f->dns_search.n              ? &f->dns_search
	                : f->cni && f->cni->search.n ? &f->cni->search
	                                             : &h.search);
	add_options(out, f, &h);
	return 0;
}

void mb_net_hostname_format(const struct mb_net_files *f, struct mb_str *out)
{
	mb_str_addf(out, "%s\n", f->hostname);
}
