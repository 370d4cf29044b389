/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/source.h — the kinds of descriptors that the loop waits for. */
#ifndef MB_MONITOR_SOURCE_H
#define MB_MONITOR_SOURCE_H

/* What an event belongs to: the upper half of its epoll data; the lower half is an index. */
enum mb_monitor_source {
	MB_MONITOR_FROM_CLIENT,
	MB_MONITOR_FROM_LISTENER,
	MB_MONITOR_FROM_SIGNAL,
	MB_MONITOR_FROM_PIDFD,
	MB_MONITOR_FROM_STREAM,
	MB_MONITOR_FROM_RELAY, /* index: relay */
	MB_MONITOR_FROM_KEEPER,
	MB_MONITOR_FROM_LOGSINK,
	MB_MONITOR_FROM_NOTIFY,
	MB_MONITOR_FROM_SHARED,
	MB_MONITOR_FROM_OOM,
	MB_MONITOR_FROM_LEFT, /* index: twice that of who was left, and 1: its terminal */
	MB_MONITOR_FROM_DNS_UDP,
	MB_MONITOR_FROM_DNS_LISTENER,
	MB_MONITOR_FROM_DNS_TCP,      /* index: connection */
	MB_MONITOR_FROM_DNS_TCP_UP,   /* index: connection */
	MB_MONITOR_FROM_DNS_UPSTREAM, /* index: forward */
};

#endif
