/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/own.h"
#include "core/strv.h"

static void assert_list(const struct mb_strv *sv, const char *joined)
{
	MB_AUTO_FREE char *text = mb_strv_join(sv, "|");

	assert_string_equal(text, joined);
	if (sv->v)
		assert_null(sv->v[sv->n]);
}

static void an_empty_list_is_usable(void **state)
{
	MB_AUTO_STRV struct mb_strv sv = MB_STRV_INIT;

	(void)state;
	MB_STRV_FOREACH (s, &sv)
		fail_msg("'%s' is in an empty list", s);
	mb_strv_remove(&sv, "a");
	mb_strv_sort(&sv);
	assert_false(mb_strv_has_sorted(&sv, "a"));
	assert_false(mb_strv_has(&sv, "a"));
	assert_list(&sv, "");
	mb_strv_add_all(&sv, &sv);
	assert_int_equal(sv.n, 0);
}

static void a_list_serves_as_argv(void **state)
{
	MB_AUTO_STRV struct mb_strv sv = MB_STRV_INIT, other = MB_STRV_INIT;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		mb_strv_addf(&sv, "%d", i);
		assert_null(sv.v[sv.n]);
	}
	MB_STRV_FOREACH (s, &sv)
		n += strlen(s);
	assert_int_equal(n, 190);
	mb_strv_add_all(&other, &sv);
	assert_int_equal(other.n, 100);
	assert_ptr_not_equal(other.v[5], sv.v[5]);
	mb_strv_take(&other, mb_strdup("last"));
	assert_string_equal(other.v[100], "last");
}

static void removing_takes_every_one(void **state)
{
	MB_AUTO_STRV struct mb_strv sv = MB_STRV_INIT;

	(void)state;
	mb_strv_split(&sv, "a,b,a,c,a", ',');
	mb_strv_remove(&sv, "a");
	assert_list(&sv, "b|c");
	mb_strv_remove(&sv, "x");
	mb_strv_remove(&sv, "c");
	mb_strv_remove(&sv, "b");
	assert_list(&sv, "");
	mb_strv_add(&sv, "z");
	mb_strv_add(&sv, "y");
	mb_strv_sort(&sv);
	MB_STRV_FOREACH (s, &sv)
		assert_true(mb_strv_has_sorted(&sv, s));
	assert_false(mb_strv_has_sorted(&sv, "nobody"));
	assert_false(mb_strv_has_sorted(&sv, ""));
	assert_list(&sv, "y|z");
}

static void splitting_keeps_empty_pieces(void **state)
{
	static const struct {
		const char *text, *joined;
		size_t n;
	} rows[] = {{"", "", 0},     {"a", "a", 1},       {",", "|", 2},     {"a,", "a|", 2},
	            {",a", "|a", 2}, {"a,,b", "a||b", 3}, {"a:b", "a:b", 1}, {",,,", "|||", 4}};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		MB_AUTO_STRV struct mb_strv sv = MB_STRV_INIT;

		mb_strv_split(&sv, rows[i].text, ',');
		assert_int_equal(sv.n, rows[i].n);
		assert_list(&sv, rows[i].joined);
	}
}

static void pairs_keep_their_place(void **state)
{
	MB_AUTO_KV struct mb_kv kv = MB_KV_INIT, more = MB_KV_INIT;
	char order[64] = "";

	(void)state;
	assert_null(mb_kv_find(&kv, "a"));
	mb_kv_remove(&kv, "a");
	mb_kv_set(&kv, "a", "1");
	mb_kv_set_pair(&kv, "b=2=3");
	mb_kv_set_pair(&kv, "c");
	mb_kv_set_pair(&kv, "=x");
	mb_kv_set(&kv, "a", "9");
	mb_kv_set(&kv, "a", mb_kv_find(&kv, "a")); /* from itself */
	MB_KV_FOREACH (pair, &kv)
		snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s:%s ", pair->key,
		         pair->value);
	assert_string_equal(order, "a:9 b:2=3 c: :x ");
	mb_kv_remove(&kv, "b");
	mb_kv_set(&more, "c", "c2");
	mb_kv_set(&more, "d", "d2");
	mb_kv_set_all(&kv, &more);
	assert_int_equal(kv.n, 4);
	assert_string_equal(mb_kv_find(&kv, "c"), "c2");
	assert_string_equal(mb_kv_find(&kv, "d"), "d2");
	for (int i = 0; i < 50; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		mb_kv_set(&kv, key, key);
	}
	assert_string_equal(mb_kv_find(&kv, "k49"), "k49");
	while (kv.n)
		mb_kv_remove(&kv, kv.v[0].key);
}

static void env_is_set_by_key(void **state)
{
	MB_AUTO_STRV struct mb_strv env = MB_STRV_INIT;

	(void)state;
	mb_env_set(&env, "A=1");
	mb_env_set(&env, "AB=2");
	mb_env_set(&env, "A=3=4");
	assert_list(&env, "A=3=4|AB=2");
	assert_string_equal(mb_env_find(&env, "A"), "3=4");
	assert_string_equal(mb_env_find(&env, "AB"), "2");
	assert_null(mb_env_find(&env, "B"));
	assert_null(mb_env_find(&env, ""));
	mb_env_set(&env, "A=");
	assert_string_equal(mb_env_find(&env, "A"), "");
}

static void a_name_alone_is_a_variable_that_is_not_to_be(void **state)
{
	MB_AUTO_STRV struct mb_strv env = MB_STRV_INIT;

	(void)state;
	mb_env_set(&env, "A=1");
	mb_env_set(&env, "AB=2");
	mb_env_set(&env, "A");
	assert_list(&env, "A|AB=2");
	assert_null(mb_env_find(&env, "A"));
	assert_true(mb_env_names(&env, "A"));
	assert_true(mb_env_names(&env, "AB"));
	assert_false(mb_env_names(&env, "B"));
	mb_env_set(&env, "C");
	mb_env_drop_unset(&env);
	assert_list(&env, "AB=2");
	mb_env_set(&env, "A");
	mb_env_set(&env, "A=3");
	assert_list(&env, "AB=2|A=3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_list_is_usable),
		cmocka_unit_test(a_list_serves_as_argv),
		cmocka_unit_test(removing_takes_every_one),
		cmocka_unit_test(splitting_keeps_empty_pieces),
		cmocka_unit_test(pairs_keep_their_place),
		cmocka_unit_test(env_is_set_by_key),
		cmocka_unit_test(a_name_alone_is_a_variable_that_is_not_to_be),
	};

	return cmocka_run_group_tests_name("core/strv", tests, NULL, NULL);
}
