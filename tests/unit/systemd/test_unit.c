/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit files read and written, and podman's files made into services. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "systemd/quadlet.h"
#include "systemd/unit.h"

static void words_are_quoted_and_read_again(void **state)
{
	static const char *const words[] = {"plain",          "",    "a b", "q\"uo\\te",
	                                    "tab\tnew\nline", "it's"};
	MB_AUTO_STR struct mb_str line = MB_STR_INIT, dollars = MB_STR_INIT;
	MB_AUTO_STRV struct mb_strv got = MB_STRV_INIT;

	(void)state;
	for (size_t i = 0; i < MB_N(words); i++)
		mb_systemd_unit_add_word(&line, words[i]);
	assert_int_equal(mb_systemd_unit_split(mb_str_text(&line), &got, NULL), 0);
	assert_int_equal(got.n, MB_N(words));
	for (size_t i = 0; i < MB_N(words); i++)
		assert_string_equal(got.v[i], words[i]);
	mb_systemd_unit_add_word(&dollars, "50% $A");
	mb_systemd_unit_add_raw(&dollars, "%n${A}");
	assert_string_equal(mb_str_text(&dollars), " \"50%% $$A\" \"%n${A}\"");
}

static void words_that_do_not_end(void **state)
{
	MB_AUTO_STRV struct mb_strv got = MB_STRV_INIT;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_true(mb_systemd_unit_split("a 'b c", &got, &err) < 0);
	assert_non_null(strstr(err.msg, "a quote has no end"));
}

static void files_are_read(void **state)
{
	static const char text[] =
		"# c\n[Unit]\nA = 1\n; c\nB=x \\\n# within\n  y\n[Other]\nA=\nA=2\nA=\n";
	struct mb_systemd_unit unit;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	assert_int_equal(mb_systemd_unit_parse(text, sizeof(text) - 1, &unit, NULL), 0);
	assert_int_equal(unit.n, 5);
	assert_string_equal(mb_systemd_unit_find(&unit, "Unit", "A"), "1");
	assert_string_equal(mb_systemd_unit_find(&unit, "Unit", "B"), "x    y");
	assert_null(mb_systemd_unit_find(&unit, "Other", "A"));
	mb_systemd_unit_done(&unit);
	assert_true(mb_systemd_unit_parse("[A]\nb=1\nwhat\n", 13, &unit, &err) < 0);
	assert_string_equal(err.msg, "line 3: 'what' is no KEY=VALUE of a section");
	assert_true(mb_systemd_unit_parse("b=1\n", 4, &unit, NULL) < 0);
}

#define AUTO_MADE __attribute__((cleanup(mb_systemd_quadlet_made_done)))

/* What other files say. */
static char *read_other(void *arg, const char *name)
{
	static const char *const rows[][2] = {
		{"named.volume", "[Volume]\nVolumeName=store\nServiceName=keeper\n"},
		{"named.network", "[Network]\nNetworkName=lan\n"},
		{"db.container", "[Container]\nImage=db\nContainerName=base\n"},
		{"broken.volume", "[Volume]\nVolumeName=a b\n"},
	};

	(void)arg;
	for (size_t i = 0; i < MB_N(rows); i++)
		if (strcmp(rows[i][0], name) == 0)
			return mb_strdup(rows[i][1]);
	return NULL;
}

static int make(const char *name, const char *text, struct mb_systemd_quadlet_made *made,
                struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("/etc/mybox/systemd/%s", name);
	const struct mb_systemd_quadlet q = {
		.path = path, .program = "/usr/bin/mybox", .read = read_other};

	return mb_systemd_quadlet_make(&q, text, strlen(text), made, err);
}

static void expect_in(const char *name, const char *text, const char *wanted)
{
	AUTO_MADE struct mb_systemd_quadlet_made made = {0};
	struct mb_err err = MB_ERR_INIT;

	if (make(name, text, &made, &err) < 0)
		fail_msg("%s", err.msg);
	if (!strstr(mb_str_text(&made.unit), wanted))
		fail_msg("no '%s' in:\n%s", wanted, mb_str_text(&made.unit));
}

