/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/own.h"
#include "image/change.h"
#include "oci/image_spec.h"

static int apply(struct mb_oci_container_config *config, const char *line, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;

	mb_strv_add(&lines, line);
	return mb_image_changes_apply(config, &lines, err);
}

static void change_rows(void **state)
{
	struct mb_oci_image_config image = {0};
	struct mb_oci_container_config *c = &image.config;
	MB_AUTO_FREE char *cmd = NULL, *entrypoint = NULL;

	(void)state;
	assert_int_equal(apply(c, "entrypoint run it \"now\"", NULL), 0);
	assert_int_equal(apply(c, "CMD [\"a\", \"b c\"]", NULL), 0);
	assert_int_equal(apply(c, "ENV A=1 B=\"two words\" C=x\\ y", NULL), 0);
	assert_int_equal(apply(c, "ENV A old form", NULL), 0);
	assert_int_equal(apply(c, "ENV D=$B:${NONE:-none}", NULL), 0);
	assert_int_equal(apply(c, "EXPOSE 80 53/udp 80/tcp", NULL), 0);
	assert_int_equal(apply(c, "VOLUME [\"/a\"]", NULL), 0);
	assert_int_equal(apply(c, "VOLUME /b /a", NULL), 0);
	assert_int_equal(apply(c, "WORKDIR /w/x", NULL), 0);
	assert_int_equal(apply(c, "WORKDIR ../y", NULL), 0);
	assert_int_equal(apply(c, "USER 1:2  ", NULL), 0);
	assert_int_equal(apply(c, "LABEL a=b", NULL), 0);
	assert_int_equal(apply(c, "STOPSIGNAL SIGINT", NULL), 0);
	cmd = mb_strv_join(&c->cmd, "|");
	entrypoint = mb_strv_join(&c->entrypoint, "|");
	assert_string_equal(cmd, "a|b c");
	assert_string_equal(entrypoint, "/bin/sh|-c|run it \"now\"");
	assert_string_equal(mb_env_find(&c->env, "A"), "old form");
	assert_string_equal(mb_env_find(&c->env, "B"), "two words");
	assert_string_equal(mb_env_find(&c->env, "C"), "x y");
	assert_string_equal(mb_env_find(&c->env, "D"), "two words:none");
	assert_int_equal(c->exposed_ports.n, 2);
	assert_int_equal(c->volumes.n, 2);
	assert_string_equal(c->working_dir, "/w/y");
	assert_string_equal(c->user, "1:2");
	assert_string_equal(mb_kv_find(&c->labels, "a"), "b");
	assert_string_equal(c->stop_signal, "SIGINT");
	mb_oci_image_config_done(&image);
}

static void change_healthcheck(void **state)
{
	struct mb_oci_image_config image = {0};
	struct mb_oci_healthcheck *h;

	(void)state;
	assert_int_equal(apply(&image.config,
	                       "HEALTHCHECK --interval=5m --timeout=3s "
	                       "--start-period=0 --start-interval=1ms --retries=4 "
	                       "CMD curl -f x || exit 1",
	                       NULL),
	                 0);
	h = image.config.healthcheck;
	assert_int_equal(h->interval_nsec, 300000000000);
	assert_int_equal(h->timeout_nsec, 3000000000);
	assert_int_equal(h->start_period_nsec, 0);
	assert_int_equal(h->start_interval_nsec, 1000000);
	assert_int_equal(h->retries, 4);
	assert_int_equal(h->test.n, 2);
	assert_string_equal(h->test.v[0], "CMD-SHELL");
	assert_string_equal(h->test.v[1], "curl -f x || exit 1");
	assert_int_equal(apply(&image.config, "healthcheck cmd [\"a\", \"b c\"]", NULL), 0);
	h = image.config.healthcheck;
	assert_int_equal(h->interval_nsec, 0);
	assert_int_equal(h->test.n, 3);
	assert_string_equal(h->test.v[0], "CMD");
	assert_string_equal(h->test.v[2], "b c");
	assert_int_equal(apply(&image.config, "HEALTHCHECK NONE", NULL), 0);
	assert_int_equal(image.config.healthcheck->test.n, 1);
	assert_string_equal(image.config.healthcheck->test.v[0], "NONE");
	mb_oci_image_config_done(&image);
}

/* ENTRYPOINT takes a command away that was for another, and leaves one that was given with it. */
static void change_entrypoint(void **state)
{
	struct mb_oci_image_config image = {0};
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;

	(void)state;
	assert_int_equal(apply(&image.config, "CMD old", NULL), 0);
	assert_int_equal(apply(&image.config, "ENTRYPOINT [\"/x\"]", NULL), 0);
	assert_int_equal(image.config.cmd.n, 0);
	mb_strv_add(&lines, "CMD new");
	mb_strv_add(&lines, "ENTRYPOINT [\"/y\"]");
	assert_int_equal(mb_image_changes_apply(&image.config, &lines, NULL), 0);
	assert_string_equal(image.config.cmd.v[2], "new");
	assert_string_equal(image.config.entrypoint.v[0], "/y");
	mb_oci_image_config_done(&image);
}

static void change_refuses(void **state)
{
	static const char *const lines[] = {
		"FROM x",
		"",
		"CMD",
		"ENV =x",
		"ENV A=1 B",
		"VOLUME rel",
		"EXPOSE 0",
		"EXPOSE 80/xyz",
		"EXPOSE 9-8",
		"ENV A=${B",
		"STOPSIGNAL NOPE",
		"LABEL \"open=1",
		"RUN ls",
		"HEALTHCHECK",
		"HEALTHCHECK CMD",
		"HEALTHCHECK NONE x",
		"HEALTHCHECK ls",
		"HEALTHCHECK --interval=5 CMD x",
		"HEALTHCHECK --interval=999us CMD x",
		"HEALTHCHECK --retries=-1 CMD x",
		"HEALTHCHECK --other=1 CMD x",
		"HEALTHCHECK --retries=1",
	};
	struct mb_oci_image_config image = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(apply(&image.config, lines[i], &err), -EINVAL);
		assert_true(err.code);
	}
	mb_oci_image_config_done(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(change_rows),
		cmocka_unit_test(change_healthcheck),
		cmocka_unit_test(change_entrypoint),
		cmocka_unit_test(change_refuses),
	};

	return cmocka_run_group_tests_name("image/change", tests, NULL, NULL);
}
