/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/stats.h"

#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/cgroup.h"
#include "json/json.h"

enum { CPU_MAX = 8191 };

/* What is read for one document. */
struct reading {
	struct mb_sys_cgroup *cg;
	struct mb_sys_cgroup_stats s;
	struct mb_str text;
};

static void set_u64(struct json_object *o, const char *key, uint64_t value)
{
	mb_json_set(o, key, json_object_new_uint64(value));
}

static struct json_object *add(struct json_object *o, const char *key)
{
	struct json_object *inner = mb_json_new_object();

	mb_json_set(o, key, inner);
	return inner;
}

/* --- files --- */

static const char *read_text(struct reading *r, const char *controller, const char *file)
{
	int e = mb_sys_cgroup_file_read(r->cg, controller, file, &r->text, NULL);

	return e == 0 ? mb_str_text(&r->text) : NULL;
}

static bool read_number(struct reading *r, const char *controller, const char *file, uint64_t *ret)
{
	const char *text = read_text(r, controller, file);

	if (!text)
		return false;
	if (mb_starts_with(text, "max")) {
		*ret = UINT64_MAX;
		return true;
	}
	r->text.buf[strcspn(r->text.buf, "\n")] = '\0';
	return mb_parse_u64(text, ret) == 0;
}

/* As @key, if the file is there. */
static void set_file(struct reading *r, const char *controller, const char *file,
                     struct json_object *o, const char *key)
{
	uint64_t value;

	if (read_number(r, controller, file, &value))
		set_u64(o, key, value);
}

/* "KEY NUMBER" lines as members.  The text is cut in doing so. */
static void set_pairs(char *text, struct json_object *o)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *space = strchr(line, ' ');
		uint64_t value;

		if (!space || mb_parse_u64(space + 1, &value) < 0)
			continue;
		*space = '\0';
		set_u64(o, line, value);
	}
}

static uint64_t pair_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(o, key, &value) ? json_object_get_uint64(value) : 0;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and "full ...". */
static void add_pressure(struct reading *r, const char *file, struct json_object *o)
{
	static const char *const kinds[] = {"some", "full"};
	const char *text = read_text(r, "", file);
	struct json_object *psi;

	if (!text || !mb_sys_cgroup_is_v2(r->cg, ""))
		return;
	psi = add(o, "psi");
	for (size_t i = 0; i < MB_N(kinds); i++) {
		const char *line = strstr(text, kinds[i]);
		struct json_object *kind;
		double avg[3];
		unsigned long long total;

		if (!line || sscanf(line + 4, " avg10=%lf avg60=%lf avg300=%lf total=%llu", &avg[0],
		                    &avg[1], &avg[2], &total) != 4)
			continue;
		kind = add(psi, kinds[i]);
		mb_json_set(kind, "avg10", json_object_new_double(avg[0]));
		mb_json_set(kind, "avg60", json_object_new_double(avg[1]));
		mb_json_set(kind, "avg300", json_object_new_double(avg[2]));
		set_u64(kind, "total", total);
	}
}

/* --- processor --- */

/* "1 2 3": nsec of each processor; version 1 only. */
static void add_percpu(struct reading *r, struct json_object *usage)
{
	const char *text = read_text(r, "cpuacct", "cpuacct.usage_percpu");
	struct json_object *list;

	if (!text)
		return;
	list = mb_json_new_array();
	for (char *end; *text; text = end) {
		unsigned long long nsec = strtoull(text, &end, 10);

		if (end == text)
			break;
		mb_json_push(list, json_object_new_uint64(nsec));
	}
	mb_json_set(usage, "percpu", list);
}

static void add_cpu(struct reading *r, struct json_object *data)
{
	struct json_object *cpu = add(data, "cpu"), *usage = add(cpu, "usage"), *throttling;

	set_u64(usage, "total", r->s.cpu_usec * 1000);
	add_percpu(r, usage);
	set_u64(usage, "kernel", r->s.cpu_system_usec * 1000);
	set_u64(usage, "user", r->s.cpu_user_usec * 1000);
	throttling = add(cpu, "throttling");
	set_u64(throttling, "periods", r->s.cpu_periods);
	set_u64(throttling, "throttledPeriods", r->s.cpu_throttled_periods);
	set_u64(throttling, "throttledTime", r->s.cpu_throttled_usec * 1000);
	add_pressure(r, "cpu.pressure", cpu);
}

