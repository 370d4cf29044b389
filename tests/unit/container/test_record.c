/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_container.h"

#include "core/err.h"
#include "core/str.h"
#include "json/json.h"

#define ID UNIT_ID("a")

/* Every member set, none as another. */
static struct mb_container_record *make_full(void)
{
	struct mb_container_record *r = unit_record_new(ID, "web");
	struct mb_container_config *c = &r->config;
	struct mb_container_host_config *h = &r->host;
	struct mb_strv *lists[] = {&c->env,
	                           &c->cmd,
	                           &c->entrypoint,
	                           &c->exposed_ports,
	                           &c->volumes,
	                           &r->networks,
	                           &h->binds,
	                           &h->volumes_from,
	                           &h->cap_add,
	                           &h->cap_drop,
	                           &h->dns,
	                           &h->dns_options,
	                           &h->dns_search,
	                           &h->extra_hosts,
	                           &h->group_add,
	                           &h->security_opt,
	                           &h->device_cgroup_rules,
	                           &h->links,
	                           &h->publish};
	char **texts[] = {&c->hostname,     &c->domainname,        &c->user,
	                  &c->image,        &c->working_dir,       &c->stop_signal,
	                  &h->network_mode, &h->ipc_mode,          &h->pid_mode,
	                  &h->uts_mode,     &h->cgroupns_mode,     &h->cgroup_parent,
	                  &h->userns_mode,  &h->runtime,           &h->cpuset_cpus,
	                  &h->cpuset_mems,  &h->container_id_file, &h->restart.name};
	struct mb_kv *maps[] = {&c->labels, &h->tmpfs, &h->sysctls, &h->annotations};
	int64_t *numbers[] = {&h->shm_size,    &h->memory,    &h->memory_reservation,
	                      &h->memory_swap, &h->nano_cpus, &h->cpu_shares,
	                      &h->cpu_period,  &h->cpu_quota, &h->pids_limit};
	bool *flags[] = {
		&c->attach_stdin,    &c->attach_stdout, &c->attach_stderr,    &c->tty,
		&c->open_stdin,      &c->stdin_once,    &c->has_stop_timeout, &h->auto_remove,
		&h->privileged,      &h->publish_all,   &h->readonly_rootfs,  &h->init,
		&h->oom_kill_disable};
	struct mb_container_mount *m;
	struct mb_container_device *d;
	struct mb_container_ulimit *u;
	struct mb_container_throttle *t;

	for (size_t i = 0; i < N(lists); i++) {
		mb_strv_addf(lists[i], "list %zu", i);
		mb_strv_addf(lists[i], "\"\\\n\t\001 gr\303\274n %zu", i);
	}
	for (size_t i = 0; i < N(texts); i++)
		*texts[i] = mb_asprintf("text %zu", i);
	for (size_t i = 0; i < N(maps); i++)
		mb_kv_set(maps[i], "key", i % 2 ? "value" : "");
	for (size_t i = 0; i < N(numbers); i++)
		*numbers[i] = i % 2 ? -1 : INT64_MAX - (int64_t)i;
	for (size_t i = 0; i < N(flags); i++)
		*flags[i] = true;
	c->stop_timeout = -1;
	h->oom_score_adj = -999;
	h->blkio_weight = 10;
	h->memory_swappiness = 60;
	h->has_memory_swappiness = true;
	h->restart.max_retries = 3;
	r->created = 1767323045000000006;
	m = mb_container_append(&r->mounts, &r->n_mounts, sizeof(*m));
	m->type = mb_strdup("volume");
	m->name = mb_strdup("data");
	m->source = mb_strdup("/src");
	m->destination = mb_strdup("/dst");
	m->subpath = mb_strdup("below");
	m->recursive = 2;
	m->rw = m->anonymous = true;
	d = mb_container_append(&h->devices, &h->n_devices, sizeof(*d));
	d->path_on_host = mb_strdup("/dev/null");
	d->path_in_container = mb_strdup("/dev/zero");
	d->permissions = mb_strdup("rwm");
	u = mb_container_append(&h->ulimits, &h->n_ulimits, sizeof(*u));
	u->name = mb_strdup("nofile");
	u->soft = 5;
	u->hard = -1;
	t = mb_container_append(&h->write_iops, &h->n_write_iops, sizeof(*t));
	t->path = mb_strdup("/dev/sda");
	t->rate = UINT64_MAX;
	return r;
}

static void a_full_record_comes_back(void **state)
{
	UNIT_DIR dir;
	MB_AUTO(mb_container_record_free) struct mb_container_record *r = make_full(), *back = NULL;
	char first[16384], second[16384];

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(mb_container_record_save(dir.fd, r, 0, NULL), 0);
	assert_int_equal(mb_container_record_load(dir.fd, &back, NULL), 0);
	assert_string_equal(back->name, "web");
	assert_int_equal(back->created, 1767323045000000006);
	assert_string_equal(back->host.cap_drop.v[1], r->host.cap_drop.v[1]);
	assert_int_equal(back->host.memory, r->host.memory);
	assert_int_equal(back->host.memory_swap, -1);
	assert_int_equal(back->config.stop_timeout, -1);
	assert_true(back->config.has_stop_timeout);
	assert_true(back->host.write_iops[0].rate == UINT64_MAX);
	assert_int_equal(back->mounts[0].recursive, 2);
	/* And byte for byte when written again. */
	unit_read(dir.fd, "container.json", first, sizeof(first));
	assert_int_equal(mb_container_record_save(dir.fd, back, MB_DOC_REPLACE, NULL), 0);
	unit_read(dir.fd, "container.json", second, sizeof(second));
	assert_string_equal(first, second);
}

