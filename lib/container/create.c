/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "container/check_request.h"
#include "container/container.h"
#include "container/event.h"
#include "container/health.h"
#include "container/mounts.h"
#include "container/secrets.h"
#include "container/userns.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "image/image.h"
#include "image/refs.h"
#include "net/network_spec.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/tree.h"
#include "json/json.h"

void mb_container_create_request_done(struct mb_container_create_request *q)
{
	struct mb_container_record holder = {.config = q->config, .host = q->host};
	struct mb_strv *lists[] = {
		&q->layers,       &q->command,     &q->volumes,  &q->mounts,       &q->tmpfs,
		&q->networks,     &q->aliases,     &q->links,    &q->expose,       &q->ulimits,
		&q->devices,      &q->secrets,     &q->host_env, &q->throttles[0], &q->throttles[1],
		&q->throttles[2], &q->throttles[3]};
	char **texts[] = {&q->name, &q->image, &q->platform, &q->ip, &q->ip6, &q->mac, &q->cwd};

	mb_container_record_done(&holder);
	for (size_t i = 0; i < MB_N(lists); i++)
		mb_strv_done(lists[i]);
	for (size_t i = 0; i < MB_N(texts); i++)
		mb_strset(texts[i], NULL);
}

/* --- the image's settings below the user's ---------------------------------------------------- */

static void add_missing(struct mb_strv *env, const struct mb_strv *more)
{
	for (size_t i = 0; i < more->n; i++) {
		MB_AUTO_FREE char *name = mb_strndup(more->v[i], strcspn(more->v[i], "="));

		if (!mb_env_names(env, name))
			mb_env_set(env, more->v[i]);
	}
}

static void merge_env(struct mb_container_create_request *q, const struct mb_image_settings *image)
{
	static const struct mb_strv none = {0};
	const struct mb_strv *below = q->drop_image_env ? &none : &image->env;
	struct mb_container_config *config = &q->config;
	struct mb_strv env = MB_STRV_INIT;

	if (!mb_env_find(below, "PATH") && !mb_env_find(&q->host_env, "PATH"))
		mb_strv_add(&env,
		            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	/* docker's order: the user's words first, then what the image has besides. */
	for (size_t i = 0; i < config->env.n; i++)
		mb_env_set(&env, config->env.v[i]);
	add_missing(&env, below);
	add_missing(&env, &q->host_env);
	mb_strv_done(&config->env);
	config->env = env;
}

static void merge_labels(struct mb_container_config *config, const struct mb_image_settings *image)
{
	struct mb_kv labels = MB_KV_INIT;

	mb_kv_set_all(&labels, &image->labels);
	mb_kv_set_all(&labels, &config->labels);
	mb_kv_done(&config->labels);
	config->labels = labels;
}

/* An entrypoint of the user's own drops the image's command with the image's entrypoint. */
static void merge_command(struct mb_container_create_request *q,
                          const struct mb_image_settings *image)
{
	mb_strv_add_all(&q->config.cmd, &q->command);
	if (q->has_entrypoint)
		return;
	mb_strv_add_all(&q->config.entrypoint, &image->entrypoint);
	if (q->command.n == 0)
		mb_strv_add_all(&q->config.cmd, &image->cmd);
}

static void merge_set(struct mb_strv *into, const struct mb_strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!mb_strv_has(into, from->v[i]))
			mb_strv_add(into, from->v[i]);
}

static void default_to(char **slot, const char *otherwise)
{
	if (!*slot || !**slot)
		mb_strset(slot, otherwise);
}

static const char *usual_name(const char *architecture)
{
	if (mb_streq(architecture, "x86_64"))
		return "amd64";
	return mb_streq(architecture, "aarch64") ? "arm64" : architecture;
}

/* @platform: "linux", "arm64", "linux/arm64" or "linux/arm/v7". */
static int check_platform(const char *platform, const char *name, const struct mb_image *image,
                          struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	const char *os = "linux", *architecture, *variant;

	if (!platform || !*platform)
		return 0;
	mb_strv_split(&parts, platform, '/');
	if (parts.n > 1 || mb_streq(parts.v[0], "linux"))
		os = parts.v[0];
	architecture = parts.n > 1 ? parts.v[1] : os == parts.v[0] ? NULL : parts.v[0];
	variant = parts.n > 2 ? parts.v[2] : NULL;
	if (parts.n <= 3 && mb_streq(os, image->os ? image->os : "linux") &&
	    (!architecture || !image->architecture ||
	     mb_streq(usual_name(architecture), image->architecture)) &&
	    (!variant || !image->variant || mb_streq(variant, image->variant)))
		return 0;
	return mb_fail(err, EINVAL,
	               "image with reference %s was found but its platform (%s/%s) does not match "
	               "the specified platform (%s)",
	               name, image->os ? image->os : "linux",
	               image->architecture ? image->architecture : "unknown", platform);
}

