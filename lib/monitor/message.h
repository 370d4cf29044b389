/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/message.h — packets of protocol.h: putting together and taking apart. */
#ifndef MB_MONITOR_MESSAGE_H
#define MB_MONITOR_MESSAGE_H

#include <stddef.h>

#include "monitor/protocol.h"

/* Send head and @payload as one packet, with up to MB_SOCK_MAX_FDS descriptors.
 * Return: 0 or -errno (nothing told); -EAGAIN on a non-blocking socket that is full. */
int mb_monitor_message_send(int sock, const struct mb_monitor_head *head, const void *payload,
                            const int *fds, size_t n_fds);
/* Fill @to from a payload of an older or newer peer: the rest zero, or the excess ignored. */
void mb_monitor_message_decode(void *to, size_t to_size, const void *payload, size_t n);
/* The payload size that the packet of @n bytes has.  Return: 0; -EBADMSG when it is shorter than
 * a head, longer than MB_MONITOR_PACKET_MAX or not of the size that the head says. */
int mb_monitor_message_check(const void *packet, size_t n, struct mb_monitor_head *ret_head);
/* Pick the descriptors of the set bits of @slots out of @got, in order; absent ones are -1.
 * Return: 0; -EBADMSG when their number is not @n_got or a bit is over @n_slots. */
int mb_monitor_message_slots(uint32_t slots, const int *got, size_t n_got, int *ret,
                             size_t n_slots);

#endif
