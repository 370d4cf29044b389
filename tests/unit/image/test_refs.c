/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/sha256.h"
#include "core/str.h"
#include "image/image.h"
#include "image/record.h"
#include "image/refs.h"
#include "oci/image_spec.h"
#include "store/store.h"
#include "sys/tree.h"

static char top[] = "/tmp/mybox-refs-XXXXXX";
static struct mb_store *store;

static int set_up(void **state)
{
	char root[64], run[64];

	(void)state;
	if (!mkdtemp(top))
		return -1;
	snprintf(root, sizeof(root), "%s/root", top);
	snprintf(run, sizeof(run), "%s/run", top);
	return mb_store_open(root, run, &store, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	mb_store_free(store);
	return mb_sys_tree_remove(AT_FDCWD, top, NULL);
}

static void escape_is_reversible_for_the_eye(void **state)
{
	char out[256], long_name[400], again[256];

	(void)state;
	mb_image_ref_escape("docker.io/library/deb:latest", out);
	assert_string_equal(out, "docker.io+library+deb:latest");
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	mb_image_ref_escape(long_name, out);
	assert_true(strlen(out) < 100);
	long_name[300] = 'b';
	mb_image_ref_escape(long_name, again);
	assert_string_not_equal(out, again);
}

static void chain_ids_follow_the_spec(void **state)
{
	/* image-spec, "Layer ChainID": the digest of "parent diff". */
	static const char a[] = "9f5b6bf6b9d1f7d3a0a3bf5b1d3c3c5b7d1ad8a0c8d6b6b5b2c1d0e9f8a7b6c5";
	char chain[MB_IMAGE_ID_TEXT], want[MB_SHA256_TEXT], text[200];

	(void)state;
	mb_image_chain_id(NULL, a, chain);
	assert_string_equal(chain, a);
	mb_image_chain_id(a, a, chain);
	snprintf(text, sizeof(text), "sha256:%s sha256:%s", a, a);
	mb_sha256_text(text, strlen(text), want);
	assert_string_equal(chain, want);
}

static struct mb_image *make_image(const char *id, int64_t created)
{
	static const char json[] =
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"sh\"],\"Env\":"
		"[\"A=b\"],\"Labels\":{\"io.mybox.evil\":\"1\",\"ok\":\"2\"},\"ExposedPorts\":"
		"{\"80\":{},\"53/udp\":{}},\"Volumes\":{\"/data\":{}}},\"rootfs\":{\"type\":"
		"\"layers\",\"diff_ids\":[]}}";
	struct mb_oci_image_config config = {0};
	struct mb_image *image = NULL;

	assert_int_equal(mb_oci_image_config_load(json, strlen(json), &config, NULL), 0);
	config.created = created;
	assert_int_equal(mb_image_record_make(id, &config, &image, NULL), 0);
	mb_oci_image_config_done(&config);
	return image;
}

static void save(const char *id, int64_t created)
{
	MB_AUTO(mb_image_free) struct mb_image *image = make_image(id, created);
	MB_AUTO_CLOSE int fd = -1;

	assert_int_equal(mb_store_dir(store, "images", false, &fd, NULL), 0);
	assert_int_equal(mb_image_record_save(fd, image, NULL), 0);
}

#define ID_A "aaaa000000000000000000000000000000000000000000000000000000000001"
#define ID_B "aaab000000000000000000000000000000000000000000000000000000000002"

static void records_keep_what_images_say(void **state)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;

	(void)state;
	save(ID_A, 5);
	save(ID_B, 7);
	assert_int_equal(mb_image_open(store, ID_A, &image, NULL), 0);
	assert_string_equal(image->id, ID_A);
	assert_string_equal(image->config.cmd.v[0], "sh");
	assert_string_equal(image->config.volumes.v[0], "/data");
	assert_int_equal(image->config.ports.n, 2);
	assert_string_equal(image->config.ports.v[1], "80/tcp");
	assert_int_equal(image->config.labels.n, 1);
	assert_int_equal(image->created, 5);
}

