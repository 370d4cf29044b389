/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drivers of networks and the options that each takes. */
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/overlay.h"

#define DOCKER "com.docker.network."
enum { MTU_MIN = 68, MTU_MAX = 65535, VLAN_MIN = 1, VLAN_MAX = 4094 };
enum driver { BRIDGE = 1, MACVLAN = 2, IPVLAN = 4, OVERLAY = 8, UPPER = MACVLAN | IPVLAN };

static const struct {
	const char *name;
	enum driver driver;
} drivers[] = {{"bridge", BRIDGE}, {"macvlan", MACVLAN}, {"ipvlan", IPVLAN}, {"overlay", OVERLAY}};

static enum driver driver_of(const char *name)
{
	for (size_t i = 0; i < MB_N(drivers); i++)
		if (mb_streq(drivers[i].name, name))
			return drivers[i].driver;
	return 0;
}

bool mb_net_is_upper(const char *driver)
{
	return driver && (driver_of(driver) & UPPER);
}

bool mb_net_is_overlay(const char *driver)
{
	return driver && driver_of(driver) == OVERLAY;
}

int mb_net_driver_check(const char *name, struct mb_err *err)
{
	if (!name || !*name || driver_of(name))
		return 0;
	if (mb_streq(name, "host") || mb_streq(name, "null") || mb_streq(name, "none"))
		return mb_fail(err, EPERM, "only one instance of '%s' network is allowed", name);
	return mb_fail(err, ENOENT, "network driver '%s' not found", name);
}

/* ---- one function an option ------------------------------------------------------------ */

static int set_name(struct mb_net_network *n, const char *value)
{
	if (!mb_net_ifname_is_valid(value))
		return -EINVAL;
	mb_strset(&n->bridge, value);
	return 0;
}

static int set_parent(struct mb_net_network *n, const char *value)
{
	if (!mb_net_ifname_is_valid(value))
		return -EINVAL;
	mb_strset(&n->parent, value);
	return 0;
}

static int set_mtu(struct mb_net_network *n, const char *value)
{
	uint32_t mtu;

	if (mb_streq(value, "auto") && driver_of(n->driver) == BRIDGE) {
		if (!n->mtu_out)
			mb_net_network_jumbo(n);
		return 0;
	}
	if (mb_parse_u32(value, &mtu) < 0 || (mtu && (mtu < MTU_MIN || mtu > MTU_MAX)))
		return -EINVAL;
	n->mtu = mtu;
	n->mtu_out = 0;
	return 0;
}

static int set_icc(struct mb_net_network *n, const char *value)
{
	return mb_parse_bool(value, &n->icc);
}

static int set_masquerade(struct mb_net_network *n, const char *value)
{
	return mb_parse_bool(value, &n->masquerade);
}

/* podman's: networks are apart from each other here, but for those that say false. */
static int set_isolate(struct mb_net_network *n, const char *value)
{
	bool is_on = true;

	if (!mb_streq(value, "strict") && mb_parse_bool(value, &is_on) < 0)
		return -EINVAL;
	n->loose = !is_on;
	return 0;
}

/* podman's: the bridge is the host's own, and so is what it has there. */
static int set_managed(struct mb_net_network *n, const char *value)
{
	n->unmanaged = mb_streq(value, "unmanaged");
	if (n->unmanaged)
		n->bare4 = n->bare6 = true;
	return n->unmanaged || mb_streq(value, "managed") ? 0 : -EINVAL;
}

/* The gateway's address is somebody else's. */
static int set_inhibit(struct mb_net_network *n, const char *value)
{
	bool is_on;

	if (mb_parse_bool(value, &is_on) < 0)
		return -EINVAL;
	n->bare4 = n->bare4 || is_on;
	return 0;
}

static int set_no_route(struct mb_net_network *n, const char *value)
{
	return mb_parse_bool(value, &n->no_route);
}

static int set_metric(struct mb_net_network *n, const char *value)
{
	return mb_parse_u32(value, &n->metric);
}

static int set_vrf(struct mb_net_network *n, const char *value)
{
	if (!mb_net_ifname_is_valid(value))
		return -EINVAL;
	mb_strset(&n->vrf, value);
	return 0;
}

static int set_vlan(struct mb_net_network *n, const char *value)
{
	if (mb_parse_u32(value, &n->vlan) < 0)
		return -EINVAL;
	return n->vlan >= VLAN_MIN && n->vlan <= VLAN_MAX ? 0 : -EINVAL;
}

static int set_host_address_of(char **slot, int family, const char *value)
{
	char buf[MB_NET_ADDR_TEXT];
	struct mb_net_addr a;

	if (mb_net_addr_parse(value, &a) < 0 || a.family != family || mb_net_addr_is_any(&a))
		return -EINVAL;
	mb_strset(slot, mb_net_addr_format(&a, buf));
	return 0;
}

static int set_host_ip4(struct mb_net_network *n, const char *value)
{
	return set_host_address_of(&n->host_ip4, AF_INET, value);
}

