/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/mounts.h"
#include "container/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/container.h"
#include "container/create.h"
#include "core/err.h"
#include "core/str.h"
#include "image/image.h"
#include "store/store.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/tree.h"
#include "volume/mount.h"
#include "volume/volume.h"

/* --- at create -------------------------------------------------------------------------------- */

struct collecting {
	struct mb_store *store;
	struct mb_container_record *record;
	bool ephemeral; /* --rm */
	bool has_userns;
};

static bool has_destination(const struct mb_container_record *record, const char *destination)
{
	for (size_t i = 0; i < record->n_mounts; i++)
		if (strcmp(record->mounts[i].destination, destination) == 0)
			return true;
	return false;
}

/* Only named here, and made when the record that knows of it is there. */
static void name_volume(struct collecting *c, struct mb_container_mount *m)
{
	char id[MB_ID_TEXT];

	mb_id_make(id);
	m->name = mb_strdup(id);
	m->source = mb_asprintf("%s/volumes/%s/_data", c->store->root, id);
	m->anonymous = true;
}

static int use_volume(struct collecting *c, struct mb_container_mount *m,
                      const struct mb_volume_mount *asked, struct mb_err *err)
{
	struct mb_volume_create_request request = {
		.name = asked->source,
		.driver = asked->driver,
		.labels = &asked->labels,
		.options = &asked->options,
		.anonymous = !asked->source,
		.ephemeral = c->ephemeral && !asked->source,
	};
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	int r = mb_volume_create(c->store, &request, &volume, NULL, err);

	if (r < 0)
		return r;
	m->name = mb_strdup(volume->name);
	m->source = mb_strdup(volume->mountpoint);
	m->anonymous = volume->anonymous;
	return 0;
}

static int use_image(struct collecting *c, struct mb_container_mount *m,
                     const struct mb_volume_mount *asked, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	int r = mb_image_find(c->store, asked->source, &image, NULL, err);

	if (r == MB_IMAGE_ABSENT)
		return mb_wrap(err, -ENOENT, "mount '%s'", asked->target);
	if (r != 0)
		return r < 0 ? r : -EINVAL;
	m->source = mb_strdup(asked->source);
	m->image = mb_asprintf("sha256:%s", image->id);
	return 0;
}

static char *tmpfs_options(const struct mb_volume_mount *asked)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;

	mb_strv_add_all(&options, &asked->tmpfs_options);
	if (asked->tmpfs_size)
		mb_strv_addf(&options, "size=%lld", (long long)asked->tmpfs_size);
	if (asked->tmpfs_has_mode)
		mb_strv_addf(&options, "mode=%o", asked->tmpfs_mode);
	return mb_strv_join(&options, ",");
}

/* What the whole host lives in becomes nobody's by a slip of the keyboard. */
static bool is_the_hosts(const struct stat *st)
{
	static const char *const paths[] = {
		"/",        "/bin",       "/boot",       "/dev",     "/etc",      "/etc/passwd",
		"/home",    "/etc/group", "/etc/shadow", "/lib",     "/lib64",    "/media",
		"/mnt",     "/opt",       "/proc",       "/root",    "/run",      "/sbin",
		"/srv",     "/sys",       "/tmp",        "/usr",     "/var",      "/var/lib",
		"/var/tmp", "/var/log",   "/usr/bin",    "/usr/lib", "/usr/sbin", "/usr/local",
	};
	struct stat other;

	for (size_t i = 0; i < MB_N(paths); i++)
		if (stat(paths[i], &other) == 0 && other.st_dev == st->st_dev &&
		    other.st_ino == st->st_ino)
			return true;
	return false;
}

static int check_chown(const char *source, const struct stat *st, struct mb_err *err)
{
	return is_the_hosts(st) ? mb_fail(err, EPERM,
	                                  "mount option 'U': the host lives in '%s', its owner "
	                                  "does not change",
	                                  source)
	                        : 0;
}

