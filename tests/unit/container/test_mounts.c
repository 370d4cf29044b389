/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_container.h"

#include "container/create.h"
#include "container/mounts.h"
#include "core/err.h"
#include "core/str.h"
#include "volume/volume.h"

static const char other_id[] = UNIT_ID("c");

struct made {
	struct unit_store s;
	struct mb_container_create_request q;
	struct mb_container_record record;
	struct mb_err err;
};
#define MADE __attribute__((cleanup(made_done))) struct made

static void made_init(struct made *m)
{
	*m = (struct made){0};
	unit_store_init(&m->s);
	m->q.cwd = mb_strdup(m->s.dir.path);
	m->record.id = mb_strdup(UNIT_ID("a"));
}

static void made_done(struct made *m)
{
	mb_container_create_request_done(&m->q);
	mb_container_record_done(&m->record);
	unit_store_done(&m->s);
}

static int collect(struct made *m)
{
	return mb_container_mounts_collect(m->s.store, &m->q, &m->record, &m->err);
}

/* "type source>destination ro options", a volume by its name; "~" an anonymous one. */
static char *describe(const struct made *m)
{
	struct mb_str s = MB_STR_INIT;

	for (size_t i = 0; i < m->record.n_mounts; i++) {
		const struct mb_container_mount *mount = &m->record.mounts[i];

		mb_str_addf(&s, "%s%s %s>%s%s", i ? "; " : "", mount->type,
		            mount->anonymous ? "~"
		            : mount->name    ? mount->name
		                             : mount->source,
		            mount->destination, mount->rw ? "" : " ro");
		if (mount->options && *mount->options)
			mb_str_addf(&s, " %s", mount->options);
		if (mount->propagation && *mount->propagation)
			mb_str_addf(&s, " %s", mount->propagation);
		if (mount->create_source)
			mb_str_add(&s, " create");
	}
	return mb_str_take(&s);
}

static bool has_volume(struct made *m, const char *name)
{
	MB_AUTO(mb_volume_free) struct mb_volume *v = NULL;

	return mb_volume_find(m->s.store, name, &v, NULL) == 0;
}

static void all_kinds(void **state)
{
	MADE m;
	MB_AUTO_FREE char *got = NULL;

	(void)state;
	made_init(&m);
	mb_strv_add(&m.q.volumes, "/etc:/a:ro");
	mb_strv_add(&m.q.volumes, "data:/b");
	mb_strv_add(&m.q.volumes, "/c");
	mb_strv_add(&m.q.mounts, "type=tmpfs,target=/d,tmpfs-size=1m,tmpfs-mode=1770");
	mb_strv_add(&m.q.mounts, "type=bind,source=/etc,target=/e,bind-propagation=rslave");
	mb_strv_add(&m.q.tmpfs, "/f:noexec,size=2m");
	mb_strv_add(&m.q.config.volumes, "/g/../g");
	assert_int_equal(collect(&m), 0);
	got = describe(&m);
	assert_string_equal(got, "bind /etc>/a ro rprivate create; volume data>/b create; "
	                         "volume ~>/c create; tmpfs >/d size=1048576,mode=1770; "
	                         "bind /etc>/e rslave; tmpfs >/f noexec,size=2m; volume ~>/g");
	assert_true(has_volume(&m, "data"));
	assert_int_equal(m.q.host.binds.n, 3);
	assert_string_equal(mb_kv_find(&m.q.host.tmpfs, "/f"), "noexec,size=2m");
}

/* Anonymous volumes come to be only once the record is stored, and go with the container. */
static void anonymous_volumes(void **state)
{
	MADE m;
	const char *name;

	(void)state;
	made_init(&m);
	mb_strv_add(&m.q.volumes, "/c");
	assert_int_equal(collect(&m), 0);
	name = m.record.mounts[0].name;
	assert_int_equal(strlen(name), 64);
	assert_true(m.record.mounts[0].anonymous);
	assert_false(has_volume(&m, name));
	assert_int_equal(mb_container_mounts_make(m.s.store, &m.record, &m.err), 0);
	assert_true(has_volume(&m, name));
	mb_container_mounts_discard(m.s.store, &m.record);
	assert_false(has_volume(&m, name));
	mb_container_mounts_discard(m.s.store, &m.record);
}