static void a_container(void **state)
{
	AUTO_MADE struct mb_systemd_quadlet_made made = {0};

	(void)state;
	assert_int_equal(
		make("web.container",
	             "[Unit]\nDescription=d\n[Container]\nImage=img\nLabel=gone=1\nLabel=\n"
	             "Environment=A=1 \"B=x y\"\nVolume=data.volume:/d:ro\nVolume=/h:/c\n"
	             "Network=my.network:ip=10.0.0.2\nUser=1\nGroup=2\nReadOnly=true\n"
	             "RunInit=no\nExec=sh -c 'echo $HOME'\nHostName=a\nHostName=b\n"
	             "[Service]\nRestart=always\n[Install]\nWantedBy=multi-user.target\n"
	             "RequiredBy=a.target b.target\n",
	             &made, NULL),
		0);
	assert_string_equal(made.service, "web.service");
	assert_string_equal(
		mb_str_text(&made.unit),
		"# written by "
		"mybox-generator\n[Unit]\nSourcePath=/etc/mybox/systemd/web.container\n"
		"Wants=network-online.target\nAfter=network-online.target\n"
		"Requires=data-volume.service\nAfter=data-volume.service\n"
		"Requires=my-network.service\nAfter=my-network.service\nDescription=d\n\n"
		"[Service]\nType=notify\nNotifyAccess=all\nKillMode=mixed\nSuccessExitStatus=143\n"
		"TasksMax=infinity\nSyslogIdentifier=%N\n"
		"ExecStartPre=-/usr/bin/mybox rm -f systemd-web\n"
		"ExecStart=/usr/bin/mybox run --sdnotify=conmon -d --rm --name=systemd-web "
		"--env=A=1 "
		"\"--env=B=x y\" --volume=systemd-data:/d:ro --volume=/h:/c "
		"--network=systemd-my:ip=10.0.0.2 --read-only --hostname=b --user=1:2 img sh -c "
		"\"echo $HOME\"\n"
		"ExecStop=/usr/bin/mybox stop systemd-web\n"
		"ExecStopPost=-/usr/bin/mybox rm -f -v systemd-web\nRestart=always\n\n"
		"[Install]\nWantedBy=multi-user.target\nRequiredBy=a.target b.target\n");
	assert_int_equal(made.links.n, 3);
	assert_string_equal(made.links.v[0], "multi-user.target.wants");
	assert_string_equal(made.links.v[2], "b.target.requires");
}

static void volumes_and_networks(void **state)
{
	(void)state;
	expect_in("data.volume", "[Volume]\nLabel=a=b\n",
	          "\nExecStart=-/usr/bin/mybox volume create --label=a=b systemd-data\n"
	          "ExecStart=/usr/bin/mybox volume exists systemd-data\n");
	expect_in("n.network", "[Network]\nSubnet=10.1.0.0/24\nInternal=true\n",
	          "network create --subnet=10.1.0.0/24 --internal systemd-n\n");
	expect_in("data.volume", "[Volume]\nVolumeName=store\n", " volume create store\n");
	expect_in("n.network",
	          "[Network]\nNetworkName=lan\nInterfaceName=br7\nNetworkDeleteOnStop=yes\n",
	          " network create --opt=com.docker.network.bridge.name=br7 lan\n"
	          "ExecStart=/usr/bin/mybox network exists lan\n"
	          "ExecStopPost=-/usr/bin/mybox network rm lan\n");
}

static void files_that_name_others(void **state)
{
	(void)state;
	expect_in("w.container", "[Container]\nImage=i\nVolume=named.volume:/d:ro\n",
	          " --volume=store:/d:ro i\n");
	expect_in("w.container", "[Container]\nImage=i\nVolume=named.volume:/d:ro\n",
	          "\nRequires=keeper.service\nAfter=keeper.service\n");
	expect_in("w.container", "[Container]\nImage=i\nNetwork=named.network:ip=10.0.0.2\n",
	          " --network=lan:ip=10.0.0.2 i\n");
	expect_in("w.container", "[Container]\nImage=i\nNetwork=db.container\n",
	          " --network=container:base i\n");
	expect_in("w.container", "[Container]\nImage=i\nNetwork=db.container\n",
	          "\nRequires=db.service\n");
	expect_in("w.container",
	          "[Container]\nImage=i\nMount=type=volume,source=named.volume,target=/d,ro\n",
	          " --mount=type=volume,source=store,target=/d,ro i\n");
	/* Of a file that is not there all is as it would be. */
	expect_in("w.container", "[Container]\nImage=i\nMount=type=volume,src=x.volume,dst=/d\n",
	          " --mount=type=volume,source=systemd-x,dst=/d i\n");
	expect_in("w.container",
	          "[Container]\nImage=i\nEnvironmentFile=e.env\nEnvironmentFile=/e\n"
	          "Volume=./data:/d\n",
	          " --env-file=/etc/mybox/systemd/e.env --env-file=/e "
	          "--volume=/etc/mybox/systemd/./data:/d i\n");
	expect_in(
		"w.container",
		"[Container]\nImage=i\nEnvironmentFile=%h/x.env\n"
		"Mount=type=bind,source=./data,target=/d\nVolume=%h/d:/d\n",
		" --env-file=%h/x.env --mount=type=bind,source=/etc/mybox/systemd/./data,target=/d "
		"--volume=%h/d:/d i\n");
}

