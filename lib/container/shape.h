/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/shape.h — documents with docker's members, all of them and in docker's order. */
#ifndef MB_CONTAINER_SHAPE_H
#define MB_CONTAINER_SHAPE_H

struct json_object;

/* What a member is when the document does not have it. */
enum mb_shape_kind {
	MB_SHAPE_ABSENT, /* left out, as docker leaves it out when empty */
	MB_SHAPE_NULL,
	MB_SHAPE_STR,  /* "" */
	MB_SHAPE_ZERO, /* 0 */
	MB_SHAPE_FALSE,
	MB_SHAPE_LIST, /* [] */
	MB_SHAPE_MAP,  /* {} */
	MB_SHAPE_SIZE, /* [0, 0] */
};

struct mb_shape {
	const char *key; /* NULL: the end */
	enum mb_shape_kind otherwise;
	/* Empty ones (null, "", [], {}) are taken for absent. */
	int is_empty_absent;
};

extern const struct mb_shape mb_container_shape_top[], mb_container_shape_host[],
	mb_container_shape_config[], mb_container_shape_network[], mb_container_shape_endpoint[];

/* @o (taken) again, its members in the order of @rows and with those that it lacks; members that
 * no row has follow at the end.  Owned by the caller. */
struct json_object *mb_container_shape(struct json_object *o, const struct mb_shape *rows);

#endif
