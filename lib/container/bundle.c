/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/container.h"
#include "container/secrets.h"
#include "container/security.h"
#include "container/started.h"
#include "container/tracers.h"
#include "container/userns.h"
#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "json/json.h"

void mb_container_bundle_done(struct mb_container_bundle *bundle)
{
	for (size_t i = 0; i < bundle->n_mount_fds; i++)
		mb_close(&bundle->mount_fds[i]);
	free(bundle->mount_fds);
	free(bundle->devices);
	mb_volume_holds_done(&bundle->holds);
	mb_oci_spec_done(&bundle->spec);
	mb_close(&bundle->userns_fd);
	mb_close(&bundle->image_fd);
	*bundle = MB_CONTAINER_BUNDLE_INIT;
}

/* The process whose namespace "container:ID" means. */
static int other_pid(struct mb_store *store, const char *id, int *ret_pid, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *other = NULL;
	int r = mb_container_open(store, id, &other, err);

	if (r != 0)
		return r < 0 ? r : -ENOENT;
	if (other->state.status != MB_STATUS_RUNNING && other->state.status != MB_STATUS_PAUSED)
		return mb_fail(err, ESRCH, "cannot join namespace of a non running container: %s",
		               mb_container_name(other));
	r = mb_container_started_await(other, err);
	*ret_pid = other->state.run.pid;
	return r > 0 ? -ESRCH : r;
}

/* Process 1 is in the pid namespace from its birth, with the host's root and all capabilities until
 * it is set up: whoever lives there must not be able to trace it. */
static int check_tracers(struct mb_container *c, int pid, struct mb_err *err)
{
	MB_AUTO_FREE char *name = NULL;
	int r = mb_container_tracer_find(c, pid, &name, err);

	if (r < 0 || !name)
		return r;
	return mb_fail(err, EPERM,
	               "cannot join a pid namespace where container %s may trace: it has "
	               "CAP_SYS_PTRACE",
	               name);
}

/* docker's rule: who said that it shares its memory shares it, or who has it of somebody else. */
static int check_ipc_donor(struct mb_store *store, const char *id, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *x = NULL;
	int r = mb_container_open(store, id, &x, err);

	if (r != 0)
		return r < 0 ? r : -ENOENT;
	if (!mb_streq(x->record->host.ipc_mode, "private") &&
	    !mb_streq(x->record->host.ipc_mode, "none"))
		return 0;
	return mb_fail(err, EINVAL,
	               "can't join IPC of container %s: non-shareable IPC (hint: use "
	               "IpcMode:shareable for the donor container)",
	               id);
}

/* @mode: NULL or other words = a new one, "host" = none, "container:ID" and "ns:PATH" = joined. */
static int add_namespace(struct mb_container *c, struct mb_oci_spec *spec, const char *type,
                         const char *mode, struct mb_err *err)
{
	static const char *const files[][2] = {{"network", "net"}, {"ipc", "ipc"}, {"pid", "pid"}};
	const char *other = mode ? mb_skip_prefix(mode, "container:") : NULL;
	const char *ns = mode ? mb_skip_prefix(mode, "ns:") : NULL;
	MB_AUTO_FREE char *path = NULL;
	int pid = -1, r;

	if (mb_streq(mode, "host"))
		return 0;
	if (!other) {
		mb_oci_spec_add_namespace(spec, type, ns);
		return 0;
	}
	r = other_pid(c->store, other, &pid, err);
	if (r == 0 && mb_streq(type, "ipc"))
		r = check_ipc_donor(c->store, other, err);
	if (r == 0 && mb_streq(type, "pid"))
		r = check_tracers(c, pid, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < MB_N(files); i++)
		if (strcmp(files[i][0], type) == 0)
			path = mb_asprintf("/proc/%d/ns/%s", pid, files[i][1]);
	mb_oci_spec_add_namespace(spec, type, path);
	return 0;
}

