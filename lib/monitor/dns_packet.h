/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/dns_packet.h — DNS messages (RFC 1035, EDNS of RFC 6891): pure, no sockets. */
#ifndef MB_MONITOR_DNS_PACKET_H
#define MB_MONITOR_DNS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MB_DNS_HEADER = 12,
	MB_DNS_QUESTION_MAX = 255 + 4, /* name, type, class */
	MB_DNS_NAME_TEXT = 256,
	MB_DNS_UDP_PLAIN = 512, /* what a reply may have without EDNS */
	MB_DNS_UDP_OURS = 1232, /* what we say in our own OPT */
	MB_DNS_UDP_MOST = 4096, /* what we send, whatever the asker says */
};

enum mb_dns_rcode {
	MB_DNS_NOERROR = 0,
	MB_DNS_FORMERR = 1,
	MB_DNS_SERVFAIL = 2,
	MB_DNS_NXDOMAIN = 3,
	MB_DNS_NOTIMP = 4,
	MB_DNS_REFUSED = 5,
	MB_DNS_BADVERS = 16,
};

enum mb_dns_type {
	MB_DNS_A = 1,
	MB_DNS_PTR = 12,
	MB_DNS_AAAA = 28,
	MB_DNS_OPT = 41,
	MB_DNS_ANY = 255,
};

struct mb_dns_question {
	uint16_t id, flags; /* flags as in the header */
	uint16_t type, class;
	uint16_t edns_size; /* 0: no EDNS */
	bool dnssec_ok;
	uint16_t n_raw;                   /* 0: none that could be read */
	uint8_t raw[MB_DNS_QUESTION_MAX]; /* as it was asked, letter case and all */
};

enum { MB_DNS_DROP = 1, MB_DNS_ANSWER_RCODE = 2 };

/* Read a query.
 * Return: 0; MB_DNS_DROP (no query at all, deserves no answer); MB_DNS_ANSWER_RCODE with
 * *@ret_rcode, to be answered with what could be read of @ret. */
int mb_dns_question_parse(const uint8_t *packet, size_t n, struct mb_dns_question *ret,
                          enum mb_dns_rcode *ret_rcode);
/* The name, lower case, labels joined by dots, no dot at the end; "" is the root.
 * Return: false when a label holds anything but letters, digits, '-' and '_': such a name is none
 * of ours, and no file name. */
bool mb_dns_question_name(const struct mb_dns_question *q, char name[MB_DNS_NAME_TEXT]);
/* The bytes a reply by UDP may have. */
size_t mb_dns_question_limit(const struct mb_dns_question *q);
/* Write the query anew for an upstream.  @buf has room for MB_DNS_QUERY_MAX.  Return: bytes. */
enum { MB_DNS_QUERY_MAX = MB_DNS_HEADER + MB_DNS_QUESTION_MAX + 11 };
size_t mb_dns_question_format(const struct mb_dns_question *q, uint16_t id, uint8_t *buf);

struct mb_dns_reply {
	uint8_t *buf;
	size_t n, limit;
	uint16_t answers;
	bool is_cut;
	const struct mb_dns_question *q;
};

/* @limit is at least MB_DNS_UDP_PLAIN.  Answers that do not fit set TC. */
void mb_dns_reply_begin(struct mb_dns_reply *r, const struct mb_dns_question *q, uint8_t *buf,
                        size_t limit);
void mb_dns_reply_add(struct mb_dns_reply *r, enum mb_dns_type type, uint32_t ttl, const void *data,
                      size_t n);
/* @name is dotted text of valid labels. */
void mb_dns_reply_add_name(struct mb_dns_reply *r, uint32_t ttl, const char *name);
/* Return: bytes of the reply. */
size_t mb_dns_reply_end(struct mb_dns_reply *r, enum mb_dns_rcode rcode);

/* An upstream's reply to @q asked with @id: is it one?  Letter case of the name is not compared. */
bool mb_dns_response_fits(const uint8_t *packet, size_t n, uint16_t id,
                          const struct mb_dns_question *q);
enum mb_dns_rcode mb_dns_response_rcode(const uint8_t *packet);
/* Make it the reply to @q: its id, its letter case. */
void mb_dns_response_adopt(uint8_t *packet, const struct mb_dns_question *q);

/* Records of the answer section of a response that fits its question. */
struct mb_dns_record {
	uint16_t type; /* of class IN; of another 0 */
	uint16_t n;
	const uint8_t *data; /* @n bytes, in the packet */
	size_t at, number;   /* where the next one begins, and how many there were; 0 at first */
	size_t ttl_at;
};
/* Return: false: there is no more, or not whole in @n bytes. */
bool mb_dns_record_next(const uint8_t *packet, size_t n, struct mb_dns_record *r);
/* Its time to live is @ttl at most from now on. */
void mb_dns_record_limit(uint8_t *packet, const struct mb_dns_record *r, uint32_t ttl);

/* "4.3.2.1.in-addr.arpa" or the nibbles of ip6.arpa to the address's usual text.
 * Return: whether @name is such a name. */
enum { MB_DNS_ADDRESS_TEXT = 46 };
bool mb_dns_reverse_parse(const char *name, char address[MB_DNS_ADDRESS_TEXT]);

#endif
