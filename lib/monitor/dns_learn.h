/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/dns_learn.h — addresses that upstreams gave for names which the policy of a network
 * opens: into the firewall (core/learn.h) before the container has them. */
#ifndef MB_MONITOR_DNS_LEARN_H
#define MB_MONITOR_DNS_LEARN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_dns;
struct mb_dns_question;

/* Whether a policy of the container's networks speaks of the name that is asked for. */
bool mb_dns_learn_wants(const struct mb_dns *d, const struct mb_dns_question *q);
/* Learn from the upstream's @answer to @q, of which @n bytes are here, and cut its times to live
 * down.  What cannot be learnt stays closed. */
void mb_dns_learn(struct mb_dns *d, const struct mb_dns_question *q, uint8_t *answer, size_t n);

/* The message that opens one address: @slot of it is free or has @class_id, or the kernel says
 * -EEXIST.  Pure.  Return: bytes; 0: it does not fit into @size. */
struct mb_learn_header;
struct mb_dns_record;
size_t mb_dns_learn_format(const struct mb_learn_header *h, const struct mb_dns_record *a,
                           const uint8_t *class_id, uint32_t slot, uint8_t *buf, size_t size);

#endif
