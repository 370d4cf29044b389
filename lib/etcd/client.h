/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/etcd/client.h — what the files of this folder share, not for others. */
#ifndef MB_ETCD_CLIENT_H
#define MB_ETCD_CLIENT_H

#include "core/strv.h"
#include "etcd/etcd.h"
#include "registry/transport.h"

struct json_object;

enum { MB_ETCD_ANSWER_MAX = 16 << 20, MB_ETCD_LINE_MAX = 4 << 20 };

struct mb_etcd {
	struct mb_registry_transport *transport;
	struct mb_strv members;
	size_t member; /* that answered last */
	int ca_fd;
	int timeout_sec;   /* of one question to all of them */
	uint64_t revision; /* that was named last */
	int64_t deadline;  /* CLOCK_MONOTONIC: of the member at hand */
	bool has_identity;
	struct mb_registry_identity identity;
	char *user, *password_file;
	char *token; /* NULL: not asked for yet */
};

/* POST @body to @path of the members in turn.  Return: 0 and *@ret, an object; GONE: the lease is
 * unknown; UNAVAILABLE; or -errno. */
int mb_etcd_ask(struct mb_etcd *e, const char *path, const char *body, struct json_object **ret,
                struct mb_err *err);
/* One exchange with the member at hand.  @sink is told. */
int mb_etcd_call(struct mb_etcd *e, const char *path, const char *body, bool stream,
                 const struct mb_registry_sink *sink, struct mb_err *err);
/* Another token than before, where there is a user: a member that began anew knows none of those it
 * gave, and a watch has no second question.  Return: 0; UNAVAILABLE; or -errno. */
int mb_etcd_log_in(struct mb_etcd *e, struct mb_err *err);
/* "key":"BASE64" */
void mb_etcd_put_text(struct mb_str *s, const char *name, const char *text);
/* ,"range_end":"BASE64" of all that begins with @prefix. */
void mb_etcd_put_end(struct mb_str *s, const char *prefix);

#endif