static void an_empty_record_comes_back(void **state)
{
	UNIT_DIR dir;
	MB_AUTO(mb_container_record_free)
	struct mb_container_record *r = unit_record_new(ID, "web"), *back = NULL;

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(mb_container_record_save(dir.fd, r, 0, NULL), 0);
	assert_int_equal(mb_container_record_load(dir.fd, &back, NULL), 0);
	assert_int_equal(back->config.env.n, 0);
	assert_int_equal(back->n_mounts, 0);
	assert_false(back->config.has_stop_timeout);
}

static void what_no_record_has_is_refused(void **state)
{
	static const struct {
		const char *body, *words;
	} rows[] = {
		{"{}", "Id"},
		{"{\"Id\":\"abc\",\"Name\":\"web\"}", "no valid id"},
		{"{\"Id\":\"" UNIT_ID("A") "\",\"Name\":\"web\"}", "no valid id"},
		{"{\"Id\":\"../../etc\",\"Name\":\"web\"}", "no valid id"},
		{"{\"Id\":\"" ID "\"}", "Name"},
		{"{\"Id\":\"" ID "\",\"Name\":7}", "Name"},
		{"{\"Id\":\"" ID "\",\"Name\":\"web\",\"Config\":[]}", "Config"},
		{"{\"Id\":\"" ID "\",\"Name\":\"web\",\"Mounts\":[{\"RW\":1}]}", "Mounts[0].RW"},
		{"{\"Id\":\"" ID "\",\"Name\":\"web\",\"HostConfig\":{\"Memory\":1e99}}", "Memory"},
	};
	UNIT_DIR dir;

	(void)state;
	unit_dir_init(&dir);
	for (size_t i = 0; i < N(rows); i++) {
		MB_AUTO_STR struct mb_str doc = MB_STR_INIT;
		struct mb_container_record *record = NULL;
		struct mb_err err = MB_ERR_INIT;

		mb_store_doc_format(rows[i].body, strlen(rows[i].body), &doc);
		unit_write(dir.fd, "container.json", doc.buf, doc.len);
		assert_int_equal(mb_container_record_load(dir.fd, &record, &err), MB_DOC_CORRUPT);
		assert_null(record);
		if (!strstr(err.msg, rows[i].words) || !strstr(err.msg, "'container.json'"))
			fail_msg("'%s' told '%s'", rows[i].body, err.msg);
	}
}

/* One bit of every byte, and every length, in the file itself. */
static void a_damaged_record_is_found(void **state)
{
	UNIT_DIR dir;
	MB_AUTO(mb_container_record_free) struct mb_container_record *r = make_full(), *back = NULL;
	char text[16384];
	size_t n;
	int fd;

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(mb_container_record_save(dir.fd, r, 0, NULL), 0);
	n = unit_read(dir.fd, "container.json", text, sizeof(text));
	fd = openat(dir.fd, "container.json", O_WRONLY | O_CLOEXEC);
	for (size_t i = 0; i < n; i++) {
		char c = (char)(text[i] ^ 1 << i % 8);

		assert_int_equal(pwrite(fd, &c, 1, (off_t)i), 1);
		if (mb_container_record_load(dir.fd, &back, NULL) == 0)
			fail_msg("byte %zu", i);
		assert_int_equal(pwrite(fd, text + i, 1, (off_t)i), 1);
	}
	while (n--) {
		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		assert_int_equal(mb_container_record_load(dir.fd, &back, NULL), MB_DOC_CORRUPT);
	}
	assert_null(back);
	close(fd);
}

static void append_zeroes_and_keeps(void **state)
{
	struct mb_container_throttle *v = NULL, *t;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 20; i++) {
		t = mb_container_append(&v, &n, sizeof(*t));
		assert_null(t->path);
		assert_int_equal(t->rate, 0);
		t->rate = i;
	}
	assert_int_equal(n, 20);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(v[i].rate, i);
	free(v);
}

static void parts_as_inspect_has_them(void **state)
{
	MB_AUTO(mb_container_record_free) struct mb_container_record *r = make_full();
	MB_AUTO(mb_json_free) struct json_object *config = mb_container_config_json(&r->config);
	MB_AUTO(mb_json_free) struct json_object *host = mb_container_host_json(&r->host);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	(void)state;
	assert_string_equal(mb_json_find_str(config, "Hostname", ""), "text 0");
	assert_string_equal(mb_json_find_str(host, "NetworkMode", ""), "text 6");
	/* Ours alone, not docker's. */
	assert_null(mb_json_find(host, "Publish"));
	assert_int_equal(r->host.publish.n, 2);
	mb_json_format(mb_json_find(config, "ExposedPorts"), false, &text);
	assert_non_null(strstr(text.buf, "\"list 3\":{}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_record_comes_back),
		cmocka_unit_test(an_empty_record_comes_back),
		cmocka_unit_test(what_no_record_has_is_refused),
		cmocka_unit_test(a_damaged_record_is_found),
		cmocka_unit_test(append_zeroes_and_keeps),
		cmocka_unit_test(parts_as_inspect_has_them),
	};

	return cmocka_run_group_tests_name("container/record", tests, NULL, NULL);
}
