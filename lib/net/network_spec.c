/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/network_spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/csv.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/addr.h"

void mb_net_network_spec_done(struct mb_net_network_spec *spec)
{
	free(spec->name);
	mb_strv_done(&spec->aliases);
	mb_strv_done(&spec->links);
	free(spec->ip4);
	free(spec->ip6);
	free(spec->mac);
	mb_kv_done(&spec->driver_opts);
	*spec = (struct mb_net_network_spec){0};
}

static int set_addr(char **slot, int family, const char *text, struct mb_err *err)
{
	char buf[MB_NET_ADDR_TEXT];
	struct mb_net_addr a;

	if (mb_net_addr_parse(text, &a) < 0 || a.family != family)
		return mb_fail(err, EINVAL, "invalid IPv%d address '%s'", family == AF_INET ? 4 : 6,
		               text);
	mb_strset(slot, mb_net_addr_format(&a, buf));
	return 0;
}

static int set_mac(char **slot, const char *text, struct mb_err *err)
{
	uint8_t mac[MB_NET_MAC_BYTES];
	char buf[MB_NET_MAC_TEXT];

	if (mb_net_mac_parse(text, mac) < 0)
		return mb_fail(err, EINVAL, "invalid MAC address '%s'", text);
	mb_strset(slot, mb_net_mac_format(mac, buf));
	return 0;
}

/* What the resolver can hold: one label or several, no slash, no control character. */
static bool is_alias(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= 253 && text[0] != '.' && !strpbrk(text, "/ \t\n");
}

static int add_alias(struct mb_strv *aliases, const char *text, struct mb_err *err)
{
	if (!is_alias(text))
		return mb_fail(err, EINVAL, "invalid network alias '%s'", text);
	if (!mb_strv_has(aliases, text))
		mb_strv_add(aliases, text);
	return 0;
}

void mb_net_link_split(const char *link, char **ret_name, char **ret_alias)
{
	size_t n = strcspn(link, ":");

	*ret_name = mb_strndup(link, n);
	*ret_alias = mb_strdup(link[n] ? link + n + 1 : link);
}

int mb_net_network_spec_link(struct mb_net_network_spec *spec, const char *text, struct mb_err *err)
{
	MB_AUTO_FREE char *name = NULL, *alias = NULL, *link = NULL;

	mb_net_link_split(text, &name, &alias);
	if (!is_alias(name) || !is_alias(alias) || strpbrk(text, ",\"") || strchr(alias, ':'))
		return mb_fail(err, EINVAL, "invalid link '%s': NAME:ALIAS is wanted", text);
	link = mb_asprintf("%s:%s", name, alias);
	if (!mb_strv_has(&spec->links, link))
		mb_strv_add(&spec->links, link);
	return 0;
}

static int parse_field(struct mb_net_network_spec *s, const char *field, struct mb_err *err)
{
	const char *v;

	if ((v = mb_skip_prefix(field, "name="))) {
		mb_strset(&s->name, v);
		return 0;
	}
	if ((v = mb_skip_prefix(field, "alias=")))
		return add_alias(&s->aliases, v, err);
	if ((v = mb_skip_prefix(field, "link=")))
		return mb_net_network_spec_link(s, v, err);
	if ((v = mb_skip_prefix(field, "ip=")))
		return set_addr(&s->ip4, AF_INET, v, err);
	if ((v = mb_skip_prefix(field, "ip6=")))
		return set_addr(&s->ip6, AF_INET6, v, err);
	if ((v = mb_skip_prefix(field, "mac-address=")))
		return set_mac(&s->mac, v, err);
	if ((v = mb_skip_prefix(field, "driver-opt="))) {
		if (!strchr(v, '='))
			return mb_fail(err, EINVAL, "invalid driver option '%s': no '='", v);
		mb_kv_set_pair(&s->driver_opts, v);
		return 0;
	}
	if ((v = mb_skip_prefix(field, "gw-priority="))) {
		if (mb_parse_int(v, &s->gw_priority) < 0)
			return mb_fail(err, EINVAL, "invalid gateway priority '%s'", v);
		return 0;
	}
	if (mb_starts_with(field, "link-local-ip="))
		return mb_fail(err, EOPNOTSUPP, "'link-local-ip' is not supported");
	return mb_fail(err, EINVAL, "'%s' is not a field that is known", field);
}

static int parse_mode(struct mb_net_network_spec *s, struct mb_err *err)
{
	const char *container = mb_skip_prefix(s->name, "container:");
	const char *ns = mb_skip_prefix(s->name, "ns:");
	MB_AUTO_FREE char *cni = mb_strdup_or_null(mb_skip_prefix(s->name, "cni:"));

	s->mode = MB_NET_MODE_NETWORK;
	if (mb_streq(s->name, "host"))
		s->mode = MB_NET_MODE_HOST;
	else if (mb_streq(s->name, "none"))
		s->mode = MB_NET_MODE_NONE;
	else if (mb_streq(s->name, "default"))
		mb_strset(&s->name, "bridge");
	if (ns && *ns != '/')
		return mb_fail(err, EINVAL, "'%s' is not an absolute path of a namespace", ns);
	if (ns) {
		s->mode = MB_NET_MODE_NS;
		mb_strset(&s->name, ns);
	}
	if (cni && !*cni)
		return mb_fail(err, EINVAL, "no CNI network is named");
	if (cni) {
		s->mode = MB_NET_MODE_CNI;
		mb_strset(&s->name, cni);
	}
	if (!container)
		return 0;
	if (!*container)
		return mb_fail(err, EINVAL, "no container is named");
	s->mode = MB_NET_MODE_CONTAINER;
	mb_strset(&s->name, container);
	return 0;
}

/* Values of driver-opt may hold "=", so that the long form is known by its first field. */
static bool is_long(const char *text)
{
	size_t n = strcspn(text, "=,");

	return text[n] == '=' && !mb_starts_with(text, "container:") &&
	       !mb_starts_with(text, "ns:") && !mb_starts_with(text, "cni:");
}

int mb_net_network_spec_parse(const char *text, struct mb_net_network_spec *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	struct mb_net_network_spec s = {0};
	const char *why;
	int r = 0;

	if (!is_long(text))
		mb_strset(&s.name, text);
	else if (mb_csv_split(text, &fields, &why) < 0)
		r = mb_fail(err, EINVAL, "%s", why);
	for (size_t i = 0; !r && i < fields.n; i++)
		r = parse_field(&s, fields.v[i], err);
	if (!r && (!s.name || !*s.name))
		r = mb_fail(err, EINVAL, "no network is named");
	if (!r)
		r = parse_mode(&s, err);
	if (r) {
		mb_net_network_spec_done(&s);
		return mb_wrap(err, r, "invalid network '%s'", text);
	}
	*ret = s;
	return 0;
}

int mb_net_network_spec_set(struct mb_net_network_spec *spec, const char *ip4, const char *ip6,
                            const char *mac, const struct mb_strv *aliases, struct mb_err *err)
{
	int r = 0;

	if (ip4)
		r = set_addr(&spec->ip4, AF_INET, ip4, err);
	if (!r && ip6)
		r = set_addr(&spec->ip6, AF_INET6, ip6, err);
	if (!r && mac)
		r = set_mac(&spec->mac, mac, err);
	for (size_t i = 0; !r && aliases && i < aliases->n; i++)
		r = add_alias(&spec->aliases, aliases->v[i], err);
	return r;
}
