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
#include "oci/image_spec.h"
#include "json/json.h"

#define HEX        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DESC(type) "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HEX "\",\"size\":7}"
#define HEAD       "{\"schemaVersion\":2,"

static void same_text(struct json_object *o, const char *expected)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	mb_json_format(o, false, &out);
	mb_json_free(o);
	assert_string_equal(out.buf, expected);
}

static void manifest_loads_both_families(void **state)
{
	static const char *const rows[] = {
		HEAD "\"mediaType\":\"" MB_OCI_TYPE_MANIFEST "\",\"config\":" DESC(
			MB_OCI_TYPE_CONFIG) ",\"layers\":[" DESC(MB_OCI_TYPE_LAYER_GZIP) "]}",
		HEAD "\"mediaType\":\"" MB_OCI_TYPE_DOCKER_MANIFEST
		     "\",\"config\":" DESC(MB_OCI_TYPE_DOCKER_CONFIG) ",\"layers\":[" DESC(
			     MB_OCI_TYPE_DOCKER_GZIP) "]}",
		HEAD "\"config\":" DESC(MB_OCI_TYPE_CONFIG) ",\"layers\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_oci_manifest m;
		struct mb_err err = MB_ERR_INIT;

		if (mb_oci_manifest_load(rows[i], strlen(rows[i]), &m, &err) < 0)
			fail_msg("%s", err.msg);
		assert_string_equal(m.config.digest.hex, HEX);
		assert_int_equal(m.config.size, 7);
		if (m.n_layers)
			assert_int_equal(mb_oci_layer_kind(m.layers[0].media_type),
			                 MB_OCI_LAYER_GZIP);
		same_text(mb_oci_manifest_save(&m), rows[i]);
		mb_oci_manifest_done(&m);
	}
}

static void manifest_refuses(void **state)
{
	static const char *const rows[] = {
		"[]",
		"{}",
		HEAD "\"config\":" DESC("x") "}",
		HEAD "\"layers\":[]}",
		HEAD "\"manifests\":[],\"layers\":[]}",
		HEAD "\"manifests\":[],\"config\":" DESC("x") ",\"layers\":[]}",
		HEAD "\"manifests\":[]}",
		HEAD "\"mediaType\":\"" MB_OCI_TYPE_INDEX
		     "\",\"config\":" DESC("x") ",\"layers\":[]}",
		HEAD "\"mediaType\":\"text/html\",\"config\":" DESC("x") ",\"layers\":[]}",
		"{\"schemaVersion\":1,\"config\":" DESC("x") ",\"layers\":[]}",
		"{\"schemaVersion\":1,\"fsLayers\":[]}",
		HEAD "\"config\":{\"mediaType\":\"x\",\"digest\":\"sha256:../../x\",\"size\":1},"
		     "\"layers\":[]}",
		HEAD "\"config\":{\"mediaType\":\"x\",\"digest\":\"sha256:" HEX
		     "\",\"size\":-1},\"layers\":[]}",
		HEAD "\"config\":{\"mediaType\":\"x\",\"size\":1},\"layers\":[]}",
		HEAD "\"config\":" DESC("x") ",\"layers\":[{\"digest\":\"sha256:" HEX
					     "\",\"size\":1}]}",
		HEAD "\"config\":" DESC("x") ",\"layers\":[null]}",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_oci_manifest m = {0};
		struct mb_err err = MB_ERR_INIT;

		if (mb_oci_manifest_load(rows[i], strlen(rows[i]), &m, &err) >= 0)
			fail_msg("%s", rows[i]);
		assert_true(*err.msg);
		assert_null(m.layers);
	}
}

static void manifest_limits_layers(void **state)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_oci_manifest m;

	(void)state;
	mb_str_add(&text, HEAD "\"config\":" DESC("x") ",\"layers\":[");
	for (int i = 0; i < MB_OCI_MAX_LAYERS; i++)
		mb_str_add(&text, DESC("x") ",");
	mb_str_add(&text, DESC("x") "]}");
	assert_int_equal(mb_oci_manifest_load(text.buf, text.len, &m, NULL), -E2BIG);
}