static int set_host_ip6(struct mb_net_network *n, const char *value)
{
	return set_host_address_of(&n->host_ip6, AF_INET6, value);
}

/* docker's four: what containers of a network are to those outside, one flag each. */
struct gateway_mode {
	bool *direct, *exposed, *bare;
};

static int set_gateway_mode(const struct mb_net_network *n, const struct gateway_mode *m,
                            const char *value)
{
	bool isolated = mb_streq(value, "isolated");

	*m->direct = mb_streq(value, "routed");
	*m->exposed = mb_streq(value, "nat-unprotected");
	if (isolated && !n->internal)
		return -EPERM;
	if (isolated)
		*m->bare = true;
	return *m->direct || *m->exposed || isolated || mb_streq(value, "nat") ? 0 : -EINVAL;
}

static int set_gateway_mode4(struct mb_net_network *n, const char *value)
{
	const struct gateway_mode m = {&n->direct4, &n->exposed4, &n->bare4};

	return set_gateway_mode(n, &m, value);
}

static int set_gateway_mode6(struct mb_net_network *n, const char *value)
{
	const struct gateway_mode m = {&n->direct6, &n->exposed6, &n->bare6};

	return set_gateway_mode(n, &m, value);
}

static int set_host_binding(struct mb_net_network *n, const char *value)
{
	struct mb_net_addr a;

	if (mb_net_addr_parse(value, &a) < 0 || a.family != AF_INET)
		return -EINVAL;
	mb_strset(&n->host_binding, value);
	return 0;
}

/* Names with colons between, of interfaces that need not be there yet. */
static int set_trusted(struct mb_net_network *n, const char *value)
{
	while (*value) {
		size_t len = strcspn(value, ":");
		MB_AUTO_FREE char *name = mb_strndup(value, len);

		if (!mb_net_ifname_is_valid(name))
			return -EINVAL;
		if (!mb_strv_has(&n->trusted, name))
			mb_strv_add(&n->trusted, name);
		value += len + (value[len] == ':');
	}
	return 0;
}

/* A prefix that leaves room for a number. */
static int check_iface_prefix(struct mb_net_network *n, const char *value)
{
	(void)n;
	return mb_net_ifname_is_valid(value) && strlen(value) <= IFNAMSIZ - 4 ? 0 : -EINVAL;
}

struct word {
	const char *text;
	uint32_t value;
};

static int set_word(const struct word *words, size_t n, const char *value, uint32_t *ret)
{
	for (size_t i = 0; i < n; i++)
		if (mb_streq(words[i].text, value)) {
			*ret = words[i].value;
			return 0;
		}
	return -EINVAL;
}

static int set_macvlan_mode(struct mb_net_network *n, const char *value)
{
	static const struct word words[] = {{"bridge", MACVLAN_MODE_BRIDGE},
	                                    {"private", MACVLAN_MODE_PRIVATE},
	                                    {"vepa", MACVLAN_MODE_VEPA},
	                                    {"passthru", MACVLAN_MODE_PASSTHRU}};

	return set_word(words, MB_N(words), value, &n->mode);
}

static int set_ipvlan_mode(struct mb_net_network *n, const char *value)
{
	static const struct word words[] = {
		{"l2", IPVLAN_MODE_L2}, {"l3", IPVLAN_MODE_L3}, {"l3s", IPVLAN_MODE_L3S}};

	return set_word(words, MB_N(words), value, &n->mode);
}

static int set_ipvlan_flag(struct mb_net_network *n, const char *value)
{
	static const struct word words[] = {
		{"bridge", 0}, {"private", IPVLAN_F_PRIVATE}, {"vepa", IPVLAN_F_VEPA}};

	return set_word(words, MB_N(words), value, &n->mode_flags);
}

/* An address for the host, which could not reach its own macvlan containers otherwise. */
static int set_host_address(struct mb_net_network *n, const char *value)
{
	struct mb_net_addr a;
	char name[IFNAMSIZ];

	if (mb_net_addr_parse(value, &a) < 0 || a.family != AF_INET)
		return -EINVAL;
	mb_net_network_names(n->id, name);
	mb_strset(&n->bridge, name);
	return 0;
}

