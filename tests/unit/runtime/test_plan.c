/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/spec.h"
#include "runtime/plan.h"

static const char base[] =
	"{\"ociVersion\":\"1.2.0\",\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"cwd\":\"/\","
	"\"args\":[\"true\"],\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"]}},"
	"\"root\":{\"path\":\"rootfs\"},\"hostname\":\"web\",\"linux\":{\"namespaces\":["
	"{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/run/n\"},"
	"{\"type\":\"cgroup\"}]}}";

struct fixture {
	struct mb_oci_spec spec;
	struct mb_runtime_request req;
	struct mb_runtime_plan plan;
	struct mb_err err;
};

static int setup(void **state)
{
	struct fixture *f = mb_calloc(1, sizeof(*f));

	*state = f;
	mb_runtime_plan_init(&f->plan);
	f->req = MB_RUNTIME_REQUEST_INIT;
	f->req.id = "test";
	f->req.spec = &f->spec;
	return mb_oci_spec_load(base, strlen(base), &f->spec, &f->err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mb_runtime_plan_done(&f->plan);
	mb_oci_spec_done(&f->spec);
	free(f);
	return 0;
}

static int fill(struct fixture *f)
{
	return mb_runtime_plan_fill(&f->plan, &f->req, &f->err);
}

static struct mb_oci_mount *add(struct fixture *f, const char *at, const char *type,
                                const char *source, const char *options)
{
	struct mb_oci_mount *m = mb_oci_spec_add_mount(&f->spec, at, type, source);

	if (options)
		mb_strv_split(&m->options, options, ',');
	return m;
}

static void namespaces_are_made_or_joined(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fill(f), 0);
	assert_int_equal(f->plan.clone_flags, CLONE_NEWNS | CLONE_NEWPID);
	assert_true(f->plan.has_new_cgroupns);
	assert_int_equal(f->plan.n_joins, 1);
	assert_int_equal(f->plan.joins[0].flag, CLONE_NEWNET);
	assert_string_equal(f->plan.joins[0].path, "/run/n");
}

static void a_given_netns_replaces_the_specs(void **state)
{
	struct fixture *f = *state;

	f->req.netns_fd = 77;
	assert_int_equal(fill(f), 0);
	assert_int_equal(f->plan.n_joins, 1);
	assert_int_equal(f->plan.joins[0].fd, 77);
	assert_true(f->plan.joins[0].is_borrowed);
}

static void a_user_namespace_needs_maps(void **state)
{
	struct fixture *f = *state;

	mb_oci_spec_add_namespace(&f->spec, "user", NULL);
	assert_int_equal(fill(f), -EINVAL);
}

static void mounts_keep_order_flags_and_data(void **state)
{
	struct fixture *f = *state;
	const struct mb_runtime_mount *m;

	add(f, "/proc", "proc", "proc", "nosuid,noexec,nodev");
	add(f, "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k");
	add(f, "//data/../data/", "bind", "/srv", "rbind,ro");
	add(f, "/cache", "tmpfs", NULL, "tmpcopyup,size=1m");
	assert_int_equal(fill(f), 0);
	m = f->plan.mounts;
	assert_int_equal(f->plan.n_mounts, 4);
	assert_int_equal(m[0].kind, MB_RUNTIME_MOUNT_PROC);
	assert_int_equal(m[0].flags.set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV);
	assert_int_equal(f->plan.dev_mount, 1);
	assert_true(mb_strv_has(&m[1].data, "mode=755"));
	assert_true(mb_strv_has(&m[1].data, "size=65536k"));
	assert_int_equal(m[2].kind, MB_RUNTIME_MOUNT_BIND);
	assert_string_equal(m[2].destination, "/data");
	assert_true(m[2].flags.bind_recursive);
	assert_true(m[2].flags.set & MOUNT_ATTR_RDONLY);
	assert_int_equal(m[2].flags.propagation, MS_PRIVATE);
	assert_true(m[3].copy_up);
	assert_false(mb_strv_has(&m[3].data, "tmpcopyup"));
}

static void a_bound_dev_is_left_alone(void **state)
{
	struct fixture *f = *state;

	add(f, "/dev", "bind", "/dev", "rbind");
	assert_int_equal(fill(f), 0);
	assert_true(f->plan.dev_is_bound);
	assert_int_equal(f->plan.dev_mount, SIZE_MAX);
}

