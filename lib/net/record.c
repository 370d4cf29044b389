/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/id.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/handle.h"
#include "store/doc.h"
#include "sys/tree.h"
#include "json/json.h"

static const struct mb_json_field lease_table[] = {
	MB_JSON_STR("server", struct mb_net_lease, server),
	MB_JSON_STR("server_mac", struct mb_net_lease, server_mac),
	MB_JSON_STR("former", struct mb_net_lease, former),
	MB_JSON_U64("due", struct mb_net_lease, due),
	MB_JSON_U64("rebind", struct mb_net_lease, rebind),
	MB_JSON_U64("ends", struct mb_net_lease, ends),
	MB_JSON_STRV("dns", struct mb_net_lease, dns),
	MB_JSON_STRV("search", struct mb_net_lease, search),
	MB_JSON_STRV("routes", struct mb_net_lease, routes),
	MB_JSON_U32("mtu", struct mb_net_lease, mtu),
	MB_JSON_END,
};

static const struct mb_json_field endpoint_table[] = {
	MB_JSON_STR("network_id", struct mb_net_endpoint, network_id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("network", struct mb_net_endpoint, network),
	MB_JSON_STR("id", struct mb_net_endpoint, id),
	MB_JSON_STR("driver", struct mb_net_endpoint, driver),
	MB_JSON_STR("bridge", struct mb_net_endpoint, bridge),
	MB_JSON_STR("host_ifname", struct mb_net_endpoint, host_ifname),
	MB_JSON_STR("ifname", struct mb_net_endpoint, ifname),
	MB_JSON_STR("ip4", struct mb_net_endpoint, ip4),
	MB_JSON_STR("gw4", struct mb_net_endpoint, gw4),
	MB_JSON_STR("ip6", struct mb_net_endpoint, ip6),
	MB_JSON_STR("gw6", struct mb_net_endpoint, gw6),
	MB_JSON_STR("mac", struct mb_net_endpoint, mac),
	MB_JSON_U32("prefix4", struct mb_net_endpoint, prefix4),
	MB_JSON_U32("prefix6", struct mb_net_endpoint, prefix6),
	MB_JSON_U32("mtu", struct mb_net_endpoint, mtu),
	MB_JSON_U32("mtuOut", struct mb_net_endpoint, mtu_out),
	MB_JSON_U32("group", struct mb_net_endpoint, group),
	MB_JSON_BOOL("no_addresses", struct mb_net_endpoint, no_addresses),
	MB_JSON_BOOL("dhcp", struct mb_net_endpoint, dhcp),
	MB_JSON_OBJ("lease", struct mb_net_endpoint, lease, lease_table),
	MB_JSON_BOOL("free6", struct mb_net_endpoint, free6),
	MB_JSON_U32("slot", struct mb_net_endpoint, slot),
	MB_JSON_INT("gw_priority", struct mb_net_endpoint, gw_priority),
	MB_JSON_BOOL("internal", struct mb_net_endpoint, internal),
	MB_JSON_BOOL("isolated", struct mb_net_endpoint, isolated),
	MB_JSON_BOOL("announced", struct mb_net_endpoint, announced),
	MB_JSON_BOOL("on_link", struct mb_net_endpoint, on_link),
	MB_JSON_BOOL("gateway", struct mb_net_endpoint, gateway),
	MB_JSON_BOOL("no_dns", struct mb_net_endpoint, no_dns),
	MB_JSON_BOOL("direct4", struct mb_net_endpoint, direct4),
	MB_JSON_BOOL("direct6", struct mb_net_endpoint, direct6),
	MB_JSON_BOOL("bare4", struct mb_net_endpoint, bare4),
	MB_JSON_BOOL("unmanaged", struct mb_net_endpoint, unmanaged),
	MB_JSON_BOOL("trusting", struct mb_net_endpoint, trusting),
	MB_JSON_BOOL("no_route", struct mb_net_endpoint, no_route),
	MB_JSON_U32("metric", struct mb_net_endpoint, metric),
	MB_JSON_STRV("routes", struct mb_net_endpoint, routes),
	MB_JSON_STRV("dns", struct mb_net_endpoint, dns),
	MB_JSON_STRV("aliases", struct mb_net_endpoint, aliases),
	MB_JSON_STRV("links", struct mb_net_endpoint, links),
	MB_JSON_STRV("names", struct mb_net_endpoint, names),
	MB_JSON_KV("driver_opts", struct mb_net_endpoint, driver_opts),
	MB_JSON_STR("wanted_ip4", struct mb_net_endpoint, wanted_ip4),
	MB_JSON_STR("wanted_ip6", struct mb_net_endpoint, wanted_ip6),
	MB_JSON_END,
};

static const struct mb_json_field binding_table[] = {
	MB_JSON_U32("proto", struct mb_net_binding, proto),
	MB_JSON_U32("port", struct mb_net_binding, port),
	MB_JSON_STR("host_ip", struct mb_net_binding, host_ip, .flags = MB_JSON_REQUIRED),
	MB_JSON_U32("host_port", struct mb_net_binding, host_port),
	MB_JSON_STRV("from", struct mb_net_binding, from),
	MB_JSON_BOOL("relayed", struct mb_net_binding, relayed),
	MB_JSON_END,
};

static const struct mb_json_field opened_table[] = {
	MB_JSON_U32("proto", struct mb_net_opened, proto),
	MB_JSON_U32("port", struct mb_net_opened, port),
	MB_JSON_BOOL("v4", struct mb_net_opened, v4),
	MB_JSON_BOOL("v6", struct mb_net_opened, v6),
	MB_JSON_END,
};

static const struct mb_json_field cni_table[] = {
	MB_JSON_STR("name", struct mb_net_cni, name),
	MB_JSON_STR("conf", struct mb_net_cni, conf),
	MB_JSON_STR("result", struct mb_net_cni, result),
	MB_JSON_END,
};

static const struct mb_json_field guest_table[] = {
	MB_JSON_STR("container", struct mb_net_guest, container),
	MB_JSON_STR("ifname", struct mb_net_guest, ifname),
	MB_JSON_STR("netns", struct mb_net_guest, netns),
	MB_JSON_STR("config", struct mb_net_guest, config),
	MB_JSON_U64("dev", struct mb_net_guest, dev),
	MB_JSON_U64("ino", struct mb_net_guest, ino),
	MB_JSON_BOOL("no_route", struct mb_net_guest, no_route),
	MB_JSON_END,
};

static const struct mb_json_field sandbox_table[] = {
	MB_JSON_STR("container_id", struct mb_net_sandbox, container_id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("container_name", struct mb_net_sandbox, container_name),
	MB_JSON_STR("hostname", struct mb_net_sandbox, hostname),
	MB_JSON_KV("labels", struct mb_net_sandbox, labels),
	MB_JSON_STR("rate", struct mb_net_sandbox, rate),
	MB_JSON_STR("delay", struct mb_net_sandbox, delay),
	MB_JSON_STR("loss", struct mb_net_sandbox, loss),
	MB_JSON_OBJ("cni", struct mb_net_sandbox, cni, cni_table),
	MB_JSON_OBJ("guest", struct mb_net_sandbox, guest, guest_table),
	MB_JSON_LIST("endpoints", struct mb_net_sandbox, endpoints, n_endpoints,
                     struct mb_net_endpoint, endpoint_table),
	MB_JSON_LIST("bindings", struct mb_net_sandbox, bindings, n_bindings, struct mb_net_binding,
                     binding_table),
	MB_JSON_LIST("opened", struct mb_net_sandbox, opened, n_opened, struct mb_net_opened,
                     opened_table),
	MB_JSON_STR("left_network", struct mb_net_sandbox, left_network),
	MB_JSON_STR("left_ip4", struct mb_net_sandbox, left_ip4),
	MB_JSON_STR("left_ip6", struct mb_net_sandbox, left_ip6),
	MB_JSON_BOOL("leaving", struct mb_net_sandbox, leaving),
	MB_JSON_END,
};

void mb_net_endpoint_done(struct mb_net_endpoint *e)
{
	mb_strset(&e->hop6, NULL);
	mb_json_done(endpoint_table, e);
}

void mb_net_sandbox_free(struct mb_net_sandbox *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_endpoints; i++)
		free(s->endpoints[i].hop6);
	mb_json_done(sandbox_table, s);
	for (size_t i = 0; i < s->n_reserved; i++)
		mb_close(&s->reserved[i]);
	free(s->reserved);
	for (size_t i = 0; i < s->n_relays; i++)
		mb_close(&s->relays[i].fd);
	free(s->relays);
	free(s);
}

struct mb_net_endpoint *mb_net_endpoint_find(const struct mb_net_sandbox *s, const char *network_id)
{
	for (size_t i = 0; i < s->n_endpoints; i++)
		if (mb_streq(s->endpoints[i].network_id, network_id))
			return &s->endpoints[i];
	return NULL;
}

int mb_net_record_write(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *body = mb_json_encode(sandbox_table, s);
	MB_AUTO_CLOSE int dir = -1;
	int r;

	r = mb_net_records_dir(net, &dir, err);
	return r ? r : mb_store_doc_write(dir, s->container_id, body, MB_DOC_REPLACE, err);
}

int mb_net_record_remove(struct mb_net *net, const char *container_id, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	int r;

	r = mb_net_records_dir(net, &dir, err);
	if (r)
		return r;
	return mb_sys_tree_remove(dir, container_id, err);
}

/* What becomes a path or a name of the kernel must look like one. */
static int check_record(const struct mb_net_sandbox *s, const char *id, struct mb_err *err)
{
	if (!mb_streq(s->container_id, id))
		return mb_fail(err, EBADMSG, "the network record of '%.12s' is not its own", id);
	if ((s->cni.name && !s->cni.conf) ||
	    (s->guest.container && (!s->guest.ifname || !s->guest.netns || !s->guest.config)))
		return mb_fail(err, EBADMSG, "the network record of '%.12s' is broken", id);
	for (size_t i = 0; i < s->n_endpoints; i++) {
		const struct mb_net_endpoint *e = &s->endpoints[i];

		if (!mb_hex_is_valid(e->network_id, MB_ID_LEN) || !e->host_ifname || !e->ifname ||
		    !e->bridge || strlen(e->host_ifname) >= IFNAMSIZ)
			return mb_fail(err, EBADMSG, "the network record of '%.12s' is broken", id);
	}
	return 0;
}

static int read_record(int dir, const char *id, struct mb_net_sandbox **ret, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = mb_calloc(1, sizeof(*s));
	MB_AUTO(mb_json_free) struct json_object *body = NULL;
	int r;

	r = mb_store_doc_read(dir, id, &body, err);
	/* Another version's says as little as a broken one. */
	if (r == MB_DOC_CORRUPT || r == -EPROTONOSUPPORT)
		return -EBADMSG;
	if (r)
		return r;
	if (mb_json_decode(body, sandbox_table, s, err) < 0 || check_record(s, id, err) < 0)
		return -EBADMSG;
	*ret = mb_take_ptr(&s);
	return 0;
}

int mb_net_sandbox_load(struct mb_net *net, const char *container_id, struct mb_net_sandbox **ret,
                        struct mb_err *err)
{
	struct mb_err told = MB_ERR_INIT;
	MB_AUTO_CLOSE int dir = -1;
	int r;

	r = mb_net_records_dir(net, &dir, err);
	if (r)
		return r;
	r = read_record(dir, container_id, ret, &told);
	if (r == -ENOENT)
		return MB_NET_ABSENT;
	if (r && err)
		*err = told;
	return r;
}

int mb_net_records_walk(struct mb_net *net, mb_net_record_each *each, void *arg, struct mb_err *err)
{
	struct dirent *entry;
	int fd = -1, r;
	DIR *dir;

	r = mb_net_records_dir(net, &fd, err);
	if (r)
		return r;
	dir = mb_dir_take(fd);
	if (!dir)
		return mb_fail_sys(err, errno, "cannot list the network records");
	while (!r && (entry = readdir(dir))) {
		MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
		struct mb_err told = MB_ERR_INIT;

		if (!mb_hex_is_valid(entry->d_name, MB_ID_LEN))
			continue;
		if (read_record(dirfd(dir), entry->d_name, &s, &told) == 0)
			r = each(net, s, arg, err);
		else if (told.code != ENOENT)
			mb_warn("%s", told.msg);
	}
	closedir(dir);
	return r;
}

/* ---- members of a network ------------------------------------------------------------- */

struct gather {
	const char *network_id;
	struct mb_strv ids;
};

static int each_member(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	struct gather *g = arg;

	(void)net;
	(void)err;
	if (mb_net_endpoint_find(s, g->network_id))
		mb_strv_add(&g->ids, s->container_id);
	return 0;
}

int mb_net_members_list(struct mb_net *net, const char *network_id, struct mb_net_members *ret,
                        struct mb_err *err)
{
	struct gather g = {.network_id = network_id};
	struct mb_net_members m = {0};
	int r;

	r = mb_net_records_walk(net, each_member, &g, err);
	if (!r)
		mb_strv_sort(&g.ids);
	m.v = mb_calloc(g.ids.n + 1, sizeof(struct mb_net_sandbox *));
	for (size_t i = 0; !r && i < g.ids.n; i++)
		if (mb_net_sandbox_load(net, g.ids.v[i], &m.v[m.n], NULL) == 0)
			m.n++;
	mb_strv_done(&g.ids);
	if (r) {
		mb_net_members_done(&m);
		return r;
	}
	*ret = m;
	return 0;
}

void mb_net_members_done(struct mb_net_members *members)
{
	for (size_t i = 0; i < members->n; i++)
		mb_net_sandbox_free(members->v[i]);
	free(members->v);
	*members = (struct mb_net_members){0};
}
