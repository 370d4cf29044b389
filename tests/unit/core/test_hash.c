/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "core/crc32c.h"
#include "core/sha256.h"

static void sha256_known_answers(void **state)
{
	static const struct {
		const char *text, *digest;
	} rows[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	char text[MB_SHA256_TEXT];

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		mb_sha256_text(rows[i].text, strlen(rows[i].text), text);
		assert_string_equal(text, rows[i].digest);
	}
}

static void sha256_does_not_depend_on_the_pieces(void **state)
{
	unsigned char data[1000];
	char whole[MB_SHA256_TEXT], pieces[MB_SHA256_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7);
	mb_sha256_text(data, sizeof(data), whole);
	for (size_t step = 1; step < 200; step++) {
		struct mb_sha256 h;

		mb_sha256_init(&h);
		for (size_t at = 0; at < sizeof(data); at += step)
			mb_sha256_add(&h, data + at,
			              step < sizeof(data) - at ? step : sizeof(data) - at);
		mb_sha256_finish_text(&h, pieces);
		assert_string_equal(pieces, whole);
	}
}

static void crc32c_of_much_is_that_of_its_parts(void **state)
{
	unsigned char bytes[4099];
	uint32_t parts = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 131 + (i >> 8));
	for (size_t at = 0; at < sizeof(bytes); at += 100) {
		size_t n = sizeof(bytes) - at < 100 ? sizeof(bytes) - at : 100;

		parts = mb_crc32c(parts, bytes + at, n);
	}
	assert_int_equal(mb_crc32c(0, bytes, sizeof(bytes)), parts);
	assert_int_equal(mb_crc32c(mb_crc32c(0, bytes, 1001), bytes + 1001, sizeof(bytes) - 1001),
	                 parts);
	/* After so much the processor does it, where it can: all of it, and what is left of words.
	 */
	for (int i = 0; i < 40; i++)
		assert_int_equal(mb_crc32c(0, bytes, sizeof(bytes)), parts);
	assert_int_equal(mb_crc32c(mb_crc32c(0, bytes, 3), bytes + 3, sizeof(bytes) - 3), parts);
	assert_int_equal(mb_crc32c(0, "123456789", 9), 0xe3069283);
}

static void crc32c_known_answers(void **state)
{
	static const char zeros[32];

	(void)state;
	assert_int_equal(mb_crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(mb_crc32c(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(mb_crc32c(mb_crc32c(0, "12345", 5), "6789", 4), 0xe3069283);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_known_answers),
		cmocka_unit_test(sha256_does_not_depend_on_the_pieces),
		cmocka_unit_test(crc32c_known_answers),
		cmocka_unit_test(crc32c_of_much_is_that_of_its_parts),
	};

	return cmocka_run_group_tests_name("core/hash", tests, NULL, NULL);
}
