/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <dirent.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "store/doc.h"
#include "json/json.h"

struct thing {
	char *id;
	struct mb_strv words;
	int64_t count;
};

// clang-format off
static const struct mb_json_field table[] = {
	MB_JSON_STR("Id", struct thing, id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STRV("Words", struct thing, words),
	MB_JSON_I64("Count", struct thing, count),
	MB_JSON_END,
};
// clang-format on

static unsigned count_entries(int dirfd)
{
	DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	unsigned n = 0;

	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
	closedir(dir);
	return n;
}

static struct json_object *parse(const char *text)
{
	struct json_object *o = NULL;

	assert_int_equal(mb_json_parse(text, strlen(text), &o, NULL), 0);
	return o;
}

static void a_document_has_one_form(void **state)
{
	static const char *const bodies[][2] = {
		{"{}", "{\"schema\":1,\"sum\":\"9ccd4b8f\"}"},
		{"{\"a\":1}", "{\"schema\":1,\"sum\":\"34fe983f\",\"a\":1}"},
	};

	(void)state;
	for (size_t i = 0; i < N(bodies); i++) {
		MB_AUTO_STR struct mb_str doc = MB_STR_INIT;
		MB_AUTO(mb_json_free) struct json_object *o = NULL;

		mb_store_doc_format(bodies[i][0], strlen(bodies[i][0]), &doc);
		assert_string_equal(doc.buf, bodies[i][1]);
		assert_int_equal(mb_store_doc_parse(doc.buf, doc.len, &o, NULL), 0);
	}
}

static void it_comes_back_as_it_went(void **state)
{
	UNIT_DIR dir;
	MB_AUTO(mb_json_free) struct json_object *body = parse("{\"b\":[1,\"x\"],\"a\":null}");
	MB_AUTO(mb_json_free) struct json_object *back = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct stat st;

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(mb_store_doc_write(dir.fd, "d", body, MB_DOC_DURABLE, NULL), 0);
	assert_int_equal(fstatat(dir.fd, "d", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(mb_store_doc_read(dir.fd, "d", &back, NULL), 0);
	mb_json_format(back, false, &text);
	assert_non_null(strstr(text.buf, "\"b\":[1,\"x\"],\"a\":null}"));
	assert_int_equal(count_entries(dir.fd), 1);
}

static void a_new_name_is_new_alone(void **state)
{
	UNIT_DIR dir;
	MB_AUTO(mb_json_free)
	struct json_object *one = parse("{\"n\":1}"), *two = parse("{\"n\":2}");
	MB_AUTO(mb_json_free) struct json_object *first = NULL, *second = NULL;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(mb_store_doc_write(dir.fd, "d", one, 0, &err), 0);
	assert_int_equal(mb_store_doc_write(dir.fd, "d", two, 0, &err), -EEXIST);
	assert_int_equal(mb_store_doc_write(dir.fd, "d", two, MB_DOC_DIRECT, &err), -EEXIST);
	assert_int_equal(mb_store_doc_read(dir.fd, "d", &first, &err), 0);
	assert_int_equal(mb_json_find_i64(first, "n", 0), 1);
	assert_int_equal(mb_store_doc_write(dir.fd, "d", two, MB_DOC_REPLACE, &err), 0);
	assert_int_equal(mb_store_doc_read(dir.fd, "d", &second, &err), 0);
	assert_int_equal(mb_json_find_i64(second, "n", 0), 2);
	assert_int_equal(mb_store_doc_write(dir.fd, "e", two, MB_DOC_DIRECT | MB_DOC_DURABLE, &err),
	                 0);
	assert_int_equal(count_entries(dir.fd), 2);
}

static void a_failed_write_leaves_nothing(void **state)
{
	UNIT_DIR dir;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(mkdirat(dir.fd, "d", 0700), 0);
	assert_true(mb_store_file_write(dir.fd, "d", "x", 1, MB_DOC_REPLACE, &err) < 0);
	assert_true(mb_store_file_write(dir.fd, "d", "x", 1, 0, &err) < 0);
	assert_true(mb_store_file_write(dir.fd, "no/d", "x", 1, 0, &err) < 0);
	assert_int_equal(count_entries(dir.fd), 1);
}

static void structs_by_their_table(void **state)
{
	UNIT_DIR dir;
	struct thing out = {.count = 5}, in = {0};
	char id[] = "abc";
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	unit_dir_init(&dir);
	out.id = id;
	mb_strv_add(&out.words, "x");
	assert_int_equal(mb_store_doc_save(dir.fd, "d", table, &out, 0, &err), 0);
	assert_int_equal(mb_store_doc_load(dir.fd, "d", table, &in, &err), 0);
	assert_string_equal(in.id, "abc");
	assert_string_equal(in.words.v[0], "x");
	assert_int_equal(in.count, 5);
	mb_json_done(table, &in);
	mb_strv_done(&out.words);
	assert_int_equal(mb_store_doc_load(dir.fd, "none", table, &in, &err), -ENOENT);
}

/* What does not fit the table, under a right sum: nothing is left to free. */
static void a_wrong_shape_is_corrupt(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"{\"Id\":5}",
		"{\"Id\":\"a\",\"Words\":[\"x\",7]}",
		"{\"Id\":\"a\",\"Words\":[\"x\"],\"Count\":\"x\"}",
		"{\"Id\":\"a\",\"Id\":\"b\"}",
		"{\"Id\":\"a\",}",
		"{\"Id\":\"\377\"}",
	};
	UNIT_DIR dir;

	(void)state;
	unit_dir_init(&dir);
	for (size_t i = 0; i < N(bodies); i++) {
		MB_AUTO_STR struct mb_str doc = MB_STR_INIT;
		struct mb_err err = MB_ERR_INIT;
		struct thing in = {0};

		mb_store_doc_format(bodies[i], strlen(bodies[i]), &doc);
		unit_write(dir.fd, "d", doc.buf, doc.len);
		if (mb_store_doc_load(dir.fd, "d", table, &in, &err) != MB_DOC_CORRUPT)
			fail_msg("'%s' was loaded", bodies[i]);
		assert_non_null(strstr(err.msg, "'d'"));
	}
}

static void headers(void **state)
{
	static const struct {
		const char *text;
		int r;
	} rows[] = {
		{"{\"schema\":1,\"sum\":\"34fe983f\",\"a\":1}", 0},
		{"{\"schema\":2,\"sum\":\"34fe983f\",\"a\":1}", -EPROTONOSUPPORT},
		{"{\"schema\":2}", -EPROTONOSUPPORT},
		{"{\"schema\":99999999999999999999}", -EPROTONOSUPPORT},
		{"{\"schema\":0,\"sum\":\"34fe983f\",\"a\":1}", MB_DOC_CORRUPT},
		{"{\"schema\":-1,\"sum\":\"34fe983f\",\"a\":1}", MB_DOC_CORRUPT},
		{"{\"schema\":1,\"sum\":\"34FE983F\",\"a\":1}", MB_DOC_CORRUPT},
		{"{\"schema\":1,\"sum\":\"34fe983\",\"a\":1}", MB_DOC_CORRUPT},
		{"{\"schema\":1,\"sum\":\"34fe983f\"}", MB_DOC_CORRUPT},
		{"{\"schema\":1,\"sum\":\"34fe983f\",\"a\":2}", MB_DOC_CORRUPT},
		{"{\"schema\":1,\"sum\":\"34fe983f\",\"a\":1}\n", MB_DOC_CORRUPT},
		{"{\"schema\":1,\"sum\":\"34fe983f", MB_DOC_CORRUPT},
		{"{\"schema\":1,\"sum\":\"", MB_DOC_CORRUPT},
		{" {\"schema\":1,\"sum\":\"34fe983f\",\"a\":1}", MB_DOC_CORRUPT},
		{"{\"a\":1}", MB_DOC_CORRUPT},
		{"", MB_DOC_CORRUPT},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		MB_AUTO(mb_json_free) struct json_object *o = NULL;
		struct mb_err err = MB_ERR_INIT;
		int r = mb_store_doc_parse(rows[i].text, strlen(rows[i].text), &o, &err);

		if (r != rows[i].r)
			fail_msg("'%s' gave %d (%s)", rows[i].text, r, err.msg);
		assert_int_equal(r != 0, err.msg[0] != '\0');
	}
}

static void make_document(struct mb_str *doc, int words)
{
	struct thing thing = {.count = 77};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char id[] = "0123456789abcdef";

	thing.id = id;
	for (int i = 0; i < words; i++)
		mb_strv_addf(&thing.words, "word-%d-of-many", i);
	mb_json_save(table, &thing, &text);
	mb_strv_done(&thing.words);
	mb_store_doc_format(text.buf, text.len, doc);
}

/* Four thousand bytes, as a large container.json has. */
static void make_large(struct mb_str *doc)
{
	make_document(doc, 240);
	assert_true(doc->len > 4000);
}

static void flip_bits(struct mb_str *doc, size_t step)
{
	for (size_t bit = 0; bit < 8 * doc->len; bit += step) {
		struct json_object *o = NULL;

		doc->buf[bit / 8] = (char)(doc->buf[bit / 8] ^ 1 << bit % 8);
		if (mb_store_doc_parse(doc->buf, doc->len, &o, NULL) == 0)
			fail_msg("bit %zu", bit);
		assert_null(o);
		doc->buf[bit / 8] = (char)(doc->buf[bit / 8] ^ 1 << bit % 8);
	}
}

/* Each bit of small ones of many lengths, and of a large one a bit of each byte, in turn. */
static void every_flipped_bit_is_found(void **state)
{
	MB_AUTO_STR struct mb_str large = MB_STR_INIT;

	(void)state;
	for (int words = 0; words < 9; words++) {
		MB_AUTO_STR struct mb_str doc = MB_STR_INIT;

		make_document(&doc, words);
		flip_bits(&doc, 1);
	}
	make_large(&large);
	flip_bits(&large, 7);
}

static void every_length_but_the_whole_is_found(void **state)
{
	MB_AUTO_STR struct mb_str doc = MB_STR_INIT;
	struct json_object *o = NULL;

	(void)state;
	make_large(&doc);
	for (size_t n = 0; n < doc.len; n++) {
		/* A block of its own, so that a byte read behind its end is seen. */
		char *cut = mb_malloc(n + 1);

		memcpy(cut, doc.buf, n);
		cut[n] = '\0';
		if (mb_store_doc_parse(cut, n, &o, NULL) == 0)
			fail_msg("%zu bytes", n);
		memset(cut, 0, n);
		assert_int_equal(mb_store_doc_parse(cut, n, &o, NULL), MB_DOC_CORRUPT);
		free(cut);
	}
	/* The tail lost in a crash reads as zeros. */
	for (size_t n = doc.len; n-- > doc.len - 600;) {
		doc.buf[n] = '\0';
		assert_int_not_equal(mb_store_doc_parse(doc.buf, doc.len, &o, NULL), 0);
	}
}

static void what_is_no_file_is_corrupt(void **state)
{
	UNIT_DIR dir;
	struct json_object *o = NULL;
	struct mb_err err = MB_ERR_INIT;
	int fd;

	(void)state;
	unit_dir_init(&dir);
	unit_write_text(dir.fd, "good", "{\"schema\":1,\"sum\":\"34fe983f\",\"a\":1}");
	assert_int_equal(symlinkat("good", dir.fd, "link"), 0);
	assert_int_equal(mkfifoat(dir.fd, "fifo", 0600), 0);
	assert_int_equal(mkdirat(dir.fd, "dir", 0700), 0);
	assert_int_equal(mb_store_doc_read(dir.fd, "link", &o, &err), MB_DOC_CORRUPT);
	assert_non_null(strstr(err.msg, "'link'"));
	assert_int_equal(mb_store_doc_read(dir.fd, "fifo", &o, &err), MB_DOC_CORRUPT);
	assert_non_null(strstr(err.msg, "'fifo'"));
	assert_int_equal(mb_store_doc_read(dir.fd, "dir", &o, &err), MB_DOC_CORRUPT);
	assert_int_equal(mb_store_doc_read(dir.fd, "none", &o, &err), -ENOENT);
	fd = openat(dir.fd, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, MB_DOC_LIMIT + 1), 0);
	close(fd);
	assert_int_equal(mb_store_doc_read(dir.fd, "big", &o, &err), MB_DOC_CORRUPT);
	assert_int_equal(mb_store_doc_read(dir.fd, "good", &o, &err), 0);
	mb_json_free(o);
	/* A write does not go through a link either: it takes its place. */
	assert_int_equal(mb_store_file_write(dir.fd, "link", "x", 1, MB_DOC_REPLACE, &err), 0);
	o = NULL;
	assert_int_equal(mb_store_doc_read(dir.fd, "good", &o, &err), 0);
	mb_json_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_has_one_form),
		cmocka_unit_test(it_comes_back_as_it_went),
		cmocka_unit_test(a_new_name_is_new_alone),
		cmocka_unit_test(a_failed_write_leaves_nothing),
		cmocka_unit_test(structs_by_their_table),
		cmocka_unit_test(a_wrong_shape_is_corrupt),
		cmocka_unit_test(headers),
		cmocka_unit_test(every_flipped_bit_is_found),
		cmocka_unit_test(every_length_but_the_whole_is_found),
		cmocka_unit_test(what_is_no_file_is_corrupt),
	};

	return cmocka_run_group_tests_name("store/doc", tests, NULL, NULL);
}
