/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/id.h"
#include "core/io.h"
#include "core/str.h"
#include "net/endpoint.h"
#include "net/handle.h"
#include "net/overlay.h"
#include "nl/route.h"

enum {
	TRIES = 16,
	PEER_INDEX_FIRST = 100, /* above the fallback interfaces a new namespace may have */
	PEER_INDEX_STEP = 1000, /* per try */
};

/* Where bridged frames pass iptables' hooks too, what a container sends to its own published
 * port turns round inside the bridge. */
bool mb_net_hairpin_is_needed(void)
{
	static const char *const switches[] = {"/proc/sys/net/bridge/bridge-nf-call-iptables",
	                                       "/proc/sys/net/bridge/bridge-nf-call-ip6tables"};
	char now[8];

	for (size_t i = 0; i < MB_N(switches); i++)
		if (mb_read_kernel_file(AT_FDCWD, switches[i], now, sizeof(now)) == 0 &&
		    mb_streq(now, "1"))
			return true;
	return false;
}

static int try_attach(struct mb_net *net, const struct mb_net_endpoint *e, bool hairpin,
                      const struct mb_nl_veth *v, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

	mb_nl_veth_add(&b, v);
	if (v->master && (hairpin || e->isolated))
		mb_nl_port_set(&b, v->index, hairpin, e->isolated);
	return mb_nl_send(&net->route, &b, NULL, err);
}

/* The name is that of a life before, whose namespace is still being taken down: waiting for that
 * takes 50 ms, another name none.  mb0123456789, mb0123456789-, mb0123456789-1 for eth1, ... */
static bool choose_other_name(struct mb_net_endpoint *e)
{
	static const char separators[] = ".-_+";
	char now =
		strlen(e->host_ifname) > MB_NET_LINK_STEM ? e->host_ifname[MB_NET_LINK_STEM] : '.';
	const char *next = strchr(separators, now) + 1;
	MB_AUTO_FREE char *stem = mb_strndup(e->host_ifname, MB_NET_LINK_STEM);

	if (!*next)
		return false;
	free(e->host_ifname);
	e->host_ifname = e->slot ? mb_asprintf("%s%c%u", stem, *next, e->slot)
	                         : mb_asprintf("%s%c", stem, *next);
	return true;
}

static int finish_routed(struct mb_net *net, struct mb_net_endpoint *e, int index,
                         struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	int r = mb_net_doc_read(net, e->network_id, &n, err);

	return r ? r : mb_net_routed_up(net, n, e, index, err);
}

static void remove_stale(struct mb_net *net, const char *name)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

	mb_nl_link_del(&b, 0, name);
	(void)mb_nl_send(&net->route, &b, NULL, NULL);
}

/* Up again, if somebody removed it. */
static int revive(struct mb_net *net, const char *network_id, int *ret_index, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO_CLOSE int lock = -1;
	int r;

	r = mb_net_networks_lock(net, true, &lock, err);
	if (!r)
		r = mb_net_doc_read(net, network_id, &n, err);
	return r ? r : mb_net_bridge_up(net, n, true, ret_index, err);
}

/* A bridge of the host's own may take the least address of its ports: none of ours. */
static void choose_high_mac(uint8_t mac[MB_NET_MAC_BYTES])
{
	mb_random(mac, MB_NET_MAC_BYTES);
	mac[0] = 0xfe;
}

int mb_net_link_attach(struct mb_net *net, struct mb_net_endpoint *e, bool hairpin, int netns_fd,
                       int *ret_index, struct mb_err *err)
{
	struct mb_nl_veth v = {.name = e->host_ifname,
	                       .mtu = e->mtu,
	                       .peer_name = e->ifname,
	                       .peer_netns_fd = netns_fd};
	uint8_t mac[MB_NET_MAC_BYTES], high[MB_NET_MAC_BYTES];
	bool revived = false, routed = mb_net_policy_is_on(net, e->network_id);
	int bridge = mb_net_bridge_index(net, e->network_id), r = -EBUSY;

	if (mb_net_is_upper(e->driver)) {
		r = mb_net_upper_attach(net, e, netns_fd, ret_index, err);
		return r ? mb_wrap(err, r, "cannot connect to network %s", e->network) : 0;
	}
	if (e->mac && mb_net_mac_parse(e->mac, mac) == 0)
		v.peer_mac = mac;
	if (e->bare4) {
		choose_high_mac(high);
		v.mac = high;
	}
	v.group = e->unmanaged ? 0 : mb_net_endpoint_group(e);
	for (unsigned int i = 0; i < TRIES; i++) {
		if (!bridge) {
			r = revive(net, e->network_id, &bridge, err);
			if (r)
				break;
			revived = true;
		}
		v.master = routed ? 0 : bridge;
		v.index = mb_net_index_make(e->id, i);
		v.peer_index = (int)(PEER_INDEX_FIRST + e->slot + i * PEER_INDEX_STEP);
		r = try_attach(net, e, hairpin, &v, err);
		if (r == -EEXIST) {
			if (!choose_other_name(e))
				remove_stale(net, e->host_ifname);
			v.name = e->host_ifname;
		}
		if (r == 0)
			break;
		if ((r == -ENODEV || r == -EINVAL) && !revived)
			bridge = 0;
		else if (r != -EBUSY && r != -EEXIST)
			break;
	}
	if (r == -EXFULL)
		return mb_fail(err, EXFULL, "network %s is full: a bridge takes 1023 containers",
		               e->network);
	if (!r && routed)
		r = finish_routed(net, e, v.index, err);
	if (r)
		return mb_wrap(err, r, "cannot connect to network %s", e->network);
	mb_net_overlay_announce(net, e, bridge, v.index);
	*ret_index = v.peer_index;
	return 0;
}
