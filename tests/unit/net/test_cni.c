/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <json-c/json_object.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "net/cni.h"
#include "json/json.h"

#define PLUGIN "{\"type\":\"x\"}"

static int parse(const char *text)
{
	MB_AUTO(mb_json_free) struct json_object *list = NULL;

	return mb_net_cni_parse(text, strlen(text), &list, NULL);
}

static void lists(void **state)
{
	static const char *const right[] = {
		"{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":[" PLUGIN "]}",
		"{\"cniVersion\":\"0.3.1\",\"name\":\"n\",\"plugins\":[" PLUGIN "," PLUGIN "]}",
		"{\"cniVersion\":\"1.1.0\",\"name\":\"n\",\"type\":\"x\"}",
	};
	static const char *const wrong[] = {
		"",
		"[]",
		"{}",
		"{\"cniVersion\":\"0.2.0\",\"name\":\"n\",\"type\":\"x\"}",
		"{\"name\":\"n\",\"type\":\"x\"}",
		"{\"cniVersion\":\"1.0.0\",\"type\":\"x\"}",
		"{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"type\":\"../x\"}",
		"{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"type\":\".x\"}",
		"{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":[]}",
		"{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":{}}",
		"{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":[" PLUGIN ",null]}",
		"{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":[" PLUGIN ",{}]}",
	};

	(void)state;
	for (size_t i = 0; i < N(right); i++)
		if (parse(right[i]) != 0)
			fail_msg("refused: %s", right[i]);
	for (size_t i = 0; i < N(wrong); i++)
		if (parse(wrong[i]) != -EBADMSG)
			fail_msg("accepted: %s", wrong[i]);
}

static void results(void **state)
{
	char text[] = "{\"interfaces\":[{\"name\":\"eth0\",\"mac\":\"02:00:00:00:00:01\"},"
		      "{\"name\":\"eth0\",\"mac\":\"0A:00:00:00:00:02\",\"sandbox\":\"/n\"}],"
		      "\"ips\":[{\"address\":\"10.1.0.5/16\",\"gateway\":\"10.1.0.1\"},"
		      "{\"address\":\"10.2.0.5/16\"},{\"address\":\"FD00::5/64\"}],"
		      "\"dns\":{\"nameservers\":[\"10.1.0.1\",7,\"a b\"],\"domain\":\"d\"}}";
	char name[] = "n";
	struct mb_net_cni cni = {.name = name, .result = text};
	struct mb_net_cni_outcome o;
	struct mb_net_endpoint *e = &o.endpoint;

	(void)state;
	assert_int_equal(mb_net_cni_outcome(&cni, &o, NULL), 0);
	assert_string_equal(e->ip4, "10.1.0.5");
	assert_int_equal(e->prefix4, 16);
	assert_string_equal(e->gw4, "10.1.0.1");
	assert_string_equal(e->ip6, "fd00::5");
	assert_int_equal(e->prefix6, 64);
	assert_null(e->gw6);
	assert_string_equal(e->mac, "0a:00:00:00:00:02");
	assert_int_equal(o.servers.n, 1);
	assert_int_equal(o.search.n, 1);
	assert_string_equal(o.search.v[0], "d");
	mb_net_cni_outcome_done(&o);
	cni.result = NULL;
	assert_int_equal(mb_net_cni_outcome(&cni, &o, NULL), 0);
	assert_null(e->ip4);
}

static void results_that_are_none(void **state)
{
	static const char *const wrong[] = {
		"[]",
		"{\"ips\":[{}]}",
		"{\"ips\":[{\"address\":\"10.1.0.5\"}]}",
		"{\"ips\":[{\"address\":\"10.1.0.5/33\"}]}",
		"{\"ips\":[null]}",
		"{\"ips\":[{\"address\":\"10.1.0.5/16\",\"gateway\":\"fd00::1\"}]}",
	};
	char name[] = "n";

	(void)state;
	for (size_t i = 0; i < N(wrong); i++) {
		MB_AUTO_FREE char *text = mb_strdup(wrong[i]);
		struct mb_net_cni cni = {.name = name, .result = text};
		struct mb_net_cni_outcome o;

		if (mb_net_cni_outcome(&cni, &o, NULL) != -EBADMSG)
			fail_msg("accepted: %s", wrong[i]);
	}
}