static void find_by_name_id_and_prefix(void **state)
{
	struct {
		const char *name;
		int r;
		const char *id;
	} rows[] = {
		{"deb", 0, ID_A},
		{"deb:latest", 0, ID_A},
		{"docker.io/library/deb:latest", 0, ID_A},
		{"x/y:1", 0, ID_B},
		{"x/y", MB_IMAGE_ABSENT, NULL},
		{"aaaa", 0, ID_A},
		{"sha256:aaab", 0, ID_B},
		{ID_B, 0, ID_B},
		{"sha256:" ID_A, 0, ID_A},
		{"aaa", MB_IMAGE_AMBIGUOUS, NULL},
		{"deb@sha256:" ID_A, 0, ID_A},
		{"nope", MB_IMAGE_ABSENT, NULL},
		{"../images", MB_IMAGE_ABSENT, NULL},
		{"", MB_IMAGE_ABSENT, NULL},
	};

	(void)state;
	assert_int_equal(mb_image_tag(store, ID_A, "deb", NULL, NULL), 0);
	assert_int_equal(mb_image_tag(store, "aaab", "x/y:1", NULL, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(mb_image_find(store, rows[i].name, &image, NULL, &err), rows[i].r);
		if (rows[i].r == 0)
			assert_string_equal(image->id, rows[i].id);
		else
			assert_true(err.code);
	}
}

static int used_by_stopped(void *arg, const char *id, char container[MB_IMAGE_ID_TEXT],
                           struct mb_err *err)
{
	(void)arg;
	(void)err;
	memset(container, 'c', 64);
	container[64] = '\0';
	return strcmp(id, ID_A) == 0 ? MB_IMAGE_USE_STOPPED : MB_IMAGE_UNUSED;
}

static int remove_it(const char *name, bool force, struct mb_image_removed *removed,
                     struct mb_err *err)
{
	const struct mb_image_remove_request request = {
		.name = name, .force = force, .users = {used_by_stopped, NULL}};

	*removed = (struct mb_image_removed){0};
	return mb_image_remove(store, &request, removed, err);
}

static void remove_in_words_of_docker(void **state)
{
	struct mb_image_removed removed;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(remove_it("deb", false, &removed, &err), MB_IMAGE_IN_USE);
	assert_string_equal(err.msg, "conflict: unable to remove repository reference \"deb\" "
	                             "(must force) - container cccccccccccc is using its "
	                             "referenced image aaaa00000000");
	mb_image_removed_done(&removed);
	assert_int_equal(mb_image_tag(store, "x/y:1", "z", NULL, NULL), 0);
	assert_int_equal(remove_it("aaab", false, &removed, &err), MB_IMAGE_IN_USE);
	assert_string_equal(err.msg, "conflict: unable to delete aaab00000000 (must be forced) - "
	                             "image is referenced in multiple repositories");
	mb_image_removed_done(&removed);
	/* Who looked when it had no name comes too late. */
	assert_int_equal(mb_image_remove(store,
	                                 &(struct mb_image_remove_request){.name = ID_B,
	                                                                   .force = true,
	                                                                   .nameless_only = true},
	                                 &removed, &err),
	                 0);
	assert_int_equal(removed.untagged.n + removed.deleted.n, 0);
	mb_image_removed_done(&removed);
	assert_int_equal(remove_it("z", false, &removed, &err), 0);
	assert_string_equal(removed.untagged.v[0], "z:latest");
	assert_int_equal(removed.deleted.n, 0);
	mb_image_removed_done(&removed);
	assert_int_equal(remove_it("x/y:1", false, &removed, &err), 0);
	assert_string_equal(removed.untagged.v[0], "x/y:1");
	assert_string_equal(removed.deleted.v[0], "sha256:" ID_B);
	mb_image_removed_done(&removed);
	assert_int_equal(remove_it("x/y:1", false, &removed, &err), MB_IMAGE_ABSENT);
	assert_string_equal(err.msg, "No such image: x/y:1");
	mb_image_removed_done(&removed);
	/* Forced: the names go, what a container stands on stays. */
	assert_int_equal(remove_it("deb", true, &removed, &err), 0);
	assert_int_equal(removed.deleted.n, 0);
	mb_image_removed_done(&removed);
}

static void count(void *arg, const char *subject, const char *problem, bool repaired)
{
	size_t *n = arg;

	(void)subject;
	(void)problem;
	*n += repaired;
}

static void check_finds_and_mends(void **state)
{
	size_t repaired = 0, left = 9;
	struct mb_image_check_request request = {.finding = count, .arg = &repaired};
	MB_AUTO_CLOSE int refs = -1, layers = -1;
	char byte = 0;
	int fd;

	(void)state;
	assert_int_equal(mb_store_dir(store, "layers/" ID_A "/diff", false, &layers, NULL), 0);
	assert_int_equal(mb_image_ref_set(store, "docker.io/library/lost:1", ID_B, NULL, NULL), 0);
	assert_int_equal(mb_store_dir(store, "refs", false, &refs, NULL), 0);
	fd = openat(refs, "broken", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, &byte, 1), 1);
	close(fd);
	assert_int_equal(mb_image_check(store, &request, &left, NULL), 0);
	/* ID_A has no configuration file either. */
	assert_int_equal(left, 4);
	request.repair = true;
	assert_int_equal(mb_image_check(store, &request, &left, NULL), 0);
	assert_int_equal(left, 0);
	assert_int_equal(repaired, 4);
	assert_int_equal(mb_image_check(store, &request, &left, NULL), 0);
	assert_int_equal(repaired, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escape_is_reversible_for_the_eye),
		cmocka_unit_test(chain_ids_follow_the_spec),
		cmocka_unit_test(records_keep_what_images_say),
		cmocka_unit_test(find_by_name_id_and_prefix),
		cmocka_unit_test(remove_in_words_of_docker),
		cmocka_unit_test(check_finds_and_mends),
	};

	return cmocka_run_group_tests_name("image/refs", tests, set_up, tear_down);
}
