/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User and time namespaces, mapped ids, propagation: by whole starts. */
#include "box.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>

#include "runtime/features.h"

static void add_map(struct mb_oci_id_map **v, size_t *n, uint32_t inside, uint32_t outside,
                    uint32_t size)
{
	*v = mb_realloc(*v, (*n + 1) * sizeof(**v));
	(*v)[(*n)++] = (struct mb_oci_id_map){inside, outside, size};
}

static void map_container(struct box *b)
{
	struct mb_oci_linux *l = &b->spec.linux;

	add_map(&l->uid_mappings, &l->n_uid_mappings, 0, 100000, 65536);
	add_map(&l->gid_mappings, &l->n_gid_mappings, 0, 100000, 65536);
}

static struct mb_oci_mount *bind(struct box *b, const char *from, const char *to,
                                 const char *option)
{
	struct mb_oci_mount *m = mb_oci_spec_add_mount(&b->spec, to, "bind", from);

	mb_strv_add(&m->options, "rbind");
	if (option)
		mb_strv_add(&m->options, option);
	return m;
}

/* The places that mounts need, as who owns the rest cannot make them. */
static void make_places(void)
{
	static const char *const names[] = {"rootfs/proc", "rootfs/dev", "rootfs/sys",
	                                    "rootfs/data", "rootfs/tmp"};

	for (size_t i = 0; i < MB_N(names); i++)
		(void)mkdirat(dir_fd, names[i], 0755);
	assert_int_equal(fchmod(dir_fd, 0711), 0);
}

static void a_new_user_namespace_maps(void **state)
{
	struct box *b = *state;
	char said[sizeof("0\n500\nnull\n0 100000 65536\n")] = "";
	int code = -1;
	size_t n;

	NEEDS_ROOT;
	make_places();
	mb_oci_spec_add_namespace(&b->spec, "user", NULL);
	map_container(b);
	b->spec.process->has_oom_score_adj = true;
	b->spec.process->oom_score_adj = 500;
	script(b, "id -u; cat /proc/self/oom_score_adj; echo x >/dev/null && echo null; "
	          "read a b c </proc/self/uid_map; echo $a $b $c; sleep 100");
	if (start(b) < 0)
		fail_msg("%s", b->err.msg);
	if (run_exec(b, "id -u; read a b c </proc/self/uid_map; echo $a $b $c", &code) < 0)
		fail_msg("%s", b->err.msg);
	assert_string_equal(mb_str_text(&b->out), "0\n0 100000 65536\n");
	assert_int_equal(mb_read_full(b->output, said, sizeof(said) - 1, &n), 0);
	assert_string_equal(said, "0\n500\nnull\n0 100000 65536\n");
	kill(b->ready.pid, SIGKILL);
	(void)finish(b);
}

static char *ns_of(pid_t pid, const char *name)
{
	MB_AUTO_FREE char *path = mb_asprintf("/proc/%d/ns/%s", pid, name);
	char target[64] = "";

	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	return mb_strdup(target);
}

/* The second container lives in the first one's user namespace, and in the host's network. */
static void a_user_namespace_is_joined(void **state)
{
	struct box *first = *state, *b;
	void *second = NULL;
	MB_AUTO_FREE char *wanted = NULL, *path = NULL, *output = NULL;

	NEEDS_ROOT;
	make_places();
	mb_oci_spec_add_namespace(&first->spec, "user", NULL);
	map_container(first);
	script(first, "sleep 100");
	if (start(first) < 0)
		fail_msg("%s", first->err.msg);
	wanted = ns_of(first->ready.pid, "user");
	path = mb_asprintf("/proc/%d/ns/user", first->ready.pid);

	assert_int_equal(setup(&second), 0);
	b = second;
	mb_oci_spec_add_namespace(&b->spec, "user", path);
	mb_strset(&mb_oci_spec_find_namespace(&b->spec, "network")->path, "/proc/self/ns/net");
	script(b, "readlink /proc/self/ns/user; echo $$; id -u");
	if (start(b) < 0)
		fail_msg("%s", b->err.msg);
	(void)finish(b);
	output = mb_asprintf("%s\n1\n0\n", wanted);
	assert_string_equal(mb_str_text(&b->out), output);
	teardown(&second);
}

static void a_namespace_of_another_kind_is_refused(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	mb_strset(&mb_oci_spec_find_namespace(&b->spec, "ipc")->path, "/proc/self/ns/uts");
	assert_true(start(b) < 0);
	assert_non_null(strstr(b->err.msg, "cannot join the ipc namespace"));
}

