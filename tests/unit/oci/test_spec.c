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
#include "oci/spec.h"
#include "json/json.h"

static const char full[] =
	"{\"ociVersion\":\"1.2.0\",\"process\":{\"terminal\":true,"
	"\"consoleSize\":{\"height\":24,\"width\":80},"
	"\"user\":{\"uid\":0,\"gid\":0,\"umask\":18,\"additionalGids\":[4,5]},"
	"\"args\":[\"sh\"],\"env\":[\"A=1\"],\"cwd\":\"/\","
	"\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":18446744073709551615,\"soft\":0}],"
	"\"noNewPrivileges\":true,\"apparmorProfile\":\"p\",\"oomScoreAdj\":0,"
	"\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":5},\"selinuxLabel\":\"l\","
	"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":0},"
	"\"execCPUAffinity\":{\"initial\":\"0\"}},"
	"\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"hostname\":\"h\",\"domainname\":\"d\","
	"\"mounts\":[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/y\","
	"\"options\":[\"rbind\"],\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}],"
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]}],"
	"\"hooks\":{\"prestart\":[{\"path\":\"/a\"}],\"createRuntime\":[{\"path\":\"/b\","
	"\"args\":[\"b\"],\"env\":[\"K=V\"],\"timeout\":5}],\"poststop\":[{\"path\":\"/c\"}]},"
	"\"annotations\":{\"k\":\"v\"},"
	"\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}],"
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}],"
	"\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"},\"resources\":{"
	"\"devices\":[{\"allow\":false,\"access\":\"rwm\"},"
	"{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"rw\"}],"
	"\"memory\":{\"limit\":536870912,\"reservation\":0,\"swap\":-1,\"swappiness\":0,"
	"\"disableOOMKiller\":false},"
	"\"cpu\":{\"shares\":1024,\"quota\":-1,\"burst\":0,\"period\":100000,\"cpus\":\"0-1\","
	"\"idle\":1},\"pids\":{\"limit\":-1},\"blockIO\":{\"weight\":10,"
	"\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":500}],"
	"\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":600}]},"
	"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":9223372036854771712}],"
	"\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\",\"priority\":0}]},"
	"\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3}},\"unified\":{\"memory.high\":\"max\"}},"
	"\"cgroupsPath\":\"/a/b\",\"namespaces\":[{\"type\":\"pid\"},"
	"{\"type\":\"network\",\"path\":\"/var/run/netns/n\"}],"
	"\"devices\":[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229,"
	"\"fileMode\":438,\"uid\":0,\"gid\":0}],"
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"},\"rootfsPropagation\":\"slave\","
	"\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":[\"/proc/sys\"],"
	"\"mountLabel\":\"m\",\"personality\":{\"domain\":\"LINUX32\"},"
	"\"timeOffsets\":{\"monotonic\":{\"secs\":-5,\"nanosecs\":1},\"boottime\":{}},"
	"\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\","
	"\"flags\":[\"MPOL_F_STATIC_NODES\"]},"
	"\"netDevices\":{\"eth1\":{\"name\":\"net%d\"},\"eth2\":{}}}}";

static void spec_round_trip(void **state)
{
	MB_AUTO_OCI_SPEC struct mb_oci_spec spec = {0};
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	MB_AUTO_STR struct mb_str by_tree = MB_STR_INIT, by_text = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	if (mb_oci_spec_load(full, strlen(full), &spec, &err) < 0)
		fail_msg("%s", err.msg);
	o = mb_oci_spec_save(&spec);
	mb_json_format(o, false, &by_tree);
	mb_oci_spec_save_text(&spec, &by_text);
	assert_string_equal(by_tree.buf, full);
	assert_string_equal(by_text.buf, full);
	assert_string_equal(mb_oci_spec_find_namespace(&spec, "network")->path, "/var/run/netns/n");
	assert_null(mb_oci_spec_find_namespace(&spec, "user"));
}

static void spec_builds(void **state)
{
	MB_AUTO_OCI_SPEC struct mb_oci_spec spec = {0};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_oci_device_rule *rule;
	struct mb_oci_device *device;

	(void)state;
	spec.oci_version = mb_strdup(MB_OCI_SPEC_VERSION);
	spec.root.path = mb_strdup("rootfs");
	spec.process = mb_calloc(1, sizeof(*spec.process));
	spec.process->cwd = mb_strdup("/");
	mb_oci_process_add_rlimit(spec.process, "RLIMIT_CORE", 0, 1);
	mb_strv_add(&mb_oci_spec_add_mount(&spec, "/proc", "proc", "proc")->options, "nosuid");
	mb_oci_spec_add_mount(&spec, "/tmp", "tmpfs", NULL);
	mb_oci_spec_add_namespace(&spec, "pid", NULL);
	mb_oci_spec_add_namespace(&spec, "ipc", "/proc/1/ns/ipc");
	device = mb_oci_spec_add_device(&spec);
	device->path = mb_strdup("/dev/null");
	device->type = mb_strdup("c");
	rule = mb_oci_resources_add_device_rule(&spec.linux.resources);
	rule->access = mb_strdup("rwm");
	mb_oci_spec_save_text(&spec, &out);
	assert_string_equal(
		out.buf,
		"{\"ociVersion\":\"1.2.0\",\"process\":{\"user\":{\"uid\":0,\"gid\":0},"
		"\"cwd\":\"/\",\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"hard\":1,\"soft\":0}]},"
		"\"root\":{\"path\":\"rootfs\"},\"mounts\":[{\"destination\":\"/proc\","
		"\"type\":\"proc\",\"source\":\"proc\",\"options\":[\"nosuid\"]},"
		"{\"destination\":\"/tmp\",\"type\":\"tmpfs\"}],"
		"\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]},"
		"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"ipc\",\"path\":\"/proc/1/ns/"
		"ipc\"}],"
		"\"devices\":[{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":0,\"minor\":0}]}}");
}

#define ROOT     "\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"}"
#define TOP(x)   "{" ROOT "," x "}"
#define PROC(x)  TOP("\"process\":{\"cwd\":\"/\"," x "}")
#define LINUX(x) TOP("\"linux\":{" x "}")
#define RES(x)   LINUX("\"resources\":{" x "}")

static const struct {
	const char *text;
	int r;
	const char *msg;
} refused[] = {
	{"{}", -EINVAL, "'ociVersion' is missing"},
	{"{\"ociVersion\":\"1.0.0\"}", -EINVAL, "'root' is missing"},
	{"{\"ociVersion\":\"1.0.0\",\"root\":{}}", -EINVAL, "'root.path' is missing"},
	{"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"\"}}", -EINVAL, "'root.path' is empty"},
	{"{\"ociVersion\":\"2.0.0\",\"root\":{\"path\":\"r\"}}", -EOPNOTSUPP,
         "'ociVersion' '2.0.0' is not a version 1"},
	{"{\"ociVersion\":\"0.9\",\"root\":{\"path\":\"r\"}}", -EOPNOTSUPP, NULL},
	{TOP("\"vm\":{}"), -EOPNOTSUPP, "'vm' is not supported"},
	{TOP("\"process\":{}"), -EINVAL, "'process.cwd' is missing"},
	{TOP("\"process\":{\"cwd\":\"tmp\"}"), -EINVAL, "'process.cwd' must be an absolute path"},
	{PROC("\"user\":{\"uid\":-1}"), -ERANGE,
         "'process.user.uid' must be a whole number from 0 to 4294967295"},
	{PROC("\"user\":{\"uid\":4294967295}"), -ERANGE,
         "'process.user.uid' must be below 4294967295"},
	{PROC("\"user\":{\"gid\":4294967296}"), -ERANGE, NULL},
	{PROC("\"user\":{\"gid\":4294967295}"), -ERANGE, NULL},
	{PROC("\"user\":{\"umask\":512}"), -ERANGE, NULL},
	{PROC("\"user\":{\"additionalGids\":[1,4294967295]}"), -ERANGE,
         "'process.user.additionalGids[1]' must be below 4294967295"},
	{PROC("\"rlimits\":[{\"type\":\"RLIMIT_X\",\"hard\":1,\"soft\":1}]"), -EINVAL,
         "'process.rlimits[0].type' is not known"},
	{PROC("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"hard\":1,\"soft\":2}]"), -EINVAL,
         "'process.rlimits[0].soft' must not be above 'hard'"},
	{PROC("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"hard\":1,\"soft\":1},"
              "{\"type\":\"RLIMIT_AS\",\"hard\":1,\"soft\":1}]"),
         -EINVAL, "'process.rlimits[1].type' is there twice"},
	{PROC("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"hard\":1}]"), -EINVAL,
         "'process.rlimits[0].soft' is missing"},
	{PROC("\"oomScoreAdj\":1001"), -ERANGE, NULL},
	{PROC("\"args\":\"sh\""), -EINVAL, "'process.args' must be an array"},
	{TOP("\"mounts\":[{\"destination\":\"\"}]"), -EINVAL, "'mounts[0].destination' is empty"},
	{TOP("\"annotations\":{\"\":\"x\"}"), -EINVAL, "'annotations' has an empty name"},
	{TOP("\"mounts\":[{\"type\":\"tmpfs\"}]"), -EINVAL, "'mounts[0].destination' is missing"},
	{TOP("\"mounts\":[{\"destination\":\"/\",\"uidMappings\":[{\"containerID\":0,"
             "\"hostID\":0,\"size\":1}]}]"),
         -EINVAL, "'mounts[0]' must have mappings of users and groups, or neither"},
	{TOP("\"hooks\":{\"poststop\":[{\"path\":\"x\"}]}"), -EINVAL,
         "'hooks.poststop[0].path' must be an absolute path"},
	{TOP("\"hooks\":{\"poststart\":[{\"path\":\"/x\",\"timeout\":0}]}"), -ERANGE,
         "'hooks.poststart[0].timeout' must be above 0"},
	{LINUX("\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]"), -EINVAL,
         "'linux.namespaces[1].type' is there twice"},
	{LINUX("\"namespaces\":[{\"type\":\"net\"}]"), -EINVAL,
         "'linux.namespaces[0].type' is not known"},
	{LINUX("\"namespaces\":[{\"type\":\"pid\",\"path\":\"p\"}]"), -EINVAL, NULL},
	{LINUX("\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":4294967295}]"), -ERANGE,
         NULL},
	{LINUX("\"gidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":0}]"), -ERANGE, NULL},
	{LINUX("\"devices\":[{\"path\":\"dev/x\",\"type\":\"c\"}]"), -EINVAL, NULL},
	{LINUX("\"devices\":[{\"path\":\"/dev/x\",\"type\":\"x\"}]"), -EINVAL, NULL},
	{LINUX("\"devices\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":-1}]"), -ERANGE, NULL},
	{RES("\"devices\":[{\"type\":\"c\"}]"), -EINVAL,
         "'linux.resources.devices[0].allow' is missing"},
	{RES("\"devices\":[{\"allow\":true,\"access\":\"rx\"}]"), -EINVAL, NULL},
	{RES("\"devices\":[{\"allow\":true,\"type\":\"p\"}]"), -EINVAL, NULL},
	{RES("\"unified\":{\"../x.y\":\"1\"}"), -EINVAL, NULL},
	{RES("\"unified\":{\"cgroup\":\"1\"}"), -EINVAL, NULL},
	{RES("\"cpu\":{\"cpus\":\"0;1\"}"), -EINVAL, NULL},
	{RES("\"memory\":{\"swappiness\":101}"), -ERANGE, NULL},
	{RES("\"memory\":{\"limit\":1e9}"), -ERANGE, NULL},
	{RES("\"blockIO\":{\"weight\":70000}"), -ERANGE,
         "'linux.resources.blockIO.weight' must be a whole number from 0 to 65535"},
	{LINUX("\"cgroupsPath\":\"a/../../b\""), -EINVAL, NULL},
	{LINUX("\"cgroupsPath\":\"..\""), -EINVAL, NULL},
	{LINUX("\"maskedPaths\":[\"/a\",\"b\"]"), -EINVAL,
         "'linux.maskedPaths[1]' must be an absolute path"},
	{LINUX("\"readonlyPaths\":[\"\"]"), -EINVAL, NULL},
	{LINUX("\"rootfsPropagation\":\"x\""), -EINVAL, NULL},
	{LINUX("\"personality\":{\"domain\":\"BSD\"}"), -EINVAL, NULL},
	{LINUX("\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"X\"]}"), -EOPNOTSUPP, NULL},
	{LINUX("\"timeOffsets\":{\"realtime\":{}}"), -EINVAL, NULL},
	{LINUX("\"timeOffsets\":{\"boottime\":{\"nanosecs\":1000000000}}"), -ERANGE, NULL},
	{LINUX("\"memoryPolicy\":{}"), -EINVAL, "'linux.memoryPolicy.mode' is missing"},
	{LINUX("\"netDevices\":{\"\":{}}"), -EINVAL,
         "'linux.netDevices' has what is no name of an interface"},
	{LINUX("\"netDevices\":{\"eth%d\":{}}"), -EINVAL, NULL},
	{LINUX("\"netDevices\":{\"eth0\":{\"name\":\"..\"}}"), -EINVAL, NULL},
	{LINUX("\"netDevices\":{\"eth0\":{\"name\":\"a%s\"}}"), -EINVAL, NULL},
	{LINUX("\"netDevices\":{\"eth0\":{\"name\":\"0123456789abcdef\"}}"), -EINVAL, NULL},
	{LINUX("\"netDevices\":{\"eth0\":{},\"eth1\":{\"name\":\"eth0\"}}"), -EINVAL,
         "'linux.netDevices' has the name 'eth0' twice"},
	{LINUX("\"netDevices\":[]"), -EINVAL, NULL},
	{LINUX("\"intelRdt\":{\"closID\":\"x\"}"), -EOPNOTSUPP,
         "'linux.intelRdt' is not supported"},
};

