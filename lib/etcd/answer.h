/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/etcd/answer.h — what the gateway's answers say.  Pure; for this folder and tests. */
#ifndef MB_ETCD_ANSWER_H
#define MB_ETCD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct mb_err;
struct mb_etcd_kv;
struct mb_etcd_kvs;

/* A number of the gateway: a text of digits, or a number; @otherwise where there is neither. */
uint64_t mb_etcd_number(struct json_object *o, const char *key, uint64_t otherwise);
/* Of a range.  Return: 0, or -EBADMSG, told. */
int mb_etcd_answer_range(struct json_object *o, struct mb_etcd_kvs *ret, struct mb_err *err);
/* Of a transaction: whether its conditions held, and all that it read. */
int mb_etcd_answer_txn(struct json_object *o, bool *ret_done, struct mb_etcd_kvs *ret,
                       struct mb_err *err);
/* One line of a watch. */
struct mb_etcd_told {
	uint64_t revision, compacted; /* compacted: not 0 when that ended it */
	bool canceled;
	struct mb_etcd_event {
		struct mb_etcd_kv *kv; /* owned */
		bool deleted;
	} * v;
	size_t n;
};
void mb_etcd_told_done(struct mb_etcd_told *told);
int mb_etcd_answer_watch(const char *line, size_t len, struct mb_etcd_told *ret,
                         struct mb_err *err);
/* What an answer that is an error says: "" when it says nothing.  Caller frees. */
char *mb_etcd_answer_error(const char *text, size_t len);

#endif
