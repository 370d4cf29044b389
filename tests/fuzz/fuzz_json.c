/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/str.h"
#include "fuzz.h"
#include "json/json.h"

struct thing {
	char *s;
	struct mb_strv list;
	struct mb_kv kv;
	struct thing *inside, *things;
	size_t n_things;
	int64_t number;
	bool yes;
};

static const struct mb_json_field leaf_table[] = {
	MB_JSON_STR("s", struct thing, s, .flags = MB_JSON_REQUIRED),
	MB_JSON_STRV("list", struct thing, list),
	MB_JSON_END,
};

static const struct mb_json_field table[] = {
	MB_JSON_STR("a", struct thing, s),
	MB_JSON_STRV("b", struct thing, list),
	MB_JSON_KV("c", struct thing, kv),
	MB_JSON_PTR("d", struct thing, inside, leaf_table),
	MB_JSON_LIST("e", struct thing, things, n_things, struct thing, leaf_table),
	MB_JSON_I64("f", struct thing, number),
	MB_JSON_BOOL("g", struct thing, yes),
	MB_JSON_END,
};

/* Filling a struct takes what a tree and decoding take, and makes the same of it. */
static void check_load(const char *text, size_t len)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	MB_AUTO_STR struct mb_str from_text = MB_STR_INIT, from_tree = MB_STR_INIT;
	struct thing loaded, decoded = {0};
	bool taken = mb_json_parse_object(text, len, &o, NULL) == 0 &&
	             mb_json_decode(o, table, &decoded, NULL) == 0;

	FUZZ_CHECK(taken == (mb_json_load(text, len, table, &loaded, sizeof(loaded), NULL) == 0));
	if (taken) {
		mb_json_save(table, &loaded, &from_text);
		mb_json_save(table, &decoded, &from_tree);
		FUZZ_CHECK(strcmp(from_text.buf, from_tree.buf) == 0);
	}
	mb_json_done(table, &loaded);
	mb_json_done(table, &decoded);
}

/* Text that is taken comes out as text that is taken, and then the same for ever. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MB_AUTO(mb_json_free) struct json_object *first = NULL, *second = NULL;
	MB_AUTO_STR struct mb_str once = MB_STR_INIT, twice = MB_STR_INIT, pretty = MB_STR_INIT;

	check_load((const char *)data, size);
	if (mb_json_parse((const char *)data, size, &first, NULL) < 0)
		return 0;
	mb_json_format(first, false, &once);
	mb_json_format(first, true, &pretty);
	FUZZ_CHECK(mb_json_parse(once.buf, once.len, &second, NULL) == 0);
	mb_json_format(second, false, &twice);
	FUZZ_CHECK(strcmp(once.buf, twice.buf) == 0);
	return 0;
}