static void the_users_word_goes_before_the_images(void **state)
{
	MADE m;
	MB_AUTO_FREE char *got = NULL;

	(void)state;
	made_init(&m);
	mb_strv_add(&m.q.volumes, "data:/x/");
	mb_strv_add(&m.q.config.volumes, "/x");
	mb_strv_add(&m.q.config.volumes, "//x/.");
	assert_int_equal(collect(&m), 0);
	got = describe(&m);
	assert_string_equal(got, "volume data>/x create");
}

static void refusals(void **state)
{
	static const struct {
		const char *volume, *mount, *from, *words;
	} rows[] = {
		{"aa:/x bb:/x", NULL, NULL, "Duplicate mount point: /x"},
		{"aa:/x bb:/x/", NULL, NULL, "Duplicate mount point: /x"},
		{"aa:/x", "type=tmpfs,target=/y/../x", NULL, "Duplicate mount point: /x"},
		{"aa:/", NULL, NULL, "destination can't be '/'"},
		{"aa:/..", NULL, NULL, "destination can't be '/'"},
		{NULL, "type=bind,source=/none-such,target=/x", NULL,
	         "invalid mount config for type \"bind\": bind source path does not exist: "
	         "/none-such"},
		{NULL, "type=bind,source=/etc/passwd/x,target=/x", NULL, "does not exist"},
		{NULL, "type=image,source=none,target=/x", NULL, "mount '/x': No such image: none"},
		{NULL, NULL, "none", "No such container: none"},
		{NULL, NULL, "other:zz", "zz"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		MADE m;

		made_init(&m);
		unit_container_make(&m.s, other_id, "other", 1);
		mb_strv_split(&m.q.volumes, rows[i].volume ? rows[i].volume : "", ' ');
		if (rows[i].mount)
			mb_strv_add(&m.q.mounts, rows[i].mount);
		if (rows[i].from)
			mb_strv_add(&m.q.host.volumes_from, rows[i].from);
		if (collect(&m) >= 0 || !strstr(m.err.msg, rows[i].words))
			fail_msg("row %zu told '%s'", i, m.err.msg);
	}
}

static void volumes_of_another(void **state)
{
	MADE m;
	MB_AUTO(mb_container_record_free)
	struct mb_container_record *other = unit_record_new(other_id, "other");
	static const char *const rows[][3] = {
		{"bind", "/src", "/a"}, {"volume", "/data", "/b"}, {"tmpfs", "", "/c"}};
	MB_AUTO_FREE char *got = NULL;

	(void)state;
	made_init(&m);
	for (size_t i = 0; i < N(rows); i++) {
		struct mb_container_mount *mount =
			mb_container_append(&other->mounts, &other->n_mounts, sizeof(*mount));

		mount->type = mb_strdup(rows[i][0]);
		mount->source = mb_strdup(rows[i][1]);
		mount->destination = mb_strdup(rows[i][2]);
		mount->rw = mount->anonymous = true;
		if (i == 1)
			mount->name = mb_strdup("theirs");
	}
	unit_record_write(&m.s, other);
	unit_container_claim(&m.s, "other", other_id);
	mb_strv_add(&m.q.volumes, "mine:/a");
	mb_strv_add(&m.q.host.volumes_from, "other:ro");
	assert_int_equal(collect(&m), 0);
	got = describe(&m);
	/* Theirs stays theirs: it does not go with us. */
	assert_string_equal(got, "volume mine>/a create; volume theirs>/b ro");
	assert_true(m.record.mounts[1].nocopy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds),
		cmocka_unit_test(anonymous_volumes),
		cmocka_unit_test(the_users_word_goes_before_the_images),
		cmocka_unit_test(refusals),
		cmocka_unit_test(volumes_of_another),
	};

	return cmocka_run_group_tests_name("container/mounts", tests, NULL, NULL);
}