static void more_of_a_container(void **state)
{
	AUTO_MADE struct mb_systemd_quadlet_made made = {0};

	(void)state;
	expect_in("w.container", "[Container]\nImage=i\nGlobalArgs=--root /r --config \"/a b\"\n",
	          "\nExecStop=/usr/bin/mybox --root /r --config \"/a b\" stop systemd-w\n");
	expect_in("w.container", "[Container]\nImage=i\nReloadCmd=sh -c 'kill -HUP 1'\n",
	          "\nExecReload=/usr/bin/mybox exec systemd-w sh -c \"kill -HUP 1\"\n");
	expect_in("w.container", "[Container]\nImage=i\nReloadSignal=HUP\n",
	          "\nExecReload=/usr/bin/mybox kill --signal=HUP systemd-w\n");
	expect_in("w.container",
	          "[Container]\nImage=i\nSecurityLabelDisable=true\nAppArmor=unconfined\n",
	          " --security-opt=label=disable --security-opt=apparmor=unconfined i\n");
	expect_in("w.container", "[Container]\nImage=i\n[Quadlet]\nDefaultDependencies=false\n",
	          "w.container\n\n[Service]\n");
	assert_int_equal(
		make("w.container", "[Container]\nImage=i\nServiceName=front\n", &made, NULL), 0);
	assert_string_equal(made.service, "front.service");
}

static void what_is_wrong_is_told(void **state)
{
	static const char *const rows[][3] = {
		{"w.container", "[Container]\nImage=i\nColour=red\n",
	         "w.container: unsupported key 'Colour' in group 'Container'"},
		{"w.container", "[Container]\nExec=true\n",
	         "w.container: either Image or Rootfs is needed"},
		{"w.container", "[Container]\nImage=i\nReadOnly=maybe\n",
	         "w.container: ReadOnly='maybe' is neither true nor false"},
		{"w.container", "[Container]\nImage=i\nNotify=maybe\n",
	         "w.container: Notify='maybe' is neither true, false nor healthy"},
		{"w.container", "[Container]\nImage=i\nContainerName=a b\n",
	         "w.container: 'a b' is no valid name"},
		{"w.container", "[Container]\nImage=i\n[Install]\nWantedBy=../x\n",
	         "w.container: '../x' is no unit's name"},
		{"w.container", "[Container]\nImage=i\n[Quadlet]\nColour=red\n",
	         "w.container: unsupported key 'Colour' in group 'Quadlet'"},
		{"v.volume", "[Volume]\nImage=x\n",
	         "v.volume: unsupported key 'Image' in group 'Volume'"},
		{"v.volume", "[Volume]\nVolumeName=x y\n", "v.volume: 'x y' is no valid name"},
		{"v.volume", "[Volume]\nServiceName=../x\n", "v.volume: '../x' is no unit's name"},
		{"w.container", "[Container]\nImage=i\nReloadCmd=a\nReloadSignal=b\n",
	         "w.container: ReloadCmd and ReloadSignal exclude each other"},
		{"w.container", "[Container]\nImage=i\nVolume=broken.volume:/x\n",
	         "w.container: broken.volume: 'a b' is no valid name"},
		{"n.network", "[Network]\nNetworkDeleteOnStop=perhaps\n",
	         "n.network: NetworkDeleteOnStop='perhaps' is neither true nor false"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		AUTO_MADE struct mb_systemd_quadlet_made made = {0};
		struct mb_err err = MB_ERR_INIT;

		assert_true(make(rows[i][0], rows[i][1], &made, &err) < 0);
		assert_string_equal(err.msg, rows[i][2]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_quoted_and_read_again),
		cmocka_unit_test(words_that_do_not_end),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(a_container),
		cmocka_unit_test(volumes_and_networks),
		cmocka_unit_test(files_that_name_others),
		cmocka_unit_test(more_of_a_container),
		cmocka_unit_test(what_is_wrong_is_told),
	};

	return cmocka_run_group_tests_name("systemd/unit", tests, NULL, NULL);
}
