/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports of a container, and the Service of the pod's. */
#include "cmd/kube/kube.h"
#include "container/container.h"
#include "core/own.h"
#include "net/port_spec.h"

#define IN "    " /* in front of what belongs to an element of "containers" */

static const char *protocol(uint8_t proto)
{
	const char *name = mb_net_proto_name(proto);

	return mb_streq(name, "udp") ? "UDP" : mb_streq(name, "sctp") ? "SCTP" : "TCP";
}

/* One that several ports of the host lead to, or that two containers have, is one of the Service.
 */
static void serve(struct mb_cmd_kube *k, uint32_t port, uint8_t proto)
{
	MB_AUTO_FREE char *name = mb_asprintf("port-%u-%s", port, mb_net_proto_name(proto));

	if (mb_strv_has(&k->port_names, name))
		return;
	mb_strv_add(&k->port_names, name);
	mb_cmd_kube_put(&k->ports, "  - name", name);
	mb_str_addf(&k->ports, "    port: %u\n    targetPort: %u\n    protocol: %s\n", port, port,
	            protocol(proto));
}

static void put_port(struct mb_cmd_kube *k, const struct mb_net_port_spec *p, uint32_t offset)
{
	uint32_t inside = p->port_lo + offset;
	struct mb_str *out = &k->containers;

	mb_str_addf(out, IN "- containerPort: %u\n", inside);
	if (p->host_lo)
		mb_str_addf(out, IN "  hostPort: %u\n", p->host_lo + offset);
	mb_cmd_kube_put(out, IN "  hostIP", p->host_ip);
	mb_str_addf(out, IN "  protocol: %s\n", protocol(p->proto));
	serve(k, inside, p->proto);
}

void mb_cmd_kube_add_ports(struct mb_cmd_kube *k, const struct mb_container *c)
{
	const struct mb_strv *publish = &c->record->host.publish;

	if (publish->n)
		mb_str_add(&k->containers, IN "ports:\n");
	MB_STRV_FOREACH (text, publish) {
		struct mb_net_port_spec p = {0};

		if (mb_net_port_spec_parse(text, &p, NULL) == 0)
			for (uint32_t i = 0; p.port_lo + i <= p.port_hi; i++)
				put_port(k, &p, i);
		if (p.from.n)
			mb_strv_addf(&k->comments, "container %s: -p %s: from= is a NetworkPolicy",
			             c->record->name, text);
		mb_net_port_spec_done(&p);
	}
}

/* A cluster refuses one without ports. */
void mb_cmd_kube_put_service(const struct mb_cmd_kube *k, struct mb_str *out)
{
	if (!k->ports.len)
		return;
	mb_str_add(out, "---\napiVersion: v1\nkind: Service\nmetadata:\n");
	mb_cmd_kube_put(out, "  name", k->name);
	mb_str_add(out, "spec:\n  selector:\n");
	mb_cmd_kube_put(out, "    app", k->name);
	mb_str_addf(out, "  ports:\n%s", mb_str_text(&k->ports));
}
