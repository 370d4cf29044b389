/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/info_shared.h"
#include "cmd/output.h"
#include "cmd/platform.h"
#include "container/container.h"
#include "core/err.h"
#include "core/log.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "image/image.h"
#include "store/store.h"
#include "sys/cgroup.h"
#include "json/json.h"

struct info_args {
	const char *format;
};

static int add_counts(struct mb_store *store, struct json_object *info, struct mb_err *err)
{
	struct mb_container_list containers = {0};
	struct mb_image_list images = {0};
	size_t running = 0, paused = 0;
	int r = mb_container_list_load(store, true, &containers, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < containers.n; i++) {
		paused += containers.v[i]->state.status == MB_STATUS_PAUSED;
		running += mb_container_is_running(containers.v[i]);
	}
	mb_json_set_i64(info, "Containers", (int64_t)containers.n);
	mb_json_set_i64(info, "ContainersRunning", (int64_t)(running - paused));
	mb_json_set_i64(info, "ContainersPaused", (int64_t)paused);
	mb_json_set_i64(info, "ContainersStopped", (int64_t)(containers.n - running));
	mb_container_list_done(&containers);
	r = mb_image_list_load(store, &images, err);
	if (r < 0)
		return r;
	mb_json_set_i64(info, "Images", (int64_t)images.n);
	mb_image_list_done(&images);
	return 0;
}

static void add_strings(struct json_object *o, const char *key, const char *const *texts)
{
	struct json_object *list = mb_json_new_array();

	for (; *texts; texts++)
		mb_json_push_str(list, *texts);
	mb_json_set(o, key, list);
}

static void add_plugins(struct json_object *info)
{
	struct json_object *plugins = mb_json_new_object(), *swarm = mb_json_new_object();

	add_strings(plugins, "Volume", (const char *const[]){"local", NULL});
	add_strings(plugins, "Network",
	            (const char *const[]){"bridge", "host", "ipvlan", "macvlan", "null", "overlay",
	                                  NULL});
	add_strings(plugins, "Log",
	            (const char *const[]){"journald", "json-file", "k8s-file", "local", "none",
	                                  "syslog", NULL});
	mb_json_set(info, "Plugins", plugins);
	add_strings(info, "SecurityOptions",
	            (const char *const[]){"name=seccomp,profile=default", "name=cgroupns", NULL});
	add_strings(info, "Warnings", (const char *const[]){NULL});
	mb_json_set_str(swarm, "LocalNodeState", "inactive");
	mb_json_set(info, "Swarm", swarm);
}

static void add_cgroups(struct json_object *info)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *host = NULL;
	bool v2 = false;

	if (mb_sys_cgroup_host_open(&host, NULL) == 0)
		v2 = mb_sys_cgroup_host_version(host) == MB_SYS_CGROUP_V2;
	mb_json_set_str(info, "CgroupDriver", host ? "cgroupfs" : "none");
	mb_json_set_str(info, "CgroupVersion", v2 ? "2" : "1");
	mb_json_set_bool(info, "MemoryLimit", host && mb_sys_cgroup_host_has(host, "memory"));
	mb_json_set_bool(info, "PidsLimit", host && mb_sys_cgroup_host_has(host, "pids"));
	mb_json_set_bool(info, "CPUSet", host && mb_sys_cgroup_host_has(host, "cpuset"));
	mb_json_set_bool(info, "CpuCfsQuota", host && mb_sys_cgroup_host_has(host, "cpu"));
}

