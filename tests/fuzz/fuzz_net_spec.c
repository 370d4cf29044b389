/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "net/addr.h"
#include "net/host_spec.h"
#include "net/network_spec.h"
#include "net/port_spec.h"
#include "net/shape.h"

static void addresses(const char *text)
{
	char buf[MB_NET_ADDR_TEXT];
	struct mb_net_addr a, b;
	struct mb_net_prefix p, q;

	if (mb_net_addr_parse(text, &a) == 0) {
		FUZZ_CHECK(mb_net_addr_parse(mb_net_addr_format(&a, buf), &b) == 0);
		FUZZ_CHECK(mb_net_addr_equal(&a, &b));
	}
	if (mb_net_prefix_parse(text, &p) == 0) {
		FUZZ_CHECK(mb_net_prefix_parse(mb_net_prefix_format(&p, buf), &q) == 0);
		FUZZ_CHECK(mb_net_prefix_has(&q, &p.addr) && p.bits == q.bits);
	}
}

static void shapes(const char *text)
{
	struct mb_net_shape s;

	if (mb_net_shape_parse(text, NULL, NULL, &s, NULL) == 0)
		FUZZ_CHECK(s.rate && s.rate <= 125000000000ull && !s.delay && !s.loss);
	if (mb_net_shape_parse(NULL, text, NULL, &s, NULL) == 0)
		FUZZ_CHECK(s.delay >= s.jitter && s.jitter >= 0 && !s.rate);
	if (mb_net_shape_parse(NULL, NULL, text, &s, NULL) == 0)
		FUZZ_CHECK(!s.rate && !s.delay);
}

/* -p, --expose, --network, --add-host, --net-rate and its kin, addresses. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct mb_net_port_spec port = {0};
	struct mb_net_network_spec network = {0};
	struct mb_net_host_spec host = {0};

	if (mb_net_port_spec_parse(text, &port, NULL) == 0) {
		FUZZ_CHECK(port.port_lo && port.port_lo <= port.port_hi);
		FUZZ_CHECK(port.host_lo <= port.host_hi && mb_net_proto_name(port.proto));
		mb_net_port_spec_done(&port);
	}
	if (mb_net_expose_parse(text, &port, NULL) == 0) {
		FUZZ_CHECK(port.port_lo && port.port_lo <= port.port_hi);
		mb_net_port_spec_done(&port);
	}
	if (mb_net_network_spec_parse(text, &network, NULL) == 0) {
		FUZZ_CHECK(network.name && *network.name);
		mb_net_network_spec_done(&network);
	}
	if (mb_net_host_spec_parse(text, &host, NULL) == 0) {
		FUZZ_CHECK(host.name && (host.host_gateway || host.address));
		mb_net_host_spec_done(&host);
	}
	addresses(text);
	shapes(text);
	free(text);
	return 0;
}
