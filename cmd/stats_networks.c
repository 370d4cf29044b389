/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/stats_networks.h"

#include <stdlib.h>

#include "container/container.h"
#include "container/life.h"
#include "container/stats.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "net/net.h"
#include "json/json.h"

const struct mb_format_column mb_cmd_endpoint_columns[] = {
	{"ID", "CONTAINER ID", false},
	{"Name", "NAME", false},
	{"Network", "NETWORK", false},
	{"Interface", "INTERFACE", false},
	{"NetIO", "NET I/O", false},
	{"Packets", "PACKETS", false},
	{"Errors", "ERRORS", false},
	{"Dropped", "DROPPED", false},
	{"RxBytes", "RX BYTES", true},
	{"TxBytes", "TX BYTES", true},
	{"RxPackets", "RX PACKETS", true},
	{"TxPackets", "TX PACKETS", true},
	{"RxErrors", "RX ERRORS", true},
	{"TxErrors", "TX ERRORS", true},
	{"RxDropped", "RX DROPPED", true},
	{"TxDropped", "TX DROPPED", true},
	{NULL, NULL, false},
};

/* Received and sent: the pair for people, both numbers for programs. */
static void set_counts(struct json_object *row, const char *pair, const char *what, uint64_t rx,
                       uint64_t tx)
{
	MB_AUTO_FREE char *text =
		mb_asprintf("%llu / %llu", (unsigned long long)rx, (unsigned long long)tx);
	MB_AUTO_FREE char *rx_key = mb_asprintf("Rx%s", what), *tx_key = mb_asprintf("Tx%s", what);
	char a[MB_FORMAT_HUMAN_TEXT], b[MB_FORMAT_HUMAN_TEXT];

	if (mb_streq(what, "Bytes")) {
		free(text);
		text = mb_asprintf("%s / %s", mb_format_size_short((double)rx, a),
		                   mb_format_size_short((double)tx, b));
	}
	mb_json_set_str(row, pair, text);
	mb_json_set_i64(row, rx_key, (int64_t)rx);
	mb_json_set_i64(row, tx_key, (int64_t)tx);
}

const char *mb_cmd_endpoint_network(const struct mb_net_sandbox *s, const char *interface)
{
	for (size_t i = 0; s && i < s->n_endpoints; i++)
		if (mb_streq(s->endpoints[i].ifname, interface))
			return s->endpoints[i].network;
	return "";
}

static struct json_object *make_row(const struct mb_container *c,
                                    const struct mb_container_interface *i, const char *network,
                                    bool whole)
{
	MB_AUTO_FREE char *id = whole ? mb_strdup(c->id) : mb_format_short_id(c->id);
	struct json_object *row = mb_json_new_object();

	mb_json_set_str(row, "ID", id);
	mb_json_set_str(row, "Name", mb_container_name(c));
	mb_json_set_str(row, "Network", network);
	mb_json_set_str(row, "Interface", i->name);
	set_counts(row, "NetIO", "Bytes", i->rx_bytes, i->tx_bytes);
	set_counts(row, "Packets", "Packets", i->rx_packets, i->tx_packets);
	set_counts(row, "Errors", "Errors", i->rx_errors, i->tx_errors);
	set_counts(row, "Dropped", "Dropped", i->rx_dropped, i->tx_dropped);
	return row;
}

int mb_cmd_endpoint_rows(struct mb_format_list *list, struct mb_container *c,
                         const struct mb_container_sample *sample, bool whole, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *sandbox = NULL;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r = 0;

	mb_net_new(c->store, &net);
	(void)mb_net_sandbox_load(net, c->id, &sandbox, NULL);
	for (size_t i = 0; r == 0 && i < sample->n_interfaces; i++) {
		const char *name = sample->interfaces[i].name;
		MB_AUTO(mb_json_free)
		struct json_object *row = make_row(c, &sample->interfaces[i],
		                                   mb_cmd_endpoint_network(sandbox, name), whole);

		r = mb_format_list_add(list, row, err);
	}
	return r;
}
