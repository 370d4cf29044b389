/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/pack_xattr.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "image/entry.h"
#include "sys/path.h"
#include "sys/userns.h"

enum {
	MAX_LIST = 64 * 1024, /* XATTR_LIST_MAX and XATTR_SIZE_MAX */
	MAX_VALUE = 64 * 1024,
	OVERFLOW_ID = 65534,
	ACL_USER = 0x02,
	ACL_GROUP = 0x08,
};

/* --- ids -------------------------------------------------------------------------------------- */

static int64_t inside(const struct mb_sys_id_range *ranges, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= ranges[i].outside && id - ranges[i].outside < ranges[i].count)
			return (int64_t)ranges[i].inside + (id - ranges[i].outside);
	return -1;
}

uint32_t mb_image_pack_uid(const struct mb_image_pack *how, uint32_t id)
{
	int64_t mapped = how->maps ? inside(how->maps->uids, how->maps->n_uids, id) : id;

	return mapped < 0 ? OVERFLOW_ID : (uint32_t)mapped;
}

uint32_t mb_image_pack_gid(const struct mb_image_pack *how, uint32_t id)
{
	int64_t mapped = how->maps ? inside(how->maps->gids, how->maps->n_gids, id) : id;

	return mapped < 0 ? OVERFLOW_ID : (uint32_t)mapped;
}

/* A file capability of a user namespace says whose root has it (<linux/capability.h>, revision 3).
 * The container's own root is every root to an image: revision 2.
 * Return: whether the attribute still means something. */
static bool map_capability(const struct mb_image_pack *how, struct mb_image_tar_xattr *x)
{
	struct vfs_ns_cap_data data;
	int64_t root;

	if (!how->maps || x->n != XATTR_CAPS_SZ_3)
		return true;
	memcpy(&data, x->value, sizeof(data));
	if ((le32toh(data.magic_etc) & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_3)
		return true;
	root = inside(how->maps->uids, how->maps->n_uids, le32toh(data.rootid));
	if (root < 0)
		return false;
	data.rootid = htole32((uint32_t)root);
	if (root == 0) {
		data.magic_etc =
			htole32((le32toh(data.magic_etc) & ~(uint32_t)VFS_CAP_REVISION_MASK) |
		                VFS_CAP_REVISION_2);
		x->n = XATTR_CAPS_SZ_2;
	}
	memcpy(x->value, &data, x->n);
	return true;
}

/* A version, then entries of a tag, permissions and an id: <linux/posix_acl_xattr.h>. */
static void map_acl(const struct mb_image_pack *how, struct mb_image_tar_xattr *x)
{
	struct acl_entry {
		uint16_t tag, perm;
		uint32_t id;
	} entry;

	for (size_t at = 4; how->maps && at + sizeof(entry) <= x->n; at += sizeof(entry)) {
		unsigned char *p = (unsigned char *)x->value + at;

		memcpy(&entry, p, sizeof(entry));
		if (le16toh(entry.tag) == ACL_USER)
			entry.id = htole32(mb_image_pack_uid(how, le32toh(entry.id)));
		else if (le16toh(entry.tag) == ACL_GROUP)
			entry.id = htole32(mb_image_pack_gid(how, le32toh(entry.id)));
		memcpy(p, &entry, sizeof(entry));
	}
}

/* --- attributes ------------------------------------------------------------------------------- */

static int read_value(const char *path, const char *name, struct mb_image_tar_xattr *ret)
{
	MB_AUTO_FREE char *value = mb_malloc(MAX_VALUE);
	ssize_t n = getxattr(path, name, value, MAX_VALUE);

	if (n < 0)
		return -errno;
	*ret = (struct mb_image_tar_xattr){
		.name = mb_strdup(name),
		.value = mb_malloc((size_t)n + 1),
		.n = (size_t)n,
	};
	memcpy(ret->value, value, (size_t)n);
	return 0;
}

/* Of the overlay's own, only "opaque" goes into a layer, as an entry.  What another place is meant
 * by cannot. */
static int take_mark(const char *path, const char *mark, const char *name,
                     struct mb_image_pack_xattrs *ret, struct mb_err *err)
{
	char value = 0;

	if (strcmp(mark, "redirect") == 0 || strcmp(mark, "metacopy") == 0)
		return mb_fail(err, EOPNOTSUPP,
		               "overlayfs keeps its content in another place (%s), which a layer "
		               "cannot say",
		               name);
	if (strcmp(mark, "opaque") == 0 && getxattr(path, name, &value, 1) == 1 && value == 'y')
		ret->opaque = true;
	return 0;
}

static void drop_mark(const struct mb_image_pack *how, const char *path, const char *name,
                      bool opaque)
{
	bool is_opaque = mb_ends_with(name, ".overlay.opaque");

	if (how->tidy && !(is_opaque && opaque))
		removexattr(path, name);
}

static int take(const struct mb_image_pack *how, const char *path, const char *name,
                struct mb_image_pack_xattrs *ret, struct mb_err *err)
{
	const char *prefix = how->user_xattrs ? "user.overlay." : "trusted.overlay.";
	const char *mark = how->layer ? mb_skip_prefix(name, prefix) : NULL;
	struct mb_image_tar_xattr *x = &ret->v[ret->n];
	bool kept = true;
	int r;

	if (mark) {
		r = take_mark(path, mark, name, ret, err);
		if (r == 0)
			drop_mark(how, path, name, ret->opaque);
		return r;
	}
	/* pax has no way to write such a name. */
	if (!mb_image_entry_xattr_is_kept(name) || strchr(name, '='))
		return 0;
	r = read_value(path, name, x);
	if (r == -ENODATA)
		return 0;
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read the attribute '%s'", name);
	ret->n++;
	if (strcmp(name, "security.capability") == 0)
		kept = map_capability(how, x);
	else if (mb_starts_with(name, "system.posix_acl_"))
		map_acl(how, x);
	if (!kept) {
		free(x->name);
		free(x->value);
		ret->n--;
	}
	return 0;
}

int mb_image_pack_xattrs_load(const struct mb_image_pack *how, int fd,
                              struct mb_image_pack_xattrs *ret, struct mb_err *err)
{
	struct mb_image_pack_xattrs xattrs = {0};
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_FREE char *list = NULL;
	char path[MB_SYS_PATH_FD_TEXT];
	ssize_t n;
	int r = 0;

	/* By its name in /proc, as most calls take no O_PATH descriptor; what it holds is not
	 * followed further. */
	n = listxattr(mb_sys_path_of_fd(fd, path), NULL, 0);
	if (n > 0) {
		list = mb_malloc(MAX_LIST);
		n = listxattr(path, list, MAX_LIST);
	}
	if (n < 0 && errno != ENOTSUP)
		return mb_fail_sys(err, errno, "cannot list the extended attributes");
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(list + at) + 1)
		mb_strv_add(&names, list + at);
	mb_strv_sort(&names);
	xattrs.v = names.n ? mb_calloc(names.n, sizeof(*xattrs.v)) : NULL;
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = take(how, path, names.v[i], &xattrs, err);
	if (r < 0) {
		mb_image_pack_xattrs_done(&xattrs);
		return r;
	}
	*ret = xattrs;
	return 0;
}

void mb_image_pack_xattrs_done(struct mb_image_pack_xattrs *xattrs)
{
	for (size_t i = 0; i < xattrs->n; i++) {
		free(xattrs->v[i].name);
		free(xattrs->v[i].value);
	}
	free(xattrs->v);
	*xattrs = (struct mb_image_pack_xattrs){0};
}