static int fill_namespaces(struct mb_container *c, struct mb_oci_spec *spec, struct mb_err *err)
{
	const struct mb_container_host_config *h = &c->record->host;
	int r;

	mb_oci_spec_add_namespace(spec, "mount", NULL);
	r = add_namespace(c, spec, "network", h->network_mode, err);
	if (r == 0)
		r = add_namespace(c, spec, "uts", h->uts_mode, err);
	if (r == 0)
		r = add_namespace(c, spec, "pid", h->pid_mode, err);
	if (r == 0)
		r = add_namespace(c, spec, "ipc", h->ipc_mode, err);
	if (r == 0)
		r = add_namespace(c, spec, "cgroup", h->cgroupns_mode, err);
	if (r == 0)
		r = mb_container_userns_fill(h, spec, err);
	return r;
}

int mb_container_security_fill(const struct mb_container_host_config *h,
                               struct mb_container_bundle *bundle, struct mb_err *err)
{
	struct mb_oci_process *process = bundle->spec.process;
	MB_AUTO_SECURITY struct mb_container_security s = {0};
	int r = mb_container_security_read(h, &s, err);

	if (r < 0)
		return r;
	process->no_new_privileges = s.no_new_privileges;
	mb_strset(&process->apparmor_profile, s.apparmor);
	bundle->seccomp_default = s.filter == MB_CONTAINER_FILTER_BUILTIN;
	bundle->seccomp_hardened = h->hardened;
	if (!s.profile)
		return 0;
	r = mb_json_parse_object(s.profile, strlen(s.profile), &bundle->spec.linux.seccomp, err);
	return r < 0 ? mb_wrap(err, r, "Decoding seccomp profile failed") : 0;
}

/* The kernel takes no group that the container does not have. */
static uint32_t last_gid(const struct mb_oci_id_map *first)
{
	return first->container_id == 0 ? first->size - 1 : 0;
}

static void fill_sysctls(const struct mb_container_host_config *h, struct mb_oci_spec *spec)
{
	struct mb_oci_namespace *net = mb_oci_spec_find_namespace(spec, "network");

	if (net && !net->path) {
		const struct mb_oci_id_map *gids = spec->linux.gid_mappings;
		MB_AUTO_FREE char *range = mb_asprintf(
			"0 %u", spec->linux.n_gid_mappings ? last_gid(gids) : INT32_MAX);

		mb_kv_set(&spec->linux.sysctl, "net.ipv4.ping_group_range", range);
		mb_kv_set(&spec->linux.sysctl, "net.ipv4.ip_unprivileged_port_start", "0");
	}
	mb_kv_set_all(&spec->linux.sysctl, &h->sysctls);
}

int mb_container_bundle_make(struct mb_container *c, int rootfs_fd,
                             struct mb_container_bundle *bundle, struct mb_err *err)
{
	const struct mb_container_record *record = c->record;
	struct mb_oci_spec *spec = &bundle->spec;
	int r;

	spec->oci_version = mb_strdup(MB_OCI_SPEC_VERSION);
	spec->root.path = mb_strdup("rootfs");
	spec->root.readonly = record->host.readonly_rootfs;
	if (!mb_streq(record->host.uts_mode, "host")) {
		spec->hostname = mb_strdup(record->config.hostname);
		if (record->config.domainname && *record->config.domainname)
			spec->domainname = mb_strdup(record->config.domainname);
	}
	spec->process = mb_calloc(1, sizeof(*spec->process));
	mb_kv_set_all(&spec->annotations, &record->host.annotations);
	spec->linux.cgroups_path =
		mb_asprintf("%s/%s",
	                    record->host.cgroup_parent && *record->host.cgroup_parent
	                            ? record->host.cgroup_parent
	                            : "/mybox",
	                    record->id);
	r = mb_container_process_fill(record, rootfs_fd, spec->process, err);
	if (r == 0)
		r = mb_container_secrets_env(c, spec->process, &bundle->n_plain_env, err);
	if (r == 0)
		r = fill_namespaces(c, spec, err);
	if (r == 0)
		r = mb_container_security_fill(&record->host, bundle, err);
	if (r == 0)
		r = mb_container_mounts_fill(c, rootfs_fd, bundle, err);
	if (r == 0)
		r = mb_container_devices_fill(record, bundle, err);
	if (r < 0)
		return r;
	fill_sysctls(&record->host, spec);
	mb_container_resources_fill(record, spec);
	return 0;
}
