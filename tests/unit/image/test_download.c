/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/sha256.h"
#include "image/download.h"
#include "oci/digest.h"

static const char content[] = "what a layer is";
enum { SIZE = sizeof(content) - 1 };

static void name_it(struct mb_oci_digest *ret)
{
	char hex[MB_SHA256_TEXT];

	mb_sha256_text(content, SIZE, hex);
	assert_int_equal(mb_oci_digest_from_hex(hex, ret), 0);
}

/* The blob under its name, as if it were whole. */
static void leave(const struct unit_store *s, const struct mb_oci_digest *digest, size_t n)
{
	MB_AUTO_FREE char *directory = mb_asprintf("%s/downloads", s->root);
	MB_AUTO_FREE char *path = mb_asprintf("%s/%s", directory, digest->hex);
	MB_AUTO_CLOSE int fd = -1;

	assert_true(mkdir(directory, 0700) == 0 || errno == EEXIST);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, content, n), n);
}

static void keep(struct unit_store *s, const struct mb_oci_digest *digest, int *ret_fd)
{
	assert_int_equal(mb_image_download_users(s->store, ret_fd, NULL), 0);
	assert_int_equal(mb_image_download_keep(*ret_fd, digest, NULL), 0);
}

static void a_damaged_one_is_fetched_by_one_of_two(void **state)
{
	UNIT_STORE s;
	MB_AUTO_CLOSE int one = -1, two = -1;
	struct mb_image_download d, other;
	struct mb_oci_digest digest;

	(void)state;
	unit_store_init(&s);
	name_it(&digest);
	leave(&s, &digest, SIZE - 3);
	keep(&s, &digest, &one);
	keep(&s, &digest, &two);
	assert_int_equal(mb_image_download_open(s.store, &digest, SIZE, &d, NULL), 0);
	assert_false(d.is_whole);
	assert_int_equal(d.have, 0);
	assert_int_equal(mb_image_download_open(s.store, &digest, SIZE, &other, NULL),
	                 MB_IMAGE_DOWNLOAD_BUSY);
	assert_int_equal(write(d.fd, content, SIZE), SIZE);
	assert_int_equal(mb_image_download_finish(&d, NULL), 0);
	mb_image_download_done(&d);
	assert_int_equal(mb_image_download_open(s.store, &digest, SIZE, &other, NULL), 0);
	assert_true(other.is_whole);
	assert_int_equal(other.have, SIZE);
	mb_image_download_done(&other);
}

static void a_sound_one_stays_whoever_has_a_wrong_size(void **state)
{
	UNIT_STORE s;
	MB_AUTO_CLOSE int one = -1;
	struct mb_err err = MB_ERR_INIT;
	struct mb_image_download d;
	struct mb_oci_digest digest;

	(void)state;
	unit_store_init(&s);
	name_it(&digest);
	leave(&s, &digest, SIZE);
	keep(&s, &digest, &one);
	assert_int_equal(mb_image_download_open(s.store, &digest, SIZE + 5, &d, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "has 15 bytes, not 20"));
	assert_int_equal(mb_image_download_open(s.store, &digest, SIZE, &d, NULL), 0);
	assert_true(d.is_whole);
	mb_image_download_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_damaged_one_is_fetched_by_one_of_two),
		cmocka_unit_test(a_sound_one_stays_whoever_has_a_wrong_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
