/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container/start_parts.h"
#include "core/err.h"
#include "core/str.h"
#include "net/network_spec.h"
#include "net/port_spec.h"

struct wanted {
	struct mb_net_network_spec *networks;
	size_t n_networks;
	struct mb_net_port_spec *ports;
	size_t n_ports;
};

static void wanted_done(struct wanted *w)
{
	for (size_t i = 0; i < w->n_networks; i++)
		mb_net_network_spec_done(&w->networks[i]);
	for (size_t i = 0; i < w->n_ports; i++)
		mb_net_port_spec_done(&w->ports[i]);
	free(w->networks);
	free(w->ports);
}

static bool is_published(const struct wanted *w, const struct mb_net_port_spec *port)
{
	for (size_t i = 0; i < w->n_ports; i++)
		if (w->ports[i].proto == port->proto && w->ports[i].port_lo <= port->port_lo &&
		    w->ports[i].port_hi >= port->port_lo)
			return true;
	return false;
}

static int read_record(const struct mb_container_record *record, struct wanted *w,
                       struct mb_err *err)
{
	const struct mb_strv *exposed = &record->config.exposed_ports;
	int r = 0;

	for (size_t i = 0; r == 0 && i < record->networks.n; i++)
		r = mb_net_network_spec_parse(
			record->networks.v[i],
			mb_container_append(&w->networks, &w->n_networks, sizeof(*w->networks)),
			err);
	for (size_t i = 0; r == 0 && i < record->host.publish.n; i++)
		r = mb_net_port_spec_parse(
			record->host.publish.v[i],
			mb_container_append(&w->ports, &w->n_ports, sizeof(*w->ports)), err);
	/* -P: every exposed port that -p does not name. */
	for (size_t i = 0; r == 0 && record->host.publish_all && i < exposed->n; i++) {
		struct mb_net_port_spec port = {0};

		r = mb_net_expose_parse(exposed->v[i], &port, err);
		if (r == 0 && !is_published(w, &port))
			*(struct mb_net_port_spec *)mb_container_append(&w->ports, &w->n_ports,
			                                                sizeof(port)) = port;
	}
	return r;
}

int mb_container_network_prepare(struct mb_container *c, struct mb_net *net,
                                 struct mb_net_sandbox **ret, struct mb_err *err)
{
	const char *mode = c->record->host.network_mode;
	__attribute__((cleanup(wanted_done))) struct wanted w = {0};
	struct mb_net_request request = {
		.container_id = c->id,
		.container_name = mb_container_name(c),
		.hostname = c->record->config.hostname,
		.labels = &c->record->config.labels,
		.cni = mb_skip_prefix(mode, "cni:"),
		.again = c->state.has_exit,
		.rate = c->record->host.net_rate,
		.delay = c->record->host.net_delay,
		.loss = c->record->host.net_loss,
	};
	int r;

	*ret = NULL;
	if (mb_streq(mode, "host") || mb_starts_with(mode, "container:") ||
	    mb_starts_with(mode, "ns:"))
		return 0;
	r = read_record(c->record, &w, err);
	if (r < 0)
		return r;
	request.networks = w.networks;
	request.n_networks = w.n_networks;
	request.ports = w.ports;
	request.n_ports = w.n_ports;
	request.before = c->before;
	r = mb_net_sandbox_prepare(net, &request, ret, err);
	return r > 0 ? -ENOENT : r;
}

void mb_container_ports_fill(struct mb_container_run *run, const struct mb_net_sandbox *sandbox)
{
	for (size_t i = 0; sandbox && i < sandbox->n_bindings; i++) {
		const struct mb_net_binding *b = &sandbox->bindings[i];
		struct mb_container_published *p =
			mb_container_append(&run->ports, &run->n_ports, sizeof(*p));

		p->container_port = mb_asprintf("%u/%s", b->port, mb_net_proto_name(b->proto));
		p->host_ip = mb_strdup(b->host_ip);
		p->host_port = mb_asprintf("%u", b->host_port);
	}
}

void mb_container_ports_free(struct mb_container_run *run)
{
	for (size_t i = 0; i < run->n_ports; i++) {
		free(run->ports[i].container_port);
		free(run->ports[i].host_ip);
		free(run->ports[i].host_port);
	}
	free(run->ports);
	run->ports = NULL;
	run->n_ports = 0;
}