static void index_finds_the_platform(void **state)
{
#define ENTRY(n, arch, variant)                                          \
	"{\"mediaType\":\"m\",\"digest\":\"sha256:" HEX "\",\"size\":" n \
	",\"platform\":{\"architecture\":\"" arch "\",\"os\":\"linux\"" variant "}}"
#define VARIANT(v) ",\"variant\":\"" v "\""
	static const char text[] =
		HEAD "\"manifests\":["
		     "{\"mediaType\":\"m\",\"digest\":\"sha256:" HEX "\",\"size\":9,"
		     "\"platform\":{\"architecture\":\"unknown\",\"os\":\"unknown\"}},"
		     "{\"mediaType\":\"m\",\"digest\":\"sha256:" HEX "\",\"size\":8,"
		     "\"platform\":{\"architecture\":\"amd64\",\"os\":\"windows\"}}"
		     "," ENTRY("1", "amd64", "") "," ENTRY("2", "arm", VARIANT("v5")) "," ENTRY(
			     "3", "arm",
			     VARIANT("v7")) "," ENTRY("4", "arm64",
	                                              VARIANT("v8")) "," ENTRY("5", "amd64",
	                                                                       VARIANT("v"
	                                                                               "3")) "]}";
	static const struct {
		const char *arch, *variant;
		int64_t size;
	} rows[] = {
		{"amd64", NULL, 1}, {"arm", "v6", 2},     {"arm", "v7", 3},   {"arm", NULL, 3},
		{"arm64", NULL, 4}, {"arm64", "v8", 4},   {"s390x", NULL, 0}, {"amd64", "v3", 5},
		{"amd64", "v2", 1}, {"unknown", NULL, 0},
	};
	struct mb_oci_index index;
	struct mb_err err = MB_ERR_INIT;
	const char *arch, *variant;

	(void)state;
	if (mb_oci_index_load(text, strlen(text), &index, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < MB_N(rows); i++) {
		const struct mb_oci_descriptor *d =
			mb_oci_index_find(&index, "linux", rows[i].arch, rows[i].variant);

		assert_int_equal(d ? d->size : 0, rows[i].size);
	}
	same_text(mb_oci_index_save(&index), text);
	mb_oci_index_done(&index);
	mb_oci_host_architecture(&arch, &variant);
	assert_non_null(arch);
}

static void index_without_platform(void **state)
{
	static const char text[] = HEAD "\"manifests\":[" DESC("m") "]}";
	struct mb_oci_index index;

	(void)state;
	assert_int_equal(mb_oci_index_load(text, strlen(text), &index, NULL), 0);
	assert_non_null(mb_oci_index_find(&index, "linux", "amd64", NULL));
	mb_oci_index_done(&index);
}

static void config_round_trip(void **state)
{
	static const char text[] =
		"{\"architecture\":\"amd64\",\"author\":\"a\",\"config\":{\"User\":\"1:2\","
		"\"ExposedPorts\":{\"80/tcp\":{}},\"Env\":[\"PATH=/bin\"],\"Entrypoint\":[\"/e\"],"
		"\"Cmd\":[\"sh\"],\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],"
		"\"Interval\":30000000000,\"Retries\":3},\"Volumes\":{\"/data\":{}},"
		"\"WorkingDir\":\"/w\",\"OnBuild\":[\"RUN x\"],\"Labels\":{\"a\":\"b\"},"
		"\"StopSignal\":\"SIGINT\",\"StopTimeout\":0,\"Shell\":[\"/bin/bash\",\"-c\"]},"
		"\"created\":\"2026-01-02T03:04:05.000000000Z\",\"history\":["
		"{\"created\":\"2026-01-02T03:04:05.000000000Z\",\"created_by\":\"ADD\"},"
		"{\"created_by\":\"CMD\",\"empty_layer\":true}],\"os\":\"linux\","
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX "\"]}}";
	struct mb_oci_image_config c;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	if (mb_oci_image_config_load(text, strlen(text), &c, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(c.diff_ids.n, 1);
	assert_true(c.config.has_stop_timeout);
	assert_true(c.history[1].empty_layer);
	assert_int_equal(c.config.healthcheck->interval_nsec, 30000000000);
	same_text(mb_oci_image_config_save(&c), text);
	mb_oci_image_config_done(&c);
}

/* What docker writes: null for everything that is not set. */
static void config_accepts_nulls(void **state)
{
	static const char text[] =
		"{\"architecture\":\"amd64\",\"config\":{\"Hostname\":\"\",\"AttachStdin\":false,"
		"\"Env\":null,\"Cmd\":null,\"Volumes\":null,\"Entrypoint\":null,\"OnBuild\":null,"
		"\"Labels\":null,\"Healthcheck\":null},\"container\":\"x\","
		"\"created\":\"0001-01-01T00:00:00Z\",\"history\":null,\"os\":\"linux\","
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null}}";
	struct mb_oci_image_config c;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	if (mb_oci_image_config_load(text, strlen(text), &c, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(c.created, 0);
	assert_null(c.config.healthcheck);
	mb_oci_image_config_done(&c);
}

static void config_refuses(void **state)
{
	static const struct {
		const char *text, *msg;
	} rows[] = {
		{"{}", "image configuration: 'rootfs' is missing"},
		{"{\"rootfs\":{\"type\":\"zip\"}}",
	         "image configuration: 'rootfs.type' is not 'layers'"},
		{"{\"rootfs\":{\"diff_ids\":[\"sha256:../x\"]}}",
	         "image configuration: 'rootfs.diff_ids[0]': invalid digest 'sha256:../x'"},
		{"{\"rootfs\":{},\"config\":{\"Env\":[1]}}",
	         "image configuration: 'config.Env[0]' must be a string"},
		{"{\"rootfs\":{},\"config\":{\"Labels\":{\"a\":{}}}}",
	         "image configuration: 'config.Labels.a' must be a string"},
		{"{\"rootfs\":{},\"config\":{\"Volumes\":[]}}",
	         "image configuration: 'config.Volumes' must be an object"},
		{"{\"rootfs\":{},\"config\":{\"Healthcheck\":{\"Interval\":-1}}}",
	         "image configuration: 'config.Healthcheck' has a negative number"},
		{"{\"rootfs\":{},\"config\":{\"Healthcheck\":{\"Retries\":1e99}}}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_oci_image_config c;
		struct mb_err err = MB_ERR_INIT;

		assert_true(mb_oci_image_config_load(rows[i].text, strlen(rows[i].text), &c, &err) <
		            0);
		if (rows[i].msg)
			assert_string_equal(err.msg, rows[i].msg);
	}
}

static void platform_parses(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"linux/amd64", "linux/amd64"},
		{"arm64", "linux/arm64"},
		{"linux/aarch64", "linux/arm64"},
		{"Linux/x86_64", "linux/amd64"},
		{"linux/arm64/v8", "linux/arm64"},
		{"linux/arm", "linux/arm/v7"},
		{"linux/arm/v6", "linux/arm/v6"},
		{"linux/amd64/v3", "linux/amd64/v3"},
		{"linux/i386", "linux/386"},
		{"linux/amd64,linux/arm64", NULL},
		{"windows/amd64", NULL},
		{"", NULL},
		{"linux/", NULL},
		{"linux//v8", NULL},
		{"/arm64", NULL},
		{"linux/arm64/v8/x", NULL},
		{"linux/a b", NULL},
		{"linux/..", NULL},
	};
	MB_AUTO_FREE char *host = mb_oci_host_platform(), *local = NULL;

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_err err = MB_ERR_INIT;
		MB_AUTO_FREE char *got = NULL;
		int r = mb_oci_platform_parse(rows[i].text, &got, &err);

		assert_int_equal(r < 0, !rows[i].expected);
		assert_int_equal(r < 0, *err.msg != '\0');
		if (rows[i].expected)
			assert_string_equal(got, rows[i].expected);
	}
	assert_int_equal(mb_oci_platform_parse("local", &local, NULL), 0);
	assert_string_equal(local, host);
}

static void platform_suits(void **state)
{
	(void)state;
	assert_true(mb_oci_platform_suits("linux/arm64", "linux", "arm64", "v8"));
	assert_true(mb_oci_platform_suits("linux/arm64", NULL, "aarch64", NULL));
	assert_true(mb_oci_platform_suits("linux/arm64", "linux", "", ""));
	assert_true(mb_oci_platform_suits("linux/arm/v6", "linux", "arm", NULL));
	assert_true(mb_oci_platform_suits("linux/amd64/v3", "linux", "amd64", NULL));
	assert_false(mb_oci_platform_suits("linux/arm/v6", "linux", "arm", "v7"));
	assert_false(mb_oci_platform_suits("linux/arm64", "linux", "arm", NULL));
	assert_false(mb_oci_platform_suits("linux/arm64", "linux", "amd64", NULL));
	assert_false(mb_oci_platform_suits("linux/amd64", "windows", "amd64", NULL));
}

static void descriptor_sets_both(void **state)
{
	struct mb_oci_descriptor d = {0};
	struct mb_oci_digest digest;

	(void)state;
	assert_int_equal(mb_oci_digest_from_hex(HEX, &digest), 0);
	mb_oci_descriptor_set_digest(&d, &digest);
	assert_string_equal(d.digest_text, "sha256:" HEX);
	mb_oci_descriptor_done(&d);
	assert_int_equal(d.digest.alg, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifest_loads_both_families),
		cmocka_unit_test(manifest_refuses),
		cmocka_unit_test(manifest_limits_layers),
		cmocka_unit_test(index_finds_the_platform),
		cmocka_unit_test(index_without_platform),
		cmocka_unit_test(config_round_trip),
		cmocka_unit_test(config_accepts_nulls),
		cmocka_unit_test(config_refuses),
		cmocka_unit_test(descriptor_sets_both),
		cmocka_unit_test(platform_parses),
		cmocka_unit_test(platform_suits),
	};

	return cmocka_run_group_tests_name("oci/image_spec", tests, NULL, NULL);
}
