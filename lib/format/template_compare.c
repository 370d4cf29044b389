/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "core/err.h"
#include "format/template_tree.h"

static int incompatible(struct mb_err *err)
{
	return mb_fail(err, EINVAL, "incompatible types for comparison");
}

/* *@ret as strcmp() has it. */
static int compare(struct json_object *a, struct json_object *b, int *ret, struct mb_err *err)
{
	enum json_type type = json_object_get_type(a);

	if (type != json_object_get_type(b))
		return incompatible(err);
	if (type == json_type_int) {
		int64_t x = json_object_get_int64(a), y = json_object_get_int64(b);

		*ret = (x > y) - (x < y);
	} else if (type == json_type_double) {
		double x = json_object_get_double(a), y = json_object_get_double(b);

		*ret = (x > y) - (x < y);
	} else if (type == json_type_string) {
		*ret = strcmp(json_object_get_string(a), json_object_get_string(b));
	} else if (type == json_type_boolean) {
		*ret = json_object_get_boolean(a) - json_object_get_boolean(b);
	} else {
		return mb_fail(err, EINVAL, "invalid type for comparison");
	}
	return 0;
}

int mb_format_value_equal(const struct mb_format_value *a, const struct mb_format_value *b,
                          bool *ret, struct mb_err *err)
{
	int order = 0, r;

	if (!a->o || !b->o) {
		*ret = !a->o && !b->o;
		return 0;
	}
	r = compare(a->o, b->o, &order, err);
	*ret = order == 0;
	return r;
}

int mb_format_value_order(const struct mb_format_value *a, const struct mb_format_value *b,
                          int *ret, struct mb_err *err)
{
	if (json_object_is_type(a->o, json_type_boolean))
		return mb_fail(err, EINVAL, "invalid type for comparison");
	return compare(a->o, b->o, ret, err);
}
