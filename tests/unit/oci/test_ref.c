/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/str.h"
#include "oci/ref.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void digest_parses(void **state)
{
	static const char *const good[] = {"sha256:" HEX64, "sha512:" HEX64 HEX64};
	static const char *const bad[] = {
		"",
		"sha256",
		"sha256:",
		":" HEX64,
		HEX64,
		"sha256:" HEX64 "0",
		"SHA256:" HEX64,
		"sha256:../../x",
		"sha512:" HEX64,
		"sha256:" HEX64 HEX64,
		"md5:" HEX64,
		"sha256: " HEX64,
		"sha256:" HEX64 "\n",
		"sha256+b64:" HEX64,
		"sha384:" HEX64,
		"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		"sha256:g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"sha256:/123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	};
	struct mb_oci_digest d, other;
	char text[MB_OCI_DIGEST_TEXT];
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < MB_N(good); i++) {
		assert_int_equal(mb_oci_digest_parse(good[i], &d, &err), 0);
		assert_string_equal(mb_oci_digest_format(&d, text), good[i]);
	}
	for (size_t i = 0; i < MB_N(bad); i++) {
		assert_int_equal(mb_oci_digest_parse(bad[i], &d, &err), -EINVAL);
		assert_false(mb_oci_digest_is_valid(bad[i]));
	}
	assert_int_equal(mb_oci_digest_from_hex(HEX64, &d), 0);
	assert_int_equal(mb_oci_digest_from_hex(HEX64 "0", &other), -EINVAL);
	assert_int_equal(mb_oci_digest_parse("sha256:" HEX64, &other, NULL), 0);
	assert_true(mb_oci_digest_is_equal(&d, &other));
	other.hex[0] = 'f';
	assert_false(mb_oci_digest_is_equal(&d, &other));
}