static void a_mount_descriptor_replaces_the_source(void **state)
{
	struct fixture *f = *state;
	const int fds[] = {55};

	add(f, "/vol", "bind", NULL, "rw");
	f->req.mount_fds = fds;
	f->req.n_mount_fds = 1;
	assert_int_equal(fill(f), 0);
	assert_int_equal(f->plan.mounts[0].kind, MB_RUNTIME_MOUNT_BIND);
	assert_int_equal(f->plan.mounts[0].fd, 55);
	assert_true(f->plan.mounts[0].fd_is_borrowed);
}

static void procfs_cannot_be_shadowed(void **state)
{
	static const struct {
		const char *at, *type;
		bool allowed;
	} rows[] = {
		{"/proc", "proc", true},
		{"/proc", "bind", false},
		{"/proc", "tmpfs", false},
		{"/proc/self/attr", "bind", false},
		{"/proc/sys", "bind", false},
		{"/proc/cpuinfo", "bind", true},
		{"/proc/uptime", "bind", true},
		{"/proc/uptime2", "bind", false},
		{"/procx", "bind", true},
		{"/proc/sys/crypto/fips_enabled", "bind", true},
		{"/proc/sysrq-trigger", "bind", false},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++)
		assert_int_equal(mb_runtime_mount_is_allowed(rows[i].at, rows[i].type),
		                 rows[i].allowed);
}

static void procfs_is_found_behind_dots_and_slashes(void **state)
{
	struct fixture *f = *state;

	add(f, "/x/..//proc/./sys", "bind", "/srv", "bind");
	assert_int_equal(fill(f), -EPERM);
}

static void mounts_are_refused(void **state)
{
	static const struct {
		const char *at, *type, *source, *options;
		int code;
	} rows[] = {
		{"/", "tmpfs", NULL, NULL, EINVAL},
		{"/a", "bind", NULL, "bind", EINVAL},
		{"/a", NULL, "/x", NULL, EINVAL},
		{"/a", "bind", "/x", "bind,idmap", EINVAL},
		{"/proc/x", "bind", "/x", "bind", EPERM},
		{"/a", "tmpfs", "x", "remount,size=1m", EOPNOTSUPP},
		{"/a", "mqueue", NULL, "tmpcopyup", EINVAL},
	};

	for (size_t i = 0; i < MB_N(rows); i++) {
		struct fixture *f = *state;

		add(f, rows[i].at, rows[i].type, rows[i].source, rows[i].options);
		assert_int_equal(fill(f), -rows[i].code);
		teardown(state);
		assert_int_equal(setup(state), 0);
	}
}

static void devices_get_numbers_and_modes(void **state)
{
	struct fixture *f = *state;
	struct mb_oci_device *d = mb_oci_spec_add_device(&f->spec);

	d->type = mb_strdup("c");
	d->path = mb_strdup("/dev/fuse");
	d->major = 10;
	d->minor = 229;
	assert_int_equal(fill(f), 0);
	assert_int_equal(f->plan.devices[0].mode, S_IFCHR | 0666);
	assert_int_equal(f->plan.devices[0].rdev, makedev(10, 229));
}

static void a_device_is_not_where_the_kernel_speaks(void **state)
{
	struct fixture *f = *state;
	struct mb_oci_device *d = mb_oci_spec_add_device(&f->spec);

	d->type = mb_strdup("c");
	d->path = mb_strdup("/proc/fuse");
	assert_int_equal(fill(f), -EINVAL);
}

static void sysctls_stay_in_the_namespaces(void **state)
{
	static const struct {
		const char *name;
		int code;
	} rows[] = {
		{"net.ipv4.ip_forward", 0},
		{"net/ipv4/ip_forward", 0},
		{"kernel.core_pattern", EPERM},
		{"kernel.shmmax", EPERM}, /* no ipc namespace */
		{"vm.overcommit_memory", EPERM},
		{"net.ipv4..ip_forward", EINVAL},
		{"net/../kernel/core_pattern", EINVAL},
		{".net.x", EINVAL},
	};

	for (size_t i = 0; i < MB_N(rows); i++) {
		struct fixture *f = *state;

		mb_kv_set(&f->spec.linux.sysctl, rows[i].name, "1");
		assert_int_equal(fill(f), -rows[i].code);
		teardown(state);
		assert_int_equal(setup(state), 0);
	}
}

static void an_interfaces_sysctl_waits_for_it(void **state)
{
	struct fixture *f = *state;

	mb_kv_set(&f->spec.linux.sysctl, "net.ipv4.conf.eth0.rp_filter", "1");
	assert_int_equal(fill(f), 0);
	assert_true(f->plan.sysctl_waits);
}