/* Where owners change nobody may lead us by a link: another container may have put it there. */
static int open_source(const char *path, bool is_given_away, int *ret_fd)
{
	return mb_sys_path_openat2(AT_FDCWD, path, O_PATH, 0,
	                           is_given_away ? RESOLVE_NO_SYMLINKS : 0, ret_fd);
}

static int fail_source(const char *path, bool is_given_away, int r, struct mb_err *err)
{
	if (is_given_away && r == -ELOOP)
		return mb_fail(err, ELOOP,
		               "mount option 'U': '%s' leads through a link, which is not followed "
		               "where owners change",
		               path);
	return mb_fail_sys(err, -r, "cannot open the bind source '%s'", path);
}

static int check_there(const struct mb_volume_mount *asked, const struct stat *st,
                       struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = asked->chown ? open_source(asked->source, true, &fd) : 0;

	if (asked->overlay && !S_ISDIR(st->st_mode))
		return mb_fail(err, ENOTDIR, "mount option 'O': '%s' is not a directory",
		               asked->source);
	if (r < 0)
		return fail_source(asked->source, true, r, err);
	return asked->chown ? check_chown(asked->source, st, err) : 0;
}

static int check_bind(const struct mb_volume_mount *asked, struct mb_err *err)
{
	struct stat st;

	if (stat(asked->source, &st) == 0)
		return check_there(asked, &st, err);
	if (asked->by_short_form || asked->create_source)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return mb_fail(err, EINVAL,
		               "invalid mount config for type \"bind\": bind source path does not "
		               "exist: %s",
		               asked->source);
	return mb_fail_sys(err, errno, "invalid mount config for type \"bind\": '%s'",
	                   asked->source);
}

static int add(struct collecting *c, const struct mb_volume_mount *asked, struct mb_err *err)
{
	struct mb_container_mount *m;

	if (strcmp(asked->target, "/") == 0)
		return mb_fail(err, EINVAL, "invalid specification: destination can't be '/'");
	if (has_destination(c->record, asked->target))
		return mb_fail(err, EINVAL, "Duplicate mount point: %s", asked->target);
	m = mb_container_append(&c->record->mounts, &c->record->n_mounts, sizeof(*m));
	m->type = mb_strdup(mb_volume_mount_type_name(asked->type));
	m->destination = mb_strdup(asked->target);
	m->rw = !asked->readonly;
	m->mode = asked->relabel ? mb_strndup(&asked->relabel, 1) : mb_strdup("");
	m->nocopy = asked->nocopy;
	m->idmap = asked->idmap;
	m->chown = asked->chown;
	m->overlay = asked->overlay ? mb_asprintf("%zu", c->record->n_mounts) : NULL;
	m->recursive = (int)asked->recursive;
	m->create_source = asked->by_short_form || asked->create_source;
	m->subpath = mb_strdup_or_null(asked->subpath);
	m->propagation = mb_strdup("");
	if (asked->type == MB_VOLUME_VOLUME) {
		if (asked->source || asked->driver || asked->labels.n || asked->options.n)
			return use_volume(c, m, asked, err);
		name_volume(c, m);
		return 0;
	}
	if (asked->type == MB_VOLUME_TMPFS) {
		m->source = mb_strdup("");
		m->options = tmpfs_options(asked);
		return 0;
	}
	if (asked->type == MB_VOLUME_IMAGE)
		return use_image(c, m, asked, err);
	m->source = mb_strdup(asked->source);
	m->options = asked->flags.n ? mb_strv_join(&asked->flags, ",") : NULL;
	mb_strset(&m->propagation, asked->propagation == MB_VOLUME_PROPAGATION_DEFAULT
	                                   ? "rprivate"
	                                   : mb_volume_propagation_name(asked->propagation));
	if (asked->idmap && !c->has_userns)
		return mb_fail(err, EINVAL,
		               "mount '%s': 'idmap' needs a user namespace (--userns, --uidmap)",
		               asked->target);
	return check_bind(asked, err);
}

