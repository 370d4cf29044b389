/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/support/unit_container.h — containers in a store of the test's own, never started. */
#ifndef MB_SUPPORT_UNIT_CONTAINER_H
#define MB_SUPPORT_UNIT_CONTAINER_H

#include "unit_store.h"

#include "container/container.h"
#include "core/own.h"
#include "store/doc.h"

/* The directory ROOT/containers/ID (@in_run: RUN/c/ID), made if need be. */
static inline int unit_container_dir(struct unit_store *s, const char *id, bool in_run)
{
	MB_AUTO_FREE char *path = mb_asprintf("%s/%s", in_run ? "c" : "containers", id);
	int fd;

	assert_int_equal(mb_store_dir(s->store, path, in_run, &fd, NULL), 0);
	return fd;
}

static inline struct mb_container_record *unit_record_new(const char *id, const char *name)
{
	struct mb_container_record *record = mb_calloc(1, sizeof(*record));

	record->id = mb_strdup(id);
	record->name = mb_strdup(name);
	record->image_id = mb_strdup("");
	return record;
}

static inline void unit_record_write(struct unit_store *s, const struct mb_container_record *record)
{
	MB_AUTO_CLOSE int dir = unit_container_dir(s, record->id, false);

	assert_int_equal(mb_container_record_save(dir, record, MB_DOC_REPLACE, NULL), 0);
}

static inline void unit_container_claim(struct unit_store *s, const char *name, const char *id)
{
	MB_AUTO_CLOSE int names = -1;

	assert_int_equal(mb_store_dir(s->store, "names", false, &names, NULL), 0);
	assert_int_equal(mb_store_name_claim(names, name, id, NULL, NULL), 0);
}

/* A container with nothing but its id and name. */
static inline void unit_container_make(struct unit_store *s, const char *id, const char *name,
                                       int64_t created)
{
	MB_AUTO(mb_container_record_free)
	struct mb_container_record *record = unit_record_new(id, name);

	record->created = created;
	unit_record_write(s, record);
	unit_container_claim(s, name, id);
}

#define UNIT_ID(c) UNIT_16(c) UNIT_16(c) UNIT_16(c) UNIT_16(c)
#define UNIT_16(c) c c c c c c c c c c c c c c c c

#endif
