/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to a container on another host: as far as this host can see, which is its own end. */
#include <errno.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/overlay.h"
#include "net/overlay_lead.h"
#include "net/overlay_wire.h"
#include "net/walk_priv.h"
#include "nl/wireguard.h"

static bool is_it(const struct mb_net_way *w, const struct mb_net_remote *r,
                  const struct mb_strv *ids)
{
	struct mb_net_addr ip;
	const char *texts[] = {r->ip, r->ip6};

	if (ids)
		return mb_strv_has(ids, r->id);
	for (size_t i = 0; i < MB_N(texts); i++)
		if (texts[i] && mb_net_addr_parse(texts[i], &ip) == 0 &&
		    mb_net_addr_equal(&ip, &w->dst))
			return true;
	return false;
}

static bool take_from(struct mb_net_way *w, const struct mb_net_endpoint *e,
                      const struct mb_strv *ids)
{
	for (size_t i = 0; i < w->remotes.n; i++) {
		const struct mb_net_remote *r = &w->remotes.v[i];

		if (!is_it(w, r, ids) || !e->ip4 || mb_net_addr_parse(e->ip4, &w->from.addr) < 0)
			continue;
		if (ids && mb_net_addr_parse(r->ip, &w->dst) < 0)
			continue;
		w->from.e = e;
		w->remote = r;
		w->kind = MB_NET_WAY_REMOTE;
		return true;
	}
	return false;
}

bool mb_net_way_choose_remote(struct mb_net_way *w, const struct mb_strv *ids)
{
	const struct mb_net_sandbox *s = w->from.record;

	for (size_t i = 0; i < s->n_endpoints; i++) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;

		if (!mb_net_is_overlay(s->endpoints[i].driver) ||
		    mb_net_doc_read(w->net, s->endpoints[i].network_id, &n, NULL) < 0)
			continue;
		mb_net_remotes_done(&w->remotes);
		if (mb_net_remotes_load(w->net, n, &w->remotes, NULL) == 0 &&
		    take_from(w, &s->endpoints[i], ids))
			return true;
	}
	return false;
}

/* Other hosts may know less of us than we of them, while the store does not answer. */
static int check_store(struct mb_net_way *w, struct mb_err *err)
{
	struct mb_net_lead_status s = {0};
	int r = mb_net_lead_status_load(w->net, w->network->id, &s, err);

	if (r == MB_NET_ABSENT) {
		mb_net_way_fault(w, "store", "nobody on this host leads for network '%s'",
		                 w->network->name);
		mb_net_way_mend(w, "mybox restart %s", mb_net_way_from(w));
	} else if (!r && !s.online) {
		mb_net_way_fault(w, "store", "the store of network '%s' does not answer: %s",
		                 w->network->name, s.fault ? s.fault : "");
		mb_net_way_mend(w, "see that a member runs that this host can reach");
	} else if (!r && s.policy) {
		mb_net_way_fault(w, "store",
		                 "this host does not do as the policy of network '%s' says: %s",
		                 w->network->name, s.policy);
		mb_net_way_mend(w, "see that all hosts have one version of mybox");
	} else if (!r) {
		mb_net_way_ok(w, "store", "%s answers", s.member ? s.member : "a member");
	}
	mb_net_lead_status_done(&s);
	return r > 0 ? 0 : r;
}

/* What encrypts: the way is to where the other host was heard, or said it was, from here on.
 * Return: 0 and *@vtep; 1: told a fault; or -errno. */
static int check_wire(struct mb_net_way *w, struct mb_net_addr *vtep, struct mb_err *err)
{
	struct mb_nl_wg_peer peer;
	char text[MB_NET_ADDR_TEXT];
	int64_t age;
	int r = mb_net_wire_find(w->net, w->network, vtep, &peer, err);

	if (r < 0)
		return r;
	if (r == MB_NET_ABSENT || !peer.family) {
		mb_net_way_fault(w, "wireguard", "this host does not know the key of host %s",
		                 w->remote->host);
		mb_net_way_mend(w, "see that both hosts reach the store: mybox system info");
		return 1;
	}
	vtep->family = peer.family;
	memcpy(vtep->b, peer.addr, sizeof(vtep->b));
	mb_net_addr_format(vtep, text);
	/* It asks for an answer before anything goes, and again and again. */
	age = peer.handshake ? mb_now_nsec() / MB_NSEC_PER_SEC - peer.handshake : 0;
	if (peer.handshake ? age > MB_NET_WIRE_SILENT_SEC : peer.sent) {
		MB_AUTO_FREE char *since =
			age ? mb_asprintf("not answered for %lld s", (long long)age)
			    : mb_strdup("never answered");

		mb_net_way_fault(w, "wireguard", "host %s has %s at %s, UDP port %u",
		                 w->remote->host, since, text, peer.port);
		mb_net_way_mend(w, "see that nothing between the hosts drops UDP port %u",
		                peer.port);
		return 1;
	}
	mb_net_way_ok(w, "wireguard", "host %s is at %s, UDP port %u, %s", w->remote->host, text,
	              peer.port, peer.handshake ? "and has answered" : "and was not spoken to");
	return 0;
}

int mb_net_way_tunnel(struct mb_net_way *w, struct mb_err *err)
{
	MB_AUTO_FREE char *why = NULL;
	struct mb_net_addr vtep;
	struct mb_nl_way way;
	int no_route = 0, r;

	r = mb_net_doc_read(w->net, w->from.e->network_id, &w->network, err);
	if (r)
		return r;
	why = mb_net_overlay_fault(w->net, w->network);
	if (why) {
		mb_net_way_fault(w, "tunnel", "%s", why);
		mb_net_way_mend(w, "mybox network reload");
		return 0;
	}
	if (mb_net_addr_parse(w->remote->vtep, &vtep) < 0)
		return mb_fail(err, EBADMSG, "host %s has no address", w->remote->host);
	if (w->network->overlay.encrypted) {
		r = check_wire(w, &vtep, err);
		if (r)
			return r < 0 ? r : 0;
	}
	r = mb_nl_route_get(&w->net->route, vtep.family, vtep.b, &way, &no_route, err);
	if (r == MB_NL_ABSENT) {
		char text[MB_NET_ADDR_TEXT];

		mb_net_addr_format(&vtep, text);
		mb_net_way_fault(w, "tunnel", "this host has no route to host %s (%s)",
		                 w->remote->host, text);
		mb_net_way_mend(w, "ip route get %s", text);
		return 0;
	}
	if (r)
		return r;
	mb_net_way_ok(w, "tunnel", "%s is on host %s, by the tunnel to %s", w->remote->name,
	              w->remote->host, w->remote->vtep);
	return check_store(w, err);
}
