/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --userns, --uidmap and --gidmap become maps, and --userns=auto finds a range of its own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "container/create.h"
#include "container/record.h"
#include "container/userns.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/io.h"
#include "core/parse.h"
#include "core/str.h"
#include "store/lock.h"
#include "store/store.h"

enum {
	AUTO_SIZE = 65536,
	AUTO_SIZE_MAX = 1 << 24,
	/* Without words in /etc/subuid: above what systemd gives to its containers. */
	DEFAULT_FIRST = 0x70000000,
	DEFAULT_COUNT = 0x10000000,
	SUBID_MAX = 1 << 20,
};

struct ranges {
	struct mb_sys_id_range *v; /* outside and count */
	size_t n;
};

static void ranges_done(struct ranges *ranges)
{
	free(ranges->v);
}

static void add_range(struct ranges *ranges, uint32_t first, uint32_t count)
{
	struct mb_sys_id_range *slot = mb_container_append(&ranges->v, &ranges->n, sizeof(*slot));

	slot->outside = first;
	slot->count = count;
}

/* ---- the ranges that are ours: lines "mybox:100000:65536" ---- */

static void read_line(const char *line, struct ranges *ranges)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	uint32_t first, count;

	mb_strv_split(&parts, line, ':');
	if (parts.n == 3 &&
	    (strcmp(parts.v[0], "mybox") == 0 || strcmp(parts.v[0], "containers") == 0) &&
	    mb_parse_u32(parts.v[1], &first) == 0 && mb_parse_u32(parts.v[2], &count) == 0 &&
	    count > 0 && count <= UINT32_MAX - first)
		add_range(ranges, first, count);
}

static void read_subids(const char *path, struct ranges *ranges)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;

	if (mb_read_file(AT_FDCWD, path, SUBID_MAX, &text, NULL) == 0) {
		mb_strv_split(&lines, mb_str_text(&text), '\n');
		MB_STRV_FOREACH (line, &lines)
			read_line(line, ranges);
	}
	if (ranges->n == 0)
		add_range(ranges, DEFAULT_FIRST, DEFAULT_COUNT);
}

/* ---- those that containers have ---- */

static void add_held(const struct mb_sys_id_range *from, size_t n, struct ranges *held)
{
	for (size_t i = 0; i < n; i++)
		add_range(held, from[i].outside, from[i].count);
}

/* One whose record cannot be read cannot start either. */
static void read_container(int containers, const char *name, struct ranges held[2])
{
	MB_AUTO(mb_container_record_free) struct mb_container_record *record = NULL;
	MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};
	MB_AUTO_CLOSE int dir =
		openat(containers, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0 || mb_container_record_load(dir, &record, NULL) != 0 ||
	    !mb_container_has_userns(&record->host) ||
	    mb_container_maps_read(&record->host, &maps, NULL) < 0)
		return;
	add_held(maps.uids, maps.n_uids, &held[0]);
	add_held(maps.gids, maps.n_gids, &held[1]);
}

static int read_containers(struct mb_store *store, struct ranges held[2], struct mb_err *err)
{
	MB_AUTO_CLOSE int containers = -1;
	const struct dirent *entry;
	DIR *dir;
	int r = mb_store_dir(store, "containers", false, &containers, err);

	if (r < 0)
		return r;
	dir = mb_dir_open(containers, ".");
	if (!dir)
		return mb_fail_sys(err, errno, "cannot list the containers");
	while ((entry = mb_dir_next(dir)))
		read_container(containers, entry->d_name, held);
	closedir(dir);
	return 0;
}

/* The first place in @ours where @size ids are nobody's, or -1. */
static int64_t find_free(const struct ranges *ours, const struct ranges *held, uint32_t size)
{
	for (size_t i = 0; i < ours->n; i++) {
		const uint64_t end = (uint64_t)ours->v[i].outside + ours->v[i].count;
		uint64_t at = ours->v[i].outside;

		for (size_t k = 0; at + size <= end && k < held->n; k++) {
			const uint64_t first = held->v[k].outside, last = first + held->v[k].count;

			if (at < last && first < at + size) {
				at = last;
				k = SIZE_MAX; /* from the first again */
			}
		}
		if (at + size <= end)
			return (int64_t)at;
	}
	return -1;
}

static int choose(struct mb_store *store, uint32_t size, struct mb_container_host_config *h,
                  struct mb_err *err)
{
	static const char *const files[] = {"/etc/subuid", "/etc/subgid"};
	struct mb_strv *const maps[] = {&h->uid_map, &h->gid_map};
	struct ranges held[2] = {{0}};
	int r = read_containers(store, held, err);

	for (size_t i = 0; r == 0 && i < MB_N(files); i++) {
		__attribute__((cleanup(ranges_done))) struct ranges ours = {0};
		int64_t at;

		read_subids(files[i], &ours);
		at = find_free(&ours, &held[i], size);
		if (at < 0)
			r = mb_fail(err, ENOSPC, "--userns=auto: no %u ids are left in %s", size,
			            files[i]);
		else
			mb_strv_addf(maps[i], "0:%lld:%u", (long long)at, size);
	}
	ranges_done(&held[0]);
	ranges_done(&held[1]);
	return r;
}

