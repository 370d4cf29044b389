/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/features.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/own.h"
#include "core/str.h"
#include "oci/spec.h"
#include "runtime/attributes.h"
#include "runtime/plan.h"
#include "runtime/seccomp.h"
#include "sys/caps.h"
#include "sys/proc.h"
#include "json/json.h"

static const char *const hooks[] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
};

static const char *const namespaces[] = {
	"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts",
};

/* One file that only a kernel with the feature has. */
static bool file_says_yes(const char *path)
{
	MB_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte = 0;

	return fd >= 0 && read(fd, &byte, 1) == 1 && byte == 'Y';
}

bool mb_runtime_has_apparmor(void)
{
	return file_says_yes("/sys/module/apparmor/parameters/enabled");
}

static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* Its file system is there when a policy can be. */
bool mb_runtime_has_selinux(void)
{
	return is_there("/sys/fs/selinux/enforce");
}

bool mb_runtime_has_resctrl(void)
{
	return is_there("/sys/fs/resctrl/schemata");
}

bool mb_runtime_has_namespace(const char *type)
{
	char path[64];
	int flag = 0;

	if (mb_sys_proc_ns_flag(type, &flag) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/ns/%s", mb_sys_proc_ns_name(flag));
	return is_there(path);
}

static struct json_object *list(const char *const *names, size_t n)
{
	struct json_object *a = mb_json_new_array();

	for (size_t i = 0; i < n && names[i]; i++)
		mb_json_push_str(a, names[i]);
	return a;
}

static struct json_object *list_ended(const char *const *names)
{
	return list(names, SIZE_MAX);
}

static struct json_object *only(const char *member, bool value)
{
	struct json_object *o = mb_json_new_object();

	mb_json_set_bool(o, member, value);
	return o;
}

static struct json_object *make_capabilities(void)
{
	struct json_object *a = mb_json_new_array();
	char name[MB_SYS_CAP_TEXT];
	int cap;

	for (int i = 0; i < 64; i++) {
		mb_sys_cap_name(i, name);
		/* One without a name of its own is no word of a document. */
		if (mb_sys_cap_parse(name, &cap) == 0 && (name[4] < '0' || name[4] > '9'))
			mb_json_push_str(a, name);
	}
	return a;
}

static struct json_object *make_cgroup(void)
{
	struct json_object *o = mb_json_new_object();

	mb_json_set_bool(o, "v1", true);
	mb_json_set_bool(o, "v2", true);
	mb_json_set_bool(o, "systemd", true);
	mb_json_set_bool(o, "systemdUser", false);
	mb_json_set_bool(o, "rdma", true);
	return o;
}

static struct json_object *make_seccomp(void)
{
	struct json_object *o = mb_json_new_object(), *known = mb_json_new_array(),
			   *supported = mb_json_new_array(), *archs = mb_json_new_array();

	for (size_t i = 0; mb_runtime_seccomp_flags[i].name; i++) {
		mb_json_push_str(known, mb_runtime_seccomp_flags[i].name);
		if (mb_runtime_seccomp_flag_is_known(mb_runtime_seccomp_flags[i].bit))
			mb_json_push_str(supported, mb_runtime_seccomp_flags[i].name);
	}
	for (size_t i = 0; mb_runtime_seccomp_archs[i]; i++) {
		if (mb_runtime_seccomp_arch_find(mb_runtime_seccomp_archs[i]))
			mb_json_push_str(archs, mb_runtime_seccomp_archs[i]);
	}
	mb_json_set_bool(o, "enabled", true);
	mb_json_set(o, "actions", list_ended(mb_runtime_seccomp_actions));
	mb_json_set(o, "operators", list_ended(mb_runtime_seccomp_operators));
	mb_json_set(o, "archs", archs);
	mb_json_set(o, "knownFlags", known);
	mb_json_set(o, "supportedFlags", supported);
	return o;
}

static struct json_object *make_rdt(void)
{
	struct json_object *o = only("enabled", false);

	mb_json_set_bool(o, "schemata", false);
	mb_json_set_bool(o, "monitoring", false);
	return o;
}

static struct json_object *make_memory_policy(void)
{
	struct json_object *o = mb_json_new_object();

	mb_json_set(o, "modes", list_ended(mb_runtime_memory_modes));
	mb_json_set(o, "flags", list_ended(mb_runtime_memory_flags));
	return o;
}

static struct json_object *make_linux(void)
{
	struct json_object *o = mb_json_new_object(), *mounts = mb_json_new_object();

	mb_json_set(o, "namespaces", list(namespaces, MB_N(namespaces)));
	mb_json_set(o, "capabilities", make_capabilities());
	mb_json_set(o, "cgroup", make_cgroup());
	mb_json_set(o, "seccomp", make_seccomp());
	mb_json_set(o, "apparmor", only("enabled", true));
	mb_json_set(o, "selinux", only("enabled", true));
	mb_json_set(o, "intelRdt", make_rdt());
	mb_json_set(o, "memoryPolicy", make_memory_policy());
	mb_json_set(mounts, "idmap", only("enabled", true));
	mb_json_set(o, "mountExtensions", mounts);
	mb_json_set(o, "netDevices", only("enabled", true));
	return o;
}

struct json_object *mb_runtime_features_make(void)
{
	struct json_object *o = mb_json_new_object();

	mb_json_set_str(o, "ociVersionMin", "1.0.0");
	mb_json_set_str(o, "ociVersionMax", MB_OCI_SPEC_NEWEST);
	mb_json_set(o, "hooks", list(hooks, MB_N(hooks)));
	mb_json_set(o, "mountOptions", list_ended(mb_runtime_mount_options));
	mb_json_set(o, "linux", make_linux());
	return o;
}