static int merge_image(struct mb_container_create_request *q, const struct mb_image *image,
                       struct mb_err *err)
{
	struct mb_container_config *config = &q->config;

	merge_env(q, &image->config);
	merge_labels(config, &image->config);
	merge_command(q, &image->config);
	merge_set(&config->exposed_ports, &image->config.ports);
	merge_set(&config->volumes, &image->config.volumes);
	default_to(&config->user, image->config.user);
	default_to(&config->working_dir, image->config.workdir);
	default_to(&config->stop_signal, image->config.stop_signal);
	mb_strset(&config->image, q->image);
	if (config->entrypoint.n + config->cmd.n == 0)
		return mb_fail(err, EINVAL, "No command specified");
	return mb_container_health_merge(config, &image->config, err);
}

/* --- what is not the image's ------------------------------------------------------------------ */

static void set_hostname(struct mb_container_create_request *q, const char *id, bool of_host)
{
	struct mb_container_config *config = &q->config;
	char shortened[MB_ID_SHORT + 1];
	struct utsname host;

	if (config->hostname && *config->hostname)
		return;
	memcpy(shortened, id, MB_ID_SHORT);
	shortened[MB_ID_SHORT] = '\0';
	if (of_host && uname(&host) == 0)
		mb_strset(&config->hostname, host.nodename);
	else
		mb_strset(&config->hostname, shortened);
}

static void set_defaults(struct mb_container_create_request *q)
{
	struct mb_container_host_config *host = &q->host;

	default_to(&host->restart.name, "no");
	default_to(&host->ipc_mode, "private");
	default_to(&host->cgroupns_mode, "private");
	default_to(&host->runtime, "mybox");
	if (host->shm_size == 0)
		host->shm_size = 64 << 20;
}

/* --- the store -------------------------------------------------------------------------------- */

/* How long somebody else's work at a name is waited for. */
enum { STALE_TRIES = 200, STALE_NSEC = 10000000 };

struct making {
	struct mb_store *store;
	int containers, names;
	struct mb_container_record *record;
	char temporary[8 + MB_ID_TEXT];
	bool claimed;
};

/* Is a name's holder there, or in the making? */
static bool exists(const struct making *m, const char *id)
{
	char temporary[8 + MB_ID_TEXT];

	snprintf(temporary, sizeof(temporary), ".tmp-%s", id);
	return faccessat(m->containers, id, F_OK, 0) == 0 ||
	       faccessat(m->containers, temporary, F_OK, 0) == 0;
}

/* A name whose container is not there: the command that removed it did not live to say so, or is
 * about to; or the one that makes it has just claimed it.  Who is at it has its lock. */
static void drop_stale(struct making *m, const char *name, const char *holder)
{
	const struct timespec pause = {.tv_nsec = STALE_NSEC};
	MB_AUTO_CLOSE int lock = -1;
	char lock_name[8 + MB_ID_TEXT];

	snprintf(lock_name, sizeof(lock_name), "c-%s", holder);
	if (mb_store_lock(m->store, MB_RANK_CONTAINER, lock_name, true, false, &lock, NULL) != 0) {
		nanosleep(&pause, NULL);
		return;
	}
	if (exists(m, holder))
		return;
	mb_store_name_release(m->names, name, holder, NULL);
	mb_store_lock_retire(m->store, lock_name, lock);
}