/* ---- the options ---- */

/* "auto", "auto:size=4096" */
static int parse_auto(const char *rest, uint32_t *ret_size, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;

	*ret_size = AUTO_SIZE;
	if (!*rest)
		return 0;
	mb_strv_split(&options, rest + 1, ',');
	MB_STRV_FOREACH (option, &options) {
		const char *size = mb_skip_prefix(option, "size=");

		if (!size)
			return mb_fail(err, EOPNOTSUPP,
			               "--userns=auto: option '%s' is not supported", option);
		if (mb_parse_u32(size, ret_size) < 0 || *ret_size == 0 || *ret_size > AUTO_SIZE_MAX)
			return mb_fail(err, EINVAL, "--userns=auto: invalid size '%s'", size);
	}
	return 0;
}

static int refuse_mode(const char *mode, struct mb_err *err)
{
	static const char *const podmans[] = {"keep-id", "nomap", "container:", "ns:"};

	for (size_t i = 0; i < MB_N(podmans); i++)
		if (mb_starts_with(mode, podmans[i]))
			return mb_fail(err, EOPNOTSUPP, "--userns=%s is not supported", mode);
	return mb_fail(err, EINVAL, "--userns: invalid USER mode: %s", mode);
}

/* In docker's words. */
static int check_conflicts(const struct mb_container_host_config *h, struct mb_err *err)
{
	const struct {
		const char *mode, *what;
	} shared[] = {{h->network_mode, "network namespace"},
	              {h->pid_mode, "PID namespace"},
	              {h->ipc_mode, "IPC namespace"},
	              {h->cgroupns_mode, "cgroup namespace"}};

	if (h->privileged)
		return mb_fail(err, EINVAL,
		               "privileged mode is incompatible with user namespaces; use "
		               "--userns=host");
	for (size_t i = 0; i < MB_N(shared); i++) {
		if (mb_streq(shared[i].mode, "host"))
			return mb_fail(
				err, EINVAL,
				"cannot share the host's %s when user namespaces are enabled",
				shared[i].what);
		if (shared[i].mode && mb_starts_with(shared[i].mode, "ns:"))
			return mb_fail(err, EINVAL,
			               "cannot join a %s when user namespaces are enabled",
			               shared[i].what);
		if (shared[i].mode && mb_starts_with(shared[i].mode, "container:"))
			return mb_fail(err, EINVAL,
			               "cannot share another container's %s when user namespaces "
			               "are enabled",
			               shared[i].what);
	}
	return 0;
}

static int check_kernel(struct mb_err *err)
{
	unsigned major = 0, minor = 0;
	struct utsname host = {0};

	if (uname(&host) == 0 && sscanf(host.release, "%u.%u", &major, &minor) == 2 &&
	    (major < 5 || (major == 5 && minor < 19)))
		return mb_fail(err, EOPNOTSUPP,
		               "user namespaces need Linux 5.19, which maps the ids of layers");
	return 0;
}

int mb_container_userns_check(struct mb_store *store, struct mb_container_create_request *q,
                              int *ret_lock, struct mb_err *err)
{
	struct mb_container_host_config *h = &q->host;
	const char *mode = h->userns_mode ? h->userns_mode : "",
		   *rest = mb_skip_prefix(mode, "auto");
	const bool mapped = h->uid_map.n || h->gid_map.n,
		   is_auto = rest && (!*rest || *rest == ':');
	MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};
	uint32_t size = 0;
	int r;

	if (!is_auto && *mode && strcmp(mode, "host") != 0 &&
	    (!mapped || strcmp(mode, "private") != 0))
		return refuse_mode(mode, err);
	if (mapped && *mode && strcmp(mode, "private") != 0)
		return mb_fail(err, EINVAL,
		               "conflicting options: --userns=%s and --uidmap or --gidmap", mode);
	if (!mapped && !is_auto)
		return 0;
	r = check_conflicts(h, err);
	if (r == 0)
		r = check_kernel(err);
	if (r == 0 && is_auto)
		r = parse_auto(rest, &size, err);
	if (r == 0 && is_auto)
		r = mb_store_lock(store, MB_RANK_IDS, "userns", true, true, ret_lock, err);
	if (r == 0 && is_auto)
		r = choose(store, size, h, err);
	if (r < 0)
		return r;
	/* One of them stands for both, as podman has it. */
	if (!h->uid_map.n)
		mb_strv_add_all(&h->uid_map, &h->gid_map);
	if (!h->gid_map.n)
		mb_strv_add_all(&h->gid_map, &h->uid_map);
	if (!*mode)
		mb_strset(&h->userns_mode, "private");
	return mb_container_maps_read(h, &maps, err);
}
