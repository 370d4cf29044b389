/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/shape.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#include "json/json.h"

// clang-format off
const struct mb_shape mb_container_shape_top[] = {
	{"Id", MB_SHAPE_STR}, {"Created", MB_SHAPE_STR}, {"Path", MB_SHAPE_STR},
	{"Args", MB_SHAPE_LIST}, {"State", MB_SHAPE_MAP}, {"Image", MB_SHAPE_STR},
	{"ResolvConfPath", MB_SHAPE_STR}, {"HostnamePath", MB_SHAPE_STR},
	{"HostsPath", MB_SHAPE_STR}, {"LogPath", MB_SHAPE_STR}, {"Name", MB_SHAPE_STR},
	{"RestartCount", MB_SHAPE_ZERO}, {"Driver", MB_SHAPE_STR}, {"Platform", MB_SHAPE_STR},
	{"MountLabel", MB_SHAPE_STR}, {"ProcessLabel", MB_SHAPE_STR},
	{"AppArmorProfile", MB_SHAPE_STR}, {"ExecIDs", MB_SHAPE_NULL},
	{"HostConfig", MB_SHAPE_MAP}, {"GraphDriver", MB_SHAPE_MAP}, {"SizeRw", MB_SHAPE_ABSENT},
	{"SizeRootFs", MB_SHAPE_ABSENT}, {"Mounts", MB_SHAPE_LIST}, {"Config", MB_SHAPE_MAP},
	{"NetworkSettings", MB_SHAPE_MAP}, {NULL, MB_SHAPE_ABSENT},
};

const struct mb_shape mb_container_shape_host[] = {
	{"Binds", MB_SHAPE_NULL}, {"ContainerIDFile", MB_SHAPE_STR}, {"LogConfig", MB_SHAPE_MAP},
	{"NetworkMode", MB_SHAPE_STR}, {"PortBindings", MB_SHAPE_MAP},
	{"RestartPolicy", MB_SHAPE_MAP}, {"AutoRemove", MB_SHAPE_FALSE},
	{"VolumeDriver", MB_SHAPE_STR}, {"VolumesFrom", MB_SHAPE_NULL}, {"CapAdd", MB_SHAPE_NULL},
	{"CapDrop", MB_SHAPE_NULL}, {"CgroupnsMode", MB_SHAPE_STR}, {"Dns", MB_SHAPE_LIST},
	{"DnsOptions", MB_SHAPE_LIST}, {"DnsSearch", MB_SHAPE_LIST}, {"ExtraHosts", MB_SHAPE_NULL},
	{"GroupAdd", MB_SHAPE_NULL}, {"IpcMode", MB_SHAPE_STR}, {"Cgroup", MB_SHAPE_STR},
	{"Links", MB_SHAPE_NULL}, {"OomScoreAdj", MB_SHAPE_ZERO}, {"PidMode", MB_SHAPE_STR},
	{"Privileged", MB_SHAPE_FALSE}, {"PublishAllPorts", MB_SHAPE_FALSE},
	{"ReadonlyRootfs", MB_SHAPE_FALSE}, {"SecurityOpt", MB_SHAPE_NULL},
	{"Tmpfs", MB_SHAPE_ABSENT}, {"UTSMode", MB_SHAPE_STR}, {"UsernsMode", MB_SHAPE_STR},
	{"ShmSize", MB_SHAPE_ZERO}, {"Sysctls", MB_SHAPE_ABSENT}, {"Runtime", MB_SHAPE_STR},
	{"ConsoleSize", MB_SHAPE_SIZE}, {"Isolation", MB_SHAPE_STR}, {"CpuShares", MB_SHAPE_ZERO},
	{"Memory", MB_SHAPE_ZERO}, {"NanoCpus", MB_SHAPE_ZERO}, {"CgroupParent", MB_SHAPE_STR},
	{"BlkioWeight", MB_SHAPE_ZERO}, {"BlkioWeightDevice", MB_SHAPE_LIST},
	{"BlkioDeviceReadBps", MB_SHAPE_NULL}, {"BlkioDeviceWriteBps", MB_SHAPE_NULL},
	{"BlkioDeviceReadIOps", MB_SHAPE_NULL}, {"BlkioDeviceWriteIOps", MB_SHAPE_NULL},
	{"CpuPeriod", MB_SHAPE_ZERO}, {"CpuQuota", MB_SHAPE_ZERO},
	{"CpuRealtimePeriod", MB_SHAPE_ZERO}, {"CpuRealtimeRuntime", MB_SHAPE_ZERO},
	{"CpusetCpus", MB_SHAPE_STR}, {"CpusetMems", MB_SHAPE_STR}, {"Devices", MB_SHAPE_LIST},
	{"DeviceCgroupRules", MB_SHAPE_NULL}, {"DeviceRequests", MB_SHAPE_NULL},
	{"KernelMemory", MB_SHAPE_ZERO}, {"KernelMemoryTCP", MB_SHAPE_ZERO},
	{"MemoryReservation", MB_SHAPE_ZERO}, {"MemorySwap", MB_SHAPE_ZERO},
	{"MemorySwappiness", MB_SHAPE_NULL}, {"OomKillDisable", MB_SHAPE_FALSE},
	{"PidsLimit", MB_SHAPE_NULL}, {"Ulimits", MB_SHAPE_NULL}, {"CpuCount", MB_SHAPE_ZERO},
	{"CpuPercent", MB_SHAPE_ZERO}, {"IOMaximumIOps", MB_SHAPE_ZERO},
	{"IOMaximumBandwidth", MB_SHAPE_ZERO}, {"Mounts", MB_SHAPE_ABSENT}, {"MaskedPaths", MB_SHAPE_LIST},
	{"ReadonlyPaths", MB_SHAPE_LIST}, {NULL, MB_SHAPE_ABSENT},
};

