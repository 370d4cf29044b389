/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/mount.h"

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

/* What an option does.  SET and CLEAR speak of MOUNT_ATTR_* bits; times are a field of three
 * values, which the kernel wants cleared as a whole before it is set. */
enum effect {
	SET,
	CLEAR,
	TIME,
	PROPAGATE,
	BIND,
	REMOUNT,
	IDMAP,
	NOTHING,
};
struct option {
	const char *name; /* the recursive form has an 'r' in front */
	enum effect effect;
	bool recursive; /* such a form exists */
	uint64_t bits;
};
// clang-format off
static const struct option options_known[] = {
	{"ro",            SET,       true,  MOUNT_ATTR_RDONLY},
	{"rw",            CLEAR,     true,  MOUNT_ATTR_RDONLY},
	{"nosuid",        SET,       true,  MOUNT_ATTR_NOSUID},
	{"suid",          CLEAR,     true,  MOUNT_ATTR_NOSUID},
	{"nodev",         SET,       true,  MOUNT_ATTR_NODEV},
	{"dev",           CLEAR,     true,  MOUNT_ATTR_NODEV},
	{"noexec",        SET,       true,  MOUNT_ATTR_NOEXEC},
	{"exec",          CLEAR,     true,  MOUNT_ATTR_NOEXEC},
	{"nodiratime",    SET,       true,  MOUNT_ATTR_NODIRATIME},
	{"diratime",      CLEAR,     true,  MOUNT_ATTR_NODIRATIME},
	{"nosymfollow",   SET,       true,  MOUNT_ATTR_NOSYMFOLLOW},
	{"symfollow",     CLEAR,     true,  MOUNT_ATTR_NOSYMFOLLOW},
	{"relatime",      TIME,      true,  MOUNT_ATTR_RELATIME},
	{"noatime",       TIME,      true,  MOUNT_ATTR_NOATIME},
	{"strictatime",   TIME,      true,  MOUNT_ATTR_STRICTATIME},
	{"atime",         TIME,      true,  MOUNT_ATTR_RELATIME},
	{"norelatime",    TIME,      true,  MOUNT_ATTR_RELATIME}, /* the kernel's default again */
	{"nostrictatime", TIME,      true,  MOUNT_ATTR_RELATIME},
	{"private",       PROPAGATE, true,  MS_PRIVATE},
	{"slave",         PROPAGATE, true,  MS_SLAVE},
	{"shared",        PROPAGATE, true,  MS_SHARED},
	{"unbindable",    PROPAGATE, true,  MS_UNBINDABLE},
	{"bind",          BIND,      true,  0},
	{"idmap",         IDMAP,     true,  0},
	{"remount",       REMOUNT,   false, 0},
	{"defaults",      NOTHING,   false, 0},
};
// clang-format on

/* Exact names first: "relatime", "remount" and "rw" begin with an 'r' of their own. */
static const struct option *find_option(const char *name, bool *ret_recursive)
{
	for (size_t i = 0; i < MB_N(options_known); i++) {
		if (mb_streq(options_known[i].name, name)) {
			*ret_recursive = false;
			return &options_known[i];
		}
	}
	for (size_t i = 0; name[0] == 'r' && i < MB_N(options_known); i++) {
		if (options_known[i].recursive && mb_streq(options_known[i].name, name + 1)) {
			*ret_recursive = true;
			return &options_known[i];
		}
	}
	return NULL;
}

static void change_bits(uint64_t *set, uint64_t *clear, const struct option *o)
{
	const uint64_t all = o->effect == TIME ? MOUNT_ATTR__ATIME : o->bits;

	*set &= ~all;
	*clear &= ~all;
	if (o->effect != CLEAR)
		*set |= o->bits;
	if (o->effect != SET)
		*clear |= all;
}

static int take_propagation(struct mb_sys_mount_flags *f, const struct option *o, bool recursive,
                            struct mb_err *err)
{
	if (f->propagation && f->propagation != o->bits)
		return mb_fail(err, EINVAL, "two different mount propagations");
	f->propagation = o->bits;
	f->propagation_recursive |= recursive;
	return 0;
}

static int take_option(struct mb_sys_mount_flags *f, const struct option *o, bool recursive,
                       struct mb_err *err)
{
	switch (o->effect) {
	case SET:
	case CLEAR:
	case TIME:
		if (recursive)
			change_bits(&f->rec_set, &f->rec_clear, o);
		/* The mount itself is part of its tree, and the last word counts there too. */
		change_bits(&f->set, &f->clear, o);
		break;
	case PROPAGATE:
		return take_propagation(f, o, recursive, err);
	case BIND:
		f->bind = true;
		f->bind_recursive |= recursive;
		break;
	case IDMAP:
		f->idmap = true;
		f->idmap_recursive |= recursive;
		break;
	case REMOUNT:
		f->remount = true;
		break;
	case NOTHING:
		break;
	}
	return 0;
}

int mb_sys_mount_flags_parse(const struct mb_strv *options, struct mb_sys_mount_flags *ret,
                             struct mb_strv *data, struct mb_err *err)
{
	struct mb_sys_mount_flags flags = {0};

	for (size_t i = 0; options && i < options->n; i++) {
		bool recursive = false;
		const struct option *o = find_option(options->v[i], &recursive);
		int r;

		if (!o) {
			mb_strv_add(data, options->v[i]);
			continue;
		}
		r = take_option(&flags, o, recursive, err);
		if (r < 0)
			return r;
	}
	*ret = flags;
	return 0;
}

bool mb_sys_mount_flags_known(const char *option)
{
	bool recursive;

	return find_option(option, &recursive) != NULL;
}

int mb_sys_mount_flags_apply(int fd, const struct mb_sys_mount_flags *f, struct mb_err *err)
{
	int r = 0;

	if (f->rec_set || f->rec_clear)
		r = mb_sys_mount_setattr(fd, f->rec_set, f->rec_clear, 0, true, err);
	if (r == 0 && (f->set || f->clear))
		r = mb_sys_mount_setattr(fd, f->set, f->clear, 0, false, err);
	if (r == 0 && f->propagation)
		r = mb_sys_mount_setattr(fd, 0, 0, f->propagation, f->propagation_recursive, err);
	return r;
}
