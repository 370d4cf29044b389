/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/err.h"
#include "core/own.h"
#include "etcd/answer.h"
#include "etcd/etcd.h"
#include "fuzz.h"
#include "json/json.h"

static void check_kvs(const struct mb_etcd_kvs *kvs)
{
	for (size_t i = 0; i < kvs->n; i++)
		FUZZ_CHECK(kvs->v[i].key && kvs->v[i].key[0] && kvs->v[i].value);
}

/* What a store, or whoever stands in its place, answers: ranges, transactions, lines of a watch. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MB_AUTO_FREE char *text = fuzz_text(data, size), *says = mb_etcd_answer_error(text, size);
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	struct mb_etcd_kvs range = {0}, txn = {0};
	struct mb_etcd_told told = {0};
	struct mb_err err = MB_ERR_INIT;
	bool done;

	FUZZ_CHECK(!strpbrk(says, "\n\033"));
	if (mb_etcd_answer_watch(text, size, &told, &err) == 0) {
		for (size_t i = 0; i < told.n; i++)
			FUZZ_CHECK(told.v[i].kv->key && told.v[i].kv->key[0]);
		mb_etcd_told_done(&told);
	} else {
		FUZZ_CHECK(err.code && err.msg[0]);
	}
	if (mb_json_parse_object(text, size, &o, NULL) == 0) {
		(void)mb_etcd_answer_range(o, &range, NULL);
		check_kvs(&range);
		(void)mb_etcd_answer_txn(o, &done, &txn, NULL);
		check_kvs(&txn);
	}
	if (mb_etcd_address_is_valid(text))
		FUZZ_CHECK(!strpbrk(strstr(text, "://") + 3, " /@?#\t\r\n\\\""));
	mb_etcd_kvs_done(&range);
	mb_etcd_kvs_done(&txn);
	return 0;
}