/* What leads nowhere, unless it went meanwhile: then the name is anybody's. */
static void drop_broken(const struct making *m, const char *name)
{
	char unused[MB_ID_TEXT];
	struct stat st;

	if (fstatat(m->names, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    mb_store_name_find(m->names, name, unused, NULL) == MB_STORE_ABSENT)
		unlinkat(m->names, name, 0);
}

static int claim(struct making *m, const char *name, struct mb_err *err)
{
	char holder[MB_ID_TEXT] = "";
	int r;

	for (int tries = 0; tries < STALE_TRIES; tries++) {
		r = mb_store_name_claim(m->names, name, m->record->id, holder, err);
		if (r != MB_STORE_TAKEN || (holder[0] && exists(m, holder)))
			break;
		if (holder[0])
			drop_stale(m, name, holder);
		else
			drop_broken(m, name);
	}
	if (r == MB_STORE_TAKEN) {
		mb_fail(err, EEXIST,
		        "Conflict. The container name \"/%s\" is already in use by container "
		        "\"%s\". You have to remove (or rename) that container to be able to reuse "
		        "that name.",
		        name, holder);
		return MB_STORE_TAKEN;
	}
	if (r < 0)
		return r;
	m->claimed = true;
	mb_strset(&m->record->name, name);
	return 0;
}

static int claim_name(struct making *m, const char *wanted, struct mb_err *err)
{
	char name[64];
	int r;

	if (wanted) {
		if (!mb_name_is_valid(wanted))
			return mb_fail(
				err, EINVAL,
				"Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] "
				"are allowed",
				wanted);
		r = claim(m, wanted, err);
		return r == MB_STORE_TAKEN ? -EEXIST : r;
	}
	for (unsigned attempt = 0; attempt < 32; attempt++) {
		mb_container_name_make(attempt, name);
		r = claim(m, name, err);
		if (r != MB_STORE_TAKEN)
			return r;
	}
	return -EEXIST;
}

static int fill(struct making *m, struct mb_err *err)
{
	bool durable = !m->record->host.auto_remove;
	MB_AUTO_CLOSE int dir = -1;
	int r;

	if (mkdirat(m->containers, m->temporary, 0700) < 0)
		return mb_fail_sys(err, errno, "cannot create container '%s'", m->record->id);
	dir = openat(m->containers, m->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return mb_fail_sys(err, errno, "cannot open container '%s'", m->record->id);
	/* The upper layer's root shows as the container's "/". */
	if (mkdirat(dir, "upper", 0755) < 0 || mkdirat(dir, "work", 0700) < 0)
		return mb_fail_sys(err, errno, "cannot create the writable layer");
	if (fchmodat(dir, "upper", 0755, 0) < 0)
		return mb_fail_sys(err, errno, "cannot set the mode of the writable layer");
	r = mb_container_record_save(dir, m->record, MB_DOC_DIRECT | (durable ? MB_DOC_DURABLE : 0),
	                             err);
	return r;
}

static void add_images(const struct mb_container_record *record, struct mb_strv *ids)
{
	const char *id = mb_skip_prefix(record->image_id, "sha256:");

	if (id)
		mb_strv_add(ids, id);
	for (size_t i = 0; i < record->n_mounts; i++)
		if (record->mounts[i].image &&
		    (id = mb_skip_prefix(record->mounts[i].image, "sha256:")))
			mb_strv_add(ids, id);
}

/* Whoever removes an image asks for its containers and deletes its record below this lock: either
 * it sees ours, or we see that the image is gone. */
static int hold_images(struct making *m, int *ret_lock, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	int r;

	add_images(m->record, &ids);
	r = ids.n ? mb_image_refs_lock(m->store, ret_lock, err) : 0;
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = mb_image_is_here(m->store, ids.v[i], err);
	return r;
}

static int publish(struct making *m, const char *name, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = claim_name(m, name, err);

	if (r < 0)
		return r;
	r = fill(m, err);
	if (r == 0)
		r = mb_container_mounts_make(m->store, m->record, err);
	if (r == 0)
		r = hold_images(m, &lock, err);
	if (r != 0)
		return r;
	if (renameat(m->containers, m->temporary, m->containers, m->record->id) < 0)
		return mb_fail_sys(err, errno, "cannot create container '%s'", m->record->id);
	mb_close(&lock);
	if (!m->record->host.auto_remove && fsync(m->containers) < 0)
		return mb_fail_sys(err, errno, "cannot sync the containers");
	return 0;
}

static void undo(struct making *m)
{
	mb_sys_tree_remove(m->containers, m->temporary, NULL);
	mb_sys_tree_remove(m->containers, m->record->id, NULL);
	if (m->claimed)
		mb_store_name_release(m->names, m->record->name, m->record->id, NULL);
}

static int store_record(struct mb_store *store, struct mb_container_record *record,
                        const char *name, struct mb_err *err)
{
	struct making m = {.store = store, .containers = -1, .names = -1, .record = record};
	MB_AUTO_CLOSE int containers = -1, names = -1;
	int r = mb_store_dir(store, "containers", false, &containers, err);

	if (r == 0)
		r = mb_store_dir(store, "names", false, &names, err);
	if (r < 0)
		return r;
	m.containers = containers;
	m.names = names;
	snprintf(m.temporary, sizeof(m.temporary), ".tmp-%s", record->id);
	r = publish(&m, name, err);
	if (r != 0)
		undo(&m);
	return r;
}

static void take_request(struct mb_container_create_request *q, struct mb_container_record *record)
{
	record->config = q->config;
	record->host = q->host;
	q->config = (struct mb_container_config){0};
	q->host = (struct mb_container_host_config){0};
}

static int take_layers(struct mb_container_create_request *q, struct mb_container_record *record,
                       struct mb_err *err)
{
	record->image_id = mb_strdup("");
	record->on_layers = true;
	record->layers = q->layers;
	q->layers = MB_STRV_INIT;
	mb_strv_add_all(&q->config.cmd, &q->command);
	mb_strset(&q->config.image, q->image);
	return q->config.cmd.n + q->config.entrypoint.n
	               ? 0
	               : mb_fail(err, EINVAL, "No command specified");
}

static int take_image(struct mb_store *store, struct mb_container_create_request *q,
                      struct mb_container_record *record, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_FREE char *name = NULL;
	int r = mb_image_find(store, q->image, &image, &name, err);

	if (r != 0)
		return r == MB_IMAGE_AMBIGUOUS ? -EINVAL : r;
	record->image_id = mb_asprintf("sha256:%s", image->id);
	r = check_platform(q->platform, q->image, image, err);
	/* An id is one image; a name may mean another one of its registry. */
	if (r < 0)
		return name ? MB_CONTAINER_OTHER_PLATFORM : r;
	return merge_image(q, image, err);
}

/* "DIR" or "DIR:O": a directory that is there is the root. */
static int take_directory(struct mb_container_create_request *q, struct mb_container_record *record,
                          struct mb_err *err)
{
	const struct mb_image nothing = {0};
	MB_AUTO_FREE char *path = mb_strdup(q->image);
	struct stat st;

	record->image_id = mb_strdup("");
	record->rootfs_overlay = mb_ends_with(path, ":O");
	if (record->rootfs_overlay)
		path[strlen(path) - 2] = '\0';
	record->rootfs = realpath(path, NULL);
	if (!record->rootfs || stat(record->rootfs, &st) < 0)
		return mb_fail_sys(err, errno, "--rootfs: cannot find '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return mb_fail_sys(err, ENOTDIR, "--rootfs: '%s'", path);
	return merge_image(q, &nothing, err);
}

static int take_base(struct mb_store *store, struct mb_container_create_request *q,
                     struct mb_container_record *record, struct mb_err *err)
{
	if (q->on_layers)
		return take_layers(q, record, err);
	return q->is_rootfs ? take_directory(q, record, err) : take_image(store, q, record, err);
}

/* The image stays while we hold it, and afterwards because the record names it. */
static int create_locked(struct mb_store *store, struct mb_container_create_request *q,
                         const char *id, struct mb_strv *warnings, struct mb_err *err)
{
	MB_AUTO(mb_container_record_free) struct mb_container_record *record = NULL;
	MB_AUTO_CLOSE int hold = -1, range = -1, secrets = -1;
	int r = mb_image_hold(store, &hold, err);

	if (r < 0)
		return r;
	record = mb_calloc(1, sizeof(*record));
	record->id = mb_strdup(id);
	record->created = mb_now_nsec();
	r = take_base(store, q, record, err);
	if (r == 0)
		r = mb_container_request_check(store, q, record, warnings, err);
	if (r != 0)
		return r;
	set_hostname(q, id,
	             mb_streq(q->host.uts_mode, "host") || mb_streq(q->host.network_mode, "host"));
	set_defaults(q);
	r = mb_container_userns_check(store, q, &range, err);
	if (r == 0)
		r = mb_container_secrets_check(store, &q->secrets, &q->config, &secrets, err);
	if (r == 0)
		r = mb_container_mounts_collect(store, q, record, err);
	if (r < 0)
		return r;
	take_request(q, record);
	r = store_record(store, record, q->name, err);
	if (r != 0)
		mb_container_mounts_discard(store, record);
	return r;
}

/* Whoever makes a container holds its lock, so that .tmp-ID without a holder is garbage. */
int mb_container_create(struct mb_store *store, struct mb_container_create_request *q,
                        struct mb_container **ret, struct mb_strv *ret_warnings, struct mb_err *err)
{
	char id[MB_ID_TEXT], lock_name[8 + MB_ID_TEXT];
	MB_AUTO_CLOSE int lock = -1;
	int r;

	mb_id_make(id);
	snprintf(lock_name, sizeof(lock_name), "c-%s", id);
	r = mb_store_lock(store, MB_RANK_CONTAINER, lock_name, true, true, &lock, err);
	if (r < 0)
		return r;
	r = create_locked(store, q, id, ret_warnings, err);
	if (r != 0) {
		mb_store_lock_retire(store, lock_name, lock);
		return r;
	}
	r = mb_container_open(store, id, ret, err);
	if (r == 0)
		mb_container_event(*ret, "create");
	return r;
}