static void spec_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < MB_N(refused); i++) {
		struct mb_oci_spec spec = {0};
		struct mb_err err = MB_ERR_INIT;
		int r = mb_oci_spec_load(refused[i].text, strlen(refused[i].text), &spec, &err);

		if (r != refused[i].r)
			fail_msg("%s: %d %s", refused[i].text, r, err.msg);
		if (refused[i].msg)
			assert_string_equal(err.msg, refused[i].msg);
		assert_null(spec.oci_version);
	}
}

static void spec_accepts(void **state)
{
	static const char *const rows[] = {
		"{" ROOT "}",
		TOP("\"windows\":{},\"x-new\":1"),
		PROC("\"user\":{\"uid\":4294967294,\"gid\":4294967294}"),
		PROC("\"args\":null,\"capabilities\":null"),
		LINUX("\"seccomp\":null,\"intelRdt\":null,\"cgroupsPath\":\"a..b:c:d\""),
		LINUX("\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":4294967295}]"),
		TOP("\"mounts\":[{\"destination\":\"tmp\",\"type\":\"tmpfs\"}]"),
		LINUX("\"netDevices\":{\"a\":{\"name\":\"e%d\"},\"b\":{\"name\":\"e%d\"}}"),
		RES("\"devices\":[{\"allow\":true,\"major\":-1,\"minor\":-1}]"),
		"{\"ociVersion\":\"1.2.1-dev\",\"root\":{\"path\":\"/r\"}}",
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_oci_spec spec;
		struct mb_err err = MB_ERR_INIT;

		if (mb_oci_spec_load(rows[i], strlen(rows[i]), &spec, &err) < 0)
			fail_msg("%s: %s", rows[i], err.msg);
		mb_oci_spec_done(&spec);
	}
}

static void parts_load(void **state)
{
	static const char process[] = "{\"cwd\":\"/\",\"args\":[\"a\"]}";
	static const char resources[] = "{\"memory\":{\"limit\":-1}}";
	static const char bad[] = "{\"unified\":{\"x\":\"\"}}";
	struct mb_oci_process p;
	struct mb_oci_resources r;

	(void)state;
	assert_int_equal(mb_oci_process_load(process, strlen(process), &p, NULL), 0);
	assert_int_equal(p.args.n, 1);
	mb_oci_process_done(&p);
	assert_int_equal(mb_oci_process_load("{\"cwd\":\"x\"}", 11, &p, NULL), -EINVAL);
	assert_int_equal(mb_oci_resources_load(resources, strlen(resources), &r, NULL), 0);
	assert_true(r.memory.has_limit && r.memory.limit == -1);
	mb_oci_resources_done(&r);
	assert_int_equal(mb_oci_resources_load(bad, strlen(bad), &r, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spec_round_trip), cmocka_unit_test(spec_builds),
		cmocka_unit_test(spec_refuses),    cmocka_unit_test(spec_accepts),
		cmocka_unit_test(parts_load),
	};

	return cmocka_run_group_tests_name("oci/spec", tests, NULL, NULL);
}