/* "0-2,7" as numbers. */
static void add_list(struct reading *r, const char *file, struct json_object *o, const char *key)
{
	const char *p = read_text(r, "cpuset", file);
	struct json_object *list;

	if (!p)
		return;
	list = mb_json_new_array();
	for (;;) {
		char *end;
		unsigned long from = strtoul(p, &end, 10), to = from;

		if (end == p)
			break;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to && from <= CPU_MAX; from++)
			mb_json_push(list, json_object_new_uint64(from));
		p = *end == ',' ? end + 1 : end;
	}
	mb_json_set(o, key, list);
}

static void add_cpuset(struct reading *r, struct json_object *data)
{
	bool v2 = mb_sys_cgroup_is_v2(r->cg, "cpuset");
	struct json_object *set = add(data, "cpuset");

	add_list(r, v2 ? "cpuset.cpus.effective" : "cpuset.cpus", set, "cpus");
	add_list(r, v2 ? "cpuset.mems.effective" : "cpuset.mems", set, "mems");
}

/* --- memory --- */

/* Version 1: four files that begin alike. */
static struct json_object *add_counter(struct reading *r, struct json_object *memory,
                                       const char *key, const char *prefix)
{
	static const struct {
		const char *file, *key;
	} rows[] = {{"limit_in_bytes", "limit"},
	            {"usage_in_bytes", "usage"},
	            {"max_usage_in_bytes", "max"},
	            {"failcnt", "failcnt"}};
	struct json_object *o = add(memory, key);

	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *file = mb_asprintf("%s.%s", prefix, rows[i].file);

		set_file(r, "memory", file, o, rows[i].key);
	}
	return o;
}

static uint64_t event_count(struct reading *r, const char *file, const char *key)
{
	const char *text = read_text(r, "memory", file);
	MB_AUTO(mb_json_free) struct json_object *pairs = mb_json_new_object();

	if (text)
		set_pairs(r->text.buf, pairs);
	return pair_of(pairs, key);
}

/* Version 2 counts swap alone; readers expect version 1's sum. */
static void add_memory_v2(struct reading *r, struct json_object *memory)
{
	struct json_object *usage = add(memory, "usage"), *swap;
	uint64_t limit = UINT64_MAX, used = 0;

	set_u64(usage, "limit", r->s.memory_limit);
	set_u64(usage, "usage", r->s.memory);
	set_u64(usage, "max", r->s.memory_peak);
	set_u64(usage, "failcnt", event_count(r, "memory.events", "max"));
	swap = add(memory, "swap");
	(void)read_number(r, "memory", "memory.swap.max", &limit);
	(void)read_number(r, "memory", "memory.swap.current", &used);
	if (limit != UINT64_MAX && r->s.memory_limit != UINT64_MAX)
		limit += r->s.memory_limit;
	else
		limit = UINT64_MAX;
	set_u64(swap, "limit", limit);
	set_u64(swap, "usage", used + r->s.memory);
	set_u64(swap, "failcnt", event_count(r, "memory.swap.events", "max"));
	add(memory, "kernel");
	add(memory, "kernelTCP");
}

static void add_memory(struct reading *r, struct json_object *data)
{
	bool v2 = mb_sys_cgroup_is_v2(r->cg, "memory");
	struct json_object *memory = add(data, "memory"), *raw = mb_json_new_object();

	if (read_text(r, "memory", "memory.stat"))
		set_pairs(r->text.buf, raw);
	set_u64(memory, "cache", pair_of(raw, v2 ? "file" : "cache"));
	if (v2) {
		add_memory_v2(r, memory);
	} else {
		add_counter(r, memory, "usage", "memory");
		add_counter(r, memory, "swap", "memory.memsw");
		add_counter(r, memory, "kernel", "memory.kmem");
		add_counter(r, memory, "kernelTCP", "memory.kmem.tcp");
	}
	mb_json_set(memory, "raw", raw);
	add_pressure(r, "memory.pressure", memory);
}

static void add_pids(struct reading *r, struct json_object *data)
{
	struct json_object *pids = add(data, "pids");

	set_u64(pids, "current", r->s.pids);
	if (r->s.pids_limit != UINT64_MAX)
		set_u64(pids, "limit", r->s.pids_limit);
}

/* --- block devices --- */

