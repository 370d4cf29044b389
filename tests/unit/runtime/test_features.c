/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/capability.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "runtime/features.h"
#include "runtime/plan.h"
#include "sys/caps.h"
#include "json/json.h"

static void the_document_is_whole(void **state)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_runtime_features_make();
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	static const char *const parts[] = {
		"\"ociVersionMin\":\"1.0.0\"",
		"\"hooks\":[\"prestart\",",
		"\"rro\"",
		"\"namespaces\":[\"cgroup\",",
		"\"CAP_CHECKPOINT_RESTORE\"",
		"\"SCMP_ACT_NOTIFY\"",
		"\"SCMP_CMP_MASKED_EQ\"",
		"\"SCMP_ARCH_X86_64\"",
		"\"knownFlags\":[\"SECCOMP_FILTER_FLAG_TSYNC\",",
		"\"mountExtensions\":{\"idmap\":{\"enabled\":true}}",
		"\"intelRdt\":{\"enabled\":false,",
		"\"netDevices\":{\"enabled\":true}",
		"\"MPOL_PREFERRED_MANY\"",
	};

	(void)state;
	mb_json_format(o, false, &text);
	for (size_t i = 0; i < MB_N(parts); i++) {
		if (!strstr(mb_str_text(&text), parts[i]))
			fail_msg("no %s in %s", parts[i], mb_str_text(&text));
	}
	assert_null(strstr(mb_str_text(&text), "CAP_63"));
}

/* What is told is what the planner takes: each option alone, where its kind may be. */
static void every_option_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; mb_runtime_mount_options[i]; i++) {
		const char *option = mb_runtime_mount_options[i];
		struct mb_runtime_request req = MB_RUNTIME_REQUEST_INIT;
		MB_AUTO_OCI_SPEC struct mb_oci_spec spec = {0};
		struct mb_runtime_plan plan;
		struct mb_oci_mount *m;
		struct mb_err err = MB_ERR_INIT;

		spec.process = mb_calloc(1, sizeof(*spec.process));
		mb_strv_add(&spec.process->args, "sh");
		spec.root.path = mb_strdup("rootfs");
		mb_oci_spec_add_namespace(&spec, "mount", NULL);
		m = mb_oci_spec_add_mount(&spec, "/x",
		                          mb_streq(option, "tmpcopyup") ? "tmpfs" : "bind", "/tmp");
		mb_strv_add(&m->options, option);
		if (strstr(option, "idmap")) {
			m->uid_mappings = mb_calloc(1, sizeof(*m->uid_mappings));
			m->gid_mappings = mb_calloc(1, sizeof(*m->gid_mappings));
			m->n_uid_mappings = m->n_gid_mappings = 1;
		}
		req.id = "x";
		req.spec = &spec;
		mb_runtime_plan_init(&plan);
		if (mb_runtime_plan_fill(&plan, &req, &err) < 0)
			fail_msg("%s: %s", option, err.msg);
		assert_int_equal(plan.warnings.n, 0);
		mb_runtime_plan_done(&plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_is_whole),
		cmocka_unit_test(every_option_is_taken),
	};

	return cmocka_run_group_tests_name("runtime/features", tests, NULL, NULL);
}
