/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "monitor/dns_packet.h"
#include "monitor/dns_upstream.h"

static void answer(const struct mb_dns_question *q, const char *name)
{
	static const uint8_t address[16];
	uint8_t buf[MB_DNS_UDP_MOST + 64];
	struct mb_dns_reply r;
	size_t n;

	mb_dns_reply_begin(&r, q, buf, mb_dns_question_limit(q));
	for (int i = 0; i < 400; i++)
		mb_dns_reply_add(&r, MB_DNS_AAAA, 5, address, sizeof(address));
	mb_dns_reply_add_name(&r, 5, name);
	n = mb_dns_reply_end(&r, MB_DNS_NOERROR);
	FUZZ_CHECK(n >= MB_DNS_HEADER && n <= sizeof(buf));
}

static void records(uint8_t *packet, size_t size)
{
	struct mb_dns_record r = {0};

	while (mb_dns_record_next(packet, size, &r)) {
		FUZZ_CHECK(r.data + r.n == packet + r.at && r.at <= size);
		mb_dns_record_limit(packet, &r, 60);
	}
}

/* A query of a container, a reply of an upstream, and the host's resolv.conf. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	uint8_t *packet = (uint8_t *)fuzz_text(data, size), buf[MB_DNS_QUERY_MAX];
	char name[MB_DNS_NAME_TEXT] = "", address[MB_DNS_ADDRESS_TEXT];
	struct mb_dns_question q = {0}, again = {0};
	struct mb_dns_upstreams upstreams = {0};
	enum mb_dns_rcode rcode;
	size_t n;

	if (mb_dns_question_parse(data, size, &q, &rcode) == 0) {
		bool plain = mb_dns_question_name(&q, name);

		n = mb_dns_question_format(&q, 4711, buf);
		FUZZ_CHECK(n <= sizeof(buf));
		FUZZ_CHECK(mb_dns_question_parse(buf, n, &again, &rcode) == 0);
		FUZZ_CHECK(again.n_raw == q.n_raw && again.id == 4711);
		FUZZ_CHECK(!plain || !strchr(name, '/'));
		if (plain)
			mb_dns_reverse_parse(name, address);
		answer(&q, "web.front");
		if (mb_dns_response_fits(packet, size, q.id, &q)) {
			mb_dns_response_rcode(packet);
			mb_dns_response_adopt(packet, &q);
		}
	}
	records(packet, size);
	mb_dns_reverse_parse(text, address);
	mb_dns_upstreams_parse(&upstreams, text);
	FUZZ_CHECK(upstreams.n <= MB_MONITOR_UPSTREAMS_MAX);
	free(packet);
	free(text);
	return 0;
}