static void ref_normalises(void **state)
{
	static const struct {
		const char *in, *canonical, *familiar;
	} rows[] = {
		{"deb", "docker.io/library/deb:latest", "deb:latest"},
		{"deb:12", "docker.io/library/deb:12", "deb:12"},
		{"library/deb", "docker.io/library/deb:latest", "deb:latest"},
		{"docker.io/deb", "docker.io/library/deb:latest", "deb:latest"},
		{"docker.io/library/deb:1", "docker.io/library/deb:1", "deb:1"},
		{"index.docker.io/a/b", "docker.io/a/b:latest", "a/b:latest"},
		{"user/app", "docker.io/user/app:latest", "user/app:latest"},
		{"library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
		{"localhost/x", "localhost/x:latest", "localhost/x:latest"},
		{"localhost:5000/x:y", "localhost:5000/x:y", "localhost:5000/x:y"},
		{"localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"},
		{"quay.io/a/b/c", "quay.io/a/b/c:latest", "quay.io/a/b/c:latest"},
		{"[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"},
		{"[fd00::1]/x", "[fd00::1]/x:latest", "[fd00::1]/x:latest"},
		{"Registry/x", "Registry/x:latest", "Registry/x:latest"},
		{"a.b_c__d-e---f", "docker.io/library/a.b_c__d-e---f:latest",
	         "a.b_c__d-e---f:latest"},
		{"x:_.-A", "docker.io/library/x:_.-A", "x:_.-A"},
		{"x@sha256:" HEX64, "docker.io/library/x@sha256:" HEX64, "x@sha256:" HEX64},
		{"x:1@sha256:" HEX64, "docker.io/library/x:1@sha256:" HEX64, "x:1@sha256:" HEX64},
		/* What would be another's name alone stays whole. */
		{"docker.io/quay.io/x", "docker.io/quay.io/x:latest", "docker.io/quay.io/x:latest"},
		{"docker.io/localhost/x", "docker.io/localhost/x:latest",
	         "docker.io/localhost/x:latest"},
		{"library/" HEX64, "docker.io/library/" HEX64 ":latest",
	         "docker.io/library/" HEX64 ":latest"},
		{"10.0.0.1:80/x", "10.0.0.1:80/x:latest", "10.0.0.1:80/x:latest"},
		{"0123456789ab", "docker.io/library/0123456789ab:latest", "0123456789ab:latest"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
		MB_AUTO_FREE char *canonical = NULL, *familiar = NULL;
		struct mb_err err = MB_ERR_INIT;

		if (mb_oci_ref_parse(rows[i].in, true, &ref, &err) < 0)
			fail_msg("%s", err.msg);
		canonical = mb_oci_ref_format(&ref, MB_OCI_REF_CANONICAL);
		familiar = mb_oci_ref_format(&ref, MB_OCI_REF_FAMILIAR);
		assert_string_equal(canonical, rows[i].canonical);
		assert_string_equal(familiar, rows[i].familiar);
	}
}

static void ref_refuses(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"/",
		"a/",
		"/a",
		"a//b",
		"A",
		"library/A",
		"a:",
		":a",
		"a:b:c",
		"a:-b",
		"a:.b",
		"a: b",
		"a b",
		"a\n",
		"a\x1b",
		"a.",
		".a",
		"a_",
		"_a",
		"a___b",
		"a..b",
		"a._b",
		"-a",
		"a-",
		"a@",
		"@sha256:" HEX64,
		"a@sha256:12",
		"a@sha256:" HEX64 "0",
		"a@md5:" HEX64,
		"a@sha256:" HEX64 "@sha256:" HEX64,
		"a@b:c",
		"../a",
		"a/../b",
		"a/./b",
		"./a",
		"localhost:/a",
		"localhost:5000x/a",
		"localhost:5000/",
		"-bad.host/a",
		"bad-.host/a",
		"ho_st.x/a",
		"a..b/c",
		"[::1/x",
		"[]/x",
		"[::g]/x",
		"[::1]x/y",
		".com/a",
		"x.com./a",
		HEX64,
		"\xc3\xa9",
		"a/\xc3\xa9",
		"http://x/y",
		"x.com:99999999999/a",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_oci_ref ref = {0};
		struct mb_err err = MB_ERR_INIT;

		if (mb_oci_ref_parse(rows[i], true, &ref, &err) != -EINVAL)
			fail_msg("'%s' is accepted", rows[i]);
		assert_true(mb_starts_with(err.msg, "invalid reference format"));
		assert_null(ref.path);
	}
}

static void ref_limits_lengths(void **state)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_oci_ref ref;

	(void)state;
	mb_str_add(&text, "x:");
	for (int i = 0; i < 128; i++)
		mb_str_addc(&text, 'a');
	assert_int_equal(mb_oci_ref_parse(text.buf, false, &ref, NULL), 0);
	mb_oci_ref_done(&ref);
	mb_str_addc(&text, 'a');
	assert_int_equal(mb_oci_ref_parse(text.buf, false, &ref, NULL), -EINVAL);
	mb_str_reset(&text);
	mb_str_add(&text, "x.io/");
	for (int i = 0; i < 250; i++)
		mb_str_addc(&text, 'a');
	assert_int_equal(mb_oci_ref_parse(text.buf, false, &ref, NULL), 0);
	mb_oci_ref_done(&ref);
	mb_str_addc(&text, 'a');
	assert_int_equal(mb_oci_ref_parse(text.buf, false, &ref, NULL), -EINVAL);
}

static void ref_without_default_tag(void **state)
{
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};

	(void)state;
	assert_int_equal(mb_oci_ref_parse("deb", false, &ref, NULL), 0);
	assert_null(ref.tag);
	assert_int_equal(ref.digest.alg, 0);
}

static void ref_matches_patterns(void **state)
{
	static const struct {
		const char *ref, *pattern;
		bool matches;
	} rows[] = {
		{"deb:12", "deb", true},
		{"deb:12", "deb:12", true},
		{"deb:12", "deb:*", true},
		{"deb:12", "d*", true},
		{"deb:12", "deb:13", false},
		{"deb:12", "eb", false},
		{"user/deb:12", "*", false},
		{"user/deb:12", "*/*", true},
		{"user/deb:12", "*/deb", true},
		{"deb:12", "docker.io/library/deb", true},
		{"quay.io/x/y", "quay.io/*/*:latest", true},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};

		assert_int_equal(mb_oci_ref_parse(rows[i].ref, true, &ref, NULL), 0);
		assert_int_equal(mb_oci_ref_matches(&ref, rows[i].pattern), rows[i].matches);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_parses),
		cmocka_unit_test(ref_normalises),
		cmocka_unit_test(ref_refuses),
		cmocka_unit_test(ref_limits_lengths),
		cmocka_unit_test(ref_without_default_tag),
		cmocka_unit_test(ref_matches_patterns),
	};

	return cmocka_run_group_tests_name("oci/ref", tests, NULL, NULL);
}