const struct mb_shape mb_container_shape_config[] = {
	{"Hostname", MB_SHAPE_STR}, {"Domainname", MB_SHAPE_STR}, {"User", MB_SHAPE_STR},
	{"AttachStdin", MB_SHAPE_FALSE}, {"AttachStdout", MB_SHAPE_FALSE},
	{"AttachStderr", MB_SHAPE_FALSE}, {"ExposedPorts", MB_SHAPE_ABSENT, true},
	{"Tty", MB_SHAPE_FALSE}, {"OpenStdin", MB_SHAPE_FALSE}, {"StdinOnce", MB_SHAPE_FALSE},
	{"Env", MB_SHAPE_NULL}, {"Cmd", MB_SHAPE_NULL}, {"Healthcheck", MB_SHAPE_ABSENT, true},
	{"Image", MB_SHAPE_STR}, {"Volumes", MB_SHAPE_NULL}, {"WorkingDir", MB_SHAPE_STR},
	{"Entrypoint", MB_SHAPE_NULL}, {"OnBuild", MB_SHAPE_NULL}, {"Labels", MB_SHAPE_NULL},
	{"StopSignal", MB_SHAPE_ABSENT, true}, {"StopTimeout", MB_SHAPE_ABSENT},
	{"Shell", MB_SHAPE_ABSENT, true}, {NULL, MB_SHAPE_ABSENT},
};

const struct mb_shape mb_container_shape_network[] = {
	{"Bridge", MB_SHAPE_STR}, {"SandboxID", MB_SHAPE_STR}, {"HairpinMode", MB_SHAPE_FALSE},
	{"LinkLocalIPv6Address", MB_SHAPE_STR}, {"LinkLocalIPv6PrefixLen", MB_SHAPE_ZERO},
	{"Ports", MB_SHAPE_MAP}, {"SandboxKey", MB_SHAPE_STR},
	{"SecondaryIPAddresses", MB_SHAPE_NULL}, {"SecondaryIPv6Addresses", MB_SHAPE_NULL},
	{"EndpointID", MB_SHAPE_STR}, {"Gateway", MB_SHAPE_STR},
	{"GlobalIPv6Address", MB_SHAPE_STR}, {"GlobalIPv6PrefixLen", MB_SHAPE_ZERO},
	{"IPAddress", MB_SHAPE_STR}, {"IPPrefixLen", MB_SHAPE_ZERO}, {"IPv6Gateway", MB_SHAPE_STR},
	{"MacAddress", MB_SHAPE_STR}, {"Networks", MB_SHAPE_MAP}, {NULL, MB_SHAPE_ABSENT},
};

const struct mb_shape mb_container_shape_endpoint[] = {
	{"IPAMConfig", MB_SHAPE_NULL}, {"Links", MB_SHAPE_NULL}, {"Aliases", MB_SHAPE_NULL},
	{"NetworkID", MB_SHAPE_STR}, {"EndpointID", MB_SHAPE_STR}, {"Gateway", MB_SHAPE_STR},
	{"IPAddress", MB_SHAPE_STR}, {"IPPrefixLen", MB_SHAPE_ZERO}, {"IPv6Gateway", MB_SHAPE_STR},
	{"GlobalIPv6Address", MB_SHAPE_STR}, {"GlobalIPv6PrefixLen", MB_SHAPE_ZERO},
	{"MacAddress", MB_SHAPE_STR}, {"DNSNames", MB_SHAPE_ABSENT}, {"DriverOpts", MB_SHAPE_NULL},
	{NULL, MB_SHAPE_ABSENT},
};
// clang-format on

static bool is_empty(struct json_object *o)
{
	switch (json_object_get_type(o)) {
	case json_type_null:
		return true;
	case json_type_string:
		return json_object_get_string_len(o) == 0;
	case json_type_array:
		return json_object_array_length(o) == 0;
	case json_type_object:
		return json_object_object_length(o) == 0;
	case json_type_boolean:
	case json_type_double:
	case json_type_int:
		break;
	}
	return false;
}

static void add_absent(struct json_object *to, const struct mb_shape *row)
{
	struct json_object *size;

	switch (row->otherwise) {
	case MB_SHAPE_ABSENT:
		break;
	case MB_SHAPE_NULL:
		mb_json_set(to, row->key, NULL);
		break;
	case MB_SHAPE_STR:
		mb_json_set_str(to, row->key, "");
		break;
	case MB_SHAPE_ZERO:
		mb_json_set_i64(to, row->key, 0);
		break;
	case MB_SHAPE_FALSE:
		mb_json_set_bool(to, row->key, false);
		break;
	case MB_SHAPE_LIST:
		mb_json_set(to, row->key, mb_json_new_array());
		break;
	case MB_SHAPE_MAP:
		mb_json_set(to, row->key, mb_json_new_object());
		break;
	case MB_SHAPE_SIZE:
		size = mb_json_new_array();
		mb_json_push(size, json_object_new_int(0));
		mb_json_push(size, json_object_new_int(0));
		mb_json_set(to, row->key, size);
		break;
	}
}

struct json_object *mb_container_shape(struct json_object *o, const struct mb_shape *rows)
{
	struct json_object *shaped = mb_json_new_object(), *value;

	for (const struct mb_shape *row = rows; row->key; row++) {
		if (json_object_object_get_ex(o, row->key, &value) &&
		    !(row->is_empty_absent && is_empty(value)))
			mb_json_set(shaped, row->key, json_object_get(value));
		else
			add_absent(shaped, row);
		json_object_object_del(o, row->key);
	}
	json_object_object_foreach (o, key, rest)
		mb_json_set(shaped, key, json_object_get(rest));
	mb_json_free(o);
	return shaped;
}