static void make_plugin(const struct unit_dir *d, const char *body, char path[128])
{
	FILE *f;

	snprintf(path, 128, "%s/plugin", d->path);
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", body);
	fclose(f);
	assert_int_equal(chmod(path, 0700), 0);
}

/* A zombie only waits for whoever adopted it. */
static bool has_ended(const char *pid)
{
	MB_AUTO_FREE char *path = mb_asprintf("/proc/%.*s/stat", (int)strcspn(pid, "\n"), pid);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	return mb_read_file(AT_FDCWD, path, 4096, &text, NULL) < 0 ||
	       strstr(mb_str_text(&text), ") Z ") != NULL;
}

/* Who never ends is ended, and so is whom it called. */
static void a_plugin_has_its_time(void **state)
{
	UNIT_DIR dir = {.fd = -1};
	MB_AUTO_FREE char *out = NULL, *body = NULL;
	MB_AUTO_STR struct mb_str pid = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;
	char path[128];
	struct mb_net_cni_call call = {.path = path,
	                               .plugin = "slow",
	                               .command = "ADD",
	                               .container_id = "c",
	                               .netns = "",
	                               .ifname = "eth0",
	                               .config = "{}",
	                               .timeout_ms = 2000};

	(void)state;
	unit_dir_init(&dir);
	body = mb_asprintf("sleep 1000 &\necho $! >%s/new\nmv %s/new %s/pid\nwait", dir.path,
	                   dir.path, dir.path);
	make_plugin(&dir, body, path);
	/* A busy machine may not have come to its second line. */
	do {
		assert_int_equal(mb_net_cni_call(&call, &out, &err), -ETIMEDOUT);
		assert_string_equal(err.msg, "ADD of plugin 'slow' failed: it did not end within "
		                             "2 seconds");
		err = MB_ERR_INIT;
	} while (mb_read_file(dir.fd, "pid", 32, &pid, NULL) < 0);
	for (int i = 0; i < 1000 && !has_ended(mb_str_text(&pid)); i++)
		usleep(10000);
	assert_true(has_ended(mb_str_text(&pid)));
}

static void a_plugin_says_why(void **state)
{
	static const struct {
		const char *body, *says;
	} rows[] = {
		{"echo '{\"msg\":\"m\",\"details\":\"d\"}'; exit 1", "m: d"},
		{"echo '{\"msg\":\"m\"}'; exit 1", "m"},
		{"echo nonsense; exit 4", "exit code 4"},
		{"echo one >&2; echo two >&2; exit 1", "two"},
		{"kill -9 $$", "exit code 137"},
	};
	UNIT_DIR dir = {.fd = -1};
	char path[128];
	struct mb_net_cni_call call = {.path = path,
	                               .plugin = "p",
	                               .command = "DEL",
	                               .container_id = "c",
	                               .netns = "",
	                               .ifname = "eth0",
	                               .config = "{}",
	                               .timeout_ms = 60000};

	(void)state;
	unit_dir_init(&dir);
	for (size_t i = 0; i < N(rows); i++) {
		MB_AUTO_FREE char *out = NULL;
		MB_AUTO_FREE char *want = mb_asprintf("DEL of plugin 'p' failed: %s", rows[i].says);
		struct mb_err err = MB_ERR_INIT;

		make_plugin(&dir, rows[i].body, path);
		assert_int_equal(mb_net_cni_call(&call, &out, &err), -EPROTO);
		assert_string_equal(err.msg, want);
	}
	MB_AUTO_FREE char *out = NULL;

	make_plugin(&dir, "cat", path);
	assert_int_equal(mb_net_cni_call(&call, &out, NULL), 0);
	assert_string_equal(out, "{}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(results),
		cmocka_unit_test(results_that_are_none),
		cmocka_unit_test(a_plugin_has_its_time),
		cmocka_unit_test(a_plugin_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