static void add_machine(struct json_object *info)
{
	MB_AUTO_STR struct mb_str os = MB_STR_INIT;
	struct utsname uts = {0};
	struct sysinfo si = {0};

	uname(&uts);
	sysinfo(&si);
	mb_cmd_os_name(&os);
	mb_json_set_str(info, "KernelVersion", uts.release);
	mb_json_set_str(info, "OperatingSystem", mb_str_text(&os));
	mb_json_set_str(info, "OSType", "linux");
	mb_json_set_str(info, "Architecture", uts.machine);
	mb_json_set_i64(info, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
	mb_json_set_i64(info, "MemTotal", (int64_t)si.totalram * si.mem_unit);
	mb_json_set_str(info, "Name", uts.nodename);
}

static struct json_object *new_info(const struct mb_cmd_context *cx, const struct mb_store *store)
{
	struct json_object *info = mb_json_new_object();

	mb_json_set_str(info, "ServerVersion", MB_VERSION);
	mb_json_set_str(info, "Driver", "overlay2");
	mb_json_set_str(info, "LoggingDriver", "k8s-file");
	mb_json_set_str(info, "DefaultRuntime", "mybox");
	mb_json_set_str(info, "DockerRootDir", store->root);
	mb_json_set_str(info, "RunDir", store->run);
	mb_json_set_str(info, "IndexServerAddress", "https://index.docker.io/v1/");
	mb_json_set_bool(info, "LiveRestoreEnabled", true);
	mb_json_set_bool(info, "Debug", cx->debug);
	add_plugins(info);
	add_cgroups(info);
	add_machine(info);
	return info;
}

/* A line of the text: its words and the member, or words alone. */
static const struct line {
	const char *words, *key;
} lines[] = {
	{"Client:\n Context:    default\n Debug Mode: false\n\nServer:\n", NULL},
	{" Containers: ", "Containers"},
	{"  Running: ", "ContainersRunning"},
	{"  Paused: ", "ContainersPaused"},
	{"  Stopped: ", "ContainersStopped"},
	{" Images: ", "Images"},
	{" Server Version: ", "ServerVersion"},
	{" Storage Driver: ", "Driver"},
	{" Logging Driver: ", "LoggingDriver"},
	{" Cgroup Driver: ", "CgroupDriver"},
	{" Cgroup Version: ", "CgroupVersion"},
	{" Plugins:\n  Volume: local\n  Network: bridge host ipvlan macvlan null overlay\n  Log: "
         "journald "
         "json-file k8s-file local none syslog\n",
         NULL},
	{" Swarm: inactive\n", NULL},
	{" Default Runtime: ", "DefaultRuntime"},
	{" Security Options:\n  seccomp\n   Profile: default\n  cgroupns\n", NULL},
	{" Kernel Version: ", "KernelVersion"},
	{" Operating System: ", "OperatingSystem"},
	{" OSType: ", "OSType"},
	{" Architecture: ", "Architecture"},
	{" CPUs: ", "NCPU"},
	{" Total Memory: ", "MemTotal"},
	{" Name: ", "Name"},
	{" Docker Root Dir: ", "DockerRootDir"},
	{" Run Dir: ", "RunDir"},
	{" Debug Mode: ", "Debug"},
	{" Live Restore Enabled: ", "LiveRestoreEnabled"},
};

static void add_value(struct json_object *info, const char *key, struct mb_str *out)
{
	char human[MB_FORMAT_HUMAN_TEXT];
	const char *text = mb_json_find_str(info, key, NULL);

	if (strcmp(key, "MemTotal") == 0)
		mb_str_add(out, mb_format_bytes((double)mb_json_find_i64(info, key, 0), human));
	else if (text)
		mb_str_add(out, text);
	else
		mb_json_format(mb_json_find(info, key), false, out);
	mb_str_addc(out, '\n');
}

static int info_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct info_args *args = in->args;
	MB_AUTO(mb_json_free) struct json_object *info = NULL;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r < 0)
		return r;
	info = new_info(cx, store);
	r = add_counts(store, info, err);
	if (r < 0)
		return r;
	mb_cmd_info_shared(store, info);
	if (args->format && *args->format)
		return mb_cmd_document_put(args->format, info, err);
	for (size_t i = 0; i < MB_N(lines); i++) {
		mb_str_add(&out, lines[i].words);
		if (lines[i].key)
			add_value(info, lines[i].key, &out);
	}
	mb_cmd_info_shared_put(info, &out);
	return mb_cmd_put(&out);
}

static const struct mb_cli_opt info_opts[] = {
	MB_OPT_STRING('f', "format", NULL, struct info_args, format,
                      "print by a Go template, or \"json\""),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_info = {
	.paths = "info|system info",
	.summary = "show what this mybox has and can do",
	.common = true,
	.opts = info_opts,
	.args_size = sizeof(struct info_args),
	.examples = "mybox info\nmybox info --format '{{.Driver}} {{.CgroupVersion}}'\n",
	.main = info_main,
};