static const struct {
	const char *key;
	unsigned int drivers;
	int (*set)(struct mb_net_network *n, const char *value);
} options[] = {
	{MB_NET_OPTION_BRIDGE, BRIDGE, set_name},
	{DOCKER "bridge.enable_icc", BRIDGE | OVERLAY, set_icc},
	{DOCKER "bridge.enable_ip_masquerade", BRIDGE | OVERLAY, set_masquerade},
	{DOCKER "bridge.gateway_mode_ipv4", BRIDGE, set_gateway_mode4},
	{DOCKER "bridge.gateway_mode_ipv6", BRIDGE, set_gateway_mode6},
	{DOCKER "bridge.host_binding_ipv4", BRIDGE | OVERLAY, set_host_binding},
	{DOCKER "bridge.inhibit_ipv4", BRIDGE, set_inhibit},
	{DOCKER "bridge.trusted_host_interfaces", BRIDGE, set_trusted},
	{DOCKER "host_ipv4", BRIDGE, set_host_ip4},
	{DOCKER "host_ipv6", BRIDGE, set_host_ip6},
	{"isolate", BRIDGE, set_isolate},
	{"mode", BRIDGE, set_managed},
	{"no_default_route", BRIDGE | UPPER, set_no_route},
	{"metric", BRIDGE | UPPER, set_metric},
	{"vlan", BRIDGE, set_vlan},
	{"vrf", BRIDGE, set_vrf},
	{DOCKER "container_iface_prefix", BRIDGE | OVERLAY | UPPER, check_iface_prefix},
	{DOCKER "driver.mtu", BRIDGE | OVERLAY | UPPER, set_mtu},
	{"mtu", BRIDGE | OVERLAY | UPPER, set_mtu},
	{"parent", UPPER, set_parent},
	{"macvlan_mode", MACVLAN, set_macvlan_mode},
	{"ipvlan_mode", IPVLAN, set_ipvlan_mode},
	{"ipvlan_flag", IPVLAN, set_ipvlan_flag},
	{MB_NET_OPTION_HOST_ADDRESS, MACVLAN, set_host_address},
};

static int set_value(struct mb_net_network *n, const struct mb_kv_pair *pair,
                     int (*set)(struct mb_net_network *n, const char *value), struct mb_err *err)
{
	int r = set(n, pair->value);

	if (r == -EOPNOTSUPP)
		return mb_fail(err, EOPNOTSUPP, "value '%s' of option '%s' is not supported",
		               pair->value, pair->key);
	if (r == -EPERM)
		return mb_fail(err, EINVAL,
		               "value '%s' of option '%s' is for internal networks alone "
		               "(--internal)",
		               pair->value, pair->key);
	return r < 0 ? mb_fail(err, EINVAL, "invalid value '%s' of option '%s'", pair->value,
	                       pair->key)
	             : 0;
}

static int set_option(struct mb_net_network *n, const struct mb_kv_pair *pair, struct mb_err *err)
{
	enum driver driver = driver_of(n->driver);

	/* podman's one word for both. */
	if (mb_streq(pair->key, "mode") && (driver & UPPER)) {
		if ((driver == MACVLAN ? set_macvlan_mode : set_ipvlan_mode)(n, pair->value) == 0)
			return 0;
		return mb_fail(err, EINVAL, "invalid value '%s' of option 'mode'", pair->value);
	}
	for (size_t i = 0; i < MB_N(options); i++) {
		if (!mb_streq(pair->key, options[i].key) || !(options[i].drivers & driver))
			continue;
		return set_value(n, pair, options[i].set, err);
	}
	if (driver == OVERLAY)
		return mb_net_overlay_option(n, pair->key, pair->value, err);
	return mb_fail(err, EOPNOTSUPP, "option '%s' is not supported by the %s driver", pair->key,
	               n->driver);
}

static int check_unmanaged(struct mb_net_network *n, struct mb_err *err)
{
	/* What comes by a VRF is no network's for the firewall, which then lets it pass. */
	if (n->vrf && !n->unmanaged)
		return mb_fail(err, EOPNOTSUPP,
		               "option 'vrf' is for a bridge of the host's own, which is in the "
		               "VRF: -o mode=unmanaged --interface-name NAME");
	if (!n->unmanaged)
		return 0;
	if (!mb_kv_find(&n->options, MB_NET_OPTION_BRIDGE))
		return mb_fail(err, EINVAL,
		               "mode=unmanaged wants a bridge of the host: --interface-name NAME");
	if (n->vlan)
		return mb_fail(err, EINVAL,
		               "options 'mode=unmanaged' and 'vlan' exclude each other: the "
		               "VLANs of the host's bridge are the host's");
	if (n->internal)
		return mb_fail(err, EINVAL,
		               "--internal and mode=unmanaged exclude each other: whom containers "
		               "reach on the host's bridge is not ours to say");
	/* Not all of its neighbours are ours, who would take longer packets. */
	if (n->mtu_out) {
		n->mtu = n->mtu_out;
		n->mtu_out = 0;
	}
	return 0;
}

int mb_net_options_set(struct mb_net_network *n, struct mb_err *err)
{
	int r = 0;

	if (mb_streq(n->driver, "macvlan"))
		n->mode = MACVLAN_MODE_BRIDGE;
	MB_KV_FOREACH (pair, &n->options)
		r = r ? r : set_option(n, pair, err);
	if (!r)
		r = check_unmanaged(n, err);
	if (!r && mb_net_is_upper(n->driver) && !n->parent)
		return mb_fail(err, EINVAL,
		               "the %s driver wants an interface of the host: -o parent=NAME",
		               n->driver);
	return r;
}
