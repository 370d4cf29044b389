/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/own.h"
#include "core/str.h"
#include "net/overlay_view.h"

#define NET "/mybox/v1/net/shared/"
#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct mb_net_view view_of(const char *prefix)
{
	return (struct mb_net_view){.prefix = mb_strdup(prefix)};
}

static void done(struct mb_net_view *w)
{
	mb_etcd_kvs_done(&w->kvs);
	free(w->prefix);
}

static void set(struct mb_net_view *w, const char *key, const char *value)
{
	MB_AUTO_FREE char *k = mb_strdup(key), *v = mb_strdup(value);
	const struct mb_etcd_kv kv = {.key = k, .value = v};

	mb_net_view_set(w, &kv);
}

static void keys_that_nobody_reads_are_not_known(void **state)
{
	struct mb_net_view w = view_of(NET);

	(void)state;
	assert_true(mb_net_view_is_known(&w, NET "policy"));
	assert_true(mb_net_view_is_known(&w, NET "ip/10.97.0.2"));
	assert_true(mb_net_view_is_known(&w, NET "ip/fd00:97::2"));
	assert_true(mb_net_view_is_known(&w, NET "mac/02:42:0a:61:00:09"));
	assert_true(mb_net_view_is_known(&w, NET "host/203.0.113.1"));
	assert_true(mb_net_view_is_known(&w, NET "ep/" ID));
	assert_false(mb_net_view_is_known(&w, NET "ep/../../x"));
	assert_false(mb_net_view_is_known(&w, NET "ep/" ID "0"));
	assert_false(mb_net_view_is_known(&w, NET "ip/"));
	assert_false(mb_net_view_is_known(&w, NET "ip/a/b"));
	assert_false(mb_net_view_is_known(&w, NET "host/" ID ID));
	assert_false(mb_net_view_is_known(&w, NET "policy/x"));
	assert_false(mb_net_view_is_known(&w, NET "other"));
	assert_false(mb_net_view_is_known(&w, "/mybox/v1/net/another/policy"));
	done(&w);
}

static void it_is_in_order_and_counted(void **state)
{
	struct mb_net_view w = view_of(NET);

	(void)state;
	set(&w, NET "ip/10.97.0.3", "b");
	set(&w, NET "ip/10.97.0.2", "a");
	set(&w, NET "ip/10.97.0.3", "longer");
	assert_int_equal(w.kvs.n, 2);
	assert_string_equal(mb_net_view_find(&w, "ip", "10.97.0.3")->value, "longer");
	assert_string_equal(w.kvs.v[0].key, NET "ip/10.97.0.2");
	assert_int_equal(w.bytes, 2 * strlen(NET "ip/10.97.0.2") + strlen("longer") + 1);
	mb_net_view_unset(&w, NET "ip/10.97.0.3");
	mb_net_view_unset(&w, NET "ip/10.97.0.9");
	assert_null(mb_net_view_find(&w, "ip", "10.97.0.3"));
	assert_int_equal(w.bytes, strlen(NET "ip/10.97.0.2") + 1);
	set(&w, NET "junk/1", "of whoever may write");
	assert_int_equal(w.kvs.n, 2);
	mb_net_view_trim(&w);
	assert_int_equal(w.kvs.n, 1);
	assert_int_equal(w.bytes, strlen(NET "ip/10.97.0.2") + 1);
	done(&w);
}

static void there_is_a_limit_to_it(void **state)
{
	struct mb_net_view w = view_of(NET);

	(void)state;
	set(&w, NET "policy", "x");
	w.bytes = MB_ETCD_LIST_MAX;
	set(&w, NET "ip/10.97.0.2", "a");
	assert_int_equal(w.kvs.n, 1);
	done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_that_nobody_reads_are_not_known),
		cmocka_unit_test(it_is_in_order_and_counted),
		cmocka_unit_test(there_is_a_limit_to_it),
	};

	return cmocka_run_group_tests_name("net/overlay_view", tests, NULL, NULL);
}
