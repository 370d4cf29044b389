/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/volume/mount.h — what -v, --mount and --tmpfs ask for: text to struct, pure. */
#ifndef MB_VOLUME_MOUNT_H
#define MB_VOLUME_MOUNT_H

#include "core/own.h"
#include "core/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;

enum mb_volume_mount_type { MB_VOLUME_BIND, MB_VOLUME_VOLUME, MB_VOLUME_TMPFS, MB_VOLUME_IMAGE };
enum mb_volume_propagation {
	MB_VOLUME_PROPAGATION_DEFAULT, /* rprivate */
	MB_VOLUME_PRIVATE,
	MB_VOLUME_RPRIVATE,
	MB_VOLUME_SHARED,
	MB_VOLUME_RSHARED,
	MB_VOLUME_SLAVE,
	MB_VOLUME_RSLAVE,
};
/* bind-recursive= of --mount; the mount points below the source. */
enum mb_volume_recursive {
	MB_VOLUME_RECURSIVE_DEFAULT,  /* enabled: they come along, read-only as far as possible */
	MB_VOLUME_RECURSIVE_DISABLED, /* (bind-nonrecursive) they stay behind */
	MB_VOLUME_RECURSIVE_WRITABLE, /* they come along and stay writable under ro */
	MB_VOLUME_RECURSIVE_READONLY, /* they come along and must become read-only */
};

struct mb_volume_mount {
	enum mb_volume_mount_type type;
	/* bind: absolute path; volume: name, NULL anonymous; tmpfs: NULL; image: its name or id */
	char *source;
	char *target; /* absolute, cleaned: no "//", ".", ".." */
	bool readonly;
	bool by_short_form; /* came by -v: a missing bind source is made */
	bool nocopy;
	bool idmap;         /* ids on disk are the container's, by its user namespace */
	bool create_source; /* bind-create-src */
	bool chown;         /* what is there becomes the container's user's */
	bool overlay;       /* what is written there goes to a layer of the container's */
	char relabel;       /* 'z', 'Z' or 0 */
	enum mb_volume_propagation propagation;
	enum mb_volume_recursive recursive;
	char *subpath;        /* volume-subpath or image-subpath, relative, cleaned; or NULL */
	char *driver;         /* volume-driver, or NULL */
	struct mb_kv labels;  /* volume-label */
	struct mb_kv options; /* volume-opt */
	struct mb_strv flags; /* -v of a bind: "noexec", "nodev", as given */
	int64_t tmpfs_size;   /* bytes, 0 = the kernel's default */
	uint32_t tmpfs_mode;  /* with tmpfs_has_mode; default 1777 */
	bool tmpfs_has_mode;
	struct mb_strv
		tmpfs_options; /* --tmpfs: mount options as given, e.g. "noexec", "size=64m" */
};
void mb_volume_mount_free(struct mb_volume_mount *mount);
MB_AUTO_DEFINE(struct mb_volume_mount, mb_volume_mount_free)

/* -v [SOURCE:]TARGET[:OPTIONS].  A source with a "/" or starting with "." is a path, made
 * absolute against @cwd (NULL: must be absolute); any other is a volume's name. */
int mb_volume_mount_parse_short(const char *text, const char *cwd,
                                struct mb_volume_mount **ret_mount, struct mb_err *err);
/* --mount KEY=VALUE,... (CSV with docker's quoting). */
int mb_volume_mount_parse_long(const char *text, const char *cwd,
                               struct mb_volume_mount **ret_mount, struct mb_err *err);
/* --tmpfs TARGET[:OPTIONS]. */
int mb_volume_mount_parse_tmpfs(const char *text, struct mb_volume_mount **ret_mount,
                                struct mb_err *err);
/* --volumes-from CONTAINER[:ro|rw|z|Z]. */
int mb_volume_from_parse(const char *text, char **ret_container, bool *ret_readonly,
                         struct mb_err *err);

/* Text forms, borrowed, static: "bind", "rslave". */
const char *mb_volume_mount_type_name(enum mb_volume_mount_type type);
const char *mb_volume_propagation_name(enum mb_volume_propagation propagation);

#endif