static void limits_are_known_and_ordered(void **state)
{
	struct fixture *f = *state;
	struct mb_oci_rlimit *l =
		mb_oci_process_add_rlimit(f->spec.process, "RLIMIT_NOFILE", 1024, 4096);

	assert_int_equal(fill(f), 0);
	assert_int_equal(f->plan.rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(f->plan.rlimits[0].hard, 4096);
	l->soft = 5000;
	mb_runtime_plan_done(&f->plan);
	assert_int_equal(fill(f), -EINVAL);
}

static void what_cannot_be_done_is_named(void **state)
{
	struct fixture *f = *state;
	struct mb_oci_net_device *d = mb_calloc(1, sizeof(*d));

	d->host = mb_strdup("eth1");
	f->spec.linux.net_devices = d;
	f->spec.linux.n_net_devices = 1;
	assert_int_equal(fill(f), -EOPNOTSUPP);
	assert_string_equal(f->err.msg, "'linux.netDevices' is not supported here");
	mb_runtime_plan_done(&f->plan);
	f->req.moves_net_devices = true;
	assert_int_equal(fill(f), 0);
}

/* The specification wants a warning, and the container. */
static void capabilities_of_nobody_are_left_out(void **state)
{
	struct fixture *f = *state;
	struct mb_oci_capabilities *caps = f->spec.process->capabilities;

	mb_strv_done(&caps->bounding);
	mb_strv_add(&caps->bounding, "CAP_KILL");
	mb_strv_add(&caps->bounding, "CAP_OF_TOMORROW");
	mb_strv_add(&caps->permitted, "CAP_KILL");
	mb_strv_add(&caps->permitted, "CAP_OF_TOMORROW");
	mb_strv_add(&caps->ambient, "CAP_KILL"); /* and not inheritable */
	assert_int_equal(fill(f), 0);
	assert_int_equal(f->plan.creds.caps.bounding, 1 << 5);
	assert_int_equal(f->plan.creds.caps.ambient, 0);
	assert_int_equal(f->plan.warnings.n, 2);
	assert_string_equal(f->plan.warnings.v[0], "capability 'CAP_OF_TOMORROW' is not known");
}

static void describe_shows_the_operations(void **state)
{
	struct fixture *f = *state;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	add(f, "/proc", "proc", "proc", "nosuid");
	add(f, "/data", "bind", "/srv", "rbind,ro,rslave");
	mb_strv_add(&f->spec.linux.masked_paths, "/proc/kcore");
	f->req.seccomp_default = true;
	f->req.with_init = true;
	assert_int_equal(mb_runtime_plan_describe(&f->req, &out, &f->err), 0);
	assert_string_equal(mb_str_text(&out), "namespace new mnt\n"
	                                       "namespace new pid\n"
	                                       "namespace new cgroup\n"
	                                       "namespace join network /run/n\n"
	                                       "root rootfs\n"
	                                       "mount proc proc on /proc nosuid\n"
	                                       "mount bind /srv on /data ro rslave\n"
	                                       "mask /proc/kcore\n"
	                                       "host name web\n"
	                                       "working directory /\n"
	                                       "user 0:0\n"
	                                       "capabilities 1\n"
	                                       "seccomp built-in\n"
	                                       "execute behind init true\n");
}

static void a_shared_pid_namespace_wants_a_seal(void **state)
{
	struct fixture *f = *state;
	struct mb_oci_namespace *ns = mb_oci_spec_find_namespace(&f->spec, "pid");

	assert_false(mb_runtime_wants_seal(&f->spec));
	ns->path = mb_strdup("/proc/7/ns/pid");
	assert_true(mb_runtime_wants_seal(&f->spec));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(namespaces_are_made_or_joined),
		T(a_given_netns_replaces_the_specs),
		T(a_user_namespace_needs_maps),
		T(mounts_keep_order_flags_and_data),
		T(a_bound_dev_is_left_alone),
		T(a_mount_descriptor_replaces_the_source),
		T(procfs_cannot_be_shadowed),
		T(procfs_is_found_behind_dots_and_slashes),
		T(mounts_are_refused),
		T(devices_get_numbers_and_modes),
		T(a_device_is_not_where_the_kernel_speaks),
		T(sysctls_stay_in_the_namespaces),
		T(an_interfaces_sysctl_waits_for_it),
		T(limits_are_known_and_ordered),
		T(what_cannot_be_done_is_named),
		T(capabilities_of_nobody_are_left_out),
		T(describe_shows_the_operations),
		T(a_shared_pid_namespace_wants_a_seal),
	};

	return cmocka_run_group_tests_name("runtime/plan", tests, NULL, NULL);
}
