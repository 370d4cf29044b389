/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "container/bundle.h"
#include "container/container.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/str.h"

static void add_rule(struct mb_container_bundle *b, const struct mb_sys_device_rule *rule)
{
	struct mb_oci_device_rule *shown =
		mb_oci_resources_add_device_rule(&b->spec.linux.resources);
	struct mb_sys_device_rule *slot =
		mb_container_append(&b->devices, &b->n_devices, sizeof(*slot));
	char access[4] = "";
	size_t n = 0;

	*slot = *rule;
	shown->allow = rule->allow;
	shown->type = mb_strndup(&rule->type, 1);
	shown->has_major = rule->major >= 0;
	shown->has_minor = rule->minor >= 0;
	shown->major = rule->major;
	shown->minor = rule->minor;
	if (rule->access & MB_SYS_DEVICE_READ)
		access[n++] = 'r';
	if (rule->access & MB_SYS_DEVICE_WRITE)
		access[n++] = 'w';
	if (rule->access & MB_SYS_DEVICE_MKNOD)
		access[n++] = 'm';
	shown->access = mb_strdup(access);
}

static void add_node(struct mb_container_bundle *b, const char *path, const struct stat *st)
{
	struct mb_oci_device *d = mb_oci_spec_add_device(&b->spec);

	d->type = mb_strdup(S_ISBLK(st->st_mode) ? "b" : "c");
	d->path = mb_strdup(path);
	d->major = major(st->st_rdev);
	d->minor = minor(st->st_rdev);
	d->file_mode = st->st_mode & 07777;
	d->uid = st->st_uid;
	d->gid = st->st_gid;
	d->has_file_mode = d->has_uid = d->has_gid = true;
}

static int add_one(struct mb_container_bundle *b, const char *on_host, const char *in_container,
                   const char *permissions, struct mb_err *err)
{
	struct mb_sys_device_rule rule = {.allow = true};
	struct stat st;

	if (stat(on_host, &st) < 0)
		return mb_fail_sys(err, errno,
		                   "error gathering device information while adding "
		                   "custom device \"%s\"",
		                   on_host);
	if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
		return mb_fail(err, EINVAL,
		               "error gathering device information while adding custom device "
		               "\"%s\": not a device node",
		               on_host);
	if (mb_sys_device_access_parse(permissions, &rule.access) < 0)
		return mb_fail(err, EINVAL, "invalid device mode: %s", permissions);
	rule.type = S_ISBLK(st.st_mode) ? 'b' : 'c';
	rule.major = major(st.st_rdev);
	rule.minor = minor(st.st_rdev);
	add_node(b, in_container, &st);
	add_rule(b, &rule);
	return 0;
}

/* Every node below a host directory: --device /dev/snd, and all of /dev with --privileged. */
static int add_directory(struct mb_container_bundle *b, const char *on_host,
                         const char *in_container, int depth, struct mb_err *err)
{
	DIR *dir = mb_dir_take(open(on_host, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return mb_fail_sys(err, errno, "cannot list '%s'", on_host);
	while (r == 0 && (entry = readdir(dir))) {
		static const char *const ours[] = {".",    "..",      "pts",     "shm",  "mqueue",
		                                   "fd",   "console", "ptmx",    "null", "zero",
		                                   "full", "random",  "urandom", "tty"};
		MB_AUTO_FREE char *source = mb_asprintf("%s/%s", on_host, entry->d_name);
		MB_AUTO_FREE char *target = mb_asprintf("%s/%s", in_container, entry->d_name);
		struct stat st;
		bool skip = false;

		for (size_t i = 0; i < MB_N(ours); i++)
			skip |= strcmp(entry->d_name, ours[i]) == 0;
		if (skip || lstat(source, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < 8)
			r = add_directory(b, source, target, depth + 1, err);
		else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
			add_node(b, target, &st);
	}
	closedir(dir);
	return r;
}

static int add_asked(const struct mb_container_device *d, struct mb_container_bundle *b,
                     struct mb_err *err)
{
	struct stat st;

	if (stat(d->path_on_host, &st) == 0 && S_ISDIR(st.st_mode)) {
		size_t first = b->spec.linux.n_devices;
		int r = add_directory(b, d->path_on_host, d->path_in_container, 0, err);

		for (size_t i = first; r == 0 && i < b->spec.linux.n_devices; i++) {
			const struct mb_oci_device *node = &b->spec.linux.devices[i];
			struct mb_sys_device_rule rule = {.allow = true,
			                                  .type = node->type[0],
			                                  .major = node->major,
			                                  .minor = node->minor};

			mb_sys_device_access_parse(d->permissions, &rule.access);
			add_rule(b, &rule);
		}
		return r;
	}
	return add_one(b, d->path_on_host, d->path_in_container, d->permissions, err);
}

int mb_container_devices_fill(const struct mb_container_record *record,
                              struct mb_container_bundle *b, struct mb_err *err)
{
	const struct mb_container_host_config *h = &record->host;
	const struct mb_sys_device_rule *rules;
	size_t n;
	int r = 0;

	rules = h->privileged ? mb_sys_device_rules_all(&n) : mb_sys_device_rules_default(&n);
	for (size_t i = 0; i < n; i++)
		add_rule(b, &rules[i]);
	if (h->privileged)
		r = add_directory(b, "/dev", "/dev", 0, err);
	for (size_t i = 0; r == 0 && i < h->n_devices; i++)
		r = add_asked(&h->devices[i], b, err);
	for (size_t i = 0; r == 0 && i < h->device_cgroup_rules.n; i++) {
		struct mb_sys_device_rule rule;

		r = mb_sys_device_rule_parse(h->device_cgroup_rules.v[i], true, &rule, err);
		if (r == 0)
			add_rule(b, &rule);
	}
	return r;
}
