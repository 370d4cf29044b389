/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "../../support/unit.h"
#include "core/err.h"
#include "core/own.h"
#include "systemd/message.h"

/* What another implementation makes of the same call, byte for byte (little endian). */
static void a_call_is_what_the_protocol_says(void **state)
{
	static const char wanted[] = "l\1\0\1\5\0\0\0\7\0\0\0\x27\0\0\0"
				     "\1\1o\0\2\0\0\0/a\0\0\0\0\0\0"
				     "\3\1s\0\3\0\0\0Run\0\0\0\0\0"
				     "\10\1g\0\1s\0\0\0"
				     "\0\0\0\0\0\0\0";
	const struct mb_systemd_call call = {.path = "/a", .member = "Run", .signature = "s"};
	MB_AUTO_STR struct mb_str body = MB_STR_INIT, out = MB_STR_INIT;

	(void)state;
	mb_systemd_put_string(&body, "");
	mb_systemd_call_write(&call, 7, &body, &out);
	assert_int_equal(out.len, 16 + 40 + 5);
	assert_memory_equal(out.buf, wanted, 16 + 32);
	assert_memory_equal(out.buf + 48, "\10\1g\0\1s\0\0", 8);
	assert_memory_equal(out.buf + 56, "\0\0\0\0\0", 5);
}

static void what_is_written_is_read(void **state)
{
	const struct mb_systemd_call call = {.destination = "org.example",
	                                     .path = "/a/b",
	                                     .interface = "org.example.I",
	                                     .member = "Member",
	                                     .signature = "us"};
	MB_AUTO_STR struct mb_str body = MB_STR_INIT, out = MB_STR_INIT;
	struct mb_systemd_message m;
	struct mb_systemd_reader r;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	mb_systemd_put_u32(&body, 9);
	mb_systemd_put_string(&body, "text");
	mb_systemd_call_write(&call, 3, &body, &out);
	assert_int_equal(mb_systemd_message_parse((const uint8_t *)out.buf, out.len, &m, &err), 0);
	assert_int_equal(m.type, MB_SYSTEMD_CALL);
	assert_int_equal(m.serial, 3);
	assert_string_equal(m.member, "Member");
	assert_string_equal(m.signature, "us");
	r = mb_systemd_body(&m);
	assert_int_equal(mb_systemd_get_u32(&r), 9);
	assert_string_equal(mb_systemd_get_string(&r), "text");
	assert_false(r.failed);
	assert_string_equal(mb_systemd_get_string(&r), "");
	assert_true(r.failed);
}

static void the_other_byte_order_is_read_too(void **state)
{
	static const uint8_t bytes[] = "B\3\0\1\0\0\0\x6\0\0\0\1\0\0\0\x14"
				       "\5\1u\0\0\0\0\x7"
				       "\4\1s\0\0\0\0\3a.b\0\0\0\0\0"
				       "\0\0\0\1x";
	struct mb_systemd_message m;
	struct mb_systemd_reader r;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(mb_systemd_message_parse(bytes, 16 + 24 + 6, &m, &err), 0);
	assert_int_equal(m.reply_serial, 7);
	assert_string_equal(m.error, "a.b");
	r = mb_systemd_body(&m);
	assert_string_equal(mb_systemd_get_string(&r), "x");
}

static void what_is_cut_or_wrong_is_refused(void **state)
{
	const struct mb_systemd_call call = {
		.path = "/a/b", .interface = "org.example.I", .member = "Member", .signature = "s"};
	MB_AUTO_STR struct mb_str body = MB_STR_INIT, out = MB_STR_INIT;
	struct mb_systemd_message m;
	size_t length;

	(void)state;
	mb_systemd_put_string(&body, "text");
	mb_systemd_call_write(&call, 3, &body, &out);
	for (size_t n = 0; n < out.len; n++) {
		MB_AUTO_FREE uint8_t *cut = mb_malloc(n + 1);

		memcpy(cut, out.buf, n);
		assert_true(mb_systemd_message_parse(cut, n, &m, NULL) < 0);
	}
	/* A length that points behind the header's end. */
	out.buf[16 + 4] = 127;
	assert_true(mb_systemd_message_parse((const uint8_t *)out.buf, out.len, &m, NULL) < 0);
	out.buf[0] = 'x';
	assert_int_equal(mb_systemd_message_length((const uint8_t *)out.buf, &length, NULL),
	                 -EBADMSG);
	out.buf[0] = 'l';
	memset(out.buf + 4, 0xff, 4);
	assert_int_equal(mb_systemd_message_length((const uint8_t *)out.buf, &length, NULL),
	                 -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_what_the_protocol_says),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_other_byte_order_is_read_too),
		cmocka_unit_test(what_is_cut_or_wrong_is_refused),
	};

	return cmocka_run_group_tests_name("systemd/message", tests, NULL, NULL);
}
