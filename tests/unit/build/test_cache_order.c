/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "build/cache.h"
#include "core/own.h"
#include "core/str.h"

static void add(struct mb_build_cache *cache, const char *id, int64_t used, const char *layers)
{
	struct mb_build_cache_row *row;

	cache->v = mb_realloc(cache->v, (cache->n + 1) * sizeof(*cache->v));
	row = &cache->v[cache->n++];
	*row = (struct mb_build_cache_row){.id = mb_strdup(id), .used = used};
	if (*layers)
		mb_strv_split(&row->layers, layers, ' ');
}

static void same_order(struct mb_build_cache *cache, const char *expected)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	mb_build_cache_sort(cache);
	for (size_t i = 0; i < cache->n; i++)
		mb_str_add(&out, cache->v[i].id);
	assert_string_equal(mb_str_text(&out), expected);
	mb_build_cache_done(cache);
}

static void sort_by_use(void **state)
{
	struct mb_build_cache cache = {0};

	(void)state;
	same_order(&cache, "");
	add(&cache, "a", 3, "x");
	add(&cache, "b", 1, "");
	add(&cache, "c", 2, "y");
	same_order(&cache, "bca");
}

/* What lies below is as new as what stands on it, and goes after it. */
static void sort_keeps_what_is_stood_on(void **state)
{
	struct mb_build_cache cache = {0};

	(void)state;
	add(&cache, "a", 1, "base 1");
	add(&cache, "b", 5, "base 1 2");
	add(&cache, "c", 9, "base 1 2 3");
	add(&cache, "d", 8, "base 4");
	add(&cache, "e", 7, "base 4 5");
	same_order(&cache, "edcba");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sort_by_use),
		cmocka_unit_test(sort_keeps_what_is_stood_on),
	};

	return cmocka_run_group_tests_name("build/cache_order", tests, NULL, NULL);
}
