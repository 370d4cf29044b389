/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/go_field.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <string.h>

#include "core/own.h"
#include "json/json.h"

/* The same member under Go's name. */
static bool has_alias(struct json_object *object, const char *name, struct json_object **ret)
{
	static const char *const rows[][2] = {
		{"ID", "Id"},
		{"NanoCPUs", "NanoCpus"},
		{"CPUShares", "CpuShares"},
		{"CPUPeriod", "CpuPeriod"},
		{"CPUQuota", "CpuQuota"},
		{"CPURealtimePeriod", "CpuRealtimePeriod"},
		{"CPURealtimeRuntime", "CpuRealtimeRuntime"},
		{"CPUCount", "CpuCount"},
		{"CPUPercent", "CpuPercent"},
		{"DNS", "Dns"},
		{"DNSOptions", "DnsOptions"},
		{"DNSSearch", "DnsSearch"},
		{"HostIP", "HostIp"},
		{"AuxAddress", "AuxiliaryAddresses"},
	};

	for (size_t i = 0; i < MB_N(rows); i++)
		if (strcmp(name, rows[i][0]) == 0)
			return json_object_object_get_ex(object, rows[i][1], ret);
	return false;
}

/* A struct within the struct, whose members the JSON has beside the others: known by one of them.
 */
static bool is_embedded(struct json_object *object, const char *name)
{
	static const char *const rows[][2] = {
		{"ContainerJSONBase", "HostConfig"},
		{"Resources", "CpuShares"},
		{"NetworkSettingsBase", "SandboxID"},
		{"DefaultNetworkSettings", "SandboxID"},
	};

	for (size_t i = 0; i < MB_N(rows); i++)
		if (strcmp(name, rows[i][0]) == 0)
			return json_object_object_get_ex(object, rows[i][1], NULL);
	return false;
}

/* What docker leaves out when it is empty, and what its templates know all the same. */
static int empty_member(const char *name, struct json_object **ret, struct mb_err *err)
{
	static const struct {
		const char *name, *json; /* NULL: nil */
	} rows[] = {
		{"Annotations", NULL},
		{"DNSNames", NULL},
		{"ExposedPorts", NULL},
		{"Health", NULL},
		{"ExternalEndpoints", "[]"},
		{"Healthcheck", NULL},
		{"Init", NULL},
		{"Mounts", "[]"},
		{"OnBuild", NULL},
		{"OsVersion", "\"\""},
		{"Shell", NULL},
		{"SizeRootFs", NULL},
		{"SizeRw", NULL},
		{"StopSignal", "\"\""},
		{"StopTimeout", NULL},
		{"Sysctls", NULL},
		{"Tmpfs", NULL},
		{"Variant", "\"\""},
	};

	for (size_t i = 0; i < MB_N(rows); i++)
		if (strcmp(name, rows[i].name) == 0) {
			const char *json = rows[i].json;

			*ret = NULL;
			return json ? mb_json_parse(json, strlen(json), ret, err) : 0;
		}
	return 1;
}

int mb_cmd_go_field(void *user, struct json_object *object, const char *name,
                    struct json_object *const *args, size_t n_args, struct json_object **ret,
                    struct mb_err *err)
{
	struct json_object *found = object;

	(void)user;
	(void)args;
	if (n_args)
		return 1;
	if (!has_alias(object, name, &found) && !is_embedded(object, name))
		return empty_member(name, ret, err);
	*ret = json_object_get(found);
	return 0;
}