typedef int parse_fn(const char *text, const char *cwd, struct mb_volume_mount **ret,
                     struct mb_err *err);

static int parse_tmpfs(const char *text, const char *cwd, struct mb_volume_mount **ret,
                       struct mb_err *err)
{
	(void)cwd;
	return mb_volume_mount_parse_tmpfs(text, ret, err);
}

static int add_all(struct collecting *c, const struct mb_strv *texts, const char *cwd,
                   parse_fn *parse, struct mb_err *err)
{
	for (size_t i = 0; i < texts->n; i++) {
		MB_AUTO(mb_volume_mount_free) struct mb_volume_mount *asked = NULL;
		int r = parse(texts->v[i], cwd, &asked, err);

		if (r == 0)
			r = add(c, asked, err);
		if (r < 0)
			return r;
		c->record->mounts[c->record->n_mounts - 1].by_mount =
			parse == mb_volume_mount_parse_long;
	}
	return 0;
}

static void copy_mount(struct mb_container_record *record, const struct mb_container_mount *from,
                       bool readonly)
{
	struct mb_container_mount *m =
		mb_container_append(&record->mounts, &record->n_mounts, sizeof(*m));

	*m = *from;
	m->type = mb_strdup(from->type);
	m->name = mb_strdup_or_null(from->name);
	m->source = mb_strdup_or_null(from->source);
	m->destination = mb_strdup(from->destination);
	m->mode = mb_strdup_or_null(from->mode);
	m->propagation = mb_strdup_or_null(from->propagation);
	m->options = mb_strdup_or_null(from->options);
	m->image = mb_strdup_or_null(from->image);
	m->subpath = mb_strdup_or_null(from->subpath);
	m->overlay = from->overlay ? mb_asprintf("%zu", record->n_mounts) : NULL;
	m->chown = false; /* another's user is nobody here */
	m->rw = from->rw && !readonly;
	m->nocopy = true;
	m->by_mount = false;
	m->anonymous = false; /* it goes with the container that made it */
}

