/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "image/entry.h"

static void entry_parse_rows(void **state)
{
	static const struct {
		const char *raw;
		int r;
		enum mb_image_entry_kind kind;
		const char *dir, *leaf;
	} rows[] = {
		{"a", 0, MB_IMAGE_ENTRY_PLAIN, "", "a"},
		{"/a/b", 0, MB_IMAGE_ENTRY_PLAIN, "a", "b"},
		{"././a//b/./c/", 0, MB_IMAGE_ENTRY_PLAIN, "a/b", "c"},
		{"a/../b", 0, MB_IMAGE_ENTRY_PLAIN, "", "b"},
		{"./", 0, MB_IMAGE_ENTRY_PLAIN, "", ""},
		{"/", 0, MB_IMAGE_ENTRY_PLAIN, "", ""},
		{"a/..", 0, MB_IMAGE_ENTRY_PLAIN, "", ""},
		{"..", -EINVAL, 0, NULL, NULL},
		{"/..", -EINVAL, 0, NULL, NULL},
		{"a/../../b", -EINVAL, 0, NULL, NULL},
		{"...", 0, MB_IMAGE_ENTRY_PLAIN, "", "..."},
		{"d/.wh.x", 0, MB_IMAGE_ENTRY_WHITEOUT, "d", "x"},
		{".wh..hidden", 0, MB_IMAGE_ENTRY_WHITEOUT, "", ".hidden"},
		{"d/.wh..wh..opq", 0, MB_IMAGE_ENTRY_OPAQUE, "d", ".wh..wh..opq"},
		{".wh..wh.plnk", 0, MB_IMAGE_ENTRY_IGNORED, "", ".wh..wh.plnk"},
		{".wh..wh.plnk/1.2", 0, MB_IMAGE_ENTRY_IGNORED, ".wh..wh.plnk", "1.2"},
		{".wh.", -EINVAL, 0, NULL, NULL},
		{".wh..", -EINVAL, 0, NULL, NULL},
		{".wh...", -EINVAL, 0, NULL, NULL},
		{".wh.d/x", -EINVAL, 0, NULL, NULL},
		{"a/.wh.d/x", -EINVAL, 0, NULL, NULL},
		{".whx", 0, MB_IMAGE_ENTRY_PLAIN, "", ".whx"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct mb_image_entry_name name;
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(mb_image_entry_parse(rows[i].raw, &name, &err), rows[i].r);
		if (rows[i].r < 0)
			continue;
		assert_int_equal(name.kind, rows[i].kind);
		assert_string_equal(name.dir, rows[i].dir);
		assert_string_equal(name.leaf, rows[i].leaf);
	}
}

static void entry_clean_limits(void **state)
{
	struct mb_image_entry_name name;
	char text[6000];

	(void)state;
	memset(text, 'n', sizeof(text));
	text[255] = '\0';
	assert_int_equal(mb_image_entry_clean(text, &name, NULL), 0);
	text[255] = 'n';
	text[256] = '\0';
	assert_int_equal(mb_image_entry_clean(text, &name, NULL), -ENAMETOOLONG);
	text[256] = 'n';
	for (size_t i = 100; i < sizeof(text); i += 101)
		text[i] = '/';
	text[4096] = '\0';
	assert_int_equal(mb_image_entry_clean(text, &name, NULL), 0);
	text[4096] = 'n';
	text[4097] = '\0';
	assert_int_equal(mb_image_entry_clean(text, &name, NULL), -ENAMETOOLONG);
}

static void entry_xattrs(void **state)
{
	(void)state;
	assert_true(mb_image_entry_xattr_is_kept("user.x"));
	assert_true(mb_image_entry_xattr_is_kept("security.capability"));
	assert_true(mb_image_entry_xattr_is_kept("system.posix_acl_access"));
	assert_true(mb_image_entry_xattr_is_kept("trusted.x"));
	assert_false(mb_image_entry_xattr_is_kept("trusted.overlay.opaque"));
	assert_false(mb_image_entry_xattr_is_kept("user.overlay.redirect"));
	assert_false(mb_image_entry_xattr_is_kept("security.selinux"));
	assert_false(mb_image_entry_xattr_is_kept("security.capabilityx"));
	assert_false(mb_image_entry_xattr_is_kept("system.nfs4_acl"));
	assert_false(mb_image_entry_xattr_is_kept(""));
}

static void entry_owners(void **state)
{
	(void)state;
	assert_true(mb_image_entry_owner_is_valid(0));
	assert_true(mb_image_entry_owner_is_valid(4294967294));
	assert_false(mb_image_entry_owner_is_valid(4294967295));
	assert_false(mb_image_entry_owner_is_valid(4294967296));
	assert_false(mb_image_entry_owner_is_valid(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_parse_rows),
		cmocka_unit_test(entry_clean_limits),
		cmocka_unit_test(entry_xattrs),
		cmocka_unit_test(entry_owners),
	};

	return cmocka_run_group_tests_name("image/entry", tests, NULL, NULL);
}