static void clocks_are_set(void **state)
{
	struct mb_oci_time_offset *t;
	struct box *b = *state;

	NEEDS_ROOT;
	if (!mb_runtime_has_namespace("time"))
		skip();
	t = mb_calloc(1, sizeof(*t));
	t->clock = mb_strdup("boottime");
	t->secs = 1000000000;
	b->spec.linux.time_offsets = t;
	b->spec.linux.n_time_offsets = 1;
	assert_true(start(b) < 0); /* there is no namespace for it */
	assert_non_null(strstr(b->err.msg, "needs a new time namespace"));
	mb_close(&b->output);
	mb_oci_spec_add_namespace(&b->spec, "time", NULL);
	expect(b, "read up rest </proc/uptime; [ ${up%.*} -gt 1000000000 ] && echo late; echo $$",
	       "late\n1\n");
}

static void ids_of_a_mount_are_mapped(void **state)
{
	struct box *b = *state;
	struct mb_oci_mount *m;

	NEEDS_ROOT;
	make_places();
	assert_int_equal(fchownat(dir_fd, "canary", 1000, 1001, 0), 0);
	m = bind(b, "canary", "/data", NULL);
	add_map(&m->uid_mappings, &m->n_uid_mappings, 1000, 5000, 1);
	add_map(&m->gid_mappings, &m->n_gid_mappings, 1001, 5001, 1);
	script(b, "stat -c '%u %g' /data");
	if (start(b) < 0 && b->err.code == EINVAL)
		skip(); /* a file system without the feature */
	(void)finish(b);
	assert_int_equal(fchownat(dir_fd, "canary", 0, 0, 0), 0);
	assert_string_equal(mb_str_text(&b->out), "5000 5001\n");
}

static void idmap_needs_something_to_map_by(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	bind(b, "canary", "/data", "idmap");
	assert_int_equal(start(b), -EINVAL);
	assert_non_null(strstr(b->err.msg, "'idmap' needs mappings"));
}

static void the_root_propagates_as_asked(void **state)
{
	static const char *const rows[][2] = {
		{"shared", "shared:"},
		{"rshared", "shared:"},
		{"private", NULL},
		{"unbindable", "unbindable"},
	};
	void *one = NULL;

	(void)state;
	NEEDS_ROOT;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct box *b;
		bool found;

		assert_int_equal(setup(&one), 0);
		b = one;
		b->spec.linux.rootfs_propagation = mb_strdup(rows[i][0]);
		script(b, "grep ' / / \\| /[^ ]* / ' /proc/self/mountinfo");
		if (start(b) < 0)
			fail_msg("%s: %s", rows[i][0], b->err.msg);
		(void)finish(b);
		found = strstr(mb_str_text(&b->out), "shared:") ||
		        strstr(mb_str_text(&b->out), "unbindable");
		assert_int_equal(found, rows[i][1] != NULL);
		if (rows[i][1])
			assert_non_null(strstr(mb_str_text(&b->out), rows[i][1]));
		teardown(&one);
	}
}

static void a_remount_changes_what_is_there(void **state)
{
	struct box *b = *state;
	struct mb_oci_mount *m;

	NEEDS_ROOT;
	make_places();
	bind(b, "canary", "data", NULL); /* relative, as old documents have it */
	m = mb_oci_spec_add_mount(&b->spec, "/data", "none", "none");
	mb_strv_add(&m->options, "remount");
	mb_strv_add(&m->options, "bind");
	mb_strv_add(&m->options, "ro");
	expect(b, "touch /data/x 2>/dev/null || echo ro", "ro\n");
}

static void proc_is_bound_only_whole(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	mb_strset(&b->spec.mounts[0].type, "bind");
	mb_strset(&b->spec.mounts[0].source, "/proc/self");
	mb_strv_add(&b->spec.mounts[0].options, "rbind");
	assert_int_equal(start(b), -EPERM);
	assert_non_null(strstr(b->err.msg, "the source is no procfs"));
}

static void one_entry_may_hold_several_options(void **state)
{
	struct box *b = *state;
	struct mb_oci_mount *m;

	NEEDS_ROOT;
	make_places();
	m = mb_oci_spec_add_mount(&b->spec, "/tmp", "tmpfs", "tmpfs");
	mb_strv_add(&m->options, "size=64k,mode=1777");
	mb_strv_add(&m->options, "silent");
	expect(b, "stat -c %a /tmp", "1777\n");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_new_user_namespace_maps),
		T(a_user_namespace_is_joined),
		T(a_namespace_of_another_kind_is_refused),
		T(clocks_are_set),
		T(ids_of_a_mount_are_mapped),
		T(idmap_needs_something_to_map_by),
		cmocka_unit_test(the_root_propagates_as_asked),
		T(a_remount_changes_what_is_there),
		T(proc_is_bound_only_whole),
		T(one_entry_may_hold_several_options),
	};

	return cmocka_run_group_tests_name("runtime/namespaces", tests, make_all, unmake_all);
}