static int add_from(struct collecting *c, const char *text, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *other = NULL;
	MB_AUTO_FREE char *name = NULL;
	bool readonly;
	int r = mb_volume_from_parse(text, &name, &readonly, err);

	if (r < 0)
		return r;
	r = mb_container_find(c->store, name, &other, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	for (size_t i = 0; i < other->record->n_mounts; i++) {
		const struct mb_container_mount *m = &other->record->mounts[i];

		if (strcmp(m->type, "tmpfs") != 0 && !has_destination(c->record, m->destination))
			copy_mount(c->record, m, readonly);
	}
	return 0;
}

static int add_image_volumes(struct collecting *c, const struct mb_strv *paths, struct mb_err *err)
{
	for (size_t i = 0; i < paths->n; i++) {
		MB_AUTO_FREE char *target = mb_sys_path_clean(paths->v[i]);
		struct mb_volume_mount asked = {.type = MB_VOLUME_VOLUME, .target = target};
		int r;

		if (has_destination(c->record, target))
			continue;
		r = add(c, &asked, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int mb_container_mounts_collect(struct mb_store *store, struct mb_container_create_request *q,
                                struct mb_container_record *record, struct mb_err *err)
{
	struct collecting c = {.store = store,
	                       .record = record,
	                       .ephemeral = q->host.auto_remove,
	                       .has_userns = mb_container_has_userns(&q->host)};
	int r = add_all(&c, &q->volumes, q->cwd, mb_volume_mount_parse_short, err);

	if (r == 0)
		r = add_all(&c, &q->mounts, q->cwd, mb_volume_mount_parse_long, err);
	if (r == 0)
		r = add_all(&c, &q->tmpfs, NULL, parse_tmpfs, err);
	for (size_t i = 0; r == 0 && i < q->host.volumes_from.n; i++)
		r = add_from(&c, q->host.volumes_from.v[i], err);
	if (r == 0)
		r = add_image_volumes(&c, &q->config.volumes, err);
	if (r < 0) {
		mb_container_mounts_discard(store, record);
		return r;
	}
	mb_strv_add_all(&q->host.binds, &q->volumes);
	for (size_t i = 0; i < q->tmpfs.n; i++) {
		MB_AUTO_FREE char *pair = mb_strdup(q->tmpfs.v[i]);
		char *colon = strchr(pair, ':');

		if (colon)
			*colon = '\0';
		mb_kv_set(&q->host.tmpfs, pair, colon ? colon + 1 : "");
	}
	return 0;
}

int mb_container_mounts_make(struct mb_store *store, const struct mb_container_record *record,
                             struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < record->n_mounts; i++) {
		const struct mb_volume_create_request request = {
			.name = record->mounts[i].name,
			.anonymous = true,
			.ephemeral = record->host.auto_remove,
		};
		MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;

		if (record->mounts[i].anonymous)
			r = mb_volume_create(store, &request, &volume, NULL, err);
	}
	return r;
}

void mb_container_mounts_discard(struct mb_store *store, const struct mb_container_record *record)
{
	for (size_t i = 0; i < record->n_mounts; i++)
		if (record->mounts[i].anonymous)
			mb_volume_remove(store, record->mounts[i].name, true, NULL, NULL);
}

/* @but: the id of one that does not count, or NULL. */
static int add_users(struct mb_store *store, const char *name, const char *but, struct mb_strv *out,
                     struct mb_err *err)
{
	struct mb_container_list all;
	int r = mb_container_list_load(store, false, &all, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < all.n; i++) {
		const struct mb_container_record *other = all.v[i]->record;

		if (mb_streq(other->id, but) || !mb_container_is_running(all.v[i]))
			continue;
		for (size_t k = 0; k < other->n_mounts; k++)
			if (mb_streq(other->mounts[k].name, name))
				mb_strv_add(out, other->id);
	}
	mb_container_list_done(&all);
	return 0;
}

static int ask_running(void *store, const char *name, struct mb_strv *out, struct mb_err *err)
{
	return add_users(store, name, NULL, out, err);
}

struct mb_volume_users mb_container_volume_users(struct mb_store *store)
{
	return (struct mb_volume_users){.ask = ask_running, .arg = store};
}

struct ending {
	struct mb_store *store;
	const char *id;
};

static int ask_others(void *arg, const char *name, struct mb_strv *out, struct mb_err *err)
{
	const struct ending *ending = arg;

	return add_users(ending->store, name, ending->id, out, err);
}

void mb_container_mounts_release(struct mb_store *store, const struct mb_container_record *record)
{
	struct ending ending = {.store = store, .id = record->id};
	const struct mb_volume_users others = {.ask = ask_others, .arg = &ending};

	for (size_t i = 0; i < record->n_mounts; i++) {
		MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
		const char *name = record->mounts[i].name;

		if (name && mb_volume_find(store, name, &volume, NULL) == 0 &&
		    mb_volume_has_mount(volume))
			mb_volume_release(store, name, &others, NULL);
	}
}

void mb_container_volume_leave(struct mb_store *store, const char *name)
{
	const struct mb_volume_users users = mb_container_volume_users(store);
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;

	if (mb_volume_find(store, name, &volume, NULL) == 0 && mb_volume_has_mount(volume) &&
	    !mb_volume_is_in_memory(volume))
		mb_volume_release(store, name, &users, NULL);
}

/* --- at start --------------------------------------------------------------------------------- */

/* Of @whole, what the mount shows: all of it or what is below. */
static int open_part(const struct mb_container_mount *mount, int whole, int *ret_fd,
                     struct mb_err *err)
{
	MB_AUTO_CLOSE int below = -1;
	int r;

	if (!mount->subpath)
		return mb_sys_mount_clone(whole, "", true, ret_fd, err);
	r = mb_sys_path_open(whole, mount->subpath, O_PATH, &below, err);
	if (r < 0)
		return mb_wrap(err, r, "%s '%s'", mount->type,
		               mount->name ? mount->name : mount->source);
	return mb_sys_mount_clone(below, "", true, ret_fd, err);
}

static int open_volume(struct mb_store *store, const struct mb_container_mount *mount,
                       const struct mb_container_mount_use *use, int *ret_fd, struct mb_err *err)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	MB_AUTO_CLOSE int data = -1;
	int r = mb_volume_find(store, mount->name, &volume, err);

	if (r != 0)
		return r < 0 ? r : -ENOENT;
	r = mb_volume_data_open(store, volume, &data, use->holds, err);
	if (r < 0)
		return r;
	if (!mount->nocopy && !mount->subpath && !use->looks) {
		r = mb_volume_copy_up(store, volume, use->rootfs_fd, mount->destination, data, err);
		if (r < 0)
			return r;
	}
	return open_part(mount, data, ret_fd, err);
}

static int open_image(struct mb_store *store, const struct mb_container_mount *mount,
                      const struct mb_container_mount_use *use, int *ret_fd, struct mb_err *err)
{
	const char *id = mount->image ? mb_skip_prefix(mount->image, "sha256:") : NULL;
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_CLOSE int whole = -1;
	int r;

	if (!id)
		return mb_fail(err, EUCLEAN, "its image is not told");
	r = mb_image_open(store, id, &image, err);
	if (r == 0)
		r = mb_image_view(store, image, use->userns_fd, &whole, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	if (mount->subpath)
		return open_part(mount, whole, ret_fd, err);
	*ret_fd = mb_take_fd(&whole);
	return 0;
}

/* docker makes what -v names and is not there, as a directory of root's. */
static int make_source(const char *path, struct mb_err *err)
{
	MB_AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return mb_fail_sys(err, errno, "cannot open '/'");
	return mb_sys_path_mkdirs(root, path, 0755, NULL, err);
}

static int open_layer(const struct mb_container_mount *mount, const char *name, int at, int *ret_fd,
                      struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("overlays/%s/%s", mount->overlay, name);

	return mb_sys_path_mkdirs(at, path, 0755, ret_fd, err);
}

/* Its root is what the source's is. */
static int take_after(int upper_fd, int source_fd, struct mb_err *err)
{
	struct stat st;

	if (fstat(source_fd, &st) < 0 ||
	    fchownat(upper_fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) < 0 ||
	    fchmodat(upper_fd, ".", st.st_mode & 07777, 0) < 0)
		return mb_fail_sys(err, errno, "cannot make a layer for an overlay");
	return 0;
}

/* Who only looks may do so while it starts: its layer is then one more that is read. */
static int mount_overlay(const struct mb_container_mount *mount,
                         const struct mb_container_mount_use *use, int source_fd, int *ret_fd,
                         struct mb_err *err)
{
	MB_AUTO_FREE char *last = mb_asprintf("overlays/%s/work", mount->overlay);
	const bool is_new = faccessat(use->container_fd, last, F_OK, 0) < 0;
	int lowers[2] = {source_fd, source_fd};
	struct mb_sys_overlay overlay = {
		.lowers = lowers, .n_lowers = 1, .upper_fd = -1, .work_fd = -1};
	MB_AUTO_CLOSE int upper = -1, work = -1;
	int r;

	if (use->looks && is_new)
		return mb_sys_mount_clone(source_fd, "", false, ret_fd, err);
	r = open_layer(mount, "upper", use->container_fd, &upper, err);
	if (r == 0 && is_new)
		r = take_after(upper, source_fd, err);
	if (r == 0)
		r = open_layer(mount, "work", use->container_fd, &work, err);
	if (r < 0)
		return r;
	if (use->looks) {
		lowers[0] = upper;
		overlay.n_lowers = 2;
	} else {
		overlay.upper_fd = upper;
		overlay.work_fd = work;
	}
	return mb_sys_mount_overlay(&overlay, ret_fd, err);
}

static int open_bind(const struct mb_container_mount *mount,
                     const struct mb_container_mount_use *use, int *ret_fd, struct mb_err *err)
{
	bool recursive = mount->recursive != MB_VOLUME_RECURSIVE_DISABLED;
	MB_AUTO_CLOSE int source = -1;
	int r = open_source(mount->source, mount->chown, &source);

	if (r == -ENOENT && mount->create_source && !use->looks) {
		r = make_source(mount->source, err);
		if (r < 0)
			return r;
		r = open_source(mount->source, mount->chown, &source);
	}
	if (r < 0)
		return fail_source(mount->source, mount->chown, r, err);
	if (mount->overlay)
		return mount_overlay(mount, use, source, ret_fd, err);
	return mb_sys_mount_clone(source, "", recursive, ret_fd, err);
}

static int open_tree_fd(const struct mb_container_mount *mount, int *ret_fd, struct mb_err *err)
{
	*ret_fd = fcntl(mount->tree_fd, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot keep a mount's descriptor") : 0;
}

static uint64_t propagation_of(const char *name)
{
	static const struct {
		const char *name;
		uint64_t flag;
	} rows[] = {{"shared", MS_SHARED}, {"slave", MS_SLAVE}, {"private", MS_PRIVATE}};

	name += name[0] == 'r';
	for (size_t i = 0; i < MB_N(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].flag;
	return MS_PRIVATE;
}

static int set_flags(const struct mb_container_mount *mount, int fd, struct mb_err *err)
{
	const char *propagation = mount->propagation ? mount->propagation : "";
	bool all = mount->recursive == MB_VOLUME_RECURSIVE_READONLY ||
	           mount->recursive == MB_VOLUME_RECURSIVE_DEFAULT;
	int r = mb_sys_mount_setattr(fd, 0, 0, propagation_of(propagation), propagation[0] != 's',
	                             err);

	if (r < 0 || mount->rw)
		return r;
	r = mb_sys_mount_setattr(fd, MOUNT_ATTR_RDONLY, 0, 0, all, err);
	/* What lies below may not allow it; docker then makes the top alone read-only. */
	if (r < 0 && mount->recursive == MB_VOLUME_RECURSIVE_DEFAULT)
		r = mb_sys_mount_setattr(fd, MOUNT_ATTR_RDONLY, 0, 0, false, err);
	return r;
}

static int give(const struct mb_container_mount *mount, const struct mb_container_mount_use *use,
                int fd, struct mb_err *err)
{
	struct stat st;
	int r;

	if (!mount->chown || !use->owns)
		return 0;
	if (fstat(fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot look at '%s'", mount->source);
	r = check_chown(mount->source, &st, err);
	return r == 0 ? mb_sys_tree_own(fd, use->uid, use->gid, err) : r;
}

int mb_container_mount_open(struct mb_store *store, const struct mb_container_mount *mount,
                            const struct mb_container_mount_use *use, int *ret_fd,
                            struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r;

	*ret_fd = -1;
	if (strcmp(mount->type, "tmpfs") == 0)
		return 0;
	if (strcmp(mount->type, "volume") == 0)
		r = open_volume(store, mount, use, &fd, err);
	else if (strcmp(mount->type, "image") == 0)
		r = open_image(store, mount, use, &fd, err);
	else if (strcmp(mount->type, "tree") == 0)
		r = open_tree_fd(mount, &fd, err);
	else
		r = open_bind(mount, use, &fd, err);
	/* While it can be written, read-only as it may be for the container. */
	if (r == 0)
		r = give(mount, use, fd, err);
	if (r == 0)
		r = set_flags(mount, fd, err);
	if (r < 0)
		return mb_wrap(err, r, "mount '%s'", mount->destination);
	*ret_fd = mb_take_fd(&fd);
	return 0;
}