struct device {
	unsigned major, minor;
};

static void push_entry(struct json_object *list, struct device d, const char *op, uint64_t value)
{
	struct json_object *entry = mb_json_new_object();

	set_u64(entry, "major", d.major);
	set_u64(entry, "minor", d.minor);
	if (*op)
		mb_json_set_str(entry, "op", op);
	set_u64(entry, "value", value);
	mb_json_push(list, entry);
}

/* "8:0 Read 123", or "8:0 123". */
static void add_io_v1(struct reading *r, const char *file, struct json_object *o, const char *key)
{
	const char *text = read_text(r, "blkio", file);
	struct json_object *list, *old;
	char *save = NULL;

	if (!text)
		return;
	list = mb_json_new_array();
	for (char *line = strtok_r(r->text.buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct device d;
		char op[16] = "";
		unsigned long long value;

		if (sscanf(line, "%u:%u %15[A-Za-z] %llu", &d.major, &d.minor, op, &value) == 4 ||
		    sscanf(line, "%u:%u %llu", &d.major, &d.minor, &value) == 3)
			push_entry(list, d, op, value);
	}
	/* What a scheduler has not counted, throttling has. */
	if (json_object_array_length(list) == 0 && json_object_object_get_ex(o, key, &old))
		mb_json_free(list);
	else
		mb_json_set(o, key, list);
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0" */
static void add_io_v2(struct reading *r, struct json_object *bytes, struct json_object *count)
{
	static const struct {
		const char *key, *op;
		bool is_count;
	} rows[] = {
		{"rbytes", "Read", false}, {"wbytes", "Write", false},   {"rios", "Read", true},
		{"wios", "Write", true},   {"dbytes", "Discard", false}, {"dios", "Discard", true},
	};
	const char *text = read_text(r, "io", "io.stat");
	char *save = NULL;

	for (char *line = text ? strtok_r(r->text.buf, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct device d;

		if (sscanf(line, "%u:%u", &d.major, &d.minor) != 2)
			continue;
		for (size_t i = 0; i < MB_N(rows); i++) {
			MB_AUTO_FREE char *key = mb_asprintf(" %s=", rows[i].key);
			const char *at = strstr(line, key);

			if (at)
				push_entry(rows[i].is_count ? count : bytes, d, rows[i].op,
				           strtoull(at + strlen(key), NULL, 10));
		}
	}
}

static void add_block_io(struct reading *r, struct json_object *data)
{
	static const struct {
		const char *file, *key;
	} rows[] = {
		{"throttle.io_service_bytes_recursive", "ioServiceBytesRecursive"},
		{"throttle.io_serviced_recursive", "ioServicedRecursive"},
		{"bfq.io_service_bytes_recursive", "ioServiceBytesRecursive"},
		{"bfq.io_serviced_recursive", "ioServicedRecursive"},
		{"bfq.io_queued_recursive", "ioQueueRecursive"},
		{"bfq.io_service_time_recursive", "ioServiceTimeRecursive"},
		{"bfq.io_wait_time_recursive", "ioWaitTimeRecursive"},
		{"bfq.io_merged_recursive", "ioMergedRecursive"},
		{"bfq.time_recursive", "ioTimeRecursive"},
		{"bfq.sectors_recursive", "sectorsRecursive"},
	};
	struct json_object *io = add(data, "blkio"), *bytes, *count;

	if (!mb_sys_cgroup_is_v2(r->cg, "io")) {
		for (size_t i = 0; i < MB_N(rows); i++) {
			MB_AUTO_FREE char *file = mb_asprintf("blkio.%s", rows[i].file);

			add_io_v1(r, file, io, rows[i].key);
		}
		return;
	}
	bytes = mb_json_new_array();
	count = mb_json_new_array();
	add_io_v2(r, bytes, count);
	mb_json_set(io, "ioServiceBytesRecursive", bytes);
	mb_json_set(io, "ioServicedRecursive", count);
	add_pressure(r, "io.pressure", io);
}

/* --- what few use --- */

static bool set_hugepages(struct reading *r, const char *prefix, struct json_object *o)
{
	MB_AUTO_FREE char *v1 = mb_asprintf("%s.usage_in_bytes", prefix);
	MB_AUTO_FREE char *max = mb_asprintf("%s.max_usage_in_bytes", prefix);
	MB_AUTO_FREE char *fail = mb_asprintf("%s.failcnt", prefix);
	MB_AUTO_FREE char *v2 = mb_asprintf("%s.current", prefix);

	set_file(r, "hugetlb", v1, o, "usage");
	set_file(r, "hugetlb", v2, o, "usage");
	set_file(r, "hugetlb", max, o, "max");
	set_file(r, "hugetlb", fail, o, "failcnt");
	return json_object_object_length(o) > 0;
}

/* "hugepages-2048kB" as "2MB". */
static char *size_of(const char *name)
{
	static const char *const units[] = {"KB", "MB", "GB"};
	const char *text = mb_skip_prefix(name, "hugepages-");
	unsigned long long size = text ? strtoull(text, NULL, 10) : 0;
	size_t unit = 0;

	for (; size >= 1024 && size % 1024 == 0 && unit + 1 < MB_N(units); unit++)
		size /= 1024;
	return size ? mb_asprintf("%llu%s", size, units[unit]) : NULL;
}

static void add_hugepages_of(struct reading *r, const char *size, struct json_object *pages)
{
	MB_AUTO_FREE char *reserved = mb_asprintf("hugetlb.%s.rsvd", size);
	MB_AUTO_FREE char *used = mb_asprintf("hugetlb.%s", size);
	struct json_object *o = mb_json_new_object();

	if (set_hugepages(r, reserved, o) || set_hugepages(r, used, o))
		mb_json_set(pages, size, o);
	else
		mb_json_free(o);
}

/* The kernel's sizes are known by the names of directories. */
static void add_hugepages(struct reading *r, struct json_object *data)
{
	struct json_object *pages = add(data, "hugetlb");
	DIR *dir;

	/* Without the controller they need no look. */
	if (!mb_sys_cgroup_has(r->cg, "hugetlb"))
		return;
	dir = opendir("/sys/kernel/mm/hugepages");
	for (const struct dirent *e; dir && (e = readdir(dir));) {
		MB_AUTO_FREE char *size = size_of(e->d_name);

		if (size)
			add_hugepages_of(r, size, pages);
	}
	if (dir)
		closedir(dir);
}

static uint64_t count_of(const char *text)
{
	return mb_starts_with(text, "max") ? UINT32_MAX : strtoull(text, NULL, 10);
}

/* "mlx5_0 hca_handle=2 hca_object=max" */
static void add_rdma_list(struct reading *r, const char *file, struct json_object *o,
                          const char *key)
{
	const char *text = read_text(r, "rdma", file);
	struct json_object *list = text ? mb_json_new_array() : NULL;
	char *save = NULL;

	for (char *line = text ? strtok_r(r->text.buf, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *handles = strstr(line, " hca_handle="), *objects;
		struct json_object *entry = mb_json_new_object();

		objects = strstr(line, " hca_object=");
		if (handles)
			set_u64(entry, "hcaHandles", count_of(handles + 12));
		if (objects)
			set_u64(entry, "hcaObjects", count_of(objects + 12));
		line[strcspn(line, " ")] = '\0';
		mb_json_set_str(entry, "device", line);
		mb_json_push(list, entry);
	}
	if (list)
		mb_json_set(o, key, list);
}

static void add_rdma(struct reading *r, struct json_object *data)
{
	struct json_object *rdma;

	if (mb_sys_cgroup_file_read(r->cg, "rdma", "rdma.current", &r->text, NULL) != 0)
		return;
	rdma = add(data, "rdma");
	add_rdma_list(r, "rdma.max", rdma, "limit");
	add_rdma_list(r, "rdma.current", rdma, "current");
}

/* --- all of it --- */

int mb_runtime_stats_make(struct mb_sys_cgroup *cg, struct json_object **ret, struct mb_err *err)
{
	struct reading r = {.cg = cg};
	struct json_object *data;
	int e = mb_sys_cgroup_stats_read(cg, &r.s, err);

	if (e < 0)
		return e;
	data = mb_json_new_object();
	add_cpu(&r, data);
	add_cpuset(&r, data);
	add_memory(&r, data);
	add_pids(&r, data);
	add_block_io(&r, data);
	add_hugepages(&r, data);
	add_rdma(&r, data);
	add(data, "intel_rdt");
	mb_json_set(data, "network_interfaces", NULL);
	mb_str_done(&r.text);
	*ret = data;
	return 0;
}
